"""What is computed once for an object."""

import gc
from dataclasses import dataclass
from weakref import ref

from csworkbench.remembering import MOST, Later, once


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Rows:
    n: int


def test_the_same_question_about_the_same_object_is_answered_once():
    asked = []
    one, other = Rows(1), Rows(1)
    for owner, key in ((one, "a"), (one, "a"), (one, "b"), (other, "a")):
        assert once(owner, key, lambda key=key: asked.append(key) or key) == key
    assert asked == ["a", "b", "a"]


def test_the_oldest_answer_goes_where_there_are_many():
    asked, rows = [], Rows(1)
    for key in (*range(MOST + 1), MOST, 0):
        once(rows, ("n", key), lambda key=key: asked.append(key))
    assert asked == [*range(MOST + 1), 0]


def test_of_what_is_large_few_answers_are_kept_and_others_stay():
    asked, rows = [], Rows(1)
    for key in (("small", 1), ("large", 1), ("large", 2), ("large", 3), ("large", 1), ("small", 1)):
        once(rows, key, lambda key=key: asked.append(key), most=2)
    assert asked == [("small", 1), ("large", 1), ("large", 2), ("large", 3), ("large", 1)]


def test_answers_go_with_their_object():
    rows = Rows(1)
    seen = ref(once(rows, "a", lambda: Rows(2)))
    del rows
    gc.collect()
    assert seen() is None


def test_what_nobody_looks_at_is_never_made_and_what_is_looked_at_once():
    made = []
    tables = Later({"now": 1, "later": lambda: made.append("later") or 2, "never": lambda: made.append("never") or 3})
    assert list(tables) == ["now", "later", "never"]
    assert "never" in tables
    assert (tables["now"], tables["later"], tables["later"]) == (1, 2, 2)
    assert made == ["later"]
