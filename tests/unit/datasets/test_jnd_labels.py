"""The table of JND labels: checks, order, CSV; labels from samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jndlab.datasets.jnd_labels import (
    COLUMNS,
    JndLabel,
    labels_from_samples,
    labels_from_values,
    make_labels,
    read_labels,
    write_labels,
)
from jndlab.errors import UserError
from jndlab.quality.jnd_statistics import JndSamples

VALUES = {"bikes": [24, 30, 36.5], "carphone": [20, 20, 41]}


def table(**changes):
    return labels_from_values(VALUES, "QP", "vmaf_steps", "steps", "test", **changes)


def test_values_by_source_and_level():
    labels = table()
    assert labels.sources == ("bikes", "carphone") and labels.levels == 3
    assert (labels.unit, labels.kind, labels.statistic) == ("QP", "vmaf_steps", "steps")
    assert labels.values().tolist() == [[24, 30, 36.5], [20, 20, 41]]
    assert labels.values(["carphone"]).tolist() == [[20, 20, 41]]
    assert labels.only(["carphone"]).sources == ("carphone",)
    with pytest.raises(UserError, match=r"no JND label of 'foreman'(.|\n)*bikes"):
        labels.values(["foreman"])


def test_labels_from_samples_carry_subjects_and_interval():
    samples = JndSamples(
        "QP", {"a": (np.array([20.0, 22, 24, np.nan]), np.array([30.0, 32, 50, 51]))}
    )
    labels = labels_from_samples(samples, "mean", "test")
    first, second = labels.rows
    assert (first.value, first.subjects, first.kind) == (22, 3, "subjective")
    assert first.ci_low == pytest.approx(22 - 4.3027 * 2 / np.sqrt(3), abs=1e-3)
    assert second.ci_high == 51  # clipped to the range


@given(
    st.lists(
        st.lists(st.floats(0, 51).map(lambda value: round(value, 3)), min_size=3, max_size=3),
        min_size=1,
        max_size=5,
    ),
    st.sampled_from(["QP", "QF"]),
)
@settings(max_examples=25, deadline=None)
def test_a_table_survives_its_file(tmp_path_factory, rows, unit):
    shift = 1 if unit == "QF" else 0
    values = {
        f"s{i}": [value + shift for value in sorted(row, reverse=unit == "QF")]
        for i, row in enumerate(rows)
    }
    labels = labels_from_values(values, unit, "subjective", "sur75", "test")
    path = tmp_path_factory.mktemp("labels") / "labels.csv"
    write_labels(path, labels)
    assert read_labels(path) == labels


def test_subjects_and_interval_survive_too(tmp_path):
    samples = JndSamples("QF", {"a": (np.array([40.0, 50, 60]),), "b": (np.array([30.0, 31]),)})
    labels = labels_from_samples(samples, "median", "test")
    write_labels(tmp_path / "labels.csv", labels)
    assert read_labels(tmp_path / "labels.csv", levels=1) == labels


def row(**changes):
    return replace(JndLabel("a", 1, 30, "QP", "subjective", "mean"), **changes)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], ["is empty"]),
        ([row(value=52)], ["JND1 of a", "52", "QP from 0 to 51", "label 1"]),
        ([row(value=float("nan"))], ["out of range: nan"]),
        ([row(unit="QF", value=0)], ["QF from 1 to 100"]),
        ([row(unit="CRF")], ["'CRF'", "QP or QF"]),
        ([row(kind="guess")], ["'guess'", "subjective or vmaf_steps"]),
        ([row(statistic="mode")], ["'mode'", "median"]),
        ([row(source="")], ["source ''"]),
        ([row(), row()], ["two labels of level 1", "30 and 30", "label 2"]),
        ([row(), row(source="b", statistic="median")], ["mixed", "median", "first row"]),
        ([row(), row(source="b", kind="vmaf_steps")], ["mixed", "vmaf_steps"]),
        ([row(), row(level=3, value=40)], ["a does not have", "levels 1 to 3, found 1, 3"]),
        ([row(level=n, value=30 + n) for n in (1, 2, 3, 4)], ["found 1, 2, 3, 4"]),
    ],
)
def test_faults_are_named(rows, words):
    with pytest.raises(UserError) as raised:
        make_labels(rows, "labels.csv")
    for word in ["labels.csv", *words]:
        assert word in str(raised.value)


@pytest.mark.parametrize(("unit", "values"), [("QP", [30, 29, 40]), ("QF", [30, 31, 20])])
def test_levels_out_of_order_are_an_error_or_by_switch_a_warning(unit, values):
    given = {"ok": sorted(values, reverse=unit == "QF"), "bad": values}
    with pytest.raises(UserError) as raised:
        labels_from_values(given, unit, "subjective", "mean", "file")
    for word in ("1 of 2 sources", "bad has 30", "JND1", "order='warn'"):
        assert word in str(raised.value)
    with pytest.warns(UserWarning, match="1 of 2 sources are out of order in file"):
        labels = labels_from_values(given, unit, "subjective", "mean", "file", order="warn")
    assert labels.values(["bad"]).tolist() == [values]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("source,level\na,1\n", ["no table of JND labels", "found source, level"]),
        (",".join(COLUMNS) + "\n", ["found no rows"]),
        (
            ",".join(COLUMNS) + "\na,one,30,QP,subjective,mean,,,\n",
            ["no number", "line 2", "'one'"],
        ),
        (",".join(COLUMNS) + "\na,1\n", ["2 cells for 9 columns", "line 2"]),
    ],
)
def test_a_file_of_another_kind_is_reported(tmp_path, text, words):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        read_labels(path)
    for word in ["labels.csv", *words]:
        assert word in str(raised.value)


def test_a_file_that_is_not_there_is_reported(tmp_path):
    with pytest.raises(UserError, match=r"cannot be read(.|\n)*absent\.csv"):
        read_labels(tmp_path / "absent.csv")
