"""Reading the HDF5 weight files of Keras (``model.save_weights`` and ``model.save``, .h5)."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jndlab.errors import UserError

MOVING = ("gamma", "beta", "moving_mean", "moving_variance")


@dataclass(frozen=True)
class KerasLayer:
    """One layer with weights: ``kernel`` and ``bias``, or the four of BatchNorm, float32."""

    name: str
    weights: dict[str, np.ndarray]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each weight, in Keras's order of axes."""
        return {role: values.shape for role, values in self.weights.items()}


@dataclass(frozen=True)
class KerasFile:
    """Layers with weights as Keras lists them, and the input's height and width where kept.

    Keras lists the layers of a model by their depth in the graph and, where branches lie side by
    side, in the order of the branches, whatever their names. Of a model inside a model the layers
    are listed together; equal ones side by side (branches) are put by depth here as well.
    """

    path: Path
    layers: list[KerasLayer]
    input_size: tuple[int, int] | None


def read_keras_file(path: str | Path) -> KerasFile:
    """Read a weights-only file or a whole saved model (optimizer state is passed over).

    Raises UserError when the file is missing, no HDF5 file, damaged, or not of Keras's layout, or
    when it holds numbers that are not finite.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError("a Keras weight file does not exist.", where=str(path))
    try:
        with h5py.File(path, "r") as file:
            root = file.get("model_weights", file)
            if not _has_names(root, "layer_names"):
                raise _not_legacy(path, sorted(file)[:6])
            groups = [_layers_of(root[name], name) for name in _names(root, "layer_names")]
            size = _input_size(file.attrs.get("model_config"))
    except (OSError, KeyError, RuntimeError, ValueError, TypeError) as error:
        raise UserError(
            "a Keras weight file cannot be read.",
            where=str(path),
            expected=f"a whole HDF5 file, found: {str(error)[:200]}",
            remedy="fetch or write the file again.",
        ) from error
    layers = _by_depth([group for group in groups if group])
    _require_finite(path, layers)
    return KerasFile(path, layers, size)


def _layers_of(group: h5py.Group, name: str) -> list[KerasLayer]:
    """The layer of a group; of a model inside the model, all its layers."""
    arrays: dict[str, list[tuple[str, np.ndarray]]] = {}
    for weight in _names(group, "weight_names"):
        owner, _, own = weight.rpartition("/")
        values = np.asarray(group[weight], dtype=np.float32)
        arrays.setdefault(owner, []).append((own.partition(":")[0], values))
    if len(arrays) == 1:
        return [KerasLayer(name, _by_role(weights)) for weights in arrays.values()]
    return [KerasLayer(f"{name}/{owner}", _by_role(weights)) for owner, weights in arrays.items()]


def _by_role(weights: list[tuple[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Roles by rank, as old files name them differently; BatchNorm's, all of rank 1, by name."""
    if len(weights) == len(MOVING) and all(values.ndim == 1 for _, values in weights):
        named = {role: v for role in MOVING for name, v in weights if name.endswith(role)}
        in_order = dict(zip(MOVING, (values for _, values in weights), strict=True))
        return named if len(named) == len(MOVING) else in_order
    roles = {}
    for name, values in weights:
        role = "kernel" if values.ndim > 1 else "bias"
        roles[name if role in roles else role] = values
    return roles


def _by_depth(groups: list[list[KerasLayer]]) -> list[KerasLayer]:
    runs = itertools.groupby(groups, key=lambda group: [layer.shapes for layer in group])
    return [layer for _, run in runs for depth in zip(*run, strict=True) for layer in depth]


def _names(group: h5py.Group, attribute: str) -> list[str]:
    names = _raw(group, attribute)
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _raw(group: h5py.Group, attribute: str) -> Iterator[Any]:
    """Names in an attribute; Keras cuts one that is too long for HDF5 into numbered pieces."""
    if attribute in group.attrs:
        yield from group.attrs[attribute]
    for index in itertools.count():
        if f"{attribute}{index}" not in group.attrs:
            return
        yield from group.attrs[f"{attribute}{index}"]


def _has_names(group: h5py.Group, attribute: str) -> bool:
    return attribute in group.attrs or f"{attribute}0" in group.attrs


def _input_size(config: Any) -> tuple[int, int] | None:
    """Height and width of the first input of 3 channels in a saved model's description."""
    if config is None:
        return None
    for layer in json.loads(config).get("config", {}).get("layers", []):
        settings = layer.get("config", {})
        shape = settings.get("batch_input_shape") or settings.get("batch_shape") or []
        if len(shape) == 4 and shape[3] == 3 and None not in shape[1:3]:
            return shape[1], shape[2]
    return None


def _require_finite(path: Path, layers: list[KerasLayer]) -> None:
    for layer in layers:
        for role, values in layer.weights.items():
            if not np.isfinite(values).all():
                raise UserError(
                    "a Keras weight file holds numbers that are not finite.",
                    where=f"{path}, layer '{layer.name}', {role}",
                    remedy="fetch the file again, or take a checkpoint from before it diverged.",
                )


def _not_legacy(path: Path, found: list[str]) -> UserError:
    return UserError(
        "an HDF5 file is no Keras weight file of the kind that can be read.",
        where=str(path),
        expected="attribute 'layer_names' (Keras 2: save_weights or save to .h5), "
        f"found groups {', '.join(found) or '(none)'}",
        remedy="of a Keras 3 .weights.h5, load it in Keras and save the model as .h5.",
    )
