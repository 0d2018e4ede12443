"""Block-level JND: activity of blocks, mapping from a video's JND, QP of every block."""
