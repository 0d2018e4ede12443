"""The number of odd inputs stands in docs/reliability.md: it is the one of these tables."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def test_the_document_has_the_number_of_tries(request, repository):
    items = [item for item in request.session.items if HERE in item.path.parents]
    if {item.path.name for item in items} != {path.name for path in HERE.glob("test_*.py")}:
        pytest.skip("only some of the tables were asked for")
    tries = sum("meet" in item.fixturenames for item in items)
    document = (repository / "docs/reliability.md").read_text()
    (told,) = re.findall(r"^\| odd inputs, kept as tables \| .* \| ([0-9,]+) \|", document, re.M)
    assert int(told.replace(",", "")) == tries
