"""A plan finds everything that is wrong before a kernel starts, and says what would run, on what, and why."""

import json
import os
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from csworkbench.config import Override, load
from csworkbench.errors import ConfigError, DataError, EnvironmentProblem
from csworkbench.estimates import say
from csworkbench.planner import Plan, analyses, find_notebook, memory, plan
from csworkbench.planner import keys as keys_module
from csworkbench.planner.reasons import why
from csworkbench.store import (
    Failure,
    NotebookRecord,
    NotebookStatus,
    RunInfo,
    RunRecord,
    RunState,
    begin,
    keep,
    publish,
)
from csworkbench.widgets import Panel, Saved

SURFACE = """
from dataclasses import dataclass
from csworkbench.config import Section, setting

READS, READS_IF_PRESENT = {reads!r}, ()
NEEDS, NEEDS_IF_PRESENT = {needs!r}, {optional!r}

class Config(Section):
    limit: int = setting(3, ge=0, le=9, tunable=True, description="How many")

@dataclass(frozen=True)
class Inputs: ...

class Result: ...

def prepare(snapshot, config, upstream): ...
def analyze(inputs, config): ...
"""
PARAMETERS = 'workspace = ""\nconfig = ""\nas_of = ""\noutput_dir = ""\noverrides = {}\nlevel = 0.5'
WORKSPACE = """
version: 1
name: Book
as_of: latest
batch: batch.yaml
tables:
  accounts: {path: data/accounts.csv}
  nps_responses: {path: data/nps.csv}
"""


def add(root: Path, name: str, reads=("accounts",), needs=(), optional=(), parameters: str = PARAMETERS) -> None:
    """Write an analysis of the project: module, config, notebook."""
    (root / "analyses" / f"{name}.py").write_text(SURFACE.format(reads=reads, needs=needs, optional=optional))
    (root / "configs" / f"{name}.yaml").write_text("limit: 4\n")
    write_notebook(root, name, parameters)


def write_notebook(root: Path, name: str, parameters: str = PARAMETERS, body: str = "x = 1") -> None:
    cells = [
        {"cell_type": "code", "metadata": {"tags": ["parameters"]}, "source": parameters, "outputs": []},
        {"cell_type": "code", "metadata": {}, "source": body, "outputs": []},
    ]
    data = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (root / "notebooks" / f"{name}.ipynb").write_text(json.dumps(data))


