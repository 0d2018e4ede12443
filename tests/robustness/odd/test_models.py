"""Model files: of another network, cut, of numbers that are none, code in place of weights."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from fractions import Fraction
from pathlib import Path

import h5py
import numpy as np
import onnx
import onnx.helper as make
import pytest
import torch
from onnx import TensorProto, numpy_helper
from scipy.io import savemat

from jndlab.errors import UserError
from jndlab.jnd.prefilter import apply_prefilter
from jndlab.media.clip import ClipFormat, Frame
from jndlab.models.iqnet.matconvnet import import_cnn_jnqd
from jndlab.models.jnd_onnx import jnd_onnx_bytes
from jndlab.models.keras.file import read_keras_file
from jndlab.models.keras.weights import import_keras
from jndlab.models.model_files import build_network, load_model, save_model
from jndlab.models.network_jnd_predictor import NetworkJndPredictor
from jndlab.models.network_prefilter import NetworkPrefilter, PerQpNetworkPrefilter
from jndlab.models.onnx_runtime import onnx_bytes
from jndlab.models.vp_jnd.onnx import ClassifierSession

LUMA = np.full((16, 24), 128, np.uint8)
CLIP = ClipFormat(64, 64, Fraction(25), 1)
SMALL = {"input_size": [64, 64], "width": 0.03125}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Sound files, made once: of IQNet, of a JND predictor."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("sound")
    iqnet = build_network("iqnet", {}, seed=0)
    save_model(folder / "iqnet.pt", iqnet)
    (folder / "iqnet.onnx").write_bytes(onnx_bytes(iqnet))
    save_model(folder / "cnn_jnqd.pt", build_network("cnn_jnqd", {}, seed=0))
    mj_lat = build_network("mj_lat", SMALL, seed=0)
    save_model(folder / "mj_lat.pt", mj_lat)
    (folder / "mj_lat.onnx").write_bytes(jnd_onnx_bytes(mj_lat))
    return folder


class Opens:
    """Code that a pickle runs: it would make a file."""

    def __reduce__(self):
        return (Path.touch, (Path("pickled_code_ran"),))


def _torch(change):
    """A change of the content of IQNet's file."""

    def write(sound, path):
        content = torch.load(sound / "iqnet.pt", weights_only=True)
        changed = change(content)
        torch.save(content if changed is None else changed, path)

    return write


def _first(content):
    return next(iter(content["weights"]))


def _filled(value):
    def change(content):
        content["weights"][_first(content)].view(-1)[0] = value

    return _torch(change)


def _weights(change):
    return _torch(lambda content: content["weights"].update({_first(content): change(content)}))


def _without(key):
    return _torch(lambda content: content.pop(key) and None)


def _bytes(change, name="iqnet.pt"):
    return lambda sound, path: path.write_bytes(change((sound / name).read_bytes()))


def _copy(name):
    return lambda sound, path: path.write_bytes((sound / name).read_bytes())


def _pickled(sound, path):
    path.write_bytes(pickle.dumps(Opens()))


def _module(sound, path):
    torch.save(torch.nn.Conv2d(1, 1, 3), path)


def _script(sound, path):
    torch.jit.trace(torch.nn.Conv2d(1, 1, 3), torch.zeros(1, 1, 8, 8)).save(path)


def _code_in_zip(sound, path):
    torch.save({"format": "jndlab-model-1", "architecture": Opens()}, path)


def _architecture(**keys):
    return _torch(lambda content: content["architecture"].update(keys))


