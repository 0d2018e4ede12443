"""x265 (HEVC) inside the packaged FFmpeg: all intra and low-delay P at constant QP."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jndlab.codecs.base import EncodeJob
from jndlab.codecs.own_program import OwnProgram
from jndlab.codecs.packaged import PackagedCodec

# All that x265 would otherwise choose by content, machine or thread count. The stream of a
# constant-QP encode depends on wavefront coding (entropy resets at every CTU row), and may depend
# on frame threads (they limit how far vectors reach down), so both are off; `info` would write the
# options themselves into the stream. Both ratios at 1: every picture is coded at the stated QP,
# where x265's default puts I pictures three steps below it.
_PINNED = {
    "info": "0",
    "wpp": "0",
    "frame-threads": "1",
    "lookahead-slices": "0",
    "slices": "1",
    "aq-mode": "0",
    "cutree": "0",
    "scenecut": "0",
    "bframes": "0",
    "b-adapt": "0",
    "rc-lookahead": "0",
    "ipratio": "1.0",
    "pbratio": "1.0",
    "open-gop": "0",
}
_KEY_INTERVAL = {"AI": "1", "LDP": "-1"}  # -1: only the first picture is intra


class X265Program(OwnProgram):
    """A build of x265."""

    version_pattern = r"HEVC encoder version (\S+)"
    stream_suffix = ".265"

    def command(
        self, job: EncodeJob, preset: Any, options: Mapping[str, str], raw: Path, part: Path
    ) -> list[str]:
        """See :meth:`OwnProgram.command`. Switches are ``--name`` and ``--no-name``."""
        switches = set(re.findall(r"--\[no-\]([a-z0-9-]+) +[^ <]", self.help()))
        words = [str(self.path), "--preset", str(preset), "--output-depth", str(job.clip.bit_depth)]
        for name, value in {**options, "pools": str(job.threads)}.items():
            if name in switches and value in ("0", "1"):
                words.append(f"--no-{name}" if value == "0" else f"--{name}")
            else:
                words += [f"--{name}", value]
        return [*words, "--y4m", "--input", str(raw), "--output", str(part)]


class X265Codec(PackagedCodec):
    """x265 at constant QP, or adapting it by its own ``aq_mode``; 8 or 10 bit, as its source.

    Everything else (search, partitions, psycho-visual terms) is the preset's. The coding itself
    runs on one thread; more of them change neither the stream nor, much, the speed.

    x265 adapts at rate factors only: with ``aq_mode`` (0: off) the QP is one, and ``qcomp`` 1 gives
    it to every picture. With 0 the intra pictures are then those of constant QP, byte by byte.
    """

    adapter = "x265"
    suffix = "265"
    independent_intra = True
    repeats_headers = True
    library = "libx265"
    presets = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower",
               "veryslow", "placebo")  # fmt: skip
    max_qp = 51
    version_pattern = r"HEVC encoder version (\S+)"
    takes_crf = True
    fractional_crf = True
    off_at_qp = ("aq-mode", "cutree")
    own_program = X265Program

    def __init__(self, preset: str, aq_mode: int | None = None, **further: Any) -> None:
        super().__init__(preset, **further)
        self.aq_mode = aq_mode

    def parameters(self, configuration: str, qp: float) -> dict[str, str]:
        """x265's options other than the preset."""
        fixed = {"keyint": _KEY_INTERVAL[configuration], **_PINNED}
        if self.aq_mode is None:
            return {"qp": str(qp), **fixed}
        # The preset ultrafast has a strength of 0.
        own = {"qcomp": "1.0", "aq-mode": str(self.aq_mode), "aq-strength": "1.0"}
        return {"crf": str(qp), **fixed, **own}

    def encoder_args(self, job: EncodeJob) -> list[str]:
        """Sample format and x265's own options."""
        options = {**self.all_parameters(job.configuration, job.qp), "pools": str(job.threads)}
        return ["-pix_fmt", job.clip.pix_fmt,
                "-x265-params", self.parameter_text(options)]  # fmt: skip


def from_spec(spec: Mapping[str, Any]) -> X265Codec:
    """Build the codec of an entry of ``config/codecs.yaml``."""
    return X265Codec.from_entry(spec, aq_mode=spec.get("aq_mode"))
