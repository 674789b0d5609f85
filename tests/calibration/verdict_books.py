"""Simulated books of success plans for the calibration of verdicts: only the tables that plans need."""

from datetime import date
from dataclasses import replace
from itertools import count

import numpy as np
import pyarrow as pa

from csworkbench.sampledata.accounts import accounts_table, assignments_table, make_world
from csworkbench.sampledata.contracts import make_contracts
from csworkbench.sampledata.success import EXTRA, success_tables
from csworkbench.sampledata.world import BookSize
from tests.books import book

END = date(2026, 9, 30)
_numbers = count()


class Crew:
    """The CSMs of a book; which contact a call went to does not matter here."""

    def csm_at(self, account, at):
        return np.array([f"CSM{number % 14:02d}" for number in account], dtype=object)

    def contact_at(self, account, at, draw):
        return np.full(len(account), None, dtype=object)


def simulated(seed, accounts=600, months=24):
    """Return a book and the truth about its plans."""
    world = make_world(BookSize(accounts, months, seed, END), 0)
    contracts = make_contracts(world)
    tables, truth = success_tables(world, contracts, Crew())
    frames = {
        "accounts": accounts_table(world, contracts)[["account_id", "name", "value_tier", "signup_at", "churned_at"]],
        "assignments": assignments_table(world, contracts),
        **{name: tables[name] for name in ("plans", "plan_steps", "plan_goals")},
        "metrics_daily": tables["metrics_daily"].head(1),
    }
    order = frames["plans"]["start_order"]
    frames["plans"] = frames["plans"].assign(start_order=order.astype(object).where(order.notna(), None))
    kinds = {"plans": {name: kind for name, (kind, _) in EXTRA["plans"].items()}}
    made = book(frames, timezone="Europe/Stockholm", extras=kinds)
    return replace(made, tables={**made.tables, "metrics_daily": _metrics(made, tables["metrics_daily"])}), truth.plans


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
