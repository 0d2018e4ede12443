"""Strict decoding of files that the suite did not write: whole pictures of one format, or none.

FFmpeg conceals damage, converts formats and scales pictures of another size without failing. Here
every decoded picture is looked at by its filter ``showinfo`` before anything else happens to it.
Damage that no decoder can see (a changed sample of a raw or Y4M file, some bits of a stream without
checksums) passes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

from jndlab.errors import UserError
from jndlab.media.clip import PIX_FMTS
from jndlab.media.ffmpeg import LOG_TAIL_LINES, STRICT, CompletedRun, ToolError, errors_in, run

# Streams without a container: their times are the demuxer's guess, so only a change is seen.
_UNTIMED = {"h264", "hevc", "vvc", "avs2", "avs3", "cavs", "mpegvideo", "m4v", "obu", "evc"}
_MOV = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp"}  # first box
_DISCARDED = 4  # flag of a packet whose picture is not shown
_NO_RATE = "7919"  # pictures per second, which no video has
_SHOW = "showinfo=checksum=0"
_PICTURE = re.compile(r"pts_time:(\S+) .* duration_time:(\S+) +fmt:(\S+) .* s:(\d+x\d+) i:(\S)")
_FULL_RANGE = re.compile("color_range:pc ")
# PQ, HLG; Dolby Vision need not state its curve, nor HDR10 where only its display is described.
_HIGH_RANGE = re.compile("color_trc:(smpte2084|arib-std-b67)|DOVI configuration record")
_DISPLAY, _NO_CURVE = "Mastering display metadata", "color_trc:unknown"
# Matrices and curves of colour with another luma than Y'CbCr of standard range has. Named, because
# threads of FFmpeg write into each other's lines.
_OTHER_COLOURS = re.compile(
    r"\b(color_space:(?:gbr|ycgco(?:-r[eo])?|bt2020c|smpte2085|chroma-derived-n?c|ictcp|ipt-c2)"
    r"|color_trc:(?:linear|log100|log316|smpte428))(?=\s)"
)
# What decoders do not put into their pictures, of the line of the stream and its metadata.
_FIELDS = re.compile(r"Stream #0:\d+.*: Video: .*\b(top|bottom) (?:coded )?first")
_ALPHA = re.compile(r"\balpha_mode +: 1\b", re.IGNORECASE)
_STREAM = re.compile(r"Stream #(0:\d+)\S*: Video: (?!.*\(attached pic\))")
_TURN = re.compile(r"(?i:display ?matrix): rotation of (-?[\d.]+)")
_VIEWS = re.compile(r"stereo ?3d: (?:type - )?(?!2d|type)([a-z ()-]+)", re.IGNORECASE)
_INPUT = re.compile(r"Input #0, (\w+)")
_RATE = re.compile(r"config in time_base: \S+, frame_rate: ([1-9]\d*/[1-9]\d*)")


@dataclass(frozen=True)
class StoredFormat:
    """What every picture of a file must be: 4:2:0 of 8 or 10 bit, ``width`` x ``height``.

    ``fps`` None: no rate is prescribed, but it must not change.
    """

    width: int
    height: int
    bit_depth: int
    fps: Fraction | None = None


def decode(
    path: str | Path,
    stored: StoredFormat,
    filters: Sequence[str] = (),
    options: Sequence[str] = (),
    *,
    target: str | Path = "-",
    muxer: str = "rawvideo",
) -> bytes:
    """Decode a file to raw samples in its own format: returned, or written to ``target``.

    ``filters`` and output ``options`` are FFmpeg's, as is ``muxer``: ``md5`` gives the digest of
    the samples alone. Raises UserError where the file is no video or damaged, is interlaced, cut by
    an edit list or of full or high dynamic range, states other colours than Y'CbCr of standard
    range, or where a picture has another size, sample format or rate than ``stored``; the first
    picture is checked before the others are decoded.
    """
    _, first = _strictly(path, ["-vf", _SHOW, "-frames:v", "1", "-f", "null", "-"])
    _require(first, path, stored)
    _require_unedited(path)
    done, shown = _strictly(
        path,
        ["-vf", ",".join([_SHOW, *filters]), *options, "-pix_fmt", PIX_FMTS[stored.bit_depth],
         "-c:v", "rawvideo", "-f", muxer, str(target)],
    )  # fmt: skip
    _require(shown, path, stored)
    return done.stdout


def stored_format(path: str | Path) -> StoredFormat:
    """Format of a file by its first picture; ``fps`` is None where the file states no rate.

    Raises UserError for what is no video, for samples other than 4:2:0 of 8 or 10 bit, and for a
    first picture that :func:`decode` would refuse.
    """
    first = ["-vf", _SHOW, "-frames:v", "1", "-f", "null", "-"]
    _, report = _strictly(path, first)
    picture, rate = _PICTURE.search(report), _RATE.search(report)
    if picture is None:
        raise UserError("a video holds no pictures.", where=str(path))
    depths = {pix_fmt: depth for depth, pix_fmt in PIX_FMTS.items()}
    pix_fmt = picture[3].replace("yuvj", "yuv")
    if pix_fmt not in depths:
        raise UserError(
            "a video has samples that the suite does not code.",
            where=str(path),
            expected=f"4:2:0 of 8 or 10 bit ({', '.join(depths)}), found {pix_fmt}",
            remedy="convert it, for example with `ffmpeg -i SOURCE -pix_fmt yuv420p -c:v ffv1 "
            "CONVERTED.mkv`, and name that file.",
        )
    demuxer = _INPUT.search(report)
    if rate and demuxer and demuxer[1] in _UNTIMED:
        # A guess follows FFmpeg's option; a stream that states its rate keeps that.
        asked = _RATE.search(_strictly(path, first, ["-framerate", _NO_RATE])[1])
        rate = rate if asked and asked[1] == rate[1] else None
    width, height = map(int, picture[4].split("x"))
    stored = StoredFormat(width, height, depths[pix_fmt], Fraction(rate[1]) if rate else None)
    _require(report, path, stored)
    return stored


def count_pictures(path: str | Path) -> tuple[tuple[int, int], int]:
    """Size (width, height) and number of pictures of a file, by its packets: none is decoded.

    Raises UserError as :func:`decode` does for the file, and where an edit list cuts it.
    """
    text, packets = _packets(path)
    size = re.search(r"^#dimensions 0: (\d+)x(\d+)", text, re.MULTILINE)
    if size is None or not packets:
        raise UserError("a stream holds no pictures.", where=str(path))
    _require_unedited(path, packets)
    return (int(size[1]), int(size[2])), len(packets)


def _packets(path: str | Path, of_input: Sequence[str] = ()) -> tuple[str, list[list[str]]]:
    """What FFmpeg's ``framecrc`` says of a file's packets: size, checksum and flags of each."""
    done, _ = _strictly(path, ["-c", "copy", "-f", "framecrc", "-"], of_input)
    text = done.stdout.decode()
    packets = [line.split(",")[4:] for line in text.splitlines() if not line.startswith("#")]
    return text, packets


def _is_whole_mov(path: str | Path) -> bool:
    """Whether a file is MP4 or MOV; UserError where it, or an AVI file, is cut.

    FFmpeg takes pictures that are missing behind a whole one for the end.
    """
    path = Path(path)
    size, place = path.stat().st_size, 0
    with open(path, "rb") as stream:
        head = stream.read(16)
        is_mov = head[4:8] in _MOV
        while is_mov and head[4:8].isalnum() and place < size:
            length = int.from_bytes(head[:4], "big")
            length = int.from_bytes(head[8:16], "big") if length == 1 else length or size - place
            place += max(length, 8)
            stream.seek(place)
            head = stream.read(16)
        if head[:4] == b"RIFF" and not is_mov:
            place = 8 + int.from_bytes(head[4:8], "little")
    if place > size:
        raise UserError(
            "a video is cut: its container states more bytes than there are.",
            where=str(path),
            expected=f"{place} bytes at least, found {size}",
            remedy="fetch or copy the file again.",
        )
    return is_mov


def _require_unedited(path: str | Path, packets: list[list[str]] | None = None) -> None:
    """Raise UserError where the edit list of an MP4 or MOV file cuts, repeats or moves pictures."""
    if not _is_whole_mov(path):
        return
    shown = _packets(path)[1] if packets is None else packets
    _, stored = _packets(path, ["-ignore_editlist", "1"])
    if [one[:2] for one in shown] == [one[:2] for one in stored] and not any(
        "F=" in flags and int(flags.partition("F=")[2], 16) & _DISCARDED
        for one in shown
        for flags in one[2:]
    ):
        return
    raise UserError(
        "a video is cut, or shown in another order, by the edit list of its container.",
        where=str(path),
        expected=f"all {len(stored)} stored pictures, each once and in their order",
        remedy="write the pictures that are meant: those that are shown by `ffmpeg -i SOURCE -c:v "
        "ffv1 SHOWN.mkv`, all by `ffmpeg -ignore_editlist 1 -i SOURCE -c:v ffv1 STORED.mkv`.",
    )


def _strictly(
    path: str | Path, output: Sequence[str], of_input: Sequence[str] = ()
) -> tuple[CompletedRun, str]:
    """A decode without any error, and FFmpeg's report of it."""
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report"
        try:
            done = run(["-v", "level+error", *STRICT, *of_input, "-i", f"file:{path}",
                        "-map", "0:v:0", "-fps_mode", "passthrough", *output],
                       report=report)  # fmt: skip
            said = "\n    ".join(errors_in(done.stderr)[:LOG_TAIL_LINES])
            if not said:
                return done, report.read_text(encoding="utf-8", errors="replace")
        except ToolError as error:
            said = error.expected
    raise UserError(
        "a file is no video that FFmpeg reads without errors.",
        where=str(path),
        expected=f"a whole, sound video; FFmpeg reports:\n    {said}",
        remedy="fetch or copy the file again; that it plays (errors concealed) is not enough.",
    )


