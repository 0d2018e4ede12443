"""No-reference quality of pictures, by NIMA or a metric of pyiqa, in batches; higher is better."""

from __future__ import annotations

import contextlib
import difflib
import io
import logging
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import Image

from jndlab.errors import UserError
from jndlab.files import sha256_of

BATCH = 256  # pictures of 64x64 a call: small enough for any memory
NIMA_BATCH = 32  # pictures of 224x224
RESAMPLING = {  # Pillow's
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
}


class Scorer(Protocol):
    """Gives pictures scores: what it needs to stand in for a metric of pyiqa."""

    name: str

    @property
    def metadata(self) -> dict[str, Any]:
        """Name, version or weights, device and settings: what the scores depend on."""
        ...

    def score(self, pictures: np.ndarray) -> np.ndarray:
        """Scores ``(N,)``, higher is better, of uint8 RGB ``(N, H, W, 3)`` or ``(N, H, W)``."""
        ...


def open_scorer(
    name: str, *, nima: Mapping[str, Any] | None = None, device: str | None = None
) -> Scorer:
    """The scorer of a name: ``nima_mobilenet`` with the options ``nima``, or a metric of pyiqa.

    Raises UserError as the two classes do.
    """
    if name == NimaScorer.name:
        return NimaScorer(**(nima or {}), device=device)
    return PyiqaScorer(name, device)


class NimaScorer:
    """NIMA with MobileNet: the mean of the scores 1 to 10 that it predicts for a picture.

    weights       Keras file of idealo (``weights_mobilenet_aesthetic_0.07.hdf5``).
    size          Side that pictures are resized to; the network was trained at 224. None leaves
                  them as they are.
    resampling    ``nearest`` (as idealo's program loads pictures), ``bilinear`` or ``bicubic``.

    Raises UserError where the file is not there or not of this network.
    """

    name = "nima_mobilenet"

    def __init__(
        self,
        *,
        weights: str | Path,
        size: int | None = 224,
        resampling: str = "nearest",
        device: str | None = None,
    ) -> None:
        from jndlab.models.keras.weights import load_keras
        from jndlab.models.nima_mobilenet import SCORES, NimaMobilenet

        if resampling not in RESAMPLING:
            raise UserError(
                f"there is no resampling '{resampling}'.", expected=", ".join(RESAMPLING)
            )
        if not Path(weights).is_file():
            raise UserError(
                "the weights of NIMA with MobileNet are not here.",
                where=str(weights),
                remedy="fetch them: snakemake check_data, then its command with --fetch "
                "nima_mobilenet; or choose the scorer piqe, which has no weights.",
            )
        self.weights, self.size, self.resampling = Path(weights), size, resampling
        self.device = device or _default_device()
        network = NimaMobilenet()
        load_keras(weights, network)
        self._network = network.eval().to(self.device)
        self._scores = torch.arange(1, SCORES + 1, dtype=torch.float64)

    @property
    def metadata(self) -> dict[str, Any]:
        """Name, hash of the weights, device and settings."""
        return {
            "scorer": self.name,
            "weights_sha256": sha256_of(self.weights),
            "size": self.size,
            "resampling": self.resampling,
            "device": self.device,
        }

    def score(self, pictures: np.ndarray) -> np.ndarray:
        """Scores ``(N,)`` as float64 on 1..10; grey pictures are scored as three equal channels."""
        return _in_batches(pictures, self._score_batch, NIMA_BATCH)

    def distributions(self, pictures: np.ndarray) -> np.ndarray:
        """Shares ``(N, 10)`` of the scores 1..10, as float64."""
        with torch.inference_mode():
            shares = self._network(self._prepared(pictures).to(self.device))
        return shares.cpu().numpy().astype(np.float64)

    def _score_batch(self, pictures: np.ndarray) -> np.ndarray:
        return self.distributions(pictures) @ self._scores.numpy()

    def _prepared(self, pictures: np.ndarray) -> torch.Tensor:
        if self.size is not None:
            side, kernel = (self.size, self.size), RESAMPLING[self.resampling]
            resized = [Image.fromarray(picture).resize(side, kernel) for picture in pictures]
            pictures = np.stack([np.asarray(picture) for picture in resized])
        return _as_tensor(pictures) / 127.5 - 1


class PyiqaScorer:
    """A no-reference metric of pyiqa (`nima`, `piqe`, ...), with its own weights and settings.

    Metrics for which less is better (``lower_is_better``, e.g. `piqe`, 0 best to 100 worst) are
    negated, so that higher scores are better always. Scores keep the metric's unit and scale.
    Construction loads the weights, which pyiqa fetches once and keeps.

    Raises UserError for a name that pyiqa does not have, a metric that needs a reference, and
    for weights that cannot be had or are damaged, naming the file.
    """

    def __init__(self, name: str, device: str | None = None) -> None:
        import pyiqa  # 3 s and more

        _require_no_reference(name, pyiqa.list_models("NR"), pyiqa.list_models("FR"))
        self.name = name
        self.version = str(pyiqa.__version__)
        self.device = device or _default_device()
        self._metric = _load(name, self.device)
        self.lower_is_better = bool(self._metric.lower_better)

    @property
    def metadata(self) -> dict[str, Any]:
        """Name, version of pyiqa, direction of the metric itself, device."""
        return {
            "scorer": self.name,
            "pyiqa_version": self.version,
            "negated": self.lower_is_better,
            "device": self.device,
        }

    def score(self, pictures: np.ndarray) -> np.ndarray:
        """Scores ``(N,)`` as float64; grey pictures are scored as three equal channels.

        Raises UserError where the metric cannot take pictures of this size.
        """
        scores = _in_batches(pictures, self._score_batch, BATCH)
        return -scores if self.lower_is_better else scores

    def _score_batch(self, pictures: np.ndarray) -> np.ndarray:
        tensor = _as_tensor(pictures) / 255
        if self.name.startswith("piqe"):
            # PIQE scales each picture to its own maximum: a black one would be 0 / 0. Any other
            # flat picture has the score that is due to it (no active block, hence 100).
            tensor[tensor.amax(dim=(1, 2, 3)) == 0] = 1.0
        height, width = pictures.shape[1:3]
        try:
            with torch.inference_mode():
                scores = self._metric(tensor.to(self.device))
        except (RuntimeError, ValueError, AssertionError, IndexError) as error:
            raise UserError(
                f"the metric '{self.name}' cannot score pictures of {width}x{height}.",
                expected=str(error)[:400],
                remedy="choose another scorer, or larger patches.",
            ) from error
        scores = scores.detach().cpu().numpy().astype(np.float64).reshape(-1)
        if len(scores) != len(pictures):
            raise UserError(
                f"the metric '{self.name}' does not score pictures in batches.",
                expected=f"{len(pictures)} scores, found {len(scores)}",
                remedy="choose another scorer.",
            )
        return scores


