"""VVenC inside the packaged FFmpeg: all intra, and low-delay P with the GOP of VTM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jndlab.codecs.base import EncodeJob
from jndlab.codecs.packaged import PackagedCodec

# Picture n of the GOP of eight in VTM's encoder_lowdelay_P_vtm.cfg: QP offset, and the three
# older references (as distances back) after the picture before it. The key picture is the last.
_QP_OFFSETS = (5, 4, 5, 4, 5, 4, 5, 1)
_OFFSET_MODEL = "-6.5 0.2590"
_KEY_OFFSET_MODEL = "0.0 0.0"


class VvencCodec(PackagedCodec):
    """VVenC at constant QP without perceptual QP adaptation; internal depth 10 bit.

    One and more threads give the same stream.
    """

    adapter = "vvenc"
    suffix = "266"
    library = "libvvenc"
    presets = ("faster", "fast", "medium", "slow", "slower")
    version_pattern = r"libvvenc version: (\S+)"
    fixed_options = ("-pix_fmt", "yuv420p10le", "-qpa", "0")

    def parameters(self, configuration: str, qp: float) -> dict[str, str]:
        """VVenC's options other than preset and QP."""
        if configuration == "AI":
            # VVenC would code intra pictures 3 steps below the QP it is given; VTM takes the QP.
            return {"intraperiod": "1", "gopsize": "1", "intraqpoffset": "0"}
        return {
            # VTM's low-delay P neither filters its input nor adapts the QP by block: both would
            # blur what a prefilter under test does.
            "mctf": "0",
            "bim": "0",
            "picreordering": "0",
            "decodingrefreshtype": "none",
            "intraperiod": "-1",
            "gopsize": "8",
            "poc0idr": "1",
            "intraqpoffset": "-1",
            **low_delay_gop(),
        }

    def encoder_args(self, job: EncodeJob) -> list[str]:
        """QP, threads and VVenC's own options."""
        # One picture at a time changes no byte and no recipe, and it keeps FFmpeg from ending some
        # short encodes on a busy machine without a picture (3 of 100; 0 of 400 with it).
        options = {**self.all_parameters(job.configuration, job.qp), "maxparallelframes": "0"}
        return ["-qp", str(job.qp), "-threads", str(job.threads),
                "-vvenc-params", self.parameter_text(options)]  # fmt: skip


def low_delay_gop() -> dict[str, str]:
    """The eight ``FrameN`` entries of VTM's low-delay P configuration in VVenC's own syntax.

    Columns: type, POC, QP offset, offset model (offset, scale), chroma offsets, QP factor, filter
    offsets, temporal layer and flags, active and kept references of list 0, their distances back,
    and the same (none) of list 1.
    """
    entries = {}
    for number, offset in enumerate(_QP_OFFSETS, start=1):
        references = "1 9 17 25" if number == 1 else f"1 {number} {number + 8} {number + 16}"
        model = _KEY_OFFSET_MODEL if number == len(_QP_OFFSETS) else _OFFSET_MODEL
        entries[f"Frame{number}"] = (
            f"P {number} {offset} {model} 0 0 1.0 0 0 0 0 0 0 0 4 4 {references} 0 0"
        )
    return entries


def from_spec(spec: Mapping[str, Any]) -> VvencCodec:
    """Build the codec of an entry of ``config/codecs.yaml``."""
    return VvencCodec.from_entry(spec)
