"""Downloads that end with a whole, checked file under its name, or with none and a clear reason."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from jndlab.datasets.archives import unpack
from jndlab.datasets.registry import Dataset, RemoteFile
from jndlab.errors import UserError
from jndlab.files import atomic_path, digest_of, open_lock, read_json, sha256_of, write_json

TIMEOUT_SECONDS = (10, 60)  # to connect, and between two pieces of data
SLOW_BYTES, SLOW_SECONDS = 60_000, 60.0
MOST_SECONDS = 24 * 3600.0
MOST_BYTES = 4 << 30  # of a file whose size is not known
MARGIN_BYTES = 1 << 16
PIECE = 1 << 16
LOOPBACK = ("127.0.0.1", "localhost", "::1")
REGISTRY = "config/datasets.yaml"
RECORD_NAME = "checksums.json"  # in the data folder
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
ZIP = ((0, b"PK\3\4"), (0, b"PK\5\6"))
HDF5 = tuple((at, b"\x89HDF\r\n\x1a\n") for at in (0, 512))
# How files begin (place and bytes) whose suffix promises it. Older files of PyTorch are pickles.
BEGINNINGS = {
    ".zip": ZIP, ".npz": ZIP, ".keras": ZIP, ".pth": (*ZIP, (0, b"\x80")),
    ".pt": (*ZIP, (0, b"\x80")), ".h5": HDF5, ".hdf5": HDF5, ".gz": ((0, b"\x1f\x8b"),),
    ".tgz": ((0, b"\x1f\x8b"),), ".bz2": ((0, b"BZh"),), ".xz": ((0, b"\xfd7zXZ\0"),),
    ".tar": ((257, b"ustar"),), ".npy": ((0, b"\x93NUMPY"),), ".7z": ((0, b"7z\xbc\xaf\x27\x1c"),),
    ".rar": ((0, b"Rar!"),), ".png": ((0, b"\x89PNG\r\n\x1a\n"),), ".jpg": ((0, b"\xff\xd8\xff"),),
    ".jpeg": ((0, b"\xff\xd8\xff"),), ".bmp": ((0, b"BM"),), ".pdf": ((0, b"%PDF"),),
    ".mp4": ((4, b"ftyp"),), ".mkv": ((0, b"\x1a\x45\xdf\xa3"),), ".y4m": ((0, b"YUV4MPEG2 "),),
    ".parquet": ((0, b"PAR1"),), ".onnx": ((0, b"\x08"),), ".mat": ((0, b"MATLAB"), *HDF5),
}  # fmt: skip
TEXTS = (".csv", ".tsv", ".txt", ".json", ".yaml", ".yml", ".md", ".cfg")
PAGES = tuple(
    "<!doctype <!-- <?xml <html <head <body <script <title <meta <error <response <soap".split()
)
MARKUP = (".html", ".htm", ".xml", ".svg", ".xhtml")
LOG = logging.getLogger(__name__)


def fetch_dataset(dataset: Dataset, data_dir: str | Path, *, progress: bool | None = None) -> None:
    """Fetch (and unpack) all files of a data set into its folder; whole ones are left as they are.

    Raises UserError where the set cannot be fetched, with the steps that a person has to take.
    """
    if not dataset.files:
        raise UserError(
            f"data set '{dataset.key}' cannot be fetched (access: {dataset.access}).",
            where=dataset.page or "",
            remedy=" ".join(dataset.manual) or "install the suite's Python packages again.",
        )
    folder = Path(data_dir) / dataset.key
    remove_leftovers(data_dir)
    for file in dataset.files:
        archive = fetch(
            file.url,
            folder / file.name,
            sha256=file.sha256,
            md5=file.md5,
            size_bytes=file.size_bytes,
            most_bytes=file.most_bytes,
            record=Path(data_dir) / RECORD_NAME,
            progress=progress,
        )
        if file.unpack:
            with _locked(archive):
                unpack(archive, folder / _stem(file))


def remove_leftovers(data_dir: str | Path) -> None:
    """Remove what killed fetches left half made in a data folder; one at work is left alone."""
    for lock in [*Path(data_dir).glob(".*.lock"), *Path(data_dir).glob("*/.*.lock")]:
        target = lock.with_name(lock.name[1 : -len(".lock")])
        part = re.compile(
            rf"\.part-{re.escape(target.stem)}-[a-z0-9_]{{8}}({re.escape(target.suffix)})?"
        )
        with suppress(OSError), open_lock(lock) as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for left in filter(lambda path: part.fullmatch(path.name), list(lock.parent.iterdir())):
                shutil.rmtree(left) if left.is_dir() else left.unlink()


def fetch(
    url: str,
    target: str | Path,
    sha256: str | None = None,
    *,
    md5: str | None = None,
    size_bytes: int | None = None,
    most_bytes: int | None = None,
    record: str | Path | None = None,
    retries: int = 3,
    progress: bool | None = None,
    wait_seconds: float = 2.0,
) -> Path:
    """Fetch ``url`` (https; http on this machine alone) to ``target`` and return that path.

    A file that is there already is checked, not fetched again. Its checksums must be ``sha256``
    and ``md5``, or, where both are None, the one in ``record`` (a JSON file by path relative to its
    folder); a checksum that is not there yet is written there. A cut connection is tried
    ``retries`` times more, each time from the beginning. No more is taken than ``size_bytes`` and a
    little, or, where that is None, ``most_bytes`` (default :data:`MOST_BYTES`); a server that sends
    fewer than :data:`SLOW_BYTES` in :data:`SLOW_SECONDS` counts as cut, and so does one that needs
    longer than :data:`MOST_SECONDS`. What begins otherwise than files of its suffix, such as a web
    page in place of an archive, is refused. ``progress``: a bar; None means where stderr is a
    terminal.
    Raises UserError for anything that leaves no whole file.
    """
    target = Path(target)
    _require_safe(url, target)
    most = most_bytes or MOST_BYTES if size_bytes is None else size_bytes + MARGIN_BYTES
    _require_place(target)
    with _locked(target):  # of two fetches at once the second finds the file of the first
        if not target.exists():
            show = sys.stderr.isatty() if progress is None else progress
            with atomic_path(target) as part:
                _download(url, part, target, show, retries, wait_seconds, most)
                _require_kind(part, target, url)
                _check(part, target, url, size_bytes, {"sha256": sha256, "md5": md5}, record)
        else:
            _require_kind(target, target, url)
            _check(target, target, url, size_bytes, {"sha256": sha256, "md5": md5}, record)
    return target


def _download(
    url: str, part: Path, target: Path, show: bool, retries: int, wait_seconds: float, most: int
) -> None:
    import requests  # 0.1 s: only a real download pays

    for attempt in range(retries + 1):
        meter = _Meter(target, show, most)
        try:
            _transfer(url, part, target, meter)
            return
        except requests.RequestException as error:
            status = getattr(error.response, "status_code", None)
            if attempt == retries or (status is not None and status < 500 and status != 429):
                raise _failed(url, target, error, status, attempt + 1) from error
            LOG.warning("%s: %s; trying again", url, error)
            time.sleep(wait_seconds * 2**attempt)
        except OSError as error:
            raise _no_room(target, meter.total, error) from error
        finally:
            meter.close()


def _transfer(url: str, part: Path, target: Path, meter: _Meter) -> None:
    """One attempt; raises requests' exceptions for what may be better next time."""
    import requests
    import urllib3

    def check_address(response: Any, **_: Any) -> None:
        if (onward := response.headers.get("Location")) and response.is_redirect:
            _require_safe(urljoin(response.url, onward), target)

    with (
        requests.Session() as session,
        # `identity`: the length that the server announces is then that of the file
        session.get(url, stream=True, timeout=TIMEOUT_SECONDS, hooks={"response": check_address},
                    headers={"Accept-Encoding": "identity"}) as response,
        open(part, "wb") as stream,
    ):  # fmt: skip
        response.raise_for_status()
        announced = response.headers.get("Content-Length", "0")
        if not announced.isascii() or not announced.isdigit() or len(announced) > 15:
            raise requests.ConnectionError(f"the server announces '{announced[:40]}' bytes")
        meter.begin(int(announced))
        try:
            while piece := response.raw.read1(PIECE):  # as it arrives: a slow server is noticed
                meter.update(len(piece))
                stream.write(piece)
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(str(error)) from error
    if meter.total and meter.done != meter.total:
        raise requests.ConnectionError(f"{meter.done} of {meter.total} bytes arrived")


