"""Configuration of the rating test and of the analysis of its ratings."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from jndlab.configuration import (
    AS_WRITTEN,
    CodingConfiguration,
    Count,
    Distinct,
    Natural,
    Pair,
    Qp,
    Real,
    Section,
    Several,
)


def _rising(scale: list[float]) -> list[float]:
    if not scale[0] < scale[1]:
        raise ValueError(f"{scale} does not rise; write the lowest grade first: [1, 5]")
    return scale


class Subjective(Section):
    """A rating test made from the coded clips of the run (`snakemake subjective_session`) and the
    analysis of what people rated (`snakemake analyse_ratings`): pairs of source and coded clip,
    five-grade impairment scale (ITU-T P.910, DCR)."""

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
    """Grey before each clip of a pair."""
    training_pairs: Annotated[int, Field(ge=0, le=10)] = 3
    """Pairs before the test, from the lowest to the highest QP, whose ratings do not count."""
    break_every: Count = 25
    """A break is offered after this number of pairs. P.910 and BT.500 advise sessions of at most
    half an hour."""
    seed: Natural = 0
    """Fixes, with the subject's name, the order of the pairs."""
    scale: Annotated[Pair[Real], AfterValidator(_rising)] = [1, 5]
    """Lowest and highest grade of the ratings. The page rates from 1 to 5; another scale is for
    ratings of the same stimuli that were collected otherwise, e.g. [0, 10]."""
    ratings: Distinct[str] = []
    """CSV files with the ratings (subject, stimulus, score, time), one or more subjects in each;
    the page saves one for each subject."""
