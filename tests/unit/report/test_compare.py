"""Verdicts on printed numbers, and the IQNet tables built from points."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from jndlab.errors import UserError
from jndlab.papers.iqnet import tables as iqnet_tables
from jndlab.papers.iqnet.published import load_published, pick, sequence_ids
from jndlab.quality.points import with_savings
from jndlab.report.compare import compare_with_published, verdict_summary

PRINTED = [
    {"sequence": "s1", "qp": "22", "saving_pct": "10.00"},
    {"sequence": "s2", "qp": "22", "saving_pct": "20"},
    {"sequence": "s3", "qp": "22", "saving_pct": ""},
]


def ours(content="published", **savings):
    return pd.DataFrame(
        {"sequence": name, "qp": 22, "content": content, "saving_pct": value}
        for name, value in savings.items()
    )


def compare(frame, comparable=True, tolerance=0.3):
    return compare_with_published(
        frame, PRINTED, ["sequence", "qp"], ["saving_pct"], {"saving_pct": tolerance}, comparable
    )


def test_verdicts_follow_the_tolerance():
    table = compare(ours(s1=10.3, s2=20.31))
    assert list(table["verdict"]) == ["reproduced", "deviates"]
    assert list(table["printed"]) == ["10.00", "20"]
    assert table["difference"].tolist() == pytest.approx([0.3, 0.31])


def test_a_tolerance_may_be_a_share_of_the_printed_value():
    table = compare(ours(s1=10.5, s2=21.1), tolerance="5 %")
    assert list(table["verdict"]) == ["reproduced", "deviates"]
    with pytest.raises(UserError, match="about five"):
        compare(ours(s1=10.5), tolerance="about five")


def test_stand_in_content_is_never_judged_even_where_it_is_equal():
    table = compare(ours("demo", s1=10.0, s2=99.0))
    assert set(table["verdict"]) == {"not comparable: stand-in content"}
    assert table.loc[0, "difference"] == 0


def test_another_codec_is_named_as_the_reason():
    table = compare(ours(s1=10.0), "codec vvenc instead of VTM-11.0")
    assert table.loc[0, "verdict"] == "not comparable: codec vvenc instead of VTM-11.0"
    assert compare(ours(s1=10.0), False).loc[0, "verdict"].startswith("not comparable: ")


def test_single_rows_may_have_a_reason_of_their_own():
    frame = ours(s1=10.0, s2=20.0).assign(not_comparable=["", "17 of 600 frames"])
    assert list(compare(frame)["verdict"]) == ["reproduced", "not comparable: 17 of 600 frames"]


def test_what_one_side_lacks_is_said():
    table = compare(ours(s3=5.0, s9=5.0)).set_index("sequence")
    assert table.loc["s1", "verdict"] == "not measured"
    assert table.loc["s3", "verdict"] == "not comparable: nothing printed for it"
    assert table.loc["s9", "verdict"] == "not comparable: nothing printed for it"
    assert verdict_summary(table) == "2 not comparable, 2 not measured"
    missing = compare(ours(s1=None))
    assert missing.loc[0, "verdict"] == "not measured"


def test_the_function_refuses_what_it_could_only_guess():
    with pytest.raises(ValueError, match="content"):
        compare(ours(s1=1.0).drop(columns="content"))
    with pytest.raises(ValueError, match="two rows"):
        compare(pd.concat([ours(s1=1.0), ours(s1=2.0)]))
    with pytest.raises(UserError, match="saving_pct"):
        compare_with_published(ours(s1=1.0), PRINTED, ["sequence", "qp"], ["saving_pct"], {})


def points(sequences, methods, codec, content, saving):
    """Made-up points; ``saving`` (configuration, sequence, qp, method) -> (saving %, PSNR drop)."""
    rows = []
    for sequence, configuration, method, qp in itertools.product(
        sequences, ("AI", "LDP"), methods, (22, 27, 32, 37)
    ):
        percent, drop = (
            (0, 0) if method == "anchor" else saving(configuration, sequence, qp, method)
        )
        rows.append(
            {
                **{
                    "sequence": sequence,
                    "configuration": configuration,
                    "codec": codec,
                    "method": method,
                },
                **{"qp": qp, "content": content, "width": 416, "height": 240, "fps": 50.0},
                **{"frames": 8, "bit_depth": 8, "bits": round(1e9 * (1 - percent / 100))},
                "bitrate_kbps": 1e6 * (1 - percent / 100),
                "psnr_y_framemean": 50 - qp / 3 - drop,
                "vmaf_mean": 120 - qp - drop,
                "vmaf_neg_mean": 119 - qp - drop,
                "prefilter_vmaf_mean": None if method == "anchor" else 93.0,
            }
        )
    return with_savings(pd.DataFrame(rows).astype({"prefilter_vmaf_mean": float}))


def printed_saving():
    published = load_published()
    rows = published["table4_ps_comparison"]
    ids = sequence_ids(published["table1_sequences"], rows)
    return {
        (row["configuration"], ids[row["sequence"]], int(row["qp"]), "iqnet"): (
            float(row["bitrate_saving_pct"]),
            float(row["psnr_drop_db"]),
        )
        for row in pick(rows, method="IQNet")
    }


def test_table4_is_reproduced_by_points_that_have_the_printed_values():
    wanted = printed_saving()
    frame = points(
        sorted({key[1] for key in wanted}),
        ["anchor", "iqnet"],
        "vtm-11.0",
        "published",
        lambda *key: wanted[key],
    )
    table = iqnet_tables.table4(frame, "vtm-11.0")
    assert verdict_summary(table.comparison) == "100 reproduced"
    assert len(table.ours) == 48
    first = table.ours.iloc[0]
    assert (first["sequence"], first["qp"]) == ("B_BQTerrace", 22)
    assert first["saving_pct"] == pytest.approx(31.52)
    assert (first["printed_ps_saving_pct"], first["printed_iqnet_psnr_drop_db"]) == (
        "50.42",
        "5.14",
    )
    other_codec = frame.assign(codec="vvenc-slower")
    verdicts = iqnet_tables.table4(other_codec, "vvenc-slower").comparison["verdict"]
    assert set(verdicts) == {"not comparable: codec vvenc-slower instead of VTM-11.0"}


def test_demo_points_of_other_methods_give_all_tables_and_no_verdict(tmp_path):
    frame = points(["bikes"], ["anchor", "erjnd"], "vvenc-faster", "demo", lambda *_: (41.0, 0.5))
    tables = [
        iqnet_tables.table1(frame),
        iqnet_tables.table3(frame, "vvenc-faster"),
        iqnet_tables.table4(frame, "vvenc-faster"),
        iqnet_tables.headline(frame, "vvenc-faster"),
    ]
    for table in tables:
        verdicts = {verdict.split(":")[0] for verdict in table.comparison["verdict"]}
        assert verdicts == {"not comparable", "not measured"}
        stems = {name: tmp_path / name for name in (table.name, f"{table.name}_comparison")}
        written = iqnet_tables.write_paper_table(table, stems)
        assert len(written) == 2 * 4  # both tables in each form
        assert len(table.ours)
    assert tables[1].ours.loc[1, "saving_pct"] == pytest.approx(41.0)
    assert list(tables[3].ours["max_saving_pct"]) == pytest.approx([41.0, 41.0])
    assert (tmp_path / "headline_comparison.md").read_text().startswith("IQNet headline, codec")


def test_the_headline_is_comparable_only_over_all_sequences():
    published = load_published()["table1_sequences"]
    every = [f"{row['class']}_{row['sequence']}" for row in published]

    def of(sequences):
        frame = points(
            sequences,
            ["anchor", "iqnet"],
            "vtm-11.0",
            "published",
            lambda configuration, sequence, qp, method: (15.0, 1.0),
        )
        table = iqnet_tables.headline(frame, "vtm-11.0").comparison
        return table.set_index(["configuration", "quantity"])["verdict"]

    assert of(every)["AI", "mean_saving_pct"] == "reproduced"
    assert of(every)["LDP", "mean_saving_pct"] == "deviates"
    assert of(every[1:])["AI", "mean_saving_pct"] == (
        "not comparable: 1 of the 18 sequences missing"
    )
