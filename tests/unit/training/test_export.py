"""What a training hands over when it is done, and when it is not."""

import pytest

from jndlab.errors import UserError
from jndlab.training.export import hand_over


def test_a_training_without_weights_hands_over_nothing(tmp_path):
    names = ("model", "weights", "metrics", "summary")
    outputs = {name: tmp_path / "outputs" / name for name in names}
    with pytest.raises(UserError, match="without weights of a best epoch") as told:
        hand_over(tmp_path / "run", outputs, lambda network, path: path.touch())
    assert str(tmp_path / "run") in str(told.value) and "delete this folder" in str(told.value)
    assert not (tmp_path / "outputs").exists()
