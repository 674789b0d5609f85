"""Who left the path, which task is due, and is the trigger worth its alerts?"""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy.stats import fisher_exact

from csworkbench import config as configs
from csworkbench import session
from csworkbench.analyses import triggers
from csworkbench.analyses.triggers import kinds, pairs
from csworkbench.analyses.triggers.asking import sentence
from csworkbench.analyses.triggers.firing import alerts, crossings
from csworkbench.analyses.triggers.thresholds import Threshold, in_use, proposals, propose
from csworkbench.analyses.triggers.worth import acted_after, difference, numbers, touch_days
from csworkbench.asof import take
from csworkbench.config import SettingError
from csworkbench.errors import AnalysisError, ConfigError
from csworkbench.estimates import Estimate
from csworkbench.features import Attribute, DaysSinceLastUse
from csworkbench.formats import speak, text
from csworkbench.sampledata.accounts import make_world
from csworkbench.sampledata.contracts import make_contracts
from csworkbench.sampledata.service import CLUSTER
from csworkbench.sampledata.world import BookSize
from tests.books import book, with_rows

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2026, 6, 30)  # a Tuesday: the list rests on Sunday 28 June
SUNDAY = date(2026, 6, 28)


def account(name, **columns):
    return {
        "account_id": name, "name": f"Name {name}", "value_tier": "mid", "signup_at": "2025-01-01T00:00:00",
        "paid_at": "2025-02-01T00:00:00", "churned_at": None, "arr": 1200.0, "currency": "EUR", **columns,
    }  # fmt: skip


def make_config(**changes):
    short = {"history_weeks": 8, "judge_weeks": 4, "horizon_days": 28}
    return triggers.Config(**{**short, **changes})


def config_of(changes=None, **named):
    return make_config(triggers={name: {"is_on": True, **each} for name, each in named.items()}, **(changes or {}))


def result_of(made, config, as_of=AS_OF):
    return triggers.analyze(triggers.prepare(take(made, as_of), config, {}), config)


def alerts_of(result, name):
    rows = result.tables["alerts"]
    return rows[rows["trigger"] == name].set_index("account_id")


def codes(result):
    return {caveat.code for caveat in result.caveats}


def said(result, code):
    return next(text(caveat.message) for caveat in result.caveats if caveat.code == code)


# --- alerts ---------------------------------------------------------------------------------------------------------


def test_an_alert_begins_below_the_threshold_and_again_only_after_the_other_bound():
    # below 2 in week 1; 3 is not clear of 4; 1 is the same spell; 5 clears; 1 is a new one
    values = np.array([[5.0, 1, 3, 1, 5, 1]])
    assert crossings(values, 2, 4, is_low_bad=True).tolist() == [[False, True, False, False, False, True]]


def test_an_account_beyond_the_threshold_when_it_is_first_seen_alerts_only_later():
    values = np.array([[np.nan, 1, 1, 5, 1]])
    assert crossings(values, 2, 4, is_low_bad=True).tolist() == [[False, False, False, False, True]]


def test_a_missing_value_changes_nothing():
    values = np.array([[5.0, 1, np.nan, 1, np.nan, 5, np.nan, 1]])
    assert crossings(values, 2, 4, is_low_bad=True)[0].nonzero()[0].tolist() == [1, 7]


def test_high_values_can_be_the_bad_ones():
    assert crossings(np.array([[1.0, 9, 1, 9]]), 8, 2, is_low_bad=False).tolist() == [[False, True, False, True]]


def test_an_account_that_logs_in_no_more_alerts_with_its_evidence():
    # last use on 1 June: more than 21 days on Sunday 28 June (27), not on 21 June (20)
    usage = [
        {"account_id": name, "date": day, "events": 1}
        for name, last in (("quiet", "2026-06-01"), ("busy", "2026-06-27"))
        for day in ("2026-01-10", last)
    ]
    usage += [{"account_id": "quiet", "date": str(day.date()), "events": 1}
              for day in pd.date_range("2026-01-10", "2026-06-01")]  # fmt: skip
    no_login = {"kind": "behaviour", "measure": {"kind": "days_since_last_use"}, "bad": "high", "threshold": 21}
    made = book({"accounts": [account("quiet"), account("busy")], "usage_daily": usage})
    result = result_of(made, config_of(no_login={**no_login, "clears_at": 7}))
    found = alerts_of(result, "no_login")
    assert found.loc["quiet", "evidence"] == "Days since last use rose to 27 days, above 21 days"
    assert (found.loc["quiet", "why_not"], str(found.loc["quiet", "happened_on"].date())) == ("", "2026-06-28")
    assert list(result.tables["proposals"]["account_id"]) == ["quiet"]


def test_evidence_has_the_numbers_and_the_measure_of_the_language_of_the_desk():
    falls = kinds.Behaviour(measure={"kind": "usage_trend"})
    row = {
        "trigger": "falls",
        "amount": -0.841,
        "happened_on": pd.Timestamp("2026-06-28"),
        "subject": "",
        "other_on": None,
    }
    said = {}
    for language in ("sv", "zh-CN"):
        speak(language)
        said[language] = text(sentence(falls, row, {"falls": Threshold(-0.8, -0.6, is_low_bad=True)}))
    assert said == {
        "sv": "Användningstrend föll till -84,1\u00a0%, under -80,0\u00a0%",
        "zh-CN": "使用量趋势降到 -84.1%，低于 -80.0%",
    }


def test_the_cool_down_keeps_an_account_quiet():
    tickets = [
        {"ticket_id": f"T{n}", "account_id": "A", "topic": "slow", "opened_at": f"2026-{day}T08:00:00"}
        for n, day in enumerate(("05-01", "05-02", "06-25", "06-26"))
    ]
    made = book({"accounts": [account("A")], "tickets": tickets})
    again = {"kind": "repeated_question", "times": 2, "window_days": 10}
    # the 2nd and the 4th ticket are the second within 10 days, 55 days apart
    assert len(alerts_of(result_of(made, config_of(ask={**again, "cool_down_days": 54})), "ask")) == 1
    assert len(alerts_of(result_of(made, config_of(ask={**again, "cool_down_days": 55})), "ask")) == 0


