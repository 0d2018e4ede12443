"""Entries of a BibTeX file: those that a text cites, as BibTeX and as a list to read.

The file next to this module is the suite's own, of one field a line. A text cites as
Pandoc does: ``[@key]`` or ``[@one; @other]``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jndlab.errors import UserError
from jndlab.files import read_utf8

REFERENCES = Path(__file__).with_suffix(".bib")
CITATION = re.compile(r"\[(@[\w-]+(?:; @[\w-]+)*)\]")
_ENTRY = re.compile(r"(?ms)^@(\w+)\{([\w-]+),\n(.*?)^\}$")
_FIELD = re.compile(r"(?m)^  (\w+) = \{(.*)\},$")
_ACCENT = re.compile(r"\{?\\([\"'vc])\{?(\w)\}?\}?")
_COMBINING = {'"': "\u0308", "'": "\u0301", "v": "\u030c", "c": "\u0327"}
VENUES = ("journal", "booktitle", "institution", "howpublished")


@dataclass(frozen=True)
class Reference:
    """An entry: ``fields`` as written, ``source`` its BibTeX."""

    key: str
    fields: Mapping[str, str]
    source: str

    def in_words(self) -> str:
        """Authors, title, where it was published, year and address in a line of plain text."""
        fields = {name: _plain(value) for name, value in self.fields.items()}
        authors = fields["author"].replace(" and others", " et al.").split(" and ")
        venue = next((fields[name] for name in VENUES if name in fields), "")
        numbers = [
            f"{word}{fields[name]}"
            for name, word in (("volume", "vol. "), ("number", "no. "), ("pages", "pp. "))
            if name in fields
        ]
        place = ", ".join([*filter(None, [venue]), *numbers, *filter(None, [fields.get("year")])])
        address = f"https://doi.org/{fields['doi']}" if "doi" in fields else fields.get("url", "")
        parts = ["; ".join(authors), fields["title"], place, address]
        return f"{'. '.join(part.rstrip('.') for part in parts if part)}."


def read_references(path: str | Path = REFERENCES) -> dict[str, Reference]:
    """All entries of a file by key. Raises UserError for a key that stands twice."""
    found: dict[str, Reference] = {}
    for entry in _ENTRY.finditer(read_utf8(path)):
        _, key, body = entry.groups()
        if key in found:
            raise UserError(f"the reference '{key}' stands twice.", where=str(path))
        found[key] = Reference(key, dict(_FIELD.findall(body)), entry[0])
    return found


def cited(text: str, known: Mapping[str, Reference]) -> list[Reference]:
    """The entries that a text cites, in its order. Raises UserError for an unknown key."""
    keys = [key for group in CITATION.findall(text) for key in group.replace("@", "").split("; ")]
    if missing := [key for key in keys if key not in known]:
        raise UserError(
            f"there is no reference '{missing[0]}'.",
            where=str(REFERENCES),
            remedy="add an entry with this key.",
        )
    return [known[key] for key in dict.fromkeys(keys)]


def numbered(text: str, references: Sequence[Reference]) -> str:
    """The text with numbers from 1 in place of keys: ``[1]``, ``[2, 3]``."""
    number = {reference.key: str(place) for place, reference in enumerate(references, 1)}
    return CITATION.sub(
        lambda group: f"[{', '.join(number[k] for k in group[1].replace('@', '').split('; '))}]",
        text,
    )


def _plain(value: str) -> str:
    """A field without LaTeX: accents composed, braces gone."""
    value = _ACCENT.sub(lambda found: found[2] + _COMBINING[found[1]], value)
    value = value.replace(r"{\o}", "ø").replace("--", "\u2013")
    return unicodedata.normalize("NFC", re.sub(r"[{}]", "", value))
