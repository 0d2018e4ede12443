"""The label rule `vmaf_steps` compared with subjective labels, and a figure of its calibration."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.media.pictures import read_picture, rgb_to_frame
from jndlab.quality.quality_sweeps import Coding, sweep_codings
from jndlab.quality.vmaf_steps import DEFAULT_RULE, required_levels
from studies.vmaf_steps.calibration import FORMS, VMAF_NEG, Stimuli, fit

# KonJND-1k's crowd had to place the JND of its two quiz pictures inside these JPEG quality factors
# to be accepted (slider positions 47-78 and 25-64 of 101 - QF).
KONJND_QUIZ = {"Quiz_SRC01": (54, 23), "Quiz_SRC02": (76, 37)}
QUALITY_FACTORS = range(100, 0, -1)


def konjnd_table(folder: Path) -> list[dict[str, Any]]:
    """The rule's JPEG quality factors for the two quiz pictures of KonJND-1k.

    ``folder`` holds ``Quiz_SRC01.png`` and ``jpeg/Quiz_SRC01_JPEG_001.jpg`` to ``_100.jpg``
    (level = quality factor). ``steps_at_*`` say how many steps VMAF NEG has lost at the ends
    of the interval that KonJND-1k accepts.
    """
    table = []
    for source, (best, worst) in KONJND_QUIZ.items():
        with TemporaryDirectory() as work_dir:
            sweep = sweep_codings(
                source,
                rgb_to_frame(read_picture(_file(folder / f"{source}.png"))),
                _codings(folder, source),
                work_dir=Path(work_dir),
            )
        lost = {
            quality: (sweep.start - score) / DEFAULT_RULE.step
            for quality, score in zip(sweep.qualities, sweep.scores, strict=True)
        }
        levels = required_levels(source, sweep.levels(), worst=QUALITY_FACTORS[-1])
        table.append(
            {"source": source, "accepted_best": best, "accepted_worst": worst,
             **{f"vmaf_steps_{k}": level for k, level in enumerate(levels, start=1)},
             "steps_at_best": lost[best], "steps_at_worst": lost[worst]}
        )  # fmt: skip
    return table


def plot_calibration(stimuli: Stimuli, path: Path) -> None:
    """Mean over codecs of VMAF NEG and JND units at each level of distortion, and the fits (PNG).

    A marker is the mean of the k-th least distorted coding of every codec, of one source.
    """
    from jndlab.report.style import PIXELS_PER_INCH, figure_style, new_grid, series_looks

    scores, jnd = stimuli.scores[VMAF_NEG], stimuli.jnd
    once = np.ones(len(jnd), int)
    with figure_style():
        figure, grid = new_grid(1, 1, (6.4, 4.0))
        axes = grid[0, 0]
        names = [f"source {source}" for source in np.unique(stimuli.source)]
        looks = series_looks(["fit", *names])
        for name, source in zip(names, np.unique(stimuli.source), strict=True):
            x, y = _means_by_rank(scores, jnd, stimuli, source)
            axes.plot(x, y, linestyle="", marker=looks["markers"][name],
                      color=looks["palette"][name], markersize=5, label=name)  # fmt: skip
        line = np.linspace(82, 97.4, 200)
        for form, style in zip(FORMS, ("-", "--", ":", "-."), strict=True):
            found = fit(form, scores, jnd, once)
            label = form.name.replace("_", " ")
            axes.plot(line, form.predict(line, *found), style, color="0.2", linewidth=1.2,
                      label=label)  # fmt: skip
        axes.set(xlabel="VMAF NEG (motion zero)", ylabel="distortion (JND units)",
                 title="JPEG AIC-4 example data, means over six codecs")  # fmt: skip
        axes.invert_xaxis()
        figure.legend(loc="outside lower center", ncols=4)
        with atomic_path(path) as part:
            figure.savefig(part, format="png", dpi=PIXELS_PER_INCH, metadata={"Software": None})


def _codings(folder: Path, source: str) -> Iterator[Coding]:
    for quality in QUALITY_FACTORS:
        path = _file(folder / "jpeg" / f"{source}_JPEG_{quality:03d}.jpg")
        yield Coding(quality, rgb_to_frame(read_picture(path)), 8 * path.stat().st_size)


def _file(path: Path) -> Path:
    if not path.is_file():
        raise UserError("a picture of KonJND-1k is missing.", where=str(path))
    return path


def _means_by_rank(
    scores: np.ndarray, jnd: np.ndarray, stimuli: Stimuli, source: int
) -> tuple[np.ndarray, np.ndarray]:
    chosen = [(stimuli.source == source) & (stimuli.codec == c) for c in np.unique(stimuli.codec)]
    orders = [np.flatnonzero(rows)[np.argsort(jnd[rows])] for rows in chosen]
    return (np.mean([scores[order] for order in orders], axis=0),
            np.mean([jnd[order] for order in orders], axis=0))  # fmt: skip
