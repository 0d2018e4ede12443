"""The jobs of a run and what each waits for, as Snakemake plans them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.files import read_json, sha256_of_json, write_json
from jndops.plan.job_size import megapixel_frames
from jndops.plan.timings import TIMINGS_NAME
from jndops.settings import Settings
from jndops.workflow.imports import digest
from jndops.workflow.late_imports import postpone

MANY_CORES = 4096
CACHE = Path(".snakemake/plans")  # in the folder of the run; `make clean` removes it


@dataclass(frozen=True)
class Job:
    """One job: its rule and wildcards, the places in the list of the jobs that it waits for.

    ``weight`` stands for the size of its inputs: of two jobs of one priority Snakemake starts
    that with the larger inputs.
    """

    rule: str
    wildcards: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[int, ...] = ()
    threads: int = 1
    gpus: int = 0
    priority: float = 0
    weight: float = 0.0


def job_graph(
    configfile: Path,
    settings: Settings,
    overrides: Mapping[str, Any] | None = None,
    targets: Sequence[str] = (),
) -> list[Job]:
    """All jobs of a run, done or not, each after the jobs that it waits for.

    ``overrides`` are keys of the configuration to plan with in place of the file's, ``targets``
    the rules or files to make (none: all that the configuration asks for). Snakemake
    takes seconds; its answer is kept in the folder ``CACHE`` until the configuration, a rule, the
    code or the recorded timings (which set priorities) change. Raises UserError where Snakemake
    cannot plan the run.
    """
    chosen = dict(overrides or {})
    name = sha256_of_json([str(configfile.resolve()), chosen, *targets])[:16]
    kept, key = CACHE / f"{name}.json", _key(configfile, settings)
    if kept.is_file():
        known = read_json(kept)
        if known["key"] == key:
            return [Job(**{**row, "needs": tuple(row["needs"])}) for row in known["jobs"]]
    jobs = ask_snakemake(configfile, settings, chosen, targets)
    write_json(kept, {"key": key, "jobs": [asdict(job) for job in jobs]})
    return jobs


def _key(configfile: Path, settings: Settings) -> str:
    """Digest of everything that decides which jobs there are."""
    root = settings.root
    files = [configfile, root / "Snakefile", Path(settings.config["results_dir"]) / TIMINGS_NAME]
    files += [*(root / "rules").rglob("*.smk"), *(root / "workflow_scripts").rglob("*.py")]
    files += [file for file in (root / "config").rglob("*") if file.suffix != ".md"]
    return f"{version('snakemake')} {digest(file for file in files if file.is_file())}"


def ask_snakemake(
    configfile: Path, settings: Settings, overrides: dict[str, Any], targets: Sequence[str]
) -> list[Job]:
    """The jobs, by the steps of ``snakemake --dag``: their graph has no public interface."""
    # Planning must not start what a run would.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    postpone()
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
                    configfiles=[configfile.resolve()], config=overrides
                ),
                snakefile=settings.root / "Snakefile",
            )
            workflow_api.dag(DAGSettings(targets=set(targets), forceall=True))
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
            remedy="run `snakemake -n` with this configuration for its full message.",
        ) from error


def _jobs(dag: Any, settings: Settings) -> list[Job]:
    """Jobs in an order in which each comes after what it waits for; no targets without work."""
    levels = (sorted(level, key=_name) for level in dag.toposorted())
    working = [job for level in levels for job in level if not job.is_norun]
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


def _name(job: Any) -> tuple[str, str]:
    return job.rule.name, str(job.wildcards_dict)


def _weight(wildcards: Mapping[str, str], settings: Settings) -> float:
    if wildcards.get("sequence") not in settings.sequences:
        return 0.0
    clip = settings.clip(wildcards["sequence"])
    return megapixel_frames(clip.width, clip.height, clip.frames)
