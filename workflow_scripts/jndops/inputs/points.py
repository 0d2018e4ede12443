"""Points that the results of a part of a run rest on: all, those of a paper, those rated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from jndlab.configuration import did_you_mean
from jndlab.errors import UserError
from jndlab.quality.rd_point import PointKey
from jndops.settings import Settings

RUN = "run"
PARTS = (RUN, "iqnet", "laser_jnd", "mtjnd", "bl_juniper", "subjective")


def points_behind(part: str, settings: Settings) -> list[PointKey]:
    """Points of one of ``PARTS``, each once.

    A paper's are those of its methods and of the anchor with the same codecs, so that a paper can
    be run without the data and trainings of the others.
    """
    if part == RUN:
        return list(settings.points())
    if part == "subjective":
        return rated_points(settings)
    points = list(settings.points_with_anchor(methods_behind(part, settings)))
    return [*points, *plain_points(settings)] if part == "bl_juniper" else points


def methods_behind(part: str, settings: Settings) -> list[str]:
    """Methods of the run that a paper is about, by their kind or by the network that they use."""
    kinds = {"iqnet": "prefilter", "bl_juniper": "block_qp"}
    if part in kinds:
        return settings.methods_of(kinds[part])
    folder = f"{{results}}/models/{part}/"
    methods = settings.config["methods"]
    return [name for name in settings.methods_of("jnd_predictor") if folder in str(methods[name])]


def plain_points(settings: Settings) -> list[PointKey]:
    """The anchor at further QPs, so that its curve reaches the rates of block-QP control."""
    places = {(point.codec, point.configuration) for point in settings.points_of("block_qp")}
    return [
        PointKey(sequence, configuration, codec, settings.config["anchor"], qp)
        for codec, configuration in sorted(places)
        for sequence in settings.config["sequences"]
        for qp in plain_qps(settings)
    ]


def plain_qps(settings: Settings) -> list[int]:
    """The QPs of :func:`plain_points`, none of the run's own."""
    wanted = settings.config["bl_juniper"]["compare"]["plain_qps"]
    return [qp for qp in wanted if qp not in settings.config["qps"]]


def rated_points(settings: Settings) -> list[PointKey]:
    """The points whose streams are rated, in the order of the run.

    Null in the configuration takes all sequences, methods (with their first training seed) and QPs,
    the first coding configuration,
    and the codec of the first block-QP method (the paper that was rated), else the run's first.
    Raises UserError for a name that the run does not have.
    """
    chosen = settings.config["subjective"]
    trained_on = set(chosen["training_sequences"] or ())
    return [
        point
        for point in _chosen_points(settings, chosen)
        if _is_chosen(point.sequence, chosen["sequences"]) and point.sequence not in trained_on
    ]


def training_candidates(settings: Settings) -> list[PointKey]:
    """The points of the sequences that are shown in the training alone; as :func:`rated_points`."""
    chosen = settings.config["subjective"]
    trained_on = chosen["training_sequences"] or ()
    points = _chosen_points(settings, chosen)
    return [point for point in points if point.sequence in trained_on]


def _chosen_points(settings: Settings, chosen: Mapping[str, Any]) -> list[PointKey]:
    """The run's points of the chosen coding, methods and QPs, of all sequences."""
    points, block_qp = list(settings.points()), settings.methods_of("block_qp")
    known = {
        "sequences": _values(points, "sequence"),
        "training_sequences": _values(points, "sequence"),
        "methods": _values(points, "method"),
        "qps": _values(points, "qp"),
        "codec": _values(points, "codec"),
        "configuration": _values(points, "configuration"),
    }
    for key, values in known.items():
        wanted = chosen[key] if isinstance(chosen[key], list) else [chosen[key]]
        for value in wanted:
            if value is not None and value not in values:
                raise UserError(
                    f"subjective.{key}: the run has no '{value}'"
                    f"{did_you_mean(str(value), [str(v) for v in values])}.",
                    where="the configuration",
                    expected="of " + ", ".join(str(v) for v in values),
                )
    once = settings.once(dict.fromkeys(point.method for point in points))
    controlled = next((point.codec for point in points if point.method in block_qp), None)
    codec = chosen["codec"] or controlled or settings.config["codecs"][0]
    configuration = chosen["configuration"] or settings.config["configurations"][0]
    return [
        point
        for point in points
        if (point.codec, point.configuration) == (codec, configuration)
        and point.method in (chosen["methods"] or once)
        and _is_chosen(point.qp, chosen["qps"])
    ]


def _values(points: Sequence[PointKey], name: str) -> list[Any]:
    return list(dict.fromkeys(getattr(point, name) for point in points))


def _is_chosen(value: Any, wanted: Sequence[Any] | None) -> bool:
    return wanted is None or value in wanted
