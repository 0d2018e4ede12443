"""BL-JUNIPER's networks: labelled blocks to learn from, training, the authors' weights."""


rule label_panned_pictures:
    """Label the blocks of synthetic pans, a stand-in for the paper's clips, by VMAF steps."""
    output:
        blocks="<results>/bl_juniper/training_data/panned_pictures.npz",
        labels="<results>/bl_juniper/training_data/panned_pictures.labels.csv",
        sweeps="<results>/bl_juniper/training_data/panned_pictures.sweeps.csv",
    log:
        "<logs>/label_panned_pictures.log",
    benchmark:
        "<benchmarks>/label_panned_pictures.tsv"
    priority: 40
    conda:
        "../../envs/networks.yaml"
    threads: 2
    params:
        data=BL_JUNIPER_DATA,
        codec=settings.codecs[BL_JUNIPER_DATA["codec"]],
        mapping=BL_JUNIPER["mapping"],
    script:
        "../../workflow_scripts/bl_juniper/label_panned_pictures.py"


rule label_mcl_jcv:
    """Label the blocks of a clip's key frames by the authors' labels or by stage 1."""
    input:
        labels=BL_JUNIPER["labels"] or [],
    output:
        blocks="<results>/bl_juniper/training_data/{source}.npz",
    log:
        "<logs>/label_mcl_jcv/{source}.log",
    benchmark:
        "<benchmarks>/label_mcl_jcv/{source}.tsv"
    wildcard_constraints:
        source=r"SRC\d\d",
    priority: 40
    conda:
        "../../envs/networks.yaml"
    params:
        folder=BL_JUNIPER_DATA["folder"] or f"{settings.config['data_dir']}/mcl_jcv",
        mapping=BL_JUNIPER["mapping"],
        statistic=BL_JUNIPER_DATA["statistic"],
    script:
        "../../workflow_scripts/bl_juniper/label_mcl_jcv.py"


BL_JUNIPER_BLOCKS = (
    expand(rules.label_mcl_jcv.output.blocks, source=MCL_JCV_CLIPS)
    if BL_JUNIPER_DATA["source"] == "mcl_jcv"
    else [rules.label_panned_pictures.output.blocks]
)


rule train_bl_juniper:
    """Train the network of one JND level; the best weights as ONNX and torch file."""
    input:
        blocks=BL_JUNIPER_BLOCKS,
    output:
        **trained_network("<results>/models/bl_juniper/jnd{level}"),
    log:
        "<logs>/train_bl_juniper/jnd{level}.log",
    benchmark:
        "<benchmarks>/train_bl_juniper/jnd{level}.tsv"
    wildcard_constraints:
        level="[123]",
    priority: 30
    conda:
        "../../envs/networks.yaml"
    threads: BL_JUNIPER["jobs"]["threads"]
    resources:
        mem_mb=doubling(6000),
        runtime=lambda wildcards, attempt: 4320 * attempt,
        gpu=BL_JUNIPER["jobs"]["gpus"],
    params:
        training=BL_JUNIPER_TRAINING,
        data=BL_JUNIPER_SPLIT,
    script:
        "../../workflow_scripts/bl_juniper/train_bl_juniper.py"


rule import_bl_juniper:
    """Import the authors' network of one JND level, standardised to the training blocks."""
    input:
        weights=lambda wildcards: BL_JUNIPER_CNN["weights"][int(wildcards.level) - 1],
        blocks=BL_JUNIPER_BLOCKS,
    output:
        model="<results>/models/bl_juniper/authors_jnd{level}/model.onnx",
        weights="<results>/models/bl_juniper/authors_jnd{level}/model.pt",
    log:
        "<logs>/import_bl_juniper/jnd{level}.log",
    benchmark:
        "<benchmarks>/import_bl_juniper/jnd{level}.tsv"
    wildcard_constraints:
        level="[123]",
    priority: 30
    conda:
        "../../envs/networks.yaml"
    resources:
        mem_mb=doubling(6000),
    params:
        training=BL_JUNIPER_TRAINING,
        data=BL_JUNIPER_SPLIT,
    script:
        "../../workflow_scripts/bl_juniper/import_bl_juniper.py"


BL_JUNIPER_MODELS = expand(
    rules.import_bl_juniper.output.model if BL_JUNIPER_CNN["weights"] else rules.train_bl_juniper.output.model,
    level=[1, 2, 3],
)
BL_JUNIPER_TRAININGS = (
    expand(rules.train_bl_juniper.output.summary, level=[1, 2, 3])
    if BL_JUNIPER_CNN_IS_USED and not BL_JUNIPER_CNN["weights"]
    else []
)
