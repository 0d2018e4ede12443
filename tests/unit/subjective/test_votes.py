"""The server's votes: each once, on disk at once, from many threads; and their exchange format."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from jndlab.errors import UserError
from jndlab.subjective.ratings import Ratings, Stimulus
from jndlab.subjective.server import subject_names
from jndlab.subjective.sujson import as_sujson
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


def test_sujson_has_every_rating_once_and_no_others():
    stimuli = [
        Stimulus("r", "bikes", "", "", "", None, True, "r.mp4"),
        Stimulus("a", "bikes", "x265", "LDP", "own", 22, False, "a.mp4"),
        Stimulus("b", "bunny", "x265", "LDP", "own", 22, False, "b.mp4"),
    ]
    scores = np.array([[5, 4], [3, np.nan], [2, 1]], dtype=float)
    found = as_sujson(
        Ratings(tuple(stimuli), ("anna", "ben"), scores, (1, 5)), "test", {("anna", "r"): "noon"}
    )
    names = {
        kind: {one["id"]: one for one in found[kind]} for kind in ("src", "hrc", "pvs", "scores")
    }
    subjects = {one["id"]: one["name"] for one in found["subjects"]}
    given = {}
    for trial in found["trials"]:
        pvs = names["pvs"][trial["pvs_id"]]
        key = subjects[trial["subject_id"]], pvs["file_name"]
        given[key] = names["scores"][trial["score_id"]]["score"]
        assert names["scores"][trial["score_id"]]["pvs_id"] == trial["pvs_id"]
    assert given == {
        ("anna", "r.mp4"): 5, ("ben", "r.mp4"): 4, ("anna", "a.mp4"): 3, ("anna", "b.mp4"): 2,
        ("ben", "b.mp4"): 1,
    }  # fmt: skip
    assert len(names["src"]) == 2 and len(names["hrc"]) == 2
    assert found["scores"][0]["timestamp"] == "noon"
