"""Commands on videos of one's own: what they write, whose networks they use, what they refuse."""

from __future__ import annotations

import copy

import pytest
import yaml

from codec_clips import cut_clip
from commands.own_videos import _asked, _parser, _targets, _weights, main
from jndlab.errors import UserError
from jndops.inputs.bl_juniper import BlJuniperInputs
from jndops.inputs.coding import CodingInputs
from jndops.own_videos.experiment import Asked, experiment, folder_name, models_of
from jndops.own_videos.held_out import UNKNOWN, held_out
from jndops.settings import load_settings

GIVEN = {
    "results_dir": "run",
    "sequences": ["bikes"],
    "codecs": ["x265-ultrafast"],
    "threads": {"encode": 2},
    "subjective": {"sequences": ["bikes"]},
    "methods": {
        "anchor": {"kind": "anchor", "label": "plain"},
        "erjnd": {
            "kind": "prefilter",
            "class": "jndlab.jnd.erjnd:ErjndPrefilter",
            "codecs": ["vvenc-faster"],
            "sequences": ["bikes"],
        },
        "iqnet": {
            "kind": "prefilter",
            "class": "jndlab.models.network_prefilter:NetworkPrefilter",
            "options": {"model": "{results}/models/iqnet/iqnet/model.onnx", "network": "iqnet"},
        },
        "per_qp": {
            "kind": "prefilter",
            "class": "jndlab.models.network_prefilter:PerQpNetworkPrefilter",
            "per_qp": True,
            "options": {"models": {22: "{results}/models/a22.onnx", 27: "a27.onnx"}},
        },
        "laser": {
            "kind": "jnd_predictor",
            "class": "jndlab.models.network_jnd_predictor:NetworkJndPredictor",
            "codecs": ["x264-medium"],
            "options": {"model": "laser.onnx", "network": "mj_lat"},
        },
    },
}


@pytest.fixture
def asked(repository, tmp_path, monkeypatch):
    """What a command asks for in a folder with two videos; a function of its fields."""
    monkeypatch.chdir(tmp_path)
    cut_clip(tmp_path / "my clip.mkv", 64, 48, 5)
    (tmp_path / "other").mkdir()
    cut_clip(tmp_path / "other/my clip.mkv", 64, 48, 3)

    def make(command="compare", methods=("erjnd",), **fields):
        given = copy.deepcopy(GIVEN)
        videos = fields.pop("videos", [tmp_path / "my clip.mkv"])
        settings = load_settings(given, repository)
        return Asked(command, videos, list(methods), given, settings, **fields)

    return make


def trained(tmp_path, name="run/models/iqnet/iqnet/model.onnx"):
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"network")
    return path


def test_a_run_of_ones_own_is_a_small_experiment(asked, repository):
    config = experiment(asked(), "results/own/x")
    settings = load_settings(yaml.safe_load(yaml.safe_dump(config)), repository)
    assert list(config["methods"]) == ["anchor", "erjnd"] and settings.config["papers"] == []
    assert settings.clip("my-clip").frames == 5 and settings.config["threads"]["encode"] == 2
    assert settings.config["sequences"] == ["my-clip"]
    assert settings.codecs_of("erjnd") == ["vvenc-faster"]  # as the configuration has it
    assert settings.sequences_of("erjnd") == ["my-clip"]


@pytest.mark.parametrize(
    ("named", "erjnd", "laser"),
    [
        ([], ["vvenc-faster"], ["x264-medium"]),
        (["x264-ultrafast"], ["x264-ultrafast"], ["x264-ultrafast"]),
        (["svtav1-8"], ["svtav1-8"], ["x264-medium"]),  # predicted JNDs are QPs of H.264
    ],
)
def test_a_codec_that_is_named_is_for_the_methods_that_it_fits(
    asked, repository, named, erjnd, laser
):
    asked_for = asked(methods=("erjnd", "laser"), codecs=named, qps=[30])
    settings = load_settings(experiment(asked_for, "results/own/x"), repository)
    assert settings.codecs_of("erjnd") == erjnd and settings.codecs_of("laser") == laser
    assert settings.codecs_in_use() == list(dict.fromkeys([*erjnd, *laser]))
    assert settings.config["qps"] == [30]


def test_a_codec_that_is_not_there_is_told_at_once(asked):
    with pytest.raises(UserError, match="did you mean 'svtav1-8'"):
        experiment(asked(codecs=["svtav1-7"]), "results/own/x")


