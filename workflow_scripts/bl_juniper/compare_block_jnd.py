"""Labelled blocks, networks and maps in; tables of errors and of label tension out."""

from pathlib import Path

import numpy as np

from jndlab.datasets.jnd_labels import read_labels
from jndlab.jnd.block.maps import read_block_maps
from jndlab.media.clip import clip_from_text
from jndlab.models.bl_juniper.onnx import LEVELS, BlockJndPredictor
from jndlab.papers.bl_juniper import errors
from jndlab.papers.bl_juniper import label_statistics as labels
from jndlab.papers.bl_juniper.mapping import MAPPED_FROM_SUBJECTIVE, key_frames_with_ti
from jndlab.papers.bl_juniper.mcl_jcv import read_block_labels
from jndlab.report.tables import write_table
from jndlab.training.samplers.block_files import read_blocks
from jndlab.training.samplers.blocks import split_by_source
from jndops.adapter import run, stems


def main(snakemake) -> None:
    given, params, stem = snakemake.input, snakemake.params, stems(snakemake.output)
    content = read_blocks(given.blocks)
    split = split_by_source([str(name) for name in content.blocks.sources], **params.data)
    of_seeds = [  # LEVELS of each seed
        dict(zip(LEVELS, given.models[place : place + len(LEVELS)], strict=True))
        for place in range(0, len(given.models), len(LEVELS))
    ]
    networks = [
        BlockJndPredictor(models, raw_ti=params.raw_ti, threads=snakemake.threads)
        for models in of_seeds
    ]
    options, clips = networks[0].options, len(params.clips)
    baselines = errors.Baselines.fitted(errors.from_file(content, split, ["train"]))

    tested = np.array([split[str(name)] == "test" for name in content.blocks.sources])
    held_out = errors.from_file(content, split, ["test"])
    tests = []
    if tested.any():
        blocks = content.blocks.pixels[tested], content.blocks.temporal_information[tested]
        of_cnn = np.stack([network.of_blocks(*blocks) for network in networks])
        predictions = {errors.NETWORK: of_cnn, **baselines.predictions(held_out)}
        tests.append(errors.Tested(f"{params.source}, test", content.kind, held_out, predictions))

    parts, predicted, video_kind = [], [], ""
    mapped_values, cnn_values = [], []
    for number, (name, clip_text) in enumerate(params.clips.items()):
        clip = clip_from_text(clip_text)
        size = {"width": clip.width, "height": clip.height}
        mapped = read_block_maps(given.mapped[number], "block_jnd", **size)
        found = [
            read_block_maps(path, "block_jnd", **size) for path in given.predicted[number::clips]
        ]
        source = Path(given.sources[number])
        frames = key_frames_with_ti(source, clip, params.every, options)
        ti = np.stack([ti for _, _, ti in frames])
        of_video = read_labels(given.video_jnd[number])
        video_kind = of_video.kind
        levels = of_video.values([name])[0]
        pairs = [errors.from_maps(name, mapped, of_cnn, ti, levels) for of_cnn in found]
        parts.append(pairs[0][0])
        predicted.append(np.stack([values for _, values in pairs]))
        mapped_values.append(mapped.values.reshape(-1, 3))
        cnn_values += [of_cnn.values.reshape(-1, 3) for of_cnn in found]
    coded = errors.Labelled(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
    of_networks = np.concatenate(predicted, axis=1)
    predictions = {errors.NETWORK: of_networks, **baselines.predictions(coded)}
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

    caption = errors.caption(params.seeds)
    write_table(errors.error_table(tests), stem["block_jnd_error"], caption=caption)
    write_table(errors.checks(tests), stem["networks"], caption=errors.CHECK_CAPTION)
    write_table(
        labels.tension_table(jnd_of, params.qps),
        stem["label_tension"],
        caption=labels.TENSION_CAPTION,
    )


run(main, snakemake)
