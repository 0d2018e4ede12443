"""Damaged and edited files at every border: each reader takes them, or says what is wrong.

Hypothesis changes a sound file at some places; the budget of examples is fixed, and so are they.
``JNDLAB_FUZZ`` multiplies the budget.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat

from jndlab.codecs.bitstream import read_stream
from jndlab.codecs.config import Codecs
from jndlab.codecs.qp_map import models_of, read_qp_map
from jndlab.configuration import checked
from jndlab.datasets.archives import unpack
from jndlab.datasets.authors_block_labels import read_label_file, read_packed, read_ti_file
from jndlab.datasets.fetch import read_record
from jndlab.datasets.jnd_frames.coding import read_psnr
from jndlab.datasets.jnd_labels import read_labels
from jndlab.datasets.konjnd1k import read_ratings as read_konjnd1k
from jndlab.datasets.mcl_jci import read_sample_matrices
from jndlab.datasets.mcl_jcv import read_video_labels
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.datasets.prepare import check_raw_size
from jndlab.datasets.registry import load_registry
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.datasets.splits import read_splits
from jndlab.errors import UserError
from jndlab.jnd.block.maps import BlockMaps, models_behind, read_block_maps, write_block_maps
from jndlab.media.clip import ClipFormat, Frame, write_clip
from jndlab.media.decoding import StoredFormat, decode
from jndlab.media.ffmpeg import run
from jndlab.media.pictures import display_tags, picture_size, read_luma, read_picture
from jndlab.models.iqnet.matconvnet import import_cnn_jnqd
from jndlab.models.keras.file import read_keras_file
from jndlab.models.model_files import build_network, load_model, save_model
from jndlab.models.onnx_runtime import LumaSession, onnx_bytes
from jndlab.models.vp_jnd.tensorflow_bundle import read_bundle
from jndlab.quality.points import load_points, read_points, write_points
from jndlab.quality.rd_point import read_encoded, read_point
from jndlab.subjective.ratings import read_ratings, read_stimuli
from jndlab.yaml_files import load_yaml
from jndops.inputs.coding import CodingInputs
from jndops.mlflow.mirror import needs_mirroring
from jndops.mlflow.records import collect_records
from jndops.mlflow.trainings import collect_trainings
from jndops.plan.timings import read_timings, record_timings
from jndops.settings import load_settings, read_config
from jndops.statements import statements
from jndops.summary import summarise
from workflow_runner import REPOSITORY

TIMES = int(os.environ.get("JNDLAB_FUZZ", "1"))
CLIP = ClipFormat(64, 64, Fraction(25), 2)
WORDS = [
    b"", b"-1", b"0", b"1e999", b"NaN", b"nan", b"null", b"true", b"[]", b"{}", b'"', b"'", b",",
    b";", b"\t", b"\n", b"\r", b"\r\n", b"\0", b"\xff", b"\xef\xbb\xbf", b"\xc3\xa4", b"9" * 400,
    b"[" * 99, b":", b"&a", b"*a", b"../../x", b"=1+1", b"1/0", b"0.5", "²".encode(), b"#", b"- ",
    b"  ", b"x",
]  # fmt: skip


class Border(NamedTuple):
    """A reader: the name of its file in a folder, a sound content, and the call on the folder."""

    file: str
    sound: bytes
    read: Callable[[Path], Any]
    examples: int = 150
    is_read: bool = True  # the sound content; not where it stands for a part of a data set alone


def _settings(folder: Path) -> None:
    CodingInputs(load_settings(read_config([folder / "x.yaml"], {}), REPOSITORY))


def _saved(write: Callable[[Path], Any], suffix: str) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"x{suffix}")
        write(path)
        return path.read_bytes()


def _csv(*rows: str) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()


CONFIGURATION = (REPOSITORY / "config/smoke.yaml").read_bytes()
ENCODED = {
    "recipe": {"adapter": "x264"}, "models_sha256": [], "coded_qp": 22, "coded_sha256": "a" * 64,
    "stream_sha256": "b" * 64, "threads": 1, "command": ["ffmpeg"], "version": "1",
    "wall_seconds": 0.1, "cpu_seconds": 0.1, "bits_per_frame": [80, 16], "slice_types": ["I", "P"],
}  # fmt: skip
POINT = {
    "schema": 2, "label": "anchor", "content": "demo", "bits": 800, "bitrate_kbps": 10.0,
    "key": {"sequence": "s", "configuration": "AI", "codec": "x", "method": "anchor", "qp": 22},
    "clip": {"width": 64, "height": 64, "bit_depth": 8, "frames": 2, "fps": "25"},
    "metrics": {"vmaf_mean": 90.0, "psnr_y_framemean": None}, "prefilter_metrics": {"ssim_y": 0.9},
    "recipe": {"codec": {"adapter": "x264"}, "models_sha256": []}, "recipe_sha256": "ab" * 32,
    "provenance": {"encode_cpu_s": 0.1, "encode_wall_s": 0.1, "encoder_version": "x"},
}  # fmt: skip
STIMULI = _csv("stimulus,sequence,codec,configuration,method,qp,is_reference,file",
               "r,s,,,,,true,r.mp4", "a,s,x,AI,anchor,22,false,a.mp4")  # fmt: skip
RATINGS = _csv("subject,stimulus,score,time", *(
    f"{name},{what},{score},2024-05-31T14:02:11.250Z"
    for name in "AB" for what, score in (("r", 5), ("a", 3))))  # fmt: skip
LABELS = _csv("source,level,value,unit,kind,statistic,subjects,ci_low,ci_high", *(
    f"s,{level},{20 + level},QP,subjective,mean,30,{19 + level},{21 + level}"
    for level in (1, 2, 3)))  # fmt: skip
PICTURES = _csv("name,source,subset,origin,frame,left,top,window_width,window_height,width,height,"
                "sha256", "a,s,train,p:f,0,0,0,8,8,8,8,00")  # fmt: skip
TRAINED = {
    "data_sha256": "a",
    "recipe_sha256": "b",
    "steps": 2,
    "seconds": 1.5,
    "network": {"x": 1},
}


def _point(folder: Path) -> None:
    path = folder / "points/x/AI/s/anchor/qp22.json"
    _each(path, read_point, lambda one: load_points([one]), lambda _: collect_records(folder))


def _points(path: Path) -> None:
    path.with_name("qp22.json").write_text(json.dumps(POINT))
    write_points(load_points([path.with_name("qp22.json")]), path)


def _each(path: Path, *readers: Callable[[Path], Any]) -> None:
    """Call every reader, whatever the others say."""
    errors = []
    for reader in readers:
        try:
            reader(path)
        except UserError as error:
            errors.append(error)
    if errors:
        raise errors[0]


def _raw(folder: Path) -> None:
    sequence = next(iter(load_sequences(REPOSITORY / "config/sequences.tsv").values()))
    small = replace(sequence, width=64, height=64, frames=2, start=0, bit_depth=8)
    check_raw_size(small, folder / "x.yuv")


def _zip() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", "x" * 500)
        archive.writestr("c.txt", "y")
    return stream.getvalue()


def _tar(kind: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=f"w:{kind}") as archive:
        entry = tarfile.TarInfo("a/b.txt")
        entry.size = 500
        archive.addfile(entry, io.BytesIO(b"x" * 500))
    return stream.getvalue()


def _unpack(folder: Path) -> None:
    import shutil

    target = folder / "unpacked"
    shutil.rmtree(target, ignore_errors=True)
    unpack(folder / "x.archive", target)
    assert all(path.resolve().is_relative_to(target.resolve()) for path in target.rglob("*"))


def _keras(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"conv"]
        file.attrs["model_config"] = json.dumps(
            {"config": {"layers": [{"config": {"batch_input_shape": [None, 8, 8, 3]}}]}}
        )
        group = file.create_group("conv")
        group.attrs["weight_names"] = [b"conv/kernel:0", b"conv/bias:0"]
        group["conv/kernel:0"] = np.ones((3, 3, 1, 2), np.float32)
        group["conv/bias:0"] = np.ones(2, np.float32)


def _png(mode: str, kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).convert(mode).save(stream, kind)
    return stream.getvalue()


def _picture(folder: Path) -> None:
    _each(next(folder.glob("x.*")), read_picture, read_luma, picture_size, display_tags)


def _clip(path: Path) -> None:
    rng = np.random.default_rng(1)
    planes = [rng.integers(16, 235, (64, 64), np.uint8), *[np.full((32, 32), 128, np.uint8)] * 2]
    write_clip(path, [Frame(*planes)] * 2, CLIP)


def _converted(suffix: str, *options: str) -> bytes:
    def write(path: Path) -> None:
        _clip(path.with_suffix(".mkv"))
        run(["-i", str(path.with_suffix(".mkv")), *options, str(path)])

    return _saved(write, suffix)


def _maps(path: Path) -> None:
    values = np.full((1, 1, 1), 2, np.uint8)
    write_block_maps(path, BlockMaps("importance", values, 64, 64, np.array([0]), 64, {}))


def _qp_map(folder: Path) -> None:
    read_qp_map(folder / "x.npz", CLIP)
    models_of(folder / "x.npz")


def _block_maps(folder: Path) -> None:
    models_behind([folder / "x.npz"])
    read_block_maps(folder / "x.npz", "importance", width=64, height=64)


def _npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def _mat() -> bytes:
    stream = io.BytesIO()
    savemat(stream, {"JND_result_first": np.ones((50, 30)), "net": {"layers": np.ones(3)}})
    return stream.getvalue()


def _timed(folder: Path) -> None:
    (folder / "points").mkdir(exist_ok=True)
    record_timings(folder, REPOSITORY)


def _trained(folder: Path) -> None:
    metrics = folder / "models/p/n/metrics.csv"
    if not metrics.exists():
        metrics.write_text("step,loss\n1,0.5\n2,\n")
    collect_trainings(folder)


def _metrics(folder: Path) -> None:
    (folder / "models/p/n/summary.json").write_text(json.dumps(TRAINED))
    collect_trainings(folder)


def _stated(folder: Path) -> None:
    statements(folder)
    summarise(folder)


def _bundle(folder: Path) -> None:
    (folder / "x.data-00000-of-00001").write_bytes(bytes(64))
    read_bundle(folder / "x")


TABLE = _csv("codec,sequence,method,better,verdict,state,content,encode_cpu_s",
             "x,s,a,a better than b,reproduced,mirrored,demo,0.5")  # fmt: skip

BORDERS: dict[str, Callable[[], Border]] = {
    "configuration": lambda: Border("x.yaml", CONFIGURATION, _settings),
    "codecs": lambda: Border(
        "x.yaml", (REPOSITORY / "config/codecs.yaml").read_bytes(),
        lambda f: checked(Codecs, load_yaml(f / "x.yaml"), "x")),
    "registry": lambda: Border(
        "x.yaml", (REPOSITORY / "config/datasets.yaml").read_bytes(),
        lambda f: load_registry(f / "x.yaml")),
    "sequences": lambda: Border(
        "x.tsv", b"\n".join((REPOSITORY / "config/sequences.tsv").read_bytes().split(b"\n")[:6]),
        lambda f: load_sequences(f / "x.tsv")),
    "stimuli": lambda: Border("x.csv", STIMULI, lambda f: read_stimuli(f / "x.csv")),
    "ratings": lambda: Border(
        "x.csv", RATINGS, lambda f: read_ratings([f / "x.csv"], _stimuli(f))),
    "points": lambda: Border(
        "points/x/AI/s/anchor/qp22.json", json.dumps(POINT).encode(), _point),
    "table of points": lambda: Border(
        "x.parquet", _saved(_points, ".parquet"), lambda f: read_points(f / "x.parquet")),
    "metadata of an encode": lambda: Border(
        "x.json", json.dumps(ENCODED).encode(), lambda f: read_encoded(f / "x.json")),
    "config.json": lambda: Border("config.json", _effective(), _timed),
    "timings": lambda: Border("x.json", json.dumps({"jobs": [
        {"kind": "a", "qp": 22, "size": 1.0, "jobs": 1, "seconds": 0.5}]}).encode(),
        lambda f: read_timings([f / "x.json"])),
    "benchmarks": lambda: Border(
        "benchmarks/plot_figures/a.tsv", b"s\th:m:s\tmax_rss\n0.5\t0:00:00\t12.5\n", _benchmarked),
    "checksums": lambda: Border(
        "x.json", b'{"a": {"sha256": "00", "bytes": 5}}', lambda f: read_record(f / "x.json")),
    "ledger": lambda: Border("mlflow_ledger.csv", TABLE, needs_mirroring),
    "tables": lambda: Border("tables/rd_points.csv", TABLE, _stated),
    "summary": lambda: Border(
        "summary.md", b"Caption.\n\n| a | b |\n|:--|:--|\n| c | d |\n", summarise),
    "summary of a training": lambda: Border(
        "models/p/n/summary.json", json.dumps(TRAINED).encode(), _trained),
    "metrics of a training": lambda: Border(
        "models/p/n/metrics.csv", b"step,loss\n1,0.5\n2,\n", _metrics),
    "JND labels": lambda: Border("x.csv", LABELS, lambda f: read_labels(f / "x.csv")),
    "splits": lambda: Border(
        "x.csv", b"split,subset,source\na,train,s\na,test,t\n", lambda f: read_splits(f / "x.csv")),
    "list of pictures": lambda: Border("x.csv", PICTURES, lambda f: read_list(f / "x.csv")),
    "table of codings": lambda: Border(
        "x.csv", b"frame,unit,quality,psnr_y,bits\na,QP,22,40.5,80\n",
        lambda f: read_psnr(f / "x.csv")),
    "block labels": lambda: Border(
        "x.txt", b"22\n" * 2400, lambda f: read_label_file(f / "x.txt")),
    "temporal information": lambda: Border(
        "x.txt", b"0.5\n" * 2400, lambda f: read_ti_file(f / "x.txt")),
    "packed block labels": lambda: Border(
        "x.npz", _npz(jnd=np.full((1, 3, 5, 16, 30), 22, np.uint8), ti=np.ones((1, 5, 16, 30))),
        lambda f: read_packed(f / "x.npz")),
    "video labels": lambda: Border(
        "x.csv", b"src,J1_frame,J2_frame,J3_frame\n1,20,25,30\n",
        lambda f: read_video_labels(f / "x.csv")),
    "KonJND-1k": lambda: Border(
        "x.csv", b'image_id,Compression type,No. of ratings,ratings,mean,std\n'
        b'SRC0001.png,BPG,2,"[20, 22]",21,1\n', lambda f: read_konjnd1k(f / "x.csv")),
    "MCL-JCI": lambda: Border(
        "JND_first.mat", _mat(), lambda f: read_sample_matrices(f),
        is_read=False),
    "MatConvNet": lambda: Border(
        "x.mat", _mat(), lambda f: import_cnn_jnqd(f / "x.mat"), is_read=False),
    "TensorFlow": lambda: Border("x.index", bytes(range(256)) + bytes.fromhex(
        "00" * 40 + "57fb808b247547db"), _bundle, is_read=False),
    "Keras": lambda: Border(
        "x.h5", _saved(_keras, ".h5"), lambda f: read_keras_file(f / "x.h5")),
    "model file": lambda: Border(
        "x.pt", _saved(lambda path: save_model(path, build_network("iqnet", {})), ".pt"),
        lambda f: load_model(f / "x.pt")),
    "ONNX": lambda: Border(
        "x.onnx", onnx_bytes(build_network("iqnet", {})),
        lambda f: LumaSession(f / "x.onnx", threads=1),
        30),
    "block maps": lambda: Border("x.npz", _saved(_maps, ".npz"), _block_maps, 100),
    "QP map": lambda: Border(
        "x.npz", _npz(qp=np.full((2, 1, 1), 30, np.int16), block_size=64, models_sha256=["a"]),
        _qp_map, 100),
    "zip": lambda: Border("x.archive", _zip(), _unpack, 100),
    "tar": lambda: Border("x.archive", _tar(""), _unpack, 100),
    "tar.gz": lambda: Border("x.archive", _tar("gz"), _unpack),
    "tar.xz": lambda: Border("x.archive", _tar("xz"), _unpack),
    "PNG": lambda: Border("x.png", _png("RGB", "PNG"), _picture, 100),
    "PNG with a palette": lambda: Border("x.png", _png("P", "PNG"), _picture),
    "JPEG": lambda: Border("x.jpg", _png("RGB", "JPEG"), _picture, 100),
    "TIFF": lambda: Border("x.tif", _png("RGB", "TIFF"), _picture, 100),
    "BMP": lambda: Border("x.bmp", _png("RGB", "BMP"), _picture),
    "raw video": lambda: Border("x.yuv", bytes(2 * 64 * 96), _raw),
    "Y4M": lambda: Border("x.y4m", _converted(".y4m"), _decoded(".y4m"), 20),
    "Matroska": lambda: Border("x.mkv", _saved(_clip, ".mkv"), _decoded(".mkv"), 20),
    "MP4": lambda: Border(
        "x.mp4", _converted(".mp4", "-c:v", "libx264", "-preset", "ultrafast"), _decoded(".mp4"),
        20),
    "HEVC stream": lambda: Border(
        "x.265", _converted(".265", "-c:v", "libx265", "-x265-params", "log-level=none"),
        lambda f: read_stream(f / "x.265"), 20),
}  # fmt: skip


def _stimuli(folder: Path) -> Any:
    (folder / "stimuli.csv").write_bytes(STIMULI)
    return read_stimuli(folder / "stimuli.csv")


def _effective() -> bytes:
    settings = load_settings(load_yaml(REPOSITORY / "config/smoke.yaml"), REPOSITORY)
    return json.dumps(settings.effective()).encode()


def _benchmarked(folder: Path) -> None:
    (folder / "config.json").write_bytes(_effective())
    record_timings(folder, REPOSITORY)


def _decoded(suffix: str) -> Callable[[Path], Any]:
    return lambda folder: decode(folder / f"x{suffix}", StoredFormat(64, 64, 8, Fraction(25)))


def changed(content: bytes, changes: list[tuple[str, float, int, bytes]]) -> bytes:
    """A content with words put in, or over, at places (0 to 1), pieces left out, cut or doubled."""
    for what, place, length, word in changes:
        at = int(place * len(content))
        before, after = content[:at], content[at:]
        content = {
            "insert": before + word + after,
            "replace": before + word + after[max(1, length) :],
            "delete": before + after[length:],
            "cut": before,
            "double": before + after[:length] + after,
        }[what]
    return content


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "replace", "replace", "delete", "cut", "double"]),
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 40),
        st.one_of(st.sampled_from(WORDS), st.binary(min_size=1, max_size=4)),
    ),
    max_size=4,
)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", BORDERS)
def test_a_changed_file_is_read_or_refused_with_a_message(name, tmp_path):
    border = BORDERS[name]()
    path = tmp_path / border.file
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    path.write_bytes(border.sound)
    if border.is_read:
        border.read(tmp_path)

    @settings(
        max_examples=border.examples * TIMES,
        deadline=None,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(CHANGES)
    def reads_or_refuses(changes):
        path.write_bytes(changed(border.sound, changes))
        try:
            border.read(tmp_path)
        except UserError as error:
            assert error.what.strip()

    reads_or_refuses()