def batch(root: Path, *entries: str) -> None:
    (root / "batch.yaml").write_text("version: 1\nnotebooks:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of two analyses: `second` needs `first`. The source of the package stays out of the keys."""
    monkeypatch.setattr(keys_module, "package_folder", lambda: tmp_path / "package")
    for folder in ("analyses", "configs", "notebooks", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "workspace.yaml").write_text(WORKSPACE)
    accounts = "account_id,name,signed_up_on\na1,Ä,2026-01-05\na2,漢,2026-02-01\n"
    (tmp_path / "data" / "accounts.csv").write_text(accounts, encoding="utf-8")
    (tmp_path / "data" / "nps.csv").write_text("response_id,account_id,responded_at,score\nr1,a1,2026-03-31,9\n")
    add(tmp_path, "first")
    add(tmp_path, "second", needs=("first",))
    batch(tmp_path, "name: first")
    return tmp_path


def made(root: Path, *names: str, **options) -> Plan:
    return plan(root / "workspace.yaml", names, **options)


def keys(root: Path, **options) -> dict[str, str]:
    return {job.name: job.key for job in made(root, "second", **options).jobs}


def test_a_batch_runs_what_it_lists(project):
    assert [job.name for job in made(project).jobs] == ["first"]


def test_a_name_is_run_with_what_it_needs_before_it(project):
    result = made(project, "second")
    assert [(job.name, job.needs) for job in result.jobs] == [("first", ()), ("second", ("first",))]
    assert [(line.state, line.reason) for line in result.notebooks] == [
        ("run", "there is no result of it yet"),
        ("run", "there is no result of it yet"),
    ]
    assert "second/result.json" in result.notebooks[1].files


def test_what_is_needed_if_present_is_waited_for_only_where_it_runs(project):
    add(project, "third", optional=("second",))
    assert [job.name for job in made(project, "third").jobs] == ["third"]
    assert {job.name: job.needs_if_present for job in made(project, "third", "second").jobs}["third"] == ("second",)


def test_with_pages_what_is_needed_if_present_runs_too_where_the_batch_has_it(project):
    add(project, "third", optional=("first", "second"))
    assert [job.name for job in made(project, "third").jobs] == ["third"]
    jobs = made(project, "third", by="account").jobs
    assert [job.name for job in jobs if job.shard is None] == ["first", "third"]  # the batch lists first alone
    assert {job.shard.of for job in jobs if job.shard is not None} == {"third"}


def test_a_job_has_typed_parameters_relative_to_the_project(project):
    (job,) = made(project, overrides=[Override("first", "limit", 7)]).jobs
    assert job.parameters == {
        "workspace": "workspace.yaml",
        "config": "configs/first.yaml",
        "as_of": "2026-03-31",  # latest = the newest answer
        "output_dir": "",
        "overrides": {"limit": 7},
    }
    assert job.has_result


def test_a_batch_gives_parameters_limits_and_notebooks_of_ones_own(project):
    (project / "notebooks" / "first.ipynb").rename(project / "other.ipynb")
    batch(project, "name: first, notebook: other.ipynb, timeout_seconds: 5, parameters: {level: 0.9}")
    (job,) = made(project).jobs
    assert (job.notebook, job.timeout_seconds, job.parameters["level"]) == (project / "other.ipynb", 5.0, 0.9)


def test_a_tour_gets_only_the_parameters_it_knows(project):
    write_notebook(project, "tour", 'as_of = ""')
    batch(project, "name: tour")
    (job,) = made(project).jobs
    assert (job.parameters, job.has_result) == ({"as_of": "2026-03-31"}, False)


def test_the_day_comes_from_the_option_before_the_workspace(project):
    assert made(project, as_of="2026-02-15").as_of == date(2026, 2, 15)
    (project / "workspace.yaml").write_text(WORKSPACE.replace("as_of: latest", "as_of: 2026-03-01"))
    assert made(project).as_of == date(2026, 3, 1)


@pytest.mark.parametrize("is_dry", [True, False])
def test_latest_is_never_later_than_the_run(project, is_dry):
    with (project / "data" / "nps.csv").open("a") as answers:
        answers.write("r2,a1,2099-03-31,9\n")
    assert made(project, is_dry=is_dry, now=datetime(2026, 4, 1, tzinfo=UTC)).as_of == date(2026, 3, 31)


def test_a_day_that_is_none_is_refused(project):
    with pytest.raises(ConfigError, match=r"--as-of: 'yesterday' is no date \(write it as 2026-09-30\)"):
        made(project, as_of="yesterday")


def test_an_analysis_whose_table_is_missing_is_skipped_and_its_dependents_are_blocked(project):
    add(project, "first", reads=("accounts", "touches"))
    result = made(project, "second")
    assert [(line.name, line.state) for line in result.notebooks] == [("first", "skipped"), ("second", "blocked")]
    assert result.notebooks[0].reason == "it reads touches, which the workspace does not declare"
    assert result.notebooks[1].reason == "needs first, which is not run"
    assert result.jobs[0].skip is not None


def test_inputs_are_listed_with_rows_and_freshness(project):
    lines = {item.table: (item.rows, item.last_event) for item in made(project).inputs}
    assert lines["accounts"][0] == 2
    assert lines["nps_responses"] == (1, "2026-03-31")


def test_a_run_knows_which_tables_each_notebook_reads(project):
    add(project, "fourth", reads=("accounts", "tickets"))
    assert made(project, "fourth").info.reads == {"fourth": ("accounts",)}


def test_the_same_project_has_the_same_keys(project):
    assert keys(project) == keys(project)


@pytest.mark.parametrize("change", ["cell", "config", "data", "day", "module", "override"])
def test_a_key_changes_with_all_that_determines_the_result_and_so_do_those_that_read_it(project, change):
    before, options = keys(project), {}
    match change:
        case "cell":
            write_notebook(project, "first", body="x = 2")
        case "config":
            (project / "configs" / "first.yaml").write_text("limit: 5\n")
        case "data":
            with (project / "data" / "accounts.csv").open("a", encoding="utf-8") as handle:
                handle.write("a3,Ö,2026-02-02\n")
        case "day":
            options = {"as_of": "2026-02-15"}
        case "module":
            with (project / "analyses" / "first.py").open("a", encoding="utf-8") as handle:
                handle.write("LEVEL = 1\n")
        case "override":
            options = {"overrides": [Override("first", "limit", 7)]}
    after = keys(project, **options)
    assert {name: before[name] != after[name] for name in before} == {"first": True, "second": True}


def test_a_key_changes_with_a_module_that_notebooks_of_the_project_can_import(project):
    before = keys(project)
    (project / "ours.py").write_text("x = 1\n")
    assert keys(project) != before


def test_a_key_changes_with_the_text_cells_of_a_notebook(project):
    before, path = keys(project), project / "notebooks" / "first.ipynb"
    data = json.loads(path.read_text("utf-8"))
    data["cells"].append({"cell_type": "markdown", "metadata": {}, "source": "# Another title"})
    path.write_text(json.dumps(data))
    assert keys(project) != before


def test_a_key_does_not_change_with_the_clock(project):
    zone = (project / "workspace.yaml").read_text("utf-8").replace("as_of: latest", "as_of: 2026-03-01")
    (project / "workspace.yaml").write_text(zone + "timezone: Europe/Stockholm\n")
    days = [(2026, 11, 22), (2028, 2, 29), (2027, 1, 1), (2026, 10, 25)]
    found = [keys(project, now=datetime(*day, 1, 30, tzinfo=UTC)) for day in days]
    assert found == [found[0]] * 4


def test_a_key_changes_with_the_source_of_the_package(project):
    before = keys(project)
    (project / "package").mkdir()
    (project / "package" / "health.py").write_text("x = 1\n")
    assert keys(project) != before


def test_a_key_changes_with_the_calendar_and_money_of_the_workspace_and_not_with_its_engine(project):
    before, path = keys(project), project / "workspace.yaml"
    text = path.read_text()
    path.write_text(text + "engine: {threads: 1}\n")
    assert keys(project) == before
    path.write_text(text + "currency: SEK\n")
    assert keys(project)["first"] != before["first"]


def test_a_comment_in_a_config_changes_no_key(project):
    before = keys(project)
    (project / "configs" / "first.yaml").write_text("# a comment\nlimit: 4\n")
    assert keys(project) == before


def test_an_unknown_name_is_refused_with_the_nearest(project):
    with pytest.raises(ConfigError, match=r"there is no notebook 'frist' \(did you mean 'first'\?\)"):
        made(project, "frist")


def test_needs_that_form_a_circle_are_named(project):
    add(project, "first", needs=("second",))
    with pytest.raises(
        ConfigError, match=r"need each other in a circle: (first -> second -> first|second -> first -> second)"
    ):
        made(project, "first")


def test_problems_of_all_files_are_told_at_once(project):
    (project / "configs" / "first.yaml").write_text("limti: 4\n")
    (project / "configs" / "second.yaml").write_text("limit: 99\n")
    (project / "notebooks" / "second.ipynb").write_text("{")
    with pytest.raises(ConfigError, match="limti") as caught:
        made(project, "second", overrides=[Override("third", "limit", 1)])
    text = str(caught.value)
    for place in ("configs/first.yaml:1:1: limti", "configs/second.yaml:1:", "second.ipynb", "--set third.limit"):
        assert place in text


def test_an_override_is_checked_like_the_file(project):
    with pytest.raises(ConfigError, match="limit"):
        made(project, overrides=[Override("first", "limit", "many")])


def test_settings_of_the_workspace_cannot_be_changed_for_one_run(project):
    with pytest.raises(ConfigError, match=r"--set workspace\.name: settings of the workspace hold for every run"):
        made(project, overrides=[Override("workspace", "name", "x")])


def test_a_name_listed_twice_is_refused(project):
    batch(project, "name: first", "name: first")
    with pytest.raises(ConfigError, match=r"batch\.yaml:4.*'first' is in the list already"):
        made(project)


def test_a_missing_notebook_is_refused_with_its_place(project):
    (project / "notebooks" / "first.ipynb").unlink()
    with pytest.raises(ConfigError, match=r"notebooks/first\.ipynb: there is no such notebook"):
        made(project)


def test_a_missing_file_of_the_data_is_refused(project):
    (project / "data" / "accounts.csv").unlink()
    with pytest.raises(DataError, match=r"accounts\.csv"):
        made(project)


def test_a_module_that_is_no_analysis_is_refused(project):
    (project / "analyses" / "half.py").write_text("READS = ()\n")
    with pytest.raises(ConfigError, match=r"analyses/half\.py: is no analysis: it lacks NEEDS, Config"):
        made(project)


def test_a_module_that_cannot_be_imported_is_refused(project):
    (project / "analyses" / "broken.py").write_text("import nothing_of_that_name\n")
    with pytest.raises(ConfigError, match=r"analyses/broken\.py: cannot be imported: ModuleNotFoundError"):
        made(project)


def test_a_dry_plan_writes_nothing(project):
    before = sorted(project.rglob("*"))
    made(project, "second", is_dry=True)
    assert sorted(project.rglob("*")) == before


def test_a_dry_plan_parses_nothing_that_is_typed_already(project, monkeypatch):
    expected = made(project, "second").inputs
    monkeypatch.setattr("csv.reader", lambda *arguments, **options: pytest.fail("a CSV was parsed again"))
    assert made(project, "second", is_dry=True).inputs == expected


def arr(project, amount):
    (project / "data" / "accounts.csv").write_text(f"account_id,arr\na1,{amount}\n")


def remembered(project):
    return sorted(path.name[:10] for path in (project / "records" / "history").rglob("*.parquet"))


def test_a_run_remembers_what_the_export_overwrites_and_a_plan_does_not(project):
    arr(project, 100)
    made(project, is_dry=True)
    assert remembered(project) == []
    made(project)
    made(project)
    assert remembered(project) == ["2026-03-31"]  # the day of the newest fact, an answer; once for two equal exports


def test_what_is_remembered_is_part_of_the_key(project):
    arr(project, 100)
    before = keys(project)
    arr(project, 200)
    made(project)
    arr(project, 100)
    assert keys(project) != before


def test_an_official_list_is_part_of_the_key_of_what_reads_contacts(project):
    (project / "data" / "contacts.csv").write_text("contact_id,account_id\np1,a1\n")
    (project / "workspace.yaml").write_text(f"{WORKSPACE}  contacts: {{path: data/contacts.csv}}\n")
    add(project, "first", reads=("accounts", "contacts"))
    before = keys(project)["first"]
    content = "proposal_id,account_id,contact_id,program,mode,channel,csm_id,sent_on\n"
    stem = project / "records" / "lists" / f"page-2026-09-28-{sha256(content.encode()).hexdigest()[:12]}"
    stem.parent.mkdir(parents=True)
    stem.with_suffix(".json").write_text('{"as_of": "2026-09-30"}')
    stem.with_suffix(".csv").write_text(content)
    assert keys(project)["first"] != before


def test_a_run_that_could_not_remember_is_refused_by_the_name_of_the_folder(project):
    arr(project, 100)
    (project / "records").write_text("a file in the way")
    with pytest.raises(EnvironmentProblem, match=r"records/history/accounts: cannot write: .*records") as refused:
        made(project)
    assert refused.value.exit_code == 4


def test_undated_books_are_remembered_under_the_day_of_the_run(project):
    (project / "workspace.yaml").write_text(WORKSPACE.replace("  nps_responses: {path: data/nps.csv}\n", ""))
    arr(project, 100)
    made(project, as_of="2026-05-05")
    assert remembered(project) == ["2026-05-05"]


@pytest.fixture
def read_only(project, monkeypatch):
    """Return a project no folder of which may be written, as root could all the same."""
    monkeypatch.setattr(
        "csworkbench.sources.cache.os.access", lambda path, mode: not Path(path).is_relative_to(project)
    )
    return project


def test_typed_tables_of_a_read_only_project_lie_beside_its_outputs(read_only):
    made(read_only, out=read_only / "mine")
    assert not (read_only / "outputs").exists()
    assert list((read_only / "mine" / "cache").glob("accounts-*.parquet"))


def test_a_dry_plan_of_a_read_only_project_parses_nothing_that_is_typed_already(read_only, monkeypatch):
    made(read_only, out=read_only / "mine")
    monkeypatch.setattr("csv.reader", lambda *arguments, **options: pytest.fail("a CSV was parsed again"))
    made(read_only, out=read_only / "mine", is_dry=True)


def test_a_read_only_project_remembers_nothing_and_the_plan_says_so(read_only):
    arr(read_only, 100)
    assert made(read_only, out=read_only / "mine").forgets
    assert not (read_only / "records").exists()


def test_a_plan_for_spark_is_refused_where_there_is_no_java(project, monkeypatch):
    path = project / "workspace.yaml"
    path.write_text(path.read_text() + "engine: {backend: spark}\n")
    monkeypatch.setattr("csworkbench.sources.spark.find_spec", lambda name: object())
    monkeypatch.setattr("csworkbench.sources.spark.which", lambda name: None)
    with pytest.raises(EnvironmentProblem, match=r"^engine.backend: Spark needs Java.*or set engine.backend: duckdb"):
        made(project)


def test_a_plan_as_json_names_no_folder_of_the_machine(project):
    text = json.dumps(made(project, "second").to_json())
    assert str(project) not in text
    assert json.loads(text)["notebooks"][1]["key"] == keys(project)["second"]


def test_analyses_of_the_package_and_of_the_project_are_found_by_their_module_name(project):
    found = analyses(project)
    assert {"first", "second", "health"} <= set(found)
    assert found["first"].NEEDS == ()


def test_the_notebook_of_the_project_comes_before_the_packaged_one(project):
    assert find_notebook(project, "first") == project / "notebooks" / "first.ipynb"


# Reasons


def put(project: Path, job, status: str = "ok", run_id: str = "r1", needs_store: bool = True) -> None:
    """Put a result of a job into the store, as a run would, and that run beside it."""
    out = project / "outputs"
    failure = Failure("error", "x") if status == "failed" else None
    record = NotebookRecord(job.name, NotebookStatus(status), key=job.key, failure=failure)
    with begin(out, run_id) as folder:
        if needs_store:
            keep(out, folder.path, record, job.made_of)
        publish(folder, RunRecord(run_id, RunState.OK, "2026-11-22T04:15:00+00:00", 1.0, RunInfo(), (record,)))


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text("utf-8") + text, "utf-8")


