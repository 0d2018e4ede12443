"""Rate-distortion points as one table: what all tables and figures read."""

from jndops.inputs.points import PARTS


rule collect_points:
    """Collect in one table the points that the results of the run, or of a paper, rest on."""
    input:
        points=lambda wildcards: coding.point_files(wildcards.part),
    output:
        points=coding.points_table("{part}"),
    wildcard_constraints:
        part=one_of(PARTS),
    conda:
        "../../envs/tables.yaml"
    params:
        anchor=ANCHOR,
        sheet_frames=coding.sheet_frames(),
        seeds=settings.seeds,
    script:
        "../../workflow_scripts/coding/collect_points.py"
