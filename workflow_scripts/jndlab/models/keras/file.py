"""Reading the HDF5 weight files of Keras (``model.save_weights`` and ``model.save``, .h5)."""

from __future__ import annotations

import itertools
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from jndlab.errors import UserError

MOST_BYTES = 8 << 30  # of all samples that a file declares
MOST_SIDE = 16384
UNCOMPRESSED = 16  # times its size that a file may declare; Keras does not compress
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

    Raises UserError when the file is missing, no HDF5 file, damaged, or not of Keras's layout, when
    it holds numbers that are not finite, and when it reaches for data outside itself or declares
    far more than it holds: nothing of such a file is read.
    """
    path = Path(path)
    _require_hdf5(path)
    try:
        with h5py.File(path, "r") as file:
            _require_own_data(file, path.stat().st_size)
            root = file.get("model_weights", file)
            if not _has_names(root, "layer_names"):
                raise _not_legacy(path, sorted(file)[:6])
            groups = [_layers_of(root[name], name) for name in _names(root, "layer_names")]
            size = _input_size(file.attrs.get("model_config"))
    except UserError:
        raise
    except Exception as error:  # h5py raises anything on damaged files
        raise UserError(
            "a Keras weight file cannot be read.",
            where=str(path),
            expected=f"a whole HDF5 file, found: {str(error)[:200]}",
            remedy="fetch or write the file again.",
        ) from error
    layers = _by_depth([group for group in groups if group])
    _require_finite(path, layers)
    return KerasFile(path, layers, size)


def _require_hdf5(path: Path) -> None:
    if path.is_file() and h5py.is_hdf5(path):
        return
    save = "load it in Keras and save the model as .h5 (`model.save('name.h5')`)."
    if path.is_dir():
        saved = (path / "saved_model.pb").is_file()
        what, remedy = ("a TensorFlow SavedModel" if saved else "a folder"), save
    elif not path.exists():
        raise UserError("a Keras weight file does not exist.", where=str(path))
    elif zipfile.is_zipfile(path):
        keras = "config.json" in zipfile.ZipFile(path).namelist()
        what = "a Keras 3 archive (.keras)" if keras else "a zip archive"
        remedy = save if keras else "unpack it and name the .h5 file inside."
    elif path.suffix in (".h5", ".hdf5"):
        what, remedy = "a damaged file, or none of HDF5", "fetch or write the file again."
    else:
        what, remedy = "a file of another kind", f"of a Keras model, {save}"
    raise UserError(
        f"a Keras weight file cannot be read: it is {what}.",
        where=str(path),
        expected="a whole HDF5 file (.h5), as `save_weights` and `save` of Keras 2 write it",
        remedy=remedy,
    )


def _require_own_data(file: h5py.File, file_bytes: int) -> None:
    """Raise UserError where a file links to others, or declares more than it can hold."""

    def refuse(name: str, what: str) -> UserError:
        return UserError(
            f"a Keras weight file is not safe to read: {what}.",
            where=f"{file.filename}, '{name}'",
            expected="weights that the file itself holds",
            remedy="do not use it; fetch the file from its authors again.",
        )

    declared, seen, waiting = 0, set(), [("/", file["/"])]
    while waiting:
        place, group = waiting.pop()
        for name in group:
            full = f"{place}{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise refuse(full, "it links to another place")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:  # a second name, or a circle
                continue
            seen.add(address)
            if isinstance(item, h5py.Group):
                waiting.append((f"{full}/", item))
            elif isinstance(item, h5py.Dataset):
                if item.external or item.is_virtual:
                    raise refuse(full, "its data lie in other files")
                declared += item.size * item.dtype.itemsize if item.shape is not None else 0
                if declared > min(MOST_BYTES, UNCOMPRESSED * file_bytes):
                    raise refuse(full, f"{file_bytes} bytes declare {declared} bytes of numbers")


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
            if not all(type(side) is int and 1 <= side <= MOST_SIDE for side in shape[1:3]):
                raise ValueError(f"an input of {shape[1]} x {shape[2]} pixels in model_config")
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
