"""Audit of the IQNet paper: what its printed tables say when they are recomputed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path

from jndlab.files import read_csv
from jndlab.quality.bd_rate import BdRate, Curve, bd_rate

PUBLISHED = Path(__file__).resolve().parents[3] / "config" / "published" / "iqnet"
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
AUDIT_CAPTION = (
    "What the printed tables of the IQNet paper say when recomputed. BD-rates: piecewise cubic "
    "Hermite (pchip) over log rate, quality = VMAF of the reconstruction, rate = printed anchor "
    "bitrate x (1 - printed saving). Agrees: yes, no, not checkable (the tables do not hold the "
    "data), not printed (a consequence of the tables that the paper does not state)."
)
QPS = ("22", "27", "32", "37")
# Rounding of the printed numbers moves the BD-rates by up to 0.9 points (computed per row).
BD_TOLERANCE = 2.0
SIMILAR_BD_PCT = 5.0  # our reading of the paper's word "similar"
FRAME_SAVING_TOLERANCE = 2.0  # one frame against its sequence: ours
FRAME_PSNR_TOLERANCE = 0.5

Row = dict[str, str]


def audit(folder: Path = PUBLISHED) -> list[Row]:
    """One row per claim, all recomputed from the tables in ``folder``. Keys: AUDIT_COLUMNS."""
    tables = {path.stem: read_csv(path) for path in sorted(folder.glob("*.csv"))}
    claims = {row["claim"]: row for row in tables["claims"]}
    table2, table3 = tables["table2_training_images"], tables["table3_vmaf_bitrate"]
    table4, frames = tables["table4_ps_comparison"], tables["figures_frames"]
    return [
        *_sequences(claims, tables["table1_sequences"]),
        *_headline(claims, table4),
        *_bd_rate_of_table3(claims, table3),
        *_bd_rate_to_anchor(table3),
        *_prefiltered_vmaf(table3),
        *_averages(table4, tables["table4_printed_averages"]),
        *_saving_twice(table3, table4),
        *_trend(claims, table4),
        *_frames(claims, frames, table3, table4),
        *_training_images(claims, table2),
    ]


def _row(
    claim: str,
    where: str,
    quantity: str,
    printed: str,
    recomputed: str,
    agrees: bool | str,
    why: str,
    tolerance: str = "",
) -> Row:
    verdict = agrees if isinstance(agrees, str) else ("yes" if agrees else "no")
    cells = (claim, where, quantity, printed, recomputed, tolerance, verdict, why)
    return dict(zip(AUDIT_COLUMNS, cells, strict=True))


def _pick(rows: Sequence[Row], **where: str) -> list[Row]:
    """Rows whose cells are all as asked, in printed order."""
    return [row for row in rows if all(row[name] == text for name, text in where.items())]


def _scenes(rows: Sequence[Row]) -> list[tuple[str, str]]:
    """(configuration, sequence) pairs in printed order."""
    return list(dict.fromkeys((row["config"], row["sequence"]) for row in rows))


def _sequences(claims: dict[str, Row], table1: Sequence[Row]) -> Iterator[Row]:
    claim = claims["sequences"]
    classes = [row["class"] for row in table1]
    counts = ", ".join(f"{name} {classes.count(name)}" for name in sorted(set(classes)))
    names = [row["sequence"] for row in table1]
    twice = ", ".join(sorted({name for name in names if names.count(name) > 1})) or "none"
    agrees = len(table1) == int(claim["printed"])
    why = f"classes {counts}; in two classes: {twice}"
    recomputed = str(len(table1))
    yield _row("sequences", "Table I", claim["quantity"], claim["printed"], recomputed, agrees, why)


def _headline(claims: dict[str, Row], table4: Sequence[Row]) -> Iterator[Row]:
    """Overall savings against the part of the sequences that Table IV lists."""
    for config in ("AI", "LDP"):
        rows = _pick(table4, config=config, method="IQNet")
        savings = [float(row["bitrate_saving_pct"]) for row in rows]
        listed = len({row["sequence"] for row in rows})
        for name, value in (
            ("max", max(savings)),
            ("min", min(savings)),
            ("mean", statistics.mean(savings)),
        ):
            claim = claims[f"saving_{name}_{config}"]
            printed = float(claim["printed"])
            beyond = {"max": printed > value, "min": printed < value, "mean": True}[name]
            if abs(printed - value) <= 0.5:
                agrees: bool | str = True
                why = f"reached by the {listed} sequences of Table IV"
            elif beyond:
                agrees = "not checkable"
                why = f"Table IV lists {listed} sequences; the others must account for it"
            else:
                agrees, why = False, "the rows of Table IV lie beyond it"
            yield _row(
                f"saving_{name}_{config}",
                f"{claim['where']}; Table IV",
                f"{claim['quantity']} (%), {config}",
                claim["printed"],
                f"{value:.2f}",
                agrees,
                why,
                "0.5",
            )


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


def _rounding_bound(anchor: Sequence[Row], test: Sequence[Row], unrounded: BdRate) -> float:
    """First-order bound of what half a unit in every printed saving and VMAF can do to a BD-rate."""
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
                    moves.append(abs(rate.percent - unrounded.percent))
                total += max(moves)
    return total


def _bd_rate_of_table3(claims: dict[str, Row], table3: Sequence[Row]) -> Iterator[Row]:
    for config, sequence in _scenes(table3):
        claim = claims[f"bd_saving_{config}_{sequence}"]
        anchor, test = (
            _pick(table3, config=config, sequence=sequence, method=method)
            for method in ("CNN-JNQD", "IQNet")
        )
        rate = bd_rate(_curve(anchor), _curve(test))
        other = ", ".join(
            f"{-bd_rate(_curve(anchor), _curve(test), method).percent:.2f} by {method}"
            for method in ("cubic", "akima")
        )
        bound = _rounding_bound(anchor, test, rate)
        yield _row(
            claim["claim"],
            f"{claim['where']}; Table III",
            f"{claim['quantity']} (%), {config} {sequence}",
            claim["printed"],
            f"{-rate.percent:.2f}",
            abs(-rate.percent - float(claim["printed"])) <= BD_TOLERANCE,
            f"{other}; overlap {rate.overlap:.0%}; rounding moves it by at most {bound:.1f}",
            f"{BD_TOLERANCE:g}",
        )


def _bd_rate_to_anchor(table3: Sequence[Row]) -> Iterator[Row]:
    for config, sequence in _scenes(table3):
        anchor = _pick(table3, config=config, sequence=sequence, method="anchor")
        for method in ("IQNet", "CNN-JNQD"):
            test = _pick(table3, config=config, sequence=sequence, method=method)
            rate = bd_rate(_curve(anchor), _curve(test))
            drop = float(anchor[0]["vmaf_r"]) - float(test[0]["vmaf_r"])
            cost = "costs" if rate.percent > 0 else "saves"
            yield _row(
                f"bd_rate_to_anchor_{method}_{config}_{sequence}",
                "Table III",
                f"BD-rate of {method} against the anchor (%), {config} {sequence}",
                "",
                f"{rate.percent:+.2f}",
                "not printed",
                f"at equal VMAF it {cost} rate; the savings printed are at equal QP, where VMAF "
                f"is {drop:.2f} lower at QP {test[0]['qp']}; overlap {rate.overlap:.0%}",
            )


def _prefiltered_vmaf(table3: Sequence[Row]) -> Iterator[Row]:
    """Is the VMAF_p column of CNN-JNQD in the order of the QPs? The codec's loss tells."""
    for config, sequence in _scenes(table3):
        before, after = {}, {}
        for method in ("IQNet", "CNN-JNQD"):
            rows = _pick(table3, config=config, sequence=sequence, method=method)
            before[method] = [float(row["vmaf_p"]) for row in rows]
            after[method] = [float(row["vmaf_r"]) for row in rows]
        codec_loss = [p - r for p, r in zip(before["IQNet"], after["IQNet"], strict=True)]

        def distance(column: Sequence[float], rec=after["CNN-JNQD"], loss=codec_loss) -> float:
            gaps = [p - r - one for p, r, one in zip(column, rec, loss, strict=True)]
            return math.sqrt(statistics.mean(gap * gap for gap in gaps))

        as_printed = distance(before["CNN-JNQD"])
        in_reverse = distance(before["CNN-JNQD"][::-1])
        yield _row(
            f"vmaf_p_order_{config}_{sequence}",
            "Table III",
            "VMAF_p - VMAF_r of CNN-JNQD, RMS distance to IQNet's: as printed, then reversed, "
            f"{config} {sequence}",
            f"{as_printed:.2f}",
            f"{in_reverse:.2f}",
            as_printed <= in_reverse,
            "this difference is the codec's loss and should be alike for both methods; it is so "
            + ("as printed" if as_printed <= in_reverse else "with the column in reverse QP order"),
        )
    for sequence in dict.fromkeys(row["sequence"] for row in table3):
        rows = _pick(table3, sequence=sequence, method="IQNet")
        values = sorted({row["vmaf_p"] for row in rows})
        yield _row(
            f"one_network_{sequence}",
            "Table III",
            f"distinct VMAF_p of IQNet over QP and configuration, {sequence}",
            "1",
            str(len(values)),
            len(values) == 1,
            "one network serves all QPs, so its output is one video",
            "0",
        )


