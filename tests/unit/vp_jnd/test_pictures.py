"""VP-JND's pictures, labels and splits: every source, and what is wrong with a file or a table."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest
from PIL import Image

from data.jnd_miniatures import konjnd1k, mcl_jci, picture
from jndlab.codecs.stills.base import JpegCodec
from jndlab.datasets.pictures.picture_list import (
    load_picture,
    read_list,
    write_list,
)
from jndlab.errors import UserError
from jndlab.media.pictures import picture_sha256
from jndlab.papers.vp_jnd.config import PictureChoice
from jndlab.papers.vp_jnd.labels import label_pictures, pw_jnds
from jndlab.papers.vp_jnd.pictures import still_codec_for, write_chosen
from jndlab.papers.vp_jnd.splits import make_splits, split_names

SUBJECTIVE = {"kind": "subjective", "statistic": "mean", "step": 4.64, "file": None}
FOLDS = {"kind": "grouped_folds", "folds": 3, "runs": None, "seed": 0}


@pytest.fixture
def folder(tmp_path):
    """Three pictures of one's own, one of them of an odd size."""
    (tmp_path / "own").mkdir()
    for number, size in enumerate([(64, 48), (67, 49), (64, 48)]):
        picture(*size, seed=number).save(tmp_path / "own" / f"p{number}.png")
    return tmp_path / "own"


def own(folder, **values) -> PictureChoice:
    return PictureChoice(source="folder", folder=folder, **values)


def test_a_folder_is_listed_and_read_back(folder, tmp_path):
    records = write_chosen(tmp_path / "out", own(folder), 32)
    write_list(tmp_path / "table.csv", records)
    assert read_list(tmp_path / "table.csv") == records
    assert [(r.name, r.width, r.height) for r in records] == [
        ("p0", 64, 48), ("p1", 66, 48), ("p2", 64, 48),
    ]  # fmt: skip
    rgb = load_picture(tmp_path / "out", records[1])
    assert np.array_equal(rgb, np.asarray(Image.open(folder / "p1.png"))[:48, :66])
    picture(66, 48, seed=9).save(tmp_path / "out" / "p1.png")
    with pytest.raises(UserError, match="not the one that was listed"):
        load_picture(tmp_path / "out", records[1])


def test_packaged_pictures_are_reduced_and_parts_keep_their_source(tmp_path):
    choice = PictureChoice(
        source="packaged",
        sources=["astronaut", "coffee", "camera"],
        size=[96, 64],
        crops_per_picture=2,
    )
    records = write_chosen(tmp_path, choice)
    assert [r.name for r in records[:2]] == ["astronaut_0", "astronaut_1"]
    assert {(r.width, r.height) for r in records} == {(96, 64)}
    split = make_splits(FOLDS, {r.name: r.source for r in records})[0]
    assert {len(names) for names in split.subsets.values()} == {2}
    for names in split.subsets.values():
        assert len({name.rsplit("_", 1)[0] for name in names}) == 1


def spoilt(kind: str, path) -> None:
    image = picture(64, 48)
    if kind == "cut":
        image.save(path)
        path.write_bytes(path.read_bytes()[:200])
    elif kind == "no picture":
        path.write_text("hello")
    elif kind == "CMYK":
        image.convert("CMYK").save(path)
    elif kind == "small":
        image.resize((30, 64)).save(path)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("cut", "cannot be read"),
        ("no picture", "cannot be read"),
        ("CMYK", "colours of the kind CMYK"),
        ("small", "too small"),
    ],
)
def test_pictures_that_do_not_do_are_named_and_leave_nothing(folder, tmp_path, kind, said):
    spoilt(kind, folder / "a_bad.jpg")
    with pytest.raises(UserError, match=said) as raised:
        write_chosen(tmp_path / "out", own(folder), 32)
    assert "a_bad.jpg" in str(raised.value)
    assert not list((tmp_path / "out").iterdir())


