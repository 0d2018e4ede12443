"""Baselines fitted to training pictures, and the decisions of every choice on held-out ones."""

from __future__ import annotations

import importlib
import inspect
import logging
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.codecs.stills.base import StillCodec
from jndlab.codecs.stills.store import StillStore
from jndlab.errors import UserError
from jndlab.jnd.pixel.maps import DEFAULT_MODEL
from jndlab.jnd.quality_choice import (
    QualityChoice,
    QualityDecision,
    load_quality_choice,
    nearest_quality,
)
from jndlab.jnd.quality_search import Call, search_pw_jnd
from jndlab.papers.vp_jnd.measures import METRICS, VMAF, Measures

ORACLE = "true_labels"
BASELINES = {
    ORACLE: "oracle (true labels)",
    "fixed": "fixed quality",
    "ssim": "SSIM threshold",
    VMAF: "VMAF NEG threshold",
    "pixel_jnd": "pixel-JND regression",
}


def fit_baselines(
    measures: Mapping[str, Measures], labels: Mapping[str, int], learned: Sequence[str]
) -> dict[str, Any]:
    """Parameters of the baselines, from the pictures ``learned``: plain data.

    ``fixed``: the median of their labels. Thresholds: those of smallest mean |dQF| on them.
    ``pixel_jnd``: the line from mean pixel JND to label.
    """
    qualities = measures[learned[0]].qualities
    of_learned = [labels[name] for name in learned]
    places = [qualities.index(label) for label in of_learned]
    slope, intercept = fit_pixel_jnd_regression(
        [measures[name].pixel_jnd[DEFAULT_MODEL] for name in learned], of_learned
    )
    return {
        "fixed": {"quality": qualities[round(float(np.median(places)))]},
        **{
            metric: {
                "threshold": fit_metric_threshold(
                    [measures[name].scores[metric] for name in learned], of_learned, qualities
                )
            }
            for metric in METRICS
        },
        "pixel_jnd": {"slope": slope, "intercept": intercept, "model": DEFAULT_MODEL},
    }


def fit_pixel_jnd_regression(
    mean_jnds: Sequence[float], pw_jnds: Sequence[float]
) -> tuple[float, float]:
    """Slope and intercept of the least-squares line from mean pixel JND to PW-JND.

    Raises UserError for fewer than two different means.
    """
    if len(set(mean_jnds)) < 2 or len(mean_jnds) != len(pw_jnds):
        raise UserError(
            "a line cannot be drawn through these pictures.",
            expected="two or more pictures of different mean pixel JND, one label for each",
        )
    slope, intercept = np.polyfit(mean_jnds, pw_jnds, 1)
    return float(slope), float(intercept)


