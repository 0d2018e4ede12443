"""Ratings by people: the session, opinion scores and their comparison."""
