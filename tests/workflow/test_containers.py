"""Recipes of containers: linted, of one content, made of files that there are, from the lock."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from workflow_runner import REPOSITORY, TINY, Workflow

DOCKERFILE = (REPOSITORY / "envs/Dockerfile").read_text("utf-8")
DEFINITION = (REPOSITORY / "envs/suite.def").read_text("utf-8")
TRACKED = subprocess.run(
    ["git", "ls-files", "-co", "--exclude-standard"],
    cwd=REPOSITORY, capture_output=True, text=True, check=True,
).stdout.splitlines()  # fmt: skip
SECTIONS = ("labels", "help", "files", "post", "environment", "runscript")


def section(name: str) -> str:
    return re.search(rf"(?ms)^%{name}\n(.*?)(?=^%|\Z)", DEFINITION)[1]


def test_hadolint_finds_nothing():
    program = Path(sys.executable).with_name("hadolint")
    lint = [program, "--no-color", REPOSITORY / "envs/Dockerfile"]
    done = subprocess.run(lint, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    bad = DOCKERFILE.replace("WORKDIR /suite", "RUN cd /suite")
    done = subprocess.run([program, "-"], input=bad, capture_output=True, text=True)
    assert done.returncode == 1 and "DL3003" in done.stdout


def test_both_recipes_have_one_base_and_install_the_same():
    (image,) = re.findall(r"(?m)^FROM (\S+)$", DOCKERFILE)
    assert re.search(r"(?m)^From: (\S+)$", DEFINITION)[1] == image
    wanted = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    version = re.fullmatch(r"python:3\.(\d+)-slim-\w+", image)[1]
    low, high = re.findall(r"3\.(\d+)", wanted["project"]["requires-python"])
    assert int(low) <= int(version) < int(high)
    packages = [re.search(r"--no-install-recommends ([\w ]+)", text)[1].split()
                for text in (DOCKERFILE, DEFINITION)]  # fmt: skip
    assert packages[0] == packages[1]
    for text in (DOCKERFILE, section("post")):
        assert "sh envs/install.sh" in text and "pip install" not in text


def test_apptainer_knows_the_sections_and_copies_what_there_is():
    assert re.findall(r"(?m)^%(\w+)$", DEFINITION) == list(SECTIONS)
    copied = [line.split() for line in section("files").splitlines() if line]
    for source, target in copied:
        assert (REPOSITORY / source).exists() and target == f"/suite/{source}"
    # All that make, Snakemake and the commands need; tests and development stay outside.
    left_out = {name.split("/")[0] for name in TRACKED} - {source for source, _ in copied}
    assert left_out <= {
        ".ci", ".github", ".gitignore", ".pre-commit-config.yaml",
        ".snakemake-workflow-catalog.yml", "CHANGELOG.md", "CONTRIBUTING.md", "benchmarks",
        "codemeta.json", "mkdocs.yml", "results", "studies", "tests",
    }  # fmt: skip


def test_docker_copies_what_the_installer_reads_before_it_runs():
    before = DOCKERFILE.split("RUN sh envs/install.sh")[0]
    sources = [
        word for line in re.findall(r"(?m)^COPY (.+)$", before) for word in line.split()[:-1]
    ]
    assert {"pyproject.toml", "README.md", "LICENSE", "envs", "workflow_scripts"} == set(sources)
    ignored = (REPOSITORY / "envs/Dockerfile.dockerignore").read_text("utf-8").split()
    assert {".venv", "results", ".snakemake", ".git"} <= set(ignored)
    assert not [name for name in TRACKED if name.split("/")[0] in set(ignored) - {"results"}]


@pytest.mark.parametrize("kind", ["Job", "PersistentVolumeClaim"])
def test_the_job_of_kubernetes_mounts_what_a_run_writes(kind):
    text = (REPOSITORY / "docs/examples/kubernetes_job.yaml").read_text("utf-8")
    parts = {part["kind"]: part for part in yaml.safe_load_all(text)}
    claim = parts["PersistentVolumeClaim"]["metadata"]["name"]
    pod = parts["Job"]["spec"]["template"]["spec"]
    (volume,) = pod["volumes"]
    assert volume["persistentVolumeClaim"]["claimName"] == claim and kind in parts
    (container,) = pod["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert set(mounts) == {"/suite/results", "/suite/.snakemake"}
    assert len({mount["subPath"] for mount in mounts.values()}) == 2
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"][
        "version"
    ]
    assert container["image"].endswith(f":{version}") and container["command"][0] == "make"


def test_the_jobs_of_kubernetes_share_image_and_volume_with_the_run_that_submits_them():
    example = (REPOSITORY / "docs/examples/kubernetes_cluster.yaml").read_text("utf-8")
    parts = {part["kind"]: part for part in yaml.safe_load_all(example)}
    run = parts["Job"]["spec"]["template"]["spec"]
    filled = (REPOSITORY / "profiles/kubernetes/job.yaml").read_text("utf-8")
    job = yaml.safe_load(filled.replace("FOLDER", "/suite"))["spec"]["template"]["spec"]
    (one,), (other) = run["containers"], job["containers"][0]
    assert (one["image"], one["volumeMounts"]) == (other["image"], other["volumeMounts"])
    assert run["volumes"] == job["volumes"] and "PROFILE=profiles/kubernetes" in one["command"]
    claim = run["volumes"][0]["persistentVolumeClaim"]["claimName"]
    assert parts["PersistentVolumeClaim"]["metadata"]["name"] == claim
    assert parts["PersistentVolumeClaim"]["spec"]["accessModes"] == ["ReadWriteMany"]
    # What submit.sh, status.sh and the profile's cancel command do.
    assert parts["Role"]["rules"][0]["verbs"] == ["create", "get", "delete"]
    assert parts["RoleBinding"]["subjects"][0]["name"] == run["serviceAccountName"]
    assert "kubernetes-client" in DOCKERFILE  # brings kubectl


@pytest.fixture
def bucket(monkeypatch):
    """An empty bucket of a server of S3 on this machine, and its client."""
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    given = {"ENDPOINT_URL": address, "ACCESS_KEY": "me", "SECRET_KEY": "secret"}
    for name, value in given.items():
        monkeypatch.setenv(f"SNAKEMAKE_STORAGE_S3_{name}", value)
    keys = {"aws_access_key_id": "me", "aws_secret_access_key": "secret"}
    client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="my-bucket")
    yield client
    server.stop()


def test_results_go_into_a_bucket(bucket, tmp_path):
    workflow = Workflow(tmp_path)
    workflow.write("tiny.yaml", TINY)
    example = (REPOSITORY / "docs/examples/bucket.smk").read_text("utf-8")
    workflow.write("bucket.smk", example)
    asked = ("--snakefile", "bucket.smk", "--configfile", "tiny.yaml", "--", "store_archive")
    assert "store_archive" in workflow.run("--dry-run", *asked).stdout
    assert "Contents" not in bucket.list_objects_v2(Bucket="my-bucket")
    workflow.run(*asked)
    stored = bucket.get_object(Bucket="my-bucket", Key="results-archive.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(stored)) as archive:
        assert "results/tables/bd_rate.csv" in archive.getnames()
    assert "Nothing to be done" in workflow.run(*asked).stdout
