"""Pack a run's numbers, tables and figures without video, or rebuild what follows from them."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndlab.errors import UserError
from jndlab.paths import ROOT
from jndops.archive import pack, rebuild
from jndops.results_dir import results_dir


def main() -> int:
    """Pack or rebuild; 1 with one message where that is not possible."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=["pack", "rebuild"])
    parser.add_argument(
        "--configfile", type=Path, default=ROOT / "config/config.yaml", help="configuration"
    )
    options, further = parser.parse_known_args()
    try:
        if options.task == "rebuild":
            rebuild(options.configfile, ROOT, further)
            return 0
        archive, files = pack(Path(results_dir(options.configfile)))
    except (UserError, OSError, ValueError) as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    print(f"Packed {files} files into {archive} ({archive.stat().st_size / 1e6:.1f} MB).")
    print(f"In another copy of the suite:  tar xzf {archive.name}")
    print(f"then, with no encoder:         make results-rebuild CONFIG={options.configfile}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
