"""VideoSet: tables in CSV and XLSX, their statistics recomputed, streams by QP, gaps and faults."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from data.jnd_miniatures import videoset, videoset_rows, write_table, write_workbook
from jndlab.datasets.jnd_labels import labels_from_samples
from jndlab.datasets.videoset import (
    find_clips,
    read_tables,
    samples_of,
)
from jndlab.errors import UserError
from jndlab.quality.jnd_outliers import without_outlying_samples
from jndlab.quality.jnd_statistics import JndSamples, jnd_value, looks_normal


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return videoset(tmp_path_factory.mktemp("videoset"))


@pytest.fixture
def tables(built, tmp_path):
    shutil.copytree(built / "database_csv", tmp_path / "tables")
    return tmp_path / "tables"


def test_tables_give_samples_and_labels(built):
    rows = read_tables(built, "640x360")
    assert len(rows) == 660
    samples = samples_of(rows)
    assert samples.sources[0] == "videoSRC001" and len(samples.sources) == 220
    assert samples.values["videoSRC002"][0].size == 30  # 28 + 2 % 8
    for row in rows:
        assert row.samples.mean() == pytest.approx(row.mean, abs=1e-8)
        assert row.samples.std(ddof=1) == pytest.approx(row.deviation, abs=1e-9)
        assert jnd_value(row.samples, "sur75", "QP") == row.jnd
    published = np.reshape([row.jnd for row in rows], (3, 220)).T
    few = JndSamples("QP", {source: samples.values[source] for source in samples.sources[:9]})
    labels = labels_from_samples(few, "sur75", "miniature")
    assert (labels.values() == published[:9]).all()
    assert published.mean(axis=0) == pytest.approx([25.6, 30.6, 35.6], abs=0.3)


def test_workbooks_read_like_tables(tables):
    names = list(videoset_rows(2)[0])
    rows = [names, *[[row[name] for name in names] for row in videoset_rows(2)]]
    as_csv = read_tables(tables, "640x360")
    (tables / "640x360_2nd.csv").unlink()
    write_workbook(tables / "640x360_2nd.xlsx", rows)
    for found, expected in zip(read_tables(tables, "640x360"), as_csv, strict=True):
        assert (found.source, found.jnd, found.mean) == (
            expected.source,
            expected.jnd,
            expected.mean,
        )
        assert (found.samples == expected.samples).all()


def test_clips_with_their_streams(built):
    clips = find_clips(built, "640x360", ["videoSRC001", "videoSRC007"])
    assert [clip.fps for clip in clips.values()] == [30, 24]
    first = clips["videoSRC001"]
    assert (first.width, first.height, sorted(first.streams)) == (640, 360, list(range(52)))
    assert first.streams[27].name == "videoSRC001_640x360_30_qp_27.264"


def test_missing_streams_are_named(tmp_path):
    root = videoset(tmp_path, sources=(1, 7))
    for path in root.rglob("videoSRC007*_qp_3[3-5].264"):
        path.unlink()
    with pytest.raises(UserError) as raised:
        find_clips(root, "640x360", ["videoSRC001", "videoSRC007"])
    for word in ("1 of 2 sources", "videoSRC007 has no QP 33-35", "QP 0-51"):
        assert word in str(raised.value)
    assert find_clips(root, "640x360", ["videoSRC007"], qps=[0, 27])
    with pytest.raises(UserError, match="1 of 2 sources are missing: videoSRC002"):
        find_clips(root, "640x360", ["videoSRC001", "videoSRC002"])


def test_two_copies_of_a_stream_are_reported(tmp_path):
    root = videoset(tmp_path, sources=(1,))
    part = next(root.glob("640x360_part_1/*"))
    again = root / "640x360_part_1_fix" / part.name
    shutil.copytree(part, again)
    assert find_clips(root, "640x360", ["videoSRC001"])  # the same: a copy
    next(again.glob("*_qp_00.264")).write_bytes(b"another stream")
    with pytest.raises(UserError, match="two files of videoSRC001_640x360_30 at quality 0"):
        find_clips(root, "640x360", ["videoSRC001"])


def drop_column(rows):
    return [{key: value for key, value in row.items() if key != "samples"} for row in rows]


def drop_source(rows):
    return [row for row in rows if row["sequence_index"] != 5]


def repeat_source(rows):
    return [row | {"sequence_index": 4} if row["sequence_index"] == 5 else row for row in rows]


def spoil(index, **cells):
    return lambda rows: [row | cells if row["sequence_index"] == index else row for row in rows]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (drop_column, ["no JND table", "samples", "found anchor, jnd"]),
        (drop_source, ["1 to 220", "found 219"]),
        (repeat_source, ["1 to 220", "found 220 of 219 sources"]),
        (spoil(3, samples="[30, 52]", samples_no=2), ["videoSRC003", "30 to 52", "line 4"]),
        (spoil(3, samples="[30, 31]"), ["videoSRC003 has 2 JND samples", "31"]),
        (spoil(3, samples="thirty"), ["cannot be read", "line 4"]),
        (spoil(3, jnd=""), ["cannot be read", "line 4"]),
    ],
)
def test_faulty_tables_are_reported(tables, change, words):
    write_table(tables / "640x360_1st.csv", change(videoset_rows(1)))
    with pytest.raises(UserError) as raised:
        read_tables(tables, "640x360")
    for word in ["640x360_1st.csv", *words]:
        assert word in str(raised.value)


def test_missing_tables_are_reported(tables, tmp_path):
    with pytest.raises(UserError, match=r"'1280x720_1st' is missing(.|\n)*640x360"):
        read_tables(tables, "1280x720")
    with pytest.raises(UserError, match="does not exist"):
        read_tables(tmp_path / "nowhere")


def test_the_real_tables_statistics_are_recomputed(shared_data):
    rows = read_tables(shared_data / "videoset_jnd")
    for row in rows:
        assert row.samples.mean() == pytest.approx(row.mean, abs=5e-9)  # the files' own rounding
        assert row.samples.std(ddof=1) == pytest.approx(row.deviation, abs=6e-10)
        assert looks_normal(row.samples) == row.normal
    published = np.reshape([row.jnd for row in rows], (3, 220))
    recomputed = np.reshape([jnd_value(row.samples, "sur75", "QP") for row in rows], (3, 220))
    assert np.abs(recomputed - published).max() <= 1
    assert (recomputed == published).sum(axis=1).tolist() == [212, 220, 217]
    assert (np.diff(published, axis=0) >= 0).all()
    assert published.mean(axis=1) == pytest.approx([26.56, 31.35, 34.50], abs=0.005)
    anchors = {(row.source, row.level): row.anchor for row in rows}
    assert all(anchors[row.source, row.level + 1] == row.jnd for row in rows if row.level < 3)


def test_no_outlier_is_left_in_the_real_samples(shared_data):
    samples = samples_of(read_tables(shared_data / "videoset_jnd"))
    kept = without_outlying_samples(samples)
    assert not any(np.isnan(array).any() for levels in kept.values.values() for array in levels)
