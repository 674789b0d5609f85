"""A condition as it is written: a tree of `all`, `any` and `not` over tests of attributes."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any, Self

from pydantic import model_validator

from csworkbench.config import Section, SettingError, setting

TREE = {"all_of": "all", "any_of": "any", "not_": "not"}
TESTS = {
    "equals": "is",
    "one_of": "in",
    "at_least": "at_least",
    "above": "above",
    "at_most": "at_most",
    "below": "below",
    "is_known": "is_known",
    "has_any": "has_any",
    "has_all": "has_all",
    "within_days": "within_days",
    "older_than_days": "older_than_days",
    "in_next_days": "in_next_days",
    "since": "since",
    "before": "before",
}


class Condition(Section):
    """A condition on an account or a contact: either `all`, `any` or `not`, or tests of one attribute."""

    all_of: tuple["Condition", ...] | None = setting(
        None, alias="all", min_length=1, description="Conditions that all have to hold"
    )
    any_of: tuple["Condition", ...] | None = setting(
        None, alias="any", min_length=1, description="Conditions of which at least one has to hold"
    )
    not_: "Condition | None" = setting(None, alias="not", description="A condition that must not hold")
    attribute: str | None = setting(
        None, min_length=1, description="What is tested: a column, a measure, or what messages and touches say"
    )
    equals: bool | float | str | None = setting(None, alias="is", description="The value it has")
    one_of: tuple[float | str, ...] | None = setting(
        None, alias="in", min_length=1, description="The values of which it has one"
    )
    at_least: float | None = setting(None, description="Least number that fits")
    above: float | None = setting(None, description="Number it has to exceed")
    at_most: float | None = setting(None, description="Greatest number that fits")
    below: float | None = setting(None, description="Number it has to stay below")
    is_known: bool | None = setting(None, description="Whether there is a value")
    has_any: tuple[str, ...] | None = setting(None, min_length=1, description="Tags of which it has at least one")
    has_all: tuple[str, ...] | None = setting(None, min_length=1, description="Tags it has all of")
    within_days: int | None = setting(
        None, ge=1, le=36_500, unit="days", description="The day is one of the last so many, today included"
    )
    older_than_days: int | None = setting(
        None, ge=0, le=36_500, unit="days", description="The day lies more than so many days back"
    )
    in_next_days: int | None = setting(
        None, ge=0, le=36_500, unit="days", description="The day is today or one of the next so many"
    )
    since: date | None = setting(None, description="First day that fits")
    before: date | None = setting(None, description="First day that does not fit any more")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        written = [alias for name, alias in TREE.items() if getattr(self, name) is not None]
        tests = list(self.tests())
        forms = [*written, *(["attribute"] if self.attribute is not None else [])]
        if len(forms) > 1:
            raise SettingError({forms[1]: f"a condition has one of all, any, not and attribute; {forms[0]} is there"})
        if tests and self.attribute is None:
            raise SettingError({tests[0][0]: "a test needs the attribute it is of"})
        if not forms:
            raise SettingError({"": f"write all, any, not, or attribute with a test ({', '.join(TESTS.values())})"})
        if self.attribute is not None and not tests:
            raise SettingError({"attribute": f"a test is missing, one of {', '.join(TESTS.values())}"})
        return self

    def tests(self) -> Iterator[tuple[str, Any]]:
        """Yield the tests of the attribute as written: name and value."""
        for name, alias in TESTS.items():
            value = getattr(self, name)
            if value is not None:
                yield alias, value

    def parts(self) -> "Iterator[tuple[str, Condition]]":
        """Yield the conditions right below this one, each with its key."""
        for alias, conditions in (("all", self.all_of), ("any", self.any_of)):
            for place, each in enumerate(conditions or ()):
                yield f"{alias}.{place}", each
        if self.not_ is not None:
            yield "not", self.not_

    def hangs_on(self, absent: Collection[str], *, is_negated: bool = False) -> bool:
        """Return whether somebody could fit by lacking an attribute that the book does not have.

        Args:
            absent: Attributes the book does not have.
            is_negated: The condition stands below an odd number of `not`.
        """
        if self.attribute is not None:
            return self.attribute in absent and (self.is_known is False) != is_negated
        is_turned = is_negated != (self.not_ is not None)
        return any(part.hangs_on(absent, is_negated=is_turned) for _, part in self.parts())

    def attributes(self) -> frozenset[str]:
        """Return the names of all attributes the condition reads."""
        own = {self.attribute} if self.attribute is not None else set()
        return frozenset(own).union(*(part.attributes() for _, part in self.parts()))
