"""Serve a rating session to the browsers of its subjects, and export the votes."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from jndlab.files import read_utf8, write_csv, write_json
from jndlab.paths import ROOT
from jndlab.subjective.answers import RECORD_COLUMNS
from jndlab.subjective.server import rating_app, read_session, subject_names
from jndlab.subjective.sujson import as_sujson, read_shown
from jndlab.subjective.votes import Votes
from jndlab.yaml_files import load_mapping
from jndops.command import new_parser, run_command
from jndops.settings import load_settings


def main(options: argparse.Namespace) -> None:
    """Serve until stopped (Ctrl+C), then export; or export alone."""
    folder = options.folder
    if folder is None:
        config = load_settings(load_mapping(options.configfile), ROOT).config
        folder = Path(config["results_dir"]) / "subjective"
    session = read_session(folder / "session")
    votes = Votes(folder / "collected" / f"votes_{session['id']}.sqlite")
    try:
        if not options.export:
            _serve(folder, votes, options)
        _export(folder, votes, session["procedure"])
    finally:
        votes.close()


def _serve(folder: Path, votes: Votes, options: argparse.Namespace) -> None:
    import uvicorn

    given = Path(options.subjects)
    names = subject_names(read_utf8(given) if given.is_file() else options.subjects)
    host = f"[{options.host}]" if ":" in options.host else options.host
    links = [
        {"subject": s.name, "link": f"http://{host}:{options.port}/s/{s.token}/"}
        for s in votes.add_subjects(names)
    ]
    table = folder / "collected" / "links.csv"
    write_csv(table, links, ["subject", "link"])
    table.chmod(0o600)
    print(f"A link for each of {len(links)} subjects: {table}\nStop with Ctrl+C.", flush=True)
    app = rating_app(folder / "session", votes)
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.run(app, host=options.host, port=options.port, log_level="warning")


def _export(folder: Path, votes: Votes, procedure: str) -> None:
    records = votes.records()
    table = folder / "collected" / "ratings.csv"
    write_csv(table, records, list(RECORD_COLUMNS))
    shown = read_shown(folder / "stimuli.csv", procedure)
    write_json(table.with_suffix(".sujson.json"), as_sujson(shown, records, procedure))
    print(f"{len(records)} votes: {table}")


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__, configfile="the run whose session is served")
    parser.add_argument(
        "--subjects", default="24", help="how many, or a file with a name or code a line"
    )
    parser.add_argument(
        "--folder", type=Path, help="a test made otherwise: the folder of its session and key"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--export", action="store_true", help="export the votes and end")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
