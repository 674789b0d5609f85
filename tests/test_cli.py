"""The command line: streams, exit codes, help, and what each command does."""

import ast
import errno
import importlib
import io
import json
import keyword
import os
import re
import runpy
import signal
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pandas as pd
import pytest
from rich.console import Console

from csworkbench import session
from csworkbench.analyses.plan_validation.lottery import recorded
from csworkbench.cli import checking, main, making, pacing, progress, scaffold
from csworkbench.cli.console import answer, tell
from csworkbench.cli.faults import guarded
from csworkbench.cli.program import COMMANDS, command
from csworkbench.config import load, parse_override
from csworkbench.errors import AnalysisError, ConfigError, DataError, EnvironmentProblem, Problem, RunError
from csworkbench.experiments import Experiment
from csworkbench.planner import analyses
from csworkbench.runner import CellStarted, Kernel, LogLine, NotebookFinished, NotebookStarted, RunStarted, fitting
from csworkbench.sources import Finding
from csworkbench.store import NotebookRecord, NotebookStatus, RunInfo, RunRecord, RunState, begin, publish
from tests.house.places import ROOT, stems

WORKSPACE = "version: 1\nname: Nordbok\nas_of: 2026-06-30\ntables:\n  accounts: {path: data/accounts.csv}\n"
ACCOUNTS = (
    "account_id,name,region,signup_at\nA1,Åsa,north,2026-01-10\nA2,北京,south,2026-02-10\nA3,Bo,north,2026-02-11\n"
)
FILES = ("workspace", "batch", "scorecard", "experiment")
NAMES = [call.__name__ for call, _, _ in COMMANDS]


@pytest.fixture
def csw(capsys):
    """Run one command in this process; return its exit code and what it wrote to both streams."""

    def run(*words):
        capsys.readouterr()
        code = main([str(word) for word in words])
        written = capsys.readouterr()
        return code, written.out, written.err

    return run


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "configs" / "batch").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "configs" / "workspace.yaml").write_text(WORKSPACE, "utf-8")
    (tmp_path / "data" / "accounts.csv").write_text(ACCOUNTS, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def record(name="health", status=NotebookStatus.OK, **more):
    return NotebookRecord(name, status, **more)


# Help


@pytest.mark.parametrize("name", ["", *NAMES])
def test_help_says_purpose_example_and_exit_codes_in_80_columns(csw, name):
    code, out, err = csw(*filter(None, [name]), "--help")
    assert (code, err) == (0, "")
    assert max(map(len, out.splitlines())) <= 80
    assert "Example" in out
    assert "  csw " in out
    assert "Exit codes: 0 ok, 1 " in out


def test_the_examples_of_the_help_use_options_that_exist():
    known = command().commands
    for call, _, examples in COMMANDS:
        parameters = known[call.__name__].params
        options = {option for item in parameters for option in (*item.opts, *item.secondary_opts)}
        words = [word for example in examples for word in example.split()]
        assert {word for word in words if word.startswith("--")} <= options


def test_without_a_command_the_commands_are_listed_with_their_whole_purpose(csw):
    code, out, _ = csw()
    assert code == 0
    assert [f"  {call.__name__:<11}{purpose}" for call, purpose, _ in COMMANDS] == [
        line for line in out.splitlines() if line.lstrip().split(" ")[0] in NAMES
    ]


def test_version_is_one_line_on_stdout(csw):
    from csworkbench import __version__

    assert csw("--version") == (0, f"csworkbench {__version__}\n", "")


# Errors and exit codes


@pytest.mark.parametrize(
    ("words", "near"),
    [(["chek"], "'check'"), (["check", "--config-onli"], "--config-only"), (["run", "--job", "2"], "--jobs")],
)
def test_a_misspelt_command_or_option_is_answered_by_its_nearest_name(csw, words, near):
    code, out, err = csw(*words)
    assert (code, out) == (2, "")
    assert near in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "code"), [(AnalysisError, 1), (RunError, 1), (ConfigError, 2), (DataError, 3), (EnvironmentProblem, 4)]
)
def test_each_kind_of_error_has_its_exit_code_and_its_lines_on_stderr(capsys, error, code):
    def fail():
        raise error(Problem("unknown key", file="a.yaml", line=3, column=1, key="limt", hint="did you mean 'limit'?"))

    assert guarded(fail, as_json=False) == code
    written = capsys.readouterr()
    assert (written.out, written.err) == ("", "a.yaml:3:1: limt: unknown key (did you mean 'limit'?)\n")


