"""A run that is killed at any instant damages nothing, and the next one ends as if nothing had happened."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.projects import csw, small_project

QUICK, FULL = 2, 20


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Seconds that a whole run takes here, and the digests of its tables."""
    project = small_project(tmp_path_factory.mktemp("undisturbed") / "book")
    done = csw("run", cwd=project)
    assert done.returncode == 0, done.stderr
    record = json.loads((project / "outputs" / "latest" / "run.json").read_text(encoding="utf-8"))
    return record["seconds"] + 3, digests(project)


def digests(project):
    result = json.loads((project / "outputs" / "latest" / "data_check" / "result.json").read_text(encoding="utf-8"))
    return {name: table["sha256"] for name, table in result["tables"].items()}


def alive(project):
    """Processes that still work in a project."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if str(project).encode() in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes():
                    found.append(entry.name)
            except OSError:
                continue
    return found


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are counted through /proc")
@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[] if seed < QUICK else [pytest.mark.soak]) for seed in range(FULL)]
)
def test_a_run_killed_at_a_seeded_instant_leaves_the_earlier_result_whole(tmp_path, undisturbed, seed):
    seconds, expected = undisturbed
    project = small_project(tmp_path / "book")
    assert csw("run", cwd=project).returncode == 0
    latest = (project / "outputs" / "latest").resolve()
    before = {path: path.read_bytes() for path in latest.rglob("*") if path.is_file()}
    running = subprocess.Popen(
        [str(Path(sys.executable).parent / "csw"), "run", "--force"], cwd=project, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True, env=os.environ | {"CSW_BOOK": str(project)},
    )  # fmt: skip
    try:
        running.wait(random.Random(seed).uniform(0, seconds))
    except subprocess.TimeoutExpired:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    assert {path: path.read_bytes() for path in before} == before
    again = csw("run", cwd=project)
    assert again.returncode == 0, again.stderr
    assert digests(project) == expected
    assert list((project / "outputs").glob(".tmp/*")) == []
    assert alive(project) == []
    states = [json.loads(path.read_text(encoding="utf-8"))["state"] for path in project.glob("outputs/runs/*/run.json")]
    assert set(states) <= {"ok", "interrupted"}
