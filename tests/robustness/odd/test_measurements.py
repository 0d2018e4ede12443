"""Measurements of what does not belong together: misaligned, deeper, shorter, of another range."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from jndlab.media.clip import ClipFormat, Frame, write_clip
from jndlab.media.ffmpeg import run
from jndlab.quality.full_reference import measure
from jndlab.quality.picture_ssim import picture_ssim

CLIP = ClipFormat(64, 64, Fraction(25), 4)
FFV1 = ["-c:v", "ffv1", "-level", "3"]
PASSED = ["-fps_mode", "passthrough", *FFV1]
LOSSLESS, LESS = (True, True), (False, False)  # whether all, or any, pictures are equal

# FFmpeg's options after the reference as input, and what is expected: equal samples, or a message.
TRIES = {
    "itself": ([], LOSSLESS),
    "lossless_x264": (["-c:v", "libx264", "-qp", "0"], LOSSLESS),
    "raised_to_10_bit": (["-pix_fmt", "yuv420p10le", *FFV1], None),
    "other_rate": (["-vf", "setpts=PTS/2", *PASSED], LOSSLESS),
    "later": (["-vf", "setpts=PTS+7/TB", *PASSED], LOSSLESS),
    "gap_in_times": (["-vf", "setpts=PTS+gt(N\\,1)/TB", *PASSED], LOSSLESS),
    "shifted_by_one": (["-vf", "select=gte(n\\,1),tpad=stop=1:color=gray", *FFV1], LESS),
    "reversed": (["-vf", "reverse", *FFV1], LESS),
    "mirrored": (["-vf", "hflip", *FFV1], LESS),
    "squeezed_range": (["-vf", "scale=in_range=full:out_range=limited", *FFV1], LESS),
    "one_frame_less": (["-frames:v", "3", *FFV1], ["frames"]),
    "one_frame_more": (["-vf", "tpad=stop=1:stop_mode=clone", *FFV1], ["frames"]),
    "one_frame": (["-frames:v", "1", *FFV1], ["frames"]),
    "smaller": (["-vf", "scale=32:32", *FFV1], ["another size"]),
    "wider": (["-vf", "pad=66:64", *FFV1], ["another size"]),
    "turned": (["-vf", "transpose", "-aspect", "1", *FFV1], LESS),
    "y444": (["-pix_fmt", "yuv444p", *FFV1], ["sample format"]),
    "y422": (["-pix_fmt", "yuv422p", *FFV1], ["sample format"]),
    "grey": (["-pix_fmt", "gray", *FFV1], ["sample format"]),
    "twelve_bit": (["-pix_fmt", "yuv420p12le", *FFV1], ["sample format"]),
    "alpha": (["-pix_fmt", "yuva420p", *FFV1], ["sample format"]),
    "empty": (b"", ["sample.mkv"]),
    "text": (b"hello", ["sample.mkv"]),
    "cut": (0.6, ["sample.mkv"]),
    "absent": (None, ["does not exist"]),
}  # fmt: skip


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    path = tmp_path_factory.mktemp("reference") / "reference.mkv"
    rng = np.random.default_rng(1)
    planes = [
        Frame(*(rng.integers(16, 235, (side, side)).astype(np.uint8) for side in (64, 32, 32)))
        for _ in range(CLIP.frames)
    ]
    write_clip(path, planes, CLIP)
    return path


@pytest.mark.parametrize("name", TRIES)
def test_a_measurement(tmp_path, meet, reference, name):
    options, said = TRIES[name]
    path = tmp_path / "sample.mkv"
    if isinstance(options, list):
        run(["-i", str(reference), *(options or ["-c", "copy"]), str(path)])
    elif options is not None:
        whole = reference.read_bytes()
        path.write_bytes(
            whole[: int(options * len(whole))] if isinstance(options, float) else options
        )

    def measured():
        frames = measure(reference, path, CLIP, work_dir=tmp_path).frames
        assert len(frames) == CLIP.frames
        equal = [frame["psnr_y"] is None for frame in frames]
        return [all(equal), any(equal)]

    meet(measured, LOSSLESS if said is None else said)


@pytest.mark.parametrize(
    ("shape", "other", "said"),
    [((64, 64, 3), (64, 64, 3), 1.0), ((64, 64, 3), (64, 66, 3), ["one size"]),
     ((64, 64, 3), (66, 64, 3), ["one size"]), ((4, 4, 3), (4, 4, 3), ["11x11"]),
     ((11, 11, 3), (11, 11, 3), 1.0), ((0, 64, 3), (0, 64, 3), ["11x11"]),
     ((1, 5000, 3), (1, 5000, 3), ["11x11"])],
    ids=str,
)  # fmt: skip
def test_structural_similarity(meet, shape, other, said):
    first, second = (np.full(size, 7, np.uint8) for size in (shape, other))
    meet(lambda: round(float(picture_ssim(first, second)), 6), said)
