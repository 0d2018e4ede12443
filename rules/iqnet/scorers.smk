"""What NIMA and PIQE follow: a study of the scores that IQNet's training data rest on, on request."""


rule measure_iqnet_scorers:
    """Score patches of training pictures, coded at several QPs and alphas, by every reading."""
    input:
        pictures=rules.list_iqnet_pictures.output.pictures,
        weights=iqnet_inputs.nima_file(),
        weighting=iqnet_inputs.weighting_file(),
    output:
        scores="<results>/iqnet/scorers/scores.parquet",
    conda:
        "../../envs/networks.yaml"
    params:
        study=iqnet_inputs.study(),
        inputs=iqnet_inputs.study_inputs(),
    script:
        "../../workflow_scripts/iqnet/measure_iqnet_scorers.py"


rule plot_iqnet_scorers:
    """Tabulate and plot how scores follow QP and alpha, and which alphas they choose."""
    input:
        scores=rules.measure_iqnet_scorers.output.scores,
    output:
        **outputs_of("iqnet", "plot_iqnet_scorers"),
    conda:
        "../../envs/tables.yaml"
    params:
        codec=IQNET_DATA["codec"],
        qp=IQNET_DATA["qp"],
        selection=IQNET_DATA["selection"],
    script:
        "../../workflow_scripts/iqnet/plot_iqnet_scorers.py"


rule iqnet_scorers:
    """The study of scorers: no part of a run, made on request."""
    input:
        rules.plot_iqnet_scorers.output,
