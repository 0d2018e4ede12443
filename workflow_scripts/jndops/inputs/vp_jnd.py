"""Inputs and parameters of VP-JND's rules."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jndlab.jnd.method_class import expanded_options
from jndlab.papers.vp_jnd.config import PictureChoice
from jndlab.papers.vp_jnd.splits import split_names
from jndops.inputs import Wildcards
from jndops.inputs.coding import CodingInputs

ENTRY = tuple(key for key in PictureChoice.model_fields if key != "folder")
CLASSIFIER = "jndlab.models.vp_jnd.choice:VpJndChoice"


class VpJndInputs:
    """The section ``vp_jnd``. Raises UserError for a split that does not fit its data set."""

    def __init__(self, coding: CodingInputs) -> None:
        self.coding = coding
        self.config = coding.config
        self.results = coding.results
        self.section = self.config["vp_jnd"]
        self.data = self.section["data"]
        self.splits = {name: split_names(entry["split"]) for name, entry in self.data.items()}
        self.seeds: list[int] = self.section["seeds"]
        self.networks = {
            "vp_jnd": self.section["network"],
            "liu_pw_jnd": self.section["predecessor"],
            **{
                name: {**self.section["network"], **(variant["network"] or {})}
                for name, variant in self.section["variants"].items()
            },
        }
        # Networks are trained only where a method of the run uses them.
        self.trained = [name for name in self.networks if coding.is_used(f"models/vp_jnd/{name}_")]
        self.choices = coding.settings.methods_of("quality_choice")
        self.store = f"{self.results}/vp_jnd/stills"  # coded pictures by hash, no output of a rule

    def entry(self, wildcards: Wildcards) -> dict[str, Any]:
        """Keys that choose a data set's pictures and their codec."""
        return {key: self.data[wildcards.data][key] for key in ENTRY}

    def key(self, name: str) -> Any:
        """A function of wildcards: one key of a data set's entry."""
        return lambda wildcards: self.data[wildcards.data][name]

    def whole_entry(self, wildcards: Wildcards) -> dict[str, Any]:
        """A data set's entry."""
        return self.data[wildcards.data]

    def folder(self, wildcards: Wildcards) -> str | None:
        """Folder of a data set's originals, or of photographs as well as packaged ones."""
        entry = self.data[wildcards.data]
        if entry["source"] == "packaged":
            return entry["folder"] or self.config["pictures_dir"]
        return entry["folder"] or f"{self.config['data_dir']}/{entry['source']}"

    def home(self, wildcards: Wildcards) -> str:
        """Folder of this paper below the results."""
        return f"{self.results}/vp_jnd"

    def originals(self, wildcards: Wildcards) -> list[str]:
        """Files of a folder of one's own, which may change; public data sets do not."""
        folder = self.folder(wildcards)
        if folder is None or self.data[wildcards.data]["source"] not in ("folder", "packaged"):
            return []
        return sorted(str(file) for file in Path(folder).glob("*.*") if file.is_file())

    def limits(self) -> dict[str, Any]:
        """The least side of a picture, a patch of all trained networks; how many photographs."""
        patches = [self.networks[name]["patch_size"] for name in self.trained]
        return {"patch_size": max(patches, default=1), "most": self.config["pictures_most"]}

    def measured(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """Curves and mean pixel JNDs of all pictures of a data set."""
        stems = self._measure_stems(wildcards.data)
        return {
            "measures": [f"{stem}.csv" for stem in stems],
            "pixel_jnd": [f"{stem}.pixel_jnd.csv" for stem in stems],
        }

    def label_files(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """The files of labels: measured curves, or a table of one's own."""
        labels = self.data[wildcards.data]["labels"]
        if labels["kind"] == "vmaf_steps":
            return self.measured(wildcards)
        return {"measures": [], "pixel_jnd": [], "labels": labels["file"] or []}

    def network(self, wildcards: Wildcards) -> dict[str, Any]:
        """The keys of a network."""
        return self.networks[wildcards.network]

    def architecture(self, wildcards: Wildcards) -> str:
        """The network's own name; variants are of VP-JNDnet."""
        return "liu_pw_jnd" if wildcards.network == "liu_pw_jnd" else "vp_jnd"

    def training(self, wildcards: Wildcards) -> dict[str, Any]:
        """The keys of a network's training."""
        variant = self.section["variants"].get(wildcards.network, {})
        return {**self.section["training"], **(variant.get("training") or {})}

    def training_measures(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """VMAF NEG curves, where a training has ordinal targets."""
        ordinal = self.training(wildcards)["softness"] > 0
        return self.measured(wildcards) if ordinal else {"measures": [], "pixel_jnd": []}

    def options(self, wildcards: Wildcards) -> dict[str, Any]:
        """Options of a choice, with the names of results, data set, split and seed filled in."""
        options = self.config["methods"][wildcards.method]["options"]
        names = {name: getattr(wildcards, name) for name in ("data", "split", "seed")}
        return expanded_options(options, results=self.results, **names)

    def models(self, wildcards: Wildcards) -> list[str]:
        """Files that a choice's options name."""
        return self.coding.named_files(self.options(wildcards))

    def chosen(self, data: str) -> list[str]:
        """All choices for a data set, with all else that tables and figures need."""
        folder = f"{self.results}/vp_jnd/{data}"
        tables = ("pictures.csv", "labels.csv", "splits.csv", "fitted.json")
        return [
            *(f"{folder}/{name}" for name in tables),
            *(
                f"{stem}.{suffix}"
                for stem in self._measure_stems(data)
                for suffix in ("csv", "pixel_jnd.csv")
            ),
            *(
                f"{folder}/choices/{method}/{split}_seed{seed}.json"
                for method in self.choices
                for split in self.splits[data]
                for seed in self.seeds_of(method)
            ),
        ]

    def seeds_of(self, method: str) -> list[int]:
        """The seeds of a choice: those of its trainings, or one where nothing is trained."""
        return self.seeds if self._trains(method) else self.seeds[:1]

    def is_trained(self, wildcards: Wildcards) -> bool:
        """Whether a choice is by a network of this run's seeds."""
        return self._trains(wildcards.method)

    def chosen_of(self, wildcards: Wildcards) -> list[str]:
        """:meth:`chosen` of the data set of a job."""
        return self.chosen(wildcards.data)

    def training_names(self) -> list[dict[str, Any]]:
        """Network, data set, split and seed of all trainings."""
        return [
            {"network": network, "data": data, "split": split, "seed": seed}
            for network in self.trained
            for data, splits in self.splits.items()
            for split in splits
            for seed in self.seeds
        ]

    def trainings(self) -> list[str]:
        """Summaries of all trainings, in the order of :meth:`training_names`."""
        folder = f"{self.results}/models/vp_jnd/{{network}}_{{data}}_{{split}}_seed{{seed}}"
        return [f"{folder.format(**names)}/summary.json" for names in self.training_names()]

    def classifiers(self) -> list[str]:
        """Choices with decisions and patch weights to show."""
        methods = self.config["methods"]
        return [name for name in self.choices if methods[name]["class"] == CLASSIFIER]

    def figures(self) -> dict[str, Any]:
        """Values of the names in the figures' artefacts."""
        labels = self.coding.labels()
        classifiers = {name: labels[name] for name in self.classifiers()}
        return {"parts": ["classifiers"] if classifiers else [], "classifier": classifiers}

    def choice_seeds(self) -> dict[str, list[int]]:
        """Seeds of each choice."""
        return {name: self.seeds_of(name) for name in self.choices}

    def choice_labels(self) -> dict[str, str]:
        """Name of each choice in tables and figures."""
        labels = self.coding.labels()
        return {name: labels[name] for name in self.choices}

    def method_code(self, wildcards: Wildcards) -> str:
        """Digest of the code of a choice, and of the files that its options name."""
        modules = self.coding.method_modules[wildcards.method]
        return self.coding.content_digest(modules, self.models(wildcards))

    def choice_code(self) -> str:
        """The same of all choices, on the first data set and split."""
        modules = [file for name in self.choices for file in self.coding.method_modules[name]]
        return self.coding.content_digest(modules, self.coding.named_files(self.first_options()))

    @property
    def first(self) -> tuple[str, str]:
        """The first data set and its first split, on which the quiz's choices are fitted."""
        name = next(iter(self.data))
        return name, self.splits[name][0]

    def first_options(self) -> dict[str, dict[str, Any]]:
        """Options of all choices for the first data set and split."""
        data, split = self.first
        return {
            name: self.options(
                SimpleNamespace(method=name, data=data, split=split, seed=str(self.seeds[0]))
            )
            for name in self.choices
        }

    def choice_classes(self) -> dict[str, str]:
        """Class of each choice."""
        return {name: self.config["methods"][name]["class"] for name in self.choices}

    def _trains(self, method: str) -> bool:
        return "{seed}" in str(self.config["methods"][method]["options"])

    def _measure_stems(self, data: str) -> list[str]:
        folder = f"{self.results}/vp_jnd/{data}/measures"
        return [f"{folder}/{number:04d}" for number in range(self.data[data]["jobs"])]
