"""What an entry may say beyond its preset: AV1, parameters, programs, CRF, classes of one's own."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from codec_clips import cut_clip, job
from jndlab.codecs import codec_class, get_codec
from jndlab.codecs.bitstream import decoded_md5, read_stream
from jndlab.codecs.config import Codecs
from jndlab.configuration import checked
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.media import ffmpeg
from jndlab.quality.full_reference import measure
from jndlab.quality.rd_point import encoder_of

FRAMES = 10
DATA = Path(__file__).parents[2] / "data"
VVENC = {"adapter": "vvenc", "preset": "faster"}
X265 = {"adapter": "x265", "preset": "ultrafast"}
X264 = {"adapter": "x264", "preset": "ultrafast"}
KVAZAAR = {"adapter": "kvazaar", "preset": "ultrafast"}
SVT = {"adapter": "svtav1", "preset": 10}
AOM = {"adapter": "libaom", "preset": 8}
AV1 = pytest.mark.parametrize("spec", [SVT, AOM], ids=["svtav1", "libaom"])
# A parameter that each encoder has, with a value that changes its stream.
PARAMS = [
    (VVENC, {"SAO": 0}),
    (X265, {"sao": True, "deblock": "1:1"}),
    (X264, {"cabac": True}),
    (KVAZAAR, {"deblock": "1:1", "sao": "full"}),
    ({"adapter": "x265", "preset": "medium", "rate": "crf"}, {"aq-mode": 2}),
    (SVT, {"enable-cdef": 0}),
    (AOM, {"enable-cdef": 0}),
]
RATES = pytest.mark.parametrize("spec", [X264, X265, SVT, AOM], ids=lambda spec: spec["adapter"])


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "bikes.mkv"
    return path, cut_clip(path, 96, 64, FRAMES)


def encoded(spec, source, folder, configuration="LDP", qp=32, **fields):
    codec = get_codec(spec)
    stream = folder / f"qp{qp}.{codec.suffix}"
    result = codec.encode(job(*source, stream, configuration, qp, **fields))
    assert sum(result.bits_per_frame) == 8 * stream.stat().st_size
    assert result.version == codec.recipe(configuration, qp)["version"]
    return stream, result


@AV1
@pytest.mark.parametrize("configuration", ["AI", "LDP"])
def test_av1_is_coded_the_same_again_and_measured(source, tmp_path, spec, configuration):
    hashes = set()
    for threads in (1, 2):
        stream, result = encoded(spec, source, tmp_path, configuration, threads=threads)
        hashes.add(sha256_of(stream))
    assert len(hashes) == 1
    expected = "I" * FRAMES if configuration == "AI" else "I" + "P" * (FRAMES - 1)
    assert "".join(result.slice_types) == expected
    assert len(decoded_md5(stream)) == 32
    measured = measure(source[0], stream, source[1], work_dir=tmp_path)
    assert all(25 < frame["psnr_y"] < 60 for frame in measured.frames)


@AV1
def test_av1_of_ten_bit_and_of_lower_quantisers(tmp_path, spec):
    clip = cut_clip(tmp_path / "eight.mkv", 96, 64, 2)
    deep = tmp_path / "deep.mkv"
    ffmpeg.run(["-i", str(tmp_path / "eight.mkv"), "-pix_fmt", "yuv420p10le", "-c:v", "ffv1",
                str(deep)])  # fmt: skip
    clip = clip.__class__(clip.width, clip.height, clip.fps, clip.frames, 10)
    bits = [sum(encoded(spec, (deep, clip), tmp_path, qp=qp)[1].bits_per_frame)
            for qp in (20, 32, 44, 56)]  # fmt: skip
    assert bits == sorted(bits, reverse=True) and len(set(bits)) == 4


def test_libaom_codes_every_frame_at_the_stated_quantiser(source, tmp_path):
    stream, _ = encoded(AOM, source, tmp_path)
    trace = ffmpeg.run(["-v", "info", "-f", "obu", "-i", str(stream), "-c", "copy",
                        "-bsf:v", "trace_headers", "-f", "null", "-"]).stderr  # fmt: skip
    quantisers = re.findall(r"base_q_idx\s+[01]+ = (\d+)", trace)
    assert len(quantisers) == FRAMES and len(set(quantisers)) == 1


@pytest.mark.parametrize(("spec", "params"), PARAMS, ids=lambda v: str(v.get("adapter", "")))
def test_parameters_change_the_stream_and_the_recipe(source, tmp_path, spec, params):
    plain, _ = encoded(spec, source, tmp_path)
    hashes = sha256_of(plain)
    entry = {**spec, "params": params}
    of_file = {name: value for name, value in entry.items() if name != "rate"}
    checked(Codecs, {"mine": of_file}, "codecs")
    changed, result = encoded(entry, source, tmp_path)
    assert sha256_of(changed) != hashes
    recipe, other = get_codec(entry).recipe("LDP", 32), get_codec(spec).recipe("LDP", 32)
    shown = {name: str(int(v)) if v is True else str(v) for name, v in params.items()}
    assert recipe["params"] == shown and "params" not in other
    assert recipe["parameters"] == {**other["parameters"], **shown}
    point = {"recipe": {"codec": recipe}, "provenance": {"encoder_version": result.version}}
    assert encoder_of(point).endswith(" ".join(f"{k}={v}" for k, v in shown.items()))


@pytest.mark.parametrize(
    "spec", [VVENC, X265, X264, KVAZAAR, SVT, AOM], ids=lambda spec: spec["adapter"]
)
def test_a_parameter_that_an_encoder_has_not_is_refused(source, tmp_path, spec):
    with pytest.raises(UserError, match=r"(?i)fo-o"):
        encoded({**spec, "params": {"fo-o": 1}}, source, tmp_path)
    with pytest.raises(UserError, match="names qp, which each point sets"):
        get_codec({**spec, "params": {"qp": 1}})


@pytest.mark.parametrize("spec", [X264, X265], ids=["x264", "x265"])
def test_what_an_encoder_ignores_at_constant_qp_is_refused(spec):
    with pytest.raises(UserError, match=r"ignores aq-mode at constant QP(.|\n)*rate: \{crf"):
        get_codec({**spec, "params": {"aq-mode": 2}})
    get_codec({**spec, "params": {"aq-mode": 0}})


def test_values_of_parameters_are_plain():
    with pytest.raises(UserError, match=r"aq-mode is \[2\]"):
        checked(Codecs, {"mine": {**X265, "params": {"aq-mode": [2]}}}, "codecs")


@RATES
def test_a_constant_rate_factor_is_another_axis(source, tmp_path, spec):
    entry = {**spec, "rate": "crf"}
    bits = [sum(encoded(entry, source, tmp_path, qp=crf)[1].bits_per_frame) for crf in (20, 30, 40)]
    assert bits == sorted(bits, reverse=True) and len(set(bits)) == 3
    recipe = get_codec(entry).recipe("LDP", 30)
    assert recipe["rate"] == "crf" and recipe["parameters"]["crf"] == "30"
    assert recipe != get_codec(spec).recipe("LDP", 30) and codec_class(spec).takes_crf
    point = {"recipe": {"codec": recipe}, "provenance": {"encoder_version": "1"}}
    assert encoder_of(point) == f"{spec['adapter']} 1 CRF"


@pytest.mark.parametrize("configuration", ["AI", "LDP"])
@pytest.mark.parametrize("spec", [VVENC, X265, X264, KVAZAAR], ids=lambda spec: spec["adapter"])
def test_the_call_that_encodes_says_what_the_stream_holds(
    source, tmp_path, monkeypatch, spec, configuration
):
    """FFmpeg is not called a second time; the log of the job has its words without the trace."""
    codec, log = get_codec(spec), tmp_path / "log"
    stream = tmp_path / f"qp32.{codec.suffix}"
    codec.version()
    calls: list[object] = []
    run_tool = ffmpeg.run_tool
    monkeypatch.setattr(ffmpeg, "run_tool", lambda *a, **k: calls.append(a) or run_tool(*a, **k))
    result = codec.encode(job(*source, stream, configuration, log=log))
    assert len(calls) == 1
    said = log.read_text()
    assert "Output #0" in said and ffmpeg.TRACE not in said
    read = read_stream(stream)
    assert (result.bits_per_frame, result.slice_types) == (read.bits_per_frame, read.slice_types)


@pytest.mark.parametrize("spec", [VVENC, KVAZAAR], ids=lambda spec: spec["adapter"])
def test_an_encoder_without_a_rate_factor_says_so(spec):
    with pytest.raises(UserError, match="no constant rate factor"):
        get_codec({**spec, "rate": "crf"})


@pytest.mark.parametrize(
    "spec", [VVENC, X265, X264, KVAZAAR, SVT, AOM], ids=lambda spec: spec["adapter"]
)
def test_an_ffmpeg_of_ones_own(source, tmp_path, spec):
    own = tmp_path / "my ffmpeg"
    os.link(ffmpeg.ffmpeg_path(), own) if _same_device(own) else shutil.copy(
        ffmpeg.ffmpeg_path(), own
    )
    plain, _ = encoded(spec, source, tmp_path)
    expected = sha256_of(plain)
    stream, result = encoded({**spec, "program": str(own)}, source, tmp_path)
    assert sha256_of(stream) == expected and result.command[0] == str(own)
    assert get_codec({**spec, "program": str(own)}).recipe("AI", 32) == get_codec(spec).recipe(
        "AI", 32
    )


def _same_device(own: Path) -> bool:
    return own.parent.stat().st_dev == ffmpeg.ffmpeg_path().stat().st_dev


@pytest.fixture(params=["x265", "svtav1"])
def build(request, tmp_path):
    """An entry, and a build of its encoder: a stand-in that codes by the packaged library."""
    path = tmp_path / request.param
    text = (DATA / f"{request.param}_stand_in.py").read_text()
    text = text.replace("/usr/bin/env python3", sys.executable, 1)
    path.write_text(text.replace('"FFMPEG"', repr(str(ffmpeg.ffmpeg_path()))))
    path.chmod(0o755)
    return {"x265": X265, "svtav1": SVT}[request.param], str(path)


@pytest.mark.parametrize("configuration", ["AI", "LDP"])
def test_a_build_of_the_encoder_itself(source, tmp_path, build, configuration):
    spec, program = build
    plain, _ = encoded(spec, source, tmp_path, configuration)
    expected = sha256_of(plain)
    entry = {**spec, "program": program}
    stream, result = encoded(entry, source, tmp_path, configuration)
    assert sha256_of(stream) == expected  # the same library behind both
    assert "stand-in" in result.version and result.command[0] == program
    recipe = get_codec(entry).recipe(configuration, 32)
    assert recipe["version"] == result.version and recipe["ffmpeg_version"] is None
    assert program not in str(recipe)
    with pytest.raises(UserError, match="fo-o"):
        encoded({**entry, "params": {"fo-o": 1}}, source, tmp_path, configuration)


def test_a_program_that_cannot_be_used(tmp_path):
    with pytest.raises(UserError, match="absent or not executable"):
        get_codec({**X265, "program": str(tmp_path / "none")}).recipe("AI", 32)
    with pytest.raises(UserError, match="neither FFmpeg nor the encoder's own"):
        get_codec({**X265, "program": shutil.which("true")}).recipe("AI", 32)
    with pytest.raises(UserError, match="is no FFmpeg"):
        get_codec({**X264, "program": shutil.which("true")}).recipe("AI", 32)


OWN_CODEC = '''
from jndlab.codecs.x265 import X265Codec


class Mine(X265Codec):
    """x265 with another default."""

    def __init__(self, depth=1):
        super().__init__("ultrafast", params={"rd": depth})


class Half:
    suffix = "265"
'''


def test_a_class_of_ones_own(source, tmp_path, monkeypatch):
    (tmp_path / "my_codecs.py").write_text(OWN_CODEC)
    monkeypatch.syspath_prepend(tmp_path)
    entry = {"adapter": "class", "class": "my_codecs:Mine", "options": {"depth": 2}}
    checked(Codecs, {"mine": entry}, "codecs")
    stream, _ = encoded(entry, source, tmp_path)
    assert codec_class(entry).suffix == "265" and stream.suffix == ".265"
    assert get_codec(entry).recipe("AI", 32)["params"] == {"rd": "2"}
    for target, said in [("my_codecs:Half", "it is no Codec"), ("my_codecs:None", "no codec class"),
                         ("jndlab.codecs.base:Codec", "it lacks encode, recipe")]:  # fmt: skip
        with pytest.raises(UserError, match=said):
            get_codec({**entry, "class": target})
