"""Bench of the encode grid: the demo's jobs under Snakemake against the same commands by xargs."""

from __future__ import annotations

import re
import shlex
import shutil
import statistics
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import yaml

from benchmarks.figures import ROOT, Bench, Figure, Moment, Spent, in_turns, median_of, timed
from jndlab.files import read_json, sha256_of
from jndlab.media.ffmpeg import ffmpeg_path
from jndlab.quality.full_reference import measure
from jndlab.yaml_files import load_yaml
from jndops.settings import Settings, load_settings
from jndops.workflow.environment import SNAKEMAKE

RECHECK_LIMIT_SECONDS = 2
RECHECKS = 3
BUSY_GOAL = 0.95
WALL_GOAL = 1.05
AT_A_JOB = re.compile(r"Job \d+:|Finished jobid")
JOB_GOAL_SECONDS = 0.10  # of CPU time apart from encoders and metrics


@dataclass(frozen=True)
class GridRun:
    """One run of Snakemake: until the first job, and the jobs; FFmpeg's CPU seconds."""

    start_up: Spent
    jobs: Spent
    ffmpeg_cpu: float


def encode_grid(bench: Bench) -> Iterator[Figure]:
    """The anchor's points of the demo, by Snakemake and by xargs in turns; then a re-check."""
    settings = _demo_grid(bench.folder)
    sources = [f"grid/sequences/{name}.mkv" for name in settings.config["sequences"]]
    targets = [
        f"grid/points/{p.codec}/{p.configuration}/{p.sequence}/{p.method}/qp{p.qp}.json"
        for p in settings.points()
    ]
    bench.say(f"{len(sources)} clips are prepared (not counted)")
    snakemake_lines(bench, sources)
    runs: list[GridRun] = []
    by_xargs: list[Spent] = []
    scripts: list[Path] = []
    for number in range(1, bench.rounds + 1):
        for made in ("streams", "points"):
            shutil.rmtree(bench.folder / "grid" / made, ignore_errors=True)
        bench.say(f"round {number}: {len(targets)} points by Snakemake on {bench.cores} cores")
        runs.append(_grid_run(bench, targets))
        scripts = scripts or plain_commands(bench, settings, targets)
        bench.say(f"round {number}: the same FFmpeg commands by xargs -P {bench.cores}")
        by_xargs.append(run_by_xargs(scripts, bench))
        assert_same_streams(bench.folder, targets, scripts)
    yield from _figures(bench, runs, by_xargs, len(targets))
    bench.say("the finished run is checked again")
    [recheck] = in_turns([lambda: assert_nothing_to_do(bench, targets)], RECHECKS)
    yield Figure(
        "re-check of a finished run",
        recheck.wall,
        "s",
        RECHECK_LIMIT_SECONDS,
        "limit",
        f"`snakemake` from its start to its end, {len(targets)} points, median of {RECHECKS}",
        at_most=1,
    )


def _figures(
    bench: Bench, runs: list[GridRun], by_xargs: list[Spent], points: int
) -> Iterator[Figure]:
    cores = bench.cores
    start_up, jobs = (median_of([getattr(r, part) for r in runs]) for part in ("start_up", "jobs"))
    ffmpeg_cpu = statistics.median(run.ffmpeg_cpu for run in runs)
    xargs = median_of(by_xargs)
    yield Figure(
        "encode grid: cores kept busy",
        ffmpeg_cpu,
        "CPU s",
        cores * jobs.wall,
        f"{cores} cores x wall of the jobs",
        f"{points} encodes and {points} measurements (the demo's anchor): CPU seconds of the "
        "encoding and the measuring FFmpeg of each point (provenance); wall from the start of the "
        "first job to the end of the last, so without "
        f"Snakemake's start-up ({start_up.wall:.1f} s). Other programs took {jobs.others:.1f} CPU "
        f"seconds meanwhile. `xargs -P` reached {xargs.cpu / (cores * xargs.wall):.2f}.",
        at_least=BUSY_GOAL,
    )
    yield Figure(
        "encode grid: wall",
        jobs.wall,
        "s",
        xargs.wall,
        f"same FFmpeg commands, xargs -P {cores}",
        "first job's start to last job's end; xargs runs the recorded encode commands and the "
        "measuring commands, one shell per point, longest first. Its streams are compared by hash.",
        at_most=WALL_GOAL,
    )
    yield Figure(
        "encode grid: CPU time per job apart from encoders and metrics",
        (jobs.cpu - ffmpeg_cpu) / (2 * points),
        "CPU s",
        JOB_GOAL_SECONDS,
        "limit",
        "Snakemake itself, the imports of the first jobs, forks, reading and writing; encoders and "
        f"metrics take {ffmpeg_cpu / (2 * points):.2f} CPU seconds a job.",
        at_most=1,
    )


def _demo_grid(folder: Path) -> Settings:
    """Write the demo's configuration, cut down to its anchor's points, as ``grid.yaml``."""
    demo = load_yaml(ROOT / "config/config.yaml")
    anchor = demo.get("anchor", "anchor")
    grid = {
        **demo,
        "results_dir": "grid",
        "methods": {anchor: demo["methods"][anchor]},
        "bd_rate": {k: v for k, v in demo["bd_rate"].items() if k != "between"},
        "papers": [],
        "mlflow": False,
    }
    (folder / "grid.yaml").write_text(yaml.safe_dump(grid), encoding="utf-8")
    return load_settings(grid, ROOT)


