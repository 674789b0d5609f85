"""Settings of the renewals analysis: what the forecast learns from, and what counts as due, late or disputed."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.features import DaysSinceLastUse, FeatureBreadth, MeasureSource, Tenure, UsageTrend

Days = Annotated[int, Field(ge=1, le=730)]
Rate = Annotated[float, Field(gt=0, le=1e6)]


def _usual_measures() -> dict[str, MeasureSource]:
    return {
        "usage_trend": UsageTrend(),
        "feature_breadth": FeatureBreadth(),
        "days_since_last_use": DaysSinceLastUse(),
        "tenure": Tenure(),
    }


class Config(Section):
    """Settings of `renewals`."""

    measures: dict[str, MeasureSource] = setting(
        default_factory=_usual_measures, description="What the forecast may learn from, by name; few and simple"
    )
    history_months: int = setting(
        24, ge=2, le=60, unit="months", description="Month ends the forecast learns from, the date of the page included"
    )
    minimum_events: int = setting(
        30, ge=5, le=10_000, unit="renewals", description="Lost renewals below which the base rate is the forecast"
    )
    overdue_days: int = setting(
        90, ge=1, le=365, unit="days", description="How long after its due date an open renewal is still forecast"
    )
    checkpoints: tuple[Days, ...] = setting(
        (180, 90),
        min_length=1,
        max_length=4,
        unit="days",
        description="Days before the due date at which calls are due",
    )
    checkpoint_grace_days: int = setting(
        14, ge=0, le=60, unit="days", description="How long before a checkpoint a call already counts for it"
    )
    called_tiers: tuple[str, ...] = setting(
        (), description="Tiers whose renewals the CSM and the team have to call; empty = all"
    )
    disagree_above: float = setting(
        0.2, gt=0, lt=1, unit="share", description="Difference of two probabilities that counts as a disagreement"
    )
    rate_months: int = setting(
        12, ge=1, le=60, unit="months", description="Months up to the date of the page whose renewals make GRR and NRR"
    )
    currency_rates: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Rate] = setting(
        default_factory=dict,
        description="Value of one unit of a currency in that of the workspace; without one, its amounts stay apart",
    )
    deciders: int = setting(
        5, ge=1, le=20, unit="accounts", description="How many accounts are named that decide a quarter"
    )
    draws: int = setting(2000, ge=200, le=50_000, unit="draws", description="How often each quarter is simulated")
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", description="Coverage of the intervals")
    seed: int = setting(1, ge=0, le=2**31, description="The same seed draws the same quarters")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        faults = {}
        if list(self.checkpoints) != sorted(set(self.checkpoints), reverse=True):
            faults["checkpoints"] = "write the earliest checkpoint first: 180, 90"
        taken = {"days_to_due", "is_late"} & set(self.measures)
        faults |= {f"measures.{name}": "the analysis uses this name itself; choose another" for name in sorted(taken)}
        if faults:
            raise SettingError(faults)
        return self
