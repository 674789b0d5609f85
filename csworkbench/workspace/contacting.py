"""Who may be contacted, as the team declares it once: bases, caps, quiet time, and how often staff is told."""

from datetime import time
from typing import Literal, Self

from pydantic import model_validator

from csworkbench.config import Section, SettingError, setting

_CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"
Initiator = Literal["central", "csm", "customer", "marketing"]


class Cap(Section):
    """So many touches in so many days, and no more."""

    per: Literal["contact", "account"] = setting(description="Whose touches are counted")
    touches: int = setting(ge=1, le=1000, unit="touches", description="Most touches in the window")
    days: int = setting(ge=1, le=366, unit="days", description="Length of the window: the last day and those before it")
    channels: tuple[str, ...] = setting((), description="Channels that count and are stopped; [] = all")


class Quiet(Section):
    """The time of day, at the contact's place, in which nothing is sent."""

    starts: str = setting("20:00", pattern=_CLOCK, description="From this time on, HH:MM")
    ends: str = setting("08:00", pattern=_CLOCK, description="Until this time; before starts = of the next morning")
    weekends: bool = setting(True, description="Saturdays and Sundays are quiet too")

    @property
    def hours(self) -> tuple[time, time]:
        """Start and end as times of day."""
        return time.fromisoformat(self.starts), time.fromisoformat(self.ends)

    @model_validator(mode="after")
    def _some_time_is_left(self) -> Self:
        if self.starts == self.ends:
            raise SettingError({"ends": "the same as starts leaves no time to send; leave out quiet for none"})
        return self


class ContactPolicy(Section):
    """Rules every list of contacts obeys, whatever analysis makes it."""

    service_basis: str | None = setting(
        None, min_length=1, description="What service messages rest on, such as contract; absent = only consent"
    )
    least_consents: int = setting(
        1, ge=0, le=10**10, unit="rows", description="Fewer rows of consents stop every list; 0 = the team keeps none"
    )
    least_suppressions: int = setting(
        1,
        ge=0,
        le=10**10,
        unit="rows",
        description="Fewer rows of suppressions stop every list; 0 = there are none",
    )
    caps: tuple[Cap, ...] = setting(
        (Cap(per="contact", touches=2, days=14), Cap(per="account", touches=8, days=14)),
        description="Caps over all programs; every one holds",
    )
    counted: tuple[Initiator, ...] = setting(
        ("central", "csm", "marketing"), description="Who started the touches that count; without one a touch counts"
    )
    quiet: Quiet | None = setting(Quiet(), description="Quiet time in the contact's zone; null = none")
    notices_per_csm: int = setting(
        10, ge=1, le=1000, unit="rows", description="Most rows of one list that are given to one CSM"
    )

    @model_validator(mode="after")
    def _caps_differ(self) -> Self:
        seen: set[tuple[str, int, tuple[str, ...]]] = set()
        for place, cap in enumerate(self.caps):
            if (cap.per, cap.days, cap.channels) in seen:
                raise SettingError({f"caps.{place}": "the same per, days and channels as another one; keep one"})
            seen.add((cap.per, cap.days, cap.channels))
        return self
