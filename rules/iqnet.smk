"""IQNet (OJCAS 2024): everything of this paper under one name."""

# Networks are trained only where a method of the run uses them.
IQNET_IS_TRAINED = any(
    "{results}/models/iqnet/" in str(method["options"]) for method in settings.config["methods"].values()
)


rule iqnet:
    """All tables and figures of this paper, its training data and its network."""
    input:
        rules.audit_iqnet.output,
        rules.tabulate_iqnet.output,
        rules.iqnet_figures.input,
        rules.iqnet_training_data.input if IQNET_IS_TRAINED else [],
        rules.train_iqnet.output if IQNET_IS_TRAINED else [],
    message:
        "IQNet is complete"
