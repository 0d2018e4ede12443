"""Inputs and parameters of the rules of LASeR-JND, MTJND and the frames that they learn from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from snakemake.io import directory

from jndlab.jnd.saliency.visual_importance import saliency_class
from jndlab.papers.jnd_networks.stages import AUTOENCODER, Stage, stages_of
from jndops.imports import class_file, digest
from jndops.inputs import Wildcards
from jndops.inputs.coding import CodingInputs
from jndops.inputs.points import methods_behind

PAPERS = ("laser_jnd", "mtjnd")
CHOICE = (
    "sources", "source_pattern", "resolution", "frames_per_source", "crops_per_picture", "size",
)  # fmt: skip


class FrameInputs:
    """The section ``jnd_frames``: frames, where their labels come from, their saliency."""

    def __init__(self, coding: CodingInputs) -> None:
        self.results = coding.results
        self.section = coding.config["jnd_frames"]
        self.source: str = self.section["source"]
        self.data_dir = coding.config["data_dir"]
        model = class_file(saliency_class(self.section["saliency"]["model"]), coding.scripts)
        self.saliency_code = digest(coding.closure(model))

    @property
    def folder(self) -> str | None:
        """Folder of the data set; None for pictures that arrive with packages."""
        if self.source == "packaged":
            return None
        return self.section["folder"] or f"{self.data_dir}/{self.source}"

    def folder_files(self) -> list[str]:
        """Files of a folder of one's own, which may change; public data sets do not."""
        if self.folder is None or self.source != "folder":
            return []
        return sorted(str(file) for file in Path(self.folder).glob("*/*") if file.is_file())

    def choice(self) -> dict[str, Any]:
        """Keys that choose the frames."""
        return {"source": self.source, **{name: self.section[name] for name in CHOICE}}

    def by_subjects(self) -> bool:
        """Whether the labels are those of a public data set's subjects."""
        return self.source != "folder" and self.section["labels"]["kind"] != "vmaf_steps"

    def label_sources(self) -> dict[str, str]:
        """Outputs that labels are read off: sweeps of our own, or a data set's subjects."""
        folder = f"{self.results}/jnd_frames"
        if self.source == "folder":  # brings its labels
            return {}
        if self.by_subjects():
            return {"subjects": f"{folder}/subjects.csv", **self.sur()}
        return {
            "sweeps": f"{folder}/sweeps.csv",
            "streams": directory(f"{folder}/streams"),
        }

    def streams(self) -> str | list[str]:
        """Folder of the streams of the sweeps; an empty list where there are none."""
        return f"{self.results}/jnd_frames/streams" if "streams" in self.label_sources() else []

    def parts(self) -> list[str]:
        """Optional parts of the tables and figures of frames that this run has."""
        return ["subjects"] if self.by_subjects() else []

    def sur(self) -> dict[str, str]:
        """Curves of satisfied users, where there are subjects."""
        return {"sur": f"{self.results}/jnd_frames/sur_curves.csv"} if self.by_subjects() else {}


