"""Our numbers compared with the printed ones: difference, tolerance and a computed verdict."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from jndlab.report.conditions import Found, Required, first_failure

REPRODUCED = "reproduced"
DEVIATES = "deviates"
NOT_MEASURED = "not measured"
NOT_COMPARABLE = "not comparable"
DECODED, DECODED_STREAMS = "decoded from ", "decoded from streams"
FOUND = "found"  # column of our numbers: the conditions that each was made under


def compare_with_published(
    ours: pd.DataFrame,
    printed: Sequence[Mapping[str, str]],
    keys: Sequence[str],
    quantities: Sequence[str],
    tolerance: Mapping[str, float | str],
    required: Required | Callable[[Mapping[str, Any]], Required],
) -> pd.DataFrame:
    """Compare ``ours`` with the ``printed`` rows (text cells, as ``files.read_csv`` gives them).

    Rows meet where all ``keys`` have the same text. The result has one row per key and
    quantity, in the order of ``printed``, then what only we have: the keys, ``quantity``,
    ``ours``, ``printed`` (the string as printed), ``difference`` (ours - printed),
    ``tolerance`` and ``verdict``.

    ``tolerance`` gives the largest difference of each quantity that still counts as reproduced:
    a number in the quantity's unit, or text such as ``"5 %"`` of the printed value; it may be
    absent only where the protocol is not known, for there no verdict can follow. ``required`` are
    the conditions of ``report.conditions`` that the paper prints, or a function that gives those
    of a row of ours. ``ours`` needs the column ``content`` and the column ``found``, the
    conditions of each row (a sequence of mappings: a row may rest on several points or models).
    The first that fails, content before all others, makes the row ``not comparable``. Values that
    we lack are ``not measured``. Raises ValueError where one of these is missing.
    """
    for name in ("content", FOUND):
        if name not in ours.columns:
            raise ValueError(f"a comparison needs the column '{name}' in our numbers")
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
            difference = value - float(text) if value is not None and text else None
            if our_row is None or value is None:
                verdict = NOT_MEASURED
            else:
                asked = required(our_row) if callable(required) else required
                reason = _obstacle(our_row, asked, bool(text))
                verdict = reason or _verdict(difference, text, tolerance, quantity)
            rows.append(
                {
                    **dict(zip(keys, key, strict=True)),
                    "quantity": quantity,
                    "ours": value,
                    "printed": text,
                    "difference": difference,
                    "tolerance": str(tolerance.get(quantity, "")),
                    "verdict": verdict,
                }
            )
    names = [*keys, "quantity", "ours", "printed", "difference", "tolerance", "verdict"]
    table = pd.DataFrame(rows, columns=names)
    for name in ("ours", "difference"):
        table[name] = table[name].astype(float)
    return table


def content_of(content: pd.Series) -> str:
    """What a row made of a column ``content`` has: its one value, else ``demo`` if any is, else
    ``own``; of several streams ``decoded from streams``."""
    found = set(content)
    if len(found) > 1 and all(value.startswith(DECODED) for value in found):
        return DECODED_STREAMS
    return found.pop() if len(found) == 1 else "demo" if "demo" in found else "own"


def content_in_words(content: pd.Series) -> str:
    """The content of what a figure shows; nothing for material of one's own."""
    words = {"published": "the published sequences", "demo": "stand-in content", "own": ""}
    found = content_of(content)
    return words.get(found, found)


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


def _obstacle(row: Mapping[str, Any], required: Required, is_printed: bool) -> str:
    """Why a measured row cannot be compared with the printed one; empty if it can."""
    if row["content"] not in ("published", "demo"):
        content = "own content" if row["content"] == "own" else row["content"]
        return f"{NOT_COMPARABLE}: {content}"
    of_row = {"content": row["content"], "printed": "yes" if is_printed else "no"}
    found: list[Found] = [{**one, **of_row} for one in row[FOUND]] or [of_row]
    reason = first_failure({**required, "content": "published", "printed": "yes"}, found)
    return f"{NOT_COMPARABLE}: {reason}" if reason else ""


def _verdict(
    difference: float | None, text: str, tolerance: Mapping[str, float | str], quantity: str
) -> str:
    assert difference is not None, "measured and printed"
    if quantity not in tolerance:
        raise ValueError(f"no tolerance is given for {quantity}, and its protocol is known")
    allowed = tolerance[quantity]
    if isinstance(allowed, str):
        share = allowed.strip().removesuffix("%")
        if share == allowed.strip():
            raise ValueError(f"'{allowed}' is no tolerance: give a number, or such as '5 %'")
        limit = abs(float(text)) * float(share) / 100
    else:
        limit = float(allowed)
    # Printed decimals are not exact in binary: 0.3 of tolerance must allow 1.5 against 1.2.
    return REPRODUCED if abs(difference) <= limit + 1e-9 else DEVIATES
