"""Simulated books of success plans for the calibration of verdicts: only the tables that plans need."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from hashlib import sha256
from itertools import count

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from csworkbench.analyses import plan_validation
from csworkbench.analyses.plan_validation.declared import Declared
from csworkbench.analyses.plan_validation.judging import lines_of, read_playbooks
from csworkbench.analyses.plan_validation.lottery import ORDER
from csworkbench.asof import take
from csworkbench.sampledata import success
from csworkbench.sampledata.accounts import accounts_table, assignments_table, make_world
from csworkbench.sampledata.contracts import make_contracts
from csworkbench.sampledata.success import EXTRA, success_tables
from csworkbench.sampledata.world import BookSize
from csworkbench.workspace import TableSource
from tests import books
from tests.books import book

END = date(2026, 9, 30)
TRAITS = (Declared("executive_dashboards", trait="tier", works_for=("large",)),)
_numbers = count()


class Crew:
    """The CSMs of a book; which contact a call went to does not matter here."""

    def csm_at(self, account, at):
        return np.array([f"CSM{number % 14:02d}" for number in account], dtype=object)

    def contact_at(self, account, at, draw):
        return np.full(len(account), None, dtype=object)


def simulated(seed, accounts=600, months=24, world="planted"):
    """Return a book and the truth about its plans.

    Worlds: planted = effects and selections of the sample book; null = the same plans, which do nothing, and no account
    grows by itself; seen = null, and the accounts of each plan were picked because their recorded metric had fallen
    below their own history: what comes back comes back by itself.
    """
    made_world = make_world(BookSize(accounts, months, seed, END), 0)
    contracts = make_contracts(made_world)
    with _effects(world):
        tables, truth = success_tables(made_world, contracts, Crew())
    people = accounts_table(made_world, contracts)
    frames = {
        "accounts": people[["account_id", "name", "value_tier", "signup_at", "churned_at"]],
        "assignments": assignments_table(made_world, contracts),
        **{name: tables[name] for name in ("plans", "plan_steps", "plan_goals")},
        "metrics_daily": tables["metrics_daily"].head(1),
    }
    if world == "seen":
        picked = _picked_by_what_was_seen(frames, tables["metrics_daily"], np.random.default_rng(seed))
        frames["plans"], frames["plan_goals"] = picked
    order = frames["plans"]["start_order"]
    frames["plans"] = frames["plans"].assign(start_order=order.astype(object).where(order.notna(), None))
    kinds = {"plans": {name: kind for name, (kind, _) in EXTRA["plans"].items()}}
    made = book(frames, timezone="Europe/Stockholm", extras=kinds)
    made = replace(made, tables={**made.tables, "metrics_daily": _metrics(made, tables["metrics_daily"])})
    return _with_lasting_tiers(made), truth.plans


def _with_lasting_tiers(made):
    """Say in the workspace, as that of the sample book does, that today's tier is that of any day."""
    source = TableSource.model_validate({"path": "accounts.csv", "columns": {"value_tier": {"varies": False}}})
    sources = made.workspace.tables | {"accounts": source}
    return replace(made, workspace=made.workspace.model_copy(update={"tables": sources}))


@contextmanager
def _effects(world):
    """Let plans do what is planted, or nothing."""
    with pytest.MonkeyPatch.context() as patch:
        if world != "planted":
            idle = {name: replace(each, effect=0.0) for name, each in success.BY_NAME.items()}
            patch.setattr(success, "BY_NAME", idle)
            patch.setattr(success, "METRIC", replace(success.METRIC, tailwind=0.0))
        yield


