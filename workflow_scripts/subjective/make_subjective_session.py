"""Rating clips in; the folder of a session and the table of its stimuli out."""

from pathlib import Path

from jndlab.files import read_json
from jndlab.quality.points import read_points
from jndlab.quality.rd_point import POINT_KEY
from jndlab.subjective.rating_page import CodedClip, SessionOptions, write_session
from jndops.adapter import run

RATE = "bitrate_kbps"


def main(snakemake) -> None:
    params = snakemake.params
    rates = {}
    for path in snakemake.input.points:  # where pairs are of equal rate
        points = read_points(path)
        rates = points.set_index(POINT_KEY)[RATE].to_dict()
    clips = [
        CodedClip(Path(path), read_json(metadata), **shown, **_rate(shown, rates))
        for path, metadata, shown in zip(
            snakemake.input.clips, snakemake.input.metadata, params.shown, strict=True
        )
    ]
    write_session(
        clips,
        Path(snakemake.output.session),
        Path(snakemake.output.stimuli),
        SessionOptions(**params.options),
    )


def _rate(shown, rates) -> dict[str, float]:
    place = tuple(shown.get(name) for name in POINT_KEY)
    return {RATE: rates[place]} if place in rates else {}


run(main, snakemake)
