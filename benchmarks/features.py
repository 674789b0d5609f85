"""What measuring costs: our measures of use against hand-written DuckDB SQL and pandas, in one run on the same rows.

Each peer runs in a process of its own and reports CPU seconds, the peak of its memory and a checksum of every value and
age; a sum that differs ends the run with 1. The rows look like those of the sample book and are streamed to Parquet
sorted by day, as the reader leaves them. `--events 100_000_000` is the size the targets are about; pandas joins only
up to `--pandas` rows, because it needs 12 GB there.
"""

import argparse
import hashlib
import importlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

FIRST, LAST = date(2024, 10, 1), date(2026, 9, 30)
DAYS = (LAST - FIRST).days + 1
MONTHS = 24
LOOP_EVENTS = 500_000
ROWS_PER_ACCOUNT, USERS_PER_ACCOUNT = 1250, 8
# Share of the days of a user on which a feature is used, as in data/samples.
SHARES = {"query": 0.75, "dashboard": 0.63, "segment": 0.16, "export": 0.14, "funnel": 0.128, "alert": 0.125}
SHARES |= {"api": 0.073, "share": 0.063}
CORE = ("query", "dashboard", "segment", "export", "funnel")
WEEKEND, LATE = 0.25, 0.001
PEERS = 5

# --- the rows ---


