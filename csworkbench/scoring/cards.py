"""Scorecards: how a measure becomes points and points become a band, as a file a team can read and change."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.features import MeasureSource

FULL_POINTS = 100.0
NOT_SCORED = "not scored"
MOST_MEASURES = 60  # which of them are known fits one integer
NAME = r"^[a-z][a-z0-9_]*$"

Points = Annotated[float, Field(ge=0, le=FULL_POINTS)]


class Direction(StrEnum):
    """Which values of a measure are good."""

    HIGHER = "higher"
    LOWER = "lower"


class Curve(Section):
    """Points of a number: straight lines between knots, flat outside the first and the last."""

    kind: Literal["curve"] = setting("curve", description="Points of a number")
    direction: Direction = setting(description="Which values are good: higher or lower")
    knots: tuple[tuple[float, Points], ...] = setting(
        min_length=2,
        unit="points",
        tunable=True,
        description="Pairs [value, points], values ascending, points 0 to 100",
    )

    @model_validator(mode="after")
    def _knots_follow_the_direction(self) -> Self:
        faults = {}
        rises = self.direction is Direction.HIGHER
        for place, (left, right) in enumerate(pairwise(self.knots), start=1):
            if left[0] >= right[0]:
                faults[f"knots.{place}"] = f"values must ascend, but {right[0]:g} follows {left[0]:g}"
            elif rises and right[1] < left[1]:
                faults[f"knots.{place}"] = "higher values are better, so points may not fall"
            elif not rises and right[1] > left[1]:
                faults[f"knots.{place}"] = "lower values are better, so points may not rise"
        if self.knots[0][1] == self.knots[-1][1]:
            faults.setdefault("knots", "all points are equal: the measure could not tell two accounts apart")
        if faults:
            raise SettingError(faults)
        return self

    @property
    def worst(self) -> float:
        """Lowest points it can give."""
        return min(points for _, points in self.knots)


class Categories(Section):
    """Points of an attribute: one number per value."""

    kind: Literal["categories"] = setting("categories", description="Points of an attribute")
    of: dict[str, Points] = setting(min_length=2, unit="points", tunable=True, description="Points 0 to 100 per value")
    otherwise: Points | None = setting(
        None,
        unit="points",
        tunable=True,
        description="Points of a value that is not listed; null = it is missing, and reported",
    )

    @property
    def worst(self) -> float:
        """Lowest points it can give."""
        return min([*self.of.values(), FULL_POINTS if self.otherwise is None else self.otherwise])


class Exclude(Section):
    """A missing value takes no part; the other measures share its weight."""

    kind: Literal["exclude"] = setting("exclude", description="A missing value takes no part")


class Worst(Section):
    """A missing value counts as the worst this measure can be."""

    kind: Literal["worst"] = setting("worst", description="A missing value counts as the worst")


class Neutral(Section):
    """A missing value counts as a fixed number of points."""

    kind: Literal["neutral"] = setting("neutral", description="A missing value counts as fixed points")
    points: float = setting(
        50.0, ge=0, le=FULL_POINTS, unit="points", tunable=True, description="Points of a missing value"
    )


Assumption = Annotated[Exclude | Worst | Neutral, Field(discriminator="kind")]


class Carry(Section):
    """A missing value takes the last one known at an earlier month end, up to an age."""

    kind: Literal["carry"] = setting("carry", description="A missing value takes the last one known")
    max_age_days: int = setting(
        ge=1, le=730, unit="days", description="How long ago, at most, the value was last known"
    )
    then: Assumption = setting(
        Exclude(), description="What counts where no value is young enough: exclude, worst or neutral"
    )


class Measure(Section):
    """One line of a scorecard: where the value comes from, its points, its weight."""

    name: str = setting(pattern=NAME, description="Name in tables, snake_case")
    label: str = setting(min_length=1, description="Name on pages")
    source: MeasureSource = setting(description="Where the value comes from")
    group: str = setting(pattern=NAME, description="Name of the group it belongs to")
    weight: float = setting(
        gt=0, tunable=True, description="Weight within its group, above 0; only the ratio to the others counts"
    )
    points: Annotated[Curve | Categories, Field(discriminator="kind")] = setting(
        description="How the value becomes 0 to 100 points: a curve or categories"
    )
    missing: Annotated[Exclude | Worst | Neutral | Carry, Field(discriminator="kind")] = setting(
        Exclude(), description="What a missing value counts as: exclude, worst, neutral or carry"
    )

    @property
    def reads(self) -> str:
        """What the values depend on, as JSON: measures that agree in it have the same values, whatever their points."""
        return self.model_dump_json(
            include={"source": True, **({"missing": True} if isinstance(self.missing, Carry) else {})}
        )


class Group(Section):
    """Measures that together say one thing about an account."""

    name: str = setting(pattern=NAME, description="Name in tables, snake_case")
    label: str = setting(min_length=1, description="Name on pages")
    weight: float = setting(
        gt=0, tunable=True, description="Weight in the score, above 0; only the ratio to the others counts"
    )


class Band(Section):
    """A range of scores with a name: low belongs to it, high to the next one (100 belongs to the last)."""

    name: str = setting(pattern=NAME, description="Name in tables, snake_case")
    label: str = setting(min_length=1, description="Name on pages")
    low: float = setting(
        ge=0, le=FULL_POINTS, unit="points", tunable=True, same_as="high", description="First score of the band"
    )
    high: float = setting(ge=0, le=FULL_POINTS, unit="points", description="First score of the next band")


Named = TypeVar("Named", Group, Measure, Band)

DEFAULT_BANDS = (
    Band(name="at_risk", label="At risk", low=0.0, high=40.0),
    Band(name="average", label="Average", low=40.0, high=70.0),
    Band(name="excellent", label="Excellent", low=70.0, high=100.0),
)


class Scorecard(Section):
    """How an account's measures become one score of 0 to 100 and a band; one file per scorecard."""

    id: str = setting(pattern=NAME, description="Name of the scorecard in rules and tables")
    title: str = setting(min_length=1, description="Name on pages")
    groups: tuple[Group, ...] = setting(min_length=1, description="Groups of measures and their weights")
    measures: tuple[Measure, ...] = setting(
        min_length=1, max_length=MOST_MEASURES, description="What is measured, in the order of the pages"
    )
    bands: tuple[Band, ...] = setting(
        DEFAULT_BANDS, min_length=2, description="Bands from worst to best; together they cover 0 to 100"
    )
    minimum_coverage: float = setting(
        0.5,
        ge=0,
        le=1,
        unit="share",
        tunable=True,
        description="Share of the weight that must rest on data; below it an account is not scored",
    )
    hysteresis_points: float = setting(
        2.0,
        ge=0,
        lt=FULL_POINTS,
        unit="points",
        tunable=True,
        description="How far beyond an edge a score must go before the band of last month is left",
    )

    # Rules of one field stand on the field, so that their problems come together with those of other keys.
    @field_validator("groups", "measures", "bands")
    @classmethod
    def _names_differ(cls, parts: tuple[Named, ...]) -> tuple[Named, ...]:
        names = [part.name for part in parts]
        _refuse(
            {
                f"{place}.name": f"'{name}' is the name of number {names.index(name)} already"
                for place, name in enumerate(names)
                if names.index(name) < place
            }
        )
        return parts

    @field_validator("bands")
    @classmethod
    def _bands_cover_the_scale(cls, bands: tuple[Band, ...]) -> tuple[Band, ...]:
        _refuse(_band_faults(bands))
        return bands

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        faults = _group_faults(self.groups, self.measures)
        narrowest = min(band.high - band.low for band in self.bands)
        if narrowest <= self.hysteresis_points:
            faults["hysteresis_points"] = f"must be smaller than the narrowest band ({narrowest:g} points)"
        _refuse(faults)
        return self

    def without(self, names: Iterable[str]) -> "Scorecard | None":
        """Return the scorecard without some measures (and the groups they leave empty); None if nothing is left.

        Args:
            names: Names of measures to leave out; unknown names are ignored.
        """
        left_out = frozenset(names)
        measures = tuple(measure for measure in self.measures if measure.name not in left_out)
        used = {measure.group for measure in measures}
        if not measures:
            return None
        return self.model_copy(
            update={"measures": measures, "groups": tuple(group for group in self.groups if group.name in used)}
        )


