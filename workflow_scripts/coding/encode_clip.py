"""A clip, and a predicted JND or a map of QPs, in; a stream and its metadata out."""

from dataclasses import asdict
from pathlib import Path

from jndlab.codecs import get_codec
from jndlab.codecs.base import EncodeJob
from jndlab.codecs.qp_map import models_of
from jndlab.files import hashes_by_name, read_json, sha256_of, write_json
from jndlab.jnd.jnd_predictor import qp_not_below_jnd
from jndlab.media.clip import clip_from_text
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    codec = get_codec(snakemake.params.codec)
    configuration, qp = snakemake.wildcards.configuration, int(snakemake.wildcards.qp)
    predicted, qp_map = snakemake.input.get("predicted"), snakemake.input.get("qp_map")
    models: list[str] = []
    if predicted:
        jnd = read_json(predicted, "jnd", "models_sha256")
        qp, models = qp_not_below_jnd(qp, jnd), sorted(jnd["models_sha256"].values())
    with scratch(snakemake) as work_dir:
        job = EncodeJob(
            source=Path(snakemake.input.clip),
            clip=clip_from_text(snakemake.params.clip),
            configuration=configuration,
            qp=qp,
            stream=Path(snakemake.output.stream),
            work_dir=work_dir,
            threads=snakemake.threads,
            log=Path(snakemake.log[0]),
            qp_map=Path(qp_map) if qp_map else None,
        )
        result = codec.encode(job)
    of_map = {}
    if qp_map:
        of_map, models = {"qp_map_sha256": sha256_of(qp_map)}, models_of(qp_map)
    files = hashes_by_name(snakemake.input.codec_files)
    metadata = {
        "recipe": codec.recipe(configuration, qp) | of_map | ({"files": files} if files else {}),
        "models_sha256": models,
        "coded_qp": qp,
        "coded_sha256": read_json(snakemake.input.metadata, "samples_sha256")["samples_sha256"],
        "stream_sha256": sha256_of(job.stream),
        "threads": snakemake.threads,
        **asdict(result),
    }
    write_json(snakemake.output.metadata, metadata)


run(main, snakemake)
