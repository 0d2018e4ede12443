"""MCL-JCV's streams and the authors' block labels in; how far the inferred mapping agrees out."""

import numpy as np

from jndlab.jnd.block.mapping_options import REFERENCES, BlockMappingOptions
from jndlab.papers.bl_juniper.mapping_agreement import CAPTION, agreement_table
from jndlab.papers.bl_juniper.mcl_jcv import mapped_frames, read_block_labels
from jndlab.report.tables import write_table
from jndops.adapter import run, stems


def main(snakemake) -> None:
    known, mapped = read_block_labels(snakemake.input.labels), snakemake.params.mapped
    clips, folder = mapped["clips"], mapped["folder"]
    places = [known.sources.index(clip) for clip in clips]
    theirs = np.moveaxis(known.jnd[places], 1, -1).reshape(len(places), -1, 3)
    levels = theirs.min(axis=1)  # the lowest label of a clip is its JND
    ours = {}
    for reference in REFERENCES:
        options = BlockMappingOptions(**{**mapped["mapping"], "reference": reference})
        ours[reference] = np.stack(
            [
                np.concatenate([f.jnd for f in mapped_frames(folder, clip, jnd, options)])
                for clip, jnd in zip(clips, levels.tolist(), strict=True)
            ]
        )
    table = agreement_table(ours, theirs, clips)
    write_table(table, stems(snakemake.output)["block_mapping"], caption=CAPTION)


run(main, snakemake)
