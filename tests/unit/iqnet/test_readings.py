"""IQNet's pattern on other content: agreement with the printed one, readings of the rules."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from jndlab.codecs import get_codec
from jndlab.configuration import checked
from jndlab.datasets.pictures.picture_list import Picture
from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat, Frame, write_clip
from jndlab.media.pictures import read_luma
from jndlab.models.iqnet.iqnet import IQNet
from jndlab.models.onnx_runtime import export_onnx
from jndlab.papers.iqnet.candidates import Candidates
from jndlab.papers.iqnet.config import Iqnet, reading_of
from jndlab.papers.iqnet.published import load_published, pick
from jndlab.papers.iqnet.readings import (
    agreement,
    cells_of_readings,
    measure_network,
    readings_table,
    write_reading_pairs,
)
from jndlab.papers.iqnet.training_data import MAE_COLUMNS

PRINTED = pick(load_published()["table4_ps_comparison"], configuration="AI", method="IQNet")
NAMES = {f"S_{row['sequence']}": row["sequence"] for row in PRINTED}
CONTENTS = {name: f"decoded from a stream of {len(name)} bit/pixel" for name in NAMES}


def measured(saving, drop):
    """Rows of an anchor and a network whose savings and drops are functions of the printed."""
    rows = []
    for row in PRINTED:
        place = {"sequence": f"S_{row['sequence']}", "qp": int(row["qp"])}
        rows.append({**place, "method": "anchor", "bits": 1e6, "psnr_y": 40.0, "vmaf_p": 100.0})
        bits = 1e6 * (1 - saving(float(row["bitrate_saving_pct"])) / 100)
        psnr = 40 - drop(float(row["psnr_drop_db"]))
        rows.append({**place, "method": "mine", "bits": bits, "psnr_y": psnr, "vmaf_p": 93.0})
    return pd.DataFrame(rows)


def test_agreement_of_what_is_printed_and_a_shift():
    table = cells_of_readings(measured(lambda s: s - 2, lambda d: d + 0.5), NAMES, CONTENTS)
    assert (table["content"] == table["sequence"].map(CONTENTS)).all()
    assert set(table["verdict"]) == {"not comparable: decoded from streams"}
    (row,) = agreement(table).to_dict("records")
    assert (row["sequences"], row["cells"], row["configuration"]) == (6, 24, "AI")
    assert row["r"] == pytest.approx(1) and row["rho"] == pytest.approx(1)
    assert row["saving_difference"] == pytest.approx(-2)
    assert row["saving_difference_low"] == pytest.approx(-2)
    assert row["drop_difference_db"] == pytest.approx(0.5)
    assert row["verdict"] == "not comparable: decoded from streams"


def test_a_reversed_pattern_disagrees_with_an_interval_around_it():
    rng = np.random.default_rng(1)
    table = cells_of_readings(
        measured(lambda s: 40 - s + rng.normal(), lambda d: d), NAMES, CONTENTS
    )
    (row,) = agreement(table).to_dict("records")
    assert row["r_low"] <= row["r"] <= row["r_high"] < 0


@pytest.mark.parametrize(
    ("saving", "drop", "lacks"),
    [(0, 0, ""), (-6, 0, "saving"), (0, 1, "PSNR drop"), (-6, 1, "saving, PSNR drop")],
)
def test_what_a_reading_lacks_of_the_bar(saving, drop, lacks):
    table = cells_of_readings(measured(lambda s: s + saving, lambda d: d + drop), NAMES, CONTENTS)
    (row,) = readings_table(agreement(table), {"mine": {"loss": "mae"}}).to_dict("records")
    assert (row["reading"], row["loss"], row["lacks"]) == ("mine", "mae", lacks)


def test_keys_of_a_reading_take_the_place_of_those_of_the_section():
    reading = {"training": {"loss": "mse"}, "training_data": {"selection": {"mae_ratio": 2.0}}}
    section = checked(
        Iqnet, {"training": {"epochs": 7}, "readings": {"mine": reading}}, "x"
    ).plain()
    found = reading_of(section, "mine")
    assert (found["training"]["loss"], found["training"]["epochs"]) == ("mse", 7)
    assert found["training_data"]["selection"]["mae_ratio"] == 2.0
    assert found["training_data"]["selection"]["tie_mode"] == "largest"


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        ({"training": {"los": "mse"}}, "reading 'mine': training: unknown key 'los'"),
        ({"training": {"loss": "l1"}}, "reading 'mine': training.loss: \"l1\" is not allowed"),
        ({"training_data": {"alphas": [0.15]}}, "reading 'mine' has alphas"),
        ({"training_data": {"qp": 22}}, "readings.mine.training_data"),  # other candidates
    ],
)
def test_a_reading_that_cannot_be(reading, message):
    with pytest.raises(UserError, match=message):
        checked(Iqnet, {"readings": {"mine": reading}}, "the configuration")


def test_the_name_of_what_is_not_filtered_is_no_readings():
    with pytest.raises(UserError, match="no reading can be called 'anchor'"):
        checked(Iqnet, {"readings": {"anchor": {}}}, "the configuration")


def test_a_reading_chooses_from_its_own_alphas_and_pictures(tmp_path):
    grid, side = [0.5, 1.0], 16
    made, rows, pictures = [], [], {}
    for number in range(3):
        source = np.full((side, side), 100, np.uint8)
        prefiltered = np.stack([source - 1, source - 2])
        empty = np.zeros((3, side, side))
        made.append(Candidates(f"p{number}", source, prefiltered, Frame(*[empty] * 3), np.ones(3)))
        pictures[f"p{number}"] = Picture(
            f"p{number}", "x", "", "x", None, 0, 0, side, side, side, side, "0"
        )
        for alpha, score in zip([0.0, *grid], (5, 5, 6), strict=True):
            place = {"picture": f"p{number}", "patch_row": 0, "patch_column": 0, "alpha": alpha}
            rows.append({**place, "score": score, **dict.fromkeys(MAE_COLUMNS.values(), 0.0)})
    data = {"pictures": 2, "alphas": [0.5], "selection": {}, "patch": side}
    found = write_reading_pairs(made, pd.DataFrame(rows), data, grid, pictures, tmp_path)
    assert found == {"pictures": 2, "mean_alpha": 0.5, "mean_mae": 1.0}
    assert sorted(path.name for path in (tmp_path / "targets").iterdir()) == ["p0.png", "p1.png"]
    assert (read_luma(tmp_path / "targets/p0.png") == 99).all()


def test_an_untrained_network_changes_nothing(tmp_path):
    clip = ClipFormat(64, 64, Fraction(25), 1)
    luma = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    chroma = np.full((32, 32), 128, np.uint8)
    write_clip(tmp_path / "x.mkv", [Frame(luma, chroma, chroma)], clip)
    export_onnx(IQNet(), tmp_path / "model.onnx")
    clips, codec = (
        {"x": (tmp_path / "x.mkv", clip)},
        get_codec({"adapter": "vvenc", "preset": "faster"}),
    )
    rows = [
        measure_network(model, clips, codec, [37], tmp_path)
        for model in (None, tmp_path / "model.onnx")
    ]
    assert rows[0] == rows[1] and rows[0][0]["bits"] > 0 and rows[0][0]["vmaf_p"] > 90
