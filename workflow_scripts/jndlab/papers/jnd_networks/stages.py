"""Which networks LASeR-JND and MTJND train, in which order, and what each one starts from.

Names: ``mj_lat``, ``lat_jnd2`` (one level), ``lat_jnd2-rgb`` (a variant of the configuration),
``mj_lat-40frames`` (a point of a learning curve), ``mj_lat-imported`` (weights from elsewhere),
``image_autoencoder`` and ``jnd1_autoencoder`` (the backbones of LASeR-JND). A training's folder
below ``<results>/models/<paper>`` is named by stage and run, e.g. ``mj_lat_fold01_seed0``.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from jndlab.errors import UserError

LEVELS = (1, 2, 3)
NETWORKS = {
    "laser_jnd": ("lat", "rec", "e2e_lat", "e2e_rec", "mj_lat", "mj_rec"),
    "mtjnd": ("mt_3ljnd", "mt_1ljnd_va", "mt_3ljnd_va"),
}
ONE_LEVEL = ("lat", "rec", "e2e_lat", "e2e_rec", "mt_1ljnd_va")
WITH_BLOCKS = ("rec", "e2e_rec", "mj_rec")  # they take `checkpoint_blocks`
AUTOENCODER = "laser_autoencoder"
IMAGE_AUTOENCODER = "image_autoencoder"
IMPORTED = "imported"
# Options that an autoencoder shares with the networks built on it.
INPUT_OPTIONS = ("input_size", "width", "colour", "scale")


class Run(NamedTuple):
    """One training of each stage: on a split of the frames, from a seed."""

    split: str
    seed: int

    def folder(self, stage: str) -> str:
        """Name of the folder of a stage's training."""
        return f"{stage}_{self.split}_seed{self.seed}"


@dataclass(frozen=True)
class Stage:
    """One training, or one import of trained weights.

    ``network`` is a name of ``model_files.NETWORKS``, ``options`` its options, less the start of
    its heads. ``starts_from`` names the stages whose weights it takes over. ``target_level`` is
    that of the frames that an autoencoder learns to make (None: the frames themselves).
    ``weights`` is the file of an import, ``frames`` how many labelled training frames are learned
    from (None: all; autoencoders, which need no labels, see all in any case).
    """

    name: str
    network: str
    levels: tuple[int, ...]
    variant: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    starts_from: tuple[str, ...] = ()
    target_level: int | None = None
    weights: str | None = None
    frames: int | None = None

    @property
    def predicts(self) -> bool:
        """Whether it is a predictor of JND levels, not a backbone."""
        return self.network != AUTOENCODER

    @property
    def trained(self) -> bool:
        """Whether the run trains it."""
        return self.weights is None


def stages_of(paper: str, config: Mapping[str, Any]) -> dict[str, Stage]:
    """All stages of a paper by name, each after those that it starts from.

    ``config`` is the paper's part of the configuration, with defaults. Raises UserError for
    networks, variants or weights that the paper does not have.
    """
    stages: dict[str, Stage] = {}
    for network in config["networks"]:
        for levels in levels_of(network, config["levels"]):
            _add(stages, network, levels, "", config)
    for variant, chosen in config["variants"].items():
        for name in chosen["networks"]:
            network, levels = parsed(paper, name, f"{paper}.variants.{variant}.networks")
            _add(stages, network, levels, variant, config)
    curve = config["learning_curve"]
    for network in curve["networks"]:
        if network not in NETWORKS[paper]:
            raise UserError(
                f"{paper}.learning_curve.networks: there is no network '{network}'.",
                where="the configuration",
                expected=", ".join(NETWORKS[paper]),
            )
    for network, frames in itertools.product(curve["networks"], curve["frames"]):
        for levels in levels_of(network, config["levels"]):
            _add(stages, network, levels, limited(frames), config, frames)
    _import_backbones(stages, config.get("backbones", {}))
    for name, path in config["weights"].items():
        network, levels = parsed(paper, name, f"{paper}.weights")
        stage_name = f"{name}-{IMPORTED}"
        size = config["weights_input_size"]
        options = {"level": levels[0]} if network in ONE_LEVEL else {}
        options |= {"input_size": size} if size else {}
        stages[stage_name] = Stage(stage_name, network, levels, IMPORTED, options, (), None, path)
    return stages


def training_of(config: Mapping[str, Any], stage: Stage) -> dict[str, Any]:
    """The keys of a stage's training, from the paper's part of the configuration."""
    if stage.network == AUTOENCODER:
        keys: dict[str, Any] = config[
            "autoencoder" if stage.target_level is None else "reconstruction"
        ]
        return keys
    return {**config["training"], **config["training_of"].get(stage.network, {})}


