"""How many VMAF points make one JND: fits to the JPEG AIC-4 example data, and their tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise
from math import factorial, prod
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import pearsonr, spearmanr

from jndlab.errors import UserError
from jndlab.files import read_csv

METRICS_FILE = "JPEG-AIC_metric_scores.csv"
VMAF_NEG = "VMAF-neg"
METRICS = ("PSNR-Y", "SSIM", "MS-SSIM", "IW-SSIM", VMAF_NEG, "SSIMULACRA2", "HDR-VDP-2 Q",
           "HDR-VDP-3 Q", "CVVDP")  # fmt: skip
# VMAF NEG of a picture against itself, motion held at zero: the data set has no such row.
SELF_SCORE = 97.425
# Residuals beyond this many JND count linearly, not squared: near the half width of the data's
# 95 % confidence intervals (median 0.11) and below the spread between codecs.
SOFT_L1_SCALE = 0.2
JND_BINS = (0.0, 0.25, 0.75, 1.5, 2.5, 4.0)

Row = dict[str, Any]


@dataclass(frozen=True)
class Stimuli:
    """Coded pictures: JND units (float, 0 = like the source), metric scores, source and codec."""

    jnd: np.ndarray
    scores: Mapping[str, np.ndarray]
    mapped: Mapping[str, np.ndarray]  # the data set's own mapping of the metric to JND units
    source: np.ndarray
    codec: np.ndarray


@dataclass(frozen=True)
class Form:
    """A relation from VMAF NEG to JND units: ((zero - score) / step) ** exponent, from 0 on.

    ``parameters`` are those that are fitted, the step first; else zero is the self score and the
    exponent 1.
    """

    name: str
    predict: Callable[..., np.ndarray]
    first_guess: tuple[float, ...]
    parameters: tuple[str, ...]


# The score may exceed the self score in no datum, but a fit asks for powers of what is near zero.
FORMS = (
    Form("through_self", lambda v, a: (SELF_SCORE - v) / a, (4.0,), ("step",)),
    Form("hinge", lambda v, a, b: np.maximum(b - v, 0) / a, (4.0, 96.0), ("step", "zero")),
    Form("power_through_self", lambda v, a, g: (np.maximum(SELF_SCORE - v, 1e-9) / a) ** g,
         (4.0, 1.0), ("step", "exponent")),
    Form("power_hinge", lambda v, a, b, g: (np.maximum(b - v, 1e-9) / a) ** g,
         (4.0, 96.5, 1.0), ("step", "zero", "exponent")),
)  # fmt: skip


def read_stimuli(folder: str | Path) -> Stimuli:
    """Read the example data of JPEG AIC-4; UserError for a missing file, column or number."""
    path = Path(folder) / METRICS_FILE
    if not path.is_file():
        raise UserError(
            "the metric scores of the JPEG AIC-4 example data are missing.",
            where=str(path),
            remedy="fetch the repository jpeg-aic/JPEG-AIC-4-datasets and name its folder.",
        )
    rows = read_csv(path)
    wanted = ["img_distorted", "img_num", "distortion", *METRICS, *(f"{m} mapped" for m in METRICS)]
    lacking = [name for name in wanted if not rows or name not in rows[0]]
    if lacking:
        raise UserError("a table lacks columns.", where=str(path), expected=", ".join(lacking))
    try:
        columns = {n: np.array([float(row[n]) for row in rows]) for n in wanted[1:]}
    except ValueError as error:
        raise UserError("a cell is no number.", where=str(path), expected=str(error)) from error
    return Stimuli(
        columns["distortion"],
        {metric: columns[metric] for metric in METRICS},
        {metric: columns[f"{metric} mapped"] for metric in METRICS},
        columns["img_num"].astype(int),
        # PTC_00002_JPEG-AI_07.png
        np.array([row["img_distorted"].split("_")[2] for row in rows]),
    )


def fit(form: Form, scores: np.ndarray, jnd: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Parameters of ``form`` by robust least squares of the JND units (soft L1)."""

    def residuals(parameters: np.ndarray) -> np.ndarray:
        return form.predict(scores, *parameters) - jnd

    # Each datum counts `weights` times, outside the robust loss: repeated data, not larger errors.
    rows = np.repeat(np.arange(len(jnd)), weights)
    return least_squares(
        lambda p: residuals(p)[rows],
        form.first_guess,
        loss="soft_l1",
        f_scale=SOFT_L1_SCALE,
        x_scale=np.abs(form.first_guess),
        bounds=(0, np.inf),
    ).x


