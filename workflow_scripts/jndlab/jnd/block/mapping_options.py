"""Switches of BL-JUNIPER's stage 1: where the published scripts are odd or silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args, get_type_hints

from jndlab.errors import UserError


@dataclass(frozen=True)
class BlockMappingOptions:
    """How activity, SSIM, degradation and block JND are computed; the defaults are the sane forms.

    block_size       side of a block in luma samples.
    partial_blocks   "keep" the blocks that the right and bottom border cut (17x30 at 1080p, as the
                     published activity, SSIM and importance), or "drop" them (16x30, as the
                     published labels).
    picture          what is measured: the "luma" plane as coded, or the "rgb" picture (converted
                     from 4:2:0 where need be) and MATLAB's rgb2gray of it.
    colour_matrix    of that conversion. FFmpeg, with which the authors made their pictures, takes
                     "bt601" for streams that name none.
    sobel_border     "replicate" the border, or pad with "zero", which draws a frame of strong
                     false edges.
    tpi_difference   "signed", or "saturated" as uint8 arithmetic does: what grows darker is 0.
    tpi_group        a frame's TPI is the largest of its group of so many frames.
    ssim_window      11x11 on the grey "plane", or 11x11x11 on the RGB "volume", which filters
                     across the colours too.
    ssim_blocks      mean of the frame's SSIM "map" over a block, or each block filtered "alone".
    ssim_last_row    the "own" samples of a partial last row, or "overlapping": those of the row
                     above as well.
    smallest_nsc     normalised spatial activity below this counts as this in PI = NTC / NSC; every
                     frame has a block of 0. With 0 the division is as published: infinite, or NaN.
    motion_weight    a of PQD = (a PI + b) (1 - SSIM).
    static_weight    b of the same.
    reference        PQD that blocks are held against: mean or median over the frame's blocks, or
                     PQD of the whole frame. Not published: an inference.
    highest_offset   block JNDs reach from the video's JND to so many QPs above (5 in all labels).
    """

    block_size: int = 64
    partial_blocks: Literal["keep", "drop"] = "keep"
    picture: Literal["luma", "rgb"] = "luma"
    colour_matrix: Literal["bt601", "bt709"] = "bt709"
    sobel_border: Literal["replicate", "zero"] = "replicate"
    tpi_difference: Literal["signed", "saturated"] = "signed"
    tpi_group: int = 1
    ssim_window: Literal["plane", "volume"] = "plane"
    ssim_blocks: Literal["map", "alone"] = "map"
    ssim_last_row: Literal["own", "overlapping"] = "own"
    smallest_nsc: float = 0.01
    motion_weight: float = 4.0
    static_weight: float = 0.1
    reference: Literal["block_mean", "block_median", "frame"] = "block_mean"
    highest_offset: int = 5

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            choices, value = get_args(kind), getattr(self, name)
            if choices and value not in choices:
                raise _refusal(name, value, " or ".join(choices))
        for name in ("block_size", "tpi_group"):
            if getattr(self, name) < 1:
                raise _refusal(name, getattr(self, name), "a whole number above 0")
        for name in ("smallest_nsc", "motion_weight", "static_weight", "highest_offset"):
            if getattr(self, name) < 0:
                raise _refusal(name, getattr(self, name), "a number not below 0")
        if self.ssim_window == "volume" and self.picture != "rgb":
            raise _refusal("ssim_window", "volume", "picture 'rgb' with it: luma has one plane")

    @classmethod
    def authors(cls) -> BlockMappingOptions:
        """As in the published scripts, with all their oddities."""
        return cls(
            picture="rgb",
            colour_matrix="bt601",
            sobel_border="zero",
            tpi_difference="saturated",
            tpi_group=5,
            ssim_window="volume",
            ssim_blocks="alone",
            ssim_last_row="overlapping",
            smallest_nsc=0.0,
        )


def _refusal(name: str, value: object, expected: str) -> UserError:
    return UserError(
        f"block mapping: {name} cannot be {value!r}.", where=f"option {name}", expected=expected
    )
