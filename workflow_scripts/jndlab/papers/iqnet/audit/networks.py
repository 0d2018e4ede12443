"""Audit of the IQNet paper, part three: printed sizes of networks, counted on the suite's."""

from __future__ import annotations

from collections.abc import Iterator

from jndlab.papers.iqnet.audit.rates import audit_row
from jndlab.papers.iqnet.published import Row

PICTURE = (64, 64)  # multiply-accumulates for each pixel do not depend on it


def audit_sizes(claims: dict[str, Row]) -> Iterator[Row]:
    """Parameters of IQNet and CNN-JNQD, multiply-accumulates of IQNet: as printed, in thousands."""
    import torch  # takes seconds, and all other rows need only the printed tables

    from jndlab.models.keras.layers import multiply_accumulates
    from jndlab.models.model_files import build_network, parameter_count

    with torch.device("meta"):  # counted on tensors without content
        iqnet, cnn_jnqd = (build_network(name) for name in ("iqnet", "cnn_jnqd"))
        zeros = torch.zeros(1, 1, *PICTURE)
    counted = {
        "parameters_IQNet": parameter_count(iqnet),
        "macs_IQNet": round(multiply_accumulates(iqnet, [zeros]) / zeros.numel()),
        "parameters_CNN-JNQD": parameter_count(cnn_jnqd),
    }
    for name, count in counted.items():
        claim = claims[name]
        yield audit_row(
            name,
            claim["where"],
            f"{claim['quantity']} ({claim['unit']})",
            claim["printed"],
            f"{count / 1000:.3f}",
            round(count / 1000) == int(claim["printed"]),
            f"{claim['note']}; counted on the suite's network, whose widths "
            + ("are assumed" if name.endswith("IQNet") else "are those of its authors"),
            "0.5",
        )
