"""Check tools, packages and machine, and encode and measure a clip with known scores."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from jndlab.files import own_content, read_json
from jndlab.paths import ROOT
from jndops.command import new_parser, run_command
from jndops.doctor import diagnose, report


def main(options: argparse.Namespace) -> int:
    """Print the report; 1 if something that the suite needs fails."""
    checks = list(diagnose(options.results, _codecs(options), ROOT / "envs/requirements.lock"))
    print(report(checks), end="")
    return int(any(check.state == "FAIL" for check in checks))


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__)
    parser.add_argument("--results", type=Path, default=Path("results"), help="results folder")
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--configfile", type=Path, help="also test the codecs of this configuration")
    group.add_argument("--config-json", type=Path, help="the same, from a run's config.json")
    return parser


def _codecs(options: argparse.Namespace) -> dict[str, Any]:
    """Codec entries that the given configuration uses."""
    if options.config_json:
        kept = read_json(options.config_json, "config", "codecs")
        with own_content(options.config_json):
            rate = {"rate": "crf"} if kept["config"].get("rate") else {}
            return {name: {**kept["codecs"][name], **rate} for name in kept["config"]["codecs"]}
    if options.configfile:
        from jndlab.yaml_files import load_mapping
        from jndops.settings import load_settings

        settings = load_settings(load_mapping(options.configfile), ROOT)
        return {name: settings.codec_of_points(name) for name in settings.config["codecs"]}
    return {}


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
