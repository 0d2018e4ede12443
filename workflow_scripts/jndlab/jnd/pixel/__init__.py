"""Pixel-wise JND maps of published models."""
