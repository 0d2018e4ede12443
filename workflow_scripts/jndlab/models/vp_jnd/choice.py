"""VP-JND as a quality selector: a search over the qualities by a trained classifier."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from jndlab.codecs.stills.base import StillCodec
from jndlab.codecs.stills.store import StillStore
from jndlab.configuration import checked
from jndlab.errors import UserError
from jndlab.jnd.pixel.maps import jnd_picture, pixel_jnd
from jndlab.jnd.quality_choice import QualityDecision, StillChoice
from jndlab.jnd.quality_search import LabelPrior, search_pw_jnd
from jndlab.media.patches import PLACES, cut_patches, luma_of
from jndlab.models.vp_jnd.picture_view import PictureView


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
    prior    whether what is found is weighed with the labels that the network was trained with, by
             its own error on its validation pictures (:class:`LabelPrior`); the suite's own
    view     keys of :class:`PictureView` to see pictures by; the others are as in the training,
             which the model file holds
    seed     of random places; the same for all pictures
    threads  CPU threads (None: all usable ones)
    """

    def __init__(
        self,
        *,
        model: str | Path,
        codec: str | StillCodec = "jpeg",
        search: str = "voting",
        prior: bool = False,
        view: Mapping[str, Any] | None = None,
        seed: int = 0,
        store: str | Path | None = None,
        threads: int | None = None,
    ) -> None:
        super().__init__(codec, store)
        self.classifier = load_classifier(model, threads)
        use = self.classifier.use
        self.view = checked(
            PictureView, {**use.get("view", {}), **(view or {})}, "option `view` of the method"
        )
        self.search, self.seed = search, seed
        self.prior = LabelPrior(**use["prior"]) if prior and "prior" in use else None
        if prior and self.prior is None:
            raise UserError(
                "a model file holds no labels to weigh what is found with.",
                where=str(model),
                expected="a network that this suite trained on pictures to validate with",
                remedy="train it, or set `prior: false`.",
            )

    def choose(self, picture: np.ndarray) -> QualityDecision:
        """Search the PW-JND of a picture (H x W x 3, uint8 RGB)."""
        verdict_on = self.look_at(picture)
        qualities = self.codec.qualities
        found = search_pw_jnd(
            lambda quality: verdict_on(self.decoded(picture, quality)).logit > 0,
            qualities,
            self.search,
        )
        pw_jnd = found.pw_jnd
        if self.prior:
            pw_jnd = self.prior.weigh(pw_jnd, qualities)
        return self.decided(picture, pw_jnd, found.path)

    def look_at(self, picture: np.ndarray) -> PictureVerdicts:
        """The picture as the classifier sees it: a function from coded pictures to verdicts."""
        return look_at(self.classifier, picture, self.view, self.codec, self.store, seed=self.seed)


def look_at(
    classifier: Classifier,
    picture: np.ndarray,
    view: PictureView,
    codec: StillCodec,
    store: StillStore | None = None,
    *,
    seed: int = 0,
) -> PictureVerdicts:
    """A picture (H x W x 3, uint8) before a classifier: a function from coded ones to verdicts."""
    size, corners_in = classifier.patch_size, PLACES[view.places]
    rng = np.random.default_rng(seed)
    corners = corners_in(picture.shape, size, view.patches, rng)
    reference = picture
    if view.reference == "best":
        reference = StillChoice(codec, store).decoded(picture, codec.qualities[-1])
    jnd = None
    if classifier.uses_jnd:
        elsewhere = corners_in(picture.shape, size, view.patches, rng)
        drawn = jnd_picture(pixel_jnd(luma_of(reference), view.jnd_model), view.jnd_gain)
        jnd = cut_patches(drawn, corners if view.crops == "aligned" else elsewhere, size)
    classifier.set_picture(cut_patches(reference, corners, size), jnd)
    return PictureVerdicts(classifier, corners, picture.shape)


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

    Patches are P x 3 x h x w, float32, 0..1; a call returns logit, quality (P), weight (P). ``use``
    is what its model file holds of its training: ``view`` (keys of :class:`PictureView`) and
    ``prior`` (fields of :class:`LabelPrior`), or nothing.
    """

    use: dict[str, Any]
    patch_size: int
    uses_jnd: bool

    def set_picture(self, reference: np.ndarray, jnd: np.ndarray | None) -> None: ...

    def __call__(self, distorted: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]: ...


def load_classifier(model: str | Path, threads: int | None = None) -> Classifier:
    """The classifier of a model file, ``.pt`` by torch or ``.onnx`` by ONNX Runtime."""
    if Path(model).suffix == ".onnx":
        from jndlab.models.vp_jnd.onnx import ClassifierSession

        return ClassifierSession(model, threads=threads)
    from jndlab.models.vp_jnd.torch import TorchClassifier  # torch takes seconds to import

    return TorchClassifier.load(model, threads)
