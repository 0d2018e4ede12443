"""Configuration of the codecs: the entries of `config/codecs.yaml`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, RootModel

from jndlab.configuration import Section

Preset = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow",
    "placebo",
]  # fmt: skip


def _plain_values(params: dict[str, Any]) -> dict[str, Any]:
    for name, value in params.items():
        if not isinstance(value, str | int | float):
            raise ValueError(f"the parameter {name} is {value!r}; write a text or a number")
    return params


ParamName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Params = Annotated[dict[ParamName, Any], AfterValidator(_plain_values)]


class Packaged(Section):
    """Keys of all encoders inside FFmpeg."""

    program: str | None = None
    """Path of an FFmpeg of one's own with this encoder; for x265 and SVT-AV1 also of a build of the
    encoder itself. Null takes the packaged FFmpeg."""
    params: Params = {}
    """Parameters of the encoder by its own names, such as `{psy-rd: 0}`: in place of the suite's,
    part of each recipe and of the column `encoder` of tables. x264 and x265 take `aq-mode` at
    constant rate factors only (`rate`)."""


class Vvenc(Packaged):
    """VVC by VVenC inside the packaged FFmpeg, constant QP 0 to 63."""

    adapter: Literal["vvenc"]
    """VVC by VVenC inside the packaged FFmpeg, constant QP 0 to 63."""
    preset: Literal["faster", "fast", "medium", "slow", "slower"]
    """VVenC's trade of speed for compression, fastest first."""


class X265(Packaged):
    """HEVC by x265 inside the packaged FFmpeg, constant QP 0 to 51."""

    adapter: Literal["x265"]
    """HEVC by x265 inside the packaged FFmpeg, constant QP 0 to 51."""
    preset: Preset
    """x265's trade of speed for compression, fastest first."""
    aq_mode: Annotated[int, Field(ge=0, le=4)] | None = None
    """x265's own adaptation of QPs to blocks, at a rate factor that gives each picture the QP
    stated (0: the same without adaptation); null codes at constant QP."""


class X264(Packaged):
    """H.264 by x264 inside the packaged FFmpeg, constant QP 0 to 51 or a QP per 64x64 block."""

    adapter: Literal["x264"]
    """H.264 by x264 inside the packaged FFmpeg, constant QP 0 (lossless) to 51 or a QP per 64x64
    block, 8 bit."""
    preset: Preset
    """x264's trade of speed for compression, fastest first."""


class Kvazaar(Packaged):
    """HEVC by kvazaar inside the packaged FFmpeg, constant QP 0 to 51 or a QP per 64x64 block."""

    adapter: Literal["kvazaar"]
    """HEVC by kvazaar inside the packaged FFmpeg, constant QP 0 to 51 or a QP per 64x64 block, 8
    bit."""
    preset: Preset
    """kvazaar's trade of speed for compression, fastest first."""
    vaq: Annotated[int, Field(ge=1, le=20)] | None = None
    """Strength of kvazaar's own adaptation of QPs to the variance of blocks; null turns it off."""


class Svtav1(Packaged):
    """AV1 by SVT-AV1 inside the packaged FFmpeg, constant quantiser 1 to 63; 8 and 10 bit."""

    adapter: Literal["svtav1"]
    """AV1 by SVT-AV1 inside the packaged FFmpeg, constant quantiser 1 to 63; 8 and 10 bit."""
    preset: Annotated[int, Field(ge=0, le=13)]
    """SVT-AV1's trade of speed for compression, slowest first."""


class Libaom(Packaged):
    """AV1 by libaom inside the packaged FFmpeg, constant quantiser 0 to 63; 8 and 10 bit."""

    adapter: Literal["libaom"]
    """AV1 by libaom inside the packaged FFmpeg, constant quantiser 0 to 63; 8 and 10 bit."""
    preset: Annotated[int, Field(ge=0, le=8)]
    """libaom's speed (`cpu-used`), slowest first."""


class OwnClass(Section):
    """A codec class of one's own; `adapter` may be left out."""

    adapter: Literal["class"]
    """A codec class of one's own; `adapter` may be left out."""
    class_: Annotated[
        str,
        Field(
            alias="class",
            pattern="^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$",
            examples=["'my_codecs:Mine'"],
        ),
    ]
    """A subclass of `jndlab.codecs.base.Codec`, `package.module:Class`; it may stand next to the
    Snakefile."""
    options: dict[str, Any] = {}
    """Keyword arguments of the class."""


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
    params: Params = {}
    """Parameters of the encoder by its own names, such as `{DeblockingFilterDisable: 1}`."""
    verify_with_decoder: bool = False
    """Decode every stream with DecoderAppStatic too and compare it with FFmpeg's decode."""


CodecName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Codec = Annotated[
    Vvenc | X265 | X264 | Kvazaar | Svtav1 | Libaom | OwnClass | Vtm, Field(discriminator="adapter")
]


class Codecs(RootModel[Annotated[dict[CodecName, Codec], Field(min_length=1)]]):
    """Codecs by name; a configuration names them in its list of codecs."""
