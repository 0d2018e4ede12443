"""Labelled blocks, networks and maps in; tables of errors and of label tension out."""

from pathlib import Path

import numpy as np

from jndlab.datasets.jnd_labels import read_labels
from jndlab.jnd.block.maps import read_block_maps
from jndlab.media.clip import clip_from_text
from jndlab.models.bl_juniper.onnx import LEVELS, BlockJndPredictor
from jndlab.papers.bl_juniper import errors
from jndlab.papers.bl_juniper import label_statistics as labels
from jndlab.papers.bl_juniper.mapping import key_frames_with_ti
from jndlab.papers.bl_juniper.mcl_jcv import MAPPED_FROM_SUBJECTIVE, read_block_labels
from jndlab.report.tables import write_table
from jndlab.training.samplers.block_files import read_blocks
from jndlab.training.samplers.blocks import split_by_source
from jndops.adapter import run, stems


def main(snakemake) -> None:
    given, params, stem = snakemake.input, snakemake.params, stems(snakemake.output)
    content = read_blocks(given.blocks)
    split = split_by_source([str(name) for name in content.blocks.sources], **params.data)
    models = dict(zip(LEVELS, given.models, strict=True))
    predictor = BlockJndPredictor(models, raw_ti=params.raw_ti, threads=snakemake.threads)
    baselines = errors.Baselines.fitted(errors.from_file(content, split, ["train"]))

    tested = np.array([split[str(name)] == "test" for name in content.blocks.sources])
    held_out = errors.from_file(content, split, ["test"])
    tests = []
    if tested.any():
        of_cnn = predictor.of_blocks(
            content.blocks.pixels[tested], content.blocks.temporal_information[tested]
        )
        predictions = {errors.NETWORK: of_cnn, **baselines.predictions(held_out)}
        tests.append(errors.Tested(f"{params.source}, test", content.kind, held_out, predictions))

    parts, predicted, video_kind = [], [], ""
    mapped_values, cnn_values = [], []
    for number, (name, clip_text) in enumerate(params.clips.items()):
        clip = clip_from_text(clip_text)
        mapped, of_cnn = (
            read_block_maps(given[stage][number], "block_jnd", width=clip.width, height=clip.height)
            for stage in ("mapped", "predicted")
        )
        source = Path(given.sources[number])
        frames = key_frames_with_ti(source, clip, params.every, predictor.options)
        ti = np.stack([ti for _, _, ti in frames])
        of_video = read_labels(given.video_jnd[number])
        video_kind = of_video.kind
        blocks, values = errors.from_maps(name, mapped, of_cnn, ti, of_video.values([name])[0])
        parts.append(blocks)
        predicted.append(values)
        mapped_values.append(mapped.values.reshape(-1, 3))
        cnn_values.append(of_cnn.values.reshape(-1, 3))
    coded = errors.Labelled(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    predictions = {errors.NETWORK: np.concatenate(predicted), **baselines.predictions(coded)}
    tests.append(errors.Tested("coded sequences", video_kind, coded, predictions))

    jnd_of = {
        f"mapped ({video_kind})": np.concatenate(mapped_values),
        "cnn": np.concatenate(cnn_values),
    }
    if given.get("authors"):
        known = read_block_labels(given.authors)
        blocks = labels.labelled(known)
        predictions = errors.cross_validated_baselines(blocks)
        tests.append(errors.Tested(labels.AUTHORS, MAPPED_FROM_SUBJECTIVE, blocks, predictions))
        jnd_of = {labels.AUTHORS: labels.levels_last(known), **jnd_of}

    write_table(errors.error_table(tests), stem["block_jnd_error"], caption=errors.CAPTION)
    write_table(
        labels.tension_table(jnd_of, params.qps),
        stem["label_tension"],
        caption=labels.TENSION_CAPTION,
    )


run(main, snakemake)
