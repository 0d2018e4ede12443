"""Documents made by `make docs`: keys, environments, artefacts, and numbers of recorded runs."""
