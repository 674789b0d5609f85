"""KPI sheets of delivery and after-sales, each with the guardrail that looking for business does not hurt service."""

from enum import StrEnum
from typing import TYPE_CHECKING

from csworkbench.analyses.key_accounts.evidence import Inputs
from csworkbench.analyses.key_accounts.means import Sums, are_enough, clustered, interval_of, line, sums
from csworkbench.analyses.key_accounts.settings import Config
from csworkbench.inference.multiplicity import Guardrail, guardrail

if TYPE_CHECKING:
    import pandas as pd

DELIVERY, AFTER_SALES, GROWTH = "delivery", "after-sales", "growth"
KPI = ["sheet", "kpi", "unit", "value", "low", "high", "n", "before", "change", "change_low", "change_high", "verdict"]
GUARD = ["outcome", "unit", "difference", "low", "high", "margin", "level", "with_mining", "without", "verdict"]
LEAST = 20  # rows with mining, and without, of at least 10 accounts each
HOUR, WEEK = 3600.0, 168.0
WORDS = {
    Guardrail.HARM: "hurts more than is put up with",
    Guardrail.NO_HARM: "does not hurt more than is put up with",
    Guardrail.TOO_FEW_DATA: "cannot tell",
}


class Kpi(StrEnum):
    """What a sheet is judged by, as readers see it."""

    UTILIZATION = "utilization"
    QUALITY = "quality of delivery"
    LATE = "days late"
    COLLECTED = "cash collected of what is due"
    RESOLVED = "resolved within a week"
    HOURS = "hours to resolve, at most a week"
    SATISFACTION = "satisfaction"
    OPPORTUNITIES = "opportunities of service per account and year"
    WON = "of them won"


class Guarded(StrEnum):
    """What must not get worse where service looks for business."""

    HOURS = "hours to resolve"
    SATISFACTION = "satisfaction"
    LATE = "days late"
    QUALITY = "quality of delivery"


YES_OR_NO = (Kpi.RESOLVED, Kpi.WON)


def kpi_table(inputs: Inputs, config: Config, dimensions: "pd.DataFrame") -> "pd.DataFrame":
    """Return the KPIs of both teams over the key accounts, this window beside the one before.

    Args:
        inputs: Projects, tickets, opportunities and tasks.
        config: Window and level of the intervals.
        dimensions: Ratings, from `rating.dimension_table`: both teams are to raise them.

    Returns:
        One row per sheet and KPI: the columns KPI; n accounts; both teams share the rows of growth.
    """
    import pandas as pd

    rows = [
        *_delivery(inputs, config),
        *_after_sales(inputs, config),
        *_growth(inputs, config),
        *_rated(dimensions),
    ]
    return pd.DataFrame(rows, columns=KPI)


def _row(sheet: str, kpi: tuple[Kpi, str, str], found: Sums, level: float) -> dict[str, object]:
    name, unit, better = kpi
    return {"sheet": sheet, "kpi": name.value, "unit": unit, **line(found, level, better, is_share=name in YES_OR_NO)}


def within(days: "pd.Series[pd.Timestamp]", inputs: Inputs, config: Config, back: int = 0) -> "pd.Series[bool]":
    """Return which days lie in this window, or in one before it.

    Args:
        days: Days or instants.
        inputs: Date of the page.
        config: Days of a window.
        back: So many windows before.
    """
    import pandas as pd

    end = pd.Timestamp(inputs.as_of) + pd.Timedelta(days=1 - back * config.window_days)
    inside: pd.Series[bool] = (days < end) & (days >= end - pd.Timedelta(days=config.window_days))
    return inside


def _windows(rows: "pd.DataFrame", value: str, day: str, given: tuple[Inputs, Config]) -> Sums:
    inputs, config = given
    mine = rows[rows["account_id"].isin(inputs.key.index)]
    return sums(mine, value, within(mine[day], inputs, config), within(mine[day], inputs, config, 1))


