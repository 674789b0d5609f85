"""A process that runs batch after batch grows neither in memory nor in open files."""

import gc
from datetime import UTC, datetime

import psutil
import pytest

from csworkbench.runner import Kernel, RunOptions, run, warm
from csworkbench.runner.kernels import why_not_warm
from csworkbench.store import Job
from tests.test_runner import notebook, result_cell

START = datetime(2026, 11, 22, 4, 15, tzinfo=UTC)
SETTLING = 10
QUICK, FULL = 25, 500
# A leak of .4 MiB a run is found in the quick tier, one of .04 in the full one.
GROWTH = {QUICK: 10 << 20, FULL: 20 << 20}

pytestmark = [pytest.mark.skipif(bool(why_not_warm()), reason=why_not_warm() or "-"), pytest.mark.timeout(7200)]


@pytest.mark.parametrize(
    "runs", [pytest.param(QUICK, marks=pytest.mark.slow), pytest.param(FULL, marks=pytest.mark.soak)]
)
def test_many_runs_in_one_process_leave_memory_files_and_threads_as_they_were(tmp_path, runs):
    job = Job("health", notebook(tmp_path, "health", "import pandas", result_cell()))
    process = psutil.Process()

    def used():
        gc.collect()
        return process.memory_info().rss, process.num_fds(), process.num_threads()

    try:
        for number in range(SETTLING + runs):
            if number == SETTLING:
                memory, files, threads = used()
            options = RunOptions(f"r{number}", tmp_path, START, kernel=Kernel.WARM)
            assert run([job], tmp_path / "outputs", options).exit_code == 0
        after = used()
    finally:
        warm.close()
    print(f"{runs} runs: {(after[0] - memory) / (1 << 20):.1f} MiB more, {after[1]} files, {after[2]} threads")
    assert after[0] - memory < GROWTH[runs]
    assert after[1:] == (files, threads)
