"""The week of a list, and the first moment in it at which a contact may be disturbed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from csworkbench.workspace import Quiet

SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Week:
    """A calendar week, Monday to Sunday, for which a list is made once.

    Args:
        first: Its Monday.
    """

    first: date

    @property
    def known(self) -> date:
        """Last day whose facts make the list: the Sunday before, so that every day of the week gives the same list."""
        return self.first - timedelta(days=1)

    @property
    def last(self) -> date:
        """Its Sunday; what is not sent by then has expired."""
        return self.first + timedelta(days=6)


def week_of(day: date) -> Week:
    """Return the week a day lies in."""
    return Week(day - timedelta(days=day.weekday()))


def zone_of(*names: object) -> ZoneInfo:
    """Return the first time zone that exists: of the contact, else of the account, else of the workspace.

    Args:
        names: Names in order; what is blank or unknown is passed over.

    Raises:
        ValueError: none of them is a time zone.
    """
    for name in names:
        if isinstance(name, str) and name:
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                continue
    raise ValueError(f"none of {names} is a time zone")


def is_quiet(at: datetime, quiet: Quiet) -> bool:
    """Return whether nothing may be sent at a moment.

    Args:
        at: Moment on the clock of the contact.
        quiet: Quiet time.
    """
    starts, ends = quiet.hours
    if quiet.weekends and at.weekday() >= SATURDAY:
        return True
    clock = at.time().replace(tzinfo=None)
    return starts <= clock < ends if starts < ends else clock >= starts or clock < ends


def first_moment(day: date, zone: ZoneInfo, quiet: Quiet | None) -> datetime:
    """Return the first moment from a day on that is not quiet, in UTC without a zone, as instants are held.

    Args:
        day: First day, on the clock of the contact.
        zone: Time zone of the contact.
        quiet: Quiet time; None = none.

    Raises:
        ValueError: a whole week is quiet, which `Quiet` does not allow.
    """
    ends = time.min if quiet is None else quiet.hours[1]
    for later in range(8):
        for clock in sorted({time.min, ends}):
            # Over UTC and back: a time that a change of the clocks leaves out becomes the one after it.
            at = datetime.combine(day + timedelta(days=later), clock, zone).astimezone(UTC)
            if quiet is None or not is_quiet(at.astimezone(zone), quiet):
                return at.replace(tzinfo=None)
    raise ValueError("a week without a moment that is not quiet")
