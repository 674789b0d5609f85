"""Which unit goes to whom: load and revenue even, few moves, nobody above their room, by a mixed-integer program.

A unit is one account, or several that stay together. Small books are solved exactly; large ones get prices of load and
revenue per person (the dual program), a plan near them, and a bound that says how much better any plan could be.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Places = NDArray[np.int64]
    Flags = NDArray[np.bool_]

KNOT, LAST = 0.05, 1.5
"""Squares are drawn by straight lines between loads this far apart, and go on straight from the last one."""
SHORT = 1e3
"""What a whole capacity too little costs: more than any balance could bring."""
EXACT_WAYS, NODES = 1500, 500
"""So many ways are solved as an integer program, for so many nodes."""
SMOOTH, STEPS, PASSES = (0.1, 0.01), 60, 6
"""The prices are found on a smooth program, ever less so, in so many steps; so often is each unit placed anew."""
TINY, HAIR = 1e-7, 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What is to be given out, units by people.

    Args:
        minutes: Minutes a week of each unit.
        amount: Its revenue, as a part of that of the whole team.
        moves: Accounts of the unit that would change hands, per person.
        is_allowed: Whether the person may have the unit; each unit has somebody.
    """

    minutes: "Numbers"
    amount: "Numbers"
    moves: "Numbers"
    is_allowed: "Flags"


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """Who it is given to.

    Args:
        capacity: Minutes a week, above 0.
        minutes: Minutes of what they keep in any case.
        amount: Its revenue, as a part of that of the whole team.
    """

    capacity: "Numbers"
    minutes: "Numbers"
    amount: "Numbers"


@dataclass(frozen=True, slots=True)
class Weights:
    """What counts how much.

    Args:
        max_load: Most of a capacity that may be filled.
        move_cost: What one move has to save, in squares of load.
        amount: Weight of revenue beside minutes.
    """

    max_load: float
    move_cost: float
    amount: float


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """Who has what.

    Args:
        person: Person of each unit.
        cost: What the program minimizes; see `cost_of`.
        bound: No plan costs less.
        excess: Minutes above the room of each person.
    """

    person: "Places"
    cost: float
    bound: float
    excess: "Numbers"

    @property
    def gap(self) -> float:
        """Share of the cost that a better plan could save at most."""
        return max(0.0, (self.cost - self.bound) / abs(self.cost)) if abs(self.cost) > TINY else 0.0


def summed(place: "NDArray[np.integer[Any]]", values: "Numbers", count: int) -> "Numbers":
    """Return the sum of the values at each place from 0 to count - 1.

    Args:
        place: Place of each value.
        values: The values.
        count: Number of places.
    """
    import numpy as np

    return np.bincount(place, values, count).astype(np.float64)


def square(load: Any) -> Any:
    """Return the square of a load, drawn by straight lines from knot to knot.

    Args:
        load: One load or several, shares of a capacity.
    """
    import numpy as np

    knots = np.arange(0.0, LAST + KNOT / 2, KNOT)
    inside = np.interp(load, knots, knots**2)
    return inside + np.maximum(0.0, np.asarray(load) - knots[-1]) * (2 * knots[-1])


def cost_of(person: "Places", units: Units, people: People, weights: Weights) -> float:
    """Return what a plan costs: uneven load and revenue, moves, and minutes that do not fit.

    Args:
        person: Person of each unit.
        units: Units.
        people: People.
        weights: What counts how much.
    """
    import numpy as np

    minutes = people.minutes + summed(person, units.minutes, len(people.capacity))
    amount = people.amount + summed(person, units.amount, len(people.capacity))
    fair = people.capacity / people.capacity.sum()
    size = people.capacity / people.capacity.mean()
    room = np.maximum(weights.max_load * people.capacity, people.minutes)
    short = np.maximum(0.0, minutes - room) / people.capacity
    uneven = square(minutes / people.capacity) + weights.amount * square(amount / fair)
    moves = units.moves[np.arange(len(person)), person].sum()
    return float((size * (uneven + SHORT * short)).sum() + weights.move_cost * moves)


def give(units: Units, people: People, weights: Weights) -> Given:
    """Return who gets what; the same for the same arguments.

    Args:
        units: What is given out.
        people: Who it is given to.
        weights: What counts how much.

    Raises:
        ValueError: nobody may have a unit.

    Source: small books by HiGHS (Huangfu and Hall 2018, Math. Prog. Comp. 10); large ones by the Lagrangian dual as in
        Fisher (1981), Management Science 27, 1-18, made smooth as in Nesterov (2005), Math. Programming 103, 127-152.
    """
    import numpy as np

    if not units.is_allowed.any(axis=1).all():
        raise ValueError("each unit needs somebody who may have it")
    if not len(units.minutes):
        person: Places = np.zeros(0, dtype=np.int64)
        cost = cost_of(person, units, people, weights)
        return Given(person, cost, cost, np.zeros(len(people.capacity)))
    if units.is_allowed.sum() <= EXACT_WAYS:
        unit, who = np.nonzero(units.is_allowed)
        person, bound = _whole((unit, who), units, people, weights)
    else:
        person, bound = _priced(units, people, weights)
    cost = cost_of(person, units, people, weights)
    minutes = people.minutes + summed(person, units.minutes, len(people.capacity))
    room = np.maximum(weights.max_load * people.capacity, people.minutes)
    return Given(person, cost, min(bound, cost), np.where(minutes > room + TINY * people.capacity, minutes - room, 0.0))


