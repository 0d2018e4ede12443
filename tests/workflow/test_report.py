"""The HTML report: built without network from a finished run, with captions, figures and tables."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

import workflow_runner
from workflow_runner import Workflow

TINY = workflow_runner.TINY.replace("results_dir: results", "results_dir: out")

# Loaded by every Python below: whoever opens a connection fails, and says so in the output.
NO_NETWORK = """
import socket

def refuse(*arguments, **options):
    raise OSError("a test forbids the network")

socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Workflow:
    workflow = Workflow(tmp_path_factory.mktemp("a run"))
    workflow.write("tiny.yaml", TINY)
    workflow.run("--configfile", "tiny.yaml")
    (workflow.folder / "offline").mkdir()
    workflow.write("offline/sitecustomize.py", NO_NETWORK)
    return workflow


def make_report(workflow: Workflow, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "workflow_scripts/commands/make_report.py", *options],
        cwd=workflow.folder,
        env=without_network(workflow),
        capture_output=True,
        text=True,
    )


def without_network(workflow: Workflow) -> dict[str, str]:
    paths = [str(workflow.folder / "offline"), workflow.environment["PYTHONPATH"]]
    return {**workflow.environment, "PYTHONPATH": os.pathsep.join(paths)}


def results_of(page: str) -> dict[str, dict]:
    """What the report shows, by path: category pages are made of this by its JavaScript."""
    return json.loads(re.search(r"(?m)^\s*var results = (\{.*\});$", page)[1])


def test_network_is_really_cut(finished):
    program = "import urllib.request as r; r.urlopen('http://localhost')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=without_network(finished),
        capture_output=True,
        text=True,
    )
    assert "a test forbids the network" in done.stderr


@pytest.fixture(scope="module")
def zipped(finished) -> Path:
    done = make_report(finished, "--configfile", "tiny.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "out/report.zip" in done.stdout and "zipfile -e" in done.stdout
    return finished.folder / "out/report.zip"


def test_zip_holds_captions_figures_and_tables(finished, zipped):
    with zipfile.ZipFile(zipped) as report:
        names = report.namelist()
        page = report.read("report/report.html").decode()
        shown = results_of(page)
        for path, result in shown.items():
            stored = report.read(f"report/{result['data_uri']}")
            assert stored == (finished.folder / path).read_bytes(), path
    assert {"out/figures/rd_vmaf_mean.png", "out/figures/saving_pct.png"} <= set(shown)
    assert any(name.endswith(("bd_rate.csv", "bd_rate.html")) for name in names)
    assert all(len(result["caption"]) > 100 for result in shown.values())
    caption = shown["out/figures/rd_vmaf_mean.png"]["caption"]
    assert "VMAF model v0.6.1" in caption and "Pooling" in caption
    # The landing page: the experiment, its results and the documents, not the graph of rules.
    assert "bigbuckbunny_tiny" in page and "bits saved" in page and "Where to start" in page
    assert '"rate-distortion points": 4' in page
    # All that the page runs is inside it.
    assert not re.findall(r"<(?:script|link)[^>]+(?:src|href)=.https?:", page)


def test_a_picture_taller_than_the_window_begins_at_its_top(zipped, browser, tmp_path):
    """Centred in a box that scrolls, what is above the box could not be reached."""
    with zipfile.ZipFile(zipped) as report:
        report.extractall(tmp_path)
    browser.set_window_size(1280, 400)
    browser.implicitly_wait(10)
    browser.get((tmp_path / "report/report.html").as_uri())
    browser.find_element("xpath", "//a[contains(., 'Rate-distortion curves')]").click()
    browser.find_element("css selector", "a[iconname='eye']").click()
    picture = browser.find_element("css selector", "img[src*='rd_']")
    time.sleep(1)  # until it has its size
    place = picture.rect
    assert place["height"] > 300 and place["y"] >= 0, place


def test_single_file_in_which_every_result_can_be_reached(finished):
    """A category lists its results by their labels: two with equal labels would hide each other."""
    done = make_report(finished, "--configfile", "tiny.yaml", "--html")
    assert done.returncode == 0, done.stdout + done.stderr
    page = (finished.folder / "out/report.html").read_text("utf-8")
    shown = results_of(page)
    figure = shown["out/figures/rd_vmaf_mean.png"]
    assert re.match(r"data:image/png;[^,]*base64,", figure["data_uri"])  # one file holds it all
    assert not list((finished.folder / "out").glob(".part-*"))
    categories = json.loads(re.search(r"(?m)^\s*var categories = (\{.*\});$", page)[1])
    for category, subcategories in categories.items():
        for paths in subcategories.values():
            keys = [json.dumps(shown[path]["labels"] or path) for path in paths]
            assert len(set(keys)) == len(keys), f"{category}: {keys}"


def test_unfinished_run_names_the_command_to_run(finished):
    finished.write("more.yaml", TINY.replace("[32, 37]", "[27, 32, 37]"))
    done = make_report(finished, "--configfile", "more.yaml")
    assert done.returncode == 1
    (first, *_) = done.stderr.splitlines()
    assert re.search(r"\d+ jobs are still to be done \((.*, )?2 encode_clip, .*\.\.\.\); ", first)
    assert first.count("encode_clip") == 1 + first.partition("cause")[2].count("encode_clip")
    assert "first cause: " in first and "updated by another job" not in first
    assert "make run CONFIG=more.yaml" in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_configuration_is_named(finished):
    done = make_report(finished, "--configfile", "nowhere.yaml")
    assert done.returncode == 1
    assert "nowhere.yaml" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "printed"), [("results_dir: elsewhere\n", "elsewhere"), ("qps: [22]\n", "results")]
)
def test_results_dir_is_printed_for_the_makefile(finished, text, printed):
    finished.write("some.yaml", text)
    done = results_dir(finished, "some.yaml")
    assert (done.returncode, done.stdout) == (0, f"{printed}\n")


def test_results_dir_of_a_missing_file_is_an_error(finished):
    done = results_dir(finished, "nowhere.yaml")
    assert done.returncode == 1 and done.stdout == ""
    assert "nowhere.yaml" in done.stderr and "Traceback" not in done.stderr


def results_dir(workflow: Workflow, configfile: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "workflow_scripts/jndops/results_dir.py", configfile],
        cwd=workflow.folder,
        env=workflow.environment,
        capture_output=True,
        text=True,
    )
