"""VP-JND (TCSVT 2025): tables beside the printed numbers, figures, and a check on KonJND-1k's quiz pictures."""

import os

VP_JND_TABLES = {
    "prediction": "prediction",
    "prediction_comparison": "prediction: comparison",
    "saving": "saving",
    "saving_comparison": "saving: comparison",
    "correlation": "pixel JND and PW-JND",
    "labels": "labels by themselves",
    "pictures": "every picture",
}
# Only a classifier has decisions and patch weights to show.
VP_JND_CLASSIFIERS = [
    name
    for name in VP_JND_CHOICES
    if settings.config["methods"][name]["class"] == "jndlab.models.vp_jnd_choice:VpJndChoice"
]
VP_JND_FIGURES = {
    "correlation": "mean pixel JND and PW-JND",
    "saving": "saving over |dQF|",
    "pixel_jnd": "pixel-JND maps",
    "look": "original, at and below the PW-JND",
    **({"decisions": "decisions along the qualities"} if VP_JND_CLASSIFIERS else {}),
    **{f"weights_{name}": f"patch weights, {labels()[name]}" for name in VP_JND_CLASSIFIERS},
}
VP_JND_QUIZ = VP_JND["quiz_folder"]
if VP_JND_QUIZ is None and os.environ.get("JNDLAB_SHARED_DATA"):
    VP_JND_QUIZ = str(Path(os.environ["JNDLAB_SHARED_DATA"]) / "konjnd1k")
VP_JND_FIRST = next(iter(VP_JND_DATA))
VP_JND_FIRST_SPLIT = VP_JND_SPLITS[VP_JND_FIRST][0]


def vp_jnd_chosen(data):
    """What all choices said of a data set, with what tables and figures need besides."""
    folder = f"{RESULTS}/vp_jnd/{data}"
    measures = [f"{folder}/measures/{number:04d}" for number in range(VP_JND_DATA[data]["jobs"])]
    return [
        *(f"{folder}/{name}" for name in ("pictures.csv", "labels.csv", "splits.csv", "fitted.json")),
        *(f"{stem}.{suffix}" for stem in measures for suffix in ("csv", "pixel_jnd.csv")),
        *(f"{folder}/choices/{method}/{split}.json" for method in VP_JND_CHOICES for split in VP_JND_SPLITS[data]),
    ]


rule tabulate_vp_jnd:
    """Predictions and savings beside the printed ones, correlations, and what labels say by themselves."""
    input:
        chosen=[vp_jnd_chosen(data) for data in VP_JND_DATA],
        printed="config/published/vp_jnd/headline.csv",
    output:
        *(table(f"vp_jnd/tables/{name}") for name in VP_JND_TABLES),
        *(
            report(
                f"{RESULTS}/vp_jnd/tables/{name}.html",
                caption="../report/vp_jnd_tables.rst",
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
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("tabulate_vp_jnd"),
        folder=f"{RESULTS}/vp_jnd",
        models=f"{RESULTS}/models/vp_jnd",
        data=VP_JND_DATA,
        methods=VP_JND_CHOICES,
        label_folders=VP_JND["label_folders"],
    message:
        "Writing VP-JND's tables"
    script:
        "../workflow_scripts/tabulate_vp_jnd.py"


rule draw_vp_jnd_figures:
    """Correlation, saving over |dQF|, decision curves, pixel-JND maps, patch weights, the PW-JND itself."""
    input:
        lambda wildcards: vp_jnd_chosen(wildcards.data),
        pictures=rules.list_vp_jnd_pictures.output.pictures,
        table=rules.list_vp_jnd_pictures.output.table,
    output:
        *(figure_data(f"vp_jnd/figures/{{data}}_{name}") for name in VP_JND_FIGURES),
        *(
            report(
                f"{RESULTS}/vp_jnd/figures/{{data}}_{name}.png",
                caption="../report/vp_jnd_figures.rst",
                category="VP-JND",
                labels={"figure": f"{{data}}: {label}"},
            )
            for name, label in VP_JND_FIGURES.items()
        ),
    log:
        "<logs>/draw_vp_jnd_figures/{data}.log",
    benchmark:
        "<benchmarks>/draw_vp_jnd_figures/{data}.tsv"
    conda:
        "../envs/tables.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=30,
    params:
        code=code("draw_vp_jnd_figures"),
        # <results>/vp_jnd/figures/NAME.svg is the first output of this rule
        folder=f"{RESULTS}/vp_jnd",
        models=f"{RESULTS}/models/vp_jnd",
        entry=lambda wildcards: VP_JND_DATA[wildcards.data],
        folder_of_data=vp_jnd_folder,
        methods=VP_JND_CHOICES,
        classifiers=VP_JND_CLASSIFIERS,
        labels={name: labels()[name] for name in VP_JND_CHOICES},
        shown=VP_JND["shown"],
        store=VP_JND_STORE,
    message:
        "Drawing VP-JND's figures of {wildcards.data}"
    script:
        "../workflow_scripts/draw_vp_jnd_figures.py"


rule check_vp_jnd_quiz:
    """What each choice recommends for KonJND-1k's two quiz pictures, beside the accepted levels."""
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
            caption="../report/vp_jnd_quiz.rst",
            category="VP-JND",
            labels={"table": "KonJND-1k's quiz pictures"},
        ),
    log:
        "<logs>/check_vp_jnd_quiz.log",
    benchmark:
        "<benchmarks>/check_vp_jnd_quiz.tsv"
    conda:
        "../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        code=code("check_vp_jnd_quiz", *(file for method in VP_JND_CHOICES for file in METHOD_FILES[method])),
        quiz_folder=VP_JND_QUIZ,
        data=VP_JND_FIRST,
        split=VP_JND_FIRST_SPLIT,
        classes={method: settings.config["methods"][method]["class"] for method in VP_JND_CHOICES},
        options={method: vp_jnd_options(method, VP_JND_FIRST, VP_JND_FIRST_SPLIT) for method in VP_JND_CHOICES},
        store=VP_JND_STORE,
    message:
        "Asking for the quality of KonJND-1k's quiz pictures"
    script:
        "../workflow_scripts/check_vp_jnd_quiz.py"
