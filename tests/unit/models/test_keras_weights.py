"""The authors' Keras files: golden outputs, round trips, and files that do not fit."""

from __future__ import annotations

import itertools
import json
import runpy
import sys
import tarfile

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jndlab.errors import UserError
from jndlab.models.bl_juniper.cnn import BlockPreparation
from jndlab.models.keras.weights import PORTED, import_keras, keras_weights, load_keras
from jndlab.models.model_files import build_network, load_model
from jndlab.models.mtjnd.vgg16 import Vgg16

SMALL = [64, 96]
QP, PICTURE, LATENT, OTHER = 5e-4, 3e-3, 1e-3, 5e-4  # tolerances that the golden data name
PLAIN = {"mt_1ljnd_va": {"with_attention": False}, "mt_3ljnd_va": {"with_attention": False}}

# folder: network, file, height and width
GOLDEN = {
    "LAT": ("lat", "LATJND1.h5", SMALL),
    "LAT_128x224": ("lat", "LATJND1.h5", [128, 224]),
    "REC": ("rec", "RECJND1.h5", SMALL),
    "E2ELAT": ("e2e_lat", "E2ELATJND1.h5", SMALL),
    "MJLAT": ("mj_lat", "MJLAT.h5", SMALL),
    "MT_3LJND": ("mt_3ljnd", "MT_3LJND.h5", SMALL),
    "MT_1LJND_VA": ("mt_1ljnd_va", "MT_JND1_VA.h5", SMALL),
}
# golden array: the module whose output it is
INTERMEDIATE = {
    "lat": {"latent": "encoder", "lat_block1": "first", "flatten": "trunk"},
    "rec": {"reconstruction": "decoder", "flatten": "trunk.4"},
    "mj_lat": {
        "latent1": "encoders.0",
        "latent2": "encoders.1",
        "latent3": "encoders.2",
        "flatten": "trunk",
    },
    "mt_3ljnd": {
        "block5_pool": "backbone.block5_pool",
        "head1_dense256": "heads.hidden.0.1",
        "head2_dense256": "heads.hidden.1.1",
        "head3_dense256": "heads.hidden.2.1",
    },
    "mt_1ljnd_va": {
        "block5_pool": "backbone.block5_pool",
        "head1_dense256": "heads.hidden.0.1",
    },
}
INTERMEDIATE["e2e_lat"] = INTERMEDIATE["lat"]


