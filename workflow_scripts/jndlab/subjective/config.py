"""Configuration of the rating test and of the analysis of its ratings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from jndlab.configuration import (
    AS_WRITTEN,
    CodingConfiguration,
    Count,
    Distinct,
    FilePath,
    Natural,
    Qp,
    Real,
    Rising,
    Section,
    Several,
    Statistic,
    Text,
)

LANGUAGES = sorted(path.stem for path in Path(__file__).parent.glob("languages/*.json"))


def _language(name: str) -> str:
    if name not in LANGUAGES and not name.endswith(".json"):
        raise ValueError(f"{name!r} is none of {', '.join(LANGUAGES)} and no JSON file with texts")
    return name


class Screening(Section):
    """What is asked and required before a sitting. All answers are saved with the ratings."""

    consent: FilePath | None = None
    """Text file that the subject reads and agrees to; null asks for no agreement."""
    questions: bool = True
    """Whether acuity and colour vision are asked for."""
    display_check: bool = True
    """Whether digits of nearly black on black and nearly white on white must be read."""
    full_screen: bool = True
    """Whether rating in a window is refused."""
    fit_screen: bool = True
    """Whether screens are refused that have fewer pixels than the clips or show fewer frames a
    second."""


class Subjective(Section):
    """A rating test made from the coded clips of the run (`snakemake subjective_session`) and the
    analysis of what people answered (`snakemake analyse_ratings`; `analyse_preferences` of pairs,
    `collect_jnd_samples` of JND searches)."""

    procedure: Literal["dcr", "acr", "pairs", "jnd"] = "dcr"
    """`dcr`: source, then clip, five-grade impairment scale (ITU-T P.910). `acr`: single clips with
    hidden references, five grades (ACR-HR). `pairs`: each method against the anchor, which looks
    better. `jnd`: a search of the first QPs at which a difference to the source is seen."""
    sequences: Several[str] | None = None
    """Sequences of the run to rate; null takes all."""
    methods: Several[str] | None = None
    """Methods of the run to rate; null takes all. BD-rates under MOS need the anchor among them."""
    qps: Several[Qp] | None = None
    """QPs of the run to rate; null takes all. BD-rates need at least four."""
    codec: str | None = None
    """Codec of the clips; null takes that of the first block-QP method, else the run's first."""
    configuration: CodingConfiguration | None = None
    """Coding configuration of the clips; null takes the first of the run."""
    clip_seconds: Annotated[float, Field(ge=0, le=60), AS_WRITTEN] = 8
    """Clips that are shorter are repeated whole until they last as long (the source too). P.910
    uses about 10 s."""
    pause_seconds: Annotated[float, Field(ge=0, le=10), AS_WRITTEN] = 2
    """Grey before each clip."""
    training_pairs: Annotated[int, Field(ge=0, le=10)] = 3
    """Trials before the test, from the lowest to the highest QP, whose ratings do not count."""
    training_sequences: Several[str] | None = None
    """Sequences of the run that are shown in the training alone, as P.910 asks for; null trains on
    clips of the test."""
    pair_by: Literal["qp", "rate"] = "qp"
    """Which clip of the anchor is the other of a pair: that of equal QP, or one that is coded for
    the pair at the nearest bitrate (parts of a QP too, by rate factor or map, if the codec can)."""
    max_rate_difference: Annotated[float, Field(gt=0, le=100), AS_WRITTEN] = 5
    """Percent that the bitrates of a pair by `rate` may differ; beyond, no session is made."""
    ties: bool = True
    """Whether pairs may be answered by "no difference"; false forces a choice (2AFC)."""
    jnd_levels: Annotated[int, Field(ge=1, le=3)] = 3
    """JNDs of a search: the first from the source, the next from the clip of the one before. The
    ladder has the anchor's clips at the QPs of the run."""
    jnd_statistic: Statistic = "sur75"
    """Of the samples of a search, for the labels: `mean`, `median`, or `sur75`, where 75 % of the
    subjects see no difference yet."""
    max_minutes: Annotated[float, Field(gt=0, le=120), AS_WRITTEN] = 30
    """Longest sitting, with training, repeats and checks; a longer test is split into blocks of
    equal length and all methods. P.910 and BT.500 advise half an hour."""
    blocks_per_rater: Count | None = None
    """Blocks that each person rates, a sitting each; null takes all. With fewer, the first block
    differs between people, and the matrix of ratings is incomplete."""
    repeats: Natural = 2
    """Trials of a sitting that are shown once more, hidden, for the consistency of the rater."""
    attention_checks: Natural = 1
    """Trials of a sitting that say which answer to give; in a JND search, the source twice."""
    max_failed_checks: Natural | None = None
    """Subjects who fail more checks are left out of the analysis; null keeps all."""
    replays: Annotated[int, Field(ge=0, le=10)] = 0
    """How often a subject may see a trial again before answering."""
    break_every: Count = 25
    """A break is offered after this number of trials."""
    screening: Screening = Screening()
    language: Annotated[Text, AfterValidator(_language)] = "en"
    """Language of the page: `en`, `de`, `fr`, or a JSON file with the same texts."""
    seed: Natural = 0
    """Fixes, with the subject's name, the order of the trials."""
    scale: Rising[Real] = [1, 5]
    """Lowest and highest grade of the ratings. The page rates from 1 to 5; another scale is for
    ratings of the same stimuli that were collected otherwise, e.g. [0, 10]."""
    ratings: Distinct[str] = []
    """CSV files with the ratings (subject, stimulus, score, time), one or more subjects in each;
    the page saves one for each subject and sitting, `make ratings-server` one for all."""

    @model_validator(mode="after")
    def _trained_on_others(self) -> Self:
        if both := {*(self.sequences or ())} & {*(self.training_sequences or ())}:
            raise ValueError(
                f"`training_sequences` are not rated, and `sequences` has {', '.join(sorted(both))}"
                " too; name each in one of them"
            )
        return self
