"""Registry of the full-reference metrics: a metric of the suite is one entry of ``METRICS``.

An entry says how a metric is computed, which columns it fills per frame, and how these are pooled,
labelled and ordered. Measuring, tables, figures, BD-rates and the configuration all read it here.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from jndlab.errors import UserError
from jndlab.quality import pooling

FrameMetrics: TypeAlias = dict[str, float | None]
Pooled: TypeAlias = dict[str, float | int | None]

VMAF_MODEL = "vmaf_v0.6.1"
VMAF_NEG_MODEL = "vmaf_v0.6.1neg"


@dataclass(frozen=True)
class LibraryFilter:
    """The filter that ffmpeg-quality-metrics builds for a metric of this name (psnr, ssim)."""

    name: str


@dataclass(frozen=True)
class FfmpegFilter:
    """A filter of FFmpeg that attaches a value to each frame as metadata ``lavfi.*``.

    ``graph`` names its two 10-bit inputs, paired by frame number, in the filter's order, for
    instance ``{reference}{distorted}xpsnr``.
    """

    name: str
    graph: str


@dataclass(frozen=True)
class VmafModel:
    """A model inside libvmaf, logged per frame as ``name``; all models share one libvmaf run."""

    name: str
    version: str


@dataclass(frozen=True)
class VmafFeature:
    """A feature of libvmaf, for instance ``psnr_hvs``, logged under keys of its own."""

    name: str


@dataclass(frozen=True)
class PooledColumn:
    """One value per clip: a column of all tables of points, an axis, a quality of BD-rates.

    ``pool(frames, column)`` reduces the per-frame ``column``. ``bd_rate`` is the position among
    the BD-rates of a run whose configuration names none; with 0 the run must name the column.
    """

    name: str
    pool: Callable[[Sequence[Mapping[str, float | None]], str], float | None]
    column: str
    label: str
    bd_rate: int = 0
    higher_is_better: bool = True


@dataclass(frozen=True)
class Metric:
    """A metric: ``per_frame`` maps its column of the per-frame table to the source's key.

    An ``optional`` one is computed where BD-rates by it are asked for. ``least_side`` is that of
    the smallest picture that it takes.
    """

    source: LibraryFilter | FfmpegFilter | VmafModel | VmafFeature
    per_frame: Mapping[str, str]
    pooled: tuple[PooledColumn, ...]
    optional: bool = False
    least_side: int = 0


METRICS: tuple[Metric, ...] = (
    Metric(
        LibraryFilter("psnr"),
        {f"psnr_{plane}": f"psnr.psnr.{plane}" for plane in "yuv"}
        | {f"mse_{plane}": f"psnr.mse.{plane}" for plane in "yuv"},
        (
            PooledColumn(
                "psnr_y_framemean", pooling.mean_db, "psnr_y", "PSNR Y (dB, mean over frames)"
            ),
            PooledColumn(
                "psnr_y_mse",
                pooling.psnr_of_mean_mse,
                "mse_y",
                "PSNR Y (dB, of the mean MSE)",
                bd_rate=3,
            ),
            PooledColumn(
                "psnr_u_framemean", pooling.mean_db, "psnr_u", "PSNR U (dB, mean over frames)"
            ),
            PooledColumn(
                "psnr_v_framemean", pooling.mean_db, "psnr_v", "PSNR V (dB, mean over frames)"
            ),
        ),
    ),
    Metric(
        LibraryFilter("ssim"),
        {f"ssim_{plane}": f"ssim.{plane.upper()}" for plane in "yuv"},
        (PooledColumn("ssim_y", pooling.mean, "ssim_y", "SSIM Y (mean over frames)"),),
    ),
    Metric(
        VmafModel("vmaf", VMAF_MODEL),
        {"vmaf": "vmaf"},
        (
            PooledColumn("vmaf_mean", pooling.mean, "vmaf", "VMAF (mean over frames)", bd_rate=1),
            PooledColumn(
                "vmaf_harmonic", pooling.harmonic_mean, "vmaf", "VMAF (harmonic mean over frames)"
            ),
        ),
    ),
    Metric(
        VmafModel("vmaf_neg", VMAF_NEG_MODEL),
        {"vmaf_neg": "vmaf_neg"},
        (
            PooledColumn(
                "vmaf_neg_mean", pooling.mean, "vmaf_neg", "VMAF NEG (mean over frames)", bd_rate=2
            ),
        ),
    ),
    Metric(
        # The original comes first: the filter derives its weights from it.
        FfmpegFilter("xpsnr", "{reference}{distorted}xpsnr=shortest=1:repeatlast=0"),
        {f"xpsnr_{plane}": f"xpsnr.xpsnr.{plane}" for plane in "yuv"},
        (PooledColumn("xpsnr_y", pooling.mean_xpsnr, "xpsnr_y", "XPSNR Y (dB)", bd_rate=4),),
    ),
    Metric(
        VmafFeature("float_ms_ssim"),
        {"ms_ssim_y": "float_ms_ssim"},
        (PooledColumn("ms_ssim_y", pooling.mean, "ms_ssim_y", "MS-SSIM Y (mean over frames)"),),
        optional=True,
        least_side=176,  # 11 samples at a sixteenth
    ),
    Metric(
        # Daala's code in libvmaf, with contrast masking: what is called PSNR-HVS-M.
        VmafFeature("psnr_hvs"),
        {"psnr_hvs_y": "psnr_hvs_y"},
        (
            PooledColumn(
                "psnr_hvs_y", pooling.mean_db, "psnr_hvs_y", "PSNR-HVS-M Y (dB, mean over frames)"
            ),
        ),
        optional=True,
    ),
    Metric(
        VmafFeature("cambi"),
        {"cambi": "cambi"},
        (
            PooledColumn(
                "cambi",
                pooling.mean,
                "cambi",
                "CAMBI (banding, mean over frames)",
                higher_is_better=False,
            ),
        ),
        optional=True,
        least_side=216,
    ),
)


def pooled_columns() -> dict[str, PooledColumn]:
    """Every pooled column by name, in the order of the tables' columns."""
    return {column.name: column for metric in METRICS for column in metric.pooled}


