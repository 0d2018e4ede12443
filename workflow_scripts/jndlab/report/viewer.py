"""A page that shows decoded frames of two codings against each other, with a slider between them.

The page needs no server: a folder with `index.html` and one PNG per coding and frame.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from jndlab.configuration import CodingConfiguration, Count, Qp, Section, Several
from jndlab.files import write_text
from jndlab.media.clip import ClipFormat, evenly_spread, read_clip
from jndlab.media.pictures import frame_to_rgb, write_png

PAGE = Path(__file__).with_name("viewer_page.html")
DECODED_DEPTH = 10  # every stream is decoded at the depth that it is measured at
SOURCE = "source"


class Viewer(Section):
    """Codings on the page that compares frames (`snakemake viewer`)."""

    sequences: Several[str] | None = None
    """Sequences of the run; null takes the first."""
    configurations: Several[CodingConfiguration] | None = None
    """Coding configurations of the run; null takes the last."""
    qps: Several[Qp] | None = None
    """QPs of the run; null takes all."""
    frames: Count = 3
    """Frames of each clip, evenly spread over it."""


@dataclass(frozen=True)
class Coding:
    """A coding on the page: the stream ``file`` and what its menu shows; a source has no QP."""

    file: str
    sequence: str
    configuration: str = ""
    codec: str = ""
    method: str = SOURCE
    qp: int | None = None
    bitrate_kbps: float | None = None
    vmaf: float | None = None


def write_viewer(
    folder: str | Path, codings: Sequence[tuple[Coding, ClipFormat]], frames: int, anchor: str
) -> None:
    """Write the page with ``frames`` pictures of each coding into ``folder``, whole or not at all.

    ``anchor`` is the method (as it is shown) that others are set against. Colours are BT.601 of
    8-bit samples. Raises UserError where a stream has not the frames of its clip.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=folder.parent) as scratch:
        made = Path(scratch) / folder.name
        made.mkdir()
        shown = []
        for number, (coding, clip) in enumerate(codings):
            chosen = evenly_spread(clip.frames, min(frames, clip.frames), first=True)
            files = list(_pictures(coding, clip, chosen, made, number))
            entry = asdict(coding) | {"frames": chosen, "pictures": files}
            entry.pop("file")
            shown.append(entry)
        data = json.dumps({"anchor": anchor, "source": SOURCE, "codings": shown}, indent=0)
        page = PAGE.read_text(encoding="utf-8")
        # "</" inside a script would end it.
        write_text(made / "index.html", page.replace("/*DATA*/", data.replace("</", "<\\/")))
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(made, folder)


def _pictures(
    coding: Coding, clip: ClipFormat, chosen: Sequence[int], folder: Path, number: int
) -> Iterable[str]:
    decoded = replace(clip, bit_depth=DECODED_DEPTH)
    for place, frame in enumerate(read_clip(coding.file, decoded)):
        if place in chosen:
            name = f"{number:03d}_{place:04d}.png"
            write_png(folder / name, frame_to_rgb(frame, DECODED_DEPTH))
            yield name
