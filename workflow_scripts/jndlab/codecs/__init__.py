"""Encoders behind one small interface, found by the ``adapter`` of a codec's entry."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from jndlab.codecs.base import CONFIGURATIONS, Codec, EncodeJob, EncodeResult
from jndlab.errors import UserError

__all__ = ["CONFIGURATIONS", "Codec", "EncodeJob", "EncodeResult", "codec_class", "get_codec"]

# Adapter -> its module, whose `from_spec` builds the codec. A new codec is a module and a line.
ADAPTERS = {
    "vvenc": "jndlab.codecs.vvenc",
    "x265": "jndlab.codecs.x265",
    "vtm": "jndlab.codecs.vtm",
    "x264": "jndlab.codecs.x264",
    "kvazaar": "jndlab.codecs.kvazaar",
    "svtav1": "jndlab.codecs.svtav1",
    "libaom": "jndlab.codecs.libaom",
}
OWN = "class"  # adapter of an entry with a class of one's own


def get_codec(spec: Mapping[str, Any]) -> Codec:
    """The codec of an entry of ``config/codecs.yaml``, e.g. ``{adapter: vvenc, preset: faster}``.

    Raises UserError for an unknown adapter or a key that the adapter needs and lacks.
    """
    adapter = spec.get("adapter")
    if adapter == OWN:
        rate = {"rate": spec["rate"]} if "rate" in spec else {}
        return _own_class(spec)(**spec.get("options", {}), **rate)
    if adapter not in ADAPTERS:
        raise UserError(
            f"unknown codec adapter '{adapter}'.",
            where="config/codecs.yaml: adapter",
            expected=", ".join(ADAPTERS),
        )
    try:
        return import_module(ADAPTERS[adapter]).from_spec(spec)
    except KeyError as error:
        raise UserError(
            f"a codec entry with adapter {adapter} lacks the key {error}.",
            where=f"config/codecs.yaml: {dict(spec)}",
        ) from None


def codec_class(spec: Mapping[str, Any]) -> type[Codec]:
    """Class behind an entry, for what holds for a codec whatever its options."""
    if spec["adapter"] == OWN:
        return _own_class(spec)
    module = import_module(ADAPTERS[spec["adapter"]])
    classes = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Codec)]
    return next(c for c in classes if c.__module__ == module.__name__ and hasattr(c, "suffix"))


def _own_class(spec: Mapping[str, Any]) -> type[Codec]:
    """The class that an entry names. Raises UserError unless it is a codec that can be built."""
    target = spec["class"]
    module, _, name = target.partition(":")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UserError(
            f"there is no codec class '{target}': {error}.",
            where="config/codecs.yaml: class",
            remedy="correct the name, or put the file next to the Snakefile or on PYTHONPATH.",
        ) from error
    abstract = getattr(found, "__abstractmethods__", ())
    wrong = "" if isinstance(found, type) and issubclass(found, Codec) else "it is no Codec"
    if abstract:
        wrong = f"it lacks {', '.join(sorted(abstract))}"
    elif not wrong and not hasattr(found, "suffix"):
        wrong = "it lacks suffix"
    if wrong:
        raise UserError(
            f"'{target}' is no codec: {wrong}.",
            where="config/codecs.yaml: class",
            expected="a subclass of jndlab.codecs.base.Codec with suffix, recipe and encode",
        )
    return found
