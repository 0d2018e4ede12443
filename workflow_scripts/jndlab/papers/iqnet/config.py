"""Configuration of IQNet: its training data, network, training and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator

from jndlab.configuration import (
    AS_WRITTEN,
    CodingConfiguration,
    Count,
    EvenSize,
    Fraction,
    Natural,
    NonNegative,
    Pair,
    Positive,
    Qp,
    Rising,
    Section,
    Several,
    Share,
    Text,
    TrainingJobs,
    describe,
    distinct,
    sum_to_one,
)
from jndlab.jnd.erjnd import WEIGHTINGS


def _rising(alphas: list[float]) -> list[float]:
    if alphas != sorted(alphas):
        raise ValueError("the scales do not rise; write them such as [0.1, 0.2, 0.3]")
    return alphas


NIMA_TOLERANCE = 0.05  # of scores from 1 to 10
TOLERANCES = {"piqe": 0.5}  # as large a share of 0 to 100
Scales = Annotated[Several[Share], AfterValidator(_rising)]
MaeKind = Literal["decoded_vs_decoded", "decoded_vs_source", "prefiltered_vs_source"]


def _weighting(text: str) -> str:
    if text not in WEIGHTINGS and not text.endswith(".csv"):
        names = ", ".join(WEIGHTINGS)
        raise ValueError(f"write one of {names}, or the path of a CSV file of 8x8 weights")
    return text


Weighting = Annotated[Text, AfterValidator(_weighting)]


class Prefilter(Section):
    """The filter that takes alpha x ERJND x weight from the DCT."""

    weighting: Weighting = "xiang2016"
    """Weights of the 64 frequencies: `xiang2016`, `sqrt_xiang2016`, `csf`, `flat` (none), or the
    path of a CSV file of eight rows of eight numbers from 0 to 1, DC first. Assumption: the paper
    prints its weights as a picture only (Fig. 4); `xiang2016` is attributed to its reference. A
    reader who has the figure can enter its numbers; `fig04_weights` draws those used."""
    overlap: bool = True
    """Boundary overlap: mean of two grids of 8x8 blocks, 4 pixels apart (printed). Assumption:
    before the edges are put back."""
    minor_edges: bool = True
    """Put back the original pixels of minor edges, those only the detail detector finds (printed).
    """
    canny_main: Rising[NonNegative] = [100, 200]
    """Thresholds (low, high) of the Canny detector of main edges. Assumption: not printed."""
    canny_detail: Rising[NonNegative] = [50, 100]
    """Thresholds (low, high) of the Canny detector of details. Assumption: not printed."""


class SelectionOptions(Section):
    """How scores and errors decide."""

    smooth_quantile: Annotated[float, Field(ge=0, le=1), AS_WRITTEN] = 0.25
    """Share of all patches, those of lowest mean absolute error (MAE) at the smallest alpha, that
    count as smooth. Assumption: not printed."""
    smooth_absolute: NonNegative | None = None
    """Instead of the share, patches of at most this MAE (8-bit steps) are smooth; null uses the
    share."""
    mae_ratio: Annotated[float, Field(ge=1), AS_WRITTEN] = 1.2
    """Smooth patches lose candidates whose MAE is above this multiple of that of the smallest alpha
    (printed: 1.2)."""
    mae_kind: MaeKind = "decoded_vs_decoded"
    """Which MAE. Assumption: of the decoded candidate against the decoded original, the two that
    the paper compares in one sentence. `decoded_vs_source` has the codec's error in all of them,
    and the bound of 1.2 lets nearly all pass; `prefiltered_vs_source` lets only the smallest pass.
    The table `selection_readings` has all three."""
    tolerance: NonNegative | None = None
    """Where no score reaches that of the unfiltered patch, how much lower one may be, in units of
    the scorer. Assumption: the paper says slightly; null is 0.05 of NIMA's 1 to 10, and 0.5 of the
    0 to 100 of `piqe`."""
    tie_mode: Literal["closest", "largest"] = "largest"
    """`largest`: the largest alpha whose score is not below the reference; `closest`: the score
    nearest to the reference and not below, of equal ones the largest alpha. Both are printed, and
    agree where scores fall with alpha. Assumption: `largest`, whose networks save what is printed.
    """

    def for_scorer(self, scorer: str) -> SelectionOptions:
        """The same with the tolerance as a number, in units of the scorer."""
        if self.tolerance is not None:
            return self
        return self.model_copy(update={"tolerance": TOLERANCES.get(scorer, NIMA_TOLERANCE)})


class Nima(Section):
    """NIMA with MobileNet (scorer `nima_mobilenet`): what patches are turned into for it."""

    weights: Text | None = None
    """Keras file of idealo; null is `weights_mobilenet_aesthetic_0.07.hdf5` in the folder
    `nima_mobilenet` of the data folder, where `check_data` fetches it."""
    size: Annotated[int, Field(ge=32)] | None = 224
    """Side that patches are enlarged to; null leaves them as they are. Assumption: the paper does
    not say how 64x64 patches are scored; the network was trained on pictures of 224x224."""
    resampling: Literal["nearest", "bilinear", "bicubic"] = "bilinear"
    """How they are enlarged. Assumption; idealo's program loads pictures with `nearest`."""


