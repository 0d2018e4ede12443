"""Figures: what is on them, their data, stable bytes and a sensible size."""

from __future__ import annotations

import csv
import itertools
import re

import pandas as pd
import pytest

from jndlab.errors import UserError
from jndlab.report import figures
from jndlab.report.style import (
    MOST_INCHES,
    PIXELS_PER_INCH,
    axis_label,
    legend_below,
    new_grid,
    series_looks,
)

METHODS = ("anchor", "erjnd", "iqnet")


def some_points(
    sequences, content="demo", methods=METHODS, codec="vvenc-faster", configurations=("AI", "LDP")
):
    rows = []
    for sequence, configuration, (rank, method), (step, qp) in itertools.product(
        sequences, configurations, enumerate(methods), enumerate((22, 27, 32, 37))
    ):
        rows.append(
            {
                **{
                    "sequence": sequence,
                    "configuration": configuration,
                    "codec": codec,
                    "method": method,
                },
                **{"qp": qp, "content": content},
                "bitrate_kbps": (3000 if configuration == "AI" else 900)
                * 0.5**step
                * (1 - 0.05 * rank),
                "vmaf_mean": 97.0 - 2 * step**2 - rank,
            }
        )
    return pd.DataFrame(rows)


def some_savings(sequences, content="demo"):
    frame = some_points(sequences, content, METHODS[1:])
    return frame.assign(saving_pct=frame["qp"] / 3 - 8, vmaf_drop=1.5)


def test_rd_curves_show_every_panel_and_method(tmp_path):
    points = some_points(["C_PartyScene", "bikes"])
    paths = figures.rd_curves(points, "vmaf_mean", tmp_path / "rd_vmaf")
    assert [path.name for path in paths] == ["rd_vmaf.svg", "rd_vmaf.png", "rd_vmaf.csv"]
    svg = paths[0].read_text()
    for text in (
        "bikes, AI",
        "bikes, LDP",
        "C_PartyScene, AI",
        "bitrate (kbit/s, logarithmic)",
        "VMAF (mean over frames)",
        *METHODS,
        "codec vvenc-faster; QP 22, 27, 32, 37; stand-in content",
    ):
        assert f"{text}" in svg
    assert "<dc:date>" not in svg and "Matplotlib v" not in svg
    with open(paths[2], newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == len(points) and rows[0]["vmaf_mean"] == "79.000000"


@pytest.mark.parametrize(
    ("contents", "told"),
    [
        (["own", "own"], "codec vvenc-faster; QP 22, 27, 32, 37"),
        (["published", "own"], "codec vvenc-faster; QP 22, 27, 32, 37"),
        (["published", "published"], "; the published sequences"),
        (["own", "demo"], "; stand-in content: mine"),
    ],
)
def test_own_content_is_not_stamped(contents, told):
    points = some_points(["bikes", "mine"])
    by_name = dict(zip(["bikes", "mine"], contents, strict=True))
    points["content"] = points["sequence"].map(by_name)
    assert figures.points_note(points).endswith(told)


def test_the_same_points_give_the_same_bytes(tmp_path):
    points = some_points(["bikes"], configurations=("AI",))
    shuffled = points.sample(frac=1, random_state=1)
    first = figures.rd_curves(points, "vmaf_mean", tmp_path / "first")
    second = figures.rd_curves(shuffled, "vmaf_mean", tmp_path / "second")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_savings_and_drops_have_units_and_say_what_is_stand_in(tmp_path):
    savings = some_savings(["bikes", "carphone"])
    published = savings["sequence"].map({"bikes": "demo", "carphone": "published"})
    paths = figures.bar_plot(savings.assign(content=published), "saving_pct", tmp_path / "saving")
    svg = paths[0].read_text()
    for text in (
        "bitrate saving (%)",
        "erjnd, AI",
        "iqnet, LDP",
        "QP 37",
        "stand-in content: bikes",
    ):
        assert text in svg
    drop = figures.bar_plot(
        savings[savings["configuration"] == "AI"], "vmaf_drop", tmp_path / "drop"
    )
    assert "VMAF drop at equal QP" in drop[0].read_text()


@pytest.mark.parametrize("configurations", [1, 2])
def test_any_number_of_sequences_fits_a_screen(configurations):
    for sequences in range(1, 41):
        rows, groups, (width, _) = figures.curve_grid(sequences, configurations)
        assert rows * groups >= sequences and (rows - 1) * groups < sequences
        assert groups * configurations * width <= MOST_INCHES
    assert figures.curve_grid(18, 2)[:2] == (6, 3)
    figure, _ = new_grid(1, 1, (99, 99))
    assert max(figure.get_size_inches()) * PIXELS_PER_INCH <= 2000


def test_the_rate_axis_is_logarithmic_with_ticks_that_can_be_read(tmp_path):
    points = some_points(["bikes"], configurations=("AI",))
    wide = points.assign(bitrate_kbps=points["bitrate_kbps"].where(points["qp"] < 37, 40))
    svg = figures.rd_curves(wide, "vmaf_mean", tmp_path / "rd")[0].read_text()
    assert {"50", "100", "200", "500", "1000"} <= set(re.findall(r">(\d+)</text>", svg))


def test_labels_and_bd_rates_stand_in_the_figure(tmp_path):
    points = some_points(["bikes"], configurations=("AI",)).assign(bits=1)
    rates = pd.DataFrame(
        {
            "level": "sequence",
            "sequence": "bikes",
            "configuration": "AI",
            "codec": "vvenc-faster",
            "metric": "vmaf_mean",
            "method": ["erjnd", "iqnet"],
            "bd_rate_pct": [-3.21, float("nan")],
            "status": ["low_overlap", "no_overlap"],
        }
    )
    labels = {"erjnd": "ERJND", "iqnet": "IQNet"}
    svg = figures.rd_curves(points, "vmaf_mean", tmp_path / "rd", labels=labels, bd_rates=rates)[
        0
    ].read_text()
    assert "ERJND: -3.2 % *" in svg and "IQNet: none" in svg and ">erjnd<" not in svg
    assert ">BD-rate (* low overlap)<" in svg


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [(1100, 4600, "1500 2000 3000 4000"), (24, 160, "30 50 100"), (500, 9000, "500 1000 2000 5000"),
     (280, 1050, "300 500 1000")],
)  # fmt: skip
def test_a_logarithmic_rate_has_round_numbers_that_do_not_touch(low, high, shown):
    from matplotlib.figure import Figure

    axes = Figure().subplots()
    axes.set_xlim(low, high)
    figures._logarithmic_rate(axes)
    found = [text.get_text() for text in axes.get_xticklabels()]
    inside = [text for text in found if low <= float(text) <= high]
    assert " ".join(inside) == shown


