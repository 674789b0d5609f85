"""Warm kernels: forked from one process that has done the imports, and otherwise like any other kernel."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from csworkbench.runner import kernels, warm
from csworkbench.runner.kernels import Kernel, choose, free_bytes, why_not_warm
from csworkbench.runner.watch import TOKEN_VARIABLE, processes_marked

pytestmark = pytest.mark.skipif(bool(why_not_warm()), reason=why_not_warm() or "-")
SOON = 20


def until(holds):
    """Wait until something holds: processes end when the system gets to it."""
    end = time.monotonic() + SOON
    while not holds() and time.monotonic() < end:
        os.sched_yield()
    return holds()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a letter that no ASCII encoding has."""
    yield tmp_path_factory.mktemp("kernels 漢字")
    warm.close()


@pytest.fixture
def ask(folder):
    """Start a warm kernel; return its manager, and what answers what an expression is in it."""
    from jupyter_client.manager import KernelManager

    started = []

    def begin(cwd=folder, **environment):
        made = KernelManager()
        warm.choose_provisioner(made.kernel_spec, is_warm=True)
        made.start_kernel(cwd=str(cwd), env=os.environ | {"CSW_TEST_OF_WARMTH": "åäö"} | environment)
        client = made.client()
        started.append((made, client))
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return made, partial(evaluate, client)

    yield begin
    for made, client in started:
        client.stop_channels()
        made.shutdown_kernel(now=True)


def evaluate(client, source):
    """Return what an expression is, as text."""
    answer = client.execute("", user_expressions={"x": source}, reply=True, timeout=60)
    return answer["content"]["user_expressions"]["x"]["data"]["text/plain"]


def served():
    """The process that forks the kernels."""
    children = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    (zygote,) = [child for child in children if "csworkbench.runner.zygote" in child.cmdline()]
    return zygote


def test_a_kernel_is_a_fork_that_has_the_libraries_its_own_folder_environment_and_session(ask, folder):
    made, value = ask()
    assert isinstance(made.provisioner.process, warm.WarmProcess)
    assert psutil.Process(made.provisioner.pid).ppid() == served().pid
    assert os.getsid(made.provisioner.pid) == made.provisioner.pid
    assert value("'statsmodels.api' in __import__('sys').modules") == "True"
    assert value("__import__('os').environ['CSW_TEST_OF_WARMTH']") == "'åäö'"
    assert value("__import__('os').getcwd()") == repr(str(folder.resolve()))
    assert value("__import__('duckdb').sql('SELECT count(*) FROM range(9)').fetchone()") == "(9,)"


def test_a_folder_may_be_seen_from_where_the_caller_is_now(ask, folder, monkeypatch):
    ask()  # the process that forks kernels was begun somewhere else
    monkeypatch.chdir(folder.parent)
    made, value = ask(cwd=folder.name)
    assert value("__import__('os').getcwd()") == repr(str(folder.resolve()))
    assert isinstance(made.provisioner.process, warm.WarmProcess)


def test_kernels_draw_different_random_numbers(ask):
    draws = "(__import__('random').random(), __import__('numpy').random.random())"
    first, second = (eval(ask()[1](draws)) for _ in range(2))
    assert first[0] != second[0]
    assert first[1] != second[1]


def test_kernels_use_the_threads_they_were_given(ask):
    limits = "{each['num_threads'] for each in __import__('threadpoolctl').threadpool_info()}"
    assert ask(OMP_NUM_THREADS="2", OPENBLAS_NUM_THREADS="2")[1](limits) == "{2}"
    assert ask(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")[1](limits) == "{1}"


def test_before_a_fork_there_is_one_thread_no_database_and_no_file_but_its_own_socket(ask):
    ask()
    zygote = served()
    threads = {task.read_text().strip() for task in Path(f"/proc/{zygote.pid}/task").glob("*/comm")}
    # polars, which only our tests' libraries bring, starts one that waits for work nobody gives it here
    assert {name for name in threads if not name.startswith("polars")} == {"python"}
    assert zygote.open_files() == []
    assert zygote.net_connections(kind="inet") == []


@pytest.mark.parametrize(
    ("source", "code"),
    [("__import__('os')._exit(3)", 3), ("__import__('os').kill(__import__('os').getpid(), 11)", -signal.SIGSEGV)],
)
def test_the_exit_code_of_a_kernel_that_ended_itself_is_known(ask, source, code):
    made, value = ask()
    value.args[0].execute(source)
    assert made.provisioner.process.wait(timeout=SOON) == code


def test_a_kernel_answers_signals_as_a_process_does(ask):
    made, _ = ask()
    process = made.provisioner.process
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired, match="kernel"):
        process.wait(timeout=0.01)
    process.terminate()
    assert process.wait(timeout=SOON) == -signal.SIGTERM
    process.kill()  # nobody is there any more: nothing happens