def optional_columns() -> list[str]:
    """Pooled columns of metrics that are computed on demand."""
    return [column.name for metric in METRICS if metric.optional for column in metric.pooled]


def computed(asked: Collection[str] = ()) -> list[Metric]:
    """The metrics of a run: all that are not optional, and those that have a column ``asked``."""
    return [
        metric
        for metric in METRICS
        if not metric.optional or {column.name for column in metric.pooled} & set(asked)
    ]


def default_bd_rates() -> list[str]:
    """Columns of the BD-rates of a run whose configuration names none."""
    ranked = [column for column in pooled_columns().values() if column.bd_rate]
    return [column.name for column in sorted(ranked, key=lambda column: column.bd_rate)]


def vmaf_models() -> dict[str, str]:
    """Models inside libvmaf by the name that they are logged under."""
    sources = [metric.source for metric in METRICS]
    return {source.name: source.version for source in sources if isinstance(source, VmafModel)}


def required_filters() -> list[str]:
    """Filters that FFmpeg must have for the metrics."""
    filters = LibraryFilter | FfmpegFilter
    sources = [metric.source for metric in METRICS]
    return ["libvmaf", *(source.name for source in sources if isinstance(source, filters))]


def pool(frames: Sequence[Mapping[str, float | None]]) -> Pooled:
    """Pool the frames of a :class:`~jndlab.quality.full_reference.Measurement`.

    Returns those of ``pooled_columns()`` that were computed, and ``lossless_frames``, the number
    of frames whose luma is identical (MSE 0). Values that no number stands for (infinite PSNR) are
    None. Raises UserError when there are no frames or a value that must be finite is not.
    """
    if not frames:
        raise UserError("no frames to pool.", expected="at least one measured frame")
    values: Pooled = {
        name: column.pool(frames, column.column)
        for name, column in pooled_columns().items()
        if column.column in frames[0] or name not in optional_columns()
    }
    return values | {"lossless_frames": sum(frame["mse_y"] == 0 for frame in frames)}
