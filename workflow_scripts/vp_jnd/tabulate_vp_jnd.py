"""Choices, measures and labels of all data sets in; the paper's tables out."""

from pathlib import Path

from jndlab.papers.vp_jnd.captions import (
    CORRELATION,
    LABELS,
    MARGINS,
    PICTURES,
    prediction_caption,
    saving_caption,
)
from jndlab.papers.vp_jnd.held_out import load_held_out, load_labels
from jndlab.papers.vp_jnd.label_statistics import label_table
from jndlab.papers.vp_jnd.margins import margin_table, printed_ranges
from jndlab.papers.vp_jnd.tables import (
    comparison,
    correlation_table,
    picture_table,
    prediction_table,
    saving_table,
)
from jndlab.papers.vp_jnd.training_table import training_caption, training_table
from jndlab.report.compare import FOUND, with_verdicts
from jndlab.report.tables import LIST_FORMATS, write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    params = snakemake.params
    folder, stem = Path(params.folder), stems(snakemake.output)
    tested = [
        load_held_out(folder, name, entry, params.methods, snakemake.input.trainings)
        for name, entry in params.data.items()
    ]
    predicted, saved = prediction_table(tested), saving_table(tested)
    about = prediction_caption(predicted, tested)
    compared = comparison(predicted, ["precision_pct", "mean_abs_dqf"])
    write_table(_plain(predicted), stem["prediction"], caption=about)
    caption = with_verdicts(about, compared)
    write_table(compared, stem["prediction_comparison"], caption=caption)
    about = saving_caption(saved)
    compared = comparison(saved, ["saving_pct"])
    formats = {"ssim": ".4f"}
    write_table(_plain(saved), stem["saving"], caption=about, float_formats=formats)
    write_table(compared, stem["saving_comparison"], caption=with_verdicts(about, compared))
    trainings = training_table(params.trainings, snakemake.input.trainings)
    write_table(trainings, stem["trainings"], caption=training_caption(trainings))
    about, formats = f"{MARGINS} {printed_ranges()}", {"shortfall_ms_ssim": ".5f"}
    write_table(margin_table(tested), stem["margins"], caption=about, float_formats=formats)
    write_table(_plain(correlation_table(tested)), stem["correlation"], caption=CORRELATION)
    labels = {name: load_labels(folder / name) for name in params.data}
    metadata = label_table(labels, params.label_folders)
    write_table(metadata, stem["labels"], caption=LABELS)
    write_table(picture_table(tested), stem["pictures"], formats=LIST_FORMATS, caption=PICTURES)


def _plain(table):
    """Without what only the comparison needs."""
    return table.drop(columns=FOUND)


run(main, snakemake)
