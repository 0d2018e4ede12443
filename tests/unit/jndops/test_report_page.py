"""The report's landing page: results first, as text of which nothing is markup or code."""

from __future__ import annotations

from pathlib import Path

from docutils.core import publish_parts
from jinja2 import Environment

from jndlab.files import write_json, write_text
from jndops.report_page import counts, landing_page

SUMMARY = """Means \\* over all.

| configuration | codec | method | BD-rate VMAF (%) | BD-rate PSNR (%) | saved | VMAF | PSNR |
|:--|:--|:--|:--|:--|--:|--:|--:|
| AI | x265 | {{ 6 * 7 }} \\*my\\_method\\* | -1.20 \\* | +0.30 | 10.00 | 1.00 | 0.50 |
"""


def results(folder: Path) -> Path:
    write_text(folder / "summary.md", SUMMARY)
    write_text(folder / "iqnet/tables/audit.csv", "a\n1\n")
    write_text(folder / "points/c/AI/s/anchor/qp22.json", "{}")
    record = {
        "suite": "0.2", "commit": "0123456789", "dirty": False, "date": "2026-01-01",
        "configuration": ["config/a_b.yaml"], "machine": {"processor": "CPU", "cores": 2},
        "python": "3.11", "packages": {"numpy": "2.0"},
    }  # fmt: skip
    write_json(folder / "run.json", record)
    return folder


def rendered(folder: Path) -> str:
    """The page as Snakemake renders it."""
    config = {"sequences": ["bikes"]}
    text = Environment().from_string(landing_page(folder)).render(snakemake={"config": config})
    return publish_parts(text, writer="html", settings_overrides={"report_level": 2})["body"]


def test_the_page_shows_methods_run_and_where_to_start(tmp_path: Path) -> None:
    page = rendered(results(tmp_path))
    assert "10.00" in page and "-1.20 *" in page and "+0.30" not in page
    assert "commit" in page and "0123456" in page and "numpy 2.0" in page
    assert "docs/papers/iqnet.md" in page and "docs/papers/vp_jnd.md" not in page
    assert "Sequences bikes" in page and "system-message" not in page


def test_nothing_of_the_results_is_markup_or_code(tmp_path: Path) -> None:
    assert "{{ 6 * 7 }} *my_method*" in rendered(results(tmp_path))


def test_a_run_without_summary_and_record_has_a_page_too(tmp_path: Path) -> None:
    page = rendered(tmp_path)
    assert "Methods" not in page and "system-message" not in page
    assert counts(results(tmp_path)) == {"rate-distortion points": 1, "tables": 1, "figures": 0}
