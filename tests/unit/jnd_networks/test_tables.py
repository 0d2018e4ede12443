"""Tables and figures of predicted JNDs: errors, intervals, checks, comparison, use in coding."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from scipy import ndimage

from jndlab.datasets.jnd_frames.folder import LabelledFrame, LabelledFrames
from jndlab.datasets.pictures.picture_list import Picture
from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat, write_clip
from jndlab.media.pictures import rgb_to_frame
from jndlab.papers.jnd_networks import figures, tables
from jndlab.papers.jnd_networks.baselines import (
    BASELINES,
    Features,
    features_of,
    predict_by_baselines,
    ridge_regression,
    six_features,
)
from jndlab.papers.jnd_networks.predictions import predict, whole_quality, write_predictions
from jndlab.papers.jnd_networks.reconstructions import reconstruct
from jndlab.papers.jnd_networks.report import metadata_text
from jndlab.papers.jnd_networks.stages import Run, Stage
from jndlab.quality.points import POINT_COLUMNS, with_savings
from jndlab.quality.siti import siti_of_file, siti_of_frames

LABELS = {"labels": "subjective", "label_statistic": "sur75", "resolution": "640x360"}
RECORD = {
    "weights": "trained by the suite", "network": "mj_lat", "width": 1, "input_size": "352x640",
    "training_source": "videoset", "epochs": 300, "batch_size": 8, "learning_rate": 1e-5,
    "recipe": "the authors'",
    "optimizer": "adam",
}  # fmt: skip
SUBSETS = {"train": 6, "val": 2, "test": 4}


@pytest.fixture(scope="module")
def predictions(tmp_path_factory) -> pd.DataFrame:
    """Two frames of each source, two seeds; a good network of all levels, a dead one, baselines."""
    rng = np.random.default_rng(0)
    rows = []
    for subset, sources in SUBSETS.items():
        for number in range(2 * sources):
            for level in (1, 2, 3):
                label = 18.0 + 6 * level + number % 5
                mean = 18.0 + 6 * level + 2
                values = {"mj_lat": label + rng.normal(0, 0.5, 2), "lat_jnd1": [0.0, 0.0],
                          "mj_lat-authors": [mean + 1, mean + 1.2], "constant_mean": [mean],
                          "constant_median": [mean], "linear_siti": [label + 1],
                          "ridge_features": [label - 0.8]}  # fmt: skip
                for name, predicted in values.items():
                    if name == "lat_jnd1" and level > 1:
                        continue
                    network, _, variant = name.partition("-")
                    baseline = name in BASELINES
                    rows += [
                        {
                            "name": name, "network": network.removesuffix("_jnd1"),
                            "variant": variant, "kind": "baseline" if baseline else "network",
                            "level": level, "fold": "fractions", "seed": "" if baseline else seed,
                            "subset": subset, "source": f"{subset}{number // 2}",
                            "frame": f"{subset}{number}", "unit": "QP",
                            "label": label, "predicted": value,
                            "psnr_label": 60 - label, "psnr_predicted": 60 - round(value),
                            "learned_from": "", "model_sha256": "" if baseline else name,
                        }
                        for seed, value in enumerate(predicted)
                    ]  # fmt: skip
    path = tmp_path_factory.mktemp("predictions") / "predictions.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return tables.load_predictions(path)


def row_of(table: pd.DataFrame, **where) -> pd.Series:
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table) == 1
    return table.iloc[0]


def test_errors_are_means_over_frames(predictions):
    table = tables.errors(predictions)
    found = row_of(table, name="lat_jnd1", level=1, subset="test")
    chosen = predictions[(predictions["name"] == "lat_jnd1") & (predictions["subset"] == "test")]
    assert found["error"] == pytest.approx(chosen["label"].mean())
    assert found["psnr_error_db"] == pytest.approx(chosen["label"].mean())
    assert (found["sources"], found["frames"]) == (4, 8)
    assert found["bias"] == pytest.approx(-found["error"])
    assert (found["seeds"], found["folds"], found["seed_deviation"]) == (2, 1, 0)
    mj_lat = row_of(table, name="mj_lat", level=1, subset="test")
    assert mj_lat["error_low"] < mj_lat["error"] < mj_lat["error_high"]
    rows = predictions[(predictions["name"] == "mj_lat") & (predictions["level"] == 1)]
    of_seeds = rows[rows["subset"] == "test"].groupby("seed")["error"].mean()  # sources are alike
    assert mj_lat["seed_deviation"] == pytest.approx(of_seeds.std())
    assert row_of(table, name="ridge_features", level=1, subset="test")["seeds"] == 0


def test_dead_network_fails_its_check_and_is_told(predictions):
    verdicts = tables.checks(predictions)
    assert row_of(verdicts, name="lat_jnd1", check="alive")["verdict"] == "failed"
    assert row_of(verdicts, name="lat_jnd1", check="learned")["verdict"] == "failed"
    assert row_of(verdicts, name="mj_lat", level=2, check="alive")["verdict"] == "passed"
    assert row_of(verdicts, name="mj_lat", level=2, check="learned")["verdict"] == "passed"
    assert row_of(verdicts, name="mj_lat", check="in_order")["verdict"] == "passed"
    told = tables.with_dead(tables.errors(predictions), verdicts)
    assert set(told.loc[told["name"] == "lat_jnd1", "output"]) == {"dead"}
    assert set(told.loc[told["name"] == "mj_lat", "output"]) == {""}


def many_sources(errors: dict[str, list[float]], sources: int = 8) -> pd.DataFrame:
    """Predictions of JND1 with these mean errors by seed (baselines: one), tested fold by fold."""
    rng = np.random.default_rng(0)
    rows = []
    for source in range(sources):
        difficulty = rng.normal(0, 0.3)
        for name, of_seeds in errors.items():
            for seed, error in enumerate(of_seeds):
                noise = difficulty + rng.normal(0, 0.05)
                rows.append(
                    {
                        "name": name, "network": name, "variant": "", "level": 1,
                        "kind": "baseline" if name in BASELINES else "network",
                        "fold": f"fold{source % 4}", "subset": "test", "source": f"s{source}",
                        "frame": f"s{source}", "unit": "QP", "error": error + noise,
                        "seed": None if name in BASELINES else seed,
                    }
                )  # fmt: skip
    return pd.DataFrame(rows).astype({"seed": "Int64"})


def test_a_network_beats_a_baseline_only_where_all_seeds_agree():
    baselines = {"constant_median": [2.0], "ridge_features": [1.5]}
    good = tables.skill(many_sources({"lat": [1.1, 1.2, 1.0], **baselines}))
    assert [one.better for one in good] == ["lat", "lat"]
    text = tables.outcome(good)
    assert "lat beats ridge_features (mean |dQP| of JND1: difference -0.4" in text
    assert "8 sources, 3 of 3 seeds" in text and text.endswith("Of 2 differences 0 are not shown")
    torn = tables.skill(many_sources({"lat": [1.1, 1.9, 1.0], **baselines}))
    assert torn[1].better is None and torn[1].difference.agreeing == 2
    few = tables.skill(many_sources({"lat": [1.1, 1.2, 1.0], **baselines}, sources=4))
    assert few[1].obstacle == "too few sources"
    table = tables.comparison_table(torn)
    assert list(table["second"]) == ["constant_median", "ridge_features"]
    assert table["better"].tolist()[1] == "not shown: within chance"


def test_two_seeds_that_disagree_by_more_than_a_claim_take_it_away():
    """What one seed would print of two networks, another may turn round."""
    frame = many_sources({"mt_3ljnd": [1.0, 1.6], "mt_1ljnd_va": [1.3, 1.3]})
    multi = frame[frame["name"] == "mt_3ljnd"]
    frame = pd.concat([frame, multi.assign(level=2)])
    (found,) = tables.single_against_multi(frame)
    assert found.better is None and found.difference.agreeing == 1


def test_generated_pictures_are_named_in_every_head(predictions):
    told = metadata_text(predictions, {"data_set": "packaged", "kind": "vmaf_steps"})
    assert "24 frames of 6/2/4 sources" in told and "seeds 0, 1" in told
    made = predictions.replace({"source": {"train0": "generated_noise_00"}})
    made["fold"] = np.where(made["frame"].str.endswith("1"), "fold01", "fold02")
    told = metadata_text(made, {"data_set": "packaged", "kind": "vmaf_steps"})
    assert "12 sources (1 of them generated pictures, only learned from), 2 grouped folds" in told


def test_a_constant_fails_learned(predictions):
    """The median of the training labels, and whatever wobbles about it, has learned nothing."""
    constant = predictions.copy()
    chosen = constant["name"] == "mj_lat"
    wobble = np.random.default_rng(0).uniform(-0.05, 0.05, chosen.sum())
    median = constant.loc[constant["name"] == "constant_median"].set_index(["level", "frame"])
    places = pd.MultiIndex.from_frame(constant.loc[chosen, ["level", "frame"]])
    constant.loc[chosen, "predicted"] = median.loc[places, "predicted"].to_numpy() + wobble
    constant["error"] = (constant["predicted"] - constant["label"]).abs()
    verdicts = tables.checks(constant)
    assert row_of(verdicts, name="mj_lat", level=1, check="learned")["verdict"] == "failed"
    assert row_of(verdicts, name="mj_lat", level=1, check="alive")["verdict"] == "passed"


def test_levels_of_jpeg_quality_fall(predictions):
    jpeg = predictions.assign(unit="QF", predicted=100 - predictions["predicted"])
    found = row_of(tables.checks(jpeg), name="mj_lat", check="in_order")
    assert found["verdict"] == "passed" and "above" in found["expected"]


def test_without_labels_of_test_frames_the_validation_frames_judge(predictions, tmp_path):
    """A folder in the authors' layout need not have them."""
    known = predictions[predictions["subset"] != "test"]
    verdicts = tables.checks(known)
    alive = verdicts[verdicts["check"] == "alive"]
    assert row_of(alive, name="mj_lat", level=1)["expected"].endswith("val frames above 0.01")
    assert row_of(alive, name="mj_lat", level=1)["verdict"] == "passed"
    assert row_of(alive, name="lat_jnd1", level=1)["verdict"] == "failed"
    (found,) = tables.single_against_multi(known)
    assert found.difference.sources == SUBSETS["val"]
    stem = tmp_path / "errors"
    figures.error_bars(tables.errors(known), known, stem, metadata="frames")
    assert set(pd.read_csv(stem.with_suffix(".csv"))["subset"]) == {"val"}


