"""The workflow itself: linted, formatted, every rule complete, job counts and planning time."""

from __future__ import annotations

import ast
import os
import re
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from workflow_runner import REPOSITORY, Workflow

RULE_FILES = sorted((REPOSITORY / "rules").rglob("*.smk"))
NEEDED = ('"""', "conda:")
REPEATED = {"log", "benchmark", "conda", "threads", "resources", "priority"}


def lint_commands() -> list[str]:
    """What ``make lint`` runs, but for types, which take a minute."""
    command = ["make", "--dry-run", "--no-print-directory", "--old-file", "setup", "lint"]
    plain = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=plain, capture_output=True, text=True, check=True
    )
    return [line for line in done.stdout.splitlines() if "mypy" not in line]


@pytest.mark.parametrize("command", lint_commands())
def test_style(command):
    if not (REPOSITORY / command.split()[0]).exists():
        pytest.skip(f"{command.split()[0]} is not installed: `make setup`")
    done = subprocess.run(command, shell=True, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[tuple[str, str]]:
    """Every rule as (file:name, text); a rule in a loop over papers has the pattern of its name."""
    found = []
    for path in RULE_FILES:
        for body in re.split(r"(?m)^ *rule\b *", path.read_text("utf-8"))[1:]:
            name = body.split(":")[0] or re.search(r"name:\s+(\S+)", body)[1]
            found.append((f"{path.parent.name}/{path.name}:{name}", body))
    return found


@pytest.mark.parametrize(("name", "body"), rules(), ids=[name for name, _ in rules()])
def test_every_executing_rule_is_complete(name, body):
    if "script:" in body or "shell:" in body:
        missing = [part for part in NEEDED if part not in body]
        assert not missing, f"{name} lacks {missing}"


def test_rules_state_no_default():
    for name, body in rules():
        assert not re.search(r"(?m)^ +(threads: 1$|message:|log:|benchmark:| code=code)", body), (
            name
        )


def directives(body: str) -> list[tuple[str, int]]:
    """Each directive of a rule with its number of lines."""
    lines = [line for line in body.split("\n")[1:] if line.strip()]
    indent = len(lines[0]) - len(lines[0].lstrip())
    found: list[tuple[str, int]] = []
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if depth < indent:
            break
        if depth == indent:
            found.append((line.split(":")[0].strip(), 0))
        found[-1] = (found[-1][0], found[-1][1] + 1)
    return found


def test_rules_are_short_and_repeat_little():
    executing = [directives(body) for _, body in rules() if "script:" in body or "shell:" in body]
    lengths = [1 + sum(lines for _, lines in rule) for rule in executing]
    repeated = [sum(lines for name, lines in rule if name in REPEATED) for rule in executing]
    assert len(executing) > 60
    assert statistics.median(lengths) <= 16
    assert statistics.median(repeated) <= 2


def test_rule_files_hold_no_functions():
    for path in [*RULE_FILES, REPOSITORY / "Snakefile"]:
        text = path.read_text("utf-8")
        assert not re.search(r"(?m)^\s*(def|class|try)\b", text), path


# One adapter serves both papers of JND networks, whose rules are made in a loop.
SHARED_ADAPTERS = {
    'f"train_{paper}"': "train_jnd_networks",
    'f"tabulate_{paper}"': "tabulate_jnd_network",
    'f"plot_{paper}"': "plot_jnd_network",
}


def test_rule_and_script_share_a_name_and_a_wing():
    adapters = set()
    for name, body in rules():
        place, rule = name.split(":")
        script = re.search(r'"(?:\.\./)+workflow_scripts/(\w+)/(\w+)\.py"', body)
        if not script:
            assert not re.search(r"(?m)^ +script:", body), name
            continue
        assert script[1] == place.split("/")[0], name
        assert script[2] == SHARED_ADAPTERS.get(rule, rule), name
        adapters.add(script[0].strip('"./'))
    wings = [path for path in (REPOSITORY / "rules").iterdir() if path.is_dir()]
    written = {
        path.relative_to(REPOSITORY).as_posix()
        for wing in wings
        for path in (REPOSITORY / "workflow_scripts" / wing.name).glob("*.py")
    }
    assert adapters == written, "an adapter without a rule, or a rule without an adapter"


def test_no_folder_is_crowded():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    files = [Path(name) for name in tracked if name]
    assert len(files) > 100, "this test needs a git clone"
    crowded = {
        str(folder): count
        for folder, count in Counter(file.parent for file in files).items()
        if count > 20
    }
    assert not crowded


def imported_modules(path: Path) -> set[str]:
    """Full names of what a file imports, names of a package's modules included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_no_paper_imports_another():
    papers = REPOSITORY / "workflow_scripts/jndlab/papers"
    wings = [path for path in papers.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert {"iqnet", "bl_juniper", "jnd_networks", "vp_jnd"} <= {path.name for path in wings}
    for wing in wings:
        for path in wing.rglob("*.py"):
            others = {
                name
                for name in imported_modules(path)
                if name.startswith("jndlab.papers.") and name.split(".")[2] != wing.name
            }
            assert not others, f"{path.relative_to(REPOSITORY)} imports {others}"


def test_science_imports_neither_snakemake_nor_mlflow():
    for path in (REPOSITORY / "workflow_scripts/jndlab").rglob("*.py"):
        roots = {name.split(".")[0] for name in imported_modules(path)}
        assert not roots & {"snakemake", "mlflow", "jndops"}, path


FLOORS = [
    "media", "codecs", "quality", "jnd", "models", "training", "datasets", "report",
    "subjective", "papers",
]  # fmt: skip


def test_packages_depend_downwards_only():
    order = {name: rank for rank, name in enumerate(FLOORS)}
    packages = (REPOSITORY / "workflow_scripts/jndlab").glob("*/__init__.py")
    assert {path.parent.name for path in packages} == set(order)
    for package, rank in order.items():
        for path in (REPOSITORY / "workflow_scripts/jndlab" / package).rglob("*.py"):
            for used in re.findall(r"^\s*from jndlab\.(\w+)", path.read_text("utf-8"), re.M):
                assert order.get(used, -1) <= rank, f"{path.name} ({package}) imports {used}"


HEAVY = {"torch", "pyiqa", "mlflow", "seaborn", "pandas", "matplotlib", "pydantic"}


@pytest.mark.parametrize(
    "script",
    [
        "prepare_sequence", "prefilter_clip", "measure_prefilter", "encode_clip", "encode_segment",
        "join_segments", "measure_point",
    ],
)  # fmt: skip
def test_encode_and_measure_jobs_start_cheaply(script):
    lines = (REPOSITORY / f"workflow_scripts/coding/{script}.py").read_text("utf-8").splitlines()
    imports = [line for line in lines if line.startswith(("import ", "from "))]
    program = [*imports, "import sys", "print(*{name.split('.')[0] for name in sys.modules})"]
    told = subprocess.run(
        [sys.executable, "-c", "\n".join(program)],
        cwd=REPOSITORY / "workflow_scripts",
        capture_output=True,
        text=True,
        check=True,
    )
    assert not HEAVY & set(told.stdout.split())


def test_paper_run_is_planned_fast_and_whole(tmp_path):
    workflow = Workflow(tmp_path)
    started = time.monotonic()
    planned = workflow.planned("--configfile", "config/paper.yaml")
    seconds = time.monotonic() - started
    clips = 18 * 2  # sequences and configurations
    # VTM: the anchor and four prefilters; x264: the anchor and two predictors; kvazaar: the anchor,
    # with two more QPs for the comparison with a plain increase, and the control.
    points = clips * (4 * 5 + 4 * 3 + 4 * 2 + 2)
    assert planned["prepare_sequence"] == 18
    assert planned["encode_clip"] == planned["measure_point"] == points
    # ERJND and IQNet filter once, LR-JNQD and CNN-JNQD once for each QP.
    assert planned["prefilter_clip"] == planned["measure_prefilter"] == 18 * (1 + 1 + 4 + 4)
    assert planned["train_iqnet"] == 1 and planned["train_cnn_jnqd"] == 4
    # All networks of a paper on one split are a job.
    assert planned["train_laser_jnd"] == planned["train_mtjnd"] == 1
    assert planned["train_bl_juniper"] == 3
    assert planned["train_vp_jnd"] == 2 * 3 * 3  # networks, data sets of one split, seeds
    assert seconds < 60, "planning paper.yaml (see `make bench`) has become far too slow"


@pytest.mark.parametrize("mistake", ["qps=[22,27]", "mlflow=true", "sequences=[bike]"])
@pytest.mark.parametrize("how", ["--dry-run", "--quiet=all"])
def test_a_wrong_config_ends_without_a_traceback(tmp_path, mistake, how):
    workflow = Workflow(tmp_path)
    done = workflow.run(how, "--config", mistake, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout and ", in <module>" not in done.stdout
    assert done.stdout.count(mistake.split("=")[0]) >= 1