def _require_safe(url: str, target: Path) -> None:
    """Raise UserError for an address that anybody on the way could answer for."""
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in LOOPBACK):
        raise UserError(
            f"'{target.name}' is not fetched: its address is not https.",
            where=url,
            expected="an address that begins with https://",
            remedy=f"correct the address, or put the file at {target} yourself.",
        )


def _require_kind(path: Path, target: Path, url: str) -> None:
    """Raise UserError for a file that begins otherwise than files of its suffix do."""
    if not (fault := _fault_of_kind(path, target.suffix.lower())):
        return
    where, remedy = url, f"open the address in a browser, and put the file at {target} yourself."
    if path == target:
        where, remedy = f"{target}, from {url}", "move it away and fetch it again."
    raise UserError(
        f"'{target.name}' could not be fetched: {fault}.",
        where=where,
        expected="the file itself; a page or a message often asks for a login or a confirmation",
        remedy=remedy,
    )


def _fault_of_kind(path: Path, suffix: str) -> str:
    with open(path, "rb") as stream:
        start = stream.read(1024)
    if not start:
        return "the answer was empty"
    encoding = "utf-16" if start[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = start.decode(encoding, errors="replace").lower()
    shown = text.replace("\0", "").lstrip()  # of UTF-16 without its mark
    if shown.startswith(PAGES) and suffix not in MARKUP:
        return "a web page came in its place"
    if shown.startswith("version https://git-lfs"):
        return "a pointer of Git LFS came in its place"
    beginnings = BEGINNINGS.get(suffix, ())
    if beginnings and not any(start[at:].startswith(mark) for at, mark in beginnings):
        return f"it does not begin as a file {suffix} does, but with {start[:16]!r}"
    if suffix in TEXTS and "\0" in text:
        return f"it is no text, as a file {suffix} is"
    if shown.startswith(("{", "[{")) and suffix not in (".json", ".jsonl"):
        with suppress(ValueError, RecursionError):
            json.loads(path.read_bytes()[:MARGIN_BYTES])
            return "a message in JSON came in its place"
    return ""


class _Meter:
    """Progress of a download: its length, speed and size, each within bounds, and a bar."""

    def __init__(self, target: Path, show: bool, most: int) -> None:
        self._target, self._show, self._most = target, show, most
        self.total = self.done = 0
        self._started = self._since = time.monotonic()
        self._before = 0
        self._bar: Any = None

    def begin(self, size: int) -> None:
        """Take the announced size (0: none); raises UserError or OSError where it is too much."""
        self.total = size
        if size > self._most:
            raise self._too_large(f"{size:,} bytes announced")
        if size > shutil.disk_usage(self._target.parent).free:
            raise OSError(errno.ENOSPC, "the announced length does not fit")
        if self._show:
            from tqdm import tqdm

            self._bar = tqdm(total=size or None, unit="B", unit_scale=True, desc=self._target.name)

    def update(self, size: int) -> None:
        """Count bytes; raises UserError beyond the bound, and ConnectionError for a slow server."""
        import requests

        self.done += size
        if self.done > self._most:
            raise self._too_large(f"{self.done:,} bytes and more")
        now = time.monotonic()
        if now - self._since >= SLOW_SECONDS:
            if self.done - self._before < SLOW_BYTES or now - self._started > MOST_SECONDS:
                raise requests.ConnectionError(
                    f"{self.done - self._before:,} bytes in the last {now - self._since:.0f} s, "
                    f"{now - self._started:.0f} s in all: too slow"
                )
            self._since, self._before = now, self.done
        if self._bar is not None:
            self._bar.update(size)

    def _too_large(self, found: str) -> UserError:
        return UserError(
            f"'{self._target.name}' is larger than it may be; it was not kept.",
            where=str(self._target),
            expected=f"at most {self._most:,} bytes, found {found}",
            remedy="look at the page of the data set; if the file has grown, correct `size_bytes` "
            f"(or set `most_bytes`) in {REGISTRY}.",
        )

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _check(
    path: Path,
    target: Path,
    url: str,
    size_bytes: int | None,
    published: dict[str, str | None],
    record: str | Path | None,
) -> None:
    """Raise UserError unless a file has the given size and the published or recorded checksum."""
    size = path.stat().st_size
    if size_bytes is not None and size != size_bytes:
        raise _differs(f"{size_bytes} bytes", f"{size} bytes", path, target, url, REGISTRY)
    found = sha256_of(path)
    for kind, wanted in published.items():
        has = found if kind == "sha256" or not wanted else digest_of(path, kind)
        if wanted and has != wanted:
            raise _differs(f"{kind} {wanted}", has, path, target, url, REGISTRY)
    if record is None:
        return
    record = Path(record)
    key = Path(os.path.relpath(target, record.parent)).as_posix()
    with _locked(record):
        known = read_record(record)
        if key not in known:
            today = datetime.now(UTC).strftime("%Y-%m-%d")
            known[key] = {"sha256": found, "size_bytes": size, "url": url, "recorded": today}
            write_json(record, dict(sorted(known.items())))
        elif found != known[key]["sha256"]:
            recorded = known[key].get("recorded", "at an unknown date")
            source = f"{record} (entry '{key}', recorded {recorded})"
            raise _differs(f"sha256 {known[key]['sha256']}", found, path, target, url, source)


def _differs(wanted: str, found: str, path: Path, target: Path, url: str, source: str) -> UserError:
    if path == target:
        what = f"'{target.name}' on disk is not the recorded file."
        remedy = "move it away and fetch it again."
    else:
        what = f"'{target.name}' arrived, but is not the recorded file; it was not kept."
        remedy = (
            "try again. If it stays so, the file has changed at its source: look at its page, "
            f"and correct {source} if the change is meant."
        )
    return UserError(
        what,
        where=f"{target}, from {url}",
        expected=f"{wanted}, by {source}; found {found}",
        remedy=remedy,
    )


def read_record(record: Path) -> dict[str, Any]:
    """Checksums recorded at first download, by path; UserError for a file of another kind."""
    if not record.exists():
        return {}
    try:
        known = read_json(record)
        if not all(isinstance(entry["sha256"], str) for entry in known.values()):
            raise TypeError("an entry's sha256 is no text")
        return known
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise UserError(
            "the file of recorded checksums is no valid JSON of checksums.",
            where=str(record),
            expected=f"JSON with a sha256 for each file; {error!r}",
            remedy="correct it, or delete it: checksums are then recorded again.",
        ) from error


def _require_place(target: Path) -> None:
    """Make the folder of a file; UserError where a file is in its way, or it is a folder itself."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        blocked = target.exists() and not target.is_file()
    except (OSError, ValueError) as error:
        raise UserError(
            f"there is no place for '{target.name}'.",
            where=str(target.parent),
            expected=f"a folder that can be written; {error}",
            remedy="correct `data_dir`, or move away what is in its place.",
        ) from error
    if blocked:
        raise UserError(
            f"'{target.name}' is in the way of a file of that name.",
            where=str(target),
            expected="a file or nothing",
            remedy="move it away.",
        )


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold a lock next to ``target``; the system lets go of it when the process ends, however."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_lock(target.with_name(f".{target.name}.lock")) as stream:
        # Where a shared disk has no locks: renaming alone still keeps every file whole.
        with suppress(OSError):
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _failed(
    url: str, target: Path, error: Exception, status: int | None, attempts: int
) -> UserError:
    meanings = {
        401: "the server asks for a login",
        403: "the server refuses the file",
        404: "the server has no such file",
    }
    reason = f"HTTP {status}" if status else type(error).__name__
    if status in meanings:
        reason = f"{meanings[status]} (HTTP {status})"
    times = "once" if attempts == 1 else f"{attempts} times"
    return UserError(
        f"'{target.name}' could not be fetched: {reason}.",
        where=url,
        expected=f"a whole file; tried {times}, at last: {str(error)[:300]}",
        remedy=f"check the address and the network, or put the file at {target} yourself.",
    )


def _no_room(target: Path, size: int | None, error: OSError) -> UserError:
    free = shutil.disk_usage(target.parent).free
    if error.errno not in NO_ROOM:
        return UserError(
            f"'{target.name}' cannot be written: {error.strerror}.", where=str(target.parent)
        )
    needed = f"{size:,} bytes needed" if size else "size not announced"
    return UserError(
        f"there is no room for '{target.name}'.",
        where=str(target.parent),
        expected=f"{needed}, {free:,} bytes free ({error.strerror})",
        remedy="free some space, or set `data_dir` to a larger disk.",
    )


def _stem(file: RemoteFile) -> str:
    for suffix in (".zip", ".tar.gz", ".tgz", ".tar"):
        if file.name.endswith(suffix):
            return file.name.removesuffix(suffix)
    return file.name + ".d"
