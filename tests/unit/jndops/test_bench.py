"""The benches: ratios and goals, contestants that do the same work, a grid run from end to end."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from benchmarks import __main__ as registry
from benchmarks import bl_juniper as bench_bl_juniper
from benchmarks import grid as bench_grid
from benchmarks import measuring as bench_measuring
from benchmarks import prefilter as bench_prefilter
from benchmarks import scheduling as bench_scheduling
from benchmarks.figures import (
    ROOT,
    Bench,
    Figure,
    Spent,
    cpu_in_turns,
    in_own_process,
    in_turns,
    median_of,
    timed,
)
from jndlab.codecs import get_codec
from jndlab.codecs.base import EncodeJob
from jndlab.datasets.prepare import prepare_sequence
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.errors import UserError
from jndlab.files import sha256_of, write_json
from jndlab.media.ffmpeg import run
from jndlab.models import onnx_runtime
from jndlab.models.onnx_runtime import cpu_session
from jndlab.papers.iqnet.candidates import read_candidates
from jndlab.quality.full_reference import measure
from jndops.settings import load_settings

SPEED = "benchmarks.network_speed"
TINY = {
    "results_dir": "grid",
    "sequences": ["bigbuckbunny_tiny"],
    "frames": 2,
    "configurations": ["AI"],
    "qps": [37],
    "codecs": ["x265-ultrafast"],
    "methods": {"anchor": {"kind": "anchor"}},
    "papers": [],
    "mlflow": False,
}


def figure(measured: float, **goal: float) -> Figure:
    return Figure("speed", measured, "s", 4.0, "limit", "everything", **goal)


def quiet(text: str) -> None:
    pass


@pytest.mark.parametrize(
    ("goal", "measured", "met"),
    [
        ({"at_least": 0.5}, 2.0, True),
        ({"at_least": 0.5}, 1.9, False),
        ({"at_most": 1.0}, 4.0, True),
        ({"at_most": 1.0}, 4.1, False),
        ({"at_most": 0}, 0.0, True),
        ({}, 100.0, None),
    ],
)
def test_a_goal_bounds_the_ratio(goal, measured, met):
    made = figure(measured, **goal)
    assert made.ratio == measured / 4
    assert made.met is met


def test_rows_keep_four_digits_and_say_the_goal():
    row = figure(1 / 3, at_most=1.15).as_row()
    assert row["measured"] == 0.3333 and row["ratio"] == 0.08333
    assert row["goal"] == "at most 1.15" and row["met"] is True


def test_the_worst_figure_is_the_one_that_strains_its_goal_most():
    kept, missed, least = figure(2.0, at_most=1), figure(5.0, at_most=1), figure(1.0, at_least=0.5)
    assert kept.strain == 0.5 and missed.strain == 1.25 and least.strain == 2.0
    assert registry.worst_of([figure(100.0), kept, missed, least]) is least
    assert registry.worst_of([figure(100.0), figure(0.0, at_most=0)]) is None


def test_contestants_take_turns():
    order: list[str] = []
    in_turns([lambda: order.append("a"), lambda: order.append("b")], 2)
    assert order == ["a", "b", "a", "b"]


def test_median_is_taken_of_each_second():
    runs = [Spent(1, 30, 5), Spent(2, 10, 6), Spent(9, 20, 1)]
    assert median_of(runs) == Spent(2, 20, 5)


def test_cpu_seconds_are_those_of_the_children():
    program = "import time\nwhile time.process_time() < 0.3: pass"
    busy = timed(lambda: subprocess.run([sys.executable, "-c", program], check=True))
    asleep = timed(lambda: time.sleep(0.3))
    assert 0.3 <= busy.cpu < 0.6
    assert asleep.cpu < 0.05 and asleep.wall >= 0.3


def test_unknown_bench_is_named_with_what_there_is():
    with pytest.raises(UserError, match=r"'speed'[\s\S]*encode_grid"):
        registry._choose(["speed"])


def test_no_name_means_all():
    assert registry._choose([]) == list(registry.BENCHES)


def test_a_failing_bench_is_told_and_the_others_run(monkeypatch, tmp_path):
    def broken(bench: Bench):
        yield figure(1)
        raise RuntimeError("no such tool")

    monkeypatch.setattr(registry, "BENCHES", {"broken": broken, "fine": lambda b: [figure(2)]})
    said: list[str] = []
    done = registry.run_benches([], cores=1, rounds=1, say=said.append)
    text = registry.write_results(done, tmp_path)
    written = json.loads((tmp_path / "bench.json").read_text())
    assert [row["measured"] for row in written["figures"]] == [1, 2]
    assert written["failures"] == {"broken": "RuntimeError: no such tool"}
    page = (tmp_path / "bench.md").read_text()
    assert "no such tool" in text and text in page
    assert written["machine"]["cores_used"] == 1
    assert any("broken" in line for line in said)


def test_a_check_allows_fifteen_percent_beyond_the_goal_or_what_is_recorded(monkeypatch, tmp_path):
    monkeypatch.setattr(registry, "RECORD", tmp_path)
    near, far = figure(4.5, at_most=1), figure(4.7, at_most=1)
    assert registry.too_far([near, figure(100.0)]) == []
    assert registry.too_far([far]) == ["speed"]
    assert registry.too_far([figure(1.7, at_least=0.5)]) == ["speed"]
    registry.record({"figures": [figure(8.0, at_most=1)]}, tmp_path)  # missed by a factor of two
    assert registry.too_far([figure(9.1, at_most=1)]) == []
    assert registry.too_far([figure(9.3, at_most=1)]) == ["speed"]


def test_the_page_of_recorded_figures_has_what_was_recorded_before(tmp_path):
    registry.record({"figures": [figure(8.0, at_most=1)]}, tmp_path)
    (tmp_path / "bench.json").rename(tmp_path / "bench_before.json")
    other = Figure("other", 1.0, "s", 4.0, "limit", "nothing")
    registry.record({"figures": [other, figure(2.0, at_most=1)]}, tmp_path)
    registry.record({"figures": [figure(3.0, at_most=1)]}, tmp_path)  # of another one alone
    lines = (tmp_path / "bench.md").read_text().splitlines()
    rows = [line for line in lines if line.startswith("| ")][1:]
    assert rows == [
        "| speed [1] | 8 | 3 s | 4: limit | 2 | 0.75 | at most 1 | yes |",
        "| other [2] |  | 1 s | 4: limit |  | 0.25 |  |  |",
    ]
    assert "1. everything" in lines


def test_the_recorded_page_is_that_of_the_recorded_figures():
    recorded = registry.RECORD / "bench.md"
    assert recorded.read_text(encoding="utf-8") == registry.recorded_page(registry.RECORD)


def test_command_names_unknown_bench_without_traceback():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "speed"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "'speed'" in done.stderr and "Traceback" not in done.stderr


@pytest.fixture
def encoded(tmp_path) -> tuple[Bench, str]:
    """A grid of one point, made by the codec itself: the bench's folder and the point's file."""
    sequence = load_sequences(ROOT / "config/sequences.tsv")["bigbuckbunny_tiny"]
    clip = sequence.clip(2)
    source = tmp_path / "grid/sequences/bigbuckbunny_tiny.mkv"
    prepare_sequence(sequence, clip, tmp_path, source, tmp_path)
    assert clip.fps == Fraction(25)
    stream = tmp_path / "grid/streams/qp37.265"
    codec = get_codec({"adapter": "x265", "preset": "ultrafast"})
    result = codec.encode(EncodeJob(source, clip, "AI", 37, stream, tmp_path / "work"))
    # The workflow runs in the folder: its commands name files from there.
    command = [word.removeprefix(f"{tmp_path}/") for word in result.command]
    point = {
        "key": {"sequence": sequence.id},
        "provenance": {
            "encode_command": command,
            "stream_sha256": sha256_of(stream),
            "encode_wall_s": 1.0,
            "measure_wall_s": 1.0,
        },
    }
    write_json(tmp_path / "point.json", point)
    return Bench(tmp_path, 1, 1, quiet), "point.json"


def test_plain_commands_do_the_same_work(encoded):
    bench, target = encoded
    scripts = bench_grid.plain_commands(bench, load_settings(TINY, ROOT), [target])
    spent = bench_grid.run_by_xargs(scripts, bench)
    assert spent.cpu > 0
    bench_grid.assert_same_streams(bench.folder, [target], scripts)
    logs = [path.name for path in scripts[0].parent.iterdir()]
    assert {"sizes.txt", "psnr.meta", "ssim.meta", "xpsnr.meta"} <= set(logs)
    next(scripts[0].parent.glob("distorted.*")).write_bytes(b"another stream")
    with pytest.raises(RuntimeError, match="other streams"):
        bench_grid.assert_same_streams(bench.folder, [target], scripts)


def test_a_failing_command_fails_the_bench(encoded):
    bench, target = encoded
    scripts = bench_grid.plain_commands(bench, load_settings(TINY, ROOT), [target])
    (bench.folder / "grid/sequences/bigbuckbunny_tiny.mkv").unlink()
    with pytest.raises(subprocess.CalledProcessError):
        bench_grid.run_by_xargs(scripts, bench)


def test_grid_from_end_to_end(monkeypatch, tmp_path):
    def tiny(folder: Path):
        (folder / "grid.yaml").write_text(json.dumps(TINY))
        return load_settings(TINY, ROOT)

    monkeypatch.setattr(bench_grid, "_demo_grid", tiny)
    monkeypatch.setattr(bench_grid, "RECHECKS", 1)
    made = {f.name: f for f in bench_grid.encode_grid(Bench(tmp_path, 2, 1, quiet))}
    busy = made["encode grid: cores kept busy"]
    assert 0 < busy.ratio < 0.85 and busy.met is False  # two frames cannot keep a core busy
    assert made["encode grid: wall"].ratio > 1
    apart = made["encode grid: CPU time per job apart from encoders and metrics"]
    assert 0 < apart.measured < 0.5 and apart.against == bench_grid.JOB_GOAL_SECONDS
    assert made["re-check of a finished run"].measured > 0


@pytest.mark.parametrize("jobs", [100, 400, 1_000, 5_000, 20_000])
def test_light_runs_have_half_as_many_points_as_jobs(jobs):
    settings = load_settings(bench_scheduling.config_of(jobs), ROOT)
    assert len(set(settings.points())) == jobs / 2


LIGHT = {**TINY, "results_dir": "light", "qps": [32, 37]}


def test_light_jobs_are_counted_without_their_own_time(monkeypatch, tmp_path):
    monkeypatch.setattr(bench_scheduling, "config_of", lambda jobs: LIGHT)
    run = bench_scheduling.light_run(tmp_path / "light", 4, 2)
    # 2 encodes, 2 measurements, source, configuration, points, tables, figures, curves, description
    assert run.jobs == 12
    assert not list((tmp_path / "light").rglob("*.part*"))
    point = tmp_path / "light/light/points/x265-ultrafast/AI/bigbuckbunny_tiny/anchor/qp37.json"
    assert point.read_text() == "\n"  # the stand-in ran in place of the codec
    assert 0 < run.controller_cpu < run.spent.wall + 0.1  # CPU time comes in ticks of 10 ms
    assert run.job_seconds > run.jobs * 0.002  # each of them starts a shell
    assert 50 < run.mib < 1_000


def test_a_dry_run_is_counted_and_weighed(monkeypatch, tmp_path):
    monkeypatch.setattr(bench_scheduling, "config_of", lambda jobs: LIGHT)
    planned = bench_scheduling.dry_run(tmp_path, 4)
    assert planned.jobs == 13
    assert planned.spent.cpu > 0.2 and planned.mib > 50
    assert not (tmp_path / "light").exists()


def test_peers_of_measuring_do_the_same_work(encoded, monkeypatch):
    bench, _ = encoded
    clip = load_sequences(ROOT / "config/sequences.tsv")["bigbuckbunny_tiny"].clip(2)
    source = bench.folder / "grid/sequences/bigbuckbunny_tiny.mkv"
    stream = bench.folder / "grid/streams/qp37.265"
    graphs: list[str] = []

    def keeping(arguments):
        graphs.append(arguments[arguments.index("-filter_complex") + 1])
        return run(arguments)

    monkeypatch.setattr(bench_measuring, "run", keeping)
    bench_measuring._separate_passes(source, stream, clip)
    assert len(graphs) == 5
    for chain in bench_measuring.PARTS.values():
        bench_measuring._pass(source, stream, clip, chain)
    assert f"version={bench_measuring.VMAF_NEG_MODEL}" in bench_measuring.PARTS["both models"]
    ours = measure(source, stream, clip, work_dir=bench.folder).frames
    assert {"psnr_y", "ssim_y", "vmaf", "vmaf_neg", "xpsnr_y"} <= set(ours[0])


def test_networks_are_timed_in_a_process_of_their_own():
    tiny = {"input_size": [64, 64], "width": 0.0625}
    seconds = in_own_process(SPEED, "frame", network="lat", threads=1, rounds=1, **tiny)
    assert min(seconds["eager"], seconds["onnx"]) > 0
    assert "torch" not in {name.partition(".")[0] for name in vars(registry)}


def test_the_filter_is_timed_beside_its_operations(tmp_path):
    np.save(tmp_path / "lumas.npy", np.random.default_rng(0).integers(0, 256, (2, 64, 1920), "u1"))
    arguments = {"lumas": str(tmp_path / "lumas.npy"), "rounds": 2}
    found = in_own_process("benchmarks.prefilter", "filter_seconds", limit=1, **arguments)
    assert 0 < found["products"] < found["operations"] and found["edges"] > 0
    assert found["operations"] < 2 * found["filter"]


def test_jobs_that_are_timed_make_candidates(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_prefilter, "PICTURES", 1)
    seconds = bench_prefilter.make_some(str(tmp_path / "0.npz"), time.time())
    assert seconds["cpu"] > 0.1 and seconds["wall"] > 0.1
    (made,) = read_candidates([tmp_path / "0.npz"])
    assert made.prefiltered.shape == (4, 256, 448) and len(made.bits) == 5


def test_training_is_timed_bare_and_in_its_loop(tmp_path):
    measured = in_own_process(
        SPEED, "training", folder=str(tmp_path), steps=2, threads=1, batch_size=4
    )
    assert measured["steps_per_second"] > 0 and measured["loop_steps_per_second"] > 0


def test_prefilter_is_timed_and_weighed():
    measured = in_own_process(
        SPEED, "prefilter", frames=1, threads=1, memory_frames=2, width=64, height=48
    )
    assert min(measured["eager"], measured["onnx"]) > 0 and measured["memory_growth_mib"] >= 0
    layers, whole = measured["layers_of_tiles"], measured["layers_of_frame"]
    assert layers.keys() == whole.keys() and len([n for n in layers if n.endswith("/Conv")]) == 4
    assert 0 < sum(layers.values()) < measured["eager"]


def test_cpu_time_is_not_that_of_waiting_nor_of_other_programs():
    def work() -> None:
        sum(range(2_000_000))

    def wait() -> None:
        subprocess.run([sys.executable, "-c", "sum(range(5_000_000))"], check=True)

    working, waiting = cpu_in_turns([work, wait], 3)
    assert working > 3 * waiting


def test_networks_are_held_against_products_of_their_own_runtime(monkeypatch):
    """NumPy's BLAS was half as fast as the runtime: no limit of what its networks can reach."""
    made = []

    class Counted:
        def __init__(self, model, threads):
            self.session = cpu_session(model, threads)

        def run(self, names, given):
            (found,) = self.session.run(names, given)
            made.append(np.array_equal(found, given["a"] @ given["b"]))

    monkeypatch.setattr(onnx_runtime, "cpu_session", Counted)
    bench_bl_juniper.products(threads=1)()
    assert made == [True] * bench_bl_juniper.PRODUCTS
