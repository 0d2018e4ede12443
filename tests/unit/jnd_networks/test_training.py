"""LASeR-JND's and MTJND's stages: order, recipes, wrong backbones, learning by heart, use."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from jndlab.datasets.jnd_frames.folder import LabelledFrame, LabelledFrames
from jndlab.errors import UserError
from jndlab.files import sha256_of
from jndlab.jnd.jnd_predictor import predict_clip
from jndlab.media.clip import ClipFormat, Frame, evenly_spread
from jndlab.models.jnd_onnx import export_jnd_onnx
from jndlab.models.model_files import build_network, load_model, save_model
from jndlab.models.mtjnd.networks import PRETRAINED
from jndlab.models.mtjnd.vgg16 import Vgg16
from jndlab.models.network_jnd_predictor import (
    FrameNetwork,
    NetworkJndPredictor,
    prepared_input,
)
from jndlab.models.picture_preparation import PicturePreparation
from jndlab.models.vmaf_curve import CURVE, WHOLE
from jndlab.papers.jnd_networks import training as jnd_training
from jndlab.papers.jnd_networks.stages import (
    LEVELS,
    NETWORKS,
    ONE_LEVEL,
    Stage,
    require_start,
    stages_of,
)
from jndlab.papers.jnd_networks.training import recipe_of, started_network, targets_of, train_stage
from jndlab.training.samplers.frames import FrameSamples

SIZE = [64, 64]
LASER = {
    "input_size": SIZE, "width": 0.0625, "colour": "bgr", "scale": "raw",
    "head": "linear_at_median", "order": "free", "norm_momentum": 0.3, "checkpoint_blocks": False,
}  # fmt: skip
MTJND = {
    "input_size": SIZE, "width": 0.0625, "colour": "bgr", "scale": "unit",
    "head": "linear_at_median", "order": "free", "freeze_early": False,
}  # fmt: skip
TRAINING = {
    "epochs": 1, "steps": None, "batch_size": 4, "learning_rate": 3e-3, "schedule": "constant",
    "optimizer": "adam", "weight_decay": 0.0, "ema_decay": None, "gradient_clip": None,
    "flips": False,
    "jnd_weight": 0.99, "picture_weight": 0.01, "attention_weight": 1.0, "keep": "last",
}  # fmt: skip
FOUND = {"labels": "vmaf_steps", "training_source": "packaged"}
MEDIANS = (24.0, 29.0, 33.0)
START = tuple((median, 4.0) for median in MEDIANS)


def config(paper: str, **changes) -> dict:
    common = {"networks": list(NETWORKS[paper]), "levels": [1, 2, 3], "variants": {},
              "learning_curve": {"networks": [], "frames": []},
              "weights": {}, "weights_input_size": None}  # fmt: skip
    own = {"network": LASER, "reconstruction": {}} if paper == "laser_jnd" else {"network": MTJND}
    return {**common, **own, **changes}


@pytest.fixture(scope="module")
def frames(tmp_path_factory) -> LabelledFrames:
    """Four frames to learn and two to validate, finer texture having the lower JND."""
    folder = tmp_path_factory.mktemp("frames")
    rng = np.random.default_rng(0)
    made = []
    for number in range(6):
        cells = 2 ** (1 + number % 4)
        coarse = rng.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        rgb = np.kron(coarse, np.ones((64 // cells, 64 // cells, 1), np.uint8))
        path = folder / f"f{number}.png"
        Image.fromarray(rgb).save(path)
        Image.fromarray(rgb[..., :1].repeat(3, axis=2)).save(folder / f"map{number}.png")
        jnd = tuple(mean + 4 * (1.5 - number % 4) for mean in MEDIANS)
        subset = "train" if number < 4 else "val"
        pictures = dict.fromkeys(LEVELS, path)
        made.append(LabelledFrame(f"f{number}", f"s{number}", subset, path, jnd, pictures))
    return LabelledFrames(tuple(made), 64, 64, "QP", "vmaf_steps", "steps", "fold01")


@pytest.fixture(scope="module")
def saliency(frames, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saliency")
    for frame in frames.frames:
        Image.open(frame.picture).convert("L").save(folder / f"{frame.name}.png")
    return folder


def test_stages_come_after_what_they_start_from():
    stages = stages_of("laser_jnd", config("laser_jnd"))
    seen: set[str] = set()
    for stage in stages.values():
        assert set(stage.starts_from) <= seen
        seen.add(stage.name)
    backbones = [f"jnd{level}_autoencoder" for level in LEVELS]
    assert stages["mj_rec"].starts_from == tuple(backbones)
    assert stages["lat_jnd2"].starts_from == ("jnd2_autoencoder",)
    assert stages["e2e_rec_jnd3"].starts_from == ("image_autoencoder",)
    assert [stages[name].target_level for name in backbones] == [1, 2, 3]
    assert len(stages) == 4 + 4 * 3 + 2
    assert len(stages_of("mtjnd", config("mtjnd"))) == 1 + 3 + 1


def test_only_backbones_in_use_are_trained():
    chosen = config("laser_jnd", networks=["lat"], levels=[2])
    assert list(stages_of("laser_jnd", chosen)) == [
        "image_autoencoder", "jnd2_autoencoder", "lat_jnd2",
    ]  # fmt: skip


def test_learning_curve_starts_from_the_same_autoencoders(frames):
    curve = {"networks": ["mj_lat"], "frames": [2, 3]}
    stages = stages_of("laser_jnd", config("laser_jnd", networks=["mj_lat"], learning_curve=curve))
    few = stages["mj_lat-2frames"]
    assert (few.frames, few.starts_from) == (2, stages["mj_lat"].starts_from)
    assert [name for name in stages if name.endswith("frames")] == [
        "mj_lat-2frames", "mj_lat-3frames",
    ]  # fmt: skip
    two, three = ({f.name for f in frames.learned_from(n).of_subset("train")} for n in (2, 3))
    assert len(two) == 2 and two < three
    assert frames.learned_from(2).of_subset("val") == frames.of_subset("val")
    with pytest.raises(UserError, match=r"5 training frames .* the set has 4"):
        frames.learned_from(5)


def test_backbones_that_are_given_are_not_trained():
    files = {"jnd2_autoencoder": "JND2Reconstruction.h5"}
    chosen = config("laser_jnd", networks=["lat"], levels=[2], backbones=files)
    stages = stages_of("laser_jnd", chosen)
    assert [name for name, stage in stages.items() if stage.trained] == ["lat_jnd2"]
    assert stages["jnd2_autoencoder"].weights == files["jnd2_autoencoder"]
    with pytest.raises(UserError, match="no network starts from 'jnd3_autoencoder'"):
        stages_of("laser_jnd", {**chosen, "backbones": {"jnd3_autoencoder": "x.h5"}})


def test_variant_of_the_input_has_backbones_of_its_own():
    variants = {"unit": {"networks": ["lat_jnd1"], "network": {"scale": "unit"}},
                "relu": {"networks": ["mj_lat"], "network": {"head": "relu"}}}  # fmt: skip
    stages = stages_of("laser_jnd", config("laser_jnd", variants=variants))
    assert stages["lat_jnd1-unit"].starts_from == ("jnd1_autoencoder-unit",)
    assert stages["jnd1_autoencoder-unit"].options["scale"] == "unit"
    assert stages["mj_lat-relu"].starts_from == stages["mj_lat"].starts_from
    assert stages["mj_lat-relu"].options["head"] == "relu"


@pytest.mark.parametrize("key", ["weights", "variants"])
def test_unknown_network_is_told(key):
    variant = {"networks": ["lat_jnd4"], "network": {"head": "relu"}}
    wrong = {"weights": {"lat_jnd4": "x.h5"}, "variants": {"v": variant}}
    with pytest.raises(UserError, match=rf"no network 'lat_jnd4'(.|\n)*laser_jnd.{key}"):
        stages_of("laser_jnd", config("laser_jnd", **{key: wrong[key]}))


def test_recipe_is_that_of_the_papers():
    stage = stages_of("laser_jnd", config("laser_jnd"))["e2e_lat_jnd2"]
    model = build_network("e2e_lat", {**stage.options, "label_start": [[29.0, 4.0]]}, seed=0)
    recipe = recipe_of(stage, model, TRAINING, 0, 1)
    assert recipe.adam_epsilon == 1e-7 and recipe.optimizer == "adam"
    assert [(t.kind, t.output, t.weight) for t in recipe.losses] == [
        ("mae", "jnd2", 0.99), ("mse", "reconstruction", 0.01),
    ]  # fmt: skip
    assert targets_of(stage, model).reconstruction == 2


def test_picture_errors_count_in_levels_whatever_the_scale():
    stage = Stage("image_autoencoder", "laser_autoencoder", (), options={})
    common = {"input_size": SIZE, "width": 0.0625}
    raw = build_network("laser_autoencoder", common, seed=0)
    unit = build_network("laser_autoencoder", {**common, "scale": "unit"}, seed=0)
    off = torch.full((1, 3, *SIZE), 10.0)
    losses = [
        recipe_of(stage, model, TRAINING, 0, 1).loss(
            {"reconstruction": off / divisor}, {"reconstruction": torch.zeros_like(off)}
        )
        for model, divisor in ((raw, 1), (unit, 255))
    ]
    assert losses[0].item() == pytest.approx(100)
    assert losses[1].item() == pytest.approx(100, rel=1e-5)


@pytest.fixture(scope="module")
def autoencoders(frames, tmp_path_factory) -> dict[str, Path]:
    """Weights of the backbones, trained for an epoch; level 1 stands for all three."""
    folder = tmp_path_factory.mktemp("autoencoders")
    made: dict[str, Path] = {}
    for stage in stages_of("laser_jnd", config("laser_jnd")).values():
        if stage.target_level in (2, 3):
            made[stage.name] = made["jnd1_autoencoder"]
        elif not stage.predicts:
            starts = [made[name] for name in stage.starts_from]
            train_stage(stage, frames, TRAINING, folder / stage.name, conditions=FOUND,
                        starts_from=starts, threads=1, show_progress=False)  # fmt: skip
            made[stage.name] = folder / stage.name / "model.pt"
    return made


# Each network by itself learns by heart in test_laser_jnd.py and test_mtjnd.py.
@pytest.mark.parametrize(
    ("paper", "network", "epochs"),
    [("laser_jnd", "mj_lat", 50), ("laser_jnd", "e2e_rec", 80), ("mtjnd", "mt_3ljnd_va", 50)],
)
def test_stages_learn_labels_by_heart(
    paper, network, epochs, frames, saliency, autoencoders, tmp_path
):
    stages = stages_of(paper, config(paper, networks=[network], levels=[2]))
    stage = list(stages.values())[-1]
    train_stage(
        stage, frames, {**TRAINING, "epochs": epochs}, tmp_path, conditions=FOUND,
        starts_from=[autoencoders[name] for name in stage.starts_from],
        saliency=saliency, threads=1, show_progress=False, checkpoint_every_epochs=epochs,
    )  # fmt: skip
    trained = [frame for frame in frames.frames if frame.subset == "train"]
    found = FrameNetwork(tmp_path / "model.onnx", threads=1).predict(
        [np.asarray(Image.open(frame.picture)) for frame in trained]
    )
    labels = np.array([[frame.jnd[level - 1] for level in stage.levels] for frame in trained])
    of_mean = np.abs(labels - labels.mean(axis=0)).mean(axis=0)
    assert (np.abs(found - labels).mean(axis=0) < 0.75 * of_mean).all()
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["starts_from"].keys() == {autoencoders[n].parent.name for n in stage.starts_from}
    assert summary["peak_memory_mib"] > 50
    record = summary["conditions"]
    assert record["labels"] == "vmaf_steps" and record["epochs"] == epochs
    assert record["training_pictures"] == len(trained) and record["network"] == network
    assert record["recipe"] == "keep, head"
    assert record["input_size"] == "x".join(map(str, SIZE)) and record["width"] == 0.0625
    assert summary["models_sha256"]["model.onnx"] == sha256_of(tmp_path / "model.onnx")
    assert summary["kept_epoch"] == TRAINING.get("keep", "best")


def dead_at_first(monkeypatch, dead_seeds: set[int]) -> None:
    """These seeds start with a last bias that no input lifts above 0, others well above it."""
    build = jnd_training.build_network

    def build_network(name, options, seed):
        network = build(name, options, seed=seed)
        for last in network.heads.last:
            torch.nn.init.constant_(last.bias, -1e6 if seed in dead_seeds else 20.0)
        return network

    monkeypatch.setattr(jnd_training, "build_network", build_network)


RELU = Stage("mt_3ljnd", "mt_3ljnd", LEVELS, options={**MTJND, "head": "relu"})


def test_a_dead_output_is_seen_in_the_first_epoch_and_another_seed_taken(
    frames, tmp_path, monkeypatch
):
    dead_at_first(monkeypatch, {0, 1000})
    train_stage(RELU, frames, {**TRAINING, "epochs": 2}, tmp_path, conditions=FOUND,
                threads=1, show_progress=False)  # fmt: skip
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["seed"], summary["dead_seeds"], summary["epochs"]) == (2000, [0, 1000], 2)
    curves = [path.read_text().count("\n") for path in tmp_path.glob("runs/*/metrics.csv")]
    assert sorted(curves) == [2, 2, 3]  # with the header: the dead ones end with their first epoch


def test_where_every_seed_is_dead_the_training_stops_with_a_remedy(frames, tmp_path, monkeypatch):
    monkeypatch.setattr(jnd_training, "SEEDS_TRIED", 2)
    dead_at_first(monkeypatch, {7, 1007})
    with pytest.raises(UserError, match=r"mt_3ljnd dead(.|\n)*7, 1007(.|\n)*linear_at_median"):
        train_stage(RELU, frames, TRAINING, tmp_path, conditions=FOUND, seed=7,
                    threads=1, show_progress=False)  # fmt: skip


def test_steps_in_place_of_epochs_are_whole_passes():
    stage = stages_of("laser_jnd", config("laser_jnd"))["mj_lat"]
    model = build_network("laser_autoencoder", {"input_size": SIZE, "width": 0.0625}, seed=0)
    chosen = {**TRAINING, "steps": 100, "schedule": "one_cycle", "optimizer": "adamw"}
    recipe = recipe_of(stage, model, chosen, 5, steps_per_epoch=7)
    assert (recipe.epochs, recipe.seed, recipe.optimizer) == (15, 5, "adamw")
    assert recipe.validate_every_epochs == 3
    at_paper_scale = recipe_of(stage, model, TRAINING, 0, steps_per_epoch=110)
    assert at_paper_scale.validate_every_epochs == 1


def test_frozen_backbone_stays_as_it_was(frames, autoencoders, tmp_path):
    stage = stages_of("laser_jnd", config("laser_jnd", networks=["lat"], levels=[1]))["lat_jnd1"]
    train_stage(stage, frames, TRAINING, tmp_path, conditions=FOUND,
                starts_from=[autoencoders["jnd1_autoencoder"]], show_progress=False)  # fmt: skip
    before = load_model(autoencoders["jnd1_autoencoder"]).encoder.state_dict()
    after = load_model(tmp_path / "model.pt").encoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_missing_and_wrong_backbones_are_told(frames, autoencoders, tmp_path):
    stage = stages_of("laser_jnd", config("laser_jnd", networks=["lat"], levels=[1]))["lat_jnd1"]
    with pytest.raises(UserError, match=r"does not exist(.|\n)*absent.pt"):
        started_network(stage, 0, [tmp_path / "absent.pt"], START[:1])
    lat = tmp_path / "lat.pt"
    save_model(lat, build_network("lat", {"input_size": SIZE, "width": 0.0625}, seed=0))
    with pytest.raises(UserError, match=r"another network(.|\n)*laser_autoencoder, found lat"):
        started_network(stage, 0, [lat], START[:1])
    unit = tmp_path / "unit.pt"
    options = {"input_size": SIZE, "width": 0.0625, "scale": "unit"}
    save_model(unit, build_network("laser_autoencoder", options, seed=0))
    with pytest.raises(UserError, match=r"bgr, raw, width 0.0625; found bgr, unit"):
        started_network(stage, 0, [unit], START[:1])
    mj_lat = stages_of("laser_jnd", config("laser_jnd", networks=["mj_lat"]))["mj_lat"]
    with pytest.raises(UserError, match="starts from 3 autoencoders, 1 were given"):
        started_network(mj_lat, 0, [autoencoders["jnd1_autoencoder"]], START)


@pytest.mark.parametrize(
    ("options", "imagenet", "swept", "message"),
    [
        ({"freeze_early": True}, None, True, r"there are no weights(.|\n)*mtjnd.imagenet"),
        ({"freeze_early": True}, "vgg16.h5", True, None),
        ({}, "vgg16.pth", True, r"another input(.|\n)*bgr"),
        ({"colour": "rgb", "scale": "imagenet"}, "vgg16.pth", True, None),
        ({"freeze_early": True, "backbone": PRETRAINED}, None, True, None),
        ({"freeze_early": True, "backbone": f"{PRETRAINED}_untrained"}, None, True, "no weights"),
        ({"head": CURVE}, None, False, r"not measured(.|\n)*jnd_frames.labels.kind"),
        ({"head": CURVE}, None, True, None),
    ],
)
def test_what_a_training_starts_from_is_there(options, imagenet, swept, message):
    stages = stages_of("mtjnd", config("mtjnd", network={**MTJND, **options}))
    expected = pytest.raises(UserError, match=message) if message else nullcontext()
    with expected:
        require_start(stages, imagenet, swept=swept)


def test_levels_are_learned_with_the_whole_curve(frames, tmp_path):
    """The curve is the target, and the levels that are read off it come to the labels."""
    qps = np.arange(1, 52)
    knots = [[1, *frame.jnd, 60] for frame in frames.frames]
    with_curves = [
        replace(frame, curve=tuple(np.interp(qps, at, [0.01, 1, 2, 3, 6]).tolist()))
        for frame, at in zip(frames.frames, knots, strict=True)
    ]
    labelled = replace(frames, frames=tuple(with_curves))
    options = {**MTJND, "head": CURVE}
    stage = stages_of("mtjnd", config("mtjnd", network=options, networks=["mt_3ljnd"]))["mt_3ljnd"]
    training = {**TRAINING, "epochs": 150}
    train_stage(stage, labelled, training, tmp_path, conditions=FOUND, threads=1,
                show_progress=False, checkpoint_every_epochs=150)  # fmt: skip
    trained = labelled.of_subset("train")
    found = FrameNetwork(tmp_path / "model.onnx", threads=1).predict(
        [np.asarray(Image.open(frame.picture)) for frame in trained]
    )
    labels = np.array([frame.jnd for frame in trained]) + WHOLE
    assert (np.abs(found - labels).mean(axis=0) < 0.5 * 4).all()  # of the median label: 4 QP
    with pytest.raises(UserError, match=r"no frame has a curve(.|\n)*vmaf_steps"):
        train_stage(stage, frames, TRAINING, tmp_path / "without", conditions=FOUND)


def test_mtjnd_starts_from_imagenet_weights(tmp_path):
    stage = Stage("mt_3ljnd", "mt_3ljnd", LEVELS, options={**MTJND, "freeze_early": True})
    torch.manual_seed(1)
    pretrained = Vgg16(MTJND["width"])
    weights = {}
    for number, layer in enumerate(pretrained.keras_layers()):
        weights[f"features.{number}.weight"], weights[f"features.{number}.bias"] = (
            torch.rand_like(tensor) for tensor in layer.parameters()
        )
    torch.save(weights, tmp_path / "vgg16.pth")
    model = started_network(stage, 0, label_start=START, imagenet=tmp_path / "vgg16.pth")
    first, last = model.backbone.keras_layers()[0], model.backbone.keras_layers()[-1]
    assert torch.equal(first.weight, weights["features.0.weight"])
    assert torch.equal(last.bias, weights["features.12.bias"])
    assert not first.weight.requires_grad and last.weight.requires_grad  # early layers are frozen


def test_one_network_of_each_kind_has_stages():
    for paper, names in NETWORKS.items():
        found = {s.network for s in stages_of(paper, config(paper)).values() if s.predicts}
        assert found == set(names)
    assert set(ONE_LEVEL) < {name for names in NETWORKS.values() for name in names}


@pytest.fixture(scope="module")
def onnx_of_levels(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("onnx")
    paths = {}
    for name, options in {"mj_lat": {}, "lat1": {"level": 1}, "lat2": {"level": 2}}.items():
        network = "mj_lat" if name == "mj_lat" else "lat"
        heads = {
            "head": "linear_at_median",
            "label_start": [[60.0, 1.0], [61.0, 1.0], [62.0, 1.0]][: 3 - 2 * bool(options)],
        }
        model = build_network(
            network, {"input_size": SIZE, "width": 0.125, **heads, **options}, seed=0
        )
        export_jnd_onnx(model, folder / f"{name}.onnx")
        save_model(folder / f"{name}.pt", model)
        paths[name] = folder / f"{name}.onnx"
    return paths


CLIP = ClipFormat(96, 64, Fraction(25), 7)


def grey_frames():
    for value in range(CLIP.frames):
        chroma = np.full((32, 48), 128, np.uint8)
        yield Frame(np.full((64, 96), 30 * value, np.uint8), chroma, chroma)


def test_predictor_of_a_clip(onnx_of_levels):
    predictor = NetworkJndPredictor(model=onnx_of_levels["mj_lat"], frames=3, threads=1)
    predicted = predict_clip(predictor, grey_frames(), CLIP)
    assert [frame["frame"] for frame in predicted["frames"]] == [1, 3, 5]
    assert predicted["jnd"] == [51, 51, 51]  # the start of 60 to 62 is cut to H.264's range
    both = [onnx_of_levels["lat1"], onnx_of_levels["lat2"]]
    found = NetworkJndPredictor(model=both, network="lat").predict(grey_frames(), CLIP)
    assert len(found) == 5 and all(len(frame.jnd) == 2 for frame in found)


def test_model_file_and_export_predict_the_same(onnx_of_levels):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (90, 120, 3), dtype=np.uint8) for _ in range(2)]
    path = onnx_of_levels["mj_lat"]
    from_onnx = FrameNetwork(path).predict(pictures)
    assert np.allclose(
        from_onnx, FrameNetwork(path.with_suffix(".pt")).predict(pictures), atol=1e-4
    )
    assert from_onnx.shape == (2, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "lat2"}, r"JND1, JND2 \.\.\., found JND2"),
        ({"model": "lat1", "network": "rec"}, "rec, found lat"),
        ({"model": "mj_lat", "frames": 0}, "use 0 frames"),
    ],
)
def test_wrong_models_of_a_predictor_are_told(onnx_of_levels, options, message):
    options = {**options, "model": onnx_of_levels[options["model"]]}
    with pytest.raises(UserError, match=message):
        NetworkJndPredictor(**options)


def test_keras_weights_need_their_network(tmp_path):
    with pytest.raises(UserError, match="do not name their network"):
        NetworkJndPredictor(model=tmp_path / "MJLAT.h5")


@pytest.mark.parametrize("colour", ["bgr", "rgb"])
@pytest.mark.parametrize("scale", ["raw", "unit", "imagenet"])
def test_preparation_without_torch_is_the_same(colour, scale):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (90, 120, 3), dtype=np.uint8) for _ in range(2)]
    options = {"input_size": [48, 64], "colour": colour, "scale": scale}
    expected = PicturePreparation(48, 64, colour, scale)(pictures).numpy()
    assert np.allclose(prepared_input(pictures, options), expected, atol=1e-5)


def test_evenly_spread_frames():
    assert evenly_spread(7, 3) == [1, 3, 5]
    assert evenly_spread(2, 5) == [0, 1]
    assert evenly_spread(8, 4, first=True) == [0, 2, 4, 6]
    assert evenly_spread(2, 8, first=True) == [0, 1]


def test_samples_of_a_stage_hold_its_targets(frames, saliency):
    stage = Stage("mt_1ljnd_va_jnd3", "mt_1ljnd_va", (3,))
    model = build_network("mt_1ljnd_va", {"input_size": SIZE, "width": 0.0625, "level": 3}, seed=0)
    samples = FrameSamples(
        frames.frames, model.preparation, targets_of(stage, model), saliency=saliency
    )
    targets = samples.batch(0, 0, 4).targets
    assert set(targets) == {"jnd3", "attention"}
    assert targets["attention"].shape == (4, 4, 4)
