"""The fixed metric definitions: hand-sized examples, and the same in SQL on random books."""

from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter, ValidationError

from csworkbench import features
from csworkbench.asof import take
from csworkbench.errors import ConfigError, DataError
from csworkbench.estimates import Severity
from csworkbench.features import (
    ActiveRatio,
    ActiveUsers,
    Attribute,
    DaysSinceContact,
    DaysSinceLastUse,
    DaysToRenewal,
    FeatureBreadth,
    MeasureSource,
    Nps,
    OpenTickets,
    Tenure,
    Tickets,
    Usage,
    UsageTrend,
)
from csworkbench.tables import Kind
from tests.books import book
from tests.oracles import feature_books
from tests.oracles import features_sql as sql

AS_OF = date(2026, 6, 30)
ACCOUNTS = [{"account_id": "a"}, {"account_id": "b"}]


def ago(days):
    return AS_OF - timedelta(days=days)


def use(account, days_ago, user="u1", feature="query", events=1):
    return {"account_id": account, "date": ago(days_ago), "user_id": user, "feature": feature, "events": events}


def values(source, tables, column="value", **options):
    """Return {account: value} of the accounts that have one; accounts default to a and b."""
    snapshot = take(book({"accounts": ACCOUNTS} | tables, **options), AS_OF)
    frame = features.measures(snapshot, {"m": source})
    return {row.account_id: getattr(row, column) for row in frame.itertuples() if not pd.isna(getattr(row, column))}


# --- use of the product ---


def test_active_users_are_the_distinct_people_of_the_trailing_days():
    usage = [
        use("a", 0, "u1"),
        use("a", 27, "u2"),
        use("a", 3, "u1"),
        use("a", 28, "u3"),
        use("b", 5, "u9", events=0),
        use("b", 90, "u9"),
    ]
    # a: u1 and u2; u3 is a day too old. b: its one row in the window has no event, but it used the product once.
    assert values(ActiveUsers(), {"usage_daily": usage}) == {"a": 2, "b": 0}


def test_only_qualifying_features_make_a_user_active():
    usage = [use("a", 0, "u1", "query"), use("a", 0, "u2", "login"), use("b", 0, "u3", "login")]
    assert values(ActiveUsers(features=("query",)), {"usage_daily": usage}) == {"a": 1, "b": 0}


def test_an_account_that_never_used_the_product_is_missing_and_no_zero():
    assert values(ActiveUsers(), {"usage_daily": [use("a", 0)]}) == {"a": 1}


def test_a_source_with_account_sums_only_cannot_count_users():
    assert values(ActiveUsers(), {"usage_daily": [use("a", 0, user=None)]}) == {}
    assert values(ActiveUsers(), {"usage_daily": [{"account_id": "a", "date": AS_OF, "events": 1}]}) == {}


def test_a_feed_that_is_silent_for_everybody_is_no_drop_in_use():
    assert values(Usage(), {"usage_daily": [use("a", 28), use("b", 40)]}) == {}
    assert values(Usage(), {"usage_daily": [use("a", 27), use("b", 40)]}) == {"a": 1, "b": 0}


def test_usage_adds_up_what_is_asked_for():
    usage = [
        use("a", 0, events=3) | {"minutes": 1.5},
        use("a", 1, "u2", events=4) | {"minutes": None},
        use("b", 2) | {"minutes": None},
    ]
    assert values(Usage(what="events"), {"usage_daily": usage}) == {"a": 7, "b": 1}
    assert values(Usage(what="minutes"), {"usage_daily": usage}) == {"a": 1.5}  # b never recorded a minute
    assert values(Usage(what="sessions"), {"usage_daily": usage}) == {}  # no such column in the source


def test_usage_of_some_features_is_zero_for_those_who_use_others():
    usage = [use("a", 0, feature="query", events=5), use("b", 0, feature="export", events=2)]
    assert values(Usage(features=("query",)), {"usage_daily": usage}) == {"a": 5, "b": 0}


def test_usage_without_features_recorded_cannot_tell_features_apart():
    assert values(Usage(features=("query",)), {"usage_daily": [use("a", 0, feature=None)]}) == {}


