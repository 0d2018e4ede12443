"""What every rule gets once: message, digest of its code, resources that grow with each retry."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from snakemake.resources import Resources

from jndops.workflow.rule_defaults import complete_rules, doubling, training_needs
from workflow_runner import REPOSITORY


class Rule(SimpleNamespace):
    workflow = SimpleNamespace(modifier=SimpleNamespace(path_modifier="as written"))

    def set_params(self, **params):
        self.params = {**self.params, **params}

    def set_log(self, path):
        assert self.log_modifier == self.workflow.modifier.path_modifier
        self.log.append(path)


def rule(folder: Path, **given) -> Rule:
    of_rule = {
        "name": "encode_clip",
        "docstring": "Encode a clip {once}.",
        "log": [],
        "benchmark": None,
        "output": [r"{sequence,a|b}/qp{qp,\d{2}}.{suffix}", "{sequence}/qp{qp}.csv"],
        "wildcard_names": {"qp", "sequence", "suffix"},
        "snakefile": str(folder / "rules/coding/encode.smk"),
        "script": "../../workflow_scripts/coding/encode_clip.py",
        "norun": False,
        "message": None,
        "priority": 0,
        "params": {},
    }
    return Rule(**{**of_rule, **given})


@pytest.fixture
def suite(tmp_path) -> Path:
    scripts = tmp_path / "workflow_scripts"
    (scripts / "coding").mkdir(parents=True)
    (scripts / "jndlab").mkdir()
    (scripts / "jndlab/__init__.py").write_text("")
    (scripts / "jndlab/used.py").write_text("a = 1")
    (scripts / "jndlab/unused.py").write_text("a = 1")
    (scripts / "coding/encode_clip.py").write_text("from jndlab import used")
    return tmp_path


def completed(suite: Path, **given) -> Rule:
    import jndops.workflow.imports as imports

    imports._file_hash.cache_clear()
    one = rule(suite, **given)
    complete_rules([one], suite / "workflow_scripts")
    return one


def test_a_message_is_the_docstring_with_the_wildcards_in_order(suite):
    message = completed(suite).message
    wildcards = SimpleNamespace(sequence="bikes", qp="22", suffix="266")
    shown = "Encode a clip {once} (encode_clip: sequence=bikes, qp=22, suffix=266)"
    assert message.format(wildcards=wildcards) == shown
    plain = completed(suite, output=["a.csv"], wildcard_names=set()).message
    assert plain.format() == "Encode a clip {once} (encode_clip)"


def test_log_and_benchmark_have_the_name_of_the_rule_and_its_wildcards(suite):
    one = completed(suite)
    assert one.log == ["<logs>/encode_clip/{sequence}.qp{qp}.{suffix}.log"]
    assert one.benchmark == "<benchmarks>/encode_clip/{sequence}.qp{qp}.{suffix}.tsv"
    plain = completed(suite, output=[], wildcard_names=set())
    assert plain.log == ["<logs>/encode_clip.log"] and plain.benchmark is None
    own = completed(suite, log=["mine.log"], benchmark="mine.tsv")
    assert (own.log, own.benchmark) == (["mine.log"], "mine.tsv")
    target = completed(suite, script=None, norun=True)
    assert (target.log, target.benchmark) == ([], None)


def test_a_digest_follows_the_script_and_its_imports_alone(suite):
    before = completed(suite).params["code"]
    (suite / "workflow_scripts/jndlab/unused.py").write_text("a = 2")
    assert completed(suite).params["code"] == before
    (suite / "workflow_scripts/jndlab/used.py").write_text("a = 2")
    assert completed(suite).params["code"] != before


@pytest.mark.parametrize("note", ["", "recorded"])
@pytest.mark.parametrize("writes_tables", [True, False])
def test_rules_that_write_tables_carry_what_their_wing_rests_on(suite, note, writes_tables):
    scripts = suite / "workflow_scripts"
    (scripts / "jndlab/report").mkdir()
    for name in ("__init__", "tables"):
        (scripts / f"jndlab/report/{name}.py").write_text("")
    if writes_tables:
        (scripts / "coding/encode_clip.py").write_text("from jndlab.report import tables")
    one = rule(suite)
    complete_rules([one], scripts, note=lambda wing: note and f"{note} of {wing}")
    wanted = "recorded of coding" if note and writes_tables else None
    assert one.params.get("recorded") == wanted


def test_imports_are_noted_for_the_next_start_and_read_again_where_a_module_changed(suite):
    from jndops.workflow import imports

    scripts, module = suite / "workflow_scripts", suite / "workflow_scripts/coding/encode_clip.py"

    def closure(*, noted: bool = False) -> set[str]:
        """Names of what the module imports, in a process that begins, by notes alone or not."""
        for function in (imports._file_hash, imports._imported_files, imports._module_file):
            function.cache_clear()
        imports._names.clear()
        known = imports.recall_imports(scripts)
        found = {path.name for path in imports.import_closure(module, scripts)}
        assert not noted or len(imports._names) == known > 0
        imports.keep_imports(scripts, known)
        return found

    assert closure() == closure(noted=True) == {"__init__.py", "encode_clip.py", "used.py"}
    module.write_text("from jndlab import unused")
    assert closure() == {"__init__.py", "encode_clip.py", "unused.py"}
    for damaged in ("[]", "[1]", "{"):
        (suite / imports.CACHE).write_text(damaged)
        assert closure() == closure(noted=True)


def test_a_rule_without_a_script_has_no_digest(suite):
    assert completed(suite, script=None, docstring=None).params == {}


def test_priorities_go_by_file_where_a_rule_states_none(suite):
    stated, other = rule(suite, priority=12), rule(suite, snakefile=str(suite / "rules/x/data.smk"))
    silent = rule(suite)
    complete_rules([stated, silent, other], suite / "workflow_scripts", priorities={"encode": 3})
    assert [one.priority for one in (stated, silent, other)] == [12, 3, 0]


def test_resources_double_on_each_retry():
    assert [doubling(6000)(None, attempt) for attempt in (1, 2, 3)] == [6000, 12000, 24000]


def test_a_training_gets_three_days_more_with_each_attempt():
    needs = training_needs({"gpus": 1, "threads": 8}, mem_mb=6000)
    assert [needs["runtime"](None, attempt) for attempt in (1, 2, 3)] == [4320, 8640, 12960]
    assert needs["mem_mb"](None, 2) == 12000 and needs["gpu"] == 1


@pytest.mark.parametrize("profile", ["default", "slurm", "cluster-generic", "kubernetes"])
def test_profiles_give_rules_resources_that_double(profile):
    text = (REPOSITORY / f"profiles/{profile}/profile.yaml").read_text("utf-8")
    given = yaml.safe_load(text)["default-resources"]
    # Snakemake's own default of disk_mb looks at the size of every input of every job.
    assert isinstance(given["disk_mb"], int)
    wanted = [f"{name}={given[name]}" for name in ("mem_mb", "runtime")]
    parsed = Resources.parse(wanted, allow_expressions=True)
    for name, first in (("mem_mb", 4000), ("runtime", 240)):
        amounts = [
            parsed[name]
            .evaluate(
                wildcards=None, input=None, attempt=attempt, threads=1, rulename="", async_run=None
            )
            .value
            for attempt in (1, 2, 3)
        ]
        assert amounts == [first, 2 * first, 4 * first]