class TrainingData(Section):
    """From pictures to training pairs (paper, section II): candidates, scores, choice of alpha for
    each patch."""

    source: Literal["vimeo90k", "folder", "packaged"] = "vimeo90k"
    """Where pictures come from: `vimeo90k` the first frames of the official test list (the paper's
    7,824 pictures are as many), `folder` any folder of pictures, `packaged` what arrives with
    scikit-image and scikit-learn."""
    folder: Text | None = None
    """Folder of the pictures; null is `vimeo90k` in the data folder. With `packaged` a folder of
    photographs that are taken too; null is `pictures_dir`."""
    pictures: Count | None = None
    """Maximum number of pictures (of Vimeo-90K evenly spread over the list); null takes all."""
    crop: Pair[EvenSize] | None = [448, 256]
    """Width and height, both even, that are cut out of every picture, the centre first; null takes
    whole pictures (less an odd last row or column). 448x256 is the size of all pictures of
    Vimeo-90K."""
    crops_per_picture: Count = 1
    """Maximum number of parts of each picture, without overlap."""
    frames_per_clip: Annotated[int, Field(ge=0, le=20)] = 0
    """With the source `packaged`: frames of each packaged clip as well. The demo's sequences are
    cut from the same clips, so 0 keeps what is measured apart from what is learned."""
    jobs: Count = 200
    """Number of jobs that the pictures are shared out to for prefiltering and coding; it changes no
    number. A killed job starts its share again."""
    codec: str | None = None
    """Codec entry of `config/codecs.yaml` that codes the candidates, all intra; null is the run's
    first codec (paper: VVC, by VTM-11.0)."""
    qp: Qp = 27
    """Base QP: candidates are coded with it, and the one network serves all QPs (printed: 27)."""
    alphas: Scales = [
        0.1,
        0.2,
        0.3,
        0.4,
        0.5,
        0.6,
        0.7,
        0.8,
        0.9,
        1.0,
    ]
    """Scales of ERJND that are tried, rising. Assumption: only 0.1 is printed; JNQD, which the
    paper builds on, scales by 0 to 1."""
    prefilter: Prefilter = Prefilter()
    patch: Annotated[int, Field(ge=16)] = 64
    """Side of the patches that each get an alpha of their own (printed: 64)."""
    scorer: Text = "nima_mobilenet"
    """No-reference metric that scores the decoded patches. The paper uses NIMA and does not name
    its backbone. `nima_mobilenet` is NIMA with MobileNet (assumption), `nima` or another name is
    pyiqa's metric (`nima`: Inception-ResNet, enlarged to 299x299); `piqe` needs no weights; `auto`
    is `nima_mobilenet` where its weights are, else `piqe`. Scores keep the metric's scale, negated
    where less is better."""
    nima: Nima = Nima()
    selection: SelectionOptions = SelectionOptions()


class Network(Section):
    """The network (paper, Fig. 6)."""

    channels: Count = 16
    """Channels of the convolutions. Assumption: the paper prints 3K parameters, and the widths in a
    picture only; 16 make 3,297 parameters, 32 without the 3x3 convolution 2,977."""
    block_3x3: bool = True
    """Whether the attention block ends in a 3x3 convolution. Assumption."""


