"""Arms drawn among the contacts of each account, as for subject lines and copy: half the sample of drawing accounts."""

from typing import TYPE_CHECKING

from csworkbench.estimates import say
from csworkbench.inference.accounts import CannotTell
from csworkbench.inference.effects import LEAST_IN_ARM, MANY, Effect, Method
from csworkbench.inference.permutation import DRAWS, NOISE, PermutationTest, studentized

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


def within_accounts(
    account: "Ints", outcome: "Floats", arm: "Ints", *, draws: int = DRAWS, seed: int = 0
) -> Effect | CannotTell:
    """Return the effect of a variant that was drawn among the contacts of each account.

    The difference is that of contacts of the same account, each account weighted by what it tells; its error lets
    accounts answer differently. Accounts whose contacts are all in one arm say nothing. Below 200 accounts it is judged
    by permutation of contacts within their accounts, else by Student's t on accounts.

    Args:
        account: Number of the account of each contact.
        outcome: Outcome of each contact, finite.
        arm: 0 or 1 for each contact.
        draws: How many arrangements are drawn.
        seed: The same seed gives the same draws.

    Returns:
        Effect without a relative one; its values are those of accounts as they are weighted. CannotTell where fewer
        than six accounts have both arms, or none of them two answers that differ.

    Source: least squares with a level of its own for each account and account-robust variance; checked against
        statsmodels.
    """
    import numpy as np

    order = np.argsort(account, kind="stable")
    starts = np.flatnonzero(np.diff(account[order])) + 1
    both = [
        (y, t)
        for y, t in zip(np.split(outcome[order].astype(float), starts), np.split(arm[order], starts), strict=True)
        if 0 < t.sum() < len(t)
    ]
    if len(both) < LEAST_IN_ARM:
        said = say(
            "{n:n account has|accounts have} contacts in both arms; below {least:count} nothing is compared",
            n=len(both),
            least=LEAST_IN_ARM,
        )
        return CannotTell("too_few_accounts", said)
    is_large = len(both) >= MANY
    test = _test([(y - y.mean(), t) for y, t in both], 0 if is_large else draws, np.random.default_rng(seed))
    if not test.error > 0:
        said = say("All accounts show the very same difference: nothing says how much accounts differ by chance")
        return CannotTell("no_variation", said)
    weight = np.array([t.sum() * (len(t) - t.sum()) / len(t) for _, t in both])
    control = float(weight @ [y[t == 0].mean() for y, t in both] / weight.sum())
    if is_large:
        return _by_t(test, control, len(both))
    return Effect(
        control + test.value, control, test.error, test.p(), len(both), Method.PERMUTATION, test.interval, _nothing
    )


def _by_t(test: PermutationTest, control: float, accounts: int) -> Effect:
    from scipy.stats import t

    def interval(level: float) -> tuple[float, float]:
        half = float(t.ppf((1 + level) / 2, accounts - 1)) * test.error
        return test.value - half, test.value + half

    p = 2 * float(t.sf(abs(test.value) / test.error, accounts - 1))
    return Effect(control + test.value, control, test.error, p, accounts, Method.DELTA_T, interval, _nothing)


def _nothing(level: float) -> None:
    del level


def _test(both: "list[tuple[Floats, Ints]]", draws: int, rng: "np.random.Generator") -> PermutationTest:
    """Return the test of accounts with outcomes about their means."""
    import numpy as np

    one, two, one_one, one_two, two_two, one_w, two_w, w_w = _sums(both, draws, rng)
    weight, accounts = sum(t.sum() * (len(t) - t.sum()) / len(t) for _, t in both), len(both)

    def parts(effect: float) -> "tuple[Floats, Floats]":
        squares = one_one - 2 * effect * one_two + effect**2 * two_two
        value = (one - effect * two) / weight
        rest = squares - 2 * value * (one_w - effect * two_w) + value**2 * w_w
        variance = np.where(rest > NOISE * (squares + value**2 * w_w), rest, 0.0) / weight**2
        return value, variance * accounts / (accounts - 1)

    value, variance = parts(0.0)
    return PermutationTest(
        float(value[0]),
        float(np.sqrt(variance[0])),
        lambda effect: studentized(*parts(effect)),
        draws + 1,
        is_exact=False,
    )


def _sums(both: "list[tuple[Floats, Ints]]", draws: int, rng: "np.random.Generator") -> "Floats":
    """Return sums over accounts of the products of outcome, supposed gain and weight, per arrangement.

    Args:
        both: Outcome about its mean and arm of the contacts of each account.
        draws: How many arrangements besides the one that happened.
        rng: Draws them.
    """
    import numpy as np

    sums = np.zeros((8, draws + 1))
    for y, t in both:
        drawn = np.tile(t.astype(float), (draws + 1, 1))
        drawn[1:] = rng.permuted(drawn[1:], axis=1)
        about = t - t.mean()
        score, gain, weight = drawn @ y, drawn @ about, float(about @ about)
        sums += [
            score,
            gain,
            score**2,
            score * gain,
            gain**2,
            score * weight,
            gain * weight,
            np.full(len(score), weight**2),
        ]
    return sums
