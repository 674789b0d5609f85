"""Arms drawn among the contacts of each account, as for subject lines and copy: half the sample of drawing accounts."""

from typing import TYPE_CHECKING

from csworkbench.estimates import say
from csworkbench.inference.accounts import CannotTell
from csworkbench.inference.permutation import DRAWS, NOISE, PermutationTest, studentized

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


def within_accounts(
    account: "Ints", outcome: "Floats", arm: "Ints", *, draws: int = DRAWS, seed: int = 0
) -> PermutationTest | CannotTell:
    """Return the test of two arms that were drawn among the contacts of each account.

    The difference is that of contacts of the same account, each account weighted by what it tells; its error lets
    accounts answer differently. Accounts whose contacts are all in one arm say nothing. Where accounts are many enough
    for a large-sample test, `value`, `error` and the number of accounts less one as degrees of freedom give it.

    Args:
        account: Number of the account of each contact.
        outcome: Outcome of each contact, finite.
        arm: 0 or 1 for each contact.
        draws: How many arrangements are drawn.
        seed: The same seed gives the same draws.

    Source: least squares with a level of its own for each account and account-robust variance; checked against
        statsmodels.
    """
    import numpy as np

    order = np.argsort(account, kind="stable")
    starts = np.flatnonzero(np.diff(account[order])) + 1
    both = [
        (y - y.mean(), t)
        for y, t in zip(np.split(outcome[order].astype(float), starts), np.split(arm[order], starts), strict=True)
        if 0 < t.sum() < len(t)
    ]
    if len(both) < 2:
        return CannotTell("no_pairs", say("Fewer than two accounts have contacts in both arms: nothing is compared"))
    if not any(y.any() for y, _ in both):
        said = say("The contacts of each account all answered the same: no difference can be seen")
        return CannotTell("no_variation", said)
    sums = _sums(both, draws, np.random.default_rng(seed))
    weight = sum(t.sum() * (len(t) - t.sum()) / len(t) for _, t in both)

    def parts(effect: float) -> "tuple[Floats, Floats]":
        one, two, one_one, one_two, two_two, one_w, two_w, w_w = sums
        score, squares = one - effect * two, one_one - 2 * effect * one_two + effect**2 * two_two
        value = score / weight
        rest = squares - 2 * value * (one_w - effect * two_w) + value**2 * w_w
        variance = np.where(rest > NOISE * (squares + value**2 * w_w), rest, 0.0) / weight**2
        return value, variance * len(both) / (len(both) - 1)

    value, variance = parts(0.0)
    test = PermutationTest(
        float(value[0]),
        float(np.sqrt(variance[0])),
        lambda effect: studentized(*parts(effect)),
        draws + 1,
        is_exact=False,
    )
    if test.error > 0:
        return test
    said = say("All accounts show the very same difference: nothing says how much accounts differ by chance")
    return CannotTell("no_variation", said)


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
