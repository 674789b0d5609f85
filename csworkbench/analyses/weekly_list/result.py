"""The result of the weekly list: who is contacted, by whom and how, who is not, and what more time would bring."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.analyses.weekly_list import chatting, doubts, measured
from csworkbench.analyses.weekly_list.calendars import STEM
from csworkbench.analyses.weekly_list.evidence import Inputs
from csworkbench.analyses.weekly_list.listing import addresses, left_out, listed, states, struck
from csworkbench.analyses.weekly_list.planning import Plan, plan
from csworkbench.analyses.weekly_list.routes import HUMAN
from csworkbench.analyses.weekly_list.settings import Config
from csworkbench.estimates import Caveat, Estimate, Handout, Message, Release, say, worst_first
from csworkbench.formats import Readable
from csworkbench.policy import RELEASED, Reason

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Result(Readable):
    """The week.

    Tables, key columns first:

    * list, contact, for people, and what a release keeps: see `listing.KINDS`; send_from is UTC
    * struck, contact struck off the list since the week began: see `listing.STRUCK`; with the list the same all week
    * lists, CSM and channel: csm_id and csm ("" = nobody), channel, mode, contacts, minutes (of the CSM)
    * sources, analysis: analysis, proposals, listed, left_out
    * why, analysis and reason: analysis, reason, proposals; of everybody who is not listed
    * left_out, proposal that is not listed: see `listing.LEFT`; with the list they are all proposals
    * answers, channel, and chat, CSM and channel that stands in for another: see `chatting`
    * capacity, CSM; channels, channel; stages, stage of the plan; short, what must-do contacts lack: see `measured`
    * states, proposal of this week and of the official lists of the 8 weeks before: see `listing.states`
    * held_out, contact held out by lot: proposal_id, contact_id, account_id, program
    * holdout, automated program: see `measured.held_table`
    * rejected, row and system: see `features.ForeignIds`; only where the workspace says so (`export_ids`)
    * crm, contact, the list with e-mail address and phone; only where `addresses` of the settings says so

    Args:
        headline: How many are contacted, by people and by the system.
        figures: listed, left_out (proposals), used_minutes, free_minutes (of CSMs), gain (what the plan brings),
            best_hour (most that one more hour of a CSM would bring), gap (share of the bound).
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
        releases: The list, which `csw release` makes official once a week.
        handouts: Tables that are written as workbooks and for imports elsewhere too.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]
    releases: tuple[Release, ...] = ()
    handouts: tuple[Handout, ...] = ()


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return the list of the week, what was left out, and what an hour more would bring.

    Args:
        inputs: Proposals, people, calendars and the ground of the policy, from `prepare`.
        config: Settings.

    Raises:
        AnalysisError: a CSM or a channel has less than nothing to give.
    """
    made = plan(inputs, config)
    tables = _tables(inputs, made, config)
    found = doubts.caveats(inputs, made, tables, config.holdout.share)
    release = Release("list", f"lists/{STEM}-{inputs.week.first.isoformat()}", ("held_out",), is_once=True)
    return Result(
        headline=_headline(inputs, tables),
        figures=_figures(made, tables),
        tables=tables,
        caveats=worst_first(found),
        actions=tuple(doubts.actions(inputs, made, tables)),
        releases=(release,) if _is_offered(inputs, tables) else (),
        handouts=tuple(Handout(name, config.exports) for name in ("list", "crm") if name in tables),
    )


def _is_offered(inputs: Inputs, tables: "Mapping[str, pd.DataFrame]") -> bool:
    """Return whether there is a list to make official: the official list itself is, as long as it stands as it was."""
    is_official = any(each.first_day == inputs.week.first for each in inputs.official)
    return len(tables["list"]) > 0 and not (is_official and len(tables["struck"]))


def _headline(inputs: Inputs, tables: "Mapping[str, pd.DataFrame]") -> Message:
    rows, week = tables["list"], inputs.week.first
    if not len(rows) and not len(tables["left_out"]):
        return say("Nobody is proposed for the week of {week:date}.", week=week)
    human, out = rows[rows["mode"] == HUMAN], len(tables["left_out"])
    others = say("{n:n proposal is|proposals are} left out, with reasons", n=out)
    return say(
        "{n:n contact|contacts} in the week of {week:date}: {human:count} by {csms:n CSM|CSMs}, {system:count} by the "
        "system; {others}.",
        n=len(rows),
        week=week,
        human=len(human),
        csms=human["csm_id"].nunique(),
        system=len(rows) - len(human),
        others=others if out else say("no proposal is left out"),
    )


def _figures(made: Plan, tables: "Mapping[str, pd.DataFrame]") -> dict[str, Estimate]:
    rows, out, capacity = tables["list"], tables["left_out"], tables["capacity"]
    proposals, people = len(made.decided), len(capacity)
    bound, gain = tables["stages"]["bound"].sum(), tables["stages"].loc[tables["stages"]["bound"].notna(), "gain"].sum()
    best = capacity["more_per_hour"].max(skipna=True) if capacity["more_per_hour"].notna().any() else 0.0
    return {
        "listed": Estimate(len(rows), "contacts", proposals),
        "left_out": Estimate(len(out), "proposals", proposals),
        "used_minutes": Estimate(float(capacity["used"].sum()), "minutes", people),
        "free_minutes": Estimate(float(capacity["free"].sum()), "minutes", people),
        "gain": Estimate(float(tables["stages"]["gain"].sum()), made.unit, proposals),
        "best_hour": Estimate(float(best) if people else None, made.unit, people),
        "gap": Estimate(float(max(0.0, 1 - gain / bound)) if bound > 0 else None, "share", proposals),
    }


def _tables(inputs: Inputs, made: Plan, config: Config) -> "dict[str, pd.DataFrame]":
    off = struck(inputs, made)
    rows = listed(inputs, made, off)
    assert set(RELEASED) <= set(rows.columns)  # noqa: S101 - what a release needs, see `policy.RELEASED`
    out = left_out(made, rows, off)
    held = made.decided[made.decided["reason"] == Reason.HOLDOUT.value]
    found = {
        "list": rows,
        "struck": off,
        "lists": _lists(rows),
        "sources": _sources(inputs, rows, out),
        "why": _why(out),
        "left_out": out,
        "capacity": measured.capacity_table(inputs, made, rows),
        "channels": measured.channel_table(rows, config),
        "stages": measured.stage_table(made),
        "short": measured.short_table(made, rows),
        "states": states(inputs, rows, off),
        "held_out": held[["proposal_id", "contact_id", "account_id", "program"]].reset_index(drop=True),
        "holdout": measured.held_table(inputs, made, config),
    }
    found |= {"answers": chatting.answer_table(inputs, config)}
    found |= {"chat": chatting.chat_table(config, found)}
    found |= {"crm": addresses(inputs, rows)} if config.addresses else {}
    if inputs.foreign.sources:
        found |= {name: inputs.foreign.beside(found[name]) for name in ("list", "crm") if name in found}
        found["rejected"] = inputs.foreign.rejected(rows)
    return found


def _lists(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Return the list of each CSM and channel, those by hand first."""
    is_human = rows["mode"] == HUMAN
    named = rows.assign(**{name: rows[name].fillna("").where(is_human, "") for name in ("csm_id", "csm")})
    by = ["csm_id", "csm", "channel", "mode"]
    groups = named.groupby(by, sort=True)["minutes"].agg(["size", "sum"]).reset_index()
    told = groups.rename(columns={"size": "contacts", "sum": "minutes"})
    order = told.sort_values(["mode", "csm_id", "channel"], ascending=[False, True, True], ignore_index=True)
    return order[[*by, "contacts", "minutes"]]


def _sources(inputs: Inputs, rows: "pd.DataFrame", out: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    table = [
        (name, count, int((rows["analysis"] == name).sum()), int((out["analysis"] == name).sum()))
        for name, count in inputs.sources.items()
    ]
    return pd.DataFrame(table, columns=["analysis", "proposals", "listed", "left_out"]).astype({"analysis": "str"})


def _why(out: "pd.DataFrame") -> "pd.DataFrame":
    counts = out.groupby(["analysis", "reason"], sort=True).size().rename("proposals").reset_index()
    return counts.sort_values(["analysis", "proposals", "reason"], ascending=[True, False, True], ignore_index=True)
