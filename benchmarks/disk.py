"""Bench of a finished run: its bytes on disk for an encoded frame, and its re-check."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.figures import ROOT, Bench, Figure, in_turns
from benchmarks.grid import RECHECK_LIMIT_SECONDS, RECHECKS, assert_nothing_to_do, snakemake_lines
from jndlab.media.clip import ClipFormat
from jndops.plan.disk import FRAME_ROW_BYTES, POINT_BYTES
from jndops.settings import Settings, load_settings

# Real clips of the demo, its length, a fast codec: 24 points of two methods.
CONFIG = {
    "results_dir": "small",
    "sequences": ["bikes", "bigbuckbunny", "carphone"],
    "frames": 24,
    "configurations": ["AI", "LDP"],
    "qps": [22, 37],
    "codecs": ["x265-ultrafast"],
    "methods": {
        "anchor": {"kind": "anchor"},
        "erjnd": {"kind": "prefilter", "class": "jndlab.jnd.erjnd:ErjndPrefilter"},
    },
    "papers": [],
    "mlflow": False,
}


def finished_run(bench: Bench) -> Iterator[Figure]:
    """A small run to its end: its re-check, and its bytes by kind for each encoded frame."""
    settings = load_settings(CONFIG, ROOT)
    (bench.folder / "grid.yaml").write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    points = len(list(settings.points()))
    bench.say(f"a run of {points} points with its tables and figures")
    snakemake_lines(bench, [])
    bench.say("the finished run is checked again")
    [recheck] = in_turns([lambda: assert_nothing_to_do(bench, [])], RECHECKS)
    yield Figure(
        "re-check of a small finished run",
        recheck.wall,
        "s",
        RECHECK_LIMIT_SECONDS,
        "limit",
        f"`snakemake` from its start to its end, {points} points with tables and figures, median "
        f"of {RECHECKS}; {recheck.cpu:.2f} s of CPU time.",
        at_most=1,
    )
    yield from _bytes_by_kind(bench.folder, settings)


def bytes_below(folder: Path, pattern: str = "*") -> int:
    """Bytes that all files of a folder and those in it take, in whole blocks, as a quota counts."""
    return sum(512 * path.stat().st_blocks for path in folder.rglob(pattern) if path.is_file())


def _bytes_by_kind(folder: Path, settings: Settings) -> Iterator[Figure]:
    results = folder / settings.config["results_dir"]
    clips = {name: settings.clip(name) for name in settings.config["sequences"]}
    points = [point.sequence for point in settings.points()]
    encoded = sum(clips[name].frames for name in points)
    raw_frame = sum(clips[name].frame_bytes * clips[name].frames for name in points) / encoded
    metadata = bytes_below(results / "streams", "*.json")
    streams = bytes_below(results / "streams") - metadata
    told = bytes_below(results / "points") + metadata
    logs = bytes_below(results / "logs") + bytes_below(results / "benchmarks")
    records = bytes_below(folder / ".snakemake/metadata")
    what = f"{len(points)} points of 24 frames"
    yield _figure(
        "streams", streams / encoded, raw_frame, "raw frame", f"{what}, x265 QP 22 and 37."
    )
    assumed = FRAME_ROW_BYTES + POINT_BYTES * len(points) / encoded
    yield _figure(
        "points, frames, logs and records",
        (told + logs + records) / encoded,
        assumed,
        "what `make plan` reckons with",
        f"{what}. Of a point {told / len(points):,.0f} bytes are itself, its frames' metrics and "
        f"the metadata of its encode, {logs / len(points):,.0f} logs and benchmarks, "
        f"{records / len(points):,.0f} Snakemake's records, those of tables and figures included. "
        "Most of it is whole blocks for small files, so that more frames cost hardly more.",
        at_most=1.25,
    )
    yield _lossless(results / "sequences", clips)


def _lossless(folder: Path, clips: dict[str, ClipFormat]) -> Figure:
    frames = sum(clip.frames for clip in clips.values())
    raw = sum(clip.frames * clip.frame_bytes for clip in clips.values()) / frames
    sources = bytes_below(folder, "*.mkv") / frames
    return _figure(
        "lossless sources",
        sources,
        raw,
        "raw frame",
        f"{len(clips)} clips of the demo as FFV1, once for all points.",
        at_most=1,
    )


def _figure(
    kind: str, measured: float, against: float, peer: str, counted: str, **goal: Any
) -> Figure:
    return Figure(f"disk a frame: {kind}", measured, "bytes", against, peer, counted, **goal)
