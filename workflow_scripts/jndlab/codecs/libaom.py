"""libaom, the reference encoder of AV1, inside FFmpeg: all intra and low delay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jndlab.codecs.base import EncodeJob
from jndlab.codecs.packaged import PackagedCodec

# FFmpeg's own options of this encoder. No look-ahead: one frame is coded for each shown.
_PINNED = {
    "threads": "1",
    "row-mt": "0",
    "lag-in-frames": "0",
    "auto-alt-ref": "0",
    "aq-mode": "0",
}
_KEY_INTERVAL = {"AI": "1", "LDP": "9999"}
# Options that only the library has: no quantiser differs from the stated one.
_LIBRARY = {"deltaq-mode": "0", "enable-keyframe-filtering": "0", "enable-tpl-model": "0"}
_OF_FFMPEG = {"crf", "qmin", "qmax", "g", *_PINNED}


class LibaomCodec(PackagedCodec):
    """libaom at a constant quantiser 0 (lossless) to 63, or CRF; the preset is its ``cpu-used``."""

    adapter = "libaom"
    suffix = "obu"
    library = "libaom-av1"
    presets = tuple(range(9))
    version_pattern = r"\[libaom-av1 @ \S+\] (v\S+)"
    sizes_option = "-stats_mux_pre"
    takes_crf = True

    def parameters(self, configuration: str, qp: float) -> dict[str, str]:
        """FFmpeg's and the library's options other than the preset."""
        return {**self.crf_parameters(configuration, qp), "qmin": str(qp), "qmax": str(qp)}

    def crf_parameters(self, configuration: str, crf: float) -> dict[str, str]:
        """At a constant rate factor: the quantisers follow its own choice around it."""
        return {"crf": str(crf), "g": _KEY_INTERVAL[configuration], **_PINNED, **_LIBRARY}

    def preset_args(self) -> list[str]:
        """The speed."""
        return ["-cpu-used", str(self.preset)]

    def encoder_args(self, job: EncodeJob) -> list[str]:
        """Sample format, FFmpeg's options and the library's own."""
        options = self.all_parameters(job.configuration, job.qp)
        of_ffmpeg = {name: value for name, value in options.items() if name in _OF_FFMPEG}
        own = {name: value for name, value in options.items() if name not in _OF_FFMPEG}
        words = [word for name, value in of_ffmpeg.items() for word in (f"-{name}", value)]
        return ["-pix_fmt", job.clip.pix_fmt, *words, "-aom-params", self.parameter_text(own)]


def from_spec(spec: Mapping[str, Any]) -> LibaomCodec:
    """Build the codec of an entry of ``config/codecs.yaml``."""
    return LibaomCodec.from_entry(spec)
