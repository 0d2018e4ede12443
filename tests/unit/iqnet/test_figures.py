"""IQNet's figures: which method and printed value is where, which frame, which crop."""

from __future__ import annotations

import csv
import itertools
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from jndlab.errors import UserError
from jndlab.files import write_csv, write_json
from jndlab.media.clip import ClipFormat, Frame, write_clip
from jndlab.papers.iqnet import figures as iqnet_figures
from jndlab.papers.iqnet import frame_figures as iqnet_reconstructions
from jndlab.papers.iqnet.frame_figures import Coded, Window, crop_side, crops, plot_frames
from jndlab.quality.points import SAME_QP_COLUMNS

LABELS = {"iqnet": "IQNet", "erjnd": "ERJND", "cnn_jnqd": "CNN-JNQD"}


def some_savings(methods=("erjnd", "iqnet"), sequences=("C_PartyScene", "bikes")):
    rows = []
    for sequence, configuration, (rank, method), (step, qp) in itertools.product(
        sequences, ("AI", "LDP"), enumerate(methods), enumerate((22, 27))
    ):
        rows.append(
            {
                **{"sequence": sequence, "configuration": configuration, "codec": "vvenc-faster"},
                **{"method": method, "qp": qp, "bits": 90, "anchor_bits": 100},
                "content": "published" if "_" in sequence else "demo",
                "saving_pct": 12.0 - 4 * step + rank,
                "psnr_drop_db": 2.0 - step,
                "vmaf_drop": 3.0,
                "vmaf_neg_drop": 3.0,
                "prefilter_vmaf_mean": 96.0 + rank,
            }
        )
    found = [{"frames": "all", "configuration": "AI", "codec": "vvenc 1.15"}]
    return pd.DataFrame(rows)[SAME_QP_COLUMNS].assign(found=[found] * len(rows))


def rows_of(path):
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def test_printed_values_stand_at_published_sequences_alone(tmp_path):
    paths = iqnet_figures.bar_figure(some_savings(), "saving_pct", tmp_path / "bar", labels=LABELS)
    assert [path.suffix for path in paths] == [".svg", ".png", ".csv"]
    svg, rows = paths[0].read_text(), rows_of(paths[2])
    for text in (
        "Fig. 17",
        "IQNet, AI",
        "IQNet, LDP",
        "QP 27",
        "printed for IQNet: Table IV",
        "printed values are not comparable: codec: vvenc 1.15 instead of vtm 11.0",
        "codec vvenc-faster; QP 22, 27; stand-in content: bikes",
    ):
        assert text in svg
    assert "ERJND" not in svg and {row["method"] for row in rows} == {"iqnet"}
    printed = {(r["sequence"], r["configuration"], r["qp"]): r["printed"] for r in rows}
    assert float(printed["C_PartyScene", "AI", "22"]) == 17.18
    assert float(printed["C_PartyScene", "LDP", "27"]) == 24.35
    assert printed["bikes", "AI", "22"] == ""
    reasons = {row["sequence"]: row["not_comparable"] for row in rows}
    assert reasons == {"C_PartyScene": "codec: vvenc 1.15 instead of vtm 11.0", "bikes": ""}


def test_an_unpublished_clip_under_a_published_name_gets_no_printed_value(tmp_path):
    demo = some_savings(("iqnet",)).assign(content="demo")
    paths = iqnet_figures.bar_figure(demo, "psnr_drop_db", tmp_path / "bar", labels=LABELS)
    assert not any(row["printed"] for row in rows_of(paths[2]))
    assert "printed" not in paths[0].read_text()


def test_without_iqnet_the_other_methods_are_shown_and_told(tmp_path):
    others = some_savings(("cnn_jnqd", "erjnd"))
    paths = iqnet_figures.bar_figure(others, "vmaf_drop", tmp_path / "bar", labels=LABELS)
    svg = paths[0].read_text()
    for text in ("no method iqnet in this run", "CNN-JNQD, AI", "ERJND, LDP", "Fig. 15"):
        assert text in svg
    assert "printed" not in svg


