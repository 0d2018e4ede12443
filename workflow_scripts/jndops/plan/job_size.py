"""How much work a job is, in the unit that its time grows with: pixels, pictures, points."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from jndlab.codecs.segments import segment_lengths
from jndlab.files import sha256_of_json
from jndlab.papers.jnd_networks.stages import stages_of, training_of
from jndops.settings import Settings

# Rules that read all points of a run.
POINT_RULES = frozenset(
    "collect_points tabulate_points compare_methods plot_figures plot_rd_curves tabulate_iqnet "
    "plot_iqnet_figures describe_run mirror_mlflow".split()
)
# Rules that go through a clip or a segment of one, as do others with a sequence among their
# wildcards: a recorded job of these without a known sequence is one of another configuration.
CLIP_RULES = frozenset(
    "prepare_sequence prefilter_clip measure_prefilter predict_jnd map_block_qps encode_clip "
    "encode_segment join_segments measure_point".split()
)
# Rules whose time depends on the method, and not on the clip alone.
METHOD_RULES = frozenset("prefilter_clip predict_jnd map_block_qps".split())
# What rules of such names do takes as long in a large run as in a small one.
CONSTANT = ("plot_", "tabulate_", "audit_", "choose_", "keep_", "fetch_")
VIMEO90K_PICTURES = 7824  # the official test list, one picture of each of its clips
CNN_JNQD_CROP = 14  # side of CNN-JNQD's training input (Ki et al., TIP 2018)
# A step of these networks of LASeR-JND, which look at whole pictures, costs about as much as ten.
TEN_TIMES = ("rec", "e2e_rec", "mj_rec")
# Sections of the configuration that rules of papers other than IQNet follow.
_OTHER_PAPERS = ("jnd_frames", "laser_jnd", "mtjnd", "vp_jnd", "bl_juniper")


class Work(NamedTuple):
    """What a cost model must know of a job.

    ``kinds`` names whose timings apply, best first: time grows with ``size`` (None: not known)
    at a rate that may depend on ``qp``.
    """

    kinds: tuple[str, ...]
    size: float | None
    qp: int | None = None


def work_of(rule: str, wildcards: Mapping[str, str], settings: Settings) -> Work:
    """Work of one job of a run, from its rule and its wildcards.

    A rule that neither goes through a clip nor is known here has timings of its own for each
    configuration: what a demo's training takes says nothing of the papers' scale.
    """
    if rule in _IQNET:
        return _IQNET[rule](rule, settings.config["iqnet"])
    if rule in _TRAININGS:
        return Work((rule,), _TRAININGS[rule](settings.config))
    if rule in POINT_RULES:
        return Work((rule,), float(sum(1 for _ in settings.points())))
    if rule.startswith(CONSTANT):
        return Work((rule,), 0.0)
    if rule in CLIP_RULES or "sequence" in wildcards:
        return _clip_work(rule, wildcards, settings)
    sections = {name: settings.config.get(name) for name in _OTHER_PAPERS}
    return Work((f"{rule} (settings {sha256_of_json(sections)[:6]})",), 0.0)


def threads_of(rule: str, settings: Settings) -> int:
    """Threads that a rule's time is divided by: those that the configuration gives it."""
    threads = settings.config["threads"]
    if rule in ("encode_clip", "encode_segment"):
        return threads["encode"]
    return threads["measure"] if rule in ("measure_point", "measure_prefilter") else 1


def megapixel_frames(width: int, height: int, frames: int) -> float:
    """Luma samples of all frames of a clip, in millions."""
    return width * height * frames / 1e6


def encode_kind(codec: str, configuration: str) -> str:
    """Name of the timings of an encoder."""
    return f"encode {codec} {configuration}"


def _clip_work(rule: str, wildcards: Mapping[str, str], settings: Settings) -> Work:
    clip = settings.clip(wildcards["sequence"])
    frames = clip.frames
    if "segment" in wildcards:
        lengths = segment_lengths(frames, settings.config["ai_segment_frames"])
        frames = lengths[int(wildcards["segment"])]
    size = megapixel_frames(clip.width, clip.height, frames)
    if rule in ("encode_clip", "encode_segment"):
        configuration = wildcards.get("configuration", "AI")
        kinds = (encode_kind(wildcards["codec"], configuration),)
        return Work(kinds, size, int(wildcards["qp"]))
    if rule in METHOD_RULES:
        return Work((f"{rule} {settings.base_of(wildcards['method'])}", rule), size)
    if rule == "measure_prefilter":
        return Work((rule, "measure_point"), size)
    return Work((rule,), size)


