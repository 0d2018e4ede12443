"""Tables of one run that give one quantity two values are found, unless they say why."""

from __future__ import annotations

import pandas as pd
import pytest

from consistency import disagreements
from jndlab.report.tables import write_table

ROW = {"sequence": "bikes", "configuration": "AI", "codec": "kvazaar", "metric": "vmaf_mean",
       "method": "bl_juniper"}  # fmt: skip


def write(results, name, caption="BD-rate.", **cells):
    stem = results / name
    stem.parent.mkdir(parents=True, exist_ok=True)
    write_table(pd.DataFrame([{**ROW, **cells}]), stem, caption=caption)


@pytest.fixture
def results(tmp_path):
    """A run in which the same BD-rate is +2.69 % in one table and +1.41 % in the other."""
    write(tmp_path, "tables/bd_rate", bd_rate_pct=2.69, points=4, status="low_overlap")
    write(tmp_path, "bl_juniper/tables/bd_rate", bd_rate_pct=1.41, points=5, status="ok")
    return tmp_path


def test_two_values_of_one_quantity_are_found(results):
    [found] = disagreements(results)
    assert found.quantity == "bd_rate_pct" and "method bl_juniper" in found.of
    assert set(found.tables) == {"tables/bd_rate", "bl_juniper/tables/bd_rate"}
    assert sorted(map(float, found.cells)) == [1.41, 2.69]


def test_a_reason_in_a_column_makes_two_quantities_of_one(results):
    write(results, "tables/bd_rate", bd_rate_pct=2.69, anchor_qps="22 27 32 37")
    write(results, "bl_juniper/tables/bd_rate", bd_rate_pct=1.41, anchor_qps="22 27 32 37 42")
    assert not disagreements(results)
    write(results, "bl_juniper/tables/bd_rate", bd_rate_pct=1.41, anchor_qps="22 27 32 37")
    assert len(disagreements(results)) == 1  # the column is there, but it is no reason


def test_a_reason_in_the_caption_names_the_other_table(results):
    caption = "BD-rate; other than tables/bd_rate the anchor has QP 42 as well."
    write(results, "bl_juniper/tables/bd_rate", caption, bd_rate_pct=1.41)
    assert not disagreements(results)


@pytest.mark.parametrize(
    "other",
    [
        {"bd_rate_pct": 2.69},
        {"bd_rate_pct": 2.69, "method": "own"},
        {"bd_rate_pct": 1.41, "method": "own"},
        {"bd_rate_pct": 1.41, "level": "all"},  # a mean, not the sequence's
        {"saving_pct": 1.41},
        {"bd_rate_pct": float("nan")},
    ],
)
def test_what_agrees_or_is_another_quantity_is_no_disagreement(results, other):
    write(results, "bl_juniper/tables/bd_rate", **other)
    assert not disagreements(results)


def test_columns_of_words_tell_rows_of_one_key_apart(tmp_path):
    for name, gain in (("tables/a", 1.5), ("own/tables/b", 2.5)):
        stem = tmp_path / name
        stem.parent.mkdir(parents=True)
        rows = [{**ROW, "weighting": weighting, "gain": gain} for weighting in ("dsr", "uniform")]
        write_table(pd.DataFrame(rows), stem, caption="Gains.")
    assert [found.of.rpartition(" ")[2] for found in disagreements(tmp_path)] == ["dsr", "uniform"]


def test_cells_agree_to_the_decimals_that_both_have(results):
    for value, found in ((2.6901, 0), (2.74, 1)):
        write(results, "tables/bd_rate", bd_rate_pct=2.69)
        stem = results / "bl_juniper/tables/bd_rate.csv"
        pd.DataFrame([{**ROW, "bd_rate_pct": f"{value:.2f}"}]).to_csv(stem, index=False)
        assert len(disagreements(results)) == found
