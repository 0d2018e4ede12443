"""Inputs and parameters of rules as functions of their wildcards, one module for each wing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from snakemake.exceptions import WorkflowError

from jndlab.errors import UserError

Wildcards = Any  # Snakemake's, or anything with attributes of these names: a Point


class ConfigurationError(WorkflowError):
    """A user's mistake, which Snakemake prints by its message alone, without lines of our code."""

    __traceback__ = property(lambda self: None, lambda self, traceback: None)


@contextmanager
def workflow_errors() -> Iterator[None]:
    """A user's mistake ends Snakemake with its message, without a traceback."""
    try:
        yield
    except UserError as error:
        raise ConfigurationError(str(error)) from None


def one_of(names: Iterable[str]) -> str:
    """Regular expression that matches exactly the given names; of none, that matches no name."""
    return "|".join(map(re.escape, names)) or "(?!)"
