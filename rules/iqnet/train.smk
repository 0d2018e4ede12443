"""IQNet's networks: training on the data set made before, and the baselines that it is compared with."""

IQNET_TRAINING = settings.config["iqnet"]["training"]
CNN_JNQD_TRAINING = settings.config["iqnet"]["cnn_jnqd"]
IQNET_JOBS = settings.config["iqnet"]["jobs"]


rule train_iqnet:
    """IQNet, trained on the chosen patches; best weights as ONNX for use and as torch file."""
    input:
        sources=rules.select_iqnet_alphas.output.sources,
        targets=rules.select_iqnet_alphas.output.targets,
    output:
        model="<results>/models/iqnet/iqnet.onnx",
        weights="<results>/models/iqnet/iqnet.pt",
        metrics="<results>/models/iqnet/metrics.csv",
        summary="<results>/models/iqnet/summary.json",
    log:
        "<logs>/train_iqnet.log",
    benchmark:
        "<benchmarks>/train_iqnet.tsv"
    priority: 30
    conda:
        "../../envs/networks.yaml"
    threads: IQNET_JOBS["threads"]
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 4320 * attempt,
        gpu=IQNET_JOBS["gpus"],
    params:
        code=code("train_iqnet"),
        network=settings.config["iqnet"]["network"],
        training=IQNET_TRAINING,
    message:
        "Training IQNet"
    script:
        "../../workflow_scripts/iqnet/train_iqnet.py"


rule filter_lr_jnqd_targets:
    """The training pictures filtered by LR-JNQD at a QP: what CNN-JNQD learns to do."""
    input:
        sources=rules.select_iqnet_alphas.output.sources,
    output:
        targets=directory("<results>/iqnet/lr_jnqd_targets/qp{qp}"),
    log:
        "<logs>/filter_lr_jnqd_targets/qp{qp}.log",
    benchmark:
        "<benchmarks>/filter_lr_jnqd_targets/qp{qp}.tsv"
    priority: 30
    conda:
        "../../envs/codecs.yaml"
    threads: 1
    resources:
        mem_mb=raised(1000),
        runtime=raised(240),
    params:
        code=code("filter_lr_jnqd_targets"),
    message:
        "Filtering training pictures with LR-JNQD at QP {wildcards.qp}"
    script:
        "../../workflow_scripts/iqnet/filter_lr_jnqd_targets.py"


rule train_cnn_jnqd:
    """CNN-JNQD for one QP, trained on LR-JNQD's output."""
    input:
        sources=rules.select_iqnet_alphas.output.sources,
        targets=rules.filter_lr_jnqd_targets.output.targets,
    output:
        model="<results>/models/cnn_jnqd/qp{qp}.onnx",
        weights="<results>/models/cnn_jnqd/qp{qp}.pt",
        metrics="<results>/models/cnn_jnqd/qp{qp}.metrics.csv",
        summary="<results>/models/cnn_jnqd/qp{qp}.summary.json",
    log:
        "<logs>/train_cnn_jnqd/qp{qp}.log",
    benchmark:
        "<benchmarks>/train_cnn_jnqd/qp{qp}.tsv"
    priority: 30
    conda:
        "../../envs/networks.yaml"
    threads: IQNET_JOBS["threads"]
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 4320 * attempt,
        gpu=IQNET_JOBS["gpus"],
    params:
        code=code("train_cnn_jnqd"),
        training=CNN_JNQD_TRAINING,
    message:
        "Training CNN-JNQD for QP {wildcards.qp}"
    script:
        "../../workflow_scripts/iqnet/train_cnn_jnqd.py"
