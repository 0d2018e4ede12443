"""BL-JUNIPER (TMM 2022): everything of this paper under one name."""


include: "common.smk"
include: "train.smk"
include: "stages.smk"
include: "results.smk"
include: "experiment.smk"


rule bl_juniper:
    """All tables and figures of BL-JUNIPER, and its networks where a method uses them."""
    input:
        rules.tabulate_bl_juniper.output,
        rules.bl_juniper_experiment.output,
        rules.plot_bl_juniper.output,
        rules.plot_block_maps.output,
        rules.bl_juniper_complexity.output,
        rules.compare_block_jnd.output if bl_juniper_inputs.cnn_is_used else [],
        rules.check_block_labels.output if BL_JUNIPER["labels"] else [],
        rules.check_block_mapping.output if bl_juniper_inputs.mapping_can_be_checked else [],
        trainings=bl_juniper_inputs.trainings(),
