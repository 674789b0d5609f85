"""Settings of the proof: what the score should predict, against what it is held, and how sure one must be."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.features import Attribute, DaysSinceLastUse, MeasureSource, Tenure

RESERVED = {"score", "logistic", "boosting", "constant"}
Ids = Annotated[str, Field(min_length=1)]


class _Dated(Section):
    """What is common to events that have a day: how far ahead, over which months, and which of them test."""

    lead_days: int = setting(
        0, ge=0, le=365, unit="days", description="An event sooner after the snapshot comes too soon to act on"
    )
    horizon_days: int = setting(
        90, ge=7, le=730, unit="days", description="Events count up to so many days after the snapshot"
    )
    months: int = setting(24, ge=2, le=60, unit="months", description="Month ends looked back at for snapshots")
    test_months: int = setting(
        12, ge=1, le=59, unit="months", description="The newest months with a known outcome that test; older ones teach"
    )
    test_from: date | None = setting(
        None, description="First day of the test, ISO; null = the first of the newest test_months"
    )

    @model_validator(mode="after")
    def _windows_have_days(self) -> Self:
        if self.lead_days >= self.horizon_days:
            raise SettingError({"lead_days": f"must be below horizon_days, {self.horizon_days}"})
        if self.test_from is None and self.test_months >= self.months:
            raise SettingError(
                {"test_months": f"must be below months, {self.months}, or nothing is left to learn from"}
            )
        return self


class Renewals(_Dated):
    """A renewal that was decided was lost; each is seen once, at the last month end early enough to act."""

    kind: Literal["renewals"] = setting("renewals", description="Decided renewals: was it lost?")


class Churn(_Dated):
    """An account left within the days after a snapshot."""

    kind: Literal["churn"] = setting("churn", description="Accounts at dates: did it leave within the horizon?")
    dates: tuple[date, ...] = setting(
        (), description="Dates of the snapshots; empty = month ends as far apart as the windows are long"
    )

    @model_validator(mode="after")
    def _no_departure_counts_twice(self) -> Self:
        apart = timedelta(days=self.horizon_days - self.lead_days)
        faults = {
            f"dates.{place}": f"must lie {apart.days} days or more after {before}, or one departure counts twice"
            for place, (before, day) in enumerate(pairwise(self.dates), start=1)
            if day - before < apart
        }
        if faults:
            raise SettingError(faults)
        return self


class Outcome(Section):
    """A column of the accounts says what happened, without a day: proof out of time is impossible."""

    kind: Literal["outcome"] = setting("outcome", description="An outcome column of the accounts, without dates")
    column: str = setting(min_length=1, description="Outcome column of accounts, a boolean")
    true_is: Literal["bad", "good"] = setting("bad", description="Whether true is bad (left) or good (renewed)")
    repeats: int = setting(5, ge=1, le=20, description="How often the accounts are divided into five parts anew")


class Known(Section):
    """One thing that is known of an account without any score."""

    name: str = setting(pattern=r"^[a-z][a-z0-9_]*$", description="Name in tables, snake_case")
    label: str = setting(min_length=1, description="Name on pages, as in: adds to TENURE")
    source: MeasureSource = setting(description="Where the value comes from")


class Config(Section):
    """Settings of `health_proof`."""

    event: Annotated[Renewals | Churn | Outcome, Field(discriminator="kind")] = setting(
        Renewals(lead_days=30, horizon_days=92), description="What the score should predict"
    )
    scorecards: tuple[Ids, ...] = setting((), description="Ids of the scorecards to prove; empty = all of health")
    baselines: tuple[Known, ...] = setting(
        (
            Known(name="tenure", label="tenure", source=Tenure()),
            Known(name="days_since_last_use", label="days since last use", source=DaysSinceLastUse()),
            Known(name="plan", label="the plan", source=Attribute(column="plan")),
        ),
        description="What the score must beat to be worth its work",
    )
    also: tuple[Known, ...] = setting(
        (), description="What the learned models may use beside the measures of the scorecards and the baselines"
    )
    segments: tuple[Ids, ...] = setting((), description="Columns of accounts by whose values the proof is repeated")
    capacity_accounts: int = setting(
        60, ge=1, le=1_000_000, unit="accounts", tunable=True, description="Accounts the team can look after at once"
    )
    window_months: int = setting(
        6, ge=1, le=24, unit="months", tunable=True, description="Length of the windows the proof rolls over"
    )
    least_events: int = setting(
        30, ge=10, le=1000, unit="events", tunable=True, description="Events in the test below which nothing is said"
    )
    level: float = setting(0.95, gt=0.5, lt=1, unit="share", tunable=True, description="Coverage of intervals")
    draws: int = setting(500, ge=100, le=10_000, description="How often accounts are drawn again for the intervals")
    seed: int = setting(20260930, ge=0, le=2**31, description="The same seed gives the same figures")

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        faults = {}
        for key in ("baselines", "also"):
            names = [known.name for known in getattr(self, key)]
            for place, name in enumerate(names):
                if name in names[:place]:
                    faults[f"{key}.{place}.name"] = f"'{name}' is used twice"
                elif key == "baselines" and name in RESERVED:
                    faults[f"{key}.{place}.name"] = f"'{name}' is the name of another candidate"
        if faults:
            raise SettingError(faults)
        return self
