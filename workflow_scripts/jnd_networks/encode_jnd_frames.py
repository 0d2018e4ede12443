"""Frames with labels in; the frames coded at their JNDs (PNG), PSNR of every quality out."""

import logging
from pathlib import Path

from PIL import Image

from jndlab.codecs.x264 import X264Codec
from jndlab.datasets.jnd_frames.coding import (
    decode_frames,
    encode_frames,
    given_pictures,
    jnd_qualities,
    read_codings,
    write_coded,
)
from jndlab.datasets.jnd_frames.labels import QPS
from jndlab.datasets.jnd_labels import read_labels
from jndlab.datasets.mcl_jci import find_pictures
from jndlab.datasets.pictures.picture_list import load_pictures, read_list
from jndlab.media.pictures import read_picture
from jndlab.quality.quality_sweeps import stream_of
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    logging.captureWarnings(True)
    params, files = snakemake.params, snakemake.input
    labels = read_labels(files.labels, order=params.order)
    jnd = jnd_qualities(labels)
    frames = (
        (record.name, rgb) for record, rgb in load_pictures(files.frames, read_list(files.table))
    )
    pictures, table = Path(snakemake.output.pictures), []
    codec = X264Codec(params.preset)
    with scratch(snakemake) as work_dir:
        if labels.unit == "QF":  # only MCL-JCI's: what its subjects saw
            jpegs = {
                source: found.jpegs
                for source, found in find_pictures(params.folder, labels.sources).items()
            }
            codings = read_codings(frames, jnd, jpegs, "QF")
        elif files.streams:  # labels by steps: the frames are coded already
            streams = {qp: stream_of(Path(files.streams), qp, codec) for qp in QPS}
            codings = decode_frames(frames, jnd, streams, threads=snakemake.threads)
        else:
            codings = encode_frames(
                frames, jnd, codec, QPS, work_dir=work_dir, threads=snakemake.threads
            )
        for metadata, shown in codings:
            table += metadata
            for place, rgb in shown.items():
                _save(pictures, place, rgb)
    given = given_pictures(params.folder) if params.data_set == "folder" else {}
    for place, path in given.items():
        _save(pictures, place, read_picture(path))
    logging.info("%d pictures at JND quality were given, all others coded", len(given))
    write_coded(snakemake.output.table, table)


def _save(folder: Path, place: tuple[int, str], rgb) -> None:
    level, frame = place
    path = folder / f"jnd{level}" / f"{frame}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rgb).save(path)


run(main, snakemake)
