"""Completes the rules of a workflow: messages, logs, benchmarks, digests of their code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from jndops.workflow.imports import digest, import_closure

NUMBERS = ("qp", "seed", "level")  # wildcards whose values say nothing without their name


def complete_rules(
    rules: Iterable[Any],
    scripts: Path,
    *,
    priorities: Mapping[str, int] | None = None,
    note: Callable[[str], str] | None = None,
) -> None:
    """Give each rule its docstring as message, and the digest of its script as parameter ``code``.

    What runs has a log, and a benchmark if it makes files, at :func:`place_of_jobs`.
    ``rules`` are Snakemake's own objects; ``scripts`` is the folder of jndlab and jndops. Snakemake
    sees a script but not its imports: by the digest an edit re-runs exactly the rules concerned.
    ``priorities`` are those of rules that state none, by the stem of their file. ``note``: what
    tables of a wing carry, as parameter ``recorded`` of the rules that write them; empty: nothing.
    """
    for rule in rules:
        if not rule.priority and priorities:
            rule.priority = priorities.get(Path(rule.snakefile).stem, 0)
        if not rule.norun:
            _complete_files(rule)
        if rule.docstring:
            rule.message = message_of(rule)
        if rule.script:
            script = (Path(rule.snakefile).parent / rule.script).resolve()
            modules = import_closure(script, scripts)
            rule.set_params(code=digest(modules))
            carried = note(Path(rule.snakefile).parent.name) if note else ""
            if carried and scripts / "jndlab/report/tables.py" in modules:
                rule.set_params(recorded=carried)


def _complete_files(rule: Any) -> None:
    place, modifier = place_of_jobs(rule), rule.workflow.modifier.path_modifier
    if not rule.log:
        rule.log_modifier = modifier
        rule.set_log(f"<logs>/{place}.log")
    if rule.output and not rule.benchmark:
        rule.benchmark_modifier = modifier
        rule.benchmark = f"<benchmarks>/{place}.tsv"


def place_of_jobs(rule: Any) -> str:
    """``rule/first.second.qp{qp}``: name of a rule, its wildcards in the order of its outputs."""
    parts = [f"{n if n in NUMBERS else ''}{{{n}}}" for n in _wildcards_of(rule)]
    return "/".join(filter(None, [rule.name, ".".join(parts)]))


def message_of(rule: Any) -> str:
    """The docstring of a rule, its name and its wildcards, for Snakemake to format."""
    sentence = rule.docstring.removesuffix(".").replace("{", "{{").replace("}", "}}")
    values = ", ".join(f"{name}={{wildcards.{name}}}" for name in _wildcards_of(rule))
    return f"{sentence} ({rule.name}{': ' if values else ''}{values})"


def _wildcards_of(rule: Any) -> list[str]:
    """Wildcards of a rule in the order of its outputs."""
    found = re.findall(r"\{(\w+)", "".join(map(str, rule.output)))
    return [name for name in dict.fromkeys(found) if name in rule.wildcard_names]


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
