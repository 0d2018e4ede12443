"""Frames and clips: read, write, measure out; everything above stands on this floor."""
