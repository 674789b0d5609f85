"""Settings of the account brief: which accounts, how far back, who should be known, and the next meeting."""

from typing import Annotated, Literal

from pydantic import Field

from csworkbench.config import Section, setting

Id = Annotated[str, Field(min_length=1)]
Role = Literal["admin", "champion", "buyer", "exec", "user"]


class Config(Section):
    """Settings of `account_brief`."""

    accounts: tuple[Id, ...] = setting((), description="Ids of the accounts that get a brief; empty = all customers")
    names: bool = setting(
        False, description="People by name, and in free texts; else by role and id. Needs contact_pii in the workspace"
    )
    timeline_days: int = setting(90, ge=7, le=730, unit="days", description="How far back the timeline goes")
    most_events: int = setting(
        15, ge=5, le=200, unit="rows", description="Rows of the timeline of an account, the newest"
    )
    roles: tuple[Role, ...] = setting(
        ("champion", "buyer", "exec", "admin"), description="Roles of which somebody should be known at an account"
    )
    dropped: tuple[str, ...] = setting(
        ("cancelled", "canceled", "dropped", "skipped"), description="Statuses of tasks that nobody has to do any more"
    )
    renewal_days: int = setting(
        120, ge=1, le=365, unit="days", description="A renewal due within so many days is talked about"
    )
    issue_days: int = setting(7, ge=0, le=365, unit="days", description="An issue open for longer is talked about")
    raise_most: int = setting(6, ge=1, le=20, unit="topics", description="Most topics of an agenda")
    meeting_minutes: int = setting(60, ge=5, le=480, unit="minutes", description="Length of a meeting in the calendar")
    reminder_hours: int = setting(
        24, ge=0, le=336, unit="hours", description="How long before a meeting the calendar reminds; 0 = never"
    )
