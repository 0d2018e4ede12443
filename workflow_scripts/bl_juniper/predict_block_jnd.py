"""A clip and three networks in; JND levels of the blocks of its key frames (NPZ) out."""

from pathlib import Path

import numpy as np

from jndlab.files import read_json, sha256_of
from jndlab.jnd.block.maps import BlockMaps, write_block_maps
from jndlab.jnd.block.pictures import rgb_of
from jndlab.media.clip import clip_from_text
from jndlab.models.bl_juniper.onnx import LEVELS, BlockJndPredictor
from jndlab.papers.bl_juniper.mapping import key_frames_with_ti
from jndops.adapter import run


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    clip = clip_from_text(params.clip)
    models = dict(zip(LEVELS, given.models, strict=True))
    predictor = BlockJndPredictor(
        models, raw_ti=params.raw_ti, threads=snakemake.threads, device=params.device
    )
    frames, maps, options = [], [], predictor.options
    for index, frame, ti in key_frames_with_ti(Path(given.clip), clip, params.every, options):
        frames.append(index)
        rgb = rgb_of(frame, options.colour_matrix, clip.bit_depth)
        maps.append(predictor.of_frame(rgb, ti))
    provenance = {
        "stage": "cnn",
        "models_sha256": [sha256_of(path) for path in given.models],
        "form": options.form,
        "raw_ti": params.raw_ti,
        "source_sha256": read_json(given.metadata, "samples_sha256")["samples_sha256"],
    }
    write_block_maps(
        snakemake.output.maps,
        BlockMaps(
            kind="block_jnd",
            values=np.stack(maps),
            width=clip.width,
            height=clip.height,
            frames=np.array(frames),
            provenance=provenance,
        ),
    )


run(main, snakemake)
