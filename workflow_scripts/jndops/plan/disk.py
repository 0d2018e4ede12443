"""How much room a run takes on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from jndlab.files import read_json
from jndlab.media.clip import ClipFormat
from jndops.plan.cost_model import Line
from jndops.plan.job_graph import Job
from jndops.settings import Settings, place_of

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
    settings: Settings, jobs: Sequence[Job], shares: Shares, cores: int, root: Path = Path()
) -> dict[str, float]:
    """Gigabytes by kind of file.

    Sources, streams and candidates that the run has made already, below the folder ``root``, count
    with their own sizes, the others as these: a plan is of the content as soon as a clip is coded.
    Segments, and clips that the key ``keep`` does not name, are deleted during a run; they count,
    since its peak may hold all of them. In addition, each running job may hold the raw frames of
    its source in the temporary folder.
    """
    results = root / settings.config["results_dir"]
    raw = {name: _raw_bytes(settings.clip(name)) for name in settings.config["sequences"]}
    expected = {name: size * shares.lossless for name, size in raw.items()}
    sources = _scaled(expected, {path.stem: path for path in results.glob("sequences/*.mkv")})
    measured = {
        place_of(SimpleNamespace(**job.wildcards)) for job in jobs if job.rule == "measure_point"
    }
    points = [point for point in settings.points() if place_of(point) in measured]
    coded = {
        path.relative_to(results / "streams").with_suffix("").as_posix(): path
        for path in results.glob("streams/*/*/*/*/qp*")
        if path.suffix != ".json"
    }
    streams: dict[str, float] = {}
    for configuration, share in shares.streams.items():
        of_one = [point for point in points if point.configuration == configuration]
        sizes = {place_of(point): raw[point.sequence] * share.rate(point.qp) for point in of_one}
        streams |= _scaled(sizes, coded)
    cut = {
        place_of(point)
        for point in points
        if point.configuration == "AI" and point.codec in settings.segmented_codecs()
    }
    frames = sum(settings.clip(point.sequence).frames for point in points)
    filtered = [job.wildcards["sequence"] for job in jobs if job.rule == "prefilter_clip"]
    batches = [job.wildcards["batch"] for job in jobs if job.rule == "make_iqnet_candidates"]
    of_batch = _candidates(settings) / len(batches) if batches else 0.0
    made = {path.stem: path for path in results.glob("iqnet/candidates/*.npz")}
    candidates = _scaled(dict.fromkeys(batches, of_batch), made)
    staying = settings.config["keep"]
    until = {kind: "" if kind in staying else " until used" for kind in ("sources", "prefiltered")}
    kept = {
        f"lossless sources{until['sources']}": sum(sources.values()),
        f"prefiltered clips{until['prefiltered']}": sum(sources[name] for name in filtered),
        "streams": sum(streams.values()),
        "segments before they are joined, at most": sum(streams[place] for place in cut),
        "points and frames": float(frames * FRAME_ROW_BYTES + len(points) * POINT_BYTES),
        "candidates of IQNet's training data": sum(candidates.values()),
    }
    kept["all results"] = sum(kept.values())
    kept["temporary folder"] = max(raw.values(), default=0.0) * cores
    return {name: size / 1e9 for name, size in kept.items()}


def _scaled(expected: Mapping[str, float], files: Mapping[str, Path]) -> dict[str, float]:
    """Bytes of the files that there are; of the others as expected, times how those deviate."""
    found = {name: float(files[name].stat().st_size) for name in expected if name in files}
    as_found = sum(found.values()) / sum(expected[name] for name in found) if found else 1.0
    return {name: found.get(name, size * as_found) for name, size in expected.items()}


def _candidates(settings: Settings) -> float:
    """Bytes of the candidates of all training pictures, which are kept; of a folder not known."""
    data = settings.config["iqnet"]["training_data"]
    crop = data["crop"] or VIMEO_SIZE
    all_of_them = VIMEO_PICTURES if data["source"] == "vimeo90k" else 0
    pictures = (data["pictures"] or all_of_them) * data["crops_per_picture"]
    return pictures * (1 + len(data["alphas"])) * crop[0] * crop[1] * CANDIDATE_BYTES


def _raw_bytes(clip: ClipFormat) -> float:
    return 1.5 * clip.width * clip.height * clip.frames * (1 if clip.bit_depth == 8 else 2)
