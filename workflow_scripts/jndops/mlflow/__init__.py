"""Runs, points and trainings in MLflow."""