def _require(report: str, path: str | Path, stored: StoredFormat) -> None:
    """Raise UserError unless all pictures that FFmpeg showed are progressive and as ``stored``."""
    if len(streams := _STREAM.findall(report.partition("Stream mapping:")[0])) > 1:
        raise UserError(
            "a file holds several videos.",
            where=str(path),
            expected=f"one, found streams {', '.join(streams)}",
            remedy="write the one that is meant, for example with `ffmpeg -i SOURCE -map 0:v:0 -c "
            "copy ONE.mkv`, and name that file.",
        )
    if views := _VIEWS.search(report):
        raise UserError(
            "a video holds two views.",
            where=str(path),
            expected=f"one, found {views[1].strip()}: JND models and metrics see one picture",
            remedy="write one view, for example with FFmpeg's filter stereo3d=sbsl:ml.",
        )
    if turned := [angle for angle in _TURN.findall(report) if float(angle) % 90]:
        raise UserError(
            "a video is shown turned by a part of a right angle.",
            where=str(path),
            expected=f"0, 90, 180 or 270 degrees, found {turned[0]}: other samples would be made",
            remedy="take the angle out, for example with `ffmpeg -display_rotation 0 -i SOURCE -c "
            "copy PLAIN.mp4`.",
        )
    size, pix_fmt = f"{stored.width}x{stored.height}", PIX_FMTS[stored.bit_depth]
    for number, (_, _, found_fmt, found_size, scan) in enumerate(_PICTURE.findall(report)):
        where = f"{path}, picture {number}"
        if (found_size, found_fmt.replace("yuvj", "yuv")) != (size, pix_fmt):
            raise UserError(
                "a video changes its format." if number else
                "a video has another format than stated.",
                where=where,
                expected=f"{size}, {stored.bit_depth} bit, 4:2:0 ({pix_fmt}), found {found_size}, "
                f"{found_fmt}",
                remedy="correct width, height or bit depth where they are stated, or convert the "
                "file yourself.",
            )  # fmt: skip
        if scan != "P":
            fields = {"T": "top field first", "B": "bottom field first"}.get(scan, scan)
            raise _interlaced(where, fields)
    if stated := _FIELDS.search(report):
        raise _interlaced(str(path), f"{stated[1]} field first, by its container")
    if _ALPHA.search(report):
        raise UserError(
            "a video has a transparent layer.",
            where=str(path),
            expected="pictures that are whole by themselves",
            remedy="put it on a background, for example with FFmpeg's filter overlay.",
        )
    if _FULL_RANGE.search(report):
        raise UserError(
            "a video has samples of full range.",
            where=str(path),
            expected="limited range (luma 16 to 235 of 255), which codecs and metrics assume",
            remedy="convert it, for example with `ffmpeg -i SOURCE -vf "
            "scale=in_range=full:out_range=limited -c:v ffv1 LIMITED.mkv`, and name that file.",
        )
    if _HIGH_RANGE.search(report) or (_DISPLAY in report and _NO_CURVE in report):
        raise UserError(
            "a video is of high dynamic range.",
            where=str(path),
            expected="standard dynamic range, which JND models, VMAF and SSIM are made for",
            remedy="take a version of standard range, or map it to that yourself (FFmpeg's filters "
            "zscale and tonemap).",
        )
    if other := _OTHER_COLOURS.search(report):
        raise UserError(
            "a video has colours of another kind than codecs and metrics take.",
            where=str(path),
            expected=f"Y'CbCr of standard range, such as bt709; found {other[1]}",
            remedy="convert it to bt709 (FFmpeg's filters zscale or colorspace), or correct what "
            "the file states.",
        )
    _require_steady(report, path, stored.fps)


