"""The networks of several JND levels as one ONNX graph that takes pixels as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

PIXELS, TI = "pixels", "temporal_information"
BLOCK = 64


def joint_graph(
    models: Mapping[int, str | Path | bytes], options: Mapping[int, Mapping[str, Any]]
) -> bytes:
    """One ONNX file of the networks ``models`` (by JND level; exports of ``BlJuniperCnn``).

    Inputs: ``pixels`` N x 64 x 64 x 3 uint8 RGB and ``temporal_information`` N float32, raw;
    outputs ``jnd1``, ``jnd2``, ... N float32 QP. Standardisation (the keys of ``BlockPreparation``
    in each network's ``options``) is part of the graph, once for all levels that share it: training
    gives all three the same.
    """
    import onnx
    from onnx import compose, helper

    builder = _Builder()
    outputs, opset = [], None
    for level, model in models.items():
        loaded = _loaded(model)
        opset = loaded.opset_import
        graph = compose.add_prefix(loaded, f"jnd{level}_", rename_outputs=False).graph
        prepared = builder.prepared(options[level])
        given = dict(zip((value.name for value in graph.input), prepared, strict=True))
        for node in graph.node:
            node.input[:] = [given.get(name, name) for name in node.input]
        builder.nodes += graph.node
        builder.constants += graph.initializer
        outputs += graph.output
    inputs = [
        helper.make_tensor_value_info(PIXELS, onnx.TensorProto.UINT8, ["batch", BLOCK, BLOCK, 3]),
        helper.make_tensor_value_info(TI, onnx.TensorProto.FLOAT, ["batch"]),
    ]
    joint = helper.make_graph(builder.nodes, "bl_juniper", inputs, outputs, builder.constants)
    return helper.make_model(joint, opset_imports=opset, ir_version=8).SerializeToString()


class _Builder:
    """Nodes and constants of the joint graph; what was built before is used again."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self._made: dict[tuple[Any, ...], str] = {}

    def prepared(self, options: Mapping[str, Any]) -> tuple[str, str]:
        """Names of the standardised blocks (N x 3 x 64 x 64) and temporal information (N)."""
        planes = self._node("Transpose", PIXELS, perm=[0, 3, 1, 2])
        if options["scrambled"]:
            size = self._constant(np.array([-1, BLOCK, BLOCK, 3], np.int64))
            planes = self._node("Transpose", self._node("Reshape", planes, size), perm=[0, 3, 1, 2])
        values = self._node("Cast", planes, to=1)  # FLOAT
        shape = (1, 3, 1, 1)
        blocks = self._standardised(
            values,
            np.array(options["pixel_mean"], np.float32).reshape(shape),
            np.array(options["pixel_deviation"], np.float32).reshape(shape),
        )
        mean, deviation = (np.float32(options[name]) for name in ("ti_mean", "ti_deviation"))
        return blocks, self._standardised(TI, np.array(mean), np.array(deviation))

    def _standardised(self, name: str, mean: np.ndarray, deviation: np.ndarray) -> str:
        centred = self._node("Sub", name, self._constant(mean))
        return self._node("Div", centred, self._constant(deviation))

    def _node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        from onnx import helper

        key = (kind, inputs, str(attributes))
        if key not in self._made:
            self._made[key] = f"shared_{len(self._made)}"
            self.nodes.append(helper.make_node(kind, inputs, [self._made[key]], **attributes))
        return self._made[key]

    def _constant(self, values: np.ndarray) -> str:
        from onnx import numpy_helper

        key = (values.shape, str(values.dtype), values.tobytes())
        if key not in self._made:
            self._made[key] = f"shared_{len(self._made)}"
            self.constants.append(numpy_helper.from_array(values, self._made[key]))
        return self._made[key]


def _loaded(model: str | Path | bytes) -> ModelProto:
    import onnx

    return onnx.load_from_string(model) if isinstance(model, bytes) else onnx.load(str(model))
