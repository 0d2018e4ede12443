"""The training loop: it learns, repeats itself, survives kills, and stops at nonsense; its data."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from jndlab.errors import UserError
from jndlab.media.ffmpeg import run
from jndlab.models.model_files import build_network, load_model
from jndlab.training import devices
from jndlab.training import loop as loop_module
from jndlab.training.devices import choose_device
from jndlab.training.loop import evaluate, train
from jndlab.training.recipe import Batch, LossTerm, Recipe
from jndlab.training.samplers.picture_pairs import (
    PicturePairs,
    find_pairs,
    read_luma,
)

COLUMNS = ["step", "epoch", "train_loss", "val_loss", "lr", "seconds"]
NAMES = ("camera", "moon", "text", "coins")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory) -> list[tuple[Path, Path]]:
    """Four packaged pictures (128x128) and their box-blurred selves: a filter to be learned."""
    root = tmp_path_factory.mktemp("pictures")
    for name in NAMES:
        luma = getattr(skimage.data, name)()[:130, :130].astype(np.float64)
        blurred = sum(luma[i : i + 128, j : j + 128] for i in range(3) for j in range(3)) / 9
        for part, plane in (("source", luma[1:129, 1:129]), ("target", np.rint(blurred))):
            (root / part).mkdir(exist_ok=True)
            Image.fromarray(plane.astype(np.uint8)).save(root / part / f"{name}.png")
    return find_pairs(root / "source", root / "target")


class Points:
    """A tiny data set in memory with two outputs; each batch follows from its number."""

    sha256 = "points"

    def __init__(
        self, batches: int = 3, bad_step: int | None = None, held_out: bool = True
    ) -> None:
        self.batches, self.bad_step, self.held_out = batches, bad_step, held_out

    def steps_per_epoch(self, batch_size: int) -> int:
        return self.batches

    def batch(self, epoch: int, index: int, batch_size: int) -> Batch:
        step = epoch * self.batches + index + 1
        generator = torch.Generator().manual_seed(step)
        x = torch.rand(batch_size, 4, generator=generator)
        if step == self.bad_step:
            x[0, 0] = float("nan")
        return Batch((x,), {"level": x.sum(1, keepdim=True), "seen": (x[:, :1] > 0.5).float()})

    def validation(self, batch_size: int):
        if self.held_out:
            yield self.batch(10_000, 0, batch_size)
            yield self.batch(10_001, 0, batch_size // 2)


class TwoHeads(nn.Module):
    """Two outputs and dropout, whose random numbers a resumed run must repeat."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.3))
        self.level, self.seen = nn.Linear(8, 1), nn.Linear(8, 1)

    def forward(self, x):
        features = self.body(x)
        return {"level": self.level(features), "seen": self.seen(features)}


TWO_LOSSES = (LossTerm("mse", 0.9, "level"), LossTerm("bce", 0.1, "seen"))


def two_heads() -> TwoHeads:
    torch.manual_seed(5)
    return TwoHeads()


def points_recipe(**changes) -> Recipe:
    defaults = {"epochs": 4, "batch_size": 8, "losses": TWO_LOSSES, "learning_rate": 0.02}
    return Recipe(**{**defaults, **changes})


def quiet(model, data, recipe, run_dir, **options):
    return train(
        model, data, recipe, run_dir, device="cpu", threads=1, show_progress=False, **options
    )


def same_weights(first: nn.Module, second: nn.Module) -> bool:
    states = first.state_dict(), second.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


# --- learning -----------------------------------------------------------------------------------


def test_iqnet_learns_a_filter_from_four_pictures(pairs, tmp_path):
    data = PicturePairs(pairs, crop=24, held_out=0, crops_per_picture=25)
    recipe = Recipe(epochs=16, batch_size=8, learning_rate=3e-3, best_by="train_loss")
    model = build_network("iqnet", seed=0)
    batches = [data.batch(0, number, 8) for number in range(4)]
    before = evaluate(model, batches, recipe)["val_loss"]
    summary = quiet(model, data, recipe, tmp_path)
    assert summary.train_loss < before / 2.5
    best = load_model(tmp_path / "best.pt", network="iqnet")
    assert evaluate(best, batches, recipe)["val_loss"] < before / 2.5


