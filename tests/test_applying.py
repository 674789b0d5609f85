"""Proposed playbook changes: shown, agreed to, written with their record, and never over somebody's own change."""

import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from csworkbench.analyses.plan_validation.patching import write_back
from csworkbench.cli import main
from csworkbench.errors import EnvironmentProblem, RunError
from csworkbench.estimates import say
from csworkbench.exports import write_tables
from csworkbench.playbooks import parsed, read
from csworkbench.store import (
    Artifact,
    NotebookRecord,
    NotebookStatus,
    RunInfo,
    RunRecord,
    RunState,
    apply,
    begin,
    proposed,
    publish,
    write_result,
)
from tests.analyses.plan_validation.libraries import TOUR, WALK, standings, verdicts

AT = datetime(2026, 10, 1, 8, tzinfo=UTC)
LATER = datetime(2026, 10, 2, 8, tzinfo=UTC)
AS_OF = date(2026, 9, 30)


@dataclass(frozen=True)
class Outcome:
    tables: Any
    headline: Any = field(default_factory=lambda: say("Validated"))
    figures: Any = field(default_factory=dict)
    caveats: Any = ()
    actions: Any = ()


@pytest.fixture
def root(tmp_path):
    """A project with the tour and the walk in its library."""
    (tmp_path / "configs" / "playbooks").mkdir(parents=True)
    (tmp_path / "configs" / "workspace.yaml").write_text("version: 1\nname: Book\ntables: {}\n")
    for name, text in (("tour", TOUR), ("walk", WALK)):
        (tmp_path / "configs" / "playbooks" / f"{name}.yaml").write_text(text)
    return tmp_path


def make_run(root, *words, status=NotebookStatus.OK, run_id="r1"):
    """A published run whose plan validation offers what the verdicts change; one verdict per plan of the tour."""
    rows = verdicts(*words)
    texts = {path.name: path.read_text() for path in (root / "configs" / "playbooks").glob("*.yaml")}
    files = write_back(parsed(texts), rows, {}, AS_OF, standings=standings(rows)).files
    with begin(root / "outputs", run_id) as folder:
        place = folder.path / "plan_validation"
        (place / "playbooks").mkdir(parents=True)
        for name, content in files.items():
            (place / name).write_text(content)
        tables = write_tables({"verdicts": rows}, place / "tables", ["plan_id"])
        write_result(place, Outcome({}), analysis="plan_validation", as_of=AS_OF, config={}, tables=tables)
        found = sorted(path for path in place.rglob("*") if path.is_file())
        artifacts = tuple(
            Artifact(
                path.relative_to(folder.path).as_posix(), path.stat().st_size, sha256(path.read_bytes()).hexdigest()
            )
            for path in found
        )
        notebook = NotebookRecord("plan_validation", status, artifacts=artifacts)
        record = RunRecord(run_id, RunState.OK, "2026-10-01T07:00:00Z", 1.0, RunInfo(), (notebook,))
        return publish(folder, record)


def library_of(root):
    return read(root / "configs" / "playbooks").playbooks


def files_of(root):
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "outputs" not in path.parts and path.name != ".lock"
    }


@contextmanager
def unchanged(root):
    before = files_of(root)
    yield
    assert files_of(root) == before


def test_a_proposed_change_is_written_with_its_comments(root):
    (done,) = apply(make_run(root, "harmful"), root, AT)
    assert (done.playbook, done.from_version, done.to_version, done.is_new) == ("tour", 2, 3, True)
    text = (root / "configs" / "playbooks" / "tour.yaml").read_text()
    assert "# A tour, for those who asked for it.\n" in text
    assert library_of(root)["tour"].status == "redesign"


def test_the_record_holds_verdicts_reasons_and_the_new_text(root):
    (done,) = apply(make_run(root, "harmful", "in_progress"), root, AT)
    text = (root / "configs" / "playbooks" / "tour.yaml").read_text()
    digest = sha256(text.encode()).hexdigest()
    assert done.record == root / "records" / "playbooks" / f"tour-v3-{digest[:12]}.json"
    says = json.loads(done.record.read_text())
    assert (says["run"], says["accepted_at"]) == ("r1", "2026-10-01T08:00:00+00:00")
    assert (says["from_version"], says["to_version"], says["sha256"], says["text"]) == (2, 3, digest, text)
    assert [row["verdict"] for row in says["verdicts"]] == ["harmful", "in_progress"]
    assert says["reasons"] == ["it does harm, over 9 accounts", "1 case added or brought up to date, 1 of them new"]


def test_applying_twice_changes_nothing_the_second_time(root):
    run = make_run(root, "harmful")
    apply(run, root, AT)
    with unchanged(root):
        (again,) = apply(run, root, LATER)
    assert not again.is_new


def test_a_command_that_was_killed_between_record_and_file_is_finished_by_the_next(root, monkeypatch):
    run = make_run(root, "harmful")
    monkeypatch.setattr("csworkbench.store.applying.write_file", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt, match=r"^$"):
        apply(run, root, AT)
    monkeypatch.undo()
    assert library_of(root)["tour"].version == 2
    (done,) = apply(run, root, LATER)
    assert done.is_new
    assert library_of(root)["tour"].version == 3
    assert [path.name for path in (root / "records" / "playbooks").iterdir()] == [done.record.name]


