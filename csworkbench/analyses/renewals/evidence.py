"""What the forecast rests on: renewals as they stood at each month end, what came of them, and what was said."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.renewals.asking import undecided
from csworkbench.analyses.renewals.settings import Config

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot

WINDOW_DAYS, WINDOWS = 90, 5  # labels reach 450 days ahead: a yearly term, and the time to decide late
RENEWAL_COLUMNS = (
    "account_id",
    "due_date",
    "target_amount",
    "decided_at",
    "outcome",
    "final_amount",
    "currency",
)
NO_ONE = "nobody"
NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the forecast.
        currency: Currency of the workspace.
        renewals: All renewals known at `as_of`, by renewal_id: account_id, name, csm, tier, due_date, quarter (such as
            2026 Q3), target and final (amount, missing = not recorded), currency, outcome (open = not decided),
            decided_on, is_lost (of decided ones). Amounts are in the workspace's currency where a rate is given.
        rows: One row per month end and renewal that was known and open then, ascending: snapshot_date, renewal_id,
            account_id, days_to_due (negative = past due), target (the amount due
            as known then, where the source keeps history), one column per measure.
        outcomes: What the windows after each month end say: snapshot_date, renewal_id, is_lost, decided_on, known_by
            (end of the window: from then on the row may be learned from). Only what was decided.
        calls: Calls as they were made: renewal_id, made_on, known_on, source, p_renew, amount.
        rates: Sums of the renewals due in the months of the rates: account_id, currency, target, retained, final,
            decided, unpriced, unrecorded; converted like the amounts.
        features: Names of the columns of `rows` the forecast may learn from.
        left_out: Measure -> why it is not among them: the table it needs, or "today's value only".
        has_calls: Whether the workspace has renewal calls.
        is_amount_current: Whether amounts of the past are those of today, because the export overwrites them.
        undecided: Renewals due by the end of the week and open when it began: account_id, due_date.
    """

    as_of: date
    currency: str
    renewals: "pd.DataFrame"
    rows: "pd.DataFrame"
    outcomes: "pd.DataFrame"
    calls: "pd.DataFrame"
    rates: "pd.DataFrame"
    features: tuple[str, ...]
    left_out: Mapping[str, str]
    has_calls: bool
    is_amount_current: bool
    undecided: "pd.DataFrame"


def calendar_month_ends(as_of: date, months: int) -> tuple[date, ...]:
    """Return the last days of the months before a date, and the date itself.

    The day before a quarter is among them, which is what is known at its start.

    Args:
        as_of: The last of the dates.
        months: How many dates, at least 1.
    """
    dates, day = [as_of], as_of.replace(day=1) - timedelta(days=1)
    while len(dates) < months:
        dates.append(day)
        day = day.replace(day=1) - timedelta(days=1)
    return tuple(reversed(dates))


def quarter_of(days: "pd.Series[Any]") -> "pd.Series[str]":
    """Return the calendar quarter of dates, such as 2026 Q3; names sort in time order."""
    named: pd.Series[str] = days.dt.year.astype("str") + " Q" + days.dt.quarter.astype("str")
    return named


def quarter_start(quarter: str) -> date:
    """Return the first day of a quarter named by `quarter_of`."""
    year, number = quarter.split(" Q")
    return date(int(year), 3 * int(number) - 2, 1)


def is_unrecorded(renewals: "pd.DataFrame") -> "pd.Series[bool]":
    """Return which renewals were kept and have an amount due, but not the amount they were renewed for."""
    is_kept = renewals["is_lost"].eq(False).fillna(False).astype(bool)
    found: pd.Series[bool] = is_kept & renewals["target"].notna() & renewals["final"].isna()
    return found


