"""VP-JND (TCSVT 2025): tables beside the printed numbers, figures, and a check on KonJND-1k's quiz pictures."""


rule tabulate_vp_jnd:
    """Tabulate predictions and savings compared with the printed ones, correlations and labels."""
    input:
        chosen=[vp_jnd_chosen(data) for data in VP_JND_DATA],
        printed="config/published/vp_jnd/headline.csv",
    output:
        *(table(f"vp_jnd/tables/{name}") for name in VP_JND_TABLES),
        *(
            report(
                f"{RESULTS}/vp_jnd/tables/{name}.html",
                caption="../../report/vp_jnd/tables.rst",
                category="VP-JND",
                labels={"table": label},
            )
            for name, label in VP_JND_TABLES.items()
        ),
    log:
        "<logs>/tabulate_vp_jnd.log",
    benchmark:
        "<benchmarks>/tabulate_vp_jnd.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        folder=lambda wildcards, output: str(Path(output[0]).parents[1]),
        models=f"{RESULTS}/models/vp_jnd",
        data=VP_JND_DATA,
        methods=VP_JND_CHOICES,
        label_folders=VP_JND["label_folders"],
    script:
        "../../workflow_scripts/vp_jnd/tabulate_vp_jnd.py"


rule plot_vp_jnd_figures:
    """Plot correlation, saving over |dQF|, decision curves, pixel-JND maps, patch weights."""
    input:
        lambda wildcards: vp_jnd_chosen(wildcards.data),
        pictures=rules.list_vp_jnd_pictures.output.pictures,
        table=rules.list_vp_jnd_pictures.output.table,
    output:
        *(figure_data(f"vp_jnd/figures/{{data}}_{name}") for name in VP_JND_FIGURES),
        *(
            report(
                f"{RESULTS}/vp_jnd/figures/{{data}}_{name}.png",
                caption="../../report/vp_jnd/figures.rst",
                category="VP-JND",
                labels={"figure": f"{{data}}: {label}"},
            )
            for name, label in VP_JND_FIGURES.items()
        ),
    log:
        "<logs>/plot_vp_jnd_figures/{data}.log",
    benchmark:
        "<benchmarks>/plot_vp_jnd_figures/{data}.tsv"
    conda:
        "../../envs/tables.yaml"
    params:
        # <results>/vp_jnd/figures/NAME.svg is the first output of this rule
        folder=lambda wildcards, output: str(Path(output[0]).parents[1]),
        models=f"{RESULTS}/models/vp_jnd",
        entry=lambda wildcards: VP_JND_DATA[wildcards.data],
        folder_of_data=vp_jnd_folder,
        methods=VP_JND_CHOICES,
        classifiers=VP_JND_CLASSIFIERS,
        labels={name: labels()[name] for name in VP_JND_CHOICES},
        shown=VP_JND["shown"],
        store=VP_JND_STORE,
    script:
        "../../workflow_scripts/vp_jnd/plot_vp_jnd_figures.py"


rule check_vp_jnd_quiz:
    """Compare the recommendations for KonJND-1k's two quiz pictures with the accepted levels."""
    input:
        fitted=f"{RESULTS}/vp_jnd/{VP_JND_FIRST}/fitted.json",
        models=[
            text
            for method in VP_JND_CHOICES
            for text in texts_of(vp_jnd_options(method, VP_JND_FIRST, VP_JND_FIRST_SPLIT))
            if text.startswith(f"{RESULTS}/")
        ],
    output:
        table("vp_jnd/checks/quiz"),
        html=report(
            "<results>/vp_jnd/checks/quiz.html",
            caption="../../report/vp_jnd/quiz.rst",
            category="VP-JND",
            labels={"table": "KonJND-1k's quiz pictures"},
        ),
    log:
        "<logs>/check_vp_jnd_quiz.log",
    benchmark:
        "<benchmarks>/check_vp_jnd_quiz.tsv"
    conda:
        "../../envs/networks.yaml"
    params:
        methods_code=digest(file for method in VP_JND_CHOICES for file in METHOD_FILES[method]),
        quiz_folder=VP_JND_QUIZ,
        data=VP_JND_FIRST,
        split=VP_JND_FIRST_SPLIT,
        classes={method: settings.config["methods"][method]["class"] for method in VP_JND_CHOICES},
        options={method: vp_jnd_options(method, VP_JND_FIRST, VP_JND_FIRST_SPLIT) for method in VP_JND_CHOICES},
        store=VP_JND_STORE,
    script:
        "../../workflow_scripts/vp_jnd/check_vp_jnd_quiz.py"
