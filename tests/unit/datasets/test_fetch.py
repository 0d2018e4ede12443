"""Downloads from a real server on loopback: whole under its name, or absent with a clear reason."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import resource
import shutil
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from jndlab.datasets.archives import unpack
from jndlab.datasets.fetch import fetch, fetch_dataset
from jndlab.datasets.registry import Dataset, Registry
from jndlab.errors import UserError

BODY = bytes(range(256)) * 1200  # 300 KiB
SHA256 = hashlib.sha256(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves ``bodies`` by path; ``cuts`` says how many answers are to end half way."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies = {"/file.bin": BODY}
        self.cuts = 0
        self.busy = 0
        self.requests: list[str] = []
        self.announce_length = True
        self.length: str | None = None
        self.redirects: dict[str, str] = {}
        self.drip: tuple[float, int] | None = None  # seconds between pieces, bytes of a piece

    def url(self, path: str = "/file.bin") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        if onward := self.server.redirects.get(self.path):
            self.send_response(302)
            self.send_header("Location", onward)
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if self.server.drip:
            self.send_response(200)
            self.end_headers()
            pause, size = self.server.drip
            with suppress(OSError):
                while True:
                    self.wfile.write(bytes(size))
                    time.sleep(pause)
            return None
        body = self.server.bodies.get(self.path)
        if body is None:
            return self.send_error(404)
        if self.server.busy:
            self.server.busy -= 1
            return self.send_error(503)
        self.send_response(200)
        if self.server.announce_length:
            self.send_header("Content-Length", self.server.length or str(len(body)))
        self.end_headers()
        if self.server.cuts:
            self.server.cuts -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def left_in(folder: Path) -> list[str]:
    """Files in a folder, without the empty lock files."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_whole_file_arrives_and_is_not_fetched_again(server, tmp_path):
    target = tmp_path / "new" / "file.bin"
    assert fetch(server.url(), target, SHA256) == target
    assert target.read_bytes() == BODY and left_in(target.parent) == ["file.bin"]
    assert target.stat().st_mode & 0o044 == 0o044 & ~os.umask(os.umask(0o022))
    fetch(server.url(), target, SHA256)
    assert len(server.requests) == 1


def test_a_wrong_checksum_leaves_nothing(server, tmp_path):
    with pytest.raises(UserError) as caught:
        fetch(server.url(), tmp_path / "file.bin", "0" * 64)
    message = str(caught.value)
    assert "0" * 64 in message and SHA256 in message and "not kept" in message
    assert left_in(tmp_path) == []


def test_a_published_md5_counts_as_a_checksum(server, tmp_path):
    md5 = hashlib.md5(BODY).hexdigest()
    assert fetch(server.url(), tmp_path / "a.bin", md5=md5).read_bytes() == BODY
    with pytest.raises(UserError, match="not the recorded file") as caught:
        fetch(server.url(), tmp_path / "b.bin", md5="0" * 32)
    assert md5 in str(caught.value) and not (tmp_path / "b.bin").exists()


def test_a_cut_connection_is_tried_again_from_the_beginning(server, tmp_path):
    server.cuts = 2
    fetch(server.url(), tmp_path / "file.bin", SHA256, retries=2, wait_seconds=0)
    assert (tmp_path / "file.bin").read_bytes() == BODY and len(server.requests) == 3


def test_a_connection_that_stays_cut_leaves_nothing(server, tmp_path):
    server.cuts = 9
    # without a checksum: the announced length alone must reveal that half is missing
    with pytest.raises(UserError, match="tried 2 times"):
        fetch(server.url(), tmp_path / "file.bin", retries=1, wait_seconds=0)
    assert left_in(tmp_path) == []


def test_a_cut_that_no_length_reveals_is_found_by_the_registered_size(server, tmp_path):
    server.announce_length, server.cuts = False, 1
    with pytest.raises(UserError, match=f"{len(BODY)} bytes.*found {len(BODY) // 2} bytes"):
        fetch(server.url(), tmp_path / "file.bin", size_bytes=len(BODY))
    assert left_in(tmp_path) == []


def test_a_busy_server_is_asked_again(server, tmp_path):
    server.busy = 1
    fetch(server.url(), tmp_path / "file.bin", SHA256, wait_seconds=0)
    assert len(server.requests) == 2


def test_a_file_that_the_server_has_not(server, tmp_path):
    with pytest.raises(UserError, match="no such file") as caught:
        fetch(server.url("/other.bin"), tmp_path / "other.bin")
    assert "404" in str(caught.value) and str(tmp_path / "other.bin") in str(caught.value)
    assert server.requests == ["/other.bin"] and left_in(tmp_path) == []  # asked once only


