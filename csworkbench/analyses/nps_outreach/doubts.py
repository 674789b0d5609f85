"""Doubts beside the NPS and the lists, and what to do next."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from csworkbench import policy
from csworkbench.analyses.nps_outreach.evidence import Inputs
from csworkbench.analyses.nps_outreach.lists import Lists
from csworkbench.analyses.nps_outreach.settings import OFFER, REFERRAL, SAVE, UNANSWERED, Config, absent
from csworkbench.errors import did_you_mean
from csworkbench.estimates import Caveat, Estimate, Message, Severity, say
from csworkbench.features import about_rejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

MOST_NAMES = 8  # names of the data a caveat repeats
FEW_ACCOUNTS, FEW_RESPONSES, MANY_TIED = 30, 0.5, 0.5


def caveats(
    inputs: Inputs, made: Lists, told: "tuple[Mapping[str, Estimate], Mapping[str, pd.DataFrame]]", config: Config
) -> Iterator[Caveat]:
    """Yield the doubts.

    Args:
        inputs: Answers and invitations.
        made: The lists.
        told: Figures and tables of the page.
        config: Settings.
    """
    figures, tables = told
    yield from _about_answers(inputs, figures, config)
    for row in tables["tiers"].to_dict("records"):
        if row["rule"] in (REFERRAL, OFFER) and row["tied"] > row["taken"]:
            yield Caveat(
                f"tied_{row['rule']}",
                Severity.WARNING if row["tied_share"] >= MANY_TIED else Severity.NOTE,
                say(
                    "{tied:count} of {all:n answer|answers} ({share:percent}) are {score:count}: {taken:count} of them "
                    "are within the first {part:percent} ({rule:word}), by ARR and then by lot",
                    tied=row["tied"],
                    all=len(inputs.answers),
                    share=row["tied_share"],
                    score=int(row["cut_score"]),
                    taken=row["taken"],
                    part=row["share"],
                    rule=row["rule"],
                ),
                say("Read the tier as a lot among equals, not as the best ones"),
            )
    yield from _about_lists(inputs, made, tables, config)
    if "rejected" in tables:
        yield from about_rejected(tables["rejected"])
    yield from policy.without_holdout(tables["holdout"], config.holdout.share)


def _about_answers(inputs: Inputs, figures: "Mapping[str, Estimate]", config: Config) -> Iterator[Caveat]:
    nps, rate, weighted = (figures[name] for name in ("nps", "response_rate", "nps_weighted"))
    if nps.n < FEW_ACCOUNTS:
        yield Caveat(
            "few_answers",
            Severity.WARNING,
            say("Only {n:n account|accounts} answered in {days:days}", n=nps.n, days=config.window_days),
            say("Raise window_days, or ask more people"),
        )
    if rate.value is not None and rate.value < FEW_RESPONSES:
        change = None if weighted.value is None or nps.value is None else weighted.value - nps.value
        what = (
            say("nothing says how the others would have answered")
            if change is None
            else say(
                "weighted by {column:word} the NPS moves by {change:points} points",
                column=config.weight_by,
                change=change,
            )
        )
        yield Caveat(
            "non_response",
            Severity.WARNING,
            say("{rate:percent} of those invited answered; {what}", rate=rate.value, what=what),
            say("Those who are silent may be less happy: ask them once more, see the list of the unanswered"),
        )
    if len(inputs.invited) and inputs.invited["is_answered"].all():
        yield Caveat(
            "no_invitations",
            Severity.NOTE,
            say("Only answers are recorded: how many were asked, nobody can tell"),
            say("Export invitations without an answer too"),
        )


def _about_offers(inputs: Inputs, config: Config) -> Iterator[Caveat]:
    rules = config.no_offer
    for what, table, names, found in (
        ("tiers", "accounts", rules.tiers, set(inputs.accounts["tier"].dropna())),
        ("stages", "opportunities", rules.stages, inputs.stages),
    ):
        unused = absent(names, found)
        if unused:
            known = sorted(found)[:MOST_NAMES]
            near = dict.fromkeys(filter(None, (did_you_mean(each.casefold(), sorted(found)) for each in unused)))
            yield Caveat(
                f"no_offer_{what}",
                Severity.WARNING,
                say(
                    "no_offer.{what} names {names:list}, which no row of {table} has: they keep nobody from a discount",
                    what=what,
                    names=unused,
                    table=table,
                ),
                say(
                    "Write {what} as {table} has them: {known}",
                    what=what,
                    table=table,
                    known="; ".join([", ".join(known) or "none are recorded", *near]),
                ),
            )


def _about_lists(inputs: Inputs, made: Lists, tables: "Mapping[str, pd.DataFrame]", config: Config) -> Iterator[Caveat]:
    unknown = int((~made.decided["contact_id"].isin(inputs.ground.people.index)).sum())
    if unknown:
        yield Caveat(
            "unknown_people",
            Severity.WARNING,
            say("{n:n person|people} on a tier cannot be contacted: nobody knows who it is", n=unknown),
            say("Add contacts with consents to the workspace, and contact_id to nps_responses"),
        )
    yield from policy.doubts(inputs.ground)
    if OFFER in config.lists:
        yield from _about_offers(inputs, config)
    yield from policy.about_struck(made.struck, inputs.official)
    others = inputs.official - set(made.listed["proposal_id"]) - set(made.struck["proposal_id"])
    if others:
        yield Caveat(
            "official_list_differs",
            Severity.WARNING,
            say("{n:n row|rows} of the official list of this week would not be made today", n=len(others)),
            say(
                "Settings, or data of the time before the week, have changed since: compare it with the table left_out"
            ),
        )
    held = tables["holdout"]
    shown = held[held["held"] > 0]
    if len(shown):
        best = shown.sort_values("per_year", ascending=False).iloc[0]
        yield Caveat("holdout_shows", Severity.NOTE, _shows(best))


def _shows(row: "pd.Series[Any]") -> Message:
    import pandas as pd

    program = str(row["rule"])
    if pd.isna(row["smallest_share"]):
        return say(
            "The holdouts show nothing within a year: {n:n account|accounts} a year on the largest list, "
            "{program:word}",
            n=row["per_year"],
            program=program,
        )
    return say(
        "Within a year the holdout of the largest list, {program:word}, shows no difference below {points:percent} "
        "({n:n account|accounts}), those of the others none below that",
        program=program,
        points=row["smallest_share"],
        n=row["per_year"],
    )


def actions(inputs: Inputs, made: Lists, config: Config) -> Iterator[Message]:
    """Yield what to do next.

    Args:
        inputs: Week of the list.
        made: The lists.
        config: Settings.
    """
    saves = made.listed[made.listed["rule"] == SAVE]
    if len(saves):
        # Whoever has no number, or wants no calls, is asked in another way.
        names = [
            say("{name} ({channel:word})", name=row["name"], channel=row["channel"]) for row in saves.to_dict("records")
        ]
        yield say("Reach {n:n detractor|detractors} by hand this week: {names:list}", n=len(saves), names=names)
    if len(made.listed) and not inputs.official:
        yield say(
            "Make the list official before the first contact, this one or the weekly list that serves it: "
            "csw release latest nps_outreach"
        )
    kept = made.left_out[made.left_out["rule"].eq(OFFER) & made.left_out["reason"].str.startswith("no offer")]
    if len(kept):
        yield say(
            "Talk to {n:n detractor who gets|detractors who get} no offer because of tier, renewal or negotiation",
            n=len(kept),
        )
    if made.listed.empty and UNANSWERED in config.lists:
        yield say("Nobody is contacted this week: see who was left out and why")