def test_the_same_question_again_alerts_with_its_topic():
    tickets = [
        {"ticket_id": f"T{name}{n}", "account_id": name, "topic": topic, "opened_at": f"2026-06-{day}T08:00:00"}
        for name, topics in (("A", ("slow", "slow", "slow")), ("B", ("slow", "billing", "slow")))
        for n, (topic, day) in enumerate(zip(topics, ("10", "15", "20"), strict=True))
    ]
    made = book({"accounts": [account("A"), account("B")], "tickets": tickets})
    found = alerts_of(result_of(made, config_of(ask={"kind": "repeated_question"})), "ask")
    assert found["evidence"].to_dict() == {"A": "3 tickets about slow since 10 Jun 2026"}


def test_only_what_the_product_does_not_do_can_be_counted():
    tickets = [
        {"ticket_id": f"T{n}", "account_id": "A", "topic": "slow", "opened_at": f"2026-06-1{n}T08:00:00",
         "is_feature_request": n > 0}
        for n in range(3)
    ]  # fmt: skip
    made = book({"accounts": [account("A")], "tickets": tickets})
    ask = {"kind": "repeated_question", "times": 3, "only_requests": True}
    assert alerts_of(result_of(made, config_of(ask=ask)), "ask").empty
    assert len(alerts_of(result_of(made, config_of(ask={**ask, "times": 2})), "ask")) == 1


def test_a_ticket_open_for_too_long_alerts_and_one_resolved_in_time_does_not():
    tickets = [
        {"ticket_id": "T1", "account_id": "A", "topic": "slow", "opened_at": "2026-06-08T08:00:00",
         "resolved_at": None},
        {"ticket_id": "T2", "account_id": "B", "topic": "slow", "opened_at": "2026-06-08T08:00:00",
         "resolved_at": "2026-06-22T08:00:00"},
    ]  # fmt: skip
    made = book({"accounts": [account("A"), account("B")], "tickets": tickets})
    found = alerts_of(result_of(made, config_of(late={"kind": "open_ticket", "days": 14})), "late")
    assert found["evidence"].to_dict() == {"A": "A ticket about slow of 8 Jun 2026 was still open after 14 days"}


def test_calendar_triggers_count_from_the_day_of_the_account():
    made = book({"accounts": [account("A", signup_at="2026-06-12T00:00:00"), account("B")]})
    found = alerts_of(result_of(made, config_of(two={"kind": "calendar", "after_days": 14})), "two")
    assert found["evidence"].to_dict() == {"A": "14 days after signup on 12 Jun 2026"}
    assert str(found.loc["A", "happened_on"].date()) == "2026-06-26"


def test_first_times_in_the_product_alert_and_those_of_the_first_weeks_do_not():
    days = {"old": "2026-01-01", "chart": "2026-01-10", "api": "2026-06-20"}
    usage = [
        {"account_id": "A", "user_id": "U1", "feature": name, "date": day, "events": 1} for name, day in days.items()
    ]
    usage += [{"account_id": "A", "user_id": "U2", "feature": "old", "date": "2026-06-21", "events": 1}]
    features = [{"feature": name, "is_high_value": name != "old"} for name in days]
    made = book({"accounts": [account("A")], "usage_daily": usage, "features": features})
    result = result_of(made, config_of(new={"kind": "activity"}, mate={"kind": "activity", "what": "teammate"}))
    assert list(alerts_of(result, "new")["evidence"]) == ["First used api on 20 Jun 2026"]
    assert list(alerts_of(result, "mate")["evidence"]) == ["Somebody new has used the product since 21 Jun 2026"]


def test_one_login_used_for_longer_than_a_person_can_is_shared():
    # U1: 800 minutes on three days; U2: as long, on two days only; U3: 700 minutes
    use = {"U1": (800, 3), "U2": (800, 2), "U3": (700, 5)}
    usage = [
        {"account_id": f"of {user}", "user_id": user, "feature": feature, "date": f"2026-06-{20 + n}", "events": 1,
         "minutes": minutes / 2}
        for user, (minutes, days) in use.items() for n in range(days) for feature in ("a", "b")
    ]  # fmt: skip
    made = book({"accounts": [account(f"of {user}") for user in use], "usage_daily": usage})
    found = alerts_of(result_of(made, config_of(shared={"kind": "shared_login"})), "shared")
    assert found["evidence"].to_dict() == {
        "of U1": "One login was used for more than 12 hours a day on 3 days since 20 Jun 2026"
    }


def test_who_has_left_or_does_not_fit_the_condition_causes_no_alert():
    accounts = [
        account("in", signup_at="2026-06-20T00:00:00"),
        account("other tier", signup_at="2026-06-20T00:00:00", value_tier="small"),
        account("gone", signup_at="2026-06-20T00:00:00", churned_at="2026-06-25T00:00:00"),
    ]
    welcome = {"kind": "calendar", "where": {"attribute": "value_tier", "is": "mid"}}
    result = result_of(book({"accounts": accounts}), config_of(welcome=welcome))
    assert alerts_of(result, "welcome")["why_not"].to_dict() == {"in": "", "gone": "the account has left"}
    assert list(result.tables["proposals"]["account_id"]) == ["in"]


def test_what_becomes_known_after_the_week_began_changes_nothing():
    tickets = [
        {"ticket_id": f"T{n}", "account_id": "A", "topic": "slow", "opened_at": f"2026-06-1{n}T08:00:00"}
        for n in range(3)
    ]
    accounts = [account("A"), account("B", churned_at="2026-05-04T00:00:00")]
    contacts = [{"contact_id": "C1", "account_id": "A", "role": "champion", "added_at": "2025-01-01T00:00:00",
                 "left_at": "2026-06-20T00:00:00"}]  # fmt: skip
    made = book({"accounts": accounts, "tickets": tickets, "contacts": contacts})
    config = config_of(ask={"kind": "repeated_question"}, champion={"kind": "contact_replaced"})
    first = result_of(made, config)
    late = [
        {"ticket_id": f"X{n}", "account_id": "A", "topic": "billing", "opened_at": f"2026-06-{day}T08:00:00"}
        for n, day in enumerate((29, 29, 29, 30))
    ]
    second = result_of(with_rows(made, "tickets", late), config, as_of=date(2026, 7, 3))
    assert len(first.tables["proposals"]) == 2
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])