def test_a_server_that_is_not_there(tmp_path):
    with Server() as gone:
        url = gone.url()
    with pytest.raises(UserError, match="check the address and the network"):
        fetch(url, tmp_path / "file.bin", retries=1, wait_seconds=0)
    assert left_in(tmp_path) == []


@contextmanager
def small_disk(folder: Path):
    """A file system of 128 KiB; yields None where this system lets nobody mount one."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(command, check=False).returncode:
        yield None
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def small_files(limit: int):
    """No file of this process may grow beyond ``limit`` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("announced", [True, False])
def test_a_full_disk_says_what_is_needed_and_what_is_free(server, tmp_path, announced):
    server.announce_length = announced
    with small_disk(tmp_path / "disk") as disk:
        if disk is None:
            print("no tmpfs can be mounted here: a limit on the size of files stands for it")
            with small_files(128 * 1024), pytest.raises(UserError) as caught:
                fetch(server.url(), tmp_path / "disk" / "file.bin")
        else:
            with pytest.raises(UserError) as caught:
                fetch(server.url(), disk / "file.bin")
        message = str(caught.value)
        assert "no room for 'file.bin'" in message and "bytes free" in message
        assert (f"{len(BODY):,} bytes needed" in message) == announced
        if disk is not None:  # a length that cannot fit ends it before anything is written
            assert ("announced length" in message) == announced
        assert left_in(tmp_path / "disk") == []


def test_a_quota_reads_like_a_full_disk(server, tmp_path):
    with small_files(100_000), pytest.raises(UserError, match="no room") as caught:
        fetch(server.url(), tmp_path / "file.bin")
    assert os.strerror(errno.EFBIG) in str(caught.value) and left_in(tmp_path) == []


def test_two_fetches_at_once_in_threads(server, tmp_path):
    target, record = tmp_path / "file.bin", tmp_path / "checksums.json"
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(fetch, server.url(), target, record=record) for _ in range(4)]
        assert [job.result() for job in jobs] == [target] * 4
    assert target.read_bytes() == BODY and left_in(tmp_path) == ["checksums.json", "file.bin"]
    assert len(server.requests) == 1  # the others waited and found it


def test_two_fetches_at_once_in_processes(server, tmp_path, repository):
    code = (
        "import sys; from jndlab.datasets.fetch import fetch; fetch(sys.argv[1], sys.argv[2],"
        " record=sys.argv[3])"
    )
    command = [sys.executable, "-c", code, server.url(), str(tmp_path / "file.bin"),
               str(tmp_path / "checksums.json")]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(repository / "workflow_scripts")}
    running = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [process.wait(60) for process in running] == [0, 0]
    assert (tmp_path / "file.bin").read_bytes() == BODY
    assert left_in(tmp_path) == ["checksums.json", "file.bin"]


def test_an_unknown_checksum_is_recorded_and_then_holds(server, tmp_path):
    target, record = tmp_path / "set" / "file.bin", tmp_path / "checksums.json"
    fetch(server.url(), target, record=record)
    entry = json.loads(record.read_text())["set/file.bin"]
    assert entry["sha256"] == SHA256 and entry["size_bytes"] == len(BODY)
    assert entry["url"] == server.url()

    target.write_bytes(BODY[:-1])  # damaged on disk
    with pytest.raises(UserError, match="on disk is not the recorded file"):
        fetch(server.url(), target, record=record)

    target.unlink()
    server.bodies["/file.bin"] = BODY[::-1]  # changed at its source
    with pytest.raises(UserError, match="arrived, but is not the recorded file") as caught:
        fetch(server.url(), target, record=record)
    assert "checksums.json" in str(caught.value) and SHA256 in str(caught.value)
    assert not target.exists()
    assert json.loads(record.read_text())["set/file.bin"] == entry


def test_a_record_that_is_damaged(server, tmp_path):
    (tmp_path / "checksums.json").write_text("{")
    with pytest.raises(UserError, match="no valid JSON"):
        fetch(server.url(), tmp_path / "file.bin", record=tmp_path / "checksums.json")
    assert not (tmp_path / "file.bin").exists()


def test_the_progress_bar_ends_full(server, tmp_path, capsys):
    fetch(server.url(), tmp_path / "file.bin", progress=True)
    output = capsys.readouterr().err
    assert "file.bin" in output and "100%" in output
    fetch(server.url(), tmp_path / "other.bin", progress=None)  # stderr is no terminal here
    assert capsys.readouterr().err == ""


def archive(kind: str) -> bytes:
    """An archive that holds weights/model.h5."""
    stream = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(stream, "w") as target:
            target.writestr("weights/model.h5", b"numbers")
    else:
        with tarfile.open(fileobj=stream, mode="w:gz") as target:
            member = tarfile.TarInfo("weights/model.h5")
            member.size = 7
            target.addfile(member, io.BytesIO(b"numbers"))
    return stream.getvalue()


