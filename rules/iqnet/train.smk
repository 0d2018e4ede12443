"""IQNet's networks: training on the data set made before, and the baselines that it is compared with."""

IQNET_TRAINING = settings.config["iqnet"]["training"]
CNN_JNQD_TRAINING = settings.config["iqnet"]["cnn_jnqd"]
IQNET_JOBS = settings.config["iqnet"]["jobs"]


rule train_iqnet:
    """Train IQNet on the selected patches; the best weights as ONNX and torch file."""
    input:
        sources=rules.select_iqnet_alphas.output.sources,
        targets=rules.select_iqnet_alphas.output.targets,
    output:
        **coding.trained_network("<results>/models/iqnet/iqnet_seed{seed}"),
    conda:
        "../../envs/networks.yaml"
    threads: IQNET_JOBS["threads"]
    resources:
        **training_needs(IQNET_JOBS, mem_mb=6000),
    params:
        network=settings.config["iqnet"]["network"],
        training=IQNET_TRAINING,
        conditions=iqnet_inputs.training_conditions(),
    script:
        "../../workflow_scripts/iqnet/train_iqnet.py"


rule filter_lr_jnqd_targets:
    """Filter the training pictures by LR-JNQD at a QP: the targets of CNN-JNQD."""
    input:
        sources=rules.select_iqnet_alphas.output.sources,
    output:
        targets=directory("<results>/iqnet/lr_jnqd_targets/qp{qp}"),
    conda:
        "../../envs/codecs.yaml"
    script:
        "../../workflow_scripts/iqnet/filter_lr_jnqd_targets.py"


rule train_cnn_jnqd:
    """Train CNN-JNQD for one QP on LR-JNQD's output."""
    input:
        sources=rules.select_iqnet_alphas.output.sources,
        targets=rules.filter_lr_jnqd_targets.output.targets,
    output:
        **coding.trained_network("<results>/models/iqnet/cnn_jnqd_qp{qp}_seed{seed}"),
    conda:
        "../../envs/networks.yaml"
    threads: IQNET_JOBS["threads"]
    resources:
        **training_needs(IQNET_JOBS, mem_mb=6000),
    params:
        training=CNN_JNQD_TRAINING,
        conditions=iqnet_inputs.training_conditions(),
    script:
        "../../workflow_scripts/iqnet/train_cnn_jnqd.py"
