"""VP-JND's training to files for use, the quiz pictures, and the command for one's own picture."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from skimage.data import astronaut, coffee

from jndlab.codecs.stills.base import JpegCodec
from jndlab.codecs.stills.store import StillStore
from jndlab.errors import UserError
from jndlab.files import read_csv
from jndlab.models.model_files import build_network, load_model
from jndlab.models.vp_jnd.choice import VpJndChoice
from jndlab.models.vp_jnd.picture_view import PictureView
from jndlab.papers.vp_jnd.config import Training
from jndlab.papers.vp_jnd.quiz import QuizPictures, quiz_table
from jndlab.papers.vp_jnd.training import strengthen_differences, train_classifier
from jndlab.papers.vp_jnd.validation import SOUND, best_shift, errors_of, examine
from jndlab.training.samplers.coded_pairs import LabelledPicture

NETWORK = {"width": 0.125, "patch_size": 32, "start": "detail", "dropout": 0.0}
TRAINING = {
    **Training(
        steps=7, validations=2, batch_size=4, learning_rate=0.002, ema_decay=0.5, patches=4,
        pairs_per_picture=8, crops="aligned", importance=1.0, difference_gain=5.0, calibrate=True,
    ).model_dump(),
}  # fmt: skip

ALWAYS = """
from jndlab.jnd.quality_choice import StillChoice


class Always(StillChoice):
    def __init__(self, *, codec="jpeg", quality, store=None):
        super().__init__(codec, store)
        self.quality = quality

    def choose(self, picture):
        return self.decided(picture, self.quality)
"""


def picture(source, top: int = 0) -> np.ndarray:
    return np.ascontiguousarray(source()[top : top + 64, 160:256])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Both networks, each trained for a few steps."""
    folder = tmp_path_factory.mktemp("trained")
    learnt = [
        LabelledPicture("a", picture(astronaut), 60),
        LabelledPicture("c", picture(coffee), 70),
    ]
    held = [LabelledPicture("h", picture(astronaut, 200), 65)]
    for name in ("vp_jnd", "liu_pw_jnd"):
        train_classifier(
            name, NETWORK, TRAINING, learnt, held, JpegCodec(), StillStore(folder / "stills"),
            folder / name, seed=0, source="packaged", threads=1,
        )  # fmt: skip
    return folder


def test_a_training_leaves_models_curve_and_summary(trained):
    for name in ("vp_jnd", "liu_pw_jnd"):
        folder = trained / name
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["architecture"]["name"] == name
        record = summary["conditions"]
        assert (record["network"], record["training_source"]) == (name, "packaged")
        assert record["training_pictures"] == 2 and record["batch_size"] == 4
        assert summary["steps"] == 8 and summary["best_by"] == "val_loss"  # 7 in two even parts
        rows = read_csv(folder / "metrics.csv")
        assert [row["epoch"] for row in rows] == ["1", "2"]
        assert all(0 <= float(row["accuracy"]) <= 1 for row in rows)
        choices = [
            VpJndChoice(model=folder / file, codec="jpeg", view={"patches": 6}, threads=1)
            for file in ("model.onnx", "model.pt")
        ]
        sample = picture(coffee, 100)
        coded = JpegCodec().decode(JpegCodec().encode(sample, 30))
        logits = [choice.look_at(sample)(coded).logit for choice in choices]
        assert logits[0] == pytest.approx(logits[1], abs=1e-4)
        for choice in choices:  # the model file knows how it was trained to see
            assert choice.view == PictureView(crops="aligned", patches=6)
            assert choice.classifier.use["prior"]["labels"] == [60, 70]
        assert VpJndChoice(model=folder / "model.pt").view.patches == 4
        validation = summary["validation"]
        assert choices[0].classifier.use["prior"]["spread"] == validation["mean_abs_dqf"]
        # The threshold that the record names is in the network: best.pt is off by it.
        (best,) = folder.glob("runs/*/best.pt")
        before = load_model(best).quality_head[-1].bias.item()
        after = load_model(folder / "model.pt").quality_head[-1].bias.item()
        assert before - after == pytest.approx(validation["shift"], abs=1e-6)


def test_a_collapsed_training_says_so():
    """The three ways a training ends: sound, with an edge far off, with logits that are flat."""
    qualities = tuple(range(1, 101))
    pictures = [LabelledPicture(str(label), picture(coffee), label) for label in (60, 64, 68)]
    falling = np.linspace(3, -3, 100)

    def found(curves):
        return examine(curves, pictures, [58, 62, 66, 70], qualities)

    sound = found([falling - falling[label - 1] + 0.01 for label in (60, 65, 69)])
    assert sound["state"] == SOUND and sound["mean_abs_dqf"] == pytest.approx(2 / 3)
    assert sound["constant_abs_dqf"] == pytest.approx(8 / 3)  # 64, the middle of four
    off = found([falling] * 3)  # turns at 50
    assert "mean |dQF| 14.0" in off["state"] and "collapsed" in off["state"]
    flat = found([np.full(100, 0.3)] * 3)
    assert "logits fall with quality on 0 %" in flat["state"]
    shift = best_shift([falling] * 3, pictures, qualities)
    assert np.abs(errors_of([falling - shift] * 3, pictures, qualities)).mean() < 4


def test_differences_start_stronger_and_nothing_else():
    before, after = (build_network("liu_pw_jnd", NETWORK, seed=3) for _ in range(2))
    strengthen_differences(after, 5)
    old, new = before.quality_head[0].weight, after.quality_head[0].weight
    third = 2 * old.shape[1] // 3
    assert torch.equal(old[:, :third], new[:, :third])
    assert torch.allclose(5 * old[:, third:], new[:, third:])
    assert torch.equal(before.weight_head[0].weight, after.weight_head[0].weight)
    figure = build_network("vp_jnd", {**NETWORK, "inputs": "figure"}, seed=3)
    strengthen_differences(figure, 1)
    with pytest.raises(UserError, match="sees no differences"):
        strengthen_differences(figure, 5)


