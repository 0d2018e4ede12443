"""Tables of JND labels: one row per source and level, checked, written and read as CSV."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from jndlab.errors import UserError
from jndlab.files import number_of, read_rows, whole_number_of, write_csv
from jndlab.quality.jnd_statistics import RANGES, JndSamples, Unit, estimate_jnd, is_statistic

Kind = Literal["subjective", "vmaf_steps"]
Order = Literal["error", "warn"]
# Other than mean, median and surNN: an objective rule's, the lowest block label of a clip
# (BL-JUNIPER), and the values of a folder that does not state how they were made.
OTHER_STATISTICS = ("steps", "block_minimum", "unstated")


@dataclass(frozen=True)
class JndLabel:
    """JND ``level`` (1, 2 ...) of a source as a QP or QF; subjects and 95 % interval if known."""

    source: str
    level: int
    value: float
    unit: Unit
    kind: Kind
    statistic: str
    subjects: int | None = None
    ci_low: float | None = None
    ci_high: float | None = None


COLUMNS = [field.name for field in fields(JndLabel)]


@dataclass(frozen=True)
class JndLabels:
    """JND labels of a data set, in one unit, of one kind and by one statistic.

    Every source has the levels 1 to ``levels``. Make tables by :func:`make_labels`, which checks.
    """

    rows: tuple[JndLabel, ...]

    @property
    def unit(self) -> Unit:
        """QP (rises with distortion) or QF (falls)."""
        return self.rows[0].unit

    @property
    def kind(self) -> Kind:
        """``subjective``, or ``vmaf_steps`` where there were no subjects."""
        return self.rows[0].kind

    @property
    def statistic(self) -> str:
        """How the value of a source was made of its samples."""
        return self.rows[0].statistic

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of the sources, in the order of the table."""
        return tuple(dict.fromkeys(row.source for row in self.rows))

    @property
    def levels(self) -> int:
        """Levels of each source."""
        return max(row.level for row in self.rows)

    def values(self, sources: Sequence[str] | None = None) -> np.ndarray:
        """Values as sources x levels (float), of all sources or of those named, in that order."""
        by_place = {(row.source, row.level): row.value for row in self.rows}
        known, levels = set(self.sources), range(1, self.levels + 1)
        wanted = self.sources if sources is None else sources
        for source in wanted:
            if source not in known:
                raise UserError(
                    f"there is no JND label of '{source}'.",
                    expected=f"one of {', '.join(list(known)[:8])}{' ...' * (len(known) > 8)}",
                )
        return np.array([[by_place[source, level] for level in levels] for source in wanted])

    def first(self) -> JndLabels:
        """The labels of the first level."""
        return JndLabels(tuple(row for row in self.rows if row.level == 1))

    def only(self, sources: Iterable[str]) -> JndLabels:
        """The labels of some sources."""
        wanted = set(sources)
        return JndLabels(tuple(row for row in self.rows if row.source in wanted))


def make_labels(
    rows: Iterable[JndLabel], where: str, *, levels: int = 3, order: Order = "error"
) -> JndLabels:
    """A checked table; ``where`` (a file) is named in the UserError of any fault.

    Checked: mixed units, kinds or statistics, values out of the unit's range, two rows for one
    place, levels missing or beyond ``levels``, and JND1 <= JND2 <= JND3 (for QF >=). With
    ``order="warn"`` levels out of order are kept and reported by a UserWarning: subjects' means and
    block labels can be so.
    """
    rows = tuple(rows)
    if not rows:
        raise UserError("a table of JND labels is empty.", where=where)
    for number, row in enumerate(rows, start=1):
        _check_row(row, rows[0], f"{where}, label {number}")
    by_source: dict[str, dict[int, float]] = {}
    for number, row in enumerate(rows, start=1):
        of_source = by_source.setdefault(row.source, {})
        if row.level in of_source:
            raise UserError(
                f"{row.source} has two labels of level {row.level}.",
                where=f"{where}, label {number}",
                expected=f"one; found {of_source[row.level]:g} and {row.value:g}",
            )
        of_source[row.level] = row.value
    _check_levels(by_source, levels, where)
    _check_order(by_source, rows[0].unit, where, order)
    return JndLabels(rows)


def labels_from_samples(
    samples: JndSamples, statistic: str, where: str, *, order: Order = "error"
) -> JndLabels:
    """Subjective labels: one statistic (``mean``, ``median``, ``surNN``) of each source's samples.

    With 95 % confidence intervals, clipped to the unit's range; ``subjects`` counts the samples.
    Missing samples (NaN) are left out, so a level that only some subjects saw is the JND of those
    (of MCL-JCI's 1,500 samples of the third level 153 are missing).
    """
    low, high = RANGES[samples.unit]
    rows = []
    for source, arrays in samples.values.items():
        for level, array in enumerate(arrays, start=1):
            jnd = estimate_jnd(array, statistic, samples.unit)
            ends = max(jnd.ci_low, low), min(jnd.ci_high, high)
            rows.append(
                JndLabel(source, level, jnd.value, samples.unit, "subjective", statistic,
                         jnd.subjects, *ends)
            )  # fmt: skip
    levels = max(row.level for row in rows)
    return make_labels(rows, where, levels=levels, order=order)


def labels_from_values(
    values: Mapping[str, Sequence[float]],
    unit: Unit,
    kind: Kind,
    statistic: str,
    where: str,
    *,
    order: Order = "error",
) -> JndLabels:
    """Labels from the values of each source's levels 1, 2 ...; all sources have as many."""
    rows = [
        JndLabel(source, level, float(value), unit, kind, statistic)
        for source, of_source in values.items()
        for level, value in enumerate(of_source, start=1)
    ]
    levels = max((row.level for row in rows), default=3)
    return make_labels(rows, where, levels=levels, order=order)


