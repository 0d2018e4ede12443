"""Clips, networks and RD points in; tables of what stages and encoding cost out."""

from pathlib import Path

from jndlab.datasets.jnd_labels import read_labels
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.jnd.saliency.visual_importance import load_saliency
from jndlab.media.clip import clip_from_text
from jndlab.papers.bl_juniper import complexity
from jndlab.papers.bl_juniper.mapping import key_frames_with_neighbours
from jndlab.quality.points import by_method, read_points
from jndlab.report.tables import write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    given, params, stem = snakemake.input, snakemake.params, stems(snakemake.output)
    saliency = {
        name: load_saliency(one["model"], one["options"]) for name, one in params.saliency.items()
    }
    rows = []
    for path, labels, (name, text) in zip(
        given.clips, given.video_jnd, params.clips.items(), strict=True
    ):
        clip = clip_from_text(text)
        frames = key_frames_with_neighbours(Path(path), clip, [0])
        _, pair, position = next(frames)
        frames.close()
        levels = [int(level) for level in read_labels(labels).values([name])[0]]
        frame = complexity.KeyFrame(pair, position, levels, clip)
        options = BlockMappingOptions(**params.mapping)
        rows += complexity.stage_rows(frame, given.models, saliency, options)
    write_table(
        complexity.stage_table(rows, params.every),
        stem["complexity"],
        caption=complexity.STAGE_CAPTION.format(every=params.every),
    )
    points = by_method(read_points(given.points))
    points = points[points["qp"].isin(params.qps)]
    write_table(
        complexity.encoding_table(points, params.anchor),
        stem["encoding_time"],
        caption=complexity.ENCODING_CAPTION,
    )


run(main, snakemake)
