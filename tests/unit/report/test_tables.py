"""RD points read into a frame, tables written with stable bytes, BD-rate and equal-QP tables."""

from __future__ import annotations

import copy
import csv
import json
import math
import re
import shutil
import subprocess

import pandas as pd
import pytest

from jndlab.errors import UserError
from jndlab.papers.iqnet.published import load_published
from jndlab.quality.aggregate import bd_rate_table, sequence_class
from jndlab.quality.points import (
    POINT_COLUMNS,
    load_points,
    read_points,
    same_qp_table,
    with_savings,
    write_points,
)
from jndlab.report.tables import write_table

POINT = {
    "schema": 2,
    "key": {
        "sequence": "bikes",
        "configuration": "AI",
        "codec": "vvenc-faster",
        "method": "anchor",
        "qp": 27,
    },
    "clip": {"width": 416, "height": 240, "fps": "30000/1001", "frames": 17, "bit_depth": 8},
    "content": "demo",
    "bits": 184264,
    "bitrate_kbps": 324.8,
    "metrics": {
        "psnr_y_framemean": 40.1,
        "psnr_y_mse": None,
        "psnr_u_framemean": 44.0,
        "psnr_v_framemean": 45.0,
        "ssim_y": 0.98,
        "vmaf_mean": 95.5,
        "vmaf_harmonic": 95.4,
        "vmaf_neg_mean": 94.0,
        "xpsnr_y": 39.0,
        "lossless_frames": 2,
    },
    "prefilter_metrics": None,
    "recipe": {"codec": {"adapter": "vvenc"}, "models_sha256": ["cd" * 32, "ef" * 32]},
    "recipe_sha256": "ab" * 32,
    "provenance": {"encode_cpu_s": 1.25, "encode_wall_s": 0.7, "encoder_version": "1.15.0"},
}


def write_point(folder, name, **key):
    point = copy.deepcopy(POINT)
    point["key"].update(key)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(point))
    return path


def published_points(method_rows):
    """Points of the printed Table III: rate = anchor bitrate x (1 - printed saving)."""
    return pd.DataFrame(
        {
            "sequence": f"{'C' if row['sequence'] == 'PartyScene' else 'B'}_{row['sequence']}",
            "configuration": row["configuration"],
            "codec": "vtm-11.0",
            "method": row["method"],
            "qp": int(row["qp"]),
            "content": "published",
            "bits": round(
                1000 * float(row["bitrate_anchor"]) * (1 - float(row["saving_pct"] or 0) / 100)
            ),
            "psnr_y_framemean": 40.0 - int(row["qp"]) / 10,
            "vmaf_mean": float(row["vmaf_r"]),
            "vmaf_neg_mean": math.nan,
            "prefilter_vmaf_mean": math.nan,
        }
        for row in method_rows
    )


@pytest.fixture(scope="module")
def printed_points():
    return published_points(load_published()["table3_vmaf_bitrate"])


def test_points_are_sorted_whatever_the_order_of_files(tmp_path):
    paths = [
        write_point(tmp_path, "c", method="erjnd", qp=37),
        write_point(tmp_path, "a", qp=37),
        write_point(tmp_path, "b", qp=22),
    ]
    points = load_points(paths)
    assert list(points.columns) == POINT_COLUMNS
    assert set(points["encoder"]) == {"vvenc 1.15.0"}
    assert set(points["models_sha256"]) == {f"{'cd' * 32} {'ef' * 32}"}
    assert list(zip(points["method"], points["qp"], strict=True)) == [
        ("anchor", 22),
        ("anchor", 37),
        ("erjnd", 37),
    ]
    assert points.equals(load_points(reversed(paths)))
    assert points.loc[0, "fps"] == pytest.approx(29.97003, abs=1e-5)
    assert points.loc[0, "vmaf_mean"] == 95.5
    assert points.loc[0, "lossless_frames"] == 2


