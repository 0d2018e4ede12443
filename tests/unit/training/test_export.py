"""Export of a training that has weights to keep, and of one that has none."""

import pytest

from jndlab.errors import UserError
from jndlab.training.export import export_training


def test_a_training_without_weights_exports_nothing(tmp_path):
    with pytest.raises(UserError, match="without weights of a best epoch") as raised:
        export_training(
            tmp_path / "run",
            tmp_path / "network",
            lambda network, path: path.touch(),
            conditions={},
        )
    assert str(tmp_path / "run") in str(raised.value) and "delete this folder" in str(raised.value)
    assert not (tmp_path / "network").exists()
