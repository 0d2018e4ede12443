"""Calibrate the step of the label rule `vmaf_steps` on the JPEG AIC-4 example data; a command.

    python -m studies.vmaf_steps FOLDER [--konjnd FOLDER] [--output FOLDER]

writes the tables that docs/vmaf_steps.md explains.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from jndlab.files import write_csv
from jndlab.paths import ROOT
from jndlab.quality.vmaf_steps import DEFAULT_RULE
from jndops.command import new_parser, run_command
from studies.vmaf_steps import calibration
from studies.vmaf_steps.checks import konjnd_table, plot_calibration


def main(options: argparse.Namespace) -> None:
    """Write the tables and say whether the rule's step is still the calibrated one."""
    stimuli = calibration.read_stimuli(options.data)
    tables = {
        "forms": calibration.form_table(stimuli),
        "groups": calibration.group_table(stimuli),
        "range": calibration.range_table(stimuli),
        "levels": calibration.level_table(stimuli),
        "metrics": calibration.metric_table(stimuli),
    }
    if options.konjnd:
        tables["konjnd_quiz"] = konjnd_table(options.konjnd)
    if options.figure:
        plot_calibration(stimuli, options.figure)
    for name, rows in tables.items():
        write_csv(options.output / f"{name}.csv", calibration.rounded(rows))
    step = tables["forms"][0]["step"]
    print(f"{step:.3f} points of VMAF NEG per JND; the rule uses {DEFAULT_RULE.step}.")
    print(f"Tables written to {options.output}")


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help=f"folder with {calibration.METRICS_FILE}")
    parser.add_argument("--konjnd", type=Path, help="KonJND-1k, for the check on its quiz pictures")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "config/published/vmaf_steps", metavar="FOLDER"
    )
    parser.add_argument("--figure", type=Path, help="also draw the calibration (.png)")
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
