"""Pixel-wise JND by the free-energy principle (Wu et al., IEEE TMM 15(7), 2013).

The brain predicts the orderly part of a picture and neglects what it cannot predict. Each pixel is
predicted from the pixels around it, each weighted by the similarity of the 7x7 patches around both
(the authors' autoregression, as their program computes it). The JND of the orderly part is
luminance adaptation and contrast masking of the predicted picture; the unpredicted remainder, the
disorder, hides its own amount of error. Both are fused as in NAMM.

Numbers as in the authors' program: search 21x21, patches 7x7, smallest spread 8, disorder in calm
places (deviation below 10) not above its own 7x7 Gaussian mean, edges (Canny 0.7, 2 pixels to each
side) keep a fifth of it. Two deviations: of the 440 places of the search the 80 within 5 pixels are
used unless ``full_search`` is set, so that a 1080p map takes a third of the time (on 16
pictures the map then correlates by 0.83 to 0.99 with that of the full search, its mean is at most
9 % lower); and the border, which the program sets to 0, has its values.

In a flat picture contrast masking is not 0 but ``|0.5 - 0.01 bg|``, as published.
"""

from __future__ import annotations

import cv2
import numpy as np

from jndlab.jnd.pixel.parts import (
    BORDER,
    background_luminance,
    edge_protection,
    fuse,
    lifted_background,
    local_deviation,
    luminance_adaptation,
    strongest_gradient,
)

SEARCH, PATCH = 10, 3  # pixels to each side
SMALLEST_SPREAD = 8.0
NEAR = 5  # pixels: radius of the search that is not full
STRIP = 64  # rows predicted together: their arrays stay in the cache


def wu2013_jnd(luma: np.ndarray, full_search: bool = False) -> np.ndarray:
    """JND map (H x W, float32, grey levels) of luma (H x W, 0..255; rounded to 8 bit).

    ``full_search`` compares all 440 places of the authors' 21x21 window, not only the near ones.
    """
    luma = np.rint(luma).astype(np.uint8)
    predicted = predict_order(luma, full_search)
    background = background_luminance(predicted)
    adaptation = luminance_adaptation(lifted_background(background))
    order = fuse(adaptation, contrast_masking(strongest_gradient(predicted), background))
    return fuse(order, disorder(luma, predicted))


def predict_order(luma: np.ndarray, full_search: bool = False) -> np.ndarray:
    """The picture (uint8) as predicted from its surroundings.

    The weight of a place is ``exp(-d / s)``: d the mean squared difference of the patches, s the
    squared luminance-adaptation threshold (at least 8), smaller where the deviation is above it.
    The pixel itself takes part with the weight of its most similar surroundings.
    """
    scale = -1 / _spread(luma)
    margin = SEARCH + PATCH
    places = _places(full_search)
    padded = cv2.copyMakeBorder(luma, *(margin,) * 4, cv2.BORDER_REFLECT)
    predicted = np.empty_like(luma)
    for top in range(0, luma.shape[0], STRIP):
        rows = slice(top, top + STRIP)
        strip = padded[top : min(top + STRIP, luma.shape[0]) + 2 * margin]
        predicted[rows] = _predict_strip(strip, scale[rows], places)
    return predicted


def contrast_masking(gradient: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Masking by luminance edges: ``|g (0.0001 bg + 0.115) + 0.5 - 0.01 bg|``.

    g is the gradient, compressed: ``80 log4(1 + gradient / 80)``.
    """
    compressed = 80 * np.log1p(gradient / 80) / np.float32(np.log(4))
    background = np.floor(background)
    return np.abs(compressed * (0.0001 * background + 0.115) + 0.5 - 0.01 * background)


def disorder(luma: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """What of the picture is not predicted (float32, grey levels), calm places and edges spared."""
    remainder = cv2.absdiff(luma, predicted).astype(np.float32)
    size = 2 * PATCH + 1
    mean = cv2.GaussianBlur(remainder, (size, size), size / 3, borderType=BORDER)
    calm = local_deviation(luma, size) < 10
    concealed = np.where(calm, np.minimum(remainder, mean), remainder)
    return concealed * edge_protection(luma, threshold=0.7, radius=2, strength=0.8, blur=5)


def _spread(luma: np.ndarray) -> np.ndarray:
    adaptation = luminance_adaptation(lifted_background(background_luminance(luma)))
    least = np.maximum(adaptation, SMALLEST_SPREAD)
    deviation = np.maximum(local_deviation(luma, 2 * PATCH + 1), least)
    return least * least * (least / deviation)


def _places(full_search: bool) -> list[tuple[int, int]]:
    """Shifts (rows, columns) of the search, without the middle."""
    reach = range(-SEARCH, SEARCH + 1)
    shifts = [(u, v) for u in reach for v in reach if (u, v) != (0, 0)]
    return shifts if full_search else [(u, v) for u, v in shifts if u * u + v * v <= NEAR**2]


def _predict_strip(
    strip: np.ndarray, scale: np.ndarray, places: list[tuple[int, int]]
) -> np.ndarray:
    """Predict the rows of ``scale`` from a strip of the picture, wider by the margins."""
    height, width = scale.shape
    samples = strip.astype(np.float32)
    squares = (np.arange(256) ** 2).astype(np.uint16)
    window = (2 * PATCH + 1,) * 2

    def at(plane: np.ndarray, u: int, v: int, wider: int) -> np.ndarray:
        top, left = SEARCH + PATCH + u - wider, SEARCH + PATCH + v - wider
        return plane[top : top + height + 2 * wider, left : left + width + 2 * wider]

    total, weights, largest = np.zeros((3, height, width), np.float32)
    weight = np.empty((height, width), np.float32)
    middle = at(strip, 0, 0, PATCH)
    for u, v in places:
        squared = cv2.LUT(cv2.absdiff(middle, at(strip, u, v, PATCH)), squares)
        distance = cv2.boxFilter(squared, cv2.CV_32F, window, borderType=BORDER)
        cv2.multiply(distance[PATCH:-PATCH, PATCH:-PATCH], scale, weight)
        cv2.exp(weight, weight)
        cv2.accumulateProduct(weight, at(samples, u, v, 0), total)
        cv2.accumulate(weight, weights)
        np.maximum(largest, weight, out=largest)
    # Where nothing is similar (all weights vanish) the pixel is its own prediction.
    largest = np.maximum(largest, np.finfo(np.float32).tiny)
    predicted = (total + largest * at(samples, 0, 0, 0)) / (weights + largest)
    return np.rint(predicted).astype(np.uint8)
