"""Verdicts on printed numbers: tolerances, and the conditions without which there is none."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jndlab.errors import UserError
from jndlab.files import read_csv, write_csv, write_json
from jndlab.paths import PUBLISHED, ROOT
from jndlab.report.compare import compare_with_published, verdict_summary
from jndlab.report.conditions import (
    CONDITIONS,
    NAMES,
    first_failure,
    found_in_models,
    found_in_points,
    printed_conditions,
    training_records,
)

PRINTED = [
    {"sequence": "s1", "qp": "22", "saving_pct": "10.00"},
    {"sequence": "s2", "qp": "22", "saving_pct": "20"},
    {"sequence": "s3", "qp": "22", "saving_pct": ""},
]
REQUIRED = {"frames": "all", "codec": "vtm 11.0"}
HELD = {"frames": "all", "codec": "vtm 11.0"}


def ours(content="published", found=HELD, **savings):
    return pd.DataFrame(
        {"sequence": name, "qp": 22, "content": content, "saving_pct": value, "found": [found]}
        for name, value in savings.items()
    )


def compare(frame, tolerance=0.3, required=REQUIRED):
    return compare_with_published(
        frame, PRINTED, ["sequence", "qp"], ["saving_pct"], {"saving_pct": tolerance}, required
    )


def test_verdicts_follow_the_tolerance():
    table = compare(ours(s1=10.3, s2=20.31))
    assert list(table["verdict"]) == ["reproduced", "deviates"]
    assert list(table["printed"]) == ["10.00", "20"]
    assert table["difference"].tolist() == pytest.approx([0.3, 0.31])


def test_a_tolerance_may_be_a_share_of_the_printed_value():
    table = compare(ours(s1=10.5, s2=21.1), tolerance="5 %")
    assert list(table["verdict"]) == ["reproduced", "deviates"]
    with pytest.raises(ValueError, match="about five"):
        compare(ours(s1=10.5), tolerance="about five")


def test_stand_in_content_has_no_verdict_even_where_it_is_equal():
    table = compare(ours("demo", s1=10.0, s2=99.0))
    assert set(table["verdict"]) == {"not comparable: stand-in content"}
    assert table.loc[0, "difference"] == 0


def test_own_content_is_neither_a_stand_in_nor_the_papers():
    table = compare(ours("own", s1=10.0, s2=99.0))
    assert set(table["verdict"]) == {"not comparable: own content"}


def test_what_one_side_lacks_is_said():
    table = compare(ours(s3=5.0, s9=5.0)).set_index("sequence")
    assert table.loc["s1", "verdict"] == "not measured"
    assert table.loc["s3", "verdict"] == "not comparable: nothing printed for it"
    assert table.loc["s9", "verdict"] == "not comparable: nothing printed for it"
    assert verdict_summary(table) == "2 not comparable, 2 not measured"
    missing = compare(ours(s1=None))
    assert missing.loc[0, "verdict"] == "not measured"


def test_the_function_refuses_what_it_could_only_guess():
    for column in ("content", "found"):
        with pytest.raises(ValueError, match=column):
            compare(ours(s1=1.0).drop(columns=column))
    with pytest.raises(ValueError, match="two rows"):
        compare(pd.concat([ours(s1=1.0), ours(s1=2.0)]))
    with pytest.raises(ValueError, match="saving_pct"):
        compare_with_published(
            ours(s1=1.0), PRINTED, ["sequence", "qp"], ["saving_pct"], {}, REQUIRED
        )
    with pytest.raises(ValueError, match="no such condition: frame"):
        compare(ours(s1=1.0), required={"frame": "all"})


def test_an_unknown_protocol_needs_no_tolerance_for_it_has_no_verdict():
    table = compare_with_published(
        ours(s1=10.0), PRINTED, ["sequence", "qp"], ["saving_pct"], {}, {"protocol": "its encoder"}
    )
    assert table.loc[0, "verdict"] == "not comparable: protocol not known (its encoder)"
    assert table.loc[0, "tolerance"] == ""


# Everything that a paper may require, each at a value of its own; the protocol is known.
EVERY = {
    name: f"printed {name}" for name in NAMES if name not in ("content", "printed", "protocol")
}
FLIPS = ["content", "printed", "protocol", *EVERY]


def flipped(names):
    """A measured row for which the conditions ``names`` fail, and what is required of it."""
    found = {name: value for name, value in EVERY.items() if name not in names}
    found |= {name: f"other {name}" for name in names}
    row = ours("demo" if "content" in names else "published", found, s1=10.0)
    printed = [{"sequence": "s1", "qp": "22", "saving_pct": "" if "printed" in names else "10"}]
    required = {**EVERY, "protocol": "its encoder"} if "protocol" in names else EVERY
    return row, printed, required


@given(st.floats(-1, 1), st.booleans())
def test_a_row_whose_conditions_all_hold_is_reproduced_or_deviates_by_its_tolerance(away, share):
    row, printed, required = flipped([])
    row["saving_pct"] = 10 + away
    tolerance = {"saving_pct": "5 %" if share else 0.5}
    table = compare_with_published(
        row, printed, ["sequence", "qp"], ["saving_pct"], tolerance, required
    )
    assert table.loc[0, "verdict"] == ("reproduced" if abs(away) <= 0.5 + 1e-9 else "deviates")


@given(st.sets(st.sampled_from(FLIPS), min_size=1))
def test_one_reason_is_given_that_of_the_first_condition_that_fails(names):
    row, printed, required = flipped(names)
    table = compare_with_published(
        row, printed, ["sequence", "qp"], ["saving_pct"], {"saving_pct": 99}, required
    )
    [first] = [c for c in CONDITIONS if c.name == min(names, key=NAMES.index)]
    wanted = required.get(first.name, "")
    reason = first.reason.format(found=f"other {first.name}", printed=wanted)
    assert table.loc[0, "verdict"] == f"not comparable: {reason}"


@pytest.mark.parametrize("name", FLIPS)
def test_each_condition_alone_makes_a_row_not_comparable(name):
    row, printed, required = flipped([name])
    table = compare_with_published(
        row, printed, ["sequence", "qp"], ["saving_pct"], {"saving_pct": 99}, required
    )
    assert table.loc[0, "verdict"].startswith("not comparable: ")


def test_a_condition_that_nobody_recorded_does_not_hold():
    assert first_failure(REQUIRED, []) == "unrecorded frames"
    assert first_failure(REQUIRED, [{"frames": "all"}]) == "codec: unrecorded instead of vtm 11.0"
    assert first_failure(REQUIRED, [HELD, {**HELD, "frames": "8 of 600"}]) == "8 of 600 frames"


@pytest.mark.parametrize(
    ("value", "printed", "holds"),
    [
        (0.00001, "1e-5", True),
        (1e-4, "1e-5", False),
        ("VTM 11.0", "vtm 11.0", True),
        ("vtm 11", "vtm 11.0", False),
        (3297, "2500..3500", True),
        (12225, "2500..3500", False),
        ("AI", "AI | LDP", True),
        ("RA", "AI | LDP", False),
    ],
)
def test_values_are_compared_as_numbers_ranges_or_words(value, printed, holds):
    assert (first_failure({"epochs": printed}, [{"epochs": value}]) == "") == holds


def test_every_paper_declares_conditions_that_there_are(tmp_path):
    files = sorted(PUBLISHED.glob("*/conditions.csv"))
    assert {path.parent.name for path in files} == {
        "iqnet", "laser_jnd", "mtjnd", "vp_jnd", "bl_juniper",
    }  # fmt: skip
    for path in files:
        of = {row["of"] for row in read_csv(path)}
        assert set(printed_conditions(path.parent.name, *of)) <= set(NAMES)
    row = {"of": "", "condition": "frame", "value": "all", "basis": ""}
    write_csv(tmp_path / "iqnet/conditions.csv", [row], list(row))
    with pytest.raises(UserError, match="no condition 'frame'"):
        printed_conditions("iqnet", folder=tmp_path)


def test_a_model_is_known_by_its_hash_and_by_nothing_else(tmp_path):
    for name, epochs in (("a", 20), ("b", 2500)):
        hashes = {"model.onnx": f"{name}1", "model.pt": f"{name}2"}
        record = {"models_sha256": hashes, "conditions": {"epochs": epochs}}
        write_json(tmp_path / f"{name}.json", record)
    write_json(tmp_path / "old.json", {"epochs": 2500})  # a summary without a record
    records = training_records(sorted(tmp_path.glob("*.json")))
    assert set(records) == {"a1", "a2", "b1", "b2"}
    required = {"weights": "trained by the suite", "epochs": "2500"}
    assert first_failure(required, found_in_models(["b2"], records)) == ""
    assert first_failure(required, found_in_models(["a1", "b1"], records)).startswith("epochs: 20 ")
    for hashes in (["replaced"], []):
        reason = first_failure(required, found_in_models(hashes, records))
        assert reason == "unrecorded weights may have been trained on these clips"
    tested_on = found_in_models(["b1"], {"b1": {"labels": "vmaf_steps"}}, {"labels": "subjective"})
    for labels in ("vmaf_steps", "subjective"):  # trained on one kind, tested on the other
        assert first_failure({"labels": labels}, tested_on)


def test_conditions_of_a_point_are_what_was_coded_and_by_what():
    points = pd.DataFrame([
        {"sequence": "s", "content": "published", "frames": frames, "sheet_frames": 600,
         "configuration": "AI",
         "encoder": encoder, "models_sha256": models}
        for frames, encoder, models in ((8, "vtm 20.0", ""), (600, "vtm 11.0", "m n"))
    ])  # fmt: skip
    short, whole = found_in_points(points, {"m": {"epochs": 1}})
    assert [one["frames"] for one in short] == ["8 of 600"] and short[0]["codec"] == "vtm 20.0"
    assert [(one["frames"], one.get("epochs")) for one in whole] == [("all", 1), ("all", None)]


def test_the_document_lists_all_reasons_in_their_order():
    rows = [
        f"| {place} | {condition.meaning} | `{condition.reason}` |"
        for place, condition in enumerate(CONDITIONS, start=1)
    ]
    text = (ROOT / "docs/verdicts.md").read_text("utf-8")
    assert "\n".join(["| | condition | reason where it fails |", "|---|---|---|", *rows]) in text
