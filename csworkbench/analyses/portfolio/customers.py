"""Customers: how many, what they pay, how healthy they are, how that moves, and what is done for them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from csworkbench.analyses.portfolio.evidence import Inputs
from csworkbench.analyses.portfolio.settings import Config
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"


def customer_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the customers by tier, the whole book first.

    Args:
        inputs: Customers and tasks.
        config: Period and level.

    Returns:
        One row per tier: tier, customers, tasks_open, tasks_overdue, tasks_due (in the period, of which tasks_done),
        done_share (missing: none was due), low_share, high_share; what no column of tasks says is missing.
    """
    import pandas as pd

    tasks = _of_period(inputs, config)
    says = {"is_open": (), "is_late": ("due_at",), "is_due": ("due_at",), "is_done": ("due_at", "done_at")}
    is_known = {name: inputs.knows("tasks", *columns) for name, columns in says.items()}
    lines = []
    for tier, members in [(ALL, inputs.accounts), *inputs.accounts.groupby("tier")]:
        rows = tasks[tasks["account_id"].isin(members.index)]
        share = completion(rows, config.level)
        ends = (share.value, share.low, share.high) if is_known["is_done"] else (None, None, None)
        counts = [int(rows[name].sum()) if is_known[name] else None for name in says]
        lines.append((str(tier), len(members), *counts, *ends))
    columns = [
        "tier",
        "customers",
        "tasks_open",
        "tasks_overdue",
        "tasks_due",
        "tasks_done",
        "done_share",
        "low_share",
        "high_share",
    ]
    kinds = dict.fromkeys(columns[2:6], "Int64") | dict.fromkeys(columns[6:], "float64")
    return pd.DataFrame(lines, columns=columns).astype(kinds)


def arr_table(inputs: Inputs) -> "pd.DataFrame":
    """Return the ARR of the customers by tier and currency; no currency is added to another.

    Args:
        inputs: Customers.

    Returns:
        One row per tier, the whole book first, and currency: tier, currency, customers, priced (customers whose ARR is
        known), arr (their sum; missing: of none).
    """
    import pandas as pd

    rows = pd.concat([inputs.accounts.assign(tier=ALL), inputs.accounts])
    groups = rows.groupby(["tier", "currency"], sort=True)
    sums = groups["arr"].agg(customers="size", priced="count").assign(arr=groups["arr"].sum(min_count=1)).reset_index()
    order = sums.assign(is_part=sums["tier"] != ALL).sort_values(["is_part", "tier", "currency"], ignore_index=True)
    table: pd.DataFrame = order.drop(columns="is_part")
    return table


def _of_period(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the tasks with is_open, is_late, is_due (in the period) and is_done (of those)."""
    import pandas as pd

    today = pd.Timestamp(inputs.as_of)
    first = today - pd.Timedelta(days=config.period_days - 1)
    tasks = inputs.tasks
    is_open = tasks["done_on"].isna()
    is_due = tasks["due_on"].between(first, today)
    return tasks.assign(
        is_open=is_open, is_late=is_open & (tasks["due_on"] < today), is_due=is_due, is_done=is_due & ~is_open
    )


def completion(tasks: "pd.DataFrame", level: float) -> Estimate:
    """Return the share of the tasks due in the period that are done, with accounts as units.

    Args:
        tasks: Rows of `tasks_by_account`, or of tasks with is_due and is_done.
        level: Coverage of the interval.
    """
    from csworkbench.features.estimating import share_of

    sums = tasks.groupby("account_id")[["is_done", "is_due"]].sum().astype(float)
    return share_of(sums["is_done"], sums["is_due"], level)


def tasks_by_account(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return the tasks of each account: account_id, is_open, is_late, is_due, is_done (tasks).

    Args:
        inputs: Tasks.
        config: Period.
    """
    found: pd.DataFrame = (
        _of_period(inputs, config)
        .groupby("account_id")[["is_open", "is_late", "is_due", "is_done"]]
        .sum()
        .reset_index()
    )
    return found


def health_table(inputs: Inputs) -> "pd.DataFrame":
    """Return the bands of health with their accounts now and at the date they are compared with.

    Args:
        inputs: The result of `health`, whose history it is.

    Returns:
        One row per band, worst first: band, accounts, band_share (of those scored), before (accounts at the date
        compared with), before_share, compared_on; no rows without `health`.
    """
    import pandas as pd

    columns = ["band", "accounts", "band_share", "before", "before_share", "compared_on"]
    health = inputs.upstream.get("health")
    if health is None:
        return pd.DataFrame(columns=columns)
    history = health.tables["history"]
    dates = sorted(history["snapshot_on"].unique())
    back = min(int(health.config["compare_months"]), len(dates) - 1)
    now, then = (history[history["snapshot_on"] == dates[place]] for place in (-1, -1 - back))
    earlier = then.set_index("band")
    found = now.assign(
        before=now["band"].map(earlier["accounts"]),
        before_share=now["band"].map(earlier["share"]),
        compared_on=pd.Timestamp(dates[-1 - back]),
    )
    table: pd.DataFrame = found.rename(columns={"share": "band_share"})[columns].reset_index(drop=True)
    return table


def customer_figures(inputs: Inputs, arr: "pd.DataFrame", config: Config) -> Mapping[str, Estimate]:
    """Return customers, their ARR per currency (that of most customers without a suffix) and the share of tasks done.

    Args:
        inputs: Customers and tasks.
        arr: From `arr_table`.
        config: Period and level.
    """
    n = len(inputs.accounts)
    figures = {"customers": Estimate(n, "accounts", n)}
    known = arr[(arr["tier"] == ALL) & arr["arr"].notna()].sort_values("customers", ascending=False, kind="stable")
    for place, row in enumerate(known.to_dict("records")):
        name = f"arr.{row['currency']}" if place else "arr"
        figures[name] = Estimate(float(row["arr"]), str(row["currency"]), int(row["priced"]))
    if inputs.knows("tasks", "due_at", "done_at"):
        figures["tasks_done"] = completion(_of_period(inputs, config), config.level)
    return figures
