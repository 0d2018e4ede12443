"""The votes of a session as its server keeps them: SQLite, each vote once and on disk at once."""

from __future__ import annotations

import json
import math
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.files import opens_as_formula
from jndlab.subjective.answers import KINDS, RECORD_COLUMNS, check_time

LONGEST_TEXT = 600  # characters of a text that a browser sends
MOST_VOTES = 20_000  # of one subject
_TABLES = """
CREATE TABLE IF NOT EXISTS subjects (
    number INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL, token TEXT UNIQUE NOT NULL
);
CREATE TABLE IF NOT EXISTS votes (
    subject INTEGER NOT NULL REFERENCES subjects, block INTEGER NOT NULL,
    position INTEGER NOT NULL, step INTEGER NOT NULL, record TEXT NOT NULL,
    PRIMARY KEY (subject, block, position, step)
);
"""


@dataclass(frozen=True)
class Subject:
    """A person of the test: ``index`` (from 0) spreads the blocks, ``token`` is the secret link."""

    index: int
    name: str
    token: str


class Votes:
    """The file of a session's votes; safe to use from several threads.

    A vote is written before :meth:`store` returns. A vote that is sent again, whatever it says,
    changes nothing: the first one counts.
    """

    def __init__(self, path: str | Path) -> None:
        path = Path(path)
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)  # it holds the tokens
            self._connection = sqlite3.connect(path, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_TABLES)
        except (sqlite3.DatabaseError, OSError) as error:
            raise UserError(f"the votes cannot be opened: {error}.", where=str(path)) from error

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._connection:
            yield self._connection

    def add_subjects(self, names: Iterable[str]) -> list[Subject]:
        """Register those that are not there yet; returns all subjects of the session."""
        with self._writing() as connection:
            for name in names:
                connection.execute(
                    "INSERT OR IGNORE INTO subjects (name, token) VALUES (?, ?)",
                    (name, secrets.token_urlsafe(16)),
                )
        return self.subjects()

    def subjects(self) -> list[Subject]:
        """All subjects in the order of their registration."""
        with self._lock:
            rows = self._connection.execute("SELECT name, token FROM subjects ORDER BY number")
            return [Subject(index, *row) for index, row in enumerate(rows)]

    def store(self, subject: Subject, vote: Mapping[str, Any]) -> bool:
        """Keep a vote (``checked_vote``); False where that place was answered before.

        Raises UserError where a subject has sent more than a session can hold.
        """
        place = tuple(vote[name] for name in ("block", "position", "step"))
        record = json.dumps(vote, ensure_ascii=False)
        with self._writing() as connection:
            (count,) = connection.execute(
                "SELECT count(*) FROM votes WHERE subject = ?", (subject.index + 1,)
            ).fetchone()
            if count >= MOST_VOTES:
                raise UserError("this subject has sent too many votes.")
            done = connection.execute(
                "INSERT OR IGNORE INTO votes VALUES (?, ?, ?, ?, ?)",
                (subject.index + 1, *place, record),
            )
            return done.rowcount == 1

    def of_subject(self, subject: Subject) -> list[dict[str, Any]]:
        """The subject's votes in the order of their places."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT record FROM votes WHERE subject = ? ORDER BY block, position, step",
                (subject.index + 1,),
            )
            return [json.loads(record) for (record,) in rows]

    def records(self) -> list[dict[str, Any]]:
        """All votes as rows of ``answers.RECORD_COLUMNS``."""
        return [
            {name: vote.get(name, "") for name in RECORD_COLUMNS} | {"subject": subject.name}
            for subject in self.subjects()
            for vote in self.of_subject(subject)
        ]


NUMBERS = ("level", "expected", "dropped", "frames")  # of a vote, where it has them


def checked_vote(vote: Any, stimuli: Iterable[str]) -> dict[str, Any]:
    """What a browser sent as a vote of one of ``stimuli``; other keys than known ones are dropped.

    Raises UserError for anything that is no vote: texts that are too long, numbers that are none.
    """
    if not isinstance(vote, dict):
        raise UserError("a vote is no record.")
    kept = {name: vote[name] for name in RECORD_COLUMNS if name in vote}
    for name, value in kept.items():
        is_text = isinstance(value, str) and not opens_as_formula(value) and value.isprintable()
        is_text = is_text and (name not in NUMBERS or not value)
        is_number = type(value) in (int, float) and math.isfinite(value)
        if not (is_text or is_number) or len(str(value)) > LONGEST_TEXT:
            raise UserError(f"a vote has an unusable {name}.")
    for name in ("block", "position", "step"):
        if not isinstance(kept.get(name), int) or not 0 <= kept[name] < MOST_VOTES:
            raise UserError(f"a vote has no {name}.")
    score = kept.get("score")
    if not isinstance(score, int | float) or not -100 <= score <= 100:
        raise UserError("a vote has no score.")
    check_time(str(kept.get("time")), "a vote")
    if kept.get("kind") not in KINDS:
        raise UserError("a vote has no kind.", expected=f"of {', '.join(KINDS)}")
    if kept.get("stimulus") not in set(stimuli):
        raise UserError("a vote is of a stimulus that is not part of this test.")
    return kept
