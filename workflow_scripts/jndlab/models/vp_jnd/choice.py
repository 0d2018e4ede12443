"""VP-JND as a quality selector: a search over the qualities by a trained classifier."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from jndlab.codecs.stills.base import StillCodec
from jndlab.errors import UserError
from jndlab.jnd.pixel.maps import DEFAULT_MODEL, PICTURE_GAIN, jnd_picture, pixel_jnd
from jndlab.jnd.quality_choice import QualityDecision, StillChoice
from jndlab.jnd.quality_search import search_pw_jnd
from jndlab.media.patches import cut_patches, luma_of, random_corners

CROPS = ("independent", "aligned")


class PatchVerdict(NamedTuple):
    """The classifier's verdict on one coded picture.

    ``logit`` above 0 is visible; ``quality`` and ``weight`` (P) are those of the patches whose
    upper left ``corners`` (P x 2, row and column) are given. The weights sum to 1.
    """

    logit: float
    quality: np.ndarray
    weight: np.ndarray
    corners: np.ndarray


class VpJndChoice(StillChoice):
    """Chooses the PW-JND that a trained VP-JNDnet (or its predecessor) leads a search to.

    model    model file of the network: ``.pt``, or ``.onnx`` (then torch is not needed)
    codec    still-picture codec, and ``store``: see :class:`StillChoice`
    search   a name of :data:`jndlab.jnd.quality_search.SEARCHES`
    patches  how many, at random places that follow from ``seed`` alone
    crops    where the JND map is looked at: ``independent`` places, as the authors' program does,
             or ``aligned`` with the other patches. What the network was trained with is right.
    jnd_model, jnd_gain   pixel-JND map and its scale as a picture, as in training
    """

    def __init__(
        self,
        *,
        model: str | Path,
        codec: str | StillCodec = "jpeg",
        search: str = "voting",
        patches: int = 32,
        crops: str = "independent",
        jnd_model: str = DEFAULT_MODEL,
        jnd_gain: float = PICTURE_GAIN,
        seed: int = 0,
        store: str | Path | None = None,
    ) -> None:
        super().__init__(codec, store)
        if crops not in CROPS:
            raise UserError(f"there are no crops '{crops}'.", expected=" or ".join(CROPS))
        self.classifier = load_classifier(model)
        self.search, self.patches, self.crops, self.seed = search, patches, crops, seed
        self.jnd_model, self.jnd_gain = jnd_model, jnd_gain

    def choose(self, picture: np.ndarray) -> QualityDecision:
        """Search the PW-JND of a picture (H x W x 3, uint8 RGB)."""
        verdict_on = self.look_at(picture)
        found = search_pw_jnd(
            lambda quality: verdict_on(self.decoded(picture, quality)).logit > 0,
            self.codec.qualities,
            self.search,
        )
        return self.decided(picture, found.pw_jnd, found.path)

    def look_at(self, picture: np.ndarray) -> PictureVerdicts:
        """The picture as the classifier sees it: a function from coded pictures to verdicts."""
        rng = np.random.default_rng(self.seed)
        size = self.classifier.patch_size
        corners = random_corners(picture.shape, size, self.patches, rng)
        jnd = None
        if self.classifier.uses_jnd:
            elsewhere = random_corners(picture.shape, size, self.patches, rng)
            drawn = jnd_picture(pixel_jnd(luma_of(picture), self.jnd_model), self.jnd_gain)
            jnd = cut_patches(drawn, corners if self.crops == "aligned" else elsewhere, size)
        self.classifier.set_picture(cut_patches(picture, corners, size), jnd)
        return PictureVerdicts(self.classifier, corners, picture.shape)


class PictureVerdicts:
    """One picture before its classifier; called with a coded version (H x W x 3, uint8)."""

    def __init__(self, classifier: Classifier, corners: np.ndarray, shape: tuple[int, ...]) -> None:
        self.classifier, self.corners, self.shape = classifier, corners, shape

    def __call__(self, coded: np.ndarray) -> PatchVerdict:
        if coded.shape != self.shape:
            raise UserError(
                "a coded picture has another size than its original.",
                expected=f"{self.shape}, found {coded.shape}",
            )
        patches = cut_patches(coded, self.corners, self.classifier.patch_size)
        return PatchVerdict(*self.classifier(patches), self.corners)


class Classifier(Protocol):
    """A classifier that receives a picture once and scores its coded versions.

    Patches are P x 3 x h x w, float32, 0..1; a call returns logit, quality (P), weight (P).
    """

    patch_size: int
    uses_jnd: bool

    def set_picture(self, reference: np.ndarray, jnd: np.ndarray | None) -> None: ...

    def __call__(self, distorted: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]: ...


def load_classifier(model: str | Path) -> Classifier:
    """The classifier of a model file, ``.pt`` by torch or ``.onnx`` by ONNX Runtime."""
    if Path(model).suffix == ".onnx":
        from jndlab.models.vp_jnd.onnx import ClassifierSession

        return ClassifierSession(model)
    from jndlab.models.vp_jnd.torch import TorchClassifier  # torch takes seconds to import

    return TorchClassifier.load(model)
