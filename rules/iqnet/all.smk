"""IQNet (OJCAS 2024): everything of this paper under one name."""


rule iqnet:
    """All tables and figures of IQNet, its training data and its network."""
    input:
        rules.audit_iqnet.output,
        rules.tabulate_iqnet.output,
        rules.iqnet_figures.input,
        rules.iqnet_training_data.input if iqnet_inputs.is_trained else [],
        rules.iqnet_pictures.input if iqnet_inputs.is_trained else [],
        trainings=iqnet_inputs.trainings(),