def test_what_a_table_rests_on_stands_in_each_of_its_formats(tmp_path, monkeypatch):
    note = "Checksums recorded at first download, none published: a.zip (2026-01-02)."
    monkeypatch.setattr("jndlab.report.tables.NOTES", [note])
    frame = pd.DataFrame({"a": [1]})
    for caption in ("Bits.", ""):
        csv_file, *shown = write_table(frame, tmp_path / "t", caption=caption)
        assert csv_file.read_text() == "a\n1\n"
        for path in shown:
            assert f"{caption} {note}".strip() in path.read_text(), path


def test_parquet_keeps_every_bit_and_type(tmp_path):
    paths = [write_point(tmp_path, "a"), write_point(tmp_path, "b", method="erjnd")]
    points = with_savings(load_points(paths).assign(vmaf_mean=[100 / 3, math.nan]))
    write_points(points, tmp_path / "points.parquet")
    pd.testing.assert_frame_equal(
        read_points(tmp_path / "points.parquet"), points, check_exact=True
    )
    write_points(with_savings(load_points([])), tmp_path / "none.parquet")
    assert list(read_points(tmp_path / "none.parquet").columns) == list(points.columns)


def test_an_anchor_has_no_saving_against_itself(printed_points):
    points = with_savings(printed_points)
    anchor = points["method"] == "anchor"
    columns = ["anchor_bits", "saving_pct", "psnr_drop_db", "vmaf_drop"]
    assert points.loc[anchor, columns].isna().all(axis=None) and len(points) == len(printed_points)
    assert points.loc[~anchor, columns].notna().all(axis=None)


def test_a_missing_metric_is_missing_and_never_zero(tmp_path):
    points = load_points([write_point(tmp_path, "a")])
    assert math.isnan(points.loc[0, "psnr_y_mse"])
    assert math.isnan(points.loc[0, "prefilter_vmaf_mean"])
    write_table(points, tmp_path / "points", formats=("csv",))
    with open(tmp_path / "points.csv", newline="") as stream:
        row = next(csv.DictReader(stream))
    assert row["psnr_y_mse"] == "" and row["prefilter_vmaf_mean"] == ""
    assert row["bits"] == "184264" and row["vmaf_mean"] == "95.500000"


def test_no_points_give_an_empty_table_with_all_columns(tmp_path):
    points = load_points([])
    write_table(points, tmp_path / "points")
    assert (tmp_path / "points.csv").read_text() == ",".join(POINT_COLUMNS) + "\n"
    assert bd_rate_table(points).empty and same_qp_table(with_savings(points)).empty


def test_a_point_twice_is_an_error_that_names_both_files(tmp_path):
    paths = [write_point(tmp_path, "a"), write_point(tmp_path, "b")]
    with pytest.raises(UserError, match=r"bikes/AI/vvenc-faster/anchor/27") as error:
        load_points(paths)
    assert "a.json" in str(error.value) and "b.json" in str(error.value)


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 1}', '{"schema": 3}'])
def test_a_file_that_is_no_point_is_named(tmp_path, text):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"broken\.json"):
        load_points([path])


def test_tables_escape_and_keep_their_bytes(tmp_path):
    frame = pd.DataFrame(
        {"method_name": ["a_b|c", "50 % & more"], "saving_pct": [-1e-9, 1 / 3], "qp": [22, 27]}
    )
    written = write_table(
        frame,
        tmp_path / "t_1.5",
        caption="Saving_at\nequal QP",
        float_formats={"saving_pct": ".3f"},
    )
    assert [path.suffix for path in written] == [".csv", ".md", ".tex", ".html"]
    assert written[0].name == "t_1.5.csv"
    assert written[0].read_text() == (
        "method_name,saving_pct,qp\na_b|c,0.000000,22\n50 % & more,0.333333,27\n"
    )
    assert written[1].read_text() == (
        "Saving_at equal QP\n\n"
        "| method_name   |   saving_pct |   qp |\n"
        "|:--------------|-------------:|-----:|\n"
        "| a_b\\|c        |        0.000 |   22 |\n"
        "| 50 % & more   |        0.333 |   27 |\n"
    )
    latex = written[2].read_text()
    assert latex.startswith("\\begin{table}[htbp]\n\\centering\n\\caption{Saving\\_at equal QP}\n")
    assert "\\label{tab:t-1-5}\n\\resizebox{" in latex
    assert (
        "a\\_b\\textbar{}c & 0.000 & 22 \\\\\n50 \\% \\& more & 0.333 & 27 \\\\\n\\bottomrule"
        in latex
    )
    assert "\\begin{tabular}{lrr}\n\\toprule\nmethod\\_name & saving\\_pct & qp" in latex
    page = written[3].read_text()
    assert "<td>50 % &amp; more</td>" in page and "<td>0.333</td>" in page
    assert ":is(:nth-child(2), :nth-child(3)) { text-align: right;" in page
    before = [path.read_bytes() for path in written]
    write_table(
        frame,
        tmp_path / "t_1.5",
        caption="Saving_at\nequal QP",
        float_formats={"saving_pct": ".3f"},
    )
    assert [path.read_bytes() for path in written] == before


