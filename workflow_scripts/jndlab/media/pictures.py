"""Picture files of many kinds as RGB arrays, and the conversion between RGB and 4:2:0."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile

from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.media.clip import Frame

# Kinds of file that are read. Not EPS, for which Pillow would start Ghostscript.
FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM", "GIF")
ORIENTATION = 0x0112  # Exif's tag
MOST_PIXELS = 1 << 28  # a small file can claim to be huge
# BT.601 limited range, as FFmpeg turns RGB into the yuv420p that all codecs here are fed with.
LUMA_OFFSET = 16.0
LUMA_WEIGHTS = np.array([65.481, 128.553, 24.966], dtype=np.float32) / 255.0
# The passes of an interlaced PNG: first column and row, and their distances.
_ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2)]  # fmt: skip
# By orientation: quarters counter-clockwise, and whether mirrored after that, back to the samples.
_TURNED = {2: (0, True), 3: (2, False), 4: (2, True), 5: (3, True), 6: (1, False), 7: (1, True),
           8: (3, False)}  # fmt: skip
_CODES = b"cicp\0\0\0\0"  # in a colour profile, before four code points of ITU-T H.273
_CRITICAL = {
    b"IHDR",
    b"PLTE",
    b"IDAT",
    b"IEND",
}  # of PNG; any other in capitals changes the samples
_HIGH_RANGE = (16, 18)  # PQ, HLG
_COLOUR_MODES = ("RGB", "RGBX", "YCbCr", "P")


def read_picture(path: str | Path, smallest: tuple[int, int] = (1, 1)) -> np.ndarray:
    """A picture file as H x W x 3 uint8 RGB, as it is stored: no colour profile, no rotation.

    Progressive JPEG is read like any other. Grey becomes three equal channels; of 16-bit samples
    the upper 8 bits count (rounded for grey). A palette becomes its colours, an alpha channel that
    hides nothing is dropped. Pillow turns TIFF alone; that is taken back. Raises UserError for a
    missing, cut or otherwise damaged file; for one that is no picture of :data:`FORMATS`, has more
    than one picture (animations) or more than :data:`MOST_PIXELS`; for CMYK, Lab and other
    colours that a profile defines; for floating-point, signed and 32-bit samples; for high dynamic
    range and limited range, by PNG's ``cICP`` or the like in a profile; for transparent parts, also
    where their hidden colours are kept (they have no colour); and for a picture below ``smallest``
    (width, height).
    """
    picture = open_picture(path)
    width, height = _stored_size(picture)
    if width < smallest[0] or height < smallest[1]:
        raise UserError(
            "a picture is too small.",
            where=str(path),
            expected=f"{smallest[0]}x{smallest[1]} at least, found {width}x{height}",
            remedy="take a larger picture, or a smaller patch.",
        )
    return _as_stored(_as_rgb(picture, Path(path)), picture)


def read_luma(path: str | Path) -> np.ndarray:
    """Luma of a picture file, H x W in 0..255: uint8, or float32 for 16-bit grey (divided by 257).

    Colour becomes BT.601 limited-range luma (16..235), rounded, like the suite's 8-bit 4:2:0
    clips. Grey is taken as it is: it *is* luma, e.g. a plane that the suite wrote. Raises UserError
    as :func:`read_picture` does.
    """
    picture = open_picture(path)
    grey = _as_grey(picture, Path(path))
    if grey is None:
        rgb = _as_rgb(picture, Path(path)).astype(np.float32)
        grey = np.rint(rgb @ LUMA_WEIGHTS + LUMA_OFFSET).astype(np.uint8)
    return _as_stored(grey, picture)


def open_picture(path: str | Path, *, load: bool = True) -> Image.Image:
    """A picture file, for all that is not its pixels: size, tables, tags.

    Raises UserError as :func:`read_picture` does for the file itself (without ``load`` only for
    its head); samples are not looked at.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(
            "there is no such picture file.", where=str(path), remedy="correct the path."
        )
    try:
        if load:
            with Image.open(path, formats=FORMATS) as picture:
                if picture.format == "PNG":
                    picture.verify()  # all checksums; after that a picture must be opened again
        # From a stream: Pillow maps a named TIFF into memory with the sides that its turn swaps.
        with open(path, "rb") as stream, Image.open(stream, formats=FORMATS) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise ValueError(f"{picture.width}x{picture.height} is too large")
            # The other pictures of a camera's MPO are previews.
            if getattr(picture, "n_frames", 1) > 1 and picture.format != "MPO":
                raise ValueError("it holds several pictures (an animation, or pages)")
            if picture.format == "TIFF":
                turned = picture.getexif() if load else picture.tag_v2  # type: ignore[attr-defined]
                picture.info["turned"] = turned.get(ORIENTATION, 1)
            if load:
                _require_one_whole(picture, path.stat().st_size)
                picture.info["deep"] = any(";16" in str(tile[3]) for tile in picture.tile)
                picture.load()
                picture.getexif()  # kept by the picture: the file is closed below
                content = path.read_bytes() if picture.format == "PNG" else b""
                _require_plain_transfer(picture, content)
                if picture.mode == "P":
                    _require_palette(picture)
                if content and _has_empty_end(picture):
                    _require_png_samples(content)
            return picture
    except Exception as error:  # Pillow's readers raise anything on damaged files
        raise UserError(
            "a picture cannot be read.",
            where=str(path),
            expected=f"a whole picture file ({', '.join(FORMATS)}) of one picture; {error}",
            remedy="fetch or make the file again, or take it out.",
        ) from error


