"""The audit of the printed IQNet tables against the findings worked out by hand."""

from __future__ import annotations

import csv
import shutil

import pytest

from jndlab.papers.iqnet.audit.claims import AUDIT_COLUMNS, audit, write_audit
from jndlab.papers.iqnet.published import PRINTED as PUBLISHED
from jndlab.papers.iqnet.published import load_published, sequence_ids


@pytest.fixture(scope="module")
def rows():
    return {row["claim"]: row for row in audit()}


def test_every_claim_has_one_complete_row(rows):
    assert len(rows) == len(audit())
    for row in rows.values():
        assert list(row) == AUDIT_COLUMNS
        assert row["where"] and row["quantity"] and row["recomputed"] and row["why"]
        assert row["agrees"] in {"yes", "no", "not checkable", "not printed"}
        assert bool(row["printed"]) == (row["agrees"] != "not printed")


@pytest.mark.parametrize(
    ("scene", "printed", "recomputed", "agrees"),
    [
        ("AI_PartyScene", "33.3", "28.95", "no"),
        ("AI_BQTerrace", "35.2", "37.14", "yes"),
        ("LDP_PartyScene", "43.7", "33.45", "no"),
        ("LDP_BQTerrace", "48", "46.84", "yes"),
    ],
)
def test_bd_rates_of_table3(rows, scene, printed, recomputed, agrees):
    row = rows[f"bd_saving_{scene}"]
    assert (row["printed"], row["recomputed"], row["agrees"]) == (printed, recomputed, agrees)


def test_cubic_turns_the_bqterrace_saving_into_a_loss(rows):
    assert "-3.54 by cubic, 35.26 by akima" in rows["bd_saving_AI_BQTerrace"]["why"]


@pytest.mark.parametrize(
    ("claim", "recomputed"),
    [
        ("IQNet_AI_PartyScene", 22.64),
        ("IQNet_AI_BQTerrace", 36.25),
        ("IQNet_LDP_PartyScene", 31.73),
        ("IQNet_LDP_BQTerrace", 70.20),
        ("CNN-JNQD_AI_PartyScene", 72.97),
        ("CNN-JNQD_AI_BQTerrace", 158.85),
        ("CNN-JNQD_LDP_PartyScene", 95.07),
        ("CNN-JNQD_LDP_BQTerrace", 311.61),
    ],
)
def test_at_equal_vmaf_the_prefilters_cost_rate(rows, claim, recomputed):
    row = rows[f"bd_rate_to_anchor_{claim}"]
    assert float(row["recomputed"]) == pytest.approx(recomputed)
    assert "costs rate" in row["why"]


@pytest.mark.parametrize(
    ("scene", "printed", "reverse"),
    [
        ("AI_PartyScene", "6.57", "0.62"),
        ("AI_BQTerrace", "4.59", "0.78"),
        ("LDP_PartyScene", "6.52", "0.56"),
        ("LDP_BQTerrace", "5.11", "0.51"),
    ],
)
def test_the_vmaf_p_column_fits_in_reverse_order(rows, scene, printed, reverse):
    row = rows[f"vmaf_p_order_{scene}"]
    assert (row["printed"], row["recomputed"], row["agrees"]) == (printed, reverse, "no")


@pytest.mark.parametrize(
    ("claim", "recomputed", "agrees", "why"),
    [
        ("AI_psnr_drop_db_PS", "2.2258", "yes", "rounded"),
        ("AI_psnr_drop_db_IQNet", "2.1612", "yes", "rounded"),
        ("AI_bitrate_saving_pct_PS", "23.6392", "yes", "median 16.49; mean at QP 22 44.49"),
        ("AI_bitrate_saving_pct_IQNet", "17.4354", "yes", "rounded"),
        ("LDP_psnr_drop_db_PS", "0.8988", "yes", "truncated, not rounded"),
        ("LDP_psnr_drop_db_IQNet", "1.8579", "yes", "rounded"),
        ("LDP_bitrate_saving_pct_PS", "19.0050", "no", "19.005 with a digit left out"),
        ("LDP_bitrate_saving_pct_IQNet", "23.5996", "yes", "rounded"),
    ],
)
def test_averages_of_table4(rows, claim, recomputed, agrees, why):
    row = rows[f"average_{claim}"]
    assert (row["recomputed"], row["agrees"]) == (recomputed, agrees)
    assert why in row["why"]


def test_tables_3_and_4_agree_in_14_of_16_savings(rows):
    twice = {name: row["agrees"] for name, row in rows.items() if name.startswith("saving_twice")}
    assert len(twice) == 16
    assert [name for name, agrees in twice.items() if agrees == "no"] == [
        "saving_twice_AI_PartyScene_QP22",
        "saving_twice_AI_PartyScene_QP27",
    ]


