"""How many raters a test needs: `ratings` by their deviation, `pairs` by their preference."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from jndlab.quality.intervals import MOST_SOURCES, POWER, sources_for_width, sources_needed
from jndlab.subjective.preferences import deviation_of_shares
from jndops.command import new_parser, run_command


def main(options: argparse.Namespace) -> None:
    """Print the number, and what it rests on."""
    unit, difference = (" grades", options.loss) if options.kind == "ratings" else (" %", None)
    if options.kind == "ratings":
        deviation = options.deviation
    else:
        share, difference = options.share, abs(options.share - 50)
        deviation = deviation_of_shares(share, options.votes, options.ties, options.spread)
    if options.half_width is not None:
        count = sources_for_width(deviation, options.half_width)
        aim = f"an interval of +- {options.half_width:g}{unit} (95 %, Student's t)"
    else:
        count = sources_needed(deviation, difference, options.power)
        aim = f"showing {difference:g}{unit} with {100 * options.power:g} % power (5 % level)"
    needed = f"more than {MOST_SOURCES}" if count is None else count
    print(f"{needed} raters for {aim}; raters' own means deviate by {deviation:.3g}{unit}.")


def _between(low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not from {low:g} to {high:g}")
        return value

    return number


def _parser() -> argparse.ArgumentParser:
    positive, percent = _between(1e-6, 1e6), _between(0, 100)
    parser = new_parser(__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind, about in (("ratings", "grades of DCR or ACR"), ("pairs", "votes of pairs")):
        of_kind = kinds.add_parser(kind, help=about)
        aim = of_kind.add_mutually_exclusive_group(required=kind == "ratings")
        aim.add_argument("--half-width", type=positive, help="of the interval, grades or percent")
        of_kind.add_argument("--power", type=_between(0.01, 0.999), default=POWER, help="0 to 1")
        if kind == "ratings":
            aim.add_argument("--loss", type=positive, help="of delta MOS to be shown, grades")
            of_kind.add_argument("--deviation", type=positive, required=True, help="of raters' own "
                                 "means (`deviation` in paired_tests), grades")  # fmt: skip
        else:
            of_kind.add_argument("--share", type=percent, required=True, help="percent that prefer "
                                 "the method, with half of the ties")  # fmt: skip
            of_kind.add_argument(
                "--votes", type=_between(1, 1e6), required=True, help="pairs of each rater"
            )
            of_kind.add_argument("--ties", type=percent, default=0, help="percent")
            of_kind.add_argument("--spread", type=percent, default=10, help="deviation of raters' "
                                 "own shares, percent")  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
