"""Which accounts get which scorecard: rules read from top to bottom, the first that fits decides."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from csworkbench.config import Section, SettingError, setting
from csworkbench.errors import AnalysisError
from csworkbench.scoring.grading import category_name

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Positions = NDArray[np.intp]

LARGEST = 1e15


class OneOf(Section):
    """An attribute of the account has one of some values."""

    kind: Literal["one_of"] = setting("one_of", description="The attribute has one of the values")
    column: str = setting(min_length=1, description="Column of accounts, an extra column included")
    values: tuple[str, ...] = setting(min_length=1, description="Values that fit, written as in the table")


class Between(Section):
    """A number of the account lies in a range; an end that is not given is open."""

    kind: Literal["between"] = setting("between", description="The number lies in a range")
    column: str = setting(min_length=1, description="Column of accounts, an extra column included")
    low: float | None = setting(None, ge=-LARGEST, le=LARGEST, description="Smallest value that fits; null = no end")
    high: float | None = setting(None, ge=-LARGEST, le=LARGEST, description="First value that no longer fits")

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if self.low is None and self.high is None:
            raise ValueError("give low, high or both")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise SettingError({"high": f"must be above low, {self.low:g}"})
        return self


class Rule(Section):
    """Accounts for which every condition holds get a scorecard; the first rule that fits decides."""

    label: str = setting(min_length=1, description="Name on pages; stands beside each account it decided")
    scorecard: str = setting(min_length=1, description="Id of the scorecard")
    when: tuple[Annotated[OneOf | Between, Field(discriminator="kind")], ...] = setting(
        min_length=1, description="Conditions that must all hold"
    )


def choose(
    rules: Sequence[Rule], ids: Sequence[str], default: str, columns: "Mapping[str, pd.Series[float]]", rows: int
) -> "tuple[Positions, Positions]":
    """Return the position of the scorecard and of the rule that chose it, per row.

    Args:
        rules: Rules from top to bottom.
        ids: Ids of the scorecards.
        default: Id of the scorecard of rows that fit no rule; their rule is the number of rules.
        columns: Attribute that a condition names -> its value per row: numbers, or text as a categorical.
        rows: How many rows there are.

    Raises:
        AnalysisError: a range meets text.
    """
    import numpy as np

    holds = [_all_hold(columns, rule.when) for rule in rules]
    choices = [ids.index(rule.scorecard) for rule in rules]
    rule = np.argmax(np.vstack([*holds, np.ones(rows, dtype=bool)]), axis=0)
    return np.array([*choices, ids.index(default)])[rule], rule


def _all_hold(columns: "Mapping[str, pd.Series[float]]", conditions: Iterable[OneOf | Between]) -> "NDArray[np.bool_]":
    import numpy as np

    every: NDArray[np.bool_] = np.logical_and.reduce([_holds(columns[each.column], each) for each in conditions])
    return every


def _holds(values: "pd.Series[float]", condition: OneOf | Between) -> "NDArray[np.bool_]":
    import numpy as np
    import pandas as pd

    is_text = isinstance(values.dtype, pd.CategoricalDtype)
    if isinstance(condition, OneOf):
        words = values if is_text else values.map(category_name, na_action="ignore")
        return words.isin(condition.values).to_numpy()
    if is_text:
        raise AnalysisError(f"rules: column '{condition.column}' holds text; use kind: one_of")
    low = -np.inf if condition.low is None else condition.low
    high = np.inf if condition.high is None else condition.high
    return ((values >= low) & (values < high)).to_numpy()
