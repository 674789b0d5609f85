"""What a run keeps is written whole or not at all, and reads back as it was."""

import errno
import hashlib
import json
import os
import re
import xml.etree.ElementTree as Xml
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest

from csworkbench.errors import ConfigError, EnvironmentProblem, RunError
from csworkbench.estimates import Caveat, Estimate, Severity, say
from csworkbench.files import slugs
from csworkbench.store import (
    Job,
    NotebookRecord,
    NotebookStatus,
    RunInfo,
    RunRecord,
    RunState,
    begin,
    junit,
    publish,
    read_notebook,
    read_result,
    refuse_if_held,
    state_of,
    why_skipped,
    write_result,
)
from csworkbench.store.notebooks import check_parameters, heading_of
from csworkbench.store.results import write_file, write_json


@dataclass(frozen=True)
class Written:
    files: tuple[str, ...]
    rows: int
    sha256: str


@dataclass(frozen=True)
class Outcome:
    headline: Any = field(default_factory=lambda: say("{n:count} accounts are at risk", n=1200))
    figures: Any = field(
        default_factory=lambda: {
            "rate": Estimate(0.25, "share", 40, 0.2, 0.3, 0.95),
            "unknown": Estimate(None, "points", 3),
        }
    )
    tables: Any = field(default_factory=dict)
    caveats: Any = (
        Caveat("small", Severity.WARNING, say("only {n:count} accounts", n=40), say("wait a month")),
        Caveat("fresh", Severity.NOTE, say("data of today")),
    )
    actions: Any = (say("call {who}", who="Åsa"),)


def put(folder: Path, result: Any = None, tables: Any = None) -> Path:
    return write_result(
        folder, result or Outcome(), analysis="health", as_of=date(2026, 9, 30), config={"a": [1]}, tables=tables or {}
    )


def record(name: str, status: NotebookStatus, blocked_by: str = "") -> NotebookRecord:
    return NotebookRecord(name, status, blocked_by=blocked_by)


def run_record(*notebooks: NotebookRecord, state: RunState = RunState.OK, signal: int = 0) -> RunRecord:
    return RunRecord("r1", state, "2026-11-22T04:15:00+00:00", 1.5, RunInfo(project="book"), notebooks, signal)


def test_a_result_reads_back_as_it_was_written(tmp_path):
    (tmp_path / "tables").mkdir()
    frame = pd.DataFrame({"account_id": ["00042", "漢"], "score": [1.5, None]})
    frame.to_parquet(tmp_path / "tables" / "scores.parquet")
    put(tmp_path, tables={"scores": Written(("tables/scores.csv", "tables/scores.parquet"), 2, "abc")})
    result = read_result(tmp_path)
    assert (result.analysis, result.as_of, result.headline) == (
        "health",
        date(2026, 9, 30),
        "1,200 accounts are at risk",
    )
    assert dict(result.figures) == Outcome().figures
    assert [(caveat.code, caveat.severity, caveat.text, caveat.action) for caveat in result.caveats] == [
        ("small", Severity.WARNING, "only 40 accounts", "wait a month"),
        ("fresh", Severity.NOTE, "data of today", ""),
    ]
    assert (result.actions, result.config, result.worst) == (("call Åsa",), {"a": [1]}, Severity.WARNING)
    assert list(result.tables) == ["scores"]
    assert result.tables["scores"].equals(pd.read_parquet(tmp_path / "tables" / "scores.parquet"))


def test_the_file_of_a_result_has_the_keys_of_the_contract(tmp_path):
    data = json.loads(put(tmp_path, tables={"t": Written(("tables/t.csv",), 2, "abc")}).read_text("utf-8"))
    assert list(data) == ["analysis", "as_of", "headline", "figures", "caveats", "actions", "tables", "config"]
    assert data["figures"]["rate"] == {"value": 0.25, "low": 0.2, "high": 0.3, "level": 0.95, "n": 40, "unit": "share"}
    assert data["tables"]["t"] == {"files": ["tables/t.csv"], "rows": 2, "sha256": "abc"}


def test_sentences_for_the_pages_of_others_are_stored_with_the_result_that_says_them(tmp_path):
    class Stamped(Outcome):
        stamps: ClassVar = {"health": (say("Predicts {n:count} losses", n=1200),)}

    put(tmp_path, Stamped())
    assert read_result(tmp_path).stamps == {"health": ("Predicts 1,200 losses",)}
    put(tmp_path)
    assert read_result(tmp_path).stamps == {}