def test_an_error_is_a_json_document_too_when_json_was_asked_for(csw, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = csw("check", "--json")
    assert code == 2
    document = json.loads(out)
    assert document["exit_code"] == 2
    assert "no workspace" in document["problems"][0]["message"]


def test_a_wrong_option_is_answered_by_the_help_of_its_command(csw):
    assert "See csw run --help.\n" in csw("run", "--jobs", "none")[2]


def test_a_wrong_option_is_a_json_document_too(csw):
    code, out, _ = csw("check", "--json", "--nonsense")
    assert (code, json.loads(out)["exit_code"]) == (2, 2)


def test_our_own_mistake_is_a_short_message_and_a_log_with_the_traceback(capsys):
    def fail():
        return {}["secret key"]

    assert guarded(fail, as_json=False) == 1
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert "unexpected KeyError" in err
    log = Path(err.rstrip().rpartition(" ")[2])
    assert "Traceback" in log.read_text("utf-8")
    log.unlink()


def test_what_the_machine_refuses_names_the_path_and_exits_4(capsys):
    def fail():
        raise OSError(errno.ENOSPC, "No space left on device", "/full/place")

    assert guarded(fail, as_json=False) == 4
    err = capsys.readouterr().err
    assert err.startswith("/full/place: No space left on device")
    Path(err.rstrip().rpartition(" ")[2]).unlink()


@pytest.mark.parametrize("write", [answer, tell])
def test_control_characters_reach_no_terminal(capsys, write):
    write("a\x1b[31mred\x1b]8;;http://x\x07link‮\nsecond")
    written = capsys.readouterr()
    text = written.out + written.err
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "‮" not in text
    assert text.endswith("\nsecond\n")


@pytest.mark.parametrize(("write", "read", "other"), [("answer", "stdout", "stderr"), ("tell", "stderr", "stdout")])
def test_a_stream_whose_reader_left_ends_nothing(write, read, other):
    script = f"from csworkbench.cli.console import {write}\nfor n in range(20000): {write}(f'line {{n}}')"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    getattr(process, read).readline()
    getattr(process, read).close()
    assert getattr(process, other).read() == b""
    getattr(process, other).close()
    assert process.wait() == 0


def test_streams_closed_before_the_start_take_nothing_and_the_code_stays(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    code = main(["no-such-command"])
    sys.stdout.close()
    sys.stderr.close()
    assert code == 2


def test_help_nobody_reads_to_its_end_is_no_failure():
    reading, writing = os.pipe()
    os.close(reading)
    script = "import sys\nfrom csworkbench.cli import main\nsys.exit(main(['--help']))"
    ended = subprocess.run([sys.executable, "-c", script], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_sigterm_ends_a_command_with_143_and_removes_what_is_temporary(tmp_path):
    def work():
        with tempfile.TemporaryDirectory(dir=tmp_path):
            signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    assert guarded(work, as_json=False) == 143
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) == before


# Progress


EVENTS = [
    RunStarted("r1", ("health",), 2),
    NotebookStarted("health", 5),
    CellStarted("health", 0, 5, 2, "[bold]Load"),
    CellStarted("health", 1, 5, 3, "[bold]Load"),
    LogLine("kernel is slow", "health"),
    NotebookFinished(record(seconds=1.25, headline="1 account is at risk")),
]


def test_without_a_terminal_each_step_is_one_plain_line():
    lines = []
    listen = progress.plain_lines(lines.append)
    for event in EVENTS:
        listen(event)
    assert lines == [
        "run r1: health",
        "health: started",
        "health: 1/5 [bold]Load",
        "health: kernel is slow",
        "health: ok: 1 account is at risk (1.2 s)",
    ]


def test_on_a_terminal_running_notebooks_are_rows_that_disappear():
    screen = io.StringIO()
    bars = progress._table(Console(file=screen, force_terminal=True, width=100))
    table = progress._Table(bars, {})
    for event in EVENTS[:4]:
        table(event)
    bars.refresh()
    assert [task.fields["step"] for task in bars.tasks] == ["r1", "[bold]Load"]
    table(NotebookFinished(record(status=NotebookStatus.FAILED, reason="stopped in [cell] 3")))
    assert [(task.fields["name"], task.completed) for task in bars.tasks] == [("run", 1)]
    assert "health: failed: stopped in [cell] 3" in screen.getvalue()


def test_a_terminal_tells_the_time_left_by_the_run_before():
    times = iter([0.0, 0.0, 0.0, 100.0, 100.0])
    bars = progress._table(Console(file=io.StringIO(), force_terminal=True, width=100))
    table = progress._Table(bars, {"health": 130.0, "proof": 170.0}, lambda: next(times))
    said = []
    for event in (RunStarted("r1", ("health", "proof"), 1), NotebookStarted("health", 5), EVENTS[2]):
        table(event)
        said.append(bars.tasks[0].fields["step"])
    # 130 + 170 s; the same; 100 s later 200 s
    assert said == ["about 5 min left", "about 5 min left", "about 3 min left"]


@pytest.mark.parametrize(
    ("waiting", "running", "workers", "left"),
    [
        (["a", "b"], {}, 1, 90.0),  # 60 + 30
        (["a", "b"], {}, 2, 60.0),  # shared it would be 45, but a alone takes 60
        (["b", "new"], {"a": 40.0}, 1, 95.0),  # 30, the usual 45, and what is left of a
        ([], {"a": 100.0}, 2, 0.0),  # it takes longer than before
    ],
)
def test_the_time_left_is_that_of_earlier_runs_shared_among_the_workers(waiting, running, workers, left):
    assert pacing.seconds_left({"a": 60.0, "b": 30.0}, waiting, running, workers) == left


def test_without_an_earlier_run_nothing_is_said_of_the_time_left(tmp_path):
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "run.json").write_text("{", "utf-8")
    assert pacing.earlier_seconds(tmp_path) == {}
    assert pacing.in_words(pacing.seconds_left({}, ["a"], {}, 1)) == ""


def test_the_seconds_of_notebooks_that_were_executed_are_remembered(tmp_path):
    (tmp_path / "latest").mkdir()
    notebooks = '[{"name": "a", "seconds": 1.5}, {"name": "skipped", "seconds": 0.0}]'
    (tmp_path / "latest" / "run.json").write_text(f'{{"notebooks": {notebooks}}}', "utf-8")
    assert pacing.earlier_seconds(tmp_path) == {"a": 1.5}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(160.0, "about 3 min left"), (89.0, "about 90 s left"), (4.9, "a few seconds left")],
)
def test_time_left_is_told_roughly(seconds, said):
    assert pacing.in_words(seconds) == said


