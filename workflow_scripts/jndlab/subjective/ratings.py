"""Ratings by people and what they rated, read from CSV files and checked row by row."""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jndlab.errors import UserError
from jndlab.files import opens_as_formula

if TYPE_CHECKING:
    import numpy as np

STIMULUS_COLUMNS = (
    "stimulus", "sequence", "codec", "configuration", "method", "qp", "is_reference", "file",
)  # fmt: skip
RATING_COLUMNS = ("subject", "stimulus", "score", "time")
FIVE_GRADES = (1.0, 5.0)
MIN_SUBJECTS = 2  # no spread between people, so no confidence interval, with fewer


@dataclass(frozen=True)
class Stimulus:
    """What was shown: a coded clip, or the hidden reference (the source, rated like the rest).

    ``qp`` is None and ``codec``, ``configuration`` and ``method`` are empty for a reference;
    ``file`` is the clip's path inside the test's folder.
    """

    name: str
    sequence: str
    codec: str
    configuration: str
    method: str
    qp: int | None
    is_reference: bool
    file: str


@dataclass(frozen=True)
class Ratings:
    """Complete ratings: ``scores[i, j]`` is what ``subjects[j]`` gave to ``stimuli[i]``.

    ``scale`` is the lowest and highest grade; the highest is the best.
    """

    stimuli: tuple[Stimulus, ...]
    subjects: tuple[str, ...]
    scores: np.ndarray
    scale: tuple[float, float]


def read_stimuli(path: str | Path) -> list[Stimulus]:
    """Read a stimulus table (CSV with ``STIMULUS_COLUMNS``; further columns are ignored).

    Raises UserError, with file and line, on a missing column, a name given twice, a QP that is
    no number, an ``is_reference`` other than true or false, and two references of one sequence.
    """
    stimuli: dict[str, Stimulus] = {}
    references: set[str] = set()
    for where, row in _rows(path, STIMULUS_COLUMNS):
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
        if is_reference:
            references.add(sequence)
        elif not re.fullmatch(r"[0-9]{1,2}", row["qp"]):
            raise UserError(
                f"stimulus '{name}' has no QP.",
                where=where,
                expected=f"a whole number from 0 to 99, found '{row['qp'][:40]}'",
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
        )
    if not stimuli:
        raise UserError("the stimulus table has no rows.", where=str(path))
    return list(stimuli.values())


def read_ratings(
    paths: Sequence[str | Path],
    stimuli: Sequence[Stimulus],
    scale: tuple[float, float] = FIVE_GRADES,
) -> Ratings:
    """Read the ratings of all subjects (CSV files with ``RATING_COLUMNS``, any rows per file).

    Subjects come in the order of their names, stimuli in that of ``stimuli``. Raises UserError,
    with file and line, on a missing column, an empty subject, an unknown stimulus, a score that
    is no number or outside ``scale``, a time that is not ISO 8601 and a second rating of one
    stimulus by one subject; then on sessions that lack ratings, and where there are fewer than
    two subjects.
    """
    import numpy as np

    if not paths:
        raise UserError(
            "there are no ratings to analyse.",
            where="the configuration, key `subjective.ratings`",
            expected="the CSV files that the rating page saves",
            remedy="run `snakemake subjective_session`, let people rate, and list their files.",
        )
    names = {stimulus.name for stimulus in stimuli}
    given: dict[tuple[str, str], tuple[float, str]] = {}
    for path in paths:
        for where, row in _rows(path, RATING_COLUMNS):
            subject, stimulus = row["subject"], row["stimulus"]
            if not subject:
                raise UserError("a rating has no subject.", where=where, expected="a name or code")
            if stimulus not in names:
                raise UserError(
                    f"stimulus '{stimulus}' is not part of this test.",
                    where=where,
                    expected=f"one of the {len(names)} names of the stimulus table",
                    remedy="check that the ratings belong to this session and not another one.",
                )
            first = given.get((subject, stimulus))
            if first:
                raise UserError(
                    f"subject '{subject}' rated stimulus '{stimulus}' twice.",
                    where=where,
                    expected=f"one rating; the first is at {first[1]}",
                    remedy="remove one, or give two people of one name different names.",
                )
            _check_time(row["time"], where)
            given[subject, stimulus] = _score(row["score"], scale, where), where
    subjects = sorted({subject for subject, _ in given})
    _check_names(subjects, given)
    _check_complete(subjects, stimuli, given, paths)
    scores = [[given[subject, s.name][0] for subject in subjects] for s in stimuli]
    return Ratings(tuple(stimuli), tuple(subjects), np.array(scores, dtype=float), scale)


