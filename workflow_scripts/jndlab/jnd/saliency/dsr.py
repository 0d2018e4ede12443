"""Saliency by dense and sparse reconstruction from the picture's border (Li et al., ICCV 2013)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.cluster.vq import kmeans2

from jndlab.errors import UserError
from jndlab.jnd.saliency.simple import enlarged, reduced, stretched

# As in the parameters that Li et al. published with their code.
KEPT_VARIANCE = 0.95  # of the border's features by their principal components
SCALES = (50, 100, 150, 200, 250, 300, 350, 400)  # superpixels
BINS = 60  # of the histograms of the Bayesian integration
GAUSSIAN = 0.25  # deviation of the object-biased Gaussian, as a share of height and width


class DenseSparseReconstruction:
    """The model that BL-JUNIPER ran: what the border cannot explain is salient.

    At each scale SLIC superpixels are described by mean L*a*b*, RGB and place (each 0..1). Those
    at the picture's border are templates. A superpixel's *dense* error is what the templates'
    principal components leave of it, its *sparse* error what a lasso over the templates leaves.
    Errors are passed on within K-means clusters, spread to pixels and averaged over the scales by
    nearness of features, and weighted by a Gaussian around their centre of gravity. The two maps
    are merged by Bayes' formula, each serving as the other's prior.

    The scaling of features (each to 0..1) and the compactness of the superpixels (10; theirs 10 to
    30) are ours.

    longest_side  the model works on a picture reduced to this many pixels, and its map is enlarged
                  linearly; None keeps the picture as it is.
    segments      approximate numbers of superpixels, one for each scale (theirs: 8, 50 to 400).
    sparsity      weight of the l1 norm (theirs: 0.01).
    clusters      of the propagation (theirs: 8); ``propagation`` is its weight (theirs: 0.5).
    """

    def __init__(
        self,
        *,
        longest_side: int | None = None,
        segments: Sequence[int] = SCALES,
        sparsity: float = 0.01,
        clusters: int = 8,
        propagation: float = 0.5,
    ) -> None:
        if (longest_side or 16) < 16 or not segments or min(segments) < 2 or clusters < 1:
            raise UserError(
                "the options of the saliency model are out of range.",
                expected="longest_side >= 16, segments of 2 and more, clusters >= 1",
            )
        self.longest_side, self.segments = longest_side, tuple(segments)
        self.sparsity, self.clusters, self.propagation = sparsity, clusters, propagation

    def saliency(self, rgb: np.ndarray) -> np.ndarray:
        """Saliency ``(H, W)``, float32 in 0..1, of RGB ``(H, W, 3)``, uint8; the same each time.

        All 0 for a picture of one colour.
        """
        small = reduced(rgb, self.longest_side) if self.longest_side else rgb
        if (small == small[0, 0]).all():
            return np.zeros(rgb.shape[:2], np.float32)
        lab = _lab(small)
        pixels = _pixel_features(small, lab)
        maps = [np.zeros(small.shape[:2]), np.zeros(small.shape[:2])]
        weights = np.zeros(small.shape[:2])
        for count in self.segments:
            labels = _superpixels(lab, count)
            features = _means(pixels, labels)
            templates = features[_at_border(labels)]
            weight = 1 / (np.linalg.norm(pixels - features[labels], axis=-1) + 1e-3)
            weights += weight
            clusters = self._clusters(features)
            for total, error in zip(
                maps,
                (
                    dense_error(features, templates),
                    sparse_error(features, templates, self.sparsity),
                ),
                strict=True,
            ):
                spread = propagated(features, stretched(error), clusters, self.propagation)
                total += weight * spread[labels]
        dense, sparse = (stretched(_object_biased(stretched(total / weights))) for total in maps)
        return enlarged(stretched(bayes_merged(dense, sparse)), rgb.shape[:2])

    def _clusters(self, features: np.ndarray) -> np.ndarray:
        count = min(self.clusters, len(features))
        rng = np.random.default_rng(0)
        return kmeans2(features, count, iter=10, minit="++", rng=rng, missing="warn")[1]


class SmallReconstruction(DenseSparseReconstruction):
    """The same model reduced to 200 pixels and 3 scales: a hundred times as fast on 1080p."""

    def __init__(
        self, *, longest_side: int = 200, segments: Sequence[int] = (50, 100, 200), **options: Any
    ) -> None:
        super().__init__(longest_side=longest_side, segments=segments, **options)


def dense_error(features: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """Squared distance of features ``(N, D)`` from the templates' principal subspace."""
    mean = templates.mean(axis=0)
    _, singular, axes = np.linalg.svd(templates - mean, full_matrices=False)
    energy = np.cumsum(np.square(singular))
    kept = int(np.searchsorted(energy, KEPT_VARIANCE * energy[-1])) + 1 if energy[-1] > 0 else 0
    centred = features - mean
    projected = centred @ axes[:kept].T @ axes[:kept]
    return np.square(centred - projected).sum(axis=1)


