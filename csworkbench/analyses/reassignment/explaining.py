"""Why a book does not fit: which people lack how much room for whom, and what would make it fit."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.reassignment.balancing import summed
from csworkbench.analyses.reassignment.evidence import Inputs
from csworkbench.analyses.reassignment.moving import Plan

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

SHORTAGES = ["people", "languages", "accounts", "needed", "room", "lacking"]
HALF = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Shortage:
    """What does not fit.

    Args:
        table: One row per group of CSMs who are the only ones for some accounts and lack the room: people, languages
            (of those accounts), accounts (of theirs and of those that only they may have), needed and room (minutes a
            week), lacking; no row where accounts would fit if they could be split.
        excess: Minutes a week above the room in the plan.
        max_load: Load from which there is room, accounts split where need be; None = there is room now.
    """

    table: "pd.DataFrame"
    excess: float
    max_load: float | None


def shortage(made: Plan, inputs: Inputs) -> Shortage:
    """Return which rule cannot be kept and by how much.

    Args:
        made: The plan.
        inputs: Accounts and people.

    Source: the dual of the transport problem names the people of Hall's condition (Hall 1935, J. London Math. Soc. 10):
        those for whom more is asked than there is, and nobody else may have it.
    """
    import numpy as np
    import pandas as pd

    excess = float(made.given.excess.sum())
    if excess <= 0:
        return Shortage(pd.DataFrame(columns=SHORTAGES), 0.0, None)
    kinds, minutes = _kinds(made)
    least = made.people.minutes
    room = np.maximum(made.weights.max_load * made.people.capacity, least)
    lacking, prices = _lacking(kinds, minutes, room - least)
    if lacking <= 1e-6 * made.people.capacity.mean():
        return Shortage(pd.DataFrame(columns=SHORTAGES), excess, None)
    rows = [_row(group, made, inputs, (kinds, room)) for group in _groups(kinds, prices > HALF)]
    return Shortage(pd.DataFrame(rows, columns=SHORTAGES), excess, _least_load(kinds, minutes, made))


def _kinds(made: Plan) -> "tuple[Any, Numbers]":
    """Return the different sets of people who may have a unit, and the minutes of the units of each."""
    import numpy as np

    kinds, number = np.unique(made.units.is_allowed, axis=0, return_inverse=True)
    return kinds, summed(number.ravel(), made.units.minutes, len(kinds))


def _transport(kinds: Any) -> "tuple[Any, Any, Any]":
    """Return the rows "each kind goes somewhere" and "what each person gets", and the number of ways."""
    import numpy as np
    from scipy import sparse

    kind, who = np.nonzero(kinds)
    ways = np.arange(len(kind))
    goes = sparse.csr_array((np.ones(len(kind)), (kind, ways)), shape=(len(kinds), len(kind)))
    gets = sparse.csr_array((np.ones(len(kind)), (who, ways)), shape=(kinds.shape[1], len(kind)))
    return goes, gets, len(kind)


def _lacking(kinds: Any, minutes: "Numbers", room: "Numbers") -> "tuple[float, Numbers]":
    """Return the least minutes that do not fit, and for whom one minute more would help."""
    import numpy as np
    from scipy import sparse
    from scipy.optimize import linprog

    goes, gets, ways = _transport(kinds)
    count = kinds.shape[1]
    found = linprog(
        np.concatenate([np.zeros(ways), np.ones(count)]),
        A_ub=sparse.hstack([gets, -sparse.eye_array(count)]),
        b_ub=room,
        A_eq=sparse.hstack([goes, sparse.csr_array((len(kinds), count))]),
        b_eq=minutes,
        method="highs-ds",
    )
    return float(found.fun), -found.ineqlin.marginals


def _least_load(kinds: Any, minutes: "Numbers", made: Plan) -> float:
    """Return the load from which everything fits."""
    import numpy as np
    from scipy import sparse
    from scipy.optimize import linprog

    goes, gets, ways = _transport(kinds)
    capacity = made.people.capacity[:, None]
    found = linprog(
        np.append(np.zeros(ways), 1.0),
        A_ub=sparse.hstack([gets, sparse.csr_array(-capacity)]),
        b_ub=-made.people.minutes,
        A_eq=sparse.hstack([goes, sparse.csr_array((len(kinds), 1))]),
        b_eq=minutes,
        method="highs-ds",
    )
    return float(found.fun)


def _groups(kinds: Any, is_short: Any) -> "list[NDArray[np.int64]]":
    """Return the people who are short, those together for whom the same accounts ask."""
    import numpy as np
    from scipy import sparse
    from scipy.sparse.csgraph import connected_components

    short = np.flatnonzero(is_short)
    stuck = kinds[~kinds[:, ~is_short].any(axis=1)][:, short].astype(float)
    number = connected_components(sparse.csr_array(stuck.T @ stuck), directed=False)[1]
    return [short[number == each] for each in range(number.max() + 1)] if len(short) else []


def _row(group: "NDArray[np.int64]", made: Plan, inputs: Inputs, given: "tuple[Any, Numbers]") -> tuple[Any, ...]:
    import numpy as np

    kinds, room = given
    others = np.setdiff1d(np.arange(kinds.shape[1]), group)
    only = np.asarray(~made.units.is_allowed[:, others].any(axis=1))
    numbers = {unit for unit, mine in zip(made.asked, only.tolist(), strict=True) if mine}
    rows = made.rows[made.rows["unit"].isin(numbers)]
    names = [made.who[each] for each in group]
    kept = made.rows["csm_id"].isin(names) & ~made.rows["unit"].isin(made.asked)
    languages = sorted(inputs.accounts.loc[rows.index, "language"].dropna().unique())
    needed = float(made.units.minutes[only].sum() + made.people.minutes[group].sum())
    there = float(room[group].sum())
    people = ", ".join(inputs.people.loc[names, "name"])
    return people, ", ".join(languages), len(rows) + int(kept.sum()), needed, there, needed - there
