"""What data is present, what is missing, and what to do for each; the check before a long run."""

from __future__ import annotations

import hashlib
import textwrap
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from jndlab.datasets.fetch import RECORD_NAME, read_record
from jndlab.datasets.prepare import check_raw_size, check_stream, is_raw, source_path
from jndlab.datasets.registry import Dataset, choose_dataset
from jndlab.datasets.sequences import Sequence, choose_sequences
from jndlab.errors import UserError
from jndlab.files import sha256_of

State = Literal["present", "partial", "missing"]


@dataclass(frozen=True)
class Finding:
    """State of one data set: what was looked for, what a run lacks (``lacking``), what to do."""

    dataset: str
    title: str
    needed: bool
    state: State
    found: list[str]
    lacking: list[str] = field(default_factory=list)
    to_do: list[str] = field(default_factory=list)


def check_data(
    registry: Mapping[str, Dataset],
    sequences: Mapping[str, Sequence],
    data_dir: str | Path,
    needed_datasets: Collection[str] = (),
    needed_sequences: Collection[str] = (),
) -> tuple[str, bool]:
    """The report as text, and whether everything that is needed is there."""
    findings = find_data(registry, sequences, data_dir, needed_datasets, needed_sequences)
    return as_text(findings, data_dir), not any(finding.lacking for finding in findings)


def find_data(
    registry: Mapping[str, Dataset],
    sequences: Mapping[str, Sequence],
    data_dir: str | Path,
    needed_datasets: Collection[str] = (),
    needed_sequences: Collection[str] = (),
) -> list[Finding]:
    """State of every data set of the registry, in its order.

    A data set of ``needed_datasets`` must be there as a whole; of a set that only holds
    ``needed_sequences`` their files must be, each with the size or the samples in the sheet.
    Raises UserError for a name in neither the registry nor the sheet.
    """
    for key in needed_datasets:
        choose_dataset(registry, key)
    chosen = choose_sequences(sequences, needed_sequences)
    for sequence in chosen:
        choose_dataset(registry, sequence.dataset, f"sequence '{sequence.id}' of the sheet")
    return [
        _find(
            dataset,
            [sequence for sequence in chosen if sequence.dataset == dataset.key],
            dataset.key in needed_datasets,
            data_dir,
        )
        for dataset in registry.values()
    ]