def test_a_playbook_that_was_changed_since_the_run_is_kept(root):
    run = make_run(root, "harmful")
    path = root / "configs" / "playbooks" / "tour.yaml"
    path.write_text(TOUR.replace("title: Tour", "title: Grand tour"))
    with unchanged(root), pytest.raises(RunError, match=r"tour\.yaml: was changed since the run was made.*version 2"):
        apply(run, root, AT)


def test_one_changed_playbook_keeps_all_others_from_being_written(root):
    rows = make_run(root, "harmful", "supported")
    (root / "configs" / "playbooks" / "tour.yaml").unlink()
    with unchanged(root), pytest.raises(RunError, match=r"tour\.yaml: is gone since the run was made"):
        apply(rows, root, AT)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (NotebookStatus.FAILED, r"nothing is applied: the notebook is failed"),
        (NotebookStatus.STOP, r"nothing is applied: its result says stop"),
    ],
)
def test_a_notebook_that_did_not_deliver_changes_nothing(root, status, says):
    run = make_run(root, "harmful", status=status)
    with unchanged(root), pytest.raises(RunError, match=says):
        apply(run, root, AT)


@pytest.mark.parametrize("name", ["playbooks/tour.yaml", "playbooks/proposals.json", "tables/verdicts.csv"])
def test_a_file_that_was_changed_after_the_run_is_refused(root, name):
    run = make_run(root, "harmful")
    path = run / "plan_validation" / name
    path.write_text(path.read_text() + " ")
    with unchanged(root), pytest.raises(RunError, match=r"was changed after the run"):
        apply(run, root, AT)


def test_a_damaged_record_is_told_and_nothing_is_written_over_it(root):
    run = make_run(root, "harmful")
    (done,) = apply(run, root, AT)
    done.record.write_text("{}")
    with unchanged(root), pytest.raises(RunError, match=r"is damaged: its content is not what was accepted"):
        apply(run, root, LATER)


def test_a_library_that_may_not_be_written_is_left_as_it_was(root, monkeypatch):
    run = make_run(root, "harmful")
    real = Path.replace

    def refused(self: Path, target: Path) -> Path:
        if Path(target).name == "tour.yaml":
            raise PermissionError(13, "Permission denied", str(target))
        return real(self, target)

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(EnvironmentProblem, match=r"tour\.yaml: cannot be written: permission denied"):
        apply(run, root, AT)
    assert (root / "configs" / "playbooks" / "tour.yaml").read_text() == TOUR


def test_a_run_without_proposals_changes_nothing(root):
    run = make_run(root, "in_progress")
    with unchanged(root):
        assert proposed(run, root) == ()
        assert apply(run, root, AT) == ()


def test_what_one_run_changed_is_the_ground_of_the_next(root):
    apply(make_run(root, "supported"), root, AT)
    apply(make_run(root, "supported", "harmful", run_id="r2"), root, LATER)
    tour = library_of(root)["tour"]
    assert (tour.version, tour.status, [case.plan for case in tour.cases]) == (4, "redesign", ["PL1", "PL2"])
    assert len(list((root / "records" / "playbooks").iterdir())) == 2


# --- the command ------------------------------------------------------------------------------------------------------


def call(root, *words):
    return main(["playbooks", "apply", "r1", "-w", str(root / "configs" / "workspace.yaml"), *words])


def test_the_command_shows_the_difference_and_writes_with_yes(root, capsys):
    make_run(root, "harmful")
    assert call(root, "--yes") == 0
    out = capsys.readouterr().out
    assert "-status: active\n+status: redesign\n" in out.replace("-version: 2\n", "")
    assert library_of(root)["tour"].version == 3


def test_the_command_without_a_terminal_needs_yes(root, capsys):
    make_run(root, "harmful")
    with unchanged(root):
        assert call(root) == 2
    told = capsys.readouterr()
    assert "+status: redesign" in told.out
    assert "nothing was written: there is no terminal to ask on" in told.err


@pytest.mark.parametrize(("said", "version"), [("y\n", 3), ("n\n", 2), ("\n", 2)])
def test_the_command_asks_at_a_terminal_and_no_is_the_default(root, monkeypatch, said, version):
    make_run(root, "harmful")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: said.strip() == "y")
    assert call(root) == 0
    assert library_of(root)["tour"].version == version


def test_the_command_answers_as_one_document(root, capsys):
    make_run(root, "harmful")
    assert call(root, "--yes", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["exit_code"], told["run"], told["applied"][0]["to_version"]) == (0, "r1", 3)
    assert told["diff"].startswith("--- a/configs/playbooks/tour.yaml")


def test_the_command_says_where_nothing_is_proposed(root, capsys):
    make_run(root, "in_progress")
    assert call(root) == 0
    assert "This run proposes no change." in capsys.readouterr().err