def test_two_outputs_with_weighted_losses_learn(tmp_path):
    data = Points()
    summary = quiet(two_heads(), data, points_recipe(epochs=60), tmp_path)
    first = float(rows_of(tmp_path)[0]["val_loss"])
    assert summary.val_loss < first / 3


def test_loss_is_the_weighted_sum():
    outputs = {"a": torch.tensor([[1.0]]), "b": torch.tensor([[0.0]])}
    targets = {"a": torch.tensor([[3.0]]), "b": torch.tensor([[1.0]])}
    recipe = Recipe(
        1, 1, (LossTerm("mae", 0.5, "a"), LossTerm("mse", 2, "a"), LossTerm("bce", 3, "b"))
    )
    assert float(recipe.loss(outputs, targets)) == pytest.approx(0.5 * 2 + 2 * 4 + 3 * np.log(2))
    with pytest.raises(UserError, match="output 'c'"):
        Recipe(1, 1, (LossTerm("mae", output="c"),)).loss(outputs, targets)
    with pytest.raises(UserError, match="differ in shape"):
        Recipe(1, 1, (LossTerm("mae", output="a"),)).loss(outputs, {"a": torch.zeros(1)})


def test_weights_of_samples_multiply_their_losses():
    recipe = points_recipe(losses=(LossTerm("mse"),))
    outputs, zeros = {"output": torch.tensor([1.0, 2.0, 3.0])}, torch.zeros(3)
    weighted = recipe.loss(outputs, {"output": zeros, "output.weight": torch.tensor([1, 0, 2.0])})
    assert float(weighted) == pytest.approx((1 * 1 + 2 * 9) / 3)
    ones = {"output": zeros, "output.weight": torch.ones(3)}
    assert float(recipe.loss(outputs, ones)) == float(recipe.loss(outputs, {"output": zeros}))


def test_average_of_the_weights_is_what_is_kept(tmp_path):
    plain_run = points_recipe(optimizer="sgd", learning_rate=0.05, epochs=2)
    steps = []
    for epochs in (1, 2):
        model = two_heads()
        quiet(model, Points(batches=1), replace(plain_run, epochs=epochs), tmp_path / str(epochs))
        steps.append(model.state_dict())
    averaged = two_heads()
    quiet(averaged, Points(batches=1), replace(plain_run, ema_decay=0.75), tmp_path / "ema")
    first, second = steps
    for name, weight in averaged.state_dict().items():
        expected = 0.75 * first[name] + 0.25 * second[name]
        torch.testing.assert_close(weight, expected, msg=name)


def test_average_survives_a_stop(tmp_path):
    whole = two_heads()
    recipe = points_recipe(epochs=4, ema_decay=0.9)
    quiet(whole, Points(), recipe, tmp_path / "whole")
    stopped = two_heads()

    def stop(row):
        if row["epoch"] == 2:
            raise _Killed

    with pytest.raises(_Killed):
        quiet(stopped, Points(), recipe, tmp_path / "stopped", on_metrics=stop)
    resumed = two_heads()
    quiet(resumed, Points(), recipe, tmp_path / "stopped")
    assert same_weights(whole, resumed)


def test_losses_in_the_table_are_means_over_steps_and_samples(tmp_path):
    data = Points(batches=25)
    recipe = points_recipe(epochs=1, optimizer="sgd", learning_rate=1e-12)
    model = two_heads()
    model.body[2].p = 0.0
    summary = quiet(model, data, recipe, tmp_path)
    of_batch = [evaluate(model, [data.batch(0, i, 8)], recipe)["val_loss"] for i in range(25)]
    assert summary.train_loss == pytest.approx(np.mean(of_batch), rel=1e-5)
    held = [evaluate(model, [batch], recipe)["val_loss"] for batch in data.validation(8)]
    assert summary.val_loss == pytest.approx((8 * held[0] + 4 * held[1]) / 12, rel=1e-5)


def test_frozen_parameters_stay(tmp_path):
    model = two_heads()
    model.body.requires_grad_(False)
    start = two_heads()
    quiet(model, Points(), points_recipe(), tmp_path)
    assert torch.equal(model.body[0].weight, start.body[0].weight)
    assert not torch.equal(model.level.weight, start.level.weight)


