"""Training pictures, coded: what is measured, Table II next to the printed one, exact pixels."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from jndlab.codecs import EncodeJob, get_codec
from jndlab.datasets.pictures.crops import list_crops, load_crop
from jndlab.errors import UserError
from jndlab.jnd.erjnd import IqnetFilter
from jndlab.media.clip import ClipFormat, write_clip
from jndlab.papers.iqnet.frame_figures import Window, crops
from jndlab.papers.iqnet.published import load_published
from jndlab.papers.iqnet.training_pictures import (
    FPS,
    METHODS,
    Sheet,
    bd_rates,
    encode_lumas,
    enlarged,
    most_detailed,
    named_or,
    picture_file,
    plot_crops,
    plot_pictures,
    save_pictures,
    table2,
    whole_patches,
    words_of,
)
from jndlab.quality.full_reference import measure
from jndlab.report.style import figure_style, save_figure

X265 = {"adapter": "x265", "preset": "ultrafast"}
SIZE = (192, 128)


@pytest.fixture(scope="module")
def source():
    (chosen,) = list_crops("packaged", crop=SIZE, limit=1)
    return load_crop(chosen)


@pytest.fixture(scope="module")
def lumas(source):
    filtered = IqnetFilter(alpha=1.0, weighting="xiang2016").filter_luma(source.y, 8)
    return {"source": source.y, "training_data": filtered, "IQNet": filtered.copy()}


@pytest.fixture(scope="module")
def coded(source, lumas, tmp_path_factory):
    folder = tmp_path_factory.mktemp("coded")
    return encode_lumas(source, lumas, get_codec(X265), [27, 37], folder)


def printed_rows():
    """Numbers as the adapter writes them, equal to the printed ones where there are such."""
    printed = load_published()["table2_training_images"]
    rows = []
    for row in printed:
        bits = round(float(row["bitrate"]) * 1000 / FPS)
        values = {"vmaf_p": row["vmaf_p"], "vmaf_r": row["vmaf_r"], "psnr_p": "", "psnr_r": "30.0"}
        common = {"image": row["image"], "picture": f"p{row['image'][-1]}", "qp": row["qp"]}
        rows.append({**common, "method": row["method"], "bits": str(bits), **values})
        if row["method"] == "IQNet":
            rows.append({**common, "method": "source", "bits": str(2 * bits), **values})
    return rows


def test_every_row_is_what_its_picture_alone_gives(source, lumas, coded, tmp_path):
    rows, decoded = coded
    assert [(r["method"], r["qp"]) for r in rows] == [(m, q) for m in lumas for q in (27, 37)]
    row = rows[2]  # training_data, QP 27
    clip = ClipFormat(*SIZE, Fraction(25), 1)
    write_clip(tmp_path / "s.mkv", [source], clip)
    write_clip(tmp_path / "a.mkv", [source._replace(y=lumas["training_data"])], clip)
    job = EncodeJob(tmp_path / "a.mkv", clip, "AI", 27, tmp_path / "a.265", tmp_path)
    bits = get_codec(X265).encode(job).bits_per_frame
    for kind, file in (("p", "a.mkv"), ("r", "a.265")):
        (alone,) = measure(tmp_path / "s.mkv", tmp_path / file, clip, work_dir=tmp_path).frames
        assert row[f"vmaf_{kind}"] == pytest.approx(alone["vmaf"], abs=1e-4)
        assert row[f"psnr_{kind}"] == pytest.approx(alone["psnr_y"], abs=1e-4)
    assert [row["bits"]] == bits and decoded["IQNet", 27].y.dtype == np.uint16


def test_the_source_has_no_error_and_equal_lumas_have_equal_numbers(coded):
    rows, _ = coded
    assert rows[0]["psnr_p"] is None and rows[0]["psnr_r"] is not None
    assert [{**r, "method": ""} for r in rows[2:4]] == [{**r, "method": ""} for r in rows[4:6]]
    assert rows[0]["bits"] > rows[1]["bits"] and rows[0]["bits"] > rows[2]["bits"]


def test_the_order_of_detail_goes_by_the_unfiltered_stream():
    rows = [("a", 0, 5), ("b", 0, 9), ("c", 0, 9), ("a", 1, 99), ("b", 1, 1), ("c", 1, 1)]
    scores = pd.DataFrame(rows * 2, columns=["picture", "alpha", "picture_bits"])
    assert most_detailed(scores) == ["b", "c", "a"]


def test_named_pictures_take_the_place_of_the_chosen_ones():
    assert named_or(["a", "b"], None, ["a", "b", "c"]) == ["a", "b"]
    assert named_or(["a", "b"], ["c", "a"], ["a", "b", "c"]) == ["c", "a"]
    with pytest.raises(UserError, match="'lena'"):
        named_or(["a"], ["lena"], ["a"])


def test_only_whole_patches_are_kept(source):
    kept = whole_patches(source, 80)
    assert kept.y.shape == (80, 160) and kept.u.shape == kept.v.shape == (40, 80)
    assert (kept.v == source.v[:40, :80]).all()


def test_every_printed_rate_is_whole_bytes_at_the_assumed_rate():
    for row in load_published()["table2_training_images"]:
        assert (Fraction(row["bitrate"]) * 1000 / FPS / 8).denominator == 1


@pytest.mark.parametrize("published", [False, True])
def test_table2_stands_beside_the_printed_one_without_a_verdict(published):
    table = table2(printed_rows(), "vtm-11.0", published=published)
    assert len(table.ours) == 24 and len(table.comparison) == 3 * 24
    beside = table.comparison[table.comparison["printed"] != ""]
    assert len(beside) == 48 and (beside["difference"].abs() < 1e-9).all()
    reason = "protocol not known (which two" if published else "stand-in content"
    assert all(v.startswith("not comparable") and reason in v for v in beside["verdict"])
    image1 = table.ours[(table.ours["image"] == "image1") & (table.ours["qp"] == 22)]
    by_method = image1.set_index("method")
    assert by_method.loc["training_data", "bitrate_kbps"] == pytest.approx(4643.04)
    assert by_method.loc["IQNet", "saving_pct"] == pytest.approx(50)
    assert by_method.loc["source", "saving_pct"] == 0 and np.isnan(by_method.loc["IQNet", "psnr_p"])


def test_bd_rates_of_the_printed_numbers_are_those_of_the_audit():
    table = bd_rates(table2(printed_rows(), "vtm-11.0", published=False).ours)
    own = table[(table["method"] == "IQNet") & (table["against"] == "training_data")]
    assert own["bd_rate_pct"].tolist() == pytest.approx([8.8, -3.3], abs=0.05)
    assert own["printed_bd_rate_pct"].tolist() == pytest.approx(own["bd_rate_pct"].tolist())
    assert table.loc[table["against"] == "source", "printed_bd_rate_pct"].isna().all()


def test_a_sheet_keeps_the_pixels_of_its_pictures(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, 3), np.uint8)
    with figure_style():
        sheet = Sheet(211, 97)
        sheet.picture(enlarged(pixels, 3), 100, 7)
        sheet.picture(pixels[..., 0], 10, 50)
        save_figure(sheet.figure, pd.DataFrame({"a": [1]}), tmp_path / "sheet")
    drawn = np.asarray(Image.open(tmp_path / "sheet.png").convert("RGB"))
    assert drawn.shape == (97, 211, 3)
    assert (drawn[7:67, 100:190] == enlarged(pixels, 3)).all()
    assert (drawn[50:70, 10:40] == pixels[..., :1]).all()


def test_figures_show_the_pictures_that_were_written(source, lumas, coded, tmp_path):
    rows, decoded = coded
    numbers = [{"image": "image1", "picture": "astronaut", **row} for row in rows]
    text = [{k: "" if v is None else str(v) for k, v in row.items()} for row in numbers]
    table = table2(text, "x265", published=False).ours
    windows = crops([source.y, *(decoded[method, 37].y for method in METHODS)])
    assert set(windows) == {"A", "B"} and isinstance(windows["A"], Window)
    save_pictures(tmp_path, "image1", source, lumas, decoded, 37)
    assert len(list(tmp_path.glob("*.png"))) == 2 * len(METHODS)
    sheet = plot_crops(table, {"image1": windows}, 37, tmp_path, "Fig. 9")
    assert len(sheet.axes) == 2 * len(METHODS)  # A and B of each reconstruction
    x, y, side = windows["A"]
    shown = np.asarray(sheet.axes[0].images[0].get_array())
    saved = np.asarray(Image.open(tmp_path / picture_file("image1", "source", 37)))
    factor = shown.shape[0] // side
    assert (shown[::factor, ::factor] == saved[y : y + side, x : x + side]).all()
    before, after = (
        [
            text.get_text()
            for text in plot_pictures(
                table, "image1", windows, 37, tmp_path, "a title", coded=coded
            ).texts
        ]
        for coded in (False, True)
    )
    row = rows[3]
    assert f"{row['bits']:,} bit, saving " in " ".join(after)
    assert not any("bit" in words.split() for words in before)
    assert before.count("equal to the source, VMAF " + f"{rows[0]['vmaf_p']:.1f}") == 1


def test_words_name_what_is_known():
    row = {"method": "IQNet", "psnr_p": 40.0, "vmaf_p": 95.0, "psnr_r": 33.456, "vmaf_r": 90.04}
    row |= {"bits": 12345, "saving_pct": 12.34}
    assert words_of(row, coded=False) == "PSNR Y 40.00 dB, VMAF 95.0"
    assert words_of(row, coded=True) == "PSNR Y 33.46 dB, VMAF 90.0, 12,345 bit, saving 12.3 %"
    assert words_of(row, coded=True, short=True) == "33.46 dB, VMAF 90.0, 12,345 bit"
