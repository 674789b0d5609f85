"""What validating success plans costs: 5,000 plans of 8 playbooks over 100,000 accounts and 24 months.

`prepare` and `analyze` are counted, from Parquet files to all tables of the result: one row of each of two metrics per
account and week (20.8 million rows), four steps and a goal per plan; no touches, usage or assignments. The files are
simulated in a process of their own. Beside it stands hand-written SQL of the three window means of as many episodes,
and of nothing else. More than 120 CPU seconds or 4 GB at the peak ends the run with 1; so does more than 1 CPU second
to pool 1,000 plans. Staggered starts are timed beside diff-diff alone on the same accounts in the same run.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PLAYBOOKS, MONTHS, SEED = 8, 24, 20261122
WINDOW = 2  # months before, twice, and after
CONTROLS = 80  # accounts a plan's days are looked at in: 400,000 episodes over 5,000 plans
MOST_SECONDS, MOST_GB, MOST_POOLING = 120, 4.0, 1.0
NAMES = ("accounts", "plans", "plan_steps", "plan_goals", "metrics_daily")
PLAYBOOK = """
schema: 1
id: playbook_{number}
title: Playbook {number}
problem: Few orders
steps: [{{name: one}}, {{name: two}}, {{name: three}}, {{name: four}}]
goals: [{{metric: orders, uplift: 0.1}}]
trait: {{name: tier, expected: [large]}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--plans", type=int, default=5_000)
    parser.add_argument("--write", type=Path, help="only write the files there")
    args = parser.parse_args()
    if args.write:
        write(args.write, *make(args.accounts, args.plans))
        return 0
    with tempfile.TemporaryDirectory() as place:
        sizes = ["--accounts", str(args.accounts), "--plans", str(args.plans)]
        subprocess.run([sys.executable, __file__, "--write", place, *sizes], check=True)
        return judged(Path(place), args)


def judged(folder: Path, args: argparse.Namespace) -> int:
    prepared, inputs = cpu(prepare, folder)
    analyzed, result = cpu(analyze, inputs)
    seconds, peak = prepared + analyzed, peak_gb()
    sql = cpu(by_sql, folder)[0]
    pooling = cpu(pooled)[0]
    verdicts = result.tables["verdicts"]
    print(f"{len(verdicts):,} plans, {args.accounts:,} accounts, {MONTHS} months, {PLAYBOOKS} playbooks")
    print(f"{verdicts['effect'].notna().sum():,} effects, designs {sorted(set(result.tables['playbooks']['design']))}")
    print(f"prepare {prepared:.1f} and analyze {analyzed:.1f} CPU seconds: {seconds:.1f}, at most {MOST_SECONDS}")
    print(f"peak {peak:.2f} GB, at most {MOST_GB}")
    print(f"hand-written SQL of the window means {sql:.1f} CPU seconds: {seconds / sql:.1f} times")
    print(f"1,000 plans pooled in {pooling:.2f} CPU seconds, at most {MOST_POOLING}")
    values, _, first = make(args.accounts, args.plans)
    staggered_ratio(values, first)
    return int(seconds > MOST_SECONDS or peak > MOST_GB or pooling > MOST_POOLING)


def make(accounts: int, plans: int):
    """Levels by account and month (half of them lasting), tiers, and the month of the first plan (-1: none)."""
    import numpy as np

