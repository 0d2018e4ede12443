"""How far the numbers of two runs are apart: row by row, column by column, and the document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from jndlab.errors import UserError
from jndlab.files import write_text
from jndops.documents import moves

HEAD = "sequence,method,qp,saving_pct,vmaf_drop,better,encode_cpu_s\n"
ROWS = [
    ["bikes", "iqnet", 22, 10.0, 0.5, "iqnet", 1.5],
    ["bikes", "iqnet", 37, 5.0, 0.25, "iqnet", 1.0],
    ["carphone", "iqnet", 22, 8.0, 0.0, "not shown", 0.5],
]


def written(folder: Path, rows: list[list[object]]) -> Path:
    text = HEAD + "".join(",".join(map(str, row)) + "\n" for row in rows)
    write_text(folder / "tables/same_qp.csv", text)
    write_text(folder / "iqnet/tables/other.csv", "sequence,value\nbikes,3\n")
    return folder


def changed(**cells: object) -> list[list[object]]:
    """Rows in which cells ``r<row>c<column>`` have other values."""
    rows = [list(row) for row in ROWS]
    for place, value in cells.items():
        row, column = map(int, place[1:].split("c"))
        rows[row][column] = value
    return rows


def compared(tmp_path: Path, rows: list[list[object]]) -> list[moves.Move]:
    first, second = written(tmp_path / "a", ROWS), written(tmp_path / "b", rows)
    return moves.moves(first, second, "threads")


def test_equal_runs_have_no_move(tmp_path):
    (overall,) = compared(tmp_path, ROWS)
    assert (overall.table, overall.numbers, overall.moved) == (moves.OVERALL, 7, 0)


def test_the_largest_moves_of_a_column_are_found_with_their_row(tmp_path):
    overall, saving, drop = compared(tmp_path, changed(r0c3=10.1, r1c3=5.5, r2c4=0.2))
    assert (saving.table, saving.column) == ("tables/same_qp", "saving_pct")
    assert saving.numbers == 3 and saving.moved == 2
    assert saving.absolute == pytest.approx(0.5) and saving.relative == pytest.approx(1 / 11)
    assert saving.where == "bikes iqnet 37"
    assert drop.relative == 1 and drop.where == "carphone iqnet 22"
    assert (overall.moved, overall.relative) == (3, 1)
    assert overall.where == "tables/same_qp vmaf_drop"


def test_rows_are_found_wherever_they_stand(tmp_path):
    assert compared(tmp_path, ROWS[::-1])[0].moved == 0


def test_times_are_no_results(tmp_path):
    assert len(compared(tmp_path, changed(r0c6=99.0))) == 1


def test_words_and_rows_that_differ_are_counted(tmp_path):
    overall, words = compared(tmp_path, changed(r0c5="not shown"))
    assert words.column == "better" and words.texts == overall.texts == 1 and words.moved == 0
    overall, rows = compared(tmp_path, ROWS[:2])
    assert rows.rows == overall.rows == 1 and overall.numbers == 5


def test_signs_and_order_of_the_runs_do_not_matter(tmp_path):
    rows = changed(r0c3=-4.0)
    forth = compared(tmp_path, rows)
    back = moves.moves(tmp_path / "b", tmp_path / "a", "threads")
    assert forth == back and forth[1].absolute == 14 and forth[1].relative == pytest.approx(1.4)


def test_what_follows_from_numbers_names_no_row(tmp_path):
    head = "first,second,quantity,better,gain\n"
    other = "a,b,error,not shown,1.0\na,c,error,a,2.0\n"
    for folder, text in (("a", other), ("b", other.replace("not shown", "a"))):
        write_text(tmp_path / folder / "tables/skill.csv", head + text)
    overall, words = moves.moves(tmp_path / "a", tmp_path / "b", "x")
    assert overall.rows == 0 and words.column == "better" and words.texts == 1
    barred = replace(words, moved=1, relative=2.5, where="mean |dQP|")
    assert "| 250 % | mean \\|dQP\\| |" in moves.page([overall, barred])


def test_a_folder_without_tables_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no table in common(.|\n)*empty"):
        moves.moves(written(tmp_path / "a", ROWS), tmp_path / "empty", "x")


def test_a_comparison_is_recorded_in_the_place_of_the_former(tmp_path):
    path = tmp_path / "moves.csv"
    first = compared(tmp_path, changed(r0c3=10.1))
    moves.record(first, path)
    moves.record([replace(move, comparison="seeds") for move in first], path)
    again = compared(tmp_path, changed(r0c3=20.0))
    moves.record(again, path)
    found = moves.recorded(path)
    assert [m.comparison for m in found] == ["seeds"] * 2 + ["threads"] * 2
    assert found[-1].relative == 0.5 and found[1].absolute == pytest.approx(0.1)
    assert moves.recorded(tmp_path / "none.csv") == []
    write_text(path, "comparison,table\nthreads,x\n")
    with pytest.raises(UserError, match="of another version"):
        moves.recorded(path)


def test_the_document_has_every_comparison_and_its_worst_columns(tmp_path):
    threads = compared(tmp_path, changed(r0c3=10.1, r1c3=5.5))
    same = [replace(compared(tmp_path, ROWS)[0], comparison="instructions")]
    page = moves.page([*threads, *same])
    row = "| `tables/same_qp` | `saving_pct` | 2 of 3 | 0.5 | 9.1 % | bikes iqnet 37 |"
    assert "### threads" in page and row in page
    assert "| threads | 7 | 2 | 9.1 % | `tables/same_qp saving_pct` | 0 | 0 |" in page
    assert page.index("### instructions") < page.index("No number moves.")
    many = [replace(threads[1], column=f"c{n}", relative=0.5 / (n + 1)) for n in range(30)]
    assert "10 more columns move by 2.4 % or less." in moves.page([threads[0], *many])
    assert "No comparison is recorded" in moves.page([])
