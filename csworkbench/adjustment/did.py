"""The one door to `diff-diff` (extra `did`): staggered starts, synthetic controls, and how far a trend may bend."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from csworkbench.errors import EnvironmentProblem, Problem

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

PLACEBOS = 200  # draws of a donor that takes the place of the treated account
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


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """What the library says of staggered starts.

    Args:
        value: Mean effect over all starts and months after.
        error: Its standard error, clustered by account.
        cells: One row per start and month: start, clock, effect, standard_error; cells nobody is seen in are left out.
        months: One row per month from the start: offset, effect, standard_error.
    """

    value: float
    error: float
    cells: "pd.DataFrame"
    months: "pd.DataFrame"


def callaway_santanna(stack: "pd.DataFrame", anticipation: int = 0) -> Starts:
    """Return effects by start and time, held against accounts without a plan so far, no covariates.

    Args:
        stack: unit, account, clock (integer), value, start (clock of the start, 0 for a control); a unit is seen
            where it has a row.
        anticipation: Clocks before a start in which units may already have changed.

    Raises:
        EnvironmentProblem: the extra is not installed.

    Source: Callaway and Sant'Anna (2021), Journal of Econometrics 225, 200-230.
    """
    import numpy as np
    import pandas as pd

    columns = {"outcome": "value", "unit": "unit", "time": "clock", "first_treat": "start"}
    with library() as did:
        model = did.CallawaySantAnna(control_group="never_treated", anticipation=anticipation, cluster="account")
        found = model.fit(stack, **columns)
        course = found.aggregate("event_study")
    rows = [(start, clock, each["effect"], each["se"]) for (start, clock), each in found.group_time_effects.items()]
    cells = pd.DataFrame(rows, columns=["start", "clock", "effect", "standard_error"])
    told = np.isfinite(course.att) & np.isfinite(course.se)
    months = pd.DataFrame({"offset": course.event_time, "effect": course.att, "standard_error": course.se})
    return Starts(
        float(found.overall_att),
        float(found.overall_se),
        cells[np.isfinite(cells["effect"])].reset_index(drop=True),
        months[told].reset_index(drop=True),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Synthetic:
    """What the library says of one account.

    Args:
        value: Mean effect over the months after.
        placebos: What each donor's "effect" would be in its place.
        donors: Account -> weight, those above 0.
    """

    value: float
    placebos: "Floats"
    donors: "pd.Series"


def synthetic_did(panel: "pd.DataFrame", after: "list[int]", seed: int) -> Synthetic:
    """Return the effect on one account held against a weighted mean of donors that went the same way before.

    Args:
        panel: account_id, clock, value, is_plan (1 for the account, 0 for donors); every account in every month.
        after: Clocks of the months after.
        seed: Of the placebos.

    Raises:
        EnvironmentProblem: the extra is not installed.

    Source: Arkhangelsky et al. (2021), American Economic Review 111, 4088-4118.
    """
    import numpy as np
    import pandas as pd

    with library() as did:
        model = did.SyntheticDiD(variance_method="placebo", n_bootstrap=PLACEBOS, seed=seed)
        found = model.fit(panel, "value", "is_plan", "account_id", "clock", post_periods=after)
    weights = pd.Series(found.unit_weights, dtype=float)
    drawn = np.asarray(found.variance_effects, dtype=float)
    # A donor drawn twice gives the same figure twice: each counts once.
    return Synthetic(float(found.att), np.unique(drawn[np.isfinite(drawn)].round(9)), weights[weights > 0])


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
