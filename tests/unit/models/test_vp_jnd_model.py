"""VP-JNDnet and its predecessor: sizes, variants, verdicts, export, and as quality choices."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from skimage.data import astronaut

from jndlab.codecs.stills.base import JpegCodec
from jndlab.codecs.stills.store import StillStore
from jndlab.errors import UserError
from jndlab.jnd.quality_choice import StillChoice, nearest_quality
from jndlab.jnd.quality_search import Call
from jndlab.media.patches import cut_patches, luma_of, random_corners
from jndlab.models.model_files import build_network, load_model, parameter_count, save_model
from jndlab.models.vp_jnd.choice import VpJndChoice
from jndlab.models.vp_jnd.liu_pw_jnd import LiuPwJnd
from jndlab.models.vp_jnd.network import (
    Branch,
    ChannelAttention,
    NonLocal,
    VpJndNet,
    masked_errors,
)
from jndlab.models.vp_jnd.onnx import ClassifierSession, export_classifier
from jndlab.models.vp_jnd.patch_classifier import FIRST_WEIGHT
from jndlab.papers.vp_jnd.baselines import fit_metric_threshold, fit_pixel_jnd_regression

PICTURE = np.ascontiguousarray(astronaut()[:96, 160:272])
SMALL = {"width": 0.125, "patch_size": 32}


def test_paper_size_has_as_many_parameters_as_the_authors_graph():
    with torch.device("meta"):
        network = VpJndNet()
    assert network.quality_head[0].in_features == 3 * 32_768
    assert parameter_count(network) == 101_974_366
    assert parameter_count(network.picture_branch) == 654_510
    assert parameter_count(network.quality_head) == 50_332_673
    dense = network.quality_head[0].weight.numel() + network.weight_head[0].weight.numel()
    assert round(100 * dense / 101_974_366, 1) == 98.7


def test_predecessor_has_as_many_convolution_parameters_as_its_program():
    with torch.device("meta"):
        network = LiuPwJnd()
    assert parameter_count(network.branch) == 4_712_224


def test_shared_branch_saves_one_and_the_figure_needs_less_inputs():
    with torch.device("meta"):
        shared, figure = VpJndNet(branches="shared"), VpJndNet(inputs="figure")
        pooled = VpJndNet(pooling="global")
    assert parameter_count(shared) == 101_974_366 - 654_510
    assert figure.quality_head[0].in_features == 2 * 32_768
    assert pooled.weight_head[0].in_features == 3 * 512


@pytest.mark.parametrize(
    "options",
    [{}, {"branches": "shared"}, {"pooling": "global"}, {"inputs": "figure"}, {"inputs": "masked"}],
)
def test_verdict_is_the_weighted_mean_of_the_patches(options):
    network = build_network("vp_jnd", SMALL | options, seed=1).eval()
    torch.nn.init.constant_(network.weight_head[-1].bias, 0.3)  # or rectified weights may be equal
    reference, distorted, jnd = torch.rand(3, 2, 6, 3, 32, 32, generator=_generator())
    verdict = network.verdict(reference, distorted, jnd)
    assert verdict.weight.sum(1).tolist() == pytest.approx([1, 1], abs=1e-5)
    assert verdict.weight.min() >= 0 and verdict.weight.std() > 0
    score = (verdict.weight * verdict.quality).sum(1)
    assert torch.allclose(network(reference, distorted, jnd), score)
    # The order of the patches does not matter, that of the pictures does.
    turned = network(reference.flip(1), distorted.flip(1), jnd.flip(1))
    assert torch.allclose(turned, score, atol=1e-5)
    assert not torch.allclose(network(distorted, reference, jnd), score, atol=1e-5)


def test_all_patches_count_equally_where_the_weight_head_is_silent():
    network = build_network("vp_jnd", SMALL, seed=1).eval()
    torch.nn.init.constant_(network.weight_head[-1].bias, -100.0)
    reference, distorted, jnd = torch.rand(3, 1, 4, 3, 32, 32, generator=_generator())
    assert network.verdict(reference, distorted, jnd).weight[0].tolist() == pytest.approx(
        [0.25] * 4
    )


def test_no_pooling_gives_every_feature_twice_and_global_pooling_extremes_and_means():
    torch.manual_seed(0)
    plain = Branch([4, 8, 16, 32], "none", "graph").eval()
    patches = torch.rand(2, 3, 32, 48)
    maps = plain.stages(patches - 0.5)
    assert maps.shape == (2, 32, 2, 3)
    assert torch.equal(
        plain(patches).reshape(2, 32, 2, 6), maps.repeat(1, 1, 2, 1).reshape(2, 32, 2, 6)
    )
    plain.pooling = "global"
    assert torch.allclose(plain(patches)[:, :32], maps.flatten(2).max(2).values)
    assert torch.allclose(plain(patches)[:, 32:], maps.flatten(2).mean(2), atol=1e-6)


def test_attentions_are_what_their_equations_say():
    torch.manual_seed(0)
    maps = torch.rand(1, 32, 3, 4)
    attention = ChannelAttention(32)
    assert attention.mlp[0].out_features == 2  # a sixteenth
    flat = maps.flatten(2)
    gate = torch.sigmoid(attention.mlp(flat.mean(2)) + attention.mlp(flat.max(2).values))
    assert torch.allclose(attention(maps), maps * gate[..., None, None])


def test_proper_non_local_block_compares_every_position_with_all_others():
    torch.manual_seed(0)
    block, maps = NonLocal(8, "proper"), torch.rand(1, 8, 2, 3)
    theta, phi, g = (layer(maps).flatten(2)[0] for layer in (block.theta, block.phi, block.g))
    expected = torch.empty(8, 6)
    for i in range(6):
        alike = torch.softmax(torch.stack([theta[:, i] @ phi[:, j] for j in range(6)]), 0)
        expected[:, i] = sum(alike[j] * g[:, j] for j in range(6))
    expected = maps + block.w(expected.reshape(1, 8, 2, 3))
    assert torch.allclose(block(maps), expected, atol=1e-6)


@pytest.mark.parametrize(("channels", "height", "width"), [(16, 4, 4), (8, 2, 3)])  # HW = C, HW < C
def test_non_local_block_of_the_graph_reshapes_phi_as_tensorflow_does(channels, height, width):
    """attention.py of the authors, step by step in numpy: NHWC arrays, phi not transposed."""
    torch.manual_seed(1)
    block = NonLocal(channels)
    maps = torch.rand(2, channels, height, width)
    x = maps.permute(0, 2, 3, 1).numpy()

    def convolved(layer: torch.nn.Conv2d, nhwc: np.ndarray) -> np.ndarray:
        kernel = layer.weight.detach().numpy()[:, :, 0, 0]
        return nhwc @ kernel.T + layer.bias.detach().numpy()

    positions = height * width
    theta = convolved(block.theta, x).reshape(2, positions, channels)
    phi = convolved(block.phi, x).reshape(2, channels, positions)  # no transpose here
    g = convolved(block.g, x).reshape(2, positions, channels)
    affinity = np.exp(theta @ phi)
    affinity /= affinity.sum(-1, keepdims=True)
    expected = x + convolved(block.w, (affinity @ g).reshape(x.shape))
    found = block(maps).detach().permute(0, 2, 3, 1).numpy()
    assert found == pytest.approx(expected, abs=1e-5)
    proper = NonLocal(channels, "proper")
    proper.load_state_dict(block.state_dict())
    assert np.abs(proper(maps).detach().permute(0, 2, 3, 1).numpy() - expected).max() > 1e-3


def test_masked_errors_are_errors_over_thresholds_block_by_block():
    rng = np.random.default_rng(3)
    reference, distorted, jnd = rng.random((3, 2, 5, 16, 16)).astype(np.float32)
    found = masked_errors(
        *(torch.from_numpy(part.reshape(2, 5, 256)) for part in (reference, distorted, jnd)), 16
    )
    ratio = np.abs(reference - distorted) / (jnd + 1 / 255)
    for turn, (top, left) in enumerate([(0, 0), (0, 8), (8, 0), (8, 8)]):
        here = (..., slice(top, top + 8), slice(left, left + 8))
        mean = ratio[here].mean((2, 3))
        assert found[..., 7 * turn].numpy() == pytest.approx(np.log(mean), abs=0.01)
        signal, error = (_bands(part[here]) for part in (reference, reference - distorted))
        for band in range(3):
            energy, share = found[..., 7 * turn + 1 + 2 * band : 7 * turn + 3 + 2 * band].unbind(-1)
            assert energy.numpy() == pytest.approx(np.log(signal[band]), abs=0.05)
            assert share.numpy() == pytest.approx(np.log(error[band] / signal[band]), abs=0.05)


def test_weights_start_as_in_the_graph():
    network = build_network("vp_jnd", {"width": 0.5, "patch_size": 64}, seed=2)
    first = network.quality_head[0]
    bound = 2 / first.in_features**0.5
    assert first.weight.abs().max() <= bound
    # A normal cut at two deviations has 0.88 of its deviation left.
    assert float(first.weight.detach().std()) == pytest.approx(0.88 * bound / 2, rel=0.02)
    assert not first.bias.any()
    theta = network.picture_branch.stages[-2].theta
    assert theta.weight.abs().max() <= (6 / (2 * theta.in_channels)) ** 0.5


def test_detail_start_sees_no_brightness_and_keeps_signals_strong():
    torch.manual_seed(0)
    graph, detail = (Branch([8, 16, 32, 64], "none", start).eval() for start in ("graph", "detail"))
    dark, bright = (torch.full((1, 3, 32, 32), level) for level in (0.2, 0.9))
    seen = detail.stages[0](bright - dark) - detail.stages[0].bias[None, :, None, None]
    assert seen[..., 1:-1, 1:-1].abs().max() < 1e-5
    noise = torch.rand(4, 3, 32, 32) / 10 + 0.5
    with torch.inference_mode():
        assert detail(noise).std() > 5 * graph(noise).std()
    with pytest.raises(UserError, match="cold"):
        VpJndNet(**SMALL, start="cold")


@pytest.mark.parametrize("name", ["vp_jnd", "liu_pw_jnd"])
def test_detail_start_keeps_the_weights_of_patches_alive(name):
    size = {"width": 0.125, "patch_size": 32}
    for start, first in (("graph", 0), ("detail", FIRST_WEIGHT)):
        network = build_network(name, {**size, "start": start}, seed=0)
        assert network.weight_head[-1].bias.item() == first
        assert network.quality_head[-1].bias.item() == 0


@pytest.mark.parametrize("name", ["vp_jnd", "liu_pw_jnd"])
def test_model_files_bring_the_network_back(name, tmp_path):
    network = build_network(name, SMALL, seed=3).eval()
    save_model(tmp_path / "model.pt", network)
    again = load_model(tmp_path / "model.pt", network=name)
    assert again.patch_size == 32
    patches = torch.rand(3, 1, 4, 3, 32, 32, generator=_generator())
    inputs = patches if network.uses_jnd else patches[:2]
    assert torch.equal(again(*inputs), network(*inputs))


@pytest.mark.parametrize(
    ("name", "options"), [("vp_jnd", {}), ("vp_jnd", {"inputs": "masked"}), ("liu_pw_jnd", {})]
)
def test_export_has_the_same_verdicts_for_other_numbers_of_pictures_and_patches(
    name, options, tmp_path
):
    network = build_network(name, SMALL | options, seed=4).eval()
    path = tmp_path / "model.onnx"
    export_classifier(network, path)
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
    assert "jndlab.architecture" in [p.key for p in onnx.load(path).metadata_props]
    session = ClassifierSession(path, threads=1)
    assert (session.patch_size, session.uses_jnd) == (32, network.uses_jnd)
    patches = torch.rand(3, 3, 7, 3, 32, 32, generator=_generator())
    inputs = patches if network.uses_jnd else patches[:2]
    with torch.inference_mode():
        expected = network.verdict(*inputs)
    for turn, (reference, distorted, jnd) in enumerate(patches.transpose(0, 1).numpy()):
        session.set_picture(reference, jnd if network.uses_jnd else None)
        for ours, theirs in zip(session(distorted), expected, strict=True):
            assert ours == pytest.approx(theirs[turn].numpy(), abs=2e-5)


def test_a_call_computes_the_features_of_the_coded_version_alone(tmp_path, monkeypatch):
    with torch.device("meta"):
        paper = VpJndNet()
    branch, heads = _macs(paper)
    # 32 patches: 36 GMAC for a picture and one version, 14 for each further version.
    assert round(32 * (3 * branch + heads) / 1e9) == 36
    assert round(32 * (branch + heads) / 1e9) == 14
    path = tmp_path / "model.onnx"
    export_classifier(build_network("vp_jnd", SMALL, seed=4).eval(), path)
    session = ClassifierSession(path, threads=1)
    calls: list[str] = []
    for name, part in session.parts.items():
        session.parts[name] = _Counted(part, name, calls)
    patches = np.random.default_rng(0).random((3, 3, 32, 32), np.float32)
    session.set_picture(patches, patches)
    assert calls == ["reference", "jnd"]
    for _ in range(5):
        session(patches)
    assert calls[2:] == ["distorted", "heads"] * 5


@pytest.mark.parametrize(
    ("name", "options", "word"),
    [
        ("vp_jnd", {"patch_size": 40}, "40 x 40"),
        ("liu_pw_jnd", {"patch_size": 48}, "48 x 48"),
        ("vp_jnd", {"pooling": "average"}, "average"),
        ("vp_jnd", {"branches": "four"}, "four"),
    ],
)
def test_options_that_do_not_exist_are_refused(name, options, word):
    with pytest.raises(UserError, match=word):
        build_network(name, options)


def test_patches_are_cut_where_they_are_said_to_be():
    corners = random_corners((96, 112, 3), 32, 50, np.random.default_rng(0))
    assert corners.min() >= 0 and (corners.max(0) <= [64, 80]).all() and corners.std(0).min() > 10
    patches = cut_patches(PICTURE, corners, 32)
    top, left = corners[7]
    expected = PICTURE[top : top + 32, left : left + 32].transpose(2, 0, 1) / 255
    assert patches[7] == pytest.approx(expected, abs=1e-6)
    grey = cut_patches(PICTURE[..., 0], corners, 32)
    assert np.array_equal(grey[:, 2], patches[:, 0])
    with pytest.raises(UserError, match="smaller than a patch"):
        random_corners((96, 31, 3), 32, 1, np.random.default_rng(0))


@pytest.mark.parametrize("suffix", [".pt", ".onnx"])
@pytest.mark.parametrize("crops", ["independent", "aligned"])
def test_choice_is_where_the_classifier_turns(suffix, crops, tmp_path):
    network = _error_detector()
    model = tmp_path / f"model{suffix}"
    save_model(model, network) if suffix == ".pt" else export_classifier(network, model)
    store = tmp_path / "coded"
    view = {"patches": 8, "crops": crops, "reference": "source"}
    choice = VpJndChoice(model=model, view=view, search="exhaustive", store=store)
    decision = choice.choose(PICTURE)
    verdict_on = choice.look_at(PICTURE)
    logits = {q: verdict_on(choice.decoded(PICTURE, q)).logit for q in (1, 30, 100)}
    assert logits[1] > logits[30] > logits[100] and logits[1] > 0 > logits[100]
    assert decision.calls == 100
    assert decision.path[0] == Call(1, True)
    assert 1 < decision.quality < 100
    assert verdict_on(choice.decoded(PICTURE, 30)).corners.shape == (8, 2)
    assert decision.bytes == len(JpegCodec().encode(PICTURE, decision.quality))
    assert decision.as_json()["saving"] == pytest.approx(1 - decision.bytes / decision.best_bytes)
    again = VpJndChoice(model=model, view=view, search="voting").choose(PICTURE)
    assert abs(again.quality - decision.quality) <= 5 and again.calls < 20


def test_choice_refuses_what_it_cannot_use(tmp_path):
    save_model(tmp_path / "other.pt", build_network("iqnet"))
    with pytest.raises(UserError, match="no classifier"):
        VpJndChoice(model=tmp_path / "other.pt")
    (tmp_path / "broken.onnx").write_bytes(b"nothing")
    with pytest.raises(UserError, match="no exported classifier"):
        VpJndChoice(model=tmp_path / "broken.onnx")
    with pytest.raises(UserError, match="does not exist"):
        VpJndChoice(model=tmp_path / "absent.onnx")
    save_model(tmp_path / "model.pt", build_network("liu_pw_jnd", SMALL))
    with pytest.raises(UserError, match="staggered"):
        VpJndChoice(model=tmp_path / "model.pt", view={"crops": "staggered"})
    with pytest.raises(UserError, match="no labels to weigh"):
        VpJndChoice(model=tmp_path / "model.pt", prior=True)
    with pytest.raises(UserError, match="smaller than a patch"):
        VpJndChoice(model=tmp_path / "model.pt").choose(PICTURE[:20])


class _Counted:
    """A session of a part of the graph that notes its calls."""

    def __init__(self, session, name: str, calls: list[str]) -> None:
        self.session, self.name, self.calls = session, name, calls

    def run(self, *arguments):
        self.calls.append(self.name)
        return self.session.run(*arguments)


def _macs(network: VpJndNet) -> tuple[float, float]:
    """Multiplications of a branch and of both heads for one patch, from the layers' sizes."""
    side, branch = network.patch_size, 0.0
    for layer in network.picture_branch.stages:
        if isinstance(layer, torch.nn.Conv2d):
            branch += side**2 * layer.weight.numel()
        elif isinstance(layer, torch.nn.MaxPool2d):
            side //= 2
        elif isinstance(layer, NonLocal):
            channels = layer.theta.in_channels
            branch += 4 * side**2 * channels**2 + 2 * side**4 * channels
    heads = [network.quality_head[0], network.weight_head[0]]
    return branch, float(sum(layer.weight.numel() for layer in heads))


