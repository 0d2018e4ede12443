"""Unpacking of archives from elsewhere: whole, within bounds, and nothing outside their folder."""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from typing import Any

from jndlab.errors import UserError

MOST_FILES = 1_000_000
MOST_RATIO = 200  # of unpacked to packed bytes; pictures and weights hardly shrink
SMALL_BYTES = 64 << 20  # below which no ratio is asked for
PIECE = 1 << 20


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a zip or tar archive into ``folder``, which appears only when all of it is there.

    Raises UserError for a damaged, cut or encrypted archive, for a name that is there twice, for
    links, devices and names that lead out of the folder, for more than :data:`MOST_FILES` files or
    :data:`MOST_RATIO` times the bytes of the archive, and where the disk has no room for what it
    declares.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(mkdtemp(prefix=f".part-{archive.stem}-", dir=folder.parent))
    try:
        with _opened(archive) as source:
            bounds = _Bounds(archive, part)
            if isinstance(source, zipfile.ZipFile):
                entries: Iterable[tuple[str, int, str, Any]] = _zip_entries(source)
            else:
                entries = _tar_entries(source)
            for name, size, fault, member in entries:
                bounds.take(name, size, fault)
                if isinstance(source, zipfile.ZipFile):
                    source.extract(member, part)
                else:
                    source.extract(member, part, filter="data")
            if isinstance(source, tarfile.TarFile):
                _require_end(source)
                bounds.read_to_end(source.fileobj)
        part.chmod(0o755)
        part.rename(folder)
    except UserError:
        raise
    except Exception as error:  # zlib, lzma, struct ...: readers of archives raise anything
        room = isinstance(error, OSError) and error.errno in (ENOSPC, EDQUOT, EFBIG)
        raise UserError(
            "an archive cannot be unpacked.",
            where=str(archive),
            expected=("room for its files" if room else "a whole zip or tar archive")
            + f"; {error or type(error).__name__}",
            remedy="free some space, or correct `data_dir`." if room else
            "delete it and fetch it again.",
        ) from error  # fmt: skip
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _opened(archive: Path) -> zipfile.ZipFile | tarfile.TarFile:
    # By its first bytes: a tar whose last file is a zip ends as a zip does.
    with open(archive, "rb") as stream:
        is_zip = stream.read(4) in (b"PK\3\4", b"PK\5\6")
    return zipfile.ZipFile(archive) if is_zip else tarfile.open(archive)


def _require_end(source: tarfile.TarFile) -> None:
    """Raise ValueError unless the files of a tar end with its mark, a block of zeros."""
    stream: Any = source.fileobj
    stream.seek(source.offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise ValueError("it is cut, or damaged, between two files: the mark of its end is missing")


def _zip_entries(source: zipfile.ZipFile) -> Iterator[tuple[str, int, str, zipfile.ZipInfo]]:
    for member in source.infolist():
        kind = stat.S_IFMT(member.external_attr >> 16)
        fault = "is a link or a device" if kind not in (0, stat.S_IFREG, stat.S_IFDIR) else ""
        if member.is_dir() and member.file_size:
            fault = "is a folder with a content"
        if member.flag_bits & 1:
            fault = "is encrypted"
        yield member.filename, member.file_size, fault, member


def _tar_entries(source: tarfile.TarFile) -> Iterator[tuple[str, int, str, tarfile.TarInfo]]:
    for member in source:
        fault = "" if member.isreg() or member.isdir() else "is a link or a device"
        yield member.name + "/" * member.isdir(), member.size, fault, member


class _Bounds:
    """What has been taken out of an archive so far, against what it may hold."""

    def __init__(self, archive: Path, part: Path) -> None:
        self._archive = archive
        self._packed = archive.stat().st_size
        self._free = shutil.disk_usage(part).free
        self._files = self._bytes = 0
        self._names: set[PurePosixPath] = set()

    def take(self, name: str, size: int, fault: str) -> None:
        """Count an entry before it is written; raises UserError where it may not be."""
        path = PurePosixPath(name.replace("\\", "/"))
        if not name.isprintable():
            fault = "has characters that are not shown"
        elif path in self._names and not name.endswith("/"):
            fault = "is there twice"
        self._names.add(path)
        if path.is_absolute() or ".." in path.parts:
            fault = "leads out of the folder"
        if fault:
            raise self._refused(f"{name[:120]!a} {fault}")
        self._files += 1
        self._grow(size)

    def _grow(self, size: int) -> None:
        self._bytes += size
        if self._files > MOST_FILES:
            raise self._refused(f"it holds more than {MOST_FILES:,} files")
        if self._bytes > max(SMALL_BYTES, MOST_RATIO * self._packed):
            raise self._refused(f"its {self._packed:,} bytes become {self._bytes:,} and more")
        if self._bytes > self._free:
            raise UserError(
                f"there is no room for the files of '{self._archive.name}'.",
                where=str(self._archive),
                expected=f"{self._bytes:,} bytes and more needed, {self._free:,} bytes free",
                remedy="free some space, or set `data_dir` to a larger disk.",
            )

    def read_to_end(self, stream: Any) -> None:
        """Read what follows the last file, which checks the checksum of the compression.

        Raises UserError where that is anything but zeros: files behind the end are not unpacked.
        """
        while stream is not None and (rest := stream.read(PIECE)):
            self._grow(len(rest))
            if rest.strip(b"\0"):
                raise self._refused("it goes on behind its end, as archives put together do")

    def _refused(self, fault: str) -> UserError:
        return UserError(
            "an archive cannot be unpacked safely.",
            where=str(self._archive),
            expected=f"files and folders of its own, in bounds; {fault}",
            remedy="look at it by hand; unpack it yourself if it is what you expect.",
        )
