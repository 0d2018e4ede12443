"""How every rule's script runs: words go to the rule's log, a user's mistake needs no traceback."""

from __future__ import annotations

import logging
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jndlab.errors import UserError
from jndlab.paths import ROOT
from jndops.failures import forget_failure, note_failure


def run(main: Callable[[Any], None], snakemake: Any) -> None:
    """Call ``main(snakemake)`` of a rule's script.

    A UserError ends the job with its message, any other error with its traceback; both stand
    at the end of the rule's log, which Snakemake shows when the job fails. A failure is noted for
    the next run.
    """
    log = Path(str(snakemake.log[0]))
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("", encoding="utf-8")
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        datefmt="%H:%M:%S",
        handlers=[logging.FileHandler(log, encoding="utf-8")],
    )
    # A user's own classes may stand next to the Snakefile, where Snakemake was started.
    sys.path.append(str(Path.cwd()))
    try:
        _check_copy(Path(snakemake.scriptdir))
        main(snakemake)
        _check_outputs(snakemake.output)
    except UserError as error:
        _fail(log, str(error))
    except SystemExit:  # with 0 Snakemake would take the job for done, and its outputs for late
        _fail(log, "code that this job calls ended its process.\n" + traceback.format_exc())
    except Exception:
        _fail(log, traceback.format_exc())
    forget_failure(log)


@contextmanager
def scratch(snakemake: Any) -> Iterator[Path]:
    """A private folder on the node's own disk (the rule's ``tmpdir``), removed at the end."""
    with tempfile.TemporaryDirectory(prefix="jndlab-", dir=snakemake.resources.tmpdir) as folder:
        yield Path(folder)


def stems(outputs: Any) -> dict[str, Path]:
    """Path without suffix of each named output, e.g. ``tables/saving`` of saving.csv, saving.md.

    The files of an artefact differ in their suffix alone, so that their order has no meaning.
    """
    first = {name: [files] if isinstance(files, str) else files for name, files in outputs.items()}
    return {name: Path(files[0]).with_suffix("") for name, files in first.items()}


def _check_outputs(outputs: Iterable[str]) -> None:
    """Outputs that are missing are this job's failure, with its log and its note, at once.

    Snakemake would wait for the file system first, and count no failed job.
    """
    if missing := [name for name in outputs if not Path(name).exists()]:
        raise RuntimeError(f"the job ended without writing {', '.join(missing)}")


def _check_copy(scripts: Path) -> None:
    """A conda environment sees no PYTHONPATH: it may hold the packages of another copy."""
    if ROOT not in scripts.resolve().parents:
        raise UserError(
            f"the environment {sys.prefix} runs the packages of another copy of the suite.",
            where=str(ROOT),
            expected=str(scripts.resolve().parents[1]),
            remedy=f"sh envs/install_package.sh {sys.executable}",
        )


def _fail(log: Path, message: str) -> None:
    note_failure(log)
    with open(log, "a", encoding="utf-8") as stream:
        stream.write(f"\nERROR: {message}\n")
    print(f"ERROR: {message}", file=sys.stderr)
    sys.exit(1)