def test_the_age_of_use_is_that_of_the_newest_row():
    usage = [use("a", 3), use("b", 40), use("b", 50)]
    assert values(Usage(), {"usage_daily": usage}, "age_days") == {"a": 3, "b": 40}


SEATS = {"usage_daily": [use("a", 0, "u1"), use("a", 0, "u2"), use("b", 0, "u3")]}


def term(account, start=100, end=-100, seats=4, subscription="s1"):
    return {
        "subscription_id": subscription,
        "account_id": account,
        "start_date": ago(start),
        "end_date": None if end is None else ago(end),
        "seats": seats,
    }


@pytest.mark.parametrize(
    ("terms", "ratio"),
    [
        ([term("a")], 2 / 4),
        ([term("a"), term("a", seats=6, subscription="s2")], 2 / 10),
        ([term("a", end=None)], 2 / 4),
        ([term("a", end=0)], 2 / 4),  # today is the last day of the term
        ([term("a", end=1)], None),  # it ended yesterday
        ([term("a", start=0)], 2 / 4),
        ([term("a", start=-1)], None),  # it starts tomorrow
        ([term("a", seats=4), term("a", start=50, seats=8)], 2 / 8),  # an upgrade replaces its subscription's term
        ([term("a", seats=1)], 2.0),  # more people than seats: shown as it is
        ([term("a", seats=0)], None),
        ([term("a", seats=None)], None),  # a site licence
        ([term("a"), term("a", seats=None, subscription="s2")], None),
    ],
)
def test_active_ratio_is_users_per_seat_of_the_running_subscriptions(terms, ratio):
    found = values(ActiveRatio(), SEATS | {"subscriptions": terms})
    assert found == ({} if ratio is None else {"a": pytest.approx(ratio)})


def test_feature_breadth_is_the_share_of_core_features_used():
    catalogue = [
        {"feature": name, "is_core": name != "login"} for name in ("query", "export", "share", "alert", "login")
    ]
    usage = [
        use("a", 0, feature="query"),
        use("a", 1, feature="export"),
        use("a", 2, feature="login"),
        use("a", 30, feature="share"),
        use("b", 0, feature="login"),
    ]
    # Core: query, export, share, alert. a used query and export in the window, b none of them.
    assert values(FeatureBreadth(), {"usage_daily": usage, "features": catalogue}) == {"a": 2 / 4, "b": 0}


def test_without_a_list_of_features_all_that_were_seen_are_core():
    usage = [use("a", 0, feature="query"), use("b", 0, feature="query"), use("b", 300, feature="export")]
    assert values(FeatureBreadth(), {"usage_daily": usage}) == {"a": 0.5, "b": 0.5}


def test_the_weaker_definition_of_breadth_is_told():
    catalogue = [{"feature": "query", "is_core": True}]
    bare = take(book({"accounts": ACCOUNTS, "usage_daily": [use("a", 0)]}), AS_OF)
    listed = take(book({"accounts": ACCOUNTS, "usage_daily": [use("a", 0)], "features": catalogue}), AS_OF)
    sources = {"breadth": FeatureBreadth(), "use": Usage()}
    [caveat] = features.substitutions(bare, sources)
    assert (caveat.code, caveat.severity, caveat.message.values["measure"]) == (
        "no_core_features",
        Severity.NOTE,
        "breadth",
    )
    assert features.substitutions(listed, sources) == ()


CATALOGUE = [
    {"feature": "query", "is_core": True, "plans": None},
    {"feature": "export", "is_core": True, "plans": "team; pro"},
    {"feature": "alert", "is_core": True, "plans": "pro"},
    {"feature": "api", "is_core": False, "plans": "pro"},
]


