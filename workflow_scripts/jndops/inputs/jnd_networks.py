"""Inputs and parameters of the rules of LASeR-JND, MTJND and the frames that they learn from."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from snakemake.io import directory

from jndlab.configuration import did_you_mean
from jndlab.errors import UserError
from jndlab.jnd.saliency.visual_importance import require_saliency_model, saliency_class
from jndlab.papers.jnd_networks.stages import (
    Run,
    Stage,
    require_start,
    stages_of,
    training_of,
)
from jndops.inputs import Wildcards
from jndops.inputs.coding import CodingInputs
from jndops.inputs.points import methods_behind
from jndops.workflow.imports import class_file

PAPERS = ("laser_jnd", "mtjnd")
CHOICE = (
    "sources", "source_pattern", "resolution", "frames_per_source", "crops_per_picture", "size",
    "scales", "windows_per_picture", "generated",
)  # fmt: skip


class FrameInputs:
    """The section ``jnd_frames``: frames, where their labels come from, their saliency."""

    def __init__(self, coding: CodingInputs) -> None:
        self.results = coding.results
        self.settings = coding.settings
        self.section = coding.config["jnd_frames"]
        self.source: str = self.section["source"]
        if self.source == "sequences":
            chosen = self.section["sources"] or coding.config["sequences"]
            self.section = {**self.section, "sources": chosen}
        self.data_dir = coding.config["data_dir"]
        self.pictures_dir: str | None = coding.config["pictures_dir"]
        self.most: int | None = coding.config["pictures_most"]
        named = self.section["saliency"]["model"]
        require_saliency_model(named, "the configuration, key `jnd_frames.saliency.model`")
        model = class_file(saliency_class(named), coding.scripts)
        files = coding.named_files(self.section["saliency"]["options"])
        self.saliency_code = coding.content_digest(coding.closure(model), files)
        self._check_sources()

    def _check_sources(self) -> None:
        """Raise UserError for sources that are named and that the data set has not."""
        split = self.section["split"]
        named = [(f"sources[{n}]", name) for n, name in enumerate(self.section["sources"] or [])]
        named += [(f"split.held_out[{n}]", name) for n, name in enumerate(split["held_out"])]
        for key, name in named if self.source != "folder" else ():
            known = self.known_sources
            if known and name not in known:
                raise UserError(
                    f"jnd_frames.{key}: {self.source} has no '{name}'"
                    f"{did_you_mean(name, list(known))}.",
                    where="the configuration",
                    expected=f"one of {', '.join(list(known)[:24])}{' ...' * (len(known) > 24)}",
                )

    @cached_property
    def known_sources(self) -> dict[str, tuple[int, int, int]]:
        """Width, height and number of frames of the sources; 0, 0 where that is not known here.

        Empty for a folder in the authors' layout, and for one that is not there yet.
        """
        # Not at the top: most runs need none of them to be planned.
        from jndlab.datasets.pictures.packaged import PACKAGED_CLIPS, path_of, pictures_with
        from jndlab.media.picture_folder import picture_files
        from jndlab.media.pictures import picture_size

        frames = self.section["frames_per_source"]
        if self.source == "packaged":
            clips = {n: (clip.width, clip.height, frames) for n, clip in PACKAGED_CLIPS.items()}
            pictures = pictures_with(self.folder, self.most)
            sizes = {n: picture_size(path_of(of, self.folder)) for n, of in pictures.items()}
            return clips | {name: (*size, 1) for name, size in sizes.items()}
        if self.source == "pictures" and self.folder and Path(self.folder).is_dir():
            files = picture_files(Path(self.folder))
            return {name: (*picture_size(path), 1) for name, path in files.items()}
        if self.source == "sequences":
            clips = {name: self.settings.clip(name) for name in self.settings.config["sequences"]}
            return {name: (clip.width, clip.height, frames) for name, clip in clips.items()}
        if self.source == "videoset":
            return {f"videoSRC{number:03d}": (0, 0, frames) for number in range(1, 221)}
        if self.source == "mcl_jci":
            return {f"SRC{number:02d}": (0, 0, 1) for number in range(1, 51)}
        return {}

    def most_frames(self) -> int | None:
        """No more frames than this have labels; None where the configuration does not show it."""
        from jndlab.datasets.pictures.picture_list import windows

        known = self.known_sources
        if not known:
            return None
        size, scales = self.section["size"], self.section["scales"]
        crops = self.section["crops_per_picture"]
        of = [known[name] for name in self.section["sources"] or known]
        if not scales:
            return sum(frames * (crops if width else 1) for width, _, frames in of)
        largest = [max(scales) * side for side in size]
        of += [(*largest, 1)] * self.section["generated"]
        most = self.section["windows_per_picture"]
        return sum(
            frames
            * len(windows(w, h, [scale * side for side in size], most or w * h, reduced=False))
            for w, h, frames in of
            for scale in scales
        )

    @property
    def folder(self) -> str | None:
        """Folder of the data set, or of photographs as well as packaged pictures (None: none)."""
        if self.source == "packaged":
            return self.section["folder"] or self.pictures_dir
        if self.source == "sequences":
            return f"{self.results}/sequences"
        return self.section["folder"] or f"{self.data_dir}/{self.source}"

    def splits(self) -> list[str]:
        """Names of the splits of the sources, the first being that of ``held_out`` ones."""
        split = self.section["split"]
        if self.source == "folder":  # brings its own
            return ["given"]
        if split["kind"] == "fractions":
            return ["fractions"]
        return [f"fold{fold + 1:02d}" for fold in range(split["folds"])]

    def sets(self) -> dict[str, str]:
        """Files of the labelled frames and their splits: what is trained on and predicted."""
        names = ("table", "labels", "splits"), ("frames.csv", "labels.csv", "splits.csv")
        files = dict(zip(*names, strict=True)) | {"frames": "frames", "pictures": "coded"}
        return {name: f"{self.results}/jnd_frames/{file}" for name, file in files.items()}

    def folder_files(self) -> list[str]:
        """One's own files, which may change; those of public data sets do not."""
        if self.source == "sequences":
            table = self.section["labels"]["file"]
            clips = [f"{self.folder}/{name}.mkv" for name in self.section["sources"]]
            return [*clips, *([table] if table else [])]
        pattern = {"folder": "*/*", "pictures": "*", "packaged": "*"}.get(self.source)
        if self.folder is None or pattern is None:
            return []
        return sorted(str(file) for file in Path(self.folder).glob(pattern) if file.is_file())

    def choice(self) -> dict[str, Any]:
        """Keys that choose the frames, and the number of photographs (`most`)."""
        chosen = {"source": self.source, **{name: self.section[name] for name in CHOICE}}
        return {"keys": chosen, "most": self.most}

    def by_subjects(self) -> bool:
        """Whether the labels are those of a public data set's subjects."""
        brought = self.source == "folder" or self.section["labels"]["file"]
        return not brought and self.section["labels"]["kind"] != "vmaf_steps"

    def label_sources(self) -> dict[str, str]:
        """Outputs that labels are read off: sweeps of our own, or a data set's subjects."""
        folder = f"{self.results}/jnd_frames"
        if self.by_subjects():
            return {"subjects": f"{folder}/subjects.csv", **self.sur()}
        if self.source == "folder" or self.section["labels"]["file"]:  # brings its labels
            return {}
        return {
            "sweeps": f"{folder}/sweeps.csv",
            "streams": directory(f"{folder}/streams"),
        }

    def streams(self) -> str | list[str]:
        """Folder of the streams of the sweeps; an empty list where there are none."""
        return f"{self.results}/jnd_frames/streams" if self.swept() else []

    def swept(self) -> bool:
        """Whether VMAF over QP is measured of each frame, for its labels."""
        return "sweeps" in self.label_sources()

    def parts(self) -> list[str]:
        """Optional parts of the tables and figures of frames that this run has."""
        return ["subjects"] if self.by_subjects() else []

    def sur(self) -> dict[str, str]:
        """Curves of satisfied users, where there are subjects."""
        return {"sur": f"{self.results}/jnd_frames/sur_curves.csv"} if self.by_subjects() else {}


