"""YAML as people mean it: what the format reads as something else is refused, with its line."""

from __future__ import annotations

import time

import pytest

from jndlab.errors import UserError
from jndlab.yaml_files import MAX_DEPTH, load_mapping, load_yaml

BOMB = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12)
)
# (content, what the message must say)
REFUSED = [
    ("qps: [22, 027]", ["'027'", "octal", "line 1"]),
    ("a: 1\nqps: [1:2]", ["'1:2'", "base 60", "line 2"]),
    ("a: 1:30.5", ["'1:30.5'", "base 60"]),
    ("qps: [1]\nb: 2\nqps: [2]", ["'qps'", "twice", "lines 1 and 3"]),
    ("m:\n  x: {a: 1}\n  x: {a: 2}", ["'x'", "twice", "lines 2 and 3"]),
    ("m: {1: a, 1: b}", ["'1'", "twice", "lines 1 and 1"]),
    ("on: 1", ["'on'", "true or false", "line 1"]),
    ("m:\n  No: {kind: anchor}", ["'No'", "true or false", "line 2"]),
    ("~: 1", ["'~'", "nothing"]),
    ("m: {null: 1}", ["'null'", "nothing"]),
    ("? [a, b]\n: 1", ["is no name"]),
    ("a: .nan", ["'.nan'", "finite"]),
    ("a: [-.inf]", ["'-.inf'", "finite"]),
    ("a: 1" + "0" * 5000, ["too long a number"]),
    (BOMB, ["too large"]),
    ("a: " + "[" * (MAX_DEPTH + 5) + "]" * (MAX_DEPTH + 5), ["too deep"]),
    ("a: " + "[" * 100_000, ["too deep"]),
    ("a: &a\n  b: *a", ["holds itself", "line 1"]),
    ("a: &a [*a]", ["holds itself"]),
    ("a: \tb: c", ["no valid YAML"]),
    ("a: [1, 2", ["no valid YAML"]),
    ("a: 1\n---\nb: 2", ["no valid YAML"]),
    ("a: !!python/object/apply:os.getcwd []", ["no valid YAML"]),
    ("a: \x00", ["no valid YAML"]),
    ("a: !!binary aGk=", ["no valid YAML", "binary"]),
    ("a: !!set {x}", ["no valid YAML", "set"]),
    ("a: !!omap [x: 1]", ["no valid YAML", "omap"]),
    ("a: 0o22", ["'0o22'", "octal"]),
    ("a: Ä".encode("latin-1"), ["UTF-8"]),
    ("a: 1".encode("utf-16"), ["UTF-8"]),
]
TAKEN = [
    ("", None),
    ("a: 0", {"a": 0}),
    ("a: [0x10, 1_000, 0.5, -0.25, +3, 1.0e-3]", {"a": [16, 1000, 0.5, -0.25, 3, 0.001]}),
    ("a: no", {"a": False}),
    ("a: ['0o22', 1e, e3, 1e3x]", {"a": ["0o22", "1e", "e3", "1e3x"]}),
    ("'on': 1\n'1': 2", {"on": 1, "1": 2}),
    ("a: {22: x, 27: y}", {"a": {22: "x", 27: "y"}}),
    ("a: 2020-01-01", {"a": "2020-01-01"}),
    ("a: '022'\nb: \"1:2\"\nc: 30000/1001", {"a": "022", "b": "1:2", "c": "30000/1001"}),
    ("a: &x {b: 1}\nc: {<<: *x, d: 2}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
    ("\ufeffa: Ä", {"a": "Ä"}),
    ('{"a": [1, 2.5, null, true]}', {"a": [1, 2.5, None, True]}),
]


def written(folder, content: str | bytes):
    path = folder / "a file.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


@pytest.mark.parametrize(("content", "said"), REFUSED, ids=[str(c)[:24] for c, _ in REFUSED])
def test_what_is_refused(tmp_path, content, said):
    path = written(tmp_path, content)
    began = time.process_time()
    with pytest.raises(UserError) as error:
        load_yaml(path)
    assert time.process_time() - began < 1
    for part in [*said, str(path)]:
        assert part in str(error.value)


@pytest.mark.parametrize(("content", "value"), TAKEN)
def test_what_is_taken(tmp_path, content, value):
    assert load_yaml(written(tmp_path, content)) == value


@pytest.mark.parametrize("content", ["- 1", "5", "text"])
def test_a_configuration_has_keys(tmp_path, content):
    with pytest.raises(UserError, match="holds no keys"):
        load_mapping(written(tmp_path, content))
    assert load_mapping(written(tmp_path, "# nothing yet\n")) == {}


def test_files_that_are_none(tmp_path):
    for path in (tmp_path, tmp_path / "absent.yaml", tmp_path / ("x" * 300)):
        with pytest.raises(UserError):
            load_yaml(path)
