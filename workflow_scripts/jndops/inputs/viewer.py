"""Inputs of the page that shows decoded frames: the section `viewer`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jndlab.codecs import codec_class
from jndlab.configuration import did_you_mean
from jndlab.errors import UserError
from jndops.inputs.coding import CodingInputs


class ViewerInputs:
    """Points on the page, in the order of its menus.

    Raises UserError where the section names what the run has not.
    """

    def __init__(self, coding: CodingInputs) -> None:
        self.coding, self.config = coding, coding.config
        self.section: dict[str, Any] = self.config["viewer"]
        sequences = self._chosen("sequences", self.config["sequences"][:1])
        configurations = self._chosen("configurations", self.config["configurations"][-1:])
        qps = self._chosen("qps", self.config["qps"])
        settings = coding.settings
        methods = settings.once(self.config["methods"])
        self.points = [
            point
            for point in settings.points()
            if point.method in methods
            and point.sequence in sequences
            and point.configuration in configurations
            and point.qp in qps
        ]

    def _chosen(self, key: str, default: Sequence[Any]) -> Sequence[Any]:
        chosen = self.section[key]
        for name in chosen or []:
            if name not in self.config[key]:
                raise UserError(
                    f"viewer.{key}: {name} is not in this run"
                    f"{did_you_mean(str(name), list(map(str, self.config[key])))}.",
                    where="the configuration",
                    expected=", ".join(map(str, self.config[key])),
                )
        return chosen or default

    def sources(self) -> list[str]:
        """Lossless clips of the sequences on the page."""
        return [f"{self.coding.results}/sequences/{name}.mkv" for name in self.clips()]

    def clips(self) -> dict[str, dict[str, Any]]:
        """Formats of the sequences on the page."""
        shown = {point.sequence for point in self.points}
        return {name: clip for name, clip in self.coding.clips().items() if name in shown}

    def streams(self) -> list[str]:
        """Streams of the points on the page."""
        codecs = self.coding.settings.codecs
        return [
            f"{self.coding.point_stem('streams', point)}.{codec_class(codecs[point.codec]).suffix}"
            for point in self.points
        ]