def form_table(stimuli: Stimuli) -> list[Row]:
    """Every form: parameters, 95 % bootstrap interval of the step, errors in JND units.

    The bootstrap draws sources, not stimuli; of 5 sources all 126 different draws are fitted and
    weighted with their probability, so nothing is random. ``rmse_left_out`` predicts each source
    from the others; ``vmaf_neg_at_k`` is the score at which the form gives k JND.
    """
    scores, jnd, table = stimuli.scores[VMAF_NEG], stimuli.jnd, []
    once = np.ones(len(jnd), int)
    for form in FORMS:
        found = fit(form, scores, jnd, once)
        errors = form.predict(scores, *found) - jnd
        steps, chances = [], []
        for weights, chance in _draws(stimuli.source):
            steps.append(fit(form, scores, jnd, weights)[0])
            chances.append(chance)
        low, high = _quantiles(np.array(steps), np.array(chances), (0.025, 0.975))
        zero = _named(form, found, "zero", SELF_SCORE)
        exponent = _named(form, found, "exponent", 1.0)
        table.append(
            {"form": form.name, "step": found[0], "step_low": low, "step_high": high,
             "zero": zero, "exponent": exponent, **_errors(errors, jnd),
             "rmse_left_out": _rms(_left_out(form, scores, stimuli)),
             **{f"vmaf_neg_at_{k}": zero - found[0] * k ** (1 / exponent) for k in (1, 2, 3)}}
        )  # fmt: skip
    return table


def group_table(stimuli: Stimuli) -> list[Row]:
    """The step of each source and of each codec alone, and where the pooled step errs for it."""
    form, scores, jnd = FORMS[0], stimuli.scores[VMAF_NEG], stimuli.jnd
    pooled = fit(form, scores, jnd, np.ones(len(jnd), int))
    groups = [("all", "all", np.ones(len(jnd), bool))]
    groups += [("source", str(s), stimuli.source == s) for s in np.unique(stimuli.source)]
    groups += [("codec", str(c), stimuli.codec == c) for c in np.unique(stimuli.codec)]
    table = []
    for kind, name, chosen in groups:
        own = fit(form, scores[chosen], jnd[chosen], np.ones(chosen.sum(), int))
        errors = form.predict(scores[chosen], *pooled) - jnd[chosen]
        table.append(
            {"group": kind, "name": name, "stimuli": int(chosen.sum()), "step": own[0],
             "bias_of_pooled": errors.mean(), "rmse_of_pooled": _rms(errors)}
        )  # fmt: skip
    return table


def range_table(stimuli: Stimuli) -> list[Row]:
    """Mean residual (predicted less reconstructed JND) of each form, from lossless to coarse."""
    scores, jnd, table = stimuli.scores[VMAF_NEG], stimuli.jnd, []
    fitted = {f.name: fit(f, scores, jnd, np.ones(len(jnd), int)) for f in FORMS}
    for low, high in pairwise(JND_BINS):
        chosen = (jnd >= low) & (jnd < high)
        row: Row = {"jnd_from": low, "jnd_to": high, "stimuli": int(chosen.sum()),
                    "vmaf_neg_median": float(np.median(scores[chosen]))}  # fmt: skip
        for form in FORMS:
            errors = form.predict(scores[chosen], *fitted[form.name]) - jnd[chosen]
            row[f"residual_{form.name}"] = errors.mean()
        table.append(row)
    return table