@pytest.mark.parametrize("given", ["0", "two", "-1", "1.5"])
def test_jobs_are_a_number_or_auto(csw, ready, ran, given):
    code, _, err = csw("run", f"--jobs={given}")
    assert code == 2
    assert "is neither auto nor a whole number from 1" in err


def test_a_run_takes_the_kernel_and_the_jobs_it_is_told_or_what_suits_the_machine(csw, ready, ran):
    csw("run", "--kernel", "stock", "--jobs", "3")
    assert (ran["options"].kernel, ran["options"].workers) == (Kernel.STOCK, 3)
    csw("run")
    assert (ran["options"].kernel, ran["options"].workers) == (Kernel.AUTO, fitting())


def test_a_long_reading_says_how_far_it_is_every_15_seconds():
    lines, times = [], iter([0, 14, 15, 29, 31])  # the first is the beginning
    listen = progress.plain_rows(lines.append, lambda: next(times))
    for rows in (50_000, 100_000, 150_000, 1_200_000):
        listen("usage_daily", rows)
    assert lines == ["usage_daily: 100,000 rows read so far", "usage_daily: 1,200,000 rows read so far"]


def test_on_a_terminal_the_rows_read_so_far_are_one_line_drawn_again(monkeypatch):
    screen = io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("rich.console.Console", lambda **_: Console(file=screen, force_terminal=True, width=100))
    with progress.reading() as listen:
        listen("usage_daily", 50_000)
    assert "usage_daily: 50,000 rows read so far" in screen.getvalue()
    assert screen.getvalue().count("\n") <= 1


def test_a_notebook_that_failed_says_why():
    assert (
        progress.outcome(record(status=NotebookStatus.FAILED, reason="stopped in cell 3"))
        == "health: failed: stopped in cell 3"
    )


# run, plan


@pytest.fixture
def ready(csw, project):
    """A project with one analysis of its own in its batch."""
    assert csw("new", "referrals")[0] == 0
    (project / "configs" / "batch" / "nightly.yaml").write_text(
        "version: 1\nnotebooks:\n  - name: referrals\n", "utf-8"
    )
    return project


@pytest.fixture
def ran(monkeypatch):
    """Stand in for the runner: keep what it was given, and return a record with two notebooks."""
    given = {}

    def run(jobs, out, options, listen):
        given.update(jobs=jobs, out=out, options=options)
        for event in EVENTS:
            listen(event)
        notebooks = (
            record(headline="1 account is at risk"),
            record("proof", NotebookStatus.FAILED, reason="stopped in cell 3"),
        )
        folder = out / "runs" / options.run_id
        return RunRecord(options.run_id, RunState.FAILED, "2026-07-01", 1.0, options.info, notebooks, folder=folder)

    monkeypatch.setattr("csworkbench.runner.run", run)
    return given


def test_run_ends_with_a_line_per_notebook_and_the_page_to_open(csw, ready, ran):
    code, out, err = csw("run", "--jobs", "1", "--as-of", "2026-03-31", "--set", "referrals.level=0.9")
    assert code == 1  # the record's: a notebook failed
    assert out.splitlines() == [
        "health: ok: 1 account is at risk",
        "proof: failed: stopped in cell 3",
        "open outputs/latest/index.html",
    ]
    assert "health: started" in err
    (job,) = ran["jobs"]
    assert job.parameters["as_of"] == "2026-03-31"
    assert job.parameters["overrides"] == {"level": 0.9}
    assert ran["options"].workers == 1