@pytest.fixture(scope="module")
def golden(shared_data, tmp_path_factory):
    """Folder of the golden models, unpacked."""
    folder = tmp_path_factory.mktemp("golden")
    with tarfile.open(shared_data / "keras_golden.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / "keras_golden"


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_predictor(golden, name):
    network, file, size = GOLDEN[name]
    arrays = np.load(golden / name / "golden.npz")
    model = import_keras(golden / name / file, network, {"input_size": size})
    pictures = torch.from_numpy(arrays["input_uint8"][..., ::-1].copy()).permute(0, 3, 1, 2)
    prepared = model.preparation.as_input(pictures)
    assert np.array_equal(_hwc(prepared), arrays["input"])
    seen = _watch(model, INTERMEDIATE[network].values())
    if network == "mj_lat":
        model.trunk.register_forward_pre_hook(lambda _, given: seen.update(fusion=given[0]))
    with torch.inference_mode():
        outputs = model(prepared)
    for key, module in INTERMEDIATE[network].items():
        tolerance = {"latent": LATENT, "recons": PICTURE}.get(key[:6], OTHER)
        assert np.abs(_hwc(seen[module]) - arrays[key]).max() < tolerance, key
    if "fusion" in seen:
        assert np.abs(_hwc(seen["fusion"]) - arrays["fusion"]).max() < OTHER
    if "reconstruction" in outputs:
        found = _hwc(outputs.pop("reconstruction"))
        assert np.abs(found - arrays["JNDImg"]).max() < PICTURE
    assert set(outputs) == ({"jnd1"} if "JND_output" in arrays else {"jnd1", "jnd2", "jnd3"})
    for key, values in outputs.items():
        named = "JND_output" if "JND_output" in arrays else f"{key.upper()}_output"
        assert np.abs(values.numpy() - arrays[named][:, 0]).max() < QP


def test_golden_early_features_of_vgg(golden):
    arrays = np.load(golden / "MT_3LJND" / "golden.npz")
    model = import_keras(golden / "MT_3LJND/MT_3LJND.h5", "mt_3ljnd_va", {"input_size": SMALL})
    seen = _watch(model, ["backbone.block2_pool"])
    with torch.inference_mode():
        outputs = model(torch.from_numpy(arrays["input"]).permute(0, 3, 1, 2))
    features = _hwc(seen["backbone.block2_pool"])[:, ::2, ::2, ::4]
    assert np.abs(features - arrays["block2_pool_sub"]).max() < OTHER
    assert np.abs(outputs["jnd3"].numpy() - arrays["JND3_output"][:, 0]).max() < QP


@pytest.mark.parametrize("kind", ["Img", "JND1", "JND2", "JND3"])
def test_golden_autoencoder(golden, kind):
    arrays = np.load(golden / "autoencoder" / "golden.npz")
    file = golden / "autoencoder" / f"{kind}Reconstruction.h5"
    model = import_keras(file, "laser_autoencoder", {"input_size": SMALL})
    seen = _watch(model, ["encoder"])
    with torch.inference_mode():
        found = model(torch.from_numpy(arrays["input"]).permute(0, 3, 1, 2))["reconstruction"]
    key = f"{kind}Reconstruction"
    assert np.abs(_hwc(found) - arrays[f"{key}/reconstruction"]).max() < PICTURE
    assert np.abs(_hwc(seen["encoder"]) - arrays[f"{key}/latent"]).max() < LATENT


@pytest.mark.parametrize(
    "file", ["JND1CNNModel", "JND1CNNModel_fixedstr", "JND2CNNModel", "JND3CNNModel"]
)
def test_golden_block_network(golden, file):
    arrays = np.load(golden / "BL-JUNIPER" / "golden.npz")
    level = file[:4]
    model = import_keras(golden / f"BL-JUNIPER/{file}.h5", "bl_juniper_cnn")
    numbers = [tuple(arrays[key].ravel().tolist()) for key in ("mean", "std")]
    ti_mean, ti_deviation = (float(arrays[key][0]) for key in ("ti_mean", "ti_std"))
    preparation = BlockPreparation(*numbers, ti_mean, ti_deviation, scrambled=True)
    blocks, ti = preparation(arrays["block_rgb_uint8"], arrays["ti_raw"])
    assert np.abs(_hwc(blocks) - arrays["input"]).max() < 1e-6
    seen = _watch(model, ["features", "dense"])
    with torch.inference_mode():
        found = model(blocks, ti)["jnd1"].numpy()
        assert np.abs(seen["features"].numpy() - arrays[f"{level}/conv_flatten"]).max() < OTHER
        assert np.abs(seen["dense"].numpy() - arrays[f"{level}/dense512"]).max() < OTHER
        raw = model(blocks, torch.from_numpy(arrays["ti_raw"][:, 0]))["jnd1"].numpy()
    assert np.abs(found - arrays[f"{level}/output"][:, 0]).max() < QP
    assert np.abs(raw - arrays[f"{level}/output_ti_raw"][:, 0]).max() < QP


@pytest.mark.parametrize("network", PORTED)
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 1 << 16), whole=st.booleans(), old_strings=st.booleans())
def test_export_and_import_give_the_same_network(
    tmp_path_factory, network, seed, whole, old_strings
):
    options = {"width": 0.25, **PLAIN.get(network, {})}
    if network != "bl_juniper_cnn":
        options["input_size"] = SMALL
    model = _scrambled(network, options, seed)
    path = tmp_path_factory.mktemp("round") / "weights.h5"
    _write_keras(path, model, seed, whole=whole, old_strings=old_strings)
    if whole and network != "bl_juniper_cnn":
        del options["input_size"]  # a whole saved model has it
    again = import_keras(path, network, options)
    assert again.options == model.options
    weights = model.state_dict()
    assert weights.keys() == again.state_dict().keys()
    for name, values in again.state_dict().items():
        assert torch.equal(values, weights[name]), name


@pytest.mark.parametrize("network", ["mj_lat", "mj_rec"])
def test_branches_that_are_models_inside_the_model(tmp_path, network):
    options = {"width": 0.25, "input_size": SMALL}
    model = _scrambled(network, options, 1)
    _write_keras(tmp_path / "w.h5", model, 1, nested=list(model.encoders))
    again = import_keras(tmp_path / "w.h5", network, options).state_dict()
    assert all(torch.equal(values, again[name]) for name, values in model.state_dict().items())


