"""The plan of a run: its jobs as Snakemake has them, hours, wall times, cost, missing inputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace

import pytest
import yaml
from PIL import Image

from jndlab.yaml_files import load_yaml
from jndops.plan import job_graph
from jndops.plan.cost_model import FIRST_VALUES, CostModel, Line, load_first_values
from jndops.plan.disk import disk_gigabytes, load_shares
from jndops.plan.job_graph import Job
from jndops.plan.needs import missing_data, missing_tools
from jndops.plan.plan import (
    ORDERS,
    Controller,
    Machine,
    load_controller,
    plan,
    points_done,
    tasks_of,
)
from jndops.settings import load_settings, place_of

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


OTHER_KINDS = {
    **SMALL["methods"],
    "jnd": {
        "kind": "jnd_predictor",
        "class": "jndlab.models.network_jnd_predictor:NetworkJndPredictor",
    },
    "blocks": {
        "kind": "block_qp",
        "class": "jndlab.jnd.block.qp_control:BlockJndControl",
        "codecs": ["kvazaar-ultrafast"],
    },
}
# Changes of the small configuration whose jobs Snakemake is asked for.
VARIANTS = {
    "small": {},
    "x265": {"codecs": ["x265-medium"]},
    "segments": {"codecs": ["x265-medium"], "ai_segment_frames": 2},
    "vvenc in segments": {"ai_segment_frames": 2},
    "threads": {"threads": {"encode": 2, "measure": 1}},
    "kinds": {"methods": OTHER_KINDS},
}
PROGRAM = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from jndlab.paths import ROOT
from jndops.plan.job_graph import ask_snakemake
from jndlab.yaml_files import load_yaml
from jndops.settings import load_settings
graphs = [
    [asdict(job) for job in ask_snakemake(file, load_settings(load_yaml(file), ROOT), {}, [])]
    for file in map(Path, sys.argv[1:])
]
print(json.dumps(graphs))
"""


@pytest.fixture(scope="module")
def jobs_of(repository, tmp_path_factory):
    """Snakemake's jobs of each variant and of the demo, asked for in a process of its own."""
    folder = tmp_path_factory.mktemp("graphs")
    files = {name: folder / f"{name}.yaml" for name in VARIANTS}
    for name, changes in VARIANTS.items():
        files[name].write_text(yaml.safe_dump({**SMALL, **changes}))
    files["demo"] = repository / "config/config.yaml"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *files.values()],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": str(repository / "workflow_scripts")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    graphs = json.loads(done.stdout.splitlines()[-1])
    return {
        name: [Job(**{**row, "needs": tuple(row["needs"])}) for row in rows]
        for name, rows in zip(files, graphs, strict=True)
    }


@pytest.fixture(scope="module")
def make_settings(repository):
    return lambda name="small": load_settings({**SMALL, **VARIANTS[name]}, repository)


@pytest.fixture(scope="module")
def paper(repository, tmp_path_factory):
    empty = str(tmp_path_factory.mktemp("data"))  # whatever lies in the repository's own
    given = load_yaml(repository / "config/paper.yaml")
    return load_settings({**given, "data_dir": empty}, repository)


@pytest.fixture(scope="module")
def first_values():
    return FIRST_VALUES


def flat_model(encode=10.0):
    """So many hours an encode of the small clip, an hour for all else."""
    rate = encode * 3600 / SIZE
    others = "keep_config prepare_sequence prefilter_clip measure_prefilter measure_point "
    others += (
        "collect_points tabulate_points compare_methods plot_figures plot_rd_curves describe_run "
        "join_segments map_block_qps"
    )
    lines = {kind: Line(3600.0) for kind in others.split()}
    return CostModel({**lines, "encode vvenc-faster AI": Line(0.0, {22: rate, 37: rate})})


@pytest.fixture(scope="module")
def planned(make_settings, jobs_of, first_values):
    """The plan of a variant."""

    def of(name="small", model=None, cores=(1, 16), **machine):
        return plan(
            make_settings(name),
            jobs_of[name],
            model or flat_model(),
            NO_CONTROLLER,
            Machine(2, **machine),
            cores=cores,
            shares=load_shares(first_values),
        )

    return of


