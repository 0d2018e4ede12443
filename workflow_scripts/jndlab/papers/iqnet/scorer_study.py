"""Can a no-reference scorer choose what IQNet's recipe says? Scores of patches over QP and alpha.

The recipe (paper, section II) rests on two properties of NIMA: a coded patch scores lower the more
of it is lost, and the alpha that is chosen at one base QP is good at the others (section III-B).
Both are measured here for several readings of "NIMA of a 64x64 patch", and for PIQE.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from jndlab.codecs.base import Codec
from jndlab.datasets.pictures.picture_list import Picture
from jndlab.media.blocks import split_blocks
from jndlab.media.clip import Frame, evenly_spread
from jndlab.media.pictures import frame_to_rgb
from jndlab.papers.iqnet.alpha_selection import select_alphas
from jndlab.papers.iqnet.candidates import DECODED_DEPTH, CandidateOptions, make_candidates
from jndlab.papers.iqnet.config import SelectionOptions

if TYPE_CHECKING:  # both take seconds to import
    from matplotlib.figure import Figure

    from jndlab.quality.no_reference import Scorer

SOURCE_QP = 0  # of the uncoded picture in the table of scores


class Reading(NamedTuple):
    """What is scored: patches of a side (None: whole pictures), by a scorer, in colour or luma."""

    scorer: str
    side: int | None = 64
    colour: bool = True
    size: int | None = 224
    resampling: str = "bilinear"


READINGS = {
    "NIMA, 64 to 224 bilinear": Reading("nima_mobilenet"),
    "NIMA, 64 to 224 nearest": Reading("nima_mobilenet", resampling="nearest"),
    "NIMA, 64 to 224 bilinear, luma": Reading("nima_mobilenet", colour=False),
    "NIMA, 64 as it is": Reading("nima_mobilenet", size=None),
    "NIMA, 128 to 224 bilinear": Reading("nima_mobilenet", side=128),
    "NIMA, whole picture to 224": Reading("nima_mobilenet", side=None),
    "PIQE, 64": Reading("piqe"),
    "PIQE, 64, luma": Reading("piqe", colour=False),
    "PIQE, whole picture": Reading("piqe", side=None),
}


def score_picture(
    name: str,
    picture: Frame,
    options: CandidateOptions,
    qps: Sequence[int],
    codec: Codec,
    scorers: Mapping[str, Scorer],
    patches: int,
    work_dir: Path,
    log: Path | None = None,
) -> pd.DataFrame:
    """Scores of a picture (8 bit), uncoded and coded at each QP, unfiltered and at each alpha.

    ``scorers`` are those of the readings by name (:data:`READINGS`), of ``patches`` places evenly
    spread over the picture. Columns: reading, picture, patch (number), qp (:data:`SOURCE_QP` for
    the uncoded picture), alpha (0: unfiltered), score.
    """
    pictures = {(SOURCE_QP, 0.0): frame_to_rgb(Frame(*picture), 8)}
    for qp in qps:
        at_qp = CandidateOptions(options.alphas, options.filter_options, qp)
        made = make_candidates(name, picture, at_qp, codec, work_dir, log)
        rgb = frame_to_rgb(made.decoded, DECODED_DEPTH)
        pictures |= {(qp, a): rgb[place] for place, a in enumerate([0.0, *options.alphas])}
    tables = []
    for reading, scorer in scorers.items():
        cut = [_patches(rgb, READINGS[reading], patches) for rgb in pictures.values()]
        scores = scorer.score(np.concatenate(cut)).reshape(len(cut), -1)
        place, patch = np.indices(scores.shape)
        keys = np.array(list(pictures))
        columns = {"qp": keys[place, 0].astype(int), "alpha": keys[place, 1]}
        columns |= {"patch": patch, "score": scores}
        table = pd.DataFrame({column: values.reshape(-1) for column, values in columns.items()})
        tables.append(table.assign(reading=reading, picture=name))
    return pd.concat(tables, ignore_index=True)


def scorer_table(
    scores: pd.DataFrame, base_qp: int, selection: Mapping[str, SelectionOptions]
) -> pd.DataFrame:
    """One row per reading: what its scores follow, and which alphas they choose.

    rho_qp          rank correlation of a patch's score with QP, source first, mean over patches;
                    -1 where every step of QP lowers the score
    higher_coarse   share (%) of patches that score higher at the largest QP than uncoded
    rho_alpha       rank correlation with alpha at ``base_qp``, mean over patches
    alpha_largest   mean alpha chosen at ``base_qp`` by ``tie_mode`` largest, and
    alpha_closest   by closest; both without the MAE rule
    same_alpha      share (%) of patches with the same alpha (largest) at another base QP, mean
    same_by_chance  the same if alphas were drawn independently from those of each base QP

    ``selection`` is that of :func:`selection_by_scorer`.
    """
    rows = []
    for reading, of_reading in scores.groupby("reading", sort=False):
        options = selection[READINGS[str(reading)].scorer]
        unfiltered = _pivot(of_reading[of_reading["alpha"] == 0], "qp")
        filtered = _pivot(of_reading[of_reading["qp"] == base_qp], "alpha")
        chosen = _choices(of_reading, options)
        base = chosen[base_qp]
        others = [alphas for qp, alphas in chosen.items() if qp != base_qp]
        closest = _choices(of_reading, options.model_copy(update={"tie_mode": "closest"}))
        rows.append(
            {"reading": reading, "patches": len(unfiltered)}
            | {"rho_qp": _mean_rank_correlation(unfiltered)}
            | {"higher_coarse": 100 * (unfiltered.iloc[:, -1] > unfiltered.iloc[:, 0]).mean()}
            | {"rho_alpha": _mean_rank_correlation(filtered)}
            | {"alpha_largest": base.mean(), "alpha_closest": closest[base_qp].mean()}
            | {"same_alpha": 100 * np.mean([(base == other).mean() for other in others])}
            | {"same_by_chance": 100 * np.mean([_by_chance(base, other) for other in others])}
        )
    return pd.DataFrame(rows)


def alphas_by_qp(scores: pd.DataFrame, selection: Mapping[str, SelectionOptions]) -> pd.DataFrame:
    """Mean alpha that each reading chooses (largest) at each base QP."""
    rows = []
    for reading, of_reading in scores.groupby("reading", sort=False):
        chosen = _choices(of_reading, selection[READINGS[str(reading)].scorer])
        rows += [
            {"reading": reading, "qp": qp, "mean_alpha": alphas.mean()}
            for qp, alphas in chosen.items()
        ]
    return pd.DataFrame(rows)


def mean_changes(scores: pd.DataFrame, base_qp: int) -> pd.DataFrame:
    """Mean change of the scores, in standard deviations of the uncoded patches of the reading.

    ``over`` is qp (unfiltered, from the source) or alpha (at ``base_qp``, from the unfiltered
    coding); columns reading, over, value, change.
    """
    rows = []
    for reading, of_reading in scores.groupby("reading", sort=False):
        unfiltered = _pivot(of_reading[of_reading["alpha"] == 0], "qp")
        deviation = unfiltered[SOURCE_QP].std()
        at_base = _pivot(of_reading[of_reading["qp"] == base_qp], "alpha")
        for over, table in (("qp", unfiltered), ("alpha", at_base)):
            change = (table.sub(table.iloc[:, 0], axis=0) / deviation).mean()
            rows += [
                {"reading": reading, "over": over, "value": value, "change": mean}
                for value, mean in change.items()
            ]
    return pd.DataFrame(rows)


def plot_scorers(changes: pd.DataFrame, alphas: pd.DataFrame, title: str) -> Figure:
    """Mean change of score over QP and over alpha, and mean chosen alpha over base QP."""
    import seaborn

    from jndlab.report.style import legend_below, new_grid, series_looks, title_figure

    figure, grid = new_grid(1, 3, panel=(4.6, 3.8))
    looks = series_looks(["", *dict.fromkeys(changes["reading"])])  # the first is an anchor's look
    panels = [
        ("QP", "change of score from uncoded (0), SD of patches", changes[changes["over"] == "qp"]),
        ("alpha", "change of score at the base QP", changes[changes["over"] == "alpha"]),
        ("base QP", "mean chosen alpha (largest)", alphas),
    ]
    for axes, (label, shown, table) in zip(grid[0], panels, strict=True):
        x, y = ("qp", "mean_alpha") if "mean_alpha" in table else ("value", "change")
        seaborn.lineplot(table, x=x, y=y, hue="reading", style="reading", ax=axes, **looks)
        handles, names = axes.get_legend_handles_labels()
        axes.get_legend().remove()
        axes.set(xlabel=label, ylabel=shown)
    title_figure(figure, title)
    legend_below(figure, dict(zip(names, handles, strict=True)))
    return figure


def spread_pictures(listed: Sequence[Picture], count: int) -> list[Picture]:
    """``count`` pictures of different files, the first of each, evenly spread over a list."""
    first = {picture.source: picture for picture in reversed(listed)}
    of_files = [picture for picture in listed if first[picture.source] is picture]
    return [of_files[place] for place in evenly_spread(len(of_files), count, first=True)]


def selection_by_scorer(options: SelectionOptions) -> dict[str, SelectionOptions]:
    """Selection by the scores alone, the largest alpha, with the default tolerance of a scorer."""
    changed = {"tie_mode": "largest", "smooth_quantile": 0.0, "smooth_absolute": None}
    plain = options.model_copy(update={**changed, "tolerance": None})
    return {name: plain.for_scorer(name) for name in {r.scorer for r in READINGS.values()}}


def readings_of(scorers: Sequence[str]) -> dict[str, Reading]:
    """The readings whose scorer is one of those named."""
    return {name: reading for name, reading in READINGS.items() if reading.scorer in scorers}


def _patches(rgb: np.ndarray, reading: Reading, count: int) -> np.ndarray:
    """Patches N x side x side x 3 of a picture H x W x 3, or the picture itself."""
    if reading.side is None:
        cut = rgb[np.newaxis]
    else:
        planes = split_blocks(np.moveaxis(rgb, -1, 0), reading.side, partial="drop")
        flat = np.moveaxis(planes.reshape(3, -1, reading.side, reading.side), 0, -1)
        cut = flat[evenly_spread(len(flat), count)]
    if reading.colour:
        return cut
    # BT.601 luma of the 8-bit picture, full range, as grey
    return np.rint(cut @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)


def _pivot(scores: pd.DataFrame, column: str) -> pd.DataFrame:
    return scores.pivot(index=["picture", "patch"], columns=column, values="score").sort_index(
        axis=1
    )


def _mean_rank_correlation(table: pd.DataFrame) -> float:
    """Spearman's, of each row with the order of the columns; rows of equal values are left out."""
    order = pd.Series(range(table.shape[1]), index=table.columns, dtype=float)
    return float(table.rank(axis=1).corrwith(order, axis=1).mean())


def _choices(scores: pd.DataFrame, options: SelectionOptions) -> dict[int, np.ndarray]:
    """The alpha of each patch by base QP, by the scores alone."""
    found = {}
    for qp, at_qp in _coded(scores):
        table = _pivot(at_qp, "alpha").to_numpy().T
        alphas = np.unique(at_qp["alpha"])[1:]
        errors = np.zeros_like(table[1:])
        found[qp] = alphas[select_alphas(table[1:], table[0], errors, options).choice]
    return found


def _coded(scores: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    for qp, table in scores[scores["qp"] != SOURCE_QP].groupby("qp"):
        yield int(str(qp)), table


def _by_chance(first: np.ndarray, second: np.ndarray) -> float:
    values = np.unique(np.concatenate([first, second]))
    return float(sum((first == value).mean() * (second == value).mean() for value in values))
