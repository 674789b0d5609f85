"""What to know before acting on triggers."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from csworkbench.analyses.triggers import worth
from csworkbench.analyses.triggers.evidence import Inputs
from csworkbench.analyses.triggers.kinds import Behaviour, ContactReplaced, OpenTicket, SignUp
from csworkbench.analyses.triggers.settings import Config
from csworkbench.estimates import Caveat, Severity, say
from csworkbench.features.listed import about_two_csms
from csworkbench.formats import in_unit

if TYPE_CHECKING:
    import pandas as pd


def doubts(inputs: Inputs, config: Config, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    """Yield the caveats of the triggers, in no particular order.

    Args:
        inputs: What is missing or contradicts itself.
        config: Settings.
        tables: Tables of the result.
    """
    yield from _about_sources(inputs)
    yield from _about_records(inputs)
    yield from _about_judging(inputs, config)
    yield from _about_worth(config, tables["worth"])
    yield from _about_hindsight(tables["thresholds"])
    yield from _about_load(inputs, tables)
    yield from _about_calls(inputs, config, tables["welcome"])


def _about_sources(inputs: Inputs) -> Iterator[Caveat]:
    if inputs.left_out:
        yield Caveat(
            "triggers_left_out",
            Severity.NOTE,
            say(
                "{n:n trigger is|triggers are} left out: {reasons}",
                n=len(inputs.left_out),
                reasons="; ".join(f"{name} {why}" for name, why in inputs.left_out.items()),
            ),
            say("Add the tables or columns to the workspace, or take the triggers out of the settings"),
        )
    if inputs.columns_of_today:
        yield Caveat(
            "values_of_today",
            Severity.NOTE,
            say(
                "Nobody recorded what {columns:list} were in the past: earlier alerts are looked up with today's value",
                columns=list(inputs.columns_of_today),
            ),
            say("They are recorded from now on: each run archives them"),
        )


def _about_records(inputs: Inputs) -> Iterator[Caveat]:
    if inputs.impossible:
        yield Caveat(
            "impossible_days",
            Severity.WARNING,
            say(
                "{n:n row ends|rows end} before the day it began, in {tables:list}; alerts on such rows are not made",
                n=sum(inputs.impossible.values()),
                tables=[f"{name} ({count})" for name, count in inputs.impossible.items()],
            ),
            say("Correct the days in the source"),
        )
    yield from about_two_csms(inputs.doubled)


def _about_judging(inputs: Inputs, config: Config) -> Iterator[Caveat]:
    if inputs.panel.tells_losses:
        yield Caveat(
            "losses_unknown",
            Severity.WARNING,
            say("Nobody can tell which alerts a loss followed: {why}", why=inputs.panel.tells_losses),
            say("Add churned_at to accounts"),
        )
        return
    if inputs.touches is None:
        yield Caveat(
            "acting_unknown",
            Severity.WARNING,
            say(
                "Nobody records which touches people make, so every alert is judged as if nobody had acted: where "
                "somebody did and the account stayed, the trigger looks worse than it is"
            ),
            say("Add touches with a column mode to the workspace"),
        )
    else:
        yield Caveat(
            "acting_selects",
            Severity.NOTE,
            say(
                "Only alerts after which nobody was in touch for {days:n day|days} are judged; who is left alone is "
                "seldom a large account, so the figures are those of the accounts left alone",
                days=config.acted_days,
            ),
        )


def _about_worth(config: Config, table: "pd.DataFrame") -> Iterator[Caveat]:
    useless = table[table["is_on"] & table["verdict"].isin([worth.USELESS])]
    if len(useless):
        yield Caveat(
            "useless_on",
            Severity.WARNING,
            say(
                "Switched on and useless: {names:list}; a loss does not follow {lift:number} times as often as at any "
                "account",
                names=list(useless["trigger"]),
                lift=config.useful_lift,
            ),
            say("Switch it off, or move its threshold"),
        )
    unknown = table[table["is_on"] & table["verdict"].isin([worth.TOO_FEW, worth.NOT_TOLD, worth.NOT_SHOWN])]
    if len(unknown):
        yield Caveat(
            "worth_unknown",
            Severity.NOTE,
            say(
                "Switched on, though nobody can tell yet what it is worth: {names:words}",
                names=list(unknown["trigger"]),
            ),
            say("Look again when more alerts have passed; until then it stands on judgement"),
        )


def _about_hindsight(table: "pd.DataFrame") -> Iterator[Caveat]:
    own = table[table["is_confirmed"] & table["proposed"].notna() & (table["threshold"] != table["proposed"])]
    if len(own):
        yield Caveat(
            "hindsight",
            Severity.NOTE,
            say(
                "The thresholds of {names:words} are the team's own: whoever set them may have known the weeks they "
                "are judged on, so that they look better than they will do",
                names=list(own["trigger"]),
            ),
            say("Look again after some months, or take what is proposed, which those weeks had no part in"),
        )


def _about_load(inputs: Inputs, tables: "Mapping[str, pd.DataFrame]") -> Iterator[Caveat]:
    over = tables["load"][tables["load"]["weeks_over_cap"] > 0]
    over = over[over["csm_id"] != "nobody"]
    if len(over):
        yield Caveat(
            "over_cap",
            Severity.WARNING,
            say(
                "{n:n CSM|CSMs} would have had more than {cap:count} alerts in some weeks; the weekly list would have "
                "held back {held:count}",
                n=len(over),
                cap=inputs.cap,
                held=int(over["over_cap"].sum()),
            ),
            say("Switch off the triggers with the lowest worth, or raise notices_per_csm"),
        )
    alone = tables["complements"][~tables["complements"]["is_complete"]]
    if len(alone):
        yield Caveat(
            "no_complement",
            Severity.WARNING,
            say(
                "Nothing is done by hand beside what the system does for {families:list}",
                families=list(alone["family"]),
            ),
            say("Give each automated family a trigger that people act on"),
        )


def _about_calls(inputs: Inputs, config: Config, welcome: "pd.DataFrame") -> Iterator[Caveat]:
    calls = [each for name, each in config.triggers.items() if isinstance(each, SignUp) and name not in inputs.left_out]
    if calls:
        yield Caveat(
            "gain_is_opinion",
            Severity.NOTE,
            say(
                "The break-even of welcome calls, {money} a month, rests on the opinion that a call keeps "
                "{gain:share} more accounts",
                money=in_unit(calls[0].break_even, inputs.currency),
                gain=calls[0].retention_gain,
            ),
            say("Test it: a holdout of the weekly list measures it"),
        )
    if calls and inputs.unknown_currencies:
        yield Caveat(
            "currency_unknown",
            Severity.NOTE,
            say(
                "Revenue in {currencies:list} has no rate in {home}: such accounts are taken at the mean of their tier",
                currencies=list(inputs.unknown_currencies),
                home=inputs.currency,
            ),
            say("Set currency_rates"),
        )
    if calls and len(welcome) and welcome["has_phone"].isna().all():
        yield Caveat(
            "phones_unknown",
            Severity.NOTE,
            say("Nobody records phone numbers, so nobody new can be called"),
            say("Add contacts and contact_pii to the workspace, or in_app to the ways of the trigger"),
        )


def unconfirmed(config: Config, inputs: Inputs) -> list[str]:
    """Return the triggers whose threshold is only proposed.

    Args:
        config: The triggers.
        inputs: What is left out.
    """
    return [
        name
        for name, each in config.triggers.items()
        if isinstance(each, Behaviour | OpenTicket) and not each.confirmed and name not in inputs.left_out
    ]


def unfilled(tables: "Mapping[str, pd.DataFrame]", config: Config) -> int:
    """Return how many contacts left whom nobody has followed.

    Args:
        tables: Tables of the result.
        config: The triggers.
    """
    rows = tables["alerts"]
    is_replaced = [isinstance(config.triggers[name], ContactReplaced) for name in rows["trigger"]]
    return int(rows.loc[is_replaced, "contact_id"].isna().sum())