def write_labels(path: str | Path, labels: JndLabels) -> None:
    """Write a table as CSV; empty cells where subjects or interval are not known."""
    write_csv(path, map(asdict, labels.rows), COLUMNS)


def read_labels(path: str | Path, *, levels: int | None = 3, order: Order = "error") -> JndLabels:
    """Read and check a table that :func:`write_labels` wrote, or one of the same columns.

    With ``levels`` None it may have any number of them, the same of every source.
    """
    try:
        table = read_rows(path)
    except OSError as error:
        raise UserError(f"JND labels cannot be read: {error.strerror}.", where=str(path)) from error
    cells = [row for _, row in table]
    if not cells or list(cells[0]) != COLUMNS:
        raise UserError(
            "this is no table of JND labels.",
            where=str(path),
            expected=f"the columns {', '.join(COLUMNS)} and a row per source and level; "
            f"found {', '.join(map(str, cells[0])) if cells else 'no rows'}",
        )
    rows = [_from_cells(row, where) for where, row in table]
    found = max(row.level for row in rows)
    return make_labels(rows, str(path), levels=levels or found, order=order)


def _from_cells(cells: Mapping[str, str], where: str) -> JndLabel:
    try:
        return JndLabel(
            cells["source"],
            whole_number_of(cells["level"]),
            number_of(cells["value"]),
            cells["unit"],  # type: ignore[arg-type]  # checked with the others
            cells["kind"],  # type: ignore[arg-type]
            cells["statistic"],
            whole_number_of(cells["subjects"]) if cells["subjects"] else None,
            _end_of(cells["ci_low"]),
            _end_of(cells["ci_high"]),
        )
    except (TypeError, ValueError) as error:
        raise UserError(
            "a JND label has a cell that is no number.", where=where, expected=str(error)
        ) from error


def _end_of(cell: str) -> float | None:
    """An end of an interval: infinite where too few subjects bound it."""
    if cell in ("", "inf", "-inf"):
        return float(cell) if cell else None
    return number_of(cell)


def _check_row(row: JndLabel, first: JndLabel, where: str) -> None:
    if row.unit not in RANGES or row.kind not in get_args(Kind):
        raise UserError(
            f"a JND label of {row.source or '(no source)'} has unit '{row.unit}' and kind "
            f"'{row.kind}'.",
            where=where,
            expected=f"unit {' or '.join(RANGES)}, kind {' or '.join(get_args(Kind))}",
        )
    if not row.source or not (is_statistic(row.statistic) or row.statistic in OTHER_STATISTICS):
        raise UserError(
            f"a JND label has source '{row.source}' and statistic '{row.statistic}'.",
            where=where,
            expected=f"a name, and mean, median, sur75, {', '.join(OTHER_STATISTICS)}",
        )
    shared = (row.unit, row.kind, row.statistic)
    if shared != (first.unit, first.kind, first.statistic):
        raise UserError(
            f"JND labels are mixed: {', '.join(shared)} for {row.source}.",
            where=where,
            expected=f"{first.unit}, {first.kind}, {first.statistic} as in the first row",
        )
    low, high = RANGES[row.unit]
    if not (math.isfinite(row.value) and low <= row.value <= high):
        raise UserError(
            f"JND{row.level} of {row.source} is out of range: {row.value:g}.",
            where=where,
            expected=f"{row.unit} from {low} to {high}",
        )
    ends = (row.ci_low, row.ci_high)
    turned = None not in ends and row.ci_low > row.ci_high  # type: ignore[operator]
    if turned or (row.subjects is not None and row.subjects < 1):
        raise UserError(
            f"JND{row.level} of {row.source} has subjects or an interval that cannot be.",
            where=where,
            expected=f"1 subject at least, ci_low below ci_high; found {row.subjects}, {ends}",
        )


def _check_levels(by_source: Mapping[str, Mapping[int, float]], levels: int, where: str) -> None:
    for source, of_source in by_source.items():
        if sorted(of_source) != list(range(1, levels + 1)):
            raise UserError(
                f"{source} does not have all its JND levels.",
                where=where,
                expected=f"levels 1 to {levels}, found {', '.join(map(str, sorted(of_source)))}",
            )


def _check_order(
    by_source: Mapping[str, Mapping[int, float]], unit: Unit, where: str, order: Order
) -> None:
    sign = 1 if unit == "QP" else -1
    wrong = {
        source: [of_source[level] for level in sorted(of_source)]
        for source, of_source in by_source.items()
        if any(sign * of_source[level] > sign * of_source[level + 1] for level in
               range(1, len(of_source)))
    }  # fmt: skip
    if not wrong:
        return
    source, values = next(iter(wrong.items()))
    problem = f"the JND levels of {len(wrong)} of {len(by_source)} sources are out of order"
    found = f"{source} has {', '.join(f'{value:g}' for value in values)}"
    if order == "warn":
        warnings.warn(f"{problem} in {where}: {found}", UserWarning, stacklevel=3)
        return
    sense = "JND1 <= JND2 <= JND3 in QP" if unit == "QP" else "JND1 >= JND2 >= JND3 in QF"
    raise UserError(
        f"{problem}.",
        where=where,
        expected=f"{sense}; {found}",
        remedy="correct the labels, or read them with order='warn' to keep them as they are.",
    )
