"""Tables as people and programs save them: labels, ratings, splits, lists of numbers."""

from __future__ import annotations

import math

import pytest

from jndlab.datasets.authors_block_labels import BLOCKS, read_label_file, read_ti_file
from jndlab.datasets.jnd_frames.coding import read_psnr
from jndlab.datasets.jnd_labels import read_labels
from jndlab.datasets.konjnd1k import read_ratings as read_konjnd1k
from jndlab.datasets.mcl_jcv import read_video_labels
from jndlab.datasets.pictures.picture_list import read_list
from jndlab.datasets.splits import read_splits
from jndlab.files import read_rows
from jndlab.jnd.erjnd import frequency_weights
from jndlab.subjective.answers import read_answers
from jndlab.subjective.preferences import read_pairs
from jndlab.subjective.ratings import read_stimuli

# Texts that float() or int() may take: the number that is meant, or none.
NUMBERS = {
    "22": 22, "22.5": 22.5, " 22": 22, "22 ": 22, "+22": 22, "-3": None, "1e2": 100, "1.5E-1": 0.15,
    ".5": 0.5, "5.": 5, "022": 22, "0": 0, "-0": 0,
    "": math.inf, " ": None, "1_000": None, "\u0663": None,
    "\uff12\uff12": None, "²": None, "nan": None, "NaN": None,
    "inf": None, "-Infinity": None, "1e999": None, "0x16": None, "22,5": None, "1.000,5": None,
    "1 000": None, "22%": None, "22 dB": None, "QP22": None, "#N/A": None, "#DIV/0!": None,
    "1/2": None, "22.5.1": None, "--5": None, "1e": None, "e5": None, "TRUE": None, "None": None,
    "2024-05-22": None, "22-May": None, "\ufeff22": None, "22\u00a0": None, "22\n": None,
    "\t22": None, "'22": None, '"22"': None, "9" * 400: None, "=22": None, "\u22125": None,
    "½": None,
}  # fmt: skip

HEAD = "source,level,value,unit,kind,statistic,subjects,ci_low,ci_high\n"
ROWS = "".join(f"s,{n},{20 + n},QP,subjective,mean,30,{19 + n},{21 + n}\n" for n in (1, 2, 3))
LABELS = HEAD + ROWS


def _labels(old, new):
    assert old in LABELS
    return LABELS.replace(old, new, 1)