def _in_batches(
    pictures: np.ndarray, score: Callable[[np.ndarray], np.ndarray], size: int
) -> np.ndarray:
    if pictures.dtype != np.uint8 or pictures.ndim not in (3, 4):
        raise ValueError(f"not 8-bit pictures: {pictures.dtype} of shape {pictures.shape}")
    if pictures.ndim == 3:
        pictures = np.repeat(pictures[..., np.newaxis], 3, axis=-1)
    starts = range(0, len(pictures), size)
    return np.concatenate([np.empty(0), *(score(pictures[s : s + size]) for s in starts)])


def _as_tensor(pictures: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.moveaxis(pictures, -1, 1).astype(np.float32))


def _default_device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _require_no_reference(name: str, known: list[str], with_reference: list[str]) -> None:
    if name in known:
        return
    if name in with_reference:
        raise UserError(
            f"the metric '{name}' of pyiqa compares with a reference.",
            where="the scorer in the configuration",
            expected="a no-reference metric, such as nima or piqe",
        )
    near = difflib.get_close_matches(name, known, n=3)
    raise UserError(
        f"pyiqa has no metric '{name}'.",
        where="the scorer in the configuration",
        expected="one of " + ", ".join(known),
        remedy=f"did you mean {' or '.join(near)}?" if near else "",
    )


def _load(name: str, device: str) -> Any:
    import pyiqa

    # pyiqa prints the file that it fetches and loads, and nothing else reports it.
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), _no_backbone_download(name):
            metric = pyiqa.create_metric(name, device=torch.device(device))
    except Exception as error:
        # Whatever it was (network, disk, a cut file), what helps is the file's name and place.
        raise _weights_error(name, printed.getvalue(), error) from error
    logging.info(
        "metric %s of pyiqa %s on %s. %s", name, pyiqa.__version__, device, printed.getvalue()
    )
    return metric


@contextlib.contextmanager
def _no_backbone_download(name: str) -> Iterator[None]:
    """Let NIMA start from random weights: its own file replaces all of them.

    pyiqa asks timm for the ImageNet weights of the backbone first: another 200 MB from another
    place, which would then have to be put in place by hand as well where there is no network.
    """
    if not name.startswith("nima"):
        yield
        return
    import timm

    create = timm.create_model

    def create_untrained(*args: Any, **options: Any) -> Any:
        return create(*args, **{**options, "pretrained": False})

    timm.create_model = create_untrained
    try:
        yield
    finally:
        timm.create_model = create


def _weights_error(name: str, printed: str, error: Exception) -> UserError:
    why = f"{type(error).__name__}: {str(error)[:300]}"
    steps = re.findall(
        r'^(Loading|Downloading)\b.*? (?:from|"(\S+)" to) (.+)$', printed, re.MULTILINE
    )
    step, address, place = steps[-1] if steps else ("", "", "")
    if step == "Loading":
        return UserError(
            f"the weights of metric '{name}' cannot be used: damaged, or of another version.",
            where=place,
            expected=why,
            remedy="delete that file; it is fetched again when the job runs again.",
        )
    if step == "Downloading":
        return UserError(
            f"the weights of metric '{name}' are not here and cannot be fetched.",
            where=place,
            expected=f"the file {address} (fetching it gave {why})",
            remedy="run the job once where there is a network, or fetch that file elsewhere and "
            "put it at the place above (TORCH_HOME moves the folder); or choose the scorer piqe, "
            "which has no weights.",
        )
    address = _address_asked_for(error)
    if address:
        return UserError(
            f"what metric '{name}' is built from is not here and cannot be fetched.",
            where=address,
            expected=why,
            remedy="run the job once where there is a network and copy the cache folder of "
            "huggingface (HF_HOME) here, or choose another scorer.",
        )
    return UserError(
        f"the metric '{name}' of pyiqa cannot be set up.",
        expected=why,
        remedy="install what it misses, or choose another scorer.",
    )


def _address_asked_for(error: BaseException | None) -> str | None:
    """What a failed request was for: the library of huggingface says it only in the cause."""
    while error is not None:
        with contextlib.suppress(AttributeError, RuntimeError):  # no request, or none attached
            return str(error.request.url)  # type: ignore[attr-defined]
        error = error.__cause__ or error.__context__
    return None
