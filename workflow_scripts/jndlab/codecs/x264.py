"""x264 (H.264) inside the packaged FFmpeg: all intra and low-delay P at constant QP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jndlab.codecs.base import EncodeJob
from jndlab.codecs.packaged import PackagedCodec

# All that x264 would otherwise choose by content, machine or thread count: several threads limit
# how far vectors reach down. Both ratios at 1: every picture is coded at the stated QP, where
# x264's default puts I pictures three steps below it.
_PINNED = {
    "threads": "1",
    "lookahead-threads": "1",
    "sliced-threads": "0",
    "aq-mode": "0",
    "mbtree": "0",
    "scenecut": "0",
    "bframes": "0",
    "rc-lookahead": "0",
    "ipratio": "1.0",
    "pbratio": "1.0",
    "open-gop": "0",
}
_KEY_INTERVAL = {"AI": "1", "LDP": "infinite"}


class X264Codec(PackagedCodec):
    """x264 at constant QP, 8 bit, on one thread: the codec of VideoSet's labels.

    Everything else (search, partitions, psycho-visual terms, weights) is the preset's. QP 0 is
    H.264's lossless mode and costs fewer bits than QP 1: it stands outside of a rate curve.
    """

    adapter = "x264"
    suffix = "264"
    independent_intra = True
    repeats_headers = True
    library = "libx264"
    presets = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower",
               "veryslow", "placebo")  # fmt: skip
    max_qp = 51
    version_pattern = r"x264 - (core .+?) - H"
    version_in_stream = True
    # The stream opens with a comment of x264's that holds its options (over 500 bytes, more than a
    # small P picture): NAL units of type 6 are left out, and sizes are counted after that.
    fixed_options = ("-bsf:v", "filter_units=remove_types=6")
    sizes_option = "-stats_mux_pre"
    bit_depths = (8,)

    def parameters(self, configuration: str, qp: int) -> dict[str, str]:
        """x264's options other than the preset."""
        return {"qp": str(qp), "keyint": _KEY_INTERVAL[configuration], **_PINNED}

    def encoder_args(self, job: EncodeJob) -> list[str]:
        """Sample format and x264's own options."""
        options = self.parameters(job.configuration, job.qp)
        return ["-pix_fmt", job.clip.pix_fmt,
                "-x264-params", ":".join(f"{k}={v}" for k, v in options.items())]  # fmt: skip


def from_spec(spec: Mapping[str, Any]) -> X264Codec:
    """Build the codec of an entry of ``config/codecs.yaml``."""
    return X264Codec(preset=spec["preset"])
