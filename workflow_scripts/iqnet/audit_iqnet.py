"""Printed tables in; one row per claim, recomputed, out."""

from jndlab.papers.iqnet.audit.claims import write_audit
from jndops.adapter import run, stems


def main(snakemake) -> None:
    write_audit(stems(snakemake.output)["audit"])


run(main, snakemake)
