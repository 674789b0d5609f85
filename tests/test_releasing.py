"""A list made official is the list of the run, kept once, and never changed."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import pandas as pd
import pytest

from csworkbench.cli import main
from csworkbench.errors import RunError
from csworkbench.estimates import Release, say
from csworkbench.exports import write_tables
from csworkbench.store import (
    Artifact,
    NotebookRecord,
    NotebookStatus,
    RunInfo,
    RunRecord,
    RunState,
    begin,
    publish,
    release,
    write_result,
)

AT = datetime(2026, 10, 1, 8, tzinfo=UTC)
LATER = datetime(2026, 10, 2, 8, tzinfo=UTC)
ONCE = Release("drawn", "assignments/winter", ("registered",), is_once=True)


@dataclass(frozen=True)
class Outcome:
    tables: Any
    releases: Any = (ONCE,)
    headline: Any = field(default_factory=lambda: say("Drawn"))
    figures: Any = field(default_factory=dict)
    caveats: Any = ()
    actions: Any = ()


def drawn(variant="new"):
    return {
        "drawn": pd.DataFrame({"unit_id": ["A1", "A2"], "variant": [variant, "old"]}),
        "registered": pd.DataFrame({"item": ["question"], "value": ["Does it work, or not?"]}),
    }


def make_run(out, run_id="r1", tables=None, status=NotebookStatus.OK, releases=(ONCE,)):
    """A published run with one notebook and its files."""
    tables = tables or drawn()
    with begin(out, run_id) as folder:
        place = folder.path / "design"
        place.mkdir()
        written = write_tables(tables, place / "tables", ["unit_id"])
        outcome = Outcome(tables, releases)
        write_result(place, outcome, analysis="design", as_of=date(2026, 9, 30), config={}, tables=written)
        files = sorted(path for path in place.rglob("*") if path.is_file())
        artifacts = tuple(
            Artifact(
                path.relative_to(folder.path).as_posix(), path.stat().st_size, sha256(path.read_bytes()).hexdigest()
            )
            for path in files
        )
        notebook = NotebookRecord("design", status, artifacts=artifacts)
        record = RunRecord(run_id, RunState.OK, "2026-10-01T07:00:00Z", 1.0, RunInfo(), (notebook,))
        return publish(folder, record)


def released(tmp_path, run, at=AT):
    return release(run, "design", tmp_path / "records", at)


def test_the_list_is_copied_byte_for_byte_under_its_digest(tmp_path):
    run = make_run(tmp_path / "out")
    (found,) = released(tmp_path, run)
    content = (run / "design" / "tables" / "drawn.csv").read_bytes()
    assert found.path == tmp_path / "records" / "assignments" / f"winter-{sha256(content).hexdigest()[:12]}.csv"
    assert found.path.read_bytes() == content
    assert (found.rows, found.is_new) == (2, True)


def test_the_slip_says_where_it_came_from_and_holds_what_is_kept_with_it(tmp_path):
    (found,) = released(tmp_path, make_run(tmp_path / "out"))
    slip = json.loads(found.slip.read_text("utf-8"))
    assert slip["beside"] == {"registered": [{"item": "question", "value": "Does it work, or not?"}]}
    assert {key: slip[key] for key in ("analysis", "run", "as_of", "released_at", "file", "sha256", "rows")} == {
        "analysis": "design",
        "run": "r1",
        "as_of": "2026-09-30",
        "released_at": "2026-10-01T08:00:00+00:00",
        "file": found.path.name,
        "sha256": found.sha256,
        "rows": 2,
    }


def test_releasing_again_changes_nothing(tmp_path):
    run = make_run(tmp_path / "out")
    (first,) = released(tmp_path, run)
    before = {path: path.read_bytes() for path in first.path.parent.iterdir()}
    (again,) = released(tmp_path, run, LATER)
    assert not again.is_new
    assert {path: path.read_bytes() for path in first.path.parent.iterdir()} == before


def test_the_same_list_of_another_run_is_the_same_release(tmp_path):
    released(tmp_path, make_run(tmp_path / "out"))
    (again,) = released(tmp_path, make_run(tmp_path / "out", "r2"))
    assert not again.is_new


def test_another_draw_of_the_same_experiment_is_refused(tmp_path):
    released(tmp_path, make_run(tmp_path / "out"))
    other = make_run(tmp_path / "out", "r2", drawn("third"))
    with pytest.raises(RunError, match=r"winter has an official list already \(a draw is made once"):
        released(tmp_path, other)
    assert len(list((tmp_path / "records" / "assignments").glob("*.csv"))) == 1


def test_a_name_that_begins_alike_is_another_list(tmp_path):
    released(tmp_path, make_run(tmp_path / "out"))
    longer = Release("drawn", "assignments/winter-guide", is_once=True)
    (found,) = released(tmp_path, make_run(tmp_path / "out", "r2", drawn("third"), releases=(longer,)))
    assert found.is_new


def test_lists_that_may_change_are_added_beside_each_other(tmp_path):
    weekly = Release("drawn", "contacts/weekly")
    for number, variant in enumerate(("new", "third")):
        released(tmp_path, make_run(tmp_path / "out", f"r{number}", drawn(variant), releases=(weekly,)))
    assert len(list((tmp_path / "records" / "contacts").glob("weekly-*.csv"))) == 2


@pytest.mark.parametrize(
    ("status", "said"),
    [(NotebookStatus.STOP, "its result says stop"), (NotebookStatus.FAILED, "the notebook is failed")],
)
def test_a_result_that_may_not_be_acted_on_is_not_made_official(tmp_path, status, said):
    run = make_run(tmp_path / "out", status=status)
    with pytest.raises(RunError, match=f"nothing is made official: {said}"):
        released(tmp_path, run)
    assert not (tmp_path / "records").exists()


def test_a_warning_does_not_forbid_a_release(tmp_path):
    (found,) = released(tmp_path, make_run(tmp_path / "out", status=NotebookStatus.WARNING))
    assert found.is_new


@pytest.mark.parametrize("file", ["tables/drawn.csv", "tables/registered.csv", "result.json"])
def test_a_file_changed_after_the_run_is_refused(tmp_path, file):
    run = make_run(tmp_path / "out")
    path = run / "design" / file
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(RunError, match=rf"r1/design/{file}: was changed after the run"):
        released(tmp_path, run)
    assert not (tmp_path / "records" / "assignments").exists()


def test_a_file_that_is_gone_is_refused(tmp_path):
    run = make_run(tmp_path / "out")
    (run / "design" / "tables" / "drawn.csv").unlink()
    with pytest.raises(RunError, match=r"is missing from the run"):
        released(tmp_path, run)


def test_a_damaged_record_is_told_and_left_as_it_is(tmp_path):
    run = make_run(tmp_path / "out")
    (found,) = released(tmp_path, run)
    found.path.write_text("changed", encoding="utf-8")
    with pytest.raises(RunError, match=r"is damaged: its content is not what was made official"):
        released(tmp_path, run)
    assert found.path.read_text("utf-8") == "changed"


def test_one_table_is_released_and_the_once_only_draw_beside_it_is_not(tmp_path):
    run = make_run(tmp_path / "out", releases=(ONCE, Release("registered", "baselines/winter")))
    (found,) = release(run, "design", tmp_path / "records", AT, table="registered")
    assert found.table == "registered"
    assert not (tmp_path / "records" / "assignments").exists()


def test_a_table_that_is_not_offered_is_refused_with_those_that_are(tmp_path):
    run = make_run(tmp_path / "out")
    with pytest.raises(RunError, match=r"has no table 'orders' to make official.*it offers drawn"):
        release(run, "design", tmp_path / "records", AT, table="orders")
    assert not (tmp_path / "records").exists()


def test_a_result_without_releases_has_nothing_to_make_official(tmp_path):
    run = make_run(tmp_path / "out", releases=())
    with pytest.raises(RunError, match=r"its result has nothing to make official"):
        released(tmp_path, run)


def test_a_release_that_was_cut_short_is_finished_by_the_next(tmp_path):
    run = make_run(tmp_path / "out")
    (found,) = released(tmp_path, run)
    found.path.unlink()  # the slip is written first
    (again,) = released(tmp_path, run)
    assert again.is_new
    assert again.path.is_file()


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "workspace.yaml").write_text(
        "version: 1\nname: Small\ntables:\n  accounts: {path: accounts.csv}\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_command_answers_the_path_and_says_when_nothing_changed(project, capsys):
    make_run(project / "outputs")
    assert main(["release", "latest", "design"]) == 0
    first = capsys.readouterr()
    assert first.out.startswith("records/assignments/winter-")
    assert "2 rows, official now" in first.err
    assert main(["release", "r1", "design"]) == 0
    again = capsys.readouterr()
    assert again.out == first.out
    assert "was official already, nothing changed" in again.err


def test_the_command_answers_as_json(project, capsys):
    make_run(project / "outputs")
    assert main(["release", "latest", "design", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["run"], told["exit_code"], told["released"][0]["is_new"]) == ("r1", 0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["r2", "design"], "r2: there is no such run"),
        (["r1", "desing"], "did you mean 'design'?"),
        (["r1", "design", "drawm"], "did you mean 'drawn'?"),
    ],
)
def test_what_is_not_there_is_exit_code_1_with_the_nearest_name(project, capsys, words, said):
    make_run(project / "outputs")
    assert main(["release", *words]) == 1
    assert said in capsys.readouterr().err


def test_a_run_without_the_notebook_leads_to_the_newest_with_it(project, capsys):
    make_run(project / "outputs")
    with begin(project / "outputs", "r2") as folder:
        other = NotebookRecord("check", NotebookStatus.OK)
        publish(folder, RunRecord("r2", RunState.OK, "2026-10-02T07:00:00Z", 1.0, RunInfo(), (other,)))
    assert main(["release", "latest", "design"]) == 1
    assert "r2: 'design' is not in this run (the newest with it is r1)" in capsys.readouterr().err


def test_before_any_run_it_says_how_to_make_one(project, capsys):
    assert main(["release", "latest", "design"]) == 1
    assert "csw run makes one" in capsys.readouterr().err


def test_records_that_cannot_be_written_are_exit_code_4(project, capsys):
    make_run(project / "outputs")
    (project / "records").write_text("in the way", encoding="utf-8")
    assert main(["release", "latest", "design"]) == 4
    assert "cannot be written" in capsys.readouterr().err
    assert (project / "outputs" / "latest" / "run.json").is_file()


# --- a list of contacts -----------------------------------------------------------------------------------------------

ROW = {
    "proposal_id": "p1", "account_id": "A1", "contact_id": "C1", "program": "own.calls", "mode": "automated",
    "purpose": "service", "channel": "email", "csm_id": "", "sent_on": "2026-09-28", "expires_on": "2026-10-04",
}  # fmt: skip
FILES = {
    "accounts": "account_id\nA1\nA2\n",
    "contacts": "contact_id,account_id\nC1,A1\nC2,A2\n",
    "consents": "contact_id,channel,purpose,status,valid_from\nC2,email,service,granted,2026-01-01T00:00:00Z\n",
    "suppressions": "contact_id,valid_from\nC9,2026-01-01\n",
}


def contact_project(folder, as_of="2026-09-30", **changes):
    """A project of two contacts whose run made a list of the week of 28 September, and what its release answers."""
    tables = "".join(f"  {name}: {{path: {name}.csv}}\n" for name in FILES)
    for name, content in (FILES | changes).items():
        (folder / f"{name}.csv").write_text(content, encoding="utf-8")
    (folder / "workspace.yaml").write_text(
        f"version: 1\nname: Small\nas_of: {as_of}\ntimezone: UTC\ntables:\n{tables}"
        "contact_policy: {service_basis: contract}\n",
        encoding="utf-8",
    )
    rows = pd.DataFrame([ROW, {**ROW, "proposal_id": "p2", "account_id": "A2", "contact_id": "C2"}])
    offer = Release("list", "lists/own-2026-09-28", (), is_once=True)
    make_run(folder / "outputs", tables={"list": rows}, releases=(offer,))
    return main(["release", "latest", "design"])


def test_a_list_of_contacts_is_official_after_the_policy_was_asked_anew(project, capsys):
    assert contact_project(project) == 0
    told = capsys.readouterr()
    assert "nothing speaks against any of its 2 rows, as known on 2026-09-30" in told.err
    assert told.out.startswith("records/lists/own-2026-09-28-")


def test_a_list_with_somebody_who_refused_after_the_run_is_not_made_official(project, capsys):
    late = FILES["suppressions"] + "C2,2026-09-29\n"
    assert contact_project(project, suppressions=late) == 1
    said = capsys.readouterr().err
    assert "1 of its 2 contacts may not be contacted, as known on 2026-09-30: C2 (suppressed)" in " ".join(said.split())
    assert not list((project / "records").glob("lists/*"))


def test_a_list_whose_week_is_over_is_not_made_official(project, capsys):
    assert contact_project(project, as_of="2026-10-05") == 1
    assert "C1 (expired on 2026-10-04)" in " ".join(capsys.readouterr().err.split())


def test_a_row_on_the_official_list_of_another_page_is_not_made_official_twice(project, capsys):
    assert contact_project(project) == 0
    (first,) = (project / "records" / "lists").glob("*.csv")
    for path in (first, first.with_suffix(".json")):
        path.rename(path.with_name(path.name.replace("own-", "other-")))
    assert main(["release", "latest", "design"]) == 1
    assert "C1 (on the official list of other already)" in " ".join(capsys.readouterr().err.split())


def test_a_missing_suppressions_file_stops_the_release_too(project, capsys):
    assert contact_project(project, suppressions="contact_id,valid_from\n") != 0
    assert "suppressions" in capsys.readouterr().err
    assert not list((project / "records").glob("lists/*"))
