"""The registry of data sets, and the check that says what is there and what to do."""

from __future__ import annotations

import hashlib
import json
import shutil
from fractions import Fraction
from pathlib import Path

import pytest
import yaml

from commands import check_data as adapter
from jndlab.datasets.check import as_text, check_data, find_data
from jndlab.datasets.registry import Registry, load_registry
from jndlab.datasets.sequence_sheet import load_sequences
from jndlab.datasets.sequences import Sequence
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.media.ffmpeg import run

ENTRY = {
    "title": "A set",
    "access": "open",
    "licence": "none stated",
    "citation": {"text": "Somebody, somewhere"},
    "present": [{"glob": "**/*.txt", "count": 2}],
    "needed_by": ["vp_jnd"],
}


def registry_file(folder: Path, **entries) -> Path:
    path = folder / "datasets.yaml"
    path.write_text(yaml.safe_dump(entries), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def shipped(repository: Path):
    return load_registry(repository / "config" / "datasets.yaml")


@pytest.fixture(scope="module")
def sheet(repository: Path):
    return load_sequences(repository / "config" / "sequences.tsv")


def test_every_paper_and_the_demo_have_their_data(shipped):
    needed = {paper for dataset in shipped.values() for paper in dataset.needed_by}
    assert needed == {"demo", "iqnet", "bl_juniper", "laser_jnd", "mtjnd", "vp_jnd"}
    assert {"hevc_ctc", "vimeo90k", "mcl_jci", "mcl_jcv", "videoset", "konjnd1k"} <= set(shipped)


def test_every_set_that_is_not_there_comes_with_a_way_to_get_it(shipped):
    for dataset in shipped.values():
        assert dataset.files or dataset.manual or dataset.package, dataset.key
        if dataset.access == "account":
            assert dataset.manual and not dataset.files, dataset.key


def test_the_sheet_names_only_known_sets(shipped, sheet):
    assert {sequence.dataset for sequence in sheet.values()} <= set(shipped)


def test_the_registry_names_no_package_registry(repository):
    text = (repository / "config" / "datasets.yaml").read_text(encoding="utf-8")
    assert not [host for host in ("pypi.org", "pythonhosted", "anaconda.org") if host in text]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"access": "free"}, "access"),
        ({"licence": None}, "licence"),
        ({"size": 3}, "size"),
        ({"files": [{"name": "a/b", "url": "https://h/x"}]}, "name"),
        ({"files": [{"name": "a", "url": "https://h/x", "sha256": "12"}]}, "sha256"),
        ({"present": []}, "present"),
        ({"needed_by": ["other"]}, "needed_by"),
        ({"access": "packaged"}, "package"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path, change, named):
    with pytest.raises(UserError) as caught:
        load_registry(registry_file(tmp_path, own=ENTRY | change))
    assert "own" in str(caught.value) and named in str(caught.value)


def test_a_registry_that_is_no_yaml_or_not_there(tmp_path):
    (tmp_path / "bad.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(UserError, match="no valid YAML"):
        load_registry(tmp_path / "bad.yaml")
    with pytest.raises(UserError, match="there is no file"):
        load_registry(tmp_path / "none.yaml")


def test_states_follow_the_files(tmp_path):
    registry = load_registry(registry_file(tmp_path, own=ENTRY))
    folder = tmp_path / "own" / "deep"
    for state, name in [("missing", None), ("partial", "a.txt"), ("present", "b.txt")]:
        if name:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("x")
        (finding,) = find_data(registry, {}, tmp_path, ["own"])
        assert finding.state == state
        assert bool(finding.lacking) == (state != "present")
    text, complete = check_data(registry, {}, tmp_path, ["own"])
    assert complete and "2/2 **/*.txt" in text


def test_only_what_is_needed_decides(shipped, sheet, tmp_path):
    text, complete = check_data(shipped, sheet, tmp_path, [], ["bikes"])
    assert complete and "hevc_ctc" in text and "missing" in text
    text, complete = check_data(shipped, sheet, tmp_path, ["mcl_jci"], ["bikes"])
    assert not complete and "lacks data of mcl_jci" in text


def test_a_missing_sequence_names_its_file_and_a_wrong_one_its_size(tmp_path):
    registry = load_registry(registry_file(tmp_path, own=ENTRY))
    row = {"name": "x", "class_name": "D", "width": 32, "height": 16, "fps": 25, "frames": 2,
           "bit_depth": 8, "dataset": "own", "content": "published", "start": 0,
           "scaled_from": "", "note": ""}  # fmt: skip
    sheet = {name: Sequence(id=name, file=f"{name}.yuv", **row) for name in ("good", "cut", "gone")}
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "good.yuv").write_bytes(bytes(2 * 768))
    (tmp_path / "own" / "cut.yuv").write_bytes(bytes(768))
    (finding,) = find_data(registry, sheet, tmp_path, [], list(sheet))
    assert len(finding.lacking) == 2
    assert "cut.yuv" in finding.lacking[0] and "found 768 bytes = 1 frames" in finding.lacking[0]
    assert "gone.yuv" in finding.lacking[1] and "2 frames of 32x16" in finding.lacking[1]
    (finding,) = find_data(registry, sheet, tmp_path, [], ["good"])
    assert finding.lacking == []  # the rest of the set may be absent


