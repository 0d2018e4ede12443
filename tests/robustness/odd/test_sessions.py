"""Rating sessions: texts of one's own, and what browsers and others ask of the server."""

from __future__ import annotations

import asyncio
import json
from urllib.parse import unquote

import pytest

from jndlab.subjective.rating_page import LANGUAGES, read_texts
from jndlab.subjective.ratings import read_ratings, read_stimuli
from jndlab.subjective.server import rating_app
from jndlab.subjective.votes import Votes

ENGLISH = json.loads((LANGUAGES / "en.json").read_text(encoding="utf-8"))
FIRST = next(iter(ENGLISH))
TEXTS = {
    "good": (json.dumps(ENGLISH), len(ENGLISH)),
    "more_keys": (json.dumps({**ENGLISH, "mine": "x"}), len(ENGLISH)),
    "bom": ("\ufeff" + json.dumps(ENGLISH), len(ENGLISH)),
    "key_missing": (json.dumps({k: v for k, v in ENGLISH.items() if k != FIRST}), ["lacks 1"]),
    "number": (json.dumps({**ENGLISH, FIRST: 5}), ["lacks 1"]),
    "none": (json.dumps({**ENGLISH, FIRST: None}), ["lacks 1"]),
    "other_value": (json.dumps({**ENGLISH, FIRST: "{nobody}"}), ["names a value"]),
    "list": ("[1]", ["mine.json"]),
    "pairs": (json.dumps([list(pair) for pair in ENGLISH.items()]), ["mine.json"]),
    "text": ('"en"', ["mine.json"]),
    "no_json": ("{", ["mine.json"]),
    "twice": (json.dumps(ENGLISH)[:-1] + f', "{FIRST}": "x"}}', ["mine.json"]),
    "utf_16": (json.dumps(ENGLISH).encode("utf-16"), ["mine.json"]),
    "latin_1": (json.dumps({**ENGLISH, FIRST: "ä"}, ensure_ascii=False).encode("cp1252"),
                ["mine.json"]),
    "empty": ("", ["mine.json"]),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_texts_of_the_page(tmp_path, meet, name):
    content, said = TEXTS[name]
    path = tmp_path / "mine.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    meet(lambda: len(read_texts(str(path))), said)


@pytest.fixture
def server(tmp_path):
    """The application of a session of one stimulus, and the token of its only subject."""
    session = {"id": "s", "procedure": "dcr", "trials": [{"stimulus": "a"}], "training": []}
    folder = tmp_path / "session"
    folder.mkdir()
    (folder / "session.js").write_text(f"const SESSION = {json.dumps(session)};")
    (folder / "index.html").write_text("<html>")
    (tmp_path / "secret").write_text("secret")
    (folder / "link").symlink_to(tmp_path / "secret")
    votes = Votes(tmp_path / "votes.sqlite")
    (subject,) = votes.add_subjects(["A"])
    yield rating_app(folder, votes), subject.token
    votes.close()


def ask(application, method, path, body=b""):
    """Status and content of one answer."""
    sent: list = []

    asked = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive():
        return next(asked, {"type": "http.disconnect"})

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": unquote(path), "raw_path": path.encode(), "query_string": b"",
        "root_path": "", "headers": [], "client": ("x", 1), "server": ("x", 1),
    }  # fmt: skip
    asyncio.run(application(scope, receive, send))
    content = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], content


