"""One language of conditions for every list: what a condition says, on whom it holds, and what is wrong with it."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csworkbench import config as configs
from csworkbench.asof import take
from csworkbench.config import Section, setting
from csworkbench.errors import ConfigError
from csworkbench.features import Tenure
from csworkbench.filters import Condition, absent, absent_tables, accounts_at, check, contacts_at, first_fitting, fits
from csworkbench.filters.conditions import TESTS
from csworkbench.filters.matching import FITTING
from csworkbench.tables import Kind
from tests.books import book, with_rows

TODAY = date(2026, 6, 30)


class Rules(Section):
    """A settings file with a condition."""

    where: Condition = setting(description="Whom it is about")


def account(name, **columns):
    return {"account_id": name, "signup_at": "2026-01-01T00:00:00", **columns}


def contact(name, **columns):
    return {"contact_id": name, "account_id": "A1", "added_at": "2026-01-01T00:00:00", **columns}


def message(number, contact_id, sent_at, direction="in", answered_at=None):
    return {
        "message_id": f"M{number}", "account_id": "A1", "contact_id": contact_id, "channel": "chat",
        "direction": direction, "sent_at": sent_at, "answered_at": answered_at,
    }  # fmt: skip


def touch(number, contact_id, sent_at, mode="human"):
    return {
        "touch_id": f"T{number}", "account_id": "A1", "contact_id": contact_id, "channel": "call", "mode": mode,
        "sent_at": sent_at,
    }  # fmt: skip


def accounts_of(made, condition, *, measures=None, dates=(TODAY,)):
    condition = Condition.model_validate(condition)
    table = accounts_at(take(made, TODAY), dates, wanted=condition.attributes(), measures=measures)
    check({"where": condition}, table)
    return set(table.filter(fits(condition, table)).account_id.to_pandas())


def contacts_of(made, condition, as_of=TODAY):
    condition = Condition.model_validate(condition)
    table = contacts_at(take(made, as_of), (as_of,), wanted=condition.attributes())
    check({"where": condition}, table)
    return set(table.filter(fits(condition, table)).contact_id.to_pandas())


def small_book():
    return book(
        {
            "accounts": [
                account("A1", value_tier="large", employees=10, trial_until="2026-07-05"),
                account("A2", value_tier="small", employees=20, trial_until="2026-06-30"),
                account("A3", value_tier=None, employees=None, trial_until="2026-06-29"),
            ]
        }
    )


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ({"attribute": "value_tier", "is": "large"}, {"A1"}),
        ({"attribute": "value_tier", "in": ["large", "small"]}, {"A1", "A2"}),
        ({"attribute": "employees", "at_least": 20}, {"A2"}),
        ({"attribute": "employees", "above": 10}, {"A2"}),
        ({"attribute": "employees", "at_most": 10}, {"A1"}),
        ({"attribute": "employees", "below": 20}, {"A1"}),
        ({"attribute": "employees", "at_least": 10, "below": 20}, {"A1"}),
        ({"attribute": "employees", "is_known": False}, {"A3"}),
        ({"attribute": "trial_until", "in_next_days": 5}, {"A1", "A2"}),
        ({"attribute": "trial_until", "in_next_days": 0}, {"A2"}),
        ({"attribute": "trial_until", "within_days": 1}, {"A2"}),
        ({"attribute": "trial_until", "within_days": 2}, {"A2", "A3"}),
        ({"attribute": "trial_until", "older_than_days": 0}, {"A3"}),
        ({"attribute": "trial_until", "since": "2026-06-30"}, {"A1", "A2"}),
        ({"attribute": "trial_until", "before": "2026-06-30"}, {"A3"}),
    ],
)
def test_a_test_holds_for_whom_it_says(test, expected):
    assert accounts_of(small_book(), test) == expected


def test_conditions_are_joined_by_all_any_and_not():
    small = {"attribute": "value_tier", "is": "small"}
    many = {"attribute": "employees", "at_least": 10}
    assert accounts_of(small_book(), {"all": [small, many]}) == {"A2"}
    assert accounts_of(small_book(), {"any": [small, many]}) == {"A1", "A2"}
    assert accounts_of(small_book(), {"not": {"any": [small, many]}}) == {"A3"}


def test_a_missing_value_fails_a_test_and_passes_its_opposite():
    few = {"attribute": "employees", "below": 15}
    assert accounts_of(small_book(), few) == {"A1"}
    assert accounts_of(small_book(), {"not": few}) == {"A2", "A3"}


def test_tags_are_compared_whole_and_without_capitals():
    people = [contact("P1", tags="beta; VIP"), contact("P2", tags="vip-lite"), contact("P3", tags=None)]
    made = book({"accounts": [account("A1")], "contacts": people})
    assert contacts_of(made, {"attribute": "tags", "has_any": ["vip", "trained"]}) == {"P1"}
    assert contacts_of(made, {"attribute": "tags", "has_all": ["vip", "beta"]}) == {"P1"}
    assert contacts_of(made, {"not": {"attribute": "tags", "has_any": ["vip"]}}) == {"P2", "P3"}


def test_added_today_and_not_followed_up():
    people = [contact(f"P{n}", added_at="2026-06-30T08:00:00") for n in (1, 2, 3)] + [contact("P4")]
    touches = [touch(1, "P1", "2026-06-30T09:00:00"), touch(2, "P2", "2026-06-30T09:00:00", mode="tech")]
    made = book({"accounts": [account("A1")], "contacts": people, "touches": touches})
    new = {"attribute": "added_at", "within_days": 1}
    followed_up = {"attribute": "last_human_touch_on", "is_known": True}
    # P1 was called, the system's mail to P2 is no follow-up, P4 was added long ago
    assert contacts_of(made, {"all": [new, {"not": followed_up}]}) == {"P2", "P3"}


def test_whoever_was_in_the_meeting_was_followed_up():
    people = [contact("P1"), contact("P2"), contact("P3")]
    made = book(
        {
            "accounts": [account("A1")],
            "contacts": people,
            "touches": [touch(1, "P1", "2026-06-30T09:00:00")],
            "touch_participants": [{"touch_id": "T1", "contact_id": "P2"}],
        }
    )
    assert contacts_of(made, {"attribute": "last_human_touch_on", "within_days": 1}) == {"P1", "P2"}


def test_last_conversation_and_unanswered_come_from_messages():
    rows = [
        message(1, "P1", "2026-06-01T08:00:00"),
        message(2, "P1", "2026-06-20T08:00:00", direction="out"),
        message(3, "P2", "2026-05-01T08:00:00", answered_at="2026-05-01T09:00:00"),
    ]
    people = [contact("P1"), contact("P2"), contact("P3")]
    made = book({"accounts": [account("A1")], "contacts": people, "messages": rows})
    assert contacts_of(made, {"attribute": "unanswered", "at_least": 1}) == {"P1"}
    assert contacts_of(made, {"attribute": "unanswered", "is": 0.0}) == {"P2", "P3"}
    assert contacts_of(made, {"attribute": "last_conversation_on", "within_days": 11}) == {"P1"}
    assert contacts_of(made, {"attribute": "last_conversation_on", "is_known": False}) == {"P3"}


def test_an_answer_given_later_changes_no_earlier_list():
    rows = [message(1, "P1", "2026-06-01T08:00:00", answered_at="2026-06-29T08:00:00")]
    made = book({"accounts": [account("A1")], "contacts": [contact("P1")], "messages": rows})
    waits = {"attribute": "unanswered", "at_least": 1}
    assert contacts_of(made, waits, date(2026, 6, 28)) == {"P1"}
    assert contacts_of(made, waits) == set()
    later = with_rows(made, "messages", [message(2, "P1", "2026-06-30T08:00:00")])
    assert contacts_of(later, waits, date(2026, 6, 28)) == {"P1"}


def test_contacts_know_the_attributes_of_their_account():
    accounts = [account("A1", value_tier="large"), account("A2", value_tier="small")]
    people = [contact("P1"), contact("P2", account_id="A2")]
    made = book({"accounts": accounts, "contacts": people})
    assert contacts_of(made, {"attribute": "account.value_tier", "is": "small"}) == {"P2"}


def test_measures_are_attributes():
    made = book({"accounts": [account("A1"), account("A2", signup_at="2026-06-20T00:00:00")]})
    found = accounts_of(made, {"attribute": "age", "below": 30}, measures={"age": Tenure()})
    assert found == {"A2"}  # 10 days against 180


def test_days_are_those_of_the_workspace():
    # 23:30 UTC on the 29th is the 30th in Shanghai
    people = [contact("P1", added_at="2026-06-29T23:30:00")]
    made = book({"accounts": [account("A1")], "contacts": people}, timezone="Asia/Shanghai")
    assert contacts_of(made, {"attribute": "added_at", "within_days": 1}) == {"P1"}


def test_each_date_has_its_own_today():
    made = book({"accounts": [account("A1", paid_at="2026-06-20T12:00:00")]})
    condition = Condition.model_validate({"attribute": "paid_at", "within_days": 7})
    dates = (date(2026, 6, 19), date(2026, 6, 25), date(2026, 6, 30))
    table = accounts_at(take(made, TODAY), dates, wanted=condition.attributes())
    found = table.select("_place", hit=fits(condition, table)).to_pandas().set_index("_place")["hit"]
    assert found.to_dict() == {0: False, 1: True, 2: False}


def test_the_first_rule_that_fits_names_the_account():
    few = Condition.model_validate({"attribute": "employees", "at_most": 10})
    table = accounts_at(take(small_book(), TODAY), (TODAY,), wanted={"employees"})
    rules = [("few", few), ("known", Condition.model_validate({"attribute": "employees", "is_known": True}))]
    named = table.select("account_id", name=first_fitting(table, rules, "other")).to_pandas()
    assert dict(zip(named["account_id"], named["name"], strict=True)) == {"A1": "few", "A2": "known", "A3": "other"}


def test_an_unknown_attribute_is_answered_with_the_nearest_one():
    wrong = Condition.model_validate({"not": {"attribute": "valu_tier", "is": "large"}})
    table = accounts_at(take(small_book(), TODAY), (TODAY,), wanted=wrong.attributes())
    match = r"rules.0.where.not.attribute: there is no attribute 'valu_tier' \(did you mean 'value_tier'\?\)"
    with pytest.raises(ConfigError, match=match):
        check({"rules.0.where": wrong}, table)


@pytest.mark.parametrize(
    ("condition", "match"),
    [
        ({"attribute": "employees", "has_any": ["vip"]}, "'employees' is a number, which has no test 'has_any'"),
        ({"attribute": "employees", "is": "many"}, "'employees' is a number, not 'many'"),
        ({"attribute": "value_tier", "at_least": 3}, "'value_tier' is a text, which has no test 'at_least'"),
        ({"attribute": "trial_until", "is": "2026-06-30"}, "'trial_until' is a date, which has no test 'is'"),
    ],
)
def test_a_test_that_does_not_fit_its_attribute_is_refused(condition, match):
    with pytest.raises(ConfigError, match=match):
        accounts_of(small_book(), condition)


def test_an_outcome_cannot_be_tested():
    made = book(
        {"accounts": [account("A1", left=True)]}, extras={"accounts": {"left": Kind.BOOLEAN}}, outcomes=("left",)
    )
    with pytest.raises(ConfigError, match="there is no attribute 'left'"):
        accounts_of(made, {"attribute": "left", "is": True})


def test_an_attribute_of_an_absent_table_is_missing_and_named():
    asked = {"attribute": "open_opportunities", "at_least": 1}
    assert accounts_of(small_book(), asked) == set()
    wanted = Condition.model_validate(asked).attributes()
    assert absent_tables(take(small_book(), TODAY), wanted) == {"open_opportunities": "opportunities"}


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("where: {attribute: arr}", r"rules.yaml:1:\d+: where.attribute: a test is missing, one of is, in, at_least"),
        ("where: {at_least: 3}", r"where.at_least: a test needs the attribute it is of"),
        ("where: {all: [{attribute: a, is: 1}], attribute: b, is: 2}", "where.attribute: a condition has one of all"),
        ("where: {}", "where: write all, any, not, or attribute with a test"),
        ("where: {attribute: arr, at_lest: 3}", "where.at_lest: .*did you mean 'at_least'"),
        ("where: {all: []}", "where.all"),
        ("where: {any: [{not: {attribute: tags}}]}", "where.any.0.not.attribute: a test is missing"),
        ("where: {attribute: added_at, within_days: soon}", "where.within_days"),
    ],
)
def test_what_is_written_wrong_is_told_with_its_place(tmp_path, text, match):
    (tmp_path / "rules.yaml").write_text(text)
    with pytest.raises(ConfigError, match=match):
        configs.load(tmp_path / "rules.yaml", Rules, tmp_path)


def test_a_tree_is_read_from_yaml(tmp_path):
    (tmp_path / "rules.yaml").write_text(
        """
