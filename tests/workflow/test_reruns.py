"""What a change makes the workflow do again: exactly the rules concerned, counted in jobs."""

from __future__ import annotations

import pytest

from workflow_runner import TINY, Workflow

TABLES = {
    "collect_points": 1,
    "tabulate_points": 1,
    "compare_methods": 1,
    "plot_figures": 1,
    "plot_rd_curves": 1,
    "describe_run": 1,
}
FIGURES = {"plot_figures": 1, "plot_rd_curves": 1}
BETWEEN = "bd_rate: {between: [[anchor, erjnd]]}\n"  # a table that only runs with this key have
WHOLE = {
    "keep_config": 1,
    "prepare_sequence": 1,
    "prefilter_clip": 1,
    "measure_prefilter": 1,
    "encode_clip": 4,
    "measure_point": 4,
    **TABLES,
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Workflow:
    """A finished run of one tiny clip, two QPs, two methods, in a folder with a space."""
    workflow = Workflow(tmp_path_factory.mktemp("a run"))
    workflow.write("tiny.yaml", TINY + BETWEEN)
    assert workflow.planned("--configfile", "tiny.yaml") == WHOLE
    workflow.run("--configfile", "tiny.yaml")
    return workflow


@pytest.fixture
def restored(finished):
    """Take back every edit of the code after a test."""
    scripts = finished.folder / "workflow_scripts"
    before = {path: path.read_bytes() for path in scripts.rglob("*.py")}
    yield finished
    for path, content in before.items():
        path.write_bytes(content)


def edit(workflow: Workflow, module: str) -> None:
    path = workflow.folder / "workflow_scripts" / module
    path.write_text(path.read_text("utf-8") + "\n# an edit\n", encoding="utf-8")


def test_a_finished_run_has_nothing_to_do(finished):
    assert finished.planned("--configfile", "tiny.yaml") == {}


def test_a_run_that_was_moved_has_nothing_to_do(finished, tmp_path):
    assert finished.moved(tmp_path).planned("--configfile", "tiny.yaml") == {}


def test_a_touch_reruns_nothing(restored):
    for path in (restored.folder / "workflow_scripts").rglob("*.py"):
        path.touch()
    assert restored.planned("--configfile", "tiny.yaml") == {}


FILTERED = {"prefilter_clip": 1, "measure_prefilter": 1, "encode_clip": 2, "measure_point": 2}
CODED = {"encode_clip": 4, "measure_point": 4}


@pytest.mark.parametrize(
    ("module", "rerun"),
    [
        ("jndlab/jnd/erjnd.py", FILTERED | TABLES),  # the anchor's two points are left alone
        ("jndlab/codecs/x265.py", CODED | TABLES),  # a module that is found by name
        ("jndlab/codecs/vvenc.py", {}),  # a codec that this run does not use
        ("jndlab/quality/pooling.py", {"measure_prefilter": 1, "measure_point": 4} | TABLES),
        ("jndlab/report/references.py", {"describe_run": 1}),
        ("jndlab/report/figures.py", {"compare_methods": 1} | FIGURES),
        ("jndlab/quality/bd_rate.py", {"compare_methods": 1} | FIGURES),
        ("jndops/summary.py", {}),
    ],
)
def test_an_edit_reruns_exactly_the_rules_that_use_it(restored, module, rerun):
    edit(restored, module)
    assert restored.planned("--configfile", "tiny.yaml") == rerun


def test_another_qp_adds_only_its_jobs(finished):
    finished.write("more.yaml", TINY.replace("[32, 37]", "[27, 32, 37]"))
    assert finished.planned("--configfile", "more.yaml") == {
        "keep_config": 1,
        "encode_clip": 2,
        "measure_point": 2,
        **TABLES,
    }


def test_threads_are_no_part_of_a_result(finished):
    finished.write("threads.yaml", TINY + BETWEEN + "threads: {encode: 2, measure: 2}\n")
    assert finished.planned("--configfile", "threads.yaml") == {"keep_config": 1}


def test_a_label_filters_and_encodes_nothing_again(finished):
    labelled = (TINY + BETWEEN).replace("  erjnd: {", "  erjnd: {label: ERJND of mine, ")
    finished.write("labelled.yaml", labelled)
    again = finished.planned("--configfile", "labelled.yaml")
    assert again["measure_point"] == 2  # a point has its method's label
    assert not {"prefilter_clip", "encode_clip"} & set(again)


def test_an_unrelated_option_reruns_only_what_reads_it(finished):
    finished.write(
        "cubic.yaml", TINY + BETWEEN.replace("{between", "{interpolation: cubic, between")
    )
    assert finished.planned("--configfile", "cubic.yaml") == {
        "keep_config": 1,
        "compare_methods": 1,
        "plot_rd_curves": 1,  # BD-rates stand in its panels
        "describe_run": 1,
    }


def test_no_temporary_file_is_left(finished):
    assert not list((finished.folder / "results").rglob(".part-*"))


def test_every_job_left_a_log(finished):
    logs = {path.parent.name for path in (finished.folder / "results/logs").rglob("*.log")}
    assert {"encode_clip", "measure_point", "prefilter_clip", "prepare_sequence"} <= logs


def test_clips_that_are_not_kept_go_at_their_last_use_and_nothing_is_made_again(finished):
    finished.write("sparing.yaml", TINY.replace("results_dir: results", "results_dir: sparing"))
    sparing = ["--configfile", "sparing.yaml", "--config", "keep=[]"]
    finished.run(*sparing)
    folder = finished.folder / "sparing"
    assert not list(folder.rglob("*.mkv"))
    assert (folder / "sequences/bigbuckbunny_tiny.json").is_file()
    assert finished.planned(*sparing) == {}
    whole, spared = (
        (finished.folder / name / "tables/same_qp.csv").read_text()
        for name in ("results", "sparing")
    )
    assert whole == spared
    text = (finished.folder / "sparing.yaml").read_text("utf-8")
    finished.write("more.yaml", text.replace("qps: [32, 37]", "qps: [27, 32, 37]"))
    more = finished.planned("--configfile", "more.yaml", "--config", "keep=[]")
    assert more["prepare_sequence"] == 1 and more["encode_clip"] == 6  # the key's prose warns of it
