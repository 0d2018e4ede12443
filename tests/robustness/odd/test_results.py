"""Results that were edited or come from elsewhere, and curves that have no BD-rate."""

from __future__ import annotations

import bz2
import copy
import gzip
import io
import json
import lzma
import stat
import tarfile
import zipfile

import pytest

from jndlab.datasets.archives import unpack
from jndlab.files import sha256_of_json
from jndlab.quality.bd_rate import Curve, bd_rate
from jndlab.quality.points import load_points
from jndlab.quality.rd_point import read_encoded, read_point
from jndops.archive import pack
from jndops.mlflow.records import collect_records
from jndops.plan.timings import read_timings
from jndops.statements import statements
from jndops.summary import summarise

RECIPE = {"codec": {"adapter": "x264"}, "models_sha256": []}
POINT = {
    "schema": 2,
    "key": {"sequence": "s", "configuration": "AI", "codec": "x", "method": "anchor", "qp": 22},
    "label": "anchor", "content": "demo", "bits": 8000, "bitrate_kbps": 100.0,
    "clip": {"width": 64, "height": 64, "bit_depth": 8, "frames": 2, "fps": "25"},
    "metrics": {"vmaf_mean": 90.0, "psnr_y_framemean": 40.0}, "prefilter_metrics": None,
    "recipe": RECIPE, "recipe_sha256": sha256_of_json(RECIPE),
    "provenance": {"encode_cpu_s": 0.1, "encode_wall_s": 0.1, "encoder_version": "x"},
}  # fmt: skip
# What is changed in a sound point (None as a value: the key is left out), and what is said.
POINTS = {
    "good": ({}, 8000),
    "bits_edited": ({"bits": 4000}, ["bits", "bitrate_kbps"]),
    "rate_edited": ({"bitrate_kbps": 50.0}, ["bitrate_kbps"]),
    "rate_rounded": ({"bitrate_kbps": 100.00000001}, 8000),
    "rate_text": ({"bitrate_kbps": "100"}, ["bitrate_kbps"]),
    "frames_edited": ({"clip.frames": 4}, ["bitrate_kbps"]),
    "frames_0": ({"clip.frames": 0}, ["clip"]),
    "frames_negative": ({"clip.frames": -2}, ["clip"]),
    "frames_text": ({"clip.frames": "2"}, ["clip"]),
    "rate_of_pictures_0": ({"clip.fps": "0"}, ["clip"]),
    "rate_of_pictures_over_0": ({"clip.fps": "25/0"}, ["Fraction"]),
    "rate_of_pictures_text": ({"clip.fps": "fast"}, ["Fraction"]),
    "rate_of_pictures_edited": ({"clip.fps": "50"}, ["bitrate_kbps"]),
    "hash_missing": ({"recipe_sha256": None}, ["recipe_sha256"]),
    "schema_1": ({"schema": 1}, ["schema 1"]),
    "schema_3": ({"schema": 3}, ["schema 3"]),
    "schema_text": ({"schema": "2"}, ["schema"]),
    "qp_of_another_file": ({"key.qp": 27}, ["key", "qp22"]),
    "method_of_another_file": ({"key.method": "erjnd"}, ["key", "anchor"]),
    "sequence_of_another_file": ({"key.sequence": "t"}, ["key"]),
    "codec_of_another_file": ({"key.codec": "y"}, ["key"]),
    "configuration_of_another_file": ({"key.configuration": "LDP"}, ["key"]),
    "path_as_sequence": ({"key.sequence": "../s"}, ["key"]),
    "vmaf_above": ({"metrics.vmaf_mean": 100.5}, ["vmaf_mean"]),
    "vmaf_true": ({"metrics.vmaf_mean": True}, ["vmaf_mean"]),
    "vmaf_list": ({"metrics.vmaf_mean": [90]}, ["vmaf_mean"]),
    "metrics_missing": ({"metrics": None}, ["metrics"]),
    "label_formula": ({"label": "=1+1"}, ["label"]),
    "label_number": ({"label": 5}, ["label"]),
    "content_other": ({"content": "Published"}, ["content"]),
    "content_number": ({"content": 1}, ["content"]),
    "provenance_missing": ({"provenance": None}, ["provenance"]),
    "bits_huge": ({"bits": 10**30, "bitrate_kbps": 1.25e28}, ["bits"]),
}


