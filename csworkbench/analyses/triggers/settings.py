"""Settings of the triggers: what each looks at, and how the past judges it."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from csworkbench.analyses.triggers.kinds import (
    Activity,
    Behaviour,
    Calendar,
    CancelRequest,
    ContactReplaced,
    Name,
    OpenTicket,
    RenewalWindow,
    RepeatedQuestion,
    SharedLogin,
    SignUp,
    TicketCluster,
    Trigger,
    Upgrade,
)
from csworkbench.config import Section, SettingError, setting
from csworkbench.features import DaysSinceLastUse, UsageTrend

EMAIL = "email"
Rate = Annotated[float, Field(gt=0, le=1e6)]


def _usual() -> dict[str, Trigger]:
    return {
        "welcome_mail": Calendar(family="lifecycle", play="welcome", mode="automated"),
        "two_weeks": Calendar(family="lifecycle", play="discovery", mode="automated", after_days=14),
        "welcome_call": SignUp(family="lifecycle", play="welcome-call", priority=3),
        "usage_falls": Behaviour(measure=UsageTrend()),
        "no_login": Behaviour(measure=DaysSinceLastUse(), bad="high"),
        "new_feature": Activity(play="best-practice", mode="automated"),
        "new_teammate": Activity(what="teammate", play="team-start", mode="automated"),
        "same_question": RepeatedQuestion(play="fit-call"),
        "open_ticket": OpenTicket(play="ticket-call"),
        "ticket_cluster": TicketCluster(play="known-problem", mode="automated"),
        "shared_login": SharedLogin(play="fit-call"),
        "renewal_window": RenewalWindow(family="lifecycle", play="renewal-visit"),
        "contact_replaced": ContactReplaced(family="lifecycle", play="train-new-contact"),
        "upgrade": Upgrade(family="lifecycle", play="upgrade-call"),
        "cancel_request": CancelRequest(play="save-call", priority=1),
    }


class Config(Section):
    """Settings of `triggers`."""

    triggers: dict[Name, Trigger] = setting(default_factory=_usual, min_length=1, description="Triggers by name")
    maturity: Literal["early", "mature"] = setting(
        "mature", description="Of the product: people act for triggers by_maturity while it is early, then the system"
    )
    history_weeks: int = setting(
        92, ge=8, le=260, unit="weeks", description="How far back triggers are followed, week by week"
    )
    judge_weeks: int = setting(
        39, ge=4, le=208, unit="weeks", description="Newest weeks with a known outcome; thresholds come from before"
    )
    horizon_days: int = setting(
        180, ge=14, le=730, unit="days", description="A loss within so many days of an alert counts as foreseen"
    )
    acted_days: int = setting(
        14,
        ge=1,
        le=180,
        unit="days",
        description="A touch by a person so soon after an alert means that it was acted on",
    )
    open_days: int = setting(
        21, ge=1, le=180, unit="days", description="So long an alert asks for a contact, unless somebody has acted"
    )
    overlap_days: int = setting(
        14, ge=0, le=180, unit="days", description="Alerts of two triggers so close together are about the same thing"
    )
    useful_lift: float = setting(
        2.0,
        gt=1,
        le=100,
        description="Times as often as at any account losses have to follow for a trigger to be useful",
    )
    least_alerts: int = setting(
        30, ge=5, le=10_000, unit="alerts", description="With fewer alerts nobody acted on there is no verdict"
    )
    currency_rates: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Rate] = setting(
        default_factory=dict,
        description="Value of one unit of a currency in that of the workspace, for the break-even of calls",
    )
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", description="Coverage of the intervals")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        faults = {
            f"triggers.{name}.is_on": "set its threshold first: what the data propose is confirmed in the settings"
            for name, each in self.triggers.items()
            if each.is_on and not each.confirmed
        }
        if self.horizon_days + 7 * self.judge_weeks > 7 * self.history_weeks:
            faults["history_weeks"] = (
                f"must reach over judge_weeks and the horizon: at least {self.judge_weeks + -(-self.horizon_days // 7)}"
            )
        if faults:
            raise SettingError(faults)
        return self

    def channel_of(self, name: str) -> str | None:
        """Return the channel of a trigger's contacts; None = the contact policy chooses."""
        channel = self.triggers[name].channel
        return channel if channel is not None or self.mode_of(name) == "human" else EMAIL

    def mode_of(self, name: str) -> str:
        """Return who acts on a trigger's alerts: human or automated."""
        mode = self.triggers[name].mode
        if mode != "by_maturity":
            return mode
        return "human" if self.maturity == "early" else "automated"
