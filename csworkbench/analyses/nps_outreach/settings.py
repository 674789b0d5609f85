"""Settings of the NPS page: how far back answers count, how large the tiers are, and what each list does."""

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.filters import Condition
from csworkbench.policy import Holdout

SAVE, ADVOCATE, OFFER, REPLY, REFERRAL, UNANSWERED = (
    "save_call", "advocate_call", "churn_offer", "reply", "referral", "unanswered",
)  # fmt: skip
HUMAN = (SAVE, ADVOCATE)
Rate = Annotated[float, Field(gt=0, le=1e6)]
Share = Annotated[float, Field(gt=0, le=1)]


class Shares(Section):
    """How large each tier is, as a share of its base."""

    advocates: Share = setting(0.05, unit="share", description="Promoters called by hand")
    referral: Share = setting(0.2, unit="share", description="Promoters asked for a referral, those called included")
    offer: Share = setting(0.2, unit="share", description="Detractors given an offer, those called included")
    save: Share = setting(0.05, unit="share", description="Detractors called")

    @model_validator(mode="after")
    def _calls_are_within(self) -> Self:
        faults = {}
        if self.advocates > self.referral:
            faults["advocates"] = "at most as large as referral, of which it is a part"
        if self.save > self.offer:
            faults["save"] = "at most as large as offer, of which it is a part"
        if faults:
            raise SettingError(faults)
        return self


class ListRule(Section):
    """What one list does."""

    play: str = setting(min_length=1, description="Script of the contact, by its key")
    purpose: Literal["service", "marketing"] = setting(description="What it is for: marketing needs a consent")
    channels: tuple[Annotated[str, Field(min_length=1)], ...] = setting(
        min_length=1, max_length=6, description="Channels, the preferred one first"
    )
    priority: int = setting(ge=1, le=9, description="1 = served first; of two lists a contact is on the first one")
    minutes: float = setting(0.0, ge=0, le=480, unit="minutes", description="Time one contact takes")
    is_must_do: bool = setting(False, description="Done whatever else is to do, and never held out or delayed")


def _usual_lists() -> dict[str, ListRule]:
    return {
        SAVE: ListRule(
            play="save-call", purpose="service", channels=("call", "email"), priority=1, minutes=30, is_must_do=True
        ),
        ADVOCATE: ListRule(
            play="advocate-call", purpose="marketing", channels=("call", "email"), priority=2, minutes=20
        ),
        OFFER: ListRule(play="churn-offer", purpose="marketing", channels=("email", "wechat"), priority=3),
        REPLY: ListRule(play="reply", purpose="service", channels=("email",), priority=4),
        REFERRAL: ListRule(play="referral-code", purpose="marketing", channels=("email", "wechat"), priority=5),
        UNANSWERED: ListRule(play="survey-reminder", purpose="service", channels=("email",), priority=6),
    }


def plain(name: str) -> str:
    """Return the name of a tier or stage in the writing in which it is compared: no blanks around it, no capitals."""
    return name.strip().casefold()


def absent(names: Iterable[str], found: Iterable[str]) -> list[str]:
    """Return those of some names that are not among others, however they are written.

    Args:
        names: Names of a setting.
        found: Names in the data.
    """
    there = {plain(each) for each in found}
    return [each for each in names if plain(each) not in there]


class NoOffer(Section):
    """Who is never given a discount against churn."""

    tiers: tuple[str, ...] = setting(
        ("large",),
        description="Value tiers, the top one, and with them accounts whose tier nobody knows; [] = none. Capitals do "
        "not matter",
    )
    renewal_days: int = setting(
        90, ge=0, le=730, unit="days", description="An open renewal due within so many days, or past due, is running"
    )
    stages: tuple[str, ...] = setting(
        ("proposal", "negotiation"),
        description="Stages of open opportunities in which a price is negotiated; capitals do not matter",
    )


class Route(Section):
    """What follows from what was said or done about an answer."""

    followup: str = setting(min_length=1, description="Text of nps_responses.followup; capitals do not matter")
    play: str | None = setting(None, min_length=1, description="Script of the reply; null = it is settled, no contact")


class Config(Section):
    """Settings of `nps_outreach`."""

    window_days: int = setting(90, ge=1, le=730, unit="days", description="Oldest answer that counts")
    trend_quarters: int = setting(8, ge=1, le=40, unit="quarters", description="Quarters of the trend")
    base: Literal["group", "respondents"] = setting(
        "group", description="Tiers are shares of the promoters and of the detractors (group), or of all respondents"
    )
    shares: Shares = setting(default_factory=Shares, description="How large each tier is")
    lists: dict[Literal["save_call", "advocate_call", "churn_offer", "reply", "referral", "unanswered"], ListRule] = (
        setting(
            default_factory=_usual_lists, min_length=1, description="What each list does; a list left out is not made"
        )
    )
    buyer_roles: tuple[str, ...] = setting(
        ("buyer",),
        description="Roles whose low score keeps the whole account from being asked for a favor",
    )
    no_offer: NoOffer = setting(default_factory=NoOffer, description="Who is never given a discount against churn")
    leave_out: dict[Annotated[str, Field(min_length=1)], Condition] = setting(
        default_factory=dict, description="Who is not contacted: the reason, and a condition on contacts"
    )
    routes: tuple[Route, ...] = setting((), description="What follows from follow-ups; a contact gets that reply")
    remind_after_days: int = setting(
        7, ge=1, le=365, unit="days", description="Age of an invitation nobody answered from which it is on the list"
    )
    weight_by: str = setting(
        "value_tier", min_length=1, description="Column of accounts by which non-response is weighted"
    )
    currency_rates: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Rate] = setting(
        default_factory=dict,
        description="Value of one unit of a currency in that of the workspace; ties rank by ARR",
    )
    holdout: Holdout = setting(default_factory=Holdout, description="Who is left alone or starts later, by lot")
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", description="Coverage of the intervals")

    @model_validator(mode="after")
    def _lists_fit(self) -> Self:
        faults = {}
        priorities = [rule.priority for rule in self.lists.values()]
        if len(set(priorities)) < len(priorities):
            faults["lists"] = "two lists have the same priority; a contact is on one list, so the order must be clear"
        said = [route.followup.casefold() for route in self.routes]
        if len(set(said)) < len(said):
            faults["routes"] = "the same followup comes twice; keep one"
        # An answer of Monday is six days old when its first list is made.
        if self.holdout.share and 7 * self.holdout.delay_weeks + 6 > self.window_days:
            faults["holdout.delay_weeks"] = "answers no longer count by then; shorten it, or raise window_days"
        if faults:
            raise SettingError(faults)
        return self
