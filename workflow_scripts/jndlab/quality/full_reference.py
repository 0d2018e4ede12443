"""Full-reference metrics of a decoded clip: all that a run computes in one decode."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ffmpeg_quality_metrics import FfmpegQualityMetrics, FfmpegQualityMetricsError
from ffmpeg_quality_metrics import __version__ as FFMPEG_QUALITY_METRICS_VERSION

from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat
from jndlab.media.ffmpeg import CompletedRun, ToolError, ffmpeg_path, ffmpeg_version, run_tool
from jndlab.quality.decode_check import (
    MEASURE_BIT_DEPTH,
    STRICT,
    DecodedSide,
    check_sides,
    decode_alone,
    error_lines,
)
from jndlab.quality.metrics import (
    VMAF_MODEL,
    VMAF_NEG_MODEL,
    FfmpegFilter,
    FrameMetrics,
    LibraryFilter,
    Metric,
    VmafFeature,
    computed,
    vmaf_models,
)

if TYPE_CHECKING:
    from ffmpeg_quality_metrics.ffmpeg_quality_metrics import VmafOptions


@dataclass(frozen=True)
class Measurement:
    """Per-frame metrics of one decode, in display order, and what made them.

    Each frame holds ``n`` (from 1) and the per-frame columns of its metrics: ``psnr_*`` in dB (peak
    1023; VTM's logs take 4 * 255, which gives 0.0255 dB less) and ``mse_*`` of planes y, u, v at
    10 bit, ``ssim_*`` (0 to 1), ``vmaf`` and ``vmaf_neg`` (0 to 100), ``xpsnr_*`` in dB; where
    asked for ``ms_ssim_y`` (0 to 1), ``psnr_hvs_y`` in dB and ``cambi`` (from 0: no banding). A
    value that is infinite, as the (X)PSNR of a plane without any error, is None.
    """

    frames: list[FrameMetrics]
    versions: dict[str, str]
    wall_seconds: float
    cpu_seconds: float
    command: list[str]


def measure(
    reference: Path,
    distorted: Path,
    clip: ClipFormat,
    *,
    work_dir: Path,
    threads: int = 1,
    columns: Collection[str] = (),
) -> Measurement:
    """Compare ``distorted`` (a bitstream or lossless file) with ``reference``, frame by frame.

    Both are compared at 10 bit and paired by index: an 8-bit side is raised by an exact factor
    of four, a 10-bit decode is never lowered, timestamps and nominal rates are ignored. ``clip``
    describes the reference; ``threads`` bounds decoders, filters and libvmaf each and changes no
    number; ``columns`` name pooled columns of optional metrics to compute as well. Temporary files
    go to a folder of their own below ``work_dir`` and are removed.

    Raises UserError if a file is missing, if size, depth or frame count of either side differs
    from ``clip``, or if a decoder reports any error.
    """
    for role, path in (("reference", reference), ("distorted", distorted)):
        if not Path(path).is_file():
            raise UserError(f"the {role} file to measure does not exist.", where=str(path))
    with _links(Path(reference), Path(distorted), work_dir) as (folder, links):
        try:
            metrics = computed(columns)
            job = _OneDecode(*links, folder, clip, threads, metrics)
            options = cast("VmafOptions", {"n_threads": threads})  # any of its keys may lack
            data = job.calculate(["psnr", "ssim", "vmaf"], options)
        except FfmpegQualityMetricsError as error:
            what = f"ffmpeg-quality-metrics cannot measure: {error}"
            raise UserError(what, remedy="see `make doctor`.") from error
        except ToolError as error:
            # FFmpeg stops both sides when one fails: each alone shows which it was.
            alone = [DecodedSide.of(decode_alone(folder, link), 0) for link in links]
            check_sides(alone, reference, distorted, clip)
            raise ToolError(
                f"FFmpeg cannot compare '{distorted}' with '{reference}'.",
                expected=f"no error; FFmpeg reported:{error_lines(job.said) or error.expected}",
                remedy="see `make doctor` for what this FFmpeg can do.",
            ) from error
        check_sides([DecodedSide.of(job.said, n) for n in range(2)], reference, distorted, clip)
        frames = _frames(folder, data["vmaf"], clip, metrics)
        return Measurement(
            frames,
            {
                "ffmpeg": ffmpeg_version(),
                "libvmaf": job.libvmaf_version,
                "libvmaf_model": VMAF_MODEL,
                "libvmaf_neg_model": VMAF_NEG_MODEL,
                "ffmpeg_quality_metrics": FFMPEG_QUALITY_METRICS_VERSION,
            },
            job.run.wall_seconds,
            job.run.cpu_seconds,
            [Path(job.run.command[0]).name, *job.run.command[1:]],
        )


class _OneDecode(FfmpegQualityMetrics):
    """``calculate`` with its three metrics, plus all others of ``metrics``, in one FFmpeg call.

    The library's own filter graph would pair frames by timestamp and compare at the depth of the
    distorted side, and it has neither VMAF NEG nor XPSNR; calling it and FFmpeg separately would
    decode every stream twice or more. So the one method that runs the graph is replaced: it takes
    the library's metric filters as they are, checks that they are those of the pinned
    version, and puts them behind an alignment of our own. Logs are read by the library.
    """

    run: CompletedRun  # what FFmpeg returned, and the version that libvmaf's log gives
    libvmaf_version: str

    def __init__(
        self,
        reference: str,
        distorted: str,
        folder: Path,
        clip: ClipFormat,
        threads: int,
        metrics: Sequence[Metric],
    ) -> None:
        self.clip, self.folder, self.said, self.metrics = clip, folder, "", metrics
        self.own = [one.source for one in metrics if isinstance(one.source, FfmpegFilter)]
        super().__init__(
            str(folder / reference),
            str(folder / distorted),
            threads=threads,
            tmp_dir=str(folder),
            ffmpeg_path=str(ffmpeg_path()),
        )

    def _check_available_filters(self) -> None:
        """Leave out the call that lists FFmpeg's filters: the one that measures names a missing."""
        self.available_filters = list(self.POSSIBLE_FILTERS)

    def check_inputs(self) -> None:
        """Leave out the library's probing: there is no ffprobe, and we check what is decoded."""

    def _run_ffmpeg_command(self, filter_chains: list[str], desc: str = "") -> str:
        rate, threads = str(self.clip.fps), str(self.threads)
        # One input, at the sheet's rate: XPSNR weighs motion by it.
        source = [*STRICT, "-threads", threads, "-r", rate, "-i"]
        log = self.folder / "ffmpeg.log"
        command = [
            str(ffmpeg_path()), "-nostdin", "-nostats", "-v", "level+verbose",
            "-filter_threads", threads, "-filter_complex_threads", threads,
            *source, Path(self.ref).name,
            *source, Path(self.dist).name,
            # Output 0 counts the distorted frames and, looped back, feeds XPSNR: see _graph.
            "-map", "1:v:0", "-fps_mode", "passthrough", "-filter:v", _align(self.clip.fps),
            "-c:v", "rawvideo", "-f", "null", "-", "-dec", "0:0",
            "-filter_complex", self._graph(filter_chains),
            *(part for n in range(1, 4 + len(self.own))
              for part in ("-map", f"[out{n}]")),
            "-fps_mode", "passthrough", "-f", "null", "-",
            # Counts the reference's frames: the metric filters end with the shorter side.
            "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "null", "-",
        ]  # fmt: skip
        try:
            self.run = run_tool(command, log=log, cwd=self.folder)
        finally:
            self.said = log.read_text(encoding="utf-8") if log.exists() else ""
        if error_lines(self.said):
            raise ToolError("FFmpeg reported errors and went on.")
        vmaf_log = Path(self.temp_files["libvmaf"]).read_text(encoding="utf-8")
        self.libvmaf_version = json.loads(vmaf_log)["version"]
        return self.said

    def _graph(self, chains: list[str]) -> str:
        """The library's three metric filters, ours, and the alignment of both inputs."""
        model = f"model=path={self.vmaf_model_path}:"
        heads = ["[dist1][ref1]psnr=", "[dist2][ref2]ssim=", "[dist3][ref3]libvmaf="]
        if (
            len(chains) != 9
            or any(not c.startswith(h) for c, h in zip(chains[-3:], heads, strict=True))
            or model not in chains[-1]
        ):
            raise UserError(
                f"ffmpeg-quality-metrics {FFMPEG_QUALITY_METRICS_VERSION} builds other filters.",
                expected="the filters of version 3.13.0; found " + " ; ".join(chains),
                remedy="install the versions of the suite's lock file.",
            )
        # Names relative to the folder: no character of a path can break the filter syntax.
        psnr, ssim, vmaf = (c.replace(f"{self.tmp_dir}{os.sep}", "") for c in chains[-3:])
        # Models by the name they have inside libvmaf, in one instance that shares features.
        vmaf = vmaf.replace(
            model.replace(f"{self.tmp_dir}{os.sep}", ""), _libvmaf_options(self.metrics)
        )
        align, own = _align(self.clip.fps), self.own
        references = "".join(f"[ref{n}]" for n in range(1, 4 + len(own)))
        return ";".join(
            [
                f"[0:v:0]{align},split={3 + len(own)}{references}",
                f"[1:v:0]{align},split=3[dist1][dist2][dist3]",
                # The library rounds to three decimals; the filters' metadata has six.
                f"{psnr},metadata=mode=print:file=psnr.meta[out1]",
                f"{ssim},metadata=mode=print:file=ssim.meta[out2]",
                f"{vmaf}[out3]",
                # Above 8 bit FFmpeg's XPSNR reads the distorted input as if its rows had no
                # padding, which decoded frames have (XPSNR of 10 dB for a PSNR of 35): raw video
                # looped back through `-dec` has none.
                # The filter weighs motion by the rate of that input, which has none: hence `fps`,
                # which changes nothing else, the frames being numbered already.
                f"[dec:0]{align},fps={self.clip.fps}{_split(len(own))}",
                *(
                    entry.graph.format(reference=f"[ref{n}]", distorted=f"[dist{n}]")
                    + f",metadata=mode=print:file={entry.name}.meta[out{n}]"
                    for n, entry in enumerate(own, start=4)
                ),
            ]
        )


def _split(count: int) -> str:
    """The looped-back video for ``count`` filters, as [dist4] and so on."""
    pads = "".join(f"[dist{n}]" for n in range(4, 4 + count))
    return pads if count == 1 else f",split={count}{pads}"


def _libvmaf_options(metrics: Sequence[Metric]) -> str:
    """Models and features of the metrics as options of the filter libvmaf."""
    models = [f"version={version}\\:name={name}" for name, version in vmaf_models().items()]
    features = [f"name={m.source.name}" for m in metrics if isinstance(m.source, VmafFeature)]
    options = f"model={'|'.join(models)}:"
    return options + (f"feature={'|'.join(features)}:" if features else "")


def _align(fps: Fraction) -> str:
    """Filters that raise to 10 bit exactly and number the frames, whatever their timestamps."""
    # A clip marked full range would be raised by repeating bits, not by a factor of four.
    return f"setparams=range=tv,format=yuv420p{MEASURE_BIT_DEPTH}le,settb=1/({fps}),setpts=N"


@contextmanager
def _links(
    reference: Path, distorted: Path, work_dir: Path
) -> Iterator[tuple[Path, tuple[str, str]]]:
    """A folder of this call alone, with both files under plain names; removed at the end."""
    # The library derives names of temporary files from base names: two calls in one folder with
    # files of equal name would overwrite each other's.
    work_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="measure-", dir=work_dir.resolve()) as name:
        folder = Path(name)
        links = f"reference{reference.suffix}", f"distorted{distorted.suffix}"
        for link, target in zip(links, (reference, distorted), strict=True):
            (folder / link).symlink_to(target.resolve())
        yield folder, links


