"""Numbers in documents come from recorded runs, and from nowhere else."""

from __future__ import annotations

import io
import json
import os
import re
import tarfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import pytest

from jndlab.errors import UserError
from jndlab.files import write_csv, write_json, write_text
from jndlab.paths import ROOT
from jndops.archive import date_files, pack, rebuild
from jndops.documents import evidence
from jndops.documents.recorded import RecordedRun, filled, read_recorded
from jndops.run_record import RECORD, provenance, record

NAMES = ("configuration", "method", "ours", "printed", "verdict")
CELLS = (
    ("AI", "iqnet", "4.463485", "15", "x"),
    ("LDP", "iqnet", "-0.001", "19", "y"),
    ("LDP", "erjnd", "", "", "not measured"),
)
ROWS = [dict(zip(NAMES, cells, strict=True)) for cells in CELLS]


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A results folder with one point, one table, one network and its record."""
    monkeypatch.chdir(tmp_path)
    folder = Path("results/mine")
    write_json(folder / "points/a/qp22.json", {"bits": 1})
    write_csv(folder / "iqnet/tables/headline.csv", ROWS)
    write_text(folder / "iqnet/tables/headline.md", "Savings at equal QP.\n\n| a |\n")
    write_text(folder / "models/iqnet/model.onnx", "weights")
    write_json(folder / RECORD, record(tmp_path, ["config/mine.yaml"]))
    return folder


@pytest.fixture
def run(results: Path, tmp_path: Path) -> RecordedRun:
    archive, _ = pack(results, tmp_path / "demo.tar.xz")
    return read_recorded(archive)


def test_published_tables_are_quoted_as_those_of_a_run() -> None:
    text = "<!-- results: published vmaf_steps/levels | columns: level, rule | digits: 1 -->\n"
    lines = filled(f"{text}<!-- end of results -->\n", "docs/x.md", {}).splitlines()
    assert lines[2:7] == ["| level | rule |", "| ---: | ---: |", "| 1 | 92.8 |", "| 2 | 88.1 |",
                          "| 3 | 83.5 |"]  # fmt: skip
    with pytest.raises(UserError, match="no recorded run 'published'"):
        filled("<!-- results: published -->\n<!-- end of results -->", "docs/x.md", {})


def test_an_archive_of_numbers_holds_no_network_and_is_the_same_each_time(
    results: Path, tmp_path: Path
) -> None:
    first, files = pack(results, tmp_path / "a.tar.xz")
    with tarfile.open(first) as archive:
        names = archive.getnames()
    assert files == len(names) == 4
    assert not [name for name in names if name.endswith(".onnx")]
    (results / "points/a/qp22.json").touch()
    second, _ = pack(results, tmp_path / "b.tar.xz")
    assert first.read_bytes() == second.read_bytes()


def test_an_archive_of_numbers_names_no_place_of_the_machine(results: Path, tmp_path: Path) -> None:
    command = [f"{Path.cwd()}/.venv/bin/ffmpeg", "/scratch/x/jndlab-a1_/tmp2/sizes.txt", "-y"]
    write_text(results / "points/a/qp22.json", json.dumps({"command": command, "bits": 7}))
    path, _ = pack(results, tmp_path / "a.tar.xz")
    with tarfile.open(path) as archive:
        (name,) = [name for name in archive.getnames() if name.endswith("qp22.json")]
        stream = archive.extractfile(name)
        assert stream is not None
        kept = json.load(stream)
    assert kept == {"command": [".venv/bin/ffmpeg", "$TMPDIR/tmp2/sizes.txt", "-y"], "bits": 7}


def test_unpacked_files_without_a_time_have_the_date_of_their_run(results: Path) -> None:
    point, table = results / "points/a/qp22.json", results / "iqnet/tables/headline.csv"
    os.utime(point, (0, 0))
    before = table.stat().st_mtime
    write_json(results / RECORD, {"date": "2026-03-04"})
    date_files(results / RECORD)
    assert point.stat().st_mtime == datetime(2026, 3, 4, tzinfo=UTC).timestamp()
    assert table.stat().st_mtime == before


def test_numbers_of_an_unfinished_run_are_not_recorded(results: Path, tmp_path: Path) -> None:
    (results / RECORD).unlink()
    with pytest.raises(UserError, match="when and where"):
        pack(results, tmp_path / "a.tar.xz")
    with pytest.raises(UserError, match=r"ends in \.tar\.xz"):
        pack(results, tmp_path / "a.zip")


def test_a_block_shows_the_rows_and_columns_that_it_asks_for(run: RecordedRun) -> None:
    text = (
        "Before\n<!-- results: demo iqnet/tables/headline | where: configuration=LDP, method=iqnet"
        " | columns: method, ours as saving (%) | digits: 1 | show: both -->\nold\n"
        "<!-- end of results -->\nafter"
    )
    lines = filled(text, "docs/x.md", {"demo": run}).splitlines()
    assert lines[0] == "Before" and lines[-1] == "after" and "old" not in lines
    assert lines[3:8] == [
        "Savings at equal QP.",
        "",
        "| method | saving (%) |",
        "| --- | ---: |",
        "| iqnet | 0.0 |",  # no negative zero
    ]
    again = filled("\n".join(lines), "docs/x.md", {"demo": run})
    assert again.splitlines() == lines


def test_a_block_without_a_table_tells_where_the_numbers_are_from(run: RecordedRun) -> None:
    text = "<!-- results: demo -->\n<!-- end of results -->"
    assert "`config/mine.yaml`, no commit, 20" in filled(text, "docs/x.md", {"demo": run})


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("paper iqnet/tables/headline", "no recorded run 'paper'"),
        ("demo iqnet/tables/none", "no table 'iqnet/tables/none'"),
        ("demo iqnet/tables/headline | columns: speed", "no column 'speed'"),
        ("demo iqnet/tables/headline | where: method=nobody", "no row is left"),
        ("demo iqnet/tables/headline | colour: red", "unknown option 'colour'"),
        ("demo iqnet/tables/headline | show: nothing", "show: nothing"),
    ],
)
def test_a_wrong_block_is_named_with_its_document(
    run: RecordedRun, asked: str, message: str
) -> None:
    text = f"<!-- results: {asked} -->\n<!-- end of results -->"
    with pytest.raises(UserError, match=re.escape(message)):
        filled(text, "docs/x.md", {"demo": run})


def _archive(path: Path, **members: str) -> Path:
    with tarfile.open(path, "w:xz") as archive:
        for name, text in members.items():
            entry = tarfile.TarInfo(name.replace("_json", ".json"))
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "holds no run.json"),
        ({"run_json": "{"}, "not what this version writes"),
        ({"run_json": json.dumps({"suite": "0.1"})}, "lacks commit, configuration, date"),
    ],
)
def test_an_archive_of_another_version_is_refused(
    tmp_path: Path, members: dict[str, str], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        read_recorded(_archive(tmp_path / "old.tar.xz", **members))


@pytest.mark.parametrize("text", ['{"suite": "0.0.1", "commit": "abcdef012345"}', "{}"])
def test_numbers_of_another_version_are_not_rebuilt(tmp_path: Path, text: str) -> None:
    write_text(tmp_path / "results/run.json", text)
    write_text(tmp_path / "mine.yaml", f"results_dir: {tmp_path}/results\n")
    with pytest.raises(UserError) as found:
        rebuild(tmp_path / "mine.yaml", ROOT, [])
    ours = version("jnd-reproduction-suite")
    words = ["suite: the numbers are of version", "run.json", f"version {ours}"]
    words += ["0.0.1", "commit abcdef0"] if "0.0.1" in text else ["unknown"]
    assert all(word in str(found.value) for word in [*words, "run the experiment again"])


def test_what_is_no_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.xz"
    path.write_text("nothing of that kind")
    with pytest.raises(UserError, match="cannot be read"):
        read_recorded(path)


def test_keys_that_the_command_line_gave_are_told(tmp_path: Path) -> None:
    told = provenance(record(tmp_path, ["config/study.yaml"], {"pictures_dir": "data/photographs"}))
    assert told.startswith("`study.yaml` with `pictures_dir=data/photographs`, no commit, ")


# --- Evidence ---------------------------------------------------------------------------------

CLAIMS = """
p:
  title: A paper
  settle: the data
  claims:
    - where: abstract
      claim: "saving in {configuration}"
      each: {configuration: [AI, LDP]}
      table: iqnet/tables/headline
      rows: {configuration: "{configuration}", method: iqnet}
      unit: "%"
    - where: text
      claim: other method
      table: iqnet/tables/headline
      rows: {method: erjnd}
      analogue: {method: iqnet}
      settle: more of it
    - where: text
      claim: a mood
      printed: good
