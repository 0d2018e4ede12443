"""All tables and figures of LASeR-JND or MTJND, with captions that say what stands in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from jndlab.datasets.pictures.generated import GENERATED
from jndlab.files import read_json
from jndlab.papers.jnd_networks import figures, tables
from jndlab.papers.jnd_networks.baselines import BASELINES, MEDIAN, RIDGE
from jndlab.quality.points import read_points
from jndlab.report.compare import verdict_summary
from jndlab.report.conditions import training_records
from jndlab.report.tables import write_table
from jndlab.subsets import SUBSETS

PUBLISHED_SET = "videoset"
CONDITIONS = {"labels": "kind", "label_statistic": "statistic", "resolution": "resolution"}
TITLES = {"laser_jnd": "LASeR-JND", "mtjnd": "MTJND"}
KINDS = {
    "vmaf_steps": "labels vmaf_steps, made from VMAF (nobody was asked)",
    "subjective": "subjective labels",
}
INTERVAL = "Means are over sources, intervals (low, high) 95 % over sources and seeds"
COMPARED = (
    "difference: of the mean errors, first - second, on the same frames (below 0: the first is "
    "better), p_holm adjusted for all rows; better: who is, where that is shown. "
)
ERRORS = (
    "error: mean |predicted - label| (in the unit of the labels, QP unless they are of JPEG; "
    "predictions as they come, not rounded); psnr_error_db: "
    "mean |PSNR at the predicted - PSNR at the labelled quality|, both rounded and kept within "
    "what was coded (QP 1..51), PSNR of luma of the single frame coded as a still by x264 "
    "(assumption: the paper does not say how it measures). seed_deviation: of the mean errors of "
    "the seeds; bias: mean of predicted - label; deviation: of a training's predictions over the "
    "frames, the smallest (0: the same for all). Folds: each source is tested by the networks that "
    "neither learned from it nor were chosen by it"
)


# By the names of the tables; ``scored`` is the subset of the frames that are compared.
CAPTIONS = {
    "errors": f"{ERRORS}. Baselines, all fitted to the training frames of each fold: "
    + "; ".join(f"{name}: {what}" for name, what in BASELINES.items())
    + f". output: dead where all frames get the same prediction. {INTERVAL}",
    "skill": f"Networks against the median of the training labels ({MEDIAN}) and ridge regression "
    f"on six features ({RIDGE}), on {{scored}} frames. ",
    "reconstructions": "Pictures that networks make of test frames: PSNR (dB, over R, G, B, at the "
    "network's input size) against the frame at its JND (level 0: the frame itself), mean over "
    "sources with intervals over sources and seeds; identity_db: that of the frame itself, for "
    "which nothing has to be learned",
    "errors_comparison": "Test errors next to the printed ones. {printed}. Which frames and split "
    "were used there is not known. Verdicts: {verdicts}",
    "multi_task": "Networks of one level against those of all levels, on the same {scored} "
    "frames. ",
    "costs": "Parameters and multiply-accumulates (GMAC, convolutions and dense layers of one "
    "frame) of the networks as used, at the size of this run and at the paper's "
    "(paper_*; keras: with BatchNorm's moving statistics, as Keras counts). "
    "training_peak_mib: peak memory of the training, of the whole process on a CPU, of tensors on "
    "a GPU. Milliseconds of one frame on one CPU thread of this machine, median, without reading "
    "and resizing",
    "variants": "Networks trained with other switches (keys `variants` of the configuration) "
    "against the same networks without and each other, on {scored} frames. ",
    "learning_curve": "Mean error on {scored} frames by the number of labelled frames that a "
    "network learned from (frames; empty: all of its split), with as many steps; the autoencoders "
    "of LASeR-JND, which need no labels, saw all. The ridge and the median are fitted to the same "
    f"frames. {INTERVAL}",
    "coding": "Coding at max(QP, predicted JND1) in place of the QP: bits saved (%) and quality "
    "lost (PSNR Y in dB, VMAF and VMAF NEG, means over frames) against the anchor of the same "
    "codec. Where the predicted JND1 is not above the QP nothing changes",
}
COMPARISONS = {
    "skill": tables.skill,
    "multi_task": tables.single_against_multi,
    "variants": tables.variants,
}
PRINTED = {
    "laser_jnd": "The abstract prints 1.57 QP and 0.72 dB for JND1 of 'our multi-JND method', "
    "without saying which of the two networks of all levels; nothing else was seen",
    "mtjnd": "The abstract prints no number, and nothing else of the paper was seen",
}
FORMATS = {"gmac": ".4f", "weights_mib": ".2f", "training_peak_mib": ".0f", "deviation": ".3f"}


def write_tables(
    paper: str,
    predictions: str | Path,
    costs: str | Path,
    reconstructions: str | Path,
    points: str | Path,
    predicted: Sequence[str | Path],
    trainings: Sequence[str | Path],
    metadata: Mapping[str, str],
    stems: Mapping[str, Path],
) -> None:
    """Write the tables of a paper and the checks of its networks.

    ``stems`` are paths without suffix by the names of the tables, of the checks by ``networks``;
    ``trainings`` are the summaries of the networks' trainings, ``metadata`` data_set, kind,
    statistic and resolution (of labels and frames) and anchor.
    """
    every = tables.load_predictions(predictions)
    rows = every[every["learned_from"].isna()]
    verdicts = tables.checks(rows)
    errors = tables.errors(rows)
    content = "published" if metadata["data_set"] == PUBLISHED_SET else "demo"
    conditions = {name: metadata[key] for name, key in CONDITIONS.items()}
    found = tables.found_conditions(rows, conditions, training_records(trainings))
    made: dict[str, Callable[[], pd.DataFrame]] = {
        "errors": lambda: tables.with_dead(errors, verdicts),
        "reconstructions": lambda: tables.reconstructions(pd.read_csv(reconstructions)),
        "errors_comparison": lambda: tables.comparison(errors, paper, content, found),
        "costs": lambda: pd.read_csv(costs),
        "learning_curve": lambda: tables.learning_curve(every),
        "coding": lambda: tables.coding_table(
            read_points(points),
            {(Path(p).parent.name, Path(p).stem): read_json(p) for p in predicted},
            metadata["anchor"],
        ),
    }
    head, words = f"{TITLES[paper]}, {metadata_text(rows, metadata)}.", {"printed": PRINTED[paper]}
    words["scored"] = tables.scored_subset(rows)
    for name in [name for name in stems if name != "networks"]:
        if name in COMPARISONS:
            compared = COMPARISONS[name](rows)
            table, end = tables.comparison_table(compared), f"{COMPARED}{tables.outcome(compared)}"
        else:
            table, end = made[name](), ""
        if "verdict" in table:
            words["verdicts"] = verdict_summary(table)
        caption = f"{head} {CAPTIONS[name].format(**words)}{end}."
        write_table(table, stems[name], caption=caption, float_formats=FORMATS)
    write_table(
        verdicts, stems["networks"], float_formats={"found": ".3f"},
        caption=f"{head} What must hold of every network, in every fold from every seed. Verdicts: "
        + ", ".join(f"{n} {v}" for v, n in verdicts["verdict"].value_counts().items()) + ".",
    )  # fmt: skip


def plot_figures(
    predictions: str | Path,
    curves: Sequence[str | Path],
    metadata: Mapping[str, str],
    stems: Mapping[str, Path],
) -> None:
    """Plot all figures of a paper; ``stems`` are paths without suffix by their names."""
    every = tables.load_predictions(predictions)
    rows = every[every["learned_from"].isna()]
    note = metadata_text(rows, metadata)
    figures.predicted_against_true(rows, stems["predicted_against_true"], metadata=note)
    figures.error_histograms(rows, stems["error_histograms"], metadata=note)
    figures.error_bars(tables.errors(rows), rows, stems["errors"], metadata=note)
    metrics = {Path(path).parent.name: pd.read_csv(path) for path in curves}
    if "learning_curve" in stems:
        figures.learning_curve(tables.learning_curve(every), stems["learning_curve"], metadata=note)
    figures.training_curves(metrics, stems["training_curves"], metadata=note)


def metadata_text(rows: pd.DataFrame, metadata: Mapping[str, str]) -> str:
    """Frames, sources, folds, seeds and kind of labels in words."""
    sources = rows.drop_duplicates(["subset", "source"]).groupby("subset")["source"].count()
    counts = "/".join(str(sources.get(subset, 0)) for subset in SUBSETS)
    made = {source for source in rows["source"] if source.startswith(GENERATED)}
    learned = f"{len(made)} of them generated pictures, only learned from"
    if (folds := rows["fold"].nunique()) > 1:
        parts = f"{rows['source'].nunique()} sources"
        parts += f" ({learned})" if made else ""
        parts += f", {folds} grouped folds"
    else:
        parts = f"{counts} sources (train/val/test" + (f"; {learned})" if made else ")")
    seeds = sorted(rows["seed"].dropna().unique())
    trained = f", seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}" if seeds else ""
    return (
        f"{rows['frame'].nunique()} frames of {parts} of '{metadata['data_set']}'{trained}, "
        f"{KINDS[metadata['kind']]}"
    )
