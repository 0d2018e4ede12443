"""Raters of any procedure: votes, consistency in hidden repeats, checks, and who does not count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from jndlab.subjective.answers import Answer

Repeats = Mapping[str, Sequence[tuple[float, float]]]
CAPTION = (
    "votes that count; checks of attention and those failed; hidden repeats, those answered as the "
    "first time (%), and the mean |second - first| in {}; share of frames that the computer did "
    "not show; why someone does not count (empty: counted). "
)


def record_table(
    answers: Sequence[Answer], kept: Collection[str], repeats: Repeats
) -> pd.DataFrame:
    """A row per subject of ``answers``, also of those who are not among the ``kept`` ones.

    ``repeats`` has each subject's first and second answer where there are two. Columns: ``votes``,
    ``checks``, ``checks_failed``, ``repeats``, ``repeats_agreed_pct``, ``repeat_difference`` (as
    the answers; NaN without repeats), ``dropped_pct``, ``left_out`` (the reason, else empty).
    """
    rows = []
    for subject in sorted({answer.subject for answer in answers} | {*kept}):
        own = [answer for answer in answers if answer.subject == subject]
        checks = [answer for answer in own if answer.kind == "check"]
        failed = sum(answer.failed for answer in checks)
        first, second = np.array(repeats.get(subject) or np.empty((0, 2))).T
        same = (first == second) | (np.isnan(first) & np.isnan(second))
        differences = np.abs(second - first)[~np.isnan(second - first)]
        frames = sum(answer.frames for answer in own)
        rows.append(
            {
                "subject": subject,
                "votes": sum(answer.kind == "test" for answer in own),
                "checks": len(checks),
                "checks_failed": failed,
                "repeats": len(first),
                "repeats_agreed_pct": 100 * same.mean() if len(first) else np.nan,
                "repeat_difference": differences.mean() if len(differences) else np.nan,
                "dropped_pct": 100 * sum(a.dropped for a in own) / frames if frames else np.nan,
                "left_out": "" if subject in kept else f"failed {failed} of {len(checks)} checks",
            }
        )
    return pd.DataFrame(rows)


def repeated_votes(answers: Iterable[Answer]) -> Repeats:
    """Each subject's first and second score of every stimulus that was shown again."""
    answers = list(answers)
    first = {(a.subject, a.stimulus): a.score for a in answers if a.kind == "test"}
    found: dict[str, list[tuple[float, float]]] = {}
    for answer in answers:
        place = answer.subject, answer.stimulus
        if answer.kind == "repeat" and place in first:
            found.setdefault(answer.subject, []).append((first[place], answer.score))
    return found
