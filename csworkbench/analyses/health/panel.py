"""What the scores are made of: every measure of every account at every month end, and what people said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.health.settings import Config
from csworkbench.estimates import Caveat
from csworkbench.features import Attribute, MeasureSource
from csworkbench.scoring import Carry
from csworkbench.tables import Role

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.asof import Snapshot

DAYS_OF_SHORTEST_MONTH = 28


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Inputs:
    """Everything `analyze` needs, measured once.

    Args:
        as_of: Date of the scores.
        dates: Month ends, ascending, the last one `as_of`; those before the history only feed carried values, other
            measures are missing there.
        accounts: One row per account that was a customer at any date; index account_id; column name.
        panel: One row per date and account: all accounts at the first date, then all at the second and so on; index
            account_id. is_customer, then one column per measure source (`source_key`): number, or categorical text.
        ages: Age in days of the newest fact behind each value at `as_of`; index account_id, one column per source.
        left_out: Source key -> tables it needs and the workspace does not have.
        notes: What a measure had to do without.
        of_today: Source key -> columns of which it reads today's value at earlier dates, because nobody recorded more.
        has_attribute_history: Whether accounts keep earlier versions of their attributes.
        left: Accounts that have left by `as_of`; they are not scored.
        judgements: Judgements known at `as_of`, newest first: account_id, kind, value, author, reason, made_on,
            expires_on (missing = no end of its own).
        outcomes: Outcome columns of accounts; index account_id.
    """

    as_of: date
    dates: tuple[date, ...]
    accounts: "pd.DataFrame"
    panel: "pd.DataFrame"
    ages: "pd.DataFrame"
    left_out: Mapping[str, tuple[str, ...]]
    notes: tuple[Caveat, ...]
    of_today: Mapping[str, tuple[str, ...]]
    has_attribute_history: bool
    left: int
    judgements: "pd.DataFrame"
    outcomes: "pd.DataFrame"


def source_key(source: MeasureSource) -> str:
    """Return the column of a measure source in the panel; equal sources share one."""
    text: str = source.model_dump_json()
    return text


def sources_of(config: Config) -> dict[str, MeasureSource]:
    """Return every source the scorecards, the earlier scorecards and the rules read, by the place that names it first.

    Args:
        config: Settings.

    Returns:
        "scorecard.measure" or "rules.column" -> source; equal sources occur once.
    """
    named = [
        (f"{card.id}.{measure.name}", measure.source)
        for card in (*config.scorecards, *config.earlier_scorecards)
        for measure in card.measures
    ]
    named += [
        (f"rules.{condition.column}", Attribute(column=condition.column))
        for rule in config.rules
        for condition in rule.when
    ]
    first = {source_key(source): (name, source) for name, source in reversed(named)}
    return {name: source for name, source in named if first[source_key(source)] == (name, source)}


def prepare(snapshot: "Snapshot", config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return the measures of every account at every month end of the history.

    Args:
        snapshot: The book at the date of the scores.
        config: Settings; the sources of the measures and the number of months decide what is read.
        upstream: Not used: the scores need no other result.

    Returns:
        Inputs of `analyze`, which can be scored again with other points, weights and bands.

    Raises:
        ConfigError: a scorecard or a rule names a column of accounts that does not exist, or an outcome.
    """
    import pandas as pd

    from csworkbench.asof import earlier, month_ends
    from csworkbench.features import columns_of_today, missing_tables, panel, substitutions

    del upstream
    sources = sources_of(config)
    left_out = missing_tables(sources, snapshot)
    known = {name: source for name, source in sources.items() if name not in left_out}
    keys = {name: source_key(source) for name, source in sources.items()}
    carried = _carried(config)
    lead = _lead_months(carried)
    dates = month_ends(snapshot.as_of, config.history_months + lead)
    customers = _customers(snapshot, dates)
    accounts = _accounts(customers)
    early = {name: source for name, source in known.items() if keys[name] in carried}
    measured = pd.concat([panel(snapshot, early, dates[:lead]), panel(snapshot, known, dates[lead:])])
    measured = measured.assign(measure=measured["measure"].map(keys))
    of_today = columns_of_today(known, earlier(snapshot, dates[lead])) | columns_of_today(
        early, earlier(snapshot, dates[0])
    )
    today = measured[measured["snapshot_date"] == pd.Timestamp(snapshot.as_of)]
    columns = tuple(keys[name] for name in known)
    return Inputs(
        as_of=snapshot.as_of,
        dates=dates,
        accounts=accounts,
        panel=_panel(accounts.index, dates, customers, measured, columns),
        ages=_ages(accounts.index, today, columns),
        left_out={keys[name]: tables for name, tables in left_out.items()},
        notes=substitutions(snapshot, known),
        of_today={keys[name]: columns for name, columns in of_today.items()},
        has_attribute_history="valid_from" in snapshot.tables["accounts"].columns,
        left=int(customers.loc[customers["snapshot_date"] == pd.Timestamp(snapshot.as_of), "has_left"].sum()),
        judgements=_judgements(snapshot),
        outcomes=_outcomes(snapshot),
    )


