"""VP-JND's pictures: MCL-JCI, KonJND-1k, a folder or packaged ones, as PNG with a table of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image

from jndlab.codecs.stills.base import StillCodec, get_still_codec
from jndlab.datasets import konjnd1k, mcl_jci
from jndlab.datasets.jnd_frames.config import FrameChoice
from jndlab.datasets.jnd_frames.records import FoundFrame, windows
from jndlab.datasets.jnd_frames.sources import PACKAGED_SOURCES, find_frames
from jndlab.datasets.pictures import SUFFIXES
from jndlab.errors import UserError
from jndlab.files import atomic_path, read_csv, write_csv
from jndlab.media.pictures import picture_sha256, read_picture
from jndlab.papers.vp_jnd.config import PictureChoice
from jndlab.papers.vp_jnd.released_jpegs import ReleasedJpegs


@dataclass(frozen=True)
class PictureRecord:
    """One picture: its ``name`` (file name without suffix), size, and SHA-256 of its pixels.

    Pictures of one ``source`` must not be parted by a split. ``origin`` is ``package:file`` or a
    path below the folder of the data.
    """

    name: str
    source: str
    origin: str
    width: int
    height: int
    sha256: str


def write_pictures(
    folder: str | Path, choice: PictureChoice, patch_size: int = 1
) -> list[PictureRecord]:
    """Write each chosen picture as PNG into ``folder`` and return what they are.

    A last row or column of odd sizes is left out (4:2:0). Raises UserError for files that are
    damaged or have no RGB (see ``read_picture``), pictures smaller than a patch, two of one name,
    names of the configuration that are not there, and for gaps in a data set.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    records: dict[str, PictureRecord] = {}
    for found in find_pictures(choice):
        if found.name in records:
            raise UserError(
                f"two pictures would be called '{found.name}'.",
                where=f"{records[found.name].origin} and {found.origin}",
                remedy="rename one of the files, or take it out.",
            )
        rgb = _fitted(found, choice.size) if choice.source == "packaged" else found.rgb
        height, width = (side // 2 * 2 for side in rgb.shape[:2])
        if min(height, width) < patch_size:
            raise UserError(
                "a picture is smaller than a patch.",
                where=found.origin,
                expected=f"at least {patch_size}x{patch_size}, found {rgb.shape[1]}x{rgb.shape[0]}",
                remedy="take it out of `sources`, or lower `patch_size` of the networks.",
            )
        rgb = np.ascontiguousarray(rgb[:height, :width])
        with atomic_path(folder / f"{found.name}.png") as part:
            Image.fromarray(rgb).save(part, "PNG", compress_level=1)
        records[found.name] = PictureRecord(
            found.name, found.source, found.origin, width, height, picture_sha256(rgb)
        )
    if not records:
        raise UserError("there are no pictures.", where=str(choice.folder))
    return list(records.values())


def find_pictures(choice: PictureChoice) -> Iterator[FoundFrame]:
    """The chosen pictures, one after another, as their files hold them."""
    if choice.source == "packaged":
        sources = choice.sources or tuple(PACKAGED_SOURCES)
        yield from find_frames(
            FrameChoice(
                source="packaged",
                sources=sources,
                frames_per_source=choice.frames_per_clip,
                crops_per_picture=choice.crops_per_picture,
                size=choice.size,
            )
        )
        return
    folder = _folder(choice)
    files = _files(choice, folder)
    for name in choice.sources or files:
        if name not in files:
            raise UserError(
                f"there is no picture '{name}'.",
                where=str(folder),
                expected=f"{', '.join(list(files)[:12])}{' ...' * (len(files) > 12)}",
            )
        origin = files[name].relative_to(folder).as_posix()
        yield FoundFrame(name, name, origin, read_picture(files[name]))


def still_codec_for(choice: PictureChoice, records: Sequence[PictureRecord]) -> StillCodec:
    """The codec that ``records`` are coded with, or their data set's own JPEG files.

    Raises UserError where bpgenc is not installed, or a picture lacks qualities.
    """
    if not choice.released:
        return get_still_codec(choice.codec)
    folder, wanted = _folder(choice), {record.name for record in records}
    if choice.source == "mcl_jci":
        pictures = mcl_jci.find_pictures(folder, sorted(wanted))
        files = {name: picture.jpegs for name, picture in pictures.items()}
    else:
        found = konjnd1k.find_sources(folder, "JPEG")
        files = {name: one.pictures for name, one in found.items() if name in wanted}
    return ReleasedJpegs(choice.source, {r.sha256: files[r.name] for r in records})


def write_records(path: str | Path, records: Iterable[PictureRecord]) -> None:
    """Write the table of pictures as CSV."""
    write_csv(path, map(asdict, records), [field.name for field in fields(PictureRecord)])


def read_records(path: str | Path) -> list[PictureRecord]:
    """Read what :func:`write_records` wrote."""
    return [
        PictureRecord(**row | {key: int(row[key]) for key in ("width", "height")})
        for row in read_csv(path)
    ]


def load_picture(folder: str | Path, record: PictureRecord) -> np.ndarray:
    """The pixels (H x W x 3 uint8 RGB) of a listed picture; UserError where they were changed."""
    path = Path(folder) / f"{record.name}.png"
    rgb = read_picture(path)
    if picture_sha256(rgb) != record.sha256:
        raise UserError(
            "a picture is not the one that was listed.",
            where=str(path),
            expected=f"pixels of SHA-256 {record.sha256}",
            remedy="delete the folder and list the pictures again.",
        )
    return rgb


def _files(choice: PictureChoice, folder: Path) -> Mapping[str, Path]:
    """Name -> original of every picture of a folder or data set."""
    if choice.source == "mcl_jci":
        names = choice.sources or mcl_jci.SOURCES
        qfs = mcl_jci.QFS if choice.released else ()
        found = mcl_jci.find_pictures(folder, names, qfs)
        return {name: picture.bitmap for name, picture in found.items()}
    if choice.source == "konjnd1k":
        coder: konjnd1k.Coder = "JPEG" if choice.codec == "jpeg" else "BPG"
        levels = None if choice.released else ()
        found = konjnd1k.find_sources(folder, coder, levels)
        return {name: one.source for name, one in found.items()}
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    twice = [path for path in paths if sum(path.stem == other.stem for other in paths) > 1]
    if twice or not paths:
        raise UserError(
            f"two pictures are called '{twice[0].stem}'." if twice else "there are no pictures.",
            where=str(folder),
            expected="files ending in " + " ".join(SUFFIXES) + ", each with a name of its own",
        )
    return {path.stem: path for path in paths}


def _folder(choice: PictureChoice) -> Path:
    if choice.folder is None or not Path(choice.folder).is_dir():
        raise UserError(
            f"the pictures of '{choice.source}' are not there.",
            where=str(choice.folder),
            expected="a folder that holds them",
            remedy="set `folder` of the data set; `snakemake check_data` says where to get it.",
        )
    return Path(choice.folder)


def _fitted(found: FoundFrame, size: Sequence[int]) -> np.ndarray:
    """The picture's window (the largest centred one by default), reduced by area averages."""
    import cv2  # 0.2 s to import: only where something is reduced

    height, width = found.rgb.shape[:2]
    window = found.window or windows(width, height, size, 1)[0]
    if window.width < size[0] or window.height < size[1]:
        raise UserError(
            "a picture is too small.",
            where=found.origin,
            expected=f"{size[0]}x{size[1]} at least, found {window.width}x{window.height}",
            remedy="leave it out of `sources`, or lower `size` or `crops_per_picture`.",
        )
    part = found.rgb[
        window.top : window.top + window.height, window.left : window.left + window.width
    ]
    return cv2.resize(np.ascontiguousarray(part), tuple(size), interpolation=cv2.INTER_AREA)
