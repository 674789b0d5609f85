"""Notebooks on a Dask cluster: the record is as true as at home, also when a worker is lost in the middle."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

from csworkbench.cli import main
from csworkbench.errors import EnvironmentProblem
from csworkbench.runner import CellStarted, LogLine, RunOptions, connected, run
from csworkbench.runner import cluster as module
from csworkbench.runner.watch import processes_marked
from csworkbench.store import Job, RunFolder, RunInfo, Shard, find
from tests.test_runner import START, notebook, result_cell

pytestmark = pytest.mark.skipif(find_spec("distributed") is None, reason="needs the extra dask")


def same(root):
    """Facts that are the same on every machine."""
    return {"code": "1"}


def begin(folder, *words):
    """Start a process of Dask in a folder and give it."""
    # the test modules are sent by name: workers find them in the checkout
    env = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "dask", *words, "--host", "127.0.0.1", "--no-dashboard"]
    return subprocess.Popen(command, env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory):
    """The address of a scheduler on this machine with two workers that nobody starts again, and how to start more."""
    folder = tmp_path_factory.mktemp("dask")
    port = free_port()
    begun = [begin(folder, "scheduler", "--port", str(port), "--no-show")]

    def worker():
        begun.append(begin(folder, "worker", f"tcp://127.0.0.1:{port}", "--nthreads", "1", "--no-nanny"))

    worker()
    worker()
    yield f"dask://127.0.0.1:{port}", worker
    for process in begun:
        process.kill()
        process.wait()


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def two_workers(scheduler):
    """Give a connection as soon as both workers are there; a lost one is replaced."""
    address, start = scheduler
    until, asked = time.monotonic() + 60, False
    while time.monotonic() < until:
        try:
            with connected(address, same) as found:
                if found.workers == 2:
                    yield found
                    return
                if found.workers == 1 and not asked and time.monotonic() > until - 50:
                    start()
                    asked = True
        except EnvironmentProblem:
            continue
    pytest.fail("two workers did not come up in a minute")


def do(tmp_path, cluster, *jobs, out="outputs", tell=None, run_id="r1"):
    options = RunOptions(run_id, tmp_path, START, cluster=cluster, info=RunInfo(workspace="w.yaml"), grace_seconds=1)
    return run(jobs, tmp_path / out, options, tell)


def contents(folder: Path):
    return {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/**/*") if path.is_file()}


READS = """
import json
from pathlib import Path
print(json.loads((Path(output_dir).parent / "first" / "result.json").read_text())["headline"])
"""
PAGE = """
import json
from pathlib import Path
home = Path(output_dir)
print(json.loads((home.parents[1] / "result.json").read_text())["headline"], (home / "accounts.json").read_text())
"""


LOSES_ITS_WORKER = """
import os, signal
from pathlib import Path
if not Path("lost").exists():
    Path("lost").touch()
    Path(output_dir, "half.csv").write_text("half")
    os.kill(os.getppid(), signal.SIGKILL)
    while True:
        pass
