"""Pair comparison: how often people prefer a method to the anchor, and by how much on a scale.

Votes are +1 (method), -1 (anchor) or 0 (no difference). The *share* of a method is its votes and
half the ties; its interval is Student's t over raters, whose own shares are the values. The *scale*
is Bradley-Terry's (package `sureal`): log odds of being preferred to the anchor, with half a vote
for each side of a pair, so that a unanimous pair stays finite; its interval leaves out rater by
rater (``quality.intervals.statistic_interval``).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from jndlab.errors import UserError
from jndlab.files import number_of, whole_number_of
from jndlab.quality.intervals import Comparison, mean_interval, standings, statistic_interval
from jndlab.subjective.answers import PAIR_COLUMNS, Answer, csv_rows, once, read_answers
from jndlab.subjective.raters import record_table, repeated_votes
from jndlab.subjective.ratings import MIN_SUBJECTS

PLACE = ["configuration", "codec", "method"]
PRIOR = 0.5  # of a vote, for each side of a compared pair
COLUMNS = [
    *PLACE, "qp", "pairs", "votes", "raters", "preferred_pct", "no_difference_pct", "anchor_pct",
    "share_pct", "share_low", "share_high", "p_holm", "better", "rate_difference_pct",
    "largest_rate_difference_pct", "scale", "scale_low", "scale_high",
]  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """A clip of a method and the anchor's clip that it is compared with.

    ``rate_difference`` (percent) is the method's bitrate against the anchor's, NaN if not known.
    """

    name: str
    sequence: str
    codec: str
    configuration: str
    method: str
    qp: int
    rate_difference: float


def read_pairs(path: str | Path) -> list[Pair]:
    """The key of a test of pairs (CSV with ``PAIR_COLUMNS``).

    Raises UserError where it is the key of another procedure, or a pair is there twice.
    """
    pairs: dict[str, Pair] = {}
    for where, row in csv_rows(path, PAIR_COLUMNS):
        if row["stimulus"] in pairs:
            raise UserError(f"pair '{row['stimulus']}' stands in the table twice.", where=where)
        try:
            qp = whole_number_of(row["qp"])
            difference = number_of(row["rate_difference_pct"] or "0")
        except ValueError as error:
            raise UserError(
                f"pair '{row['stimulus']}' has a cell that is no number.",
                where=where,
                expected=f"a QP and a difference of rates; {error}",
            ) from error
        pairs[row["stimulus"]] = Pair(
            row["stimulus"],
            row["sequence"],
            row["codec"],
            row["configuration"],
            row["method"],
            qp,
            difference if row["rate_difference_pct"] else math.nan,
        )
    return list(pairs.values())


def read_votes(
    paths: Sequence[str | Path], pairs: Sequence[Pair], max_failed_checks: int | None = None
) -> list[Answer]:
    """The votes that count. Raises UserError as ``answers.read_answers``, and for one rater."""
    answers = read_answers(paths, [p.name for p in pairs], (-1, 1), max_failed_checks)
    votes = [answer for answer in answers if answer.kind == "test"]
    once(votes, ("subject", "stimulus"))
    raters = {vote.subject for vote in votes}
    if len(raters) < MIN_SUBJECTS:
        raise UserError(
            f"the votes are of {len(raters)} subject(s): no confidence interval can be given.",
            where=", ".join(str(path) for path in paths),
            expected=f"at least {MIN_SUBJECTS} subjects",
        )
    return votes


def vote_raters(
    paths: Sequence[str | Path], pairs: Sequence[Pair], votes: Sequence[Answer]
) -> pd.DataFrame:
    """All raters (``raters.record_table``), of whom those with ``votes`` count."""
    answers = read_answers(paths, [pair.name for pair in pairs], (-1, 1))
    return record_table(answers, {vote.subject for vote in votes}, repeated_votes(answers))


def preference_table(pairs: Sequence[Pair], votes: Sequence[Answer], anchor: str) -> pd.DataFrame:
    """A row per configuration, codec, method and QP, and one over all QPs (``qp`` empty).

    Shares in percent with 95 % intervals over raters; ``better`` names who is shown to be
    preferred, after Holm over the rows of the table. ``scale`` is over all QPs only.
    """
    of_name = {pair.name: pair for pair in pairs}
    frame = pd.DataFrame(
        [{**vars(of_name[v.stimulus]), "subject": v.subject, "vote": v.score} for v in votes]
    )
    rows, compared = [], []
    for (configuration, codec), of_coding in frame.groupby(["configuration", "codec"]):
        scales = _scales(of_coding)
        for method, of_method in of_coding.groupby("method"):
            groups = [(pd.NA, of_method), *of_method.groupby("qp")]
            for qp, group in groups:
                net = mean_interval(group["vote"], group["subject"])
                difference = mean_interval(50 * group["vote"], group["subject"])
                compared.append(Comparison(method, anchor, "share", difference, False, "%"))
                row = dict(zip(PLACE, (configuration, codec, method), strict=True))
                row |= {"qp": qp, "pairs": group["name"].nunique(), "votes": len(group)}
                row |= {"raters": group["subject"].nunique(), **_shares(group["vote"])}
                ends = np.clip([50 + 50 * net.low, 50 + 50 * net.high], 0, 100)
                row |= {"share_pct": 50 + 50 * net.value}
                row |= {"share_low": ends[0], "share_high": ends[1]}
                differences = group.groupby("name")["rate_difference"].first()
                row["rate_difference_pct"] = differences.mean()
                row["largest_rate_difference_pct"] = differences.abs().max()
                rows.append(row | (scales[method] if qp is pd.NA else {}))
    for row, shown in zip(rows, standings(compared), strict=True):
        row |= {name: shown[name] for name in ("p_holm", "better")}
    return pd.DataFrame(rows, columns=COLUMNS).astype({"qp": "Int64"})


def deviation_of_shares(
    share: float, votes: float, ties: float = 0.0, spread: float = 0.0
) -> float:
    """Standard deviation (percent) of the shares of single raters with ``votes`` votes each.

    ``share``: percent of the votes for the method and half of the ties; ``ties``: percent of "no
    difference"; ``spread``: deviation (percent) of what raters would answer with endless votes.
    A vote is +1, 0 or -1 with mean m = 2 share - 1, so that its variance within a rater is
    1 - ties - m^2 - (2 spread)^2. Raises UserError where no votes can be so.
    """
    mean, between = 2 * share / 100 - 1, (2 * spread / 100) ** 2
    within = 1 - ties / 100 - mean**2 - between
    if within < 0 or abs(mean) > 1 - ties / 100 + 1e-12:
        raise UserError(
            f"no votes have a share of {share:g} %, {ties:g} % of ties, and raters {spread:g} % "
            "apart.",
            expected="fewer ties, raters less apart, or a share nearer to 50 %",
        )
    return 50 * math.sqrt(between + within / votes)


def _shares(votes: pd.Series) -> dict[str, float]:
    names = {"preferred_pct": 1, "no_difference_pct": 0, "anchor_pct": -1}
    return {name: 100 * float((votes == value).mean()) for name, value in names.items()}


def _scales(frame: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Bradley-Terry's scale of every method against the anchor (0), with its interval."""
    methods = sorted(frame["method"].unique())
    places = frame["method"].map(methods.index).to_numpy()
    found = {}
    for place, method in enumerate(methods):

        def scale(of: np.ndarray, votes: np.ndarray, place: int = place) -> float:
            return bradley_terry(of, votes, len(methods))[place]

        interval = statistic_interval(scale, (places, frame["vote"]), list(frame["subject"]))
        found[method] = interval.columns("scale", "scale_")
    return found


def bradley_terry(methods: np.ndarray, votes: np.ndarray, count: int) -> list[float]:
    """Log odds of each of ``count`` methods against the anchor, from votes of -1, 0 and 1.

    ``methods`` is the number of each vote's method. A tie is half a vote for each side.
    """
    from sureal.pc_subjective_model import BradleyTerryMlePairedCompSubjectiveModel

    wins = np.zeros((count + 1, count + 1))  # the anchor is last
    wins[:-1, -1] = wins[-1, :-1] = PRIOR
    np.add.at(wins[:, -1], methods, (1 + votes) / 2)
    np.add.at(wins[-1], methods, (1 - votes) / 2)
    found, *_ = BradleyTerryMlePairedCompSubjectiveModel.resolve_model(wins, display=False)
    return [float(one - found[-1]) for one in found[:-1]]
