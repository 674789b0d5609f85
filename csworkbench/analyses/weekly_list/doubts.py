"""Doubts beside the weekly list, and what to do next."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from csworkbench import policy
from csworkbench.analyses.weekly_list.evidence import Inputs
from csworkbench.analyses.weekly_list.measured import THIS_PAGE
from csworkbench.analyses.weekly_list.planning import NO_MINUTES, NOT_KNOWN, Plan
from csworkbench.analyses.weekly_list.routes import HUMAN
from csworkbench.estimates import Caveat, Estimate, Message, Severity, say
from csworkbench.features import about_rejected

if TYPE_CHECKING:
    import pandas as pd


def caveats(inputs: Inputs, made: Plan, tables: "Mapping[str, pd.DataFrame]", share: float) -> Iterator[Caveat]:
    """Yield the doubts.

    Args:
        inputs: Proposals, people and official lists.
        made: The plan.
        tables: Tables of the page.
        share: Share held out.
    """
    if not inputs.sources:
        yield Caveat(
            "no_proposals",
            Severity.WARNING,
            say("No analysis of this run proposes anybody"),
            say("Run the whole batch: csw run"),
        )
    elif inputs.lacking:
        yield Caveat(
            "lacks_proposals",
            Severity.WARNING,
            say(
                "The results of {names:list} are not part of this run: whom they would propose is neither listed nor "
                "left out",
                names=list(inputs.lacking),
            ),
            say("Run the whole batch: csw run"),
        )
    yield from _about_must_do(tables["short"])
    yield from policy.doubts(inputs.ground)
    yield from _about_people(inputs, made)
    yield from policy.about_struck(tables["struck"], {each.proposal_id for each in inputs.official})
    if made.unit == "contacts" and len(made.decided):
        yield Caveat(
            "no_value",
            Severity.NOTE,
            say(
                "No experiment stands behind every proposal: they are ranked by declared priority, and nothing is money"
            ),
        )
    if "rejected" in tables:
        yield from about_rejected(tables["rejected"])
    held = tables["holdout"]
    yield from policy.without_holdout(held[held["drawn_by"] == THIS_PAGE], share)
    shown = held[held["held"] > 0]
    if len(shown):
        best = shown.sort_values("per_year", ascending=False).iloc[0]
        yield Caveat("holdout_shows", Severity.NOTE, _shows(best.to_dict()))


def _shows(row: "dict[Any, Any]") -> Message:
    import pandas as pd

    analysis, _, rule = str(row["program"]).partition(".")
    program = say("{analysis:word}: {rule:word}", analysis=analysis, rule=rule) if rule else analysis
    if pd.isna(row["smallest_share"]):
        return say(
            "No holdout shows anything within a year: {program:word} has most accounts, and too few", program=program
        )
    return say(
        "After a year the largest holdout, {program:word}, shows no difference below {points:percent}",
        program=program,
        points=row["smallest_share"],
    )


def _about_must_do(short: "pd.DataFrame") -> Iterator[Caveat]:
    over = short[short["exceeded_by"].notna()]
    if len(over):
        told = [
            say("{what:word} by {n:number}", what=row["what"], n=row["exceeded_by"]) for row in over.to_dict("records")
        ]
        yield Caveat(
            "must_do_exceeds",
            Severity.WARNING,
            say("Must-do contacts exceed {what:list}", what=told),
            say("Move what is planned, or give some of them to a colleague"),
        )
    missed = short[short["exceeded_by"].isna()]
    if len(missed):
        told = [
            say("{what} ({reason:word})", what=row["what"], reason=row["reason"]) for row in missed.to_dict("records")
        ]
        yield Caveat(
            "must_do_left_out",
            Severity.WARNING,
            say("{n:n must-do contact|must-do contacts} cannot be made: {what:list}", n=len(missed), what=told),
            say("No plan may pass over the contact policy; look for another way"),
        )


def _about_people(inputs: Inputs, made: Plan) -> Iterator[Caveat]:
    human = made.decided[made.decided["is_listed"] & (made.decided["mode"] == HUMAN)]
    names = inputs.names
    unknown = sorted(set(human["csm_id"].dropna()) - set(made.free))
    blocked = made.decided[made.decided["reason"] == NOT_KNOWN]
    if unknown and not made.free:
        yield Caveat(
            "no_capacity",
            Severity.WARNING,
            say(
                "The time of CSMs is not known ({who:list}): nothing limits their rows but the contact policy",
                who=[names.get(each, each) for each in unknown],
            ),
            say("Give capacity_minutes_week in csms"),
        )
    elif len(blocked):
        yield Caveat(
            "capacity_lacks",
            Severity.WARNING,
            say(
                "{n:n proposal is|proposals are} left out, because the time of the CSM is not known: {who:list}",
                n=len(blocked),
                who=sorted({names.get(each, each) for each in _asked(blocked, inputs)}),
            ),
            say("Give capacity_minutes_week in csms; a row that was set aside counts as none"),
        )
    people = made.people
    over = people[people["planned"] > people["capacity"]]
    if len(over):
        yield Caveat(
            "overbooked",
            Severity.WARNING,
            say(
                "More is in the calendar than there is time for customers: {who:list}",
                who=[names[each] for each in over.index],
            ),
            say("Move tasks or meetings, or nothing can be proposed to them"),
        )


def _asked(rows: "pd.DataFrame", inputs: Inputs) -> "set[str]":
    """Return whose proposals these are: the CSM each names, else the one of the account."""
    owners = rows["account_id"].map(dict(inputs.owners))
    return set(rows["csm_id"].fillna(owners).dropna())


def actions(inputs: Inputs, made: Plan, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Message]:
    """Yield what to do next.

    Args:
        inputs: Official lists.
        made: The plan.
        tables: Tables of the page.
    """
    is_official = any(each.first_day == inputs.week.first for each in inputs.official)
    if len(tables["list"]) and not is_official and inputs.lacking:
        yield say("Run the whole batch before the list is made official: csw run")
    elif len(tables["list"]) and not is_official:
        yield say("Make the list official before the first contact: csw release latest weekly_list")
    capacity = tables["capacity"]
    short = capacity[capacity["more_per_hour"] > 0].sort_values(["more_per_hour", "csm_id"], ascending=[False, True])
    waiting = int((made.decided["reason"] == NO_MINUTES).sum())
    if len(short) and waiting:
        row = short.iloc[0]
        if made.unit == "contacts":
            yield say(
                "{n:n proposal waits|proposals wait} for time; an hour more of {who} would bring {more:number} more, "
                "counted by the chance to reach somebody",
                n=waiting,
                who=row["name"],
                more=float(row["more_per_hour"]),
            )
        else:
            yield say(
                "{n:n proposal waits|proposals wait} for time; an hour more of {who} is worth {more:estimate}",
                n=waiting,
                who=row["name"],
                more=_amount(float(row["more_per_hour"]), made.unit),
            )


def _amount(value: float, unit: str) -> Estimate:
    """Return an amount as a reader sees it: a count of its own sample stands alone."""
    return Estimate(round(value), unit, round(value))
