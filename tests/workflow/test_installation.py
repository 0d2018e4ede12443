"""The suite's own packages: installed from its own folder only, and never those of another copy."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from workflow_runner import REPOSITORY, TINY, Workflow

WITHOUT_PATH = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def test_packages_are_found_from_anywhere(tmp_path):
    program = "import jndlab, jndops; print(jndlab.__file__); print(jndops.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=WITHOUT_PATH,
        capture_output=True,
        text=True,
        check=True,
    )
    found = [Path(line) for line in done.stdout.split("\n") if line]
    assert [REPOSITORY in path.parents for path in found] == [True, True]


def test_no_package_of_ours_can_come_from_a_registry():
    """A foreign project is published as jndlab; a request by that name would fetch it."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    ours = re.compile(rf"(?mi)^[\s-]*({project['name']}|jndlab|jndops)\b")
    requested = [REPOSITORY / "envs/requirements.in", REPOSITORY / "envs/requirements.lock"]
    for path in [*requested, *(REPOSITORY / "envs").glob("*.yaml")]:
        assert not ours.search(path.read_text("utf-8")), path
    assert project["name"] not in ("jndlab", "jndops")
    installer = (REPOSITORY / "envs/install_package.sh").read_text("utf-8")
    assert {"--no-index", "--no-deps", "--no-build-isolation"} <= set(installer.split())


def test_every_conda_environment_installs_the_packages():
    environments = {path.stem for path in (REPOSITORY / "envs").glob("*.yaml")}
    after = {path.name for path in (REPOSITORY / "envs").glob("*.post-deploy.sh")}
    assert after == {f"{name}.post-deploy.sh" for name in environments}


@pytest.fixture(scope="module")
def conda_style(tmp_path_factory) -> tuple[Workflow, str]:
    """A copy of the suite, and the Python of an environment that its post-deploy script filled."""
    copy = Workflow(tmp_path_factory.mktemp("a copy"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        copy.write(name, (REPOSITORY / name).read_text("utf-8"))
    folder = tmp_path_factory.mktemp("conda") / "env"
    make = [sys.executable, "-m", "venv", "--symlinks", "--without-pip", str(folder)]
    subprocess.run(make, check=True)
    # The packages of the lock, without the installed suite: what the conda file lists.
    packages = Path(pytest.__file__).parents[1]
    site = next(folder.glob("lib/python*/site-packages"))
    for entry in packages.iterdir():
        if "jnd" not in entry.name and not entry.name.endswith(".pth"):
            (site / entry.name).symlink_to(entry)
    script = REPOSITORY / "envs/codecs.post-deploy.sh"
    bin_first = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**WITHOUT_PATH, "JND_SUITE": str(copy.folder), "PATH": bin_first}
    done = subprocess.run(
        ["sh", str(script)], env=environment, cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return copy, str(folder / "bin/python")


def run_adapter(python: str, suite: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run keep_config as Snakemake does in a conda environment, which sees no PYTHONPATH."""
    program = (
        "import runpy; from types import SimpleNamespace as S\n"
        "from snakemake.iocontainers import Namedlist\n"
        "output = Namedlist(fromdict={'config': 'config.json'})\n"
        f"scripts = {str(suite / 'workflow_scripts/coding')!r}\n"
        "snakemake = S(scriptdir=scripts, log=['log.txt'], output=output,\n"
        "    params=S(effective={'a': 1}))\n"
        "runpy.run_path(scripts + '/keep_config.py', init_globals={'snakemake': snakemake})\n"
    )
    command = [python, "-c", program]
    return subprocess.run(command, cwd=folder, env=WITHOUT_PATH, capture_output=True, text=True)


def test_adapter_runs_in_an_environment_of_its_own_copy(conda_style, tmp_path):
    copy, python = conda_style
    done = run_adapter(python, copy.folder, tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "config.json").exists()


def test_adapter_refuses_the_packages_of_another_copy(conda_style, tmp_path):
    _, python = conda_style
    done = run_adapter(python, REPOSITORY, tmp_path)
    assert done.returncode == 1 and not (tmp_path / "config.json").exists()
    assert "another copy of the suite" in done.stderr and "Traceback" not in done.stderr
    assert "install_package.sh" in done.stderr


def test_jobs_run_the_code_of_their_own_copy(tmp_path):
    """Whatever is installed: an edit in a copy is what the copy's jobs run."""
    copy = Workflow(tmp_path)
    copy.write("tiny.yaml", TINY)
    adapter = copy.folder / "workflow_scripts/jndops/adapter.py"  # loaded by jobs only
    adapter.write_text(adapter.read_text("utf-8") + "\nraise SystemExit('the copy ran')\n", "utf-8")
    done = copy.run("--configfile", "tiny.yaml", "--", "keep_config", check=False)
    assert done.returncode != 0 and "the copy ran" in done.stdout


FAKE_UV = """#!/bin/sh
echo "$*" >> calls
case " $* " in *" install "*) exit ${FAILS:-0} ;; esac
"""


@pytest.fixture
def almost_installed(tmp_path) -> Path:
    """The suite's folder with programs that only note what they are asked for."""
    (tmp_path / "envs").mkdir()
    for name in ("envs/install.sh", "envs/requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text((REPOSITORY / name).read_text("utf-8"), "utf-8")
    (tmp_path / "envs/install_package.sh").write_text("exit 0\n")
    (tmp_path / ".venv/bin").mkdir(parents=True)
    for name, program in (("python", "#!/bin/sh\nexit 0\n"), ("uv", FAKE_UV)):
        (tmp_path / ".venv/bin" / name).write_text(program)
        (tmp_path / ".venv/bin" / name).chmod(0o755)
    return tmp_path


def install(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "envs/install.sh"],
        cwd=folder,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
    )


def test_the_default_installs_the_lock_as_it_is(almost_installed):
    assert install(almost_installed).returncode == 0
    (call,) = (almost_installed / "calls").read_text().splitlines()
    assert call.endswith("--require-hashes envs/requirements.lock")


def test_torch_for_cpus_leaves_out_the_gpu_libraries_and_stays_chosen(almost_installed):
    assert install(almost_installed, TORCH="cpu").returncode == 0
    synced, torch = (almost_installed / "calls").read_text().splitlines()
    assert synced.endswith("--require-hashes .venv/without-gpu.lock")
    assert re.search(r" torch==[\d.]+\+cpu torchvision==[\d.]+\+cpu$", torch)
    without, whole = (
        (almost_installed / name).read_text()
        for name in (".venv/without-gpu.lock", "envs/requirements.lock")
    )
    names = [set(re.findall(r"(?m)^([a-z0-9-]+)==", text)) for text in (whole, without)]
    left_out = names[0] - names[1]
    assert {"torch", "torchvision", "triton", "nvidia-cublas"} <= left_out
    assert not names[1] - names[0]
    assert all(re.match(r"torch|triton|nvidia-|cuda-", name) for name in left_out)
    assert without.count("--hash") > 1000
    (almost_installed / "calls").unlink()
    assert install(almost_installed).returncode == 0  # the choice is remembered, all is there
    assert not (almost_installed / "calls").exists()


def test_an_index_without_wheels_for_cpus_is_named(almost_installed):
    done = install(almost_installed, TORCH="cpu", FAILS="1")
    assert done.returncode == 1 and "has no torch==" in done.stderr and "UV_INDEX" in done.stderr
    done = install(almost_installed, TORCH="tpu")
    assert done.returncode == 1 and "TORCH=cpu" in done.stderr
