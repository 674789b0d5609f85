"""The runner tells the truth about every notebook, and leaves nothing behind but whole runs."""

import hashlib
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import jsonschema
import psutil
import pytest

from csworkbench.errors import ConfigError, EnvironmentProblem
from csworkbench.estimates import say
from csworkbench.runner import (
    CellStarted,
    Event,
    Kernel,
    LogLine,
    NotebookFinished,
    NotebookStarted,
    RunFinished,
    RunOptions,
    RunStarted,
    TableRead,
    check,
    run,
    warm,
)
from csworkbench.runner.kernels import why_not_warm
from csworkbench.runner.watch import TOKEN_VARIABLE, Watch, processes_marked
from csworkbench.store import InputRecord, Job, NotebookStatus, RunInfo, RunRecord, RunState, run_schema, state_of

needs_warm = pytest.mark.skipif(bool(why_not_warm()), reason=why_not_warm() or "-")
START = datetime(2026, 11, 22, 4, 15, tzinfo=UTC)
PARAMETERS = 'output_dir = ""  # where results go\nlevel = 0.5\ncount = 3\ntitle = "x"\noverrides = {}'
RESULT = """
import json
from pathlib import Path
result = {"analysis": "a", "as_of": "2026-09-30", "headline": "All is well", "figures": {}, "caveats": CAVEATS,
          "actions": [], "tables": {}, "config": {}}
Path(output_dir, "result.json").write_text(json.dumps(result))
"""


def notebook(
    folder: Path, name: str, *cells: str, kernel: str = "python3", parameters: str | None = PARAMETERS
) -> Path:
    """Write a notebook: a title, the parameters, a heading before each code cell."""
    built = [markdown(f"# {name}")]
    built += [code(parameters, "parameters")] if parameters is not None else []
    for number, source in enumerate(cells, start=1):
        built += [markdown(f"## Step {number}"), code(source)]
    data = {"cells": built, "metadata": {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}}}
    path = folder / f"{name}.ipynb"
    path.write_text(json.dumps({**data, "nbformat": 4, "nbformat_minor": 5}))
    return path


def markdown(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "id": f"m{abs(hash(source)) % 10**9}", "metadata": {}, "source": source}


def code(source: str, *tags: str, outputs: tuple[Any, ...] = ()) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": f"c{abs(hash(source)) % 10**9}", "source": source, "execution_count": None}
    return {**cell, "metadata": {"tags": list(tags)}, "outputs": list(outputs)}


def result_cell(*severities: str) -> str:
    return RESULT.replace(
        "CAVEATS", repr([{"code": "c", "severity": level, "text": "t", "action": ""} for level in severities])
    )


def do(
    tmp_path: Path,
    *jobs: Job,
    run_id: str = "r1",
    tell: Callable[[Event], None] | None = None,
    kernel: Kernel = Kernel.STOCK,
) -> RunRecord:
    options = RunOptions(run_id, tmp_path, START, kernel=kernel, grace_seconds=1)
    return run(jobs, tmp_path / "outputs", options, tell)


def only(record: RunRecord) -> Any:
    assert len(record.notebooks) == 1
    return record.notebooks[0]


def stored(record: RunRecord, name: str) -> dict[str, Any]:
    assert record.folder is not None
    return json.loads((record.folder / name / "notebook.ipynb").read_text("utf-8"))


def test_a_notebook_that_leaves_a_result_is_ok_and_its_files_are_in_the_record(tmp_path):
    path = notebook(tmp_path, "health", "print(title, count)", result_cell())
    record = do(tmp_path, Job("health", path, {"title": "åäö 漢字 \"'", "count": 4}, key="k"))
    item = only(record)
    assert (item.status, item.headline, record.state, record.exit_code) == ("ok", "All is well", "ok", 0)
    files = {artifact.path for artifact in item.artifacts}
    assert {"health/notebook.ipynb", "health/report.html", "health/result.json"} == files
    names = {entry.name for entry in record.folder.iterdir()}
    assert names == {"health", "index.html", "run.json", "events.jsonl", "junit.xml"}
    executed = stored(record, "health")
    printed = [output.get("text") for cell in executed["cells"] for output in cell.get("outputs", ())]
    assert "".join(printed[0]) == "åäö 漢字 \"' 4\n"
    saved = json.loads((record.folder / "run.json").read_text("utf-8"))
    assert (saved["state"], saved["notebooks"][0]["key"], saved["exit_code"]) == ("ok", "k", 0)
    # neither the marker, nor papermill's metadata, nor the hidden folder shows in what is published
    text = json.dumps(executed)
    assert "csworkbench-end" not in text
    assert "papermill" not in text
    assert ".tmp" not in text
    # run again by whoever opens it, it writes nowhere
    assert 'output_dir = ""' in "".join(executed["cells"][2]["source"])


