"""What a brief is made of: rows of the accounts it is about, and what other analyses found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.account_brief import asked
from csworkbench.analyses.account_brief.settings import Config
from csworkbench.asof import Snapshot

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs; frames hold rows of the accounts of the briefs alone.

    Args:
        as_of: Date of the page.
        language: Language of texts in tables.
        timezone: Zone of the workspace.
        accounts: By account_id: name, tier, arr, currency, since, csm_id, csm.
        unknown: Ids of the settings that are no customers.
        doubled: Accounts with two CSMs at once: see `with_two_csms`.
        contacts: People who are there: see `asked.contacts`.
        issues: What is open: see `asked.issues`.
        tasks: Open tasks: account_id, task_id, theme, due_on.
        steps: Open mandatory steps of running plans: account_id, plan_id, name, planned_on.
        promises: What customers promised in plans that are open: account_id, plan_id, said, since.
        opportunities: Open ones: account_id, stage, amount, currency, created_on.
        meetings: Held ones, and planned ones that were not held: see `asked.meetings`.
        events: What was received, attended and written: see `asked.events`.
        people: Account -> what says who its people are and is taken out of free texts.
        has_names: People stand by name, and free texts as they were written.
        tables: Tables of the workspace.
        upstream: Results of this run.
    """

    as_of: date
    language: str
    timezone: str
    accounts: "pd.DataFrame"
    unknown: tuple[str, ...]
    doubled: "pd.DataFrame"
    contacts: "pd.DataFrame"
    issues: "pd.DataFrame"
    tasks: "pd.DataFrame"
    steps: "pd.DataFrame"
    promises: "pd.DataFrame"
    opportunities: "pd.DataFrame"
    meetings: "pd.DataFrame"
    events: "pd.DataFrame"
    people: Mapping[str, tuple[str, ...]]
    has_names: bool
    tables: frozenset[str]
    upstream: Mapping[str, Any]


def prepare(snapshot: Snapshot, config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return the rows of the accounts that get a brief.

    Args:
        snapshot: The book at the date of the page.
        config: Settings: which accounts, how far back.
        upstream: Results of the analyses of this run.
    """
    from csworkbench.features.listed import customers_of, with_two_csms

    every = customers_of(snapshot)
    accounts = every[every.index.isin(config.accounts)] if config.accounts else every
    contacts, people = asked.contacts(snapshot)
    has_names = config.names and "contact_pii" in snapshot.tables
    first = snapshot.as_of - timedelta(days=config.timeline_days - 1)
    shown = contacts if has_names else contacts.assign(name=contacts["role"])

    def of(rows: "pd.DataFrame") -> "pd.DataFrame":
        return rows[rows["account_id"].isin(accounts.index)].reset_index(drop=True)

    return Inputs(
        as_of=snapshot.as_of,
        language=snapshot.workspace.language,
        timezone=snapshot.workspace.timezone,
        accounts=accounts,
        unknown=tuple(each for each in config.accounts if each not in every.index),
        doubled=with_two_csms(snapshot, accounts),
        contacts=of(shown),
        issues=of(asked.issues(snapshot, first)),
        tasks=of(asked.tasks(snapshot, config)),
        steps=of(asked.steps(snapshot)),
        promises=of(asked.promises(snapshot)),
        opportunities=of(asked.opportunities(snapshot)),
        meetings=of(asked.meetings(snapshot)),
        events=of(asked.events(snapshot, first)),
        people=people,
        has_names=has_names,
        tables=frozenset(snapshot.tables),
        upstream=upstream,
    )
