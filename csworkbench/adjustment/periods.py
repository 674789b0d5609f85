"""Before and after, here and elsewhere: the difference of two differences of groups that were not drawn by lot."""

from typing import TYPE_CHECKING

from csworkbench.adjustment.clusters import Difference

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


def change_beyond_others(outcome: "Floats", is_touched: "Flags", is_after: "Flags") -> Difference | None:
    """Return how much more the outcome of the touched group changed than that of the other (difference in differences).

    The error is that of rows drawn anew in each of the four cells. It knows nothing of what else happened to one of
    the groups in between: two groups cannot tell that from the touch.

    Args:
        outcome: One value per row.
        is_touched: Whether each row is of the group that was touched.
        is_after: Whether each row is of the time after the touch.

    Returns:
        The difference with the pooled error of least squares; None where a cell has no two rows, or nothing varies.
    """
    import numpy as np

    cells = [outcome[(is_touched == group) & (is_after == time)] for group in (True, False) for time in (True, False)]
    sizes = np.array([len(cell) for cell in cells])
    if sizes.min() < 2:
        return None
    one_after, one_before, two_after, two_before = (float(cell.mean()) for cell in cells)
    pooled = sum(float(np.square(cell - cell.mean()).sum()) for cell in cells) / (sizes.sum() - 4)
    error = float(np.sqrt(pooled * (1 / sizes).sum()))
    value = (one_after - one_before) - (two_after - two_before)
    return Difference(value, error, int(sizes.sum()), int(sizes.sum()) - 4) if error > 0 else None