def test_levels_out_of_order_and_range_fail(predictions):
    wrong = predictions.copy()
    chosen = (wrong["name"] == "mj_lat") & (wrong["level"] == 3)
    wrong.loc[chosen, "predicted"] = 5.0
    wrong.loc[(wrong["name"] == "mj_lat") & (wrong["level"] == 2), "predicted"] = 60.0
    verdicts = tables.checks(wrong)
    order = row_of(verdicts, name="mj_lat", check="in_order")
    assert (order["verdict"], order["found"]) == ("failed", 4 * sum(SUBSETS.values()))
    assert row_of(verdicts, name="mj_lat", level=2, check="in_range")["verdict"] == "failed"


def test_one_level_against_all(predictions):
    (found,) = tables.single_against_multi(predictions)
    assert (found.first, found.second) == ("lat_jnd1", "mj_lat")
    assert found.difference.value > 10 and found.obstacle == "too few sources"


def test_variants_are_compared_with_their_network(predictions):
    found = tables.variants(predictions)
    assert {(one.first, one.second) for one in found} == {("mj_lat-authors", "mj_lat")}
    assert len(found) == 3 and found[0].comparisons == 3
    other = predictions[predictions["name"] == "mj_lat-authors"]
    other = other.assign(name="mj_lat-rgb", variant="rgb")
    found = tables.variants(pd.concat([predictions, other]))
    assert {(one.first, one.second) for one in found} == {
        ("mj_lat-authors", "mj_lat"), ("mj_lat-rgb", "mj_lat"), ("mj_lat-rgb", "mj_lat-authors"),
    }  # fmt: skip


