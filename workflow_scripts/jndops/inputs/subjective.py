"""Inputs and parameters of the rules of rating sessions: the clips of a run that people rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from jndlab.codecs import codec_class
from jndlab.errors import UserError
from jndlab.quality.rd_point import POINT_KEY, PointKey
from jndlab.subjective.design import training_points
from jndlab.subjective.rating_page import LANGUAGES, PAGE, SessionOptions
from jndops.inputs import Wildcards
from jndops.inputs.coding import CodingInputs
from jndops.inputs.points import rated_points, training_candidates
from jndops.settings import place_of
from jndops.workflow.imports import digest

CHOSEN = ("sequences", "training_sequences", "methods", "qps", "codec", "configuration")
REFERENCE = "reference"  # coding of the source's own clip
EQUAL_RATE = "/equal_rate"  # after the coding of a method: the anchor at its rate


class RatedClip(NamedTuple):
    """Name of a clip: its sequence, and `reference` or codec/configuration/method/qpN.

    `/equal_rate` after that is the anchor at the rate of the method.
    """

    sequence: str
    coding: str

    @property
    def point(self) -> PointKey | None:
        """The point whose stream is shown; None for the source's own clip."""
        if self.coding == REFERENCE:
            return None
        codec, configuration, method, qp = self.coding.removesuffix(EQUAL_RATE).split("/")
        return PointKey(self.sequence, configuration, codec, method, int(qp.removeprefix("qp")))

    def shown(self, anchor: str) -> dict[str, Any]:
        """The fields of the point, or the sequence alone; of an anchor at equal rate no QP yet."""
        shown = self.point._asdict() if self.point else {"sequence": self.sequence}
        matched = {"method": anchor, "qp": None} if self.coding.endswith(EQUAL_RATE) else {}
        return shown | matched


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
        self.by_rate = (procedure, self.section["pair_by"]) == ("pairs", "rate")
        if self.by_rate and coding.config["methods"][self.anchor]["per_qp"]:
            raise UserError(
                f"the anchor '{self.anchor}' is filtered for each QP and has no other ones.",
                where="the configuration, key `subjective.pair_by`",
                expected="`qp`, or an anchor without `per_qp`",
            )
        if procedure == "jnd":
            self.points = [point for point in self.points if point.method == self.anchor]
        matched = self.anchor if self.by_rate else None
        self.rated = rated_clips(self.points, matched)
        count = self.section["training_pairs"]
        candidates = training_candidates(coding.settings)
        training = training_points(candidates, procedure, count, self.anchor)
        self.training = rated_clips(training, matched)
        own_text = [self.section["language"]] if self.section["language"].endswith(".json") else []
        consent = self.section["screening"]["consent"]
        self.texts = [*own_text, *([consent] if consent else [])]
        self.page_code = digest([*PAGE.iterdir(), *LANGUAGES.iterdir()])

    def source(self, wildcards: Wildcards) -> str:
        """What a rating clip shows: the source's own clip, or the stream of a point."""
        clip = RatedClip(wildcards.sequence, wildcards.coding)
        if clip.point and clip.coding.endswith(EQUAL_RATE):
            return self._equal_rate(clip.point)
        if clip.point:
            return self.coding.stream(clip.point)
        return f"{self.coding.results}/sequences/{clip.sequence}.mkv"

    def session_files(self) -> dict[str, list[str]]:
        """The rating clips and their metadata, own texts, and of pairs of equal rate the rates.

        These are of each clip but the sources, in the order of the clips.
        """
        folder = f"{self.coding.results}/subjective/clips"
        clips = [*self.rated, *self.training]
        stems = [f"{folder}/{clip.sequence}/{clip.coding}" for clip in clips]
        points = [clip.point for clip in clips if clip.point and self.by_rate]
        return {
            "clips": [f"{stem}.mp4" for stem in stems],
            "metadata": [f"{stem}.json" for stem in stems],
            "rates": [f"{self._equal_rate(point)}.json" for point in points],
            "texts": self.texts,
        }

    def shown(self) -> list[dict[str, Any]]:
        """What each of :meth:`session_files` shows, and whether in the training alone."""
        return [
            *({**clip.shown(self.anchor), "training": False} for clip in self.rated),
            *({**clip.shown(self.anchor), "training": True} for clip in self.training),
        ]

    def _equal_rate(self, point: PointKey) -> str:
        """The stream of the anchor at the rate of a point."""
        suffix = codec_class(self.coding.codec(point)).suffix
        return f"{self.coding.results}/subjective/equal_rate/{place_of(point)}.{suffix}"

    def matched(self, wildcards: Wildcards) -> dict[str, Any]:
        """What the anchor's rate is searched in: its clip, sizes of the method and of itself."""
        method = PointKey(*(getattr(wildcards, name) for name in POINT_KEY))
        of_anchor = [method._replace(method=self.anchor, qp=qp) for qp in self.coding.config["qps"]]
        return {
            **self.coding.coded_clip(of_anchor[0]),
            "codec_files": self.coding.codec_files(wildcards),
            "controlled": f"{self.coding.stream(method)}.json",
            "known": [f"{self.coding.stream(point)}.json" for point in of_anchor],
        }

    def session_options(self) -> dict[str, Any]:
        """Fields of ``SessionOptions``."""
        names = [field.name for field in fields(SessionOptions) if field.name in self.section]
        return {**{name: self.section[name] for name in names}, "anchor": self.anchor}


def rated_clips(points: Sequence[PointKey], matched: str | None = None) -> list[RatedClip]:
    """All clips of a session: each sequence's source, then its codings.

    With ``matched``, this anchor is coded at the rate of every other point, and its own are out.
    """
    clips: list[RatedClip] = []
    for sequence in dict.fromkeys(point.sequence for point in points):
        clips.append(RatedClip(sequence, REFERENCE))
        for p in points:
            if p.sequence == sequence and p.method != matched:
                coding = f"{p.codec}/{p.configuration}/{p.method}/qp{p.qp}"
                clips.append(RatedClip(sequence, coding))
                clips += [RatedClip(sequence, coding + EQUAL_RATE)] if matched else []
    return clips