def changed(changes):
    point = copy.deepcopy(POINT)
    for name, value in changes.items():
        *above, last = name.split(".")
        place = point
        for part in above:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return point


@pytest.mark.parametrize("name", POINTS)
def test_a_point(tmp_path, meet, name):
    changes, said = POINTS[name]
    path = tmp_path / "points/x/AI/s/anchor/qp22.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(changed(changes)))
    meet(lambda: int(load_points([path])["bits"].iloc[0]), said)


# What two points of a sequence have apart, and what is said of them.
TWO_POINTS = {
    "the_same": ({}, 2),
    "source": ({"recipe.source_sha256": "b"}, ["source_sha256"]),
    "width": ({"clip.width": 128}, ["width"]),
    "depth": ({"clip.bit_depth": 10}, ["bit_depth"]),
    "rate": ({"clip.fps": "50/1", "bitrate_kbps": 200.0}, ["fps"]),
    "other_sequence": ({"key.sequence": "t", "recipe.source_sha256": "b"}, 2),
}


@pytest.mark.parametrize("name", TWO_POINTS)
def test_two_points_of_a_sequence(tmp_path, meet, name):
    changes, said = TWO_POINTS[name]
    paths = []
    for other in ({"key.qp": 22}, {"key.qp": 27, **changes}):
        point = changed({"recipe.source_sha256": "a", **other})
        point["recipe_sha256"] = sha256_of_json(point["recipe"])
        folder = tmp_path / f"points/x/AI/{point['key']['sequence']}/anchor"
        folder.mkdir(parents=True, exist_ok=True)
        paths.append(folder / f"qp{point['key']['qp']}.json")
        paths[-1].write_text(json.dumps(point))
    meet(lambda: len(load_points(paths)), said)


TEXTS = {
    "empty": "", "half": json.dumps(POINT)[:200], "list": f"[{json.dumps(POINT)}]", "number": "5",
    "two": json.dumps(POINT) * 2, "comment": "// a point\n" + json.dumps(POINT),
    "trailing_comma": json.dumps(POINT)[:-1] + ",}", "single_quotes": str(POINT),
    "key_twice": json.dumps(POINT)[:-1] + ', "bits": 9}', "html": "<html>",
    "conflict": "<<<<<<< HEAD\n" + json.dumps(POINT),
    "nan": json.dumps(POINT).replace("90.0", "NaN"),
    "lfs_pointer": "version https://git-lfs.github.com/spec/v1",
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_no_point(tmp_path, meet, name):
    path = tmp_path / "points/x/AI/s/anchor/qp22.json"
    path.parent.mkdir(parents=True)
    path.write_text(TEXTS[name])
    meet(lambda: read_point(path), ["no RD point"])
    with pytest.raises(Exception, match="no RD point"):
        collect_records(tmp_path)


ENCODED = {
    "recipe": {}, "coded_qp": 22, "coded_sha256": "", "threads": 1, "command": [], "version": "1",
    "stream_sha256": "0" * 64, "wall_seconds": 0.1, "cpu_seconds": 0.1, "bits_per_frame": [80],
    "slice_types": ["I"],
}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [{"bits_per_frame": [0]}, {"bits_per_frame": "80"}, {"bits_per_frame": {"0": 80}},
     {"bits_per_frame": [80, 80]}, {"slice_types": "I"}, {"bits_per_frame": [True]},
     {"wall_seconds": -1}, {"wall_seconds": "fast"}, {"cpu_seconds": None}, {"recipe": []},
     {"stream_sha256": 5}, {"version": None, "wall_seconds": None}],
    ids=str,
)  # fmt: skip
def test_metadata_of_an_encode(tmp_path, meet, changes):
    path = tmp_path / "qp22.266.json"
    path.write_text(json.dumps(ENCODED | changes))
    meet(lambda: read_encoded(path), [str(path)])


