"""Checks that every JND network goes through: it learns, and its ONNX export says the same."""

from __future__ import annotations

import numpy as np
import torch

from jndlab.models.jnd_onnx import JndSession, jnd_onnx_bytes

LABELS = {
    "jnd1": torch.tensor([22.0, 27.0, 31.0, 36.0]),
    "jnd2": torch.tensor([26.0, 32.0, 37.0, 40.0]),
    "jnd3": torch.tensor([30.0, 35.0, 41.0, 44.0]),
}
STARTS = {1: [[29.0, 5.0]], 3: [[29.0, 5.0], [33.75, 5.0], [37.5, 5.0]]}


def example_batch(network) -> list[torch.Tensor]:
    """Four different inputs of the network's kind, in its own scale."""
    largest = 255.0 if network.options.get("scale") == "raw" else 1.0
    return [
        largest * _waves(*zeros.shape[2:]) if zeros.ndim == 4 else torch.arange(4.0)
        for zeros in network.example_inputs(4)
    ]


def errors_while_learning(network, steps: int, learning_rate: float) -> tuple[float, float]:
    """Mean error on four inputs, QP: before training by heart, and after it in evaluation mode."""
    inputs = example_batch(network)
    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=learning_rate)
    network.train()
    before = _error(network(*inputs)).item()
    for _ in range(steps):
        optimizer.zero_grad()
        _error(network(*inputs)).backward()
        optimizer.step()
    with torch.inference_mode():
        return before, _error(network.eval()(*inputs)).item()


def onnx_difference(network) -> float:
    """Largest difference between ONNX Runtime and eager torch, on predictions 2 QP apart."""
    inputs = example_batch(network)
    with torch.no_grad():
        network.train()(*inputs)  # moves BatchNorm's statistics away from where they start
        if hasattr(network, "heads"):
            _spread_predictions(network.eval(), inputs)
    found = JndSession(jnd_onnx_bytes(network), threads=1)(*(tensor.numpy() for tensor in inputs))
    with torch.inference_mode():
        expected = network.for_use().eval()(*inputs)
    assert set(found) == set(expected)
    assert all(float(values.std()) > 0.5 for values in expected.values())  # it sees its input
    return max(float(np.abs(found[k] - values.numpy()).max()) for k, values in expected.items())


def _spread_predictions(network, inputs) -> None:
    """Scale the last layers so that predictions are about 30 QP, not cut by a ReLU, and differ."""
    for last in network.heads.last:
        torch.nn.init.constant_(last.bias, 30.0)
    outputs = [values for name, values in network(*inputs).items() if name.startswith("jnd")]
    for last, values in zip(network.heads.last, outputs, strict=True):
        last.weight.mul_(2 / (values.max() - values.min()))


def _error(outputs) -> torch.Tensor:
    errors = [(outputs[k] - LABELS[k]).abs().mean() for k in outputs if k in LABELS]
    return torch.stack(errors).mean()


def _waves(height: int, width: int) -> torch.Tensor:
    rows, columns = torch.linspace(0, 1, height)[:, None], torch.linspace(0, 1, width)
    pictures = [
        torch.stack([torch.sin((6 + 4 * n) * (columns * c + rows) + c) for c in (1, 2, 3)])
        for n in range(4)
    ]
    return 0.5 + 0.4 * torch.stack(pictures)
