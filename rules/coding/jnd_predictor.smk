"""Methods of kind JND predictor: at which QPs a clip's coding errors become noticeable."""


rule predict_jnd:
    """Predict the JND levels of a clip, frame by frame and pooled."""
    input:
        clip="<results>/sequences/{sequence}.mkv",
        models=files_of_options,
    output:
        predicted="<results>/predicted_jnd/{sequence}/{method}.json",
    log:
        "<logs>/predict_jnd/{sequence}.{method}.log",
    benchmark:
        "<benchmarks>/predict_jnd/{sequence}.{method}.tsv"
    priority: 20
    conda:
        "../../envs/networks.yaml"
    params:
        method_code=method_code,
        clip=clip_of,
        target=lambda wildcards: settings.config["methods"][wildcards.method]["class"],
        options=options_of,
    script:
        "../../workflow_scripts/coding/predict_jnd.py"
