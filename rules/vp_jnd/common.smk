"""What VP-JND's rules share: the section `vp_jnd`; no rules here."""

from jndops.inputs.vp_jnd import VpJndInputs

with workflow_errors():
    vp_jnd_inputs = VpJndInputs(coding)

VP_JND = vp_jnd_inputs.section


wildcard_constraints:
    data=one_of(vp_jnd_inputs.data),
    split=r"authors|fractions|fold\d+",
    batch=r"\d{4}",
    network=one_of(vp_jnd_inputs.networks),