"""


def test_a_run_on_a_cluster_is_the_run_at_home(tmp_path, scheduler):
    jobs = [
        Job("first", notebook(tmp_path, "first", "print(title)", result_cell()), {"title": "åäö 漢字"}, key="k1"),
        Job("second", notebook(tmp_path, "second", READS, result_cell("stop")), needs=("first",), key="k2"),
        Job("third", notebook(tmp_path, "third", "print(1)"), needs=("second",), key="k3"),
        Job("wrong", notebook(tmp_path, "wrong", "1 / 0"), key="k4"),
        Job(
            "first/by/region.north", notebook(tmp_path, "page", PAGE, result_cell()), needs=("first",), key="k5",
            shard=Shard("first", "region", "north", "north"), files={"accounts.json": '["A1"]'},
        ),
    ]  # fmt: skip
    home = do(tmp_path, None, *jobs, out="home")
    events = []
    with two_workers(scheduler) as cluster:
        record = do(tmp_path, cluster, *jobs, tell=events.append)
    said = [(item.name, item.status, item.reason, item.headline, item.attempts) for item in record.notebooks]
    assert said == [(item.name, item.status, item.reason, item.headline, item.attempts) for item in home.notebooks]
    assert record.exit_code == home.exit_code == 1
    for name in ("first", "second"):
        assert contents(record.folder / name) == contents(home.folder / name)
    assert list((tmp_path / "outputs" / ".tmp").iterdir()) == []
    assert {event.name for event in events if isinstance(event, CellStarted)} >= {"first", "second"}


def test_a_notebook_whose_worker_is_lost_is_executed_by_another_and_counts_once(tmp_path, scheduler):
    job = Job("health", notebook(tmp_path, "health", LOSES_ITS_WORKER, result_cell()), key="k")
    events = []
    with two_workers(scheduler) as cluster:
        record = do(tmp_path, cluster, job, tell=events.append)
    (item,) = record.notebooks
    assert (item.status, item.attempts, record.exit_code) == ("ok", 2, 0)
    assert {each.path for each in item.artifacts} == {
        f"health/{name}" for name in ("notebook.ipynb", "report.html", "result.json")
    }
    assert not list(record.folder.rglob("half.csv"))
    assert "its worker was lost; another one executed it" in [each.text for each in events if isinstance(each, LogLine)]
    assert find(tmp_path / "outputs", "k").record.attempts == 2
    assert processes_marked("r1.") == ()
    assert list((tmp_path / "outputs" / ".tmp").iterdir()) == []


def test_a_run_that_is_stopped_ends_the_kernels_of_its_workers(tmp_path, scheduler):
    def stop(event):
        if isinstance(event, CellStarted):
            os.kill(os.getpid(), signal.SIGINT)

    hangs = Job("hangs", notebook(tmp_path, "hangs", "while True:\n    pass"), key="k")
    with two_workers(scheduler) as cluster:
        record = do(tmp_path, cluster, hangs, tell=stop)
    assert (record.notebooks[0].status, record.state, record.exit_code) == ("interrupted", "interrupted", 130)
    assert processes_marked("r1.") == ()
    assert list((tmp_path / "outputs" / ".tmp").iterdir()) == []


def own_pid(root):
    """Facts that differ between any two processes."""
    return {"code": str(os.getpid())}


def test_workers_with_another_code_are_refused_before_a_notebook_starts(tmp_path, scheduler):
    job = Job("health", notebook(tmp_path, "health", result_cell()), key="k")
    with (
        two_workers(scheduler),
        connected(scheduler[0], own_pid) as cluster,
        pytest.raises(EnvironmentProblem, match=r"tcp://.* is another installation than this one: code is \d+, here"),
    ):
        do(tmp_path, cluster, job)
    assert list((tmp_path / "outputs" / "runs").iterdir()) == []
    assert list((tmp_path / "outputs" / ".tmp").iterdir()) == []


def task(tmp_path, facts=same):
    """A task in a shared folder whose run goes on."""
    folder = RunFolder(tmp_path, "r1")
    (tmp_path / ".tmp" / "r1.cluster").mkdir(parents=True)
    (tmp_path / ".tmp" / "r1.cluster" / "alive").write_text("1")
    job = Job("health", notebook(tmp_path, "health", result_cell()), key="k")
    return module.Task(job, tmp_path, folder, RunInfo(), 60, 1.0, facts, {"code": "1"})


def test_a_notebook_that_lost_two_workers_gets_no_third(tmp_path):
    found = task(tmp_path)
    for attempt in ("a", "b"):
        (tmp_path / ".tmp" / f"r1.{module._digest(found.job)}.{attempt}").mkdir()
    name, record = module.execute_on_worker(found)
    assert (name, record.status, record.failure.kind) == ("", "failed", "dead_kernel")
    assert record.reason == "2 workers were lost that executed it, most often for want of memory"


def test_a_task_that_is_late_for_its_run_executes_nothing(tmp_path):
    found = task(tmp_path)
    (tmp_path / ".tmp" / "r1.cluster" / "alive").unlink()
    name, record = module.execute_on_worker(found)
    assert (name, record.status, record.reason) == ("", "interrupted", "stopped with the run")


def test_a_worker_that_does_not_see_the_folder_of_the_run_says_which(tmp_path):
    assert "does not see /nowhere/r1.cluster: workers need" in module._strange(
        same, tmp_path, Path("/nowhere/r1.cluster"), {}
    )


def test_a_runner_that_is_silent_for_a_minute_counts_as_gone(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    (tmp_path / "alive").write_text("1")
    leash = module._Leash(tmp_path / "alive")
    held = []
    for at, said in ((0, "1"), (59, "1"), (59.5, "2"), (119, "2"), (119.6, "2")):
        now[0] = at
        (tmp_path / "alive").write_text(said)
        held.append(leash.is_held())
    assert held == [True, True, True, True, False]


# What the command line says


def test_an_unreachable_scheduler_is_named_and_nothing_is_read(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "CONNECT_SECONDS", 0.2)
    address = f"dask://127.0.0.1:{free_port()}"
    assert main(["run", "--executor", address]) == 4
    assert f"--executor: the scheduler {address} does not answer" in capsys.readouterr().err


def test_a_cluster_without_workers_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CONNECT_SECONDS", 60)
    port = free_port()
    empty = begin(tmp_path, "scheduler", "--port", str(port), "--no-show")
    try:
        with (
            pytest.raises(EnvironmentProblem, match=r"has no workers .*dask worker tcp://127"),
            connected(f"dask://127.0.0.1:{port}", same),
        ):
            pass
    finally:
        empty.kill()
        empty.wait()


@pytest.mark.parametrize("address", ["dask://somewhere", "spark://a:1", "dask://:8786", "Local"])
def test_what_is_no_cluster_is_a_mistake_of_usage(tmp_path, monkeypatch, capsys, address):
    monkeypatch.chdir(tmp_path)
    assert main(["run", "--executor", address]) == 2
    assert "is no place to execute notebooks (write dask://host:8786, or local)" in capsys.readouterr().err


def test_without_the_extra_the_option_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem, match=r"pip install 'csworkbench\[dask\]'"), connected("dask://a:1", same):
        pass
