"""VP-JND's pictures: MCL-JCI, KonJND-1k, a folder or packaged ones, and their codec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from jndlab.codecs.stills.base import StillCodec, get_still_codec
from jndlab.datasets import konjnd1k, mcl_jci
from jndlab.datasets.pictures.packaged import find_packaged
from jndlab.datasets.pictures.picture_list import FoundPicture, Picture, write_pictures
from jndlab.errors import UserError
from jndlab.media.picture_folder import data_set_folder, picture_files
from jndlab.media.pictures import read_picture
from jndlab.papers.vp_jnd.config import PictureChoice
from jndlab.papers.vp_jnd.released_jpegs import ReleasedJpegs


def write_chosen(
    folder: str | Path, choice: PictureChoice, patch_size: int = 2, most: int | None = None
) -> list[Picture]:
    """Write each chosen picture as PNG into ``folder`` and return their list.

    Raises UserError for pictures smaller than a patch; see :func:`find_pictures` and
    :func:`~jndlab.datasets.pictures.picture_list.write_pictures`.
    """
    size = choice.size if choice.source == "packaged" else None
    return write_pictures(folder, find_pictures(choice, most), size, smallest=patch_size)


def find_pictures(choice: PictureChoice, most: int | None = None) -> Iterator[FoundPicture]:
    """The chosen pictures, one after another, as their files hold them.

    ``most`` photographs are taken as well as packaged ones, where ``choice`` names their folder.

    Raises UserError for files that are damaged or have no RGB (see ``read_picture``), names of the
    configuration that are not there, and for gaps in a data set.
    """
    if choice.source == "packaged":
        yield from find_packaged(
            choice.sources,
            choice.size,
            choice.crops_per_picture,
            choice.frames_per_clip,
            reduced=choice.reduced,
            folder=choice.folder,
            most=most,
        )
        return
    folder = data_set_folder(choice.folder, choice.source, "folder")
    files = _files(choice, folder)
    for name in choice.sources or files:
        if name not in files:
            raise UserError(
                f"there is no picture '{name}'.",
                where=str(folder),
                expected=f"{', '.join(list(files)[:12])}{' ...' * (len(files) > 12)}",
            )
        origin = files[name].relative_to(folder).as_posix()
        yield FoundPicture(name, name, origin, read_picture(files[name]))


def still_codec_for(choice: PictureChoice, pictures: Sequence[Picture]) -> StillCodec:
    """The codec that ``pictures`` are coded with, or their data set's own JPEG files.

    Raises UserError where bpgenc is not installed, or a picture lacks qualities.
    """
    if not choice.released:
        return get_still_codec(choice.codec)
    folder, wanted = (
        data_set_folder(choice.folder, choice.source, "folder"),
        {picture.name for picture in pictures},
    )
    if choice.source == "mcl_jci":
        originals = mcl_jci.find_pictures(folder, sorted(wanted))
        files = {name: original.jpegs for name, original in originals.items()}
    else:
        found = konjnd1k.find_sources(folder, "JPEG")
        files = {name: one.pictures for name, one in found.items() if name in wanted}
    return ReleasedJpegs(choice.source, {one.sha256: files[one.name] for one in pictures})


def _files(choice: PictureChoice, folder: Path) -> Mapping[str, Path]:
    """Name -> original of every picture of a folder or data set."""
    if choice.source == "mcl_jci":
        names = choice.sources or mcl_jci.SOURCES
        qfs = mcl_jci.QFS if choice.released else ()
        pictures = mcl_jci.find_pictures(folder, names, qfs)
        return {name: picture.bitmap for name, picture in pictures.items()}
    if choice.source == "konjnd1k":
        coder: konjnd1k.Coder = "JPEG" if choice.codec == "jpeg" else "BPG"
        levels = None if choice.released else ()
        sources = konjnd1k.find_sources(folder, coder, levels)
        return {name: one.source for name, one in sources.items()}
    return picture_files(folder)
