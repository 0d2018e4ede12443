"""VP-JND from pictures to tables at the smallest scale, a choice of one's own, and bad input."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from PIL import Image

from consistency import disagreements
from workflow_runner import Workflow

CONFIG = """
results_dir: results
sequences: [bigbuckbunny_tiny]
frames: 2
qps: [32, 37]
codecs: [x265-ultrafast]
mlflow: false
papers: [vp_jnd]
methods:
  anchor: {kind: anchor}
  vp_jnd:
    kind: quality_choice
    class: jndlab.models.vp_jnd.choice:VpJndChoice
    label: VP-JND
    options:
      model: "{results}/models/vp_jnd/vp_jnd_{data}_{split}_seed{seed}/model.onnx"
  liu_pw_jnd: # the predecessor, a network of its own
    kind: quality_choice
    class: jndlab.models.vp_jnd.choice:VpJndChoice
    label: Liu et al.
    options:
      model: "{results}/models/vp_jnd/liu_pw_jnd_{data}_{split}_seed{seed}/model.onnx"
      search: sliding_window
  half:
    kind: quality_choice
    class: my_choice:Half
    label: half of all qualities
vp_jnd:
  data:
    tiny:
      source: packaged
      sources: [astronaut, coffee, chelsea, bikes]
      size: [96, 64]
      jobs: 2
      labels: {kind: vmaf_steps}
      split: {kind: fractions, fractions: {train: 0.5, val: 0.25, test: 0.25}}
  network: {width: 0.125, patch_size: 16, start: detail, dropout: 0.1}
  predecessor: {width: 0.125, patch_size: 32, start: detail, dropout: 0.1}
  training:
    steps: 4
    validations: 2
    batch_size: 4
    pairs_per_picture: 8
    patches: 4
    crops: aligned
    places: tiles
    ema_decay: null
  seeds: [0, 1]
