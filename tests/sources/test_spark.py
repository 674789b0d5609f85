"""The same book on Spark: equal tables and equal measures from unchanged expressions."""

import os
import random
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from csworkbench import features
from csworkbench.asof import labels, take, windows
from csworkbench.errors import EnvironmentProblem
from csworkbench.features.kinds import MeasureSource
from csworkbench.sources import Book, open_book, rehome, remember, spark
from csworkbench.sources.archive import remembered
from csworkbench.workspace import Engine, Workspace
from tests.oracles.random_book import DAY, DAY_0, random_book, with_parents

AS_OF = date(2026, 6, 30)
ZONE = "Europe/Stockholm"
FEATURES = ("search", "export", "board")
# Spark's own code leaves sockets and uses pandas in ways that warn; its results are what is tested here.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.timeout(900), pytest.mark.slow]


def or_skip(engine: Engine) -> Engine:
    """Skip where Spark cannot run; in CI that is a failure."""
    try:
        spark.require(engine)
    except EnvironmentProblem as problem:
        pytest.fail(str(problem)) if os.environ.get("CI") else pytest.skip(str(problem))
    return engine


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A book of 40 accounts with every table that a measure reads."""
    root = tmp_path_factory.mktemp("book")
    tables = write_tables(root, random.Random(7))
    workspace = Workspace.model_validate(
        {"version": 1, "name": "Test", "timezone": ZONE, "tables": {name: {"path": path} for name, path in tables}}
    )
    made = open_book(workspace, root, root / "cache")
    yield made
    made.connection.disconnect()


def write_tables(root: Path, dice: random.Random) -> list[tuple[str, str]]:
    """Write CSV files full of edges: midnights of two zones, blanks, decimals, texts of three languages."""
    accounts = [f"A{n:02}" for n in range(40)]
    first = datetime(2026, 1, 1, tzinfo=UTC)

    def instant() -> str:
        return (first + timedelta(minutes=dice.randrange(181 * 24 * 60))).strftime("%Y-%m-%dT%H:%M:%SZ")

    def day() -> str:
        return str(first.date() + timedelta(days=dice.randrange(200)))

    def maybe(text: object) -> str:
        return str(text) if dice.random() < 0.7 else ""

    def any_of(names) -> str:
        return dice.choice(names)

    rows = {
        "accounts": [("account_id", "region", "name", "arr", "employees", "signup_at")]
        + [(a, any_of(["北", "å", "s"]), "", dice.randrange(9**9) / 100, n, instant()) for n, a in enumerate(accounts)],
        "subscriptions": [("subscription_id", "start_date", "account_id", "seats", "mrr", "end_date")]
        + [(f"S{n}", "2025-12-01", any_of(accounts), maybe(dice.randrange(9)), 1.25, maybe(day())) for n in range(50)],
        "renewals": [("renewal_id", "account_id", "due_date", "decided_at", "outcome", "target_amount", "final_amount")]
        + [(f"R{n}", any_of(accounts), day(), "", "open", 10, "") for n in range(60)],
        "features": [("feature", "is_core")] + [(name, "true" if name != "board" else "false") for name in FEATURES],
        "usage_daily": [("account_id", "user_id", "feature", "date", "events", "minutes", "sessions")]
        + [(a, f"u{u}", f, first.date() + timedelta(days=d), dice.randrange(5), dice.randrange(99) / 7, 1)
           for a in accounts for d in range(0, 181, 9) for u in range(2) for f in FEATURES if dice.random() < 0.4],
        "tickets": [("ticket_id", "account_id", "opened_at", "resolved_at")]
        + [(f"T{n}", any_of(accounts), instant(), "") for n in range(150)],
        "contacts": [("contact_id", "account_id")] + [(f"C{n}", accounts[n % 40]) for n in range(80)],
        "nps_responses": [("response_id", "account_id", "contact_id", "responded_at", "score")]
        + [(f"N{n}", accounts[n % 40], f"C{n % 80}", instant(), dice.randrange(11)) for n in range(200)],
        "touches": [("touch_id", "account_id", "mode", "sent_at")]
        + [(f"X{n}", any_of(accounts), any_of(["human", "tech"]), instant()) for n in range(150)],
    }  # fmt: skip
    for name, table in rows.items():
        lines = "\n".join(",".join(map(str, row)) for row in table)
        (root / f"{name}.csv").write_text(lines + "\n", encoding="utf-8")
    return [(name, f"{name}.csv") for name in rows]


def every_measure() -> dict[str, MeasureSource]:
    """Return every kind of measure, those with a choice in each of its forms."""
    return {
        "active": features.ActiveUsers(window_days=28),
        "active_some": features.ActiveUsers(window_days=90, features=("search", "board")),
        "ratio": features.ActiveRatio(),
        "events": features.Usage(what="events"),
        "minutes": features.Usage(what="minutes", window_days=90),
        "breadth": features.FeatureBreadth(window_days=60),
        "last_use": features.DaysSinceLastUse(),
        "trend": features.UsageTrend(what="minutes", minimum_peers=2),
        "open": features.OpenTickets(),
        "tickets": features.Tickets(),
        "nps": features.Nps(),
        "contact": features.DaysSinceContact(),
        "tenure": features.Tenure(),
        "renewal": features.DaysToRenewal(),
        "employees": features.Attribute(column="employees"),
        "arr": features.Attribute(column="arr"),
        "region": features.Attribute(column="region"),
    }


def test_every_kind_of_measure_is_compared():
    kinds = {kind.__name__ for kind in MeasureSource.__origin__.__args__}
    assert {type(source).__name__ for source in every_measure().values()} == kinds


def ordered(table) -> pd.DataFrame:
    """Return an expression's rows as objects in a fixed order."""
    found = table.to_pyarrow().to_pylist()
    return pd.DataFrame(sorted(found, key=lambda row: [str(value) for value in row.values()]), dtype=object)