def test_a_second_run_parses_no_file_and_its_log_says_so(csw, ready, ran, monkeypatch):
    csw("run")
    (first,) = ran["options"].tables
    assert (first.table, first.files, first.rows, first.set_aside) == ("accounts", ("data/accounts.csv",), 3, 0)
    assert not first.was_cached
    monkeypatch.setattr("csv.reader", lambda *_, **__: pytest.fail("a CSV was parsed again"))
    csw("run")
    assert ran["options"].tables[0].was_cached


def test_the_output_folder_counts_from_where_one_stands(csw, ready, ran, monkeypatch):
    monkeypatch.chdir(ready / "data")
    _, out, _ = csw("run", "--out", "mine")
    assert ran["out"] == ready / "data" / "mine"
    assert out.splitlines()[-1] == "open mine/latest/index.html"


def test_a_second_run_is_refused_before_it_reads_any_data(csw, ready, ran):
    (ready / "data" / "accounts.csv").unlink()  # reading it would be exit 3
    with begin(ready / "outputs", "r1"):
        code, _, err = csw("run")
    assert code == 4
    assert f"another run is writing here: pid {os.getpid()}, run r1" in err


def test_the_setting_that_the_help_shows_is_one():
    (text,) = [item.help for item in command().commands["run"].params if item.name == "settings"]
    example = re.search(r"e\.g\. (\S+=[^\s;]+)", text)[1]
    change = parse_override(example)
    repository = Path(__file__).parents[1]
    module = analyses(repository)[change.name]
    config = load(repository / "configs" / f"{change.name}.yaml", module.Config, repository, {change.key: change.value})
    assert getattr(config, change.key) == change.value


def test_the_answer_of_a_run_as_json_is_its_record(csw, ready, ran):
    code, out, _ = csw("run", "--json")
    answered = json.loads(out)
    assert code == answered["exit_code"] == 1
    assert [item["status"] for item in answered["notebooks"]] == ["ok", "failed"]


def test_plan_shows_notebooks_inputs_and_files_and_writes_nothing(csw, ready):
    before = {path: path.stat().st_mtime_ns for path in ready.rglob("*")}
    code, out, _ = csw("plan")
    assert code == 0
    assert "referrals  run" in out
    assert "accounts  3     0          2026-02-11" in out
    assert "  referrals/report.html" in out
    assert {path: path.stat().st_mtime_ns for path in ready.rglob("*")} == before


def test_a_misspelt_notebook_is_answered_by_its_nearest_name(csw, ready):
    code, _, err = csw("plan", "referal")
    assert code == 2
    assert "did you mean 'referrals'?" in err


def test_a_misspelt_setting_is_refused_before_anything_starts(csw, ready, ran):
    code, _, err = csw("run", "--set", "referrals.levle=0.9")
    assert code == 2
    assert "level" in err
    assert ran == {}


# check


def test_every_problem_of_every_config_comes_at_once_with_its_place(csw, project):
    (project / "configs" / "workspace.yaml").write_text(WORKSPACE + "langage: en\n", "utf-8")
    (project / "configs" / "health.yaml").write_text("no_such_key: 1\n", "utf-8")
    code, out, err = csw("check", "--config-only")
    assert (code, out) == (2, "")
    assert "configs/workspace.yaml:6:1: langage" in err
    assert "configs/health.yaml:1:1: no_such_key" in err


def test_data_is_checked_after_the_configs(csw, project):
    code, out, _ = csw("check", "configs/workspace.yaml")
    assert (code, out) == (0, "configs/workspace.yaml: ok\n")
    reports = checking._reports(checking_project(project))
    assert reports["accounts"].rows == 3


def test_what_holds_of_many_tables_alike_takes_one_line(csw, project, monkeypatch):
    def found(table, column, rule="assumed", action="kept"):
        return Finding(table, rule, column, 1200, "", f"{table}.csv", "counts as known then", action)

    names = ("accounts", "tickets", "touches", "leads")
    reports = {
        name: SimpleNamespace(table=name, rows=1200, quarantined=0, findings=[found(name, "known_at")])
        for name in names
    }
    reports["leads"].findings.append(found("leads", "title", "late", "quarantined"))
    monkeypatch.setattr(checking, "_reports", lambda project: reports)
    (project / "configs" / "batch" / "nightly.yaml").write_text("version: 1\nnotebooks: []\n", "utf-8")
    code, out, err = csw("check")
    assert code == 0, err
    assert out.splitlines()[-3:] == [
        "leads: 1,200 rows, 0 set aside",
        "leads.csv: leads.title: late: 1,200 rows quarantined (counts as known then)",
        "assumed: rows kept (counts as known then): accounts.known_at 1,200, tickets.known_at 1,200, "
        "touches.known_at 1,200, leads.known_at 1,200",
    ]


