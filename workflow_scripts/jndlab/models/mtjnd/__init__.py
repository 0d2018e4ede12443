"""MTJND's networks."""
