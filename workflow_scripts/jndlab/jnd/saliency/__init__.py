"""Saliency models and the visual importance of blocks."""
