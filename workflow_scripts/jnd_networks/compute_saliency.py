"""Frames (PNG) in; saliency maps (PNG) out."""

import logging
from pathlib import Path

import numpy as np
from PIL import Image

from jndlab.datasets.pictures.picture_list import load_pictures, read_list
from jndlab.jnd.saliency.visual_importance import load_saliency
from jndops.adapter import run


def main(snakemake) -> None:
    params, folder = snakemake.params, Path(snakemake.output.maps)
    model = load_saliency(params.model, params.options)
    folder.mkdir(parents=True, exist_ok=True)
    frames = load_pictures(snakemake.input.frames, read_list(snakemake.input.table))
    for record, rgb in frames:
        grey = np.rint(255 * np.asarray(model.saliency(rgb))).astype(np.uint8)
        Image.fromarray(grey).save(folder / f"{record.name}.png")
    logging.info("maps by the saliency model '%s'; no eyes were tracked", params.model)


run(main, snakemake)
