"""Environment variables of the jobs of a run: the code, waiting threads, the MLflow server.

None changes a result, so none may be a parameter of a rule: a switch would re-run it.
"""

from __future__ import annotations

import os
import shlex
import sys

from jndlab.paths import ROOT

PYTHON = sys.executable
SNAKEMAKE = (PYTHON, str(ROOT / "workflow_scripts/commands/run_snakemake.py"))
SERVER_VARIABLE = "MLFLOW_TRACKING_URI"


def prepare(mlflow: bool) -> None:
    """Set the environment that all jobs of a run inherit; a user's own choice of waiting stays.

    Without ``mlflow`` no job sees a server.
    """
    # The code whose digests the rules carry is the code that runs, whichever copy is installed.
    scripts = str(ROOT / "workflow_scripts")
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [scripts, *(p for p in others if p not in ("", scripts))]
    )
    os.environ["JND_SUITE"] = str(ROOT)  # for envs/*.post-deploy.sh and the MLflow mirror
    os.environ["JND_PYTHON"] = PYTHON
    # Threads of a network that wait must not spin: two jobs on two cores would starve each other.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not mlflow:
        os.environ.pop(SERVER_VARIABLE, None)
    # Snakemake writes this path into shell commands as it is; a folder may have a space in it.
    sys.executable = shlex.quote(PYTHON)
