"""A rate-distortion point: identity, rate, pooled quality and the provenance of each number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from jndlab.errors import UserError
from jndlab.files import sha256_of_json
from jndlab.media.clip import ClipFormat, clip_as_text
from jndlab.quality.metrics import pool

if TYPE_CHECKING:
    from jndlab.quality.full_reference import Measurement

SCHEMA_VERSION = 2


class PointKey(NamedTuple):
    """Identity of a rate-distortion point; its fields are the key columns of every table.

    ``configuration`` is the coding configuration, AI (all intra) or LDP (low-delay P).
    """

    sequence: str
    configuration: str
    codec: str
    method: str
    qp: int


POINT_KEY = list(PointKey._fields)


def rd_point(
    *,
    key: PointKey,
    clip: ClipFormat,
    content: str,
    method: Mapping[str, Any],
    source: Mapping[str, Any],
    coded: Mapping[str, Any],
    encode: Mapping[str, Any],
    measured: Measurement,
    prefilter_metrics: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Assemble a point as JSON-able data.

    ``source``, ``coded`` and ``encode`` are the metadata files of the source, of the clip that was
    coded (the source itself for an anchor) and of the encode. The rate is
    ``bits * fps / frames`` with frames and fps of the sheet. Raises UserError when the stream
    was made from another clip than the one at hand.
    """
    if encode["coded_sha256"] != coded["samples_sha256"]:
        raise UserError(
            f"the stream of {key} was made from another clip than the present one.",
            remedy="delete the stream; the next run encodes it again.",
        )
    bits = sum(encode["bits_per_frame"])
    recipe = {
        "codec": encode["recipe"],
        "source_sha256": source["samples_sha256"],
        "coded_sha256": coded["samples_sha256"],
        "method": {"class": method["class"], "options": method["options"]},
        "models_sha256": sorted(
            {*coded.get("models_sha256", {}).values(), *encode.get("models_sha256", [])}
        ),
    }
    return {
        "schema": SCHEMA_VERSION,
        "key": key._asdict(),
        "label": method["label"] or key.method,
        "clip": clip_as_text(clip),
        "content": content,
        "bits": bits,
        "bitrate_kbps": bits * float(clip.fps) / clip.frames / 1000,
        "metrics": pool(measured.frames),
        "prefilter_metrics": prefilter_metrics,
        "recipe": recipe,
        "recipe_sha256": sha256_of_json(recipe),
        "coded_qp": encode["coded_qp"],
        "provenance": {
            "stream_sha256": encode["stream_sha256"],
            "encode_command": encode["command"],
            "encoder_version": encode["version"],
            "ffmpeg_version": measured.versions["ffmpeg"],
            "measure_versions": measured.versions,
            "threads": encode["threads"],
            "encode_wall_s": encode["wall_seconds"],
            "encode_cpu_s": encode["cpu_seconds"],
            "measure_wall_s": measured.wall_seconds,
            "measure_cpu_s": measured.cpu_seconds,
        },
    }


def encoder_of(point: Mapping[str, Any]) -> str:
    """The encoder of a point: its adapter and the version that it reported itself."""
    return f"{point['recipe']['codec']['adapter']} {point['provenance']['encoder_version']}"


def frame_rows(encode: Mapping[str, Any], measured: Measurement) -> list[dict[str, Any]]:
    """Per-frame values of the point: bits and slice type in coding order, then each metric.

    Both configurations code in display order, so coding and display index agree.
    """
    return [
        {"bits": bits, "slice_type": kind, **frame}
        for bits, kind, frame in zip(
            encode["bits_per_frame"], encode["slice_types"], measured.frames, strict=True
        )
    ]
