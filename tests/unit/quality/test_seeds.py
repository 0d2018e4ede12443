"""Several training seeds of a method: means, deviations, intervals over sequences and seeds."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pandas as pd
import pytest

from jndlab.papers.iqnet.tables import bd_saving, headline, table3, table4, with_conditions
from jndlab.quality.aggregate import bd_rate_between, bd_rate_table, comparisons
from jndlab.quality.intervals import mean_interval
from jndlab.quality.points import (
    POINT_COLUMNS,
    by_method,
    over_seeds,
    same_qp_table,
    with_savings,
    with_seeds,
)
from jndlab.quality.rd_point import POINT_KEY
from jndlab.report.figures import bar_plot, rd_curves
from jndlab.report.method_summary import bd_rate_by_sequence, shown_in_words, summary_table

SEQUENCES = "abcdefgh"
METRICS = ["vmaf_mean"]


def points(factors: dict[str, float], sequences: str = SEQUENCES) -> pd.DataFrame:
    """Points of methods that need ``factors`` of the anchor's bits for the same quality."""
    rows = [
        {
            **dict(zip(POINT_KEY, (sequence, "AI", "vvenc-fast", method, qp), strict=True)),
            "content": "demo",
            "bits": round(1e6 * 0.5**step * factor * (1 + 0.01 * (ord(sequence) % 5))),
            "bitrate_kbps": 1000 * 0.5**step * factor,
            "models_sha256": "" if method == "anchor" else f"hash-{method}",
            **dict.fromkeys(("vmaf_mean", "vmaf_neg_mean", "prefilter_vmaf_mean"), 95 - 6.0 * step),
            **dict.fromkeys(("psnr_y_framemean", "psnr_y_mse"), 45 - 3.0 * step),
            "frames": 9,
            "sheet_frames": 9,
            "encoder": "vvenc",
        }
        for sequence, (method, factor), (step, qp) in itertools.product(
            sequences, {"anchor": 1, **factors}.items(), enumerate((22, 27, 32, 37))
        )
    ]
    table = pd.DataFrame(rows)
    return with_savings(table.reindex(columns=[*POINT_COLUMNS, "sheet_frames"]))


def seeded(factors: dict[int, float], name: str = "iqnet", **others: float) -> pd.DataFrame:
    named = {f"{name}_seed{seed}": factor for seed, factor in factors.items()}
    seeds = {f"{name}_seed{seed}": seed for seed in factors}
    return with_seeds(points({**named, **others}), seeds)


def test_without_several_seeds_nothing_changes():
    plain = points({"iqnet": 0.9})
    assert with_seeds(plain, {}) is plain
    assert over_seeds(plain) is plain and by_method(plain) is plain
    assert "seeds" not in same_qp_table(plain) and "deviation" not in bd_rate_table(plain)


def test_a_point_of_several_seeds_is_their_mean_with_its_deviation():
    made = seeded({0: 0.8, 1: 0.9, 2: 1.0}, erjnd=0.95)
    means = over_seeds(made).set_index(POINT_KEY)
    for sequence in SEQUENCES:
        row = means.loc[(sequence, "AI", "vvenc-fast", "iqnet", 22)]
        assert row["saving_pct"] == pytest.approx(10, abs=1e-3) and row["seeds"] == 3
        assert row["saving_pct_deviation"] == pytest.approx(10, abs=1e-3)
        assert row["models_sha256"].split() == [f"hash-iqnet_seed{seed}" for seed in range(3)]
    fixed = means.xs("erjnd", level="method")
    assert set(fixed["seeds"]) == {0} and fixed["saving_pct_deviation"].isna().all()
    table = same_qp_table(made)
    assert set(table["method"]) == {"iqnet", "erjnd"} and len(table) == 2 * 4 * len(SEQUENCES)
    assert {"seeds", "saving_pct_deviation"} < set(table)


def test_bd_rates_are_means_over_seeds_with_intervals_over_both():
    factors = {0: 0.80, 1: 0.90, 4: 0.85}
    table = bd_rate_table(seeded(factors), metrics=METRICS)
    single = {
        seed: bd_rate_table(points({"iqnet": factor}), metrics=METRICS).iloc[0]["bd_rate_pct"]
        for seed, factor in factors.items()
    }
    rows = table.set_index(["level", "sequence", "seed"])["bd_rate_pct"]
    assert {seed: rows[("seed", "a", seed)] for seed in factors} == pytest.approx(single)
    of_a = table[(table["level"] == "sequence") & (table["sequence"] == "a")].iloc[0]
    assert of_a["bd_rate_pct"] == pytest.approx(np.mean([*single.values()]))
    assert of_a["deviation"] == pytest.approx(np.std([*single.values()], ddof=1))
    every = table[table["level"] == "all"].iloc[0]
    of_seeds = table[table["level"] == "seed"]
    expected = mean_interval(of_seeds["bd_rate_pct"], of_seeds["sequence"], of_seeds["seed"])
    assert (every["low"], every["high"]) == (expected.low, expected.high)
    assert every["seeds"] == 3 and expected.seeds == 3