def make(folder: Path, events: int) -> None:
    """Write the four tables; memory grows with accounts and users, not with events."""
    import duckdb
    import numpy as np
    import pyarrow as pa

    rng = np.random.default_rng(20260930)
    accounts = max(20, events // ROWS_PER_ACCOUNT)
    begins = np.where(rng.random(accounts) < 0.6, 0, rng.integers(0, DAYS - 30, accounts))
    users = 1 + rng.geometric(1 / (USERS_PER_ACCOUNT - 1), accounts)
    ids = pa.array([f"A{number:07d}" for number in range(accounts)])
    starts = np.datetime64(FIRST) + begins
    seats = pa.array(users + rng.integers(0, 5, accounts), mask=rng.random(accounts) < 0.05)
    small = {
        "accounts": {
            "account_id": ids,
            "region": pa.array(rng.choice(["SE", "CN", "IE", "NO"], accounts)),
            "signup_at": pa.array((starts - 1).astype("datetime64[us]")),
        },
        "subscriptions": {
            "subscription_id": pa.array([f"S{number:07d}" for number in range(accounts)]),
            "account_id": ids,
            "start_date": pa.array(starts),
            "end_date": pa.array(starts + 500, mask=rng.random(accounts) < 0.8),
            "seats": seats,
        },
        "features": {"feature": pa.array(list(SHARES)), "is_core": pa.array([name in CORE for name in SHARES])},
    }
    with duckdb.connect(config={"threads": 1, "memory_limit": "400MB"}) as connection:
        for name, columns in small.items():
            connection.register("rows", pa.table(columns))
            connection.execute(f"copy rows to '{folder / name}.parquet'")
        days = batches(rng, ids, begins, users, events)
        first = next(days)
        connection.register("days", pa.RecordBatchReader.from_batches(first.schema, itertools.chain([first], days)))
        connection.execute(
            "copy (select * replace (minutes::decimal(18, 6) as minutes) from days) "
            f"to '{folder / 'usage_daily.parquet'}' (compression zstd)"
        )


def batches(rng, ids, begins, users_of, events) -> Iterator:
    """Yield the usage of one day after the other."""
    import numpy as np
    import pyarrow as pa

    owner = np.repeat(np.arange(len(ids), dtype=np.int32), users_of)
    names = pa.array([f"U{number:08d}" for number in range(len(owner))])
    rate, start = rng.gamma(0.5, 1, len(owner)), begins[owner]
    features, shares = pa.array(list(SHARES)), np.array(list(SHARES.values()))
    load = [1.0 if (FIRST + timedelta(days=day)).weekday() < 5 else WEEKEND for day in range(DAYS)]

    def chance(day: int, scale: float):
        return (1 - np.exp(-scale * load[day] * rate)) * (start <= day)

    scale = 0.1
    for _ in range(12):  # until the days of a sample of them add up to the events asked for
        sampled = range(0, DAYS, 25)
        scale *= events / (sum(chance(day, scale).sum() for day in sampled) * shares.sum() * DAYS / len(sampled))
    for number in range(DAYS):
        active = np.flatnonzero(rng.random(len(owner)) < chance(number, scale)).astype(np.int32)
        row, feature = np.nonzero(rng.random((len(active), len(shares))) < shares)
        user, n, day = active[row], len(row), np.datetime64(FIRST + timedelta(days=number))
        count = rng.geometric(1 / 8, n)
        delay = rng.integers(24, 40 * 24, n).astype("timedelta64[h]")
        columns = {
            "account_id": pa.DictionaryArray.from_arrays(owner[user], ids),
            "user_id": pa.DictionaryArray.from_arrays(user, names),
            "feature": pa.DictionaryArray.from_arrays(feature.astype(np.int32), features),
            "date": pa.array(np.full(n, day)),
            "events": pa.array(count),
            "minutes": pa.array((2 * count + rng.integers(0, 9, n)) / 4),
            "sessions": pa.array(np.maximum(1, count // 4)),
            "known_at": pa.array((day + delay).astype("datetime64[us]"), mask=rng.random(n) >= LATE),
        }
        yield pa.RecordBatch.from_pydict(columns)


# --- by hand ---

USE = "(events is null or events > 0)"
ENDS = f"""
    max(date) filter (where feature is not null and events is not null) as k_queries,
    max(date) filter (where minutes is not null) as k_minutes,
    max(date) filter (where user_id is not null and {USE}) as k_users,
    max(date) filter (where feature is not null and {USE}) as k_breadth,
    max(date) filter (where {USE}) as k_last,
    max(date) filter (where events is not null) as k_trend,
    min(date) filter (where events is not null) as f_trend"""
NAMES = ("queries", "minutes", "users", "ratio", "breadth", "last", "trend")
FINAL = f"""
fed as (
    select place, max(k_queries) > any_value(day) - 28 as queries, max(k_minutes) > any_value(day) - 28 as minutes,
           max(k_users) > any_value(day) - 28 as users, max(k_breadth) > any_value(day) - 28 as breadth,
           max(k_trend) > any_value(day) - 28 as trend
    from base group by place
),
filled as (
    select base.* exclude (queries, minutes, users, breadth),
           case when k_queries is not null and fed.queries then coalesce(base.queries, 0)::double end as queries,
           case when k_minutes is not null and fed.minutes then coalesce(base.minutes, 0)::double end as minutes,
           case when k_users is not null and fed.users then coalesce(base.users, 0)::double end as users,
           case when k_breadth is not null and fed.breadth then coalesce(base.breadth, 0)::double end
               / (select count(*) from features where is_core) as breadth,
           case when f_trend <= day - 111 and fed.trend
                then coalesce(recent, 0)::double / nullif(earlier::double / 3, 0) - 1 end as change
    from base join fed using (place)
),
regional as (select place, region, median(change) as m, count(change) as n from filled group by all),
overall as (select place, median(change) as m, count(change) as n from filled group by all)
select queries, minutes, users, users / nullif(seats, 0) as ratio, breadth, (day - k_last)::double as last,
       change - case when regional.n >= {PEERS} then regional.m when overall.n >= {PEERS} then overall.m end as trend,
       {", ".join(f"(day - k_{'users' if name == 'ratio' else name})::double as age_{name}" for name in NAMES)}
from filled join regional using (place, region) join overall using (place)
order by place, account_id"""


def who(first: str) -> str:
    """Return the distinct users and core features from a day on."""
    counts = f"filter (where date >= {first} and {USE}"
    core = "feature in (select feature from features where is_core)"
    return f"count(distinct user_id) {counts}) as users, count(distinct feature) {counts} and {core}) as breadth"


def seats(dates: str) -> str:
    """Return the seats of the running subscriptions at each date of a table: _place, account_id, seats."""
    return f"""
terms as (
    select d.place, d.day, s.*, row_number() over (partition by d.place, subscription_id order by start_date desc) as r
    from subscriptions s join {dates} d on start_date <= d.day
),
paid as (
    select place, account_id, case when bool_and(seats is not null) then sum(seats) end as seats
    from terms where r = 1 and (end_date is null or end_date >= day) group by all
)"""


def sql_once(connection) -> str:
    """Return all measures at the last day: one pass over the history, one over the rows of the longest window."""
    connection.execute(f"create table dates as select 0 as place, date '{LAST}' as day")
    day, limit = f"date '{LAST}'", f"timestamp '{LAST + timedelta(days=1)}'"
    return f"""
with known as not materialized (
    select * from usage_daily where date <= {day} and (known_at is null or known_at < {limit})
),
history as (select account_id, {ENDS} from known group by account_id),
windows as (
    select account_id, {who(f"{day} - 27")},
           sum(events) filter (where date > {day} - 28 and feature = 'query') as queries,
           sum(minutes) filter (where date > {day} - 28) as minutes,
           sum(events) filter (where date > {day} - 28) as recent,
           sum(events) filter (where date <= {day} - 28) as earlier
    from known where date > {day} - 112 group by account_id
),
{seats("dates")},
base as (
    select 0 as place, {day} as day, a.account_id, region, h.* exclude (account_id), w.* exclude (account_id), seats
    from accounts a left join history h using (account_id) left join windows w using (account_id)
         left join paid using (account_id)
    where signup_at < {limit}
), {FINAL}"""


def sql_panel(connection) -> str:
    """Return all measures at each month end: prefix tables once, and a pruned window per date for who was active.

    Sums come from segments between the edges of all windows, which costs half of a pruned window of 112 days per date.
    """
    dates = month_ends()
    edges = sorted({day + timedelta(days=back) for day in dates for back in (1, -27, -111)})
    places = [next((place for place, day in enumerate(dates) if edge <= day), None) for edge in edges]
    days, members = [], []
    for segment, (start, stop) in enumerate(itertools.pairwise(edges), start=1):
        known_before = dates[places[segment - 1]] + timedelta(days=1)
        numbers = range((stop - start).days)
        days += [(start + timedelta(days=back), segment, places[segment - 1], known_before) for back in numbers]
        for place, day in enumerate(dates):
            if 0 <= (day - start).days < 112:
                members.append((place, segment, (day - start).days < 28))
    connection.execute("create table dates (place integer, day date)")
    connection.executemany("insert into dates values (?, ?)", list(enumerate(dates)))
    connection.execute("create table days (day date, segment integer, due integer, known_before timestamp)")
    connection.executemany("insert into days values (?, ?, ?, ?)", days)
    connection.execute("create table members (place integer, segment integer, is_recent boolean)")
    connection.executemany("insert into members values (?, ?, ?)", members)
    known = [f"known_at < timestamp '{day + timedelta(days=1)}'" for day in dates]
    late = " ".join(f"when {condition} then {place}" for place, condition in enumerate(known))
    starts = [f"date '{day - timedelta(days=27)}'" for day in dates]
    people = " union all ".join(
        f"select {place} as place, account_id, {who(start)} from usage_daily where date between {start} "
        f"and date '{day}' and (known_at is null or {known[place]}) group by account_id"
        for place, (start, day) in enumerate(zip(starts, dates, strict=True))
    )
    ends = ", ".join(
        f"{'min' if name[0] == 'f' else 'max'}({name}){{0}} as {name}"
        for name in ("k_queries", "k_minutes", "k_users", "k_breadth", "k_last", "k_trend", "f_trend")
    )
    return f"""
with placed as (
    select u.*, coalesce(segment, 0) as segment,
           case when known_at is null or known_at < coalesce(known_before, timestamp '{dates[0] + timedelta(days=1)}')
                then coalesce(due, 0) else case {late} end end as place
    from usage_daily u left join days on date = days.day where date <= date '{dates[-1]}'
),
cells as materialized (
    select account_id, segment, place, {ENDS}, sum(events) filter (where feature = 'query') as queries,
           sum(minutes) as minutes, sum(events) as events
    from placed where place is not null group by all
),
reached as (select place, account_id, {ends.format("")} from cells group by all),
history as (
    select place, account_id, {ends.format(" over w")}
    from accounts cross join dates left join reached using (place, account_id)
    window w as (partition by account_id order by place)
),
windows as (
    select m.place, account_id, sum(queries) filter (where is_recent) as queries,
           sum(minutes) filter (where is_recent) as minutes, sum(events) filter (where is_recent) as recent,
           sum(events) filter (where not is_recent) as earlier
    from cells c join members m on c.segment = m.segment and c.place <= m.place group by all
),
people as ({people}),
{seats("dates")},
base as (
    select d.place, d.day, a.account_id, region, h.* exclude (place, account_id), w.* exclude (place, account_id),
           users, breadth, seats
    from accounts a join dates d on signup_at < d.day + 1 left join history h using (place, account_id)
         left join windows w using (place, account_id) left join people using (place, account_id)
         left join paid using (place, account_id)
), {FINAL}"""


def month_ends() -> list[date]:
    """Return the last MONTHS month ends."""
    firsts = [date(LAST.year + (LAST.month - back) // 12, (LAST.month - back) % 12 + 1, 1) for back in range(MONTHS)]
    return sorted(first - timedelta(days=1) for first in firsts)


# --- the peers: each returns one row per date and account, values and then ages in the order of NAMES ---


def open_views(folder: Path):
    """Return a DuckDB with the four tables."""
    import duckdb

    connection = duckdb.connect()
    for name in ("usage_daily", "accounts", "subscriptions", "features"):
        connection.execute(f"create view {name} as from '{folder / name}.parquet'")
    return connection


def floor(folder: Path):
    """Read every column of the usage and do nothing with it."""
    columns = ("account_id", "user_id", "feature", "date", "events", "minutes", "sessions", "known_at")
    open_views(folder).execute(f"select {', '.join(f'max({name})' for name in columns)} from usage_daily").fetchall()


def by_sql(folder: Path, write):
    """Measure with hand-written SQL."""
    import numpy as np

    connection = open_views(folder)
    found = connection.execute(write(connection)).fetchnumpy()
    return np.column_stack([np.ma.filled(column.astype(float), np.nan) for column in found.values()])


def by_us(folder: Path, dates: list[date], *, is_loop: bool = False):
    """Measure with this package."""
    import ibis
    import pandas as pd

    from csworkbench import features
    from csworkbench.asof import earlier, take
    from csworkbench.sources import Book
    from csworkbench.workspace import Workspace

    connection = ibis.duckdb.connect()
    names = ("usage_daily", "accounts", "subscriptions", "features")
    tables = {name: connection.read_parquet(folder / f"{name}.parquet") for name in names}
    workspace = Workspace(
        version=1, name="Benchmark", timezone="UTC", tables={name: {"path": f"{name}.parquet"} for name in names}
    )
    snapshot = take(Book(workspace, folder, connection, tables, {}), LAST)
    sources = {
        "queries": features.Usage(features=("query",)),
        "minutes": features.Usage(what="minutes"),
        "users": features.ActiveUsers(),
        "ratio": features.ActiveRatio(),
        "breadth": features.FeatureBreadth(),
        "last": features.DaysSinceLastUse(),
        "trend": features.UsageTrend(minimum_peers=PEERS),
    }
    if is_loop:
        frame = pd.concat([features.measures(earlier(snapshot, day), sources) for day in dates])
    elif len(dates) == 1:
        frame = features.measures(snapshot, sources)
    else:
        frame = features.panel(snapshot, sources, dates)
    return frame[["value", "age_days"]].to_numpy().reshape(-1, len(sources), 2).swapaxes(1, 2).reshape(-1, 14)


def by_pandas(folder: Path):
    """Measure at the last day with pandas groupby."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    accounts = pd.read_parquet(folder / "accounts.parquet").set_index("account_id").sort_index()
    core = pd.read_parquet(folder / "features.parquet").query("is_core")["feature"]
    # Texts as categories and decimals as floats, or it would need 30 GB.
    texts = ["account_id", "user_id", "feature"]
    columns = [*texts, "date", "events", "minutes", "known_at"]
    table = pq.read_table(folder / "usage_daily.parquet", columns=columns, read_dictionary=texts)
    minutes = table["minutes"].cast(pa.decimal128(38, 6)).cast("float64")
    table = table.set_column(5, "minutes", minutes).set_column(3, "date", table["date"].cast("timestamp[s]"))
    usage = table.to_pandas(split_blocks=True, self_destruct=True)
    del table, minutes
    day = pd.Timestamp(LAST)
    usage = usage[(usage["date"] <= day) & ~(usage["known_at"] >= day + pd.Timedelta(days=1))]
    use = usage[~(usage["events"] <= 0)]
    recent, recent_use = (rows[rows["date"] > day - pd.Timedelta(days=28)] for rows in (usage, use))
    before = usage[usage["date"].between(day - pd.Timedelta(days=111), day - pd.Timedelta(days=28))]

    def per_account(rows, column, how):
        return rows.groupby("account_id", observed=True)[column].agg(how).reindex(accounts.index)

    ends = {
        "queries": per_account(usage.dropna(subset=["feature", "events"]), "date", "max"),
        "minutes": per_account(usage.dropna(subset=["minutes"]), "date", "max"),
        "users": per_account(use.dropna(subset=["user_id"]), "date", "max"),
        "breadth": per_account(use.dropna(subset=["feature"]), "date", "max"),
        "last": per_account(use, "date", "max"),
        "trend": per_account(usage.dropna(subset=["events"]), "date", "max"),
    }
    first = per_account(usage.dropna(subset=["events"]), "date", "min")
    counted = {
        "queries": per_account(recent[recent["feature"] == "query"], "events", "sum"),
        "minutes": per_account(recent, "minutes", "sum"),
        "users": per_account(recent_use, "user_id", "nunique"),
        "breadth": per_account(recent_use[recent_use["feature"].isin(core)], "feature", "nunique") / len(core),
    }
    values = {name: column.fillna(0.0).where(ends[name].notna()) for name, column in counted.items()}
    terms = pd.read_parquet(folder / "subscriptions.parquet").sort_values("start_date")
    running = terms.drop_duplicates("subscription_id", keep="last")
    running = running[~(pd.to_datetime(running["end_date"]) < day)]
    paid = running.groupby("account_id")["seats"].agg(lambda seats: seats.sum(skipna=False)).reindex(accounts.index)
    values["ratio"], ends["ratio"] = values["users"] / paid.where(paid > 0), ends["users"]
    values["last"] = (day - ends["last"]).dt.days.astype(float)
    late, early = per_account(recent, "events", "sum").fillna(0), per_account(before, "events", "sum")
    change = (late / (early / 3).where(early > 0) - 1).where(first <= day - pd.Timedelta(days=111))
    peers = change.groupby(accounts["region"])
    usual = peers.transform("median").where(peers.transform("count") >= PEERS, change.median())
    values["trend"] = change - usual
    ages = [(day - ends[name]).dt.days.astype(float) for name in NAMES]
    return np.column_stack([*(values[name] for name in NAMES), *ages])


RUNS = {
    "scan of all columns": floor,
    "hand-written SQL": lambda folder: by_sql(folder, sql_once),
    "measures": lambda folder: by_us(folder, [LAST]),
    "pandas groupby": by_pandas,
    "hand-written SQL, month ends": lambda folder: by_sql(folder, sql_panel),
    "panel": lambda folder: by_us(folder, month_ends()),
    "loop of measures": lambda folder: by_us(folder, month_ends(), is_loop=True),
}


# What a peer imports is no part of its cost.
OURS = ("pandas", "ibis", "ibis.backends.duckdb", "csworkbench.features.measuring", "csworkbench.sources")
IMPORTS = {"measures": OURS, "panel": OURS, "loop of measures": OURS, "pandas groupby": ("pandas", "pyarrow.parquet")}


def run(name: str, folder: Path) -> dict:
    """Return what one peer costs and a checksum of what it found; an age counts only beside a value."""
    import numpy as np

    for module in IMPORTS.get(name, ()):
        importlib.import_module(module)
    cpu, wall = time.process_time(), time.perf_counter()
    found = RUNS[name](folder)
    cost = {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
    status = Path("/proc/self/status").read_text(encoding="ascii")
    cost["peak_gb"] = int(status.partition("VmHWM:")[2].split()[0]) / 1e6
    if found is None:
        return cost | {"rows": 0, "sum": ""}
    values, ages = np.hsplit(found, 2)
    # Divisions and medians may round in another order; 1e-9 is far below any figure shown.
    cells = np.round(np.hstack([values, np.where(np.isnan(values), np.nan, ages)]), 9) + 0.0
    cells[np.isnan(cells)] = np.nan
    return cost | {"rows": len(cells), "sum": hashlib.sha256(np.ascontiguousarray(cells)).hexdigest()[:12]}


def compare(folder: Path, names: tuple[str, ...]) -> bool:
    """Print one line per peer, ratios against the first, and return whether all that measured agree."""
    costs = {}
    for name in names:
        command = [sys.executable, __file__, "--peer", name, "--folder", str(folder)]
        costs[name] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        cost, base = costs[name], costs[next(iter(costs))]
        print(
            f"{name:30} {cost['wall']:8.2f} s {cost['cpu']:8.2f} CPU s {cost['cpu'] / base['cpu']:7.2f} x "
            f"{cost['peak_gb']:6.2f} GB  {cost['rows']:>10,} rows  {cost['sum']}",
            flush=True,
        )
    return len({cost["sum"] for cost in costs.values() if cost["sum"]}) == 1


def main() -> int:
    """Print what each peer costs; 1 where two of them disagree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=10_000_000, help="rows of usage")
    parser.add_argument("--pandas", type=int, default=20_000_000, help="most rows pandas is given")
    parser.add_argument("--folder", type=Path, help="where the rows are, or are to be kept")
    parser.add_argument("--peer", choices=RUNS, help="run one peer and print its cost as JSON")
    options = parser.parse_args()
    if options.peer:
        print(json.dumps(run(options.peer, options.folder)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        is_same = True
        for events, peers in sizes(options):
            folder = (options.folder or Path(name)) / str(events)
            if not folder.is_dir():
                folder.mkdir(parents=True)
                make(folder, events)
            print(f"{events:,} events asked for, {MONTHS} month ends")
            for compared in peers:
                is_same &= compare(folder, compared)
    print("every value and age is equal" if is_same else "the peers disagree")
    return 0 if is_same else 1


def sizes(options: argparse.Namespace) -> Iterator[tuple[int, tuple[tuple[str, ...], ...]]]:
    """Yield how many rows are given to which peers, those in one tuple held against the first."""
    with_pandas = ("pandas groupby",) if options.events <= options.pandas else ()
    yield (
        options.events,
        (
            ("scan of all columns", "hand-written SQL", "measures", *with_pandas),
            ("hand-written SQL, month ends", "panel"),
        ),
    )
    yield LOOP_EVENTS, (("loop of measures", "panel", "hand-written SQL, month ends"),)


if __name__ == "__main__":
    sys.exit(main())
