"""One command on videos of one's own, as a new user would type it, through the real rules."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict

import pandas as pd
import pytest

from codec_clips import cut_clip
from jndlab.media.clip import samples_sha256
from jndlab.models.bl_juniper.cnn import BlockPreparation
from jndlab.models.jnd_onnx import export_jnd_onnx
from jndlab.models.model_files import build_network, save_model
from workflow_runner import Workflow


class OwnVideos(Workflow):
    """A copy of the suite with a video and two networks of one's own."""

    def __init__(self, folder):
        super().__init__(folder)
        self.clip = cut_clip(folder / "my clip.mkv", 64, 48, 3)
        network = build_network("iqnet", {"channels": 4}, seed=0)  # starts by changing nothing
        for weights in network.parameters():
            weights.data += 0.02
        save_model(folder / "iqnet.pt", network)
        small = {"input_size": [64, 96], "width": 0.125}
        save_model(folder / "mj_lat.pt", build_network("mj_lat", small, seed=0))

    def ask(self, *arguments):
        """Output of a command, which must succeed."""
        command = [sys.executable, "workflow_scripts/commands/own_videos.py", *arguments]
        done = subprocess.run(
            [*command, "--cores", "2"], cwd=self.folder, env=self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-6000:]
        return done.stdout


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return OwnVideos(tmp_path_factory.mktemp("own"))


VIDEO = ("--video", "my clip.mkv")


def block_networks(folder):
    """BL-JUNIPER's three networks, untrained, where the demo's run keeps them."""
    preparation = asdict(BlockPreparation((90.0, 100.0, 110.0), (40.0, 50.0, 60.0), 5.0, 3.0))
    for level in (1, 2, 3):
        options = {**preparation, "head": "linear_at_mean", "label_means": [26.0 + 4 * level]}
        network = build_network("bl_juniper_cnn", {"level": level, "width": 0.125, **options})
        path = folder / f"results/models/bl_juniper/jnd{level}_seed0/model.onnx"
        path.parent.mkdir(parents=True)
        export_jnd_onnx(network.eval(), path)


def test_filter_writes_the_filtered_video(own):
    out = own.folder / "out/filtered.y4m"
    said = own.ask("filter", *VIDEO, "--methods", "iqnet", "--weights", "iqnet.pt", "--out", out)
    assert "out/filtered.y4m: VMAF" in said and "before any coding" in said
    assert "held-out data of iqnet: nothing is recorded" in said and "nothing yet" not in said
    kept = own.folder / "results/own/my-clip/prefiltered/my-clip/iqnet/all.mkv"
    assert samples_sha256(out, own.clip) == samples_sha256(kept, own.clip)
    assert samples_sha256(out, own.clip) != samples_sha256(own.folder / "my clip.mkv", own.clip)
    page = own.folder / "results/own/my-clip/filter_iqnet.html"
    assert f"page: {page.relative_to(own.folder)}" in said
    text = page.read_text("utf-8")
    assert "Filtered by IQNet" in text and "VMAF" in text and "nothing is recorded" in text
    assert len(list((page.parent / "filter_iqnet_frames").glob("*.png"))) == 2 * 3


def test_predict_jnd_prints_and_writes_the_levels(own):
    out = own.folder / "jnd.json"
    said = own.ask("predict-jnd", *VIDEO, "--methods", "laser_mj_lat", "--weights", "mj_lat.pt",
                   "--out", out)  # fmt: skip
    levels = json.loads(out.read_text())["jnd"]
    assert f"jnd.json: JND1 at QP {levels[0]:.1f}, JND2 at QP" in said
    page = own.folder / "results/own/my-clip/predict_jnd_laser_mj_lat.html"
    text = page.read_text("utf-8")
    assert f"JND1 at QP {levels[0]:.1f}" in text and "nothing is recorded" in text
    table = pd.read_csv(page.with_suffix(".csv"))
    assert text.count("<tr>") == len(table) >= 1 and page.with_suffix(".svg").is_file()


def test_compare_makes_tables_figures_and_the_page_without_a_stamp(own):
    said = own.ask(
        "compare", *VIDEO, "--methods", "anchor erjnd iqnet", "--weights", "iqnet=iqnet.pt",
        "--codecs", "x265-ultrafast", "--qps", "22 27 32 37", "--configurations", "LDP",
    )  # fmt: skip
    results = own.folder / "results/own/my-clip"
    assert "results/own/my-clip/summary.html" in said and (results / "summary.html").is_file()
    assert (results / "viewer/index.html").is_file()
    points = pd.read_csv(results / "tables/rd_points.csv")
    assert len(points) == 12 and set(points["content"]) == {"own"}
    assert set(points["method"]) == {"anchor", "erjnd", "iqnet"}
    summary = (results / "summary.md").read_text()
    assert "IQNet (demo training)" in summary
    assert "stand-in" not in said.lower()
    for figure in results.glob("figures/*.svg"):
        assert "stand-in" not in figure.read_text().lower(), figure
    assert "BD-rate" in said
    again = own.ask("filter", *VIDEO, "--methods", "iqnet", "--weights", "iqnet.pt")
    assert "before any coding" in again and "BD-rate" not in again  # of `compare`, not of this
    # The same rules underneath: neither makes again what the other made.
    assert re.search(r"prefilter_clip +1\n", said), said[:1500]  # by ERJND
    assert "prefilter_clip" not in again


def test_block_control_takes_the_networks_of_the_run_and_trains_none(own):
    block_networks(own.folder)
    said = own.ask(
        "compare", *VIDEO, "--methods", "bl_juniper_spectral", "--qps", "22 32",
        "--configurations", "AI", "--frames", "1", "--out", "results/own/blocks",
    )  # fmt: skip
    assert "train_bl_juniper" not in said and "label_panned_pictures" not in said
    assert said.count("held-out data of bl_juniper_spectral: ") == 3
    points = pd.read_csv(own.folder / "results/own/blocks/tables/rd_points.csv")
    blocks = points[points["method"] == "bl_juniper_spectral"]
    assert len(blocks) == 2 and blocks["models_sha256"].str.split().str.len().eq(3).all()
    assert set(points["codec"]) == {"kvazaar-ultrafast"}
