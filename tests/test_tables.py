"""The table contracts agree with themselves and with each other."""

import ibis
import pytest

from csworkbench.tables import SPECS, Kind

ALL = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
TIMES = {Kind.DATE, Kind.INSTANT}


@ALL
def test_the_key_leads_the_columns(spec):
    assert set(spec.key) <= set(spec.names[: len(spec.key) + 2])  # beside it at most a link and a version


@ALL
def test_names_are_distinct_even_when_case_does_not_count(spec):
    assert len({name.casefold() for name in spec.names}) == len(spec.names)


@ALL
def test_every_column_named_by_a_rule_exists(spec):
    named = {*spec.key, *spec.planned, *spec.on_unknown, *(name for pair in spec.ordered for name in pair)}
    named |= {rule.column for rule in spec.not_before} | {name for key in spec.foreign_keys for name in key.columns}
    named |= {name for name in (spec.event_at, spec.known_at, spec.version) if name}
    for column in spec.columns:
        named |= {name for name in (column.known_with, column.falls_back_to) if name}
    assert named <= set(spec.names)


@ALL
def test_what_a_table_refers_to_exists_and_is_read_before_it(spec):
    order = list(SPECS)
    for key in spec.foreign_keys:
        assert set(key.columns) <= set(SPECS[key.table].names)
        assert order.index(key.table) < order.index(spec.name)
    for rule in spec.not_before:
        assert rule.other in SPECS[rule.table].names
        assert order.index(rule.table) < order.index(spec.name)


@ALL
def test_dates_are_dates(spec):
    times = {*spec.planned, *(name for pair in spec.ordered for name in pair)}
    times |= {name for name in (spec.event_at, spec.known_at, spec.version) if name}
    times |= {column.known_with for column in spec.columns if column.known_with}
    assert {spec.column(name).kind for name in times} <= TIMES


@ALL
def test_a_column_that_ends_with_at_is_an_instant(spec):
    assert {column.kind for column in spec.columns if column.name.endswith("_at")} <= {Kind.INSTANT}


@ALL
def test_what_a_masked_column_falls_back_to_is_allowed(spec):
    for name, value in spec.on_unknown.items():
        assert value in spec.column(name).allowed


@ALL
def test_every_column_says_what_it_means(spec):
    assert all(column.description[0].isupper() and not column.description.endswith(".") for column in spec.columns)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_type_of_the_engine(kind):
    assert ibis.dtype(kind.engine_type)


def test_an_unknown_column_is_a_mistake_of_the_programmer():
    with pytest.raises(KeyError, match="accounts has no column 'churn'"):
        SPECS["accounts"].column("churn")


def test_the_key_leaves_out_columns_a_source_does_not_have():
    assert SPECS["usage_daily"].key_among(["account_id", "date", "events"]) == ("account_id", "date")


def test_the_version_belongs_to_the_key_where_the_table_keeps_history():
    assert SPECS["accounts"].key_among(["account_id", "valid_from"]) == ("account_id", "valid_from")
    assert SPECS["accounts"].key_among(["account_id"]) == ("account_id",)


def test_ids_are_texts_whose_name_says_so():
    assert SPECS["tickets"].column("contact_id").is_id
    assert not SPECS["tickets"].column("topic").is_id
