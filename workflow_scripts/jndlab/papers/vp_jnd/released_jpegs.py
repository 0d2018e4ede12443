"""The JPEG files of a data set in the place of a codec: what its subjects saw, byte for byte."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jndlab.codecs.stills.base import JpegCodec
from jndlab.errors import UserError
from jndlab.media.pictures import picture_sha256


class ReleasedJpegs(JpegCodec):
    """``files`` (quality factor -> path) of each picture, by the SHA-256 of its pixels."""

    name = "jpeg_release"

    def __init__(self, data_set: str, files: Mapping[str, Mapping[int, Path]]) -> None:
        super().__init__()
        self.data_set, self.files = data_set, files

    def recipe(self, quality: int) -> dict[str, Any]:
        """See :meth:`StillCodec.recipe`."""
        return {"codec": self.name, "data_set": self.data_set, "quality": quality}

    def encode(self, picture: np.ndarray, quality: int) -> bytes:
        """The file of a picture at a quality.

        Raises UserError for a picture or quality without one, and for a damaged file.
        """
        self.check(picture, quality)
        of_picture = self.files.get(picture_sha256(picture), {})
        if quality not in of_picture:
            raise UserError(
                f"{self.data_set} has no JPEG file of a picture at quality {quality}.",
                expected="one of its own pictures, unchanged",
                remedy="set `own_files: false` to encode the pictures again.",
            )
        path = of_picture[quality]
        try:
            data = path.read_bytes()
            self.decode(data)
        except (OSError, UserError) as error:
            raise UserError(
                f"a JPEG file of {self.data_set} cannot be read.",
                where=str(path),
                expected=f"a whole file; {error}",
                remedy="fetch and unpack it again.",
            ) from error
        return data
