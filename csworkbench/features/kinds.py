"""The kinds of measure a config can ask for: one Section each, told apart by `kind`."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from csworkbench.config import Section, setting

_FEATURES = "Only these features count; empty = all"

Days = Annotated[int, Field(ge=1, le=731)]
Amount = Literal["events", "minutes", "sessions"]


class _Measured(Section):
    """What every kind of measure says of itself beside its settings."""

    reads: ClassVar[tuple[str, ...]]
    unit: ClassVar[str] = ""

    @property
    def overwritten(self) -> Mapping[str, tuple[str, ...]]:
        """Table -> columns the measure reads that exports may overwrite with today's value."""
        return {}


class ActiveUsers(_Measured):
    """Distinct users with at least one event of a qualifying feature in the trailing days."""

    reads: ClassVar[tuple[str, ...]] = ("usage_daily",)
    unit: ClassVar[str] = "users"

    kind: Literal["active_users"] = setting("active_users", description="Distinct active users")
    window_days: Days = setting(28, unit="days", description="Trailing days, as_of included")
    features: tuple[str, ...] = setting((), description=_FEATURES)


class ActiveRatio(_Measured):
    """Active users divided by the seats of the subscriptions that run; missing where seats are 0 or unknown."""

    reads: ClassVar[tuple[str, ...]] = ("usage_daily", "subscriptions")
    unit: ClassVar[str] = "share"

    kind: Literal["active_ratio"] = setting("active_ratio", description="Active users per paid seat; may exceed 1")
    window_days: Days = setting(28, unit="days", description="Trailing days, as_of included")
    features: tuple[str, ...] = setting((), description=_FEATURES)

    @property
    def overwritten(self) -> Mapping[str, tuple[str, ...]]:
        """The end of a term decides whether its seats count."""
        return {"subscriptions": ("end_date",)}


class Usage(_Measured):
    """Events, minutes or sessions in the trailing days."""

    reads: ClassVar[tuple[str, ...]] = ("usage_daily",)

    kind: Literal["usage"] = setting("usage", description="Sum of use")
    what: Amount = setting("events", description="What is added up")
    window_days: Days = setting(28, unit="days", description="Trailing days, as_of included")
    features: tuple[str, ...] = setting((), description=_FEATURES)


class FeatureBreadth(_Measured):
    """Share of the core features that were used in the trailing days."""

    reads: ClassVar[tuple[str, ...]] = ("usage_daily",)
    unit: ClassVar[str] = "share"

    kind: Literal["feature_breadth"] = setting("feature_breadth", description="Used core features / core features")
    window_days: Days = setting(28, unit="days", description="Trailing days, as_of included")

    @property
    def overwritten(self) -> Mapping[str, tuple[str, ...]]:
        """The plan decides which features count, where a table says which features are core."""
        return {"accounts": ("plan",)}


class DaysSinceLastUse(_Measured):
    """Days from the last day with use to the date."""

    reads: ClassVar[tuple[str, ...]] = ("usage_daily",)
    unit: ClassVar[str] = "days"

    kind: Literal["days_since_last_use"] = setting("days_since_last_use", description="Days since the last use")


class UsageTrend(_Measured):
    """Change of use in the last 28 days against the account's own 84 days before, minus its region's median change."""

    reads: ClassVar[tuple[str, ...]] = ("usage_daily",)
    unit: ClassVar[str] = "share"

    kind: Literal["usage_trend"] = setting("usage_trend", description="Change of use, seasons of the region removed")
    what: Amount = setting("events", description="What is added up")
    minimum_peers: int = setting(
        5,
        ge=1,
        le=1000,
        unit="accounts",
        description="A region with fewer measured accounts is compared with the book; a smaller book has no trend",
    )


class OpenTickets(_Measured):
    """Tickets that were open at the end of the date."""

    reads: ClassVar[tuple[str, ...]] = ("tickets",)
    unit: ClassVar[str] = "tickets"

    kind: Literal["open_tickets"] = setting("open_tickets", description="Tickets not resolved yet")


class Tickets(_Measured):
    """Tickets opened in the trailing days."""

    reads: ClassVar[tuple[str, ...]] = ("tickets",)
    unit: ClassVar[str] = "tickets"

    kind: Literal["tickets"] = setting("tickets", description="Tickets opened")
    window_days: Days = setting(90, description="Trailing days, as_of included", unit="days")


class Nps(_Measured):
    """Mean of the latest answer of each contact, answers that are too old left out."""

    reads: ClassVar[tuple[str, ...]] = ("nps_responses",)
    unit: ClassVar[str] = "points"

    kind: Literal["nps"] = setting("nps", description="Mean NPS score of the contacts, 0 to 10")
    max_age_days: Days = setting(180, description="Oldest answer that counts", unit="days")


class DaysSinceContact(_Measured):
    """Days from the newest touch of a person with the account to the date; mails by the system do not count."""

    reads: ClassVar[tuple[str, ...]] = ("touches",)
    unit: ClassVar[str] = "days"

    kind: Literal["days_since_contact"] = setting("days_since_contact", description="Days since a person was in touch")


class Tenure(_Measured):
    """Days from signing up to the date."""

    reads: ClassVar[tuple[str, ...]] = ("accounts",)
    unit: ClassVar[str] = "days"

    kind: Literal["tenure"] = setting("tenure", description="Days since the account signed up")


class DaysToRenewal(_Measured):
    """Days to the earliest renewal that is not decided; negative when it is past due."""

    reads: ClassVar[tuple[str, ...]] = ("renewals",)
    unit: ClassVar[str] = "days"

    kind: Literal["days_to_renewal"] = setting("days_to_renewal", description="Days to the next undecided renewal")


class Attribute(_Measured):
    """A column of `accounts`, canonical or extra, as it stood at the date; outcomes are refused."""

    reads: ClassVar[tuple[str, ...]] = ("accounts",)

    kind: Literal["attribute"] = setting("attribute", description="A column of the accounts")
    column: str = setting(description="Name of a number, text or boolean column", min_length=1)

    @property
    def overwritten(self) -> Mapping[str, tuple[str, ...]]:
        """The column itself."""
        return {"accounts": (self.column,)}


MeasureSource = Annotated[
    ActiveUsers
    | ActiveRatio
    | Usage
    | FeatureBreadth
    | DaysSinceLastUse
    | UsageTrend
    | OpenTickets
    | Tickets
    | Nps
    | DaysSinceContact
    | Tenure
    | DaysToRenewal
    | Attribute,
    Field(discriminator="kind"),
]
"""Where a measure comes from: one of the kinds above."""