def test_a_check_names_the_file_of_the_rows_it_set_aside(csw, project):
    (project / "configs" / "batch" / "nightly.yaml").write_text("version: 1\nnotebooks: []\n", "utf-8")
    lines = (project / "data" / "accounts.csv").read_text("utf-8").splitlines()
    bad = ",".join(["X9", *("2026-02-30" if "_at" in name else "x" for name in lines[0].split(",")[1:])])
    (project / "data" / "accounts.csv").write_text("\n".join([*lines, bad]) + "\n", "utf-8")
    code, out, err = csw("check")
    assert code == 0, err
    assert "accounts: 3 rows, 1 set aside (listed in outputs/cache/quarantine/accounts.csv)" in out.splitlines()
    assert "2026-02-30" in (project / "outputs" / "cache" / "quarantine" / "accounts.csv").read_text("utf-8")


def test_a_check_says_that_lists_will_stop_where_nobody_says_who_refused(csw, project, monkeypatch):
    from types import SimpleNamespace

    def report(name, rows):
        return SimpleNamespace(table=name, rows=rows, quarantined=0, findings=[])

    reports = {name: report(name, rows) for name, rows in (("accounts", 3), ("contacts", 5), ("suppressions", 0))}
    monkeypatch.setattr(checking, "_reports", lambda project: reports)
    (project / "configs" / "batch" / "nightly.yaml").write_text("version: 1\nnotebooks: []\n", "utf-8")
    code, out, err = csw("check")
    assert code == 0, err
    assert [line.split(" (")[0] for line in out.splitlines() if line.startswith("warning")] == [
        "warning: tables.consents: nobody is listed: consents: not in the workspace",
        "warning: tables.suppressions: nobody is listed: suppressions: 0 rows, at least 1 are expected",
    ]
    assert "In order, but every list of contacts will stop." in err


def test_data_of_a_read_only_project_is_checked_and_nothing_is_left(csw, project, monkeypatch):
    def may_write(path, mode):  # as root could all the same
        return not Path(path).is_relative_to(project)

    monkeypatch.setattr("csworkbench.sources.cache.os.access", may_write)
    before = sorted(project.rglob("*"))
    assert checking._reports(checking_project(project))["accounts"].rows == 3
    assert sorted(project.rglob("*")) == before


def checking_project(root):
    from csworkbench.cli.catalog import Project

    return Project(root, root / "configs" / "workspace.yaml")


def test_a_path_that_is_no_config_is_refused(csw, project):
    code, _, err = csw("check", "data/accounts.csv")
    assert code == 2
    assert "data/accounts.csv: is no config of this project" in err


# describe, schema


def test_describe_lists_what_can_be_described(csw, project):
    code, out, _ = csw("describe")
    assert code == 0
    assert {*FILES, *stems()} <= {line.split()[0] for line in out.splitlines()}


def test_describe_says_meaning_default_value_and_place_of_a_key(csw, project):
    code, out, _ = csw("describe", "workspace")
    assert code == 0
    assert "name = Nordbok" in out
    assert "configs/workspace.yaml:2" in out


def test_describe_says_what_the_columns_of_a_table_mean(csw, project):
    code, out, _ = csw("describe", "accounts")
    assert code == 0
    assert out.startswith("accounts: the table, one row per account")
    assert "  arr\n" in out
    said = json.loads(csw("describe", "accounts", "--json")[1])
    assert [each["rules"] for each in said["columns"] if each["column"] == "account_id"] == ["required; filled"]


def test_describe_hints_at_the_nearest_name(csw, project):
    code, _, err = csw("describe", "helth")
    assert code == 2
    assert "did you mean 'health'?" in err


@pytest.mark.parametrize("name", [*FILES, *stems()])
def test_a_printed_schema_is_a_valid_json_schema(csw, project, name):
    code, out, _ = csw("schema", name)
    assert code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(out))


# init, sample


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """A small project that stands for the one inside the wheel."""
    source = tmp_path / "packaged"
    shown = (
        "configs/workspace.yaml",
        "notebooks/health.ipynb",
        "data/samples/accounts.csv",
        "records/lotteries/tour.csv",
    )
    for file in (*shown, "notebooks/.hidden"):
        (source / file).parent.mkdir(parents=True, exist_ok=True)
        (source / file).write_text(file, "utf-8")
    monkeypatch.setattr(making, "_packaged_project", lambda: source)
    monkeypatch.chdir(tmp_path)
    return source


