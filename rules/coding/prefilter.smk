"""Methods of kind prefilter: frames in, frames out, and what the filter alone costs in quality."""


rule prefilter_clip:
    """Apply a method's prefilter to a sequence and keep the result as a lossless clip."""
    input:
        clip="<results>/sequences/{sequence}.mkv",
        metadata="<results>/sequences/{sequence}.json",
        models=coding.method_files,
    output:
        clip=coding.kept("prefiltered", "<results>/prefiltered/{sequence}/{method}/{variant}.mkv"),
        metadata="<results>/prefiltered/{sequence}/{method}/{variant}.json",
    priority: 20
    conda:
        "../../envs/codecs.yaml"
    resources:
        mem_mb=coding.memory_mb,
    params:
        method_code=coding.method_code,
        clip=coding.clip,
        method=coding.filtering,
        options=coding.options,
    script:
        "../../workflow_scripts/coding/prefilter_clip.py"


rule measure_prefilter:
    """Measure the quality of a prefiltered clip against its source, before any coding."""
    input:
        source="<results>/sequences/{sequence}.mkv",
        clip="<results>/prefiltered/{sequence}/{method}/{variant}.mkv",
    output:
        metrics="<results>/prefiltered/{sequence}/{method}/{variant}.metrics.json",
    conda:
        "../../envs/codecs.yaml"
    threads: settings.config["threads"]["measure"]
    resources:
        mem_mb=coding.memory_mb,
    params:
        clip=coding.clip,
    script:
        "../../workflow_scripts/coding/measure_prefilter.py"