def test_two_videos_of_one_name_and_frames_that_one_lacks(asked, tmp_path):
    videos = [tmp_path / "my clip.mkv", tmp_path / "other/my clip.mkv"]
    config = experiment(asked(videos=videos, frames=4), "results/own/x")
    frames = {name: entry["frames"] for name, entry in config["own_sequences"].items()}
    assert frames == {"my-clip": 4, "my-clip-2": 3}
    assert folder_name(videos[:1]) == "my-clip"
    assert folder_name([*videos, tmp_path / "z.y4m"]) == "my-clip_and_1_more"


def test_a_network_is_that_of_the_run_or_the_file_that_is_given(asked, tmp_path):
    with pytest.raises(UserError, match=r"'iqnet' is not there(.|\n)*WEIGHTS=iqnet="):
        experiment(asked(methods=["iqnet"]), "results/own/x")
    trained(tmp_path)
    method = experiment(asked(methods=["iqnet"]), "results/own/x")["methods"]["iqnet"]
    assert method["options"]["model"] == "run/models/iqnet/iqnet/model.onnx"
    other = trained(tmp_path, "mine.pt")
    fields = {"methods": ["iqnet"], "weights": {"iqnet": str(other)}}
    method = experiment(asked(**fields), "results/own/x")["methods"]["iqnet"]
    assert models_of(method, "x") == [other] and method["options"]["network"] == "iqnet"
    with pytest.raises(UserError, match=r"weights is missing(.|\n)*none\.pt"):
        experiment(asked(methods=["iqnet"], weights={"iqnet": "none.pt"}), "results/own/x")
    with pytest.raises(UserError, match="'erjnd' has no network"):
        experiment(asked(weights={"erjnd": str(other)}), "results/own/x")


def test_a_network_for_each_qp(asked, tmp_path):
    trained(tmp_path, "run/models/a22.onnx")
    config = experiment(asked(methods=["per_qp"], qps=[22]), "results/own/x")
    assert config["methods"]["per_qp"]["options"]["models"] == {22: "run/models/a22.onnx"}
    files = [trained(tmp_path, f"net{qp}.pt") for qp in (30, 35)]
    fields = {"methods": ["per_qp"], "qps": [30, 35]}
    config = experiment(asked(**fields, weights={"per_qp": f"{tmp_path}/net{{qp}}.pt"}), "x")
    assert models_of(config["methods"]["per_qp"], "x") == files
    with pytest.raises(UserError, match="network for each QP"):
        experiment(asked(**fields, weights={"per_qp": str(files[0])}), "x")
    with pytest.raises(UserError, match="QPS=32"):
        filters = asked("filter", ["per_qp"])
        _targets(filters, {"results_dir": "x", "sequences": ["a"], "methods": GIVEN["methods"]})


def test_block_control_takes_the_networks_of_the_run(repository, tmp_path, asked):
    asked()  # the videos
    given = copy.deepcopy(GIVEN)
    given["methods"]["blocks"] = {
        "kind": "block_qp",
        "class": "jndlab.jnd.block.qp_control:BlockJndControl",
        "codecs": ["kvazaar-ultrafast"],
        "options": {"jnd": "{results}/bl_juniper/block_jnd/cnn_seed{seed}/{sequence}.npz"},
    }
    given["bl_juniper"] = {"seeds": [3], "cnn": {"width": 0.25}}
    settings = load_settings(given, repository)
    fields = ["compare", [tmp_path / "my clip.mkv"], ["blocks"], given, settings]
    with pytest.raises(UserError, match="BL-JUNIPER' is not there"):
        experiment(Asked(*fields), "results/own/x")
    names = BlJuniperInputs(CodingInputs(settings)).models()
    for name in names:
        trained(tmp_path, name)
    config = experiment(Asked(*fields), "results/own/x")
    assert config["bl_juniper"]["cnn"] == {"width": 0.25, "weights": names}
    inputs = BlJuniperInputs(CodingInputs(load_settings(config, repository)))
    assert inputs.models() == names and inputs.trainings() == []


@pytest.mark.parametrize(
    ("command", "method", "told"),
    [
        ("compare", "erjn", r"did you mean 'erjnd'(.|\n)*erjnd, iqnet, per_qp, laser"),
        ("filter", "laser", r"filter has no method 'laser'(.|\n)*expected: erjnd, iqnet, per_qp"),
        ("predict-jnd", "erjnd", r"expected: laser"),
    ],
)
def test_a_method_of_another_kind_is_refused(asked, command, method, told):
    with pytest.raises(UserError, match=told):
        experiment(asked(command, [method]), "results/own/x")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["filter", "--video", "my clip.mkv"], r"takes one method(.|\n)*cnn_jnqd"),
        (["filter", "--video", "", "--methods", "erjnd"], "no file is named"),
        (["filter", "--video", "a.mkv b.mkv", "--methods", "erjnd"], r"not there(.|\n)*a\.mkv"),
        (["compare", "--video", "my clip.mkv", "--methods", "erjnd", "--qps", "x"], "'x' is no"),
        (["filter", "--video", "my clip.mkv", "--methods", "erjnd", "--out", "a.mp4"],
         r"expected: \.mkv or \.y4m or \.yuv"),
        (["predict-jnd", "--video", "my clip.mkv", "--methods", "laser_mj_lat"], "not there"),
    ],
)  # fmt: skip
def test_what_is_missing_is_asked_for_before_anything_runs(asked, arguments, told):
    asked()
    options = _parser().parse_args(arguments)
    options.further = []
    with pytest.raises(UserError, match=told):
        main(options)