def test_learning_curve_has_networks_and_baselines_by_frames(predictions):
    few = predictions[predictions["name"].isin(["mj_lat", "ridge_features"])]
    few = few.assign(variant="4frames", learned_from=4, error=few["error"] + 1)
    table = tables.learning_curve(pd.concat([predictions, few]))
    assert set(table["network"]) == {"mj_lat", "ridge_features", "constant_median"}
    for network in ("mj_lat", "ridge_features"):
        of_level = table[(table["network"] == network) & (table["level"] == 2)]
        assert of_level["frames"].isna().sum() == 1 and 4 in of_level["frames"].tolist()
        errors = of_level.set_index(of_level["frames"].fillna(0))["error"]
        assert errors[4] == pytest.approx(errors[0] + 1)
    assert tables.variants(predictions)[0].first == "mj_lat-authors"  # of no curve


def test_demo_is_never_called_reproduced(predictions):
    errors = tables.errors(predictions)
    found = tables.found_conditions(predictions, LABELS, {"mj_lat": RECORD})
    demo = tables.comparison(errors, "laser_jnd", "demo", found)
    assert all(verdict.startswith("not comparable") or verdict == "not measured"
               for verdict in demo["verdict"])  # fmt: skip
    own = tables.comparison(errors, "laser_jnd", "published", found)
    printed = own[own["printed"] != ""]
    assert set(printed["printed"]) == {"1.57", "0.72"}
    found = row_of(printed, name="mj_lat", quantity="error")
    assert found["verdict"] == "deviates"  # 0.4 QP, better than printed
    variant = row_of(printed, name="mj_lat-authors", quantity="error")
    assert variant["verdict"] == "not comparable: variant authors"
    assert row_of(printed, name="mj_rec", quantity="error")["verdict"] == "not measured"


