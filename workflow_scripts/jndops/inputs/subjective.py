"""Inputs and parameters of the rules of rating sessions: the clips of a run that people rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from jndlab.quality.rd_point import PointKey
from jndlab.subjective.rating_page import PAGE
from jndops.imports import digest
from jndops.inputs import Wildcards
from jndops.inputs.coding import CodingInputs
from jndops.inputs.points import rated_points

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
        self.points = rated_points(coding.settings)
        self.rated = rated_clips(self.points)
        self.page_code = digest(PAGE.iterdir())

    def source(self, wildcards: Wildcards) -> str:
        """What a rating clip shows: the source's own clip, or the stream of a point."""
        clip = RatedClip(wildcards.sequence, wildcards.coding)
        if clip.point:
            return self.coding.stream(clip.point)
        return f"{self.coding.results}/sequences/{clip.sequence}.mkv"

    def clips(self, suffix: str) -> list[str]:
        """The rating clips (mp4) or their metadata (json)."""
        folder = f"{self.coding.results}/subjective/clips"
        return [f"{folder}/{clip.sequence}/{clip.coding}.{suffix}" for clip in self.rated]

    def session_options(self) -> dict[str, Any]:
        """Keys of a session's order and pauses."""
        names = ("seed", "training_pairs", "break_every", "pause_seconds")
        return {name: self.section[name] for name in names}


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
