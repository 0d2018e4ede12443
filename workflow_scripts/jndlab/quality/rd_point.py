"""A rate-distortion point: identity, rate, pooled quality and the provenance of each number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from jndlab.errors import UserError
from jndlab.files import opens_as_formula, read_json, sha256_of, sha256_of_json
from jndlab.media.clip import ClipFormat, clip_as_text
from jndlab.quality.metrics import pool

if TYPE_CHECKING:
    from jndlab.quality.full_reference import Measurement

SCHEMA_VERSION = 2
MAX_QP = 63
MOST_BITS = 1 << 53  # exact in all tables
CONTENTS = ("published", "demo", "own")
# Of the metrics whose names begin so: what no measurement leaves, with room for rounding.
RANGES = {
    "vmaf": (-0.001, 100.001), "psnr": (0.0, 200.0), "xpsnr": (0.0, 200.0), "ssim": (-1.0, 1.0001),
    "ms": (-1.0, 1.0001), "cambi": (0.0, 1000.0),
    "lossless": (0.0, 1e9),
}  # fmt: skip


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


def base_name(method: str, seed: int | None) -> str:
    """Name of a method without the seed that it ends in where a run has several."""
    return method if seed is None else method.removesuffix(f"_seed{seed}")


def read_point(path: str | Path) -> dict[str, Any]:
    """The content of a point's file as :func:`rd_point` made it, whoever changed it since.

    Raises UserError for what is no point, and for values outside their range: bits are whole and
    above 0, as is the rate, metrics are finite and within their range, seconds not below 0.
    """
    try:
        point: dict[str, Any] = read_json(path)
        if point["schema"] != SCHEMA_VERSION:
            raise ValueError(f"it has schema {point['schema']!r} and not {SCHEMA_VERSION}")
        _check_point(point)
        _check_place(Path(path), point["key"])
    except (
        ValueError,
        KeyError,
        TypeError,
        ArithmeticError,
        AttributeError,
        RecursionError,
    ) as error:
        raise no_point(path, error) from error
    return point


def no_point(path: str | Path, error: Exception) -> UserError:
    """The message for a file that is no point, by the error that its reader met."""
    wrong = f"no key {error}" if isinstance(error, KeyError) else str(error)
    return UserError(
        f"the file is no RD point: {wrong}.",
        where=str(path),
        expected="the JSON that the measuring step writes",
        remedy="delete the file and let the workflow measure the point again.",
    )


def _check_point(point: Mapping[str, Any]) -> None:
    key = PointKey(**{name: point["key"][name] for name in POINT_KEY})
    if not (_is_number(key.qp, whole=True) and 0 <= key.qp <= MAX_QP):
        raise ValueError(f"key.qp is {key.qp!r}, no QP from 0 to {MAX_QP}")
    if not all(isinstance(name, str) and name for name in key[:-1]):
        raise ValueError("a name in its key is empty or no text")
    if not (_is_number(point["bits"], whole=True) and 0 < point["bits"] <= MOST_BITS):
        raise ValueError(f"bits is {point['bits']!r}, no whole number above 0")
    if not (_is_number(point["bitrate_kbps"]) and point["bitrate_kbps"] > 0):
        raise ValueError(f"bitrate_kbps is {point['bitrate_kbps']!r}, no number above 0")
    if "clip" in point:
        clip = point["clip"]
        _check_rate(point, clip["frames"], Fraction(clip["fps"]))
        for name in ("width", "height", "bit_depth"):
            if not (_is_number(clip[name], whole=True) and clip[name] > 0):
                raise ValueError(f"clip.{name} is {clip[name]!r}, no whole number above 0")
    label, content = point.get("label", ""), point.get("content", CONTENTS[0])
    if not isinstance(label, str) or not label.isprintable() or opens_as_formula(label):
        raise ValueError(f"label is {label!r}, no name in a table")
    if content not in CONTENTS and not str(content).startswith("decoded from a stream of "):
        raise ValueError(f"content is {content!r}, none of {', '.join(CONTENTS)}")
    for part in ("metrics", "prefilter_metrics"):
        values = point[part] or {}
        if not isinstance(values, Mapping):
            raise ValueError(f"{part} is no mapping")
        for name, value in values.items():
            low, high = RANGES.get(name.partition("_")[0], (-math.inf, math.inf))
            if value is not None and not (_is_number(value) and low <= value <= high):
                expected = "finite number" + (
                    f" from {low:g} to {high:g}" if math.isfinite(low) else ""
                )
                raise ValueError(f"{part}.{name} is {value!r}, no {expected}")
    lossless = (point["metrics"] or {}).get("lossless_frames", 0)
    most = point["clip"]["frames"] if "clip" in point else math.inf
    if not (_is_number(lossless, whole=True) and 0 <= lossless <= most):
        raise ValueError(f"metrics.lossless_frames is {lossless!r} of {most} frames")
    for name in ("encode_cpu_s", "encode_wall_s"):
        seconds = point["provenance"].get(name, 0)
        if not (_is_number(seconds) and seconds >= 0):
            raise ValueError(f"provenance.{name} is {seconds!r}, no number from 0")


def _check_rate(point: Mapping[str, Any], frames: Any, fps: Fraction) -> None:
    """Raise ValueError unless bits, frames, rate of pictures and bitrate are of one clip."""
    if not (_is_number(frames, whole=True) and frames > 0 and fps > 0):
        raise ValueError(f"its clip has {frames!r} frames at {fps} a second")
    rate = kbps(point["bits"], fps, frames)
    if not math.isclose(point["bitrate_kbps"], rate, rel_tol=1e-3):  # as some round it
        raise ValueError(f"bitrate_kbps is {point['bitrate_kbps']!r}, and its bits make {rate!r}")


def _check_place(path: Path, key: Mapping[str, Any]) -> None:
    """Raise ValueError for a point that lies where another belongs."""
    if path.parts[-6:-5] == ("points",):
        place = [key[name] for name in ("codec", "configuration", "sequence", "method")]
        if [*path.parts[-5:-1], path.stem] != [*place, f"qp{key['qp']}"]:
            raise ValueError(f"its key is of another point, {'/'.join(place)}/qp{key['qp']}")


def kbps(bits: int, fps: Fraction, frames: int) -> float:
    """Bitrate in kbit/s of a clip by its bits, frames and frames per second."""
    return bits * float(fps) / frames / 1000


def read_encoded(path: str | Path) -> dict[str, Any]:
    """The metadata of an encode as its job wrote them, whoever changed them since.

    Raises UserError for other content: pictures have whole bits above 0 and a slice type each.
    """
    encoded: dict[str, Any] = read_json(
        path, "recipe", "coded_qp", "coded_sha256", "stream_sha256", "threads", "command",
        "version", "wall_seconds", "cpu_seconds", "bits_per_frame", "slice_types",
    )  # fmt: skip
    bits, kinds = encoded["bits_per_frame"], encoded["slice_types"]
    sound = isinstance(bits, list) and all(_is_number(n, whole=True) and n > 0 for n in bits)
    sound &= all(
        _is_number(encoded[n]) and encoded[n] >= 0 for n in ("wall_seconds", "cpu_seconds")
    )
    sound &= isinstance(encoded["stream_sha256"], str) and isinstance(encoded["recipe"], dict)
    if not (sound and isinstance(kinds, list) and len(kinds) == len(bits)):
        raise UserError(
            "the metadata of an encode do not describe its pictures.",
            where=str(path),
            expected="bits_per_frame, whole numbers above 0, as many slice_types, seconds from 0, "
            "a recipe and stream_sha256",
            remedy="delete the stream and its metadata; the next run encodes it again.",
        )
    return encoded


def require_stream(stream: str | Path, encoded: Mapping[str, Any]) -> None:
    """Raise UserError unless a stream is the one that was encoded, bit for bit."""
    if sha256_of(stream) != encoded["stream_sha256"]:
        raise UserError(
            "a stream was changed after it was encoded.",
            where=str(stream),
            expected=f"SHA-256 {encoded['stream_sha256']}",
            remedy="delete the stream and its metadata; the next run encodes it again.",
        )


def _is_number(value: Any, whole: bool = False) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    return math.isfinite(value)


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
    suite: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Assemble a point as JSON-able data.

    ``source``, ``coded`` and ``encode`` are the metadata files of the source, of the clip that was
    coded (the source itself for an anchor) and of the encode. The rate is
    ``bits * fps / frames`` with frames and fps of the sheet. ``suite`` is the version, commit and
    state of the code that measured. Raises UserError when the stream
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
        "bitrate_kbps": kbps(bits, clip.fps, clip.frames),
        "metrics": pool(measured.frames),
        "prefilter_metrics": prefilter_metrics,
        "recipe": recipe,
        "recipe_sha256": sha256_of_json(recipe),
        "coded_qp": encode["coded_qp"],
        "provenance": {
            "suite": dict(suite or {}),
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
    """The encoder of a point: its adapter, the version that it reported itself, and what an entry
    sets apart from its preset: rate control and parameters."""
    codec = point["recipe"]["codec"]
    params = [f"{name}={value}" for name, value in codec.get("params", {}).items()]
    rate = [codec["rate"].upper()] if "rate" in codec else []
    return " ".join([codec["adapter"], point["provenance"]["encoder_version"], *rate, *params])


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
