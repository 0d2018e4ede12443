"""BL-JUNIPER's stages on clips and files: key frames, mapping, synthetic pans, MCL-JCV, CNNs."""

from __future__ import annotations

import runpy
import shutil
from dataclasses import asdict
from fractions import Fraction
from types import SimpleNamespace

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from snakemake.iocontainers import Namedlist

from codec_clips import cut_clip
from jndlab.codecs import get_codec
from jndlab.codecs.base import EncodeJob
from jndlab.datasets.pictures.clip_frames import read_frames
from jndlab.errors import UserError
from jndlab.files import read_csv
from jndlab.jnd.block.activity import block_tpi
from jndlab.jnd.block.jnd_mapping import block_jnd_of_frames
from jndlab.jnd.block.mapping_options import REFERENCES, BlockMappingOptions
from jndlab.jnd.block.pictures import rgb_of
from jndlab.media.clip import ClipFormat, Frame, read_clip, write_clip
from jndlab.media.decoding import count_pictures
from jndlab.models.bl_juniper.cnn import BlJuniperCnn, BlockPreparation
from jndlab.models.bl_juniper.onnx import BlockJndPredictor
from jndlab.models.jnd_onnx import jnd_onnx_bytes
from jndlab.papers.bl_juniper.mapping import (
    first_frames,
    key_frames_with_neighbours,
    key_frames_with_ti,
    map_clip,
)
from jndlab.papers.bl_juniper.mapping_agreement import agreement_table
from jndlab.papers.bl_juniper.mcl_jcv import (
    authors_key_frames,
    labelled_clip,
    mapped_frames,
    video_levels,
)
from jndlab.papers.bl_juniper.pictures import moved, panned_pictures
from jndlab.quality.quality_sweeps import labels_of, search_clip
from jndlab.training.samplers.block_files import BlockFile, read_blocks, write_blocks
from jndlab.training.samplers.blocks import LabelledBlocks

