"""The configuration is closed: every mistake gets one message that names key, value and remedy."""

from __future__ import annotations

import copy
import inspect
from collections import Counter

import pytest
from pydantic import ValidationError

from jndlab.errors import UserError
from jndlab.jnd.erjnd import IqnetFilter
from jndlab.models.iqnet.iqnet import IQNet
from jndlab.models.vp_jnd.liu_pw_jnd import LiuPwJnd
from jndlab.models.vp_jnd.network import VpJndNet
from jndlab.papers.iqnet.config import Network as IqnetNetwork
from jndlab.papers.iqnet.config import Prefilter, Training
from jndlab.papers.vp_jnd.config import Network as VpJndNetwork
from jndlab.papers.vp_jnd.config import Predecessor
from jndlab.yaml_files import load_yaml
from jndops.documents.generated import generated_files, locked_versions
from jndops.inputs.coding import CodingInputs
from jndops.settings import load_settings

GOOD = {
    "sequences": ["carphone"],
    "frames": 9,
    "methods": {
        "anchor": {"kind": "anchor"},
        "erjnd": {"kind": "prefilter", "class": "jndlab.jnd.erjnd:ErjndPrefilter"},
    },
}

# (change to GOOD, what the message must say: the key, the value, what is allowed or what to write)
BAD = [
    ({"sequnces": []}, ["unknown key 'sequnces'", "did you mean 'sequences'"]),
    ({"qps": ["22", 27]}, ["qps[0]", '"22"', "integer from 0 to 63", "write 22 without quotes"]),
    ({"qps": 22}, ["qps", "22", "array"]),
    ({"qps": "22"}, ["qps", '"22"', "write a list: [22]"]),
    ({"qps": []}, ["qps", "[]", "at least 1 item"]),
    ({"qps": [22, 22]}, ["qps", "twice"]),
    ({"qps": [64]}, ["qps[0]", "64", "from 0 to 63"]),
    ({"mlflow": "true"}, ["mlflow", '"true"', "boolean", "--config mlflow=True"]),
    ({"configurations": ["RA"]}, ["configurations[0]", '"RA"', '"AI", "LDP"']),
    ({"frames": 0}, ["frames", "0", "at least 1"]),
    ({"iqnet": {"seeds": [0, 1.5]}}, ["iqnet.seeds[1]", "1.5", "integer, at least 0"]),
    ({"iqnet": {"seeds": 3}}, ["iqnet.seeds", "3", "array", "integer"]),
    ({"bl_juniper": {"seeds": ["1"]}}, ["bl_juniper.seeds[0]", '"1"', "write 1 without quotes"]),
    ({"laser_jnd": {"seeds": [-1]}}, ["laser_jnd.seeds[0]", "-1", "at least 0"]),
    ({"mtjnd": {"seeds": []}}, ["mtjnd.seeds", "[]", "at least 1 item"]),
    ({"vp_jnd": {"seeds": [2, 2]}}, ["vp_jnd.seeds", "[2, 2]", "twice; remove one"]),
    ({"vp_jnd": {"seeds": [1.0]}}, ["vp_jnd.seeds[0]", "1.0", "write 1 without a point"]),
    ({"effort": 0}, ["effort", "0", "more than 0"]),
    (
        {
            "vp_jnd": {
                "data": {
                    "own": {
                        "source": "packaged",
                        "sources": ["moon", "cell", "ihc"],
                        "split": {"folds": 5},
                    }
                }
            }
        },
        ["vp_jnd.data.own", "`split.folds: 5`", "3 sources", "set at most 3"],
    ),
    (
        {
            "jnd_frames": {
                "source": "packaged",
                "size": [160, 96],
                "sources": ["moon", "cell", "ihc"],
                "split": {"kind": "grouped_folds", "folds": 4},
            }
        },
        ["jnd_frames", "`split.folds: 4`", "3 sources", "name more `sources`"],
    ),
    (
        {"pictures_dir": "no/such"},
        ["pictures_dir: the folder of pictures does not exist", "no/such", ".png", "null"],
    ),
    ({"frames": 10_000}, ["10000 frames", "carphone", "1 to 120"]),
    ({"sequences": ["carfone"]}, ["carfone", "did you mean 'carphone'", "config/sequences.tsv"]),
    ({"configurations_of": {"bike": ["AI"]}}, ["configurations_of: 'bike' is unknown"]),
    ({"codecs": ["vvenc"]}, ["codecs: 'vvenc' is unknown", "vvenc-faster", "config/codecs.yaml"]),
    ({"codec_overrides": {"vtm-11": {}}}, ["vtm-11", "did you mean 'vtm-11.0'"]),
    ({"codec_overrides": {"vvenc-faster": {"preset": "fastest"}}}, ["preset", '"fastest"']),
    ({"anchor": "none"}, ["anchor: 'none' is unknown", "anchor, erjnd"]),
    ({"bd_rate": {"between": [["erjnd", "iqnet"]]}}, ["bd_rate.between: 'iqnet' is unknown"]),
    ({"bd_rate": {"between": [["erjnd"]]}}, ["bd_rate.between[0]"]),
    ({"methods": {"Anchor": {"kind": "anchor"}}}, ["Anchor"]),
    ({"methods": {"anchor": {"kind": "anker"}}}, ["methods.anchor.kind", '"anker"', "prefilter"]),
    ({"methods": {"anchor": {}}}, ["methods.anchor", "kind"]),
    (
        {"methods": {"anchor": {"kind": "anchor"}, "mine": {"kind": "prefilter"}}},
        ["methods.mine", "package.module:Class"],
    ),
    (
        {"methods": {"anchor": {"kind": "anchor", "options": {"alpha": 1}}}},
        ["methods.anchor", "takes neither"],
    ),
    ({"bd_rate": {"interpolation": "spline"}}, ["bd_rate.interpolation", '"spline"', "pchip"]),
    ({"bd_rate": {"metrics": ["vmaf"]}}, ["bd_rate.metrics[0]", "vmaf_mean"]),
    (
        {"bd_rate": {"metrics": ["ms_ssim_y"]}, "sequences": ["carphone"]},
        ["'ms_ssim_y' takes no picture as small", "176, found 176x144"],
    ),
    ({"papers": ["iqnett"]}, ["papers[0]", "did you mean 'iqnet'"]),
    ({"results_dir": ""}, ["results_dir", '""', "non-empty string"]),
    ({"frames": 9.0}, ["frames", "9.0", "write 9 without a point"]),
    ({"frames": float("inf")}, ["frames", "Infinity", "integer"]),
    ({"mlflow": 1}, ["mlflow: 1", "boolean"]),
    ({"methods": {"../x": {"kind": "anchor"}}}, ['methods: the name "../x"', "^[a-z]"]),
    ({"methods": {"anchor": {"kind": "anchor"}, 5: {"kind": "anchor"}}}, ["methods: the name 5"]),
    ({1: 2}, ["unknown key '1'"]),
    ({True: 2}, ["unknown key 'True'"]),
    (
        {"iqnet": {"training": {"split": {"fractions": {"train": 0.5, "val": 1}}}}},
        ["iqnet.training.split.fractions.val: 1", "less than 1"],
    ),
    (
        {"jnd_frames": {"split": {"fractions": {"train": 0.8, "val": 0.1, "test": 0.2}}}},
        ["jnd_frames.split.fractions", "sum to 1.1"],
    ),
    ({"iqnet": None}, ["iqnet: null", "object"]),
    ({"iqnet": {"training_data": {"crop": [448]}}}, ["iqnet.training_data.crop", "of 2 item(s)"]),
    ({"jnd_frames": {"source": "packaged"}}, ["jnd_frames", "`size`"]),
    ({"jnd_frames": {"sources": ["a", "b"]}}, ["jnd_frames.sources", "name at least 3"]),
    ({"laser_jnd": {"training_of": {"mj": {}}}}, ["laser_jnd.training_of", '"mj"', "mj_rec"]),
    (
        {"laser_jnd": {"variants": {"same": {"networks": ["lat"], "network": {}}}}},
        ["laser_jnd.variants.same.network", "at least one"],
    ),
    (
        {"mtjnd": {"variants": {"imported": {"networks": ["x"], "network": {"width": 1}}}}},
        ["mtjnd.variants", "'imported'", "choose another"],
    ),
    ({"vp_jnd": {"data": {}}}, ["vp_jnd.data", "{}"]),
    ({"bl_juniper": {"mapping": {"form": "sane"}}}, ["bl_juniper.mapping.form", "published"]),
    ({"codec_overrides": {"vtm-11.0": {"adapter": "hm"}}}, ["vtm-11.0.adapter", '"hm"', "vtm"]),
    ({"rate": {"crf": [23, 23]}}, ["rate.crf", "twice"]),
    ({"rate": {"crf": [23]}}, ["rate: codec 'vvenc-faster'", "x264, x265, svtav1 or libaom"]),
    (
        {
            "rate": {"crf": [23]},
            "codecs": ["x265-medium"],
            "methods": {
                "anchor": {"kind": "anchor"},
                "jnd": {"kind": "jnd_predictor", "class": "a:B"},
            },
        },
        ["rate: methods.jnd chooses by QP"],
    ),
    ({"own_codecs": {"mine": {"class": "my_codecs"}}}, ["mine.class", "my_codecs:Mine"]),
    ({"own_codecs": {"mine": {"class": "a:B", "preset": 1}}}, ["mine", "unknown key 'preset'"]),
    ({"codec_overrides": {"vtm-11.0": {"version": 11.0}}}, ["vtm-11.0.version: 11.0", "string"]),
]


