"""The plan of a run: its jobs as Snakemake has them, hours, wall times, cost, what is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import pytest
from PIL import Image

from jndops.plan.cost_model import CostModel, Line, load_first_values
from jndops.plan.disk import disk_gigabytes, load_shares
from jndops.plan.job_graph import Job, left_out, quick_graph
from jndops.plan.needs import missing_data, missing_tools
from jndops.plan.plan import ORDERS, Controller, Machine, load_controller, plan, tasks_of
from jndops.schema import load_yaml
from jndops.settings import load_settings

NO_CONTROLLER = Controller(0.0, 0.0, 0.0)
SMALL = {
    "sequences": ["carphone"],  # 176x144
    "frames": 10,
    "configurations": ["AI"],
    "qps": [22, 37],
    "methods": {
        "anchor": {"kind": "anchor"},
        "erjnd": {"kind": "prefilter", "class": "jndlab.jnd.erjnd:ErjndPrefilter"},
    },
    "papers": [],
    "mlflow": False,
}
SIZE = 176 * 144 * 10 / 1e6


@pytest.fixture(scope="module")
def make_settings(repository):
    return lambda **changes: load_settings({**SMALL, **changes}, repository)


@pytest.fixture(scope="module")
def paper(repository):
    return load_settings(load_yaml(repository / "config/paper.yaml"), repository)


@pytest.fixture(scope="module")
def first_values(repository):
    return repository / "config/timings.json"


def flat_model(encode=10.0):
    """So many hours an encode of the small clip, an hour for all else."""
    rate = encode * 3600 / SIZE
    others = "keep_config prepare_sequence prefilter_clip measure_prefilter measure_point "
    others += "tabulate_points compare_methods plot_figures join_segments map_block_qps"
    lines = {kind: Line(3600.0) for kind in others.split()}
    return CostModel({**lines, "encode vvenc-faster AI": Line(0.0, {22: rate, 37: rate})})


def planned(settings, first_values, model=None, jobs=None, cores=(1, 16), **machine):
    return plan(
        settings,
        quick_graph(settings) if jobs is None else jobs,
        model or flat_model(),
        NO_CONTROLLER,
        Machine(2, **machine),
        cores=cores,
        shares=load_shares(first_values),
    )


def test_hours_wall_times_cost_and_longest_chain_of_a_known_run(make_settings, first_values):
    told = planned(make_settings(), first_values, price=0.5)
    hours = told["cpu_hours"]
    assert hours["encode vvenc-faster AI"] == pytest.approx(40)
    # 4 measurements, one clip prepared, filtered and its filter measured, config, 3 tables/figures
    assert hours["total"] == pytest.approx(40 + 4 + 3 + 1 + 3)
    walls = {cores: wall["hours"] for cores, wall in told["wall_hours"].items()}
    assert walls["1"] == pytest.approx(51) and walls["2"] < 29
    assert walls["16"] == pytest.approx(14)  # prepare, filter, encode, measure, tables
    assert told["critical_path"]["hours"] == pytest.approx(14)
    steps = [step["job"].split()[0] for step in told["critical_path"]["jobs"]]
    assert steps[:4] == ["prepare_sequence", "prefilter_clip", "encode_clip", "measure_point"]
    assert told["wall_hours"]["16"]["cost_of_all_cores"] == pytest.approx(14 * 16 * 0.5)
    assert told["wall_hours"]["1"]["busy"] == pytest.approx(1)
    assert told["jobs_per_rule"]["encode_clip"] == 4 and told["not_counted"] == {}


def test_a_codec_without_timing_is_named_and_not_summed(make_settings, first_values):
    told = planned(make_settings(codecs=["x265-medium"]), first_values)
    assert told["not_counted"] == {"encode x265-medium AI": 4}
    assert told["cpu_hours"]["total"] == pytest.approx(11)


def test_segments_make_the_longest_chain_short(make_settings, first_values):
    lines = {**flat_model().lines}
    lines["encode x265-medium AI"] = lines["encode vvenc-faster AI"]
    model = CostModel(lines)
    whole = planned(make_settings(codecs=["x265-medium"]), first_values, model)
    cut = planned(make_settings(codecs=["x265-medium"], ai_segment_frames=2), first_values, model)
    assert cut["jobs_per_rule"]["encode_segment"] == 4 * 5
    assert cut["jobs_per_rule"]["join_segments"] == 4 and "encode_clip" not in cut["jobs_per_rule"]
    kind = "encode x265-medium AI"
    assert cut["cpu_hours"][kind] == pytest.approx(whole["cpu_hours"][kind])
    assert cut["critical_path"]["hours"] == pytest.approx(whole["critical_path"]["hours"] - 8 + 1)
    # VVenC's pictures depend on each other: it codes clips whole.
    assert "encode_clip" in Counter(job.rule for job in quick_graph(
        make_settings(ai_segment_frames=2)
    ))  # fmt: skip


def test_threads_share_an_encode_and_cost_as_much(make_settings, first_values):
    threads = {"encode": 2, "measure": 1}
    told = planned(make_settings(threads=threads), first_values)
    assert told["kinds"]["encode vvenc-faster AI"]["longest_hours"] == pytest.approx(5)
    assert told["cpu_hours"]["encode vvenc-faster AI"] == pytest.approx(40)


def test_other_kinds_of_method_have_their_jobs_and_codecs(make_settings):
    settings = make_settings(
        methods={
            **SMALL["methods"],
            "jnd": {"kind": "jnd_predictor", "class": "mine:Predictor"},
            "blocks": {
                "kind": "block_qp",
                "class": "mine:Blocks",
                "codecs": ["kvazaar-ultrafast"],
            },
        }
    )
    jobs = quick_graph(settings)
    counts = Counter(job.rule for job in jobs)
    assert (counts["predict_jnd"], counts["map_block_qps"]) == (1, 2)
    assert counts["encode_clip"] == 3 * 2 + 2 * 2  # VVenC: three methods; kvazaar: two
    for place, job in enumerate(jobs):
        assert all(need < place for need in job.needs)
        if job.rule == "encode_clip" and job.wildcards["method"] == "blocks":
            assert "map_block_qps" in {jobs[need].rule for need in job.needs}


def signatures(jobs, without):
    """Each job with its rules before it, as far as they are direct causes of waiting."""
    return Counter(
        (
            job.rule,
            tuple(sorted((k, v) for k, v in job.wildcards.items() if k != "suffix")),
            job.threads,
            job.gpus,
            None if job.rule in ("encode_clip", "encode_segment") else job.priority,
            frozenset(jobs[need].rule for need in job.needs),
        )
        for job in jobs
        if job.rule not in without
    )


# Waits that follow from others: the quick graph leaves them out, or has more of them.
FIGURES = {"plot_iqnet_frames", "mirror_mlflow", "select_iqnet_alphas"}


PROGRAM = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from jndops.schema import load_yaml
from jndops.settings import load_settings
from jndops.plan.snakemake_graph import snakemake_graph
file, root = Path(sys.argv[1]), Path(sys.argv[2])
jobs = snakemake_graph(file, load_settings(load_yaml(file), root), root)
print(json.dumps([asdict(job) for job in jobs]))
"""