@pytest.mark.parametrize(
    ("plan", "breadth"),
    [
        ("free", 1 / 1),  # query alone belongs to every plan; the export it used does not count for it
        ("team", 2 / 2),  # query and export
        ("pro", 2 / 3),  # query, export and alert, of which alert was not used
        ("pr", 1 / 1),  # a plan is a whole name, not a part of one
        (None, 2 / 3),  # without a plan all core features are held against the account
    ],
)
def test_breadth_counts_the_core_features_the_plan_entitles_to(plan, breadth):
    usage = [use("a", 0, feature=name) for name in ("query", "export", "api")]
    accounts = [{"account_id": "a", "plan": plan}]
    found = values(FeatureBreadth(), {"accounts": accounts, "usage_daily": usage, "features": CATALOGUE})
    assert found == {"a": pytest.approx(breadth)}


def test_breadth_goes_by_the_plan_of_the_date():
    accounts = [
        {"account_id": "a", "plan": "free", "valid_from": ago(300), "valid_to": ago(20)},
        {"account_id": "a", "plan": "pro", "valid_from": ago(20), "valid_to": None},
    ]
    usage = [use("a", 40), use("a", 5)]
    snapshot = take(book({"accounts": accounts, "usage_daily": usage, "features": CATALOGUE}), AS_OF)
    frame = features.panel(snapshot, {"m": FeatureBreadth()}, [ago(30), AS_OF])
    assert frame["value"].tolist() == [1 / 1, pytest.approx(1 / 3)]


def test_without_plans_of_accounts_every_core_feature_counts():
    usage = [use("a", 0), use("a", 0, feature="export")]
    assert values(FeatureBreadth(), {"usage_daily": usage, "features": CATALOGUE}) == {"a": pytest.approx(2 / 3)}


def test_no_core_feature_leaves_breadth_missing():
    assert (
        values(FeatureBreadth(), {"usage_daily": [use("a", 0)], "features": [{"feature": "query", "is_core": False}]})
        == {}
    )


def test_days_since_last_use_skip_days_without_an_event():
    usage = [use("a", 1, events=0), use("a", 9), use("a", 20), use("b", 400)]
    assert values(DaysSinceLastUse(), {"usage_daily": usage}) == {"a": 9, "b": 400}


def history(account, before, recent):
    """Use on the first day of the 84 days, on the last, and on the last day of all."""
    return [use(account, 111, events=before - 1), use(account, 28, events=1), use(account, 0, events=recent)]


def test_usage_trend_is_the_own_change_minus_the_median_of_the_region():
    accounts = [{"account_id": name, "region": "Nordics"} for name in "abc"]
    usage = [*history("a", 30, 20), *history("b", 30, 10), *history("c", 30, 5)]
    # Changes: 20 / (30/3) - 1 = 1, 10 / 10 - 1 = 0, 5 / 10 - 1 = -0.5; their median is 0.
    found = values(UsageTrend(minimum_peers=3), {"accounts": accounts, "usage_daily": usage})
    assert found == {"a": pytest.approx(1), "b": pytest.approx(0), "c": pytest.approx(-0.5)}


def test_a_season_of_the_whole_region_is_no_trend():
    accounts = [{"account_id": name, "region": "Sverige" if name < "d" else "中国"} for name in "abcdef"]
    usage = [row for name in "abc" for row in history(name, 30, 5)] + [
        row for name in "def" for row in history(name, 30, 10)
    ]
    assert values(UsageTrend(minimum_peers=3), {"accounts": accounts, "usage_daily": usage}) == dict.fromkeys(
        "abcdef", 0.0
    )


def test_a_small_region_is_compared_with_the_whole_book():
    accounts = [{"account_id": "a", "region": "Iceland"}, *({"account_id": name, "region": None} for name in "bc")]
    usage = [*history("a", 30, 20), *history("b", 30, 10), *history("c", 30, 10)]
    # The median of all three changes (1, 0, 0) is 0; against itself a could never move.
    assert values(UsageTrend(minimum_peers=2), {"accounts": accounts, "usage_daily": usage})["a"] == pytest.approx(1)


def test_a_book_too_small_for_a_median_has_no_trend():
    usage = [*history("a", 30, 1), *history("b", 30, 1)]
    # Both lost 90 %: against their own median that would be no change at all.
    assert values(UsageTrend(minimum_peers=3), {"usage_daily": usage}) == {}


