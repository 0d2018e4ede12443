"""Patch classifiers as ONNX: export with free numbers of pictures and patches, and running them."""

from __future__ import annotations

import copy
import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.models.onnx_runtime import ARCHITECTURE_KEY, OPSET, cpu_session

if TYPE_CHECKING:  # torch takes seconds to import, and running a classifier needs none of it
    from jndlab.models.vp_jnd.patch_classifier import PatchClassifier

INPUTS = ("reference", "distorted", "jnd")
OUTPUTS = ("logit", "quality", "weight")


def export_classifier(network: PatchClassifier, path: str | Path) -> None:
    """Write a classifier as an ONNX file, atomically.

    Inputs ``reference``, ``distorted`` and (if it uses it) ``jnd`` are float32 N x P x 3 x h x w in
    0..1 with N and P free; outputs ``logit`` (N), ``quality`` and ``weight`` (N x P).
    """
    import onnx
    import torch

    from jndlab.models.model_files import architecture_of

    inputs = INPUTS if network.uses_jnd else INPUTS[:2]
    sample = tuple(torch.rand(2, 3, 3, network.patch_size, network.patch_size) for _ in inputs)
    free = {name: {0: "pictures", 1: "patches"} for name in (*inputs, *OUTPUTS)}
    free["logit"] = {0: "pictures"}
    traced = copy.deepcopy(network).to("cpu").to(memory_format=torch.contiguous_format).eval()
    # The three outputs, where training needs only the logit.
    traced.forward = traced.verdict  # type: ignore[method-assign, assignment]
    with atomic_path(path) as part, tempfile.TemporaryDirectory(dir=part.parent) as folder:
        exported = Path(folder) / "network.onnx"
        with warnings.catch_warnings(), torch.inference_mode():
            # Deprecated, but its successor needs onnxscript (see models.onnx_runtime).
            warnings.simplefilter("ignore")
            torch.onnx.export(
                traced,
                sample,
                str(exported),
                dynamo=False,
                opset_version=OPSET,
                input_names=list(inputs),
                output_names=list(OUTPUTS),
                dynamic_axes=free,
            )
        model = onnx.load(exported)
        entry = model.metadata_props.add()
        entry.key = ARCHITECTURE_KEY
        entry.value = json.dumps(architecture_of(network), sort_keys=True)
        part.write_bytes(model.SerializeToString())


class ClassifierSession:
    """An exported classifier on the CPU; ``run`` scores many pictures, a call one coded version.

    ``threads`` of None means all cores that this process may use. Raises UserError when the file is
    missing or is no export of a patch classifier.
    """

    def __init__(self, path: str | Path, *, threads: int | None = None) -> None:
        if not Path(path).is_file():
            raise UserError(
                "a model file does not exist.",
                where=str(path),
                remedy="train and export the network first, or correct the path.",
            )
        try:
            self.session = cpu_session(path, threads)
        except Exception as error:  # ONNX Runtime's error classes share no base but Exception
            raise _no_classifier(path, str(error).strip()[:200]) from error
        names = [value.name for value in self.session.get_inputs()]
        outputs = [value.name for value in self.session.get_outputs()]
        if names not in (list(INPUTS), list(INPUTS[:2])) or outputs != list(OUTPUTS):
            raise _no_classifier(path, f"inputs {names}, outputs {outputs}")
        self.uses_jnd = len(names) == len(INPUTS)
        self.patch_size = int(self.session.get_inputs()[0].shape[-1])

    def run(
        self, reference: np.ndarray, distorted: np.ndarray, jnd: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Logits (N), patch qualities and weights (N x P) of patches N x P x 3 x h x w."""
        given = (reference, distorted, jnd) if self.uses_jnd else (reference, distorted)
        return tuple(self.session.run(None, dict(zip(INPUTS, given, strict=False))))

    def set_picture(self, reference: np.ndarray, jnd: np.ndarray | None) -> None:
        """The picture (P x 3 x h x w) whose coded versions are scored next."""
        self.reference, self.jnd = reference[None], None if jnd is None else jnd[None]

    def __call__(self, distorted: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Logit, patch qualities and weights of one coded version (P x 3 x h x w)."""
        logit, quality, weight = self.run(self.reference, distorted[None], self.jnd)
        return float(logit[0]), quality[0], weight[0]


def _no_classifier(path: str | Path, found: str) -> UserError:
    return UserError(
        "a file is no exported classifier of picture patches.",
        where=str(path),
        expected=f"a file that jndlab.models.vp_jnd.onnx.export_classifier wrote, found: {found}",
        remedy="export the network again from its checkpoint.",
    )
