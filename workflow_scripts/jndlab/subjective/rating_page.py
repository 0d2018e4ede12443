"""A folder with a rating test for people: a page that works offline, its clips, and their key.

The page shows the trials of a procedure (ITU-T P.910's DCR and ACR with hidden references, pair
comparison, search of JNDs) in a random order per subject, with training, hidden repeats and checks
of attention, and saves the answers as a CSV file or to `jndlab.subjective.server`. What the clips
show is only in the stimulus table, which stays with the experimenter.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jndlab.datasets.jnd_files import read_text
from jndlab.errors import UserError
from jndlab.files import read_json, sha256_of_json, write_csv, write_text
from jndlab.subjective.answers import PAIR_COLUMNS, RECORD_COLUMNS
from jndlab.subjective.design import Procedure, Trial, blocks_of, extra_seconds, spread, trials_of
from jndlab.subjective.ratings import STIMULUS_COLUMNS

PAGE = Path(__file__).parent / "rating_page_files"
LANGUAGES = Path(__file__).parent / "languages"
# Blind, and bound to the content: ratings of another session's clips are unknown stimuli.
NAME_LENGTH = 8


@dataclass(frozen=True)
class CodedClip:
    """A clip or picture for the page and what it shows; the source's own has no coding.

    ``metadata`` are those of ``rating_clips.RatingClip``; ``qp`` is a quality factor where ``unit``
    is QF. Clips with ``training`` are shown in the training alone. ``bitrate_kbps`` is needed for
    pairs of equal rate.
    """

    path: Path
    metadata: Mapping[str, Any]
    sequence: str
    codec: str = ""
    configuration: str = ""
    method: str = ""
    qp: float | None = None
    training: bool = False
    bitrate_kbps: float = float("nan")
    unit: Literal["QP", "QF"] = "QP"

    @property
    def is_reference(self) -> bool:
        """Whether this is the source, uncoded."""
        return self.qp is None

    @property
    def order(self) -> float:
        """Place on the way from fine to coarse."""
        return (self.qp or 0) * (1 if self.unit == "QP" else -1)

    @property
    def name(self) -> str:
        """Name of the stimulus, by its content and its coding."""
        coding = [self.sequence, self.codec, self.configuration, self.method, self.qp]
        return "s" + sha256_of_json([*coding, self.metadata["sha256"]])[:NAME_LENGTH]

    @property
    def file(self) -> str:
        """Its place in the folder of the test."""
        return f"clips/{self.name}{self.path.suffix}"


@dataclass(frozen=True)
class SessionOptions:
    """How the test runs; see the keys of ``subjective`` in the configuration.

    ``screening`` holds the keys of that section; ``flicker`` shows the two pictures of a search in
    turn in one place.
    """

    procedure: Procedure = "dcr"
    anchor: str = "anchor"
    seed: int = 0
    training_pairs: int = 3
    pair_by: Literal["qp", "rate"] = "qp"
    max_rate_difference: float = 5.0
    ties: bool = True
    jnd_levels: int = 3
    max_minutes: float = 30
    blocks_per_rater: int | None = None
    repeats: int = 2
    attention_checks: int = 1
    replays: int = 0
    break_every: int = 25
    pause_seconds: float = 2.0
    language: str = "en"
    screening: Mapping[str, Any] = field(default_factory=dict)
    flicker: bool = False


def write_session(
    clips: Sequence[CodedClip], folder: Path, stimulus_table: Path, options: SessionOptions
) -> None:
    """Write the test into ``folder`` (replaced if it is there) and its key to ``stimulus_table``.

    ``clips`` are all coded clips and, for every sequence of theirs, the source's clip. Raises
    UserError when a source is missing, when nothing is coded, when a clip has another size or
    length than its source, for pairs whose rates are too far apart, and for a text of the page that
    is missing.
    """
    _check(clips)
    tested = sorted((clip for clip in clips if not clip.training), key=lambda clip: clip.name)
    trials = _trials(tested, options)
    training = spread_training(clips, trials, options)
    if options.procedure == "pairs" and options.pair_by == "rate":
        _check_rates([*trials, *training], options.max_rate_difference)
    extra = extra_seconds(
        trials, training, repeats=options.repeats, checks=options.attention_checks,
        levels=options.jnd_levels if options.procedure == "jnd" else None,
    )  # fmt: skip
    trials = blocks_of(trials, 60 * options.max_minutes, extra)
    session = _session(trials, training, extra, options)
    session = {"id": sha256_of_json(session)[:NAME_LENGTH], **session}
    with tempfile.TemporaryDirectory(prefix=".part-", dir=_parent(folder)) as made:
        part = Path(made) / folder.name
        shutil.copytree(PAGE, part)
        (part / "clips").mkdir()
        for clip in clips:
            shutil.copyfile(clip.path, part / clip.file)
        text = json.dumps(session, indent=1, allow_nan=False, ensure_ascii=False)
        write_text(part / "session.js", f'"use strict";\n\nconst SESSION = {text};\n')
        if folder.exists():
            shutil.rmtree(folder)
        os.replace(part, folder)
    if options.procedure == "pairs":
        write_csv(stimulus_table, [_pair_row(trial) for trial in trials], [*PAIR_COLUMNS, "block"])
    else:
        first = 0 if options.procedure == "jnd" else -1
        rows = [
            {**_row(clip), "block": trial.block} for trial in trials for clip in trial.clips[first:]
        ]
        write_csv(stimulus_table, rows, _COLUMNS)


def spread_training(
    clips: Sequence[CodedClip], trials: Sequence[Trial], options: SessionOptions
) -> list[Trial]:
    """Trials of the training, from its own clips if there are any, else from the test.

    A search is trained once; other procedures spread ``training_pairs`` trials over the QPs.
    """
    own = [clip for clip in clips if clip.training]
    from_trials = _trials(own, options) if own else list(trials)
    if options.procedure == "jnd":
        return from_trials[: min(options.training_pairs, 1)]
    return spread(from_trials, options.training_pairs)


def read_texts(language: str) -> dict[str, str]:
    """Texts of the page: of a language that is shipped, or of a JSON file with the same keys.

    Raises UserError for an unknown language, and for texts and {values} that are missing.
    """
    english = read_json(LANGUAGES / "en.json")
    shipped = sorted(path.stem for path in LANGUAGES.glob("*.json"))
    if language in shipped:
        return read_json(LANGUAGES / f"{language}.json")
    path = Path(language)
    try:
        texts = read_json(path)
        if not isinstance(texts, dict):
            raise ValueError("it holds no texts by their keys")
    except (OSError, ValueError) as error:
        raise UserError(
            f"there is no language '{language}' of the rating page.",
            where="the configuration, key `subjective.language`",
            expected=f"{', '.join(shipped)}, or a JSON file with their keys",
        ) from error
    missing = [key for key in english if not isinstance(texts.get(key), str)]
    if missing:
        raise UserError(
            f"the language file lacks {len(missing)} texts: {', '.join(missing[:5])}.",
            where=str(path),
            expected=f"the {len(english)} keys of jndlab/subjective/languages/en.json",
        )
    for key, text in english.items():
        if values_in(texts[key]) - values_in(text):
            raise UserError(
                f"the text '{key}' names a value that the page does not have.",
                where=str(path),
                expected=f"of {sorted(values_in(text))}, found {sorted(values_in(texts[key]))}",
            )
    return {key: texts[key] for key in english}


def values_in(text: str) -> set[str]:
    """Names in braces."""
    return set(re.findall(r"\{(\w+)\}", text))


def _trials(clips: Sequence[CodedClip], options: SessionOptions) -> list[Trial]:
    return trials_of(
        options.procedure,
        clips,
        pause=options.pause_seconds,
        anchor=options.anchor,
        pair_by=options.pair_by,
        levels=options.jnd_levels,
    )


def _session(
    trials: Sequence[Trial], training: Sequence[Trial], extra: float, options: SessionOptions
) -> dict[str, Any]:
    lengths: dict[int, float] = {}
    for trial in trials:
        lengths[trial.block] = lengths.get(trial.block, 0) + trial.seconds
    blocks = len(lengths)
    own_texts = Path(options.language).suffix == ".json"
    shown = [_shown(trial, options) for trial in trials]
    screening = options.screening
    consent = screening.get("consent")
    by_rate = options.procedure == "pairs" and options.pair_by == "rate"
    return {
        "procedure": options.procedure,
        "seed": options.seed,
        "blocks": blocks,
        "sittingSeconds": max(lengths.values()) + extra,
        "blocksPerRater": min(options.blocks_per_rater or blocks, blocks),
        "repeats": options.repeats,
        "checks": options.attention_checks,
        "replays": options.replays,
        "ties": options.ties,
        "levels": options.jnd_levels,
        "rateDifferencePercent": max(abs(_rate_difference(t)) for t in trials) if by_rate else None,
        "flicker": options.flicker,
        "breakEvery": options.break_every,
        "pauseSeconds": options.pause_seconds,
        "width": max(trial["width"] for trial in shown),
        "height": max(trial["height"] for trial in shown),
        "fps": max(_frame_rate(clip) for trial in trials for clip in trial.clips),
        "screening": {
            "consent": read_text(consent, "a text to agree to") if consent else "",
            "questions": screening.get("questions", False),
            "displayCheck": screening.get("display_check", False),
            "fullScreen": screening.get("full_screen", False),
            "fitScreen": screening.get("fit_screen", False),
        },
        "columns": list(RECORD_COLUMNS),
        "language": Path(options.language).stem if own_texts else options.language,
        "texts": read_texts(options.language),
        "training": [_shown(trial, options) for trial in training],
        "trials": shown,
    }


def _frame_rate(clip: CodedClip) -> float:
    """Frames a second; 0 for a picture."""
    if clip.metadata["frames"] < 2:
        return 0.0
    return round(clip.metadata["frames"] / clip.metadata["seconds"], 3)


def _shown(trial: Trial, options: SessionOptions) -> dict[str, Any]:
    """A trial for the page, without what its clips show."""
    first, *others = trial.clips
    last = trial.clips[-1]
    files: dict[str, Any] = {}
    if options.procedure == "dcr":
        files = {"reference": first.file, "test": last.file}
    elif options.procedure == "acr":
        files = {"test": last.file}
    elif options.procedure == "pairs":
        files = {"a": first.file, "b": last.file}
    else:
        ladder = [{"stimulus": clip.name, "file": clip.file} for clip in others]
        files = {"reference": first.file, "ladder": ladder}
    return {
        "stimulus": _trial_name(trial, options.procedure),
        "content": "c" + sha256_of_json([options.seed, trial.sequence])[:NAME_LENGTH],
        "block": trial.block,
        **files,
        **{name: first.metadata[name] for name in ("width", "height", "seconds")},
    }


def _trial_name(trial: Trial, procedure: Procedure) -> str:
    if procedure == "pairs":
        return "p" + sha256_of_json([clip.name for clip in trial.clips])[:NAME_LENGTH]
    return str(trial.clips[0 if procedure == "jnd" else -1].name)


def _pair_row(trial: Trial) -> dict[str, Any]:
    of_method, of_anchor = trial.clips
    difference = _rate_difference(trial)
    return {
        "stimulus": _trial_name(trial, "pairs"),
        "sequence": trial.sequence,
        "codec": of_method.codec,
        "configuration": of_method.configuration,
        "method": of_method.method,
        "qp": of_method.qp,
        "anchor_qp": of_anchor.qp,
        "rate_difference_pct": "" if math.isnan(difference) else round(difference, 2),
        "file": of_method.file,
        "anchor_file": of_anchor.file,
        "block": trial.block,
    }


def _rate_difference(trial: Trial) -> float:
    """Percent of the method's bitrate against the anchor's; NaN where they are not known."""
    of_method, of_anchor = trial.clips
    return 100 * (of_method.bitrate_kbps / of_anchor.bitrate_kbps - 1)


def _check_rates(trials: Sequence[Trial], most: float) -> None:
    """Raises UserError where the two of a pair differ by more than ``most`` percent in bitrate."""
    far = [trial for trial in trials if not abs(_rate_difference(trial)) <= most]
    if far:
        worst = max(far, key=lambda trial: abs(_rate_difference(trial)))
        one, other = worst.clips
        raise UserError(
            f"{len(far)} of {len(trials)} pairs are not of equal rate; the worst is of "
            f"{one.sequence}: {one.method} at QP {one.qp} has {one.bitrate_kbps:.4g} kbit/s, the "
            f"nearest coding of {other.method}, QP {other.qp:g}, {other.bitrate_kbps:.4g} "
            f"({_rate_difference(worst):+.1f} %).",
            where="the configuration, section `subjective`",
            expected=f"at most {most:g} % (`max_rate_difference`)",
            remedy="leave the pair out (`sequences`, `methods`, `qps`), take a codec with finer "
            "steps (a map of QPs or a rate factor), or allow more.",
        )


_COLUMNS = [*STIMULUS_COLUMNS, "seconds", "repeats", "min_psnr_y", "block", "unit"]


def _row(clip: CodedClip) -> dict[str, Any]:
    return {
        "stimulus": clip.name,
        "sequence": clip.sequence,
        "codec": clip.codec,
        "configuration": clip.configuration,
        "method": clip.method,
        "qp": clip.qp,
        "is_reference": str(clip.is_reference).lower(),
        "file": clip.file,
        **{name: clip.metadata[name] for name in ("seconds", "repeats", "min_psnr_y")},
        "unit": clip.unit,
    }


def _parent(folder: Path) -> Path:
    folder.parent.mkdir(parents=True, exist_ok=True)
    return folder.parent


def _check(clips: Sequence[CodedClip]) -> None:
    references = {clip.sequence: clip for clip in clips if clip.is_reference}
    if all(clip.is_reference or clip.training for clip in clips):
        raise UserError(
            "there is nothing to rate: no coded clip is chosen.",
            where="the configuration, key `subjective`",
            expected="at least one method, QP and sequence of the run",
        )
    for clip in clips:
        if clip.sequence not in references:
            raise UserError(f"sequence '{clip.sequence}' has no clip of its source.")
        reference = references[clip.sequence]
        for name in ("width", "height", "frames"):
            if clip.metadata[name] != reference.metadata[name]:
                raise UserError(
                    f"a clip of '{clip.sequence}' has another {name} than its source.",
                    where=str(clip.path),
                    expected=f"{reference.metadata[name]}, found {clip.metadata[name]}",
                )
