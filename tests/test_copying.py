"""Copies of runs stand whole behind their record, and a run without its record is none."""

import json
from importlib.util import find_spec

import pytest

from csworkbench.cli import main
from csworkbench.errors import ConfigError, EnvironmentProblem
from csworkbench.store import copying, open_place
from tests.test_history import done

pytestmark = pytest.mark.skipif(find_spec("fsspec") is None, reason="needs the extra remote")
URL = "memory://bucket/nightly"


@pytest.fixture(autouse=True)
def system():
    """A file system in memory, empty at first."""
    import fsspec

    found = fsspec.filesystem("memory")
    found.store.clear()
    yield found
    found.store.clear()


def there(system):
    """Files of the copies, from the folder of all of them."""
    return {path.removeprefix("/bucket/nightly/"): system.cat_file(path) for path in system.find("/bucket")}


def test_a_copy_has_every_byte_of_the_run_and_latest_names_it(tmp_path, system):
    run = done(tmp_path / "outputs", "r1").folder
    assert open_place(URL).copy(run) == f"{URL}/runs/r1"
    files = {f"runs/r1/{path.relative_to(run)}": path.read_bytes() for path in run.rglob("*") if path.is_file()}
    assert there(system) == files | {"latest.json": b'{"version": 1, "run_id": "r1"}\n'}


def test_the_record_is_written_after_all_other_files(tmp_path, system, monkeypatch):
    written = []
    place = open_place(URL)
    write = place.system.pipe_file
    monkeypatch.setattr(place.system, "pipe_file", lambda path, content: (written.append(path), write(path, content)))
    place.copy(done(tmp_path / "outputs", "r1").folder)
    assert [path.removeprefix("/bucket/nightly/") for path in written[-2:]] == ["runs/r1/run.json", "latest.json"]
    assert len(written) > 3


@pytest.mark.parametrize("count", range(4))
def test_a_copy_that_breaks_off_is_no_run_and_the_earlier_one_stays(tmp_path, system, monkeypatch, count):
    place = open_place(URL)
    place.copy(done(tmp_path / "outputs", "r1").folder)
    before = there(system)
    write, left = place.system.pipe_file, iter(range(count))

    def breaking(path, content):
        if next(left, None) is None:
            raise OSError("the network is gone")
        write(path, content)

    monkeypatch.setattr(place.system, "pipe_file", breaking)
    # r2 has four files: junit.xml, result.json, list.csv, and run.json as the last
    with pytest.raises(
        EnvironmentProblem, match=r"nightly: cannot be written: the network is gone .*run again to copy"
    ):
        place.copy(done(tmp_path / "outputs", "r2", day=21).folder)
    assert [run.run_id for run in place.runs()] == ["r1"]
    after = there(system)
    assert {path: after[path] for path in before} == before


def test_a_file_that_arrives_cut_is_an_error(tmp_path, system, monkeypatch):
    place = open_place(URL)
    write = place.system.pipe_file
    monkeypatch.setattr(place.system, "pipe_file", lambda path, content: write(path, content[:-1]))
    with pytest.raises(EnvironmentProblem, match=r"is not there whole"):
        place.copy(done(tmp_path / "outputs", "r1").folder)
    assert place.runs() == ()


def test_a_run_of_the_same_name_is_not_written_over(tmp_path, system):
    place, run = open_place(URL), done(tmp_path / "outputs", "r1").folder
    place.copy(run)
    with pytest.raises(EnvironmentProblem, match=r"runs/r1: a run of this name exists already"):
        place.copy(run)


def test_runs_are_listed_newest_first_and_what_is_no_record_is_left_out(tmp_path, system):
    place = open_place(URL)
    for number, day in ((1, 20), (2, 22), (3, 21)):
        place.copy(done(tmp_path / "outputs", f"r{number}", day=day).folder)
    system.pipe_file("/bucket/nightly/runs/half/index.html", b"x")
    system.pipe_file("/bucket/nightly/runs/odd/run.json", b"{")
    assert [run.run_id for run in place.runs()] == ["r2", "r3", "r1"]


def test_the_command_line_lists_copies(tmp_path, system, capsys):
    open_place(URL).copy(done(tmp_path / "outputs", "r1").folder)
    assert main(["runs", "list", "--out", URL, "--json"]) == 0
    assert [run["run_id"] for run in json.loads(capsys.readouterr().out)["runs"]] == ["r1"]


def test_an_error_of_the_library_of_a_store_is_named_with_its_place(monkeypatch, capsys, system):
    class DeniedError(Exception):
        """What the library of some store raises."""

    monkeypatch.setattr(type(system), "glob", lambda *args, **options: (_ for _ in ()).throw(DeniedError("403\nbody")))
    assert main(["runs", "list", "--out", URL]) == 4
    assert f"{URL}: cannot be used: DeniedError: 403\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("s3://key:secret@bucket/a", "who may write has no place in an address"),
        ("file:///tmp/a", "is no place for copies"),
        ("memory://", "is no place for copies"),
        ("simplecache::memory://a", "is no place for copies"),
        ("nosuch://a/b", "is no place for copies: Protocol not known"),
    ],
)
def test_an_address_that_cannot_be_one_is_refused_without_its_secrets(url, said):
    with pytest.raises(ConfigError, match=said) as caught:
        open_place(url)
    assert "secret" not in str(caught.value)


def test_without_the_extra_the_option_says_what_to_install(monkeypatch):
    monkeypatch.setattr(copying, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem, match=r"pip install 'csworkbench\[remote\]'"):
        open_place(URL)


def test_a_place_that_cannot_be_written_is_refused_before_data_is_read(tmp_path, monkeypatch, capsys, system):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(type(system), "pipe_file", lambda *args, **options: (_ for _ in ()).throw(PermissionError()))
    assert main(["run", "--out", URL]) == 4
    assert f"{URL}: cannot be written: PermissionError" in capsys.readouterr().err


def test_other_commands_do_not_take_copies_for_a_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["runs", "show", "--out", URL]) == 2
    assert "holds copies of runs; fetch them, or name a folder" in capsys.readouterr().err
