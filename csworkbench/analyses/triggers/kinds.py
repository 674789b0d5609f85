"""The kinds of trigger a config can ask for: one Section each, told apart by `kind`."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.features import MeasureSource
from csworkbench.filters import Condition

Name = Annotated[str, Field(min_length=1)]
EVERY = "*"


class _Trigger(Section):
    """What every kind of trigger says beside what it looks at."""

    reads: ClassVar[tuple[str, ...]]
    needs: ClassVar[tuple[str, ...]] = ()
    """Columns of the first of those tables without which there is nothing to look at."""
    is_warning: ClassVar[bool] = True
    """An alert says that something may be wrong; else it is an occasion, which losses cannot judge."""

    is_on: bool = setting(False, description="Its alerts ask for a contact on the weekly list; false = only judged")
    family: Literal["lifecycle", "behaviour", "nps", "manual"] = setting(
        "behaviour", description="Family of events it belongs to"
    )
    play: Name = setting("check-in", description="Script of the contact, by its key")
    mode: Literal["human", "automated", "by_maturity"] = setting(
        "human", description="Who acts; by_maturity = people while the product is early, else the system"
    )
    purpose: Literal["service", "marketing"] = setting("service", description="What for: marketing needs a consent")
    channel: Name | None = setting(
        None, description="Channel of the contact; null = people choose, and the system writes e-mail"
    )
    priority: int = setting(5, ge=1, le=9, description="1 = served first")
    minutes: float | None = setting(None, ge=0, le=480, unit="minutes", description="Time one contact takes")
    is_must_do: bool = setting(False, description="Done whatever else is to do, and never held out")
    cool_down_days: int = setting(
        56, ge=0, le=730, unit="days", description="So long after an alert the same account causes no other one"
    )
    where: Condition | None = setting(None, description="Whom it is about; absent = every account")
    tasks: tuple[Name, ...] = setting(
        (), description="Words of tasks.trigger that mean the same, so that nothing is asked twice; absent = its name"
    )

    @property
    def confirmed(self) -> bool:
        """Whether everything it needs to alert was set by the team."""
        return True


class Calendar(_Trigger):
    """So many days after a day of the account: a welcome mail, a mail after two weeks."""

    reads: ClassVar[tuple[str, ...]] = ("accounts",)
    is_warning: ClassVar[bool] = False

    kind: Literal["calendar"] = setting("calendar", description="A day in the calendar")
    anchor: Literal["signup_at", "paid_at", "trial_until"] = setting("signup_at", description="Day it counts from")
    after_days: int = setting(0, ge=0, le=3650, unit="days", description="Days after that day")


class Behaviour(_Trigger):
    """A measure of the account falls below a threshold, or rises above it."""

    kind: Literal["behaviour"] = setting("behaviour", description="A measure passes a threshold")
    measure: MeasureSource = setting(description="What is measured, week by week")
    bad: Literal["low", "high"] = setting("low", description="Side of the threshold that causes an alert")
    threshold: float | None = setting(
        None, ge=-1e9, le=1e9, description="Where alerts begin; null = proposed from the data, unconfirmed"
    )
    clears_at: float | None = setting(
        None,
        ge=-1e9,
        le=1e9,
        description="Where it is over, on the good side of the threshold; null = proposed from the data",
    )

    @model_validator(mode="after")
    def _clears_on_the_good_side(self) -> Self:
        if self.clears_at is not None and self.threshold is None:
            raise SettingError({"clears_at": "set threshold too; a bound without it says nothing"})
        if self.clears_at is not None and self.threshold is not None:
            is_better = self.clears_at >= self.threshold if self.bad == "low" else self.clears_at <= self.threshold
            if not is_better:
                side = "at least" if self.bad == "low" else "at most"
                raise SettingError(
                    {"clears_at": f"must be {side} threshold, {self.threshold}: it is over on that side"}
                )
        return self

    @property
    def confirmed(self) -> bool:
        """Whether the threshold was set by the team."""
        return self.threshold is not None


class Activity(_Trigger):
    """Something happens in the product for the first time."""

    reads: ClassVar[tuple[str, ...]] = ("usage_daily",)
    is_warning: ClassVar[bool] = False

    kind: Literal["activity"] = setting("activity", description="A first time in the product")
    what: Literal["feature", "teammate"] = setting(
        "feature", description="A feature of high value is used first, or somebody new uses the product"
    )
    features: tuple[Name, ...] = setting((), description="These features; empty = those of high value")
    quiet_days: int = setting(
        28, ge=0, le=365, unit="days", description="So long after the first use of all everything is new, and no news"
    )


class RepeatedQuestion(_Trigger):
    """An account asks about the same thing again and again."""

    reads: ClassVar[tuple[str, ...]] = ("tickets",)
    needs: ClassVar[tuple[str, ...]] = ("topic",)

    kind: Literal["repeated_question"] = setting("repeated_question", description="The same topic again and again")
    times: int = setting(3, ge=2, le=100, unit="tickets", description="Tickets about one topic")
    window_days: int = setting(60, ge=1, le=730, unit="days", description="Within so many days")
    only_requests: bool = setting(False, description="Count only what the product does not do (is_feature_request)")


class OpenTicket(_Trigger):
    """A ticket is open for too long."""

    reads: ClassVar[tuple[str, ...]] = ("tickets",)
    needs: ClassVar[tuple[str, ...]] = ("resolved_at",)

    kind: Literal["open_ticket"] = setting("open_ticket", description="A ticket nobody resolves")
    days: int | None = setting(
        None, ge=1, le=365, unit="days", description="Too long; null = proposed from the data, unconfirmed"
    )

    @property
    def confirmed(self) -> bool:
        """Whether the days were set by the team."""
        return self.days is not None


class TicketCluster(_Trigger):
    """Accounts of one configuration ask about one topic more than others do: those that have not asked are told."""

    reads: ClassVar[tuple[str, ...]] = ("tickets",)
    needs: ClassVar[tuple[str, ...]] = ("topic", "configuration")
    is_warning: ClassVar[bool] = False

    kind: Literal["ticket_cluster"] = setting("ticket_cluster", description="A topic that goes with a configuration")
    window_days: int = setting(90, ge=7, le=730, unit="days", description="Tickets of so many days")
    least_accounts: int = setting(
        3, ge=2, le=1000, unit="accounts", description="A pair of fewer accounts is not asked about"
    )
    false_share: float = setting(
        0.05, gt=0, le=0.5, unit="share", description="Share of the pairs found that may be false, on average"
    )


class SharedLogin(_Trigger):
    """One login is used for more than one person can: many people share it."""

    reads: ClassVar[tuple[str, ...]] = ("usage_daily",)
    needs: ClassVar[tuple[str, ...]] = ("user_id", "minutes")

    kind: Literal["shared_login"] = setting("shared_login", description="Many people on one login")
    most_minutes: float = setting(
        720.0, gt=0, le=100_000, unit="minutes", description="More of one login in a day is more than one person"
    )
    days: int = setting(3, ge=1, le=365, unit="days", description="On at least so many days")
    window_days: int = setting(28, ge=1, le=365, unit="days", description="Within so many days")


class RenewalWindow(_Trigger):
    """An account enters the time before its renewal: a task with fixed fields."""

    reads: ClassVar[tuple[str, ...]] = ("renewals",)
    needs: ClassVar[tuple[str, ...]] = ("due_date",)
    is_warning: ClassVar[bool] = False

    kind: Literal["renewal_window"] = setting("renewal_window", description="The time before a renewal begins")
    days: int = setting(90, ge=1, le=730, unit="days", description="How long before the due date")


class ContactReplaced(_Trigger):
    """A contact who matters has left: one task, to train whoever follows."""

    reads: ClassVar[tuple[str, ...]] = ("contacts",)
    needs: ClassVar[tuple[str, ...]] = ("left_at",)

    kind: Literal["contact_replaced"] = setting("contact_replaced", description="A contact has left")
    roles: tuple[Name, ...] = setting(("champion",), min_length=1, description="Roles that matter")
    successor_days: int = setting(
        45,
        ge=0,
        le=365,
        unit="days",
        description="A contact of the role added so long before or after is the successor",
    )


class Upgrade(_Trigger):
    """An account has upgraded: thank, understand the need, ask for feedback; the script depends on the transition."""

    reads: ClassVar[tuple[str, ...]] = ("subscriptions",)
    needs: ClassVar[tuple[str, ...]] = ("change_type",)
    is_warning: ClassVar[bool] = False

    kind: Literal["upgrade"] = setting("upgrade", description="A subscription is upgraded")
    scripts: dict[Name, Name] = setting(
        default_factory=lambda: {EVERY: "Thank them, ask what they need and how it goes, and who else it would help"},
        min_length=1,
        description="What to say by transition, 'starter > premium'; * = every other one",
    )


class CancelRequest(_Trigger):
    """An account says that it wants to leave, and why."""

    reads: ClassVar[tuple[str, ...]] = ("cancel_requests",)
    needs: ClassVar[tuple[str, ...]] = ("requested_at",)

    kind: Literal["cancel_request"] = setting("cancel_request", description="A wish to leave")


class SignUp(_Trigger):
    """A new account, for a welcome call where it pays, can be reached, and the flood is not free."""

    reads: ClassVar[tuple[str, ...]] = ("accounts",)
    needs: ClassVar[tuple[str, ...]] = ("signup_at",)
    is_warning: ClassVar[bool] = False

    kind: Literal["sign_up"] = setting("sign_up", description="A new account")
    call_cost: float = setting(
        30.0, ge=0, le=1e6, unit="money", description="What one call costs, in the currency of the workspace"
    )
    retention_gain: float = setting(
        0.05,
        gt=0,
        le=1,
        unit="share",
        description="Accounts more that stay because of the call; an opinion until tested",
    )
    margin: float = setting(0.8, gt=0, le=1, unit="share", description="Part of the revenue that is left")
    months: int = setting(12, ge=1, le=120, unit="months", description="How long an account that stays pays more")
    ways: tuple[Literal["phone", "in_app"], ...] = setting(
        ("phone",), min_length=1, description="How new accounts can be called; in_app needs nothing on record"
    )
    qualified: tuple[Name, ...] = setting(
        (), description="Values of accounts.qualification that are worth a call; empty = all"
    )
    least_paying: float = setting(
        0.2, ge=0, le=1, unit="share", description="Where fewer sign-ups come to pay, they are a free flood: no calls"
    )

    @property
    def break_even(self) -> float:
        """Least revenue per month, in the currency of the workspace, at which a call pays."""
        return self.call_cost / (self.retention_gain * self.margin * self.months)


Trigger = Annotated[
    Calendar
    | Behaviour
    | Activity
    | RepeatedQuestion
    | OpenTicket
    | TicketCluster
    | SharedLogin
    | RenewalWindow
    | ContactReplaced
    | Upgrade
    | CancelRequest
    | SignUp,
    Field(discriminator="kind"),
]
"""A trigger: one of the kinds above."""
