"""The IQNet that comes with the suite: its files belong together, its card agrees with them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from skimage import data, metrics

from jndlab.files import read_json, sha256_of
from jndlab.models.network_prefilter import NetworkPrefilter
from jndops.documents.recorded import recorded_runs

FILTERED = re.compile(r"prefiltered/\w+/iqnet_pretrained/all\.json")


@pytest.fixture(scope="module")
def folder(repository):
    return repository / "models/iqnet"


def test_the_card_states_what_the_records_hold(folder):
    summary, chosen = (read_json(folder / f"{name}.json") for name in ("summary", "statistics"))
    assert summary["models_sha256"]["model.onnx"] == sha256_of(folder / "model.onnx")
    assert summary["conditions"]["training_source"] == "packaged"
    card = (folder / "README.md").read_text(encoding="utf-8")
    for words in (
        f"{summary['parameters']:,} parameters",
        f"{summary['steps']:,} steps of {summary['recipe']['batch_size']} crops",
        f"{chosen['pictures']} crops",
        f"mean alpha {chosen['mean_alpha']:.2f}",
        f"{summary['best_value']:.1e}",
    ):
        assert words in card


def test_the_cards_numbers_are_of_this_very_network(folder):
    recorded = recorded_runs()["iqnet_pretrained"].texts
    made = [json.loads(text) for name, text in recorded.items() if FILTERED.fullmatch(name)]
    assert len(made) == 12
    digest = sha256_of(folder / "model.onnx")
    assert {sha256 for one in made for sha256 in one["models_sha256"].values()} == {digest}
    assert "<!-- results: iqnet_pretrained " in (folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("depth", [8, 10])
def test_it_removes_detail_and_keeps_the_picture(folder, depth):
    luma = data.camera().astype(np.uint16) << (depth - 8)
    luma = luma.astype(np.uint8) if depth == 8 else luma
    filtered = NetworkPrefilter(model=folder / "model.onnx", network="iqnet").filter_luma(
        luma, depth
    )
    psnr = metrics.peak_signal_noise_ratio(luma, filtered, data_range=(1 << depth) - 1)
    assert 34 < psnr < 45 and abs(filtered.mean() / luma.mean() - 1) < 0.01
    assert filtered.astype(float).std() < luma.astype(float).std()
