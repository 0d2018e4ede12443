"""Recommend the quality of a picture of your own: picture in, quality and saving out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from jndlab.codecs.stills.base import JpegCodec, get_still_codec
from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.jnd.method_class import expanded_options
from jndlab.media.pictures import display_tags, read_picture
from jndlab.papers.vp_jnd.baselines import load_choice
from jndlab.papers.vp_jnd.splits import split_names
from jndlab.paths import ROOT
from jndlab.yaml_files import load_mapping
from jndops.command import named_files, new_parser, run_command
from jndops.own_videos.held_out import held_out
from jndops.settings import Settings, load_settings


def main(options: argparse.Namespace) -> None:
    """Print a recommendation for each picture."""
    sys.path.append(str(Path.cwd()))  # where classes of one's own may stand
    pictures = named_files(options.picture, "PICTURE=photo.png, or PICTURE='a.png b.jpg'")
    several = len(pictures) > 1
    for number, picture in enumerate(pictures):
        asked = argparse.Namespace(**{**vars(options), "picture": picture})
        blank = "\n" if number else ""
        print(f"{blank}{recommendation(asked, several)}", end="")


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__, configfile="the run whose method is used")
    parser.add_argument("picture", help="PNG, JPEG, TIFF, WebP ... of RGB or grey; also several")
    parser.add_argument("--method", help="a method of kind quality_choice; the first by default")
    parser.add_argument("--data", help="the data set that it was trained on; the first by default")
    parser.add_argument("--split", help="the split that it was trained on; the first by default")
    parser.add_argument("--seed", type=int, help="of its training; the first by default")
    parser.add_argument(
        "--out", type=Path, help="also write it, coded so, to this file; a folder for several"
    )
    return parser


def recommendation(asked: argparse.Namespace, into_folder: bool = False) -> str:
    """The recommendation in words; writes ``asked.out`` where it is given, or into that folder."""
    picture = read_picture(asked.picture)
    settings = load_settings(load_mapping(asked.configfile), ROOT)
    data_sets = settings.config["vp_jnd"]["data"]
    method = _one_of(asked.method, settings.methods_of("quality_choice"), "quality choice")
    data = _one_of(asked.data, list(data_sets), "data set of VP-JND")
    split = _one_of(asked.split, split_names(data_sets[data]["split"]), f"split of {data}")
    seeds = [str(seed) for seed in settings.config["vp_jnd"]["seeds"]]
    seed = _one_of(None if asked.seed is None else str(asked.seed), seeds, "seed of VP-JND")
    codec = get_still_codec(data_sets[data]["codec"])
    out = asked.out
    if out and into_folder:
        out = out / f"{asked.picture.stem}{codec.suffix}"
    _require_suffix(out, codec.suffix)
    options = _options(settings, method, data=data, split=split, seed=seed)
    choice = load_choice(settings.config["methods"][method]["class"], options, codec, None)
    try:
        decision = choice.choose(picture)
    except UserError as error:  # the library works on pixels, not on files
        where = error.where or str(asked.picture)
        raise UserError(
            error.what, where=where, expected=error.expected, remedy=error.remedy
        ) from error
    unit = "QF" if codec.worse_to_better else "QP"
    file_bytes = asked.picture.stat().st_size
    kept = ": less than recommended, keep it" if file_bytes <= decision.bytes else ""
    lines = [
        ("picture", f"{asked.picture}, {picture.shape[1]}x{picture.shape[0]}"),
        ("file", f"{file_bytes:,} bytes as it is{kept}"),
        ("recommended", f"{unit} {decision.quality} ({codec.name}), {decision.bytes:,} bytes"),
        ("saving", f"{100 * decision.saving:.1f} % of the {decision.best_bytes:,} bytes at "
                   f"{unit} {codec.qualities[-1]}"),
        ("how", f"{method} ({data}, {split}, seed {seed}), {decision.calls} coded versions "
                "looked at"),
    ]  # fmt: skip
    if model := options.get("model"):  # next to its answer: how far the network can be trusted
        lines += [("held-out data", line) for line in held_out(Path(model), method)]
    if out:
        tags = display_tags(asked.picture)
        coded = codec.encode(picture, decision.quality)
        if isinstance(codec, JpegCodec):
            coded = codec.tagged(coded, **tags)
        elif tags:
            lines.append(("not kept", f"{' and '.join(tags)}: {codec.name} has no place for them"))
        with atomic_path(out) as part:
            part.write_bytes(coded)
        lines.append(("written", str(out)))
    return "".join(f"{name:13} {text}\n" for name, text in lines)


def _require_suffix(out: Path | None, suffix: str) -> None:
    if out and out.suffix.lower().replace("jpeg", "jpg") != suffix:
        raise UserError(
            "the file to be written has a name of another kind of picture.",
            where=str(out),
            expected=f"a name that ends in {suffix}",
        )


def _options(settings: Settings, method: str, **names: str) -> dict[str, Any]:
    options = settings.config["methods"][method]["options"]
    results = settings.config["results_dir"]
    expanded = expanded_options(options, results=results, **names)
    model = expanded.get("model")
    if model and not Path(model).is_file():
        raise UserError(
            f"the network of '{method}' is not trained.",
            where=model,
            remedy="run `snakemake vp_jnd` with this configuration first, or name another method.",
        )
    return expanded


def _one_of(name: str | None, known: list[str], what: str) -> str:
    if not known:
        raise UserError(f"the configuration has no {what}.", where="key `methods`")
    if name is not None and name not in known:
        raise UserError(f"there is no {what} '{name}'.", expected=", ".join(known))
    return name or known[0]


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
