"""The desk of a notebook: where it stands, what it reads, what it leaves."""

import json
from dataclasses import dataclass, field
from datetime import date
from types import ModuleType, SimpleNamespace

import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter

from csworkbench import session
from csworkbench.config import Section, setting
from csworkbench.errors import ConfigError, RunError
from csworkbench.estimates import Caveat, Estimate, Message, Part, Shown, say
from csworkbench.runner.pages import write_page
from csworkbench.store import NotebookRecord, NotebookStatus, RunInfo, read_result

WORKSPACE = """\
version: 1
name: Nordbok 北书
as_of: 2026-06-30
tables:
  accounts:
    path: data/accounts.csv
    extra: {colour: text}
"""
ACCOUNTS = """\
account_id,name,signup_at,colour
A1,Åsa AB,2026-01-10,red
A2,北京,2026-02-10,blue
A3,Late Ltd,2026-08-01,red
"""


class TinyConfig(Section):
    """Settings of the analysis in these tests."""

    limit: int = setting(10, description="A limit", ge=0, le=100)
    name: str = setting("x", description="A name")


@dataclass(frozen=True)
class TinyResult:
    limit: int
    caveats: tuple[Caveat, ...] = ()
    actions: tuple[Message, ...] = ()
    headline: Message = field(default=say("All is well"))

    @property
    def figures(self):
        return {"limit": Estimate(self.limit, "accounts", 3)}

    @property
    def tables(self):
        return {"rows": pd.DataFrame({"account_id": ["+46 70 12345"], "value": [1.5]})}


TinyResult.__module__ = "csworkbench.analyses.tiny"


def analysis(name, needs=(), needs_if_present=()):
    module = ModuleType(f"csworkbench.analyses.{name}")
    module.NEEDS, module.NEEDS_IF_PRESENT = needs, needs_if_present
    module.Config, module.Result = TinyConfig, TinyResult
    module.prepare = lambda snapshot, config, upstream: config
    module.analyze = lambda inputs, config: TinyResult(config.limit)
    return module


