"""Memory that a training step needs at its peak, found without the device or the memory."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from jndlab.models.model_files import build_network


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes of tensors alive in a training step of Adam in float32.

    ``peak``: at the worst moment; ``kept``: between steps (weights, moving statistics, gradients,
    Adam's moments). Tensors only: workspace of cuDNN, fragmentation of the allocator and the CUDA
    context come on top.
    """

    network: str
    batch_size: int
    peak: int
    kept: int


def training_memory(
    network: str, options: Mapping[str, Any] | None = None, *, batch_size: int = 8
) -> TrainingMemory:
    """Estimate the memory of training ``network`` (a name of NETWORKS), whatever the machine has.

    Real steps on the CPU, where oneDNN copies its operands, needed 3.58 GiB for 3.54 estimated (rec
    at the paper's size, batch 2) and 7.16 GiB for 6.27 (mj_rec with checkpoints, batch 8).

    Two whole steps (forward, mean absolute output as loss, backward, Adam) run on tensors that
    have sizes and no content, and the storage of every tensor is followed from birth to death.
    torch's own tracker (``torch.distributed._tools.mem_tracker``) does not take frozen parameters.
    """
    with FakeTensorMode(), _LiveStorage() as live:
        model = build_network(network, options).train()
        optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad])
        inputs = model.example_inputs(batch_size)
        live.peak = live.now  # the start of the weights is no part of a step
        for _ in range(2):
            training_step(model, optimizer, inputs)
        return TrainingMemory(network, batch_size, live.peak, live.now)


def training_step(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, inputs: tuple[Tensor, ...]
) -> None:
    """One step that lowers every output: it costs what any step costs."""
    optimizer.zero_grad(set_to_none=True)
    torch.stack([output.abs().mean() for output in model(*inputs).values()]).sum().backward()
    optimizer.step()


class _LiveStorage(TorchDispatchMode):
    """Counts the bytes of all storage that operators return, until it is freed."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.known: weakref.WeakSet[torch.UntypedStorage] = weakref.WeakSet()

    def __torch_dispatch__(
        self,
        operator: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = operator(*args, **(kwargs or {}))
        for value in tree_leaves(result):
            if isinstance(value, Tensor):
                self._watch(value.untyped_storage())
        return result

    def _watch(self, storage: torch.UntypedStorage) -> None:
        if storage in self.known:
            return
        self.known.add(storage)
        size = storage.nbytes()
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, size)

    def _forget(self, size: int) -> None:
        self.now -= size
