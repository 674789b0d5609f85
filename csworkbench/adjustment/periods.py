"""Before and after, here and elsewhere: the difference of two differences of groups that were not drawn by lot."""

from typing import TYPE_CHECKING

from csworkbench.adjustment.clusters import Difference, difference_of
from csworkbench.errors import AnalysisError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]


def change_beyond_others(
    outcome: "Floats",
    is_touched: "Flags",
    is_after: "Flags",
    *,
    accounts: "Ints | None" = None,
    max_smd: float | None = 0.25,
) -> Difference | None:
    """Return how much more the outcome of the touched group changed than that of the other (difference in differences).

    The error is that of rows, or accounts, drawn anew in each of the four cells. It knows nothing of what else happened
    to one of the groups in between: two groups cannot tell that from the touch.

    Where the touched were chosen because their level was low, part of their rise would have come anyway; held against
    all others a true null then rejects nearly every time. Such a comparison is refused: compare with accounts of the
    same band (`comparing.compare`).

    Args:
        outcome: One value per row.
        is_touched: Whether each row is of the group that was touched.
        is_after: Whether each row is of the time after the touch.
        accounts: Number of the account of each row, 0 to n - 1; None = rows are independent.
        max_smd: Largest difference of the levels before, in standard deviations; None only where a law or a place
            decided who was touched, and not the level.

    Returns:
        The difference with the pooled error of least squares, or that of accounts; None where a cell has no two rows,
        or nothing varies.

    Raises:
        AnalysisError: the levels before are too far apart.

    Source: Angrist and Pischke (2009), Mostly Harmless Econometrics, ch. 5; checked against published figures.
    """
    import numpy as np

    places = [(is_touched == group) & (is_after == time) for group in (True, False) for time in (True, False)]
    cells = [outcome[place] for place in places]
    sizes = np.array([len(cell) for cell in cells])
    if sizes.min() < 2:
        return None
    _refuse(cells[1], cells[3], max_smd)
    one_after, one_before, two_after, two_before = (float(cell.mean()) for cell in cells)
    value = (one_after - one_before) - (two_after - two_before)
    if accounts is not None:
        influence = np.zeros(len(outcome))
        for sign, place, cell in zip((1, -1, -1, 1), places, cells, strict=True):
            influence[place] = sign * (cell - cell.mean()) * len(outcome) / len(cell)
        return difference_of(value, influence, accounts)
    pooled = sum(float(np.square(cell - cell.mean()).sum()) for cell in cells) / (sizes.sum() - 4)
    error = float(np.sqrt(pooled * (1 / sizes).sum()))
    return Difference(value, error, int(sizes.sum()), int(sizes.sum()) - 4) if error > 0 else None


def _refuse(own: "Floats", others: "Floats", max_smd: float | None) -> None:
    spread = float(((own.var() + others.var()) / 2) ** 0.5)
    smd = float(own.mean() - others.mean()) / spread if spread > 0 else 0.0
    if max_smd is not None and abs(smd) > max_smd:
        raise AnalysisError(
            f"the levels before differ by {smd:.2f} SD (at most {max_smd:g}): what returns by itself would be taken "
            "for an effect; compare with accounts of the same band"
        )