def snakemake_lines(bench: Bench, targets: list[str]) -> list[tuple[Moment, str]]:
    """Run Snakemake in the bench's folder; its output, jobs' lines with the moment they came."""
    command = [*SNAKEMAKE, "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(bench.folder), "--configfile", str(bench.folder / "grid.yaml")]
    command += ["--cores", str(bench.cores), "--verbose", "--", *targets]  # a line for each job
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        watched = psutil.Process(process.pid)
        lines = [(Moment.now(watched), "")]
        assert process.stdout is not None
        for line in process.stdout:
            lines.append((Moment.now(watched) if AT_A_JOB.match(line) else lines[-1][0], line))
    if process.returncode != 0:
        raise RuntimeError("Snakemake failed:\n" + "".join(line for _, line in lines[-30:]))
    return lines


def _grid_run(bench: Bench, targets: list[str]) -> GridRun:
    lines = snakemake_lines(bench, targets)
    begin = lines[0][0]
    of_jobs = [moment for moment, line in lines if AT_A_JOB.match(line)]
    first, last = of_jobs[0], of_jobs[-1]
    points = [read_json(bench.folder / target)["provenance"] for target in targets]
    ffmpeg_cpu = sum(point["encode_cpu_s"] + point["measure_cpu_s"] for point in points)
    return GridRun(first - begin, last - first, ffmpeg_cpu)


def plain_commands(bench: Bench, settings: Settings, targets: list[str]) -> list[Path]:
    """A shell script per point with its two FFmpeg commands, longest first.

    The encode command is the one of the point's provenance with other names of stream and size
    file. The measuring command does not depend on the stream: it is taken from one measurement
    for each sequence. Both sides lie under plain names in a folder of the point, as when measured.
    """
    measuring: dict[str, list[str]] = {}
    made: list[tuple[float, Path]] = []
    for number, target in enumerate(targets):
        point = read_json(bench.folder / target)
        sequence, provenance = point["key"]["sequence"], point["provenance"]
        source = bench.folder / f"grid/sequences/{sequence}.mkv"
        encode = list(provenance["encode_command"])
        folder = bench.folder / f"xargs/{number:03}"
        folder.mkdir(parents=True)
        stream = folder / f"distorted{Path(encode[-1]).suffix}"
        if sequence not in measuring:
            measuring[sequence] = _measuring_command(bench, settings, sequence, source, encode[-1])
        encode[-1] = str(stream)
        encode[encode.index(str(source.relative_to(bench.folder)))] = str(source)
        encode[encode.index("-stats_enc_post") + 1] = str(folder / "sizes.txt")
        (folder / f"reference{source.suffix}").symlink_to(source)
        script = folder / "run.sh"
        lines = ["set -e", f"cd {shlex.quote(str(folder))}"]
        lines += [f"{shlex.join(c)} >/dev/null 2>&1" for c in (encode, measuring[sequence])]
        script.write_text("\n".join(lines) + "\n", encoding="utf-8")
        made.append((_wall(provenance), script))
    return [script for _, script in sorted(made, key=lambda pair: -pair[0])]


def _measuring_command(
    bench: Bench, settings: Settings, sequence: str, source: Path, stream: str
) -> list[str]:
    clip = settings.clip(sequence)
    distorted = bench.folder / stream
    threads = settings.config["threads"]["measure"]
    measured = measure(source, distorted, clip, work_dir=bench.folder / "work", threads=threads)
    return [str(ffmpeg_path()), *measured.command[1:]]


def _wall(provenance: Mapping[str, Any]) -> float:
    return provenance["encode_wall_s"] + provenance["measure_wall_s"]


def run_by_xargs(scripts: list[Path], bench: Bench) -> Spent:
    """Run the scripts on as many cores as Snakemake had; a failure of any raises."""
    for script in scripts:
        for stream in script.parent.glob("distorted.*"):
            stream.unlink()
    command = ["xargs", "-0", "-n", "1", "-P", str(bench.cores), "sh"]
    listed = "\0".join(map(str, scripts))
    return timed(lambda: subprocess.run(command, input=listed, text=True, check=True))


def assert_same_streams(folder: Path, targets: list[str], scripts: list[Path]) -> None:
    """Both contestants must have done the same work."""
    ours = sorted(read_json(folder / t)["provenance"]["stream_sha256"] for t in targets)
    theirs = sorted(sha256_of(next(s.parent.glob("distorted.*"))) for s in scripts)
    if ours != theirs:
        raise RuntimeError("the commands run by xargs made other streams than the workflow")


def assert_nothing_to_do(bench: Bench, targets: list[str]) -> None:
    """Run the finished run again; raises RuntimeError if it starts a job."""
    if not any("Nothing to be done" in line for _, line in snakemake_lines(bench, targets)):
        raise RuntimeError("a finished run had something to do: was code edited meanwhile?")
