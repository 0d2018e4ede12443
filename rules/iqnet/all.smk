"""IQNet (OJCAS 2024): everything of this paper under one name."""

# Networks are trained only where a method of the run uses them.
IQNET_IS_TRAINED = is_used("{results}/models/iqnet/iqnet/")
CNN_JNQD_IS_TRAINED = is_used("{results}/models/iqnet/cnn_jnqd_qp")


rule iqnet:
    """All tables and figures of IQNet, its training data and its network."""
    input:
        rules.audit_iqnet.output,
        rules.tabulate_iqnet.output,
        rules.iqnet_figures.input,
        rules.iqnet_training_data.input if IQNET_IS_TRAINED else [],
        rules.iqnet_pictures.input if IQNET_IS_TRAINED else [],
        trainings=[
            rules.train_iqnet.output.summary if IQNET_IS_TRAINED else [],
            expand(rules.train_cnn_jnqd.output.summary, qp=settings.config["qps"]) if CNN_JNQD_IS_TRAINED else [],
        ],
