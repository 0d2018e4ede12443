"""Results of a run as tables for Python and notebooks: ``load("results").points``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd

from jndlab.errors import UserError
from jndlab.quality.points import read_points
from jndlab.quality.rd_point import POINT_KEY


@dataclass(frozen=True)
class Results:
    """Tidy tables of a results folder, each read when it is first asked for.

    Rates are in kbit/s, PSNR in dB, savings and BD-rates in percent.
    """

    folder: Path

    @cached_property
    def points(self) -> pd.DataFrame:
        """A row for each rate-distortion point, with its savings against the anchor."""
        return read_points(self._file("tables/points/run.parquet"))

    @cached_property
    def bd_rates(self) -> pd.DataFrame:
        """BD-rates against the anchor, by sequence and as means."""
        return pd.read_csv(self._file("tables/bd_rate.csv"))

    @cached_property
    def same_qp(self) -> pd.DataFrame:
        """Bits saved and quality lost at equal QP."""
        return pd.read_csv(self._file("tables/same_qp.csv"))

    @cached_property
    def summary(self) -> pd.DataFrame:
        """A row for each method, codec and configuration."""
        return pd.read_csv(self._file("summary.csv"))

    @cached_property
    def frames(self) -> pd.DataFrame:
        """A row for each coded frame of each point: its bits and all metrics."""
        tables = []
        for key in self.points[POINT_KEY].itertuples(index=False):
            name = f"{key.codec}/{key.configuration}/{key.sequence}/{key.method}/qp{key.qp}"
            table = pd.read_csv(self._file(f"points/{name}.frames.csv"))
            tables.append(table.assign(**key._asdict(), frame=range(len(table))))
        columns = [*POINT_KEY, "frame"]
        whole = pd.concat(tables, ignore_index=True)
        return whole[[*columns, *(name for name in whole if name not in columns)]]

    def _file(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise UserError(
                "a folder of results lacks a table.",
                where=str(path),
                remedy="name the results_dir of a finished run, or run it first.",
            )
        return path


def load(folder: str | Path = "results") -> Results:
    """The results of a run. Raises UserError where the folder holds none."""
    results = Results(Path(folder))
    results._file("tables/points/run.parquet")
    return results
