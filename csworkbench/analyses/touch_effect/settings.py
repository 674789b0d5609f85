"""Settings of the page on touches: which touches are judged, on what, and against whom."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import FromFile, Section, SettingError, setting
from csworkbench.experiments import Experiment
from csworkbench.features import MeasureSource, Tenure

Design = Literal["none", "random", "lottery", "threshold"]
NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]*$"
OWN_NAMES = frozenset({"use_last_week", "use_last_four_weeks", "use_eight_weeks_before", "use_before", "week"})
POST = "reaches into the week of the touch or beyond: what the touch changed cannot be held equal"


class TouchFilter(Section):
    """Which rows of `touches` are the touch; all that is given must hold."""

    channel: tuple[str, ...] = setting((), description="Channels; empty = all")
    mode: tuple[Literal["human", "tech"], ...] = setting((), description="By a person, by the system; empty = both")
    initiator: tuple[str, ...] = setting((), description="Who started it; empty = anybody")
    family: tuple[str, ...] = setting((), description="Kinds of reason; empty = all")
    rule: tuple[str, ...] = setting((), description="Rules that asked for it; empty = all")
    content_id: tuple[str, ...] = setting((), description="Contents that were sent; empty = all")
    experiment_id: tuple[str, ...] = setting((), description="Experiments it belongs to; empty = all")

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if not self.columns:
            raise ValueError("say which touches are meant: channel, mode, initiator, family, rule or content_id")
        return self

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Column -> the words that count, of those that are given."""
        return {name: tuple(getattr(self, name)) for name in type(self).model_fields if getattr(self, name)}


class Covariate(Section):
    """What was known of an account before the touch: a kind of measure, and when it ends."""

    measure: MeasureSource = setting(description="What is measured, as in a scorecard")
    weeks_before: int = setting(
        1,
        ge=-52,
        le=52,
        unit="weeks",
        description="How many weeks before the week of the touch it ends at the latest; 1 = on its last day before",
    )

    @model_validator(mode="after")
    def _ends_before(self) -> Self:
        if self.weeks_before < 1:
            raise SettingError({"weeks_before": f"{self.weeks_before} {POST}; 1 or more is before it"})
        return self


class UseAfter(Section):
    """How much an account uses the product per week of the follow-up; one that left has 0."""

    kind: Literal["usage"] = setting("usage", description="Use per week")
    what: Literal["events", "minutes", "sessions"] = setting("events", description="What is added up")
    features: tuple[str, ...] = setting((), description="Features that count; empty = all")
    scale: Literal["relative", "level"] = setting(
        "relative", description="relative = in percent, by the logarithm of 1 + use; level = as counted"
    )


class Reached(Section):
    """Whether an account reaches a milestone from the week of the touch on; those that had before it are left out."""

    kind: Literal["milestone"] = setting("milestone", description="A milestone is reached")
    milestone: str = setting(min_length=1, description="Its name, as in the table milestones")


class Kept(Section):
    """Whether an account renews, of those with a renewal due in the follow-up and decided."""

    kind: Literal["renewal"] = setting("renewal", description="A renewal that is due is kept")


Outcome = Annotated[UseAfter | Reached | Kept, Field(discriminator="kind")]


class _Touch(Section):
    id: str = setting(pattern=NAME, description="Its name in tables")
    label: str = setting(min_length=1, description="Name on pages")


class WeeklyTouch(_Touch):
    """A touch that went out over time, account by account, and nobody drew by lot; found in `touches`."""

    kind: Literal["weekly"] = setting("weekly", description="Touches over time, compared week by week")
    where: TouchFilter = setting(description="Which touches are meant")
    trigger: str | None = setting(
        None, min_length=1, description="What set it off, in words; null = nothing. A trigger is an indication"
    )
    design: Design = setting(
        "none",
        description="What is said to have decided who got it: shown, no proof; only the kind lot reads a draw",
    )
    outcome: Outcome = setting(UseAfter(), description="What is compared afterwards")
    covariates: dict[str, Covariate] = setting(
        default_factory=lambda: {"tenure": Covariate(measure=Tenure())},
        description="What is held equal, by name, beside use in the 12 weeks before",
    )
    grace_weeks: int = setting(
        1, ge=1, le=4, unit="weeks", description="How long after its start a week counts as touched: the grid of weeks"
    )
    horizon_weeks: int = setting(4, ge=1, le=52, unit="weeks", description="Follow-up after the grace window")
    washout_weeks: int = setting(
        12, ge=1, le=104, unit="weeks", description="Weeks without this touch before an account may enter"
    )
    first_week_only: bool = setting(
        False, description="An account enters once, in its first week in which anybody is touched; false = week by week"
    )

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        taken = OWN_NAMES & set(self.covariates)
        if taken:
            raise SettingError({f"covariates.{name}": "the analysis uses this name itself" for name in sorted(taken)})
        return self