@pytest.fixture
def run_config(trained, tmp_path, monkeypatch):
    """A configuration whose network is one of those just trained, and a class of the user's own."""
    (tmp_path / "always.py").write_text(ALWAYS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    config = {
        "sequences": ["bikes_tiny"],
        "methods": {
            "anchor": {"kind": "anchor"},
            "vp_jnd": {
                "kind": "quality_choice",
                "class": "jndlab.models.vp_jnd.choice:VpJndChoice",
                "options": {"model": str(trained / "{split}" / "model.onnx")},
            },
            "always": {
                "kind": "quality_choice",
                "class": "always:Always",
                "options": {"quality": 40},
            },
        },
        "vp_jnd": {"data": {"demo": {"source": "packaged", "split": {"kind": "grouped_folds"}}}},
    }
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps(config))
    return path


def command(repository, *arguments) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "workflow_scripts/commands/choose_quality.py", *map(str, arguments)],
        cwd=repository, capture_output=True, text=True,
    )  # fmt: skip


def test_one_picture_in_quality_and_saving_out(repository, run_config, tmp_path):
    image = tmp_path / "mine.png"
    Image.fromarray(picture(coffee)).convert("L").save(image)
    out = tmp_path / "mine.jpg"
    done = command(repository, image, "--configfile", run_config, "--method", "always",
                   "--out", out)  # fmt: skip
    assert done.returncode == 0, done.stderr
    grey = np.asarray(Image.open(image).convert("RGB"))
    assert out.read_bytes() == JpegCodec().encode(grey, 40)
    saving = 100 * (1 - out.stat().st_size / len(JpegCodec().encode(grey, 100)))
    assert "QF 40 (jpeg)" in done.stdout and f"{saving:.1f} % of" in done.stdout
    assert f"{image.stat().st_size:,} bytes as it is" in done.stdout
    again = command(repository, out, "--configfile", run_config, "--method", "always")
    assert again.returncode == 0 and "keep it" in again.stdout  # coded before, no finer than now
    named = command(repository, image, "--configfile", run_config, "--method", "always", "--out",
                    tmp_path / "mine.webp")  # fmt: skip
    assert named.returncode == 1 and "ends in .jpg" in named.stderr


def test_several_pictures_at_once(repository, run_config, tmp_path):
    pictures = [tmp_path / "a.png", tmp_path / "b c.png"]
    for path in pictures:
        Image.fromarray(picture(coffee)).save(path)
    text = " ".join(f"'{path}'" for path in pictures)
    done = command(repository, text, "--configfile", run_config, "--method", "always", "--out",
                   tmp_path / "coded")  # fmt: skip
    assert done.returncode == 0 and done.stdout.count("QF 40 (jpeg)") == 2, done.stderr
    assert sorted(path.name for path in (tmp_path / "coded").iterdir()) == ["a.jpg", "b c.jpg"]


def test_what_is_wrong_with_a_picture_or_model_is_said_without_a_traceback(
    repository, run_config, tmp_path
):
    cmyk, good = tmp_path / "cmyk.jpg", tmp_path / "good.png"
    Image.fromarray(picture(coffee)).convert("CMYK").save(cmyk)
    Image.fromarray(picture(coffee)).save(good)
    for arguments, said in (
        ((cmyk,), "colours of the kind CMYK"),
        ((good,), "is not trained"),  # there is no folder fold01
        ((good, "--method", "vp"), "there is no quality choice 'vp'"),
    ):
        done = command(repository, *arguments, "--configfile", run_config, "--out",
                       tmp_path / "no.jpg")  # fmt: skip
        assert done.returncode == 1 and said in done.stderr, done.stderr
        assert "Traceback" not in done.stderr and not (tmp_path / "no.jpg").exists()


def test_quiz_pictures_are_asked_beside_the_accepted_levels(shared_data, trained, tmp_path):
    quiz = QuizPictures(shared_data / "konjnd1k")
    store = StillStore(tmp_path)
    model = trained / "vp_jnd" / "model.onnx"
    choices = {"vp_jnd": VpJndChoice(model=model, codec=quiz.codec, store=tmp_path)}
    fitted = {
        "fixed": {"quality": 40}, "ssim": {"threshold": 0.95},
        "vmaf_neg_still": {"threshold": 92.8}, "pixel_jnd": {"slope": 0.0, "intercept": 20.0,
        "model": "wu2017"},
    }  # fmt: skip
    table = quiz_table(quiz, choices, fitted, store, tmp_path / "work")
    found = table.set_index(["picture", "choice"])
    # docs/vmaf_steps.md: the rule's first level of the two.
    assert found.loc[("Quiz_SRC01", "vmaf_steps"), "recommended_qf"] == 67
    assert found.loc[("Quiz_SRC02", "vmaf_steps"), "recommended_qf"] == 72
    assert found.loc[("Quiz_SRC01", "vmaf_steps"), "outside_by"] == 13
    assert found.loc[("Quiz_SRC02", "vmaf_steps"), "accepted"] == "yes"
    assert found.loc[("Quiz_SRC01", "fixed"), "accepted"] == "yes"
    assert found.loc[("Quiz_SRC02", "pixel_jnd"), "outside_by"] == 17
    assert ("Quiz_SRC01", "vp_jnd") in found.index


def test_missing_quiz_pictures_are_named(tmp_path):
    with pytest.raises(UserError, match="no JPEG pictures of KonJND-1k"):
        QuizPictures(tmp_path)
