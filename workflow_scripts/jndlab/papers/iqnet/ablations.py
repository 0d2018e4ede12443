"""What each part of IQNet's training data does: the ablations of Fig. 10, 11 and 12, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jndlab.jnd.dct import BLOCK
from jndlab.jnd.erjnd import ErjndPrefilter, IqnetFilter
from jndlab.media.blocks import window_sums
from jndlab.media.clip import ClipFormat, Frame, read_clip
from jndlab.media.pictures import read_picture, write_png
from jndlab.papers.iqnet.alpha_selection import assemble_training_picture
from jndlab.papers.iqnet.candidates import DECODED_DEPTH
from jndlab.papers.iqnet.config import SelectionOptions
from jndlab.papers.iqnet.frame_figures import GRID, Window, crop_side
from jndlab.papers.iqnet.training_pictures import (
    GAP,
    LINE,
    SHEET_CROP,
    Sheet,
    enlarged,
    picture_file,
)
from jndlab.quality.intervals import (
    NOT_SHOWN,
    Comparison,
    mean_interval,
    paired_difference,
    standings,
)

# pandas and matplotlib come with the functions that make tables and figures: coding runs without.
if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

CHANGE_GAIN = 8
SOURCE, CHANGE, EDGES = "source", "change", "edges"
FRAME = "BQMall_first_frame"  # what Fig. 10 shows, where the run has it; no training picture
QUANTITIES = {
    "bits": "bits",
    "saving_pct": "saving (%)",
    "vmaf_p": "VMAF before coding",
    "vmaf_r": "VMAF, reconstruction",
    "psnr_r": "PSNR Y (dB), reconstr.",
    "edge_error_p": "edge error before coding",
    "edge_error_r": "edge error, reconstr.",
    "blocking_p": "blocking before coding",
    "blocking_r": "blocking, reconstr.",
    "mean_alpha": "mean alpha",
    "smooth_error_p": "smooth error before coding",
    "smooth_error_r": "smooth error, reconstr.",
}


@dataclass(frozen=True)
class Ablation:
    """One figure: its variants by label, without the part first and with it last; what it shows."""

    title: str
    variants: Mapping[str, str]
    shown: tuple[str, ...]

    @property
    def quantities(self) -> list[str]:
        """Those of the table: a choice of alphas has none of a filter's errors, and the reverse."""
        of_choice = {"mean_alpha", "smooth_error_p", "smooth_error_r"}
        of_filter = {"edge_error_p", "edge_error_r", "blocking_p", "blocking_r"}
        left_out = of_filter if "mean_alpha" in self.shown else of_choice
        return [name for name in QUANTITIES if name not in left_out]


ABLATIONS = {
    "fig10_erjnd": Ablation(
        "Fig. 10: from ERJND to ours, part by part at the same scale",
        {
            "erjnd": "plain ERJND",
            "weighted": "+ DCT weights",
            "overlap": "+ overlap",
            "ours": "+ minor edges (ours)",
        },
        ("saving_pct", "vmaf_p", "vmaf_r", "edge_error_p", "blocking_p"),
    ),
    "fig11_minor_edges": Ablation(
        "Fig. 11: without and with preservation of minor edges",
        {"overlap": "edges not preserved", "ours": "preserved (ours)"},
        ("saving_pct", "vmaf_p", "vmaf_r", "edge_error_p", "edge_error_r"),
    ),
    "fig12_mae_rule": Ablation(
        "Fig. 12: without and with the MAE rule for smooth patches, by what the MAE is of",
        {
            "no_mae_rule": "no MAE rule",
            "mae_decoded_vs_decoded": "decoded, decoded original",
            "mae_decoded_vs_source": "decoded, source",
            "mae_prefiltered_vs_source": "prefiltered, source",
        },
        ("saving_pct", "vmaf_r", "mean_alpha", "smooth_error_p", "smooth_error_r"),
    ),
}


