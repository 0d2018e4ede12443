"""Audit of the IQNet paper: what its printed tables say when they are recomputed."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Iterator, Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from pathlib import Path

from jndlab.papers.iqnet.audit.networks import audit_sizes
from jndlab.papers.iqnet.audit.rates import AUDIT_COLUMNS, audit_rates, audit_row
from jndlab.papers.iqnet.published import PRINTED, Row, load_published, pick, scenes

AUDIT_CAPTION = (
    "What the printed tables of the IQNet paper say when recomputed. BD-rates: piecewise cubic "
    "Hermite (pchip) over log rate, quality = VMAF of the reconstruction, rate = printed anchor "
    "bitrate x (1 - printed saving). Agrees: yes, no, not checkable (the tables do not hold the "
    "data), not printed (a consequence of the tables that the paper does not state). Sizes of "
    "networks are counted on those of the suite, whose widths are assumed."
)
ABOUT_PCT = 1.0  # percentage points that the paper's words "about" and "around" leave: ours
# Between one frame and its sequence: ours.
FRAME_TOLERANCES = {"saving": ("%", 2.0), "PSNR drop": ("dB", 0.5)}
FRAME_RATE_RATIO = 2.0


def audit(folder: Path = PRINTED) -> list[Row]:
    """One row per claim, all recomputed from the tables in ``folder``. Keys: AUDIT_COLUMNS."""
    tables = load_published(folder)
    claims = {row["claim"]: row for row in tables["claims"]}
    table3, table4 = tables["table3_vmaf_bitrate"], tables["table4_ps_comparison"]
    return [
        *_sequences(claims, tables["table1_sequences"]),
        *_headline(claims, table4),
        *audit_rates(claims, tables["table2_training_images"], table3),
        *_averages(table4, tables["table4_printed_averages"]),
        *_saving_twice(table3, table4),
        *_trend(claims, table4),
        *_frames(claims, tables["figures_frames"], table3, table4),
        *_training_picture(claims),
        *audit_sizes(claims),
    ]


def write_audit(stem: str | Path, folder: Path = PRINTED) -> list[Path]:
    """Write the audit as ``stem.csv``, ``stem.md`` and ``stem.tex``; return the paths."""
    import pandas as pd

    from jndlab.report.tables import write_table

    frame = pd.DataFrame(audit(folder), columns=AUDIT_COLUMNS)
    return write_table(frame, stem, caption=AUDIT_CAPTION)


def _sequences(claims: dict[str, Row], table1: Sequence[Row]) -> Iterator[Row]:
    claim = claims["sequences"]
    classes = [row["class"] for row in table1]
    counts = ", ".join(f"{name} {classes.count(name)}" for name in sorted(set(classes)))
    names = [row["sequence"] for row in table1]
    twice = ", ".join(sorted({name for name in names if names.count(name) > 1})) or "none"
    agrees = len(table1) == int(claim["printed"])
    why = f"classes {counts}; in two classes: {twice}"
    recomputed = str(len(table1))
    yield audit_row(
        "sequences", "Table I", claim["quantity"], claim["printed"], recomputed, agrees, why
    )


def _headline(claims: dict[str, Row], table4: Sequence[Row]) -> Iterator[Row]:
    """Overall savings against the part of the sequences that Table IV lists."""
    for configuration in ("AI", "LDP"):
        rows = pick(table4, configuration=configuration, method="IQNet")
        savings = [float(row["bitrate_saving_pct"]) for row in rows]
        listed = len({row["sequence"] for row in rows})
        for name, value in (
            ("max", max(savings)),
            ("min", min(savings)),
            ("mean", statistics.mean(savings)),
        ):
            claim = claims[f"saving_{name}_{configuration}"]
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
            yield audit_row(
                f"saving_{name}_{configuration}",
                f"{claim['where']}; Table IV",
                f"{claim['quantity']} (%), {configuration}",
                claim["printed"],
                f"{value:.2f}",
                agrees,
                why,
                "0.5",
            )


def _averages(table4: Sequence[Row], averages: Sequence[Row]) -> Iterator[Row]:
    for row in averages:
        rows = pick(table4, configuration=row["configuration"], method=row["method"])
        values = [Decimal(one[row["quantity"]]) for one in rows]
        mean, printed = statistics.mean(values), Decimal(row["printed_average"])
        unit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
        exact = str(mean.quantize(unit / 10, ROUND_HALF_UP))
        rounded = mean.quantize(unit, ROUND_HALF_UP) == printed
        truncated = mean.quantize(unit, ROUND_DOWN) == printed
        if rounded or truncated:
            why = "rounded" if rounded else "truncated, not rounded"
        elif row["printed_average"] in _one_digit_dropped(exact):
            why = f"{exact} with a digit left out"
        else:
            why = "not the mean of the rows"
        at_22 = statistics.mean(float(one[row["quantity"]]) for one in pick(rows, qp="22"))
        middle = statistics.median(float(value) for value in values)
        yield audit_row(
            f"average_{row['configuration']}_{row['quantity']}_{row['method']}",
            "Table IV",
            f"average {row['quantity']} of {row['method']}, {row['configuration']}",
            row["printed_average"],
            f"{mean:.4f}",
            rounded or truncated,
            f"{why}; mean of {len(values)} rows; median {middle:.2f}; mean at QP 22 {at_22:.2f}",
            str(unit),
        )


def _saving_twice(table3: Sequence[Row], table4: Sequence[Row]) -> Iterator[Row]:
    for row in pick(table3, method="IQNet"):
        where = {name: row[name] for name in ("configuration", "sequence", "qp", "method")}
        for twin in pick(table4, **where):
            gap = abs(float(row["saving_pct"]) - float(twin["bitrate_saving_pct"]))
            agrees = gap <= 0.5
            yield audit_row(
                f"saving_twice_{row['configuration']}_{row['sequence']}_QP{row['qp']}",
                "Tables III and IV",
                f"saving of IQNet (%), {row['configuration']} {row['sequence']} QP {row['qp']}: "
                "Table III, then IV",
                row["saving_pct"],
                twin["bitrate_saving_pct"],
                agrees,
                "the same after rounding" if agrees else "two values for the same thing",
                "0.5",
            )


def _trend(claims: dict[str, Row], table4: Sequence[Row]) -> Iterator[Row]:
    claim = claims["saving_falls_with_qp"]
    for configuration, sequence in scenes(table4):
        rows = pick(table4, configuration=configuration, sequence=sequence, method="IQNet")
        savings = [float(row["bitrate_saving_pct"]) for row in rows]
        rises = sum(later >= earlier for earlier, later in itertools.pairwise(savings))
        yield audit_row(
            f"saving_falls_{configuration}_{sequence}",
            f"{claim['where']}; Table IV",
            f"saving of IQNet (%) from QP {rows[0]['qp']} to {rows[-1]['qp']}, "
            f"{configuration} {sequence}",
            claim["printed"],
            " / ".join(row["bitrate_saving_pct"] for row in rows),
            rises == 0,
            "falls at every step"
            if rises == 0
            else f"rises at {rises} of {len(savings) - 1} steps",
        )


def _frames(
    claims: dict[str, Row], frames: Sequence[Row], table3: Sequence[Row], table4: Sequence[Row]
) -> Iterator[Row]:
    """Single frames of Fig. 13, 14 and 18 against the tables of their sequences."""
    yield from _frame_13(claims, frames, table3, table4)
    yield from _frame_14(frames, table4)
    figure = pick(frames, figure="Fig. 18")
    anchor, cnn = (_printed(figure, method, "bitrate") for method in ("anchor", "CNN-JNQD"))
    savings = {
        "CNN-JNQD": 100 * (1 - cnn / anchor),
        "IQNet": _printed(figure, "IQNet", "saving_pct"),
    }
    drop = _printed(figure, "IQNet", "psnr_drop_db")
    at = {"sequence": figure[0]["sequence"], "qp": figure[0]["qp"]}
    place = f"{at['sequence']} QP {at['qp']}"
    for configuration in ("AI", "LDP"):
        for method, saving in savings.items():
            row = pick(table3, configuration=configuration, method=method, **at)[0]
            yield _frame_row(
                f"fig18_saving_{method}_{configuration}", "Fig. 18", f"Table III {configuration}",
                "saving", place, row["saving_pct"], saving, method,
            )  # fmt: skip
        row = pick(table4, configuration=configuration, method="IQNet", **at)[0]
        yield _frame_row(
            f"fig18_psnr_drop_IQNet_{configuration}", "Fig. 18", f"Table IV {configuration}",
            "PSNR drop", place, row["psnr_drop_db"], drop,
        )  # fmt: skip


def _frame_13(
    claims: dict[str, Row], frames: Sequence[Row], table3: Sequence[Row], table4: Sequence[Row]
) -> Iterator[Row]:
    figure = pick(frames, figure="Fig. 13")
    anchor = pick(figure, method="anchor", quantity="bitrate")[0]
    at = {name: anchor[name] for name in ("configuration", "sequence", "qp")}
    place = f"{at['configuration']} {at['sequence']} QP {at['qp']}"
    sequence_rate = float(pick(table3, method="anchor", **at)[0]["bitrate_anchor"])
    ratio = float(anchor["printed"]) / sequence_rate
    digit = "; one digit too many would explain it" if 5 <= ratio <= 20 else ""
    yield audit_row(
        "fig13_anchor_bitrate",
        "Fig. 13; Table III",
        f"bitrate of the anchor (unit not printed), {place}: the frame, then Table III",
        anchor["printed"],
        f"{sequence_rate:g}",
        1 / FRAME_RATE_RATIO <= ratio <= FRAME_RATE_RATIO,
        f"the frame has {ratio:.2f} times the rate of its sequence{digit}",
        f"factor {FRAME_RATE_RATIO:g}",
    )
    in_table3, in_table4 = (pick(rows, method="IQNet", **at)[0] for rows in (table3, table4))
    for name, table, words, printed, quantity in (
        ("psnr_drop", "Table IV", "PSNR drop", in_table4["psnr_drop_db"], "psnr_drop_db"),
        ("saving_table", "Table III", "saving", in_table3["saving_pct"], "saving_pct"),
    ):
        frame = _printed(figure, "IQNet", quantity)
        yield _frame_row(f"fig13_{name}", "Fig. 13", table, words, place, printed, frame)
    claim, of_sequence = claims["saving_BQTerrace_fig13"], in_table4["bitrate_saving_pct"]
    yield audit_row(
        "fig13_saving_text",
        f"{claim['where']}; Table IV",
        f"{claim['quantity']} ({claim['unit']}), {place}: the text, then Table IV",
        claim["printed"],
        of_sequence,
        abs(float(of_sequence) - float(claim["printed"])) <= ABOUT_PCT,
        claim["note"],
        f"{ABOUT_PCT:g}",
    )


def _frame_14(frames: Sequence[Row], table4: Sequence[Row]) -> Iterator[Row]:
    """The frame of Fig. 14: its configuration is not printed, so both are held against it."""
    figure = pick(frames, figure="Fig. 14")
    at = {"sequence": figure[0]["sequence"], "qp": figure[0]["qp"]}
    rate, iqnet_rate = (_printed(figure, method, "bitrate") for method in ("anchor", "IQNet"))
    psnr, iqnet_psnr = (_printed(figure, method, "psnr_y") for method in ("anchor", "IQNet"))
    measured = {
        "saving": ("bitrate_saving_pct", 100 * (1 - iqnet_rate / rate)),
        "PSNR drop": ("psnr_drop_db", psnr - iqnet_psnr),
    }
    for configuration in ("AI", "LDP"):
        row = pick(table4, configuration=configuration, method="IQNet", **at)[0]
        for words, (column, value) in measured.items():
            yield _frame_row(
                f"fig14_{words.lower().replace(' ', '_')}_{configuration}", "Fig. 14",
                f"Table IV {configuration}", words, f"{at['sequence']} QP {at['qp']}",
                row[column], value,
            )  # fmt: skip


def _training_picture(claims: dict[str, Row]) -> Iterator[Row]:
    claim = claims["saving_training_picture"]
    yield audit_row(
        "saving_training_picture",
        f"{claim['where']}; Table II",
        f"{claim['quantity']} ({claim['unit']}), QP {claim['qp']}",
        claim["printed"],
        "no rate of the unfiltered picture",
        "not checkable",
        f"{claim['note']}; Table II has the training data and IQNet only; of the suite's own "
        "pictures: saving_pct of table2",
        f"{ABOUT_PCT:g}",
    )


def _frame_row(
    claim: str,
    figure: str,
    table: str,
    words: str,
    place: str,
    printed: str,
    frame: float,
    method: str = "IQNet",
) -> Row:
    """A frame of a ``figure`` held against what a ``table`` (``Table IV AI``) prints for it."""
    unit, tolerance = FRAME_TOLERANCES[words]
    return audit_row(
        claim,
        f"{figure}; {' '.join(table.split()[:2])}",
        f"{words} of {method} ({unit}), {place}: {table}, then the frame",
        printed,
        f"{frame:.2f}",
        abs(frame - float(printed)) <= tolerance,
        "one frame against its sequence: they need not be equal; the tolerance is ours",
        f"{tolerance:g}",
    )


def _printed(figure: Sequence[Row], method: str, quantity: str) -> float:
    return float(pick(figure, method=method, quantity=quantity)[0]["printed"])


def _one_digit_dropped(text: str) -> list[str]:
    """All readings of a printed number with one character left out."""
    return [text[:index] + text[index + 1 :] for index in range(len(text))]