def _scales(people: People, weights: Weights) -> "tuple[Numbers, Numbers, Numbers]":
    """Return the fair part of the revenue, the weight of each person, and the room in shares of the capacity."""
    import numpy as np

    capacity = people.capacity
    room = np.maximum(weights.max_load * capacity, people.minutes) / capacity
    return capacity / capacity.sum(), capacity / capacity.mean(), room


def _priced(units: Units, people: People, weights: Weights) -> "tuple[Places, float]":
    """Return a plan of a large book and a bound: prices first, then each unit where it costs least, again and again."""
    import numpy as np

    prices = _prices(units, people, weights)
    cost = _ways_cost(prices, units, people, weights)
    bound = float(cost.min(axis=1).sum()) + _kept_value(prices, people, weights)
    best_two = np.partition(cost, 1, axis=1)[:, :2] if cost.shape[1] > 1 else np.column_stack([cost, cost + np.inf])
    order = np.lexsort((-units.minutes, best_two[:, 0] - best_two[:, 1]))
    plans = [_placed(cost.argmin(axis=1), order, units, people, weights)]
    largest = np.argsort(-units.minutes, kind="stable")
    plans.append(_placed(None, largest, units, people, weights))
    return min(plans, key=lambda plan: cost_of(plan, units, people, weights)), bound


def _ways_cost(prices: "Numbers", units: Units, people: People, weights: Weights) -> "Numbers":
    """Return what each way costs at these prices (of a capacity, of a fair part); infinite where it is not allowed."""
    import numpy as np

    fair, size, _ = _scales(people, weights)
    of_minutes, of_amount = size * prices[0] / people.capacity, weights.amount * size * prices[1] / fair
    cost = weights.move_cost * units.moves + np.outer(units.minutes, of_minutes) + np.outer(units.amount, of_amount)
    return np.asarray(np.where(units.is_allowed, cost, np.inf))


def _kept_value(prices: "Numbers", people: People, weights: Weights) -> float:
    """Return what the people add to the bound at these prices: the least of uneven loads less what the prices pay."""
    import numpy as np

    fair, size, room = _scales(people, weights)
    knots = np.arange(0.0, LAST + KNOT / 2, KNOT)
    loads = np.column_stack([np.tile(knots, (len(room), 1)), room, np.maximum(room, LAST)])
    short = SHORT * np.maximum(0.0, loads - room[:, None])
    by_load = (square(loads) + short - prices[0][:, None] * loads).min(axis=1)
    by_amount = (square(knots) - prices[1][:, None] * knots).min(axis=1)
    kept = prices[0] * people.minutes / people.capacity + weights.amount * prices[1] * people.amount / fair
    return float((size * (by_load + weights.amount * by_amount + kept)).sum())


def _prices(units: Units, people: People, weights: Weights) -> "Numbers":
    """Return what a capacity and a fair part of the revenue are worth per person, from the smooth dual program."""
    import numpy as np
    from scipy.optimize import minimize

    fair, size, room = _scales(people, weights)
    count = len(room)
    usual = float(units.minutes.mean() / people.capacity.mean())
    start = np.full(2 * count, 2 * min(1.0, (units.minutes.sum() + people.minutes.sum()) / people.capacity.sum()))

    def negative(flat: "Numbers", warmth: float) -> "tuple[float, Numbers]":
        prices = flat.reshape(2, count)
        cost = _ways_cost(prices, units, people, weights)
        least = cost.min(axis=1, keepdims=True)
        share = np.exp((least - cost) / warmth)
        total = share.sum(axis=1, keepdims=True)
        share /= total
        load, part = np.clip(prices[0] / 2, 0.0, room), np.clip(prices[1] / 2, 0.0, LAST)
        value = (least - warmth * np.log(total)).sum()
        value += (size * (load**2 - prices[0] * load + weights.amount * (part**2 - prices[1] * part))).sum()
        minutes, amount = people.minutes + units.minutes @ share, people.amount + units.amount @ share
        value += (size * (prices[0] * people.minutes / people.capacity)).sum()
        value += (weights.amount * size * prices[1] * people.amount / fair).sum()
        slope = [size * (minutes / people.capacity - load), weights.amount * size * (amount / fair - part)]
        return -float(value), -np.concatenate(slope)

    limits = [(0.0, 2 * LAST + SHORT)] * count + [(0.0, 2 * LAST)] * count
    for smooth in SMOOTH:
        found = minimize(
            negative, start, (smooth * usual,), method="L-BFGS-B", jac=True, bounds=limits,
            options={"maxiter": STEPS, "maxfun": 2 * STEPS},
        )  # fmt: skip
        start = found.x
    return np.asarray(start.reshape(2, count))


