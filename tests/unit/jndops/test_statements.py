"""Statements of two runs: gathered from captions and columns, and the contrary found."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest

from jndlab.errors import UserError
from jndlab.files import write_csv, write_text
from jndlab.quality.intervals import Comparison, adjusted, paired_difference, standing
from jndops.statements import contradictions, shown, statements

SOURCES = [f"s{number}" for number in range(8)]
ERRORS = np.linspace(1, 2, len(SOURCES))


def compared(advantage: float) -> Comparison:
    """The suite's own comparison of two networks, the first better by ``advantage`` on average."""
    noise = 0.05 * np.cos(np.arange(2 * len(SOURCES)))
    difference = paired_difference(
        np.tile(ERRORS, 2) - advantage + noise,
        np.tile(ERRORS, 2),
        SOURCES * 2,
        np.repeat([0, 1], len(SOURCES)),
    )
    return adjusted([Comparison("MJ-LAT", "a ridge", "error of JND1", difference, True)])[0]


def results(folder: Path, advantage: float) -> Path:
    comparison = compared(advantage)
    rows = [{"method": "MJ-LAT", "error": f"{1.5 - advantage:.6f}", **standing(comparison)}]
    write_csv(folder / "laser_jnd/tables/skill.csv", rows)
    caption = f"Errors on held-out frames. {comparison.sentence()} Verdicts: none."
    write_text(folder / "laser_jnd/tables/skill.md", f"{caption}\n\n| a |\n")
    return folder


def test_the_contrary_is_found_in_captions_and_in_columns(tmp_path: Path) -> None:
    ours = statements(results(tmp_path / "a", 0.5))
    contrary = statements(results(tmp_path / "b", -0.5))
    assert {statement.winner for statement in ours} == {"MJ-LAT"}
    assert {statement.winner for statement in contrary} == {"a ridge"}
    assert len(ours) == len(contrary) == 2
    assert len(contradictions(ours, contrary)) == 2
    assert contradictions(ours, statements(results(tmp_path / "c", 0.4))) == []


def test_what_is_not_shown_contradicts_nothing(tmp_path: Path) -> None:
    nothing = statements(results(tmp_path / "a", 0.0))
    assert nothing == set()
    assert contradictions(nothing, statements(results(tmp_path / "b", 0.5))) == []


def test_what_a_paper_shows_is_told_once_and_the_rest_counted(tmp_path: Path) -> None:
    better = results(tmp_path / "a", 0.5)
    assert shown(better, "laser_jnd") == (["MJ-LAT beats a ridge (error of JND1)"], 0)
    assert shown(results(tmp_path / "b", 0.0), "laser_jnd") == ([], 1)
    (better / "laser_jnd/tables/skill.md").unlink()
    words, undecided = shown(better, "laser_jnd")
    assert words == ["MJ-LAT (MJ-LAT)"] and undecided == 0
    assert shown(better, "mtjnd") == ([], 0)


def test_the_command_says_what_contradicts_and_fails(repository: Path, tmp_path: Path) -> None:
    script = repository / "workflow_scripts/commands/compare_statements.py"

    def command(*folders: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, script, *folders], capture_output=True, text=True)

    first, second = results(tmp_path / "a", 0.5), results(tmp_path / "b", -0.5)
    done = command(first, second)
    assert done.returncode == 1 and "2 contradictions" in done.stdout
    assert "MJ-LAT in one run, a ridge in the other" in done.stdout
    done = command(first, first)
    assert done.returncode == 0 and "2 of them the same" in done.stdout
    (first / "run.json").write_text(json.dumps({"commit": "abc", "date": "2026-01-01"}))
    with tarfile.open(tmp_path / "a.tar.xz", "w:xz") as archive:
        archive.add(first, "results")
    done = command(second, tmp_path / "a.tar.xz")
    assert done.returncode == 1 and "2 contradictions" in done.stdout
    (tmp_path / "cut.tar.xz").write_bytes((tmp_path / "a.tar.xz").read_bytes()[:200])
    done = command(first, tmp_path / "cut.tar.xz")
    assert done.returncode == 1 and "an archive cannot be unpacked" in done.stderr
    assert "Traceback" not in done.stderr
    done = command(first, tmp_path / "none")
    assert done.returncode == 1 and "has no tables" in done.stderr


def test_a_folder_without_tables_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no tables"):
        statements(tmp_path)
