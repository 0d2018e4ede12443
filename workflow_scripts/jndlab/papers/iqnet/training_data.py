"""IQNet's training data: scores of all patches, the choice by them, the data set on disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np
import pandas as pd

from jndlab.datasets.pictures.picture_list import Picture
from jndlab.errors import UserError
from jndlab.files import atomic_path, read_parquet, sha256_of, sha256_of_json
from jndlab.media.blocks import split_blocks
from jndlab.media.pictures import frame_to_rgb, write_png
from jndlab.papers.iqnet.alpha_selection import Reason, assemble_training_picture, select_alphas
from jndlab.papers.iqnet.candidates import DECODED_DEPTH, Candidates, read_candidates
from jndlab.papers.iqnet.config import MaeKind, SelectionOptions

if TYPE_CHECKING:  # it imports torch, which the selection does without
    from jndlab.quality.no_reference import Scorer

REFERENCE = 0.0  # alpha of the unfiltered picture in the table of scores
MAE_COLUMNS: dict[str, str] = {kind: f"mae_{kind}" for kind in get_args(MaeKind)}
SMOOTH_SHARES = (0.1, 0.25, 0.5, 1.0)  # for which the readings are tabulated
PATCH_KEY = ["picture", "patch_row", "patch_column"]


class TrainingPair(NamedTuple):
    """One picture of the data set: luma of whole patches (H x W, uint8), alpha of each patch."""

    picture: str
    source: np.ndarray
    target: np.ndarray
    alphas: np.ndarray


def score_patches(
    candidates: Iterable[Candidates], alphas: Sequence[float], scorer: Scorer, patch: int
) -> pd.DataFrame:
    """One row per patch and alpha (0: unfiltered), in the order of the pictures.

    Columns: picture, patch_row, patch_column, alpha, score of the decoded patch in colour (higher
    is better), ``mae_KIND`` of its luma for each :data:`MaeKind` in steps of 8 bit, and
    ``picture_bits``, the size of the whole candidate's stream. Patches of a picture that are equal
    after decoding are scored once, so that noise of the scorer cannot decide between them. What
    lies right of and below the last whole patch is left out. Raises UserError for a picture
    smaller than a patch.
    """
    grid = [REFERENCE, *alphas]
    return _together([_scores_of(made, grid, scorer, patch) for made in candidates])


def write_scores(
    target: str | Path,
    files: Iterable[str | Path],
    alphas: Sequence[float],
    scorer: Scorer,
    patch: int,
    code: str = "",
) -> int:
    """Write the table of :func:`score_patches` of files of candidates; returns its rows.

    The table of each file is kept next to ``target`` until all are there: a killed job goes on
    behind the last file that it scored. It is of that file's content, the scorer and its settings,
    ``alphas``, ``patch`` and ``code``, a digest of what computes it.
    """
    target, tables = Path(target), []
    parts = target.parent / "runs" / target.stem
    for file in files:
        identity = [sha256_of(file), scorer.metadata, list(alphas), patch, code]
        part = parts / f"{sha256_of_json(identity)}.parquet"
        if part.is_file():
            tables.append(read_parquet(part))
            continue
        made = read_candidates([file])
        if of_file := [_scores_of(one, [REFERENCE, *alphas], scorer, patch) for one in made]:
            tables.append(_together(of_file))
            _write(tables[-1], part)
    scores = _together(tables)
    _write(scores, target)
    shutil.rmtree(parts)
    return len(scores)


class _Scores(NamedTuple):
    """The table of scores by patch: ``columns`` are (alpha, patch), for rising ``alphas``."""

    patches: pd.DataFrame
    alphas: np.ndarray
    columns: dict[str, np.ndarray]


def _by_patch(scores: pd.DataFrame) -> _Scores:
    table = scores.sort_values("alpha", kind="stable").set_index(PATCH_KEY)
    grid = np.unique(table["alpha"])
    if len(scores) % len(grid) or grid[0] != REFERENCE:
        raise UserError("the table of scores is not whole.", remedy="score the patches again.")
    patches = scores.loc[scores["alpha"] == REFERENCE, PATCH_KEY].reset_index(drop=True)
    index = pd.MultiIndex.from_frame(patches)

    def of(column: str) -> np.ndarray:
        rows = [table.loc[table["alpha"] == alpha, column].reindex(index) for alpha in grid]
        return np.stack([row.to_numpy() for row in rows])

    return _Scores(patches, grid, {name: of(name) for name in ("score", *MAE_COLUMNS.values())})


def choose_alphas(scores: pd.DataFrame, options: SelectionOptions) -> pd.DataFrame:
    """One row per patch: the alpha chosen for it, why, and what it was chosen by.

    ``scores`` is the table of :func:`score_patches`. Columns beside the patch's place: alpha,
    reason, smooth, score and reference_score, and the errors of the choice.
    """
    return _choose(_by_patch(scores), options)


def _choose(scored: _Scores, options: SelectionOptions) -> pd.DataFrame:
    score, mae = scored.columns["score"], scored.columns[MAE_COLUMNS[options.mae_kind]]
    chosen = select_alphas(score[1:], score[0], mae[1:], options)
    place = chosen.choice + 1, np.arange(len(scored.patches))
    return scored.patches.assign(
        alpha=scored.alphas[place[0]],
        reason=[str(reason) for reason in chosen.reasons],
        smooth=chosen.smooth,
        score=score[place],
        reference_score=score[0],
        **{name: scored.columns[name][place] for name in MAE_COLUMNS.values()},
    )


def selection_readings(scores: pd.DataFrame, options: SelectionOptions) -> pd.DataFrame:
    """What other readings of the printed rules choose from the same scores, a row each.

    ``tie_mode`` and ``mae_kind`` with ``smooth_quantile`` of several shares (the option's own among
    them): the share of the alphas above the smallest that the MAE rule admits in smooth patches,
    the patches whose alpha it changes, the mean alpha, and the mean absolute error of the targets.
    ``configured`` marks the reading in use; one with ``smooth_absolute`` is not among them.
    """
    scored, rows = _by_patch(scores), []
    shares = sorted({*SMOOTH_SHARES, options.smooth_quantile})
    for tie_mode, kind in product(("largest", "closest"), MAE_COLUMNS):
        reading = options.model_copy(
            update={"tie_mode": tie_mode, "mae_kind": kind, "smooth_absolute": None}
        )
        without = _choose(scored, reading.model_copy(update={"smooth_quantile": 0.0}))["alpha"]
        mae = scored.columns[MAE_COLUMNS[kind]][1:]
        for share in shares:
            variant = reading.model_copy(update={"smooth_quantile": share})
            table = _choose(scored, variant)
            smooth = table["smooth"].to_numpy()
            admitted = (mae <= options.mae_ratio * mae[0])[1:, smooth]
            rows.append(
                {"tie_mode": tie_mode, "mae_kind": kind, "smooth_share": share}
                | {"admitted_pct": 100 * admitted.mean() if admitted.size else None}
                | {"changed_pct": 100 * (table["alpha"] != without).mean()}
                | {"mean_alpha": table["alpha"].mean()}
                | {"mean_alpha_of_smooth": table.loc[smooth, "alpha"].mean()}
                | {"mean_mae_prefiltered": table["mae_prefiltered_vs_source"].mean()}
                | {"configured": variant == options}
            )
    return pd.DataFrame(rows)


def training_pairs(
    candidates: Iterable[Candidates], choices: pd.DataFrame, alphas: Sequence[float], patch: int
) -> Iterator[TrainingPair]:
    """Put together, picture by picture, source and target of the training."""
    by_picture = dict(iter(choices.groupby("picture", sort=False)))
    for made in candidates:
        height, width = (side // patch * patch for side in made.source.shape)
        rows = by_picture[made.picture].sort_values(["patch_row", "patch_column"])
        chosen = rows["alpha"].to_numpy().reshape(height // patch, width // patch)
        choice = np.searchsorted(alphas, chosen)
        target = assemble_training_picture(made.prefiltered, choice, patch)
        yield TrainingPair(made.picture, made.source[:height, :width], target, chosen)


def write_pair(pair: TrainingPair, picture: Picture, folder: Path) -> dict[str, Any]:
    """Write ``sources/NAME.png`` and ``targets/NAME.png`` (grey); return the manifest's row."""
    difference = pair.target.astype(np.int16) - pair.source
    row: dict[str, Any] = asdict(picture) | {
        "luma_width": pair.source.shape[1],
        "luma_height": pair.source.shape[0],
        "mean_alpha": round(float(pair.alphas.mean()), 4),
        "mae": round(float(np.abs(difference).mean()), 4),
        "changed_share": round(float((difference != 0).mean()), 4),
    }
    for kind, luma in (("sources", pair.source), ("targets", pair.target)):
        path = folder / kind / f"{pair.picture}.png"
        write_png(path, luma)
        row |= {f"{kind[:-1]}_file": f"{kind}/{path.name}", f"{kind[:-1]}_sha256": sha256_of(path)}
    return row


