"""Filter, compare or predict JNDs of videos of your own, by the methods of a configuration."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from jndlab.errors import UserError
from jndlab.files import atomic_path, read_json, write_text
from jndlab.media import ffmpeg
from jndlab.paths import ROOT
from jndlab.yaml_files import load_mapping
from jndops.command import named_files, new_parser, run_command, words_in
from jndops.own_videos.experiment import KIND_OF, Asked, experiment, folder_name, models_of
from jndops.own_videos.held_out import held_out
from jndops.settings import load_settings
from jndops.summary import NO_SUMMARY
from jndops.workflow.environment import SNAKEMAKE

# Of the file that is written: by its suffix, FFmpeg's options.
FORMATS = {".mkv": [], ".y4m": ["-f", "yuv4mpegpipe", "-strict", "-1"], ".yuv": ["-f", "rawvideo"]}


def main(options: argparse.Namespace) -> int:
    """Write the experiment, run it, and print what came out."""
    sys.path.append(str(Path.cwd()))  # where classes of one's own may stand
    asked = _asked(options)
    folder = options.out if options.command == "compare" else ""
    config = experiment(asked, folder or f"results/own/{folder_name(asked.videos)}")
    load_settings(config, ROOT)  # before anything is written
    targets = _targets(asked, config)
    out = _out(options, targets, asked.videos)
    path = Path(config["results_dir"]) / f"{options.command.replace('-', '_')}.yaml"
    again = f"# `make {options.command}` wrote this; `make run CONFIG={path}` runs all of it.\n"
    write_text(path, again + yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
    command = [*SNAKEMAKE, "--snakefile", str(ROOT / "Snakefile"),
               "--configfile", str(path), "--cores", options.cores, *options.further,
               "--", *targets]  # fmt: skip
    # One file was asked for: tables of an earlier `compare` in the same folder are no answer to it.
    quiet = {NO_SUMMARY: "1"} if options.command in KIND_OF else {}
    code = subprocess.run(command, env={**os.environ, **quiet}).returncode
    if code or {"-n", "--dry-run", "--dryrun"} & set(options.further):
        return code
    print()
    for line in _answers(asked, config, targets, out):
        print(line)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__, configfile="the run whose methods and networks are used")
    parser.epilog = (
        "Results are kept in results/own/; further options go to Snakemake. Sizes, rates, depths "
        "and frame counts are read from the videos; a raw .yuv states them in its name "
        "(name_416x240_50.yuv) or by --size, --fps and --bit-depth."
    )
    add = parser.add_argument
    add("command", choices=("compare", *KIND_OF), help="what to do")
    add("--video", required=True, help="one file or several, quoted where a name has spaces")
    add("--methods", default="", help="names of the configuration's methods")
    add("--codecs", default="", help="entries of codecs.yaml; those of the configuration")
    add("--qps", default="", help="QPs; those of the configuration by default")
    add("--configurations", default="", help="AI, LDP; those of the configuration by default")
    add("--frames", default="", help="first frames that are used; all by default")
    add("--weights", default="", help="METHOD=FILE of another network: .onnx, .pt, or Keras' .h5")
    add("--size", default="", help="WIDTHxHEIGHT of raw files")
    add("--fps", default="", help="frames per second of raw files")
    add("--bit-depth", default="", help="8 or 10, of raw files")
    add("--out", default="", help="file to write, or folder of several; of compare: of its results")
    add("--cores", default="all", help="cores to use")
    return parser


def _asked(options: argparse.Namespace) -> Asked:
    if not re.fullmatch(r"all|[1-9][0-9]{0,4}", options.cores):
        raise UserError(
            f"cores: '{options.cores}' is no number of cores.", expected="all, or 1 ..."
        )
    given = load_mapping(options.configfile)
    settings = load_settings(given, ROOT)
    methods = _words(options.methods)
    if not methods or (options.command in KIND_OF and len(methods) > 1):
        raise UserError(
            f"{options.command} takes {'one method' if options.command in KIND_OF else 'methods'}.",
            expected=", ".join(
                name
                for name, method in settings.config["methods"].items()
                if method["kind"] in (KIND_OF.get(options.command, method["kind"]),)
                and method["kind"] not in ("anchor", "quality_choice")
            ),
        )
    return Asked(
        options.command,
        named_files(options.video, "VIDEO=my.y4m, or VIDEO='a.mkv b.mp4' of several"),
        methods,
        given,
        settings,
        codecs=_words(options.codecs),
        qps=[_whole("qps", word) for word in _words(options.qps)],
        configurations=_words(options.configurations),
        frames=_whole("frames", options.frames) if options.frames else None,
        weights=_weights(options.weights, methods),
        of_raw=_of_raw(options),
    )


def _words(text: str) -> list[str]:
    return words_in(text.replace(",", " "))


def _whole(name: str, text: str) -> int:
    if not re.fullmatch(r"0|[1-9][0-9]{0,8}", text):
        raise UserError(f"{name}: '{text[:40]}' is no whole number.", expected="such as 22")
    return int(text)


def _weights(text: str, methods: Sequence[str]) -> dict[str, str]:
    found = {}
    for word in words_in(text):
        method, equals, path = word.partition("=")
        if not equals and len(methods) == 1:
            method, path = methods[0], word
        if method not in methods:
            raise UserError(
                f"weights: '{word}' is of no method that is asked for.",
                expected="METHOD=FILE with a method of " + ", ".join(methods),
            )
        found[method] = path
    return found


def _of_raw(options: argparse.Namespace) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    if options.size:
        size = re.fullmatch(r"([0-9]{1,6})[xX]([0-9]{1,6})", options.size)
        if not size:
            raise UserError(f"size: '{options.size}' is not WIDTHxHEIGHT.")
        keys = {"width": int(size[1]), "height": int(size[2])}
    if options.fps:
        keys["fps"] = options.fps
    if options.bit_depth:
        keys["bit_depth"] = _whole("bit-depth", options.bit_depth)
    return keys


def _targets(asked: Asked, config: dict[str, Any]) -> list[str]:
    if asked.command == "compare":
        return ["all", "viewer"]
    results, (method,) = config["results_dir"], asked.methods
    if asked.command == "predict-jnd":
        return [f"{results}/predicted_jnd/{name}/{method}.json" for name in config["sequences"]]
    variants = ["all"]
    if config["methods"][method]["per_qp"]:
        variants = [f"qp{qp}" for qp in asked.qps]
        if not variants:
            raise UserError(f"'{method}' filters for a QP.", expected="QPS, such as QPS=32")
    folder = f"{results}/prefiltered"
    return [
        f"{folder}/{name}/{method}/{variant}.metrics.json"
        for name in config["sequences"]
        for variant in variants
    ]


def _out(options: argparse.Namespace, targets: Sequence[str], videos: Sequence[Path]) -> list[Path]:
    """The file to be written for each target; none where nothing is asked for."""
    if not options.out or options.command == "compare":
        return []
    out, suffix = Path(options.out), ".json" if options.command == "predict-jnd" else ".mkv"
    allowed = [suffix] if suffix == ".json" else list(FORMATS)
    wrong = ""
    if blocking := next((up for up in out.parents if up.exists() and not up.is_dir()), None):
        wrong = f"{blocking} is a file"
    elif len(targets) > 1 and out.is_file():
        wrong = "it is a file, and there are several to be written"
    elif len(targets) == 1 and out.is_dir():
        wrong = "it is a folder"
    elif any(out.resolve() == video.resolve() for video in videos):
        wrong = "it is the video itself"
    if wrong:
        raise UserError(
            f"OUT cannot be written: {wrong}.",
            where=str(out),
            expected="a new file; of several targets a folder",
        )
    if len(targets) > 1:
        parts = [Path(target.replace(".metrics.json", "")).parts[-3:] for target in targets]
        names = ["_".join(part for part in of_one if part != "all") for of_one in parts]
        return [out / f"{name.removesuffix('.json')}{suffix}" for name in names]
    if out.suffix.lower() not in allowed:
        raise UserError(
            "the file to be written has a name of another kind.",
            where=str(out),
            expected=" or ".join(allowed),
        )
    return [out]


def _answers(
    asked: Asked, config: dict[str, Any], targets: Sequence[str], out: Sequence[Path]
) -> list[str]:
    """What came out, and how far each network can be trusted."""
    results = config["results_dir"]
    trust = [
        f"held-out data of {name}: {line}"
        for name in asked.methods
        for model in _networks(name, config)
        for line in held_out(model)
    ]
    if asked.command == "compare":
        return [
            f"tables and figures: {results}/summary.html",
            f"decoded frames side by side: {results}/viewer/index.html",
            *trust,
        ]
    lines = []
    for target, wanted in zip(targets, out or [None] * len(targets), strict=True):
        made = Path(target.replace(".metrics.json", ".mkv"))
        if wanted:
            _write(made, wanted)
        lines.append(f"{wanted or made}: {_in_words(asked.command, read_json(target))}")
    return [*lines, f"page: {_page(asked, config, targets, lines, trust)}", *trust]


def _networks(name: str, config: dict[str, Any]) -> list[Path]:
    """The first network of a method, or BL-JUNIPER's three, which make its maps."""
    method = config["methods"][name]
    if method["kind"] == "block_qp":
        return [
            Path(file) for file in config.get("bl_juniper", {}).get("cnn", {}).get("weights") or ()
        ]
    return models_of(method, config["results_dir"])[:1]


