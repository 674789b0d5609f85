"""Who does what within limits: near the bound, exact where small, and clear about what does not fit."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csworkbench.allocation import MUST, Limit, Ways, allocate, obstacles
from csworkbench.errors import AnalysisError


def ways(*rows):
    """Ways from (task, level, gain)."""
    task, level, gain = zip(*rows, strict=True)
    return Ways(np.array(task), np.array(level), np.array(gain, dtype=float))


def limit(name, room, amounts, yields=False):
    """A limit from the amount each way uses; 0 = none."""
    places = np.flatnonzero(amounts)
    return Limit(name, room, places, np.array(amounts, dtype=float)[places], yields)


def test_the_most_valuable_tasks_that_fit_are_done():
    # 60 minutes: 30 for a gain of 3 and 30 for a gain of 2; the gain of 1 has no room.
    plan = allocate(ways((0, 1, 1), (1, 1, 3), (2, 1, 2)), [limit("Anna", 60, [30, 30, 30])])
    assert plan.chosen.tolist() == [-1, 1, 2]
    assert plan.left.tolist() == [0]


def test_a_task_is_done_in_one_way():
    plan = allocate(ways((0, 1, 5), (0, 1, 5)), [limit("Anna", 60, [1, 1])])
    assert plan.chosen.tolist() in ([0], [1])
    assert plan.left.tolist() == [59]


def test_the_price_is_what_one_more_minute_would_bring():
    # Fractional: 10 minutes are left after the first task; a gain of 2 for 20 minutes is .1 a minute.
    plan = allocate(ways((0, 1, 4), (1, 1, 2)), [limit("Anna", 30, [20, 20])])
    assert plan.stages[0].prices.tolist() == pytest.approx([0.1])
    assert plan.stages[0].bound == pytest.approx(5)
    assert plan.stages[0].gain == 4
    assert plan.stages[0].gap == pytest.approx(0.2)


def test_a_limit_with_room_to_spare_has_no_price():
    assert allocate(ways((0, 1, 4)), [limit("Anna", 100, [20])]).stages[0].prices.tolist() == [0]


def test_an_earlier_level_is_served_first_however_small_its_gain():
    plan = allocate(ways((0, 1, 0.001), (1, 2, 1000)), [limit("Anna", 30, [30, 30])])
    assert plan.chosen.tolist() == [0, -1]


def test_what_must_be_done_is_done_beyond_a_limit_that_yields_and_the_excess_is_told():
    # 90 minutes of calls in a week of 60: 30 too many.
    plan = allocate(ways((0, MUST, 1), (1, MUST, 1), (2, 1, 9)), [limit("Anna", 60, [45, 45, 5], yields=True)])
    assert plan.chosen.tolist() == [0, 1, -1]
    assert plan.left.tolist() == [-30]


def test_the_way_that_exceeds_least_is_taken():
    # By phone 45 of 20 minutes, by chat 10.
    plan = allocate(ways((0, MUST, 9), (0, MUST, 1)), [limit("Anna", 20, [45, 10], yields=True)])
    assert plan.chosen.tolist() == [1]
    assert plan.left.tolist() == [10]


def test_what_must_be_done_never_exceeds_a_limit_that_does_not_yield():
    asked = ways((0, MUST, 1), (1, MUST, 2))
    limits = [limit("person P1", 1, [1, 1]), limit("Anna", 5, [30, 30], yields=True)]
    plan = allocate(asked, limits)
    assert plan.chosen.tolist() == [-1, 1]
    assert obstacles(asked, limits, plan) == {0: (0, 1)}


def test_obstacles_are_those_of_the_way_fewest_limits_stand_against():
    asked = ways((0, 1, 5), (1, 1, 1), (1, 1, 1))
    limits = [limit("Anna", 30, [30, 30, 0]), limit("chat", 0.5, [0, 0, 1]), limit("P1", 1, [1, 1, 0])]
    assert obstacles(asked, limits, allocate(asked, limits)) == {1: (1,)}


def test_a_task_that_brings_nothing_has_no_obstacle():
    asked = ways((0, 1, 0))
    limits = [limit("Anna", 30, [10])]
    assert obstacles(asked, limits, allocate(asked, limits)) == {0: ()}


def test_less_than_nothing_is_refused_by_name_all_of_it():
    with pytest.raises(AnalysisError, match=r"Anna: there is -30 [^\n]*\n.*Bo: there is -1"):
        allocate(ways((0, 1, 1)), [limit("Anna", -30, [1]), limit("Bo", -1, [1]), limit("Cy", 0, [1])])


@pytest.mark.parametrize("gain", [-1, float("nan"), float("inf")])
def test_a_gain_is_a_number_from_0(gain):
    with pytest.raises(ValueError, match="a gain is a number of 0 or more"):
        allocate(ways((0, 1, gain)), [])


def test_an_amount_is_above_0():
    with pytest.raises(ValueError, match="uses more than 0"):
        allocate(ways((0, 1, 1)), [Limit("Anna", 1, np.array([0]), np.array([-1.0]))])


def test_no_tasks_are_an_empty_plan():
    empty = Ways(np.array([], dtype=int), np.array([], dtype=int), np.array([]))
    plan = allocate(empty, [Limit("Anna", 5, np.array([], dtype=int), np.array([]))])
    assert (plan.chosen.tolist(), plan.stages, plan.left.tolist()) == ([], (), [5])


def test_without_limits_every_task_is_done_in_its_best_way():
    assert allocate(ways((0, 1, 1), (0, 1, 2), (1, 1, 1)), []).chosen.tolist() == [1, 2]


@st.composite
def books(draw):
    """A few tasks in one to three ways, two people and one channel with places."""
    rows, minutes, people = [], [], []
    for task in range(draw(st.integers(1, 5))):
        for _ in range(draw(st.integers(1, 3))):
            rows.append((task, 1, draw(st.integers(0, 20))))
            minutes.append(draw(st.integers(1, 30)))
            people.append(draw(st.integers(0, 1)))
    count = len(rows)
    limits = [
        limit(f"p{who}", draw(st.integers(0, 60)), [minutes[i] if people[i] == who else 0 for i in range(count)])
        for who in (0, 1)
    ]
    in_channel = [draw(st.integers(0, 1)) for _ in range(count)]
    return ways(*rows), [*limits, limit("chat", draw(st.integers(0, 3)), in_channel)]


def best_by_trying(asked, limits):
    """The largest gain of all plans, each tried: an oracle that shares nothing with the program."""
    amounts = np.zeros((len(limits), len(asked.task)))
    for row, each in enumerate(limits):
        amounts[row, each.ways] = each.amounts
    choices = [[None, *np.flatnonzero(asked.task == task)] for task in range(asked.task.max() + 1)]
    best = 0.0
    for plan in itertools.product(*choices):
        taken = [way for way in plan if way is not None]
        if all(amounts[row, taken].sum() <= each.room for row, each in enumerate(limits)):
            best = max(best, asked.gain[taken].sum())
    return best


@settings(max_examples=40, deadline=None)
@given(books())
def test_small_books_are_allocated_as_well_as_can_be(book):
    asked, limits = book
    plan = allocate(asked, limits)
    (stage,) = plan.stages
    taken = plan.chosen[plan.chosen >= 0]
    assert asked.gain[taken].sum() == pytest.approx(best_by_trying(asked, limits))
    assert stage.gain <= stage.bound + 1e-6
    assert (plan.left >= -1e-6).all()


@pytest.mark.parametrize("seed", [1, 2])
def test_a_book_too_large_to_solve_exactly_stays_within_its_limits_and_near_the_integer_program(seed):
    from scipy import sparse
    from scipy.optimize import LinearConstraint, milp

    draw = np.random.default_rng(seed)
    tasks, channels, people = 600, 3, 5
    count = tasks * channels  # more than are solved as an integer program
    task, channel = np.repeat(np.arange(tasks), channels), np.tile(np.arange(channels), tasks)
    person = np.repeat(draw.integers(0, people, tasks), channels)
    minutes, gain = draw.integers(5, 30, count).astype(float), draw.integers(1, 100, count).astype(float)
    limits = [limit(f"p{who}", 400, np.where(person == who, minutes, 0)) for who in range(people)]
    limits.append(limit("chat", 40, (channel == 1).astype(float)))
    asked = Ways(task, np.ones(count, dtype=int), gain)
    plan = allocate(asked, limits)
    once = sparse.csr_array((np.ones(count), (task, np.arange(count))))
    uses = np.array([np.where(person == who, minutes, 0) for who in range(people)] + [(channel == 1).astype(float)])
    rows = LinearConstraint(sparse.vstack([once, sparse.csr_array(uses)]), ub=[1] * tasks + [400] * people + [40])
    exact = milp(-gain, constraints=rows, integrality=np.ones(count), bounds=(0, 1), options={"mip_rel_gap": 0.005})
    (stage,) = plan.stages
    assert (plan.left >= -1e-6).all()
    assert len(set(task[plan.chosen[plan.chosen >= 0]])) == stage.done
    assert stage.bound >= -exact.fun - 1e-6
    assert stage.gain >= 0.98 * -exact.fun


def test_the_price_of_a_limit_used_to_the_last_minute_is_that_of_more_not_of_less():
    # 30 minutes are full with the gain of 5; more minutes would go to the gain of 4: 4 / 30 each, not 5 / 30.
    plan = allocate(ways((0, 1, 4), (1, 1, 5)), [limit("Anna", 30, [30, 30])])
    assert plan.stages[0].prices.tolist() == pytest.approx([4 / 30])
    assert plan.left.tolist() == [0]


def test_a_task_too_long_for_the_time_left_has_a_price_and_no_place_in_the_bound():
    # 18 minutes for a task of 20: nothing can be done, and each minute more is worth 4 / 20.
    (stage,) = allocate(ways((0, 1, 4)), [limit("Anna", 18, [20])]).stages
    assert (stage.gain, stage.bound, stage.gap) == (0, 0, 0)
    assert stage.prices.tolist() == pytest.approx([0.2])


def test_the_bound_counts_nothing_that_does_not_fit_alone():
    # 30 minutes: a task of 40 that brings 40 has no place; of those of 20 and 15, worth 10 and 6, all of the first and
    # two thirds of the other are 14 for the program without whole numbers, and one of them, 10, is what can be done.
    (stage,) = allocate(ways((0, 1, 40), (1, 1, 10), (2, 1, 6)), [limit("Anna", 30, [40, 20, 15])]).stages
    assert (stage.gain, stage.bound) == (10, pytest.approx(14))


def test_a_large_stage_is_near_its_bound_on_every_level():
    # 3,000 tasks of 2 ways on two levels, and time for a part of the first one.
    draw = np.random.default_rng(3)
    task, way = np.repeat(np.arange(3000), 2), np.tile([0, 1], 3000)
    owner, minutes = np.repeat(draw.integers(0, 10, 3000), 2), np.where(way == 0, 25.0, 4.0)
    gain = np.repeat(draw.lognormal(3, 1, 3000), 2) * np.where(way == 0, 0.6, 0.2)
    asked = Ways(task, np.repeat(draw.integers(1, 3, 3000), 2), gain)
    places = [np.flatnonzero(owner == each) for each in range(10)]
    limits = [Limit(f"CSM{each}", 1500.0, ways_of, minutes[ways_of]) for each, ways_of in enumerate(places)]
    plan = allocate(asked, limits)
    assert sum(stage.gain for stage in plan.stages) >= 0.998 * sum(stage.bound for stage in plan.stages)
    assert (plan.left >= -1e-6).all()
