"""User-facing errors: what is wrong, where, what was expected, how to fix it."""

from __future__ import annotations

from typing import Any


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