def test_printed_vmaf_drops_are_differences_of_table_3():
    printed = iqnet_figures.printed_values("vmaf_drop").set_index(
        ["configuration", "sequence", "qp"]
    )
    assert len(printed) == 16 and set(printed.index.get_level_values(1)) == {
        "B_BQTerrace",
        "C_PartyScene",
    }
    assert printed["printed"].between(0, 10).all()
    psnr = iqnet_figures.printed_values("psnr_drop_db")
    assert len(psnr) == 48 and "C_RaceHorses" in set(psnr["sequence"])


def test_the_trade_off_compares_methods_on_the_same_sequences(tmp_path):
    savings = some_savings(("cnn_jnqd", "erjnd", "iqnet"))
    hole = (savings["sequence"] == "bikes") & (savings["method"] == "erjnd")
    savings.loc[hole, "saving_pct"] = float("nan")
    savings.loc[savings["sequence"] == "bikes", "saving_pct"] += 50
    means = iqnet_figures.trade_off_means(savings)
    assert set(means["sequences"]) == {1}
    assert means["saving_pct"].max() == 14.0
    svg = iqnet_figures.trade_off(savings, tmp_path / "t", labels=LABELS)[0].read_text()
    for text in (*LABELS.values(), "VMAF of the prefiltered video", "means over 1 sequence;"):
        assert text in svg
    assert "12.0 %, VMAF 98.0" in svg  # IQNet: the mean of 14 and 10


def test_names_beside_a_panel_do_not_overlap():
    places = iqnet_figures._spread([0.1, 0.5, 0.52, 0.53, 0.99], 0.13)
    gaps = np.diff(places)
    assert gaps.min() > 0.129 and max(places) <= 1


def test_nothing_to_draw_is_an_error_and_leaves_no_file(tmp_path):
    empty = some_savings().assign(saving_pct=float("nan"))
    with pytest.raises(UserError, match="nothing to draw"):
        iqnet_figures.bar_figure(empty, "saving_pct", tmp_path / "bar", labels=LABELS)
    with pytest.raises(UserError, match="prefilter"):
        iqnet_figures.trade_off(empty, tmp_path / "t", labels=LABELS)
    assert not list(tmp_path.iterdir())


def test_the_same_savings_give_the_same_bytes(tmp_path):
    savings = some_savings(sequences=["bikes"])
    for draw in (
        lambda frame, stem: iqnet_figures.bar_figure(frame, "saving_pct", stem, labels=LABELS),
        lambda frame, stem: iqnet_figures.trade_off(frame, stem, labels=LABELS),
    ):
        first = draw(savings, tmp_path / "first")
        second = draw(savings.sample(frac=1, random_state=3), tmp_path / "second")
        assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


CLIP = ClipFormat(160, 96, Fraction(25), 3)
RNG = np.random.default_rng(5)


def a_clip(path, changed=None):
    """Three flat frames of rising luma; detail at (104, 40), ``changed`` pixels elsewhere."""
    frames = []
    for n in range(CLIP.frames):
        luma = np.full((96, 160), 60 + 40 * n, np.uint8)
        luma[48:80, 112:144] += np.random.default_rng(1).integers(0, 60, (32, 32), np.uint8)
        if changed is not None:
            luma[changed] += 20
        chroma = np.full((48, 80), 128, np.uint8)
        frames.append(Frame(luma, chroma, chroma))
    write_clip(path, frames, CLIP)
    return path


def a_method(
    folder, name, label, bits, content="demo", sequence="bikes", changed=None, version="11.0"
):
    key = {
        "sequence": sequence,
        "configuration": "AI",
        "codec": "vtm-11.0",
        "method": name,
        "qp": 22,
    }
    point = {
        "key": key,
        "content": content,
        "recipe": {"codec": {"adapter": "vtm"}},
        "provenance": {"encoder_version": version},
        "metrics": {"psnr_y_framemean": 40.123},
        "bitrate_kbps": bits / 10,
    }
    write_json(folder / f"{name}.json", point)
    values = [
        {"bits": bits + n, "slice_type": "I", "n": n, "psnr_y": "" if n == 1 else 38 + n / 10}
        for n in (1, 2, 3)
    ]
    write_csv(folder / f"{name}.csv", values)
    stream = a_clip(folder / f"{name}.mkv", changed)
    return Coded(label, stream, folder / f"{name}.csv", folder / f"{name}.json")


