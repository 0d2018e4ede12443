"""What servers send in place of a file: it must begin as files of its kind do."""

from __future__ import annotations

import fcntl
import gzip
import io
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jndlab.datasets.fetch import fetch, remove_leftovers
from jndlab.files import open_lock

XHTML = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><p>Sign in</p></html>'
HTML = "<!DOCTYPE html><title>Sign in</title>"
JSON = '{"error": {"code": 403, "message": "rate limit exceeded"}}'
PAGE, MESSAGE, OTHER = ["web page"], ["message in JSON"], ["does not begin as"]
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"


def zipped():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a", "x")
    return stream.getvalue()


# Name of the file, what is sent, and the bytes that are kept, or the message.
SENT = {
    "a.zip": (zipped(), None),
    "page.zip": (HTML, PAGE),
    "xhtml.zip": (XHTML, PAGE),
    "utf16.zip": (HTML.encode("utf-16"), PAGE),
    "utf16_be.zip": (HTML.encode("utf-16-be"), PAGE),
    "utf16_le_xhtml.bin": (XHTML.encode("utf-16-le"), PAGE),
    "comment.bin": ("  <!-- moved -->" + HTML, PAGE),
    "latin.tar.gz": ("<html><p>Acc\u00e8s refus\u00e9".encode("latin-1"), PAGE),
    "storage.bin": ("<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", PAGE),
    "title.h5": ("<title>302 Found</title>", PAGE),
    "json.zip": (JSON, OTHER),
    "json.tar.gz": (JSON, OTHER),
    "json.h5": (JSON, OTHER),
    "json.bin": (JSON, MESSAGE),
    "list.bin": ('[{"error": 1}]', MESSAGE),
    "json.csv": (JSON, MESSAGE),
    "page.csv": (HTML, PAGE),
    "zeros.csv": (bytes(99), ["no text"]),
    "archive.csv": (zipped(), ["no text"]),
    "good.csv": ("a,b\n1,2\n", None),
    "good.json": (JSON, None),
    "good.html": (HTML, None),
    "brace.bin": (b"{\0\1\2", None),
    "less.bin": (b"<\0\1\2", None),
    "pointer.pth": (POINTER, ["Git LFS"]),
    "pointer.bin": (POINTER, ["Git LFS"]),
    "text.zip": ("moved", OTHER),
    "zeros.zip": (bytes(999), OTHER),
    "rar.zip": (b"Rar!\x1a\x07\x00", OTHER),
    "tar.zip": (bytes(257) + b"ustar" + bytes(250), OTHER),
    "bare.tar": (bytes(257) + b"ustar" + bytes(250), None),
    "zip.tar.gz": (zipped(), OTHER),
    "good.tar.gz": (gzip.compress(b"x"), None),
    "good.h5": (b"\x89HDF\r\n\x1a\n" + bytes(9), None),
    "behind_a_block.h5": (bytes(512) + b"\x89HDF\r\n\x1a\n", None),
    "zip.h5": (zipped(), OTHER),
    "old.pth": (b"\x80\x02\x8a\nl\xfc", None),
    "new.pth": (zipped(), None),
    "text.pth": ("moved", OTHER),
    "text.png": ("moved", OTHER),
    "UPPER.ZIP": (HTML, PAGE),
    "NO_ZIP.ZIP": ("moved", OTHER),
    "nothing.zip": (b"", ["empty"]),
}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args) -> None:
        pass


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    for name, (content, _) in SENT.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize("name", SENT)
def test_what_is_sent(served, tmp_path, meet, name):
    folder, address = served
    said, content = SENT[name][1], (folder / name).read_bytes()
    record = tmp_path / "checksums.json"
    meet(
        lambda: list(fetch(f"{address}/{name}", tmp_path / name, record=record).read_bytes()),
        tuple(content) if said is None else said,
    )
    assert record.exists() == (said is None)


def test_what_a_person_put_there_is_looked_at_as_well(tmp_path, meet):
    (tmp_path / "a.zip").write_text(HTML)
    record = tmp_path / "checksums.json"
    meet(lambda: fetch("https://example.org/a.zip", tmp_path / "a.zip", record=record), PAGE)
    assert not record.exists()


def test_what_killed_fetches_left_goes_and_that_of_others_stays(tmp_path):
    left = [".part-a-abcd1234.zip", ".part-a-x_y_z_12"]
    others = [".part-a-b-abcd1234.zip", ".part-b-abcd1234.zip", "a.zip", ".part-a-abcd1234.csv"]
    folder = tmp_path / "set"
    folder.mkdir()
    for name in [left[0], *others]:
        (folder / name).write_text("half")
    (folder / left[1]).mkdir()
    (tmp_path / ".part-checksums-abcd1234.json").write_text("{")
    for lock in (folder / ".a.zip.lock", folder / ".b.zip.lock", tmp_path / ".checksums.json.lock"):
        lock.touch()
    with open_lock(folder / ".b.zip.lock") as stream:  # a fetch that is at work
        fcntl.flock(stream, fcntl.LOCK_EX)
        remove_leftovers(tmp_path)
    found = {path.name for path in folder.iterdir() if path.suffix != ".lock"}
    assert found == set(others) and not list(tmp_path.glob(".part-*"))
