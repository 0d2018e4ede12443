"""Inputs and parameters of IQNet's rules."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

from jndlab.codecs import codec_class
from jndlab.errors import UserError
from jndlab.papers.iqnet.config import SelectionOptions, reading_of
from jndlab.papers.iqnet.published import load_published
from jndops.inputs import Wildcards, workflow_errors
from jndops.inputs.coding import CodingInputs


class Scene(NamedTuple):
    """A frame that figures show: its sequence at one point of the run."""

    configuration: str
    sequence: str
    qp: int


# Fig. 13, 14 and 18. The paper does not say which configuration Fig. 14 and 18 show, nor which
# RaceHorses: the numbers of Fig. 14 agree with Table IV all intra, where class C is assumed.
PRINTED_SCENES = (
    Scene("AI", "B_BQTerrace", 27),
    Scene("AI", "C_RaceHorses", 32),
    Scene("AI", "C_PartyScene", 22),
    Scene("LDP", "C_PartyScene", 22),
)
NIMA = "nima_mobilenet"  # the scorer, and the data set of its weights
NIMA_FILE = "weights_mobilenet_aesthetic_0.07.hdf5"
PICTURED = ("cnn_jnqd", "iqnet")  # compared with the anchor in the paper's pictures


class IqnetInputs:
    """The section ``iqnet`` of a configuration as files and parameters."""

    def __init__(self, coding: CodingInputs) -> None:
        self.coding = coding
        self.config = coding.config
        self.section = self.config["iqnet"]
        self.data = self.section["training_data"]
        self.codec = coding.settings.codecs[self.data["codec"]]
        self.codec_code = coding.adapter_code(self.codec)
        self.batches = [f"{number:04d}" for number in range(self.data["jobs"])]
        # Networks are trained only where a method of the run uses them.
        self.is_trained = coding.is_used("models/iqnet/iqnet_seed")
        self.cnn_jnqd_is_trained = coding.is_used("models/iqnet/cnn_jnqd_qp")
        self.needs_weights = self.scorer != "piqe"
        self._check_frames()

    def _check_frames(self) -> None:
        """Raise UserError for scenes of the figures that the run does not code."""
        frames = self.section["frames"]
        coded = {(p.configuration, p.sequence, p.qp) for p in self.coding.settings.points()}
        for place, scene in enumerate(frames["scenes"] or []):
            wanted = scene["configuration"], scene["sequence"], scene["qp"]
            if wanted not in coded:
                raise UserError(
                    f"iqnet.frames.scenes[{place}]: the run does not code "
                    f"{wanted[1]}, {wanted[0]}, at QP {wanted[2]}.",
                    where="the configuration",
                    expected="configuration, sequence and QP of a point of the run",
                )
        shortest = min(self.coding.settings.clip(scene.sequence).frames for scene in self.scenes())
        if frames["number"] > shortest:
            raise UserError(
                f"iqnet.frames.number: {frames['number']} is behind the end of a clip.",
                where="the configuration",
                expected=f"1 to {shortest}",
            )

    @property
    def scorer(self) -> str:
        """Name of the scorer in use; `auto` is decided by whether NIMA's weights are there."""
        if self.data["scorer"] != "auto":
            return self.data["scorer"]
        return NIMA if Path(self.nima()["weights"]).is_file() else "piqe"

    def nima(self) -> dict[str, Any]:
        """Options of the scorer `nima_mobilenet`."""
        weights = f"{self.config['data_dir']}/{NIMA}/{NIMA_FILE}"
        return {**self.data["nima"], "weights": self.data["nima"]["weights"] or weights}

    def scorer_options(self) -> dict[str, Any]:
        """The scorer in use, as `open_scorer` takes it."""
        return {"name": self.scorer, "nima": self.nima()}

    def nima_file(self) -> list[str]:
        """NIMA's file of weights as an input, where it is there."""
        weights = self.nima()["weights"]
        return [weights] if Path(weights).is_file() else []

    def nima_weights(self) -> list[str]:
        """The same where the scorer in use needs it."""
        return self.nima_file() if self.scorer == NIMA else []

    def study(self) -> dict[str, Any]:
        """Keys of the study of scorers, with the base QP of the training data among its QPs."""
        study = self.section["scorer_study"]
        return {**study, "qps": sorted({*study["qps"], self.data["qp"]})}

    def study_inputs(self) -> dict[str, Any]:
        """What the study of scorers is made with: the scorers whose weights are there."""
        return {
            "codec": self.codec,
            "codec_code": self.codec_code,
            "folder": self.folder,
            "filter_options": self.data["prefilter"],
            "nima": self.nima(),
            "scorers": ["piqe", *([NIMA] if self.nima_file() else [])],
        }

    def selection(self) -> dict[str, Any]:
        """Options of the selection, in units of the scorer in use."""
        return SelectionOptions(**self.data["selection"]).for_scorer(self.scorer).plain()

    @property
    def folder(self) -> str | None:
        """Folder of training pictures, or of photographs as well as packaged ones (None: none)."""
        if self.data["source"] == "packaged":
            return self.data["folder"] or self.config["pictures_dir"]
        return self.data["folder"] or f"{self.config['data_dir']}/vimeo90k"

    def picture_files(self) -> list[str]:
        """What the list of pictures is made from, as far as it is there."""
        if self.folder is None:
            return []
        pattern = "sep_testlist.txt" if self.data["source"] == "vimeo90k" else "*.*"
        return sorted(str(file) for file in Path(self.folder).glob(pattern) if file.is_file())

    def source(self) -> dict[str, Any]:
        """Keys that choose the training pictures, as `list_crops` takes them."""
        names = ("source", "crop", "patch", "crops_per_picture", "frames_per_clip")
        limits = {"limit": self.data["pictures"], "most": self.config["pictures_most"]}
        return {name: self.data[name] for name in names} | limits

    def reading(self, wildcards: Wildcards) -> dict[str, Any]:
        """Training data, network and training of a reading, with its scorer's tolerance."""
        chosen = reading_of(self.section, wildcards.reading)
        data = chosen["training_data"]
        data["scorer"] = self.scorer if data["scorer"] == "auto" else data["scorer"]
        selection = SelectionOptions(**data["selection"]).for_scorer(data["scorer"]).plain()
        data["selection"] = selection
        return {name: chosen[name] for name in ("training_data", "network", "training")}

    def scorers(self) -> set[str]:
        """Scorers that the run's trainings rest on: the section's, and those of its readings."""
        readings = [
            self.reading(SimpleNamespace(reading=name)) for name in self.section["readings"]
        ]
        own = {self.scorer} if self.is_trained else set()
        return own | {reading["training_data"]["scorer"] for reading in readings}

    def datasets(self) -> list[str]:
        """Data sets of the registry that the run's trainings rest on."""
        scorers, data = self.scorers(), self.data
        needed = {
            "vimeo90k": scorers and data["source"] == "vimeo90k" and data["folder"] is None,
            NIMA: NIMA in scorers and data["nima"]["weights"] is None,
        }
        return [name for name, is_needed in needed.items() if is_needed]

    def scoring_of(self, name: str) -> str:
        """What the scores of a reading depend on, as part of a file's name."""
        data = self.reading(SimpleNamespace(reading=name))["training_data"]
        if data["scorer"] != NIMA:
            return data["scorer"]
        return f"{NIMA}.{data['nima']['size']}.{data['nima']['resampling']}"

    def scoring_options(self, wildcards: Wildcards) -> dict[str, Any]:
        """The scorer of a file of scores, as `open_scorer` takes it."""
        name, *options = wildcards.scoring.split(".")
        nima = self.nima()
        if options:
            size = None if options[0] == "None" else int(options[0])
            nima |= {"size": size, "resampling": options[1]}
        return {"name": name, "nima": nima}

    def scores_of_reading(self, wildcards: Wildcards) -> str:
        """The file of scores that a reading chooses by."""
        return f"<results>/iqnet/readings/scores/{self.scoring_of(wildcards.reading)}.parquet"

    def model_of_reading(self, wildcards: Wildcards) -> list[str]:
        """The network of a reading; none for the anchor."""
        name = wildcards.reading
        return [f"<results>/models/iqnet/readings/{name}/model.onnx"] if name != "anchor" else []

    def compared_sequences(self) -> list[str]:
        """Sequences coded all intra whose content Table IV prints numbers for."""
        printed = {row["sequence"] for row in load_published()["table4_ps_comparison"]}
        coded = {p.sequence for p in self.coding.settings.points() if p.configuration == "AI"}
        names = self.printed_names()
        return [name for name in names if name in coded and names[name] in printed]

    def compared_clips(self, _wildcards: Wildcards) -> list[str]:
        """Their clips. Raises ConfigurationError where there is nothing to compare."""
        names = self.compared_sequences()
        with workflow_errors():
            if not (names and self.section["readings"]):
                lacking = "sequences" if self.section["readings"] else "iqnet.readings"
                raise UserError(
                    f"there is nothing to put next to Table IV: `{lacking}` has none.",
                    where="the configuration",
                    expected="a reading, and a sequence of Table IV that is coded all intra",
                    remedy="CONFIG=config/iqnet_pilot.yaml has both.",
                )
        return [f"<results>/sequences/{name}.mkv" for name in names]

    def levers(self) -> dict[str, dict[str, Any]]:
        """What may differ between readings, in a row for each."""
        rows = {}
        for name in self.section["readings"]:
            reading = self.reading(SimpleNamespace(reading=name))
            data, training = reading["training_data"], reading["training"]
            selection, alphas = data["selection"], data["alphas"]
            nima = data["nima"]
            enlarged = f"to {nima['size']}, {nima['resampling']}" if nima["size"] else "as they are"
            rows[name] = {
                "scorer": data["scorer"],
                "patches": enlarged if data["scorer"] == NIMA else "",
                **{key: selection[key] for key in ("tie_mode", "tolerance", "mae_kind")},
                "smooth_share": selection["smooth_quantile"],
                "alphas": f"{len(alphas)} of {alphas[0]:g} to {alphas[-1]:g}",
                "channels": reading["network"]["channels"],
                "loss": training["loss"],
                **{key: training[key] for key in ("epochs", "batch_size", "crops_per_picture")},
            }
        return rows

    def printed_names(self) -> dict[str, str]:
        """The name that the paper prints for each sequence of the run."""
        known = self.coding.settings.sequences
        return {name: known[name].name for name in self.config["sequences"]}

    def frame_of_fig10(self) -> list[str]:
        """The sequence whose first frame Fig. 10 shows, where the run has it."""
        return [key for key, name in self.printed_names().items() if name == "BQMall"][:1]

    def weighting_file(self) -> list[str]:
        """The file of the filter's weights, where they are not a set of the suite's own."""
        weighting = self.data["prefilter"]["weighting"]
        return [weighting] if weighting.endswith(".csv") else []

    def training_conditions(self) -> dict[str, Any]:
        """How the training pairs were made, for the record by which verdicts are given.

        VTM refuses to run as another version than its entry's; other encoders have none there.
        """
        codec = f"{self.codec['adapter']} {self.codec.get('version', '')}".strip()
        return {
            "training_source": self.data["source"],
            "scorer": self.scorer,
            "training_codec": codec,
            "training_qp": self.data["qp"],
        }

    def trainings(self) -> list[str]:
        """Summaries of all trainings of the run."""
        names = ["iqnet"] if self.is_trained else []
        if self.cnn_jnqd_is_trained:
            names += [f"cnn_jnqd_qp{qp}" for qp in self.config["qps"]]
        return [
            f"<results>/models/iqnet/{name}_seed{seed}/summary.json"
            for name in names
            for seed in self.section["seeds"]
        ]

    def first_model(self) -> str:
        """The network of the first seed, by which training pictures are filtered and shown."""
        return f"<results>/models/iqnet/iqnet_seed{self.section['seeds'][0]}/model.onnx"

    def candidates(self) -> dict[str, Any]:
        """Options of the candidates of each picture."""
        return {
            "alphas": self.data["alphas"],
            "qp": self.data["qp"],
            "filter_options": self.data["prefilter"],
        }

    def printed(self) -> list[str]:
        """The paper's tables as published."""
        root = self.coding.settings.root
        files = (root / "config/published/iqnet").glob("*.csv")
        return sorted(str(path.relative_to(root)) for path in files)

    @property
    def point_codec(self) -> str:
        """The codec of the paper's tables and figures: the run's first."""
        return self.config["codecs"][0]

    def pictured(self) -> list[str]:
        """Methods of the figures of frames: the paper's two where the run has them, else all.

        Of several training seeds the first. Only those that are run with the sequences of all
        scenes: a figure shows one scene.
        """
        settings, anchor = self.coding.settings, self.config["anchor"]
        wanted = {scene.sequence for scene in self.scenes()}
        others = [
            name
            for name in settings.once(settings.prefilters())
            if wanted <= set(settings.sequences_of(name)) and name != anchor
        ]
        printed = {settings.base_of(name): name for name in others}
        return [anchor, *([printed[name] for name in PICTURED if name in printed] or others)]

    def pictured_points(self, kind: str, suffix: str) -> list[str]:
        """Patterns of files of the pictured methods' points, for one scene."""
        return [
            f"<results>/{kind}/{self.point_codec}/{{configuration}}/{{sequence}}/{method}/qp{{qp}}"
            f".{suffix}"
            for method in self.pictured()
        ]

    def pictured_streams(self) -> list[str]:
        """Patterns of the pictured methods' streams, for one scene."""
        codec = self.coding.settings.codecs[self.point_codec]
        return self.pictured_points("streams", codec_class(codec).suffix)

    def scenes(self) -> list[Scene]:
        """Scenes that are shown: the configured, else the printed of this run, else its first."""
        configured = [
            Scene(scene["configuration"], scene["sequence"], scene["qp"])
            for scene in self.section["frames"]["scenes"] or []
        ]
        printed = [
            scene
            for scene in PRINTED_SCENES
            if scene.configuration in self.config["configurations"]
            and scene.sequence in self.config["sequences"]
            and scene.qp in self.config["qps"]
        ]
        qp, points = min(self.config["qps"]), list(self.coding.settings.points())
        first = {one.configuration: one.sequence for one in reversed(points)}
        return (
            configured
            or printed
            or [Scene(name, first[name], qp) for name in self.config["configurations"]]
        )