def _refuse(faults: Mapping[str, str]) -> None:
    if faults:
        raise SettingError(faults)


def _group_faults(groups: Sequence[Group], measures: Sequence[Measure]) -> dict[str, str]:
    names = [group.name for group in groups]
    faults = {
        f"measures.{place}.group": f"'{measure.group}' is not listed under groups ({', '.join(names)})"
        for place, measure in enumerate(measures)
        if measure.group not in names
    }
    used = {measure.group for measure in measures}
    unused = {
        f"groups.{place}.name": f"no measure belongs to group '{name}'"
        for place, name in enumerate(names)
        if name not in used
    }
    return faults | unused


def _band_faults(bands: Sequence[Band]) -> dict[str, str]:
    faults = {
        f"{place}.high": f"band '{band.name}' is empty: high {band.high:g} is not above low {band.low:g}"
        for place, band in enumerate(bands)
        if band.low >= band.high
    }
    for place, (left, right) in enumerate(pairwise(bands), start=1):
        if left.high != right.low:
            what = "overlaps" if right.low < left.high else "leaves a gap after"
            faults.setdefault(
                f"{place}.low",
                (
                    f"band '{right.name}' {what} '{left.name}': it begins at {right.low:g}, "
                    f"'{left.name}' ends at {left.high:g}; make both equal"
                ),
            )
    if bands[0].low != 0:
        faults["0.low"] = f"the first band must begin at 0, not {bands[0].low:g}"
    if bands[-1].high != FULL_POINTS:
        faults.setdefault(f"{len(bands) - 1}.high", f"the last band must end at 100, not {bands[-1].high:g}")
    return faults