# --- one task per event ----------------------------------------------------------------------------------------------


def champion_book(tasks=(), names=("A",), **tables):
    came = {"added_at": "2025-01-01T00:00:00"}
    contacts = [
        {"contact_id": f"{who} of {name}", "account_id": name, "role": "champion", **came, **days}
        for name in names
        for who, days in {
            "old": {"left_at": "2026-06-10T00:00:00"},
            "old too": {"left_at": "2026-06-10T00:00:00"},
            "new": {"added_at": "2026-06-20T00:00:00", "left_at": None},
            "user": {"role": "user", "left_at": "2026-06-12T00:00:00"},
        }.items()
    ]
    made = {"accounts": [account(name) for name in names], "contacts": contacts, **tables}
    return book({**made, "tasks": list(tasks)} if tasks else made)


def task(**columns):
    return {
        "task_id": "W1", "account_id": "A", "trigger": "contact_replaced", "known_at": "2026-06-15T00:00:00",
        "due_at": "2026-07-10T00:00:00", "done_at": None, "status": "todo", **columns,
    }  # fmt: skip


CHAMPION = {"contact_replaced": {"kind": "contact_replaced"}}


def test_a_replaced_contact_gives_one_task_that_names_the_successor():
    result = result_of(champion_book(), config_of(**CHAMPION))
    (row,) = result.tables["proposals"].to_dict("records")
    assert (row["account_id"], row["contact_id"], row["rule"]) == ("A", "new of A", "contact_replaced")
    assert row["reason"] == "old of A left on 10 Jun 2026; new of A has followed and is to be trained"


def test_a_replaced_contact_never_gives_a_second_task():
    existing = [
        task(account_id="open", task_id="W1"),
        task(account_id="done", task_id="W2", done_at="2026-06-20T00:00:00", status="done"),
        task(account_id="cancelled", task_id="W3", status="cancelled"),
        task(account_id="other word", task_id="W4", trigger="train"),
    ]
    config = config_of(contact_replaced={"kind": "contact_replaced", "tasks": ["train"]})
    result = result_of(champion_book(existing, [each["account_id"] for each in existing]), config)
    assert result.tables["proposals"].empty
    assert alerts_of(result, "contact_replaced")["why_not"].to_dict() == {
        "open": "task W1 is open", "done": "task W2 is done", "cancelled": "task W3 is done",
        "other word": "task W4 is open",
    }  # fmt: skip


def test_a_task_about_something_else_does_not_count():
    existing = [
        task(account_id="other trigger", task_id="W1", trigger="renewal_window"),
        # open, or done, since before the cool-down: about somebody else
        task(account_id="forgotten", task_id="W2", known_at="2026-01-05T00:00:00"),
        task(account_id="long ago", task_id="W3", known_at="2026-01-05T00:00:00", done_at="2026-02-05T00:00:00",
             status="done"),
        task(account_id="other", task_id="W4"),
    ]  # fmt: skip
    names = ["other trigger", "forgotten", "long ago", "other's"]
    proposed = result_of(champion_book(existing, names), config_of(**CHAMPION)).tables["proposals"]
    assert sorted(proposed["account_id"]) == sorted(names)


def test_an_alert_after_which_a_person_was_in_touch_asks_for_nothing():
    touches = [{"touch_id": "M1", "account_id": "A", "mode": "human", "sent_at": "2026-06-22T09:00:00"}]
    result = result_of(champion_book(touches=touches), config_of(**CHAMPION))
    assert list(result.tables["alerts"]["why_not"]) == ["somebody was in touch on 22 Jun 2026"]


def test_a_mail_by_the_system_is_nobodys_touch():
    touches = [{"touch_id": "M1", "account_id": "A", "mode": "tech", "sent_at": "2026-06-22T09:00:00"}]
    assert len(result_of(champion_book(touches=touches), config_of(**CHAMPION)).tables["proposals"]) == 1


def test_a_trigger_that_is_off_or_not_confirmed_is_only_judged():
    off = {"kind": "contact_replaced", "is_on": False}
    assert list(alerts_of(result_of(champion_book(), config_of(off=off)), "off")["why_not"]) == ["not switched on"]
    with pytest.raises(ValidationError, match=r"set its threshold first"):
        config_of(no_login={"kind": "behaviour", "measure": {"kind": "days_since_last_use"}})
    with pytest.raises(ValidationError, match=r"set its threshold first"):
        config_of(late={"kind": "open_ticket"})


def test_a_renewal_task_has_its_fields_filled_as_the_csm_last_wrote_them():
    renewals = [{"renewal_id": "R1", "account_id": "A", "due_date": "2026-09-15", "outcome": "open",
                 "known_at": "2025-01-01T00:00:00"}]  # fmt: skip
    old = task(trigger="low_usage", risk="high", cause="budget", remedy=None, done_at="2026-03-01T00:00:00")
    touches = [{"touch_id": "M1", "account_id": "A", "mode": "human", "sent_at": "2026-06-01T09:00:00"}]
    made = book({"accounts": [account("A")], "renewals": renewals, "tasks": [old], "touches": touches})
    result = result_of(made, config_of(renewal={"kind": "renewal_window", "days": 90}))
    (row,) = result.tables["renewal_tasks"].to_dict("records")
    # 15 September less 90 days is 17 June
    assert (row["renewal_id"], str(row["due_on"].date()), str(row["visit_on"].date())) == (
        "R1",
        "2026-09-15",
        "2026-06-01",
    )
    assert (row["risk"], row["cause"], pd.isna(row["remedy"]), row["why_not"]) == ("high", "budget", True, "")
    assert list(result.tables["proposals"]["reason"]) == ["Renewal R1 is due on 15 Sep 2026"]


