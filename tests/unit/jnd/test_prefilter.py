"""Prefilters by name and on clips: a user's own class, and its messages when it is wrong."""

from __future__ import annotations

import sys
from fractions import Fraction

import numpy as np
import pytest

from jndlab.errors import UserError
from jndlab.jnd.erjnd import ErjndPrefilter
from jndlab.jnd.prefilter import Prefilter, apply_prefilter, is_per_qp, load_prefilter
from jndlab.media.clip import ClipFormat, Frame, read_clip, write_clip

MODULE = '''
import numpy as np
from jndlab.errors import UserError

class Darker:
    """A user's own filter, without a base class."""
    def __init__(self, *, by=1, twice=False):
        self.by = by * (2 if twice else 1)
    def filter_luma(self, luma, bit_depth, qp):
        luma[:] = np.maximum(luma, self.by) - self.by  # in place
        return luma

class Needs:
    def __init__(self, strength, *, other=None): ...
    def filter_luma(self, luma, bit_depth, qp): return luma

class TakesAll:
    def __init__(self, **options): self.options = options
    def filter_luma(self, luma, bit_depth, qp): return luma

class Refuses:
    def __init__(self, *, strength):
        if strength == "user":
            raise UserError("too strong.", where="option strength", remedy="use less")
        raise ValueError("strength must be even")
    def filter_luma(self, luma, bit_depth, qp): return luma

class Nothing:
    """Has neither method."""

not_a_class = 3
'''


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    (tmp_path / "users_filters.py").write_text(MODULE)
    (tmp_path / "broken_filters.py").write_text("import no_such_dependency\n")
    (tmp_path / "faulty_filters.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "users_filters"
    for name in ("users_filters", "broken_filters", "faulty_filters"):
        sys.modules.pop(name, None)


def clip_of(frames: int = 2, bit_depth: int = 8) -> ClipFormat:
    return ClipFormat(width=20, height=12, fps=Fraction(25), frames=frames, bit_depth=bit_depth)


def frames_of(clip: ClipFormat) -> list[Frame]:
    rng = np.random.default_rng(3)
    dtype = np.uint8 if clip.bit_depth == 8 else np.uint16
    shapes = [(clip.height, clip.width)] + [(clip.height // 2, clip.width // 2)] * 2
    frames = []
    for _ in range(clip.frames):
        planes = [rng.integers(0, clip.max_value + 1, shape).astype(dtype) for shape in shapes]
        for plane in planes:
            plane.flags.writeable = False  # as decoded frames are
        frames.append(Frame(*planes))
    return frames


def message_of(target: str, options=None) -> str:
    with pytest.raises(UserError) as caught:
        load_prefilter(target, options)
    return str(caught.value)


def test_a_users_class_is_loaded_and_run_on_a_file(user_module, tmp_path):
    prefilter = load_prefilter(f"{user_module}:Darker", {"by": 3, "twice": True})
    clip = clip_of()
    source, result = tmp_path / "source.mkv", tmp_path / "result.mkv"
    write_clip(source, frames_of(clip), clip)
    write_clip(result, apply_prefilter(prefilter, read_clip(source, clip), clip), clip)
    for before, after in zip(frames_of(clip), read_clip(result, clip), strict=True):
        np.testing.assert_array_equal(after.y, np.maximum(before.y, 6) - 6)
        np.testing.assert_array_equal(after.u, before.u)
        np.testing.assert_array_equal(after.v, before.v)


def test_the_suites_own_are_loaded_the_same_way():
    prefilter = load_prefilter("jndlab.jnd.erjnd:ErjndPrefilter", {"alpha": 0.25})
    assert isinstance(prefilter, ErjndPrefilter) and prefilter.alpha == 0.25
    assert isinstance(load_prefilter("jndlab.jnd.erjnd:ErjndPrefilter"), ErjndPrefilter)


def test_a_class_that_takes_any_option_gets_them(user_module):
    assert load_prefilter(f"{user_module}:TakesAll", {"x": 1}).options == {"x": 1}


@pytest.mark.parametrize(
    ("target", "options", "words"),
    [
        ("users_filters", {}, ["does not name a prefilter", "package.module:Class"]),
        ("no_such_module_1:A", {}, ["no module 'no_such_module_1'", "PYTHONPATH"]),
        ("jndlab.nothing_here:A", {}, ["no module 'jndlab.nothing_here'"]),
        ("broken_filters:A", {}, ["fails when it is imported", "'no_such_dependency'"]),
        ("faulty_filters:A", {}, ["ZeroDivisionError", "faulty_filters.py:1"]),
        (
            "users_filters:Darkr",
            {},
            ["no class 'Darkr'", "Darker, Needs, Nothing, Refuses, TakesAll", "mean 'Darker'"],
        ),
        ("users_filters:not_a_class", {}, ["no class 'not_a_class'"]),
        ("users_filters:Nothing", {}, ["neither", "filter_luma(luma, bit_depth, qp)"]),
        (
            "users_filters:Darker",
            {"twise": True},
            ["no option 'twise'", "by=1, twice=False", "mean 'twice'"],
        ),
        ("users_filters:Needs", {}, ["'strength' must be given", "strength, other=None"]),
        ("users_filters:Refuses", {"strength": 3}, ["Refuses(strength=3)", "must be even"]),
        ("users_filters:Refuses", {"strength": "user"}, ["too strong", "users_filters:R", "less"]),
        ("jndlab.jnd.erjnd:ErjndPrefilter", {"alpha": 2}, ["alpha", "0 to 1, found 2"]),
    ],
)
def test_mistakes_are_named(user_module, target, options, words):
    message = message_of(target, options)
    for word in words:
        assert word in message


def test_qp_reaches_only_filters_that_differ_by_qp():
    seen = []

    class Plain(Prefilter):
        def filter_luma(self, luma, bit_depth, qp):
            seen.append((qp, bit_depth))
            return luma

    class ByQp(Plain):
        per_qp = True

    clip = clip_of(frames=1, bit_depth=10)
    list(apply_prefilter(Plain(), frames_of(clip), clip, 27))
    list(apply_prefilter(ByQp(), frames_of(clip), clip, 27))
    assert seen == [(None, 10), (27, 10)]
    assert is_per_qp(ByQp) and is_per_qp(ByQp()) and not is_per_qp(Plain())
    with pytest.raises(UserError, match="ByQp differs by QP"):
        list(apply_prefilter(ByQp(), frames_of(clip), clip))


def test_a_temporal_filter_sees_the_whole_clip_and_may_change_the_chroma():
    class Average:
        def filter_frames(self, frames, clip, qp):
            previous = None
            for frame in frames:
                luma = frame.y if previous is None else frame.y // 2 + previous // 2
                yield Frame(luma, frame.v, frame.u)
                previous = frame.y

    clip = clip_of(frames=3)
    source = frames_of(clip)
    result = list(apply_prefilter(Average(), source, clip))
    np.testing.assert_array_equal(result[2].y, source[2].y // 2 + source[1].y // 2)
    np.testing.assert_array_equal(result[0].u, source[0].v)


def test_frames_pass_one_at_a_time():
    clip = clip_of(frames=1000)
    taken = []

    def source():
        for frame in frames_of(clip_of(frames=1)) * 1000:
            taken.append(1)
            yield frame

    stream = apply_prefilter(ErjndPrefilter(), source(), clip)
    next(stream), next(stream)
    assert len(taken) == 2


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (lambda luma: luma[:-1], "found shape (11, 20) of uint16"),
        (lambda luma: luma.astype(np.float32), "found shape (12, 20) of float32"),
        (lambda luma: luma.astype(np.uint8), "of uint8"),
        (lambda luma: luma * 0 + 1024, "a sample of 1024"),
        (lambda luma: None, "found NoneType"),
        (lambda luma: luma.tolist(), "found list"),
    ],
)
def test_what_a_filter_returns_is_checked(returned, words):
    class Wrong:
        def filter_luma(self, luma, bit_depth, qp):
            return returned(luma)

    clip = clip_of(bit_depth=10)
    with pytest.raises(UserError, match="plane y") as caught:
        list(apply_prefilter(Wrong(), frames_of(clip), clip))
    assert words in str(caught.value) and "prefilter Wrong, frame 0" in str(caught.value)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda frames: list(frames)[:-1], "2 frames, found 1"),
        (lambda frames: [*frames, *frames_of(clip_of(1))], "2 frames, found more"),
        (lambda frames: [frame.y for frame in frames], "found ndarray"),
        (lambda frames: [Frame(f.y, f.y, f.v) for f in frames], "plane u"),
    ],
)
def test_what_a_temporal_filter_returns_is_checked(make, words):
    class Wrong:
        def filter_frames(self, frames, clip, qp):
            return make(frames)

    clip = clip_of()
    with pytest.raises(UserError) as caught:
        list(apply_prefilter(Wrong(), frames_of(clip), clip))
    assert words in str(caught.value)
