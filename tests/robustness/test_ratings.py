"""Ratings and stimuli as people save them: one message with file and line, or taken as meant."""

from __future__ import annotations

import pytest

from jndlab.errors import UserError
from jndlab.subjective.ratings import read_ratings, read_stimuli

STIMULI = (
    "stimulus,sequence,codec,configuration,method,qp,is_reference,file\n"
    "r,bikes,,,,,true,r.mp4\na,bikes,x,AI,anchor,22,false,a.mp4\n"
)
HEAD = "subject,stimulus,score,time\n"
TIME = "2024-05-31T14:02:11.250Z"


def session(*names: str, scores: tuple[str, str] = ("5", "3")) -> str:
    return "".join(
        f"{name},{stimulus},{score},{TIME}\n"
        for name in names
        for stimulus, score in zip("ra", scores, strict=True)
    )


REFUSED = [
    (HEAD + session("A", "B", scores=("0_3", "3")), ["'0_3'", "line 2"]),
    (HEAD + session("A", "B", scores=("٣", "3")), ["'٣'", "line 2"]),
    (HEAD + session("A", "B", scores=("nan", "3")), ["'nan'"]),
    (HEAD + session("A", "B", scores=("1e0", "3")), ["'1e0'"]),
    (HEAD + session("A", "B", scores=("3", "0x3")), ["'0x3'", "line 3"]),
    (HEAD + session("Anna", "anna"), ["'Anna'", "'anna'", "spelling", "line 2", "line 4"]),
    (HEAD + session("\u00e9", "e\u0301"), ["spelling"]),
    (HEAD + session("A  B", "A B"), ["spelling"]),
    (HEAD + session("A", "B\u202e"), ["not shown", "line 4", "column subject"]),
    (HEAD + session("A", '"B\nC"'), ["not shown"]),
    (HEAD + session("A", "B\0"), ["UTF-8", "line 4"]),
    (HEAD + session("A" * 200_000, "B"), ["no CSV", "field", "line 1"]),
    ("subject,stimulus,score,score,time\n" + f"A,r,5,1,{TIME}\n", ["two columns score"]),
    ((HEAD + session("B", "Ä")).encode("latin-1"), ["UTF-8", "line 4", "0xc4"]),
    ((HEAD + session("A", "B")).encode("utf-16"), ["UTF-8", "line 1"]),
    ((HEAD + session("A", "B")).encode("utf-16-le"), ["UTF-8", "line 1"]),
    ((HEAD + session("B", "é")).encode("mac-roman"), ["UTF-8", "line 4"]),
    ((HEAD + session("B", "日")).encode("shift-jis"), ["UTF-8", "line 4"]),
    ((HEAD + session("A", "B")).replace(",", ";"), ["semicolons", "line 1", "commas"]),
    ((HEAD + session("A", "B")).replace(",", "\t"), ["tabs", "line 1", "commas"]),
    ("sep=;\n" + (HEAD + session("A", "B")).replace(",", ";"), ["line 1"]),
    (HEAD + session("A", "B").replace(",5,", ";5,"), ["another number of cells", "line 2"]),
    (HEAD + session("A", "B", scores=("4,5", "3")), ["another number of cells", "line 2"]),
    (HEAD + session("A", "B", scores=('"4,5"', "3")), ["'4,5'", "line 2"]),
]


def written(folder, content: str | bytes):
    path = folder / "ratings.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


@pytest.fixture
def stimuli(tmp_path):
    path = tmp_path / "stimuli.csv"
    path.write_text(STIMULI)
    return read_stimuli(path)


@pytest.mark.parametrize(("content", "said"), REFUSED, ids=[str(n) for n in range(len(REFUSED))])
def test_what_is_refused(tmp_path, stimuli, content, said):
    path = written(tmp_path, content)
    with pytest.raises(UserError) as error:
        read_ratings([path], stimuli)
    for part in [*said, str(path)]:
        assert part in str(error.value)


def test_what_is_taken(tmp_path, stimuli):
    text = "\ufeff" + HEAD + session("Ärger", "日本", scores=("5.0", "3.25"))
    ratings = read_ratings([written(tmp_path, text.replace("\n", "\r\n"))], stimuli)
    assert ratings.subjects == ("Ärger", "日本") and ratings.scores[1].tolist() == [3.25, 3.25]


@pytest.mark.parametrize("qp", ["²", "9" * 5000, "-1", "22.0", ""])
def test_a_stimulus_has_a_qp(tmp_path, qp):
    path = tmp_path / "stimuli.csv"
    path.write_text(STIMULI.replace(",22,", f",{qp},"), encoding="utf-8")
    with pytest.raises(UserError, match="has no QP"):
        read_stimuli(path)


def test_a_folder_is_no_file(tmp_path, stimuli):
    with pytest.raises(UserError, match="cannot be read"):
        read_ratings([tmp_path], stimuli)
