"""Weights of the papers' authors, Keras HDF5 files, into this suite's torch networks.

Layers are matched by shape and, among those of one shape, by order: the networks list theirs
(``keras_layers``) in the order in which Keras writes a model's, by depth in the graph and then by
branch. Names are not needed, so running numbers (``conv2d_17``) may start anywhere; where a name
contradicts the order (a transposed convolution, the level of an output), that is an
error. Every layer of the file must find its place, and every layer of the network its weights.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from jndlab.errors import UserError
from jndlab.models.keras.file import MOVING, KerasFile, KerasLayer, read_keras_file
from jndlab.models.keras.layers import WeightedLayer
from jndlab.models.model_files import build_network

PORTED = (
    "laser_autoencoder",
    "lat",
    "rec",
    "e2e_lat",
    "e2e_rec",
    "mj_lat",
    "mj_rec",
    "mt_3ljnd",
    "mt_1ljnd_va",
    "mt_3ljnd_va",
    "bl_juniper_cnn",
)
Match = tuple[WeightedLayer, KerasLayer]


def import_keras(
    path: str | Path, network: str, options: Mapping[str, Any] | None = None
) -> nn.Module:
    """Build ``network`` (one of ``PORTED``) with the weights of a Keras file; for use.

    ``options`` are the network's own. Without ``input_size`` it is taken from the file where a
    whole model was saved, else the paper's: weights alone show only how many cells the last
    feature map has. The published files of the attention networks hold no attention tail, so those
    are built without. Raises UserError for a file that cannot be read, of another network, or of
    another shape, with file, layer, expected and found.
    """
    content = read_keras_file(path)
    chosen = dict(options or {})
    if content.input_size is not None and network != "bl_juniper_cnn":
        chosen.setdefault("input_size", list(content.input_size))
    if network in ("mt_1ljnd_va", "mt_3ljnd_va"):
        chosen.setdefault("with_attention", False)
    model = build_network(network, chosen, seed=0)
    _load(content, model, network)
    return model.eval()


def load_keras(path: str | Path, module: nn.Module) -> None:
    """Put the weights of a Keras file into a network, or a part of one that has ``keras_layers``.

    So Keras's own VGG16 (``vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5``) goes into the
    ``backbone`` of an MTJND network. Raises UserError as ``import_keras`` does.
    """
    _load(read_keras_file(path), module, type(module).__name__)


def keras_weights(layer: WeightedLayer) -> dict[str, np.ndarray]:
    """A torch layer's weights in Keras's axes: what ``load_keras`` would read for it."""
    if isinstance(layer, nn.BatchNorm2d):
        return {role: tensor.detach().numpy() for role, tensor in _moving(layer).items()}
    weights = {"kernel": layer.weight.detach().permute(_axes_to_keras(layer)).numpy()}
    if layer.bias is not None:
        weights["bias"] = layer.bias.detach().numpy()
    return weights


def _load(content: KerasFile, module: nn.Module, network: str) -> None:
    matches = _matched(content, _slots(module, network), network)
    _require_level_names(content, module, matches)
    for layer, found in matches:
        _fill(layer, found)


def _slots(module: nn.Module, network: str) -> list[tuple[str, WeightedLayer]]:
    list_layers: Callable[[], list[WeightedLayer]] | None = getattr(module, "keras_layers", None)
    if list_layers is None:
        raise UserError(
            f"network '{network}' has no counterpart in Keras.",
            expected=", ".join(PORTED),
        )
    names: dict[nn.Module, str] = {layer: name for name, layer in module.named_modules()}
    return [(names[layer], layer) for layer in list_layers()]


def _matched(
    content: KerasFile, slots: list[tuple[str, WeightedLayer]], network: str
) -> list[Match]:
    remaining = list(content.layers)
    matches: list[Match] = []
    missing: list[tuple[str, WeightedLayer]] = []
    for name, layer in slots:
        wanted = _shapes(layer)
        found = next((item for item in remaining if item.shapes == wanted), None)
        if found is None:
            missing.append((name, layer))
            continue
        remaining.remove(found)
        _require_kind(content.path, layer, found)
        matches.append((layer, found))
    if missing or remaining:
        raise _does_not_fit(content, network, missing, remaining)
    return matches


def _fill(layer: WeightedLayer, found: KerasLayer) -> None:
    values = {role: torch.from_numpy(array) for role, array in found.weights.items()}
    with torch.no_grad():
        if isinstance(layer, nn.BatchNorm2d):
            for role, tensor in _moving(layer).items():
                tensor.copy_(values[role])
        else:
            axes = np.argsort(_axes_to_keras(layer)).tolist()
            layer.weight.copy_(values["kernel"].permute(axes))
            if layer.bias is not None:
                layer.bias.copy_(values["bias"])


def _moving(layer: nn.BatchNorm2d) -> dict[str, torch.Tensor]:
    """The tensors of a batch normalisation by their names in Keras."""
    assert layer.running_mean is not None and layer.running_var is not None
    tensors = (layer.weight, layer.bias, layer.running_mean, layer.running_var)
    return dict(zip(MOVING, tensors, strict=True))


def _axes_to_keras(layer: WeightedLayer) -> tuple[int, ...]:
    """Keras: height, width, in, out (transposed: out, in; depthwise: channel, 1); in, out."""
    if isinstance(layer, nn.Linear):
        return (1, 0)
    return (2, 3, 1, 0) if layer.groups == 1 else (2, 3, 0, 1)


def _shapes(layer: WeightedLayer) -> dict[str, tuple[int, ...]]:
    if isinstance(layer, nn.BatchNorm2d):
        return {role: (layer.num_features,) for role in MOVING}
    shape = layer.weight.shape
    kernel = {"kernel": tuple(shape[axis] for axis in _axes_to_keras(layer))}
    return kernel if layer.bias is None else {**kernel, "bias": tuple(layer.bias.shape)}


def _require_kind(path: Path, layer: nn.Module, found: KerasLayer) -> None:
    """Convolutions and transposed ones can have one shape: their automatic names differ."""
    automatic = re.fullmatch(r"conv2d(_transpose)?(_\d+)?", found.name.rpartition("/")[2])
    transposed = isinstance(layer, nn.ConvTranspose2d)
    if automatic and bool(automatic[1]) != transposed:
        raise UserError(
            "the layers of a Keras file stand in another order than the network's.",
            where=f"{path}, layer '{found.name}'",
            expected=f"a {'transposed ' if transposed else ''}convolution at this place",
            remedy="give the file as Keras wrote it.",
        )


def _require_level_names(content: KerasFile, module: nn.Module, matches: list[Match]) -> None:
    """Outputs named after their level must be in the order of the levels."""
    heads = getattr(module, "heads", None)
    if heads is None or len(heads.levels) == 1:
        return
    level_of = dict(zip(heads.last, heads.levels, strict=True))
    for layer, found in matches:
        named = re.search(r"JND(\d)", found.name)
        if layer in level_of and named and int(named[1]) != level_of[layer]:
            raise UserError(
                "the outputs of a Keras file stand in another order than the levels.",
                where=f"{content.path}, layer '{found.name}'",
                expected=f"the output of JND{level_of[layer]} at this place",
                remedy="give the file of a model whose outputs are JND1, JND2, JND3 in order.",
            )


def _does_not_fit(
    content: KerasFile,
    network: str,
    missing: list[tuple[str, WeightedLayer]],
    remaining: list[KerasLayer],
) -> UserError:
    """Names the first layer without weights and the most similar one that the file has left."""
    numbers = sum(values.size for layer in content.layers for values in layer.weights.values())
    found = f"{len(content.layers)} layers with {numbers:,} numbers"
    if not missing:
        layer = remaining[0]
        return UserError(
            f"a Keras file holds layers that {network} has not.",
            where=f"{content.path}, layer '{layer.name}'",
            expected=f"no such layer, found {_text(layer.shapes)}; the file has {found}",
            remedy="name the network that the file was made for.",
        )
    name, slot = missing[0]
    wanted = _shapes(slot)
    same_kind = [layer for layer in remaining if _ranks(layer.shapes) == _ranks(wanted)]
    closest = max(same_kind, key=lambda layer: _likeness(layer.shapes, wanted), default=None)
    where = f"layer '{closest.name}'" if closest else f"no layer for '{name}'"
    shown = _text(closest.shapes) if closest else "none of this kind"
    return UserError(
        f"the weights of a Keras file do not fit {network}.",
        where=f"{content.path}, {where}",
        expected=f"{_text(wanted)} for '{name}', found {shown}; the file has {found}",
        remedy="name the network that the file was made for; if only the first dense layer differs,"
        " give the size of the pictures that it was made for (`input_size`, --size HxW).",
    )


def _ranks(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, int]:
    return {role: len(shape) for role, shape in shapes.items()}


def _likeness(shapes: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]]) -> int:
    """How many sizes agree."""
    pairs = [(a, b) for role in wanted for a, b in zip(shapes[role], wanted[role], strict=True)]
    return sum(a == b for a, b in pairs)


def _text(shapes: Mapping[str, tuple[int, ...]]) -> str:
    parts = [f"{role} {' x '.join(map(str, shape))}" for role, shape in shapes.items()]
    return ", ".join(parts[:1] if "gamma" in shapes else parts)
