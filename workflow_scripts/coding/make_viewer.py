"""Streams and RD points in; a page that shows decoded frames against each other out."""

from jndlab.media.clip import clip_from_text
from jndlab.quality.points import read_points
from jndlab.quality.rd_point import POINT_KEY
from jndlab.report.viewer import Coding, write_viewer
from jndops.adapter import run


def main(snakemake) -> None:
    params, labels = snakemake.params, snakemake.params.labels
    points = read_points(snakemake.input.points).set_index(POINT_KEY)
    clips = {name: clip_from_text(clip) for name, clip in params.clips.items()}
    codings = [
        (Coding(source, sequence), clips[sequence])
        for sequence, source in zip(params.clips, snakemake.input.sources, strict=True)
    ]
    for key, stream in zip(params.points, snakemake.input.streams, strict=True):
        sequence, configuration, codec, method, qp = key
        point = points.loc[tuple(key)]
        vmaf = None if point["vmaf_mean"] != point["vmaf_mean"] else float(point["vmaf_mean"])
        coding = Coding(
            stream,
            sequence,
            configuration,
            codec,
            labels.get(method, method),
            int(qp),
            float(point["bitrate_kbps"]),
            vmaf,
        )
        codings.append((coding, clips[sequence]))
    write_viewer(
        snakemake.output.page, codings, params.frames, labels.get(params.anchor, params.anchor)
    )


run(main, snakemake)
