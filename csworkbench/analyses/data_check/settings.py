"""Settings of the data check: how fresh and whole the data must be, and which questions it should answer."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.tables import SPECS

Days = Annotated[int, Field(ge=0, le=3650)]


class Question(Section):
    """Something a team wants to know, and how much data it takes."""

    analysis: str = setting(min_length=1, description="Analysis that answers it")
    question: str = setting(min_length=1, description="The question, as a reader would ask it")
    table: str = setting(min_length=1, description="Table it needs")
    count: Literal["rows", "accounts"] = setting(
        "accounts", description="What is counted: rows, or distinct accounts that have not left"
    )
    where: dict[str, tuple[str, ...]] = setting(
        default_factory=dict, description="Only rows whose columns have one of these values; [] = any value at all"
    )
    window_days: int | None = setting(
        None, ge=1, le=3650, unit="days", description="Only events of the last days; null = all"
    )
    needs: int = setting(ge=1, le=1_000_000_000, description="How many it takes")
    record: str = setting(min_length=1, description="What to record where there are fewer")


class Config(Section):
    """Settings of `data_check`."""

    most_refused: float = setting(
        0.02,
        ge=0,
        le=1,
        unit="share",
        tunable=True,
        description="Share of a table's rows that may be refused before the data cannot be trusted",
    )
    fresh_within_days: dict[str, Days] = setting(
        default_factory=dict,
        unit="days",
        description="Table -> days within which its newest event must lie; tables not named are not judged",
    )
    level: float = setting(0.95, ge=0.5, le=0.999, unit="share", tunable=True, description="Coverage of intervals")
    questions: tuple[Question, ...] = setting((), description="Questions the data should answer")

    @model_validator(mode="after")
    def _tables_exist(self) -> Self:
        known = f"the tables are {', '.join(SPECS)}"
        faults = {
            f"fresh_within_days.{name}": f"no such table; {known}"
            for name in self.fresh_within_days
            if name not in SPECS
        }
        faults |= {
            f"questions.{place}.table": f"there is no table '{each.table}'; {known}"
            for place, each in enumerate(self.questions)
            if each.table not in SPECS
        }
        if faults:
            raise SettingError(faults)
        return self
