"""Where a result comes from: rule, adapter, modules, section of the configuration, document.

Read from the lists of artefacts and the text of the rules, without Snakemake.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path, PurePath

from jndlab.errors import UserError
from jndops.artefacts import Artefact, wings

PLACEHOLDER = re.compile(r"\\\{[^/]*?\\\}")


@dataclass(frozen=True)
class Rule:
    """A rule as it is written: its name, file and line, and its text."""

    name: str
    file: Path
    line: int
    text: str

    @property
    def adapter(self) -> str | None:
        """Its script from the root of the suite, if it has one."""
        found = re.search(r"workflow_scripts/\w+/\w+\.py", self.text)
        return found and found[0]

    def writes(self, path: str) -> bool:
        """Whether an output as written in the rule, or a folder of it, holds a path."""
        block = re.search(r"(?ms)^ +output:\n(.*?)^ +\w+:\n", self.text)
        for written in re.findall(
            r'"(?:<results>|\{RESULTS\})/([^"]+)"', block[1] if block else ""
        ):
            if re.match(r"\{\w+\}[^/]*$", written):
                continue  # a path that is built elsewhere
            pattern = PLACEHOLDER.sub("[^/]+", re.escape(written.replace("{{", "{")))
            if re.fullmatch(rf"{pattern}(/.*)?", path):
                return True
        return False


def where(path: str, root: Path) -> list[tuple[str, str]]:
    """Lines of a table on a result, as pairs of a heading and a text.

    ``path`` begins with the results folder, or below it. Raises UserError for a file that no list
    and no rule names.
    """
    rules = list(_rules(root))
    for below in _suffixes(path):
        if artefact := _artefact(below, root):
            rule = next(one for one in rules if one.name == artefact.rule)
            return _lines(path, rule, artefact, root)
    for below in _suffixes(path):
        for rule in rules:
            if rule.writes(below):
                return _lines(path, rule, None, root)
    raise UserError(
        f"no rule names the file '{path}'.",
        expected="a file below the results folder, e.g. results/tables/bd_rate.csv",
        remedy="`snakemake -n FILE` asks Snakemake itself.",
    )


def _suffixes(path: str) -> list[str]:
    parts = PurePath(path).parts
    return ["/".join(parts[start:]) for start in range(len(parts))]


def _artefact(below: str, root: Path) -> Artefact | None:
    for wing in wings(root).values():
        for artefact in wing.artefacts:
            if artefact.matches(below):
                return artefact
    return None


def _rules(root: Path) -> Iterator[Rule]:
    for file in sorted((root / "rules").rglob("*.smk")):
        text = file.read_text("utf-8")
        starts = [*re.finditer(r"(?m)^ *rule\b *(\w*):", text)]
        for start, following in zip_longest(starts, starts[1:]):
            body = text[start.start() : following.start() if following else len(text)]
            named = re.search(r'name:\s+f?"([^"]+)"', body)
            name = start[1] or (named[1] if named else "")
            yield Rule(name, file.relative_to(root), text.count("\n", 0, start.start()) + 1, body)


def _lines(path: str, rule: Rule, artefact: Artefact | None, root: Path) -> list[tuple[str, str]]:
    lines = [("file", path)]
    if artefact:
        lines += [("shows", artefact.shows), ("printed", artefact.printed)]
    lines += [("rule", f"{rule.name}, {rule.file}:{rule.line}")]
    if rule.adapter:
        lines += [("adapter", rule.adapter)]
        lines += [("modules", module) for module in _modules(root / rule.adapter, root)]
    name = artefact.wing if artefact else rule.file.parent.name
    if wing := wings(root).get(name):
        lines += [("configuration", f"{wing.config}, see config/README.md")]
        lines += [("list", f"report/{name}/artefacts.yaml"), ("document", wing.document)]
    return [(heading, text) for heading, text in lines if text]


def _modules(adapter: Path, root: Path) -> list[str]:
    """Files of jndlab that an adapter imports by name, those of papers first."""
    tree = ast.parse(adapter.read_text("utf-8"))
    names = [
        candidate
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jndlab")
        for candidate in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    ]
    files = (f"workflow_scripts/{name.replace('.', '/')}.py" for name in names)
    found = dict.fromkeys(file for file in files if (root / file).is_file())
    return sorted(found, key=lambda file: "/papers/" not in file)
