"""Downloads that end with a whole, checked file under its name, or with none and a clear reason."""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import shutil
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from jndlab.datasets.registry import Dataset, RemoteFile
from jndlab.errors import UserError
from jndlab.files import atomic_path, read_json, sha256_of, write_json

TIMEOUT_SECONDS = (10, 60)  # to connect, and between two pieces of data
REGISTRY = "config/datasets.yaml"
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
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
    for file in dataset.files:
        archive = fetch(
            file.url,
            folder / file.name,
            sha256=file.sha256,
            size_bytes=file.size_bytes,
            record=Path(data_dir) / "checksums.json",
            progress=progress,
        )
        if file.unpack:
            unpack(archive, folder / _stem(file))


def fetch(
    url: str,
    target: str | Path,
    sha256: str | None = None,
    *,
    size_bytes: int | None = None,
    record: str | Path | None = None,
    retries: int = 3,
    progress: bool | None = None,
    wait_seconds: float = 2.0,
) -> Path:
    """Fetch ``url`` (http or https) to ``target`` and return that path.

    A file that is there already is checked, not fetched again. Its checksum must be ``sha256``,
    or, where that is None, the one in ``record`` (a JSON file by path relative to its folder); a
    checksum that is not there yet is written there. A cut connection is tried ``retries`` times
    more, each time from the beginning. ``progress``: a bar; None means where stderr is a terminal.
    Raises UserError for anything that leaves no whole file.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target):  # of two fetches at once the second finds the file of the first
        if not target.exists():
            show = sys.stderr.isatty() if progress is None else progress
            with atomic_path(target) as part:
                _download(url, part, target, show, retries, wait_seconds)
                _check(part, target, url, size_bytes, sha256, record)
        else:
            _check(target, target, url, size_bytes, sha256, record)
    return target


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a zip or tar archive into ``folder``, which appears only when all of it is there."""
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(mkdtemp(prefix=".part-", dir=folder.parent))
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as source:
                source.extractall(part)
        else:
            with tarfile.open(archive) as source:
                source.extractall(part, filter="data")
        part.chmod(0o755)
        part.rename(folder)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        raise UserError(
            "an archive cannot be unpacked.",
            where=str(archive),
            expected=f"a whole zip or tar archive; {error}",
            remedy="delete it and fetch it again.",
        ) from error
    except OSError as error:
        raise _no_room(folder, None, error) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _download(
    url: str, part: Path, target: Path, show: bool, retries: int, wait_seconds: float
) -> None:
    import requests  # with pooch 0.2 s: only a real download pays
    from pooch import HTTPDownloader

    for attempt in range(retries + 1):
        meter = _Meter(target, show)
        # `identity`: the length that the server announces is then that of the file
        download = HTTPDownloader(
            progressbar=meter,
            chunk_size=1 << 16,
            timeout=TIMEOUT_SECONDS,
            headers={"Accept-Encoding": "identity"},
        )
        try:
            download(url, str(part), None)
            found = part.stat().st_size
            if meter.total and found != meter.total:
                raise requests.ConnectionError(f"{found} of {meter.total} bytes arrived")
            return
        except requests.RequestException as error:
            meter.close()
            status = getattr(error.response, "status_code", None)
            if attempt == retries or (status is not None and status < 500 and status != 429):
                raise _failed(url, target, error, status, attempt + 1) from error
            LOG.warning("%s: %s; trying again", url, error)
            time.sleep(wait_seconds * 2**attempt)
        except OSError as error:
            meter.close()
            raise _no_room(target, meter.total, error) from error


class _Meter:
    """Progress of a download: its length, checked against free space, and a bar."""

    def __init__(self, target: Path, show: bool) -> None:
        self._target, self._show = target, show
        self._total = 0
        self._bar: Any = None

    @property
    def total(self) -> int:
        return self._total

    @total.setter
    def total(self, size: int) -> None:
        self._total = size
        if size > shutil.disk_usage(self._target.parent).free:
            raise OSError(errno.ENOSPC, "the announced length does not fit")
        if self._show:
            from tqdm import tqdm

            self._bar = tqdm(total=size or None, unit="B", unit_scale=True, desc=self._target.name)

    def update(self, size: int) -> None:
        if self._bar is not None:
            self._bar.update(size)

    def reset(self) -> None:
        if self._bar is not None:
            self._bar.reset()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _check(
    path: Path,
    target: Path,
    url: str,
    size_bytes: int | None,
    sha256: str | None,
    record: str | Path | None,
) -> None:
    """Raise UserError unless ``path`` has the given size and the given or recorded checksum."""
    size = path.stat().st_size
    if size_bytes is not None and size != size_bytes:
        raise _differs(f"{size_bytes} bytes", f"{size} bytes", path, target, url, REGISTRY)
    found = sha256_of(path)
    if sha256 is not None and found != sha256:
        raise _differs(f"sha256 {sha256}", found, path, target, url, REGISTRY)
    if record is None:
        return
    record = Path(record)
    key = Path(os.path.relpath(target, record.parent)).as_posix()
    with _locked(record):
        known = _read_record(record)
        if key not in known:
            today = datetime.now(UTC).strftime("%Y-%m-%d")
            known[key] = {"sha256": found, "size_bytes": size, "url": url, "recorded": today}
            write_json(record, dict(sorted(known.items())))
        elif found != known[key]["sha256"]:
            source = f"{record} (entry '{key}', recorded {known[key]['recorded']})"
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


def _read_record(record: Path) -> dict[str, Any]:
    if not record.exists():
        return {}
    try:
        return read_json(record)
    except json.JSONDecodeError as error:
        raise UserError(
            "the file of recorded checksums is no valid JSON.",
            where=str(record),
            expected=str(error),
            remedy="correct it, or delete it: checksums are then recorded again.",
        ) from error


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold a lock next to ``target``; the system lets go of it when the process ends, however."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.with_name(f".{target.name}.lock"), "w", encoding="utf-8") as stream:
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
