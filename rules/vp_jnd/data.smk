"""VP-JND's data: pictures, their codings measured, labels, splits, and baselines fitted to them."""


rule list_vp_jnd_pictures:
    """Write the pictures as PNG and list the origin of each of them."""
    input:
        originals=vp_jnd_inputs.originals,
    output:
        pictures=directory("<results>/vp_jnd/{data}/pictures"),
        table="<results>/vp_jnd/{data}/pictures.csv",
    conda:
        "../../envs/codecs.yaml"
    params:
        entry=vp_jnd_inputs.entry,
        folder=vp_jnd_inputs.folder,
        limits=vp_jnd_inputs.limits(),
    script:
        "../../workflow_scripts/vp_jnd/list_vp_jnd_pictures.py"


rule measure_vp_jnd_pictures:
    """Code a share of the pictures at every quality: bytes, SSIM, VMAF NEG; mean pixel JND."""
    input:
        pictures=rules.list_vp_jnd_pictures.output.pictures,
        table=rules.list_vp_jnd_pictures.output.table,
    output:
        measures="<results>/vp_jnd/{data}/measures/{batch}.csv",
        pixel_jnd="<results>/vp_jnd/{data}/measures/{batch}.pixel_jnd.csv",
    conda:
        "../../envs/codecs.yaml"
    resources:
        runtime=lambda wildcards, attempt: 720 * attempt,
    params:
        entry=vp_jnd_inputs.entry,
        folder=vp_jnd_inputs.folder,
        jobs=vp_jnd_inputs.key("jobs"),
        store=vp_jnd_inputs.store,
    script:
        "../../workflow_scripts/vp_jnd/measure_vp_jnd_pictures.py"


rule label_vp_jnd_pictures:
    """Label each picture with its picture-wise JND, subjective or by VMAF steps."""
    input:
        unpack(vp_jnd_inputs.label_files),
        table=rules.list_vp_jnd_pictures.output.table,
    output:
        labels="<results>/vp_jnd/{data}/labels.csv",
    conda:
        "../../envs/codecs.yaml"
    params:
        entry=vp_jnd_inputs.entry,
        folder=vp_jnd_inputs.folder,
        labels=vp_jnd_inputs.key("labels"),
    script:
        "../../workflow_scripts/vp_jnd/label_vp_jnd_pictures.py"


rule split_vp_jnd_pictures:
    """Split the pictures into training, validation and test sets."""
    input:
        table=rules.list_vp_jnd_pictures.output.table,
    output:
        splits="<results>/vp_jnd/{data}/splits.csv",
    conda:
        "../../envs/codecs.yaml"
    params:
        split=vp_jnd_inputs.key("split"),
    script:
        "../../workflow_scripts/vp_jnd/split_vp_jnd_pictures.py"


rule fit_vp_jnd_choices:
    """Fit the baselines to the training pictures: a constant, thresholds, a line."""
    input:
        unpack(vp_jnd_inputs.measured),
        labels=rules.label_vp_jnd_pictures.output.labels,
        splits=rules.split_vp_jnd_pictures.output.splits,
    output:
        fitted="<results>/vp_jnd/{data}/fitted.json",
    conda:
        "../../envs/codecs.yaml"
    params:
        codec=vp_jnd_inputs.key("codec"),
    script:
        "../../workflow_scripts/vp_jnd/fit_vp_jnd_choices.py"
