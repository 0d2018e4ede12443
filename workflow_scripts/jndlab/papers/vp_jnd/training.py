"""Training of VP-JNDnet and of its predecessor on labelled pictures, to files for use."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from jndlab.codecs.stills.base import StillCodec
from jndlab.codecs.stills.store import StillStore
from jndlab.errors import UserError
from jndlab.models.model_files import build_network, read_model_file, save_model
from jndlab.models.vp_jnd.liu_pw_jnd import LiuPwJnd
from jndlab.models.vp_jnd.network import VpJndNet
from jndlab.models.vp_jnd.onnx import export_classifier
from jndlab.models.vp_jnd.patch_classifier import PatchClassifier
from jndlab.models.vp_jnd.picture_view import PictureView
from jndlab.models.vp_jnd.torch import TorchClassifier
from jndlab.papers.vp_jnd.validation import SOUND, best_shift, examine, logit_curve
from jndlab.training.export import export_training, run_dir_of
from jndlab.training.loop import BEST, train
from jndlab.training.recipe import LossTerm, Recipe
from jndlab.training.samplers.coded_pairs import (
    LabelledPicture,
    PicturePairsJnd,
    accuracy,
)
from jndlab.training.samplers.pair_sampling import PairSampling

NETWORKS: dict[str, type[PatchClassifier]] = {"vp_jnd": VpJndNet, "liu_pw_jnd": LiuPwJnd}
OF_RECIPE = ("batch_size", "learning_rate", "schedule", "gradient_clip", "ema_decay")


def train_classifier(
    name: str,
    network: Mapping[str, Any],
    training: Mapping[str, Any],
    learned: Sequence[LabelledPicture],
    validating: Sequence[LabelledPicture],
    codec: StillCodec,
    store: StillStore,
    folder: Path,
    *,
    seed: int,
    source: str,
    on_metrics: Callable[[dict[str, Any]], None] | None = None,
    threads: int | None = None,
) -> None:
    """Train ``name`` (a key of :data:`NETWORKS`) by ``training`` and export it to ``folder``.

    ``network`` and ``training`` are those of the configuration (``vp_jnd``), ``source`` is where
    the pictures are from, for the record in ``summary.json``. What the network then does on the
    validation pictures is part of that record (``validation``), shifts its threshold (``calibrate``
    of the training), and goes with its labels into the model files, for :class:`VpJndChoice`. The
    state of the run is kept below ``folder``, by recipe and data: a killed training resumes there.
    """
    epoch_steps = -(-training["steps"] // training["validations"])
    sampling = PairSampling(**{key: training[key] for key in PairSampling.model_fields})
    pairs = PicturePairsJnd(
        learned,
        validating,
        codec,
        store,
        sampling,
        seed=seed,
        epoch_steps=epoch_steps,
        patch_size=network["patch_size"],
        with_jnd=NETWORKS[name].uses_jnd,
    )
    recipe = Recipe(
        **{key: training[key] for key in OF_RECIPE},
        epochs=-(-training["steps"] // epoch_steps),
        losses=(LossTerm("bce"),),
        best_by="val_loss" if validating else "train_loss",
        seed=seed,
    )
    model = build_network(name, dict(network), seed=seed)
    assert isinstance(model, PatchClassifier)
    strengthen_differences(model, training["difference_gain"])
    kind = [recipe.as_json(), pairs.sha256, str(model), training["difference_gain"], dict(network)]
    run_dir = run_dir_of(folder, *kind)
    train(
        model,
        pairs,
        recipe,
        run_dir,
        threads=threads,
        on_metrics=on_metrics,
        metrics={"accuracy": accuracy},
        show_progress=False,
    )
    view = {key: getattr(sampling, key) for key in PictureView.model_fields}
    classifier = TorchClassifier.load(run_dir / BEST, use={"view": view})
    metadata = {}
    if validating:
        calibrate, labels = training["calibrate"], [picture.pw_jnd for picture in learned]
        found = finish(classifier, labels, validating, codec, store, calibrate=calibrate)
        metadata = {"validation": found}
        if found["state"] != SOUND:
            logging.warning("%s, seed %d: %s", name, seed, found["state"])
    used = run_dir / "used.pt"
    record = read_model_file(run_dir / BEST)["training"]
    save_model(used, classifier.network, training=record, use=classifier.use)
    export_training(
        run_dir,
        folder,
        partial(export_classifier, use=classifier.use),
        kept=used,
        metadata=metadata,
        conditions={"training_source": source, "training_pictures": len(learned)},
    )


def finish(
    classifier: TorchClassifier,
    labels: Sequence[int],
    validating: Sequence[LabelledPicture],
    codec: StillCodec,
    store: StillStore,
    *,
    calibrate: bool,
) -> dict[str, Any]:
    """Try a trained classifier on its validation pictures; what was found, for its record.

    ``calibrate`` shifts its threshold (:func:`~jndlab.papers.vp_jnd.validation.best_shift`).
    ``labels`` are those of the training pictures; with the error found they become its ``prior``.
    """
    curves = [logit_curve(classifier, picture, codec, store) for picture in validating]
    shift = best_shift(curves, validating, codec.qualities) if calibrate else 0.0
    last = classifier.network.quality_head[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias.sub_(shift)  # weights of patches sum to 1: the logit shifts as much
    found = examine([curve - shift for curve in curves], validating, labels, codec.qualities)
    classifier.use["prior"] = {"labels": sorted(labels), "spread": found["mean_abs_dqf"]}
    return {**found, "shift": shift}


def strengthen_differences(network: PatchClassifier, gain: float) -> None:
    """Let the quality head start with weights of R - D that are ``gain`` times as strong.

    Features of a picture and its coded version differ by a few percent of themselves, and a
    network that starts with equal weights for R, D and R - D spends its first hundreds of steps on
    finding the last. 1 leaves the authors' start. Raises UserError for heads that see no R - D.
    """
    if gain == 1:
        return
    if getattr(network, "inputs", "graph") != "graph":
        raise UserError(
            "the quality head of the figure sees no differences.",
            where="`vp_jnd.training.difference_gain`",
            expected=f"1 with `inputs: figure`, found {gain:g}",
        )
    first = network.quality_head[0]
    assert isinstance(first, nn.Linear)
    with torch.no_grad():
        first.weight[:, 2 * first.in_features // 3 :].mul_(gain)
