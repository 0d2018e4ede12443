"""Inputs and parameters of rules as functions of their wildcards, one module for each wing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from snakemake.exceptions import WorkflowError
from snakemake.logging import DefaultFilter, logger
from snakemake.settings.enums import Quietness

from jndlab.errors import UserError

Wildcards = Any  # Snakemake's, or anything with attributes of these names: a Point


class ConfigurationError(WorkflowError):
    """A user's mistake, which Snakemake prints by its message alone, without lines of our code."""

    __traceback__ = property(lambda self: None, lambda self, traceback: None)


@contextmanager
def workflow_errors() -> Iterator[None]:
    """A user's mistake ends Snakemake with its message, not a traceback, however quiet it is."""
    try:
        yield
    except UserError as error:
        if _is_silent():
            print(error, file=sys.stderr)
        raise ConfigurationError(str(error)) from None


def _is_silent() -> bool:
    """Whether Snakemake keeps errors from the terminal, as ``--quiet all`` does."""
    filters = [one for handler in logger.handlers for one in handler.filters]
    chosen = [one for one in filters if isinstance(one, DefaultFilter)]
    return any(Quietness.ALL in one.quiet and not one.dryrun for one in chosen)


def one_of(names: Iterable[str]) -> str:
    """Regular expression that matches exactly the given names; of none, that matches no name."""
    return "|".join(map(re.escape, names)) or "(?!)"
