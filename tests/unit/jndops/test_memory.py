"""Freed memory is kept for the next arrays."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import resource
import numpy as np
from jndlab.memory import keep_freed_memory
{call}
def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    held = [np.ones(2_000_000, np.float32) for _ in range(4)]  # frames of 1080p
    del held
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
faults()
print(faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do otherwise")
def test_the_second_frame_needs_no_fresh_pages():
    kept, given_back = (
        int(subprocess.check_output([sys.executable, "-c", PROGRAM.format(call=call)]))
        for call in ("keep_freed_memory()", "")
    )
    assert kept < 20 and given_back > 1_000
