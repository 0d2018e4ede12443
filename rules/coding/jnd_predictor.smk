"""Methods of kind JND predictor: at which QPs a clip's coding errors become noticeable."""


rule predict_jnd:
    """A predictor's JND levels of a clip, frame by frame and as one."""
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
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 3000 * 2 ** (attempt - 1),
        runtime=raised(60),
    params:
        code=lambda wildcards: class_code("predict_jnd", wildcards),
        clip=clip_of,
        target=lambda wildcards: settings.config["methods"][wildcards.method]["class"],
        options=options_of,
    message:
        "Predicting the JND of {wildcards.sequence} with {wildcards.method}"
    script:
        "../../workflow_scripts/coding/predict_jnd.py"
