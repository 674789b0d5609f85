"""How are customers, people and renewals, on one page, and what is due across the accounts of each CSM?"""

from datetime import date
from types import SimpleNamespace

import pandas as pd
import pytest
import statsmodels.api as sm

from csworkbench.analyses import portfolio
from csworkbench.analyses.portfolio.comparing import differences
from csworkbench.analyses.portfolio.performance import TAKEN
from csworkbench.asof import take
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Estimate
from csworkbench.formats import text
from tests.books import book

AS_OF = date(2026, 6, 30)
DAY = pd.Timestamp(AS_OF)


def account(account_id, **columns):
    return {"account_id": account_id, "name": f"Name {account_id}", "value_tier": "large", "arr": 100,
            "currency": "EUR", "signup_at": "2025-01-01T00:00:00", "churned_at": None, **columns}  # fmt: skip


def held(account_id, csm, **columns):
    return {
        "account_id": account_id,
        "role": "csm",
        "csm_id": csm,
        "valid_from": "2025-01-01",
        "valid_to": None,
        **columns,
    }


def touch(number, account_id, sent_at, **columns):
    return {"touch_id": f"T{number}", "account_id": account_id, "csm_id": "C1", "channel": "call", "mode": "human",
            "minutes": 30, "sent_at": sent_at, **columns}  # fmt: skip


def task(number, account_id, due_at, done_at=None, **columns):
    return {"task_id": f"W{number}", "account_id": account_id, "csm_id": "C1", "theme": "adoption", "priority": "high",
            "due_at": due_at, "done_at": done_at, "status": "todo", **columns}  # fmt: skip


CSMS = [
    {"csm_id": "C1", "name": "Anna", "team": "north", "capacity_minutes_week": 600},
    {"csm_id": "C2", "name": "Bo", "team": "north", "capacity_minutes_week": None},
]
FOUR = [account(name) for name in ("A1", "A2", "A3", "A4")]
OWNED = [held("A1", "C1"), held("A2", "C1"), held("A3", "C2"), held("A4", "C2")]


def settings(**changes):
    return portfolio.Config(**{"least_accounts": 2, "period_days": 91, **changes})


def told(**tables):
    """A result of another analysis, as `prepare` gets it."""
    return SimpleNamespace(figures={}, tables=tables, config={})


def inputs_of(tables, config=None, upstream=None, as_of=AS_OF):
    return portfolio.prepare(take(book(tables), as_of), config or settings(), upstream or {})


def result_of(tables, config=None, upstream=None, as_of=AS_OF):
    config = config or settings()
    return portfolio.analyze(inputs_of(tables, config, upstream, as_of), config)


def team(**tables):
    return {"accounts": FOUR, "assignments": OWNED, "csms": CSMS, **tables}


def codes(result):
    return {each.code for each in result.caveats}


# Customers


def test_customers_are_those_who_have_not_left():
    rows = [account("A1"), account("A2", churned_at="2026-01-01T00:00:00"), account("A3", value_tier=None)]
    table = result_of({"accounts": rows}).tables["customers"].set_index("tier")["customers"]
    assert table.to_dict() == {"all": 2, "large": 1, "not known": 1}


def test_no_currency_is_added_to_another():
    rows = [
        account("A1", arr=100),
        account("A2", arr=50),
        account("A3", arr=900, currency="SEK"),
        account("A4", arr=None),
    ]
    found = result_of({"accounts": rows})
    # two of the three in EUR are priced: 100 + 50
    assert (found.figures["arr"].value, found.figures["arr"].unit, found.figures["arr"].n) == (150, "EUR", 2)
    assert found.figures["arr.SEK"].value == 900
    assert "several_currencies" in codes(found)