def test_a_kernel_carries_its_mark_where_leftover_processes_are_looked_for(ask):
    made, _ = ask(**{TOKEN_VARIABLE: "run/1"})
    assert processes_marked("run/1") == (made.provisioner.pid,)


def test_a_kernel_ends_when_whoever_asked_for_it_lets_go(ask):
    made, _ = ask()
    made.provisioner.process._link.close()
    assert until(lambda: not psutil.pid_exists(made.provisioner.pid))
    made.provisioner.process.returncode = -signal.SIGKILL


def test_kernels_end_with_the_process_they_come_from_and_the_next_one_gets_a_new_one(ask):
    made, _ = ask()
    gone = served()
    gone.kill()
    assert made.provisioner.process.wait(timeout=SOON) == -signal.SIGKILL
    assert until(lambda: not psutil.pid_exists(made.provisioner.pid))
    ask()
    assert served().pid != gone.pid


def test_no_process_is_used_again_after_an_edit_or_with_another_environment(tmp_path, monkeypatch):
    module = tmp_path / "package" / "__init__.py"
    module.parent.mkdir()
    module.write_text("a = 1")
    monkeypatch.setattr(warm.csworkbench, "__file__", str(module))

    def start(**environment):
        return warm.warm_up([sys.executable], os.environ | environment, str(tmp_path))

    try:
        first = start()
        assert start(**{TOKEN_VARIABLE: "run/2", "IPYTHONDIR": "x"}) is first
        changed = start(PYTHONHASHSEED="7")
        assert changed is not first
        module.write_text("a = 12")
        assert start(PYTHONHASHSEED="7") is not changed
    finally:
        warm.close()


def test_what_is_not_a_kernel_of_python_is_started_as_any_other():
    from jupyter_client.manager import KernelManager

    made = KernelManager()
    warm.choose_provisioner(made.kernel_spec, is_warm=True)
    made.kernel_spec.argv = [sys.executable, "-c", "input()", "{connection_file}"]
    made.start_kernel()
    try:
        assert isinstance(made.provisioner.process, subprocess.Popen)
    finally:
        made.shutdown_kernel(now=True)


RUNNER = """
import os, sys, time
from csworkbench.runner import warm
made = warm.warm_up([sys.executable], os.environ, "/").fork(["-f", sys.argv[1]], os.environ, "/", (1, 2))
print(made.pid, flush=True)
time.sleep(600)
"""


def test_nothing_outlives_a_runner_that_was_killed(tmp_path):
    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(tmp_path / "k.json")], stdout=subprocess.PIPE, text=True
    )
    try:
        kernel = psutil.Process(int(runner.stdout.readline()))
        zygote = kernel.parent()
        runner.kill()
        runner.wait()
        assert until(lambda: not kernel.is_running() and not zygote.is_running())
    finally:
        with suppress(ProcessLookupError):
            runner.kill()
        runner.stdout.close()


def test_kernels_are_warm_where_it_pays_and_stock_ones_say_why(monkeypatch):
    assert [choose(Kernel.AUTO, count)[0] for count in (2, 3)] == [False, True]
    assert [choose(Kernel.WARM, count)[0] for count in (0, 1)] == [False, True]
    assert choose(Kernel.STOCK, 60) == (False, "")
    monkeypatch.setattr(kernels.sys, "platform", "darwin")
    assert choose(Kernel.AUTO, 3) == (
        False,
        "warm kernels need Linux: each notebook starts a kernel of its own",
    )


def test_free_memory_is_what_the_machine_has_and_the_group_allows(tmp_path):
    group = tmp_path / "sys/fs/cgroup"
    (tmp_path / "proc").mkdir()
    group.mkdir(parents=True)
    assert free_bytes(tmp_path) is None
    (tmp_path / "proc/meminfo").write_text("MemTotal: 9000 kB\nMemAvailable: 4000 kB\n")
    assert free_bytes(tmp_path) == 4000 * 1024
    (group / "memory.current").write_text("1000\n")
    (group / "memory.max").write_text("max\n")
    assert free_bytes(tmp_path) == 4000 * 1024
    (group / "memory.max").write_text("1500\n")
    assert free_bytes(tmp_path) == 500


@pytest.mark.parametrize(("free", "fits"), [(None, 4), (9 << 30, 4), (5 << 29, 2), (0, 1)])
def test_as_many_notebooks_run_at_once_as_cores_and_gigabytes_of_free_memory_allow(monkeypatch, free, fits):
    monkeypatch.setattr(kernels, "free_bytes", lambda: free)
    monkeypatch.setattr(kernels, "_cores", lambda: 4)
    assert kernels.fitting() == fits
