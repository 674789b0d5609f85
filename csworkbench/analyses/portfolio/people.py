"""People: whose accounts they are, how much is done for them, how fresh what is known of them is, and the load."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from csworkbench import formats
from csworkbench.analyses.portfolio.comparing import ALIKE, ALONE, FEWER, MORE, differences
from csworkbench.analyses.portfolio.customers import tasks_by_account
from csworkbench.analyses.portfolio.evidence import OFFLINE, ONLINE, Inputs
from csworkbench.analyses.portfolio.settings import Config
from csworkbench.estimates import Estimate, say

if TYPE_CHECKING:
    import pandas as pd

RUNNING = ("running", "landed")  # states of the plan board in which a plan is under way
SAID = {MORE: say("more"), FEWER: say("fewer"), ALONE: say("cannot be told")}
PEOPLE = [
    "csm_id", "csm", "team", "accounts", "accounts_average", "touches", "minutes_week", "capacity_week", "load_share",
    "plans_running", "tasks_open", "tasks_overdue", "due", "due_overdue",
]  # fmt: skip


def overdue_visits(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return how old the last visits of each account are, and whether they are older than they may be.

    Whoever was never visited counts from the day it signed up.

    Args:
        inputs: Customers and visits.
        config: How old visits may be.

    Returns:
        One row per account and kind of visit that is asked for: account_id, tier, kind (online, offline), limit_days,
        last_on (missing = never), days (missing = never, and nobody knows since when it is a customer), is_overdue
        (missing, as the days before it: no table records visits of the kind).
    """
    import pandas as pd

    today = pd.Timestamp(inputs.as_of)
    parts = []
    for kind in (ONLINE, OFFLINE):
        limits = inputs.accounts["tier"].map({tier: getattr(each, kind) for tier, each in config.fresh_days.items()})
        is_recorded = kind in inputs.visits
        last = inputs.visits[kind] if is_recorded else pd.Series(pd.NaT, index=inputs.accounts.index)
        asked = inputs.accounts.assign(limit_days=limits.astype(float), last_on=last).dropna(subset="limit_days")
        days = (today - asked["last_on"].fillna(asked["since"])).dt.days
        # Of whom nothing is known at all, nobody can say that it is fresh; without any record, nor that it is not.
        late = (days.isna() | (days > asked["limit_days"])).astype("boolean")
        told = {"days": days, "is_overdue": late} if is_recorded else {"days": float("nan"), "is_overdue": pd.NA}
        parts.append(asked.assign(kind=kind, **told).astype({"is_overdue": "boolean"}))
    columns = ["tier", "kind", "limit_days", "last_on", "days", "is_overdue"]
    return pd.concat(parts)[columns].rename_axis("account_id").reset_index()


def freshness_table(overdue: "pd.DataFrame", level: float) -> "pd.DataFrame":
    """Return how fresh what is known by talking is, by tier and kind of visit.

    Args:
        overdue: From `overdue_visits`.
        level: Coverage of the intervals.

    Returns:
        One row per tier and kind: tier, kind, limit_days, accounts, never (without any visit), median_days (since the
        last one), overdue, overdue_share, low_share, high_share; missing from never on where no table records visits
        of the kind.
    """
    import pandas as pd

    from csworkbench.features.estimating import share_of

    lines = []
    for (tier, kind), rows in overdue.groupby(["tier", "kind"], sort=True):
        late = rows["is_overdue"].dropna().astype(float)
        share = share_of(late, pd.Series(1.0, index=late.index), level)
        days = rows.loc[rows["last_on"].notna(), "days"].median()
        never, count = (int(rows["last_on"].isna().sum()), int(late.sum())) if len(late) else (None, None)
        told = (len(rows), never, days, count, share.value, share.low, share.high)
        lines.append((tier, kind, int(rows["limit_days"].iloc[0]), *told))
    columns = [
        "tier",
        "kind",
        "limit_days",
        "accounts",
        "never",
        "median_days",
        "overdue",
        "overdue_share",
        "low_share",
        "high_share",
    ]
    numbers = ("median_days", "overdue_share", "low_share", "high_share")
    kinds = {"never": "Int64", "overdue": "Int64", **dict.fromkeys(numbers, "float64")}
    return pd.DataFrame(lines, columns=columns).astype(kinds)


