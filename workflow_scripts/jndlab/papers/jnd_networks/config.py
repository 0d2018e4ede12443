"""Configuration of LASeR-JND and MTJND: networks, their training, variants and imported weights."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from jndlab.configuration import (
    Changes,
    Count,
    Distinct,
    Fraction,
    Name,
    Natural,
    NonNegative,
    Pair,
    Positive,
    Section,
    Several,
    Share,
    Text,
    TrainingJobs,
)

LaserName = Literal["lat", "rec", "e2e_lat", "e2e_rec", "mj_lat", "mj_rec"]
BackboneName = Literal[
    "image_autoencoder", "jnd1_autoencoder", "jnd2_autoencoder", "jnd3_autoencoder"
]
MtjndName = Literal["mt_3ljnd", "mt_1ljnd_va", "mt_3ljnd_va"]


class Network(Section):
    """What all networks share."""

    input_size: Pair[int]
    width: Share = 1
    """Factor on the numbers of channels and units (authors': 1; weights of VGG16 need 1)."""
    colour: Literal["bgr", "rgb"] = "bgr"
    """Order of colours (authors': `bgr`, as OpenCV reads)."""
    scale: str
    head: Literal["relu", "linear_at_median", "vmaf_curve"] = "relu"
    """End of a network: `relu` (authors'; it can start dead), `linear_at_median`: median of the
    training labels + their deviation x a linear output that starts at 0, or `vmaf_curve`, a variant
    of this suite for labels of `vmaf_steps`: it learns the whole curve of VMAF over QP, as the QP
    at 16 falls, of which the levels are three."""
    order: Literal["free", "ordered"] = "free"
    """Of networks of three levels: `free` (authors'), or `ordered`, where each level is above the
    one before."""


class LaserNetwork(Network):
    """What all networks share."""

    input_size: Pair[Annotated[int, Field(ge=64, multiple_of=16)]] = [352, 640]
    """Height and width that frames are resized to, multiples of 16 of at least 64 (authors': 352,
    640)."""
    scale: Literal["raw", "unit"] = "raw"
    """`raw` is 0..255 (authors'), `unit` 0..1."""
    norm_momentum: Share = 0.01
    """Step of BatchNorm's moving statistics (authors': 0.01, Keras's). Trainings of less than some
    hundred steps need more."""
    checkpoint_blocks: bool = True
    """Compute the largest block of `rec`, `e2e_rec` and `mj_rec` twice in place of keeping it: at
    the authors' size and batch a step then takes a fifth of the memory. Results are the same."""


class MtjndNetwork(Network):
    """What all networks share."""

    input_size: Pair[Annotated[int, Field(ge=32)]] = [270, 480]
    """Height and width that frames are resized to, at least 32 (authors': 270, 480)."""
    scale: Literal["unit", "raw", "imagenet"] = "unit"
    """`unit` is 0..1 (authors'), `raw` 0..255, `imagenet` 0..1 less ImageNet's mean, over its
    deviation."""
    backbone: Literal["vgg16", "efficientnet_lite0", "efficientnet_lite0_untrained"] = "vgg16"
    """`vgg16` (authors'), or a variant of this suite: EfficientNet-Lite0 started from ImageNet's
    weights, which a package carries, or at random. It needs `colour: rgb`, `scale: unit` and sides
    that are multiples of 32, and `width` is of the heads alone."""
    freeze_early: bool = True
    """Keep the convolutions up to block3_conv3 (of EfficientNet-Lite0: down to an eighth of the
    size) as ImageNet made them (authors'); VGG16 needs `imagenet`."""


class Training(Section):
    """Training of frames by Adam (epsilon 1e-7)."""

    epochs: Count = 300
    """Passes over the training frames (authors': 300)."""
    steps: Count | None = None
    """In place of `epochs`: the number of steps, rounded up to whole passes; null counts epochs."""
    batch_size: Count = 8
    """Frames a step (authors': 8)."""
    learning_rate: Positive = 0.00001
    """Of Adam, epsilon 1e-7 (authors': 1e-5)."""
    schedule: Literal["constant", "cosine", "one_cycle"] = "constant"
    """Learning rate from step to step: `constant` (authors'), `cosine` falls to 0, `one_cycle`
    rises before."""
    optimizer: Literal["adam", "adamw"] = "adam"
    """`adam` (authors'), or `adamw` with `weight_decay` apart from the gradient."""
    weight_decay: NonNegative = 0
    """Of the optimizer (authors': 0)."""
    ema_decay: Fraction | None = None
    """Decay of a moving average of the weights, which then is what is validated and kept; null
    (authors') keeps the weights themselves."""
    gradient_clip: Positive | None = None
    """Largest norm of the gradient of a step; null (authors') has no limit."""
    flips: bool = False
    """Show frames mirrored at random, left to right and top to bottom (authors': not)."""


class AutoencoderTraining(Training):
    """Training of the image autoencoder, frame to the same frame, by squared error. Assumption: the
    authors' script is not published; a file name gives squared error and batch 8."""

    learning_rate: Positive = 0.0001
    """Of Adam, epsilon 1e-7."""


class ReconstructionTraining(AutoencoderTraining):
    """Training of the three autoencoders that make a frame as it looks at a JND, each started from
    the image autoencoder's weights, by squared error. Assumption, as above."""


class PredictorTraining(Training):
    """Training of a predictor of JND levels."""

    keep: Literal["best", "last"] = "best"
    """Weights that are kept: of the epoch of lowest validation loss (authors'; the one MJ-LAT
    script that says otherwise is commented out), or of the last epoch, where validation frames are
    too few to choose by."""


class LaserTraining(PredictorTraining):
    """Training of the predictors, by the mean absolute error of the QP (authors': Adam 1e-5, batch
    8, 300 epochs)."""

    jnd_weight: NonNegative = 0.99
    """Of the QP's error in `e2e_*` (authors': 0.99)."""
    picture_weight: NonNegative = 0.01
    """Of the picture's squared error, in levels of 0..255, in `e2e_*` (authors': 0.01)."""


class MtjndTraining(PredictorTraining):
    """Training, by the mean absolute error of the QP (authors': Adam 1e-5, batch 8, 500 epochs)."""

    epochs: Count = 500
    """Passes over the training frames (authors': 500)."""
    attention_weight: NonNegative = 1
    """Of the attention map's binary cross-entropy. Assumption: not published."""


class LearningCurve(Section):
    """Networks that are trained again on fewer labelled frames: whether data or method is short."""

    networks: Distinct[Text] = []
    """Names of networks of the paper, e.g. `mj_lat`."""
    frames: Distinct[Count] = []
    """Numbers of labelled training frames; a larger number has the frames of a smaller one."""

    @model_validator(mode="after")
    def _both(self) -> Self:
        if bool(self.networks) != bool(self.frames):
            raise ValueError("`networks` and `frames` go together; name both, or leave both out")
        return self


class Jobs(TrainingJobs):
    """Resources of a training job."""

    threads: Count = 2
    """CPU threads of a training, and of the predictions of all frames."""
    memory_mb: Annotated[int, Field(ge=500)] = 16000
    """Main memory of a training in MB."""


class Variant(Section):
    """Networks that are trained a second time."""

    networks: Several[str]
    """Names of the networks."""


class LaserVariant(Variant):
    """Networks that are trained a second time."""

    network: Changes[LaserNetwork]
    """Keys of `network` that change."""


class MtjndVariant(Variant):
    """Networks that are trained a second time."""

    network: Changes[MtjndNetwork]
    """Keys of `network` that change."""


class JndNetworks(Section):
    """Keys that both papers have."""

    networks: list[Any]
    levels: Several[Literal[1, 2, 3]] = [1, 2, 3]
    """JND levels that the networks of one level are trained for."""
    seeds: Several[Natural] = [0]
    """Whole numbers, each a training of every network: they fix initial weights and order.
    Assumption: the authors set none and trained once."""
    network: Network
    training: PredictorTraining
    training_of: dict[Any, Any] = {}
    variants: dict[str, Any] = {}
    learning_curve: LearningCurve = LearningCurve()
    predicted: Several[Literal["train", "val", "test"]] = ["test"]
    """Subsets that networks and baselines predict; training frames too show whether a network
    learned them."""
    weights: dict[str, Text] = {}
    """Trained Keras weights (the authors' HDF5 files) that stand next to ours as
    `<network>-imported` in all tables: network (e.g. `lat_jnd1`, `mt_3ljnd`) -> file."""
    weights_input_size: Pair[Annotated[int, Field(ge=16)]] | None = None
    """Height and width that imported weights are for; null is the authors' `network.input_size`."""
    jobs: Jobs = Jobs()

    @field_validator("variants")
    @classmethod
    def _keep_the_name_of_imports(cls, variants: dict[str, Variant]) -> dict[str, Variant]:
        if "imported" in variants:
            raise ValueError(
                "'imported' is the name of networks with given weights; choose another"
            )
        return variants


class LaserJnd(JndNetworks):
    """LASeR-JND (TCSVT 2024): six networks that predict JND1 to JND3 of a frame, and the
    autoencoders that they look through. Frames and labels are those of `jnd_frames`. Defaults are
    the authors' code where it is explicit; what no source gives is marked as an assumption."""

    networks: Distinct[LaserName] = ["lat", "rec", "e2e_lat", "e2e_rec", "mj_lat", "mj_rec"]
    """Which are trained: `lat` and `rec` look at the latent or the output of a frozen autoencoder
    that makes JND-quality frames, `e2e_lat` and `e2e_rec` train it along (all four: one network for
    each level), `mj_lat` and `mj_rec` predict all levels at once."""
    network: LaserNetwork = LaserNetwork()
    autoencoder: AutoencoderTraining = AutoencoderTraining()
    reconstruction: ReconstructionTraining = ReconstructionTraining()
    backbones: dict[BackboneName, Text] = {}
    """Trained autoencoders (the authors' HDF5 files `ImgReconstruction.h5`,
    `JND1Reconstruction.h5` ...) that networks start from in place of ones trained here:
    `image_autoencoder` or `jnd1_autoencoder` to `jnd3_autoencoder` -> file. They need
    `network.width: 1`."""
    training: LaserTraining = LaserTraining()
    training_of: dict[LaserName, Changes[LaserTraining]] = {}
    """Keys of `training` that differ for single networks, e.g. `{mj_rec: {epochs: 100}}`."""
    variants: dict[Name, LaserVariant] = {}
    """Networks that are trained a second time with other keys of `network`, to compare: name of the
    variant -> its networks (e.g. `lat_jnd1`, `mj_lat`) and what changes. A change of the input
    trains its own autoencoders."""


class Mtjnd(JndNetworks):
    """MTJND (ICIP 2023): VGG16 with heads for one or three JND levels and, in training, for visual
    attention. Frames, labels and saliency maps are those of `jnd_frames`. Defaults are the authors'
    code where it is explicit; what no source gives is marked as an assumption."""

    networks: Distinct[MtjndName] = ["mt_3ljnd", "mt_1ljnd_va", "mt_3ljnd_va"]
    """Which are trained: `mt_3ljnd` predicts all levels, `mt_1ljnd_va` one level (a network for
    each) and attention, `mt_3ljnd_va` all levels and attention. The attention tail is this suite's
    own design: the authors' is not published."""
    network: MtjndNetwork = MtjndNetwork()
    imagenet: Text | None = None
    """File of VGG16's weights to start from: Keras's
    `vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5` (the authors') or torchvision's
    `vgg16-*.pth`. null starts at random, and needs `network.freeze_early: false`."""
    training: MtjndTraining = MtjndTraining()
    training_of: dict[MtjndName, Changes[MtjndTraining]] = {}
    """Keys of `training` that differ for single networks, e.g. `{mt_3ljnd: {epochs: 100}}`."""
    variants: dict[Name, MtjndVariant] = {}
    """Networks that are trained a second time with other keys of `network`, to compare: name of the
    variant -> its networks (e.g. `mt_3ljnd`, `mt_1ljnd_va_jnd1`) and what changes."""
