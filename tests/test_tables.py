"""The table contracts agree with themselves and with each other."""

from pathlib import Path

import ibis
import pytest

from csworkbench.tables import SPECS, Kind, Rule
from csworkbench.tables.reference import reference

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
    named |= {name for name in (spec.event_at, spec.version) if name} | {
        name for group in spec.one_of for name in group
    }
    named |= {spec.known_at} if spec.known_at else set()
    for column in spec.columns:
        named |= {name for name in (column.known_with, column.falls_back_to) if name}
    assert named <= set(spec.names)


@ALL
def test_what_a_table_refers_to_exists_and_is_read_before_it_or_is_itself(spec):
    order = list(SPECS)
    for key in spec.foreign_keys:
        assert set(key.targets) <= set(SPECS[key.table].names)
        assert len(key.targets) == len(key.columns)
        assert order.index(key.table) <= order.index(spec.name)
    for rule in spec.not_before:
        assert rule.other in SPECS[rule.table].names
        assert rule.by in SPECS[rule.table].names
        assert order.index(rule.table) < order.index(spec.name)


@ALL
def test_a_reference_within_a_table_keeps_its_orphans(spec):
    # Rows are judged all at once, so whether the other row stays is not known yet.
    assert all(key.keep_orphans for key in spec.foreign_keys if key.table == spec.name)


@ALL
def test_a_version_may_end_only_where_it_begins(spec):
    assert "valid_to" not in spec.names or ("valid_from", "valid_to") in spec.ordered


@ALL
def test_money_names_its_currency(spec):
    assert "currency" in spec.names or all(column.unit != "money" for column in spec.columns)


@ALL
def test_a_blank_in_a_link_is_normal(spec):
    optional = [column for column in spec.columns if column.is_id and column.nullable]
    assert [column.name for column in optional if not column.blank_means] == []


def test_the_map_of_ids_comes_first_because_any_table_may_need_it():
    assert next(iter(SPECS)) == "id_map"


def test_what_forbids_is_never_dropped():
    assert {name for name, spec in SPECS.items() if spec.fails_closed} == {"consents", "suppressions"}


def test_only_tables_whose_rows_end_have_versions():
    versions = {name for name, spec in SPECS.items() if spec.has_versions}
    assert versions == {"accounts", "contacts", "consents", "assignments"}


def test_what_says_who_a_person_is_is_marked():
    marked = {(name, column.name) for name, spec in SPECS.items() for column in spec.columns if column.is_personal}
    pii = {("contact_pii", name) for name in ("name", "email", "phone", "wechat_id")}
    assert marked == {*pii, ("suppressions", "address")}


def test_the_reference_page_says_what_the_contracts_say():
    page = (Path(__file__).parents[1] / "docs" / "tables.md").read_text(encoding="utf-8")
    assert page == reference(), "run `make reference`"


def test_the_reference_page_has_a_row_per_column():
    page = reference().splitlines()
    assert sum(line.startswith("| `") for line in page) == sum(len(spec.columns) for spec in SPECS.values())


def test_the_reference_page_names_type_unit_bounds_and_references():
    page = reference()
    assert "| `score` | integer, points | Would recommend, 0 to 10 | blank: no answer; from 0 to 10; known with" in page
    assert (
        "* `linked_touch_id` must be in [touches](#touches) as `touch_id`; rows that refer to nothing are kept" in page
    )
    assert "* `date` may not lie before `start_date` of its [subscriptions](#subscriptions), where both have" in page


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


def test_a_key_of_another_table_has_the_same_names_unless_others_are_given():
    key = SPECS["tickets"].foreign_keys[0]
    assert (key.columns, key.targets) == (("account_id",), ("account_id",))
    assert SPECS["accounts"].foreign_keys[0].targets == ("account_id",)


def test_lines_that_are_no_rows_and_mere_notes_are_no_choice_of_a_workspace():
    told = {Rule.WIDTH, Rule.SHAPE, Rule.HEADER, Rule.DUPLICATE, Rule.GAP, Rule.LATE, Rule.UNDATED, Rule.ASSUMED}
    told |= {Rule.CURRENCY, Rule.EMPTY, Rule.ROUNDED, Rule.UNMAPPED, Rule.UNUSED}
    assert {rule for rule in Rule if not rule.is_choice} == told