def picture_size(path: str | Path) -> tuple[int, int]:
    """Width and height in the head of a picture file, without reading its samples."""
    return _stored_size(open_picture(path, load=False))


def display_tags(path: str | Path) -> dict[str, bytes]:
    """How a picture file is to be shown: ``exif`` (its orientation alone) and ``icc_profile``."""
    picture = open_picture(path)
    tags = {}
    if (turned := picture.info.get("turned") or picture.getexif().get(ORIENTATION, 1)) != 1:
        exif = Image.Exif()
        exif[ORIENTATION] = turned
        tags["exif"] = exif.tobytes()
    if profile := picture.info.get("icc_profile"):
        tags["icc_profile"] = profile
    return tags


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


def _stored_size(picture: Image.Image) -> tuple[int, int]:
    width, height = picture.size
    return (height, width) if picture.info.get("turned", 1) in (5, 6, 7, 8) else (width, height)


def _as_stored(samples: np.ndarray, picture: Image.Image) -> np.ndarray:
    """Samples (rows first) of a picture that Pillow turned as its orientation asks, turned back."""
    quarters, mirrored = _TURNED.get(picture.info.get("turned", 1), (0, False))
    samples = np.rot90(samples, quarters)
    return np.ascontiguousarray(samples[:, ::-1] if mirrored else samples)


def _has_empty_end(picture: Image.Image) -> bool:
    """Whether one of the last two rows is 0, as where Pillow found no samples for it."""
    width, height = picture.size
    ends = [picture.crop((0, row, width, row + 1)) for row in range(max(0, height - 2), height)]
    return any(end.getbbox(alpha_only=False) is None for end in ends)


def _require_one_whole(picture: ImageFile.ImageFile, size: int) -> None:
    """Raise ValueError for a GIF that leaves parts of its canvas, and for PPM files in a row."""
    if picture.format not in ("GIF", "PPM"):
        return
    codec, extents, offset, _ = picture.tile[0]
    width, height = picture.size
    if picture.format == "GIF" and tuple(extents or ()) != (0, 0, width, height):
        raise ValueError(f"its picture does not fill its canvas of {width}x{height}")
    samples = width * height * len(picture.getbands()) * (2 if picture.mode == "I" else 1)
    if codec == "raw" and picture.mode in ("L", "RGB", "I") and size > offset + samples + 1:
        raise ValueError("it goes on behind its picture, as several pictures do")


def _require_palette(picture: Image.Image) -> None:
    """Raise ValueError for samples without a colour in the palette."""
    palette, largest = picture.palette, int(np.asarray(picture).max())
    if palette is None or largest >= len(palette.palette or b"") // len(palette.mode):
        raise ValueError(f"its palette has no colour {largest}")


def _png_chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place + 8 <= len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        yield kind, content[place + 8 : place + 8 + length]
        place += 12 + length