    rng = np.random.default_rng(SEED)
    values = rng.normal(0, 0.7, (accounts, 1)) + rng.normal(0, 0.7, (accounts, MONTHS))
    tier = rng.integers(0, 3, accounts)
    first = np.full(accounts, -1)
    level = (values[:, :-4] + values[:, 1:-3] + values[:, 2:-2] + values[:, 3:-1]) / 4
    for account in rng.permutation(accounts)[:plans]:
        # It starts when the level is low, if it ever is in a month with windows before and after.
        low = np.flatnonzero(level[account, : MONTHS - 2 * WINDOW - 3] < -0.3)
        first[account] = low[0] + 2 * WINDOW if len(low) else rng.integers(2 * WINDOW, MONTHS - 3)
    started = np.flatnonzero(first >= 0)
    values[started] += 0.3 * (np.arange(MONTHS) > first[started, None])
    return values, tier, first


def write(folder, values, tier, first):
    """Write the tables as Parquet files, and `episodes`: what the SQL is asked for."""
    import duckdb
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(SEED)
    names = np.array([f"A{number:07d}" for number in range(len(first))], dtype=object)
    owner = np.flatnonzero(first >= 0)
    plan = np.array([f"P{number:05d}" for number in range(len(owner))], dtype=object)
    landed = calendar().to_numpy()[first[owner]].astype("datetime64[us]") + days(rng.integers(0, 28, len(owner)))
    gone = np.where(rng.random(len(first)) < 0.05, rng.integers(300, 730, len(first)), 10_000)
    begin = calendar()[0].to_datetime64().astype("datetime64[us]")
    baseline = 100 * np.exp(0.25 * values[owner, first[owner] - 1])
    small = {
        "accounts": {
            "account_id": names,
            "name": names,
            "value_tier": np.array(["large", "mid", "small"], dtype=object)[tier],
            "region": np.array(["SE", "CN", "IE", "NO"], dtype=object)[rng.integers(0, 4, len(first))],
            "signup_at": begin - days(rng.integers(0, 1000, len(first))),
            "churned_at": pd.Series(begin + days(gone)).where(gone < 10_000),
        },
        "plans": {
            "plan_id": plan,
            "account_id": names[owner],
            "playbook": [f"playbook_{number % PLAYBOOKS}" for number in range(len(plan))],
            "problem": "Few orders",
            "problem_metric": "orders",
            "csm_id": [f"C{number % 200:03d}" for number in range(len(plan))],
            "created_at": landed - days(30),
            "started_at": landed - days(21),
            "landed_at": landed,
            "closed_at": landed + days(14),
        },
        "plan_steps": {
            "plan_id": plan.repeat(4),
            "step_no": np.tile(np.arange(1, 5), len(plan)),
            "name": np.tile(np.array(["one", "two", "three", "four"], dtype=object), len(plan)),
            "is_mandatory": True,
            "done_at": (landed[:, None] - days([20, 15, 9, 2])).ravel(),
            "status": "done",
            "blocker": "none",
        },
        "plan_goals": {
            "plan_id": plan,
            "metric": "orders",
            "direction": "higher",
            "baseline": baseline.round(2),
            "target": (1.1 * baseline).round(2),
        },
        "episodes": {
            "account_id": np.r_[names[owner], rng.choice(names[first < 0], CONTROLS * len(owner))],
            "anchor": np.tile(landed, CONTROLS + 1),
        },
    }
    with duckdb.connect() as connection:
        for name, columns in small.items():
            connection.register("rows", pd.DataFrame(columns))
            connection.execute(f"copy rows to '{folder / name}.parquet'")
        weeks = pd.date_range(calendar()[0], calendar()[-1], freq="7D")
        connection.register("batches", batches(rng, names, values, gone, weeks))
        connection.execute(
            "copy (select * replace (value::decimal(18, 6) as value) from batches) "
            f"to '{folder / 'metrics_daily'}.parquet' (compression zstd)"
        )


def batches(rng, names, values, gone, weeks):
    """Return a reader of the metrics of one week after the other; what left has no more rows."""
    import numpy as np
    import pyarrow as pa

    kinds = {"account_id": pa.string(), "metric": pa.string(), "date": pa.date32(), "value": pa.float64()}
    schema = pa.schema(list(kinds.items()))

    def made():
        for place, day in enumerate(weeks):
            there = np.flatnonzero(gone > 7 * place)
            month = (day.year - weeks[0].year) * 12 + day.month - weeks[0].month
            for metric in ("orders", "queries_run"):
                value = 100 * np.exp(0.25 * values[there, month] + rng.normal(0, 0.05, len(there)))
                columns = [names[there], [metric] * len(there), np.full(len(there), day.date()), value]
                yield pa.record_batch(
                    [pa.array(each, kind) for each, kind in zip(columns, kinds.values(), strict=True)], schema
                )

    return pa.RecordBatchReader.from_batches(schema, made())


def days(count):
    import numpy as np

    return np.asarray(count, dtype="timedelta64[D]")


def config():
    from csworkbench.analyses.plan_validation import Config

