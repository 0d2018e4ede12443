"""Patch classifiers as ONNX: export with free numbers of pictures and patches, and running them."""

from __future__ import annotations

import copy
import json
import tempfile
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import onnx.helper
import onnx.utils

from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.models.onnx_runtime import ARCHITECTURE_KEY, OPSET, cpu_session, run_session

if TYPE_CHECKING:  # torch takes seconds to import, and running a classifier needs none of it
    from torch import Tensor

    from jndlab.models.vp_jnd.patch_classifier import PatchClassifier

INPUTS = ("reference", "distorted", "jnd")
OUTPUTS = ("logit", "quality", "weight")
USE_KEY = "jndlab.use"
FEATURES = tuple(f"{name}_features" for name in INPUTS)


def export_classifier(
    network: PatchClassifier, path: str | Path, use: Mapping[str, Any] | None = None
) -> None:
    """Write a classifier as an ONNX file, atomically, with what is known of its ``use``.

    Inputs ``reference``, ``distorted`` and (if it uses it) ``jnd`` are float32 N x P x 3 x h x w in
    0..1 with N and P free; outputs ``logit`` (N), ``quality`` and ``weight`` (N x P), and of each
    input its features, at which :class:`ClassifierSession` cuts the graph.
    """
    import torch

    from jndlab.models.model_files import architecture_of

    inputs = INPUTS if network.uses_jnd else INPUTS[:2]
    sample = tuple(torch.rand(2, 3, 3, network.patch_size, network.patch_size) for _ in inputs)
    features = FEATURES[: len(inputs)]
    free = {name: {0: "pictures", 1: "patches"} for name in (*inputs, *OUTPUTS, *features)}
    free["logit"] = {0: "pictures"}
    traced = copy.deepcopy(network).to("cpu").to(memory_format=torch.contiguous_format).eval()
    # All outputs, where training needs only the logit.
    traced.forward = partial(_all_outputs, traced)  # type: ignore[method-assign, assignment]
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
                output_names=[*OUTPUTS, *features],
                dynamic_axes=free,
            )
        model = onnx.load(exported)
        known = {ARCHITECTURE_KEY: architecture_of(network), USE_KEY: dict(use or {})}
        onnx.helper.set_model_props(
            model, {key: json.dumps(value, sort_keys=True) for key, value in known.items()}
        )
        part.write_bytes(model.SerializeToString())


class ClassifierSession:
    """An exported classifier on the CPU, which scores coded versions of one picture.

    The graph is cut at the features: those of the picture and of its JND map are computed once, in
    ``set_picture``, and a call computes those of the coded version and both heads. ``threads`` of
    None means all cores that this process may use. Raises UserError when the file is missing or is
    no export of a patch classifier.
    """

    def __init__(self, path: str | Path, *, threads: int | None = None) -> None:
        if not Path(path).is_file():
            raise UserError(
                "a model file does not exist.",
                where=str(path),
                remedy="train and export the network first, or correct the path.",
            )
        model, self.where = _read(path), str(path)
        props = {entry.key: entry.value for entry in model.metadata_props}
        try:
            self.use: dict[str, Any] = dict(json.loads(props.get(USE_KEY, "{}")))
        except (TypeError, ValueError) as error:
            raise _no_classifier(path, f"a damaged description of its use ({error})") from error
        names = [value.name for value in model.graph.input]
        features = FEATURES[: len(names)]
        self.uses_jnd = len(names) == len(INPUTS)
        self.patch_size = model.graph.input[0].type.tensor_type.shape.dim[-1].dim_value
        parts = {name: ([name], [of]) for name, of in zip(names, features, strict=True)}
        parts["heads"] = (list(features), list(OUTPUTS))
        extract = onnx.utils.Extractor(model).extract_model
        self.parts = {
            name: cpu_session(extract(*ends).SerializeToString(), threads)
            for name, ends in parts.items()
        }

    def set_picture(self, reference: np.ndarray, jnd: np.ndarray | None) -> None:
        """The picture (P x 3 x h x w) whose coded versions are scored next."""
        self.known = [self._features("reference", reference)]
        if self.uses_jnd and jnd is not None:
            self.known.append(self._features("jnd", jnd))

    def __call__(self, distorted: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        """Logit, patch qualities and weights of one coded version (P x 3 x h x w)."""
        reference, *jnd = self.known
        given = [reference, self._features("distorted", distorted), *jnd]
        features = dict(zip(FEATURES, given, strict=False))
        logit, quality, weight = run_session(
            self.parts["heads"], list(OUTPUTS), features, self.where
        )
        return float(logit[0]), quality[0], weight[0]

    def _features(self, name: str, patches: np.ndarray) -> np.ndarray:
        return run_session(self.parts[name], None, {name: patches[None]}, self.where)[0]


def _all_outputs(
    network: PatchClassifier, reference: Tensor, distorted: Tensor, *jnd: Tensor
) -> tuple[Tensor, ...]:
    features = [network.features(reference), network.features(distorted)]
    features += [network.features(part, of_jnd=True) for part in jnd]
    return (*network.classify(*features), *features)


def _read(path: str | Path) -> onnx.ModelProto:
    try:
        model = onnx.load(path)
    except Exception as error:  # protobuf's error classes share no base but Exception
        raise _no_classifier(path, str(error).strip()[:200]) from error
    names = [value.name for value in model.graph.input]
    outputs = [value.name for value in model.graph.output]
    inputs = next((part for part in (INPUTS, INPUTS[:2]) if names == list(part)), None)
    if inputs is None or outputs != [*OUTPUTS, *FEATURES[: len(inputs)]]:
        raise _no_classifier(path, f"inputs {names}, outputs {outputs}")
    return model


def _no_classifier(path: str | Path, found: str) -> UserError:
    return UserError(
        "a file is no exported classifier of picture patches.",
        where=str(path),
        expected=f"a file that jndlab.models.vp_jnd.onnx.export_classifier wrote, found: {found}",
        remedy="export the network again from its checkpoint.",
    )
