"""The anchor at the rate of another coding: the search, parts of a QP, what a session accepts."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codec_clips import cut_clip, job
from jndlab.codecs import get_codec
from jndlab.errors import UserError
from jndlab.files import read_csv
from jndlab.subjective.equal_rate import encode_at_rate, mixed_qps, nearest_rate
from rating_sessions import coded_clips, make_session

QPS = st.sets(st.integers(0, 51))


@given(st.floats(10, 1e5), st.floats(1.05, 1.3), st.sampled_from([1.0, 0.125]), QPS)
def test_the_nearest_rate_of_a_falling_curve_is_found_in_few_codings(wanted, fall, step, known):
    def rate_of(qp: float) -> float:
        asked.append(qp)
        return 1e5 * fall**-qp

    asked: list[float] = []
    qp, rates = nearest_rate(rate_of, wanted, {q: 1e5 * fall**-q for q in known}, (0, 51), step)
    exact = min(51.0, math.log(1e5 / wanted) / math.log(fall))
    assert abs(qp - exact) <= step / 2 + 1e-6
    assert len(asked) == len(set(asked)) <= 12 and not known & set(asked)
    assert rates[qp] == 1e5 * fall**-qp


@pytest.fixture
def clip(tmp_path):
    return cut_clip(tmp_path / "source.mkv", 320, 192, 4)


@pytest.mark.parametrize("qp", [30.125, 30.5, 37.875])
@pytest.mark.parametrize("step", [1, 2])
def test_mixed_qps_have_their_mean_and_spread(clip, qp, step):
    found = mixed_qps(clip, qp, step)
    assert found.shape == (4, 3, 5) and (found == found[0]).all()
    assert set(np.unique(found)) <= {int(qp), int(qp) + step}
    assert abs(found.mean() - qp) <= step / 15
    if qp == 30.5 and step == 1:  # no half of the picture is all of one QP
        assert (np.ptp(found[0], axis=1) == 1).all()


@pytest.mark.parametrize(
    "entry",
    [
        {"adapter": "kvazaar", "preset": "ultrafast"},
        {"adapter": "x264", "preset": "ultrafast"},
        {"adapter": "x264", "preset": "ultrafast", "rate": "crf"},
    ],
)
@pytest.mark.parametrize("configuration", ["AI", "LDP"])
def test_parts_of_a_qp_come_nearer_than_whole_ones(clip, tmp_path, entry, configuration):
    codec = get_codec(entry)
    stream = tmp_path / f"s.{codec.suffix}"
    plain = job(tmp_path / "source.mkv", clip, stream, configuration)
    sizes = {qp: sum(codec.encode(replace(plain, qp=qp)).bits_per_frame) for qp in (30, 31)}
    wanted = math.sqrt(sizes[30] * sizes[31])  # as far from both as can be
    qp, bits = encode_at_rate(codec, plain, wanted, sizes)
    assert 30 < qp < 31
    whole = abs(math.log(sizes[30] / wanted))
    assert abs(math.log(bits / wanted)) < 0.6 * whole
    assert abs(8 * stream.stat().st_size - bits) < 0.02 * bits


def test_a_codec_of_whole_qps_keeps_the_nearest(clip, tmp_path):
    codec = get_codec({"adapter": "x265", "preset": "ultrafast"})
    plain = job(tmp_path / "source.mkv", clip, tmp_path / "s.265", "LDP")
    size = sum(codec.encode(replace(plain, qp=33)).bits_per_frame)
    assert encode_at_rate(codec, plain, size * 1.01, {22: 10 * size, 37: size / 2}) == (33, size)


def paired(folder, rate: float, **options) -> list[dict[str, str]]:
    clips = [
        replace(clip, bitrate_kbps=1000 if clip.method == "own" else rate)
        for clip in coded_clips(folder, ("bikes",), qps=(22,))
    ]
    make_session(folder, clips, procedure="pairs", pair_by="rate", **options)
    return read_csv(folder / "stimuli.csv")


def test_pairs_that_are_not_of_equal_rate_are_refused(tmp_path):
    (row,) = paired(tmp_path, 960)
    assert row["rate_difference_pct"] == "4.17"
    text = (tmp_path / "session/session.js").read_text().partition("const SESSION = ")[2]
    assert json.loads(text.strip("\n;"))["rateDifferencePercent"] == pytest.approx(100 / 24)
    with pytest.raises(
        UserError, match=r"own at QP 22 has 1000 kbit/s(.|\n)*QP 22, 900(.|\n)*11.1"
    ):
        paired(tmp_path, 900)
    assert paired(tmp_path, 900, max_rate_difference=12)
    with pytest.raises(UserError, match="allow more"):
        paired(tmp_path, math.nan)  # not known
