"""Frames as training data: order, targets as the networks' outputs, reading once, faults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from jndlab.datasets.jnd_frames.folder import LabelledFrame
from jndlab.errors import UserError
from jndlab.models.laser_jnd.autoencoder import LaserAutoencoder
from jndlab.models.laser_jnd.networks import E2eLat
from jndlab.models.mtjnd.networks import Mt3JndVa
from jndlab.models.picture_preparation import PicturePreparation
from jndlab.models.vmaf_curve import CURVE, FALLS, QPS
from jndlab.training.recipe import LossTerm, Recipe, named_outputs
from jndlab.training.samplers.frames import FrameSamples, FrameTargets, cell_means

WIDTH, HEIGHT = 80, 64
COUNTS = {"train": 5, "val": 2, "test": 2}
PREPARATION = PicturePreparation(HEIGHT, 64)  # BGR, 0..255, narrower than the frames


def save(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("set")


@pytest.fixture(scope="module")
def frames(folder):
    """Frame n is grey 20 n + 10 with a red corner; its JND pictures are 1 to 3 darker."""
    made, number = [], 0
    for part, count in COUNTS.items():
        for _ in range(count):
            rgb = np.full((HEIGHT, WIDTH, 3), 20 * number + 10, np.uint8)
            rgb[:8, :10, 0] = 255
            name = f"f{number}"
            saliency = np.zeros((HEIGHT, WIDTH), np.uint8)
            saliency[:, WIDTH // 2 :] = 200
            save(folder / "saliency" / f"{name}.png", saliency)
            coded = {n: save(folder / f"jnd{n}{part}" / f"{name}.png", rgb - n) for n in (1, 2, 3)}
            jnd = None if part == "test" else (20.0 + number, 30.0 + number, 40.0)
            picture = save(folder / part / f"{name}.png", rgb)
            made.append(LabelledFrame(name, f"s{number}", part, picture, jnd, coded))
            number += 1
    return made


def test_an_epoch_visits_every_frame_once_in_its_own_order(frames):
    samples = FrameSamples(frames, PREPARATION, seed=3)
    assert samples.steps_per_epoch(2) == 3
    orders = []
    for epoch in range(4):
        batches = [samples.batch(epoch, index, 2) for index in range(3)]
        assert [len(batch.inputs[0]) for batch in batches] == [2, 2, 1]
        orders.append(torch.cat([batch.targets["jnd1"] for batch in batches]).tolist())
        assert sorted(orders[-1]) == [20, 21, 22, 23, 24]
    assert len({tuple(order) for order in orders}) > 1
    again = FrameSamples(frames, PREPARATION, seed=3)
    resumed = again.batch(2, 1, 2)
    assert resumed.targets["jnd1"].tolist() == orders[2][2:4]
    assert torch.equal(resumed.inputs[0], samples.batch(2, 1, 2).inputs[0])
    other = FrameSamples(frames, PREPARATION, seed=4)
    assert any(
        other.batch(epoch, 0, 5).targets["jnd1"].tolist() != orders[epoch] for epoch in range(4)
    )


def test_inputs_and_labels_belong_together(frames):
    samples = FrameSamples(frames, PREPARATION)
    for batch in [samples.batch(0, 0, 5), *samples.validation(1)]:
        pictures = batch.inputs[0]
        assert pictures.shape[1:] == (3, HEIGHT, 64) and pictures.dtype == torch.float32
        middle = pictures[:, :, 40, 30]
        expected = 20 * (batch.targets["jnd1"] - 20) + 10
        assert torch.equal(middle, expected[:, None].expand(-1, 3))
        assert (pictures[:, 2, 2, 2] == 255).all()  # red stands last: BGR
        assert torch.equal(batch.targets["jnd2"], batch.targets["jnd1"] + 10)
    assert [batch.targets["jnd1"].tolist() for batch in samples.validation(1)] == [[25], [26]]
    assert samples.labels("train").shape == (5, 3)


def test_flips_turn_a_frame_and_its_targets_alike(frames, folder):
    square = PicturePreparation(HEIGHT, WIDTH)
    targets = FrameTargets(levels=(2,), reconstruction=1, attention=16)
    samples = FrameSamples(frames, square, targets, saliency=folder / "saliency", flips=True)
    corners, bright = set(), set()
    for epoch in range(6):
        batch = samples.batch(epoch, 0, 5)
        made, (pictures,) = batch.targets, batch.inputs
        assert torch.equal(pictures - 1, made["reconstruction"])
        assert torch.equal(made["jnd2"], (pictures[:, 0, 30, 40] - 10) / 20 + 30)
        for red, cells in zip(pictures[:, 2], made["attention"], strict=True):
            corner = [(y, x) for y in (2, -3) for x in (2, -3) if red[y, x] == 255]
            assert len(corner) == 1
            corners.add(corner[0])
            bright.add((corner[0][1] > 0) == bool(cells[0, -1] > cells[0, 0]))
    assert len(corners) == 4 and bright == {True}  # the map's bright half is right of the corner
    again = FrameSamples(frames, square, targets, saliency=folder / "saliency", flips=True)
    assert torch.equal(again.batch(3, 0, 5).inputs[0], samples.batch(3, 0, 5).inputs[0])


def test_flips_leave_curves_as_they_are(frames):
    curve = tuple((QPS / 8).tolist())
    with_curves = [replace(frame, curve=curve) for frame in frames]
    square = PicturePreparation(HEIGHT, WIDTH)
    samples = FrameSamples(with_curves, square, FrameTargets(curve=True), flips=True)
    for epoch in range(4):
        found = samples.batch(epoch, 0, 5).targets[CURVE]
        assert torch.allclose(found, torch.tensor(8 * FALLS, dtype=torch.float32).expand(5, -1))


@pytest.mark.parametrize("level", [0, 1, 3])
def test_reconstruction_is_the_frame_at_that_jnd_in_the_networks_scale(frames, level):
    unit = PicturePreparation(HEIGHT, WIDTH, "rgb", "unit")
    samples = FrameSamples(frames, unit, FrameTargets(levels=(), reconstruction=level))
    batch = samples.batch(0, 0, 5)
    assert set(batch.targets) == {"reconstruction"}
    difference = batch.inputs[0] - batch.targets["reconstruction"]
    assert torch.allclose(difference * 255, torch.full_like(difference, level), atol=1e-3)


def test_attention_is_the_mean_saliency_of_cells(frames, folder):
    square = PicturePreparation(HEIGHT, WIDTH)
    targets = FrameTargets(levels=(2,), attention=16)
    samples = FrameSamples(frames, square, targets, saliency=folder / "saliency")
    batch = samples.batch(0, 0, 5)
    assert set(batch.targets) == {"jnd2", "attention"}
    row = torch.tensor([0, 0, 100, 200, 200]) / 255
    assert torch.allclose(batch.targets["attention"], row.expand(5, 4, 5))
    odd = cell_means(np.arange(35.0).reshape(5, 7), 2)
    assert odd.tolist() == [[4, 6, 8], [18, 20, 22]]


def test_test_frames_without_labels_are_only_shown(frames):
    samples = FrameSamples(frames, PREPARATION, FrameTargets(reconstruction=1))
    (batch,) = samples.in_order("test", 8)
    assert batch.targets == {} and len(batch.inputs[0]) == 2
    assert samples.labels("test") is None
    labelled = [replace(frame, jnd=(1.0, 2.0, 3.0)) for frame in frames]
    (batch,) = FrameSamples(labelled, PREPARATION).in_order("test", 8)
    assert batch.targets["jnd3"].tolist() == [3, 3]


def test_hash_covers_all_that_training_depends_on(frames, folder):
    base = FrameSamples(frames, PREPARATION)
    assert base.sha256 == FrameSamples(frames, PREPARATION).sha256
    others = [
        FrameSamples(frames, PREPARATION, seed=1),
        FrameSamples(frames, PicturePreparation(HEIGHT, 64, "rgb"), None),
        FrameSamples(frames, PREPARATION, FrameTargets(levels=(1,))),
        FrameSamples(frames, PREPARATION, FrameTargets(reconstruction=2)),
        FrameSamples(frames, PREPARATION, FrameTargets(attention=16), saliency=folder / "saliency"),
        FrameSamples([replace(frames[0], jnd=(1.0, 2.0, 3.0)), *frames[1:]], PREPARATION),
        FrameSamples(frames[1:], PREPARATION),
    ]
    hashes = {samples.sha256 for samples in others}
    assert len(hashes) == len(others) and base.sha256 not in hashes
    test_changed = [replace(f, jnd=(9.0, 9.0, 9.0)) if f.subset == "test" else f for f in frames]
    assert FrameSamples(test_changed, PREPARATION).sha256 == base.sha256


@pytest.mark.parametrize(
    ("network", "targets", "losses"),
    [
        (LaserAutoencoder, FrameTargets((), 0), [LossTerm("mse", output="reconstruction")]),
        (
            E2eLat,
            FrameTargets((1,), 1),
            [LossTerm("mse", 0.01, "reconstruction"), LossTerm("mae", 0.99, "jnd1")],
        ),
        (
            Mt3JndVa,
            FrameTargets(attention=16),
            [LossTerm("mae", output="jnd1"), LossTerm("bce", output="attention")],
        ),
    ],
)
def test_targets_fit_the_networks_outputs(frames, folder, network, targets, losses):
    torch.manual_seed(0)
    built = network(input_size=(HEIGHT, 80), width=0.0625)
    samples = FrameSamples(frames, built.preparation, targets, saliency=folder / "saliency")
    batch = samples.batch(0, 0, 3)
    recipe = Recipe(epochs=1, batch_size=3, losses=tuple(losses))
    loss = recipe.loss(named_outputs(built(*batch.inputs)), batch.targets)
    assert torch.isfinite(loss) and loss > 0


def test_files_are_read_once(frames, monkeypatch):
    samples = FrameSamples(frames, PREPARATION)
    first = samples.batch(0, 0, 5).inputs[0]
    monkeypatch.setattr("jndlab.training.samplers.frames.read_picture", None)
    assert torch.equal(samples.batch(0, 0, 5).inputs[0], first)


def without_label(frames):
    return [replace(frames[0], jnd=None), *frames[1:]]


def without_coding(frames):
    return [replace(frames[0], jnd_pictures={1: frames[0].picture}), *frames[1:]]


def other_coding(frames):
    other = save(frames[0].picture.parent.parent / "odd.png", np.zeros((8, 8, 3), np.uint8))
    return [replace(frames[0], jnd_pictures={2: other}), *frames[1:]]


def missing_file(frames):
    return [replace(frames[0], picture=Path("gone.png")), *frames[1:]]


def only_valid(frames):
    return [frame for frame in frames if frame.subset == "val"]


@pytest.mark.parametrize(
    ("spoil", "targets", "words"),
    [
        (without_label, FrameTargets(), "frame 'f0' of 'train' has no JND labels"),
        (without_coding, FrameTargets(reconstruction=2), "no picture at the quality of JND2"),
        (other_coding, FrameTargets(reconstruction=2), "80x64, found 8x8"),
        (missing_file, FrameTargets(), "gone.png"),
        (only_valid, FrameTargets(), "no labelled frames to train on"),
        (list, FrameTargets(attention=16), "there are no saliency maps"),
    ],
)
def test_faults_are_reported(frames, spoil, targets, words):
    with pytest.raises(UserError, match=words):
        FrameSamples(spoil(frames), PREPARATION, targets).batch(0, 0, 8)


def test_nothing_to_learn_is_refused():
    with pytest.raises(UserError, match="to learn nothing"):
        FrameTargets(levels=())
