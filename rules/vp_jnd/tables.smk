"""VP-JND (TCSVT 2025): tables with the printed numbers, figures, and a check on KonJND-1k's quiz pictures."""


rule tabulate_vp_jnd:
    """Tabulate predictions and savings compared with the printed ones, correlations and labels."""
    input:
        chosen=[vp_jnd_inputs.chosen(data) for data in vp_jnd_inputs.data],
        trainings=vp_jnd_inputs.trainings(),
        printed=expand("config/published/vp_jnd/{table}.csv", table=["headline", "conditions"]),
    output:
        **outputs_of("vp_jnd", "tabulate_vp_jnd"),
    conda:
        "../../envs/tables.yaml"
    params:
        folder=vp_jnd_inputs.home,
        data=vp_jnd_inputs.data,
        methods=vp_jnd_inputs.choice_seeds(),
        trainings=vp_jnd_inputs.training_names(),
        label_folders=VP_JND["label_folders"],
    script:
        "../../workflow_scripts/vp_jnd/tabulate_vp_jnd.py"


rule plot_vp_jnd_figures:
    """Plot correlation, saving over |dQF|, decision curves, pixel-JND maps, patch weights."""
    input:
        vp_jnd_inputs.chosen_of,
        pictures=rules.list_vp_jnd_pictures.output.pictures,
        table=rules.list_vp_jnd_pictures.output.table,
    output:
        **outputs_of("vp_jnd", "plot_vp_jnd_figures", **vp_jnd_inputs.figures()),
    conda:
        "../../envs/tables.yaml"
    params:
        folder=vp_jnd_inputs.home,
        entry=vp_jnd_inputs.whole_entry,
        folder_of_data=vp_jnd_inputs.folder,
        methods=vp_jnd_inputs.choice_seeds(),
        classifiers=vp_jnd_inputs.classifiers(),
        labels=vp_jnd_inputs.choice_labels(),
        shown=VP_JND["shown"],
        store=vp_jnd_inputs.store,
    script:
        "../../workflow_scripts/vp_jnd/plot_vp_jnd_figures.py"


rule check_vp_jnd_quiz:
    """Compare the recommendations for KonJND-1k's two quiz pictures with the accepted levels."""
    input:
        fitted=f"{RESULTS}/vp_jnd/{vp_jnd_inputs.first[0]}/fitted.json",
        models=coding.named_files(vp_jnd_inputs.first_options()),
    output:
        **outputs_of("vp_jnd", "check_vp_jnd_quiz"),
    conda:
        "../../envs/networks.yaml"
    params:
        methods_code=vp_jnd_inputs.choice_code(),
        quiz_folder=VP_JND["quiz_folder"],
        data=vp_jnd_inputs.first[0],
        split=vp_jnd_inputs.first[1],
        classes=vp_jnd_inputs.choice_classes(),
        options=vp_jnd_inputs.first_options(),
        store=vp_jnd_inputs.store,
    script:
        "../../workflow_scripts/vp_jnd/check_vp_jnd_quiz.py"