def selections(
    scores: pd.DataFrame, options: SelectionOptions, pictures: Sequence[str]
) -> dict[str, Any]:
    """The choice of alphas with the MAE rule in all readings, and without it.

    ``scores`` is the table of the whole data set, since which patches are smooth depends on all.
    ``selections``: per picture and variant of Fig. 12 its grid of alphas; ``smooth``: per picture
    the grid of patches that are smooth under the configured reading; ``mae_rule``: what each
    variant chose in the whole data set. Options without the rule get its default share.
    """
    from jndlab.papers.iqnet.training_data import MAE_COLUMNS, choose_alphas

    if options.smooth_absolute is None and options.smooth_quantile == 0:
        options = options.model_copy(update={"smooth_quantile": SelectionOptions().smooth_quantile})
    variants = {
        "no_mae_rule": options.model_copy(update={"smooth_quantile": 0.0, "smooth_absolute": None}),
    }
    for kind, column in MAE_COLUMNS.items():
        variants[column] = options.model_copy(update={"mae_kind": kind})
    tables = {name: choose_alphas(scores, variant) for name, variant in variants.items()}
    configured = tables[MAE_COLUMNS[options.mae_kind]]
    without = tables["no_mae_rule"]["alpha"]

    def grid(table: pd.DataFrame, picture: str, column: str) -> list[list[Any]]:
        rows = table[table["picture"] == picture]
        return rows.pivot(index="patch_row", columns="patch_column", values=column).values.tolist()

    return {
        "selections": {
            picture: {name: grid(table, picture, "alpha") for name, table in tables.items()}
            for picture in pictures
        },
        "smooth": {picture: grid(configured, picture, "smooth") for picture in pictures},
        "mae_rule": {
            name: {
                "patches": len(table),
                "patches_changed": int((table["alpha"] != without).sum()),
                "mean_alpha": round(float(table["alpha"].mean()), 4),
                "mean_alpha_of_smooth": round(
                    float(table.loc[configured["smooth"], "alpha"].mean()), 4
                ),
            }
            for name, table in tables.items()
        },
    }


