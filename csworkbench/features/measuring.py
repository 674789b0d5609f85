"""One measure as an expression, all measures of a scorecard as one frame from one query, at one date or at several."""

from collections.abc import Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import TYPE_CHECKING

from csworkbench.asof import Snapshot
from csworkbench.errors import ConfigError, DataError, Problem
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.features import kinds, records, usage
from csworkbench.features.dated import KEYS, PLACE, TODAY, DatedBook, Found, at_dates, beside, days_since, with_columns
from csworkbench.tables import Role

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

COLUMNS = ("account_id", "measure", "value", "text", "age_days")
_DTYPES = ("str", "str", "float64", "str", "float64")


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
    import ibis

    absent = _absent(source, snapshot)
    if absent:
        raise DataError(*[f"{source.kind} needs `{name}`: add it under tables in the workspace" for name in absent])
    fault = _fault("", source, snapshot)
    if fault is not None:
        raise ConfigError(fault)
    grid, (found,) = _measured(snapshot, [source], (snapshot.as_of,))
    value, known_on = found or Found(ibis.null("float64"), ibis.null("date"))
    measured = grid.select("account_id", value=value, known_on=known_on)
    return measured.drop_null("known_on")


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
    return panel(snapshot, sources, (snapshot.as_of,)).drop(columns="snapshot_date")


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
    faults = [fault for name, source in sources.items() if (fault := _fault(name, source, snapshot)) is not None]
    if faults:
        raise ConfigError(*faults)
    days = tuple(sorted(set(dates)))
    if not days or not sources:
        return _long(None, (), ())
    grid, found = _measured(snapshot, list(sources.values()), days)
    columns = {name: cell for number, each in enumerate(found) for name, cell in _cells(grid, number, each).items()}
    wide = grid.select(*KEYS, **columns).to_pandas()
    return _long(wide, tuple(sources), days)


def missing_tables(sources: Mapping[str, kinds.MeasureSource], snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Return the tables each measure reads and the snapshot lacks; measures that lack none are left out."""
    return {name: absent for name, source in sources.items() if (absent := _absent(source, snapshot))}


def columns_of_today(sources: Mapping[str, kinds.MeasureSource], snapshot: Snapshot) -> dict[str, tuple[str, ...]]:
    """Return what each measure reads of today, because nobody recorded what it was at the date of the snapshot.

    Args:
        sources: Name of each measure -> what is measured.
        snapshot: The book as of the earliest date that is measured.

    Returns:
        Measure -> each such column as `table.column`; measures that read none are left out.
    """
    tables = {table for source in sources.values() for table in source.overwritten}
    doubtful = {table: snapshot.unrecorded(table) for table in tables}
    found = {
        name: tuple(
            f"{table}.{column}"
            for table, columns in source.overwritten.items()
            for column in columns
            if column in doubtful[table]
        )
        for name, source in sources.items()
        if not (isinstance(source, kinds.FeatureBreadth) and not usage.goes_by_plan(snapshot))
    }
    return {name: columns for name, columns in found.items() if columns}


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


def _measured(
    snapshot: Snapshot, sources: list[kinds.MeasureSource], dates: tuple[date, ...]
) -> "tuple[ir.Table, list[Found | None]]":
    """Return the accounts at each date, and each measure as columns of them; None where nothing is recorded."""
    present = [source for source in sources if not _absent(source, snapshot)]
    of_use = [source for source in present if isinstance(source, usage.Use)]
    others = [source for source in present if isinstance(source, records.Record)]
    named = dict.fromkeys(source.column for source in others if isinstance(source, kinds.Attribute))
    attributes = {column: f"attribute_{number}" for number, column in enumerate(named)}
    reads = {name for source in present for name in source.reads}
    columns = {name: needed for name, needed in {**records.READS, **usage.READS}.items() if name in reads}
    columns["accounts"] = ("account_id", "region", "plan", "signup_at", *named)
    tables = {name: at_dates(snapshot, name, needed, dates) for name, needed in columns.items()}
    book = DatedBook(snapshot, dates, tables)
    parts = usage.wanted(of_use)
    accounts = _accounts(book, attributes)
    grid = beside(accounts, *usage.facts(accounts, book, parts), *records.facts(book, others))
    grid = usage.with_changes(grid, parts, of_use)
    found: list[Found | None] = []
    for source in sources:
        if source not in present:
            found.append(None)
        elif isinstance(source, usage.Use):
            found.append(usage.found(grid, parts, source))
        else:
            found.append(records.found(grid, source, attributes))
    return grid, found


def _accounts(book: DatedBook, attributes: Mapping[str, str]) -> "ir.Table":
    """Return the accounts at each date: _place, _today, account_id, region and plan ("" = unknown), and attributes."""
    accounts = with_columns(book.tables["accounts"], region="string", plan="string")
    return accounts.select(
        *KEYS,
        TODAY,
        region=accounts.region.fill_null(""),
        plan=accounts.plan.fill_null(""),
        **{name: accounts[column] for column, name in attributes.items()},
    )


def _cells(grid: "ir.Table", number: int, found: Found | None) -> "dict[str, ir.Value]":
    """Return a measure as number, text and age: value_n, text_n, age_n; only those it can have."""
    import ibis

    if found is None:
        return {}
    kind = found.value.type()
    age = {f"age_{number}": days_since(grid, found.known_on)}
    if kind.is_string():
        return {f"text_{number}": found.value} | age
    value = {f"value_{number}": found.value.cast("float64")}
    if kind.is_boolean():
        text = ibis.cases((found.value, "true"), (~found.value, "false"))
        return value | {f"text_{number}": text} | age
    return value | age


def _long(wide: "pd.DataFrame | None", names: tuple[str, ...], dates: tuple[date, ...]) -> "pd.DataFrame":
    """Return one row per date, account and measure from one per date and account, sorted."""
    import numpy as np
    import pandas as pd

    kinds_of = dict(zip(("snapshot_date", *COLUMNS), ("datetime64[s]", *_DTYPES), strict=True))
    if wide is None:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in kinds_of.items()})
    # Sorted here: engines order text by their own collation.
    wide = wide.sort_values([PLACE, "account_id"], ignore_index=True)
    cells = len(wide), len(names)
    values, ages, codes = np.full(cells, np.nan), np.full(cells, np.nan), np.full(cells, -1)
    texts = {number: wide[f"text_{number}"] for number in range(len(names)) if f"text_{number}" in wide}
    words = pd.unique(pd.concat(texts.values()).dropna()) if texts else np.array([], dtype=object)
    for number in range(len(names)):
        if f"age_{number}" in wide:
            ages[:, number] = wide[f"age_{number}"]
        if f"value_{number}" in wide:
            values[:, number] = wide[f"value_{number}"]
        if number in texts:
            codes[:, number] = pd.Index(words).get_indexer(pd.Index(texts[number]))
    has_value = ~np.isnan(values) | (codes >= 0)
    return pd.DataFrame(
        {
            "snapshot_date": np.array(dates, dtype="datetime64[s]")[wide[PLACE]].repeat(len(names)),
            "account_id": wide["account_id"].repeat(len(names)).array,
            "measure": pd.array(names, dtype="str").take(np.tile(np.arange(len(names)), len(wide))),
            "value": values.ravel(),
            # The last word is the missing text, which the code -1 takes.
            "text": pd.array([*words, None], dtype="str").take(codes.ravel()),
            "age_days": np.where(has_value, ages, np.nan).ravel(),
        }
    ).astype(kinds_of)


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
