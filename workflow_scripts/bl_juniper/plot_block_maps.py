"""Clips, maps of blocks and codings of the experiment in; figures of each sequence out."""

from itertools import islice

from jndlab.codecs.qp_map import read_qp_map
from jndlab.errors import UserError
from jndlab.jnd.block.maps import held_maps, read_block_maps
from jndlab.jnd.block.pictures import rgb_of
from jndlab.media.clip import ClipFormat, clip_from_text, read_clip
from jndlab.papers.bl_juniper.crop_figure import crop_figure
from jndlab.papers.bl_juniper.experiment_codings import Codings
from jndlab.papers.bl_juniper.figures import map_figure
from jndops.adapter import run, stems


def main(snakemake) -> None:
    given, params, stem = snakemake.input, snakemake.params, stems(snakemake.output)
    models, methods = len(params.importance), len(params.labels)
    for place, (name, clip_text) in enumerate(params.clips.items()):
        clip, number = clip_from_text(clip_text), params.frame
        if number >= clip.frames:
            raise UserError(
                f"there is no frame {number} of '{name}' to show.",
                where="bl_juniper.figures.frame",
                expected=f"0 to {clip.frames - 1}",
            )
        jnd = _at_frame(given.jnd[place], "block_jnd", clip, number)
        maps = {f"JND{level} (QP), {params.jnd}": jnd[..., level - 1] for level in (1, 2, 3)}
        paths = given.importance[place * models : (place + 1) * models]
        for model, path in zip(params.importance, paths, strict=True):
            maps[f"importance, {model}"] = _at_frame(path, "importance", clip, number)
        paths = given.qp_maps[place * methods : (place + 1) * methods]
        for label, path in zip(params.labels, paths, strict=True):
            maps[f"QP, {label}"] = read_qp_map(path, clip)[number]
        frame = next(islice(read_clip(given.clips[place], clip), number, None))
        map_figure(
            rgb_of(frame, bit_depth=clip.bit_depth),
            maps,
            f"{name}, frame {number}, target QP {params.target_qp}: block JNDs, importance, QPs",
            stem[f"maps_{name}"],
        )
        codings = Codings.read(given.codings[place])
        crop_figure(codings, name, stem[f"crops_{name}"], clip.bit_depth)


def _at_frame(path: str, kind: str, clip: ClipFormat, number: int):
    maps = read_block_maps(path, kind, width=clip.width, height=clip.height)
    return held_maps(maps, clip.frames)[number]


run(main, snakemake)
