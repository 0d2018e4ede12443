"""What the jobs of a run find in their environment: how threads wait, live tracking or not.

Neither changes a result, so neither may be a parameter of a rule: a switch would re-run it.
"""

from __future__ import annotations

import os
import shlex
import sys

PYTHON = sys.executable
LIVE_VARIABLE = "JNDLAB_LIVE_TRACKING"


def prepare(live_tracking: bool) -> None:
    """Set the environment that all jobs of a run inherit; a user's own choice of waiting stays."""
    # Threads of a network that wait must not spin: two jobs on two cores would starve each other.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ[LIVE_VARIABLE] = str(int(live_tracking))
    # Snakemake writes this path into shell commands as it is; a folder may have a space in it.
    sys.executable = shlex.quote(PYTHON)
