"""Where training runs: the choice of CPU or CUDA, and torch's threads."""

from __future__ import annotations

import fcntl
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import torch

from jndlab.errors import UserError
from jndlab.files import open_lock

_taken: dict[int, IO[str]] = {}  # the GPU of this process and its lock


def choose_device(wanted: str = "auto") -> torch.device:
    """The device named: "auto" (CUDA where there is one), "cpu", "cuda" or "cuda:N".

    Of several GPUs "auto" takes one that no other training of this user on this machine has.
    Raises UserError for another word, or for CUDA that this machine or this torch has not.
    """
    cuda = torch.cuda.is_available()
    if wanted == "auto":
        return torch.device("cuda", _free_gpu()) if cuda else torch.device("cpu")
    try:
        device = torch.device(wanted)
    except RuntimeError as error:
        raise UserError(
            f"there is no device '{wanted}'.", expected="auto, cpu, cuda or cuda:N"
        ) from error
    if device.type not in ("cpu", "cuda"):
        raise UserError(
            f"device '{wanted}' is not supported.", expected="auto, cpu, cuda or cuda:N"
        )
    if device.type == "cuda" and (not cuda or (device.index or 0) >= torch.cuda.device_count()):
        raise UserError(
            f"device '{wanted}' is wanted and cannot be used here.",
            expected=f"{torch.cuda.device_count() if cuda else 0} CUDA devices are visible",
            remedy="set the device to auto, or run where the GPU and a CUDA build of torch are.",
        )
    return device


def _free_gpu() -> int:
    """The first GPU that can be locked, for as long as this process lives; 0 where none can."""
    if _taken:
        return next(iter(_taken))
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    for number in range(torch.cuda.device_count()):
        name = visible[number] if number < len(visible) and visible[number] else number
        lock = Path(tempfile.gettempdir()) / f"jndlab-{os.getuid()}-gpu-{name}.lock"
        try:
            stream = open_lock(lock)
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        _taken[number] = stream
        return number
    return 0


def device_name(device: torch.device) -> str:
    """The name of the processor, for records, e.g. ``NVIDIA H200`` or ``x86_64``."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()


@contextmanager
def torch_threads(count: int | None) -> Iterator[int]:
    """Let torch use ``count`` CPU threads (None: as it is) for the time of the block."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield torch.get_num_threads()
    finally:
        torch.set_num_threads(before)
