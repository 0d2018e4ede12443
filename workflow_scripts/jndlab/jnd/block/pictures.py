"""Pictures as BL-JUNIPER's stages take them: RGB from 4:2:0 frames, MATLAB's grey, block cuts."""

from __future__ import annotations

import numpy as np

from jndlab.errors import UserError
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.media.blocks import Partial, split_blocks
from jndlab.media.clip import Frame

Picture = Frame | np.ndarray  # 4:2:0 frame, luma H x W, or RGB H x W x 3 (uint8)

# Weights of red and blue in luma (ITU-R BT.601 and BT.709).
LUMA_WEIGHTS = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}
# MATLAB's rgb2gray: the first row of the inverse of its YIQ matrix, near BT.601's weights.
RGB2GRAY = np.linalg.inv(
    np.array([[1, 0.956, 0.621], [1, -0.272, -0.647], [1, -1.106, 1.703]])
)[0]  # fmt: skip


def rgb_of(picture: Picture, colour_matrix: str = "bt709", bit_depth: int = 8) -> np.ndarray:
    """8-bit RGB ``(H, W, 3)`` of a picture; an RGB picture is returned as it is.

    Frames are limited range; each chroma sample serves its four luma samples. Raises UserError
    for a luma plane, which has no colours.
    """
    if not isinstance(picture, Frame):
        if picture.ndim == 3 and picture.shape[2] == 3 and picture.dtype == np.uint8:
            return picture
        raise UserError(
            "a picture has no colours.",
            expected="a 4:2:0 frame or RGB of uint8, H x W x 3; "
            f"found {picture.dtype} of {picture.shape}",
        )
    red, blue = LUMA_WEIGHTS[colour_matrix]
    scale = np.float32(1 << (bit_depth - 8))
    luma = (picture.y / scale - np.float32(16)) * np.float32(255 / 219)
    height, width = luma.shape

    def full_size(chroma: np.ndarray) -> np.ndarray:
        chroma = (chroma / scale - np.float32(128)) * np.float32(255 / 112 / 2)
        return chroma.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]

    from_blue, from_red = full_size(picture.u), full_size(picture.v)
    planes = (
        luma + np.float32(2 * (1 - red)) * from_red,
        luma
        - np.float32(2 * (1 - red) * red / (1 - red - blue)) * from_red
        - np.float32(2 * (1 - blue) * blue / (1 - red - blue)) * from_blue,
        luma + np.float32(2 * (1 - blue)) * from_blue,
    )
    rgb = np.empty((*luma.shape, 3), np.uint8)
    for index, plane in enumerate(planes):
        rgb[..., index] = np.clip(np.rint(plane, out=plane), 0, 255, out=plane)
    return rgb


def rgb2gray(rgb: np.ndarray) -> np.ndarray:
    """MATLAB's rgb2gray of uint8 RGB ``(H, W, 3)``: uint8, round half up."""
    red, green, blue = (rgb[..., plane] * weight for plane, weight in enumerate(RGB2GRAY))
    return (red + green + blue + 0.5).astype(np.uint8)


def gray_of(
    picture: Picture, options: BlockMappingOptions | None = None, bit_depth: int = 8
) -> np.ndarray:
    """Grey plane ``(H, W)`` on the scale 0..255: uint8, or float32 for 10-bit luma.

    A frame gives its luma or, in the published form, the grey of its RGB. A plane is
    taken for grey as it is.
    """
    options = options or BlockMappingOptions()
    if isinstance(picture, Frame) and not options.published:
        picture = picture.y
    if isinstance(picture, Frame) or picture.ndim == 3:
        return rgb2gray(rgb_of(picture, options.colour_matrix, bit_depth))
    if bit_depth == 8:
        return picture
    return picture / np.float32(1 << (bit_depth - 8))


def rgb_blocks(rgb: np.ndarray, size: int = 64, partial: Partial = "pad") -> np.ndarray:
    """Blocks ``(rows, columns, size, size, 3)`` of RGB ``(H, W, 3)``, as the network takes them.

    Blocks that the border cuts are completed by repeating the last samples, or with "drop" left
    out, as for training.
    """
    blocks = split_blocks(np.moveaxis(rgb, -1, 0), size, partial)
    return np.moveaxis(blocks, 0, -1)