def _picked_by_what_was_seen(frames, metrics, rng):
    """Give each plan an account whose metric had fallen by a tenth (quick_wins: a quarter) when it was written."""
    plans, goals = frames["plans"].copy(), frames["plan_goals"].copy()
    left = frames["accounts"].set_index("account_id")["churned_at"]
    named = metrics.assign(metric=metrics["metric"].astype(str), account_id=metrics["account_id"].astype(str))
    paths = {
        metric: part.pivot(index="account_id", columns="date", values="value").astype(float)
        for metric, part in named.groupby("metric")
    }
    taken = {}
    for row, plan in plans.iterrows():
        path, day = paths[plan["problem_metric"]], plan["created_at"].normalize()
        days = path.columns
        recent = path.loc[:, (days >= day - pd.Timedelta(days=60)) & (days < day)]
        history = path.loc[:, (days >= day - pd.Timedelta(days=240)) & (days < day - pd.Timedelta(days=60))]
        fall = recent.mean(axis=1) / history.mean(axis=1).where(history.notna().sum(axis=1) > 60) - 1
        there = left.reindex(path.index).isna() | (left.reindex(path.index) > day + pd.Timedelta(days=60))
        last = path.index.map(lambda account: taken.get(account, pd.Timestamp("1970-01-01")))
        free = np.asarray((day - pd.DatetimeIndex(last)).days > 200)
        can = path.index[there & free & (fall < (-0.25 if plan["playbook"] == "quick_wins" else -0.1))]
        if len(can) and pd.isna(plan["lottery"]):
            account = str(rng.choice(can))
            taken[account] = day
            plans.loc[row, "account_id"] = account
            base = float(recent.loc[account].mean())
            mine = goals["plan_id"] == plan["plan_id"]
            ratio = goals.loc[mine, "target"] / goals.loc[mine, "baseline"]
            goals.loc[mine, "baseline"], goals.loc[mine, "target"] = round(base, 2), round(base * ratio, 2)
    return plans, goals


def read(seed, world="planted", config=None):
    """Return one row per plan of a book: the truth, our verdict (`ours`), and whether its goal was met (`recovered`).

    Recovered are the plans that the question of cause is asked of: run to the end, for a problem that was one.
    """
    books._connection.cache_clear()  # a connection of its own, so that its tables go with it
    made, truth = simulated(seed, world=world)
    config = _with_orders(config or plan_validation.Config(), made)
    inputs = plan_validation.prepare(take(made, END), config, {})
    made.connection.disconnect()
    books._connection.cache_clear()
    readings = read_playbooks(inputs, config, lines_of(inputs, config), TRAITS)
    judged = {plan: each for reading in readings for plan, each in reading.judged.items()}
    found = {plan: each.verdict.value for plan, each in judged.items()}
    recovered = {plan: ("goal_met", True) in each.path for plan, each in judged.items()}
    ids = truth["plan_id"]
    frame = truth.assign(ours=ids.map(found), recovered=ids.map(recovered).fillna(False).astype(bool), seed=seed)
    limited = {reading.name: reading.is_limited for reading in readings}
    return frame.assign(is_limited=frame["playbook"].map(limited))


def _with_orders(config, made):
    """Release the orders that were drawn, as a team does that draws here: typed into plans they count for nothing."""
    plans = made.tables["plans"].to_pandas()
    drawn = plans[plans["lottery"].notna()]
    days = drawn["created_at"].groupby(drawn["lottery"]).transform("min")
    order = drawn.assign(stratum="all", starts_now=False, eligible_on=days.dt.strftime("%Y-%m-%d"))
    text = order.reindex(columns=ORDER).astype({"start_order": "int64"}).to_csv(index=False, lineterminator="\n")
    record = {f"drawn-{sha256(text.encode()).hexdigest()[:12]}.csv": text}
    around = config.around.model_copy(update={"lotteries": record})
    return config.model_copy(update={"around": around})


def _metrics(made, rows):
    """The daily metrics as a table of the book: too many rows to type one by one."""
    schema = made.tables["metrics_daily"].to_pyarrow().schema
    plain = rows.assign(account_id=rows["account_id"].astype(str), metric=rows["metric"].astype(str))
    columns = {
        "account_id": pa.array(plain["account_id"], pa.string()),
        "metric": pa.array(plain["metric"], pa.string()),
        "date": pa.array(plain["date"].to_numpy("datetime64[D]"), pa.date32()),
        "value": pa.array(plain["value"].to_numpy(float), pa.float64()).cast(pa.decimal128(18, 6)),
        "known_at": pa.array(plain["known_at"].to_numpy("datetime64[us]"), pa.timestamp("us")),
    }
    arrow = pa.table({name: columns[name] for name in schema.names})
    return made.connection.create_table(f"metrics_of_{next(_numbers)}", arrow)