@pytest.mark.parametrize(
    "usage",
    [
        [use("a", 110, events=30), use("a", 0)],  # its use begins a day late to know all of the 84 days
        [use("a", 112, events=30), use("a", 0)],  # nothing within the 84 days to compare with
        [use("a", 111, events=30), use("a", 28)],  # the whole feed is silent
    ],
)
def test_a_trend_without_a_comparison_is_missing(usage):
    assert values(UsageTrend(minimum_peers=1), {"usage_daily": usage}) == {}


# --- what exports overwrite ---

OVERWRITTEN = {
    "accounts": [{"account_id": "a", "signup_at": "2026-01-01", "plan": "pro", "arr": 10, "employees": 5}],
    "features": CATALOGUE,
    "usage_daily": [use("a", 30), use("a", 0)],
    "subscriptions": [
        {"subscription_id": "s", "start_date": "2026-01-01", "account_id": "a", "seats": 2, "end_date": "2026-12-31"}
    ],
    "tickets": [{"ticket_id": "t", "account_id": "a", "opened_at": "2026-05-01", "tags": "x", "resolved_at": None}],
    "renewals": [{"renewal_id": "r", "account_id": "a", "due_date": "2026-07-31", "target_amount": 9}],
}
OTHERWISE = {
    "accounts": {"plan": "free", "arr": 20, "employees": 6},
    "subscriptions": {"end_date": "2026-05-02"},
    "tickets": {"tags": "y"},
    "renewals": {"target_amount": 1},
}
SOURCES = [
    ActiveUsers(), ActiveRatio(), Usage(), FeatureBreadth(), DaysSinceLastUse(), UsageTrend(), OpenTickets(), Tickets(),
    Tenure(), DaysToRenewal(), Attribute(column="arr"),
]  # fmt: skip


def earlier_snapshot(tables):
    return take(book(OVERWRITTEN | tables), ago(30))


def one_value(source, tables):
    frame = features.measures(earlier_snapshot(tables), {"m": source})
    return frame["value"].fillna(-1).tolist()


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.kind)
def test_a_measure_names_the_overwritten_columns_it_reads_and_no_other(source):
    usual = one_value(source, {})
    moved = [
        (table, column)
        for table, cells in OTHERWISE.items()
        for column, cell in cells.items()
        if one_value(source, {table: [row | {column: cell} for row in OVERWRITTEN[table]]}) != usual
    ]
    assert moved == [(table, column) for table, columns in source.overwritten.items() for column in columns]


def test_before_the_newest_day_a_measure_says_what_it_reads_of_today():
    sources = {"breadth": FeatureBreadth(), "seats": ActiveRatio(), "arr": Attribute(column="arr"), "use": Usage()}
    assert features.columns_of_today(sources, earlier_snapshot({})) == {
        "breadth": ("accounts.plan",),
        "seats": ("subscriptions.end_date",),
        "arr": ("accounts.arr",),
    }
    assert features.columns_of_today(sources, take(book(OVERWRITTEN), AS_OF)) == {}


def test_breadth_reads_nothing_of_today_where_features_go_by_no_plan():
    plain = [{"feature": row["feature"], "is_core": row["is_core"]} for row in CATALOGUE]
    assert features.columns_of_today({"m": FeatureBreadth()}, earlier_snapshot({"features": plain})) == {}


def test_a_column_with_versions_is_nothing_of_today():
    rows = [row | {"valid_from": ago(300), "valid_to": None} for row in OVERWRITTEN["accounts"]]
    assert features.columns_of_today({"m": FeatureBreadth()}, earlier_snapshot({"accounts": rows})) == {}


# --- everything else ---


def test_open_tickets_are_those_not_resolved_by_the_date():
    tickets = [
        {"ticket_id": "1", "account_id": "a", "opened_at": ago(300), "resolved_at": None},
        {"ticket_id": "2", "account_id": "a", "opened_at": ago(5), "resolved_at": ago(1)},
        {"ticket_id": "3", "account_id": "a", "opened_at": ago(5), "resolved_at": ago(-1)},
    ]
    assert values(OpenTickets(), {"tickets": tickets}) == {"a": 2, "b": 0}


