"""Studies that settled a constant of the suite, kept to be repeated."""
