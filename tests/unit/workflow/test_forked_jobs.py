"""Jobs that a server forks end, fail and die as processes of their own do."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from jndlab.paths import ROOT
from jndops.workflow.forked_jobs import ForkedJob, JobServers

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="jobs are forked on Linux")
Start = Callable[..., ForkedJob]


@pytest.fixture
def servers() -> Iterator[JobServers]:
    made = JobServers()
    yield made
    made.close()


@pytest.fixture
def start(servers, tmp_path, monkeypatch) -> Start:
    """Starts a script, given as text, in ``tmp_path``."""
    monkeypatch.chdir(tmp_path)
    numbers = itertools.count()

    def started(text: str, **environment: str) -> ForkedJob:
        script = tmp_path / f"tmp{next(numbers)}.a_rule.py"
        script.write_text(textwrap.dedent(text))
        known = {**os.environ, "OMP_NUM_THREADS": "1", "JND_SUITE": str(ROOT)}
        job = servers.start(str(script), "codecs", {**known, **environment})
        assert job is not None
        return job

    return started


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("pass", 0),
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit('words')", 1),
        ("raise ValueError", 1),
        ("import os; os._exit(5)", 5),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM),
        # what the end of Python does: waits for threads, calls what was asked for
        ("import threading, time, os\n"
         "threading.Thread(target=lambda: (time.sleep(0.2), os._exit(6))).start()", 6),
        ("import atexit, os; atexit.register(os._exit, 7)", 7),
    ],
)  # fmt: skip
def test_a_job_ends_as_its_script_does(start, text, code):
    job = start(text)
    assert job.wait() == code
    assert job.wait() == code


def test_what_a_job_says_is_seen(start, capfd):
    start("import sys\nprint('out')\nprint('err', file=sys.stderr)\nraise KeyError('why')").wait()
    out, err = capfd.readouterr()
    assert out == "out\n"
    assert err.startswith("err\nTraceback")
    assert err.endswith("KeyError: 'why'\n")


@pytest.fixture
def interruptible() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored behind a "&"
    yield
    signal.signal(signal.SIGINT, before)


def test_a_job_is_a_script_of_its_own(interruptible, start, tmp_path):
    """Name, arguments, folder, environment and signals are those of ``python script``."""
    start(
        """
        import json, os, signal, sys
        handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
        assert handlers == (signal.default_int_handler, signal.SIG_DFL), handlers
        assert signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL
        said = [__name__, sys.argv, os.getcwd(), os.environ.get("TMPDIR"), os.environ.get("GONE")]
        json.dump(said, open("said.json", "w"))
        """,
        GONE="1",
    ).wait()
    start(
        "import os, pathlib; pathlib.Path('left').write_text(str('GONE' in os.environ) + "
        "os.environ['TMPDIR'])",
        TMPDIR="/elsewhere",
    ).wait()
    script = str(tmp_path / "tmp0.a_rule.py")
    said = (tmp_path / "said.json").read_text()
    assert said == f'["__main__", ["{script}"], "{tmp_path}", null, "1"]'.replace(
        "null", f'"{os.environ["TMPDIR"]}"' if "TMPDIR" in os.environ else "null"
    )
    assert (tmp_path / "left").read_text() == "False/elsewhere"


def test_jobs_find_the_imports_of_those_before(start, tmp_path):
    """Modules of Python and packages; a user's own module may change and is read again."""
    (tmp_path / "own_module.py").write_text("")
    text = """
        import sys
        sys.path.append(".")
        found = [name in sys.modules for name in ("colorsys", "own_module")]
        import colorsys, own_module
        open("found", "w").write(str(found))
    """
    start(text).wait()
    assert (tmp_path / "found").read_text() == "[False, False]"
    start(text).wait()
    assert (tmp_path / "found").read_text() == "[True, False]"


