"""The reader of TensorFlow checkpoints, on bundles that the test itself writes."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch

from jndlab.errors import UserError
from jndlab.models.vp_jnd.tensorflow_bundle import (
    MAGIC,
    convolution_weight,
    dense_weight,
    moving_averages,
    read_bundle,
)

TYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9}


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


def block(entries: list[tuple[bytes, bytes]], restart: int = 3) -> bytes:
    """A block of LevelDB: every third key whole, the others without what they share."""
    out, restarts, last = b"", [], b""
    for turn, (key, value) in enumerate(entries):
        shared = 0
        if turn % restart == 0:
            restarts.append(len(out))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        out += (
            varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        )
        last = key
    return out + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def write_bundle(prefix: Path, variables: dict[str, np.ndarray]) -> None:
    """As `tf.train.Saver` does it: one data file, keys in order, two blocks of data."""
    values = b""
    entries = [(b"", number(1, 1) + message(3, number(1, 1)))]
    for name in sorted(variables):
        array = variables[name]
        shape = b"".join(message(2, number(1, side)) for side in array.shape)
        entry = number(1, TYPES[str(array.dtype)]) + message(2, shape)
        entry += number(4, len(values)) if values else b""  # 0 is left out
        entry += number(5, array.nbytes) + varint(6 << 3 | 5) + b"\1\2\3\4"
        entries.append((name.encode(), entry))
        values += array.tobytes()
    half = len(entries) // 2
    table, handles = b"", []
    for part in (entries[:half], entries[half:]):
        data = block(part)
        handles.append((part[-1][0], varint(len(table)) + varint(len(data))))
        table += data + b"\0" + b"crc."
    meta = varint(len(table)) + varint(8)
    table += block([]) + b"\0\0\0\0" + b"\0" + b"crc."
    index = block(handles, restart=1)
    footer = meta + varint(len(table)) + varint(len(index))
    table += index + b"\0" + b"crc."
    Path(f"{prefix}.index").write_bytes(table + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC))
    Path(f"{prefix}.data-00000-of-00001").write_bytes(values)


@pytest.fixture
def variables() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(2)
    names = ("conv1/weights", "conv1/biases", "conv2/weights", "fc/weights", "fc/weights/Adam")
    shapes = ((3, 3, 3, 5), (5,), (1, 1, 5, 300), (40, 6), (40, 6))
    made = {n: rng.normal(size=s).astype("float32") for n, s in zip(names, shapes, strict=True)}
    made["conv1/weights/ExponentialMovingAverage"] = made["conv1/weights"] + 1
    return made | {"global_step": np.array(77, "int64")}


def test_all_variables_come_back(variables, tmp_path):
    write_bundle(tmp_path / "best.ckpt", variables)
    found = read_bundle(tmp_path / "best.ckpt")
    assert list(found) == sorted(variables)
    for name, array in variables.items():
        assert found[name].dtype == array.dtype and np.array_equal(found[name], array), name
    averaged = moving_averages(found)
    assert np.array_equal(averaged["conv1/weights"], variables["conv1/weights"] + 1)
    assert np.array_equal(averaged["conv1/biases"], variables["conv1/biases"])
    assert not any("Moving" in name for name in averaged)


def test_what_is_broken_is_named(variables, tmp_path):
    prefix = tmp_path / "best.ckpt"
    with pytest.raises(UserError, match="index of a checkpoint is missing"):
        read_bundle(prefix)
    write_bundle(prefix, variables)
    index, data = Path(f"{prefix}.index"), Path(f"{prefix}.data-00000-of-00001")
    whole = index.read_bytes()
    data.write_bytes(b"version https://git-lfs.github.com/spec/v1")
    with pytest.raises(UserError, match="values of variable"):
        read_bundle(prefix)
    index.write_bytes(whole[:-1])
    with pytest.raises(UserError, match="does not end as one"):
        read_bundle(prefix)
    index.write_bytes(whole[:20] + whole[-48:])
    with pytest.raises(UserError, match="cut short"):
        read_bundle(prefix)


def test_layers_of_tensorflow_are_layers_of_torch():
    """A convolution and a dense layer over its flattened maps, NHWC in numpy, NCHW in torch."""
    rng = np.random.default_rng(5)
    picture = rng.normal(size=(2, 4, 6, 3))  # NHWC
    kernel, dense = rng.normal(size=(1, 1, 3, 7)), rng.normal(size=(2 * 4 * 6 * 7, 5))
    maps = picture @ kernel[0, 0]
    twice = np.concatenate([maps, maps + 1], 1)  # one after another along the rows
    expected = twice.reshape(2, -1) @ dense

    nchw = torch.from_numpy(picture).permute(0, 3, 1, 2)
    ours = torch.nn.functional.conv2d(nchw, torch.from_numpy(convolution_weight(kernel)))
    features = torch.cat([ours.flatten(1), (ours + 1).flatten(1)], 1)
    found = features @ torch.from_numpy(dense_weight(dense, 4, 6, 7)).T
    assert found.numpy() == pytest.approx(expected, abs=1e-9)
    with pytest.raises(UserError, match="does not fit the maps"):
        dense_weight(dense[:-1], 4, 6, 7)