def _placed(person: "Places | None", order: "Places", units: Units, people: People, weights: Weights) -> "Places":
    """Return a plan in which no single unit would cost less elsewhere, or as near as the passes come.

    None as the plan to start from places the units in their order first.
    """
    import numpy as np

    fair, size, room = _scales(people, weights)
    count = len(room)
    if person is not None:
        minutes = people.minutes + summed(person, units.minutes, count)
        amount = people.amount + summed(person, units.amount, count)
    else:
        minutes, amount = people.minutes.copy(), people.amount.copy()
    chosen = np.full(len(order), -1, dtype=np.int64) if person is None else person.copy()
    move = np.where(units.is_allowed, weights.move_cost * units.moves, np.inf)
    load_share, amount_share = units.minutes[:, None] / people.capacity, units.amount[:, None] / fair
    load, part = minutes / people.capacity, amount / fair
    for _ in range(PASSES):
        changed = False
        for unit in order:
            own, step, worth = chosen[unit], load_share[unit], amount_share[unit]
            if own >= 0:
                load[own] -= step[own]
                part[own] -= worth[own]
            # The exact square stands in for its lines here.
            cost = step * (2 * load + step) + weights.amount * worth * (2 * part + worth)
            cost += SHORT * (np.maximum(0.0, load + step - room) - np.maximum(0.0, load - room))
            cost = size * cost + move[unit]
            best = int(cost.argmin())
            if own < 0 or cost[best] < cost[own] - HAIR:
                chosen[unit], changed = best, True
            load[chosen[unit]] += step[chosen[unit]]
            part[chosen[unit]] += worth[chosen[unit]]
        if not changed:
            break
    return chosen


@dataclass(frozen=True, slots=True, eq=False)
class _Program:
    """Rows and columns: the ways, then per person the steps of load, of revenue, and the minutes above the room."""

    cost: "Numbers"
    rows: Any
    bounds: "Numbers"
    upper: "Numbers"


def _program(ways: "tuple[Places, Places]", units: Units, people: People, weights: Weights) -> _Program:
    import numpy as np
    from scipy import sparse

    unit, who = ways
    count, people_count, ways_count = len(units.minutes), len(people.capacity), len(unit)
    capacity, fair = people.capacity, people.capacity / people.capacity.sum()
    size = capacity / capacity.mean()
    room = np.maximum(weights.max_load * capacity, people.minutes)
    steps = round(LAST / KNOT)
    slopes = np.append((2 * np.arange(steps) + 1) * KNOT, 2 * LAST)
    widths = np.append(np.full(steps, KNOT), np.inf)
    person = np.repeat(np.arange(people_count), steps + 1)
    columns = np.arange(ways_count)
    once = sparse.csr_array((np.ones(ways_count), (unit, columns)), shape=(count, ways_count))
    minutes = sparse.csr_array((units.minutes[unit], (who, columns)), shape=(people_count, ways_count))
    amounts = sparse.csr_array((units.amount[unit], (who, columns)), shape=(people_count, ways_count))
    into = sparse.csr_array((np.ones(len(person)), (person, np.arange(len(person)))))
    # Rows in shares of a capacity, and of a fair part: numbers near 1.
    rows = sparse.block_array(
        [
            [once, None, None, None],
            [sparse.diags_array(1 / capacity) @ minutes, -into, None, None],
            [sparse.diags_array(1 / fair) @ amounts, None, -into, None],
            [sparse.diags_array(1 / capacity) @ minutes, None, None, -sparse.eye_array(people_count)],
        ],
        format="csr",
    )
    moves = weights.move_cost * units.moves[unit, who]
    uneven = size[person] * np.tile(slopes, people_count)
    return _Program(
        cost=np.concatenate([moves, uneven, weights.amount * uneven, SHORT * size]),
        rows=rows,
        bounds=np.concatenate(
            [np.ones(count), -people.minutes / capacity, -people.amount / fair, (room - people.minutes) / capacity]
        ),
        upper=np.concatenate(
            [np.ones(ways_count), *[np.tile(widths, people_count)] * 2, np.full(people_count, np.inf)]
        ),
    )


def _whole(ways: "tuple[Places, Places]", units: Units, people: People, weights: Weights) -> "tuple[Places, float]":
    """Return the best whole plan of these ways, and the bound of the search."""
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp

    made = _program(ways, units, people, weights)
    count, ways_count = len(units.minutes), len(ways[0])
    lower = np.concatenate([made.bounds[:count], np.full(len(made.bounds) - count, -np.inf)])
    found = milp(
        made.cost,
        constraints=LinearConstraint(made.rows, lower, made.bounds),
        bounds=Bounds(0.0, made.upper),
        integrality=np.concatenate([np.ones(ways_count), np.zeros(len(made.cost) - ways_count)]),
        options={"node_limit": NODES, "mip_rel_gap": 1e-6},
    )
    if found.x is None:
        raise RuntimeError(f"HiGHS: {found.message}")  # each unit has a way, and minutes above the room only cost
    taken = np.flatnonzero(found.x[:ways_count] > 0.5)
    person = np.zeros(count, dtype=np.int64)
    person[ways[0][taken]] = ways[1][taken]
    return person, float(found.mip_dual_bound)
