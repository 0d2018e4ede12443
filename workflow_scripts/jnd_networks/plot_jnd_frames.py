"""Exported frames in; a contact sheet, a table of labels, curves of satisfied users out."""

import pandas as pd

from jndlab.datasets.jnd_frames.coding import read_psnr
from jndlab.datasets.jnd_frames.folder import read_sets
from jndlab.datasets.jnd_frames.sheet import label_table, plot_sheet
from jndlab.papers.jnd_networks.subject_figures import plot_sur_curves
from jndlab.report.tables import write_table
from jndops.adapter import run, stems

CAPTION = (
    "JND labels of the frames by subset and level. kind: vmaf_steps are made by steps of VMAF NEG, "
    "without subjects; subjective are of subjects. deviation: between frames, N - 1. Subsets are "
    "by source."
)


def main(snakemake) -> None:
    files, stem = snakemake.input, stems(snakemake.output)
    sets = read_sets(files.frames, files.pictures, files.table, files.labels, files.splits)
    plot_sheet(sets[0], read_psnr(files.codings), stem["frames"].with_suffix(".png"))
    if getattr(files, "sur", None):  # labels of a data set's subjects
        plot_sur_curves(pd.read_csv(files.sur), stem["sur_curves"])
    write_table(pd.DataFrame(label_table(sets)), stem["labels"], caption=CAPTION)


run(main, snakemake)