def people_table(inputs: Inputs, config: Config, due: "pd.DataFrame") -> "pd.DataFrame":
    """Return the work of each person, in the order of names: it is no ranking.

    Args:
        inputs: Customers, people, touches, tasks.
        config: Period, and the accounts below which nobody is named.
        due: What is due, from `workbench.due_table`.

    Returns:
        One row per person with enough accounts: csm_id, csm, team, accounts (today), accounts_average (of the period of
        `touch_matrix`, weighted by time), touches (by the person in the period), minutes_week, capacity_week,
        load_share (minutes over capacity), plans_running, tasks_open, tasks_overdue, due, due_overdue (of what is due
        at their accounts). The others together are one row without csm_id, where there are at least two of them.
    """
    import pandas as pd

    frame = _work(inputs, config, due)
    is_named = frame["accounts"] >= config.least_accounts
    named, others = frame[is_named], frame[~is_named]
    shown = named.sort_values(["csm", "csm_id"])
    if len(others) > 1:
        sums = others.drop(columns=["csm_id", "csm", "team", "load_share"]).sum(min_count=1)
        known = others.dropna(subset=["capacity_week"])
        load = known["minutes_week"].sum() / known["capacity_week"].sum() if known["capacity_week"].sum() else None
        called = formats.text(say("{n:count} others with fewer accounts", n=len(others)), inputs.language)
        rest = {**sums, "csm": called, "load_share": load}
        shown = pd.concat([shown, pd.DataFrame([rest]).reindex(columns=PEOPLE).astype(shown.dtypes.to_dict())])
    return shown[PEOPLE].reset_index(drop=True)


