"""JND searches: the answers of people into JND samples and labels, as the papers read them.

The page bisects the ladder of a content: from the source (later from the clip of the JND before)
to its coarsest coding, each answer halves what is left. The sample of a level is the finest quality
at which a difference was seen; a subject who saw none has no sample there (NaN).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from jndlab.errors import UserError
from jndlab.files import read_csv, write_csv, write_text
from jndlab.quality.jnd_statistics import JndSamples, Unit, check_samples
from jndlab.subjective.answers import Answer, read_answers
from jndlab.subjective.raters import record_table
from jndlab.subjective.ratings import Stimulus, read_stimuli

SAMPLE_COLUMNS = ["subject", "source", "level", "value"]


def read_searches(
    paths: Sequence[str | Path], key: str | Path, max_failed_checks: int | None = None
) -> tuple[list[str], JndSamples]:
    """Subjects and samples, from the files of the page and the key of the session.

    Raises UserError as ``answers.read_answers``, for the key of another procedure (a search has
    codings of one method), and for a search that was broken off.
    """
    stimuli, unit = _read_key(key)
    answers = read_answers(paths, [s.name for s in stimuli], (0, 1), max_failed_checks)
    tested = [answer for answer in answers if answer.kind == "test"]
    return samples_of(stimuli, tested, unit, str(key))


def search_raters(
    paths: Sequence[str | Path], key: str | Path, kept: Sequence[str]
) -> pd.DataFrame:
    """All raters (``raters.record_table``), of whom the ``kept`` ones count.

    A hidden repeat is a second search of the first JND; one that was broken off is none.
    """
    stimuli, unit = _read_key(key)
    answers = read_answers(paths, [s.name for s in stimuli], (0, 1))
    repeats: dict[str, list[tuple[float, float]]] = {}
    for subject in {answer.subject for answer in answers}:
        for source in {stimulus.sequence for stimulus in stimuli}:
            own = [s for s in stimuli if s.sequence == source]
            names = {stimulus.name for stimulus in own}
            found = []
            for kind in ("test", "repeat"):
                of_kind = [
                    a
                    for a in answers
                    if a.kind == kind and a.subject == subject and a.level == 1
                    and a.stimulus in names
                ]  # fmt: skip
                with suppress(UserError):
                    _, samples = samples_of(own, of_kind, unit, str(key))
                    found += [float(level[0]) for level in samples.values[source] if of_kind]
            if len(found) == 2:
                repeats.setdefault(subject, []).append((found[0], found[1]))
    return record_table(answers, kept, repeats)


def _read_key(key: str | Path) -> tuple[list[Stimulus], Unit]:
    stimuli = read_stimuli(key)
    if len({s.method for s in stimuli if not s.is_reference}) > 1:
        raise UserError(
            "these stimuli are not those of a JND search.",
            where=str(key),
            expected="codings of one method, a ladder for each sequence",
            remedy="set `procedure: jnd` and make the session again.",
        )
    return stimuli, "QF" if read_csv(key)[0].get("unit") == "QF" else "QP"


def samples_of(
    stimuli: Sequence[Stimulus], answers: Sequence[Answer], unit: Unit, where: str
) -> tuple[list[str], JndSamples]:
    """Subjects (sorted), and samples in their order: NaN where one saw no difference.

    Raises UserError for a search that was broken off.
    """
    sign = 1 if unit == "QP" else -1
    ladders: dict[str, list[int]] = {}
    for stimulus in stimuli:
        if stimulus.qp is not None:
            ladders.setdefault(stimulus.sequence, []).append(sign * stimulus.qp)
    place = {s.name: (s.sequence, sign * (s.qp or 0)) for s in stimuli}
    seen: dict[tuple[str, str, int], dict[int, bool]] = {}
    for answer in answers:
        source, quality = place[answer.stimulus]
        of_search = seen.setdefault((answer.subject, source, answer.level), {})
        of_search[quality] = bool(answer.score)
    subjects = sorted({answer.subject for answer in answers})
    levels = max((answer.level for answer in answers), default=1)
    values = {source: np.full((levels, len(subjects)), np.nan) for source in ladders}
    for (subject, source, level), of_search in seen.items():
        found = _first_seen(sorted(ladders[source]), of_search, f"{subject}, {source}", where)
        if found is not None:
            values[source][level - 1, subjects.index(subject)] = sign * found
    samples = JndSamples(unit, {s: tuple(table) for s, table in values.items()}, True)
    return subjects, check_samples(samples, where)


def found_levels(samples: JndSamples) -> JndSamples:
    """The levels that somebody found in every source, of which there can be labels.

    Raises UserError, naming the source, where nobody saw the first one.
    """
    counts = {
        source: [int((~np.isnan(level)).sum()) for level in levels]
        for source, levels in samples.values.items()
    }
    unseen = [source for source, found in counts.items() if not found[0]]
    if unseen:
        raise UserError(
            f"nobody saw a difference in {', '.join(unseen[:5])}.",
            expected="a sample of the first JND in every source",
            remedy="search to coarser qualities (`qps`), or leave these sources out.",
        )
    common = min(found.index(0) if 0 in found else len(found) for found in counts.values())
    values = {source: levels[:common] for source, levels in samples.values.items()}
    return JndSamples(samples.unit, values, samples.same_subjects)


def _first_seen(
    ladder: Sequence[int], answers: dict[int, bool], who: str, where: str
) -> int | None:
    """The end of a bisection: the finest that was seen, next to the coarsest that was not."""
    seen = [ladder.index(quality) for quality, given in answers.items() if given]
    unseen = [ladder.index(quality) for quality, given in answers.items() if not given]
    first = min(seen, default=len(ladder))
    if unseen and max(unseen) != first - 1:
        raise UserError(
            f"the search of {who} was broken off.",
            where=where,
            expected=f"a difference seen at {abs(ladder[min(first, len(ladder) - 1)])} and none at "
            "the quality before",
            remedy="let the person finish (the page goes on where it stopped), or leave the file "
            "out.",
        )
    return None if first == len(ladder) else ladder[first]


def write_samples(folder: Path, subjects: Sequence[str], samples: JndSamples) -> None:
    """``samples.csv`` (a row per subject, source and level), and a text file for each source.

    The text files are those of MCL-JCV's form: a line per subject with the qualities at which he
    saw a difference, in the order of the levels; subjects who saw none have no line.
    """
    rows = []
    for source, levels in samples.values.items():
        lines = []
        for place, subject in enumerate(subjects):
            given = [float(level[place]) for level in levels if not np.isnan(level[place])]
            rows += [
                {"subject": subject, "source": source, "level": level, "value": f"{value:g}"}
                for level, value in enumerate(given, start=1)
            ]
            lines.append(" ".join(f"{value:g}" for value in given))
        text = "\n".join(line for line in lines if line)
        write_text(folder / "samples" / f"{source}.txt", f"{text}\n")
    write_csv(folder / "samples.csv", rows, SAMPLE_COLUMNS)
