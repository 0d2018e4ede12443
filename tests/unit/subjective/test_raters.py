"""Tables of raters of pairs and JND searches: votes, repeats, checks, who is left out and why."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
from snakemake.iocontainers import Namedlist

from jndlab.files import read_csv
from jndlab.subjective.answers import PAIR_COLUMNS
from jndlab.subjective.ratings import STIMULUS_COLUMNS
from workflow_runner import REPOSITORY

TIME = "2024-05-31T14:02:11.250Z"
HEAD = "subject,stimulus,score,time,kind,expected,level,dropped,frames\n"
SCRIPTS = REPOSITORY / "workflow_scripts/subjective"


def row(subject, stimulus, score, kind="test", expected="", level=0) -> str:
    return f"{subject},{stimulus},{score},{TIME},{kind},{expected},{level},1,200\n"


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def run_rule(name: str, folder: Path, key: str, votes: str, outputs: dict, **params) -> None:
    """The adapter of a rule, on a key and votes."""
    snakemake = SimpleNamespace(
        input=SimpleNamespace(
            stimuli=written(folder / "stimuli.csv", key),
            ratings=[written(folder / "votes.csv", HEAD + votes)],
        ),
        output=Namedlist(fromdict={name: str(folder / path) for name, path in outputs.items()}),
        params=Namedlist(fromdict={"max_failed_checks": 1, **params}),
        log=[str(folder / "log.txt")],
        scriptdir=str(SCRIPTS),
    )
    runpy.run_path(str(SCRIPTS / f"{name}.py"), init_globals={"snakemake": snakemake})


def test_raters_of_pairs(tmp_path):
    pair = "{0},bikes,x265,LDP,own,{1},{1},,a.mp4,b.mp4\n"
    key = ",".join(PAIR_COLUMNS) + "\n" + pair.format("p1", 22) + pair.format("p2", 37)
    votes = ""
    for subject, again, checks in (("anna", 1, "1"), ("ben", 0, "1"), ("cleo", -1, "00")):
        votes += row(subject, "p1", 1) + row(subject, "p2", 0)
        votes += row(subject, "p1", again, "repeat")
        votes += "".join(row(subject, "p2", check, "check", 1) for check in checks)
    names = ("preferences", "preference_raters")
    outputs = {name: f"{name}.csv" for name in names}
    run_rule("analyse_preferences", tmp_path, key, votes, outputs, anchor="anchor")
    anna, ben, cleo = read_csv(tmp_path / "preference_raters.csv")
    assert [one["votes"] for one in (anna, ben, cleo)] == ["2", "2", "2"]
    assert [float(one["repeats_agreed_pct"]) for one in (anna, ben, cleo)] == [100, 0, 0]
    assert [float(one["repeat_difference"]) for one in (anna, ben, cleo)] == [0, 1, 2]
    assert [one["checks_failed"] for one in (anna, ben, cleo)] == ["0", "0", "2"]
    assert [one["left_out"] for one in (anna, ben, cleo)] == ["", "", "failed 2 of 2 checks"]
    assert float(anna["dropped_pct"]) == pytest.approx(0.5)
    assert {one["raters"] for one in read_csv(tmp_path / "preferences.csv")} == {"2"}


def test_raters_of_a_search(tmp_path):
    """A repeat is a second search: its agreement is that of the JNDs that were found."""
    key = ",".join(STIMULUS_COLUMNS) + "\nr,bikes,,,,,true,r.mp4\n"
    key += "".join(f"s{qp},bikes,x,AI,anchor,{qp},false,{qp}.mp4\n" for qp in (22, 27, 32, 37))
    votes = ""
    for subject, first, second, checks in (
        ("anna", 32, 32, "0"), ("ben", 32, 37, "1"), ("cleo", 27, 27, "11"), ("dan", 37, None, "0"),
    ):  # fmt: skip
        for kind, jnd in (("test", first), ("repeat", second)):
            for qp in (22, 27, 32, 37) if jnd else (27,):
                votes += row(subject, f"s{qp}", int(qp >= (jnd or 0)), kind, level=1)
        votes += "".join(row(subject, "r", check, "check", 0, 1) for check in checks)
    votes = votes.replace("dan,s27,1", "dan,s27,0", 1)  # broken off: nothing about the one before
    outputs = {"samples": "samples.csv", "labels": "labels.csv", "jnd_raters": "raters.csv"}
    run_rule("collect_jnd_samples", tmp_path, key, votes, outputs, statistic="median")
    anna, ben, cleo, dan = read_csv(tmp_path / "raters.csv")
    assert [float(one["repeats_agreed_pct"] or -1) for one in (anna, ben, cleo, dan)] == [
        100, 0, 100, -1,
    ]  # fmt: skip
    assert [one["repeats"] for one in (anna, ben, cleo, dan)] == ["1", "1", "1", "0"]
    assert float(ben["repeat_difference"]) == 5 and ben["left_out"] == ""
    assert cleo["left_out"] == "failed 2 of 2 checks"
    (label,) = read_csv(tmp_path / "labels.csv")
    assert label["subjects"] == "3"