def test_hours_wall_times_cost_and_longest_chain_of_a_known_run(planned):
    found = planned(price=0.5)
    hours = found["cpu_hours"]
    assert hours["encode vvenc-faster AI"] == pytest.approx(40)
    # 4 measurements, one clip prepared, filtered and its filter measured,
    # 5 tables and figures, configuration and description kept
    assert hours["total"] == pytest.approx(40 + 4 + 3 + 1 + 5 + 1)
    walls = {cores: wall["hours"] for cores, wall in found["wall_hours"].items()}
    assert walls["1"] == pytest.approx(54) and walls["2"] < 29
    assert walls["16"] == pytest.approx(15)  # prepare, filter, encode, measure, collect, tables
    assert found["critical_path"]["hours"] == pytest.approx(15)
    steps = [step["job"].split()[0] for step in found["critical_path"]["jobs"]]
    assert steps[:4] == ["prepare_sequence", "prefilter_clip", "encode_clip", "measure_point"]
    assert found["wall_hours"]["16"]["cost_of_all_cores"] == pytest.approx(15 * 16 * 0.5)
    assert found["wall_hours"]["1"]["busy"] == pytest.approx(1)
    assert found["jobs_per_rule"]["encode_clip"] == 4 and found["not_counted"] == {}


def test_a_codec_without_timing_is_named_and_not_summed(planned):
    found = planned("x265")
    assert found["not_counted"] == {"encode x265-medium AI": 4}
    assert found["cpu_hours"]["total"] == pytest.approx(14)


def test_segments_make_the_longest_chain_short(planned, jobs_of):
    lines = {**flat_model().lines}
    lines["encode x265-medium AI"] = lines["encode vvenc-faster AI"]
    model = CostModel(lines)
    whole, cut = planned("x265", model), planned("segments", model)
    assert cut["jobs_per_rule"]["encode_segment"] == 4 * 5
    assert cut["jobs_per_rule"]["join_segments"] == 4 and "encode_clip" not in cut["jobs_per_rule"]
    kind = "encode x265-medium AI"
    assert cut["cpu_hours"][kind] == pytest.approx(whole["cpu_hours"][kind])
    assert cut["critical_path"]["hours"] == pytest.approx(whole["critical_path"]["hours"] - 8 + 1)
    # VVenC's pictures depend on each other: it codes clips whole.
    assert "encode_clip" in {job.rule for job in jobs_of["vvenc in segments"]}


def test_threads_share_an_encode_and_cost_as_much(planned):
    found = planned("threads")
    assert found["kinds"]["encode vvenc-faster AI"]["longest_hours"] == pytest.approx(5)
    assert found["cpu_hours"]["encode vvenc-faster AI"] == pytest.approx(40)


def test_other_kinds_of_method_have_their_jobs_and_codecs(jobs_of):
    jobs = jobs_of["kinds"]
    counts = Counter(job.rule for job in jobs)
    assert (counts["predict_jnd"], counts["map_block_qps"]) == (1, 2)
    assert counts["encode_clip"] == 3 * 2 + 2 * 2  # VVenC: three methods; kvazaar: two
    for place, job in enumerate(jobs):
        assert all(need < place for need in job.needs)
        if job.rule == "encode_clip" and job.wildcards["method"] == "blocks":
            assert "map_block_qps" in {jobs[need].rule for need in job.needs}


def test_trainings_of_the_demo_have_the_threads_and_gpus_of_the_configuration(repository, jobs_of):
    settings = load_settings(load_yaml(repository / "config/config.yaml"), repository)
    asked = settings.config["iqnet"]["jobs"]
    [training] = [job for job in jobs_of["demo"] if job.rule == "train_iqnet"]
    assert (training.threads, training.gpus) == (asked["threads"], asked["gpus"]) == (1, 0)
    trainings = {"train_bl_juniper", "train_vp_jnd", "train_laser_jnd", "train_mtjnd"}
    assert trainings | {"mirror_mlflow"} <= {job.rule for job in jobs_of["demo"]}