class Always(StillChoice):
    """The same quality for every picture."""

    def __init__(self, *, codec="jpeg", quality: int, store=None) -> None:
        super().__init__(codec, store)
        self.quality = quality

    def choose(self, picture):
        return self.decided(picture, self.quality)


def test_sizes_of_a_decision():
    codec = _FakeCodec()
    decision = Always(codec=codec, quality=4).choose(PICTURE)
    assert (decision.quality, decision.bytes, decision.best_bytes) == (4, 40, 100)
    assert decision.saving == pytest.approx(0.6) and decision.calls == 0
    assert Always(codec=codec, quality=10).choose(PICTURE).saving == 0


def test_line_from_pixel_jnd_to_quality():
    assert fit_pixel_jnd_regression([1, 2, 3], [9, 7, 5]) == pytest.approx((-2, 11))
    with pytest.raises(UserError, match="line"):
        fit_pixel_jnd_regression([2, 2], [1, 3])


def test_metric_threshold_is_fitted_to_the_labels():
    qualities = range(1, 11)
    curves = [[q / 10 - shift for q in qualities] for shift in (0.0, 0.02, -0.02)]
    threshold = fit_metric_threshold(curves, [6, 6, 6], qualities)
    for curve in curves:
        assert sum(value < threshold for value in curve) == 6
    assert fit_metric_threshold([[0.1, 0.5, 0.3, 0.9]], [3], range(1, 5)) > 0.3


