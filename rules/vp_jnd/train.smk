"""VP-JND's networks: trained on each split, then asked for the quality of the pictures held out."""


rule train_vp_jnd:
    """Train VP-JNDnet or its predecessor on the training pictures of a split."""
    input:
        pictures=rules.list_vp_jnd_pictures.output.pictures,
        table=rules.list_vp_jnd_pictures.output.table,
        labels=rules.label_vp_jnd_pictures.output.labels,
        splits=rules.split_vp_jnd_pictures.output.splits,
    output:
        **trained_network("<results>/models/vp_jnd/{network}_{data}_{split}"),
    log:
        "<logs>/train_vp_jnd/{network}.{data}.{split}.log",
    benchmark:
        "<benchmarks>/train_vp_jnd/{network}.{data}.{split}.tsv"
    priority: 30
    conda:
        "../../envs/networks.yaml"
    # Networks of a few channels gain nothing from a second thread; two of them side by side do.
    threads: VP_JND["jobs"]["threads"]
    resources:
        mem_mb=doubling(8000),
        runtime=lambda wildcards, attempt: 4320 * attempt,
        gpu=VP_JND["jobs"]["gpus"],
    params:
        entry=vp_jnd_entry,
        folder=vp_jnd_folder,
        network=lambda wildcards: VP_JND_NETWORKS[wildcards.network],
        training=VP_JND["training"],
        store=VP_JND_STORE,
    script:
        "../../workflow_scripts/vp_jnd/train_vp_jnd.py"


rule choose_vp_jnd_qualities:
    """Choose the quality of each held-out picture; a classifier's decision at every quality."""
    input:
        models=vp_jnd_models,
        pictures=rules.list_vp_jnd_pictures.output.pictures,
        table=rules.list_vp_jnd_pictures.output.table,
        splits=rules.split_vp_jnd_pictures.output.splits,
    output:
        choices="<results>/vp_jnd/{data}/choices/{method}/{split}.json",
    log:
        "<logs>/choose_vp_jnd_qualities/{data}.{method}.{split}.log",
    benchmark:
        "<benchmarks>/choose_vp_jnd_qualities/{data}.{method}.{split}.tsv"
    conda:
        "../../envs/networks.yaml"
    resources:
        runtime=lambda wildcards, attempt: 1440 * attempt,
    params:
        method_code=method_code,
        entry=vp_jnd_entry,
        folder=vp_jnd_folder,
        target=lambda wildcards: settings.config["methods"][wildcards.method]["class"],
        options=lambda wildcards: vp_jnd_options(wildcards.method, wildcards.data, wildcards.split),
        store=VP_JND_STORE,
        judge_every=VP_JND["judge_every"],
    script:
        "../../workflow_scripts/vp_jnd/choose_vp_jnd_qualities.py"