def test_init_copies_configs_notebooks_and_samples_and_says_what_to_change(csw, packaged):
    code, out, err = csw("init", "book")
    assert code == 0
    assert [line for line in out.splitlines() if "/.schemas/" not in line] == [
        "book/.gitignore", "book/README.md", "book/configs/workspace.yaml", "book/data/samples/accounts.csv",
        "book/notebooks/health.ipynb", "book/records/lotteries/tour.csv",
    ]  # fmt: skip
    assert "csw check && csw run" in err
    readme = Path("book/README.md").read_text("utf-8")
    assert "Put your own data in" in readme
    # Lists that were made official are in no other place: who throws them away loses every drawn start order.
    assert all(name in readme for name in ("`records/`", "`configs/playbooks/*.yaml`", "csw playbooks apply latest"))


def test_init_names_the_schema_of_each_config_for_editors(csw, packaged):
    csw("init", "book")
    first, rest = Path("book/configs/workspace.yaml").read_text("utf-8").split("\n", 1)
    assert first == "# yaml-language-server: $schema=../.schemas/workspace.json"
    assert rest == "configs/workspace.yaml"  # what the package holds
    assert "as_of" in json.loads(Path("book/.schemas/workspace.json").read_text("utf-8"))["properties"]


def test_init_takes_an_empty_folder(csw, packaged):
    Path("book").mkdir()
    assert csw("init", "book")[0] == 0


@pytest.mark.parametrize("there", ["book", "book/note.txt"])
def test_init_refuses_a_folder_with_something_in_it(csw, packaged, there):
    Path(there).parent.mkdir(exist_ok=True)
    Path(there).write_text("mine", "utf-8")
    code, _, err = csw("init", "book")
    assert code == 2
    assert "book: is not an empty folder" in err
    assert Path(there).read_text("utf-8") == "mine"


def test_init_that_cannot_finish_leaves_nothing_behind(csw, packaged, tmp_path):
    (packaged / "notebooks" / "health.ipynb").unlink()
    (packaged / "notebooks" / "health.ipynb").symlink_to("nowhere")
    before = sorted(tmp_path.iterdir())
    assert csw("init", "book")[0] != 0
    assert sorted(tmp_path.iterdir()) == before


def test_sample_writes_a_book_of_the_size_asked_for(csw, tmp_path):
    code, out, _ = csw(
        "sample", "--out", tmp_path / "trial", "--accounts", "30", "--months", "6", "--seed", "7", "--json"
    )
    assert code == 0
    assert "accounts.csv" in json.loads(out)["files"]
    assert len((tmp_path / "trial" / "accounts.csv").read_text("utf-8").splitlines()) == 31


def test_a_sample_book_can_be_a_project_of_its_own(csw, tmp_path):
    words = ("sample", "--accounts", "200", "--months", "12", "--as-project", "--out", tmp_path / "trial")
    assert csw(*words)[0] == 0
    orders = {path.name: path.read_text("utf-8") for path in (tmp_path / "trial" / "records" / "lotteries").iterdir()}
    assert len(recorded(orders).rows) > 0
    assert recorded(orders).problems == ()
    units = pd.read_csv(tmp_path / "trial" / "experiment_units.csv", parse_dates=["assigned_at"])
    drawn = units.groupby("experiment_id")["assigned_at"].agg(["min", "max"])
    for name, (first, last) in drawn.iterrows():
        registered = load(tmp_path / "trial/configs/experiments" / f"{name}.yaml", Experiment, tmp_path / "trial")
        # The window of four weeks of those drawn last is over on the last day.
        assert registered.first_day == first.date()
        assert registered.last_day == last.date() + timedelta(days=28)
    code, _, err = csw("check", "--workspace", tmp_path / "trial" / "configs" / "workspace.yaml")
    assert code == 0
    assert "rows set aside: 0" in err
    code, _, err = csw(*words)
    assert code == 2
    assert "is there already" in err


