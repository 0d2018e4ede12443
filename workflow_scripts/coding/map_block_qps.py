"""A clip in; a QP for each 64x64 block of each frame (NPZ) out."""

from pathlib import Path

import numpy as np

from jndlab.files import atomic_path
from jndlab.jnd.block.maps import models_behind
from jndlab.jnd.block.qp import BLOCK_SIZE, checked_qp_maps, load_block_qp_control
from jndlab.media.clip import clip_from_text, read_clip
from jndops.adapter import run


def main(snakemake) -> None:
    clip = clip_from_text(snakemake.params.clip)
    control = load_block_qp_control(snakemake.params.target, snakemake.params.options)
    frames = read_clip(snakemake.input.clip, clip)
    qps = checked_qp_maps(control, frames, clip, int(snakemake.wildcards.qp))
    with atomic_path(Path(snakemake.output.qp_map)) as path, open(path, "wb") as stream:
        models = np.array(models_behind(snakemake.input.stages), dtype=str)
        np.savez_compressed(stream, qp=qps, block_size=BLOCK_SIZE, models_sha256=models)


run(main, snakemake)