def states(project: Path, *names: str, **options) -> dict[str, tuple[str, str]]:
    return {line.name: (line.state, line.reason) for line in made(project, *names, **options).notebooks}


def test_a_stored_result_is_cached_and_force_runs_it_again(project):
    put(project, made(project).jobs[0])
    assert states(project) == {"first": ("cached", "nothing changed since r1")}
    assert states(project, is_fresh=True) == {"first": ("run", "asked for with --force")}


def test_a_setting_turned_and_saved_makes_what_depends_on_it_run_again_and_nothing_else(project):
    add(project, "third")
    names = ("first", "second", "third")
    for place, job in enumerate(made(project, *names).jobs):
        put(project, job, run_id=f"r{place}")
    assert {state for state, _ in states(project, *names).values()} == {"cached"}
    path, module = project / "configs" / "first.yaml", analyses(project)["first"]
    module.analyze = lambda inputs, config: SimpleNamespace(
        headline=say("x"), figures={}, tables={}, caveats=(), actions=()
    )
    panel = Panel(module, None, load(path, module.Config, project), Saved(path, project, "en", ""))
    panel.controls["limit"].value = 6
    panel.save.click()
    panel.write.click()
    after = states(project, *names)
    assert after["first"] == ("run", "first.limit 4 -> 6")
    assert {name: state for name, (state, _) in after.items()} == {"first": "run", "second": "run", "third": "cached"}