def test_before_the_first_ticket_is_recorded_nobody_has_zero():
    tickets = [{"ticket_id": "1", "account_id": "a", "opened_at": ago(-3), "resolved_at": None}]
    assert values(OpenTickets(), {"tickets": tickets}) == {}
    assert values(Tickets(window_days=30), {"tickets": tickets}) == {}


def test_without_resolution_times_nobody_knows_what_is_open():
    assert values(OpenTickets(), {"tickets": [{"ticket_id": "1", "account_id": "a", "opened_at": ago(3)}]}) == {}


def test_tickets_are_counted_by_the_day_they_were_opened():
    tickets = [{"ticket_id": str(days), "account_id": "a", "opened_at": ago(days)} for days in (0, 29, 30)]
    assert values(Tickets(window_days=30), {"tickets": tickets}) == {"a": 2, "b": 0}


def answer(response, days_ago, score, contact, account="a"):
    return {
        "response_id": response,
        "account_id": account,
        "contact_id": contact,
        "score": score,
        "invited_at": ago(days_ago + 1),
        "responded_at": None if score is None else ago(days_ago),
    }


def test_nps_is_the_mean_of_the_latest_answer_of_each_contact():
    answers = [answer("1", 90, 10, "x"), answer("2", 10, 4, "x"), answer("3", 50, 9, "y"), answer("4", 5, None, "z")]
    # x: 4 (the 10 is older), y: 9, z did not answer: mean 6.5, newest 10 days old.
    assert values(Nps(), {"nps_responses": answers}) == {"a": 6.5}
    assert values(Nps(), {"nps_responses": answers}, "age_days") == {"a": 10}


def test_an_answer_older_than_allowed_does_not_count():
    answers = [answer("1", 180, 8, "x"), answer("2", 181, 2, "y", "b")]
    assert values(Nps(max_age_days=180), {"nps_responses": answers}) == {"a": 8}


def test_answers_without_a_contact_each_count():
    answers = [answer("1", 3, 10, None), answer("2", 3, 0, None)]
    assert values(Nps(), {"nps_responses": answers}) == {"a": 5}


def test_of_two_answers_at_one_instant_the_greater_id_counts():
    assert values(Nps(), {"nps_responses": [answer("2", 3, 1, "x"), answer("1", 3, 9, "x")]}) == {"a": 1}


def touch(account, days_ago, mode, channel="email"):
    return {
        "touch_id": f"{account}{days_ago}",
        "account_id": account,
        "sent_at": ago(days_ago),
        "mode": mode,
        "channel": channel,
    }


def test_contact_is_any_touch_by_a_person_and_none_by_the_system():
    touches = [
        touch("a", 2, "tech"),
        touch("a", 40, "human", "meeting"),
        touch("a", 60, "human"),
        touch("b", 1, "tech"),
    ]
    assert values(DaysSinceContact(), {"touches": touches}) == {"a": 40}
    assert values(DaysSinceContact(), {"touches": touches}, "age_days") == {"a": 40}


def test_days_are_those_of_the_workspace():
    # 22:30 UTC on 28 June is 00:30 on 29 June in Stockholm: one day before the date, not two.
    touches = [touch("a", 0, "human") | {"sent_at": "2026-06-28T22:30"}]
    assert values(DaysSinceContact(), {"touches": touches}, timezone="Europe/Stockholm") == {"a": 1}
    assert values(DaysSinceContact(), {"touches": touches}) == {"a": 2}


def test_tenure_is_days_since_signup():
    assert values(
        Tenure(), {"accounts": [{"account_id": "a", "signup_at": ago(365)}, {"account_id": "b", "signup_at": None}]}
    ) == {"a": 365}
    assert values(Tenure(), {"accounts": ACCOUNTS}) == {}


