"""Settings of the reassignment: who leaves, what an account takes, what may move, and what each group is told."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, setting

Name = Annotated[str, Field(min_length=1)]
Minutes = Annotated[float, Field(ge=0, le=2400)]
Rate = Annotated[float, Field(gt=0, le=1e6)]
REASONS = ("leaver", "complaint", "nobody", "overload", "balance")


class Effort(Section):
    """What an account takes of its CSM in a week: the standard of its tier, or what was recorded where that is more."""

    by_tier: dict[Name, Minutes] = setting(
        default_factory=lambda: {"large": 75.0, "mid": 35.0, "small": 2.0},
        unit="minutes",
        description="Standard of each value tier, all work for the account included",
    )
    otherwise: float = setting(20.0, ge=0, le=2400, unit="minutes", description="Standard of accounts of no such tier")
    window_weeks: int = setting(
        26, ge=0, le=104, unit="weeks", description="Touches by people that are recorded; 0 = the standard alone"
    )


class Monitor(Section):
    """How losses after a transfer are compared."""

    horizon_days: int = setting(180, ge=30, le=730, unit="days", description="Losses so long after a transfer count")
    history_days: int = setting(730, ge=90, le=3650, unit="days", description="Transfers so far back are followed")
    least_controls: int = setting(
        10, ge=2, le=1000, unit="accounts", description="Fewer comparable accounts are looked for in the whole tier"
    )
    margin: float = setting(
        1.5, gt=1, le=10, unit="ratio", description="Up to so many times the losses of comparable accounts is no harm"
    )
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", description="Coverage of the intervals")


class Config(Section):
    """Settings of `reassignment`."""

    leaving: dict[Name, date] = setting(
        default_factory=dict, description="CSMs who leave, and the first day they are not there"
    )
    complaints: tuple[Name, ...] = setting((), description="Accounts that asked for another CSM, by account_id")
    not_taking: tuple[Name, ...] = setting((), description="CSMs who keep their accounts and take no others")
    roles: tuple[Name, ...] = setting(("csm",), description="Roles of csms that take accounts by name")
    leads_take: bool = setting(False, description="Whoever leads others takes accounts too")
    effort: Effort = setting(default_factory=Effort, description="What an account takes of its CSM in a week")
    max_load: float = setting(
        0.9, gt=0, le=2, unit="share", description="Most of a CSM's time for customers that accounts may fill"
    )
    may_move: Literal["forced", "overloaded", "all"] = setting(
        "overloaded", description="Accounts that may move beside those that have to: none, of CSMs above max_load, all"
    )
    least_gap: float = setting(
        0.2, ge=0, le=2, unit="share", description="Difference in load below which no account of usual size moves"
    )
    arr_weight: float = setting(0.25, ge=0, le=10, description="Weight of even ARR beside even minutes; 0 = none")
    rates: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Rate] = setting(
        default_factory=dict, description="Worth of one unit of other currencies, in the workspace's; for the balance"
    )
    language_rule: Literal["required", "none"] = setting(
        "required", description="Whether whoever takes an account speaks its language"
    )
    keep_together: tuple[tuple[Name, ...], ...] = setting(
        (), description="Accounts with one CSM for all of them, by account_id; those of one parent always are"
    )
    messages: dict[Name, dict[Name, str]] = setting(
        default_factory=dict, description="Reason, then language -> what the account is told; {name}, {old}, {new}"
    )
    monitor: Monitor = setting(default_factory=Monitor, description="How losses after a transfer are compared")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        faults = {
            f"messages.{reason}": f"there is no such reason; there are {', '.join(REASONS)}"
            for reason in self.messages
            if reason not in REASONS
        }
        for reason, texts in self.messages.items():
            for language, words in texts.items():
                try:
                    words.format(name="", old="", new="")
                except (KeyError, IndexError, ValueError):
                    faults[f"messages.{reason}.{language}"] = "only {name}, {old} and {new} can be filled in"
        twice = {
            f"keep_together.{place}": "name at least two accounts"
            for place, group in enumerate(self.keep_together)
            if len(set(group)) < 2
        }
        if faults | twice:
            raise SettingError(faults | twice)
        return self