def test_a_number_turned_in_a_rule_and_saved_is_told_with_its_place(project):
    text = SURFACE.replace(
        "import Section, setting", "import Section, setting\nfrom csworkbench.filters import Condition"
    )
    text = text.replace(
        "\n\n@dataclass", '\n    where: Condition = setting(tunable=True, description="Who")\n\n@dataclass', 1
    )
    (project / "analyses" / "first.py").write_text(text.format(reads=("accounts",), needs=(), optional=()))
    path = project / "configs" / "first.yaml"
    path.write_text("limit: 4\nwhere: {not: {attribute: arr, at_least: 100}}  # as agreed\n")
    put(project, made(project).jobs[0])
    module = analyses(project)["first"]
    module.analyze = lambda inputs, config: SimpleNamespace(
        headline=say("x"), figures={}, tables={}, caveats=(), actions=()
    )
    panel = Panel(module, None, load(path, module.Config, project), Saved(path, project, "en", ""))
    panel.controls["where.not.at_least"].value = 250
    panel.save.click()
    panel.write.click()
    assert states(project)["first"] == ("run", "first.where.not.at_least 100.0 -> 250.0")
    assert path.read_text() == "limit: 4\nwhere: {not: {attribute: arr, at_least: 250}}  # as agreed\n"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("config", "first.limit 4 -> 5"),
        ("override", "first.limit 4 -> 7"),
        ("rows", "row count of accounts changed 2 -> 3"),
        ("content", "content of accounts changed"),
        ("day", "as_of changed 2026-03-31 -> 2026-02-15"),
        ("cell", "its notebook changed in cell 2"),
        ("module", "the program changed"),
        ("workspace", "workspace.currency EUR -> SEK"),
    ],
)
def test_a_plan_says_what_changed_since_the_last_result(project, change, reason):
    put(project, made(project).jobs[0])
    options = {"day": {"as_of": "2026-02-15"}, "override": {"overrides": [Override("first", "limit", 7)]}}
    accounts = project / "data" / "accounts.csv"
    match change:
        case "config":
            (project / "configs" / "first.yaml").write_text("limit: 5\n")
        case "rows":
            append(accounts, "a3,Ö,2026-02-02\n")
        case "content":
            accounts.write_text(accounts.read_text("utf-8").replace("漢", "Ö"), "utf-8")
        case "cell":
            write_notebook(project, "first", body="x = 2")
        case "module":
            append(project / "analyses" / "first.py", "LEVEL = 1\n")
        case "workspace":
            (project / "workspace.yaml").write_text(WORKSPACE + "currency: SEK\n")
    assert states(project, **options.get(change, {}))["first"] == ("run", reason)


