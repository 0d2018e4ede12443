"""The numbers that IQNet's paper prints, recomputed from its own tables."""