def prepare(snapshot: "Snapshot", config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return the renewals at every month end, what came of them, and the calls.

    Args:
        snapshot: The book at the date of the forecast.
        config: Settings; measures, months and currency rates decide what is read.
        upstream: Not used: the forecast needs no other result.

    Raises:
        ConfigError: a measure reads a column of accounts that does not exist, or an outcome.
    """
    from csworkbench.asof import earlier
    from csworkbench.features import missing_tables

    del upstream
    dates = calendar_month_ends(snapshot.as_of, config.history_months)
    current = earlier(snapshot, dates[0]).current_only
    lacking = missing_tables(config.measures, snapshot)
    left_out = {name: ", ".join(tables) for name, tables in lacking.items()}
    left_out |= {
        name: "today's value only"
        for name, source in config.measures.items()
        if getattr(source, "column", None) in current.get("accounts", ())
    }
    sources = {name: source for name, source in config.measures.items() if name not in left_out}
    renewals = _renewals(snapshot, config)
    return Inputs(
        as_of=snapshot.as_of,
        currency=snapshot.workspace.currency,
        renewals=renewals,
        rows=_rows(snapshot, sources, dates, renewals, config),
        outcomes=_outcomes(snapshot, dates),
        calls=_calls(snapshot, config, renewals),
        rates=_rates(snapshot, config),
        features=tuple(sources),
        left_out=left_out,
        has_calls="renewal_calls" in snapshot.tables,
        is_amount_current="target_amount" in current.get("renewals", ()),
        undecided=undecided(snapshot, config.overdue_days),
    )


def _renewals(snapshot: "Snapshot", config: Config) -> "pd.DataFrame":
    from csworkbench.asof import with_local_day
    from csworkbench.features.dated import with_columns

    kinds = {"decided_at": "timestamp", "outcome": "string", "currency": "string"}
    kinds |= {"target_amount": "decimal(18, 6)", "final_amount": "decimal(18, 6)"}
    table = with_columns(snapshot.tables["renewals"], **kinds)
    table = with_local_day(table, "decided_at", snapshot.workspace.timezone)
    frame = table.select(
        "renewal_id",
        "account_id",
        "due_date",
        "currency",
        target=table.target_amount.cast("float64"),
        final=table.final_amount.cast("float64"),
        outcome=table.outcome.fill_null("open"),
        decided_on=table.local_day,
    ).to_pandas()
    frame = _converted(frame, ("target", "final"), snapshot.workspace.currency, config).sort_values("renewal_id")
    people = _people(snapshot)
    found = people.reindex(frame["account_id"])
    is_decided = frame["outcome"] != "open"
    return frame.assign(
        name=found["name"].fillna(found.index.to_series()).to_numpy(),
        csm=found["csm"].fillna(NO_ONE).to_numpy(),
        tier=found["tier"].fillna(NOT_KNOWN).to_numpy(),
        quarter=quarter_of(frame["due_date"]).astype("str"),
        final=frame["final"].where(~(frame["outcome"].eq("churned") & frame["final"].isna()), 0.0),
        is_lost=frame["outcome"].eq("churned").where(is_decided).astype("boolean"),
    ).set_index("renewal_id")


def _people(snapshot: "Snapshot") -> "pd.DataFrame":
    """Return name, tier and CSM of each account, missing where nobody says; index account_id."""
    from csworkbench.features import owner_names
    from csworkbench.features.dated import with_columns

    accounts = with_columns(snapshot.tables["accounts"], name="string", value_tier="string")
    frame: pd.DataFrame = accounts.select("account_id", "name", tier="value_tier").to_pandas().set_index("account_id")
    if "assignments" not in snapshot.tables:
        return frame.assign(csm=None)
    return frame.assign(csm=owner_names(snapshot).reindex(frame.index))


def _converted(frame: "pd.DataFrame", columns: tuple[str, ...], home: str, config: Config) -> "pd.DataFrame":
    """Return a frame with its amounts in the home currency where a rate is given; the others keep their own."""
    currency = frame["currency"].fillna("").replace("", home)
    rate = currency.map({**config.currency_rates, home: 1.0}).astype(float)
    amounts = {name: frame[name] * rate.fillna(1.0) for name in columns}
    return frame.assign(currency=currency.where(rate.isna(), home), **amounts)


def _rows(
    snapshot: "Snapshot",
    sources: Mapping[str, Any],
    dates: tuple[date, ...],
    renewals: "pd.DataFrame",
    config: Config,
) -> "pd.DataFrame":
    import pandas as pd

    from csworkbench.features import PLACE, at_dates, panel
    from csworkbench.features.dated import with_columns

    kinds = {"outcome": "string", "currency": "string", "target_amount": "decimal(18, 6)"}
    table = with_columns(at_dates(snapshot, "renewals", RENEWAL_COLUMNS, dates), **kinds)
    is_open = table.outcome.fill_null("open") == "open"
    found = table.filter(is_open).select(
        PLACE, "renewal_id", "account_id", "due_date", "currency", target=table.target_amount.cast("float64")
    )
    open_rows = _converted(found.to_pandas(), ("target",), snapshot.workspace.currency, config)
    open_rows = open_rows[open_rows["renewal_id"].isin(renewals.index)]
    days = pd.DatetimeIndex(dates).take(open_rows[PLACE].to_numpy())
    rows = open_rows.assign(
        snapshot_date=days,
        days_to_due=(open_rows["due_date"] - days.to_series(index=open_rows.index)).dt.days.astype(float),
    ).drop(columns=[PLACE, "due_date", "currency"])
    measured = panel(snapshot, sources, dates)
    keys = ["snapshot_date", "account_id"]
    cells = measured.pivot(index=keys, columns="measure", values=["value", "text"])  # noqa: PD010 - nothing to add up
    found = cells.reindex(pd.MultiIndex.from_frame(rows[keys].astype({"account_id": "str"})))
    wide = {name: _feature(found, name) for name in sources}
    ordered: pd.DataFrame = rows.assign(**wide).sort_values(["snapshot_date", "renewal_id"], ignore_index=True)
    return ordered


def _feature(found: "pd.DataFrame", name: str) -> Any:
    """Return a measure as numbers, or as text where it has any."""
    text = found["text", name] if ("text", name) in found.columns else None
    if text is not None and text.notna().any():
        return text.astype("str").to_numpy()
    return found["value", name].astype(float).to_numpy()


def _outcomes(snapshot: "Snapshot", dates: tuple[date, ...]) -> "pd.DataFrame":
    """Return what was decided in the windows after each date; a renewal that is still open teaches nothing yet."""
    import pandas as pd

    from csworkbench.asof import labels, windows

    columns = ["snapshot_date", "renewal_id", "is_lost", "decided_on", "known_by"]
    if not {"decided_at", "outcome"} <= set(snapshot.tables["renewals"].columns):
        kinds = ("datetime64[s]", "str", "bool", "datetime64[s]", "datetime64[s]")
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in zip(columns, kinds, strict=True)})
    spans = [
        window
        for number in range(WINDOWS)
        for window in windows(dates, WINDOW_DAYS * (number + 1), snapshot.as_of, lead_days=WINDOW_DAYS * number)
    ]
    found = labels(snapshot, "renewals", spans)
    found = found[found["happened_on"].notna()].rename(columns={"happened_on": "decided_on"})
    waited = (found["decided_on"] - found["snapshot_date"]).dt.days
    until = ((waited - 1) // WINDOW_DAYS + 1) * WINDOW_DAYS
    found = found.assign(
        is_lost=found["outcome"].eq("churned"),
        known_by=found["snapshot_date"] + pd.to_timedelta(until, unit="D"),
    )
    return found[columns].reset_index(drop=True)


def _calls(snapshot: "Snapshot", config: Config, renewals: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    from csworkbench.asof import with_local_day
    from csworkbench.features.dated import with_columns

    columns = ["renewal_id", "made_on", "known_on", "source", "p_renew", "amount"]
    if "renewal_calls" not in snapshot.tables:
        kinds = ("str", "datetime64[s]", "datetime64[s]", "str", "float", "float")
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in zip(columns, kinds, strict=True)})
    zone = snapshot.workspace.timezone
    table = with_columns(
        snapshot.tables["renewal_calls"],
        p_renew="float64",
        amount="decimal(18, 6)",
        currency="string",
        known_at="timestamp",
    )
    table = with_local_day(table, "made_at", zone).rename(made_on="local_day")
    table = table.mutate(seen_at=table.known_at.coalesce(table.made_at))
    table = with_local_day(table, "seen_at", zone).rename(known_on="local_day")
    frame: pd.DataFrame = table.select(
        "renewal_id",
        "made_at",
        "made_on",
        "known_on",
        "source",
        "p_renew",
        "currency",
        amount=table.amount.cast("float64"),
    ).to_pandas()
    of_renewal = renewals["currency"].reindex(frame["renewal_id"]).to_numpy()
    frame = _converted(frame, ("amount",), snapshot.workspace.currency, config)
    # A call in another currency than its renewal says nothing about the amount.
    frame = frame.assign(amount=frame["amount"].where(frame["currency"] == of_renewal))
    return frame.sort_values(["made_at", "renewal_id", "source"], kind="stable", ignore_index=True)[columns]


def _rates(snapshot: "Snapshot", config: Config) -> "pd.DataFrame":
    from csworkbench.features.rates import renewals_due

    first = rate_start(snapshot.as_of, config.rate_months)
    sums = renewals_due(snapshot, first, snapshot.as_of).to_pandas()
    frame = _converted(sums, ("target", "retained", "final"), snapshot.workspace.currency, config)
    return frame.groupby(["account_id", "currency"], as_index=False, sort=True).sum()


def rate_start(as_of: date, months: int) -> date:
    """Return the first day of the months that end on a date: 12 months to 30 Sep 2026 begin on 1 Oct 2025.

    Args:
        as_of: Last day.
        months: How many months.
    """
    first = as_of + timedelta(days=1)
    year, month = divmod(first.year * 12 + first.month - 1 - months, 12)
    return date(year, month + 1, min(first.day, monthrange(year, month + 1)[1]))
