"""The JND networks as ONNX: export for use, and running them without torch."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.models.onnx_runtime import (
    architecture_in,
    cpu_session,
    run_session,
    traced_bytes,
)

if TYPE_CHECKING:  # torch takes seconds to import, and running a network needs none of it
    from torch import nn

BATCH = "batch"


def export_jnd_onnx(network: nn.Module, path: str | Path) -> None:
    """Write ``network.for_use()`` (no attention tail, no decoder of E2E-LAT) as an ONNX file.

    Inputs are those of the network (``input_names``; prepared, float32), outputs its named ones;
    the number of pictures is free, their size that of the network. The architecture is kept in
    the file's metadata under ``jndlab.architecture``.
    """
    data = jnd_onnx_bytes(network)
    with atomic_path(path) as part:
        part.write_bytes(data)


def jnd_onnx_bytes(network: nn.Module) -> bytes:
    """The ONNX file of :func:`export_jnd_onnx` in memory."""
    import torch

    from jndlab.models.bl_juniper.cnn import BlJuniperCnn
    from jndlab.models.model_files import architecture_of
    from jndlab.models.picture_network import PictureNetwork

    if not isinstance(network, (PictureNetwork, BlJuniperCnn)):
        raise UserError(
            f"a network of another kind cannot predict JNDs: {type(network).__name__}.",
            expected="one of LASeR-JND, MTJND or BL-JUNIPER",
        )
    used = copy.deepcopy(network).to("cpu").for_use().eval()
    inputs = used.example_inputs(2)
    with torch.inference_mode():
        outputs = list(used(*inputs))
    free = {name: {0: BATCH} for name in (*used.input_names, *outputs)}
    return traced_bytes(used, inputs, used.input_names, outputs, free, architecture_of(used))


class JndSession:
    """An ONNX JND network on the CPU: ``session(pictures)`` -> {"jnd1": N, ...}.

    Arguments are the prepared float32 inputs of the network, in order. ``model`` is a path or the
    bytes of an ONNX file; ``threads`` of None means all cores that this process may use. Raises
    UserError when the file is missing or is no export of a JND network.
    """

    def __init__(self, model: str | Path | bytes, *, threads: int | None = None) -> None:
        where = self.where = "the exported network" if isinstance(model, bytes) else str(model)
        if not isinstance(model, bytes) and not Path(model).is_file():
            raise UserError("a model file does not exist.", where=where)
        try:
            self.session = cpu_session(model, threads)
        except Exception as error:  # ONNX Runtime's error classes share no base but Exception
            raise _no_jnd_network(where, str(error).strip()[:200]) from error
        self.input_names = [value.name for value in self.session.get_inputs()]
        self.output_names = [value.name for value in self.session.get_outputs()]
        if not any(re.fullmatch(r"jnd[1-9]|reconstruction.*", n) for n in self.output_names):
            raise _no_jnd_network(where, f"outputs {', '.join(self.output_names)}")
        self.architecture: Mapping[str, Any] | None = architecture_in(self.session, where)

    def __call__(self, *inputs: np.ndarray) -> dict[str, np.ndarray]:
        """Run the network on a batch."""
        given = dict(zip(self.input_names, inputs, strict=True))
        values = run_session(self.session, None, given, self.where)
        return dict(zip(self.output_names, values, strict=True))


def _no_jnd_network(where: str, found: str) -> UserError:
    return UserError(
        "a file is no ONNX export of a JND network.",
        where=where,
        expected=f"a file that export_jnd_onnx wrote, found: {found}",
        remedy="export the network again from its model file.",
    )
