"""Documents and project files agree with the code: links, version, named files, site, tools."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from jndops.workflow.environment import SNAKEMAKE
from workflow_runner import REPOSITORY, snakemake

TRACKED = [
    Path(name)
    for name in subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=REPOSITORY, capture_output=True, text=True, check=True,
    ).stdout.splitlines()
]  # fmt: skip
DOCUMENTS = [path for path in TRACKED if path.suffix == ".md"]


def anchors(path: Path) -> set[str]:
    """Anchors of a document's headings, as forges make them."""
    headings = re.findall(r"(?m)^#+ (.+)$", path.read_text("utf-8"))
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document):
    text = (REPOSITORY / document).read_text("utf-8")
    links = re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"", text)
    for link in (first or second for first, second in links):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (REPOSITORY / document.parent / name) if name else REPOSITORY / document
        assert target.exists(), f"{document}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{document}: {link}"


FOLDERS = ("", "workflow_scripts", "workflow_scripts/jndlab", "docs")


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_files_that_documents_name_exist(document):
    """Paths of our own code and configuration in back quotes; patterns may hold ``*`` and ``<``."""
    text = (REPOSITORY / document).read_text("utf-8")
    named = re.findall(r"`((?:[\w.]+/)+[\w.]+\.(?:py|smk|yaml|tsv|md))`", text)
    roots = ("rules", "config", "docs", "tests", "envs", "profiles", "jndlab", "jndops", "report")
    for name in named:
        if name.split("/")[0] in roots and "my_" not in name:
            found = any((REPOSITORY / folder / name).exists() for folder in FOLDERS)
            assert found, f"{document} names {name}"


def project() -> dict:
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))


def test_the_version_is_the_same_everywhere():
    version = project()["project"]["version"]
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text("utf-8"))
    assert citation["version"] == version
    codemeta = json.loads((REPOSITORY / "codemeta.json").read_text("utf-8"))
    assert codemeta["version"] == version
    headings = re.findall(r"(?m)^## \[(.+?)\]", (REPOSITORY / "CHANGELOG.md").read_text("utf-8"))
    assert headings[:2] == ["Unreleased", version]


def test_citation_and_codemeta_agree():
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text("utf-8"))
    codemeta = json.loads((REPOSITORY / "codemeta.json").read_text("utf-8"))
    assert codemeta["name"] == citation["title"]
    assert codemeta["license"] == f"https://spdx.org/licenses/{citation['license']}"
    assert [one["name"] for one in codemeta["author"]] == [a["name"] for a in citation["authors"]]
    papers = {paper["name"]: paper.get("sameAs", "") for paper in codemeta["isBasedOn"]}
    assert set(papers) == {paper["title"] for paper in citation["references"]}
    for paper in citation["references"]:
        assert papers[paper["title"]].endswith(paper.get("doi", paper.get("url", "")))


def test_the_entry_of_the_catalogue_says_what_there_is():
    """The catalogue asks for these keys; conda files are there, images are not pulled by rules."""
    text = (REPOSITORY / ".snakemake-workflow-catalog.yml").read_text("utf-8")
    usage = yaml.safe_load(text)["usage"]
    assert set(usage) == {"mandatory-flags", "software-stack-deployment", "report"}
    rules = "".join(path.read_text("utf-8") for path in REPOSITORY.glob("rules/**/*.smk"))
    deployment = usage["software-stack-deployment"]
    assert deployment["conda"] == ("conda:" in rules)
    assert deployment["apptainer"] == ("container:" in rules)


def test_every_profile_is_told():
    told = (REPOSITORY / "profiles/README.md").read_text("utf-8")
    profiles = {path.parent.name for path in REPOSITORY.glob("profiles/*/profile.yaml")}
    assert profiles == set(re.findall(r"(?m)^\| `([\w-]+)/` \|", told))


def test_screenshots_are_those_of_the_script_and_small():
    script = (REPOSITORY / "tests/screenshots.py").read_text("utf-8")
    taken = set(re.findall(r'"(\w+\.png)"', script))
    taken |= {f"mlflow_{name}.png" for name in ("points", "trainings")}
    pictures = {path.name: path for path in (REPOSITORY / "docs/images/pages").iterdir()}
    assert set(pictures) == taken
    assert all(path.stat().st_size < 150_000 for path in pictures.values())
    documents = ("docs/usage.md", "docs/subjective.md")
    shown = "".join((REPOSITORY / name).read_text("utf-8") for name in documents)
    assert all(f"(images/pages/{name})" in shown for name in pictures)


