"""The jobs of a run as Snakemake itself plans them: exact, seconds for thousands of points."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndops.plan.job_graph import Job
from jndops.plan.job_size import megapixel_frames
from jndops.settings import Settings

MANY_CORES = 4096


def snakemake_graph(
    configfile: Path, settings: Settings, root: Path, overrides: Mapping[str, Any] | None = None
) -> list[Job]:
    """All jobs of a run, done or not, each after the jobs that it waits for.

    Snakemake has no public way to its graph of jobs; these are the steps of its ``--dag``.
    ``overrides`` are keys of the configuration to plan with in place of the file's. Raises
    UserError where Snakemake cannot plan the run; what it says about it is in the message.
    """
    # Planning must not start what a run would.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    from snakemake.api import SnakemakeApi
    from snakemake.settings.types import (
        ConfigSettings,
        DAGSettings,
        OutputSettings,
        Quietness,
        ResourceSettings,
    )

    try:
        with SnakemakeApi(OutputSettings(quiet={Quietness.ALL})) as api:
            workflow_api = api.workflow(
                # More than any rule asks for: Snakemake cuts threads down to these cores.
                resource_settings=ResourceSettings(cores=MANY_CORES),
                config_settings=ConfigSettings(
                    configfiles=[configfile.resolve()], config=dict(overrides or {})
                ),
                snakefile=root / "Snakefile",
            )
            workflow_api.dag(DAGSettings(forceall=True))
            workflow = workflow_api._workflow
            workflow._prepare_dag(
                forceall=True, ignore_incomplete=True, lock_warn_only=True, nolock=True
            )
            workflow._build_dag()
            return _jobs(workflow.dag, settings)
    except Exception as error:  # Snakemake raises a dozen unrelated kinds
        raise UserError(
            f"Snakemake cannot plan this run: {error}",
            where=str(configfile),
            remedy="try `snakemake -n` with it, which tells more.",
        ) from error


def _jobs(dag: Any, settings: Settings) -> list[Job]:
    """Jobs in an order in which each comes after what it waits for; no targets without work."""
    ordered = [job for level in dag.toposorted() for job in level]
    working = [job for job in ordered if not job.is_norun]
    places = {job: place for place, job in enumerate(working)}
    return [
        Job(
            job.rule.name,
            dict(job.wildcards_dict),
            tuple(places[need] for need in dag.dependencies[job] if need in places),
            job.threads,
            int(job.resources.get("gpu", 0) or 0),
            job.rule.expand_priority(job.wildcards, job.input, 1),
            _weight(job.wildcards_dict, settings),
        )
        for job in working
    ]


def _weight(wildcards: Mapping[str, str], settings: Settings) -> float:
    if wildcards.get("sequence") not in settings.sequences:
        return 0.0
    clip = settings.clip(wildcards["sequence"])
    return megapixel_frames(clip.width, clip.height, clip.frames)