def test_completion_is_the_share_of_tasks_due_in_the_period_that_are_done_without_dropped_ones():
    rows = [
        task(1, "A1", "2026-06-01T00:00:00", "2026-06-02T00:00:00"),
        task(2, "A2", "2026-06-01T00:00:00"),
        task(3, "A3", "2026-06-01T00:00:00", status="Cancelled"),  # nobody has to do it
        task(4, "A3", "2026-01-01T00:00:00", "2026-01-01T00:00:00"),  # before the period
        task(5, "A3", "2026-07-05T00:00:00"),  # ahead
    ]
    found = result_of(team(tasks=rows))
    assert (found.figures["tasks_done"].value, found.figures["tasks_done"].n) == (0.5, 2)
    row = found.tables["customers"].set_index("tier").loc["all"]
    assert (row["tasks_open"], row["tasks_overdue"], row["tasks_due"], row["tasks_done"]) == (2, 1, 2, 1)


# What other analyses found


def upstream():
    """Results with digits that no second computation would bring forth."""
    found = {name: told() for name in TAKEN}
    for name, figures in TAKEN.items():
        found[name].figures = {
            each: Estimate(0.1 + 1e-17 + place / 7, "share", 9) for place, each in enumerate(figures, start=1)
        }
    found["renewals"].figures["amount_due.SEK"] = Estimate(2 / 3, "SEK", 4)
    bands = [{"name": "at_risk"}, {"name": "average"}]
    found["health"].config = {"compare_months": 1, "scorecards": [{"bands": bands}]}
    days = [DAY - pd.Timedelta(days=30)] * 2 + [DAY] * 2
    found["health"].tables = {
        "history": pd.DataFrame({"snapshot_on": days, "band": ["at_risk", "average"] * 2, "accounts": [3, 1, 1, 3],
                                 "share": [3 / 4, 1 / 4, 1 / 4, 3 / 4]}),
        "scores": pd.DataFrame({"account_id": ["A1", "A2", "A3", "A4"], "score": [10.0, 50, 60, 70],
                                "change": [-40.0, 0, 0, 0], "band": ["at_risk", *["average"] * 3],
                                "moved": ["down", *["same"] * 3],
                                "earlier_band": "average", "moved_by": ["Usage trend", None, None, None]}),
    }  # fmt: skip
    found["renewals"].tables = {
        "due": pd.DataFrame([{"dimension": "quarter", "value": "2026 Q2", "currency": "EUR", "renewals": 7,
                              "target": 1 / 3, "kept": 4, "lost": 1, "open": 2, "renewed": 0.1, "expected": 0.2}]),
        "predicted_actual": pd.DataFrame({"quarter": ["2026 Q2"], "basis": ["frozen model"], "predicted": [2 / 3],
                                          "low": [0.5], "high": [0.9], "actual": [5 / 7]}),
        "forecast": pd.DataFrame({"account_id": ["A2"], "due_date": [DAY + pd.Timedelta(days=20)], "target": [1000.0],
                                  "currency": ["EUR"], "probability": [0.75]}),
    }  # fmt: skip
    found["segments"].tables = {
        "cells": pd.DataFrame({"tier": ["large"], "stage": ["growth"], "accounts": [4], "share": [1.0], "before": [3],
                               "change": [1], "stuck": [1]}),
        "stuck": pd.DataFrame({"account_id": ["A4"], "days_in_stage": [99], "is_at_least": [False],
                               "usual_days": [30.0], "stage": ["growth"]}),
        "accounts": pd.DataFrame({"account_id": ["A1", "A2", "A3", "A4"], "stage": "growth"}),
    }  # fmt: skip
    found["touch_matrix"].tables = {
        "loads": pd.DataFrame({"csm_id": ["C1", "C2"], "is_pool": False, "accounts": [1 / 3, 2 / 3]}),
        "next_actions": pd.DataFrame({"account_id": ["A3", "A3"], "action": ["a", "b"], "by": ["csm", "system"],
                                      "does": ["Call", "Mail"], "state": "overdue",
                                      "deadline": DAY - pd.Timedelta(days=2)}),
    }  # fmt: skip
    found["plan_validation"].tables = {
        "by_csm": pd.DataFrame({"csm_id": ["C1"], "planned": [5], "running": [2], "landed": [1], "closed": [9]})
    }
    return found