def test_many_changes_are_told_by_the_first_three():
    before = {
        "parameters": {},
        "config": {"a": 1, "b": [2], "c": 3, "d": 4},
        "workspace": {},
        "inputs": {},
        "cells": [],
    }
    before |= {"ends_on": "x", "versions": {}, "code": "c", "upstream": {}}
    now = before | {"config": {"a": 2, "b": [3], "c": None, "e": "long " * 20}}
    assert why("n", before, now) == "n.a 1 -> 2; n.b.0 2 -> 3; n.c 3 -> none; and 2 more"


def test_a_changed_threshold_reruns_what_depends_on_it_and_nothing_else(project):
    add(project, "alone")
    for number, job in enumerate(made(project, "second", "alone").jobs):
        put(project, job, run_id=f"r{number}")
    (project / "configs" / "first.yaml").write_text("limit: 5\n")
    assert {name: line for name, line in states(project, "second", "alone").items() if name != "alone"} == {
        "first": ("run", "first.limit 4 -> 5"),
        "second": ("run", "first changed"),
    }
    assert states(project, "alone")["alone"][0] == "cached"


def test_what_failed_is_run_again_and_a_stored_stop_blocks_again(project):
    first, _ = made(project, "second").jobs
    put(project, first, "failed")
    assert states(project)["first"] == ("run", "it failed in r1")
    put(project, first, "stop", run_id="r2")
    assert states(project, "second") == {
        "first": ("cached", "nothing changed since r2"),
        "second": ("blocked", "needs first, whose result says stop"),
    }


