"""The workflow itself: linted, formatted, every rule complete, job counts and planning time."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import time

import pytest

from workflow_runner import REPOSITORY, Workflow

RULE_FILES = sorted((REPOSITORY / "rules").glob("*.smk"))
NEEDED = ("log:", "conda:", "threads:", "mem_mb=", "runtime=", "message:")


def tool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *arguments], cwd=REPOSITORY, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("snakefmt", "--check", "Snakefile", "rules"),
        ("snakemake", "--lint"),
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_style(arguments):
    done = tool(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def rules() -> list[tuple[str, str]]:
    found = []
    for path in RULE_FILES:
        for body in re.split(r"(?m)^rule ", path.read_text("utf-8"))[1:]:
            found.append((f"{path.name}:{body.split(':')[0]}", body))
    return found


@pytest.mark.parametrize(("name", "body"), rules(), ids=[name for name, _ in rules()])
def test_every_executing_rule_is_complete(name, body):
    if "script:" in body or "shell:" in body:
        missing = [part for part in NEEDED if part not in body]
        assert not missing, f"{name} lacks {missing}"
        if "output:" in body:
            assert "benchmark:" in body, f"{name} lacks a benchmark"


def test_rule_script_and_log_share_a_name():
    for name, body in rules():
        rule = name.split(":")[1]
        script = re.search(r"workflow_scripts/(\w+)\.py", body)
        if script:
            assert script[1] == rule, name
        log = re.search(r'"<logs>/(\w+)', body)
        if log:
            assert log[1] == rule, name


def test_science_imports_neither_snakemake_nor_mlflow():
    for path in (REPOSITORY / "workflow_scripts/jndlab").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            roots = {name.split(".")[0] for name in names}
            assert not roots & {"snakemake", "mlflow", "jndops"}, path


FLOORS = [
    "media", "codecs", "quality", "jnd", "models", "training", "datasets", "report", "papers",
]  # fmt: skip


def test_packages_depend_downwards_only():
    order = {name: rank for rank, name in enumerate(FLOORS)}
    for package, rank in order.items():
        for path in (REPOSITORY / "workflow_scripts/jndlab" / package).rglob("*.py"):
            for used in re.findall(r"^\s*from jndlab\.(\w+)", path.read_text("utf-8"), re.M):
                assert order.get(used, -1) <= rank, f"{path.name} ({package}) imports {used}"


HEAVY = {"torch", "pyiqa", "mlflow", "seaborn", "pandas", "matplotlib"}


@pytest.mark.parametrize("script", ["encode_clip", "measure_point", "prepare_sequence"])
def test_encode_and_measure_jobs_start_cheaply(script):
    lines = (REPOSITORY / f"workflow_scripts/{script}.py").read_text("utf-8").splitlines()
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
    # LASeR-JND's autoencoders and networks, most of them for each level; and MTJND's.
    assert planned["train_jnd_network"] == 23 and planned["train_bl_juniper"] == 3
    assert planned["train_vp_jnd"] == 2 * (1 + 10 + 10)  # networks; one split and two of folds
    assert seconds < 60, "planning paper.yaml (see `make bench`) has become far too slow"


@pytest.mark.parametrize("arguments", [("qps=[22,27]",), ("mlflow=true",), ("sequences=[bike]",)])
def test_a_wrong_config_ends_without_a_traceback(tmp_path, arguments):
    workflow = Workflow(tmp_path)
    done = workflow.run("--dry-run", "--config", *arguments, check=False)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert arguments[0].split("=")[0] in done.stdout
