"""How a classifier of picture patches sees a picture; importable without torch."""

from __future__ import annotations

from typing import Literal

from jndlab.configuration import Count, Positive, Section


class PictureView(Section):
    """How a classifier sees a picture: in training, and so at use."""

    reference: Literal["best", "source"] = "best"
    """What coded versions are compared with: the picture at the codec's `best` quality (JPEG QF
    100), as in the authors' program and for MCL-JCI's subjects, or its uncoded `source`."""
    patches: Count = 32
    """Patches of each pair (authors: 32)."""
    places: Literal["random", "tiles"] = "random"
    """Where patches lie: at `random` (the authors'), or `tiles`: side by side from the upper left
    corner, in step with the 8x8 blocks of JPEG; a random choice of them where there are more."""
    crops: Literal["independent", "aligned"] = "independent"
    """Where the JND map is looked at: `independent` places, as in the authors' program (there even
    of other pictures), or `aligned` with the other patches."""
    jnd_model: Literal["wu2017", "wu2013", "yang2005", "jiang2022"] = "wu2017"
    """Pixel-wise JND model of the map. Assumption: not named in any readable text."""
    jnd_gain: Positive = 4
    """Grey levels of the map's 8-bit picture for one of JND. Assumption."""