def test_hooks_and_ci_call_what_there_is():
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text("utf-8"))
    locked = (REPOSITORY / "envs/requirements.lock").read_text("utf-8")
    for hook in hooks["repos"][0]["hooks"]:
        program = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert program == "python" or f"\n{program}==" in locked, hook["id"]
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/ci.yml").read_text("utf-8"))
    commands = {
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    }
    targets = re.findall(r"(?m)^([a-z-]+):", (REPOSITORY / "Makefile").read_text("utf-8"))
    for command in commands:
        if command.startswith("make "):
            assert command.split()[1] in targets, command
        else:
            assert (REPOSITORY / command).exists(), command
    assert "make lint" in commands and ".ci/run" in commands


def test_pages_of_the_site_are_complete():
    settings = yaml.load((REPOSITORY / "mkdocs.yml").read_text("utf-8"), yaml.BaseLoader)
    listed = re.findall(r"[\w/]+\.md", str(settings["nav"]))
    hand_written = {str(path) for path in DOCUMENTS if path.parts[0] == "docs"}
    assert hand_written <= set(listed), "a document is not in the navigation of mkdocs.yml"
    assert all((REPOSITORY / page).is_file() for page in listed)


def test_prose_check_finds_words_and_leaves_code_alone(tmp_path):
    document = tmp_path / "page.md"
    document.write_text("It learnt anew.\n\n```\nlearnt = 1\n```\n`learnt` is code.\n")
    script = tmp_path / "code.py"
    script.write_text(
        '"""A model that is judged here."""\n\njudged = 1  # beside it\nx = "anew"\n'
        "def draw_facts(told): ...\n"
    )
    done = subprocess.run(
        [sys.executable, REPOSITORY / ".ci/prose.py", document, script],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    places = [line.split(": ")[0].rsplit("/", 1)[1] for line in done.stdout.splitlines()]
    assert sorted(places) == [
        "code.py:1",
        *["code.py:3"] * 2,
        *["code.py:5"] * 2,
        *["page.md:1"] * 2,
    ]


Keys = tuple[str, ...]


def keys_in(value: object, path: Keys = ()) -> Iterator[Keys]:
    """Where values stand in a YAML file; the key of a list of mappings ends in ``[]``."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from keys_in(inner, (*path, str(key)))
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        for item in value:
            yield from keys_in(item, (*path[:-1], f"{path[-1]}[]"))
    else:
        yield path


def explained_keys(file: str) -> list[Keys]:
    """Keys that config/README.md explains of a file; of experiments those of papers too."""
    text = (REPOSITORY / "config/README.md").read_text("utf-8")
    sections = dict(re.findall(r"(?ms)^## (.+?)\n(.*?)(?=^## |\Z)", text))
    papers = {heading: heading.split("`")[1] for heading in sections if heading[:3] == "Key"}
    experiment = [heading for heading in sections if "`config.yaml`" in heading]
    found = []
    for heading in [f"`{file}`"] if f"`{file}`" in sections else [*experiment, *papers]:
        rows = re.findall(r"(?m)^\| `([^`]+)` \| .+ \| .+ \| (.*) \|$", sections[heading])
        assert rows and all(meaning for _, meaning in rows), heading
        found += [(*papers.get(heading, "").split(), *key.split(".")) for key, _ in rows]
    return found


@pytest.mark.parametrize("file", [path for path in TRACKED if path.match("config/*.yaml")], ids=str)
def test_every_key_of_every_configuration_is_explained(file):
    rows = explained_keys(file.name)
    inner = {row[:end] for row in rows for end in range(1, len(row))}
    for key in keys_in(yaml.safe_load((REPOSITORY / file).read_text("utf-8"))):
        # A row without rows below it is of a mapping with names of its user's choice.
        fits = [row for row in rows if len(row) == len(key) or row not in inner]
        assert any(
            all(name in ("NAME", one) for name, one in zip(row, key, strict=False))
            for row in fits
            if len(row) <= len(key)
        ), ".".join(key)


def test_prose_check_leaves_out_tests_that_a_commit_names():
    command = [sys.executable, ".ci/prose.py", "tests/workflow/test_documents.py"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def commands(program: str) -> list[str]:
    """Commands of a program in code spans and blocks of all documents, comments left out."""
    found = []
    for document in DOCUMENTS:
        text = (REPOSITORY / document).read_text("utf-8")
        code = re.findall(r"(?ms)^```[a-z]*\n(.*?)^```|`([^`\n]+)`", text)
        lines = [line for block, span in code for line in (block or span).splitlines()]
        found += [re.split(r" +#", line)[0].strip() for line in lines]
    pattern = re.compile(rf"(\.venv/bin/)?{program}( |$)")
    return list(dict.fromkeys(line for line in found if pattern.match(line)))


@pytest.mark.parametrize("command", commands("make"))
def test_make_knows_what_documents_ask_of_it(command):
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    targets = re.findall(r"(?m)^([a-z-]+):", makefile)
    for word in shlex.split(command)[1:]:
        if word == "..." or word.startswith("-"):  # arguments left out, a word of the text
            continue
        name, is_variable, _ = word.partition("=")
        if is_variable:
            assert f"$({name})" in makefile or f"$${name}" in makefile, word
        else:
            assert name in targets, word


def test_rules_that_documents_ask_snakemake_for_exist():
    rules = "".join(path.read_text("utf-8") for path in REPOSITORY.glob("rules/**/*.smk"))
    asked = {word for command in commands("snakemake") for word in command.split()[1:2]}
    for name in asked - {"-n"}:
        assert name.startswith("--") or f"\nrule {name}:" in rules, name


# Commands that end at once, write something else or are for a cluster; arguments left out.
NOT_PLANNED = ("--unlock", "--containerize", "--workflow-profile", "PROFILE=", "...")
PLANNED = [
    command
    for command in [*commands("make (demo|smoke|study|run)"), *commands("snakemake")]
    if not any(word in command for word in NOT_PLANNED)
    and (command.startswith("make") or "--c" in command)
]


# Instead of Python: says what Snakemake is asked for, a word a line, and starts nothing of a run.
ASKED = f"""#!/bin/sh
case "$1" in
  workflow_scripts/jndops/results_dir.py) exec {shlex.quote(sys.executable)} "$@" ;;
  {Path(SNAKEMAKE[1]).relative_to(REPOSITORY)}) shift; printf '%s\\n' "$@" ;;
  *) echo "make runs $1, which this test does not know" >&2; exit 1 ;;