REFUSES = """
from csworkbench.errors import {0}, Problem
raise {0}(Problem("is 2", key="weights", hint="take 1"), Problem("is 3", key="bands"))
"""
LOOP = "while True:\n    pass"
STUBBORN = "while True:\n    try:\n        while True:\n            pass\n    except KeyboardInterrupt:\n        pass"
CHILD = """
import os, subprocess, sys, time
from pathlib import Path
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
Path(output_dir, "child.pid").write_text(str(child.pid))
fork = os.fork()
if not fork:
    os.setsid()
    time.sleep(600)
Path(output_dir, "fork.pid").write_text(str(fork))
"""
PRINTS = "for i in range(40):\n    print('x' * 1_000_000)"
HOSTILE = {"output_type": "display_data", "metadata": {}, "data": {"text/html": "<script>alert(1)</script>"}}


@pytest.fixture(scope="module", params=[Kernel.STOCK, pytest.param(Kernel.WARM, marks=needs_warm)])
def farm(request, tmp_path_factory):
    """One run of many notebooks: each kernel costs a second or two."""
    folder = tmp_path_factory.mktemp("farm 漢字 {x}")

    def job(name, *cells, needs=(), timeout=60.0, **rest):
        return Job(name, notebook(folder, name, *cells), needs=needs, timeout_seconds=timeout, **rest)

    jobs = [
        job("exits", "import sys\nsys.exit(0)", result_cell()),
        job("vanishes", "import os\nos._exit(0)", result_cell()),
        job("killed", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", result_cell()),
        job("raises", "1 / 0", result_cell()),
        job("refuses", REFUSES.format("AnalysisError"), result_cell()),
        job("nothing", REFUSES.format("NothingToAnalyze"), result_cell()),
        job("after_nothing", "x = 1", needs=("nothing",)),
        job("loops", LOOP, timeout=3.0),
        job("stubborn", STUBBORN, timeout=3.0),
        job("fine", "x = 1", CHILD, PRINTS, result_cell("note", "warning")),
        job("forgets", "x = 1"),
        job(
            "after_fine", "print(open(output_dir + '/../fine/result.json').read()[:1])", result_cell(), needs=("fine",)
        ),
        job("stops", result_cell("stop")),
        job("after_stop", "x = 1", needs=("stops",)),
        job("after_raise", "x = 1", needs=("raises",)),
        job("after_that", "x = 1", needs=("after_raise",)),
        job("no_table", "x = 1", skip=say("the workspace has no table touches")),
        job("tour", "x = 1", has_result=False, needs_if_present=("raises", "elsewhere")),
    ]
    events: list[Event] = []
    before = set(living())  # other tests of this worker may have left theirs
    record = do(folder, *jobs, tell=events.append, kernel=request.param)
    warm.close()  # the process kernels are forked from stays for the next run
    return folder, record, {item.name: item for item in record.notebooks}, events, before


def living() -> dict[int, list[str]]:
    """Each process below this one that still runs, with its command line (shape: by process id)."""
    found = {}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a zombie is one of these: it only waits to be read
            found[process.pid] = process.cmdline()
    return found


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("exits", "exit", "it called sys.exit(0) in cell 3 (Step 1), before its last cell"),
        ("vanishes", "dead_kernel", "its kernel died in cell 3 (Step 1): the process ended itself with exit code 0"),
        (
            "killed",
            "dead_kernel",
            "its kernel died in cell 3 (Step 1): killed by signal 9, most often for want of memory",
        ),
        ("raises", "error", "ZeroDivisionError in cell 3 (Step 1): division by zero"),
        ("refuses", "error", "weights: is 2 (take 1); bands: is 3"),
        ("loops", "timeout", "ran longer than its time limit of 3 s and was ended in cell 3 (Step 1)"),
        ("stubborn", "timeout", "ran longer than its time limit of 3 s and was ended in cell 3 (Step 1)"),
    ],
)
def test_a_notebook_that_does_not_reach_its_end_failed_and_says_where(farm, name, kind, says):
    item = farm[2][name]
    # cell 1 holds the defaults of the parameters, cell 2 the values of this run, cell 3 is the first of the body
    assert (item.status, item.failure.kind, item.reason) == (NotebookStatus.FAILED, kind, says)
    assert (item.failure.cell, item.failure.heading) == (3, "Step 1")