def test_snakemake_is_asked_again_only_for_another_experiment(make_settings, tmp_path, monkeypatch):
    asked = []
    jobs = [Job("first"), Job("second", {"qp": "22"}, (0,), 2, 1, 10.5, 0.3)]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        job_graph, "ask_snakemake", lambda *asked_for: asked.append(asked_for) or jobs
    )
    file, settings = tmp_path / "small.yaml", make_settings()
    file.write_text("frames: 10\n")
    for _ in range(2):
        assert job_graph.job_graph(file, settings) == jobs
    assert len(asked) == 1
    job_graph.job_graph(file, settings, {"ai_segment_frames": 2})
    job_graph.job_graph(file, settings, targets=["vp_jnd"])
    assert len(asked) == 3
    monkeypatch.setattr(job_graph, "version", lambda package: "0.0")
    job_graph.job_graph(file, settings)
    assert len(asked) == 4


def test_the_papers_scale_is_planned_from_its_jobs(repository, paper, first_values, tmp_path):
    """A plan of thousands of jobs; the encodes alone, of which the sums are known."""
    points = list(paper.points())
    jobs = [
        Job("encode_clip", {name: str(value) for name, value in point._asdict().items()})
        for point in points
    ]
    jobs += [Job("train_iqnet", threads=2, gpus=1), Job("train_anew", {"qp": "22"})]
    started = time.process_time()
    found = plan(
        paper,
        jobs,
        load_first_values(first_values),
        NO_CONTROLLER,
        Machine(2),
        cores=[1, 16, 64, 256, 1024],
        shares=load_shares(first_values),
    )
    assert time.process_time() - started < 2  # 0.4 s
    assert found["jobs_per_rule"]["encode_clip"] == found["points"] == len(points)
    walls = [found["wall_hours"][str(cores)]["hours"] for cores in (2, 16, 64, 256, 1024)]
    assert walls == sorted(walls, reverse=True)
    assert walls[-1] >= found["critical_path"]["hours"]
    assert found["cpu_hours"]["encode vtm-11.0 AI"] > 1000
    # A training that has no timing is named, never taken for free.
    assert [kind for kind in found["not_counted"] if kind.startswith("train_anew")]
    assert found["cpu_hours"]["train_iqnet"] > 1


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_schedules_all_jobs(make_settings, jobs_of, order):
    jobs = jobs_of["small"]
    tasks, works = tasks_of(jobs, make_settings(), flat_model(), order)
    assert len(tasks) == len(works) == len(jobs)
    ranks = {job.rule: task.rank[0] for job, task in zip(jobs, tasks, strict=True)}
    assert ranks["prefilter_clip"] > ranks["measure_point"] > ranks["encode_clip"] >= 10


def test_disk_of_a_known_run(make_settings, jobs_of, first_values, tmp_path):
    settings, shares = make_settings(), load_shares(first_values)
    raw = 1.5 * 176 * 144 * 10 / 1e9
    sizes = disk_gigabytes(settings, jobs_of["small"], shares, cores=3, root=tmp_path)
    assert (
        sizes["lossless sources"]
        == sizes["prefiltered clips"]
        == pytest.approx(raw * shares.lossless)
    )
    assert 0.25 < shares.lossless < 0.42  # as 14 clips were found to take
    streams = 2 * raw * (shares.streams["AI"].rate(22) + shares.streams["AI"].rate(37))
    assert sizes["streams"] == pytest.approx(streams)
    assert sizes["temporary folder"] == pytest.approx(3 * raw)
    assert sizes["segments before they are joined, at most"] == 0
    settings.config["keep"] = ["prefiltered"]
    sizes = disk_gigabytes(settings, jobs_of["small"], shares, cores=3, root=tmp_path)
    assert sizes["lossless sources until used"] == sizes["prefiltered clips"]
    sizes = disk_gigabytes(
        make_settings("segments"), jobs_of["segments"], shares, cores=3, root=tmp_path
    )
    assert sizes["segments before they are joined, at most"] == pytest.approx(streams)


