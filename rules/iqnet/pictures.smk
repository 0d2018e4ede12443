"""IQNet (OJCAS 2024): training pictures coded, Table II and Fig. 7-9; the ablations, Fig. 10-12."""

IQNET_SHOWN = settings.config["iqnet"]["pictures"]


rule choose_iqnet_pictures:
    """Choose the training pictures to show and ablate; their alphas with and without the MAE rule."""
    input:
        scores=rules.score_iqnet_patches.output.scores,
    output:
        chosen="<results>/iqnet/pictures/chosen.json",
    conda:
        "../../envs/networks.yaml"
    params:
        shown=IQNET_SHOWN,
        selection=iqnet_inputs.selection(),
    script:
        "../../workflow_scripts/iqnet/choose_iqnet_pictures.py"


rule encode_iqnet_training_pictures:
    """Encode two training pictures, as training data and filtered by IQNet, at all QPs."""
    input:
        chosen=rules.choose_iqnet_pictures.output.chosen,
        pictures=rules.list_iqnet_pictures.output.pictures,
        targets=rules.select_iqnet_alphas.output.targets,
        model=iqnet_inputs.first_model(),
    output:
        pictures=directory("<results>/iqnet/pictures/training"),
        numbers="<results>/iqnet/pictures/training.csv",
        windows="<results>/iqnet/pictures/training.windows.json",
    conda:
        "../../envs/codecs.yaml"
    params:
        codec_code=iqnet_inputs.codec_code,
        folder=iqnet_inputs.folder,
        patch=IQNET_DATA["patch"],
        codec=iqnet_inputs.codec,
        qp=IQNET_DATA["qp"],
        qps=sorted({*settings.config["qps"], IQNET_DATA["qp"]}),
    script:
        "../../workflow_scripts/iqnet/encode_iqnet_training_pictures.py"


rule plot_iqnet_training_pictures:
    """Tabulate Table II with its comparison and plot Fig. 7-9."""
    input:
        numbers=rules.encode_iqnet_training_pictures.output.numbers,
        windows=rules.encode_iqnet_training_pictures.output.windows,
        pictures=rules.encode_iqnet_training_pictures.output.pictures,
        printed=rules.audit_iqnet.input.printed,
    output:
        **outputs_of("iqnet", "plot_iqnet_training_pictures"),
    conda:
        "../../envs/tables.yaml"
    params:
        codec=IQNET_DATA["codec"],
        conditions=iqnet_inputs.training_conditions(),
    script:
        "../../workflow_scripts/iqnet/plot_iqnet_training_pictures.py"


rule encode_iqnet_ablations:
    """Encode pictures that were filtered without a part of the method, at the base QP."""
    input:
        chosen=rules.choose_iqnet_pictures.output.chosen,
        pictures=rules.list_iqnet_pictures.output.pictures,
        weighting=iqnet_inputs.weighting_file(),
        frame=[f"<results>/sequences/{name}.mkv" for name in iqnet_inputs.frame_of_fig10()],
    output:
        pictures=directory("<results>/iqnet/pictures/ablations"),
        numbers="<results>/iqnet/pictures/ablations.csv",
        scenes="<results>/iqnet/pictures/ablations.scenes.json",
    conda:
        "../../envs/codecs.yaml"
    params:
        codec_code=iqnet_inputs.codec_code,
        folder=iqnet_inputs.folder,
        patch=IQNET_DATA["patch"],
        codec=iqnet_inputs.codec,
        qp=IQNET_DATA["qp"],
        alpha=IQNET_SHOWN["alpha"] or max(IQNET_DATA["alphas"]),
        alphas=IQNET_DATA["alphas"],
        filter_options=IQNET_DATA["prefilter"],
        frame_format=[coding.clips()[name] for name in iqnet_inputs.frame_of_fig10()],
    script:
        "../../workflow_scripts/iqnet/encode_iqnet_ablations.py"


rule plot_iqnet_ablations:
    """Plot and tabulate Fig. 10-12: ERJND against IQNet's JND, minor edges, the MAE rule."""
    input:
        numbers=rules.encode_iqnet_ablations.output.numbers,
        scenes=rules.encode_iqnet_ablations.output.scenes,
        pictures=rules.encode_iqnet_ablations.output.pictures,
    output:
        **outputs_of("iqnet", "plot_iqnet_ablations"),
    conda:
        "../../envs/tables.yaml"
    params:
        codec=IQNET_DATA["codec"],
        qp=IQNET_DATA["qp"],
        alpha=rules.encode_iqnet_ablations.params.alpha,
    script:
        "../../workflow_scripts/iqnet/plot_iqnet_ablations.py"


rule iqnet_pictures:
    """Table II, Fig. 7-9 and the ablations."""
    input:
        rules.plot_iqnet_training_pictures.output,
        rules.plot_iqnet_ablations.output,