@pytest.mark.parametrize(
    ("text", "markdown"),
    [
        ("low_overlap", "low_overlap"),
        ("_open", "\\_open"),
        ("close_", "close\\_"),
        ("+4.43 *", "+4.43 *"),
        ("*strong*", "\\*strong*"),
        ("a|b <c>", "a\\|b \\<c\\>"),
    ],
)
def test_markdown_escapes_what_would_be_markup_and_nothing_else(tmp_path, text, markdown):
    path = write_table(pd.DataFrame({"a": [text]}), tmp_path / "t", formats=("md",))[0]
    assert path.read_text().splitlines()[-1].strip("| ") == markdown


NASTY = "50 % & more_of #1 {x} ~ ^ \\ $2 < 3 > 1"


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no LaTeX on this machine")
def test_latex_compiles_and_fits_the_page(tmp_path):
    wide = pd.DataFrame({f"column_{n} (%)": [NASTY, "+1.2 * [-3.4, 5]"] * 60 for n in range(12)})
    write_table(wide, tmp_path / "wide", formats=("tex",), caption=NASTY * 9, bold=[1])
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs,graphicx}\\begin{document}"
        "\\input{wide}See Table~\\ref{tab:wide}.\\end{document}"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout and "Float too large" not in done.stdout


def test_latex_breaks_what_is_too_wide_and_cuts_what_is_too_long(tmp_path):
    names = [f"BL-JUNIPER (demo CNN, number {n})" for n in range(60)]
    cells = ["+11.80 * [-0.66, +24.26]"] * 60
    table = pd.DataFrame(
        {"method": names, **{f"BD-rate of metric {n} (%)": cells for n in range(4)}}
    )
    path = write_table(table, tmp_path / "t", formats=("tex",), caption="All.", bold=[0])[0]
    text = path.read_text()
    assert text.count("\\begin{table}") == text.count("\\toprule") == text.count(" of ") / 5 > 1
    assert text.count("\\label{tab:t}") == 1 and "\\caption{All. (1 of " in text
    first = "\\begin{tabular}[t]{@{}l@{}}+11.80 * \\\\ {}[-0.66, +24.26]\\end{tabular}"
    assert text.count(first) == 59 * 4 and text.count("\\textbf{[-0.66, +24.26]}") == 4
    lines = [line for line in text.splitlines() if line.startswith("\\begin{tabular}[t]")]
    longest = max(len(one) for line in lines for one in re.findall(r"[}\\] ([^\\&]+) \\\\", line))
    assert longest <= 16, "cells are broken as far as the page asks"
    narrow = write_table(table.iloc[:3, :2], tmp_path / "n", formats=("tex",))[0].read_text()
    assert narrow.count("tabular}") == 2, "what fits stays in one line"