def test_a_notebook_without_its_result_failed(farm):
    assert farm[2]["forgets"].status is NotebookStatus.FAILED
    assert "without a result" in farm[2]["forgets"].reason


def test_a_tour_needs_no_result(farm):
    assert farm[2]["tour"].status is NotebookStatus.OK


def test_a_warning_in_the_result_is_a_warning_of_the_notebook(farm):
    assert farm[2]["fine"].status is NotebookStatus.WARNING


def test_a_notebook_reads_what_the_one_it_needs_has_left(farm):
    assert farm[2]["after_fine"].status is NotebookStatus.OK


def test_dependents_of_a_failed_notebook_are_blocked_and_so_are_theirs(farm):
    assert [(farm[2][name].status, farm[2][name].reason) for name in ("after_raise", "after_that")] == [
        (NotebookStatus.BLOCKED, "blocked (needs raises)"),
        (NotebookStatus.BLOCKED, "blocked (needs after_raise)"),
    ]


def test_dependents_of_a_result_that_says_stop_are_blocked(farm):
    assert farm[2]["stops"].status is NotebookStatus.STOP
    assert farm[2]["after_stop"].reason == "blocked (needs stops, whose result says stop)"


def test_a_notebook_without_its_table_is_skipped_with_the_reason(farm):
    assert (farm[2]["no_table"].status, farm[2]["no_table"].reason) == ("skipped", "the workspace has no table touches")


def test_a_notebook_that_finds_nothing_it_is_about_is_skipped_with_the_reason(farm):
    _, record, items, *_ = farm
    assert (items["nothing"].status, items["nothing"].failure) == (NotebookStatus.SKIPPED, None)
    assert items["nothing"].reason == "weights: is 2 (take 1); bands: is 3"
    assert not (record.folder / "nothing").exists()
    assert (items["after_nothing"].status, items["after_nothing"].reason) == ("blocked", "blocked (needs nothing)")
    assert state_of((items["nothing"], items["after_nothing"])) is RunState.OK


def test_a_run_with_failures_is_published_and_exits_with_1(farm):
    folder, record, *_ = farm
    assert (record.state, record.exit_code) == (RunState.FAILED, 1)
    assert (folder / "outputs" / "latest").resolve() == record.folder
    assert {path.name for path in (folder / "outputs").iterdir()} == {"latest", "runs", ".tmp", ".lock"}
    assert list((folder / "outputs" / ".tmp").iterdir()) == []


def test_no_process_of_a_run_is_left_alive_even_in_its_own_session(farm):
    for name in ("child", "fork"):
        left = int((farm[1].folder / "fine" / f"{name}.pid").read_text("utf-8"))  # it would sleep for ten minutes
        assert not psutil.pid_exists(left) or psutil.Process(left).status() == psutil.STATUS_ZOMBIE
    assert [cmdline for pid, cmdline in living().items() if pid not in farm[4]] == []


def test_a_huge_print_is_cut_with_a_note(farm):
    outputs = [out for cell in stored(farm[1], "fine")["cells"] for out in cell.get("outputs", ())]
    text = "".join("".join(out.get("text", "")) for out in outputs)
    assert 100_000 < len(text) < 101_000
    assert "the output of this cell was cut here" in text


def test_an_error_is_published_with_its_traceback_in_the_record_and_the_report(farm):
    item = farm[2]["raises"]
    assert "ZeroDivisionError" in item.failure.detail
    assert "\x1b" not in item.failure.detail
    assert (farm[1].folder / "raises" / "report.html").exists()


def test_junit_counts_failures_and_what_was_not_run(farm):
    suite = Xml.parse(farm[1].folder / "junit.xml").getroot()
    # exits vanishes killed raises refuses loops stubborn forgets
    # after_stop after_raise after_that no_table nothing after_nothing
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("18", "8", "6")


