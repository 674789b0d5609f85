"""What plans would have had: means of controls, moved along slopes, with errors that know what is shared."""

import numpy as np
import pytest

from csworkbench.adjustment.counterfactual import Side, alike, expect, nearest


def side(outcome, level, cell=None, account=None, first=0):
    n = len(outcome)
    return Side(
        np.asarray(outcome, float),
        np.asarray(level, float)[:, None],
        np.zeros(n, int) if cell is None else np.asarray(cell),
        np.arange(first, first + n) if account is None else np.asarray(account),
    )


def test_a_plan_is_expected_to_have_what_its_controls_had():
    plans, controls = side([5], [0]), side([1, 2, 3], [0, 0, 0])
    found = expect(plans, controls, alike(plans, controls))
    assert found.value == pytest.approx([2])
    # Controls have SD 1; one account is predicted to sqrt(1 + 1/3), the mean of three is known to sqrt(1/3).
    assert found.error == pytest.approx([np.sqrt(4 / 3)])
    assert found.shared_error == pytest.approx(np.sqrt(1 / 3))


def test_what_still_differs_before_is_made_up_for_along_the_slope_of_controls():
    plans, controls = side([0], [5]), side([2, 4, 6], [1, 2, 3])  # after = 2 x before
    assert expect(plans, controls, alike(plans, controls)).value == pytest.approx([10])


def test_slopes_are_learned_within_cells():
    # Within each month after = before; between months it falls, which must not count.
    controls = side([1, 2, 11 - 10, 12 - 10], [1, 2, 11, 12], cell=[0, 0, 1, 1])
    plans = side([0, 0], [3, 13], cell=[0, 1])
    assert expect(plans, controls, alike(plans, controls)).value == pytest.approx([3, 3])


def test_nearest_controls_are_of_the_same_cell():
    plans = side([0], [1], cell=[0])
    controls = side([10, 20, 99], [0, 4, 1], cell=[0, 0, 1])
    where = plans.covariates, controls.covariates
    assert nearest(plans, controls, where, 1).mean(controls.outcome) == pytest.approx([10])
    assert nearest(plans, controls, where, 5).number == pytest.approx([2])


def near_by_hand(own, level, where, theirs, most, caliper):
    """Those of near level in the order of their distance, else the nearest of all."""
    ranked = np.argsort(np.hypot(*(theirs - where).T))
    close = [each for each in ranked if abs(level[each] - own) <= caliper]
    return set(close[:most] or ranked[:1])


@pytest.mark.parametrize("caliper", [0.01, 0.2, np.inf])
def test_the_nearest_of_near_level_are_those_a_search_through_all_finds(caliper):
    # Two traits of 60 plans and 300 controls; distance in the second one sends many of near level far back.
    rng = np.random.default_rng(5)
    where, theirs = (rng.normal(size=(n, 2)) * [1, 3] for n in (60, 300))
    plans, controls = side(np.zeros(60), where[:, 0]), side(np.zeros(300), theirs[:, 0])
    found = nearest(plans, controls, (where, theirs), 4, caliper=caliper)
    for number in range(60):
        only = found.spread((np.arange(60) == number).astype(float))
        wanted = near_by_hand(where[number, 0], theirs[:, 0], where[number], theirs, 4, caliper)
        assert set(np.flatnonzero(only)) == wanted
        assert only.sum() == pytest.approx(1)


def test_more_plans_on_the_same_controls_do_not_make_the_mean_surer():
    controls = side([1, 2, 3, 4], [0, 0, 0, 0])
    errors = []
    for number in (1, 10, 100):
        plans = side([5] * number, [0] * number)
        errors.append(expect(plans, controls, alike(plans, controls)).shared_error)
    assert errors == pytest.approx([errors[0]] * 3)


def test_twelve_months_of_one_account_tell_less_than_twelve_accounts():
    outcome, level = np.repeat([0.0, 2.0, 4.0], 4), np.zeros(12)
    plans = side([5], [0])
    many = side(outcome, level)
    few = side(outcome, level, account=np.repeat([1, 2, 3], 4))
    errors = [expect(plans, each, alike(plans, each)).shared_error for each in (few, many)]
    assert errors[0] == pytest.approx(2 * errors[1])  # three clusters of four equal values: sqrt(4) times the error


def test_slopes_of_a_lottery_are_the_same_when_sides_change_their_names():
    rng = np.random.default_rng(1)
    one, other = (side(rng.normal(size=6), rng.normal(size=6), first=6 * place) for place in range(2))
    effects = [
        float((plans.outcome - expect(plans, controls, alike(plans, controls), is_drawn=True).value).mean())
        for plans, controls in ((one, other), (other, one))
    ]
    assert effects[0] == pytest.approx(-effects[1])
