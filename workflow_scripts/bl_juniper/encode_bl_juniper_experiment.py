"""A clip, its block JNDs and importance in; rates and block errors of all codings (NPZ) out."""

from pathlib import Path

from jndlab.codecs import get_codec
from jndlab.jnd.block.maps import held_maps, read_block_maps
from jndlab.media.clip import clip_from_text
from jndlab.papers.bl_juniper.experiment_codings import Competitor, encode_experiment
from jndlab.papers.bl_juniper.mapping import first_frames
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    clip, experiment = clip_from_text(params.clip), params.experiment
    with (
        scratch(snakemake) as folder,
        first_frames(Path(given.clip), clip, experiment["frames"], folder) as (source, short),
    ):
        size = {"width": clip.width, "height": clip.height}
        jnd_of = {
            origin: held_maps(read_block_maps(path, "block_jnd", **size), short.frames)
            for origin, path in zip(params.origins, given.jnd, strict=True)
        }
        importance = read_block_maps(given.importance, "importance", **size)
        codings = encode_experiment(
            source,
            short,
            snakemake.wildcards.configuration,
            get_codec(experiment["codec"]),
            {
                name: Competitor(**{key: spec and get_codec(spec) for key, spec in one.items()})
                for name, one in experiment["competitors"].items()
            },
            jnd_of,
            held_maps(importance, short.frames),
            experiment["anchor_qps"],
            experiment["targets"],
            folder,
            params.frame,
            snakemake.threads,
        )
    codings.write(snakemake.output.codings)


run(main, snakemake)
