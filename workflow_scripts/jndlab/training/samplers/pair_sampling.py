"""Options of the sampling of picture pairs; importable without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from jndlab.configuration import NonNegative
from jndlab.models.vp_jnd.picture_view import PictureView


class PairSampling(PictureView):
    """How pairs are made of pictures; the defaults are VP-JND's where they are known."""

    pairs_per_picture: Annotated[int, Field(ge=2)] = 191
    """Coded versions of each picture (authors: 191, from their step counts). Assumption: half of
    them visible, half of each half within 20 qualities of the PW-JND."""
    importance: NonNegative = 0
    """Lambda of the visual-importance weights 1 + lambda (1 - SSIM(coded, coded at the PW-JND)); 0
    is the authors' graph. The formula is an assumption: the paper's loss is not in the readable
    text."""
    softness: NonNegative = 0
    """0: targets are 0 and 1 (the authors'). Else they are ordinal: how far a version is from the
    label along the picture's VMAF NEG curve, as the logistic function of that distance over
    `softness` points. The suite's own."""
