"""Frames with JND labels, which LASeR-JND and MTJND learn from: frames, labels, split, codings."""


rule list_jnd_frames:
    """Write the frames as PNG of one size and list the part of a file that each of them is."""
    input:
        folder=jnd_frame_inputs.folder_files(),
    output:
        frames=directory("<results>/jnd_frames/frames"),
        table="<results>/jnd_frames/frames.csv",
    conda:
        "../../envs/networks.yaml"
    params:
        folder=jnd_frame_inputs.folder,
        choice=jnd_frame_inputs.choice(),
    script:
        "../../workflow_scripts/jnd_networks/list_jnd_frames.py"


rule label_jnd_frames:
    """Label each frame with JND1 to JND3, subjective or by VMAF steps."""
    input:
        folder=jnd_frame_inputs.folder_files(),
        frames=rules.list_jnd_frames.output.frames,
        table=rules.list_jnd_frames.output.table,
    output:
        **jnd_frame_inputs.label_sources(),
        labels="<results>/jnd_frames/labels.csv",
    conda:
        "../../envs/networks.yaml"
    threads: 8
    resources:
        runtime=doubling(720),
    params:
        data_set=jnd_frame_inputs.source,
        folder=jnd_frame_inputs.folder,
        resolution=JND_FRAMES["resolution"],
        labels=JND_FRAMES["labels"],
        preset=JND_FRAMES["preset"],
    script:
        "../../workflow_scripts/jnd_networks/label_jnd_frames.py"


rule split_jnd_frames:
    """Split the sources into training, validation and test sets, once or by folds."""
    input:
        table=rules.list_jnd_frames.output.table,
    output:
        splits="<results>/jnd_frames/splits.csv",
    conda:
        "../../envs/networks.yaml"
    params:
        split=JND_FRAMES["split"],
    script:
        "../../workflow_scripts/jnd_networks/split_jnd_frames.py"


rule encode_jnd_frames:
    """Encode every frame at its JNDs, and measure its PSNR at every quality."""
    input:
        folder=jnd_frame_inputs.folder_files(),
        frames=rules.list_jnd_frames.output.frames,
        table=rules.list_jnd_frames.output.table,
        labels=rules.label_jnd_frames.output.labels,
        streams=jnd_frame_inputs.streams(),
    output:
        pictures=directory("<results>/jnd_frames/coded"),
        table="<results>/jnd_frames/coded.csv",
    conda:
        "../../envs/networks.yaml"
    threads: 8
    resources:
        runtime=doubling(720),
    params:
        data_set=jnd_frame_inputs.source,
        folder=jnd_frame_inputs.folder,
        order=JND_FRAMES["labels"]["order"],
        preset=JND_FRAMES["preset"],
    script:
        "../../workflow_scripts/jnd_networks/encode_jnd_frames.py"


rule export_jnd_frames:
    """Export frames, labels and codings in the folder layout of the papers' authors, by the first split."""
    input:
        frames=rules.list_jnd_frames.output.frames,
        table=rules.list_jnd_frames.output.table,
        labels=rules.label_jnd_frames.output.labels,
        splits=rules.split_jnd_frames.output.splits,
        pictures=rules.encode_jnd_frames.output.pictures,
    output:
        folder=directory("<results>/jnd_frames/data"),
    conda:
        "../../envs/networks.yaml"
    script:
        "../../workflow_scripts/jnd_networks/export_jnd_frames.py"


rule compute_saliency:
    """Compute a saliency map of each frame: the target of MTJND's attention tail."""
    input:
        frames=rules.list_jnd_frames.output.frames,
        table=rules.list_jnd_frames.output.table,
        models=coding.named_files(JND_FRAMES["saliency"]["options"]),
    output:
        maps=directory("<results>/jnd_frames/saliency"),
    conda:
        "../../envs/networks.yaml"
    params:
        **JND_FRAMES["saliency"],
        saliency_code=jnd_frame_inputs.saliency_code,
    script:
        "../../workflow_scripts/jnd_networks/compute_saliency.py"


rule plot_jnd_frames:
    """Plot a sheet of frames at their JNDs, and the distribution of the labels."""
    input:
        **jnd_frame_inputs.sur(),
        **jnd_frame_inputs.sets(),
        codings=rules.encode_jnd_frames.output.table,
    output:
        **outputs_of("jnd_networks", "plot_jnd_frames", parts=jnd_frame_inputs.parts()),
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
