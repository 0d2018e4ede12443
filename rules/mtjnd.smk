"""MTJND: everything of it under one name."""
