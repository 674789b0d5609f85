"""Settings of the weekly list: what a channel takes, what is planned already, and who is left alone by lot."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.filters import Condition
from csworkbench.policy import Holdout

Name = Annotated[str, Field(min_length=1)]
Minutes = Annotated[float, Field(ge=0, le=10_080)]


class Channel(Section):
    """What contacts on one channel take."""

    at_once: float = setting(
        1.0,
        ge=1,
        le=100,
        unit="contacts",
        tunable=True,
        description="How many one person handles at once: a chat of 4.5 is 4.5",
    )
    minutes: float = setting(
        10.0,
        ge=0,
        le=480,
        unit="minutes",
        tunable=True,
        description="Time of one contact by a person, where a proposal names none",
    )
    reach: float = setting(
        1.0,
        gt=0,
        le=1,
        unit="share",
        tunable=True,
        description="Share of those tried who are reached; an opinion until measured",
    )
    most: int | None = setting(
        None,
        ge=0,
        le=10**7,
        unit="contacts",
        tunable=True,
        description="Most contacts of a week for the whole team; null = no limit",
    )
    is_automated: bool = setting(False, description="Only the system can use it: nobody is proposed on it by hand")
    instead_of: tuple[Name, ...] = setting((), description="Channels of proposals for which it may stand in")


class Planned(Section):
    """Time taken by what is in the calendars already."""

    task: float = setting(
        30.0, ge=0, le=480, unit="minutes", tunable=True, description="A task due in the week and not done"
    )
    meeting: float = setting(
        60.0, ge=0, le=480, unit="minutes", tunable=True, description="A meeting planned for the week"
    )
    plan_step: float = setting(
        45.0,
        ge=0,
        le=480,
        unit="minutes",
        tunable=True,
        description="A step of a success plan, planned for the week and not done",
    )


class Start(Holdout):
    """Who is left alone or starts later, by lot, where the analysis that proposes has not drawn itself."""

    began_on: date | None = setting(
        None, description="Day the human lists began; the share drawn joins them later. null = nobody starts later"
    )


def _usual_channels() -> dict[str, Channel]:
    return {
        "call": Channel(minutes=20, reach=0.5),
        "chat": Channel(minutes=15, at_once=4.5, reach=0.1, instead_of=("call",)),
        "email": Channel(minutes=8, reach=0.3),
        "wechat": Channel(minutes=8, reach=0.4),
        "in_app": Channel(minutes=0, reach=0.3, is_automated=True),
        "sms": Channel(minutes=2, reach=0.05),
    }


class Config(Section):
    """Settings of `weekly_list`."""

    list_period: Literal["week"] = setting("week", description="How long a list stays as it is: a calendar week")
    channels: dict[Name, Channel] = setting(
        default_factory=_usual_channels, min_length=1, description="Channels there are, and what they take"
    )
    planned: Planned = setting(default_factory=Planned, description="Minutes of what is in the calendars already")
    free_share: float = setting(
        0.5,
        gt=0,
        le=1,
        unit="share",
        tunable=True,
        description="Part of a CSM's time for customers that proposals may take",
    )
    capacity_minutes: dict[Name, Minutes] = setting(
        default_factory=dict,
        unit="minutes",
        tunable=True,
        description="Time for customers of a CSM whose week is another one than csms says, by csm_id",
    )
    stand_in: bool = setting(
        True, tunable=True, description="A colleague steps in where nobody in charge speaks the language"
    )
    roles: tuple[Name, ...] = setting(("csm", "tech_touch"), description="Roles of csms that contact customers")
    leave_out: dict[Name, Condition] = setting(
        default_factory=dict, description="Who is not contacted: the reason, and a condition on contacts"
    )
    exports: tuple[Literal["xlsx", "hubspot", "salesforce"], ...] = setting(
        ("xlsx", "hubspot", "salesforce"), description="Files of the list beside CSV and Parquet"
    )
    addresses: bool = setting(
        False, description="A further table, crm, with e-mail addresses and phone numbers, for imports elsewhere"
    )
    holdout: Start = setting(default_factory=Start, description="Who is left alone or starts later, by lot")
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", description="Coverage of what the holdout can show")

    @model_validator(mode="after")
    def _channels_are_there(self) -> Self:
        unknown = {
            f"channels.{name}.instead_of": f"{other!r} is not among the channels"
            for name, channel in self.channels.items()
            for other in channel.instead_of
            if other not in self.channels
        }
        if unknown:
            raise SettingError(unknown)
        return self
