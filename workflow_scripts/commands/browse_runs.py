"""Start MLflow on the runs of a configuration, and print links that open on them."""

from __future__ import annotations

import argparse
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError

from jndlab.errors import UserError
from jndops.command import new_parser, run_command
from jndops.mlflow.mirror import VIEW_TAG
from jndops.results_dir import results_dir

DATABASE = "mlflow.db"
PORTS = range(5000, 5020)
SECONDS = 120  # until it answers: its first start imports much
# Otherwise MLflow opens on a page for language models, which shows no run.
VIEW = "?workflowType=machine_learning"
# Columns, and no runs of former recipes; a database of an older version has that view not yet.
SHARED = "&viewStateShareKey=results"
CURRENT = "&searchFilter=tags.current%20%3D%20%22true%22"


class Experiment(NamedTuple):
    """An experiment of a database: its id, name, number of runs, and whether it has our view."""

    number: str
    name: str
    runs: int
    has_view: bool


def main(options: argparse.Namespace) -> int:
    """Serve until interrupted."""
    results = Path(results_dir(options.configfile))
    experiments = experiments_of(results, options.configfile)
    port = options.port or _free_port(options.host)
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", f"sqlite:///{DATABASE}",
               "--host", options.host, "--port", str(port), *options.further]  # fmt: skip
    # There, since an address ends at a question mark, which the path may have.
    with subprocess.Popen(command, cwd=results) as server:
        try:
            address = f"http://{options.host}:{port}"
            _wait_for(server, address)
            print(links(address, experiments), flush=True)
            return server.wait()
        except KeyboardInterrupt:
            return 0
        finally:
            server.terminate()


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__, configfile="configuration of the runs")
    parser.epilog = "Further options go to `mlflow ui`."
    parser.add_argument("--host", default="127.0.0.1", help="address that is listened on")
    parser.add_argument(
        "--port", type=int, help=f"the first free one from {PORTS[0]} on by default"
    )
    return parser


def experiments_of(results: Path, configfile: Path) -> list[Experiment]:
    """All experiments that have runs.

    Raises UserError where the configuration was never run, or without MLflow.
    """
    database = results / DATABASE
    rows: list[tuple[Any, ...]] = []
    if database.is_file():
        query = (
            "SELECT e.experiment_id, e.name, COUNT(r.run_uuid), EXISTS (SELECT 1 FROM"
            " experiment_tags t WHERE t.experiment_id = e.experiment_id AND t.key = ?)"
            " FROM experiments e JOIN runs r"
            " ON r.experiment_id = e.experiment_id AND r.lifecycle_stage = 'active'"
            " GROUP BY e.experiment_id ORDER BY e.experiment_id"
        )
        try:
            with closing(sqlite3.connect(database, timeout=20)) as connection:
                rows = connection.execute(query, [VIEW_TAG]).fetchall()
        except sqlite3.DatabaseError as error:
            raise UserError(
                f"the database of MLflow cannot be read: {error}.",
                where=str(database),
                remedy="delete it and run again: it is rebuilt from the results.",
            ) from error
    if not rows:
        raise UserError(
            f"{configfile} has no runs in MLflow yet.",
            where=str(database),
            expected="a finished run with `mlflow: true`",
            remedy=f"make run CONFIG={configfile}   (then `make ui CONFIG={configfile}` again)",
        )
    return [Experiment(str(number), *found) for number, *found in rows]


def links(address: str, experiments: Sequence[Experiment]) -> str:
    """A line for each experiment."""
    width = max(len(one.name) for one in experiments)
    lines = [
        f"  {one.name:{width}}  {one.runs:5} runs  {address}/#/experiments/{one.number}/runs{VIEW}"
        + (SHARED if one.has_view else CURRENT)
        for one in experiments
    ]
    return "\n".join(["MLflow is ready (Ctrl+C ends it):", *lines])


def _free_port(host: str) -> int:
    for port in PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                return port
            except OSError:
                continue
    raise UserError(
        "no port is free.",
        expected=f"one of {PORTS[0]} to {PORTS[-1]}",
        remedy='name another one: make ui ARGS="--port 6000"',
    )


def _wait_for(server: subprocess.Popen[bytes], address: str) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            raise UserError(
                f"MLflow ended with exit status {server.returncode}.",
                remedy="see its words above; is the port taken?",
            )
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.3)
    raise UserError("MLflow does not answer.", where=address, expected=f"within {SECONDS} s")


if __name__ == "__main__":
    sys.exit(run_command(main, _parser(), further=True))