def test_figures_of_other_analyses_are_taken_to_the_last_digit():
    given = upstream()
    figures = result_of(team(), upstream=given).figures
    for analysis, names in TAKEN.items():
        for source, here in names.items():
            assert figures[here] is given[analysis].figures[source], here
    assert figures["amount_due.SEK"].value == 2 / 3


def test_tables_of_other_analyses_are_taken_to_the_last_digit():
    given = upstream()
    tables = result_of(team(), upstream=given).tables
    assert tables["stages"].equals(given["segments"].tables["cells"])
    assert tables["renewal_rates"].equals(given["renewals"].tables["predicted_actual"])
    assert tables["renewals_due"].iloc[0]["target"] == 1 / 3
    assert tables["people"]["accounts_average"].tolist() == [1 / 3, 2 / 3]
    assert tables["people"]["plans_running"].tolist() == [3, 0]  # running and landed; C2 has none
    assert tables["health"].to_dict("list") == {
        "band": ["at_risk", "average"], "accounts": [1, 3], "band_share": [1 / 4, 3 / 4], "before": [3, 1],
        "before_share": [3 / 4, 1 / 4], "compared_on": [DAY - pd.Timedelta(days=30)] * 2,
    }  # fmt: skip


def test_each_block_says_what_it_lacks_and_the_rest_goes_on():
    found = result_of({"accounts": FOUR})
    assert {"customers_lacks_results", "people_lacks_tables", "performance_lacks_results"} <= codes(found)
    assert found.figures["customers"].value == 4
    assert found.tables["renewal_rates"].empty
    assert found.tables["due"].empty


# People


def test_nobody_with_few_accounts_is_shown_under_a_name():
    csms = [*CSMS, *({"csm_id": f"C{n}", "name": f"Few {n}", "capacity_minutes_week": 100} for n in (3, 4))]
    rows = [*FOUR, account("A5"), account("A6")]
    owned = [*OWNED, held("A5", "C3"), held("A6", "C4")]
    table = result_of({"accounts": rows, "assignments": owned, "csms": csms}).tables["people"]
    assert table["csm"].tolist() == ["Anna", "Bo", "2 others with fewer accounts"]
    assert table["accounts"].tolist() == [2, 2, 2]
    assert table["csm_id"].isna().tolist() == [False, False, True]


def test_people_stand_in_the_order_of_their_names():
    rows = [touch(n, "A3", "2026-06-10T10:00:00", csm_id="C2") for n in range(9)]
    assert result_of(team(touches=rows)).tables["people"]["csm"].tolist() == ["Anna", "Bo"]


def test_load_is_minutes_a_week_over_capacity_and_unknown_without_one():
    # 13 weeks; 26 touches of 30 minutes by Anna are 60 minutes a week, of 600
    rows = [touch(n, "A1", "2026-06-10T10:00:00") for n in range(26)]
    found = result_of(team(touches=rows))
    people = found.tables["people"].set_index("csm")
    assert people.loc["Anna", "minutes_week"] == pytest.approx(60)
    assert people.loc["Anna", "load_share"] == pytest.approx(0.1)
    assert pd.isna(people.loc["Bo", "load_share"])
    [doubt] = [each for each in found.caveats if each.code == "no_capacity"]
    assert doubt.message.values["names"] == ["Bo"]


def test_a_load_of_recorded_touches_alone_is_said_to_be_a_part_of_the_work():
    # 13 weeks of 600 minutes; one touch of 30 is .4 % of them
    found = result_of(team(touches=[touch(1, "A1", "2026-06-10T10:00:00")]))
    [doubt] = [each for each in found.caveats if each.code == "load_is_recorded"]
    assert doubt.message.values["share"] == pytest.approx(30 / 13 / 600)
    busy = [touch(number, "A1", "2026-06-10T10:00:00", minutes=600) for number in range(7)]
    assert "load_is_recorded" not in codes(result_of(team(touches=busy)))


def test_the_headline_tells_what_is_no_part_of_the_run_from_what_is_not_known():
    found = text(result_of(team()).headline)
    assert "their health is no part of this run; the forecast of renewals is no part of this run" in found


