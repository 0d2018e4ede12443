"""Adapter of rule plot_jnd_frames."""

from pathlib import Path

import pandas as pd

from jndlab.datasets.jnd_frames.coding import read_psnr
from jndlab.datasets.jnd_frames.folder import read_set
from jndlab.datasets.jnd_frames.sheet import draw_sheet, label_table
from jndlab.papers.jnd_networks.subject_figures import draw_sur_curves
from jndlab.report.tables import write_table
from jndops.adapter import run

CAPTION = (
    "JND labels of the frames by part and level. kind: vmaf_steps are made by steps of VMAF NEG, "
    "nobody was asked; subjective are of subjects. deviation: between frames, N - 1. Parts are by "
    "source."
)


def main(snakemake) -> None:
    files, output = snakemake.input, snakemake.output
    frames = read_set(files.folder, files.table)
    draw_sheet(frames, read_psnr(files.codings), output.sheet)
    if getattr(files, "sur", None):  # labels of a data set's subjects
        draw_sur_curves(pd.read_csv(files.sur), Path(output.sur_figure).with_suffix(""))
    stem = Path(output.labels[0]).with_suffix("")
    write_table(pd.DataFrame(label_table(frames)), stem, caption=CAPTION)


run(main, snakemake)
