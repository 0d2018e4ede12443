"""Frames with JND labels, which LASeR-JND and MTJND learn from: frames, labels, split, codings."""

JND_FRAMES = settings.config["jnd_frames"]
JND_LABELS = JND_FRAMES["labels"]
JND_SET = JND_FRAMES["source"]
JND_FOLDER = None
JND_FOLDER_FILES = []  # a folder of one's own may change, public data sets do not
if JND_SET != "packaged":
    JND_FOLDER = JND_FRAMES["folder"] or f"{settings.config['data_dir']}/{JND_SET}"
    if JND_SET == "folder":
        JND_FOLDER_FILES = sorted(str(file) for file in Path(JND_FOLDER).glob("*/*") if file.is_file())
# Labels of our own are read off a sweep, those of a public data set are of its subjects; a folder brings its labels.
JND_SWEEPS, JND_SUR, JND_SUR_FIGURE = {}, {}, {}
if JND_LABELS["kind"] == "vmaf_steps" and JND_SET != "folder":
    JND_SWEEPS["sweeps"] = f"{RESULTS}/jnd_frames/sweeps.csv"
elif JND_SET != "folder":
    JND_SWEEPS["subjects"] = f"{RESULTS}/jnd_frames/subjects.csv"
    JND_SUR["sur"] = f"{RESULTS}/jnd_frames/sur_curves.csv"
    JND_SUR_FIGURE = {
        "sur_figure": report(
            f"{RESULTS}/jnd_frames/figures/sur_curves.png",
            caption="../../report/jnd_networks/frames_sur.rst",
            category="JND labels",
            labels={"figure": "satisfied users"},
        ),
        "sur_data": figure_data("jnd_frames/figures/sur_curves"),
    }
JND_SALIENCY = JND_FRAMES["saliency"]

try:
    JND_SALIENCY_FILES = (
        [class_file(JND_SALIENCY["model"], SCRIPTS)]
        if ":" in JND_SALIENCY["model"]
        else sorted((SCRIPTS / "jndlab/jnd").glob("saliency_*.py"))
    )
except UserError as error:
    raise WorkflowError(str(error))


rule list_jnd_frames:
    """The frames as PNG of one size, and which part of which file each of them is."""
    input:
        folder=JND_FOLDER_FILES,
    output:
        frames=directory("<results>/jnd_frames/frames"),
        table="<results>/jnd_frames/frames.csv",
    log:
        "<logs>/list_jnd_frames.log",
    benchmark:
        "<benchmarks>/list_jnd_frames.tsv"
    priority: 30
    conda:
        "../../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=raised(2000),
        runtime=raised(120),
    params:
        code=code("list_jnd_frames"),
        folder=JND_FOLDER,
        choice={
            "data_set": JND_SET,
            **{
                key: JND_FRAMES[key]
                for key in (
                    "sources",
                    "source_pattern",
                    "resolution",
                    "frames_per_source",
                    "crops_per_picture",
                    "size",
                )
            },
        },
    message:
        "Listing frames of {params.choice[data_set]}"
    script:
        "../../workflow_scripts/jnd_networks/list_jnd_frames.py"


rule label_jnd_frames:
    """JND1 to JND3 of each frame, and what they are: subjective, or steps of VMAF."""
    input:
        folder=JND_FOLDER_FILES,
        frames=rules.list_jnd_frames.output.frames,
        table=rules.list_jnd_frames.output.table,
    output:
        **JND_SWEEPS,
        **JND_SUR,
        labels="<results>/jnd_frames/labels.csv",
    log:
        "<logs>/label_jnd_frames.log",
    benchmark:
        "<benchmarks>/label_jnd_frames.tsv"
    priority: 30
    conda:
        "../../envs/networks.yaml"
    threads: 8
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * 2 ** (attempt - 1),
        runtime=raised(720),
    params:
        code=code("label_jnd_frames"),
        data_set=JND_SET,
        folder=JND_FOLDER,
        resolution=JND_FRAMES["resolution"],
        labels=JND_LABELS,
        preset=JND_FRAMES["preset"],
    message:
        "Labelling frames ({params.labels[kind]})"
    script:
        "../../workflow_scripts/jnd_networks/label_jnd_frames.py"


rule split_jnd_frames:
    """Which sources are learnt from, which validate and which test."""
    input:
        table=rules.list_jnd_frames.output.table,
    output:
        splits="<results>/jnd_frames/splits.csv",
    log:
        "<logs>/split_jnd_frames.log",
    benchmark:
        "<benchmarks>/split_jnd_frames.tsv"
    priority: 30
    conda:
        "../../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=raised(500),
        runtime=raised(10),
    params:
        code=code("split_jnd_frames"),
        split=JND_FRAMES["split"],
    message:
        "Splitting the sources of frames"
    script:
        "../../workflow_scripts/jnd_networks/split_jnd_frames.py"


