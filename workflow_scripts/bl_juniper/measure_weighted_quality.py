"""A source, streams and importance maps in; weighted PSNR and SSIM (CSV) out."""

from pathlib import Path

from jndlab.files import write_csv
from jndlab.media.clip import clip_from_text
from jndlab.papers.bl_juniper.weighted_quality import weighted_quality, weights_of
from jndops.adapter import run


def main(snakemake) -> None:
    given, params, names = snakemake.input, snakemake.params, snakemake.wildcards
    clip = clip_from_text(params.clip)
    maps = dict(zip(params.weightings, map(Path, given.importance), strict=True))
    weights = weights_of(maps, clip)
    streams = [Path(stream) for stream in given.streams]
    found = weighted_quality(Path(given.source), streams, clip, weights, params.every)
    place = {"sequence": names.sequence, "configuration": names.configuration, "codec": names.codec}
    rows = [
        {**place, "method": method, "qp": qp, **row}
        for (method, qp), of_stream in zip(params.coded, found, strict=True)
        for row in of_stream
    ]
    write_csv(snakemake.output.table, rows)


run(main, snakemake)