def first_frame(path: str | Path, clip: ClipFormat) -> Frame:
    """The first frame of a clip of ``clip``'s format, rounded to 8 bit."""
    frame = next(iter(read_clip(path, clip)))
    step = 1 << (clip.bit_depth - 8)
    planes = (np.clip((plane.astype(int) + step // 2) // step, 0, 255) for plane in frame)
    return Frame(*(plane.astype(np.uint8) for plane in planes))


def filter_variants(
    luma: np.ndarray,
    alpha: float,
    alphas: Sequence[float],
    filter_options: Mapping[str, Any],
    chosen: Mapping[str, Sequence[Sequence[float]]],
    patch: int,
) -> dict[str, np.ndarray]:
    """All variants of a luma plane (whole patches, uint8), with the source under ``source``.

    Fig. 10 and 11 filter at ``alpha``: ERJND as published, then one part of IQNet's after the
    other, whatever ``filter_options`` (those of the training data) leave out. Fig. 12 puts the
    ``chosen`` grids of alphas together from candidates filtered by ``filter_options``.
    """
    ours = {**filter_options, "overlap": True, "minor_edges": True}
    overlap = {**ours, "minor_edges": False}
    weighted = {**overlap, "overlap": False}
    steps = {"weighted": weighted, "overlap": overlap, "ours": ours}
    lumas = {SOURCE: luma, "erjnd": ErjndPrefilter(alpha=alpha).filter_luma(luma, 8)}
    for name, options in steps.items():
        lumas[name] = IqnetFilter(alpha=alpha, **options).filter_luma(luma, 8)
    filters = [IqnetFilter(alpha=each, **filter_options) for each in alphas]
    candidates = np.stack([one.filter_luma(luma, 8) for one in filters])
    for name, places in chosen.items():
        choice = np.searchsorted(alphas, np.asarray(places))
        lumas[name] = assemble_training_picture(candidates, choice, patch)
    return lumas


def errors_of(
    source: np.ndarray, luma: np.ndarray, edges: np.ndarray, smooth: np.ndarray
) -> dict[str, float | None]:
    """How a luma plane (in steps of 8 bit, any type) differs from ``source``, where it matters.

    edge_error    mean absolute difference on the pixels of ``edges`` (H x W, bool)
    smooth_error  the same on those of ``smooth`` (H x W, bool)
    blocking      :func:`blocking`

    None where there are no such pixels.
    """
    size = np.abs(luma.astype(np.float64) - source)
    return {
        "edge_error": float(size[edges].mean()) if edges.any() else None,
        "smooth_error": float(size[smooth].mean()) if smooth.any() else None,
        "blocking": blocking(source, luma),
    }


def blocking(source: np.ndarray, luma: np.ndarray) -> float | None:
    """How much more a luma plane jumps at block boundaries than its source does.

    The mean absolute step between neighbours across the lines of the 8x8 grid, over the mean one
    inside blocks, and that over the same ratio of the source, which may have blocks of its own. Of
    the filter's two grids, 4 pixels apart, the one with the larger result counts. 1: the filter
    made no blocks; above: it smoothed inside blocks and not across. None for a plane without any
    step inside blocks or a source without any at a boundary.
    """
    filtered, unfiltered = (_boundary_ratios(plane) for plane in (luma, source))
    if filtered is None or unfiltered is None or min(unfiltered) == 0:
        return None
    return max(after / before for after, before in zip(filtered, unfiltered, strict=True))


def numbers_of(
    rows: Sequence[Mapping[str, Any]],
    lumas: Mapping[str, np.ndarray],
    decoded: Mapping[tuple[str, int], Frame],
    edges: np.ndarray,
    smooth: np.ndarray,
    chosen: Mapping[str, Sequence[Sequence[float]]],
) -> list[dict[str, Any]]:
    """The rows of ``iqnet_training_pictures.encode_lumas`` at one QP, with all QUANTITIES."""
    source = lumas[SOURCE].astype(np.float64)
    unfiltered = next(row["bits"] for row in rows if row["method"] == SOURCE)
    numbers = []
    for row in rows:
        name = row["method"]
        values = {**row, "saving_pct": 100 * (1 - row["bits"] / unfiltered)}
        values["mean_alpha"] = float(np.mean(chosen[name])) if name in chosen else None
        reconstruction = decoded[name, row["qp"]].y / (1 << (DECODED_DEPTH - 8))
        for kind, luma in (("p", lumas[name]), ("r", reconstruction)):
            errors = errors_of(source, luma, edges, smooth)
            values |= {f"{error}_{kind}": value for error, value in errors.items()}
        numbers.append(
            {"variant": name, "qp": row["qp"]} | {key: values[key] for key in QUANTITIES}
        )
    return numbers


def most_changed(lumas: Mapping[str, np.ndarray], ablation: Ablation) -> tuple[float, Window]:
    """The window where the change from the first to the last variant shows most, and how much.

    That is the sum of absolute differences over the activity of the source (the same between
    neighbours, and one level a pixel), since detail hides a change. Windows of
    ``iqnet_reconstructions.crop_side`` lie on a grid of 8 pixels; of equals the first counts.
    """
    names, source = list(ablation.variants), lumas[SOURCE].astype(int)
    change = np.abs(lumas[names[0]].astype(int) - lumas[names[-1]])
    activity = np.ones_like(source)
    activity[:, 1:] += np.abs(np.diff(source, axis=1))
    activity[1:] += np.abs(np.diff(source, axis=0))
    side = crop_side(min(source.shape))
    shown = window_sums(change, side, GRID) / window_sums(activity, side, GRID)
    row, column = np.unravel_index(shown.argmax(), shown.shape)
    return float(shown[row, column]), Window(int(column) * GRID, int(row) * GRID, side)


def save_changes(
    folder: Path, name: str, lumas: Mapping[str, np.ndarray], edges: np.ndarray
) -> None:
    """Write each variant's change of the luma, enlarged and around grey, and the minor edges."""
    write_png(folder / picture_file(name, EDGES), np.where(edges, 255, 0).astype(np.uint8))
    for variant, luma in lumas.items():
        change = 128 + CHANGE_GAIN * (luma.astype(int) - lumas[SOURCE])
        pixels = np.clip(change, 0, 255).astype(np.uint8)
        write_png(folder / picture_file(name, f"{variant}_{CHANGE}"), pixels)


def summary(numbers: pd.DataFrame) -> pd.DataFrame:
    """One row per figure, quantity and variant: mean over sources, and effect of the variant.

    ``numbers`` has the rows of :func:`numbers_of`, ``picture`` and its ``source``; those of
    :data:`FRAME` are left out. ``difference`` is to the figure's first variant, picture by
    picture; ``low`` and ``high`` end 95 % intervals over sources; ``p_holm`` is adjusted over the
    table, ``effect`` is ``shown`` or ``not shown`` with the reason. The filters are not trained,
    so there are no seeds.
    """
    import pandas as pd

    rows: list[dict[str, Any]] = []
    effects: list[Comparison | None] = []
    numbers = numbers[numbers["picture"] != FRAME]
    source_of = numbers.drop_duplicates("picture").set_index("picture")["source"]
    for figure, ablation in ABLATIONS.items():
        first, *_ = ablation.variants
        for quantity in ablation.quantities:
            values = numbers.pivot(index="picture", columns="variant", values=quantity)
            sources = source_of[values.index]
            for variant in ablation.variants:
                mean = mean_interval(values[variant], sources)
                change = paired_difference(values[variant], values[first], sources)
                rows.append(
                    {"figure": figure, "quantity": quantity, "variant": variant,
                     "pictures": mean.members, "sources": mean.sources, **mean.columns("mean")}
                )  # fmt: skip
                compared = Comparison(variant, first, quantity, change, lower_is_better=True)
                effects.append(None if variant == first else compared)
    found = pd.DataFrame(standings(effects))
    # Which variant is better depends on the quantity; here it counts whether one is.
    found["effect"] = [
        better if not better or better.startswith(NOT_SHOWN) else "shown"
        for better in found.pop("better")
    ]
    return pd.concat([pd.DataFrame(rows), found], axis=1)


def in_words(table: pd.DataFrame) -> pd.DataFrame:
    """The summary to be read: means and effects with their intervals as ``1.20 [0.90, 1.60]``."""
    import pandas as pd

    def text(row: Mapping[str, Any], key: str, low: str, high: str) -> str:
        decimals = 0 if row["quantity"] == "bits" else 2
        mean, *ends = (
            "" if np.isnan(row[k]) else f"{row[k]:.{decimals}f}" for k in (key, low, high)
        )
        return f"{mean} [{', '.join(ends)}]" if all(ends) else mean

    rows = [
        {"figure": row["figure"].partition("_")[0], "quantity": QUANTITIES[row["quantity"]]}
        | {
            "variant": ABLATIONS[row["figure"]].variants[row["variant"]],
            "pictures": row["pictures"],
            "sources": row["sources"],
        }
        | {"mean": text(row, "mean", "low", "high")}
        | {"difference": text(row, "difference", "difference_low", "difference_high")}
        | {"effect": row["effect"]}
        for row in table.to_dict("records")
    ]
    return pd.DataFrame(rows)


def plot_ablation(
    name: str,
    numbers: pd.DataFrame,
    table: pd.DataFrame,
    scene: Mapping[str, Any],
    qp: int,
    folder: Path,
    note: str,
) -> Figure:
    """One of Fig. 10 to 12: a crop of one picture, and the numbers of all pictures below.

    ``numbers`` and ``table`` are those of :func:`summary`; ``scene`` names the picture and the
    window of :func:`most_changed`; ``folder`` holds the pictures, coded at ``qp``; ``note``
    ends the title.
    """
    ablation, picture = ABLATIONS[name], scene["picture"]
    x, y, side = scene["window"]
    factor = max(1, SHEET_CROP // side)
    extra = [SOURCE, EDGES] if name == "fig11_minor_edges" else [SOURCE]
    columns = [*extra, *ablation.variants]
    titles = {SOURCE: SOURCE, EDGES: "minor edges of the source", **ablation.variants}
    steps = ("before coding", f"change x {CHANGE_GAIN}", f"QP {qp}")
    pitch, head, foot = factor * side + GAP, 6 * LINE, 70 + 34 * len(ablation.variants)
    width = max(len(columns) * pitch + 2 * GAP + 20, 1180)
    sheet = Sheet(width, head + len(steps) * pitch + foot)
    sheet.text(GAP, 8, f"{ablation.title}; {note}", 11)
    where = (
        f"{picture}, {side}x{side} at ({x}, {y}): where the change from first to last shows most"
    )
    sheet.text(GAP, 8 + 1.4 * LINE, where, 9)
    rows = numbers[numbers["picture"] == picture].set_index("variant")
    for column, variant in enumerate(columns):
        left = GAP + 20 + column * pitch
        sheet.text(left, 3 * LINE, titles[variant], 9.5, weight="bold")
        if variant != EDGES:
            for line, words in enumerate(_words(rows.loc[variant])):
                sheet.text(left, (4 + 0.85 * line) * LINE, words, 7.5)
        for line, file in enumerate(_files(picture, variant, qp)):
            if file is None:
                continue
            pixels = read_picture(folder / file)[y : y + side, x : x + side]
            sheet.picture(enlarged(pixels, factor), left, head + line * pitch)
    for line, words in enumerate(steps):
        middle = head + line * pitch + factor * side / 2
        sheet.text(8, middle, words, 8.5, rotation=90, va="center")
    _plot_numbers(sheet, name, numbers, table, head + len(steps) * pitch + 30, foot - 70)
    return sheet.figure


def _boundary_ratios(luma: np.ndarray) -> tuple[float, float] | None:
    """Step across the lines of each of the filter's two grids, over the step inside blocks."""
    steps: list[list[np.ndarray]] = [[] for _ in range(BLOCK)]
    for plane in (luma.astype(np.float64), luma.T.astype(np.float64)):
        size = np.abs(np.diff(plane, axis=1))
        for place in range(BLOCK):  # size[:, n] is the step from sample n to n + 1
            steps[place].append(size[:, (place - 1) % BLOCK :: BLOCK].reshape(-1))
    half = BLOCK // 2
    means = [float(np.concatenate(sizes).mean()) for sizes in steps]
    inside = float(np.mean([mean for place, mean in enumerate(means) if place % half]))
    return (means[0] / inside, means[half] / inside) if inside else None


def _files(picture: str, variant: str, qp: int) -> list[str | None]:
    if variant == EDGES:
        return [picture_file(picture, EDGES), None, None]
    change = None if variant == SOURCE else picture_file(picture, f"{variant}_{CHANGE}")
    return [picture_file(picture, variant), change, picture_file(picture, variant, qp)]


def _words(row: Mapping[str, Any]) -> list[str]:
    """Two lines of numbers of one whole picture."""
    saving = f", saving {row['saving_pct']:.1f} %" if row["saving_pct"] else ""
    return [
        f"{row['bits']:,.0f} bit{saving}",
        f"VMAF {row['vmaf_p']:.1f}, coded {row['vmaf_r']:.1f}",
    ]


def _plot_numbers(
    sheet: Sheet, name: str, numbers: pd.DataFrame, table: pd.DataFrame, top: float, height: float
) -> None:
    """A panel per quantity: each picture's value as a ring, joined, and means with intervals."""
    ablation = ABLATIONS[name]
    left, right, gap = 170, 24, 22
    width = (sheet.size[0] - left - right + gap) / len(ablation.shown) - gap
    places = range(len(ablation.variants))
    for panel, quantity in enumerate(ablation.shown):
        axes = sheet.axes(left + panel * (width + gap), top, width, height)
        values = numbers.pivot(index="picture", columns="variant", values=quantity)
        for _, of_picture in values[list(ablation.variants)].iterrows():
            axes.plot(of_picture, places, "o-", color="0.65", mfc="white", ms=4, lw=0.8)
        means = table[(table["figure"] == name) & (table["quantity"] == quantity)]
        ends = np.abs(means[["low", "high"]].sub(means["mean"], axis=0)).to_numpy().T
        axes.errorbar(means["mean"], places, xerr=ends, fmt="s", color="black", ms=5, capsize=3)
        axes.set_title(QUANTITIES[quantity], fontsize=8.5)
        axes.set_yticks(places, list(ablation.variants.values()))
        axes.set_ylim(len(places) - 0.5, -0.5)
        axes.margins(x=0.08)
        axes.tick_params(labelleft=panel == 0, labelsize=8)
        axes.locator_params(axis="x", nbins=4)