def test_a_touch_nobody_signed_is_that_of_who_looks_after_the_account():
    found = result_of(team(touches=[touch(1, "A3", "2026-06-10T10:00:00", csm_id=None)]))
    assert found.tables["people"].set_index("csm")["touches"].to_dict() == {"Anna": 0, "Bo": 1}


def test_an_account_with_two_csms_is_named_and_the_newest_assignment_counts():
    owned = [*OWNED, held("A1", "C2", valid_from="2026-01-01")]
    found = result_of(team(assignments=owned))
    [doubt] = [each for each in found.caveats if each.code == "two_csms"]
    assert doubt.message.values["names"] == ["Name A1: C1, C2"]
    assert found.tables["accounts"].set_index("account_id").loc["A1", "csm"] == "Bo"


def test_freshness_counts_from_the_last_visit_and_of_who_never_had_one_from_signing_up():
    rows = [
        touch(1, "A1", "2026-06-25T10:00:00"),
        touch(2, "A1", "2026-01-01T10:00:00", channel="visit"),
        touch(3, "A2", "2026-05-01T10:00:00"),
        touch(4, "A2", "2026-06-29T10:00:00", channel="email"),  # no visit of either kind
    ]
    young = account("A4", signup_at="2026-06-20T00:00:00")
    found = result_of(team(accounts=[*FOUR[:3], young], touches=rows)).tables["freshness"].set_index("kind")
    # large: online at most 30 days, offline at most 90. A1 5 and 180 days, A2 60 and never, A3 never, A4 new
    assert found.loc["online", ["overdue", "never", "accounts"]].tolist() == [2, 2, 4]
    assert found.loc["offline", ["overdue", "never", "accounts"]].tolist() == [3, 3, 4]
    assert found.loc["offline", "median_days"] == 180


def test_without_a_record_of_visits_nobody_is_overdue_and_nobody_is_fresh():
    found = result_of({"accounts": FOUR}, settings(fresh_days={"large": {"online": 30, "offline": 90}}))
    assert found.tables["freshness"]["accounts"].tolist() == [4, 4]
    assert found.tables["freshness"].drop(columns=["tier", "kind", "limit_days", "accounts"]).isna().all(axis=None)
    assert found.tables["accounts"]["visits_overdue"].isna().all()
    assert "visits_overdue" not in found.figures
    assert not any("visit" in text(action) for action in found.actions)
    tasks = found.tables["customers"].drop(columns=["tier", "customers"])
    assert len(tasks) == 2
    assert tasks.isna().all(axis=None)
    assert found.figures["due"].value is found.figures["due_overdue"].value is None
    assert "what is due is not known" in text(found.headline)
    assert "nobody can tell what is due" in text(found.actions[0])


def test_only_the_kinds_of_visits_that_are_recorded_can_be_overdue():
    limits = settings(fresh_days={"large": {"online": 30, "offline": 30}})
    met = {"meeting_id": "M1", "account_id": "A1", "held_at": "2026-06-20T00:00:00"}
    found = result_of({"accounts": FOUR, "meetings": [met]}, limits)
    overdue = found.tables["freshness"].set_index("kind")["overdue"]
    assert overdue["online"] == 3
    assert pd.isna(overdue["offline"])
    assert (found.figures["visits_overdue"].value, found.figures["visits_overdue"].n) == (3 / 4, 4)
    there = result_of({"accounts": FOUR, "meetings": [{**met, "is_onsite": True}]}, limits)
    assert there.tables["freshness"].set_index("kind")["overdue"].to_dict() == {"offline": 3, "online": 4}


def test_what_no_column_says_of_work_is_not_known():
    bare = {"touch_id": "T1", "account_id": "A1", "csm_id": "C1", "mode": "human", "sent_at": "2026-06-20T00:00:00"}
    listed = [{"task_id": "W1", "account_id": "A1", "csm_id": "C1"}]
    found = result_of(team(touches=[bare], tasks=listed)).tables
    anna = found["people"].set_index("csm").loc["Anna"]
    assert (anna["touches"], anna["tasks_open"]) == (1, 1)
    assert anna[["minutes_week", "load_share", "tasks_overdue"]].isna().all()
    book_row = found["customers"].set_index("tier").loc["all"]
    assert book_row["tasks_open"] == 1
    assert book_row[["tasks_overdue", "tasks_due", "tasks_done", "done_share"]].isna().all()


