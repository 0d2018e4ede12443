"""CNN-JNQD from MatConvNet files: files written as MATLAB would, and files of something else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat
from scipy.signal import correlate2d

from jndlab.errors import UserError
from jndlab.models.iqnet.matconvnet import import_cnn_jnqd
from jndlab.models.network_prefilter import NetworkPrefilter, PerQpNetworkPrefilter

RNG = np.random.default_rng(5)
SIZES = [(1, 64), (64, 64), (64, 1)]


def conv(inputs, outputs, pad=0, size=3, stride=1):
    filters = RNG.normal(scale=0.06, size=(size, size, inputs, outputs)).astype(np.float32)
    if outputs == 1:
        filters = filters[..., 0]  # MATLAB drops a last axis of one
    weights = np.empty((1, 2), object)
    bias = RNG.normal(scale=0.02, size=(1, outputs)).astype(np.float32)
    weights[0, 0], weights[0, 1] = filters, bias
    return {"name": "c", "type": "conv", "weights": weights, "pad": pad, "stride": stride}


def write_net(path, layers):
    cells = np.empty((1, len(layers)), object)
    cells[0, :] = layers
    savemat(path, {"net": {"layers": cells, "meta": {"inputSize": [14, 14, 1, 1]}}, "state": 1})


def cnn_jnqd_layers(**options):
    relu = {"name": "r", "type": "relu"}
    first, second, last = (conv(*size, **options) for size in SIZES)
    return [first, relu, second, relu, last, {"name": "loss", "type": "custom"}]


def by_hand(layers, luma):
    """The network on luma in [0, 1] with a replicated border, one correlation after the other."""
    planes = [np.pad(luma.astype(float), 3, mode="edge")]
    for number, layer in enumerate(layers[0:5:2]):
        filters, bias = layer["weights"][0]
        filters = filters.reshape(3, 3, len(planes), -1)
        planes = [
            bias[0, out]
            + sum(
                correlate2d(plane, filters[:, :, place, out], mode="valid")
                for place, plane in enumerate(planes)
            )
            for out in range(filters.shape[-1])
        ]
        if number < 2:
            planes = [np.maximum(plane, 0) for plane in planes]
    return planes[0].clip(0, 1)


def test_the_network_of_a_file_filters_as_its_filters_say(tmp_path):
    layers = cnn_jnqd_layers()
    layers[4]["weights"][0, 1] += 0.5
    write_net(tmp_path / "net-epoch-300.mat", layers)
    luma = RNG.integers(0, 256, (9, 12)).astype(np.uint8)
    prefilter = PerQpNetworkPrefilter(
        models={27: tmp_path / "net-epoch-300.mat"}, network="cnn_jnqd", threads=1
    )
    found = prefilter.filter_luma(luma, 8, 27)
    expected = 255 * by_hand(layers, luma / 255)
    assert np.ptp(expected) > 20
    assert np.abs(found - expected).max() < 0.51


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (cnn_jnqd_layers(pad=1), "found pad 1"),
        (cnn_jnqd_layers(stride=2), "stride 2"),
        (cnn_jnqd_layers()[2:], "found conv, relu, conv, custom"),
        ([*cnn_jnqd_layers()[:4], conv(64, 3)], "found 3x3x1x64, 3x3x64x64, 3x3x64x3"),
        ([conv(1, 64, size=5), *cnn_jnqd_layers()[1:]], "5x5"),
    ],
)
def test_another_network_is_named(layers, message, tmp_path):
    write_net(tmp_path / "other.mat", layers)
    with pytest.raises(UserError, match=rf"not hold CNN-JNQD(.|\n)*other.mat(.|\n)*{message}"):
        import_cnn_jnqd(tmp_path / "other.mat")


def test_a_sound_file_is_no_iqnet(tmp_path):
    write_net(tmp_path / "net.mat", cnn_jnqd_layers())
    with pytest.raises(UserError, match=r"another network(.|\n)*net\.mat(.|\n)*iqnet"):
        NetworkPrefilter(model=tmp_path / "net.mat", network="iqnet")


def test_files_of_something_else(tmp_path):
    savemat(tmp_path / "numbers.mat", {"w": np.eye(3)})
    with pytest.raises(UserError, match="`net` with `layers`"):
        import_cnn_jnqd(tmp_path / "numbers.mat")
    (tmp_path / "text.mat").write_text("no matrix")
    with pytest.raises(UserError, match="no MATLAB file"):
        import_cnn_jnqd(tmp_path / "text.mat")
    (tmp_path / "new.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")
    with pytest.raises(UserError, match=r"version 7.3(.|\n)*-v7"):
        import_cnn_jnqd(tmp_path / "new.mat")
    with pytest.raises(UserError, match="does not exist"):
        import_cnn_jnqd(tmp_path / "absent.mat")
