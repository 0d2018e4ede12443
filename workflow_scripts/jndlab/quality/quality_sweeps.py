"""Pictures and clips coded at many qualities, and how far VMAF falls on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import NamedTuple, TypeVar

import pandas as pd

from jndlab.codecs.base import Codec, EncodeJob
from jndlab.errors import UserError
from jndlab.files import write_csv
from jndlab.media.clip import ClipFormat, Frame, bytes_of, write_clip
from jndlab.media.ffmpeg import tool_pool
from jndlab.quality.motionless_vmaf import motionless_vmaf
from jndlab.quality.vmaf_steps import (
    DEFAULT_RULE,
    StepRule,
    required_levels,
    search_levels,
    step_levels,
)

Point = TypeVar("Point")
Result = TypeVar("Result")

COLUMNS = ("source", "metric", "quality", "score", "bits")


class Coding(NamedTuple):
    """One coding of a picture: its quality (QF or QP), the decoded planes, and its size."""

    quality: int
    picture: Frame
    bits: int


@dataclass(frozen=True)
class QualitySweep:
    """One source at several qualities, from best to worst.

    ``start`` is the score of the source against itself, ``bits`` the size of each coding.
    """

    source: str
    metric: str
    start: float
    qualities: tuple[int, ...]
    scores: tuple[float, ...]
    bits: tuple[int, ...]

    def levels(self, rule: StepRule = DEFAULT_RULE) -> list[int | None]:
        """Quality of each JND level by ``rule``; see :func:`~.vmaf_steps.step_levels`."""
        if rule.metric != self.metric:
            raise UserError(
                "a sweep was measured with another metric than the rule of its labels has.",
                where=self.source,
                expected=f"{rule.metric}, found {self.metric}",
                remedy="measure the sweep again, or name the metric and its step in the rule.",
            )
        return step_levels(self.qualities, self.scores, self.start, rule)


def sweep_pictures(
    pictures: Mapping[str, Frame],
    codec: Codec,
    qualities: Sequence[int],
    *,
    work_dir: Path,
    metric: str = "vmaf_neg_still",
    threads: int = 1,
    streams: Path | None = None,
) -> list[QualitySweep]:
    """Code 8-bit pictures all intra at every QP of ``qualities`` (best first) and score them.

    Pictures of one size are the frames of one all-intra clip: one encode and one comparison per
    QP and size, ``threads`` of them at a time. x264 and x265 decode a picture to the same samples
    as if it were coded alone (VVenC does not). ``bits`` are those of the picture inside the stream;
    x264 repeats the headers in every picture, and they are within two bytes of those alone.
    ``streams``, for pictures of one size, is a folder that keeps each stream (:func:`stream_of`).
    """
    by_size: dict[tuple[int, int], list[str]] = {}
    for name, picture in pictures.items():
        by_size.setdefault(picture.y.shape, []).append(name)
    sweeps: dict[str, QualitySweep] = {}
    for (height, width), names in by_size.items():
        clip = ClipFormat(width, height, Fraction(25), len(names))
        with _scratch(work_dir) as folder:
            source = folder / "pictures.mkv"
            write_clip(source, (pictures[name] for name in names), clip)
            measure = _Coded(source, clip, codec, "AI", metric, folder, streams)
            start = motionless_vmaf(source, source, clip, work_dir=folder, metric=metric)
            coded = _in_parallel(measure.__call__, qualities, threads)
        for place, name in enumerate(names):
            sweeps[name] = QualitySweep(
                name, metric, start[place], tuple(qualities),
                tuple(scores[place] for scores, _ in coded),
                tuple(bits[place] for _, bits in coded),
            )  # fmt: skip
    return [sweeps[name] for name in pictures]


def stream_of(folder: Path, quality: int, codec: Codec) -> Path:
    """Where a sweep that keeps its streams in ``folder`` has that of a quality."""
    return folder / f"qp{quality}.{codec.suffix}"


def sweep_codings(
    source: str,
    reference: Frame,
    codings: Iterable[Coding],
    *,
    work_dir: Path,
    metric: str = "vmaf_neg_still",
    threads: int = 1,
) -> QualitySweep:
    """Score decoded codings of one 8-bit picture (best first), e.g. JPEG at every quality factor.

    All are compared with ``reference`` (same size) in one pass; the codings are read one by one.
    """
    height, width = reference.y.shape
    clip = ClipFormat(width, height, Fraction(25), 1)
    qualities, bits = [], []
    with _scratch(work_dir) as folder:
        one, decoded = folder / "reference.yuv", folder / "decoded.yuv"
        one.write_bytes(bytes_of(reference, clip))
        with open(decoded, "wb") as stream:
            stream.write(bytes_of(reference, clip))
            for coding in codings:
                stream.write(bytes_of(coding.picture, clip))
                qualities.append(coding.quality)
                bits.append(coding.bits)
        start, *scores = motionless_vmaf(
            one, decoded, ClipFormat(width, height, clip.fps, 1 + len(bits)), work_dir=folder,
            metric=metric, still_reference=True, threads=threads,
        )  # fmt: skip
    return QualitySweep(source, metric, start, tuple(qualities), tuple(scores), tuple(bits))


def search_clip(
    name: str,
    source: Path,
    clip: ClipFormat,
    codec: Codec,
    configuration: str,
    qualities: Sequence[int],
    *,
    work_dir: Path,
    rule: StepRule = DEFAULT_RULE,
) -> QualitySweep:
    """Encode a lossless clip at the QPs of ``qualities`` that a bisection for ``rule`` needs.

    ``qualities`` are in order from best to worst, ``configuration`` is ``AI`` or ``LDP``; scores
    are means over frames. Where VMAF never rises with QP, the levels are those of all QPs, for
    about a quarter of the encodes.
    """
    coded: dict[int, tuple[float, int]] = {}
    with _scratch(work_dir) as folder:
        measure = _Coded(source, clip, codec, configuration, rule.metric, folder)

        def score_of(quality: int) -> float:
            scores, bits = measure(quality)
            coded[quality] = fmean(scores), sum(bits)
            return coded[quality][0]

        start = measure.start()
        search_levels(score_of, qualities, start, rule)
    visited = tuple(quality for quality in qualities if quality in coded)
    scores, bits = zip(*(coded[quality] for quality in visited), strict=True)
    return QualitySweep(name, rule.metric, start, visited, scores, bits)


def labels_of(
    sweeps: Iterable[QualitySweep], rule: StepRule = DEFAULT_RULE
) -> dict[str, list[int]]:
    """All levels of every source, by name; UserError if a source's sweep does not reach them."""
    return {
        sweep.source: required_levels(sweep.source, sweep.levels(rule), sweep.qualities[-1])
        for sweep in sweeps
    }


