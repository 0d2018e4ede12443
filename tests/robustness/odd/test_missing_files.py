"""Files that a configuration names and that are not there: said with their keys by the plan."""

from __future__ import annotations

import pytest

from jndops.inputs.missing import explained, keys_naming
from workflow_runner import REPOSITORY, snakemake

# What is written over the demo's configuration, and the key that the message names.
TRIES = {
    "laser_jnd: {backbones: {image_autoencoder: no.h5}}": "laser_jnd.backbones.image_autoencoder",
    "laser_jnd: {weights: {mj_lat: no.h5}}": "laser_jnd.weights.mj_lat",
    "methods: {iqnet: {options: {model: no.onnx}}}": "methods.iqnet.options.model",
    "subjective: {screening: {consent: no.txt}}": "subjective.screening.consent",
}


@pytest.mark.parametrize("added", TRIES)
def test_the_plan_names_the_key(tmp_path, added):
    config = tmp_path / "odd.yaml"
    config.write_text(f"results_dir: {tmp_path}/results\n{added}\n")
    target = "subjective_session" if "subjective" in added else "all"
    given = ["--configfile", "config/config.yaml", str(config), "--", target]
    done = snakemake(["--cores", "1", "-n", "-q", "all", *given], REPOSITORY)
    assert done.returncode and "Traceback" not in done.stdout
    assert f"key `{TRIES[added]}`: no." in done.stdout
    assert "what to do: correct the path" in done.stdout


def test_keys_that_name_a_file():
    config = {"a": [{"b": "x"}, "y"], "c": {"d": {"e": "x"}}, "f": 5}
    assert list(keys_naming(config, "x")) == ["a[0].b", "c.d.e"]
    assert "key `a[1]`: y" in explained(["y", "z"], config) and explained(["z"], config) == ""
