"""What to know before accounts change hands."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from csworkbench.analyses.reassignment.evidence import NO_CAPACITY, Inputs
from csworkbench.analyses.reassignment.explaining import Shortage
from csworkbench.analyses.reassignment.losses import ALL, Harm, Watched
from csworkbench.analyses.reassignment.moving import LEAVER, Plan
from csworkbench.analyses.reassignment.settings import Config
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.features.listed import about_two_csms

if TYPE_CHECKING:
    import pandas as pd

MOST_NAMED, NEAR = 5, 0.005


def doubts(
    inputs: Inputs, config: Config, made: Plan, found: tuple[Shortage, Watched], tables: "Mapping[str, pd.DataFrame]"
) -> Iterator[Caveat]:
    """Yield the caveats, in no particular order.

    Args:
        inputs: Accounts and people.
        config: Settings.
        made: The plan.
        found: What does not fit, and losses after transfers.
        tables: Tables of the result.
    """
    short, watched = found
    yield from _about_room(config, short)
    yield from _about_units(made, tables)
    yield from _about_people(inputs, tables)
    yield from _about_leavers(inputs, config)
    yield from _about_accounts(inputs, config)
    yield from _about_messages(tables["moves"])
    yield from _about_losses(config, watched)


def _about_room(config: Config, short: Shortage) -> Iterator[Caveat]:
    if not short.excess:
        return
    for row in short.table.to_dict("records"):
        yield Caveat(
            "no_room",
            Severity.WARNING,
            say(
                "It does not fit: {n:n account|accounts} that only {csms} may have (languages: {languages}) need "
                "{needed:count} minutes a week, and at a load of {load:share} there are {room:count}: {lacking:count} "
                "are lacking",
                n=int(row["accounts"]),
                csms=str(row["people"]),
                languages=str(row["languages"]) or "-",
                needed=round(float(row["needed"])),
                load=config.max_load,
                room=round(float(row["room"])),
                lacking=round(float(row["lacking"])),
            ),
            say("Hire or borrow somebody for these languages, or let others take them"),
        )
    if short.table.empty:
        yield Caveat(
            "no_room_whole",
            Severity.WARNING,
            say(
                "{excess:count} minutes a week are above the room: there is enough in all, but no whole account fits "
                "into what is left of each",
                excess=round(short.excess),
            ),
            say("Raise max_load a little, or let accounts of one parent go apart"),
        )
    if short.max_load is not None:
        yield Caveat(
            "fits_from",
            Severity.NOTE,
            say(
                "There would be room from a max_load of {load:share} on, if accounts could be split; now it is "
                "{now:share}",
                load=short.max_load,
                now=config.max_load,
            ),
        )


def _about_units(made: Plan, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    for why, rows in tables["unplaced"].groupby("why", sort=True):
        yield Caveat(
            "unplaced",
            Severity.WARNING,
            say(
                "{n:n account is|accounts are} left without a CSM, because {why}: {names:list}",
                n=len(rows),
                why=str(why),
                names=list(rows["name"].head(MOST_NAMED)),
            ),
            say("Let somebody take them: not_taking, leads_take, roles, or language_rule"),
        )
    if made.given.gap > NEAR:
        yield Caveat(
            "not_proven_best",
            Severity.NOTE,
            say(
                "A better plan could be even by {gap:share} more at most; the search stopped there", gap=made.given.gap
            ),
        )
    split = made.rows[made.rows["new"].notna()].groupby("unit")["new"].nunique()
    if int((split > 1).sum()):
        yield Caveat(
            "parents_apart",
            Severity.NOTE,
            say(
                "{n:n parent has|parents have} accounts with several CSMs, and none of them has to move: they stay so",
                n=int((split > 1).sum()),
            ),
            say("may_move: all lets them come together"),
        )


def _about_people(inputs: Inputs, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    people = inputs.people
    bare = people[(people["why_not"] == NO_CAPACITY)]
    if len(bare):
        held = tables["load"].set_index("csm_id")["accounts_before"].reindex(bare.index).fillna(0)
        yield Caveat(
            "no_capacity",
            Severity.WARNING,
            say(
                "No capacity is given for {names:list}: nobody can tell their load, so they take no accounts, and the "
                "{held:count} they have stay where they are",
                names=list(bare["name"]),
                held=int(held.sum()),
            ),
            say("Fill capacity_minutes_week of csms"),
        )


def _about_leavers(inputs: Inputs, config: Config) -> Iterator[Caveat]:
    import pandas as pd

    names, transfers = inputs.people["name"], inputs.transfers
    for csm in sorted(set(config.leaving) - set(inputs.accounts["csm_id"].dropna())):
        is_late = (transfers["reason"] == LEAVER) | (transfers["moved_on"] >= pd.Timestamp(config.leaving[csm]))
        given = transfers[(transfers["old"] == csm) & is_late]
        if given.empty:
            told = say("{who} is named under leaving and has no accounts", who=names[csm])
        else:
            told = say(
                "{who} is named under leaving and has no accounts any more: since {day:date} {n:n account|accounts} "
                "went to {people:list}",
                who=names[csm],
                day=given["moved_on"].min().date(),
                n=len(given),
                people=sorted(names.reindex(given["new"].unique()).dropna()),
            )
        day = config.leaving[csm] - timedelta(days=1)
        again = say("See how they are given out: run with --as-of {day}", day=day.isoformat()) if len(given) else None
        yield Caveat("leaver_without_accounts", Severity.NOTE, told, again)


def _about_accounts(inputs: Inputs, config: Config) -> Iterator[Caveat]:
    accounts = inputs.accounts
    yield from about_two_csms(inputs.doubles)
    unknown = accounts["csm_id"].notna() & ~accounts["csm_id"].isin({*inputs.people.index, *config.leaving})
    if unknown.any():
        yield Caveat(
            "csm_unknown",
            Severity.WARNING,
            say(
                "{n:n account has a CSM who is|accounts have CSMs who are} not in csms ({who:list}): nobody moves them",
                n=int(unknown.sum()),
                who=sorted(accounts.loc[unknown, "csm_id"].unique()),
            ),
            say("Add them to csms, or name them under leaving"),
        )
    uncounted = sorted(
        accounts.loc[accounts["arr"].isna() & (accounts["currency"] != inputs.currency), "currency"].unique()
    )
    if uncounted and config.arr_weight:
        yield Caveat(
            "currency_uncounted",
            Severity.WARNING,
            say(
                "ARR in {currencies:list} does not count for the balance: no rate to {own} is given",
                currencies=uncounted,
                own=inputs.currency,
            ),
            say("Write them under rates"),
        )
    mute = int(accounts["language"].isna().sum())
    if mute and config.language_rule == "required":
        yield Caveat(
            "language_unknown",
            Severity.NOTE,
            say("{n:n account says|accounts say} no language: anybody may take them", n=mute),
        )


def _about_messages(moves: "pd.DataFrame") -> Iterator[Caveat]:
    silent = moves[moves["message"] == ""]
    if len(silent):
        yield Caveat(
            "no_message",
            Severity.NOTE,
            say(
                "No text is written for {groups:list}: {n:n account|accounts} would hear nothing",
                groups=sorted(silent["message_group"].unique()),
                n=len(silent),
            ),
            say("Write it under messages"),
        )


def _about_losses(config: Config, watched: Watched) -> Iterator[Caveat]:
    table = watched.table.set_index("reason")
    if ALL not in table.index:
        yield Caveat(
            "losses_unknown",
            Severity.NOTE,
            say(
                "Nobody can tell what transfers cost: none lies {days:count} days back with comparable accounts",
                days=config.monitor.horizon_days,
            ),
        )
        return
    worse = [str(reason) for reason in table.index[table["verdict"] == Harm.MORE.value] if reason != ALL]
    if worse:
        yield Caveat(
            "more_lost",
            Severity.WARNING,
            say(
                "After transfers for {reasons:words} more accounts are lost than elsewhere",
                reasons=worse,
            ),
            say("Ask these accounts before the next transfer; the table losses says how many more"),
        )
    chosen = [reason for reason in ("low_engagement", "complaint") if reason in table.index]
    if chosen:
        yield Caveat(
            "chosen_for_trouble",
            Severity.NOTE,
            say(
                "Accounts moved for {reasons:words} were in trouble before: what is lost of them is not the transfer's "
                "doing alone",
                reasons=chosen,
            ),
        )
