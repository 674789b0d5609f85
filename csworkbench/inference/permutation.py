"""Tests that need no large sample: what the outcome would look like had the draw given other accounts the variant.

A test holds the studentized difference under every arrangement as a function of a supposed effect, the arrangement that
happened first. Its p-value is the share of arrangements that differ at least as much; its interval holds the effects
that are not rejected. Source: Wu and Ding (2021), JASA 116, 1898-1913; Phipson and Smyth (2010) for the counting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from math import comb, inf, prod
from typing import TYPE_CHECKING

from csworkbench.inference.accounts import AccountSums, slope

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

MOST_ENUMERATED = 20_000
DRAWS = 9_999
TIE = 1e-9  # differences closer than this share of one another are the same: sums come in another order
NOISE = 1e-13  # share of sums that cancel below which what is left is noise of the arithmetic, not variance
WIDENINGS, HALVINGS = 40, 16


@dataclass(frozen=True, slots=True, eq=False)
class Arrangements:
    """Ways in which arms could have been drawn.

    Args:
        is_variant: 1 where an account is in the variant, else 0; one row per arrangement, the one that happened first.
        is_exact: They are all there are.
    """

    is_variant: "Floats"
    is_exact: bool


@dataclass(frozen=True, slots=True, eq=False)
class PermutationTest:
    """Difference of two arms under all arrangements.

    Args:
        value: Variant minus control.
        error: Its standard error.
        statistic: Supposed effect -> studentized difference of each arrangement, the one that happened first.
        arrangements: How many there are, that one included.
        is_exact: They are all there are.
    """

    value: float
    error: float
    statistic: "Callable[[float], Floats]"
    arrangements: int
    is_exact: bool

    def p(self, effect: float = 0.0) -> float:
        """Return the two-sided p-value of a supposed effect: of no effect, unless said otherwise."""
        found = abs(self.statistic(effect))
        return float((found >= found[0] * (1 - TIE)).mean())

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Return the effects that are not rejected; None where there are too few arrangements to reject any.

        Args:
            level: Coverage.
        """
        low, high = self._bound(-1, 1 - level), self._bound(1, 1 - level)
        return None if low is None or high is None else (low, high)

    def _bound(self, side: int, alpha: float) -> float | None:
        inside, step = self.value, 2.5 * self.error
        for _ in range(WIDENINGS):
            outside = inside + side * step
            if self.p(outside) <= alpha:
                break
            inside, step = outside, step * 1.5
        else:
            return None
        for _ in range(HALVINGS):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if self.p(middle) <= alpha else (middle, outside)
        return outside


def arrangements(arm: "Ints", stratum: "Ints | None" = None, *, draws: int = DRAWS, seed: int = 0) -> Arrangements:
    """Return all ways to draw as many accounts of each stratum into the variant, or a sample of them.

    Args:
        arm: 0 or 1 for each account.
        stratum: Number of the group of each account within which arms were drawn; None = all in one.
        draws: How many are drawn where there are more than 20,000.
        seed: The same seed gives the same draws.
    """
    import numpy as np

    groups = [np.arange(len(arm))] if stratum is None else [np.flatnonzero(stratum == each) for each in set(stratum)]
    groups.sort(key=lambda places: int(places[0]))
    if prod(comb(len(places), int(arm[places].sum())) for places in groups) <= MOST_ENUMERATED:
        every = _every(arm, groups)
        first = np.flatnonzero((every == arm).all(axis=1))[:1]
        return Arrangements(np.concatenate([every[first], np.delete(every, first, axis=0)]), is_exact=True)
    rng = np.random.default_rng(seed)
    drawn = np.tile(arm.astype(float), (draws + 1, 1))
    for places in groups:
        drawn[1:, places] = rng.permuted(drawn[1:, places], axis=1)
    return Arrangements(drawn, is_exact=False)


def _every(arm: "Ints", groups: "list[Ints]") -> "Floats":
    import numpy as np

    every = np.zeros((1, len(arm)))
    for places in groups:
        chosen = list(combinations(places, int(arm[places].sum())))
        block = np.zeros((len(chosen), len(arm)))
        block[np.arange(len(chosen))[:, None], np.array(chosen, dtype=int).reshape(len(chosen), -1)] = 1
        every = (every[:, None, :] + block[None, :, :]).reshape(-1, len(arm))
    return every


