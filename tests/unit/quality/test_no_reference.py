"""No-reference scorers: direction, batches, black pictures, and weights that are not there."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.error import URLError

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from jndlab.datasets.pictures.packaged import packaged_file
from jndlab.errors import UserError
from jndlab.media.blocks import split_blocks
from jndlab.media.pictures import read_picture
from jndlab.quality.no_reference import BATCH, PyiqaScorer


@pytest.fixture(scope="module")
def piqe():
    return PyiqaScorer("piqe", "cpu")


@pytest.fixture(scope="module")
def patches():
    """64x64 patches of a photograph, N x 64 x 64 x 3."""
    planes = np.moveaxis(read_picture(packaged_file("skimage:data/chelsea.png")), -1, 0)
    return np.moveaxis(split_blocks(planes, 64, partial="drop").reshape(3, -1, 64, 64), 0, -1)


def test_higher_is_better(piqe, patches):
    blocky = patches.copy()
    for top in range(0, 64, 8):
        for left in range(0, 64, 8):
            block = blocky[:, top : top + 8, left : left + 8]
            block[:] = block.mean(axis=(1, 2), keepdims=True).astype(np.uint8)
    blurred = gaussian_filter(patches, (0, 3, 3, 0))
    scores = piqe.score(patches)
    assert piqe.lower_is_better and scores.dtype == np.float64
    assert (scores <= 0).all() and (scores >= -100.001).all()  # PIQE, negated
    assert scores.mean() > piqe.score(blocky).mean() + 10
    assert scores.mean() > piqe.score(blurred).mean() + 10


def test_a_score_does_not_depend_on_the_others_of_its_batch(piqe, patches):
    many = np.concatenate([patches] * (BATCH // len(patches) + 2))
    assert len(many) > BATCH
    scores = piqe.score(many)
    assert scores.shape == (len(many),)
    np.testing.assert_allclose(scores[: len(patches)], scores[-len(patches) :], atol=1e-3)
    alone = [piqe.score(patch[np.newaxis])[0] for patch in patches[:4]]
    np.testing.assert_allclose(scores[:4], alone, atol=1e-3)
    assert (piqe.score(many) == scores).all()
    assert piqe.score(patches[:0]).shape == (0,)


def test_grey_and_black_pictures(piqe, patches):
    grey = patches[..., 1]
    tripled = np.repeat(grey[..., np.newaxis], 3, axis=-1)
    assert (piqe.score(grey) == piqe.score(tripled)).all()
    flat = np.stack([np.full((64, 64), level, np.uint8) for level in (0, 1, 77, 255)])
    np.testing.assert_allclose(piqe.score(flat), -100, atol=1e-4)
    with pytest.raises(ValueError, match="8-bit"):
        piqe.score(patches / 255.0)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nimaa", ["no metric 'nimaa'", "did you mean", "nima"]),
        ("psnr", ["compares with a reference", "piqe"]),
    ],
)
def test_a_name_that_is_no_scorer(piqe, name, told):
    with pytest.raises(UserError) as raised:
        PyiqaScorer(name)
    for word in told:
        assert word in str(raised.value)


@pytest.fixture
def weights_folder(piqe, tmp_path, monkeypatch):
    """pyiqa's folder of weights, empty, and no network."""
    from pyiqa.utils import download_util

    def no_network(*_, **__):
        raise URLError("no network")

    monkeypatch.setattr(download_util, "DEFAULT_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(download_util, "download_url_to_file", no_network)
    return tmp_path


NIMA = "nima-vgg16-ava"  # the smaller of the two backbones
WEIGHTS = "NIMA_VGG16_ava-dc4e8265.pth"


def test_weights_that_cannot_be_had_are_named_with_address_and_place(weights_folder):
    with pytest.raises(UserError) as raised:
        PyiqaScorer(NIMA, "cpu")
    message = str(raised.value)
    assert str(weights_folder / WEIGHTS) in message
    assert f"https://huggingface.co/chaofengc/IQA-PyTorch-Weights/resolve/main/{WEIGHTS}" in message
    for word in ("no network", "TORCH_HOME", "piqe"):
        assert word in message


def test_damaged_weights_are_named(weights_folder):
    from pyiqa.archs.cnniqa_arch import default_model_urls

    name = default_model_urls["koniq10k"].rpartition("/")[2]
    (weights_folder / name).write_bytes(b"<html>not found</html>")
    with pytest.raises(UserError) as raised:
        PyiqaScorer("cnniqa", "cpu")
    assert "damaged" in str(raised.value) and str(weights_folder / name) in str(raised.value)


def test_a_backbone_that_cannot_be_fetched_is_named_by_its_address(piqe, monkeypatch):
    import pyiqa

    def no_hub(*_, **__):
        asked = ConnectionError("no network")  # the hub's client hangs the request on it
        asked.request = SimpleNamespace(url="https://huggingface.co/timm/resnet50/model.bin")
        raise OSError("not in the local cache") from asked

    monkeypatch.setattr(pyiqa, "create_metric", no_hub)
    with pytest.raises(UserError) as raised:
        PyiqaScorer("topiq_nr", "cpu")
    for word in ("https://huggingface.co/timm/resnet50/model.bin", "HF_HOME", "local cache"):
        assert word in str(raised.value)


def test_a_metric_that_misses_a_package_is_told(piqe, monkeypatch):
    import pyiqa

    def no_package(*_, **__):
        raise ModuleNotFoundError("No module named 'icecream'")

    monkeypatch.setattr(pyiqa, "create_metric", no_package)
    with pytest.raises(UserError, match="'icecream'"):
        PyiqaScorer("qalign", "cpu")


def test_nima_needs_its_own_weights_only(weights_folder, patches):
    import timm
    from pyiqa.archs.nima_arch import NIMA as Network

    create = timm.create_model
    with pytest.MonkeyPatch.context() as context:
        context.setattr(
            timm, "create_model", lambda *a, **k: create(*a, **{**k, "pretrained": False})
        )
        network = Network("vgg16", pretrained=False)
    with torch.no_grad():  # a head that prefers the fourth of the ten grades
        network.classifier[2].weight.zero_()
        network.classifier[2].bias.copy_(torch.where(torch.arange(10) == 3, 20.0, 0.0))
    torch.save({"params": network.state_dict()}, weights_folder / WEIGHTS)
    scorer = PyiqaScorer(NIMA, "cpu")
    assert timm.create_model is create
    assert not scorer.lower_is_better
    np.testing.assert_allclose(scorer.score(patches[:3]), 4.0, atol=1e-3)