# What a table of labels holds: the value of JND1, or the message.
TRIES_OF_LABELS = {
    "good": (LABELS, 21),
    "bom": ("\ufeff" + LABELS, 21),
    "crlf": (LABELS.replace("\n", "\r\n"), 21),
    "cr": (LABELS.replace("\n", "\r"), 21),
    "no_end_of_line": (LABELS.rstrip("\n"), 21),
    "blank_lines": (LABELS.replace("\n", "\n\n"), 21),
    "quoted": (_labels("s,1,21", '"s","1","21"'), 21),
    "no_interval": (_labels("30,20,22", ",,"), 21),
    "utf_16": (LABELS.encode("utf-16"), ["UTF-8"]),
    "utf_16_without_mark": (LABELS.encode("utf-16-le"), ["UTF-8"]),
    "latin_1": (LABELS.replace("s,1", "Ä,1").encode("latin-1"), ["UTF-8", "line 2"]),
    "semicolons": (LABELS.replace(",", ";"), ["semicolons"]),
    "tabs": (LABELS.replace(",", "\t"), ["tabs"]),
    "spaces": (LABELS.replace(",", " "), ["no table of JND labels"]),
    "decimal_comma": (_labels("21,QP", "21,5,QP"), ["line 2", "cells"]),
    "quoted_decimal_comma": (_labels("21,QP", '"21,5",QP'), ["line 2", "no number"]),
    "doubled_head": (_labels("level,value", "value,value"), ["several columns", "value"]),
    "missing_column": (LABELS.replace("ci_high", "x"), ["no table of JND labels"]),
    "other_order": (_labels("source,level", "level,source"), ["no table of JND labels"]),
    "capitals": (_labels("source", "Source"), ["no table of JND labels"]),
    "spaced_head": (_labels("source,level", "source, level"), ["no table of JND labels"]),
    "index_column": (",".join(["", LABELS]), ["no table of JND labels", "cells"][:0] or ["cells"]),
    "head_alone": (HEAD, ["no table of JND labels"]),
    "empty": ("", ["no table of JND labels"]),
    "comment": ("# labels\n" + LABELS, ["cells"]),
    "excel_separator_line": ("sep=,\n" + LABELS, ["cells"]),
    "cleared_row": (LABELS + ",,,,,,,,\n", ["empty cells"]),
    "more_cells": (LABELS + "t,1,2,3,4,5,6,7,8,9,10\n", ["cells"]),
    "fewer_cells": (LABELS + "t,1\n", ["cells"]),
    "open_quote": (LABELS + '"t,1', ["table cannot be read"]),
    "null": (LABELS + "\0", ["UTF-8"]),
    "level_0": (_labels("s,1", "s,0"), ["levels"]),
    "level_4": (_labels("s,3", "s,4"), ["levels"]),
    "level_twice": (_labels("s,2", "s,1"), ["two labels"]),
    "level_with_point": (_labels("s,1,", "s,1.0,"), 21),
    "half_level": (_labels("s,1,", "s,1.5,"), ["whole number"]),
    "value_nan": (_labels("21,QP", "nan,QP"), ["'nan'"]),
    "value_inf": (_labels("21,QP", "inf,QP"), ["'inf'"]),
    "value_negative": (_labels("21,QP", "-1,QP"), ["out of range"]),
    "value_52": (_labels("23,QP", "52,QP"), ["out of range"]),
    "value_underscore": (_labels("21,QP", "2_1,QP"), ["'2_1'"]),
    "value_arabic": (_labels("21,QP", "٢١,QP"), ["no number"]),
    "value_empty": (_labels("21,QP", ",QP"), ["no number"]),
    "value_date": (_labels("21,QP", "21-Mar,QP"), ["'21-Mar'"]),
    "unit_small": (LABELS.replace("QP", "qp"), ["unit 'qp'"]),
    "unit_mixed": (_labels("22,QP", "22,QF"), ["mixed"]),
    "falling": (_labels("s,1,21", "s,1,40"), ["out of order"]),
    "kind_other": (LABELS.replace("subjective", "objective"), ["kind 'objective'"]),
    "statistic_other": (LABELS.replace("mean", "mode"), ["statistic 'mode'"]),
    "statistic_sur00": (LABELS.replace("mean", "sur00"), ["statistic 'sur00'"]),
    "no_source": (_labels("\ns,1", "\n,1"), ["source ''"]),
    "formula_as_source": (LABELS.replace("s,1", "=1+1,1"), ["levels"]),
    "subjects_half": (_labels("30,20", "30.5,20"), ["whole number"]),
    "subjects_none": (_labels("mean,30", "mean,0"), ["subjects"]),
    "subjects_negative": (_labels("mean,30", "mean,-30"), ["subjects"]),
    "interval_turned": (_labels("30,20,22", "30,22,20"), ["interval"]),
}  # fmt: skip


def written(folder, content):
    path = folder / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


@pytest.mark.parametrize("text", NUMBERS)
def test_a_number(tmp_path, meet, text):
    cell = text.replace('"', '""')
    path = written(tmp_path, PSNR.replace("40.5", f'"{cell}"'))
    said = [] if NUMBERS[text] is None else NUMBERS[text]
    meet(lambda: read_psnr(path)["a"][22], said)


@pytest.mark.parametrize("name", TRIES_OF_LABELS)
def test_a_table_of_labels(tmp_path, meet, name):
    content, said = TRIES_OF_LABELS[name]
    path = written(tmp_path, content)
    meet(lambda: read_labels(path).values()[0, 0], said)


KONJND = "image_id,Compression type,No. of ratings,ratings,mean,std\n"
ROW = 'SRC0001.png,BPG,2,"[20, 22]",21,1\n'
SPLITS = "split,subset,source\na,train,s\na,val,t\na,test,u\n"
VIDEO = "src,J1_frame,J2_frame,J3_frame\n1,20,25,30\n"
PSNR = "frame,unit,quality,psnr_y,bits\na,QP,22,40.5,80\n"
PICTURES = ("name,source,subset,origin,frame,left,top,window_width,window_height,width,height,"
            "sha256\na,s,train,p:f,0,0,0,8,8,8,8,00\n")  # fmt: skip
STIMULI = ("stimulus,sequence,codec,configuration,method,qp,is_reference,file,block\n"
           "r,s,,,,,true,r.mp4,0\na,s,x,AI,m,22,false,a.mp4,0\n")  # fmt: skip
PAIRS = ("stimulus,sequence,codec,configuration,method,qp,anchor_qp,rate_difference_pct,"
         "file,anchor_file\n"
         "a,s,x,AI,m,22,22,0.5,a.mp4,b.mp4\n")  # fmt: skip
RATINGS = "subject,stimulus,score,time,kind,level\nA,a,5,2024-05-31T14:02:11Z,test,0\n"
BLOCK = "22\n" * BLOCKS
WEIGHTS = "0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5\n" * 8


