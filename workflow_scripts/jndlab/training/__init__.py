"""Data loading, the one training loop and checkpoints."""
