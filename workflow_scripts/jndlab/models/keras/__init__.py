"""Weights of Keras files in the suite's torch networks."""
