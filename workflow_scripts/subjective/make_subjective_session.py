"""Rating clips in; the folder of a session and the table of its stimuli out."""

from pathlib import Path

from jndlab.files import read_json
from jndlab.subjective.rating_page import CodedClip, SessionOptions, write_session
from jndops.adapter import run


def main(snakemake) -> None:
    params = snakemake.params
    rates = iter(snakemake.input.rates)  # where pairs are of equal rate
    clips = []
    for path, metadata, shown in zip(
        snakemake.input.clips, snakemake.input.metadata, params.shown, strict=True
    ):
        rate = read_json(next(rates)) if snakemake.input.rates and "qp" in shown else {}
        coded = rate.get("method" if shown.get("qp") is not None else "anchor", {})
        clips.append(CodedClip(Path(path), read_json(metadata), **{**shown, **coded}))
    write_session(
        clips,
        Path(snakemake.output.session),
        Path(snakemake.output.stimuli),
        SessionOptions(**params.options),
    )


run(main, snakemake)
