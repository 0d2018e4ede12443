"""A clip in; the filtered clip, lossless, and its metadata out."""

from jndlab.errors import UserError
from jndlab.files import sha256_of, write_json
from jndlab.jnd.prefilter import apply_prefilter, load_prefilter
from jndlab.media.clip import clip_from_text, read_clip, samples_sha256, write_clip
from jndops.adapter import run


def main(snakemake) -> None:
    method, clip = snakemake.params.method, clip_from_text(snakemake.params.clip)
    name, variant = snakemake.wildcards.method, snakemake.wildcards.variant
    qp = None if variant == "all" else int(variant.removeprefix("qp"))
    prefilter = load_prefilter(method["class"], snakemake.params.options)
    needs_qp = bool(getattr(prefilter, "per_qp", False))
    if needs_qp != method["per_qp"]:
        raise UserError(
            f"methods.{name}: {method['class']} filters "
            f"{'each QP differently' if needs_qp else 'all QPs in the same way'}.",
            where="the configuration",
            remedy=f"write `per_qp: {str(needs_qp).lower()}` for methods.{name}.",
        )
    frames = read_clip(snakemake.input.clip, clip)
    write_clip(snakemake.output.clip, apply_prefilter(prefilter, frames, clip, qp), clip)
    metadata = {
        "method": method,
        "qp": qp,
        "models_sha256": {str(model): sha256_of(model) for model in snakemake.input.models},
        "samples_sha256": samples_sha256(snakemake.output.clip, clip),
    }
    write_json(snakemake.output.metadata, metadata)


run(main, snakemake)