def test_learning_rate_is_halved():
    recipe = Recipe(epochs=1000, batch_size=1, learning_rate=1e-3, lr_step_epochs=250)
    assert [recipe.learning_rate_of(e) for e in (0, 249, 250, 999)] == [1e-3, 1e-3, 5e-4, 1.25e-4]


def test_schedules_begin_turn_and_end_where_they_should():
    cosine = Recipe(epochs=10, batch_size=1, learning_rate=1e-3, schedule="cosine")
    rates = [cosine.learning_rate_of(epoch) for epoch in (0, 2.5, 5, 10)]
    assert rates == pytest.approx([1e-3, 8.5355e-4, 5e-4, 0], rel=1e-4)
    cycle = Recipe(epochs=10, batch_size=1, learning_rate=1e-3, schedule="one_cycle")
    rates = [cycle.learning_rate_of(epoch) for epoch in (0, 3, 6.5, 10)]
    assert rates == pytest.approx([4e-5, 1e-3, 5e-4, 0], rel=1e-6)
    torch_cycle = torch.optim.lr_scheduler.OneCycleLR(
        torch.optim.SGD([torch.zeros(1)], 1.0), 1e-3, 1001, final_div_factor=1e12
    )
    for step in range(1000):
        expected = torch_cycle.get_last_lr()[0]
        assert cycle.learning_rate_of(step / 100) == pytest.approx(expected, rel=0.02, abs=1e-6)
        torch_cycle.optimizer.step()
        torch_cycle.step()


def test_adamw_decays_apart_from_the_gradient():
    model = torch.nn.Linear(3, 1)
    recipe = Recipe(epochs=1, batch_size=1, optimizer="adamw", weight_decay=0.1, learning_rate=0.5)
    before = model.weight.detach().clone()
    optimizer = recipe.make_optimizer(model)
    model.weight.grad, model.bias.grad = torch.zeros_like(model.weight), torch.zeros(1)
    optimizer.step()
    assert torch.allclose(model.weight, before * (1 - 0.5 * 0.1))


def test_gradient_clip_bounds_the_step(tmp_path):
    recipe = points_recipe(epochs=1, optimizer="sgd", learning_rate=1.0, gradient_clip=1e-3)
    model, start = two_heads(), two_heads()
    quiet(model, Points(batches=1), recipe, tmp_path)
    moved = [(a - b).detach() for a, b in zip(model.parameters(), start.parameters(), strict=True)]
    assert float(torch.cat([m.flatten() for m in moved]).norm()) == pytest.approx(1e-3, rel=1e-3)


def test_recipe_from_plain_data():
    config = {
        "epochs": 2,
        "batch_size": 3,
        "losses": [{"kind": "mse", "weight": 0.5}],
        "adam_epsilon": 1e-7,
    }
    recipe = Recipe(**config)
    assert recipe.losses == (LossTerm("mse", 0.5),)
    assert recipe.make_optimizer(two_heads()).defaults["eps"] == 1e-7
    assert Recipe(**json.loads(json.dumps(recipe.as_json()))) == recipe
    for wrong in ({"epoch": 2}, {"losses": "l3"}, {"epochs": 0}, {"optimizer": "lion"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Recipe(**{**config, **wrong})


# --- what a run leaves behind -------------------------------------------------------------------


def rows_of(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "metrics.csv").read_text())))


def test_metrics_best_and_summary(tmp_path):
    def level_error(outputs, targets):
        return (outputs["level"] - targets["level"]).abs().mean()

    reported = []
    recipe = points_recipe(epochs=6, learning_rate=0.3, best_by="level_error", lr_step_epochs=2)
    summary = quiet(
        two_heads(), Points(), recipe, tmp_path,
        metrics={"level_error": level_error}, on_metrics=reported.append,
    )  # fmt: skip
    rows = rows_of(tmp_path)
    assert list(rows[0]) == [*COLUMNS, "level_error"]
    assert [row["step"] for row in rows] == ["3", "6", "9", "12", "15", "18"]
    assert [float(row["lr"]) for row in rows] == [0.3, 0.3, 0.15, 0.15, 0.075, 0.075]
    assert [float(row["level_error"]) for row in rows] == [row["level_error"] for row in reported]
    errors = [row["level_error"] for row in reported]
    assert summary.best_epoch == errors.index(min(errors)) + 1
    best = two_heads()
    best.load_state_dict(torch.load(tmp_path / "best.pt", weights_only=True)["weights"])
    measured = evaluate(best, Points().validation(8), recipe, metrics={"level_error": level_error})
    assert measured["level_error"] == pytest.approx(min(errors))
    on_disk = json.loads((tmp_path / "summary.json").read_text())
    assert on_disk["parameters"] == 4 * 8 + 8 + 2 * 9
    assert on_disk["data_sha256"] == "points"
    assert on_disk["steps"] == 18 and on_disk["device"].startswith("cpu")
    assert on_disk["val_loss"] == reported[-1]["val_loss"]


