"""What to know before acting on the matrix."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from csworkbench.analyses.touch_matrix.channels import LEAST_ATTEMPTS
from csworkbench.analyses.touch_matrix.evidence import Inputs
from csworkbench.analyses.touch_matrix.settings import Config
from csworkbench.analyses.touch_matrix.standing import undefined_cells
from csworkbench.estimates import Caveat, Severity, say

if TYPE_CHECKING:
    import pandas as pd

PAIR = ("first", "second", "times")


def doubts(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]") -> tuple[Caveat, ...]:
    """Return the caveats of the matrix, in no particular order.

    Args:
        inputs: Touches and accounts.
        config: Settings.
        tables: Tables of the result.
    """
    return (
        *_about_definitions(inputs, config, tables),
        *_about_reach(inputs, tables["reach"]),
        *_about_routes(tables["routes"]),
        *_about_families(tables["families"]),
        *_about_channels(tables["channel_cells"]),
        *_about_mail(tables["mail_reach"]),
        *_about_leading(inputs, config, tables["overlaps"]),
        *_about_resending(inputs),
        *_about_nameless(inputs),
        *about_loads(tables["csm_load"]),
        *_about_figures(inputs),
        *_about_warm_ups(inputs),
    )


def _about_definitions(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    cells = undefined_cells(tables["coverage"])
    if len(cells):
        yield Caveat(
            "cells_undefined",
            Severity.WARNING,
            say(
                "For {cells:n cell|cells} of tier and stage nobody has said what the system or the CSM does: "
                "{n:n account has|accounts have} nothing defined",
                cells=len(cells),
                n=int(cells.sum()),
            ),
            say("Add actions to the matrix, or name the stage under quiet_stages"),
        )
    tiers = set(inputs.accounts["tier"])
    named = {*config.routes, *(tier for action in config.matrix for tier in action.tiers)}
    if named - tiers:
        yield Caveat(
            "tiers_empty",
            Severity.NOTE,
            say("No account is of tier {tiers:words}, which the settings name", tiers=sorted(named - tiers)),
            say("Check how segments names the tiers"),
        )


def _about_reach(inputs: Inputs, reach: "pd.DataFrame") -> Iterator[Caveat]:
    if not inputs.has_events:
        yield Caveat(
            "reach_unknown",
            Severity.WARNING,
            say("Nothing is recorded of what came of touches, so nobody can tell which channel reaches people"),
            say("Add touch_events under tables in the workspace"),
        )
        return
    untold = reach[reach["reach"].isna()]
    if len(untold):
        yield Caveat(
            "steps_untold",
            Severity.WARNING,
            say(
                "{n:n step|steps} of the routes cannot be told: fewer than {least:count} touches were sent at that "
                "place, after the steps before had reached nobody ({steps:list})",
                n=len(untold),
                least=LEAST_ATTEMPTS,
                steps=[
                    say("{tier:word}: {channel:word}", tier=row["tier"], channel=row["channel"])
                    for row in untold.to_dict("records")
                ],
            ),
            say("Try the routes in their order, and record every attempt"),
        )
    if len(reach):
        yield Caveat(
            "reach_describes",
            Severity.NOTE,
            say(
                "Reach is that of the people who were tried on a channel at a place, whom CSMs chose: it describes the "
                "routes as they were used, and promises nothing for others"
            ),
        )


def _about_families(families: "pd.DataFrame") -> Iterator[Caveat]:
    alone = families[families["is_automated"]]
    if len(alone):
        yield Caveat(
            "nothing_by_hand",
            Severity.WARNING,
            say(
                "{names:list}: the system does all of it ({n:n touch|touches}), and nothing by people completes it",
                names=list(alone["family"]),
                n=int(alone["touches"].sum()),
            ),
            say("Say what a person does beside it: an action of the CSM for that family"),
        )


def _about_channels(cells: "pd.DataFrame") -> Iterator[Caveat]:
    weak = cells[cells["is_weak"]]
    if len(weak):
        worst = weak.sort_values(["attempted", "industry", "tier"], ascending=[False, True, True]).iloc[0]
        yield Caveat(
            "wrong_channel",
            Severity.NOTE,
            say(
                "{n:n cell|cells} of industry, tier and channel reach fewer people than another channel does there; "
                "most was sent by {channel:word} to {industry:word}, {tier:word}: {reach:share} reached of "
                "{sent:n touch|touches} at {accounts:n account|accounts}",
                n=len(weak),
                channel=worst["channel"],
                industry=worst["industry"],
                tier=worst["tier"],
                reach=float(worst["reach"]),
                sent=int(worst["attempted"]),
                accounts=int(worst["accounts"]),
            ),
            say("See the file channel_cells; of many cells a few differ by chance"),
        )


def _about_mail(mail: "pd.DataFrame") -> Iterator[Caveat]:
    every = mail[mail["tier"] == "all"]
    if mail.empty:
        yield Caveat(
            "mail_reach_unknown",
            Severity.NOTE,
            say("Nobody can tell whom e-mail can reach: addresses, consents or suppressions are not there"),
            say("Add contact_pii, consents and suppressions"),
        )
    elif (every["covered"] < every["accounts"]).all():
        row = every.iloc[0]
        yield Caveat(
            "no_mail_reach",
            Severity.NOTE,
            say(
                "{n:n account has|accounts have} no contact whom a service mail may reach, of {all:count} with "
                "contacts; {with_address:count} of {contacts:count} contacts have an address",
                n=int(row["accounts"] - row["covered"]),
                all=int(row["accounts"]),
                with_address=int(row["with_address"]),
                contacts=int(row["contacts"]),
            ),
            say("Ask for addresses and consents first where the route begins with email; see the file mail_reach"),
        )


def _about_routes(routes: "pd.DataFrame") -> Iterator[Caveat]:
    lost = routes[~routes["has_route"]]
    if len(lost):
        yield Caveat(
            "no_route",
            Severity.WARNING,
            say(
                "No route is declared for {n:n account|accounts} of {total:count} ({tiers:list}), so nobody can tell "
                "them how they are reached",
                n=len(lost),
                total=len(routes),
                tiers=[
                    say("{tier:word}: {n:count}", tier=tier, n=count)
                    for tier, count in lost["tier"].value_counts(sort=False).sort_index().items()
                ],
            ),
            say("Declare one under routes; the file routes names the accounts"),
        )


def _about_leading(inputs: Inputs, config: Config, overlaps: "pd.DataFrame") -> Iterator[Caveat]:
    if len(overlaps):
        yield Caveat(
            "two_lead",
            Severity.NOTE,
            say(
                "{n:n contact|contacts} of {accounts:n account|accounts} got touches of two initiators within "
                "{days:n day|days}: {pairs:list}",
                n=inputs.overlaps["contact_id"].nunique(),
                accounts=inputs.overlaps["account_id"].nunique(),
                days=config.overlap_days,
                pairs=[
                    say("{second:word} after {first:word}: {times:count}", **{name: row[name] for name in PAIR})
                    for row in overlaps[list(PAIR)].to_dict("records")
                ],
            ),
            say("Agree who leads; the file overlap_contacts names the contacts"),
        )


def _about_resending(inputs: Inputs) -> Iterator[Caveat]:
    if inputs.again.ground is None and len(inputs.again.messages):
        yield Caveat(
            "resend_refused",
            Severity.WARNING,
            say(
                "{n:n important message|important messages} without a reaction may not be sent again, because nobody "
                "can tell who allows it: {why}",
                n=len(inputs.again.messages),
                why=inputs.again.refusal,
            ),
            say("Deliver consents and suppressions, whole"),
        )


def _about_nameless(inputs: Inputs) -> Iterator[Caveat]:
    nameless = inputs.again.messages["contact_id"].isna()
    if nameless.any():
        yield Caveat(
            "resend_nameless",
            Severity.WARNING,
            say(
                "{n:n important message|important messages} of {all:count} that nobody reacted to cannot be sent "
                "again: no contact is recorded",
                n=int(nameless.sum()),
                all=len(nameless),
            ),
            say("Record contact_id of touches; the file resend_left_out names the accounts"),
        )


def about_loads(loads: "pd.DataFrame") -> Iterator[Caveat]:
    """Yield the doubts beside the load of CSMs.

    Args:
        loads: From `loading.csm_load_table`.
    """
    over = loads[loads["csm_id"].notna() & (loads["load_low"] > 1)]
    if len(over):
        yield Caveat(
            "overloaded",
            Severity.WARNING,
            say(
                "{who:list}: the recorded minutes alone exceed capacity, with the whole interval",
                who=list(over["csm"]),
            ),
            say("Move accounts, or hand to the system what repeats; see the file csm_load"),
        )
    unknown = int(loads.loc[loads["capacity"].isna(), "people"].sum())
    if unknown:
        yield Caveat(
            "load_unknown",
            Severity.NOTE,
            say("The capacity of {n:n CSM|CSMs} is not known, so their load is not either", n=unknown),
            say("Give capacity_minutes_week in csms"),
        )
    if len(loads) > unknown:
        yield Caveat(
            "load_recorded",
            Severity.NOTE,
            say(
                "The load counts minutes that touches record and tasks at the minutes of the settings: whoever records "
                "less looks less busy, so a low load is no spare time"
            ),
        )


def _about_figures(inputs: Inputs) -> Iterator[Caveat]:
    if inputs.absent:
        yield Caveat(
            "figures_absent",
            Severity.NOTE,
            say(
                "{names:list} cannot be told, because {tables:list} are not there",
                names=list(inputs.absent),
                tables=sorted(set(inputs.absent.values())),
            ),
            say("Add the tables under tables in the workspace"),
        )
    pools = inputs.loads[inputs.loads["is_pool"]]
    if len(pools):
        yield Caveat(
            "pools_apart",
            Severity.NOTE,
            say(
                "Accounts per CSM leaves out {accounts:n account|accounts} that {n:n person looks|people look} after "
                "as a pool, on an average day",
                n=pools["csm_id"].nunique(),
                accounts=round(float(pools["share"].sum())),
            ),
        )


def _about_warm_ups(inputs: Inputs) -> Iterator[Caveat]:
    if bool(inputs.warm["is_warmed"].any()):
        yield Caveat(
            "warm_ups_chosen",
            Severity.NOTE,
            say(
                "Who gets a message before a touch is chosen and not drawn by lot, so what sets the two apart need not "
                "be the message"
            ),
            say("Draw by lot who gets one: email_design plans such a test"),
        )
    else:
        yield Caveat(
            "no_warm_up",
            Severity.NOTE,
            say(
                "No message of the system is recorded as preparing a touch by a person, so warming up cannot be judged"
            ),
            say("Record linked_touch_id of touches"),
        )
