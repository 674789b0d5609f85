"""A lot that not everybody obeyed: the effect of being drawn first, then that on those the draw moved."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from csworkbench.adjustment.clusters import Difference, difference_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]

STRONG = 10.0  # F of the first stage below which the instrument is weak; Staiger and Stock (1997), Econometrica 65


@dataclass(frozen=True, slots=True)
class Compliance:
    """What a lot did, and what the touch did to those the lot moved.

    Args:
        drawn: Effect of being drawn (intention to treat), whoever got the touch.
        share: How much more often those drawn got the touch: the share of compliers.
        strength: F statistic of that share.
        compliers: Effect on those who got the touch because they were drawn; None where the lot moved too few.
        as_got: Those who got the touch less those who did not, whatever the lot said; wrong where who obeys differs.
    """

    drawn: Difference | None
    share: Difference | None
    strength: float
    compliers: Difference | None
    as_got: Difference | None


def compliance_of(is_drawn: "Flags", got: "Floats", outcome: "Floats", accounts: "Ints") -> Compliance:
    """Return the effect of a draw, the share it moved, and the effect on those it moved.

    The last one is the Wald ratio, which is two-stage least squares with one binary instrument; it holds where being
    drawn changes the outcome by the touch alone, and keeps nobody from it.

    Args:
        is_drawn: Whether the lot gave each unit the touch.
        got: 1 where the unit got it, else 0.
        outcome: What came of it.
        accounts: Number of the account of each unit, 0 to n - 1.

    Source: Imbens and Angrist (1994), Econometrica 62.
    """
    import numpy as np

    drawn, share = _by_lot(is_drawn, outcome, accounts), _by_lot(is_drawn, got, accounts)
    moved = float(got[is_drawn].mean() - got[~is_drawn].mean())
    # Where everybody obeys the share has no error: the lot is as strong as can be.
    strength = (share.value / share.error) ** 2 if share is not None else (np.inf if moved else 0.0)
    compliers = None
    if drawn is not None and strength >= STRONG:
        value = drawn.value / moved
        compliers = difference_of(value, _influence(is_drawn, outcome - value * got) / moved, accounts)
    as_got = _by_lot(got > 0, outcome, accounts) if 0 < got.mean() < 1 else None
    return Compliance(drawn, share, float(strength), compliers, as_got)


def _by_lot(is_drawn: "Flags", values: "Floats", accounts: "Ints") -> Difference | None:
    value = float(values[is_drawn].mean() - values[~is_drawn].mean())
    return difference_of(value, _influence(is_drawn, values), accounts)


def _influence(is_drawn: "Flags", values: "Floats") -> "Floats":
    """Return what each row adds to the difference of the means of those drawn and the others."""
    import numpy as np

    share = float(is_drawn.mean())
    one, two = float(values[is_drawn].mean()), float(values[~is_drawn].mean())
    return np.where(is_drawn, (values - one) / share, -(values - two) / (1 - share))
