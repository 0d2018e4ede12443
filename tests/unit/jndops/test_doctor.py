"""The doctor: known scores, and every kind of finding that must or must not fail it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jndlab.media.ffmpeg import ffmpeg_path
from jndops import doctor, self_test
from jndops.doctor import Check, check_known_scores, check_machine, check_packages, report


def by_name(checks) -> dict[str, Check]:
    return {check.name: check for check in checks}


@pytest.fixture(scope="module")
def healthy(repository, tmp_path_factory) -> subprocess.CompletedProcess:
    return run_doctor(repository, tmp_path_factory.mktemp("doctor"))


def run_doctor(repository: Path, results: Path, *options, **environment):
    script = repository / "workflow_scripts/commands/doctor.py"
    return subprocess.run(
        [sys.executable, script, "--results", results, *options],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


def test_healthy_machine_passes_with_versions_and_known_scores(healthy):
    assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    lines = [line.split() for line in healthy.stdout.splitlines()]
    assert ["OK", "encoder", "libvvenc", "present"] in lines
    assert ["OK", "VMAF", "model", "vmaf_v0.6.1neg", "present"] in lines
    assert ["OK", "imageio-ffmpeg", "0.8.1"] in lines
    scores = [line for line in healthy.stdout.splitlines() if "psnr_y" in line]
    assert [line.split()[:2] for line in scores] == [["OK", "vvenc-faster"], ["OK", "x265-medium"]]
    assert "All that the suite needs works." in healthy.stdout


def test_ffmpeg_without_vvenc_fails_with_a_remedy(repository, tmp_path):
    crippled = tmp_path / "ffmpeg"
    crippled.write_text(
        f'#!/bin/sh\ncase "$*" in *libvvenc*) exit 1;; esac\n"{ffmpeg_path()}" "$@" > "$0.out"\n'
        'code=$?\ngrep -a -v libvvenc "$0.out"\nexit $code\n'
    )
    crippled.chmod(0o755)
    done = run_doctor(repository, tmp_path, JNDLAB_FFMPEG=str(crippled))
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert ["FAIL", "encoder", "libvvenc", "absent"] in lines
    assert ["OK", "encoder", "libx265", "present"] in lines
    assert "encoder libvvenc: unset JNDLAB_FFMPEG" in done.stdout


def test_other_scores_than_the_known_ones_fail(monkeypatch):
    known = {"x265-medium": dict(self_test.KNOWN["x265-medium"])}
    monkeypatch.setattr(self_test, "KNOWN", known)
    monkeypatch.setattr(
        self_test, "PACKAGED_CODECS", {"x265-medium": {"adapter": "x265", "preset": "medium"}}
    )
    (check,) = check_known_scores({})
    assert check.state == "OK"
    known["x265-medium"]["vmaf"] += 0.2
    (check,) = check_known_scores({})
    assert check.state == "FAIL" and "vmaf 90.1768, known 90.3768 +- 0.1" in check.found


def test_psnr_that_numpy_does_not_confirm_is_a_deviation():
    score = self_test.Score({"psnr_y": 36.914}, numpy_psnr_y=36.9139, version="1")
    assert score.deviations({}) == []
    shifted = self_test.Score({"psnr_y": 36.914}, numpy_psnr_y=36.90, version="1")
    assert "by NumPy" in shifted.deviations({})[0]


def test_codec_of_the_configuration_that_is_not_set_up_fails(monkeypatch):
    monkeypatch.setattr(self_test, "PACKAGED_CODECS", {})
    unset = {"adapter": "vtm", "version": "11.0", "config_files": {}}
    (check,) = check_known_scores({"vtm-11.0": unset})
    assert check.state == "FAIL" and "not set up" in check.found and "VTM" in check.remedy


def test_another_pattern_is_noticed(monkeypatch, tmp_path):
    monkeypatch.setattr(self_test, "PATTERN_SHA256", "0" * 64)
    checks = list(doctor._guarded("self-test", lambda: check_known_scores({})))
    assert [check.state for check in checks] == ["FAIL"] and "pattern" in checks[0].found


def test_lock_is_read_for_this_platform_only(tmp_path):
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "# made by uv\nNumPy==1.0 \\\n    --hash=sha256:ab\n"
        "colorama==0.4.6 ; sys_platform == 'win32' \\\n    --hash=sha256:cd\n"
        "numba==2.0 ; python_version >= '3.0' \\\n    --hash=sha256:ef\n"
    )
    assert doctor.read_lock(lock) == {"numpy": "1.0", "numba": "2.0"}
    checks = by_name(check_packages(lock))
    assert checks["numpy"].state == "differs" and "the lock has 1.0" in checks["numpy"].found
    assert checks["all others"].state == "differs" and "numba" in checks["all others"].found
    assert checks["scipy"].state == "OK"  # in no lock: nothing to differ from


def test_missing_packages_fail_only_where_they_are_needed(monkeypatch, repository):
    monkeypatch.setattr(doctor, "REQUIRED_PACKAGES", ("no-such-package",))
    monkeypatch.setattr(doctor, "OPTIONAL_PACKAGES", {"nor-such-a-one": "browsing results"})
    checks = by_name(check_packages(repository / "envs/requirements.lock"))
    assert checks["no-such-package"].state == "FAIL"
    assert checks["nor-such-a-one"].state == "missing"
    assert "browsing results" in checks["nor-such-a-one"].remedy


def test_results_folder_that_cannot_be_written_fails():
    checks = by_name(check_machine(Path("/proc/results of mine/demo")))
    assert (
        checks["results folder"].state == "FAIL"
        and "results_dir" in checks["results folder"].remedy
    )


def test_results_folder_is_not_created(tmp_path):
    checks = by_name(check_machine(tmp_path / "deep" / "results"))
    assert checks["results folder"].state == "OK" and not (tmp_path / "deep").exists()


def test_the_doctor_does_not_fall_ill(tmp_path):
    def broken():
        yield Check("packages", "a", "OK", "1")
        raise RuntimeError("out of order")

    checks = list(doctor._guarded("packages", broken))
    assert [check.state for check in checks] == ["OK", "FAIL"]
    assert "RuntimeError: out of order" in checks[1].found
    text = report(checks)
    assert "cannot run until this is fixed" in text and text.endswith("1 failed.\n")


def test_unknown_configuration_is_told_without_traceback(repository, tmp_path):
    done = run_doctor(repository, tmp_path, "--configfile", tmp_path / "absent.yaml")
    assert done.returncode == 1 and done.stderr.startswith("ERROR: there is no file")
