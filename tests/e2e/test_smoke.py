"""The whole way on real clips: VVenC, VMAF, tables, figures, MLflow; then nothing is left to do."""

from __future__ import annotations

import csv
import json
import re
import sqlite3
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from consistency import disagreements
from jndlab.media.clip import ClipFormat, read_clip
from jndlab.media.ffmpeg import ffmpeg_path
from workflow_runner import Workflow

SMOKE = ("--configfile", "config/smoke.yaml")
COLUMNS = set(
    "sequence configuration codec method qp frames fps bits bitrate_kbps psnr_y_framemean "
    "psnr_y_mse ssim_y vmaf_mean vmaf_neg_mean xpsnr_y prefilter_vmaf_mean encode_cpu_s".split()
)
BROKEN = """
class Half:
    def __init__(self, factor):
        self.factor = factor

    def filter_luma(self, luma, bit_depth, qp):
        return luma[:: self.factor]
"""


@pytest.fixture(scope="module")
def smoke(tmp_path_factory) -> Workflow:
    """A finished smoke run; its output is kept as ``said``."""
    workflow = Workflow(tmp_path_factory.mktemp("smoke run"))
    workflow.said = workflow.run(*SMOKE).stdout
    return workflow


@pytest.fixture(scope="module")
def results(smoke) -> Path:
    return smoke.folder / "results/smoke"


def test_no_two_tables_of_the_run_disagree(results):
    assert not disagreements(results)


