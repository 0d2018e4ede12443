"""A folder with a rating test for people: a page that works offline, its clips, and their key.

The page shows pairs (ITU-T P.910, degradation category rating: the source, then the clip to rate)
in a random order per subject, with training pairs and hidden references, and saves the ratings as
a CSV file. The contents of clips are only in the stimulus table, which stays with the experimenter.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.files import sha256_of_json, write_csv, write_text
from jndlab.subjective.ratings import STIMULUS_COLUMNS

PAGE = Path(__file__).parent / "rating_page_files"
# Blind, and bound to the content: ratings of another session's clips are unknown stimuli.
NAME_LENGTH = 8


@dataclass(frozen=True)
class CodedClip:
    """A clip for the browser and what it shows; the source's own has no coding (empty, QP None).

    ``metadata`` are those of ``rating_clips.RatingClip``.
    """

    path: Path
    metadata: Mapping[str, Any]
    sequence: str
    codec: str = ""
    configuration: str = ""
    method: str = ""
    qp: int | None = None

    @property
    def is_reference(self) -> bool:
        """Whether this is the source, uncoded."""
        return self.qp is None

    @property
    def name(self) -> str:
        """Name of the stimulus, by its content and its coding."""
        coding = [self.sequence, self.codec, self.configuration, self.method, self.qp]
        return "s" + sha256_of_json([*coding, self.metadata["sha256"]])[:NAME_LENGTH]


@dataclass(frozen=True)
class SessionOptions:
    """How the test runs; see the keys of ``subjective`` in the configuration."""

    seed: int = 0
    training_pairs: int = 3
    break_every: int = 25
    pause_seconds: float = 2.0


def write_session(
    clips: Sequence[CodedClip], folder: Path, stimulus_table: Path, options: SessionOptions
) -> None:
    """Write the test into ``folder`` (replaced if it is there) and its key to ``stimulus_table``.

    ``clips`` are all coded clips and, for every sequence of theirs, the source's clip: it is
    shown first in each pair and once as hidden reference. Raises UserError when a source is
    missing, when nothing is coded, and when a clip has another size or length than its source.
    """
    references = {clip.sequence: clip for clip in clips if clip.is_reference}
    _check(clips, references)
    stimuli = sorted(clips, key=lambda clip: clip.name)
    pairs = [_pair(clip, references[clip.sequence]) for clip in stimuli]
    of_name = {pair["stimulus"]: pair for pair in pairs}
    training = [of_name[clip.name] for clip in training_clips(clips, options.training_pairs)]
    session = {
        "seed": options.seed,
        "breakEvery": options.break_every,
        "pauseSeconds": options.pause_seconds,
        "width": max(pair["width"] for pair in pairs),
        "height": max(pair["height"] for pair in pairs),
        "training": training,
        "pairs": pairs,
    }
    session = {"id": sha256_of_json(session)[:NAME_LENGTH], **session}
    with tempfile.TemporaryDirectory(prefix=".part-", dir=_parent(folder)) as made:
        part = Path(made) / folder.name
        shutil.copytree(PAGE, part)
        (part / "clips").mkdir()
        for clip in clips:
            shutil.copyfile(clip.path, part / _file(clip))
        text = json.dumps(session, indent=1, allow_nan=False)
        write_text(part / "session.js", f'"use strict";\n\nconst SESSION = {text};\n')
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(part, folder)
    write_csv(stimulus_table, [_row(clip) for clip in clips], _COLUMNS)


def training_clips(clips: Sequence[CodedClip], count: int) -> list[CodedClip]:
    """Coded clips for training: evenly spread over the QPs, both ends first, contents in turn."""
    coded = sorted(
        (clip for clip in clips if not clip.is_reference),
        key=lambda clip: (clip.qp, clip.sequence, clip.method),
    )
    if not count or not coded:
        return []
    last = len(coded) - 1
    places = [round(last * i / (count - 1)) for i in range(count)] if count > 1 else [last // 2]
    return [coded[place] for place in dict.fromkeys(places)]


_COLUMNS = [*STIMULUS_COLUMNS, "seconds", "repeats", "min_psnr_y"]


def _row(clip: CodedClip) -> dict[str, Any]:
    return {
        "stimulus": clip.name,
        "sequence": clip.sequence,
        "codec": clip.codec,
        "configuration": clip.configuration,
        "method": clip.method,
        "qp": clip.qp,
        "is_reference": str(clip.is_reference).lower(),
        "file": _file(clip),
        **{name: clip.metadata[name] for name in ("seconds", "repeats", "min_psnr_y")},
    }


def _pair(clip: CodedClip, reference: CodedClip) -> dict[str, Any]:
    return {
        "stimulus": clip.name,
        "reference": _file(reference),
        "test": _file(clip),
        **{name: clip.metadata[name] for name in ("width", "height", "seconds")},
    }


def _file(clip: CodedClip) -> str:
    return f"clips/{clip.name}.mp4"


def _parent(folder: Path) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder.parent


def _check(clips: Sequence[CodedClip], references: Mapping[str, CodedClip]) -> None:
    if not any(not clip.is_reference for clip in clips):
        raise UserError(
            "there is nothing to rate: no coded clip is chosen.",
            where="the configuration, key `subjective`",
            expected="at least one method, QP and sequence of the run",
        )
    for clip in clips:
        if clip.sequence not in references:
            raise UserError(f"sequence '{clip.sequence}' has no clip of its source.")
        reference = references[clip.sequence]
        for name in ("width", "height", "frames"):
            if clip.metadata[name] != reference.metadata[name]:
                raise UserError(
                    f"a clip of '{clip.sequence}' has another {name} than its source.",
                    where=str(clip.path),
                    expected=f"{reference.metadata[name]}, found {clip.metadata[name]}",
                )
