"""Encoders as programs of their own, such as a build of x265, in place of FFmpeg."""

from __future__ import annotations

import re
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from jndlab.codecs.base import EncodeJob
from jndlab.codecs.bitstream import DEMUXERS
from jndlab.codecs.packaged import NEUTRAL_TAGS
from jndlab.errors import UserError
from jndlab.media import ffmpeg

_ANSWER_SECONDS = 60  # a healthy program answers at once


class OwnProgram(ABC):
    """A program that codes a Y4M file; raises UserError where it is another one than expected."""

    version_pattern: ClassVar[str]
    stream_suffix: ClassVar[str]  # of what it writes

    def __init__(self, path: Path) -> None:
        self.path = path
        said = _said(path, "--version")
        found = re.search(self.version_pattern, said)
        if found is None:
            raise UserError(
                "the program of a codec is neither FFmpeg nor the encoder's own.",
                where=str(path),
                expected=f"a version like {self.version_pattern}, found: {said.strip()[:200]}",
            )
        self.version = found[1]

    def help(self) -> str:
        """All of its options, as it lists them."""
        return _said(self.path, "--fullhelp")

    @abstractmethod
    def command(
        self, job: EncodeJob, preset: Any, options: Mapping[str, str], raw: Path, part: Path
    ) -> list[str]:
        """Command line that codes the Y4M file ``raw`` into ``part``."""

    def encode(
        self,
        job: EncodeJob,
        preset: Any,
        options: Mapping[str, str],
        part: Path,
        scratch: Path,
    ) -> ffmpeg.CompletedRun:
        """Encode a clip; the source becomes Y4M, which every encoder reads."""
        raw, coded = scratch / "source.y4m", scratch / f"coded{self.stream_suffix}"
        ffmpeg.run(["-v", "error", "-r", str(job.clip.fps), "-i", str(job.source), "-map", "0:v:0",
                    "-fps_mode", "passthrough", "-vf", NEUTRAL_TAGS, "-pix_fmt", job.clip.pix_fmt,
                    "-strict", "-1", "-f", "yuv4mpegpipe", str(raw)], log=job.log)  # fmt: skip
        command = self.command(job, preset, options, raw, coded)
        run = ffmpeg.run_tool(command, log=job.log)
        # A copy: of AV1 out of its container, of all others as it is.
        form = DEMUXERS[job.stream.suffix]
        ffmpeg.run(["-v", "error", "-i", str(coded), "-c", "copy", "-f", form, str(part)])
        return run


@cache
def _said(program: Path, argument: str) -> str:
    """What a program prints on both of its outputs, whatever its exit status."""
    try:
        done = subprocess.run([program, argument], capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=_ANSWER_SECONDS, check=False)  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stdout + done.stderr).decode(errors="replace")
