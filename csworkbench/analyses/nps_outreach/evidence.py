"""What the page rests on: answers and invitations, what holds of their accounts, and the ground of the policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.nps_outreach import asked
from csworkbench.analyses.nps_outreach.settings import Config, absent
from csworkbench.asof import Snapshot, earlier
from csworkbench.features import ForeignIds, foreign_ids, owners
from csworkbench.policy import Ground, Week, book_size, gather, last_touch, require_channels, sent_since, week_of
from csworkbench.workspace import ContactPolicy

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sources import Contacted

STEM = "nps_outreach"


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the figures.
        week: Week of the list; it is made of what was known when the week began.
        policy: Who may be contacted.
        timezone: Zone of the workspace.
        scores: Newest answer of each contact at `as_of`: response_id, contact_id, account_id, score, followup,
            answered_on.
        invited: Invitations at `as_of`: response_id, contact_id, account_id, invited_on, is_answered, cell (value of
            the column by which non-response is weighted, missing = not known).
        quarters: Sums per quarter and account: year, quarter, account_id, answered, promoters, detractors.
        answers: As scores, when the week began, by which the lists are made.
        waiting: As invitations, when the week began: those nobody answered.
        came_up: account_id -> day from which on it has had an answer that counts, without a break, when the week began.
        accounts: By account_id, when the week began: name, tier, arr (in the workspace's currency, missing = not
            known), csm_id, is_renewing, is_negotiating.
        book: Accounts under contract when the week began.
        roles: contact_id -> role.
        barred: contact_id -> why the settings (`leave_out`) keep it off every list.
        last_touch: contact_id -> day of the newest touch; empty without touches.
        ground: What the policy knows of every contact.
        acted_on: contact_id of rows of this page on earlier official lists, its own or the weekly list -> last day
            whose answers the newest one has seen.
        official: Ids of the proposals on the official list of this week; empty = there is none yet.
        sent: Ids of proposals that touches since the week began name.
        elsewhere: (program, contact_id) of this page on an official list of another page this week -> that page.
        foreign: Ids of accounts and contacts in the systems the list is imported into.
        stages: Stages of opportunities as they are written.
        has_weights: Whether accounts have the column by which non-response is weighted.
    """

    as_of: date
    week: Week
    policy: ContactPolicy
    timezone: str
    scores: "pd.DataFrame"
    invited: "pd.DataFrame"
    quarters: "pd.DataFrame"
    answers: "pd.DataFrame"
    waiting: "pd.DataFrame"
    came_up: Mapping[str, date]
    accounts: "pd.DataFrame"
    book: int
    roles: Mapping[str, str]
    barred: Mapping[str, str]
    last_touch: Mapping[str, date]
    ground: Ground
    acted_on: Mapping[str, date]
    official: frozenset[str]
    sent: frozenset[str]
    elsewhere: Mapping[tuple[str, str], str]
    foreign: ForeignIds
    stages: frozenset[str]
    has_weights: bool


