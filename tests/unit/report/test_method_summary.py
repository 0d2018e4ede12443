"""The tables that answer which method was best, overall and on one sequence."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from unittest.mock import patch

import pandas as pd
import pytest
from matplotlib.axes import Axes

from jndlab.quality.aggregate import bd_rate_table
from jndlab.quality.points import with_savings
from jndlab.report.method_summary import (
    bd_rate_by_sequence,
    latex_values,
    overview_plot,
    readable,
    short_label,
    shown_in_words,
    summary_table,
)

LABELS = {"erjnd": "ERJND", "shifted": "Shifted"}
METRICS = ["vmaf_mean", "psnr_y_mse"]
QPS = (22, 27, 32, 37)


def points(methods: dict[str, tuple[float, float]], sequences: tuple[str, ...] = ("a", "b")):
    """Points on one curve of rate and quality: a method has (factor of rate, quality lost)."""
    rows = []
    for sequence, (method, (factor, loss)), (step, qp) in itertools.product(
        sequences, methods.items(), enumerate(QPS)
    ):
        quality = 95.0 - 6 * step - loss
        rows.append(
            {
                "sequence": sequence,
                "configuration": "AI",
                "codec": "x264-medium",
                "method": method,
                "qp": qp,
                "content": "demo",
                "bits": int(100000 * 0.5**step * factor),
                "vmaf_mean": quality,
                "vmaf_neg_mean": quality,
                "psnr_y_mse": quality / 2,
                "psnr_y_framemean": quality / 2,
            }
        )
    return with_savings(pd.DataFrame(rows))


def tables(frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    bd_rates = bd_rate_table(frame, "anchor", METRICS)
    return bd_rates, summary_table(frame, bd_rates, LABELS)


def test_equal_quality_at_nine_tenths_of_the_bits_is_a_bd_rate_of_minus_ten():
    bd_rates, summary = tables(points({"anchor": (1, 0), "erjnd": (0.9, 0)}))
    row = summary.iloc[0]
    assert row["method"] == "ERJND" and row["points"] == 8 and row["sequences"] == 2
    assert row["vmaf_mean"] == pytest.approx(-10, abs=1e-2)
    assert row["saving_pct"] == pytest.approx(10, abs=1e-2)
    assert row["vmaf_drop"] == 0
    cells = readable(summary).iloc[0]
    assert cells["BD-rate VMAF (%)"] == "-10.00 [-10.00, -10.00]"
    assert cells["bits saved (%)"] == row["saving_pct"]
    wide = bd_rate_by_sequence(bd_rates, LABELS, "AI", "vmaf_mean")
    assert wide["sequence"].tolist() == ["a", "b", "mean of all"]
    assert wide["ERJND"].tolist() == ["-10.00"] * 3


def test_who_saves_bits_is_computed_over_sequences():
    names = tuple("abcdefgh")
    frame = points({"anchor": (1, 0), "erjnd": (0.9, 0), "shifted": (0.5, 0)}, names)
    bd_rates = bd_rate_table(frame, "anchor", ["vmaf_mean"], trained=["shifted"])
    means = bd_rates[bd_rates["level"] == "all"].set_index("method")
    assert means["better"].tolist() == ["erjnd", "not shown: one training seed"]
    words = shown_in_words(bd_rates, "anchor", ["shifted"], LABELS)
    assert words.startswith("ERJND beats anchor (BD-rate by vmaf_mean, AI, x264-medium: difference")
    assert words.endswith("Not shown: 1 of 2 BD-rates (one training seed).")
    two = bd_rate_table(frame[frame["sequence"].isin(["a", "b"])], "anchor", ["vmaf_mean"])
    assert set(two.loc[two["level"] == "all", "better"]) == {"not shown: too few sources"}
    assert "beats" not in shown_in_words(two, "anchor", [], LABELS)


def test_little_overlap_is_marked_and_a_mean_of_nothing_else_is_none():
    shifted = points({"anchor": (1, 0), "shifted": (0.5, 6)}, ("a",))  # 2 of 4 steps in common
    fine = points({"anchor": (1, 0), "shifted": (0.9, 0)}, ("b",))
    bd_rates, summary = tables(pd.concat([shifted, fine], ignore_index=True))
    assert summary["vmaf_mean_low_overlap"].tolist() == [1]
    assert " * [" in readable(summary)["BD-rate VMAF (%)"].iloc[0]
    wide = bd_rate_by_sequence(bd_rates, LABELS, "AI", "vmaf_mean")
    assert wide["Shifted"].str.endswith("*").tolist() == [True, False, True]
    bd_rates, summary = tables(shifted)
    assert summary["vmaf_mean"].isna().all()
    assert readable(summary)["BD-rate VMAF (%)"].tolist() == ["low overlap on all 1"]
    wide = bd_rate_by_sequence(bd_rates, LABELS, "AI", "vmaf_mean")
    assert wide["Shifted"].iloc[-1] == "low overlap on all 1"


def test_a_value_that_is_missing_has_its_reason():
    frame = points({"anchor": (1, 0), "erjnd": (0.9, 0)})
    few = frame[(frame["sequence"] != "a") | (frame["qp"] < 32)]  # two points on a
    bd_rates, summary = tables(few)
    assert readable(summary)["BD-rate VMAF (%)"].tolist() == [
        "-10.00 (left out: too few points on 1)"
    ]
    wide = bd_rate_by_sequence(bd_rates, LABELS, "AI", "vmaf_mean")
    assert wide["ERJND"].tolist() == ["too few points", "-10.00", "-10.00"]
    none = frame[frame["qp"] < 32]
    bd_rates, summary = tables(none)
    assert readable(summary)["BD-rate VMAF (%)"].tolist() == ["too few points on 2"]


def test_a_mean_is_of_the_values_that_exist():
    frame = points({"anchor": (1, 0), "erjnd": (0.9, 1)})
    frame.loc[frame["qp"] == 22, "psnr_drop_db"] = None  # a lossless anchor has no PSNR
    _, summary = tables(frame)
    assert summary["saving_pct"].iloc[0] == pytest.approx(10, abs=1e-2)
    assert summary["psnr_drop_db"].iloc[0] == pytest.approx(0.5)


def test_no_method_but_the_anchor_makes_empty_tables_and_a_figure(tmp_path: Path):
    frame = points({"anchor": (1, 0)})
    bd_rates, summary = tables(frame)
    assert summary.empty and readable(summary).empty
    assert bd_rate_by_sequence(bd_rates, LABELS, "AI", "vmaf_mean").empty
    assert all(path.is_file() for path in overview_plot(frame, LABELS, tmp_path / "overview"))


def test_the_overview_has_each_method_and_its_points(tmp_path: Path):
    frame = points({"anchor": (1, 0), "erjnd": (0.9, 1), "shifted": (0.5, 6)})
    svg, _, data = overview_plot(frame, LABELS, tmp_path / "overview")
    assert "ERJND" in svg.read_text() and "Shifted" in svg.read_text()
    assert len(pd.read_csv(data)) == 16


def test_a_mark_that_lies_on_another_leaves_it_to_be_seen(tmp_path: Path):
    frame = points({"anchor": (1, 0), "erjnd": (0.9, 1), "same": (0.9, 1), "shifted": (0.5, 6)})
    with patch.object(Axes, "scatter", autospec=True, side_effect=Axes.scatter) as scatter:
        overview_plot(frame, LABELS, tmp_path / "overview")
    drawn = [call for call in scatter.call_args_list if len(call.args[1]) == 1]
    areas = {(round(call.args[1][0], 6), call.kwargs["s"]) for call in drawn}
    assert len({place for place, _ in areas}) == 2 and len(areas) == 3


def test_each_number_has_a_latex_command():
    _, summary = tables(points({"anchor": (1, 0), "erjnd": (0.9, 0)}))
    text = latex_values(summary, ["erjnd"])
    commands = dict(re.findall(r"\\newcommand\{\\([A-Za-z]+)\}\{(.*)\}", text))
    assert commands["jndBdRateErjndXTwoSixFourMediumAiVmafMean"] == "-10.00"
    assert commands["jndSavingErjndXTwoSixFourMediumAi"] == "10.00"
    assert len(commands) == len(METRICS) + 3 == text.count("newcommand")
    none = summary.assign(vmaf_mean=float("nan"))
    assert "VmafMean" not in latex_values(none, ["erjnd"])


def test_poolings_of_one_metric_are_told_apart():
    assert short_label("vmaf_mean") == "VMAF"
    assert short_label("psnr_y_mse") != short_label("psnr_y_framemean")
