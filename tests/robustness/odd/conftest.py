"""Odd inputs: how each is tried, and the count of all at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jndlab.errors import UserError

OUTCOMES = ("refused with its message", "read with the right value", "refused without naming it",
            "refused though good", "wrong in silence", "bare exception")  # fmt: skip


@pytest.fixture
def meet(record_property) -> Callable[[Callable[[], Any], Any], None]:
    """Try an input. ``said``, a list, is what the message must hold; any other is the value."""

    def tried(read: Callable[[], Any], said: Any) -> None:
        refused = isinstance(said, list)
        try:
            value = read()
        except UserError as error:
            lacks = [part for part in said if part not in str(error)] if refused else []
            outcome = OUTCOMES[3 if not refused else 2 if lacks else 0]
            shown = f"{error}\nlacks {lacks}"
        except Exception as error:
            outcome, shown = OUTCOMES[5], f"{type(error).__name__}: {error}"
        else:
            same = not refused and np.array_equal(np.asarray(value), np.asarray(said))
            outcome, shown = OUTCOMES[1 if same else 4], f"{value!r}, not {said!r}"
        record_property("odd input", outcome)
        assert outcome in OUTCOMES[:2], f"{outcome}: {shown}"

    return tried


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many odd inputs were tried, and how they ended."""
    found = Counter(
        outcome
        for reports in terminalreporter.stats.values()
        for report in reports
        for name, outcome in getattr(report, "user_properties", ())
        if name == "odd input" and report.when == "call"
    )
    if found:
        terminalreporter.section("odd inputs")
        terminalreporter.line(f"{found.total()} tried")
        for outcome in OUTCOMES:
            terminalreporter.line(f"{found[outcome]} {outcome}")
