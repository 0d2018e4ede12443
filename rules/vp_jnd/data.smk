"""VP-JND's data: pictures, their codings measured, labels, splits, and what simple choices learn of them."""


rule list_vp_jnd_pictures:
    """The pictures as PNG, and what each of them is."""
    input:
        originals=vp_jnd_originals,
    output:
        pictures=directory("<results>/vp_jnd/{data}/pictures"),
        table="<results>/vp_jnd/{data}/pictures.csv",
    log:
        "<logs>/list_vp_jnd_pictures/{data}.log",
    benchmark:
        "<benchmarks>/list_vp_jnd_pictures/{data}.tsv"
    priority: 30
    conda:
        "../../envs/codecs.yaml"
    threads: 1
    resources:
        mem_mb=raised(1000),
        runtime=raised(60),
    params:
        code=code("list_vp_jnd_pictures"),
        entry=vp_jnd_entry,
        folder=vp_jnd_folder,
        patch_size=max([VP_JND_NETWORKS[name]["patch_size"] for name in VP_JND_TRAINED], default=1),
    message:
        "Listing VP-JND's pictures of {wildcards.data}"
    script:
        "../../workflow_scripts/vp_jnd/list_vp_jnd_pictures.py"


rule measure_vp_jnd_pictures:
    """A share of the pictures coded at every quality: bytes, SSIM, VMAF NEG; mean pixel-wise JND."""
    input:
        pictures=rules.list_vp_jnd_pictures.output.pictures,
        table=rules.list_vp_jnd_pictures.output.table,
    output:
        measures="<results>/vp_jnd/{data}/measures/{batch}.csv",
        pixel_jnd="<results>/vp_jnd/{data}/measures/{batch}.pixel_jnd.csv",
    log:
        "<logs>/measure_vp_jnd_pictures/{data}.{batch}.log",
    benchmark:
        "<benchmarks>/measure_vp_jnd_pictures/{data}.{batch}.tsv"
    priority: 30
    conda:
        "../../envs/codecs.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * 2 ** (attempt - 1),
        runtime=lambda wildcards, attempt: 720 * attempt,
    params:
        code=code("measure_vp_jnd_pictures"),
        entry=vp_jnd_entry,
        folder=vp_jnd_folder,
        jobs=lambda wildcards: VP_JND_DATA[wildcards.data]["jobs"],
        store=VP_JND_STORE,
    message:
        "Coding and measuring pictures of {wildcards.data}, part {wildcards.batch}"
    script:
        "../../workflow_scripts/vp_jnd/measure_vp_jnd_pictures.py"


rule label_vp_jnd_pictures:
    """The picture-wise JND of each picture, and what it is: subjective, or steps of VMAF."""
    input:
        unpack(vp_jnd_label_files),
        table=rules.list_vp_jnd_pictures.output.table,
    output:
        labels="<results>/vp_jnd/{data}/labels.csv",
    log:
        "<logs>/label_vp_jnd_pictures/{data}.log",
    benchmark:
        "<benchmarks>/label_vp_jnd_pictures/{data}.tsv"
    priority: 30
    conda:
        "../../envs/codecs.yaml"
    threads: 1
    resources:
        mem_mb=raised(1000),
        runtime=raised(10),
    params:
        code=code("label_vp_jnd_pictures"),
        entry=vp_jnd_entry,
        folder=vp_jnd_folder,
        labels=lambda wildcards: VP_JND_DATA[wildcards.data]["labels"],
    message:
        "Labelling pictures of {wildcards.data} ({params.labels[kind]})"
    script:
        "../../workflow_scripts/vp_jnd/label_vp_jnd_pictures.py"


rule split_vp_jnd_pictures:
    """Which pictures are learnt from, which validate and which are tested."""
    input:
        table=rules.list_vp_jnd_pictures.output.table,
    output:
        splits="<results>/vp_jnd/{data}/splits.csv",
    log:
        "<logs>/split_vp_jnd_pictures/{data}.log",
    benchmark:
        "<benchmarks>/split_vp_jnd_pictures/{data}.tsv"
    priority: 30
    conda:
        "../../envs/codecs.yaml"
    threads: 1
    resources:
        mem_mb=raised(500),
        runtime=raised(10),
    params:
        code=code("split_vp_jnd_pictures"),
        split=lambda wildcards: VP_JND_DATA[wildcards.data]["split"],
    message:
        "Splitting pictures of {wildcards.data}"
    script:
        "../../workflow_scripts/vp_jnd/split_vp_jnd_pictures.py"


rule fit_vp_jnd_choices:
    """What the simple choices learn from the training pictures: a constant, thresholds, a line."""
    input:
        unpack(vp_jnd_measured),
        labels=rules.label_vp_jnd_pictures.output.labels,
        splits=rules.split_vp_jnd_pictures.output.splits,
    output:
        fitted="<results>/vp_jnd/{data}/fitted.json",
    log:
        "<logs>/fit_vp_jnd_choices/{data}.log",
    benchmark:
        "<benchmarks>/fit_vp_jnd_choices/{data}.tsv"
    conda:
        "../../envs/codecs.yaml"
    threads: 1
    resources:
        mem_mb=raised(1000),
        runtime=raised(20),
    params:
        code=code("fit_vp_jnd_choices"),
        codec=lambda wildcards: VP_JND_DATA[wildcards.data]["codec"],
    message:
        "Fitting simple choices of quality to {wildcards.data}"
    script:
        "../../workflow_scripts/vp_jnd/fit_vp_jnd_choices.py"
