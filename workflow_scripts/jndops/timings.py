"""How long a codec takes: first values shipped, replaced by what earlier runs recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jndlab.files import read_json

# A clip below this many megapixel-frames spends its time on starting the encoder.
MIN_MEGAPIXEL_FRAMES = 1.0


@dataclass(frozen=True)
class Rate:
    """CPU seconds per megapixel-frame by QP, where they come from, and if a run recorded them."""

    by_qp: Mapping[int, float]
    source: str
    recorded: bool = False

    def at(self, qp: int) -> float:
        """Value at a QP: linear between the known ones, that of the nearest outside of them."""
        known = sorted(self.by_qp)
        below = max((at for at in known if at <= qp), default=known[0])
        above = min((at for at in known if at >= qp), default=known[-1])
        if below == above:
            return self.by_qp[below]
        share = (qp - below) / (above - below)
        return self.by_qp[below] * (1 - share) + self.by_qp[above] * share


@dataclass(frozen=True)
class Timings:
    """All rates. ``encode`` is by (codec, configuration); seconds per megapixel-frame but for
    ``job_start`` (seconds a job); shares are of the size of the raw 4:2:0 frames."""

    encode: Mapping[tuple[str, str], Rate]
    measure: Rate
    prefilter_seconds: float
    job_start_seconds: float
    stream_share: Mapping[str, Rate]
    lossless_share: float

    def updated(self, encode: Mapping[tuple[str, str], Rate], measure: Rate | None) -> Timings:
        """These timings with recorded ones in their place."""
        return replace(
            self, encode={**self.encode, **encode}, measure=measure if measure else self.measure
        )


def load_timings(path: Path) -> Timings:
    """Read the first values from ``config/timings.json``."""
    data = read_json(path)
    shares = data["stream_share"]
    return Timings(
        encode={
            (row["codec"], row["configuration"]): Rate(_by_qp(row["seconds"]), row["source"])
            for row in data["encode"]
        },
        measure=Rate({0: data["measure"]["seconds"]}, data["measure"]["source"]),
        prefilter_seconds=data["prefilter"]["seconds"],
        job_start_seconds=data["job_start"]["seconds"],
        stream_share={
            name: Rate(_by_qp(values), shares["source"])
            for name, values in shares.items()
            if name != "source"
        },
        lossless_share=data["lossless_share"]["share"],
    )


def collect_timings(
    points_dirs: Iterable[Path],
) -> tuple[dict[tuple[str, str], Rate], Rate | None]:
    """What earlier runs recorded in their points: rates of encoders, and of the measurement.

    All seconds over all megapixel-frames of a QP, so that large clips weigh more; clips below
    ``MIN_MEGAPIXEL_FRAMES`` are left out. Points without timings are passed over.
    """
    encode: dict[tuple[str, str], dict[int, list[float]]] = {}
    measure = [0.0, 0.0]
    points = 0
    for path in (path for folder in points_dirs for path in sorted(folder.glob("**/qp*.json"))):
        point = read_json(path)
        size, spent = megapixel_frames(point["clip"]), point.get("provenance", {})
        if size < MIN_MEGAPIXEL_FRAMES or "encode_cpu_s" not in spent:
            continue
        key = point["key"]
        by_qp = encode.setdefault((key["codec"], key["config"]), {})
        sums = by_qp.setdefault(int(key["qp"]), [0.0, 0.0])
        for total, name in ((sums, "encode_cpu_s"), (measure, "measure_cpu_s")):
            total[0] += spent[name]
            total[1] += size
        points += 1
    source = f"recorded by earlier runs ({points} points)"
    rates = {
        key: Rate({qp: seconds / size for qp, (seconds, size) in by_qp.items()}, source, True)
        for key, by_qp in encode.items()
    }
    seconds, size = measure
    return rates, Rate({0: seconds / size}, source, True) if size else None


def megapixel_frames(clip: Mapping[str, Any]) -> float:
    """Luma samples of all frames of a clip, in millions."""
    return clip["width"] * clip["height"] * clip["frames"] / 1e6


def _by_qp(values: Mapping[str, float]) -> dict[int, float]:
    return {int(qp): float(value) for qp, value in values.items()}