def alpha_histogram(choices: pd.DataFrame, alphas: Sequence[float]) -> pd.DataFrame:
    """One row per alpha: patches, their share, smooth ones, reasons."""
    rows = []
    for alpha in alphas:
        chosen = choices[choices["alpha"] == alpha]
        reasons = chosen["reason"].value_counts()
        rows.append(
            {"alpha": alpha, "patches": len(chosen), "share": round(len(chosen) / len(choices), 6)}
            | {"smooth": int(chosen["smooth"].sum())}
            | {str(reason): int(reasons.get(str(reason), 0)) for reason in Reason}
        )
    return pd.DataFrame(rows)


def statistics(
    scores: pd.DataFrame, choices: pd.DataFrame, alphas: Sequence[float], options: SelectionOptions
) -> dict[str, Any]:
    """What the data set holds: its patches, their alphas and errors, what each alpha saves."""
    bits = scores.drop_duplicates(["picture", "alpha"]).groupby("alpha")["picture_bits"].sum()
    reasons = choices["reason"].value_counts(normalize=True)
    mae = scores.groupby("alpha")[list(MAE_COLUMNS.values())].mean()
    return {
        "pictures": int(choices["picture"].nunique()),
        "patches": len(choices),
        "selection": options.plain(),
        "mean_alpha": round(float(choices["alpha"].mean()), 4),
        "smooth_share": round(float(choices["smooth"].mean()), 4),
        "reason_shares": {str(r): round(float(reasons.get(str(r), 0.0)), 4) for r in Reason},
        "mean_mae_prefiltered": round(float(choices["mae_prefiltered_vs_source"].mean()), 4),
        "alpha_patches": _counts(alpha_histogram(choices, alphas)),
        "saving_pct_by_alpha": {
            str(alpha): round(float(100 * (1 - bits[alpha] / bits[REFERENCE])), 3)
            for alpha in alphas
        },
        "mae_by_alpha": {
            str(alpha): {name: round(float(value), 4) for name, value in row.items()}
            for alpha, row in mae.iterrows()
        },
        "reference_score": _spread(choices["reference_score"]),
        "score_gain": _spread(choices["score"] - choices["reference_score"]),
    }


