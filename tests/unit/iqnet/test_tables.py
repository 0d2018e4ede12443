"""IQNet's tables made of points: what they hold, and under which conditions they have verdicts."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from jndlab.papers.iqnet import tables as iqnet_tables
from jndlab.papers.iqnet.published import load_published, pick, sequence_ids
from jndlab.quality.points import with_savings
from jndlab.report.compare import verdict_summary

QPS = (22, 27, 32, 37)
# What a training leaves in its summary, at the paper's scale.
RECORD = {
    "weights": "trained by the suite", "network": "iqnet", "parameters": 3297, "epochs": 2500,
    "batch_size": 128, "learning_rate": 0.001, "training_source": "vimeo90k",
    "training_pictures": 7824, "scorer": "nima", "training_codec": "vtm 11.0", "training_qp": 27,
    "lr_step_epochs": 250, "optimizer": "adam", "crop": 64,
}  # fmt: skip
MODEL = "a" * 64
EVERY = [f"{row['class']}_{row['sequence']}" for row in load_published()["table1_sequences"]]


def made_points(sequences, methods, codec, content, saving, *, frames=600, encoder="vtm 11.0",
                qps=QPS, model=MODEL):  # fmt: skip
    """Made-up points; ``saving`` (configuration, sequence, qp, method) -> (saving %, PSNR drop)."""
    rows = []
    for sequence, configuration, method, qp in itertools.product(
        sequences, ("AI", "LDP"), methods, qps
    ):
        percent, drop = (
            (0, 0) if method == "anchor" else saving(configuration, sequence, qp, method)
        )
        rows.append(
            {
                "sequence": sequence, "configuration": configuration, "codec": codec,
                "method": method, "qp": qp, "content": content,
                "width": 416, "height": 240, "fps": 50.0, "frames": frames, "bit_depth": 8,
                "encoder": encoder, "models_sha256": "" if method == "anchor" else model,
                "bits": round(1e9 * (1 - percent / 100)),
                "bitrate_kbps": 1e6 * (1 - percent / 100),
                "psnr_y_framemean": 50 - qp / 3 - drop,
                "vmaf_mean": 120 - qp - drop,
                "vmaf_neg_mean": 119 - qp - drop,
                "prefilter_vmaf_mean": None if method == "anchor" else 93.0,
            }
        )  # fmt: skip
    return with_savings(pd.DataFrame(rows).astype({"prefilter_vmaf_mean": float}))


def with_conditions(points, record=RECORD):
    return iqnet_tables.with_conditions(points.assign(sheet_frames=600), {MODEL: record})


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


def of_table4(record=RECORD, codec="vtm-11.0", **changed):
    """Table IV of points that have the printed savings, made under other conditions."""
    wanted = printed_saving()
    sequences = sorted({key[1] for key in wanted})
    points = made_points(
        sequences, ["anchor", "iqnet"], codec, "published", lambda *key: wanted[key], **changed
    )
    return iqnet_tables.table4(with_conditions(points, record), codec)


def test_table4_is_reproduced_by_points_that_have_the_printed_values():
    table = of_table4()
    assert verdict_summary(table.comparison) == "100 reproduced"
    assert len(table.ours) == 48 and "found" not in table.ours
    first = table.ours.iloc[0]
    assert (first["sequence"], first["qp"]) == ("B_BQTerrace", 22)
    assert first["saving_pct"] == pytest.approx(31.52)
    assert (first["printed_ps_saving_pct"], first["printed_iqnet_psnr_drop_db"]) == (
        "50.42",
        "5.14",
    )


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"frames": 8}, "8 of 600 frames"),
        ({"encoder": "vtm 20.0"}, "codec: vtm 20.0 instead of vtm 11.0"),  # still named vtm-11.0
        ({"encoder": "vvenc 1.15.0", "codec": "vvenc-slower"},
         "codec: vvenc 1.15.0 instead of vtm 11.0"),
        ({"model": "b" * 64}, "unrecorded weights may have been trained on these clips"),
        ({"model": ""}, "unrecorded weights may have been trained on these clips"),
        ({"model": f"{MODEL} {'b' * 64}"},
         "unrecorded weights may have been trained on these clips"),
        *(({"record": {**RECORD, name: found}}, f"{name.replace('_', ' ')}: {found} instead of ")
          for name, found in {
              "network": "cnn_jnqd", "parameters": 12225, "training_source": "folder",
              "training_pictures": 16, "scorer": "piqe", "training_codec": "vvenc",
              "training_qp": 32, "epochs": 20, "batch_size": 16, "learning_rate": 0.01,
              "lr_step_epochs": 6, "optimizer": "sgd", "crop": 32,
          }.items()),
    ],
)  # fmt: skip
def test_one_condition_that_fails_is_the_reason_of_every_row_of_table4(changed, reason):
    verdicts = set(of_table4(**changed).comparison["verdict"])
    assert len(verdicts) == 1 and verdicts.pop().startswith(f"not comparable: {reason}")


def test_table3_has_verdicts_for_the_anchor_and_iqnet_and_none_for_the_suites_own_cnn_jnqd():
    points = made_points(
        ["C_PartyScene"], ["anchor", "cnn_jnqd", "iqnet"], "vtm-11.0", "published",
        lambda *_: (18.0, 1.0),
    )  # fmt: skip
    table = iqnet_tables.table3(with_conditions(points), "vtm-11.0").comparison
    measured = table[(table["sequence"] == "C_PartyScene") & (table["printed"] != "")]
    of = measured.groupby("method")["verdict"].agg(set)
    assert of["anchor"] <= {"reproduced", "deviates"} and of["iqnet"] <= {"reproduced", "deviates"}
    assert of["cnn_jnqd"] == {"not comparable: protocol not known (which networks of CNN-JNQD)"}
    short = made_points(
        ["C_PartyScene"], ["anchor"], "vtm-11.0", "published", lambda *_: (0, 0), frames=17
    )
    table = iqnet_tables.table3(with_conditions(short), "vtm-11.0").comparison
    verdicts = set(table.loc[table["ours"].notna() & (table["printed"] != ""), "verdict"])
    assert verdicts == {"not comparable: 17 of 600 frames"}


def test_demo_points_of_other_methods_give_all_tables_and_no_verdict(tmp_path):
    points = made_points(
        ["bikes"], ["anchor", "erjnd"], "vvenc-faster", "demo", lambda *_: (41.0, 0.5), frames=8
    )
    points = with_conditions(points)
    tables = [
        iqnet_tables.table1(points),
        iqnet_tables.table3(points, "vvenc-faster"),
        iqnet_tables.table4(points, "vvenc-faster"),
        iqnet_tables.headline(points, "vvenc-faster"),
    ]
    for table in tables:
        verdicts = {verdict.split(":")[0] for verdict in table.comparison["verdict"]}
        assert verdicts == {"not comparable", "not measured"}
        stems = {name: tmp_path / name for name in (table.name, f"{table.name}_comparison")}
        written = iqnet_tables.write_paper_table(table, stems)
        assert len(written) == 2 * 4  # both tables in each form
        assert len(table.ours) and "found" not in table.ours
    assert tables[1].ours.loc[1, "saving_pct"] == pytest.approx(41.0)
    assert list(tables[3].ours["max_saving_pct"]) == pytest.approx([41.0, 41.0])
    assert (tmp_path / "headline_comparison.md").read_text().startswith("IQNet headline, codec")


def of_headline(sequences=EVERY, record=RECORD, **changed):
    points = made_points(
        sequences, ["anchor", "iqnet"], "vtm-11.0", "published", lambda *_: (15.0, 1.0), **changed
    )
    table = iqnet_tables.headline(with_conditions(points, record), "vtm-11.0").comparison
    return table.set_index(["configuration", "quantity"])["verdict"]


def test_the_headline_is_comparable_over_all_sequences_and_qps_alone():
    assert of_headline()["AI", "mean_saving_pct"] == "reproduced"
    assert of_headline()["LDP", "mean_saving_pct"] == "deviates"
    for verdicts, reason in (
        (of_headline(EVERY[1:]), "17 of the 18 sequences"),
        (of_headline(qps=(22, 27)), "qps: 22, 27 instead of 22, 27, 32, 37"),
        (of_headline(frames=8), "8 of 600 frames"),
        (
            of_headline(record={**RECORD, "scorer": "piqe"}),
            "scorer: piqe instead of nima_mobilenet or nima or nima-vgg16-ava",
        ),
    ):
        assert set(verdicts) == {f"not comparable: {reason}"}


def printed_table3():
    """Points with the printed VMAF and saving of Table III, in the names of the suite."""
    published = load_published()
    rows = published["table3_vmaf_bitrate"]
    ids = sequence_ids(published["table1_sequences"], rows)
    names = {printed: name for printed, name in iqnet_tables.METHODS.items()}
    values = {
        (row["configuration"], ids[row["sequence"]], int(row["qp"]), names[row["method"]]): row
        for row in rows
    }
    points = made_points(
        sorted(set(ids.values())),
        ["anchor", "cnn_jnqd", "iqnet"],
        "vtm-11.0",
        "published",
        lambda *key: (float(values[key]["saving_pct"]), 0),
    )
    points = points.astype({"vmaf_mean": float, "bits": float})
    for place, point in enumerate(points.to_dict("records")):
        key = (point["configuration"], point["sequence"], point["qp"], point["method"])
        points.loc[place, "vmaf_mean"] = float(values[key]["vmaf_r"])
        points.loc[place, "bits"] *= float(values[key]["bitrate_anchor"]) / 1e3
    return points


def test_bd_saving_over_cnn_jnqd_stands_next_to_the_four_printed_claims():
    table = iqnet_tables.bd_saving(with_conditions(printed_table3()), "vtm-11.0", "pchip")
    rows = table.comparison.set_index(["configuration", "sequence"])
    assert set(rows["printed"]) == {"33.3", "35.2", "43.7", "48"}
    expected = {
        ("AI", "C_PartyScene"): 28.9457,
        ("AI", "B_BQTerrace"): 37.1365,
        ("LDP", "C_PartyScene"): 33.4470,
        ("LDP", "B_BQTerrace"): 46.8440,
    }
    for scene, saving in expected.items():
        assert float(rows.loc[scene, "ours"]) == pytest.approx(saving, abs=0.01)
        # Which networks of CNN-JNQD the paper used is not known, so there is no verdict.
        assert rows.loc[scene, "verdict"].startswith("not comparable: protocol not known")
    assert set(table.ours["status"]) == {"low_overlap"}


def test_bd_saving_of_a_run_without_cnn_jnqd_is_not_measured():
    points = with_conditions(printed_table3())
    alone = points[points["method"] != "cnn_jnqd"]
    table = iqnet_tables.bd_saving(alone, "vtm-11.0", "pchip")
    assert table.ours.empty and set(table.comparison["verdict"]) == {"not measured"}