@pytest.mark.parametrize(("change", "told"), BAD, ids=lambda value: str(value)[:40])
def test_a_mistake_is_named_with_its_remedy(repository, change, told):
    with pytest.raises(UserError) as caught:
        load_settings({**copy.deepcopy(GOOD), **change}, repository)
    for part in told:
        assert part in str(caught.value)


def test_all_mistakes_are_told_at_once(repository):
    with pytest.raises(UserError, match="3 mistake") as caught:
        load_settings({**GOOD, "qps": ["22"], "mlflow": "no", "colour": 1}, repository)
    assert str(caught.value).count("\n  - ") == 3


def test_defaults_are_filled_in(repository):
    settings = load_settings(GOOD, repository)
    assert settings.config["qps"] == [22, 27, 32, 37]
    assert settings.config["bd_rate"]["interpolation"] == "pchip"
    assert settings.config["methods"]["erjnd"]["options"] == {}
    assert settings.clip("carphone").frames == 9


def test_numbers_and_partial_sections_keep_what_was_written(repository):
    """Files, hashes and pages show 4 where 4 was written, and a variant changes the given keys."""
    variants = {"wide": {"networks": ["mj_lat"], "network": {"width": 1}}}
    given = {"laser_jnd": {"variants": variants, "training_of": {"lat": {"epochs": 2}}}}
    config = load_settings({**GOOD, **given}, repository).config["laser_jnd"]
    assert config["variants"] == variants and config["training_of"] == {"lat": {"epochs": 2}}
    assert type(config["variants"]["wide"]["network"]["width"]) is int
    assert type(config["network"]["width"]) is int


