"""VP-JND's networks: trained on each split, then asked for the quality of the pictures held out."""


rule train_vp_jnd:
    """Train VP-JNDnet or its predecessor on the training pictures of a split."""
    input:
        unpack(vp_jnd_inputs.training_measures),
        pictures=rules.list_vp_jnd_pictures.output.pictures,
        table=rules.list_vp_jnd_pictures.output.table,
        labels=rules.label_vp_jnd_pictures.output.labels,
        splits=rules.split_vp_jnd_pictures.output.splits,
    output:
        **coding.trained_network("<results>/models/vp_jnd/{network}_{data}_{split}_seed{seed}"),
    conda:
        "../../envs/networks.yaml"
    # Networks of a few channels gain nothing from a second thread; two of them side by side do.
    threads: VP_JND["jobs"]["threads"]
    resources:
        **training_needs(VP_JND["jobs"], mem_mb=8000),
    params:
        entry=vp_jnd_inputs.entry,
        folder=vp_jnd_inputs.folder,
        architecture=vp_jnd_inputs.architecture,
        network=vp_jnd_inputs.network,
        training=vp_jnd_inputs.training,
        store=vp_jnd_inputs.store,
    script:
        "../../workflow_scripts/vp_jnd/train_vp_jnd.py"


rule choose_vp_jnd_qualities:
    """Choose the quality of each held-out picture; a classifier's decision at every quality."""
    input:
        models=vp_jnd_inputs.models,
        pictures=rules.list_vp_jnd_pictures.output.pictures,
        table=rules.list_vp_jnd_pictures.output.table,
        splits=rules.split_vp_jnd_pictures.output.splits,
    output:
        choices="<results>/vp_jnd/{data}/choices/{method}/{split}_seed{seed}.json",
    conda:
        "../../envs/networks.yaml"
    resources:
        runtime=lambda wildcards, attempt: 1440 * attempt,
    params:
        method_code=vp_jnd_inputs.method_code,
        entry=vp_jnd_inputs.entry,
        folder=vp_jnd_inputs.folder,
        target=coding.method_class,
        options=vp_jnd_inputs.options,
        trained=vp_jnd_inputs.is_trained,
        store=vp_jnd_inputs.store,
        evaluate_every=VP_JND["evaluate_every"],
    script:
        "../../workflow_scripts/vp_jnd/choose_vp_jnd_qualities.py"
