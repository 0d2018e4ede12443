"""Scores by people: everything of it under one name."""