def test_progressive_and_grey_pictures_are_read_like_others(folder, tmp_path):
    picture(64, 48, seed=5).save(folder / "prog.jpg", progressive=True, quality=90)
    picture(64, 48, seed=6).convert("L").save(folder / "grey.png")
    records = {r.name: r for r in write_chosen(tmp_path / "out", own(folder))}
    grey = load_picture(tmp_path / "out", records["grey"])
    assert np.array_equal(grey[..., 0], grey[..., 2])
    assert load_picture(tmp_path / "out", records["prog"]).shape == (48, 64, 3)


def test_names_that_are_not_there_and_twice(folder, tmp_path):
    with pytest.raises(UserError, match="no picture 'q'"):
        write_chosen(
            tmp_path / "out",
            own(folder, sources=["p0", "q", "p1"]),
        )
    shutil.copy(folder / "p0.png", folder / "p0.bmp")
    with pytest.raises(UserError, match="two pictures are called 'p0'"):
        write_chosen(tmp_path / "out", own(folder))
    with pytest.raises(UserError, match="are not there"):
        write_chosen(tmp_path / "out", PictureChoice(source="mcl_jci", folder=tmp_path / "nowhere"))


def test_mcl_jci_gives_its_own_files_and_its_subjects_labels(tmp_path):
    root = mcl_jci(tmp_path / "set", sources=(1, 2, 3))
    choice = PictureChoice(source="mcl_jci", folder=root, sources=["SRC01", "SRC02", "SRC03"])
    records = write_chosen(tmp_path / "out", choice)
    codec = still_codec_for(choice, records)
    rgb = load_picture(tmp_path / "out", records[1])
    file = next(root.rglob("ImageJND_SRC02_040.jpg"))
    assert codec.encode(rgb, 40) == file.read_bytes()
    assert codec.decode(codec.encode(rgb, 40)).shape == rgb.shape
    assert codec.recipe(40) != JpegCodec().recipe(40)
    with pytest.raises(UserError, match="no JPEG file of a picture"):
        codec.encode(rgb[:, ::-1], 40)
    file.write_bytes(file.read_bytes()[:300])
    with pytest.raises(UserError, match="SRC02_040"):
        codec.encode(rgb, 40)
    anew = still_codec_for(PictureChoice(source="mcl_jci", folder=root, own_files=False), records)
    assert type(anew) is JpegCodec


def test_labels_of_subjects_are_whole_qualities(tmp_path):
    root = mcl_jci(tmp_path / "set", sources=(1, 2, 50))
    choice = PictureChoice(source="mcl_jci", folder=root, sources=["SRC01", "SRC02", "SRC50"])
    records = write_chosen(tmp_path / "out", choice)
    labels = label_pictures(choice, records, SUBJECTIVE, None)
    assert labels.kind == "subjective" and labels.sources == ("SRC01", "SRC02", "SRC50")
    text = next(root.rglob("JND_image_02.txt")).read_text()
    mean = np.mean([int(line.split()[0]) for line in text.splitlines()])
    assert abs(pw_jnds(labels, JpegCodec())["SRC02"] - mean) <= 0.5


def test_a_gap_in_a_data_set_is_named(tmp_path):
    root = mcl_jci(tmp_path / "set", sources=(1, 2, 3))
    next(root.rglob("ImageJND_SRC02_077.jpg")).unlink()
    choice = PictureChoice(source="mcl_jci", folder=root, sources=["SRC01", "SRC02", "SRC03"])
    with pytest.raises(UserError, match="SRC02 has no QF 77"):
        write_chosen(tmp_path / "out", choice)


