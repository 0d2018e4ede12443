"""All-intra encodes in segments (`ai_segment_frames`): many short jobs in place of a long one."""

SEGMENT_FRAMES = settings.config["ai_segment_frames"]
SEGMENTED_CODECS = settings.segmented_codecs()
SEGMENTED_METHODS = [name for kind in ("anchor", "prefilter", "jnd_predictor") for name in settings.methods_of(kind)]

if SEGMENTED_CODECS:

    ruleorder: join_segments > encode_clip

    rule encode_segment:
        """Encode a segment of an all-intra stream."""
        input:
            unpack(coding.coded_clip),
            codec_files=coding.codec_files,
        output:
            stream=temp(f"<results>/{SEGMENT}"),
            metadata=temp(f"<results>/{SEGMENT}.json"),
        priority: coding.encode_priority
        conda:
            "../../envs/codecs.yaml"
        threads: settings.config["threads"]["encode"]
        resources:
            mem_mb=coding.memory_mb,
            runtime=coding.encode_minutes,
        params:
            codec_code=coding.codec_code,
            clip=coding.clip,
            codec=coding.codec,
            length=SEGMENT_FRAMES,
        script:
            "../../workflow_scripts/coding/encode_segment.py"

    rule join_segments:
        """Join the segments of an all-intra encode to one stream."""
        input:
            unpack(coding.segments),
        output:
            stream=ensure("<results>/streams/{codec}/AI/{sequence}/{method}/qp{qp}.{suffix}", non_empty=True),
            metadata="<results>/streams/{codec}/AI/{sequence}/{method}/qp{qp}.{suffix}.json",
        wildcard_constraints:
            codec=one_of(SEGMENTED_CODECS),
            method=one_of(SEGMENTED_METHODS),
        priority: 12
        conda:
            "../../envs/codecs.yaml"
        params:
            codec_code=coding.codec_code,
            clip=coding.clip,
            codec=coding.codec,
        script:
            "../../workflow_scripts/coding/join_segments.py"
