"""T rows: a machine with too little of something ends a run with a named cause, and no earlier result is touched."""

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from csworkbench.runner import warm
from csworkbench.runner.kernels import why_not_warm
from tests.house.places import ROOT
from tests.soak import light

OLD, SIZES = "r0", 12
SHORT_OF = "/nowhere/at/all"
# In a namespace of its own a process may mount a small disk: the outputs of the project, with an earlier run on it.
ON_SMALL_DISK = """
import os, shutil, subprocess, sys
from pathlib import Path
from tests.soak import light
project, size = Path(sys.argv[1]), int(sys.argv[2])
out, kept = project / "outputs", project / "kept"
out.rename(kept)
out.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", out], check=True)
shutil.copytree(kept, out, dirs_exist_ok=True, symlinks=True)
old = {path: path.read_bytes() for path in (out / "runs" / "r0").rglob("*") if path.is_file()}
again = [sys.executable, "-m", "tests.soak.light", str(project), "r1", "2", "third"]
done = subprocess.run(again, capture_output=True, text=True)
record = out / "runs" / "r1" / "run.json"
assert {path: path.read_bytes() for path in old} == old, "an earlier result was touched"
assert list((out / ".tmp").iterdir()) == [], "something half is left"
assert (out / "latest").readlink().name == ("r1" if record.exists() else "r0")
print(record.read_text() if record.exists() else "")
print(done.stderr, file=sys.stderr)
sys.exit(done.returncode)
"""
IN_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount"]


def can(*command):
    """Return whether this machine lets a test do something."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A project whose first run has ended."""
    folder = light.make(tmp_path_factory.mktemp("light") / "project")
    assert light.main(str(folder), OLD, "1", "third") == 0
    return folder


@pytest.fixture(autouse=True, params=[pytest.param("stock", marks=pytest.mark.soak), "warm"])
def kernel(request, monkeypatch):
    """Every row holds with kernels that are forked, which is usual, and (by hand) with those that start anew."""
    if request.param == "warm" and why_not_warm():
        pytest.skip(why_not_warm())
    monkeypatch.setenv("LIGHT_KERNEL", request.param)
    yield
    warm.close()


@pytest.fixture
def project(before, tmp_path):
    return shutil.copytree(before, tmp_path / "project", symlinks=True)


def ran(project, run_id="r1", level=2, *, env=None, start=(), limit=None):
    """Return the finished process of one run; a value of None takes a variable out of the environment."""
    variables = {name: value for name, value in (os.environ | (env or {})).items() if value is not None}
    command = [*start, sys.executable, "-m", "tests.soak.light", str(project), run_id, str(level), "third"]
    return subprocess.run(
        command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=800, check=False, preexec_fn=limit
    )


def delivered(project, run_id="r1"):
    record = json.loads((project / "outputs" / "runs" / run_id / "run.json").read_text("utf-8"))
    (notebook,) = record["notebooks"]
    return notebook["status"], notebook["headline"]


