"""What the suite adds to Snakemake: complete rules, noted imports, patches, a line of progress."""
