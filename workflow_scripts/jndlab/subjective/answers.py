"""Answers of people as the rating page, its server or a lab saves them, checked row by row."""

from __future__ import annotations

import csv
import io
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jndlab.errors import UserError
from jndlab.files import opens_as_formula, other_separator, read_utf8

RATING_COLUMNS = ("subject", "stimulus", "score", "time")
# What the page records of each answer: where it stood in the sitting (block, position in its plan,
# step of a search), its kind (test, training, repeat, check), what a check expected, JND level,
# whether a pair was shown in turned order, looks and interruptions, frames, and the sitting itself.
PAIR_COLUMNS = (
    "stimulus", "sequence", "codec", "configuration", "method", "qp", "anchor_qp",
    "rate_difference_pct", "file", "anchor_file",
)  # fmt: skip
RECORD_COLUMNS = (
    *RATING_COLUMNS, "block", "position", "step", "kind", "expected", "level", "swapped", "replays",
    "interruptions", "frames", "dropped", "vote_seconds", "full_screen", "screen_width",
    "screen_height", "pixel_ratio", "refresh_hz", "browser", "acuity", "colour_vision",
    "display_check", "consent_time",
)  # fmt: skip
TRAINING = "training"
SOME = r"[0-9]{1,9}(\.[0-9]{1,9})?"
KINDS = ("test", "repeat", "check", TRAINING)


@dataclass(frozen=True)
class Answer:
    """One answer: ``score`` of ``stimulus``, and what the page recorded of it.

    ``kind`` is one of ``KINDS``; ``block`` counts from 0; ``level`` is that of a JND search, else
    0; ``expected`` is what a check asked for, else None. ``where`` is file and line.
    """

    subject: str
    stimulus: str
    score: float
    where: str
    kind: str = "test"
    block: int = 0
    level: int = 0
    expected: float | None = None
    dropped: float = 0.0
    frames: float = 0.0

    @property
    def failed(self) -> bool:
        """Whether this is a check that was not answered as it asked for."""
        return self.kind == "check" and self.score != self.expected


def read_answers(
    paths: Sequence[str | Path],
    names: Iterable[str],
    scale: tuple[float, float],
    max_failed_checks: int | None = None,
) -> list[Answer]:
    """All answers of the files (CSV with ``RATING_COLUMNS``, further ones as the page saves them).

    Those of the training are left out. Subjects who fail more than ``max_failed_checks`` checks
    are left out as well (None: nobody). Raises UserError, with file and line, on a missing column,
    an empty subject, an unknown stimulus, a score that is no number or outside ``scale``, a time
    that is not ISO 8601, and subjects whose names differ in spelling alone.
    """
    if not paths:
        raise UserError(
            "there are no ratings to analyse.",
            where="the configuration, key `subjective.ratings`",
            expected="the CSV files that the rating page saves",
            remedy="run `snakemake subjective_session`, let people rate, and list their files.",
        )
    known = set(names)
    answers = []
    for path in paths:
        for where, row in csv_rows(path, RATING_COLUMNS, RECORD_COLUMNS):
            if not row["subject"]:
                raise UserError("a rating has no subject.", where=where, expected="a name or code")
            if row.get("kind") == TRAINING:  # of clips that the key need not hold
                continue
            if row["stimulus"] not in known:
                raise UserError(
                    f"stimulus '{row['stimulus']}' is not part of this test.",
                    where=where,
                    expected=f"one of the {len(known)} names of the stimulus table",
                    remedy="check that the ratings belong to this session and not another one.",
                )
            check_time(row["time"], where)
            answers.append(_answer(row, scale, where))
    _check_names(answers)
    return without_failed(answers, max_failed_checks)


def without_failed(answers: Sequence[Answer], max_failed_checks: int | None) -> list[Answer]:
    """The answers of subjects who failed no more checks than that (None: of all)."""
    failed = [answer.subject for answer in answers if answer.failed]
    return [
        answer
        for answer in answers
        if max_failed_checks is None or failed.count(answer.subject) <= max_failed_checks
    ]