def test_without_assignments_nobody_can_tell_how_many_accounts_a_person_has():
    made = [touch(place, "A1", "2026-06-20T00:00:00", csm_id=who) for place, who in enumerate(("C1", "C2"))]
    found = result_of({"accounts": FOUR, "csms": CSMS, "touches": made}).tables["people"]
    assert found["csm"].tolist() == ["2 others with fewer accounts"]
    assert found[["accounts", "due", "due_overdue"]].isna().all(axis=None)
    assert found["touches"].tolist() == [2]


def test_a_held_meeting_is_a_visit_and_one_in_the_future_is_none():
    meetings = [
        {"meeting_id": "M1", "account_id": "A1", "kind": "regular", "is_onsite": True, "planned_at": None,
         "held_at": "2026-06-01T10:00:00"},
        {"meeting_id": "M2", "account_id": "A2", "kind": "regular", "is_onsite": True,
         "planned_at": "2026-07-03T10:00:00", "held_at": "2026-07-03T10:00:00"},
        {"meeting_id": "M3", "account_id": "A3", "kind": "regular", "is_onsite": True,
         "planned_at": "2026-06-03T10:00:00", "held_at": None},
    ]  # fmt: skip
    found = result_of(team(meetings=meetings))
    assert found.tables["accounts"].set_index("account_id")["last_offline"].notna().to_dict() == {
        "A1": True, "A2": False, "A3": False, "A4": False,
    }  # fmt: skip
    assert found.tables["due"]["account_id"].tolist() == ["A2"]
    [doubt] = [each for each in found.caveats if each.code == "meetings_not_recorded"]
    assert doubt.message.values["n"] == 1


def uneven():
    """Two people over two tiers, unequal numbers, values by hand."""
    rows = [("C1", "large", 4.0), ("C1", "large", 6.0), ("C1", "mid", 2.0), ("C2", "large", 3.0), ("C2", "mid", 1.0),
            ("C2", "mid", 3.0), ("C2", "mid", 2.0)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["csm_id", "tier", "value"])
    return frame.assign(measure="touches", account_id=[f"A{n}" for n in range(len(frame))])


def test_a_person_is_compared_with_colleagues_in_the_same_tiers_as_least_squares_does():
    frame = uneven()
    found = differences(frame, 2, 0.95).set_index("csm_id")
    design = pd.DataFrame({"is_c1": frame["csm_id"] == "C1", "large": frame["tier"] == "large", "one": True}).astype(
        float
    )
    slope = sm.OLS(frame["value"], design).fit().params["is_c1"]
    assert found.loc["C1", "own"] - found.loc["C1", "colleagues"] == pytest.approx(slope)
    assert abs(found.loc["C1", "difference"]) < abs(slope)  # shrunk
    assert found["says"].tolist() == ["no difference shown"] * 2


def test_a_tier_in_which_accounts_differ_much_makes_nobody_stand_out():
    # Twelve large accounts each, 7 about a mean of 17 (C1) and 11 (C2): the means differ by 6 with an error of
    # 7 sqrt(12 / 11) sqrt(2 / 12) = 3.0. Over all tiers the spread is near 3.3 and the error 1.4: 6 is 4 errors.
    large = [("C1", "large", value) for value in (10.0, 24.0) * 6] + [
        ("C2", "large", value) for value in (4.0, 18.0) * 6
    ]
    small = [(f"C{csm}", "small", value) for csm in range(3, 8) for value in (0.0, 1.0) * 10]
    frame = pd.DataFrame(large + small, columns=["csm_id", "tier", "value"])
    frame = frame.assign(measure="touches", account_id=[f"A{n}" for n in range(len(frame))])
    assert set(differences(frame, 10, 0.95)["says"]) == {"no difference shown"}


