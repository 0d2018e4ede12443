"""A source and streams of one point in; a figure of a frame with crops out."""

from pathlib import Path

from jndlab.media.clip import clip_from_text
from jndlab.papers.iqnet.frame_figures import Coded, plot_frames
from jndops.adapter import run, stems


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    coded = [
        Coded(label, Path(stream), Path(frames), Path(point))
        for label, stream, frames, point in zip(
            params.labels, given.streams, given.frames, given.points, strict=True
        )
    ]
    (stem,) = stems(snakemake.output).values()
    plot_frames(
        Path(given.source),
        coded,
        clip_from_text(params.clip),
        stem,
        number=params.frame,
        side=params.crop,
    )


run(main, snakemake)
