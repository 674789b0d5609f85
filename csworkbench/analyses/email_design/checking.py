"""What could mix the arms or spoil the draw, looked at before the first mail goes out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from csworkbench.analyses.email_design import people as who
from csworkbench.analyses.email_design.drawing import Draw
from csworkbench.analyses.email_design.facts import Inputs
from csworkbench.analyses.email_design.settings import Config
from csworkbench.estimates import Caveat, Message, Severity, say
from csworkbench.experiments import window_of
from csworkbench.formats import text
from csworkbench.inference.effects import LEAST_IN_ARM

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Args:
        name: Its name in snake_case.
        severity: How much it weighs; None where all is well.
        finding: What was found.
        action: What to do about it.
        n: How many it concerns.
    """

    name: str
    severity: Severity | None
    finding: Message
    action: Message | None = None
    n: int = 0

    @property
    def caveat(self) -> Caveat | None:
        """The doubt that stands on the page, if there is one."""
        if self.severity is None:
            return None
        return Caveat(self.name, self.severity, self.finding, self.action)


def checks(inputs: Inputs, drawn: Draw, config: Config) -> tuple[Check, ...]:
    """Return what was looked at, in the order of the page.

    Args:
        inputs: Who could be drawn.
        drawn: The draw.
        config: The experiment and how it is delivered.
    """
    return tuple(_checks(inputs, drawn, config))


def _checks(inputs: Inputs, drawn: Draw, config: Config) -> Iterator[Check]:
    yield _time(inputs, config)
    yield _watch(config)
    yield _arms(drawn, config)
    yield _consents(inputs, config)
    yield _twice(drawn)
    yield _csms(drawn, config)
    yield _overlap(inputs, config)
    yield _cap(drawn, config)
    yield _registered(config)


def _time(inputs: Inputs, config: Config) -> Check:
    first = config.experiment.first_day
    if first > inputs.as_of:
        return Check("planned_ahead", None, say("Nothing has begun: the first day is {first:date}", first=first))
    return Check(
        "planned_ahead",
        Severity.STOP,
        say("The first day, {first:date}, is over: what is drawn now was not drawn before it", first=first),
        say("Set first_day and last_day of the experiment to days after {day:date}", day=inputs.as_of),
    )


def _watch(config: Config) -> Check:
    experiment = config.experiment
    days = max((window_of(metric.outcome) or 0) for metric in experiment.metrics)
    last = experiment.first_day + timedelta(days=7 * (config.weeks - 1) + days)
    if last <= experiment.last_day:
        said = say("The last units are watched until {last:date}, within the last day", last=last)
        return Check("watched_to_the_end", None, said)
    said = say("The last units are watched until {last:date}, beyond the last day: they would not count", last=last)
    return Check(
        "watched_to_the_end", Severity.STOP, said, say("Set last_day to {last:date}, or draw faster", last=last)
    )


def _arms(drawn: Draw, config: Config) -> Check:
    counts = {arm.name: 0 for arm in config.experiment.arms}
    for each in drawn.assigned:
        counts[each.variant] += 1
    least = min(counts.values())
    if least >= LEAST_IN_ARM:
        return Check("units_in_arms", None, say("Every arm has at least {n:count} units", n=least), n=least)
    return Check(
        "units_in_arms",
        Severity.STOP,
        say("An arm has {n:n unit|units}; below {limit:count} nothing can be tested", n=least, limit=LEAST_IN_ARM),
        say("See who was left out and why, or use fewer arms"),
        least,
    )


def _consents(inputs: Inputs, config: Config) -> Check:
    if inputs.has_consents:
        silent = int((inputs.people["why"] == who.NOT_ALLOWED).sum())
        said = say("Refusals are known; {n:n contact|contacts} left out for want of a consent", n=silent)
        return Check("consents", None, said, n=silent)
    said = say("No consents are recorded: nobody's refusal can be respected")
    severity = Severity.STOP if config.purpose == "marketing" else Severity.WARNING
    return Check("consents", severity, said, say("Add the table consents to the workspace"))


def _twice(drawn: Draw) -> Check:
    n = len(drawn.shared)
    if not n:
        return Check("same_person_twice", None, say("Nobody meets two arms through two records"))
    return Check(
        "same_person_twice",
        Severity.WARNING,
        say("{n:n person|people} would meet two arms: one address stands at several units", n=n),
        say("Merge the records (table shared_people), or suppress all but one of them, before the draw"),
        n,
    )


