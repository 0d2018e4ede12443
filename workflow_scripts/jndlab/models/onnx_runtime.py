"""Luma networks as ONNX: export with free height and width, and running them without torch."""

from __future__ import annotations

import copy
import io
import json
import os
import warnings
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from queue import LifoQueue
from typing import TYPE_CHECKING, Any

import numpy as np

from jndlab.errors import UserError, limit_reached
from jndlab.files import atomic_path

if TYPE_CHECKING:  # torch takes seconds to import, and running a network needs none of it
    from onnxruntime import InferenceSession
    from torch import Tensor, nn

    from jndlab.models.layers import LumaNetwork

OPSET = 17
INPUT, OUTPUT = "luma", "filtered"
ARCHITECTURE_KEY = "jndlab.architecture"
# Of luma networks, how far around a sample of the picture its result looks; and the tiles in which
# such pictures are filtered: what lies between the layers of one stays in the processor's cache.
REACH = {"iqnet": 3, "cnn_jnqd": 3}
TILE_ROWS, TILE_COLUMNS = 120, 320
PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


def export_onnx(network: LumaNetwork, path: str | Path) -> None:
    """Write ``network.for_use().at_use`` (border, clipping included) as an ONNX file, atomically.

    Input ``luma`` and output ``filtered`` are float32 1 x 1 x H x W in [0, 1], H and W free. The
    architecture is kept in the file's metadata under ``jndlab.architecture``.
    """
    data = onnx_bytes(network)
    with atomic_path(path) as part:
        part.write_bytes(data)


def onnx_bytes(network: LumaNetwork) -> bytes:
    """The ONNX file of :func:`export_onnx` in memory."""
    import torch

    from jndlab.models.layers import AtUse
    from jndlab.models.model_files import architecture_of

    free = {2: "height", 3: "width"}
    traced = AtUse(copy.deepcopy(network).to("cpu").for_use()).eval()
    sample, axes = (torch.zeros(1, 1, 64, 64),), {INPUT: free, OUTPUT: free}
    return traced_bytes(traced, sample, [INPUT], [OUTPUT], axes, architecture_of(network))


def traced_bytes(
    network: nn.Module,
    sample: tuple[Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    free: Mapping[str, Mapping[int, str]],
    architecture: Mapping[str, Any],
) -> bytes:
    """A network (on the CPU, in evaluation mode) as an ONNX file, traced with a ``sample``.

    ``inputs`` and ``outputs`` name its arguments and results, ``free`` their axes of any length.
    """
    import onnx
    import torch

    stream = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        # The TorchScript exporter is deprecated, but its successor needs onnxscript, and these
        # networks use nothing that it cannot export. The same holds for the checks of sizes.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            network,
            sample,
            stream,  # type: ignore[arg-type] # its stub has paths only
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes=free,
        )
    model = onnx.load_from_string(stream.getvalue())
    entry = model.metadata_props.add()
    entry.key, entry.value = ARCHITECTURE_KEY, json.dumps(architecture, sort_keys=True)
    return model.SerializeToString()


class LumaSession:
    """An ONNX luma network on the CPU: ``session(luma)`` filters one float32 H x W picture.

    ``model`` is a path or the bytes of an ONNX file; ``threads`` of None means all cores that
    this process may use. Raises UserError when the file is missing, no ONNX file, or does not
    take and return one luma plane of free size, or is not of the ``network`` named.
    """

    def __init__(
        self, model: str | Path | bytes, *, threads: int | None = None, network: str | None = None
    ) -> None:
        self.where = "the exported network" if isinstance(model, bytes) else str(model)
        if not isinstance(model, bytes) and not Path(model).is_file():
            raise UserError(
                "a model file does not exist.",
                where=self.where,
                remedy="train and export the network first, or correct the path.",
            )
        try:
            session = cpu_session(model, 1)
        except Exception as error:  # ONNX Runtime's error classes share no base but Exception
            raise UserError(
                "a file is no ONNX model that can be run.",
                where=self.where,
                expected=f"an ONNX file, found: {str(error).strip()[:200]}",
                remedy="export the network again from its checkpoint.",
            ) from error
        self.architecture = architecture_in(session, self.where)
        self._check(session, network)
        self.input_name = session.get_inputs()[0].name
        self.threads = threads or usable_cores()
        self.reach = REACH.get(self.architecture["name"]) if self.architecture else None
        # One for each thread: two threads in one session take up to half as long again.
        self.idle: LifoQueue[InferenceSession] = LifoQueue()
        for number in [self.threads] if self.reach is None else [1] * self.threads:
            self.idle.put(cpu_session(model, number))

    def __call__(self, luma: np.ndarray) -> np.ndarray:
        """Filter float32 H x W luma in [0, 1]; returns the same.

        Networks of a known reach filter tiles, one thread each: the same numbers in half the time.
        """
        if self.reach is None:
            return self._run(luma)
        filtered = np.empty_like(luma)
        height, width = luma.shape
        corners = product(range(0, height, TILE_ROWS), range(0, width, TILE_COLUMNS))
        with ThreadPoolExecutor(self.threads) as pool:
            deque(pool.map(partial(self._fill, filtered, luma), corners), maxlen=0)
        return filtered

    def _fill(self, filtered: np.ndarray, luma: np.ndarray, corner: tuple[int, int]) -> None:
        """Filter the tile at a corner, from samples that reach beyond its sides."""
        inner = tuple(map(slice, corner, (corner[0] + TILE_ROWS, corner[1] + TILE_COLUMNS)))
        reach = self.reach or 0
        outer = tuple(slice(max(0, s.start - reach), s.stop + reach) for s in inner)
        seen, tile = luma[outer], filtered[inner]
        result = self._run(seen)
        if result.shape != seen.shape:
            raise UserError(
                "an ONNX model changes the size of pictures.",
                where=self.where,
                expected=f"{self.architecture}, which does not",
                remedy="export the network again from its checkpoint.",
            )
        top, left = (i.start - o.start for i, o in zip(inner, outer, strict=True))
        tile[...] = result[top : top + tile.shape[0], left : left + tile.shape[1]]

    def _run(self, luma: np.ndarray) -> np.ndarray:
        inputs = {self.input_name: luma[np.newaxis, np.newaxis]}
        session = self.idle.get()
        try:
            return run_session(session, None, inputs, self.where)[0][0, 0]
        finally:
            self.idle.put(session)

    def _check(self, session: InferenceSession, network: str | None) -> None:
        inputs, outputs = session.get_inputs(), session.get_outputs()
        fits = len(inputs) == len(outputs) == 1 and all(_is_free_luma(x) for x in inputs + outputs)
        if not fits:
            raise UserError(
                "an ONNX model is no luma filter.",
                where=self.where,
                expected="one float input and output of 1 x 1 x height x width with free height "
                f"and width, found {_shapes(inputs)} -> {_shapes(outputs)}",
                remedy="give a file that jndlab.models.onnx_runtime.export_onnx wrote.",
            )
        name = self.architecture["name"] if self.architecture else "a network without a name"
        if network is not None and name != network:
            raise UserError(
                "an ONNX model is of another network than is wanted.",
                where=self.where,
                expected=f"{network}, found {name}",
                remedy=f"give the export of a trained {network}, or correct the configuration.",
            )