def once(answers: Iterable[Answer], key: Sequence[str]) -> dict[tuple[object, ...], Answer]:
    """The answers by ``key`` (fields of theirs); UserError where two share one."""
    found: dict[tuple[object, ...], Answer] = {}
    for answer in answers:
        place = tuple(getattr(answer, name) for name in key)
        first = found.get(place)
        if first:
            raise UserError(
                f"subject '{answer.subject}' rated stimulus '{answer.stimulus}' twice.",
                where=answer.where,
                expected=f"one rating; the first is at {first.where}",
                remedy="remove one, or give two people of one name different names.",
            )
        found[place] = answer
    return found


def _answer(row: dict[str, str], scale: tuple[float, float], where: str) -> Answer:
    kind = row.get("kind") or "test"
    if kind not in KINDS:
        raise UserError(
            f"a rating is of the kind '{kind[:40]}'.",
            where=where,
            expected=f"of {', '.join(KINDS)}",
        )
    return Answer(
        row["subject"],
        row["stimulus"],
        _score(row["score"], scale, where),
        where,
        kind,
        int(_number(row, "block", where, r"[0-9]{1,4}")),
        int(_number(row, "level", where, r"[0-9]{1,4}")),
        _number(row, "expected", where, "-?" + SOME) if row.get("expected") else None,
        _number(row, "dropped", where),
        _number(row, "frames", where),
    )


def _number(row: dict[str, str], name: str, where: str, form: str = SOME) -> float:
    text = row.get(name) or "0"
    if not re.fullmatch(form, text):
        raise UserError(
            f"the column {name} has no such number.",
            where=where,
            expected=f"{'one' if form == SOME else 'a whole one'}, 0 or more; found '{text[:40]}'",
        )
    return float(text)


def _check_names(answers: Iterable[Answer]) -> None:
    """No two names that people take for one: anna and Anna, an accent written in two ways."""
    first: dict[str, Answer] = {}
    for answer in answers:
        known = first.setdefault(folded(answer.subject), answer)
        if known.subject != answer.subject:
            raise UserError(
                f"the subjects '{known.subject}' and '{answer.subject}' differ in their spelling "
                "alone.",
                where=f"{known.where} and {answer.where}",
                expected="one name for each person",
                remedy="write one person's name in one way, and those of two people differently.",
            )


def folded(name: str) -> str:
    """A name without what people write in several ways: capitals, accents' forms, spaces.

    Of a number also the zeros that spreadsheets add or take: 007 and 7.0.
    """
    plain = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    return re.sub(r"^0+(?=[0-9]+$)", "", re.sub(r"^([0-9]+)\.0+$", r"\1", plain))


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


def check_time(text: str, where: str) -> None:
    """Raise UserError, naming ``where``, unless the text is a time in ISO 8601."""
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise UserError(
            "the time of a rating cannot be read.",
            where=where,
            expected=f"ISO 8601 such as 2024-05-31T14:02:11.250Z, found '{text}'",
        ) from error


def csv_rows(
    path: str | Path, columns: Sequence[str], further: Sequence[str] = ()
) -> Iterator[tuple[str, dict[str, str]]]:
    """Each row with the place that messages name; spreadsheets' byte order mark is skipped.

    ``columns`` must be there; those of ``further`` are read where they are.
    """
    try:
        with io.StringIO(read_utf8(path), newline="") as stream:
            reader = csv.DictReader(stream)
            found = list(reader.fieldnames or [])
            twice = [name for name in (*columns, *further) if found.count(name) > 1]
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
                    remedy=f"save it with commas in place of {other}, and points in numbers."
                    if (other := other_separator(found))
                    else "",
                )
            wanted = [name for name in found if name in {*columns, *further}]
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                if None in row or any(row[name] is None for name in wanted):
                    raise UserError(
                        "a row has another number of cells than the table has columns.",
                        where=where,
                        expected=f"{len(found)} cells",
                    )
                cells = {name: row[name].strip() for name in wanted}
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
        where = f"{path}, line {reader.line_num}"
        raise UserError(f"the file is no CSV: {error}.", where=where) from error
