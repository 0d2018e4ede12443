"""`make run` and its like: `snakemake`, without imports of its plugins that few runs use."""

from __future__ import annotations

import sys
from pathlib import Path

if __name__ == "__main__":
    # This copy of the suite, and the folder of the run as with `python -m snakemake`.
    sys.path[:1] = [str(Path(__file__).resolve().parents[1]), str(Path.cwd())]
    from jndops.workflow.late_imports import postpone

    postpone()
    from snakemake.cli import main

    main()
