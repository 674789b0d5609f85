"""Earlier runs are found by their names, told apart by what counts, and removed only where no other needs them."""

import json
from dataclasses import fields
from datetime import UTC, datetime
from hashlib import sha256

import jsonschema
import pytest

from csworkbench.errors import ConfigError, EnvironmentProblem, RunError
from csworkbench.store import (
    Artifact,
    Failure,
    InputRecord,
    NotebookRecord,
    NotebookStatus,
    RunInfo,
    RunRecord,
    RunState,
    about,
    begin,
    differences,
    find_run,
    keep,
    prune,
    publish,
    run_schema,
    runs,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
INFO = {"as_of": "2026-09-30", "code": "c" * 64, "versions": {"pandas": "2.2"}}


def done(out, run_id, day=20, info=None, rows=("a,1", "b,2"), config=None, **more):
    """Publish a run of one notebook with one list; return it."""
    text = "id,n\n" + "".join(f"{row}\n" for row in rows)
    table = {"files": ["tables/list.csv"], "rows": len(rows), "sha256": sha256(text.encode()).hexdigest()}
    result = {"analysis": "health", "as_of": "2026-09-30", "headline": "h", "figures": {}, "caveats": [], "actions": []}
    result |= {
        "config": config or {"limit": 40},
        "tables": {"list": table | {"files": ["tables/list.csv", "x.parquet"]}},
    }
    with begin(out, run_id) as folder:
        home = folder.path / "health"
        (home / "tables").mkdir(parents=True)
        (home / "tables" / "list.csv").write_text(text)
        (home / "result.json").write_text(json.dumps(result))
        digest = sha256((home / "result.json").read_bytes()).hexdigest()
        artifacts = (Artifact("health/result.json", (home / "result.json").stat().st_size, digest),)
        facts = {"key": sha256(run_id.encode()).hexdigest(), "headline": "h", "artifacts": artifacts} | more
        record = NotebookRecord("health", facts.pop("status", NotebookStatus.OK), **facts)
        keep(out, folder.path, record, {})
        began = f"2026-11-{day:02}T04:15:00+00:00"
        publish(folder, RunRecord(run_id, RunState.OK, began, 1.5, RunInfo(**INFO | (info or {})), (record,)))
    return find_run(out, run_id)


def told(before, now):
    return [(each.kind, each.name, each.words) for each in differences(before, now)]


def test_runs_are_listed_from_the_newest_and_what_is_no_run_is_left_out(tmp_path):
    done(tmp_path, "a", day=21)
    done(tmp_path, "b", day=20)
    (tmp_path / "runs" / "c").mkdir()
    (tmp_path / "runs" / "c" / "run.json").write_text("{")
    assert [run.run_id for run in runs(tmp_path)] == ["a", "b"]


def test_a_run_is_found_by_the_beginning_of_its_name_and_as_the_latest(tmp_path):
    done(tmp_path, "2026-11-20T1")
    done(tmp_path, "2026-11-21T1")
    assert find_run(tmp_path, "2026-11-20").run_id == "2026-11-20T1"
    assert find_run(tmp_path, "latest").run_id == "2026-11-21T1"


@pytest.mark.parametrize(
    ("name", "says"), [("2026", "several runs begin so"), ("x", "no such run"), ("", "no such run")]
)
def test_a_name_that_is_no_run_or_several_is_refused(tmp_path, name, says):
    done(tmp_path, "2026-11-20T1")
    done(tmp_path, "2026-11-21T1")
    with pytest.raises(ConfigError, match=says):
        find_run(tmp_path, name)


def test_a_run_whose_record_cannot_be_read_is_named(tmp_path):
    done(tmp_path, "a")
    (tmp_path / "runs" / "a" / "run.json").write_text("{}")
    with pytest.raises(RunError, match=r"a/run\.json: its record cannot be read"):
        find_run(tmp_path, "a")


def test_equal_runs_differ_in_nothing(tmp_path):
    assert told(done(tmp_path, "a"), done(tmp_path, "b")) == []


def test_runs_differ_in_day_config_data_code_and_lists(tmp_path):
    old = InputRecord("touches", rows=9120, digest="d1", last_event="2026-09-29")
    new = InputRecord("touches", rows=9344, digest="d2", last_event="2026-09-30")
    same = InputRecord("accounts", rows=6, digest="e1")
    other = InputRecord("accounts", rows=6, digest="e2")
    first = done(tmp_path, "a", info={"inputs": (old, same, InputRecord("tickets"))})
    info = {"as_of": "2026-10-31", "code": "d" * 64, "versions": {"pandas": "2.3"}, "inputs": (new, other)}
    # of the rows a,1 and b,2 the first stays, the second becomes b,3, and c,1 comes
    second = done(tmp_path, "b", info=info, config={"limit": 45}, rows=("a,1", "b,3", "c,1"), headline="worse")
    assert told(first, second) == [
        ("run", "as_of", "2026-09-30 -> 2026-10-31"),
        ("config", "health.limit", "40 -> 45"),
        ("data", "touches", "9,120 -> 9,344 rows"),
        ("data", "touches", "newest day 2026-09-29 -> 2026-09-30"),
        ("data", "accounts", "other content in as many rows"),
        ("data", "tickets", "is no longer read"),
        ("code", "csworkbench", "cccccccccccc -> dddddddddddd"),
        ("code", "pandas", "2.2 -> 2.3"),
        ("notebook", "health", "h -> worse"),
        ("list", "health/list", "2 -> 3 rows: 2 are new or changed, 1 are gone or changed"),
    ]


def test_old_runs_and_results_that_no_other_run_has_are_removed(tmp_path):
    first = done(tmp_path, "a", day=18)
    done(tmp_path, "b", day=19)
    done(tmp_path, "c", day=20, key=next(iter(first.keys)))  # has the same result as the first
    listed = prune(tmp_path, NOW, keep=1)
    assert (listed.runs, len(listed.results), len(runs(tmp_path))) == (("b", "a"), 1, 3)
    assert prune(tmp_path, NOW, keep=1, is_dry=False) == listed
    assert [run.run_id for run in runs(tmp_path)] == ["c"]
    assert [path.name for path in (tmp_path / "store").iterdir()] == [*first.keys]
    assert list((tmp_path / ".tmp").iterdir()) == []
    assert prune(tmp_path, NOW, keep=1, is_dry=False).runs == ()


def test_younger_runs_and_the_latest_stay(tmp_path):
    done(tmp_path, "b", day=21)
    done(tmp_path, "c", day=19)
    done(tmp_path, "a", day=10)  # published last: latest points to it
    assert prune(tmp_path, NOW, keep=1, older_than_days=4).runs == ()  # c began 3.3 days ago
    assert prune(tmp_path, NOW, keep=1, older_than_days=3).runs == ("c",)


def test_what_a_killed_run_has_stored_stays_with_it(tmp_path):
    with begin(tmp_path, "a") as folder:
        keep(tmp_path, folder.path, NotebookRecord("health", NotebookStatus.OK, key="k"), {})
        publish(folder, RunRecord("a", RunState.INTERRUPTED, "2026-11-20T04:15:00+00:00", 1.0, RunInfo(**INFO)))
    assert prune(tmp_path, NOW, keep=1, is_dry=False).results == ()
    assert about(tmp_path, "k") is not None


def test_nothing_is_removed_while_a_run_is_going_on(tmp_path):
    with (
        begin(tmp_path, "r1"),
        pytest.raises(EnvironmentProblem, match=r"another run is writing here: pid \d+, run r1"),
    ):
        prune(tmp_path, NOW, keep=1)


def test_what_was_being_removed_when_the_machine_stopped_does_not_come_back(tmp_path):
    done(tmp_path, "a")
    (tmp_path / "runs" / "a").rename(tmp_path / ".tmp" / "gone.a.1")
    with begin(tmp_path, "b") as folder:
        assert folder.recovered == ()
    assert runs(tmp_path) == ()


def test_the_record_of_a_run_fits_its_schema_which_names_every_field():
    failure = Failure("error", "x", 3, "Step", "trace")
    failed = NotebookRecord("a", NotebookStatus.FAILED, "x", failure=failure)
    whole = NotebookRecord("b", NotebookStatus.OK, key="k", artifacts=(Artifact("b/x", 1, "0" * 64, 2),))
    info = RunInfo(
        **INFO | {"inputs": (InputRecord("t", ("t.csv",)),), "reads": {"a": ("t",)}, "overrides": {"a": {"b": 1}}}
    )
    record = RunRecord("r", RunState.FAILED, "2026-11-20T04:15:00+00:00", 1.0, info, (failed, whole))
    schema, data = run_schema(), json.loads(json.dumps(record.to_json()))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(data, schema)
    for name, kind in (("NotebookRecord", NotebookRecord), ("RunInfo", RunInfo), ("Artifact", Artifact)):
        assert set(schema["$defs"][name]["properties"]) == {each.name for each in fields(kind)}
    assert schema["$defs"]["NotebookStatus"]["enum"] == [status.value for status in NotebookStatus]
    data["notebooks"][0]["status"] = "fine"
    with pytest.raises(jsonschema.ValidationError, match=r"'fine' is not one of"):
        jsonschema.validate(data, schema)
