"""x264 (H.264) inside the packaged FFmpeg: constant QP, or one QP per 64x64 block and frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from jndlab.codecs.base import EncodeJob, EncodeResult
from jndlab.codecs.packaged import NEUTRAL_TAGS, PackagedCodec
from jndlab.codecs.qp_map import BLOCK_SIZE, MAX_QP, read_qp_map
from jndlab.files import write_text

if TYPE_CHECKING:
    import numpy as np

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
# FFmpeg passes regions of interest to x264 as offsets of its adaptive quantisation, which works
# with a rate factor alone: qcomp 1 makes that factor the QP of every picture, and so small a
# strength adds less than rounding to what the map says.
_MAPPED = {"qcomp": "1.0", "aq-mode": "1", "aq-strength": "0.0001"}
_KEY_INTERVAL = {"AI": "1", "LDP": "infinite"}


class X264Codec(PackagedCodec):
    """x264 at constant QP, 8 bit, on one thread: the codec of VideoSet's labels.

    Everything else (search, partitions, psycho-visual terms, weights) is the preset's. QP 0 is
    H.264's lossless mode and costs fewer bits than QP 1: it stands outside of a rate curve.

    With ``EncodeJob.qp_map`` every macroblock has the QP of its block of the map, in I and P
    pictures. A macroblock whose QP is one from that of the macroblock before it is coded at that
    one's QP, since x264 saves the bits of such a step (presets below ``slower``).
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
    takes_qp_map = True
    map_step = 2
    takes_crf = True
    fractional_crf = True
    off_at_qp = ("aq-mode", "mbtree")

    def parameters(self, configuration: str, qp: float) -> dict[str, str]:
        """x264's options other than the preset."""
        return {"qp": str(qp), "keyint": _KEY_INTERVAL[configuration], **_PINNED}

    def encoder_args(self, job: EncodeJob) -> list[str]:
        """Sample format and x264's own options."""
        options = self.all_parameters(job.configuration, job.qp)
        if job.qp_map is not None:
            options = {"crf": options.pop("qp"), **options, **_MAPPED}
        return ["-pix_fmt", job.clip.pix_fmt,
                "-x264-params", self.parameter_text(options)]  # fmt: skip

    def filter_args(self, job: EncodeJob) -> list[str]:
        """Also the regions of ``job.qp_map``, which is here already a file of FFmpeg's filters."""
        if job.qp_map is None:
            return super().filter_args(job)
        return ["-/filter:v", str(job.qp_map)]

    def encode(self, job: EncodeJob) -> EncodeResult:
        """See :meth:`Codec.encode`. UserError also for a map that does not fit the clip. In the
        command that is returned the map stands for the temporary file of filters."""
        if job.qp_map is None:
            return super().encode(job)
        qp = read_qp_map(job.qp_map, job.clip)
        base = picture_qp(qp)
        job.work_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=job.work_dir) as scratch:
            filters = Path(scratch) / "regions.txt"
            write_text(filters, regions_filter(qp - base))
            result = super().encode(replace(job, qp=base, qp_map=filters))
        command = [str(job.qp_map) if word == str(filters) else word for word in result.command]
        return replace(result, command=command)


def picture_qp(qp: np.ndarray) -> int:
    """The QP of the pictures, from which a map's offsets count: its median, at least 1."""
    import numpy as np

    return max(1, int(np.rint(np.median(qp))))


def regions_filter(offsets: np.ndarray) -> str:
    """FFmpeg's filters that give every block its offset; ``offsets`` is frames x rows x columns.

    Frames that follow each other with one map are a branch of the filters: cut out, marked with
    its regions (neighbours of one row with equal offsets are one), put together again.
    """
    import numpy as np

    changes = np.flatnonzero((offsets[1:] != offsets[:-1]).any(axis=(1, 2))) + 1
    starts, ends = [0, *changes], [*changes, len(offsets)]
    count = len(starts)
    branches = [f"{NEUTRAL_TAGS},split={count}" + "".join(f"[i{n}]" for n in range(count))]
    for n, (start, end) in enumerate(zip(starts, ends, strict=True)):
        regions = [f",{region}" for region in _regions(offsets[start])]
        branches.append(
            f"[i{n}]trim=start_frame={start}:end_frame={end},setpts=PTS-STARTPTS"
            + "".join(regions)
            + f"[o{n}]"
        )
    branches.append("".join(f"[o{n}]" for n in range(count)) + f"concat=n={count}")
    return ";\n".join(branches) + "\n"


def _regions(offsets: np.ndarray) -> list[str]:
    """Regions of one picture; those of offset 0 need none."""
    found = []
    for row, line in enumerate(offsets.tolist()):
        start = 0
        for column in range(1, len(line) + 1):
            if column == len(line) or line[column] != line[start]:
                if line[start]:
                    x, width = start * BLOCK_SIZE, (column - start) * BLOCK_SIZE
                    found.append(
                        f"addroi={x}:{row * BLOCK_SIZE}:{width}:{BLOCK_SIZE}:{line[start]}/{MAX_QP}"
                    )
                start = column
    return found


def from_spec(spec: Mapping[str, Any]) -> X264Codec:
    """Build the codec of an entry of ``config/codecs.yaml``."""
    return X264Codec.from_entry(spec)
