"""Picture files of many kinds as RGB arrays, and the conversion between RGB and 4:2:0."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.media.clip import Frame

_COLOUR_MODES = ("RGB", "RGBX", "YCbCr", "P")


def read_picture(path: str | Path, smallest: tuple[int, int] = (1, 1)) -> np.ndarray:
    """A picture file as H x W x 3 uint8 RGB, as it is stored: no colour profile, no rotation.

    Progressive JPEG is read like any other. Grey becomes three equal channels; of 16-bit samples
    the upper 8 bits count (rounded for grey). An alpha channel that hides nothing is dropped. Of
    animations it is the first picture. Raises UserError for a missing, cut or otherwise damaged
    file, for one that is no picture, for CMYK, Lab and other colours that a profile defines, for
    floating-point samples, for transparent parts (they have no colour), and for a picture below
    ``smallest`` (width, height).
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(
            "there is no such picture file.", where=str(path), remedy="correct the path."
        )
    try:
        with Image.open(path) as picture:
            picture.load()
            rgb = _as_rgb(picture, path)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise UserError(
            "a picture cannot be read.",
            where=str(path),
            expected=f"a whole picture file; {error}",
            remedy="fetch or make the file again, or take it out.",
        ) from error
    height, width = rgb.shape[:2]
    if width < smallest[0] or height < smallest[1]:
        raise UserError(
            "a picture is too small.",
            where=str(path),
            expected=f"{smallest[0]}x{smallest[1]} at least, found {width}x{height}",
            remedy="take a larger picture, or a smaller patch.",
        )
    return rgb


def write_png(path: str | Path, picture: np.ndarray | Image.Image) -> None:
    """Write a picture, or uint8 pixels (H x W grey, H x W x 3 RGB), whole or not at all."""
    pixels = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    with atomic_path(path) as part:
        pixels.save(part)


def require_picture(picture: np.ndarray) -> None:
    """Raise UserError unless ``picture`` is H x W x 3 uint8 and not empty."""
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise UserError(
            "this array is no picture.",
            expected=f"H x W x 3 of uint8, found {picture.dtype} of shape {picture.shape}",
            remedy="read files with jndlab.media.pictures.read_picture.",
        )


def picture_sha256(picture: np.ndarray) -> str:
    """Hex SHA-256 of the pixels and the size of a picture: names the content, not the file."""
    require_picture(picture)
    digest = hashlib.sha256(f"{picture.shape[1]}x{picture.shape[0]} RGB\n".encode())
    digest.update(np.ascontiguousarray(picture).data)
    return digest.hexdigest()


def rgb_to_frame(rgb: np.ndarray) -> Frame:
    """RGB (H x W x 3 uint8, even sizes) as 4:2:0 of 8 bit: BT.601, limited range, rounded.

    The matrix is that of FFmpeg's conversion to yuv420p, from which its luma differs by at most
    one level. Chroma is the mean of 2x2 pixels.
    """
    from skimage.color import rgb2ycbcr  # 0.2 s

    height, width = rgb.shape[:2]
    planes = rgb2ycbcr(rgb)
    chroma = planes[..., 1:].reshape(height // 2, 2, width // 2, 2, 2).mean(axis=(1, 3))
    y, u, v = (
        np.rint(plane).astype(np.uint8)
        for plane in (planes[..., 0], chroma[..., 0], chroma[..., 1])
    )
    return Frame(y, u, v)


def frame_to_rgb(frame: Frame, bit_depth: int = 8) -> np.ndarray:
    """The reverse of :func:`rgb_to_frame`, for planes ``(..., H, W)``; chroma samples repeated."""
    from skimage.color import ycbcr2rgb

    planes = [np.asarray(plane, np.float64) / (1 << (bit_depth - 8)) for plane in frame]
    chroma = [plane.repeat(2, axis=-2).repeat(2, axis=-1) for plane in planes[1:]]
    rgb = ycbcr2rgb(np.stack([planes[0], *chroma], axis=-1))
    return np.rint(rgb.clip(0, 1) * 255).astype(np.uint8)


def _as_rgb(picture: Image.Image, path: Path) -> np.ndarray:
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        if np.asarray(picture.getchannel("A")).min() < 255:
            raise UserError(
                "a picture has transparent parts.",
                where=str(path),
                expected="an opaque picture: what shows through is undefined",
                remedy="lay it over a background and save it without alpha channel.",
            )
        return np.asarray(picture.convert("RGB"))
    if picture.mode in ("1", "L"):
        return np.repeat(np.asarray(picture.convert("L"))[..., np.newaxis], 3, axis=2)
    if picture.mode.startswith("I"):
        grey = np.rint(np.asarray(picture, np.float64) / 257).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[..., np.newaxis], 3, axis=2)
    if picture.mode in _COLOUR_MODES:
        return np.asarray(picture.convert("RGB"))
    raise UserError(
        f"a picture has colours of the kind {picture.mode}.",
        where=str(path),
        expected="RGB or grey of 8 or 16 bit",
        remedy="convert it to RGB with its colour profile, in a picture editor or ImageMagick.",
    )
