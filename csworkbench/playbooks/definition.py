"""A playbook as a file: the problem it is for, its steps and goals, for whom it is meant, and what came of it."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, setting

PLAYBOOKS = "configs/playbooks"
"""Folder of the library, from the project root."""
NAME = r"^[a-z][a-z0-9_]*$"
Name = Annotated[str, Field(pattern=NAME)]
Word = Annotated[str, Field(min_length=1)]


class Status(StrEnum):
    """How a playbook stands: only `active` and `narrowed` ones are meant for new plans."""

    DRAFT = "draft"
    ACTIVE = "active"
    NARROWED = "narrowed"
    REDESIGN = "redesign"
    RETIRED = "retired"


class Step(Section):
    """One thing to be done."""

    name: str = setting(min_length=1, description="Its name, as in plan_steps")
    mandatory: bool = setting(True, description="Without it the playbook was not carried out")


class Goal(Section):
    """A metric the playbook is meant to move."""

    metric: str = setting(pattern=NAME, description="The metric, as in plan_goals")
    direction: Literal["higher", "lower"] = setting("higher", description="Which way is good")
    uplift: float = setting(
        gt=0,
        le=1000,
        description="Change it is meant to bring: a share of the baseline, or points where the metric counts points",
    )


class Scope(Section):
    """For whom the playbook is meant."""

    conditions: tuple[Word, ...] = setting((), description="Conditions in words, for the people who choose it")
    where: dict[Name, tuple[Word, ...]] = setting(
        default_factory=dict, description="Attribute of accounts and the values for which it is meant; empty = all"
    )


class Trait(Section):
    """The one attribute of accounts that may decide where the playbook works, declared before anybody looks."""

    name: str = setting(pattern=NAME, description="Column of accounts")
    expected: tuple[Word, ...] = setting(
        min_length=1, description="Values for which it is expected to work; for the others it is not"
    )


class StartsWhen(Section):
    """A rule by which plans start: accounts beyond a threshold get one, the others do not."""

    metric: str = setting(pattern=NAME, description="What is compared, such as health_score")
    below: float = setting(ge=-1e9, le=1e9, description="Plans start under this value")


class Case(Section):
    """A plan that followed the playbook and what came of it."""

    account: str = setting(min_length=1, description="Account of the plan")
    plan: str = setting(min_length=1, description="The plan")
    verdict: str = setting(pattern=NAME, description="Verdict on the evidence")
    evidence: str = setting("", description="Tier of the evidence")
    effect: float | None = setting(
        None, ge=-1e9, le=1e9, description="Effect as on the page of the validation; null = could not be told"
    )
    low: float | None = setting(None, ge=-1e9, le=1e9, description="Lower bound of the effect")
    high: float | None = setting(None, ge=-1e9, le=1e9, description="Upper bound of the effect")
    as_of: date = setting(description="Date of the validation")

    @model_validator(mode="after")
    def _bounds_are_in_order(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("give low and high together")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise SettingError({"low": f"must not lie above high, {self.high:g}"})
        return self


class Playbook(Section):
    """One playbook of the solution library: what it is for, how it is carried out, where it works, and its cases."""

    schema_version: Literal[1] = setting(alias="schema", description="Version of this file's format")
    id: str = setting(pattern=NAME, description="Its id in plans, and the name of this file")
    title: str = setting(min_length=1, description="Name on pages")
    status: Status = setting(Status.DRAFT, description="draft, active, narrowed, redesign or retired")
    version: int = setting(1, ge=1, le=1_000_000, description="Version of the playbook, counted up by each change")
    problem: str = setting(min_length=1, description="Problem it is meant to solve")
    problem_metric: str | None = setting(
        None, pattern=NAME, description="Metric that shows the problem; null = what each plan names"
    )
    steps: tuple[Step, ...] = setting(min_length=1, description="What is to be done, in order")
    goals: tuple[Goal, ...] = setting(min_length=1, description="What it is meant to move")
    scope: Scope = setting(Scope(), description="For whom it is meant")
    trait: Trait | None = setting(
        None, description="The one attribute that may decide where it works; null = none was declared"
    )
    starts_when: StartsWhen | None = setting(
        None, description="Threshold under which plans start; null = people choose"
    )
    founder: str | None = setting(
        None, min_length=1, description="Account it was written for; null = the account of its first plan"
    )
    cases: tuple[Case, ...] = setting((), description="Plans that followed it, and what came of them")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        faults = {
            **_twice("steps", "name", [step.name for step in self.steps]),
            **_twice("goals", "metric", [goal.metric for goal in self.goals]),
            **_twice("cases", "plan", [case.plan for case in self.cases]),
        }
        if not any(step.mandatory for step in self.steps):
            faults["steps"] = "one step must be mandatory: else nothing tells whether the playbook was carried out"
        meant = self.scope.where.get(self.trait.name) if self.trait else None
        strange = [value for value in self.trait.expected if value not in meant] if self.trait and meant else []
        if strange:
            faults["trait.expected"] = f"{', '.join(strange)} is outside scope.where, so no plan can show it"
        if faults:
            raise SettingError(faults)
        return self

    @property
    def mandatory_steps(self) -> tuple[str, ...]:
        """Names of the steps without which it was not carried out, in order."""
        return tuple(step.name for step in self.steps if step.mandatory)


def _twice(place: str, key: str, names: list[str]) -> dict[str, str]:
    """Return the faults of names that stand in a list already."""
    return {
        f"{place}.{number}.{key}": f"'{name}' is used twice"
        for number, name in enumerate(names)
        if name in names[:number]
    }