def _delivery(inputs: Inputs, config: Config) -> "list[dict[str, object]]":
    rows = projects_of(inputs)
    given = (inputs, config)
    kpis = [
        ((Kpi.UTILIZATION, "share", "higher"), "utilization"),
        ((Kpi.QUALITY, "points", "higher"), "quality"),
        ((Kpi.LATE, "days", "lower"), "late_days"),
        ((Kpi.COLLECTED, "share", "higher"), "collected"),
    ]
    return [_row(DELIVERY, kpi, _windows(rows, column, "day", given), config.level) for kpi, column in kpis]


def _after_sales(inputs: Inputs, config: Config) -> "list[dict[str, object]]":
    rows = tickets_of(inputs)
    given = (inputs, config)
    kpis = [
        ((Kpi.RESOLVED, "share", "higher"), "is_resolved"),
        ((Kpi.HOURS, "hours", "lower"), "week_hours"),
        ((Kpi.SATISFACTION, "points", "higher"), "csat"),
    ]
    return [_row(AFTER_SALES, kpi, _windows(rows, column, "opened_at", given), config.level) for kpi, column in kpis]


def _growth(inputs: Inputs, config: Config) -> "list[dict[str, object]]":
    """Return what both sheets share: opportunities that service found, per account and year, and how many it won."""
    rows = inputs.tables["opportunities"]
    mine = rows[(rows["source"] == "service") & rows["account_id"].isin(inputs.key.index)]
    found = Sums(_per_year(mine, (inputs, config), 0), _per_year(mine, (inputs, config), 1))
    closed = mine[mine["is_won"].notna()].assign(won=mine["is_won"].eq(True).astype(float))
    return [
        _row(GROWTH, (Kpi.OPPORTUNITIES, "opportunities", "higher"), found, config.level),
        _row(
            GROWTH,
            (Kpi.WON, "share", "higher"),
            _windows(closed, "won", "closed_at", (inputs, config)),
            config.level,
        ),
    ]


def _rated(dimensions: "pd.DataFrame") -> "list[dict[str, object]]":
    """Return the dimensions of the relationship as KPIs."""
    rows = dimensions.rename(columns={"level": "value", "accounts": "n", "dimension": "kpi"}).to_dict("records")

    told = [{str(name): value for name, value in row.items() if name in KPI} for row in rows]
    return [{"sheet": GROWTH, "unit": "points", **row} for row in told]


def _per_year(rows: "pd.DataFrame", given: tuple[Inputs, Config], back: int) -> "pd.DataFrame":
    """Return for each key account that was there the opportunities of a window, and the years of it it was there."""
    import pandas as pd

    inputs, config = given
    end = pd.Timestamp(inputs.as_of) - pd.Timedelta(days=back * config.window_days)
    days = (end - inputs.key["began_on"]).dt.days.clip(0, config.window_days)
    opened = rows[within(rows["created_at"].astype("datetime64[s]"), inputs, config, back)]
    counts = opened["account_id"].value_counts().reindex(days.index).fillna(0.0).astype(float)
    table = pd.DataFrame({"total": counts, "count": days / 365.25})
    there: pd.DataFrame = table.loc[days > 0]
    return there


def projects_of(inputs: Inputs) -> "pd.DataFrame":
    """Return the projects with late_days, collected (share) and the day they count on.

    A project that goes on after its planned end is late by the days so far; before it, or where the account has left
    and nobody ends it any more, nobody knows (missing).

    Args:
        inputs: Projects of all accounts.
    """
    import pandas as pd

    rows, now = inputs.tables["projects"], pd.Timestamp(inputs.as_of)
    due, planned = rows["cash_due"].astype(float), rows["planned_end"].astype("datetime64[s]")
    ended = rows["ended_at"].astype("datetime64[s]")
    goes_on = ended.isna() & (planned < now) & rows["account_id"].map(inputs.accounts["left_on"]).isna()
    late = (ended.mask(goes_on, now) - planned).dt.days
    return rows.assign(
        late_days=late.astype(float),
        quality=rows["quality"].astype(float),
        utilization=rows["utilization"].astype(float),
        collected=(rows["cash_collected"].astype(float) / due).where(due > 0),
        day=ended.fillna(planned),
    )


