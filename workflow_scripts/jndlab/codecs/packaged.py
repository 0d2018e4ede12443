"""Base of the encoders inside the packaged FFmpeg: command, picture sizes, checks."""

from __future__ import annotations

import re
from abc import abstractmethod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from jndlab.codecs.base import Codec, EncodeJob, EncodeResult
from jndlab.codecs.bitstream import DEMUXERS, checked_stream, expected_slice_types
from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.media import ffmpeg

# Colour tags, chroma siting and sample aspect ratio would be written into the stream, and a
# full-range tag would change the samples on their way to 10 bit. A clip that was filtered has lost
# the tags of its source: the two must cost the same bits where their samples agree.
NEUTRAL_TAGS = (
    "setparams=range=limited:color_primaries=unknown:color_trc=unknown:colorspace=unknown"
    ":chroma_location=unknown,setsar=0"
)
# FFmpeg n9.0.2 can end a short encode with success and no picture at all (see vvenc.py): rare
# enough that the next attempt gives the stream, and caught by the check after it if not.
ATTEMPTS = 4


class PackagedCodec(Codec):
    """An encoder of the packaged FFmpeg at constant QP and one of its presets."""

    adapter: ClassVar[str]
    library: ClassVar[str]  # FFmpeg's name of the encoder
    presets: ClassVar[tuple[str, ...]]
    max_qp: ClassVar[int]
    version_pattern: ClassVar[str]  # how the library names its version
    version_in_stream: ClassVar[bool] = False  # in a comment of the stream, not when it is opened
    fixed_options: ClassVar[tuple[str, ...]] = ()  # FFmpeg's options that never vary
    sizes_option: ClassVar[str] = "-stats_enc_post"  # sizes as the encoder returned them
    bit_depths: ClassVar[tuple[int, ...]] = (8, 10)  # of the sources that it takes

    def __init__(self, preset: str) -> None:
        if preset not in self.presets:
            raise UserError(
                f"unknown preset '{preset}' of codec adapter {self.adapter}.",
                where="config/codecs.yaml: preset",
                expected=", ".join(self.presets),
            )
        self.preset = preset

    @abstractmethod
    def parameters(self, configuration: str, qp: int) -> dict[str, str]:
        """The library's own options that fix the stream, by name."""

    @abstractmethod
    def encoder_args(self, job: EncodeJob) -> list[str]:
        """FFmpeg's options for this encoder without its name, preset and the fixed ones."""

    def preset_args(self) -> list[str]:
        """FFmpeg's option that sets the preset."""
        return ["-preset", self.preset]

    def filter_args(self, job: EncodeJob) -> list[str]:
        """FFmpeg's options that filter the frames: samples are never changed."""
        return ["-vf", NEUTRAL_TAGS]

    def recipe(self, configuration: str, qp: int) -> dict[str, Any]:
        """Adapter, library and FFmpeg version, preset, options and QP; no thread count."""
        self._check(configuration, qp)
        return {
            "adapter": self.adapter,
            "version": self.version(),
            "ffmpeg_version": ffmpeg.ffmpeg_version(),
            "preset": self.preset,
            "configuration": configuration,
            "qp": qp,
            "options": ["-vf", NEUTRAL_TAGS, *self.fixed_options],
            "parameters": self.parameters(configuration, qp),
        }

    def version(self) -> str:
        """Version of the encoder library."""
        return _library_version(self)

    def encode(self, job: EncodeJob) -> EncodeResult:
        """See :meth:`Codec.encode`."""
        self._check(job.configuration, job.qp)
        if job.clip.bit_depth not in self.bit_depths:
            raise UserError(
                f"the codec adapter {self.adapter} codes no clips of {job.clip.bit_depth} bit.",
                where=str(job.source),
                expected=" or ".join(f"{depth} bit" for depth in self.bit_depths),
                remedy="choose a codec of another adapter for this clip.",
            )
        job.work_dir.mkdir(parents=True, exist_ok=True)
        with atomic_path(job.stream) as part, TemporaryDirectory(dir=job.work_dir) as scratch:
            for _ in range(ATTEMPTS):
                run, encoder_bits = self._run(job, part, Path(scratch) / "sizes.txt")
                if len(encoder_bits) == job.clip.frames:
                    break
            metadata = checked_stream(part, job.clip, job.configuration, encoder_bits)
        version = self.version() if self.version_in_stream else self.version_in(run.stderr)
        _KNOWN_VERSIONS[self.library] = version
        return EncodeResult(
            command=_with_stream_name(run.command, part, job.stream),
            version=version,
            wall_seconds=run.wall_seconds,
            cpu_seconds=run.cpu_seconds,
            bits_per_frame=metadata.bits_per_frame,
            slice_types=metadata.slice_types,
        )

    def _run(
        self, job: EncodeJob, part: Path, sizes: Path
    ) -> tuple[ffmpeg.CompletedRun, list[int]]:
        """Encode into ``part``; also the bits of each picture by the encoder's own count."""
        # The rate is the sheet's, not the container's; one picture in, one out.
        run = ffmpeg.run(
            ["-v", "info", "-r", str(job.clip.fps), "-i", str(job.source), "-map", "0:v:0",
             "-fps_mode", "passthrough", *self.filter_args(job), "-c:v", self.library,
             *self.preset_args(), *self.fixed_options, *self.encoder_args(job),
             self.sizes_option, str(sizes), f"{self.sizes_option}_fmt", "{size}",
             "-f", DEMUXERS[f".{self.suffix}"], str(part)],
            log=job.log,
        )  # fmt: skip
        return run, [8 * int(line) for line in sizes.read_text().split()]

    def version_in(self, output: str) -> str:
        """Version of the encoder library in FFmpeg's output on opening it (or writing)."""
        found = re.search(self.version_pattern, output)
        if found is None:
            raise UserError(
                f"encoder {self.library} of FFmpeg does not report its version.",
                where=str(ffmpeg.ffmpeg_path()),
                remedy="use the packaged FFmpeg (unset JNDLAB_FFMPEG).",
            )
        return found[1]

    def _check(self, configuration: str, qp: int) -> None:
        expected_slice_types(configuration, 1)  # names an unknown configuration
        if not 0 <= qp <= self.max_qp:
            raise UserError(
                f"QP {qp} is out of the range of {self.adapter}.", expected=f"0 to {self.max_qp}"
            )


def _with_stream_name(command: list[str], part: Path, stream: Path) -> list[str]:
    """The command with the stream's name in place of the temporary one."""
    return [str(stream) if word == str(part) else word for word in command]


_KNOWN_VERSIONS: dict[str, str] = {}  # by library: an encode reports it, without a probe


def _library_version(codec: PackagedCodec) -> str:
    if codec.library not in _KNOWN_VERSIONS:
        # FFmpeg does not list the versions of its encoders: they report it when they are opened, or
        # in a comment of their stream.
        source = ["-f", "lavfi", "-i", "color=size=64x64:rate=25", "-frames:v", "1"]
        stream = ["-f", DEMUXERS[f".{codec.suffix}"], "-"]
        probe = ffmpeg.run(["-v", "info", *source, "-c:v", codec.library, *stream])
        output = probe.stderr + probe.stdout.decode("latin-1")
        _KNOWN_VERSIONS[codec.library] = codec.version_in(output)
    return _KNOWN_VERSIONS[codec.library]
