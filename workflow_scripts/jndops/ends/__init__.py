"""How jobs and runs end, and what they leave to the next run."""