def _frames(
    folder: Path, vmaf: list[dict[str, float]], clip: ClipFormat, metrics: Sequence[Metric]
) -> list[FrameMetrics]:
    """One row per frame from the metadata files and the library's reading of libvmaf's log."""
    filters = {
        metric.source.name: _metadata(folder / f"{metric.source.name}.meta")
        for metric in metrics
        if isinstance(metric.source, LibraryFilter | FfmpegFilter)
    }
    lengths = {name: len(rows) for name, rows in filters.items()} | {"vmaf": len(vmaf)}
    if set(lengths.values()) != {clip.frames}:
        raise UserError(
            "a metric returned another number of frames than it was given.",
            expected=f"{clip.frames}, found {lengths}",
        )
    frames: list[FrameMetrics] = [{"n": n} for n in range(1, clip.frames + 1)]
    for metric in metrics:
        values = filters.get(metric.source.name, vmaf)
        for frame, value in zip(frames, values, strict=True):
            frame |= {column: _finite(value[key]) for column, key in metric.per_frame.items()}
    return frames


def _metadata(path: Path) -> list[dict[str, float]]:
    """Frames of a file of FFmpeg's ``metadata`` filter: key without ``lavfi.`` to value."""
    frames: list[dict[str, float]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("frame:"):
            frames.append({})
        else:
            key, value = line.removeprefix("lavfi.").split("=")
            frames[-1][key] = float(value)
    return frames


def _finite(value: float | None) -> float | None:
    """``value``; None where it is infinite, for which libvmaf's log has null."""
    return value if value is not None and math.isfinite(value) else None