def _require_plain_transfer(picture: Image.Image, content: bytes) -> None:
    """Raise ValueError for samples of another range than RGB and grey of 8 bit have."""
    profile = picture.info.get("icc_profile") or b""
    codes = [profile.partition(_CODES)[2][:4]]
    if picture.format == "PNG":
        chunks = list(_png_chunks(content))
        codes += [data for kind, data in chunks if kind == b"cICP"]
        if other := {kind for kind, _ in chunks if kind[:1].isupper()} - _CRITICAL:
            raise ValueError(f"it has parts of a kind that no reader may pass over: {other}")
    for code in codes:
        if code and (len(code) != 4 or code[1] in _HIGH_RANGE or code[2] or code[3] != 1):
            raise ValueError(
                f"its colours are of the code points {list(code)} (high dynamic range, limited "
                "range or no RGB)"
            )


def _require_png_samples(content: bytes) -> None:
    """Raise ValueError for a sound PNG file with fewer samples than its size: Pillow makes 0."""
    packed = b"".join(data for kind, data in _png_chunks(content) if kind == b"IDAT")
    width, height, depth, colour, *_, interlaced = struct.unpack(">IIBBBBB", content[16:29])
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    passes = _ADAM7 if interlaced else [(0, 0, 1, 1)]
    wanted = 0
    for left, top, across, down in passes:
        columns, rows = -(-(width - left) // across), -(-(height - top) // down)
        wanted += rows * (1 + -(-columns * bits // 8)) if columns > 0 and rows > 0 else 0
    if wanted > MOST_PIXELS * 8 or len(zlib.decompressobj().decompress(packed, wanted)) < wanted:
        raise ValueError(f"it has fewer samples than {width}x{height}")


def _as_grey(picture: Image.Image, path: Path) -> np.ndarray | None:
    """Grey samples, uint8 or float32 (16 bit, divided by 257); None for colour."""
    _require_unsigned(picture, path)
    if picture.mode in ("1", "L", "LA"):
        _require_opaque(picture, path)
        return np.asarray(picture.convert("L"))
    if picture.mode.startswith("I"):
        samples = np.asarray(picture, np.float32)
        _require(samples != picture.info.get("transparency", -1), path)
        return samples / np.float32(257)
    return None


def _as_rgb(picture: Image.Image, path: Path) -> np.ndarray:
    grey = _as_grey(picture, path)
    if grey is not None:
        grey = np.rint(grey).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[..., np.newaxis], 3, axis=2)
    if picture.mode in _COLOUR_MODES or picture.has_transparency_data:
        _require_opaque(picture, path)
        return np.asarray(picture.convert("RGB"))
    raise UserError(
        f"a picture has colours of the kind {picture.mode}.",
        where=str(path),
        expected="RGB or grey of 8 or 16 bit",
        remedy="convert it to RGB with its colour profile, in a picture editor or ImageMagick.",
    )


def _require_unsigned(picture: Image.Image, path: Path) -> None:
    """Raise UserError for whole-number samples that are not 0 (black) to the largest."""
    tags = getattr(picture, "tag_v2", {})  # of TIFF: bits, photometric, sample format
    deep = picture.mode.startswith("I") and tags and (tags.get(258), tags.get(262)) != ((16,), 1)
    if (
        picture.mode == "I;16S" or deep or {*tags.get(339, (1,))} - {1, 3}
    ):  # 3: floating point, refused as such
        raise UserError(
            "a picture has samples of a kind that has no agreed range.",
            where=str(path),
            expected="grey of 8 or 16 bit, unsigned, 0 being black",
            remedy="save it as 8- or 16-bit grey, with the range that is meant.",
        )


def _require_opaque(picture: Image.Image, path: Path) -> None:
    if not picture.has_transparency_data:
        return
    key = picture.info.get("transparency")
    if picture.mode in ("L", "RGB") and key is not None:
        # One colour that is transparent; Pillow compares it before scaling it to 8 bit.
        colour = np.asarray(key) >> (8 if picture.info["deep"] else 0)
        samples = np.asarray(picture).reshape(-1, colour.size)
        _require((samples != colour).any(axis=1), path)
    else:
        _require(np.asarray(picture.convert("RGBA").getchannel("A")) == 255, path)


def _require(opaque: np.ndarray, path: Path) -> None:
    if not opaque.all():
        raise UserError(
            "a picture has transparent parts.",
            where=str(path),
            expected="an opaque picture: what shows through is undefined",
            remedy="lay it over a background and save it without alpha channel.",
        )