def architecture_in(session: InferenceSession, where: str) -> dict[str, Any] | None:
    """What a model says of its architecture: ``name`` and ``options``; None where it says nothing.

    Raises UserError where that is no description of the suite.
    """
    text = session.get_modelmeta().custom_metadata_map.get(ARCHITECTURE_KEY)
    try:
        found = json.loads(text) if text else None
        if found is not None and not (
            isinstance(found["name"], str) and isinstance(found.get("options", {}), dict)
        ):
            raise TypeError("other kinds of values")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _bad_description(where, f"{type(error).__name__}: {error}") from error
    return {"options": {}, **found} if found is not None else None


def _bad_description(where: str, found: str) -> UserError:
    return UserError(
        "the description of the network in an ONNX file is damaged.",
        where=where,
        expected=f"name and options, as the suite exports them; found {found[:200]}",
        remedy="export the network again from its model file.",
    )


def run_session(
    session: InferenceSession,
    outputs: Sequence[str] | None,
    inputs: Mapping[str, np.ndarray],
    where: str,
) -> list[np.ndarray]:
    """Outputs of a session, by name or all; UserError where it fails, or they are not finite."""
    try:
        found: list[np.ndarray] = session.run(outputs, inputs)
    except Exception as error:  # ONNX Runtime's error classes share no base but Exception
        if limit_reached(error):
            raise
        raise UserError(
            "an ONNX model cannot run on what it is given.",
            where=where,
            expected=f"a network of that kind, as the suite exports it; {str(error)[:300]}",
            remedy="export the network again, or correct the configuration.",
        ) from error
    if not all(np.isfinite(values).all() for values in found):
        raise UserError(
            "an ONNX model gives numbers that are not finite.",
            where=where,
            expected="finite ones; its weights, or its input, hold others",
            remedy="train or fetch the network again.",
        )
    return found


def cpu_session(model: str | Path | bytes, threads: int | None = None) -> InferenceSession:
    """An ONNX Runtime session on ``threads`` cores of the CPU (None: all usable ones)."""
    return session_on("cpu", model, threads)


def session_on(
    device: str, model: str | Path | bytes, threads: int | None = None
) -> InferenceSession:
    """An ONNX Runtime session on the ``cpu`` or a GPU (``cuda``), without falling back.

    Raises UserError where this ONNX Runtime, or this machine, has no such device.
    """
    import onnxruntime

    provider = PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise UserError(
            f"ONNX Runtime cannot run networks on '{device}' here.",
            expected=f"{provider}, found {', '.join(onnxruntime.get_available_providers())}",
            remedy="install onnxruntime-gpu in place of onnxruntime, or choose the cpu.",
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or usable_cores()
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Waiting threads would otherwise burn the cores that FFmpeg and codecs need between calls.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    given = model if isinstance(model, bytes) else str(model)
    session = onnxruntime.InferenceSession(given, options, providers=[provider])
    if provider not in session.get_providers():  # it only warns, and would take days on the CPU
        raise UserError(
            f"ONNX Runtime found no device '{device}' on this machine.",
            expected=f"{provider}, found {', '.join(session.get_providers())}",
            remedy="see its log for the library that is missing, or choose the cpu.",
        )
    return session


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _is_free_luma(value: Any) -> bool:
    shape = value.shape
    return (
        value.type == "tensor(float)"
        and len(shape) == 4
        and not (isinstance(shape[0], int) and shape[0] != 1)
        and shape[1] in (1, None)
        and not any(isinstance(size, int) for size in shape[2:])
    )


def _shapes(values: list[Any]) -> str:
    return ", ".join(f"{value.type} {value.shape}" for value in values)
