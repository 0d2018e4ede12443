"""What BL-JUNIPER's rules share: settings and small functions; no rules here."""

from types import SimpleNamespace

from jndlab.jnd.saliency.visual_importance import SALIENCY_MODELS
from jndlab.quality.rd_point import PointKey

BL_JUNIPER = settings.config["bl_juniper"]
BL_JUNIPER_DATA = BL_JUNIPER["training_data"]
BL_JUNIPER_CNN = BL_JUNIPER["cnn"]
# What a trained network depends on: not where others' weights lie, nor how it is used afterwards.
BL_JUNIPER_TRAINING = {name: value for name, value in BL_JUNIPER_CNN.items() if name not in ("weights", "raw_ti")}
BL_JUNIPER_SPLIT = {name: BL_JUNIPER_DATA[name] for name in ("shares", "seed")}
# The network is trained only where a method of the run uses it.
BL_JUNIPER_CNN_IS_USED = is_used("{results}/bl_juniper/block_jnd/cnn/")
BL_JUNIPER_JND = "cnn" if BL_JUNIPER_CNN_IS_USED else "mapped"
BL_JUNIPER_METHODS = settings.methods_of("block_qp")
BL_JUNIPER_POINTS = list(settings.points_of("block_qp"))
BL_JUNIPER_PLACES = sorted({(point.codec, point.configuration) for point in BL_JUNIPER_POINTS})
BL_JUNIPER_PLAIN_QPS = [qp for qp in BL_JUNIPER["compare"]["plain_qps"] if qp not in settings.config["qps"]]
# The anchor at further QPs, so that its curve reaches the rates of the controlled streams.
BL_JUNIPER_PLAIN = [
    PointKey(sequence, configuration, codec, settings.config["anchor"], qp)
    for codec, configuration in BL_JUNIPER_PLACES
    for sequence in settings.config["sequences"]
    for qp in BL_JUNIPER_PLAIN_QPS
]
BL_JUNIPER_MAPS = sorted({(p.sequence, p.method, p.qp) for p in BL_JUNIPER_POINTS if p.method in BL_JUNIPER_METHODS})
BL_JUNIPER_TABLES = [
    "answers",
    "headline",
    "headline_comparison",
    "bd_rate",
    "equal_rate",
    "plain_qp_increase",
    "block_qps",
]
BL_JUNIPER_ERRORS = ["block_jnd_error", "label_tension"]
BL_JUNIPER_CURVES = ["vmaf_mean", "psnr_y_framemean"]
BL_JUNIPER_FIGURES = [*(f"rd_{metric}" for metric in BL_JUNIPER_CURVES), "gain_wpsnr", "gain_wssim"]
BL_JUNIPER_TARGET_QP = (
    min(settings.config["qps"]) if BL_JUNIPER["figures"]["target_qp"] is None else BL_JUNIPER["figures"]["target_qp"]
)
MCL_JCV_CLIPS = BL_JUNIPER_DATA["clips"] or [f"SRC{number:02d}" for number in range(1, 31)]


def check_bl_juniper():
    """Names in this section and in the methods that belong to it, told before anything runs."""
    for key, section in (("clip_labels", BL_JUNIPER["clip_labels"]), ("training_data", BL_JUNIPER_DATA)):
        if section["codec"] not in settings.codecs:
            raise WorkflowError(f"bl_juniper.{key}.codec: '{section['codec']}' is no entry of config/codecs.yaml.")
    texts = "\n".join(text for name in BL_JUNIPER_METHODS for text in texts_of(settings.config["methods"][name]))
    for name in re.findall(r"\{results\}/bl_juniper/importance/(\w+)/", texts):
        if name not in BL_JUNIPER["importance"]:
            known = ", ".join(BL_JUNIPER["importance"])
            raise WorkflowError(f"a method names the importance map '{name}'; bl_juniper.importance has {known}.")
    if "bl_juniper" in settings.config["papers"] and not BL_JUNIPER_METHODS:
        raise WorkflowError("`papers` names bl_juniper, but no method of the run is of kind block_qp.")


def saliency_code(wildcards):
    """Digest of the code of a saliency model's class."""
    model = BL_JUNIPER["importance"][wildcards.saliency]["model"]
    return digest(import_closure(class_file(SALIENCY_MODELS.get(model, model), SCRIPTS), SCRIPTS))


def clips_as_text():
    """Formats of all sequences, for `params`."""
    return {name: clip_of(SimpleNamespace(sequence=name)) for name in settings.config["sequences"]}


def weighed_points(wildcards):
    """The points of one codec, configuration and sequence whose streams are weighed."""
    wanted = (wildcards.codec, wildcards.configuration, wildcards.sequence)
    return [
        point
        for point in [*BL_JUNIPER_POINTS, *BL_JUNIPER_PLAIN]
        if (point.codec, point.configuration, point.sequence) == wanted
    ]


def bl_juniper_table(name):
    """The page of one of this paper's tables in the report."""
    return report(
        f"{RESULTS}/bl_juniper/tables/{name}.html",
        caption="../../report/bl_juniper/tables.rst",
        category="BL-JUNIPER",
        labels={"table": name.replace("_", " ")},
    )


def bl_juniper_figure(name):
    """One of this paper's figures in the report."""
    return report(
        f"{RESULTS}/bl_juniper/figures/{name}.png",
        caption=f"../../report/bl_juniper/{'maps' if name.startswith('maps_') else 'figures'}.rst",
        category="BL-JUNIPER",
        labels={"figure": name.replace("_", " ")},
    )


check_bl_juniper()