def exact_jobs(repository, file):
    """Snakemake's jobs, asked for in a process that the Snakefile may change."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, file, repository],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository / "workflow_scripts")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout.splitlines()[-1])
    return [Job(**{**row, "needs": tuple(row["needs"])}) for row in rows]


def test_quick_jobs_are_those_of_snakemake(repository):
    file = repository / "config/smoke.yaml"
    settings = load_settings(load_yaml(file), repository)
    exact = exact_jobs(repository, file)
    quick = quick_graph(settings)
    assert signatures(quick, FIGURES) == signatures(exact, FIGURES)
    missing = Counter(job.rule for job in exact) - Counter(job.rule for job in quick)
    assert set(missing) == {"plot_iqnet_frames"} and "pictures of frames" in left_out(settings)[0]
    assert all(need < place for place, job in enumerate(exact) for need in job.needs)
    model = load_first_values(repository / "config/timings.json")
    walls = [plan_seconds(settings, jobs, model, repository) for jobs in (exact, quick)]
    assert walls[0] == pytest.approx(walls[1], rel=0.2)  # pictures of frames, order of equals


def plan_seconds(settings, jobs, model, repository):
    told = planned(settings, repository / "config/timings.json", model, jobs, cores=())
    return told["wall_hours"]["2"]["hours"]


def test_jobs_at_the_papers_scale_and_in_time(repository, paper, first_values):
    started = time.perf_counter()
    jobs = quick_graph(paper)
    model = load_first_values(first_values)
    told = planned(paper, first_values, model, jobs, cores=[1, 16, 64, 256, 1024])
    assert time.perf_counter() - started < 2  # 0.4 s on an idle machine
    points = list(paper.points())
    assert told["jobs_per_rule"]["encode_clip"] == told["points"] == len(points)
    walls = [told["wall_hours"][str(cores)]["hours"] for cores in (1, 2, 16, 64, 256, 1024)]
    assert walls == sorted(walls, reverse=True)
    assert walls[0] == pytest.approx(told["cpu_hours"]["total"], rel=0.01)
    assert walls[-1] >= told["critical_path"]["hours"]
    assert told["cpu_hours"]["encode vtm-11.0 AI"] > 1000
    # A training that has no timing is named, never taken for free.
    assert "train_cnn_jnqd" in told["not_counted"]
    assert told["cpu_hours"]["train_iqnet"] > 1


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_schedules_all_jobs(make_settings, order):
    settings = make_settings()
    jobs = quick_graph(settings)
    tasks, works = tasks_of(jobs, settings, flat_model(), order)
    assert len(tasks) == len(works) == len(jobs)
    ranks = {job.rule: task.rank[0] for job, task in zip(jobs, tasks, strict=True)}
    assert ranks["prefilter_clip"] > ranks["measure_point"] > ranks["encode_clip"] >= 10
    assert (ranks["encode_clip"] > 10) == (order == "longest")


def test_disk_of_a_known_run(make_settings, first_values):
    settings = make_settings()
    shares = load_shares(first_values)
    raw = 1.5 * 176 * 144 * 10 / 1e9
    sizes = disk_gigabytes(settings, quick_graph(settings), shares, cores=3)
    assert sizes["lossless sources"] == sizes["prefiltered clips"] == pytest.approx(raw / 2)
    streams = 2 * raw * (shares.streams["AI"].rate(22) + shares.streams["AI"].rate(37))
    assert sizes["streams"] == pytest.approx(streams)
    assert sizes["temporary folder"] == pytest.approx(3 * raw)
    assert sizes["segments before they are joined, at most"] == 0
    config = {**settings.config, "codecs": ["x265-medium"], "ai_segment_frames": 4}
    cut = replace(settings, config=config)
    sizes = disk_gigabytes(cut, quick_graph(cut), shares, cores=3)
    assert sizes["segments before they are joined, at most"] == pytest.approx(streams)


def test_what_the_papers_scale_misses(paper):
    assert any("of 18 sequences" in line for line in missing_data(paper))
    assert any("vtm-11.0: no encoder" in line for line in missing_tools(paper))


def test_the_controller_takes_time_for_each_job(first_values):
    controller = load_controller(first_values)
    assert 5 < controller.planning_seconds(2000) < 20 and 0 < controller.dispatch_seconds < 0.1


def run_plan(repository, folder, *options):
    script = repository / "workflow_scripts/commands/plan_run.py"
    return subprocess.run(
        [sys.executable, script, *options], cwd=folder, capture_output=True, text=True
    )


def test_command_line_with_recorded_timings_segments_price_and_chart(repository, tmp_path):
    config, output = repository / "config/paper.yaml", tmp_path / "plan.json"
    recorded = {"kind": "encode vtm-11.0 LDP", "qp": 22, "size": 10.0, "jobs": 4, "seconds": 500.0}
    (tmp_path / "results/paper").mkdir(parents=True)
    (tmp_path / "results/paper/timings.json").write_text(json.dumps({"jobs": [recorded]}))
    done = run_plan(
        repository, tmp_path, "--configfile", config, "--output", output, "--cores", "64",
        "--segments", "32", "--price", "0.05", "--chart", tmp_path / "plan.png",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(output.read_text())
    assert told["kinds"]["encode vtm-11.0 LDP"]["recorded_jobs"] == 4
    longest = told["kinds"]["encode vtm-11.0 LDP"]["longest_hours"]
    assert longest == pytest.approx(1920 * 1080 * 600 / 1e6 * 50 / 3600, rel=0.05)
    assert told["segments"]["32"]["jobs"] > 3 * told["jobs"]
    assert "64" in told["wall_hours"] and "recorded (4 jobs)" in done.stdout
    assert "all-intra encodes in segments" in done.stdout and "per core hour" in done.stdout
    with Image.open(tmp_path / "plan.png") as chart:
        assert chart.width > 1000


def test_command_line_of_the_smoke_run_is_quick_and_mistakes_are_told(repository, tmp_path):
    started = time.perf_counter()
    done = run_plan(repository, tmp_path, "--configfile", repository / "config/smoke.yaml")
    assert time.perf_counter() - started < 5  # 0.5 s on an idle machine
    assert done.returncode == 0, done.stderr
    assert "missing data\n  none" in done.stdout and "left out of this quick plan" in done.stdout
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("sequences: [bikes]\nmethods: {anchor: {kind: anchr}}\n")
    done = run_plan(repository, tmp_path, "--configfile", wrong)
    assert done.returncode == 1 and done.stderr.startswith("ERROR:")
    assert "methods.anchor.kind" in done.stderr and "Traceback" not in done.stderr
