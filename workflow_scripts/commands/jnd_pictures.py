"""JND searches on your own pictures: a folder of pictures in, a test out; answers in, labels out.

The two pictures of a question flicker in one place. Labels are those that VP-JND's `folder` reads.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from jndlab.codecs.stills.base import get_still_codec
from jndlab.datasets.jnd_labels import labels_from_samples, write_labels
from jndlab.errors import UserError
from jndlab.files import sha256_of, write_csv
from jndlab.media.picture_folder import picture_files
from jndlab.media.pictures import read_picture, write_png
from jndlab.quality.jnd_statistics import RANGES
from jndlab.subjective.config import Screening
from jndlab.subjective.jnd_search import found_levels, read_searches, search_raters, write_samples
from jndlab.subjective.rating_page import CodedClip, SessionOptions, write_session
from jndops.command import new_parser, run_command

SECONDS = 4.0  # of flicker before the question
LONGEST = 120  # minutes of a sitting


def main(options: argparse.Namespace) -> None:
    """Make a test, or collect its answers."""
    if options.ratings:
        key, home = options.folder / "stimuli.csv", options.folder / "jnd"
        subjects, samples = read_searches(options.ratings, key, options.max_failed_checks)
        raters = search_raters(options.ratings, key, subjects)
        write_csv(home / "raters.csv", raters.to_dict("records"), list(raters))
        write_samples(home, subjects, samples)
        found = found_levels(samples)
        labels = labels_from_samples(found, options.statistic, "the answers", order="warn")
        write_labels(home / "labels.csv", labels)
        print(f"{len(labels.rows)} labels of {len(subjects)} subjects: {home}")
        return
    if not options.pictures:
        raise UserError("neither pictures nor ratings are given.", expected="one of them")
    if not 0 < options.max_minutes <= LONGEST:
        raise UserError(
            f"no sitting lasts {options.max_minutes:g} minutes.",
            expected=f"--max-minutes above 0, at most {LONGEST}",
        )
    with tempfile.TemporaryDirectory() as made:
        clips = [
            clip
            for name, path in picture_files(options.pictures).items()
            for clip in _ladder(name, path, Path(made), options.codec, options.qualities)
        ]
        chosen = SessionOptions(
            procedure="jnd", anchor=options.codec, flicker=True, jnd_levels=options.levels,
            training_pairs=1, repeats=0, language=options.language, seed=options.seed,
            pause_seconds=1.0, max_minutes=options.max_minutes,
            screening={**Screening().plain(), "consent": options.consent},
        )  # fmt: skip
        write_session(clips, options.folder / "session", options.folder / "stimuli.csv", chosen)
    print(f"open {options.folder}/session/index.html, or serve it:\n"
          f"make ratings-server ARGS='--folder {options.folder}'")  # fmt: skip


def _ladder(
    name: str, path: Path, made: Path, codec_name: str, qualities: list[int]
) -> list[CodedClip]:
    """The picture and its codings as lossless files."""
    codec, source = get_still_codec(codec_name), read_picture(path)
    unit = "QF" if codec.worse_to_better else "QP"
    low, high = RANGES[unit]
    if len(qualities) < 2 or not all(low <= quality <= high for quality in qualities):
        raise UserError(
            "these qualities are no ladder.",
            expected=f"two at least, {unit} from {low} to {high}; found {qualities}",
        )
    clips = []
    for quality in (None, *sorted(set(qualities))):
        shown = source if quality is None else codec.decode(codec.encode(source, quality))
        file = made / f"{name}_{quality}.png"
        write_png(file, shown)
        metadata = {"width": source.shape[1], "height": source.shape[0], "frames": 1,
                    "seconds": SECONDS, "repeats": 1, "min_psnr_y": None,
                    "sha256": sha256_of(file)}  # fmt: skip
        coding = {} if quality is None else {"codec": codec_name, "method": codec_name}
        clips.append(CodedClip(file, metadata, name, **coding, qp=quality, unit=unit))
    return clips


def _parser() -> argparse.ArgumentParser:
    parser = new_parser(__doc__)
    parser.add_argument("folder", type=Path, help="folder of the test")
    parser.add_argument("--pictures", type=Path, help="folder of the pictures")
    parser.add_argument("--ratings", type=Path, nargs="+", help="tables that the page saved")
    parser.add_argument("--codec", default="jpeg", choices=["jpeg", "bpg", "hevc_intra"])
    parser.add_argument("--qualities", type=int, nargs="+", default=list(range(5, 100, 5)))
    parser.add_argument("--levels", type=int, choices=[1, 2, 3], default=1, help="JNDs searched")
    parser.add_argument("--max-failed-checks", type=int, help="leave out who failed more")
    parser.add_argument("--statistic", default="sur75", help="of the labels: mean, median, surNN")
    parser.add_argument("--language", default="en", help="en, de, fr or a JSON file")
    parser.add_argument("--consent", type=Path, help="text file to read and agree to")
    parser.add_argument("--max-minutes", type=float, default=30, help="of a sitting; longer tests "
                        "are split into several")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    sys.exit(run_command(main, _parser()))