def test_vgg16_of_keras_itself_goes_into_the_backbone(tmp_path):
    backbone = Vgg16(0.25)
    with h5py.File(tmp_path / "vgg.h5", "w") as file:  # names as in Keras's own, older file
        names = [name for name, _ in backbone.named_children() if "conv" in name]
        file.attrs["layer_names"] = [name.encode() for name in names]
        for name, layer in zip(names, backbone.keras_layers(), strict=True):
            group = file.create_group(name)
            weights = keras_weights(layer)
            group.attrs["weight_names"] = [f"{name}_W_1:0".encode(), f"{name}_b_1:0".encode()]
            group[f"{name}_W_1:0"], group[f"{name}_b_1:0"] = weights["kernel"], weights["bias"]
    network = build_network("mt_3ljnd", {"width": 0.25, "input_size": SMALL})
    load_keras(tmp_path / "vgg.h5", network.backbone)
    assert torch.equal(network.backbone.block5_conv3.weight, backbone.block5_conv3.weight)
    assert torch.equal(network.backbone.block1_conv1.weight, backbone.block1_conv1.weight)


def test_files_that_are_none(tmp_path):
    with pytest.raises(UserError, match="does not exist"):
        import_keras(tmp_path / "absent.h5", "lat")
    (tmp_path / "text.h5").write_text("no weights")
    with pytest.raises(UserError, match="cannot be read"):
        import_keras(tmp_path / "text.h5", "lat")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["numbers"] = np.zeros(3)
    with pytest.raises(UserError, match=r"no Keras weight file(.|\n)*layer_names(.|\n)*numbers"):
        import_keras(tmp_path / "other.h5", "lat")
    model = _scrambled("lat", {"width": 0.25, "input_size": SMALL}, 0)
    _write_keras(tmp_path / "whole.h5", model, 0)
    data = (tmp_path / "whole.h5").read_bytes()
    (tmp_path / "cut.h5").write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=r"cannot be read(.|\n)*cut\.h5"):
        import_keras(tmp_path / "cut.h5", "lat")
    with h5py.File(tmp_path / "whole.h5", "r+") as file:
        del file[file.attrs["layer_names"][0]]
    with pytest.raises(UserError, match="cannot be read"):
        import_keras(tmp_path / "whole.h5", "lat")


def test_file_of_another_size_names_layer_expected_and_found(tmp_path):
    model = _scrambled("lat", {"width": 0.25, "input_size": [128, 224]}, 0)
    _write_keras(tmp_path / "w.h5", model, 0)
    with pytest.raises(UserError) as caught:
        import_keras(tmp_path / "w.h5", "lat", {"width": 0.25, "input_size": SMALL})
    message = str(caught.value)
    assert "w.h5, layer 'dense" in message
    assert "kernel 128 x 64, bias 64 for 'heads.hidden.0.0'" in message
    assert "found kernel 768 x 64" in message
    assert "--size" in message


def test_file_of_another_network(tmp_path):
    options = {"width": 0.25, "input_size": SMALL}
    _write_keras(tmp_path / "rec.h5", _scrambled("rec", options, 0), 0)
    with pytest.raises(UserError, match=r"do not fit lat\.(.|\n)*name the network"):
        import_keras(tmp_path / "rec.h5", "lat", options)
    with pytest.raises(UserError, match=r"holds layers that laser_autoencoder has not"):
        import_keras(tmp_path / "rec.h5", "laser_autoencoder", options)
    with pytest.raises(UserError, match="no counterpart in Keras"):
        import_keras(tmp_path / "rec.h5", "iqnet")


def test_file_with_nan_or_layers_out_of_order(tmp_path):
    options = {"width": 0.25, "input_size": SMALL}
    model = _scrambled("laser_autoencoder", options, 0)
    torch.nn.init.constant_(model.encoder[2].bias, torch.nan)
    _write_keras(tmp_path / "nan.h5", model, 0)
    with pytest.raises(UserError, match=r"not finite(.|\n)*layer 'conv2d"):
        import_keras(tmp_path / "nan.h5", "laser_autoencoder", options)
    _write_keras(tmp_path / "turned.h5", _scrambled("laser_autoencoder", options, 0), 0)
    with h5py.File(tmp_path / "turned.h5", "r+") as file:
        file.attrs["layer_names"] = file.attrs["layer_names"][::-1]
    with pytest.raises(UserError, match="another order"):
        import_keras(tmp_path / "turned.h5", "laser_autoencoder", options)
    _write_keras(tmp_path / "levels.h5", _scrambled("mj_lat", options, 0), 0, levels="312")
    with pytest.raises(UserError, match=r"order than the levels(.|\n)*JND3_output"):
        import_keras(tmp_path / "levels.h5", "mj_lat", options)


