"""JND of principal components: against a slow computation, and what must hold of any picture."""

from __future__ import annotations

import math
from typing import get_args

import cv2
import numpy as np
import pytest
from skimage.data import astronaut, camera, coffee

from jndlab.errors import UserError
from jndlab.jnd.pixel.choice import PixelJndChoice
from jndlab.jnd.pixel.jiang2022 import critical_point, jiang2022_jnd, lossless_version
from jndlab.jnd.pixel.maps import MODELS, pixel_jnd
from jndlab.models.vp_jnd.picture_view import PictureView
from jndlab.papers.vp_jnd.figures import MODEL_NAMES

CAMERA = cv2.resize(camera(), (128, 96), interpolation=cv2.INTER_AREA)


def slow_version(luma, components=None):
    """The CPL version, block by block: power iteration for the kernel, loops for the rest."""
    blocks = [
        luma[y : y + 8, x : x + 8].astype(float).ravel()
        for y in range(0, luma.shape[0], 8)
        for x in range(0, luma.shape[1], 8)
    ]
    values, vectors = np.linalg.eig(np.cov(np.array(blocks).T))  # not the symmetric solver
    order = sorted(range(64), key=lambda k: -values[k].real)
    kernel = [vectors[:, k].real for k in order]
    if components is None:
        energies = [sum(float(b @ v) ** 2 for b in blocks) / len(blocks) for v in kernel]
        total, share, above, below = sum(energies), 0.0, 0.0, 0.0
        for place, energy in enumerate(energies, 1):
            share += energy / total
            x = share / 0.99805
            weight = 894.16 / 0.99805 * x**893.16 * math.exp(-(x**894.16))
            above, below = above + place * weight, below + weight
        components = math.ceil(above / below)
    found = np.zeros(luma.shape)
    at = 0
    for y in range(0, luma.shape[0], 8):
        for x in range(0, luma.shape[1], 8):
            kept = sum((blocks[at] @ v) * v for v in kernel[:components])
            found[y : y + 8, x : x + 8] = kept.reshape(8, 8)
            at += 1
    return found, components


def test_the_lossless_version_is_that_of_a_slow_computation():
    expected, components = slow_version(CAMERA)
    assert 1 < components < 64
    assert lossless_version(CAMERA) == pytest.approx(expected, abs=2e-3)
    few, _ = slow_version(CAMERA, 5)
    assert lossless_version(CAMERA, 5) == pytest.approx(few, abs=2e-3)


def test_all_components_give_the_picture_and_fewer_less_of_it():
    assert lossless_version(CAMERA, 64) == pytest.approx(CAMERA, abs=1e-2)
    errors = [np.abs(lossless_version(CAMERA, n) - CAMERA).mean() for n in (1, 4, 16, 40)]
    assert errors == sorted(errors, reverse=True)


def test_the_critical_point_lies_where_the_energy_is_nearly_complete():
    # All in one component: every place has the share 1 and the same weight.
    assert critical_point(np.eye(64)[0]) == math.ceil(65 / 2)
    # Nearly nothing until the last component.
    assert critical_point(np.eye(64)[63]) == 64
    shares = 1 - 0.2 * 0.8 ** np.arange(64)  # passes 0.998 at place 22
    point = critical_point(np.diff(shares, prepend=0))
    assert 22 <= point <= 50


@pytest.mark.parametrize("picture", [astronaut(), coffee()])
def test_the_lossless_version_of_a_photograph_looks_like_it(picture):
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    error = lossless_version(luma) - luma
    assert 30 < 10 * np.log10(255**2 / np.mean(error**2)) < 50


def test_edges_are_spared_and_flat_pictures_have_no_jnd():
    edge = np.full((64, 64), 60, np.uint8)
    edge[:, 30:] = 190
    noisy = np.clip(edge + np.random.default_rng(0).normal(0, 4, edge.shape), 0, 255)
    jnd = jiang2022_jnd(noisy.astype(np.float32))
    assert jnd[8:56, 29:31].max() < 0.05
    assert pixel_jnd(np.full((40, 50), 128, np.uint8), "jiang2022").max() < 1e-3


def test_sizes_that_are_no_multiples_of_eight_have_a_whole_map():
    assert pixel_jnd(CAMERA[:90, :121], "jiang2022").shape == (90, 121)


def test_the_choice_has_the_error_of_the_lossless_version():
    picture = cv2.resize(coffee(), (160, 120), interpolation=cv2.INTER_AREA)
    choice = PixelJndChoice()
    decision = choice.choose(picture)
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    allowed = np.sqrt(np.mean(np.square(pixel_jnd(luma, "jiang2022"), dtype=float)))

    def error(quality):
        coded = cv2.cvtColor(choice.decoded(picture, quality), cv2.COLOR_RGB2GRAY)
        return np.sqrt(np.mean(np.square(coded.astype(float) - luma)))

    assert error(decision.quality) > allowed * 0.95 and error(decision.quality + 4) < allowed * 1.05
    assert decision.calls <= 7 and decision.saving > 0
    assert PixelJndChoice(share=2.0).choose(picture).quality < decision.quality


def test_a_share_that_is_none():
    with pytest.raises(UserError, match="share"):
        PixelJndChoice(share=0)


def test_every_model_has_a_name_and_can_be_chosen():
    assert set(MODEL_NAMES) == set(MODELS)
    assert set(get_args(PictureView.model_fields["jnd_model"].annotation)) == set(MODELS)
