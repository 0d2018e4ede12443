"""Size and work of a network, read from its ONNX file: neither torch nor a run is needed."""

from __future__ import annotations

import math
from pathlib import Path


def onnx_costs(path: str | Path) -> tuple[int, int]:
    """Parameters, and multiply-accumulates of convolutions and dense layers for one input.

    Free dimensions of the graph (the batch) count as one.
    """
    import onnx

    graph = onnx.shape_inference.infer_shapes(onnx.load(str(path))).graph
    weights = {
        value.name: tuple(value.dims)
        for value in graph.initializer
        if value.data_type == onnx.TensorProto.FLOAT
    }
    shapes = {
        value.name: [dim.dim_value or 1 for dim in value.type.tensor_type.shape.dim]
        for value in (*graph.value_info, *graph.output)
    }
    work = 0
    for node in graph.node:
        found = [weights[name] for name in node.input if name in weights]
        if node.op_type in ("Conv", "Gemm", "MatMul") and found:
            places = shapes[node.output[0]][2:] if node.op_type == "Conv" else ()
            work += math.prod(found[0]) * math.prod(places)
    return sum(map(math.prod, weights.values())), work
