"""The plan of a run: schedules, estimates from first or recorded timings, what is missing."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jndops.plan import describe_run, plan, render, schedule
from jndops.schema import load_yaml
from jndops.settings import load_settings
from jndops.timings import Rate, Timings, collect_timings, load_timings

DURATIONS = st.lists(st.floats(0.01, 1000), min_size=1, max_size=60)


def flat_timings(**changes) -> Timings:
    """Encoding at 10 s, measuring at 1 s, filtering at 2 s per megapixel-frame."""
    values = {
        "encode": {("vvenc", "AI"): Rate({22: 10.0}, "first values")},
        "measure": Rate({0: 1.0}, "first values"),
        "prefilter_seconds": 2.0,
        "job_start_seconds": 0.0,
        "stream_share": {"AI": Rate({22: 0.1}, "")},
        "lossless_share": 0.5,
    }
    return Timings(**values | changes)


def make_run(methods=("anchor", "erjnd"), codec="vvenc", **changes) -> dict:
    """One sequence of 1000x1000, 2 frames: two megapixel-frames."""
    points = [
        {"sequence": "s", "width": 1000, "height": 1000, "fps": "25/1", "frames": 2}
        | {"bit_depth": 8, "configuration": "AI", "codec": codec, "method": method, "qp": qp}
        for method in methods
        for qp in (22, 37)
    ]
    run = {"config_name": "test", "results_dir": "results", "points": points, "cores": 2}
    run |= {"jobs_per_rule": None, "missing_data": [], "missing_tools": []}
    return run | changes


@given(DURATIONS, st.integers(1, 80))
def test_schedule_is_within_its_bounds(durations, cores):
    length = schedule(durations, cores)
    lower = max(max(durations), sum(durations) / cores)
    assert lower * (1 - 1e-9) <= length <= (sum(durations) / cores + max(durations)) * (1 + 1e-9)
    assert schedule(durations, 1) == pytest.approx(sum(durations))


def test_schedule_takes_the_longest_first():
    assert schedule([1, 1, 1, 1, 4], 2) == 4
    assert schedule([2, 2, 3, 3, 4, 4, 5, 5, 6, 6], 4) == 11  # in the given order: 12


def test_hours_jobs_and_disk_of_a_known_run(tmp_path):
    planned = plan(make_run(), flat_timings(), [1, 16], tmp_path)
    # Four encodes of 20 s, four measurements of 2 s, one filtered clip for both QPs of 4 s.
    hours = planned["cpu_hours"]
    assert hours["encode"]["vvenc AI"] * 3600 == pytest.approx(80)
    assert hours["measure"] * 3600 == pytest.approx(8)
    assert hours["prefilter"] * 3600 == pytest.approx(4)
    assert hours["total"] * 3600 == pytest.approx(92)
    walls = {cores: value * 3600 for cores, value in planned["wall_hours"].items()}
    assert walls == pytest.approx({"1": 92, "2": 46, "16": 26})  # 26: filter, encode, measure
    assert "erjnd" in planned["longest_chain"]["point"]
    disk = planned["disk_gigabytes"]
    assert disk["lossless sources"] == disk["prefiltered clips"] == pytest.approx(0.0015)
    assert disk["streams"] == pytest.approx(4 * 0.0003)
    assert planned["jobs_per_rule"] == {"encode_clip": 4}


def test_a_filter_that_depends_on_the_qp_runs_for_each(tmp_path):
    planned = plan(make_run(prefilters={"erjnd": True}), flat_timings(), [], tmp_path)
    assert planned["cpu_hours"]["prefilter"] * 3600 == pytest.approx(8)
    none = plan(make_run(prefilters={}), flat_timings(), [], tmp_path)
    assert none["cpu_hours"]["prefilter"] == 0


def test_a_codec_without_timing_is_named_and_not_summed(tmp_path):
    planned = plan(make_run(codec="mine"), flat_timings(), [], tmp_path)
    assert planned["without_timing"] == ["mine AI"]
    assert planned["cpu_hours"]["encode"] == {}
    assert "No timing is known for mine AI" in render(planned)


def test_points_that_are_done_are_told(tmp_path):
    path = tmp_path / "results/points/vvenc/AI/s/anchor/qp22.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    planned = plan(make_run(), flat_timings(), [], tmp_path)
    assert planned["points_done"] == 1 and "1 of them already done" in render(planned)


def test_rate_between_and_outside_known_qps():
    rate = Rate({22: 10.0, 32: 5.0}, "")
    assert [rate.at(qp) for qp in (10, 22, 27, 32, 51)] == [10, 10, 7.5, 5, 5]


def write_point(folder, sequence, qp, width, seconds, **changes):
    point = {
        "key": {"sequence": sequence, "config": "AI", "codec": "vvenc", "method": "m", "qp": qp},
        "clip": {"width": width, "height": 1000, "frames": 1},
        "provenance": {"encode_cpu_s": seconds, "measure_cpu_s": 1.0},
    }
    path = folder / f"{sequence}/qp{qp}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(point | changes))


def test_recorded_timings_replace_first_values_and_say_so(tmp_path):
    write_point(tmp_path, "a", 22, 1000, 3.0)
    write_point(tmp_path, "b", 22, 3000, 5.0)
    write_point(tmp_path, "tiny", 22, 100, 50.0)  # start-up only: left out
    write_point(tmp_path, "old", 22, 1000, 3.0, provenance={})
    encode, measure = collect_timings([tmp_path])
    assert encode["vvenc", "AI"].at(22) == pytest.approx(8 / 4)
    assert measure.at(22) == pytest.approx(2 / 4)
    planned = plan(make_run(), flat_timings().updated(encode, measure), [], tmp_path)
    assert planned["cpu_hours"]["encode"]["vvenc AI"] * 3600 == pytest.approx(16)
    text = render(planned)
    assert "All encoder times come from timings recorded by earlier runs." in text
    assert "recorded by earlier runs (2 points)" in text
    assert "First values, shipped" in render(plan(make_run(), flat_timings(), [], tmp_path))


def test_nothing_recorded_leaves_the_first_values(tmp_path):
    assert collect_timings([tmp_path / "absent"]) == ({}, None)
    timings = flat_timings()
    assert timings.updated({}, None) == timings


def test_shipped_values_cover_every_codec_and_configuration(repository):
    timings = load_timings(repository / "config/timings.json")
    for codec in load_yaml(repository / "config/codecs.yaml"):
        for configuration in ("AI", "LDP"):
            rate = timings.encode[codec, configuration]
            assert rate.at(22) > rate.at(37) > 0 and rate.source
            assert timings.stream_share[configuration].at(27) < 1


def test_plan_of_the_papers_scale_without_data(repository, tmp_path):
    settings = load_settings(load_yaml(repository / "config/paper.yaml"), repository)
    run = describe_run(settings, "paper", cores=2)
    timings = load_timings(repository / "config/timings.json")
    started = time.perf_counter()
    planned = plan(json.loads(json.dumps(run)), timings, [16, 64], tmp_path)
    assert time.perf_counter() - started < 0.5
    chosen = settings.config
    encodes = 2 * 18 * len(chosen["qps"]) * len(chosen["methods"]) * len(chosen["codecs"])
    assert planned["jobs_per_rule"]["encode_clip"] == planned["points"] == encodes
    walls = [planned["wall_hours"][cores] for cores in ("2", "16", "64")]
    assert walls[0] > walls[1] > walls[2] >= planned["longest_chain"]["hours"]
    assert planned["cpu_hours"]["total"] > 24 and planned["without_timing"] == []
    assert "18 of 18 sequences" in planned["missing_data"][0]
    assert any("vtm-11.0: no encoder" in line for line in planned["missing_tools"])
    assert {point["fps"] for point in run["points"]} <= {"24", "30", "50", "60"}
    assert all(Fraction(point["fps"]) for point in run["points"])


def test_command_line_of_the_demo(repository, tmp_path):
    script = repository / "workflow_scripts/plan_run.py"
    config, output = repository / "config/config.yaml", tmp_path / "plan.json"
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, script, "--configfile", config, "--output", output, "--cores", "8"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert time.perf_counter() - started < 5  # 0.6 s on an idle machine
    assert done.returncode == 0, done.stderr
    planned = json.loads(output.read_text())
    assert (
        planned["missing_tools"] == planned["missing_data"] == [] and "8" in planned["wall_hours"]
    )
    assert "missing data\n  none" in done.stdout


def test_command_line_from_a_described_run_and_with_a_mistake(repository, tmp_path):
    script = repository / "workflow_scripts/plan_run.py"
    described, wrong = tmp_path / "plan_input.json", tmp_path / "wrong.yaml"
    described.write_text(json.dumps(make_run(jobs_per_rule={"encode_clip": 4, "render": 2})))
    wrong.write_text("sequences: [bikes]\nmethods: {anchor: {kind: anchr}}\n")
    command = [sys.executable, script]
    done = subprocess.run([*command, "--input", described], cwd=tmp_path, capture_output=True)
    assert done.returncode == 0 and b"render" in done.stdout and b"vvenc AI" in done.stdout
    done = subprocess.run([*command, "--configfile", wrong], cwd=tmp_path, capture_output=True)
    assert done.returncode == 1 and done.stderr.startswith(b"ERROR:")
    assert b"methods.anchor.kind" in done.stderr and b"Traceback" not in done.stderr
