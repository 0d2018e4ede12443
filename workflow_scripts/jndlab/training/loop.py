"""The one training loop of the suite: seeded, resumable after a kill, watched while it runs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from jndlab.errors import UserError
from jndlab.files import write_json
from jndlab.models.model_files import (
    architecture_of,
    first_unsound_weight,
    parameter_count,
    save_model,
)
from jndlab.training.checkpoints import (
    Progress,
    RunIdentity,
    load_checkpoint,
    save_checkpoint,
    training_metadata,
)
from jndlab.training.devices import choose_device, device_name, torch_threads
from jndlab.training.journal import Journal
from jndlab.training.recipe import Batch, Recipe, TrainingData, named_outputs

LAST, BEST, METRICS, SUMMARY = "last.pt", "best.pt", "metrics.csv", "summary.json"
# The loss is fetched from the device every n-th step: each fetch waits for all its work.
LOSS_FETCH_STEPS = 20

Metric = Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], Tensor]
Metrics = dict[str, float | int | None]


@dataclass(frozen=True)
class TrainingSummary:
    """Summary of a finished run, as in ``summary.json``."""

    architecture: dict[str, Any]
    recipe: dict[str, Any]
    recipe_sha256: str
    data_sha256: str
    parameters: int
    epochs: int
    steps: int
    seconds: float
    steps_per_second: float | None
    device: str
    torch_version: str
    threads: int
    best_by: str
    best_epoch: int | None
    best_value: float | None
    train_loss: float | None
    val_loss: float | None


def train(
    model: nn.Module,
    data: TrainingData,
    recipe: Recipe,
    run_dir: str | Path,
    *,
    device: str = "auto",
    threads: int | None = None,
    metrics: Mapping[str, Metric] | None = None,
    checkpoint_every_epochs: int = 1,
    checkpoint_every_steps: int | None = None,
    on_metrics: Callable[[Metrics], None] | None = None,
    show_progress: bool = True,
) -> TrainingSummary:
    """Train ``model`` by ``recipe``, or continue from the checkpoint in ``run_dir``.

    ``run_dir`` gets ``last.pt`` (the whole state), ``best.pt`` (weights of the best epoch),
    ``metrics.csv`` (a row per epoch: step, epoch, train_loss, val_loss, lr, seconds, and each of
    ``metrics``: functions of named outputs and targets, averaged over the held-out samples) and,
    at the end, ``summary.json``. ``on_metrics`` receives each row as it is written. On one device
    and number of threads, a run killed at any moment and continued ends with the weights of a run
    that was not (bit for bit on the CPU). A finished run returns at once. ``model`` ends with the
    last weights (their average where the recipe has one), on the CPU.

    Raises UserError when the loss is no longer finite (``last.pt`` stays at the last sound state),
    or when ``run_dir`` belongs to another network, recipe or data set.
    """
    with torch_threads(threads) as used_threads:
        run = _Run(model, data, recipe, Path(run_dir), choose_device(device), dict(metrics or {}))
        run.checkpoint_every_epochs = checkpoint_every_epochs
        run.checkpoint_every_steps = checkpoint_every_steps
        try:
            run.start(on_metrics, show_progress)
            run.finish_all_epochs()
            run.leave_average_in_model()
        finally:
            run.journal.close()
            model.to("cpu").to(memory_format=torch.contiguous_format).eval()
        return run.summarise(used_threads)


def evaluate(
    model: nn.Module,
    batches: Iterable[Batch],
    recipe: Recipe,
    device: torch.device | str = "cpu",
    metrics: Mapping[str, Metric] | None = None,
) -> dict[str, float]:
    """Mean ``val_loss`` and ``metrics`` over the samples of ``batches``; empty if there are none.

    The model is used in evaluation mode, in float32, and left in it.
    """
    sums: dict[str, float] = {}
    samples = 0
    model.eval()
    with torch.inference_mode():
        for batch in batches:
            inputs, targets = _moved(batch, torch.device(device))
            outputs = named_outputs(model(*inputs))
            count = inputs[0].shape[0]
            values = {"val_loss": recipe.loss(outputs, targets)}
            values |= {name: metric(outputs, targets) for name, metric in (metrics or {}).items()}
            for name, value in values.items():
                sums[name] = sums.get(name, 0.0) + float(value) * count
            samples += count
    return {name: total / samples for name, total in sums.items()}


class _Run:
    """One call of :func:`train`."""

    checkpoint_every_epochs: int
    checkpoint_every_steps: int | None

    def __init__(
        self,
        model: nn.Module,
        data: TrainingData,
        recipe: Recipe,
        folder: Path,
        device: torch.device,
        metrics: dict[str, Metric],
    ) -> None:
        self.model, self.data, self.recipe, self.folder = model, data, recipe, folder
        self.device, self.metrics = device, metrics
        self.steps_per_epoch = data.steps_per_epoch(recipe.batch_size)
        if self.steps_per_epoch < 1:
            raise UserError("there are no samples to train on.", where=str(folder))
        columns = ["step", "epoch", "train_loss", "val_loss", "lr", "seconds", *metrics]
        if recipe.best_by not in columns:
            raise UserError(
                f"the best epoch is to be chosen by '{recipe.best_by}', which is not measured.",
                expected=", ".join(["train_loss", "val_loss", *metrics]),
            )
        self.journal = Journal(folder / METRICS, columns)
        self.identity = RunIdentity(recipe.as_json(), data.sha256)
        self.progress = Progress()
        self.fetched_losses: list[Tensor] = []

    def start(self, on_metrics: Callable[[Metrics], None] | None, show_progress: bool) -> None:
        """Set the seeds and the state: a new run's, or that of the checkpoint found."""
        # Channels last trains these convolutions 1.5 to 2 times as fast on the CPU.
        self.model.to(self.device).to(memory_format=torch.channels_last)
        self.optimizer = self.recipe.make_optimizer(self.model)
        half = self.recipe.mixed_precision and self.device.type == "cuda"
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=half)
        self.average: AveragedModel | None = None
        if self.recipe.ema_decay is not None:
            mean_of = get_ema_multi_avg_fn(self.recipe.ema_decay)
            self.average = AveragedModel(self.model, multi_avg_fn=mean_of)
        torch.manual_seed(self.recipe.seed)
        if (self.folder / LAST).exists():
            self.progress = load_checkpoint(
                self.folder / LAST,
                self.model,
                self.optimizer,
                self.scaler,
                self.identity,
                self.average,
            )
        self.clock = time.monotonic() - self.progress.seconds
        total = self.recipe.epochs * self.steps_per_epoch
        self.journal.open(self.progress.step, total, on_metrics, show_progress)

    def finish_all_epochs(self) -> None:
        """Train what is left."""
        while self.progress.epoch < self.recipe.epochs:
            self._finish_epoch()

    def leave_average_in_model(self) -> None:
        """Where the recipe averages the weights, the average is what the training made."""
        if self.average is not None:
            self.model.load_state_dict(self.average.module.state_dict())

    def summarise(self, threads: int) -> TrainingSummary:
        """The summary of a finished run, also written to ``summary.json``."""
        done = self.progress
        summary = TrainingSummary(
            architecture=architecture_of(self.model),
            recipe=self.identity.recipe,
            recipe_sha256=self.identity.recipe_sha256,
            data_sha256=self.identity.data_sha256,
            parameters=parameter_count(self.model),
            epochs=done.epoch,
            steps=done.step,
            seconds=round(done.seconds, 3),
            steps_per_second=round(done.step / done.seconds, 3) if done.seconds else None,
            device=f"{self.device.type}: {device_name(self.device)}",
            torch_version=torch.__version__,
            threads=threads,
            best_by=self.recipe.best_by,
            best_epoch=done.best_epoch,
            best_value=done.best_value,
            train_loss=done.train_loss,
            val_loss=done.val_loss,
        )
        write_json(self.folder / SUMMARY, asdict(summary))
        return summary

    def _finish_epoch(self) -> None:
        now = self.progress
        self.model.train()
        for index in range(now.step_in_epoch, self.steps_per_epoch):
            rate = self.recipe.learning_rate_of(now.epoch + index / self.steps_per_epoch)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            self._take_step(self.data.batch(now.epoch, index, self.recipe.batch_size))
            now.step += 1
            now.step_in_epoch += 1
            if len(self.fetched_losses) >= LOSS_FETCH_STEPS:
                self._fetch_losses()
            every = self.checkpoint_every_steps
            if every and now.step % every == 0 and now.step_in_epoch < self.steps_per_epoch:
                self._save_checkpoint()
        self._fetch_losses()
        now.train_loss = now.epoch_loss_sum / self.steps_per_epoch
        now.epoch, now.step_in_epoch, now.epoch_loss_sum = now.epoch + 1, 0, 0.0
        self._close_epoch(self.optimizer.param_groups[0]["lr"])

    def _take_step(self, batch: Batch) -> None:
        inputs, targets = _moved(batch, self.device)
        with torch.autocast(self.device.type, torch.float16, enabled=self.scaler.is_enabled()):
            returned = self.model(*inputs)
        loss = self.recipe.loss(named_outputs(returned), targets)
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()
        if self.recipe.gradient_clip is not None:
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.gradient_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average is not None:
            self.average.update_parameters(self.model)
        self.fetched_losses.append(loss.detach())

    def _fetch_losses(self) -> None:
        """Add up the losses of the latest steps; stop at the first that is not finite."""
        if not self.fetched_losses:
            return
        values = torch.stack(self.fetched_losses).tolist()
        self.fetched_losses.clear()
        first_step = self.progress.step - len(values) + 1
        for step, value in enumerate(values, first_step):
            if not math.isfinite(value):
                raise self._not_finite(f"the training loss became {value} at step {step}")
            self.progress.epoch_loss_sum += value
        self.journal.advance(self.progress.step, values[-1])

    def _close_epoch(self, rate: float) -> None:
        now = self.progress
        self._require_sound_weights()
        last = now.epoch == self.recipe.epochs
        measured: dict[str, float] = {}
        if last or now.epoch % self.recipe.validate_every_epochs == 0:
            batches = self.data.validation(self.recipe.batch_size)
            measured = evaluate(self._kept_model(), batches, self.recipe, self.device, self.metrics)
        now.val_loss = measured.get("val_loss")
        if now.val_loss is not None and not math.isfinite(now.val_loss):
            raise self._not_finite(f"the validation loss became {now.val_loss} at step {now.step}")
        now.seconds = time.monotonic() - self.clock
        row: Metrics = {"step": now.step, "epoch": now.epoch, "train_loss": now.train_loss}
        row |= {"val_loss": now.val_loss, "lr": rate, "seconds": round(now.seconds, 3)}
        row |= {name: measured.get(name) for name in self.metrics}
        self.journal.write(row)
        self._keep_if_best(row[self.recipe.best_by])
        if last or now.epoch % self.checkpoint_every_epochs == 0:
            self._save_checkpoint()

    def _keep_if_best(self, value: float | int | None) -> None:
        now = self.progress
        if value is None:
            return
        sign = 1 if self.recipe.best_is == "min" else -1
        if now.best_value is None or sign * value < sign * now.best_value:
            now.best_value, now.best_epoch = float(value), now.epoch
            metadata = training_metadata(self.identity, now)
            save_model(self.folder / BEST, self._kept_model(), training=metadata)

    def _kept_model(self) -> nn.Module:
        return self.model if self.average is None else self.average.module

    def _save_checkpoint(self) -> None:
        self._fetch_losses()
        self._require_sound_weights()
        self.progress.seconds = time.monotonic() - self.clock
        arguments = (self.model, self.optimizer, self.scaler, self.identity, self.progress)
        save_checkpoint(self.folder / LAST, *arguments, self.average)

    def _require_sound_weights(self) -> None:
        # A step may spoil the weights with a loss that was still finite.
        if (name := first_unsound_weight(self.model)) is not None:
            raise self._not_finite(f"weight '{name}' is not finite after step {self.progress.step}")

    def _not_finite(self, what: str) -> UserError:
        rate = self.optimizer.param_groups[0]["lr"]
        kept = self.folder / LAST
        return UserError(
            f"{what} (learning rate {rate:g}).",
            where=str(self.folder),
            expected="finite numbers; "
            + (f"the last sound state is kept in {kept.name}" if kept.exists() else "no state yet"),
            remedy="lower `learning_rate` or set `gradient_clip` (or `mixed_precision: false` on "
            "CUDA), check the data for empty samples, and train in a new run folder.",
        )


def _moved(batch: Batch, device: torch.device) -> tuple[list[Tensor], dict[str, Tensor]]:
    inputs = [tensor.to(device, non_blocking=True) for tensor in batch.inputs]
    return inputs, {k: v.to(device, non_blocking=True) for k, v in batch.targets.items()}
