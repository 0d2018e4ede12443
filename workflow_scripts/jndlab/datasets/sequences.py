"""A sequence: its format and where its pictures lie; importable without the checks of the sheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat

OWN = "own"  # content that is neither a paper's nor a stand-in for it


@dataclass(frozen=True)
class Sequence:
    """One row of the sheet; the columns are described in :mod:`jndlab.datasets.sequence_sheet`.

    A video of one's own (:mod:`jndlab.datasets.own_sequences`) has no ``dataset``, and its ``file``
    is a path.

    ``frames`` counts from frame ``start`` on. ``source_size`` is the size (width, height) in the
    source file, which differs from ``width`` x ``height`` where the clip is scaled.
    """

    id: str
    name: str
    class_name: str
    width: int
    height: int
    fps: Fraction
    frames: int
    bit_depth: int
    file: str
    dataset: str
    content: str
    start: int = 0
    scaled_from: str = ""
    note: str = ""
    from_stream: str = ""
    range_md5: str = ""

    @property
    def source_size(self) -> tuple[int, int]:
        """Width and height of the pictures in the source file."""
        if not self.scaled_from:
            return self.width, self.height
        width, _, height = self.scaled_from.partition("x")
        return int(width), int(height)

    @property
    def package(self) -> str:
        """Python package that a file named as ``package:file`` comes from, or nothing."""
        return self.file.rpartition(":")[0] if self.dataset else ""

    def clip(self, frames: int | None = None) -> ClipFormat:
        """Format of the first ``frames`` frames (all of them for None).

        Raises UserError if the sequence has fewer, or if ``frames`` is not positive.
        """
        count = self.frames if frames is None else frames
        if not 1 <= count <= self.frames:
            raise UserError(
                f"{count} frames of sequence '{self.id}' are requested.",
                where="`frames` in the config",
                expected=f"1 to {self.frames}, the frames that it has",
                remedy="lower `frames`, or leave this sequence out.",
            )
        return ClipFormat(self.width, self.height, self.fps, count, self.bit_depth)


def choose_sequences(sequences: Mapping[str, Sequence], ids: Iterable[str]) -> list[Sequence]:
    """The sequences of these ids, in their order; an unknown id raises UserError with the known."""
    chosen = []
    for wanted in ids:
        if wanted not in sequences:
            raise UserError(
                f"there is no sequence '{wanted}'.",
                where="`sequences` in the config",
                expected=f"one of {', '.join(sequences)}",
                remedy="correct the name, or add a row to the sheet of sequences.",
            )
        chosen.append(sequences[wanted])
    return chosen
