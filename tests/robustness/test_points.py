"""Points that were damaged or edited: every reader refuses them and names the value."""

from __future__ import annotations

import copy
import hashlib
import json

import pytest

from jndlab.errors import UserError
from jndlab.quality.points import load_points
from jndlab.quality.rd_point import read_encoded, read_point, require_stream
from jndops.mlflow.records import collect_records

GOOD = {
    "schema": 2,
    "key": {"sequence": "bikes", "configuration": "AI", "codec": "x", "method": "anchor", "qp": 22},
    "label": "anchor",
    "clip": {"width": 64, "height": 64, "bit_depth": 8, "frames": 2, "sheet_frames": 2}
    | {"fps": "25/1"},
    "content": "demo",
    "bits": 800,
    "bitrate_kbps": 10.0,
    "metrics": {"vmaf_mean": 90.0, "psnr_y_framemean": None, "lossless_frames": 2},
    "prefilter_metrics": {"vmaf_mean": 99.0},
    "recipe": {"codec": {"adapter": "x264"}, "models_sha256": []},
    "recipe_sha256": "ab" * 32,
    "provenance": {"encode_cpu_s": 0.1, "encode_wall_s": 0.2, "encoder_version": "x"},
}
NAN, INFINITE = float("nan"), float("inf")
REFUSED = [
    ("bits", -5), ("bits", 0), ("bits", NAN), ("bits", 800.5), ("bits", "800"), ("bits", True),
    ("bits", None), ("bitrate_kbps", NAN), ("bitrate_kbps", -1.0), ("bitrate_kbps", INFINITE),
    ("key.qp", -1), ("key.qp", 64), ("key.qp", 22.5), ("key.sequence", ""), ("key.method", 5),
    ("metrics.vmaf_mean", NAN), ("metrics.vmaf_mean", 100.5), ("metrics.vmaf_mean", -1.0),
    ("metrics.vmaf_neg_mean", 1e9), ("metrics.psnr_y_framemean", -3.0),
    ("metrics.psnr_y_mse", INFINITE), ("metrics.ssim_y", 1.5), ("metrics.ssim_y", "0.9"),
    ("metrics.xpsnr_y", NAN), ("metrics", [1]), ("prefilter_metrics.vmaf_mean", NAN),
    ("clip.width", -5), ("clip.width", "64"), ("clip.height", 0), ("clip.bit_depth", NAN),
    ("metrics.lossless_frames", 1.5), ("metrics.lossless_frames", 99),
    ("provenance.encode_cpu_s", -1), ("provenance.encode_wall_s", NAN), ("schema", 1),
]  # fmt: skip


def written(folder, text: str):
    path = folder / "points/x/AI/bikes/anchor/qp22.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def changed(name: str, value) -> str:
    point = copy.deepcopy(GOOD)
    *above, last = name.split(".")
    place = point
    for part in above:
        place = place[part]
    place[last] = value
    return json.dumps(point)


def test_a_sound_point_is_read(tmp_path):
    path = written(tmp_path, json.dumps(GOOD))
    assert read_point(path) == GOOD
    assert load_points([path])["bits"].tolist() == [800]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_values_out_of_range(tmp_path, name, value):
    path = written(tmp_path, changed(name, value))
    for reader in (read_point, lambda path: load_points([path])):
        with pytest.raises(UserError) as error:
            reader(path)
        assert str(path) in str(error.value) and name.split(".")[0] in str(error.value)
    with pytest.raises(UserError):
        collect_records(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "5", "null", "{}", "\x00", "[" * 100_000])
def test_what_is_no_point(tmp_path, text):
    with pytest.raises(UserError, match="no RD point"):
        read_point(written(tmp_path, text))


ENCODED = {
    "recipe": {}, "coded_qp": 22, "coded_sha256": "", "threads": 1, "command": [], "version": "1",
    "stream_sha256": hashlib.sha256(b"stream").hexdigest(), "wall_seconds": 0.1,
    "cpu_seconds": 0.1, "bits_per_frame": [80, 16], "slice_types": ["I", "P"],
}  # fmt: skip


@pytest.mark.parametrize("bits", [None, [], [80], [80, -1], [80, 16.5], [80, "16"], "ab"])
def test_metadata_of_an_encode(tmp_path, bits):
    path = tmp_path / "qp22.266.json"
    path.write_text(json.dumps(ENCODED))
    assert read_encoded(path) == ENCODED
    path.write_text(json.dumps(ENCODED | {"bits_per_frame": bits}))
    with pytest.raises(UserError, match="qp22"):
        read_encoded(path)
    path.write_text(json.dumps({k: v for k, v in ENCODED.items() if k != "slice_types"}))
    with pytest.raises(UserError, match="slice_types"):
        read_encoded(path)


def test_a_bit_that_flips_in_a_stream_is_seen(tmp_path):
    """Streams have no checksum of their own; decoders conceal some damage and miss the rest."""
    path = tmp_path / "qp22.266"
    path.write_bytes(b"stream")
    require_stream(path, ENCODED)
    path.write_bytes(b"strgam")
    with pytest.raises(UserError, match="changed after it was encoded"):
        require_stream(path, ENCODED)
