"""BD-rates of a run next to a peer's."""

from __future__ import annotations

import pandas as pd
import pytest

from jndlab.papers.iqnet.peer import METRICS, PEER, STREAMS, peer_table
from jndlab.papers.iqnet.published import load_published

PRINTED = load_published()["peer_bd_rate"]


def bd_rates(name):
    rows = [
        {"level": level, "class": name, "method": "erjnd", "metric": metric, "bd_rate_pct": value}
        for level, value in (("sequence", 9.0), ("class", -2.5))
        for metric in ("psnr_y_mse", "psnr_hvs_y", "vmaf_mean")
    ]
    return pd.DataFrame(rows).assign(sequences=3)


def test_the_mean_of_a_class_stands_before_the_peers():
    table = peer_table(bd_rates("B"), PRINTED)
    first, *others = table.to_dict("records")
    assert (first["set"], first["method"], first["sequences"]) == ("hevc_b", "erjnd", 3)
    assert first["psnr"] == first["vmaf"] == -2.5
    assert pd.isna(first["ssim"]) and first["psnr_hvsm"] == -2.5
    assert len(others) == len(PRINTED) and {row["by"] for row in others} == {PEER}


def test_decoded_streams_are_said_to_be_some():
    both = pd.concat([bd_rates("B"), bd_rates("S")])
    rows = peer_table(both, PRINTED)
    assert rows["by"].tolist()[:3] == ["this run", STREAMS, PEER]
    assert set(rows["set"][:2]) == {"hevc_b"}


def test_other_content_has_the_peers_rows_alone():
    assert set(peer_table(bd_rates("demo"), PRINTED)["by"]) == {PEER}


@pytest.mark.parametrize("row", PRINTED, ids=lambda row: f"{row['dataset']}-{row['method']}")
def test_the_peers_mean_of_six_is_that_of_its_numbers(row):
    mean = sum(float(row[name]) for name in METRICS) / len(METRICS)
    assert mean == pytest.approx(float(row["all"]), abs=0.02)