# Rates and qualities of the anchor (or None for the usual one) and of the method; the status.
USUAL = ([100, 200, 400, 800], [80, 85, 90, 95])
CURVES = {
    "the_same": (USUAL, "ok"),
    "reversed_order": ((USUAL[0][::-1], USUAL[1][::-1]), "ok"),
    "shuffled": (([400, 100, 800, 200], [90, 80, 95, 85]), "ok"),
    "five_points": (([100, 150, 200, 400, 800], [80, 83, 85, 90, 95]), "ok"),
    "twice_the_same_qp": (([100, 100, 200, 400, 800], [80, 80, 85, 90, 95]), "non_monotonic"),
    "three_points": (([100, 200, 400], [80, 85, 90]), "too_few_points"),
    "one_not_finite": (([100, 200, 400, 800], [80, 85, 90, float("nan")]), "too_few_points"),
    "one_rate_0": (([0, 200, 400, 800], [80, 85, 90, 95]), "too_few_points"),
    "one_rate_negative": (([-1, 200, 400, 800], [80, 85, 90, 95]), "too_few_points"),
    "one_rate_infinite": (([100, 200, 400, float("inf")], [80, 85, 90, 95]), "too_few_points"),
    "falling": (([100, 200, 400, 800], [95, 90, 85, 80]), "non_monotonic"),
    "one_step_falls": (([100, 200, 400, 800], [80, 90, 85, 95]), "non_monotonic"),
    "plateau": (([100, 200, 400, 800], [80, 95, 95, 96]), "non_monotonic"),
    "vmaf_100_twice": (([100, 200, 400, 800], [80, 90, 100, 100]), "non_monotonic"),
    "saturated": (([100, 200, 400, 80000], [80, 85, 94.99, 95.0]), "too_steep"),
    "above": (([100, 200, 400, 800], [96, 97, 98, 99]), "no_overlap"),
    "below": (([100, 200, 400, 800], [10, 20, 30, 40]), "no_overlap"),
    "touching": (([100, 200, 400, 800], [95, 96, 97, 98]), "no_overlap"),
    "little_shared": (([100, 200, 400, 800], [90, 95, 97, 99]), "low_overlap"),
    "crossing": (([100, 200, 400, 800], [78, 86, 89, 96]), "ok"),
    "half_the_rate": (([50, 100, 200, 400], [80, 85, 90, 95]), "ok"),
    "none": (([], []), "too_few_points"),
    "bits_in_place_of_kbits": (([1e5, 2e5, 4e5, 8e5], [80, 85, 90, 95]), "ok"),
    "one_more_quality": (([100, 200, 400, 800], [80, 85, 90, 95, 99]), ["not one quality"]),
    "one_less_rate": (([100, 200, 400], [80, 85, 90, 95]), ["not one quality"]),
}


@pytest.mark.parametrize("name", CURVES)
def test_a_curve(meet, name):
    (rate, quality), said = CURVES[name]
    meet(lambda: bd_rate(Curve(*USUAL), Curve(rate, quality)).status, said)


# Qualities of both curves at the usual rates; the status.
BOTH = {
    "vmaf_saturated": ([99.995, 99.997, 99.998, 99.999], "saturated"),
    "vmaf_nearly": ([99.90, 99.95, 99.97, 99.99], "saturated"),
    "vmaf_high": ([99.0, 99.5, 99.8, 99.95], "ok"),
    "vmaf_100": ([100, 100, 100, 100], "non_monotonic"),
    "psnr_of_noise": ([59.999, 60.0, 60.001, 60.002], "saturated"),
    "psnr_high": ([55.0, 57.0, 59.0, 61.0], "ok"),
    "ssim_high": ([0.9990, 0.9995, 0.9997, 0.9999], "ok"),
    "ssim_saturated": ([0.9999991, 0.9999992, 0.9999995, 0.9999999], "saturated"),
    "distortion_of_0": ([-4e-7, -3e-7, -2e-7, -1e-7], "ok"),
    "negative": ([-40.0, -30.0, -20.0, -10.0], "ok"),
    "opinions": ([4.5, 4.6, 4.7, 4.8], "ok"),
}