def _check_names(
    subjects: Sequence[str], given: Mapping[tuple[str, str], tuple[float, str]]
) -> None:
    """No two names that people take for one: anna and Anna, an accent written in two ways."""
    first: dict[str, str] = {}
    for subject in subjects:
        known = first.setdefault(_folded(subject), subject)
        if known != subject:
            where = [next(at for (name, _), (_, at) in given.items() if name == one)
                     for one in (known, subject)]  # fmt: skip
            raise UserError(
                f"the subjects '{known}' and '{subject}' differ in their spelling alone.",
                where=" and ".join(where),
                expected="one name for each person",
                remedy="write one person's name in one way, and those of two people differently.",
            )


def _folded(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def _check_complete(
    subjects: Sequence[str],
    stimuli: Sequence[Stimulus],
    given: dict[tuple[str, str], tuple[float, str]],
    paths: Sequence[str | Path],
) -> None:
    files = ", ".join(str(path) for path in paths)
    for subject in subjects:
        lacking = [s.name for s in stimuli if (subject, s.name) not in given]
        if lacking:
            last = [where for (name, _), (_, where) in given.items() if name == subject][-1]
            raise UserError(
                f"the session of subject '{subject}' is incomplete.",
                where=f"ends at {last}",
                expected=f"{len(stimuli)} ratings, found {len(stimuli) - len(lacking)}; the first "
                f"missing one is of '{lacking[0]}'",
                remedy="let the person finish (the page goes on where it stopped), or leave the "
                "subject's file out.",
            )
    if len(subjects) < MIN_SUBJECTS:
        raise UserError(
            f"the ratings are of {len(subjects)} subject(s): no confidence interval can be given.",
            where=files,
            expected=f"at least {MIN_SUBJECTS} subjects (ITU-T P.910 advises 24, ITU-R BT.500 15)",
        )


def _score(text: str, scale: tuple[float, float], where: str) -> float:
    # Not all that float() takes: 0_3 and digits of other scripts are slips of a form.
    score = float(text) if re.fullmatch(r"[+-]?[0-9]{1,6}(\.[0-9]{1,12})?", text) else math.nan
    if not scale[0] <= score <= scale[1]:  # false for NaN as well
        raise UserError(
            "a score is outside the scale.",
            where=where,
            expected=f"a number from {scale[0]:g} to {scale[1]:g}, found '{text[:40]}'",
        )
    return score


def _check_time(text: str, where: str) -> None:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(
            "the time of a rating cannot be read.",
            where=where,
            expected=f"ISO 8601 such as 2024-05-31T14:02:11.250Z, found '{text}'",
        ) from error


def _rows(path: str | Path, columns: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row with the place that messages name; spreadsheets' byte order mark is skipped."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            found = list(reader.fieldnames or [])
            twice = [name for name in columns if found.count(name) > 1]
            if twice:
                raise UserError(
                    f"the table has two columns {', '.join(twice)}.",
                    where=f"{path}, line 1",
                    expected=f"each of {','.join(columns)} once",
                )
            missing = [name for name in columns if name not in found]
            if missing:
                raise UserError(
                    f"the table lacks the column(s) {', '.join(missing)}.",
                    where=f"{path}, line 1",
                    expected=f"{','.join(columns)}, found '{','.join(found)}'",
                )
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                if None in row or any(row[name] is None for name in columns):
                    raise UserError(
                        "a row has another number of cells than the table has columns.",
                        where=where,
                        expected=f"{len(found)} cells",
                    )
                cells = {name: row[name].strip() for name in columns}
                for name, cell in cells.items():
                    if opens_as_formula(cell):
                        raise UserError(
                            f"a cell is a formula to spreadsheets: '{cell[:60]}'.",
                            where=f"{where}, column {name}",
                            expected="a text that does not begin with = + - or @",
                        )
                    if any(unicodedata.category(letter).startswith("C") for letter in cell):
                        raise UserError(
                            f"a cell has a character that is not shown: {ascii(cell)[:80]}.",
                            where=f"{where}, column {name}",
                            expected="a text of one line without control characters",
                        )
                yield where, cells
    except FileNotFoundError as error:
        raise UserError("there is no such file.", where=str(path)) from error
    except OSError as error:
        raise UserError(f"the file cannot be read: {error.strerror}.", where=str(path)) from error
    except csv.Error as error:
        raise UserError(f"the file is no CSV: {error}.", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise UserError("the file is no UTF-8 text.", where=str(path)) from error
