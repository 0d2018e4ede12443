"""Tables and figures of a run, each stated once: `report/<wing>/artefacts.yaml`.

The lists feed the outputs of rules with their pages in the report, the tables of the documents
(`make docs`), what an archive rebuilds, and `make where`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.paths import ROOT
from jndlab.yaml_files import load_yaml

FORMATS = {"table": ("csv", "md", "tex", "html"), "figure": ("csv", "svg", "png")}
SHOWN = ("html", "png", "csv", "yml")  # the first that an artefact has is its page in the report
KEYS = {
    "title", "shows", "printed", "caption", "formats", "part", "kind", "category", "subcategory",
    "labels",
}  # fmt: skip


@dataclass(frozen=True)
class Artefact:
    """A table or figure: ``stem`` is its path below the results without suffix.

    Names in braces stand for values of the configuration, or for wildcards of the rule. ``shows``
    is its content in words, ``printed`` its counterpart in the paper; one without a ``title`` is
    no page of the report, whose lists show ``labels`` (metric, codec, configuration) next to it.
    ``part`` names the part of a run that it depends on, if any.
    """

    wing: str
    rule: str
    stem: str
    category: str
    caption: str
    kind: str = "table"
    title: str = ""
    shows: str = ""
    printed: str = ""
    part: str = ""
    formats: tuple[str, ...] = ()
    subcategory: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the output: the last part of the stem, without wildcards."""
        return re.sub(r"\{\w+\}_?", "", self.stem.rsplit("/", 1)[-1])

    def files(self, results: str) -> list[str]:
        """Its files; that which is its page in the report is marked for Snakemake."""
        from snakemake.io import report  # half a second, which `make where` does without

        paths = {suffix: f"{results}/{self.stem}.{suffix}" for suffix in self.formats}
        if self.title:
            shown = next(suffix for suffix in SHOWN if suffix in paths)
            paths[shown] = report(
                paths[shown],
                caption=str(ROOT / "report" / self.wing / f"{self.caption}.rst"),
                category=self.category,
                subcategory=self.subcategory or None,
                labels={"item": self.title, **self.labels},
            )
        return list(paths.values())

    def matches(self, path: str) -> bool:
        """Whether a path below the results is one of its files."""
        pattern = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(self.stem))
        return bool(re.fullmatch(rf"{pattern}\.({'|'.join(self.formats)})", path))


@dataclass(frozen=True)
class Wing:
    """All artefacts of a wing, and where it is described and configured.

    ``from_numbers`` are the rules that need no pictures: an archive of numbers can rebuild them.
    """

    name: str
    title: str
    printed: str
    target: str
    needs: str
    config: str
    document: str
    artefacts: tuple[Artefact, ...]
    from_numbers: Mapping[str, tuple[str, ...]]

    def of_rule(self, rule: str) -> list[Artefact]:
        """Artefacts of a rule, in the order of the list."""
        return [artefact for artefact in self.artefacts if artefact.rule == rule]


@cache
def wings(root: Path = ROOT) -> dict[str, Wing]:
    """The lists of all wings by name. Raises UserError where a list is not what is expected."""
    files = sorted((root / "report").glob("*/artefacts.yaml"))
    return {file.parent.name: _wing(file) for file in files}


def outputs(
    results: str, wing: str, rule: str, *, parts: Iterable[str] = (), **values: Any
) -> dict[str, list[str]]:
    """Files of all artefacts of a rule by name, for ``output:``.

    ``values`` fill the names in braces: a list makes an artefact for each item, a mapping for each
    key, which the report calls by its value; where that is a mapping too, its keys are further
    names for titles and labels. Other names stay wildcards. ``parts`` are the parts
    that this run has. Raises UserError for a rule without artefacts.
    """
    present = {"", *parts}
    found = [
        filled
        for artefact in wings()[wing].of_rule(rule)
        if artefact.part in present
        for filled in _filled(artefact, values)
    ]
    if not found:
        raise UserError(
            f"there is no artefact of rule '{rule}'.", where=f"report/{wing}/artefacts.yaml"
        )
    return {artefact.name: artefact.files(results) for artefact in found}


