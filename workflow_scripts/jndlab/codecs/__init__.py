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
}


def get_codec(spec: Mapping[str, Any]) -> Codec:
    """The codec of an entry of ``config/codecs.yaml``, e.g. ``{adapter: vvenc, preset: faster}``.

    Raises UserError for an unknown adapter or a key that the adapter needs and lacks.
    """
    adapter = spec.get("adapter")
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
    module = import_module(ADAPTERS[spec["adapter"]])
    classes = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, Codec)]
    return next(c for c in classes if c.__module__ == module.__name__)