def test_who_is_better_needs_seeds_that_agree():
    alike = bd_rate_table(seeded({0: 0.80, 1: 0.81, 2: 0.80}), metrics=METRICS, trained=["iqnet"])
    apart = bd_rate_table(seeded({0: 0.80, 1: 1.20, 2: 0.95}), metrics=METRICS, trained=["iqnet"])
    once = bd_rate_table(points({"iqnet": 0.8}), metrics=METRICS, trained=["iqnet"])
    answers = [t.loc[t["level"] == "all", "better"].item() for t in (alike, apart, once)]
    assert answers[0] == "iqnet" and answers[1].startswith("not shown")
    assert answers[2] == "not shown: one training seed"
    (found,) = comparisons(alike, "anchor", ["iqnet"]).values()
    assert "3 of 3 seeds" in found.sentence()
    assert "IQNet beats anchor" in shown_in_words(alike, "anchor", ["iqnet"], {"iqnet": "IQNet"})


def test_two_trained_methods_are_compared_seed_by_seed():
    first = {f"cnn_jnqd_seed{seed}": 1.0 + 0.1 * seed for seed in range(2)}
    second = {f"iqnet_seed{seed}": 0.8 * (1.0 + 0.1 * seed) for seed in range(2)}
    seeds = {name: int(name[-1]) for name in [*first, *second]}
    table = bd_rate_between(
        with_seeds(points(first | second), seeds), [("cnn_jnqd", "iqnet")], METRICS
    )
    assert table.loc[table["level"] == "seed", "bd_rate_pct"].tolist() == pytest.approx(
        [-20] * 2 * len(SEQUENCES), abs=0.01
    )
    one = with_seeds(points({**second, "erjnd": 1.0}), {name: int(name[-1]) for name in second})
    table = bd_rate_between(one, [("erjnd", "iqnet")], METRICS)
    assert table.loc[table["level"] == "all", "seeds"].item() == 2


def test_a_reference_with_a_network_counts_as_trained():
    table = bd_rate_between(
        points({"cnn_jnqd": 1.0, "iqnet": 0.8}), [("cnn_jnqd", "iqnet")], METRICS,
        trained=["cnn_jnqd", "iqnet"],
    )  # fmt: skip
    assert table.loc[table["level"] == "all", "better"].item() == "not shown: one training seed"


def test_the_summary_names_each_method_once(tmp_path):
    made = seeded({0: 0.80, 1: 0.90}, erjnd=0.95)
    rates = bd_rate_table(made, metrics=METRICS)
    labels = {"iqnet": "IQNet", "erjnd": "ERJND"}
    summary = summary_table(made, rates, labels)
    assert summary["method"].tolist() == ["ERJND", "IQNet"]
    assert summary["saving_pct"].tolist() == pytest.approx([5, 15], abs=0.01)
    wide = bd_rate_by_sequence(rates, labels, "AI", "vmaf_mean")
    assert wide["sequence"].tolist() == [*SEQUENCES, "mean of all"]
    svg = rd_curves(made, "vmaf_mean", tmp_path / "rd", labels=labels)[0].read_text()
    assert "IQNet" in svg and "seed0" not in svg


def test_seeds_are_dots_on_the_bars(tmp_path):
    several, one = seeded({0: 0.8, 1: 0.9, 2: 1.0}, erjnd=1), points({"iqnet": 0.9, "erjnd": 1})
    drawn = [
        bar_plot(frame, "saving_pct", tmp_path / name)[0].read_text()
        for name, frame in (("several", several), ("one", one))
    ]
    dots = [len(re.findall(r"<use ", text)) for text in drawn]
    assert dots[0] - dots[1] == 3 * 4 * len(SEQUENCES)


def test_iqnets_tables_are_over_seeds():
    made = with_conditions(seeded({0: 0.8, 1: 0.9}), {})
    ours = table3(made, "vvenc-fast").ours
    assert ours["method"].unique().tolist() == ["anchor", "iqnet"]
    row = ours[(ours["sequence"] == "a") & (ours["method"] == "iqnet")].iloc[0]
    assert row["seeds"] == 2 and row["saving_pct"] == pytest.approx(15, abs=0.01)
    assert row["saving_pct_deviation"] == pytest.approx(np.std([20, 10], ddof=1), abs=0.01)
    assert "Means over 2 training seeds" in table4(made, "vvenc-fast").caption
    (mean,) = headline(made, "vvenc-fast").ours.to_dict("records")
    assert mean["seeds"] == 2 and mean["mean_saving_pct"] == pytest.approx(15, abs=0.01)
    assert mean["mean_saving_low"] < 15 < mean["mean_saving_high"]  # two seeds leave much open
    single = headline(with_conditions(points({"iqnet": 0.85}), {}), "vvenc-fast")
    assert "seeds" not in single.ours and "seeds" not in single.caption


def test_the_saving_over_cnn_jnqd_is_over_seeds():
    both = itertools.product({"cnn_jnqd": 1.0, "iqnet": 0.8}.items(), range(3))
    factors = {f"{name}_seed{seed}": factor + 0.02 * seed for (name, factor), seed in both}
    made = with_seeds(points(factors), {name: int(name[-1]) for name in factors})
    ours = bd_saving(with_conditions(made, {}), "vvenc-fast", "pchip").ours
    assert set(ours["method"]) == {"iqnet"} and set(ours["seeds"]) == {3}
    assert ours["bd_saving_pct"].between(19, 21).all()