rule encode_jnd_frames:
    """Every frame as it looks at its JNDs, and its PSNR at every quality."""
    input:
        folder=JND_FOLDER_FILES,
        frames=rules.list_jnd_frames.output.frames,
        table=rules.list_jnd_frames.output.table,
        labels=rules.label_jnd_frames.output.labels,
    output:
        pictures=directory("<results>/jnd_frames/coded"),
        table="<results>/jnd_frames/coded.csv",
    log:
        "<logs>/encode_jnd_frames.log",
    benchmark:
        "<benchmarks>/encode_jnd_frames.tsv"
    priority: 30
    conda:
        "../../envs/networks.yaml"
    threads: 8
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * 2 ** (attempt - 1),
        runtime=raised(720),
    params:
        code=code("encode_jnd_frames"),
        data_set=JND_SET,
        folder=JND_FOLDER,
        order=JND_LABELS["order"],
        preset=JND_FRAMES["preset"],
    message:
        "Coding frames at their JNDs"
    script:
        "../../workflow_scripts/jnd_networks/encode_jnd_frames.py"


rule export_jnd_frames:
    """All of it in the folder layout of the papers' authors, which training reads."""
    input:
        frames=rules.list_jnd_frames.output.frames,
        table=rules.list_jnd_frames.output.table,
        labels=rules.label_jnd_frames.output.labels,
        splits=rules.split_jnd_frames.output.splits,
        pictures=rules.encode_jnd_frames.output.pictures,
    output:
        folder=directory("<results>/jnd_frames/data"),
        table="<results>/jnd_frames/data.csv",
    log:
        "<logs>/export_jnd_frames.log",
    benchmark:
        "<benchmarks>/export_jnd_frames.tsv"
    priority: 30
    conda:
        "../../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=raised(1000),
        runtime=raised(30),
    params:
        code=code("export_jnd_frames"),
    message:
        "Writing frames, labels and codings for training"
    script:
        "../../workflow_scripts/jnd_networks/export_jnd_frames.py"


rule compute_saliency:
    """Where each frame draws the eye, by a saliency model: what MTJND's attention tail learns."""
    input:
        frames=rules.list_jnd_frames.output.frames,
        table=rules.list_jnd_frames.output.table,
    output:
        maps=directory("<results>/jnd_frames/saliency"),
    log:
        "<logs>/compute_saliency.log",
    benchmark:
        "<benchmarks>/compute_saliency.tsv"
    priority: 30
    conda:
        "../../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=raised(2000),
        runtime=raised(240),
    params:
        **JND_SALIENCY,
        code=code("compute_saliency", *JND_SALIENCY_FILES),
    message:
        "Making saliency maps of frames with {params.model}"
    script:
        "../../workflow_scripts/jnd_networks/compute_saliency.py"


rule plot_jnd_frames:
    """A sheet of frames beside their JND-quality versions, and the spread of the labels."""
    input:
        **JND_SUR,
        folder=rules.export_jnd_frames.output.folder,
        table=rules.export_jnd_frames.output.table,
        codings=rules.encode_jnd_frames.output.table,
    output:
        **JND_SUR_FIGURE,
        labels=table("jnd_frames/tables/labels"),
        page=report(
            "<results>/jnd_frames/tables/labels.html",
            caption="../../report/jnd_networks/frames_labels.rst",
            category="JND labels",
            labels={"table": "labels by part and level"},
        ),
        sheet=report(
            "<results>/jnd_frames/figures/frames.png",
            caption="../../report/jnd_networks/frames_sheet.rst",
            category="JND labels",
            labels={"figure": "frames at their JNDs"},
        ),
    log:
        "<logs>/plot_jnd_frames.log",
    benchmark:
        "<benchmarks>/plot_jnd_frames.tsv"
    conda:
        "../../envs/networks.yaml"
    threads: 1
    resources:
        mem_mb=raised(1000),
        runtime=raised(20),
    params:
        code=code("plot_jnd_frames"),
    message:
        "Drawing labelled frames"
    script:
        "../../workflow_scripts/jnd_networks/plot_jnd_frames.py"


rule jnd_frames:
    """Frames with JND labels, to look at and to train on."""
    input:
        rules.export_jnd_frames.output,
        rules.compute_saliency.output,
        rules.plot_jnd_frames.output,