def test_events_tell_cells_with_their_headings_and_end_with_the_record(farm):
    _, record, _, events, _ = farm
    assert isinstance(events[0], RunStarted)
    assert events[-1] == RunFinished(record)
    assert NotebookStarted("raises", 3) in events
    assert CellStarted("raises", 2, 4, 3, "Step 1") in events
    finished = [event.record.name for event in events if isinstance(event, NotebookFinished)]
    assert sorted(finished) == sorted(item.name for item in record.notebooks)
    lines = [json.loads(line) for line in (record.folder / "events.jsonl").read_text("utf-8").splitlines()]
    assert {"RunStarted", "CellStarted", "NotebookFinished"} <= {line["event"] for line in lines}
    assert lines[0]["at"].startswith("2026-11-22T04:15")


def test_the_log_says_how_each_table_was_read(tmp_path):
    table = TableRead("accounts", ("data/accounts.csv",), 3, 1, was_cached=True, seconds=0.25)
    record = run([], tmp_path / "outputs", RunOptions("r1", tmp_path, START, tables=(table,)))
    lines = [json.loads(line) for line in (record.folder / "events.jsonl").read_text("utf-8").splitlines()]
    (said,) = [line for line in lines if line["event"] == "TableRead"]
    expected = {"table": "accounts", "files": ["data/accounts.csv"], "rows": 3, "set_aside": 1, "was_cached": True}
    assert {name: said[name] for name in expected} == expected


def test_a_page_is_as_fresh_as_the_tables_its_notebook_reads(tmp_path):
    tables = (InputRecord("accounts", last_event="2026-09-30"), InputRecord("leads", last_event="2026-02-11"))
    info = RunInfo(inputs=tables, reads={"health": ("accounts",)})
    jobs = [Job("health", notebook(tmp_path, "health", result_cell()))]
    record = run(jobs, tmp_path / "outputs", RunOptions("r1", tmp_path, START, info=info))
    page = (record.folder / "health" / "report.html").read_text("utf-8")
    assert "30 Sep 2026" in page
    assert "11 Feb 2026" not in page


def test_a_result_puts_its_stamp_on_the_page_of_another_and_the_record_knows_the_new_page(tmp_path):
    stamped = result_cell().replace(
        '"config": {}}', '"config": {}, "stamps": {"health": ["It predicts"], "absent": ["x"]}}'
    )
    health = Job("health", notebook(tmp_path, "health", result_cell()))
    record = do(tmp_path, health, Job("proof", notebook(tmp_path, "proof", stamped), needs=("health",)))
    page = (record.folder / "health" / "report.html").read_bytes()
    assert b'<a href="../proof/report.html">proof</a>: It predicts.' in page
    assert b"It predicts" not in (record.folder / "proof" / "report.html").read_bytes()
    found = next(each for each in record.notebooks[0].artifacts if each.path == "health/report.html")
    assert found.sha256 == hashlib.sha256(page).hexdigest()


def test_a_stamp_of_a_result_that_says_stop_is_put_nowhere(tmp_path):
    stamped = result_cell("stop").replace('"config": {}}', '"config": {}, "stamps": {"health": ["It predicts"]}}')
    health = Job("health", notebook(tmp_path, "health", result_cell()))
    record = do(tmp_path, health, Job("proof", notebook(tmp_path, "proof", stamped), needs=("health",)))
    assert b"It predicts" not in (record.folder / "health" / "report.html").read_bytes()


def test_outputs_baked_into_a_notebook_are_dropped_and_a_tagged_error_does_not_stop_it(tmp_path):
    path = notebook(tmp_path, "a")
    data = json.loads(path.read_text("utf-8"))
    data["cells"] += [code("x = 1", outputs=(HOSTILE,)), code("1 / 0", "raises-exception")]
    path.write_text(json.dumps(data))
    record = do(tmp_path, Job("a", path, has_result=False))
    assert only(record).status is NotebookStatus.OK
    assert "alert(1)" not in (record.folder / "a" / "notebook.ipynb").read_text("utf-8")


def test_a_failed_run_keeps_the_runs_before_it(tmp_path):
    path = notebook(tmp_path, "a", result_cell())
    first = do(tmp_path, Job("a", path, skip=say("not today")), run_id="r1")
    before = sorted((item, item.read_bytes()) for item in first.folder.rglob("*") if item.is_file())
    second = do(tmp_path, Job("a", notebook(tmp_path, "a", "import sys; sys.exit(1)")), run_id="r2")
    assert (second.exit_code, (tmp_path / "outputs" / "latest").resolve().name) == (1, "r2")
    assert sorted((item, item.read_bytes()) for item in first.folder.rglob("*") if item.is_file()) == before


