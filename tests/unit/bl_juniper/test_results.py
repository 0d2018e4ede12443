"""BL-JUNIPER's results: errors and baselines, weighted quality, tables, figures, labels."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import stats

from jndlab.errors import UserError
from jndlab.jnd.block.maps import BlockMaps, write_block_maps
from jndlab.media.clip import ClipFormat, Frame, write_clip
from jndlab.papers.bl_juniper import errors, figures, findings, tables
from jndlab.papers.bl_juniper import label_statistics as labels
from jndlab.papers.bl_juniper import weighted_quality as weighted
from jndlab.papers.bl_juniper.mcl_jcv import read_block_labels
from jndlab.quality.points import by_method, over_seeds, with_savings, with_seeds

CLIP = ClipFormat(136, 72, Fraction(25), 2)  # 2 x 3 blocks, one of them whole in height


def labelled(seed=0, count=60, sources=6) -> errors.Labelled:
    rng = np.random.default_rng(seed)
    ti = rng.random(count) * 30
    video = rng.integers(25, 35, (sources, 3)).repeat(count // sources, axis=0).astype(float)
    names = np.repeat([f"s{i}" for i in range(sources)], count // sources)
    return errors.Labelled(video + rng.integers(0, 6, (count, 3)), ti, video, names)


def test_baselines_recover_what_they_were_made_from():
    blocks = labelled()
    line = 40 - 3 * np.log1p(blocks.ti)
    blocks = blocks._replace(jnd=np.stack([line, line + 1, blocks.video_jnd[:, 2] + 2.1], axis=1))
    found = errors.Baselines.fitted(blocks).predictions(blocks)
    assert np.allclose(found["ti_regression"][:, :2], blocks.jnd[:, :2])
    assert np.allclose(found["video_jnd + mean offset"][:, 2], blocks.jnd[:, 2])
    assert np.allclose(found["mean"][0], blocks.jnd.mean(axis=0))


def test_error_table_by_hand():
    blocks = labelled(count=12, sources=3)
    predictions = {"cnn": blocks.jnd + np.array([1, -2, 0])}
    table = errors.error_table([errors.Tested("here", "vmaf_steps", blocks, predictions)])
    assert table["mae_qp"].tolist() == [1, 2, 0] and table["bias_qp"].tolist() == [1, -2, 0]
    assert table["sources"].tolist() == [3] * 3 and set(table["labels"]) == {"vmaf_steps"}
    assert set(table["better"]) == {""}  # nothing to compare with
    assert set(table["output"]) == {""}
    alive = errors.checks([errors.Tested("here", "vmaf_steps", blocks, predictions)])
    assert alive["level"].tolist() == [1, 2, 3] and set(alive["verdict"]) == {"passed"}
    said = {"cnn": np.full(blocks.jnd.shape, 33.0), "mean": np.full(blocks.jnd.shape, 33.0)}
    table = errors.error_table([errors.Tested("here", "vmaf_steps", blocks, said)])
    assert set(table.loc[table["predictor"] == "cnn", "output"]) == {"dead"}
    assert set(table.loc[table["predictor"] == "mean", "output"]) == {""}


def test_blocks_of_one_clip_are_no_new_evidence():
    blocks = labelled(count=400, sources=8)
    of_source = np.random.default_rng(0).normal(2, 1, 8)
    bias = np.repeat(of_source, 50)[:, None]
    predictions = {"cnn": blocks.jnd + 1, "mean": blocks.jnd + bias}
    tested = errors.Tested("here", "vmaf_steps", blocks, predictions)
    table = errors.error_table([tested]).set_index(["level", "predictor"])
    row, differences = table.loc[(1, "mean")], 1 - np.abs(of_source)
    students = stats.ttest_1samp(differences, 0).confidence_interval()
    assert row["difference"] == pytest.approx(differences.mean())
    assert row["difference_low"] <= students.low + 1e-9  # one side is longer, of a skewed sample
    assert row["difference_high"] >= students.high - 1e-9
    assert row["better"] == "not shown: one training seed"  # the networks were trained once


def test_networks_of_several_seeds_have_their_mean_and_deviation():
    blocks = labelled(count=400, sources=8)
    of_seeds = np.stack([blocks.jnd + offset for offset in (1.0, 1.2, 0.8)])
    predictions = {"cnn": of_seeds, "mean": blocks.jnd + 3}
    tested = errors.Tested("here", "vmaf_steps", blocks, predictions)
    table = errors.error_table([tested]).set_index(["level", "predictor"])
    row = table.loc[(1, "cnn")]
    assert row["mae_qp"] == pytest.approx(1) and row["deviation"] == pytest.approx(0.2)
    assert row["seeds"] == 3 and row["blocks"] == 400 and row["sources"] == 8
    assert row["ci_high"] - row["ci_low"] > 0.5  # of three seeds, though the sources are alike
    assert table.loc[(1, "mean"), "better"] == "cnn" and table.loc[(1, "mean"), "seeds"] == 1
    assert "mean over 3 trainings" in errors.caption([0, 1, 2])
    assert "one training, seed 5" in errors.caption([5])
    said = np.stack([blocks.jnd, np.full(blocks.jnd.shape, 33.0)])
    table = errors.error_table([tested._replace(predictions={"cnn": said})])
    assert set(table["output"]) == {"dead"}  # of one of them
    dead = errors.checks([tested._replace(predictions={"cnn": said, "mean": said[0]})])
    assert dead["verdict"].tolist() == ["failed"] * 3 and set(dead["check"]) == {"alive"}
    assert errors.checks([tested._replace(predictions={"mean": said[0]})]).empty


def test_a_source_is_never_in_the_fit_that_predicts_it():
    blocks = labelled()
    changed = blocks._replace(jnd=blocks.jnd + 100 * (blocks.sources == "s2")[:, None])
    here = blocks.sources == "s2"
    for name in ("mean", "ti_regression"):
        plain, other = (errors.cross_validated_baselines(b)[name] for b in (blocks, changed))
        assert np.allclose(plain[here], other[here]) and not np.allclose(plain, other)


def block_maps(values, frames, kind="block_jnd") -> BlockMaps:
    return BlockMaps(kind, values, CLIP.width, CLIP.height, frames=np.array(frames))


def test_maps_meet_in_the_whole_blocks_of_shared_key_frames():
    rng = np.random.default_rng(0)
    ours, theirs = rng.random((2, 2, 3, 3)) * 40, rng.random((3, 2, 3, 3)) * 40
    ti = rng.random((2, 2, 3))
    blocks, values = errors.from_maps(
        "a", block_maps(theirs, [0, 4, 8]), block_maps(ours, [0, 8]), ti, [30, 32, 34]
    )
    assert np.allclose(values, ours[:, 0, :2].reshape(-1, 3))
    assert np.allclose(blocks.jnd, theirs[[0, 2], 0, :2].reshape(-1, 3))
    assert np.allclose(blocks.ti, ti[:, 0, :2].ravel()) and blocks.video_jnd[0, 2] == 34
    with pytest.raises(UserError, match="no key frame in common"):
        errors.from_maps(
            "a", block_maps(theirs, [1, 2, 3]), block_maps(ours, [0, 8]), ti, [1, 2, 3]
        )


@pytest.fixture
def clips(tmp_path):
    """A source, a coding of it that is worse on the left, and importance that is higher there."""
    rng = np.random.default_rng(0)
    luma = rng.integers(40, 200, (2, CLIP.height, CLIP.width), dtype=np.uint8)
    chroma = np.full((CLIP.height // 2, CLIP.width // 2), 128, np.uint8)
    coded = luma.copy()
    coded[:, :, :64] += 6
    coded[:, :, 64:] += 2
    for name, frames in (("source", luma), ("coded", coded)):
        write_clip(tmp_path / f"{name}.mkv", [Frame(y, chroma, chroma) for y in frames], CLIP)
    values = np.ones((1, 2, 3), np.uint8)
    values[..., 0] = 3
    write_block_maps(tmp_path / "importance.npz", block_maps(values, [0], "importance"))
    return tmp_path


def test_weighted_quality_by_hand(clips):
    weights = weighted.weights_of({"left": clips / "importance.npz"}, CLIP)
    source, coded = clips / "source.mkv", clips / "coded.mkv"
    of_coded, same = weighted.weighted_quality(source, [coded, source], CLIP, weights)
    found = {row["judge"]: row for row in of_coded}
    mse = {"uniform": (64 * 36 + 72 * 4) / 136, "left": (3 * 64 * 36 + 72 * 4) / (3 * 64 + 72)}
    for judge, value in mse.items():
        assert found[judge]["wpsnr"] == pytest.approx(10 * np.log10(255**2 / value))
    assert found["left"]["wssim"] < found["uniform"]["wssim"] < 1
    assert [row["wpsnr"] for row in same] == [None, None]
    assert all(row["wssim"] == pytest.approx(1) for row in same)
    (first,) = weighted.weighted_quality(source, [coded], CLIP, weights, 2)
    assert first[0]["wpsnr"] == pytest.approx(found["uniform"]["wpsnr"])
    assert first[0]["wssim"] != found["uniform"]["wssim"]


def test_importance_of_another_picture_is_refused(clips):
    with pytest.raises(UserError, match="another picture"):
        weighted.weights_of(
            {"left": clips / "importance.npz"}, ClipFormat(136, 80, Fraction(25), 2)
        )


QPS = (22, 27, 32, 37)


def points_and_weights(gain=0.5, shift=0.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """An anchor on a straight line of quality over log rate, a method ``gain`` dB above it."""
    points, found = [], []
    for method, extra in (("anchor", 0.0), ("bl_juniper", gain)):
        for place, qp in enumerate(QPS):
            of_method = 0 if method == "anchor" else (0.4, 0.3, 0.2, shift)[place]
            log_rate = 12 - place - of_method
            point = {
                "sequence": "a",
                "configuration": "AI",
                "codec": "kvazaar",
                "method": method,
                "qp": qp,
            }
            vmaf = 20 + 6 * log_rate + (0 if method == "anchor" else 1)
            points.append(
                point
                | {"content": "demo", "bits": int(1000 * np.exp(log_rate)), "class": "demo"}
                | {"bitrate_kbps": np.exp(log_rate), "psnr_y_framemean": 10 + 3 * log_rate}
                | {"vmaf_mean": vmaf, "vmaf_neg_mean": vmaf, "prefilter_vmaf_mean": np.nan}
            )
            quality = {"wpsnr": 10 + 3 * log_rate + extra, "wssim": 0.9 + 0.005 * log_rate}
            found.append(point | {"judge": "dsr"} | quality)
    return with_savings(pd.DataFrame(points)), pd.DataFrame(found)


def test_the_anchor_at_the_same_rate():
    points, found = points_and_weights(shift=0.2)
    table = weighted.equal_rate_table(points, found, "anchor")
    psnr = table[table["quality"] == "wpsnr"].set_index("qp")
    assert psnr.loc[[22, 27, 32], "gain"].tolist() == pytest.approx([0.5] * 3)
    assert psnr.loc[[22, 27, 32], "plain_qp"].tolist() == pytest.approx([24, 28.5, 33])
    assert psnr.loc[37, "status"] == "out_of_range" and np.isnan(psnr.loc[37, "gain"])
    summary = weighted.equal_rate_summary(table).set_index("quality")
    assert summary.loc["wpsnr", "points_better"] == summary.loc["wpsnr", "points"] == 3
    assert summary.loc["wpsnr", "left_out"] == 1
    assert summary.loc["wssim", "mean_gain"] == pytest.approx(0)


def test_savings_headline_and_bd_rates():
    points, found = points_and_weights()
    savings = tables.savings_table(points, "anchor", {"a": 33})
    row = savings.set_index("qp").loc[22]
    assert row["saving_pct"] == pytest.approx(100 * (1 - np.exp(-0.4)), abs=0.01)
    assert row["dmos_predicted"] == pytest.approx((100 - row["vmaf_mean"]) / 20)
    assert savings["below_jnd3"].tolist() == [True, True, True, False]
    assert savings["smaller"].tolist() == [True, True, True, False]
    judged, names = weighted.with_weighted(points, found)
    assert names == ["wpsnr_dsr", "wssim_dsr"]
    rates = tables.bd_rates(judged, "anchor", ["vmaf_mean", "wpsnr_dsr"], "pchip")
    overall = rates[rates["level"] == "all"].set_index("metric")["bd_rate_pct"]
    # One VMAF point is a sixth of a unit of log rate, half a dB is a sixth too.
    assert overall["vmaf_mean"] == pytest.approx(100 * (np.exp(-1 / 6) - 1), abs=0.2)
    assert overall["wpsnr_dsr"] == pytest.approx(overall["vmaf_mean"], abs=0.2)
    assert overall["mos_predicted"] == pytest.approx(overall["vmaf_mean"])
    assert (rates["metric"] == "mos_predicted").sum() == 1
    headline = tables.headline_table(savings, rates)
    assert headline.loc[0, "smaller_below_jnd3"] == "3 of 3"
    losses = savings["dmos_predicted"] - savings["anchor_dmos_predicted"]
    assert headline.loc[0, "delta_mos_predicted"] == pytest.approx(losses.mean())
    assert headline.loc[0, "bd_rate_gain_pct"] == pytest.approx(-overall["mos_predicted"])


def test_a_method_of_several_seeds_has_one_row():
    points, found = points_and_weights()
    others = [frame[frame["method"] == "bl_juniper"] for frame in (points, found)]
    every, weights = (
        pd.concat([frame.replace({"method": {"bl_juniper": "bl_juniper_seed0"}}),
                   one.assign(method="bl_juniper_seed2")], ignore_index=True)
        for frame, one in zip((points, found), others, strict=True)
    )  # fmt: skip
    seeds = {"bl_juniper_seed0": 0, "bl_juniper_seed2": 2}
    every = with_seeds(every.assign(models_sha256=""), seeds)
    savings = tables.savings_table(by_method(every), "anchor", {"a": 33})
    rates = tables.bd_rates(
        weighted.with_weighted(every, weights)[0], "anchor", ["vmaf_mean"], "pchip"
    )
    (row,) = tables.headline_table(savings, rates).to_dict("records")
    assert row["method"] == "bl_juniper" and row["seeds"] == 2 and row["saving_deviation"] == 0
    alone = tables.headline_table(
        tables.savings_table(points, "anchor", {"a": 33}),
        tables.bd_rates(weighted.with_weighted(points, found)[0], "anchor", ["vmaf_mean"], "pchip"),
    ).iloc[0]
    assert row["mean_saving_pct"] == pytest.approx(alone["mean_saving_pct"])
    assert row["bd_rate_gain_pct"] == pytest.approx(alone["bd_rate_gain_pct"])
    shown = tables.savings_table(over_seeds(every), "anchor", {"a": 33})
    assert len(shown) == len(QPS) and set(shown["seeds"]) == {2}
    gains = weighted.equal_rate_table(every, weights, "anchor")
    gains = by_method(with_seeds(gains, seeds))
    assert set(gains["method"]) == {"bl_juniper"} and set(gains["seed"]) == {0, 2}
    found = findings.findings_table(savings, gains)
    assert set(found["method"]) == {"bl_juniper"}


@pytest.mark.parametrize(
    ("gains", "obstacle", "sequences"),
    [
        ({"a": 0.20, "b": 0.21}, "too few sources", 2),
        ({"a": 0.2}, "too few sources", 1),
        ({**dict.fromkeys("abcdefg", 0.2), "h": 0.21}, "one training seed", 8),
        ({**dict.fromkeys("abcdefg", -0.2), "h": -0.21}, "one training seed", 0),
        ({"a": np.nan, "b": np.nan}, "", 0),
    ],
)
def test_a_gain_over_the_plain_increase_is_shown_or_not(gains, obstacle, sequences):
    place = {"configuration": "AI", "codec": "kvazaar", "method": "bl_juniper", "content": "demo"}
    table = pd.DataFrame(
        {**place, "sequence": name, "qp": qp, "quality": "wpsnr", "judge": "dsr", "gain": gain}
        | {"status": "out_of_range" if np.isnan(gain) else "ok"}
        for name, gain in gains.items()
        for qp in QPS
    )
    row = findings.findings_table(
        tables.savings_table(points_and_weights()[0], "anchor", {}), table
    )
    row = row.set_index("judge").loc["dsr"]
    answer = "not shown" if obstacle else "no point to compare"
    assert (row["answer"], row["sequences_for"]) == (answer, sequences)
    if obstacle:
        assert row["statement"].startswith("bl_juniper against a plain QP increase: not shown")
        assert row["statement"].endswith(f"; {obstacle}).")
    assert row["points"] == (0 if np.isnan(gains["a"]) else 4 * len(gains))


def test_one_larger_stream_below_jnd3_is_a_no():
    points, found = points_and_weights()
    equal_rate = weighted.equal_rate_table(points, found, "anchor")
    for jnd3, answer, holds in ((33, "yes", "3 of 3"), (38, "no", "3 of 4")):
        savings = tables.savings_table(points, "anchor", {"a": jnd3})
        row = findings.findings_table(savings, equal_rate).iloc[0]
        assert row["question"].startswith("smaller") and row["answer"] == answer
        assert f"{row['points_for']} of {row['points']}" == holds
    savings = tables.savings_table(points, "anchor", {"a": 10})
    assert findings.findings_table(savings, equal_rate).loc[0, "answer"] == "no point to compare"


def test_a_demo_is_never_called_reproduced():
    points, found = points_and_weights()
    judged, _ = weighted.with_weighted(points, found)
    savings = tables.savings_table(points, "anchor", {"a": 33})
    rates = tables.bd_rates(judged, "anchor", ["vmaf_mean"], "pchip")
    for content, reason in (
        ("demo", "stand-in content"),
        ("published", "protocol not known (encoder"),
    ):
        headline = tables.headline_table(savings.assign(content=content), rates)
        compared = tables.headline_comparison(headline)
        assert compared["printed"].tolist() == ["27.75", "25.44", ""]
        verdicts = compared.loc[compared["printed"] != "", "verdict"]
        assert all(v.startswith("not comparable") and reason in v for v in verdicts)


def test_block_qps_by_hand(tmp_path):
    qp = np.full((2, 2, 3), 22)
    qp[0, 0] = [24, 30, 35]
    np.savez(tmp_path / "qp22.npz", qp=qp, block_size=64)
    table = tables.block_qp_table({("a", "m", 22): tmp_path / "qp22.npz"}, {"a": CLIP})
    row = table.iloc[0]
    assert row["mean_qp"] == pytest.approx(22 + 23 / 12) and row["raised_pct"] == 25
    assert (row["lowest_qp"], row["highest_qp"], row["spread"]) == (22, 35, 13)


def test_figures_show_what_they_are_given(tmp_path):
    rgb = np.random.default_rng(0).integers(0, 255, (72, 136, 3), dtype=np.uint8)
    maps = {"JND1": np.arange(20, 26).reshape(2, 3), "importance, dsr": np.ones((2, 3))}
    figures.map_figure(rgb, maps, "a", tmp_path / "maps")
    data = pd.read_csv(tmp_path / "maps.csv")
    chosen = data[(data["map"] == "JND1") & (data["row"] == 1) & (data["column"] == 2)]
    assert chosen["value"].tolist() == [25] and len(data) == 12
    points, found = points_and_weights()
    savings = tables.savings_table(points, "anchor", {"a": 33})
    figures.saving_figure(savings, tmp_path / "saving", {"bl_juniper": "BL-JUNIPER"})
    equal_rate = weighted.equal_rate_table(points, found, "anchor")
    figures.gain_figure(equal_rate, "wpsnr", tmp_path / "gain", {})
    assert len(pd.read_csv(tmp_path / "gain.csv")) == (equal_rate["status"] == "ok").sum() / 2
    for name in ("maps", "saving", "gain"):
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert np.asarray(picture.convert("L")).std() > 5


def test_the_authors_labels_have_the_statistics_on_record(shared_data):
    known = read_block_labels(shared_data / "bl_juniper_labels/blj_labels.npz")
    compared = labels.statistics_comparison(labels.statistics_table(known))
    printed = compared[compared["printed"] != ""]
    assert len(printed) == 31 and set(printed["verdict"]) == {"reproduced"}
    changed = known.jnd.copy()
    changed[0, 0, 0, 0, 0] = 51
    other = type(known)(known.sources, changed, known.ti)
    verdicts = labels.statistics_comparison(labels.statistics_table(other))["verdict"]
    assert (verdicts == "deviates").any()


def test_the_authors_labels_ask_for_more_than_the_printed_saving(shared_data):
    known = read_block_labels(shared_data / "bl_juniper_labels/blj_labels.npz")
    table = labels.tension_table({"authors": labels.levels_last(known)}, QPS)
    at = table.set_index(["target_qp", "importance"])["mean_qp"].round(1)
    assert at[22].tolist() == [34.3, 37.4, 39.9] and at[37].tolist() == [38.1, 39.7, 40.3]
    assert table["unordered_pct"].iloc[0] == pytest.approx(100 * 352 / 72000)
    blocks = labels.labelled(known)
    tested = errors.Tested(
        "authors", "subjective", blocks, errors.cross_validated_baselines(blocks)
    )
    found = errors.error_table([tested]).set_index(["level", "predictor"])
    assert found.loc[(1, errors.GIVEN_VIDEO_JND), "bias_qp"] == pytest.approx(0, abs=0.01)
    assert found.loc[(1, errors.GIVEN_VIDEO_JND), "mae_qp"] == pytest.approx(2.32, abs=0.01)


def test_levels_out_of_order_are_counted_with_small_types():
    jnd = np.array([[30, 29, 33], [30, 31, 33]], np.uint8)  # 29 - 30 would wrap
    assert labels.tension_table({"x": jnd}, [22])["unordered_pct"].iloc[0] == 50