def test_a_result_that_is_not_stored_any_more_is_run_again_and_said_so(project):
    put(project, made(project).jobs[0], needs_store=False)
    assert states(project)["first"] == ("run", "its result of r1 is not in the store")
    (project / "configs" / "first.yaml").write_text("limit: 5\n")
    assert states(project)["first"] == ("run", "what its last result was made of is not stored")


def test_a_record_of_a_run_that_cannot_be_read_says_nothing(project):
    (project / "outputs" / "runs" / "r0").mkdir(parents=True)
    (project / "outputs" / "runs" / "r0" / "run.json").write_text("{")
    assert states(project)["first"] == ("run", "there is no result of it yet")


# Reading again


def refuse_to_read(*arguments, **options):
    raise AssertionError("the data was opened again")


def test_data_is_not_opened_again_while_none_of_its_files_changed(project, monkeypatch):
    before = made(project)
    monkeypatch.setattr("csworkbench.sources.read_book", refuse_to_read)
    after = made(project)
    assert (after.jobs, after.inputs, after.as_of) == (before.jobs, before.inputs, before.as_of)
    assert made(project, is_dry=True).jobs == before.jobs


@pytest.mark.parametrize("change", ["data", "time", "new file", "day", "typed", "record", "damage"])
def test_data_is_opened_again_when_anything_it_is_read_from_changed(project, monkeypatch, change):
    (project / "workspace.yaml").write_text(WORKSPACE.replace("data/nps.csv", "'data/n*.csv'"))
    made(project)
    options = {"as_of": "2026-02-15"} if change == "day" else {}
    match change:
        case "data":
            append(project / "data" / "nps.csv", "r2,a1,2026-03-30,9\n")
        case "time":
            os.utime(project / "data" / "nps.csv", (1, 1))
        case "new file":
            (project / "data" / "n2.csv").write_text("response_id,account_id,responded_at,score\n")
        case "typed":
            next((project / "outputs" / "cache").glob("accounts-*.parquet")).unlink()
        case "record":
            (project / "records" / "lists").mkdir(parents=True)
            (project / "records" / "lists" / "x.csv").write_text("")
        case "damage":
            next((project / "outputs" / "cache").glob("reading-*.json")).write_text("{")
    monkeypatch.setattr("csworkbench.sources.read_book", refuse_to_read)
    with pytest.raises(AssertionError, match=r"the data was opened again"):
        made(project, **options)


def test_what_a_reading_adds_to_the_archive_does_not_cause_another(project, monkeypatch):
    (project / "data" / "accounts.csv").write_text("account_id,name,signed_up_on,plan\na1,x,2026-01-05,basic\n")
    made(project)
    assert list((project / "records" / "history" / "accounts").glob("*.parquet"))
    monkeypatch.setattr("csworkbench.sources.read_book", refuse_to_read)
    made(project)


def test_a_file_that_changed_within_a_tick_of_the_clock_is_told_by_its_bytes(project, monkeypatch):
    monkeypatch.setattr(memory.Memory, "_marked", lambda self, states: "f" * 64)  # the same size, times and inode
    made(project)
    monkeypatch.setattr("csworkbench.sources.read_book", refuse_to_read)
    made(project)
    append(project / "data" / "nps.csv", "r2,a1,2026-03-30,9\n")
    with pytest.raises(AssertionError, match=r"the data was opened again"):
        made(project)
