"""No-reference quality of pictures, by the metrics of pyiqa, in batches; higher is better."""

from __future__ import annotations

import contextlib
import difflib
import io
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
import torch

from jndlab.errors import UserError

BATCH = 256  # pictures of 64x64 a call: small enough for any memory


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
        self.device = device or default_device()
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
        scores = in_batches(pictures, self._score_batch, BATCH)
        return -scores if self.lower_is_better else scores

    def _score_batch(self, pictures: np.ndarray) -> np.ndarray:
        tensor = as_tensor(pictures) / 255
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


def in_batches(
    pictures: np.ndarray, score: Callable[[np.ndarray], np.ndarray], size: int
) -> np.ndarray:
    """Scores ``(N,)`` of uint8 pictures, grey ones as three channels, ``size`` of them a call."""
    if pictures.dtype != np.uint8 or pictures.ndim not in (3, 4):
        raise ValueError(f"not 8-bit pictures: {pictures.dtype} of shape {pictures.shape}")
    if pictures.ndim == 3:
        pictures = np.repeat(pictures[..., np.newaxis], 3, axis=-1)
    starts = range(0, len(pictures), size)
    return np.concatenate([np.empty(0), *(score(pictures[s : s + size]) for s in starts)])


def as_tensor(pictures: np.ndarray) -> torch.Tensor:
    """N x H x W x 3 as N x 3 x H x W of float32, on the same scale."""
    return torch.from_numpy(np.moveaxis(pictures, -1, 1).astype(np.float32))


def default_device() -> str:
    """The GPU where there is one."""
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
