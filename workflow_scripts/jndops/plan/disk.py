"""How much room a run takes on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jndlab.files import read_json
from jndlab.media.clip import ClipFormat
from jndops.plan.cost_model import Line
from jndops.plan.job_graph import Job
from jndops.settings import Settings

FRAME_ROW_BYTES = 300  # one frame's line of metrics next to a point
# A point, its metadata, its logs and Snakemake's records of them: a dozen files of a block or two.
POINT_BYTES = 50_000
# Compressed bytes a pixel of a candidate: 192 of 448x256, those of the demo, take 19.6 MB.
CANDIDATE_BYTES = 0.89
VIMEO_SIZE, VIMEO_PICTURES = (448, 256), 7824  # where the configuration takes all, whole


@dataclass(frozen=True)
class Shares:
    """Sizes as shares of the raw 4:2:0 frames: streams by configuration and QP, lossless clips."""

    streams: Mapping[str, Line]
    lossless: float


def load_shares(path: Path) -> Shares:
    """The shipped shares (``cost_model.FIRST_VALUES``)."""
    data = read_json(path)
    streams = {
        name: Line(0.0, {int(qp): float(share) for qp, share in shares.items()})
        for name, shares in data["stream_share"].items()
        if name != "source"
    }
    return Shares(streams, data["lossless_share"]["share"])


def disk_gigabytes(
    settings: Settings, jobs: Sequence[Job], shares: Shares, cores: int
) -> dict[str, float]:
    """Gigabytes by kind of file.

    Segments, and clips that the key ``keep`` does not name, are deleted during a run; they count,
    since its peak may hold all of them. In addition, each running job may hold the raw frames of
    its source in the temporary folder.
    """
    raw = {name: _raw_bytes(settings.clip(name)) for name in settings.config["sequences"]}
    streams = segments = texts = 0.0
    segmented = settings.segmented_codecs()
    for point in settings.points():
        size = raw[point.sequence] * shares.streams[point.configuration].rate(point.qp)
        streams += size
        texts += settings.clip(point.sequence).frames * FRAME_ROW_BYTES + POINT_BYTES
        if point.configuration == "AI" and point.codec in segmented:
            segments += size
    filtered = [raw[job.wildcards["sequence"]] for job in jobs if job.rule == "prefilter_clip"]
    has_candidates = any(job.rule == "make_iqnet_candidates" for job in jobs)
    staying = settings.config["keep"]
    until = {kind: "" if kind in staying else " until used" for kind in ("sources", "prefiltered")}
    kept = {
        f"lossless sources{until['sources']}": sum(raw.values()) * shares.lossless,
        f"prefiltered clips{until['prefiltered']}": sum(filtered) * shares.lossless,
        "streams": streams,
        "segments before they are joined, at most": segments,
        "points and frames": texts,
        "candidates of IQNet's training data": _candidates(settings) if has_candidates else 0.0,
    }
    kept["all results"] = sum(kept.values())
    kept["temporary folder"] = max(raw.values(), default=0.0) * cores
    return {name: size / 1e9 for name, size in kept.items()}


def _candidates(settings: Settings) -> float:
    """Bytes of the candidates of all training pictures, which are kept; of a folder not known."""
    data = settings.config["iqnet"]["training_data"]
    crop = data["crop"] or VIMEO_SIZE
    all_of_them = VIMEO_PICTURES if data["source"] == "vimeo90k" else 0
    pictures = (data["pictures"] or all_of_them) * data["crops_per_picture"]
    return pictures * (1 + len(data["alphas"])) * crop[0] * crop[1] * CANDIDATE_BYTES


def _raw_bytes(clip: ClipFormat) -> float:
    return 1.5 * clip.width * clip.height * clip.frames * (1 if clip.bit_depth == 8 else 2)