def compare(ours: Book, theirs: Book, *days: date) -> None:
    """Compare all that two engines say of one book: tables, a snapshot, and every measure at some days."""
    here, there = take(ours, AS_OF), take(theirs, AS_OF)
    for name in ours.tables:
        pd.testing.assert_frame_equal(ordered(theirs.tables[name]), ordered(ours.tables[name]), obj=name)
        pd.testing.assert_frame_equal(ordered(there.tables[name]), ordered(here.tables[name]), obj=f"as of {name}")
    mine = features.panel(here, every_measure(), days)
    assert mine["value"].notna().mean() > 0.5  # the comparison is of figures, not of gaps
    pd.testing.assert_frame_equal(features.panel(there, every_measure(), days), mine, rtol=1e-12)


@pytest.fixture(scope="module")
def local():
    backend = spark.connect(or_skip(Engine(backend="spark", master="local[2]")))
    yield backend
    backend.disconnect()


def test_spark_on_this_machine_says_what_duckdb_says(book, local):
    compare(book, rehome(book, local), AS_OF)


def test_versions_late_rows_and_the_archive_are_cut_alike_on_spark(local, tmp_path):
    # Typed files as the cache would hold them, and what the runs of two days remembered.
    made = random_book(11, with_parents({"contacts", "consents", "plan_steps", "touch_events", "renewals"}))
    typed = {name: tmp_path / f"{name}.parquet" for name in made.tables}
    for name, path in typed.items():
        made.connection.to_parquet(made.tables[name], path)
    for days in (3, 6):
        remember(random_book(days, tuple(made.tables)), tmp_path / "past", DAY_0 + days * DAY)
    past = remembered(made.connection, tmp_path / "past")
    made = replace(made, history=tmp_path / "past", typed=typed, remembered=past)
    here, there = (take(book, DAY_0 + 7 * DAY) for book in (made, rehome(made, local)))
    for name in ("contacts", "consents", "plan_steps", "touch_events"):
        assert len(ordered(here.tables[name])) > 1
        pd.testing.assert_frame_equal(ordered(there.tables[name]), ordered(here.tables[name]), obj=name)
    assert dict(there.current_only) == dict(here.current_only)
    dates = windows([DAY_0, DAY_0 + 2 * DAY], 4, DAY_0 + 7 * DAY)
    for table in ("accounts", "renewals"):
        pd.testing.assert_frame_equal(labels(there, table, dates), labels(here, table, dates))


def test_a_workspace_that_says_spark_is_opened_there(book, local):
    records = book.root / "records"
    remember(book, records / "history", AS_OF)
    engine = Engine(backend="spark", master="local[2]")
    moved = open_book(book.workspace.model_copy(update={"engine": engine}), book.root, book.root / "cache", records)
    assert moved.connection.name == "pyspark"
    assert moved.reports["accounts"].was_cached
    assert ordered(moved.tables["accounts"]).equals(ordered(book.tables["accounts"]))
    past = remembered(book.connection, records / "history")["accounts"].versions
    assert ordered(moved.remembered["accounts"].versions.select(past.columns)).equals(ordered(past))


def test_spark_that_is_not_installed_is_named_with_the_extra(monkeypatch):
    monkeypatch.setattr(spark, "find_spec", lambda name: None)
    with pytest.raises(EnvironmentProblem, match=r"Spark is not installed \(install csworkbench\[spark\]; or set"):
        spark.connect(Engine(backend="spark"))


@contextmanager
def cluster(folder: Path):
    """Yield the address of a standalone master with two workers, all on this machine; they are stopped by their id."""
    import pyspark

    home = Path(pyspark.__file__).parent
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address, java = f"spark://127.0.0.1:{port}", "org.apache.spark.deploy"
    master = [f"{java}.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
    worker = [f"{java}.worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "1500m"]
    commands = [master, *([*worker, "--webui-port", "0", "--work-dir", str(folder / str(n)), address] for n in (1, 2))]
    started = []
    try:
        for command in commands:
            with (folder / f"{len(started)}.log").open("wb") as log:
                environment = os.environ | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_NO_DAEMONIZE": "1"}
                whole = [str(home / "bin" / "spark-class"), *command]
                started.append(subprocess.Popen(whole, stdout=log, stderr=log, env=environment))
            if command is master:
                wait_for(port)
        yield address
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


def wait_for(port: int) -> None:
    """Return when something listens there."""
    deadline = datetime.now(UTC) + timedelta(seconds=90)
    while datetime.now(UTC) < deadline:
        with socket.socket() as asked:
            asked.settimeout(1)
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                return
    pytest.fail(f"no Spark master at port {port}")


@pytest.mark.soak
def test_a_cluster_of_two_workers_says_what_duckdb_says(book, tmp_path):
    or_skip(Engine(backend="spark"))
    with cluster(tmp_path) as address:
        backend = spark.connect(Engine(backend="spark", master=address))
        try:
            compare(book, rehome(book, backend), date(2026, 3, 31), AS_OF)
        finally:
            backend.disconnect()
