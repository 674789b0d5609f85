"""What the matrix is held against: where accounts are, what was sent to them, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.touch_matrix.loading import Work
from csworkbench.analyses.touch_matrix.resending import Again
from csworkbench.analyses.touch_matrix.settings import Config
from csworkbench.analyses.touch_matrix.trends import Quarter

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.asof import Snapshot

ALL, TIER, CELL = "all", "tier", "cell"


@dataclass(frozen=True, slots=True, eq=False)
class Began:
    """What the proposals of the week are made of: as `Inputs` has it, as known when the week began.

    Args:
        as_of: Sunday before the week.
        accounts: Where accounts were: account_id (index), name, csm, tier, stage, entered_on.
        needs: Who needed what.
        acts: What was sent or held.
        meetings: Newest meeting held.
        official: What the system was to send by official lists of earlier weeks: account_id, action, last_on.
    """

    as_of: date
    accounts: "pd.DataFrame"
    needs: "pd.DataFrame"
    acts: "pd.DataFrame"
    meetings: "pd.DataFrame"
    official: "pd.DataFrame"


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the page.
        language: Language of the page.
        stages: Stages in their order.
        accounts: One row per account: account_id (index), name, csm, tier, stage, entered_on, industry (missing =
            not recorded), cell (tier and the attribute of the policy cells).
        needs: One row per action and account that is in its stage and tier and needs it: action, account_id.
        acts: What was sent or held, added up: account_id, mode, initiator, channel, family, rule, content_id, touches,
            minutes, reached, linked (touches that answer another), last_on.
        meetings: Newest meeting held: account_id, kind, last_on.
        began: The same five when the week began, and what official lists had the system send.
        again: Important messages nobody reacted to, and what decides about sending them again.
        received: Touches of the last days by contact: see `receiving.received`.
        overlaps: Contacts touched by two initiators within days: first, second, contact_id, account_id, times.
        tries: Touches by the place in their try: account_id, channel, place (first; later = after others that reached
            nobody), attempted, reached, any_attempted and any_reached (at whatever place).
        warm: Touches by people that another touch prepared, and those none did: channel, is_warmed, account_id,
            touches, reached.
        kpis: One row per KPI, account and what it takes: kpi, account_id, top, bottom, extra; see `kpis`.
        loads: Who looked after which account for what share of the period: csm_id, account_id, share, is_pool.
        work: What people did in the last weeks, and have before them.
        past: The same figures of quarters one after another, the newest last; see `trends`.
        has_addresses: Whether e-mail addresses of contacts are recorded.
        has_events: Whether anything is known of what came of touches.
        has_links: Whether touches say which other they answer.
        absent: KPI or attribute -> table it lacks.
    """

    as_of: date
    language: str
    stages: tuple[str, ...]
    accounts: "pd.DataFrame"
    needs: "pd.DataFrame"
    acts: "pd.DataFrame"
    meetings: "pd.DataFrame"
    began: Began
    again: Again
    received: "pd.DataFrame"
    overlaps: "pd.DataFrame"
    tries: "pd.DataFrame"
    warm: "pd.DataFrame"
    kpis: "pd.DataFrame"
    loads: "pd.DataFrame"
    work: Work
    past: tuple[Quarter, ...]
    has_addresses: bool
    has_events: bool
    has_links: bool
    absent: Mapping[str, str]


def prepare(snapshot: "Snapshot", config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return where accounts are, what they need, what was sent, and what came of it.

    Args:
        snapshot: The book at the date of the page.
        config: Settings: actions, routes and periods.
        upstream: The result of `segments`: tier, stage and since when.

    Raises:
        ConfigError: an action or route names a stage or tier nobody has, or a condition does not fit.
    """
    from csworkbench.analyses.touch_matrix import kpis, loading, needing, receiving, resending, touching, trends
    from csworkbench.filters import absent_tables

    result = upstream["segments"]
    stages = tuple(result.tables["stages"]["stage"])
    accounts = needing.placed(snapshot, config, result)
    needing.check_names(config, stages)
    sent = touching.sent(snapshot, config)
    first = snapshot.as_of - timedelta(days=config.period_days - 1)
    measured, lacking = kpis.measured(snapshot, config, first)
    wanted = {name for action in config.matrix if action.where for name in action.where.attributes()}
    return Inputs(
        as_of=snapshot.as_of,
        language=snapshot.workspace.language,
        stages=stages,
        accounts=accounts,
        needs=needing.needs(snapshot, config, accounts),
        acts=touching.acts(sent),
        meetings=touching.meetings(snapshot),
        began=_began(snapshot, config, result),
        again=resending.again(snapshot, config),
        received=receiving.received(snapshot, config, sent),
        overlaps=touching.overlaps(config, sent),
        tries=touching.tries(config, sent),
        warm=touching.warmed(sent),
        kpis=measured,
        loads=kpis.loads(snapshot, config, first),
        work=loading.work(snapshot, config, sent),
        past=trends.quarters(snapshot, config),
        has_addresses=_has_column(snapshot, "contact_pii", "email"),
        has_events="touch_events" in snapshot.tables,
        has_links="linked_touch_id" in snapshot.tables["touches"].columns,
        absent=lacking | absent_tables(snapshot, wanted),
    )


def _has_column(snapshot: "Snapshot", table: str, column: str) -> bool:
    return table in snapshot.tables and column in snapshot.tables[table].columns


def _began(snapshot: "Snapshot", config: Config, result: Any) -> Began:
    from csworkbench.analyses.touch_matrix import needing, touching
    from csworkbench.asof import earlier
    from csworkbench.policy import week_of

    before = earlier(snapshot, week_of(snapshot.as_of).known)
    accounts = needing.began(result)
    return Began(
        as_of=before.as_of,
        accounts=accounts,
        needs=needing.needs(before, config, accounts),
        acts=touching.acts(touching.sent(before, config)),
        meetings=touching.meetings(before),
        official=touching.official(before),
    )
