"""BD-rate: published values, a status for every odd curve, and means that say what they hold."""

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jndlab.errors import UserError
from jndlab.quality.bd_rate import BdRate, Curve, bd_rate, mean_bd_rate, percent_as_fitted

# The example of the `bjontegaard` package's README.
ANCHOR = Curve([9487.76, 4593.60, 2486.44, 1358.24], [40.037, 38.615, 36.845, 34.851])
TEST = Curve([9787.80, 4469.00, 2451.52, 1356.24], [40.121, 38.651, 36.970, 34.987])

# Table III of IQNet: anchor kbit/s, then per method VMAF_r and saving in % at QP 22, 27, 32, 37.
TABLE_3 = {
    "AI PartyScene": (
        [44648, 27716, 16417, 9168],
        [81.89, 80.68, 77.25, 69.47], [19, 19, 15, 4],
        [91.26, 88.67, 82.36, 70.01], [18, 18, 18, 18],
    ),
    "AI BQTerrace": (
        [181049, 89899, 42914, 23198],
        [89.79, 87.41, 85.31, 80.68], [43, 37, 22, 14],
        [96.02, 94.72, 90.26, 81.51], [32, 29, 17, 13],
    ),
    "LDP PartyScene": (
        [16641, 8306, 3811, 1609],
        [81.52, 79.89, 75.92, 67.37], [35, 34, 27, 10],
        [90.87, 87.91, 81.14, 67.99], [24, 24, 24, 22],
    ),
    "LDP BQTerrace": (
        [113900, 29848, 7415, 2582],
        [87.83, 86.83, 84.68, 80.13], [67, 60, 37, 18],
        [95.72, 94.09, 89.55, 81.01], [53, 49, 28, 18],
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "percent"), [("cubic", -4.4205), ("pchip", -4.4175), ("akima", -4.4252)]
)
def test_methods_on_the_readme_data(method, percent):
    found = bd_rate(ANCHOR, TEST, method)
    assert found.percent == pytest.approx(percent, abs=5e-5)
    assert (found.status, found.method, found.points) == ("ok", method, 4)
    assert found.overlap == pytest.approx((40.037 - 34.987) / (40.121 - 34.851))


def test_pchip_is_the_default():
    assert bd_rate(ANCHOR, TEST) == bd_rate(ANCHOR, TEST, "pchip")


@pytest.mark.parametrize(
    ("row", "pchip", "cubic", "akima"),
    [
        ("AI PartyScene", 28.95, 30.4789, 28.8497),
        ("AI BQTerrace", 37.14, -3.5392, 35.2564),
        ("LDP PartyScene", 33.45, 32.7612, 33.2144),
        ("LDP BQTerrace", 46.84, 15.1556, 45.7776),
    ],
)
def test_printed_table_3_recomputed(row, pchip, cubic, akima):
    rate, quality_a, saving_a, quality_t, saving_t = TABLE_3[row]
    anchor = Curve([r * (1 - s / 100) for r, s in zip(rate, saving_a, strict=True)], quality_a)
    test = Curve([r * (1 - s / 100) for r, s in zip(rate, saving_t, strict=True)], quality_t)
    found = bd_rate(anchor, test)
    assert -found.percent == pytest.approx(pchip, abs=0.005)
    assert -percent_as_fitted(anchor, test, "cubic") == pytest.approx(cubic, abs=5e-4)
    assert -percent_as_fitted(anchor, test, "akima") == pytest.approx(akima, abs=5e-4)
    if row == "AI BQTerrace":  # the polynomial makes a loss of a third saved
        assert bd_rate(anchor, test, "cubic").status == "fit_turns"
    # As printed, the curves share 44 to 58 % of their range: a value, with its warning.
    assert found.status == "low_overlap"
    assert 0.44 <= round(found.overlap, 2) <= 0.58


def test_order_of_the_points_is_free():
    mixed = [2, 0, 3, 1]
    shuffled = Curve([TEST.rate[i] for i in mixed], [TEST.quality[i] for i in mixed])
    assert bd_rate(ANCHOR, shuffled) == bd_rate(ANCHOR, TEST)


def test_curves_may_have_different_numbers_of_points():
    longer = Curve([*TEST.rate, 700.0], [*TEST.quality, 32.9])
    found = bd_rate(ANCHOR, longer)
    assert (found.points, found.status) == (4, "low_overlap")
    assert found.percent == pytest.approx(-4.4, abs=0.3)


