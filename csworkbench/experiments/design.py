"""An experiment as a file: its question, arms and metrics, written down before anybody looks at what came of it."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, digest, setting
from csworkbench.errors import did_you_mean
from csworkbench.experiments.outcomes import (
    ColumnValue,
    MilestoneReached,
    NpsAnswers,
    NpsPoints,
    OfMails,
    OfUse,
    Opens,
    Outcome,
    RenewalKept,
    window_of,
)

NAME = r"^[a-z][a-z0-9_]*$"
Part = Annotated[float, Field(gt=0, le=1)]
Role = Literal["primary", "secondary", "guardrail", "diagnostic"]


class Arm(Section):
    """One of the things the lot decides between."""

    name: str = setting(min_length=1, description="Word for it in the column variant of experiment_units")
    label: str = setting(min_length=1, description="Name on pages")
    weight: float = setting(1.0, gt=0, le=1000, description="Its part of the units, in proportion to the others")
    is_holdout: bool = setting(False, description="Its units get no mail of the experiment")


class PrePeriod(Section):
    """The same metric before the draw: what an account did anyway is taken out of the difference."""

    kind: Literal["pre_period"] = setting("pre_period", description="The same metric before the draw")
    days: int = setting(56, ge=7, le=730, unit="days", description="How far back it reaches, from the assignment")


class KnownColumn(Section):
    """A column of experiment_units that was known before the draw."""

    kind: Literal["column"] = setting("column", description="A column of experiment_units, known before the draw")
    column: str = setting(min_length=1, description="Its name, declared under extra in the workspace")
    measured_on: date | None = setting(None, description="Day it was measured, before first_day")
    measured_at: str | None = setting(
        None, min_length=1, description="Column of experiment_units that says when it was measured, unit by unit"
    )

    @model_validator(mode="after")
    def _is_dated(self) -> Self:
        if (self.measured_on is None) == (self.measured_at is None):
            raise ValueError(
                "give one of measured_on and measured_at: what was measured after the draw may not be used"
            )
        return self


Covariate = Annotated[PrePeriod | KnownColumn, Field(discriminator="kind")]


class Fixed(Section):
    """The effect is looked at once, after the last day; until then only the quality of the data."""

    kind: Literal["fixed"] = setting("fixed", description="One look, after the last day")


class Planned(Section):
    """A few looks on the way, paid for by a stricter bound at each of them (Lan and DeMets, O'Brien and Fleming)."""

    kind: Literal["planned"] = setting("planned", description="A few looks on the way")
    shares: tuple[Part, ...] = setting(
        (0.2, 0.4, 0.6, 0.8, 1.0),
        min_length=1,
        unit="share",
        description="Part of planned_units at each look, up to 1",
    )
    planned_units: int = setting(ge=20, le=100_000_000, unit="units", description="Units at the end, all arms together")

    @model_validator(mode="after")
    def _shares_rise_to_one(self) -> Self:
        if any(left >= right for left, right in pairwise(self.shares)) or self.shares[-1] != 1:
            raise SettingError({"shares": "shares must rise, and the last one must be 1"})
        return self


class Continuous(Section):
    """Looks at any time, paid for by an interval about 1.6 times as wide at planned_units."""

    kind: Literal["continuous"] = setting("continuous", description="Looks at any time")
    planned_units: int = setting(
        ge=100, le=100_000_000, unit="units", description="Units at which the interval is narrowest for their number"
    )


class Metric(Section):
    """One outcome and the part it plays in the decision."""

    name: str = setting(pattern=NAME, description="Name in tables, snake_case")
    label: str = setting(min_length=1, description="Name on pages")
    role: Role = setting(
        description="primary decides; secondary explains; guardrail must not get worse; diagnostic decides nothing"
    )
    direction: Literal["higher", "lower"] = setting("higher", description="Which values are good")
    margin: float | None = setting(
        None, gt=0, le=1e9, tunable=True, description="Guardrail: how much worse it may get, in the unit of the metric"
    )
    outcome: Outcome = setting(description="What is counted")
    against: str | None = setting(None, min_length=1, description="Arm it is compared with; null = control")
    covariate: Covariate | None = setting(None, description="What was known before the draw; null = nothing is used")
    worth: float | None = setting(
        None, gt=0, le=1e9, tunable=True, description="Smallest difference worth knowing, in the unit of the metric"
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        faults = {}
        if self.role == "guardrail" and self.margin is None:
            faults["margin"] = "a guardrail needs a margin: how much worse may it get before it counts as harm?"
        if self.role != "guardrail" and self.margin is not None:
            faults["margin"] = f"only a guardrail has a margin, and this metric is {self.role}"
        if isinstance(self.covariate, PrePeriod) and isinstance(
            self.outcome, MilestoneReached | RenewalKept | ColumnValue | NpsPoints | NpsAnswers
        ):
            faults["covariate.kind"] = f"{self.outcome.kind} has no earlier period; use a column known before the draw"
        if faults:
            raise SettingError(faults)
        return self


class Experiment(Section):
    """One experiment: what is asked, between which arms the lot decides, and what it is read on."""

    id: str = setting(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="Its id in experiment_units and touches")
    label: str = setting(min_length=1, description="Name on pages")
    question: str = setting(min_length=1, description="What it should find out, as a reader would ask")
    unit: Literal["account", "contact"] = setting(
        "account", description="What the lot is drawn for: whole accounts, or contacts within accounts"
    )
    arms: tuple[Arm, ...] = setting(min_length=2, description="What the lot decides between, and its weights")
    control: str = setting(min_length=1, description="Name of the arm the others are compared with")
    first_day: date = setting(description="First day on which units are drawn")
    last_day: date = setting(description="Last day that is read; a fixed look waits for it")
    looks: Annotated[Fixed | Planned | Continuous, Field(discriminator="kind")] = setting(
        Fixed(), description="How often effects are looked at: fixed, planned or continuous"
    )
    metrics: tuple[Metric, ...] = setting(min_length=1, description="What it is read on, and the part each plays")
    strata: bool = setting(True, description="Arms were drawn within the groups of the column stratum")
    segments: tuple[str, ...] = setting(
        (), description="Columns of accounts by which the primary metrics are split, all tests counted together"
    )
    honeypots: tuple[str, ...] = setting(
        (), description="Links in the mails that people cannot see: who clicks one is a machine"
    )
    i_accept_open_bias: bool = setting(
        False, description="Opens may decide, although machines open mails and hide who reads them"
    )
    preregistered: str | None = setting(
        None, pattern="^[0-9a-f]{64}$", description="Digest of this file as it was registered; null = it was not"
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        faults = dict(self._faults_of_arms())
        for place, metric in enumerate(self.metrics):
            faults |= {f"metrics.{place}.{key}": fault for key, fault in self._faults_of(metric)}
        names = [metric.name for metric in self.metrics]
        faults |= {
            f"metrics.{place}.name": f"'{name}' is used twice"
            for place, name in enumerate(names)
            if name in names[:place]
        }
        if not any(metric.role == "primary" for metric in self.metrics):
            faults["metrics"] = "one metric must be primary: it decides"
        if self.last_day <= self.first_day:
            faults["last_day"] = f"must lie after first_day, {self.first_day}"
        if faults:
            raise SettingError(faults)
        return self

    def _faults_of_arms(self) -> Iterator[tuple[str, str]]:
        names = [arm.name for arm in self.arms]
        for place, name in enumerate(names):
            if name in names[:place]:
                yield f"arms.{place}.name", f"'{name}' is used twice"
        if self.control not in names:
            yield "control", self._no_arm(self.control)
        if all(arm.is_holdout for arm in self.arms):
            yield "arms", "every arm is a holdout: nobody gets anything, so there is nothing to find out"

    def _faults_of(self, metric: Metric) -> Iterator[tuple[str, str]]:
        is_of_mails = isinstance(metric.outcome, OfMails)
        if isinstance(metric.outcome, Opens) and metric.role != "diagnostic" and not self.i_accept_open_bias:
            yield "role", "opens are a diagnostic: machines open mails; use a reply, a click, a milestone or use"
        if metric.against is not None and metric.against not in self._names:
            yield "against", self._no_arm(metric.against)
        elif is_of_mails and self.baseline(metric) in self._holdouts:
            yield (
                "against" if metric.against else "outcome.kind",
                f"'{self.baseline(metric)}' gets no mail, so nobody there can have {metric.outcome.kind}; "
                "compare with it by use, a milestone, a renewal or a column",
            )
        elif not self.variants(metric):
            yield "against", "no other arm is left to compare"
        if self.unit == "contact" and isinstance(metric.outcome, OfUse | MilestoneReached | RenewalKept):
            yield "outcome.kind", f"{metric.outcome.kind} belongs to accounts, and this experiment draws contacts"
        window = window_of(metric.outcome)
        if window is not None and (self.last_day - self.first_day).days < window:
            yield (
                "outcome.window_days",
                f"nobody is watched for {window} days: last_day is {(self.last_day - self.first_day).days} days after "
                "first_day",
            )
        known = metric.covariate
        if isinstance(known, KnownColumn) and known.measured_on is not None and known.measured_on >= self.first_day:
            yield (
                "covariate.measured_on",
                f"lies on or after first_day, {self.first_day}: what was measured after the draw may have been "
                "changed by it",
            )

    def _no_arm(self, name: str) -> str:
        return f"there is no arm '{name}'; {did_you_mean(name, self._names, 'the arms are ' + ', '.join(self._names))}"

    @property
    def _names(self) -> tuple[str, ...]:
        return tuple(arm.name for arm in self.arms)

    @property
    def _holdouts(self) -> tuple[str, ...]:
        return tuple(arm.name for arm in self.arms if arm.is_holdout)

    def baseline(self, metric: Metric) -> str:
        """Return the name of the arm a metric is compared with."""
        return metric.against or self.control

    def variants(self, metric: Metric) -> tuple[str, ...]:
        """Return the names of the arms that are compared by a metric: those that get something, but its baseline."""
        return tuple(name for name in self._names if name not in (*self._holdouts, self.baseline(metric)))

    def arm(self, name: str) -> Arm:
        """Return an arm by its name."""
        return next(arm for arm in self.arms if arm.name == name)

    @property
    def registered_digest(self) -> str:
        """Digest of everything but the digest itself: what `preregistered` holds if nothing was changed since."""
        return digest(self.model_copy(update={"preregistered": None}))