def test_sections_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Training().epochs = 3


# Classes that a section's keys are handed to as keyword arguments, and that are used without it.
DEFAULTS = [
    (Prefilter, IqnetFilter),
    (IqnetNetwork, IQNet),
    (VpJndNetwork, VpJndNet),
    (Predecessor, LiuPwJnd),
]


@pytest.mark.parametrize(("section", "of_class"), DEFAULTS, ids=lambda kind: kind.__name__)
def test_defaults_of_a_section_are_those_of_its_class(section, of_class):
    accepted = inspect.signature(of_class).parameters
    for key, value in section().plain().items():
        default = accepted[key].default
        if (of_class, key) == (IqnetFilter, "weighting"):  # a method must name what it assumes
            assert default is inspect.Parameter.empty
            continue
        assert value == (list(default) if isinstance(default, tuple) else default), key


def test_points_are_the_whole_matrix(repository):
    settings = load_settings(GOOD, repository)
    points = list(settings.points())
    assert len(points) == len(set(points)) == 1 * 2 * 2 * 4


def test_a_method_with_codecs_of_its_own_is_compared_on_them_alone(repository):
    config = copy.deepcopy(GOOD)
    config["methods"]["erjnd"]["codecs"] = ["x265-medium"]
    config["methods"]["level"] = {"kind": "quality_choice", "class": "own:Level"}
    points = list(load_settings(config, repository).points())
    runs = {(point.codec, point.method) for point in points}
    assert runs == {
        ("vvenc-faster", "anchor"),
        ("x265-medium", "anchor"),
        ("x265-medium", "erjnd"),
    }
    of_kind = list(load_settings(config, repository).points_of("prefilter"))
    assert {point.codec for point in of_kind} == {"x265-medium"}
    assert {point.method for point in of_kind} == {"anchor", "erjnd"}


