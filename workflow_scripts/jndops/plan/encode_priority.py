"""Longest encodes first: priorities of encodes from the time that they are expected to take."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jndops.plan.cost_model import FIRST_VALUES, CostModel, load_first_values
from jndops.plan.job_size import work_of
from jndops.plan.timings import TIMINGS_NAME, read_timings
from jndops.settings import Settings

# Above rules without a priority (0), below joins (12) and measurements (15), which are short.
LOWEST, HIGHEST = 10.0, 11.9


class EncodePriority:
    """Priorities of the encodes of one run, from LOWEST to HIGHEST by expected seconds."""

    def __init__(self, settings: Settings, model: CostModel) -> None:
        self._settings = settings
        self._model = model
        self._known: dict[tuple[str, ...], float] = {}
        points = (point._asdict() for point in settings.points())
        texts = ({name: str(value) for name, value in point.items()} for point in points)
        self._longest = max(map(self._seconds, texts), default=0.0)

    def __call__(self, wildcards: Mapping[str, str]) -> float:
        """Priority of the encode of a clip, or of a segment where ``wildcards`` name one."""
        if not self._longest:
            return LOWEST
        share = min(self._seconds(wildcards) / self._longest, 1.0)
        return LOWEST + (HIGHEST - LOWEST) * share

    def _seconds(self, wildcards: Mapping[str, str]) -> float:
        """Expected seconds; 0 for a codec that nothing is known of."""
        # All methods are expected to take as long, which leaves few different encodes.
        names = ("codec", "configuration", "sequence", "qp", "segment")
        key = tuple(wildcards.get(name, "") for name in names)
        if key not in self._known:
            work = work_of("encode_clip", wildcards, self._settings)
            self._known[key] = self._model.seconds(work) or 0.0
        return self._known[key]


def run_model(settings: Settings) -> CostModel:
    """First values, and in their place what this run's own results folder has recorded."""
    recorded = Path(settings.config["results_dir"]) / TIMINGS_NAME
    model = load_first_values(FIRST_VALUES)
    return model.fitted(read_timings([recorded] if recorded.is_file() else []))
