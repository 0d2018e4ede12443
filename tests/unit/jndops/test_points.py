"""Which points the results of a run, a paper or a rating session rest on."""

from __future__ import annotations

import pytest

from jndlab.yaml_files import load_yaml
from jndops.inputs.points import PARTS, methods_behind, plain_points, points_behind
from jndops.settings import load_settings


@pytest.fixture(scope="module")
def demo(repository):
    return load_settings(load_yaml(repository / "config/config.yaml"), repository)


def test_a_paper_has_its_methods_and_the_anchor_of_their_codecs(demo):
    found = {
        part: {(point.codec, point.method) for point in points_behind(part, demo)} for part in PARTS
    }
    methods = ("anchor", "erjnd", "cnn_jnqd", "iqnet", "iqnet_pretrained")
    assert found["iqnet"] == {("vvenc-faster", m) for m in methods}
    assert found["laser_jnd"] == {("x264-medium", m) for m in ("anchor", "laser_mj_lat")}
    assert found["mtjnd"] == {("x264-medium", m) for m in ("anchor", "mtjnd_3l")}
    assert {method for _, method in found["bl_juniper"]} == {
        "anchor",
        "bl_juniper",
        "bl_juniper_spectral",
    }
    assert {codec for codec, _ in found["bl_juniper"]} == {"kvazaar-ultrafast"}
    assert found["run"] == set().union(*found.values())


def test_every_point_is_there_once_and_only_plain_ones_are_of_no_run(demo):
    run = points_behind("run", demo)
    assert len(run) == len(set(run)) == len(list(demo.points()))
    for part in PARTS:
        points = points_behind(part, demo)
        further = set(points) - set(run)
        assert len(points) == len(set(points))
        assert further == (set(plain_points(demo)) if part == "bl_juniper" else set())
    assert {point.qp for point in plain_points(demo)} == {42}


def test_a_paper_without_a_method_in_the_run_has_no_points(repository):
    smoke = load_settings(load_yaml(repository / "config/smoke.yaml"), repository)
    assert methods_behind("mtjnd", smoke) == [] == points_behind("mtjnd", smoke)
    assert plain_points(smoke) == []


@pytest.mark.parametrize("name", ["config", "study", "iqnet_paper"])
def test_all_prefilters_of_a_shipped_configuration_have_a_sequence_in_common(name, repository):
    """IQNet's figures compare them on these alone, and there is none without any."""
    settings = load_settings(load_yaml(repository / f"config/{name}.yaml"), repository)
    points = list(settings.points_with_anchor(settings.methods_of("prefilter")))
    methods = {point.method for point in points} - {"anchor"}
    of_method = [{p.sequence for p in points if p.method == method} for method in methods]
    assert len(methods) > 1 and set.intersection(*of_method)