CODEC = get_codec({"adapter": "x264", "preset": "ultrafast"})
OPTIONS = BlockMappingOptions(highest_offset=2)
LEVELS = [24, 29, 33]


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Five frames of a real clip; the last row of blocks is 8 lines high."""
    path = tmp_path_factory.mktemp("clip") / "bikes.mkv"
    return path, cut_clip(path, 136, 72, 5)


def written(path, frames, width=128, height=64):
    form = ClipFormat(width, height, Fraction(25), len(frames))
    write_clip(path, frames, form)
    return path, form


def grey(value, width=128, height=64):
    chroma = np.full((height // 2, width // 2), 128, np.uint8)
    return Frame(np.full((height, width), value, np.uint8), chroma, chroma)


def test_key_frames_come_with_the_frame_before_and_the_first_with_the_one_after(tmp_path):
    path, form = written(tmp_path / "c.mkv", [grey(value) for value in range(20, 25)])
    found = [
        (index, [int(frame.y[0, 0]) for frame in pair], place)
        for index, pair, place in key_frames_with_neighbours(path, form, [0, 2, 4])
    ]
    assert found == [(0, [20, 21], 0), (2, [21, 22], 1), (4, [23, 24], 1)]
    path, form = written(tmp_path / "one.mkv", [grey(20)])
    ((index, frame, ti),) = key_frames_with_ti(path, form, 30, BlockMappingOptions())
    assert index == 0 and frame.y[0, 0] == 20 and (ti == 0).all() and ti.shape == (1, 2)


def test_mapping_of_a_clip_equals_its_parts(clip, tmp_path):
    path, form = clip
    maps = map_clip(path, form, LEVELS, CODEC, "LDP", 3, OPTIONS, tmp_path)
    assert maps.frames.tolist() == [0, 3] and maps.values.shape == (2, 2, 3, 3)
    offsets = maps.values - np.array(LEVELS)
    assert offsets.min() == 0 and offsets.max() == 2
    frames = list(read_clip(path, form))
    coded = {}
    for qp in sorted({level + offset for level in LEVELS for offset in range(3)}):
        stream = tmp_path / f"{qp}.264"
        CODEC.encode(EncodeJob(path, form, "LDP", qp, stream, tmp_path))
        coded[qp] = list(read_clip(stream, form))
    expected = block_jnd_of_frames(
        frames[2:4], [{}, {qp: decoded[3] for qp, decoded in coded.items()}], LEVELS, OPTIONS
    )
    assert np.array_equal(maps.values[1], expected[0])


def test_dropped_blocks_get_the_jnd_of_their_video(clip, tmp_path):
    path, form = clip
    options = BlockMappingOptions(highest_offset=1, partial_blocks="drop")
    maps = map_clip(path, form, LEVELS, CODEC, "AI", 9, options, tmp_path)
    assert maps.values.shape == (1, 2, 3, 3)
    assert (maps.values[0, 1] == LEVELS).all() and (maps.values[0, :, 2] == LEVELS).all()


def test_clips_of_one_frame_and_static_letterboxed_ones(clip, tmp_path):
    path, form = clip
    frame = next(read_clip(path, form))
    dark = Frame(frame.y.copy(), frame.u, frame.v)
    dark.y[:64] = 16
    for frames in ([frame], [dark] * 3):
        source = written(tmp_path / f"{len(frames)}.mkv", frames, form.width, form.height)
        maps = map_clip(*source, LEVELS, CODEC, "LDP", 2, OPTIONS, tmp_path)
        assert np.isfinite(maps.values).all() and maps.values.max() <= max(LEVELS) + 2


def test_levels_without_room_for_their_window_are_refused(clip, tmp_path):
    with pytest.raises(UserError, match="28, 40, 50 cannot be mapped") as error:
        map_clip(*clip, [28, 40, 50], CODEC, "AI", 1, OPTIONS, tmp_path)
    assert "49" in str(error.value)


def test_a_clip_in_which_nothing_can_be_lost_has_no_levels(tmp_path):
    source = written(tmp_path / "flat.mkv", [grey(90)] * 2)
    sweep = search_clip("flat", *source, CODEC, "AI", range(20, 52), work_dir=tmp_path)
    with pytest.raises(UserError, match="JND level 1 of 'flat' is not reached"):
        labels_of([sweep])


def test_only_the_first_frames_are_taken(clip, tmp_path):
    path, form = clip
    with first_frames(path, form, 2, tmp_path) as (short, short_form):
        assert [f.y.tobytes() for f in read_clip(short, short_form)] == [
            f.y.tobytes() for f in list(read_clip(path, form))[:2]
        ]
    with first_frames(path, form, 9, tmp_path) as whole:
        assert whole == clip


def test_pans_shift_and_zoom_all_planes_alike():
    rng = np.random.default_rng(0)
    sizes = [(64, 96), (32, 48), (32, 48)]
    frame = Frame(*(rng.integers(0, 256, size, dtype=np.uint8) for size in sizes))
    assert all(map(np.array_equal, moved(frame, (0, 0), 1.0), frame))
    shifted = moved(frame, (4, -2), 1.0)
    assert np.array_equal(shifted.y[:-2, 4:], frame.y[2:, :-4])
    assert np.array_equal(shifted.u[:-1, 2:], frame.u[1:, :-2])
    assert not np.array_equal(moved(frame, (0, 0), 1.02).y, frame.y)


def test_parts_of_a_picture_are_one_source(tmp_path):
    pictures = panned_pictures(3, 2, (192, 128), seed=1)
    assert len({picture.source for picture in pictures}) == 3 < len(pictures)
    assert len({picture.name for picture in pictures}) == len(pictures)
    again = panned_pictures(3, 2, (192, 128), seed=1)
    assert np.array_equal(again[0].before.y, pictures[0].before.y)
    assert (block_tpi(pictures[0].key.y, pictures[0].before.y) > 0).any()
    picture = rgb_of(pictures[0].key).repeat(2, axis=0).repeat(2, axis=1)
    for place in range(3):
        Image.fromarray(np.roll(picture, place)).save(tmp_path / f"photo{place}.png")
    more = panned_pictures(3, 2, (192, 128), 1, str(tmp_path), most=2)
    added = [one for one in more if one.source.startswith("photo")]
    assert len({one.source for one in added}) == 2 and len(more) == len(pictures) + len(added)


def blocks_of(sources, kind="vmaf_steps", form="corrected") -> BlockFile:
    count = len(sources)
    rng = np.random.default_rng(count)
    jnd = rng.integers(20, 40, (count, 3)).astype(np.float32)
    pixels = rng.integers(0, 256, (count, 64, 64, 3), dtype=np.uint8)
    blocks = LabelledBlocks(pixels, rng.random(count).astype(np.float32), jnd, np.array(sources))
    return BlockFile(blocks, jnd - 1, kind, form)


def test_files_of_blocks_come_back_and_are_joined(tmp_path):
    one, two = blocks_of(["a", "bb"]), blocks_of(["ccc"])
    write_blocks(tmp_path / "1.npz", one)
    write_blocks(tmp_path / "2.npz", two)
    content = read_blocks([tmp_path / "1.npz", tmp_path / "2.npz"])
    assert content.blocks.sources.tolist() == ["a", "bb", "ccc"] and content.kind == "vmaf_steps"
    assert np.array_equal(content.blocks.pixels[:2], one.blocks.pixels)
    assert np.array_equal(content.video_jnd[2], two.video_jnd[0])


def test_faulty_files_of_blocks_are_named(tmp_path):
    write_blocks(tmp_path / "1.npz", blocks_of(["a"]))
    write_blocks(tmp_path / "2.npz", blocks_of(["b"], "subjective"))
    write_blocks(tmp_path / "6.npz", blocks_of(["b"], form="published"))
    write_blocks(tmp_path / "3.npz", blocks_of(["b", "c"])._replace(video_jnd=np.zeros((1, 3))))
    (tmp_path / "4.npz").write_bytes((tmp_path / "1.npz").read_bytes()[:200])
    for names, match in (
        (["1", "2"], "several kinds"),
        (["1", "6"], "several forms"),
        (["3"], "do not belong together"),
        (["4"], "cannot be read"),
        (["5"], "cannot be read"),
        ([], "no file"),
    ):
        with pytest.raises(UserError, match=match) as error:
            read_blocks([tmp_path / f"{name}.npz" for name in names])
        assert not names or f"{names[0]}.npz" in str(error.value)


def test_five_key_frames_of_every_clip():
    assert authors_key_frames(150) == authors_key_frames(125) == [0, 30, 60, 90, 120]
    assert authors_key_frames(120) == [0, 29, 58, 87, 116]
    assert authors_key_frames(5) == [0, 1, 2, 3, 4]
    with pytest.raises(UserError, match="no 5 key frames"):
        authors_key_frames(4)


@pytest.fixture(scope="module")
def mcl_jcv(clip, tmp_path_factory):
    """A clip of MCL-JCV in miniature: streams of five small frames, samples of three subjects."""
    root = tmp_path_factory.mktemp("jcv")
    folder = root / "1080P" / "videos" / "1080PAVCFQPvideoSRC03"
    folder.mkdir(parents=True)
    for qp in (1, *range(28, 36)):
        stream = root / "coded.264"
        CODEC.encode(EncodeJob(*clip, "LDP", qp, stream, root))
        shutil.move(stream, folder / f"videoSRC03_{qp:02d}.264")
    samples = root / "1080P" / "JND_raw_samples" / "videoSRC03.txt"
    samples.parent.mkdir()
    samples.write_text("27, 30, 33\n28, 31, 33\n29, 32\n")
    return root


def test_mcl_jcv_clips_are_mapped_from_their_own_streams(mcl_jcv, clip):
    assert video_levels(mcl_jcv, "SRC03", "mean") == [28, 31, 33]
    content = labelled_clip(mcl_jcv, "SRC03", OPTIONS)
    assert content.kind == "mapped from subjective video JND"
    assert content.form == "corrected" and content.blocks.pixels.shape == (10, 64, 64, 3)
    assert (content.video_jnd == [28, 31, 33]).all()
    offsets = content.blocks.jnd - content.video_jnd
    assert offsets.min() >= 0 and offsets.max() <= 2
    stream = next(mcl_jcv.rglob("videoSRC03_01.264"))
    frames = read_frames(stream, (136, 72), [0, 1, 4])
    whole = list(read_clip(stream, clip[1]))
    assert all(np.array_equal(a.y, whole[i].y) for a, i in zip(frames, [0, 1, 4], strict=True))
    tpi = block_tpi(whole[4].y, whole[3].y)[:1, :2]
    assert np.allclose(content.blocks.temporal_information[-2:], tpi.ravel())


def test_the_authors_labels_are_taken_as_they_are(tmp_path):
    source = written(tmp_path / "grey.mkv", [grey(90, 1920, 1024)] * 5, 1920, 1024)
    folder = tmp_path / "1080P"
    folder.mkdir()
    stream = folder / "videoSRC02_01.264"
    CODEC.encode(EncodeJob(*source, "LDP", 1, stream, tmp_path))
    rng = np.random.default_rng(0)
    jnd = rng.integers(30, 36, (2, 3, 5, 16, 30)).astype(np.uint8)
    ti = rng.random((2, 5, 16, 30)).astype(np.float32)
    np.savez(tmp_path / "labels.npz", jnd=jnd, ti=ti)
    content = labelled_clip(tmp_path, "SRC02", OPTIONS, labels=tmp_path / "labels.npz")
    assert content.blocks.jnd.shape == (2400, 3) and content.form == "published"
    of_block = 3 * 480 + 7 * 30 + 11  # frame, row, column
    assert np.array_equal(content.blocks.jnd[of_block], jnd[1, :, 3, 7, 11])
    assert content.blocks.temporal_information[of_block] == ti[1, 3, 7, 11]
    assert (content.video_jnd == 30).all()


def test_labels_of_another_picture_size_are_refused(mcl_jcv, tmp_path):
    jnd = np.full((3, 3, 5, 16, 30), 30, np.uint8)
    np.savez(tmp_path / "labels.npz", jnd=jnd, ti=np.ones((3, 5, 16, 30), np.float32))
    with pytest.raises(UserError, match="does not fit its picture's blocks"):
        labelled_clip(mcl_jcv, "SRC03", OPTIONS, labels=tmp_path / "labels.npz")


def test_missing_streams_and_short_ones_are_named(mcl_jcv, tmp_path):
    with pytest.raises(UserError, match="36"):
        labelled_clip(mcl_jcv, "SRC03", BlockMappingOptions(highest_offset=3))
    stream = next(mcl_jcv.rglob("videoSRC03_01.264"))
    assert count_pictures(stream) == ((136, 72), 5)
    with pytest.raises(UserError, match="fewer frames"):
        list(read_frames(stream, (136, 72), [0, 7]))


@pytest.fixture(scope="module")
def networks() -> dict[int, BlJuniperCnn]:
    torch.manual_seed(0)
    options = asdict(BlockPreparation((90.0, 100.0, 110.0), (40.0, 50.0, 60.0), 5.0, 3.0))
    options["head"] = "linear_at_mean"
    made = {}
    for level in (1, 2, 3):
        model = BlJuniperCnn(level=level, width=0.125, label_means=[30.0], **options).eval()
        torch.nn.init.normal_(model.heads.last[0].weight, std=0.3)
        made[level] = model
    return made


def test_prediction_without_torch_equals_that_of_the_networks(networks):
    predictor = BlockJndPredictor({k: jnd_onnx_bytes(m) for k, m in networks.items()}, threads=1)
    rng = np.random.default_rng(0)
    rgb, ti = rng.integers(0, 256, (72, 136, 3), dtype=np.uint8), rng.random((2, 3)) * 20
    found = predictor.of_frame(rgb, ti)
    assert found.shape == (2, 3, 3)
    block = rgb[:64, 64:128][None]
    for level, model in networks.items():
        with torch.no_grad():
            expected = model(*model.preparation(block, ti[0, 1:2]))[f"jnd{level}"]
        assert found[0, 1, level - 1] == pytest.approx(float(expected), abs=2e-3)


@pytest.mark.parametrize("scrambled", [False, True])
def test_one_graph_prepares_as_the_training_did(networks, scrambled):
    rng = np.random.default_rng(1)
    blocks, ti = rng.integers(0, 256, (70, 64, 64, 3), dtype=np.uint8), rng.random(70) * 20
    # Two levels with one standardisation, a third with its own: what is shared must not mix them.
    others = asdict(BlockPreparation((9.0, 2.0, 3.0), (44.0, 55.0, 66.0), 0.5, 2.0))
    given = {}
    for level, network in networks.items():
        options = {**network.options, "scrambled": scrambled, **(others if level == 3 else {})}
        given[level] = BlJuniperCnn(**{**options, "scrambled": scrambled}).eval()
        given[level].load_state_dict(network.state_dict())
    found = BlockJndPredictor({k: jnd_onnx_bytes(m) for k, m in given.items()}).of_blocks(
        blocks, ti
    )
    for level, network in given.items():
        with torch.inference_mode():
            expected = network(*network.preparation(blocks, ti))[f"jnd{level}"].numpy()
        assert np.allclose(found[:, level - 1], expected, atol=2e-3) and np.ptp(expected) > 0.1


def test_temporal_information_as_the_authors_test_script_gives_it(networks):
    data = {level: jnd_onnx_bytes(model) for level, model in networks.items()}
    rng = np.random.default_rng(2)
    blocks, ti = rng.integers(0, 256, (5, 64, 64, 3), dtype=np.uint8), rng.random(5) * 20
    raw = BlockJndPredictor(data, raw_ti=True, threads=1).of_blocks(blocks, ti)
    # What the network makes of them is what it makes of TI that standardises to these numbers.
    same = BlockJndPredictor(data, threads=1).of_blocks(blocks, 5.0 + 3.0 * ti)
    assert np.allclose(raw, same, atol=1e-3)
    assert not np.allclose(raw, BlockJndPredictor(data, threads=1).of_blocks(blocks, ti), atol=0.1)


def test_models_in_the_wrong_order_are_refused(networks):
    data = {level: jnd_onnx_bytes(model) for level, model in networks.items()}
    with pytest.raises(UserError, match="not the network of JND1"):
        BlockJndPredictor({1: data[2], 2: data[1], 3: data[3]})


def exported(networks, forms) -> dict[int, bytes]:
    """The networks as files that learned from temporal information of these forms."""
    files = {}
    for (level, network), form in zip(networks.items(), forms, strict=True):
        options = {**network.options, "form": form}
        files[level] = jnd_onnx_bytes(BlJuniperCnn(**options))
    return files


def test_the_form_of_temporal_information_is_that_of_the_training(networks):
    predictor = BlockJndPredictor(exported(networks, ["published"] * 3), threads=1)
    assert predictor.options.published and predictor.options.partial_blocks == "keep"
    for forms in (["published", "corrected", "corrected"], [None] * 3):
        with pytest.raises(UserError, match="one form of temporal information"):
            BlockJndPredictor(exported(networks, forms), threads=1)


def test_a_device_that_is_not_there_is_named(networks):
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    with pytest.raises(UserError, match="cannot run networks on 'cuda'"):
        BlockJndPredictor(exported(networks, ["corrected"] * 3), device="cuda")


def test_a_gpu_gives_the_qps_of_the_cpu(networks):
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        pytest.skip("no ONNX Runtime with CUDA here (onnxruntime-gpu)")
    files = {level: jnd_onnx_bytes(network) for level, network in networks.items()}
    rng = np.random.default_rng(4)
    blocks, ti = rng.integers(0, 256, (130, 64, 64, 3), dtype=np.uint8), rng.random(130) * 20
    cpu, gpu = (BlockJndPredictor(files, device=d).of_blocks(blocks, ti) for d in ("cpu", "cuda"))
    assert np.allclose(cpu, gpu, atol=0.02)  # TF32 in cuDNN's convolutions


def test_a_table_of_video_levels_takes_the_place_of_samples(mcl_jcv, tmp_path):
    table = tmp_path / "video_jnd.csv"
    table.write_text("src,J1_frame,J2_frame,J3_frame\n3,28,30,32\n")
    content = labelled_clip(mcl_jcv, "SRC03", OPTIONS, video_table=table)
    assert (content.video_jnd == [28, 30, 32]).all()


def test_absent_samples_are_said_with_the_key_that_takes_a_table(mcl_jcv):
    with pytest.raises(UserError, match=r"JND samples of 1080P(.|\n)*`video_jnd`"):
        video_levels(mcl_jcv, "SRC04", "mean")


def test_the_rule_of_the_mapping_finds_its_own_labels_again(repository, tmp_path):
    """Labels that the mapping itself makes of clips of the release's size are all equal."""
    rng = np.random.default_rng(0)
    noise = cv2.GaussianBlur(rng.random((1024, 1925)), (0, 0), 2)
    luma = np.rint(255 * (noise - noise.min()) / np.ptp(noise)).astype(np.uint8)
    frames = [Frame(luma[:, n : n + 1920], *grey(128, 1920, 1024)[1:]) for n in range(5)]
    source = written(tmp_path / "moving.mkv", frames, 1920, 1024)
    folder = tmp_path / "1080P"
    folder.mkdir()
    for qp in (1, 30, 31, 32):
        stream = folder / f"videoSRC01_{qp:02d}.264"
        CODEC.encode(EncodeJob(*source, "LDP", qp, stream, tmp_path))
    options = {"reference": "frame", "highest_offset": 1, "partial_blocks": "drop"}
    mapped = mapped_frames(tmp_path, "SRC01", [30, 30, 31], BlockMappingOptions(**options))
    jnd = np.stack([frame.jnd for frame in mapped]).reshape(1, 5, 16, 30, 3)
    np.savez(tmp_path / "labels.npz", jnd=np.moveaxis(jnd, -1, 1).astype(np.uint8),
             ti=np.ones((1, 5, 16, 30), np.float32))  # fmt: skip
    stem = tmp_path / "block_mapping"
    snakemake = SimpleNamespace(
        input=SimpleNamespace(labels=str(tmp_path / "labels.npz")),
        output=Namedlist(fromdict={"block_mapping": f"{stem}.csv"}),
        params=Namedlist(
            fromdict={"mapped": {"folder": str(tmp_path), "clips": ["SRC01"], "mapping": options}}
        ),
        log=[str(tmp_path / "log.txt")],
        scriptdir=str(repository / "workflow_scripts/bl_juniper"),
    )
    script = repository / "workflow_scripts/bl_juniper/check_block_mapping.py"
    runpy.run_path(str(script), init_globals={"snakemake": snakemake})
    rows = {(row["reference"], row["level"]): row for row in read_csv(f"{stem}.csv")}
    assert {reference for reference, _ in rows} == {*REFERENCES, "authors"}
    assert 0 < float(rows["frame", "1"]["at_lowest_pct"]) < 100
    for level in "123":
        assert float(rows["frame", level]["equal_pct"]) == 100


