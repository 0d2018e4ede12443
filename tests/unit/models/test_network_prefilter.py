"""Networks as prefilters: ONNX Runtime against torch on real pictures, any size, 8 and 10 bit."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import skimage.data
import torch
from torch import nn

from jndlab.errors import UserError
from jndlab.jnd.prefilter import apply_prefilter, load_prefilter
from jndlab.media.clip import ClipFormat, Frame
from jndlab.models import onnx_runtime
from jndlab.models.iqnet.iqnet import IQNet
from jndlab.models.model_files import build_network, save_model
from jndlab.models.network_prefilter import (
    NetworkPrefilter,
    PerQpNetworkPrefilter,
    open_luma_filter,
)
from jndlab.models.onnx_runtime import LumaSession, export_onnx, onnx_bytes

PICTURES = [
    skimage.data.camera(),
    skimage.data.astronaut()[:333, :257, 1],
    skimage.data.coins()[:65, :33],
    skimage.data.moon()[:1, :7],
]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A network that blurs visibly, as a model file and as ONNX."""
    folder = tmp_path_factory.mktemp("models")
    network = build_network("iqnet", seed=0)
    nn.init.normal_(network.tail.weight, std=0.1, generator=torch.Generator().manual_seed(1))
    save_model(folder / "iqnet.pt", network)
    export_onnx(network, folder / "iqnet.onnx")
    save_model(folder / "cnn.pt", build_network("cnn_jnqd", seed=0))
    return folder


@pytest.mark.parametrize("number", range(len(PICTURES)))
def test_onnx_runtime_agrees_with_torch(files, number):
    luma = PICTURES[number].astype(np.float32) / 255
    torch_result = open_luma_filter(files / "iqnet.pt", runtime="torch")(luma)
    onnx_result = open_luma_filter(files / "iqnet.onnx", threads=2)(luma)
    assert np.abs(torch_result - onnx_result).max() < 0.25 / 255
    assert np.abs(torch_result - luma).max() > 1 / 255


READINGS = [
    ("iqnet", {}),
    ("iqnet", {"channels": 32, "block_3x3": False}),
    ("cnn_jnqd", {}),
]


@pytest.mark.parametrize(("name", "options"), READINGS)
def test_tiles_give_the_numbers_of_the_whole_picture(name, options, monkeypatch):
    network = build_network(name, options or None, seed=0)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(1))
    session = LumaSession(onnx_bytes(network), threads=2)
    luma = PICTURES[1].astype(np.float32) / 255
    whole = session._run(luma)
    monkeypatch.setattr(onnx_runtime, "TILE_ROWS", 50)
    monkeypatch.setattr(onnx_runtime, "TILE_COLUMNS", 64)
    assert np.array_equal(session(luma), whole) and np.ptp(whole) > 0.05
    monkeypatch.setattr(session, "reach", session.reach - 1)
    assert not np.array_equal(session(luma), whole) or options.get("block_3x3") is False