def test_without_held_out_data_the_best_is_by_training_loss(tmp_path):
    data = Points(held_out=False)
    summary = quiet(two_heads(), data, points_recipe(best_by="train_loss"), tmp_path)
    assert summary.val_loss is None and summary.best_epoch is not None
    assert all(row["val_loss"] == "" for row in rows_of(tmp_path))


def test_unmeasured_best_is_refused(tmp_path):
    with pytest.raises(UserError, match="'accuracy', which is not measured"):
        quiet(two_heads(), Points(), points_recipe(best_by="accuracy"), tmp_path)


def test_a_line_in_logs_where_there_is_no_terminal(tmp_path, capsys):
    train(two_heads(), Points(), points_recipe(), tmp_path, device="cpu", threads=1)
    assert "training: step 3, epoch 1, train_loss" in capsys.readouterr().err


# --- the same again -----------------------------------------------------------------------------


def test_same_seed_same_run(tmp_path):
    models = [two_heads() for _ in range(3)]
    for number, (model, seed) in enumerate(zip(models, (1, 1, 2), strict=True)):
        quiet(model, Points(), points_recipe(seed=seed), tmp_path / str(number))
    assert same_weights(models[0], models[1])
    assert not same_weights(models[0], models[2])  # dropout differs


class _Killed(BaseException):
    pass


@settings(max_examples=8, deadline=None, derandomize=True)
@given(
    kills=st.lists(st.integers(0, 11), min_size=1, max_size=3), every=st.sampled_from([1, 2, None])
)
def test_stopped_anywhere_and_resumed_is_as_if_never_stopped(tmp_path_factory, kills, every):
    """Stops at every kind of moment: in a step, before and after a file takes its place."""
    folder = tmp_path_factory.mktemp("run")
    straight = two_heads()
    quiet(straight, Points(), points_recipe(), folder / "straight", checkpoint_every_steps=every)
    original = loop_module.save_checkpoint
    for number, kill in enumerate(kills):
        calls = 0

        def failing(*arguments, kill=kill, late=number % 2):
            nonlocal calls
            calls += 1
            if late:
                original(*arguments)
            if calls > kill:
                raise _Killed
            if not late:
                original(*arguments)

        loop_module.save_checkpoint = failing
        try:
            quiet(
                two_heads(), Points(), points_recipe(), folder / "run", checkpoint_every_steps=every
            )
        except _Killed:
            pass
        finally:
            loop_module.save_checkpoint = original
    resumed = two_heads()
    quiet(resumed, Points(), points_recipe(), folder / "run", checkpoint_every_steps=every)
    assert same_weights(resumed, straight)
    both = [torch.load(folder / run / "best.pt", weights_only=True) for run in ("run", "straight")]
    assert both[0]["training"] == both[1]["training"]
    timeless = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in rows_of(folder / run)]
        for run in ("run", "straight")
    ]
    assert timeless[0] == timeless[1]


CHILD = """
import sys
from pathlib import Path
from jndlab.models.model_files import build_network
from jndlab.training.loop import train
from jndlab.training.samplers.picture_pairs import PicturePairs, find_pairs
from jndlab.training.recipe import Recipe
root, folder = Path(sys.argv[1]), sys.argv[2]
data = PicturePairs(find_pairs(root / "source", root / "target"), crop=16, crops_per_picture=8)
train(build_network("iqnet", seed=0), data, Recipe(epochs=100000, batch_size=4), folder,
      device="cpu", threads=1, checkpoint_every_steps=4, show_progress=False)
"""


