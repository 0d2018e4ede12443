"""Source pictures: packaged, folder and Vimeo-90K; their colour conversion; bad input."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from jndlab.datasets.pictures.crops import list_crops, load_crop
from jndlab.datasets.pictures.packaged import (
    PACKAGED_CLIPS,
    PACKAGED_PICTURES,
    find_packaged,
    packaged_file,
)
from jndlab.datasets.pictures.picture_list import read_list, write_list
from jndlab.errors import UserError
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat, planes_of, read_clip
from jndlab.media.decoding import count_pictures
from jndlab.media.pictures import frame_to_rgb, read_picture, rgb_to_frame


def random_rgb(width=96, height=64, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "pictures"
    path.mkdir()
    return path


def save(path, samples, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(samples).save(path, **options)
    return path


def test_packaged_pictures_are_there_and_apart():
    pictures = list_crops("packaged", crops_per_picture=3, frames_per_clip=2)
    names = [picture.name for picture in pictures]
    assert len(set(names)) == len(names) >= 30
    assert names[:2] == ["astronaut", "china"]
    first_second_crop = names.index("astronaut_1")
    assert not any("_" in name and name[-2:] in ("_1", "_2") for name in names[:first_second_crop])
    assert {(picture.width, picture.height) for picture in pictures} == {(448, 256)}
    areas = {}
    for picture in pictures:  # no sample is in two crops
        file = np.zeros((1500, 1500), bool)
        used = areas.setdefault((picture.origin, picture.frame), file)
        window = used[picture.top : picture.top + 256, picture.left : picture.left + 448]
        assert not window.any()
        window[:] = True
    assert pictures == list_crops("packaged", crops_per_picture=3, frames_per_clip=2)
    assert list_crops("packaged", limit=5) == list_crops("packaged")[:5]
    planes = load_crop(pictures[0])
    assert [plane.shape for plane in planes] == [(256, 448), (128, 224), (128, 224)]
    assert planes.y.min() >= 16 and planes.y.max() <= 235 and planes.y.std() > 20


def test_photographs_are_taken_besides_packaged_pictures(folder):
    for place in range(5):
        save(folder / f"photo{place}.png", random_rgb(512, 300, place))
    packaged = list_crops("packaged")
    pictures = list_crops("packaged", folder)
    assert pictures[: len(packaged)] == packaged
    assert [one.source for one in pictures[len(packaged) :]] == [f"photo{n}" for n in range(5)]
    assert load_crop(pictures[-1], folder).y.shape == (256, 448)
    some = list_crops("packaged", folder, most=2)[len(packaged) :]
    assert len(some) == 2 and {one.source for one in some} < {f"photo{n}" for n in range(5)}
    found = list(find_packaged(None, (160, 96), 2, 1, folder=folder, most=1))
    assert len([one for one in found if one.source.startswith("photo")]) == 2
    assert {one.source for one in found} > {*PACKAGED_PICTURES, *PACKAGED_CLIPS}
    (chosen,) = find_packaged(["photo4"], (160, 96), 1, 1, folder=folder)
    assert chosen.origin == "photo4.png" and chosen.rgb.shape == (300, 512, 3)


def test_a_photograph_may_not_bear_the_name_of_a_packaged_picture(folder):
    save(folder / "chelsea.jpg", random_rgb(512, 300))
    with pytest.raises(UserError, match="a photograph is called 'chelsea'"):
        list_crops("packaged", folder)


def test_frames_of_packaged_clips_are_the_decoders_own():
    origin, width, height = PACKAGED_CLIPS["bikes"]
    clip = ClipFormat(width, height, Fraction(25), count_pictures(packaged_file(origin))[1])
    decoded = list(read_clip(packaged_file(origin), clip))  # raises for another count of frames
    for picture in list_crops("packaged", frames_per_clip=3)[-6:]:
        if picture.origin == origin:
            found, whole = load_crop(picture), decoded[picture.frame]
            top, left = picture.top, picture.left
            assert (found.y == whole.y[top : top + 256, left : left + 448]).all()
            assert (found.u == whole.u[top // 2 :, left // 2 :][:128, :224]).all()


def test_colour_is_that_of_ffmpeg(tmp_path):
    rgb = read_picture(packaged_file("skimage:data/coffee.png"))[:256, :448]
    raw = tmp_path / "picture.rgb"
    raw.write_bytes(np.ascontiguousarray(rgb).tobytes())
    scale = "scale=out_color_matrix=bt601:out_range=tv:flags=area+accurate_rnd+full_chroma_inp"
    decoded = ffmpeg.run(["-f", "rawvideo", "-pix_fmt", "rgb24", "-video_size", "448x256",
                       "-i", str(raw), "-vf", scale, "-pix_fmt", "yuv420p",
                       "-f", "rawvideo", "-"]).stdout  # fmt: skip
    clip = ClipFormat(448, 256, Fraction(25), 1)
    for ours, theirs in zip(rgb_to_frame(rgb), planes_of(decoded, clip), strict=True):
        difference = np.abs(ours.astype(int) - theirs)
        assert difference.max() <= 1 and difference.mean() < 0.05


def test_colour_goes_there_and_back():
    flat = np.broadcast_to(np.array([200, 90, 40], np.uint8), (16, 16, 3))
    frame = rgb_to_frame(flat)
    assert np.abs(frame_to_rgb(frame).astype(int) - flat).max() <= 2
    raised = type(frame)(*(plane.astype(np.uint16) * 4 for plane in frame))
    stacked = type(frame)(*(np.stack([plane] * 3) for plane in raised))
    assert (frame_to_rgb(stacked, 10) == frame_to_rgb(frame)).all()
    assert rgb_to_frame(np.zeros((2, 2, 3), np.uint8)).y[0, 0] == 16
    assert rgb_to_frame(np.full((2, 2, 3), 255, np.uint8)).y[0, 0] == 235


def test_a_folder_of_all_kinds_of_pictures(folder):
    rgb = random_rgb()
    grey = rgb[..., 0]
    save(folder / "a.png", rgb)
    save(folder / "b.bmp", rgb)
    save(folder / "c.JPG", rgb, quality=95)
    save(folder / "d.png", grey)
    save(folder / "e.png", grey.astype(np.uint16) * 257)
    save(folder / "f.png", np.dstack([rgb, np.full(grey.shape, 255, np.uint8)]))
    (folder / "readme.txt").write_text("no picture")
    pictures = list_crops("folder", folder, crop=None)
    frames = {picture.name: load_crop(picture, folder) for picture in pictures}
    assert list(frames) == list("abcdef")
    for name in "bf":
        assert all((x == y).all() for x, y in zip(frames[name], frames["a"], strict=True))
    assert all((x == y).all() for x, y in zip(frames["d"], frames["e"], strict=True))
    assert (frames["d"].u == 128).all()
    assert (frames["d"].y == np.rint(16 + grey / 255 * 219)).all()
    assert np.abs(frames["c"].y.astype(int) - frames["a"].y).mean() < 5


def test_odd_sizes_lose_their_last_row_and_column(folder):
    rgb = random_rgb(97, 65)
    save(folder / "odd.png", rgb)
    (picture,) = list_crops("folder", folder, crop=None)
    assert (picture.width, picture.height) == (96, 64)
    assert (load_crop(picture, folder).y == rgb_to_frame(rgb[:64, :96]).y).all()


def test_the_list_survives_a_file_and_notices_a_changed_picture(folder, tmp_path):
    save(folder / "a.png", random_rgb())
    pictures = list_crops("folder", folder, crop=(64, 32)) + list_crops(
        "packaged", frames_per_clip=1
    )
    write_list(tmp_path / "list.csv", pictures)
    assert read_list(tmp_path / "list.csv") == pictures
    save(folder / "a.png", random_rgb(seed=1))
    with pytest.raises(UserError, match="not the one that was listed"):
        load_crop(pictures[0], folder)


def truncated(folder, name="cut.png"):
    path = save(folder / name, random_rgb())
    path.write_bytes(path.read_bytes()[:2000])


def float_picture(folder):
    save(folder / "float.tif", np.ones((64, 64), np.float32))


def two_damaged(folder):
    truncated(folder, "cut.png")
    (folder / "text.jpg").write_text("no picture at all")


def same_stem(folder):
    save(folder / "twin.png", random_rgb())
    save(folder / "twin.bmp", random_rgb())


def crop_named_like_a_file(folder):
    save(folder / "a.png", random_rgb())
    save(folder / "a_1.png", random_rgb())


def too_small(folder):
    save(folder / "ok.png", random_rgb())
    save(folder / "tiny.png", random_rgb(50, 64))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: None, ["holds no pictures", ".png"]),
        (lambda folder: folder.rmdir(), ["does not exist"]),
        (truncated, ["cannot be read", "cut.png", "take it out"]),
        (float_picture, ["colours of the kind F", "float.tif", "convert it"]),
        (two_damaged, ["2 pictures cannot be read", "cut.png", "text.jpg"]),
        (same_stem, ["two pictures are called 'twin'", "twin.bmp", "twin.png"]),
        (crop_named_like_a_file, ["'a_1'", "rename"]),
        (too_small, ["too small", "tiny.png", "64x32 at least", "found 50x64", "`crop`"]),
    ],
)
def test_bad_pictures_are_named_with_a_remedy(folder, make, words):
    make(folder)
    with pytest.raises(UserError) as raised:
        list_crops("folder", folder, crop=(64, 32), crops_per_picture=2)
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize("crop", [(65, 64), (0, 64), (448, 48)])
def test_a_crop_must_be_a_420_size_that_holds_a_patch(crop):
    with pytest.raises(UserError, match="invalid crop"):
        list_crops("packaged", crop=crop, patch=64)


def test_a_whole_picture_must_hold_a_patch(folder):
    save(folder / "wide.png", random_rgb(200, 63))
    with pytest.raises(UserError, match=r"wide\.png(.|\n)*64x64 at least, found 200x63"):
        list_crops("folder", folder, crop=None, patch=64)
    assert len(list_crops("folder", folder, crop=None, patch=32)) == 1


@pytest.fixture
def vimeo(tmp_path):
    """A miniature with the layout of the septuplet archive."""
    root = tmp_path / "vimeo_septuplet"
    clips = ["00001/0266", "00001/0268", "00002/0003", "00094/0014"]
    for place, clip in enumerate(clips):
        for frame in range(1, 8):
            save(root / "sequences" / clip / f"im{frame}.png", random_rgb(448, 256, 10 * place))
    (root / "sep_testlist.txt").write_text("\n".join(clips) + "\n\n")
    (root / "sep_trainlist.txt").write_text("00001/0001\n")
    return root


def test_vimeo90k_first_frames_of_the_test_list(vimeo):
    pictures = list_crops("vimeo90k", vimeo)
    assert [p.name for p in pictures] == ["00001_0266", "00001_0268", "00002_0003", "00094_0014"]
    assert pictures[0].origin == "sequences/00001/0266/im1.png"
    assert {(p.width, p.height, p.left, p.top) for p in pictures} == {(448, 256, 0, 0)}
    expected = rgb_to_frame(random_rgb(448, 256, 30))
    assert (load_crop(pictures[3], vimeo).y == expected.y).all()
    spread = list_crops("vimeo90k", vimeo, limit=2)
    assert [picture.name for picture in spread] == ["00001_0266", "00002_0003"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda root: (root / "sep_testlist.txt").unlink(), ["test clips is missing", "unpack"]),
        (lambda root: (root / "sep_testlist.txt").write_text("\n"), ["list of clips is empty"]),
        (
            lambda root: (root / "sep_testlist.txt").write_text("00001/0266\n1/2\n"),
            ["names no clip: '1/2'", "line 2", "00001/0266"],
        ),
        (
            lambda root: (root / "sequences/00002/0003/im1.png").unlink(),
            ["1 of 4 pictures", "00002/0003/im1.png", "check_data"],
        ),
    ],
)
def test_an_incomplete_vimeo90k_is_reported(vimeo, spoil, words):
    spoil(vimeo)
    with pytest.raises(UserError) as raised:
        list_crops("vimeo90k", vimeo)
    for word in words:
        assert word in str(raised.value)
