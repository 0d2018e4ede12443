"""Keras weights of a stage in; a network (ONNX, torch) out."""

from pathlib import Path

from jndlab.files import sha256_of
from jndlab.models.jnd_onnx import export_jnd_onnx
from jndlab.models.keras.weights import import_keras
from jndlab.models.model_files import save_model
from jndops.adapter import run


def main(snakemake) -> None:
    stage, path = snakemake.params.stage, Path(snakemake.input.weights)
    network = import_keras(path, stage["network"], stage["options"])
    export_jnd_onnx(network, snakemake.output.model)
    origin = {"file": path.name, "sha256": sha256_of(path)}
    save_model(snakemake.output.weights, network, imported_from=origin)


run(main, snakemake)