def test_further_files_of_a_result_are_written_with_their_digests(tmp_path):
    class Proposing(Outcome):
        files: ClassVar = {"playbooks/tour.yaml": "id: tour  # åäö\n"}

    data = json.loads(put(tmp_path, Proposing()).read_text("utf-8"))
    content = (tmp_path / "playbooks" / "tour.yaml").read_bytes()
    assert content == "id: tour  # åäö\n".encode()
    assert data["files"] == [{"path": "playbooks/tour.yaml", "sha256": hashlib.sha256(content).hexdigest()}]
    assert read_result(tmp_path).files == ("playbooks/tour.yaml",)


@pytest.mark.parametrize(
    "path", ["../x", "/x", "a/../b", "", ".", "tables/x.csv", "by/x", "report.html", "result.json"]
)
def test_a_file_of_a_result_stays_in_its_folder_and_replaces_nothing_of_the_run(tmp_path, path):
    class Proposing(Outcome):
        files: ClassVar = {path: "x"}

    with pytest.raises(ValueError, match=r"a file of a result stands below its folder"):
        put(tmp_path, Proposing())
    assert list(tmp_path.iterdir()) == []


def test_folders_of_parts_keep_plain_names_and_stay_apart_where_case_does_not_count():
    plain, *others = slugs(["team_rollout", "A", "a", "北区", "../x", "über uns"])
    assert plain == "team_rollout"
    assert len({each.casefold() for each in others}) == 5
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+-[0-9a-f]{8}", each) for each in others)
    with pytest.raises(ValueError, match=r"there are two of 'a'"):
        slugs(["a", "b", "a"])


def test_the_same_result_is_the_same_bytes(tmp_path):
    first = put(tmp_path).read_bytes()
    assert put(tmp_path).read_bytes() == first


def test_numbers_of_numpy_are_written_as_plain_numbers(tmp_path):
    import numpy as np

    outcome = Outcome(figures={"n": Estimate(np.float64(0.5), "share", np.int64(7))})  # type: ignore[arg-type]
    assert read_result(put(tmp_path, outcome).parent).figures["n"] == Estimate(0.5, "share", 7)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"analysis": "a", "as_of": "yesterday"}'])
def test_a_file_that_is_no_result_is_refused_with_its_path(tmp_path, content):
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(RunError, match=r"result\.json: not a result"):
        read_result(tmp_path)


def test_a_missing_result_is_said_so(tmp_path):
    with pytest.raises(RunError, match=r"there is no result\.json"):
        read_result(tmp_path)


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_no_half_one(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_file(path, b"new")
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"]
    assert json.loads(path.read_text("utf-8")) == {"a": 1}


def test_numbers_that_are_not_finite_never_reach_a_json_file(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})


def test_a_run_is_visible_only_after_it_was_published(tmp_path):
    with begin(tmp_path, "r1") as folder:
        write_file(folder.path / "page.html", b"x")
        assert not folder.final.exists()
        final = publish(folder, run_record(record("a", NotebookStatus.OK)))
    assert sorted(path.name for path in final.iterdir()) == ["junit.xml", "page.html", "run.json"]
    assert (tmp_path / "latest").readlink() == Path("runs/r1")


def test_latest_moves_to_the_new_run_and_the_old_one_stays(tmp_path):
    for name in ("r1", "r2"):
        with begin(tmp_path, name) as folder:
            publish(folder, run_record())
    assert (tmp_path / "latest").resolve().name == "r2"
    assert (tmp_path / "runs" / "r1" / "run.json").exists()


def test_a_run_that_is_not_published_leaves_nothing(tmp_path):
    def fail() -> None:
        with begin(tmp_path, "r1") as folder:
            write_file(folder.path / "page.html", b"x")
            raise RuntimeError("midway")

    with pytest.raises(RuntimeError, match="midway"):
        fail()
    assert list((tmp_path / ".tmp").iterdir()) == []
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_full_disk_is_a_problem_of_the_environment_with_the_path(tmp_path):
    says = r"r1: cannot be written: No space left.*free some space"
    with pytest.raises(EnvironmentProblem, match=says), begin(tmp_path, "r1"):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_another_writer_is_refused_and_told_who_holds_the_folder(tmp_path):
    says = rf"another run is writing here: pid {os.getpid()}, run r1"
    with begin(tmp_path, "r1"):
        with pytest.raises(EnvironmentProblem, match=says):
            refuse_if_held(tmp_path)
        with pytest.raises(EnvironmentProblem, match=says), begin(tmp_path, "r2"):
            pass
    refuse_if_held(tmp_path)
    refuse_if_held(tmp_path / "never used")
    with begin(tmp_path, "r2"):
        pass


def test_a_name_that_was_used_is_refused(tmp_path):
    with begin(tmp_path, "r1") as folder:
        publish(folder, run_record())
    with pytest.raises(EnvironmentProblem, match="a run of this name exists"), begin(tmp_path, "r1"):
        pass


