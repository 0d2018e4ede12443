"""Fig. 4: the weights in use, as numbers and as a picture."""

from __future__ import annotations

from jndlab.jnd.erjnd import frequency_weights
from jndlab.papers.iqnet.weights_figure import plot_weights, weights_table


def test_every_weight_is_in_table_and_figure_at_its_frequency():
    weights = frequency_weights("csf")
    table = weights_table(weights)
    assert len(table) == 64
    found = table.set_index(["vertical", "horizontal"])["weight"]
    assert found[0, 0] == weights[0, 0] and found[7, 6] == weights[7, 6]
    (axes,) = plot_weights(weights, "csf").axes
    texts = {(text.get_position()[::-1]): text.get_text() for text in axes.texts}
    assert texts[7, 7] == "1" and texts[0, 0] == f"{weights[0, 0]:.2g}" and len(texts) == 64
    assert axes.yaxis_inverted()  # DC is at the top left