@pytest.mark.parametrize(
    ("shared", "record", "reason"),
    [
        ({"labels": "vmaf_steps"}, {}, "labels: vmaf_steps instead of subjective"),
        ({"label_statistic": "mean"}, {}, "label statistic: mean instead of sur75"),
        ({"resolution": "1280x720"}, {}, "resolution: 1280x720 instead of 640x360"),
        ({}, {"width": 0.125}, "width: 0.125 instead of 1"),
        ({}, {"input_size": "64x96"}, "input size: 64x96 instead of 352x640"),
        ({}, {"training_source": "packaged"}, "training source: packaged instead of videoset"),
        ({}, {"epochs": 30}, "epochs: 30 instead of 300"),
        ({}, {"batch_size": 4}, "batch size: 4 instead of 8"),
        ({}, {"recipe": "flips, head"}, "recipe: flips, head instead of the authors'"),
        ({}, {"learning_rate": 1e-3}, "learning rate: 0.001 instead of 0.00001"),
        ({}, None, "unrecorded weights may have been trained on these clips"),
    ],
)
def test_1_57_qp_is_compared_only_with_a_network_trained_as_printed(
    predictions, shared, record, reason
):
    records = {} if record is None else {"mj_lat": {**RECORD, **record}}
    found = tables.found_conditions(predictions, {**LABELS, **shared}, records)
    table = tables.comparison(tables.errors(predictions), "laser_jnd", "published", found)
    verdict = row_of(table, name="mj_lat", level="1", quantity="error")["verdict"]
    assert verdict == f"not comparable: {reason}"


def test_imported_weights_are_never_called_reproduced(predictions):
    imported = predictions.replace({"name": {"mj_lat": "mj_lat-imported"}})
    chosen = imported["name"] == "mj_lat-imported"
    imported.loc[chosen, ["kind", "variant"]] = "imported"
    found = tables.found_conditions(imported, LABELS, {"mj_lat": RECORD})
    table = tables.comparison(tables.errors(imported), "laser_jnd", "published", found)
    row = row_of(table, name="mj_lat-imported", level="1", quantity="error")
    assert row["verdict"].endswith("imported weights may have been trained on these clips")