def test_disk_is_as_the_files_that_a_run_has_made(make_settings, jobs_of, first_values, tmp_path):
    settings, shares = make_settings(), load_shares(first_values)
    results = tmp_path / settings.config["results_dir"]
    of_typical = disk_gigabytes(settings, jobs_of["small"], shares, 1, tmp_path)
    (results / "sequences").mkdir(parents=True)
    (results / "sequences/carphone.mkv").write_bytes(bytes(70_000))
    first, *others = settings.points()
    raw = 1.5 * 176 * 144 * 10
    size = round(2 * raw * shares.streams["AI"].rate(first.qp))  # twice the typical one
    stream = results / "streams" / f"{place_of(first)}.266"
    stream.parent.mkdir(parents=True)
    stream.write_bytes(bytes(size))
    stream.with_suffix(".266.json").write_text("{}")
    found = disk_gigabytes(settings, jobs_of["small"], shares, 1, tmp_path)
    assert found["lossless sources"] == found["prefiltered clips"] == pytest.approx(70e-6)
    assert found["streams"] == pytest.approx(2 * of_typical["streams"], rel=1e-3)
    assert found["points and frames"] == of_typical["points and frames"] > 0
    nothing = disk_gigabytes(settings, jobs_of["small"][:1], shares, 1, tmp_path)
    assert nothing["streams"] == 0  # of a part that codes none
    assert len(others) == 3


def test_readings_of_the_pilot_need_their_scorers_weights(repository, tmp_path):
    given = load_yaml(repository / "config/iqnet_pilot.yaml")
    there = {"data_dir": str(tmp_path), "pictures_dir": None}
    missing = missing_data(load_settings({**given, **there}, repository))
    assert any(line.startswith("nima_mobilenet: weights of the scorer") for line in missing)
    assert any(line.startswith("folder: IQNet's training pictures") for line in missing)


def test_what_the_papers_scale_misses(paper):
    assert any("of 18 sequences" in line for line in missing_data(paper))
    assert any("vtm-11.0: no encoder" in line for line in missing_tools(paper))
    missing = missing_data(paper)
    assert any(line.startswith("vimeo90k: IQNet's training pictures") for line in missing)
    assert any(line.startswith("nima_mobilenet: weights") for line in missing)
    for source in ("videoset: data of `jnd_frames`", "mcl_jci: data of `vp_jnd.data.mcl_jci`",
                   "mcl_jcv: data of `bl_juniper.training_data`"):  # fmt: skip
        assert any(line.startswith(source) for line in missing)
    assert any(line.startswith("VGG16's weights that MTJND starts from") for line in missing)
    training = load_settings({**paper.config, "codecs": ["vvenc-slower"]}, paper.root)
    assert training.config["iqnet"]["training_data"]["codec"] == "vtm-11.0"  # named, in effect
    assert any("vtm-11.0: no encoder" in line for line in missing_tools(training))


def test_candidates_of_training_data_are_counted(make_settings, jobs_of, first_values, tmp_path):
    shares, job = load_shares(first_values), jobs_of["small"][0]
    jobs = [replace(job, rule="make_iqnet_candidates", wildcards={"batch": "0000"})]
    sizes = disk_gigabytes(make_settings(), jobs, shares, cores=1, root=tmp_path)
    vimeo = 7824 * 11 * 448 * 256 * 0.89 / 1e9  # ten alphas and the picture unfiltered
    assert sizes["candidates of IQNet's training data"] == pytest.approx(vimeo)
    assert sizes["all results"] > vimeo


def test_points_that_are_there_are_counted(paper, tmp_path):
    point = next(point for point in paper.points() if point.configuration == "LDP")
    folder = tmp_path / paper.config["results_dir"] / "points" / point.codec / "LDP"
    (folder / point.sequence / point.method).mkdir(parents=True)
    assert points_done(paper, tmp_path) == 0
    (folder / point.sequence / point.method / f"qp{point.qp}.json").write_text("{}")
    assert points_done(paper, tmp_path) == 1


