"""One measure as an expression, all measures of a scorecard as one frame from one query."""

from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot, earlier
from csworkbench.errors import ConfigError, DataError, Problem
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.features import kinds, records, usage
from csworkbench.tables import Role

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

COLUMNS = ("account_id", "measure", "value", "text", "age_days")


def measure(snapshot: Snapshot, source: kinds.MeasureSource) -> "ir.Table":
    """Return one measure of every account that has it.

    Args:
        snapshot: The book as of a date.
        source: What is measured.

    Returns:
        Expression with at most one row per account: account_id, value (float64; text or boolean of an attribute;
        null = missing) and known_on, the day of the newest fact behind the value.

    Raises:
        ConfigError: an attribute is no usable column of the accounts.
        DataError: the snapshot lacks a table the measure reads.
    """
    absent = _absent(source, snapshot)
    if absent:
        raise DataError(*[f"{source.kind} needs `{name}`: add it under tables in the workspace" for name in absent])
    fault = _fault("", source, snapshot)
    if fault is not None:
        raise ConfigError(fault)
    return _expression(snapshot, source)


def measures(snapshot: Snapshot, sources: Mapping[str, kinds.MeasureSource]) -> "pd.DataFrame":
    """Return all measures of all accounts from one query.

    Args:
        snapshot: The book as of a date.
        sources: Name of each measure -> what is measured.

    Returns:
        One row per account and measure, by account_id, then in the order of `sources`: account_id, measure,
        value (float64, NaN = missing; 1 and 0 of a boolean), text (value of a text or boolean attribute, else null)
        and age_days (days from the newest fact behind the value to the date, NaN where the value is missing).
        A measure whose tables are absent is missing for every account.

    Raises:
        ConfigError: attributes are no usable columns of the accounts; all of them at once.
    """
    import ibis
    import pandas as pd

    faults = [fault for name, source in sources.items() if (fault := _fault(name, source, snapshot)) is not None]
    if faults:
        raise ConfigError(*faults)
    if not sources:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in zip(COLUMNS, _DTYPES, strict=True)})
    parts = [_part(snapshot, place, name, source) for place, (name, source) in enumerate(sources.items())]
    # Sorted here: engines order text by their own collation.
    rows: pd.DataFrame = (ibis.union(*parts) if len(parts) > 1 else parts[0]).to_pandas()
    rows = rows.sort_values(["account_id", "place"], ignore_index=True)
    has_value = rows["value"].notna() | rows["text"].notna()
    rows = rows.assign(age_days=rows["age_days"].where(has_value))
    return rows[list(COLUMNS)].astype(dict(zip(COLUMNS, _DTYPES, strict=True)))


def panel(snapshot: Snapshot, sources: Mapping[str, kinds.MeasureSource], dates: Iterable[date]) -> "pd.DataFrame":
    """Return all measures of all accounts at several dates: at each, what `measures` gives of the book as of then.

    Args:
        snapshot: The book as of the latest date or later.
        sources: Name of each measure -> what is measured.
        dates: Days at the end of which is measured, in any order; a repeated one counts once.

    Returns:
        The rows of `measures` at each date, earliest first: snapshot_date (datetime64, midnight), then its columns.

    Raises:
        ConfigError: attributes are no usable columns of the accounts; all of them at once.
        ValueError: a date lies after the snapshot.
    """
    import pandas as pd

    frames = {day: measures(earlier(snapshot, day), sources) for day in sorted(set(dates))}
    parts = [frame.assign(snapshot_date=pd.Timestamp(day)) for day, frame in frames.items()]
    rows = pd.concat(parts, ignore_index=True)
    return rows[["snapshot_date", *COLUMNS]]


