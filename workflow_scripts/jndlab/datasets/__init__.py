"""One reader per public data set, the sheet of sequences, the registry, download and check."""