def _csms(drawn: Draw, config: Config) -> Check:
    n = len(drawn.mixed)
    if not n:
        return Check("one_csm_both_arms", None, say("No CSM is known to look after several arms"))
    said = say("{n:n CSM|CSMs} look after units of several arms", n=n)
    if not config.by_hand:
        return Check(
            "one_csm_both_arms", None, say("{said}; the system sends, so nobody mixes them up", said=said), n=n
        )
    action = say("Let the system send, or draw CSMs instead of accounts: who delivers both arms mixes them up")
    return Check("one_csm_both_arms", Severity.WARNING, said, action, n)


def _overlap(inputs: Inputs, config: Config) -> Check:
    n = inputs.people.loc[inputs.people["why"] == who.ELSEWHERE, "account_id"].nunique()
    if not n:
        said = say("No account was drawn elsewhere in the last {n:days}", n=config.clear_days)
        return Check("other_experiments", None, said)
    said = say("{n:n account|accounts} left out: drawn into another experiment lately", n=int(n))
    return Check("other_experiments", Severity.NOTE, said, say("Wait for it to end if they are needed"), int(n))


def _cap(drawn: Draw, config: Config) -> Check:
    if config.cap_mails is None:
        said = say("No frequency cap is set: one applied later would thin out only the arms that get mail")
        return Check("frequency_cap", Severity.NOTE, said, say("Set cap_mails as the sending system has it"))
    near = int((drawn.people["mails"] == config.cap_mails - 1).sum())
    if not near:
        return Check("frequency_cap", None, say("Nobody is one mail below the frequency cap"))
    return Check(
        "frequency_cap",
        Severity.NOTE,
        say("{n:n contact|contacts} would reach the frequency cap with one more mail before this one", n=near),
        say("Send this mail first: a cap after the draw thins out only the arms that get mail"),
        near,
    )


def _registered(config: Config) -> Check:
    experiment = config.experiment
    if experiment.preregistered is None:
        said = say("The file carries no digest yet")
        action = say(
            "Write preregistered: {digest} into configs/experiments/{id}.yaml before the first mail",
            digest=experiment.registered_digest,
            id=experiment.id,
        )
        return Check("registered", Severity.NOTE, said, action)
    if experiment.preregistered == experiment.registered_digest:
        return Check("registered", None, say("The file is as it was registered"))
    said = say("The file was changed after it was registered")
    return Check("registered", Severity.WARNING, said, say("Undo the change, or register and draw anew"))


def check_frame(found: tuple[Check, ...]) -> "pd.DataFrame":
    """Return the checks as a table: check, state (ok, note, warning, stop), finding, action, n.

    Args:
        found: What was looked at.
    """
    import pandas as pd

    rows = [
        (
            each.name,
            each.severity.value if each.severity else "ok",
            text(each.finding),
            text(each.action) if each.action else "",
            each.n,
        )
        for each in found
    ]
    return pd.DataFrame(rows, columns=["check", "state", "finding", "action", "n"])


def left_out_frame(inputs: Inputs) -> "pd.DataFrame":
    """Return who may be mailed and who not, contacts by the first reason that holds.

    Args:
        inputs: Contacts with their reason.

    Returns:
        One row per reason, "may be mailed" first: reason, contacts, accounts (with such a contact).
    """
    import pandas as pd

    people = inputs.people
    rows = []
    for reason in ("", *who.REASONS):
        mine = people[people["why"] == reason]
        if len(mine) or not reason:
            rows.append((reason or "may be mailed", len(mine), mine["account_id"].nunique()))
    return pd.DataFrame(rows, columns=["reason", "contacts", "accounts"])


def shared_frame(drawn: Draw) -> "pd.DataFrame":
    """Return who would meet two arms: kind (person, CSM), member, variants, units (how many).

    Args:
        drawn: The draw.
    """
    import pandas as pd

    rows = [
        (kind, each.member, ", ".join(each.variants), len(each.unit_ids))
        for kind, many in (("person", drawn.shared), ("CSM", drawn.mixed))
        for each in many
    ]
    return pd.DataFrame(rows, columns=["kind", "member", "variants", "units"])
