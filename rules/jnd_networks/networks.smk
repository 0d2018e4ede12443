"""What LASeR-JND and MTJND share: trainings stage by stage, imported weights, predictions of labelled frames."""


rule train_jnd_network:
    """Train one stage of LASeR-JND or MTJND, an autoencoder or a predictor."""
    input:
        unpack(jnd_stage_inputs),
        folder=rules.export_jnd_frames.output.folder,
        table=rules.export_jnd_frames.output.table,
    output:
        **trained_network("<results>/models/{paper}/{network}"),
    log:
        "<logs>/train_jnd_network/{paper}.{network}.log",
    benchmark:
        "<benchmarks>/train_jnd_network/{paper}.{network}.tsv"
    wildcard_constraints:
        paper=one_of(JND_STAGES),
        network=jnd_stages_that(trained=True),
    priority: 30
    conda:
        "../../envs/networks.yaml"
    threads: lambda wildcards: settings.config[wildcards.paper]["jobs"]["threads"]
    resources:
        mem_mb=lambda wildcards, attempt: settings.config[wildcards.paper]["jobs"]["memory_mb"] * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 2880 * attempt,
        gpu=lambda wildcards: settings.config[wildcards.paper]["jobs"]["gpus"],
    params:
        network=jnd_stage_metadata,
        training=jnd_stage_training,
    script:
        "../../workflow_scripts/jnd_networks/train_jnd_network.py"


rule import_jnd_weights:
    """Import trained Keras weights as a network of the suite."""
    input:
        weights=lambda wildcards: jnd_stage(wildcards).weights,
    output:
        model="<results>/models/{paper}/{network}/model.onnx",
        weights="<results>/models/{paper}/{network}/model.pt",
    log:
        "<logs>/import_jnd_weights/{paper}.{network}.log",
    benchmark:
        "<benchmarks>/import_jnd_weights/{paper}.{network}.tsv"
    wildcard_constraints:
        paper=one_of(JND_STAGES),
        network=jnd_stages_that(trained=False),
    priority: 30
    conda:
        "../../envs/networks.yaml"
    params:
        stage=jnd_stage_metadata,
    script:
        "../../workflow_scripts/jnd_networks/import_jnd_weights.py"


rule evaluate_jnd_networks:
    """Predict every labelled frame by a paper's networks and the baselines, with their costs."""
    input:
        folder=rules.export_jnd_frames.output.folder,
        table=rules.export_jnd_frames.output.table,
        records=rules.list_jnd_frames.output.table,
        coded=rules.encode_jnd_frames.output.table,
        saliency=rules.compute_saliency.output.maps,
        models=lambda wildcards: jnd_models(wildcards.paper, "onnx", predictors=False).values(),
        weights=lambda wildcards: jnd_models(wildcards.paper, "pt").values(),
        trainings=lambda wildcards: jnd_trainings(wildcards.paper),
    output:
        predictions="<results>/{paper}/predictions.csv",
        costs="<results>/{paper}/costs.csv",
        pictures=report(
            "<results>/{paper}/figures/pictures.png",
            caption="../../report/jnd_networks/pictures.rst",
            category=JND_REPORT,
            subcategory="{paper}",
            labels={"figure": "what the networks make of frames"},
        ),
    log:
        "<logs>/evaluate_jnd_networks/{paper}.log",
    benchmark:
        "<benchmarks>/evaluate_jnd_networks/{paper}.tsv"
    wildcard_constraints:
        paper=one_of(JND_STAGES),
    priority: 20
    conda:
        "../../envs/networks.yaml"
    resources:
        mem_mb=doubling(6000),
    params:
        stages=lambda wildcards: {name: asdict(stage) for name, stage in JND_STAGES[wildcards.paper].items()},
        folder=JND_FOLDER,
    script:
        "../../workflow_scripts/jnd_networks/evaluate_jnd_networks.py"
