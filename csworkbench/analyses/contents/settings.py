"""Settings of the contents page: what a content must have, what a lead goes through, and when it is taken back."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.filters import Condition

STEM = "contents"
Name = Annotated[str, Field(min_length=1)]
Part = Literal["title", "body", "image", "subtitle", "url", "appid", "path"]
Days = Annotated[int, Field(ge=1, le=3650)]


class Stage(Section):
    """A stage of a lead."""

    name: Name = setting(description="Name of the stage")
    statuses: tuple[Name, ...] = setting(min_length=1, description="Statuses of leads that belong to it")
    ends: Literal["open", "won", "lost"] = setting(
        "open", description="Whether a lead of it is still open, won, or lost (taken back is lost too)"
    )


class Deal(Section):
    """What counts as a deal."""

    by_order: bool = setting(False, description="Only with an order in lead_events")
    at_least: float = setting(0.0, ge=0, unit="money", description="Least amount, in the currency of the lead")


class Recall(Section):
    """When an open lead is taken back from its owner."""

    name: Name = setting(description="Name of the rule")
    mode: Literal["auto", "manual"] = setting(
        "manual", description="Taken back by the system, or after somebody has looked"
    )
    where: Condition = setting(description="Open leads it is about")
    protected_too: bool = setting(False, description="Leads whose protection still runs as well")


def _usual_kinds() -> dict[Name, tuple[Part, ...]]:
    return {
        **dict.fromkeys(("mail", "article", "video", "template", "script"), ("title",)),
        "text": ("body",),
        "image": ("image",),
        "h5_card": ("image", "title", "subtitle", "url"),
        "mini_program_card": ("image", "title", "appid", "path"),
    }


def _usual_stages() -> tuple[Stage, ...]:
    return (
        *(Stage(name=name, statuses=(name,)) for name in ("new", "contacted", "qualified")),
        Stage(name="won", statuses=("won",), ends="won"),
        Stage(name="lost", statuses=("lost",), ends="lost"),
        Stage(name="recalled", statuses=("recalled",), ends="lost"),
    )


def _usual_recalls() -> tuple[Recall, ...]:
    return (
        Recall(name="protection_over", mode="auto", where=_condition(attribute="protected_until", older_than_days=0)),
        Recall(name="nobody_took_it", where=_condition(all=[
            {"attribute": "owner", "is_known": False}, {"attribute": "created_on", "older_than_days": 2}
        ])),
    )  # fmt: skip


def _usual_lists() -> dict[Name, Condition]:
    return {
        "added_today_not_followed_up": _condition(all=[
            {"attribute": "added_at", "within_days": 1}, {"not": {"attribute": "last_human_touch_on", "is_known": True}}
        ]),
    }  # fmt: skip


def _condition(**said: object) -> Condition:
    return Condition.model_validate(said)


class Config(Section):
    """Settings of `contents`."""

    window_days: int = setting(365, ge=30, le=1460, unit="days", description="How far back is looked")
    wait_days: int = setting(
        7, ge=0, le=60, unit="days", description="How long a message has to be read before it counts"
    )
    least_accounts: int = setting(
        20, ge=5, le=1000, unit="accounts", description="Content that reached fewer is not compared"
    )
    kinds: dict[Name, tuple[Part, ...]] = setting(
        default_factory=_usual_kinds, min_length=1, description="Kind of content -> what it must have"
    )
    promotes: dict[Name, Name] = setting(default_factory=dict, description="Content -> feature it asks people to use")
    action_days: int = setting(14, ge=1, le=90, unit="days", description="Days after a message in which that counts")
    stages: tuple[Stage, ...] = setting(
        default_factory=_usual_stages, min_length=2, description="Stages of a lead, in their order"
    )
    protection_days: int = setting(
        60, ge=0, le=730, unit="days", description="Protection of a lead without protect_until, from the day it came in"
    )
    deal: Deal = setting(default_factory=Deal, description="What counts as a deal")
    recall: tuple[Recall, ...] = setting(
        default_factory=_usual_recalls, description="When leads are taken back; the first rule that fits counts"
    )
    lists: dict[Name, Condition] = setting(
        default_factory=_usual_lists, description="Lists of contacts by name: conditions as everywhere"
    )
    people: tuple[Name, ...] = setting((), description="Who may own leads and get credit, beside those of csms")
    kept_days: tuple[Days, ...] = setting(
        (30, 90, 365),
        min_length=1,
        max_length=5,
        description="Ages at which is looked how many contacts stayed, in days",
    )
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", description="Coverage of the intervals")

    @model_validator(mode="after")
    def _has_one_stage_per_status(self) -> Self:
        statuses = [status for stage in self.stages for status in stage.statuses]
        doubled = sorted({each for each in statuses if statuses.count(each) > 1})
        if doubled:
            raise SettingError({"stages": f"{doubled[0]!r} belongs to two stages"})
        missing = [end for end in ("open", "won", "lost") if end not in {stage.ends for stage in self.stages}]
        if missing:
            raise SettingError({"stages": f"no stage says 'ends: {missing[0]}'"})
        return self

    def statuses(self, ends: str) -> frozenset[str]:
        """Return the statuses of the leads that end in one way.

        Args:
            ends: open, won or lost.
        """
        return frozenset(status for stage in self.stages if stage.ends == ends for status in stage.statuses)