def _konjnd(path):
    return float(read_konjnd1k(path)["BPG"].values["SRC0001"][0].mean())


def _answers(path):
    return float(read_answers([path], ["a", "b"], (1, 5))[0].score)


def _weights(path):
    return float(frequency_weights(str(path)).sum())


READERS = {
    "konjnd": (_konjnd, KONJND + ROW, 21.0),
    "splits": (lambda p: len(read_splits(p)[0].subsets), SPLITS, 3),
    "video": (lambda p: read_video_labels(p).values()[0, 0], VIDEO, 20.0),
    "psnr": (lambda p: read_psnr(p)["a"][22], PSNR, 40.5),
    "list": (lambda p: read_list(p)[0].width, PICTURES, 8),
    "stimuli": (lambda p: read_stimuli(p)[1].qp, STIMULI, 22),
    "pairs": (lambda p: read_pairs(p)[0].qp, PAIRS, 22),
    "answers": (_answers, RATINGS, 5.0),
    "block": (lambda p: int(read_label_file(p)[0, 0, 0]), BLOCK, 22),
    "ti": (lambda p: float(read_ti_file(p)[0, 0, 0]), BLOCK, 22.0),
    "rows": (lambda p: len(read_rows(p)), SPLITS, 3),
}
# Reader: what is changed in its sound file, what it becomes, what the message says (or the value).
CHANGES = [
    ("konjnd", "[20, 22]", "[20, NaN]", ["finite"]),
    ("konjnd", "[20, 22]", "[20, Infinity]", ["finite"]),
    ("konjnd", "[20, 22]", "[true, 22]", ["list of numbers"]),
    ("konjnd", "[20, 22]", "['20', 22]", ["cannot be read"]),
    ("konjnd", "[20, 22]", "[[20], 22]", ["list of numbers"]),
    ("konjnd", "[20, 22]", "[]", ["out of range"]),
    ("konjnd", "[20, 22]", "[0, 42]", ["out of range"]),
    ("konjnd", "[20, 22]", "[21, 21]", ["statistics"]),
    ("konjnd", "[20, 22]", "20 22", ["cannot be read"]),
    ("konjnd", "[20, 22]", "{}", ["list of numbers"]),
    ("konjnd", "BPG,2", "BPG,3", ["statistics"]),
    ("konjnd", "BPG,2", "BPG,2.5", ["whole number"]),
    ("konjnd", ",21,", ",nan,", ["'nan'"]),
    ("konjnd", ",21,1", ",21,inf", ["'inf'"]),
    ("konjnd", "BPG", "bpg", ["unknown coder"]),
    ("konjnd", ROW, ROW + ROW, ["twice"]),
    ("konjnd", "image_id", "image", ["no table"]),
    ("splits", "u\n", "s\n", ["in the subsets"]),
    ("splits", "test", "Test", ["found a, Test"]),
    ("splits", "a,test,u", "a,,u", ["subset"]),
    ("splits", "a,test,u", ",test,u", ["split"]),
    ("splits", "a,test,u", "a,test,", ["source"]),
    ("splits", ",", ";", ["semicolons"]),
    ("video", "1,20,25,30", "1,20,25,30\n1,30,35,40", ["twice"]),
    ("video", "20", "2_0", ["'2_0'"]),
    ("video", "20", "nan", ["'nan'"]),
    ("video", "20", "", ["no number"]),
    ("video", "\n1,", "\n1.5,", ["whole number"]),
    ("video", "\n1,", "\n-1,", ["source"]),
    ("video", "\n1,", "\n31,", ["source"]),
    ("video", "20", "29", ["out of order"]),
    ("video", "20", "60", ["out of range"]),
    ("psnr", "a,QP", "a,QP,22,30.5,9\na,QP", ["second coding"]),
    ("psnr", "40.5", "nan", ["'nan'"]),
    ("psnr", "40.5", "-4", ["negative"]),
    ("psnr", "22", "2_2", ["'2_2'"]),
    ("psnr", "40.5", "40,5", ["cells"]),
    ("list", "p:f,0,0,0", "p:f,0,-8,0", ["left"]),
    ("list", "8,8,8,8", "0,8,8,8", ["window_width"]),
    ("list", "8,8,8,8", "8,8,-8,8", ["width"]),
    ("list", "8,8,8,8", "8,8,8,٨", ["whole number"]),
    ("list", "8,8,8,8", "8,8,8,8.5", ["whole number"]),
    ("list", "\na,", "\n../a,", ["no name"]),
    ("stimuli", "a.mp4,0", "a.mp4,x", ["block"]),
    ("stimuli", "a.mp4,0", "a.mp4,-1", ["block"]),
    ("stimuli", "a.mp4,0", "a.mp4,1.5", ["block"]),
    ("stimuli", "a.mp4,0", "a.mp4,٣", ["block"]),
    ("stimuli", ",22,", ",2 2,", ["no QP"]),
    ("stimuli", "false", "False", ["neither true"]),
    ("stimuli", "false", "0", ["neither true"]),
    ("stimuli", "\na,", "\nr,", ["twice"]),
    ("stimuli", "\na,", "\n,", ["empty"]),
    ("stimuli", "false", "true", ["two hidden references"]),
    ("pairs", ",22,22,", ",x,22,", ["no number"]),
    ("pairs", ",22,22,", ",22.5,22,", ["whole number"]),
    ("pairs", "0.5", "nan", ["'nan'"]),
    ("pairs", "0.5", "0_5", ["'0_5'"]),
    ("pairs", "0.5", "", 22),
    ("answers", ",5,", ",6,", ["outside the scale"]),
    ("answers", ",5,", ",4.5,", 4.5),
    ("answers", ",5,", ",5 stars,", ["outside the scale"]),
    ("answers", ",5,", ",V,", ["outside the scale"]),
    ("answers", ",5,", ",=5,", ["formula"]),
    ("answers", "A,", "=A,", ["formula"]),
    ("answers", "A,", " ,", ["no subject"]),
    ("answers", "A,a", "A,A", ["'A' is not part"]),
    ("answers", "2024-05-31T14:02:11Z", "31.05.2024 14:02", ["ISO 8601"]),
    ("answers", "2024-05-31T14:02:11Z", "2024-02-30T14:02:11Z", ["ISO 8601"]),
    ("answers", "2024-05-31T14:02:11Z", "", ["ISO 8601"]),
    ("answers", "2024-05-31T14:02:11Z", "0", ["ISO 8601"]),
    ("answers", "test,0", "rehearsal,0", ["kind"]),
    ("answers", "test,0", "test,x", ["level"]),
    ("answers", "test,0", "test,1e9", ["level"]),
    ("block", "22\n", "22.5\n", ["whole number"]),
    ("block", "22\n", "52\n", ["out of range"]),
    ("block", "22\n", "-1\n", ["out of range"]),
    ("block", "22\n", "2_2\n", ["whole number"]),
    ("block", "22\n", "22\n22\n", [str(BLOCKS)]),
    ("block", "22\n", "", [str(BLOCKS)]),
    ("block", "22\n", "300\n", ["out of range"]),
    ("ti", "22\n", "-1\n", ["negative"]),
    ("ti", "22\n", "nan\n", ["no number"]),
    ("ti", "22\n", "1e999\n", ["no number"]),
    ("ti", "22\n", "2,2\n", ["no number"]),
    ("rows", "split", "split\ufeff", 3),
]  # fmt: skip


