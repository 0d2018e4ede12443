"""The decision table of BL-JUNIPER with its properties, and the files between the stages."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jndlab.errors import UserError
from jndlab.jnd.block.maps import BlockMaps, held_maps, read_block_maps, write_block_maps
from jndlab.jnd.block.qp import checked_qp_maps, load_block_qp_control
from jndlab.jnd.block.qp_control import block_qps, mean_block_qps
from jndlab.media.clip import ClipFormat

CLIP = ClipFormat(200, 100, Fraction(30), frames=5)  # 2 x 4 blocks, cut at both borders
TARGETS = (22, 27, 32, 37)
LEVELS = st.lists(st.floats(0, 51), min_size=3, max_size=3)


def published(target: int, levels: list[float], importance: int) -> float:
    """The table in plain words."""
    first, second, third = levels
    if target > third:
        return target
    if target <= first:
        return {3: first, 2: second, 1: third}[importance]
    if target <= second:
        return second if importance == 3 else third
    return third


@pytest.mark.parametrize(
    ("target", "expected"),
    [(22, (30, 34, 38)), (30, (30, 34, 38)), (31, (34, 38, 38)), (34, (34, 38, 38)),
     (35, (38, 38, 38)), (38, (38, 38, 38)), (39, (39, 39, 39))],
)  # fmt: skip
def test_the_table(target, expected):
    jnd = np.tile([30, 34, 38], (3, 1))
    found = block_qps(target, jnd, np.array([3, 2, 1]))
    assert found.tolist() == list(expected) and found.dtype == np.int16


@settings(max_examples=200)
@given(LEVELS, st.integers(0, 51), st.sampled_from(["nearest", "down"]))
def test_ordered_levels_never_fall_below_the_target_nor_rise_with_importance(
    levels, target, rounding
):
    jnd = np.tile(np.array(levels), (3, 1))
    three, two, one = block_qps(target, jnd, np.array([3, 2, 1]), rounding=rounding)
    assert target <= three <= two <= one <= 51


@settings(max_examples=200)
@given(LEVELS, st.integers(0, 50), st.sampled_from([1, 2, 3]))
def test_the_qp_is_the_tables_rounded_and_rises_with_the_target(levels, target, importance):
    jnd, important = np.array([levels]), np.array([importance])
    ordered = sorted(levels)
    expected = int(np.floor(published(target, ordered, importance) + 0.5))
    assert block_qps(target, jnd, important)[0] == expected
    down = block_qps(target, jnd, important, rounding="down")[0]
    assert down in (expected, expected - 1) and down <= published(target, ordered, importance)
    assert block_qps(target + 1, jnd, important)[0] >= expected
    as_is = block_qps(target, jnd, important, order="as_is")[0]
    assert as_is == int(np.floor(published(target, levels, importance) + 0.5))


@settings(max_examples=100)
@given(LEVELS, st.integers(0, 51), st.integers(0, 20))
def test_the_limit_on_the_difference(levels, target, limit):
    jnd = np.tile(np.array(levels), (3, 1))
    free = block_qps(target, jnd, np.array([1, 2, 3]))
    limited = block_qps(target, jnd, np.array([1, 2, 3]), max_delta=limit)
    assert (limited == np.minimum(free, target + limit)).all() and (limited >= target).all()


def test_unordered_levels_as_they_are_may_fall_below_the_target():
    jnd, importance = np.array([[34.0, 28.0, 36.0]]), np.array([2])
    assert block_qps(32, jnd, importance, order="as_is")[0] == 28
    assert block_qps(32, jnd, importance, order="sort")[0] == 36


def test_rounding_and_the_codecs_range():
    jnd = np.array([[30.5, 49.5, 60.0]])
    assert block_qps(22, jnd, np.array([3]))[0] == 31
    assert block_qps(22, jnd, np.array([3]), rounding="down")[0] == 30
    assert block_qps(22, jnd, np.array([1]))[0] == 51
    assert block_qps(22, jnd, np.array([1]), qp_range=(0, 63))[0] == 60


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"order": "random"}, "no order 'random'"),
        ({"rounding": "up"}, "no rounding 'up'"),
        ({"max_delta": -1}, "max_delta is -1"),
        ({"target_qp": 52}, "target QP 52"),
        ({"jnd": np.full((2, 3), np.nan)}, "not finite"),
        ({"jnd": np.full((4, 3), 30)}, "do not fit each other"),
        ({"jnd": np.full((2, 2), 30)}, "do not fit each other"),
        ({"importance": np.array([0, 3])}, "an importance is none"),
    ],
)
def test_bad_input_is_named(change, match):
    good = {"target_qp": 22, "jnd": np.full((2, 3), 30), "importance": np.array([1, 3])}
    with pytest.raises(UserError, match=match):
        block_qps(**{**good, **change})


def test_means_per_target_and_importance():
    rows = mean_block_qps(np.array([[30, 34, 38], [36, 36, 37]]), [22, 35])
    assert [row["mean_qp"] for row in rows] == [33, 35, 37.5, 37, 37, 37.5]
    assert rows[3] == {"target_qp": 35, "importance": 3, "mean_qp": 37.0, "mean_delta_qp": 2.0}


def test_the_published_labels_ask_for_far_coarser_blocks(shared_data):
    with np.load(shared_data / "bl_juniper_labels" / "blj_labels.npz") as archive:
        labels = np.moveaxis(archive["jnd"], 1, -1)  # clips, frames, rows, columns, levels
    assert labels.shape == (30, 5, 16, 30, 3)
    rows = mean_block_qps(labels, [22, 27, 32, 37, 42], order="as_is")
    found = [round(row["mean_qp"], 1) for row in rows]
    assert found == [34.3, 37.4, 39.9] * 2 + [35.2, 38.0, 39.9, 38.1, 39.7, 40.3, 42.2, 42.5, 42.6]
    assert (labels[..., :-1] > labels[..., 1:]).sum(axis=(0, 1, 2, 3)).tolist() == [2, 350]
    for ordered, as_is in zip(mean_block_qps(labels, TARGETS), rows, strict=False):
        assert ordered["mean_qp"] == pytest.approx(as_is["mean_qp"], abs=0.01)


@pytest.fixture
def files(tmp_path):
    size = {"width": CLIP.width, "height": CLIP.height}
    rng = np.random.default_rng(1)
    jnd = np.sort(rng.uniform(20, 45, (2, 2, 4, 3)), axis=-1)
    importance = rng.integers(1, 4, (5, 2, 4))
    jnd_maps = BlockMaps("block_jnd", jnd, **size, frames=np.array([0, 3]), provenance={"by": "x"})
    write_block_maps(tmp_path / "jnd.npz", jnd_maps)
    write_block_maps(tmp_path / "vi.npz", BlockMaps("importance", importance, **size))
    return tmp_path, jnd, importance


def test_stages_hand_over_files(files):
    folder, jnd, importance = files
    control = load_block_qp_control(
        "jndlab.jnd.block.qp_control:BlockJndControl",
        {"jnd": str(folder / "jnd.npz"), "importance": str(folder / "vi.npz"), "max_delta": 8},
    )
    found = checked_qp_maps(control, [], CLIP, 27)
    float32 = jnd.astype(np.float32)
    expected = [block_qps(27, float32[0 if k < 3 else 1], importance[k], max_delta=8)
                for k in range(5)]  # fmt: skip
    assert np.array_equal(found, expected) and found.max() <= 35
    other = ClipFormat(264, 100, Fraction(30), frames=5)
    with pytest.raises(UserError, match="made for another picture") as error:
        checked_qp_maps(control, [], other, 27)
    assert "width 264, found 200" in str(error.value) and "jnd.npz" in str(error.value)


def test_files_come_back_as_they_were_written(files):
    folder, jnd, _ = files
    maps = read_block_maps(folder / "jnd.npz", "block_jnd", width=200, height=100, block_size=64)
    assert np.array_equal(maps.values, jnd.astype(np.float32)) and maps.provenance == {"by": "x"}
    assert maps.frames.tolist() == [0, 3]
    write_block_maps(folder / "again.npz", maps)
    assert (folder / "again.npz").read_bytes() == (folder / "jnd.npz").read_bytes()


def test_a_qp_file_is_what_encoders_read(tmp_path):
    qps = np.arange(16).reshape(2, 2, 4)
    write_block_maps(tmp_path / "qp.npz", BlockMaps("qp", qps, width=200, height=100))
    with np.load(tmp_path / "qp.npz") as archive:
        assert archive["qp"].dtype == np.int16 and np.array_equal(archive["qp"], qps)
        assert int(archive["block_size"]) == 64
    assert np.array_equal(read_block_maps(tmp_path / "qp.npz", "qp").values, qps)


def test_maps_are_held_until_the_next():
    values = np.array([1, 2, 3]).reshape(3, 1, 1)
    maps = BlockMaps("importance", values, 64, 64, frames=np.array([1, 3, 4]))
    assert held_maps(maps, 7).ravel().tolist() == [1, 1, 1, 2, 3, 3, 3]
    assert held_maps(maps, 2).ravel().tolist() == [1, 1]


@pytest.mark.parametrize(
    ("kind", "values", "frames", "match"),
    [
        ("importance", np.ones((1, 2, 3)), None, "does not fit its picture of 200x100"),
        ("importance", np.ones((0, 2, 4)), None, "does not fit"),
        ("block_jnd", np.ones((1, 2, 4)), None, "does not fit"),
        ("importance", np.full((1, 2, 4), 1.5), None, "holds values that are none"),
        ("importance", np.full((1, 2, 4), 4), None, "holds values that are none"),
        ("qp", np.full((1, 2, 4), -1), None, "holds values that are none"),
        ("block_jnd", np.full((1, 2, 4, 3), np.nan), None, "holds values that are none"),
        ("qp", np.ones((2, 2, 4)), [3, 3], "frame indices"),
        ("qp", np.ones((2, 2, 4)), [0], "frame indices"),
        ("depth", np.ones((2, 2, 4)), None, "no block map 'depth'"),
    ],
)
def test_unsound_maps_are_refused(kind, values, frames, match):
    with pytest.raises(UserError, match=match):
        BlockMaps(kind, values, 200, 100, frames=None if frames is None else np.array(frames))


def test_unreadable_files_are_named(files):
    folder = files[0]
    with pytest.raises(UserError, match="another kind"):
        read_block_maps(folder / "jnd.npz", "importance")
    with pytest.raises(UserError, match=r"cannot be read(.|\n)*absent\.npz"):
        read_block_maps(folder / "absent.npz", "qp")
    whole = (folder / "jnd.npz").read_bytes()
    for name, data in (("cut.npz", whole[:-40]), ("text.npz", b"a,b\n"), ("empty.npz", b"")):
        (folder / name).write_bytes(data)
        with pytest.raises(UserError, match="cannot be read"):
            read_block_maps(folder / name, "block_jnd")
    np.savez(folder / "other.npz", qp=np.ones((1, 2, 4)))
    with pytest.raises(UserError, match="cannot be read"):
        read_block_maps(folder / "other.npz", "qp")