def test_whoever_has_all_accounts_of_a_tier_cannot_be_compared():
    frame = uneven().assign(tier=lambda rows: rows["csm_id"])
    found = differences(frame, 2, 0.95)
    assert found["says"].tolist() == ["cannot be told"] * 2
    assert found["difference"].isna().all()


def test_people_with_few_accounts_are_compared_with_nobody():
    few = pd.concat([uneven(), uneven().iloc[:1].assign(csm_id="C3", account_id="A9")])
    assert set(differences(few, 2, 0.95)["csm_id"]) == {"C1", "C2"}


def test_the_order_of_accounts_does_not_matter():
    frame = uneven()
    pd.testing.assert_frame_equal(differences(frame, 2, 0.95), differences(frame.iloc[::-1], 2, 0.95))


# The workbench


def test_what_is_due_stands_by_priority_and_then_by_day():
    tasks = [
        task(1, "A1", "2026-07-05T00:00:00"),
        task(2, "A2", "2026-06-01T00:00:00"),
        task(3, "A2", "2026-09-01T00:00:00"),
    ]
    config = settings(priorities=("task", "renewal", "fell", "touch", "stuck"))
    found = result_of(team(tasks=tasks), config, upstream()).tables["due"]
    assert found[["account_id", "priority", "is_overdue"]].to_numpy().tolist() == [
        ["A2", 1, True], ["A1", 1, False], ["A2", 2, False], ["A1", 3, False], ["A3", 4, True], ["A4", 5, False],
    ]  # fmt: skip
    assert found["what"].tolist() == [
        "Task W2: adoption, high", "Task W1: adoption, high", "Renewal of €1,000, 75.0% likely",
        "Health fell from Average to At risk, most by Usage trend", "Call", "99 days in growth, usual are 30 days",
    ]  # fmt: skip


def test_a_kind_left_out_of_the_priorities_is_not_due():
    found = result_of(team(), settings(priorities=("stuck",)), upstream()).tables["due"]
    assert set(found["kind"]) == {"Stuck"}


def test_a_stay_that_began_before_the_history_is_due_as_at_least_that_long():
    found, config = upstream(), settings(priorities=("stuck",))
    assert result_of(team(), config, found).tables["due"]["what"].tolist() == ["99 days in growth, usual are 30 days"]
    found["segments"].tables["stuck"]["is_at_least"] = True
    told = result_of(team(), config, found)
    assert told.tables["due"]["what"].tolist() == ["at least 99 days in growth, usual are 30 days"]
    assert text(told.actions[0]) == "Begin with Name A4: at least 99 days in growth, usual are 30 days"


def test_every_row_that_is_due_names_the_account_and_its_csm():
    found = result_of(team(), upstream=upstream()).tables["due"]
    assert set(zip(found["account_id"], found["csm_id"], strict=True)) <= {
        ("A1", "C1"), ("A2", "C1"), ("A3", "C2"), ("A4", "C2"),
    }  # fmt: skip


def test_facts_known_later_change_nothing():
    later = [task(9, "A1", "2026-07-01T00:00:00", known_at="2026-07-02T00:00:00")]
    early = [task(1, "A1", "2026-07-01T00:00:00", known_at="2026-06-01T00:00:00")]
    before, after = (result_of(team(tasks=rows)).tables["due"] for rows in (early, early + later))
    pd.testing.assert_frame_equal(before, after)


def test_the_sheet_has_the_three_blocks_and_no_script():
    page = result_of(team(accounts=[account("A1", name="<b>"), *FOUR[1:]]), upstream=upstream()).files["panorama.html"]
    assert all(f"<h2>{block}</h2>" in page for block in ("Customers", "People", "Performance"))
    assert "<script" not in page
    assert "<b>" not in page


def test_a_book_without_customers_is_refused():
    with pytest.raises(AnalysisError, match=r"no account is a customer on 2026-06-30"):
        result_of({"accounts": [account("A1", churned_at="2026-01-01T00:00:00")]})