"""
OWN = '''
class Half:
    """Needs nothing of the suite but the decision."""

    def __init__(self, codec):
        self.codec = codec

    def choose(self, picture):
        from jndlab.jnd.quality_choice import QualityDecision

        quality = self.codec.qualities[len(self.codec.qualities) // 2]
        sizes = [len(self.codec.encode(picture, q)) for q in (quality, self.codec.qualities[-1])]
        return QualityDecision(quality, *sizes)
'''
FOLDER = """      source: folder
      folder: own
      labels: {kind: subjective, file: labels.csv}"""
RUN = ("vp_jnd", "--configfile", "vp_jnd.yaml")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Workflow:
    workflow = Workflow(tmp_path_factory.mktemp("vp_jnd run"))
    workflow.write("vp_jnd.yaml", CONFIG)
    workflow.write("my_choice.py", OWN)
    workflow.run(*RUN)
    return workflow


@pytest.fixture(scope="module")
def results(run) -> Path:
    return run.folder / "results"


def test_no_two_tables_of_the_run_disagree(results):
    assert not disagreements(results)


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_choice_is_in_the_tables_ones_own_included(results):
    predicted = {row["method"]: row for row in rows(results / "vp_jnd/tables/prediction.csv")}
    simple = ["true_labels", "fixed", "ssim", "vmaf_neg_still", "pixel_jnd"]
    assert list(predicted) == ["vp_jnd", "liu_pw_jnd", "half", *simple]
    judged = [name for name, row in predicted.items() if row["called_by"] == "classifier"]
    assert judged == ["vp_jnd", "liu_pw_jnd"]
    assert 0 < float(predicted["vp_jnd"]["calls"]) <= 20
    assert float(predicted["true_labels"]["mean_abs_dqf"]) == 0
    assert {row["seeds"] for row in predicted.values()} == {"2", "0"}
    pictures = rows(results / "vp_jnd/tables/pictures.csv")
    assert {float(row["half"]) for row in pictures} == {51}
    expected = sum(abs(51 - int(row["label"])) for row in pictures) / len(pictures)
    assert float(predicted["half"]["mean_abs_dqf"]) == pytest.approx(expected)


def test_stand_in_content_is_never_compared(results):
    for name in ("prediction_comparison", "saving_comparison"):
        verdicts = {row["verdict"] for row in rows(results / f"vp_jnd/tables/{name}.csv")}
        assert verdicts == {"not measured", "not comparable: stand-in content"}
    labels = {row["kind"] for row in rows(results / "vp_jnd/tiny/labels.csv")}
    assert labels == {"vmaf_steps"}


def test_every_figure_is_drawn(results):
    figures = {path.stem for path in (results / "vp_jnd/figures").glob("*.png")}
    wanted = "correlation saving pixel_jnd margins look decisions weights_vp_jnd weights_liu_pw_jnd"
    assert figures == {f"tiny_{name}" for name in wanted.split()}


@pytest.mark.parametrize("network", ["vp_jnd", "liu_pw_jnd"])
def test_the_networks_can_be_registered(results, network):
    folder = results / f"models/vp_jnd/{network}_tiny_fractions_seed1"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["architecture"]["name"] == network
    assert (folder / "model.onnx").is_file()


def test_each_picture_is_coded_once_at_each_quality(results):
    files = list((results / "vp_jnd/stills/jpeg").glob("*/q*.jpg"))
    assert len(files) == 4 * 100


def test_a_finished_run_has_nothing_to_do_and_a_method_touches_only_its_own(run):
    assert run.planned(*RUN) == {}
    run.write("other.yaml", CONFIG.replace("search: sliding_window", "search: binary"))
    planned = run.planned("vp_jnd", "--configfile", "other.yaml")
    assert planned["choose_vp_jnd_qualities"] == 2 and "train_vp_jnd" not in planned


BAD = {
    "CMYK": (lambda path: Image.new("CMYK", (96, 64)).save(path), "colours of the kind CMYK"),
    "cut": (lambda path: path.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF"), "cannot be read"),
    "small": (lambda path: Image.new("RGB", (96, 12)).save(path), "a picture is too small"),
}


@pytest.fixture(scope="module")
def spoilt(run) -> str:
    """What a run says on data sets of bad pictures, one for each kind."""
    config = re.sub(r" +source: packaged\n +sources.*\n +size.*", FOLDER, CONFIG, count=1)
    config = config.replace("      labels: {kind: vmaf_steps}\n", "")
    before, after = config.split("    tiny:\n")
    data, after = after.split("  network:", 1)
    for kind, (spoil, _) in BAD.items():
        (run.folder / f"own_{kind}").mkdir()
        spoil(run.folder / f"own_{kind}/spoilt_{kind}.jpg")
        before += f"    {kind.lower()}:\n{data.replace('folder: own', f'folder: own_{kind}')}"
    run.write("bad.yaml", f"{before}  network:{after}")
    run.write("labels.csv", "")
    targets = [f"results/vp_jnd/{kind.lower()}/pictures.csv" for kind in BAD]
    done = run.run("--configfile", "bad.yaml", "--", *targets, check=False)
    assert done.returncode != 0 and "3 jobs failed" in done.stdout
    return done.stdout


@pytest.mark.parametrize("kind", BAD)
def test_bad_pictures_are_told_and_nothing_is_left(run, spoilt, kind):
    assert BAD[kind][1] in spoilt and f"spoilt_{kind}.jpg" in spoilt
    assert "Traceback" not in spoilt
    folder = run.folder / f"results/vp_jnd/{kind.lower()}"
    assert not (folder / "pictures.csv").exists()
    assert not (folder / "pictures").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("source: packaged", "source: packaged\n      codec: bgp"), "did you mean 'bpg'"),
        (("seeds: [0, 1]", "seeds: [0, 0.5]"), "vp_jnd.seeds[1]: 0.5 is not allowed"),
        (("seeds: [0, 1]", "seeds: [1, 1]"), "holds an entry twice"),
        (("kind: fractions,", "kind: grouped_folds, folds: 3, runs: [4],"), "there is no fold 4"),
    ],
)
def test_a_wrong_configuration_is_told_before_anything_runs(run, change, said):
    run.write("wrong.yaml", CONFIG.replace(*change))
    done = run.run("vp_jnd", "--dry-run", "--configfile", "wrong.yaml", check=False)
    assert done.returncode != 0 and said in done.stdout and "Traceback" not in done.stdout
