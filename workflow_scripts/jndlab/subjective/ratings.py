"""Ratings by people and what they rated: the key of a session, and the matrix of scores."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jndlab.errors import UserError
from jndlab.subjective.answers import Answer, csv_rows, once, read_answers, without_failed

if TYPE_CHECKING:
    import numpy as np

STIMULUS_COLUMNS = (
    "stimulus", "sequence", "codec", "configuration", "method", "qp", "is_reference", "file",
)  # fmt: skip
FIVE_GRADES = (1.0, 5.0)
MIN_SUBJECTS = 2  # no spread between people, so no confidence interval, with fewer


@dataclass(frozen=True)
class Stimulus:
    """What was shown: a coded clip, or the hidden reference (the source, rated like the rest).

    ``qp`` is None and ``codec``, ``configuration`` and ``method`` are empty for a reference;
    ``file`` is the clip's path inside the test's folder, ``block`` the sitting that shows it.
    """

    name: str
    sequence: str
    codec: str
    configuration: str
    method: str
    qp: int | None
    is_reference: bool
    file: str
    block: int = 0


@dataclass(frozen=True)
class Ratings:
    """Ratings: ``scores[i, j]`` is what ``subjects[j]`` gave to ``stimuli[i]``.

    NaN stands where a subject was not shown a stimulus (its block was not theirs). ``scale`` is the
    lowest and highest grade; the highest is the best. ``answers`` has repeats and checks as well,
    and those of subjects who failed too many checks.
    """

    stimuli: tuple[Stimulus, ...]
    subjects: tuple[str, ...]
    scores: np.ndarray
    scale: tuple[float, float]
    answers: tuple[Answer, ...] = ()


def read_stimuli(path: str | Path) -> list[Stimulus]:
    """Read a stimulus table (CSV with ``STIMULUS_COLUMNS``; further columns are ignored).

    Raises UserError, with file and line, on a missing column, a name or a coding given twice, one
    without sequence, codec or method, a QP that is no number, an ``is_reference`` other than true
    or false, a file out of the test's folder, and two references of one sequence.
    """
    stimuli: dict[str, Stimulus] = {}
    references: set[str] = set()
    codings: dict[tuple[str, ...], str] = {}
    for where, row in csv_rows(path, STIMULUS_COLUMNS, ["block"]):
        name, sequence = row["stimulus"], row["sequence"]
        if not name or name in stimuli:
            raise UserError(
                f"stimulus '{name}' stands in the table twice." if name else "a name is empty.",
                where=where,
                expected="each stimulus once, under a name of its own",
            )
        if row["is_reference"] not in ("true", "false"):
            raise UserError(
                "is_reference is neither true nor false.",
                where=where,
                expected=f"true or false, found '{row['is_reference']}'",
            )
        is_reference = row["is_reference"] == "true"
        if is_reference and sequence in references:
            raise UserError(
                f"sequence '{sequence}' has two hidden references.",
                where=where,
                expected="at most one row with is_reference true for each sequence",
            )
        coding = [row[key] for key in ("sequence", "codec", "configuration", "method", "qp")]
        first = codings.setdefault((*coding, row.get("block") or ""), name)
        if first != name and not is_reference:
            raise UserError(
                f"stimuli '{first}' and '{name}' are of one coding.",
                where=where,
                expected="each coding of a sequence once: method, codec, configuration and QP",
            )
        if not all(coding[:1] if is_reference else (*coding[:2], coding[3])):
            raise UserError(
                f"stimulus '{name}' does not say what it is.",
                where=where,
                expected="a sequence and, but of a reference, codec and method",
            )
        clip = PurePosixPath(row["file"].replace("\\", "/"))
        if clip.is_absolute() or ".." in clip.parts:
            raise UserError(
                f"the file of stimulus '{name}' lies outside of the test's folder.",
                where=where,
                expected=f"a path within it, found '{row['file'][:60]}'",
            )
        if is_reference:
            references.add(sequence)
        elif not re.fullmatch(r"[0-9]{1,2}", row["qp"]):
            raise UserError(
                f"stimulus '{name}' has no QP.",
                where=where,
                expected=f"a whole number from 0 to 99, found '{row['qp'][:40]}'",
            )
        if not re.fullmatch(r"[0-9]{0,4}", row.get("block") or ""):
            raise UserError(
                f"stimulus '{name}' has a block that is no number.",
                where=where,
                expected=f"a whole number, or nothing; found '{row['block'][:40]}'",
            )
        stimuli[name] = Stimulus(
            name,
            sequence,
            row["codec"],
            row["configuration"],
            row["method"],
            None if is_reference else int(row["qp"]),
            is_reference,
            row["file"],
            int(row.get("block") or 0),
        )
    if not stimuli:
        raise UserError("the stimulus table has no rows.", where=str(path))
    return list(stimuli.values())


def read_ratings(
    paths: Sequence[str | Path],
    stimuli: Sequence[Stimulus],
    scale: tuple[float, float] = FIVE_GRADES,
    max_failed_checks: int | None = None,
) -> Ratings:
    """Read the ratings of all subjects (``answers.read_answers``).

    Subjects come in the order of their names, stimuli in that of ``stimuli``. Raises UserError
    as ``read_answers`` does, on a second rating of one stimulus by one subject (the hidden repeats
    of the page are none), on blocks that lack ratings, and where there are fewer than two subjects.
    """
    import numpy as np

    answers = read_answers(paths, [s.name for s in stimuli], scale)
    counted = without_failed(answers, max_failed_checks)
    tested = [answer for answer in counted if answer.kind == "test"]
    given = once(tested, ("subject", "stimulus"))
    subjects = sorted({answer.subject for answer in tested})
    _check_complete(subjects, stimuli, tested, paths)
    scores = np.full((len(stimuli), len(subjects)), np.nan)
    rows = {stimulus.name: row for row, stimulus in enumerate(stimuli)}
    columns = {subject: column for column, subject in enumerate(subjects)}
    for answer in given.values():
        scores[rows[answer.stimulus], columns[answer.subject]] = answer.score
    return Ratings(tuple(stimuli), tuple(subjects), scores, scale, tuple(answers))


def _check_complete(
    subjects: Sequence[str],
    stimuli: Sequence[Stimulus],
    answers: Sequence[Answer],
    paths: Sequence[str | Path],
) -> None:
    """Every block that a subject has begun is rated whole."""
    blocks = {stimulus.name: stimulus.block for stimulus in stimuli}
    for subject in subjects:
        own = [answer for answer in answers if answer.subject == subject]
        given = {answer.stimulus for answer in own}
        begun = {blocks[name] for name in given}
        expected = [stimulus.name for stimulus in stimuli if stimulus.block in begun]
        lacking = [name for name in expected if name not in given]
        if lacking:
            raise UserError(
                f"the session of subject '{subject}' is incomplete.",
                where=f"ends at {own[-1].where}",
                expected=f"{len(expected)} ratings, found {len(given)}; the first "
                f"missing one is of '{lacking[0]}'",
                remedy="let the person finish (the page goes on where it stopped), or leave the "
                "subject's file out.",
            )
    if len(subjects) < MIN_SUBJECTS:
        raise UserError(
            f"the ratings are of {len(subjects)} subject(s): no confidence interval can be given.",
            where=", ".join(str(path) for path in paths),
            expected=f"at least {MIN_SUBJECTS} subjects (ITU-T P.910 advises 24, ITU-R BT.500 15)",
        )
