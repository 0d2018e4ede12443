"""Videos of one's own in one command: an experiment is written and the same rules run on it."""
