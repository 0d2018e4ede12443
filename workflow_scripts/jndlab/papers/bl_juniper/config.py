"""Configuration of BL-JUNIPER: labels of blocks, the CNN, visual importance, comparison."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from jndlab.configuration import (
    CodingConfiguration,
    Count,
    Distinct,
    Fraction,
    Name,
    Natural,
    Pair,
    Positive,
    Rising,
    Section,
    Several,
    Share,
    Statistic,
    TrainingJobs,
    Triple,
    sum_to_one,
)
from jndlab.jnd.block.mapping_options import BlockMappingOptions


class ClipLabels(Section):
    """Labels of the coded sequences, which have no ratings: the rule `vmaf_steps` on H.264
    codings of them, mapped to blocks by stage 1. Predictions are compared with them; the
    coding itself uses them only where a method names `block_jnd/mapped`."""

    codec: str = "x264-medium"
    """Codec entry of `config/codecs.yaml`. Block JNDs are its QPs (MCL-JCV, H.264)."""
    configuration: CodingConfiguration = "LDP"
    """Coding configuration of these codings."""
    frames: Count | None = None
    """Number of first frames of a sequence coded for its labels at most; null codes all."""
    video_jnd: str | None = None
    """Table (CSV) with three JNDs of sequences, in QPs of `codec`, such as those of a JND search of
    your own (`subjective/jnd/labels.csv` of its results). Sequences that it lacks, and with null
    all, are labelled by steps of VMAF."""
    qps: Rising[Annotated[int, Field(ge=1, le=51)]] = [10, 51]
    """Lowest and highest QP that are tried."""


class BlockFractions(Section):
    """Fractions of the sources, which sum to 1."""

    train: Share
    """Learned from."""
    val: Fraction
    """Chooses the best epoch; 0 keeps the one of the lowest training loss."""
    test: Fraction
    """Only predicted."""

    _sum = model_validator(mode="after")(sum_to_one)


class Split(Section):
    """Train, val and test subsets, by source (clip or picture) and never by block."""

    fractions: BlockFractions = BlockFractions(train=0.8, val=0.1, test=0.1)
    """Assumption: the authors' split is not published."""


class TrainingData(Section):
    """Labelled blocks that the CNN learns from."""

    source: Literal["mcl_jcv", "sequences", "panned_pictures"] = "mcl_jcv"
    """`mcl_jcv`, the paper's 30 clips; `sequences`, clips of the run, such as your own, with what
    stage 1 makes of their JNDs (`clip_labels`); or `panned_pictures`, a stand-in made of pictures
    that arrive with scikit-image and scikit-learn, and of the photographs of `pictures_dir`,
    shifted and enlarged a little from one frame to the next, labelled by `vmaf_steps`."""
    folder: str | None = None
    """Folder of MCL-JCV; null is `mcl_jcv` in the data folder."""
    clips: Annotated[Distinct[str], Field(min_length=3)] | None = None
    """Which clips of MCL-JCV (`SRC01` to `SRC30`), or which sequences; null takes all."""
    statistic: Statistic = "mean"
    """Of the subjects' JND samples of MCL-JCV, rounded to a whole QP. Used where `labels` is null;
    else the authors' labels are learned as they are. Assumption: mean."""
    video_jnd: str | None = None
    """CSV file (columns src, J1_frame, J2_frame, J3_frame) of video-level JNDs in place of the
    subjects' samples, such as the lowest block label of each clip; null reads the samples."""
    pictures: Annotated[int, Field(ge=3)] = 16
    """Largest number of synthetic pans."""
    crops_per_picture: Count = 2
    """Maximum number of parts of each picture, without overlap; all are in one subset."""
    crop: Pair[Annotated[int, Field(ge=64, multiple_of=8)]] = [448, 256]
    """Width and height of a synthetic pan."""
    codec: str = "x264-medium"
    """Codec entry that encodes the synthetic pans, all intra."""
    split: Split = Split()
    seed: Natural = 0
    """Fixes pans, split and sampling. Assumption."""


class Cnn(Section):
    """Stage 2: one network for each JND level, from a 64x64 block and its temporal information to a
    QP."""

    weights: Triple[str] | None = None
    """The authors' three HDF5 files, of JND1, JND2, JND3; null trains. Their standardisation is not
    in the files: it is fitted to the training data, as in their test script. Three ONNX files of
    another run are used as they are."""
    width: Share = 1.0
    """Factor on all channels and dense sizes (printed: 1, 2,618,689 parameters)."""
    head: Literal["relu", "linear_at_mean"] = "relu"
    """`relu` (authors'; dead where it starts below zero on all blocks), or `linear_at_mean`,
    without ReLU and starting at the mean label."""
    scrambled: bool = False
    """Read the pixels in the authors' wrong order; needed for their weights."""
    raw_ti: bool = False
    """Predict from temporal information that is not standardised, though it was in training (a slip
    of the authors' test script)."""
    epochs: Count = 1000
    """Passes over the blocks (authors: 1,000)."""
    batch_size: Count = 128
    """Blocks a step (authors: 128)."""
    learning_rate: Positive = 1e-05
    """Of Adam (authors: 1e-5)."""
    device: Literal["cpu", "cuda"] = "cpu"
    """What the networks predict on; `cuda` needs onnxruntime-gpu in place of onnxruntime."""


