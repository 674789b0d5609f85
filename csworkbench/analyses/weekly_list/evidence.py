"""What the week is planned from: the proposals of every analysis, calendars, and the ground of the policy."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.weekly_list import asked
from csworkbench.analyses.weekly_list.calendars import STEM, taken
from csworkbench.analyses.weekly_list.settings import Config
from csworkbench.asof import Snapshot, earlier
from csworkbench.errors import AnalysisError, Problem
from csworkbench.features import ForeignIds, foreign_ids, owners
from csworkbench.policy import COLUMNS, FALLBACKS, Ground, Week, book_size, gather, last_touch, week_of
from csworkbench.workspace import ContactPolicy

if TYPE_CHECKING:
    import pandas as pd

    from csworkbench.sources import Contacted


PROPOSING: Mapping[str, tuple[str, ...]] = {
    "nps_outreach": ("nps_responses",),
    "touch_matrix": ("touches",),
    "triggers": (),
    "plan_validation": ("plans",),
    "renewals": ("renewals",),
}
"""Analysis of the product that proposes -> the tables without which it cannot run, beside accounts."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Inputs:
    """Everything `analyze` needs; all but `ground`, `done` and the proposals as known when the week began.

    Args:
        as_of: Date of the page.
        week: Week of the list.
        policy: Who may be contacted.
        timezone: Zone of the workspace.
        proposals: Of all analyses, by priority and id: `policy.COLUMNS` and analysis. A proposal for an account as a
            whole names its primary contact.
        sources: Analysis -> proposals it made.
        lacking: Analyses that could propose from the tables of the book, and are no part of this run.
        drawn: Analysis that draws its holdouts itself -> its table `holdout`.
        accounts: account_id -> name.
        book: Accounts under contract.
        contacts: By contact_id: account_id, language, is_primary.
        people: By csm_id: name, languages, capacity (minutes).
        taken: What takes their time already, see `calendars`.
        owners: account_id -> csm_id.
        last_touch: contact_id -> day of the newest touch.
        done: What became of proposals: proposal_id, state, on, why.
        ground: What the policy knows of every contact.
        official: Rows of the official lists of this page, in their order.
        elsewhere: proposal_id -> other analysis whose official list of this week has it.
        barred: contact_id -> why the settings (`leave_out`) keep it off every list.
        rates: Answer rates by channel, as touch_matrix measured them: channel, by_hand (touches by people), answered
            (share), low, high, accounts; empty without it.
        foreign: Ids of accounts and contacts in the systems the list is imported into.
        addresses: By contact_id: email, phone; empty without contact_pii.
    """

    as_of: date
    week: Week
    policy: ContactPolicy
    timezone: str
    proposals: "pd.DataFrame"
    sources: Mapping[str, int]
    lacking: tuple[str, ...]
    drawn: "Mapping[str, pd.DataFrame]"
    accounts: Mapping[str, str]
    book: int
    contacts: "pd.DataFrame"
    people: "pd.DataFrame"
    taken: "pd.DataFrame"
    owners: Mapping[str, str]
    last_touch: Mapping[str, date]
    done: "pd.DataFrame"
    ground: Ground
    official: "tuple[Contacted, ...]"
    elsewhere: Mapping[str, str]
    barred: Mapping[str, str]
    rates: "pd.DataFrame"
    foreign: ForeignIds
    addresses: "pd.DataFrame"

    @property
    def names(self) -> dict[str, str]:
        """csm_id -> name; with the id where two are called alike, the id alone where nobody says the name."""
        named = self.people["name"].fillna(self.people.index.to_series())
        alike = set(named[named.duplicated(keep=False)])
        return {str(who): f"{name} ({who})" if name in alike else str(name) for who, name in named.items()}


