"""Statistics of a data set's subjects by source and level, and SUR curves."""

from __future__ import annotations

from typing import Any

import numpy as np

from jndlab.quality.jnd_statistics import (
    RANGES,
    JndSamples,
    estimate_jnd,
    jnd_value,
    looks_normal,
    sur_curve,
)


def subject_rows(samples: JndSamples, kept: JndSamples) -> list[dict[str, Any]]:
    """A row for each source and level: mean with 95 % interval, median, sur75, deviation (N - 1).

    ``kept`` are the ``samples`` after the rule for outliers; ``left_out`` counts what it took.
    """
    rows = []
    for source, levels in kept.values.items():
        for level, values in enumerate(levels, start=1):
            given = values[~np.isnan(values)]
            before = samples.values[source][level - 1]
            mean = estimate_jnd(given, "mean", kept.unit)
            rows.append(
                {
                    "source": source,
                    "level": level,
                    "unit": kept.unit,
                    "subjects": mean.subjects,
                    "left_out": int((~np.isnan(before)).sum()) - mean.subjects,
                    "mean": round(mean.value, 4),
                    "mean_low": round(mean.ci_low, 4),
                    "mean_high": round(mean.ci_high, 4),
                    "median": jnd_value(given, "median", kept.unit),
                    "sur75": jnd_value(given, "sur75", kept.unit),
                    "deviation": round(float(given.std(ddof=1)), 4) if given.size > 1 else None,
                    "normal": looks_normal(given),
                }
            )
    return rows


def sur_rows(kept: JndSamples) -> list[dict[str, Any]]:
    """Satisfied user ratio (0..1, empirical) of each level and quality: mean and range of sources.

    ``lowest`` and ``highest`` are of single sources at that quality.
    """
    low, high = RANGES[kept.unit]
    qualities = range(low, high + 1)
    rows = []
    for level in range(1, 1 + min(len(levels) for levels in kept.values.values())):
        arrays = [levels[level - 1] for levels in kept.values.values()]
        curves = np.array([sur_curve(array, kept.unit, qualities) for array in arrays])
        rows += [
            {"level": level, "unit": kept.unit, "quality": quality, "sources": len(curves),
             "satisfied": round(of_all.mean(), 4), "lowest": round(of_all.min(), 4),
             "highest": round(of_all.max(), 4)}
            for quality, of_all in zip(qualities, curves.T, strict=True)
        ]  # fmt: skip
    return rows