def test_a_raw_file_takes_its_format_from_options(asked, tmp_path):
    asked()
    raw = tmp_path / "raw.yuv"
    raw.write_bytes(bytes(64 * 48 * 3 * 2))
    words = ["filter", "--video", "raw.yuv", "--methods", "erjnd", "--size", "64x48"]
    options = _parser().parse_args([*words, "--fps", "30000/1001", "--bit-depth", "10"])
    entry = experiment(_asked(options), "x")["own_sequences"]["raw"]
    assert entry == {"file": str(raw), "width": 64, "height": 48, "fps": "30000/1001",
                     "bit_depth": 10}  # fmt: skip
    with pytest.raises(UserError, match="'64' is not WIDTHxHEIGHT"):
        _asked(_parser().parse_args([*words, "--size", "64"]))


def test_weights_name_their_method_where_there_are_several():
    assert _weights("a.pt", ["iqnet"]) == {"iqnet": "a.pt"}
    assert _weights("iqnet=a.pt 'b=c d.h5'", ["iqnet", "b"]) == {"iqnet": "a.pt", "b": "c d.h5"}
    with pytest.raises(UserError, match="of no method"):
        _weights("a.pt", ["iqnet", "b"])


def test_how_far_a_network_can_be_trusted_is_read_from_its_run(tmp_path):
    jnd = trained(tmp_path, "run/models/laser_jnd/mj_lat_fold01_seed0/model.onnx")
    assert "complete that run" in held_out(jnd)[0]
    tables = tmp_path / "run/laser_jnd/tables"
    tables.mkdir(parents=True)
    rows = ["name,level,subset,sources,error", "mj_lat,1,train,8,1", "mj_lat,1,test,3,5.25",
            "mj,1,test,3,9", "constant_median,1,test,3,4.05"]  # fmt: skip
    (tables / "errors.csv").write_text("\n".join(rows) + "\n")
    (line,) = held_out(jnd)
    assert line.startswith("predicted JND1 is 5.2 QP off on mean, the median of the training")
    assert "4.0 QP (3 sources" in line
    iqnet = trained(tmp_path)
    summary = '{"best_by": "val_loss", "best_value": 0.01, "recipe": {"losses": [{"kind": "mae"}]}}'
    iqnet.with_name("summary.json").write_text(summary)
    assert held_out(iqnet)[0].startswith("2.55 of 255 grey levels (mean absolute) from")
    choice = trained(tmp_path, "run/models/vp_jnd/vp_jnd_a_fold01_seed0/model.onnx")
    tables = tmp_path / "run/vp_jnd/tables"
    tables.mkdir(parents=True)
    rows = ["data,method,mean_abs_dqf,pictures", "a,vp,11.6,20", "a,fixed,4.1,20"]
    (tables / "prediction.csv").write_text("\n".join(rows) + "\n")
    assert "11.6 off on mean, one fixed quality 4.1 (20 pictures" in held_out(choice, "vp")[0]
    blocks = trained(tmp_path, "run/models/bl_juniper/jnd2_seed0/model.onnx")
    tables = tmp_path / "run/bl_juniper/tables"
    tables.mkdir(parents=True)
    rows = ["level,predictor,mae_qp,sources", "1,cnn,9,3", "2,cnn,2.0,3", "2,mean,1.61,3",
            "2,cnn,7,3", "2,mean,8,3"]  # fmt: skip
    (tables / "block_jnd_error.csv").write_text("\n".join(rows) + "\n")
    (line,) = held_out(blocks)
    assert line.startswith("predicted JND2 of a block is 2.0 QP off on mean, the mean of the")
    assert "1.6 QP (3 sources" in line
    assert held_out(tmp_path / "mine.h5") == [UNKNOWN]


def test_the_network_that_comes_with_the_suite_has_its_record_next_to_it(repository):
    (line,) = held_out(repository / "models/iqnet/model.onnx")
    assert line.startswith("1.41 of 255 grey levels (root mean squared) from the filtered")
