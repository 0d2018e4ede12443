"""JND levels by steps of a score: exact on monotone sweeps, stated on others; the calibration."""

import math
import subprocess
import sys
from bisect import bisect_left

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jndlab.errors import UserError
from jndlab.files import read_csv, write_csv
from jndlab.paths import ROOT
from jndlab.quality.vmaf_steps import (
    DEFAULT_RULE,
    StepRule,
    required_levels,
    search_levels,
    step_levels,
)
from studies.vmaf_steps import calibration
from studies.vmaf_steps.checks import konjnd_table, plot_calibration

# Eighths are exact in binary: thresholds are computed without rounding.
SCORES = st.lists(st.integers(0, 800).map(lambda n: n / 8), min_size=1, max_size=60)
STEPS = st.integers(1, 160).map(lambda n: n / 8)


@given(SCORES, STEPS, st.integers(1, 4))
def test_falling_scores_give_the_first_quality_at_or_below_each_threshold(scores, step, count):
    scores = sorted(scores, reverse=True)
    rule, qps = StepRule("m", step, count), range(1, len(scores) + 1)
    found = step_levels(qps, scores, 100.0, rule)
    for level, quality in enumerate(found, start=1):
        place = bisect_left([-score for score in scores], -(100.0 - level * step))
        assert quality == (qps[place] if place < len(scores) else None)


@given(SCORES, STEPS)
def test_from_each_level_on_every_score_stays_at_or_below_its_threshold(scores, step):
    qps = range(len(scores))
    for level, quality in enumerate(step_levels(qps, scores, 100.0, StepRule("m", step)), start=1):
        threshold = 100.0 - level * step
        if quality is None:
            assert scores[-1] > threshold
        else:
            assert max(scores[quality:]) <= threshold
            assert quality == 0 or scores[quality - 1] > threshold


@given(SCORES, STEPS)
def test_levels_never_go_back_and_stay_unreached(scores, step):
    found = step_levels(range(len(scores)), scores, 100.0, StepRule("m", step, 4))
    places = [math.inf if quality is None else quality for quality in found]
    assert places == sorted(places)


@given(SCORES, STEPS, st.sampled_from([0.25, 0.5, 2.0, 16.0]), st.integers(-64, 64))
def test_scaling_or_shifting_scores_changes_no_level(scores, step, scale, shift):
    qps = range(len(scores))
    plain = step_levels(qps, scores, 100.0, StepRule("m", step))
    scaled = step_levels(
        qps, [s * scale for s in scores], 100.0 * scale, StepRule("m", step * scale)
    )
    shifted = step_levels(qps, [s + shift for s in scores], 100.0 + shift, StepRule("m", step))
    assert plain == scaled == shifted


@given(SCORES, STEPS)
def test_quality_factors_fall_where_qps_rise(scores, step):
    rule, best = StepRule("m", step), len(scores)
    by_qp = step_levels(range(best), scores, 100.0, rule)
    by_qf = step_levels(range(best, 0, -1), scores, 100.0, rule)
    assert by_qf == [None if qp is None else best - qp for qp in by_qp]


@given(SCORES, STEPS, st.integers(1, 4))
def test_bisection_finds_the_same_levels_of_falling_scores_with_few_questions(scores, step, count):
    scores = sorted(scores, reverse=True)
    rule, qps = StepRule("m", step, count), range(len(scores))
    found, asked = search_levels(scores.__getitem__, qps, 100.0, rule)
    assert found == step_levels(qps, scores, 100.0, rule)
    assert found == step_levels(list(asked), list(asked.values()), 100.0, rule)
    assert len(asked) <= count * (math.floor(math.log2(len(scores))) + 1)


@given(SCORES, STEPS)
def test_bisection_finds_a_crossing_of_any_scores(scores, step):
    found, _ = search_levels(scores.__getitem__, range(len(scores)), 100.0, StepRule("m", step))
    for level, quality in enumerate(found, start=1):
        if quality is not None:
            assert scores[quality] <= 100.0 - level * step
            assert quality == 0 or scores[quality - 1] > 100.0 - level * step


def test_an_example_by_hand():
    # Start 97.4, steps to 92.4, 87.4, 82.4; the score rises again at QP 5, so level 2 waits for 6.
    scores = [97.0, 93.0, 92.4, 87.0, 88.0, 86.0]
    assert step_levels([1, 2, 3, 4, 5, 6], scores, 97.4, StepRule("m", 5.0)) == [3, 6, None]


@pytest.mark.parametrize("qualities", [[], [1, 1], [1, 3, 2], [5, 4, 4]])
def test_qualities_out_of_order_are_refused(qualities):
    with pytest.raises(UserError, match="not in order"):
        step_levels(qualities, [90.0] * len(qualities), 97.4)
    with pytest.raises(UserError, match="not in order"):
        search_levels(lambda quality: 90.0, qualities, 97.4)


def test_scores_that_are_missing_or_no_numbers_are_refused():
    with pytest.raises(UserError, match="2 scores, found 1"):
        step_levels([1, 2], [90.0], 97.4)
    with pytest.raises(UserError, match="no finite number"):
        step_levels([1, 2], [90.0, math.nan], 97.4)
    with pytest.raises(UserError, match="no finite number"):
        search_levels(lambda quality: math.inf, [1, 2], 97.4)


