"""Benches of BL-JUNIPER at 1080p: stage 1 of a frame pair, stages 2 to 4.

All in CPU seconds of one thread, the limit too, so that other programs do not spoil the ratios;
frames a second are those of as many free cores as the bench is given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.figures import ROOT, Bench, Figure, cpu_in_turns, python
from benchmarks.prefilter import prepare_clip
from jndlab.media.clip import Frame, read_clip

STAGE_1_LIMIT_SECONDS = 1
STAGES_GOAL = 5  # frames/s
HELD = 30  # frames from one key frame to the next, as in the authors' scripts
LIMIT_GOAL = 0.7
GFLOP = 245  # of the three networks on a 1080p frame: what no two cores do five times a second
# Products of matrices by ONNX Runtime: NumPy's BLAS has no kernels for AVX-512 on every processor,
# and reached half of their speed where the networks reached nine tenths.
PRODUCT_SIZE, PRODUCTS = 256, 1280  # of 256 to 2048 the fastest: they stay in the cache
QP = 32

# Untrained networks are as fast as trained ones. torch stays out of this process.
EXPORT_PROGRAM = """
import sys
from dataclasses import asdict
from jndlab.models.bl_juniper.cnn import BlJuniperCnn, BlockPreparation
from jndlab.models.jnd_onnx import export_jnd_onnx
for level, path in enumerate(sys.argv[1:], start=1):
    export_jnd_onnx(BlJuniperCnn(level=level, **asdict(BlockPreparation())), path)
"""


def stage_1(bench: Bench) -> Iterator[Figure]:
    """SPI, TPI, block SSIM and degradation of a 1080p frame and one coding of it."""
    from jndlab.jnd.block.activity import FrameActivity, block_spi, block_tpi
    from jndlab.jnd.block.jnd_mapping import perceptual_information, quality_degradation
    from jndlab.jnd.block.ssim import BlockSsim

    frames = _frames(bench.folder)
    before, frame = (each.y for each in frames[:2])
    coded = (frame // 8 * 8 + 4).astype(np.uint8)  # any other picture takes as long
    bench.say("block activity, SSIM and degradation of a 1080p frame")

    def mapped() -> None:
        spi, tpi = block_spi(frame), block_tpi(frame, before)
        information = perceptual_information(FrameActivity(spi, tpi, 0.0, 0.0))
        quality_degradation(information, BlockSsim(frame).blocks(coded))

    (spent,) = cpu_in_turns([mapped], max(3, bench.rounds))
    yield Figure(
        "BL-JUNIPER stage 1, 1080p",
        spent,
        "CPU s",
        STAGE_1_LIMIT_SECONDS,
        "limit",
        "SPI, TPI, SSIM and degradation of the 510 blocks of a frame against one coding, luma, "
        f"default options; files and decoding not counted; {load()}",
        at_most=1,
    )


def later_stages(bench: Bench) -> Iterator[Figure]:
    """Stages 2 to 4 of 1080p frames: on every frame, and on key frames whose maps are held."""
    from jndlab.jnd.block.activity import block_tpi
    from jndlab.jnd.block.pictures import rgb_of
    from jndlab.jnd.block.qp_control import block_qps
    from jndlab.jnd.saliency.visual_importance import block_importance, load_saliency
    from jndlab.models.bl_juniper.onnx import LEVELS, BlockJndPredictor

    frames = _frames(bench.folder)
    models = {level: bench.folder / f"jnd{level}.onnx" for level in LEVELS}
    python("-c", EXPORT_PROGRAM, *models.values(), cwd=ROOT)
    predictor = BlockJndPredictor(models, threads=1)
    saliency = load_saliency("dsr_small")
    bench.say(f"networks, saliency and QP control of 1080p frames, {bench.rounds} times")

    def key_frame() -> tuple[np.ndarray, np.ndarray]:
        rgb = rgb_of(frames[1])
        jnd = predictor.of_frame(rgb, block_tpi(frames[1].y, frames[0].y))
        return jnd, block_importance(saliency.saliency(rgb))

    jnd, importance = key_frame()  # also imports what it needs

    def network() -> None:
        predictor.of_frame(rgb_of(frames[1]), block_tpi(frames[1].y, frames[0].y))

    def control() -> None:
        block_qps(QP, jnd, importance)

    turns = [key_frame, network, control, products(threads=1)]
    whole, alone, last, product = cpu_in_turns(turns, max(3, bench.rounds))
    counted = (
        "luma and RGB, 3 networks of full width in ONNX Runtime, dense-and-sparse saliency, "
        f"decision table; 510 blocks, 1 thread, CPU time; {load()}"
    )
    costs = f"{GFLOP} GFLOP a frame in the networks: 3 x 510 blocks x 80 million multiply-adds"
    limit = PRODUCTS * 2 * PRODUCT_SIZE**3 / 1e9 / product
    yield Figure(
        f"BL-JUNIPER stages 2 to 4, 1080p, key frames {HELD} apart, maps held",
        bench.cores / (whole / HELD + last),
        "frames/s",
        STAGES_GOAL,
        "goal",
        f"{counted}; of {bench.cores} free cores",
        at_least=1,
    )
    yield Figure(
        "BL-JUNIPER stages 2 to 4, 1080p, every frame",
        bench.cores / (whole + last),
        "frames/s",
        bench.cores * limit / GFLOP,
        "its networks at the speed of matrix products",
        f"{counted}; of {bench.cores} free cores; {costs}",
        at_least=LIMIT_GOAL,
    )
    yield Figure(
        "BL-JUNIPER networks alone, 1080p, share of matrix products",
        GFLOP / alone,
        "GFLOP/CPU s",
        limit,
        "limit",
        "RGB, temporal information and the three networks against products of "
        f"{PRODUCT_SIZE} x {PRODUCT_SIZE} matrices in single precision by ONNX Runtime, in turns, "
        f"on one thread: the fastest arithmetic that was found; CPU time; {load()}",
        at_least=LIMIT_GOAL,
    )


def load() -> str:
    """How busy the machine is."""
    return f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def products(threads: int) -> Callable[[], None]:
    """``PRODUCTS`` products of two square matrices, one after the other."""
    from onnx import TensorProto, helper

    from jndlab.models.onnx_runtime import OPSET, cpu_session

    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [PRODUCT_SIZE, PRODUCT_SIZE])
        for name in "abc"
    ]
    node = helper.make_node("MatMul", ["a", "b"], ["c"])
    graph = helper.make_graph([node], "product", values[:2], values[2:])
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    session = cpu_session(model.SerializeToString(), threads)
    first, second = np.ones((2, PRODUCT_SIZE, PRODUCT_SIZE), np.float32)

    def run() -> None:
        for _ in range(PRODUCTS):
            session.run(None, {"a": first, "b": second})

    return run


def _frames(folder: Path) -> list[Frame]:
    """Two frames of a real clip, enlarged to 1080p."""
    clip, source = prepare_clip(folder, "bigbuckbunny_720p", (1920, 1080), frames=2)
    return list(read_clip(source, clip))