def test_what_a_killed_run_left_without_a_record_is_removed(tmp_path):
    (tmp_path / ".tmp" / "r0").mkdir(parents=True)
    with begin(tmp_path, "r1") as folder:
        assert folder.recovered == ()
    assert list((tmp_path / ".tmp").iterdir()) == []


def test_a_broken_link_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").symlink_to(tmp_path / "nowhere" / "else")
    with pytest.raises(EnvironmentProblem, match="out: cannot be written"), begin(tmp_path / "out", "r1"):
        pass


@pytest.mark.parametrize(
    ("notebooks", "state"),
    [
        ([("a", "ok", ""), ("b", "warning", "")], RunState.OK),
        ([("a", "failed", "")], RunState.FAILED),
        ([("a", "stop", "")], RunState.OK),  # nobody was held up by it
        ([("a", "stop", ""), ("b", "blocked", "a")], RunState.FAILED),
        ([("a", "skipped", ""), ("b", "blocked", "a"), ("c", "blocked", "b")], RunState.OK),
        ([("a", "failed", ""), ("b", "blocked", "a")], RunState.FAILED),
    ],
)
def test_a_run_failed_when_a_notebook_failed_or_a_stop_blocked_another(notebooks, state):
    assert state_of(tuple(record(name, NotebookStatus(status), by) for name, status, by in notebooks)) is state


@pytest.mark.parametrize(
    ("state", "signal", "code"),
    [(RunState.OK, 0, 0), (RunState.FAILED, 0, 1), (RunState.INTERRUPTED, 2, 130), (RunState.INTERRUPTED, 15, 143)],
)
def test_the_exit_code_follows_the_state_and_the_signal(state, signal, code):
    assert run_record(state=state, signal=signal).exit_code == code


def test_a_record_is_json_without_the_folder_of_the_machine(tmp_path):
    data = json.loads(json.dumps(run_record(record("a", NotebookStatus.OK)).to_json()))
    assert "folder" not in data
    assert (data["version"], data["notebooks"][0]["status"], data["exit_code"]) == (1, "ok", 0)


def test_junit_shows_no_control_character_of_an_error():
    from csworkbench.store import Failure

    failed = NotebookRecord(
        "a", NotebookStatus.FAILED, "bad \x1b[31m\x00 <b>", failure=Failure("error", "x", detail="y\x1b")
    )
    text = junit(run_record(failed, state=RunState.FAILED)).decode()
    assert "\x1b" not in text
    assert "&lt;b&gt;" in text
    assert 'failures="1"' in text
    assert Xml.fromstring(text).tag == "testsuite"


def test_a_job_says_why_it_is_skipped():
    assert why_skipped(Job("a", Path("a.ipynb"), skip=say("no {what}", what="touches"))) == "no touches"
    assert why_skipped(Job("a", Path("a.ipynb"))) == ""


def test_cells_know_their_heading(tmp_path):
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# A *book*\n", "text\n", "## Part `two_a` ##"]},
        {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": 'a: int = 1\nb = {"x": [1.5, None]}'},
    ]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    notebook = read_notebook(path)
    assert [cell.heading for cell in notebook.cells] == ["Part two_a", "Part two_a"]
    assert (notebook.kernel, notebook.parameters) == ("python3", {"a": 1, "b": {"x": [1.5, None]}})
    assert notebook.code == (cells[1]["source"],)


@pytest.mark.parametrize(
    ("value", "default", "is_right"),
    [
        (1, 1.5, True), (True, 1, False), (1, True, False), (1.0, 1, False), ("a", "", True), ([1], [], True),
        ((1,), [], False), ({"a": (1,)}, {}, False), ({"a": {"b": None}}, {}, True), (None, "", False),
        ("anything", None, True), (date(2026, 1, 1), None, False), (Path("x"), "", False), (True, 1.5, False),
    ],
)  # fmt: skip
def test_a_value_has_the_type_of_the_default(tmp_path, value, default, is_right):
    from csworkbench.store import NotebookFile

    notebook = NotebookFile(tmp_path / "a.ipynb", (), "python3", {"p": default})
    assert (check_parameters(notebook, {"p": value}) == ()) is is_right


@pytest.mark.parametrize("source", ["import os", "a = f()", "a, b = 1, 2", "a = b", "if True:\n    a = 1", "a ="])
def test_a_parameters_cell_holds_literals_only(tmp_path, source):
    path = tmp_path / "a.ipynb"
    cell = {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": source}
    path.write_text(json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    with pytest.raises(ConfigError, match="parameters cell"):
        read_notebook(path)


def test_text_without_a_heading_has_none():
    assert heading_of("just text\n#hashtag") == ""
