"""Speed of the suite as ratios: `python -m benchmarks`."""
