"""Our numbers compared with the printed ones: difference, tolerance and a computed verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from jndlab.errors import UserError

REPRODUCED = "reproduced"
DEVIATES = "deviates"
NOT_MEASURED = "not measured"
NOT_COMPARABLE = "not comparable"
STAND_IN = "stand-in content"
NOTHING_PRINTED = "nothing printed for it"


def compare_with_published(
    ours: pd.DataFrame,
    printed: Sequence[Mapping[str, str]],
    keys: Sequence[str],
    quantities: Sequence[str],
    tolerance: Mapping[str, float | str],
    comparable: bool | str = True,
) -> pd.DataFrame:
    """Compare ``ours`` with the ``printed`` rows (text cells, as ``files.read_csv`` gives them).

    Rows meet where all ``keys`` have the same text. The result has one row per key and
    quantity, in the order of ``printed``, then what only we have: the keys, ``quantity``,
    ``ours``, ``printed`` (the string as printed), ``difference`` (ours - printed),
    ``tolerance`` and ``verdict``.

    ``tolerance`` gives the largest difference of each quantity that still counts as reproduced:
    a number in the quantity's unit, or text such as ``"5 %"`` of the printed value.
    ``comparable`` is True, or says why no row can be compared (another codec). ``ours`` must
    have a column ``content``: a row that is not ``published`` is stand-in content and can never
    be ``reproduced`` nor ``deviates``. A column ``not_comparable`` may give the reason for
    single rows (empty text: comparable). Values that we lack are ``not measured``.
    """
    if "content" not in ours.columns:
        raise ValueError("a comparison needs the column 'content' in our numbers")
    missing = [name for name in quantities if name not in tolerance]
    if missing:
        raise UserError(
            f"no tolerance is given for {', '.join(missing)}.",
            expected="a number in the unit of the quantity, or text such as '5 %'",
            remedy="add it under 'tolerance' in the configuration of the paper.",
        )
    mine = _by_key(ours.to_dict("records"), keys, "our numbers")
    theirs = _by_key(printed, keys, "the printed table")
    rows = []
    for key in [*theirs, *sorted(set(mine) - set(theirs))]:
        our_row, printed_row = mine.get(key), theirs.get(key, {})
        for quantity in quantities:
            value = _number((our_row or {}).get(quantity))
            text = str(printed_row.get(quantity) or "")
            if value is None and not text:
                continue
            allowed = tolerance[quantity]
            difference = value - float(text) if value is not None and text else None
            if our_row is None or value is None:
                verdict = NOT_MEASURED
            else:
                reason = _obstacle(our_row, comparable, bool(text))
                verdict = reason or _verdict(difference, text, allowed)
            rows.append(
                {
                    **dict(zip(keys, key, strict=True)),
                    "quantity": quantity,
                    "ours": value,
                    "printed": text,
                    "difference": difference,
                    "tolerance": str(allowed),
                    "verdict": verdict,
                }
            )
    names = [*keys, "quantity", "ours", "printed", "difference", "tolerance", "verdict"]
    table = pd.DataFrame(rows, columns=names)
    for name in ("ours", "difference"):
        table[name] = table[name].astype(float)
    return table


def content_of(content: pd.Series) -> str:
    """``published`` if all of a column ``content`` is, else ``demo``: what a row made of it has."""
    return "published" if (content == "published").all() else "demo"


def verdict_summary(comparison: pd.DataFrame) -> str:
    """How often each verdict was given, e.g. ``3 reproduced, 1 deviates, 2 not measured``."""
    verdicts = [verdict.split(":")[0] for verdict in comparison["verdict"]]
    order = (REPRODUCED, DEVIATES, NOT_COMPARABLE, NOT_MEASURED)
    counts = [f"{verdicts.count(name)} {name}" for name in order if name in verdicts]
    return ", ".join(counts) or "nothing to compare"


def with_verdicts(caption: str, comparison: pd.DataFrame) -> str:
    """A caption that ends with :func:`verdict_summary`."""
    return f"{caption} Verdicts: {verdict_summary(comparison)}."


def _by_key(
    rows: Sequence[Mapping[str, Any]], keys: Sequence[str], whose: str
) -> dict[tuple[str, ...], Mapping[str, Any]]:
    found: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for row in rows:
        key = tuple(str(row[name]) for name in keys)
        if key in found:
            raise ValueError(f"{whose} have two rows for {dict(zip(keys, key, strict=True))}")
        found[key] = row
    return found


def _number(value: Any) -> float | None:
    if value is None or value is pd.NA or math.isnan(value):
        return None
    return float(value)


def _obstacle(row: Mapping[str, Any], comparable: bool | str, is_printed: bool) -> str:
    """Why a measured row has no printed counterpart to compare with; empty if it has one."""
    if row["content"] != "published":
        reason = STAND_IN
    elif comparable is not True:
        reason = comparable or "not the published conditions"
    elif row.get("not_comparable"):
        reason = row["not_comparable"]
    elif not is_printed:
        reason = NOTHING_PRINTED
    else:
        return ""
    return f"{NOT_COMPARABLE}: {reason}"


def _verdict(difference: float | None, text: str, allowed: float | str) -> str:
    assert difference is not None, "measured and printed"
    if isinstance(allowed, str):
        share = allowed.strip().removesuffix("%")
        if share == allowed.strip():
            raise UserError(f"'{allowed}' is no tolerance.", expected="a number, or '5 %'")
        limit = abs(float(text)) * float(share) / 100
    else:
        limit = float(allowed)
    # Printed decimals are not exact in binary: 0.3 of tolerance must allow 1.5 against 1.2.
    return REPRODUCED if abs(difference) <= limit + 1e-9 else DEVIATES
