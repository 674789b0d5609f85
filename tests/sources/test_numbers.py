"""Numbers in the writing of a country: thousands by a declared mark only, digits beyond the sixth never in silence."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from csworkbench.errors import DataError
from tests.sources.conftest import column, finding


def accounts(cells, **source):
    lines = "".join(f"A{number}\t{cell}\n" for number, cell in enumerate(cells))
    return f"account_id\tarr\n{lines}", {"delimiter": "\t"} | source


def read(project, cells, **source):
    content, keys = accounts(cells, **source)
    return project.accounts(content, **keys)


@pytest.mark.parametrize(
    ("thousands", "decimal", "cells"),
    [
        pytest.param(" ", ",", ["1 234,50", "12 345 678", "7"], id="Swedish"),
        pytest.param(" ", ",", ["1\u00a0234,50", "12\u202f345\u202f678", "7"], id="Swedish and French, hard blanks"),
        pytest.param(".", ",", ["1.234,50", "12.345.678", "7"], id="German"),
        pytest.param("'", ".", ["1'234.50", "12’345’678", "7"], id="Swiss, both apostrophes"),
        pytest.param(",", ".", ["1,234.50", "12,345,678", "7"], id="English and Chinese"),
        pytest.param(",", ".", ["1234.50", "12345678", "7"], id="not kept apart at all"),
    ],
)
def test_a_declared_mark_between_thousands_is_read(project, thousands, decimal, cells):
    book = read(project, cells, thousands=thousands, decimal=decimal)
    assert column(book, "arr") == sorted([Decimal("1234.5"), Decimal(12345678), Decimal(7)], key=str)


@pytest.mark.parametrize("cell", ["1,23", "12,34,567", ",234", "1,234,", "1,,234", "1234,567", "1 234", "1,234,5.0"])
def test_groups_that_are_not_of_three_digits_are_set_aside(project, cell):
    book = read(project, ["1,234", "2", "3", cell], thousands=",")
    assert column(book, "account_id") == ["A0", "A1", "A2"]
    assert finding(book, "accounts", "type", "arr").example == cell


@pytest.mark.parametrize(
    ("cells", "keys"),
    [
        pytest.param(["1 234,50", "2 345,00"], r"set tables.accounts.decimal: ',' and tables.accounts.thousands: ' '"),
        pytest.param(["1.234,50", "2.345,00"], r"set tables.accounts.decimal: ',' and tables.accounts.thousands: '\.'"),
        pytest.param(["1'234.50", "2'345.00"], r"set tables.accounts.thousands: \"'\""),
        pytest.param(["1,234.50", "2,345.00"], r"set tables.accounts.thousands: ','"),
    ],
)
def test_thousands_that_are_not_declared_are_refused_with_the_keys_to_set(project, cells, keys):
    with pytest.raises(DataError, match=f"looks like thousands separators .*{keys}"):
        read(project, cells)


def test_the_large_numbers_alone_are_enough_to_refuse_the_column(project):
    # Three of 30 customers have amounts to keep apart: setting them aside would lose the largest ones.
    with pytest.raises(DataError, match=r"3 of 30 values .* looks like thousands separators"):
        read(project, ["500"] * 27 + ["1,500", "2,500", "3,500.25"])


def test_one_such_cell_is_a_slip_and_is_set_aside(project):
    assert finding(read(project, ["500"] * 27 + ["1,500"]), "accounts", "type", "arr").example == "1,500"


def test_whole_numbers_have_thousands_too(project):
    book = project.accounts("account_id;employees\nA;1.234\nB;12\n", delimiter=";", thousands=".", decimal=",")
    assert column(book, "employees") == [12, 1234]


def test_the_mark_of_one_column_may_differ_from_that_of_its_table(project):
    book = project.accounts(
        "account_id;arr;x\nA;1.234;5'678\n",
        delimiter=";",
        decimal=",",
        thousands=".",
        extra={"x": {"type": "decimal", "thousands": "'"}},
    )
    assert (column(book, "arr"), column(book, "x")) == ([Decimal(1234)], [Decimal(5678)])


@pytest.mark.parametrize(
    ("cell", "value"),
    [("12.3456789", "12.345679"), ("0.0000001", "0"), ("1.5e-7", "0"), ("0.30000000000000004", "0.3")],
)
def test_digits_beyond_the_sixth_decimal_are_read_rounded_and_told(project, cell, value):
    book = read(project, ["1.123456", cell, "3"])
    assert Decimal(value) in column(book, "arr")
    found = finding(book, "accounts", "rounded", "arr")
    assert (found.count, found.example, found.place, found.action) == (1, cell, "accounts.csv:3", "kept")


@pytest.mark.parametrize("cell", ["1.1234560000", "1.23456789e3", "5.", ".5", "1e5", "+7"])
def test_numbers_that_lose_nothing_are_read_without_a_word(project, cell):
    assert read(project, [cell, "3"]).reports["accounts"].findings == ()


def test_a_rounded_cell_beside_a_bad_one_stays(project):
    book = read(project, ["1.12345678", "12k", "3"])
    assert column(book, "account_id") == ["A0", "A2"]


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=15))
def test_python_s_own_grouping_is_read_back(project, amounts):
    lines = "".join(f"A{number}\t{amount:,}\n" for number, amount in enumerate(amounts))
    book = project.accounts(f"account_id\tx\n{lines}", delimiter="\t", thousands=",", extra={"x": {"type": "decimal"}})
    assert sorted(column(book, "x")) == sorted(amounts)


def test_what_may_be_a_decimal_or_a_thousands_mark_is_refused_with_both_keys(project):
    with pytest.raises(
        DataError, match=r"set tables.accounts.thousands: ',' or tables.accounts.decimal: ',', whichever"
    ):
        read(project, ["1,200", "2,500"])


def test_a_count_has_no_decimals_so_its_comma_keeps_thousands_apart(project):
    with pytest.raises(DataError, match=r"looks like thousands separators .set tables.accounts.thousands: ','"):
        project.accounts('account_id,employees\nA,"1,200"\nB,"2,500"\n')


@pytest.mark.parametrize("kind", ["arr", "employees"])
def test_points_that_may_keep_thousands_apart_are_refused_until_one_mark_is_declared(project, kind):
    content = f"account_id;{kind}\nA;1.000\nB;12.000\nC;500\nD;3.000\n"
    with pytest.raises(DataError, match=rf"{kind}: every point .*set tables.accounts.columns.{kind}.thousands: '\.'"):
        project.accounts(content, delimiter=";")
    assert column(project.accounts(content, delimiter=";", decimal="."), kind) == [1, 12, 3, 500]
    german = project.accounts(content, delimiter=";", decimal=",", thousands=".")
    assert column(german, kind) == [1000, 12000, 3000, 500]


@pytest.mark.parametrize("other", ["0.125", "1.5", "1234.125", "12345", "7.1250"])
def test_one_number_that_cannot_have_thousands_apart_proves_the_decimal_point(project, other):
    book = read(project, ["1.000", "12.345", "3.125", other])
    assert len(column(book, "arr")) == 4