def test_kernels_start_where_the_path_of_temporary_files_is_too_long_for_sockets(tmp_path, monkeypatch):
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    assert only(do(tmp_path, Job("a", notebook(tmp_path, "a", result_cell())))).status is NotebookStatus.OK


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_with_its_record_and_no_kernel(tmp_path, number):
    started = threading.Event()
    jobs = [Job("a", notebook(tmp_path, "a", "x = 1", LOOP)), Job("b", notebook(tmp_path, "b", "x = 1"), needs=("a",))]

    def tell(event: Event) -> None:
        if isinstance(event, CellStarted) and event.number == 4 and not started.is_set():
            started.set()
            os.kill(os.getpid(), number)

    begun, handler = time.monotonic(), signal.getsignal(number)
    record = do(tmp_path, *jobs, tell=tell)
    assert time.monotonic() - begun < 30
    assert (record.state, record.exit_code, record.signal) == (RunState.INTERRUPTED, 128 + number, number)
    # b waits for a: whether it is told as blocked or as interrupted, it was not started
    assert [item.status for item in record.notebooks] == ["interrupted", "interrupted"]
    assert json.loads((record.folder / "run.json").read_text("utf-8"))["state"] == "interrupted"
    assert not (tmp_path / "outputs" / "latest").exists()
    assert signal.getsignal(number) == handler


def test_an_unknown_or_wrongly_typed_parameter_is_refused_before_anything_starts(tmp_path):
    path = notebook(tmp_path, "a", "x = 1")
    job = Job("a", path, {"levle": 0.5, "count": "3", "level": 1, "title": None})
    with pytest.raises(ConfigError, match="levle") as caught:
        do(tmp_path, job)
    assert [str(problem) for problem in caught.value.problems] == [
        "a.ipynb: levle: the notebook has no such parameter (did you mean 'level'?)",
        "a.ipynb: count: '3' is text, but the default 3 is a whole number",
        "a.ipynb: title: None is nothing, but the default 'x' is text",
    ]
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"parameters": None}, "has no parameters cell"),
        ({"parameters": "level = compute()"}, "parameters cell holds more than literals"),
        ({"kernel": "perl6"}, "there is no kernel 'perl6'"),
    ],
)
def test_a_notebook_that_cannot_run_is_refused_before_anything_starts(tmp_path, change, says):
    with pytest.raises(ConfigError, match=says):
        check([Job("a", notebook(tmp_path, "a", "x = 1", **change))])


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"cells": 3}', '{"cells": [{}], "nbformat": 4}', "\udcff" * 3])
def test_a_broken_notebook_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "broken.ipynb"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=r"broken\.ipynb.*not a notebook"):
        check([Job("broken", path)])


def test_all_notebooks_with_problems_are_named_at_once(tmp_path):
    jobs = [Job("a", tmp_path / "a.ipynb"), Job("b", notebook(tmp_path, "b", kernel="perl6"))]
    with pytest.raises(ConfigError, match="no such notebook") as caught:
        check(jobs)
    assert len(caught.value.problems) == 2


def test_two_jobs_of_one_name_are_a_mistake_of_the_programmer(tmp_path):
    job = Job("a", notebook(tmp_path, "a"))
    with pytest.raises(ValueError, match="two jobs have one name"):
        do(tmp_path, job, job)


def test_a_second_run_on_the_same_folder_is_refused_at_once_and_names_the_holder(tmp_path):
    waiting = notebook(tmp_path, "a", result_cell())
    refused: list[str] = []

    def tell(event: Event) -> None:
        if isinstance(event, RunStarted):
            with pytest.raises(EnvironmentProblem, match="another run") as caught:
                do(tmp_path, Job("a", waiting, skip=say("no")), run_id="r2")
            refused.append(str(caught.value))

    do(tmp_path, Job("a", waiting, skip=say("no")), run_id="r1", tell=tell)
    assert f"another run is writing here: pid {os.getpid()}, run r1" in refused[0]


def test_a_file_in_place_of_the_output_folder_is_refused_before_any_notebook_starts(tmp_path):
    (tmp_path / "outputs").write_text("mine")
    events: list[Event] = []
    with pytest.raises(EnvironmentProblem, match="outputs: cannot be written"):
        do(tmp_path, Job("a", notebook(tmp_path, "a")), tell=events.append)
    assert events == []