@pytest.mark.skipif(not can(*IN_NAMESPACE, "true"), reason="no namespaces here: a small disk cannot be mounted")
@pytest.mark.parametrize(
    "number", [pytest.param(n, marks=[] if n in {1, 7} else [pytest.mark.soak]) for n in range(SIZES)]
)
def test_a_full_disk_ends_a_run_with_a_named_cause_and_touches_no_earlier_result(project, number):
    # room for what is there, in blocks, and from 60 kB to 500 kB more; a further run takes 430 kB
    there = [path.stat().st_size for path in (project / "outputs").rglob("*")]
    size = sum((each // 4096 + 1) * 4096 for each in there) + 60_000 + number * 40_000
    done = subprocess.run(
        [*IN_NAMESPACE, sys.executable, "-c", ON_SMALL_DISK, str(project), str(size)],
        cwd=ROOT, capture_output=True, text=True, timeout=800, check=False,
    )  # fmt: skip
    if done.returncode == 0:
        assert number >= 9
        return
    said = done.stdout + done.stderr
    assert "No space left on device" in said, said
    assert done.returncode == 1
    if not done.stdout.strip():
        assert "EnvironmentProblem" in done.stderr
        assert re.search(r"free some space: [\d,]+ bytes are free, and a run like the one before takes [\d,]{7}", said)


@pytest.mark.skipif(not can(*IN_NAMESPACE, "true"), reason="no namespaces here: a read-only disk cannot be mounted")
def test_an_output_folder_on_a_read_only_disk_is_refused_before_any_notebook_starts(project):
    script = 'mount --bind "$1/outputs" "$1/outputs" && mount -o remount,bind,ro "$1/outputs" && shift && exec "$@"'
    done = ran(project, start=[*IN_NAMESPACE, "sh", "-c", script, "sh", str(project)])
    assert "outputs: cannot be written: Read-only file system" in done.stderr
    assert "notebook" not in done.stdout
    assert [path.name for path in (project / "outputs" / "runs").iterdir()] == [OLD]


@pytest.mark.skipif(os.geteuid() != 0, reason="only the system's own user can give a folder to somebody else")
def test_an_output_folder_of_another_user_is_refused_with_its_path(tmp_path):
    (tmp_path / "outputs").mkdir(mode=0o755)
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom csworkbench.store import begin\n"
        "from csworkbench.errors import EnvironmentProblem\nos.seteuid(65534)\n"
        "try:\n    with begin(Path('outputs'), 'r1'): pass\n"
        "except EnvironmentProblem as error:\n    sys.exit(f'{error.exit_code} {error}')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr.startswith("4 outputs")
    assert "cannot be written: Permission denied" in done.stderr


@pytest.mark.parametrize(
    ("env", "start"),
    [
        pytest.param({"HOME": None}, [], id="T11 no HOME"),
        pytest.param({"HOME": SHORT_OF, "XDG_RUNTIME_DIR": SHORT_OF}, [], id="T11 HOME that is not there"),
        pytest.param({"TMPDIR": SHORT_OF}, [], id="T11 TMPDIR that is not there"),
        pytest.param({"LC_ALL": "C", "PYTHONUTF8": "0", "TZ": "Pacific/Auckland"}, [], id="T10 another locale"),
        pytest.param({}, ["unshare", "--user", "--map-root-user", "--net"], id="T12 no network"),
    ],
)
def test_a_run_needs_no_home_no_locale_and_no_network(project, env, start):
    if start and not can(*start, "true"):
        pytest.skip("no namespaces here")
    done = ran(project, env=env, start=start)
    assert done.returncode == 0, done.stderr
    assert delivered(project) == ("ok", "level 2 []")


@pytest.mark.skipif(not can(*IN_NAMESPACE, "true"), reason="no namespaces here: a small disk cannot be mounted")
@pytest.mark.parametrize("left", [0, 4096], ids=lambda left: f"T11 {left} bytes left")
def test_a_full_tmpdir_ends_no_run(project, left):
    folder = project / "small"
    folder.mkdir()
    script = 'mount -t tmpfs -o size=16384 tmpfs "$1" && head -c "$2" /dev/zero > "$1/fill" && shift 2 && exec "$@"'
    start = [*IN_NAMESPACE, "sh", "-c", script, "sh", str(folder), str(16384 - left)]
    done = ran(project, env={"TMPDIR": str(folder)}, start=start)
    assert delivered(project) == ("ok", "level 2 []")
    assert done.returncode == 0, done.stderr


def test_a_run_ends_well_or_with_a_named_cause_in_one_and_a_half_gibibytes_of_addresses(project):
    limit = 3 << 29
    done = ran(project, limit=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    assert done.returncode == 0, done.stderr
    assert delivered(project) == ("ok", "level 2 []")
    events = (project / "outputs" / "latest" / "events.jsonl").read_text("utf-8")
    is_warm = os.environ["LIGHT_KERNEL"] == "warm"
    assert (
        "warm kernels need 4,294,967,296 bytes of addresses, and the limit here is 1,610,612,736" in events
    ) is is_warm


def test_a_run_ends_well_with_64_file_descriptors(project):
    done = ran(project, limit=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    assert done.returncode == 0, done.stderr
    assert delivered(project) == ("ok", "level 2 []")


@pytest.mark.parametrize("name", ["a b # % 100 漢字 " + "x" * 60, "linked"])
def test_a_project_may_stand_under_any_name_and_behind_a_link(before, tmp_path, name):
    folder = tmp_path / name
    if name == "linked":
        folder.symlink_to(shutil.copytree(before, tmp_path / "whole", symlinks=True))
    else:
        shutil.copytree(before, folder, symlinks=True)
    done = ran(folder)
    assert done.returncode == 0, done.stderr
    assert delivered(folder) == ("ok", "level 2 []")


def test_a_copied_project_takes_what_is_stored_and_computes_nothing(project):
    done = ran(project, level=1)
    assert done.returncode == 0, done.stderr
    record = json.loads((project / "outputs" / "latest" / "run.json").read_text("utf-8"))
    assert [(item["status"], item["cached_from"], item["attempts"]) for item in record["notebooks"]] == [("ok", OLD, 0)]


@pytest.mark.parametrize("day", ["2026-11-21", "2024-02-29", "2027-01-01", "2026-10-25"])
def test_a_clock_that_jumped_changes_only_the_record(project, day, monkeypatch):
    moved = light.STARTED.fromisoformat(f"{day}T02:30:00+00:00")
    monkeypatch.setattr(light, "STARTED", moved)
    assert light.main(str(project), f"{day}T0230", "1", "third") == 0
    latest = Path(project, "outputs", "latest")
    assert latest.readlink().name == f"{day}T0230"
    old, new = (
        json.loads((project / "outputs" / run / "run.json").read_text("utf-8")) for run in (f"runs/{OLD}", "latest")
    )
    assert new["notebooks"][0]["artifacts"] == old["notebooks"][0]["artifacts"]
    assert new["started_at"] == moved.isoformat()