def _averages(table4: Sequence[Row], averages: Sequence[Row]) -> Iterator[Row]:
    for row in averages:
        rows = _pick(table4, config=row["config"], method=row["method"])
        values = [Decimal(one[row["quantity"]]) for one in rows]
        mean, printed = sum(values) / len(values), Decimal(row["printed_average"])
        unit = Decimal(1).scaleb(printed.as_tuple().exponent)
        exact = str(mean.quantize(unit / 10, ROUND_HALF_UP))
        rounded = mean.quantize(unit, ROUND_HALF_UP) == printed
        truncated = mean.quantize(unit, ROUND_DOWN) == printed
        if rounded or truncated:
            why = "rounded" if rounded else "truncated, not rounded"
        elif row["printed_average"] in _one_digit_dropped(exact):
            why = f"{exact} with a digit left out"
        else:
            why = "not the mean of the rows"
        at_22 = statistics.mean(float(one[row["quantity"]]) for one in _pick(rows, qp="22"))
        middle = statistics.median(float(value) for value in values)
        yield _row(
            f"average_{row['config']}_{row['quantity']}_{row['method']}",
            "Table IV",
            f"average {row['quantity']} of {row['method']}, {row['config']}",
            row["printed_average"],
            f"{mean:.4f}",
            rounded or truncated,
            f"{why}; mean of {len(values)} rows; median {middle:.2f}; mean at QP 22 {at_22:.2f}",
            str(unit),
        )


