"""What is in the store is whole and never changed, and a run that takes it is like one that computed it."""

import fcntl
import json
import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest

from csworkbench.store import Artifact, Failure, NotebookRecord, NotebookStatus, about, begin, find, keep, take
from csworkbench.store.kept import alone

KEY = "a" * 64


def finished(run, name="health", content=b"<p>\xc3\xa5", **more):
    """A notebook with two files in a run, and its record."""
    artifacts = []
    for path in (f"{name}/report.html", f"{name}/tables/scores.csv"):
        (run / path).parent.mkdir(parents=True, exist_ok=True)
        (run / path).write_bytes(content)
        artifacts.append(Artifact(path, len(content), sha256(content).hexdigest()))
    facts = {"key": KEY, "seconds": 7.5, "attempts": 1, "headline": "All is well", "artifacts": tuple(artifacts)}
    return NotebookRecord(name, NotebookStatus.WARNING, **facts | more)


def stored(out, run_id="r1", content=b"<p>\xc3\xa5", **more):
    with begin(out, run_id) as folder:
        keep(out, folder.path, finished(folder.path, content=content, **more), {"code": "c1"})
        return find(out, KEY)


def test_a_kept_result_is_found_with_what_it_was_made_of(tmp_path):
    kept = stored(tmp_path)
    assert (kept.run_id, kept.made_of, kept.record.headline) == ("r1", {"code": "c1"}, "All is well")
    assert sorted(path.name for path in kept.folder.iterdir()) == ["health", "record.json"]


def test_a_run_that_takes_a_result_has_its_files_and_says_who_computed_them(tmp_path):
    kept = stored(tmp_path)
    with begin(tmp_path, "r2") as folder:
        record = take(kept, folder.path)
        assert (folder.path / "health" / "tables" / "scores.csv").read_bytes() == b"<p>\xc3\xa5"
    assert (record.cached_from, record.seconds, record.attempts, record.status) == ("r1", 0.0, 0, "warning")
    assert record.artifacts == kept.record.artifacts


def test_files_of_a_run_are_further_names_of_the_stored_ones_and_nobody_writes_to_them(tmp_path):
    kept = stored(tmp_path)
    with begin(tmp_path, "r2") as folder:
        take(kept, folder.path)
        path, same = folder.path / "health" / "report.html", kept.folder / "health" / "report.html"
        assert path.samefile(same)
        assert path.stat().st_mode & 0o222 == 0


def test_where_there_are_no_hard_links_files_are_copied(tmp_path, monkeypatch):
    def refuse(*names):
        raise PermissionError("no links on this disk")

    monkeypatch.setattr(os, "link", refuse)
    kept = stored(tmp_path)
    with begin(tmp_path, "r2") as folder:
        take(kept, folder.path)
        assert (folder.path / "health" / "report.html").read_bytes() == b"<p>\xc3\xa5"


@pytest.mark.parametrize("damage", ["changed", "gone", "record"])
def test_a_result_with_one_wrong_byte_is_not_found(tmp_path, damage):
    path = stored(tmp_path).folder / ("record.json" if damage == "record" else "health/report.html")
    path.unlink()
    if damage != "gone":
        path.write_bytes(b"<p>\xc3\xa4")
    assert find(tmp_path, KEY) is None
    assert (about(tmp_path, KEY) is None) is (damage == "record")


def test_a_damaged_result_is_replaced_by_the_next_one(tmp_path):
    path = stored(tmp_path).folder / "health" / "report.html"
    path.unlink()
    assert stored(tmp_path, "r2").run_id == "r2"


def test_the_same_result_computed_again_stays_the_one_that_is_there(tmp_path):
    stored(tmp_path)
    assert stored(tmp_path, "r2").run_id == "r1"
    assert stored(tmp_path, "r3", content=b"other").run_id == "r3"
    assert [path.name for path in (tmp_path / "store").iterdir()] == [KEY]
    assert list((tmp_path / ".tmp").iterdir()) == []


@pytest.mark.parametrize(
    "more",
    [{"key": ""}, {"status": NotebookStatus.FAILED, "failure": Failure("error", "x")}],
)
def test_what_failed_or_has_no_key_is_not_kept(tmp_path, more):
    with begin(tmp_path, "r1") as folder:
        record = NotebookRecord(**{"name": "a", "status": NotebookStatus.OK, "key": KEY} | more)
        keep(tmp_path, folder.path, record, {})
    assert not (tmp_path / "store").exists()


def test_a_store_that_cannot_be_written_holds_nothing_half(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    with begin(tmp_path, "r1") as folder:
        record = finished(folder.path)
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            keep(tmp_path, folder.path, record, {})
        assert [path.name for path in (tmp_path / ".tmp").iterdir()] == ["r1"]
    assert list(tmp_path.glob("store/*")) == []


def test_a_record_of_another_version_is_not_read(tmp_path):
    path = stored(tmp_path).folder / "record.json"
    data = json.loads(path.read_text("utf-8")) | {"version": 2}
    path.unlink()
    path.write_text(json.dumps(data))
    assert about(tmp_path, KEY) is None


def test_no_key_finds_nothing(tmp_path):
    assert find(tmp_path, "") is None


def test_a_key_has_one_writer_at_a_time_and_its_lock_leaves_no_file(tmp_path):
    with alone(tmp_path, KEY):
        [path] = (tmp_path / "store").iterdir()
        with path.open() as other, pytest.raises(BlockingIOError, match=r"Errno"):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with alone(tmp_path, "b" * 64):
            pass  # another key waits for nobody
    assert list((tmp_path / "store").iterdir()) == []


def test_a_lock_file_that_a_killed_process_left_holds_nobody_back(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / f".{KEY}.lock").touch()
    assert stored(tmp_path) is not None


def test_writers_of_one_key_at_once_leave_one_whole_result(tmp_path):
    def write(number):
        run = tmp_path / ".tmp" / f"r{number}"
        run.mkdir(parents=True)
        keep(tmp_path, run, finished(run, content=b"%d" % number), {})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(16)))
    kept = find(tmp_path, KEY)
    assert kept is not None
    assert {path.read_bytes() for path in kept.folder.glob("health/**/*.*")} == {kept.run_id.removeprefix("r").encode()}
    assert [path.name for path in (tmp_path / "store").iterdir()] == [KEY]
