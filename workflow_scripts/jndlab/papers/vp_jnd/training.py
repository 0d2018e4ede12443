"""Training of VP-JNDnet and of its predecessor on labelled pictures, to files for use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from jndlab.codecs.stills.base import StillCodec
from jndlab.codecs.stills.store import StillStore
from jndlab.errors import UserError
from jndlab.models.model_files import build_network
from jndlab.models.vp_jnd.liu_pw_jnd import LiuPwJnd
from jndlab.models.vp_jnd.network import VpJndNet
from jndlab.models.vp_jnd.onnx import export_classifier
from jndlab.models.vp_jnd.patch_classifier import PatchClassifier
from jndlab.training.export import export_training, run_dir_of
from jndlab.training.loop import train
from jndlab.training.recipe import LossTerm, Recipe
from jndlab.training.samplers.coded_pairs import (
    LabelledPicture,
    PicturePairsJnd,
    accuracy,
)
from jndlab.training.samplers.pair_sampling import PairSampling

NETWORKS: dict[str, type[PatchClassifier]] = {"vp_jnd": VpJndNet, "liu_pw_jnd": LiuPwJnd}
OF_RECIPE = ("epochs", "batch_size", "learning_rate", "ema_decay", "seed")


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
    source: str,
    on_metrics: Callable[[dict[str, Any]], None] | None = None,
    threads: int | None = None,
) -> None:
    """Train ``name`` (a key of :data:`NETWORKS`) by ``training`` and export it to ``folder``.

    ``network`` and ``training`` are those of the configuration (``vp_jnd``), ``source`` is where
    the pictures are from, for the record in ``summary.json``. The state of the run
    is kept below ``folder``, by recipe and data: a killed training resumes there.
    """
    pairs = PicturePairsJnd(
        learned,
        validating,
        codec,
        store,
        PairSampling(**{key: training[key] for key in PairSampling.model_fields}),
        patch_size=network["patch_size"],
        with_jnd=NETWORKS[name].uses_jnd,
    )
    recipe = Recipe(
        **{key: training[key] for key in OF_RECIPE},
        losses=(LossTerm("bce"),),
        best_by="val_loss" if validating else "train_loss",
    )
    model = build_network(name, dict(network), seed=training["seed"])
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
    conditions = {"training_source": source, "training_pictures": len(learned)}
    export_training(run_dir, folder, export_classifier, conditions=conditions)


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