def write_sweeps(path: str | Path, sweeps: Iterable[QualitySweep]) -> None:
    """Sweeps as CSV: per source a row without quality and bits (its own score), then one each."""
    rows = []
    for sweep in sweeps:
        rows.append([sweep.source, sweep.metric, None, sweep.start, None])
        points = zip(sweep.qualities, sweep.scores, sweep.bits, strict=True)
        rows += [[sweep.source, sweep.metric, *point] for point in points]
    write_csv(path, [dict(zip(COLUMNS, row, strict=True)) for row in rows], COLUMNS)


def read_falls(path: str | Path, step: float) -> dict[str, tuple[float, ...]]:
    """How far each source's score lies below its own, in steps, at all qualities of a table.

    Raises UserError where a source lacks its own score or a quality that another has.
    """
    rows = pd.read_csv(path)
    scores = rows.pivot(index="source", columns="quality", values="score")
    own = rows[rows["quality"].isna()].set_index("source")["score"]
    scores = scores[[quality for quality in scores if pd.notna(quality)]]
    falls = -scores.sub(own.reindex(scores.index), axis=0) / step
    if falls.isna().any(axis=None):
        raise UserError(
            "a table of quality sweeps lacks scores.",
            where=f"{path}: {falls.index[falls.isna().any(axis=1)][0]}",
            expected="a score of the source itself and one at every quality",
            remedy="let the workflow write it again.",
        )
    return {str(name): tuple(row) for name, row in zip(falls.index, falls.values, strict=True)}


class _Coded(NamedTuple):
    """A source that is coded and scored at any QP; called, it gives scores and bits per frame."""

    source: Path
    clip: ClipFormat
    codec: Codec
    configuration: str
    metric: str
    folder: Path
    streams: Path | None = None  # a folder that keeps the streams

    def __call__(self, quality: int) -> tuple[list[float], list[int]]:
        with _scratch(self.folder) as folder:
            stream = stream_of(self.streams or folder, quality, self.codec)
            job = EncodeJob(self.source, self.clip, self.configuration, quality, stream, folder)
            bits = self.codec.encode(job).bits_per_frame
            return self._scores(stream, folder), bits

    def start(self) -> float:
        """Mean score of the source against itself."""
        return fmean(self._scores(self.source, self.folder))

    def _scores(self, distorted: Path, folder: Path) -> list[float]:
        return motionless_vmaf(
            self.source, distorted, self.clip, work_dir=folder, metric=self.metric
        )


def _in_parallel(
    work: Callable[[Point], Result], points: Sequence[Point], threads: int
) -> list[Result]:
    # Each thread waits for a single-threaded FFmpeg: two of them use two cores better than one
    # FFmpeg with two threads does on small pictures.
    with tool_pool(threads) as pool:
        return list(pool.map(work, points))


@contextmanager
def _scratch(work_dir: Path) -> Iterator[Path]:
    work_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="sweep-", dir=work_dir) as folder:
        yield Path(folder)
