"""The one reader of picture files: every kind that has one meaning is read, any other is named."""

from __future__ import annotations

import argparse
import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

import commands.choose_quality as choose_quality
from jndlab.codecs.stills.base import get_still_codec
from jndlab.errors import UserError
from jndlab.media.ffmpeg import ToolError, run
from jndlab.media.pictures import display_tags, picture_size, read_luma, read_picture

GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)
RGB = np.stack([GREY, GREY.T, GREY[::-1]], axis=2)


def saved(path: Path, pixels: np.ndarray | Image.Image, **options) -> Path:
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("samples", [
    GREY.astype(np.int32), GREY.astype(np.float32), GREY.astype(np.int32) * 257,
])  # fmt: skip
def test_samples_without_an_agreed_range_are_refused(tmp_path, samples):
    path = saved(tmp_path / "a.tif", samples)
    for read in (read_picture, read_luma):
        with pytest.raises(UserError, match=r"a\.tif(.|\n)*8 or 16 bit"):
            read(path)


def test_16_bit_grey_of_tiff_and_png_is_one_picture(tmp_path):
    deep = GREY.astype(np.uint16) * 257
    for path in (saved(tmp_path / "a.tif", deep), saved(tmp_path / "a.png", deep)):
        assert (read_picture(path) == GREY[..., None]).all()
        assert np.allclose(read_luma(path), GREY)


@pytest.mark.parametrize("mode, key", [
    ("L", 7), ("RGB", tuple(RGB[3, 4].tolist())), ("I;16", 7 * 257), ("P", 7),
])  # fmt: skip
def test_a_transparent_colour_is_refused_where_it_occurs(tmp_path, mode, key):
    picture = {
        "L": Image.fromarray(GREY),
        "P": Image.fromarray(GREY).convert("P"),
        "RGB": Image.fromarray(RGB),
        "I;16": Image.fromarray(GREY.astype(np.uint16) * 257),
    }[mode]
    path = saved(tmp_path / "a.png", picture, transparency=key)
    for read in (read_picture, read_luma):
        with pytest.raises(UserError, match="transparent parts"):
            read(path)
    unused = {"L": 300, "P": None, "RGB": (0, 255, 1), "I;16": 1}[mode]
    if unused is not None:
        assert read_picture(saved(path, picture, transparency=unused)).shape == (16, 16, 3)


def test_hidden_colours_do_not_come_through(tmp_path):
    alpha = np.full((16, 16, 1), 255, np.uint8)
    alpha[2, 3] = 0
    for suffix in ("png", "webp", "tif"):
        path = saved(tmp_path / f"a.{suffix}", np.concatenate([RGB, alpha], axis=2))
        for read in (read_picture, read_luma):
            with pytest.raises(UserError, match="transparent parts"):
                read(path)


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_animations_and_pages_are_refused(tmp_path, suffix):
    frames = [Image.fromarray(RGB), Image.fromarray(RGB[::-1].copy())]
    path = saved(tmp_path / f"a.{suffix}", frames[0], save_all=True, append_images=frames[1:])
    with pytest.raises(UserError, match="several pictures"):
        read_picture(path)


