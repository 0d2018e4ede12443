"""What the rules of LASeR-JND, MTJND and their frames share; no rules here."""

from jndops.inputs.jnd_networks import PAPERS, FrameInputs, NetworkInputs

with workflow_errors():
    jnd_frame_inputs = FrameInputs(coding)
    jnd_network_inputs = NetworkInputs(coding, jnd_frame_inputs)

JND_FRAMES = jnd_frame_inputs.section


wildcard_constraints:
    paper=one_of(PAPERS),
    split=r"given|authors|fractions|fold\d+",