def test_a_prefilter_may_have_sequences_of_its_own(repository):
    config = copy.deepcopy(GOOD) | {"sequences": ["carphone", "bikes"]}
    config["methods"]["erjnd"]["sequences"] = ["bikes"]
    settings = load_settings(config, repository)
    found = {(point.method, point.sequence) for point in settings.points()}
    assert found == {("anchor", "carphone"), ("anchor", "bikes"), ("erjnd", "bikes")}
    config["methods"]["erjnd"]["sequences"] = ["bike"]
    with pytest.raises(UserError, match="'bike' is unknown"):
        load_settings(config, repository)
    config["methods"]["anchor"]["sequences"] = ["bikes"]
    config["methods"]["erjnd"]["sequences"] = ["bikes"]
    with pytest.raises(UserError, match="runs with all sequences"):
        load_settings(config, repository)


def test_the_codec_of_the_training_data_is_needed_where_the_run_trains(repository):
    paper = load_yaml(repository / "config/iqnet_paper.yaml")
    settings = load_settings({**paper, "codecs": ["vvenc-slower"]}, repository)
    assert settings.codecs_in_use() == ["vvenc-slower"]
    assert settings.codecs_needed() == ["vvenc-slower"]  # one key is the way without VTM
    own = {"codecs": ["vvenc-slower"], "iqnet": {"training_data": {"codec": "vtm-11.0"}}}
    settings = load_settings({**paper, **own}, repository)
    assert settings.codecs_needed() == ["vvenc-slower", "vtm-11.0"]
    del paper["methods"]["iqnet"], paper["methods"]["cnn_jnqd"]
    assert load_settings({**paper, **own, "bd_rate": {}}, repository).codecs_needed() == [
        "vvenc-slower"
    ]


def test_iqnets_paper_has_the_points_with_a_printed_number(repository):
    settings = load_settings(load_yaml(repository / "config/iqnet_paper.yaml"), repository)
    points = list(settings.points())
    assert Counter(p.method for p in points) == {"anchor": 144, "cnn_jnqd": 16, "iqnet": 144}
    of_table3 = {p.sequence for p in points if p.method == "cnn_jnqd"}
    assert of_table3 == {"B_BQTerrace", "C_PartyScene"}


def test_block_qps_need_a_codec_that_takes_them(repository):
    config = copy.deepcopy(GOOD)
    config["methods"]["blocks"] = {"kind": "block_qp", "class": "own:Blocks"}
    with pytest.raises(UserError, match="'vvenc-faster' takes no QP for each block"):
        load_settings(config, repository)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"params": {"aq-mode": 2}}, "x265 ignores aq-mode at constant QP"),
        ({"params": {"qp": 30}}, "names qp, which each point sets"),
        ({"program": "/nowhere/x265"}, "absent or not executable"),
        ({"program": "/bin/sh"}, "neither FFmpeg nor"),
    ],
)
def test_what_an_encoder_does_not_take_is_told_before_anything_runs(repository, entry, message):
    config = copy.deepcopy(GOOD)
    config |= {"own_codecs": {"mine": {"adapter": "x265", "preset": "slow", **entry}}}
    config |= {"codecs": ["mine"]}
    with pytest.raises(UserError, match=message) as error:
        load_settings(config, repository)
    assert error.value.where == "own_codecs: mine"


@pytest.mark.parametrize("name", ["config", "smoke", "paper", "iqnet_paper"])
def test_shipped_experiments_are_valid(repository, name):
    settings = load_settings(load_yaml(repository / f"config/{name}.yaml"), repository)
    assert settings.config["anchor"] in settings.config["methods"]


def test_paper_config_covers_the_18_sequences(repository):
    settings = load_settings(load_yaml(repository / "config/paper.yaml"), repository)
    chosen = [settings.sequences[name] for name in settings.config["sequences"]]
    assert len(chosen) == 18
    assert {sequence.content for sequence in chosen} == {"published"}
    assert settings.config["qps"] == [22, 27, 32, 37]