class ImportanceModel(Section):
    """A model of visual importance."""

    model: str
    """`dsr` (Li 2013, the authors': 8 scales at full resolution, 20 s a 1080p frame), `dsr_small`
    (the same reduced to 200 pixels and 3 scales), `spectral_residual`, `centre`, or a class of your
    own, `package.module:Class`."""
    options: dict[str, Any] = {}
    """Keyword arguments of the class."""


class Compare(Section):
    """Comparison with a plain increase of QP."""

    plain_qps: Distinct[Annotated[int, Field(ge=0, le=51)]] = [42, 47]
    """The anchor is coded at these QPs as well, so that its curve reaches down to the rates of the
    controlled streams."""
    every: Count = 1
    """Importance-weighted PSNR and SSIM are measured on every n-th frame."""


class Competitor(Section):
    """An encoder with its own adaptation of QPs."""

    codec: str
    """Codec entry."""
    anchor: str | None = None
    """Codec entry of the same encoder without adaptation, over which it gains; null is the
    experiment's own codec."""


class Experiment(Section):
    """What block JNDs gain over importance alone, and over one QP: an anchor at every QP, and maps
    of the method, of its parts, and the best possible ones, at equal rate."""

    codec: str = "kvazaar-fast"
    """Codec entry; it must take a QP for each block."""
    configurations: Several[CodingConfiguration] = ["AI"]
    """Coding configurations."""
    frames: Count | None = 60
    """Number of first frames of a sequence at most; null takes all."""
    anchor_qps: Rising[Annotated[int, Field(ge=1, le=51)]] = [20, 45]
    """Lowest and highest QP of the anchor, which is coded at all between them."""
    targets: Distinct[Annotated[int, Field(ge=0, le=51)]] = [22, 27]
    """Target QPs; above JND2 of a clip the decision table no longer uses importance."""
    importance: Name | None = None
    """Importance map of weights and maps; null takes the first of `importance`."""
    competitors: dict[Name, Competitor] = {
        "kvazaar_vaq": Competitor(codec="kvazaar-fast-vaq"),
        "x265_aq": Competitor(codec="x265-fast-aq", anchor="x265-fast-no-aq"),
    }
    """Encoders with their own adaptation, by the name in the tables."""


class Figures(Section):
    """What the figure of maps shows."""

    target_qp: Annotated[int, Field(ge=0, le=51)] | None = None
    """Target QP of the map shown; null takes the lowest of the run."""
    frame: Natural = 0
    """Which frame, from 0."""


class Jobs(TrainingJobs):
    """What a training of one JND level asks of the machine."""

    threads: Count = 1
    """CPU threads of a training. A job of n threads waits until n cores are free at once."""


class BlJuniper(Section):
    """Block-level JND coding (TMM 2022): labels of blocks, the CNN, visual importance, comparison.
    Defaults are the paper's scale and values; what its abstract and its authors' scripts leave
    open is marked as an assumption. Methods of kind `block_qp` use the files that these stages
    write, see docs/papers/bl_juniper.md."""

    key_frames_every: Count = 30
    """Key-frame interval: stages 1 to 3 run on every n-th frame, from the first; each map is reused
    until the next key frame. 30 is the step at which the authors' stage 1 extracts its blocks; for
    stages 2 and 3, whose scripts visit all frames, it is an assumption (1: every frame)."""
    labels: str | None = None
    """The authors' block labels: the folder of their text files (with GeneratedJNDLabels and
    GeneratedTI), or one `.npz` of them; null where they are not at hand. With them the label
    statistics are checked and the tables have their rows."""
    mapping: BlockMappingOptions = BlockMappingOptions()
    clip_labels: ClipLabels = ClipLabels()
    training_data: TrainingData = TrainingData()
    cnn: Cnn = Cnn()
    seeds: Several[Natural] = [0]
    """Whole numbers, each a training of the three networks: they fix initial weights, which are
    others for each level; where a network with `relu` starts dead the next ones are taken. A method
    whose block JNDs have `{seed}` in their path is run with each. Assumption: one training."""
    importance: dict[Name, ImportanceModel] = {
        name: ImportanceModel(model=name) for name in ("dsr", "spectral_residual")
    }
    """Stage 3: importance maps that methods may name (`importance/NAME`) and that weight
    the weighted quality."""
    compare: Compare = Compare()
    experiment: Experiment = Experiment()
    figures: Figures = Figures()
    jobs: Jobs = Jobs()
