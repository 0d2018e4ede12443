"""The validated experiment: main configuration, codec entries and sequence sheet in one object."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jndlab.codecs import OWN, codec_class, get_codec
from jndlab.codecs.config import Codecs
from jndlab.codecs.packaged import PackagedCodec
from jndlab.configuration import checked, did_you_mean
from jndlab.datasets.own_sequences import own_sequence
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.datasets.sequences import Sequence
from jndlab.errors import UserError
from jndlab.files import sha256_of_json
from jndlab.jnd.method_class import expanded_options, texts_of
from jndlab.media.clip import ClipFormat
from jndlab.media.picture_folder import picture_files
from jndlab.quality.metrics import computed, optional_columns
from jndlab.quality.rd_point import PointKey, base_name
from jndlab.yaml_files import load_mapping, load_yaml
from jndops.experiment import Experiment
from jndops.results_dir import checked_results_dir

# Where an entry that is named can be added.
_PLACES = {
    "sequences": "`own_sequences` or config/sequences.tsv",
    "codecs": "`own_codecs` or config/codecs.yaml",
}
ALL_QPS = "all"  # variant of a prefiltered clip that serves every QP
SEED = "{seed}"
# The section of a configuration whose networks a path below the results belongs to.
_SECTION = re.compile(r"\{results\}/(?:models/)?(\w+)/")


def place_of(point: Any) -> str:
    """Path without suffix of a point's files, below the folder of their kind (streams, points).

    ``point`` has the fields of a PointKey: one itself, or a rule's wildcards.
    """
    return f"{point.codec}/{point.configuration}/{point.sequence}/{point.method}/qp{point.qp}"


@dataclass(frozen=True)
class Settings:
    """One experiment, complete and checked; ``codecs`` holds all entries, not only the chosen.

    A method whose options name ``{seed}`` is in ``config`` once for each seed of the networks that
    it names; ``seeds`` has the seeds of these by their names, which end in ``_seed<seed>``;
    ``written`` is the configuration before that, and before its ``effort`` was taken.
    """

    config: dict[str, Any]
    codecs: dict[str, dict[str, Any]]
    sequences: dict[str, Sequence]
    root: Path
    seeds: Mapping[str, int]
    written: Mapping[str, Any]

    def clip(self, sequence: str) -> ClipFormat:
        """Format of a sequence as this run uses it (first ``frames`` frames)."""
        return self.sequences[sequence].clip(self.config["frames"])

    def source_dir(self, sequence: str) -> Path:
        """Folder of the data set that a sequence belongs to; the current one for one's own."""
        dataset = self.sequences[sequence].dataset
        return Path(self.config["data_dir"]) / dataset if dataset else Path()

    def columns_on_demand(self) -> list[str]:
        """Columns of optional metrics that BD-rates are asked by."""
        wanted = self.config["bd_rate"]["metrics"]
        return [name for name in optional_columns() if name in wanted]

    def points(self) -> Iterator[PointKey]:
        """Every point of the run, in a fixed order."""
        chosen = self.config
        for codec in self.codecs_in_use():
            for configuration in chosen["configurations"]:
                for sequence in chosen["sequences"]:
                    for method in chosen["methods"]:
                        if codec not in self.codecs_of(method):
                            continue
                        if sequence not in self.sequences_of(method):
                            continue
                        if configuration not in chosen["configurations_of"].get(
                            sequence, [configuration]
                        ):
                            continue
                        for qp in chosen["qps"]:
                            yield PointKey(sequence, configuration, codec, method, qp)

    def points_of(self, kind: str) -> Iterator[PointKey]:
        """Points of all methods of a kind, and those of the anchor with the same codecs."""
        return self.points_with_anchor(self.methods_of(kind))

    def points_with_anchor(self, methods: Collection[str]) -> Iterator[PointKey]:
        """Points of the methods named, and those of the anchor with the same codecs."""
        codecs = {codec for method in methods for codec in self.codecs_of(method)}
        anchor = self.config["anchor"]
        for point in self.points():
            if point.method in methods or (point.method == anchor and point.codec in codecs):
                yield point

    def methods_of(self, kind: str) -> list[str]:
        """Names of the methods of a kind."""
        return [name for name, m in self.config["methods"].items() if m["kind"] == kind]

    def base_of(self, method: str) -> str:
        """A method's name in the configuration's file: for each of its seeds the same."""
        return base_name(method, self.seeds.get(method))

    def once(self, methods: Iterable[str]) -> list[str]:
        """Of methods that are there for each seed, the one of the first seed."""
        first = {self.base_of(method): method for method in reversed(list(methods))}
        return list(reversed(first.values()))

    def codecs_of(self, method: str) -> list[str]:
        """Codecs that a method's points are coded with; none for choices of still pictures."""
        if method == self.config["anchor"]:
            return self.codecs_in_use()
        of_method = self.config["methods"][method]
        if of_method["kind"] == "quality_choice":
            return []
        return of_method["codecs"] or self.config["codecs"]

    def sequences_of(self, method: str) -> list[str]:
        """Sequences of the run that a method is run with."""
        of_run, of_method = self.config["sequences"], self.config["methods"][method]["sequences"]
        return [name for name in of_run if of_method is None or name in of_method]

    def codec_of_points(self, name: str) -> dict[str, Any]:
        """A codec's entry, with the rate control of the run's points."""
        is_crf = self.config["rate"] and name in self.codecs_in_use()
        return {**self.codecs[name], "rate": "crf"} if is_crf else self.codecs[name]

    def segmented_codecs(self) -> list[str]:
        """Codecs whose all-intra encodes are cut into segments of ``ai_segment_frames``."""
        if self.config["ai_segment_frames"] is None:
            return []
        in_use = self.codecs_in_use()
        return [name for name in in_use if codec_class(self.codecs[name]).independent_intra]

    def codecs_in_use(self) -> list[str]:
        """The run's codecs, then those that single methods ask for."""
        named = [
            codec
            for method in self.config["methods"].values()
            if method["kind"] != "quality_choice"
            for codec in method["codecs"] or []
        ]
        return list(dict.fromkeys([*self.config["codecs"], *named]))

    def codecs_needed(self) -> list[str]:
        """Codecs in use, and the one of IQNet's training data where the run trains it."""
        trains = "{results}/models/iqnet/" in str(self.config["methods"])
        training = [self.config["iqnet"]["training_data"]["codec"]] if trains else []
        return list(dict.fromkeys([*self.codecs_in_use(), *training]))

    def prefilters(self) -> list[str]:
        """Names of the methods that change the frames before coding."""
        return self.methods_of("prefilter")

    def effective(self) -> dict[str, Any]:
        """The configuration as written, with all defaults, and the codecs that it uses."""
        codecs = {name: self.codecs[name] for name in self.codecs_needed()}
        return {"config": self.written, "codecs": codecs}

    def digest(self) -> str:
        """Short hash of the whole experiment, for reports and tracking."""
        return sha256_of_json(self.effective())[:12]


