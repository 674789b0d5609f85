"""Settings of the health analysis: which scorecard applies to whom, and what the scores are compared with."""

from typing import Annotated, Literal, Self

from pydantic import model_validator

from csworkbench.config import FromFile, Section, SettingError, setting
from csworkbench.scoring import Rule, Scorecard


class Config(Section):
    """Settings of `health`."""

    scorecards: tuple[Annotated[Scorecard, FromFile()], ...] = setting(
        min_length=1, description="Scorecards, as files of their own"
    )
    default: str = setting("default", description="Id of the scorecard of accounts that fit no rule")
    rules: tuple[Rule, ...] = setting(
        (), description="Which accounts get another scorecard; the first rule that fits decides"
    )
    earlier_scorecards: tuple[Annotated[Scorecard, FromFile()], ...] = setting(
        (), description="Scorecards as they were at the earlier date, where they have changed since"
    )
    history_months: int = setting(12, ge=1, le=36, unit="months", description="Month ends shown, as_of included")
    compare_months: int = setting(
        3, ge=0, le=35, unit="months", description="How far back the earlier date lies; 0 = no comparison"
    )
    pulse_days: int = setting(
        90, ge=1, le=730, unit="days", description="How long a pulse counts that names no end of its own"
    )
    outcome: str | None = setting(
        None, description="Outcome column of accounts to hold the score against; null = the only one, if there is one"
    )
    outcome_is: Literal["bad", "good"] = setting(
        "bad", description="Whether a true outcome is bad (left) or good (renewed)"
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        ids = [card.id for card in self.scorecards]
        known = f"the scorecards are {', '.join(ids)}"
        faults = {
            f"scorecards.{place}.id": f"'{name}' is used twice" for place, name in enumerate(ids) if name in ids[:place]
        }
        faults |= {
            f"rules.{place}.scorecard": f"there is no scorecard '{rule.scorecard}'; {known}"
            for place, rule in enumerate(self.rules)
            if rule.scorecard not in ids
        }
        faults |= {
            f"earlier_scorecards.{place}.id": f"there is no scorecard '{card.id}' today; {known}"
            for place, card in enumerate(self.earlier_scorecards)
            if card.id not in ids
        }
        if self.default not in ids:
            faults["default"] = f"there is no scorecard '{self.default}'; {known}"
        if self.compare_months >= self.history_months:
            faults["compare_months"] = f"must be below history_months, {self.history_months}"
        names = self.band_names
        faults |= {
            f"scorecards.{place}.bands": f"every scorecard needs the same band names: {', '.join(names)}"
            for place, card in enumerate(self.scorecards)
            if _band_names(card) != names
        }
        faults |= {
            f"earlier_scorecards.{place}.bands": f"every scorecard needs the same band names: {', '.join(names)}"
            for place, card in enumerate(self.earlier_scorecards)
            if _band_names(card) != names
        }
        if faults:
            raise SettingError(faults)
        return self

    @property
    def band_names(self) -> tuple[str, ...]:
        """Names of the bands from worst to best; the same in every scorecard."""
        return _band_names(self.scorecards[0])


def _band_names(card: Scorecard) -> tuple[str, ...]:
    return tuple(band.name for band in card.bands)
