"""Where training runs: the choice of CPU or CUDA, and torch's threads."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from jndlab.errors import UserError


def choose_device(wanted: str = "auto") -> torch.device:
    """The device named: "auto" (CUDA where there is one), "cpu", "cuda" or "cuda:N".

    Raises UserError for another word, or for CUDA that this machine or this torch has not.
    """
    cuda = torch.cuda.is_available()
    if wanted == "auto":
        return torch.device("cuda" if cuda else "cpu")
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