def as_text(findings: Collection[Finding], data_dir: str | Path) -> str:
    """The findings as a table, followed by what to do for each set that is not wholly there."""
    rows = [("DATA SET", "NEEDED", "STATE", "FOUND")] + [
        (finding.dataset, "yes" if finding.needed else "-", finding.state, "; ".join(finding.found))
        for finding in findings
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [f"Data sets, looked for in {Path(data_dir).resolve()}:", ""]
    for row in rows:
        start = "  ".join(row[column].ljust(widths[column]) for column in range(3))
        lines.append(f"  {start}  {row[3]}".rstrip())
    absent = [finding for finding in findings if finding.lacking or finding.state != "present"]
    for finding in sorted(absent, key=lambda finding: not finding.lacking):
        lines += ["", f"{finding.dataset}: {finding.title}"]
        lines += _wrapped("lacking:", finding.lacking)
        lines += _wrapped("-", finding.to_do)
    lacking = [finding.dataset for finding in findings if finding.lacking]
    verdict = (
        f"This configuration cannot run: it lacks data of {', '.join(lacking)}."
        if lacking
        else "This configuration has all the data that it needs."
    )
    return "\n".join([*lines, "", verdict])


def _wrapped(mark: str, items: list[str]) -> list[str]:
    indent = " " * (len(mark) + 3)
    wrapper = textwrap.TextWrapper(100, subsequent_indent=indent, break_long_words=False)
    wrapper.break_on_hyphens = False
    return [line for item in items for line in wrapper.wrap(f"  {mark} {item}")]


def _find(
    dataset: Dataset, sequences: list[Sequence], whole: bool, data_dir: str | Path
) -> Finding:
    folder = dataset.folder(data_dir)
    counts = [
        (rule, 0 if folder is None else sum(1 for _ in folder.glob(rule.glob)))
        for rule in dataset.present
    ]
    state: State = "partial"
    if all(count >= rule.count for rule, count in counts):
        state = "present"
    elif not any(count for _, count in counts):
        state = "missing"
    lacking = [fault for sequence in sequences if (fault := _fault(sequence, dataset, data_dir))]
    wrong = _changed_files(dataset, folder)
    if whole:
        lacking += wrong
        lacking += [
            f"{rule.glob}: {rule.count} files expected, {count} found in {folder}"
            for rule, count in counts
            if count < rule.count
        ]
    return Finding(
        dataset.key,
        dataset.title,
        whole or bool(sequences),
        state,
        [f"{min(count, rule.count)}/{rule.count} {rule.glob}" for rule, count in counts]
        + wrong
        + [
            f"{file}: checksum recorded at first download ({day}), none published"
            for file, day in recorded_files([dataset], data_dir).items()
        ],
        lacking,
        _to_do(dataset, folder, data_dir),
    )


def _changed_files(dataset: Dataset, folder: Path | None) -> list[str]:
    published = [(rule.glob, 0, rule.sha256) for rule in dataset.present if rule.sha256]
    published += [(file.name, file.size_bytes, file.sha256) for file in dataset.archives]
    published += [
        (file.name, file.size_bytes or 0, file.sha256) for file in dataset.files if file.sha256
    ]
    return [
        f"{path} is not the published file (sha256 {checksum})"
        for glob, size, checksum in published
        if folder is not None
        for path in sorted(folder.glob(glob))
        if path.stat().st_size != (size or path.stat().st_size) or sha256_of(path) != checksum
    ]


def recorded_files(datasets: Iterable[Dataset], data_dir: str | Path) -> dict[str, str]:
    """Fetched files of data sets whose checksum is that of their first download, and its day.

    None is published of them: that they are unchanged is known, not where they come from.
    """
    known = read_record(Path(data_dir) / RECORD_NAME)
    return {
        file.name: str(entry.get("recorded", "unknown date"))
        for dataset in datasets
        for file in dataset.files
        if not (file.sha256 or file.md5)
        and (entry := known.get(f"{dataset.key}/{file.name}")) is not None
    }


def recorded_note(files: Mapping[str, str]) -> str:
    """The sentence that tables carry which rest on :func:`recorded_files`; empty without any."""
    named = ", ".join(f"{name} ({day})" for name, day in files.items())
    return f"Checksums recorded at first download, none published: {named}." if named else ""


def _fault(sequence: Sequence, dataset: Dataset, data_dir: str | Path) -> str | None:
    """Fault of the source of a sequence, in one line; None without one."""
    try:
        source = source_path(sequence, Path(data_dir) / dataset.key)
        if is_raw(source):
            check_raw_size(sequence, source)
            _check_range(sequence, source)
        check_stream(sequence, source)
    except UserError as error:
        return f"{sequence.id} ({sequence.file}): {error.what} {error.expected}"
    return None


def _check_range(sequence: Sequence, source: Path) -> None:
    """Raise UserError where frames of a raw file are not those of the published one."""
    if not sequence.range_md5:
        return
    frames, _, wanted = sequence.range_md5.partition(":")
    first, count = map(int, frames.split("+"))
    frame_bytes = sequence.clip().frame_bytes
    digest = hashlib.md5(usedforsecurity=False)
    with open(source, "rb") as stream:
        stream.seek(first * frame_bytes)
        for _ in range(count):
            digest.update(stream.read(frame_bytes))
    if digest.hexdigest() != wanted:
        raise UserError(
            "the file is not the published sequence.",
            expected=f"MD5 {wanted} of {count} frames from frame {first} on, found "
            f"{digest.hexdigest()}",
        )


def _to_do(dataset: Dataset, folder: Path | None, data_dir: str | Path) -> list[str]:
    if dataset.access == "packaged":
        return [f"Install the suite's Python packages again; '{dataset.package}' holds this set."]
    steps = []
    if dataset.page:
        doubt = "" if dataset.address_checked else " (address not confirmed)"
        steps.append(f"About it: {dataset.page}{doubt}. Terms: {dataset.licence}")
    if dataset.files:
        command = f"python workflow_scripts/commands/check_data.py --data-dir {data_dir} --fetch"
        steps.append(f"Fetch it: .venv/bin/{command} {dataset.key}")
    steps += dataset.manual
    return [*steps, f"It must lie in {folder}."]
