"""Single pictures, filtered and coded: Table II and Fig. 7 to 9 of the IQNet paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from jndlab.codecs.base import Codec, EncodeJob
from jndlab.errors import UserError
from jndlab.media.clip import ClipFormat, Frame, read_clip, write_clip
from jndlab.media.pictures import frame_to_rgb, read_picture, write_png
from jndlab.papers.iqnet.candidates import DECODED_DEPTH
from jndlab.papers.iqnet.frame_figures import Window
from jndlab.papers.iqnet.published import Row, load_published, pick
from jndlab.quality.full_reference import measure

# pandas and matplotlib come with the functions that make tables and figures: coding runs without.
if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from jndlab.papers.iqnet.tables import PaperTable

# The paper prints neither unit nor rate. As kbit/s at 60 pictures a second each of the 16 printed
# numbers is a whole number of bytes (480 bit/s is their largest common divisor); at 30 all would be
# even numbers of bytes, at 24, 25 and 50 most would be none.
FPS = Fraction(60)
METHODS = {"source": "source", "training_data": "training picture", "IQNet": "IQNet"}
TOLERANCE: dict[str, float | str] = {"vmaf_p": 1.0, "bitrate_kbps": "5 %", "vmaf_r": 1.0}
KEY = ["image", "qp", "method"]
UNCODED = "uncoded"  # in the names of pictures, in place of a QP
SHEET_PICTURE, SHEET_CROP = 448, 240  # widths in pixels: of a whole picture, of a crop at most
GAP, LINE = 16, 20


def most_detailed(scores: pd.DataFrame) -> list[str]:
    """All pictures in the order of their detail: the size of the unfiltered picture's stream.

    ``scores`` is the table of ``iqnet_dataset.score_patches``; of equals the first one listed.
    """
    bits = scores[scores["alpha"] == 0].drop_duplicates("picture").set_index("picture")
    order = bits["picture_bits"].sort_values(ascending=False, kind="stable")
    return [str(name) for name in order.index]


def named_or(
    default: Sequence[str], names: Sequence[str] | None, known: Iterable[str]
) -> list[str]:
    """``names`` where they are given, else ``default``; UserError for a name that is not known."""
    strange = sorted(set(names or ()) - set(known))
    if strange:
        raise UserError(
            f"there is no training picture '{strange[0]}' to show.",
            expected="names from the data set's pictures.csv",
            remedy="correct the name in the configuration, or leave it out.",
        )
    return list(names or default)


def whole_patches(picture: Frame, patch: int) -> Frame:
    """What the training data keep of a picture: less what lies beyond the last whole patch."""
    height, width = (side // patch * patch for side in picture.y.shape)
    chroma = (plane[: height // 2, : width // 2] for plane in (picture.u, picture.v))
    return Frame(picture.y[:height, :width], *chroma)


def encode_lumas(
    source: Frame,
    lumas: Mapping[str, np.ndarray],
    codec: Codec,
    qps: Sequence[int],
    work_dir: Path,
    log: Path | None = None,
) -> tuple[list[dict[str, Any]], dict[tuple[str, int], Frame]]:
    """Code a picture (8 bit) with each of ``lumas``, all intra and alone, at each QP.

    Returns a row per luma and QP, and the decoded pictures (10 bit). Rows: method (the luma's
    name), qp, bits; VMAF and PSNR Y (dB, None without any error) against the source of the picture
    before coding (``vmaf_p``, ``psnr_p``) and of its reconstruction (``vmaf_r``, ``psnr_r``).
    Chroma is that of the source throughout. Equal lumas are coded once.
    """
    height, width = source.y.shape
    clip = ClipFormat(width, height, FPS, frames=1)
    distinct = {luma.tobytes(): luma for luma in lumas.values()}
    shown: list[Frame] = []
    bits: dict[tuple[bytes, int], int] = {}
    places: dict[bytes | tuple[bytes, int], int] = {}
    for key, luma in distinct.items():
        picture, stream = work_dir / "picture.mkv", work_dir / f"picture.{codec.suffix}"
        write_clip(picture, [source._replace(y=luma)], clip)
        places[key] = len(shown)
        shown.append(_raised(source._replace(y=luma)))
        for qp in qps:
            job = EncodeJob(picture, clip, "AI", qp, stream, work_dir, threads=1, log=log)
            bits[key, qp] = sum(codec.encode(job).bits_per_frame)
            places[key, qp] = len(shown)
            shown += read_clip(stream, ClipFormat(width, height, FPS, 1, DECODED_DEPTH))

    # In one clip of a standing source: without motion a frame has the VMAF that it has alone.
    deep = ClipFormat(width, height, FPS, len(shown), DECODED_DEPTH)
    reference, compared = work_dir / "reference.mkv", work_dir / "compared.mkv"
    write_clip(reference, [_raised(source)] * len(shown), deep)
    write_clip(compared, shown, deep)
    values = measure(reference, compared, deep, work_dir=work_dir).frames
    rows, decoded = [], {}
    for name, luma in lumas.items():
        key = luma.tobytes()
        before = values[places[key]]
        for qp in qps:
            after = values[places[key, qp]]
            decoded[name, qp] = shown[places[key, qp]]
            rows.append(
                {"method": name, "qp": qp, "bits": bits[key, qp]}
                | {"vmaf_p": before["vmaf"], "psnr_p": before["psnr_y"]}
                | {"vmaf_r": after["vmaf"], "psnr_r": after["psnr_y"]}
            )
    return rows, decoded


def save_pictures(
    folder: Path,
    name: str,
    source: Frame,
    lumas: Mapping[str, np.ndarray],
    decoded: Mapping[tuple[str, int], Frame],
    qp: int,
) -> None:
    """Write each luma's picture in colour, before coding and decoded: :func:`picture_file`."""
    for method, luma in lumas.items():
        write_png(folder / picture_file(name, method), frame_to_rgb(source._replace(y=luma)))
        rgb = frame_to_rgb(decoded[method, qp], DECODED_DEPTH)
        write_png(folder / picture_file(name, method, qp), rgb)


