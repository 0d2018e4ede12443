"""A clip and models in; JND levels of its frames and of the clip (JSON) out."""

from jndlab.files import sha256_of, write_json
from jndlab.jnd.jnd_predictor import load_jnd_predictor, predict_clip
from jndlab.media.clip import clip_from_text, read_clip
from jndops.adapter import run


def main(snakemake) -> None:
    clip = clip_from_text(snakemake.params.clip)
    predictor = load_jnd_predictor(snakemake.params.target, snakemake.params.options)
    predicted = predict_clip(predictor, read_clip(snakemake.input.clip, clip), clip)
    models = {str(model): sha256_of(model) for model in snakemake.input.models}
    write_json(snakemake.output.predicted, {**predicted, "models_sha256": models})


run(main, snakemake)