def entry(**values) -> Dataset:
    """A data set called "own"."""
    common = {
        "title": "Own", "licence": "none", "citation": {"text": "-"}, "needed_by": [],
        "present": [{"glob": "**/*.h5"}],
    }  # fmt: skip
    return Registry.model_validate({"own": common | values}).root["own"]


@pytest.mark.parametrize(("kind", "suffix"), [("zip", ".zip"), ("tar", ".tar.gz")])
def test_a_data_set_is_fetched_and_unpacked_once(server, tmp_path, kind, suffix):
    server.bodies["/a" + suffix] = archive(kind)
    file = {"name": f"a{suffix}", "url": server.url("/a" + suffix), "unpack": True}
    dataset = entry(access="open", files=[file])
    for _ in range(2):
        fetch_dataset(dataset, tmp_path, progress=False)
    assert (tmp_path / "own" / "a" / "weights" / "model.h5").read_bytes() == b"numbers"
    assert left_in(tmp_path / "own") == ["a", f"a{suffix}"] and len(server.requests) == 1
    assert f"own/a{suffix}" in json.loads((tmp_path / "checksums.json").read_text())


def test_a_set_that_nobody_can_fetch_has_its_steps_in_the_message(tmp_path):
    dataset = entry(access="request", manual=["Write to its authors."])
    with pytest.raises(UserError, match="Write to its authors"):
        fetch_dataset(dataset, tmp_path)


def test_a_damaged_archive_leaves_no_folder(tmp_path):
    whole = archive("zip")
    for name, data in [
        ("cut.zip", whole[:-30]),
        ("bad.zip", whole.replace(b"numbers", b"nonsens")),
    ]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match="cannot be unpacked"):
            unpack(tmp_path / name, tmp_path / "out")
    assert left_in(tmp_path) == ["bad.zip", "cut.zip"]


def test_an_archive_cannot_write_outside_its_folder(tmp_path):
    with tarfile.open(tmp_path / "bad.tar", "w") as target:
        target.addfile(tarfile.TarInfo("../outside.txt"))
    with pytest.raises(UserError, match="cannot be unpacked"):
        unpack(tmp_path / "bad.tar", tmp_path / "out" / "in")
    assert not (tmp_path / "out" / "outside.txt").exists()


@pytest.mark.parametrize("url", [
    "http://example.org/file.bin", "ftp://127.0.0.1/file.bin", "file:///etc/passwd",
    "http://127.0.0.1.example.org/file.bin", "http://localhost@example.org/file.bin",
])  # fmt: skip
def test_only_https_is_fetched(tmp_path, url):
    with pytest.raises(UserError, match="not https"):
        fetch(url, tmp_path / "file.bin")
    with pytest.raises(ValueError, match="url"):
        entry(access="open", files=[{"name": "file.bin", "url": url}])
    assert left_in(tmp_path) == []


def test_a_redirect_does_not_leave_https(server, tmp_path):
    server.redirects["/file.bin"] = "http://example.org/file.bin"
    with pytest.raises(UserError, match=r"not https(.|\n)*http://example\.org"):
        fetch(server.url(), tmp_path / "file.bin")
    server.redirects["/file.bin"] = "/other.bin"
    server.bodies["/other.bin"] = BODY
    assert fetch(server.url(), tmp_path / "file.bin").read_bytes() == BODY


@pytest.mark.parametrize("announced", [True, False])
@pytest.mark.parametrize("bound", [{"size_bytes": 1000}, {"most_bytes": 100_000}])
def test_no_more_is_taken_than_may_come(server, tmp_path, announced, bound):
    server.announce_length = announced
    with pytest.raises(UserError, match="larger than it may be"):
        fetch(server.url(), tmp_path / "file.bin", **bound)
    assert left_in(tmp_path) == [] and len(server.requests) == 1


def test_an_endless_answer_is_ended(server, tmp_path):
    server.drip = (0, 1 << 16)
    with pytest.raises(UserError, match="larger than it may be"):
        fetch(server.url(), tmp_path / "file.bin", most_bytes=1 << 20)
    assert left_in(tmp_path) == []


def test_a_server_that_drips_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr("jndlab.datasets.fetch.SLOW_SECONDS", 0.2)
    server.drip = (0.05, 1)
    with pytest.raises(UserError, match="too slow"):
        fetch(server.url(), tmp_path / "file.bin", retries=1, wait_seconds=0)
    assert len(server.requests) == 2 and left_in(tmp_path) == []


