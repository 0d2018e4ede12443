"""Which files of the suite a script runs: the closure of its imports, read without importing.

Snakemake sees the file of a `script:` but not the modules that it imports. Rules therefore carry
a digest of them as a parameter, so that an edit re-runs exactly the rules that use the module,
while a touch, another folder or an edit taken back re-runs nothing.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from jndlab.errors import UserError
from jndlab.files import read_json, sha256_of, write_json

# What makes results. How a run is driven (jndops) changes none, and must not re-run encodes.
PACKAGE = "jndlab"
CACHE = Path(".snakemake/imports.json")  # in the folder of the suite; `make clean` removes it

_names: dict[str, list[str]] = {}  # of every module, by the hash of its content


def import_closure(script: Path, root: Path) -> list[Path]:
    """The script and all modules of jndlab that it imports, directly or not, sorted.

    ``root`` is the folder that holds the package. Imports inside functions count as well.
    """
    seen: set[Path] = set()
    waiting = [script]
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting.extend(_imported_files(path, root))
    return sorted(seen)


def recall_imports(root: Path) -> int:
    """Read what modules import from the last run's notes: reading 300 modules takes half a second.

    Returns the number of modules known, for :func:`keep_imports`.
    """
    with suppress(OSError, ValueError, TypeError):  # none, or damaged
        _names.update(read_json(root.parent / CACHE))
    return len(_names)


def keep_imports(root: Path, known: int) -> None:
    """Note what modules import, where more than ``known`` have been read; a disk may refuse."""
    if len(_names) > known:
        with suppress(OSError):
            write_json(root.parent / CACHE, _names)


def class_file(target: str, root: Path) -> Path:
    """Source file of ``package.module:Class``, found without running the module itself.

    Modules of the suite are looked for below ``root``, others in the current folder and on the
    path of Python. Raises UserError where there is none.
    """
    module = target.partition(":")[0]
    own = _module_file(module, root)
    if own is not None:
        return own
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = importlib.util.find_spec(module)  # imports the packages that hold it
    except ModuleNotFoundError:
        found = None
    except Exception as error:
        raise UserError(
            f"method class '{target}': a package of its module fails when it is imported.",
            where="the configuration, key `methods`",
            expected=f"no error, found {type(error).__name__}: {error}",
        ) from error
    if found is None or found.origin is None or not Path(found.origin).is_file():
        raise UserError(
            f"method class '{target}': there is no module '{module}' in a file.",
            where="the configuration, key `methods`",
            expected="package.module:Class of a module that Python finds",
            remedy="correct the name, or put the file next to the Snakefile or on PYTHONPATH.",
        )
    return Path(found.origin)


def digest(files: Iterable[Path]) -> str:
    """Short hash of the content of files; their names and dates do not count."""
    return hashlib.sha256("".join(sorted(map(_file_hash, files))).encode()).hexdigest()[:16]


@cache
def _file_hash(path: Path) -> str:
    return sha256_of(path)


@cache
def _imported_files(path: Path, root: Path) -> tuple[Path, ...]:
    if path.suffix != ".py":
        return ()
    known = _file_hash(path)
    if known not in _names:
        _names[known] = sorted(_imported_names(path))
    files = (_module_file(name, root) for name in _names[known])
    return tuple(sorted({file for file in files if file is not None}))


def _imported_names(path: Path) -> set[str]:
    """Modules and packages of jndlab that a module imports; also names that may be modules."""
    found: set[str] = set()
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (SyntaxError, ValueError) as error:  # another encoding is a SyntaxError as well
        line = getattr(error, "lineno", None)
        raise UserError(
            f"a module is no valid Python: {getattr(error, 'msg', error)}.",
            where=f"{path}, line {line}" if line else str(path),
        ) from error
    for node in _statements(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        for parts in (name.split(".") for name in names):
            if parts[0] == PACKAGE:
                # Importing a.b.c runs a/__init__ and a/b/__init__ as well.
                found |= {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
    return found


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """All statements of a module, nested ones too; leaves expressions out, which are most of it."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        for part in ("body", "orelse", "handlers", "finalbody", "cases"):
            waiting.extend(getattr(node, part, ()))


@cache
def _module_file(name: str, root: Path) -> Path | None:
    base = root.joinpath(*name.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None