def _page(
    asked: Asked,
    config: dict[str, Any],
    targets: Sequence[str],
    answers: Sequence[str],
    trust: Sequence[str],
) -> Path:
    """Write the page of a filtered video or of predicted JNDs."""
    from jndops.own_videos.pages import filter_page, jnd_page  # figures import much

    (method,) = asked.methods
    label = config["methods"][method].get("label") or method
    stem = Path(config["results_dir"]) / f"{asked.command.replace('-', '_')}_{method}"
    names = [str(name) for name in config["sequences"]]
    if asked.command == "predict-jnd":
        predicted = {name: read_json(target) for name, target in zip(names, targets, strict=True)}
        return jnd_page(stem, f"JNDs by {label}", answers, trust, predicted)
    settings = load_settings(config, ROOT)
    filtered = []
    for target in targets:
        made = Path(target.replace(".metrics.json", ".mkv"))
        what = label if made.stem == "all" else f"{label}, {made.stem.replace('qp', 'QP ')}"
        filtered.append((made.parts[-3], what, made))
    clips = {name: settings.clip(name) for name in names}
    return filter_page(stem, f"Filtered by {label}", answers, trust, clips, filtered)


def _in_words(command: str, answer: dict[str, Any]) -> str:
    if command == "predict-jnd":
        levels = ", ".join(f"JND{n} at QP {qp:.1f}" for n, qp in enumerate(answer["jnd"], 1))
        return f"{levels}, median of {len(answer['frames'])} frames"
    vmaf, psnr = answer["vmaf_mean"], answer["psnr_y_framemean"]
    loss = "no luma sample changed" if psnr is None else f"PSNR {psnr:.2f} dB"
    return f"VMAF {vmaf:.2f}, {loss} against the source, before any coding"


def _write(made: Path, out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(out) as part:
        if made.suffix == out.suffix.lower():
            shutil.copyfile(made, part)
        else:
            ffmpeg.run(["-v", "error", "-i", str(made), *FORMATS[out.suffix.lower()], str(part)])


if __name__ == "__main__":
    sys.exit(run_command(main, _parser(), further=True))