def _saving_twice(table3: Sequence[Row], table4: Sequence[Row]) -> Iterator[Row]:
    for row in _pick(table3, method="IQNet"):
        where = {name: row[name] for name in ("config", "sequence", "qp", "method")}
        for twin in _pick(table4, **where):
            gap = abs(float(row["saving_pct"]) - float(twin["bitrate_saving_pct"]))
            agrees = gap <= 0.5
            yield _row(
                f"saving_twice_{row['config']}_{row['sequence']}_QP{row['qp']}",
                "Tables III and IV",
                f"saving of IQNet (%), {row['config']} {row['sequence']} QP {row['qp']}: "
                "Table III, then IV",
                row["saving_pct"],
                twin["bitrate_saving_pct"],
                agrees,
                "the same after rounding" if agrees else "two values for the same thing",
                "0.5",
            )


def _trend(claims: dict[str, Row], table4: Sequence[Row]) -> Iterator[Row]:
    claim = claims["saving_falls_with_qp"]
    for config, sequence in _scenes(table4):
        rows = _pick(table4, config=config, sequence=sequence, method="IQNet")
        savings = [float(row["bitrate_saving_pct"]) for row in rows]
        rises = sum(later >= earlier for earlier, later in zip(savings, savings[1:], strict=False))
        yield _row(
            f"saving_falls_{config}_{sequence}",
            f"{claim['where']}; Table IV",
            f"saving of IQNet (%) from QP {QPS[0]} to {QPS[-1]}, {config} {sequence}",
            claim["printed"],
            " / ".join(row["bitrate_saving_pct"] for row in rows),
            rises == 0,
            "falls at every step" if rises == 0 else f"rises at {rises} of {len(savings) - 1} steps",
        )
