"""The MLflow mirror: upserted by content, rebuilt from nothing, harmless when MLflow is broken."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import chdir, closing
from pathlib import Path
from unittest.mock import MagicMock
from urllib.parse import unquote

import numpy as np
import pytest
from onnx import TensorProto, helper

from jndlab.files import sha256_of
from jndops.mlflow import mirror as mirror_module
from jndops.mlflow.mirror import (
    MIRROR_TAG,
    VIEW_TAG,
    experiment_id,
    mirror,
    needs_mirroring,
    open_database,
    write_failed_ledger,
)
from jndops.mlflow.records import Record, collect_records
from jndops.mlflow.trainings import collect_trainings

PARENT = "rate-distortion/{method}/vvenc-faster/AI"


def write_point(results: Path, method: str, qp: int, **changes) -> Path:
    path = results / f"points/vvenc-faster/AI/bikes/{method}/qp{qp}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    point = {
        "schema": 2,
        "key": {
            "sequence": "bikes",
            "configuration": "AI",
            "codec": "vvenc-faster",
            "method": method,
        }
        | {"qp": qp},
        "clip": {"width": 640, "height": 272, "fps": "25/1", "frames": 17, "bit_depth": 8},
        "content": "demo",
        "bits": 184264,
        "bitrate_kbps": 270.9,
        "metrics": {"vmaf_mean": 100.0 - qp, "psnr_y_framemean": None, "lossless_frames": 17},
        "prefilter_metrics": None if method == "anchor" else {"vmaf_mean": 97.5},
        "recipe": {
            "codec": {"adapter": "vvenc", "options": ["a=1", "b=2"]},
            "source_sha256": "ee" * 32,
        },
        "recipe_sha256": "ab" * 32,
        "provenance": {
            "encoder_version": "1.14.0",
            "measure_versions": {"libvmaf_model": "vmaf_v0.6.1"},
            "threads": 1,
            "encode_cpu_s": 1.5,
            "encode_wall_s": 2,
            "measure_wall_s": 0.5,
        },
    }
    if "bits" in changes:
        point["bitrate_kbps"] = changes["bits"] * 25 / 17 / 1000
    path.write_text(json.dumps(point | changes))
    return path


def write_training(folder: Path, weights: str = "weights", **changes) -> None:
    """What a training leaves: summary, curve and models."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = {
        "architecture": {"name": "net", "options": {"config": "A"}},
        "recipe": {"epochs": 2, "losses": [{"name": "mse"}]},
        "recipe_sha256": "cd" * 32,
        "data_sha256": "ef" * 32,
        "steps": 20,
        "seconds": 1.5,
        "best_epoch": 2,
        "val_loss": 0.25,
        "steps_per_second": None,
    }
    curve = "step,epoch,train_loss,val_loss\n10,1,0.5,\n20,2,0.25,0.75\n"
    for name, text in {
        "summary.json": json.dumps(summary | changes),
        "metrics.csv": curve,
        "model.pt": f"torch {weights}",
    }.items():
        (folder / name).write_text(text)
    (folder / "model.onnx").write_bytes(network(weights))


