"""User-facing errors: what is wrong, where, what was expected, how to fix it."""

from __future__ import annotations

import errno
import os
from typing import Any

# Limits of a machine: how the system or a tool names them, what they are, what to do.
_GO_ON = "then run the same command again: what is finished is kept."
LIMITS = (
    (
        (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT)),
        "the disk is full, or its quota is used up",
        f"free some space (`make plan` shows how much a run needs), {_GO_ON}",
    ),
    (
        (os.strerror(errno.EFBIG), "SIGXFSZ"),
        "a file would grow beyond the limit of this shell",
        f"raise the limit (`ulimit -f unlimited`), {_GO_ON}",
    ),
    (
        (
            os.strerror(errno.ENOMEM), "MemoryError", "Unable to allocate", "std::bad_alloc",
            "can't allocate memory", "can't start new thread", "out of memory", "SIGKILL",
        ),
        "memory ran out, or a limit of memory or processes was reached",
        "run fewer jobs at once (CORES=1) or on smaller clips, raise the limits (`ulimit -v`, "
        f"`ulimit -u`, a cluster's memory), {_GO_ON}",
    ),
)  # fmt: skip


def limit_in(text: str) -> tuple[str, str] | None:
    """Which limit of the machine the words of a tool or the system name, and what to do."""
    lowered = text.lower()
    for names, what, remedy in LIMITS:
        if any(name.lower() in lowered for name in names):
            return what, remedy
    return None


def limit_reached(error: BaseException) -> UserError | None:
    """The message for an error whose cause is a limit of the machine; None for any other."""
    seen: BaseException | None = error
    while seen is not None:
        if found := limit_in(f"{type(seen).__name__}: {seen}"):
            return UserError(f"{found[0]}.", expected=str(seen)[:300], remedy=found[1])
        seen = seen.__cause__ or seen.__context__
    return None


class UserError(Exception):
    """A mistake of the user or of the machine, not of the code: shown without a traceback.

    ``what`` is wrong, ``where`` (file, key, row), what was ``expected`` (and found), and the
    ``remedy``. Only ``what`` is needed; the others are left out of the message when empty.
    """

    def __init__(self, what: str, *, where: str = "", expected: str = "", remedy: str = "") -> None:
        self.what, self.where, self.expected, self.remedy = what, where, expected, remedy
        labelled = [("where", where), ("expected", expected), ("what to do", remedy)]
        lines = [what] + [f"  {label}: {text}" for label, text in labelled if text]
        super().__init__("\n".join(lines))

    def __reduce__(
        self,
    ) -> tuple[Any, ...]:  # keyword-only arguments do not survive the default pickling
        return (_rebuild, (type(self), self.what, self.where, self.expected, self.remedy))


def _rebuild(kind: type[UserError], what: str, where: str, expected: str, remedy: str) -> UserError:
    error = kind.__new__(kind)
    UserError.__init__(error, what, where=where, expected=expected, remedy=remedy)
    return error