def test_temporary_files_are_made_where_the_job_says(start, tmp_path):
    """Also where an import that is kept has asked for the folder before."""
    scripts = tmp_path / "workflow_scripts"
    scripts.mkdir()
    (scripts / "early.py").write_text("import tempfile\ntempfile.gettempdir()\n")
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        start(
            "import early, tempfile; open('where', 'w').write(tempfile.gettempdir())",
            TMPDIR=str(tmp_path / name),
            JND_SUITE=str(tmp_path),
            PYTHONPATH=str(scripts),
        ).wait()
        assert (tmp_path / "where").read_text() == str(tmp_path / name)


def test_jobs_run_beside_each_other(start):
    slow = start("import time; time.sleep(30)")
    assert start("pass").wait() == 0
    assert psutil.Process(slow.pid).is_running()
    assert Path(f"/proc/{slow.pid}/comm").read_text() == "a_rule\n"
    slow.terminate()
    assert slow.wait() == -signal.SIGTERM
    slow.kill()  # of one that has ended does nothing


@pytest.mark.parametrize("_", range(20))  # a process ends after its sockets, by chance seen so
def test_a_killed_server_fails_its_jobs_and_is_replaced(start, servers, _):
    job = start("import time; time.sleep(30)")
    [server] = servers._servers.values()
    server._process.kill()
    assert job.wait() == -signal.SIGKILL
    os.kill(job.pid, signal.SIGKILL)
    # The next script starts by Snakemake's own way, those after it are forked again.
    assert servers.start("", "codecs", {"OMP_NUM_THREADS": "1"}) is None
    assert start("pass").wait() == 0


def test_a_server_ends_with_its_run(tmp_path):
    """Even where that is killed; its jobs end by themselves, as they did without a server."""
    program = textwrap.dedent(
        f"""
        import os, sys
        sys.path.insert(0, {str(ROOT / "workflow_scripts")!r})
        from jndops.workflow.forked_jobs import JobServers
        servers = JobServers()
        open("a.py", "w").write("import time; time.sleep(1)")
        job = servers.start(os.path.abspath("a.py"), "codecs", os.environ)
        [server] = servers._servers.values()
        print(server._process.pid, job.pid, flush=True)
        job.wait()
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout is not None
        server, job = (psutil.Process(int(pid)) for pid in run.stdout.readline().split())
        run.kill()
        server.wait(20)  # not our child: until it is gone
        assert job.is_running()
        job.wait(20)


SNAKEFILE = """
import sys
sys.path.insert(0, {scripts!r})
from jndops.workflow import forked_jobs
forked_jobs.apply(lambda rule: "codecs.yaml")
rule all:
    input: "a.txt", "b.txt"
rule one:
    output: "{{name}}.txt"
    benchmark: "{{name}}.tsv"
    params: names=["x", 1]
    script: "one.py"
"""
SCRIPT = """
import os, sys
print("server" if "job_server" in open("/proc/self/cmdline").read() else "own", file=sys.stderr)
with open(snakemake.output[0], "w") as file:
    print(snakemake.params.names, snakemake.threads, os.environ["OMP_NUM_THREADS"], file=file)
if snakemake.wildcards.name == os.environ.get("FAILS"):
    sys.exit(4)
"""


@pytest.mark.parametrize(("fork", "kind"), [("1", "server"), ("0", "own")])
def test_snakemake_runs_its_scripts_so(tmp_path, fork, kind):
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(scripts=str(ROOT / "workflow_scripts")))
    (tmp_path / "one.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "snakemake", "--cores", "2"]
    environment = {**os.environ, "JND_FORK": fork}
    failed = subprocess.run(
        command, cwd=tmp_path, env={**environment, "FAILS": "a"}, capture_output=True, text=True
    )
    assert failed.returncode == 1
    assert "returned non-zero exit status 4" in failed.stderr
    assert not (tmp_path / "a.txt").exists()
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert f"\n{kind}\n" in failed.stderr + done.stderr
    for name in "ab":
        assert (tmp_path / f"{name}.txt").read_text() == "['x', 1] 1 1\n"
        assert (tmp_path / f"{name}.tsv").read_text().count("\n") == 2
