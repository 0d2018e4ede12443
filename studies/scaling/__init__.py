"""How long the papers' scale takes on many cores, and how good such predictions are."""