def test_the_controller_takes_time_for_each_job(first_values):
    controller = load_controller(first_values)
    assert 5 < controller.planning_seconds(2000) < 20 and 0 < controller.dispatch_seconds < 0.1


def run_plan(repository, folder, *options):
    script = repository / "workflow_scripts/commands/plan_run.py"
    return subprocess.run(
        [sys.executable, script, *options], cwd=folder, capture_output=True, text=True
    )


def test_command_line_with_recorded_timings_segments_price_and_chart(repository, tmp_path):
    config, output = tmp_path / "small.yaml", tmp_path / "plan.json"
    config.write_text(yaml.safe_dump({**SMALL, **VARIANTS["x265"]}))
    recorded = {"kind": "encode x265-medium AI", "qp": 22, "size": 10.0, "jobs": 4, "seconds": 500}
    (tmp_path / "results/paper").mkdir(parents=True)
    (tmp_path / "results/paper/timings.json").write_text(json.dumps({"jobs": [recorded]}))
    done = run_plan(
        repository, tmp_path, "--configfile", config, "--output", output, "--cores", "64",
        "--segments", "2", "--price", "0.05", "--chart", tmp_path / "plan.png",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(output.read_text())
    assert found["kinds"]["encode x265-medium AI"]["recorded_jobs"] == 4
    longest = found["kinds"]["encode x265-medium AI"]["longest_hours"]
    assert longest == pytest.approx(SIZE * 50 / 3600, rel=0.1)
    assert found["segments"]["2"]["jobs"] == found["jobs"] + 4 * 5
    assert "64" in found["wall_hours"] and "recorded (4 jobs)" in done.stdout
    assert "all-intra encodes in segments" in done.stdout and "per core hour" in done.stdout
    with Image.open(tmp_path / "plan.png") as chart:
        assert chart.width > 1000
    before = os.times().children_user
    again = run_plan(repository, tmp_path, "--configfile", config)
    assert os.times().children_user - before < 3  # 0.4 s: the jobs are known
    assert again.returncode == 0 and "missing data\n  none" in again.stdout


def test_a_part_of_a_run_is_planned_with_keys_of_the_command_line(repository, tmp_path):
    config, output = tmp_path / "small.yaml", tmp_path / "plan.json"
    config.write_text(yaml.safe_dump(SMALL))
    # As for the run itself: `make run ARGS="--config key=value -- target"`.
    given = ["--configfile", config, "--output", output, "--config", "qps=[22, 37]", "frames=5"]
    done = run_plan(repository, tmp_path, *given, "--", "tabulate_points")
    assert done.returncode == 0, done.stderr
    found = json.loads(output.read_text())
    assert found["points"] == 4 == found["jobs_per_rule"]["encode_clip"]
    assert "plot_figures" not in found["jobs_per_rule"]
    raw = 1.5 * 176 * 144 * 5 / 1e9  # five frames, and not the file's ten
    assert found["disk_gigabytes"]["temporary folder"] == pytest.approx(raw * found["cores_here"])
    for wrong, named in (("frames", "KEY=VALUE"), ("frame=5", "frame"), ("qps=[", "KEY=VALUE")):
        done = run_plan(repository, tmp_path, "--configfile", config, "--config", wrong)
        assert done.returncode == 1 and named in done.stderr and "Traceback" not in done.stderr
    done = run_plan(repository, tmp_path, "--configfile", config, "--", "no_rule")
    assert done.returncode == 1 and "no_rule" in done.stderr and "Traceback" not in done.stderr


def test_mistakes_in_a_configuration_are_reported_without_a_traceback(repository, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("sequences: [bikes]\nmethods: {anchor: {kind: anchr}}\n")
    done = run_plan(repository, tmp_path, "--configfile", wrong)
    assert done.returncode == 1 and done.stderr.startswith("ERROR:")
    assert "methods.anchor.kind" in done.stderr and "Traceback" not in done.stderr
