"""What the rules of LASeR-JND and MTJND share: small functions; no rules here."""

from jndlab.papers.jnd_networks.stages import AUTOENCODER, stages_of

JND_REPORT = "JND predictors"  # category

try:
    JND_STAGES = {paper: stages_of(paper, settings.config[paper]) for paper in ("laser_jnd", "mtjnd")}
except UserError as error:
    raise WorkflowError(str(error))


def jnd_stage(wildcards):
    """The stage that a training or import makes."""
    return JND_STAGES[wildcards.paper][wildcards.network]


def jnd_stage_metadata(wildcards):
    """All that the stage is, as plain data for `params`."""
    return asdict(jnd_stage(wildcards))


def jnd_stage_training(wildcards):
    """The keys of a stage's training."""
    stage, paper = jnd_stage(wildcards), settings.config[wildcards.paper]
    if stage.network == AUTOENCODER:
        return paper["autoencoder" if stage.target_level is None else "reconstruction"]
    return {**paper["training"], **paper["training_of"].get(stage.network, {})}


def jnd_stage_inputs(wildcards):
    """Weights that a training begins with, and the saliency maps that it learns from."""
    stage, paper = jnd_stage(wildcards), wildcards.paper
    imagenet = settings.config[paper].get("imagenet")
    return {
        "starts_from": [jnd_model(paper, name, "pt") for name in stage.starts_from],
        "saliency": rules.compute_saliency.output.maps if stage.network.endswith("_va") else [],
        "imagenet": imagenet or [],
    }


def jnd_model(paper, stage, suffix):
    """A stage's model file."""
    return f"{RESULTS}/models/{paper}/{stage}/model.{suffix}"


def jnd_models(paper, suffix, *, predictors=True):
    """Model files of all predictors of a paper, or of all stages, by stage."""
    return {
        name: jnd_model(paper, name, suffix)
        for name, stage in JND_STAGES[paper].items()
        if stage.predicts or not predictors
    }


def jnd_trainings(paper):
    """Summaries of all trainings of a paper."""
    trained = [name for name, stage in JND_STAGES[paper].items() if stage.trained]
    return [f"{RESULTS}/models/{paper}/{name}/summary.json" for name in trained]


def jnd_curves(paper):
    """Metrics of each epoch of all trainings of a paper."""
    return [str(Path(summary).with_name("metrics.csv")) for summary in jnd_trainings(paper)]


def jnd_methods(paper):
    """Methods of the run that code by this paper's networks."""
    folder = f"{{results}}/models/{paper}/"
    return [name for name in settings.methods_of("jnd_predictor") if folder in str(settings.config["methods"][name])]


def jnd_method_points(paper):
    """RD points of these methods, and those of the anchor with the same codecs."""
    methods = jnd_methods(paper)
    codecs = {codec for method in methods for codec in settings.codecs_of(method)}
    anchor = settings.config["anchor"]
    return [
        f"{point_stem('points', point)}.json"
        for point in settings.points()
        if point.method in methods or (point.method == anchor and point.codec in codecs)
    ]


def jnd_method_predictions(paper):
    """What these methods predict for each sequence."""
    return expand(
        f"{RESULTS}/predicted_jnd/{{sequence}}/{{method}}.json",
        sequence=settings.config["sequences"],
        method=jnd_methods(paper),
    )


def jnd_tables(paper):
    """Names of a paper's tables, with what each is called in the report."""
    names = {
        "errors": "errors of predicted JNDs",
        "errors_comparison": "errors beside the printed ones",
        "multi_task": "one level against all levels",
        "costs": "what the networks cost",
    }
    if settings.config[paper]["variants"]:
        names["variants"] = "variants"
    if jnd_methods(paper):
        names["coding"] = "coding at the predicted JND1"
    return names


def jnd_figures():
    """Names of a paper's figures, with what each is called in the report."""
    return {
        "predicted_against_true": "predicted over true",
        "error_histograms": "histograms of errors",
        "errors": "errors with intervals",
        "training_curves": "training curves",
    }


def jnd_metadata():
    """What a reader of tables and figures must know of frames and labels."""
    return {"data_set": JND_SET, "kind": JND_LABELS["kind"], "anchor": settings.config["anchor"]}


def jnd_stages_that(trained):
    """Pattern of the names of all stages that are trained, or of those that are imported."""
    names = {name for stages in JND_STAGES.values() for name, stage in stages.items() if stage.trained == trained}
    return one_of(sorted(names)) or "none"
