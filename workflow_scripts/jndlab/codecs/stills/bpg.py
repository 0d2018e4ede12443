"""BPG by the reference tools `bpgenc` and `bpgdec`, which the user installs."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from jndlab.codecs.stills.base import StillCodec
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.media import ffmpeg
from jndlab.media.pictures import read_picture

# bpgenc's defaults, explicitly: 8 bit, 4:2:0, YCbCr of BT.601, its default effort.
_OPTIONS = ("-b", "8", "-f", "420", "-c", "ycbcr", "-m", "8")


class BpgCodec(StillCodec):
    """BPG at QP 51 to 0 (``bpgenc -q``), 4:2:0; one process for each picture and quality.

    Raises UserError when made where ``bpgenc`` or ``bpgdec`` is not on the PATH.
    """

    name = "bpg"
    suffix = ".bpg"
    qualities = tuple(range(51, -1, -1))

    def __init__(self) -> None:
        self._encoder, self._decoder = _tool("bpgenc"), _tool("bpgdec")

    def recipe(self, quality: int) -> dict[str, Any]:
        """See :meth:`StillCodec.recipe`; the version and the very program, as builds differ."""
        return {
            "codec": self.name,
            **_identity(self._encoder),
            "options": list(_OPTIONS),
            "quality": quality,
        }

    def encode(self, picture: np.ndarray, quality: int) -> bytes:
        """See :meth:`StillCodec.encode`."""
        self.check(picture, quality)
        with TemporaryDirectory() as scratch:
            source, target = Path(scratch) / "picture.png", Path(scratch) / "picture.bpg"
            Image.fromarray(picture).save(source, compress_level=1)
            ffmpeg.run_tool([self._encoder, *_OPTIONS, "-q", str(quality), "-o", target, source])
            if not target.is_file() or not target.stat().st_size:
                raise UserError("bpgenc wrote no picture.", where=str(self._encoder))
            return target.read_bytes()

    def decode(self, data: bytes) -> np.ndarray:
        """See :meth:`StillCodec.decode`."""
        with TemporaryDirectory() as scratch:
            source, target = Path(scratch) / "picture.bpg", Path(scratch) / "picture.png"
            source.write_bytes(data)
            ffmpeg.run_tool([self._decoder, "-o", target, source])
            return read_picture(target)


def _tool(name: str) -> Path:
    found = shutil.which(name)
    if found is None:
        raise UserError(
            f"BPG cannot be coded: '{name}' is not on the PATH.",
            expected="bpgenc and bpgdec of libbpg",
            remedy="build libbpg (https://bellard.org/bpg/) and add its folder to the PATH, or "
            "choose hevc_intra, which is packaged (and keeps its own name in all results).",
        )
    return Path(found)


@lru_cache
def _identity(encoder: Path) -> dict[str, str]:
    # Its help ends with exit status 1.
    helped = subprocess.run([encoder, "-h"], capture_output=True, stdin=subprocess.DEVNULL,
                            check=False)  # fmt: skip
    output = (helped.stdout + helped.stderr).decode(errors="replace")
    version = re.search(r"BPG Image Encoder version (\S+)", output)
    return {"version": version[1] if version else "untold", "encoder_sha256": sha256_of(encoder)}
