"""The one door to `diff-diff` (extra `did`): staggered starts, synthetic controls, and how far a trend may bend."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from csworkbench.errors import EnvironmentProblem, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

FARTHEST = 10.0  # multiples of the largest violation before beyond which no breakdown is looked for


def is_installed() -> bool:
    """Return whether the extra is there."""
    return find_spec("diff_diff") is not None


@contextmanager
def library() -> Iterator[Any]:
    """Give the library, its warnings kept from readers: what they say of our data is said by caveats of ours.

    Raises:
        EnvironmentProblem: the extra is not installed.
    """
    if not is_installed():
        raise EnvironmentProblem(
            Problem(
                "staggered starts and synthetic controls need the package diff-diff, which is not installed",
                hint="pip install 'csworkbench[did]'",
            )
        )
    import diff_diff

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield diff_diff


def breakdown(
    effects: "Floats", covariance: "Floats", n_before: int, weights: "Floats", level: float = 0.95
) -> float | None:
    """Return up to which bend after landing, in multiples of the largest before, the effect differs from 0.

    Args:
        effects: Effects of the months before (but the reference, month -1), then of those from landing on.
        covariance: Of the effects.
        n_before: How many lie before.
        weights: Weights of the months from landing on whose weighted mean is judged.
        level: Coverage.

    Returns:
        0 where it does not differ even along a straight line, 10 where it differs at 10; None without the extra.

    Source: Rambachan and Roth (2023), Review of Economic Studies 90, 2555-2591, relative magnitudes; diff-diff widens
    the identified set by the plain error, which is on the safe side.
    """
    import numpy as np

    if not is_installed() or n_before < 1:
        return None
    months = [*range(-n_before - 1, -1), *range(len(effects) - n_before)]
    errors = np.sqrt(np.diag(covariance))
    nothing = (float("nan"), float("nan"))
    with library() as did:
        found = did.MultiPeriodDiDResults(
            {
                month: did.PeriodEffect(month, effect, error, effect / error, float("nan"), nothing)
                for month, effect, error in zip(months, effects, errors, strict=True)
            },
            *(float("nan"),) * 4,
            nothing,
            *(0, 0, 0),
            months[:n_before],
            months[n_before:],
            vcov=covariance,
            interaction_indices={month: place for place, month in enumerate(months)},
        )
        judge = did.HonestDiD(method="relative_magnitude", alpha=1 - level, l_vec=weights)
        value = judge.breakdown_value(found)
    return FARTHEST if value is None else float(value)
