"""Names of results folders that would write into the suite, the system or nothing."""

from __future__ import annotations

import pytest

from jndlab.errors import UserError
from jndops.results_dir import checked_results_dir


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("benchmarks", "of the suite"), ("models/x", "of the suite"), (".git", "of the suite"),
        ("/dev/null", "/dev/null is a file"), ("/proc/self", "of the system"),
        ("a" * 300, "more than 255 bytes"), ("x/" + "ü" * 128, "more than 255 bytes"),
    ],
)  # fmt: skip
def test_folders_that_are_not_for_results_are_refused(name, message):
    with pytest.raises(UserError, match=message):
        checked_results_dir(name)


def test_other_names_are_taken():
    assert checked_results_dir("results//mine/") == "results/mine"
    assert checked_results_dir("ü" * 127) == "ü" * 127
