"""IQNet's training data (paper, section II): pictures, candidates, scores, choice of alpha, data set."""

from jndops.inputs.iqnet import IqnetInputs

iqnet_inputs = IqnetInputs(coding)
IQNET_DATA = iqnet_inputs.data


rule list_iqnet_pictures:
    """List IQNet's training pictures: the part of a file that each of them is, with hashes."""
    input:
        pictures=iqnet_inputs.picture_files(),
    output:
        pictures="<results>/iqnet/training_data/pictures.csv",
    conda:
        "../../envs/codecs.yaml"
    params:
        folder=iqnet_inputs.folder,
        source=iqnet_inputs.source(),
    script:
        "../../workflow_scripts/iqnet/list_iqnet_pictures.py"


rule fetch_iqnet_scorer:
    """Fetch and try the scorer's weights before hours are spent on candidates."""
    input:
        weights=iqnet_inputs.nima_weights(),
    output:
        metadata="<results>/iqnet/training_data/scorer.json",
    priority: 40
    # Here and not on a node, which may have no network; and before everything else.
    localrule: True
    conda:
        "../../envs/networks.yaml"
    params:
        scorer=iqnet_inputs.scorer_options(),
        patch=IQNET_DATA["patch"],
    script:
        "../../workflow_scripts/iqnet/fetch_iqnet_scorer.py"


rule plot_iqnet_weights:
    """Plot the weights of the DCT frequencies in use, after Fig. 4."""
    input:
        weighting=iqnet_inputs.weighting_file(),
    output:
        **outputs_of("iqnet", "plot_iqnet_weights"),
    conda:
        "../../envs/tables.yaml"
    params:
        weighting=IQNET_DATA["prefilter"]["weighting"],
    script:
        "../../workflow_scripts/iqnet/plot_iqnet_weights.py"


rule make_iqnet_candidates:
    """Prefilter a share of the pictures at each alpha, code and decode them at the base QP."""
    input:
        pictures=rules.list_iqnet_pictures.output.pictures,
        weighting=iqnet_inputs.weighting_file(),
    output:
        candidates=ensure("<results>/iqnet/candidates/{batch}.npz", non_empty=True),
        metadata="<results>/iqnet/candidates/{batch}.json",
    conda:
        "../../envs/codecs.yaml"
    resources:
        runtime=doubling(720),
    params:
        codec_code=iqnet_inputs.codec_code,
        folder=iqnet_inputs.folder,
        jobs=IQNET_DATA["jobs"],
        codec=iqnet_inputs.codec,
        candidates=iqnet_inputs.candidates(),
    script:
        "../../workflow_scripts/iqnet/make_iqnet_candidates.py"


rule score_iqnet_patches:
    """Score all patches of all candidates without reference, with their errors."""
    input:
        candidates=expand(rules.make_iqnet_candidates.output.candidates, batch=iqnet_inputs.batches),
        # piqe has no weights, and its start would cost the demo some seconds.
        scorer=rules.fetch_iqnet_scorer.output.metadata if iqnet_inputs.needs_weights else [],
        weights=iqnet_inputs.nima_weights(),
    output:
        scores="<results>/iqnet/training_data/scores.parquet",
        metadata="<results>/iqnet/training_data/scores.json",
    conda:
        "../../envs/networks.yaml"
    threads: 8 if iqnet_inputs.needs_weights else 1
    resources:
        runtime=doubling(720),
        gpu=int(iqnet_inputs.needs_weights),
    params:
        scorer=iqnet_inputs.scorer_options(),
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
        **outputs_of("iqnet", "select_iqnet_alphas"),
        sources=directory("<results>/iqnet/training_data/sources"),
        targets=directory("<results>/iqnet/training_data/targets"),
        alphas="<results>/iqnet/training_data/alphas.csv",
        manifest="<results>/iqnet/training_data/manifest.csv",
        statistics="<results>/iqnet/training_data/statistics.json",
    conda:
        "../../envs/networks.yaml"
    params:
        alphas=IQNET_DATA["alphas"],
        patch=IQNET_DATA["patch"],
        scorer=iqnet_inputs.scorer,
        selection=iqnet_inputs.selection(),
    script:
        "../../workflow_scripts/iqnet/select_iqnet_alphas.py"


rule iqnet_training_data:
    """IQNet's training data, to look at and to train on."""
    input:
        rules.plot_iqnet_weights.output,
        rules.select_iqnet_alphas.output,
