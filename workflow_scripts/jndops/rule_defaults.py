"""Completes the rules of a workflow: messages from docstrings, digests of code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from jndops.imports import digest, import_closure


def complete_rules(
    rules: Iterable[Any],
    scripts: Path,
    *,
    priorities: Mapping[str, int] | None = None,
    note: Callable[[str], str] | None = None,
) -> None:
    """Give each rule its docstring as message, and the digest of its script as parameter ``code``.

    ``rules`` are Snakemake's own objects; ``scripts`` is the folder of jndlab and jndops. Snakemake
    sees a script but not its imports: by the digest an edit re-runs exactly the rules concerned.
    ``priorities`` are those of rules that state none, by the stem of their file. ``note``: what
    tables of a wing carry, as parameter ``recorded`` of the rules that write them; empty: nothing.
    """
    for rule in rules:
        if not rule.priority and priorities:
            rule.priority = priorities.get(Path(rule.snakefile).stem, 0)
        if rule.docstring:
            rule.message = message_of(rule)
        if rule.script:
            script = (Path(rule.snakefile).parent / rule.script).resolve()
            modules = import_closure(script, scripts)
            rule.set_params(code=digest(modules))
            carried = note(Path(rule.snakefile).parent.name) if note else ""
            if carried and scripts / "jndlab/report/tables.py" in modules:
                rule.set_params(recorded=carried)


def message_of(rule: Any) -> str:
    """The docstring of a rule, its name and its wildcards, for Snakemake to format."""
    sentence = rule.docstring.removesuffix(".").replace("{", "{{").replace("}", "}}")
    # The name of the log has the wildcards in the order of the rule.
    ordered = dict.fromkeys(re.findall(r"\{(\w+)", "".join(map(str, rule.log))))
    values = ", ".join(
        f"{name}={{wildcards.{name}}}" for name in ordered if name in rule.wildcard_names
    )
    return f"{sentence} ({rule.name}{': ' if values else ''}{values})"


def doubling(amount: int) -> Callable[[Any, int], int]:
    """A resource for ``resources:`` that doubles on each retry."""

    def of_attempt(wildcards: Any, attempt: int) -> int:
        return amount * 2 ** (attempt - 1)

    return of_attempt


def training_needs(jobs: Mapping[str, Any], mem_mb: int) -> dict[str, Any]:
    """Resources of a training: memory that doubles on each retry, three days for each attempt.

    ``jobs`` is the key of a section with the GPUs of its trainings.
    """

    def minutes(wildcards: Any, attempt: int) -> int:
        return 4320 * attempt

    return {"mem_mb": doubling(mem_mb), "runtime": minutes, "gpu": jobs["gpus"]}
