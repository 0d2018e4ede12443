"""A clip in; the stream of one of its segments, with metadata, out."""

from dataclasses import asdict
from pathlib import Path

from jndlab.codecs import get_codec
from jndlab.codecs.base import EncodeJob
from jndlab.codecs.segments import cut_segment
from jndlab.files import hashes_by_name, read_json, write_json
from jndlab.jnd.jnd_predictor import qp_not_below_jnd
from jndlab.media.clip import clip_from_text
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    codec, length = get_codec(snakemake.params.codec), snakemake.params.length
    qp, predicted = int(snakemake.wildcards.qp), snakemake.input.get("predicted")
    models: list[str] = []
    if predicted:
        jnd = read_json(predicted, "jnd", "models_sha256")
        qp, models = qp_not_below_jnd(qp, jnd), sorted(jnd["models_sha256"].values())
    files = hashes_by_name(snakemake.input.codec_files)
    with scratch(snakemake) as work_dir:
        segment = work_dir / "segment.mkv"
        clip = cut_segment(
            Path(snakemake.input.clip),
            clip_from_text(snakemake.params.clip),
            length,
            int(snakemake.wildcards.segment),
            segment,
        )
        job = EncodeJob(
            source=segment,
            clip=clip,
            configuration="AI",
            qp=qp,
            stream=Path(snakemake.output.stream),
            work_dir=work_dir,
            threads=snakemake.threads,
            log=Path(snakemake.log[0]),
        )
        result = codec.encode(job)
    metadata = {
        "recipe": codec.recipe("AI", qp)
        | {"segment_frames": length}
        | ({"files": files} if files else {}),
        "models_sha256": models,
        "coded_qp": qp,
        "coded_sha256": read_json(snakemake.input.metadata, "samples_sha256")["samples_sha256"],
        "threads": snakemake.threads,
        **asdict(result),
    }
    write_json(snakemake.output.metadata, metadata)


run(main, snakemake)
