"""Sources that change under the same name, size and time: what was made of them is made again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jndlab.files import sha256_of, write_json
from jndops.inputs.changed_source import change_of
from workflow_runner import Workflow

HOUR = 3600 * 10**9
RAW = """
results_dir: results
own_sequences: {mine: {file: mine_64x48_25.yuv}}
configurations: [AI]
qps: [37]
codecs: [x264-ultrafast]
mlflow: false
papers: []
methods: {anchor: {kind: anchor}}
"""


@pytest.fixture
def source(tmp_path):
    """A source and the metadata of what was made of it, an hour after its time."""
    path = tmp_path / "mine.yuv"
    path.write_bytes(bytes(100))
    made = tmp_path / "results/sequences/mine.json"
    write_json(made, {"source_sha256": sha256_of(path)})
    old = made.stat().st_mtime_ns - HOUR
    os.utime(path, ns=(old, old))
    later = path.stat().st_ctime_ns + 1
    os.utime(made, ns=(later, later))
    return path


def replaced(path, content):
    """Another content under the time that the file had, as `cp -p` of another copy leaves it."""
    time = path.stat().st_mtime_ns
    path.write_bytes(content)
    os.utime(path, ns=(time, time))


def test_a_changed_source_is_noted_once(source, tmp_path):
    results, made = tmp_path / "results", tmp_path / "results/sequences/mine.json"
    assert change_of(source, results, "mine") == []
    replaced(source, bytes(99) + b"1")
    (note,) = change_of(source, results, "mine")
    noted = Path(note).stat().st_mtime_ns
    assert noted > made.stat().st_mtime_ns
    assert change_of(source, results, "mine") == [note] and Path(note).stat().st_mtime_ns == noted
    write_json(made, {"source_sha256": sha256_of(source)})
    replaced(source, bytes(98) + b"22")
    change_of(source, results, "mine")
    assert Path(note).stat().st_mtime_ns > noted


def test_the_same_samples_copied_again_are_read_once(source, tmp_path, monkeypatch):
    replaced(source, bytes(100))
    assert change_of(source, tmp_path / "results", "mine") == []
    monkeypatch.setattr("jndops.inputs.changed_source.sha256_of", None)
    assert change_of(source, tmp_path / "results", "mine") == []


def test_what_is_not_made_yet_is_not_looked_at(tmp_path):
    assert change_of(tmp_path / "absent.yuv", tmp_path / "results", "mine") == []
    assert not (tmp_path / "results").exists()


def test_a_run_codes_changed_samples_again(tmp_path):
    workflow, asked = Workflow(tmp_path), ("--configfile", "raw.yaml", "--", "tables")
    workflow.write("raw.yaml", RAW)
    path = workflow.folder / "mine_64x48_25.yuv"
    path.write_bytes(bytes(64 * 48 * 3 // 2 * 2))
    os.utime(path, ns=(HOUR * 9, HOUR * 9))
    left = workflow.folder / "data/own/.part-a-abcd1234.zip"  # of a fetch that was killed
    left.parent.mkdir(parents=True)
    for file in (left, left.with_name(".a.zip.lock")):
        file.touch()
    workflow.run(*asked)
    assert workflow.planned(*asked) == {} and not left.exists()
    replaced(path, os.urandom(64 * 48 * 3 // 2 * 2))
    assert {"prepare_sequence", "encode_clip"} <= set(workflow.planned(*asked))
    workflow.run(*asked)
    assert workflow.planned(*asked) == {}
