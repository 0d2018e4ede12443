"""Frames with JND labels: sources, labels, coded versions and the folder they are exported to."""
