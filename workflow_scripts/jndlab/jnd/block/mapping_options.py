"""Options of BL-JUNIPER's stage 1: where the published scripts are odd or silent."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from jndlab.configuration import Section

Reference = Literal["block_mean", "block_median", "frame"]
REFERENCES: tuple[Reference, ...] = get_args(Reference)
BLOCK_SIZE = 64  # side of a block in luma samples
SMALLEST_NSC = 0.01  # normalised spatial activity of the corrected form; an assumption
MOTION_WEIGHT, STATIC_WEIGHT = 4.0, 0.1  # a and b of PQD = (a PI + b) (1 - SSIM)


class BlockMappingOptions(Section):
    """Stage 1: from a video's JND to its blocks."""

    form: Literal["corrected", "published"] = "corrected"
    """`corrected`, or as the authors' scripts do it (`published`): grey of the RGB picture by
    BT.601 in place of luma (BT.709), zero padding of the Sobel gradient (false edges around the
    frame), temporal difference saturated at 0 (what grows darker has no temporal information), a
    frame's TPI the largest of its group of 5, SSIM of each block by itself in an 11x11x11 window
    that filters across colours, a cut last row with the lines of the row above, and NSC without a
    smallest value (division by zero)."""
    partial_blocks: Literal["keep", "drop"] = "keep"
    """`keep` blocks that the border cuts (17x30 at 1080p), or `drop` them (16x30, as in the
    authors' labels); a dropped one gets the video's JND."""
    reference: Reference = "block_mean"
    """The PQD that blocks are compared with: mean or median over the frame's blocks at the video's
    JND, or that of the whole frame. Assumption: the scripts end before this step."""
    highest_offset: Annotated[int, Field(ge=0, le=20)] = 5
    """Block JNDs reach from the video's JND to this many QPs above it (5 in all of the authors'
    labels)."""

    @property
    def published(self) -> bool:
        """Whether all is computed as in the authors' scripts, with their oddities."""
        return self.form == "published"

    @property
    def colour_matrix(self) -> Literal["bt601", "bt709"]:
        """Matrix between 4:2:0 and RGB: FFmpeg, with which the authors converted, takes BT.601."""
        return "bt601" if self.published else "bt709"