def test_command_line(tmp_path, repository, monkeypatch, capsys):
    model = _scrambled("rec", {"input_size": SMALL, "level": 2}, 0)
    _write_keras(tmp_path / "w.h5", model, 0)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["import_keras.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            path = repository / "workflow_scripts/commands/import_keras.py"
            runpy.run_path(str(path), run_name="__main__")
        return ended.value.code

    files = [str(tmp_path / "w.h5"), "rec", str(tmp_path / "m.pt")]
    assert run(*files, "--size", "64x96", "--level", "2") == 0
    assert "rec(input_size=[64, 96]" in capsys.readouterr().out
    again = load_model(tmp_path / "m.pt", network="rec")
    assert torch.equal(again.norm.running_mean, model.norm.running_mean)
    assert again.levels == (2,)
    before = (tmp_path / "m.pt").read_bytes()
    assert run(*files) == 1  # the paper's size: does not fit
    assert "ERROR: the weights of a Keras file do not fit rec." in capsys.readouterr().err
    assert (tmp_path / "m.pt").read_bytes() == before
    assert run(*files, "--size", "large") == 2


def _hwc(values: torch.Tensor) -> np.ndarray:
    array = values.numpy()
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def _watch(model, modules) -> dict[str, torch.Tensor]:
    seen: dict[str, torch.Tensor] = {}
    for name in modules:
        model.get_submodule(name).register_forward_hook(
            lambda _, given, output, name=name: seen.update({name: output.clone()})
        )
    return seen


def _scrambled(network, options, seed):
    """A network whose every number, moving statistics included, is its own."""
    model = build_network(network, options, seed=seed).eval()
    generator = torch.Generator().manual_seed(seed)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.1)
    return model


def _write_keras(
    path, model, seed, *, whole=False, old_strings=False, nested=(), levels="123"
) -> None:
    """A file as Keras 2 writes it: its layer order, automatic names with numbers of any kind."""
    text = (lambda names: np.array(names, "S")) if old_strings else (lambda names: list(names))
    numbers = iter(np.random.default_rng(seed).permutation(1000))
    kinds = {"Conv2d": "conv2d", "ConvTranspose2d": "conv2d_transpose", "Linear": "dense"}
    heads = list(model.heads.last) if hasattr(model, "heads") else []
    inner = {layer: i for i, part in enumerate(nested) for layer in part.modules()}
    groups: dict[str, list[tuple[str, dict[str, np.ndarray]]]] = {}
    for layer in model.keras_layers():
        kind = next((k for k in type(layer).__mro__ if k.__name__ in kinds), None)
        name = f"{kinds[kind.__name__] if kind else 'batch_normalization'}_{next(numbers)}"
        if layer in heads:
            name = "JND_output" if len(heads) == 1 else f"JND{levels[heads.index(layer)]}_output"
        group = f"model_{inner[layer]}" if layer in inner else name
        groups.setdefault(group, []).append((name, keras_weights(layer)))
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole else file
        order = list(itertools.chain.from_iterable((name, f"re_lu_{name}") for name in groups))
        root.attrs["layer_names"] = text(order)
        for name in order:
            group = root.create_group(name)
            parts = groups.get(name, [])
            weights = [(f"{own}/{k}:0", v) for own, values in parts for k, v in values.items()]
            group.attrs["weight_names"] = text([own for own, _ in weights])
            for own, values in weights:
                group[own] = values
        root.create_group("top_level_model_weights").attrs["weight_names"] = text([])
        if whole:
            file["optimizer_weights/Adam/iterations:0"] = np.array(3)
            size = getattr(model, "input_size", (64, 64))
            layer = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, *size, 3]}}
            file.attrs["model_config"] = json.dumps({"config": {"layers": [layer]}})