class PairFractions(Section):
    """Fractions of the pictures, which sum to 1."""

    train: Share
    """Learned from."""
    val: Fraction
    """Chooses the best epoch; 0 keeps the one of the lowest training loss."""

    _sum = model_validator(mode="after")(sum_to_one)


class Split(Section):
    """Train and val subsets of the pictures."""

    fractions: PairFractions
    """At least one picture validates where the fraction is not 0."""


class Training(Section):
    """Training by Adam (printed: rate, its halving, batch, crop, epochs)."""

    epochs: Count = 2500
    """Passes over the pictures (printed: 2,500)."""
    batch_size: Count = 128
    """Crops a step (printed: 128)."""
    crop: Annotated[int, Field(ge=16)] = 64
    """Side of the random crops (printed: 64)."""
    crops_per_picture: Count = 1
    """Crops of each picture in an epoch. Assumption: 1. More make epochs of few pictures longer."""
    learning_rate: Positive = 0.001
    """First learning rate (printed: 0.001)."""
    halve_every_epochs: Count = 250
    """Epochs after which the rate is halved (printed: 250)."""
    loss: Literal["mae", "mse"] = "mae"
    """`mae` (L1) or `mse` (L2). Assumption: none is printed."""
    augment: bool = False
    """Flips and rotations. Assumption: none, only the random crop is printed."""
    mixed_precision: bool = False
    """Half precision where a GPU trains. Assumption: none."""
    split: Split = Split(fractions=PairFractions(train=0.95, val=0.05))
    """Assumption: not printed."""


class CnnJnqd(Section):
    """Training of the baseline CNN-JNQD (Ki et al., TIP 2018), one network for each QP, on the
    output of LR-JNQD for the same pictures: 14x14 inputs, 8x8 targets, flips and rotations, squared
    error, as in its authors' public code. `models` of the method may name their four trained
    networks (MatConvNet, `.mat`) instead."""

    epochs: Count = 300
    """Passes over the pictures (authors: 300)."""
    batch_size: Count = 128
    """Crops a step (authors: 128)."""
    crops_per_picture: Count = 64
    """Crops of each picture in an epoch. Assumption: the authors' number of crops is not known. 64
    make 0.9 million steps for each QP on Vimeo-90K's list; all 31 x 55 places of an 8-pixel grid
    (1705) make 23 million, 94 million for the four, months without a GPU."""
    optimizer: Literal["sgd", "adam"] = "sgd"
    """`sgd` (authors) or `adam`, which needs far fewer epochs."""
    learning_rate: Positive = 0.01
    """Learning rate (authors: 0.01, for SGD)."""
    momentum: Fraction = 0.9
    """Momentum of SGD (the default of the authors' `cnn_train`)."""
    weight_decay: NonNegative = 0.0005
    """Weight decay of the filters, not of biases (the default of the authors' `cnn_train`). Adam
    wants 0."""
    mixed_precision: bool = False
    """Half precision where a GPU trains. Assumption: none."""
    split: Split = Split(fractions=PairFractions(train=0.75, val=0.25))
    """A quarter for validation (authors)."""


class Jobs(TrainingJobs):
    """What a training of IQNet or CNN-JNQD asks of the machine."""

    threads: Count = 2
    """CPU threads of a training. A job of n threads waits until n cores are free at once."""


class Scene(Section):
    """A point whose reconstructed frame is shown."""

    configuration: CodingConfiguration
    """Coding configuration."""
    sequence: str
    """Sequence of the run."""
    qp: Qp
    """QP of the run."""


class Frames(Section):
    """The pictures of reconstructed frames (paper, Fig. 13, 14, 18)."""

    scenes: Several[Scene] | None = None
    """Which points are shown; null takes those of Fig. 13, 14 and 18 where the run has them, else
    the first sequence at the lowest QP for each configuration."""
    number: Count = 1
    """Which frame, counted from 1 (printed: the first)."""
    crop: Annotated[int, Field(ge=16)] | None = None
    """Side of the enlarged crops in pixels; null takes a size by the picture."""


