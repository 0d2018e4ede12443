"""Odd configurations: each gets one message that names the key, none a bare exception."""

from __future__ import annotations

import pytest

from jndlab.errors import UserError
from jndops.inputs.coding import CodingInputs
from jndops.results_dir import results_dir
from jndops.settings import load_settings, read_config
from workflow_runner import REPOSITORY

GOOD = "sequences: [bikes_tiny]\ncodecs: [x264-ultrafast]\npapers: []\nmlflow: false\n"
ANCHOR = "methods:\n  anchor: {kind: anchor}\n"
OWN = ANCHOR.replace("{", "{{").replace("}", "}}") + "  mine: {{kind: prefilter, class: '{}'}}\n"

# (what is added to GOOD, what the message must say)
REFUSED = [
    ("results_dir: '{qp}/x'", ["results_dir", "'{'"]),
    ("results_dir: '<logs>'", ["results_dir", "'<'"]),
    ('results_dir: "a\\nb"', ["results_dir", "'\\n'"]),
    ('results_dir: "a\\0b"', ["results_dir", "'\\x00'"]),
    ("results_dir: ' '", ["results_dir", "no name"]),
    ("results_dir: .", ["results_dir", "suite itself"]),
    ("results_dir: ..", ["results_dir", "suite itself"]),
    ("results_dir: /", ["results_dir", "suite itself"]),
    ("results_dir: results/../config", ["results_dir", "suite itself"]),
    ("results_dir: workflow_scripts/x", ["results_dir", "suite itself"]),
    ("results_dir: README.md/x", ["results_dir", "README.md is a file"]),
    ("results_dir: ~/x", ["results_dir", "~"]),
    ("results_dir: s3://bucket/x", ["results_dir", "storage"]),
    ("data_dir: README.md", ["data_dir", "is a file"]),
    ("1: 2", ["unknown key '1'"]),
    ("qps: [22.0]", ["qps[0]", "22.0", "write 22 without a point"]),
    ("frames: 9.0", ["frames", "9.0", "write 9 without a point"]),
    ("qps: [true]", ["qps[0]", "true"]),
    ("subjective: {scale: [5, 1]}", ["subjective.scale", "does not rise"]),
    ("subjective: {scale: [3, 3]}", ["subjective.scale", "does not rise"]),
    (ANCHOR + "  5: {kind: anchor}", ["methods", "5"]),
    (ANCHOR + f"  {'a' * 65}: {{kind: anchor}}", ["methods", "not allowed"]),
    (ANCHOR + '  "a\\n": {kind: anchor}', ["methods", "not allowed"]),
    (OWN.format("sys:X"), ["sys:X", "no module"]),
    (OWN.format("no_such.module:X"), ["no_such.module:X", "no module"]),
    (OWN.format("odd.broken:X"), ["broken.py", "no valid Python", "line 1"]),
    (OWN.format("odd.latin:X"), ["latin.py", "no valid Python"]),
    (OWN.format("odd.nul:X"), ["nul.py", "no valid Python"]),
    (OWN.format("raising.module:X"), ["raising.module:X", "RuntimeError: too early"]),
]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder next to modules that a configuration may name, with a file of the suite's name."""
    (tmp_path / "README.md").touch()
    (tmp_path / "odd").mkdir()
    (tmp_path / "raising").mkdir()
    for name, content in {
        "odd/__init__.py": b"",
        "odd/broken.py": b"class X",
        "odd/latin.py": "class X: 'Ä'\n".encode("latin-1"),
        "odd/nul.py": b"class X:\n    '\0'\n",
        "raising/__init__.py": b"raise RuntimeError('too early')\n",
    }.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def checked(path):
    settings = load_settings(read_config([path], {}), REPOSITORY)
    CodingInputs(settings)
    return settings


@pytest.mark.parametrize(("added", "said"), REFUSED, ids=[text[:40] for text, _ in REFUSED])
def test_what_is_refused(folder, monkeypatch, added, said):
    path = folder / "mine.yaml"
    methods = "" if "methods:" in added else ANCHOR
    path.write_text(GOOD + methods + added + "\n", encoding="utf-8")
    own = any(name in added for name in ("odd.", "raising."))
    monkeypatch.chdir(folder if own or "README" in added else REPOSITORY)
    with pytest.raises(UserError) as error:
        checked(path)
    for part in said:
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("written", "name"),
    [("results//mine/", "results/mine"), ("./x", "x"), ("a b/(1) #2?", "a b/(1) #2?")],
)
def test_folders_of_results(tmp_path, monkeypatch, written, name):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "mine.yaml"
    path.write_text(f'{GOOD}{ANCHOR}results_dir: "{written}"\n', encoding="utf-8")
    assert checked(path).config["results_dir"] == results_dir(path) == name


def test_later_files_and_the_command_line_replace_single_keys(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("a: 1\nm: {x: {p: 1, q: 2}, y: 3}\n")
    second.write_text("m: {x: {q: 4}}\n")
    assert read_config([first, second], {"a": 5}) == {"a": 5, "m": {"x": {"p": 1, "q": 4}, "y": 3}}
    assert read_config([], {}) == {}