def test_a_level_that_is_not_reached_names_its_source():
    assert required_levels("clip", [20, 25, 30], worst=51) == [20, 25, 30]
    with pytest.raises(UserError, match="JND level 2 of 'clip'") as told:
        required_levels("clip", [50, None, None], worst=51)
    assert "51" in str(told.value) and "found 1" in str(told.value)


def test_the_default_step_is_the_calibrated_one(repository):
    forms = read_csv(repository / "config/published/vmaf_steps/forms.csv")
    assert forms[0]["form"] == "through_self"
    assert round(float(forms[0]["step"]), 2) == DEFAULT_RULE.step
    assert float(forms[0]["step_low"]) < DEFAULT_RULE.step < float(forms[0]["step_high"])


@pytest.fixture
def made_up(tmp_path):
    """300 stimuli whose scores fall by 3.5 points per JND, with noise and a few wild ones."""
    random = np.random.default_rng(5)
    rows = []
    for source in range(5):
        for codec in ("AVIF", "JPEG-1"):
            for level in range(1, 31):
                jnd = level / 10
                score = calibration.SELF_SCORE - 3.5 * jnd + random.normal(0, 0.1)
                score -= 8 * (level == 7)
                row = {"img_distorted": f"PTC_{source:05d}_{codec}_{level:02d}.png",
                       "img_num": source, "distortion": jnd}  # fmt: skip
                for metric in calibration.METRICS:
                    row |= {metric: score, f"{metric} mapped": jnd}
                rows.append(row)
    write_csv(tmp_path / calibration.METRICS_FILE, rows)
    return tmp_path


def test_the_calibration_recovers_a_known_step_in_spite_of_wild_stimuli(made_up):
    stimuli = calibration.read_stimuli(made_up)
    groups = calibration.group_table(stimuli)
    assert [g["name"] for g in groups] == ["all", "0", "1", "2", "3", "4", "AVIF", "JPEG-1"]
    for group in groups:
        assert group["step"] == pytest.approx(3.5, abs=0.05)
    levels = calibration.level_table(stimuli)
    assert levels[0]["vmaf_neg_median"] == pytest.approx(calibration.SELF_SCORE - 3.5, abs=0.15)
    assert all(row["rmse_dataset_mapping"] == 0 for row in calibration.metric_table(stimuli))


def test_every_draw_of_sources_counts_once():
    source = np.array([7, 7, 2, 9])
    draws = list(calibration._draws(source))
    assert sum(chance for _, chance in draws) == pytest.approx(1)
    assert len(draws) == 10  # of three sources with replacement
    assert all(weights[0] == weights[1] for weights, _ in draws)
    assert any((weights == [3, 3, 0, 0]).all() for weights, _ in draws)


def test_data_without_a_column_or_with_a_word_for_a_number_are_refused(made_up):
    path = made_up / calibration.METRICS_FILE
    good = read_csv(path)
    write_csv(path, [{k: v for k, v in row.items() if k != "CVVDP"} for row in good])
    with pytest.raises(UserError, match="lacks columns") as told:
        calibration.read_stimuli(made_up)
    assert "CVVDP" in str(told.value)
    write_csv(path, [good[0] | {"distortion": "none"}, *good[1:]])
    with pytest.raises(UserError, match="no number"):
        calibration.read_stimuli(made_up)
    with pytest.raises(UserError, match="missing"):
        calibration.read_stimuli(made_up / "elsewhere")


def test_published_tables_are_those_of_the_real_data(repository, shared_data):
    published = repository / "config/published/vmaf_steps"
    stimuli = calibration.read_stimuli(shared_data / "jpeg_aic4")
    assert len(stimuli.jnd) == 300
    for name, make in {
        "groups": calibration.group_table,
        "range": calibration.range_table,
        "levels": calibration.level_table,
        "metrics": calibration.metric_table,
    }.items():
        ours = calibration.rounded(make(stimuli))
        for row, printed in zip(ours, read_csv(published / f"{name}.csv"), strict=True):
            for key, value in row.items():
                if isinstance(value, float):
                    assert value == pytest.approx(float(printed[key]), rel=1e-2, abs=1e-3), key
                else:
                    assert str(value) == printed[key]


def test_the_published_levels_of_konjnd_are_those_of_its_pictures(repository, shared_data):
    printed = read_csv(repository / "config/published/vmaf_steps/konjnd_quiz.csv")
    for row, expected in zip(konjnd_table(shared_data / "konjnd1k"), printed, strict=True):
        for level in (1, 2, 3):
            assert row[f"vmaf_steps_{level}"] == int(expected[f"vmaf_steps_{level}"])


def test_a_missing_picture_is_named(tmp_path):
    with pytest.raises(UserError, match=r"missing") as told:
        konjnd_table(tmp_path)
    assert "Quiz_SRC01.png" in str(told.value)


def test_the_figure_is_drawn(made_up, tmp_path):
    plot_calibration(calibration.read_stimuli(made_up), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_the_study_runs_as_a_module_and_names_missing_data(tmp_path):
    command = [sys.executable, "-m", "studies.vmaf_steps", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("ERROR: the metric scores")
    assert "Traceback" not in done.stderr