def test_a_killed_run_is_shown_as_interrupted_by_the_next_one(tmp_path):
    left = tmp_path / "outputs" / ".tmp" / "r0"
    left.mkdir(parents=True)
    (left / "run.json").write_text('{"run_id": "r0", "state": "running"}')
    events: list[Event] = []
    do(tmp_path, Job("a", notebook(tmp_path, "a"), skip=say("no")), tell=events.append)
    assert json.loads((tmp_path / "outputs" / "runs" / "r0" / "run.json").read_text("utf-8"))["state"] == "interrupted"
    assert any(isinstance(event, LogLine) and "r0 was killed" in event.text for event in events)


def test_pages_that_cannot_be_made_lose_no_result(tmp_path, monkeypatch):
    from csworkbench import report

    def broken(*arguments: object) -> str:
        raise KeyError("template")

    monkeypatch.setattr(report, "render", broken)
    monkeypatch.setattr(report, "render_index", broken)
    record = do(tmp_path, Job("a", notebook(tmp_path, "a", result_cell())))
    assert (only(record).status, record.exit_code) == (NotebookStatus.FAILED, 1)
    assert "it ran, but its page could not be made: KeyError" in only(record).reason
    assert (record.folder / "a" / "result.json").exists()


def test_only_a_kernel_that_does_not_start_is_tried_again(tmp_path, monkeypatch):
    from csworkbench.runner import one

    monkeypatch.setattr(one, "environment", lambda *arguments: {"PATH": os.environ["PATH"], "PYTHONHOME": "/nowhere"})
    events: list[Event] = []
    record = do(tmp_path, Job("a", notebook(tmp_path, "a", "x = 1")), tell=events.append)
    assert (only(record).failure.kind, only(record).attempts) == ("no_kernel", 2)
    assert any(isinstance(event, LogLine) and "one more try" in event.text for event in events)


@needs_warm
def test_a_notebook_that_gets_no_warm_kernel_runs_on_a_stock_one_and_the_log_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(warm.Zygote, "fork", lambda *_: None)
    events: list[Event] = []
    job = Job("a", notebook(tmp_path, "a", result_cell()))
    record = do(tmp_path, job, tell=events.append, kernel=Kernel.WARM)
    warm.close()
    assert only(record).status is NotebookStatus.OK
    assert LogLine("no warm kernel could be had; it got one of its own", "a") in events


def test_a_watch_ends_processes_that_carry_its_mark():
    import subprocess
    import sys

    child = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={TOKEN_VARIABLE: "mark-of-test"}
    )
    try:
        while child.pid not in processes_marked("mark-of-test"):
            assert child.poll() is None
        Watch(60, "mark-of-test").close()
        assert child.wait(timeout=10) == -signal.SIGKILL
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        child.stdin.close()


def test_a_second_run_takes_what_is_stored_but_not_what_read_less_than_its_key_says(tmp_path):
    jobs = [
        Job("fine", notebook(tmp_path, "fine", result_cell("warning")), key="f"),
        Job("bad", notebook(tmp_path, "bad", "1 / 0"), key="b"),
        Job("reader", notebook(tmp_path, "reader", result_cell()), needs_if_present=("bad",), key="r"),
    ]
    first = do(tmp_path, *jobs)
    events: list[Event] = []
    second = do(tmp_path, *jobs, run_id="r2", tell=events.append)
    assert {item.name: item.cached_from for item in second.notebooks} == {"fine": "r1", "bad": "", "reader": ""}
    assert {event.name for event in events if isinstance(event, NotebookStarted)} == {"bad", "reader"}
    taken, computed = second.notebooks[0], first.notebooks[0]
    assert (taken.status, taken.artifacts, taken.seconds) == ("warning", computed.artifacts, 0.0)
    saved = json.loads((second.folder / "run.json").read_text("utf-8"))
    jsonschema.validate(saved, run_schema())
    assert "unchanged since an earlier run" in (second.folder / "index.html").read_text("utf-8")


def test_a_fresh_run_executes_what_is_stored(tmp_path):
    job = Job("fine", notebook(tmp_path, "fine", result_cell()), key="f")
    do(tmp_path, job)
    options = RunOptions("r2", tmp_path, START, workers=1, is_fresh=True)
    assert only(run([job], tmp_path / "outputs", options)).attempts == 1