def test_a_picture_shows_the_frame_asked_for_with_its_own_numbers(tmp_path, monkeypatch):
    shown = {}
    paint = iqnet_reconstructions._column

    def noting(words, rgb, windows):
        shown[words[0]] = (words, rgb, windows)
        return paint(words, rgb, windows)

    monkeypatch.setattr(iqnet_reconstructions, "_column", noting)
    coded = [
        a_method(tmp_path, "anchor", "anchor", 1000),
        a_method(tmp_path, "iqnet", "IQNet", 800, changed=np.s_[0:48, 0:48]),
    ]
    png, table = plot_frames(a_clip(tmp_path / "s.mkv"), coded, CLIP, tmp_path / "f", number=2)
    words, rgb, windows = shown["IQNet"]
    # Limited-range grey 100 (frame 2) as full-range RGB.
    assert (rgb[90, 5] == round((100 - 16) / 219 * 255)).all()
    assert (rgb[5, 5] == round((120 - 16) / 219 * 255)).all()
    assert words[1] == "frame 2 (I): PSNR Y 38.20 dB, 802 bit, saving 20.0 %"
    assert words[2] == "sequence: PSNR Y 40.12 dB, 80.0 kbit/s, saving 20.0 %"
    assert shown["anchor"][0][1] == "frame 2 (I): PSNR Y 38.20 dB, 1,002 bit"
    assert windows == {"A": Window(0, 0, 48), "B": Window(104, 40, 48)}
    assert list(shown) == ["source", "anchor", "IQNet"]
    rows = rows_of(table)
    assert rows[1]["frame_bits"] == "802" and rows[1]["crop_A_side"] == "48"
    with Image.open(png) as picture:
        assert picture.width < 1920 and picture.height < 1920


def test_a_frame_without_error_and_printed_numbers_are_told(tmp_path, monkeypatch):
    notes = []
    sheet = iqnet_reconstructions._sheet
    monkeypatch.setattr(
        iqnet_reconstructions, "_sheet", lambda t, c, n: (notes.extend(n), sheet(t, c, n))[1]
    )
    party = {"sequence": "C_PartyScene", "content": "published"}
    coded = [a_method(tmp_path, "anchor", "anchor", 1000, **party)]
    _, table = plot_frames(a_clip(tmp_path / "s.mkv"), coded, CLIP, tmp_path / "f")
    assert rows_of(table)[0]["frame_psnr_y"] == ""
    assert "Printed in Fig. 18 for IQNet: saving_pct 19.3 %" in " ".join(notes)
    assert not any("Stand-in" in note or "instead of" in note for note in notes)
    notes.clear()
    coded = [a_method(tmp_path, "anchor", "anchor", 1000, **party, version="20.0")]
    plot_frames(tmp_path / "s.mkv", coded, CLIP, tmp_path / "f")
    assert "Not comparable with the paper: codec: vtm 20.0 instead of vtm 11.0." in notes


@pytest.mark.parametrize("number", [0, 4])
def test_a_frame_that_is_not_there_is_an_error(tmp_path, number):
    with pytest.raises(UserError, match=f"no frame {number}"):
        plot_frames(tmp_path / "s.mkv", [], CLIP, tmp_path / "f", number=number)


def test_crops_are_where_the_rule_says():
    source = np.full((96, 160), 500)
    source[16:40, 16:40] = RNG.integers(0, 1000, (24, 24))
    other = source.copy()
    other[56:80, 120:144] += 9
    found = crops([source, source, other], side=24)
    assert found == {"A": Window(120, 56, 24), "B": Window(16, 16, 24)}
    assert list(crops([source, source], side=24)) == ["B"]
    # The change lies on the detail: B has to make room.
    other = source.copy()
    other[16:40, 16:40] += 9
    a, b = crops([source, source, other], side=24).values()
    assert a == Window(16, 16, 24) and (abs(b.x - a.x) >= 24 or abs(b.y - a.y) >= 24)
    # All the picture is A.
    assert list(crops([source[:24, :24]] * 3, side=99)) == ["A"]


@pytest.mark.parametrize(
    ("height", "side"), [(72, 32), (144, 64), (240, 80), (272, 88), (1080, 224), (1600, 224)]
)
def test_the_side_of_a_crop_follows_the_height(height, side):
    assert crop_side(height) == side
