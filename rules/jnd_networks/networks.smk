"""What LASeR-JND and MTJND share: trainings, imported weights, predictions of labelled frames."""

for paper in jnd_network_inputs.training_papers():

    rule:
        """Train all networks of a paper on one split of the frames, seed by seed."""
        name:
            f"train_{paper}"
        input:
            **jnd_frame_inputs.sets(),
            **jnd_network_inputs.starting_files(paper),
        output:
            jnd_network_inputs.trained_files(paper),
        conda:
            "../../envs/networks.yaml"
        threads: jnd_network_inputs.jobs(paper)["threads"]
        resources:
            mem_mb=doubling(jnd_network_inputs.jobs(paper)["memory_mb"]),
            runtime=lambda wildcards, attempt: 2880 * attempt,
            gpu=jnd_network_inputs.jobs(paper)["gpus"],
        params:
            paper=paper,
            stages=jnd_network_inputs.trained_options(paper),
            training=jnd_network_inputs.training(paper),
            seeds=jnd_network_inputs.seeds(paper),
            source=jnd_frame_inputs.source,
            step=JND_FRAMES["labels"]["step"],
        script:
            "../../workflow_scripts/jnd_networks/train_jnd_networks.py"


rule import_jnd_weights:
    """Import trained Keras weights as a network of the suite."""
    input:
        weights=jnd_network_inputs.imported_weights,
    output:
        model="<results>/models/{paper}/{network}/model.onnx",
        weights="<results>/models/{paper}/{network}/model.pt",
    wildcard_constraints:
        network=one_of(jnd_network_inputs.imports()),
    conda:
        "../../envs/networks.yaml"
    params:
        stage=jnd_network_inputs.stage_options,
    script:
        "../../workflow_scripts/jnd_networks/import_jnd_weights.py"


rule evaluate_jnd_networks:
    """Predict every labelled frame by a paper's networks and the baselines, with their costs."""
    input:
        **jnd_frame_inputs.sets(),
        coded=rules.encode_jnd_frames.output.table,
        saliency=rules.compute_saliency.output.maps,
        models=lambda wildcards: jnd_network_inputs.models(wildcards.paper),
        weights=lambda wildcards: jnd_network_inputs.first_weights(wildcards.paper),
        trainings=lambda wildcards: jnd_network_inputs.files(wildcards.paper),
    output:
        **outputs_of("jnd_networks", "evaluate_jnd_networks"),
        predictions="<results>/{paper}/predictions.csv",
        costs="<results>/{paper}/costs.csv",
        reconstructions="<results>/{paper}/reconstructions.csv",
    priority: 20
    conda:
        "../../envs/networks.yaml"
    threads: lambda wildcards: jnd_network_inputs.jobs(wildcards.paper)["threads"]
    resources:
        mem_mb=doubling(6000),
    params:
        subsets=lambda wildcards: jnd_network_inputs.config[wildcards.paper]["predicted"],
        stages=lambda wildcards: jnd_network_inputs.all_stage_options(wildcards.paper),
        runs=lambda wildcards: jnd_network_inputs.runs(wildcards.paper),
        folder=jnd_frame_inputs.folder,
    script:
        "../../workflow_scripts/jnd_networks/evaluate_jnd_networks.py"