def test_savings_and_figures_that_disagree(rows):
    assert rows["saving_falls_AI_PartyScene"]["recomputed"] == "17.18 / 16.73 / 17.68 / 17.51"
    assert rows["saving_falls_AI_PartyScene"]["agrees"] == "no"
    assert rows["saving_falls_LDP_PartyScene"]["agrees"] == "yes"
    assert (rows["saving_max_AI"]["recomputed"], rows["saving_max_AI"]["agrees"]) == (
        "32.97",
        "not checkable",
    )
    assert rows["saving_max_LDP"]["agrees"] == "yes"
    assert rows["fig18_saving_CNN-JNQD_AI"]["recomputed"] == "33.45"
    assert rows["fig18_saving_CNN-JNQD_LDP"]["agrees"] == "yes"
    assert rows["fig18_psnr_drop_IQNet_AI"]["agrees"] == "no"
    assert "one digit too many" in rows["fig13_anchor_bitrate"]["why"]
    assert float(rows["training_data_similar_image1"]["recomputed"]) == pytest.approx(8.8, abs=0.1)
    assert float(rows["training_data_similar_image2"]["recomputed"]) == pytest.approx(-3.3, abs=0.1)
    assert rows["sequences"]["why"].startswith("classes A 2, B 5, C 4, D 4, E 3")


def test_the_text_on_fig_13_is_said_of_the_sequence_and_agrees_with_table_4(rows):
    text = rows["fig13_saving_text"]
    assert (text["printed"], text["recomputed"], text["agrees"]) == ("30", "29.29", "yes")
    assert "sequence" in text["quantity"]
    assert rows["fig13_saving_table"]["recomputed"] == "24.00"


@pytest.mark.parametrize(
    ("claim", "printed", "recomputed", "agrees"),
    [
        ("fig14_saving_AI", "16.39", "14.78", "yes"),  # 1 - 1667/1956
        ("fig14_saving_LDP", "21.12", "14.78", "no"),
        ("fig14_psnr_drop_AI", "1.63", "1.73", "yes"),  # 34.52 - 32.79 dB
        ("fig14_psnr_drop_LDP", "1.71", "1.73", "yes"),
        ("parameters_IQNet", "3", "3.297", "yes"),
        ("macs_IQNet", "3", "3.232", "yes"),
        ("parameters_CNN-JNQD", "38", "38.145", "yes"),
        ("saving_training_picture", "10", "no rate of the unfiltered picture", "not checkable"),
    ],
)
def test_claims_on_fig_14_sizes_and_the_training_picture(rows, claim, printed, recomputed, agrees):
    row = rows[claim]
    assert (row["printed"], row["recomputed"], row["agrees"]) == (printed, recomputed, agrees)


def test_the_audit_follows_the_tables_and_not_a_memory_of_them(tmp_path, rows):
    changed = tmp_path / "iqnet"
    shutil.copytree(PUBLISHED, changed)
    averages = changed / "table4_printed_averages.csv"
    averages.write_text(averages.read_text().replace("19.05", "19.01"))
    table4 = changed / "table4_ps_comparison.csv"
    table4.write_text(
        table4.read_text().replace(
            "AI,PartyScene,22,IQNet,4.21,17.18", "AI,PartyScene,22,IQNet,4.21,18.01"
        )
    )
    again = {row["claim"]: row for row in audit(changed)}
    assert again["average_LDP_bitrate_saving_pct_PS"]["agrees"] == "yes"
    assert again["saving_twice_AI_PartyScene_QP22"]["agrees"] == "yes"
    assert (
        again["average_AI_bitrate_saving_pct_IQNet"]["recomputed"]
        != (rows["average_AI_bitrate_saving_pct_IQNet"]["recomputed"])
    )


def test_the_audit_is_written_as_a_table(tmp_path, rows):
    paths = write_audit(tmp_path / "audit")
    assert [path.suffix for path in paths] == [".csv", ".md", ".tex", ".html"]
    with open(paths[0], newline="") as stream:
        assert {row["claim"]: row for row in csv.DictReader(stream)} == rows


def test_printed_names_become_ids_of_the_suite():
    tables = load_published()
    ids = sequence_ids(tables["table1_sequences"], tables["table4_ps_comparison"])
    assert ids["PartyScene"] == "C_PartyScene" and ids["BQTerrace"] == "B_BQTerrace"
    assert ids["RaceHorses"] == "C_RaceHorses"
