"""IQNet's training data: the table of scores, the choice by it, and the data set on disk."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from jndlab.datasets.pictures.picture_list import Picture
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.media.clip import Frame
from jndlab.media.pictures import frame_to_rgb, rgb_to_frame
from jndlab.papers.iqnet.alpha_selection import Reason, select_alphas
from jndlab.papers.iqnet.candidates import Candidates, write_candidates
from jndlab.papers.iqnet.config import SelectionOptions
from jndlab.papers.iqnet.contact_sheet import DIFFERENCE_GAIN, HEADER, MARGIN, plot_contact_sheet
from jndlab.papers.iqnet.training_data import (
    alpha_histogram,
    choose_alphas,
    score_patches,
    selection_readings,
    statistics,
    training_pairs,
    write_pair,
    write_scores,
)

ALPHAS = [0.1, 0.5, 1.0]
PATCH = 16
ANY_SCORE = SelectionOptions(smooth_quantile=0.0, tolerance=1000.0)


class BrightestWins:
    """Scores a patch by its mean: easy to compute by hand."""

    name = "mean"

    def score(self, pictures):
        assert pictures.shape[1:] == (PATCH, PATCH, 3) and pictures.dtype == np.uint8
        return pictures.mean(axis=(1, 2, 3))


def candidates_of(name, width, height, seed):
    rng = np.random.default_rng(seed)
    picture = rgb_to_frame(rng.integers(60, 200, (height, width, 3), dtype=np.uint8))
    prefiltered = picture.y + rng.integers(-9, 10, (len(ALPHAS), height, width))
    coded = np.concatenate([picture.y[np.newaxis], prefiltered]) * 4
    luma = coded + rng.integers(-20, 21, coded.shape)
    chroma = [np.stack([plane] * 4).astype(np.uint16) * 4 for plane in picture[1:]]
    bits = np.array([900, 800, 700, 600]) + seed
    decoded = Frame(luma.astype(np.uint16), *chroma)
    return Candidates(name, picture.y, prefiltered.astype(np.uint8), decoded, bits)


@pytest.fixture(scope="module")
def candidates():
    """Two pictures of unequal size, one with samples outside its whole patches."""
    return [candidates_of("zebra", 48, 32, 1), candidates_of("ant", 40, 22, 2)]


@pytest.fixture(scope="module")
def scores(candidates):
    return score_patches(candidates, ALPHAS, BrightestWins(), PATCH)


def test_the_table_of_scores_holds_what_each_patch_is(scores, candidates):
    assert len(scores) == (6 + 2) * 4
    assert list(dict.fromkeys(scores["picture"])) == ["zebra", "ant"]
    for made in candidates:
        for row in scores[scores["picture"] == made.picture].itertuples():
            place = [0.0, *ALPHAS].index(row.alpha)
            window = (
                slice(PATCH * row.patch_row, PATCH * (row.patch_row + 1)),
                slice(PATCH * row.patch_column, PATCH * (row.patch_column + 1)),
            )
            source = made.source[window].astype(float)
            decoded = made.decoded.y[place][window] / 4
            assert row.mae_decoded_vs_source == pytest.approx(np.abs(decoded - source).mean())
            original = made.decoded.y[0][window] / 4
            assert row.mae_decoded_vs_decoded == pytest.approx(np.abs(decoded - original).mean())
            filtered = source if place == 0 else made.prefiltered[place - 1][window]
            assert row.mae_prefiltered_vs_source == pytest.approx(np.abs(filtered - source).mean())
            rgb = frame_to_rgb(Frame(*(plane[place] for plane in made.decoded)), 10)
            assert row.score == pytest.approx(rgb[window].mean())
            assert row.picture_bits == made.bits[place]


class EndedAfter(BrightestWins):
    """A scorer whose job is ended after so many pictures; counts them."""

    def __init__(self, most, device="cpu"):
        self.most, self.scored, self.metadata = most, 0, {"scorer": "mean", "device": device}

    def score(self, pictures):
        if self.scored == self.most:
            raise KeyboardInterrupt
        self.scored += 1
        return super().score(pictures)


def test_scoring_goes_on_where_a_job_was_ended(candidates, scores, tmp_path):
    files = [tmp_path / f"{name}.npz" for name in ("first", "none", "second")]
    for file, made in zip(files, (candidates[:1], [], candidates[1:]), strict=True):
        write_candidates(file, made)
    target = tmp_path / "scores.parquet"
    with pytest.raises(KeyboardInterrupt):
        write_scores(target, files, ALPHAS, EndedAfter(1), PATCH)
    assert not target.exists()
    resumed = EndedAfter(9)
    assert write_scores(target, files, ALPHAS, resumed, PATCH) == len(scores)
    assert resumed.scored == 1  # the first picture's were there
    pd.testing.assert_frame_equal(pd.read_parquet(target), scores)
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize("changed", [{"alphas": [0.1, 0.4, 1.0]}, {"code": "b"}, {"device": "x"}])
def test_scores_of_another_job_are_not_taken(candidates, tmp_path, changed):
    file, target = tmp_path / "all.npz", tmp_path / "scores.parquet"
    write_candidates(file, candidates[:1])
    write_candidates(tmp_path / "more.npz", candidates[1:])
    with pytest.raises(KeyboardInterrupt):
        write_scores(target, [file, tmp_path / "more.npz"], ALPHAS, EndedAfter(1), PATCH, code="a")
    device = changed.pop("device", "cpu")
    again = EndedAfter(9, device)
    write_scores(
        target, [file], changed.get("alphas", ALPHAS), again, PATCH, changed.get("code", "a")
    )
    assert again.scored == 1


def test_a_picture_smaller_than_a_patch_is_named():
    with pytest.raises(UserError, match="'dot' is smaller than a patch"):
        score_patches([candidates_of("dot", 40, 14, 0)], ALPHAS, BrightestWins(), PATCH)


def test_candidates_of_another_grid_are_refused(candidates):
    with pytest.raises(UserError, match="3 candidates for 2 alphas"):
        score_patches(candidates, [0.1, 0.2], BrightestWins(), PATCH)


def test_no_pictures_at_all():
    with pytest.raises(UserError, match="no candidates"):
        score_patches([], ALPHAS, BrightestWins(), PATCH)


@pytest.mark.parametrize(
    "kind", ["decoded_vs_decoded", "decoded_vs_source", "prefiltered_vs_source"]
)
def test_the_choice_is_that_of_the_selection(scores, kind):
    options = SelectionOptions(smooth_quantile=0.5, mae_kind=kind)
    choices = choose_alphas(scores, options)
    assert len(choices) == 8
    cube = scores.pivot(index="alpha", columns=["picture", "patch_row", "patch_column"])
    order = pd.MultiIndex.from_frame(choices[["picture", "patch_row", "patch_column"]])
    values, mae = (cube[name][order].to_numpy() for name in ("score", f"mae_{kind}"))
    expected = select_alphas(values[1:], values[0], mae[1:], options)
    assert choices["alpha"].tolist() == [ALPHAS[place] for place in expected.choice]
    assert choices["reason"].tolist() == [str(reason) for reason in expected.reasons]
    assert choices["smooth"].tolist() == expected.smooth.tolist()
    for row in choices.itertuples():
        taken = cube.loc[row.alpha]
        place = (row.picture, row.patch_row, row.patch_column)
        assert row.score == taken["score"][place]
        assert row.mae_decoded_vs_decoded == taken["mae_decoded_vs_decoded"][place]
        assert row.reference_score == cube.loc[0.0]["score"][place]


def test_the_choice_does_not_depend_on_the_order_of_the_table(scores):
    key = ["picture", "patch_row", "patch_column"]
    shuffled = scores.sample(frac=1, random_state=3)
    expected = choose_alphas(scores, ANY_SCORE).sort_values(key, ignore_index=True)
    found = choose_alphas(shuffled, ANY_SCORE).sort_values(key, ignore_index=True)
    pd.testing.assert_frame_equal(expected, found)


def test_a_table_with_a_row_missing_is_refused(scores):
    with pytest.raises(UserError, match="not whole"):
        choose_alphas(scores.drop(index=5), ANY_SCORE)


def test_targets_are_the_chosen_filtered_patches(scores, candidates):
    choices = choose_alphas(scores, ANY_SCORE)
    pairs = list(training_pairs(candidates, choices, ALPHAS, PATCH))
    assert [pair.picture for pair in pairs] == ["zebra", "ant"]
    assert [pair.source.shape for pair in pairs] == [(32, 48), (16, 32)]
    assert len(set(choices["alpha"])) > 1
    for pair, made in zip(pairs, candidates, strict=True):
        assert pair.target.dtype == np.uint8
        assert (pair.source == made.source[: pair.source.shape[0], : pair.source.shape[1]]).all()
        rows = choices[choices["picture"] == made.picture]
        for row in rows.itertuples():
            top, left = PATCH * row.patch_row, PATCH * row.patch_column
            window = (slice(top, top + PATCH), slice(left, left + PATCH))
            expected = made.prefiltered[ALPHAS.index(row.alpha)][window]
            assert (pair.target[window] == expected).all()
            assert pair.alphas[row.patch_row, row.patch_column] == row.alpha


def test_pairs_on_disk(scores, candidates, tmp_path):
    choices = choose_alphas(scores, ANY_SCORE)
    for pair in training_pairs(candidates, choices, ALPHAS, PATCH):
        picture = Picture(pair.picture, "a", "", "a.png", None, 0, 0, 48, 32, 48, 32, "0" * 64)
        row = write_pair(pair, picture, tmp_path)
        for kind, luma in (("source", pair.source), ("target", pair.target)):
            path = tmp_path / row[f"{kind}_file"]
            assert path == tmp_path / f"{kind}s" / f"{pair.picture}.png"
            assert row[f"{kind}_sha256"] == sha256_of(path)
            with Image.open(path) as stored:
                assert stored.mode == "L" and (np.asarray(stored) == luma).all()
        assert row["mae"] == pytest.approx(
            np.abs(pair.target.astype(float) - pair.source).mean(), abs=1e-4
        )
        assert row["luma_width"] == pair.source.shape[1]


def test_statistics_count_every_patch(scores):
    options = SelectionOptions(smooth_quantile=0.5, tolerance=0.5)
    choices = choose_alphas(scores, options)
    histogram = alpha_histogram(choices, ALPHAS)
    assert histogram["alpha"].tolist() == ALPHAS
    assert histogram["patches"].sum() == 8 and histogram["share"].sum() == pytest.approx(1)
    by_reason = histogram[[str(reason) for reason in Reason]].to_numpy()
    assert (by_reason.sum(axis=1) == histogram["patches"]).all()
    told = statistics(scores, choices, ALPHAS, options)
    assert json.loads(json.dumps(told, allow_nan=False))["patches"] == 8
    assert told["pictures"] == 2 and told["selection"] == options.plain()
    assert sum(told["alpha_patches"].values()) == 8
    assert told["smooth_share"] == pytest.approx(choices["smooth"].mean())
    # 901 + 902 bits unfiltered, 801 + 802 at the first alpha
    assert told["saving_pct_by_alpha"]["0.1"] == pytest.approx(100 * 200 / 1803, abs=1e-3)
    assert told["mae_by_alpha"]["0.0"]["mae_prefiltered_vs_source"] == 0


class NoisyScorer:
    """Scores by the place in the batch alone, as float noise between batches does."""

    def score(self, pictures):
        return 5 + 1e-2 * np.arange(len(pictures))


def test_decoded_patches_that_are_equal_are_ties(candidates):
    made = candidates[0]
    erased = Frame(*(np.repeat(plane[:1], 4, axis=0) for plane in made.decoded))
    table = score_patches([replace(made, decoded=erased)], ALPHAS, NoisyScorer(), PATCH)
    place = ["patch_row", "patch_column"]
    assert (table.groupby(place)["score"].nunique() == 1).all()
    for tie_mode in ("closest", "largest"):
        options = SelectionOptions(tie_mode=tie_mode)
        assert (choose_alphas(table, options)["alpha"] == 1.0).all()  # the largest among equals


def test_readings_of_the_selection_are_its_own_choices(scores):
    options = SelectionOptions(smooth_quantile=0.5, tolerance=0.5)
    table = selection_readings(scores, options)
    assert len(table) == 2 * 3 * 4 and table["configured"].sum() == 1
    own = table[table["configured"]].iloc[0]
    assert (own["tie_mode"], own["mae_kind"]) == ("largest", "decoded_vs_decoded")
    choices = choose_alphas(scores, options)
    assert own["mean_alpha"] == pytest.approx(choices["alpha"].mean())
    without = choose_alphas(scores, options.model_copy(update={"smooth_quantile": 0.0}))
    changed = (choices["alpha"] != without["alpha"]).mean()
    assert own["changed_pct"] == pytest.approx(100 * changed)
    smooth = scores[scores["alpha"] > 0].merge(
        choices.loc[choices["smooth"], ["picture", "patch_row", "patch_column"]]
    )
    cube = smooth.pivot(index="alpha", columns=["picture", "patch_row", "patch_column"])[
        "mae_decoded_vs_decoded"
    ]
    passed = cube.loc[0.5:] <= 1.2 * cube.loc[0.1]
    assert own["admitted_pct"] == pytest.approx(100 * passed.to_numpy().mean())


def test_the_contact_sheet_shows_pictures_in_their_columns(scores, candidates, tmp_path):
    choices = choose_alphas(scores, ANY_SCORE)
    pairs = list(training_pairs(candidates, choices, ALPHAS, PATCH))
    plot_contact_sheet(pairs, ALPHAS, tmp_path / "sheet.png", "title")
    with Image.open(tmp_path / "sheet.png") as stored:
        sheet = np.asarray(stored)
    top, left = 3 * HEADER, MARGIN
    first, column = pairs[0], 448 + MARGIN
    size = (slice(top, top + 32), slice(left, left + 48))
    assert (sheet[size] == first.source[..., np.newaxis]).all()
    third = (size[0], slice(left + 2 * column, left + 2 * column + 48))
    assert (sheet[third] == first.target[..., np.newaxis]).all()
    fourth = (size[0], slice(left + 3 * column, left + 3 * column + 48))
    expected = 128 + DIFFERENCE_GAIN * (first.target.astype(int) - first.source)
    assert (sheet[fourth][..., 0] == expected.clip(0, 255)).all()
    second = (size[0], slice(left + column, left + column + 48))
    assert np.ptp(sheet[second], axis=-1).max() > 30  # the map of alphas is in colour
