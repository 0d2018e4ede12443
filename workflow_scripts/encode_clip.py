"""Adapter of rule encode_clip."""

from dataclasses import asdict
from pathlib import Path

from jndlab.codecs import get_codec
from jndlab.codecs.base import EncodeJob
from jndlab.files import read_json, sha256_of, write_json
from jndlab.media.clip import clip_from_text
from jndops.adapter import run, scratch


def main(snakemake, log: Path) -> None:
    codec = get_codec(snakemake.params.codec)
    configuration, qp = snakemake.wildcards.configuration, int(snakemake.wildcards.qp)
    with scratch(snakemake) as work_dir:
        job = EncodeJob(
            source=Path(snakemake.input.clip),
            clip=clip_from_text(snakemake.params.clip),
            configuration=configuration,
            qp=qp,
            stream=Path(snakemake.output.stream),
            work_dir=work_dir,
            threads=snakemake.threads,
            log=log,
        )
        result = codec.encode(job)
    facts = {
        "recipe": codec.recipe(configuration, qp),
        "coded_sha256": read_json(snakemake.input.facts)["samples_sha256"],
        "stream_sha256": sha256_of(job.stream),
        "threads": snakemake.threads,
        **asdict(result),
    }
    write_json(snakemake.output.facts, facts)


run(main, snakemake)  # noqa: F821
