"""Folders and environments in which people start a run."""

from __future__ import annotations

import os
import subprocess

import pytest

from workflow_runner import Workflow

RUN = """
results_dir: results
sequences: [bigbuckbunny_tiny]
frames: 2
configurations: [AI]
qps: [37]
codecs: [x264-ultrafast]
mlflow: false
papers: []
methods: {anchor: {kind: anchor}}
"""
# Folder of the suite, variables (None: unset), Snakemake's arguments, and what its end says.
TRIES = {
    "space": ("a b", {}, ["-n"], "total"),
    "unicode": ("ä日本", {}, ["-n"], "total"),
    "quotes": ('it\'s "x"', {}, ["-n"], "total"),
    "dollar": ("$HOME;x&", {}, ["-n"], "total"),
    "hash": ("a#b%20c", {}, ["-n"], "total"),
    "language_c": ("a", {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0"}, ["-n"], "total"),
    "no_home": ("a", {"HOME": None}, ["-n"], "total"),
    "no_tmpdir": ("a", {"TMPDIR": "/no/such/folder"}, ["-n"], "total"),
    "other_ffmpeg": ("a", {"JNDLAB_FFMPEG": "/no/ffmpeg"}, [], "JNDLAB_FFMPEG names '/no/ffmpeg'"),
    "whole_run": ("ä b'c", {"LC_ALL": "C", "TMPDIR": "/no/such/folder"}, [], "Results in results"),
    "results_a_file": ("a", {}, ["-n", "--config", "results_dir=Snakefile/x"], "is a file"),
    "key_on_the_command_line": ("a", {}, ["-n", "--config", "qps=[22,27"], "qps"),
    "unknown_key": ("a", {}, ["-n", "--config", "qp=22"], "unknown key 'qp'"),
    "unknown_target": ("a", {}, ["-n", "--", "results/no/such.csv"], "results/no/such.csv"),
}


@pytest.mark.parametrize("name", TRIES)
def test_a_run(tmp_path, meet, name):
    folder, variables, arguments, said = TRIES[name]
    (tmp_path / folder).mkdir()
    workflow = Workflow(tmp_path / folder)
    workflow.write("x.yaml", RUN)
    environment = {**os.environ, "PYTHONPATH": "", **variables}
    done = subprocess.run(
        workflow.command("--configfile", "x.yaml", *arguments),
        cwd=workflow.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={name: value for name, value in environment.items() if value is not None},
    )  # fmt: skip
    shown = done.stdout.decode(errors="replace")
    meet(lambda: [said in shown, "Traceback" in shown], (True, False))
