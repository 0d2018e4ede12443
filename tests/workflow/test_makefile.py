"""What `make` calls, without calling it."""

from __future__ import annotations

import os
import subprocess

import pytest


def called(repository, *arguments):
    """The last command that `make` would run."""
    command = ["make", "--dry-run", "--no-print-directory", *arguments]
    # These tests may be run by make, whose own arguments are passed down.
    outside = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
    outside.pop("ARGS", None)
    done = subprocess.run(
        command, cwd=repository, env=outside, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize("target", ["demo", "smoke", "study", "run"])
def test_a_profile_of_a_cluster_takes_the_place_of_cores(repository, target):
    local = called(repository, target, "CORES=2", "ARGS=-n")
    assert local[local.index("--cores") + 1] == "2" and local[-1] == "-n"
    remote = called(repository, target, "PROFILE=profiles/slurm", "ARGS=-n")
    assert remote[remote.index("--workflow-profile") + 1] == '"$PROFILE"'
    assert "--cores" not in remote
    kept = [word for word in local if word not in ("--cores", "2")]
    assert [word for word in remote if word not in ("--workflow-profile", '"$PROFILE"')] == kept


def test_quality_is_chosen_of_a_picture_that_is_named(repository):
    words = called(repository, "choose-quality", "PICTURE=photo.png", "CONFIG=config/smoke.yaml")
    assert words[1:] == [
        "workflow_scripts/commands/choose_quality.py",
        '"$PICTURE"',
        "--configfile",
        '"$CONFIG"',
    ]


def test_a_rating_session_is_served_to_the_subjects_that_are_named(repository):
    words = called(repository, "ratings-server", "SUBJECTS=names.txt", "ARGS=--port 8000")
    assert words[1:] == [
        "workflow_scripts/commands/ratings_server.py",
        "--configfile",
        '"$CONFIG"',
        "--subjects",
        '"$SUBJECTS"',
        "--port",
        "8000",
    ]


@pytest.mark.parametrize("name", ["CORES", "WORKERS", "KILLS", "FUZZ"])
@pytest.mark.parametrize(
    "value", ["1;touch {}", "$(shell touch {})", "`touch {}`", "-1", "many", "1 2", "", "1.5", "1&"]
)
def test_numbers_are_numbers(repository, tmp_path, name, value):
    made = tmp_path / "made"
    command = ["make", "test-robustness", "demo", f"{name}={value.format(made)}", "PY=true"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    assert done.returncode and f"{name} is" in done.stderr and not made.exists()


def test_names_reach_the_shell_as_values(repository, tmp_path):
    made = tmp_path / "made"
    for name in (f"my config`touch {made}`.yaml", f'x";touch {made};".yaml', f"'; touch {made}"):
        command = ["make", "--no-print-directory", "config-exists", f"CONFIG={name}"]
        done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
        assert done.returncode != 0 and f"there is no file '{name}'" in done.stderr
        assert not made.exists()
    for name in (f"$(shell touch {made})x.yaml", "price$5x.yaml"):  # code of make itself
        command = ["make", "--no-print-directory", "config-exists", f"CONFIG={name}"]
        done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
        assert done.returncode != 0 and f"there is no file '{name}'" in done.stderr
        assert not made.exists()
    done = subprocess.run(["make", "-n", "demo", f"PROFILE=p;touch {made}"], cwd=repository,
                          capture_output=True, text=True)  # fmt: skip
    assert '--workflow-profile "$PROFILE"' in done.stdout and str(made) not in done.stdout
