"""The experiment of a command on videos of one's own: plain data for a YAML file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jndlab.codecs import codec_class
from jndlab.configuration import checked, did_you_mean
from jndlab.datasets.own_sequences import OwnSequence, own_sequence
from jndlab.errors import UserError
from jndlab.jnd.method_class import expanded_options, texts_of
from jndops.inputs.bl_juniper import BlJuniperInputs
from jndops.inputs.coding import CodingInputs
from jndops.settings import Settings

TRAINED = "{results}/models/"  # what a run has trained: used as it is, not trained again
KIND_OF = {"filter": "prefilter", "predict-jnd": "jnd_predictor"}
# Sections that name sequences, points or targets of the run whose methods are used.
_LEFT_OUT = (
    "configurations_of",
    "subjective",
    "viewer",
    "bd_rate",
    "papers",
    "mlflow",
    "codecs",
    "ai_segment_frames",
)
_BLOCK_JND = re.compile(r"^\{results\}/bl_juniper/block_jnd/cnn_seed(\d+)/")
QP_IN_NAME = "{qp}"


@dataclass(frozen=True)
class Asked:
    """What a command asks for. ``given`` is the configuration whose methods are used, as written,
    ``settings`` the same with all defaults; null keys take their values from it."""

    command: str
    videos: Sequence[Path]
    methods: Sequence[str]
    given: Mapping[str, Any]
    settings: Settings
    codecs: Sequence[str] = ()
    qps: Sequence[int] = ()
    configurations: Sequence[str] = ()
    frames: int | None = None
    weights: Mapping[str, str] = field(default_factory=dict)
    of_raw: Mapping[str, Any] = field(default_factory=dict)  # keys of a raw file: width ...


def experiment(asked: Asked, results_dir: str) -> dict[str, Any]:
    """The configuration of a run in ``results_dir``.

    Raises UserError for a method that the configuration has not or that the command has no use for,
    for a network that is not there, and for a file that is no video.
    """
    of_run = asked.settings.config
    anchor = of_run["anchor"]
    names = list(dict.fromkeys([anchor, *asked.methods]))
    sequences = dict(_sequences(asked))
    carried = {key: value for key, value in asked.given.items() if key not in _LEFT_OUT}
    methods = {name: _method(name, asked) for name in names}
    if seeds := sorted({seed for text in texts_of(methods) for seed in _BLOCK_JND.findall(text)}):
        carried["bl_juniper"] = _with_block_networks(seeds, asked)
    return {
        **carried,
        "results_dir": results_dir,
        "own_sequences": sequences,
        "sequences": list(sequences),
        "frames": None,
        "configurations": list(asked.configurations or of_run["configurations"]),
        "qps": list(asked.qps or of_run["qps"]),
        "codecs": _codecs_of_run(methods, asked),
        "methods": methods,
        "anchor": anchor,
        "bd_rate": {**of_run["bd_rate"], "between": []},
        "papers": [],
        "mlflow": False,
    }


def folder_name(videos: Sequence[Path]) -> str:
    """Name of the folder of results, from those of the videos."""
    names = list(dict.fromkeys(map(_identifier, videos)))
    more = f"_and_{len(names) - 1}_more" if len(names) > 1 else ""
    return f"{names[0]}{more}"


def _sequences(asked: Asked) -> Iterator[tuple[str, dict[str, Any]]]:
    taken = {name.lower() for name in asked.settings.sequences}
    for path in asked.videos:
        name = wanted = _identifier(path)
        number = 1
        while name.lower() in taken:
            number += 1
            name = f"{wanted}-{number}"
        taken.add(name.lower())
        entry: dict[str, Any] = {"file": str(path.absolute())}
        entry |= asked.of_raw  # which other videos contradict, or lack
        whole = own_sequence(name, checked(OwnSequence, entry, str(path)).plain()).frames
        if asked.frames is not None:
            entry["frames"] = min(asked.frames, whole)
        yield name, entry


def _identifier(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-")[:60] or "video"


def _method(name: str, asked: Asked) -> dict[str, Any]:
    methods = asked.settings.config["methods"]
    kind = KIND_OF.get(asked.command)
    usable = [
        known
        for known, method in methods.items()
        if method["kind"] != "quality_choice" and kind in (None, method["kind"])
    ]
    is_anchor = name == asked.settings.config["anchor"]
    if name not in usable and (not is_anchor or (kind and name in asked.methods)):
        raise UserError(
            f"{asked.command} has no method '{name}'{did_you_mean(name, usable)}.",
            expected=", ".join(usable) or f"a method of kind {kind} in the configuration",
            remedy="methods are those of CONFIG; a class of your own is an entry there.",
        )
    method = dict(methods[name])
    if method["kind"] == "anchor":
        return {"kind": "anchor", "label": method["label"]}
    method["codecs"] = _codecs(method, asked)
    method["sequences"] = None
    method["options"] = _options(name, method, asked)
    return method


def _codecs_of_run(methods: Mapping[str, Mapping[str, Any]], asked: Asked) -> list[str]:
    """Codecs of methods without any of their own; none that only the anchor would be coded with."""
    compared = [method for method in methods.values() if method["kind"] != "anchor"]
    if compared and all(method["codecs"] for method in compared):
        return list(dict.fromkeys(name for method in compared for name in method["codecs"]))
    return list(asked.codecs or asked.settings.config["codecs"])


def _with_block_networks(seeds: Sequence[str], asked: Asked) -> dict[str, Any]:
    """BL-JUNIPER's section, with the run's three networks of a seed in place of a training."""
    if len(seeds) > 1:
        raise UserError("BL-JUNIPER's networks can be of one seed.", expected="one of its methods")
    networks = BlJuniperInputs(CodingInputs(asked.settings)).models_of_seed(seeds[0])
    for file in networks:
        _require_trained("BL-JUNIPER", file, "")
    section = dict(asked.given.get("bl_juniper", {}))
    cnn = {**section.get("cnn", {}), "weights": networks}
    return {**section, "seeds": [int(seeds[0])], "cnn": cnn}


def _require_trained(name: str, file: str, further: str) -> None:
    if not Path(file).is_file():
        raise UserError(
            f"the network of '{name}' is not there.",
            where=file,
            expected="a run that has trained it" + (", or a file of weights" if further else ""),
            remedy="train it (`make demo`, or `make run CONFIG=...` with the same CONFIG)"
            f"{further}.",
        )


def _codecs(method: Mapping[str, Any], asked: Asked) -> list[str] | None:
    """Those that are asked for and that the method can be run with, else its own.

    Predicted JNDs are QPs of H.264, and a map of QPs needs an encoder that takes it.
    """
    known = asked.settings.codecs
    for name in asked.codecs:
        if name not in known:
            raise UserError(
                f"there is no codec '{name}'{did_you_mean(name, list(known))}.",
                expected=", ".join(known),
                remedy="an entry of your own stands in the key `own_codecs` of CONFIG.",
            )
    fits = {
        "jnd_predictor": lambda entry: entry["adapter"] == "x264",
        "block_qp": lambda entry: codec_class(entry).takes_qp_map,
    }.get(method["kind"], lambda entry: True)
    return [name for name in asked.codecs if fits(known[name])] or method["codecs"]


def _options(name: str, method: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """Options of a method with its network's file: trained by the run, or another one."""
    options = dict(method["options"])
    if weights := asked.weights.get(name):
        options = _with_weights(name, options, weights, asked)
    trained = f"{asked.settings.config['results_dir']}/models/"
    options = _replaced(options, trained)
    if asked.qps and isinstance(options.get("models"), dict):
        options["models"] = {qp: file for qp, file in options["models"].items() if qp in asked.qps}
    for text in texts_of(options):
        if text.startswith(trained):
            _require_trained(name, text, f", or give WEIGHTS={name}=PATH")
    return options


