"""Changes of a treated group less those of another one: difference in differences, where nobody was chosen by level."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.adjustment.averaging import UNIT
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Change:
    """A difference in differences.

    Args:
        effect: Change of the treated less that of the others, with its interval; n = rows, or clusters.
        error: Its standard error.
        p: Two-sided p-value of no effect.
        smd: Standardized difference of the levels before.
    """

    effect: Estimate
    error: float
    p: float
    smd: float


def difference_in_differences(
    outcome: "Floats",
    is_treated: "Flags",
    is_after: "Flags",
    *,
    cluster: "NDArray[np.int64] | None" = None,
    max_smd: float | None = 0.25,
    level: float = 0.95,
) -> Change:
    """Return the change of the treated less that of the others, from least squares on group, time and both.

    Where the treated were chosen because their level was low, part of their rise would have come anyway; held against
    all others a true null then rejects every time. Such a comparison is refused: compare with accounts of the same band
    (`comparing.compare`).

    Args:
        outcome: One value per row.
        is_treated: Row of the treated group.
        is_after: Row after the start.
        cluster: Number of the account of each row, for account-robust errors (CRV1); None = rows are independent.
        max_smd: Largest standardized difference of the levels before; None only where a law or a place decided who was
            treated, and not the level.
        level: Coverage.

    Raises:
        AnalysisError: a cell of group and time is empty, or the levels before are too far apart.

    Source: Angrist and Pischke (2009), Mostly Harmless Econometrics, ch. 5; checked against published figures.
    """
    import numpy as np
    from statsmodels.regression.linear_model import OLS

    cells = [outcome[(is_treated == side) & (is_after == time)] for side in (True, False) for time in (False, True)]
    if min(len(cell) for cell in cells) == 0:
        raise AnalysisError("a difference in differences needs both groups, before and after")
    own, others = cells[0], cells[2]
    spread = np.sqrt((own.var() + others.var()) / 2)
    smd = float((own.mean() - others.mean()) / spread) if spread > 0 else 0.0
    if max_smd is not None and abs(smd) > max_smd:
        raise AnalysisError(
            f"the levels before differ by {smd:.2f} SD (at most {max_smd:g}): what returns by itself would be taken "
            "for an effect; compare with accounts of the same band"
        )
    both = is_treated & is_after
    design = np.column_stack([np.ones(len(outcome)), is_treated, is_after, both]).astype(float)
    how = {} if cluster is None else {"cov_type": "cluster", "cov_kwds": {"groups": cluster}, "use_t": True}
    fitted = OLS(outcome, design).fit(**how)
    low, high = fitted.conf_int(1 - level)[3]
    number = len(outcome) if cluster is None else len(np.unique(cluster))
    effect = Estimate(float(fitted.params[3]), UNIT, number, float(low), float(high), level)
    return Change(effect, float(fitted.bse[3]), float(fitted.pvalues[3]), smd)
