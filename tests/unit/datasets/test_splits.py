"""Splits by source: disjoint, complete, deterministic, independent of order; written and read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jndlab.datasets.splits import (
    Split,
    read_splits,
    split_by_fractions,
    split_into_folds,
    splits_of_folds,
    vp_jnd_split,
    write_splits,
)
from jndlab.errors import UserError

SOURCES = st.sets(st.text("abcdef0123", min_size=1, max_size=5), min_size=10, max_size=40)


def all_of(split):
    return [source for sources in split.subsets.values() for source in sources]


@given(SOURCES, st.integers(0, 2**31), st.randoms())
@settings(max_examples=30, deadline=None)
def test_parts_are_disjoint_complete_and_do_not_depend_on_order(names, seed, random):
    split = split_by_fractions(sorted(names), seed)
    assert sorted(all_of(split)) == sorted(names)
    shuffled = list(names)
    random.shuffle(shuffled)
    assert split_by_fractions(shuffled, seed) == split
    sizes = {subset: len(sources) for subset, sources in split.subsets.items()}
    assert all(abs(sizes[subset] - share * len(names)) < 1.2 for subset, share in
               {"train": 0.8, "val": 0.1, "test": 0.1}.items())  # fmt: skip
    assert min(sizes.values()) >= 1


@given(SOURCES, st.integers(0, 1000), st.integers(3, 10))
@settings(max_examples=30, deadline=None)
def test_folds_test_every_source_once(names, seed, folds):
    splits = split_into_folds(names, seed, folds)
    assert splits == split_into_folds(sorted(names, reverse=True), seed, folds)
    tested = [source for split in splits for source in split.subsets["test"]]
    assert sorted(tested) == sorted(names)
    sizes = [len(split.subsets["test"]) for split in splits]
    assert max(sizes) - min(sizes) <= 1 and len(splits) == folds
    for split in splits:
        assert sorted(all_of(split)) == sorted(names)


def test_sources_that_are_coded_elsewhere_are_tested_by_the_first_fold():
    names = [f"s{number}" for number in range(16)]
    splits = split_into_folds(names, 0, 4, first=["bikes", "carphone"])
    tested = [split.subsets["test"] for split in splits]
    assert {"bikes", "carphone"} < set(tested[0])
    assert sorted(source for fold in tested for source in fold) == sorted(
        [*names, "bikes", "carphone"]
    )
    assert sorted(map(len, tested)) == [4, 4, 5, 5]
    with pytest.raises(UserError, match=r"`jnd_frames.split.folds`(.|\n)*at most 3 folds"):
        split_into_folds("ab", 0, 4, first=["bikes", "carphone"], key="jnd_frames.split.folds")


def test_seeds_give_different_splits_and_a_known_one_stays():
    names = [f"SRC{number:02d}" for number in range(1, 21)]
    drawn = {split_by_fractions(names, seed).subsets["test"] for seed in range(20)}
    assert len(drawn) > 15
    # Written down: a split must be the same on every machine and in every version.
    assert split_by_fractions(names, 1).subsets["test"] == ("SRC10", "SRC11")
    assert split_by_fractions(names, 1).subsets["val"] == ("SRC02", "SRC17")


def test_items_follow_their_source():
    split = split_by_fractions([f"clip{number}" for number in range(10)], 3)
    frames = {
        f"clip{number}_{frame}": f"clip{number}" for number in range(10) for frame in range(4)
    }
    subsets = split.of_items(frames)
    assert sum(len(items) for items in subsets.values()) == len(frames)
    for subset, items in subsets.items():
        assert {frames[item] for item in items} == set(split.subsets[subset])
    with pytest.raises(UserError, match="source 'other' is in no subset"):
        split.of_items({"frame": "other"})


def test_the_authors_split_of_vp_jnd():
    split = vp_jnd_split()
    assert [len(split.subsets[subset]) for subset in ("train", "val", "test")] == [30, 10, 10]
    assert sorted(all_of(split)) == [f"SRC{number:02d}" for number in range(1, 51)]
    assert split.subsets["train"][:5] == ("SRC01", "SRC02", "SRC03", "SRC04", "SRC09")
    assert split.subsets["val"][0] == "SRC05" and split.subsets["test"][-1] == "SRC45"


def test_splits_survive_their_file(tmp_path):
    splits = [vp_jnd_split(), *split_into_folds([f"s{number}" for number in range(12)], 0, 4)]
    write_splits(tmp_path / "splits.csv", splits)
    assert read_splits(tmp_path / "splits.csv") == splits
    assert (tmp_path / "splits.csv").read_text().splitlines()[1] == "vp_jnd_authors,train,SRC01"


def test_published_folds_become_splits():
    splits = splits_of_folds([["b", "a"], ["c"], ["d"]])
    assert splits[2].subsets == {"train": ("c",), "val": ("a", "b"), "test": ("d",)}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: split_by_fractions(["a", "b", "a"], 0), "'a' is given twice"),
        (lambda: split_by_fractions(["a", "b"], 0), "2 sources cannot be split into 3 subsets"),
        (lambda: split_by_fractions("abcd", 0, {"x": 0.5, "y": 0.6}), "sum to 1"),
        (lambda: split_by_fractions("abcd", 0, {"x": 1.0, "y": 0.0}), "positive"),
        (lambda: split_into_folds("abcd", 0, 5), "4 sources cannot be split into 5 folds"),
        (lambda: split_into_folds("abcd", 0, 2), "3 at least"),
        (lambda: Split("x", {"train": ("a",), "test": ("a",)}), "'train' and 'test'"),
    ],
)
def test_bad_requests_are_reported(call, message):
    with pytest.raises(UserError, match=message):
        call()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("split,source\nx,a\n", "found split, source"),
        ("split,subset,source\n", "found no rows"),
        ("split,subset,source\nx,train,a\nx,test,a\n", "'train' and 'test'"),
    ],
)
def test_a_wrong_file_is_reported(tmp_path, text, message):
    (tmp_path / "splits.csv").write_text(text)
    with pytest.raises(UserError, match=message):
        read_splits(tmp_path / "splits.csv")
    with pytest.raises(UserError, match="cannot be read"):
        read_splits(tmp_path / "absent.csv")
