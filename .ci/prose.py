"""Prose check: words of the house's old dialect in documents, comments, docstrings and messages.

usage: python .ci/prose.py [FILE ...]        without files: all tracked files
Skips code in Markdown; names in Python have a list of their own. A word that is meant gets
"prose: ok" on its line.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

WORDS = {
    r"(told|tells?|telling)(?!( \w+)? apart)": "reported, message, shows",
    r"said": "reported, message",
    r"anew": "again",
    r"mend(s|ed|ing)?": "fix, patch",
    r"hand(s|ed|ing)? (it |them |those )?over|handed (on|down)": "export, pass",
    r"judges?|judged|judging": "weighting, score, rate",
    r"besides?": "next to, compared with, as well",
    r"learnt": "learned",
    r"true labels": "oracle",
    r"the ceiling": "oracle",
    r"simple choices": "baselines",
    r"points? of percent": "percentage points",
    r"halves up": "round half up",
    r"panned pictures?": "synthetic pans",
    r"sane": "corrected",
    r"likewise": "also",
    r"altogether": "in total",
    r"so many(-th)?": "n, number of, every n-th",
    r"alike": "equally, both",
    r"knows": "has, uses, receives",
    r"do(es)? not do": "is invalid",
}
# Parts of names in Python, between underscores; drawing is plot_*, coding encode_*.
NAMES = re.compile(
    r"(?:^|_)(told|facts?|mends?|judged?|judges|anew|learnt)(?:_|$)|^_?(?:draw|code)_"
)
# Tests are not looked at; captions in papers/ and names in the demo go into tables, which stay.
EXCEPT = ("tests/", "config/config.yaml", "workflow_scripts/jndlab/papers/")
PATTERNS = [(re.compile(rf"\b({word})\b", re.IGNORECASE), use) for word, use in WORDS.items()]
MARKED = "prose: ok"
SUFFIXES = {".md", ".py", ".smk", ".yaml", ".yml", ".rst", ".toml", ".sh", ".cff"}


def python_prose(text: str) -> Iterator[tuple[int, str]]:
    """Lines of comments and of string literals (docstrings, messages) that hold a space."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kinds = (tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", -1))
        if token.type in kinds and " " in token.string:
            for offset, line in enumerate(token.string.split("\n")):
                yield token.start[0] + offset, line


def plain_prose(text: str) -> Iterator[tuple[int, str]]:
    """All lines but those of fenced code."""
    fenced = False
    for number, line in enumerate(text.split("\n"), start=1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def defined_names(text: str) -> Iterator[tuple[int, str]]:
    """Lines and names of what a Python file defines: functions, classes, arguments, variables."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id


def found_in(path: Path) -> list[str]:
    """``file:line: word (use ...)`` for every word of the list."""
    text = path.read_text(encoding="utf-8")
    prose = python_prose(text) if path.suffix in (".py", ".smk") else plain_prose(text)
    marked = {n for n, line in enumerate(text.split("\n"), start=1) if MARKED in line}
    names = defined_names(text) if path.suffix == ".py" else ()
    return [f"{path}:{n}: the name '{name}'" for n, name in names if NAMES.search(name)] + [
        f"{path}:{number}: '{match[0]}' (use {use})"
        for number, line in prose
        for pattern, use in PATTERNS
        for match in pattern.finditer(re.sub(r"`+[^`]*`+|\{[^{}]*\}", "", line))
        if number not in marked
    ]


def main(names: list[str]) -> int:
    if not names:
        listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)
        names = listed.stdout.splitlines()
    paths = [Path(n) for n in names if Path(n).suffix in SUFFIXES and not n.startswith(EXCEPT)]
    lines = [
        line
        for path in paths
        if path.is_file() and path.resolve() != Path(__file__).resolve()
        for line in found_in(path)
    ]
    print("\n".join(lines))
    return bool(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
