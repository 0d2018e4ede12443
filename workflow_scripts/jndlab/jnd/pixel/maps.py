"""Pixel-wise just noticeable difference: one front door to four published models.

A pixel-JND map holds by how many grey levels each luma sample may change unseen. VP-JND uses such
a map to find the picture-wise JND (PW-JND); which model its authors used is in no readable text,
so Wu et al. 2017 as the default is the suite's assumption.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np

from jndlab.errors import UserError

# Each model is a function from luma (H x W, uint8 or float32, 0..255) to a float32 map.
MODELS = {
    "wu2017": "jndlab.jnd.pixel.wu2017:wu2017_jnd",  # pattern complexity
    "wu2013": "jndlab.jnd.pixel.wu2013:wu2013_jnd",  # free energy
    "yang2005": "jndlab.jnd.pixel.yang2005:yang2005_jnd",  # adaptation + masking (NAMM)
    "jiang2022": "jndlab.jnd.pixel.jiang2022:jiang2022_jnd",  # principal components
}
DEFAULT_MODEL = "wu2017"
SMALLEST = 16  # samples: the windows of all models fit in

# Grey levels of the 8-bit picture of a map for one grey level of JND: an assumption (VP-JND
# stores its maps as 8-bit pictures and prints no scale). 99.9 % of the values of Wu 2017 on
# photographs is below 64, where this gain clips.
PICTURE_GAIN = 4.0


def pixel_jnd(luma: np.ndarray, model: str = DEFAULT_MODEL) -> np.ndarray:
    """JND map (H x W, float32, grey levels) of a luma plane (H x W, 0..255, uint8 or float).

    ``model`` is a name of :data:`MODELS`. Raises UserError for another name, or a plane that is
    not two-dimensional, smaller than 16 x 16, or not within 0..255.
    """
    return _function(model)(_checked(luma))


def mean_pixel_jnd(luma: np.ndarray, model: str = DEFAULT_MODEL) -> float:
    """Mean of the JND map of a picture: the number that VP-JND compares with the PW-JND."""
    return float(pixel_jnd(luma, model).mean(dtype=np.float64))


def jnd_picture(jnd: np.ndarray, gain: float = PICTURE_GAIN) -> np.ndarray:
    """A JND map as an 8-bit picture (H x W, uint8): ``gain`` times the map, rounded and clipped."""
    return np.clip(np.rint(jnd * np.float32(gain)), 0, 255).astype(np.uint8)


def _function(model: str) -> Callable[[np.ndarray], np.ndarray]:
    if model not in MODELS:
        raise UserError(
            f"there is no pixel-wise JND model '{model}'.", expected="one of " + ", ".join(MODELS)
        )
    # Imported on use: OpenCV costs 0.2 s.
    module, _, name = MODELS[model].partition(":")
    return getattr(importlib.import_module(module), name)


def _checked(luma: np.ndarray) -> np.ndarray:
    luma = np.asarray(luma)
    if luma.ndim != 2 or min(luma.shape) < SMALLEST:
        raise UserError(
            "a picture has no luma plane of which a JND map can be made.",
            expected=f"height x width of at least {SMALLEST} x {SMALLEST}, found {luma.shape}",
        )
    if luma.dtype != np.uint8:
        luma = luma.astype(np.float32)
        if not (luma.min() >= 0 and luma.max() <= 255):  # NaN fails too
            raise UserError(
                "luma samples are not on the scale 0..255.",
                expected=f"0..255, found {luma.min():g} to {luma.max():g}",
                remedy="scale 10-bit luma by 1/4 first.",
            )
    return np.ascontiguousarray(luma)
