"""What BL-JUNIPER's rules share: the section `bl_juniper`; no rules here."""

from jndops.inputs.bl_juniper import CURVES, BlJuniperInputs

with workflow_errors():
    bl_juniper_inputs = BlJuniperInputs(coding)

BL_JUNIPER = bl_juniper_inputs.section
SEQUENCES = settings.config["sequences"]


wildcard_constraints:
    level="[123]",
    saliency=one_of(bl_juniper_inputs.importance),
    source=r"SRC\d\d",
