"""Audit of the IQNet paper, part two: BD-rates and VMAF of its Tables II and III."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence

from jndlab.papers.iqnet.published import Row, pick, scenes
from jndlab.quality.bd_rate import BdRate, Curve, bd_rate, percent_as_fitted

# Rounding of the printed numbers moves the BD-rates by up to about one point (see each row).
BD_TOLERANCE = 2.0
SIMILAR_BD_PCT = 5.0  # our reading of the paper's word "similar"
AUDIT_COLUMNS = [
    "claim",
    "where",
    "quantity",
    "printed",
    "recomputed",
    "tolerance",
    "agrees",
    "why",
]


def audit_row(
    claim: str,
    where: str,
    quantity: str,
    printed: str,
    recomputed: str,
    agrees: bool | str,
    why: str,
    tolerance: str = "",
) -> Row:
    """One row of the audit; ``agrees`` is true, false, ``not checkable`` or ``not printed``."""
    verdict = agrees if isinstance(agrees, str) else ("yes" if agrees else "no")
    cells = (claim, where, quantity, printed, recomputed, tolerance, verdict, why)
    return dict(zip(AUDIT_COLUMNS, cells, strict=True))


def audit_rates(
    claims: dict[str, Row], table2: Sequence[Row], table3: Sequence[Row]
) -> Iterator[Row]:
    """Rows on Table III (BD-rates, order and constancy of VMAF_p) and on Table II (BD-rates)."""
    yield from _bd_rate_of_table3(claims, table3)
    yield from _bd_rate_to_anchor(table3)
    yield from _prefiltered_vmaf(table3)
    yield from _training_images(claims, table2)


def _curve(rows: Sequence[Row], shift: tuple[int, float, float] | None = None) -> Curve:
    """Curve of Table III rows; ``shift`` = (row, added saving in points, added VMAF)."""
    rate, quality = [], []
    for index, row in enumerate(rows):
        saving, vmaf = float(row["saving_pct"] or 0), float(row["vmaf_r"])
        if shift and shift[0] == index:
            saving, vmaf = saving + shift[1], vmaf + shift[2]
        rate.append(float(row["bitrate_anchor"]) * (1 - saving / 100))
        quality.append(vmaf)
    return Curve(rate, quality)


def _percent(rate: BdRate) -> float:
    assert rate.percent is not None, "the printed curves are long, monotonic and overlap"
    return rate.percent


def _rounding_bound(anchor: Sequence[Row], test: Sequence[Row], unrounded: BdRate) -> float:
    """What half a unit in every printed saving and VMAF can do to a BD-rate, to first order."""
    total = 0.0
    for index in range(len(anchor)):
        for saving, vmaf in ((0.5, 0.0), (0.0, 0.005)):
            for moved in ("anchor", "test"):
                moves = []
                for sign in (-1, 1):
                    shift = (index, sign * saving, sign * vmaf)
                    rate = bd_rate(
                        _curve(anchor, shift if moved == "anchor" else None),
                        _curve(test, shift if moved == "test" else None),
                    )
                    moves.append(abs(_percent(rate) - _percent(unrounded)))
                total += max(moves)
    return total


def _bd_rate_of_table3(claims: dict[str, Row], table3: Sequence[Row]) -> Iterator[Row]:
    for configuration, sequence in scenes(table3):
        claim = claims[f"bd_saving_{configuration}_{sequence}"]
        anchor, test = (
            pick(table3, configuration=configuration, sequence=sequence, method=method)
            for method in ("CNN-JNQD", "IQNet")
        )
        rate = bd_rate(_curve(anchor), _curve(test))
        other = ", ".join(
            f"{-percent_as_fitted(_curve(anchor), _curve(test), method):.2f} by {method}"
            for method in ("cubic", "akima")
        )
        bound = _rounding_bound(anchor, test, rate)
        yield audit_row(
            claim["claim"],
            f"{claim['where']}; Table III",
            f"{claim['quantity']} (%), {configuration} {sequence}",
            claim["printed"],
            f"{-_percent(rate):.2f}",
            abs(-_percent(rate) - float(claim["printed"])) <= BD_TOLERANCE,
            f"{other}; overlap {rate.overlap:.0%}; rounding moves it by at most {bound:.1f}",
            f"{BD_TOLERANCE:g}",
        )


def _bd_rate_to_anchor(table3: Sequence[Row]) -> Iterator[Row]:
    for configuration, sequence in scenes(table3):
        anchor = pick(table3, configuration=configuration, sequence=sequence, method="anchor")
        for method in ("IQNet", "CNN-JNQD"):
            test = pick(table3, configuration=configuration, sequence=sequence, method=method)
            rate = bd_rate(_curve(anchor), _curve(test))
            drop = float(anchor[0]["vmaf_r"]) - float(test[0]["vmaf_r"])
            cost = "costs" if _percent(rate) > 0 else "saves"
            yield audit_row(
                f"bd_rate_to_anchor_{method}_{configuration}_{sequence}",
                "Table III",
                f"BD-rate of {method} against the anchor (%), {configuration} {sequence}",
                "",
                f"{rate.percent:+.2f}",
                "not printed",
                f"at equal VMAF it {cost} rate; the savings printed are at equal QP, where VMAF "
                f"is {drop:.2f} lower at QP {test[0]['qp']}; overlap {rate.overlap:.0%}",
            )


def _prefiltered_vmaf(table3: Sequence[Row]) -> Iterator[Row]:
    """Is the VMAF_p column of CNN-JNQD in the order of the QPs? The codec's loss tells."""
    for configuration, sequence in scenes(table3):
        before, after = {}, {}
        for method in ("IQNet", "CNN-JNQD"):
            rows = pick(table3, configuration=configuration, sequence=sequence, method=method)
            before[method] = [float(row["vmaf_p"]) for row in rows]
            after[method] = [float(row["vmaf_r"]) for row in rows]
        codec_loss = [p - r for p, r in zip(before["IQNet"], after["IQNet"], strict=True)]

        def distance(
            column: Sequence[float],
            rec: Sequence[float] = after["CNN-JNQD"],
            loss: Sequence[float] = codec_loss,
        ) -> float:
            gaps = [p - r - one for p, r, one in zip(column, rec, loss, strict=True)]
            return math.sqrt(statistics.mean(gap * gap for gap in gaps))

        as_printed = distance(before["CNN-JNQD"])
        in_reverse = distance(before["CNN-JNQD"][::-1])
        yield audit_row(
            f"vmaf_p_order_{configuration}_{sequence}",
            "Table III",
            "VMAF_p - VMAF_r of CNN-JNQD, RMS distance to IQNet's: as printed, then reversed, "
            f"{configuration} {sequence}",
            f"{as_printed:.2f}",
            f"{in_reverse:.2f}",
            as_printed <= in_reverse,
            "this difference is the codec's loss and should be alike for both methods; it is so "
            + ("as printed" if as_printed <= in_reverse else "with the column in reverse QP order"),
        )
    for sequence in dict.fromkeys(row["sequence"] for row in table3):
        rows = pick(table3, sequence=sequence, method="IQNet")
        values = sorted({row["vmaf_p"] for row in rows})
        yield audit_row(
            f"one_network_{sequence}",
            "Table III",
            f"distinct VMAF_p of IQNet over QP and configuration, {sequence}",
            "1",
            str(len(values)),
            len(values) == 1,
            "one network serves all QPs, so its output is one video",
            "0",
        )


def _training_images(claims: dict[str, Row], table2: Sequence[Row]) -> Iterator[Row]:
    claim = claims["training_data_similar"]
    for image in dict.fromkeys(row["image"] for row in table2):
        target, network = (
            Curve(
                [float(row["bitrate"]) for row in pick(table2, image=image, method=method)],
                [float(row["vmaf_r"]) for row in pick(table2, image=image, method=method)],
            )
            for method in ("training_data", "IQNet")
        )
        rate = bd_rate(target, network)
        similar = abs(_percent(rate)) <= SIMILAR_BD_PCT
        yield audit_row(
            f"training_data_similar_{image}",
            f"{claim['where']}; Table II",
            f"BD-rate of IQNet against its own training data (%), {image}",
            claim["printed"],
            f"{rate.percent:+.2f}",
            similar,
            "no threshold is printed; ours is the tolerance",
            f"{SIMILAR_BD_PCT:g}",
        )
