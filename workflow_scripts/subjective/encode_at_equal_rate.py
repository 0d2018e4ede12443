"""A clip, sizes of a method's stream and of the anchor's in; the anchor at that rate out."""

from pathlib import Path

from jndlab.codecs import get_codec
from jndlab.codecs.base import EncodeJob
from jndlab.files import read_json, write_json
from jndlab.media.clip import clip_from_text
from jndlab.subjective.equal_rate import encode_at_rate
from jndops.adapter import run, scratch


def main(snakemake) -> None:
    given, params = snakemake.input, snakemake.params
    clip = clip_from_text(params.clip)
    _, wanted = _size(given.controlled)
    known = dict(map(_size, given.known))
    with scratch(snakemake) as work_dir:
        job = EncodeJob(
            source=Path(given.clip),
            clip=clip,
            configuration=snakemake.wildcards.configuration,
            qp=0,
            stream=Path(snakemake.output.stream),
            work_dir=work_dir,
            threads=snakemake.threads,
            log=Path(snakemake.log[0]),
        )
        qp, bits = encode_at_rate(get_codec(params.codec), job, wanted, known)
    kbps = 1 / clip.seconds / 1000
    found = {
        "method": {"bitrate_kbps": wanted * kbps},
        "anchor": {"bitrate_kbps": bits * kbps, "qp": int(qp) if qp == int(qp) else qp},
    }
    write_json(snakemake.output.rates, found)


def _size(metadata: str) -> tuple[int, int]:
    """QP and bits of a stream."""
    stream = read_json(metadata, "coded_qp", "bits_per_frame")
    return stream["coded_qp"], sum(stream["bits_per_frame"])


run(main, snakemake)
