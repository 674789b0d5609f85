"""An uncertain number comes with its interval and its n, or not at all."""

from dataclasses import FrozenInstanceError

import pytest

from csworkbench.estimates import Caveat, Estimate, Message, Severity, say, worst_first


def test_an_interval_is_given_whole_or_not_at_all():
    with pytest.raises(ValueError, match="low, high and level together"):
        Estimate(0.5, "share", 10, low=0.4)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_estimate_is_never_nan_or_infinite(value):
    with pytest.raises(ValueError, match="finite"):
        Estimate(value, "share", 10)


def test_a_value_outside_its_interval_is_refused():
    with pytest.raises(ValueError, match="outside its interval"):
        Estimate(0.7, "share", 10, 0.4, 0.6, 0.95)


def test_bounds_in_the_wrong_order_are_refused_even_without_a_value():
    with pytest.raises(ValueError, match="in order"):
        Estimate(None, "share", 10, 0.6, 0.4, 0.95)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_lies_between_0_and_1(level):
    with pytest.raises(ValueError, match="between 0 and 1"):
        Estimate(0.5, "share", 10, 0.4, 0.6, level)


def test_cannot_tell_is_an_estimate_without_a_value_but_with_its_n():
    assert Estimate(None, "auc", 3).value is None


def test_a_message_keeps_its_values_from_later_changes():
    values = {"n": 3}
    message = Message("{n:count} accounts", values)
    values["n"] = 4
    assert message.values["n"] == 3
    with pytest.raises(TypeError, match="does not support item assignment"):
        message.values["n"] = 4
    with pytest.raises(FrozenInstanceError, match="cannot assign"):
        message.key = "other"


def test_say_makes_a_message_of_a_template_and_its_values():
    assert say("{n:count} accounts", n=3) == Message("{n:count} accounts", {"n": 3})


def test_a_caveat_may_have_nothing_to_do_about_it():
    assert Caveat("small", Severity.NOTE, say("few accounts")).action is None


def test_doubts_are_told_the_worst_first_and_equal_ones_in_their_order():
    doubts = [Caveat(word, Severity(word[:-2]), say("doubt")) for word in ("note 1", "stop 2", "warning 3", "stop 4")]
    assert [each.code for each in worst_first(doubts)] == ["stop 2", "stop 4", "warning 3", "note 1"]
