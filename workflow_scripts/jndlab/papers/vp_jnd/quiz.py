"""Recommendations for KonJND-1k's two quiz pictures, next to the accepted levels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from jndlab.codecs.stills.store import StillStore
from jndlab.datasets.konjnd1k import QUIZ_QF_INTERVALS, find_sources
from jndlab.errors import UserError
from jndlab.jnd.quality_choice import QualityChoice
from jndlab.media.pictures import picture_sha256, read_picture
from jndlab.papers.vp_jnd.baselines import BASELINES, ORACLE, baseline_decision
from jndlab.papers.vp_jnd.measures import Measures, measure_picture
from jndlab.papers.vp_jnd.released_jpegs import ReleasedJpegs
from jndlab.quality.quality_sweeps import labels_of
from jndlab.quality.vmaf_steps import LABEL_KIND, StepRule

CAPTION = (
    "KonJND-1k's quiz pictures: the level (JPEG QF) that each choice recommends next to the levels "
    "that the authors' quiz accepted from its crowd workers (flicker test, 640x480), and the "
    "saving at both ends of the accepted interval, between which that of the oracle lies. "
    "Thresholds, constant and networks are those of the data set and split named; vmaf_steps is "
    "the label rule of the demo."
)


class QuizPictures:
    """The two pictures with their JPEG files, as pictures (H x W x 3) and as a codec."""

    def __init__(self, folder: str | Path) -> None:
        found = {
            name: source
            for name, source in find_sources(folder, "JPEG", levels=()).items()
            if name in QUIZ_QF_INTERVALS
        }
        missing = sorted(set(QUIZ_QF_INTERVALS) - set(found))
        if missing:
            raise UserError(
                f"quiz pictures are missing: {', '.join(missing)}.",
                where=str(folder),
                expected="Quiz_SRC01.png and Quiz_SRC02.png, with jpeg/Quiz_SRC01_JPEG_001.jpg ...",
            )
        self.pictures = {name: read_picture(found[name].source) for name in QUIZ_QF_INTERVALS}
        files = {picture_sha256(rgb): found[name].pictures for name, rgb in self.pictures.items()}
        self.codec = ReleasedJpegs("konjnd1k", files)


def quiz_table(
    quiz: QuizPictures,
    choices: Mapping[str, QualityChoice],
    fitted: Mapping[str, Any],
    store: StillStore,
    work_dir: Path,
) -> pd.DataFrame:
    """A row per picture and choice: the recommended level, and whether it is accepted."""
    rows = []
    for name, picture in quiz.pictures.items():
        measured = measure_picture(name, picture, quiz.codec, store, work_dir)
        recommended = _recommended(picture, measured, choices, fitted)
        low, high = QUIZ_QF_INTERVALS[name]
        at_low, at_high = (_saving(measured, quality) for quality in (low, high))
        for choice, quality in recommended.items():
            rows.append(
                {
                    "picture": name,
                    "choice": choice,
                    "recommended_qf": quality,
                    "accepted_from": low,
                    "accepted_to": high,
                    "accepted": "yes" if low <= quality <= high else "no",
                    "outside_by": max(low - quality, quality - high, 0),
                    "saving_pct": _saving(measured, quality),
                    "saving_at_from_pct": at_low,
                    "saving_at_to_pct": at_high,
                }
            )
    return pd.DataFrame(rows)


def _saving(measured: Measures, quality: int) -> float:
    return 100 * (1 - measured.size_at(quality) / measured.bytes[-1])


def _recommended(
    picture: np.ndarray,
    measured: Measures,
    choices: Mapping[str, QualityChoice],
    fitted: Mapping[str, Any],
) -> dict[str, int]:
    found = {name: choice.choose(picture).quality for name, choice in choices.items()}
    found[LABEL_KIND] = labels_of([measured.sweep()], StepRule(levels=1))[measured.picture][0]
    for name in BASELINES:
        if name != ORACLE:  # only the accepted interval is known
            found[name] = baseline_decision(name, fitted, measured, label=0).quality
    return found