class LotTouch(_Touch):
    """A touch that was drawn by lot: an experiment, one of its metrics, and who got the touch in the end."""

    kind: Literal["lot"] = setting("lot", description="Drawn by lot")
    experiment: Annotated[Experiment, FromFile()] = setting(description="The experiment, as a file of its own")
    metric: str = setting(min_length=1, description="Name of the metric of the experiment that is compared")
    drawn: tuple[str, ...] = setting(min_length=1, description="Arms that were to get the touch; the others were not")
    got: str | None = setting(
        None, min_length=1, description="Column of experiment_units that says who got it; null = a row in touches does"
    )

    @model_validator(mode="after")
    def _names_are_there(self) -> Self:
        faults = {}
        metrics = [metric.name for metric in self.experiment.metrics]
        if self.metric not in metrics:
            faults["metric"] = f"the experiment has {', '.join(metrics)}"
        arms = {arm.name for arm in self.experiment.arms}
        unknown = sorted(set(self.drawn) - arms)
        if unknown:
            faults["drawn"] = f"the experiment has no arm {', '.join(unknown)}; it has {', '.join(sorted(arms))}"
        elif not arms - set(self.drawn):
            faults["drawn"] = "some arm must not have been drawn: it is what the others are compared with"
        if faults:
            raise SettingError(faults)
        return self


class KnownBefore(Section):
    """A column of `accounts` that was measured before the touch."""

    column: str = setting(min_length=1, description="Its name, declared under extra in the workspace")
    measured_on: date = setting(description="Day it was measured, before touched_on")


class OnceTouch(_Touch):
    """A touch at one time, with one row per account: who got it, what was known before, what came of it."""

    kind: Literal["once"] = setting("once", description="One row per account, columns of accounts")
    touched: str = setting(min_length=1, description="Boolean column of accounts: who was touched")
    touched_on: date = setting(description="Day of the touch")
    outcome: str = setting(min_length=1, description="Column of accounts with what came of it; role outcome")
    unit: str = setting("share", min_length=1, description="What the outcome counts: share, a currency code ...")
    covariates: tuple[KnownBefore, ...] = setting(min_length=1, description="What is held equal")
    trigger: str | None = setting(
        None, min_length=1, description="What set it off, in words; null = nothing. A trigger is an indication"
    )
    design: Design = setting(
        "none",
        description="What is said to have decided who got it: shown, no proof; only the kind lot reads a draw",
    )
    lot: str | None = setting(
        None, min_length=1, description="Id of a touch of this page that drew the same thing by lot: the touchstone"
    )

    @model_validator(mode="after")
    def _is_before(self) -> Self:
        faults = {
            f"covariates.{place}.measured_on": f"{known.column} was measured on {known.measured_on}, which {POST}"
            for place, known in enumerate(self.covariates)
            if known.measured_on >= self.touched_on
        }
        faults |= {
            f"covariates.{place}.column": f"{known.column} is the touch or its outcome"
            for place, known in enumerate(self.covariates)
            if known.column in (self.touched, self.outcome)
        }
        if faults:
            raise SettingError(faults)
        return self


class PeriodsTouch(_Touch):
    """A touch on a whole group, with others before and after it: one row per person asked, columns of accounts."""

    kind: Literal["periods"] = setting("periods", description="A group before and after, and others")
    touched: str = setting(min_length=1, description="Boolean column of accounts: of the group that was touched")
    after: str = setting(min_length=1, description="Boolean column of accounts: seen after the touch")
    outcome: str = setting(min_length=1, description="Column of accounts with the outcome; role outcome")
    unit: str = setting("share", min_length=1, description="What the outcome counts: share, a currency code ...")


Touch = Annotated[WeeklyTouch | LotTouch | OnceTouch | PeriodsTouch, Field(discriminator="kind")]


class Config(Section):
    """Settings of `touch_effect`."""

    touches: tuple[Touch, ...] = setting(min_length=1, description="Touches to judge, the most important first")
    minimum_touched: int = setting(
        30, ge=10, le=10_000, unit="accounts", description="Touched accounts below which nothing is adjusted"
    )
    model: Literal["ridge", "boosting", "best"] = setting(
        "best", description="How the outcome is predicted: ridge, boosting, or what predicts left-out accounts better"
    )
    placebo_weeks: int = setting(
        8, ge=4, le=52, unit="weeks", description="How long before the real week the placebo touch lies"
    )
    course_weeks: int = setting(
        8, ge=8, le=26, unit="weeks", description="Weeks shown before the touch; the pre-trend compares two times four"
    )
    level: float = setting(0.95, ge=0.8, le=0.999, unit="share", tunable=True, description="Coverage of intervals")
    seed: int = setting(20261122, ge=0, le=2**32 - 1, description="Seed of the folds; the same gives the same")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        faults = dict(self._faults())
        if faults:
            raise SettingError(faults)
        return self

    def _faults(self) -> Iterator[tuple[str, str]]:
        ids = [touch.id for touch in self.touches]
        lots = [touch.id for touch in self.touches if isinstance(touch, LotTouch)]
        for place, touch in enumerate(self.touches):
            if touch.id in ids[:place]:
                yield f"touches.{place}.id", f"'{touch.id}' is used twice"
            if isinstance(touch, OnceTouch) and touch.lot is not None and touch.lot not in lots:
                yield f"touches.{place}.lot", f"there is no touch '{touch.lot}' of the kind lot"
            if isinstance(touch, WeeklyTouch) and self.placebo_weeks < touch.horizon_weeks + touch.grace_weeks:
                needed = touch.horizon_weeks + touch.grace_weeks
                yield "placebo_weeks", f"'{touch.id}' needs {needed} or more: a placebo must end before the real touch"