@pytest.fixture
def project(tmp_path, monkeypatch):
    for folder in ("configs", "notebooks", "data"):
        (tmp_path / folder).mkdir()
    (tmp_path / "configs" / "workspace.yaml").write_text(WORKSPACE, "utf-8")
    (tmp_path / "configs" / "tiny.yaml").write_text("limit: 12\n", "utf-8")
    (tmp_path / "data" / "accounts.csv").write_text(ACCOUNTS, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("csworkbench.planner.analyses", lambda root: {"tiny": analysis("tiny")})
    return tmp_path


def published(project, run="runs/a", **settings):
    """Let a notebook of a run leave its result, and return the folder of the run."""
    folder = project / "outputs" / run / "tiny"
    desk = session.start(output_dir=str(folder), overrides=settings)
    desk.config(analysis("tiny"))
    desk.conclude(TinyResult(settings.get("limit", 12)))
    return folder.parent


@pytest.mark.parametrize("folder", [".", "notebooks"])
def test_the_project_is_found_from_its_root_and_from_its_notebooks(project, monkeypatch, folder):
    monkeypatch.chdir(project / folder)
    assert session.start().root == project
    assert session.start("configs/workspace.yaml").root == project


def test_a_workspace_that_is_not_there_is_named(project):
    with pytest.raises(ConfigError, match=r"other/workspace\.yaml"):
        session.start("other/workspace.yaml")


def test_the_date_is_the_notebooks_else_the_workspaces(project):
    assert session.start().as_of == date(2026, 6, 30)
    assert session.start(as_of="2026-03-31").as_of == date(2026, 3, 31)


def test_a_date_that_is_none_is_refused_with_the_right_form(project):
    with pytest.raises(ConfigError, match=r"as_of: '31\.3\.2026' is not a date; write it as 2026-09-30"):
        session.start(as_of="31.3.2026").as_of  # noqa: B018


def test_the_snapshot_holds_what_was_known_and_is_taken_once(project):
    desk = session.start()
    assert desk.snapshot is desk.snapshot
    accounts = desk.snapshot.tables["accounts"].to_pandas()
    assert sorted(accounts["account_id"]) == ["A1", "A2"]  # A3 signs up in August


def test_settings_come_from_the_file_named_like_the_analysis(project):
    assert session.start().config(analysis("tiny")).limit == 12


def test_settings_come_from_another_file_when_it_is_given(project):
    (project / "configs" / "strict.yaml").write_text("limit: 3\n", "utf-8")
    assert session.start(config="configs/strict.yaml").config(analysis("tiny")).limit == 3


def test_overrides_replace_the_files_values(project):
    config = session.start(overrides={"limit": 50}).config(analysis("tiny"))
    assert (config.limit, config.name) == (50, "x")


def test_an_override_is_checked_like_the_file(project):
    with pytest.raises(ConfigError, match="limit"):
        session.start(overrides={"limit": 500}).config(analysis("tiny"))


def test_a_result_is_written_with_its_settings_and_tables(project):
    folder = published(project) / "tiny"
    stored = json.loads((folder / "result.json").read_text("utf-8"))
    assert (stored["analysis"], stored["as_of"], stored["config"]) == ("tiny", "2026-06-30", {"limit": 12, "name": "x"})
    assert (folder / "tables" / "rows.csv").read_text("utf-8").splitlines() == ["account_id,value", "+46 70 12345,1.5"]


def test_a_part_of_a_result_gets_a_folder_and_a_page_of_its_own(project):
    @dataclass(frozen=True)
    class Whole(TinyResult):
        parts: tuple[Part, ...] = (
            Part("playbook", "tour", "The <tour>", TinyResult(3), (Shown("rows", "Rows"),)),
            Part("playbook", "巡回", "巡回", TinyResult(4)),
        )

    Whole.__module__ = TinyResult.__module__
    folder = project / "outputs" / "runs" / "a" / "tiny"
    desk = session.start(output_dir=str(folder))
    desk.config(analysis("tiny"))
    desk.conclude(Whole(12))
    (folder / "notebook.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}', "utf-8")
    write_page(folder, NotebookRecord("tiny", NotebookStatus.OK), RunInfo(project="book"))
    first, second = read_result(folder).parts
    assert (first.folder, read_result(folder / first.folder).figures["limit"].value) == ("by/tour", 3)
    page = (folder / "by" / "tour" / "report.html").read_text("utf-8")
    assert "The &lt;tour&gt;" in page
    assert '<a href="../../report.html">' in page
    assert '<a href="../../../index.html">' in page
    assert '<a href="../../notebook.ipynb">' in page
    assert "+46 70 12345" in page
    whole = (folder / "report.html").read_text("utf-8")
    assert '<a href="by/tour/report.html">The &lt;tour&gt;</a>: All is well.' in whole
    assert f'<a href="{second.folder}/report.html">巡回</a>' in whole


def test_nothing_is_written_without_an_output_folder(project):
    before = sorted(project.rglob("*"))
    desk = session.start()
    desk.config(analysis("tiny"))
    desk.conclude(TinyResult(12))
    assert sorted(project.rglob("*")) == before


def test_a_result_is_not_written_before_its_settings_were_read(project):
    with pytest.raises(ConfigError, match=r"not read with desk\.config\(tiny\)"):
        session.start(output_dir="outputs/x").conclude(TinyResult(12))


def test_in_a_run_a_needed_result_is_the_one_published_beside(project):
    run = published(project, limit=77)
    desk = session.start(output_dir=str(run / "second"))
    upstream = desk.upstream(analysis("second", needs=("tiny",)))
    assert upstream["tiny"].figures["limit"].value == 77
    assert upstream["tiny"].tables["rows"]["account_id"].tolist() == ["+46 70 12345"]


def test_in_a_run_a_needed_result_that_is_missing_is_an_error(project):
    desk = session.start(output_dir="outputs/runs/a/second")
    with pytest.raises(RunError, match=r"result\.json"):
        desk.upstream(analysis("second", needs=("tiny",)))


def test_in_a_run_a_result_that_may_be_missing_is_left_out(project):
    desk = session.start(output_dir="outputs/runs/a/second")
    assert desk.upstream(analysis("second", needs_if_present=("tiny",))) == {}


def test_alone_the_latest_result_is_used_when_date_and_settings_agree(project, capsys):
    published(project, "latest")
    upstream = session.start().upstream(analysis("second", needs=("tiny",)))
    assert upstream["tiny"].folder == project / "outputs" / "latest" / "tiny"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("change", [{"as_of": "2026-03-31"}, {"limit": 9}])
def test_alone_another_date_or_other_settings_are_computed_here_and_it_says_so(project, capsys, change):
    published(project, "latest", **({"limit": 9} if "limit" in change else {}))
    desk = session.start(as_of=change.get("as_of", ""))
    upstream = desk.upstream(analysis("second", needs=("tiny",)))
    assert upstream["tiny"].figures["limit"].value == 12
    assert upstream["tiny"].config == {"limit": 12, "name": "x"}
    assert "tiny: no run of" in capsys.readouterr().err


def test_alone_a_result_that_may_be_missing_is_not_computed(project):
    assert session.start().upstream(analysis("second", needs_if_present=("tiny",))) == {}


def test_the_text_of_a_desk_names_the_book_and_no_path(project):
    desk = session.start()
    assert repr(desk) == "Desk('Nordbok 北书', as_of=2026-06-30)"


def test_a_bare_result_at_the_end_of_a_cell_is_shown_as_its_view(project, monkeypatch):
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    monkeypatch.setattr(session, "_shell", lambda: shell)
    session.start().config(analysis("tiny"))
    data, metadata = shell.display_formatter.format(TinyResult(12))
    assert "All is well" in data["text/html"]
    assert metadata["csworkbench"] == {"slot": "verdict"}


def test_texts_of_a_desk_depend_on_no_path(project):
    desk = session.start()
    config = desk.config(analysis("tiny"))
    texts = [view.text for view in (desk.show(TinyResult(12)), desk.conclude(TinyResult(12)), desk.settings(config))]
    assert "All is well" in texts[0]
    assert not any(str(project) in text for text in texts)


def test_a_kernel_of_a_batch_takes_the_threads_the_batch_leaves_it(project, monkeypatch):
    monkeypatch.setenv("CSWORKBENCH_THREADS", "1")
    assert session.start("configs/workspace.yaml").workspace.engine.threads == 1


def test_threads_the_workspace_declares_stay(project, monkeypatch):
    monkeypatch.setenv("CSWORKBENCH_THREADS", "1")
    path = project / "configs" / "workspace.yaml"
    path.write_text(path.read_text("utf-8") + "engine:\n  threads: 3\n", "utf-8")
    assert session.start("configs/workspace.yaml").workspace.engine.threads == 3


def test_alone_results_that_may_be_missing_are_computed_where_the_notebook_asks_for_all(project, capsys):
    tiny = analysis("tiny")
    tiny.READS = ("accounts",)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("csworkbench.planner.analyses", lambda root: {"tiny": tiny})
        found = session.start().upstream(analysis("second", needs_if_present=("tiny", "unknown")), is_whole=True)
    assert list(found) == ["tiny"]
    assert "tiny: no run of" in capsys.readouterr().err


def test_alone_a_result_that_two_others_need_is_computed_once(project, capsys):
    (project / "configs" / "third.yaml").write_text("limit: 12\n", "utf-8")
    both = {"tiny": analysis("tiny"), "third": analysis("third", needs=("tiny",))}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("csworkbench.planner.analyses", lambda root: both)
        found = session.start().upstream(analysis("second", needs=("third", "tiny")))
    assert list(found) == ["third", "tiny"]
    assert capsys.readouterr().err.count("tiny: no run of") == 1


def test_an_analysis_that_may_be_missing_and_is_not_there_is_no_matter(project):
    assert session.start().upstream(analysis("second", needs_if_present=("unknown",))) == {}


def test_controls_are_live_in_a_notebook_of_a_server_and_dead_in_a_run(project, monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert not session.start().is_live
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/tiny.ipynb")
    desk = session.start()
    assert desk.is_live
    assert desk.settings_file(analysis("tiny")) == project / "configs" / "tiny.yaml"
    assert not session.start(output_dir="outputs/x").is_live
