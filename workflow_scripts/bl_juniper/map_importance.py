"""A clip in; the importance of the blocks of its key frames (NPZ) out."""

from jndlab.files import read_json, sha256_of
from jndlab.jnd.block.mapping_options import BlockMappingOptions
from jndlab.jnd.block.maps import write_block_maps
from jndlab.jnd.saliency.visual_importance import importance_maps, load_saliency
from jndlab.media.clip import clip_from_text, read_clip
from jndops.adapter import run


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    clip = clip_from_text(params.clip)
    maps = importance_maps(
        read_clip(given.clip, clip),
        load_saliency(params.saliency["model"], params.saliency["options"]),
        every=params.every,
        colour_matrix=BlockMappingOptions(form=params.form).colour_matrix,
        bit_depth=clip.bit_depth,
        provenance={
            "stage": "importance",
            "form": params.form,
            **params.saliency,
            "models_sha256": [sha256_of(path) for path in given.models],
            "source_sha256": read_json(given.metadata, "samples_sha256")["samples_sha256"],
        },
    )
    write_block_maps(snakemake.output.maps, maps)


run(main, snakemake)
