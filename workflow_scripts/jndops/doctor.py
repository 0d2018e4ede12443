"""What the suite finds on this machine: tools, packages, room, and known scores of a self-test."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jndlab.errors import UserError
from jndlab.media import ffmpeg
from jndlab.quality.metrics import required_filters, vmaf_models
from jndops.columns import aligned

State = Literal["OK", "missing", "differs", "FAIL"]

REINSTALL = "run `make setup`, which installs what envs/requirements.lock says."
FFMPEG_REMEDY = f"unset JNDLAB_FFMPEG to use the packaged FFmpeg; if it is that one, {REINSTALL}"
# FFmpeg lists a component as: flags, name, description. The demo needs all that is required (True).
COMPONENTS = {
    "encoders": {
        "libvvenc": True, "libx265": True, "libx264": True, "libkvazaar": True, "ffv1": True,
    },
    "decoders": {"vvc": True, "hevc": True, "h264": True},
    "filters": dict.fromkeys([*required_filters(), "siti"], True),
}  # fmt: skip
VMAF_MODELS = {**dict.fromkeys(vmaf_models().values(), True), "vmaf_4k_v0.6.1": False}
# Without the first a demo cannot run; the others serve networks, pictures and tracking.
REQUIRED_PACKAGES = (
    "snakemake", "pydantic", "pyyaml", "numpy", "scipy", "pandas", "seaborn", "imageio-ffmpeg",
    "ffmpeg-quality-metrics", "bjontegaard", "scikit-video",
)  # fmt: skip
OPTIONAL_PACKAGES = {
    "torch": "networks and training",
    "onnxruntime": "networks as prefilters",
    "pyiqa": "no-reference scorers",
    "scikit-image": "pictures",
    "scikit-learn": "pictures",
    "mlflow": "browsing results; nothing else needs it",
}
OPTIONAL_TOOLS = {
    "EncoderAppStatic": "VTM: build it and set its paths in config/codecs.yaml",
    "bpgenc": "BPG pictures: install libbpg, or code with hevc_intra, under its own name",
}
MIN_FREE_GB = 2.0
GIGABYTE = 1e9


@dataclass(frozen=True)
class Check:
    """One line of the report. Only ``FAIL`` means that the suite cannot run."""

    group: str
    name: str
    state: State
    found: str
    remedy: str = ""


def diagnose(
    results_dir: Path, codecs: Mapping[str, Mapping[str, Any]], lock: Path
) -> Iterator[Check]:
    """Check everything, one :class:`Check` at a time, cheap ones first; raises nothing.

    ``codecs`` are the codec entries that the run uses, ``lock`` the file of pinned packages.
    """
    yield from _guarded("FFmpeg", check_ffmpeg)
    yield from _guarded("packages", lambda: check_packages(lock))
    yield from _guarded("machine", lambda: check_machine(results_dir))
    yield from _guarded("optional", check_optional_tools)
    yield from _guarded("self-test", lambda: check_known_scores(codecs))


def report(checks: list[Check]) -> str:
    """All checks as a table, then what to do about those that are not OK."""
    lines = []
    for group in dict.fromkeys(check.group for check in checks):
        rows = [(check.state, check.name, check.found) for check in checks if check.group == group]
        lines += [group, *aligned([("", "", ""), *rows])[1:], ""]
    for state, title in (
        ("FAIL", "The suite cannot run until this is fixed"),
        ("differs", "Other than the suite was tested with"),
        ("missing", "Missing, and needed for some things only"),
    ):
        remedies = [check for check in checks if check.state == state]
        if remedies:
            lines += [f"{title}:", *(f"  {check.name}: {check.remedy}" for check in remedies), ""]
    failed = sum(check.state == "FAIL" for check in checks)
    lines.append(f"{failed} failed." if failed else "All that the suite needs works.")
    return "\n".join(lines) + "\n"


def check_ffmpeg() -> Iterator[Check]:
    """Version, encoders, decoders, filters and VMAF models of the FFmpeg that will be used."""
    path = ffmpeg.ffmpeg_path()
    yield Check("FFmpeg", "version", "OK", f"{ffmpeg.ffmpeg_version()}  ({path})")
    for kind, wanted in COMPONENTS.items():
        listed = ffmpeg.run([f"-{kind}"]).stdout.decode()
        present = set(re.findall(r"^ *[A-Z.|]{2,6} +(\S+)", listed, re.MULTILINE))
        for name, required in wanted.items():
            yield _component(f"{kind[:-1]} {name}", name in present, required)
    for model, required in VMAF_MODELS.items():
        yield _component(f"VMAF model {model}", _loads_vmaf(model), required)


def check_packages(lock: Path) -> Iterator[Check]:
    """The packages that matter with their versions, and all of the lock in one line."""
    version = ".".join(map(str, sys.version_info[:3]))
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Check("packages", "Python", "OK" if supported else "FAIL", version,
                "use Python 3.11, 3.12 or 3.13: make PYTHON=python3.12 setup")  # fmt: skip
    pinned = read_lock(lock)
    for name in REQUIRED_PACKAGES:
        yield _package(name, pinned, "FAIL", REINSTALL)
    for name, use in OPTIONAL_PACKAGES.items():
        yield _package(name, pinned, "missing", f"{use}; {REINSTALL}")
    shown = {*REQUIRED_PACKAGES, *OPTIONAL_PACKAGES}
    rest = [_package(name, pinned, "differs", REINSTALL) for name in pinned if name not in shown]
    wrong = [check.name for check in rest if check.state != "OK"]
    found = f"{len(rest) - len(wrong)} of {len(rest)} as in {lock.name}"
    if wrong:
        named = ", ".join(wrong[:5]) + (", ..." if len(wrong) > 5 else "")
        yield Check("packages", "all others", "differs", f"{found}; not {named}", REINSTALL)
    else:
        yield Check("packages", "all others", "OK", found)


def check_machine(results_dir: Path) -> Iterator[Check]:
    """Cores, memory, free disk and a results folder that can be written."""
    yield Check("machine", "CPU cores", "OK", str(usable_cores()))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIGABYTE
    yield Check("machine", "memory", "OK", f"{memory:.1f} GB")
    folder = results_dir.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free / GIGABYTE
    state: State = "OK" if free >= MIN_FREE_GB else "FAIL"
    yield Check("machine", "free disk", state, f"{free:.0f} GB",
                f"free {MIN_FREE_GB:g} GB, or set results_dir to another disk.")  # fmt: skip
    try:
        with tempfile.TemporaryFile(dir=folder):
            yield Check("machine", "results folder", "OK", f"{results_dir} can be written")
    except OSError as error:
        yield Check("machine", "results folder", "FAIL", f"{folder}: {error.strerror}",
                    "set results_dir to a folder that you may write.")  # fmt: skip


def check_optional_tools() -> Iterator[Check]:
    """Programs that only some papers or codecs use, and a GPU."""
    for name, use in OPTIONAL_TOOLS.items():
        path = shutil.which(name)
        yield Check("optional", name, "OK" if path else "missing", path or "not on the PATH", use)
    gpu = _gpu()
    yield Check("optional", "GPU", "OK" if gpu else "missing", gpu or "none that nvidia-smi sees",
                "training runs on the CPU, only slower.")  # fmt: skip


def check_known_scores(codecs: Mapping[str, Mapping[str, Any]]) -> Iterator[Check]:
    """Encode and measure a tiny clip with every codec; compare with the known scores."""
    from jndops import self_test

    with tempfile.TemporaryDirectory(prefix="jndlab-doctor-") as name:
        folder = Path(name)
        source = self_test.make_pattern(folder)
        for codec, spec in {**self_test.PACKAGED_CODECS, **codecs}.items():
            try:
                score = self_test.score_codec(spec, source, folder)
            except UserError as error:
                yield Check("self-test", codec, "FAIL", error.what, error.remedy or error.expected)
                continue
            found = f"{score.version}: " + ", ".join(
                f"{key} {value:.6g}" for key, value in score.values.items()
            )
            known = self_test.KNOWN.get(codec, {})
            if wrong := score.deviations(known):
                yield Check("self-test", codec, "FAIL", "; ".join(wrong), FFMPEG_REMEDY)
            else:
                yield Check("self-test", codec, "OK", found + ("" if known else " (none known)"))


def read_lock(lock: Path) -> dict[str, str]:
    """Package -> version of a requirements file, for this Python and platform only."""
    from packaging.requirements import Requirement

    pinned = {}
    for line in lock.read_text(encoding="utf-8").splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            requirement = Requirement(line.split(" \\")[0].split(" #")[0])
            if requirement.marker is None or requirement.marker.evaluate():
                pinned[requirement.name.lower()] = str(requirement.specifier).removeprefix("==")
    return pinned


def usable_cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _component(name: str, present: bool, required: bool) -> Check:
    if present:
        return Check("FFmpeg", name, "OK", "present")
    return Check("FFmpeg", name, "FAIL" if required else "missing", "absent", FFMPEG_REMEDY)


def _loads_vmaf(model: str) -> bool:
    graph = f"split[a][b];[a][b]libvmaf=model=version={model}"
    source = ["-f", "lavfi", "-i", "color=size=64x64:rate=1", "-frames:v", "1"]
    try:
        ffmpeg.run(["-v", "error", *source, "-lavfi", graph, "-f", "null", "-"])
    except ffmpeg.ToolError:
        return False
    return True


def _package(name: str, pinned: Mapping[str, str], absent: State, remedy: str) -> Check:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check("packages", name, absent, "not installed", remedy)
    wanted = pinned.get(name)
    # A local part (torch 2.9.0+cpu) names a build of the same version.
    if wanted is None or wanted.split("+")[0] == version.split("+")[0]:
        return Check("packages", name, "OK", version)
    return Check("packages", name, "differs", f"{version}, the lock has {wanted}", REINSTALL)


def _gpu() -> str:
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return "; ".join(done.stdout.strip().splitlines())


def _guarded(group: str, checks: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """A doctor must not fall ill: whatever a group of checks raises becomes a line of its own."""
    try:
        yield from checks()
    except UserError as error:
        yield Check(group, group, "FAIL", error.what, error.remedy or error.expected)
    except Exception as error:
        yield Check(group, group, "FAIL", f"{type(error).__name__}: {error}", REINSTALL)