@pytest.mark.parametrize("name", READERS)
def test_a_sound_table(tmp_path, meet, name):
    read, content, value = READERS[name]
    path = written(tmp_path, content)
    meet(lambda: read(path), value)


@pytest.mark.parametrize(("name", "old", "new", "said"), CHANGES)
def test_a_changed_table(tmp_path, meet, name, old, new, said):
    read, content, _ = READERS[name]
    assert old in content
    path = written(
        tmp_path, content.replace(old, new, 1 if name != "splits" or len(old) > 1 else -1)
    )
    meet(lambda: read(path), said)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (WEIGHTS, 32.0),
        (WEIGHTS.replace("\n", "\r\n"), 32.0),
        ("\ufeff" + WEIGHTS, 32.0),
        (WEIGHTS.replace(",", ";"), ["64 weights"]),
        (WEIGHTS.replace("0.5", "0,5"), ["64 weights"]),
        (WEIGHTS.replace("0.5", "1.5", 1), ["0 to 1"]),
        (WEIGHTS.replace("0.5", "-0.5", 1), ["0 to 1"]),
        (WEIGHTS.replace("0.5", "nan", 1), ["64 weights"]),
        (WEIGHTS.replace("0.5", "0_5", 1), ["64 weights"]),
        (WEIGHTS.replace("0.5", "\u0665", 1), ["64 weights"]),
        ("a,b,c,d,e,f,g,h\n" + WEIGHTS, ["64 weights"]),
        (WEIGHTS + "0.5\n", ["64 weights"]),
        ("", ["64 weights"]),
        (WEIGHTS.encode("utf-16"), ["UTF-8"]),
    ],
    ids=range(14),
)
def test_weights_of_frequencies(tmp_path, meet, content, said):
    path = written(tmp_path, content)
    meet(lambda: _weights(path), said)