def picture_file(name: str, method: str, qp: int | None = None) -> str:
    """File name of a picture as it goes into the encoder, or as it comes out at ``qp``."""
    return f"{name}_{method}_{UNCODED if qp is None else f'qp{qp}'}.png"


def table2(numbers: Sequence[Mapping[str, str]], codec: str, *, published: bool) -> PaperTable:
    """Table II from rows of :func:`encode_lumas` with ``image`` (image1, ...), ``picture``.

    ``published``: whether the pictures are of the paper's data set. Even then none of them is known
    to be one of the two that it shows, so the comparison sets side by side, without a verdict.
    """
    import pandas as pd

    from jndlab.papers.iqnet.tables import PaperTable
    from jndlab.report.compare import FOUND, compare_with_published
    from jndlab.report.conditions import printed_conditions

    ours = pd.DataFrame(list(numbers))
    decimals = ["vmaf_p", "psnr_p", "vmaf_r", "psnr_r"]
    ours[decimals] = ours[decimals].apply(pd.to_numeric).astype(float)
    ours[["qp", "bits"]] = ours[["qp", "bits"]].astype(int)
    ours["bitrate_kbps"] = ours["bits"] * float(FPS) / 1000
    unfiltered = ours[ours["method"] == "source"].set_index(["image", "qp"])["bits"]
    anchor = unfiltered.reindex(pd.MultiIndex.from_frame(ours[["image", "qp"]])).to_numpy()
    ours["saving_pct"] = 100 * (1 - ours["bits"] / anchor)
    ours["content"] = "published" if published else "demo"
    columns = ["image", "picture", "qp", "method", "content", "vmaf_p", "bitrate_kbps", "vmaf_r"]
    ours = ours[[*columns, "bits", "saving_pct", "psnr_p", "psnr_r"]]
    printed = load_published()["table2_training_images"]
    comparison = compare_with_published(
        ours.assign(**{FOUND: [()] * len(ours)}),
        [{**row, "bitrate_kbps": row["bitrate"]} for row in printed],
        KEY,
        list(TOLERANCE),
        TOLERANCE,
        printed_conditions("iqnet", "table2"),
    )
    names = ", ".join(ours.drop_duplicates("image")["picture"])
    caption = (
        f"IQNet Table II, codec {codec}, all intra: the training pictures {names} (those of most "
        "detail unless the configuration names others). training_data is the picture put together "
        "from the chosen patches, IQNet the network's output for the source, source the picture "
        "unfiltered, against which saving_pct counts. vmaf_p and vmaf_r: VMAF v0.6.1 of the "
        "picture before coding and of its reconstruction, both against the source; a single "
        "picture reaches less than 100 even against itself (vmaf_p of source). bitrate_kbps is at "
        "60 pictures a second, by which every printed rate is a whole number of bytes."
    )
    return PaperTable("table2", caption, ours, comparison)


