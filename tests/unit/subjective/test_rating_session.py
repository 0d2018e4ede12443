"""The rating session as files: exact clips, a blind page, a key that fits it, a checked choice."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from codec_clips import cut_clip
from jndlab.errors import UserError
from jndlab.files import read_csv, read_json
from jndlab.media.clip import Frame, read_clip, write_clip
from jndlab.quality.rd_point import PointKey
from jndlab.subjective.rating_clips import MIN_PSNR, write_rating_clip
from jndlab.subjective.rating_page import (
    LANGUAGES,
    CodedClip,
    SessionOptions,
    read_texts,
    values_in,
    write_session,
)
from jndlab.subjective.ratings import read_stimuli
from jndops.inputs.points import training_candidates
from jndops.inputs.subjective import rated_clips, rated_points

SECRETS = ("anchor", "own", "vvenc", "LDP", "qp")


def psnr(a, b) -> float:
    return 10 * np.log10(255**2 / np.mean((a.astype(float) - b) ** 2))


def test_a_10_bit_clip_is_rounded_repeated_and_hardly_changed(tmp_path):
    clip = cut_clip(tmp_path / "eight.mkv", 64, 48, 5)
    deep = replace(clip, bit_depth=10)
    rng = np.random.default_rng(0)
    raised = [
        Frame(*(np.clip(p.astype(np.int32) * 4 + rng.integers(-2, 2, p.shape), 0, 1023)
                .astype("<u2") for p in frame))
        for frame in read_clip(tmp_path / "eight.mkv", clip)
    ]  # fmt: skip
    write_clip(tmp_path / "deep.mkv", raised, deep)
    target = tmp_path / "shown.mp4"
    metadata = write_rating_clip(
        tmp_path / "deep.mkv", deep, target, seconds=0.5, work_dir=tmp_path
    )
    assert (metadata.repeats, metadata.frames, metadata.seconds) == (3, 15, pytest.approx(0.6))
    assert metadata.bytes == target.stat().st_size
    # Rounding undoes what was added: -2 .. 1 of four steps.
    exact = list(read_clip(tmp_path / "eight.mkv", clip))
    shown = list(read_clip(target, replace(clip, frames=15)))
    worst = min(psnr(frame.y, exact[i % 5].y) for i, frame in enumerate(shown))
    assert worst >= MIN_PSNR
    assert metadata.min_psnr_y == pytest.approx(worst, abs=0.02)


def test_a_clip_of_another_length_is_refused(tmp_path):
    clip = cut_clip(tmp_path / "source.mkv", 64, 48, 5)
    with pytest.raises(UserError, match="number of frames"):
        write_rating_clip(
            tmp_path / "source.mkv",
            replace(clip, frames=6),
            tmp_path / "shown.mp4",
            seconds=0,
            work_dir=tmp_path,
        )
    assert not (tmp_path / "shown.mp4").exists()


def coded_clips(folder: Path) -> list[CodedClip]:
    clips = []
    for sequence in ("bikes", "bunny"):
        codings = [{}] + [
            {"codec": "vvenc", "configuration": "LDP", "method": method, "qp": qp}
            for method in ("anchor", "own")
            for qp in (22, 37)
        ]
        for coding in codings:
            path = folder / f"{len(clips)}.mp4"
            path.write_bytes(f"clip {len(clips)}".encode())
            metadata = {"width": 64, "height": 48, "frames": 9, "seconds": 0.36, "repeats": 1}
            metadata |= {"min_psnr_y": None, "sha256": f"{len(clips):064x}"}
            clips.append(CodedClip(path, metadata, sequence, **coding))
    return clips


def session_of(folder: Path) -> dict:
    text = (folder / "session.js").read_text("utf-8")
    return json.loads(text.split("const SESSION = ")[1].rstrip().rstrip(";"))


def test_a_sitting_has_room_for_training_repeats_and_checks(tmp_path):
    clips, trial = coded_clips(tmp_path), 2 * (0.36 + 2) + 4
    options = SessionOptions(training_pairs=2, repeats=2, attention_checks=1, max_minutes=1.75)
    write_session(clips, tmp_path / "session", tmp_path / "stimuli.csv", options)
    session = session_of(tmp_path / "session")
    blocks = [shown["block"] for shown in session["trials"]]
    longest = max(map(blocks.count, blocks)) + len(session["training"]) + 2 + 1
    assert session["blocks"] == 2 and longest * trial <= 60 * 1.75
    assert session["sittingSeconds"] == pytest.approx(longest * trial)  # which the page states


def test_the_folder_is_whole_and_blind_and_its_key_fits(tmp_path):
    clips = coded_clips(tmp_path)
    folder, key = tmp_path / "session", tmp_path / "stimuli.csv"
    write_session(clips, folder, key, SessionOptions(seed=4, training_pairs=2))
    session = session_of(folder)
    shown = {s.name: s for s in read_stimuli(key)}
    assert {pair["stimulus"] for pair in session["trials"]} == set(shown) and len(shown) == 10
    references = {s.sequence: s.file for s in shown.values() if s.is_reference}
    for pair in session["trials"]:
        stimulus = shown[pair["stimulus"]]
        assert pair["test"] == stimulus.file
        assert pair["reference"] == references[stimulus.sequence]
        assert (folder / pair["test"]).is_file()
    given = "".join(p.read_text() for p in folder.glob("*.js")) + str(list(folder.rglob("*")))
    given = given.replace(str(folder), "").replace("own = ", "").lower()
    assert not [secret for secret in ("bikes", "bunny", "vvenc", "erjnd") if secret in given]
    assert not any(name in json.dumps(session["trials"]) for name in SECRETS)
    assert read_csv(key)[0]["seconds"] == "0.36"
    for script in (
        "session.js",
        "order.js",
        "records.js",
        "player.js",
        "procedures.js",
        "page.js",
        "page.css",
    ):
        assert script in (folder / "index.html").read_text("utf-8")
        assert (folder / script).is_file()
    assert "http" not in (folder / "index.html").read_text("utf-8")  # nothing is fetched


def test_names_follow_the_content(tmp_path):
    clips = coded_clips(tmp_path)
    write_session(clips, tmp_path / "a", tmp_path / "a.csv", SessionOptions())
    write_session(clips, tmp_path / "b", tmp_path / "b.csv", SessionOptions())
    assert session_of(tmp_path / "a") == session_of(tmp_path / "b")
    other = [replace(c, metadata={**c.metadata, "sha256": "f" * 64}) for c in clips[:1]] + clips[1:]
    write_session(other, tmp_path / "b", tmp_path / "b.csv", SessionOptions())
    assert session_of(tmp_path / "a")["id"] != session_of(tmp_path / "b")["id"]
    assert len(list((tmp_path / "b/clips").iterdir())) == 10  # the old folder is replaced


def test_languages_have_the_same_texts_and_values():
    english = read_texts("en")
    assert len(list(LANGUAGES.glob("*.json"))) >= 3
    for path in LANGUAGES.glob("*.json"):
        texts = read_json(path)
        assert list(texts) == list(english), path
        for key, text in texts.items():
            assert text and values_in(text) == values_in(english[key]), f"{path}: {key}"


def test_a_language_of_ones_own_is_checked(tmp_path):
    own = tmp_path / "own.json"
    own.write_text(json.dumps({**read_texts("en"), "dcr_title": "Guten Abend"}))
    assert read_texts(str(own))["dcr_title"] == "Guten Abend"
    own.write_text(json.dumps({"dcr_title": "x"}))
    with pytest.raises(UserError, match="lacks"):
        read_texts(str(own))
    own.write_text(json.dumps({**read_texts("en"), "minutes": "{hours}"}))
    with pytest.raises(UserError, match="'minutes' names a value"):
        read_texts(str(own))
    with pytest.raises(UserError, match=r"no language 'xx'(.|\n)*de, en, fr"):
        read_texts("xx")


def test_training_on_other_content_is_in_the_page_but_not_in_the_key(tmp_path):
    other = [replace(c, sequence="cats", training=True) for c in coded_clips(tmp_path)[:5]]
    clips = [*coded_clips(tmp_path), *other]
    write_session(clips, tmp_path / "s", tmp_path / "k.csv", SessionOptions(training_pairs=2))
    session, key = session_of(tmp_path / "s"), read_csv(tmp_path / "k.csv")
    assert {row["sequence"] for row in key} == {"bikes", "bunny"}
    names = {row["stimulus"] for row in key}
    assert len(session["training"]) == 2
    for trial in session["training"]:
        assert trial["stimulus"] not in names and (tmp_path / "s" / trial["test"]).is_file()


def test_unfit_clips_are_refused(tmp_path):
    clips = coded_clips(tmp_path)
    target = (tmp_path / "session", tmp_path / "stimuli.csv", SessionOptions())
    with pytest.raises(UserError, match="no clip of its source"):
        write_session(clips[1:], *target)
    with pytest.raises(UserError, match="nothing to rate"):
        write_session([clips[0], clips[5]], *target)
    longer = replace(clips[1], metadata={**clips[1].metadata, "frames": 10})
    with pytest.raises(UserError, match=r"another frames than its source(.|\n)*9, found 10"):
        write_session([clips[0], longer], *target)
    assert not (tmp_path / "session").exists()


def run_of(*, controlled: str | None = None, **subjective):
    """A run of two sequences, configurations, methods and QPs, as far as the plan looks at it."""
    keys = ("sequences", "training_sequences", "methods", "qps", "codec", "configuration")
    chosen = dict.fromkeys(keys)
    points = [
        PointKey(sequence, configuration, "x265", method, qp)
        for configuration in ("AI", "LDP")
        for sequence in ("bikes", "bunny")
        for method in ("anchor", "own")
        for qp in (22, 37)
    ]
    config = {"codecs": ["x265"], "configurations": ["AI", "LDP"]}
    config["subjective"] = {**chosen, **subjective}
    if controlled:
        config["codecs"].append(controlled)
        points += [PointKey("bikes", "AI", controlled, m, 22) for m in ("anchor", "bl_juniper")]
    methods = {"block_qp": ["bl_juniper"]}
    return SimpleNamespace(
        config=config,
        points=lambda: iter(points),
        methods_of=lambda kind: methods[kind],
        once=list,
    )


def test_the_codec_is_that_of_block_qp_control():
    found = rated_points(run_of(controlled="kvazaar"))
    assert {point.codec for point in found} == {"kvazaar"}
    assert {point.method for point in found} == {"anchor", "bl_juniper"}
    assert {p.codec for p in rated_points(run_of(controlled="kvazaar", codec="x265"))} == {"x265"}


def test_the_choice_of_the_configuration_is_followed():
    assert {p.configuration for p in rated_points(run_of())} == {"AI"}
    assert len(rated_points(run_of())) == 8
    few = rated_points(run_of(sequences=["bunny"], qps=[37], configuration="LDP"))
    assert few == [PointKey("bunny", "LDP", "x265", m, 37) for m in ("anchor", "own")]
    clips = rated_clips(few)
    assert clips == [
        ("bunny", "reference"),
        ("bunny", "x265/LDP/anchor/qp37"),
        ("bunny", "x265/LDP/own/qp37"),
    ]
    assert [clip.point for clip in clips] == [None, *few]
    assert clips[0].shown("anchor") == {"sequence": "bunny"}
    assert clips[1].shown("anchor") == few[0]._asdict()
    matched = rated_clips(few, "anchor")
    assert [clip.coding for clip in matched] == [
        "reference", "x265/LDP/own/qp37", "x265/LDP/own/qp37/equal_rate",
    ]  # fmt: skip
    assert matched[2].point == few[1]
    assert matched[2].shown("anchor") == {**few[0]._asdict(), "qp": None}


def test_sequences_of_the_training_are_not_rated():
    run = run_of(training_sequences=["bunny"])
    assert {p.sequence for p in rated_points(run)} == {"bikes"}
    assert {p.sequence for p in training_candidates(run)} == {"bunny"}
    chosen = run_of(sequences=["bikes"], training_sequences=["bunny"])
    assert training_candidates(chosen) == training_candidates(run)
    assert training_candidates(run_of()) == []


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("training_sequences", ["dogs"], r"subjective.training_sequences(.|\n)*'dogs'"),
        ("sequences", ["bike"], r"subjective.sequences(.|\n)*'bike'(.|\n)*bikes"),
        ("qps", [23], r"subjective.qps(.|\n)*'23'"),
        ("codec", "vtm-11.0", r"subjective.codec(.|\n)*x265"),
    ],
)
def test_names_that_the_run_does_not_have_are_reported(key, value, words):
    with pytest.raises(UserError, match=words):
        rated_points(run_of(**{key: value}))
