"""Adapter of rule audit_iqnet."""

from pathlib import Path

import pandas as pd

from jndlab.papers.iqnet_audit import audit
from jndlab.report.tables import write_table
from jndops.adapter import run


def main(snakemake, log: Path) -> None:
    write_table(
        pd.DataFrame(audit()),
        Path(snakemake.output[0]).with_suffix(""),
        caption="IQNet's printed tables recomputed: one row per claim.",
    )


run(main, snakemake)  # noqa: F821