def _interlaced(where: str, found: str) -> UserError:
    return UserError(
        "a video is interlaced.",
        where=where,
        expected=f"progressive pictures, found {found}",
        remedy="deinterlace it, for example with `ffmpeg -i SOURCE -vf "
        "bwdif=mode=send_frame -c:v ffv1 PROGRESSIVE.mkv`, and name that file.",
    )


def _require_steady(report: str, path: str | Path, fps: Fraction | None) -> None:
    """Raise UserError unless picture k is shown at k / fps, within half a picture's time.

    Of a stream without a container only a change is seen: its times are the demuxer's guess.
    """
    found = _PICTURE.findall(report)
    demuxer, rate = _INPUT.search(report), _RATE.search(report)
    if demuxer and demuxer[1] in _UNTIMED:
        durations = [float(p[1]) for p in found if p[1] not in ("NOPTS", "0")]
        steady = all(abs(one / durations[0] - 1) < 0.02 for one in durations)
        wanted = "one rate"
    else:
        times = [float(p[0]) for p in found if p[0] != "NOPTS"]
        fps = fps or (Fraction(rate[1]) if rate else None)
        steady = (
            not times
            or fps is None
            or all(abs((time - times[0]) * fps - place) <= 0.5 for place, time in enumerate(times))
        )
        wanted = f"{fps} pictures per second"
    if not steady:
        raise UserError(
            "a video has another frame rate than stated, or changes it.",
            where=str(path),
            expected=f"{wanted}, the same from first to last"
            + (f"; the file states {rate[1]}" if rate else ""),
            remedy="correct the rate where it is stated; of a file of variable rate make one of "
            "constant rate, for example with `-vf fps=25 -c:v ffv1`.",
        )
