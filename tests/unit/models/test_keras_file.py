"""HDF5 files from elsewhere: nothing outside them is read, and no more than they can hold."""

from __future__ import annotations

import json
import zipfile

import h5py
import numpy as np
import pytest

from jndlab.errors import UserError
from jndlab.models.keras.file import read_keras_file

SECRET = np.arange(64, dtype=np.float32)


def weights_file(path, kernel):
    """A weights file of one layer; ``kernel`` puts its dataset into the layer's group."""
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"conv"]
        group = file.create_group("conv")
        group.attrs["weight_names"] = [b"conv/kernel:0"]
        kernel(group.create_group("conv"))
    return path


def virtual(group, source):
    layout = h5py.VirtualLayout((64,), np.float32)
    layout[:] = h5py.VirtualSource(source, "x", (64,))
    group.create_virtual_dataset("kernel:0", layout)


@pytest.mark.parametrize("kind", ["external link", "soft link", "dangling", "storage", "virtual",
                                  "whole group"])  # fmt: skip
def test_data_outside_the_file_are_refused(tmp_path, kind):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["x"] = SECRET
    (tmp_path / "raw").write_bytes(SECRET.tobytes())

    def kernel(group):
        if kind == "external link":
            group["kernel:0"] = h5py.ExternalLink(str(other), "/x")
        elif kind == "whole group":
            group["more"] = h5py.ExternalLink(str(other), "/")
            group["kernel:0"] = SECRET
        elif kind == "soft link":
            group.file["x"] = SECRET
            group["kernel:0"] = h5py.SoftLink("/x")
        elif kind == "dangling":
            group["kernel:0"] = h5py.SoftLink("/nowhere")
        elif kind == "storage":
            group.create_dataset("kernel:0", (64,), np.float32,
                                 external=[(str(tmp_path / "raw"), 0, 256)])  # fmt: skip
        else:
            virtual(group, other)

    path = weights_file(tmp_path / "w.h5", kernel)
    with pytest.raises(UserError, match=r"not safe to read(.|\n)*w\.h5, '/conv/conv/"):
        read_keras_file(path)


@pytest.mark.parametrize("options", [{}, {"chunks": (1 << 16,), "compression": "gzip"}])
def test_a_small_file_that_declares_gigabytes_is_refused(tmp_path, options):
    def kernel(group):
        group.create_dataset("kernel:0", (1 << 34,), np.float32, **options)

    with pytest.raises(UserError, match=r"bytes declare 68719476736"):
        read_keras_file(weights_file(tmp_path / "w.h5", kernel))


def test_a_circle_of_groups_ends(tmp_path):
    def kernel(group):
        group["kernel:0"] = SECRET
        group["again"] = group.file["/conv"]

    assert len(read_keras_file(weights_file(tmp_path / "w.h5", kernel)).layers) == 1


@pytest.mark.parametrize("config", [
    "null", "[]", '"text"', "{", '{"config": null}', '{"config": {"layers": "text"}}',
    '{"config": {"layers": [null]}}', '{"config": {"layers": [{"config": {"batch_shape": 4}}]}}',
    *(json.dumps({"config": {"layers": [{"config": {"batch_shape": [None, side, 64, 3]}}]}})
      for side in (0, -1, 1 << 62, "a", 1.5, True)),
])  # fmt: skip
def test_a_description_of_another_kind_is_named(tmp_path, config):
    path = weights_file(tmp_path / "w.h5", lambda g: g.create_dataset("kernel:0", data=SECRET))
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = config
    with pytest.raises(UserError, match=r"w\.h5"):
        read_keras_file(path)


def test_other_containers_of_keras_get_advice_that_fits(tmp_path):
    archive, other, folder = tmp_path / "m.keras", tmp_path / "w.zip", tmp_path / "saved"
    for path, name in ((archive, "config.json"), (other, "weights.h5")):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr(name, "{}")
    folder.mkdir()
    (folder / "saved_model.pb").write_bytes(b"")
    (tmp_path / "m.onnx").write_bytes(b"\x08\x07")
    for path, what, remedy in (
        (archive, "Keras 3 archive", "save the model as .h5"),
        (folder, "SavedModel", "save the model as .h5"),
        (tmp_path, "folder", "save the model as .h5"),
        (other, "zip archive", "unpack it"),
        (tmp_path / "m.onnx", "another kind", "save the model as .h5"),
    ):
        with pytest.raises(UserError, match=what) as caught:
            read_keras_file(path)
        assert remedy in caught.value.remedy
