"""IQNet (OJCAS 2024)."""