def test_titles_of_panels_are_broken_before_they_meet(tmp_path):
    name = "BL-JUNIPER (demo CNN, spectral residual, and more of it)"
    points = some_points(["bikes"]).assign(saving_pct=7.0)
    svg = figures.bar_plot(points, "saving_pct", tmp_path / "s", {"erjnd": name})[0].read_text()
    assert ">IQNet, AI<" in svg or ">iqnet, AI<" in svg
    assert f"{name}, AI" not in svg and "BL-JUNIPER (demo CNN, spectral" in svg


@pytest.mark.parametrize(("length", "columns"), [(1, 5), (30, 2), (60, 1)])
def test_a_legend_reads_along_its_rows_and_fits_the_figure(length, columns):
    from matplotlib.patches import Patch

    figure, _ = new_grid(1, 1, (8, 3))
    names = [str(place) * length for place in range(5)]
    legend_below(figure, {name: Patch() for name in names})
    (legend,) = figure.legends
    # Matplotlib fills columns first: the first row is 0, 1.
    texts = [text.get_text()[0] for text in legend.get_texts()]
    assert texts == [str(place) for first in range(columns) for place in range(5)[first::columns]]
    assert legend.get_window_extent().width <= figure.bbox.width


def test_several_codecs_are_told_apart(tmp_path):
    both = pd.concat(
        [
            some_points(["bikes"], methods=("anchor",), configurations=("AI",)),
            some_points(
                ["bikes"], methods=("anchor",), codec="x265-medium", configurations=("AI",)
            ),
        ]
    )
    svg = figures.rd_curves(both, "vmaf_mean", tmp_path / "rd")[0].read_text()
    assert "anchor, vvenc-faster" in svg and "anchor, x265-medium" in svg


def test_lines_differ_in_more_than_colour():
    looks = series_looks([f"method{index}" for index in range(20)])
    told = set(zip(looks["markers"].values(), map(str, looks["dashes"].values()), strict=True))
    assert len(told) == 20


def test_nothing_to_draw_and_unknown_quantities_are_errors(tmp_path):
    points = some_points(["bikes"])
    with pytest.raises(UserError, match="nothing to draw"):
        figures.rd_curves(points.assign(vmaf_mean=float("nan")), "vmaf_mean", tmp_path / "rd")
    with pytest.raises(UserError, match="loudness"):
        axis_label("loudness")
    assert not list(tmp_path.iterdir())
