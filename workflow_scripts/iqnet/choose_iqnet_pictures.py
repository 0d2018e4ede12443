"""Scores of patches in; names of the pictures to show and their alphas (JSON) out."""

from jndlab.files import read_parquet, write_json
from jndlab.media.clip import evenly_spread
from jndlab.papers.iqnet.ablations import selections
from jndlab.papers.iqnet.config import SelectionOptions
from jndlab.papers.iqnet.training_pictures import most_detailed, named_or
from jndops.adapter import run


def main(snakemake) -> None:
    params = snakemake.params
    scores = read_parquet(snakemake.input.scores)
    order = most_detailed(scores)
    shown = named_or(order[:2], params.shown["table2"], order)
    spread = evenly_spread(len(order), params.shown["ablations"], first=True)
    ablated = [order[place] for place in spread]
    metadata = selections(scores, SelectionOptions(**params.selection), ablated)
    write_json(snakemake.output.chosen, {"table2": shown, "ablations": ablated, **metadata})


run(main, snakemake)