def prepare(snapshot: Snapshot, config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return answers, invitations and what decides about the lists.

    Args:
        snapshot: The book at the date of the page.
        config: Settings; windows, quarters, stages and currency rates decide what is read.
        upstream: Not used: the page needs no other result.

    Raises:
        AnalysisError: consents or suppressions are missing or too short, or a list names a channel that nobody knows;
            nobody is listed then.
        ConfigError: a condition of `leave_out` cannot be asked.
    """
    from csworkbench.filters import contacts_by_rule

    del upstream
    require_channels(snapshot, {f"lists.{name}.channels": rule.channels for name, rule in config.lists.items()})
    week = week_of(snapshot.as_of)
    before = earlier(snapshot, week.known)
    waiting = _frame(asked.invitations(before, config.window_days))
    stages = asked.stages(before)
    # The weekly list serves proposals of this page too: who is on it was contacted for the same reason.
    own = [each for each in snapshot.released if each.analysis == STEM or each.program.startswith(f"{STEM}.")]
    current = [each for each in own if each.first_day == week.first]
    return Inputs(
        as_of=snapshot.as_of,
        week=week,
        policy=snapshot.workspace.contact_policy,
        timezone=snapshot.workspace.timezone,
        scores=_frame(asked.answers(snapshot, config.window_days)),
        invited=_with_cell(snapshot, _frame(asked.invitations(snapshot, config.window_days)), config),
        quarters=_quarters(snapshot, config),
        answers=_frame(asked.answers(before, config.window_days)),
        waiting=waiting[~waiting["is_answered"]].reset_index(drop=True),
        came_up=_came_up(before, config.window_days),
        accounts=_accounts(before, config, stages),
        book=book_size(before),
        roles=_pairs(asked.roles(before)),
        barred=contacts_by_rule(before, "leave_out", config.leave_out),
        last_touch=last_touch(before),
        ground=gather(before, snapshot, week, STEM),
        acted_on=_acted_on([each for each in own if each.first_day < week.first]),
        official=frozenset(each.proposal_id for each in current if each.analysis == STEM),
        sent=sent_since(snapshot, week.first),
        elsewhere={(each.program, each.contact_id): each.analysis for each in current if each.analysis != STEM},
        foreign=foreign_ids(snapshot),
        stages=stages,
        has_weights=config.weight_by in snapshot.tables["accounts"].columns,
    )


def _acted_on(own: "list[Contacted]") -> dict[str, date]:
    """Return the newest day up to which answers were seen when a contact was last on an official list."""
    newest: dict[str, date] = {}
    for each in own:
        seen = each.first_day - timedelta(days=1)
        newest[each.contact_id] = max(seen, newest.get(each.contact_id, seen))
    return newest


def _came_up(before: Snapshot, window_days: int) -> dict[str, date]:
    """Return the day on which each account came up: no later answer moves it, unless none had counted for a while."""
    days = asked.answer_days(before).to_pandas().sort_values(["account_id", "local_day"], ignore_index=True)
    gap = days.groupby("account_id")["local_day"].transform(lambda each: each.diff().dt.days)
    first = days[~(gap <= window_days)].drop_duplicates("account_id", keep="last")
    return dict(zip(first["account_id"], first["local_day"].dt.date, strict=True))


def _quarters(snapshot: Snapshot, config: Config) -> "pd.DataFrame":
    """Return the sums per quarter and account in a fixed order: sums of floats depend on it."""
    sums = asked.quarters(snapshot, _first_quarter(snapshot.as_of, config.trend_quarters))
    frame: pd.DataFrame = sums.to_pandas()
    return frame.sort_values(["year", "quarter", "account_id"], ignore_index=True)


def _first_quarter(as_of: date, quarters: int) -> date:
    """Return the first day of the earliest of some quarters, the one of the date the last."""
    months = as_of.year * 12 + (as_of.month - 1) // 3 * 3 - 3 * (quarters - 1)
    return date(months // 12, months % 12 + 1, 1)


def _frame(table: Any) -> "pd.DataFrame":
    """Return answers or invitations as a frame in a fixed order; text is text even where nothing is recorded."""
    frame: pd.DataFrame = table.to_pandas()
    texts = [name for name in ("response_id", "contact_id", "account_id", "followup") if name in frame]
    return frame.astype(dict.fromkeys(texts, "str")).sort_values(["account_id", "response_id"], ignore_index=True)


def _with_cell(snapshot: Snapshot, invited: "pd.DataFrame", config: Config) -> "pd.DataFrame":
    accounts = snapshot.tables["accounts"]
    if config.weight_by not in accounts.columns:
        return invited.assign(cell=None)
    told = accounts.select("account_id", cell=accounts[config.weight_by].cast("string")).to_pandas()
    return invited.assign(cell=invited["account_id"].map(told.set_index("account_id")["cell"]))


def _accounts(before: Snapshot, config: Config, stages: frozenset[str]) -> "pd.DataFrame":
    """Return what holds of every account when the week begins."""
    import pandas as pd

    table = before.tables["accounts"]
    wanted = [name for name in ("name", "value_tier", "currency") if name in table.columns]
    amount = {"arr": table.arr.cast("float64")} if "arr" in table.columns else {}
    frame = table.select("account_id", *wanted, **amount).to_pandas().set_index("account_id").sort_index()
    frame = frame.reindex(columns=["name", "value_tier", "currency", "arr"])
    home = before.workspace.currency
    rate = frame["currency"].fillna(home).map({**config.currency_rates, home: 1.0}).astype(float)
    negotiating = asked.negotiating(before, [each for each in stages if not absent([each], config.no_offer.stages)])
    return pd.DataFrame(
        {
            "name": frame["name"].fillna(pd.Series(frame.index, frame.index)).astype("str"),
            "tier": frame["value_tier"].astype("str"),
            "arr": frame["arr"].astype(float) * rate,
            "csm_id": owners(before).reindex(frame.index),
            "is_renewing": frame.index.isin(_renewing(before, config.no_offer.renewal_days)),
            "is_negotiating": frame.index.isin(_ids(negotiating)),
        }
    )


def _ids(table: Any) -> set[str]:
    return set() if table is None else set(table.to_pandas()["account_id"])


def _renewing(before: Snapshot, days: int) -> set[str]:
    """Return the accounts with an open renewal that is due within some days, or past due."""
    import ibis

    rows = before.tables.get("renewals")
    if rows is None:
        return set()
    if "outcome" in rows.columns:
        rows = rows.filter(rows.outcome.fill_null("open") == "open")
    due = rows.filter(rows.due_date <= ibis.literal(before.as_of + timedelta(days=days)))
    return _ids(due.select("account_id").distinct())


def _pairs(table: Any) -> dict[str, Any]:
    """Return a table of two columns as a mapping; nothing where there is no table."""
    if table is None:
        return {}
    key, value = table.columns
    frame = table.to_pandas()
    return dict(zip(frame[key], frame[value], strict=True))
