"""Who does what within limits: a linear program gives a bound and prices, rounding and filling a plan near it.

Each task is done in at most one of its ways; a way brings a gain and uses up limits, such as the minutes of a person or
the places of a channel. Levels are served in order, so no task of a later level takes anything from an earlier one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from csworkbench.errors import AnalysisError, Problem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Places = NDArray[np.int64]

MUST = 0
"""Level of the tasks that are done even where a limit that yields is exceeded."""
EXACT_WAYS, NODES, NEAR = 1500, 2000, 1e-4
"""So many ways of a stage, and for so many nodes, are also solved as an integer program, a part of them to this gap."""
TINY, HAIR = 1e-7, 1e-6
UNDONE, EXCEEDED = 1e4, 1e2


@dataclass(frozen=True, slots=True, eq=False)
class Ways:
    """Ways to do tasks, one place per way in each array.

    Args:
        task: Number of the task, from 0.
        level: Level of the task: `MUST` first, then 1, 2 ... in order.
        gain: What it brings, at least 0.
    """

    task: "Places"
    level: "Places"
    gain: "Numbers"


@dataclass(frozen=True, slots=True, eq=False)
class Limit:
    """Something of which there is only so much.

    Args:
        name: What it is called in messages.
        room: How much there is.
        ways: Places of the ways that use it.
        amounts: How much each of them uses, above 0.
        yields: Whether tasks of level `MUST` may exceed it; others never do.
    """

    name: str
    room: float
    ways: "Places"
    amounts: "Numbers"
    yields: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """What became of one level.

    Args:
        level: The level.
        tasks: Its tasks.
        done: How many are done.
        gain: What they bring.
        bound: More than this no plan brings, given the levels before.
        prices: What one more unit of each limit would bring, in the order of the limits.
    """

    level: int
    tasks: int
    done: int
    gain: float
    bound: float
    prices: "Numbers"

    @property
    def gap(self) -> float:
        """Share of the bound that the plan does not reach."""
        return max(0.0, (self.bound - self.gain) / self.bound) if self.bound > TINY else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Allocation:
    """A plan.

    Args:
        chosen: Way of each task, -1 where it is not done.
        stages: The levels in order.
        left: What is left of each limit; below 0 = exceeded by tasks of level `MUST`.
    """

    chosen: "Places"
    stages: tuple[Stage, ...]
    left: "Numbers"


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """The ways of one level, with what they use (limits by ways) and their tasks counted anew."""

    places: "Places"
    task: "Places"
    gain: "Numbers"
    uses: Any


def allocate(ways: Ways, limits: Sequence[Limit]) -> Allocation:
    """Return which tasks are done in which way.

    Args:
        ways: The ways; a task has one level.
        limits: What they use up.

    Returns:
        The plan; the same for the same arguments.

    Raises:
        AnalysisError: there is less than nothing of a limit; all of them are named.
        ValueError: a gain or an amount is below 0 or not a number.

    Source: linear relaxation by HiGHS (Huangfu and Hall 2018, Math. Prog. Comp. 10); a basic solution has at most as
    many split tasks as limits, so rounding down loses little.
    """
    import numpy as np

    _check(ways, limits)
    uses = _matrix(limits, len(ways.task))
    room = np.array([each.room for each in limits], dtype=float)
    chosen = np.full(int(ways.task.max()) + 1 if len(ways.task) else 0, -1, dtype=np.int64)
    stages = []
    for level in np.unique(ways.level):
        places = np.flatnonzero(ways.level == level)
        if level == MUST:
            taken, stage = _must(_part(ways, uses, places), room, [each.yields for each in limits])
        else:
            taken, stage = _best(_part(ways, uses, places), np.maximum(room, 0.0), int(level))
        tasks = len(np.unique(ways.task[places]))
        stages.append(Stage(int(level), tasks, len(taken), stage.gain, stage.bound, stage.prices))
        chosen[ways.task[taken]] = taken
        room = room - uses[:, taken].sum(axis=1)
    return Allocation(chosen, tuple(stages), room)


def obstacles(ways: Ways, limits: Sequence[Limit], plan: Allocation) -> dict[int, tuple[int, ...]]:
    """Return the limits that keep each task from being done, for the way that fewest stand against.

    Args:
        ways: The ways of the plan.
        limits: Its limits.
        plan: The plan.

    Returns:
        Task that is not done -> places of the limits without room for it, in order; none = it would bring nothing.
    """
    import numpy as np

    uses = _matrix(limits, len(ways.task)).tocsc()
    found: dict[int, tuple[int, ...]] = {}
    for way in np.flatnonzero(plan.chosen[ways.task] < 0):
        inside = slice(uses.indptr[way], uses.indptr[way + 1])
        against = uses.indices[inside][uses.data[inside] > plan.left[uses.indices[inside]] + TINY]
        task, places = int(ways.task[way]), tuple(sorted(int(each) for each in against))
        if task not in found or len(places) < len(found[task]):
            found[task] = places
    return found


def _check(ways: Ways, limits: Sequence[Limit]) -> None:
    import numpy as np

    short = [each for each in limits if not each.room >= 0]
    if short:
        hint = "give what is there, 0 for nothing"
        raise AnalysisError(*(Problem(f"{each.name}: there is {each.room:g}", hint=hint) for each in short))
    if not (np.isfinite(ways.gain).all() and (ways.gain >= 0).all()):
        raise ValueError("a gain is a number of 0 or more")
    if not all((each.amounts > 0).all() and np.isfinite(each.amounts).all() for each in limits):
        raise ValueError("a way uses more than 0 of a limit, or is not among its ways")


def _matrix(limits: Sequence[Limit], ways: int) -> Any:
    import numpy as np
    from scipy import sparse

    if not limits:
        return sparse.csc_array((0, ways))
    rows = np.repeat(np.arange(len(limits)), [len(each.ways) for each in limits])
    columns = np.concatenate([each.ways for each in limits]).astype(np.int64)
    amounts = np.concatenate([each.amounts for each in limits]).astype(float)
    return sparse.csc_array((amounts, (rows, columns)), shape=(len(limits), ways))


def _part(ways: Ways, uses: Any, places: "Places") -> _Part:
    import numpy as np

    _, task = np.unique(ways.task[places], return_inverse=True)
    return _Part(places, task.astype(np.int64), ways.gain[places], uses[:, places])


def _fitting(uses: Any, room: "Numbers") -> Any:
    """Return whether each way fits while nothing else is done: what does not fit alone never will."""
    import numpy as np

    table = uses.tocoo()
    fits = np.ones(uses.shape[1], dtype=bool)
    fits[table.col[table.data > room[table.row] + TINY]] = False
    return fits


def _best(part: _Part, room: "Numbers", level: int) -> "tuple[Places, Stage]":
    """Return the ways taken on a level that may not exceed anything."""
    share, prices, bound = _relaxed(part, room)
    fits, costs = _fitting(part.uses, room), prices
    if not fits.all():
        # What does not fit alone has a price, for more room would let it in, and no place in the plan or its bound.
        part = _some(part, fits)
        share, costs, bound = _relaxed(part, room)
    if not len(part.task):
        return part.places, Stage(level, 0, 0, 0.0, 0.0, prices)
    reduced = part.gain - part.uses.T @ costs
    # What is worth most at its price, or simply most: neither order is always the better one.
    taken = max((_filled(part, room, share, order) for order in (reduced, part.gain)), key=_worth(part))
    if part.gain[taken].sum() < bound - TINY * max(1.0, bound):
        taken = max((taken, _again(part, room, reduced, taken)), key=_worth(part))
    gain = float(part.gain[taken].sum())
    return part.places[taken], Stage(level, 0, 0, gain, max(float(bound), gain), prices)


def _some(part: _Part, which: Any) -> _Part:
    """Return some of the ways of a part."""
    import numpy as np

    _, task = np.unique(part.task[which], return_inverse=True)
    return _Part(part.places[which], task.astype(np.int64), part.gain[which], part.uses.tocsc()[:, which])


def _worth(part: _Part) -> "Callable[[Places], float]":
    return lambda taken: float(part.gain[taken].sum())


def _relaxed(part: _Part, room: "Numbers") -> "tuple[Numbers, Numbers, float]":
    """Return shares, prices and bound from HiGHS."""
    import numpy as np
    from scipy import sparse
    from scipy.optimize import linprog

    tasks, ways = int(part.task.max(initial=-1)) + 1, len(part.task)
    if not ways:
        return np.zeros(0), np.zeros(len(room)), 0.0
    once = sparse.csr_array((np.ones(ways), (part.task, np.arange(ways))), shape=(tasks, ways))
    # A hair more of everything: where a limit is used to the last bit, its price is that of more of it, not of less.
    hair = HAIR * (1.0 + room)
    bounds = np.concatenate([np.ones(tasks), room + hair])
    rows = sparse.vstack([once, part.uses], format="csr")
    # The interior point method ends in a basic solution too, and is ten times faster than the simplex one here.
    for method in ("highs-ipm", "highs-ds"):
        found = linprog(-part.gain, A_ub=rows, b_ub=bounds, bounds=(0, None), method=method)
        if found.status == 0:
            prices = np.maximum(0.0, -found.ineqlin.marginals[tasks:])
            return np.clip(found.x, 0.0, 1.0), prices, float(-found.fun - prices @ hair)
    raise RuntimeError(f"HiGHS: {found.message}")  # bounded and feasible: 0 is a solution


def _filled(part: _Part, room: "Numbers", share: "Numbers", order: "Numbers") -> "Places":
    """Return the ways taken: those the relaxed program takes whole, then what still fits, the first in order first."""
    import numpy as np

    is_whole = share > 1 - TINY
    taken = list(np.flatnonzero(is_whole))
    left = room - part.uses[:, taken].sum(axis=1)
    while (left < -TINY).any():  # the hair more let one in that does not fit
        users = part.uses[[int(np.argmin(left))]][:, taken].toarray().ravel() > 0
        least = min(np.flatnonzero(users), key=lambda place: float(part.gain[taken[place]]))
        left += part.uses[:, [taken.pop(least)]].sum(axis=1)
    is_done = np.zeros(int(part.task.max()) + 1, dtype=bool)
    is_done[part.task[taken]] = True
    waiting = np.flatnonzero(~is_done[part.task] & (part.gain > 0) & _fitting(part.uses, left))
    uses = part.uses.tocsc()
    for way in waiting[np.argsort(-order[waiting], kind="stable")]:
        inside = slice(uses.indptr[way], uses.indptr[way + 1])
        limits, amounts = uses.indices[inside], uses.data[inside]
        if not is_done[part.task[way]] and (amounts <= left[limits] + TINY).all():
            is_done[part.task[way]] = True
            left[limits] -= amounts
            taken.append(way)
    return np.sort(np.array(taken, dtype=np.int64))


def _again(part: _Part, room: "Numbers", reduced: "Numbers", taken: "Places") -> "Places":
    """Return a plan in which the tasks it was close about are decided together, as an integer program; all, if few.

    The others keep their way. Close is a task whose best way, or leaving it, is worth hardly more than the next best.
    """
    import numpy as np

    tasks = int(part.task.max()) + 1
    ordered = np.lexsort((-reduced, part.task))
    ways, starts = np.bincount(part.task, minlength=tasks), np.flatnonzero(np.diff(part.task[ordered], prepend=-1))
    second = np.full(tasks, -np.inf)
    second[ways > 1] = reduced[ordered][starts[ways > 1] + 1]
    worth = np.sort([reduced[ordered][starts], second, np.zeros(tasks)], axis=0)
    closest = np.argsort(worth[2] - worth[1], kind="stable")
    is_close = np.zeros(tasks, dtype=bool)
    is_close[closest[np.cumsum(ways[closest]) <= EXACT_WAYS]] = True
    kept, asked = taken[~is_close[part.task[taken]]], np.flatnonzero(is_close[part.task])
    if not len(asked):
        return taken
    left = np.maximum(room - part.uses[:, kept].sum(axis=1), 0.0)
    found = _whole(_some(part, asked), left, 0.0 if is_close.all() else NEAR)
    return np.sort(np.concatenate([kept, asked[found]]))


def _whole(part: _Part, room: "Numbers", gap: float) -> "Places":
    """Return the ways the integer program takes, within a share of its bound; none where its nodes do not suffice."""
    import numpy as np
    from scipy import sparse
    from scipy.optimize import LinearConstraint, milp

    tasks, ways = int(part.task.max()) + 1, len(part.task)
    once = sparse.csr_array((np.ones(ways), (part.task, np.arange(ways))), shape=(tasks, ways))
    rows = LinearConstraint(sparse.vstack([once, part.uses]), ub=np.concatenate([np.ones(tasks), room]))
    options = _OPTIONS | {"mip_rel_gap": gap}
    found = milp(-part.gain, constraints=rows, integrality=np.ones(ways), bounds=(0, 1), options=options)
    return np.zeros(0, dtype=np.int64) if found.x is None else np.flatnonzero(found.x > 0.5)


_OPTIONS = {"mip_rel_gap": 0.0, "node_limit": NODES}


def _must(part: _Part, room: "Numbers", yields: Sequence[bool]) -> "tuple[Places, Stage]":
    """Return the ways of the tasks that must be done, exceeding limits that yield as little as can be.

    To leave one undone is worse than any excess, and that worse than any gain. An excess counts in units of the largest
    single use of its limit.
    """
    import numpy as np
    from scipy import sparse
    from scipy.optimize import LinearConstraint, milp

    tasks, ways, limits = int(part.task.max()) + 1, len(part.task), len(room)
    once = sparse.csr_array((np.ones(ways), (part.task, np.arange(ways))), shape=(tasks, ways))
    soft = np.flatnonzero(yields)
    largest = part.uses.max(axis=1).toarray().ravel() if limits else np.zeros(0)
    excess = sparse.csr_array((-np.ones(len(soft)), (soft, np.arange(len(soft)))), shape=(limits, len(soft)))
    rows = sparse.block_array([[once, None, sparse.eye_array(tasks)], [part.uses, excess, None]], format="csc")
    low = np.concatenate([np.ones(tasks), np.full(limits, -np.inf)])
    top = max(float(part.gain.max()), TINY)
    cost = np.concatenate([-part.gain / top, EXCEEDED / np.maximum(largest[soft], TINY), np.full(tasks, UNDONE)])
    is_small = ways <= EXACT_WAYS
    found = milp(
        cost,
        constraints=LinearConstraint(rows, low, np.concatenate([np.ones(tasks), room])),
        integrality=np.concatenate([np.full(ways, float(is_small)), np.zeros(len(soft) + tasks)]),
        bounds=_upper(ways + len(soft) + tasks, ways, tasks),
        options=_OPTIONS,
    )
    hard = np.where(yields, np.inf, room) if limits else room
    share = np.zeros(ways) if found.x is None else found.x[:ways]
    # With the shares as gains, filling takes the largest share of each task that still fits.
    by_share = share + TINY * (1 + part.gain / top)
    taken = _filled(_Part(part.places, part.task, by_share, part.uses), hard, share, by_share)
    gain = float(part.gain[taken].sum())
    return part.places[taken], Stage(MUST, tasks, len(taken), gain, gain, np.zeros(limits))


def _upper(columns: int, ways: int, tasks: int) -> Any:
    import numpy as np
    from scipy.optimize import Bounds

    upper = np.full(columns, np.inf)
    upper[:ways] = 1.0
    upper[columns - tasks :] = 1.0
    return Bounds(0.0, upper)