def _carried(config: Config) -> dict[str, int]:
    """Return the sources whose values are carried on, with the longest age in days."""
    longest: dict[str, int] = {}
    for card in (*config.scorecards, *config.earlier_scorecards):
        for measure in card.measures:
            if isinstance(measure.missing, Carry):
                key = source_key(measure.source)
                longest[key] = max(longest.get(key, 0), measure.missing.max_age_days)
    return longest


def _lead_months(carried: Mapping[str, int]) -> int:
    """Return how many dates before the history can still feed a carried value: n month ends span 28 n days or more."""
    return max(carried.values(), default=0) // DAYS_OF_SHORTEST_MONTH


def _customers(snapshot: "Snapshot", dates: tuple[date, ...]) -> "pd.DataFrame":
    """Return the accounts of each date: snapshot_date, account_id, name, has_left."""
    import pandas as pd

    from csworkbench.features import PLACE, at_dates

    table = at_dates(snapshot, "accounts", ("account_id", "name", "churned_at"), dates)
    frame: pd.DataFrame = table.select(
        PLACE,
        "account_id",
        name=table.name if "name" in table.columns else table.account_id,
        has_left=table.churned_at.notnull() if "churned_at" in table.columns else False,  # noqa: PD004 - Ibis
    ).execute()
    return frame.assign(snapshot_date=pd.DatetimeIndex(dates).take(frame[PLACE].to_numpy())).drop(columns=PLACE)


def _accounts(customers: "pd.DataFrame") -> "pd.DataFrame":
    """Return everybody who was a customer at any date, under the newest name."""
    newest_first = customers[~customers["has_left"]].sort_values("snapshot_date", ascending=False)
    accounts = newest_first.drop_duplicates("account_id").set_index("account_id")[["name"]].sort_index()
    return accounts.assign(name=accounts["name"].fillna(accounts.index.to_series()))


def _panel(
    accounts: "pd.Index[str]",
    dates: tuple[date, ...],
    customers: "pd.DataFrame",
    measured: "pd.DataFrame",
    keys: tuple[str, ...],
) -> "pd.DataFrame":
    import numpy as np
    import pandas as pd

    def rows(frame: "pd.DataFrame") -> "NDArray[np.intp]":
        """Return the place of each row in the panel, -1 for accounts that are not in it."""
        place = pd.DatetimeIndex(dates).get_indexer(pd.DatetimeIndex(frame["snapshot_date"]))
        account = accounts.get_indexer(pd.Index(frame["account_id"]))
        return np.where(account >= 0, place * len(accounts) + account, -1)

    is_customer = np.zeros(len(accounts) * len(dates), dtype=bool)
    is_customer[rows(customers[~customers["has_left"]])] = True
    found = measured.assign(row=rows(measured))
    by_key = dict(tuple(found[found["row"] >= 0].groupby("measure", sort=False)))
    columns = {key: _column(by_key.get(key), len(is_customer)) for key in keys}
    return pd.DataFrame({"is_customer": is_customer, **columns}, index=np.tile(accounts, len(dates)))


def _column(found: "pd.DataFrame | None", rows: int) -> "pd.Categorical | NDArray[np.float64]":
    import numpy as np
    import pandas as pd

    if found is not None and found["text"].notna().any():
        codes = np.full(rows, -1)
        codes[found["row"]], words = pd.factorize(found["text"], sort=True)
        return pd.Categorical.from_codes(codes, categories=words)
    values = np.full(rows, np.nan)
    if found is not None:
        values[found["row"]] = found["value"]
    return values


def _ages(accounts: "pd.Index[str]", measured: "pd.DataFrame", keys: tuple[str, ...]) -> "pd.DataFrame":
    ages = measured.pivot_table(index="account_id", columns="measure", values="age_days", aggfunc="min")
    return ages.reindex(index=accounts, columns=list(keys))


def _judgements(snapshot: "Snapshot") -> "pd.DataFrame":
    import pandas as pd

    columns = ["account_id", "kind", "value", "author", "reason", "made_on", "expires_on"]
    table = snapshot.tables.get("judgements")
    if table is None:
        return pd.DataFrame(
            {name: pd.Series(dtype="datetime64[s]" if name.endswith("_on") else "str") for name in columns}
        ).astype({"value": float})
    for optional, kind in (("reason", "string"), ("expires_at", "timestamp")):
        if optional not in table.columns:
            table = table.mutate(**{optional: _null(kind)})
    frame = table.mutate(value=table.value.cast("float64")).execute()
    for instant in ("made_at", "expires_at"):
        local = pd.to_datetime(frame[instant]).dt.tz_localize("UTC").dt.tz_convert(snapshot.workspace.timezone)
        frame[instant.replace("_at", "_on")] = local.dt.tz_localize(None).dt.normalize()
    newest_first: pd.DataFrame = frame.sort_values(["made_at", "author"], ascending=[False, True])
    return newest_first[columns].reset_index(drop=True)


def _null(kind: str) -> Any:
    import ibis

    return ibis.null(kind)


def _outcomes(snapshot: "Snapshot") -> "pd.DataFrame":
    table = snapshot.tables["accounts"]
    roles = snapshot.reports["accounts"].extras
    names = [name for name, role in roles.items() if role is Role.OUTCOME and name in table.columns]
    frame: pd.DataFrame = table.select("account_id", *names).execute().set_index("account_id")
    return frame