def test_a_sample_book_replaces_nothing_but_a_sample_book(csw, tmp_path):
    words = ("sample", "--accounts", "20", "--months", "3", "--out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "accounts.csv").write_text("mine\n", "utf-8")
    code, _, err = csw(*words, tmp_path / "mine")
    assert code == 2
    assert "holds something other than a sample book" in err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["accounts.csv"]
    assert [csw(*words, tmp_path / "trial")[0] for _ in range(2)] == [0, 0]


# new


def test_new_writes_five_files_under_one_stem(csw, project):
    code, out, _ = csw("new", "referral_paths", "--json")
    assert code == 0
    assert json.loads(out)["files"] == [
        "analyses/referral_paths.py", "notebooks/referral_paths.ipynb", "configs/referral_paths.yaml",
        "tests/analyses/test_referral_paths.py", "docs/methods/referral_paths.md",
    ]  # fmt: skip
    assert json.loads((project / "notebooks" / "referral_paths.ipynb").read_text("utf-8"))["nbformat"] == 4
    ast.parse((project / "analyses" / "referral_paths.py").read_text("utf-8"))


def test_in_the_repository_a_new_analysis_goes_into_the_package(tmp_path):
    (tmp_path / "csworkbench" / "analyses").mkdir(parents=True)
    (tmp_path / "csworkbench" / "analyses" / "__init__.py").touch()
    assert scaffold.write_analysis(tmp_path, "referrals")[0] == "csworkbench/analyses/referrals.py"
    assert "from csworkbench.analyses import referrals" in (tmp_path / "tests/analyses/test_referrals.py").read_text(
        "utf-8"
    )


@pytest.fixture
def referrals(csw, project, monkeypatch):
    """A new analysis as its notebook would import it."""
    assert csw("new", "referrals")[0] == 0
    monkeypatch.syspath_prepend(project)
    for name in ("analyses", "analyses.referrals"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    yield importlib.import_module("analyses.referrals")
    for name in ("analyses", "analyses.referrals"):
        sys.modules.pop(name, None)


def test_the_test_of_a_new_analysis_passes(project, referrals):
    written = runpy.run_path(str(project / "tests" / "analyses" / "test_referrals.py"))
    tests = [call for name, call in written.items() if name.startswith("test_")]
    assert len(tests) == 6
    for test in tests:
        test()


def test_a_new_analysis_runs_on_a_book(referrals):
    desk = session.start()
    config = desk.config(referrals)
    result = referrals.analyze(referrals.prepare(desk.snapshot, config, desk.upstream(referrals)), config)
    assert result.tables["groups"]["accounts"].tolist() == [2, 1]  # two in the north, one in the south
    assert "small_groups" in [caveat.code for caveat in result.caveats]


@pytest.mark.parametrize(
    "name",
    ["Referrals", "1st", "a-b", "_x", "x__y", "class", "json", "test_x", "x_test", "utils", "start_here", "../x", ""],
)
def test_a_name_that_would_cause_trouble_is_refused(name):
    assert scaffold.why_refused(name)


def test_no_word_of_python_or_its_library_is_an_analysis():
    assert all(scaffold.why_refused(name) for name in {*keyword.kwlist, *keyword.softkwlist, *sys.stdlib_module_names})


def test_new_changes_no_existing_file(csw, project):
    (project / "configs" / "referrals.yaml").write_text("mine: 1\n", "utf-8")
    before = sorted(project.rglob("*"))
    code, _, err = csw("new", "referrals")
    assert code == 2
    assert "configs/referrals.yaml exists" in err
    assert sorted(project.rglob("*")) == before


def test_an_analysis_that_cannot_be_written_whole_leaves_no_file(csw, project):
    (project / "notebooks").write_text("a file where a folder must be", "utf-8")
    before = {path for path in project.rglob("*") if path.is_file()}
    code, _, err = csw("new", "referrals")
    Path(err.rstrip().rpartition(" ")[2]).unlink()  # the log of a fault of the machine
    assert code == 4
    assert {path for path in project.rglob("*") if path.is_file()} == before


# lab


@pytest.fixture
def started(monkeypatch):
    """What `csw lab` would have become: program, words and environment."""
    calls = []
    monkeypatch.setattr(os, "execve", lambda *given: calls.append(given))
    return calls


def test_lab_starts_jupyter_on_this_machine_only_with_the_project_importable(csw, project, monkeypatch, started):
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    assert csw("lab", "--no-browser", "--port", "8899")[0] == 0
    ((program, words, environment),) = started
    assert program == sys.executable
    assert {"--ip=127.0.0.1", "--port=8899", "--no-browser", f"--ServerApp.root_dir={project}"} <= set(words)
    assert environment["PYTHONPATH"].split(os.pathsep) == [str(project), "elsewhere"]
    assert environment["JUPYTER_PREFER_ENV_PATH"] == "1"


def test_lab_starts_warm_kernels_unless_told_otherwise(csw, project, monkeypatch, started):
    from jupyter_client.provisioning import KernelProvisionerFactory

    csw("lab")
    csw("lab", "--kernel", "stock")
    name = "JUPYTER_DEFAULT_PROVISIONER_NAME"
    warm, stock = (environment.get(name) for _, _, environment in started)
    assert warm in KernelProvisionerFactory.instance().get_provisioner_entries()
    assert stock is None


def test_lab_asks_the_network_neither_for_news_nor_for_newer_versions(csw, project, started):
    from jupyterlab.labapp import LabApp

    csw("lab")
    ((_, words, _),) = started
    # Read as JupyterLab reads them: a misspelt option would be a line in its log and no more.
    lab = LabApp()
    lab.parse_command_line(words[3:])
    assert lab.news_url is None
    assert lab.check_for_updates_class.__name__ == "NeverCheckForUpdate"


def test_lab_hands_what_stands_after_two_dashes_to_jupyterlab_last(csw, project, started):
    assert csw("lab", "--", "--allow-root", "--ServerApp.port_retries=0")[0] == 0
    assert started[0][1][-2:] == ["--allow-root", "--ServerApp.port_retries=0"]


@pytest.mark.parametrize(
    ("is_root", "words", "is_told"),
    [(True, [], True), (True, ["--", "--allow-root"], False), (False, [], False)],
)
def test_lab_tells_root_alone_how_jupyterlab_starts_all_the_same(
    csw, project, monkeypatch, started, is_root, words, is_told
):
    monkeypatch.setattr(os, "geteuid", lambda: 0 if is_root else 1000)
    assert ("csw lab -- --allow-root" in csw("lab", *words)[2]) == is_told
    assert len(started) == 1


def test_lab_without_jupyterlab_says_what_to_install(csw, project, monkeypatch):
    monkeypatch.setattr("csworkbench.cli.serving.find_spec", lambda name: None)
    code, _, err = csw("lab")
    assert code == 4
    assert "pip install jupyterlab" in err


# runs, prune


@pytest.fixture
def history(project):
    """Two published runs of one notebook in the project's outputs."""
    for number, headline in (("1", "good"), ("2", "bad")):
        with begin(project / "outputs", f"2026-11-2{number}T1") as folder:
            info, started = RunInfo(as_of="2026-06-30"), f"2026-11-2{number}T04:15:00+00:00"
            notebooks = (record(headline=headline, key=number, cached_from="" if number == "1" else "x"),)
            publish(folder, RunRecord(folder.run_id, RunState.OK, started, 1.25, info, notebooks))
    return project


def test_runs_are_listed_shown_and_compared(csw, history):
    code, out, _ = csw("runs", "list")
    assert (code, [line.split() for line in out.splitlines()[1:]]) == (
        0,
        [
            ["2026-11-22T1", "ok", "2026-06-30", "1/1", "1", "1.2", "s"],
            ["2026-11-21T1", "ok", "2026-06-30", "1/1", "0", "1.2", "s"],
        ],
    )
    assert "health    ok      this run     good\n" in csw("runs", "show", "2026-11-21")[1]
    assert csw("runs", "diff", "2026-11-21")[1].splitlines()[1] == "notebook  health  good -> bad"
    assert csw("runs", "diff", "latest")[2] == "They are equal.\n"


def test_runs_answer_as_json(csw, history):
    assert [run["run_id"] for run in json.loads(csw("runs", "list", "--json")[1])["runs"]] == [
        "2026-11-22T1",
        "2026-11-21T1",
    ]
    shown = json.loads(csw("runs", "show", "--json")[1])
    assert shown.pop("folder") == str(history / "outputs" / "runs" / "2026-11-22T1")
    jsonschema.validate(shown, json.loads(csw("schema", "run.json")[1]))
    (difference,) = json.loads(csw("runs", "diff", "2026-11-21", "--json")[1])["differences"]
    assert difference == {"kind": "notebook", "name": "health", "words": "good -> bad"}


def test_a_run_that_is_not_there_is_refused_with_the_names_there_are(csw, history):
    assert csw("runs", "show", "2026-11-2") == (
        2,
        "",
        "2026-11-2: several runs begin so (2026-11-21T1, 2026-11-22T1)\n",
    )


def test_prune_only_lists_until_it_is_told_to_remove(csw, history):
    assert csw("prune")[2] == "There is nothing to remove.\n"
    assert csw("prune", "--keep", "1")[1] == "run 2026-11-21T1\n"
    assert (history / "outputs" / "runs" / "2026-11-21T1").is_dir()
    found = json.loads(csw("prune", "--keep", "1", "--yes", "--json")[1])
    assert (found["runs"], found["is_removed"]) == (["2026-11-21T1"], True)
    assert [path.name for path in (history / "outputs" / "runs").iterdir()] == ["2026-11-22T1"]


def test_without_a_run_the_list_says_how_to_make_one(csw, project):
    assert csw("runs", "list") == (0, "", "There is no run yet; `csw run` makes one.\n")


def test_a_plan_says_why_a_notebook_runs(csw, project):
    batch = "version: 1\nnotebooks:\n  - name: data_check\n"
    (project / "configs" / "batch" / "nightly.yaml").write_text(batch)
    (project / "configs" / "data_check.yaml").write_text((ROOT / "configs" / "data_check.yaml").read_text("utf-8"))
    assert "data_check  run    there is no result of it yet" in csw("plan")[1]
    assert "asked for with --force" in csw("plan", "--force")[1]
