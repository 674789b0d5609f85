"""Bounds of what people did where machines open and click too."""

import pytest

from csworkbench.inference.opens import attenuation, event_bounds


def test_the_rate_of_people_lies_between_unknown_as_machines_and_unknown_as_people():
    # 100 delivered: 20 by people, 30 by machines alone, 10 nobody knows.
    found = event_bounds(100, 20, 30, 10)
    assert (found.raw, found.human, found.low, found.high, found.machine) == (0.6, 0.2, 0.2, 0.3, 0.3)


def test_nothing_delivered_has_no_rate():
    assert event_bounds(0, 0, 0, 0) is None


def test_more_events_than_mails_are_an_error_of_the_caller():
    with pytest.raises(ValueError, match="do not fit into 10"):
        event_bounds(10, 5, 5, 1)


def test_a_difference_is_seen_in_the_mails_that_no_machine_opened():
    # Machines open 40 %: people's .5 and .3 are seen as .7 and .58, a difference of .12 = .6 x .2.
    assert attenuation(0.4) * (0.5 - 0.3) == pytest.approx((0.4 + 0.6 * 0.5) - (0.4 + 0.6 * 0.3))


def test_a_share_of_machines_lies_between_0_and_1():
    with pytest.raises(ValueError, match="between 0 and 1"):
        attenuation(1.2)