"""


def test_each_claim_has_what_was_measured_of_it(run: RecordedRun, tmp_path: Path) -> None:
    write_text(tmp_path / "claims.yaml", CLAIMS)
    page = evidence.page({"demo": run}, tmp_path / "claims.yaml")
    assert "| saving in AI | abstract | 15 | 4.46 % | demo | x |  |" in page
    other = "4.46 / 0 on other content | demo | not comparable: other content |"
    assert f"| other method | text |  | {other}" in page
    assert "| a mood | text | good |  |  | not measured: no table of the suite holds it |" in page
    assert "| A paper | 4 |" in page


def test_a_claim_on_other_content_takes_the_first_table_that_a_run_has(
    run: RecordedRun, tmp_path: Path
) -> None:
    alike = "{table: pilot, show: saving, content: streams, name: '{method}'}"
    text = CLAIMS.replace("analogue: {method: iqnet}", f"analogue: [{alike}, {{method: iqnet}}]")
    text = text.replace("claim: other method", "claim: other method\n      each: {method: [a, b]}")
    write_text(tmp_path / "claims.yaml", text)
    pilot = RecordedRun("pilot", run.path, run.record, {"pilot.csv": "name,saving\na,3.5\nb,\n"})
    page = evidence.page({"demo": run, "pilot": pilot}, tmp_path / "claims.yaml")
    assert "| text |  | 3.5 on streams | pilot | not comparable: streams |" in page
    assert "| text |  | 4.46 / 0 on other content | demo | not comparable: other content |" in page


def test_what_a_table_gives_no_verdict_of_is_not_comparable(
    run: RecordedRun, tmp_path: Path
) -> None:
    claim = "{where: text, claim: c, printed: '10', table: own, rows: {name: a}, show: saving}"
    write_text(tmp_path / "claims.yaml", f"p: {{title: P, settle: it, claims: [{claim}]}}\n")
    own = RecordedRun("own_ablations", run.path, run.record, {"own.csv": "name,saving\na,3.5\n"})
    page = evidence.page({"own_ablations": own}, tmp_path / "claims.yaml")
    assert "| text | 10 | 3.5 | own_ablations | not comparable: other content |" in page


def test_arithmetic_of_printed_numbers_is_a_verdict(run: RecordedRun, tmp_path: Path) -> None:
    write_text(
        tmp_path / "claims.yaml",
        "p: {title: P, settle: it, claims: [{where: text, claim: '{c}', each: {c: [a, b]}, "
        "table: iqnet/tables/audit, rows: {claim: '{c}'}, show: recomputed}]}\n",
    )
    audit = "claim,printed,recomputed,agrees,why\na,3,3.1,yes,near\nb,3,9,no,too far\n"
    audited = RecordedRun("demo", run.path, run.record, {"iqnet/tables/audit.csv": audit})
    page = evidence.page({"demo": audited}, tmp_path / "claims.yaml")
    assert "| a | text | 3 | 3.1 | demo | agrees |" in page
    assert "| b | text | 3 | 9 | demo | disagrees: too far |" in page
    assert "| P | 2 |  |  |  |  | 1 | 1 |  |  |" in page


def test_the_largest_scale_speaks_for_a_claim(run: RecordedRun, tmp_path: Path) -> None:
    write_text(tmp_path / "claims.yaml", CLAIMS)
    texts = dict(run.texts)
    texts["iqnet/tables/headline.csv"] = texts["iqnet/tables/headline.csv"].replace("4.46", "9.99")
    study = RecordedRun("study", run.path, run.record, texts)
    page = evidence.page({"demo": run, "study": study}, tmp_path / "claims.yaml")
    assert "| saving in AI | abstract | 15 | 9.99 % | study |" in page


def test_a_claim_of_a_column_that_a_table_lost_is_named(run: RecordedRun, tmp_path: Path) -> None:
    write_text(tmp_path / "claims.yaml", CLAIMS.replace("rows: {method", "rows: {column"))
    with pytest.raises(UserError, match="no column 'column'"):
        evidence.page({"demo": run}, tmp_path / "claims.yaml")
    write_text(tmp_path / "claims.yaml", CLAIMS.replace("unit:", "unt:"))
    with pytest.raises(UserError, match="unknown key 'unt'"):
        evidence.claims(tmp_path / "claims.yaml")


def test_all_papers_have_claims_about_a_hundred_in_all() -> None:
    claims = evidence.claims()
    assert len(claims) == 5
    assert 90 <= sum(map(len, claims.values())) <= 150