@pytest.mark.parametrize(
    ("rate", "quality"),
    [
        ([1, 2, 3], [30, 31, 32]),
        ([], []),
        ([1, 2, 3, 4], [30, 31, 32, math.inf]),  # a lossless point
        ([1, 2, 3, 4], [30, math.nan, 32, 33]),
        ([0, 2, 3, 4], [30, 31, 32, 33]),
    ],
)
def test_too_few_points(rate, quality):
    for found in (bd_rate(ANCHOR, Curve(rate, quality)), bd_rate(Curve(rate, quality), ANCHOR)):
        assert (found.percent, found.status) == (None, "too_few_points")
        assert found.points == min(3, len(rate))
        assert 0 <= found.overlap <= 1


def test_a_point_that_is_no_number_is_left_out_of_five():
    found = bd_rate(ANCHOR, Curve([*TEST.rate, 99999.0], [*TEST.quality, math.inf]))
    assert found == bd_rate(ANCHOR, TEST)


@pytest.mark.parametrize(
    ("rate", "quality"),
    [
        ([1, 2, 3, 4], [30, 32, 32, 33]),  # plateau
        ([1, 2, 3, 4], [90, 98, 100, 100]),  # saturated VMAF
        ([1, 2, 2, 4], [30, 31, 32, 33]),  # tie in rate
        ([1, 2, 3, 4], [30, 33, 32, 34]),  # a turn
        ([4, 3, 2, 1], [30, 31, 32, 33]),  # falling
        ([1, 2, 3, 4], [35, 35, 35, 35]),
    ],
)
def test_non_monotonic(rate, quality):
    for found in (bd_rate(ANCHOR, Curve(rate, quality)), bd_rate(Curve(rate, quality), ANCHOR)):
        assert (found.percent, found.status) == (None, "non_monotonic")


@pytest.mark.parametrize("shift", [-20, 20, 40.037 - 34.851])
def test_no_overlap(shift):
    found = bd_rate(ANCHOR, Curve(ANCHOR.rate, [q + shift for q in ANCHOR.quality]))
    assert (found.percent, found.status, found.overlap) == (None, "no_overlap", 0.0)


def test_overlap_agrees_with_the_guard_of_the_package(recwarn):
    import bjontegaard

    for shift in (0.6, 0.7, 0.74, 0.75, 0.8, 2.0):
        test = Curve(ANCHOR.rate, [q + shift for q in ANCHOR.quality])
        recwarn.clear()
        bjontegaard.bd_rate(*ANCHOR.__dict__.values(), *test.__dict__.values(), method="pchip")
        warned = any("Insufficient curve overlap" in str(w.message) for w in recwarn)
        found = bd_rate(ANCHOR, test)
        assert found.status == ("low_overlap" if warned else "ok")
        assert found.percent is not None


def test_mistakes_are_told():
    with pytest.raises(UserError, match="linear"):
        bd_rate(ANCHOR, TEST, "linear")
    with pytest.raises(UserError, match="one quality for each rate"):
        bd_rate(ANCHOR, Curve([1, 2, 3], [30, 31]))


def test_mean_counts_what_it_leaves_out():
    rates = [
        BdRate(-10.0, "ok", 0.9, "pchip", 4),
        BdRate(-20.0, "low_overlap", 0.5, "pchip", 4),
        BdRate(None, "no_overlap", 0.0, "pchip", 4),
        BdRate(None, "non_monotonic", 0.9, "pchip", 4),
    ]
    mean = mean_bd_rate(rates)
    assert (mean.percent, mean.used, mean.left_out, mean.low_overlap) == (-15.0, 2, 2, 1)
    assert mean_bd_rate(rates[2:]).percent is None
    assert mean_bd_rate([]).used == 0


def test_import_brings_neither_scipy_nor_matplotlib(repository):
    code = (
        "import sys, jndlab.quality.bd_rate; "
        "sys.exit(any(m in sys.modules for m in ('scipy', 'matplotlib', 'bjontegaard')))"
    )
    folder = repository / "workflow_scripts"
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, check=False).returncode == 0


steps = st.lists(st.floats(0.2, 3), min_size=4, max_size=4)


@given(steps, steps, st.floats(0.2, 5))
def test_properties(rate_steps, quality_steps, factor):
    quality = [30 + sum(quality_steps[: i + 1]) for i in range(4)]
    rate = [100 * math.exp(sum(rate_steps[: i + 1])) for i in range(4)]
    curve, scaled = Curve(rate, quality), Curve([r * factor for r in rate], quality)
    there, back = bd_rate(curve, scaled), bd_rate(scaled, curve)
    assert there.percent == pytest.approx(100 * (factor - 1), abs=1e-6)
    assert (1 + there.percent / 100) * (1 + back.percent / 100) == pytest.approx(1)
    assert there.overlap == 1
