"""Settings of the key accounts page: who they are, how often people meet, and what harm is put up with."""

from typing import Annotated, Literal

from pydantic import Field

from csworkbench.config import Section, setting

Name = Annotated[str, Field(min_length=1)]
Days = Annotated[int, Field(ge=1, le=730)]


class KeyPoint(Section):
    """A happening that calls for a meeting."""

    event: Literal["renewal", "serious_ticket"] = setting(description="What calls for it")
    before_days: int = setting(0, ge=0, le=365, unit="days", description="The meeting may be held so long before")
    after_days: int = setting(0, ge=0, le=365, unit="days", description="The meeting may be held so long after")
    kinds: tuple[Literal["key_point", "regular", "emergency", "strategy", "review"], ...] = setting(
        ("key_point",), min_length=1, description="Kinds of meetings that count"
    )


class Margins(Section):
    """Losses of service that are put up with; beyond them opportunity mining hurts."""

    resolution_ratio: float = setting(1.1, gt=1, le=3, unit="ratio", description="Times the usual resolution time")
    csat_points: float = setting(0.2, gt=0, le=5, unit="points", description="Satisfaction lost")
    delay_days: float = setting(7.0, gt=0, le=365, unit="days", description="Days a project ends later")
    quality_points: float = setting(0.25, gt=0, le=5, unit="points", description="Quality of delivery lost")


def _usual_key_points() -> tuple[KeyPoint, ...]:
    return (
        KeyPoint(event="renewal", before_days=90),
        KeyPoint(event="serious_ticket", after_days=14, kinds=("key_point", "emergency")),
    )


class Config(Section):
    """Settings of `key_accounts`."""

    tiers: tuple[Name, ...] = setting(("large",), description="Value tiers whose accounts are key accounts")
    accounts: tuple[Name, ...] = setting((), description="Further key accounts, by account_id")
    window_days: int = setting(
        365, ge=60, le=1460, unit="days", description="Days that are compared with as many before them"
    )
    rating_days: int = setting(
        200, ge=30, le=730, unit="days", description="A rating counts so long; the change is that to the time before"
    )
    high_level: int = setting(4, ge=2, le=5, unit="points", description="Level from which a rating is high")
    cadence_days: dict[Name, Days] = setting(
        default_factory=lambda: {"large": 30, "mid": 90},
        unit="days",
        description="Value tier -> how often a regular meeting is held",
    )
    key_points: tuple[KeyPoint, ...] = setting(
        default_factory=_usual_key_points, min_length=1, description="What calls for a key-point meeting, and when"
    )
    serious: tuple[Name, ...] = setting(("urgent", "critical"), description="Severities of tickets that are serious")
    team_roles: tuple[Name, ...] = setting(("csm",), description="Roles each key account has somebody for")
    hand_off_days: int = setting(
        60, ge=7, le=365, unit="days", description="Days in which a new fact becomes an opportunity, or is reminded of"
    )
    new_facts: tuple[Name, ...] = setting(
        ("new_need",), description="Triggers of tasks that tell a new fact; feature requests of tickets count too"
    )
    margins: Margins = setting(default_factory=Margins, description="Losses of service that are put up with")
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", description="Coverage of the intervals")
    seed: int = setting(1, ge=0, le=2**31, description="The same seed draws the same intervals")
