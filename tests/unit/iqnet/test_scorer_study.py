"""The study of scorers: what follows from known scores; a picture from end to end."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from jndlab.codecs import get_codec
from jndlab.datasets.pictures.crops import list_crops, load_crop
from jndlab.papers.iqnet.candidates import CandidateOptions
from jndlab.papers.iqnet.config import SelectionOptions
from jndlab.papers.iqnet.scorer_study import (
    alphas_by_qp,
    mean_changes,
    plot_scorers,
    readings_of,
    score_picture,
    scorer_table,
    selection_by_scorer,
    spread_pictures,
)

NIMA, PIQE = "NIMA, 64 to 224 bilinear", "PIQE, 64"
SELECTION = selection_by_scorer(SelectionOptions())
QPS, ALPHAS = (22, 27, 32), (0.0, 0.1, 0.4, 1.0)


@pytest.fixture(scope="module")
def scores():
    """NIMA prefers the coarse and the filtered, PIQE loses by both; 20 patches of two pictures."""
    level = np.random.default_rng(0).normal(5, 1, (2, 10))
    rows = []
    for reading, sign in ((NIMA, 1), (PIQE, -1)):
        for qp in (0, *QPS):
            for alpha in ALPHAS if qp else (0.0,):
                for (picture, patch), score in np.ndenumerate(level):
                    value = score + sign * (0.01 * qp + alpha)
                    place = {"reading": reading, "picture": str(picture), "patch": patch}
                    rows.append({**place, "qp": qp, "alpha": alpha, "score": value})
    return pd.DataFrame(rows)


def test_the_table_says_what_the_scores_follow(scores):
    table = scorer_table(scores, 27, SELECTION).set_index("reading")
    assert table["patches"].tolist() == [20, 20]
    assert table["rho_qp"].tolist() == pytest.approx([1, -1])
    assert table["rho_alpha"].tolist() == pytest.approx([1, -1])
    assert table["higher_coarse"].tolist() == [100, 0]
    # NIMA: all are above the reference. PIQE: none is, and 1.0 not within its tolerance of 0.5.
    assert table["alpha_largest"].tolist() == pytest.approx([1.0, 0.4])
    assert table["alpha_closest"].tolist() == pytest.approx([0.1, 0.1])
    assert table["same_alpha"].tolist() == table["same_by_chance"].tolist() == [100, 100]


def test_agreement_over_base_qps_is_next_to_chance(scores):
    worse = scores.copy()
    of_nima = (worse["reading"] == NIMA) & (worse["qp"] == 32) & (worse["patch"] < 5)
    worse.loc[of_nima & (worse["alpha"] == 1.0), "score"] -= 9  # half the patches: 0.4 at QP 32
    row = scorer_table(worse, 27, SELECTION).set_index("reading").loc[NIMA]
    assert row["same_alpha"] == pytest.approx((100 + 50) / 2)
    assert row["same_by_chance"] == pytest.approx((100 + 50) / 2)
    alphas = alphas_by_qp(worse, SELECTION).set_index(["reading", "qp"])["mean_alpha"]
    assert alphas[NIMA, 22] == 1.0 and alphas[NIMA, 32] == pytest.approx(0.7)


def test_changes_are_in_deviations_of_the_uncoded_patches(scores):
    table = mean_changes(scores, 27).set_index(["reading", "over", "value"])["change"]
    deviation = scores[(scores["qp"] == 0) & (scores["reading"] == NIMA)]["score"].std()
    assert table[NIMA, "qp", 32] == pytest.approx(0.32 / deviation)
    assert table[NIMA, "alpha", 1.0] == pytest.approx(1 / deviation)
    assert table[PIQE, "qp", 0] == 0
    figure = plot_scorers(mean_changes(scores, 27), alphas_by_qp(scores, SELECTION), "title")
    shown = [[line for line in axes.lines if len(line.get_xdata())] for axes in figure.axes]
    assert [len(lines) for lines in shown] == [2, 2, 2]


class MeanScorer:
    """Scores by brightness: easy to compute by hand."""

    def score(self, pictures):
        assert pictures.dtype == np.uint8
        return pictures.reshape(len(pictures), -1).mean(axis=1)


def test_pictures_of_the_study_are_of_different_files():
    listed = list_crops("packaged", crop=(128, 64), crops_per_picture=2, limit=30)
    assert len({picture.source for picture in listed}) < 20
    chosen = spread_pictures(listed, 4)
    assert len({picture.source for picture in chosen}) == len(chosen) == 4
    assert chosen[0] == listed[0] and all(picture in listed for picture in chosen)
    assert len(spread_pictures(listed, 99)) == len({picture.source for picture in listed})


def test_a_picture_is_scored_uncoded_and_at_every_qp_and_alpha(tmp_path):
    (listed,) = list_crops("packaged", crop=(128, 64), limit=1)
    codec = get_codec({"adapter": "x265", "preset": "ultrafast"})
    options = CandidateOptions([0.5, 1.0], {"weighting": "flat"})
    scorers = {name: MeanScorer() for name in readings_of(["piqe"])}
    assert set(scorers) == {"PIQE, 64", "PIQE, 64, luma", "PIQE, whole picture"}
    picture = load_crop(listed)
    table = score_picture("a", picture, options, [22, 37], codec, scorers, 2, tmp_path)
    assert len(table) == (1 + 2 * 3) * (2 + 2 + 1)
    cells = table.set_index(["reading", "qp", "alpha", "patch"])["score"]
    whole, parts = cells["PIQE, whole picture"], cells["PIQE, 64"]
    assert whole[0, 0.0, 0] == pytest.approx((parts[0, 0.0, 0] + parts[0, 0.0, 1]) / 2)
    assert whole[37, 0.0, 0] != whole[22, 0.0, 0] != whole[22, 1.0, 0]
    assert whole[22, 1.0, 0] < whole[22, 0.0, 0]  # flat weights darken
    assert abs(cells["PIQE, 64, luma"][22, 0.0, 0] - parts[22, 0.0, 0]) < 25
