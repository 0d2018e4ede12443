"""The subsets that a split of a data set makes."""

SUBSETS = ("train", "val", "test")
FRACTIONS = {"train": 0.8, "val": 0.1, "test": 0.1}  # of the sources, by default
