"""Circumstances of a run, `run.json` in its results: commit, machine, date, versions.

`versions.yml` next to it lists every tool and package.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.files import read_json, write_json

RECORD = "run.json"
STATE = "JND_SUITE_STATE"  # variable of jobs: what `suite` returned at the start of their server
DISTRIBUTION = "jnd-reproduction-suite"
# What moves numbers; the lock holds the rest.
PACKAGES = (
    "snakemake", "numpy", "scipy", "pandas", "torch", "onnxruntime", "imageio-ffmpeg",
    "ffmpeg-quality-metrics", "bjontegaard", "pyiqa",
)  # fmt: skip


def write_record(
    results: Path, root: Path, configfiles: Sequence[str], overrides: Mapping[str, Any]
) -> None:
    """Write ``run.json`` into a results folder, at the end of a run of the suite in ``root``."""
    write_json(results / RECORD, record(root, configfiles, overrides))


def record(
    root: Path, configfiles: Sequence[str] = (), overrides: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The suite's version and commit, date (UTC), machine and versions of what moves numbers.

    ``commit`` is empty outside a git checkout; ``dirty`` is whether tracked files were changed.
    Paths of configurations are kept relative to ``root``; others by their name alone. ``overrides``
    are keys of the configuration that the command line gave.
    """
    code = suite(root)
    return {
        "suite": code["version"],
        "commit": code["commit"],
        "dirty": code["dirty"],
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "configuration": [_shown(Path(name), root) for name in configfiles],
        "overrides": dict(overrides or {}),
        "machine": {
            "processor": _processor(),
            "cores": len(os.sched_getaffinity(0)),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
    }


def versions(points: Iterable[Mapping[str, Any]], root: Path) -> dict[str, Any]:
    """Versions of all that made a run: suite, Python, tools, packages.

    Tools are those of the ``points`` (content of RD points): each encoder, and what measured, as
    they reported themselves; packages are all that this environment has.
    """
    tools: dict[str, set[str]] = {}
    for point in points:
        made = point["provenance"]
        found = {point["recipe"]["codec"]["adapter"]: made["encoder_version"]}
        for tool, version in (found | made["measure_versions"]).items():
            tools.setdefault(tool, set()).add(str(version))
    packages = {
        one.metadata["Name"].lower(): one.version for one in importlib.metadata.distributions()
    }
    return {
        "suite": suite(root),
        "python": platform.python_version(),
        "tools": {tool: ", ".join(sorted(found)) for tool, found in sorted(tools.items())},
        "packages": dict(sorted(packages.items())),
    }


def suite(root: Path) -> dict[str, Any]:
    """Version, commit (empty outside a git checkout) and whether tracked files were changed.

    In a job that a server forks: as they were when the server started, see STATE.
    """
    if known := os.environ.get(STATE):
        return json.loads(known)
    return {
        "version": _version(DISTRIBUTION),
        "commit": _git(root, "rev-parse", "HEAD"),
        "dirty": bool(_git(root, "status", "--porcelain", "--untracked-files=no")),
    }


def provenance(record: Mapping[str, Any]) -> str:
    """Configuration, commit, date and machine of a record in a line of Markdown."""
    commit = f"commit `{record['commit'][:7]}`" if record["commit"] else "no commit"
    changed = " with local changes" if record["dirty"] else ""
    configuration = ", ".join(f"`{name}`" for name in record["configuration"])
    given = ", ".join(f"`{key}={value}`" for key, value in record.get("overrides", {}).items())
    configuration += f" with {given}" if given else ""
    machine = record["machine"]
    return (
        f"{configuration or 'configuration not named'}, {commit}{changed}, {record['date']}, "
        f"{machine['cores']} cores of {machine['processor']}."
    )


def require_this_version(path: Path) -> None:
    """Raise UserError where the record at ``path`` is of another version; without one, nothing."""
    ours = _version(DISTRIBUTION)
    if not path.is_file() or not ours:
        return
    try:
        found = read_json(path)
        theirs, commit = found["suite"], found["commit"]
    except (ValueError, KeyError, TypeError):
        theirs, commit = "unknown", ""
    if theirs == ours:
        return
    raise UserError(
        f"suite: the numbers are of version {theirs}.",
        where=str(path),
        expected=f"version {ours}, which is installed",
        remedy=f"take that version{f' (commit {commit[:7]})' if commit else ''}, or run the "
        "experiment again.",
    )


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.processor()


def _shown(path: Path, root: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.name
