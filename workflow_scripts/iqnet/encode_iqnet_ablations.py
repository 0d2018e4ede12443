"""Pictures in; their ablated codings (PNG), numbers (CSV) and scenes (JSON) out."""

from pathlib import Path

import numpy as np

from jndlab.codecs import get_codec
from jndlab.datasets.pictures.crops import load_crop
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.files import read_json, write_csv, write_json
from jndlab.jnd.edges import minor_edges
from jndlab.media.clip import Frame, clip_from_text
from jndlab.papers.iqnet.ablations import (
    ABLATIONS,
    FRAME,
    filter_variants,
    first_frame,
    most_changed,
    numbers_of,
    save_changes,
)
from jndlab.papers.iqnet.training_pictures import encode_lumas, save_pictures, whole_patches
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    given, output, params = snakemake.input, snakemake.output, snakemake.params
    listed = {picture.name: picture for picture in read_list(given.pictures)}
    chosen, codec = read_json(given.chosen), get_codec(params.codec)
    numbers, made = [], {}

    def encode(name: str, origin: str, source: Frame, smooth: np.ndarray, grids: dict) -> None:
        lumas = filter_variants(
            source.y, params.alpha, params.alphas, params.filter_options, grids, params.patch
        )
        with scratch(snakemake) as work_dir:
            rows, decoded = encode_lumas(
                source, lumas, codec, [params.qp], work_dir, Path(snakemake.log[0])
            )
        edges = minor_edges(
            source.y, params.filter_options["canny_main"], params.filter_options["canny_detail"]
        )
        of_picture = numbers_of(rows, lumas, decoded, edges, smooth, grids)
        numbers.extend({"picture": name, "source": origin, **row} for row in of_picture)
        made[name] = source, lumas, decoded, edges

    for name in chosen["ablations"]:
        source = whole_patches(load_crop(listed[name], params.folder), params.patch)
        smooth = np.kron(chosen["smooth"][name], np.ones((params.patch,) * 2)) > 0
        encode(name, listed[name].source, source, smooth, chosen["selections"][name])
    of_figure = {figure: list(made) for figure in ABLATIONS}
    if given.frame:  # the printed figure's own
        source = first_frame(given.frame[0], clip_from_text(params.frame_format[0]))
        encode(FRAME, FRAME, source, np.zeros(source.y.shape, bool), {})
        of_figure["fig10_erjnd"] = [FRAME]
    write_csv(output.numbers, numbers)

    scenes, folder = {}, Path(output.pictures)
    for figure, ablation in ABLATIONS.items():
        windows = {name: most_changed(made[name][1], ablation) for name in of_figure[figure]}
        name = max(windows, key=lambda candidate: windows[candidate][0])
        scenes[figure] = {"picture": name, "window": windows[name][1]}
        source, lumas, decoded, edges = made[name]
        shown = {variant: lumas[variant] for variant in ("source", *ablation.variants)}
        save_pictures(folder, name, source, shown, decoded, params.qp)
        save_changes(folder, name, shown, edges)
    write_json(output.scenes, {"scenes": scenes, "mae_rule": chosen["mae_rule"]})


run(main, snakemake)
