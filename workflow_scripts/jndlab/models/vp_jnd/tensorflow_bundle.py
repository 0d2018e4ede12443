"""Variables of a TensorFlow checkpoint (format "V2": an index and data files), without TensorFlow.

The index is a table of LevelDB's format (blocks of sorted keys with shared prefixes, a block of
blocks, a footer). Its keys are names of variables, its values the messages ``BundleHeaderProto``
(key "") and ``BundleEntryProto`` of TensorFlow's ``tensor_bundle.proto``: type, shape, data file,
offset, size. Data files hold the values one after another, little endian, C order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from jndlab.errors import UserError

MAGIC = 0xDB4775248B80FB57  # of LevelDB's tables
FOOTER = 48
TRAILER = 5  # after a block: its compression, a checksum
TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8"}  # DataType of types.proto
AVERAGE = "/ExponentialMovingAverage"


def read_bundle(prefix: str | Path) -> dict[str, np.ndarray]:
    """Variables by name of the checkpoint ``prefix`` (``best_model.ckpt``), in the file's order.

    Of types other than float and integer none is read. Raises UserError where the index or a data
    file is missing, cut short, compressed, or no file of this format.
    """
    index = Path(f"{prefix}.index")
    try:
        entries = dict(_entries(_read(index), index))
        if "" not in entries:
            raise _broken(index, "it has no header")
        shards = _fields(entries.pop("")).get(1, 1)
        return {
            name: _variable(name, _fields(value), Path(prefix), int(shards))
            for name, value in entries.items()
            if int(_fields(value).get(1, 0)) in TYPES
        }
    except (IndexError, KeyError, TypeError, ValueError, OverflowError, struct.error) as error:
        raise _broken(index, f"it is damaged ({error})") from error


def moving_averages(variables: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Variables by their own name, with the values of their moving averages where they have one.

    What optimisers keep (``.../Adam`` and the like) has none and keeps its name.
    """
    own = {name: value for name, value in variables.items() if not name.endswith(AVERAGE)}
    return {name: variables.get(name + AVERAGE, value) for name, value in own.items()}


def convolution_weight(kernel: np.ndarray) -> np.ndarray:
    """TensorFlow's kernel, height x width x in x out, as torch's, out x in x height x width."""
    return np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))


def dense_weight(kernel: np.ndarray, height: int, width: int, channels: int) -> np.ndarray:
    """A dense kernel (features x out) over flattened maps as torch's (out x features).

    The features are those of one or several maps of height x width x channels, flattened so by
    TensorFlow, where torch flattens channels x height x width. Raises UserError where they are not.
    """
    size = height * width * channels
    if kernel.ndim != 2 or kernel.shape[0] % size:
        raise UserError(
            "a dense layer does not fit the maps in front of it.",
            expected=f"a multiple of {size} features, found a kernel of {kernel.shape}",
        )
    maps = kernel.reshape(-1, height, width, channels, kernel.shape[1])
    return np.ascontiguousarray(maps.transpose(4, 0, 3, 1, 2).reshape(kernel.shape[1], -1))


def _variable(
    name: str, fields: Mapping[int, int | bytes], prefix: Path, shards: int
) -> np.ndarray:
    shape = []
    for number, dimension in _all_fields(_bytes(fields.get(2, b""))):
        if number == 2:
            shape.append(int(_fields(_bytes(dimension)).get(1, 0)))
    shard, start, size = (int(fields.get(number, 0)) for number in (3, 4, 5))
    path = Path(f"{prefix}.data-{shard:05d}-of-{shards:05d}")
    kind = np.dtype(TYPES[int(fields[1])])
    if not path.is_file() or path.stat().st_size < start + size:
        found = path.stat().st_size if path.is_file() else "no file"
        raise UserError(
            f"the values of variable '{name}' are missing.",
            where=str(path),
            expected=f"{start + size} bytes at least, found {found}",
            remedy="fetch the whole file; Git LFS leaves a text of a few lines in its place.",
        )
    if size != kind.itemsize * int(np.prod(shape)):
        raise _broken(path, f"variable '{name}' of {shape} has {size} bytes")
    return np.fromfile(path, kind, size // kind.itemsize, offset=start).reshape(shape)


def _read(index: Path) -> bytes:
    if not index.is_file():
        raise UserError(
            "the index of a checkpoint is missing.",
            where=str(index),
            remedy="give the path without .index, and keep index and data files in one folder.",
        )
    data = index.read_bytes()
    if len(data) < FOOTER or struct.unpack("<Q", data[-8:])[0] != MAGIC:
        raise _broken(index, "it does not end as one")
    return data


def _entries(data: bytes, index: Path) -> Iterator[tuple[str, bytes]]:
    """Key and value of all entries of the table."""
    footer = data[-FOOTER:]
    place = 0
    for _ in range(2):  # the handle of the block of metadata, which is not needed
        _, place = _varint(footer, place)
    for _, handle in _block(data, *_handle(footer, place), index):
        for key, value in _block(data, *_handle(handle, 0), index):
            yield key.decode(), value


def _block(data: bytes, start: int, size: int, index: Path) -> Iterator[tuple[bytes, bytes]]:
    if start + size + TRAILER > len(data):
        raise _broken(index, "it is cut short")
    if data[start + size]:
        raise _broken(index, "it is compressed, which TensorFlow's own are not")
    block = data[start : start + size]
    end = size - 4 * (1 + struct.unpack("<I", block[-4:])[0])  # in front of the restart points
    place, key = 0, b""
    while place < end:
        shared, place = _varint(block, place)
        added, place = _varint(block, place)
        length, place = _varint(block, place)
        key = key[:shared] + block[place : place + added]
        place += added
        yield key, block[place : place + length]
        place += length


def _handle(data: bytes, place: int) -> tuple[int, int]:
    start, place = _varint(data, place)
    return start, _varint(data, place)[0]


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place


def _fields(message: bytes) -> dict[int, int | bytes]:
    """The last value of each field of a protocol-buffer message."""
    return dict(_all_fields(message))


def _all_fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, wire = tag >> 3, tag & 7
        value: int | bytes
        if wire == 0:
            value, place = _varint(message, place)
        else:
            length = {1: 8, 5: 4}.get(wire)
            if length is None:
                length, place = _varint(message, place)
            value, place = message[place : place + length], place + length
        yield number, value


def _bytes(value: int | bytes) -> bytes:
    return value if isinstance(value, bytes) else b""


def _broken(path: Path, why: str) -> UserError:
    return UserError(
        f"a file is no part of a TensorFlow checkpoint: {why}.",
        where=str(path),
        expected="the files <name>.index and <name>.data-00000-of-00001 of tf.train.Saver",
    )
