"""Two training pictures and the network in; codings (PNG), numbers and windows out."""

from pathlib import Path

from jndlab.codecs import get_codec
from jndlab.datasets.pictures.crops import load_crop
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.files import read_json, write_csv, write_json
from jndlab.media.pictures import read_luma
from jndlab.models.network_prefilter import NetworkPrefilter
from jndlab.papers.iqnet.frame_figures import crops
from jndlab.papers.iqnet.training_pictures import (
    METHODS,
    encode_lumas,
    save_pictures,
    whole_patches,
)
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    given, output, params = snakemake.input, snakemake.output, snakemake.params
    listed = {picture.name: picture for picture in read_list(given.pictures)}
    network = NetworkPrefilter(model=given.model, network="iqnet", threads=1)
    numbers, windows = [], {}
    for number, name in enumerate(read_json(given.chosen)["table2"], start=1):
        image = f"image{number}"
        source = whole_patches(load_crop(listed[name], params.folder), params.patch)
        lumas = {
            "source": source.y,
            "training_data": read_luma(Path(given.targets) / f"{name}.png"),
            "IQNet": network.filter_luma(source.y, 8),
        }
        with scratch(snakemake) as work_dir:
            codec = get_codec(params.codec)
            rows, decoded = encode_lumas(
                source, lumas, codec, params.qps, work_dir, Path(snakemake.log[0])
            )
        numbers += [{"image": image, "picture": name, **row} for row in rows]
        windows[image] = crops([source.y, *(decoded[method, params.qp].y for method in METHODS)])
        save_pictures(Path(output.pictures), image, source, lumas, decoded, params.qp)
    write_csv(output.numbers, numbers)
    write_json(output.windows, windows)


run(main, snakemake)
