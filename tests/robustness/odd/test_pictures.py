"""Pictures of all kinds: the samples that are stored, or one message."""

from __future__ import annotations

import io
import struct
import zlib
from argparse import Namespace

import numpy as np
import pytest
from PIL import Image, ImageCms

from jndlab.media.picture_folder import picture_files
from jndlab.media.pictures import display_tags, picture_size, read_luma, read_picture

RGB = np.arange(6 * 8 * 3, dtype=np.uint8).reshape(6, 8, 3)
GREY = RGB[..., 0]
WHOLE = int(RGB.sum())
NO_PICTURE = ["a picture cannot be read"]


def saved(picture, kind, **options):
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def image(mode="RGB"):
    return Image.fromarray(RGB).convert(mode)


def exif_of(number):
    exif = Image.Exif()
    exif[0x0112] = number
    return exif.tobytes()


def turned(number, kind="JPEG"):
    return saved(Image.fromarray(RGB), kind, exif=exif_of(number), **({"quality": 100} if kind ==
                 "JPEG" else {}))  # fmt: skip


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour, rows, *more):
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(more)
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))  # fmt: skip


def with_alpha(value, mode="RGBA"):
    picture = image(mode)
    picture.putalpha(value)
    return picture


def palette(transparent):
    picture = image("P")
    return saved(picture, "PNG", transparency=transparent)


def deep_grey():
    return Image.fromarray(GREY.astype(np.uint16) * 257)


def frames(kind, count=3, **options):
    pictures = [Image.fromarray(np.roll(RGB, n, 0)) for n in range(count)]
    return saved(pictures[0], kind, save_all=True, append_images=pictures[1:], **options)


def profile(name):
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


def typed(content, kind):
    """A TIFF file whose samples are said to be of a kind: 1 unsigned, 2 signed."""
    picture = Image.open(io.BytesIO(content))
    return saved(picture, "TIFF", tiffinfo={339: (kind,) * len(picture.getbands())})


def coded(*points):
    return png(1, 1, 8, 2, b"\0\1\2\3", chunk(b"cICP", bytes(points)))


def on_canvas(content, side=16):
    """A GIF file with a larger canvas than its picture."""
    return content[:6] + struct.pack("<HH", side, side) + content[10:]


