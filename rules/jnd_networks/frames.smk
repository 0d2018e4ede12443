"""Frames with JND labels, which LASeR-JND and MTJND learn from: frames, labels, split, codings."""

from jndlab.jnd.saliency.visual_importance import SALIENCY_MODELS

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
    JND_SWEEPS["streams"] = directory(f"{RESULTS}/jnd_frames/streams")
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
    JND_SALIENCY_FILES = import_closure(
        class_file(SALIENCY_MODELS.get(JND_SALIENCY["model"], JND_SALIENCY["model"]), SCRIPTS), SCRIPTS
    )
except UserError as error:
    raise WorkflowError(str(error))


rule list_jnd_frames:
    """Write the frames as PNG of one size and list the part of a file that each of them is."""
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
    params:
        folder=JND_FOLDER,
        choice={
            "source": JND_SET,
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
    script:
        "../../workflow_scripts/jnd_networks/list_jnd_frames.py"


rule label_jnd_frames:
    """Label each frame with JND1 to JND3, subjective or by VMAF steps."""
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
        runtime=doubling(720),
    params:
        data_set=JND_SET,
        folder=JND_FOLDER,
        resolution=JND_FRAMES["resolution"],
        labels=JND_LABELS,
        preset=JND_FRAMES["preset"],
    script:
        "../../workflow_scripts/jnd_networks/label_jnd_frames.py"


rule split_jnd_frames:
    """Split the sources into training, validation and test sets."""
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
    params:
        split=JND_FRAMES["split"],
    script:
        "../../workflow_scripts/jnd_networks/split_jnd_frames.py"


rule encode_jnd_frames:
    """Encode every frame at its JNDs, and measure its PSNR at every quality."""
    input:
        folder=JND_FOLDER_FILES,
        frames=rules.list_jnd_frames.output.frames,
        table=rules.list_jnd_frames.output.table,
        labels=rules.label_jnd_frames.output.labels,
        streams=JND_SWEEPS.get("streams", []),
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
        runtime=doubling(720),
    params:
        data_set=JND_SET,
        folder=JND_FOLDER,
        order=JND_LABELS["order"],
        preset=JND_FRAMES["preset"],
    script:
        "../../workflow_scripts/jnd_networks/encode_jnd_frames.py"


rule export_jnd_frames:
    """Export frames, labels, split and codings in the folder layout of the papers' authors."""
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
    script:
        "../../workflow_scripts/jnd_networks/export_jnd_frames.py"


rule compute_saliency:
    """Compute a saliency map of each frame: the target of MTJND's attention tail."""
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
    params:
        **JND_SALIENCY,
        saliency_code=digest(JND_SALIENCY_FILES),
    script:
        "../../workflow_scripts/jnd_networks/compute_saliency.py"


rule plot_jnd_frames:
    """Plot a sheet of frames at their JNDs, and the distribution of the labels."""
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
    script:
        "../../workflow_scripts/jnd_networks/plot_jnd_frames.py"


rule jnd_frames:
    """Frames with JND labels, to look at and to train on."""
    input:
        rules.export_jnd_frames.output,
        rules.compute_saliency.output,
        rules.plot_jnd_frames.output,
