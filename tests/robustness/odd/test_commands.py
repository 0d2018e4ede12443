"""Commands with odd values: what `make` passes on from a shell, and what browsers send."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from commands import import_keras, own_videos, plan_run, ratings_server
from commands.check_data import main as check_data
from jndlab.datasets.registry import load_registry
from jndlab.media.ffmpeg import run
from jndlab.paths import CONFIG
from jndlab.subjective.server import read_session, subject_names
from jndlab.subjective.votes import Votes, checked_vote
from jndops.own_videos.experiment import folder_name
from jndops.where import where

GOOD = {"video": "good.mkv", "methods": "erjnd"}
# Command, what is changed of a good call, and what the message says (None: it is right).
OWN = [
    ("compare", {}, None),
    ("filter", {}, None),
    ("compare", {"video": "a b.mkv"}, None),
    ("compare", {"video": "'a b.mkv' good.mkv"}, None),
    ("compare", {"video": "quote's.mkv"}, None),
    ("compare", {"video": "ä.mkv"}, None),
    ("compare", {"video": "-n.mkv"}, None),
    ("compare", {"video": "$(touch x).mkv"}, None),
    ("compare", {"video": "good.mkv good.mkv"}, None),
    ("compare", {"video": ""}, ["no file is named"]),
    ("compare", {"video": "   "}, ["no file is named"]),
    ("compare", {"video": "no.mkv"}, ["not there", "no.mkv"]),
    ("compare", {"video": "good.mkv,good.mkv"}, ["not there"]),
    ("compare", {"video": "."}, ["not there"]),
    ("compare", {"video": "*.mkv"}, ["not there"]),
    ("compare", {"video": "'good.mkv"}, ["quote"]),
    ("compare", {"video": "text.txt"}, ["no video"]),
    ("compare", {"video": "empty.mkv"}, ["no video"]),
    ("compare", {"video": "tiny.mkv"}, ["too small"]),
    ("compare", {"video": "raw.yuv"}, ["does not state"]),
    ("compare", {"video": "raw.yuv", "size": "64x48", "fps": "25"}, None),
    ("compare", {"video": "raw.yuv", "size": "64X48", "fps": "25"}, None),
    ("compare", {"video": "raw.yuv", "size": "64 x 48", "fps": "25"}, ["size", "WIDTHxHEIGHT"]),
    ("compare", {"video": "raw.yuv", "size": "64,48", "fps": "25"}, ["size", "WIDTHxHEIGHT"]),
    ("compare", {"video": "raw.yuv", "size": "64", "fps": "25"}, ["size", "WIDTHxHEIGHT"]),
    ("compare", {"video": "raw.yuv", "size": "٦٤x٤٨", "fps": "25"}, ["size", "WIDTHxHEIGHT"]),
    ("compare", {"video": "raw.yuv", "size": "63x48", "fps": "25"}, ["width", "63"]),
    ("compare", {"video": "raw.yuv", "size": "0x0", "fps": "25"}, ["width"]),
    ("compare", {"video": "raw.yuv", "size": "99999x48", "fps": "25"}, ["width"]),
    ("compare", {"video": "raw.yuv", "size": "640x480", "fps": "25"}, ["whole number"]),
    ("compare", {"video": "raw.yuv", "size": "64x48", "fps": "29.97"}, ["fps", "30000/1001"]),
    ("compare", {"video": "raw.yuv", "size": "64x48", "fps": "0"}, ["fps"]),
    ("compare", {"video": "raw.yuv", "size": "64x48", "fps": "25 fps"}, ["fps"]),
    ("compare", {"video": "raw.yuv", "size": "64x48", "fps": "-25"}, ["fps"]),
    ("compare", {"video": "raw.yuv", "size": "64x48", "fps": "25", "bit_depth": "12"},
     ["bit_depth"]),
    ("compare", {"video": "raw.yuv", "size": "64x48", "fps": "25", "bit_depth": "x"},
     ["bit-depth"]),
    ("compare", {"video": "raw.yuv", "size": "64x48", "fps": "25", "bit_depth": "10"}, None),
    ("compare", {"size": "32x32"}, ["width", "good.mkv"]),
    ("compare", {"fps": "50"}, ["fps", "good.mkv"]),
    ("compare", {"bit_depth": "10"}, ["bit", "good.mkv"]),
    ("compare", {"qps": "22 27 32 37"}, None),
    ("compare", {"qps": "22,27,32,37"}, None),
    ("compare", {"qps": "22 22"}, ["qps", "twice"]),
    ("compare", {"qps": "22 64"}, ["qps[1]", "64"]),
    ("compare", {"qps": "-22"}, ["qps", "'-22'"]),
    ("compare", {"qps": "22.5"}, ["qps", "'22.5'"]),
    ("compare", {"qps": "QP22"}, ["qps", "'QP22'"]),
    ("compare", {"qps": "²"}, ["qps", "'²'"]),
    ("compare", {"qps": "٢٢"}, ["qps"]),
    ("compare", {"qps": "22-37"}, ["qps", "'22-37'"]),
    ("compare", {"qps": "9" * 5000}, ["qps"]),
    ("compare", {"qps": "'22"}, ["quote"]),
    ("compare", {"qps": "022"}, ["qps", "'022'"]),
    ("compare", {"qps": "60", "codecs": "x264-medium"}, ["60", "x264"]),
    ("compare", {"frames": "2"}, None),
    ("compare", {"frames": "0"}, ["frames"]),
    ("compare", {"frames": "-1"}, ["frames", "'-1'"]),
    ("compare", {"frames": "1e3"}, ["frames", "'1e3'"]),
    ("compare", {"frames": "all"}, ["frames", "'all'"]),
    ("compare", {"frames": "²"}, ["frames", "'²'"]),
    ("compare", {"frames": "1000"}, None),
    ("compare", {"frames": " 2"}, ["frames", "' 2'"]),
    ("compare", {"codecs": "x264-medium"}, None),
    ("compare", {"codecs": "x264"}, ["no codec 'x264'"]),
    ("compare", {"codecs": "X264-medium"}, ["did you mean 'x264-medium'"]),
    ("compare", {"codecs": "x264-medium x264-medium"}, ["codecs", "twice"]),
    ("compare", {"configurations": "AI"}, None),
    ("compare", {"configurations": "ai"}, ["configurations", "did you mean"]),
    ("compare", {"configurations": "AI AI"}, ["configurations", "twice"]),
    ("compare", {"configurations": "RA"}, ["configurations"]),
    ("compare", {"methods": ""}, ["compare takes methods"]),
    ("compare", {"methods": "nobody"}, ["no method 'nobody'"]),
    ("compare", {"methods": "ERJND"}, ["did you mean 'erjnd'"]),
    ("compare", {"methods": "erjnd erjnd"}, None),
    ("compare", {"methods": "vp_jnd"}, ["no method 'vp_jnd'"]),
    ("compare", {"methods": "iqnet"}, ["network of 'iqnet' is not there"]),
    ("filter", {"methods": "erjnd anchor"}, ["one method"]),
    ("filter", {"methods": "anchor"}, ["no method 'anchor'"]),
    ("filter", {"methods": "laser_mj_lat"}, ["no method 'laser_mj_lat'"]),
    ("filter", {"methods": "cnn_jnqd", "weights": "net_{qp}.pt"}, ["missing", "net_22.pt"]),
    ("filter", {"out": "a.avi"}, [".mkv or .y4m or .yuv"]),
    ("filter", {"out": "a"}, [".mkv or .y4m or .yuv"]),
    ("filter", {"out": "a.mp4"}, [".mkv or .y4m or .yuv"]),
    ("filter", {"out": "A.Y4M"}, None),
    ("filter", {"out": "good.mkv"}, ["good.mkv", "itself"]),
    ("filter", {"out": "folder.mkv"}, ["folder.mkv", "folder"]),
    ("filter", {"out": "text.txt/a.mkv"}, ["text.txt"]),
    ("filter", {"out": "text.txt", "video": "good.mkv tiny2.mkv"}, ["text.txt", "a file"]),
    ("predict-jnd", {"methods": "erjnd"}, ["no method 'erjnd'"]),
    ("predict-jnd", {"methods": "laser_mj_lat", "out": "a.csv", "weights": "text.txt"}, [".json"]),
    ("compare", {"weights": "erjnd=text.txt"}, ["'erjnd' has no network"]),
    ("compare", {"weights": "iqnet=text.txt"}, ["no method that is asked for"]),
    ("compare", {"weights": "iqnet=no.onnx", "methods": "iqnet"}, ["missing", "no.onnx"]),
    ("compare", {"weights": "no.onnx", "methods": "iqnet"}, ["missing", "no.onnx"]),
    ("compare", {"weights": "'x", "methods": "iqnet"}, ["quote"]),
    ("compare", {"out": "Makefile/x"}, ["results_dir", "is a file"]),
    ("compare", {"out": "../suite/config"}, None),
    ("compare", {"out": "{x}"}, ["results_dir", "'{'"]),
    ("compare", {"configfile": "no.yaml"}, ["no.yaml"]),
    ("compare", {"configfile": "text.txt"}, ["text.txt"]),
    ("compare", {"cores": "0"}, ["cores"]),
    ("compare", {"cores": "-1"}, ["cores"]),
    ("compare", {"cores": "two"}, ["cores"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a good video under several names, and files that are none."""
    folder = tmp_path_factory.mktemp("videos")
    source = "testsrc2=size={}:rate=25:duration=0.16"
    for name, size in (("good", "64x48"), ("tiny", "16x16"), ("tiny2", "32x32")):
        run(["-f", "lavfi", "-i", source.format(size), "-pix_fmt", "yuv420p", "-c:v", "ffv1",
             str(folder / f"{name}.mkv")])  # fmt: skip
    for name in ("a b.mkv", "quote's.mkv", "ä.mkv", "-n.mkv", "$(touch x).mkv"):
        (folder / name).write_bytes((folder / "good.mkv").read_bytes())
    (folder / "raw.yuv").write_bytes(bytes(64 * 48 * 3 // 2 * 8))
    (folder / "text.txt").write_text("hello")
    (folder / "Makefile").write_text("all:")
    (folder / "empty.mkv").touch()
    (folder / "folder.mkv").mkdir()
    return folder


@pytest.mark.parametrize(
    ("command", "changes", "said"), OWN, ids=[f"{c}-{str(d)[1:50]}" for c, d, _ in OWN]
)
def test_a_video_of_ones_own(folder, monkeypatch, meet, command, changes, said):
    monkeypatch.chdir(folder)
    config = str(CONFIG / "config.yaml")
    given = {"configfile": config, **GOOD, **changes}
    arguments = [command, *(f"--{key.replace('_', '-')}={value}" for key, value in given.items())]
    options = own_videos._parser().parse_args(arguments)
    options.further = []
    planned: list = []
    monkeypatch.setattr(
        own_videos.subprocess, "run", lambda command, **_: planned.append(command) or _Done()
    )
    monkeypatch.setattr(own_videos, "_answers", lambda *_: [])

    def called():
        own_videos.main(options)
        return planned and None

    meet(called, said)


class _Done:
    returncode = 0


def test_names_of_folders(tmp_path):
    assert (
        folder_name([Path("../x/a b.mkv")]) == "a-b" and folder_name([Path("日本.mkv")]) == "video"
    )


OTHERS = {
    "where_no_file": (lambda f: where("results/no/such.csv", CONFIG.parent), ["no rule"]),
    "where_empty": (lambda f: where("", CONFIG.parent), ["no rule"]),
    "where_of_the_suite": (lambda f: where("Makefile", CONFIG.parent), ["no rule"]),
    "where_odd": (lambda f: where("results/{x}.csv", CONFIG.parent), ["no rule"]),
    "keras_absent": (lambda f: _keras("no.h5", "mj_lat"), ["does not exist"]),
    "keras_text": (lambda f: _keras(str(f / "text.txt"), "mj_lat"), ["cannot be read"]),
    "keras_network": (lambda f: _keras(str(f / "text.txt"), "nobody"), ["cannot be read"]),
    "registry_absent": (lambda f: load_registry(f / "no.yaml"), ["no.yaml"]),
    "registry_text": (lambda f: load_registry(f / "text.txt"), ["text.txt"]),
    "session_absent": (lambda f: read_session(f), ["no rating session"]),
    "session_no_json": (lambda f: _session(f, "const SESSION = {"), ["no rating session"]),
    "session_a_list": (lambda f: _session(f, "const SESSION = [1];"), ["no rating session"]),
    "session_without_trials": (lambda f: _session(f, "const SESSION = {};"), ["no rating session"]),
    "session_of_another_version": (
        lambda f: _session(f, 'const SESSION = {"id": 5, "trials": {}};'), ["no rating session"]),
    "votes_no_database": (lambda f: Votes(f / "text.txt"), ["votes cannot be opened"]),
    "votes_a_folder": (lambda f: Votes(f / "folder.mkv"), ["votes cannot be opened"]),
    "votes_below_a_file": (lambda f: Votes(f / "text.txt/x.sqlite"), ["votes cannot be opened"]),
    "subjects_0": (lambda f: subject_names("0"), ["subject"]),
    "subjects_many": (lambda f: subject_names("99999"), ["subjects"]),
    "subjects_twice": (lambda f: subject_names("a\nb\na"), ["a"]),
    "subjects_spelling": (lambda f: subject_names("Anna\nanna"), ["spelling"]),
    "subjects_formula": (lambda f: subject_names("=1+1"), ["=1+1"]),
    "subjects_long": (lambda f: subject_names("a" * 101), ["aaa"]),
    "subjects_empty": (lambda f: subject_names(""), ["subject"]),
    "subjects_hidden": (lambda f: subject_names("a\u202eb"), ["no name of a subject"]),
    "subjects_negative": (lambda f: subject_names("-5"), ["-5"]),
    "subjects_latin": (lambda f: _served(f, "Ä".encode("latin-1")), ["UTF-8"]),
    "subjects_folder": (lambda f: _served(f, None), ["no rating session"]),
    "plan_without_cores": (lambda f: _plan("--cores=0"), ["cores"]),
    "plan_negative_price": (lambda f: _plan("--price=-1"), ["price"]),
    "plan_price_nan": (lambda f: _plan("--price=nan"), ["price"]),
    "plan_no_gpu": (lambda f: _plan("--gpus=0"), ["gpus"]),
    "plan_segments_0": (lambda f: _plan("--segments=0"), ["segments"]),
}  # fmt: skip


def _keras(file, network):
    import_keras.main(import_keras._parser().parse_args([file, network, "x.pt"]))


def _session(folder, text):
    (folder / "session.js").write_text(text)
    try:
        return read_session(folder)
    finally:
        (folder / "session.js").unlink()


def _served(folder, names):
    file = folder / "names.txt"
    file.write_bytes(names or b"a")
    session = {"id": "s", "procedure": "dcr", "trials": [], "training": []}
    made = folder / "served/session"
    if names:
        made.mkdir(parents=True, exist_ok=True)
        (made / "session.js").write_text(f"const SESSION = {json.dumps(session)};")
    options = argparse.Namespace(
        folder=folder / ("served" if names else "absent"), export=False, subjects=str(file),
        host="::1", port=1)  # fmt: skip
    ratings_server.main(options)


def _plan(option):
    parser = plan_run._parser()
    options = parser.parse_args([option, "--configfile", str(CONFIG / "smoke.yaml")])
    return plan_run.main(options)


@pytest.mark.parametrize("name", OTHERS)
def test_other_commands(folder, monkeypatch, meet, name):
    monkeypatch.chdir(CONFIG.parent)
    call, said = OTHERS[name]
    meet(lambda: call(folder), said)


VOTE = {
    "stimulus": "a", "score": 3, "time": "2024-05-31T14:02:11Z", "kind": "test", "block": 0,
    "position": 1, "step": 0,
}  # fmt: skip
VOTES = [
    ({}, None), ({"score": 3.5}, None), ({"unknown": 5}, None),
    ({"score": "3"}, ["score"]), ({"score": None}, ["score"]), ({"score": True}, ["score"]),
    ({"score": float("nan")}, ["score"]), ({"score": 1e300}, ["score"]), ({"score": []}, ["score"]),
    ({"stimulus": "b"}, ["not part"]), ({"stimulus": ""}, ["not part"]),
    ({"stimulus": ["a"]}, ["stimulus"]), ({"stimulus": "=a"}, ["stimulus"]),
    ({"stimulus": "a" * 10**6}, ["stimulus"]), ({"kind": "other"}, ["kind"]),
    ({"kind": None}, ["kind"]), ({"time": "yesterday"}, ["time"]), ({"time": 5}, ["time"]),
    ({"time": None}, ["time"]), ({"block": -1}, ["block"]), ({"block": "0"}, ["block"]),
    ({"block": True}, ["block"]), ({"block": 0.0}, ["block"]), ({"position": 10**9}, ["position"]),
    ({"step": None}, ["step"]), ({"step": 1.5}, ["step"]), ({"subject": "=cmd"}, ["subject"]),
    ({"subject": {"a": 1}}, ["subject"]), ({"dropped": "many"}, ["dropped"]),
    ({"frames": "=1"}, ["frames"]), ({"level": "x"}, ["level"]), ({"expected": "\0"}, ["expected"]),
    ({"score": 3, "time": "2024-05-31T14:02:11Z" + "\0"}, ["time"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), VOTES, ids=range(len(VOTES)))
def test_what_a_browser_sends(meet, changes, said):
    meet(lambda: checked_vote({**VOTE, **changes}, ["a"]) and None, said)


@pytest.mark.parametrize("vote", [None, [], "a", 5, True, [VOTE]])
def test_what_is_no_vote(meet, vote):
    meet(lambda: checked_vote(vote, ["a"]), ["no record"])


def test_data_sets_that_there_are_not(capsys, tmp_path):
    for arguments, said in (
        (["--fetch", "nobody"], "nobody"),
        (["--need", "nobody"], "nobody"),
        (["--sequence", "nobody"], "nobody"),
        (["--datasets", "no.yaml"], "no.yaml"),
        (["--sequences", "no.tsv"], "no.tsv"),
    ):
        assert check_data([*arguments, "--data-dir", str(tmp_path)]) == 2
        assert said in capsys.readouterr().err
