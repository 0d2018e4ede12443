"""Configuration of the codecs: the entries of `config/codecs.yaml`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, RootModel

from jndlab.configuration import Section

Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
    "placebo",
]  # fmt: skip


class Vvenc(Section):
    """VVC by VVenC inside the packaged FFmpeg, constant QP 0 to 63."""

    adapter: Literal["vvenc"]
    """VVC by VVenC inside the packaged FFmpeg, constant QP 0 to 63."""
    preset: Literal["faster", "fast", "medium", "slow", "slower"]
    """VVenC's trade of speed for compression, fastest first."""


class X265(Section):
    """HEVC by x265 inside the packaged FFmpeg, constant QP 0 to 51."""

    adapter: Literal["x265"]
    """HEVC by x265 inside the packaged FFmpeg, constant QP 0 to 51."""
    preset: Preset
    """x265's trade of speed for compression, fastest first."""


class X264(Section):
    """H.264 by x264 inside the packaged FFmpeg, constant QP 0 to 51 or a QP per 64x64 block."""

    adapter: Literal["x264"]
    """H.264 by x264 inside the packaged FFmpeg, constant QP 0 (lossless) to 51 or a QP per 64x64
    block, 8 bit."""
    preset: Preset
    """x264's trade of speed for compression, fastest first."""


class Kvazaar(Section):
    """HEVC by kvazaar inside the packaged FFmpeg, constant QP 0 to 51 or a QP per 64x64 block."""

    adapter: Literal["kvazaar"]
    """HEVC by kvazaar inside the packaged FFmpeg, constant QP 0 to 51 or a QP per 64x64 block, 8
    bit."""
    preset: Preset
    """kvazaar's trade of speed for compression, fastest first."""
    vaq: Annotated[int, Field(ge=1, le=20)] | None = None
    """Strength of kvazaar's own adaptation of QPs to the variance of blocks; null turns it off."""


class VtmConfigFiles(Section):
    """VTM's configuration file of each coding configuration."""

    AI: str | None = None
    """Path of encoder_intra_vtm.cfg."""
    LDP: str | None = None
    """Path of encoder_lowdelay_P_vtm.cfg."""


class Vtm(Section):
    """VVC by its reference software VTM, which the user builds; constant QP 0 to 63."""

    adapter: Literal["vtm"]
    """VVC by its reference software VTM, which the user builds; constant QP 0 to 63."""
    version: Annotated[str, Field(pattern=r"^[0-9]+\.[0-9]+")]
    """Version that the executables must name in their first line (quoted)."""
    encoder: str | None = None
    """Path of EncoderAppStatic; null leaves the codec unusable until it is set."""
    decoder: str | None = None
    """Path of DecoderAppStatic; needed only for verify_with_decoder."""
    config_files: VtmConfigFiles = VtmConfigFiles()
    verify_with_decoder: bool = False
    """Decode every stream with DecoderAppStatic too and compare it with FFmpeg's decode."""


CodecName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Codec = Annotated[Vvenc | X265 | X264 | Kvazaar | Vtm, Field(discriminator="adapter")]


class Codecs(RootModel[Annotated[dict[CodecName, Codec], Field(min_length=1)]]):
    """Codecs by name; a configuration names them in its list of codecs."""
