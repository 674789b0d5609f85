"""What an experiment is read on: things that happen to units in the days after they were drawn."""

from typing import Annotated, Literal

from pydantic import Field

from csworkbench.config import Section, setting

Days = Annotated[int, Field(ge=1, le=730)]


class _Watched(Section):
    window_days: int = setting(
        28, ge=1, le=730, unit="days", description="How long each unit is watched, from its assignment on"
    )


class HumanClicks(_Watched):
    """Contacts who clicked in a mail of the experiment; clicks of scanners do not count."""

    kind: Literal["human_clicks"] = setting("human_clicks", description="Contacts who clicked, without scanners")


class Opens(_Watched):
    """Contacts whose mail of the experiment was opened; opens a machine is known to have made do not count."""

    kind: Literal["opens"] = setting("opens", description="Contacts who opened, as far as anybody can know")


class Replies(_Watched):
    """Contacts who answered a mail of the experiment."""

    kind: Literal["replies"] = setting("replies", description="Contacts who answered")


class Unsubscribes(_Watched):
    """Contacts who unsubscribed in a mail of the experiment."""

    kind: Literal["unsubscribes"] = setting("unsubscribes", description="Contacts who unsubscribed")


class Complaints(_Watched):
    """Contacts who reported a mail of the experiment as spam."""

    kind: Literal["complaints"] = setting("complaints", description="Contacts who reported spam")


class UsageAfter(_Watched):
    """How much an account uses the product; an account without use has 0."""

    kind: Literal["usage"] = setting("usage", description="How much an account uses the product")
    what: Literal["events", "minutes", "sessions"] = setting("events", description="What is added up")
    features: tuple[str, ...] = setting((), description="Features that count; empty = all")


class ActiveUsersAfter(_Watched):
    """How many people of an account use the product."""

    kind: Literal["active_users"] = setting("active_users", description="Distinct users of an account")
    features: tuple[str, ...] = setting((), description="Features that count; empty = all")


class MilestoneReached(_Watched):
    """Whether an account reaches a milestone; accounts that had reached it before the draw are left out."""

    kind: Literal["milestone"] = setting("milestone", description="Accounts that reach a milestone")
    milestone: str = setting(min_length=1, description="Name of the milestone, as in the table milestones")


class RenewalKept(_Watched):
    """Whether an account renews; accounts without a renewal due in the window are left out of all arms."""

    kind: Literal["renewal"] = setting("renewal", description="Accounts that renew, of those due in the window")


class NpsPoints(_Watched):
    """What those who answer say: 100 for a promoter, 0 for a passive, -100 for a detractor."""

    kind: Literal["nps"] = setting("nps", description="Mean of 100, 0 and -100 over those who answer")


class NpsAnswers(_Watched):
    """Contacts who answer the survey: the guardrail of an NPS, because who answers may differ by arm."""

    kind: Literal["nps_answers"] = setting("nps_answers", description="Contacts who answer the NPS survey")


class ColumnValue(Section):
    """A column of experiment_units, where the outcome came with the list of who was drawn."""

    kind: Literal["column"] = setting("column", description="A column of experiment_units")
    column: str = setting(min_length=1, description="Its name, declared under extra in the workspace")
    unit: str = setting("share", min_length=1, description="What it counts: share, a currency code, minutes ...")


OfMails = HumanClicks | Opens | Replies | Unsubscribes | Complaints
OfUse = UsageAfter | ActiveUsersAfter
Outcome = Annotated[
    HumanClicks
    | Opens
    | Replies
    | Unsubscribes
    | Complaints
    | UsageAfter
    | ActiveUsersAfter
    | MilestoneReached
    | RenewalKept
    | NpsPoints
    | NpsAnswers
    | ColumnValue,
    Field(discriminator="kind"),
]


def unit_of(outcome: "Outcome") -> str:
    """Return what values of an outcome count, as in `Estimate`."""
    match outcome:
        case UsageAfter():
            return outcome.what
        case ActiveUsersAfter():
            return "users"
        case NpsPoints():
            return "points"
        case ColumnValue():
            return outcome.unit
    return "share"


def window_of(outcome: "Outcome") -> int | None:
    """Return for how many days a unit is watched; None where nothing is counted in days."""
    return None if isinstance(outcome, ColumnValue) else outcome.window_days


def tables_of(outcome: "Outcome") -> tuple[str, ...]:
    """Return the canonical tables an outcome is read from, beside who was drawn."""
    match outcome:
        case UsageAfter() | ActiveUsersAfter():
            return ("usage_daily",)
        case MilestoneReached():
            return ("milestones",)
        case RenewalKept():
            return ("renewals",)
        case NpsPoints() | NpsAnswers():
            return ("nps_responses",)
        case ColumnValue():
            return ()
    return ("touches", "touch_events")
