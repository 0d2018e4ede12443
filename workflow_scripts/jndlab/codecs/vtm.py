"""VTM, the reference software of VVC, by configured paths: its command, its log, its checks."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jndlab.codecs.base import Codec, EncodeJob, EncodeResult
from jndlab.codecs.bitstream import checked_stream, decoded_md5, expected_slice_types
from jndlab.errors import UserError
from jndlab.files import atomic_path, sha256_of
from jndlab.media import ffmpeg

_BANNER_SECONDS = 60  # a healthy executable answers at once

_ENCODER_BANNER = re.compile(r"VVCSoftware: VTM Encoder Version (\S+)")
_DECODER_BANNER = re.compile(r"VVCSoftware: VTM Decoder Version (\S+)")
_PICTURE = re.compile(
    r"^POC\s+(?P<poc>-?\d+)\s.*?\(\s*(?P<nal>\w+),\s*(?P<kind>[IPBipb])-SLICE,"
    r"\s*QP\s*(?P<qp>-?\d+)[^)]*\)\s+(?P<bits>\d+) bits"
    r"\s+\[Y\s+(?P<y>\S+) dB\s+U\s+(?P<u>\S+) dB\s+V\s+(?P<v>\S+) dB",
    re.MULTILINE,
)
_SUMMARY = re.compile(
    r"^\s*Total Frames\s*\|[^\n]*\n\s*(\d+)\s+a\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)\s+(\S+)",
    re.MULTILINE,
)
_TIME = re.compile(r"Total Time:\s+([\d.]+) sec\. \[user\]\s+([\d.]+) sec\. \[elapsed\]")


@dataclass(frozen=True)
class VtmPicture:
    """One line of the log: picture order count, NAL unit type, slice type (I, P or B), QP, bits,
    and PSNR in dB at the output bit depth."""

    poc: int
    nal_type: str
    slice_type: str
    qp: int
    bits: int
    psnr_y: float
    psnr_u: float
    psnr_v: float


@dataclass(frozen=True)
class VtmLog:
    """A whole log of EncoderApp: the pictures in coding order, and its summary.

    ``bitrate_kbps`` rests on the ``-fr`` it was given; the PSNR are means over pictures (dB).
    """

    version: str
    pictures: list[VtmPicture]
    bitrate_kbps: float
    psnr_y: float
    psnr_u: float
    psnr_v: float
    psnr_yuv: float
    user_seconds: float
    elapsed_seconds: float


def parse_log(text: str) -> VtmLog:
    """Read what EncoderApp prints; raises UserError for a log that is not whole."""
    banner, summary, time = (pattern.search(text) for pattern in (_ENCODER_BANNER, _SUMMARY, _TIME))
    if banner is None or summary is None or time is None:
        missing = "banner" if banner is None else "summary" if summary is None else "total time"
        raise UserError(
            f"the log of VTM's encoder lacks its {missing}: the encoder did not finish.",
            expected="its last lines were:\n    " + "\n    ".join(text.splitlines()[-12:]),
        )
    pictures = [
        VtmPicture(int(line["poc"]), line["nal"], line["kind"].upper(), int(line["qp"]),
                   int(line["bits"]), float(line["y"]), float(line["u"]), float(line["v"]))
        for line in _PICTURE.finditer(text)
    ]  # fmt: skip
    if len(pictures) != int(summary[1]):
        raise UserError(
            "the log of VTM's encoder contradicts itself.",
            expected=f"{summary[1]} pictures by its summary, found {len(pictures)} lines",
        )
    rate, psnr_y, psnr_u, psnr_v, psnr_yuv = (float(summary[field]) for field in range(2, 7))
    return VtmLog(banner[1], pictures, rate, psnr_y, psnr_u, psnr_v, psnr_yuv,
                  float(time[1]), float(time[2]))  # fmt: skip


class VtmCodec(Codec):
    """EncoderApp of VTM with its own configuration files. It runs on one thread.

    ``verify_with_decoder`` also runs DecoderApp on every stream and holds its pictures against
    those of FFmpeg's decoder, which the metrics see.
    """

    suffix = "266"
    independent_intra = True
    repeats_headers = True

    def __init__(
        self,
        version: str,
        encoder: str | None,
        decoder: str | None,
        config_files: Mapping[str, str | None],
        verify_with_decoder: bool = False,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        self.version = version
        self.encoder = encoder
        self.decoder = decoder
        self.config_files = dict(config_files)
        self.verify_with_decoder = verify_with_decoder
        self.params = [f"--{name}={value}" for name, value in (params or {}).items()]

    def recipe(self, configuration: str, qp: float) -> dict[str, Any]:
        """Adapter, version, hash of the configuration file, options and QP; no path.

        Raises UserError where the configuration file is not set or absent.
        """
        config_file = self._config_file(configuration, qp)
        return {
            "adapter": "vtm",
            "version": self.version,
            "configuration": configuration,
            "qp": qp,
            "config_file": config_file.name,
            "config_sha256": sha256_of(config_file),
            "options": ["--TemporalSubsampleRatio=1", *self.params],
        }

    def encode(self, job: EncodeJob) -> EncodeResult:
        """See :meth:`Codec.encode`. UserError also names the key of a path that is not set."""
        config_file = self._config_file(job.configuration, job.qp)
        encoder = self._executable("encoder", self.encoder)
        decoder = self._executable("decoder", self.decoder) if self.verify_with_decoder else None
        # Checked beforehand: an encode takes hours, and the wrong version makes all of it void.
        self._check_banner(_banner(encoder), _ENCODER_BANNER, "encoder")
        with atomic_path(job.stream) as part, _raw_frames(job) as raw:
            command = [*encode_command(encoder, config_file, raw, part, job), *self.params]
            run = ffmpeg.run_tool(command, log=job.log)
            printed = run.stdout.decode(errors="replace")
            if job.log is not None:  # VTM reports on standard output
                with open(job.log, "a", encoding="utf-8") as stream:
                    stream.write(printed)
            log = parse_log(printed)
            encoder_bits = [picture.bits for picture in log.pictures]
            metadata = checked_stream(part, job.clip, job.configuration, encoder_bits)
            if decoder is not None:
                self._verify(decoder, part, job)
        return EncodeResult(
            command=[str(job.stream) if word == str(part) else word for word in run.command],
            version=log.version,
            wall_seconds=run.wall_seconds,
            cpu_seconds=run.cpu_seconds,
            bits_per_frame=metadata.bits_per_frame,
            slice_types=metadata.slice_types,
        )

    def _verify(self, decoder: Path, stream: Path, job: EncodeJob) -> None:
        decoded = job.work_dir / f"{job.stream.name}.decoded.yuv"
        try:
            # -d 0: at the internal depth of 10 bit, as coded
            run = ffmpeg.run_tool([decoder, "-b", stream, "-o", decoded, "-d", "0"], log=job.log)
            self._check_banner(run.stdout.decode(errors="replace"), _DECODER_BANNER, "decoder")
            with open(decoded, "rb") as planes:
                vtm_md5 = hashlib.file_digest(planes, "md5").hexdigest()
            ffmpeg_md5 = decoded_md5(stream)
        finally:
            decoded.unlink(missing_ok=True)
        if vtm_md5 != ffmpeg_md5:
            raise UserError(
                "VTM's decoder and FFmpeg's decode the stream to different pictures.",
                where=str(job.stream),
                expected=f"MD5 {vtm_md5} (VTM), found {ffmpeg_md5} (FFmpeg)",
                remedy="the metrics of this stream would be wrong; use another FFmpeg or VTM.",
            )

    def _config_file(self, configuration: str, qp: float) -> Path:
        expected_slice_types(configuration, 1)  # names an unknown configuration
        self.check_qp(qp)
        key = f"config_files.{configuration}"
        path = self._set_path(key, self.config_files.get(configuration))
        if not path.is_file():
            raise UserError(f"VTM's configuration file '{path}' is absent.", where=self._key(key))
        return path

    def _executable(self, key: str, configured: str | None) -> Path:
        path = self._set_path(key, configured)
        if not path.is_file() or not os.access(path, os.X_OK):
            raise UserError(
                f"VTM's {key} '{path}' is absent or not executable.",
                where=self._key(key),
                remedy="correct the path, or make the file executable (chmod +x).",
            )
        return path.absolute()  # a bare name would be looked up on the PATH

    def _set_path(self, key: str, configured: str | None) -> Path:
        if not configured:
            raise UserError(
                f"VTM {self.version} is not set up: no path for `{key}`.",
                where=self._key(key),
                expected="the path of the file in your build of VTM",
                remedy=f"build VTM {self.version} "
                "(https://vcgit.hhi.fraunhofer.de/jvet/VVCSoftware_VTM) and set the keys encoder, "
                "decoder and config_files, or choose the codec vvenc-slower instead.",
            )
        return Path(configured)

    def _key(self, key: str) -> str:
        return f"config/codecs.yaml: {key} of the entry with adapter vtm, version {self.version}"

    def _check_banner(self, banner: str, pattern: re.Pattern[str], key: str) -> None:
        found = pattern.search(banner)
        if found is None or found[1] != self.version:
            raise UserError(
                f"VTM's {key} is of another version than configured.",
                where=self._key(key),
                expected=f"version {self.version}, found {found[1] if found else 'no banner'}",
                remedy="correct `version` or the path.",
            )


def encode_command(
    encoder: Path, config_file: Path, raw: Path, stream: Path, job: EncodeJob
) -> list[str]:
    """EncoderApp's command line; the depth of input and log is the source's (8 or 10 bit)."""
    clip = job.clip
    # -fr takes whole numbers; it scales the log's bitrate only, the stream carries no rate.
    # Intra configuration files code every 8th picture only by default.
    return [str(encoder), "-c", str(config_file), "-i", str(raw),
            "-wdt", str(clip.width), "-hgt", str(clip.height), "-fr", str(round(clip.fps)),
            "-f", str(clip.frames), "-q", str(job.qp), "-b", str(stream), "-o", os.devnull,
            f"--InputBitDepth={clip.bit_depth}", f"--OutputBitDepth={clip.bit_depth}",
            "--TemporalSubsampleRatio=1"]  # fmt: skip


def from_spec(spec: Mapping[str, Any]) -> VtmCodec:
    """Build the codec of an entry of ``config/codecs.yaml``; unset paths are reported at encode."""
    return VtmCodec(
        version=str(spec["version"]),
        encoder=spec.get("encoder"),
        decoder=spec.get("decoder"),
        config_files=spec.get("config_files") or {},
        verify_with_decoder=spec.get("verify_with_decoder", False),
        params=spec.get("params"),
    )


@contextmanager
def _raw_frames(job: EncodeJob) -> Iterator[Path]:
    """The source as headerless planar frames, which is all that VTM reads; removed afterwards."""
    job.work_dir.mkdir(parents=True, exist_ok=True)
    raw = job.work_dir / f"{job.stream.name}.source.yuv"
    try:
        ffmpeg.run(["-v", "error", "-i", str(job.source), "-map", "0:v:0", "-fps_mode",
                    "passthrough", "-f", "rawvideo", "-pix_fmt", job.clip.pix_fmt, str(raw)],
                   log=job.log)  # fmt: skip
        expected, found = job.clip.frames * job.clip.frame_bytes, raw.stat().st_size
        if found != expected:
            raise UserError(
                "the source is not the clip of its sheet.",
                where=str(job.source),
                expected=f"{expected} bytes ({job.clip.frames} frames of "
                f"{job.clip.width}x{job.clip.height}), found {found}",
                remedy="correct size and frames in the sheet, or replace the source.",
            )
        yield raw
    finally:
        raw.unlink(missing_ok=True)


def _banner(encoder: Path) -> str:
    """Output of ``--help``, which exits with status 1."""
    try:
        run = subprocess.run([encoder, "--help"], capture_output=True, stdin=subprocess.DEVNULL,
                             timeout=_BANNER_SECONDS, check=False)  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"VTM's encoder '{encoder}' cannot be run: {error}.") from error
    return run.stdout.decode(errors="replace")
