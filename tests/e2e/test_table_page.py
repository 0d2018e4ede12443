"""A table page in a real browser: sorted by a click, filtered by words, unmeasured rows folded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jndlab.report.tables import FOLDED, write_table

TABLE = pd.DataFrame(
    {
        "sequence": ["bikes", "Cactus", "carphone"],
        "saving": [9.5, 10.25, None],
        "verdict": ["reproduced", "deviates", FOLDED],
    }
)


@pytest.fixture
def driver(tmp_path: Path, browser: Any) -> Any:
    write_table(TABLE, tmp_path / "t", formats=("html",), caption="Savings.")
    browser.get((tmp_path / "t.html").as_uri())
    return browser


def shown(driver: Any) -> list[str]:
    rows = driver.find_elements("css selector", "tbody tr")
    return [row.text.split()[0] for row in rows if row.is_displayed()]


def test_a_table_sorts_filters_and_folds(driver: Any) -> None:
    assert shown(driver) == ["bikes", "Cactus"]
    driver.find_element("css selector", "#fold input").click()
    assert shown(driver) == ["bikes", "Cactus", "carphone"]
    saving = driver.find_elements("css selector", "th")[1]
    saving.click()
    assert shown(driver) == ["bikes", "Cactus", "carphone"]  # 9.5 is below 10.25, empty is last
    saving.click()
    assert shown(driver) == ["Cactus", "bikes", "carphone"]
    driver.find_element("css selector", "#filter").send_keys("BIKES reprod")
    assert shown(driver) == ["bikes"]


def test_cells_that_begin_with_a_number_sort_by_it(tmp_path: Path, browser: Any) -> None:
    """BD-rates of the summary have a mark, an interval, or words where there is none."""
    cells = ["+11.80 * [-0.66, +24.26]", "low overlap on all 3", "+4.43", "", "-0.01 [-0.1, +0.1]"]
    table = pd.DataFrame({"method": list("abcde"), "BD-rate VMAF (%)": cells})
    write_table(table, tmp_path / "t", formats=("html",))
    browser.get((tmp_path / "t.html").as_uri())
    head = browser.find_elements("css selector", "th")[1]
    head.click()
    assert "".join(shown(browser)) == "ecabd"
    head.click()
    assert "".join(shown(browser)) == "acebd"


def test_a_table_of_many_methods_fits_the_window(tmp_path: Path, browser: Any) -> None:
    browser.set_window_size(1280, 800)
    heads = [f"BL-JUNIPER (demo CNN, saliency {n}), kvazaar-ultrafast" for n in range(8)]
    row = {"sequence": "bigbuckbunny", **dict.fromkeys(heads, "low overlap on all 3")}
    write_table(pd.DataFrame([row]), tmp_path / "t", formats=("html",))
    browser.get((tmp_path / "t.html").as_uri())
    page = "document.documentElement"
    assert browser.execute_script(f"return {page}.scrollWidth <= {page}.clientWidth")
