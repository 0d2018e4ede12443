"""What all rules share: the checked settings and small functions; no rules here."""

import re
import subprocess
from dataclasses import asdict

from snakemake.exceptions import WorkflowError

from jndlab.codecs.segments import segment_lengths
from jndlab.datasets.prepare import source_path
from jndlab.errors import UserError
from jndlab.jnd.method_class import expanded_options
from jndlab.media.clip import clip_as_text
from jndops import snakemake_patches
from jndops.plan.encode_priority import EncodePriority, run_model
from jndops.environment import PYTHON
from jndops.environment import prepare as prepare_environment
from jndops.imports import class_file, digest, import_closure
from jndops.rule_defaults import complete_rules, doubling
from jndops.settings import ALL_QPS, load_settings

ROOT = Path(workflow.basedir)
SCRIPTS = ROOT / "workflow_scripts"
ADAPTERS = {
    path.stem: path
    for path in SCRIPTS.glob("*/*.py")
    if not path.parent.name.startswith("jnd") or path.parent.name == "jnd_networks"
}

try:
    settings = load_settings(config, ROOT)
    # Here and not when a rule first asks, so that a class that is not there is told at once.
    METHOD_FILES = {
        name: import_closure(class_file(method["class"], SCRIPTS), SCRIPTS)
        for name, method in settings.config["methods"].items()
        if method["class"]
    }
except UserError as error:
    raise WorkflowError(str(error))


prepare_environment(mlflow=settings.config["mlflow"])
snakemake_patches.apply()
RESULTS = settings.config["results_dir"]
ENCODE_PRIORITY = EncodePriority(settings, run_model(settings, ROOT))
STREAM_SUFFIX = {"vvenc": "266", "vtm": "266", "x265": "265", "kvazaar": "265", "x264": "264"}
SEGMENT = "<results>/segments/{codec}/AI/{sequence}/{method}/qp{qp}/{segment}.{suffix}"


def one_of(names):
    """Regular expression that matches exactly the given names."""
    return "|".join(re.escape(name) for name in names)


def method_code(wildcards):
    """Digest of the code of a method's class."""
    return digest(METHOD_FILES[wildcards.method])


def code_of_codec(codec):
    """Digest of the code of a codec's adapter."""
    return digest(import_closure(SCRIPTS / f"jndlab/codecs/{codec['adapter']}.py", SCRIPTS))


def codec_code(wildcards):
    """Digest of the code of a codec's adapter."""
    return code_of_codec(settings.codecs[wildcards.codec])


def clip_of(wildcards):
    """Format of a sequence as this run uses it, as plain text for `params`."""
    return clip_as_text(settings.clip(wildcards.sequence))


def megapixels(wildcards):
    """Size of a clip in millions of luma samples over all frames."""
    clip = settings.clip(wildcards.sequence)
    return clip.width * clip.height * clip.frames / 1e6


def memory_mb(wildcards, attempt):
    """Memory of an encoder or metric: grows with the picture, doubled on each retry."""
    clip = settings.clip(wildcards.sequence)
    return int((400 + 600 * clip.width * clip.height / 1e6) * 2 ** (attempt - 1))


# One function for several inputs: Snakemake spends a tenth of a millisecond on each call, and plans thousands.
def coded_clip_of(wildcards):
    """What a point codes, with its metadata, and what its method says about the QP.

    The clip is the source itself, or what the method's prefilter made of it.
    """
    stem = coded_stem(wildcards)
    files = dict(clip=f"{stem}.mkv", metadata=f"{stem}.json")
    kind = settings.config["methods"][wildcards.method]["kind"]
    if kind == "jnd_predictor":
        files["predicted"] = f"{RESULTS}/predicted_jnd/{wildcards.sequence}/{wildcards.method}.json"
    if kind == "block_qp":
        files["qp_map"] = f"{RESULTS}/qp_maps/{wildcards.sequence}/{wildcards.method}/qp{wildcards.qp}.npz"
    return files


def coded_files_of(wildcards):
    """A point's stream, the metadata of its encode and of the coded clip, and what the prefilter alone cost."""
    stem, stream = coded_stem(wildcards), stream_of(wildcards)
    return dict(
        stream=stream,
        encode=f"{stream}.json",
        coded_metadata=f"{stem}.json",
        prefilter_metrics=f"{stem}.metrics.json" if is_prefiltered(wildcards) else [],
    )


def coded_stem(wildcards):
    """Path without suffix of the clip that a point codes."""
    if not is_prefiltered(wildcards):
        return f"{RESULTS}/sequences/{wildcards.sequence}"
    return f"{RESULTS}/prefiltered/{wildcards.sequence}/{wildcards.method}/{variant_of(wildcards)}"


def is_prefiltered(wildcards):
    """Whether a point's method changes the frames before coding."""
    return settings.config["methods"][wildcards.method]["kind"] == "prefilter"