class NetworkInputs:
    """The sections ``laser_jnd`` and ``mtjnd``. Raises UserError for stages that do not fit."""

    def __init__(self, coding: CodingInputs, frames: FrameInputs) -> None:
        self.coding = coding
        self.splits = frames.splits()
        self.config = coding.config
        self.results = coding.results
        self.stages = {paper: stages_of(paper, self.config[paper]) for paper in PAPERS}
        for paper in set(PAPERS) & set(self.config["papers"]):
            imagenet = self.config[paper].get("imagenet")
            require_start(self.stages[paper], imagenet, swept=frames.swept())
        for paper in PAPERS:
            wanted = max(self.config[paper]["learning_curve"]["frames"], default=0)
            most = frames.most_frames() if wanted else None
            if most is not None and wanted > most:
                raise UserError(
                    f"{paper}.learning_curve.frames: {wanted} are more than there are.",
                    where="the configuration",
                    expected=f"at most the training frames of the {most} that `jnd_frames` chooses",
                )

    def stage_options(self, wildcards: Wildcards) -> dict[str, Any]:
        """A stage that is imported, as plain data for ``params``."""
        return asdict(self.stages[wildcards.paper][wildcards.network])

    def all_stage_options(self, paper: str) -> dict[str, dict[str, Any]]:
        """All stages of a paper as plain data."""
        return {name: asdict(stage) for name, stage in self.stages[paper].items()}

    def trained(self, paper: str) -> dict[str, Stage]:
        """The stages that the run trains, each after those that it starts from."""
        return {name: stage for name, stage in self.stages[paper].items() if stage.trained}

    def training_papers(self) -> list[str]:
        """Papers with networks to train: with imported weights alone there are none."""
        return [paper for paper in PAPERS if self.trained(paper)]

    def trained_options(self, paper: str) -> dict[str, dict[str, Any]]:
        """The same as plain data."""
        return {name: asdict(stage) for name, stage in self.trained(paper).items()}

    def seeds(self, paper: str) -> list[int]:
        """Seeds of the trainings."""
        return self.config[paper]["seeds"]

    def training(self, paper: str) -> dict[str, dict[str, Any]]:
        """The keys of each stage's training."""
        section = self.config[paper]
        return {name: training_of(section, stage) for name, stage in self.trained(paper).items()}

    def runs(self, paper: str, split: str | None = None) -> list[Run]:
        """Trainings of each stage: the seeds of a split, or of all."""
        splits = self.splits if split is None else [split]
        return [Run(name, seed) for name in splits for seed in self.seeds(paper)]

    def folders(self, paper: str) -> dict[tuple[str, Run], str]:
        """Folder of each training."""
        home = f"{self.results}/models/{paper}"
        return {
            (name, run): f"{home}/{run.folder(name)}"
            for run in self.runs(paper)
            for name in self.trained(paper)
        }

    def files(self, paper: str, file: str = "summary.json") -> list[str]:
        """A file of each training of a paper, by default its summary."""
        return [f"{folder}/{file}" for folder in self.folders(paper).values()]

    def trained_files(self, paper: str) -> list[str]:
        """What the trainings on a split, a wildcard, leave."""
        home = f"{self.results}/models/{paper}"
        return [
            file
            for run in self.runs(paper, "{split}")
            for name in self.trained(paper)
            for file in self.coding.trained_network(f"{home}/{run.folder(name)}").values()
        ]

    def starting_files(self, paper: str) -> dict[str, str | list[str]]:
        """Sweeps and saliency maps that trainings learn from, and weights that they begin with."""
        home = f"{self.results}/models/{paper}"
        imported = [n for n, s in self.stages[paper].items() if not s.trained and not s.predicts]
        trained = self.trained(paper).values()
        attends = any(stage.network.endswith("_va") for stage in trained)
        curves = any(stage.options.get("head") == "vmaf_curve" for stage in trained)
        return {
            "sweeps": f"{self.results}/jnd_frames/sweeps.csv" if curves else [],
            "saliency": f"{self.results}/jnd_frames/saliency" if attends else [],
            "imagenet": self.imagenet(paper),
            "backbones": [f"{home}/{name}/model.pt" for name in imported],
        }

    def imagenet(self, paper: str) -> str | list[str]:
        """VGG16's weights, where they are there; ``plan.needs`` names what is not."""
        file = self.config[paper].get("imagenet")
        return file if file and Path(file).is_file() else []

    def jobs(self, paper: str) -> dict[str, Any]:
        """Resources of a training: threads, gpus, memory_mb."""
        return self.config[paper]["jobs"]

    def models(self, paper: str) -> list[str]:
        """ONNX files of all stages of a paper: of each training, then imported."""
        home = f"{self.results}/models/{paper}"
        imported = [name for name, stage in self.stages[paper].items() if not stage.trained]
        return [*self.files(paper, "model.onnx"), *(f"{home}/{n}/model.onnx" for n in imported)]

    def first_weights(self, paper: str) -> list[str]:
        """Torch files of all predictors of a paper: of the first training, or imported."""
        home, run = f"{self.results}/models/{paper}", self.runs(paper)[0]
        return [
            f"{home}/{run.folder(name) if stage.trained else name}/model.pt"
            for name, stage in self.stages[paper].items()
            if stage.predicts
        ]

    def imported_weights(self, wildcards: Wildcards) -> str:
        """Keras weights of a stage that is imported."""
        return self.stages[wildcards.paper][wildcards.network].weights

    def imports(self) -> list[str]:
        """Names of all stages that are imported."""
        every = (stage for stages in self.stages.values() for stage in stages.values())
        return sorted({stage.name for stage in every if not stage.trained})

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
        has = {
            "variants": self.config[paper]["variants"],
            "coding": self.methods(paper),
            "learning_curve": self.config[paper]["learning_curve"]["networks"],
            "reconstructions": paper == "laser_jnd" and self.trained(paper),
        }
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