def _work(inputs: Inputs, config: Config, due: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    held = inputs.accounts["csm_id"]
    doing = inputs.talks.assign(csm_id=inputs.talks["csm_id"].fillna(inputs.talks["account_id"].map(held)))
    tasks = inputs.tasks.assign(csm_id=inputs.tasks["csm_id"].fillna(inputs.tasks["account_id"].map(held)))
    today = pd.Timestamp(inputs.as_of)
    open_ones = tasks[tasks["done_on"].isna()]
    who = sorted({*held.dropna(), *doing["csm_id"].dropna(), *loads(inputs).index})
    about = inputs.people.reindex(pd.Index(who, name="csm_id"))
    sums = doing.groupby("csm_id")[["touches", "minutes"]].sum().reindex(about.index)
    # Without the table, or its columns, nothing is known: not none.
    known = {
        "accounts": inputs.knows("assignments"),
        "touches": inputs.knows("touches", "mode"),
        "minutes": inputs.knows("touches", "mode", "minutes"),
        "open": inputs.knows("tasks"),
        "late": inputs.knows("tasks", "due_at"),
    }
    nothing = {name: 0.0 if is_known else float("nan") for name, is_known in known.items()}
    minutes = sums["minutes"].fillna(0.0) / (config.period_days / 7) + nothing["minutes"]
    counted = {
        "accounts": _counts(held.to_frame(), about.index).astype(int) if known["accounts"] else float("nan"),
        "accounts_average": loads(inputs)["accounts"].reindex(about.index),
        "touches": sums["touches"].fillna(0.0) + nothing["touches"],
        "minutes_week": minutes,
        "capacity_week": about["capacity"],
        "load_share": minutes / about["capacity"].where(about["capacity"] > 0),
        "plans_running": _plans(inputs, about.index),
        "tasks_open": _counts(open_ones, about.index) + nothing["open"],
        "tasks_overdue": _counts(open_ones[open_ones["due_on"] < today], about.index) + nothing["late"],
        "due": _counts(due, about.index) + nothing["accounts"],
        "due_overdue": _counts(due[due["is_overdue"]], about.index) + nothing["accounts"],
    }
    named = about.assign(csm=about["csm"].fillna(about.index.to_series()), **counted)
    found: pd.DataFrame = named.reset_index()[PEOPLE].astype({"csm_id": "str", "csm": "str", "team": "str"})
    return found


def loads(inputs: Inputs) -> "pd.DataFrame":
    """Return the loads of `touch_matrix` by csm_id: is_pool, accounts (weighted by time), and those of each tier.

    Args:
        inputs: Results of the run; without `touch_matrix` there are no rows.
    """
    import pandas as pd

    found = inputs.upstream.get("touch_matrix")
    if found is None:
        return pd.DataFrame({"is_pool": pd.Series(dtype=bool), "accounts": pd.Series(dtype=float)})
    table: pd.DataFrame = found.tables["loads"].set_index("csm_id")
    return table


def _counts(rows: "pd.DataFrame", people: "pd.Index") -> "pd.Series[float]":
    return rows["csm_id"].value_counts().reindex(people).fillna(0).astype(float)


def _plans(inputs: Inputs, people: "pd.Index") -> "pd.Series[float]":
    """Return the plans under way by person, as the board of `plan_validation` counts them; missing without it."""
    import pandas as pd

    found = inputs.upstream.get("plan_validation")
    if found is None or "by_csm" not in found.tables:
        return pd.Series(float("nan"), index=people)
    board = found.tables["by_csm"].set_index("csm_id")[list(RUNNING)].sum(axis=1)
    running: pd.Series[float] = board.reindex(people).fillna(0).astype(float)
    return running


def book_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the health of the accounts of each person with enough accounts, in the order of names.

    Args:
        inputs: Customers and the result of `health`.
        config: Accounts below which nobody is named.

    Returns:
        One row per person and band, worst first: csm, csm_id, band, accounts, band_share (of the scored accounts of the
        person); no rows without `health`.
    """
    import pandas as pd

    columns = ["csm", "csm_id", "band", "accounts", "band_share"]
    health = inputs.upstream.get("health")
    if health is None:
        return pd.DataFrame(columns=columns)
    bands = list(dict.fromkeys(health.tables["history"]["band"]))
    scores = health.tables["scores"].set_index("account_id")["band"]
    scored = inputs.accounts.assign(band=scores).dropna(subset="csm_id")
    scored = scored[scored["band"].isin(bands)]
    sizes = scored.groupby("csm_id")["band"].transform("size")
    named = scored[sizes >= config.least_accounts]
    if named.empty:
        return pd.DataFrame(columns=columns)
    people = named[["csm", "csm_id"]].drop_duplicates().sort_values(["csm", "csm_id"])
    every = people.merge(pd.DataFrame({"band": bands}), how="cross")
    counts = named.groupby(["csm_id", "band"]).size().rename("accounts")
    table = every.join(counts, on=["csm_id", "band"]).fillna({"accounts": 0}).astype({"accounts": int})
    return table.assign(band_share=table["accounts"] / table.groupby("csm_id")["accounts"].transform("sum"))[columns]


def mix_table(people: "pd.DataFrame", books: "pd.DataFrame") -> "pd.DataFrame":
    """Return the people with a column for each band of the health of their accounts.

    Args:
        people: From `people_table`.
        books: From `book_table`.
    """
    if books.empty:
        return people
    bands = list(dict.fromkeys(books["band"]))
    wide = books.pivot_table(index="csm_id", columns="band", values="accounts")[bands]
    return people.join(wide.rename_axis(columns=None), on="csm_id")


def compared_table(differences: "pd.DataFrame", language: str) -> "pd.DataFrame":
    """Return the differences of each person in words, one column per measure: csm, csm_id and the measures.

    Args:
        differences: From `difference_table`.
        language: Language of numbers.
    """
    told = []
    for row in differences.to_dict("records"):
        unit = "touches" if row["measure"] == "touches" else "share"
        ends = [row[name] for name in ("difference", "low", "high")]
        if ends[0] != ends[0]:
            told.append(formats.text(SAID[row["says"]], language))
            continue
        like = Estimate(ends[0], unit, 0, ends[1], ends[2], 0.95)
        value, low, high = (formats.in_unit(each, unit, language, like=like, named=False) for each in ends)
        word = "" if row["says"] == ALIKE else f", {formats.text(SAID[row['says']], language)}"
        told.append(f"{value} ({low} – {high}){word}")
    named = differences.assign(told=told)
    wide = named.pivot_table(index=["csm", "csm_id"], columns="measure", values="told", aggfunc="first")
    found: pd.DataFrame = wide.reset_index().rename_axis(columns=None)
    return found


def difference_table(inputs: Inputs, config: Config, overdue: "pd.DataFrame") -> "pd.DataFrame":
    """Return how the accounts of each person differ from colleagues' of the same tiers; pools are left out.

    Args:
        inputs: Customers, touches, tasks, the result of `health`.
        config: Least accounts, level.
        overdue: From `overdue_visits`.

    Returns:
        `comparing.COLUMNS` with csm, the name, in front. Measures: touches (of an account in the period), at_risk
        (share in the lowest band), visits_overdue (share with a visit that is older than it may be), tasks_done (share
        of what was due).
    """
    import pandas as pd

    pools = loads(inputs)
    owned = inputs.accounts.dropna(subset="csm_id")
    held = owned[~owned["csm_id"].isin(pools.index[pools["is_pool"]])]
    parts = [
        held.assign(measure=name, value=values.reindex(held.index)).dropna(subset="value")
        for name, values in _measures(inputs, config, overdue).items()
    ]
    rows = [part.rename_axis("account_id").reset_index() for part in parts if len(part)]
    empty = pd.DataFrame(columns=["account_id", "csm_id", "tier", "measure", "value"])
    table = differences(pd.concat(rows) if rows else empty, config.least_accounts, config.level)
    names = inputs.accounts.dropna(subset="csm_id").drop_duplicates("csm_id").set_index("csm_id")["csm"]
    table.insert(0, "csm", table["csm_id"].map(names))
    return table.sort_values(["measure", "csm", "csm_id"], ignore_index=True)


def _measures(inputs: Inputs, config: Config, overdue: "pd.DataFrame") -> "Mapping[str, pd.Series[float]]":
    found = {
        "visits_overdue": overdue.dropna(subset="is_overdue").groupby("account_id")["is_overdue"].max().astype(float)
    }
    if inputs.knows("touches", "mode"):
        sums = inputs.talks.groupby("account_id")["touches"].sum()
        found["touches"] = sums.reindex(inputs.accounts.index).fillna(0.0)
    health = inputs.upstream.get("health")
    if health is not None:
        worst = health.config["scorecards"][0]["bands"][0]["name"]
        scores = health.tables["scores"].dropna(subset="score").set_index("account_id")["band"]
        found["at_risk"] = (scores == worst).astype(float)
    if inputs.knows("tasks", "due_at", "done_at"):
        tasks = tasks_by_account(inputs, config)
        due = tasks[tasks["is_due"] > 0].set_index("account_id")
        found["tasks_done"] = due["is_done"] / due["is_due"]
    return found
