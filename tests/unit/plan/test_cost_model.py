"""Lines fitted to recorded jobs, what runs leave to record, and the work of each kind of job."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jndlab.errors import UserError
from jndlab.files import read_json, write_json
from jndlab.quality.rd_point import SCHEMA_VERSION, PointKey
from jndlab.yaml_files import load_yaml
from jndops.plan.cost_model import FIRST_VALUES, CostModel, Line, Recorded, fit, load_first_values
from jndops.plan.encode_priority import HIGHEST, LOWEST, EncodePriority
from jndops.plan.job_size import Work, work_of
from jndops.plan.timings import collect_timings, read_timings, record_timings, wildcards_of
from jndops.settings import load_settings

KIND = "encode vvenc AI"
SIZES = st.lists(st.floats(0.05, 500), min_size=2, max_size=8, unique=True)


def rows(start, rates, sizes, jobs=1):
    return [
        Recorded(KIND, qp, size, jobs, start + rate * size)
        for qp, rate in rates.items()
        for size in sizes
    ]


@given(st.floats(0.0, 3.0), st.floats(0.01, 50), st.floats(0.01, 50), SIZES)
def test_jobs_on_a_line_give_that_line(start, rate, other, sizes):
    line = fit(rows(start, {22: rate, 37: other}, sizes), Line(start))
    assert line.start == pytest.approx(start, abs=1e-6 + 1e-3 * start)
    assert line.rates == pytest.approx({22: rate, 37: other}, rel=1e-3, abs=1e-4)
    assert line.error == pytest.approx(0, abs=1e-3)


@given(
    st.lists(
        st.tuples(st.floats(0.1, 100), st.floats(0.1, 900), st.integers(1, 9)),
        min_size=1,
        max_size=8,
    ),
    st.floats(0, 2),
)
def test_a_fit_keeps_the_sum_and_is_never_negative(found, first_start):
    recorded = [Recorded(KIND, 27, size, jobs, seconds) for size, seconds, jobs in found]
    line = fit(recorded, Line(first_start))
    total = sum(row.jobs * row.seconds for row in recorded)
    told = sum(row.jobs * line.seconds(row.size, 27) for row in recorded)
    assert told == pytest.approx(total)
    assert line.start >= 0 and line.rates[27] >= 0


def test_one_size_cannot_tell_start_from_rate_and_keeps_the_first_start():
    line = fit([Recorded(KIND, 22, 10.0, 5, 21.0)], Line(1.0, {22: 99.0}))
    assert (line.start, line.rates[22], line.jobs) == (pytest.approx(1), pytest.approx(2), 5)
    assert fit([Recorded("keep_config", None, 0.0, 3, 0.2)]).seconds(0.0) == pytest.approx(0.2)


def test_qps_that_no_job_ran_scale_as_the_others_do():
    first = Line(0.0, {22: 10.0, 27: 8.0, 32: 4.0})
    line = fit([Recorded(KIND, 22, 10.0, 1, 200.0)], first)
    assert line.rates == pytest.approx({22: 20, 27: 16, 32: 8})


def test_rate_between_and_outside_known_qps():
    line = Line(0.0, {22: 10.0, 32: 5.0})
    assert [line.rate(qp) for qp in (10, 22, 27, 32, 51)] == [10, 10, 7.5, 5, 5]
    assert Line(1.0, {None: 3.0}).seconds(2.0, 27) == 7 and Line(1.5).seconds(9.0) == 1.5


def test_recorded_kinds_replace_first_values_and_others_stay():
    first = CostModel({KIND: Line(0.5, {22: 10.0}, "first"), "filter": Line(1.0, {None: 2.0})})
    model = first.fitted(rows(0.5, {22: 3.0}, [1.0, 4.0], jobs=3))
    assert model.seconds(Work((KIND,), 2.0, 22)) == pytest.approx(6.5)
    assert model.lines[KIND].jobs == 6 and "recorded (6 jobs)" in model.lines[KIND].source
    assert model.seconds(Work(("filter mine", "filter"), 2.0)) == 5
    assert model.seconds(Work(("unheard of",), 2.0)) is None
    assert model.seconds(Work(("filter",), None)) is None  # a rate, and nothing known to it


def test_shipped_values_cover_every_codec_and_all_shared_rules(repository):
    model = load_first_values(FIRST_VALUES)
    for codec in load_yaml(repository / "config/codecs.yaml"):
        if codec == "kvazaar-veryslow":
            continue  # nobody has timed it: plans name it as not counted
        for configuration in ("AI", "LDP"):
            line = model.lines[f"encode {codec} {configuration}"]
            assert line.rate(22) > 0 and line.rate(37) > 0 and line.source
    shared = "prepare_sequence prefilter_clip measure_prefilter measure_point join_segments"
    assert {*shared.split(), "collect_points", "tabulate_points", "compare_methods"} <= {
        *model.lines
    }


@pytest.fixture(scope="module")
def smoke(repository):
    return load_settings(load_yaml(repository / "config/smoke.yaml"), repository)


@pytest.fixture(scope="module")
def paper(repository):
    return load_settings(load_yaml(repository / "config/paper.yaml"), repository)


def test_work_of_clips_segments_trainings_and_rules_of_ones_own(paper):
    point = {"codec": "vtm-11.0", "sequence": "B_BQTerrace", "method": "erjnd", "qp": "27"}
    whole = work_of("encode_clip", {**point, "configuration": "LDP"}, paper)
    assert whole == Work(("encode vtm-11.0 LDP",), pytest.approx(1920 * 1080 * 600 / 1e6), 27)
    cut = replace(paper, config={**paper.config, "ai_segment_frames": 7})
    last = work_of("encode_segment", {**point, "segment": "85"}, cut)
    assert last == Work(("encode vtm-11.0 AI",), pytest.approx(1920 * 1080 * 5 / 1e6), 27)
    share = work_of("make_iqnet_candidates", {"batch": "0000"}, paper)
    assert share.kinds == ("make_iqnet_candidates vtm-11.0", "encode vtm-11.0 AI")
    assert share.size == pytest.approx(7824 * 448 * 256 * 11 / 200 / 1e6)
    training = work_of("train_iqnet", {}, paper)
    assert training.size == pytest.approx(2500 * 7824 * 0.95 * 64 * 64 / 1e6)
    assert work_of("collect_points", {"part": "run"}, paper).size == sum(1 for _ in paper.points())
    # What nothing is known of has timings for each configuration of its own.
    own = work_of("train_mine", {}, paper).kinds
    other = replace(paper, config={**paper.config, "mtjnd": {"changed": 1}})
    assert own != work_of("train_mine", {}, other).kinds


def test_names_of_benchmarks_tell_wildcards(smoke):
    found = wildcards_of("vtm-11.0.AI.bikes_tiny.erjnd.qp27.266", smoke)
    assert found == {"codec": "vtm-11.0", "configuration": "AI", "sequence": "bikes_tiny"} | {
        "method": "erjnd",
        "qp": "27",
    }
    assert wildcards_of("bikes_tiny.erjnd.all", smoke) == {
        "sequence": "bikes_tiny",
        "method": "erjnd",
    }
    assert wildcards_of("x265-medium.bikes_tiny.anchor.qp22.3.265", smoke)["segment"] == "3"


def write_benchmark(results, name, seconds, megabytes="120.5"):
    path = results / "benchmarks" / f"{name}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t{megabytes}\n")


@pytest.fixture
def results(tmp_path, smoke):
    """What two encodes, a measurement and two other jobs leave; a third encode left its point."""
    encode = "encode_clip/vvenc-faster.AI.bikes_tiny"
    write_benchmark(tmp_path, f"{encode}.anchor.qp22.266", 2.0)
    write_benchmark(tmp_path, f"{encode}.erjnd.qp22.266", 4.0, "NA")
    write_benchmark(tmp_path, "measure_point/vvenc-faster.AI.bikes_tiny.anchor.qp22", 0.5)
    write_benchmark(tmp_path, "plot_figures", 8.0)
    write_benchmark(tmp_path, "train_mine", 30.0)
    write_benchmark(tmp_path, "encode_clip/vvenc-faster.AI.left_by_another_run.m.qp22.266", 99.0)
    (tmp_path / "benchmarks/killed.tsv").write_text("s\th:m:s\tmax_rss\n")
    for method, qp in (("anchor", 22), ("anchor", 27)):
        spent = {"encode_wall_s": 7.0, "measure_wall_s": 0.7}
        point = f"points/vvenc-faster/AI/bikes_tiny/{method}/qp{qp}.json"
        (tmp_path / point).parent.mkdir(parents=True, exist_ok=True)
        key = PointKey("bikes_tiny", "AI", "vvenc-faster", method, qp)._asdict()
        measured = {"bits": 8000, "bitrate_kbps": 8.0, "metrics": {}, "prefilter_metrics": None}
        known = {"schema": SCHEMA_VERSION, "key": key, **measured, "provenance": spent}
        write_json(tmp_path / point, known)
    write_json(tmp_path / "config.json", smoke.effective())
    return tmp_path


def test_benchmarks_and_points_are_recorded_once_each(results, smoke):
    found = {(row.kind, row.qp): row for row in collect_timings(results, smoke)}
    size = pytest.approx(192 * 80 * 9 / 1e6)
    encodes = found["encode vvenc-faster AI", 22]
    assert (encodes.jobs, encodes.seconds, encodes.size) == (2, 3.0, size)
    assert encodes.largest_mb == 120.5
    assert found["encode vvenc-faster AI", 27].seconds == 7.0  # from its point
    assert found["measure_point", None].jobs == 2
    assert found["plot_figures", None].size == 32
    assert any(kind.startswith("train_mine (settings") for kind, _ in found)
    assert not any(row.seconds == 99 for row in found.values())
    threads = {**smoke.config["threads"], "encode": 2}
    two = replace(smoke, config={**smoke.config, "threads": threads})
    assert {row.qp: row.seconds for row in collect_timings(results, two)}[22] == 6.0


def test_timings_are_kept_with_the_results_and_read_back(results, smoke, repository, tmp_path):
    path = record_timings(results, repository)
    assert read_timings([path]) == collect_timings(results, smoke)
    fitted = read_json(path)["fitted"]["encode vvenc-faster AI"]
    assert fitted["jobs"] == 3 and set(fitted["seconds_per_unit"]) == {"22", "27"}
    write_benchmark(results, "encode_clip/vvenc-faster.AI.bikes_tiny.anchor.qp22.266", 12.0)
    record_timings(results, repository)  # a later run: made again, nothing counted twice
    again = {(row.kind, row.qp): row for row in read_timings([path])}
    assert again["encode vvenc-faster AI", 22].seconds == 8.0
    (tmp_path / "empty").mkdir()
    assert record_timings(tmp_path / "empty", repository) is None
    path.write_text(json.dumps({"jobs": [{"kind": "x"}]}))
    with pytest.raises(UserError, match="no file of recorded timings"):
        read_timings([path])


def test_longest_encodes_have_the_highest_priority(repository, paper):
    model = load_first_values(FIRST_VALUES)
    priority = EncodePriority(paper, model)
    point = {"codec": "vtm-11.0", "method": "anchor"}
    found = [
        priority({**point, "configuration": configuration, "sequence": sequence, "qp": qp})
        for configuration, sequence, qp in (
            ("AI", "B_BQTerrace", "22"),
            ("AI", "B_BQTerrace", "37"),
            ("LDP", "B_BQTerrace", "22"),
            ("LDP", "D_RaceHorses", "37"),
        )
    ]
    assert found == sorted(found, reverse=True) and len(set(found)) == 4
    assert found[0] == pytest.approx(HIGHEST) and LOWEST < found[-1] < LOWEST + 0.1
    nothing_known = EncodePriority(paper, CostModel({}))
    wildcards = {**point, "configuration": "AI", "sequence": "B_BQTerrace", "qp": "22"}
    assert nothing_known(wildcards) == LOWEST


def test_the_trainings_of_the_study_have_a_size_that_grows_with_their_length(repository):
    config = load_yaml(repository / "config/study.yaml")
    one, two = (load_settings({**config, "effort": effort}, repository) for effort in (1, 2))
    for rule in ("train_laser_jnd", "train_mtjnd", "train_vp_jnd", "train_bl_juniper"):
        first, second = (work_of(rule, {}, settings) for settings in (one, two))
        assert first.kinds == (rule,) and second.size == pytest.approx(2 * first.size)
    paper = load_settings(load_yaml(repository / "config/paper.yaml"), repository)
    for rule in ("train_laser_jnd", "train_bl_juniper"):  # epochs of data that only files show
        assert work_of(rule, {}, paper).size is None
    seeds = {**config, "mtjnd": {**config["mtjnd"], "seeds": [0]}}
    alone = work_of("train_mtjnd", {}, load_settings(seeds, repository))
    assert 3 * alone.size == pytest.approx(work_of("train_mtjnd", {}, one).size)