def test_the_tolerances_are_what_another_fifth_of_videoset_would_move():
    rng = np.random.default_rng(0)
    for quantity, printed in (("error", 1.57), ("psnr_error_db", 0.72)):
        spread = printed / np.sqrt(2 / np.pi)  # a normal error of this mean absolute value
        means = np.abs(rng.normal(0, spread, (20000, 44))).mean(axis=1)
        inside = np.abs(means - printed) <= tables.TOLERANCE[quantity]
        assert inside.mean() == pytest.approx(0.95, abs=0.01)


def test_coding_table_names_the_qp_that_was_used():
    point = dict.fromkeys(POINT_COLUMNS, 0.0)
    rows = [
        point | {"sequence": "bikes", "configuration": "AI", "codec": "x264", "method": method,
                 "qp": qp, "content": "demo", "bits": bits, "psnr_y_framemean": 40.0}
        for method, qp, bits in [("anchor", 22, 100), ("jnd", 22, 60), ("anchor", 27, 50),
                                 ("jnd", 27, 50)]
    ]  # fmt: skip
    predicted = {("bikes", "jnd"): {"jnd": [25.6, 30.0]}}
    table = tables.coding_table(with_savings(pd.DataFrame(rows)), predicted, "anchor")
    assert table["coded_qp"].tolist() == [26, 27]
    assert table["saving_pct"].tolist() == [40, 0]


def labelled_set(folder, jnds) -> tuple[LabelledFrames, list[np.ndarray]]:
    rng = np.random.default_rng(0)
    frames, pictures = [], []
    for number, jnd in enumerate(jnds):
        rgb = rng.integers(100 - 5 * number, 101 + 12 * number, (48, 64, 3)).astype(np.uint8)
        path = folder / f"f{number}.png"
        Image.fromarray(rgb).save(path)
        subset = ("train", "train", "train", "test")[number % 4]
        frames.append(LabelledFrame(f"f{number}", f"s{number}", subset, path, jnd, {}))
        pictures.append(rgb)
    return LabelledFrames(tuple(frames), 64, 48, "QP", "vmaf_steps", "steps"), pictures


def test_baselines_are_fitted_to_training_frames_alone():
    labels = np.array([(20.0 + n, 25.0 + n, 30.0 + n) for n in range(8)])
    trained = np.array([number % 4 != 3 for number in range(8)])
    features = Features(np.array([[2.0 * n] for n in range(8)]), np.arange(48.0).reshape(8, 6) ** 2)
    found = predict_by_baselines(labels, features, trained)
    assert set(found) == set(BASELINES)
    assert found["constant_mean"][3] == pytest.approx(labels[trained].mean(axis=0))
    assert found["constant_median"][3] == pytest.approx(np.median(labels[trained], axis=0))
    assert found["linear_siti"][3, 0] == pytest.approx(23.0)  # the labels are linear in it
    changed = labels.copy()
    changed[~trained] = 50
    assert all((predict_by_baselines(changed, features, trained)[k] == v).all()
               for k, v in found.items())  # fmt: skip


def test_ridge_is_least_squares_with_a_penalty():
    """The minimum of the penalised sum, by its rows as ordinary least squares."""
    rng = np.random.default_rng(0)
    inputs, values = rng.normal(3, 2, (30, 6)), rng.normal(20, 4, (30, 3))
    inputs[:, 5] = 7.0  # never differs
    standard = (inputs[:, :5] - inputs[:, :5].mean(axis=0)) / inputs[:, :5].std(axis=0)
    mean = values.mean(axis=0)
    rows = np.vstack([standard, np.eye(5)])  # a penalty of 1
    solved = np.linalg.lstsq(rows, np.vstack([values - mean, np.zeros((5, 3))]), rcond=None)[0]
    assert np.allclose(ridge_regression(inputs, values, inputs), mean + standard @ solved)


