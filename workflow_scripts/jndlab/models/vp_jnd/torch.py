"""A trained patch classifier in torch, as a quality selector calls it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from jndlab.errors import UserError
from jndlab.models.model_files import load_model, read_model_file
from jndlab.models.vp_jnd.patch_classifier import PatchClassifier


class TorchClassifier:
    """Scores coded versions of one picture, whose features are computed once."""

    def __init__(self, network: PatchClassifier, use: Mapping[str, Any] | None = None) -> None:
        self.network, self.use = network.eval(), dict(use or {})
        self.patch_size, self.uses_jnd = network.patch_size, network.uses_jnd

    @classmethod
    def load(
        cls, path: str | Path, threads: int | None = None, use: Mapping[str, Any] | None = None
    ) -> TorchClassifier:
        """The classifier of a model file; raises UserError where it holds no patch classifier.

        ``threads`` are torch's for the whole process; None leaves them. ``use`` takes the place of
        what the file holds.
        """
        if threads:
            torch.set_num_threads(threads)
        network = load_model(path)
        if not isinstance(network, PatchClassifier):
            raise UserError(
                "a model file holds no classifier of picture patches.",
                where=str(path),
                expected=f"vp_jnd or liu_pw_jnd, found {type(network).__name__}",
            )
        return cls(network, use or read_model_file(path).get("use"))

    def set_picture(self, reference: np.ndarray, jnd: np.ndarray | None) -> None:
        with torch.inference_mode():
            self.reference = self.network.features(torch.from_numpy(reference)[None])
            self.jnd = None
            if jnd is not None:
                self.jnd = self.network.features(torch.from_numpy(jnd)[None], of_jnd=True)

    def __call__(self, distorted: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        with torch.inference_mode():
            features = self.network.features(torch.from_numpy(distorted)[None])
            verdict = self.network.classify(self.reference, features, self.jnd)
        return float(verdict.logit), verdict.quality[0].numpy(), verdict.weight[0].numpy()
