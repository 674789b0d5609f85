"""Settings of the touch matrix: what the system and the CSM do per stage and tier, and the channels of each tier."""

from typing import Literal, Self

from pydantic import model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.features import ActiveRatio, MeasureSource
from csworkbench.filters import Condition

STEM = "touch_matrix"


class Action(Section):
    """One thing that is done for the accounts of a stage, by the system or by the CSM."""

    id: str = setting(min_length=1, description="Short name of the action")
    stage: str = setting(min_length=1, description="Stage it belongs to, as segments names it")
    tiers: tuple[str, ...] = setting((), description="Value tiers it is for; empty = all")
    by: Literal["system", "csm"] = setting(description="Who does it")
    does: str = setting(min_length=1, description="What is done, in words")
    purpose: Literal["service", "marketing"] = setting(
        "service", description="What it is for: marketing needs a consent"
    )
    where: Condition | None = setting(None, description="Who of them needs it; absent = everybody in the stage")
    contents: tuple[str, ...] = setting((), description="Contents that count as done; empty = any")
    rules: tuple[str, ...] = setting((), description="Rules that count as done; empty = any")
    families: tuple[str, ...] = setting((), description="Families of touches that count as done; empty = any")
    channels: tuple[str, ...] = setting((), description="Channels that count as done; empty = any")
    meetings: tuple[str, ...] = setting((), description="Kinds of meeting that count as done, once held")
    within_days: int | None = setting(
        None, ge=1, le=730, unit="days", description="Once, at most so many days after the account came into the stage"
    )
    every_days: int | None = setting(
        None, ge=1, le=730, unit="days", description="Again and again, at most so many days apart"
    )

    @model_validator(mode="after")
    def _happens_once_or_again(self) -> Self:
        if (self.within_days is None) == (self.every_days is None):
            raise SettingError({"within_days": "write either within_days (once) or every_days (again and again)"})
        return self


class Resend(Section):
    """Which messages are sent again."""

    important: tuple[str, ...] = setting(("high",), description="Importances whose messages are sent again")
    after_days: int = setting(
        3, ge=1, le=60, unit="days", description="How long nobody has reacted before it is sent again"
    )
    within_days: int = setting(30, ge=1, le=180, unit="days", description="How old a message may be to be sent again")
    promotes: dict[str, Condition] = setting(
        default_factory=dict, description="Content -> what the account does once the message has worked"
    )

    @model_validator(mode="after")
    def _leaves_days(self) -> Self:
        if self.after_days >= self.within_days:
            raise SettingError({"after_days": "must be below within_days, or nothing is ever sent again"})
        return self


class Load(Section):
    """What makes up the load of a CSM."""

    weeks: int = setting(13, ge=4, le=52, unit="weeks", description="Weeks up to the date whose work is added up")
    task: float = setting(
        30.0, ge=0, le=480, unit="minutes", description="A task, done or planned; 0 = touches tell of the work"
    )
    meeting: float = setting(60.0, ge=0, le=480, unit="minutes", description="A meeting planned for the week ahead")
    plan_step: float = setting(
        45.0, ge=0, le=480, unit="minutes", description="A step of a success plan, planned for the week ahead"
    )
    repeats: int = setting(
        5, ge=2, le=1000, unit="accounts",
        description="At how many accounts one person has to give the same guidance for it to be repeated",
    )  # fmt: skip
    least_accounts: int = setting(
        5, ge=1, le=1000, unit="accounts", description="Whoever looks after fewer is not named: they are added up"
    )


def _usual_measures() -> dict[str, MeasureSource]:
    return {"active_ratio": ActiveRatio()}


class Config(Section):
    """Settings of `touch_matrix`."""

    matrix: tuple[Action, ...] = setting(min_length=1, description="What is done for whom, by the system or the CSM")
    quiet_stages: tuple[str, ...] = setting(
        ("churned",), description="Stages in which nothing has to be defined for anybody"
    )
    measures: dict[str, MeasureSource] = setting(
        default_factory=_usual_measures, description="Measures that conditions may read, by name"
    )
    routes: dict[str, tuple[str, ...]] = setting(
        default_factory=dict, description="Value tier -> its channels, the first one tried first"
    )
    live_channels: tuple[str, ...] = setting(
        ("call", "visit", "video", "wechat"),
        description="Channels on which a delivered touch has reached a person; on others a person has to open or react",
    )
    episode_days: int = setting(
        14, ge=1, le=90, unit="days", description="Touches of one account for one reason so close together are one try"
    )
    resend: Resend = setting(default_factory=Resend, description="Important messages that are sent again")
    received_days: int = setting(
        14, ge=1, le=90, unit="days", description="Trailing days of which the page lists what each contact received"
    )
    overlap_days: int = setting(
        2, ge=1, le=30, unit="days", description="Touches of one contact by two initiators so close are an overlap"
    )
    period_days: int = setting(365, ge=28, le=1095, unit="days", description="Trailing days that are read")
    milestone: str = setting("first_value", min_length=1, description="Milestone that ends onboarding")
    trend_quarters: int = setting(
        4, ge=1, le=12, unit="quarters", description="How many quarters back the six figures are followed"
    )
    load: Load = setting(default_factory=Load, description="What makes up the load of a CSM")
    pool_roles: tuple[str, ...] = setting(
        ("tech_touch",), description="Roles of csms whose accounts are a pool, which is no CSM's load"
    )
    kpi_by: str = setting(
        "region", description="Attribute of accounts that makes the policy cells together with the tier; empty = none"
    )
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", description="Coverage of the intervals")
    seed: int = setting(1, ge=0, le=2**31, description="The same seed gives the same intervals")

    @model_validator(mode="after")
    def _actions_are_named_once(self) -> Self:
        names = [action.id for action in self.matrix]
        faults = {
            f"matrix.{place}.id": f"'{name}' is used twice" for place, name in enumerate(names) if name in names[:place]
        }
        faults |= {
            f"routes.{tier}": "a route names each channel once"
            for tier, channels in self.routes.items()
            if len(set(channels)) < len(channels)
        }
        if faults:
            raise SettingError(faults)
        return self