@pytest.mark.parametrize("kind", ["EPS", "PDF", "ICO", "PCX", "TGA", "SGI"])
def test_other_formats_are_refused_whatever_their_name(tmp_path, kind, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", None)  # nothing is started, Ghostscript least
    saved(tmp_path / "a", RGB, format=kind)
    path = (tmp_path / "a").rename(tmp_path / "a.png")
    with pytest.raises(UserError, match="cannot be read"):
        read_picture(path)


def test_a_small_file_that_claims_to_be_huge_is_refused(tmp_path):
    data = bytearray(saved(tmp_path / "a.bmp", RGB).read_bytes())
    data[18:26] = (50_000).to_bytes(4, "little") * 2
    (tmp_path / "a.bmp").write_bytes(data)
    for read in (read_picture, picture_size):
        with pytest.raises(UserError, match=r"a\.bmp"):
            read(tmp_path / "a.bmp")


def test_how_a_picture_is_shown_is_no_part_of_its_samples(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = saved(tmp_path / "a.png", RGB, exif=exif, icc_profile=profile)
    assert np.array_equal(read_picture(path), RGB)
    tags = display_tags(path)
    assert tags["icc_profile"] == profile and set(tags) == {"exif", "icc_profile"}
    assert display_tags(saved(tmp_path / "b.png", RGB)) == {}


@pytest.mark.parametrize("length", [500, 65519, 65520, 200_000])
def test_a_tagged_jpeg_has_the_same_samples(length):
    codec = get_still_codec("jpeg")
    plain = codec.encode(RGB, 70)
    profile = np.random.default_rng(1).bytes(length)
    exif = Image.Exif()
    exif[0x0112] = 8
    tagged = codec.tagged(plain, exif=exif.tobytes(), icc_profile=profile)
    assert codec.tagged(plain) == plain
    assert np.array_equal(codec.decode(tagged), codec.decode(plain))
    with Image.open(io.BytesIO(tagged)) as picture:
        assert picture.getexif()[0x0112] == 8 and picture.info["icc_profile"] == profile


def test_choose_quality_keeps_orientation_and_profile(tmp_path, monkeypatch):
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "camera"
    source = saved(tmp_path / "in.jpg", RGB[:, :12].copy(), exif=exif, icc_profile=b"a profile")
    codec = get_still_codec("jpeg")

    class Fixed:
        def choose(self, picture):
            from jndlab.jnd.quality_choice import QualityDecision

            return QualityDecision(60, 100, 200)

    data = {"d": {"codec": "jpeg", "split": {}}}
    config = {"results_dir": str(tmp_path), "vp_jnd": {"data": data, "seeds": [0]},
              "methods": {"m": {"class": "x:Y", "options": {}}}}  # fmt: skip
    settings = argparse.Namespace(config=config, methods_of=lambda kind: ["m"])
    for name, value in {
        "load_mapping": lambda path: {}, "load_settings": lambda *_: settings,
        "split_names": lambda split: ["s"], "load_choice": lambda *_: Fixed(),
    }.items():  # fmt: skip
        monkeypatch.setattr(choose_quality, name, value)
    asked = argparse.Namespace(picture=source, configfile="c", method=None, data=None, split=None,
                               seed=None, out=tmp_path / "out.jpg")  # fmt: skip
    choose_quality.recommendation(asked)
    with Image.open(asked.out) as out, Image.open(source) as original:
        assert ImageOps.exif_transpose(out).size == ImageOps.exif_transpose(original).size
        assert out.info["icc_profile"] == b"a profile" and 0x010F not in out.getexif()
    assert np.array_equal(
        read_picture(asked.out), codec.decode(codec.encode(read_picture(source), 60))
    )


def test_pictures_are_opened_in_one_place(repository):
    """Else a second reader has other rules for alpha, depth, animation and size."""
    code = repository / "workflow_scripts"
    found = {path.relative_to(code).as_posix() for path in code.rglob("*.py")
             if re.search(r"\bImage\.open\(", path.read_text())}  # fmt: skip
    # Of bytes that the suite coded itself: codecs, and the standard tables of JPEG.
    assert found == {"jndlab/media/pictures.py", "jndlab/codecs/stills/base.py",
                     "jndlab/datasets/konjnd1k.py"}  # fmt: skip


def test_pngsuite_is_read_as_ffmpeg_reads_it(shared_data):
    """All 176 files: the broken ones and those with transparent parts are refused, others equal."""
    files = sorted((shared_data / "pngsuite").glob("*.png"))
    assert len(files) == 176
    refused = []
    for path in files:
        try:
            ours = read_picture(path)
        except UserError:
            ours = None
        try:
            raw = run(["-v", "error", "-xerror", "-err_detect", "crccheck+explode", "-i", str(path),
                       "-pix_fmt", "rgba", "-f", "rawvideo", "-"]).stdout  # fmt: skip
            theirs = np.frombuffer(raw, np.uint8).reshape(-1, 4)
        except ToolError:
            theirs = None
        if ours is None:
            refused.append(path.name)
            transparent = theirs is not None and theirs[:, 3].min() < 255
            assert theirs is None or transparent, path.name
        else:
            assert theirs is not None and theirs[:, 3].min() == 255, path.name
            # 16-bit samples: the upper 8 bits, rounded or not
            assert np.abs(ours.reshape(-1, 3).astype(int) - theirs[:, :3]).max() <= 1, path.name
    assert {name for name in refused if name.startswith("x")} == {
        path.name for path in files if path.name.startswith("x")
    }
