"""Tables and figures of predicted JNDs: errors, intervals, checks, comparison, use in coding."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from scipy import ndimage

from jndlab.datasets.jnd_frames.folder import LabelledFrame, LabelledFrames
from jndlab.datasets.pictures.picture_list import Picture
from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat, write_clip
from jndlab.media.pictures import rgb_to_frame
from jndlab.papers.jnd_networks import figures, tables
from jndlab.papers.jnd_networks.predictions import (
    features_of,
    predict_by_baselines,
    predict_by_networks,
    whole_quality,
    write_predictions,
)
from jndlab.papers.jnd_networks.stages import Stage
from jndlab.quality.points import POINT_COLUMNS, with_savings
from jndlab.quality.siti import siti_of_file, siti_of_frames

LABELS = {"labels": "subjective", "label_statistic": "sur75", "resolution": "640x360"}
RECORD = {
    "weights": "trained by the suite", "network": "mj_lat", "width": 1, "input_size": "352x640",
    "training_source": "videoset", "epochs": 300, "batch_size": 8, "learning_rate": 1e-5,
    "optimizer": "adam",
}  # fmt: skip
SUBSETS = {"train": 6, "val": 2, "test": 4}


@pytest.fixture(scope="module")
def predictions(tmp_path_factory) -> pd.DataFrame:
    """Two frames of each source; a good network of all levels, a dead one, and the mean."""
    rng = np.random.default_rng(0)
    rows = []
    for subset, sources in SUBSETS.items():
        for number in range(2 * sources):
            for level in (1, 2, 3):
                label = 18.0 + 6 * level + number % 5
                mean = 18.0 + 6 * level + 2
                values = {"mj_lat": label + rng.normal(0, 0.5), "lat_jnd1": 0.0,
                          "mj_lat-authors": mean + 1, "training_mean": mean,
                          "training_median": mean, "linear_siti": label + 1}  # fmt: skip
                for name, predicted in values.items():
                    if name == "lat_jnd1" and level > 1:
                        continue
                    network, _, variant = name.partition("-")
                    baseline = name in ("training_mean", "training_median", "linear_siti")
                    rows.append(
                        {
                            "name": name, "network": network.removesuffix("_jnd1"),
                            "variant": variant, "kind": "baseline" if baseline else "network",
                            "level": level, "subset": subset, "source": f"{subset}{number // 2}",
                            "frame": f"{subset}{number}", "unit": "QP",
                            "label": label, "predicted": predicted,
                            "psnr_label": 60 - label, "psnr_predicted": 60 - round(predicted),
                            "model_sha256": "" if baseline else name,
                        }
                    )  # fmt: skip
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
    mean = row_of(table, name="training_mean", level=1, subset="test")
    assert found["gain_on_mean"] == pytest.approx(mean["error"] - found["error"])
    assert mean["gain_on_mean"] == 0


def test_interval_is_over_sources():
    values = np.repeat([0.0, 1.0, 2.0, 3.0], 25)
    sources = [f"s{n // 25}" for n in range(100)]
    low, high = tables.bootstrap_interval(values, sources)
    alone = tables.bootstrap_interval(values, [str(n) for n in range(100)])
    assert low < values.mean() < high
    # Frames of a source say the same here: there are four independent values, not a hundred.
    assert high - low > 3 * (alone[1] - alone[0])
    assert all(np.isnan(tables.bootstrap_interval(values, ["one"] * 100)))


def test_interval_covers_the_mean_about_as_often_as_it_says():
    rng = np.random.default_rng(0)
    hits = 0
    for turn in range(100):
        values = rng.normal(5, 1, 30)
        sources = [str(n) for n in range(30)]
        low, high = tables.bootstrap_interval(values, sources, resamples=400, seed=turn)
        hits += low <= 5 <= high
    assert 86 <= hits <= 99


def test_dead_network_fails_its_check_and_is_told(predictions):
    verdicts = tables.checks(predictions)
    assert row_of(verdicts, name="lat_jnd1", check="alive")["verdict"] == "failed"
    assert row_of(verdicts, name="lat_jnd1", check="learnt")["verdict"] == "failed"
    assert row_of(verdicts, name="mj_lat", level=2, check="alive")["verdict"] == "passed"
    assert row_of(verdicts, name="mj_lat", level=2, check="learnt")["verdict"] == "passed"
    assert row_of(verdicts, name="mj_lat", check="in_order")["verdict"] == "passed"
    told = tables.with_dead(tables.errors(predictions), verdicts)
    assert set(told.loc[told["name"] == "lat_jnd1", "output"]) == {"dead"}
    assert set(told.loc[told["name"] == "mj_lat", "output"]) == {""}


def test_what_beats_the_baselines_is_counted(predictions):
    told = tables.baselines_beaten(tables.errors(predictions))
    assert told.startswith("On test frames 3 of 4 outputs")  # MJ-LAT's three, and not LAT
    assert "3 a smaller one than every baseline" in told


def test_without_labels_of_test_frames_the_validation_frames_judge(predictions, tmp_path):
    """A folder in the authors' layout need not have them."""
    known = predictions[predictions["subset"] != "test"]
    verdicts = tables.checks(known)
    alive = verdicts[verdicts["check"] == "alive"]
    assert row_of(alive, name="mj_lat", level=1)["expected"].endswith("val frames above 0.01")
    assert row_of(alive, name="mj_lat", level=1)["verdict"] == "passed"
    assert row_of(alive, name="lat_jnd1", level=1)["verdict"] == "failed"
    found = row_of(tables.single_against_multi(known), level=1, multi="mj_lat")
    lat = known[(known["name"] == "lat_jnd1") & (known["subset"] == "val")]
    assert found["error_single"] == pytest.approx(lat["error"].mean())
    stem = tmp_path / "errors"
    figures.error_bars(tables.errors(known), stem, metadata="frames", unit="QP")
    assert set(pd.read_csv(stem.with_suffix(".csv"))["subset"]) == {"val"}


