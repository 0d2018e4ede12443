"""BL-JUNIPER's networks: labelled blocks to learn from, training, the authors' weights."""


rule label_panned_pictures:
    """Label the blocks of synthetic pans, a stand-in for the paper's clips, by VMAF steps."""
    input:
        photographs=bl_juniper_inputs.photographs(),
    output:
        blocks="<results>/bl_juniper/training_data/panned_pictures.npz",
        labels="<results>/bl_juniper/training_data/panned_pictures.labels.csv",
        sweeps="<results>/bl_juniper/training_data/panned_pictures.sweeps.csv",
    conda:
        "../../envs/networks.yaml"
    threads: 2
    params:
        pictures=bl_juniper_inputs.panned(),
        labels=bl_juniper_inputs.panned_labels(),
    script:
        "../../workflow_scripts/bl_juniper/label_panned_pictures.py"


rule label_mcl_jcv:
    """Label the blocks of a clip's key frames by the authors' labels or by stage 1."""
    input:
        labels=BL_JUNIPER["labels"] or [],
        video_jnd=BL_JUNIPER["training_data"]["video_jnd"] or [],
    output:
        blocks="<results>/bl_juniper/training_data/{source}.npz",
    conda:
        "../../envs/networks.yaml"
    params:
        folder=bl_juniper_inputs.folder,
        mapping=BL_JUNIPER["mapping"],
        statistic=BL_JUNIPER["training_data"]["statistic"],
    script:
        "../../workflow_scripts/bl_juniper/label_mcl_jcv.py"


rule label_sequence:
    """Label the blocks of a sequence's key frames by stage 1, to learn from them."""
    input:
        clip="<results>/sequences/{sequence}.mkv",
        maps="<results>/bl_juniper/block_jnd/mapped/{sequence}.npz",
        video_jnd="<results>/bl_juniper/video_jnd/{sequence}.csv",
    output:
        blocks="<results>/bl_juniper/training_data/sequences/{sequence}.npz",
    conda:
        "../../envs/networks.yaml"
    params:
        clip=coding.clip,
        mapping=BL_JUNIPER["mapping"],
        every=BL_JUNIPER["key_frames_every"],
    script:
        "../../workflow_scripts/bl_juniper/label_sequence.py"


rule train_bl_juniper:
    """Train the network of one JND level; the best weights as ONNX and torch file."""
    input:
        blocks=bl_juniper_inputs.blocks(),
    output:
        **coding.trained_network("<results>/models/bl_juniper/jnd{level}_seed{seed}"),
    conda:
        "../../envs/networks.yaml"
    threads: BL_JUNIPER["jobs"]["threads"]
    resources:
        **training_needs(BL_JUNIPER["jobs"], mem_mb=6000),
    params:
        training=bl_juniper_inputs.training(),
        data=bl_juniper_inputs.split(),
    script:
        "../../workflow_scripts/bl_juniper/train_bl_juniper.py"


rule import_bl_juniper:
    """Import the authors' network of one JND level, standardised to the training blocks."""
    input:
        weights=bl_juniper_inputs.weights,
        blocks=bl_juniper_inputs.blocks(),
    output:
        model="<results>/models/bl_juniper/authors_jnd{level}/model.onnx",
        weights="<results>/models/bl_juniper/authors_jnd{level}/model.pt",
    conda:
        "../../envs/networks.yaml"
    resources:
        mem_mb=doubling(6000),
    params:
        training=bl_juniper_inputs.training(),
        data=bl_juniper_inputs.split(),
    script:
        "../../workflow_scripts/bl_juniper/import_bl_juniper.py"
