"""RO-Crate of a results folder: what its files are and how they came about, for any reader.

The profile is Workflow Run RO-Crate 0.5; the package ``rocrate`` writes the metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rocrate.rocrate import ROCrate

from jndlab.files import read_json
from jndlab.paths import ROOT
from jndops.artefacts import wings
from jndops.run_record import RECORD

METADATA = "ro-crate-metadata.json"
WORKFLOW = "workflow/Snakefile"  # the copy in an archive
PROFILES = {  # with Workflow RO-Crate, which the package adds
    "https://w3id.org/ro/wfrun/process/0.5": "Process Run Crate",
    "https://w3id.org/ro/wfrun/workflow/0.5": "Workflow Run Crate",
}
LICENCE = "https://spdx.org/licenses/BSD-3-Clause"
SUITE = "JND coding reproduction suite"
# What lies in a results folder next to tables and figures.
FILES = {
    "config.json": "effective configuration, with all defaults",
    RECORD: "commit, machine, date and versions of the run",
    "report.zip": "Snakemake's report of the run",
}
FOLDERS = {
    "points": "a JSON file for each rate-distortion point: bits, metrics, recipe, hashes, commands",
    "models": "trained networks as ONNX and PyTorch files, with their curves and records",
    "benchmarks": "time and memory of each job",
    "logs": "a log of each job",
    "predicted_jnd": "JNDs predicted of each clip",
    "qp_maps": "a QP for each block of each frame",
}


def metadata(results: Path, files: Iterable[Path]) -> str:
    """Text of ``ro-crate-metadata.json`` for those ``files`` of a results folder.

    Every table and figure is an entity with its meaning; files of a kind are a folder.
    """
    known = {file.relative_to(results).as_posix() for file in files}
    crate = ROCrate()
    crate.name = f"Results of the {SUITE}"
    crate.description = "Rate-distortion points, tables, figures and networks of one run."
    crate.root_dataset["license"] = _licence(crate)
    for address, name in PROFILES.items():
        profile = _add(crate, address, "CreativeWork", name=name, version=address.split("/")[-1])
        crate.root_dataset.append_to("conformsTo", profile)
    workflow = crate.add_workflow(
        dest_path=WORKFLOW, main=True, lang="snakemake", properties={"name": SUITE}
    )
    workflow["license"] = _licence(crate)
    made = [_file(crate, name, about) for name, about in sorted(_described(known).items())]
    made += [
        crate.add_dataset(dest_path=f"{name}/", properties={"description": about})
        for name, about in FOLDERS.items()
        if any(path.startswith(f"{name}/") for path in known)
    ]
    record: dict[str, Any] = read_json(results / RECORD) if RECORD in known else {}
    if record.get("date"):
        crate.datePublished = record["date"]
    workflow["version"] = record.get("commit") or record.get("suite", "")
    _action(crate, workflow, made, record)
    return json.dumps(crate.metadata.generate(), indent=1, sort_keys=True) + "\n"


def snakefile() -> bytes:
    """The workflow's main file, which an archive carries as :data:`WORKFLOW`."""
    return (ROOT / "Snakefile").read_bytes()


def _described(known: set[str]) -> dict[str, str]:
    """Files with their meaning: those named above, and all artefacts of the lists."""
    found = {name: about for name, about in FILES.items() if name in known}
    artefacts = [artefact for wing in wings().values() for artefact in wing.artefacts]
    for path in known - set(found):
        about = next((artefact.shows for artefact in artefacts if artefact.matches(path)), "")
        if about:
            found[path] = about
    return found


def _file(crate: ROCrate, name: str, about: str) -> Any:
    return crate.add_file(dest_path=name, properties={"name": name, "description": about})


def _add(crate: ROCrate, identifier: str, kind: str, **properties: Any) -> Any:
    return crate.add_jsonld({"@id": identifier, "@type": kind, **properties})


def _licence(crate: ROCrate) -> Any:
    return crate.get(LICENCE) or _add(crate, LICENCE, "CreativeWork", name="BSD-3-Clause")


def _action(crate: ROCrate, workflow: Any, made: list[Any], record: dict[str, Any]) -> None:
    configuration = crate.get("config.json")
    properties: dict[str, Any] = {
        "@type": "CreateAction",
        "name": "A run of the suite",
        "actionStatus": "http://schema.org/CompletedActionStatus",
    }
    if record.get("date"):
        machine = record["machine"]
        properties["endTime"] = record["date"]
        properties["description"] = f"{machine['cores']} cores of {machine['processor']}"
    action = crate.add_jsonld({"@id": "#run", **properties})
    action["instrument"] = workflow
    action["object"] = [configuration] if configuration else []
    action["result"] = [one for one in made if one is not configuration]
    crate.root_dataset.append_to("mentions", action)
