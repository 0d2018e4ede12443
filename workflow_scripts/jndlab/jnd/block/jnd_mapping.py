"""From the JND of a video to the JNDs of its blocks: BL-JUNIPER, stage 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from jndlab.errors import UserError
from jndlab.jnd.block.activity import FrameActivity, clip_activity
from jndlab.jnd.block.mapping_options import (
    MOTION_WEIGHT,
    SMALLEST_NSC,
    STATIC_WEIGHT,
    BlockMappingOptions,
)
from jndlab.jnd.block.pictures import Picture, gray_of, rgb_of
from jndlab.jnd.block.ssim import BlockSsim


def block_jnd_of_frames(
    frames: Sequence[Picture],
    distorted: Sequence[Mapping[int, Picture]],
    video_jnd: Sequence[int],
    options: BlockMappingOptions | None = None,
    bit_depth: int = 8,
) -> np.ndarray:
    """Block JNDs of consecutive frames, int16 of frames x rows x columns x levels.

    ``distorted[k]`` holds frame ``k`` decoded at each QP of :func:`candidate_qps`; an empty
    mapping leaves frame ``k`` out of the result, so that a neighbour of a key frame can be given
    for its temporal information only.
    """
    options = options or BlockMappingOptions()
    grays = [gray_of(frame, options, bit_depth) for frame in frames]
    maps = []
    for activity, frame, coded in zip(
        clip_activity(grays, options), frames, distorted, strict=True
    ):
        if coded:
            maps.append(_block_jnd_of_frame(activity, frame, coded, video_jnd, options, bit_depth))
    if not maps:
        raise UserError("no frame has distorted versions, so no block has a JND.")
    return np.stack(maps)


def candidate_qps(
    video_jnd: Sequence[int], options: BlockMappingOptions | None = None
) -> list[int]:
    """QPs at which a video must be coded to map its JND levels to blocks."""
    options = options or BlockMappingOptions()
    return sorted({qp for level in video_jnd for qp in _window(level, options)})


def perceptual_information(
    activity: FrameActivity, options: BlockMappingOptions | None = None
) -> np.ndarray:
    """``PI = NTC / NSC`` of each block: TPI over SPI, both min-max normalised over the frame.

    Motion on smooth texture is seen, texture masks. A block without temporal activity has PI 0,
    so a still picture, a static and a letterbox block have it too; a frame of equal blocks has
    NSC (or NTC) 0 throughout. In the published form PI is infinite where only NSC is 0 and NaN
    where both are, as published.
    """
    return _information(activity.spi, activity.tpi, activity, options or BlockMappingOptions())


def quality_degradation(
    information: np.ndarray | float,
    ssim: np.ndarray | float,
    options: BlockMappingOptions | None = None,
) -> np.ndarray:
    """Perceptual quality degradation of each block, ``PQD = (a PI + b) (1 - SSIM)``."""
    options = options or BlockMappingOptions()
    with np.errstate(invalid="ignore"):
        weight = MOTION_WEIGHT * np.asarray(information) + STATIC_WEIGHT
        return weight * (1 - np.asarray(ssim))


def map_video_jnd(
    pqd_of: Mapping[int, np.ndarray],
    reference_of: Mapping[int, float],
    video_jnd: Sequence[int],
    options: BlockMappingOptions | None = None,
) -> np.ndarray:
    """Block JNDs ``(rows, columns, levels)``, int16, from block PQD and reference PQD per QP.

    ``JND_l(block) = max {q in [J_l, J_l + 5] : PQD_block(q) <= PQD_ref(J_l)}``, and ``J_l`` where
    there is none. **Inferred**: the authors' scripts end at PQD. What their labels show is that
    every level of every video spans exactly ``J_l .. J_l + 5``, that a block's offset hardly
    depends on the level, and that moving blocks tend to offset 0. Levels are mapped each by
    itself, so they may come out unordered, as in the labels. A PQD that is no number exceeds
    every reference. Raises UserError for a QP that is not there.
    """
    options = options or BlockMappingOptions()
    levels = []
    for jnd in video_jnd:
        qps = np.array(_window(jnd, options))
        missing = [int(qp) for qp in qps if int(qp) not in pqd_of]
        if missing:
            raise UserError(
                f"a video JND of QP {jnd} cannot be mapped to blocks: "
                f"there is no picture at QP {', '.join(map(str, missing))}.",
                expected=f"the frame coded at every QP from {qps[0]} to {qps[-1]}",
            )
        with np.errstate(invalid="ignore"):
            seen = np.stack([pqd_of[int(qp)] <= reference_of[jnd] for qp in qps])
        offsets = np.arange(len(qps)).reshape(-1, 1, 1)
        levels.append(jnd + np.where(seen, offsets, 0).max(axis=0))
    return np.stack(levels, axis=-1).astype(np.int16)


def _block_jnd_of_frame(
    activity: FrameActivity,
    frame: Picture,
    distorted: Mapping[int, Picture],
    video_jnd: Sequence[int],
    options: BlockMappingOptions,
    bit_depth: int,
) -> np.ndarray:
    def measured(picture: Picture) -> np.ndarray:
        if options.published:
            return rgb_of(picture, options.colour_matrix, bit_depth)
        return gray_of(picture, options, bit_depth)

    ssim = BlockSsim(measured(frame), options)
    information = perceptual_information(activity, options)
    pqd_of: dict[int, np.ndarray] = {}
    reference_of: dict[int, float] = {}
    for qp, picture in distorted.items():
        plane = measured(picture)
        pqd_of[qp] = quality_degradation(information, ssim.blocks(plane), options)
        if qp in video_jnd and options.reference == "frame":
            whole = _information(activity.frame_spi, activity.frame_tpi, activity, options)
            reference_of[qp] = float(quality_degradation(whole, ssim.frame(plane), options))
        elif qp in video_jnd:
            reference_of[qp] = _middle(pqd_of[qp], options.reference)
    return map_video_jnd(pqd_of, reference_of, video_jnd, options)


def _information(
    spi: np.ndarray | float,
    tpi: np.ndarray | float,
    activity: FrameActivity,
    options: BlockMappingOptions,
) -> np.ndarray:
    """PI of anything whose activity is to be normalised over the blocks of a frame."""
    guarded = not options.published
    spatial = _normalised(spi, activity.spi, guarded)
    temporal = _normalised(tpi, activity.tpi, guarded)
    with np.errstate(divide="ignore", invalid="ignore"):
        return temporal / np.maximum(spatial, SMALLEST_NSC if guarded else 0)


def _normalised(values: np.ndarray | float, among: np.ndarray, guarded: bool) -> np.ndarray:
    smallest, span = among.min(), np.ptp(among)
    if span == 0 and guarded:
        return np.zeros_like(values)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (values - smallest) / span


def _middle(pqd: np.ndarray, kind: str) -> float:
    """Mean or median over blocks; infinities and NaN (division as published) are left out."""
    finite = pqd[np.isfinite(pqd)]
    if not finite.size:
        return 0.0
    return float(finite.mean() if kind == "block_mean" else np.median(finite))


def _window(jnd: int, options: BlockMappingOptions) -> list[int]:
    return [int(jnd) + offset for offset in range(options.highest_offset + 1)]
