"""Adapter of rule audit_iqnet."""

from pathlib import Path

from jndlab.papers.iqnet.audit.claims import write_audit
from jndops.adapter import run


def main(snakemake) -> None:
    write_audit(Path(snakemake.output[0]).with_suffix(""))


run(main, snakemake)
