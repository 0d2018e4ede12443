"""Inputs and parameters of the rules that all papers share: clips, encodes, points, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jndlab.codecs import codec_class, get_codec
from jndlab.codecs.segments import segment_lengths
from jndlab.configuration import did_you_mean
from jndlab.datasets.check import recorded_files, recorded_note
from jndlab.datasets.fetch import RECORD_NAME
from jndlab.datasets.prepare import source_path
from jndlab.datasets.registry import load_registry
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.jnd.method_class import expanded_options, texts_of
from jndlab.media.clip import clip_as_text
from jndlab.papers.vp_jnd.config import PictureSet
from jndlab.paths import CONFIG
from jndops.inputs import Wildcards
from jndops.inputs.changed_source import change_of
from jndops.inputs.option_files import files_named
from jndops.inputs.points import RUN, points_behind
from jndops.plan.encode_priority import EncodePriority, run_model
from jndops.settings import ALL_QPS, Settings, place_of
from jndops.workflow.imports import class_file, digest, import_closure

SECONDS_PER_MEGAPIXEL = {
    "vtm": 900,
    "vvenc": 60,
    "x265": 5,
    "kvazaar": 5,
    "x264": 2,
    "svtav1": 10,
    "libaom": 90,
}
MODEL_SUFFIXES = (".onnx", ".pt", ".h5", ".keras")
PLACES = ("results", "sequence", "seed", "data", "split")  # that paths of options may name
_PLACE = re.compile(rf"\{{(?!(?:{'|'.join(PLACES)})\}})([^{{}}]*)\}}")
_EXPONENT = re.compile(r"[-+]?[0-9]+\.?[eE][-+]?[0-9]+|[-+]?[0-9]*\.[0-9]*[eE][0-9]+")
# Code in which a class may have a name that is not written there.
_MAKES_NAMES = re.compile(r"import \*|__getattr__|globals\(|setattr\(|exec\(")
SHARED_BY = {"jnd_networks": ("laser_jnd", "mtjnd"), "iqnet_pilot": ("iqnet",)}  # wings
SECONDS_OF_OTHERS = 60  # of a codec added later
SEGMENT = "segments/{codec}/AI/{sequence}/{method}/qp{qp}/{segment}.{suffix}"


OF_USE = ("label", "codecs", "sequences")  # keys of a method that change no picture


class CodingInputs:
    """Files, parameters and needs of jobs; methods that take wildcards go into rules as they are.

    Raises UserError for a method whose class has no module.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.config = settings.config
        self.results: str = settings.config["results_dir"]
        self.scripts = settings.root / "workflow_scripts"
        self._named: dict[str, list[str]] = {}  # files that a text of options names
        self.priority = EncodePriority(settings, run_model(settings))
        for name in settings.codecs_in_use():  # parameters that no point can have
            if "class" not in (entry := settings.codec_of_points(name)):
                get_codec(entry)
        # Now and not when a rule first asks, so that a missing module is reported at once.
        self.method_modules = {
            name: self.closure(self._class_file(name, method))
            for name, method in self.config["methods"].items()
            if method["class"]
        }

    def _class_file(self, name: str, method: dict[str, Any]) -> Path:
        """File of a method's class; UserError where its module or its options' paths are wrong."""
        for text in texts_of(method["options"]):
            if _EXPONENT.fullmatch(text):
                raise UserError(
                    f"methods.{name}.options: {text} is a text to YAML.",
                    where="the configuration",
                    expected="a number with a point, such as 1.0e-3",
                )
            if text.startswith("{results}") and (unknown := _PLACE.findall(text)):
                raise UserError(
                    f"methods.{name}.options: {{{unknown[0]}}} in '{text}' stands for nothing.",
                    where="the configuration",
                    expected="of " + ", ".join(f"{{{place}}}" for place in PLACES),
                )
        self.named_files(expanded_options(method["options"], results=self.results))
        file = class_file(method["class"], self.scripts)
        class_name = method["class"].partition(":")[2]
        code = file.read_text(encoding="utf-8", errors="replace") if file.suffix == ".py" else ""
        if code and not _MAKES_NAMES.search(code) and not re.search(rf"\b{class_name}\b", code):
            classes = re.findall(r"^class (\w+)", code, re.MULTILINE)
            raise UserError(
                f"methods.{name}.class: there is no class '{class_name}' in {file}"
                f"{did_you_mean(class_name, classes)}.",
                where="the configuration",
                expected="one of its classes: " + (", ".join(classes) or "(it has none)"),
            )
        return file

    def closure(self, file: Path) -> list[Path]:
        """A file and the modules of jndlab that it imports."""
        return import_closure(file, self.scripts)

    def method(self, wildcards: Wildcards) -> dict[str, Any]:
        """A method as the configuration describes it."""
        return self.config["methods"][wildcards.method]

    def filtering(self, wildcards: Wildcards) -> dict[str, Any]:
        """A method as far as it changes pictures: neither its label nor where it is used."""
        method = self.method(wildcards)
        return {key: value for key, value in method.items() if key not in OF_USE}

    def method_class(self, wildcards: Wildcards) -> str:
        """A method's class as ``package.module:Class``."""
        return self.method(wildcards)["class"]

    def method_code(self, wildcards: Wildcards) -> str:
        """Digest of the code of a method's class, and of the files that its options name."""
        modules = self.method_modules[wildcards.method]
        return self.content_digest(modules, self.method_files(wildcards))

    def codec(self, wildcards: Wildcards) -> dict[str, Any]:
        """A codec's entry, with the rate control of the run's points."""
        return self.settings.codec_of_points(wildcards.codec)

    def codec_code(self, wildcards: Wildcards) -> str:
        """Digest of the code of a codec's adapter, and of the files that its entry names."""
        return self.adapter_code(self.codec(wildcards), self.codec_files(wildcards))

    def adapter_code(self, codec: dict[str, Any], files: Iterable[str] = ()) -> str:
        """Digest of the code of the adapter of a codec's entry, and of further files."""
        own = class_file(codec["class"], self.scripts) if "class" in codec else None
        module = own or self.scripts / f"jndlab/codecs/{codec['adapter']}.py"
        return self.content_digest(self.closure(module), files)

    def clip(self, wildcards: Wildcards) -> dict[str, Any]:
        """Format of a sequence as this run uses it, as plain text for ``params``."""
        return clip_as_text(self.settings.clip(wildcards.sequence))

    def clips(self) -> dict[str, dict[str, Any]]:
        """Formats of all sequences of the run."""
        names = self.config["sequences"]
        return {name: clip_as_text(self.settings.clip(name)) for name in names}

    def sheet_frames(self) -> dict[str, int]:
        """Frames of each whole sequence of the run, of which it may code fewer."""
        return {name: self.settings.sequences[name].frames for name in self.config["sequences"]}

    def content(self, wildcards: Wildcards) -> str:
        """Whether a sequence is a published one or a stand-in."""
        return self.settings.sequences[wildcards.sequence].content

    def memory_mb(self, wildcards: Wildcards, attempt: int) -> int:
        """Memory of an encoder or metric: grows with the picture, doubles on each retry."""
        clip = self.settings.clip(wildcards.sequence)
        return int((400 + 600 * clip.width * clip.height / 1e6) * 2 ** (attempt - 1))

    def encode_minutes(self, wildcards: Wildcards, attempt: int) -> int:
        """Wall time limit of an encode: generous, doubles on each retry."""
        clip = self.settings.clip(wildcards.sequence)
        megapixels = clip.width * clip.height * clip.frames / 1e6
        adapter = self.codec(wildcards)["adapter"]
        seconds = megapixels * SECONDS_PER_MEGAPIXEL.get(adapter, SECONDS_OF_OTHERS)
        return int((10 + seconds / 60) * 2 ** (attempt - 1))

    def encode_priority(self, wildcards: Wildcards) -> float:
        """Priority of an encode, 10 to 11.9: the longest first, short ones at a run's end."""
        return self.priority(dict(wildcards.items()))

    # One function for several inputs: each call costs Snakemake 0.1 ms, and it plans thousands.
    def coded_clip(self, wildcards: Wildcards) -> dict[str, str]:
        """The clip that a point codes, with its metadata, and what its method asks of the QP.

        The clip is the source itself, or what the method's prefilter made of it.
        """
        stem = self._coded_stem(wildcards)
        files = {"clip": f"{stem}.mkv", "metadata": f"{stem}.json"}
        kind, sequence, method = (
            self.method(wildcards)["kind"],
            wildcards.sequence,
            wildcards.method,
        )
        if kind == "jnd_predictor":
            files["predicted"] = f"{self.results}/predicted_jnd/{sequence}/{method}.json"
        if kind == "block_qp":
            files["qp_map"] = f"{self.results}/qp_maps/{sequence}/{method}/qp{wildcards.qp}.npz"
        return files

    def kept(self, kind: str, clip: str) -> str:
        """A lossless clip as output: removed after its last use unless ``keep`` names its kind."""
        from snakemake.io import temp  # for rules alone

        return clip if kind in self.config["keep"] else temp(clip)

    def coded_files(self, wildcards: Wildcards) -> dict[str, Any]:
        """A point's stream, metadata of its encode and clip, and the cost of the prefilter."""
        stem, stream = self._coded_stem(wildcards), self.stream(wildcards)
        filtered = self.method(wildcards)["kind"] == "prefilter"
        return {
            "stream": stream,
            "encode": f"{stream}.json",
            "coded_metadata": f"{stem}.json",
            "prefilter_metrics": f"{stem}.metrics.json" if filtered else [],
        }

    def stream(self, wildcards: Wildcards) -> str:
        """The stream of a point."""
        suffix = codec_class(self.codec(wildcards)).suffix
        return f"{self.point_stem('streams', wildcards)}.{suffix}"

    def segments(self, wildcards: Wildcards) -> dict[str, list[str]]:
        """Streams of all segments of a point, with their metadata."""
        frames = self.settings.clip(wildcards.sequence).frames
        count = len(segment_lengths(frames, self.config["ai_segment_frames"]))
        names = dict(wildcards.items())
        streams = [
            f"{self.results}/{SEGMENT.format(segment=number, **names)}" for number in range(count)
        ]
        return {"streams": streams, "metadata": [f"{stream}.json" for stream in streams]}

    def options(self, wildcards: Wildcards) -> dict[str, Any]:
        """Options of a method, with the names of results and sequence filled in."""
        options = self.method(wildcards)["options"]
        return expanded_options(options, results=self.results, sequence=wildcards.sequence)

    def method_files(self, wildcards: Wildcards) -> list[str]:
        """Files that a method's options name; of models by QP only that of the variant's QP."""
        options = self.options(wildcards)
        variant, models = getattr(wildcards, "variant", ALL_QPS), options.get("models")
        if variant != ALL_QPS and isinstance(models, dict):
            of_others = {qp for qp in models if str(qp).isdigit() and variant != f"qp{qp}"}
            options["models"] = [path for qp, path in models.items() if qp not in of_others]
        return self.named_files(options)

    def codec_files(self, wildcards: Wildcards) -> list[str]:
        """Files that a codec's entry names: programs, and what configures its coding."""
        codec = self.codec(wildcards)
        files = [codec.get("encoder"), codec.get("program"), codec.get("options")]
        files += codec.get("params", {}).values()  # such as a file of quantisation matrices
        if codec.get("verify_with_decoder"):
            files.append(codec.get("decoder"))
        # Segments are of AI alone.
        configuration = getattr(wildcards, "configuration", "AI")
        files.append(codec.get("config_files", {}).get(configuration))
        return self.named_files(files)

    def named_files(self, options: Any) -> list[str]:
        """Files that expanded options name at any depth: a change re-runs what uses them.

        They are those below the results, which the run makes first, those that are there (see
        :func:`files_named`), and what must be there because of its suffix.
        """
        named = [file for text in texts_of(options) for file in self._files_of(text)]
        return list(dict.fromkeys(named))

    def _files_of(self, text: str) -> list[str]:
        if text.startswith(f"{self.results}/") and not text.endswith("/"):
            return [text]
        if text not in self._named:  # thousands of jobs name the same ones
            found = files_named(text, self.results)
            self._named[text] = found or [text] * text.endswith(MODEL_SUFFIXES)
        return self._named[text]

    def content_digest(self, modules: Iterable[Path], files: Iterable[str]) -> str:
        """Digest of code and of the files that its options name, without those of the run itself.

        The times of files do not show every change: a copy can be older than what it replaces.
        """
        given = [Path(file) for file in files if not file.startswith(f"{self.results}/")]
        return digest([*modules, *filter(Path.is_file, given)])

    def is_used(self, start: str) -> bool:
        """Whether a method's options name a path below the results that begins so."""
        named = f"{{results}}/{start}"
        return any(named in str(method["options"]) for method in self.config["methods"].values())

    def trained_methods(self) -> list[str]:
        """Methods with a network: they name a model, or what this run made by one."""
        methods = self.config["methods"].items()
        return [
            self.settings.base_of(name)
            for name, method in methods
            if {"model", "models"} & set(method["options"])
            or any("{results}/" in text for text in texts_of(method["options"]))
        ]

    def datasets(self) -> dict[str, str]:
        """Data set of each sequence of the run; empty for one's own."""
        names = self.config["sequences"]
        return {name: self.settings.sequences[name].dataset or "" for name in names}

    def recorded_note(self, wing: str) -> str:
        """What the tables of a wing (a paper, or what papers share) carry on their data sets."""
        papers = set(self.config["papers"])
        own = {wing} & papers or papers & set(SHARED_BY.get(wing, ()))
        return recorded_note(self.recorded_files(own or papers))

    def recorded_files(self, of_papers: Iterable[str] | None = None) -> dict[str, str]:
        """Files of the run's data sets without a published checksum, and the day of the record."""
        data_dir = Path(self.config["data_dir"])
        if not (data_dir / RECORD_NAME).is_file():
            return {}
        known = load_registry(CONFIG / "datasets.yaml")
        papers = set(self.config["papers"] if of_papers is None else of_papers)
        used = set(self.datasets().values())
        chosen = [one for key, one in known.items() if key in used or papers & set(one.needed_by)]
        return recorded_files(chosen, data_dir)

    def described(self) -> dict[str, Any]:
        """What a description of the run reads of the configuration, as written."""
        written = self.settings.written
        sources = {
            paper: {"training_data": {"source": section["training_data"]["source"]}}
            for paper, section in written.items()
            if isinstance(section, dict) and "training_data" in section
        }
        if "vp_jnd" in written["papers"]:
            sources["vp_jnd"] = {"data": _still_pictures(self.config["vp_jnd"]["data"])}
        return sources | {
            key: written[key] for key in ("anchor", "methods", "bd_rate", "pictures_dir")
        }

    def model_files(self) -> list[str]:
        """Models that the run's methods name, without those whose names a job fills in."""
        methods = self.config["methods"].values()
        texts = [
            text
            for method in methods
            for text in texts_of(expanded_options(method["options"], results=self.results))
        ]
        return [t for t in dict.fromkeys(texts) if t.endswith(MODEL_SUFFIXES) and "{" not in t]

    def trained_network(self, folder: str) -> dict[str, str]:
        """What every training leaves in the folder of its network."""
        return {
            "model": f"{folder}/model.onnx",
            "weights": f"{folder}/model.pt",
            "metrics": f"{folder}/metrics.csv",
            "summary": f"{folder}/summary.json",
        }

    def sheet_row(self, wildcards: Wildcards) -> dict[str, Any]:
        """A sequence's row of the sheet, as plain text and numbers for ``params``."""
        row = asdict(self.settings.sequences[wildcards.sequence])
        return {**row, "fps": str(row["fps"])}

    def source_dir(self, wildcards: Wildcards) -> str:
        """Folder of the data set of a sequence."""
        return str(self.settings.source_dir(wildcards.sequence))

    def data_needed(self, sequence: str) -> list[str]:
        """What `check_data` looks for of a sequence: its row of the sheet, or one's own file."""
        known = self.settings.sequences[sequence]
        return ["--sequence", sequence] if known.dataset else ["--own", known.file]

    def raw_source(self, wildcards: Wildcards) -> list[str]:
        """Source file of a sequence; none while it is missing, so that it can be planned.

        With it a note where it changed and its time does not show that. A packaged clip is none
        either: its path changes with the environment, its content not.
        """
        found = self._source(wildcards.sequence)
        if found is None or self._is_packaged(wildcards.sequence):
            return []
        return [str(found), *change_of(found, self.results, wildcards.sequence)]

    def packaged_source(self, wildcards: Wildcards) -> str:
        """SHA-256 of a packaged clip; empty for other sources."""
        found = self._source(wildcards.sequence)
        return sha256_of(found) if found and self._is_packaged(wildcards.sequence) else ""

    def _is_packaged(self, sequence: str) -> bool:
        return bool(self.settings.sequences[sequence].package)

    def _source(self, sequence: str) -> Path | None:
        try:
            return source_path(
                self.settings.sequences[sequence], self.settings.source_dir(sequence)
            )
        except UserError:
            return None

    def point_stem(self, kind: str, point: Wildcards) -> str:
        """Path of a point's files without suffix, below ``kind`` (streams or points)."""
        return f"{self.results}/{kind}/{place_of(point)}"

    def point_files(self, part: str = RUN) -> list[str]:
        """The RD point files that the results of a part of the run rest on."""
        points = points_behind(part, self.settings)
        return [f"{self.point_stem('points', point)}.json" for point in points]

    def points_table(self, part: str = RUN) -> str:
        """The table of all points that the results of a part of the run rest on."""
        return f"{self.results}/tables/points/{part}.parquet"

    def rd_curves(self) -> dict[str, tuple[str, str]]:
        """Metric and codec of each rate-distortion figure, by name.

        Curves of several codecs in one panel cannot be distinguished: one figure for each codec.
        """
        codecs = self.settings.codecs_in_use()
        return {
            metric + (f"_{codec}" if len(codecs) > 1 else ""): (metric, codec)
            for metric in self.config["bd_rate"]["metrics"]
            for codec in codecs
        }

    def classes(self) -> dict[str, str]:
        """Class of each sequence of the run, for class means."""
        return {name: self.settings.sequences[name].class_name for name in self.config["sequences"]}

    def labels(self) -> dict[str, str]:
        """Name of each method in tables and figures, and of one for its seeds together."""
        methods = self.config["methods"]
        names = {name: method["label"] or name for name, method in methods.items()}
        together = {
            self.settings.base_of(name): names[name].removesuffix(f", seed {seed}")
            for name, seed in self.settings.seeds.items()
        }
        return names | together

    def _coded_stem(self, wildcards: Wildcards) -> str:
        """Path without suffix of the clip that a point codes."""
        method = self.method(wildcards)
        if method["kind"] != "prefilter":
            return f"{self.results}/sequences/{wildcards.sequence}"
        variant = f"qp{wildcards.qp}" if method["per_qp"] else ALL_QPS
        return f"{self.results}/prefiltered/{wildcards.sequence}/{wildcards.method}/{variant}"


def _still_pictures(data_sets: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What a description says of VP-JND's data sets."""
    return {
        name: {
            "source": data["source"],
            "codec": data["codec"],
            "released": PictureSet.model_validate(data).released,
            "labels": data["labels"]["kind"],
        }
        for name, data in data_sets.items()
    }