def bd_rates(table: pd.DataFrame) -> pd.DataFrame:
    """What "similar" means: BD-rate (%, pchip, VMAF of the reconstruction) within each picture.

    IQNet against its training data, with the same from the paper's printed numbers, and both
    against the unfiltered picture, which the paper does not give.
    """
    import pandas as pd

    from jndlab.quality.bd_rate import Curve, bd_rate

    printed = load_published()["table2_training_images"]

    def printed_curve(image: str, method: str) -> Curve:
        rows: list[Row] = pick(printed, image=image, method=method)
        return Curve([float(r["bitrate"]) for r in rows], [float(r["vmaf_r"]) for r in rows])

    rows = []
    for image, of_image in table.groupby("image", sort=False):
        curves = {
            method: Curve(list(group["bitrate_kbps"]), list(group["vmaf_r"]))
            for method, group in of_image.groupby("method", sort=False)
        }
        for test, anchor in (
            ("IQNet", "training_data"),
            ("IQNet", "source"),
            ("training_data", "source"),
        ):
            found = bd_rate(curves[anchor], curves[test])
            theirs = bd_rate(printed_curve(image, anchor), printed_curve(image, test))
            rows.append(
                {"image": image, "picture": of_image["picture"].iloc[0], "method": test}
                | {"against": anchor, "bd_rate_pct": found.percent, "status": found.status}
                | {"overlap": found.overlap, "printed_bd_rate_pct": theirs.percent}
            )
    return pd.DataFrame(rows).astype({"bd_rate_pct": float, "printed_bd_rate_pct": float})


def plot_pictures(
    table: pd.DataFrame,
    image: str,
    windows: Mapping[str, Window],
    qp: int,
    folder: Path,
    title: str,
    *,
    coded: bool,
) -> Figure:
    """Fig. 7 (before coding) or 8 (``coded`` at ``qp``): a picture by all methods, side by side.

    ``table`` has the rows of one QP, ``windows`` are marked, ``folder`` holds the pictures.
    """
    rows = {row["method"]: row for row in _at(table, image, qp)}
    step = qp if coded else None
    pictures = {name: _fitted(folder / picture_file(image, name, step)) for name in METHODS}
    scale, first = next(iter(pictures.values()))
    width = GAP + len(METHODS) * (SHEET_PICTURE + GAP)
    sheet = Sheet(width, 4 * LINE + first.shape[0] + GAP)
    sheet.text(GAP, 8, f"{title}: {image} ({rows['source']['picture']})", 11)
    for column, (method, (_, pixels)) in enumerate(pictures.items()):
        left = GAP + column * (SHEET_PICTURE + GAP)
        sheet.text(left, 2 * LINE, _heading(method, step), 9.5, weight="bold")
        sheet.text(left, 3 * LINE, words_of(rows[method], coded), 8.5)
        axes = sheet.picture(pixels, left, 4 * LINE)
        for label, window in windows.items():
            _mark(axes, label, window, scale)
    return sheet.figure