def test_days_to_renewal_count_to_the_earliest_undecided_one():
    def renewal(number, days_ahead, decided=None, outcome="open", account="a"):
        return {
            "renewal_id": number,
            "account_id": account,
            "due_date": ago(-days_ahead),
            "decided_at": decided,
            "outcome": outcome,
        }

    renewals = [
        renewal("1", -200, ago(210), "renewed"),
        renewal("2", 165),
        renewal("3", 530),
        renewal("4", -12, account="b"),
    ]
    assert values(DaysToRenewal(), {"renewals": renewals}) == {"a": 165, "b": -12}


def test_a_renewal_without_an_outcome_is_not_decided():
    renewal = {"renewal_id": "1", "account_id": "a", "due_date": ago(-20), "decided_at": ago(2), "outcome": None}
    assert values(DaysToRenewal(), {"renewals": [renewal]}) == {"a": 20}


def test_attributes_come_as_number_text_or_both():
    accounts = [
        {"account_id": "a", "employees": 12, "plan": "pro", "sso": True},
        {"account_id": "b", "employees": None, "plan": None, "sso": False},
    ]
    made = {"accounts": accounts}
    extras = {"accounts": {"sso": Kind.BOOLEAN}}
    assert values(Attribute(column="employees"), made, extras=extras) == {"a": 12}
    assert values(Attribute(column="plan"), made, "text", extras=extras) == {"a": "pro"}
    assert values(Attribute(column="sso"), made, extras=extras) == {"a": 1, "b": 0}
    assert values(Attribute(column="sso"), made, "text", extras=extras) == {"a": "true", "b": "false"}
    assert values(Attribute(column="plan"), made, "age_days", extras=extras) == {"a": 0}


# --- the frame ---


def test_the_frame_has_every_account_and_measure_in_a_fixed_order():
    snapshot = take(
        book({"accounts": [{"account_id": name} for name in ("b", "Å", "a", "00042")], "usage_daily": [use("a", 0)]}),
        AS_OF,
    )
    frame = features.measures(snapshot, {"z": Usage(), "y": DaysSinceLastUse(), "no": Tickets()})
    assert list(frame.columns) == ["account_id", "measure", "value", "text", "age_days"]
    assert list(zip(frame["account_id"], frame["measure"], strict=True)) == [
        (account, name) for account in ("00042", "a", "b", "Å") for name in ("z", "y", "no")
    ]
    assert frame.loc[frame["account_id"] == "a", "value"].tolist()[:2] == [1, 0]
    assert frame["value"].notna().sum() == 2


def test_no_sources_give_an_empty_frame():
    frame = features.measures(take(book({"accounts": ACCOUNTS}), AS_OF), {})
    assert (len(frame), list(frame.columns)) == (0, ["account_id", "measure", "value", "text", "age_days"])


def test_the_order_of_rows_does_not_matter():
    usage = [use("a", days, f"u{days % 3}") | {"minutes": 0.1 * days} for days in range(60)]
    sources = {"minutes": Usage(what="minutes"), "users": ActiveUsers()}
    first, second = (
        features.measures(take(book({"accounts": ACCOUNTS, "usage_daily": rows}), AS_OF), sources)
        for rows in (usage, usage[::-1])
    )
    pd.testing.assert_frame_equal(first, second, check_exact=True)


def test_a_measure_says_which_tables_it_lacks_and_is_missing():
    snapshot = take(book({"accounts": ACCOUNTS, "usage_daily": [use("a", 0)]}), AS_OF)
    sources = {"ratio": ActiveRatio(), "nps": Nps(), "use": Usage()}
    assert features.missing_tables(sources, snapshot) == {"ratio": ("subscriptions",), "nps": ("nps_responses",)}
    assert features.measures(snapshot, sources).groupby("measure")["value"].count().to_dict() == {
        "ratio": 0,
        "nps": 0,
        "use": 1,
    }


def test_one_measure_of_an_absent_table_is_refused():
    snapshot = take(book({"accounts": ACCOUNTS}), AS_OF)
    with pytest.raises(DataError, match="days_since_contact needs `touches`: add it under tables in the workspace"):
        features.measure(snapshot, DaysSinceContact())