def _filled(artefact: Artefact, values: Mapping[str, Any]) -> Iterator[Artefact]:
    names = [name for name in re.findall(r"\{(\w+)\}", artefact.stem) if name in values]
    for chosen in product(*(_choices(values[name]) for name in names)):
        stems = {name: item for name, (item, _) in zip(names, chosen, strict=True)}
        shown = {**values, **{name: label for name, (_, label) in zip(names, chosen, strict=True)}}
        for label in filter(_is_mapping, list(shown.values())):
            shown |= label
        yield replace(
            artefact,
            stem=_fill(artefact.stem, stems),
            title=_fill(artefact.title, shown),
            subcategory=_fill(artefact.subcategory, values),
            labels={name: _fill(text, shown) for name, text in artefact.labels.items()},
        )


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _choices(value: Any) -> Iterable[tuple[Any, Any]]:
    """Each value of a name with its label."""
    if isinstance(value, Mapping):
        return value.items()
    return [(item, item) for item in (value if isinstance(value, list) else [value])]


def _fill(text: str, values: Mapping[str, Any]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: str(values.get(found[1], found[0])), text)


def _wing(file: Path) -> Wing:
    content = load_yaml(file)
    name = file.parent.name
    artefacts = []
    for rule, of_rule in content["rules"].items():
        for stem, entry in of_rule.items():
            if unknown := set(entry) - KEYS:
                raise UserError(
                    f"artefact {stem}: unknown key '{sorted(unknown)[0]}'.",
                    where=str(file),
                    expected=", ".join(sorted(KEYS)),
                )
            folder = stem.split("/")[-2] if "/" in stem else ""
            given = {
                "category": content["category"],
                "subcategory": content.get("subcategory", ""),
                "caption": folder,
                "kind": "figure" if folder == "figures" else "table",
                **entry,
            }
            if content["printed"]:  # a wing of papers
                paper = given["subcategory"] or content["title"]
                given["labels"] = {**given.get("labels", {}), "paper": paper}
            given["formats"] = tuple(given.get("formats") or FORMATS[given["kind"]])
            artefacts.append(Artefact(name, rule, stem, **given))
    from_numbers = {key: tuple(rules) for key, rules in content.get("from_numbers", {}).items()}
    about = {
        key: content[key] for key in ("title", "printed", "target", "needs", "config", "document")
    }
    return Wing(name, **about, artefacts=tuple(artefacts), from_numbers=from_numbers)


def rebuilt_rules(root: Path = ROOT) -> dict[str, tuple[str, ...]]:
    """Rules that need nothing but numbers: of each paper, and of every run by the name ``all``."""
    return {
        paper: rules for wing in wings(root).values() for paper, rules in wing.from_numbers.items()
    }


def document_table(wing: Wing) -> list[str]:
    """Markdown table of a wing's artefacts."""
    rows = [
        (artefact.shows, artefact.printed, f"`{artefact.rule}`", f"`{artefact.stem}`")
        for artefact in wing.artefacts
    ]
    return _markdown(["artefact", "printed", "rule", "file below `results/`"], rows)


def overview_table(root: Path = ROOT) -> list[str]:
    """Markdown table of all wings: what each makes, what the printed numbers need, its targets."""
    rows = []
    for wing in sorted(wings(root).values(), key=lambda wing: (not wing.printed, wing.title)):
        kinds = [artefact.kind for artefact in wing.artefacts]
        count = f"{kinds.count('table')} tables, {kinds.count('figure')} figures"
        document = f"[{Path(wing.document).name}]({wing.document})"
        link = "below" if wing.document == "README.md" else document
        rows.append((wing.title, count, wing.printed, wing.needs, wing.target, link))
    head = ["paper", "artefacts", "compared with", "needs for that", "target", "list"]
    return _markdown(head, rows)


def _markdown(head: list[str], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [
        head,
        ["---"] * len(head),
        *([cell.replace("|", "\\|") for cell in row] for row in rows),
    ]
    return [f"| {' | '.join(cells)} |" for cells in lines]