def plot_crops(
    table: pd.DataFrame,
    windows: Mapping[str, Mapping[str, Window]],
    qp: int,
    folder: Path,
    title: str,
) -> Figure:
    """Fig. 9: windows of each reconstruction, enlarged by a whole factor without smoothing."""
    side = max(window.side for marked in windows.values() for window in marked.values())
    factor = max(1, SHEET_CROP // side)
    pitch, block = factor * side + GAP, 3 * LINE
    heights = [block + len(marked) * pitch for marked in windows.values()]
    sheet = Sheet(2 * GAP + len(METHODS) * pitch, sum(heights) + 2 * LINE)
    sheet.text(2 * GAP, 8, title, 11)
    top = 2 * LINE - 4
    for (image, marked), height in zip(windows.items(), heights, strict=True):
        rows = {row["method"]: row for row in _at(table, image, qp)}
        places = ", ".join(f"{n}: {w.side}x{w.side} at ({w.x}, {w.y})" for n, w in marked.items())
        sheet.text(2 * GAP, top, f"{image} ({rows['source']['picture']}), {places}", 10)
        for column, method in enumerate(METHODS):
            left = 2 * GAP + column * pitch
            sheet.text(left, top + 1.2 * LINE, _heading(method, qp), 8.5, weight="bold")
            sheet.text(left, top + 2.1 * LINE, words_of(rows[method], True, short=True), 7)
            pixels = read_picture(folder / picture_file(image, method, qp))
            for line, (label, (x, y, size)) in enumerate(marked.items()):
                place = top + block + line * pitch
                sheet.picture(enlarged(pixels[y : y + size, x : x + size], factor), left, place)
                if column == 0:
                    sheet.text(4, place, label, 9, weight="bold")
        top += height
    return sheet.figure


def words_of(row: Mapping[str, Any], coded: bool, short: bool = False) -> str:
    """What a picture is worth and costs, in words; before coding it costs nothing."""
    kind = "r" if coded else "p"
    psnr = row[f"psnr_{kind}"]
    equal = psnr is None or np.isnan(psnr)
    words = ["equal to the source" if equal else f"PSNR Y {psnr:.2f} dB"]
    words += [f"VMAF {row[f'vmaf_{kind}']:.1f}"] * (not (equal and short))
    if coded:
        words.append(f"{row['bits']:,} bit")
    if coded and row["method"] != "source" and not short:
        words.append(f"saving {row['saving_pct']:.1f} %")
    return ", ".join(words).replace("PSNR Y ", "" if short else "PSNR Y ")


class Sheet:
    """A figure laid out in pixels (from the upper left), so that pictures keep theirs exactly."""

    def __init__(self, width: float, height: float) -> None:
        from matplotlib.figure import Figure

        from jndlab.report.style import PIXELS_PER_INCH

        self.size = np.array([round(width), round(height)])
        self.figure = Figure(figsize=tuple(self.size / PIXELS_PER_INCH), facecolor="white")

    def axes(self, left: float, top: float, width: float, height: float) -> Any:
        """Axes at a place."""
        down = self.size[1] - top - height
        return self.figure.add_axes(
            (left / self.size[0], down / self.size[1], width / self.size[0], height / self.size[1])
        )

    def picture(self, pixels: np.ndarray, left: float, top: float) -> Any:
        """RGB or grey pixels, one to one; returns the axes, in pixels of the picture."""
        height, width = pixels.shape[:2]
        axes = self.axes(left, top, width, height)
        colours = pixels if pixels.ndim == 3 else np.stack([pixels] * 3, axis=-1)
        axes.imshow(colours, interpolation="none", aspect="auto")
        axes.set_axis_off()
        return axes

    def text(self, left: float, top: float, words: str, points: float, **looks: Any) -> None:
        """Words whose upper left corner is at a place."""
        place = left / self.size[0], 1 - top / self.size[1]
        self.figure.text(*place, words, fontsize=points, **{"va": "top", **looks})


def enlarged(pixels: np.ndarray, factor: int) -> np.ndarray:
    """Each pixel repeated ``factor`` times both ways."""
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


def _raised(picture: Frame) -> Frame:
    return Frame(*(plane.astype(np.uint16) << (DECODED_DEPTH - 8) for plane in picture))


def _at(table: pd.DataFrame, image: str, qp: int) -> list[dict[str, Any]]:
    return table[(table["image"] == image) & (table["qp"] == qp)].to_dict("records")


def _heading(method: str, qp: int | None) -> str:
    return f"{METHODS[method]}, " + ("not coded" if qp is None else f"QP {qp}")


def _fitted(path: Path) -> tuple[float, np.ndarray]:
    """A picture at most as wide as a column, and how much smaller it became."""
    picture = Image.fromarray(read_picture(path))
    scale = min(1.0, SHEET_PICTURE / picture.width)
    if scale < 1:
        size = (SHEET_PICTURE, max(1, round(picture.height * scale)))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
    return scale, np.asarray(picture)


def _mark(axes: Any, label: str, window: Window, scale: float) -> None:
    from matplotlib.patches import Rectangle

    x, y, side = (scale * value for value in window)
    # Black around white is seen on any picture.
    for colour, width in (("black", 3.0), ("white", 1.2)):
        axes.add_patch(Rectangle((x - 0.5, y - 0.5), side, side, fill=False, ec=colour, lw=width))
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    axes.text(x + 4, y + 4, label, fontsize=9, weight="bold", va="top", ha="left", bbox=box)