class Pictures(Section):
    """The training pictures that are coded and shown (paper, Table II, Fig. 7 to 12)."""

    table2: Annotated[Pair[str], AfterValidator(distinct)] | None = None
    """Names of the two pictures of Table II and Fig. 7 to 9; null takes the two of most bits.
    Assumption: the paper does not name its own."""
    ablations: Count = 4
    """Number of pictures of the ablations (Fig. 10 to 12). Assumption."""
    alpha: Share | None = None
    """Scale at which the ablations compare; null takes the largest of the grid. Assumption."""


class ScorerStudy(Section):
    """What scorers follow, over QP and alpha (target `iqnet_scorers`)."""

    pictures: Count = 100
    """Number of pictures of different files, evenly spread over the list."""
    patches: Count = 6
    """Patches of each picture, evenly spread over it."""
    qps: Several[Qp] = [22, 27, 32, 37]
    """Base QPs, next to that of the training data."""
    alphas: Scales = [0.1, 0.3, 0.5, 0.7, 1.0]
    """Scales of ERJND that are tried, rising."""


class Reading(Section):
    """A reading of the printed rules: keys that take the place of those of the section."""

    training_data: dict[Literal["scorer", "nima", "selection", "alphas", "pictures"], Any] = {}
    """Scorer, what patches are turned into for it, rules of selection, fewer alphas of the grid,
    fewer pictures of the list; all from the same candidates."""
    network: dict[str, Any] = {}
    """Keys of `network`."""
    training: dict[str, Any] = {}
    """Keys of `training`."""


UNFILTERED = "anchor"  # the reading without a network
ReadingName = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_]*$")]


def reading_of(section: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The section (plain) with the keys of one of its `readings`; raises ValueError."""

    def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
        both = {
            key: merged(below[key], value) if isinstance(below.get(key), Mapping) else value
            for key, value in above.items()
        }
        return {**below, **both}

    reading = section["readings"][name]
    changed = Iqnet.model_validate(merged({**section, "readings": {}}, reading)).plain()
    grid = section["training_data"]["alphas"]
    if not set(changed["training_data"]["alphas"]) <= set(grid):
        raise ValueError(f"reading '{name}' has alphas that no candidate is made with: {grid}")
    return changed


class Iqnet(Section):
    """IQNet (OJCAS 2024): its training data, network and training. Defaults are the paper's scale
    and values; what it does not print is marked as an assumption."""

    training_data: TrainingData = TrainingData()
    network: Network = Network()
    training: Training = Training()
    seeds: Several[Natural] = [0]
    """Whole numbers, each a training of IQNet, and of CNN-JNQD at each QP: they fix initial
    weights, split and sampling. A method whose model has `{seed}` in its path is run with each.
    Assumption: one training."""
    cnn_jnqd: CnnJnqd = CnnJnqd()
    jobs: Jobs = Jobs()
    frames: Frames = Frames()
    pictures: Pictures = Pictures()
    scorer_study: ScorerStudy = ScorerStudy()
    readings: dict[ReadingName, Reading] = {}
    """Other readings of the rules, each with a training of its own that a method may name as
    `{results}/models/iqnet/readings/NAME/model.onnx` (target `iqnet_readings`)."""

    @model_validator(mode="after")
    def _fits(self) -> Iqnet:
        data, alpha = self.training_data, self.pictures.alpha
        if alpha is not None and alpha not in data.alphas:
            raise ValueError(f"`pictures.alpha: {alpha}` is none of the `alphas` {data.alphas}")
        sides = {"training_data.patch": data.patch, "training.crop": self.training.crop}
        for key, side in sides.items():
            if data.crop and side > min(data.crop):
                raise ValueError(
                    f"`{key}: {side}` is larger than the pictures, `training_data.crop: "
                    f"{data.crop}`; write at most {min(data.crop)}"
                )
        return self

    @model_validator(mode="after")
    def _readings_are_whole(self) -> Iqnet:
        if UNFILTERED in self.readings:
            raise ValueError(f"no reading can be called '{UNFILTERED}': so is what none filters")
        for name in self.readings:
            try:
                reading_of(self.plain(), name)
            except ValidationError as error:
                mistakes = [describe(Iqnet, one) for one in error.errors(include_url=False)]
                raise ValueError(f"reading '{name}': {'; '.join(mistakes)}") from None
        return self