def make_results(folder: Path) -> Path:
    write_training(folder / "models/iqnet/iqnet")
    write_training(folder / "models/iqnet/iqnet/runs/0123")  # its state: no result
    write_training(folder / "models/iqnet/cnn_jnqd_qp27")
    write_training(folder / "models/iqnet/cnn_jnqd_qp32", weights="others")
    (folder / "models/iqnet/iqnet/.part-model-1.onnx").write_text("half")
    for method in ("anchor", "erjnd"):
        for qp in (22, 37):
            write_point(folder, method, qp)
    for name, text in {
        "tables/bd_rate.csv": "level,sequence,configuration,codec,metric,method,bd_rate_pct,"
        "sequences,low_overlap\n"
        "sequence,bikes,AI,vvenc-faster,vmaf_mean,erjnd,9.0,,\n"
        "all,,AI,vvenc-faster,vmaf_mean,erjnd,4.5,3,2\n"
        "all,,AI,vvenc-faster,vmaf_neg_mean,erjnd,3.5,3,3\n"
        "all,,AI,vvenc-faster,psnr_y_mse,erjnd,,0,0\n",
        "tables/bd_rate.md": "| level |\n",
        "figures/rd_bikes.svg": "<svg/>",
        "iqnet/tables/table3.csv": "a,b\n1,2\n",
        "versions.yml": "suite: {version: 0.2.0, commit: abcdef, dirty: true}\n"
        "python: 3.11.7\npackages: {snakemake: '9.27'}\n",
        "smoke/logs/a.log": "",  # the results of another run
        "smoke/tables/bd_rate.csv": "a\n",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_records_of_a_results_folder(tmp_path):
    records = {record.key: record for record in collect_records(make_results(tmp_path))}
    assert len(records) == 4 + 2 + 3 + 1
    point = records[PARENT.format(method="erjnd") + "/bikes/qp37"]
    metrics = {name: value for name, value, _ in point.metrics}
    assert metrics["vmaf_mean"] == 63.0 and metrics["prefilter/vmaf_mean"] == 97.5
    assert metrics["encode_cpu_s"] == 1.5 and "psnr_y_framemean" not in metrics
    assert point.params["qp"] == "37" and point.params["recipe.codec.adapter"] == "vvenc"
    assert point.tags["measure_versions.libvmaf_model"] == "vmaf_v0.6.1"
    curves = records[PARENT.format(method="erjnd")]
    assert ("bd_rate/vmaf_mean", 4.5, 0) in curves.metrics
    assert "bd_rate/vmaf_neg_mean" not in dict(m[:2] for m in curves.metrics)  # all doubtful
    assert ("bikes/vmaf_mean", 63.0, 37) in curves.metrics
    assert not any("psnr" in name for name, _, _ in curves.metrics)
    table = records["rate-distortion/table/bd_rate"]
    assert [path.suffix for path in table.files] == [".csv", ".md"] and table.params["rows"] == "4"
    assert records["iqnet/table/table3"].params["paper"] == "iqnet"
    experiments = {record.kind: record.experiment for record in records.values()}
    assert experiments == {
        "point": "points", "curves": "comparisons", "table": "comparisons", "figure": "figures",
        "description": "figures",
    }  # fmt: skip
    assert table.rule == "compare_methods" and "against the anchor" in table.note


def test_records_of_trainings(tmp_path):
    records = {record.key: record for record in collect_trainings(make_results(tmp_path))}
    assert list(records) == [
        "training/iqnet/cnn_jnqd_qp27",
        "training/iqnet/cnn_jnqd_qp32",
        "training/iqnet/iqnet",
    ]
    network = records["training/iqnet/iqnet"]
    assert network.name == "iqnet_iqnet"
    names = [path.name for path in network.files]
    assert names == ["model.onnx", "model.pt", "metrics.csv", "summary.json"]
    assert network.params["architecture.options.config"] == "A"
    assert (
        network.params["recipe.losses"] == '[{"name": "mse"}]' and "seconds" not in network.params
    )
    curve = [(value, step) for name, value, step in network.metrics if name == "loss/train"]
    assert curve == [(0.5, 10), (0.25, 20)]
    assert [step for name, _, step in network.metrics if name == "loss/val"] == [20]
    # No chart of a single dot: these are parameters.
    assert {name for name, _, _ in network.metrics} == {"loss/train", "loss/val", "epoch"}
    assert network.params["summary/seconds"] == "1.5" and network.params["bytes/model.pt"] == "13"
    assert network.source == ("iqnet", "ef" * 32, "training") and network.seconds == 1.5
    assert network.tags["model_sha256"] == sha256_of(tmp_path / "models/iqnet/iqnet/model.onnx")


def test_training_without_its_curve_is_left_out(tmp_path):
    write_training(tmp_path / "models/iqnet/iqnet")
    (tmp_path / "models/iqnet/iqnet/metrics.csv").unlink()
    assert collect_trainings(tmp_path) == []


def test_names_are_made_fit_and_infinities_left_out(tmp_path):
    path = write_point(tmp_path, "anchor", 22, metrics={"a (%)": 1.0})
    path.write_text(path.read_text().replace('"threads"', '"measure_cpu_s": Infinity, "threads"'))
    point = collect_records(tmp_path)[-1]
    assert {name for name, _, _ in point.metrics} == {
        "a ___",
        "bits",
        "bitrate_kbps",
        "encode_cpu_s",
        "encode_wall_s",
        "measure_wall_s",
    }


def test_a_mirror_that_failed_or_is_gone_is_wanted_again(tmp_path):
    results = make_results(tmp_path)
    assert not needs_mirroring(results)  # nothing was mirrored yet
    database, ledger_file = results / "mlflow.db", results / "mlflow_ledger.csv"
    write_failed_ledger(results, ledger_file, "database is locked")
    rows = list(csv.DictReader(ledger_file.open()))
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE runs (run_uuid TEXT, note TEXT)")
        values = [(f"r{n}", "x" * 5000) for n in range(len(rows))]
        connection.executemany("INSERT INTO runs VALUES (?, ?)", values)
    assert needs_mirroring(results)
    lines = ledger_file.read_text().replace("not mirrored: database is locked", "mirrored")
    for n, row in enumerate(rows):
        key = f"{row['job_key']},{row['kind']},{row['experiment']},"
        lines = lines.replace(key, f"{key}r{n}")
    ledger_file.write_text(lines)
    assert not needs_mirroring(results)
    whole = database.read_bytes()
    other = whole.replace(b"runs", b"ruin")
    for content in (
        b"",
        b"garbage" * 99,
        whole[:3000],
        whole[: len(whole) // 2],
        bytes(9999),
        other,
    ):
        database.write_bytes(content)
        assert needs_mirroring(results), content[:9]
    database.write_bytes(whole)
    assert not needs_mirroring(results)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM runs WHERE run_uuid = 'r0'")  # an older copy of it
    assert needs_mirroring(results)
    database.unlink()
    assert needs_mirroring(results)
    database.mkdir()
    assert needs_mirroring(results)


def test_payload_is_of_content_not_of_time(tmp_path):
    results = make_results(tmp_path)
    before = {record.key: record.payload_sha256 for record in collect_records(results)}
    for path in results.rglob("*.*"):
        os.utime(path, (1, 1))
    assert {record.key: record.payload_sha256 for record in collect_records(results)} == before
    (results / "figures/rd_bikes.svg").write_text("<svg></svg>")
    after = {record.key: record.payload_sha256 for record in collect_records(results)}
    assert [key for key in after if after[key] != before[key]] == [
        "rate-distortion/figure/rd_bikes"
    ]


# One database serves the tests below, in this order: importing MLflow and creating the database
# take most of their 10 to 15 seconds.
@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    return make_results(tmp_path_factory.mktemp("a place") / "results")


def run_mirror(results: Path):
    return mirror(results, results / "mlflow.db", results / "mlflow_ledger.csv")


def ledger(results: Path) -> dict[str, dict[str, str]]:
    with open(results / "mlflow_ledger.csv", newline="") as stream:
        return {row["job_key"]: row for row in csv.DictReader(stream)}


def content(results: Path) -> dict[str, tuple]:
    """What a reader of the database sees of each live run: everything but identifiers."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{results / 'mlflow.db'}")
    experiments = {item.experiment_id: item.name for item in client.search_experiments()}
    runs = client.search_runs(list(experiments))
    names = {run.info.run_id: run.info.run_name for run in runs}
    seen = {}
    for run in runs:
        tags = dict(run.data.tags)
        if tags["current"] != "true":
            continue
        tags["mlflow.parentRunId"] = names.get(tags.get("mlflow.parentRunId", ""), "")
        files = sorted(item.path for item in client.list_artifacts(run.info.run_id))
        experiment = experiments[run.info.experiment_id]
        seen[tags["job_key"]] = (experiment, run.data.metrics, run.data.params, tags, files)
    return seen


def registry(results: Path) -> dict[str, list[tuple]]:
    """Version, hash of the weights and files of all registered models."""
    from mlflow import MlflowClient

    database = f"sqlite:///{results / 'mlflow.db'}"
    client = MlflowClient(database, database)
    seen: dict[str, list[tuple]] = {}
    for item in client.search_model_versions(order_by=["version_number ASC"]):
        folder = Path(unquote(item.source.removeprefix("file://")))
        files = sorted(path.name for path in folder.iterdir())
        assert item.tags["job_key"] == f"training/{item.name.replace('_', '/', 1)}"
        assert item.tags["data_sha256"] == "ef" * 32 and item.tags["recipe_sha256"] == "cd" * 32
        seen.setdefault(item.name, []).append((item.version, item.tags["sha256"][:4], files))
    return seen


def network(name: str) -> bytes:
    """An ONNX file: frames of 8x8 pixels pass through, and a number of each comes out."""
    frames, means = (
        helper.make_tensor_value_info(what, TensorProto.FLOAT, shape)
        for what, shape in (("frames", ["n", 3, 8, 8]), ("jnd1", ["n", 1, 1, 1]))
    )
    pool = helper.make_node("GlobalAveragePool", ["frames"], ["features"])
    mean = helper.make_node("ReduceMean", ["features"], ["jnd1"], axes=[1])
    graph = helper.make_graph([pool, mean], name, [frames], [means])
    opsets = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString()


FILES = ["MLmodel", "model.onnx", "model.pt"]


def short_sha256(name: str) -> str:
    return hashlib.sha256(network(name)).hexdigest()[:4]


def test_first_run_writes_everything_and_second_nothing(results):
    done = run_mirror(results)
    assert (done.written, done.unchanged, done.deleted, done.rebuilt) == (13, 0, 0, False)
    assert done.registered == 3
    first, seen = ledger(results), content(results)
    assert set(seen) == set(first)
    child = seen[PARENT.format(method="erjnd") + "/bikes/qp22"]
    assert child[0] == "points"
    assert child[3]["mlflow.parentRunId"] == "erjnd vvenc-faster AI"
    assert seen["rate-distortion/table/bd_rate"][4] == ["bd_rate.csv", "bd_rate.md"]
    done = run_mirror(results)
    assert (done.written, done.unchanged, done.deleted, done.registered) == (0, 13, 0, 0)
    assert ledger(results) == first and content(results) == seen
    weights, others = short_sha256("weights"), short_sha256("others")
    assert registry(results) == {
        "iqnet_iqnet": [(1, weights, FILES)],
        "iqnet_cnn_jnqd_qp27": [(1, weights, FILES)],
        "iqnet_cnn_jnqd_qp32": [(1, others, FILES)],
    }
    assert seen["training/iqnet/iqnet"][0] == "trainings"
    names = ["metrics.csv", "model.onnx", "model.pt", "summary.json"]
    assert seen["training/iqnet/iqnet"][4] == names


def test_experiments_open_with_columns_that_their_runs_have(results):
    from mlflow import MlflowClient

    run_mirror(results)
    client = MlflowClient(f"sqlite:///{results / 'mlflow.db'}")
    for name, shown in (
        ("points", ["metrics.`bitrate_kbps`", "metrics.`vmaf_mean`", "params.`qp`"]),
        ("trainings", ["metrics.`loss/train`", "metrics.`loss/val`", "params.`architecture.name`"]),
    ):
        found = client.get_experiment_by_name(name)
        view = json.loads(found.tags[VIEW_TAG])
        assert set(shown) <= set(view["selectedColumns"])
        (run, *_) = client.search_runs([found.experiment_id], view["searchFilter"])
        values = {"metrics": run.data.metrics, "params": run.data.params}
        assert all(key.strip("`") in values[kind]
                   for kind, _, key in (column.partition(".") for column in shown))  # fmt: skip


def test_changed_payload_is_written_anew_under_a_new_parent(results):
    before = ledger(results)
    write_point(results, "erjnd", 37, bits=99)
    (results / "tables/bd_rate.md").write_text("| other |\n")
    done = run_mirror(results)
    assert (done.written, done.unchanged, done.deleted) == (3, 10, 0)  # point, its curves, table
    after, seen = ledger(results), content(results)
    parent = PARENT.format(method="erjnd")
    changed = {key for key in after if after[key]["run_id"] != before[key]["run_id"]}
    assert changed == {parent, f"{parent}/bikes/qp37", "rate-distortion/table/bd_rate"}
    assert seen[f"{parent}/bikes/qp37"][1]["bits"] == 99
    # The unchanged sibling hangs on the new parent, not on the deleted one.
    assert seen[f"{parent}/bikes/qp22"][3]["mlflow.parentRunId"] == "erjnd vvenc-faster AI"
    old = before["rate-distortion/table/bd_rate"]["run_id"]
    assert not list((results / "mlflow_artifacts").glob(f"*/{old}"))


def runs_of(results: Path, key: str) -> list:
    """Live runs of a key, oldest first, as MLflow gives them."""
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{results / 'mlflow.db'}")
    experiments = [item.experiment_id for item in client.search_experiments()]
    found = client.search_runs(experiments, f"tags.job_key = '{key}'")
    return sorted(found, key=lambda run: run.data.tags["current"])


def test_another_recipe_is_a_run_next_to_the_old_one(results):
    key = PARENT.format(method="erjnd") + "/bikes/qp37"
    (old,) = runs_of(results, key)
    write_point(results, "erjnd", 37, bits=99, recipe_sha256="cd" * 32)
    done = run_mirror(results)
    assert (done.written, done.deleted, done.superseded) == (2, 0, 2)  # the point and its curves
    former, current = runs_of(results, key)
    assert former.info.run_id == old.info.run_id and former.data.tags["current"] == "false"
    assert current.data.tags["current"] == "true"
    assert ledger(results)[key]["run_id"] == current.info.run_id
    assert run_mirror(results).written == 0
    write_point(results, "erjnd", 37, bits=99)  # the option is taken back
    done = run_mirror(results)
    assert (done.written, done.superseded) == (0, 2)
    assert [run.data.tags["current"] for run in runs_of(results, key)] == ["false", "true"]
    assert ledger(results)[key]["run_id"] == old.info.run_id


def test_a_run_says_when_by_whom_of_what_and_by_which_code(results):
    key = PARENT.format(method="erjnd") + "/bikes/qp22"
    point = results / "points/vvenc-faster/AI/bikes/erjnd/qp22.json"
    (run,) = runs_of(results, key)
    assert run.info.end_time == int(point.stat().st_mtime * 1000)
    assert run.info.end_time - run.info.start_time == 2500  # its encode and its measuring
    tags = run.data.tags
    assert tags["mlflow.source.name"] == "measure_point (Snakefile)"
    assert tags["mlflow.source.git.commit"] == "abcdef" and tags["git.dirty"] == "true"
    assert tags["versions.snakemake"] == "9.27" and tags["mlflow.user"] and tags["host"]
    assert "bikes with vvenc-faster, AI, QP 22" in tags["mlflow.note.content"]
    (data,) = run.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("bikes", "ee" * 18)
    assert data.tags[0].value == "evaluation"
    (training,) = runs_of(results, "training/iqnet/iqnet")
    assert training.info.end_time - training.info.start_time == 1500
    assert training.inputs.dataset_inputs[0].tags[0].value == "training"


def test_weights_are_registered_once_whichever_run_they_come_from(results):
    before = registry(results)
    run_id = ledger(results)["training/iqnet/iqnet"]["run_id"]
    write_training(results / "models/iqnet/iqnet", seconds=9.5)
    done = run_mirror(results)
    assert (done.written, done.unchanged, done.registered) == (1, 12, 0)
    assert registry(results) == before
    write_training(results / "models/iqnet/iqnet", weights="better")
    assert run_mirror(results).registered == 1
    versions = registry(results)["iqnet_iqnet"]
    assert versions[0] == before["iqnet_iqnet"][0]  # the files outlive their run
    assert versions[1][:2] == (2, short_sha256("better"))
    write_training(results / "models/iqnet/iqnet")
    assert run_mirror(results).registered == 0 and registry(results)["iqnet_iqnet"] == versions
    assert ledger(results)["training/iqnet/iqnet"]["run_id"] != run_id
    folders = (results / "mlflow_artifacts/trainings/models").glob("*/artifacts")
    for folder in folders:
        if (folder / "model.onnx").read_bytes() == network("weights"):
            shutil.rmtree(folder)
    run_mirror(results)
    assert registry(results)["iqnet_iqnet"] == versions


def test_a_logged_model_is_loaded_with_its_signature(results):
    import mlflow

    database = f"sqlite:///{results / 'mlflow.db'}"
    client = mlflow.MlflowClient(database, database)
    version = client.search_model_versions("name = 'iqnet_cnn_jnqd_qp32'")[0]
    model = client.get_logged_model(version.tags["model_id"])
    run = client.get_run(version.run_id)
    assert model.status == "READY" and model.source_run_id == run.info.run_id
    assert [output.model_id for output in run.outputs.model_outputs] == [model.model_id]
    loaded = mlflow.pyfunc.load_model(version.source)
    (frames,) = loaded.metadata.signature.inputs
    assert frames.name == "frames" and frames.shape == (-1, 3, 8, 8)
    assert loaded.metadata.signature.outputs.input_names() == ["jnd1"]
    found = loaded.predict(np.full((2, 3, 8, 8), 0.5, np.float32))
    assert found["jnd1"].ravel().tolist() == [0.5, 0.5]
    with pytest.raises(mlflow.MlflowException, match="shape"):
        loaded.predict(np.zeros((2, 3, 9, 8), np.float32))


def test_vanished_and_half_written_runs_are_deleted_but_not_a_persons_own(results):
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{results / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("points").experiment_id
    own = client.create_run(experiment, run_name="my notes").info.run_id
    key = PARENT.format(method="anchor") + "/bikes/qp22"
    cut_off = ledger(results)[key]["run_id"]
    client.update_run(cut_off, status="RUNNING")
    (results / "figures/rd_bikes.svg").unlink()
    done = run_mirror(results)
    assert (done.written, done.unchanged, done.deleted) == (1, 11, 1)
    assert ledger(results)[key]["run_id"] != cut_off
    assert client.get_run(own).info.lifecycle_stage == "active"
    client.delete_run(own)


def test_moved_database_is_made_anew_and_says_the_same(results):
    before = content(results)
    moved = results.parent / "moved results"
    shutil.copytree(results, moved)
    done = run_mirror(moved)
    assert (done.written, done.rebuilt, done.registered) == (12, True, 3)
    assert (moved / "mlflow.old.db").exists()
    assert content(moved) == before
    # Versions of weights that no longer exist do not come back.
    versions = registry(moved)
    assert {name: len(found) for name, found in versions.items()} == dict.fromkeys(versions, 1)


def test_broken_database_file_is_set_aside(tmp_path):
    from jndops.mlflow.mirror import _belongs_here

    database = tmp_path / "mlflow.db"
    database.write_bytes(b"no database at all" * 100)
    assert not _belongs_here(database, tmp_path / "mlflow_artifacts", "3")
    database.unlink()
    sqlite3.connect(database).close()
    assert not _belongs_here(database, tmp_path / "mlflow_artifacts", "3")


def test_adapter_goes_on_without_mlflow(tmp_path, repository):
    results = make_results(tmp_path / "results")
    absent = tmp_path / "absent" / "mlflow"
    absent.mkdir(parents=True)
    (absent / "__init__.py").write_text("raise ImportError('no mlflow here')")
    script = repository / "workflow_scripts/commands/mirror_mlflow.py"
    command = [sys.executable, script, "--results", results, "--database", results / "mlflow.db"]
    done = subprocess.run(
        [*command, "--ledger", results / "mlflow_ledger.csv"],
        env=os.environ | {"PYTHONPATH": str(absent.parent)},
        capture_output=True,
        text=True,
    )
    assert (
        done.returncode == 0 and "warning" in done.stderr and not (results / "mlflow.db").exists()
    )
    states = {row["state"] for row in ledger(results).values()}
    assert states == {"not mirrored: ImportError: no mlflow here"} and len(ledger(results)) == 13


def test_a_place_may_have_any_name(tmp_path):
    """An address of MLflow ends at a question mark."""
    place = tmp_path / "why? 100%25 of #1; 'so'"
    write_point(place / "results", "anchor", 22)
    (place / "results/mlflow.db").mkdir()
    (place / "results/mlflow.db/kept").touch()
    assert run_mirror(place / "results").written == 2
    assert {path.name for path in tmp_path.iterdir()} == {place.name}
    with sqlite3.connect(place / "results/mlflow.db") as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone() == (2,)
    assert (place / "results/mlflow.old.db/kept").is_file()


def test_a_database_with_damage_inside_is_made_again(tmp_path, monkeypatch):
    """Also where it still answers what is asked first."""
    from mlflow import __version__

    monkeypatch.setattr("mlflow.MlflowClient", MagicMock())  # which would complete the tables
    database, artifacts = tmp_path / "mlflow.db", tmp_path / "mlflow_artifacts"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE experiments (experiment_id, artifact_location)")
        connection.execute("CREATE TABLE experiment_tags (experiment_id, key, value)")
        connection.execute("CREATE TABLE params (value)")
        connection.execute("INSERT INTO experiments VALUES (1, ?)", (f"{artifacts.as_uri()}/x",))
        connection.execute(
            "INSERT INTO experiment_tags VALUES (1, ?, ?)", (MIRROR_TAG, __version__)
        )
        connection.executemany("INSERT INTO params VALUES (?)", [("x" * 3000,)] * 20)
    with chdir(tmp_path):
        assert open_database(database, artifacts)[1] is False
        whole = database.read_bytes()
        database.write_bytes(whole[:-8192] + b"\xff" * 4096 + whole[-4096:])
        assert open_database(database, artifacts)[1] is True


def test_a_run_has_all_its_numbers_however_many(results):
    """More parameters and metrics than MLflow takes at once."""
    many = Record(
        "many", "point", "many", None, {f"p{n}": str(n) for n in range(250)},
        tuple((f"m{n}", float(n), 0) for n in range(2300)), {}, (), 1000,
    )  # fmt: skip
    artifacts = results / "mlflow_artifacts"
    with chdir(results):
        client, _ = open_database(results / "mlflow.db", artifacts)
        run = mirror_module._write(
            client, many, experiment_id(client, "tries", artifacts), None, {}
        )
        data = client.get_run(run).data
        client.delete_run(run)
    assert data.params == dict(many.params)
    assert data.metrics == {name: value for name, value, _ in many.metrics}
