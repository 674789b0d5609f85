"""The briefs of all accounts: what is known, what to raise, and the next meeting."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from csworkbench.analyses.account_brief.calendars import calendar_files
from csworkbench.analyses.account_brief.doubts import caveats
from csworkbench.analyses.account_brief.evidence import Inputs
from csworkbench.analyses.account_brief.sections import (
    fact_table,
    health_table,
    issue_table,
    people_table,
    plan_table,
    practice_table,
)
from csworkbench.analyses.account_brief.settings import Config
from csworkbench.analyses.account_brief.sheets import sheet_files, sheet_table
from csworkbench.analyses.account_brief.talking import (
    agenda_table,
    last_meetings,
    next_meetings,
    open_actions,
    raise_table,
    timeline_table,
)
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Caveat, Estimate, Message, say, worst_first

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """What is known of each account. Every table has account_id and name in front: `--by account` cuts them apart.

    Tables, in the order of a brief: facts, next_meeting, to_raise, agenda, open_actions, last_meeting, practices,
    health, issues, plans, people, timeline, sheets; see the functions of `sections`, `talking` and `sheets` of the
    same name.

    Args:
        headline: Verdict in one sentence.
        figures: briefs, meetings_ahead, actions_late, issues_open.
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
        files: By path, a calendar file for each next meeting, and the brief of each account as a sheet of paper.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]
    files: Mapping[str, str] = field(default_factory=dict)


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return the brief of every account.

    Args:
        inputs: What is known of the accounts, from `prepare`.
        config: Settings.

    Raises:
        AnalysisError: none of the accounts is a customer on the date.
    """
    if inputs.accounts.empty:
        raise AnalysisError(f"none of the accounts is a customer on {inputs.as_of}; choose others, or another date")
    raised, actions, last = raise_table(inputs, config), open_actions(inputs), last_meetings(inputs)
    agenda, ahead = agenda_table(inputs, raised, actions, last), next_meetings(inputs)
    tables = {
        "facts": fact_table(inputs),
        "next_meeting": ahead,
        "to_raise": raised,
        "agenda": agenda,
        "open_actions": actions,
        "last_meeting": last,
        "practices": practice_table(inputs),
        "health": health_table(inputs),
        "issues": issue_table(inputs),
        "plans": plan_table(inputs),
        "people": people_table(inputs, config),
        "timeline": timeline_table(inputs, config),
        "sheets": (listed := sheet_table(inputs)),
    }
    n = len(inputs.accounts)
    figures = {
        "briefs": Estimate(n, "accounts", n),
        "meetings_ahead": Estimate(len(ahead), "meetings", n),
        "actions_late": Estimate(int(actions["is_late"].sum()), "actions", len(actions)),
        "issues_open": Estimate(len(tables["issues"]), "issues", n),
    }
    return Result(
        headline=_headline(figures),
        figures=figures,
        tables=tables,
        caveats=worst_first(caveats(inputs)),
        actions=tuple(_actions(tables)) or (say("Nothing to do: no meeting lies ahead and no action is late."),),
        files={**calendar_files(inputs, config, ahead, agenda), **sheet_files(inputs, tables, listed)},
    )


def _headline(figures: Mapping[str, Estimate]) -> Message:
    counts = {name: int(each.value or 0) for name, each in figures.items()}
    return say(
        "{briefs:n brief|briefs}: {ahead:n account has|accounts have} a meeting ahead, {late:n action is|actions are} "
        "late, {issues:n issue is|issues are} open",
        briefs=counts["briefs"],
        ahead=counts["meetings_ahead"],
        late=counts["actions_late"],
        issues=counts["issues_open"],
    )


def _actions(tables: "Mapping[str, pd.DataFrame]") -> Iterator[Message]:
    ahead = tables["next_meeting"].sort_values(["planned_on", "account_id"])
    if len(ahead):
        first = ahead.iloc[0]
        yield say("Prepare the meeting with {name} on {day:date}", name=first["name"], day=first["planned_on"].date())
    late = tables["open_actions"]
    late = late[late["is_late"]]
    if len(late):
        oldest = late.sort_values("due_on").iloc[0]
        yield say("Do or drop what is late, first at {name}: {what}", name=oldest["name"], what=oldest["what"])