def test_renewal_tasks_on_time_are_counted_by_the_words_of_tasks():
    rows = [
        task(task_id=f"W{n}", account_id=name, trigger="renewal_window", due_at="2026-05-10T00:00:00", done_at=done)
        for n, (name, done) in enumerate(
            [("A", "2026-05-01T00:00:00"), ("A", "2026-05-20T00:00:00"), ("B", None), ("gone", None)]
        )
    ]
    accounts = [account("A"), account("B"), account("gone", churned_at="2026-05-01T00:00:00")]
    renewals = [{"renewal_id": "R1", "account_id": "A", "due_date": "2027-06-15", "outcome": "open"}]
    made = book({"accounts": accounts, "tasks": rows, "renewals": renewals})
    config = config_of(window={"kind": "renewal_window", "tasks": ["renewal_window"]})
    # of three at accounts that were there, one was done by the day
    assert result_of(made, config).figures["renewal_tasks_on_time"].value == pytest.approx(1 / 3)


def test_the_script_of_an_upgrade_depends_on_the_transition():
    rows = [
        {"subscription_id": f"S{name}{n}", "account_id": name, "start_date": day, "plan": plan, "change_type": how}
        for name, plans in (
            ("A", ("starter", "premium")),
            ("B", ("starter", "enterprise")),
            ("C", ("starter", "starter")),
        )
        for n, (plan, day, how) in enumerate(zip(plans, ("2026-01-01", "2026-06-20"), ("new", "upgrade"), strict=True))
    ]
    scripts = {"*": "thank", "starter > premium": "show phone support", "starter > enterprise": "introduce manager"}
    made = book({"accounts": [account(name) for name in "ABC"], "subscriptions": rows})
    result = result_of(made, config_of(upgrade={"kind": "upgrade", "scripts": scripts}))
    said_to = result.tables["upgrades"].set_index("account_id")["script"].to_dict()
    assert said_to == {"A": "show phone support", "B": "introduce manager", "C": "thank"}
    assert "show phone support" in result.tables["proposals"].set_index("account_id").loc["A", "reason"]


def test_a_cancel_request_is_a_task_that_must_be_done():
    asks = [{"request_id": "Q1", "account_id": "A", "requested_at": "2026-06-24T10:00:00", "reason": "price"}]
    made = book({"accounts": [account("A")], "cancel_requests": asks})
    (row,) = (
        result_of(made, config_of(leave={"kind": "cancel_request", "is_must_do": True}))
        .tables["proposals"]
        .to_dict("records")
    )
    assert (row["is_must_do"], row["reason"]) == (True, "Asked to leave on 24 Jun 2026, reason: price")


# --- welcome calls ---------------------------------------------------------------------------------------------------


def test_the_break_even_is_the_cost_over_what_a_call_keeps():
    # 30 / (0.05 x 0.8 x 12) = 62.5
    assert kinds.SignUp().break_even == pytest.approx(62.5)


def test_a_welcome_call_needs_a_phone_number_and_enough_revenue():
    new = {"signup_at": "2026-06-20T00:00:00"}
    accounts = [
        account("pays", **new),  # 1200 a year: 100 a month
        account("too small", arr=24.0, **new),  # 2 a month
        account("no phone", **new),
        account("by tier", arr=None, **new),  # the mean of its tier: (100 + 2 + 100 + 100) / 4
        account("old"),
    ]
    people = [
        {
            "contact_id": f"C {name}",
            "account_id": name,
            "role": "admin",
            "added_at": "2026-06-20T00:00:00",
            "left_at": None,
        }
        for name in ("pays", "too small", "no phone", "by tier")
    ]
    pii = [
        {"contact_id": each["contact_id"], "phone": None if "no phone" in each["account_id"] else "+4612"}
        for each in people
    ]
    made = book({"accounts": accounts, "contacts": people, "contact_pii": pii})
    result = result_of(made, config_of(call={"kind": "sign_up"}))
    table = result.tables["welcome"].set_index("account_id")
    assert table["why_not"].to_dict() == {
        "by tier": "", "no phone": "no phone number is known", "pays": "",
        "too small": "its revenue does not pay for a call",
    }  # fmt: skip
    assert (table.loc["by tier", "arpa"], table.loc["by tier", "arpa_from"]) == (pytest.approx(75.5), "tier")
    assert sorted(result.tables["proposals"]["account_id"]) == ["by tier", "pays"]
    in_app = result_of(made, config_of(call={"kind": "sign_up", "ways": ["in_app"]}))
    assert sorted(in_app.tables["proposals"]["account_id"]) == ["by tier", "no phone", "pays"]


def test_nobody_is_called_where_sign_ups_are_a_free_flood():
    flood = [account(f"F{n:02d}", signup_at="2025-11-01T00:00:00", paid_at=None) for n in range(39)]
    payer = account("P", signup_at="2025-11-01T00:00:00", paid_at="2025-11-10T00:00:00")
    made = book({"accounts": [*flood, payer, account("new", signup_at="2026-06-20T00:00:00")]})
    config = config_of(call={"kind": "sign_up", "ways": ["in_app"]})
    # 1 of 40 came to pay: the interval lies below 20 %
    result = result_of(made, config)
    assert list(result.tables["welcome"]["why_not"]) == ["sign-ups are a free flood: too few come to pay"]
    assert result.figures["paying"].value == pytest.approx(1 / 40)


# --- worth -----------------------------------------------------------------------------------------------------------


def test_a_touch_counts_as_acting_within_so_many_days_after_the_alert_only():
    touches = pd.DataFrame({"account": [0, 1, 2], "day": [10, 10, 25]})
    cases = np.array([0, 0, 0, 1, 2, 3]), np.array([9, 10, 1, 3, 10, 9])
    # day 10 after 9: yes; not on the day itself; 9 days later: no; 7 days later: yes; other accounts: no
    assert acted_after(*cases, touches, 7).tolist() == [True, False, False, True, False, False]


