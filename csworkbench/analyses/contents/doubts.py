"""What to know before acting on the contents page."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from csworkbench.analyses.contents.crediting import SHARES, TWICE
from csworkbench.analyses.contents.evidence import Inputs
from csworkbench.analyses.contents.funnel import UNKNOWN
from csworkbench.analyses.contents.leading import unasked
from csworkbench.analyses.contents.settings import Config
from csworkbench.analyses.contents.staying import ends_of, first_day
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.features.refused import about_absent, about_refused

if TYPE_CHECKING:
    import pandas as pd


def doubts(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    """Yield the caveats, in no particular order.

    Args:
        inputs: What was read.
        config: Settings.
        tables: Tables of the result.
    """
    yield from _about_sources(inputs)
    yield from _about_library(inputs, tables)
    yield from _about_outcomes(inputs)
    yield from _about_leads(inputs, config, tables)
    yield from _about_credit(inputs, tables)
    yield from _about_lists(inputs, config)
    yield from _about_people(inputs, config)


def _about_sources(inputs: Inputs) -> Iterator[Caveat]:
    is_much = bool({"touches", "leads", "contacts"} & {*inputs.absent})
    yield from about_absent(inputs.absent, Severity.WARNING if is_much else Severity.NOTE)
    yield from about_refused(inputs.refused)


def _about_library(inputs: Inputs, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    faults = tables["faults"]
    if len(faults):
        first = faults.iloc[0]
        yield Caveat(
            "contents_faulty",
            Severity.WARNING,
            say(
                "{n:n content is|contents are} not fit to be sent, such as {content}: {field} {fault}",
                n=int(faults["content_id"].nunique()),
                content=str(first["content_id"]),
                field=str(first["field"]),
                fault=str(first["fault"]),
            ),
            say("Complete them in the library; the file faults names each field"),
        )
    unknown = sorted({*inputs.sends["content_id"]} - {*inputs.library["content_id"]})
    if unknown and "contents" not in inputs.absent:
        yield Caveat(
            "contents_unknown",
            Severity.WARNING,
            say(
                "{n:n content was|contents were} sent without being in the library: {names:list}",
                n=len(unknown),
                names=unknown,
            ),
            say("Add them to contents, or correct the id of the touches"),
        )
    if len(inputs.outside):
        worst = inputs.outside.sort_values("touches", ascending=False).iloc[0]
        yield Caveat(
            "sent_outside_role",
            Severity.WARNING,
            say(
                "{n:n message was|messages were} sent by people whose role may not see the content, such as {content} "
                "by {role:word}",
                n=int(inputs.outside["touches"].sum()),
                content=str(worst["content_id"]),
                role=str(worst["role"]),
            ),
            say("Correct the roles of the content, or who may send it"),
        )


def _about_outcomes(inputs: Inputs) -> Iterator[Caveat]:
    if inputs.sends.empty:
        return
    yield Caveat(
        "not_by_lot",
        Severity.NOTE,
        say(
            "Who got which content was not drawn by lot: a difference between two contents may be one between their "
            "readers"
        ),
        say("Test two of them against each other: email_design plans it"),
    )
    silent = sorted(channel for channel in set(inputs.sends["channel"]) if not _reads(inputs, channel))
    if silent:
        yield Caveat(
            "channels_silent",
            Severity.NOTE,
            say(
                "Nobody records opens or clicks of {channels:words}: there nobody can tell",
                channels=silent,
            ),
        )
    came, machine, unknown = (inputs.sends[name].sum() for name in ("delivered", "opened_machine", "opened_unknown"))
    if came and (machine + unknown) / came > 0.1:
        yield Caveat(
            "opens_of_machines",
            Severity.NOTE,
            say(
                "{machine:share} of the delivered messages were opened by machines alone, {unknown:share} by nobody "
                "knows whom: opens of people are a lower bound, so compare clicks",
                machine=float(machine / came),
                unknown=float(unknown / came),
            ),
        )


def _reads(inputs: Inputs, channel: str) -> bool:
    return bool({"open", "click"} & inputs.measured.get(channel, frozenset()))


def _about_leads(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    leads = inputs.leads
    if leads.empty:
        return
    stages = tables["stages"]
    unknown = stages[stages["stage"] == UNKNOWN]
    if len(unknown):
        known = {status for stage in config.stages for status in stage.statuses}
        named = sorted({str(each) for each in leads["status"].fillna("(blank)")} - known)
        yield Caveat(
            "status_unknown",
            Severity.WARNING,
            say(
                "{n:n lead has|leads have} a status no stage has: {names:list}",
                n=int(unknown["leads"].iloc[0]),
                names=named,
            ),
            say("Add the status to a stage in the settings, or correct it at the source"),
        )
    owners = set(leads["owner"].dropna())
    if owners and not owners & inputs.people:
        yield Caveat(
            "owners_unchecked",
            Severity.NOTE,
            say(
                "None of the {n:count} owners of leads is in csms or under people: whether they are who they should "
                "be, nobody can tell",
                n=len(owners),
            ),
            say("Name them under people in the settings"),
        )
    elif owners - inputs.people:
        yield Caveat(
            "owner_unknown",
            Severity.WARNING,
            say(
                "{n:n lead belongs|leads belong} to somebody who is neither in csms nor under people: {names:list}",
                n=int((leads["owner"].notna() & ~leads["owner"].isin(inputs.people)).sum()),
                names=sorted(owners - inputs.people),
            ),
            say("Correct the owner, or name them under people in the settings"),
        )
    if tables["roi"].empty:
        yield Caveat(
            "costs_absent",
            Severity.NOTE,
            say("No settled lead has a cost, so nothing is said of what leads bring for what they cost"),
            say("Record leads.cost"),
        )


def _about_credit(inputs: Inputs, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    left, credited = tables["uncredited"], tables["ledger"]
    off, twice = (sorted(set(left.loc[left["why"] == why, "order_id"])) for why in (SHARES, TWICE))
    if off:
        yield Caveat(
            "shares_off",
            Severity.WARNING,
            say("{n:n order has|orders have} shares of the credit that do not add up to 1: {names:list}",
                n=len(off), names=off),
            say("Correct them in lead_events; until then nobody is credited"),
        )  # fmt: skip
    if twice:
        yield Caveat(
            "order_twice",
            Severity.WARNING,
            say("{n:n order is|orders are} recorded for several leads, or several times: {names:list}",
                n=len(twice), names=twice),
            say("Correct them in lead_events; until then nobody is credited"),
        )  # fmt: skip
    away = credited[~credited["is_known"].astype(bool)]
    if len(away) and inputs.people & set(credited["person"]):
        yield Caveat(
            "credit_unknown",
            Severity.WARNING,
            say(
                "{n:n order is|orders are} credited to somebody who is neither in csms nor under people: {names:list}",
                n=int(away["order_id"].nunique()),
                names=sorted(set(away["person"])),
            ),
            say("Correct the name, or add it under people in the settings"),
        )
    owners = inputs.leads.set_index("lead_id")["owner"]
    elsewhere = credited[credited["lead_id"].map(owners).fillna(credited["person"]) != credited["person"]]
    if len(elsewhere):
        yield Caveat(
            "credit_elsewhere",
            Severity.NOTE,
            say(
                "{n:n lead is|leads are} credited to others than the owner, such as {lead}: nobody but the team can "
                "tell whether that is right",
                n=int(elsewhere["lead_id"].nunique()),
                lead=str(elsewhere["lead_id"].iloc[0]),
            ),
        )
    bare = int((credited["order_id"] == credited["lead_id"]).sum())
    if bare:
        yield Caveat(
            "orders_absent",
            Severity.NOTE,
            say(
                "For {n:n won lead|won leads} no order is recorded: the amount of the lead counts as its order",
                n=bare,
            ),
            say("Record orders and credit in lead_events"),
        )


def _about_lists(inputs: Inputs, config: Config) -> Iterator[Caveat]:
    rules = unasked(config, inputs.absent) if len(inputs.leads) else ()
    if rules:
        yield Caveat(
            "recall_unasked",
            Severity.NOTE,
            say(
                "Nobody records follow-ups of leads, so these rules take nothing back: {names:words}",
                names=rules,
            ),
            say("Record follow-ups in lead_events"),
        )
    for name, table in sorted(inputs.skipped.items()):
        yield Caveat(
            "list_skipped",
            Severity.WARNING,
            say(
                "The list {name:word} cannot be made: it needs {table}, which is not there",
                name=name,
                table=table,
            ),
            say("Add the table in the workspace, or take the list out of the settings"),
        )


def _about_people(inputs: Inputs, config: Config) -> Iterator[Caveat]:
    """Yield what deletions that nobody recorded would hide: a period without any looks as if people stayed."""
    import pandas as pd

    rows = inputs.contacts
    begun = first_day(inputs, config)
    if rows.empty or rows["added_on"].min() >= begun:
        return
    gone = rows[rows["is_deleted"]]
    first = ends_of(gone).min()
    if gone.empty:
        yield Caveat(
            "deletions_unrecorded",
            Severity.NOTE,
            say("No contact is recorded as deleted: if nobody records it, the page cannot tell who stays"),
            say("Ask whether deletions are recorded at all"),
        )
    elif first > begun:
        yield Caveat(
            "deletions_unrecorded",
            Severity.NOTE,
            say(
                "The first deletion on record is of {day}, within the period: if nobody recorded any before, fewer "
                "contacts stay than the page says",
                day=first.date(),
            ),
            say("Set window_days to {n} if so", n=(pd.Timestamp(inputs.as_of) - first).days + 1),
        )
