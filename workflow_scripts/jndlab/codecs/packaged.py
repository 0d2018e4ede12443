"""Base of the encoders inside FFmpeg, packaged or one's own: command, picture sizes, checks."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar, Self

from jndlab.codecs.base import Codec, EncodeJob, EncodeResult
from jndlab.codecs.bitstream import DEMUXERS, TRACING, checked_stream, expected_slice_types
from jndlab.errors import UserError
from jndlab.files import atomic_path
from jndlab.media import ffmpeg

if TYPE_CHECKING:
    from jndlab.codecs.own_program import OwnProgram

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
# Parameters of the libraries, in small letters, that set what a point or its clip does.
SET_BY_POINTS = {
    "qp", "q", "qp-constant", "crf", "bitrate", "targetbitrate", "target-bitrate", "tbr", "rc",
    "ratecontrol", "end-usage", "cq-level", "lossless", "pass", "passes", "input", "output",
    "frames", "input-res", "input-csp", "input-depth", "width", "height", "fps",
}  # fmt: skip
# FFmpeg only warns of parameters that an encoder does not take, and codes without them.
_REJECTED = re.compile(
    r"(?:Unknown (?:\w+ )?option|Error parsing option|Invalid (?:option|value)|Cannot find).*"
)


class PackagedCodec(Codec):
    """An encoder of the packaged FFmpeg at constant QP and one of its presets."""

    adapter: ClassVar[str]
    library: ClassVar[str]  # FFmpeg's name of the encoder
    presets: ClassVar[tuple[Any, ...]]
    version_pattern: ClassVar[str]  # how the library names its version
    version_in_stream: ClassVar[bool] = False  # in a comment of the stream, not when it is opened
    fixed_options: ClassVar[tuple[str, ...]] = ()  # FFmpeg's options that never vary
    sizes_option: ClassVar[str] = "-stats_enc_post"  # sizes as the encoder returned them
    off_at_qp: ClassVar[tuple[str, ...]] = ()  # parameters that the library ignores at constant QP
    own_program: ClassVar[type[OwnProgram] | None] = None  # that it can be in place of FFmpeg

    def __init__(
        self,
        preset: Any,
        *,
        program: str | None = None,
        params: Mapping[str, Any] | None = None,
        rate: str = "qp",
    ) -> None:
        if preset not in self.presets:
            raise UserError(
                f"unknown preset '{preset}' of codec adapter {self.adapter}.",
                where="config/codecs.yaml: preset",
                expected=", ".join(map(str, self.presets)),
            )
        if rate == "crf" and not self.takes_crf:
            raise UserError(
                f"the codec adapter {self.adapter} has no constant rate factor (CRF).",
                where="the configuration, key `rate`",
                remedy="leave this codec out, or give `qps` in place of `rate`.",
            )
        self.preset = preset
        self.program = program
        self.params = {name: _as_parameter(value) for name, value in (params or {}).items()}
        self.rate = rate
        self._require_free()

    @classmethod
    def from_entry(cls, spec: Mapping[str, Any], **further: Any) -> Self:
        """The codec of an entry of ``config/codecs.yaml``."""
        common = {name: spec[name] for name in ("program", "params", "rate") if name in spec}
        return cls(spec["preset"], **common, **further)

    @abstractmethod
    def parameters(self, configuration: str, qp: float) -> dict[str, str]:
        """The library's own options that fix the stream at a QP, by name."""

    def crf_parameters(self, configuration: str, crf: float) -> dict[str, str]:
        """The same at a constant rate factor."""
        fixed = self.parameters(configuration, crf)
        return {"crf" if name == "qp" else name: value for name, value in fixed.items()}

    def all_parameters(self, configuration: str, qp: float) -> dict[str, str]:
        """The library's options of a point: the suite's, then those of the entry."""
        of_rate = self.crf_parameters if self.rate == "crf" else self.parameters
        return {**of_rate(configuration, qp), **self.params}

    def parameter_text(self, options: Mapping[str, str]) -> str:
        """Options as FFmpeg takes them in one argument."""
        return ":".join(f"{name}={_escaped(value)}" for name, value in options.items())

    @abstractmethod
    def encoder_args(self, job: EncodeJob) -> list[str]:
        """FFmpeg's options for this encoder without its name, preset and the fixed ones."""

    def preset_args(self) -> list[str]:
        """FFmpeg's option that sets the preset."""
        return ["-preset", self.preset]

    def filter_args(self, job: EncodeJob) -> list[str]:
        """FFmpeg's options that filter the frames: samples are never changed."""
        return ["-vf", NEUTRAL_TAGS]

    def recipe(self, configuration: str, qp: float) -> dict[str, Any]:
        """Adapter, library and FFmpeg version, preset, options and QP; no thread count.

        ``params`` and ``rate`` are there where the entry has them.
        """
        self._check(configuration, qp)
        of_entry: dict[str, Any] = {"params": self.params} if self.params else {}
        if self.rate != "qp":
            of_entry["rate"] = self.rate
        own = self._own()
        return {
            "adapter": self.adapter,
            "version": self.version(),
            "ffmpeg_version": ffmpeg.version_of(self.program) if own is None else None,
            "preset": self.preset,
            "configuration": configuration,
            "qp": qp,
            "options": ["-vf", NEUTRAL_TAGS, *(self.fixed_options if own is None else [])],
            "parameters": self.all_parameters(configuration, qp),
            **of_entry,
        }

    def version(self) -> str:
        """Version of the encoder library."""
        own = self._own()
        return _library_version(self) if own is None else own.version

    def _own(self) -> OwnProgram | None:
        """The encoder's own program, where the entry names that and no build of FFmpeg."""
        if self.program is None:
            return None
        path = Path(self.program)
        if not path.is_file() or not os.access(path, os.X_OK):
            raise UserError(
                f"the program of a codec with adapter {self.adapter} is absent or not executable.",
                where=f"config/codecs.yaml: program: {path}",
                remedy="correct the path, or make the file executable (chmod +x).",
            )
        if ffmpeg.is_ffmpeg(self.program):
            return None
        if self.own_program is None:
            raise UserError(
                f"the program of a codec with adapter {self.adapter} is no FFmpeg.",
                where=f"config/codecs.yaml: program: {path}",
                expected=f"an FFmpeg that has {self.library}",
            )
        return self.own_program(path.absolute())

    def _require_free(self) -> None:
        fixed = [name for name in self.params if name.lower().replace("_", "-") in SET_BY_POINTS]
        if fixed:
            raise UserError(
                f"`params` of a codec names {', '.join(sorted(fixed))}, which each point sets.",
                where="config/codecs.yaml: params",
                remedy="leave it out: `qps` or `rate` of the configuration give its values.",
            )
        ignored = [name for name in self.off_at_qp if self.params.get(name, "0") != "0"]
        if ignored and self.rate == "qp":
            raise UserError(
                f"{self.adapter} ignores {', '.join(ignored)} at constant QP.",
                where="config/codecs.yaml: params",
                remedy="code at constant rate factors, `rate: {crf: [...]}`, or leave it out.",
            )

    def encode(self, job: EncodeJob) -> EncodeResult:
        """See :meth:`Codec.encode`."""
        self._check(job.configuration, job.qp)
        self.check_source(job.clip, str(job.source))
        job.work_dir.mkdir(parents=True, exist_ok=True)
        with atomic_path(job.stream) as part, TemporaryDirectory(dir=job.work_dir) as scratch:
            if own := self._own():
                options = self.all_parameters(job.configuration, job.qp)
                run = own.encode(job, self.preset, options, part, Path(scratch))
                encoder_bits = None
            else:
                for _ in range(ATTEMPTS):
                    run, encoder_bits = self._run(job, part, Path(scratch) / "sizes.txt")
                    if len(encoder_bits) == job.clip.frames:
                        break
                self._require_taken(run.stderr)
            trace = "" if own else run.stderr
            metadata = checked_stream(part, job.clip, job.configuration, encoder_bits, trace)
        in_output = not (own or self.version_in_stream)
        version = self.version_in(run.stderr) if in_output else self.version()
        _KNOWN_VERSIONS[self._where] = version
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
        run = self._ffmpeg(
            ["-r", str(job.clip.fps), "-i", str(job.source), "-map", "0:v:0",
             "-fps_mode", "passthrough", *self.filter_args(job), "-c:v", self.library,
             *self.preset_args(), *self.fixed_options, *self.encoder_args(job),
             self.sizes_option, str(sizes), f"{self.sizes_option}_fmt", "{size}", *self._spoken(),
             "-f", DEMUXERS[f".{self.suffix}"], str(part)],
            log=job.log,
        )  # fmt: skip
        return run, [8 * int(line) for line in sizes.read_text().split()]

    def _spoken(self) -> Sequence[str]:
        """FFmpeg's options for what it says: the version, and where it can the headers.

        FFmpeg puts units of its own between AV1's pictures after the filter; an own FFmpeg may not
        know the headers of its encoder.
        """
        if self.program is not None or self.suffix == "obu":
            return ("-v", "info")
        filters = dict(pairwise(self.fixed_options)).get("-bsf:v")  # of which FFmpeg takes the last
        return [*TRACING[:-1], ",".join(filter(None, (filters, TRACING[-1])))]

    def _ffmpeg(self, args: Sequence[str], log: Path | None = None) -> ffmpeg.CompletedRun:
        if self.program is None:
            return ffmpeg.run(args, log=log)
        return ffmpeg.run_tool([self.program, *ffmpeg.QUIETLY, *args], log=log)

    def _require_taken(self, stderr: str) -> None:
        """Raise UserError where a parameter of the entry did not reach the encoder."""
        if self.params and (rejected := _REJECTED.findall(stderr)):
            raise UserError(
                f"the encoder of codec adapter {self.adapter} rejects one of its parameters.",
                where="config/codecs.yaml: params",
                expected="; ".join(line.strip() for line in rejected),
                remedy="correct its name or value; the documents of the encoder list them.",
            )

    @property
    def _where(self) -> tuple[str | None, str]:
        return self.program, self.library

    def version_in(self, output: str) -> str:
        """Version of the encoder library in FFmpeg's output on opening it (or writing)."""
        found = re.search(self.version_pattern, output)
        if found is None:
            raise UserError(
                f"encoder {self.library} of FFmpeg does not report its version.",
                where=self.program or str(ffmpeg.ffmpeg_path()),
                remedy="use the packaged FFmpeg (unset JNDLAB_FFMPEG, leave `program` out).",
            )
        return found[1]

    def _check(self, configuration: str, qp: float) -> None:
        expected_slice_types(configuration, 1)  # names an unknown configuration
        self.check_qp(qp)


def _with_stream_name(command: list[str], part: Path, stream: Path) -> list[str]:
    """The command with the stream's name in place of the temporary one."""
    return [str(stream) if word == str(part) else word for word in command]


def _as_parameter(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _escaped(value: str) -> str:
    """A value for FFmpeg's list of ``key=value`` pairs, where these characters mean something."""
    return "".join(f"\\{char}" if char in "\\':" else char for char in value)


# By program and library: an encode reports it, without a probe.
_KNOWN_VERSIONS: dict[tuple[str | None, str], str] = {}


def _library_version(codec: PackagedCodec) -> str:
    where = codec._where
    if where not in _KNOWN_VERSIONS:
        # FFmpeg does not list the versions of its encoders: they report it when they are opened, or
        # in a comment of their stream.
        source = ["-f", "lavfi", "-i", "color=size=64x64:rate=25", "-frames:v", "1"]
        stream = ["-f", DEMUXERS[f".{codec.suffix}"], "-"]
        probe = codec._ffmpeg(["-v", "info", *source, "-c:v", codec.library, *stream])
        output = probe.stderr + probe.stdout.decode("latin-1")
        _KNOWN_VERSIONS[where] = codec.version_in(output)
    return _KNOWN_VERSIONS[where]
