"""Folders and environments in which people start a run."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from jndlab.media.ffmpeg import run
from workflow_runner import REPOSITORY, Workflow

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
DECODE = """
import sys
from jndlab.datasets.own_sequences import OwnSequence, own_sequence
from jndlab.datasets.prepare import prepare_sequence
from jndlab.errors import UserError
try:
    sequence = own_sequence("a", OwnSequence(file=sys.argv[1]).plain())
    print(prepare_sequence(sequence, sequence.clip(), "", "made.mkv", "scratch")["frames"])
except UserError as error:
    print(error)
"""
VARIABLES = {
    "none": {}, "colours": {"AV_LOG_FORCE_COLOR": "1"}, "terminal": {"TERM": "xterm-256color"},
    "report": {"FFREPORT": "file=victim:level=48"}, "language": {"LC_ALL": "de_DE.UTF-8"},
    "warnings": {"PYTHONWARNINGS": "error"}, "optimised": {"PYTHONOPTIMIZE": "2"},
    "relative_tmpdir": {"TMPDIR": "."}, "no_colours": {"NO_COLOR": "1", "FORCE_COLOR": "1"},
}  # fmt: skip


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("name", VARIABLES)
def test_damage_is_seen_whatever_the_variables(tmp_path, meet, name, whole):
    path = tmp_path / "a.mkv"
    run(["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=0.16", "-pix_fmt", "yuv420p",
         "-c:v", "ffv1", str(path)])  # fmt: skip
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0 if whole else 0xFF
    path.write_bytes(content)
    (tmp_path / "victim").write_text("precious")
    scripts = str(REPOSITORY / "workflow_scripts")
    done = subprocess.run([sys.executable, "-c", DECODE, str(path)], cwd=tmp_path, text=True,
                          env={**os.environ, **VARIABLES[name], "PYTHONPATH": scripts},
                          capture_output=True)  # fmt: skip
    assert (tmp_path / "victim").read_text() == "precious"
    said = "4" if whole else "no video that FFmpeg reads without errors"
    meet(lambda: [said in done.stdout, "Traceback" in done.stderr], (True, False))


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
    given = ("--configfile", "x.yaml", *arguments)
    environment = {**os.environ, "PYTHONPATH": "", **variables}
    done = subprocess.run(
        workflow.command(*given), cwd=workflow.folder, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={name: value for name, value in environment.items() if value is not None},
    ) if variables else workflow.run(*given, check=False)  # fmt: skip
    shown = done.stdout
    meet(lambda: [said in shown, "Traceback" in shown], (True, False))
