"""What to know before acting on the forecast."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from csworkbench.analyses.renewals.evidence import WINDOW_DAYS, WINDOWS, Inputs
from csworkbench.analyses.renewals.forecast import OVERDUE, TOO_LATE
from csworkbench.analyses.renewals.learning import BASE_RATE, MOST_TIMES, UNKNOWN, Forecaster
from csworkbench.analyses.renewals.settings import Config
from csworkbench.analyses.renewals.track import RECOMPUTED, Track, main_basis, main_currency
from csworkbench.estimates import Caveat, Severity, say

if TYPE_CHECKING:
    import pandas as pd

FEW_QUARTERS = 4
LONGEST = WINDOW_DAYS * WINDOWS


def doubts(
    inputs: Inputs, config: Config, forecaster: Forecaster, past: Track, tables: "Mapping[str, pd.DataFrame]"
) -> tuple[Caveat, ...]:
    """Return the caveats of the forecast, in no particular order.

    Args:
        inputs: Renewals and calls.
        config: Settings.
        forecaster: What was learned.
        past: Past quarters.
        tables: Tables of the result.
    """
    return (
        *_about_learning(inputs, config, forecaster),
        *_about_quarters(inputs, past),
        *_about_time(tables["forecast"]),
        *_about_money(inputs, config),
        *_about_settled(inputs, tables["quarters"]),
        *_about_past(tables["verdicts"], past),
    )


def _about_learning(inputs: Inputs, config: Config, forecaster: Forecaster) -> Iterator[Caveat]:
    if forecaster.basis == UNKNOWN:
        yield Caveat(
            "nothing_decided",
            Severity.STOP,
            say("No renewal was decided in the history, so nobody can tell how many will renew"),
            say("Record outcome and decided_at of renewals"),
        )
    if forecaster.basis == BASE_RATE:
        yield Caveat(
            "base_rate",
            Severity.WARNING,
            say(
                "Only {lost:n renewal was|renewals were} lost and {kept:count} kept among {decided:count} decided "
                "ones: the forecast is the same base rate for everyone, because a model takes {needed:count} of both",
                lost=forecaster.lost,
                kept=forecaster.decided - forecaster.lost,
                decided=forecaster.decided,
                needed=config.minimum_events,
            ),
        )
    if inputs.left_out:
        yield Caveat(
            "measure_left_out",
            Severity.NOTE,
            say(
                "The forecast does without {measures:list}: {reasons:list}",
                measures=list(inputs.left_out),
                reasons=sorted(set(inputs.left_out.values())),
            ),
            say("Add the table under tables in the workspace; what exports overwrite is archived by each run"),
        )
    yield Caveat(
        "not_a_cause",
        Severity.NOTE,
        say("The model says who tends to leave, not why: changing a measure need not change the renewal"),
    )


def _about_quarters(inputs: Inputs, past: Track) -> Iterator[Caveat]:
    quarters = past.shocks.periods
    if quarters < FEW_QUARTERS:
        yield Caveat(
            "few_quarters",
            Severity.WARNING,
            say(
                "{n:n past quarter tells|past quarters tell} how far all renewals of a quarter move together; the "
                "intervals rest mostly on an assumption about it",
                n=quarters,
            ),
        )
    if inputs.is_amount_current:
        yield Caveat(
            "amounts_of_today",
            Severity.NOTE,
            say("Amounts due of past quarters are those of today: exports overwrite them"),
            say("Each run archives them; the longer runs go on, the more of the past stands as it was"),
        )


def _about_time(forecast: "pd.DataFrame") -> Iterator[Caveat]:
    late = forecast[forecast["state"].isin([OVERDUE, TOO_LATE])]
    if len(late):
        yield Caveat(
            "overdue",
            Severity.WARNING,
            say(
                "{n:n renewal is|renewals are} past the due date and not decided: counted as open, never as renewed",
                n=len(late),
            ),
            say("Ask for the decision, or record it"),
        )
    lost_sight = int(forecast["state"].eq(TOO_LATE).sum())
    if lost_sight:
        yield Caveat(
            "not_forecast",
            Severity.WARNING,
            say(
                "{n:n of them is|of them are} overdue for so long that nothing like it was ever decided: not forecast, "
                "and in no total",
                n=lost_sight,
            ),
            say("Close the renewals nobody expects any more"),
        )
    far = int((forecast["days_to_due"] > LONGEST).sum())
    if far:
        yield Caveat(
            "far_ahead",
            Severity.NOTE,
            say(
                "{n:n renewal is|renewals are} due in more than {days:days}: forecast as if due then, because the "
                "history teaches nothing so far ahead",
                n=far,
                days=LONGEST,
            ),
        )


def _about_money(inputs: Inputs, config: Config) -> Iterator[Caveat]:
    main = main_currency(inputs)
    apart = sorted(set(inputs.renewals["currency"]) - {main})
    if apart:
        yield Caveat(
            "not_converted",
            Severity.WARNING,
            say("Amounts in {currencies:list} are not added to those in {main}", currencies=apart, main=main),
            say("Set their currency_rates, or read their rows apart in the tables"),
        )
    if config.currency_rates:
        yield Caveat(
            "fixed_rates",
            Severity.NOTE,
            say(
                "Amounts in {currencies:list} are converted to {home} at the fixed rates of the settings",
                currencies=sorted(config.currency_rates),
                home=inputs.currency,
            ),
        )
    unknown = int(inputs.renewals.loc[inputs.renewals["outcome"] == "open", "target"].isna().sum())
    if unknown:
        yield Caveat(
            "amount_missing",
            Severity.WARNING,
            say("{n:n open renewal has|open renewals have} no amount: they are in no sum of money", n=unknown),
            say("Record target_amount"),
        )
    yield from _about_amounts_renewed(inputs)


def _about_amounts_renewed(inputs: Inputs) -> Iterator[Caveat]:
    known = inputs.renewals
    token = int((known["is_lost"].eq(False) & (known["final"] > MOST_TIMES * known["target"])).sum())
    if token:
        yield Caveat(
            "token_amount_due",
            Severity.WARNING,
            say(
                "{n:n kept renewal|kept renewals} brought more than {times:count} times the amount due: the forecast "
                "takes as much and no more from them",
                n=token,
                times=MOST_TIMES,
            ),
            say("Check target_amount of these renewals"),
        )
    unrecorded = int(inputs.rates["unrecorded"].sum())
    unpriced = int(inputs.rates["unpriced"].sum()) - unrecorded
    if unrecorded:
        yield Caveat(
            "kept_unrecorded",
            Severity.WARNING,
            say(
                "{n:n kept renewal lacks|kept renewals lack} the amount renewed: nobody can tell GRR and NRR, because "
                "lost ones alone would count in full",
                n=unrecorded,
            ),
            say("Record final_amount"),
        )
    if unpriced:
        yield Caveat(
            "not_priced",
            Severity.WARNING,
            say(
                "{n:n decided renewal lacks|decided renewals lack} the amount due or the amount renewed and is in "
                "neither GRR nor NRR",
                n=unpriced,
            ),
            say("Record target_amount and final_amount"),
        )


def _about_settled(inputs: Inputs, quarters: "pd.DataFrame") -> Iterator[Caveat]:
    due = inputs.renewals[inputs.renewals["quarter"].isin(quarters["quarter"])]
    is_kept = due["is_lost"].eq(False).fillna(False).astype(bool)
    guessed = int((is_kept & due["final"].isna()).sum())
    if guessed:
        yield Caveat(
            "settled_guessed",
            Severity.WARNING,
            say(
                "{n:n kept renewal has|kept renewals have} no amount renewed in quarters that are forecast: what kept "
                "ones usually bring of the amount due stands in, and nothing where that is missing too",
                n=guessed,
            ),
            say("Record final_amount"),
        )


def _about_past(verdicts: "pd.DataFrame", past: Track) -> Iterator[Caveat]:
    basis = main_basis(past.past)
    wrong = verdicts[verdicts["verdict"].isin(["too_optimistic", "too_cautious", "uneven"])]
    for each in wrong.to_dict("records"):
        low, high = sorted((abs(each["low"]), abs(each["high"])))
        yield Caveat(
            f"forecasts_{each['verdict']}",
            Severity.WARNING if each["basis"] == basis else Severity.NOTE,
            say(
                "Past forecasts ({basis}) were {verdict} by {size:share} of all renewals, {low:share} to {high:share}; "
                "n {n:count}",
                basis=WHOSE[each["basis"]],
                verdict=VERDICTS[each["verdict"]],
                size=abs(each["bias"]),
                low=low,
                high=high,
                n=each["forecasts"],
            )
            if each["verdict"] != "uneven"
            else say(
                "Past forecasts ({basis}) were right on average, but not both for the safe and for the risky ones; "
                "n {n:count}",
                basis=WHOSE[each["basis"]],
                n=each["forecasts"],
            ),
        )
    if basis == RECOMPUTED and len(past.quarters):
        yield Caveat(
            "recomputed",
            Severity.NOTE,
            say(
                "No forecast was frozen at the start of a past quarter: those shown were computed again today from "
                "what was known then"
            ),
            say("Release a forecast at the start of each quarter"),
        )
    if not len(past.quarters):
        yield Caveat(
            "no_past", Severity.NOTE, say("No past quarter can be forecast again yet: the history is too short")
        )


WHOSE = {
    "frozen model": say("the model's calls"),
    "frozen csm": say("the CSMs' calls"),
    "frozen final": say("the team's calls"),
    RECOMPUTED: say("computed again today"),
}
VERDICTS = {"too_optimistic": say("too optimistic"), "too_cautious": say("too cautious")}