def permutation_test(pair: AccountSums, ways: Arrangements) -> PermutationTest:
    """Return the test of two arms of accounts, outcome per contact, adjusted by the covariate where there is one.

    Args:
        pair: Accounts of arms 0 and 1, with a difference that can be told (`accounts.refusal`).
        ways: Arrangements of the same accounts; several outcomes share them.
    """
    # Under an effect d the contacts of the variant would have had d less each.
    return _test(pair, pair.total, pair.arm * pair.size, ways)


def ratio_test(pair: AccountSums, ways: Arrangements) -> PermutationTest:
    """Return the test of what the value of the variant must be multiplied by to be that of the control.

    Args:
        pair: Accounts of arms 0 and 1, with values above 0.
        ways: Arrangements of the same accounts.
    """
    # Under a factor f the contacts of the variant would have had f times as much.
    return _test(pair, pair.total * (pair.arm == 0), -pair.total * (pair.arm == 1), ways)


def _test(pair: AccountSums, outcome: "Floats", gain: "Floats", ways: Arrangements) -> PermutationTest:
    """Return the test of an effect that was supposed: outcome less effect times gain goes with no arm."""
    import numpy as np

    size, outcome, gain = pair.size, _adjusted(outcome, pair), _adjusted(gain, pair)
    columns = [size, size**2, outcome, outcome**2, outcome * size, gain, gain**2, gain * size, outcome * gain]
    block = np.column_stack(columns)
    variant, count = ways.is_variant @ block, int(pair.arm.sum())
    sides = [(variant.T, count), ((block.sum(axis=0) - variant).T, len(size) - count)]

    def parts(effect: float, rows: slice) -> "tuple[Floats, Floats]":
        (one, one_error), (none, none_error) = (_ratio(sums[:, rows], many, effect) for sums, many in sides)
        return one - none, one_error + none_error

    first, every = slice(1), slice(None)
    (start, _), (further, _) = parts(0.0, first), parts(1.0, first)
    fall = float(start[0] - further[0])  # 0 where the covariate is the arm itself: then no effect is told from another
    value = float(start[0]) / (fall if abs(fall) > NOISE else 1.0)
    return PermutationTest(
        value,
        float(np.sqrt(parts(value, first)[1][0])),
        lambda effect: studentized(*parts(effect, every)),
        len(ways.is_variant),
        ways.is_exact,
    )


def _adjusted(total: "Floats", pair: AccountSums) -> "Floats":
    """Return sums about their ratio to size, less what the covariate explains of them."""
    import numpy as np

    centered = total - total.sum() / pair.size.sum() * pair.size
    if pair.covariate is None:
        return np.asarray(centered)
    explained = slope(pair, total) * (pair.covariate - pair.covariate.mean())
    return np.asarray(centered - explained * pair.size.mean())


def _ratio(sums: "Floats", count: int, effect: float) -> "tuple[Floats, Floats]":
    """Return the ratio of one side under a supposed effect, and its variance over accounts, per arrangement."""
    import numpy as np

    size, size2, outcome, outcome2, outcome_size, gain, gain2, gain_size, outcome_gain = sums
    ratio = (outcome - effect * gain) / size
    squares = outcome2 - 2 * effect * outcome_gain + effect**2 * gain2
    residual = squares - 2 * ratio * (outcome_size - effect * gain_size) + ratio**2 * size2
    residual = np.where(residual > NOISE * (squares + ratio**2 * size2), residual, 0.0)
    return ratio, residual * count / ((count - 1) * size**2)


def studentized(difference: "Floats", variance: "Floats") -> "Floats":
    """Return differences over their standard errors; without any error, 0 for no difference and infinite for one.

    Args:
        difference: One per arrangement.
        variance: Its variance.
    """
    import numpy as np

    told = variance > 0
    return np.where(told, difference / np.sqrt(np.where(told, variance, 1.0)), np.where(difference, inf, 0.0))