@pytest.mark.parametrize("name", BOTH)
def test_two_curves(meet, name):
    quality, said = BOTH[name]
    other = Curve([rate * 0.9 for rate in USUAL[0]], quality)
    meet(lambda: bd_rate(Curve(USUAL[0], quality), other).status, said)


@pytest.mark.parametrize(("factor", "percent"), [(1, 0), (0.5, -50), (2, 100), (0.9, -10)])
def test_the_value_of_a_curve(meet, factor, percent):
    curve = Curve([factor * rate for rate in USUAL[0]][::-1], USUAL[1][::-1])
    meet(lambda: round(bd_rate(Curve(*USUAL), curve).percent, 6) + 0.0, percent)


@pytest.mark.parametrize("method", ["linear", "", "PCHIP", "spline"])
def test_an_interpolation_that_there_is_not(meet, method):
    meet(lambda: bd_rate(Curve(*USUAL), Curve(*USUAL), method), ["unknown"])


def zipped(*entries, **options):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", **options) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return stream.getvalue()


def tarred(*entries, mode="w:gz"):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, kind, target in entries:
            entry = tarfile.TarInfo(name)
            entry.type = kind
            content = target or b"x" if kind == tarfile.REGTYPE else b""
            entry.linkname = target if isinstance(target, str) else ""
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def link(kind=stat.S_IFLNK):
    entry = zipfile.ZipInfo("a")
    entry.external_attr = (kind | 0o777) << 16
    return entry


def overlapping():
    """A zip of two files, both of which are said to begin where the first does."""
    content = bytearray(zipped(("in", "x" * 99), ("of", "y")))
    first = content.index(b"PK\1\2")
    second = content.index(b"PK\1\2", first + 4)
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    return bytes(content)


