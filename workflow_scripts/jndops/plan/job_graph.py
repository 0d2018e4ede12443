"""The jobs of a run and what each waits for, from the configuration alone: quick, for plans.

These are the jobs of the pipeline that all runs share and of IQNet. Jobs of other papers are known
only to Snakemake itself (:mod:`jndops.plan.snakemake_graph`); :func:`left_out` names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jndlab.codecs.segments import segment_lengths
from jndops.plan.job_size import megapixel_frames
from jndops.settings import ALL_QPS, Point, Settings

# As the rules say; of encodes the least.
PRIORITIES = {
    "fetch_iqnet_scorer": 40,
    **dict.fromkeys(
        "list_iqnet_pictures make_iqnet_candidates score_iqnet_patches select_iqnet_alphas "
        "train_iqnet filter_lr_jnqd_targets train_cnn_jnqd".split(),
        30,
    ),
    **dict.fromkeys("prefilter_clip predict_jnd map_block_qps".split(), 20),
    "measure_point": 15,
    "join_segments": 12,
    **dict.fromkeys("encode_clip encode_segment".split(), 10),
}
IQNET_MODELS = "{results}/models/iqnet/"
CNN_JNQD_MODELS = "{results}/models/cnn_jnqd/"
# Rules that run once, and the rules all of whose jobs they wait for.
_IQNET_TRAINING = {
    "list_iqnet_pictures": (),
    "fetch_iqnet_scorer": (),
    "make_iqnet_candidates": ("list_iqnet_pictures",),
    "score_iqnet_patches": ("make_iqnet_candidates", "fetch_iqnet_scorer"),
    "select_iqnet_alphas": ("score_iqnet_patches",),
    "train_iqnet": ("select_iqnet_alphas",),
}
_IQNET_PICTURES = {
    "choose_iqnet_pictures": ("score_iqnet_patches",),
    "encode_iqnet_training_pictures": ("choose_iqnet_pictures", "train_iqnet"),
    "plot_iqnet_training_pictures": ("encode_iqnet_training_pictures",),
    "encode_iqnet_ablations": ("choose_iqnet_pictures",),
    "plot_iqnet_ablations": ("encode_iqnet_ablations",),
}


@dataclass(frozen=True)
class Job:
    """One job: its rule and wildcards, what it waits for (places in the list of jobs), its needs.

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


def quick_graph(settings: Settings) -> list[Job]:
    """All jobs of a run but those of :func:`left_out`, each after the jobs that it waits for."""
    graph = _Graph(settings)
    graph.add("keep_config")
    if _uses(settings, IQNET_MODELS) or _uses(settings, CNN_JNQD_MODELS):
        graph.iqnet_training()
    for point in settings.points():
        graph.point(point)
    graph.after_points()
    return graph.jobs


def left_out(settings: Settings) -> list[str]:
    """What a quick graph has no jobs of, in words."""
    papers = settings.config["papers"]
    told = ["IQNet's pictures of frames (seconds each)"] if "iqnet" in papers else []
    others = [name for name in papers if name != "iqnet"]
    if others:
        told.append(f"labels, trainings, tables and figures of {', '.join(others)}")
    return told


