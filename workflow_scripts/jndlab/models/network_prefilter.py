"""Trained luma networks as prefilters: ONNX Runtime on the CPU, torch on CUDA, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from jndlab.errors import UserError
from jndlab.jnd.prefilter import Prefilter
from jndlab.models.onnx_runtime import LumaSession, onnx_bytes

if TYPE_CHECKING:  # imported where it is needed only: an .onnx file runs without torch
    from jndlab.models.layers import LumaNetwork

LumaFilter = Callable[[np.ndarray], np.ndarray]
RUNTIMES = ("auto", "onnx", "torch")


class NetworkPrefilter(Prefilter):
    """One network for all QPs (IQNet).

    ``model`` is an ``.onnx`` export, which needs no torch, or a model file or checkpoint (``.pt``).
    ``runtime``: "onnx" runs on the CPU; "torch" on CUDA where there is one, else on the CPU;
    "auto" takes torch for a ``.pt`` where there is CUDA and ONNX Runtime everywhere else.
    ``threads``: of the CPU, all usable cores by default. ``network``: the name that the model
    must have, e.g. "iqnet". Luma of any size and of 8 or 10 bit is filtered as floating point
    in [0, 1] and rounded once; ONNX Runtime and torch agree within 1/4 of an 8-bit step.

    Raises UserError for a missing or damaged file, another network, or a runtime that cannot be.
    """

    per_qp: ClassVar[bool] = False

    def __init__(
        self,
        *,
        model: str | Path,
        runtime: str = "auto",
        threads: int | None = None,
        network: str | None = None,
    ) -> None:
        self.filter = open_luma_filter(model, runtime=runtime, threads=threads, network=network)

    def filter_luma(self, luma: np.ndarray, bit_depth: int, qp: int | None = None) -> np.ndarray:
        """Filter one uint8 or uint16 H x W plane of ``bit_depth``; ``qp`` changes nothing."""
        return filter_integers(self.filter, luma, bit_depth)


class PerQpNetworkPrefilter(Prefilter):
    """One network per QP (CNN-JNQD): ``models`` maps each QP to a file.

    The other options are those of NetworkPrefilter. A QP without a model is a UserError: the
    networks of other QPs filter too much or too little.
    """

    per_qp: ClassVar[bool] = True

    def __init__(
        self,
        *,
        models: Mapping[int | str, str | Path],
        runtime: str = "auto",
        threads: int | None = None,
        network: str | None = None,
    ) -> None:
        if not models:
            raise UserError(
                "a prefilter per QP has no models.", expected="{22: file, 27: file, ...}"
            )
        if wrong := [qp for qp in models if not (str(qp).isascii() and str(qp).isdigit())]:
            raise UserError(
                f"a prefilter per QP has a model for '{wrong[0]}', which is no QP.",
                expected="{22: file, 27: file, ...}",
            )
        self.models = {int(qp): path for qp, path in models.items()}
        self.settings: dict[str, Any] = {"runtime": runtime, "threads": threads, "network": network}
        self.opened: dict[int, LumaFilter] = {}

    def filter_luma(self, luma: np.ndarray, bit_depth: int, qp: int) -> np.ndarray:
        """Filter one uint8 or uint16 H x W plane of ``bit_depth`` by the network of ``qp``."""
        if qp not in self.models:
            raise UserError(
                f"there is no prefilter model for QP {qp}.",
                expected="one of QP " + ", ".join(str(known) for known in sorted(self.models)),
                remedy="train a model for this QP and name it in `models`, or leave the QP out.",
            )
        if qp not in self.opened:
            self.opened[qp] = open_luma_filter(self.models[qp], **self.settings)
        return filter_integers(self.opened[qp], luma, bit_depth)


def open_luma_filter(
    model: str | Path,
    *,
    runtime: str = "auto",
    threads: int | None = None,
    network: str | None = None,
) -> LumaFilter:
    """A function from float32 H x W luma in [0, 1] to the same, filtered (see NetworkPrefilter)."""
    if runtime not in RUNTIMES:
        raise UserError(f"there is no runtime '{runtime}'.", expected=", ".join(RUNTIMES))
    if Path(model).suffix == ".onnx":
        if runtime == "torch":
            raise UserError(
                "torch cannot run an ONNX file.",
                where=str(model),
                remedy="give the checkpoint (.pt) that it was exported from, or `runtime: onnx`.",
            )
        return LumaSession(model, threads=threads, network=network)
    loaded = _load_luma_network(model, network)
    if runtime == "torch" or (runtime == "auto" and _has_cuda()):
        return _torch_filter(loaded, threads)
    return LumaSession(onnx_bytes(loaded), threads=threads)


def filter_integers(luma_filter: LumaFilter, luma: np.ndarray, bit_depth: int) -> np.ndarray:
    """Run a [0, 1] filter on integer samples of ``bit_depth``; rounded to nearest, same type."""
    largest = np.float32((1 << bit_depth) - 1)
    samples = luma.astype(np.float32)
    filtered = luma_filter(np.divide(samples, largest, out=samples))
    np.clip(filtered, 0, 1, out=filtered)  # a network of others may end without it
    np.multiply(filtered, largest, out=filtered)
    np.rint(filtered, out=filtered)
    return filtered.astype(luma.dtype)


def _load_luma_network(model: str | Path, network: str | None) -> LumaNetwork:
    from jndlab.models.layers import LumaNetwork
    from jndlab.models.model_files import architecture_of, architecture_text, load_model

    if Path(model).suffix == ".mat":
        from jndlab.models.iqnet.matconvnet import import_cnn_jnqd

        if network not in (None, "cnn_jnqd"):
            raise UserError(
                "a MATLAB file holds another network than is wanted.",
                where=str(model),
                expected=f"{network}; files of MATLAB are of cnn_jnqd",
                remedy=f"give the file of a trained {network}, or correct the configuration.",
            )
        return import_cnn_jnqd(model)
    loaded = load_model(model, network=network)
    if not isinstance(loaded, LumaNetwork):
        raise UserError(
            "a model file holds no luma filter.",
            where=str(model),
            expected=f"iqnet or cnn_jnqd, found {architecture_text(architecture_of(loaded))}",
            remedy="give the model file of a luma network.",
        )
    return loaded


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def _torch_filter(network: LumaNetwork, threads: int | None) -> LumaFilter:
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if threads:
        torch.set_num_threads(threads)
    network = network.for_use().to(device)

    def run(luma: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            picture = torch.from_numpy(luma)[None, None].to(device)
            return network.at_use(picture)[0, 0].cpu().numpy()

    return run
