"""Write all generated documents, tables of documents and conda files from their sources."""

from __future__ import annotations

import argparse
import sys

from jndlab.files import write_text
from jndlab.paths import ROOT
from jndops.command import new_parser, run_command
from jndops.documents.generated import generated_files


def main(options: argparse.Namespace) -> None:
    """Write each file whose text has changed, and name it."""
    for path, text in generated_files().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)
            print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    sys.exit(run_command(main, new_parser(__doc__)))
