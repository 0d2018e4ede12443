"""The design of a rating test: trials of a procedure, their blocks, what the training shows.

A trial is one question (for a JND search, a series of them). A *block* is the trials of a sitting
of bounded length. All codings of a content stay in one block as long as there are at least as many
contents as blocks, so that every block has all methods and QPs and a rater sees each clip with its
hidden reference; else blocks share contents, and the codings of one QP stay together.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, Literal, Protocol, TypeVar

from jndlab.errors import UserError
from jndlab.quality.rd_point import PointKey

Procedure = Literal["dcr", "acr", "pairs", "jnd"]
VOTE_SECONDS = 4.0  # a vote takes about as long


class _Coded(Protocol):
    @property
    def sequence(self) -> str: ...
    @property
    def qp(self) -> int | None: ...


Coded = TypeVar("Coded", bound=_Coded)


@dataclass(frozen=True)
class Trial:
    """What one question is about: ``clips`` in the order of the procedure.

    dcr: source, clip; acr: clip; pairs: method, anchor; jnd: source, then the ladder from fine to
    coarse. ``qp`` is None for the hidden reference and for a search. ``seconds`` is its length with
    pauses and votes.
    """

    sequence: str
    qp: int | None
    clips: tuple[Any, ...]
    seconds: float
    block: int = 0


def extra_seconds(
    trials: Sequence[Trial],
    training: Sequence[Trial],
    *,
    repeats: int,
    checks: int,
    levels: int | None = None,
) -> float:
    """At most what a sitting takes on top of its trials: training, hidden repeats and checks.

    Searches of ``levels`` JNDs (None: another procedure) are trained and repeated for the first
    JND alone, and a check among them is one question.
    """
    repeat = max(trial.seconds for trial in trials) / (levels or 1)
    check = repeat
    if levels:
        check = max(t.seconds / levels / math.ceil(math.log2(len(t.clips))) for t in trials)
    trained = sum(trial.seconds for trial in training) / (levels or 1)
    return trained + repeats * repeat + checks * check


def blocks_of(trials: Sequence[Trial], max_seconds: float, extra: float = 0.0) -> list[Trial]:
    """The trials with their blocks, numbered from 0; blocks differ little in length.

    A block and the ``extra`` seconds of every sitting take ``max_seconds`` at most. Raises
    UserError where one trial is too long for that.
    """
    longest = max(trial.seconds for trial in trials)
    if longest + extra > max_seconds:
        raise UserError(
            f"a trial takes {longest / 60:.1f} minutes, training, repeats and checks "
            f"{extra / 60:.1f}: longer than a sitting may be.",
            where="the configuration, section `subjective`",
            expected=f"at most {max_seconds / 60:g} minutes (`max_minutes`)",
            remedy="shorten the clips (`clip_seconds`), take fewer of `training_pairs`, `repeats` "
            "and `attention_checks`, or allow longer sittings.",
        )
    max_seconds -= extra
    count = math.ceil(sum(trial.seconds for trial in trials) / max_seconds)
    contents = {trial.sequence for trial in trials}
    whole = count <= len(contents)
    while True:  # uneven groups may not fit into the fewest blocks
        found = _dealt(trials, count, whole)
        lengths = [sum(t.seconds for t in found if t.block == n) for n in range(count)]
        if max(lengths) <= max_seconds:
            return found
        count += 1
        whole = count <= len(contents)
        if count > len(trials):
            return [replace(trial, block=n) for n, trial in enumerate(trials)]


def _dealt(trials: Sequence[Trial], count: int, whole: bool) -> list[Trial]:
    """Groups of trials that stay together, each into the block that is shortest so far."""

    def key(trial: Trial) -> tuple[str, int]:
        return trial.sequence, -1 if whole or trial.qp is None else trial.qp

    groups = [list(group) for _, group in groupby(sorted(trials, key=key), key=key)]
    lengths = [0.0] * count
    blocks: dict[int, int] = {}
    used: dict[str, list[int]] = {}
    for group in groups:
        # Of equally long blocks the one that has least of this content.
        had = used.setdefault(group[0].sequence, [0] * count)
        block = min(range(count), key=lambda n: (round(lengths[n], 6), had[n], n))
        had[block] += 1
        lengths[block] += sum(trial.seconds for trial in group)
        blocks |= {id(trial): block for trial in group}
    return [replace(trial, block=blocks[id(trial)]) for trial in trials]


def trials_of(
    procedure: Procedure,
    clips: Iterable[Any],
    *,
    pause: float,
    anchor: str = "",
    pair_by: Literal["qp", "rate"] = "qp",
    levels: int = 3,
) -> list[Trial]:
    """All trials on ``clips`` (``rating_page.CodedClip``), the sources among them.

    Pairs are each method against the ``anchor`` of equal QP, or of nearest bitrate; a search is
    over the anchor's clips. Raises UserError where a procedure has nothing to show.
    """
    clips = list(clips)
    sources = {clip.sequence: clip for clip in clips if clip.is_reference}
    coded = [clip for clip in clips if not clip.is_reference]

    def length(shown: int, clip: Any, questions: int = 1) -> float:
        return questions * (shown * (float(clip.metadata["seconds"]) + pause) + VOTE_SECONDS)

    if procedure in ("dcr", "acr"):
        shown = 2 if procedure == "dcr" else 1
        return [
            Trial(
                clip.sequence,
                clip.qp,
                (sources[clip.sequence], clip)[-shown:],
                length(shown, clip),
            )
            for clip in clips
        ]
    if procedure == "pairs":
        pairs = [
            (clip, _partner(clip, coded, anchor, pair_by))
            for clip in coded
            if clip.method != anchor
        ]
        if not pairs:
            raise _nothing(f"a method other than the anchor '{anchor}'")
        return [Trial(a.sequence, a.qp, (a, b), length(2, a)) for a, b in pairs]
    ladders = {
        sequence: sorted(
            (clip for clip in coded if clip.sequence == sequence and clip.method == anchor),
            key=lambda clip: clip.order,
        )
        for sequence in sources
    }
    if any(len(ladder) < 2 for ladder in ladders.values()):
        raise _nothing(f"clips of the anchor '{anchor}' at two QPs at least")
    return [
        Trial(
            sequence,
            None,
            (sources[sequence], *ladder),
            length(2, ladder[0], levels * math.ceil(math.log2(len(ladder) + 1))),
        )
        for sequence, ladder in ladders.items()
    ]


def _nothing(expected: str) -> UserError:
    return UserError(
        "there is nothing to compare.",
        where="the configuration, section `subjective`",
        expected=expected,
        remedy="choose them by the keys `methods` and `qps`.",
    )


def _partner(clip: Any, coded: Sequence[Any], anchor: str, pair_by: str) -> Any:
    """The anchor's clip of the same content that ``clip`` is compared with."""
    of_anchor = [c for c in coded if c.method == anchor and c.sequence == clip.sequence]
    if pair_by == "qp":
        of_anchor = [c for c in of_anchor if c.qp == clip.qp]
    if not of_anchor:
        raise _nothing(f"a clip of the anchor '{anchor}' for {clip.sequence}, QP {clip.qp}")
    if pair_by == "qp":
        return of_anchor[0]
    return min(of_anchor, key=lambda c: abs(math.log(c.bitrate_kbps / clip.bitrate_kbps)))


def spread(items: Sequence[Coded], count: int) -> list[Coded]:
    """At most ``count`` of the coded items, evenly over the QPs, both ends first, contents in turn.

    Hidden references (no QP) are left out.
    """
    coded = [item for item in items if item.qp is not None]
    coded.sort(key=lambda item: (item.qp or 0, item.sequence))
    if not count or not coded:
        return []
    last = len(coded) - 1
    places = [round(last * i / (count - 1)) for i in range(count)] if count > 1 else [last // 2]
    return [coded[place] for place in dict.fromkeys(places)]


def training_points(
    points: Sequence[PointKey], procedure: Procedure, count: int, anchor: str
) -> list[PointKey]:
    """Those of the training sequences' points whose clips a training of ``count`` trials shows."""
    if procedure == "jnd":
        first = points[0].sequence if points and count else None
        return [p for p in points if p.sequence == first and p.method == anchor]
    if procedure == "acr" or procedure == "dcr":
        return spread(points, count)
    chosen = spread([p for p in points if p.method != anchor], count)
    places = {(p.sequence, p.qp) for p in chosen}
    of_anchor = [p for p in points if p.method == anchor and (p.sequence, p.qp) in places]
    return [*chosen, *of_anchor]