    texts = {f"playbook_{number}.yaml": PLAYBOOK.format(number=number) for number in range(PLAYBOOKS)}
    return Config(playbooks=texts)


def prepare(folder):
    import ibis

    from csworkbench.analyses import plan_validation
    from csworkbench.asof import take
    from csworkbench.sources import Book
    from csworkbench.workspace import Workspace

    connection = ibis.duckdb.connect()
    tables = {name: connection.read_parquet(folder / f"{name}.parquet") for name in NAMES}
    workspace = Workspace(
        version=1, name="Benchmark", timezone="UTC", tables={name: {"path": f"{name}.parquet"} for name in NAMES}
    )
    book = Book(workspace, folder, connection, tables, {})
    return plan_validation.prepare(take(book, calendar()[-1].date()), config(), {})


def analyze(inputs):
    from csworkbench.analyses import plan_validation

    return plan_validation.analyze(inputs, config())


def by_sql(folder):
    """Return the three window means of each episode."""
    import duckdb

    return duckdb.sql(f"""
        select e.account_id, e.day,
            avg(m.value) filter (m.date < e.day - 30) as before_2,
            avg(m.value) filter (m.date >= e.day - 30 and m.date < e.day) as before_1,
            avg(m.value) filter (m.date > e.day) as after
        from (select distinct account_id, anchor::date as day from '{folder / "episodes"}.parquet') e
        join '{folder / "metrics_daily"}.parquet' m on m.account_id = e.account_id and m.metric = 'orders'
            and m.date between e.day - 60 and e.day + 60
        group by all
    """).df()


def calendar():
    import pandas as pd

    return pd.date_range("2024-10-01", periods=MONTHS, freq="MS")


def pooled():
    import numpy as np
    import pandas as pd

    from csworkbench.adjustment.pooling import pool

    rng = np.random.default_rng(SEED)
    names = [f"plan-{i}" for i in range(1000)]
    columns = {
        "effect": rng.normal(0.3, 1.1, 1000),
        "standard_error": rng.uniform(0.5, 1.5, 1000),
        "shared_error": 0.05,
    }
    found = pool(pd.DataFrame({"episode_id": names, "account_id": names} | columns))
    return found.chance_above(0.15), found.next_above(0.15), found.chance_above_without(0.15)


def staggered_ratio(values, first):
    """Return our staggered design over the library alone, on the accounts with a plan and as many without.

    Alone = one fit per start among the accounts eligible at it, without what the starts have in common.
    """
    import warnings

    import numpy as np
    import pandas as pd

    from csworkbench.adjustment import did
    from csworkbench.adjustment.designs import CompareRules
    from csworkbench.adjustment.staggered import stacked, staggered

    if not did.is_installed():
        print("staggered starts are not timed: pip install 'csworkbench[did]'")
        return
    rows = np.r_[np.flatnonzero(first >= 0), np.flatnonzero(first < 0)[: (first >= 0).sum()]]
    start = first[rows]
    months = calendar()
    frame = pd.DataFrame(
        {
            "account_id": np.repeat(rows, MONTHS),
            "month": np.tile(months, len(rows)),
            "value": values[rows].ravel(),
            "first_plan": np.repeat(np.where(start >= 0, months.to_numpy()[start], np.datetime64("NaT")), MONTHS),
            "is_eligible": (values[rows] < -0.3).ravel(),
        }
    )

    def alone():
        import diff_diff

        found = []
        for _, rows_of in stack.groupby("landing"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = diff_diff.CallawaySantAnna(control_group="never_treated")
                found.append(model.fit(rows_of, outcome="value", unit="unit", time="clock", first_treat="start"))
        return found

    stack = stacked(frame)
    ours = min(cpu(staggered, frame, CompareRules())[0] for _ in range(2))
    theirs = min(cpu(alone)[0] for _ in range(2))
    print(
        f"staggered starts of {len(rows):,} accounts {ours:6.2f}, diff-diff alone {theirs:6.2f} CPU seconds: "
        f"{ours / theirs:.2f} times"
    )


def peak_gb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024**2


def cpu(work, *args):
    start = time.process_time()
    result = work(*args)
    return time.process_time() - start, result


if __name__ == "__main__":
    sys.exit(main())
