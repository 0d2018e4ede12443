"""kvazaar (HEVC) inside the packaged FFmpeg: constant QP, or one QP per 64x64 block and frame."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from jndlab.codecs.base import EncodeJob, EncodeResult
from jndlab.codecs.packaged import PackagedCodec
from jndlab.codecs.qp_map import MAX_QP, read_qp_map
from jndlab.errors import UserError
from jndlab.media import ffmpeg

if TYPE_CHECKING:
    import numpy as np

# Kvazaar's QP adaptation and rate control are off by default. `gop=0`: every picture is coded
# at the stated QP (its low-delay GOPs, `gop=lp-...`, code P pictures up to 5 steps above it, which
# would come on top of a map). One thread and one picture at a time: kvazaar's search may depend on
# the number of pictures in flight, and entropy resets at every row of blocks without `wpp=0`.
# `info` and `hash` would add comments and checksums to the stream.
_PINNED = {
    "gop": "0",
    "bipred": "0",
    "intra-qp-offset": "0",
    "open-gop": "0",
    "wpp": "0",
    "owf": "0",
    "threads": "0",
    "info": "0",
    "hash": "none",
}
_INTRA_PERIOD = {"AI": "1", "LDP": "0"}  # 0: only the first picture is intra
# The QP of a block is coded as a difference of -26 to 25 (at 8 bit) to that of the block before it,
# the first one of a picture to the picture's. H.265 takes the sum modulo 52 (8.6.1), so
# that every QP can be reached from any other; kvazaar does not wrap, and aborts beyond.
_MAX_STEP = 25


class KvazaarCodec(PackagedCodec):
    """kvazaar at constant QP, with a QP map or its own adaptation ``vaq``, 8 bit, on one thread.

    ``LDP`` is one I picture and then P pictures that refer to the pictures before them (as many as
    the preset keeps), all at the same QP. With ``EncodeJob.qp_map`` the QP of each coding tree unit
    of 64x64 luma samples is the map's, in I and P pictures: no offset comes on top. The QP in
    the picture headers, from which the differences count, is then the map's median, so that a map
    of one value gives the pictures of the encode at that QP without a map (and about two bytes
    more each). Width and height must be multiples of 8, as FFmpeg asks.
    """

    adapter = "kvazaar"
    suffix = "265"
    independent_intra = True
    library = "libkvazaar"
    presets = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower",
               "veryslow", "placebo")  # fmt: skip
    max_qp = MAX_QP
    version_pattern = r"Kvazaar HEVC Encoder v\. (\S+)"
    version_in_stream = True
    fixed_options = ("-pix_fmt", "yuv420p")
    bit_depths = (8,)
    size_multiple = 8
    takes_qp_map = True

    def __init__(self, preset: str, vaq: int | None = None, **further: Any) -> None:
        super().__init__(preset, **further)
        self.vaq = vaq

    def parameters(self, configuration: str, qp: float) -> dict[str, str]:
        """kvazaar's options; the preset comes first, because later ones overrule earlier ones."""
        own = {} if self.vaq is None else {"vaq": str(self.vaq)}
        return {"preset": self.preset, "qp": str(qp), "period": _INTRA_PERIOD[configuration],
                **_PINNED, **own}  # fmt: skip

    def preset_args(self) -> list[str]:
        """None: FFmpeg takes presets of kvazaar among its parameters only."""
        return []

    def encoder_args(self, job: EncodeJob) -> list[str]:
        """kvazaar's own options; ``job.qp_map`` is here already a file of kvazaar's form."""
        options = self.all_parameters(job.configuration, job.qp)
        if job.qp_map is not None:
            options["roi"] = str(job.qp_map)
        return ["-kvazaar-params", ",".join(f"{k}={_escaped(v)}" for k, v in options.items())]

    def encode(self, job: EncodeJob) -> EncodeResult:
        """See :meth:`Codec.encode`. UserError also for a map that does not fit the clip, or whose
        QPs in one frame are more than 25 apart. In the command that is returned the map stands
        for the temporary file that kvazaar read."""
        self.check_source(job.clip, str(job.source))
        if job.qp_map is None:
            return super().encode(job)
        qp = read_qp_map(job.qp_map, job.clip)
        base = picture_qp(qp, job.qp_map)
        job.work_dir.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=job.work_dir) as scratch:
            differences = Path(scratch) / "qp_map.bin"  # kvazaar goes by the suffix
            differences.write_bytes(roi_bytes(qp - base))
            result = super().encode(replace(job, qp=base, qp_map=differences))
        read, wanted = _escaped(str(differences)), _escaped(str(job.qp_map))
        return replace(result, command=[word.replace(read, wanted) for word in result.command])

    def _run(
        self, job: EncodeJob, part: Path, sizes: Path
    ) -> tuple[ffmpeg.CompletedRun, list[int]]:
        run, bits = super()._run(job, part, sizes)
        if (
            not self.params and "Invalid option" in run.stderr
        ):  # FFmpeg only warns, and would code without the map
            raise UserError(
                "kvazaar rejects one of its options.",
                where=str(ffmpeg.ffmpeg_path()),
                expected="; ".join(re.findall(r"Invalid option.*", run.stderr)),
                remedy="use the packaged FFmpeg (unset JNDLAB_FFMPEG).",
            )
        return run, bits


def picture_qp(qp: np.ndarray, path: str | Path) -> int:
    """The QP from which a map's differences count: its median, where the differences allow it.

    ``qp`` is frames x rows x columns. Raises UserError where the QPs of one frame (of file
    ``path``) are more than 25 apart.
    """
    import numpy as np

    flat = qp.reshape(len(qp), -1).astype(int)
    lowest, highest = flat.min(axis=1), flat.max(axis=1)
    # A block without any coded difference passes its predecessor's QP on, so that the step can be
    # from any QP of the frame to any other.
    widest = int(np.argmax(highest - lowest))
    if highest[widest] - lowest[widest] > _MAX_STEP:
        raise UserError(
            "the QPs of one frame of a QP map are too far apart.",
            where=f"{path}: frame {widest} (from 0)",
            expected=f"at most {_MAX_STEP} (kvazaar), found {lowest[widest]} to {highest[widest]}",
            remedy="limit the difference of the QPs where the map is made.",
        )
    median = np.rint(np.median(flat))
    return int(np.clip(median, flat.max() - _MAX_STEP, flat.min() + _MAX_STEP + 1))


def roi_bytes(differences: np.ndarray) -> bytes:
    """Differences (frames x rows x columns) in kvazaar's binary form, one map after the other:
    columns and rows as 32-bit integers, then a signed byte for each block in raster order."""
    import numpy as np

    rows, columns = differences.shape[1:]
    size = np.array([columns, rows], "<i4").tobytes()
    return b"".join(size + frame.astype(np.int8).tobytes() for frame in differences)


def from_spec(spec: Mapping[str, Any]) -> KvazaarCodec:
    """Build the codec of an entry of ``config/codecs.yaml``."""
    return KvazaarCodec.from_entry(spec, vaq=spec.get("vaq"))


def _escaped(value: str) -> str:
    """A value for FFmpeg's list of ``key=value`` pairs, where these characters mean something."""
    return "".join(f"\\{char}" if char in "\\'," else char for char in value)
