"""CNN-JNQD's weights from its authors' files: networks that MatConvNet saved (.mat)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from jndlab.errors import UserError
from jndlab.models.iqnet.cnn_jnqd import CnnJnqd
from jndlab.models.layers import bias_of
from jndlab.models.model_files import require_finite


def import_cnn_jnqd(path: str | Path) -> CnnJnqd:
    """The CNN-JNQD of a file ``net-epoch-300.mat`` (variable ``net``, MATLAB 5 to 7).

    MatConvNet's filters are rows x columns x inputs x outputs and, like torch's, not mirrored.
    Raises UserError where the file is missing, of another format, or holds another network: other
    layers, sizes or padding.
    """
    path = Path(path)
    convolutions = _convolutions(path, _layers(path))
    network = CnnJnqd()
    ours = [layer for layer in network.layers if isinstance(layer, nn.Conv2d)]
    found = [np.shape(_filters(layer)) for layer in convolutions]
    expected = [tuple(layer.weight.permute(2, 3, 1, 0).shape) for layer in ours]
    if found != expected:
        raise _other_network(path, f"filters {_sizes(expected)}, found {_sizes(found)}")
    for layer, theirs in zip(ours, convolutions, strict=True):
        with torch.no_grad():
            layer.weight.copy_(torch.tensor(_filters(theirs)).permute(3, 2, 0, 1))
            bias_of(layer).copy_(torch.tensor(np.atleast_1d(theirs.weights[1])))
    require_finite(network, path)
    return network.eval()


def _layers(path: Path) -> list[Any]:
    from scipy.io import loadmat

    if not path.is_file():
        raise UserError("a file of CNN-JNQD's weights does not exist.", where=str(path))
    try:
        content = loadmat(path, variable_names=["net"], squeeze_me=True, struct_as_record=False)
    except NotImplementedError as error:
        raise UserError(
            "a MATLAB file is of version 7.3, which is not read.",
            where=str(path),
            remedy="load it in MATLAB or Octave and save it with the option -v7.",
        ) from error
    except Exception as error:  # whatever a file of another kind makes the reader stumble over
        raise UserError(
            "a file is no MATLAB file, or is damaged.",
            where=str(path),
            expected=f"a network saved by MatConvNet ({error})",
        ) from error
    layers = getattr(content.get("net"), "layers", None)
    if layers is None:
        raise _other_network(path, "a variable `net` with `layers`, found none")
    return list(np.atleast_1d(layers))


def _convolutions(path: Path, layers: list[Any]) -> list[Any]:
    kinds = [str(getattr(layer, "type", "?")) for layer in layers]
    if kinds[:5] != ["conv", "relu", "conv", "relu", "conv"] or "conv" in kinds[5:]:
        raise _other_network(path, f"layers conv, relu, conv, relu, conv, found {', '.join(kinds)}")
    found = layers[0:5:2]
    for layer in found:
        if np.any(getattr(layer, "pad", 0)) or np.any(np.atleast_1d(layer.stride) != 1):
            raise _other_network(
                path, f"no padding and stride 1, found pad {layer.pad}, stride {layer.stride}"
            )
    return found


def _filters(layer: Any) -> np.ndarray:
    """Filters of a layer on four axes; MATLAB drops an axis of one at the end, scipy any other."""
    filters = np.asarray(layer.weights[0], np.float32)
    rows, columns, outputs = *filters.shape[:2], np.size(layer.weights[1])
    return filters.reshape(rows, columns, -1, outputs)


def _sizes(shapes: list[tuple[int, ...]]) -> str:
    return ", ".join("x".join(map(str, shape)) for shape in shapes)


def _other_network(path: Path, expected: str) -> UserError:
    return UserError(
        "a MATLAB file does not hold CNN-JNQD.",
        where=str(path),
        expected=expected,
        remedy="give net-epoch-300.mat of one of its authors' four networks, or model.onnx of a "
        "training of the suite.",
    )
