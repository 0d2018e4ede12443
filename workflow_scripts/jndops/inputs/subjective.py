"""Inputs and parameters of the rules of rating sessions: the clips of a run that people rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from jndlab.errors import UserError
from jndlab.quality.rd_point import PointKey
from jndlab.subjective.design import training_points
from jndlab.subjective.rating_page import LANGUAGES, PAGE, SessionOptions
from jndops.imports import digest
from jndops.inputs import Wildcards
from jndops.inputs.coding import CodingInputs
from jndops.inputs.points import rated_points, training_candidates

CHOSEN = ("sequences", "training_sequences", "methods", "qps", "codec", "configuration")
REFERENCE = "reference"  # coding of the source's own clip


class RatedClip(NamedTuple):
    """Name of a clip: its sequence, and `reference` or codec/configuration/method/qpN."""

    sequence: str
    coding: str

    @property
    def point(self) -> PointKey | None:
        """The point whose stream is shown; None for the source's own clip."""
        if self.coding == REFERENCE:
            return None
        codec, configuration, method, qp = self.coding.split("/")
        return PointKey(self.sequence, configuration, codec, method, int(qp.removeprefix("qp")))

    def shown(self) -> dict[str, Any]:
        """What is shown, as plain values: the fields of the point, or the sequence alone."""
        return self.point._asdict() if self.point else {"sequence": self.sequence}


class SubjectiveInputs:
    """The section ``subjective``. Raises UserError for a name that the run does not have."""

    models = ("bt500", "p910")  # of opinion scores

    def __init__(self, coding: CodingInputs) -> None:
        self.coding = coding
        self.section = coding.config["subjective"]
        procedure = self.section["procedure"]
        self.anchor = coding.config["anchor"]
        self.points = rated_points(coding.settings)
        wanted = self.section["methods"]
        if procedure in ("pairs", "jnd") and self.anchor not in (wanted or [self.anchor]):
            raise UserError(
                f"subjective.methods: the anchor '{self.anchor}' is not among them.",
                where="the configuration",
                expected=f"the anchor too: `procedure: {procedure}` shows its clips",
            )
        if not self.points and any(self.section[key] for key in CHOSEN):
            raise UserError(
                "subjective: no clip of the run is left to rate.",
                where=f"the configuration, keys {', '.join(CHOSEN)} of `subjective`",
                expected="codings of the run that are not of `training_sequences`",
            )
        if procedure == "jnd":
            self.points = [point for point in self.points if point.method == self.anchor]
        self.rated = rated_clips(self.points)
        count = self.section["training_pairs"]
        candidates = training_candidates(coding.settings)
        training = training_points(candidates, procedure, count, self.anchor)
        self.training = rated_clips(training)
        own_text = [self.section["language"]] if self.section["language"].endswith(".json") else []
        consent = self.section["screening"]["consent"]
        self.texts = [*own_text, *([consent] if consent else [])]
        self.page_code = digest([*PAGE.iterdir(), *LANGUAGES.iterdir()])

    def source(self, wildcards: Wildcards) -> str:
        """What a rating clip shows: the source's own clip, or the stream of a point."""
        clip = RatedClip(wildcards.sequence, wildcards.coding)
        if clip.point:
            return self.coding.stream(clip.point)
        return f"{self.coding.results}/sequences/{clip.sequence}.mkv"

    def clips(self, suffix: str) -> list[str]:
        """The rating clips (mp4) or their metadata (json)."""
        folder = f"{self.coding.results}/subjective/clips"
        clips = [*self.rated, *self.training]
        return [f"{folder}/{clip.sequence}/{clip.coding}.{suffix}" for clip in clips]

    def shown(self) -> list[dict[str, Any]]:
        """What each of :meth:`clips` shows, and whether in the training alone."""
        return [
            *({**clip.shown(), "training": False} for clip in self.rated),
            *({**clip.shown(), "training": True} for clip in self.training),
        ]

    def rates(self) -> list[str]:
        """The table of points where pairs are of equal rate."""
        needed = (self.section["procedure"], self.section["pair_by"]) == ("pairs", "rate")
        return [self.coding.points_table("subjective")] if needed else []

    def session_options(self) -> dict[str, Any]:
        """Fields of ``SessionOptions``."""
        names = [field.name for field in fields(SessionOptions) if field.name in self.section]
        return {**{name: self.section[name] for name in names}, "anchor": self.anchor}


def rated_clips(points: Sequence[PointKey]) -> list[RatedClip]:
    """All clips of a session: each sequence's source, then its codings."""
    clips: list[RatedClip] = []
    for sequence in dict.fromkeys(point.sequence for point in points):
        clips.append(RatedClip(sequence, REFERENCE))
        clips += [
            RatedClip(sequence, f"{p.codec}/{p.configuration}/{p.method}/qp{p.qp}")
            for p in points
            if p.sequence == sequence
        ]
    return clips
