"""All-intra encodes in segments (`ai_segment_frames`): many short jobs in place of a long one."""

SEGMENT_FRAMES = settings.config["ai_segment_frames"]
SEGMENTED_CODECS = settings.segmented_codecs()
SEGMENTED_METHODS = [name for kind in ("anchor", "prefilter", "jnd_predictor") for name in settings.methods_of(kind)]

if SEGMENTED_CODECS:

    ruleorder: join_segments > encode_clip

    rule encode_segment:
        """A segment of an all-intra encode."""
        input:
            unpack(coded_clip_of),
        output:
            stream=temp(SEGMENT),
            metadata=temp(f"{SEGMENT}.json"),
        log:
            "<logs>/encode_segment/{codec}.{sequence}.{method}.qp{qp}.{segment}.{suffix}.log",
        benchmark:
            "<benchmarks>/encode_segment/{codec}.{sequence}.{method}.qp{qp}.{segment}.{suffix}.tsv"
        wildcard_constraints:
            segment=r"\d+",
        priority: encode_priority
        conda:
            "../../envs/codecs.yaml"
        threads: settings.config["threads"]["encode"]
        resources:
            mem_mb=memory_mb,
            runtime=encode_minutes,
        params:
            code=lambda wildcards: codec_code("encode_segment", wildcards),
            clip=clip_of,
            codec=lambda wildcards: settings.codecs[wildcards.codec],
            length=SEGMENT_FRAMES,
        message:
            "Encoding segment {wildcards.segment} of {wildcards.sequence} AI QP {wildcards.qp}"
            " ({wildcards.method}, {wildcards.codec})"
        script:
            "../../workflow_scripts/coding/encode_segment.py"

    rule join_segments:
        """The segments of an all-intra encode as one stream."""
        input:
            unpack(segments_of),
        output:
            stream=ensure("<results>/streams/{codec}/AI/{sequence}/{method}/qp{qp}.{suffix}", non_empty=True),
            metadata="<results>/streams/{codec}/AI/{sequence}/{method}/qp{qp}.{suffix}.json",
        log:
            "<logs>/join_segments/{codec}.{sequence}.{method}.qp{qp}.{suffix}.log",
        benchmark:
            "<benchmarks>/join_segments/{codec}.{sequence}.{method}.qp{qp}.{suffix}.tsv"
        wildcard_constraints:
            codec=one_of(SEGMENTED_CODECS),
            method=one_of(SEGMENTED_METHODS),
        priority: 12
        conda:
            "../../envs/codecs.yaml"
        threads: 1
        resources:
            mem_mb=memory_mb,
            runtime=raised(20),
        params:
            code=lambda wildcards: codec_code("join_segments", wildcards),
            clip=clip_of,
            codec=lambda wildcards: settings.codecs[wildcards.codec],
        message:
            "Joining the segments of {wildcards.sequence} AI QP {wildcards.qp} ({wildcards.method}, {wildcards.codec})"
        script:
            "../../workflow_scripts/coding/join_segments.py"
