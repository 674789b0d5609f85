"""What the segments rest on: the stage of every account week by week, its tier, and how it behaves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.segments.listing import Lists, lists
from csworkbench.analyses.segments.settings import NOT_KNOWN, Config
from csworkbench.filters import Condition

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot

NO_ONE = "nobody"
NO_RULE = "no rule fits"
GONE = Condition.model_validate({"attribute": "churned_at", "is_known": True})


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the page.
        dates: Days the stages were looked up at, one week apart, the last one `as_of`.
        weeks: One row per date and account that was there: date, account_id, stage, tier.
        began: The same as weeks, with the Sunday before the week of `as_of` as the last date: what lists are made of.
        accounts: One row per account at `as_of`, by account_id: name, csm, is_gone (has left), behaviour (segment by
            rules; missing without rules), and one column per measure of the clustering.
        lists: Who fits the saved lists of contacts, and what decides about contacting them.
        absent: Attribute a rule reads -> table that is not there, so that it is missing for everybody.
        current: Columns rules or tiers read of which earlier dates show today's value.
    """

    as_of: date
    dates: tuple[date, ...]
    weeks: "pd.DataFrame"
    began: "pd.DataFrame"
    accounts: "pd.DataFrame"
    lists: Lists
    absent: Mapping[str, str]
    current: tuple[str, ...]


def prepare(snapshot: "Snapshot", config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return stages and tiers week by week, and how accounts behave today.

    Args:
        snapshot: The book at the date of the page.
        config: Settings: the rules decide what is read.
        upstream: Not used: segments need no other result.

    Raises:
        ConfigError: a rule reads an attribute that is not there, or tests it in a way that does not fit.
    """
    from csworkbench.asof import earlier
    from csworkbench.features import missing_tables
    from csworkbench.filters import absent_tables
    from csworkbench.policy import week_of

    del upstream
    dates = weekly(snapshot.as_of, config)
    read = _wanted(config)
    gone = missing_tables({name: source for name, source in config.measures.items() if name in read}, snapshot)
    absent = absent_tables(snapshot, read) | {name: ", ".join(tables) for name, tables in gone.items()}
    if config.contact_lists and "contacts" not in snapshot.tables:
        absent["contact_lists"] = "contacts"
    past = set(earlier(snapshot, dates[0]).unrecorded("accounts"))
    tier = set() if config.tiers else {"value_tier"}
    return Inputs(
        as_of=snapshot.as_of,
        dates=dates,
        weeks=_weeks(snapshot, config, dates),
        began=_weeks(snapshot, config, weekly(week_of(snapshot.as_of).known, config)),
        accounts=_accounts(snapshot, config),
        lists=lists(snapshot, config),
        absent=absent,
        current=tuple(sorted(past & (_read((*config.stages, *config.tiers)) | tier))),
    )


def weekly(last: date, config: Config) -> tuple[date, ...]:
    """Return the days stages are looked up at, one week apart.

    Args:
        last: The last one.
        config: How far back.
    """
    return tuple(last - timedelta(weeks=back) for back in reversed(range(config.history_weeks + 1)))


def _read(rules: Iterable[Any]) -> set[str]:
    return {name for rule in rules if rule.where is not None for name in rule.where.attributes()}


def _wanted(config: Config) -> set[str]:
    rules = (*config.stages, *config.tiers, *config.behaviour, *config.contact_lists.values())
    return _read(rules) | set(config.cluster_on)


def _keyed(key: str, rules: Iterable[Any]) -> dict[str, Condition]:
    return {f"{key}.{place}.where": rule.where for place, rule in enumerate(rules) if rule.where is not None}


def _weeks(snapshot: "Snapshot", config: Config, dates: tuple[date, ...]) -> "pd.DataFrame":
    import pandas as pd

    from csworkbench.features import PLACE
    from csworkbench.filters import accounts_at, check, first_fitting

    rules = (*config.stages, *config.tiers)
    wanted = _read(rules) | (set() if config.tiers else {"value_tier"})
    table = accounts_at(snapshot, dates, wanted=wanted, measures=config.measures)
    check(_keyed("stages", config.stages) | _keyed("tiers", config.tiers), table)
    tiers = [(rule.segment, rule.where) for rule in config.tiers]
    by_rule = first_fitting(table, tiers, NOT_KNOWN) if tiers else table.value_tier.fill_null(NOT_KNOWN)
    stages = [(rule.stage, rule.where) for rule in config.stages]
    frame = table.select(PLACE, "account_id", stage=first_fitting(table, stages, ""), tier=by_rule).to_pandas()
    days = pd.DatetimeIndex(dates).take(frame[PLACE].to_numpy())
    named = frame.assign(date=days)[["date", "account_id", "stage", "tier"]]
    ordered: pd.DataFrame = named.sort_values(["date", "account_id"], ignore_index=True)
    return ordered


def _accounts(snapshot: "Snapshot", config: Config) -> "pd.DataFrame":
    import pandas as pd

    from csworkbench.features import owner_names
    from csworkbench.features.dated import with_columns
    from csworkbench.filters import accounts_at, check, first_fitting, fits

    wanted = _read(config.behaviour) | set(config.cluster_on) | {"churned_at"}
    table = accounts_at(snapshot, (snapshot.as_of,), wanted=wanted, measures=config.measures)
    check(_keyed("behaviour", config.behaviour), table)
    rules = [(rule.segment, rule.where) for rule in config.behaviour]
    named = {"behaviour": first_fitting(table, rules, NO_RULE)} if rules else {}
    measured = {name: table[name].cast("float64") for name in config.cluster_on if name in table.columns}
    frame = (
        table.select("account_id", is_gone=fits(GONE, table), **named, **measured)
        .to_pandas()
        .set_index("account_id")
        .sort_index()
    )
    names = with_columns(snapshot.tables["accounts"], name="string").select("account_id", "name").to_pandas()
    found = names.set_index("account_id")["name"].reindex(frame.index)
    frame.insert(0, "name", found.fillna(frame.index.to_series()))
    frame.insert(1, "csm", owner_names(snapshot).reindex(frame.index).fillna(NO_ONE))
    known: pd.DataFrame = frame if rules else frame.assign(behaviour=None)
    return known