KEY = (
    "stimulus,sequence,codec,configuration,method,qp,is_reference,file\n"
    "r,bikes,,,,,true,r.mp4\na,bikes,x,AI,anchor,22,false,a.mp4\n"
)
TIME = "2024-05-31T14:02:11.250Z"
# What is replaced in the key of a session, and what is said of it.
KEYS = {
    "good": ("", "", 2),
    "file_up": ("a.mp4", "../../etc/passwd", ["line 3", "outside"]),
    "file_absolute": ("a.mp4", "/etc/passwd", ["line 3", "outside"]),
    "file_backslash": ("a.mp4", "..\\a.mp4", ["outside"]),
    "file_below": ("a.mp4", "clips/a.mp4", 2),
    "a_coding_twice": ("a.mp4\n", "a.mp4\nb,bikes,x,AI,anchor,22,false,b.mp4\n",
                       ["line 4", "'a' and 'b'", "one coding"]),
    "two_methods": ("a.mp4\n", "a.mp4\nb,bikes,x,AI,other,22,false,b.mp4\n", 3),
    "no_sequence": ("a,bikes", "a,", ["line 3", "what it is"]),
    "no_method": ("anchor", "", ["line 3", "what it is"]),
    "no_codec": (",x,", ",,", ["what it is"]),
    "reference_of_nothing": ("r,bikes", "r,", ["line 2", "what it is"]),
    "capitals": ("true", "TRUE", ["line 2", "true or false"]),
    "zero_first": (",22,", ",022,", ["line 3", "no QP"]),
    "semicolons": (",", ";", ["line 1", "semicolons"]),
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_the_key_of_a_session(tmp_path, meet, name):
    before, after, said = KEYS[name]
    path = tmp_path / "key.csv"
    path.write_text(KEY.replace(before, after) if before else KEY)
    meet(lambda: len(read_stimuli(path)), said)


# Further columns of all rows (name, cell) or other subjects; and what is said of them.
ANSWERS = {
    "good": ("block", "0", ("A", "B"), 2),
    "block_in_parts": ("block", "0.5", ("A", "B"), ["line 2", "block", "whole"]),
    "block_below_0": ("block", "-1", ("A", "B"), ["block"]),
    "level_below_0": ("level", "-1", ("A", "B"), ["level"]),
    "dropped_below_0": ("dropped", "-5", ("A", "B"), ["dropped"]),
    "frames_of_text": ("frames", "many", ("A", "B"), ["frames", "'many'"]),
    "other_kind": ("kind", "Test", ("A", "B"), ["kind", "'Test'"]),
    "checks_alone": ("kind", "check", ("A", "B"), ["0 subject(s)"]),
    "zeros_before": ("block", "0", ("01", "1"), ["'01'", "'1'", "spelling"]),
    "as_decimal": ("block", "0", ("7", "7.0"), ["spelling"]),
    "numbers": ("block", "0", ("10", "1"), 2),
    "words": ("block", "0", ("nan", "None"), 2),
    "not_shown": ("block", "0", ("A", "B\u200b"), ["not shown", "line 4"]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers(tmp_path, meet, name):
    column, cell, subjects, said = ANSWERS[name]
    (tmp_path / "key.csv").write_text(KEY)
    rows = [f"{who},{what},3,{TIME},{cell}" for who in subjects for what in "ra"]
    path = tmp_path / "ratings.csv"
    path.write_text("\n".join([f"subject,stimulus,score,time,{column}", *rows, ""]))
    stimuli = read_stimuli(tmp_path / "key.csv")
    meet(lambda: len(read_ratings([path], stimuli).subjects), said)


VOTE = {
    "stimulus": "a", "score": 3, "time": "2024-05-31T14:02:11Z", "kind": "test", "block": 0,
    "position": 1, "step": 0,
}  # fmt: skip
GET = {
    "page": ("/s/TOKEN/", 200), "file": ("/s/TOKEN/session.js", 200),
    "votes": ("/s/TOKEN/votes", 200),
    "other_token": ("/s/abc/", 404), "no_token": ("/s//", 404), "root": ("/", 404),
    "token_twice": ("/s/TOKENTOKEN/", 404), "up": ("/s/TOKEN/../secret", 404),
    "up_encoded": ("/s/TOKEN/%2e%2e/secret", 404), "up_slash": ("/s/TOKEN/..%2fsecret", 404),
    "up_twice": ("/s/TOKEN/%252e%252e/secret", 404), "absolute": ("/s/TOKEN//etc/passwd", 404),
    "backslash": ("/s/TOKEN/..%5csecret", 404), "null": ("/s/TOKEN/index.html%00", 404),
    "long": ("/s/TOKEN/" + "a" * 5000, 404), "link_out": ("/s/TOKEN/link", 404),
    "folder": ("/s/TOKEN/.", 404), "database": ("/s/TOKEN/../votes.sqlite", 404),
    "unicode": ("/s/TOKEN/%ff%fe", 404), "wrong_method": ("/s/TOKEN/session.js", 405),
}  # fmt: skip


@pytest.mark.parametrize("name", GET)
def test_what_is_asked_of_the_server(server, meet, name):
    application, token = server
    path, status = GET[name]
    method = "PUT" if name == "wrong_method" else "GET"

    def answer():
        found, content = ask(application, method, path.replace("TOKEN", token))
        assert b"secret" not in content and b"Traceback" not in content
        return found

    meet(answer, status)


POST = {
    "good": (json.dumps(VOTE), 200), "no_json": ("{", 400), "empty": ("", 400), "list": ("[]", 400),
    "number": ("5", 400), "nan": (json.dumps({**VOTE, "score": float("nan")}), 400),
    "deep": ("[" * 10_000, 400), "large": (" " * 20_000, 413), "bytes": (b"\xff\xfe", 400),
    "other_stimulus": (json.dumps({**VOTE, "stimulus": "b"}), 400),
    "long_number": (json.dumps(VOTE).replace("3", "3" * 5000, 1), 400),
    "negative_place": (json.dumps({**VOTE, "position": -1}), 400),
    "huge_place": (json.dumps({**VOTE, "position": 10**30}), 400),
    "another_subject": (json.dumps({**VOTE, "subject": "B"}), 200),
    "lone_surrogate": (json.dumps({**VOTE, "browser": "\ud800"}), 400),
}  # fmt: skip


@pytest.mark.parametrize("name", POST)
def test_what_is_sent_to_the_server(server, meet, name):
    application, token = server
    body, status = POST[name]
    content = body if isinstance(body, bytes) else body.encode()
    meet(lambda: ask(application, "POST", f"/s/{token}/votes", content)[0], status)