def test_konjnd_is_read_for_both_coders(tmp_path):
    root = konjnd1k(tmp_path / "set")
    choice = PictureChoice(source="konjnd1k", folder=root)
    records = write_chosen(tmp_path / "out", choice)
    assert [r.name for r in records] == ["SRC0001"]
    labels = label_pictures(choice, records, SUBJECTIVE, None)
    mean = 101 - np.mean([55, 60, 62, 48, 71, 66])
    assert pw_jnds(labels, JpegCodec()) == {"SRC0001": round(mean)}
    rgb = load_picture(tmp_path / "out", records[0])
    coded = still_codec_for(choice, records).encode(rgb, 30)
    assert coded == next(root.rglob("SRC0001_JPEG_071.jpg")).read_bytes()  # level 71: QF 30
    bpg = PictureChoice(source="konjnd1k", folder=root, codec="hevc_intra")
    of_bpg = write_chosen(tmp_path / "bpg", bpg)
    assert [r.name for r in of_bpg] == ["SRC0505"]
    labels = label_pictures(bpg, of_bpg, SUBJECTIVE, None)
    assert labels.unit == "QP"
    with pytest.raises(UserError, match="do not belong to jpeg"):
        pw_jnds(labels, JpegCodec())


def test_bpg_without_its_programs_is_an_error_that_says_what_to_install(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    records = write_chosen(tmp_path / "out", own(folder))
    with pytest.raises(UserError, match="bpgenc"):
        still_codec_for(own(folder, codec="bpg"), records)


def own_labels(path, values) -> str:
    names = ["source", "level", "value", "unit", "kind", "statistic", "subjects", "ci_low",
             "ci_high"]  # fmt: skip
    with open(path, "w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(names)
        for source, value in values.items():
            writer.writerow([source, 1, value, "QF", "subjective", "mean", "", "", ""])
    return str(path)


def test_labels_of_a_table_are_checked(folder, tmp_path):
    choice = own(folder)
    records = write_chosen(tmp_path / "out", choice)
    good = own_labels(tmp_path / "good.csv", {"p0": 40, "p1": 50.4, "p2": 60, "other": 3})
    labels = label_pictures(choice, records, {**SUBJECTIVE, "file": good}, None)
    assert pw_jnds(labels, JpegCodec()) == {"p0": 40, "p1": 50, "p2": 60}
    beyond = own_labels(tmp_path / "beyond.csv", {"p0": 40, "p1": 101, "p2": 60})
    with pytest.raises(UserError, match="out of range: 101"):
        label_pictures(choice, records, {**SUBJECTIVE, "file": beyond}, None)
    short = own_labels(tmp_path / "short.csv", {"p0": 40})
    with pytest.raises(UserError, match="2 of 3 pictures have no label: p1, p2"):
        label_pictures(choice, records, {**SUBJECTIVE, "file": short}, None)
    with pytest.raises(UserError, match="no labels by people"):
        label_pictures(choice, records, SUBJECTIVE, None)


def test_splits_have_the_names_that_the_rules_expect():
    sources = {f"SRC{number:02d}": f"SRC{number:02d}" for number in range(1, 51)}
    for split in (
        FOLDS,
        {**FOLDS, "runs": [3, 1]},
        {"kind": "authors", "seed": 0},
        {"kind": "fractions", "seed": 1, "fractions": {"train": 0.6, "val": 0.2, "test": 0.2}},
    ):
        assert [one.name for one in make_splits(split, sources)] == split_names(split)
    authors = make_splits({"kind": "authors"}, sources)[0]
    assert [len(authors.subsets[part]) for part in ("train", "val", "test")] == [30, 10, 10]
    tested = [name for one in make_splits(FOLDS, sources) for name in one.subsets["test"]]
    assert sorted(tested) == sorted(sources)
    with pytest.raises(UserError, match="no fold 4"):
        split_names({**FOLDS, "runs": [4]})


def test_records_tell_pictures_by_their_pixels(folder, tmp_path):
    records = write_chosen(tmp_path / "out", own(folder))
    rgb = np.asarray(Image.open(folder / "p0.png"))
    assert records[0].sha256 == picture_sha256(rgb)