def sparse_error(features: np.ndarray, templates: np.ndarray, sparsity: float) -> np.ndarray:
    """``|x - B a|^2``, ``a`` minimising ``|x - B a|^2 / 2 + sparsity |a|_1``; B are templates."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import Lasso  # costs a second: only those who use it pay

    # Its objective is |x - B a|^2 / (2 D) + alpha |a|_1. At its usual tolerance one block in a
    # hundred or fewer is of another importance than at the exact minimum, which takes three times
    # as long.
    alpha = sparsity / features.shape[1]
    lasso = Lasso(alpha=alpha, fit_intercept=False, precompute=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        codes = lasso.fit(templates.T, features.T).coef_
    return np.square(features - np.atleast_2d(codes) @ templates).sum(axis=1)


def propagated(
    features: np.ndarray, errors: np.ndarray, clusters: np.ndarray, weight: float
) -> np.ndarray:
    """Errors passed on from the largest to the smallest of each cluster.

    Each becomes ``weight`` times the mean of those before it, by likeness of their features, plus
    ``1 - weight`` times itself; the largest stays.
    """
    spread = errors.astype(np.float64)
    variance = max(float(features.var(axis=0).sum()), 1e-12)
    for cluster in np.unique(clusters):
        members = np.flatnonzero(clusters == cluster)
        members = members[np.argsort(-errors[members], kind="stable")]
        distances = np.square(features[members, None] - features[None, members]).sum(axis=-1)
        likeness = np.exp(-distances / (2 * variance))
        for place in range(1, len(members)):
            before = likeness[place, :place]
            mean = before @ spread[members[:place]] / before.sum()
            spread[members[place]] *= 1 - weight
            spread[members[place]] += weight * mean
    return spread


def bayes_merged(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Sum of the posteriors of two maps (0..1), each the prior of the other."""
    return _posterior(first, second) + _posterior(second, first)


def _posterior(prior: np.ndarray, other: np.ndarray) -> np.ndarray:
    foreground = prior > prior.mean()
    bins = np.minimum((other * BINS).astype(int), BINS - 1)
    seen = [
        np.bincount(bins[region], minlength=BINS) / max(1, int(np.count_nonzero(region)))
        for region in (foreground, ~foreground)
    ]
    salient, other_way = prior * seen[0][bins], (1 - prior) * seen[1][bins]
    total = salient + other_way
    return np.divide(salient, total, out=np.zeros_like(total), where=total > 0)


def _object_biased(error: np.ndarray) -> np.ndarray:
    """An error map times a Gaussian around its centre of gravity."""
    total = error.sum()
    if total == 0:
        return error
    lines, columns = (np.arange(n, dtype=np.float64) for n in error.shape)
    middles = error.sum(axis=1) @ lines / total, error.sum(axis=0) @ columns / total
    down, across = (
        np.exp(-0.5 * np.square((positions - middle) / (GAUSSIAN * len(positions))))
        for positions, middle in zip((lines, columns), middles, strict=True)
    )
    return error * np.outer(down, across)


def _lab(rgb: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.cvtColor(rgb.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB)


def _pixel_features(rgb: np.ndarray, lab: np.ndarray) -> np.ndarray:
    """L*a*b*, RGB and place of each pixel, ``(H, W, 8)``, each about 0..1."""
    height, width = rgb.shape[:2]
    down, across = np.mgrid[:height, :width]
    shares = across / width, down / height
    return np.dstack([lab / [100, 255, 255] + [0, 0.5, 0.5], rgb / 255, *shares])


def _superpixels(lab: np.ndarray, count: int) -> np.ndarray:
    """SLIC labels ``(H, W)``, numbered from 0 without gaps."""
    from skimage.segmentation import slic  # costs a second: only those who use it pay

    # SLIC first brings the values to 0..1; the usual 10 is meant for L*a*b* as it is.
    compactness = 10 / np.ptp(lab)
    labels = slic(
        lab, count, compactness=compactness, max_num_iter=5, convert2lab=False, start_label=0
    )
    return np.unique(labels, return_inverse=True)[1].reshape(labels.shape)


def _means(pixels: np.ndarray, labels: np.ndarray) -> np.ndarray:
    flat, counts = labels.ravel(), np.bincount(labels.ravel())
    values = pixels.reshape(-1, pixels.shape[-1])
    sums = [np.bincount(flat, values[:, index]) for index in range(values.shape[1])]
    return np.stack(sums, axis=1) / counts[:, None]


def _at_border(labels: np.ndarray) -> np.ndarray:
    edges = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    return np.unique(np.concatenate(edges))
