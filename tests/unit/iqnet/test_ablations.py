"""IQNet's ablations: what the variants are, what their errors measure, means with intervals."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from jndlab.datasets.pictures.crops import list_crops, load_crop
from jndlab.jnd.edges import minor_edges
from jndlab.jnd.erjnd import ErjndPrefilter, IqnetFilter
from jndlab.media.clip import ClipFormat, Frame, write_clip
from jndlab.papers.iqnet.ablations import (
    ABLATIONS,
    EDGES,
    QUANTITIES,
    blocking,
    errors_of,
    filter_variants,
    first_frame,
    in_words,
    most_changed,
    numbers_of,
    plot_ablation,
    save_changes,
    selections,
    summary,
)
from jndlab.papers.iqnet.config import SelectionOptions
from jndlab.papers.iqnet.frame_figures import Window
from jndlab.papers.iqnet.training_pictures import picture_file, save_pictures

OPTIONS = {
    "weighting": "xiang2016",
    "overlap": True,
    "minor_edges": True,
    "canny_main": [100, 200],
    "canny_detail": [50, 100],
}
ALPHAS, PATCH = [0.1, 1.0], 64
CHOSEN = {
    "no_mae_rule": [[1.0, 1.0]],
    "mae_decoded_vs_decoded": [[0.1, 1.0]],
    "mae_decoded_vs_source": [[1.0, 0.1]],
    "mae_prefiltered_vs_source": [[0.1, 0.1]],
}


@pytest.fixture(scope="module")
def source():
    (chosen,) = list_crops("packaged", crop=(128, 64), limit=1)
    return load_crop(chosen)


@pytest.fixture(scope="module")
def lumas(source):
    return filter_variants(source.y, 1.0, ALPHAS, OPTIONS, CHOSEN, PATCH)


@pytest.fixture(scope="module")
def edges(source):
    return minor_edges(source.y, OPTIONS["canny_main"], OPTIONS["canny_detail"])


@pytest.fixture(scope="module")
def numbers(source, lumas, edges):
    """Numbers of three pictures; the 'decoder' changes nothing, the bits are made up."""
    decoded = {
        (name, 27): Frame(luma.astype(np.uint16) * 4, source.u, source.v)
        for name, luma in lumas.items()
    }
    rows = [
        {"method": name, "qp": 27, "bits": 1000 - 100 * place}
        | {"vmaf_p": 97.0 - place, "vmaf_r": 95.0 - place, "psnr_p": None, "psnr_r": 40.0}
        for place, name in enumerate(lumas)
    ]
    smooth = np.zeros(source.y.shape, bool)
    found = numbers_of(rows, lumas, decoded, edges, smooth, CHOSEN)
    return pd.DataFrame(
        [{"picture": p, "source": p, **row, "saving_pct": row["saving_pct"] + n}
         for n, p in enumerate("abc") for row in found]
    )  # fmt: skip


def test_each_step_adds_one_part_whatever_the_training_data_leave_out(source, lumas):
    assert list(lumas) == [
        "source",
        *dict.fromkeys(v for a in ABLATIONS.values() for v in a.variants),
    ]
    steps = ABLATIONS["fig10_erjnd"].variants
    ours = {"alpha": 1.0, "weighting": "xiang2016"}
    expected = {
        "erjnd": ErjndPrefilter(alpha=1.0),
        "weighted": IqnetFilter(**ours, overlap=False, minor_edges=False),
        "overlap": IqnetFilter(**ours, minor_edges=False),
        "ours": IqnetFilter(**ours),
    }
    assert list(expected) == list(steps)
    for name, prefilter in expected.items():
        assert (lumas[name] == prefilter.filter_luma(source.y, 8)).all()
    assert all((lumas[a] != lumas[b]).any() for a, b in pairwise(steps))
    bare = {**OPTIONS, "overlap": False, "minor_edges": False}
    others = filter_variants(source.y, 1.0, ALPHAS, bare, CHOSEN, PATCH)
    assert (others["ours"] == lumas["ours"]).all()
    assert (others["no_mae_rule"] != lumas["no_mae_rule"]).any()


def test_fig12_pastes_the_chosen_candidates(source, lumas):
    at = {a: IqnetFilter(alpha=a, **OPTIONS).filter_luma(source.y, 8) for a in ALPHAS}
    assert (lumas["no_mae_rule"] == at[1.0]).all() and (
        lumas["mae_prefiltered_vs_source"] == at[0.1]
    ).all()
    mixed = lumas["mae_decoded_vs_source"]
    assert (mixed[:, :64] == at[1.0][:, :64]).all() and (mixed[:, 64:] == at[0.1][:, 64:]).all()


def test_the_edge_error_is_none_with_preserved_edges_and_counts_edges_alone(source, lumas, edges):
    assert edges.any() and (edges == minor_edges(source.y)).all()
    nowhere = np.zeros_like(edges)
    assert errors_of(source.y, lumas["ours"], edges, nowhere)["edge_error"] == 0
    assert errors_of(source.y, lumas["overlap"], edges, nowhere)["edge_error"] > 0.1
    shifted = source.y + np.where(edges, 3.0, 50.0)
    found = errors_of(source.y, shifted, edges, ~edges)
    assert found["edge_error"] == pytest.approx(3) and found["smooth_error"] == pytest.approx(50)
    assert errors_of(source.y, shifted, nowhere, nowhere)["edge_error"] is None


def test_blocking_finds_the_grid_that_jumps():
    rng = np.random.default_rng(1)
    source = rng.normal(size=(128, 128))
    blocks = np.kron(rng.normal(size=(16, 16)), np.ones((8, 8)))
    assert blocking(source, source) == 1
    assert blocking(source, 0.3 * source + 7) == pytest.approx(1)
    assert blocking(source, source + 3 * blocks) > 2
    assert blocking(source, source + 3 * np.roll(blocks, 4, (0, 1))) > 2  # the overlap's grid
    assert blocking(source, source + 3 * np.roll(blocks, 2, (0, 1))) < 1  # no grid of the filter
    # Blocks that the source has are not the filter's.
    assert blocking(source + 3 * blocks, source + 3 * blocks) == pytest.approx(1)
    assert blocking(source, np.zeros((128, 128))) is None
    assert blocking(np.zeros((128, 128)), source) is None


def test_each_step_makes_blocks_harder_to_tell(source, lumas):
    nowhere = np.zeros(source.y.shape, bool)
    values = [
        errors_of(source.y, lumas[name], nowhere, nowhere)["blocking"]
        for name in ABLATIONS["fig10_erjnd"].variants
    ]
    assert values == sorted(values, reverse=True) and values[0] > 1.2


def test_selections_differ_by_the_mae_rule_alone():
    grid = [(r, c) for r in range(2) for c in range(2)]
    rows = []
    for picture, level in (("flat", 0.1), ("rich", 1.0)):
        for row, column in grid:
            for alpha, mae, decoded in ((0.0, 0.0, 2.0), (0.1, 1.0, 2.1), (1.0, 9.0, 2.2)):
                values = {"score": alpha, "mae_decoded_vs_source": decoded * level}
                values |= {"mae_decoded_vs_decoded": 0.3 * mae * level * (row + 1)}
                values |= {"mae_prefiltered_vs_source": mae * level, "picture_bits": 1}
                place = {"picture": picture, "patch_row": row, "patch_column": column}
                rows.append({**place, "alpha": alpha, **values})
    options = SelectionOptions(smooth_quantile=0.5, tie_mode="largest")
    found = selections(pd.DataFrame(rows), options, ["flat"])
    assert set(found["selections"]) == set(found["smooth"]) == {"flat"}
    chosen = found["selections"]["flat"]
    assert chosen["no_mae_rule"] == chosen["mae_decoded_vs_source"] == [[1.0, 1.0], [1.0, 1.0]]
    assert (
        chosen["mae_prefiltered_vs_source"]
        == chosen["mae_decoded_vs_decoded"]
        == [[0.1, 0.1], [0.1, 0.1]]
    )
    assert found["smooth"]["flat"] == [[True, True], [True, True]]
    metadata = found["mae_rule"]
    assert [metadata[name]["patches_changed"] for name in metadata] == [0, 4, 0, 4]
    assert metadata["mae_prefiltered_vs_source"]["mean_alpha_of_smooth"] == pytest.approx(0.1)
    unset = SelectionOptions(smooth_quantile=0, tie_mode="largest")
    off = selections(pd.DataFrame(rows), unset, ["flat"])
    assert off["mae_rule"]["mae_prefiltered_vs_source"]["patches_changed"] > 0


def test_an_effect_is_shown_by_sources_and_not_by_pictures(numbers):
    assert set(summary(numbers)["effect"]) == {"", "not shown: too few sources"}
    crops = pd.concat(
        [numbers.assign(picture=numbers["picture"] + f"_{crop}") for crop in range(4)]
    )
    table = summary(crops)
    assert set(table["pictures"]) == {0, 12} and set(table["sources"]) == {0, 3}
    assert set(table["effect"]) == {"", "not shown: too few sources"}
    by_source = pd.concat(
        [numbers.assign(picture=f"{name}", source=f"{name}")[numbers["picture"] == "b"]
         for name in range(8)]
    )  # fmt: skip
    table = summary(by_source).set_index(["figure", "quantity", "variant"])
    row = table.loc["fig10_erjnd", "saving_pct", "ours"]
    assert row["difference"] == pytest.approx(30) and row["effect"] == "shown"
    same = table.loc["fig11_minor_edges", "edge_error_p", "ours"]
    assert (same["effect"] == "shown") == (same["difference"] != 0)


def test_the_summary_pairs_variants_picture_by_picture(numbers):
    table = summary(numbers).set_index(["figure", "quantity", "variant"])
    row = table.loc["fig10_erjnd", "saving_pct", "ours"]
    assert row["pictures"] == 3 and row["mean"] == pytest.approx(41)
    assert row["low"] < row["mean"] < row["high"]
    # Pictures differ by whole percentage points, their differences do not at all.
    ends = row[["difference", "difference_low", "difference_high"]]
    assert ends.tolist() == pytest.approx([30, 30, 30])
    assert np.isnan(table.loc["fig10_erjnd", "saving_pct", "erjnd"]["difference"])
    assert table.loc["fig11_minor_edges", "edge_error_p", "ours"]["mean"] == 0
    assert table.loc["fig12_mae_rule", "mean_alpha", "mae_decoded_vs_source"][
        "mean"
    ] == pytest.approx(0.55)
    # No patch was smooth: there is no number, and not a zero.
    smooth = table.loc["fig12_mae_rule", "smooth_error_p", "mae_decoded_vs_source"]
    assert smooth["pictures"] == 0 and np.isnan(smooth["mean"])
    words = in_words(table.reset_index())
    row = words[
        (words["figure"] == "fig10") & (words["quantity"] == QUANTITIES["saving_pct"])
    ].iloc[-1]
    assert row["variant"] == "+ minor edges (ours)" and row["difference"] == "30.00 [30.00, 30.00]"


def test_the_window_is_where_detail_hides_a_change_least():
    rng = np.random.default_rng(2)
    source = np.full((128, 256), 128)
    source[:, 128:] = rng.integers(0, 256, (128, 128))
    first, last = source.copy(), source.copy()
    last[40:56, 40:56] += 2  # in the flat half
    last[:, 200:] += 4  # more, but hidden
    first, last, source = (
        np.clip(plane, 0, 255).astype(np.uint8) for plane in (first, last, source)
    )
    lumas = {"source": source, "overlap": first, "ours": last}
    shown, (x, y, side) = most_changed(lumas, ABLATIONS["fig11_minor_edges"])
    assert side == 64 and x <= 40 and x + side >= 56 and y <= 40 and y + side >= 56
    assert shown == pytest.approx(2 * 16 * 16 / 64**2)
    unchanged = most_changed({**lumas, "ours": first}, ABLATIONS["fig11_minor_edges"])
    assert unchanged == (0, Window(0, 0, 64))


@pytest.mark.parametrize("name", list(ABLATIONS))
def test_figures_show_the_window_of_most_change_and_all_pictures(
    name, numbers, source, lumas, edges, tmp_path
):
    changed, window = most_changed(lumas, ABLATIONS[name])
    assert changed > 0 and isinstance(window, Window)
    decoded = {(variant, 27): source for variant in lumas}
    save_pictures(tmp_path, "b", source, lumas, decoded, 27)
    save_changes(tmp_path, "b", lumas, edges)
    assert (tmp_path / picture_file("b", EDGES)).is_file()
    scene = {"picture": "b", "window": list(window)}
    drawn = plot_ablation(name, numbers, summary(numbers), scene, 27, tmp_path, "x265")
    count = len(ABLATIONS[name].variants)
    pictures = [axes for axes in drawn.axes if axes.images]
    assert len(pictures) == 2 + 3 * count + (name == "fig11_minor_edges")
    panels = [axes for axes in drawn.axes if not axes.images]
    shown = ABLATIONS[name].shown
    assert [axes.get_title() for axes in panels] == [QUANTITIES[quantity] for quantity in shown]
    assert all(len(axes.lines) >= 3 for axes in panels)


def test_the_first_frame_of_a_deeper_clip_is_rounded_to_8_bit(tmp_path):
    clip = ClipFormat(16, 16, Fraction(25), frames=2, bit_depth=10)
    levels = np.resize(np.array([0, 1, 2, 5, 6, 1022, 1023], np.uint16), (16, 16))
    chroma = np.full((8, 8), 512, np.uint16)
    frame = Frame(levels, chroma, chroma)
    write_clip(tmp_path / "clip.mkv", [frame, frame], clip)
    found = first_frame(tmp_path / "clip.mkv", clip)
    expected = np.minimum(np.floor(levels / 4 + 0.5), 255)
    assert found.y.dtype == np.uint8 and (found.y == expected).all()
    assert (found.u == 128).all()
