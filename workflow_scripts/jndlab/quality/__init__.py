"""Full-reference metrics, pooling, BD-rate and scores by people."""
