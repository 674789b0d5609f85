"""What the segments rest on: the stage of every account week by week, its tier, and how it behaves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.segments.listing import Lists, absent_of_contacts, lists
from csworkbench.analyses.segments.ruling import Asked, narrow, placed, read, segment
from csworkbench.analyses.segments.settings import Config
from csworkbench.filters import Condition

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

    from csworkbench.asof import Snapshot

NO_ONE = "nobody"
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
        absent: Attribute a rule reads -> table that is not there, or has no such column, so that it is missing for
            everybody.
        current: Columns rules or tiers read of which earlier dates show today's value.
        asked: What the rules were asked of, for others; None = no others can be asked.
    """

    as_of: date
    dates: tuple[date, ...]
    weeks: "pd.DataFrame"
    began: "pd.DataFrame"
    accounts: "pd.DataFrame"
    lists: Lists
    absent: Mapping[str, str]
    current: tuple[str, ...]
    asked: Asked | None = None


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
    from csworkbench.filters import absent
    from csworkbench.policy import week_of

    del upstream
    dates = weekly(snapshot.as_of, config)
    wanted = _wanted(config)
    gone = absent(snapshot, wanted, config.measures) | absent_of_contacts(snapshot, config)
    if config.contact_lists and "contacts" not in snapshot.tables:
        gone["contact_lists"] = "contacts"
    past = set(earlier(snapshot, dates[0]).unrecorded("accounts"))
    tier = set() if config.tiers else {"value_tier"}
    known = weekly(week_of(snapshot.as_of).known, config)
    asked = Asked(
        config,
        weeks=_places(snapshot, config, dates),
        began=_places(snapshot, config, known),
        today=_today(snapshot, config),
        absent=frozenset(absent(snapshot, wanted, config.measures)),
    )
    return Inputs(
        as_of=snapshot.as_of,
        dates=dates,
        weeks=placed(asked, "weeks", dates),
        began=placed(asked, "began", known),
        accounts=_accounts(snapshot, config, asked),
        lists=lists(snapshot, config),
        absent=dict(sorted(gone.items())),
        current=tuple(sorted(past & (read((*config.stages, *config.tiers)) | tier))),
        asked=asked,
    )


def weekly(last: date, config: Config) -> tuple[date, ...]:
    """Return the days stages are looked up at, one week apart.

    Args:
        last: The last one.
        config: How far back.
    """
    return tuple(last - timedelta(weeks=back) for back in reversed(range(config.history_weeks + 1)))


def _wanted(config: Config) -> set[str]:
    rules = (*config.stages, *config.tiers, *config.behaviour)
    return read(rules) | set(config.cluster_on)


def _keyed(key: str, rules: Iterable[Any]) -> dict[str, Condition]:
    return {f"{key}.{place}.where": rule.where for place, rule in enumerate(rules) if rule.where is not None}


def _places(snapshot: "Snapshot", config: Config, dates: tuple[date, ...]) -> "ir.Table":
    """Return what stages and tiers read, at every date."""
    from csworkbench.filters import accounts_at, check

    rules = (*config.stages, *config.tiers)
    wanted = read(rules) | (set() if config.tiers else {"value_tier"})
    table = accounts_at(snapshot, dates, wanted=wanted, measures=config.measures)
    check(_keyed("stages", config.stages) | _keyed("tiers", config.tiers), table)
    return narrow(table, rules, "value_tier")


def _today(snapshot: "Snapshot", config: Config) -> "ir.Table":
    """Return what behaviour and the clustering read, on the date of the page."""
    from csworkbench.filters import accounts_at, check

    wanted = read(config.behaviour) | set(config.cluster_on) | {"churned_at"}
    table = accounts_at(snapshot, (snapshot.as_of,), wanted=wanted, measures=config.measures)
    check(_keyed("behaviour", config.behaviour), table)
    return narrow(table, config.behaviour, "churned_at", *config.cluster_on)


def _accounts(snapshot: "Snapshot", config: Config, asked: Asked) -> "pd.DataFrame":
    from csworkbench.features import owner_names
    from csworkbench.features.dated import with_columns
    from csworkbench.filters import fits

    table = asked.today
    named = {"behaviour": segment(table, config, asked.absent)} if config.behaviour else {}
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
    known: pd.DataFrame = frame if config.behaviour else frame.assign(behaviour=None)
    return known
