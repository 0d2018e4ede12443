"""What a run needs and does not find: its sequences and training data, programs of its codecs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from jndlab.codecs import get_codec
from jndlab.datasets.prepare import source_path
from jndlab.errors import UserError
from jndlab.quality.bd_rate import MIN_POINTS
from jndops.inputs.bl_juniper import BlJuniperInputs
from jndops.inputs.coding import CodingInputs
from jndops.inputs.iqnet import NIMA, IqnetInputs
from jndops.inputs.jnd_networks import PAPERS, FrameInputs, NetworkInputs
from jndops.inputs.vp_jnd import VpJndInputs
from jndops.settings import Settings


def missing_data(settings: Settings) -> list[str]:
    """Sequences, training pictures and weights that are not there, one line per data set."""
    absent: dict[str, list[str]] = {}
    for name in settings.config["sequences"]:
        sequence = settings.sequences[name]
        try:
            source_path(sequence, settings.source_dir(name))
        except UserError:
            absent.setdefault(sequence.dataset or "own_sequences", []).append(name)
    sequences = [
        f"{dataset}: {len(names)} of {len(settings.config['sequences'])} sequences "
        f"({', '.join(names[:3])}{', ...' if len(names) > 3 else ''}); see `make check-data`"
        for dataset, names in absent.items()
    ]
    return [*sequences, *_missing_for_iqnet(settings), *_missing_for_networks(settings)]


def _missing_for_networks(settings: Settings) -> list[str]:
    """What JND networks learn from: data sets, and weights that MTJND starts from."""
    coding, papers = CodingInputs(settings), settings.config["papers"]
    frames = FrameInputs(coding)
    networks, choices = NetworkInputs(coding, frames), VpJndInputs(coding)
    trained = [paper for paper in PAPERS if paper in papers and networks.trained(paper)]
    wanted = {("jnd_frames", frames.source, frames.folder)} if trained else set()
    if "vp_jnd" in papers and choices.trained:
        for name, entry in choices.data.items():
            folder = choices.folder(SimpleNamespace(data=name))
            wanted.add((f"vp_jnd.data.{name}", entry["source"], folder))
    blocks = BlJuniperInputs(coding)
    if "bl_juniper" in papers and blocks.data["source"] == "mcl_jcv":
        wanted.add(("bl_juniper.training_data", "mcl_jcv", blocks.folder))
    missing = [
        f"{source}: data of `{key}`, in {folder}; see `make check-data`"
        for key, source, folder in sorted(wanted)
        if source not in ("packaged", "sequences") and not Path(folder).is_dir()
    ]
    imagenet = settings.config["mtjnd"]["imagenet"]
    if "mtjnd" in trained and imagenet and not Path(imagenet).is_file():
        missing.append(f"VGG16's weights that MTJND starts from, {imagenet}; see `make check-data`")
    return missing


def _missing_for_iqnet(settings: Settings) -> list[str]:
    """What the training data of IQNet are made from, where the run trains it."""
    inputs = IqnetInputs(CodingInputs(settings))
    scorers, missing = inputs.scorers(), []
    if not scorers:
        return []
    if inputs.folder is not None and not inputs.picture_files():
        missing.append(
            f"{inputs.data['source']}: IQNet's training pictures, in {inputs.folder}; see "
            "`make check-data`"
        )
    if NIMA in scorers and not inputs.nima_file():
        missing.append(
            f"{NIMA}: weights of the scorer, {inputs.nima()['weights']}; see `make check-data`"
        )
    return missing


def too_few_for_bd_rates(settings: Settings) -> list[str]:
    """What to say, before anything is coded, of a run whose curves have too few points."""
    number, key = len(settings.config["qps"]), "rate.crf" if settings.config["rate"] else "qps"
    if number >= MIN_POINTS or len(settings.config["methods"]) < 2:
        return []
    return [
        f"`{key}` has {number}, and a BD-rate needs {MIN_POINTS} points of a curve: "
        "there will be savings at equal QP, and no BD-rate"
    ]


def missing_tools(settings: Settings) -> list[str]:
    """Codecs whose programs or files are not set up, with what is wrong."""
    problems = []
    for name in settings.codecs_needed():
        spec = settings.codec_of_points(name)
        encoder = spec.get("encoder")
        if "encoder" in spec and not (encoder and Path(encoder).is_file()):
            problems.append(f"{name}: no encoder at '{encoder or ''}'; set its key `encoder`")
        try:
            for configuration in settings.config["configurations"]:
                get_codec(spec).recipe(configuration, settings.config["qps"][0])
        except UserError as error:
            problems.append(f"{name}: {error.what}")
    return problems
