"""The six figures by which tech touch is judged, account by account, so that any group of accounts can be added up."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench import formats
from csworkbench.analyses.touch_matrix.settings import Config
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot

ONBOARDING, USAGE, NPS, RETENTION = "onboarding_days", "active_ratio", "nps", "retention"
EXPANSION, LOAD = "expansion", "accounts_per_csm"
KPIS = (ONBOARDING, USAGE, NPS, RETENTION, EXPANSION, LOAD)
TABLES = {
    ONBOARDING: ("milestones",), USAGE: ("usage_daily", "subscriptions"), NPS: ("nps_responses",),
    RETENTION: ("renewals",), EXPANSION: ("subscriptions",), LOAD: ("assignments",),
}  # fmt: skip
FRAME = {"kpi": "str", "account_id": "str", "top": "float64", "bottom": "float64", "extra": "float64"}


def measured(snapshot: "Snapshot", config: Config, first: date) -> "tuple[pd.DataFrame, dict[str, str]]":
    """Return what each figure is made of, by account, and the figures that lack a table.

    Args:
        snapshot: The book at the date of the page.
        config: Milestone that ends onboarding, days of NPS answers.
        first: First day of the period.

    Returns:
        One row per KPI and account: kpi, account_id, top, bottom, extra. onboarding_days: days, whether it was reached;
        active_ratio: the ratio, 1; nps: promoters, answers, detractors; retention: renewals kept, decided; expansion:
        whether it upgraded, 1. And KPI -> the table it lacks.
    """
    import pandas as pd

    makers: dict[str, Callable[[], Any]] = {
        ONBOARDING: lambda: _onboarding(snapshot, config),
        USAGE: lambda: _usage(snapshot),
        NPS: lambda: _nps(snapshot, config),
        RETENTION: lambda: _retention(snapshot, first),
        EXPANSION: lambda: _expansion(snapshot, first),
    }
    lacking = {
        name: ", ".join(gone)
        for name, tables in TABLES.items()
        if (gone := [table for table in tables if table not in snapshot.tables])
    }
    parts = [maker().assign(kpi=name) for name, maker in makers.items() if name not in lacking]
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in FRAME.items()})
    kept = [part.reindex(columns=list(FRAME)).astype(FRAME) for part in parts if len(part)]
    found: pd.DataFrame = pd.concat(kept, ignore_index=True) if kept else empty
    return found, lacking


def loads(snapshot: "Snapshot", config: Config, first: date) -> "pd.DataFrame":
    """Return which accounts each person looked after in a period, and for how much of it.

    Args:
        snapshot: The book at the date of the page.
        config: Roles of the people who look after a pool.
        first: First day of the period.

    Returns:
        One row per person and account: csm_id, account_id, share (of the days of the period), is_pool (the person has a
        role of `pool_roles`).
    """
    import pandas as pd

    from csworkbench.features.dated import with_columns
    from csworkbench.features.rates import account_days

    columns = {"csm_id": "str", "account_id": "str", "share": "float64", "is_pool": "bool"}
    if "assignments" not in snapshot.tables:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    held = account_days(snapshot, "csm", first, snapshot.as_of, by_account=True).to_pandas()
    pools: set[str] = set()
    if "csms" in snapshot.tables:
        team = with_columns(snapshot.tables["csms"], role="string").select("csm_id", "role").to_pandas()
        pools = set(team.loc[team["role"].isin(config.pool_roles), "csm_id"])
    share = held["account_days"] / ((snapshot.as_of - first).days + 1)
    found: pd.DataFrame = held.assign(share=share, is_pool=held["csm_id"].isin(pools))[list(columns)]
    return found.sort_values(["csm_id", "account_id"], ignore_index=True)


def load_table(inputs: Any) -> "pd.DataFrame":
    """Return how many accounts each person looked after on an average day of the period, the most first.

    Args:
        inputs: Who looked after which account.

    Returns:
        One row per person: csm_id, is_pool, accounts, and the accounts of each tier.
    """
    import pandas as pd

    if inputs.loads.empty:
        return pd.DataFrame(columns=["csm_id", "is_pool", "accounts"])
    rows = inputs.loads.join(inputs.accounts["tier"], on="account_id")
    every = pd.concat([rows.assign(tier="accounts"), rows], ignore_index=True)
    sums = every.pivot_table(index=["csm_id", "is_pool"], columns="tier", values="share", aggfunc="sum", fill_value=0.0)
    table: pd.DataFrame = sums.reset_index().rename_axis(columns=None)
    return table.sort_values(["accounts", "csm_id"], ascending=[False, True], ignore_index=True)


def kpi_table(inputs: Any, config: Config) -> "pd.DataFrame":
    """Return the six figures of the book, of each tier, and of each policy cell.

    Args:
        inputs: Figures by account, tiers and cells.
        config: Level of the intervals.

    Returns:
        One row per group and KPI: dimension (all, tier, cell), value (of the dimension), kpi, estimate (missing: nobody
        can tell), low, high, n (accounts; CSMs for accounts_per_csm), unit, told (the estimate in words).
    """
    import pandas as pd

    accounts = inputs.accounts
    groups = [("all", "", accounts.index)]
    for dimension in ("tier", "cell") if config.kpi_by else ("tier",):
        groups += [(dimension, str(name), part.index) for name, part in accounts.groupby(dimension, sort=True)]
    lines = []
    for dimension, value, members in groups:
        rows = inputs.kpis[inputs.kpis["account_id"].isin(members)]
        for kpi in KPIS:
            if kpi in inputs.absent:
                continue
            held = inputs.loads[inputs.loads["account_id"].isin(members)]
            told = load(held) if kpi == LOAD else told_of(kpi, rows[rows["kpi"] == kpi], config.level)
            numbers = (told.value, told.low, told.high, told.n, told.unit)
            lines.append((dimension, value, kpi, *numbers, formats.estimate(told, inputs.language)))
    columns = ["dimension", "value", "kpi", "estimate", "low", "high", "n", "unit", "told"]
    return pd.DataFrame(lines, columns=columns).astype({"estimate": float, "low": float, "high": float})


def told_of(kpi: str, rows: "pd.DataFrame", level: float) -> Estimate:
    """Return one of the figures that are made of rows per account.

    Args:
        kpi: Which one; not accounts_per_csm.
        rows: Its rows from `measured`.
        level: Coverage of the interval.
    """
    from csworkbench.features.estimating import median_days, nps_of, ratio_of, share_of

    if kpi == ONBOARDING:
        times = rows.rename(columns={"top": "days", "bottom": "is_reached"}).astype({"is_reached": bool})
        return median_days(times, level)
    if kpi == NPS:
        return nps_of(rows.rename(columns={"top": "promoters", "bottom": "answered", "extra": "detractors"}), level)
    keyed = rows.set_index("account_id")
    if kpi == USAGE:  # active users may outnumber seats, so it is no share of trials
        return ratio_of(keyed["top"], keyed["bottom"], level)
    return share_of(keyed["top"], keyed["bottom"], level)


def load(held: "pd.DataFrame") -> Estimate:
    """Return accounts per CSM: the mean over those who looked after any, pools apart.

    Every CSM is counted and none is drawn, so the figure has no interval; n is the number of CSMs.

    Args:
        held: From `loads`.
    """
    sums = held[~held["is_pool"]].groupby("csm_id")["share"].sum()
    return Estimate(float(sums.mean()) if len(sums) else None, "accounts", len(sums))


def _onboarding(snapshot: "Snapshot", config: Config) -> Any:
    from csworkbench.features.rates import milestone_times

    times = milestone_times(snapshot, config.milestone).to_pandas().sort_values("account_id")
    return times.rename(columns={"days": "top", "is_reached": "bottom"})


def _usage(snapshot: "Snapshot") -> Any:
    from csworkbench.features import ActiveRatio, measures
    from csworkbench.filters import Condition, accounts_at, fits

    table = accounts_at(snapshot, (snapshot.as_of,), wanted={"churned_at"})
    is_here = fits(Condition.model_validate({"attribute": "churned_at", "is_known": False}), table)
    here = table.filter(is_here).select("account_id").to_pandas()["account_id"]
    found = measures(snapshot, {USAGE: ActiveRatio()}).dropna(subset="value")
    return found[found["account_id"].isin(here)].rename(columns={"value": "top"}).assign(bottom=1.0)


def _nps(snapshot: "Snapshot", config: Config) -> Any:
    from csworkbench.features.rates import nps_answers

    found = nps_answers(snapshot, config.period_days).to_pandas().sort_values("account_id")
    return found.rename(columns={"promoters": "top", "answered": "bottom", "detractors": "extra"})


def _retention(snapshot: "Snapshot", first: date) -> Any:
    from csworkbench.features.rates import renewals_due

    due = renewals_due(snapshot, first, snapshot.as_of).to_pandas()
    sums = due.groupby("account_id", as_index=False, sort=True)[["kept", "decided"]].sum()
    return sums.rename(columns={"kept": "top", "decided": "bottom"})


def _expansion(snapshot: "Snapshot", first: date) -> Any:
    """Return which customers of the first day of the period upgraded in it; whoever left counts too."""
    import pandas as pd

    from csworkbench.filters import accounts_at

    wanted = {"paid_at", "churned_at", "last_upgrade_on"}
    table = accounts_at(snapshot, (snapshot.as_of,), wanted=wanted)
    frame = table.select("account_id", *sorted(wanted)).to_pandas().sort_values("account_id")
    days = {name: pd.to_datetime(frame[name]) for name in sorted(wanted)}
    start = pd.Timestamp(first)
    was_there = (days["paid_at"] < start) & ~(days["churned_at"] < start)
    upgraded = (days["last_upgrade_on"] >= start).astype(float)
    return frame.assign(top=upgraded, bottom=1.0)[was_there]


def figures_of(table: "pd.DataFrame", level: float) -> Mapping[str, Estimate]:
    """Return the six figures of the whole book as estimates.

    Args:
        table: From `kpi_table`.
        level: Coverage of the intervals.
    """
    import pandas as pd

    found = {}
    for row in table[table["dimension"] == "all"].to_dict("records"):
        has_range = not pd.isna(row["low"])
        ends = (float(row["low"]), float(row["high"]), level) if has_range else (None, None, None)
        value = None if pd.isna(row["estimate"]) else float(row["estimate"])
        found[str(row["kpi"])] = Estimate(value, str(row["unit"]), int(row["n"]), *ends)
    return found
