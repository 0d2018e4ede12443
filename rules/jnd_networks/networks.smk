"""What LASeR-JND and MTJND share: trainings stage by stage, imported weights, predictions of labelled frames."""


rule train_jnd_network:
    """Train one stage of LASeR-JND or MTJND, an autoencoder or a predictor."""
    input:
        unpack(jnd_network_inputs.training_inputs),
        folder=rules.export_jnd_frames.output.folder,
        table=rules.export_jnd_frames.output.table,
    output:
        **coding.trained_network("<results>/models/{paper}/{network}"),
    log:
        "<logs>/train_jnd_network/{paper}.{network}.log",
    benchmark:
        "<benchmarks>/train_jnd_network/{paper}.{network}.tsv"
    wildcard_constraints:
        network=one_of(jnd_network_inputs.names(trained=True)),
    conda:
        "../../envs/networks.yaml"
    threads: jnd_network_inputs.threads
    resources:
        mem_mb=jnd_network_inputs.memory_mb,
        runtime=lambda wildcards, attempt: 2880 * attempt,
        gpu=jnd_network_inputs.gpus,
    params:
        network=jnd_network_inputs.stage_options,
        training=jnd_network_inputs.training,
        source=jnd_frame_inputs.source,
    script:
        "../../workflow_scripts/jnd_networks/train_jnd_network.py"


rule import_jnd_weights:
    """Import trained Keras weights as a network of the suite."""
    input:
        weights=jnd_network_inputs.imported_weights,
    output:
        model="<results>/models/{paper}/{network}/model.onnx",
        weights="<results>/models/{paper}/{network}/model.pt",
    log:
        "<logs>/import_jnd_weights/{paper}.{network}.log",
    benchmark:
        "<benchmarks>/import_jnd_weights/{paper}.{network}.tsv"
    wildcard_constraints:
        network=one_of(jnd_network_inputs.names(trained=False)),
    conda:
        "../../envs/networks.yaml"
    params:
        stage=jnd_network_inputs.stage_options,
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
        models=jnd_network_inputs.networks,
        weights=jnd_network_inputs.predictor_weights,
        trainings=jnd_network_inputs.trainings_of,
    output:
        **outputs_of("jnd_networks", "evaluate_jnd_networks"),
        predictions="<results>/{paper}/predictions.csv",
        costs="<results>/{paper}/costs.csv",
    log:
        "<logs>/evaluate_jnd_networks/{paper}.log",
    benchmark:
        "<benchmarks>/evaluate_jnd_networks/{paper}.tsv"
    priority: 20
    conda:
        "../../envs/networks.yaml"
    resources:
        mem_mb=doubling(6000),
    params:
        stages=jnd_network_inputs.all_stage_options,
        folder=jnd_frame_inputs.folder,
    script:
        "../../workflow_scripts/jnd_networks/evaluate_jnd_networks.py"
