"""IQNet's training data (paper, section II): pictures, candidates, scores, choice of alpha, data set."""

IQNET_DATA = settings.config["iqnet"]["training_data"]
IQNET_SCORER = IQNET_DATA["scorer"]
IQNET_BATCHES = [f"{number:04d}" for number in range(IQNET_DATA["jobs"])]
IQNET_CODEC = settings.codecs[IQNET_DATA["codec"]]
IQNET_CODEC_CODE = code_of_codec(IQNET_CODEC)
IQNET_FOLDER = None
IQNET_FILES = []  # what the list of pictures is made from, as far as it is there
if IQNET_DATA["source"] != "packaged":
    IQNET_FOLDER = IQNET_DATA["folder"] or f"{settings.config['data_dir']}/vimeo90k"
    IQNET_FILES = Path(IQNET_FOLDER).glob("sep_testlist.txt" if IQNET_DATA["source"] == "vimeo90k" else "*.*")


rule list_iqnet_pictures:
    """List IQNet's training pictures: the part of a file that each of them is, with hashes."""
    input:
        pictures=sorted(str(file) for file in IQNET_FILES if file.is_file()),
    output:
        pictures="<results>/iqnet/training_data/pictures.csv",
    log:
        "<logs>/list_iqnet_pictures.log",
    benchmark:
        "<benchmarks>/list_iqnet_pictures.tsv"
    priority: 30
    conda:
        "../../envs/codecs.yaml"
    params:
        folder=IQNET_FOLDER,
        source={key: IQNET_DATA[key] for key in ("source", "crop", "patch", "crops_per_picture", "frames_per_clip")},
        limit=IQNET_DATA["pictures"],
    script:
        "../../workflow_scripts/iqnet/list_iqnet_pictures.py"


rule fetch_iqnet_scorer:
    """Fetch and try the scorer's weights before hours are spent on candidates."""
    output:
        metadata="<results>/iqnet/training_data/scorer.json",
    log:
        "<logs>/fetch_iqnet_scorer.log",
    benchmark:
        "<benchmarks>/fetch_iqnet_scorer.tsv"
    priority: 40
    # Here and not on a node, which may have no network; and before everything else.
    localrule: True
    conda:
        "../../envs/networks.yaml"
    params:
        scorer=IQNET_SCORER,
        patch=IQNET_DATA["patch"],
    script:
        "../../workflow_scripts/iqnet/fetch_iqnet_scorer.py"


rule make_iqnet_candidates:
    """Prefilter a share of the pictures at each alpha, code and decode them at the base QP."""
    input:
        pictures=rules.list_iqnet_pictures.output.pictures,
    output:
        candidates=ensure("<results>/iqnet/candidates/{batch}.npz", non_empty=True),
        metadata="<results>/iqnet/candidates/{batch}.json",
    log:
        "<logs>/make_iqnet_candidates/{batch}.log",
    benchmark:
        "<benchmarks>/make_iqnet_candidates/{batch}.tsv"
    wildcard_constraints:
        batch=r"\d+",
    # Everything of this paper waits for them.
    priority: 30
    conda:
        "../../envs/codecs.yaml"
    resources:
        runtime=doubling(720),
    params:
        codec_code=IQNET_CODEC_CODE,
        folder=IQNET_FOLDER,
        jobs=IQNET_DATA["jobs"],
        codec=IQNET_CODEC,
        candidates={
            "alphas": IQNET_DATA["alphas"],
            "qp": IQNET_DATA["qp"],
            "filter_options": IQNET_DATA["prefilter"],
        },
    script:
        "../../workflow_scripts/iqnet/make_iqnet_candidates.py"


rule score_iqnet_patches:
    """Score all patches of all candidates without reference, with their errors."""
    input:
        candidates=expand(rules.make_iqnet_candidates.output.candidates, batch=IQNET_BATCHES),
        # piqe has no weights, and its start would cost the demo some seconds.
        scorer=[] if IQNET_SCORER == "piqe" else rules.fetch_iqnet_scorer.output.metadata,
    output:
        scores="<results>/iqnet/training_data/scores.parquet",
        metadata="<results>/iqnet/training_data/scores.json",
    log:
        "<logs>/score_iqnet_patches.log",
    benchmark:
        "<benchmarks>/score_iqnet_patches.tsv"
    priority: 30
    conda:
        "../../envs/networks.yaml"
    threads: 1 if IQNET_SCORER == "piqe" else 8
    resources:
        runtime=doubling(720),
        gpu=0 if IQNET_SCORER == "piqe" else 1,
    params:
        scorer=IQNET_SCORER,
        patch=IQNET_DATA["patch"],
        alphas=IQNET_DATA["alphas"],
    script:
        "../../workflow_scripts/iqnet/score_iqnet_patches.py"


rule select_iqnet_alphas:
    """Select the alpha of each patch and write the training data: pairs, maps, statistics."""
    input:
        pictures=rules.list_iqnet_pictures.output.pictures,
        candidates=rules.score_iqnet_patches.input.candidates,
        scores=rules.score_iqnet_patches.output.scores,
    output:
        sources=directory("<results>/iqnet/training_data/sources"),
        targets=directory("<results>/iqnet/training_data/targets"),
        alphas="<results>/iqnet/training_data/alphas.csv",
        manifest="<results>/iqnet/training_data/manifest.csv",
        statistics="<results>/iqnet/training_data/statistics.json",
        histogram=report(
            "<results>/iqnet/training_data/alpha_histogram.csv",
            caption="../../report/iqnet/data.rst",
            category="IQNet",
            labels={"table": "training data: alphas"},
        ),
        contact_sheet=report(
            "<results>/iqnet/training_data/contact_sheet.png",
            caption="../../report/iqnet/data.rst",
            category="IQNet",
            labels={"figure": "training data: contact sheet"},
        ),
    log:
        "<logs>/select_iqnet_alphas.log",
    benchmark:
        "<benchmarks>/select_iqnet_alphas.tsv"
    priority: 30
    conda:
        "../../envs/networks.yaml"
    params:
        alphas=IQNET_DATA["alphas"],
        patch=IQNET_DATA["patch"],
        scorer=IQNET_SCORER,
        selection=IQNET_DATA["selection"],
    script:
        "../../workflow_scripts/iqnet/select_iqnet_alphas.py"


rule iqnet_training_data:
    """IQNet's training data, to look at and to train on."""
    input:
        rules.select_iqnet_alphas.output,