class NetworkInputs:
    """The sections ``laser_jnd`` and ``mtjnd``. Raises UserError for stages that do not fit."""

    def __init__(self, coding: CodingInputs) -> None:
        self.coding = coding
        self.config = coding.config
        self.results = coding.results
        self.stages = {paper: stages_of(paper, self.config[paper]) for paper in PAPERS}

    def stage(self, wildcards: Wildcards) -> Stage:
        """The stage that a training or import makes."""
        return self.stages[wildcards.paper][wildcards.network]

    def stage_options(self, wildcards: Wildcards) -> dict[str, Any]:
        """A stage as plain data for ``params``."""
        return asdict(self.stage(wildcards))

    def all_stage_options(self, wildcards: Wildcards) -> dict[str, dict[str, Any]]:
        """All stages of a paper as plain data."""
        return {name: asdict(stage) for name, stage in self.stages[wildcards.paper].items()}

    def training(self, wildcards: Wildcards) -> dict[str, Any]:
        """The keys of a stage's training."""
        stage, paper = self.stage(wildcards), self.config[wildcards.paper]
        if stage.network == AUTOENCODER:
            return paper["autoencoder" if stage.target_level is None else "reconstruction"]
        return {**paper["training"], **paper["training_of"].get(stage.network, {})}

    def training_inputs(self, wildcards: Wildcards) -> dict[str, Any]:
        """Weights that a training begins with, and the saliency maps that it learns from."""
        stage, paper = self.stage(wildcards), wildcards.paper
        maps = f"{self.results}/jnd_frames/saliency"
        return {
            "starts_from": [self.model(paper, name, "pt") for name in stage.starts_from],
            "saliency": maps if stage.network.endswith("_va") else [],
            "imagenet": self.config[paper].get("imagenet") or [],
        }

    def threads(self, wildcards: Wildcards) -> int:
        """Threads of a training."""
        return self.config[wildcards.paper]["jobs"]["threads"]

    def gpus(self, wildcards: Wildcards) -> int:
        """GPUs of a training."""
        return self.config[wildcards.paper]["jobs"]["gpus"]

    def memory_mb(self, wildcards: Wildcards, attempt: int) -> int:
        """Memory of a training, doubled on each retry."""
        return self.config[wildcards.paper]["jobs"]["memory_mb"] * 2 ** (attempt - 1)

    def model(self, paper: str, stage: str, suffix: str) -> str:
        """A stage's model file."""
        return f"{self.results}/models/{paper}/{stage}/model.{suffix}"

    def networks(self, wildcards: Wildcards) -> list[str]:
        """ONNX files of all stages of a paper."""
        paper = wildcards.paper
        return [self.model(paper, name, "onnx") for name in self.stages[paper]]

    def predictor_weights(self, wildcards: Wildcards) -> list[str]:
        """Torch files of all predictors of a paper."""
        paper = wildcards.paper
        stages = self.stages[paper].items()
        return [self.model(paper, name, "pt") for name, stage in stages if stage.predicts]

    def imported_weights(self, wildcards: Wildcards) -> str:
        """Keras weights of a stage that is imported."""
        return self.stage(wildcards).weights

    def trainings_of(self, wildcards: Wildcards) -> list[str]:
        """Summaries of all trainings of the paper of a job."""
        return self.trainings(wildcards.paper)

    def trainings(self, paper: str, file: str = "summary.json") -> list[str]:
        """A file of each training of a paper, by default its summary."""
        trained = [name for name, stage in self.stages[paper].items() if stage.trained]
        return [f"{self.results}/models/{paper}/{name}/{file}" for name in trained]

    def names(self, *, trained: bool) -> list[str]:
        """Names of all stages that are trained, or of those that are imported."""
        return sorted(
            {
                name
                for stages in self.stages.values()
                for name, stage in stages.items()
                if stage.trained == trained
            }
        )

    def methods(self, paper: str) -> list[str]:
        """Methods of the run that code by a paper's networks."""
        return methods_behind(paper, self.coding.settings)

    def points(self, paper: str) -> str | list[str]:
        """The table of a paper's points, where the run has a method of it."""
        return self.coding.points_table(paper) if self.methods(paper) else []

    def predictions(self, paper: str) -> list[str]:
        """The predictions of a paper's methods for each sequence."""
        return [
            f"{self.results}/predicted_jnd/{sequence}/{method}.json"
            for sequence in self.config["sequences"]
            for method in self.methods(paper)
        ]

    def parts(self, paper: str) -> list[str]:
        """Optional parts of a paper's tables that this run has."""
        has = {"variants": self.config[paper]["variants"], "coding": self.methods(paper)}
        return [name for name, value in has.items() if value]

    def metadata(self) -> dict[str, str]:
        """What a reader of tables and figures must know of frames and labels."""
        frames = self.config["jnd_frames"]
        labels = frames["labels"]
        return {
            "data_set": frames["source"],
            "kind": labels["kind"],
            "statistic": labels["statistic"],
            "resolution": frames["resolution"],
            "anchor": self.config["anchor"],
        }
