"""VMAF frame by frame with its motion feature held at zero: the same score alone or in a clip."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from jndlab.errors import UserError
from jndlab.files import read_json
from jndlab.media.clip import ClipFormat, raw_input_args
from jndlab.media.ffmpeg import ToolError, ffmpeg_path, run_tool
from jndlab.quality.decode_check import MEASURE_BIT_DEPTH, STRICT
from jndlab.quality.metrics import VMAF_MODEL, VMAF_NEG_MODEL

Metric = Literal["vmaf_neg_still", "vmaf_still"]
MODELS: dict[str, str] = {"vmaf_neg_still": VMAF_NEG_MODEL, "vmaf_still": VMAF_MODEL}


def motionless_vmaf(
    reference: Path,
    distorted: Path,
    clip: ClipFormat,
    *,
    work_dir: Path,
    metric: str = "vmaf_neg_still",
    still_reference: bool = False,
    threads: int = 1,
) -> list[float]:
    """The score of every frame of ``distorted``, 0 to 100, none depending on its neighbours.

    VMAF adds up to some 20 points for motion between the reference's frames and clips at 100:
    between unrelated pictures that motion means nothing, and in a moving clip the clipping hides
    the first losses. Without motion a frame scores as it would alone (97.43 against itself).

    Both files are streams, lossless files or headerless ``.yuv`` files of ``clip``'s format (a
    stream may be deeper); they are compared at 10 bit and paired by index. With
    ``still_reference`` the reference holds one frame, to which all of ``distorted`` are compared.
    Raises UserError for an unknown metric, a missing file, frames of another size or number than
    ``clip`` says, and ToolError if a decoder reports any error.
    """
    if metric not in MODELS:
        raise UserError(
            f"'{metric}' is no score of VMAF without motion.", expected=" or ".join(MODELS)
        )
    for path in (reference, distorted):
        _check_file(path, clip, 1 if still_reference and path is reference else clip.frames)
    align = f"setparams=range=tv,format=yuv420p{MEASURE_BIT_DEPTH}le,settb=1,setpts=N"
    repeat = ",loop=loop=-1:size=1,setpts=N" if still_reference else ""
    model = f"version={MODELS[metric]}\\:name={metric}\\:motion.motion_force_zero=true"
    graph = (
        f"[0:v:0]{align}{repeat}[reference];[1:v:0]{align}[distorted];"
        f"[distorted][reference]libvmaf=model='{model}':n_threads={threads}"
        ":log_fmt=json:log_path=vmaf.json:shortest=1:repeatlast=0"
    )
    work_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="vmaf-", dir=work_dir.resolve()) as folder:
        run = run_tool(
            [ffmpeg_path(), "-hide_banner", "-nostdin", "-nostats", "-v", "error",
             "-filter_complex_threads", str(threads),
             *_input(reference, clip, threads), *_input(distorted, clip, threads),
             "-filter_complex", graph, "-fps_mode", "passthrough", "-f", "null", "-"],
            cwd=Path(folder),
        )  # fmt: skip
        if run.stderr.strip():
            raise ToolError(
                f"FFmpeg cannot compare '{distorted}' with '{reference}'.",
                expected=f"no error; FFmpeg reported:\n    {run.stderr.strip()[:800]}",
                remedy="make the file again.",
            )
        frames = read_json(Path(folder) / "vmaf.json")["frames"]
    scores = [float(frame["metrics"][metric]) for frame in frames]
    if len(scores) != clip.frames or not all(map(math.isfinite, scores)):
        raise UserError(
            "VMAF did not give a score for every frame.",
            where=str(distorted),
            expected=f"{clip.frames} scores, found {len(scores)}",
            remedy="make the file again.",
        )
    return scores


def _input(path: Path, clip: ClipFormat, threads: int) -> list[str]:
    raw = path.suffix.lower() == ".yuv"
    form = raw_input_args(clip) if raw else [*STRICT, "-r", str(clip.fps)]
    return ["-threads", str(threads), *form, "-i", str(path.resolve())]


def _check_file(path: Path, clip: ClipFormat, frames: int) -> None:
    if not path.is_file():
        raise UserError("a file to measure does not exist.", where=str(path))
    found = path.stat().st_size
    if path.suffix.lower() == ".yuv" and found != frames * clip.frame_bytes:
        raise UserError(
            "a raw file to measure has not the size that its format says.",
            where=str(path),
            expected=f"{frames} frames of {clip.width}x{clip.height}, "
            f"{frames * clip.frame_bytes} bytes; found {found}",
        )
