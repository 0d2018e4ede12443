"""Train, val and test subsets of a data set, by source and never by frame or block."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from jndlab.errors import UserError
from jndlab.files import read_csv, write_csv
from jndlab.subsets import FRACTIONS

Item = TypeVar("Item")

COLUMNS = ["split", "subset", "source"]

# Ids of MCL-JCI in the authors' training code of VP-JND; of the other twenty it uses ten to
# validate and ten to test, without stating which.
VP_JND_TRAINING = (
    1, 2, 3, 4, 9, 14, 15, 18, 19, 21, 22, 24, 27, 28, 29,
    31, 32, 33, 34, 35, 37, 39, 41, 42, 44, 46, 47, 48, 49, 50,
)  # fmt: skip


@dataclass(frozen=True)
class Split:
    """Sources of each subset, sorted; no source is in two subsets."""

    name: str
    subsets: Mapping[str, tuple[str, ...]]

    def __post_init__(self) -> None:
        placed: dict[str, str] = {}
        for subset, sources in self.subsets.items():
            for source in sources:
                if source in placed:
                    raise UserError(
                        f"source '{source}' is in the subsets '{placed[source]}' and '{subset}'.",
                        where=f"split '{self.name}'",
                        expected="every source in one subset, once",
                    )
                placed[source] = subset

    def subset_of(self, source: str) -> str:
        """The subset that holds a source; UserError if none does."""
        for subset, sources in self.subsets.items():
            if source in sources:
                return subset
        raise UserError(f"source '{source}' is in no subset of the split '{self.name}'.")

    def of_items(self, sources: Mapping[Item, str]) -> dict[str, list[Item]]:
        """Frames, pictures or blocks (keys, their source as value) by subset, in given order."""
        by_subset: dict[str, list[Item]] = {subset: [] for subset in self.subsets}
        for item, source in sources.items():
            by_subset[self.subset_of(source)].append(item)
        return by_subset


def split_by_fractions(
    sources: Iterable[str],
    seed: int,
    fractions: Mapping[str, float] = FRACTIONS,
    name: str = "fractions",
) -> Split:
    """Subsets of the given fractions, which sum to one; every subset gets a source at least.

    Largest remainders decide about rounding. The result depends on the seed and the names alone,
    not on their order; the machine and NumPy's version do not matter. Raises UserError for
    fewer sources than subsets, a source given twice, or fractions that do not sum to one.
    """
    shuffled = _shuffled(sources, seed)
    if not math.isclose(sum(fractions.values()), 1) or min(fractions.values()) <= 0:
        raise UserError(
            "invalid fractions of a split.",
            expected=f"positive ones that sum to 1, found {dict(fractions)}",
        )
    _require_enough(shuffled, len(fractions), "subsets")
    sizes = _sizes(len(shuffled), fractions)
    subsets, start = {}, 0
    for subset, size in sizes.items():
        subsets[subset] = tuple(sorted(shuffled[start : start + size]))
        start += size
    return Split(name, subsets)


def split_into_folds(
    sources: Iterable[str],
    seed: int,
    folds: int = 10,
    *,
    first: Sequence[str] = (),
    key: str = "split.folds",
) -> list[Split]:
    """Cross-validation: in split k fold k is the test subset, fold k + 1 validates, others train.

    Each source is tested exactly once. Folds differ by one source in size at most, unless the
    sources named ``first``, which are in the first fold and not in ``sources``, are more than that.
    Raises UserError, naming the configuration's ``key``, for fewer than three folds or fewer
    sources than folds.
    """
    shuffled = _shuffled(sources, seed)
    if folds < 3:
        raise UserError(f"{folds} folds are too few.", expected="3 at least (train, val, test)")
    found = len(shuffled) + len(first)
    if len(shuffled) < folds - bool(first):
        raise UserError(
            f"{found} sources cannot be split into {folds} folds.",
            where=f"`{key}`",
            expected=f"at most {len(shuffled) + bool(first)} folds, a source in each; found {folds}"
            + (f" ({', '.join(first)} share the first)" if len(first) > 1 else ""),
            remedy="add sources, or set fewer folds.",
        )
    sets: list[list[str]] = [list(first), *([] for _ in range(folds - 1))]
    for source in shuffled:
        min(sets, key=len).append(source)
    return splits_of_folds(sets)


def splits_of_folds(folds: Sequence[Iterable[str]]) -> list[Split]:
    """The splits of :func:`split_into_folds` for folds that are given (a published set's own)."""
    sets = [tuple(sorted(fold)) for fold in folds]
    count = len(sets)
    return [
        Split(
            f"fold{test + 1:02d}",
            {
                "train": tuple(
                    sorted(
                        source
                        for fold in range(count)
                        if fold not in (test, (test + 1) % count)
                        for source in sets[fold]
                    )
                ),
                "val": sets[(test + 1) % count],
                "test": sets[test],
            },
        )
        for test in range(count)
    ]


def vp_jnd_split() -> Split:
    """30, 10 and 10 pictures of MCL-JCI (SRC01 ... SRC50), as far as the authors' code shows.

    The training ids are theirs. That the lower ten of the others validate and the upper ten test
    is an assumption.
    """
    others = [number for number in range(1, 51) if number not in VP_JND_TRAINING]
    named = {"train": VP_JND_TRAINING, "val": others[:10], "test": others[10:]}
    return Split(
        "vp_jnd_authors",
        {subset: tuple(f"SRC{number:02d}" for number in ids) for subset, ids in named.items()},
    )


def write_splits(path: str | Path, splits: Iterable[Split]) -> None:
    """Write splits as CSV: one row per split, subset and source."""
    rows = [
        {"split": split.name, "subset": subset, "source": source}
        for split in splits
        for subset, sources in split.subsets.items()
        for source in sources
    ]
    write_csv(path, rows, COLUMNS)


def read_splits(path: str | Path) -> list[Split]:
    """Read the table of :func:`write_splits`; UserError for other columns, a source given twice."""
    try:
        rows = read_csv(path)
    except OSError as error:
        raise UserError(f"splits cannot be read: {error.strerror}.", where=str(path)) from error
    if not rows or list(rows[0]) != COLUMNS:
        raise UserError(
            "this is no table of splits.",
            where=str(path),
            expected=f"the columns {', '.join(COLUMNS)}; "
            f"found {', '.join(map(str, rows[0])) if rows else 'no rows'}",
        )
    tables: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        if row["subset"] not in FRACTIONS or not (row["split"].strip() and row["source"].strip()):
            raise UserError(
                "a row of a table of splits places no source in a subset.",
                where=str(path),
                expected=f"split, one of {', '.join(FRACTIONS)}, source; "
                f"found {', '.join(row.values())}",
            )
        subsets = tables.setdefault(row["split"], {})
        subsets.setdefault(row["subset"], []).append(row["source"])
    return [
        Split(name, {subset: tuple(sources) for subset, sources in subsets.items()})
        for name, subsets in tables.items()
    ]


def _shuffled(sources: Iterable[str], seed: int) -> list[str]:
    """The sources in an order that a hash of seed and name gives."""
    names = list(sources)
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(
            f"source '{twice}' is given twice to a split.",
            expected="sources, each once: frames of one source must not be parted",
        )
    return sorted(names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())


def _require_enough(sources: Sequence[str], count: int, what: str) -> None:
    if len(sources) < count:
        raise UserError(
            f"{len(sources)} sources cannot be split into {count} {what}.",
            remedy=f"add sources, or set fewer {what}.",
        )


def _sizes(count: int, fractions: Mapping[str, float]) -> dict[str, int]:
    exact = {subset: fraction * count for subset, fraction in fractions.items()}
    sizes = {subset: max(1, math.floor(share)) for subset, share in exact.items()}
    while sum(sizes.values()) != count:
        step = 1 if sum(sizes.values()) < count else -1
        able = [subset for subset in sizes if step > 0 or sizes[subset] > 1]
        subset = max(able, key=lambda subset: step * (exact[subset] - sizes[subset]))
        sizes[subset] += step
    return sizes
