"""Options of the sampling of picture pairs; importable without torch."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from jndlab.configuration import Count, Natural, NonNegative, Positive, Section


class PairSampling(Section):
    """How pairs are made of pictures; the defaults are VP-JND's where they are known."""

    pairs_per_picture: Annotated[int, Field(ge=2)] = 191
    """Coded versions of each picture (authors: 191, from their step counts). Assumption: half of
    them visible, half of each half within 20 qualities of the PW-JND."""
    patches: Count = 32
    """Patches of each pair (authors: 32)."""
    crops: Literal["independent", "aligned"] = "independent"
    """Where the JND map is looked at: `independent` places, as in the authors' program (there even
    of other pictures), or `aligned` with the other patches."""
    importance: NonNegative = 0
    """Lambda of the visual-importance weights 1 + lambda (1 - SSIM(coded, coded at the PW-JND)); 0
    is the authors' graph. The formula is an assumption: the paper's loss is not in the readable
    text."""
    jnd_model: Literal["wu2017", "wu2013", "yang2005"] = "wu2017"
    """Pixel-wise JND model of the map. Assumption: not named in any readable text."""
    jnd_gain: Positive = 4
    """Grey levels of the map's 8-bit picture for one of JND. Assumption."""
    seed: Natural = 0
    """Fixes initial weights, pairs and patches. Assumption."""