def test_features_tell_texture_from_flat_areas():
    rng = np.random.default_rng(0)
    ramp = np.tile(np.linspace(50, 200, 64), (48, 1))
    noise = np.clip(ramp + rng.normal(0, 20, ramp.shape), 0, 255)
    flat, textured = six_features(ramp), six_features(noise)
    assert len(flat) == 6
    assert all(one < other for one, other in zip(flat[1:5], textured[1:5], strict=True))
    assert flat[2] == pytest.approx(0, abs=1e-9) and flat[5] == pytest.approx(125 / 255)


def test_qualities_are_rounded_and_kept_in_range():
    known = dict.fromkeys(range(1, 52), 30.0)
    assert [whole_quality(v, known) for v in (-3.0, 22.4, 22.5, 60.0)] == [1, 22, 23, 51]


def test_model_of_other_levels_is_told(tmp_path):
    from jndlab.models.jnd_onnx import export_jnd_onnx
    from jndlab.models.model_files import build_network

    options = {"input_size": [64, 64], "width": 0.0625, "level": 2}
    export_jnd_onnx(build_network("lat", options, seed=0), tmp_path / "lat.onnx")
    frames, _ = labelled_set(tmp_path, [(20.0, 25.0, 30.0)])
    psnr = {"f0": dict.fromkeys(range(52), 30.0)}
    stages = {
        "lat_jnd1": Stage("lat_jnd1", "lat", (1,)),
        "lat_jnd2": Stage("lat_jnd2", "lat", (2,)),
    }
    frames = replace(frames, split="fold02")
    features = Features(np.ones((1, 1)), np.ones((1, 6)))
    run, model = Run("fold02", 3), tmp_path / "lat.onnx"
    right = predict([frames], stages, {("lat_jnd2", run): model}, features, psnr)
    write_predictions(tmp_path / "rows.csv", right)
    found = tables.load_predictions(tmp_path / "rows.csv").set_index("name")
    network = found.loc["lat_jnd2"]
    assert (network["level"], network["fold"], network["seed"]) == (2, "fold02", 3)
    assert found.loc["ridge_features", "seed"].isna().all()
    tested = predict([frames], stages, {}, features, psnr, subsets=["test"])
    assert {row.subset for row in tested} == {frames.frames[0].subset}  # no test frame has labels
    with pytest.raises(UserError, match=r"other levels(.|\n)*\(1,\), found \(2,\)"):
        list(predict([frames], stages, {("lat_jnd1", run): model}, features, psnr))


def test_pictures_of_an_autoencoder_are_measured_next_to_the_frame_itself(tmp_path):
    from jndlab.models.jnd_onnx import export_jnd_onnx
    from jndlab.models.model_files import build_network

    options = {"input_size": [48, 64], "width": 0.0625, "colour": "rgb", "scale": "unit"}
    network = build_network("laser_autoencoder", options, seed=0).eval()
    export_jnd_onnx(network, tmp_path / "model.onnx")
    frames, pictures = labelled_set(tmp_path, [(20.0, 25.0, 30.0)] * 4)  # the last is tested
    coded = tmp_path / "coded.png"
    darker = pictures[3] - 3
    Image.fromarray(darker).save(coded)
    tested = replace(frames.frames[3], jnd_pictures={2: coded})
    frames = replace(frames, frames=(*frames.frames[:3], tested), split="fold01")
    stages = {
        "image_autoencoder": Stage("image_autoencoder", "laser_autoencoder", ()),
        "jnd2_autoencoder": Stage("jnd2_autoencoder", "laser_autoencoder", (), target_level=2),
        "lat_jnd1": Stage("lat_jnd1", "lat", (1,)),
    }
    models = {(name, Run("fold01", 1)): tmp_path / "model.onnx" for name in stages}
    one, two = reconstruct([frames], stages, models)
    with torch.inference_mode():
        unit = torch.from_numpy(pictures[3]).permute(2, 0, 1)[None] / 255
        made = network(unit)["reconstruction"][0].permute(1, 2, 0).clamp(0, 1).numpy() * 255
    expected = 10 * np.log10(255**2 / np.square(np.rint(made) - pictures[3]).mean())
    assert (one.level, one.frame, one.seed, one.identity_db) == (0, "f3", 1, None)
    assert one.psnr_db == pytest.approx(expected, abs=0.02)
    assert two.level == 2 and two.identity_db == pytest.approx(10 * np.log10(255**2 / 9), abs=1e-3)
    table = tables.reconstructions(pd.DataFrame([vars(one), vars(two)]))
    assert table["psnr_db"].tolist() == [one.psnr_db, two.psnr_db]
    assert np.isnan(table["identity_db"][0]) and table["identity_db"][1] == two.identity_db