def missing_tables(sources: Mapping[str, kinds.MeasureSource], snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Return the tables each measure reads and the snapshot lacks; measures that lack none are left out."""
    return {name: absent for name, source in sources.items() if (absent := _absent(source, snapshot))}


def substitutions(snapshot: Snapshot, sources: Mapping[str, kinds.MeasureSource]) -> tuple[Caveat, ...]:
    """Return a note for each measure that stands on a weaker definition, because the book lacks what it needs."""
    return tuple(
        Caveat(
            "no_core_features",
            Severity.NOTE,
            say("{measure} takes every feature ever used as core: no table says which features are", measure=name),
            say("Add `features` with a column is_core under tables in the workspace"),
        )
        for name, source in sources.items()
        if isinstance(source, kinds.FeatureBreadth) and usage.core_features(snapshot) is None
    )


_DTYPES = ("str", "str", "float64", "str", "float64")


def _expression(snapshot: Snapshot, source: kinds.MeasureSource) -> "ir.Table":
    match source:
        case kinds.ActiveUsers():
            return usage.active_users(snapshot, source)
        case kinds.ActiveRatio():
            return usage.active_ratio(snapshot, source)
        case kinds.Usage():
            return usage.amount(snapshot, source)
        case kinds.FeatureBreadth():
            return usage.feature_breadth(snapshot, source)
        case kinds.DaysSinceLastUse():
            return usage.days_since_last_use(snapshot)
        case kinds.UsageTrend():
            return usage.usage_trend(snapshot, source)
        case kinds.OpenTickets():
            return records.open_tickets(snapshot)
        case kinds.Tickets():
            return records.tickets_opened(snapshot, source)
        case kinds.Nps():
            return records.nps(snapshot, source)
        case kinds.DaysSinceContact():
            return records.days_since_contact(snapshot)
        case kinds.Tenure():
            return records.tenure(snapshot)
        case kinds.DaysToRenewal():
            return records.days_to_renewal(snapshot)
        case kinds.Attribute():
            return records.attribute(snapshot, source)


def _part(snapshot: Snapshot, place: int, name: str, source: kinds.MeasureSource) -> "ir.Table":
    """Return one measure of every account in the shape all measures share."""
    import ibis

    found = records.missing(snapshot) if _absent(source, snapshot) else _expression(snapshot, source)
    joined = snapshot.tables["accounts"].select("account_id").left_join(found, "account_id")
    is_number, is_text = joined.value.type().is_numeric(), joined.value.type().is_string()
    age = ibis.literal(snapshot.as_of).delta(joined.known_on, unit="day").cast("float64")
    text = ibis.null("string")
    if not is_number:
        text = joined.value if is_text else ibis.cases((joined.value, "true"), (~joined.value, "false"))
    return joined.select(
        account_id=joined.account_id,
        place=ibis.literal(place),
        measure=ibis.literal(name),
        value=ibis.null("float64") if is_text else joined.value.cast("float64"),
        text=text,
        age_days=age,
    )


def _absent(source: kinds.MeasureSource, snapshot: Snapshot) -> tuple[str, ...]:
    return tuple(name for name in source.reads if name not in snapshot.tables)


def _fault(name: str, source: kinds.MeasureSource, snapshot: Snapshot) -> Problem | None:
    """Return why an attribute cannot be measured; None for everything else."""
    if not isinstance(source, kinds.Attribute):
        return None
    accounts, report = snapshot.tables["accounts"], snapshot.reports.get("accounts")
    known = accounts.schema()
    if source.column not in known:
        near = get_close_matches(source.column, known, n=1) or sorted(known)
        return Problem(f"accounts has no column {source.column!r}", key=name, hint=f"it has {', '.join(near)}")
    if report is not None and report.extras.get(source.column) == Role.OUTCOME:
        return Problem(f"{source.column!r} is an outcome, which never measures health", key=name)
    kind = known[source.column]
    if not (kind.is_numeric() or kind.is_boolean() or kind.is_string()):
        return Problem(f"{source.column!r} holds {kind}; an attribute is a number, a text or a boolean", key=name)
    return None
