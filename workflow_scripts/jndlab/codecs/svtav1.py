"""SVT-AV1 inside FFmpeg, or as a program of one's own: all intra and low delay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jndlab.codecs.base import EncodeJob
from jndlab.codecs.own_program import OwnProgram
from jndlab.codecs.packaged import PackagedCodec

# No adaptation of quantisers, scene cuts or temporal filter, one thread: as of the other encoders.
_PINNED = {"pred-struct": "1", "scd": "0", "enable-tf": "0", "lp": "1"}
_KEY_INTERVAL = {"AI": "1", "LDP": "-1"}  # -1: only the first picture is a key frame


class SvtAv1Program(OwnProgram):
    """A build of SvtAv1EncApp."""

    version_pattern = r"SVT-AV1 (?:Encoder Lib )?(v\S+)"
    stream_suffix = ".ivf"

    def command(
        self, job: EncodeJob, preset: Any, options: Mapping[str, str], raw: Path, part: Path
    ) -> list[str]:
        """See :meth:`OwnProgram.command`."""
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return [str(self.path), "--preset", str(preset), *words, "-i", str(raw), "-b", str(part)]


class SvtAv1Codec(PackagedCodec):
    """SVT-AV1 at a constant quantiser 1 to 63, or CRF with the encoder's own adaptation.

    ``LDP`` is its low-delay structure: a key frame, then frames that refer to frames before them,
    one coded for each shown. Within a small group their quantisers follow the encoder's layers.
    """

    adapter = "svtav1"
    suffix = "obu"
    library = "libsvtav1"
    presets = tuple(range(14))
    min_qp = 1
    version_pattern = r"SVT-AV1 Encoder Lib (v\S+)"
    sizes_option = "-stats_mux_pre"
    takes_crf = True
    fractional_crf = True
    own_program = SvtAv1Program

    def parameters(self, configuration: str, qp: float) -> dict[str, str]:
        """SVT-AV1's options other than the preset."""
        return {"rc": "0", "aq-mode": "0", "qp": str(qp),
                "keyint": _KEY_INTERVAL[configuration], **_PINNED}  # fmt: skip

    def crf_parameters(self, configuration: str, crf: float) -> dict[str, str]:
        """At a constant rate factor, which adapts quantisers."""
        return {"crf": str(crf), "keyint": _KEY_INTERVAL[configuration], **_PINNED}

    def encoder_args(self, job: EncodeJob) -> list[str]:
        """Sample format and SVT-AV1's own options."""
        options = self.all_parameters(job.configuration, job.qp)
        return ["-pix_fmt", job.clip.pix_fmt, "-svtav1-params", self.parameter_text(options)]


def from_spec(spec: Mapping[str, Any]) -> SvtAv1Codec:
    """Build the codec of an entry of ``config/codecs.yaml``."""
    return SvtAv1Codec.from_entry(spec)
