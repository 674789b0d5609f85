"""What is computed once for an object."""

import gc
from dataclasses import dataclass
from weakref import ref

from csworkbench.remembering import MOST, once


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
        once(rows, key, lambda key=key: asked.append(key))
    assert asked == [*range(MOST + 1), 0]


def test_answers_go_with_their_object():
    rows = Rows(1)
    seen = ref(once(rows, "a", lambda: Rows(2)))
    del rows
    gc.collect()
    assert seen() is None
