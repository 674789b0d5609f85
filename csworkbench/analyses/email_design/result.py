"""The result of the design page: how many accounts, how long, who gets what, and what is written down first."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from csworkbench.analyses.email_design.checking import Check, check_frame, checks, left_out_frame, shared_frame
from csworkbench.analyses.email_design.drawing import Draw, balance, draw
from csworkbench.analyses.email_design.facts import Inputs
from csworkbench.analyses.email_design.planning import (
    FEW,
    Outlook,
    curve_frame,
    in_accounts,
    outlooks,
    sample_frame,
    unit_frame,
    visible_frame,
    window_weeks,
)
from csworkbench.analyses.email_design.registering import registration
from csworkbench.analyses.email_design.settings import Config
from csworkbench.analyses.email_design.words import (
    compared,
    evidence_frame,
    outlook_frame,
    says,
    size,
    steps_frame,
)
from csworkbench.estimates import Caveat, Estimate, Message, Release, Severity, say, worst_first
from csworkbench.formats import Readable, text

if TYPE_CHECKING:
    import pandas as pd

PLANS = [
    "metric", "role", "compared", "accounts", "worth", "smallest_effect", "low", "high", "effect_unit",
    "accounts_needed", "needed_low", "needed_high", "weeks", "says",
]  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Result(Readable):
    """How an experiment is to be run.

    Tables, key columns first. Differences of shares are percentage points where `effect_unit` says so.

    * plans, comparison that decides, explains or guards: metric, role, compared, accounts (of the two arms that can be
      drawn), worth (difference worth knowing, or margin), smallest_effect (they would show), low, high (over the
      interval of the intra-account correlation), effect_unit, accounts_needed (of the two arms), needed_low,
      needed_high, weeks (until all arms were mailed at the present rate), says
    * outlook, the same in words: metric, role, compared, asked_for, visible_now, accounts, weeks, says
    * visible, comparison and number of accounts: metric, variant, accounts, smallest_effect, effect_unit
    * steps, comparison, in words: metric, compared, with_60, with_100 ... (accounts of the two arms)
    * power_curve, difference and number of accounts, of the first metric that decides: accounts, power (0 to 1), effect
    * units, comparison and unit, for outcomes of mails: metric, variant, unit, contacts, contacts_needed,
      smallest_effect, effect_unit
    * sample, metric: metric, accounts, value, intra_account_correlation, low, high, contacts_per_account,
      size_variation, pre_period_correlation, why
    * evidence, the same in words: metric, accounts, value, alike, contacts, earlier_period
    * left_out, reason: reason, contacts, accounts
    * checks, check: check, state (ok, note, warning, stop), finding, action, n
    * shared_people, person or CSM who would meet two arms: kind, member, variants, units
    * balance, arm: variant, arm, units, contacts, use_before (mean events of an account)
    * assignments, unit, as experiment_units takes it: experiment_id, unit_id, unit, stratum, variant, assigned_at
      (planned, UTC), eligible_contacts; empty where a check says stop
    * preregistration, item: item, value; the last row is the sha256 of those before it

    Args:
        headline: Whether the accounts there are would do.
        figures: accounts_needed (all arms), smallest_effect, weeks, accounts, contacts, intra_account_correlation.
        tables: The frames above.
        caveats: Doubts, most severe first.
        actions: What to do next.
        releases: The assignment, which `csw release` makes official once.
    """

    headline: Message
    figures: Mapping[str, Estimate]
    tables: "Mapping[str, pd.DataFrame]"
    caveats: tuple[Caveat, ...]
    actions: tuple[Message, ...]
    releases: tuple[Release, ...] = ()


def analyze(inputs: Inputs, config: Config) -> Result:
    """Return what the experiment could show and who would get what.

    Args:
        inputs: Who could be drawn and what the sample shows, from `prepare`.
        config: Settings; level, power and seed may differ from those of `prepare`.
    """
    drawn = draw(inputs, config)
    shown = outlooks(inputs, drawn, config)
    found = checks(inputs, drawn, config)
    is_stopped = any(each.severity is Severity.STOP for each in found)
    caveats = [each.caveat for each in found if each.caveat] + list(_doubts(inputs, shown, config))
    name = config.experiment.id
    release = Release("assignments", f"assignments/{name}", ("preregistration",), is_once=True)
    return Result(
        headline=_headline(shown, drawn, config),
        figures=_figures(shown, drawn),
        tables=_tables(inputs, drawn, shown, (config, found)),
        caveats=worst_first(caveats),
        actions=tuple(_actions(shown, config, is_stopped=is_stopped)),
        releases=() if is_stopped else (release,),
    )


def _tables(
    inputs: Inputs, drawn: Draw, shown: tuple[Outlook, ...], settled: tuple[Config, tuple[Check, ...]]
) -> "dict[str, pd.DataFrame]":
    config, found = settled
    is_stopped = any(each.severity is Severity.STOP for each in found)
    return {
        "plans": _plan_frame(shown, config),
        "outlook": outlook_frame(shown, config),
        "visible": visible_frame(shown),
        "steps": steps_frame(shown, config),
        "power_curve": curve_frame(shown),
        "units": unit_frame(shown, drawn),
        "sample": sample_frame(shown, inputs.samples),
        "evidence": evidence_frame(shown, inputs.samples),
        "left_out": left_out_frame(inputs),
        "checks": check_frame(found),
        "shared_people": shared_frame(drawn),
        "balance": balance(drawn, inputs, config),
        "assignments": drawn.table.iloc[:0] if is_stopped else drawn.table,
        "preregistration": registration(inputs, drawn, shown, config),
    }


def _first(shown: tuple[Outlook, ...]) -> Outlook | None:
    """Return the first comparison that decides and of which something can be said, else the first that decides."""
    primary = [each for each in shown if each.metric.role == "primary"]
    return next((each for each in primary if each.known is not None), primary[0] if primary else None)


def _headline(shown: tuple[Outlook, ...], drawn: Draw, config: Config) -> Message:
    first, accounts = _first(shown), int(drawn.people["account_id"].nunique())
    begin = say("{label}: {n:n account|accounts} can be drawn", label=config.experiment.label, n=accounts)
    if first is None or first.known is None:
        said = first.reason if first is not None and first.reason is not None else say("nothing is compared")
        return say("{begin}; what they would show cannot be told: {why}.", begin=begin, why=said)
    few = _few(first)
    visible = "nothing at all" if not isinstance(first.smallest, Estimate) else size(first, first.smallest.value or 0)
    metric = first.metric.label
    if first.effect is None or not isinstance(first.needed, Estimate) or first.needed.value is None:
        return say(
            "{begin}; they would show {visible} in {metric}. {few}.",
            begin=begin,
            visible=visible,
            metric=metric,
            few=few,
        )
    total, worth = ceil(first.needed.value / first.part), size(first, first.told(first.effect))
    if first.is_enough:
        return say(
            "{begin}, {total:count} are needed to see {worth} in {metric}. {few}.",
            begin=begin,
            total=total,
            worth=worth,
            metric=metric,
            few=few,
        )
    return say(
        "{begin}, too few to see {worth} in {metric}: {total:count} are needed, and nothing under {visible} is visible."
        " {few}.",
        begin=begin,
        worth=worth,
        metric=metric,
        total=total,
        visible=visible,
        few=few,
    )


def _few(each: Outlook) -> Message:
    """Return the sentence about sixty accounts, all arms together."""
    found = each.visible(int(FEW * each.part))
    if found is None:
        return say("With {n:count} accounts nothing at all is visible", n=FEW)
    return say("With {n:count} accounts nothing under {effect} is visible", n=FEW, effect=size(each, found))


def _figures(shown: tuple[Outlook, ...], drawn: Draw) -> dict[str, Estimate]:
    first, accounts = _first(shown), int(drawn.people["account_id"].nunique())
    figures: dict[str, Estimate] = {}
    if first is not None:
        figures["accounts_needed"] = Estimate(None, "accounts", accounts)
        figures["smallest_effect"] = Estimate(None, first.unit, accounts)
        figures["weeks_to_mail"] = Estimate(None, "weeks", accounts)
        if isinstance(first.needed, Estimate):
            figures["accounts_needed"] = in_accounts(first.needed, first.part)
        if isinstance(first.smallest, Estimate):
            figures["smallest_effect"] = first.smallest
        if isinstance(first.weeks, int):
            figures["weeks_to_mail"] = Estimate(first.weeks, "weeks", accounts)
    figures["accounts"] = Estimate(accounts, "accounts", accounts)
    figures["contacts"] = Estimate(len(drawn.people), "contacts", accounts)
    if first is not None and first.known is not None and first.known.base.icc.low is not None:
        figures["intra_account_correlation"] = first.known.base.icc
    return figures


def _plan_frame(shown: tuple[Outlook, ...], config: Config) -> "pd.DataFrame":
    import pandas as pd

    rows = []
    for each in shown:
        smallest = each.smallest if isinstance(each.smallest, Estimate) else Estimate(None, each.unit, 0)
        needed = each.needed if isinstance(each.needed, Estimate) else Estimate(None, "accounts", 0)
        rows.append(
            (
                each.metric.label,
                each.metric.role,
                compared(each, config),
                each.accounts,
                None if each.effect is None else each.told(each.effect),
                smallest.value,
                smallest.low,
                smallest.high,
                each.unit,
                needed.value,
                needed.low,
                needed.high,
                each.weeks if isinstance(each.weeks, int) else None,
                text(says(each)),
            )
        )
    frame = pd.DataFrame(rows, columns=PLANS)
    whole = ["accounts_needed", "needed_low", "needed_high", "weeks"]
    numbers = ["worth", "smallest_effect", "low", "high"]
    return frame.astype(dict.fromkeys(whole, "Int64") | dict.fromkeys(numbers, "float64"))


def _doubts(inputs: Inputs, shown: tuple[Outlook, ...], config: Config) -> Iterator[Caveat]:
    for each in shown:
        words = {"metric": each.metric.label}
        severity = Severity.WARNING if each.metric.role == "primary" else Severity.NOTE
        if each.reason is not None:
            yield Caveat("no_sample", severity, say("{metric}: {why}", why=each.reason, **words))
        elif each.effect is None:
            yield Caveat(
                "no_worth",
                severity,
                say("{metric}: the file does not say which difference is worth knowing", **words),
                say("Set worth of the metric"),
            )
        elif not each.is_enough:
            visible = size(each, each.smallest.value or 0) if isinstance(each.smallest, Estimate) else "anything"
            yield Caveat(
                "too_few_accounts",
                severity,
                say(
                    "{metric}, {arms}: with {n:n account|accounts} in the two arms nothing under {visible} is visible",
                    arms=compared(each, config),
                    n=each.accounts,
                    visible=visible,
                    **words,
                ),
                say("Draw contacts where people of an account need not get the same, drop an arm, or ask for more"),
            )
    yield from _about_rate(inputs, shown, config)
    if config.experiment.looks.kind == "continuous":
        said = say("Looks at any time make intervals about 1.6 times as wide as those counted here")
        yield Caveat("continuous_looks", Severity.WARNING, said, say("Plan with 2.5 times the accounts, or look once"))


def _about_rate(inputs: Inputs, shown: tuple[Outlook, ...], config: Config) -> Iterator[Caveat]:
    first = _first(shown)
    total = None if first is None else round(first.accounts / first.part)
    if not inputs.rate_weeks or total is None:
        return
    planned = total / config.weeks
    if inputs.per_week and planned > 2 * inputs.per_week:
        yield Caveat(
            "faster_than_now",
            Severity.NOTE,
            say(
                "The plan mails {planned:n account|accounts} a week; over the last {weeks:count} weeks such mails went "
                "to {now:count} a week",
                planned=round(planned),
                weeks=inputs.rate_weeks,
                now=inputs.per_week,
            ),
            say("Raise weeks, or see that the sending system can do it"),
        )


def _actions(shown: tuple[Outlook, ...], config: Config, *, is_stopped: bool) -> Iterator[Message]:
    if is_stopped:
        yield say("Mend what the checks stopped at: until then nobody is drawn")
        return
    first = _first(shown)
    if first is not None and first.known is not None and first.effect is not None and not first.is_enough:
        yield say("Decide whether the larger difference that would be visible is worth the mails; else do not start")
    if config.experiment.preregistered is None:
        yield say("Write the digest of the file into it and run again")
    yield say("Make the draw official before the first mail: csw release latest email_design")
    yield say(
        "Mail the arms as released, and read the answer {weeks:n week|weeks} after the last ones were drawn",
        weeks=window_weeks(config.experiment),
    )
