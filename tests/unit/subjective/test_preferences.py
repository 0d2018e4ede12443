"""Pair comparison: known preferences are recovered, with intervals that cover them."""

from __future__ import annotations

import numpy as np
import pytest

from jndlab.errors import UserError
from jndlab.subjective.answers import Answer
from jndlab.subjective.preferences import (
    PAIR_COLUMNS,
    Pair,
    bradley_terry,
    preference_table,
    read_pairs,
    read_votes,
)

TIME = "2024-05-31T14:02:11.250Z"
PAIRS = [
    Pair(f"{m}{s}{qp}", s, "x265", "LDP", m, qp, -20.0)
    for m in ("good", "same")
    for s in ("a", "b", "c")
    for qp in (22, 32)
]


def votes(raters: int, seed: int = 0) -> list[Answer]:
    """``good`` wins 80 % of the votes, ``same`` ties in half of them and wins half the rest."""
    rng = np.random.default_rng(seed)
    shares = {"good": [0.2, 0.0, 0.8], "same": [0.25, 0.5, 0.25]}
    return [
        Answer(f"p{n:02d}", pair.name, float(rng.choice([-1, 0, 1], p=shares[pair.method])), "x")
        for n in range(raters)
        for pair in PAIRS
    ]


def test_built_in_preferences_are_found_and_only_those_called_shown():
    table = preference_table(PAIRS, votes(20), "anchor")
    assert len(table) == 2 * 3
    whole = table[table["qp"].isna()].set_index("method")
    good, same = whole.loc["good"], whole.loc["same"]
    assert good["better"] == "good" and same["better"].startswith("not shown")
    assert good["share_low"] < 80 < good["share_high"] and good["share_low"] > 65
    assert same["share_low"] < 50 < same["share_high"]
    assert same["no_difference_pct"] == pytest.approx(50, abs=12)
    assert good["scale_low"] < np.log(0.8 / 0.2) < good["scale_high"]
    assert same["scale_low"] < 0 < same["scale_high"]
    assert set(table["votes"]) == {120, 60} and set(table["raters"]) == {20}
    shares = table[["preferred_pct", "no_difference_pct", "anchor_pct"]].sum(axis=1)
    assert shares.to_numpy() == pytest.approx(100)


def test_the_intervals_of_share_and_scale_cover_as_they_promise():
    covered = np.zeros(2)
    for seed in range(30):
        table = preference_table(PAIRS, votes(12, seed), "anchor")
        good = table[table["qp"].isna()].set_index("method").loc["good"]
        covered += [good["share_low"] <= 80 <= good["share_high"],
                    good["scale_low"] <= np.log(4) <= good["scale_high"]]  # fmt: skip
    assert (covered / 30 > 0.86).all()


def test_bradley_terry_of_one_method_is_the_log_odds_and_unanimous_votes_stay_finite():
    given = np.array([1, 1, 1, -1, 0, 0])
    (found,) = bradley_terry(np.zeros(6, int), given, 1)
    assert found == pytest.approx(np.log((3 + 1 + 0.5) / (1 + 1 + 0.5)))
    (found,) = bradley_terry(np.zeros(9, int), np.ones(9), 1)
    assert found == pytest.approx(np.log(9.5 / 0.5))


def test_bad_votes_and_keys_are_reported(tmp_path):
    key = tmp_path / "key.csv"
    row = "p1,bikes,x265,LDP,own,22,22,,a.mp4,b.mp4\n"
    key.write_text(",".join(PAIR_COLUMNS) + "\n" + row)
    (pair,) = read_pairs(key)
    assert pair.qp == 22 and np.isnan(pair.rate_difference)
    given = tmp_path / "votes.csv"
    head = "subject,stimulus,score,time\n"
    given.write_text(head + f"anna,p1,2,{TIME}\n")
    with pytest.raises(UserError, match=r"outside the scale(.|\n)*-1 to 1"):
        read_votes([given], [pair])
    given.write_text(head + f"anna,p1,1,{TIME}\n")
    with pytest.raises(UserError, match="1 subject"):
        read_votes([given], [pair])
    given.write_text(head + f"anna,p1,1,{TIME}\nanna,p1,0,{TIME}\n")
    with pytest.raises(UserError, match="twice"):
        read_votes([given], [pair])
    key.write_text("stimulus,sequence\na,b\n")
    with pytest.raises(UserError, match="lacks the column"):
        read_pairs(key)
