"""Queries remembered by their shape are the ones Ibis would compile."""

from datetime import date

import ibis
import pytest

from csworkbench.asof import take
from tests import compiling
from tests.books import book

ROWS = [{"account_id": "A1", "region": "Sweden", "signup_at": "2025-01-01T00:00:00"}]
TICKETS = [{"ticket_id": "I1", "account_id": "A1", "opened_at": "2026-01-02T00:00:00", "resolved_at": None}]


def compiled(expression):
    """Return what the tests run, and what Ibis makes of the same expression."""
    backend = expression.get_backend()
    return backend.compile(expression), compiling.plainly(backend, expression)


@pytest.mark.parametrize("table", ["accounts", "tickets"])
def test_the_same_question_of_another_book_is_compiled_as_ibis_would(table):
    for _ in range(2):
        cut = take(book({"accounts": ROWS, "tickets": TICKETS}), date(2026, 6, 30)).tables[table]
        remembered, plain = compiled(cut)
        assert remembered == plain
        assert cut.count().execute() == 1


def test_tables_with_the_names_of_others_are_not_taken_for_them():
    first, second = (book({"accounts": ROWS}).tables["accounts"] for _ in range(2))
    for one, other in [(first, second), (second, first), (first, first.view()), (second, second.view())]:
        remembered, plain = compiled(one.join(other, one.region == other.region).select(one.account_id))
        assert remembered == plain


@pytest.mark.parametrize("values", [(1, True, 1.0), (0.0, -0.0), ("1", 1)])
def test_values_that_are_equal_and_written_differently_are_not_taken_for_each_other(values):
    accounts = book({"accounts": ROWS}).tables["accounts"]
    for value in values:
        remembered, plain = compiled(accounts.select(said=ibis.literal(value)))
        assert remembered == plain


def test_a_question_is_compiled_once_for_each_shape(monkeypatch):
    asked = []
    monkeypatch.setattr(compiling, "plainly", lambda backend, expression, **options: asked.append(1) or "SELECT 1")
    for _ in range(3):
        accounts = book({"accounts": ROWS}).tables["accounts"]
        accounts.get_backend().compile(accounts.select(never_asked_before=accounts.region))
    assert len(asked) == 1
