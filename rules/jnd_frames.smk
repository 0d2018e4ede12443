"""Frames with JND labels: everything of it under one name."""
