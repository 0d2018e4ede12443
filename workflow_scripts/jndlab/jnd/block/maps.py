"""Maps of blocks as files: how the stages of BL-JUNIPER hand their results to one another.

A file is an .npz archive with

===============  ==================================================================================
``kind``         "block_jnd" (QP, float32), "importance" (1..3, uint8) or "qp" (absolute, int16)
``values``       frames x rows x columns, for block JNDs x levels too; a QP map calls it ``qp``
``frames``       index in the clip (from 0) of the frame of each map, rising; int64
``block_size``   side of a block in luma samples
``width``        of the picture in luma samples, ``height`` too
``provenance``   JSON: what made the map from what
===============  ==================================================================================

Rows and columns are those of all blocks, cut ones included. Encoders need ``qp`` and
``block_size`` alone, and one map for each frame of the clip (see :func:`held_maps`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.errors import UserError
from jndlab.files import atomic_path, read_arrays, sha256_of

KINDS = {"block_jnd": np.float32, "importance": np.uint8, "qp": np.int16}
RANGES = {"block_jnd": (0, 63), "importance": (1, 3), "qp": (0, 63)}


@dataclass(frozen=True, eq=False)
class BlockMaps:
    """Maps of one kind for frames of a clip; see the module's table for shapes and ranges.

    Raises UserError for another number of rows or columns than the picture has blocks, for values
    out of range, not finite or (importance, QP) not whole, and for frame indices that do not rise.
    """

    kind: str
    values: np.ndarray
    width: int
    height: int
    frames: np.ndarray | None = None
    block_size: int = 64
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require(self.kind in KINDS, f"there is no block map '{self.kind}'.", ", ".join(KINDS))
        values = np.asarray(self.values)
        dimensions = 4 if self.kind == "block_jnd" else 3
        grid = -(-self.height // self.block_size), -(-self.width // self.block_size)
        fits = values.ndim == dimensions and values.shape[1:3] == grid and values.size > 0
        _require(
            fits,
            f"a {self.kind} map does not fit its picture of {self.width}x{self.height}.",
            f"frames x {grid[0]} x {grid[1]}{' x levels' * (dimensions == 4)}, "
            f"found {' x '.join(map(str, values.shape))}",
        )
        lowest, highest = RANGES[self.kind]
        whole = self.kind == "block_jnd" or bool(np.equal(np.mod(values, 1), 0).all())
        # Written so that NaN fails too.
        sound = bool((values >= lowest).all() and (values <= highest).all()) and whole
        _require(
            sound,
            f"a {self.kind} map holds values that are none.",
            f"{'' if self.kind == 'block_jnd' else 'whole '}numbers {lowest}..{highest}, "
            f"found {np.min(values)} to {np.max(values)}",
        )
        frames = np.arange(len(values)) if self.frames is None else np.asarray(self.frames)
        rising = frames.shape == (len(values),) and frames[0] >= 0 and (np.diff(frames) > 0).all()
        _require(
            bool(rising),
            f"the frame indices of a {self.kind} map are wrong.",
            f"{len(values)} rising numbers from 0, found {frames.tolist()}",
        )
        object.__setattr__(self, "values", values.astype(KINDS[self.kind]))
        object.__setattr__(self, "frames", frames.astype(np.int64))


def write_block_maps(path: str | Path, maps: BlockMaps) -> None:
    """Write maps atomically; the same maps give the same bytes."""
    contents: dict[str, Any] = {
        "kind": np.array(maps.kind),
        _values_name(maps.kind): maps.values,
        "frames": maps.frames,
        "block_size": np.array(maps.block_size),
        "width": np.array(maps.width),
        "height": np.array(maps.height),
        "provenance": np.array(json.dumps(maps.provenance, sort_keys=True)),
    }
    with atomic_path(path) as part, open(part, "wb") as stream:
        np.savez_compressed(stream, **contents)


def models_behind(files: Iterable[str | Path]) -> list[str]:
    """Hex SHA-256 of the models that files rest on: of a map of blocks those that made it, by its
    provenance; of any other file its own, because it is taken for a model.
    """
    found: set[str] = set()
    for file in files:
        try:
            provenance = json.loads(str(read_arrays(file)["provenance"]))
            found |= set(provenance.get("models_sha256", []))
        except (UserError, KeyError, ValueError, TypeError, AttributeError):
            found.add(sha256_of(file))
    return sorted(found)


def read_block_maps(
    path: str | Path,
    kind: str,
    *,
    width: int | None = None,
    height: int | None = None,
    block_size: int | None = None,
) -> BlockMaps:
    """Read maps of this kind, made for a picture and block of this size where one is given.

    Raises UserError, naming the file, where it is no such file, holds another kind, or was made
    for another size.
    """
    where = str(path)
    try:
        contents = read_arrays(path)
        found_kind = str(contents["kind"])
        maps = BlockMaps(
            kind=found_kind,
            values=contents[_values_name(found_kind)],
            width=int(contents["width"]),
            height=int(contents["height"]),
            frames=contents["frames"],
            block_size=int(contents["block_size"]),
            provenance=json.loads(str(contents["provenance"])),
        )
    except UserError as error:
        raise UserError(error.what, where=where, expected=error.expected) from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise UserError(
            "a file of block maps cannot be read.",
            where=where,
            expected=f"an .npz file as jndlab.jnd.block.maps describes; {error}",
            remedy="make it again with the stage that writes it.",
        ) from error
    _require(
        maps.kind == kind,
        "a file of block maps holds another kind.",
        f"{kind}, found {maps.kind}",
        where,
    )
    wanted = {"width": width, "height": height, "block_size": block_size}
    wrong = [name for name, value in wanted.items() if value not in (None, getattr(maps, name))]
    _require(
        not wrong,
        "block maps were made for another picture.",
        "; ".join(f"{name} {wanted[name]}, found {getattr(maps, name)}" for name in wrong),
        where,
    )
    return maps


def held_maps(maps: BlockMaps, frames: int) -> np.ndarray:
    """Values for each of the clip's ``frames``: every map serves until the next one.

    The first map serves the frames before it too. So maps of key frames alone do for a clip, as
    in BL-JUNIPER, whose key frames are 30 frames apart.
    """
    assert maps.frames is not None
    latest = np.searchsorted(maps.frames, np.arange(frames), side="right") - 1
    return maps.values[np.maximum(latest, 0)]


def _values_name(kind: str) -> str:
    return "qp" if kind == "qp" else "values"


def _require(holds: bool, what: str, expected: str, where: str = "") -> None:
    if not holds:
        raise UserError(what, where=where, expected=expected)