def read_config(configfiles: Iterable[str | Path], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a run from its files, with keys of the command line in their place.

    A later file replaces keys of the former ones, nested keys one by one. The files are read here
    and not taken from Snakemake, whose reader keeps the last of two equal keys and reads 022 as 18.
    Raises UserError.
    """
    config: dict[str, Any] = {}
    for layer in [*map(load_mapping, configfiles), overrides]:
        config = _merged(config, layer)
    return config


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        former = merged.get(key)
        nested = isinstance(former, Mapping) and isinstance(value, Mapping)
        merged[key] = _merged(former, value) if nested else value
    return merged


def load_settings(config: Mapping[str, Any], root: Path) -> Settings:
    """Check a configuration and everything that it names.

    ``root`` is the folder of the Snakefile. Raises UserError, one message for all mistakes.
    """
    experiment = checked(Experiment, config, "the configuration")
    chosen = experiment.plain()
    chosen["results_dir"] = checked_results_dir(chosen["results_dir"], root)
    _check_data_dir(chosen["data_dir"])
    _check_pictures(chosen["pictures_dir"])
    if chosen["rate"]:
        chosen["qps"] = chosen["rate"]["crf"]
    training_data = chosen["iqnet"]["training_data"]
    training_data["codec"] = training_data["codec"] or chosen["codecs"][0]
    sequences = _load_sequences(root, chosen)
    codecs = _load_codecs(root, chosen)
    _check_methods(chosen, codecs, list(sequences))
    written = deepcopy(chosen)
    _take_effort(chosen)
    chosen["methods"], seeds = _for_each_seed(chosen)
    settings = Settings(chosen, codecs, sequences, root, seeds, written)
    _check_rate(settings)
    # Raises where a source is shorter than `frames`, and where a codec cannot take it.
    clips = {name: settings.clip(name) for name in chosen["sequences"]}
    _check_metrics(settings, clips)
    for codec, sequence in dict.fromkeys((p.codec, p.sequence) for p in settings.points()):
        where = f"the configuration: codec '{codec}', sequence '{sequence}'"
        codec_class(codecs[codec]).check_source(clips[sequence], where)
    for codec, qp in dict.fromkeys((point.codec, point.qp) for point in settings.points()):
        codec_class(codecs[codec]).check_qp(qp, f"the configuration: codec '{codec}'")
    _check_encoders(settings)
    return settings


def _check_encoders(settings: Settings) -> None:
    """UserError for parameters that an encoder does not take, and a program that is none."""
    for name in settings.codecs_in_use():
        spec = settings.codec_of_points(name)
        if spec["adapter"] == OWN:
            continue  # built where it codes
        try:
            codec = get_codec(spec)
            if isinstance(codec, PackagedCodec) and codec.program:
                codec.version()
        except UserError as error:
            own = name in settings.config["own_codecs"]
            raise UserError(
                error.what,
                where=f"{'own_codecs' if own else 'config/codecs.yaml'}: {name}",
                expected=error.expected,
                remedy=error.remedy,
            ) from error


def _check_metrics(settings: Settings, clips: Mapping[str, ClipFormat]) -> None:
    """UserError for a clip that is too small for a metric."""
    for metric in computed(settings.columns_on_demand()):
        for name, clip in clips.items():
            if min(clip.width, clip.height) < metric.least_side:
                raise UserError(
                    f"bd_rate.metrics: '{metric.pooled[0].name}' takes no picture as small as "
                    f"those of sequence '{name}'.",
                    where="the configuration",
                    expected=f"sides of at least {metric.least_side}, found "
                    f"{clip.width}x{clip.height}",
                    remedy="leave out the metric, or the sequence.",
                )


def _load_sequences(root: Path, chosen: dict[str, Any]) -> dict[str, Sequence]:
    """All sequences of the sheet, and those of the run's own that it uses."""
    sheet, own = load_sequences(root / "config/sequences.tsv"), chosen["own_sequences"]
    _check_new("own_sequences", own, list(sheet), "config/sequences.tsv")
    if chosen["sequences"] is None and not own:
        raise UserError(
            "`sequences` names nothing.",
            where="the configuration",
            expected="names of config/sequences.tsv, or entries of `own_sequences`",
        )
    chosen["sequences"] = chosen["sequences"] or list(own)
    _check_names("sequences", chosen["sequences"], [*own, *sheet], _PLACES["sequences"])
    _check_names("configurations_of", chosen["configurations_of"], chosen["sequences"], "sequences")
    for name, configurations in chosen["configurations_of"].items():
        key = f"configurations_of.{name}"
        _check_names(key, configurations, chosen["configurations"], "the key `configurations`")
    used = {name: own[name] for name in chosen["sequences"] if name in own}
    return {**sheet, **{name: own_sequence(name, entry) for name, entry in used.items()}}


def _check_data_dir(folder: str) -> None:
    """Raise UserError for what is no folder of data sets: they are fetched into it."""
    wrong = "is a file" if Path(folder).is_file() else ""
    if "://" in folder:
        wrong = "is an address, and data sets are local files"
    elif folder.startswith("~"):
        wrong = "begins with `~`, which is not replaced by your home folder here"
    elif not folder.isprintable():
        wrong = "has characters that are not shown"
    if wrong:
        raise UserError(
            f"data_dir: {folder!r} {wrong}.",
            where="the configuration",
            expected="the folder of the data sets",
        )


def _check_new(key: str, names: Iterable[str], known: list[str], place: str) -> None:
    for name in names:
        if name.casefold() in map(str.casefold, known):
            raise UserError(
                f"{key}: '{name}' is in {place} already.",
                where="the configuration",
                remedy="choose another name.",
            )


def _check_pictures(folder: str | None) -> None:
    """Raise UserError for a folder of photographs that is not there or has none."""
    if folder is None:
        return
    try:
        picture_files(Path(folder))
    except UserError as error:
        raise UserError(
            f"pictures_dir: {error.what}",
            where=error.where,
            expected=error.expected,
            remedy="correct the path, or write `pictures_dir: null` (`--config pictures_dir=`).",
        ) from error


def _take_effort(chosen: dict[str, Any]) -> None:
    """Multiply the lengths of all trainings, and the number of photographs, by ``effort``."""
    effort = chosen["effort"]
    if effort == 1:
        return
    if chosen["pictures_most"] is not None:
        chosen["pictures_most"] = max(1, round(effort * chosen["pictures_most"]))
    for training in _trainings(chosen):
        for key in ("epochs", "steps"):
            if training.get(key) is not None:
                training[key] = max(1, round(effort * training[key]))


def _trainings(chosen: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The keys of every training of an experiment."""
    yield from (
        chosen["iqnet"]["training"],
        chosen["iqnet"]["cnn_jnqd"],
        chosen["bl_juniper"]["cnn"],
    )
    for paper in ("laser_jnd", "mtjnd"):
        section = chosen[paper]
        yield section["training"]
        yield from section["training_of"].values()
    yield from (chosen["laser_jnd"]["autoencoder"], chosen["laser_jnd"]["reconstruction"])
    yield chosen["vp_jnd"]["training"]
    yield from (one["training"] for one in chosen["vp_jnd"]["variants"].values() if one["training"])


def _load_codecs(root: Path, chosen: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    entries = load_yaml(root / "config/codecs.yaml")
    overrides = chosen["codec_overrides"]
    _check_new("own_codecs", chosen["own_codecs"], list(entries), "config/codecs.yaml")
    own = chosen["own_codecs"].items()
    entries |= {name: {"adapter": "class", **e} if "class" in e else e for name, e in own}
    _check_names("codec_overrides", overrides, list(entries), "config/codecs.yaml")
    merged = {name: {**entry, **overrides.get(name, {})} for name, entry in entries.items()}
    codecs = checked(Codecs, merged, "config/codecs.yaml (with own_codecs and codec_overrides)")
    used = [*chosen["codecs"], chosen["iqnet"]["training_data"]["codec"]]
    _check_names("codecs", used, list(merged), _PLACES["codecs"])
    return codecs.model_dump(by_alias=True)


def _check_methods(
    chosen: Mapping[str, Any], codecs: Mapping[str, Mapping[str, Any]], sequences: list[str]
) -> None:
    methods = chosen["methods"]
    _check_names("anchor", [chosen["anchor"]], list(methods), "the key `methods`")
    if methods[chosen["anchor"]]["kind"] not in ("anchor", "prefilter"):
        raise UserError(
            f"anchor: {chosen['anchor']} is of kind {methods[chosen['anchor']]['kind']}.",
            where="the configuration",
            expected="a method that is coded with every codec: of kind anchor or prefilter",
        )
    coded = [name for name, method in methods.items() if method["kind"] != "quality_choice"]
    compared = [name for pair in chosen["bd_rate"]["between"] for name in pair]
    _check_names("bd_rate.between", compared, coded, "the key `methods`")
    _check_labels(methods)
    for name, method in methods.items():
        key, kind = f"methods.{name}", method["kind"]
        _check_names(f"{key}.codecs", method["codecs"] or [], list(codecs), _PLACES["codecs"])
        if kind != "anchor" and not method["class"]:
            raise UserError(
                f"{key} is a {kind} without a class.",
                where="the configuration",
                expected="class: package.module:Class",
                remedy=f"add the key `class` to {key}, or set its kind to `anchor`.",
            )
        if kind == "anchor" and (method["class"] or method["options"] or method["codecs"]):
            raise UserError(
                f"{key} is an anchor, which takes neither `class` nor `options` nor `codecs`.",
                where="the configuration",
                remedy=f"remove them, or set the kind of {key} to `prefilter`.",
            )
        of_method = method["sequences"] or []
        _check_names(f"{key}.sequences", of_method, sequences, _PLACES["sequences"])
        if of_method and kind != "prefilter":
            raise UserError(
                f"{key} (kind {kind}) runs with all sequences.",
                where="the configuration",
                expected="`sequences` in a method of the kind `prefilter`",
            )
        if kind == "block_qp":
            _check_takes_maps(key, method["codecs"] or chosen["codecs"], codecs)


def _check_labels(methods: Mapping[str, Mapping[str, Any]]) -> None:
    """Raise UserError for two methods of one name in tables, where they would be one."""
    taken: dict[str, str] = {}
    for name, method in methods.items():
        label = method["label"] or name
        if label in taken:
            raise UserError(
                f"methods.{taken[label]} and methods.{name} are both called '{label}' in tables.",
                where="the configuration",
                expected="a `label` of its own for each method",
            )
        taken[label] = name


def _for_each_seed(chosen: Mapping[str, Any]) -> tuple[dict[str, dict[str, Any]], dict[str, int]]:
    """The methods, those that name ``{seed}`` once for each, and the seeds by name.

    One seed leaves a method its name. Choices of still pictures are made by seed without that.
    """
    methods: dict[str, dict[str, Any]] = {}
    seeds_of: dict[str, int] = {}
    for name, method in chosen["methods"].items():
        if method["kind"] == "quality_choice" or SEED not in str(method["options"]):
            methods[name] = method
            continue
        seeds = _seeds_named(name, method, chosen)
        for seed in seeds:
            own, label = name, method["label"]
            if len(seeds) > 1:
                own, label = f"{name}_seed{seed}", f"{label or name}, seed {seed}"
                seeds_of[own] = seed
            if own in methods or (own != name and own in chosen["methods"]):
                raise UserError(
                    f"two methods have the name '{own}'.",
                    where=f"methods.{name}, which is run for each seed",
                    remedy="give the other method another name.",
                )
            options = expanded_options(method["options"], seed=str(seed))
            methods[own] = {**method, "options": options, "label": label}
    return methods, seeds_of


def _seeds_named(name: str, method: Mapping[str, Any], chosen: Mapping[str, Any]) -> list[int]:
    """Seeds of the networks that the options of a method name."""
    texts = [text for text in texts_of(method["options"]) if SEED in text]
    named = {match[1] for text in texts for match in _SECTION.finditer(text)}
    seeded = {
        key for key, section in chosen.items() if isinstance(section, dict) and "seeds" in section
    }
    if len(named & seeded) != 1 or not all(_SECTION.search(text) for text in texts):
        raise UserError(
            f"methods.{name}: {{seed}} stands for the seeds of networks that the run trains, "
            f"which are not found in '{texts[0]}'.",
            where="the configuration",
            expected="a path such as {results}/models/iqnet/iqnet_seed{seed}/model.onnx, of one of "
            + ", ".join(sorted(seeded)),
            remedy="correct the path, or write a number in place of {seed}.",
        )
    seeds: list[int] = chosen[(named & seeded).pop()]["seeds"]
    return seeds


def _check_rate(settings: Settings) -> None:
    """Raise UserError where a run at constant rate factor has what only QPs fit."""
    if not settings.config["rate"]:
        return
    for name in settings.codecs_in_use():
        if not codec_class(settings.codecs[name]).takes_crf:
            raise UserError(
                f"rate: codec '{name}' has no constant rate factor.",
                where="the configuration",
                expected="codecs with adapter x264, x265, svtav1 or libaom",
                remedy="leave it out, or give `qps` in place of `rate`.",
            )
    for name, method in settings.config["methods"].items():
        if method["kind"] in ("jnd_predictor", "block_qp") or method["per_qp"]:
            raise UserError(
                f"rate: methods.{name} chooses by QP, which a run at constant rate factor has not.",
                where="the configuration",
                remedy="leave it out, or give `qps` in place of `rate`.",
            )


def _check_takes_maps(key: str, names: list[str], codecs: Mapping[str, Mapping[str, Any]]) -> None:
    able = [name for name, spec in codecs.items() if codec_class(spec).takes_qp_map]
    for name in names:
        if name not in able:
            raise UserError(
                f"{key}: codec '{name}' takes no QP for each block.",
                where="the configuration",
                expected=f"{key}.codecs of {', '.join(able)}",
            )


def _check_names(key: str, names: Any, known: list[str], place: str) -> None:
    for name in names:
        if name not in known:
            raise UserError(
                f"{key}: '{name}' is unknown{did_you_mean(name, known)}.",
                where="the configuration",
                expected=f"one of {', '.join(known)}",
                remedy=f"correct the name, or add it to {place}.",
            )