def test_levels_out_of_order_and_range_fail(predictions):
    wrong = predictions.copy()
    chosen = (wrong["name"] == "mj_lat") & (wrong["level"] == 3)
    wrong.loc[chosen, "predicted"] = 5.0
    wrong.loc[(wrong["name"] == "mj_lat") & (wrong["level"] == 2), "predicted"] = 60.0
    verdicts = tables.checks(wrong)
    order = row_of(verdicts, name="mj_lat", check="in_order")
    assert (order["verdict"], order["found"]) == ("failed", 2 * sum(SUBSETS.values()))
    assert row_of(verdicts, name="mj_lat", level=2, check="in_range")["verdict"] == "failed"


def test_one_level_against_all(predictions):
    table = tables.single_against_multi(predictions)
    found = row_of(table, single="lat_jnd1", multi="mj_lat")
    assert found["difference"] == pytest.approx(found["error_single"] - found["error_multi"])
    assert found["difference_low"] > 0


def test_variants_stand_beside_their_network(predictions):
    table = tables.variants(tables.errors(predictions))
    assert set(table["name"]) == {"mj_lat", "mj_lat-authors"}


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
    from PIL import Image

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


def test_baselines_are_fitted_to_training_frames_alone(tmp_path):
    jnds = [(20.0 + n, 25.0 + n, 30.0 + n) for n in range(8)]
    frames, _ = labelled_set(tmp_path, jnds)
    psnr = {frame.name: {qp: 60.0 - qp for qp in range(1, 52)} for frame in frames.frames}
    features = np.array([[2.0 * n] for n in range(8)])
    rows = list(predict_by_baselines(frames, features, psnr))
    trained = [jnd[0] for jnd, frame in zip(jnds, frames.frames, strict=True)
               if frame.subset == "train"]  # fmt: skip
    by_name = {row.name: row for row in rows if row.level == 1 and row.frame == "f3"}
    assert by_name["training_mean"].predicted == pytest.approx(np.mean(trained))
    assert by_name["training_median"].predicted == pytest.approx(np.median(trained))
    assert by_name["linear_siti"].predicted == pytest.approx(23.0)  # the labels are linear in it
    assert by_name["linear_siti"].psnr_predicted == 60.0 - 23


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
    right = list(predict_by_networks({"lat_jnd2": tmp_path / "lat.onnx"}, stages, frames, psnr))
    write_predictions(tmp_path / "rows.csv", right)
    assert tables.load_predictions(tmp_path / "rows.csv")["level"].tolist() == [2]
    with pytest.raises(UserError, match=r"other levels(.|\n)*\(1,\), found \(2,\)"):
        list(predict_by_networks({"lat_jnd1": tmp_path / "lat.onnx"}, stages, frames, psnr))


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
    assert of_clips.shape == (4, 2) and mixed.shape == (4, 1)
    assert np.allclose(of_clips[:, 0], mixed[:, 0])
    assert of_clips[2, 1] > 0


def test_figures_are_drawn_with_their_data(predictions, tmp_path):
    errors = tables.errors(predictions)
    curve = pd.DataFrame({"epoch": [1, 2], "train_loss": [3.0, 2.0], "val_loss": [3.5, None]})
    figures.predicted_against_true(predictions, tmp_path / "a", metadata="frames")
    figures.error_histograms(predictions, tmp_path / "b", metadata="frames")
    figures.error_bars(errors, tmp_path / "c", metadata="frames", unit="QP")
    figures.training_curves({"mj_lat": curve}, tmp_path / "d", metadata="frames")
    assert "JND1: always 0.0 (dead)" in (tmp_path / "a.svg").read_text()
    for name in "abcd":
        assert (tmp_path / f"{name}.png").stat().st_size > 5000
        assert len(pd.read_csv(tmp_path / f"{name}.csv")) > 1