def test_spatial_information_is_that_of_p910(tmp_path):
    rng = np.random.default_rng(1)
    pictures = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(3)]
    frames = [rgb_to_frame(picture) for picture in pictures]
    clip = ClipFormat(64, 48, Fraction(25), 3)
    found = siti_of_frames(frames, clip)
    full = [(frame.y.astype(float) - 16) * 255 / 219 for frame in frames]  # FFmpeg widens the range
    sobel = np.hypot(ndimage.sobel(full[1], 0), ndimage.sobel(full[1], 1))[1:-1, 1:-1]
    assert found[1].spatial == pytest.approx(sobel.std(), rel=0.02)
    assert found[1].temporal == pytest.approx((full[1] - full[0]).std(), rel=0.02)
    write_clip(tmp_path / "clip.mkv", frames, clip)
    assert siti_of_file(tmp_path / "clip.mkv") == found


def test_temporal_information_only_where_frames_are_of_clips(tmp_path):
    frames, pictures = labelled_set(tmp_path, [(20.0, 25.0, 30.0)] * 4)
    clip = ClipFormat(64, 48, Fraction(25), 4)
    write_clip(tmp_path / "clip.mkv", [rgb_to_frame(picture) for picture in pictures], clip)

    def record(number: int, index: int | None) -> Picture:
        return Picture(f"f{number}", f"s{number}", "", "clip.mkv", index, 0, 0, 64, 48, 64, 48, "")

    of_clips = features_of(frames, [record(n, n) for n in range(4)], tmp_path)
    mixed = features_of(frames, [record(n, n or None) for n in range(4)], tmp_path)
    assert of_clips.siti.shape == (4, 2) and mixed.siti.shape == (4, 1)
    assert np.allclose(of_clips.siti[:, 0], mixed.siti[:, 0])
    assert of_clips.siti[2, 1] > 0 and of_clips.six.shape == (4, 6)


def test_figures_are_drawn_with_their_data(predictions, tmp_path):
    errors = tables.errors(predictions)
    curve = pd.DataFrame({"epoch": [1, 2], "train_loss": [3.0, 2.0], "val_loss": [3.5, None]})
    figures.predicted_against_true(predictions, tmp_path / "a", metadata="frames")
    figures.error_histograms(predictions, tmp_path / "b", metadata="frames")
    figures.error_bars(errors, predictions, tmp_path / "c", metadata="frames")
    runs = {"mj_lat_fold01_seed0": curve, "mj_lat_fold02_seed0": curve}
    figures.training_curves(runs, tmp_path / "d", metadata="frames")
    figures.training_curves({}, tmp_path / "e", metadata="frames")  # imported weights alone
    assert "nothing was trained" in (tmp_path / "e.svg").read_text()
    shown = pd.read_csv(tmp_path / "d.csv")
    assert set(shown["name"]) == {"mj_lat"}
    assert set(shown["run"]) == {"fold01_seed0", "fold02_seed0"}
    assert "JND1: always 0.0 (dead)" in (tmp_path / "a.svg").read_text()
    limited = {"variant": "4frames", "learned_from": 4}
    few = predictions[predictions["name"].isin(["mj_lat", "ridge_features", "constant_median"])]
    both = tables.learning_curve(pd.concat([predictions, few.assign(**limited)]))
    figures.learning_curve(both, tmp_path / "f", metadata="frames")
    for name in "abcdf":
        assert (tmp_path / f"{name}.png").stat().st_size > 5000
        assert len(pd.read_csv(tmp_path / f"{name}.csv")) > 1