def _replaced(options: dict[str, Any], trained: str) -> dict[str, Any]:
    def replace(value: Any) -> Any:
        if isinstance(value, str):
            return value.replace(TRAINED, trained)
        if isinstance(value, dict):
            return {key: replace(item) for key, item in value.items()}
        return [replace(item) for item in value] if isinstance(value, list) else value

    return {key: replace(value) for key, value in options.items()}


def _with_weights(name: str, options: dict[str, Any], weights: str, asked: Asked) -> dict[str, Any]:
    """Options with a file of weights in the place of what the run trains."""
    if "models" in options:
        qps = asked.qps or asked.settings.config["qps"]
        if QP_IN_NAME not in weights:
            raise UserError(
                f"'{name}' has a network for each QP.",
                where=f"WEIGHTS={weights}",
                expected=f"a path with {QP_IN_NAME} in it, such as nets/qp{QP_IN_NAME}.onnx",
            )
        files: dict[int, str] = {qp: weights.replace(QP_IN_NAME, str(qp)) for qp in qps}
        options = {**options, "models": files}
    elif "model" in options:
        files = {0: weights}
        options = {**options, "model": weights}
    else:
        raise UserError(f"'{name}' has no network.", where=f"WEIGHTS={weights}")
    if missing := [file for file in files.values() if not Path(file).is_file()]:
        raise UserError("a file of weights is missing.", where=", ".join(missing))
    return options


def models_of(method: Mapping[str, Any], results_dir: str) -> list[Path]:
    """Files of a method's networks."""
    options = expanded_options(method.get("options", {}), results=results_dir)
    named = texts_of([options.get("model"), options.get("models")])
    return [Path(text) for text in named]