@pytest.fixture(scope="module")
def rows(results) -> list[dict[str, str]]:
    with open(results / "tables/rd_points.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def test_table_has_a_row_per_point_and_the_promised_columns(rows):
    assert set(rows[0]) >= COLUMNS
    keys = {
        tuple(row[name] for name in ("sequence", "configuration", "method", "qp")) for row in rows
    }
    assert len(rows) == len(keys) == 2 * 2 * 2 * 4


def test_curves_behave_like_rate_distortion_curves(rows):
    rows = sorted(rows, key=lambda row: int(row["qp"]))
    curves: dict[tuple, list] = {}
    for row in rows:
        curves.setdefault((row["sequence"], row["configuration"], row["method"]), []).append(row)
    for curve in curves.values():
        for quantity in ("bits", "psnr_y_mse", "vmaf_mean", "xpsnr_y"):
            values = [float(row[quantity]) for row in curve]
            assert values == sorted(values, reverse=True), (curve[0], quantity)


def test_bits_are_the_stream_and_the_rate_is_the_sheets(rows, results):
    for row in rows:
        stem = "{codec}/{configuration}/{sequence}/{method}/qp{qp}".format(**row)
        stream = results / f"streams/{stem}.266"
        assert int(row["bits"]) == 8 * stream.stat().st_size
        rate = int(row["bits"]) * float(row["fps"]) / int(row["frames"]) / 1000
        assert float(row["bitrate_kbps"]) == pytest.approx(rate, rel=1e-6)
        with open(results / f"points/{stem}.frames.csv", newline="") as frames:
            per_frame = list(csv.DictReader(frames))
        assert len(per_frame) == int(row["frames"])
        assert sum(int(frame["bits"]) for frame in per_frame) == int(row["bits"])
        kinds = "".join(frame["slice_type"] for frame in per_frame)
        assert kinds == ("I" * 9 if row["configuration"] == "AI" else "I" + "P" * 8)


def test_psnr_agrees_with_an_independent_computation(rows, results):
    row = next(r for r in rows if r["configuration"] == "LDP" and r["method"] == "erjnd")
    stem = "{codec}/{configuration}/{sequence}/{method}/qp{qp}".format(**row)
    width, height, frames = (int(row[name]) for name in ("width", "height", "frames"))
    clip = ClipFormat(width, height, Fraction(row["fps"]), frames)
    source = [frame.y.astype(float) * 4 for frame in read_clip(
        results / f"sequences/{row['sequence']}.mkv", clip)]  # fmt: skip
    decode = ["-v", "error", "-i", results / f"streams/{stem}.266", "-fps_mode", "passthrough"]
    decode += ["-f", "rawvideo", "-pix_fmt", "yuv420p10le", "-"]
    raw = subprocess.run([ffmpeg_path(), *decode], capture_output=True, check=True).stdout
    samples = np.frombuffer(raw, "<u2").reshape(frames, height * width * 3 // 2)
    decoded = samples[:, : height * width].reshape(frames, height, width).astype(float)
    errors = [np.mean((a - b) ** 2) for a, b in zip(source, decoded, strict=True)]
    assert float(row["psnr_y_mse"]) == pytest.approx(
        10 * np.log10(1023**2 / np.mean(errors)), abs=0.01
    )


def test_prefilter_alone_is_measured_for_methods_only(rows):
    for row in rows:
        assert bool(row["prefilter_vmaf_mean"]) == (row["method"] == "erjnd")


def test_points_say_where_every_number_comes_from(results):
    for path in (results / "points").rglob("qp*.json"):
        provenance = json.loads(path.read_text("utf-8"))["provenance"]
        assert provenance["encode_command"] and provenance["encoder_version"]
        assert provenance["measure_versions"]["libvmaf_model"] == "vmaf_v0.6.1"
        assert len(provenance["stream_sha256"]) == 64


def test_stand_in_content_is_never_called_reproduced(results):
    comparisons = list((results / "iqnet/tables").glob("*_comparison.csv"))
    assert len(comparisons) == 5
    for path in comparisons:
        with open(path, newline="") as stream:
            verdicts = {row["verdict"] for row in csv.DictReader(stream)}
        assert verdicts
        assert not verdicts & {"reproduced", "deviates"}


def test_every_table_and_figure_has_all_its_forms(results):
    for stem in ("tables/rd_points", "tables/bd_rate", "tables/same_qp", "iqnet/tables/audit"):
        for suffix in ("csv", "md", "html"):
            assert (results / f"{stem}.{suffix}").stat().st_size > 100
        is_list = stem.startswith("tables/")  # too long to print
        assert (results / f"{stem}.tex").is_file() != is_list
    for png in (results / "figures").glob("*.png"):
        assert png.with_suffix(".svg").is_file() and png.with_suffix(".csv").is_file()


def test_a_person_is_told_what_was_made(smoke):
    assert "Methods against anchor" in smoke.said
    assert "results/smoke" in smoke.said
    assert "Stand-in content" in smoke.said


def test_jobs_are_one_line_of_progress_and_the_log_file_has_them_all(smoke):
    lines = re.findall(r"(?m)^(\d+) of (\d+) jobs, .* passed, .* left", smoke.said)
    done, jobs = lines[-1]
    assert done == jobs and int(jobs) > 80 > len(lines)
    assert "Finished jobid" not in smoke.said and "Select jobs" not in smoke.said
    (log, *_) = re.findall(r"Complete log\(s\): (.+)", smoke.said)
    assert Path(log).read_text("utf-8").count("Finished jobid") == int(jobs)


def test_a_deleted_mirror_comes_back_and_a_failed_one_is_tried_again(smoke, results):
    database, ledger = results / "mlflow.db", results / "mlflow_ledger.csv"
    kept = database.rename(database.with_suffix(".kept"))
    assert smoke.planned(*SMOKE) == {"mirror_mlflow": 1}
    kept.rename(database)
    text = ledger.read_text("utf-8")
    ledger.write_text(text.replace(",mirrored\n", ",not mirrored: database is locked\n"))
    assert smoke.planned(*SMOKE) == {"mirror_mlflow": 1}
    smoke.run(*SMOKE)
    assert ledger.read_text("utf-8") == text
    assert smoke.planned(*SMOKE) == {}
    assert "iqnet/table/audit" in text  # whatever came last is part of it


def test_results_are_mirrored_into_mlflow(results):
    with sqlite3.connect(results / "mlflow.db") as database:
        (runs,) = database.execute(
            "select count(*) from runs where lifecycle_stage = 'active'"
        ).fetchone()
    assert runs >= 32


def test_a_second_run_has_nothing_to_do(smoke):
    assert smoke.planned(*SMOKE) == {}


def test_a_failing_job_shows_the_end_of_its_log(smoke):
    # A prefilter that returns another size: its message must reach the person.
    smoke.write("broken.py", BROKEN)
    text = (smoke.folder / "config/smoke.yaml").read_text("utf-8")
    text = text.replace("jndlab.jnd.erjnd:ErjndPrefilter", "broken:Half")
    smoke.write("broken.yaml", text.replace("alpha: 0.5", "factor: 2"))
    done = smoke.run("--configfile", "broken.yaml", check=False)
    assert done.returncode != 0
    assert "does not fit the clip" in done.stdout
    assert "Traceback" not in done.stdout