def variant_of(wildcards):
    """Which filtered version of a sequence a point uses: one for all QPs or one for each."""
    method = settings.config["methods"][wildcards.method]
    return f"qp{wildcards.qp}" if method["per_qp"] else ALL_QPS


def options_of(wildcards):
    """Options of a method, with the names of results and sequence filled in."""
    options = settings.config["methods"][wildcards.method]["options"]
    return expanded_options(options, results=RESULTS, sequence=wildcards.sequence)


def models_of(wildcards):
    """Model files that a prefilter's options name: they are made first, and a change re-runs the method."""
    options = options_of(wildcards)
    if "models" in options:
        by_qp = {str(qp): path for qp, path in options["models"].items()}
        return [path for qp, path in by_qp.items() if wildcards.variant == f"qp{qp}"]
    return [options["model"]] if "model" in options else []


def files_of_options(wildcards):
    """Files that a method's options name below `{results}`: what the run itself makes for it first."""
    return [text for text in texts_of(options_of(wildcards)) if text.startswith(f"{RESULTS}/")]


def texts_of(value):
    """All texts in nested options."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for item in value for text in texts_of(item)]
    return [value] if isinstance(value, str) else []


def is_used(folder):
    """Whether a method of the run names a model below this folder: only then is it trained."""
    return any(folder in str(method["options"]) for method in settings.config["methods"].values())


def stream_of(wildcards):
    """The stream of a point."""
    suffix = STREAM_SUFFIX[settings.codecs[wildcards.codec]["adapter"]]
    return f"{point_stem('streams', wildcards)}.{suffix}"


def segments_of(wildcards):
    """Streams of all segments of a point, with their metadata."""
    frames = settings.clip(wildcards.sequence).frames
    segments = range(len(segment_lengths(frames, settings.config["ai_segment_frames"])))
    streams = expand(SEGMENT, segment=segments, **wildcards)
    return dict(streams=streams, metadata=[f"{stream}.json" for stream in streams])


def sheet_row(wildcards):
    """A sequence's row of the sheet, as plain text and numbers for `params`."""
    row = asdict(settings.sequences[wildcards.sequence])
    return {**row, "fps": str(row["fps"])}


def raw_source(wildcards):
    """File that a sequence comes from; none while it is missing, so that a plan can be made without."""
    sequence = settings.sequences[wildcards.sequence]
    try:
        return [str(source_path(sequence, settings.source_dir(wildcards.sequence)))]
    except UserError:
        return []


def encode_priority(wildcards):
    """Priority of an encode, 10 to 11.9: the longest first, so that the last jobs of a run are short."""
    return ENCODE_PRIORITY(dict(wildcards.items()))


def encode_minutes(wildcards, attempt):
    """Wall time limit of an encode: generous, doubled on each retry."""
    seconds_per_megapixel = {"vtm": 900, "vvenc": 60, "x265": 5, "kvazaar": 5, "x264": 2}
    adapter = settings.codecs[wildcards.codec]["adapter"]
    return int((10 + megapixels(wildcards) * seconds_per_megapixel[adapter] / 60) * 2 ** (attempt - 1))


def point_stem(kind, point):
    """Path of a point's files without suffix, below `kind` (streams or points)."""
    return f"{RESULTS}/{kind}/{point.codec}/{point.configuration}/{point.sequence}/{point.method}/qp{point.qp}"


def all_points():
    """The RD point files of the whole run."""
    return [f"{point_stem('points', point)}.json" for point in settings.points()]


def points_of(kind):
    """RD point files of all methods of a kind, with those of the anchor on the same codecs."""
    return [f"{point_stem('points', point)}.json" for point in settings.points_of(kind)]


def classes():
    """Class of each sequence of the run, for class means."""
    return {name: settings.sequences[name].class_name for name in settings.config["sequences"]}


def labels():
    """Name of each method in tables and figures."""
    return {name: method["label"] or name for name, method in settings.config["methods"].items()}


def trained_network(folder):
    """What every training leaves in the folder of its network."""
    return dict(
        model=f"{folder}/model.onnx",
        weights=f"{folder}/model.pt",
        metrics=f"{folder}/metrics.csv",
        summary=f"{folder}/summary.json",
    )


def table(stem):
    """A table to read by machine, by people and by LaTeX; its page for the report stands beside it."""
    return [f"{RESULTS}/{stem}.{suffix}" for suffix in ("csv", "md", "tex")]


def figure_data(stem):
    """What stands beside a figure's PNG: to print, and the data behind it."""
    return [f"{RESULTS}/{stem}.{suffix}" for suffix in ("svg", "csv")]


def summarise(*options):
    """Tell the user, at the end of a run, what there is and where."""
    script = ADAPTERS["summarise_run"]
    subprocess.run([PYTHON, str(script), "--results", RESULTS, *options], check=False)
