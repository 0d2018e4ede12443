"""What trainings draw their batches from."""