FILE = tarfile.REGTYPE
TWO = tarred(("a", FILE, ""), ("b", FILE, ""), mode="w")
ZIP = zipped(("in", "x" * 99), ("of", "y"))
ARCHIVES = {
    "zip": (zipped(("a", "x")), ["a"]),
    "tar": (tarred(("a", FILE, ""), mode="w"), ["a"]),
    "tar.gz": (tarred(("a", FILE, "")), ["a"]),
    "tar.bz2": (tarred(("a", FILE, ""), mode="w:bz2"), ["a"]),
    "tar.xz": (tarred(("a", FILE, ""), mode="w:xz"), ["a"]),
    "folders": (zipped(("b/a", "x")), ["b/a"]),
    "zip_up": (zipped(("../a", "x")), "leads out"),
    "zip_absolute": (zipped(("/a", "x")), "leads out"),
    "zip_backslash": (zipped(("..\\a", "x")), "leads out"),
    "zip_deep_up": (zipped(("b/../../a", "x")), "leads out"),
    "zip_link": (zipped((link(), "/etc/passwd")), "link"),
    "tar_up": (tarred(("../a", FILE, "")), "leads out"),
    "tar_absolute": (tarred(("/a", FILE, "")), "leads out"),
    "tar_link": (tarred(("a", tarfile.SYMTYPE, "/etc/passwd")), "link"),
    "tar_link_within": (tarred(("b", FILE, ""), ("a", tarfile.SYMTYPE, "b")), "link"),
    "tar_hard_link": (tarred(("a", tarfile.LNKTYPE, "/etc/passwd")), "link"),
    "tar_pipe": (tarred(("a", tarfile.FIFOTYPE, "")), "device"),
    "tar_device": (tarred(("a", tarfile.CHRTYPE, "")), "device"),
    "zip_bomb": (zipped(("a", bytes(300_000_000)), compression=zipfile.ZIP_DEFLATED), "become"),
    "empty": (b"", "archive"),
    "page": (b"<!DOCTYPE html>", "archive"),
    "gzip_of_no_tar": (__import__("gzip").compress(b"hello"), "archive"),
    "rar": (b"Rar!\x1a\x07\x00" + bytes(99), "archive"),
    "7z": (b"7z\xbc\xaf'\x1c" + bytes(99), "archive"),
    "cut_zip": (zipped(("a", "x" * 999))[:500], "archive"),
    "cut_tar.gz": (tarred(("a", FILE, ""))[:60], "archive"),
    "twice_a_name": (zipped(("a", "x"), ("A", "y")), ["A", "a"]),
    "file_and_folder": (zipped(("a", "x"), ("a/b", "y")), "archive"),
    "nul_in_name": (zipped(("a\0b", "x")), ["a"]),
    "long_name": (zipped(("a" * 300, "x")), "archive"),
    "no_file": (zipped(), []),
    **{f"tar_cut_at_{size}": (TWO[:size], "cut") for size in (1024, 1536, 2048, 1100)},
    "tar_two_blocks_of_end": (TWO[:3072], ["a", "b"]),
    "tar_one_block_of_end": (TWO[:2560], ["a", "b"]),
    "tar.gz_cut_between": (gzip.compress(TWO[:1024]), "cut"),
    "tar.bz2_cut_between": (bz2.compress(TWO[:1024]), "cut"),
    "tar.xz_cut_between": (lzma.compress(TWO[:1024]), "cut"),
    "tar_damaged_second_head": (TWO[:1024] + b"x" + TWO[1025:], "cut, or damaged"),
    "tar.gz_damaged_second_head": (
        gzip.compress(TWO[:1024] + b"x" + TWO[1025:]),
        "cut, or damaged",
    ),
    "two_tars": (TWO + TWO, "behind its end"),
    "two_tars.gz": (gzip.compress(TWO) + gzip.compress(TWO), "behind its end"),
    "tar_and_more": (TWO + b"more", "behind its end"),
    "tar.gz_without_trailer": (gzip.compress(TWO)[:-8], "archive"),
    "tar.gz_and_more": (gzip.compress(TWO) + b"more", "archive"),
    "tar.bz2_without_trailer": (bz2.compress(TWO)[:-10], "archive"),
    "tar.xz_without_trailer": (lzma.compress(TWO)[:-12], "archive"),
    "zip_without_directory": (ZIP[: ZIP.index(b"PK\1\2")], "archive"),
    "zip_half_a_directory": (ZIP[:-40] + ZIP[-22:], "archive"),
    "zip_without_start": (ZIP[10:], "archive"),
    "zip_in_tar": (tarred(("a", FILE, ""), ("z.zip", FILE, ZIP), mode="w"), ["a", "z.zip"]),
    "name_twice_zip": (zipped(("aa", "x"), ("bb", "y")).replace(b"bb", b"aa"), "twice"),
    "name_twice_tar": (tarred(("a", FILE, ""), ("a", FILE, "")), "twice"),
    "name_twice_by_dot": (tarred(("a", FILE, ""), ("./a", FILE, "")), "twice"),
    "folder_twice_tar": (
        tarred(("b", tarfile.DIRTYPE, ""), ("b", tarfile.DIRTYPE, ""), ("b/a", FILE, "")),
        ["b/a"],
    ),
    "sparse": (tarred(("a", tarfile.GNUTYPE_SPARSE, "")), ["a"]),
    "line_end_in_name": (tarred(("a\nb", FILE, "")), "not shown"),
    "surrogate_in_name": (tarred(("a\udcff", FILE, "")), "not shown"),
    "zip_line_end_in_name": (zipped(("a\nb", "x")), "not shown"),
    "zip_folder_with_content": (zipped(("d/", "x")), "folder with a content"),
    "zip_other_name_inside": (ZIP.replace(b"in", b"on", 1), "archive"),
    "zip_overlap": (overlapping(), "archive"),
    "zip_pipe": (zipped((link(stat.S_IFIFO), "x")), "device"),
    "zip_lzma": (zipped(("a", "x" * 999), compression=zipfile.ZIP_LZMA), ["a"]),
    "zip_and_more": (ZIP + b"junk" * 30, ["in", "of"]),
    "more_and_zip": (b"junk" + ZIP, "archive"),
    "empty_name": (tarred(("", FILE, "")), "archive"),
    "dot_as_name": (tarred((".", FILE, "")), "archive"),
    "deep": (tarred(("d/" * 2000 + "a", FILE, "")), "archive"),
    "gz_in_two_parts": (gzip.compress(TWO[:1000]) + gzip.compress(TWO[1000:]), ["a", "b"]),
    "gz_of_nothing": (gzip.compress(b""), "archive"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(99), "archive"),
    "tar_behind_its_end": (bytes(1024) + TWO, "behind its end"),
    "unknown_type": (tarred(("a", b"Z", "")), "device"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive(tmp_path, meet, name):
    content, expected = ARCHIVES[name]
    path = tmp_path / "x.archive"
    path.write_bytes(content)

    def names():
        folder = unpack(path, tmp_path / "out")
        return tuple(sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()))

    meet(names, [expected] if isinstance(expected, str) else tuple(expected))
    assert {p.name for p in tmp_path.iterdir()} <= {"x.archive", "out"}


TABLE = "codec,sequence,method,encode_cpu_s\nx,s,a,0.5\n"
FOLDERS = {
    "none": ({}, ["no tables"]),
    "table_of_text": ({"tables/rd_points.csv": "hello"}, "Results"),
    "table_of_bytes": ({"tables/rd_points.csv": b"\xff\xfe\x00"}, ["UTF-8"]),
    "table_no_numbers": ({"tables/rd_points.csv": TABLE.replace("0.5", "fast")}, ["'fast'"]),
    "table_doubled": ({"tables/rd_points.csv": TABLE.replace("codec", "method")}, ["several"]),
    "table_a_folder": ({"tables/rd_points.csv/x": "a"}, ["rd_points.csv"]),
    "summary_of_text": ({"summary.md": "hello"}, ["no tables"]),
    "statements_of_text": ({"tables/bd_rate.csv": "hello"}, "Results"),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_results_folder(tmp_path, meet, name):
    files, said = FOLDERS[name]
    for file, content in files.items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def read():
        statements(tmp_path)
        return summarise(tmp_path).split()[0]

    meet(read, said)


JOB = {"kind": "a", "qp": 22, "size": 1.0, "jobs": 1, "seconds": 0.5}


@pytest.mark.parametrize(
    ("changes", "said"),
    [({}, 1), ({"seconds": -1}, ["seconds"]), ({"seconds": "fast"}, ["seconds"]),
     ({"seconds": 0}, 1), ({"size": -1}, ["size"]), ({"jobs": 0}, ["jobs"]),
     ({"jobs": 1.5}, ["jobs"]), ({"kind": 5}, ["kind"]), ({"qp": "22"}, ["qp"]),
     ({"seconds": 1e400}, ["finite"])],
    ids=str,
)  # fmt: skip
def test_timings(tmp_path, meet, changes, said):
    path = tmp_path / "timings.json"
    path.write_text(json.dumps({"jobs": [JOB | changes]}))
    said = [str(path)] if isinstance(said, list) else said
    meet(lambda: len(read_timings([path])), said)


def test_what_is_packed(tmp_path, monkeypatch, meet):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    meet(lambda: pack(tmp_path / "results", None), ["no results to pack"])
    for name in ("x.zip", "x.tar.gz", "x"):
        (tmp_path / "results/run.json").write_text("{}")
        with pytest.raises(Exception, match="no name for an archive"):
            pack(tmp_path / "results", tmp_path / name)
