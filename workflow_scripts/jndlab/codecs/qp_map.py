"""QP maps of a clip (QP by block and frame), as codecs with block-level QP read them.

:func:`jndlab.jnd.block.maps.write_block_maps` writes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jndlab.errors import UserError
from jndlab.files import read_arrays
from jndlab.media.clip import ClipFormat

if TYPE_CHECKING:  # encodes without a map need no arrays
    import numpy as np

BLOCK_SIZE = 64
MAX_QP = 51
_REMEDY = "make the map again for this clip."


def models_of(path: str | Path) -> list[str]:
    """Hex SHA-256 of the models that a QP map rests on; none where it does not name them."""
    data = read_arrays(path)
    return data["models_sha256"].tolist() if "models_sha256" in data else []


def read_qp_map(path: str | Path, clip: ClipFormat, block_size: int = BLOCK_SIZE) -> np.ndarray:
    """The QPs (int16, frames x rows x columns) of every block of ``clip``, partial ones included.

    Raises UserError for a file that is no such map, blocks of another size, another grid or number
    of frames than the clip has, or a QP outside 0 to 51.
    """
    import numpy as np

    path = Path(path)
    try:
        data = read_arrays(path)
        qp, found_size = data["qp"], int(data["block_size"])
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(
            "a QP map cannot be read.",
            where=str(path),
            expected=f"an .npz file with the arrays `qp` and `block_size`; {error}",
            remedy=_REMEDY,
        ) from error
    _require_qps(qp, path)
    if found_size != block_size:
        raise UserError(
            "a QP map has blocks of another size.",
            where=str(path),
            expected=f"{block_size}, found {found_size}",
            remedy=_REMEDY,
        )
    rows, columns = -(-clip.height // block_size), -(-clip.width // block_size)
    expected = (clip.frames, rows, columns)
    if qp.shape != expected:
        raise UserError(
            "a QP map does not fit its clip.",
            where=str(path),
            expected=f"{_as_text(expected)}, partial ones included, for {clip.frames} frames of "
            f"{clip.width}x{clip.height}; found {_as_text(qp.shape)}",
            remedy=_REMEDY,
        )
    return qp.astype(np.int16)


def _require_qps(qp: np.ndarray, path: Path) -> None:
    if qp.ndim != 3 or qp.size == 0 or qp.dtype.kind not in "iu":
        raise UserError(
            "these are no QPs by block and frame.",
            where=str(path),
            expected="whole numbers, frames x rows x columns; "
            f"found {qp.dtype} of shape {qp.shape}",
            remedy="round the QPs; a map has one more dimension than a picture: the frames.",
        )
    if qp.min() < 0 or qp.max() > MAX_QP:
        frame, row, column = (int(axis[0]) for axis in ((qp < 0) | (qp > MAX_QP)).nonzero())
        raise UserError(
            f"QP {int(qp[frame, row, column])} of a QP map is out of range.",
            where=f"{path}: frame {frame}, row {row}, column {column} (from 0)",
            expected=f"0 to {MAX_QP}",
            remedy="limit the QPs where the map is made.",
        )


def _as_text(shape: tuple[int, ...]) -> str:
    frames, rows, columns = shape
    return f"{frames} frames of {rows}x{columns} blocks (rows x columns)"