def tickets_of(inputs: Inputs) -> "pd.DataFrame":
    """Return the tickets that had a week, with open_hours, week_hours (at most a week's) and is_resolved within it.

    Tickets of the last days are left out: the quick ones of them are resolved, the slow ones are not there yet. One
    that nobody has resolved counts with the hours so far.

    Args:
        inputs: Tickets of all accounts.
    """
    import pandas as pd

    rows = inputs.tables["tickets"].astype({"opened_at": "datetime64[s]", "resolved_at": "datetime64[s]"})
    now = pd.Timestamp(inputs.as_of)
    rows = rows[rows["opened_at"] <= now - pd.Timedelta(days=7)]
    hours = (rows["resolved_at"] - rows["opened_at"]).dt.total_seconds() / HOUR
    return rows.assign(
        open_hours=hours.fillna((now - rows["opened_at"]).dt.total_seconds() / HOUR),
        week_hours=hours.fillna(WEEK).clip(upper=WEEK),
        is_resolved=(hours <= WEEK).astype(float),
        csat=rows["csat"].astype(float),
    )


def guard_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return whether service is worse where business is looked for, by more than is put up with.

    Tickets are compared within an account, quarters in which service opened an opportunity or did a task beyond base
    service beside the others, with what all accounts of a quarter share taken out; projects among accounts of a tier.

    Args:
        inputs: Tickets, projects, opportunities and tasks of all accounts.
        config: Margins and level.

    Returns:
        One row per outcome: the columns GUARD; the interval is at 1 - 2 (1 - level), for one side. No difference with
        fewer than 20 account-quarters (or projects) of a kind.

    Source: non-inferiority as in Piaggio et al. (2012), JAMA 308, 2594-2604.
    """
    import numpy as np
    import pandas as pd

    level, margins = 1 - 2 * (1 - config.level), config.margins
    tickets, projects = _ticket_quarters(inputs), _projects_with_mining(inputs)
    asked = [
        (Guarded.HOURS, "ratio", _inside(tickets, "log_hours", level), np.log(margins.resolution_ratio), False),
        (Guarded.SATISFACTION, "points", _inside(tickets, "csat", level), margins.csat_points, True),
        (Guarded.LATE, "days", _between(projects, "late_days", level), margins.delay_days, False),
        (Guarded.QUALITY, "points", _between(projects, "quality", level), margins.quality_points, True),
    ]
    lines = []
    for name, unit, found, margin, is_higher_better in asked:
        value, low, high, mined, others = found
        said = Guardrail.TOO_FEW_DATA
        if low is not None and high is not None:
            said = guardrail(low, high, margin, is_higher_better=is_higher_better)
        numbers = [each if each is None or unit != "ratio" else float(np.exp(each)) for each in (value, low, high)]
        shown = float(np.exp(margin)) if unit == "ratio" else margin
        lines.append((name.value, unit, *numbers, shown, level, mined, others, WORDS[said]))
    return pd.DataFrame(lines, columns=GUARD)


def _mining(inputs: Inputs) -> "pd.DataFrame":
    """Return the days on which service looked for business: account_id, day."""
    import pandas as pd

    found, tasks = inputs.tables["opportunities"], inputs.tables["tasks"]
    opened = found.loc[found["source"] == "service", ["account_id", "created_at"]].set_axis(
        ["account_id", "day"], axis=1
    )
    extra = tasks[(tasks["line"] == "value_add") & tasks["done_at"].notna()]
    done = extra[["account_id", "done_at"]].set_axis(["account_id", "day"], axis=1)
    parts = [part.astype({"day": "datetime64[s]"}) for part in (opened, done) if len(part)]
    empty = pd.DataFrame({"account_id": pd.Series(dtype="str"), "day": pd.Series(dtype="datetime64[s]")})
    return pd.concat(parts, ignore_index=True) if parts else empty


def _ticket_quarters(inputs: Inputs) -> "pd.DataFrame":
    """Return mean log hours and satisfaction of each account and quarter with tickets, and whether it was mined."""
    import numpy as np

    rows = tickets_of(inputs)
    rows = rows[rows["open_hours"] > 0].assign(quarter=lambda each: each["opened_at"].dt.to_period("Q"))
    rows = rows.assign(log_hours=np.log(rows["open_hours"]))
    means = rows.groupby(["account_id", "quarter"])[["log_hours", "csat"]].mean().reset_index()
    mined = _mining(inputs)
    keys = set(zip(mined["account_id"], mined["day"].dt.to_period("Q"), strict=True))
    return means.assign(
        is_mined=[float(key in keys) for key in zip(means["account_id"], means["quarter"], strict=True)]
    )


def _inside(
    rows: "pd.DataFrame", outcome: str, level: float
) -> "tuple[float | None, float | None, float | None, int, int]":
    """Return the difference within accounts, quarters taken out, its interval, and how many of either kind."""
    import pandas as pd

    known = rows[rows[outcome].notna()]
    # An account that is always mined, or never, says nothing of itself.
    both = known[known.groupby("account_id")["is_mined"].transform("nunique") > 1]
    mined = int(both["is_mined"].sum())
    if not are_enough(both, "is_mined", LEAST):
        return None, None, None, mined, len(both) - mined
    columns = pd.get_dummies(both["quarter"].astype(str), drop_first=True, dtype=float)
    table = pd.concat([both[["is_mined", outcome]], columns], axis=1)
    inside = table - table.groupby(both["account_id"]).transform("mean")
    found = clustered(inside.drop(columns=outcome), inside[outcome].to_numpy(), both["account_id"], level)
    return *interval_of(found, "is_mined"), mined, len(both) - mined


def _projects_with_mining(inputs: Inputs) -> "pd.DataFrame":
    """Return the projects that have ended or should have, and whether service looked for business in the time planned.

    The time planned, not the time taken: a project that takes longer has more days on which somebody looks for
    business, and would be late with it by that alone.
    """
    rows = projects_of(inputs)
    is_over = rows["ended_at"].notna() | rows["late_days"].notna()
    rows = rows[is_over & rows["known_at"].notna() & rows["account_id"].isin(inputs.accounts.index)]
    rows = rows.assign(until=rows["planned_end"].fillna(rows["ended_at"]))
    days = _mining(inputs).merge(rows[["project_id", "account_id", "known_at", "until"]], on="account_id")
    inside = days[(days["day"] >= days["known_at"]) & (days["day"] <= days["until"])]
    tier = inputs.accounts.loc[rows["account_id"], "tier"].to_numpy()
    return rows.assign(tier=tier, is_mined=rows["project_id"].isin(inside["project_id"]).astype(float))


def _between(
    rows: "pd.DataFrame", outcome: str, level: float
) -> "tuple[float | None, float | None, float | None, int, int]":
    """Return the difference among projects of a tier, its interval, and how many of either kind."""
    import pandas as pd

    known = rows[rows[outcome].notna()]
    mined = int(known["is_mined"].sum())
    if not are_enough(known, "is_mined", LEAST):
        return None, None, None, mined, len(known) - mined
    tiers = pd.get_dummies(known["tier"], drop_first=True, dtype=float)
    design = pd.concat([known[["is_mined"]], tiers], axis=1).assign(constant=1.0)
    found = clustered(design, known[outcome].to_numpy(float), known["account_id"], level)
    return *interval_of(found, "is_mined"), mined, len(known) - mined