def test_killed_process_is_resumed_bit_for_bit(pairs, tmp_path, repository, monkeypatch):
    """SIGKILL at a moment of chance; both runs then end at the epoch after the kill."""
    root, folder = pairs[0][0].parent.parent, tmp_path / "run"
    environment = {**os.environ, "PYTHONPATH": str(repository / "workflow_scripts")}
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(root), str(folder)],
        env=environment,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not (folder / "last.pt").exists() and child.poll() is None:
        assert time.monotonic() < deadline, "the child made no checkpoint"
        time.sleep(0.02)
    time.sleep(0.25)
    child.send_signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL, child.stderr.read().decode()
    child.stderr.close()
    reached = torch.load(folder / "last.pt", weights_only=True)["training"]
    assert reached["step"] >= 4
    # The child's recipe is endless; stop both of its twins in time by the same callback.
    stop_after = reached["epoch"] + 2

    def stop(row):
        if row["epoch"] == stop_after:
            raise _Killed

    data = PicturePairs(pairs, crop=16, crops_per_picture=8)
    models = [build_network("iqnet", seed=0) for _ in range(2)]
    for model, place in zip(models, (folder, tmp_path / "straight"), strict=True):
        with pytest.raises(_Killed):
            quiet(
                model, data, Recipe(epochs=100000, batch_size=4), place,
                checkpoint_every_steps=4, on_metrics=stop,
            )  # fmt: skip
    assert same_weights(models[0], models[1])
    assert not same_weights(models[0], build_network("iqnet", seed=0))


def test_finished_run_returns_at_once(tmp_path):
    first = quiet(two_heads(), Points(), points_recipe(), tmp_path)
    model = TwoHeads()
    again = quiet(model, Points(bad_step=1), points_recipe(), tmp_path)
    assert again.train_loss == first.train_loss and again.steps == first.steps
    assert len(rows_of(tmp_path)) == 4


def test_half_a_line_of_metrics_is_dropped(tmp_path):
    quiet(two_heads(), Points(), points_recipe(), tmp_path)
    whole = (tmp_path / "metrics.csv").read_text()
    (tmp_path / "metrics.csv").write_text(whole + "1")
    quiet(two_heads(), Points(), points_recipe(), tmp_path)
    assert (tmp_path / "metrics.csv").read_text() == whole


# --- what is refused ----------------------------------------------------------------------------


def test_nan_names_the_step_and_keeps_the_last_sound_checkpoint(tmp_path):
    with pytest.raises(UserError) as caught:
        quiet(two_heads(), Points(bad_step=8), points_recipe(), tmp_path)
    message = str(caught.value)
    assert "nan at step 8 (learning rate 0.02)" in message
    assert "gradient_clip" in message and "last.pt" in message
    kept = torch.load(tmp_path / "last.pt", weights_only=True)
    assert kept["training"]["step"] == 6
    assert all(torch.isfinite(weight).all() for weight in kept["weights"].values())


