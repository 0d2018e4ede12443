"""Model files: a network's weights together with the architecture that they belong to."""

from __future__ import annotations

import hashlib
import importlib
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from jndlab.errors import UserError
from jndlab.files import atomic_path, own_content

FORMAT = "jndlab-model-1"
NETWORKS = {
    "iqnet": "jndlab.models.iqnet.iqnet:IQNet",
    "cnn_jnqd": "jndlab.models.iqnet.cnn_jnqd:CnnJnqd",
    "vp_jnd": "jndlab.models.vp_jnd.network:VpJndNet",
    "liu_pw_jnd": "jndlab.models.vp_jnd.liu_pw_jnd:LiuPwJnd",
    "laser_autoencoder": "jndlab.models.laser_jnd.autoencoder:LaserAutoencoder",
    "lat": "jndlab.models.laser_jnd.networks:Lat",
    "rec": "jndlab.models.laser_jnd.networks:Rec",
    "e2e_lat": "jndlab.models.laser_jnd.networks:E2eLat",
    "e2e_rec": "jndlab.models.laser_jnd.networks:E2eRec",
    "mj_lat": "jndlab.models.laser_jnd.multi_level:MjLat",
    "mj_rec": "jndlab.models.laser_jnd.multi_level:MjRec",
    "mt_3ljnd": "jndlab.models.mtjnd.networks:Mt3Jnd",
    "mt_1ljnd_va": "jndlab.models.mtjnd.networks:Mt1JndVa",
    "mt_3ljnd_va": "jndlab.models.mtjnd.networks:Mt3JndVa",
    "bl_juniper_cnn": "jndlab.models.bl_juniper.cnn:BlJuniperCnn",
}


def build_network(
    name: str, options: Mapping[str, Any] | None = None, *, seed: int | None = None
) -> nn.Module:
    """Make an untrained network of ``NETWORKS``, or of any class given as ``package.module:Class``.

    ``seed`` fixes the initial weights and leaves torch's own generator as it was.
    Raises UserError for an unknown name or options that the class does not take.
    """
    address = NETWORKS.get(name, name)
    try:
        module, _, attribute = address.partition(":")
        kind = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(
            f"there is no network '{name}'.",
            expected=", ".join(NETWORKS) + ", or package.module:Class of your own",
            remedy=f"correct the name ({error}).",
        ) from error
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        try:
            return kind(**(options or {}))
        except (TypeError, ValueError, RuntimeError) as error:
            raise UserError(f"network '{name}' does not take these options: {error}.") from error


def parameter_count(model: nn.Module) -> int:
    """How many numbers the network holds that training may change or that were trained."""
    return sum(parameter.numel() for parameter in model.parameters())


def architecture_of(model: nn.Module) -> dict[str, Any]:
    """JSON-able identity: name, options, parameter count, hash of its tensors' names and shapes."""
    address = f"{type(model).__module__}:{type(model).__qualname__}"
    names = {target: name for name, target in NETWORKS.items()}
    tensors = "\n".join(f"{k} {tuple(v.shape)} {v.dtype}" for k, v in model.state_dict().items())
    return {
        "name": names.get(address, address),
        "options": dict(getattr(model, "options", {})),
        "parameters": parameter_count(model),
        "tensors_sha256": hashlib.sha256(tensors.encode()).hexdigest(),
    }


def architecture_text(architecture: Mapping[str, Any]) -> str:
    """An architecture in a few words, for messages."""
    options = ", ".join(f"{k}={v}" for k, v in architecture["options"].items())
    return f"{architecture['name']}({options}) with {architecture['parameters']:,} parameters"


def save_model(path: str | Path, model: nn.Module, **metadata: Any) -> None:
    """Write weights, architecture and ``metadata`` (plain data and tensors only) atomically."""
    content = {
        "format": FORMAT,
        "architecture": architecture_of(model),
        "weights": model.state_dict(),
        **metadata,
    }
    with atomic_path(path) as part:
        torch.save(content, part)


def load_model(path: str | Path, *, network: str | None = None) -> nn.Module:
    """Rebuild the network of a model file or checkpoint, on the CPU, in evaluation mode.

    ``network``, if given, is the name that it must have. Raises UserError when the file is
    missing, no model file, damaged, or of another architecture.
    """
    content = read_model_file(path)
    with own_content(path):
        found = {"name": content["architecture"]["name"], **content["architecture"]}
    if network is not None and found["name"] != network:
        raise UserError(
            "a model file holds another network than is wanted.",
            where=str(path),
            expected=f"{network}, found {architecture_text(found)}",
            remedy=f"give the file of a trained {network}, or correct the configuration.",
        )
    with own_content(path):
        with torch.device("meta"):  # options that ask for a terabyte take none yet
            model = build_network(found["name"], found["options"])
        require_architecture(model, found, path)
        model = build_network(found["name"], found["options"])
    try:
        kinds = {name: tensor.dtype for name, tensor in content["weights"].items()}
        if kinds != {name: tensor.dtype for name, tensor in model.state_dict().items()}:
            raise TypeError("tensors of other names or kinds of numbers")
        model.load_state_dict(content["weights"])
    except (KeyError, TypeError, AttributeError, RuntimeError, NotImplementedError) as error:
        raise _no_model_file(Path(path), f"other weights: {error}") from error
    require_finite(model, path)
    return model.eval()


def first_unsound_weight(model: nn.Module) -> str | None:
    """Name of the first tensor that holds an infinity or NaN."""
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            return name
    return None


def require_finite(model: nn.Module, path: str | Path) -> None:
    """Raise UserError where weights that were read from a file are not numbers."""
    if name := first_unsound_weight(model):
        raise UserError(
            "a file of weights holds numbers that are not finite.",
            where=f"{path}, {name}",
            remedy="fetch the file again, or take a checkpoint from before it diverged.",
        )


def require_architecture(model: nn.Module, found: Mapping[str, Any], path: str | Path) -> None:
    """Raise UserError unless the architecture ``found`` in ``path`` is that of ``model``."""
    expected = architecture_of(model)
    if expected != dict(found):
        raise UserError(
            "a model file or checkpoint is of another architecture.",
            where=str(path),
            expected=f"{architecture_text(expected)}, found {architecture_text(found)}",
            remedy="give the file that belongs to this network, or another run folder.",
        )


def read_model_file(path: str | Path) -> dict[str, Any]:
    """Content of a model file or checkpoint; raises UserError when it is none or is damaged."""
    path = Path(path)
    if not path.is_file():
        raise UserError(
            "a model file does not exist.",
            where=str(path),
            remedy="train the network first, or correct the path.",
        )
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # PyTorch raises anything on damaged files
        found = (str(error).splitlines() or [type(error).__name__])[0]
        if isinstance(error, pickle.UnpicklingError):  # its advice is to trust the file
            found = "no weights in the format of PyTorch"
        raise _no_model_file(path, found) from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise _no_model_file(path, "it carries no such mark")
    return content


def _no_model_file(path: Path, found: str) -> UserError:
    return UserError(
        "a file is no model file of the suite, or it is damaged.",
        where=str(path),
        expected=f"a file of format {FORMAT}, found: {found[:200]}",
        remedy="train the network again, or give the model.pt, best.pt or .onnx of a finished run.",
    )