esac
"""


@pytest.fixture(scope="module")
def plans(tmp_path_factory) -> dict[str, subprocess.CompletedProcess[str]]:
    """For each command the plan of what it asks for, made once for all with the same options."""
    from snakemake.cli import get_argument_parser

    folder = tmp_path_factory.mktemp("asked")
    own = (REPOSITORY / "config/smoke.yaml").read_text("utf-8")
    ratings = folder / "ratings.csv"
    ratings.write_text("subject,stimulus,score,time\n", "utf-8")
    (folder / "my.yaml").write_text(f"{own}\nsubjective: {{ratings: [{ratings}]}}\n", "utf-8")
    (folder / "python").write_text(ASKED)
    (folder / "python").chmod(0o755)
    # These tests may be run by make, whose own arguments are passed down.
    given = ("MAKE", "ARGS")
    outside = {name: text for name, text in os.environ.items() if not name.startswith(given)}
    parser, asked, checked = get_argument_parser(), {}, set()
    targets: dict[tuple[str, ...], set[str]] = {}
    for command in PLANNED:
        words = shlex.split(re.sub(r"\bmy\.yaml", str(folder / "my.yaml"), command))[1:]
        if command.startswith("make"):
            # Nothing is set up: that is what the environment of this test is.
            make = ["make", "-o", "setup", *words, f"PY={folder / 'python'}"]
            chosen = (words[0], *(word for word in words if word.startswith("CONFIG=")))
            make += ["-o", "config-exists"] if chosen in checked else []
            checked.add(chosen)
            said = subprocess.run(make, cwd=REPOSITORY, env=outside, capture_output=True, text=True)
            assert said.returncode == 0, said.stdout + said.stderr
            words = said.stdout.splitlines()
        wanted = parser.parse_args(words).targets
        asked[command] = tuple(word for word in words if word not in ("-n", "--", *wanted))
        targets.setdefault(asked[command], set()).update(wanted or ["all"])
    planned = {
        options: snakemake(["-n", "--quiet", "all", *options, "--", *sorted(names)], REPOSITORY)
        for options, names in targets.items()
    }
    return {command: planned[options] for command, options in asked.items()}


@pytest.mark.parametrize("command", PLANNED)
def test_snakemake_plans_what_documents_ask_of_it(command, plans):
    """``--configfile`` takes several values: a target right after it is read as a file."""
    assert plans[command].returncode == 0, plans[command].stdout


def test_guarantees_have_their_tests():
    text = (REPOSITORY / "docs/reliability.md").read_text("utf-8")
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 20
    for file, test in named:
        assert f"def {test}(" in (REPOSITORY / file).read_text("utf-8"), f"{file}::{test}"
