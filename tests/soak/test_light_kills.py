"""Runs that are killed at seeded instants, and many runs at a time: no earlier result is damaged, no file is half.

CI runs a tenth of the repetitions; `make soak` runs all of them.
"""

import json
import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from csworkbench.runner.watch import processes_marked
from csworkbench.store import find
from tests.house.places import ROOT
from tests.soak import light

KILLS, RUNS = 20, 200
TENTH = 10


def seeded(count):
    """Return all seeds; only a tenth of them is not for `make soak` alone."""
    return [pytest.param(seed, marks=[] if seed < count // TENTH else [pytest.mark.soak]) for seed in range(count)]


def start(folder, run_id, level, names="", count=""):
    command = [sys.executable, "-m", "tests.soak.light", str(folder), run_id, str(level), names, str(count)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, **pipes)


def finished(*arguments):
    process = start(*arguments)
    out, err = process.communicate(timeout=800)
    assert process.returncode == 0, err
    return out


def contents(run):
    """Return every file of the notebooks of a run."""
    return {path.relative_to(run): path.read_bytes() for path in run.glob("*/**/*") if path.is_file()}


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A project whose first run has ended."""
    folder = light.make(tmp_path_factory.mktemp("light") / "project")
    finished(folder, "r0", 1)
    return folder


@pytest.fixture(scope="module")
def undisturbed(before, tmp_path_factory):
    """Files of a second run that nobody disturbed, how often it changed the disk, and how long it took."""
    folder = shutil.copytree(before, tmp_path_factory.mktemp("undisturbed") / "project", symlinks=True)
    begun = time.monotonic()
    changes = int(finished(folder, "r1", 2, "", 10**9))
    return contents(folder / "outputs" / "runs" / "r1"), changes, time.monotonic() - begun


@pytest.fixture
def project(before, tmp_path):
    return shutil.copytree(before, tmp_path / "project", symlinks=True)


def check(project, undisturbed):
    """Nothing is half, the first run is as it was, and the next run ends like an undisturbed one."""
    out = project / "outputs"
    for record in out.glob("runs/*/run.json"):
        state = json.loads(record.read_text("utf-8"))["state"]
        assert state in {"ok", "failed", "interrupted"}
        assert (record.parent / "junit.xml").is_file()
    stored = [path.name for path in (out / "store").iterdir() if path.suffix != ".lock"]
    assert [key for key in stored if find(out, key) is None] == []
    assert (out / "latest" / "run.json").is_file()
    finished(project, "r2", 2)
    assert contents(out / "runs" / "r2") == undisturbed[0]
    assert list((out / ".tmp").iterdir()) == list((out / "store").glob(".*")) == []
    assert [pid for run_id in ("r0", "r1", "r2") for pid in processes_marked(f"{run_id}/") if is_of(pid, project)] == []
    for record in out.glob("runs/*/run.json"):
        assert json.loads(record.read_text("utf-8"))["state"] in {"ok", "failed", "interrupted"}


def is_of(pid, project):
    with suppress(psutil.Error):
        return psutil.Process(pid).cwd() == str(project)
    return False


@pytest.mark.parametrize("seed", seeded(KILLS))
def test_a_run_killed_at_any_instant_damages_nothing(project, undisturbed, seed):
    old = contents(project / "outputs" / "runs" / "r0")
    process = start(project, "r1", 2)
    with suppress(subprocess.TimeoutExpired):
        process.wait(random.Random(seed).uniform(0, undisturbed[2]))
    process.kill()
    process.communicate()
    assert contents(project / "outputs" / "runs" / "r0") == old
    check(project, undisturbed)


@pytest.mark.parametrize("seed", seeded(KILLS))
def test_a_run_killed_while_it_writes_damages_nothing(project, undisturbed, seed):
    old = contents(project / "outputs" / "runs" / "r0")
    start(project, "r1", 2, "", random.Random(seed).randint(1, undisturbed[1])).communicate(timeout=800)
    assert contents(project / "outputs" / "runs" / "r0") == old
    check(project, undisturbed)


@pytest.mark.parametrize("seed", seeded(KILLS))
def test_a_killed_kernel_fails_its_notebook_and_the_next_run_makes_up_for_it(project, undisturbed, seed):
    old = contents(project / "outputs" / "runs" / "r0")
    process, draw = start(project, "r1", 2), random.Random(seed)
    until = time.monotonic() + draw.uniform(0, undisturbed[2])
    while process.poll() is None:
        kernels = [pid for pid in processes_marked("r1/") if is_of(pid, project)]
        if kernels and time.monotonic() > until:
            with suppress(psutil.Error):
                psutil.Process(draw.choice(kernels)).kill()
            break
    process.communicate(timeout=800)
    assert process.returncode in {0, 1}
    assert contents(project / "outputs" / "runs" / "r0") == old
    check(project, undisturbed)


@pytest.mark.parametrize("part", seeded(TENTH))
def test_four_runs_at_a_time_all_end_well_and_mix_nothing(tmp_path, part):
    def one(number):
        folder = light.make(tmp_path / str(number))
        finished(folder, "same", number, "third")
        result = json.loads((folder / "outputs" / "latest" / "third" / "result.json").read_text("utf-8"))
        return result["headline"]

    numbers = range(part * RUNS // TENTH, (part + 1) * RUNS // TENTH)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(one, numbers)) == [f"level {number} []" for number in numbers]


def test_of_two_runs_in_one_folder_one_runs_and_the_other_is_told_who(project):
    processes = [start(project, f"r{number}", number) for number in (5, 6)]
    said = [process.communicate(timeout=800)[1] for process in processes]
    codes = sorted(process.returncode for process in processes)
    refused = next(text for process, text in zip(processes, said, strict=True) if process.returncode)
    winner = next(process for process in processes if not process.returncode)
    assert codes == [0, 1]
    assert f"another run is writing here: pid {winner.pid}, run r" in refused
    assert Path(project, "outputs", "latest").readlink().name in {"r5", "r6"}