def test_an_original_is_known_by_a_range_of_its_frames(tmp_path):
    registry = load_registry(registry_file(tmp_path, own=ENTRY))
    data = bytes(n * n % 251 for n in range(3 * 768))  # three frames
    md5 = hashlib.md5(data[768:], usedforsecurity=False).hexdigest()
    row = {"name": "x", "class_name": "D", "width": 32, "height": 16, "fps": 25, "frames": 2,
           "bit_depth": 8, "dataset": "own", "content": "published", "file": "x.yuv"}  # fmt: skip
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "x.yuv").write_bytes(data)  # one frame more than the sheet has
    for text, faults in ((f"1+2:{md5}", 0), (f"0+2:{md5}", 1)):
        sheet = {"x": Sequence(id="x", range_md5=text, **row)}
        (finding,) = find_data(registry, sheet, tmp_path, [], ["x"])
        assert len(finding.lacking) == faults
    assert "not the published sequence" in finding.lacking[0] and md5 in finding.lacking[0]


def test_a_file_that_is_not_the_published_one_is_lacking_where_it_is_needed(tmp_path):
    weights = {
        "name": "a.txt",
        "url": "https://x.org/a.txt",
        "sha256": hashlib.sha256(b"a").hexdigest(),
    }
    entry = {**ENTRY, "files": [weights], "present": [{"glob": "a.txt"}]}
    registry = load_registry(registry_file(tmp_path, own=entry))
    (tmp_path / "own").mkdir()
    for content, faults in ((b"a", 0), (b"<html>", 1)):
        (tmp_path / "own" / "a.txt").write_bytes(content)
        (finding,) = find_data(registry, {}, tmp_path, ["own"])
        assert len(finding.lacking) == faults
    assert "is not the published file" in finding.lacking[0]


def test_a_stream_of_another_video_is_lacking(tmp_path):
    registry = load_registry(registry_file(tmp_path, own=ENTRY))
    (tmp_path / "own").mkdir()
    size = ["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-frames:v", "2"]
    stream = tmp_path / "own" / "a.bit"
    run([*size, "-pix_fmt", "yuv420p", "-c:v", "libx264", "-f", "h264", str(stream)])
    raw = run(["-i", str(stream), "-f", "rawvideo", "-"]).stdout
    md5 = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    row = {"name": "x", "class_name": "S", "width": 64, "height": 48, "fps": Fraction(25)}
    row |= {"frames": 2, "bit_depth": 8, "dataset": "own", "content": "", "file": "a.bit"}
    for wanted, said in ((md5, ""), ("0" * 32, f"found {md5}")):
        sheet = {"x": Sequence(id="x", from_stream=wanted, **row)}
        (finding,) = find_data(registry, sheet, tmp_path, [], ["x"])
        assert bool(finding.lacking) == bool(said) and said in "".join(finding.lacking)
    stream.write_bytes(b"")
    (finding,) = find_data(registry, sheet, tmp_path, [], ["x"])
    assert len(finding.lacking) == 1


