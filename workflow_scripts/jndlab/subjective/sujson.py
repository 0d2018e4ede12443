"""Answers in suJSON, the exchange format of subjective data sets (VQEG's JEG-Hybrid group)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jndlab.subjective.preferences import read_pairs
from jndlab.subjective.ratings import read_stimuli

VERSION = "1.1"
SOURCE = "hidden reference"
SCALES = {
    "dcr": "impairment, 1 very annoying to 5 imperceptible",
    "acr": "quality, 1 bad to 5 excellent",
    "pairs": "1 the method is better, 0 no difference, -1 the anchor is better",
    "jnd": "1 a difference is seen, 0 none",
}


@dataclass(frozen=True)
class Shown:
    """What was asked about: ``coding`` of ``source``, in the test's folder as ``file``."""

    name: str
    source: str
    coding: str
    file: str


def read_shown(key: str | Path, procedure: str) -> list[Shown]:
    """All stimuli of a session's key; a pair is one. Raises UserError as the readers of keys do."""
    if procedure == "pairs":
        return [
            Shown(
                pair.name,
                pair.sequence,
                f"{pair.codec}, {pair.configuration}, {pair.method} against the anchor, "
                f"QP {pair.qp}"
                + ("" if math.isnan(d := pair.rate_difference) else f", {d:+.2f} % of rate"),
                "",
            )
            for pair in read_pairs(key)
        ]
    return [
        Shown(
            s.name,
            s.sequence,
            SOURCE if s.is_reference else ", ".join(_parts(s.codec, s.configuration, s.method))
            + f", quality {s.qp}",
            s.file,
        )
        for s in read_stimuli(key)
    ]  # fmt: skip


def _parts(*names: str) -> Iterable[str]:
    return filter(None, names)


def as_sujson(
    shown: Sequence[Shown], records: Sequence[Mapping[str, Any]], procedure: str
) -> dict[str, Any]:
    """Sources, codings, stimuli, subjects, and a trial with a score for each answer that counts.

    ``records`` are rows of ``answers.RECORD_COLUMNS``; hidden repeats, checks and training are left
    out. A sitting need not be complete.
    """
    given = [record for record in records if record["kind"] == "test"]
    sources = _numbered(stimulus.source for stimulus in shown)
    codings = _numbered(stimulus.coding for stimulus in shown)
    stimuli = _numbered(stimulus.name for stimulus in shown)
    subjects = _numbered(record["subject"] for record in given)
    return {
        "dataset_name": "ratings",
        "sujson_version": VERSION,
        "characteristics": {"procedure": procedure},
        "tasks": [{"id": 1, "name": procedure}],
        "scales": [{"id": 1, "name": SCALES[procedure]}],
        "questions": [{"id": 1, "question": procedure, "scale_id": 1}],
        "src": [{"id": number, "name": name} for name, number in sources.items()],
        "hrc": [{"id": number, "name": name} for name, number in codings.items()],
        "pvs": [
            {
                "id": stimuli[stimulus.name],
                "src_id": sources[stimulus.source],
                "hrc_id": codings[stimulus.coding],
                "file_name": stimulus.file,
            }
            for stimulus in shown
        ],
        "subjects": [{"id": number, "name": name} for name, number in subjects.items()],
        "trials": [
            {
                "id": number,
                "subject_id": subjects[record["subject"]],
                "task_id": 1,
                "pvs_id": stimuli[record["stimulus"]],
                "score_id": number,
            }
            for number, record in enumerate(given, start=1)
        ],
        "scores": [
            {
                "id": number,
                "question_id": 1,
                "pvs_id": stimuli[record["stimulus"]],
                "timestamp": record["time"],
                "score": record["score"],
            }
            for number, record in enumerate(given, start=1)
        ],
    }


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names), start=1)}