NONE = ["no model file", "damaged"]
PT = {
    "good": (_copy("iqnet.pt"), "filtered"),
    "nan": (_filled(float("nan")), ["not finite"]),
    "infinity": (_filled(float("inf")), ["not finite"]),
    "minus_infinity": (_filled(float("-inf")), ["not finite"]),
    "cnn_jnqd": (_copy("cnn_jnqd.pt"), ["iqnet", "cnn_jnqd"]),
    "mj_lat": (_copy("mj_lat.pt"), ["iqnet", "mj_lat"]),
    "onnx": (_copy("iqnet.onnx"), NONE),
    "empty": (lambda s, p: p.write_bytes(b""), NONE),
    "folder": (lambda s, p: p.mkdir(), ["does not exist"]),
    "absent": (lambda s, p: None, ["does not exist"]),
    "text": (lambda s, p: p.write_text("weights"), NONE),
    "lfs_pointer": (lambda s, p: p.write_text("version https://git-lfs.github.com/spec"), NONE),
    "page": (lambda s, p: p.write_text("<html>sign in</html>"), NONE),
    "half": (_bytes(lambda b: b[: len(b) // 2]), NONE),
    "all_but_one": (_bytes(lambda b: b[:-1]), NONE),
    "first_kilobyte": (_bytes(lambda b: b[:1000]), NONE),
    "zeros": (_bytes(lambda b: bytes(len(b))), NONE),
    "pickled_code": (_pickled, NONE),
    "code_in_zip": (_code_in_zip, NONE),
    "module": (_module, NONE),
    "script": (_script, NONE),
    "weights_alone": (_torch(lambda content: content["weights"]), NONE),
    "list": (_torch(lambda content: [content]), NONE),
    "tensor": (_torch(lambda content: torch.ones(3)), NONE),
    "other_format": (_torch(lambda content: content.update(format="jndlab-model-9")), NONE),
    "no_format": (_without("format"), NONE),
    "no_weights": (_without("weights"), ["weights"]),
    "no_architecture": (_without("architecture"), ["architecture"]),
    "weights_none": (_torch(lambda content: content.update(weights=None)), NONE),
    "weights_list": (_torch(lambda content: content.update(weights=[1])), NONE),
    "weight_missing": (_torch(lambda c: c["weights"].pop(_first(c)) is None), NONE),
    "weight_more": (_torch(lambda c: c["weights"].update(more=torch.ones(1))), NONE),
    "weight_is_text": (_weights(lambda c: "x"), NONE),
    "weight_transposed": (_weights(lambda c: c["weights"][_first(c)].transpose(0, 1)), NONE),
    "weight_scalar": (_weights(lambda c: torch.tensor(1.0)), NONE),
    "weight_complex": (_weights(lambda c: c["weights"][_first(c)] + 0j), ["weights"]),
    "weight_whole": (_weights(lambda c: c["weights"][_first(c)].to(torch.int32)), ["weights"]),
    "weight_half": (_weights(lambda c: c["weights"][_first(c)].half()), ["weights"]),
    "weight_sparse": (_weights(lambda c: c["weights"][_first(c)].to_sparse()), ["weights"]),
    "weight_meta": (_weights(lambda c: c["weights"][_first(c)].to("meta")), ["weights"]),
    "other_class": (_architecture(name="os:system"), ["another network"]),
    "code_as_class": (_architecture(name="builtins:print"), ["another network"]),
    "other_options": (_architecture(options={"channels": 32}), ["another architecture"]),
    "endless_options": (_architecture(options={"channels": 10**9}), ["options"]),
    "negative_options": (_architecture(options={"channels": -1}), ["options"]),
    "text_options": (_architecture(options={"channels": "16"}), ["options"]),
    "unknown_options": (_architecture(options={"colour": 1}), ["options"]),
    "other_hash": (_architecture(tensors_sha256="00"), ["another architecture"]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", PT)
def test_a_model_file(tmp_path, monkeypatch, sound, meet, name):
    monkeypatch.chdir(tmp_path)
    write, said = PT[name]
    path = tmp_path / "model.pt"
    write(sound, path)

    def filtered():
        NetworkPrefilter(model=path, network="iqnet", threads=1).filter_luma(LUMA, 8)
        return "filtered"

    meet(filtered, said)
    assert not (tmp_path / "pickled_code_ran").exists()


def test_no_message_advises_to_trust_a_file(tmp_path):
    path = tmp_path / "model.pt"
    path.write_text("<html>sign in</html>")
    with pytest.raises(UserError, match="no model file") as caught:
        NetworkPrefilter(model=path, network="iqnet")
    assert "weights_only" not in str(caught.value)


def _graph(nodes, inputs, outputs, initial=()):
    graph = make.make_graph(nodes, "g", inputs, outputs, list(initial))
    opset = [make.make_opsetid("", 17)]
    return make.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()


def _value(name, kind=TensorProto.FLOAT, shape=(1, 1, "h", "w")):
    return make.make_tensor_value_info(name, kind, shape)


def _plain(node="Identity", kind=TensorProto.FLOAT, given=(1, 1, "h", "w"), out=(1, 1, "h", "w")):
    return _graph(
        [make.make_node(node, ["a"], ["b"])],
        [_value("a", kind, given)],
        [_value("b", kind, out)],
    )


def _with(value: float, node: str):
    constant = numpy_helper.from_array(np.array(value, np.float32), "c")
    return _graph(
        [make.make_node(node, ["a", "c"], ["b"])], [_value("a")], [_value("b")], [constant]
    )


def _external(location):
    tensor = TensorProto(name="c", data_type=TensorProto.FLOAT, dims=[1])
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, "offset": "0", "length": "4"}.items():
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return _graph(
        [make.make_node("Add", ["a", "c"], ["b"])], [_value("a")], [_value("b")], [tensor]
    )


def _described(text):
    model = onnx.load_from_string(_plain())
    entry = model.metadata_props.add()
    entry.key, entry.value = "jndlab.architecture", text
    return model.SerializeToString()


NO_ONNX, NO_LUMA = ["no ONNX model"], ["no luma filter"]
ONNX = {
    "identity": (_plain(), 128),
    "nan": (_with(float("nan"), "Mul"), ["not finite"]),
    "infinity": (_with(float("inf"), "Add"), ["not finite"]),
    "zero_over_zero": (_with(0.0, "Pow"), 255),
    "too_bright": (_with(1.5, "Add"), 255),
    "too_dark": (_with(-1.5, "Add"), 0),
    "a_little_too_bright": (_with(2.0, "Mul"), 255),
    "double": (_plain(kind=TensorProto.DOUBLE), NO_LUMA),
    "half": (_plain(kind=TensorProto.FLOAT16), NO_LUMA),
    "bytes": (_plain(kind=TensorProto.UINT8), NO_LUMA),
    "text": (_plain(kind=TensorProto.STRING), NO_LUMA),
    "three_channels": (_plain(given=(1, 3, "h", "w"), out=(1, 3, "h", "w")), NO_LUMA),
    "fixed_size": (_plain(given=(1, 1, 64, 64), out=(1, 1, 64, 64)), NO_LUMA),
    "flat": (_plain(given=("h", "w"), out=("h", "w")), NO_LUMA),
    "batch_of_two": (_plain(given=(2, 1, "h", "w"), out=(2, 1, "h", "w")), NO_LUMA),
    "two_inputs": (_graph([make.make_node("Add", ["a", "x"], ["b"])], [_value("a"), _value("x")],
                          [_value("b")]), NO_LUMA),
    "two_outputs": (_graph([make.make_node("Identity", ["a"], [n]) for n in "bc"], [_value("a")],
                           [_value("b"), _value("c")]), NO_LUMA),
    "smaller_output": (_graph([make.make_node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2],
                                              strides=[2, 2])], [_value("a")], [_value("b")]),
                       ["does not fit"]),
    "rotated_output": (_graph([make.make_node("Transpose", ["a"], ["b"], perm=[0, 1, 3, 2])],
                              [_value("a")], [_value("b")]), ["does not fit"]),
    "unknown_operation": (_plain("NoSuchThing"), NO_ONNX),
    "reshaped": (_graph([make.make_node("Reshape", ["a", "s"], ["b"])], [_value("a")],
                             [_value("b")],
                             [numpy_helper.from_array(np.array([1, 1, 3, 5]), "s")]), NO_LUMA),
    "other_network": (_described(json.dumps({"name": "cnn_jnqd"})), ["iqnet", "cnn_jnqd"]),
    "description_no_json": (_described("{"), ["description"]),
    "description_a_list": (_described("[1]"), ["description"]),
    "description_empty": (_described("{}"), ["description"]),
    "description_a_number": (_described("5"), ["description"]),
    "outside_data": (_external("../outside.bin"), NO_ONNX),
    "data_of_the_system": (_external("/etc/hostname"), NO_ONNX),
    "data_missing": (_external("absent.bin"), NO_ONNX),
    "empty": (b"", NO_ONNX),
    "torch_file": (None, NO_ONNX),
    "lfs_pointer": (b"version https://git-lfs.github.com/spec/v1\n", NO_ONNX),
    "half_a_file": (_plain()[:40], NO_ONNX),
    "zeros": (bytes(500), NO_ONNX),
}  # fmt: skip


@pytest.mark.parametrize("name", ONNX)
def test_an_onnx_filter(tmp_path, sound, meet, name):
    content, said = ONNX[name]
    (tmp_path / "outside.bin").write_bytes(np.float32(0.25).tobytes())
    path = tmp_path / "in/model.onnx"
    path.parent.mkdir()
    path.write_bytes((sound / "iqnet.pt").read_bytes() if content is None else content)
    network = "iqnet" if "other" in name else None

    def sample():
        filter_ = NetworkPrefilter(model=path, threads=1, network=network)
        planes = LUMA, LUMA[::2, ::2], LUMA[::2, ::2]
        clip = ClipFormat(24, 16, Fraction(25), 1)
        return next(apply_prefilter(filter_, [Frame(*planes)], clip)).y[0, 0]

    meet(sample, said)


def _jnd(outputs, value=30.0, given=("n", 3, 8, 8), text=None, rows="n"):
    """A JND network that answers the same number for each picture of a batch."""
    options = {"input_size": [8, 8], "scale": "raw", "colour": "rgb"}
    known = {"name": "mj_lat", "options": options} if text is None else text
    nodes = [make.make_node("ReduceMax", ["p"], ["m"], axes=[1, 2, 3], keepdims=0),
             make.make_node("Mul", ["m", "z"], ["zero"])]  # fmt: skip
    constants = [numpy_helper.from_array(np.array(0, np.float32), "z")]
    for number, name in enumerate(outputs):
        constants.append(numpy_helper.from_array(np.array(value, np.float32), f"c{number}"))
        nodes.append(make.make_node("Add", ["zero", f"c{number}"], [name]))
    model = onnx.load_from_string(
        _graph(nodes, [_value("p", shape=given)],
               [_value(name, shape=(rows,)) for name in outputs], constants))  # fmt: skip
    entry = model.metadata_props.add()
    entry.key = "jndlab.architecture"
    entry.value = known if isinstance(known, str) else json.dumps(known)
    return model.SerializeToString()


LEVELS = ["jnd1", "jnd2", "jnd3"]
NAMED = {"name": "mj_lat", "options": {"input_size": [8, 8], "scale": "raw", "colour": "rgb"}}
JND = {
    "constant": (_jnd(LEVELS), 30.0),
    "one_level": (_jnd(["jnd1"]), 30.0),
    "above_51": (_jnd(LEVELS, 90.0), 51.0),
    "below_0": (_jnd(LEVELS, -7.0), 0.0),
    "nan": (_jnd(LEVELS, float("nan")), ["not finite"]),
    "infinity": (_jnd(LEVELS, float("inf")), ["not finite"]),
    "second_level_alone": (_jnd(["jnd2"]), ["levels", "JND1"]),
    "gap": (_jnd(["jnd1", "jnd3"]), ["levels", "JND3"]),
    "falling": (_jnd(["jnd3", "jnd2", "jnd1"]), ["levels"]),
    "level_without_number": (_jnd(["jnd"]), ["no ONNX export"]),
    "level_of_text": (_jnd(["jndx"]), ["no ONNX export"]),
    "level_0": (_jnd(["jnd0"]), ["no ONNX export"]),
    "no_level": (_jnd(["y"]), ["no ONNX export of a JND network", "y"]),
    "reconstruction_alone": (_jnd(["reconstruction"]), ["no JND level"]),
    "qf": (_jnd(LEVELS, text={**NAMED, "options": {**NAMED["options"], "unit": "QF"}}), ["QF"]),
    "no_description": (_jnd(LEVELS, text="{}"), ["description"]),
    "description_no_json": (_jnd(LEVELS, text="{"), ["description"]),
    "description_a_list": (_jnd(LEVELS, text="[]"), ["description"]),
    "description_without_options": (_jnd(LEVELS, text={"name": "mj_lat"}), ["description"]),
    "options_a_list": (_jnd(LEVELS, text={"name": "mj_lat", "options": [1]}), ["description"]),
    "no_size": (_jnd(LEVELS, text={"name": "mj_lat", "options": {"scale": "raw", "colour": "rgb"}}),
                ["description"]),
    "size_of_text": (_jnd(LEVELS, text={**NAMED, "options": {**NAMED["options"],
                                                             "input_size": ["8", "8"]}}),
                     ["description"]),
    "endless_size": (_jnd(LEVELS, text={**NAMED, "options": {**NAMED["options"],
                                                             "input_size": [10**6, 10**6]}}),
                     ["description"]),
    "other_size": (_jnd(LEVELS, text={**NAMED, "options": {**NAMED["options"],
                                                           "input_size": [16, 16]}}),
                   ["cannot run"]),
    "grey_input": (_jnd(LEVELS, given=("n", 1, 8, 8)), ["cannot run"]),
    "luma_filter": (_plain(), ["no ONNX export of a JND network"]),
    "empty": (b"", ["no ONNX export of a JND network"]),
}  # fmt: skip


@pytest.mark.parametrize("name", JND)
def test_a_jnd_predictor(tmp_path, meet, name):
    content, said = JND[name]
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    planes = [np.full((64, 64), 100, np.uint8), *[np.full((32, 32), 128, np.uint8)] * 2]

    def first():
        predictor = NetworkJndPredictor(model=path, threads=1)
        return predictor.predict(iter([Frame(*planes)]), CLIP)[0].jnd[0]

    meet(first, said)


def _mat(**changes):
    """An authors' file of CNN-JNQD of right sizes, with changes."""
    shapes = changes.pop("shapes", None)
    value, kinds = changes.pop("value", 0.01), changes.pop("kinds", None)
    from jndlab.models.iqnet.cnn_jnqd import CnnJnqd

    ours = [layer for layer in CnnJnqd().layers if isinstance(layer, torch.nn.Conv2d)]
    shapes = shapes or [tuple(layer.weight.permute(2, 3, 1, 0).shape) for layer in ours]
    layers = np.empty(5, object)
    for place in range(5):
        if place % 2:
            layers[place] = {"type": "relu"}
            continue
        shape = shapes[place // 2]
        weights = np.empty(2, object)
        weights[:] = [np.full(shape, value, np.float32), np.zeros(shape[-1], np.float32)]
        layers[place] = {"type": "conv", "weights": weights, "pad": 0, "stride": 1, **changes}
    for place, kind in enumerate(kinds or []):
        layers[place]["type"] = kind
    stream = io.BytesIO()
    savemat(stream, {"net": {"layers": layers}})
    return stream.getvalue()


MAT = {
    "good": (lambda: _mat(), "read"),
    "nan": (lambda: _mat(value=float("nan")), ["not finite"]),
    "infinity": (lambda: _mat(value=float("inf")), ["not finite"]),
    "padded": (lambda: _mat(pad=1), ["padding"]),
    "strided": (lambda: _mat(stride=2), ["stride"]),
    "pooled": (lambda: _mat(kinds=["conv", "pool"]), ["layers"]),
    "other_sizes": (lambda: _mat(shapes=[(3, 3, 1, 4), (3, 3, 4, 4), (3, 3, 4, 1)]), ["filters"]),
    "no_net": (lambda: _saved({"x": 1}), ["net"]),
    "net_a_number": (lambda: _saved({"net": 5}), ["net"]),
    "net_of_text": (lambda: _saved({"net": "abc"}), ["net"]),
    "empty": (lambda: b"", ["MATLAB"]),
    "text": (lambda: b"net = 5;", ["MATLAB"]),
    "version_73": (lambda: b"MATLAB 7.3 MAT-file".ljust(124) + b"\0\2IM" + bytes(9), ["MATLAB"]),
    "half": (lambda: _mat()[:2000], ["MATLAB"]),
}  # fmt: skip


def _saved(content):
    stream = io.BytesIO()
    savemat(stream, content)
    return stream.getvalue()


@pytest.mark.parametrize("name", MAT)
def test_a_file_of_matlab(tmp_path, meet, name):
    write, said = MAT[name]
    path = tmp_path / "net.mat"
    path.write_bytes(write())

    def read():
        import_cnn_jnqd(path)
        return "read"

    meet(read, said)


def _h5(**arrays):
    def write(path):
        with h5py.File(path, "w") as file:
            file.attrs["layer_names"] = [b"conv"]
            group = file.create_group("conv")
            group.attrs["weight_names"] = [name.encode() for name in arrays]
            for name, values in arrays.items():
                group[name] = values

    return write


KERNEL, BIAS = np.ones((3, 3, 1, 2), np.float32), np.ones(2, np.float32)
H5 = {
    "good": (_h5(kernel=KERNEL, bias=BIAS), "read"),
    "nan": (_h5(kernel=KERNEL * np.nan, bias=BIAS), ["not finite"]),
    "text_numbers": (_h5(kernel=np.array([b"1", b"x"])), ["cannot be read"]),
    "complex_numbers": (_h5(kernel=KERNEL * 1j), ["cannot be read"]),
    "double_overflow": (_h5(kernel=np.full((3, 3), 1e300)), ["not finite"]),
    "names_missing": (lambda p: h5py.File(p, "w").close(), ["layer_names"]),
    "weights_of_keras_3": (lambda p: _h5_groups(p, "layers", "vars"), ["layer_names", "Keras 3"]),
    "keras_archive": (lambda p: _zip(p, "config.json"), ["Keras 3 archive"]),
    "zip": (lambda p: _zip(p, "a.h5"), ["unpack"]),
    "saved_model": (lambda p: (p.mkdir(), (p / "saved_model.pb").touch()), ["SavedModel"]),
    "text": (lambda p: p.write_text("x"), ["damaged"]),
    "half": (lambda p: (_h5(kernel=np.ones((99, 99)))(p), p.write_bytes(p.read_bytes()[:3000])),
             ["cannot be read"]),
}  # fmt: skip


def _h5_groups(path, *names):
    with h5py.File(path, "w") as file:
        for name in names:
            file.create_group(name)


def _zip(path, name):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, "{}")


@pytest.mark.parametrize("name", H5)
def test_a_file_of_keras(tmp_path, meet, name):
    write, said = H5[name]
    path = tmp_path / "w.h5"
    write(path)

    def read():
        read_keras_file(path)
        return "read"

    meet(read, said)


@pytest.mark.parametrize("network", ["mj_lat", "mt_3ljnd", "bl_juniper_cnn", "iqnet", "vgg16", ""])
def test_keras_weights_of_another_network(tmp_path, meet, network):
    path = tmp_path / "w.h5"
    _h5(kernel=KERNEL, bias=BIAS)(path)
    meet(lambda: import_keras(path, network), [str(path) if network in ("mj_lat", "mt_3ljnd",
                                               "bl_juniper_cnn") else "network"])  # fmt: skip


@pytest.mark.parametrize(
    ("models", "said"),
    [({}, ["no models"]), ({"x": "a.onnx"}, ["QP"]), ({22: "a.onnx"}, ["does not exist"]),
     ({27: "a.onnx"}, ["QP 22"]), ({-1: "a.onnx"}, ["QP"]), ({"²": "a.onnx"}, ["QP"])],
)  # fmt: skip
def test_models_by_qp(tmp_path, monkeypatch, meet, models, said):
    monkeypatch.chdir(tmp_path)
    meet(lambda: PerQpNetworkPrefilter(models=models).filter_luma(LUMA, 8, 22), said)


@pytest.mark.parametrize("name", ["identity", "empty", "two_outputs", "half_a_file"])
def test_a_classifier_of_another_kind(tmp_path, meet, name):
    path = tmp_path / "model.onnx"
    path.write_bytes(ONNX[name][0])
    meet(lambda: ClassifierSession(path, threads=1), ["no exported classifier"])


def test_the_names_of_pickled_code_are_not_imported(tmp_path):
    """What the tables above rest on: nothing of the file's choice is called."""
    path = tmp_path / "code.pt"
    torch.save({"format": "jndlab-model-1", "architecture": Opens()}, path)
    with pytest.raises(Exception, match="no model file"):
        load_model(path)
