"""Which method is better is computed: no document or caption says it by hand."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CLAIM = re.compile(
    r"\b(beats?|beaten|outperform\w*|wins?|won|winner|superior|(better|worse)\s+than|helps|hurts)\b",
    re.IGNORECASE,
)
# What is quoted (a paper's printed claim, the words that are defined) and code are no statements.
QUOTED = re.compile(r"```.*?```|`[^`]*`|\"[^\"]*\"|“[^”]*”", re.DOTALL)
CAPTIONS = ["jndlab/papers", "jndlab/report", "jndlab/subjective", "bl_juniper", "coding", "iqnet",
            "jnd_networks", "subjective", "vp_jnd"]  # fmt: skip


def statements(text: str) -> list[str]:
    """Claims of plain text, with the words around them."""
    plain = QUOTED.sub(" ", text)
    return [plain[max(0, m.start() - 40) : m.end() + 40] for m in CLAIM.finditer(plain)]


def caption_strings(source: str) -> Iterator[str]:
    """String literals of a module, but its docstrings."""
    tree = ast.parse(source)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if literal and id(node) not in docstrings:
            yield node.value


def documents() -> list[Path]:
    folders = [("docs", "*.md"), ("report", "*.rst"), ("report", "*.yaml"), ("config", "*.md")]
    found = [p for folder, kind in folders for p in (REPOSITORY / folder).rglob(kind)]
    return [REPOSITORY / "README.md", *sorted(found)]


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_document_says_by_hand_who_is_better(path: Path) -> None:
    assert not statements(path.read_text("utf-8")), "compute it: jndlab/quality/intervals.py"


@pytest.mark.parametrize("folder", CAPTIONS)
def test_no_caption_says_by_hand_who_is_better(folder: str) -> None:
    for path in (REPOSITORY / "workflow_scripts" / folder).rglob("*.py"):
        for literal in caption_strings(path.read_text("utf-8")):
            assert not statements(literal), f"{path.name}: compute it: jndlab/quality/intervals.py"


def test_the_search_finds_the_sentences_that_stood_here() -> None:
    assert statements("MT_1LJND_VA beats MT_3LJND by 0.42 QP (0.06 to 0.74), attention helps")
    assert statements("the network is better\nthan the constant")
    assert not statements('the paper prints that it "outperforms the state of the art"')
    source = 'def f():\n    """It beats nothing."""\n    return "A beats B"\n'
    assert [text for text in caption_strings(source) if statements(text)] == ["A beats B"]


def test_there_is_one_place_of_intervals() -> None:
    """No module but the room draws resamples or takes quantiles of t or normal."""
    own = re.compile(r"[Bb]ootstrap|RESAMPL(ES|INGS)|\bt\.ppf|norm\.ppf|stdtrit|\bsem\(|\.ttest_")
    exact = {"intervals.py", "jnd_outliers.py"}  # Grubbs' test is made of a quantile of t
    found = {
        str(path.relative_to(REPOSITORY))
        for path in (REPOSITORY / "workflow_scripts").rglob("*.py")
        if path.name not in exact and own.search(path.read_text("utf-8"))
    }
    assert not found