def test_a_network_that_is_not_what_its_file_says_is_named(tmp_path):
    import onnx

    network = build_network("iqnet", {"channels": 32, "block_3x3": False}, seed=0)
    model = onnx.load_from_string(onnx_bytes(network))
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.name == "pads":
                attribute.ints[:] = [0, 0, 0, 0]
    (tmp_path / "edited.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(UserError, match=r"(?s)size of pictures.*edited\.onnx"):
        open_luma_filter(tmp_path / "edited.onnx")(np.zeros((40, 50), np.float32))


def test_networks_of_others_filter_whole_pictures(files):
    import onnx

    model = onnx.load(files / "iqnet.onnx")
    del model.metadata_props[:]
    session = LumaSession(model.SerializeToString(), threads=2)
    luma = PICTURES[1].astype(np.float32) / 255
    assert session.reach is None
    assert np.array_equal(session(luma), open_luma_filter(files / "iqnet.onnx")(luma))


@pytest.mark.parametrize("bit_depth", [8, 10])
def test_integer_samples_keep_shape_type_and_range(files, bit_depth):
    dtype = np.uint8 if bit_depth == 8 else np.uint16
    luma = PICTURES[1].astype(dtype) << (bit_depth - 8)
    luma.setflags(write=False)
    results = [
        NetworkPrefilter(model=files / name, runtime=runtime).filter_luma(luma, bit_depth, None)
        for name, runtime in [("iqnet.onnx", "auto"), ("iqnet.pt", "torch"), ("iqnet.pt", "onnx")]
    ]
    for result in results:
        assert result.dtype == dtype and result.shape == luma.shape
        assert result.max() < 1 << bit_depth
        assert np.abs(result.astype(int) - results[0]).max() <= 1
        assert not np.array_equal(result, luma)


def test_untrained_network_gives_every_sample_back(tmp_path):
    export_onnx(IQNet(), tmp_path / "identity.onnx")
    prefilter = NetworkPrefilter(model=tmp_path / "identity.onnx")
    for bit_depth, dtype in ((8, np.uint8), (10, np.uint16)):
        samples = np.arange(1 << bit_depth, dtype=dtype).reshape(32, -1)
        assert np.array_equal(prefilter.filter_luma(samples, bit_depth), samples)


def test_clip_is_filtered_frame_by_frame(files):
    clip = ClipFormat(64, 48, Fraction(25), frames=3, bit_depth=10)
    rng = np.random.default_rng(0)
    alive = 0

    def frames():
        nonlocal alive
        for _ in range(clip.frames):
            alive += 1
            assert alive == 1  # the frame before has been passed on: nothing is hoarded
            luma = rng.integers(0, 1024, (48, 64)).astype(np.uint16)
            yield Frame(luma, luma[::2, ::2].copy(), luma[1::2, ::2].copy())

    target = "jndlab.models.network_prefilter:NetworkPrefilter"
    prefilter = load_prefilter(target, {"model": str(files / "iqnet.onnx"), "threads": 1})
    for frame in apply_prefilter(prefilter, frames(), clip):
        alive -= 1
        assert frame.y.dtype == np.uint16
    assert alive == 0


def test_one_network_per_qp(files, tmp_path):
    export_onnx(IQNet(), tmp_path / "identity.onnx")
    options = {"models": {"22": files / "iqnet.onnx", 37: tmp_path / "identity.onnx"}}
    prefilter = PerQpNetworkPrefilter(**options)
    luma = PICTURES[0][:64, :64]
    assert PerQpNetworkPrefilter.per_qp and not NetworkPrefilter.per_qp
    assert np.array_equal(prefilter.filter_luma(luma, 8, 37), luma)
    assert not np.array_equal(prefilter.filter_luma(luma, 8, 22), luma)
    with pytest.raises(UserError, match=r"QP 27.*\n.*QP 22, 37"):
        prefilter.filter_luma(luma, 8, 27)
    with pytest.raises(UserError, match="no models"):
        PerQpNetworkPrefilter(models={})


def test_wrong_models_are_named(files, tmp_path):
    for name in ("absent.onnx", "absent.pt"):
        with pytest.raises(UserError, match=f"(?s)does not exist.*{name}"):
            NetworkPrefilter(model=tmp_path / name)
    with pytest.raises(UserError, match=r"iqnet, found cnn_jnqd\(\) with 38,145 parameters"):
        NetworkPrefilter(model=files / "cnn.pt", network="iqnet")
    with pytest.raises(UserError, match="torch cannot run an ONNX file"):
        NetworkPrefilter(model=files / "iqnet.onnx", runtime="torch")
    with pytest.raises(UserError, match="no runtime 'tpu'"):
        NetworkPrefilter(model=files / "iqnet.onnx", runtime="tpu")
    save_model(tmp_path / "linear.pt", NoFilter())
    with pytest.raises(UserError, match="no luma filter"):
        NetworkPrefilter(model=tmp_path / "linear.pt")


class NoFilter(nn.Linear):
    """A network of another kind."""

    def __init__(self) -> None:
        super().__init__(2, 2)


def test_an_onnx_file_is_run_without_torch(files, repository):
    code = (
        "import sys; from jndlab.models.network_prefilter import NetworkPrefilter; import numpy;"
        f"NetworkPrefilter(model={str(files / 'iqnet.onnx')!r})"
        ".filter_luma(numpy.zeros((9, 9), numpy.uint8), 8);"
        "sys.exit('torch' in sys.modules)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(repository / "workflow_scripts")},
        check=False,
    )
    assert finished.returncode == 0
