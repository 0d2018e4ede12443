"""Configuration of a run: the keys of `config.yaml`, with a section for each paper."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from jndlab.codecs.config import CodecName
from jndlab.configuration import (
    CodingConfiguration,
    Count,
    Distinct,
    Label,
    Name,
    Pair,
    Positive,
    Qp,
    Section,
    Several,
    Text,
    distinct,
)
from jndlab.datasets.jnd_frames.config import JndFrames
from jndlab.datasets.own_sequences import OwnSequence, SequenceId
from jndlab.papers.bl_juniper.config import BlJuniper
from jndlab.papers.iqnet.config import Iqnet
from jndlab.papers.jnd_networks.config import LaserJnd, Mtjnd
from jndlab.papers.vp_jnd.config import VpJnd
from jndlab.quality.metrics import default_bd_rates, pooled_columns
from jndlab.report.viewer import Viewer
from jndlab.subjective.config import Subjective

ThreadCount = Annotated[int, Field(ge=1, le=64)]


class BdRate(Section):
    """How curves are compared."""

    metrics: Several[Literal[*pooled_columns()]] = default_bd_rates()
    """Quality metrics with their pooling. `ms_ssim_y`, `psnr_hvs_y` and `cambi` are computed where
    they are named here."""
    interpolation: Literal["pchip", "cubic", "akima"] = "pchip"
    """Interpolation of log-rate over quality."""
    between: Distinct[Annotated[Pair[str], AfterValidator(distinct)]] = []
    """Pairs of methods, `[reference, tested]`, that are compared with each other."""


class Rate(Section):
    """Another axis of points than the QP."""

    crf: Several[Qp]
    """Constant rate factors of x264, x265, SVT-AV1 or libaom."""


class Threads(Section):
    """Threads per job. They change the speed, never a number."""

    encode: ThreadCount = 1
    """Threads of one encoder."""
    measure: ThreadCount = 1
    """Threads of one measurement."""


class Method(Section):
    """A method that is compared."""

    kind: Literal["anchor", "prefilter", "jnd_predictor", "block_qp", "quality_choice"]
    """`anchor` encodes the source as it is; `prefilter` changes the frames before encoding;
    `jnd_predictor` encodes no finer than the JND that it predicts; `block_qp` gives every 64x64
    block its QP; `quality_choice` chooses the quality of a still picture."""
    class_: Annotated[
        str | None,
        Field(
            alias="class",
            pattern="^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$",
            examples=["'package.module:Class'"],
        ),
    ] = None
    """The class that does it, `package.module:Class`; your own may stand next to the Snakefile."""
    options: dict[str, Any] = {}
    """Keyword arguments of the class."""
    per_qp: bool = False
    """The filter depends on QP: it is run once per QP and receives `qp`."""
    codecs: Several[str] | None = None
    """Codec entries that the method is run with, in place of the run's `codecs`; the anchor is
    encoded with every codec in use."""
    sequences: Several[str] | None = None
    """Those of the run's sequences that a prefilter is run with; null takes all. Means over
    sequences state how many there were."""
    label: Label | None = None
    """Name in tables and figures; the method's own name if empty."""


class Experiment(Section):
    """What a run of the suite does. One file is one experiment; every key is checked."""

    results_dir: Text = "results"
    """Folder that receives everything a run makes. Give each experiment its own."""
    data_dir: Text = "data"
    """Folder of the downloaded data sets and raw sequences (see `snakemake check_data`)."""
    sequences: Several[str] | None = None
    """Identifiers of the sheet `config/sequences.tsv` and names of `own_sequences`; null takes all
    of `own_sequences`."""
    own_sequences: dict[SequenceId, OwnSequence] = {}
    """Videos of your own by a name of your choice, `{mine: {file: /videos/mine.y4m}}`: no tracked
    file is edited."""
    pictures_dir: Text | None = None
    """A folder of photographs, such as those of CID22, Kodak or DIV2K, which all papers learn from
    as well as the packaged pictures (sources `packaged` and `panned_pictures`); null takes none."""
    pictures_most: Count | None = None
    """How many photographs of `pictures_dir` are taken, evenly spread over their names; null takes
    all."""
    effort: Annotated[Positive, Field(le=1000)] = 1
    """Factor on the steps or epochs of every training and on `pictures_most`, for whoever has more
    time, or less."""
    frames: Count | None = None
    """How many first frames of each sequence are used; null takes all of them."""
    configurations: Several[CodingConfiguration] = ["AI", "LDP"]
    """Coding configurations: AI all intra, LDP low-delay P."""
    configurations_of: dict[SequenceId, Several[CodingConfiguration]] = {}
    """Sequences that are coded in some of the `configurations` alone, `{still: [AI]}`: such as
    one that is too short for low delay."""
    qps: Several[Qp] = [22, 27, 32, 37]
    """Quantisation parameters of the base pictures. BD-rate needs at least four."""
    rate: Rate | None = None
    """Rate control other than constant QP, `{crf: [23, 28, 33, 38]}`: takes the place of `qps`, and
    columns and files of name `qp` hold these values."""
    codecs: Several[str] = ["vvenc-faster"]
    """Codec entries of `config/codecs.yaml` and names of `own_codecs`."""
    own_codecs: dict[CodecName, dict[str, Any]] = {}
    """Codec entries of your own, with the keys of `codecs.yaml`:
    `{mine: {adapter: x265, preset: slow, program: /opt/x265, params: {psy-rd: 0}}}`."""
    codec_overrides: dict[str, dict[str, Any]] = {}
    """Keys that replace those of a codec entry, by entry name, e.g. the paths of VTM's programs:
    `{vtm-11.0: {encoder: /opt/vtm/EncoderAppStatic}}`."""
    methods: Annotated[dict[Name, Method], Field(min_length=1)]
    """The methods to compare, by a name of your choice (lower case, digits, underscore)."""
    anchor: str = "anchor"
    """Name of the method that savings and BD-rates refer to."""
    bd_rate: BdRate = BdRate()
    ai_segment_frames: Count | None = None
    """Frames of a segment that an all-intra encode is cut into, so that a cluster encodes them as
    separate jobs; null encodes each clip whole. Used only where all decoded pictures stay the same
    and bits differ by at most one header byte a segment: VTM, x264, x265, kvazaar. VVenC's pictures
    depend on those before them: it encodes clips whole."""
    keep: Distinct[Literal["sources", "prefiltered"]] = ["sources", "prefiltered"]
    """Lossless clips that stay when all that is made of them is there; `[]` removes both kinds at
    their last use. Only for runs that are complete: a QP or codec that is added later makes the
    clips again, and all that was made of them."""
    threads: Threads = Threads()
    papers: Distinct[Literal["iqnet", "laser_jnd", "mtjnd", "vp_jnd", "bl_juniper"]] = ["iqnet"]
    """Papers whose tables and figures are made from the points."""
    mlflow: bool = True
    """Mirror points, tables, figures and trainings into `mlflow.db`, and send epochs to the server
    that MLFLOW_TRACKING_URI names, if any. Results never depend on it."""
    iqnet: Iqnet = Iqnet()
    jnd_frames: JndFrames = JndFrames()
    laser_jnd: LaserJnd = LaserJnd()
    mtjnd: Mtjnd = Mtjnd()
    vp_jnd: VpJnd = VpJnd()
    bl_juniper: BlJuniper = BlJuniper()
    subjective: Subjective = Subjective()
    viewer: Viewer = Viewer()
