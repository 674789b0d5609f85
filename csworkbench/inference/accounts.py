"""From contacts to accounts, the units that were drawn: sums per account and arm, and how accounts differ.

An outcome is a sum over the contacts of an account divided by their number, fixed when arms were drawn; an outcome of
the account itself has size 1.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from csworkbench.estimates import Estimate, Message, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

INFORMATIVE_VARIATION = 0.7  # coefficient of variation of account sizes above which big accounts may answer otherwise
MOST_MISSING = 0.2  # share of accounts without a covariate above which being without it is a covariate too


@dataclass(frozen=True, slots=True)
class CannotTell:
    """Why nothing is said of a question.

    Args:
        code: Stable name in snake_case.
        message: The reason in a sentence.
        value_variant: Value seen in the variant, where there is one to describe.
        value_control: Value seen in the control.
    """

    code: str
    message: Message
    value_variant: float | None = None
    value_control: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AccountSums:
    """One outcome of an experiment, one entry per account that was drawn.

    Args:
        arm: Number of the arm of each account; 0 is the control.
        total: Sum of the outcome over the contacts of the account.
        size: Contacts of the account when arms were drawn, above 0.
        stratum: Number of the group within which arms were drawn; None = all in one.
        covariate: What was known before arms were drawn, about 0 (`with_covariate`).

    Raises:
        ValueError: lengths differ, a number is not finite, or a size is not above 0.
    """

    arm: "Ints"
    total: "Floats"
    size: "Floats"
    stratum: "Ints | None" = None
    covariate: "Floats | None" = None

    def __post_init__(self) -> None:
        import numpy as np

        columns = [each for each in (self.total, self.size, self.stratum, self.covariate) if each is not None]
        if any(len(column) != len(self.arm) or not np.isfinite(column).all() for column in columns):
            raise ValueError("every account needs one finite number of each kind")
        if len(self.size) and not (self.size > 0).all():
            raise ValueError("accounts without contacts cannot be in an experiment")

    def arm_sizes(self) -> "Ints":
        """Return the number of accounts of each arm, the control first."""
        import numpy as np

        return np.bincount(self.arm, minlength=2)

    def pair(self, variant: int) -> "AccountSums":
        """Return the accounts of the control and of one variant, which becomes arm 1."""
        kept = (self.arm == 0) | (self.arm == variant)
        return AccountSums(
            (self.arm[kept] != 0).astype(int),
            self.total[kept],
            self.size[kept],
            None if self.stratum is None else self.stratum[kept],
            None if self.covariate is None else self.covariate[kept],
        )

    def equal_weight(self) -> "AccountSums":
        """Return the mean outcome per account, so that an account counts once whatever its size."""
        import numpy as np

        return replace(self, total=self.total / self.size, size=np.ones(len(self.size)))

    def ratio(self, arm: int) -> float | None:
        """Return the outcome per contact of an arm; None without accounts."""
        inside = self.arm == arm
        return float(self.total[inside].sum() / self.size[inside].sum()) if inside.any() else None


def roll_up(
    account: "Ints",
    outcome: "Floats",
    arm: "Ints",
    stratum: "Ints | None" = None,
    *,
    size: "Floats | None" = None,
) -> AccountSums:
    """Return the sums of an outcome over the contacts of each account.

    Args:
        account: Number of the account of each contact, 0 to n - 1; every contact that could be reached has an entry.
        outcome: Outcome of each contact, finite: 0 for one who did nothing.
        arm: Number of the arm of each account; 0 is the control.
        stratum: Number of the group of each account within which arms were drawn.
        size: Contacts of each account, where another outcome of the same contacts was summed before.
    """
    import numpy as np

    if size is None:
        size = np.bincount(account, minlength=len(arm)).astype(float)
    total = np.bincount(account, outcome, minlength=len(arm)).astype(float)
    return AccountSums(arm, total, size, stratum)


def linearized(total: "Floats", size: "Floats") -> "Floats":
    """Return (S - R n) / mean n of each account, with R the ratio of all.

    Args:
        total: Sums.
        size: Contacts, at least one above 0.

    Source: Cochran (1977), Sampling Techniques, ch. 6.
    """
    import numpy as np

    return np.asarray((total - total.sum() / size.sum() * size) / size.mean())


def slope(pair: AccountSums, total: "Floats") -> float:
    """Return by how much sums per mean contact go with the covariate, arms put together; 0 without a covariate.

    Args:
        pair: Accounts with their covariate.
        total: Sums of these accounts.
    """
    if pair.covariate is None:
        return 0.0
    about = pair.covariate - pair.covariate.mean()
    # Not a dot product: threads that share so few numbers wait for each other longer than they work.
    spread = float((about**2).sum())
    return float((linearized(total, pair.size) * about).sum()) / spread if spread > 0 else 0.0


def influence(pair: AccountSums) -> "Floats":
    """Return by how much each account moves the value of its arm, adjusted by the covariate; mean 0 in each arm.

    Its variances over the numbers of accounts, summed over both arms, are the variance of the difference.

    Args:
        pair: Accounts of arms 0 and 1, both there.

    Source: as `linearized`, less slope times covariate as in Deng et al. (2013), WSDM.
    """
    import numpy as np

    moves, by = np.zeros(len(pair.arm)), slope(pair, pair.total)
    for arm in (0, 1):
        inside = pair.arm == arm
        moves[inside] = linearized(pair.total[inside], pair.size[inside])
        if pair.covariate is not None:
            moves[inside] -= by * (pair.covariate[inside] - pair.covariate[inside].mean())
    return moves


def adjusted_values(pair: AccountSums) -> tuple[float, float]:
    """Return the outcome per contact of the control and of the variant, at the same value of the covariate.

    Args:
        pair: Accounts of arms 0 and 1, both there.

    Source: as `influence`.
    """
    values, by = [], slope(pair, pair.total)
    for arm in (0, 1):
        inside = pair.arm == arm
        value = float(pair.total[inside].sum() / pair.size[inside].sum())
        if pair.covariate is not None:
            value -= by * float(pair.covariate[inside].mean() - pair.covariate.mean())
        values.append(value)
    return values[0], values[1]


@dataclass(frozen=True, slots=True)
class Covered:
    """How well a covariate is known.

    Args:
        missing: Share of accounts without it.
        is_flagged: So many miss that being without it became a covariate too.
    """

    missing: float
    is_flagged: bool


def with_covariate(sums: AccountSums, total: "Floats", size: "Floats") -> tuple[AccountSums, Covered]:
    """Return an outcome with the same outcome before arms were drawn as its covariate, and how well that is known.

    An account without contacts in the period before gets the mean. Arms are not looked at, so that a permutation of
    accounts leaves the covariate as it is.

    Args:
        sums: The outcome.
        total: Sum of the earlier outcome per account.
        size: Contacts of the account in the earlier period; 0 where nothing is known.

    Source: Deng, Xu, Kohavi and Walker (2013), WSDM (CUPED), for ratios Deng, Knoblich and Lu (2018), KDD; indicator of
        the missing ones: Zhao and Ding (2024), To adjust or not to adjust?, J. of Econometrics.
    """
    import numpy as np

    known = size > 0
    missing = 1 - float(known.mean())
    column = np.zeros(len(known))
    if known.any():
        column[known] = linearized(total[known], size[known])
    is_flagged = MOST_MISSING < missing < 1
    if is_flagged:
        both = np.column_stack([column, known - known.mean()])
        column = both @ np.linalg.lstsq(both, linearized(sums.total, sums.size), rcond=None)[0]
    return replace(sums, covariate=column), Covered(missing, is_flagged)


def refusal(pair: AccountSums) -> CannotTell | None:
    """Return why a control and a variant cannot be compared, or None where they can.

    Args:
        pair: Accounts of arms 0 and 1.
    """
    import numpy as np

    control, variant = (int(number) for number in pair.arm_sizes()[:2])
    seen = pair.ratio(1), pair.ratio(0)
    if not variant:
        return CannotTell("empty_arm", say("Nobody is in the variant: there is nothing to compare"), *seen)
    if not control:
        return CannotTell("empty_arm", say("Nobody is in the control: there is nothing to compare with"), *seen)
    if min(control, variant) == 1:
        said = say("An arm has a single account: nothing says how much the next account would differ")
        return CannotTell("one_account", said, *seen)
    if not pair.total.any():
        return CannotTell("all_zero", say("Not one account had the outcome: no difference can be seen"), *seen)
    if np.abs(influence(pair)).max() <= 1e-12 * np.abs(pair.total / pair.size).max():
        said = say("All accounts of an arm have the same value: nothing says how much accounts differ by chance")
        return CannotTell("no_variation", said, *seen)
    return None


def size_variation(size: "Floats") -> float:
    """Return the coefficient of variation of account sizes; 0 for fewer than two accounts.

    Args:
        size: Contacts per account.
    """
    return float(size.std(ddof=1) / size.mean()) if len(size) > 1 else 0.0


def intra_account_correlation(
    total: "Floats", squares: "Floats", size: "Floats", level: float = 0.95
) -> Estimate | CannotTell:
    """Return how alike the contacts of an account are: the share of the variance that lies between accounts.

    Args:
        total: Sum of the outcome per account.
        squares: Sum of its squares per account (of an outcome of 0 and 1 the same as the sum).
        size: Contacts per account.
        level: Coverage of the interval.

    Returns:
        Estimate in share, 0 to 1; n accounts.

    Source: analysis of variance estimator with Searle's interval, for unequal sizes as in Donner (1986), International
        Statistical Review 54(1), 67-82.
    """
    from scipy.stats import f

    accounts, contacts = len(size), float(size.sum())
    if accounts < 2 or contacts <= accounts:
        said = say("Too few accounts have several contacts: nothing says how alike the contacts of an account are")
        return CannotTell("no_pairs", said)
    mean_size = (contacts - float((size**2).sum()) / contacts) / (accounts - 1)
    between = float((total**2 / size).sum() - total.sum() ** 2 / contacts) / (accounts - 1)
    within = float((squares - total**2 / size).sum()) / (contacts - accounts)
    if within <= 1e-12 * max(between, 1e-300) or between + within <= 0:
        said = say("The contacts of each account are all the same: nothing says how much they differ by chance")
        return CannotTell("no_variation", said)
    freedom = accounts - 1, contacts - accounts
    ratios = [between / within / float(f.ppf(at, *freedom)) for at in ((1 + level) / 2, (1 - level) / 2)]
    value, low, high = (
        min(1.0, max(0.0, (ratio - 1) / (ratio - 1 + mean_size))) for ratio in (between / within, *ratios)
    )
    return Estimate(value, "share", accounts, low, high, level)