def prepare(snapshot: Snapshot, config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return proposals, people, calendars and what decides about contacts.

    Args:
        snapshot: The book at the date of the page.
        config: Settings; channels and roles decide what is read.
        upstream: Results of the analyses of this run; those with a table `proposals` propose.

    Raises:
        AnalysisError: consents or suppressions are missing or too short, or a proposal names an unknown channel.
        ConfigError: a condition of `leave_out` cannot be asked, or id_map has no ids of a source of `export_ids`.
    """
    from csworkbench.filters import contacts_by_rule

    week = week_of(snapshot.as_of)
    before = earlier(snapshot, week.known)
    contacts = asked.contacts(before)
    proposals, sources = _proposals(upstream, contacts)
    _check_channels(proposals, config)
    owned = {str(account): csm for account, csm in owners(before).items()}
    ground = gather(before, snapshot, week, STEM)
    own = tuple(each for each in snapshot.released if each.analysis == STEM)
    named = set(proposals["contact_id"].dropna()) | {each.contact_id for each in own}
    return Inputs(
        as_of=snapshot.as_of,
        week=week,
        policy=snapshot.workspace.contact_policy,
        timezone=snapshot.workspace.timezone,
        proposals=proposals,
        sources=sources,
        lacking=tuple(
            name for name, tables in PROPOSING.items() if name not in upstream and snapshot.tables.keys() >= set(tables)
        ),
        drawn=_drawn(upstream),
        accounts=_names(before),
        book=book_size(before),
        contacts=contacts,
        people=asked.people(before, config.roles),
        taken=taken(before, snapshot, week, owned),
        owners=owned,
        last_touch=last_touch(before),
        done=asked.done(snapshot),
        # Whoever is not proposed is no matter here, and the rules are asked many times.
        ground=ground.of(named),
        official=own,
        elsewhere={
            each.proposal_id: each.analysis
            for each in snapshot.released
            if each.analysis != STEM and each.first_day == week.first
        },
        barred=contacts_by_rule(before, "leave_out", config.leave_out),
        rates=_rates(upstream),
        foreign=foreign_ids(snapshot),
        addresses=_addresses(before, set(proposals["contact_id"].dropna())),
    )


def _proposals(upstream: Mapping[str, Any], contacts: "pd.DataFrame") -> "tuple[pd.DataFrame, dict[str, int]]":
    """Return the proposals of all analyses in a fixed order, and how many each made."""
    import pandas as pd

    tables = {name: upstream[name].tables["proposals"] for name in sorted(upstream)
              if "proposals" in upstream[name].tables}  # fmt: skip
    for name, table in tables.items():
        lacking = [column for column in COLUMNS if column not in table]
        if lacking:
            hint = "docs/methods/proposals.md is the contract; policy.proposals makes the table"
            raise AnalysisError(Problem(f"its table proposals lacks {', '.join(lacking)}", key=name, hint=hint))
    parts = [table[list(COLUMNS)].astype(COLUMNS).assign(analysis=name) for name, table in tables.items() if len(table)]
    empty = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in {**COLUMNS, "analysis": "str"}.items()})
    rows = pd.concat(parts, ignore_index=True) if parts else empty
    primary = contacts[contacts["is_primary"]].reset_index().drop_duplicates("account_id").set_index("account_id")
    known = rows["contact_id"].fillna(rows["account_id"].map(primary["contact_id"])) if len(primary) else None
    filled = rows if known is None else rows.assign(contact_id=known.astype("str"))
    ordered = filled.sort_values(["priority", "proposal_id"], kind="stable").drop_duplicates("proposal_id")
    return ordered.reset_index(drop=True), {name: len(table) for name, table in tables.items()}


def _check_channels(proposals: "pd.DataFrame", config: Config) -> None:
    import pandas as pd

    others = proposals.assign(channel=proposals["fallbacks"].fillna("").str.split(FALLBACKS)).explode("channel")
    named = pd.concat([proposals, others[others["channel"] != ""]])
    unknown = named[named["channel"].notna() & ~named["channel"].isin(list(config.channels))]
    if len(unknown):
        hint = f"declare it under channels in configs/{STEM}.yaml; there are {', '.join(config.channels)}"
        problems = [
            Problem(f"{len(rows)} proposals name the unknown channel {channel!r}", key=str(analysis), hint=hint)
            for (analysis, channel), rows in unknown.groupby(["analysis", "channel"])
        ]
        raise AnalysisError(*problems)


def _drawn(upstream: Mapping[str, Any]) -> "dict[str, pd.DataFrame]":
    """Return what the analyses that draw themselves say of their holdouts; those who hold nobody out draw too."""
    return {
        name: each.tables["holdout"] for name, each in sorted(upstream.items())
        if {"proposals", "holdout"} <= each.tables.keys()
    }  # fmt: skip


def _rates(upstream: Mapping[str, Any]) -> "pd.DataFrame":
    """Return the answer rates by channel of the touch matrix of this run, where there is one."""
    import pandas as pd

    catalog = upstream["touch_matrix"].tables.get("catalog") if "touch_matrix" in upstream else None
    columns = ["channel", "by_hand", "answered", "low", "high", "accounts"]
    return pd.DataFrame(columns=columns) if catalog is None else catalog.reindex(columns=columns)


def _names(before: Snapshot) -> dict[str, str]:
    table = before.tables["accounts"]
    if "name" not in table.columns:
        return {}
    frame = table.filter(table.name.notnull()).select("account_id", "name").to_pandas()  # noqa: PD004 - an expression of the engine
    return dict(zip(frame["account_id"], frame["name"], strict=True))


def _addresses(before: Snapshot, wanted: set[str]) -> "pd.DataFrame":
    """Return e-mail address and phone number of the contacts that are proposed; for imports into other systems."""
    import pandas as pd

    rows = before.tables.get("contact_pii")
    if rows is None:
        return pd.DataFrame({"email": pd.Series(dtype="str"), "phone": pd.Series(dtype="str")})
    named = [name for name in ("email", "phone") if name in rows.columns]
    frame = rows.filter(rows.contact_id.isin(sorted(wanted))).select("contact_id", *named).to_pandas()
    found: pd.DataFrame = (
        frame.drop_duplicates("contact_id").set_index("contact_id").reindex(columns=["email", "phone"])
    )
    return found.astype("str")
