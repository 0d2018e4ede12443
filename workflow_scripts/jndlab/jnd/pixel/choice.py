"""Qualities of pictures by a pixel-wise JND model: a formula, nothing is trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from jndlab.codecs.stills.base import StillCodec
from jndlab.codecs.stills.store import StillStore
from jndlab.errors import UserError
from jndlab.jnd.pixel.maps import pixel_jnd
from jndlab.jnd.quality_choice import QualityDecision, StillChoice
from jndlab.jnd.quality_search import search_pw_jnd
from jndlab.media.patches import luma_of


class PixelJndChoice(StillChoice):
    """The best quality whose luma error is visible: above ``share`` of the JND map, as RMS.

    With `jiang2022` the map is the error of a perceptually lossless version of the picture, so
    that the choice has the PSNR of that version. Assumptions: RMS over the picture, a share of 1;
    the models print maps and no rule for a picture.
    """

    def __init__(
        self,
        *,
        codec: str | StillCodec = "jpeg",
        store: str | Path | StillStore | None = None,
        model: str = "jiang2022",
        share: float = 1.0,
        search: str = "binary",
    ) -> None:
        super().__init__(codec, store)
        if not 0 < share < np.inf:
            raise UserError(f"share: {share} is no share of a JND map.", expected="above 0")
        self.model, self.share, self.search = model, share, search

    def choose(self, picture: np.ndarray) -> QualityDecision:
        """Search the qualities of the codec; a picture is H x W x 3, uint8."""
        luma = luma_of(picture)
        allowed = self.share * _rms(pixel_jnd(luma, self.model))

        def is_visible(quality: int) -> bool:
            coded = luma_of(self.decoded(picture, quality)).astype(np.float32)
            return _rms(coded - luma.astype(np.float32)) > allowed

        found = search_pw_jnd(is_visible, self.codec.qualities, self.search)
        return self.decided(picture, found.pw_jnd, found.path)


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
