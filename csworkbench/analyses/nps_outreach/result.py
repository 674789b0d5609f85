"""The result of the NPS page: what the score is, who is on which list this week, and who was left out and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.nps_outreach import doubts, measured
from csworkbench.analyses.nps_outreach.evidence import STEM, Inputs
from csworkbench.analyses.nps_outreach.lists import ACTED_ON, Lists, lists
from csworkbench.analyses.nps_outreach.settings import HUMAN, Config
from csworkbench.analyses.nps_outreach.tiers import tie_table
from csworkbench.estimates import Caveat, Estimate, Handout, Message, Release, say, worst_first
from csworkbench.formats import Readable
from csworkbench.policy import RELEASED, Reason, holdout_table

if TYPE_CHECKING:
    import pandas as pd

NONE_GIVEN = "none"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """The NPS and the lists of the week.

    Tables, key columns first; `low` and `high` are the interval of the column before them. Words of customers are in
    none of them.

    * distribution, score: score, group (promoter, passive, detractor), answers, share (0 to 1), low, high
    * trend, calendar quarter: quarter, answers, accounts, nps (points), low, high, is_running
    * response, value of the column by which non-response is weighted: cell, invited, answered, share, low, high, weight
    * tiers, tier: rule, share (asked for), base, size, members, cut_score, tied, tied_share, taken; see `tiers`
    * lists, list: rule, asked (contacts a rule asks for), listed, held_out, left_out (others), play, mode, purpose,
      minutes (of those listed)
    * proposals, contact, as docs/methods/proposals.md has them
    * list, contact, for people, and what a release keeps: see `lists.LISTED`; send_from is UTC
    * rejected, row and system: see `features.ForeignIds`; only where the workspace says so (`export_ids`)
    * why, list and reason: rule, reason, contacts; of everybody who is not listed
    * left_out, contact that is not listed: contact_id, account_id, rule, reason (the first one), reasons (all)
    * struck, contact listed when the week began who may not be contacted since: proposal_id, and as in
      left_out
    * held_out, contact held out by lot: contact_id, account_id, program
    * routes, follow-up: followup, answers, play ("none" = nobody declared one, settled = no contact)
    * holdout, automated program: as `policy.holdout_table`, with rule

    Args:
        headline: The NPS, and how many are contacted.
        figures: nps, response_rate, nps_weighted, listed (contacts).
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
        releases: The list of the week, which `csw release` makes official once.
        handouts: The list as a workbook, and for imports elsewhere.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]
    releases: tuple[Release, ...] = ()
    handouts: tuple[Handout, ...] = ()


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return the NPS, its doubts, and the lists of the week.

    Args:
        inputs: Answers, invitations, accounts and the ground of the policy, from `prepare`.
        config: Settings; the windows are those of `prepare`.
    """
    made = lists(inputs, config)
    listed = Estimate(len(made.listed), "contacts", made.contacts)
    figures = measured.figures(inputs, config.level) | {"listed": listed}
    tables = _tables(inputs, made, config)
    found = doubts.caveats(inputs, made, (figures, tables), config)
    now = frozenset(made.listed["proposal_id"])
    place = f"lists/{STEM}-{inputs.week.first.isoformat()}"
    release = Release("list", place, ("held_out",), is_once=True)
    return Result(
        headline=_headline(figures["nps"], made, inputs),
        figures=figures,
        tables=tables,
        caveats=worst_first(found),
        actions=tuple(doubts.actions(inputs, made, config)),
        # What is official stays as it is: it is offered again only as long as it would be the same.
        handouts=(Handout("list", ("xlsx", "hubspot", "salesforce")),),
        releases=(release,) if len(made.listed) and inputs.official in (frozenset(), now) else (),
    )


def _headline(nps: Estimate, made: Lists, inputs: Inputs) -> Message:
    contacts = say(
        "{n:n contact is|contacts are} on a list of the week of {week:date}", n=len(made.listed), week=inputs.week.first
    )
    if nps.value is None:
        return say("Nobody answered: there is no NPS. {contacts}.", contacts=contacts)
    return say("NPS {nps:estimate}. {contacts}.", nps=nps, contacts=contacts)


def _tables(inputs: Inputs, made: Lists, config: Config) -> "dict[str, pd.DataFrame]":
    assert set(RELEASED) <= set(made.listed.columns)  # noqa: S101 - what a release needs, see `policy.RELEASED`
    held = made.decided[made.decided["reason"] == Reason.HOLDOUT.value]
    return {
        "distribution": measured.distribution_table(inputs, config.level),
        "trend": measured.trend_table(inputs, config.level),
        "response": measured.response_table(inputs, config.level),
        "tiers": tie_table(made.placed, len(inputs.answers), config),
        "lists": _list_table(made, config),
        "proposals": made.proposals,
        "list": inputs.foreign.beside(made.listed),
        "why": _why_table(made.left_out),
        "left_out": made.left_out,
        "struck": made.struck,
        "held_out": held[["contact_id", "account_id", "program"]].reset_index(drop=True),
        "routes": _route_table(inputs, config),
        "holdout": _holdout_table(inputs, made, config),
    } | ({"rejected": inputs.foreign.rejected(made.listed)} if inputs.foreign.sources else {})


def _holdout_table(inputs: Inputs, made: Lists, config: Config) -> "pd.DataFrame":
    """Return what the holdouts can show; the answers of one window come back as often as windows fit into a year."""
    asked, is_held = made.decided, made.decided["reason"] == Reason.HOLDOUT.value
    is_served = asked["is_listed"] | asked["is_struck"] | (asked["reason"] == ACTED_ON) | asked["is_elsewhere"]
    base = asked.assign(is_held=is_held)[is_held | is_served]
    rules = [name for name, each in config.lists.items() if name not in HUMAN and not each.is_must_do]
    programs, given = [f"{STEM}.{rule}" for rule in rules], (config.holdout, config.level)
    table = holdout_table(base, programs, config.window_days, given=given, book=inputs.book)
    table.insert(1, "rule", rules)
    return table.astype({"rule": "str"})


def _list_table(made: Lists, config: Config) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for rule, each in sorted(config.lists.items(), key=lambda item: item[1].priority):
        asked = made.decided[made.decided["rule"] == rule]
        listed, held = int(asked["is_listed"].sum()), int(asked["reason"].eq(Reason.HOLDOUT.value).sum())
        mode = "human" if rule in HUMAN else "automated"
        told = (each.play, mode, each.purpose, listed * each.minutes)
        rows.append((rule, len(asked), listed, held, len(asked) - listed - held, *told))
    columns = ["rule", "asked", "listed", "held_out", "left_out", "play", "mode", "purpose", "minutes"]
    return pd.DataFrame(rows, columns=columns)


def _why_table(left_out: "pd.DataFrame") -> "pd.DataFrame":
    """Return how many were left out for which reason, those of lists first."""
    counts = left_out.groupby(["rule", "reason"], sort=True).size().rename("contacts").reset_index()
    order = counts.assign(is_none=counts["rule"] == "").sort_values(
        ["is_none", "rule", "contacts", "reason"], ascending=[True, True, False, True]
    )
    return order.drop(columns="is_none").reset_index(drop=True)


def _route_table(inputs: Inputs, config: Config) -> "pd.DataFrame":
    """Return how often each follow-up that is declared, or met, comes, and what follows from it."""
    import pandas as pd

    said = inputs.answers["followup"].dropna().str.casefold()
    plays = {route.followup.casefold(): route.play or "settled" for route in config.routes}
    rows = [(each, int((said == each).sum()), play) for each, play in plays.items()]
    others = said[~said.isin(list(plays))]
    # A follow-up nobody declared may be free text of a customer: it is counted, never shown.
    if len(others):
        rows.append(("other", len(others), NONE_GIVEN))
    return pd.DataFrame(rows, columns=["followup", "answers", "play"])
