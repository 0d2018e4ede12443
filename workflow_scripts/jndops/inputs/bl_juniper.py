"""Inputs and parameters of BL-JUNIPER's rules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from jndlab.codecs import codec_class
from jndlab.errors import UserError
from jndlab.jnd.method_class import texts_of
from jndlab.jnd.saliency.visual_importance import require_saliency_model, saliency_class
from jndlab.media.picture_folder import picture_files
from jndlab.quality.rd_point import PointKey
from jndops.inputs import Wildcards
from jndops.inputs.coding import CodingInputs
from jndops.inputs.points import methods_behind, plain_points, plain_qps
from jndops.workflow.imports import class_file

CURVES = ["vmaf_mean", "psnr_y_framemean"]  # metrics of the rate-distortion curves
LEVELS = (1, 2, 3)
# What a trained network does not depend on: where others' weights lie, how it is used afterwards.
NOT_TRAINED_BY = ("weights", "raw_ti", "device")


class BlJuniperInputs:
    """The section ``bl_juniper``. Raises UserError for names that nothing has."""

    def __init__(self, coding: CodingInputs) -> None:
        self.coding = coding
        self.config = coding.config
        self.results = coding.results
        self.sequences: list[str] = self.config["sequences"]
        self.section = self.config["bl_juniper"]
        self.data = self.section["training_data"]
        self.cnn = self.section["cnn"]
        self.importance: list[str] = list(self.section["importance"])
        # The network is trained only where a method of the run uses it.
        self.cnn_is_used = coding.is_used("bl_juniper/block_jnd/cnn_seed")
        self.jnd = "cnn" if self.cnn_is_used else "mapped"
        self.seeds: list[int] = self.section["seeds"]
        self.methods = methods_behind("bl_juniper", coding.settings)
        self.shown_methods = coding.settings.once(self.methods)
        self.points = list(coding.settings.points_of("block_qp"))
        self.plain_qps = plain_qps(coding.settings)
        self.places = sorted({(point.codec, point.configuration) for point in self.points})
        self.plain_points = plain_points(coding.settings)
        self._check()

    def _check(self) -> None:
        named = {
            f"{key}.codec": self.section[key]["codec"]
            for key in ("clip_labels", "training_data", "experiment")
        }
        competitors = self.section["experiment"]["competitors"]
        named |= {
            f"experiment.competitors.{name}.{key}": codec
            for name, one in competitors.items()
            for key, codec in one.items()
            if codec is not None
        }
        for key, codec in named.items():
            if codec not in self.coding.settings.codecs:
                raise UserError(f"bl_juniper.{key}: '{codec}' is no entry of config/codecs.yaml.")
        experiment, figures = self.section["experiment"], self.section["figures"]
        if not codec_class(self.coding.settings.codecs[experiment["codec"]]).takes_qp_map:
            raise UserError(
                f"bl_juniper.experiment.codec: '{experiment['codec']}' takes no QP for each block.",
                where="the configuration",
                expected="an entry with adapter kvazaar or x264",
            )
        for name, one in competitors.items():
            found = [self.coding.settings.codecs[c] for c in (one["codec"], experiment["codec"])]
            if one["anchor"] is None and len({entry.get("adapter") for entry in found}) > 1:
                raise UserError(
                    f"bl_juniper.experiment.competitors.{name} is of another encoder than the "
                    "experiment's anchor.",
                    where="the configuration",
                    expected="`anchor`: an entry of the same encoder without adaptation",
                )
        for name, model in self.section["importance"].items():
            where = f"the configuration, key `bl_juniper.importance.{name}`"
            require_saliency_model(model["model"], where)
            class_file(saliency_class(model["model"]), self.coding.scripts)
        if figures["target_qp"] not in (None, *self.config["qps"]):
            raise UserError(
                f"bl_juniper.figures.target_qp: the run has no QP {figures['target_qp']}.",
                where="the configuration",
                expected=f"one of {', '.join(map(str, self.config['qps']))}, or null",
            )
        shortest = min(self.coding.settings.clip(name).frames for name in self.sequences)
        if figures["frame"] >= shortest and figures["frame"]:
            raise UserError(
                f"bl_juniper.figures.frame: there is no frame {figures['frame']} in every clip.",
                where="the configuration",
                expected=f"0 to {shortest - 1}",
            )
        chosen = self.section["experiment"]["importance"]
        if chosen is not None and chosen not in self.importance:
            raise UserError(
                f"bl_juniper.experiment.importance: there is no map '{chosen}'; "
                f"bl_juniper.importance has {', '.join(self.importance)}."
            )
        methods = [self.config["methods"][name] for name in self.methods]
        texts = "\n".join(text for method in methods for text in texts_of(method))
        for name in re.findall(r"\{results\}/bl_juniper/importance/(\w+)/", texts):
            if name not in self.importance:
                raise UserError(
                    f"a method names the importance map '{name}'; "
                    f"bl_juniper.importance has {', '.join(self.importance)}."
                )
        for name in self.data["clips"] or ():
            if name not in self._known_clips():
                raise UserError(
                    f"bl_juniper.training_data.clips: {self.data['source']} has no '{name}'.",
                    where="the configuration",
                    expected="of " + ", ".join(self._known_clips()[:30]),
                )
        if self.cnn["weights"] and len(self.seeds) > 1:
            raise UserError(
                f"bl_juniper.seeds: {self.seeds} with `cnn.weights`, which are not trained.",
                where="the configuration",
                expected="one number",
                remedy="write `seeds: [0]`, or `weights: null` to train.",
            )
        if "bl_juniper" in self.config["papers"] and not self.methods:
            raise UserError(
                "`papers` names bl_juniper, but no method of the run is of kind block_qp."
            )

    def training(self) -> dict[str, Any]:
        """Keys that a trained network depends on."""
        return {name: value for name, value in self.cnn.items() if name not in NOT_TRAINED_BY}

    def split(self) -> dict[str, Any]:
        """Keys of the split of the labelled blocks."""
        return {"fractions": self.data["split"]["fractions"], "seed": self.data["seed"]}

    @property
    def folder(self) -> str:
        """Folder of MCL-JCV."""
        return self.data["folder"] or f"{self.config['data_dir']}/mcl_jcv"

    @property
    def mapping_can_be_checked(self) -> bool:
        """Whether the authors' labels and the clips that they are of are configured."""
        return bool(self.section["labels"]) and self.data["source"] == "mcl_jcv"

    @property
    def clips(self) -> list[str]:
        """Clips of MCL-JCV, or sequences of the run, that are learned from."""
        return self.data["clips"] or self._known_clips()

    def _known_clips(self) -> list[str]:
        own = self.data["source"] == "sequences"
        return self.sequences if own else [f"SRC{number:02d}" for number in range(1, 31)]

    def mapped_clips(self) -> dict[str, Any]:
        """Where the clips of MCL-JCV lie, their names, and how they are mapped."""
        mapping = self.section["mapping"]
        return {"folder": self.folder, "clips": self.clips, "mapping": mapping}

    def blocks(self) -> list[str]:
        """Labelled blocks that networks learn from."""
        folder = f"{self.results}/bl_juniper/training_data"
        if self.data["source"] == "panned_pictures":
            return [f"{folder}/panned_pictures.npz"]
        if self.data["source"] == "sequences":
            folder += "/sequences"
        return [f"{folder}/{clip}.npz" for clip in self.clips]

    def photographs(self) -> list[str]:
        """Photographs that are panned as well as packaged pictures."""
        folder = self.config["pictures_dir"]
        return [str(path) for path in picture_files(Path(folder)).values()] if folder else []

    def panned(self) -> dict[str, Any]:
        """Keys of the synthetic pans, as `panned_pictures` takes them."""
        names = ("crops_per_picture", "crop", "seed")
        photographs = {"folder": self.config["pictures_dir"], "most": self.config["pictures_most"]}
        return {"count": self.data["pictures"]} | {n: self.data[n] for n in names} | photographs

    def panned_labels(self) -> dict[str, Any]:
        """How synthetic pans are labelled: codec entry and mapping to blocks."""
        codec = self.coding.settings.codecs[self.data["codec"]]
        return {"codec": codec, "mapping": self.section["mapping"]}

    def models(self) -> list[str]:
        """The network of each JND level, seed by seed: trained, the authors', or another run's."""
        return [file for seed in self.seeds for file in self.models_of_seed(seed)]

    def models_of(self, wildcards: Wildcards) -> list[str]:
        """The networks of one seed."""
        return self.models_of_seed(wildcards.seed)

    def models_of_seed(self, seed: int | str) -> list[str]:
        """The network of each JND level of a seed."""
        home, weights = f"{self.results}/models/bl_juniper", self.cnn["weights"]
        if weights and all(name.endswith(".onnx") for name in weights):
            return list(weights)
        if weights:
            return [f"{home}/authors_jnd{level}/model.onnx" for level in LEVELS]
        return [f"{home}/jnd{level}_seed{seed}/model.onnx" for level in LEVELS]

    def trainings(self) -> list[str]:
        """Summaries of all trainings."""
        if self.cnn["weights"] or not self.cnn_is_used:
            return []
        return [file.replace("model.onnx", "summary.json") for file in self.models()]

    def weights(self, wildcards: Wildcards) -> str:
        """The authors' weights of one JND level."""
        return self.cnn["weights"][int(wildcards.level) - 1]

    def saliency(self, wildcards: Wildcards) -> dict[str, Any]:
        """The saliency model of an importance map, with its options."""
        return self.section["importance"][wildcards.saliency]

    def saliency_files(self, wildcards: Wildcards) -> list[str]:
        """Files that the options of a saliency model name."""
        return self.coding.named_files(self.saliency(wildcards)["options"])

    def all_saliency_files(self) -> list[str]:
        """The same of all models."""
        options = [model["options"] for model in self.section["importance"].values()]
        return [file for one in options for file in self.coding.named_files(one)]

    def used_models(self) -> list[str]:
        """The networks of the first seed, where a method uses networks."""
        return self.models_of_seed(self.seeds[0]) if self.cnn_is_used else []

    def saliency_code(self, wildcards: Wildcards) -> str:
        """Digest of the code of a saliency model's class."""
        target = saliency_class(self.saliency(wildcards)["model"])
        modules = self.coding.closure(class_file(target, self.coding.scripts))
        return self.coding.content_digest(modules, self.saliency_files(wildcards))

    def weighted_points(self, wildcards: Wildcards) -> list[PointKey]:
        """The points of one codec, configuration and sequence whose quality is weighted."""
        wanted = (wildcards.codec, wildcards.configuration, wildcards.sequence)
        return [
            point
            for point in [*self.points, *self.plain_points]
            if (point.codec, point.configuration, point.sequence) == wanted
        ]

    def weighted_streams(self, wildcards: Wildcards) -> list[str]:
        """Streams of :meth:`weighted_points`."""
        return [self.coding.stream(point) for point in self.weighted_points(wildcards)]

    def weighted_keys(self, wildcards: Wildcards) -> list[list[Any]]:
        """Method and QP of :meth:`weighted_points`."""
        return [[point.method, point.qp] for point in self.weighted_points(wildcards)]

    def weighted_tables(self) -> list[str]:
        """Weighted quality of all points."""
        return [
            f"{self.results}/bl_juniper/weighted/{codec}/{configuration}/{sequence}.csv"
            for codec, configuration in self.places
            for sequence in self.sequences
        ]

    def map_keys(self) -> list[list[Any]]:
        """Sequence, method and QP of all maps of QPs."""
        points = [point for point in self.points if point.method in self.methods]
        keys = sorted({(point.sequence, point.method, point.qp) for point in points})
        return [list(key) for key in keys]

    def qp_maps(self) -> list[str]:
        """The maps of :meth:`map_keys`."""
        return [
            f"{self.results}/qp_maps/{sequence}/{method}/qp{qp}.npz"
            for sequence, method, qp in self.map_keys()
        ]

    @property
    def jnd_origins(self) -> list[str]:
        """Origins of block JNDs in the experiment, those of the method first."""
        return [*(f"cnn_seed{seed}" for seed in self.seeds if self.cnn_is_used), "mapped"]

    def experiment(self) -> dict[str, Any]:
        """The experiment's keys for a clip, with its codecs' entries."""
        keys, codecs = self.section["experiment"], self.coding.settings.codecs
        low, high = keys["anchor_qps"]
        return {
            "frames": keys["frames"],
            "codec": codecs[keys["codec"]],
            "competitors": {
                name: {key: codec and codecs[codec] for key, codec in one.items()}
                for name, one in keys["competitors"].items()
            },
            "anchor_qps": list(range(low, high + 1)),
            "targets": keys["targets"],
        }

    @property
    def experiment_importance(self) -> str:
        """The importance map of the experiment."""
        return self.section["experiment"]["importance"] or self.importance[0]

    @property
    def target_qp(self) -> int:
        """The target QP of the maps that are shown."""
        asked = self.section["figures"]["target_qp"]
        return min(self.config["qps"]) if asked is None else asked

    def method_labels(self) -> list[str]:
        """Name of each controlled method in figures of maps."""
        labels = self.coding.labels()
        return [labels[method] for method in self.shown_methods]