def test_one_measure_is_an_expression_with_the_day_it_was_known():
    snapshot = take(book({"accounts": ACCOUNTS, "usage_daily": [use("a", 4)]}), AS_OF)
    assert features.measure(snapshot, DaysSinceLastUse()).to_pyarrow().to_pylist() == [
        {"account_id": "a", "value": 4.0, "known_on": ago(4)}
    ]


def test_every_unusable_attribute_is_told_at_once():
    accounts = [{"account_id": "a", "employees": 3, "lost": True, "signup_at": ago(3)}]
    snapshot = take(
        book({"accounts": accounts}, extras={"accounts": {"lost": Kind.BOOLEAN}}, outcomes=("lost",)), AS_OF
    )
    with pytest.raises(ConfigError, match="employes") as caught:
        features.measures(
            snapshot,
            {
                "one": Attribute(column="employes"),
                "two": Attribute(column="lost"),
                "three": Attribute(column="signup_at"),
            },
        )
    one, two, three = (str(problem) for problem in caught.value.problems)
    assert one == "one: accounts has no column 'employes' (it has employees)"
    assert two == "two: 'lost' is an outcome, which never measures health"
    assert three == "three: 'signup_at' holds timestamp(6); an attribute is a number, a text or a boolean"


def test_one_unusable_attribute_is_refused_too():
    with pytest.raises(ConfigError, match="accounts has no column 'size'"):
        features.measure(take(book({"accounts": ACCOUNTS}), AS_OF), Attribute(column="size"))


def test_a_source_is_told_by_its_kind():
    adapter = TypeAdapter(MeasureSource)
    assert adapter.validate_python({"kind": "nps", "max_age_days": 90}) == Nps(max_age_days=90)
    with pytest.raises(ValidationError, match="nps"):
        adapter.validate_python({"kind": "npss"})


# --- the same once more in SQL ---


@pytest.mark.parametrize(
    ("seed", "zone", "as_of"),
    [
        (1, "UTC", ago(0)),
        (2, "Europe/Stockholm", ago(3)),
        (3, "Asia/Shanghai", ago(60)),
        (4, "America/New_York", ago(0)),
    ],
)
def test_every_measure_equals_its_sql(seed, zone, as_of):
    made = book(feature_books.random_tables(seed), timezone=zone)
    frame = features.measures(take(made, as_of), {name: source for name, (source, _, _) in sql.CASES.items()})
    found = {
        name: {row.account_id: (row.value, as_of - timedelta(days=row.age_days)) for row in rows.itertuples()}
        for name, rows in frame.dropna(subset=["value"]).groupby("measure")
    }
    for name, (_, query, options) in sql.CASES.items():
        expected = sql.answer(made, as_of, query, zone=zone, **options)
        assert set(found[name]) == set(expected), name
        for account, (value, known_on) in expected.items():
            # Both add the same integers or decimals; only the last division may round.
            assert found[name][account] == (pytest.approx(float(value), rel=1e-12, abs=1e-12), known_on), (
                name,
                account,
            )


def test_breadth_without_a_list_equals_its_sql():
    tables = {name: rows for name, rows in feature_books.random_tables(5).items() if name != "features"}
    made = book(tables)
    frame = features.measures(take(made, AS_OF), {"m": FeatureBreadth()}).dropna(subset=["value"])
    expected = sql.answer(made, AS_OF, sql.FEATURE_BREADTH, days=28, core="(select distinct feature from named)")
    assert dict(zip(frame["account_id"], frame["value"], strict=True)) == {
        account: pytest.approx(value) for account, (value, _) in expected.items()
    }


def test_facts_known_later_move_no_measure():
    tables = feature_books.random_tables(6)
    as_of = ago(30)
    known_by = datetime.fromisoformat("2026-06-01")
    early = {
        name: [row for row in rows if row.get("known_at") is None or row["known_at"] < known_by]
        for name, rows in tables.items()
    }
    sources = {name: source for name, (source, _, _) in sql.CASES.items()}
    whole, cut = (features.measures(take(book(rows), as_of), sources) for rows in (tables, early))
    assert np.isfinite(whole["value"]).sum() > 50
    pd.testing.assert_frame_equal(whole, cut, check_exact=True)
