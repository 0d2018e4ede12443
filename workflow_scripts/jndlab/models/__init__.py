"""Networks, one file per paper, and the layers they share."""
