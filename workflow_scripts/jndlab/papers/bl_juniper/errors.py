"""Errors of predicted block JNDs against labels, next to baselines, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from jndlab.errors import UserError
from jndlab.jnd.block.maps import BlockMaps
from jndlab.quality.intervals import (
    Comparison,
    Interval,
    mean_interval,
    paired_difference,
    standings,
)
from jndlab.quality.jnd_statistics import DEAD_BELOW
from jndlab.training.samplers.block_files import BlockFile

LEVELS = (1, 2, 3)
GIVEN_VIDEO_JND = "video_jnd + mean offset"
NETWORK = "cnn"
COLUMNS = [
    "test_set", "labels", "level", "predictor", "mae_qp", "ci_low", "ci_high", "bias_qp",
    "blocks", "sources", "output", "difference", "difference_low", "difference_high", "p_holm",
    "better",
]  # fmt: skip
CAPTION = (
    "Mean absolute error of block JNDs in QP (bias: predicted - label), mean over sources of the "
    "mean over a source's blocks, with 95 % intervals over sources. difference: error of the "
    "networks ({trainings}) minus that of the predictor, p_holm adjusted over the table. "
    "Baselines: `mean` of the training labels; `ti_regression`, a line through the training "
    f"labels over ln(1 + TI); `{GIVEN_VIDEO_JND}`, which is given the video's own JND that the "
    "network has to guess, plus the mean offset of the training labels. Only whole blocks count. "
    "output: dead where the network predicts the same for all blocks."
)
CHECK_COLUMNS = ["test_set", "level", "check", "found", "expected", "verdict"]
CHECK_CAPTION = (
    "What must hold of the networks, of every training seed. alive: predictions of blocks differ "
    "(found: their least deviation, QP); a dead network predicts the same for all."
)
SEED_COLUMNS = ["deviation", "seeds"]  # only where the networks have several trainings


class Labelled(NamedTuple):
    """Labels of blocks (N x 3), what they are predicted from (TI, the video's JND: N, N x 3), and
    the source of each block (N)."""

    jnd: np.ndarray
    ti: np.ndarray
    video_jnd: np.ndarray
    sources: np.ndarray


class Baselines(NamedTuple):
    """Predictors without pixels, fitted to training blocks: mean label, intercept and slope (3 x
    2), mean offset of the labels from their video's JND."""

    mean: np.ndarray
    line: np.ndarray
    offset: np.ndarray

    @classmethod
    def fitted(cls, training: Labelled) -> Baselines:
        """From the labels of training blocks."""
        design = np.column_stack([np.ones(len(training.ti)), np.log1p(training.ti)])
        line = np.linalg.lstsq(design, training.jnd, rcond=None)[0].T
        offset = (training.jnd - training.video_jnd).mean(axis=0)
        return cls(training.jnd.mean(axis=0), line, offset)

    def predictions(self, blocks: Labelled) -> dict[str, np.ndarray]:
        """Each baseline's JNDs (N x 3) of these blocks."""
        of_ti = self.line[:, 0] + np.log1p(blocks.ti)[:, None] * self.line[:, 1]
        return {
            "mean": np.broadcast_to(self.mean, blocks.jnd.shape),
            "ti_regression": of_ti,
            GIVEN_VIDEO_JND: blocks.video_jnd + self.offset,
        }


def from_file(content: BlockFile, split: Mapping[str, str], parts: Sequence[str]) -> Labelled:
    """The blocks of a file whose source is in one of the ``parts``."""
    blocks = content.blocks
    chosen = np.array([split[str(name)] in parts for name in blocks.sources])
    return Labelled(
        blocks.jnd[chosen],
        blocks.temporal_information[chosen],
        content.video_jnd[chosen],
        blocks.sources[chosen],
    )


def from_maps(
    name: str, labels: BlockMaps, predicted: BlockMaps, ti: np.ndarray, video_jnd: Sequence[int]
) -> tuple[Labelled, np.ndarray]:
    """Labels and predictions of the whole blocks of the key frames that two files share.

    ``ti`` is the temporal information that the prediction was made from (its frames x rows x
    columns).
    """
    assert predicted.frames is not None and labels.frames is not None  # set by BlockMaps
    shared, ours, theirs = np.intersect1d(
        predicted.frames, labels.frames, assume_unique=True, return_indices=True
    )
    if not shared.size:
        raise UserError(
            f"labels and predictions of '{name}' have no key frame in common.",
            expected="the same `key_frames_every`",
            remedy="make both again.",
        )
    inside = (slice(None), slice(labels.height // labels.block_size),
              slice(labels.width // labels.block_size))  # fmt: skip
    jnd = labels.values[theirs][inside].reshape(-1, len(LEVELS))
    labelled = Labelled(
        jnd,
        ti[ours][inside].ravel(),
        np.broadcast_to(np.array(video_jnd, np.float32), jnd.shape),
        np.full(len(jnd), name),
    )
    return labelled, predicted.values[ours][inside].reshape(-1, len(LEVELS))


class Tested(NamedTuple):
    """Predictions of the blocks of a test set, by predictor; ``kind`` names the labels.

    They are N x 3, those of the networks of several training seeds seeds x N x 3.
    """

    test_set: str
    kind: str
    blocks: Labelled
    predictions: Mapping[str, np.ndarray]


def error_table(tests: Iterable[Tested]) -> pd.DataFrame:
    """A row per test set, level and predictor; columns: ``COLUMNS``.

    Networks of several training seeds have the mean over them, intervals over sources and seeds,
    and ``SEED_COLUMNS``.
    """
    rows, comparisons, of_seeds = [], [], []
    for test_set, kind, blocks, predictions in tests:
        names = [str(name) for name in blocks.sources]
        for place, level in enumerate(LEVELS):
            errors = {
                predictor: np.atleast_2d(values[..., place] - blocks.jnd[:, place])
                for predictor, values in predictions.items()
            }
            for predictor, values in errors.items():
                absolute = _interval(np.abs(values), names)
                bias = _interval(values, names).value
                single = [mean_interval(np.abs(one), names).value for one in values]
                several = len(single) > 1
                of_seeds.append([np.std(single, ddof=1) if several else np.nan, len(single)])
                rows.append(
                    [test_set, kind, level, predictor, absolute.value, absolute.low,
                     absolute.high, bias, len(names), absolute.sources,
                     _dead(predictor, values + blocks.jnd[:, place])]
                )  # fmt: skip
                comparisons.append(_against(predictor, errors, names))
    table = pd.DataFrame(rows, columns=COLUMNS[: len(rows[0])])
    table = pd.concat([table, pd.DataFrame(standings(comparisons))], axis=1)[COLUMNS]
    if max(count for _, count in of_seeds) > 1:
        table[SEED_COLUMNS] = of_seeds
        table["seeds"] = table["seeds"].astype(int)
    return table


def caption(seeds: Sequence[int]) -> str:
    """Caption of :func:`error_table` for networks of these training seeds."""
    one = f"one training, seed {seeds[0]}"
    several = f"mean over {len(seeds)} trainings, deviation over their seeds"
    return CAPTION.format(trainings=one if len(seeds) == 1 else several)


def _interval(values: np.ndarray, names: Sequence[str]) -> Interval:
    """Interval of ``values`` (seeds x blocks), over sources and, of several, over seeds."""
    count = len(values)
    seeds = None if count == 1 else np.repeat(np.arange(count), len(names)).tolist()
    return mean_interval(values.ravel(), [*names] * count, seeds)


def checks(tests: Iterable[Tested]) -> pd.DataFrame:
    """What must hold of the networks: a verdict, ``passed`` or ``failed``, per test set and level.

    ``alive``: predictions of blocks differ, by any seed's network (``found``, the least deviation).
    """
    rows = []
    for test in tests:
        for place, level in enumerate(LEVELS if NETWORK in test.predictions else ()):
            found = _least_deviation(test.predictions[NETWORK][..., place])
            expected = f"deviation over blocks above {DEAD_BELOW}"
            verdict = "passed" if found > DEAD_BELOW else "failed"
            rows.append([test.test_set, level, "alive", found, expected, verdict])
    return pd.DataFrame(rows, columns=CHECK_COLUMNS)


def _least_deviation(predicted: np.ndarray) -> float:
    """Least deviation over blocks of the networks of all seeds."""
    return float(np.std(predicted, axis=-1).min())


def _dead(predictor: str, predicted: np.ndarray) -> str:
    """``dead`` where a network, of any seed, says the same of all blocks."""
    return "dead" if predictor == NETWORK and _least_deviation(predicted) <= DEAD_BELOW else ""


def _against(
    predictor: str, errors: Mapping[str, np.ndarray], sources: Sequence[str]
) -> Comparison | None:
    """The networks, of one training or several, against another predictor."""
    if predictor == NETWORK or NETWORK not in errors:
        return None
    of_networks = np.abs(errors[NETWORK])
    count = len(of_networks)
    difference = paired_difference(
        of_networks.ravel(),
        np.broadcast_to(np.abs(errors[predictor]), of_networks.shape).ravel(),
        [*sources] * count,
        np.repeat(np.arange(count), len(sources)).tolist(),
    )
    return Comparison(NETWORK, predictor, "mean absolute error", difference, True, "QP")


def cross_validated_baselines(blocks: Labelled, folds: int = 5) -> dict[str, np.ndarray]:
    """Baselines of each block, fitted to the sources of the other folds.

    For labels whose pictures are not at hand, so that no network can be held against them.
    """
    names = np.unique(blocks.sources)
    fold_of = dict(zip(names, np.arange(len(names)) % folds, strict=True))
    fold = np.array([fold_of[name] for name in blocks.sources])
    found: dict[str, np.ndarray] = {}
    for number in np.unique(fold):
        here = fold == number
        training = Labelled(*(array[~here] for array in blocks))
        tested = Labelled(*(array[here] for array in blocks))
        for name, values in Baselines.fitted(training).predictions(tested).items():
            found.setdefault(name, np.empty(blocks.jnd.shape))[here] = values
    return found
