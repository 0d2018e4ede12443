"""BD-rates of the run in; the same next to a peer's out."""

import pandas as pd

from jndlab.papers.iqnet.peer import peer_table
from jndlab.papers.iqnet.published import load_published
from jndlab.report.tables import write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    table = peer_table(pd.read_csv(snakemake.input.bd_rates), load_published()["peer_bd_rate"])
    write_table(
        table,
        stems(snakemake.output)["peer_bd_rate"],
        caption=f"BD-rate (%) against the anchor, mean over a set's sequences, "
        f"{snakemake.params.codec}; rows of FJNDF are the peer's, with VVenC's own low delay.",
    )


run(main, snakemake)