def test_the_mapping_is_held_against_the_authors_labels(mcl_jcv):
    mapped = np.concatenate([f.jnd for f in mapped_frames(mcl_jcv, "SRC03", [28, 31, 33], OPTIONS)])
    rng = np.random.default_rng(0)
    theirs = np.stack([[[30, 33, 35]] * 400, [[30, 33, 35]] * 400]) + rng.integers(
        0, 6, (2, 400, 1)
    )
    other = np.stack([theirs[0], rng.permutation(theirs[1])])
    table = agreement_table({"frame": other}, theirs, ["SRC01", "SRC02"])
    own = table.set_index(["reference", "level"])
    assert own.loc[("authors", 1), "equal_pct"] == 100 and own.loc[("authors", 1), "clips"] == 2
    assert own.loc[("frame", 2), "equal_pct"] == pytest.approx(50 + 100 / 12, abs=3)
    assert own.loc[("frame", 2), "chance_equal_pct"] == pytest.approx(100 / 6, abs=1)
    assert own.loc[("frame", 2), "at_lowest_pct"] == own.loc[("authors", 2), "at_lowest_pct"]
    assert 0.4 < own.loc[("frame", 3), "correlation"] < 0.6
    assert mapped.shape == (10, 3) and (mapped >= [28, 31, 33]).all()
