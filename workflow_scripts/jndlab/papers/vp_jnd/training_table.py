"""How every training of VP-JND went: steps, losses, and whether it is sound or collapsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from jndlab.files import read_json
from jndlab.papers.vp_jnd.validation import SOUND

COLUMNS = [
    "network", "data", "split", "seed", "steps", "best_epoch", "train_loss", "val_loss", "pictures",
    "mean_abs_dqf", "constant_abs_dqf", "falling", "shift", "state", "seconds", "device",
]  # fmt: skip


def training_table(
    names: Sequence[Mapping[str, Any]], summaries: Sequence[str | Path]
) -> pd.DataFrame:
    """A row (``COLUMNS``) for each training; ``names`` and ``summaries`` belong together.

    From ``pictures`` to ``state`` it is what the network does on its validation pictures.
    """
    rows = []
    for name, path in zip(names, summaries, strict=True):
        summary = read_json(path)
        known = {**summary, **summary.get("validation", {}), **name}
        rows.append({column: known.get(column) for column in COLUMNS})
    return pd.DataFrame(rows, columns=COLUMNS)


def training_caption(table: pd.DataFrame) -> str:
    """Definitions, and which trainings failed."""
    failed = table[~table["state"].isin([SOUND, None])]
    named = [
        f"{row.network} on {row.data}, {row.split}, seed {row.seed}: {row.state}"
        for row in failed.itertuples()
    ]
    return (
        "Trainings, and what each network does on its validation pictures: mean |dQF| by the "
        "exhaustive search, that of the constant that its training labels have as median, the "
        "share of pictures on which its logits fall with quality, and by how much its threshold "
        "was shifted (calibrate). collapsed: the logits do not fall on half of the pictures or "
        "more, or |dQF| is above twice the constant's. "
        + (f"Failed: {'; '.join(named)}." if named else f"All {len(table)} are sound.")
    )
