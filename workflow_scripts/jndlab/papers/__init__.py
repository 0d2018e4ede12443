"""One file per paper: which artefacts it has and how its tables and figures are made."""