def level_table(stimuli: Stimuli, levels: int = 3) -> list[Row]:
    """VMAF NEG at whole JND units, interpolated in each series of one source and one codec.

    A check of the rule that fits nothing. Series that end before a level are left out there, so
    that coarse levels lean to the sources whose JNDs are small.
    """
    scores, jnd, table = stimuli.scores[VMAF_NEG], stimuli.jnd, []
    step = fit(FORMS[0], scores, jnd, np.ones(len(jnd), int))[0]
    series = sorted(set(zip(stimuli.source, stimuli.codec, strict=True)))
    for level in range(1, levels + 1):
        found = []
        for source, codec in series:
            rows = np.flatnonzero((stimuli.source == source) & (stimuli.codec == codec))
            rows = rows[np.argsort(jnd[rows])]
            if jnd[rows[-1]] >= level:
                found.append(float(np.interp(level, jnd[rows], scores[rows])))
        quarter, median, three_quarters = (float(q) for q in np.quantile(found, (0.25, 0.5, 0.75)))
        table.append(
            {"level": level, "series": len(found), "series_in_all": len(series),
             "vmaf_neg_quartile_1": quarter, "vmaf_neg_median": median,
             "vmaf_neg_quartile_3": three_quarters, "rule": SELF_SCORE - level * float(step)}
        )  # fmt: skip
    return table


def metric_table(stimuli: Stimuli) -> list[Row]:
    """All nine metrics by the same hinge: step, zero, correlations and errors in JND units.

    ``rmse_dataset_mapping`` is the error of the mapping that the data set itself carries.
    """
    table = []
    for metric in METRICS:
        scores, jnd = stimuli.scores[metric], stimuli.jnd
        form = _hinge_near(scores, jnd)
        found = fit(form, scores, jnd, np.ones(len(jnd), int))
        errors = form.predict(scores, *found) - jnd
        table.append(
            {"metric": metric, "step": found[0], "zero": found[1],
             "pearson": abs(pearsonr(scores, jnd).statistic),
             "spearman": abs(spearmanr(scores, jnd).statistic), "rmse": _rms(errors),
             "rmse_left_out": _rms(_left_out(form, scores, stimuli)),
             "rmse_dataset_mapping": _rms(stimuli.mapped[metric] - jnd)}
        )  # fmt: skip
    return table


def rounded(rows: Iterable[Row], digits: int = 5) -> list[Row]:
    """Rows with floats cut to ``digits`` significant digits, as they are published."""
    return [
        {k: float(f"{v:.{digits}g}") if isinstance(v, float) else v for k, v in row.items()}
        for row in rows
    ]


def _hinge_near(scores: np.ndarray, jnd: np.ndarray) -> Form:
    """The hinge with a first guess from a straight line: metrics differ in scale by 1,000."""
    slope, offset = np.polyfit(scores, jnd, 1)
    return Form("hinge", FORMS[1].predict, (-1 / slope, -offset / slope), ("step", "zero"))


def _left_out(form: Form, scores: np.ndarray, stimuli: Stimuli) -> np.ndarray:
    errors = np.empty(len(scores))
    for source in np.unique(stimuli.source):
        out = stimuli.source == source
        found = fit(form, scores, stimuli.jnd, (~out).astype(int))
        errors[out] = form.predict(scores[out], *found) - stimuli.jnd[out]
    return errors


def _draws(source: np.ndarray) -> Iterable[tuple[np.ndarray, float]]:
    """How often each stimulus counts in every draw of sources with replacement, and its chance."""
    names = np.unique(source)
    for draw in combinations_with_replacement(range(len(names)), len(names)):
        counts = np.bincount(draw, minlength=len(names))
        ways = factorial(len(names)) // prod(factorial(count) for count in counts)
        yield counts[np.searchsorted(names, source)], ways / len(names) ** len(names)


def _quantiles(values: np.ndarray, chances: np.ndarray, at: Sequence[float]) -> list[float]:
    order = np.argsort(values)
    reached = np.cumsum(chances[order])
    return [float(values[order][np.searchsorted(reached, q)]) for q in at]


def _named(form: Form, found: np.ndarray, name: str, fixed: float) -> float:
    return float(found[form.parameters.index(name)]) if name in form.parameters else fixed


def _errors(errors: np.ndarray, jnd: np.ndarray) -> Row:
    explained = 1 - float(np.sum(errors**2) / np.sum((jnd - jnd.mean()) ** 2))
    return {"rmse": _rms(errors), "mae": float(np.abs(errors).mean()), "r_squared": explained}


def _rms(errors: np.ndarray) -> float:
    return float(np.sqrt(np.mean(errors**2)))