class Root(nn.Module):
    """A finite output whose gradient is not."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return {"level": (self.scale * 0 * x[:, :1]).sqrt()}


def test_weights_spoilt_by_a_finite_loss_are_not_kept(tmp_path):
    recipe = points_recipe(losses=(LossTerm("mse", output="level"),))
    with pytest.raises(UserError, match="weight 'scale' is not finite after step 1 "):
        quiet(Root(), Points(), recipe, tmp_path, checkpoint_every_steps=1)
    assert not (tmp_path / "last.pt").exists()
    with pytest.raises(UserError, match="weight 'scale' is not finite after step 1 "):
        quiet(Root(), Points(batches=1), recipe, tmp_path)
    assert not (tmp_path / "best.pt").exists()


def test_diverging_run_never_writes_unsound_weights(tmp_path):
    recipe = points_recipe(epochs=50, optimizer="sgd", learning_rate=1e20)
    with pytest.raises(UserError, match="learning rate 1e\\+20"):
        quiet(two_heads(), Points(batches=1), recipe, tmp_path, checkpoint_every_steps=1)
    for name in ("last.pt", "best.pt"):
        if (tmp_path / name).exists():
            kept = torch.load(tmp_path / name, weights_only=True)["weights"]
            assert all(torch.isfinite(weight).all() for weight in kept.values())


def test_checkpoint_of_another_recipe_network_or_data(tmp_path, pairs):
    quiet(two_heads(), Points(), points_recipe(), tmp_path)
    with pytest.raises(UserError, match=r"learning_rate = 0\.5, found 0\.02"):
        quiet(two_heads(), Points(), points_recipe(learning_rate=0.5), tmp_path)
    other = Points()
    other.sha256 = "elsewhere"
    with pytest.raises(UserError, match="data elsewhere, found points"):
        quiet(two_heads(), other, points_recipe(), tmp_path)
    with pytest.raises(
        UserError, match=r"iqnet\(channels=8, .*\) with 945 parameters, found .*TwoHeads"
    ):
        quiet(build_network("iqnet", {"channels": 8}), Points(), points_recipe(), tmp_path)


def test_weight_decay_may_leave_biases_alone():
    for decay_biases in (True, False):
        network = nn.Linear(2, 2)
        with torch.no_grad():
            network.bias.fill_(1.0)
        before = network.weight.detach().clone()
        recipe = points_recipe(
            optimizer="sgd", learning_rate=0.1, weight_decay=0.5, decay_biases=decay_biases
        )
        optimizer = recipe.make_optimizer(network)
        for parameter in network.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
        assert torch.allclose(network.weight, 0.95 * before)
        assert network.bias.tolist() == pytest.approx([0.95 if decay_biases else 1.0] * 2)


def test_two_trainings_take_two_gpus(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(devices, "_taken", first := {})
    assert choose_device() == torch.device("cuda", 0) == choose_device()
    monkeypatch.setattr(devices, "_taken", second := {})  # another process: a lock of its own
    assert choose_device() == torch.device("cuda", 1)
    monkeypatch.setattr(devices, "_taken", {})  # a third finds both taken
    assert choose_device() == torch.device("cuda", 0)
    first[0].close()  # the first training ends
    monkeypatch.setattr(devices, "_taken", {})
    assert choose_device() == torch.device("cuda", 0)
    assert list(second) == [1]


def test_devices():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    for wrong in ("cuda:77", "tpu", "meta"):
        with pytest.raises(UserError):
            choose_device(wrong)


# --- pictures -----------------------------------------------------------------------------------


def save(path: Path, array: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)
    return path


def test_crops_follow_from_seed_and_epoch_alone(pairs):
    def all_of(data, epoch):
        return torch.cat(
            [data.batch(epoch, i, 4).inputs[0] for i in range(data.steps_per_epoch(4))]
        )

    settings_ = {"crop": 24, "crops_per_picture": 3, "augment": True}
    first, second = PicturePairs(pairs, **settings_), PicturePairs(pairs, **settings_)
    late = all_of(second, 7)  # an epoch reached without those before it, as after a kill
    assert torch.equal(all_of(first, 7), late)
    assert not torch.equal(all_of(first, 6), late)
    assert not torch.equal(all_of(PicturePairs(pairs, seed=1, **settings_), 7), late)
    assert late.shape == (9, 1, 24, 24)  # three of four pictures, one is held out


def test_pair_is_cut_at_one_place_and_target_margin(tmp_path):
    ramp = (np.arange(40)[:, None] * 5 + np.arange(50)[None]).astype(np.uint8)
    pair = (save(tmp_path / "a/x.png", ramp), save(tmp_path / "b/x.png", ramp))
    data = PicturePairs(
        [pair], crop=14, held_out=0, target_margin=3, augment=True, crops_per_picture=20
    )
    batch = data.batch(0, 0, 20)
    assert batch.targets["output"].shape == (20, 1, 8, 8)
    assert torch.equal(batch.inputs[0][:, :, 3:-3, 3:-3], batch.targets["output"])
    assert batch.inputs[0].min() >= 0 and batch.inputs[0].max() <= 1
    assert len({tuple(x.flatten().tolist()) for x in batch.inputs[0]}) > 10


def test_held_out_pictures_are_never_trained_on(tmp_path):
    planes = [np.full((20, 20), value, dtype=np.uint8) for value in range(40)]
    paths = [save(tmp_path / f"{i:02}.png", plane) for i, plane in enumerate(planes)]
    data = PicturePairs([(p, p) for p in paths], crop=16)
    held = {round(float(v) * 255) for b in data.validation(3) for v in b.inputs[0][:, 0, 0, 0]}
    trained = {round(float(v) * 255) for v in data.batch(0, 0, 99).inputs[0][:, 0, 0, 0]}
    assert len(held) == 2  # 5 % of 40
    assert held | trained == set(range(40)) and not held & trained
    other = PicturePairs([(p, p) for p in paths], crop=16, seed=1)
    assert other.held_out != data.held_out and other.sha256 != data.sha256


def test_beyond_the_memory_limit_pictures_are_read_again(pairs):
    kept, read = PicturePairs(pairs, crop=32), PicturePairs(pairs, crop=32, ram_bytes=0)
    assert not read.kept and len(kept.kept) == 4
    assert torch.equal(kept.batch(3, 0, 3).inputs[0], read.batch(3, 0, 3).inputs[0])
    assert kept.sha256 == read.sha256


def test_data_hash_changes_with_one_sample(tmp_path):
    plane = np.zeros((20, 20), dtype=np.uint8)
    path = save(tmp_path / "x.png", plane)
    before = PicturePairs([(path, path)], crop=16).sha256
    plane[3, 4] = 1
    save(path, plane)
    assert PicturePairs([(path, path)], crop=16).sha256 != before


def test_colour_becomes_the_luma_that_ffmpeg_makes(tmp_path):
    picture = save(tmp_path / "astronaut.png", skimage.data.astronaut()[:128, :128])
    raw = run(["-i", str(picture), "-pix_fmt", "yuv444p", "-f", "rawvideo", "-"]).stdout
    expected = np.frombuffer(raw, np.uint8)[: 128 * 128].reshape(128, 128)
    difference = np.abs(read_luma(picture).astype(int) - expected)
    assert difference.max() <= 2 and difference.mean() < 0.5
    save(tmp_path / "black.png", np.zeros((8, 8, 3), np.uint8))
    save(tmp_path / "white.png", np.full((8, 8, 3), 255, np.uint8))
    assert read_luma(tmp_path / "black.png").max() == 16
    assert read_luma(tmp_path / "white.png").min() == 235


def test_grey_16_bit_and_transparent_pictures(tmp_path):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert np.array_equal(read_luma(save(tmp_path / "grey.png", grey)), grey)
    deep = read_luma(save(tmp_path / "deep.png", grey.astype(np.uint16) * 257))
    assert deep.dtype == np.float32 and np.allclose(deep, grey)
    rgba = np.dstack([grey, grey, grey, np.full_like(grey, 255)])
    rgb = save(tmp_path / "rgb.png", rgba[..., :3].copy())
    assert np.array_equal(read_luma(save(tmp_path / "rgba.png", rgba)), read_luma(rgb))
    mixed = PicturePairs([(tmp_path / "deep.png", tmp_path / "grey.png")], crop=16, held_out=0)
    batch = mixed.batch(0, 0, 1)
    assert torch.allclose(batch.inputs[0], batch.targets["output"], atol=1e-6)


def test_unusable_pictures_are_named(tmp_path, pairs):
    plane = np.zeros((32, 48), np.uint8)
    good = save(tmp_path / "s/good.png", plane)
    with pytest.raises(UserError, match="does not exist"):
        find_pairs(tmp_path / "absent", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no pictures"):
        find_pairs(tmp_path / "empty", tmp_path)
    with pytest.raises(UserError, match="no pictures to train on"):
        PicturePairs([])
    save(tmp_path / "t/other.png", plane)
    with pytest.raises(UserError, match="no counterpart"):
        find_pairs(tmp_path / "s", tmp_path / "t")
    cut = tmp_path / "cut.png"
    cut.write_bytes(pairs[0][0].read_bytes()[:3000])
    with pytest.raises(UserError, match=r"cut\.png"):
        PicturePairs([(good, cut)], crop=16)
    with pytest.raises(UserError, match="48x32, found 32x48"):
        PicturePairs([(good, save(tmp_path / "turned.png", plane.T.copy()))], crop=16)
    with pytest.raises(UserError, match="at least 64x64, found 48x32"):
        PicturePairs([(good, good)], crop=64)
