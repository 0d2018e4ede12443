"""Ratings: known raters are recovered, clickers rejected, bad files reported by line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from jndlab.errors import UserError
from jndlab.quality.intervals import sources_needed
from jndlab.quality.points import POINT_COLUMNS, with_savings
from jndlab.subjective.answers import Answer
from jndlab.subjective.comparison import headline_comparison
from jndlab.subjective.delta_mos import (
    delta_mos_table,
    paired_table,
    with_delta_mos,
)
from jndlab.subjective.figures import mos_curves, rating_histograms
from jndlab.subjective.opinion_scores import (
    MODELS,
    differential_scores,
    opinion_scores,
    rater_statistics,
)
from jndlab.subjective.rating_tables import (
    HIDDEN_REFERENCE,
    headline_table,
    mos_bd_rate_table,
    rater_table,
    score_table,
)
from jndlab.subjective.ratings import Ratings, Stimulus, read_ratings, read_stimuli

TIME = "2024-05-31T14:02:11.250Z"
QPS = (22, 27, 32, 37)
RATES = {22: 900.0, 27: 500.0, 32: 250.0, 37: 120.0}


def stimuli(methods=("anchor", "own"), sequences=("bikes", "bunny")) -> list[Stimulus]:
    found = []
    for sequence in sequences:
        found.append(Stimulus(f"ref_{sequence}", sequence, "", "", "", None, True, "r.mp4"))
        found += [
            Stimulus(f"{sequence}_{m}_{qp}", sequence, "x265", "LDP", m, qp, False, "c.mp4")
            for m in methods
            for qp in QPS
        ]
    return found


def ratings_of(scores: np.ndarray, shown: list[Stimulus]) -> Ratings:
    names = tuple(f"p{i:02d}" for i in range(scores.shape[1]))
    answers = tuple(
        Answer(name, stimulus.name, score, "file, line 2")
        for stimulus, of_stimulus in zip(shown, scores, strict=True)
        for name, score in zip(names, of_stimulus, strict=True)
        if not np.isnan(score)
    )
    return Ratings(tuple(shown), names, scores, (1.0, 5.0), answers)


def synthetic(stimuli_count=120, raters=24, seed=5):
    """Continuous ratings without edges: true quality, bias (mean 0), inconsistency, scores."""
    rng = np.random.default_rng(seed)
    quality = rng.uniform(2, 4, stimuli_count)
    bias = rng.normal(0, 0.4, raters)
    bias -= bias.mean()
    noise = rng.uniform(0.2, 0.8, raters)
    scores = quality[:, None] + bias + noise * rng.normal(size=(stimuli_count, raters))
    return quality, bias, noise, scores


@pytest.mark.parametrize("model", MODELS)
def test_known_quality_lies_in_the_intervals(model):
    quality, _, _, scores = synthetic()
    result = opinion_scores(scores, model)
    covered = np.abs(result.score - quality) <= result.ci95
    assert 0.88 <= covered.mean() <= 1.0
    assert result.ci95.max() < 0.6 and result.raters == 24


@pytest.mark.parametrize("status", ["collapsed", "disconnected"])
def test_a_model_that_says_nothing_of_its_raters_gives_them_no_numbers(status):
    scores = np.array([[5.0, 5, 4], [4, 3, 4], [3, 4, 2], [2, 2, 3], [1, 1, 2]])
    if status == "disconnected":
        scores = np.vstack([scores, scores])
        scores[:5, 2] = scores[5:, :2] = np.nan
    more = np.vstack([scores, np.full((1, 3), np.nan)])  # nobody rated the last one
    for given in (scores, more):
        assert opinion_scores(given, "p910").status == status
        for rater in rater_statistics(ratings_of(given, [stimuli()[1]] * len(given))):
            assert rater.status == status and np.isfinite(rater.outside_share)
            assert np.isnan([rater.bias, rater.bias_ci95, rater.inconsistency]).all()


def test_a_subject_model_of_few_raters_never_rests_on_one_of_them():
    rng = np.random.default_rng(0)
    collapsed = 0
    for raters, stimuli_count in ((2, 9), (3, 9), (3, 30), (6, 12), (15, 9)):
        for _ in range(12):
            quality = rng.uniform(1.5, 5, (stimuli_count, 1))
            noise = rng.uniform(0.3, 0.8, raters) * rng.normal(size=(stimuli_count, raters))
            scores = np.clip(np.rint(quality + rng.normal(0, 0.3, raters) + noise), 1, 5)
            found = opinion_scores(scores, "p910")
            if found.status == "ok":
                single = [np.ptp(found.score - scores[:, n]) < 0.02 for n in range(raters)]
                alike = (np.ptp(scores - scores.mean(axis=0), axis=1) < 1e-9).all()
                assert not any(single) or alike
            else:
                collapsed += 1
                assert found.status == "collapsed"
                assert np.isnan(found.score).all() and np.isnan(found.ci95).all()
            assert opinion_scores(scores, "mos").status == "ok"
    assert collapsed >= 5


def test_subject_model_beats_the_mean_and_finds_bias_and_inconsistency():
    quality, bias, noise, scores = synthetic()
    error = {m: np.std(opinion_scores(scores, m).score - quality) for m in ("mos", "p910")}
    assert error["p910"] < 0.9 * error["mos"]
    raters = rater_statistics(ratings_of(scores, [stimuli()[1]] * len(scores)))
    assert [r.bias for r in raters] == pytest.approx(list(bias), abs=0.2)
    assert (
        np.mean([abs(r.bias - b) <= r.bias_ci95 for r, b in zip(raters, bias, strict=True)]) > 0.8
    )
    assert [r.inconsistency for r in raters] == pytest.approx(list(noise), rel=0.25)


def test_means_agree_with_a_plain_computation():
    scores = synthetic(20, 9)[3]
    result = opinion_scores(scores, "mos")
    assert result.score == pytest.approx(scores.mean(axis=1))
    assert result.ci95 == pytest.approx(1.96 * scores.std(axis=1, ddof=1) / 3, rel=1e-4)


def five_grades(seed=2, stimuli_count=40, raters=15):
    rng = np.random.default_rng(seed)
    quality = np.linspace(1.3, 4.7, stimuli_count)[:, None]
    return np.clip(np.round(quality + rng.normal(0, 0.5, (stimuli_count, raters))), 1, 5), rng


def test_random_clicker_is_rejected_and_nobody_else():
    scores, rng = five_grades()
    clicks = rng.integers(1, 6, (len(scores), 1))
    raters = rater_statistics(ratings_of(np.hstack([scores, clicks]), [stimuli()[1]] * 40))
    assert [r.subject for r in raters if r.rejected] == ["p15"]
    assert raters[15].outside_share > 0.05 and raters[15].balance < 0.3
    assert raters[15].inconsistency == max(r.inconsistency for r in raters)
    kept = opinion_scores(np.hstack([scores, clicks]), "bt500")
    assert kept.raters == 15
    assert kept.score == pytest.approx(scores.mean(axis=1))


def test_screening_agrees_with_the_text_of_bt500():
    scores, rng = five_grades()
    scores = np.hstack([scores, rng.integers(1, 6, (len(scores), 1))])
    above, below = np.zeros(16), np.zeros(16)
    for row in scores:
        centred = row - row.mean()
        kurtosis = np.mean(centred**4) / np.mean(centred**2) ** 2
        limit = (2 if 2 <= kurtosis <= 4 else np.sqrt(20)) * row.std()
        above += centred >= limit
        below += centred <= -limit
    shares = [r.outside_share for r in rater_statistics(ratings_of(scores, [stimuli()[1]] * 40))]
    assert shares == pytest.approx(list((above + below) / 40))


def test_unanimous_stimuli_reject_nobody():
    scores, _ = five_grades()
    unanimous = np.full((20, 15), 5.0)  # hidden references: 5 by everyone
    alone = rater_statistics(ratings_of(scores, [stimuli()[1]] * 40))
    both = rater_statistics(ratings_of(np.vstack([scores, unanimous]), [stimuli()[1]] * 60))
    assert not any(r.rejected for r in both)
    assert [r.outside_share * 60 for r in both] == pytest.approx(
        [r.outside_share * 40 for r in alone]
    )
    for model in MODELS:
        assert opinion_scores(unanimous, model).score == pytest.approx(5.0)


def test_differential_scores_are_those_of_p910():
    shown = stimuli(methods=("own",), sequences=("bikes",))
    given = np.array([[5, 4], [5, 4], [4, 4], [3, 2], [2, 5]], dtype=float)
    result = differential_scores(ratings_of(given, shown))
    assert result.tolist() == [[5, 5], [5, 5], [4, 5], [3, 3], [2, 6]]
    without = differential_scores(ratings_of(given[1:], shown[1:]))
    assert np.isnan(without).all()


def points(shown: list[Stimulus]) -> pd.DataFrame:
    rows = [
        {
            **{"sequence": s.sequence, "configuration": "LDP", "codec": "x265", "method": s.method},
            **{"qp": s.qp, "content": "demo", "vmaf_mean": 100.0 - 2 * (s.qp - 20)},
            "bitrate_kbps": RATES[s.qp] * (0.8 if s.method == "own" else 1),
            "bits": int(1000 * RATES[s.qp] * (0.8 if s.method == "own" else 1)),
        }
        for s in shown
        if not s.is_reference
    ]
    return with_savings(pd.DataFrame(rows).reindex(columns=POINT_COLUMNS).astype({"qp": int}))


@pytest.fixture(scope="module")
def rated():
    """Twenty raters who see no difference between the methods, one fifth apart in rate."""
    shown, rng = stimuli(), np.random.default_rng(7)
    quality = np.array([4.8 if s.qp is None else 4.6 - (s.qp - 22) / 5 for s in shown])
    scores = quality[:, None] + rng.normal(0, 0.3, 20) + rng.normal(0, 0.02, (len(shown), 20))
    return ratings_of(scores, shown), points(shown)


def test_tables_say_what_was_built_in(rated):
    ratings, known = rated
    scores = score_table(ratings, known)
    assert set(scores["model"]) == set(MODELS) and len(scores) == 3 * 18
    coded = scores[scores["method"] != HIDDEN_REFERENCE]
    assert coded["dmos"].to_numpy() == pytest.approx((coded["qp"].astype(int) - 21) / 5, abs=0.05)
    assert (coded["dmos"] + coded["differential_score"]).to_numpy() == pytest.approx(5.0)
    # Biases cancel in differences, so their intervals are far narrower than those of MOS.
    plain = coded[coded["model"] == "mos"]
    assert plain["dmos_ci95"].max() < 0.03 < plain["mos_ci95"].min()
    assert scores.loc[scores["method"] == HIDDEN_REFERENCE, "dmos"].isna().all()
    assert coded["dmos_predicted"].to_numpy() == pytest.approx((coded["qp"].astype(int) - 20) / 10)
    bd_rates = mos_bd_rate_table(scores, known, "anchor")
    assert set(bd_rates["metric"]) == {"mos", "mos_bt500", "mos_p910"}
    means = bd_rates[bd_rates["level"] == "all"]
    assert means["bd_rate_pct"].to_numpy() == pytest.approx(-20, abs=1.5)
    headline = headline_table(scores, bd_rates, known, "anchor")
    assert headline["mean_saving_pct"].to_numpy() == pytest.approx(20)
    assert headline["bd_rate_gain_pct"].to_numpy() == pytest.approx(20, abs=1.5)
    assert headline["mean_dmos"].to_numpy() == pytest.approx(1.7, abs=0.02)
    assert (headline["like_reference_pct"] == 0).all()
    expected = headline["mean_dmos"] - headline["mean_dmos_anchor"]
    assert headline["difference"].to_numpy() == pytest.approx(expected.to_numpy())
    assert set(headline["better"]) == {"not shown: too few sources"}
    assert list(rater_table(ratings)["subject"]) == list(ratings.subjects)


def test_delta_mos_is_against_the_anchor_and_paired_by_rater(rated):
    ratings, _ = rated
    worse = np.array([-0.3 if s.method not in (None, "anchor") else 0 for s in ratings.stimuli])
    habits = np.linspace(-1, 1, len(ratings.subjects))  # of each rater: they cancel in pairs
    scores = ratings.scores + worse[:, None] + habits
    [row] = delta_mos_table(ratings_of(scores, ratings.stimuli), "anchor").to_dict("records")
    assert row["delta_mos"] == pytest.approx(0.3, abs=0.02)
    assert 0.25 < row["delta_mos_low"] < row["delta_mos"] < row["delta_mos_high"] < 0.35
    paired = [s for s in ratings.stimuli if s.method == "anchor"]
    of_rater = [
        np.mean([
            scores[ratings.stimuli.index(a), j] - scores[k, j]
            for a in paired
            for k, s in enumerate(ratings.stimuli)
            if s.method not in (None, "anchor")
            and (s.sequence, s.configuration, s.qp) == (a.sequence, a.configuration, a.qp)
        ])
        for j in range(len(ratings.subjects))
    ]  # fmt: skip
    assert row["delta_mos"] == pytest.approx(np.mean(of_rater))


def test_paired_tests_find_a_loss_that_unpaired_ones_would_not(rated):
    ratings, _ = rated
    habits = np.random.default_rng(1).normal(0, 1, len(ratings.subjects))
    loss = {"own": {22: 0.0, 27: 0.0, 32: 0.5, 37: 0.5}}
    worse = np.array([loss.get(s.method or "", {}).get(s.qp, 0.0) for s in ratings.stimuli])
    noise = np.random.default_rng(2).normal(0, 0.2, ratings.scores.shape)
    scores = ratings.scores + noise - worse[:, None] + habits
    table = paired_table(ratings_of(scores, ratings.stimuli), "anchor")
    by_qp = table.set_index(table["qp"].fillna(0))
    assert list(by_qp.index) == [0, 22, 27, 32, 37]
    assert by_qp.loc[0, "delta_mos"] == pytest.approx(0.25, abs=0.06)
    assert list(by_qp.loc[[32, 37], "better"]) == ["anchor", "anchor"]
    assert by_qp.loc[[22, 27], "better"].str.startswith("not shown").all()
    assert set(table["raters"]) == {20} and list(table["pairs"]) == [8, 2, 2, 2, 2]
    assert by_qp.loc[0, "raters_needed"] < by_qp.loc[32, "raters_needed"] < 40


def test_the_number_of_raters_has_the_power_that_it_promises():
    assert sources_needed(1.0, 0.5) == 34  # a standard example of paired t tests
    assert sources_needed(0.0, 0.25) == 2 and sources_needed(float("nan"), 0.25) is None
    assert sources_needed(1e3, 0.25) is None
    count, rng = sources_needed(0.6, 0.3), np.random.default_rng(0)
    losses = rng.normal(0.3, 0.6, (4000, count))
    t = losses.mean(axis=1) / losses.std(axis=1, ddof=1) * np.sqrt(count)
    assert np.mean(t > stats.t.ppf(0.975, count - 1)) == pytest.approx(0.8, abs=0.03)


def test_incomplete_matrices_are_analysed():
    """Each rater rates two of three blocks: scores and screening are those of the whole."""
    scores, rng = five_grades(stimuli_count=60, raters=24)
    scores = np.hstack([scores, rng.integers(1, 6, (60, 1))])
    for rater in range(24):
        scores[rater % 3 :: 3, rater] = np.nan
    for model in MODELS:
        found = opinion_scores(scores, model)
        assert found.status == "ok" and np.isfinite(found.ci95).all()
        assert np.abs(found.score - np.nanmean(scores[:, :24], axis=1)).max() < 0.5
    raters = rater_statistics(ratings_of(scores, [stimuli()[1]] * 60))
    assert max(raters, key=lambda r: r.inconsistency).subject == "p24"
    outside = np.zeros(25)
    for row in scores:
        centred = row - np.nanmean(row)
        kurtosis = np.nanmean(centred**4) / np.nanmean(centred**2) ** 2
        limit = (2 if 2 <= kurtosis <= 4 else np.sqrt(20)) * np.nanstd(row)
        outside += np.abs(centred) >= limit
    assert [r.outside_share for r in raters] == pytest.approx(
        list(outside / (~np.isnan(scores)).sum(axis=0))
    )
    # Groups without a common stimulus: a group's bias and the quality of its clips look the same.
    apart = scores[:, :24].copy()
    apart[:30, :12] = apart[30:, 12:] = np.nan
    assert opinion_scores(apart, "p910").status == "disconnected"
    assert opinion_scores(apart, "mos").status == "ok"
    # Nobody rated the last one: no score there, all others as without it.
    more = np.vstack([scores, np.full((1, 25), np.nan)])
    for model in MODELS:
        found, whole = opinion_scores(more, model), opinion_scores(scores, model)
        assert np.isnan(found.score[-1]) and found.status == "ok"
        assert found.score[:-1] == pytest.approx(whole.score)


def test_tables_of_incomplete_matrices_count_the_raters_of_each_stimulus(rated):
    ratings, known = rated
    scores = ratings.scores.copy()
    contents = np.array([s.sequence for s in ratings.stimuli])
    scores[np.ix_(contents == "bunny", range(5))] = np.nan
    scores[np.ix_(contents == "bikes", range(15, 20))] = np.nan
    shown = ratings_of(scores, list(ratings.stimuli))
    table = score_table(shown, known)
    assert set(table.loc[table["model"] == "mos", "raters"]) == {15}
    plain = table[(table["model"] == "mos") & (table["method"] != HIDDEN_REFERENCE)]
    assert plain["dmos"].to_numpy() == pytest.approx((plain["qp"].astype(int) - 21) / 5, abs=0.05)
    assert set(rater_table(shown)["votes"]) == {9, 18}
    [row] = delta_mos_table(shown, "anchor").to_dict("records")
    assert row["delta_mos"] == pytest.approx(0, abs=0.02)


def test_bd_rate_without_a_rising_opinion_says_so(rated):
    ratings, known = rated
    flat = Ratings(ratings.stimuli, ratings.subjects, ratings.scores * 0 + 4.0, (1.0, 5.0))
    bd_rates = mos_bd_rate_table(score_table(flat, known), known, "anchor")
    assert set(bd_rates.loc[bd_rates["level"] == "sequence", "status"]) == {"non_monotonic"}
    assert bd_rates["bd_rate_pct"].isna().all()


def test_stand_in_content_is_never_called_reproduced(rated):
    ratings, known = rated
    known = known.replace({"method": {"own": "bl_juniper"}})
    shown = [
        Stimulus(**{**vars(s), "method": s.method.replace("own", "bl_juniper")})
        for s in ratings.stimuli
    ]
    scores = score_table(ratings_of(ratings.scores, shown), known)
    headline = headline_table(scores, mos_bd_rate_table(scores, known, "anchor"), known, "anchor")
    headline = with_delta_mos(headline, ratings_of(ratings.scores, shown), "anchor")
    result = headline_comparison(headline).set_index("quantity")
    assert dict(result["printed"]) == {
        "mean_saving_pct": "27.75", "bd_rate_gain_pct": "25.44", "delta_mos": "",
    }  # fmt: skip
    assert set(result["verdict"]) == {"not comparable: stand-in content"}
    published = headline_comparison(headline.assign(content="published"))
    printed = published.loc[published["printed"] != "", "verdict"]
    assert all("protocol not known (encoder" in verdict for verdict in printed)


def test_figures_hold_all_ratings(rated, tmp_path):
    ratings, known = rated
    rating_histograms(ratings, tmp_path / "histograms", "anchor")
    counts = pd.read_csv(tmp_path / "histograms.csv")
    assert counts["ratings"].sum() == ratings.scores.size
    mos_curves(score_table(ratings, known), "bt500", tmp_path / "curves", "anchor")
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".svg", ".csv"}


STIMULUS_TABLE = """stimulus,sequence,codec,configuration,method,qp,is_reference,file
a,bikes,,,,,true,clips/a.mp4
b,bikes,x265,LDP,anchor,22,false,clips/b.mp4
"""


def written(tmp_path, text, name="ratings.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(*given: str) -> str:
    return "\n".join(["subject,stimulus,score,time", *(f"{row},{TIME}" for row in given), ""])


GOOD = rows("anna,a,5", "anna,b,3", "ben,b,4", "ben,a,5")


def test_ratings_are_read_whole(tmp_path):
    shown = read_stimuli(written(tmp_path, STIMULUS_TABLE, "stimuli.csv"))
    assert [(s.name, s.qp, s.is_reference) for s in shown] == [("a", None, True), ("b", 22, False)]
    first = written(tmp_path, "\ufeff" + rows("anna,a,5", "anna,b,3").replace("\n", "\r\n"))
    second = written(tmp_path, rows("ben,b,4.5", "ben,a,5"), "second.csv")
    result = read_ratings([second, first], shown)
    assert result.subjects == ("anna", "ben")
    assert result.scores.tolist() == [[5, 5], [3, 4.5]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD.replace("ben,b,4", "ben,x,4"), ["'x'", "line 4", "not part of this test"]),
        (GOOD.replace("ben,b", "ben,a"), ["'a' twice", "line 5", "line 4"]),
        (GOOD.replace("ben,b,4", "ben,b,6"), ["outside the scale", "line 4", "1 to 5", "'6'"]),
        (GOOD.replace("ben,b,4", "ben,b,nan"), ["outside the scale", "line 4", "'nan'"]),
        (GOOD.replace("ben,b,4", "ben,b,good"), ["outside the scale", "line 4", "'good'"]),
        (GOOD.replace("ben,b,4", ",b,4"), ["no subject", "line 4"]),
        (GOOD.replace(f"ben,b,4,{TIME}", "ben,b,4,noon"), ["time", "line 4", "'noon'"]),
        (GOOD.replace(f"ben,b,4,{TIME}", "ben,b,4"), ["number of cells", "line 4"]),
        (GOOD.replace("score", "grade"), ["lacks the column(s) score", "line 1", "grade"]),
        (GOOD.replace(",", ";"), ["lacks the column(s)", "line 1"]),
        ("", ["lacks the column(s)", "line 1"]),
        (
            rows("anna,a,5", "anna,b,3", "ben,a,4"),
            ["'ben' is incomplete", "line 4", "2 ratings", "'b'"],
        ),
        (rows("anna,a,5", "anna,b,3"), ["1 subject(s)", "at least 2"]),
        (rows(), ["0 subject(s)"]),
    ],
)
def test_bad_ratings_are_reported_by_file_and_line(tmp_path, text, words):
    shown = read_stimuli(written(tmp_path, STIMULUS_TABLE, "stimuli.csv"))
    path = written(tmp_path, text)
    with pytest.raises(UserError) as result:
        read_ratings([path], shown)
    for word in ["ratings.csv", *words]:
        assert word in str(result.value)


BLOCKS = (
    STIMULUS_TABLE.replace(",file\n", ",file,block\n")
    .replace("a.mp4\n", "a.mp4,0\n")
    .replace("b.mp4\n", "b.mp4,1\n")
)
RECORDS = "subject,stimulus,score,time,kind,expected\n"


def test_a_rater_may_have_other_blocks_than_another(tmp_path):
    shown = read_stimuli(written(tmp_path, BLOCKS, "stimuli.csv"))
    assert [s.block for s in shown] == [0, 1]
    result = read_ratings([written(tmp_path, rows("anna,a,5", "ben,a,4", "ben,b,3"))], shown)
    np.testing.assert_equal(result.scores, [[5, 4], [np.nan, 3]])


def test_repeats_checks_and_training_are_no_ratings(tmp_path):
    shown = read_stimuli(written(tmp_path, STIMULUS_TABLE, "stimuli.csv"))
    lines = [
        f"{name},{stimulus},{score},{TIME},{kind},{expected}\n"
        for name in ("anna", "ben")
        for stimulus, score, kind, expected in (
            ("other content", 1, "training", ""), ("a", 5, "test", ""), ("b", 3, "test", ""),
            ("b", 4, "repeat", ""), ("a", 2, "check", 2 if name == "anna" else 1),
        )
    ]  # fmt: skip
    path = written(tmp_path, RECORDS + "".join(lines))
    result = read_ratings([path], shown)
    assert result.scores.tolist() == [[5, 5], [3, 3]]
    table = rater_table(result).set_index("subject")
    assert list(table["checks_failed"]) == [0, 1] and list(table["repeats"]) == [1, 1]
    assert list(table["repeat_difference"]) == [1, 1]
    assert list(table["repeats_agreed_pct"]) == [0, 0]
    with pytest.raises(UserError, match="1 subject"):
        read_ratings([path], shown, max_failed_checks=0)
    more = written(tmp_path, rows("cleo,a,5", "cleo,b,4"), "more.csv")
    table = rater_table(read_ratings([path, more], shown, max_failed_checks=0))
    assert dict(zip(table["subject"], table["left_out"], strict=True)) == {
        "anna": "", "ben": "failed 1 of 1 checks", "cleo": "",
    }  # fmt: skip
    assert table["bias"].isna().tolist() == [False, True, False]
    with pytest.raises(UserError, match="of the kind 'joke'"):
        read_ratings([written(tmp_path, RECORDS + f"anna,a,5,{TIME},joke,\n")], shown)


def test_absent_ratings_say_how_to_get_them(tmp_path):
    shown = read_stimuli(written(tmp_path, STIMULUS_TABLE, "stimuli.csv"))
    with pytest.raises(UserError, match="subjective_session"):
        read_ratings([], shown)
    with pytest.raises(UserError, match="no such file"):
        read_ratings([tmp_path / "absent.csv"], shown)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("\nb,", "\na,", ["twice", "line 3"]),
        (",22,", ",low,", ["no QP", "line 3", "'low'"]),
        ("22,false", ",true", ["two hidden references", "line 3"]),
        ("false", "no", ["neither true nor false", "line 3"]),
        ("is_reference", "reference", ["lacks the column(s) is_reference", "line 1"]),
    ],
)
def test_bad_stimulus_tables_are_reported(tmp_path, old, new, words):
    path = written(tmp_path, STIMULUS_TABLE.replace(old, new), "stimuli.csv")
    with pytest.raises(UserError) as result:
        read_stimuli(path)
    for word in ["stimuli.csv", *words]:
        assert word in str(result.value)
