"""What VP-JND's rules share: settings and small functions; no rules here."""

from jndlab.papers.vp_jnd.splits import split_names

VP_JND = settings.config["vp_jnd"]
VP_JND_DATA = VP_JND["data"]
VP_JND_STORE = f"{RESULTS}/vp_jnd/stills"  # coded pictures by hash, shared by all jobs; no output
VP_JND_KEYS = ("source", "sources", "codec", "own_files", "size", "crops_per_picture", "frames_per_clip")
VP_JND_NETWORKS = {"vp_jnd": VP_JND["network"], "liu_pw_jnd": VP_JND["predecessor"]}
# Networks are trained only where a method of the run uses them.
VP_JND_TRAINED = [name for name in VP_JND_NETWORKS if is_used(f"{{results}}/models/vp_jnd/{name}_")]

try:
    VP_JND_SPLITS = {name: split_names(entry["split"]) for name, entry in VP_JND_DATA.items()}
except UserError as error:
    raise WorkflowError(str(error))


wildcard_constraints:
    data=one_of(VP_JND_DATA),
    split=r"authors|fractions|fold\d+",
    batch=r"\d{4}",
    network=one_of(VP_JND_NETWORKS),


def vp_jnd_entry(wildcards):
    """What chooses a data set's pictures and their codec: an entry of the configuration, less the rest."""
    return {key: VP_JND_DATA[wildcards.data][key] for key in VP_JND_KEYS}


def vp_jnd_folder(wildcards):
    """Folder of a data set's originals; none for those that arrive with packages."""
    entry = VP_JND_DATA[wildcards.data]
    if entry["source"] == "packaged":
        return None
    return entry["folder"] or f"{settings.config['data_dir']}/{entry['source']}"


def vp_jnd_originals(wildcards):
    """Files of a folder of one's own, which may change; public data sets do not."""
    if VP_JND_DATA[wildcards.data]["source"] != "folder":
        return []
    return sorted(str(file) for file in Path(vp_jnd_folder(wildcards)).glob("*.*") if file.is_file())


def vp_jnd_measured(wildcards):
    """Curves and mean pixel JNDs of all pictures of a data set."""
    stems = [
        f"{RESULTS}/vp_jnd/{wildcards.data}/measures/{number:04d}"
        for number in range(VP_JND_DATA[wildcards.data]["jobs"])
    ]
    return dict(measures=[f"{stem}.csv" for stem in stems], pixel_jnd=[f"{stem}.pixel_jnd.csv" for stem in stems])


def vp_jnd_label_files(wildcards):
    """What labels are made from: measured curves, or a table of one's own."""
    labels = VP_JND_DATA[wildcards.data]["labels"]
    if labels["kind"] == "vmaf_steps":
        return vp_jnd_measured(wildcards)
    return dict(measures=[], pixel_jnd=[], labels=labels["file"] or [])


VP_JND_CHOICES = settings.methods_of("quality_choice")


def vp_jnd_options(method, data, split):
    """Options of a quality choice, with the names of results, data set and split filled in."""
    options = settings.config["methods"][method]["options"]
    return expanded_options(options, results=RESULTS, data=data, split=split)


def vp_jnd_models(wildcards):
    """Files below the results that a choice's options name: they are made first."""
    options = vp_jnd_options(wildcards.method, wildcards.data, wildcards.split)
    return [text for text in texts_of(options) if text.startswith(f"{RESULTS}/")]


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
    if settings.config["methods"][name]["class"] == "jndlab.models.vp_jnd.choice:VpJndChoice"
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
