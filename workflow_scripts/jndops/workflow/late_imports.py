"""Modules that Snakemake's plugins import and few runs use, imported when they are used."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

EFFICIENCY = "snakemake_executor_plugin_slurm.efficiency_report"  # imports pandas


class Later(ModuleType):
    """Stands for a module, and imports it when its function is called."""

    def __init__(self, name: str, function: str) -> None:
        super().__init__(name)

        def call(*arguments: Any, **options: Any) -> Any:
            return getattr(self._imported(), function)(*arguments, **options)

        setattr(self, function, call)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # `inspect` asks every module for some
            raise AttributeError(name)
        return getattr(self._imported(), name)

    def _imported(self) -> ModuleType:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return importlib.import_module(self.__name__)


def postpone() -> None:
    """To be called before Snakemake is imported: a quarter of the time in which it starts."""
    sys.modules.setdefault(EFFICIENCY, Later(EFFICIENCY, "create_efficiency_report"))