def _candidates(rule: str, iqnet: Mapping[str, Any]) -> Work:
    """A share of the pictures, coded at each alpha and once as they are."""
    data = iqnet["training_data"]
    kinds = (f"{rule} {data['codec']}", encode_kind(data["codec"], "AI"))
    pictures = _megapixels(data)
    size = None if pictures is None else pictures * (len(data["alphas"]) + 1) / data["jobs"]
    return Work(kinds, size, data["qp"])


def _scores(rule: str, iqnet: Mapping[str, Any]) -> Work:
    data = iqnet["training_data"]
    pictures = _megapixels(data)
    size = None if pictures is None else pictures * (len(data["alphas"]) + 1)
    return Work((f"{rule} {data['scorer']}",), size)


def _pictures(rule: str, iqnet: Mapping[str, Any]) -> Work:
    return Work((rule,), _megapixels(iqnet["training_data"]))


def _lr_jnqd_targets(rule: str, iqnet: Mapping[str, Any]) -> Work:
    return Work((rule, "prefilter_clip lr_jnqd"), _megapixels(iqnet["training_data"]))


def _coded_pictures(rule: str, iqnet: Mapping[str, Any]) -> Work:
    return Work((f"{rule} {iqnet['training_data']['codec']}",), 0.0)


def _training(rule: str, iqnet: Mapping[str, Any]) -> Work:
    return Work((rule,), _training_megapixels(iqnet, iqnet["training"], iqnet["training"]["crop"]))


def _cnn_jnqd_training(rule: str, iqnet: Mapping[str, Any]) -> Work:
    return Work((rule,), _training_megapixels(iqnet, iqnet["cnn_jnqd"], CNN_JNQD_CROP))


def _frames_seen(paper: str, config: Mapping[str, Any]) -> float | None:
    """Frames of all steps of a job that trains a paper's networks from all seeds, in thousands."""
    section, seen = config[paper], 0.0
    for stage in stages_of(paper, section).values():
        if not stage.trained:
            continue
        training = training_of(section, stage)
        if training["steps"] is None:
            return None  # epochs of frames whose number only the files show
        cost = 10 if stage.network in TEN_TIMES else 1
        seen += cost * training["steps"] * training["batch_size"] / 1000
    return seen * len(section["seeds"])


def _pairs_seen(config: Mapping[str, Any]) -> float:
    """Pairs of all steps of a training of VP-JND, in thousands."""
    training = config["vp_jnd"]["training"]
    return float(training["steps"] * training["batch_size"] / 1000)


def _blocks_seen(config: Mapping[str, Any]) -> float | None:
    """Blocks of all epochs of a training of BL-JUNIPER, in thousands."""
    data, epochs = config["bl_juniper"]["training_data"], config["bl_juniper"]["cnn"]["epochs"]
    if data["source"] != "panned_pictures":
        return None
    blocks = (data["crop"][0] // 64) * (data["crop"][1] // 64) * data["crops_per_picture"]
    pictures = data["pictures"] + ((config["pictures_most"] or 0) if config["pictures_dir"] else 0)
    return float(epochs * pictures * blocks * data["split"]["fractions"]["train"] / 1000)


_TRAININGS: dict[str, Callable[[Mapping[str, Any]], float | None]] = {
    "train_laser_jnd": partial(_frames_seen, "laser_jnd"),
    "train_mtjnd": partial(_frames_seen, "mtjnd"),
    "train_vp_jnd": _pairs_seen,
    "train_bl_juniper": _blocks_seen,
}
_IQNET = {
    "make_iqnet_candidates": _candidates,
    "score_iqnet_patches": _scores,
    "select_iqnet_alphas": _pictures,
    "list_iqnet_pictures": _pictures,
    "filter_lr_jnqd_targets": _lr_jnqd_targets,
    "encode_iqnet_training_pictures": _coded_pictures,
    "encode_iqnet_ablations": _coded_pictures,
    "train_iqnet": _training,
    "train_cnn_jnqd": _cnn_jnqd_training,
}


def _training_megapixels(
    iqnet: Mapping[str, Any], training: Mapping[str, Any], crop: int
) -> float | None:
    """Input samples of all steps of a training, in millions."""
    pictures = _count(iqnet["training_data"])
    if pictures is None:
        return None
    crops = pictures * training["split"]["fractions"]["train"] * training["crops_per_picture"]
    return training["epochs"] * crops * crop * crop / 1e6


def _megapixels(data: Mapping[str, Any]) -> float | None:
    """Size of all training pictures, in millions of luma samples."""
    count = _count(data)
    if count is None or data["crop"] is None:
        return None
    return count * data["crop"][0] * data["crop"][1] / 1e6


def _count(data: Mapping[str, Any]) -> int | None:
    """Number of training pictures at most; None where only the files show it."""
    if data["source"] == "vimeo90k":
        return min(data["pictures"] or VIMEO90K_PICTURES, VIMEO90K_PICTURES)
    return data["pictures"]