def _write(table: pd.DataFrame, path: Path) -> None:
    with atomic_path(path) as part:
        table.to_parquet(part, index=False)


def _together(tables: list[pd.DataFrame]) -> pd.DataFrame:
    if not tables:
        raise UserError("there are no candidates to score.", remedy="check the list of pictures.")
    return pd.concat(tables, ignore_index=True)


def _scores_of(made: Candidates, grid: Sequence[float], scorer: Scorer, patch: int) -> pd.DataFrame:
    if min(made.source.shape) < patch:
        raise UserError(
            f"picture '{made.picture}' is smaller than a patch.",
            expected=f"at least {patch}x{patch}, "
            f"found {made.source.shape[1]}x{made.source.shape[0]}",
            remedy="take it out of the source, or lower `patch`.",
        )
    if len(made.bits) != len(grid):
        raise UserError(
            f"picture '{made.picture}' has {len(made.bits) - 1} candidates for {len(grid) - 1} "
            "alphas.",
            remedy="make the candidates again.",
        )
    rgb = np.moveaxis(frame_to_rgb(made.decoded, DECODED_DEPTH), -1, 1)
    patches = np.moveaxis(split_blocks(rgb, patch, partial="drop"), 1, -1)
    different, places = np.unique(patches.reshape(-1, patch, patch, 3), axis=0, return_inverse=True)
    scores = scorer.score(different)[places.reshape(patches.shape[:3])]

    source = made.source.astype(np.float64)
    decoded = made.decoded.y / (1 << (DECODED_DEPTH - 8))
    errors: dict[MaeKind, np.ndarray] = {
        "decoded_vs_decoded": decoded - decoded[0],
        "decoded_vs_source": decoded - source,
        "prefiltered_vs_source": np.concatenate([source[np.newaxis], made.prefiltered]) - source,
    }
    mae = {
        MAE_COLUMNS[kind]: split_blocks(np.abs(error), patch, partial="drop").mean(axis=(-1, -2))
        for kind, error in errors.items()
    }
    alpha, row, column = np.indices(scores.shape)
    table = {
        "picture": made.picture,
        "patch_row": row,
        "patch_column": column,
        "alpha": np.asarray(grid)[alpha],
        "score": scores,
        **mae,
        "picture_bits": np.asarray(made.bits)[alpha],
    }
    return pd.DataFrame(
        {name: v if isinstance(v, str) else v.reshape(-1) for name, v in table.items()}
    )


def _counts(histogram: pd.DataFrame) -> Mapping[str, int]:
    pairs = zip(histogram["alpha"], histogram["patches"], strict=True)
    return {str(alpha): int(patches) for alpha, patches in pairs}


def _spread(values: pd.Series) -> dict[str, float]:
    quantiles = values.quantile([0.05, 0.25, 0.5, 0.75, 0.95])
    return {f"q{100 * q:02.0f}": round(float(value), 4) for q, value in quantiles.items()}
