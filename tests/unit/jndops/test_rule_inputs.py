"""Inputs and parameters of rules as functions of wildcards, for the demo and changes of it."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
from snakemake.exceptions import WorkflowError
from snakemake.iocontainers import Wildcards

from jndlab.errors import UserError
from jndlab.jnd.method_class import texts_of
from jndlab.yaml_files import load_yaml
from jndops.inputs import one_of, workflow_errors
from jndops.inputs.bl_juniper import BlJuniperInputs
from jndops.inputs.coding import CodingInputs
from jndops.inputs.iqnet import IqnetInputs
from jndops.inputs.jnd_networks import FrameInputs, NetworkInputs
from jndops.inputs.option_files import files_named
from jndops.inputs.subjective import SubjectiveInputs
from jndops.inputs.vp_jnd import VpJndInputs
from jndops.settings import load_settings
from workflow_runner import REPOSITORY


def inputs(**changed) -> CodingInputs:
    config = load_yaml(REPOSITORY / "config/config.yaml")
    if "methods" in changed:
        del config["bd_rate"]  # it names methods
    return CodingInputs(load_settings({**config, **changed}, REPOSITORY))


def changed(section: str, **keys) -> CodingInputs:
    config = load_yaml(REPOSITORY / "config/config.yaml")
    return inputs(**{section: {**config[section], **keys}})


@pytest.fixture(scope="module")
def demo() -> CodingInputs:
    return inputs()


def wild(**values) -> Wildcards:
    return Wildcards(fromdict=values)


def point(method: str, codec: str, qp: str = "22") -> Wildcards:
    names = {"codec": codec, "configuration": "AI", "sequence": "bikes", "method": method}
    return wild(**names, qp=qp)


def test_one_of_matches_the_names_alone():
    assert re.fullmatch(one_of(["a.b", "c"]), "a.b") and not re.fullmatch(one_of(["a.b"]), "axb")
    assert not re.fullmatch(one_of([]), "") and not re.fullmatch(one_of([]), "none")


def test_texts_of_nested_options():
    assert texts_of({"a": ["x", {"b": "y"}], "c": 3, "d": None}) == ["x", "y"]


def test_a_mistake_of_a_user_ends_snakemake_with_its_message():
    with pytest.raises(WorkflowError, match="there is no such thing"), workflow_errors():
        raise UserError("there is no such thing.")


def test_a_point_is_coded_from_what_its_method_makes(demo):
    clips = {
        method: demo.coded_clip(point(method, codec))
        for method, codec in {
            "anchor": "vvenc-faster",
            "erjnd": "vvenc-faster",
            "laser_mj_lat": "x264-medium",
            "bl_juniper": "kvazaar-ultrafast",
        }.items()
    }
    assert clips["anchor"]["clip"] == "results/sequences/bikes.mkv"
    assert clips["erjnd"]["clip"] == "results/prefiltered/bikes/erjnd/all.mkv"
    assert clips["laser_mj_lat"]["predicted"] == "results/predicted_jnd/bikes/laser_mj_lat.json"
    assert clips["bl_juniper"]["qp_map"] == "results/qp_maps/bikes/bl_juniper/qp22.npz"
    assert set(clips["anchor"]) == {"clip", "metadata"}


def test_a_filter_of_its_own_for_each_qp_has_clips_and_models_by_qp():
    models = {"22": "{results}/a.onnx", "27": "{results}/b.onnx"}
    method = {"kind": "prefilter", "class": "jndlab.jnd.erjnd:ErjndPrefilter", "per_qp": True}
    anchor = {"kind": "anchor"}
    methods = {"anchor": anchor, "by_qp": {**method, "options": {"models": models}}}
    coding = inputs(methods=methods, papers=[])
    assert coding.coded_clip(point("by_qp", "vvenc-faster"))["clip"].endswith("by_qp/qp22.mkv")
    asked = wild(sequence="bikes", method="by_qp", variant="qp27")
    assert coding.method_files(asked) == ["results/b.onnx"]


def test_files_are_found_at_any_depth_of_the_options(tmp_path):
    first, second, third = (tmp_path / name for name in ("levels", "a b.npz", "qp22"))
    for file in (first, second, third):
        file.write_text("weights")
    options = {
        "model": "small",  # a name, not a file
        "networks": [{"luma": str(first), "again": str(first)}, [str(second)]],
        "models": {"chroma": str(third), 22: "{results}/a.onnx", 27: "absent.onnx"},
    }
    method = {"kind": "prefilter", "class": "jndlab.jnd.erjnd:ErjndPrefilter", "per_qp": True}
    anchor = {"kind": "anchor"}
    coding = inputs(methods={"anchor": anchor, "mine": {**method, "options": options}}, papers=[])
    named = [str(first), str(second), str(third), "results/a.onnx"]
    assert coding.method_files(wild(sequence="bikes", method="mine", variant="qp22")) == named
    everything = [*named, "absent.onnx"]  # that one is reported before anything is run
    assert coding.method_files(wild(sequence="bikes", method="mine", variant="all")) == everything


# What options name of the files below, and which of them are inputs.
NAMED = {
    "net": ["net/a.pb", "net/deep/.b", "net/z"],
    "net/": ["net/a.pb", "net/deep/.b", "net/z"],
    "./net": ["./net/a.pb", "./net/deep/.b", "./net/z"],
    "w/model.ckpt": ["w/model.ckpt.data-0", "w/model.ckpt.index"],
    "w/q{qp}.bin": ["w/q22.bin", "w/q27.bin"],
    "w/q%02d.bin": ["w/q22.bin", "w/q27.bin"],
    "w/*.bin": ["w/q22.bin", "w/q27.bin"],
    "w/q": ["w/q22.bin", "w/q27.bin"],
    "top": [],  # a word, such as the name of a network
    "./top": ["./top.index", "./top.model.index"],
    "top.model": ["top.model.index"],
    "to": [],
    "w/absent": [],
    "w/../net/z": ["w/../net/z"],
    "": [],
    "*": [],
    "a\0b": [],
    "x" * 5000: [],
    "{": [],
    "[a-z]": [],
    "linked": ["linked/a", "linked/b"],
}
TREE = [
    "net/a.pb", "net/deep/.b", "net/z", "w/model.ckpt.data-0", "w/model.ckpt.index", "w/q22.bin",
    "w/q27.bin", "top.index", "top.model.index", "linked/b", "out/b",
]  # fmt: skip


@pytest.fixture
def tree(tmp_path, monkeypatch):
    for name in TREE:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "linked/a").symlink_to("b")
    (tmp_path / "out/a").symlink_to("../net/z")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", NAMED)
def test_folders_patterns_and_beginnings_of_names_stand_for_files(tree, text):
    assert files_named(text, "results") == NAMED[text]


@pytest.mark.parametrize("text", [".", "..", "/", "results", "out", "net/.."])
def test_folders_that_cannot_be_inputs_are_refused(tree, text):
    with pytest.raises(UserError, match=r"results lie in it|leads out of it"):
        files_named(text, "results")


def test_what_options_stand_for_is_bounded(tree, monkeypatch):
    monkeypatch.setattr("jndops.inputs.option_files.MOST_FILES", 2)
    with pytest.raises(UserError, match="more than 2 files"):
        files_named("net", "results")
    monkeypatch.setattr("jndops.inputs.option_files.MOST_BYTES", 5)
    with pytest.raises(UserError, match="5 bytes"):
        files_named("w/q", "results")


def test_a_folder_that_is_refused_is_reported_before_anything_runs(tmp_path):
    method = {"kind": "prefilter", "class": "jndlab.jnd.erjnd:ErjndPrefilter"}
    options = {"model": str(REPOSITORY)}
    with pytest.raises(UserError, match="the results lie in it"):
        inputs(methods={"anchor": {"kind": "anchor"}, "mine": {**method, "options": options}},
               papers=[])  # fmt: skip


def test_the_content_of_what_options_name_is_part_of_the_code(tmp_path):
    """A copy with the time of its original is older than what was made of the file before."""
    method = {"kind": "prefilter", "class": "jndlab.jnd.erjnd:ErjndPrefilter"}
    found = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net").write_text(folder)
        mine = {**method, "options": {"model": str(tmp_path / folder)}}
        coding = inputs(methods={"anchor": {"kind": "anchor"}, "mine": mine}, papers=[])
        asked = wild(sequence="bikes", method="mine", variant="all")
        assert coding.method_files(asked) == [str(tmp_path / folder / "net")]
        found.append(coding.method_code(asked))
    assert found[0] != found[1]


def test_a_wing_names_the_data_sets_of_its_paper_alone(tmp_path):
    entry = {"sha256": "0" * 64, "recorded": "2026-01-02"}
    files = {
        "laser_jnd_weights": "FALCON_IEEETCSVT2024_WP3_v1.0.zip",
        "vgg16_keras": "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",  # its MD5 is published
        "nima_weights": "NIMA_InceptionV2_ava-b0c77c00.pth",
    }
    record = {f"{key}/{name}": entry for key, name in files.items()}
    (tmp_path / "checksums.json").write_text(json.dumps(record))
    coding = inputs(data_dir=str(tmp_path))
    laser, nima = "FALCON_IEEETCSVT2024_WP3_v1.0.zip (2026-01-02)", "NIMA_InceptionV2_ava-b0c77c00"
    named_by = {"coding": (laser, nima), "jnd_networks": (laser,), "iqnet": (nima,),
                "iqnet_pilot": (nima,), "subjective": (laser, nima), "vp_jnd": ()}  # fmt: skip
    for wing, named in named_by.items():
        note = coding.recorded_note(wing)
        assert [name in note for name in (laser, nima)] == [name in named for name in (laser, nima)]
        assert "vgg16" not in note and bool(note) == bool(named)


def test_what_a_codecs_entry_names_is_an_input_of_its_encodes(tmp_path):
    encoder, intra, low_delay = (tmp_path / name for name in ("vtm", "intra.cfg", "ldp.cfg"))
    for file in (encoder, intra, low_delay):
        file.write_text("")
    files = {"AI": str(intra), "LDP": str(low_delay)}
    overrides = {"encoder": str(encoder), "config_files": files, "decoder": str(encoder) + "d"}
    coding = inputs(codec_overrides={"vtm-11.0": overrides})
    asked = wild(codec="vtm-11.0", configuration="LDP")
    assert coding.codec_files(asked) == [str(encoder), str(low_delay)]
    assert coding.codec_files(wild(codec="vtm-11.0")) == [str(encoder), str(intra)]
    assert coding.codec_files(wild(codec="vvenc-faster", configuration="AI")) == []
    matrices = tmp_path / "matrices.txt"
    matrices.write_text("")
    entry = {"adapter": "x264", "preset": "ultrafast", "params": {"cqmfile": str(matrices)}}
    assert inputs(own_codecs={"mine": entry}).codec_files(wild(codec="mine")) == [str(matrices)]


def test_only_prefiltered_points_have_metrics_of_the_filter(demo):
    assert demo.coded_files(point("anchor", "vvenc-faster"))["prefilter_metrics"] == []
    files = demo.coded_files(point("erjnd", "vvenc-faster"))
    assert files["prefilter_metrics"] == "results/prefiltered/bikes/erjnd/all.metrics.json"
    assert files["stream"] == "results/streams/vvenc-faster/AI/bikes/erjnd/qp22.266"


def test_segments_cover_the_clip():
    coding = inputs(ai_segment_frames=2)
    frames = coding.settings.clip("bikes").frames
    files = coding.segments(wild(codec="x264-medium", sequence="bikes", method="anchor", qp="22",
                                 suffix="264"))  # fmt: skip
    assert len(files["streams"]) == -(-frames // 2)
    assert files["streams"][0] == "results/segments/x264-medium/AI/bikes/anchor/qp22/0.264"
    assert files["metadata"][0] == files["streams"][0] + ".json"


def test_needs_grow_with_the_attempt(demo):
    asked = point("anchor", "vvenc-faster")
    assert demo.memory_mb(asked, 2) == pytest.approx(2 * demo.memory_mb(asked, 1), abs=1)
    assert demo.encode_minutes(asked, 3) == pytest.approx(4 * demo.encode_minutes(asked, 1), abs=3)


def test_a_missing_class_is_reported_at_once():
    methods = {"anchor": {"kind": "anchor"}, "mine": {"kind": "prefilter", "class": "no.where:X"}}
    with pytest.raises(UserError, match=r"no module 'no\.where'"):
        inputs(methods=methods, papers=[])


def test_networks_are_trained_where_a_method_uses_them(demo):
    assert IqnetInputs(demo).is_trained and BlJuniperInputs(demo).cnn_is_used
    without = inputs(methods={"anchor": {"kind": "anchor"}}, papers=[])
    assert not IqnetInputs(without).is_trained and not VpJndInputs(without).trained
    assert BlJuniperInputs(without).trainings() == []


def test_scenes_are_those_configured_printed_or_first():
    assert [scene.sequence for scene in IqnetInputs(inputs()).scenes()] == ["bikes"] * 2
    scenes = [{"configuration": "AI", "sequence": "carphone", "qp": 27}]
    config = load_yaml(REPOSITORY / "config/config.yaml")["iqnet"]
    configured = inputs(iqnet={**config, "frames": {"scenes": scenes}})
    assert [tuple(scene) for scene in IqnetInputs(configured).scenes()] == [("AI", "carphone", 27)]
    paper = load_yaml(REPOSITORY / "config/paper.yaml")
    printed = IqnetInputs(CodingInputs(load_settings(paper, REPOSITORY))).scenes()
    assert {("AI", "B_BQTerrace", 27), ("AI", "C_RaceHorses", 32)} < set(map(tuple, printed))


def test_labels_of_frames_come_from_sweeps_subjects_or_the_folder(tmp_path):
    assert set(FrameInputs(inputs()).label_sources()) == {"sweeps", "streams"}
    labels = {"kind": "subjective"}
    whole = {"scales": [], "generated": 0, "split": {"kind": "grouped_folds"}}
    frames = FrameInputs(changed("jnd_frames", source="videoset", labels=labels, **whole))
    assert set(frames.label_sources()) == {"subjects", "sur"} and frames.parts() == ["subjects"]
    (tmp_path / "SRC").mkdir()
    (tmp_path / "SRC/a.png").touch()
    given = {"source": "folder", "folder": str(tmp_path), "size": None}
    own = FrameInputs(changed("jnd_frames", **given, **whole))
    assert own.label_sources() == {} and own.folder_files() == [str(tmp_path / "SRC/a.png")]


def test_a_stage_starts_from_the_weights_of_others(demo):
    networks = NetworkInputs(demo, FrameInputs(demo))
    assert any(stage.network.endswith("_va") for stage in networks.trained("mtjnd").values())
    assert networks.starting_files("mtjnd")["saliency"] == "results/jnd_frames/saliency"
    assert networks.starting_files("laser_jnd")["saliency"] == []
    trainings = networks.files("mtjnd", "metrics.csv")
    assert trainings[0].endswith("/metrics.csv")
    runs = len(networks.splits) * len(networks.seeds("mtjnd"))
    assert len(trainings) == len(networks.trained("mtjnd")) * runs
    assert set(networks.methods("laser_jnd")) == {"laser_mj_lat"}
    assert networks.points("laser_jnd") == "results/tables/points/laser_jnd.parquet"
    files = demo.point_files("laser_jnd")
    assert files and all("/anchor/" in path or "/laser_" in path for path in files)


def test_choices_of_qualities_name_their_models(demo):
    vp_jnd = VpJndInputs(demo)
    data, split = vp_jnd.first
    models = vp_jnd.models(SimpleNamespace(method="vp_jnd", data=data, split=split, seed="1"))
    assert models == [f"results/models/vp_jnd/vp_jnd_{data}_{split}_seed1/model.onnx"]
    assert set(vp_jnd.first_options()) == set(vp_jnd.choices) == set(vp_jnd.choice_classes())
    for seed in demo.config["vp_jnd"]["seeds"]:
        end = f"choices/vp_jnd/{split}_seed{seed}.json"
        assert any(path.endswith(end) for path in vp_jnd.chosen(data))


def test_the_authors_networks_take_the_place_of_trained_ones():
    config = load_yaml(REPOSITORY / "config/config.yaml")["bl_juniper"]
    cnn = {**config.get("cnn", {}), "weights": ["a.h5", "b.h5", "c.h5"]}
    authors = BlJuniperInputs(changed("bl_juniper", cnn=cnn))
    assert authors.models()[0] == "results/models/bl_juniper/authors_jnd1/model.onnx"
    assert authors.trainings() == [] and authors.weights(wild(level="2")) == "b.h5"


def test_weighted_points_are_those_of_one_clip(demo):
    bl_juniper = BlJuniperInputs(demo)
    asked = wild(codec="kvazaar-ultrafast", configuration="AI", sequence="bikes")
    points = bl_juniper.weighted_points(asked)
    assert {(p.codec, p.configuration, p.sequence) for p in points} == {tuple(asked)}
    assert len(bl_juniper.weighted_streams(asked)) == len(bl_juniper.weighted_keys(asked))
    assert {p.qp for p in points} > set(demo.config["qps"])


def test_an_importance_map_that_nothing_makes_is_an_error():
    config = load_yaml(REPOSITORY / "config/config.yaml")
    methods = {
        name: {**method, "options": {"importance": "{results}/bl_juniper/importance/x/a.npz"}}
        if method["kind"] == "block_qp" else method
        for name, method in config["methods"].items()
    }  # fmt: skip
    with pytest.raises(UserError, match="importance map 'x'"):
        BlJuniperInputs(inputs(methods=methods))


def test_a_competitor_gains_over_its_own_encoder():
    experiment = {"codec": "x264-ultrafast", "competitors": {"k": {"codec": "kvazaar-fast-vaq"}}}
    with pytest.raises(UserError, match=r"competitors.k is of another encoder"):
        BlJuniperInputs(changed("bl_juniper", experiment=experiment))


def test_rating_clips_show_the_source_or_a_stream(demo):
    subjective = SubjectiveInputs(demo)
    reference = wild(sequence="bikes", coding="reference")
    assert subjective.source(reference) == "results/sequences/bikes.mkv"
    coded = wild(sequence="bikes", coding="vvenc-faster/AI/anchor/qp22")
    assert subjective.source(coded) == "results/streams/vvenc-faster/AI/bikes/anchor/qp22.266"
    files = subjective.session_files()
    assert len(files["clips"]) == len(subjective.rated) and files["rates"] == []
    sub = {**demo.config["subjective"], "procedure": "pairs", "pair_by": "rate"}
    paired = SubjectiveInputs(inputs(subjective=sub))
    clips, rates = paired.session_files()["clips"], paired.session_files()["rates"]
    assert len(rates) == sum("/qp" in clip for clip in clips)
    assert not any("/anchor/qp" in clip for clip in clips)
    matched = next(clip for clip in clips if clip.endswith("/equal_rate.mp4"))
    coding = matched.removesuffix(".mp4").partition("clips/bikes/")[2]
    assert f"{paired.source(wild(sequence='bikes', coding=coding))}.json" in rates


def test_scorer_auto_is_nima_where_its_weights_are(tmp_path):
    def found() -> IqnetInputs:
        return IqnetInputs(inputs(data_dir=str(tmp_path)))

    assert found().scorer == "piqe" and found().selection()["tolerance"] == 0.5
    assert found().nima_weights() == [] and not found().needs_weights
    weights = tmp_path / "nima_mobilenet/weights_mobilenet_aesthetic_0.07.hdf5"
    weights.parent.mkdir()
    weights.write_bytes(b"weights")
    assert found().scorer == "nima_mobilenet" and found().selection()["tolerance"] == 0.05
    assert found().nima_weights() == [str(weights)] and found().needs_weights


@pytest.mark.parametrize(
    ("readings", "sequences", "lacking"),
    [({}, ["S_BQMall_best"], "iqnet.readings"), ({"mine": {}}, ["bikes"], "sequences")],
)
def test_nothing_to_put_next_to_table_4_ends_before_anything_is_made(readings, sequences, lacking):
    anchor = {"anchor": {"kind": "anchor"}}
    run = {"sequences": sequences, "papers": ["iqnet"], "methods": anchor}
    found = IqnetInputs(inputs(frames=None, **run, iqnet={"readings": readings}))
    with pytest.raises(WorkflowError, match=f"`{lacking}` has none"):
        found.compared_clips(wild(reading="anchor"))


def test_data_sets_of_a_training_are_those_that_it_rests_on():
    nima = {"scorer": "nima_mobilenet"}
    asked = {
        "demo": ({"source": "packaged", "scorer": "piqe"}, {}, []),
        "readings": ({"source": "packaged"}, {"a": {"training_data": nima}}, ["nima_mobilenet"]),
        "paper": ({"source": "vimeo90k", **nima}, {}, ["vimeo90k", "nima_mobilenet"]),
        "own": ({**nima, "source": "packaged", "nima": {"weights": "x.hdf5"}}, {}, []),
    }
    for data, readings, names in asked.values():
        found = IqnetInputs(changed("iqnet", training_data=data, readings=readings))
        assert sorted(found.datasets()) == sorted(names)


def test_the_levers_of_a_reading_say_what_it_changes():
    small = {"scorer": "nima_mobilenet", "nima": {"size": None}}
    readings = {
        "piqe": {},
        "nima": {"training_data": {"scorer": "nima_mobilenet", "alphas": [0.5, 1.0]}},
        "small": {"training_data": small, "training": {"loss": "mae"}},
    }
    data = {"scorer": "piqe", "alphas": [0.1, 0.5, 1.0]}
    rows = IqnetInputs(changed("iqnet", training_data=data, readings=readings)).levers()
    assert [row["scorer"] for row in rows.values()] == ["piqe", *["nima_mobilenet"] * 2]
    assert [row["patches"] for row in rows.values()] == ["", "to 224, bilinear", "as they are"]
    assert [row["tolerance"] for row in rows.values()] == [0.5, 0.05, 0.05]
    assert rows["nima"]["alphas"] == "2 of 0.5 to 1" and rows["small"]["alphas"] == "3 of 0.1 to 1"
    assert [row["loss"] for row in rows.values()] == ["mse", "mse", "mae"]


def test_the_study_of_scorers_has_the_base_qp_among_its_own():
    study = {"qps": [22, 32]}
    found = IqnetInputs(changed("iqnet", training_data={"qp": 30}, scorer_study=study))
    assert found.study()["qps"] == [22, 30, 32]


def test_packaged_clips_are_known_by_content_and_not_by_their_place(demo, tmp_path):
    """Their absolute path would encode everything again where the project is moved."""
    here = wild(sequence="bikes")
    assert demo.raw_source(here) == []
    assert re.fullmatch("[0-9a-f]{64}", demo.packaged_source(here))
    assert demo.packaged_source(here) != demo.packaged_source(wild(sequence="carphone"))
    own = inputs(sequences=["D_BQSquare"], data_dir=str(tmp_path))
    theirs = wild(sequence="D_BQSquare")
    assert own.raw_source(theirs) == [] and own.packaged_source(theirs) == ""
    (file := tmp_path / "hevc_ctc/BQSquare_416x240_60.yuv").parent.mkdir()
    file.touch()
    assert own.raw_source(theirs) == [str(file)] and own.packaged_source(theirs) == ""
