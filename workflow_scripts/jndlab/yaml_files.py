"""Reading YAML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from jndlab.errors import UserError

# LibYAML's loader, six times as fast; absent where PyYAML was built without it.
_QUICK = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(path: str | Path) -> Any:
    """Content of a YAML file. Raises UserError; for a syntax error it names the line."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise UserError(f"there is no file '{path}'.") from error
    except OSError as error:
        raise UserError(f"'{path}' cannot be read: {error.strerror}.") from error
    try:
        try:
            return yaml.load(text, _QUICK)
        except yaml.YAMLError:
            return yaml.safe_load(text)  # the slow one has fuller messages
    except yaml.YAMLError as error:
        raise UserError("a file is no valid YAML.", where=str(path), expected=str(error)) from error