@pytest.mark.parametrize("body", [
    b"", b"  \n<!DOCTYPE html><title>Log in</title>", b"\xef\xbb\xbf<html>", b"<HEAD>",
])  # fmt: skip
def test_a_page_or_nothing_in_place_of_a_file_is_not_recorded(server, tmp_path, body):
    server.bodies["/file.bin"] = body
    with pytest.raises(UserError, match=r"web page|empty"):
        fetch(server.url(), tmp_path / "file.zip", record=tmp_path / "checksums.json")
    assert left_in(tmp_path) == []


def test_a_length_that_is_no_number(server, tmp_path):
    server.length = "abc"
    with pytest.raises(UserError, match=r"announces 'abc' bytes"):
        fetch(server.url(), tmp_path / "file.bin", retries=0)


@pytest.mark.parametrize("kind", ["folder", "file above"])
def test_something_in_the_way(server, tmp_path, kind):
    (tmp_path / "place").mkdir() if kind == "folder" else (tmp_path / "place").write_text("x")
    target = tmp_path / "place" if kind == "folder" else tmp_path / "place" / "file.bin"
    with pytest.raises(UserError, match=r"place|in the way"):
        fetch(server.url(), target)
    assert server.requests == []


@pytest.mark.parametrize("text", ["[]", '"x"', '{"file.bin": {}}', '{"file.bin": 3}', "{", "\xff"])
def test_a_record_of_another_kind(server, tmp_path, text):
    record = tmp_path / "checksums.json"
    record.write_text(text, encoding="latin-1")
    with pytest.raises(UserError, match="recorded checksums"):
        fetch(server.url(), tmp_path / "file.bin", record=record)


@pytest.mark.parametrize("name", ["..", ".zip", "a/b", "a\\b", "a\nb", "a\0b", "x" * 300, "-rf"])
def test_names_of_files_are_plain(name):
    with pytest.raises(ValueError, match="name"):
        entry(access="open", files=[{"name": name, "url": "https://example.org/x"}])


@pytest.mark.parametrize("glob", ["/etc/*", "../*", "a/../../b", "a\nb"])
def test_patterns_stay_in_their_folder(glob):
    with pytest.raises(ValueError, match="glob"):
        entry(access="open", present=[{"glob": glob}])


def zipped(path: Path, *members: tuple[zipfile.ZipInfo | str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, data in members:
            target.writestr(name, data)
    return path


def tarred(path: Path, kind: str = "w", **values) -> Path:
    with tarfile.open(path, kind) as target:
        member = tarfile.TarInfo("file")
        for key, value in values.items():
            setattr(member, key, value)
        target.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def broken(kind: str, folder: Path) -> Path:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    if kind == "zip link":
        return zipped(folder / "a.zip", (link, b"/etc/passwd"))
    if kind == "zip out":
        return zipped(folder / "a.zip", ("../out.txt", b"x"))
    if kind == "zip absolute":
        return zipped(folder / "a.zip", ("/tmp/out.txt", b"x"))
    if kind == "tar link":
        return tarred(folder / "a.tar", type=tarfile.SYMTYPE, linkname="file2")
    if kind == "tar hard link":
        return tarred(folder / "a.tar", type=tarfile.LNKTYPE, linkname="/etc/passwd")
    if kind == "tar device":
        return tarred(folder / "a.tar", type=tarfile.CHRTYPE)
    if kind == "bomb":
        return zipped(folder / "a.zip", ("zeros", bytes(80 << 20)))
    if kind == "tar bomb":
        return tarred(folder / "a.tgz", "w:gz", size=80 << 20)
    if kind.startswith("gzip"):
        path = tarred(folder / "a.tgz", "w:gz", size=5000)
    else:
        path = zipped(folder / "a.zip", ("file", bytes(range(256)) * 40))
    data = bytearray(path.read_bytes())
    if kind == "encrypted":
        for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            data[data.index(mark) + offset] |= 1
    elif kind == "method":
        for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
            data[data.index(mark) + offset] = 77
    elif kind == "deflate":
        data[40:80] = bytes(byte ^ 0xFF for byte in data[40:80])
    elif kind == "gzip cut":
        del data[-6:]
    else:
        data[-8] ^= 1
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", [
    "zip link", "zip out", "zip absolute", "tar link", "tar hard link", "tar device", "bomb",
    "tar bomb", "encrypted", "method", "deflate", "gzip checksum", "gzip cut",
])  # fmt: skip
def test_an_archive_that_is_not_plain_and_whole_leaves_nothing(tmp_path, kind):
    path = broken(kind, tmp_path)
    with pytest.raises(UserError, match="cannot be unpacked") as caught:
        unpack(path, tmp_path / "out")
    assert path.name in caught.value.where and left_in(tmp_path) == [path.name]
    assert {"encrypted": "encrypted", "bomb": "become", "tar bomb": "become"}.get(kind, "") in str(
        caught.value
    )
