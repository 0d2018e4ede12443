"""Methods of kind JND predictor: at which QPs a clip's coding errors become noticeable."""


rule predict_jnd:
    """Predict the JND levels of a clip, frame by frame and pooled."""
    input:
        clip="<results>/sequences/{sequence}.mkv",
        models=coding.method_files,
    output:
        predicted="<results>/predicted_jnd/{sequence}/{method}.json",
    conda:
        "../../envs/networks.yaml"
    params:
        method_code=coding.method_code,
        clip=coding.clip,
        target=coding.method_class,
        options=coding.options,
    script:
        "../../workflow_scripts/coding/predict_jnd.py"