def test_the_interval_of_a_difference_is_newcombes():
    # Newcombe (1998), table II, case a: 56/70 - 48/80 by method 10 = .2000 [.0524, .3339]
    from statsmodels.stats.proportion import proportion_confint

    first, second = (
        Estimate(hits / n, "share", n, *proportion_confint(hits, n, method="wilson"), 0.95)
        for hits, n in ((56, 70), (48, 80))
    )
    made = difference(first, second)
    assert (made.value, made.low, made.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_widest_useful_threshold_is_proposed():
    # 100 accounts; the lost ones have the 20 lowest values: up to the lowest fifth every week is one before a loss
    # (5 times the base rate), the lowest quarter has 20 of 25 (4 times)
    values = np.arange(100.0)
    made = propose(values, values < 20, np.arange(100), is_low_bad=True, useful_lift=4.5)
    assert made.made_by == "losses"
    assert made.value == pytest.approx(np.quantile(values, 0.2), rel=5e-3)
    wider = propose(values, values < 20, np.arange(100), is_low_bad=True, useful_lift=3.0)
    assert wider.value == pytest.approx(np.quantile(values, 0.25), rel=5e-3)
    assert wider.lift == pytest.approx(4.0)


def test_a_threshold_beyond_which_only_a_tier_lies_that_leaves_more_often_is_not_useful():
    # 50 small accounts with low values, of which 20 leave, at random; 50 large ones, of which none does
    values, tier = np.arange(100.0), np.array(["small"] * 50 + ["large"] * 50, dtype=object)
    is_lost = np.isin(np.arange(100) % 5, (2, 3)) & (values < 50)
    blind = propose(values, is_lost, np.arange(100), is_low_bad=True, useful_lift=1.9)
    fair = propose(values, is_lost, np.arange(100), is_low_bad=True, useful_lift=1.9, tier=tier)
    # the lowest quarter has 10 of 25: twice the .2 of all, and just the .4 of small accounts
    assert blind.lift == pytest.approx(2.0)
    assert fair.lift < 1.5


def test_with_few_losses_the_threshold_is_that_of_a_tenth():
    values = np.arange(100.0)
    made = propose(values, values < 9, np.arange(100), is_low_bad=False, useful_lift=2.0)
    assert (made.made_by, made.lift, made.lost) == ("share", None, 9)
    assert made.value == pytest.approx(np.quantile(values, 0.9), rel=5e-3)


def test_nothing_is_proposed_where_all_values_are_the_same():
    assert propose(np.ones(50), np.arange(50) < 25, np.arange(50), is_low_bad=True, useful_lift=2.0) is None


def test_who_left_is_not_known_without_a_column_that_says_so():
    rows = [{key: value for key, value in account("A").items() if key != "churned_at"}]
    asks = [{"request_id": "Q1", "account_id": "A", "requested_at": "2026-06-24T10:00:00", "reason": None}]
    result = result_of(book({"accounts": rows, "cancel_requests": asks}), config_of(leave={"kind": "cancel_request"}))
    assert list(result.tables["worth"]["verdict"]) == ["cannot_tell"]
    assert {"losses_unknown"} <= codes(result)
    assert list(result.tables["proposals"]["reason"]) == ["Asked to leave on 24 Jun 2026, reason: none given"]


# --- pairs -----------------------------------------------------------------------------------------------------------


def ticket_rows(*told):
    """One ticket per (account, topic, configuration)."""
    rows = [(name, topic, setup, pd.Timestamp("2026-06-01")) for name, topic, setup in told]
    return pd.DataFrame(rows, columns=["account_id", "topic", "configuration", "opened_on"])


ASKED = pairs.Asked(90, 3, 0.05)


def test_the_exact_test_is_fishers_where_all_wrote_about_one_topic():
    told = [(f"A{n}", "delay" if n < 6 else "other", "new") for n in range(8)]
    told += [(f"B{n}", "delay" if n < 2 else "other", "old") for n in range(12)]
    found = pairs.enriched(ticket_rows(*told), SUNDAY, ASKED).set_index(["topic", "configuration"])
    p = fisher_exact([[6, 2], [2, 10]], alternative="greater").pvalue
    assert found.loc[("delay", "new"), "p"] == pytest.approx(p)
    # 8 of 20 wrote about it, 8 have the configuration
    assert found.loc[("delay", "new"), "expected"] == pytest.approx(8 * 8 / 20)


def test_an_account_that_writes_ten_times_counts_once():
    told = [(f"A{n}", "delay" if n < 6 else "other", "new") for n in range(8)]
    told += [(f"B{n}", "delay" if n < 2 else "other", "old") for n in range(12)]
    once = pairs.enriched(ticket_rows(*told), SUNDAY, ASKED)
    often = pairs.enriched(ticket_rows(*told, *[("A0", "delay", "new")] * 9), SUNDAY, ASKED)
    pd.testing.assert_frame_equal(once.drop(columns="tickets"), often.drop(columns="tickets"))


def test_strata_keep_accounts_that_write_about_everything_from_making_pairs():
    # Ten accounts with `new` write about both topics, thirty with `old` about one each: given that, nothing is left
    told = [(f"A{n}", topic, "new") for n in range(10) for topic in ("delay", "other")]
    told += [(f"B{n}", "delay" if n % 2 else "other", "old") for n in range(30)]
    found = pairs.enriched(ticket_rows(*told), SUNDAY, ASKED).set_index(["topic", "configuration"])
    assert found.loc[("delay", "new"), "p"] == pytest.approx(1.0)
    assert not found["is_enriched"].any()


def test_silent_accounts_have_the_configuration_and_have_not_asked():
    hit = [(f"A{n:02d}", "delay", "new") for n in range(12)] + [(f"B{n:02d}", "other", "old") for n in range(30)]
    others = [("quiet", "other", "new"), ("moved on", "other", "new"), ("left", "other", "new")]
    made = ticket_rows(*hit, *others)
    later = ticket_rows(("moved on", "other", "old")).assign(opened_on=pd.Timestamp("2026-06-02"))
    every = pd.concat([made, later], ignore_index=True)
    found = pairs.enriched(every, SUNDAY, ASKED).assign(trigger="cluster")
    assert list(found.loc[found["topic"] == "delay", "is_enriched"]) == [True]
    silent = pairs.silent(every, found[found["topic"] == "delay"], {"quiet", "moved on", "A01"})
    assert silent[["account_id", "has_written"]].to_numpy().tolist() == [["quiet", True]]


def test_tickets_without_a_configuration_say_why_pairs_are_left_out():
    tickets = [{"ticket_id": "T1", "account_id": "A", "topic": "slow", "opened_at": "2026-06-10T08:00:00"}]
    made = book({"accounts": [account("A")], "tickets": tickets})
    result = result_of(made, config_of(pair={"kind": "ticket_cluster"}, ask={"kind": "repeated_question"}))
    assert result.tables["pairs"].empty
    assert result.tables["triggers"].set_index("trigger")["left_out"].to_dict() == {
        "pair": "`tickets` lacks configuration", "ask": "",
    }  # fmt: skip


# --- together --------------------------------------------------------------------------------------------------------


def test_each_automated_family_needs_something_by_hand():
    made = book({"accounts": [account("A", signup_at="2026-06-20T00:00:00")]})
    mail = {"kind": "calendar", "mode": "automated", "family": "lifecycle"}
    alone = result_of(made, config_of(mail=mail))
    assert said(alone, "no_complement") == "Nothing is done by hand beside what the system does for lifecycle"
    both = result_of(made, config_of(mail=mail, call={"kind": "sign_up", "family": "lifecycle", "ways": ["in_app"]}))
    assert "no_complement" not in codes(both)


def test_people_act_by_maturity_while_the_product_is_early():
    config = config_of({"maturity": "early"}, mail={"kind": "calendar", "mode": "by_maturity"})
    assert (config.mode_of("mail"), make_config(**{**config.model_dump(), "maturity": "mature"}).mode_of("mail")) == (
        "human", "automated",
    )  # fmt: skip


def test_the_system_writes_mail_where_no_channel_is_named_and_people_choose():
    made = book({"accounts": [account("A", signup_at="2026-06-20T00:00:00")]})
    config = config_of(
        mail={"kind": "calendar", "mode": "automated"},
        shown={"kind": "calendar", "mode": "automated", "channel": "in_app"},
        met={"kind": "calendar"},
    )
    found = result_of(made, config).tables["proposals"].set_index("rule")["channel"]
    assert found.fillna("").to_dict() == {"mail": "email", "shown": "in_app", "met": ""}


def test_a_channel_nobody_knows_is_refused():
    with pytest.raises(AnalysisError, match=r"triggers\.mail\.channel"):
        result_of(book({"accounts": [account("A")]}), config_of(mail={"kind": "calendar", "channel": "emial"}))


def test_two_triggers_about_the_same_days_overlap():
    made = book(
        {"accounts": [account("A", signup_at="2026-06-01T00:00:00"), account("B", signup_at="2026-06-01T00:00:00")]}
    )
    config = config_of(
        mail={"kind": "calendar"},
        later={"kind": "calendar", "after_days": 14},
        far={"kind": "calendar", "after_days": 15},
    )
    table = result_of(made, config).tables["overlap"].set_index(["trigger", "other"])
    # mail and later are 14 days apart, mail and far 15, later and far 1
    assert set(table.index) == {("mail", "later"), ("later", "mail"), ("later", "far"), ("far", "later")}
    assert table.loc[("mail", "later"), ["alerts", "shared", "share"]].tolist() == [2, 2, 1.0]


def test_more_alerts_in_a_week_than_a_csm_may_get_are_counted():
    accounts = [account(f"A{n}", signup_at="2026-06-20T00:00:00") for n in range(13)]
    owned = [{"account_id": f"A{n}", "role": "csm", "csm_id": "C1", "valid_from": "2026-06-20"} for n in range(13)]
    made = book({"accounts": accounts, "assignments": owned})
    result = result_of(made, config_of(mail={"kind": "calendar"}))
    (row,) = result.tables["load"].to_dict("records")
    cap = made.workspace.contact_policy.notices_per_csm
    assert (row["csm_id"], row["alerts"], row["most"], row["over_cap"]) == ("C1", 13, 13, 13 - cap)
    assert "over_cap" in codes(result)


# --- what is missing or wrong ----------------------------------------------------------------------------------------


def test_with_accounts_alone_the_rest_is_left_out_in_words():
    config = triggers.Config()
    result = result_of(book({"accounts": [account("A", signup_at="2026-06-20T00:00:00")]}), config)
    out = result.tables["triggers"].set_index("trigger")["left_out"]
    assert set(out.index[out == ""]) == {"welcome_mail", "two_weeks", "welcome_call"}
    assert out["no_login"] == out["usage_falls"] == "needs `usage_daily`"
    assert out["same_question"] == "needs `tickets`"
    assert {"triggers_left_out", "acting_unknown", "phones_unknown"} <= codes(result)


def test_records_that_contradict_themselves_are_told_and_make_no_alert():
    contacts = [{"contact_id": "C1", "account_id": "A", "role": "champion", "added_at": "2026-06-20T00:00:00",
                 "left_at": "2026-06-10T00:00:00"}]  # fmt: skip
    owned = [{"account_id": "A", "role": "csm", "csm_id": name, "valid_from": f"2026-0{name[1]}-01", "valid_to": None}
             for name in ("C1", "C2")]  # fmt: skip
    made = book({"accounts": [account("A")], "contacts": contacts, "assignments": owned})
    result = result_of(made, config_of(**CHAMPION))
    assert result.tables["alerts"].empty
    assert said(result, "impossible_days").startswith("1 row ends before the day it began, in contacts (1)")
    assert said(result, "two_csms") == "1 account has two CSMs at once (Name A: C1, C2): the newest assignment counts"


def test_a_condition_on_what_is_not_there_is_refused():
    config = config_of(mail={"kind": "calendar", "where": {"attribute": "teir", "is": "mid"}})
    with pytest.raises(ConfigError, match=r"triggers\.mail\.where"):
        result_of(book({"accounts": [account("A")]}), config)


def test_a_measure_of_a_column_that_is_not_there_is_refused():
    config = config_of(odd={"kind": "behaviour", "measure": {"kind": "attribute", "column": "teir"}, "threshold": 1})
    with pytest.raises(ConfigError, match=r"accounts has no column 'teir'"):
        result_of(book({"accounts": [account("A")]}), config)


def test_a_book_before_its_first_account_is_refused():
    with pytest.raises(AnalysisError, match=r"no account is known"):
        result_of(
            book({"accounts": [account("A", signup_at="2026-06-30T00:00:00")]}), config_of(mail={"kind": "calendar"})
        )


@pytest.mark.parametrize(
    ("bad", "threshold", "clears_at", "match"),
    [
        ("low", 2, 1, r"must be at least threshold"),
        ("high", 2, 3, r"must be at most"),
        ("low", None, 1, r"set threshold"),
    ],
)
def test_a_bound_that_never_clears_is_refused(bad, threshold, clears_at, match):
    with pytest.raises((ValidationError, SettingError), match=match):
        kinds.Behaviour(measure=DaysSinceLastUse(), bad=bad, threshold=threshold, clears_at=clears_at)


def test_a_history_that_does_not_reach_over_the_judged_weeks_is_refused():
    with pytest.raises(ValidationError, match=r"at least 9"):
        make_config(history_weeks=8, judge_weeks=5)
    assert Attribute(column="arr").kind == "attribute"


def test_the_settings_file_of_the_sample_book_is_valid():
    config = configs.load(ROOT / "configs" / "triggers.yaml", triggers.Config, ROOT)
    on = [name for name, each in config.triggers.items() if each.is_on]
    assert {"no_login", "renewal_window", "contact_replaced", "cancel_request"} <= set(on)


# --- the sample book -------------------------------------------------------------------------------------------------

WARNINGS = ("no_login", "usage_falls", "usage_dips")


@pytest.fixture(scope="module")
def config():
    return configs.load(ROOT / "configs" / "triggers.yaml", triggers.Config, ROOT)


@pytest.fixture(scope="module")
def inputs(config):
    desk = session.start(str(ROOT / "configs" / "workspace.yaml"), str(ROOT / "configs" / "triggers.yaml"), "", "", {})
    return triggers.prepare(desk.snapshot, config, {})


@pytest.fixture(scope="module")
def result(inputs, config):
    return triggers.analyze(inputs, config)


@pytest.fixture(scope="module")
def planted():
    """The simulator's accounts, and each decided renewal with its planted chance of loss and the day it would end."""
    world = make_world(BookSize())
    contracts = make_contracts(world)
    due = contracts.renewals.set_index("renewal_id")["due_date"]
    truth = contracts.truth.assign(lost_on=pd.to_datetime(contracts.truth["renewal_id"].map(due)))
    return world, truth


def expected(inputs, config, found, truth):
    """Share of alerts a loss is expected to follow, and the weighted median of the days to it.

    Each alert counts the planted chances of the renewals that end within the horizon: their sum has the mean of the
    number of losses, whatever became of earlier ones. Of several alerts of an account before a renewal the first counts
    for the lead.
    """
    seen = found[["account_id", "place"]].assign(alerted_on=inputs.panel.dates[found["place"]])
    pairs_of = seen.merge(truth, on="account_id")
    days = (pairs_of["lost_on"] - pairs_of["alerted_on"]).dt.days
    near = pairs_of.assign(days=days)[(days > 0) & (days <= config.horizon_days)]
    first = near.sort_values("place").drop_duplicates("renewal_id").sort_values("days")
    weight = first["p_churned"].cumsum()
    return near["p_churned"].sum() / len(found), first["days"][weight >= weight.iloc[-1] / 2].iloc[0]


def judged_alerts(inputs, config, name):
    """The alerts that were judged: of the judged weeks, nobody having acted, the account a customer."""
    rows = inputs.panel.rows
    day = numbers(inputs.panel.dates)[rows["place"]]
    acted = acted_after(rows["account"].to_numpy(), day, touch_days(inputs), config.acted_days)
    used = in_use(config, proposals(inputs, config, acted))
    every = alerts(inputs, config, used, {})
    seen = every[every["trigger"] == name].merge(rows.assign(is_acted=acted), on=["account", "place"])
    return seen[seen["place"].between(*inputs.panel.judged(config)) & seen["is_complete"] & ~seen["is_acted"]]


@pytest.mark.parametrize("name", WARNINGS)
def test_precision_and_lead_time_are_what_the_simulator_gave_the_trigger(inputs, config, result, planted, name):
    found = judged_alerts(inputs, config, name)
    share, days = expected(inputs, config, found, planted[1])
    row = result.tables["worth"].set_index("trigger").loc[name]
    assert row["judged"] == len(found) > 80
    assert row["low"] <= share <= row["high"]
    assert row["lead_low"] <= days <= row["lead_high"]


def with_measure(inputs, name, values):
    return replace(inputs, panel=replace(inputs.panel, measures={**inputs.panel.measures, name: values}))


def test_a_trigger_on_the_planted_engagement_warns_as_often_as_it_should(inputs, config, planted):
    # the latent engagement itself, as the mean of the months a renewal rests on, followed week by week
    world, truth = planted
    month = world.month_index(inputs.panel.dates)
    place = pd.Index(world.traits["account_id"]).get_indexer(inputs.panel.accounts)
    latent = np.mean([world.engagement[np.ix_(place, month - back)] for back in range(3)], axis=0)
    only = config.triggers["no_login"].model_copy(update={"bad": "low", "threshold": -1.2, "clears_at": -0.9})
    # nothing was learned for it, so every week with an outcome judges it
    asked = config.model_copy(update={"triggers": {"no_login": only}, "judge_weeks": 66})
    known = with_measure(inputs, "no_login", latent)
    row = triggers.analyze(known, asked).tables["worth"].iloc[0]
    found = judged_alerts(known, asked, "no_login")
    share, days = expected(known, asked, found, truth)
    assert row["verdict"] == "warns"
    assert row["low"] <= share <= row["high"]
    assert row["lead_low"] <= days <= row["lead_high"]


def test_a_trigger_on_noise_is_reported_as_useless(inputs, config):
    noise = np.random.default_rng(7).normal(size=inputs.panel.measures["no_login"].shape)
    only = config.triggers["no_login"].model_copy(update={"bad": "low", "threshold": -2.0, "clears_at": 0.0})
    asked = config.model_copy(update={"triggers": {"no_login": only}})
    made = triggers.analyze(with_measure(inputs, "no_login", noise), asked)
    row = made.tables["worth"].iloc[0]
    assert row["verdict"] == "useless"
    assert row["judged"] > 200
    assert "useless_on" in codes(made)


def test_alerts_of_one_tier_are_judged_by_the_losses_of_that_tier(inputs, config):
    # noise, and only small accounts are measured: they leave more often, alert or not
    noise = np.random.default_rng(8).normal(size=inputs.panel.measures["no_login"].shape)
    is_small = (inputs.accounts["tier"].reindex(inputs.panel.accounts) == "small").to_numpy()
    only = config.triggers["no_login"].model_copy(update={"bad": "low", "threshold": -2.0, "clears_at": 0.0})
    asked = config.model_copy(update={"triggers": {"no_login": only}})
    known = with_measure(inputs, "no_login", np.where(is_small[:, None], noise, np.nan))
    row = triggers.analyze(known, asked).tables["worth"].iloc[0]
    rows = inputs.panel.rows
    day = numbers(inputs.panel.dates)[rows["place"]]
    acted = acted_after(rows["account"].to_numpy(), day, touch_days(inputs), config.acted_days)
    left_alone = rows[rows["place"].between(*inputs.panel.judged(config)) & rows["is_complete"] & ~acted]
    small = left_alone[is_small[left_alone["account"]]]
    assert row["base_rate"] == pytest.approx(small["is_lost"].mean())
    assert small["is_lost"].mean() > 1.2 * left_alone["is_lost"].mean()
    assert row["verdict"] == "useless"


def test_the_planted_ticket_cluster_is_found_with_its_silent_accounts(inputs, result):
    found = result.tables["pairs"]
    assert found.loc[found["is_enriched"], ["topic", "configuration"]].to_numpy().tolist() == [
        [CLUSTER.topic, CLUSTER.configuration]
    ]
    # silent: the newest configuration they named is that one, and they have not asked about the topic since it began
    tickets = pd.read_csv(ROOT / "data" / "samples" / "tickets.csv", parse_dates=["opened_at", "known_at"])
    known = tickets[tickets["known_at"].fillna(tickets["opened_at"]) < pd.Timestamp("2026-09-27T22:00Z")]
    day = known["opened_at"].dt.tz_convert("Europe/Stockholm").dt.tz_localize(None).dt.normalize()
    named = known.dropna(subset=["configuration"]).sort_values("opened_at").drop_duplicates("account_id", keep="last")
    having = set(named.loc[named["configuration"] == CLUSTER.configuration, "account_id"])
    since = found.loc[found["is_enriched"], "first_on"].iloc[0]
    asked = set(known.loc[(known["topic"] == CLUSTER.topic) & (day >= since), "account_id"])
    here = set(inputs.accounts.index[inputs.accounts["churned_on"].isna()])
    assert set(result.tables["silent"]["account_id"]) == (having - asked) & here
    assert len(result.tables["silent"]) > 20


def test_every_replaced_champion_gives_one_event_and_no_second_task(inputs):
    contacts = pd.read_csv(ROOT / "data" / "samples" / "contacts.csv")
    gone = contacts[(contacts["role"] == "champion") & contacts["left_at"].notna()]
    events = inputs.events["contact_replaced"]
    # two records of one person left on one day, and are one event
    assert sorted(events["account_id"]) == sorted(gone.drop_duplicates(["account_id", "left_at"])["account_id"])
    assert set(events["subject"]) <= set(gone["contact_id"])
    assert events["contact_id"].notna().mean() > 0.9  # the successor is named


def test_a_champion_who_has_just_left_is_asked_for_until_the_task_is_written(inputs, config):
    tasks = inputs.tasks[inputs.tasks["trigger"] == "contact_replaced"]
    event = inputs.events["contact_replaced"].iloc[-1]
    made = tasks.loc[tasks["account_id"] == event["account_id"], "made_on"].iloc[0]
    moved = {"contact_replaced": inputs.events["contact_replaced"].iloc[-1:].assign(
        happened_on=inputs.panel.dates[-1] - np.timedelta64(9, "D"))}  # fmt: skip
    only = config.model_copy(update={"triggers": {"contact_replaced": config.triggers["contact_replaced"]}})
    untouched = replace(inputs, events=moved, touches=inputs.touches.iloc[:0], tasks=inputs.tasks.iloc[:0])
    asked = triggers.analyze(untouched, only).tables["proposals"]
    assert list(asked["account_id"]) == [event["account_id"]]
    assert list(asked["contact_id"]) == [event["contact_id"]]
    written = tasks[tasks["account_id"] == event["account_id"]].assign(
        made_on=made + (inputs.panel.dates[-1] - made.to_datetime64()), done_on=pd.NaT, status="todo"
    )
    assert triggers.analyze(replace(untouched, tasks=written), only).tables["proposals"].empty


def test_proposals_are_those_of_triggers_that_are_on_and_worth_is_of_all(config, result):
    on = {name for name, each in config.triggers.items() if each.is_on}
    assert set(result.tables["proposals"]["rule"]) <= on
    assert set(result.tables["worth"]["trigger"]) == set(config.triggers)
    assert not result.tables["proposals"][["account_id", "rule"]].duplicated().any()
