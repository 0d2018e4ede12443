"""Vimeo-90K septuplets: the first frames of the clips that an official list names."""

from __future__ import annotations

import re
from pathlib import Path

from jndlab.errors import UserError
from jndlab.files import read_utf8
from jndlab.media.clip import evenly_spread

TEST_LIST = "sep_testlist.txt"  # 7,824 clips, as many as IQNet (2024) trains on
FIRST_FRAME = "im1.png"

_CLIP = re.compile(r"\d{5}/\d{4}")


def first_frames(folder: str | Path, limit: int | None = None) -> dict[str, Path]:
    """First frame of every clip of the test list: ``00001_0266`` -> ``.../00001/0266/im1.png``.

    ``folder`` holds ``sep_testlist.txt`` and ``sequences/``. With ``limit`` at most that many clips
    are taken, evenly spread over the list (neighbours in it are shots of one video). Raises
    UserError for a folder of another layout, a line that names no clip, or a missing picture.
    """
    folder = Path(folder)
    clips = read_clip_list(folder / TEST_LIST)
    if limit is not None:
        clips = [clips[place] for place in evenly_spread(len(clips), limit, first=True)]
    frames = {clip.replace("/", "_"): folder / "sequences" / clip / FIRST_FRAME for clip in clips}
    missing = [path for path in frames.values() if not path.is_file()]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(frames)} pictures of Vimeo-90K are missing.",
            where=str(missing[0]),
            expected="sequences/00001/0001/im1.png and so on below the folder of the set",
            remedy="unpack the whole archive there; `snakemake check_data` names its source.",
        )
    return frames


def read_clip_list(path: str | Path) -> list[str]:
    """The clips of a list, ``00001/0266`` in each line; empty lines are left out."""
    try:
        text = read_utf8(path)
    except OSError as error:
        raise UserError(
            "the list of Vimeo-90K's test clips is missing.",
            where=str(path),
            expected=f"{TEST_LIST} next to the folder sequences/",
            remedy="unpack vimeo_septuplet.zip there; see `snakemake check_data`.",
        ) from error
    clips: dict[str, None] = {}  # in order, each once
    for number, line in enumerate(text.splitlines(), start=1):
        clip = line.strip()
        if clip and not _CLIP.fullmatch(clip):
            raise UserError(
                f"a line of the list names no clip: '{clip[:60]}'.",
                where=f"{path}, line {number}",
                expected="five digits, a slash, four digits, like 00001/0266",
            )
        if clip:
            clips[clip] = None
    if not clips:
        raise UserError("the list of clips is empty.", where=str(path))
    return list(clips)
