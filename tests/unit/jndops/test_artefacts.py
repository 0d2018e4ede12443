"""Lists of tables and figures: complete, read by rules, documents, archive and `make where`."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from jndlab.errors import UserError
from jndops.artefacts import Artefact, document_table, outputs, rebuilt_rules, wings
from jndops.where import where
from workflow_runner import REPOSITORY

ALL = [artefact for wing in wings().values() for artefact in wing.artefacts]
RULES = "\n".join(path.read_text("utf-8") for path in (REPOSITORY / "rules").rglob("*.smk"))


def test_no_file_stands_twice_and_names_are_unique_in_a_rule():
    stems = [artefact.stem for artefact in ALL]
    assert len(stems) == len(set(stems)) > 80
    names = [(artefact.rule, artefact.name) for artefact in ALL]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("artefact", ALL, ids=lambda artefact: artefact.stem)
def test_every_artefact_has_a_caption_and_a_rule_that_asks_for_its_list(artefact):
    assert artefact.shows
    if artefact.title:
        assert (REPOSITORY / "report" / artefact.wing / f"{artefact.caption}.rst").is_file()
    assert f'outputs_of("{artefact.wing}", "{artefact.rule}"' in " ".join(RULES.split()).replace(
        "outputs_of( ", "outputs_of("
    )


def test_every_caption_is_used():
    used = {f"{artefact.wing}/{artefact.caption}.rst" for artefact in ALL if artefact.title}
    folders = (REPOSITORY / "report").glob("*/*.rst")
    assert used == {path.relative_to(REPOSITORY / "report").as_posix() for path in folders}


def test_rules_that_an_archive_rebuilds_exist():
    names = [rule for rules in rebuilt_rules().values() for rule in rules]
    assert {"tabulate_points", "tabulate_vp_jnd", "plot_mtjnd"} <= set(names)
    for name in names:
        pattern = re.sub("laser_jnd|mtjnd", "{paper}", name)
        assert f"rule {name}:" in RULES or f'f"{pattern}"' in RULES, name


def test_outputs_are_files_in_each_format_by_name():
    made = outputs("here", "vp_jnd", "tabulate_vp_jnd")
    assert made["saving"] == [
        f"here/vp_jnd/tables/saving.{s}" for s in ("csv", "md", "tex", "html")
    ]
    flags = [getattr(path, "flags", {}).get("report") for path in made["saving"]]
    assert [bool(flag) for flag in flags] == [False, False, False, True]
    assert flags[-1].category == "VP-JND" and flags[-1].labels == {
        "item": "saving",
        "paper": "VP-JND",
    }


def test_names_in_braces_are_filled_listed_labelled_or_left_as_wildcards():
    made = outputs("here", "bl_juniper", "plot_bl_juniper", curve=["vmaf_mean", "psnr"])
    assert {"rd_vmaf_mean", "rd_psnr", "gain_wssim"} <= set(made)
    made = outputs("r", "vp_jnd", "plot_vp_jnd_figures", parts=["classifiers"],
                   classifier={"net": "The net"})  # fmt: skip
    assert made["weights_net"][0] == "r/vp_jnd/figures/{data}_weights_net.csv"
    report = made["weights_net"][2].flags["report"]
    assert report.labels["item"] == "{data}: patch weights, The net"
    made = outputs("r", "jnd_networks", "plot_{paper}", paper="mtjnd", paper_name="MTJND")
    assert made["errors"][0] == "r/mtjnd/figures/errors.csv"
    assert made["errors"][2].flags["report"].subcategory == "MTJND"
    assert made["errors"][2].flags["report"].labels["paper"] == "MTJND"


def test_items_of_the_report_are_labelled_by_metric_codec_and_configuration():
    curves = {"vmaf_mean_x264": {"metric": "vmaf_mean", "codec": "x264"}}
    made = outputs("r", "coding", "plot_rd_curves", curve=curves)
    assert made["rd_vmaf_mean_x264"][0] == "r/figures/rd_vmaf_mean_x264.csv"
    report = made["rd_vmaf_mean_x264"][2].flags["report"]
    expected = {"item": "rate-distortion curves", "metric": "vmaf_mean", "codec": "x264"}
    assert report.labels == expected
    made = outputs("r", "coding", "compare_methods", coding=["AI"], bd_metric=["vmaf_mean"])
    labels = made["bd_rate_AI_vmaf_mean"][3].flags["report"].labels
    assert (labels["metric"], labels["configuration"]) == ("vmaf_mean", "AI")


def test_parts_that_a_run_lacks_are_left_out():
    assert "decisions" not in outputs("r", "vp_jnd", "plot_vp_jnd_figures", classifier={})
    with_coding = outputs("r", "jnd_networks", "tabulate_{paper}", parts=["coding"], paper="mtjnd")
    assert "coding" in with_coding and "variants" not in with_coding


def test_a_rule_without_artefacts_is_an_error():
    with pytest.raises(UserError, match="no artefact of rule 'nothing'"):
        outputs("r", "vp_jnd", "nothing")


def test_an_artefact_knows_its_files():
    of_data = Artefact("w", "r", "w/figures/{data}_look", "C", "c", formats=("png",))
    assert of_data.matches("w/figures/tiny_look.png") and of_data.name == "look"
    assert not of_data.matches("w/figures/tiny_look.svg")
    assert not of_data.matches("w/figures/a/tiny_look.png")


def test_a_table_of_documents_escapes_bars():
    table = document_table(wings()["vp_jnd"])
    assert any("\\|dQF\\|" in line for line in table)
    assert {line.replace("\\|", "").count("|") for line in table} == {5}


@pytest.mark.parametrize(
    ("path", "rule", "module", "section"),
    [
        ("results/vp_jnd/tables/prediction.csv", "tabulate_vp_jnd", "vp_jnd/tables.py", "vp_jnd"),
        ("results/smoke/tables/bd_rate.csv", "compare_methods", "quality/aggregate.py", "bd_rate"),
        ("mtjnd/figures/errors.svg", "plot_{paper}", "jnd_networks/report.py", "mtjnd"),
        ("results/streams/x265/AI/a/erjnd/qp22.265", "encode_clip", "codecs/base.py", "bd_rate"),
        (
            "results/models/iqnet/iqnet_seed0/model.onnx",
            "train_iqnet",
            "iqnet/training.py",
            "iqnet",
        ),
        ("results/iqnet/training_data/sources/a.png", "select_iqnet_alphas", "iqnet/", "iqnet"),
    ],
)
def test_where_names_rule_module_and_section(path, rule, module, section):
    lines = where(path, REPOSITORY)
    told = {heading: text for heading, text in reversed(lines)}
    name, place = told["rule"].split(", ")
    file, number = place.split(":")
    assert name == rule
    line = (REPOSITORY / file).read_text("utf-8").splitlines()[int(number) - 1]
    assert "rule" in line
    assert any(module in text for heading, text in lines if heading == "modules")
    assert section in told["configuration"]


def test_where_command_answers_and_explains():
    command = [sys.executable, str(REPOSITORY / "workflow_scripts/commands/where.py")]
    done = subprocess.run([*command, "results/tables/bd_rate.csv"], capture_output=True, text=True)
    assert done.returncode == 0 and "rules/coding/tables.smk:" in done.stdout
    done = subprocess.run([*command, "results/nothing.xyz"], capture_output=True, text=True)
    assert done.returncode == 1 and "no rule names the file" in done.stderr


def test_adapters_write_what_the_lists_name():
    literal = re.compile(r"\bstem(?:s\(snakemake\.output\))?\[f?\"([^\"]+)\"\]")
    checked = 0
    for rule, wing in {artefact.rule: artefact.wing for artefact in ALL}.items():
        adapter = REPOSITORY / f"workflow_scripts/{wing}/{rule}.py"
        if not adapter.is_file():
            continue  # one for two papers
        names = [re.sub(r"\{data\}_", "", a.stem).rsplit("/", 1)[-1] for a in ALL if a.rule == rule]
        for written in literal.findall(adapter.read_text("utf-8")):
            pattern = re.sub(r"\\\{[^}]+\\\}", ".+", re.escape(written))
            assert any(re.fullmatch(pattern, name) for name in names), (rule, written)
            checked += 1
    assert checked > 40