def test_unknown_names_are_mistakes(shipped, sheet, tmp_path):
    with pytest.raises(UserError, match="no data set 'imagenet'"):
        check_data(shipped, sheet, tmp_path, ["imagenet"])
    with pytest.raises(UserError, match="no sequence 'lena'"):
        check_data(shipped, sheet, tmp_path, [], ["lena"])
    lost = {"lost": Sequence(**(vars(sheet["bikes"]) | {"id": "lost", "dataset": "lost_set"}))}
    with pytest.raises(UserError, match="no data set 'lost_set'"):
        check_data(shipped, lost, tmp_path, [], ["lost"])


def test_the_command_prints_and_returns_what_a_shell_needs(tmp_path, capsys):
    folder = ["--data-dir", str(tmp_path)]
    assert adapter.main([*folder, "--sequence", "bikes", "carphone"]) == 0
    assert "has all the data" in capsys.readouterr().out
    assert adapter.main([*folder, "--sequence", "bikes", "--sequence", "D_BQSquare"]) == 1
    assert "BQSquare_416x240_60.yuv" in capsys.readouterr().out
    assert adapter.main([*folder, "--need", "imagenet"]) == 2
    assert "imagenet" in capsys.readouterr().err
    assert adapter.main([*folder, "--fetch", "hevc_ctc"]) == 2
    assert "Ask for access" in capsys.readouterr().err


def test_what_a_checksum_rests_on_is_reported(tmp_path):
    files = [
        {"name": "known.zip", "url": "https://example.org/a", "sha256": "0" * 64},
        {"name": "other.zip", "url": "https://example.org/b"},
    ]
    common = {"title": "T", "access": "open", "licence": "-", "citation": {"text": "-"}}
    given = common | {"files": files, "needed_by": [], "present": [{"glob": "*.zip"}]}
    (tmp_path / "own").mkdir()
    registry = Registry.model_validate({"own": given}).root
    entry = {"sha256": "1" * 64, "recorded": "2026-01-02"}
    (tmp_path / "checksums.json").write_text(
        json.dumps({"own/known.zip": entry, "own/other.zip": entry})
    )
    text = as_text(find_data(registry, {}, tmp_path), tmp_path)
    assert "other.zip: checksum recorded at first download (2026-01-02)" in text
    assert "known.zip:" not in text


def test_a_file_with_a_published_checksum_is_compared(tmp_path, repository):
    registry = load_registry(repository / "config/datasets.yaml")
    folder = tmp_path / "vimeo90k"
    (folder / "sequences/00001/0001").mkdir(parents=True)
    (folder / "sequences/00001/0001/im1.png").write_bytes(b"")
    (folder / "sep_testlist.txt").write_text("00001/0001\n")
    (finding,) = (f for f in find_data(registry, {}, tmp_path, ["vimeo90k"]) if f.needed)
    assert any("sep_testlist.txt is not the published file" in fault for fault in finding.lacking)


@pytest.mark.parametrize("content", [b"", b"x" * 99])
def test_an_archive_that_a_person_fetched_is_compared(tmp_path, repository, content):
    registry = load_registry(repository / "config/datasets.yaml")
    (archive,) = registry["mcl_jci"].archives
    (tmp_path / "mcl_jci").mkdir()
    path = tmp_path / "mcl_jci" / archive.name
    path.write_bytes(content)
    (finding,) = (f for f in find_data(registry, {}, tmp_path, ["mcl_jci"]) if f.needed)
    assert any(f"{archive.name} is not the published file" in fault for fault in finding.lacking)
    same = archive.model_copy(update={"size_bytes": len(content) or 1, "sha256": sha256_of(path)})
    registry["mcl_jci"].archives[:] = [same]
    (finding,) = (f for f in find_data(registry, {}, tmp_path, ["mcl_jci"]) if f.needed)
    assert any(archive.name in fault for fault in finding.lacking) == (not content)


def test_the_published_list_of_vimeo_is_taken(tmp_path, repository, shared_data):
    registry = load_registry(repository / "config/datasets.yaml")
    folder = tmp_path / "vimeo90k"
    (folder / "sequences/00001/0001").mkdir(parents=True)
    (folder / "sequences/00001/0001/im1.png").write_bytes(b"")
    shutil.copy(shared_data / "vimeo90k_sample/sep_testlist.txt", folder)
    (finding,) = (f for f in find_data(registry, {}, tmp_path, ["vimeo90k"]) if f.needed)
    assert finding.lacking == []
