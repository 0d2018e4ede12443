"""Result pages of commands on videos of one's own: the answer, how far to trust it, and a look."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from jndlab.files import write_text
from jndlab.media.clip import ClipFormat
from jndlab.report.style import figure_style, legend_below, new_grid, save_figure, title_figure
from jndlab.report.viewer import Coding, write_viewer

FRAMES = 5  # of each clip on the page that shows them
PANEL = (4.6, 2.8)
_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 1.5em; color: #222; }}
table {{ border-collapse: collapse; }}
th, td {{ padding: .2em .8em; text-align: right; border-bottom: 1px solid #ddd; }}
iframe {{ border: 0; width: 100%; height: 80vh; }}
img {{ max-width: 100%; }}
</style></head><body>
<h1>{title}</h1>
<ul>
{answers}
</ul>
<p>How far the network can be trusted, by data that it did not learn from:</p>
<ul>
{trust}
</ul>
{look}
</body></html>
"""


def filter_page(
    stem: Path,
    title: str,
    answers: Sequence[str],
    trust: Sequence[str],
    clips: Mapping[str, ClipFormat],
    filtered: Sequence[tuple[str, str, Path]],
) -> Path:
    """Write ``<stem>.html``, and ``<stem>_frames`` with a slider between source and result.

    ``filtered`` are sequence, name and file of each result, ``clips`` the formats of sequences,
    whose sources lie in ``sequences/`` next to the page.
    """
    sources = [(Coding(str(stem.parent / f"sequences/{name}.mkv"), name), clip)
               for name, clip in clips.items()]  # fmt: skip
    results = [(Coding(str(file), name, method=what), clips[name]) for name, what, file in filtered]
    frames = stem.with_name(f"{stem.name}_frames")
    write_viewer(frames, [*sources, *results], FRAMES, "")
    look = f'<iframe src="{html.escape(frames.name)}/index.html" title="frames"></iframe>'
    return _write(stem, title, answers, trust, look)


def jnd_page(
    stem: Path,
    title: str,
    answers: Sequence[str],
    trust: Sequence[str],
    predicted: Mapping[str, Mapping[str, Any]],
) -> Path:
    """Write ``<stem>.html`` with the JNDs of each frame as a table, and as a figure of its own.

    ``predicted`` are the JSON files of predictions by sequence.
    """
    rows = [
        {"video": name, "frame": one["frame"]}
        | {f"JND{level} (QP)": qp for level, qp in enumerate(one["jnd"], 1)}
        for name, found in predicted.items()
        for one in found["frames"]
    ]
    table = pd.DataFrame(rows)
    _plot(table, stem)
    look = f'<p><img src="{html.escape(stem.name)}.svg" alt="JNDs over frames"></p>\n'
    look += table.to_html(index=False, border=0, float_format=lambda value: f"{value:.1f}")
    return _write(stem, title, answers, trust, look)


def _plot(table: pd.DataFrame, stem: Path) -> None:
    videos = list(dict.fromkeys(table["video"]))
    levels = [name for name in table if name.startswith("JND")]
    with figure_style():
        figure, grid = new_grid(len(videos), 1, PANEL, sharex=False, sharey=True)
        for axes, video in zip(grid.flat, videos, strict=True):
            of_video = table[table["video"] == video]
            for level, marker in zip(levels, "osD^v"[: len(levels)], strict=True):
                axes.plot(of_video["frame"], of_video[level], marker=marker, label=level)
            axes.set(title=video, xlabel="frame", ylabel="QP of H.264")
        legend_below(figure, dict(zip(levels, grid.flat[0].lines, strict=True)))
        title_figure(figure, "QPs from which on coding errors become visible")
        save_figure(figure, table, stem)


def _write(stem: Path, title: str, answers: Sequence[str], trust: Sequence[str], look: str) -> Path:
    page = stem.with_suffix(".html")
    items = {
        name: "\n".join(f"<li>{html.escape(line)}</li>" for line in lines)
        for name, lines in (("answers", answers), ("trust", trust or ["it has no network"]))
    }
    write_text(page, _PAGE.format(title=html.escape(title), look=look, **items))
    return page
