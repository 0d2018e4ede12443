"""A page with decoded frames of two codings against each other; made on request alone."""

from jndops.inputs.viewer import ViewerInputs

with workflow_errors():
    viewer_inputs = ViewerInputs(coding)


rule make_viewer:
    """Decode some frames of chosen streams into a page with a slider between two of them."""
    input:
        points=coding.points_table(),
        sources=viewer_inputs.sources(),
        streams=viewer_inputs.streams(),
    output:
        page=directory("<results>/viewer"),
    conda:
        "../../envs/networks.yaml"
    params:
        points=[tuple(point) for point in viewer_inputs.points],
        clips=viewer_inputs.clips(),
        labels=coding.labels(),
        anchor=ANCHOR,
        frames=viewer_inputs.section["frames"],
    script:
        "../../workflow_scripts/coding/make_viewer.py"


rule viewer:
    """The page that shows decoded frames of two codings against each other."""
    input:
        rules.make_viewer.output,