class _Graph:
    """Jobs by identity, each made when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.jobs: list[Job] = []
        self.known: dict[tuple[str, ...], int] = {}
        self.by_rule: dict[str, list[int]] = {}
        self.pixels = {
            name: megapixel_frames(clip.width, clip.height, clip.frames)
            for name in settings.config["sequences"]
            for clip in [settings.clip(name)]
        }

    def add(self, rule: str, needs: Iterable[int] = (), **wildcards: str) -> int:
        """Place of a job, which is made unless it is there."""
        key = (rule, *wildcards.values())
        if key not in self.known:
            threads = self.settings.config["threads"]
            asked = {"encode_clip": threads["encode"], "encode_segment": threads["encode"]}
            asked |= {"measure_point": threads["measure"], "measure_prefilter": threads["measure"]}
            asked |= {"train_iqnet": 2, "train_cnn_jnqd": 2}
            job = Job(
                rule,
                wildcards,
                tuple(dict.fromkeys(needs)),
                asked.get(rule, 1),
                int(rule in ("train_iqnet", "train_cnn_jnqd")),
                PRIORITIES.get(rule, 0),
                self.pixels.get(wildcards.get("sequence", ""), 0.0),
            )
            if rule == "score_iqnet_patches" and self._scorer() != "piqe":
                job = Job(rule, needs=job.needs, threads=8, gpus=1, priority=job.priority)
            self.known[key] = len(self.jobs)
            self.by_rule.setdefault(rule, []).append(len(self.jobs))
            self.jobs.append(job)
        return self.known[key]

    def once(self, rules: Mapping[str, tuple[str, ...]]) -> None:
        """One job of each rule, after all jobs of the rules that it waits for."""
        for rule, needs in rules.items():
            self.add(rule, (place for name in needs for place in self.by_rule.get(name, [])))

    def iqnet_training(self) -> None:
        """Training data of IQNet and its baselines, and their trainings."""
        rules = dict(_IQNET_TRAINING)
        if self._scorer() == "piqe":  # has no weights to fetch
            del rules["fetch_iqnet_scorer"]
        del rules["make_iqnet_candidates"]
        if not _uses(self.settings, IQNET_MODELS):
            del rules["train_iqnet"]
        first = self.add("list_iqnet_pictures")
        for share in range(self.settings.config["iqnet"]["training_data"]["jobs"]):
            self.add("make_iqnet_candidates", [first], batch=f"{share:04d}")
        self.once(rules)
        if _uses(self.settings, CNN_JNQD_MODELS):
            sources = self.by_rule["select_iqnet_alphas"]
            for qp in map(str, self.settings.config["qps"]):
                targets = self.add("filter_lr_jnqd_targets", sources, qp=qp)
                self.add("train_cnn_jnqd", [targets], qp=qp)

    def point(self, point: Point) -> None:
        """One point's jobs: its clip, its encode whole or in segments, its measurement."""
        names = {name: str(value) for name, value in point._asdict().items()}
        sequence, method, qp = names["sequence"], names["method"], names["qp"]
        kind = self.settings.config["methods"][method]["kind"]
        prepared = self.add("prepare_sequence", sequence=sequence)
        needs, measured = [prepared], [prepared]
        if kind == "prefilter":
            needs = [self._prefiltered(sequence, method, qp, prepared)]
            variant = self.jobs[needs[0]].wildcards["variant"]
            wildcards = {"sequence": sequence, "method": method, "variant": variant}
            measured.append(self.add("measure_prefilter", [*needs, prepared], **wildcards))
        elif kind == "jnd_predictor":
            needs.append(self.add("predict_jnd", [prepared], sequence=sequence, method=method))
        elif kind == "block_qp":
            of_map = {"sequence": sequence, "method": method, "qp": qp}
            needs.append(self.add("map_block_qps", [prepared], **of_map))
        encode = self._encoded(names, needs, kind != "block_qp")
        self.add("measure_point", [encode, *needs[:1], *measured], **names)

    def after_points(self) -> None:
        """Tables, figures and the mirror, which wait for all points."""
        chosen = self.settings.config
        self.once({"tabulate_points": ("measure_point",), "compare_methods": ("measure_point",)})
        self.once({"plot_figures": ("measure_point",)})
        if "iqnet" in chosen["papers"]:
            self.once({"audit_iqnet": (), "tabulate_iqnet": ("measure_point",)})
            self.once({"plot_iqnet_figures": ("measure_point",)})
            if _uses(self.settings, IQNET_MODELS):
                self.once(_IQNET_PICTURES)
        if chosen["mlflow"]:
            trained = ("train_iqnet", "train_cnn_jnqd")
            shown = ("tabulate_points", "compare_methods", "plot_figures")
            self.once({"mirror_mlflow": ("measure_point", *shown, *trained)})

    def _prefiltered(self, sequence: str, method: str, qp: str, prepared: int) -> int:
        of_method = self.settings.config["methods"][method]
        variant = f"qp{qp}" if of_method["per_qp"] else ALL_QPS
        options = str(of_method["options"])
        needs = [prepared]
        if IQNET_MODELS in options:
            needs += self.by_rule["train_iqnet"]
        if CNN_JNQD_MODELS in options:
            needs += [
                place
                for place in self.by_rule["train_cnn_jnqd"]
                if variant in (ALL_QPS, f"qp{self.jobs[place].wildcards['qp']}")
            ]
        return self.add("prefilter_clip", needs, sequence=sequence, method=method, variant=variant)

    def _encoded(self, names: Mapping[str, str], needs: list[int], in_segments: bool) -> int:
        segmented = in_segments and names["configuration"] == "AI"
        if not (segmented and names["codec"] in self.settings.segmented_codecs()):
            return self.add("encode_clip", needs, **names)
        of_stream = {name: value for name, value in names.items() if name != "configuration"}
        frames = self.settings.clip(names["sequence"]).frames
        count = len(segment_lengths(frames, self.settings.config["ai_segment_frames"]))
        segments = [
            self.add("encode_segment", needs, **of_stream, segment=str(number))
            for number in range(count)
        ]
        return self.add("join_segments", segments, **of_stream)

    def _scorer(self) -> str:
        return self.settings.config["iqnet"]["training_data"]["scorer"]


def _uses(settings: Settings, folder: str) -> bool:
    return any(folder in str(method["options"]) for method in settings.config["methods"].values())