def test_nearest_quality_of_rising_and_falling_scales():
    assert nearest_quality(range(1, 101), 40.4) == 40
    assert nearest_quality(range(1, 101), 140.0) == 100
    assert nearest_quality(range(51, -1, -1), 30.5) == 30  # the better of two as near


def test_luma_is_that_of_jpeg():
    assert luma_of(np.array([[[255, 0, 0], [0, 255, 0]]], np.uint8)).tolist() == [[76, 150]]


def test_coded_pictures_are_kept(tmp_path):
    store = StillStore(tmp_path)
    Always(quality=40, store=tmp_path).choose(PICTURE)
    kept = list(tmp_path.rglob("*.jpg"))
    assert len(kept) == 2  # at 40, and the best to compare with
    assert store.get(JpegCodec(), PICTURE, 100).path in kept


class _FakeCodec:
    """Ten qualities; picture and quality are 10 bytes a quality, errors are 10 - quality levels."""

    name = "fake"
    qualities = tuple(range(1, 11))

    def encode(self, picture, quality):
        self.last = picture
        return bytes([quality]) * (10 * quality)

    def decode(self, data):
        return np.where(self.last < 128, self.last + (10 - data[0]), self.last - (10 - data[0]))


def _bands(blocks: np.ndarray) -> list[np.ndarray]:
    """Mean squares of the differences of means over 1, 2, 4 and 8 pixels, fine to coarse."""

    def means(side: int) -> np.ndarray:
        cells = blocks.reshape(*blocks.shape[:2], 8 // side, side, 8 // side, side).mean((3, 5))
        return cells.repeat(side, 2).repeat(side, 3)

    return [((means(a) - means(2 * a)) ** 2).mean((2, 3)) for a in (1, 2, 4)]


def _error_detector() -> LiuPwJnd:
    """A network made by hand whose logit grows with the mean squared error of the patches."""
    network = LiuPwJnd(width=1 / 32, patch_size=32).eval()
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    convolutions = [layer for layer in network.branch if isinstance(layer, torch.nn.Conv2d)]
    with torch.no_grad():
        # The first layer answers to detail, which coding takes away: max(0, Laplacian of green).
        laplace = torch.tensor([[0.0, -1, 0], [-1, 4, -1], [0, -1, 0]])
        convolutions[0].weight[0, 1] = laplace
        for layer in convolutions[1:]:
            layer.weight[0, 0, 1, 1] = 1.0
        # Features are (R, D, R - D), each as many as the last layer has channels.
        channels = convolutions[-1].out_channels
        network.quality_head[0].weight[0, 2 * channels] = 1.0
        network.quality_head[-1].weight[0, 0] = 1.0
        network.quality_head[-1].bias[:] = -0.045
        network.weight_head[-1].bias[:] = 1.0
    return network


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(7)