def test_generated_files_are_up_to_date():
    drifted = [p.name for p, text in generated_files().items() if p.read_text("utf-8") != text]
    assert not drifted, f"run `make docs`: {drifted}"


def test_lock_has_hashes_and_names_no_index(repository):
    text = (repository / "envs/requirements.lock").read_text("utf-8")
    assert len(locked_versions()) > 150
    assert text.count("--hash=sha256:") > len(locked_versions())
    assert "://" not in text


SEEDED = {
    "kind": "prefilter",
    "class": "jndlab.models.network_prefilter:NetworkPrefilter",
    "options": {"model": "{results}/models/iqnet/iqnet_seed{seed}/model.onnx", "network": "iqnet"},
}


def with_seeded(seeds, **changes):
    config = copy.deepcopy(GOOD) | {"iqnet": {"seeds": seeds}}
    config["methods"]["iqnet"] = SEEDED | changes
    return config


def test_a_method_that_names_seeds_is_run_with_each(repository):
    settings = load_settings(with_seeded([4, 0]), repository)
    methods = settings.config["methods"]
    assert list(methods) == ["anchor", "erjnd", "iqnet_seed4", "iqnet_seed0"]
    for seed in (4, 0):
        method = methods[f"iqnet_seed{seed}"]
        assert method["options"]["model"].endswith(f"iqnet_seed{seed}/model.onnx")
        assert method["label"] == f"iqnet, seed {seed}"
    assert settings.seeds == {"iqnet_seed4": 4, "iqnet_seed0": 0}
    assert settings.base_of("iqnet_seed4") == "iqnet" and settings.base_of("erjnd") == "erjnd"
    assert settings.once(methods) == ["anchor", "erjnd", "iqnet_seed4"]
    labels = CodingInputs(settings).labels()
    assert labels["iqnet"] == "iqnet" and labels["iqnet_seed0"] == "iqnet, seed 0"


def test_one_seed_leaves_a_method_its_name(repository):
    settings = load_settings(with_seeded([7]), repository)
    assert list(settings.config["methods"]) == ["anchor", "erjnd", "iqnet"] and not settings.seeds
    assert "iqnet_seed7/" in settings.config["methods"]["iqnet"]["options"]["model"]


def test_a_seed_of_no_network_is_named_with_its_remedy(repository):
    for model in ("{results}/models/other/x_seed{seed}/model.onnx", "mine_{seed}.onnx"):
        with pytest.raises(UserError) as found:
            load_settings(with_seeded([0], options={"model": model}), repository)
        words = ["methods.iqnet", "{seed}", model, "of one of", "iqnet", "in place of {seed}"]
        assert all(word in str(found.value) for word in words)
    config = with_seeded([0, 1])
    config["methods"]["iqnet_seed1"] = {"kind": "anchor"}
    with pytest.raises(UserError, match="two methods have the name 'iqnet_seed1'"):
        load_settings(config, repository)


def test_the_effective_configuration_can_be_read_again(repository):
    config = with_seeded([0, 1]) | {"effort": 2, "pictures_most": 3}
    settings = load_settings(config, repository)
    again = load_settings(settings.effective()["config"], repository)
    assert again.config == settings.config and again.seeds == settings.seeds
    assert again.digest() == settings.digest()


def test_effort_is_a_factor_on_all_trainings(repository):
    """Every `epochs` and `steps` of the configuration, wherever it is, and nothing else."""
    config = load_yaml(repository / "config/study.yaml")
    before, after = (
        dict(_numbers(load_settings({**config, "effort": effort}, repository).config))
        for effort in (1, 3)
    )
    changed = {key for key in before if before[key] != after[key]} - {"effort"}
    wanted = {key for key, value in before.items() if value and key.endswith((".epochs", ".steps"))}
    assert changed == wanted | {"pictures_most"}
    assert all(after[key] == 3 * before[key] for key in changed)


def _numbers(value, key=""):
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _numbers(item, f"{key}.{name}".strip("."))
    else:
        yield key, value


def test_a_folder_without_pictures_is_named_with_its_key(repository, tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(UserError) as found:
        load_settings({**GOOD, "pictures_dir": str(tmp_path)}, repository)
    message = str(found.value)
    for word in ("pictures_dir", str(tmp_path), "holds no pictures", ".png", "pictures_dir: null"):
        assert word in message