def test_bold_rows_are_so_in_every_format_that_has_bold(tmp_path):
    table = pd.DataFrame({"sequence": ["bikes", "mean of all"], "a<b": ["+1", ""]})
    csv, md, tex, page = (p.read_text() for p in write_table(table, tmp_path / "t", bold=[1]))
    assert "mean of all," in csv and "| **mean of all** |" in md
    assert "\\textbf{mean of all} &  \\\\" in tex and "<td><b>mean of all</b></td>" in page
    assert "<b></b>" not in page and "a&lt;b" in page


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UserError, match="xlsx"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "t", formats=("csv", "xlsx"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("interpolation", "expected"),
    [
        ("pchip", {"AI C": -28.9457, "AI B": -37.1365, "LDP C": -33.4470, "LDP B": -46.8440}),
        # Three of the polynomials turn between the points: no value (by them +3.5 % in AI B).
        ("cubic", {"AI C": math.nan, "AI B": math.nan, "LDP C": -32.7612, "LDP B": math.nan}),
        ("akima", {"AI C": -28.8497, "AI B": -35.2564, "LDP C": -33.2144, "LDP B": -45.7776}),
    ],
)
def test_bd_rate_table_of_the_printed_curves(printed_points, interpolation, expected):
    table = bd_rate_table(printed_points, "CNN-JNQD", ["vmaf_mean"], interpolation)
    rows = table[(table["level"] == "sequence") & (table["method"] == "IQNet")]
    found = {
        f"{configuration} {group}": value
        for configuration, group, value in zip(
            rows["configuration"], rows["class"], rows["bd_rate_pct"], strict=True
        )
    }
    assert found == pytest.approx(expected, abs=2e-4, nan_ok=True)
    turns = {"fit_turns"} if interpolation == "cubic" else set()
    assert set(rows["status"]) == {"low_overlap"} | turns and set(rows["interpolation"]) == {
        interpolation
    }


def test_means_are_of_per_sequence_values_and_count_what_is_left_out(printed_points):
    spoilt = printed_points.copy()
    is_lost = (spoilt["sequence"] == "C_PartyScene") & (spoilt["qp"] == 37)
    spoilt.loc[is_lost & (spoilt["configuration"] == "AI"), "vmaf_mean"] = math.nan
    table = bd_rate_table(spoilt, "anchor", ["vmaf_mean"])
    of_iqnet = table[table["method"] == "IQNet"].set_index(["configuration", "level", "class"])
    assert of_iqnet.loc[("AI", "sequence", "C"), "status"] == "too_few_points"
    overall = of_iqnet.loc[("AI", "all", "")]
    assert overall["bd_rate_pct"] == pytest.approx(36.2532, abs=1e-3)
    assert (overall["sequences"], overall["left_out"], overall["low_overlap"]) == (1, 1, 1)
    assert math.isnan(of_iqnet.loc[("AI", "class", "C"), "bd_rate_pct"])
    both = of_iqnet.loc[("LDP", "all", "")]
    assert both["bd_rate_pct"] == pytest.approx((31.7257 + 70.2014) / 2, abs=1e-3)
    assert (both["sequences"], both["left_out"]) == (2, 0)


def test_classes_can_be_given_by_the_sheet(printed_points):
    table = bd_rate_table(
        printed_points, "anchor", ["vmaf_mean"], classes={"B_BQTerrace": "X", "C_PartyScene": "X"}
    )
    assert set(table.loc[table["level"] == "class", "class"]) == {"X"}
    assert sequence_class("D_RaceHorses") == "D" and sequence_class("bikes") == ""


def test_without_an_anchor_nothing_is_invented(printed_points):
    alone = printed_points[printed_points["method"] == "IQNet"]
    table = bd_rate_table(alone, "anchor", ["vmaf_mean"])
    assert set(table.loc[table["level"] == "sequence", "status"]) == {"too_few_points"}
    assert table["bd_rate_pct"].isna().all()
    savings = same_qp_table(with_savings(alone))
    assert len(savings) == len(alone) and savings["saving_pct"].isna().all()


def test_same_qp_table_gives_back_the_printed_savings(printed_points):
    savings = same_qp_table(with_savings(printed_points))
    row = savings[
        (savings["sequence"] == "B_BQTerrace")
        & (savings["configuration"] == "LDP")
        & (savings["method"] == "IQNet")
        & (savings["qp"] == 22)
    ].iloc[0]
    assert row["saving_pct"] == pytest.approx(53, abs=1e-3)
    assert row["vmaf_drop"] == pytest.approx(99.08 - 95.72)
    assert row["psnr_drop_db"] == pytest.approx(0)
    assert set(savings["method"]) == {"IQNet", "CNN-JNQD"} and len(savings) == 32
