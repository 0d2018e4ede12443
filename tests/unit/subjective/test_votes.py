"""The server's votes: each once, on disk at once, from many threads; and their exchange format."""

from __future__ import annotations

import threading

import pytest

from jndlab.errors import UserError
from jndlab.subjective.preferences import PAIR_COLUMNS
from jndlab.subjective.ratings import STIMULUS_COLUMNS
from jndlab.subjective.server import subject_names
from jndlab.subjective.sujson import SOURCE, Shown, as_sujson, read_shown
from jndlab.subjective.votes import Votes, checked_vote

TIME = "2024-05-31T14:02:11Z"
VOTE = {"stimulus": "a", "score": 4, "block": 0, "position": 0, "step": 0, "kind": "test",
        "time": TIME}  # fmt: skip


def test_the_first_vote_of_a_place_counts_and_survives(tmp_path):
    votes = Votes(tmp_path / "v.sqlite")
    anna, ben = votes.add_subjects(["anna", "ben"])
    assert votes.store(anna, VOTE) and not votes.store(anna, VOTE | {"score": 1})
    assert votes.store(ben, VOTE | {"score": 2}) and votes.store(anna, VOTE | {"position": 1})
    again = Votes(tmp_path / "v.sqlite")  # the other has not been closed
    assert again.add_subjects(["ben", "cleo"])[:2] == [anna, ben]
    assert [vote["score"] for vote in again.of_subject(anna)] == [4, 4]
    rows = again.records()
    assert [(row["subject"], row["position"]) for row in rows] == [
        ("anna", 0),
        ("anna", 1),
        ("ben", 0),
    ]
    assert len({subject.token for subject in again.subjects()}) == 3
    assert (tmp_path / "v.sqlite").stat().st_mode & 0o077 == 0


def test_many_threads_store_every_vote_once(tmp_path):
    votes = Votes(tmp_path / "v.sqlite")
    subjects = votes.add_subjects(f"p{n}" for n in range(10))
    stored = []

    def send(subject):
        stored.extend(votes.store(subject, VOTE | {"position": n // 2}) for n in range(20))

    threads = [threading.Thread(target=send, args=(s,)) for s in subjects for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(stored) == len(votes.records()) == 100


def test_a_file_that_is_no_data_base_is_reported(tmp_path):
    (tmp_path / "v.sqlite").write_text("no data base " * 100)
    with pytest.raises(UserError, match="votes cannot be opened"):
        Votes(tmp_path / "v.sqlite")


def test_a_vote_keeps_known_keys_alone():
    kept = checked_vote(VOTE | {"evil": "x" * 10**6, "subject": "someone"}, ["a"])
    assert kept == VOTE | {"subject": "someone"}
    for wrong in (
        {"score": None}, {"score": True}, {"block": 0.5}, {"block": True}, {"browser": "x" * 601},
        {"frames": float("inf")}, {"browser": "=1+1"}, {"kind": "joke"}, {"time": "noon"},
    ):  # fmt: skip
        with pytest.raises(UserError):
            checked_vote(VOTE | wrong, ["a"])


def test_subjects_are_a_number_or_names():
    assert subject_names("3") == ["p01", "p02", "p03"] and len(subject_names("120")) == 120
    assert subject_names(" anna \n\nO'Neil\n") == ["anna", "O'Neil"]
    for wrong in ("", "0", "anna\nben\nanna", "99999", "=1+1", "x" * 101):
        with pytest.raises(UserError):
            subject_names(wrong)


def test_sujson_has_every_answer_that_counts_once():
    shown = [
        Shown("r", "bikes", SOURCE, "r.mp4"),
        Shown("a", "bikes", "x265, LDP, own, quality 22", "a.mp4"),
        Shown("b", "bunny", "x265, LDP, own, quality 22", "b.mp4"),
    ]
    expected = {
        ("anna", "r.mp4"): 5, ("ben", "r.mp4"): 4, ("anna", "a.mp4"): 3, ("anna", "b.mp4"): 2,
        ("ben", "b.mp4"): 1,
    }  # fmt: skip
    records = [
        {"subject": subject, "stimulus": file[0], "score": score, "kind": "test", "time": TIME}
        for (subject, file), score in expected.items()
    ]
    others = [records[0] | {"kind": kind, "score": 1} for kind in ("repeat", "check", "training")]
    found = as_sujson(shown, [*others, *records], "dcr")
    names = {kind: {one["id"]: one for one in found[kind]} for kind in ("src", "pvs", "scores")}
    subjects = {one["id"]: one["name"] for one in found["subjects"]}
    given = {}
    for trial in found["trials"]:
        pvs = names["pvs"][trial["pvs_id"]]
        score = names["scores"][trial["score_id"]]
        given[subjects[trial["subject_id"]], pvs["file_name"]] = score["score"]
        assert score["pvs_id"] == trial["pvs_id"] and score["timestamp"] == TIME
    assert given == expected and len(found["trials"]) == len(found["scores"]) == 5
    assert len(found["src"]) == 2 and len(found["hrc"]) == 2


def test_sujson_reads_the_keys_of_all_procedures(tmp_path):
    key = tmp_path / "key.csv"
    row = "p1,bikes,x265,LDP,own,22,24,,a.mp4,b.mp4\n"
    key.write_text(",".join(PAIR_COLUMNS) + "\n" + row)
    (pair,) = read_shown(key, "pairs")
    assert pair.coding == "x265, LDP, own against the anchor, QP 22"
    row = "a,kodim01,jpeg,,jpeg,50,false,a.png\n"
    key.write_text(",".join(STIMULUS_COLUMNS) + "\n" + row)
    assert read_shown(key, "jnd")[0].coding == "jpeg, jpeg, quality 50"
