"""Rating clips in; the folder of a session and the table of its stimuli out."""

from pathlib import Path

from jndlab.files import read_json
from jndlab.subjective.rating_page import CodedClip, SessionOptions, write_session
from jndops.adapter import run


def main(snakemake) -> None:
    params = snakemake.params
    clips = [
        CodedClip(Path(path), read_json(metadata), **shown)
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


run(main, snakemake)
