"""Settings of the segments analysis: the stages, tiers and behaviour segments as lists of rules."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.features import DaysToRenewal, MeasureSource
from csworkbench.features.listed import NOT_KNOWN
from csworkbench.filters import Condition


class StageRule(Section):
    """A stage of the lifecycle and who is in it."""

    stage: str = setting(min_length=1, description="Name of the stage")
    where: Condition | None = setting(
        None, tunable=True, description="Who is in it; absent = everybody no earlier rule took"
    )
    usual_days: int | None = setting(
        None,
        ge=1,
        le=3650,
        unit="days",
        tunable=True,
        description="Confirmed usual time in the stage; absent = taken from the data",
    )
    is_lasting: bool = setting(
        False, tunable=True, description="Staying long is as it should be: nobody is stuck in it"
    )


class SegmentRule(Section):
    """A segment and who is in it."""

    segment: str = setting(min_length=1, description="Name of the segment")
    where: Condition | None = setting(
        None, tunable=True, description="Who is in it; absent = everybody no earlier rule took"
    )


class ContactList(Section):
    """A saved list of contacts: who fits, and what for, which decides who of them may be contacted."""

    where: Condition = setting(description="Who fits")
    purpose: Literal["service", "marketing"] = setting(
        "service", description="What they are contacted for: marketing needs a consent"
    )
    channels: tuple[Annotated[str, Field(min_length=1)], ...] = setting(
        ("call", "email"), min_length=1, max_length=6, description="Channels, the preferred one first"
    )


def _usual_measures() -> dict[str, MeasureSource]:
    return {"days_to_renewal": DaysToRenewal()}


def _usual_stages() -> tuple[StageRule, ...]:
    def rule(stage: str, where: dict[str, Any], **more: Any) -> StageRule:
        return StageRule(stage=stage, where=Condition.model_validate(where), **more)

    return (
        rule("churned", {"attribute": "churned_at", "is_known": True}, is_lasting=True),
        rule("trial", {"attribute": "paid_at", "is_known": False}),
        rule("new", {"attribute": "paid_at", "within_days": 14}),
        rule(
            "onboarding",
            {
                "all": [
                    {"attribute": "milestones_open", "at_least": 1},
                    {"attribute": "paid_at", "within_days": 180},
                ]
            },
        ),
        rule("renewal", {"attribute": "days_to_renewal", "at_most": 90}),
        rule("expansion", {"attribute": "open_opportunities", "at_least": 1}),
        StageRule(stage="growth", is_lasting=True),
    )


class Config(Section):
    """Settings of `segments`."""

    measures: dict[str, MeasureSource] = setting(
        default_factory=_usual_measures, description="Measures the rules and the clustering may read, by name"
    )
    stages: tuple[StageRule, ...] = setting(
        default_factory=_usual_stages, min_length=1, description="Stages; the first rule that fits decides"
    )
    stage_order: tuple[str, ...] = setting(
        ("trial", "new", "onboarding", "growth", "expansion", "renewal", "churned"),
        description="Stages in the order of a customer's life, as pages show them; empty = the order of the rules",
    )
    tiers: tuple[SegmentRule, ...] = setting(
        (), description="Value tiers by rules, the most valuable first; empty = the column value_tier of accounts"
    )
    behaviour: tuple[SegmentRule, ...] = setting(
        (), description="Behaviour segments by rules; the first rule that fits decides; empty = none"
    )
    cluster_on: tuple[str, ...] = setting(
        (), description="Measures by which accounts that behave alike are looked for; empty = no clustering"
    )
    most_groups: int = setting(
        6, ge=2, le=10, unit="groups", tunable=True, description="Most groups the clustering tries"
    )
    history_weeks: int = setting(
        39, ge=1, le=208, unit="weeks", description="How far back stages are followed, week by week"
    )
    compare_weeks: int = setting(
        13, ge=1, le=208, unit="weeks", tunable=True, description="How far back the date lies the book is compared with"
    )
    usual_share: float = setting(
        0.8,
        ge=0.5,
        le=0.99,
        unit="share",
        tunable=True,
        description="Share of accounts that leave a stage within its usual time",
    )
    contact_lists: dict[str, ContactList] = setting(
        default_factory=dict, description="Lists of contacts by name: who fits, and what for"
    )
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", description="Coverage of the intervals")
    seed: int = setting(1, ge=0, le=2**31, description="The same seed finds the same groups")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        faults = _rule_faults("stages", "stage", [(each.stage, each.where) for each in self.stages])
        for name, rules in (("tiers", self.tiers), ("behaviour", self.behaviour)):
            faults |= _rule_faults(name, "segment", [(each.segment, each.where) for each in rules])
        if self.stages[-1].where is not None:
            faults[f"stages.{len(self.stages) - 1}.where"] = (
                "the last stage takes everybody who is left, so that each account has one: give it no condition"
            )
        names = {each.stage for each in self.stages}
        if self.stage_order and (set(self.stage_order) != names or len(self.stage_order) != len(names)):
            faults["stage_order"] = f"name each stage once: {', '.join(each.stage for each in self.stages)}"
        faults |= {
            f"cluster_on.{place}": f"there is no measure '{name}'; the measures are {', '.join(self.measures)}"
            for place, name in enumerate(self.cluster_on)
            if name not in self.measures
        }
        if self.compare_weeks > self.history_weeks:
            faults["compare_weeks"] = f"must be at most history_weeks, {self.history_weeks}"
        if faults:
            raise SettingError(faults)
        return self

    @property
    def every_stage(self) -> tuple[StageRule, ...]:
        """The stages in the order pages show them, and last where accounts are whose stage nobody can tell."""
        rules = {each.stage: each for each in self.stages}
        return (*(rules[name] for name in self.ordered_stages), StageRule(stage=NOT_KNOWN, is_lasting=True))

    @property
    def ordered_stages(self) -> tuple[str, ...]:
        """Names of the stages in the order pages show them."""
        return self.stage_order or tuple(each.stage for each in self.stages)

    @property
    def ordered_tiers(self) -> tuple[str, ...]:
        """Names of the tiers that rules make, the most valuable first."""
        return tuple(each.segment for each in self.tiers)


def _rule_faults(key: str, name: str, rules: list[tuple[str, Condition | None]]) -> dict[str, str]:
    names = [each for each, _ in rules]
    twice = {
        f"{key}.{place}.{name}": f"'{each}' is used twice" for place, each in enumerate(names) if each in names[:place]
    }
    early = {
        f"{key}.{place}": "takes everybody, so no later rule is ever asked: give it a condition, or put it last"
        for place, (_, where) in enumerate(rules[:-1])
        if where is None
    }
    return twice | early