def fit_metric_threshold(
    curves: Sequence[Sequence[float]], pw_jnds: Sequence[int], qualities: Sequence[int]
) -> float:
    """The metric threshold with the smallest mean |quality - PW-JND|.

    ``curves`` hold the metric of each training picture at all ``qualities`` (worst to best). Tried
    are all thresholds that make a difference; of equally good ones the middle one is taken.
    """
    values = np.asarray(curves, np.float64)
    cuts = np.unique(values)
    candidates = np.concatenate([(cuts[:-1] + cuts[1:]) / 2, [np.nextafter(cuts[-1], np.inf)]])
    order = np.asarray(qualities)
    labels = np.asarray(pw_jnds)[:, None]
    # An exhaustive search of the curve finds its last value below the threshold.
    running = np.minimum.accumulate(values[:, ::-1], axis=1)[:, ::-1]
    below = np.stack([np.searchsorted(curve, candidates, side="left") for curve in running])
    errors = np.abs(order[np.maximum(below, 1) - 1] - labels).mean(axis=0)
    best = np.flatnonzero(errors == errors.min())
    return float(candidates[best[len(best) // 2]])


def baseline_decision(
    name: str, fitted: Mapping[str, Any], of: Measures, label: int
) -> QualityDecision:
    """Decision of a baseline (a key of :data:`BASELINES`) on a measured picture.

    Thresholds search by bisection and read only the scores on its way.
    """
    path: tuple[Call, ...] = ()
    if name == ORACLE:
        quality = label
    elif name == "fixed":
        quality = fitted["fixed"]["quality"]
    elif name == "pixel_jnd":
        line = fitted[name]
        wanted = line["slope"] * of.pixel_jnd[line["model"]] + line["intercept"]
        quality = nearest_quality(of.qualities, wanted)
    else:
        scores = dict(zip(of.qualities, of.scores[name], strict=True))
        threshold = fitted[name]["threshold"]
        found = search_pw_jnd(lambda q: scores[q] < threshold, of.qualities, "binary")
        quality, path = found.pw_jnd, found.path
    return QualityDecision(quality, of.size_at(quality), of.bytes[-1], path)


def choices_of_split(
    method: str,
    choice: QualityChoice,
    pictures: Mapping[str, np.ndarray],
    codec: StillCodec,
    store: StillStore,
    evaluate_every: int = 1,
) -> dict[str, Any]:
    """Decisions of ``choice`` on held-out ``pictures`` (H x W x 3, by name): plain data.

    Of each picture the decision and its seconds; of a classifier (a choice with ``look_at``) also
    its logit at every ``evaluate_every``-th quality and at those that the search asked for, and the
    weights of its patches at the chosen.
    """
    rows = []
    for name, picture in pictures.items():
        started = time.perf_counter()
        decision = choice.choose(picture)
        seconds = time.perf_counter() - started
        _require_decision(decision, codec, method)
        row: dict[str, Any] = {"picture": name, "seconds": round(seconds, 4), **decision.as_json()}
        if hasattr(choice, "look_at"):
            row |= _visibility(
                choice.look_at(picture), picture, decision, codec, store, evaluate_every
            )
        rows.append(row)
        logging.info("%s: quality %d after %d calls", name, decision.quality, decision.calls)
    return {"method": method, "codec": codec.name, "pictures": rows}


def load_choice(
    target: str,
    options: Mapping[str, Any],
    codec: StillCodec,
    store: str | Path | None,
    threads: int | None = None,
) -> QualityChoice:
    """A quality choice by its address; it gets ``codec``, ``store`` and ``threads`` where its class
    takes them and ``options`` do not say otherwise.

    Raises UserError that names the fix.
    """
    accepted = _accepted_options(target)
    given = {"codec": codec, "store": store, "threads": threads}
    given = {name: value for name, value in given.items() if name in accepted}
    return load_quality_choice(target, {**given, **options})


def _accepted_options(target: str) -> Collection[str]:
    module, _, name = target.partition(":")
    try:
        return inspect.signature(getattr(importlib.import_module(module), name)).parameters
    except Exception:  # whatever is wrong with the user's class, load_quality_choice reports it
        return ()


def _visibility(
    classifier: Any,
    picture: np.ndarray,
    decision: QualityDecision,
    codec: StillCodec,
    store: StillStore,
    every: int,
) -> dict[str, Any]:
    qualities = codec.qualities[every - 1 :: every]
    logits = [classifier(coded.picture).logit for coded in store.sweep(codec, picture, qualities)]
    at_choice = classifier(store.get(codec, picture, decision.quality).picture)
    asked = [call.quality for call in decision.path]
    on_path = [classifier(store.get(codec, picture, quality).picture).logit for quality in asked]
    return {
        "qualities": list(qualities),
        "logits": [round(float(logit), 5) for logit in logits],
        "path_logits": [round(float(logit), 5) for logit in on_path],
        "patches": {
            "size": int(classifier.classifier.patch_size),
            "corners": at_choice.corners.tolist(),
            "weights": [round(float(weight), 6) for weight in at_choice.weight],
            "visible": [round(float(value), 5) for value in at_choice.quality],
        },
    }


def _require_decision(decision: Any, codec: StillCodec, method: str) -> None:
    if not isinstance(decision, QualityDecision) or decision.quality not in codec.qualities:
        found = getattr(decision, "quality", decision)
        raise UserError(
            f"method '{method}' chose no quality of {codec.name}.",
            where="the configuration, key `methods`",
            expected=f"a QualityDecision with a quality from {min(codec.qualities)} to "
            f"{max(codec.qualities)}, found {found!r}",
        )