where:
  all:
    - {attribute: value_tier, in: [large, "1"]}
    - any:
        - {attribute: employees, at_least: 5}
        - not: {attribute: is_test, is: true}
"""
    )
    where = configs.load(tmp_path / "rules.yaml", Rules, tmp_path).where
    assert where.attributes() == {"value_tier", "employees", "is_test"}
    assert [each.one_of for _, each in where.parts()] == [("large", "1"), None]


def test_every_test_is_known_to_the_compiler():
    assert {test for tests in FITTING.values() for test in tests} | {"is_known"} == set(TESTS.values())


@pytest.mark.parametrize(
    ("condition", "does_fit"),
    [
        ({"attribute": "paid_at", "is_known": False}, False),
        ({"not": {"attribute": "paid_at", "is_known": True}}, False),
        ({"not": {"attribute": "unanswered", "at_most": 1}}, False),
        ({"not": {"not": {"attribute": "paid_at", "is_known": False}}}, False),
        ({"any": [{"attribute": "paid_at", "is_known": False}, {"attribute": "employees", "is": 5}]}, True),
        ({"all": [{"attribute": "paid_at", "is_known": False}, {"attribute": "employees", "is": 5}]}, False),
        ({"not": {"all": [{"attribute": "paid_at", "is_known": True}, {"attribute": "employees", "is": 6}]}}, True),
        ({"attribute": "plan", "is_known": False}, True),
    ],
)
def test_nobody_fits_by_lacking_what_the_book_does_not_have(condition, does_fit):
    condition = Condition.model_validate(condition)
    snapshot = take(book({"accounts": [account("A1", employees=5, plan=None)]}), TODAY)
    gone = absent(snapshot, condition.attributes())
    assert set(gone) == condition.attributes() - {"employees", "plan"}
    table = accounts_at(snapshot, (TODAY,), wanted=condition.attributes())
    assert table.filter(fits(condition, table, gone)).count().to_pandas() == does_fit
    assert condition.hangs_on(gone) == ("plan" not in condition.attributes())
    assert not condition.hangs_on(())


def test_what_the_book_does_not_have_is_told_by_whose_it_is():
    made = book({"accounts": [account("A1", language="sv")], "contacts": [contact("P1", tags="a")]})
    wanted = {"language", "account.language", "tags", "account.unanswered", "account.paid_at", "account.age"}
    found = absent(take(made, TODAY), wanted, {"age": Tenure(kind="tenure")}, of="contacts")
    assert found == {"language": "contacts", "account.unanswered": "messages", "account.paid_at": "accounts"}


@settings(deadline=None, max_examples=15)
@given(
    sizes=st.lists(st.one_of(st.none(), st.integers(0, 9)), min_size=1, max_size=6),
    low=st.integers(0, 9),
    high=st.integers(0, 9),
)
def test_a_condition_and_its_opposite_share_out_everybody(sizes, low, high):
    made = book({"accounts": [account(f"A{n}", employees=size) for n, size in enumerate(sizes)]})
    either = {"any": [{"attribute": "employees", "below": low}, {"attribute": "employees", "above": high}]}
    inside, outside = accounts_of(made, either), accounts_of(made, {"not": either})
    assert inside | outside == {f"A{n}" for n in range(len(sizes))}
    assert not inside & outside
    by_hand = {f"A{n}" for n, size in enumerate(sizes) if size is not None and (size < low or size > high)}
    assert inside == by_hand
