"""Still codecs, their store and the reading of pictures: real encoders, files of every odd kind."""

from __future__ import annotations

import io
import os
import stat
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from jndlab.codecs.stills.base import StillCodec, get_still_codec
from jndlab.codecs.stills.store import StillStore
from jndlab.datasets.pictures.packaged import packaged_file
from jndlab.errors import UserError
from jndlab.media.ffmpeg import ToolError
from jndlab.media.pictures import picture_sha256, read_picture

JPEG = get_still_codec("jpeg")
HEVC = get_still_codec("hevc_intra", preset="ultrafast")


@pytest.fixture(scope="module")
def picture():
    """A face with hair, 96 x 128."""
    return np.ascontiguousarray(
        read_picture(packaged_file("skimage:data/astronaut.png"))[60:156, 160:288]
    )


def error_of(decoded, picture) -> float:
    return float(((decoded.astype(float) - picture) ** 2).mean())


@pytest.mark.parametrize("codec", [JPEG, HEVC], ids=["jpeg", "hevc_intra"])
class TestCodecs:
    def test_better_qualities_cost_more_and_err_less(self, codec, picture):
        few = codec.qualities[:: len(codec.qualities) // 6]
        coded = codec.encode_many(picture, few)
        errors = [error_of(one, picture) for one in codec.decode_many(coded)]
        sizes = [len(data) for data in coded]
        assert sizes == sorted(sizes) and errors == sorted(errors, reverse=True)
        assert len(set(sizes)) == len(set(errors)) == len(few)
        assert codec.worse_to_better == (codec.name == "jpeg")

    def test_many_at_once_are_the_same_bytes_and_pictures_as_each_alone(self, codec, picture):
        some = codec.qualities[20:40:2]  # more than hevc_intra codes in one process
        coded = codec.encode_many(picture, some)
        assert coded == [codec.encode(picture, quality) for quality in some]
        for data, decoded in zip(coded, codec.decode_many(coded), strict=True):
            assert (codec.decode(data) == decoded).all() and decoded.shape == picture.shape
            assert decoded.dtype == np.uint8

    def test_the_recipe_names_versions_and_differs_by_quality(self, codec):
        recipes = [codec.recipe(quality) for quality in codec.qualities[:2]]
        assert recipes[0] != recipes[1] and recipes[0]["codec"] == codec.name
        assert {"libjpeg_turbo", "x265"} & set(recipes[0])
        assert None not in recipes[0].values()

    @pytest.mark.parametrize("quality", [-1, 101, 30.5])
    def test_qualities_that_there_are_not(self, codec, picture, quality):
        with pytest.raises(UserError, match=f"has no quality {quality}"):
            codec.encode(picture, quality)

    def test_arrays_that_are_no_pictures(self, codec, picture):
        for array in (picture[..., 0], picture.astype(float), picture[:0], picture[..., :2]):
            with pytest.raises(UserError, match="H x W x 3 of uint8"):
                codec.encode(array, 30)

    def test_foreign_data(self, codec, picture):
        for wrong in (b"no picture" * 9, b""):
            with pytest.raises(UserError):
                codec.decode(wrong)


def test_a_cut_jpeg_is_an_error(picture):
    data = JPEG.encode(picture, 50)
    with pytest.raises(UserError, match="no whole JPEG picture"):
        JPEG.decode(data[: len(data) // 2])


def test_jpeg_is_baseline_420_of_the_stated_quality(picture):
    for quality in (1, 50, 100):
        with Image.open(io.BytesIO(JPEG.encode(picture, quality))) as coded:
            assert [layer[1:3] for layer in coded.layer] == [(2, 2), (1, 1), (1, 1)]
            assert "progressive" not in coded.info and "icc_profile" not in coded.info
            first = coded.quantization[0][0]
            assert first == {1: 255, 50: 16, 100: 1}[quality]  # ITU-T T.81, table K.1, scaled
    full = get_still_codec("jpeg", subsampling="4:4:4")
    assert full.recipe(50) != JPEG.recipe(50)
    assert error_of(full.decode(full.encode(picture, 95)), picture) < 0.8 * error_of(
        JPEG.decode(JPEG.encode(picture, 95)), picture
    )
    with pytest.raises(UserError, match="4:4:4 or 4:2:2 or 4:2:0"):
        get_still_codec("jpeg", subsampling="4:1:1")


@pytest.mark.parametrize("source", ["Quiz_SRC01", "Quiz_SRC02"])
def test_jpeg_against_the_levels_of_konjnd(shared_data, source):
    """Their level n has the quantisation tables of QF n, and within 1.5 % our size."""
    folder = shared_data / "konjnd1k"
    picture = read_picture(folder / f"{source}.png")
    for level in range(1, 101):
        path = folder / "jpeg" / f"{source}_JPEG_{level:03d}.jpg"
        ours = JPEG.encode(picture, level)
        with Image.open(path) as theirs, Image.open(io.BytesIO(ours)) as mine:
            assert theirs.quantization == mine.quantization and theirs.layer == mine.layer
        assert len(ours) / path.stat().st_size == pytest.approx(1, abs=0.015)


def test_hevc_intra_is_one_intra_picture_of_the_stated_colours(picture):
    assert error_of(HEVC.decode(HEVC.encode(picture, 0)), picture) < 12  # the loss of 4:2:0
    grey = np.repeat(picture[..., :1], 3, axis=2)
    assert error_of(HEVC.decode(HEVC.encode(grey, 0)), grey) < 1  # full range: no loss of levels
    with pytest.raises(UserError, match="an even width and height"):
        HEVC.encode(picture[:, :-1], 30)
    with pytest.raises(UserError, match="of 16 at least"):
        HEVC.encode(picture[:8, :8], 30)


def test_unknown_names_and_options():
    with pytest.raises(UserError, match="expected: jpeg, hevc_intra, bpg"):
        get_still_codec("webp")
    with pytest.raises(UserError, match="unknown preset 'best'"):
        get_still_codec("hevc_intra", preset="best")


# A stand-in for libbpg's two tools with the same command line: a header, the arguments, a JPEG.
STAND_IN = """
import io, sys
from pathlib import Path
from PIL import Image
args = sys.argv[1:]
target, source = Path(args[args.index("-o") + 1]) if "-o" in args else None, Path(args[-1])
if "{name}" == "bpgenc":
    if "-h" in args:
        print("BPG Image Encoder version 0.9.8")
        sys.exit(1)
    jpeg = io.BytesIO()
    Image.open(source).save(jpeg, "JPEG", quality=100 - int(args[args.index("-q") + 1]))
    target.write_bytes(b"BPG" + " ".join(args[:-3]).encode() + b"|" + jpeg.getvalue())
else:
    header, _, jpeg = source.read_bytes().partition(b"|")
    if not header.startswith(b"BPG"):
        sys.exit("Could not decode image")
    Image.open(io.BytesIO(jpeg)).save(target)
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("bpgenc", "bpgdec"):
        (folder / f"{name}.py").write_text(STAND_IN.format(name=name))
        path = folder / name  # no Python by `#!`: its path may have a space
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{path}.py" "$@"\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


class TestBpg:
    def test_absent_tools_are_reported_with_what_to_do(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PATH", str(tmp_path))
        with pytest.raises(UserError, match=r"(?s)'bpgenc' is not on the PATH.*hevc_intra"):
            get_still_codec("bpg")

    def test_the_command_line_and_the_way_back(self, stand_in, picture):
        codec = get_still_codec("bpg")
        data = codec.encode(picture, 29)
        assert data.startswith(b"BPG-b 8 -f 420 -c ycbcr -m 8 -q 29|")
        assert codec.decode(data).shape == picture.shape
        assert codec.recipe(29)["version"] == "0.9.8" and not codec.worse_to_better
        assert (codec.qualities[0], codec.qualities[-1]) == (51, 0)
        with pytest.raises(ToolError, match="Could not decode image"):
            codec.decode(b"no picture")

    def test_an_encoder_that_writes_nothing(self, stand_in, picture):
        (stand_in / "bpgenc").write_text("#!/bin/sh\nexit 0\n")
        with pytest.raises(UserError, match="bpgenc wrote no picture"):
            get_still_codec("bpg").encode(picture, 29)


class Counting(StillCodec):
    """JPEG that counts what it is asked to code."""

    name, suffix, qualities = "counting", ".jpg", JPEG.qualities

    def __init__(self) -> None:
        self.coded: list[int] = []

    def recipe(self, quality):
        return JPEG.recipe(quality)

    def encode(self, picture, quality):
        self.coded.append(quality)
        return JPEG.encode(picture, quality)

    def decode(self, data):
        return JPEG.decode(data)


class TestStore:
    def test_every_quality_is_coded_once(self, tmp_path, picture):
        codec, store = Counting(), StillStore(tmp_path)
        first = list(store.sweep(codec, picture, range(40, 60)))
        again = list(StillStore(tmp_path).sweep(codec, picture, range(40, 60)))
        assert codec.coded == list(range(40, 60))
        for one, two in zip(first, again, strict=True):
            assert (one.quality, one.size, one.path) == (two.quality, two.size, two.path)
            assert (one.picture == two.picture).all() and one.size == one.path.stat().st_size
            assert (one.picture == JPEG.decode(JPEG.encode(picture, one.quality))).all()
        assert store.sizes(codec, picture, [50, 41]) == {50: first[10].size, 41: first[1].size}
        assert store.get(codec, picture, np.int64(45)).size == first[5].size
        assert len(codec.coded) == 20

    def test_another_picture_or_recipe_is_another_file(self, tmp_path, picture, monkeypatch):
        codec, store = Counting(), StillStore(tmp_path)
        one = store.get(codec, picture, 50)
        other = picture.copy()
        other[0, 0, 0] ^= 1
        assert store.get(codec, other, 50).path.parent != one.path.parent
        recipe = {**JPEG.recipe(50), "libjpeg_turbo": "0.0"}
        monkeypatch.setattr(codec, "recipe", lambda quality: recipe)
        assert store.get(codec, picture, 50).path != one.path
        assert codec.coded == [50, 50, 50]

    @pytest.mark.parametrize("damage", ["cut", "changed", "empty", "exchanged"])
    def test_a_broken_file_is_coded_again(self, tmp_path, picture, damage):
        codec, store = Counting(), StillStore(tmp_path)
        whole = store.get(codec, picture, 50)
        data = whole.path.read_bytes()
        wrong = {"cut": data[:-1], "changed": data[:-9] + b"\0" + data[-8:], "empty": b"",
                 "exchanged": JPEG.encode(picture, 10)}[damage]  # fmt: skip
        whole.path.write_bytes(wrong)
        mended = store.get(codec, picture, 50)
        assert codec.coded == [50, 50] and whole.path.read_bytes() == data
        assert mended.size == len(data) and (mended.picture == whole.picture).all()
        assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1

    def test_a_failed_encode_leaves_nothing(self, tmp_path, picture, monkeypatch):
        codec, store = Counting(), StillStore(tmp_path)
        monkeypatch.setattr(codec, "encode", lambda *_: (_ for _ in ()).throw(UserError("no")))
        with pytest.raises(UserError, match="no"):
            store.get(codec, picture, 50)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]

    def test_all_qualities_worst_first_unless_named(self, tmp_path, picture):
        sizes = StillStore(tmp_path).sizes(JPEG, picture[:32, :32])
        assert list(sizes) == list(range(1, 101)) and sizes[1] < sizes[100]
        with pytest.raises(UserError, match="has no quality 0"):
            StillStore(tmp_path).get(JPEG, picture, 0)

    def test_hevc_is_coded_in_groups_and_read_back(self, tmp_path, picture):
        store = StillStore(tmp_path)
        first = [(one.quality, one.size) for one in store.sweep(HEVC, picture, [40, 30, 35])]
        assert [quality for quality, _ in first] == [40, 30, 35]
        assert dict(first) == store.sizes(HEVC, picture, [30, 35, 40])
        assert first[1][1] == len(HEVC.encode(picture, 30))


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 100), st.integers(0, 2**32 - 1))
def test_jpeg_takes_every_size(width, height, quality, seed):
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    coded = JPEG.encode(noise, quality)
    assert JPEG.decode(coded).shape == noise.shape and coded == JPEG.encode(noise, quality)


def test_the_hash_of_a_picture_names_pixels_and_size(picture):
    assert picture_sha256(picture) == picture_sha256(np.asfortranarray(picture))
    assert picture_sha256(picture) == picture_sha256(picture[::-1][::-1])
    turned = np.ascontiguousarray(picture).reshape(128, 96, 3)
    assert picture_sha256(picture) != picture_sha256(turned)


class TestReadPicture:
    @pytest.fixture
    def path(self, tmp_path):
        return tmp_path / "picture.png"

    def test_progressive_jpeg_like_any_other(self, picture, tmp_path):
        for name, progressive in (("a.jpg", False), ("b.jpg", True)):
            Image.fromarray(picture).save(tmp_path / name, quality=90, progressive=progressive)
        read = read_picture(tmp_path / "b.jpg")
        assert (read == read_picture(tmp_path / "a.jpg")).all()
        assert read.dtype == np.uint8 and read.shape == picture.shape

    @pytest.mark.parametrize("kind", ["grey", "one bit", "palette", "opaque"])
    def test_kinds_that_become_rgb(self, picture, path, kind):
        source = Image.fromarray(picture)
        made = {
            "grey": source.convert("L"),
            "one bit": source.convert("1"),
            "palette": source.quantize(16),
            "opaque": source.convert("RGBA"),
        }[kind]
        made.save(path)
        assert (read_picture(path) == np.asarray(made.convert("RGB"))).all()

    def test_grey_of_16_bit_is_rounded_to_8(self, path):
        samples = np.array([[0, 128, 129], [65535, 32768, 257]], np.uint16)
        Image.fromarray(samples).save(path)
        read = read_picture(path)
        assert read[..., 0].tolist() == [[0, 0, 1], [255, 128, 1]]
        assert (read == read[..., :1]).all()

    @pytest.mark.parametrize("kind, message", [("CMYK", "kind CMYK"), ("LAB", "kind LAB"),
                                            ("F", "kind F")])  # fmt: skip
    def test_colours_that_only_a_profile_defines(self, picture, tmp_path, kind, message):
        made = {
            "CMYK": Image.fromarray(picture).convert("CMYK"),
            "LAB": Image.merge("LAB", Image.fromarray(picture).split()),
            "F": Image.fromarray(picture).convert("L").convert("F"),
        }[kind]
        path = tmp_path / ("a.jpg" if kind == "CMYK" else "a.tif")
        made.save(path)
        with pytest.raises(UserError, match=rf"(?s){message}.*{path.name}.*convert it to RGB"):
            read_picture(path)

    def test_transparent_parts(self, picture, path):
        made = Image.fromarray(picture).convert("RGBA")
        made.putpixel((3, 4), (1, 2, 3, 254))
        made.save(path)
        with pytest.raises(UserError, match="transparent parts"):
            read_picture(path)

    @pytest.mark.parametrize("kind", ["cut", "text", "empty", "absent", "folder"])
    def test_files_that_hold_no_picture(self, picture, tmp_path, kind):
        path = tmp_path / "a.jpg"
        Image.fromarray(picture).save(path)
        data = path.read_bytes()
        path.unlink()
        if kind == "folder":
            path.mkdir()
        elif kind != "absent":
            path.write_bytes({"cut": data[: len(data) // 2], "text": b"hello", "empty": b""}[kind])
        with pytest.raises(UserError, match=r"a\.jpg"):
            read_picture(path)

    def test_too_small_a_picture(self, picture, path):
        Image.fromarray(picture).save(path)
        assert read_picture(path, smallest=(128, 96)).shape == (96, 128, 3)
        with pytest.raises(UserError, match="128x128 at least, found 128x96"):
            read_picture(path, smallest=(128, 128))