def bmp(rows, colours=bytes(range(16))):
    """A BMP file of 4x2 pixels with a palette of four colours."""
    head = struct.pack("<IiiHHIIiiII", 40, 4, 2, 1, 8, 0, len(rows), 0, 0, len(colours) // 4, 0)
    place = 14 + len(head) + len(colours)
    return b"BM" + struct.pack("<IHHI", place + len(rows), 0, 0, place) + head + colours + rows


PLTE = chunk(b"PLTE", bytes([1, 2, 3, 4, 5, 6]))
PQ = bytes(200) + b"cicp\0\0\0\0\x09\x10\0\1" + bytes(20)


# Name of the file, its content, and the sum of its samples, or the message.
TRIES = {
    "rgb.png": (saved(image(), "PNG"), WHOLE),
    "rgb.bmp": (saved(image(), "BMP"), WHOLE),
    "rgb.tif": (saved(image(), "TIFF"), WHOLE),
    "lzw.tif": (saved(image(), "TIFF", compression="tiff_lzw"), WHOLE),
    "rgb.ppm": (saved(image(), "PPM"), WHOLE),
    "rgb.webp": (saved(image(), "WEBP", lossless=True), WHOLE),
    "interlaced.png": (saved(image(), "PNG", interlace=1), WHOLE),
    "grey.png": (saved(Image.fromarray(GREY), "PNG"), int(GREY.sum()) * 3),
    "grey.pgm": (saved(Image.fromarray(GREY), "PPM"), int(GREY.sum()) * 3),
    "grey16.png": (saved(deep_grey(), "PNG"), int(GREY.sum()) * 3),
    "grey16.tif": (saved(deep_grey(), "TIFF"), int(GREY.sum()) * 3),
    "bits.png": (saved(Image.fromarray(GREY > 70), "PNG"), int((GREY > 70).sum()) * 3 * 255),
    "opaque.png": (saved(with_alpha(255), "PNG"), WHOLE),
    "opaque_grey.png": (saved(with_alpha(255, "LA"), "PNG"), None),
    "clear.png": (saved(with_alpha(0), "PNG"), ["transparent"]),
    "half_clear.png": (saved(with_alpha(128), "PNG"), ["transparent"]),
    "nearly_opaque.png": (saved(with_alpha(254), "PNG"), ["transparent"]),
    "clear_grey.png": (saved(with_alpha(0, "LA"), "PNG"), ["transparent"]),
    "clear.webp": (saved(with_alpha(0), "WEBP", lossless=True), ["transparent"]),
    "clear.tif": (saved(with_alpha(0), "TIFF"), ["transparent"]),
    "clear.gif": (saved(image("P"), "GIF", transparency=int(np.asarray(image("P"))[0, 0])),
                  ["transparent"]),
    "palette.png": (saved(image("P"), "PNG"), None),
    "palette.gif": (saved(image("P"), "GIF"), None),
    "palette_clear.png": (palette(int(np.asarray(image("P"))[0, 0])), ["transparent"]),
    "palette_unused_clear.png": (palette(255), None),
    "cmyk.jpg": (saved(image("CMYK"), "JPEG"), ["CMYK"]),
    "cmyk.tif": (saved(image("CMYK"), "TIFF"), ["CMYK"]),
    "lab.tif": (saved(Image.fromarray(RGB, "LAB"), "TIFF"), ["LAB"]),
    "float.tif": (saved(Image.fromarray(GREY.astype(np.float32)), "TIFF"), ["kind"]),
    "int32.tif": (saved(Image.fromarray(GREY.astype(np.int32)), "TIFF"), ["range"]),
    "ycbcr.tif": (saved(image("YCbCr"), "TIFF"), None),
    "animated.gif": (frames("GIF"), ["several pictures"]),
    "animated.png": (frames("PNG"), ["several pictures"]),
    "animated.webp": (frames("WEBP", lossless=True), ["several pictures"]),
    "pages.tif": (frames("TIFF"), ["several pictures"]),
    "one_frame.gif": (frames("GIF", 1), None),
    "one_page.tif": (frames("TIFF", 1), WHOLE),
    "dot.png": (saved(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG"), 6),
    "line.png": (saved(Image.new("RGB", (5000, 1), (1, 2, 3)), "PNG"), 30000),
    "column.png": (saved(Image.new("RGB", (1, 5000), (1, 2, 3)), "PNG"), 30000),
    "png_as.jpg": (saved(image(), "PNG"), WHOLE),
    "jpg_as.png": (saved(Image.new("RGB", (8, 8), (9, 9, 9)), "JPEG"), 8 * 8 * 27),
    "UPPER.PNG": (saved(image(), "PNG"), WHOLE),
    "no_suffix": (saved(image(), "PNG"), WHOLE),
    "icc.png": (saved(image(), "PNG", icc_profile=profile("sRGB")), WHOLE),
    "icc_broken.png": (saved(image(), "PNG", icc_profile=b"no profile"), WHOLE),
    "lab_profile.tif": (saved(image(), "TIFF", icc_profile=profile("LAB")), WHOLE),
    "rgb16.png": (png(1, 1, 16, 2, b"\0" + b"\x10\xff\x20\xff\x30\xff"), 0x10 + 0x20 + 0x30),
    "rgba16.png": (png(1, 1, 16, 6, b"\0" + b"\x10\0\x20\0\x30\0\xff\xff"), 0x60),
    "rgba16_clear.png": (png(1, 1, 16, 6, b"\0" + b"\x10\0\x20\0\x30\0\0\0"), ["transparent"]),
    "key16.png": (png(1, 1, 16, 2, b"\0" + b"\x10\xff\x20\xff\x30\xff",
                      chunk(b"tRNS", b"\x10\xff\x20\xff\x30\xff")), ["transparent"]),
    "zero_width.png": (png(0, 1, 8, 2, b"\0"), NO_PICTURE),
    "huge.png": (png(50000, 50000, 8, 2, b"\0"), NO_PICTURE),
    "endless.png": (png(2**31 - 1, 2**31 - 1, 8, 0, b"\0"), NO_PICTURE),
    "few_rows.png": (png(8, 8, 8, 2, b"\0" * 25), NO_PICTURE),
    "wrong_checksum.png": (saved(image(), "PNG").replace(b"IDAT", b"IDAT", 1)[:-20] + bytes(20),
                           NO_PICTURE),
    "cut.png": (saved(image(), "PNG")[:60], NO_PICTURE),
    "cut.jpg": (turned(1)[:400], NO_PICTURE),
    "cut_late.jpg": (turned(1)[:-30], NO_PICTURE),
    "cut.tif": (saved(image(), "TIFF")[:100], NO_PICTURE),
    "cut.bmp": (saved(image(), "BMP")[:70], NO_PICTURE),
    "cut.gif": (saved(image("P"), "GIF")[:-20], NO_PICTURE),
    "cut.webp": (saved(image(), "WEBP")[:40], NO_PICTURE),
    "cut.ppm": (saved(image(), "PPM")[:40], NO_PICTURE),
    "huge.bmp": (b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 60000, 60000, 1, 24, 0,
                                     0, 0, 0, 0, 0), NO_PICTURE),
    "huge.ppm": (b"P6 100000 100000 255\n" + bytes(10), NO_PICTURE),
    "deep.ppm": (b"P6 1 1 65535\n" + bytes([0x10, 0xFF] * 3), None),
    "odd_maximum.ppm": (b"P6 1 1 100\n" + bytes([100] * 3), 3 * 255),
    "text.ppm": (b"P3 1 1 255\n1 2 3\n", 6),
    "float.pfm": (b"Pf\n1 1\n-1.0\n" + bytes(4), ["kind"]),
    "vector.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n", NO_PICTURE),
    "vector.svg": (b"<svg xmlns='http://www.w3.org/2000/svg' width='8' height='8'/>", NO_PICTURE),
    "page.png": (b"<!DOCTYPE html><html>", NO_PICTURE),
    "pointer.png": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize", NO_PICTURE),
    "empty.png": (b"", NO_PICTURE),
    "zeros.png": (bytes(999), NO_PICTURE),
    "icon.ico": (saved(image(), "ICO"), NO_PICTURE),
    "raw.dng": (saved(image(), "TIFF").replace(b"II*\0", b"IIU\0"), NO_PICTURE),
    "document.pdf": (b"%PDF-1.4\n", NO_PICTURE),
    "heic.jpg": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99), NO_PICTURE),
    "._rgb.png": (b"\0\5\x16\7\0\2\0\0Mac OS X" + bytes(99), NO_PICTURE),
    **{f"turned_{n}.jpg": (turned(n), None) for n in range(1, 9)},
    "turned_9.jpg": (turned(9), None),
    "turned_6.png": (turned(6, "PNG"), WHOLE),
    "turned_6.webp": (saved(image(), "WEBP", lossless=True), WHOLE),
    "int8.tif": (typed(saved(Image.fromarray(GREY), "TIFF"), 2), ["range"]),
    "int8_rgb.tif": (typed(saved(image(), "TIFF"), 2), NO_PICTURE),
    "int16.tif": (typed(saved(deep_grey(), "TIFF"), 2), ["range"]),
    "untyped.tif": (typed(saved(Image.fromarray(GREY), "TIFF"), 1), int(GREY.sum()) * 3),
    "pq.png": (coded(9, 16, 0, 1), ["16", "high dynamic range"]),
    "hlg.png": (coded(9, 18, 0, 1), ["18", "high dynamic range"]),
    "limited.png": (coded(1, 13, 0, 0), ["limited range"]),
    "no_rgb.png": (coded(1, 13, 1, 1), ["no RGB"]),
    "short_codes.png": (coded(1, 13), ["code points"]),
    "srgb_codes.png": (coded(1, 13, 0, 1), 6),
    "wide_codes.png": (coded(12, 13, 0, 1), 6),
    "pq_profile.png": (saved(image(), "PNG", icc_profile=PQ), ["high dynamic range"]),
    "pq_profile.jpg": (saved(image(), "JPEG", icc_profile=PQ), ["high dynamic range"]),
    "pq_profile.tif": (saved(image(), "TIFF", icc_profile=PQ), ["high dynamic range"]),
    "small_on_canvas.gif": (on_canvas(saved(image("P"), "GIF")), ["does not fill its canvas"]),
    "interlaced.gif": (saved(image("P"), "GIF", interlace=1), None),
    "index_beyond.png": (png(2, 1, 8, 3, b"\0\0\7", PLTE), ["no colour 7"]),
    "index_last.png": (png(2, 1, 8, 3, b"\0\0\1", PLTE), 21),
    "no_palette.png": (png(2, 1, 8, 3, b"\0\0\1"), NO_PICTURE),
    "two_bits_beyond.png": (png(4, 1, 2, 3, b"\0\x1b", PLTE), ["no colour 3"]),
    "index_beyond.bmp": (bmp(bytes([0, 1, 200, 255] * 2)), ["no colour 255"]),
    "index_last.bmp": (bmp(bytes([0, 1, 2, 3] * 2)), None),
    "other_part.png": (png(2, 1, 8, 2, b"\0" + bytes(6), chunk(b"ABCD", b"")), ["ABCD"]),
    "apple.png": (png(2, 1, 8, 2, b"\0" + bytes(6), chunk(b"CgBI", b"\x50\0\x20\2")), ["CgBI"]),
    "several.ppm": (b"P6 1 1 255\n\1\2\3P6 1 1 255\n\4\5\6", ["goes on behind"]),
    "several.pgm": (b"P5 2 1 255\n\1\2P5 2 1 255\n\1\2", ["goes on behind"]),
    "several16.pgm": (b"P5 1 1 65535\n\1\2P5 1 1 65535\n\1\2", ["goes on behind"]),
    "line_end.pgm": (b"P5 2 1 255\n\1\2\n", 9),
    "ten_bit.pgm": (b"P5 1 1 1023\n\x03\xff", 3 * 255),
    "comment.pgm": (b"P5\n# c\n2 1\n255\n\1\2", 9),
    "beyond_maximum.ppm": (b"P3 1 1 255\n1 2 300\n", NO_PICTURE),
    "portable_map.pam": (b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nENDHDR\n\1\2\3", NO_PICTURE),
    "big.tif": (saved(image(), "TIFF", big_tiff=True), WHOLE),
    "packbits.tif": (saved(image(), "TIFF", compression="packbits"), WHOLE),
    "rgb_samples.jpg": (saved(image(), "JPEG", quality=100, subsampling=0, keep_rgb=True), None),
    "wrong_filter.png": (png(2, 1, 8, 2, b"\x09" + bytes(6)), NO_PICTURE),
    "two_bits.png": (png(4, 1, 2, 0, b"\0\x1b"), (0 + 85 + 170 + 255) * 3),
    "linear_gamma.png": (png(1, 1, 8, 2, b"\0\1\2\3", chunk(b"gAMA", b"\0\1\x86\xa0")), 6),
    "pq_profile.webp": (saved(image(), "WEBP", icc_profile=PQ), ["high dynamic range"]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TRIES)
def test_a_picture(tmp_path, meet, name):
    content, said = TRIES[name]
    path = tmp_path / name
    path.write_bytes(content)
    if said is None:  # samples as Pillow stores them, without turning
        said = int(np.asarray(Image.open(path).convert("RGB")).astype(int).sum())
    meet(lambda: int(read_picture(path).astype(int).sum()), said)


@pytest.mark.parametrize("number", range(2, 9))
def test_an_orientation_is_kept_beside_the_samples(tmp_path, meet, number):
    path = tmp_path / "a.jpg"
    path.write_bytes(turned(number))

    def kept():
        exif = Image.Exif()
        exif.load(display_tags(path)["exif"])
        return [*picture_size(path), exif[0x0112]]

    meet(kept, (8, 6, number))


ORIENTED = {
    "jpg": lambda n: turned(n),
    "png": lambda n: turned(n, "PNG"),
    "webp": lambda n: saved(image(), "WEBP", lossless=True, exif=exif_of(n)),
    "tif": lambda n: saved(image(), "TIFF", tiffinfo={0x0112: n}),
    "lzw.tif": lambda n: saved(image(), "TIFF", tiffinfo={0x0112: n}, compression="tiff_lzw"),
    "late.png": lambda n: saved(image(), "PNG").replace(
        chunk(b"IEND", b""), chunk(b"eXIf", exif_of(n)[6:]) + chunk(b"IEND", b"")
    ),
    "grey.tif": lambda n: saved(Image.fromarray(GREY), "TIFF", tiffinfo={0x0112: n}),
    "grey16.tif": lambda n: saved(deep_grey(), "TIFF", tiffinfo={0x0112: n}),
}


@pytest.mark.parametrize("number", range(1, 9))
@pytest.mark.parametrize("kind", ORIENTED)
def test_samples_stay_as_they_are_stored_in_every_format(tmp_path, meet, kind, number):
    """The rule of the suite; only the tag beside them says how they are shown."""
    path = tmp_path / f"a.{kind}"
    path.write_bytes(ORIENTED[kind](number))
    stored = np.repeat(GREY[..., None], 3, axis=2) if "grey" in kind else RGB
    wanted = [*stored.shape[:2], number]

    def kept():
        exif = Image.Exif()
        exif.load(display_tags(path).get("exif"))
        picture, (width, height) = read_picture(path), picture_size(path)
        assert picture.shape[:2] == (height, width) == read_luma(path).shape
        if kind != "jpg":
            assert (picture == stored).all()
        return [height, width, exif.get(0x0112, 1)]

    meet(kept, tuple(wanted))


LUMA = {
    "grey.png": (saved(Image.fromarray(GREY), "PNG"), float(GREY[2, 2])),
    "grey16.png": (saved(deep_grey(), "PNG"), float(GREY[2, 2])),
    "black.png": (saved(Image.new("RGB", (4, 4)), "PNG"), 16.0),
    "white.png": (saved(Image.new("RGB", (4, 4), (255,) * 3), "PNG"), 235.0),
    "white.jpg": (saved(Image.new("RGB", (4, 4), (255,) * 3), "JPEG"), 235.0),
    "clear.png": (saved(with_alpha(0), "PNG"), ["transparent"]),
    "int32.tif": (saved(Image.fromarray(GREY.astype(np.int32)), "TIFF"), ["range"]),
    "signed.tif": (saved(Image.fromarray(GREY.astype(np.int32) - 9), "TIFF"), ["range"]),
    "cut.png": (saved(image(), "PNG")[:60], NO_PICTURE),
}


@pytest.mark.parametrize("name", LUMA)
def test_luma(tmp_path, meet, name):
    content, said = LUMA[name]
    path = tmp_path / name
    path.write_bytes(content)
    meet(lambda: float(read_luma(path)[2, 2]), said)


FOLDERS = {
    "good": (["b.png", "a.jpg"], ("a", "b")),
    "mac": (["a.png", "._a.png", ".DS_Store"], ("a",)),
    "windows": (["a.png", "Thumbs.db", "desktop.ini"], ("a",)),
    "capitals": (["A.PNG"], ("A",)),
    "same_name": (["a.png", "a.jpg"], ["two pictures"]),
    "same_name_in_capitals": (["a.png", "A.png"], ["two pictures"]),
    "text_beside": (["a.png", "readme.txt"], ("a",)),
    "hidden": ([".a.png"], ["no pictures"]),
    "none": ([], ["no pictures"]),
    "folder_of_that_name": (["a.png/"], ["no pictures"]),
    "deep": (["more/a.png"], ["no pictures"]),
    "partly_fetched": (["a.png", "b.png.part", "c.png.crdownload"], ("a",)),
    "copy": (["a.png", "a (1).png"], ("a (1)", "a")),
    "unicode": (["ä.png", "日本.png"], ("ä", "日本")),
    "two_spellings": (["\u00e9.png", "e\u0301.png"], ["two pictures"]),
    "formula": (["=1+1.png"], ["no name for a table"]),
    "line_end": (["a\nb.png"], ["no name for a table"]),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_pictures(tmp_path, meet, name):
    files, expected = FOLDERS[name]
    for file in files:
        path = tmp_path / "pictures" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.endswith("/"):
            path.mkdir()
        else:
            path.write_bytes(b"x")
    (tmp_path / "pictures").mkdir(exist_ok=True)
    meet(lambda: tuple(picture_files(tmp_path / "pictures")), expected)


COMMAND = {
    "no_such_file": ({"picture": "no.png"}, ["not there"]),
    "folder": ({"picture": "."}, ["not there"]),
    "blank": ({"picture": "  "}, ["no file is named"]),
    "open_quote": ({"picture": "'a.png"}, ["quote"]),
    "pattern": ({"picture": "*.png"}, ["not there"]),
    "other_method": ({"picture": "good.png", "method": "nobody"}, ["nobody"]),
    "other_data": ({"picture": "good.png", "data": "nobody"}, ["nobody"]),
    "other_split": ({"picture": "good.png", "split": "fold99"}, ["fold99"]),
    "other_seed": ({"picture": "good.png", "seed": 99}, ["99"]),
    "out_of_another_kind": ({"picture": "good.png", "out": "a.png"}, [".jpg"]),
    "out_a_folder": ({"picture": "good.png", "out": "."}, [".jpg"]),
    "untrained": ({"picture": "good.png"}, ["not trained"]),
    "clear": ({"picture": "clear.png"}, ["transparent"]),
    "cut": ({"picture": "cut.png"}, ["cannot be read"]),
    "no_configuration": ({"picture": "good.png", "configfile": "no.yaml"}, ["no.yaml"]),
    "configuration_of_text": ({"picture": "good.png", "configfile": "good.png"}, ["UTF-8"]),
}


@pytest.mark.parametrize("name", COMMAND)
def test_choose_quality(tmp_path, monkeypatch, meet, repository, name):
    from pathlib import Path

    from commands import choose_quality

    given, said = COMMAND[name]
    monkeypatch.chdir(tmp_path)
    config = repository / "config/config.yaml"
    (tmp_path / "mine.yaml").write_text(config.read_text())
    for file, key in (("good.png", "rgb.png"), ("clear.png", "clear.png"), ("cut.png", "cut.png")):
        (tmp_path / file).write_bytes(TRIES[key][0])
    options = {"method": None, "data": None, "split": None, "seed": None, "out": None,
               "configfile": Path("mine.yaml")} | given  # fmt: skip
    options = {k: Path(v) if k in ("out", "configfile") and v else v for k, v in options.items()}
    meet(lambda: choose_quality.main(Namespace(**options)), said)