def require_start(stages: Mapping[str, Stage], imagenet: str | None, *, swept: bool) -> None:
    """UserError for a stage that is trained and has nothing to start from.

    ``imagenet`` is MTJND's file of VGG16's weights, ``swept`` whether the frames' labels come from
    sweeps of VMAF over QP.
    """
    for stage in (one for one in stages.values() if one.trained):
        options = stage.options
        backbone = options.get("backbone", "vgg16")
        given = imagenet if backbone == "vgg16" else not backbone.endswith("_untrained")
        if options.get("freeze_early") and not given:
            raise no_imagenet(stage.name)
        wanted = {"colour": "rgb", "scale": "imagenet"}
        if backbone == "vgg16" and (imagenet or "").endswith(".pth"):
            found = {name: options[name] for name in wanted}
            if found != wanted:
                raise UserError(
                    f"torchvision trained its VGG16 on another input than {stage.name} has.",
                    where=f"the configuration, key `mtjnd.imagenet`: {imagenet}",
                    expected=f"{wanted}, found {found}",
                    remedy="change `mtjnd.network`, or give Keras's file, as the authors do.",
                )
        if options.get("head") == "vmaf_curve" and not swept:
            raise UserError(
                f"{stage.name} is to learn VMAF over QP, which was not measured for its labels.",
                where="the configuration, key `jnd_frames.labels.kind`",
                expected="vmaf_steps, of frames that are not a `folder` with labels of its own",
                remedy="choose another `network.head`.",
            )


def no_imagenet(name: str) -> UserError:
    """The message where frozen layers have no weights."""
    return UserError(
        f"the early layers of {name} are to stay as ImageNet made them, and there are no weights.",
        where="the configuration, key `mtjnd.imagenet`",
        expected="a file of VGG16's weights: Keras's vgg16_weights_tf_dim_ordering_tf_kernels_"
        "notop.h5 (`vgg16_keras` of `make check-data`) or torchvision's vgg16-*.pth",
        remedy="give it, or set `mtjnd.network.freeze_early: false` to train all layers.",
    )


def levels_of(network: str, chosen: Sequence[int]) -> list[tuple[int, ...]]:
    """The levels of each network of a kind: one apiece, or all three in one."""
    return [(level,) for level in chosen] if network in ONE_LEVEL else [LEVELS]


def name_of(network: str, levels: Sequence[int], variant: str = "") -> str:
    """Name of a stage, e.g. ``lat_jnd2`` or ``mj_lat-rgb``."""
    name = f"{network}_jnd{levels[0]}" if network in ONE_LEVEL else network
    return f"{name}-{variant}" if variant else name


def limited(frames: int) -> str:
    """Name of the variant that learns from so many labelled frames."""
    return f"{frames}frames"


def parsed(paper: str, name: str, where: str) -> tuple[str, tuple[int, ...]]:
    """Network and levels of a name without variant; UserError for a name that there is not."""
    known = {
        name_of(network, levels): (network, levels)
        for network in NETWORKS[paper]
        for levels in levels_of(network, LEVELS)
    }
    if name not in known:
        raise UserError(
            f"there is no network '{name}'.",
            where=f"the configuration, key `{where}`",
            expected=", ".join(known),
        )
    return known[name]


def _add(
    stages: dict[str, Stage],
    network: str,
    levels: tuple[int, ...],
    variant: str,
    config: Mapping[str, Any],
    frames: int | None = None,
) -> None:
    changed = config["variants"][variant]["network"] if variant and frames is None else {}
    options = {**config["network"], **changed}
    # A variant of the input needs backbones of its own.
    suffix = f"-{variant}" if set(changed) & set(INPUT_OPTIONS) else ""
    starts_from: tuple[str, ...] = ()
    if "reconstruction" in config:  # LASeR-JND
        shared = {name: options[name] for name in INPUT_OPTIONS}
        starts_from = _add_backbones(stages, network, levels, suffix, shared)
    if network in ONE_LEVEL:
        options = {name: value for name, value in options.items() if name != "order"}
        options["level"] = levels[0]
    if network not in WITH_BLOCKS:
        options.pop("checkpoint_blocks", None)
    name = name_of(network, levels, variant)
    stages[name] = Stage(name, network, levels, variant, options, starts_from, frames=frames)


def _import_backbones(stages: dict[str, Stage], files: Mapping[str, str]) -> None:
    """Put imports in the place of backbones, and drop trained ones that nothing starts from."""
    for name, path in files.items():
        if name not in stages:
            raise UserError(
                f"no network starts from '{name}'.",
                where="the configuration, key `laser_jnd.backbones`",
                expected=", ".join(n for n, stage in stages.items() if not stage.predicts)
                or "networks to train",
                remedy="leave it out, or train a network that looks through it.",
            )
        stages[name] = replace(stages[name], variant=IMPORTED, starts_from=(), weights=path)
    needed = {one for stage in stages.values() for one in stage.starts_from}
    for name, stage in list(stages.items()):
        if files and stage.trained and not stage.predicts and name not in needed:
            del stages[name]


def _add_backbones(
    stages: dict[str, Stage],
    network: str,
    levels: Sequence[int],
    suffix: str,
    options: Mapping[str, Any],
) -> tuple[str, ...]:
    variant = suffix.removeprefix("-")
    image = f"{IMAGE_AUTOENCODER}{suffix}"
    stages.setdefault(image, Stage(image, AUTOENCODER, (), variant, options))
    if network.startswith("e2e"):
        return (image,)
    names = [f"jnd{level}_autoencoder{suffix}" for level in levels]
    for name, level in zip(names, levels, strict=True):
        stage = Stage(name, AUTOENCODER, (), variant, options, (image,), level)
        stages.setdefault(name, stage)
    return tuple(names)
