"""Who does what for whom in which stage, what of it is done, and which channels reach people?"""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter
from pydantic import ValidationError
from scipy.stats import t, ttest_rel
from statsmodels.stats.proportion import proportion_confint

from csworkbench import config as configs
from csworkbench.analyses import touch_matrix
from csworkbench.analyses.touch_matrix import loading, receiving, touching
from csworkbench.analyses.touch_matrix.doubts import about_loads
from csworkbench.analyses.touch_matrix.settings import Action
from csworkbench.analyses.touch_matrix.trends import change_of
from csworkbench.asof import take
from csworkbench.errors import AnalysisError, ConfigError
from csworkbench.formats import text
from csworkbench.policy import COLUMNS, week_of
from csworkbench.shards import cut
from csworkbench.sources import Contacted
from csworkbench.store import StoredResult
from csworkbench.workspace import ContactPolicy
from tests.books import book, with_rows

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2026, 6, 30)
STAGES = ("new", "growth", "churned")


def action(**changes):
    return {"id": "mail", "stage": "growth", "by": "system", "does": "A mail", "every_days": 30, **changes}


def make_config(*actions, **changes):
    return touch_matrix.Config(**{"matrix": actions or (action(),), "kpi_by": "", **changes})


def touch(number, account="A1", sent_on="2026-06-20", **changes):
    return {
        "touch_id": f"T{number:03d}", "account_id": account, "contact_id": f"P{account}", "channel": "email",
        "mode": "tech", "initiator": "central", "family": "lifecycle", "rule": None, "content_id": "welcome",
        "importance": "normal", "minutes": 0.0, "sent_at": f"{sent_on}T12:00:00", **changes,
    }  # fmt: skip


def event(number, kind="delivered", **changes):
    return {"touch_id": f"T{number:03d}", "type": kind, "occurred_at": "2026-06-28T12:00:00", "agent": None, **changes}


def segments_of(**placed):
    """The result of segments: account -> (tier, stage, day it came in)."""
    rows = [
        {"account_id": name, "name": f"Name {name}", "csm": "Ann", "tier": tier, "stage": stage, "entered_on": day}
        for name, (tier, stage, day) in placed.items()
    ]
    accounts = pd.DataFrame(rows)
    then = accounts[["account_id", "tier", "stage", "entered_on"]]
    return SimpleNamespace(tables={"accounts": accounts, "week_start": then, "stages": pd.DataFrame({"stage": STAGES})})


def allowed(*accounts):
    """One contact of each account, on whom a service message may rest, and nobody suppressed."""
    people = [{"contact_id": f"P{name}", "account_id": name, "added_at": "2024-01-01T00:00:00"} for name in accounts]
    granted = {"channel": "email", "purpose": "service", "valid_from": "2026-01-01T00:00:00", "status": "granted"}
    return {
        "contacts": people,
        "consents": [{"contact_id": each["contact_id"], **granted} for each in people],
        "suppressions": [{"contact_id": "P9", "address": None, "valid_from": "2026-01-01", "reason": "bounced"}],
    }


POLICY = ContactPolicy(
    least_consents=0,
    least_suppressions=0,
    caps=({"per": "contact", "touches": 2, "days": 14, "channels": ["email"]},),
    quiet=None,
    service_basis="contract",
)


def in_book(touches, names=("A1",), **tables):
    rows = [{"account_id": name, "signup_at": "2024-01-01T00:00:00"} for name in names]
    made = book({"accounts": rows, "touches": touches} | tables)
    policy = POLICY if "consents" in tables else ContactPolicy()
    return replace(made, workspace=made.workspace.model_copy(update={"contact_policy": policy}))


def inputs_of(touches, config=None, placed=None, **tables):
    placed = placed or {"A1": ("mid", "growth", "2026-01-01")}
    made = in_book(touches, placed, **tables)
    return touch_matrix.prepare(take(made, AS_OF), config or make_config(), {"segments": segments_of(**placed)})


def result_of(touches, config=None, placed=None, **tables):
    config = config or make_config()
    return touch_matrix.analyze(inputs_of(touches, config, placed, **tables), config)


def states(result, name="mail"):
    row = result.tables["actions"].set_index("action").loc[name]
    return {state: int(row[state]) for state in ("done", "due", "overdue")}


def test_what_happens_again_and_again_is_done_by_a_touch_of_its_last_days():
    placed = dict.fromkeys(("A1", "A2"), ("mid", "growth", "2026-01-01"))
    placed["A3"] = ("mid", "growth", "2026-06-10")
    # 30 days: A1 on the 20th of June; A2 in April, so overdue; A3 came in 20 days ago, so still due
    result = result_of([touch(1), touch(2, "A2", "2026-04-20")], placed=placed)
    assert states(result) == {"done": 1, "due": 1, "overdue": 1}
    assert result.tables["next_actions"]["account_id"].tolist() == ["A2", "A3"]


def test_what_happens_once_is_done_by_a_touch_since_the_account_came_in():
    config = make_config(action(stage="new", every_days=None, within_days=14))
    placed = {
        "A1": ("mid", "new", "2026-06-19"), "A2": ("mid", "new", "2026-06-25"), "A3": ("mid", "new", "2026-06-01"),
    }  # fmt: skip
    # A1 has it; A2 has 9 more days; A3's touch came half a year before it was new
    result = result_of([touch(1), touch(2, "A3", "2025-12-01")], config, placed)
    assert states(result) == {"done": 1, "due": 1, "overdue": 1}


@pytest.mark.parametrize(
    ("counts", "is_done"),
    [
        ({"contents": ("welcome",)}, True),
        ({"contents": ("other",)}, False),
        ({"families": ("lifecycle",), "channels": ("email",)}, True),
        ({"families": ("lifecycle",), "channels": ("call",)}, False),
        ({"by": "csm"}, False),
        ({"meetings": ("review",), "by": "csm"}, True),
        ({"meetings": ("strategy",), "by": "csm"}, False),
    ],
)
def test_only_what_the_action_names_counts_as_done(counts, is_done):
    held = [{"meeting_id": "M1", "account_id": "A1", "kind": "review", "held_at": "2026-06-15T09:00:00"}]
    result = result_of([touch(1)], make_config(action(**counts)), meetings=held)
    assert states(result)["done"] == int(is_done)


def test_a_condition_says_who_needs_it():
    config = make_config(action(where={"attribute": "region", "is": "Sweden"}))
    accounts = [
        {"account_id": "A1", "signup_at": "2024-01-01T00:00:00", "region": "Sweden"},
        {"account_id": "A2", "signup_at": "2024-01-01T00:00:00", "region": "China"},
    ]
    placed = segments_of(A1=("mid", "growth", "2026-01-01"), A2=("mid", "growth", "2026-01-01"))
    made = book({"accounts": accounts, "touches": [touch(1)]})
    inputs = touch_matrix.prepare(take(made, AS_OF), config, {"segments": placed})
    assert states(touch_matrix.analyze(inputs, config)) == {"done": 1, "due": 0, "overdue": 0}


def test_done_due_overdue_and_undefined_add_up_in_every_cell():
    placed = {
        "A1": ("mid", "growth", "2026-01-01"), "A2": ("mid", "growth", "2026-06-20"),
        "A3": ("mid", "new", "2026-06-20"), "A4": ("mid", "churned", "2026-01-01"),
    }  # fmt: skip
    table = result_of([touch(1)], placed=placed).tables["coverage"].set_index(["stage", "by"])
    system = table.loc[("growth", "system")]
    assert [system[each] for each in ("accounts", "done", "due", "overdue", "undefined")] == [2, 1, 1, 0, 0]
    assert table.loc[("growth", "csm"), "undefined"] == 2
    assert table.loc[("churned", "system"), "undefined"] == 0  # a quiet stage


def test_a_cell_is_undefined_where_nobody_does_anything():
    placed = {"A1": ("mid", "growth", "2026-01-01"), "A3": ("mid", "new", "2026-06-20")}
    result = result_of([touch(1)], placed=placed)
    assert result.figures["undefined"].value == 1  # A3; the CSM's part of growth is left to the system
    assert "cells_undefined" in {caveat.code for caveat in result.caveats}


def test_what_became_known_later_changes_nothing():
    made = book({"accounts": [{"account_id": "A1", "signup_at": "2024-01-01T00:00:00"}], "touches": [touch(1)]})
    later = with_rows(made, "touches", [touch(2, sent_on="2026-07-02")])
    placed = {"segments": segments_of(A1=("mid", "growth", "2026-01-01"))}
    config = make_config()
    first, second = (
        touch_matrix.analyze(touch_matrix.prepare(take(each, AS_OF), config, placed), config) for each in (made, later)
    )
    for name, table in first.tables.items():
        pd.testing.assert_frame_equal(table, second.tables[name])


def test_automation_is_ranked_by_repeats_minutes_and_accounts():
    human = {"mode": "human", "initiator": "csm", "content_id": None}
    calls = [touch(n, f"A{n % 2 + 1}", channel="call", minutes=30.0, **human) for n in range(4)]
    mails = [touch(n, "A1", minutes=10.0, **human) for n in range(4, 9)]
    placed = dict.fromkeys(("A1", "A2"), ("mid", "growth", "2026-01-01"))
    table = result_of([*calls, *mails], placed=placed, config=make_config(period_days=365)).tables["automation"]
    assert table["channel"].tolist() == ["call", "email"]
    assert table["weight"].tolist() == [4 * 30 * 2, 5 * 10 * 1]
    assert table["hours_month"].iloc[0] == pytest.approx(2 / 12, rel=0.01)  # two hours a year


def test_important_messages_without_a_reaction_are_sent_again():
    important = {"importance": "high"}
    placed = {f"A{n}": ("mid", "growth", "2026-01-01") for n in range(1, 7)}
    touches = [touch(n, f"A{n}", **important) for n in range(1, 6)] + [touch(6, "A6")]
    events = [event(n) for n in (1, 2, 3, 4, 6)] + [
        event(2, "click", agent="scanner"), event(3, "click", agent="human"), event(4, "reply", agent="human"),
    ]  # fmt: skip
    # 1 saw nothing, 2 has a scanner; 3 and 4 reacted, 5 never arrived, 6 is not important
    result = result_of(touches, placed=placed, touch_events=events, **allowed(*placed))
    assert result.tables["resend"]["account_id"].tolist() == ["A1", "A2"]


def test_what_a_message_promotes_makes_it_needless():
    config = make_config(resend={"promotes": {"welcome": {"attribute": "signup_at", "is_known": True}}})
    result = result_of([touch(1, importance="high")], config, touch_events=[event(1)], **allowed("A1"))
    assert result.tables["resend"].empty
    assert result.tables["resend_left_out"]["reason"].tolist() == ["has done what the message asks for"]


def test_whoever_left_gets_nothing_again():
    people = [
        {"contact_id": "PA1", "account_id": "A1", "added_at": "2024-01-01T00:00:00", "left_at": "2026-06-25T00:00:00"}
    ]
    tables = allowed("A1") | {"contacts": people}
    result = result_of([touch(1, importance="high")], touch_events=[event(1)], **tables)
    assert result.tables["resend"].empty
    assert result.tables["resend_left_out"]["reason"].tolist() == ["person left"]


@pytest.mark.parametrize(
    ("sent_on", "is_listed"),
    [("2026-05-29", False), ("2026-05-30", True), ("2026-06-25", True), ("2026-06-26", False)],
)
def test_a_message_is_sent_again_after_three_days_and_for_thirty(sent_on, is_listed):
    # The week begins on Monday 29 June, so Sunday the 28th is the last day known: 30 days back is the 30th of May.
    result = result_of([touch(1, sent_on=sent_on, importance="high")], touch_events=[event(1)], **allowed("A1"))
    assert len(result.tables["resend"]) == int(is_listed)


def test_whoever_refuses_or_is_at_the_cap_is_left_out_with_the_reason():
    placed = {f"A{n}": ("mid", "growth", "2026-01-01") for n in (1, 2, 3, 4)}
    touches = [touch(n, f"A{n}", importance="high") for n in (1, 2, 3, 4)] + [
        touch(5, "A3", "2026-06-27"), touch(6, "A4", "2026-06-19", initiator="marketing"),
    ]  # fmt: skip
    events = [event(n) for n in (1, 2, 3, 4, 6)]
    denied = {"contact_id": "PA2", "channel": "email", "purpose": "service", "status": "denied"}
    tables = allowed(*placed) | {
        "consents": [*allowed("A1")["consents"], denied | {"valid_from": "2026-06-29T08:00:00"}]
    }
    # PA1 may; PA2 said no on Monday; PA3 and PA4 have two mails of late already, marketing's own counts too
    result = result_of(touches, placed=placed, touch_events=events, **tables)
    assert result.tables["resend"]["contact_id"].tolist() == ["PA1"]
    left = result.tables["resend_left_out"].set_index("contact_id")["reason"].to_dict()
    assert left == {"PA2": "refused, since the week began", "PA3": "contact at the cap", "PA4": "contact at the cap"}
    assert result.figures["resend"].n == 4  # listed and left out are all
    assert result.tables["resend_reasons"]["messages"].sum() == 3


def test_a_message_of_marketing_needs_a_consent_to_marketing():
    tables = allowed("A1")
    sent = touch(1, initiator="marketing", importance="high")
    assert result_of([sent], touch_events=[event(1)], **tables).tables["resend_left_out"]["reason"].tolist() == [
        "no consent"
    ]


def test_messages_without_a_contact_are_left_out_by_account_and_counted():
    placed = dict.fromkeys(("A1", "A2", "A3"), ("mid", "growth", "2026-01-01"))
    nameless = {"importance": "high", "contact_id": None}
    # One of A1's two mails counts, the newest; A2's has been answered; A3's names its contact and goes out again
    touches = [touch(1, sent_on="2026-06-10", **nameless), touch(2, **nameless), touch(3, "A2", **nameless),
               touch(4, "A3", importance="high")]  # fmt: skip
    events = [*(event(n) for n in (1, 2, 3, 4)), event(3, "reply", agent="human")]
    result = result_of(touches, placed=placed, touch_events=events, **allowed(*placed))
    assert result.tables["resend"]["touch_id"].tolist() == ["T004"]
    left = result.tables["resend_left_out"]
    assert left[["touch_id", "account_id", "reason"]].to_numpy().tolist() == [["T002", "A1", "nobody knows who it is"]]
    told = {caveat.code: text(caveat.message) for caveat in result.caveats}
    assert told["resend_nameless"].startswith("1 important message of 2 that nobody reacted to cannot be sent again")


def test_nothing_is_sent_again_where_nobody_can_tell_who_allows_it():
    result = result_of([touch(1, importance="high")], touch_events=[event(1)])
    assert result.tables["resend"].empty
    assert result.tables["resend_left_out"]["reason"].str.contains("consents: not in the workspace").all()
    assert "resend_refused" in {caveat.code for caveat in result.caveats}


def test_every_day_of_a_week_sends_the_same_again():
    made = in_book([touch(1, importance="high"), touch(2, sent_on="2026-07-01", importance="high")],
                   touch_events=[event(1), event(2, occurred_at="2026-07-01T13:00:00")], **allowed("A1"))  # fmt: skip
    placed = {"segments": segments_of(A1=("mid", "growth", "2026-01-01"))}
    config = make_config()
    monday, sunday = (
        touch_matrix.analyze(touch_matrix.prepare(take(made, day), config, placed), config).tables["resend"]
        for day in (date(2026, 6, 29), date(2026, 7, 5))
    )
    assert monday["touch_id"].tolist() == ["T001"]
    pd.testing.assert_frame_equal(monday, sunday)


def told(result, code):
    """The words of a caveat."""
    return next(text(caveat.message) for caveat in result.caveats if caveat.code == code)


CALL = action(id="call", by="csm", does="A call", channels=("visit", "call"), every_days=30)


def test_what_is_overdue_or_due_by_the_end_of_the_week_is_proposed():
    # The week is that of Monday 29 June to Sunday 5 July; 30 days after the day it came in, or after the last call.
    placed = {
        "A1": ("mid", "growth", "2026-01-01"), "A2": ("mid", "growth", "2026-06-05"),
        "A3": ("mid", "growth", "2026-06-06"), "A4": ("mid", "growth", "2026-01-01"),
    }  # fmt: skip
    called = touch(4, "A4", "2026-06-20", mode="human", channel="call")
    result = result_of([called], make_config(CALL, routes={"mid": ("call",)}), placed)
    rows = result.tables["proposals"]
    assert {name: str(kind) for name, kind in rows.dtypes.items()} == COLUMNS
    told = rows[["account_id", "mode", "channel", "priority", "due_on"]].to_numpy().tolist()
    assert told == [
        ["A1", "human", "call", 4, pd.Timestamp("2026-07-03")],  # overdue since 31 January: by Friday
        ["A2", "human", "call", 5, pd.Timestamp("2026-07-05")],
    ]
    assert rows["reason"].iloc[0] == "A call: overdue since 31 Jan 2026 (growth)"
    assert rows["contact_id"].isna().all()


def test_what_was_due_by_the_sunday_before_the_week_is_proposed_as_overdue():
    placed = {"A1": ("mid", "growth", "2026-05-29")}  # 30 days later it is Sunday, 28 June
    called = touch(1, sent_on="2026-01-05", mode="human", channel="call")
    (row,) = result_of([called], make_config(CALL), placed).tables["proposals"].to_dict("records")
    assert [row["priority"], row["due_on"]] == [4, pd.Timestamp("2026-07-03")]
    assert row["reason"] == "A call: overdue since 28 Jun 2026 (growth)"


def test_every_day_of_a_week_proposes_the_same():
    placed = {"A1": ("mid", "growth", "2026-01-01")}
    made = in_book([touch(1, sent_on="2026-06-29", mode="human", channel="call")], placed)
    config = make_config(CALL)
    found = [
        touch_matrix.analyze(touch_matrix.prepare(take(made, day), config, {"segments": segments_of(**placed)}), config)
        for day in (AS_OF, date(2026, 7, 5))
    ]
    # The call of Monday is done, and stays proposed for the week it was proposed for.
    assert states(found[0], "call") == {"done": 1, "due": 0, "overdue": 0}
    pd.testing.assert_frame_equal(*(each.tables["proposals"] for each in found))
    assert len(found[0].tables["proposals"]) == 1


@pytest.mark.parametrize(
    ("mode", "first", "proposed"),
    [
        ("automated", "2026-06-22", []),  # sent on 24 June: the next one is due on 24 July
        ("automated", "2026-05-18", ["A1"]),  # sent on 20 May: overdue since 19 June
        ("automated", "2026-06-29", ["A1"]),  # the list of this very week, which stays as it is
        ("human", "2026-06-22", ["A1"]),  # nobody says that it was done
    ],
)
def test_what_an_official_list_had_the_system_send_is_not_proposed_again(mode, first, proposed):
    monday = date.fromisoformat(first)
    row = Contacted(
        "1f", "A1", "PA1", "touch_matrix.mail", mode, "email", "", sent_on=monday + timedelta(days=2),
        analysis="weekly_list", first_day=monday, known_on=monday,
    )  # fmt: skip
    placed, config = {"A1": ("mid", "growth", "2026-01-01")}, make_config(routes={"mid": ("email",)})
    known = take(replace(in_book([touch(1, sent_on="2026-01-05")], placed), released=(row,)), AS_OF)
    result = touch_matrix.analyze(touch_matrix.prepare(known, config, {"segments": segments_of(**placed)}), config)
    assert result.tables["proposals"]["account_id"].tolist() == proposed
    assert states(result) == {"done": 0, "due": 0, "overdue": 1}  # no touch says so: done is what is recorded


@pytest.mark.parametrize(
    ("routes", "channels"),
    [
        ({"mid": ("call", "in_app", "email", "sms")}, [["in_app", "email; sms"]]),  # the system makes no calls
        ({"mid": ("call", "visit")}, []),
        ({"large": ("email",)}, []),
    ],
)
def test_the_system_is_proposed_on_the_channels_of_the_route_it_sends_on_in_their_order(routes, channels):
    rows = result_of([touch(1, sent_on="2026-01-05")], make_config(routes=routes)).tables["proposals"]
    assert rows[["channel", "fallbacks"]].to_numpy().tolist() == channels


def test_an_action_of_marketing_is_proposed_as_marketing():
    config = make_config(action(purpose="marketing"), routes={"mid": ("email",)})
    rows = result_of([touch(1, sent_on="2026-01-05")], config).tables["proposals"]
    assert rows[["mode", "purpose"]].to_numpy().tolist() == [["automated", "marketing"]]


def test_overlaps_are_touches_of_one_contact_by_two_initiators():
    touches = [
        touch(1, sent_on="2026-06-01"),
        touch(2, sent_on="2026-06-02", initiator="marketing"),
        touch(3, sent_on="2026-06-10", initiator="csm"),
        touch(4, sent_on="2026-06-10", initiator="csm"),
    ]
    result = result_of(touches)
    assert result.tables["overlaps"].to_dict("records") == [
        {"first": "central", "second": "marketing", "times": 1, "contacts": 1, "accounts": 1}
    ]
    assert told(result, "two_lead") == (
        "1 contact of 1 account got touches of two initiators within 2 days: marketing after central: 1"
    )


def tries_book(first, later):
    """Tries by mail and then by phone: (reached, tried) of each; a call follows where the mail reached nobody."""
    touches, events, number = [], [], 0
    placed = {}
    for place in range(first[1]):
        name = f"A{place:03d}"
        placed[name] = ("mid", "growth", "2026-01-01")
        number += 1
        touches.append(touch(number, name, "2026-06-01", rule="low_usage", family="behaviour"))
        if place < first[0]:
            events.append(event(number, "open", agent="human"))
        elif place < first[0] + later[1]:
            number += 1
            touches.append(touch(number, name, "2026-06-05", rule="low_usage", channel="call", mode="human"))
            if place < first[0] + later[0]:
                events.append(event(number))
    return touches, events, placed


def test_reach_is_measured_in_sequence():
    touches, events, placed = tries_book(first=(10, 40), later=(15, 30))
    config = make_config(routes={"mid": ("email", "call")})
    table = result_of(touches, config, placed, touch_events=events).tables["reach"]
    # 10 of 40 by mail; of the other 30, 15 by phone: 25 of 40 in the end
    assert table["reach"].tolist() == [10 / 40, 15 / 30]
    assert table["together"].tolist() == pytest.approx([10 / 40, 25 / 40])
    assert (table["together_low"] < table["together"]).all()
    assert (table["together"] < table["together_high"]).all()


def test_a_call_before_the_mail_counts_for_calls_alone():
    touches, events, placed = tries_book(first=(10, 40), later=(15, 30))
    # 20 more calls that begin a try, all answered: they say nothing of calls after a mail
    more = [touch(500 + n, f"A{n:03d}", "2026-03-01", rule="no_login", channel="call", mode="human") for n in range(20)]
    events = [*events, *(event(500 + n) for n in range(20))]
    config = make_config(routes={"mid": ("email", "call")})
    table = result_of([*touches, *more], config, placed, touch_events=events).tables["reach"]
    assert table["reach"].tolist() == [10 / 40, 15 / 30]
    assert table["any_reach"].tolist() == [10 / 40, 35 / 50]
    assert table["independent"].iloc[1] == pytest.approx(1 - 0.75 * 0.3)


def test_machines_and_long_gaps_are_no_reach_and_no_try():
    touches, events, placed = tries_book(first=(0, 25), later=(0, 0))
    events = [event(number, "open", agent="machine") for number in range(1, 26)]
    late = [touch(100 + n, f"A{n:03d}", "2026-06-28", rule="low_usage") for n in range(25)]  # 27 days later
    config = make_config(routes={"mid": ("email",)}, episode_days=14)
    table = result_of([*touches, *late], config, placed, touch_events=events).tables["reach"]
    assert table["attempted"].tolist() == [50]
    assert table["reach"].tolist() == [0.0]


def test_too_few_attempts_cannot_be_told():
    touches, events, placed = tries_book(first=(10, 40), later=(3, 5))
    config = make_config(routes={"mid": ("email", "call")})
    result = result_of(touches, config, placed, touch_events=events)
    assert result.tables["reach"]["reach"].isna().tolist() == [False, True]
    assert result.tables["reach"]["together"].isna().tolist() == [False, True]
    assert "steps_untold" in {caveat.code for caveat in result.caveats}


def test_families_have_volume_outcome_and_what_people_do_in_them():
    placed = dict.fromkeys(("A1", "A2"), ("mid", "growth", "2026-01-01"))
    touches = [touch(1), touch(2, mode="human", channel="call"), touch(3, "A2"), touch(4, family="nps")]
    # lifecycle: a mail opened, a call held, a mail nobody saw, one of three by hand; nps: the system alone
    result = result_of(touches, placed=placed, touch_events=[event(1, "open", agent="human"), event(2)])
    table = result.tables["families"].set_index("family")
    told = ["touches", "share", "accounts", "reach", "by_hand", "hand_share", "is_automated"]
    assert table.loc["lifecycle", told].tolist() == [3, 3 / 4, 2, pytest.approx(2 / 3), 1, pytest.approx(1 / 3), False]
    assert table.loc["nps", told].tolist() == [1, 1 / 4, 1, 0, 0, 0, True]
    assert table.loc["lifecycle", "hand_low"] < 1 / 3 < table.loc["lifecycle", "hand_high"]
    assert "nothing_by_hand" in {caveat.code for caveat in result.caveats}


def test_the_catalog_says_what_each_channel_takes_and_shows():
    touches = [
        touch(1), touch(2, mode="human", minutes=4.0), touch(3, mode="human", channel="call", minutes=20.0),
        touch(4, mode="human", channel="call", minutes=30.0, initiator="customer"),
    ]  # fmt: skip
    config = make_config(routes={"mid": ("email", "in_app"), "large": ("email",)})
    table = result_of(touches, config, touch_events=[event(1)]).tables["catalog"].set_index("channel")
    told = ["direction", "touches", "by_system", "minutes", "address", "measured_by", "tiers"]
    assert table.loc["call", told].tolist() == ["both", 2, 0, 25.0, "phone", "delivery", ""]
    assert table.loc["email", told].tolist() == ["active", 2, 1, 4.0, "email", "open, click or reply", "mid, large"]
    assert table.loc["in_app", ["touches", "tiers"]].tolist() == [0, "mid"]
    assert table.loc["in_app", ["direction", "minutes", "address"]].isna().all()


def test_the_wrong_channel_is_flagged_by_industry_and_tier():
    # One touch of each channel at 40 retailers: 10 mails opened, 36 calls held; the accounts are the units.
    names = [f"A{place:03d}" for place in range(41)]
    placed = dict.fromkeys(names, ("mid", "growth", "2026-01-01"))
    accounts = [
        {"account_id": name, "signup_at": "2024-01-01T00:00:00", "industry": None if name == "A040" else "retail"}
        for name in names
    ]
    mails = [touch(place, name) for place, name in enumerate(names)]
    calls = [touch(100 + place, name, mode="human", channel="call") for place, name in enumerate(names)]
    events = [event(place, "open", agent="human") for place in range(10)] + [event(100 + n) for n in range(36)]
    result = result_of([*mails, *calls], placed=placed, accounts=accounts, touch_events=events)
    cells = result.tables["channel_cells"].set_index(["industry", "tier", "channel"])
    assert cells.index.tolist() == [("retail", "mid", "call"), ("retail", "mid", "email")]  # A040 is in no cell
    assert cells["reach"].tolist() == [36 / 40, 10 / 40]
    assert cells["is_weak"].tolist() == [False, True]
    wilson = proportion_confint([36, 10], [40, 40], method="wilson")
    assert cells[["low", "high"]].to_numpy() == pytest.approx(np.array(wilson).T)
    assert "wrong_channel" in {caveat.code for caveat in result.caveats}


def test_mail_reaches_who_has_an_address_and_may_be_written_to():
    placed = dict.fromkeys(("A1", "A2", "A3", "A4"), ("mid", "growth", "2026-01-01"))
    placed["A5"] = ("mid", "churned", "2026-01-01")
    people = [
        {"contact_id": f"P{name}", "account_id": name, "left_at": "2026-01-01T00:00:00" if name == "A4" else None}
        for name in placed
    ]
    pii = [{"contact_id": f"P{name}", "email": None if name == "A2" else f"{name}@x.example"} for name in placed]
    tables = allowed(*placed) | {
        "contacts": people, "contact_pii": pii, "suppressions": [{"contact_id": "PA3", "valid_from": "2026-01-01"}],
    }  # fmt: skip
    # A1 can; A2 has no address, A3 is suppressed; A4's contact left, and A5 is in a quiet stage: they do not count
    result = result_of([touch(1)], make_config(routes={"mid": ("email",)}), placed, **tables)
    told = ["tier", "contacts", "with_address", "reachable", "share", "accounts", "covered"]
    expected = [3, 2, 1, pytest.approx(1 / 3), 3, 1]
    assert result.tables["mail_reach"][told].to_numpy().tolist() == [["all", *expected], ["mid", *expected]]
    assert result.tables["mail_reach"]["first_channel"].tolist()[1] == "email"
    assert "no_mail_reach" in {caveat.code for caveat in result.caveats}


def test_accounts_of_a_tier_without_a_route_have_none():
    placed = {"A1": ("mid", "growth", "2026-01-01"), "A2": ("small", "growth", "2026-01-01")}
    result = result_of([touch(1)], make_config(routes={"mid": ("email", "call")}), placed)
    routes = result.tables["routes"].set_index("account_id")["route"].to_dict()
    assert routes == {"A1": "email > call", "A2": "no route"}
    assert result.figures["without_route"].value == 1
    assert told(result, "no_route") == (
        "No route is declared for 1 account of 2 (small: 1), so nobody can tell them how they are reached"
    )


def test_onboarding_time_is_that_of_kaplan_and_meier():
    days = [10, 20, 30, 40, 50, 60, 70, 80]
    placed = {f"A{n}": ("mid", "growth", "2026-01-01") for n in range(8)}
    steps = [
        {
            "account_id": f"A{n}", "milestone": "first_value", "planned_at": "2024-02-01T00:00:00",
            "reached_at": None if n in (2, 6) else f"{date(2024, 1, 1) + timedelta(days=day)}T08:00:00",
            "known_at": "2024-01-01T00:00:00",
        }
        for n, day in enumerate(days)
    ]  # fmt: skip
    result = result_of([touch(1)], placed=placed, milestones=steps)
    waiting = (AS_OF - date(2024, 1, 1)).days
    times = [waiting if n in (2, 6) else day for n, day in enumerate(days)]
    judge = KaplanMeierFitter().fit(times, [n not in (2, 6) for n in range(8)])
    assert result.figures["onboarding_days"].value == judge.median_survival_time_
    assert result.figures["onboarding_days"].n == 8


def test_retention_expansion_and_load_are_added_up_by_tier():
    placed = {"A1": ("large", "growth", "2026-01-01"), "A2": ("small", "growth", "2026-01-01")}
    accounts = [
        {"account_id": name, "signup_at": "2024-01-01T00:00:00", "paid_at": "2024-01-10T00:00:00"} for name in placed
    ]
    due = {"due_date": "2026-03-01", "decided_at": "2026-02-20T00:00:00", "known_at": "2025-01-01T00:00:00"}
    renewals = [
        {"renewal_id": "R1", "account_id": "A1", "outcome": "renewed", **due},
        {"renewal_id": "R2", "account_id": "A2", "outcome": "churned", **due},
    ]
    terms = [
        {"subscription_id": "S1", "start_date": "2026-02-01", "account_id": "A1", "change_type": "upgrade"},
        {"subscription_id": "S2", "start_date": "2024-02-01", "account_id": "A2", "change_type": "new"},
    ]
    held = [
        {"account_id": name, "role": "csm", "valid_from": "2024-01-01", "csm_id": "C1", "valid_to": None}
        for name in placed
    ]
    made = book(
        {"accounts": accounts, "touches": [touch(1)], "renewals": renewals, "subscriptions": terms, "assignments": held}
    )
    config = make_config()
    inputs = touch_matrix.prepare(take(made, AS_OF), config, {"segments": segments_of(**placed)})
    table = touch_matrix.analyze(inputs, config).tables["kpis"].set_index(["value", "kpi"])["estimate"]
    assert [table[value, "retention"] for value in ("", "large", "small")] == [0.5, 1, 0]
    assert [table[value, "expansion"] for value in ("", "large", "small")] == [0.5, 1, 0]
    assert [table[value, "accounts_per_csm"] for value in ("", "large", "small")] == pytest.approx([2, 1, 1])


def test_a_figure_whose_table_is_not_there_is_left_out():
    result = result_of([touch(1)])
    assert "nps" not in result.figures
    assert "figures_absent" in {caveat.code for caveat in result.caveats}
    assert "reach_unknown" in {caveat.code for caveat in result.caveats}


def test_a_touch_the_system_prepared_stands_apart():
    touches = [
        touch(1, channel="visit", mode="human", initiator="csm"),
        touch(2, linked_touch_id="T001"),
        touch(3, channel="visit", mode="human", initiator="csm", sent_on="2026-06-25"),
    ]
    for row in touches:
        row.setdefault("linked_touch_id", None)
    result = result_of(touches, touch_events=[event(1)])
    table = result.tables["warm_ups"].set_index("is_warmed")
    assert table["touches"].to_dict() == {False: 1, True: 1}
    assert table["reach"].to_dict() == {False: 0, True: 1}


def test_only_a_message_of_the_system_that_went_out_before_prepares_a_touch():
    human = {"channel": "visit", "mode": "human", "initiator": "csm"}
    touches = [
        touch(1, sent_on="2026-06-20", linked_touch_id=None, **human),
        touch(2, sent_on="2026-06-21", linked_touch_id="T001"),  # the minutes, a day after
        touch(3, sent_on="2026-06-22", linked_touch_id="T001", **human),  # answers what a person did
        touch(4, sent_on="2026-06-23", linked_touch_id=None),
        touch(5, sent_on="2026-06-24", linked_touch_id="T004", **human),  # comes of the message before
    ]
    result = result_of(touches, touch_events=[event(5)])
    table = result.tables["warm_ups"].set_index("is_warmed")
    assert table["touches"].to_dict() == {False: 2, True: 1}
    assert table["reach"].to_dict() == {False: 0, True: 1}
    assert "warm_ups_chosen" in {caveat.code for caveat in result.caveats}


def test_reach_of_warm_ups_is_unknown_where_nothing_is_recorded_of_touches():
    result = result_of([touch(1, channel="visit", mode="human", initiator="csm")])
    assert result.tables["warm_ups"]["reach"].isna().all()
    assert result.tables["warm_ups"]["accounts"].tolist() == [1]


def test_a_pool_is_no_load_of_a_csm():
    placed = dict.fromkeys(("A1", "A2", "A3", "A4", "A5"), ("mid", "growth", "2026-01-01"))
    of = {"A1": "C1", "A2": "C1", "A3": "C2", "A4": "C9", "A5": "C9"}
    held = [
        {"account_id": name, "role": "csm", "valid_from": "2024-01-01", "csm_id": csm, "valid_to": None}
        for name, csm in of.items()
    ]
    team = [{"csm_id": "C1", "role": "csm"}, {"csm_id": "C2", "role": "csm"}, {"csm_id": "C9", "role": "tech_touch"}]
    result = result_of([touch(1)], placed=placed, assignments=held, csms=team)
    found = result.figures["accounts_per_csm"]
    assert (found.value, found.n, found.low) == (1.5, 2, None)  # 2 and 1; all are counted, so there is no interval
    assert result.tables["loads"].set_index("csm_id")["accounts"].to_dict() == {"C1": 2, "C2": 1, "C9": 2}
    assert "pools_apart" in {caveat.code for caveat in result.caveats}


def renewal(number, account, due, outcome):
    known = {"known_at": "2024-01-01T00:00:00", "decided_at": f"{due}T00:00:00"}
    return {"renewal_id": f"R{number}", "account_id": account, "due_date": due, "outcome": outcome, **known}


def test_the_six_figures_are_followed_quarter_by_quarter():
    # Quarters of 91 days end on 2026-06-30, 2026-03-31, 2025-12-30, 2025-09-30 and 2025-07-01.
    rows = [
        renewal(1, "A1", "2025-06-15", "renewed"), renewal(2, "A2", "2025-06-16", "renewed"),
        renewal(3, "A1", "2026-04-01", "churned"), renewal(4, "A2", "2026-03-31", "renewed"),
    ]  # fmt: skip
    placed = dict.fromkeys(("A1", "A2"), ("mid", "growth", "2026-01-01"))
    result = result_of([touch(1)], placed=placed, renewals=rows)
    trend = result.tables["kpi_trend"].set_index(["kpi", "ends_on"])["estimate"]["retention"]
    assert [None if pd.isna(each) else each for each in trend] == [1, None, None, 1, 0]
    change = result.tables["kpi_changes"].set_index("kpi").loc["retention"]
    assert change["change"] == -100  # from 2 of 2 to 0 of 1
    board = result.tables["kpi_board"].set_index("kpi")
    assert list(board.columns) == ["all", "mid", "change"]


def test_a_change_of_the_same_accounts_has_the_interval_of_pairs():
    rng = np.random.default_rng(0)
    before, now = rng.normal(50, 10, 30), rng.normal(55, 10, 30)
    frames = [pd.DataFrame({"top": each, "bottom": 1.0}, index=range(30)) for each in (now, before)]
    found = change_of(*frames, 0.95)
    judge = ttest_rel(now, before).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((judge.low, judge.high))
    assert found.value == pytest.approx((now - before).mean())


def test_a_change_that_nobody_can_tell_has_no_value():
    some = pd.DataFrame({"top": [1.0], "bottom": [1.0]}, index=["A1"])
    assert change_of(some, some.iloc[:0], 0.95).value is None
    assert change_of(some, some, 0.95).low is None  # one account says nothing of another


def test_a_stage_that_segments_does_not_have_is_refused():
    with pytest.raises(ConfigError, match=r"matrix.0.stage: segments has no stage 'grow' \(did you mean 'growth'\?\)"):
        inputs_of([touch(1)], make_config(action(stage="grow")))


def test_a_day_without_accounts_is_no_day_for_a_page():
    inputs = inputs_of([touch(1)])
    with pytest.raises(AnalysisError, match="no account is known on 2026-06-30"):
        touch_matrix.analyze(
            touch_matrix.Inputs(
                **{each: getattr(inputs, each) for each in inputs.__slots__} | {"accounts": inputs.accounts.iloc[:0]}
            ),
            make_config(),
        )


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"matrix": (action(), action())}, "'mail' is used twice"),
        ({"matrix": (action(within_days=3),)}, "write either within_days"),
        ({"matrix": (action(every_days=None),)}, "write either within_days"),
        ({"routes": {"mid": ("email", "email")}}, "a route names each channel once"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(changes, match):
    with pytest.raises(ValidationError, match=match):
        make_config(**changes)


def test_the_settings_of_the_sample_book_and_the_profiles_are_valid():
    loaded = configs.load(ROOT / "configs/touch_matrix.yaml", touch_matrix.Config, ROOT)
    assert all(isinstance(each, Action) for each in loaded.matrix)
    for name in ("youzan", "growingio"):
        profile = configs.load(
            ROOT / f"configs/profiles/{name}.yaml", touch_matrix.Config, ROOT, {"matrix": [action()]}
        )
        assert set(profile.routes) == set(loaded.routes)


def received_of(touches, placed=("A1",), **tables):
    """What contacts received, where nothing may go out again."""
    snapshot, config = take(in_book(touches, placed, **tables), AS_OF), make_config()
    rows = receiving.received(snapshot, config, touching.sent(snapshot, config))
    accounts = pd.DataFrame({"name": "Firm", "csm": "Ann"}, index=list(placed))
    known = SimpleNamespace(
        received=rows, accounts=accounts, has_events="touch_events" in tables,
        again=SimpleNamespace(week=week_of(AS_OF)),
    )  # fmt: skip
    nothing = pd.DataFrame({name: pd.Series(dtype="object") for name in ("touch_id", "reason", "is_listed")})
    return receiving.received_table(known, config, nothing).set_index(["touch_id", "contact_id"])


def test_what_a_contact_received_says_the_most_that_came_of_it():
    touches = [touch(n, sent_on="2026-06-28") for n in range(1, 7)] + [touch(7, sent_on="2026-06-16")]
    events = [event(n) for n in (1, 2, 3, 4)] + [
        event(2, "open", agent="machine"), event(3, "open", agent="human"), event(3, "open", agent="machine"),
        event(4, "reply", agent="human"), event(5, "bounced"),
    ]  # fmt: skip
    table = received_of(touches, touch_events=events).droplevel("contact_id")
    # the 14 days up to the 30th of June begin on the 17th: the seventh is too old
    assert table["outcome"].to_dict() == {
        "T001": "delivered, not opened", "T002": "opened by machines only", "T003": "opened", "T004": "answered",
        "T005": "bounced", "T006": "nothing recorded",
    }  # fmt: skip
    assert table.index[table["only_machines"]].tolist() == ["T002"]
    assert table["opened"].sum() == 1


def test_whoever_took_part_received_it_too():
    held = [touch(1, sent_on="2026-06-28", channel="visit", mode="human")]
    guests = [{"touch_id": "T001", "contact_id": each} for each in ("PA1", "PB1", "PC1")]
    table = received_of(held, touch_participants=guests).reset_index()
    assert table["contact_id"].tolist() == ["PA1", "PB1", "PC1"]
    assert table["why"].tolist() == ["by a person", "took part", "took part"]


def test_each_message_received_says_whether_it_goes_out_again_and_why():
    placed = {f"A{n}": ("mid", "growth", "2026-01-01") for n in range(1, 6)}
    important = {"importance": "high", "sent_on": "2026-06-24"}
    touches = [
        touch(1, "A1", **important), touch(2, "A2", **important | {"importance": "normal"}),
        touch(3, "A3", **important), touch(4, "A4", **important | {"sent_on": "2026-06-29"}),
        touch(5, "A5", **important),
    ]  # fmt: skip
    clicked = event(3, "click", agent="human", occurred_at="2026-06-25T12:00:00")
    late = event(5, "click", agent="human", occurred_at="2026-06-30T12:00:00")
    arrived = [event(n, occurred_at="2026-06-25T12:00:00") for n in (1, 2, 3, 5)]
    events = [*arrived, event(4, occurred_at="2026-06-29T13:00:00"), clicked, late]
    # the week began after Sunday, the 28th: the fourth was not sent then, the fifth not clicked
    result = result_of(touches, placed=placed, touch_events=events, **allowed(*placed))
    table = result.tables["received"].set_index("touch_id")
    assert table.index[table["again"]].tolist() == ["T001"]
    assert table["why"].to_dict() == {
        "T001": "no click, no answer", "T002": "not important", "T003": "a person clicked or answered",
        "T004": "too new when the week began", "T005": "a person clicked or answered since the week began",
    }  # fmt: skip


def test_nobody_says_what_was_opened_where_no_events_are_recorded():
    table = received_of([touch(1, sent_on="2026-06-28")])
    assert table["outcome"].tolist() == ["not known"]
    assert table[["delivered", "opened", "only_machines"]].isna().all(axis=None)


def test_a_list_by_csm_has_what_the_contacts_of_their_accounts_received():
    placed = dict.fromkeys(("A1", "A2"), ("mid", "growth", "2026-01-01"))
    touches = [touch(1, sent_on="2026-06-28"), touch(2, "A2", "2026-06-28")]
    found = received_of(touches, placed).reset_index()
    whole = StoredResult("touch_matrix", AS_OF, "", {}, {"received": found}, {}, (), (), Path())
    assert cut(whole, ["A2"], "Ann").tables["received"]["touch_id"].tolist() == ["T002"]


WEEKS = 4
"""The 4 weeks up to the 30th of June: from the 3rd on."""


def load_of(touches, accounts=6, config=None, **tables):
    """Load of the CSMs of accounts that are divided among them in turn."""
    names = [f"A{n}" for n in range(1, accounts + 1)]
    csms = tables.setdefault("csms", [{"csm_id": "C1", "name": "Ann", "capacity_minutes_week": 600}])
    held = [
        {"account_id": name, "role": "csm", "valid_from": "2024-01-01", "csm_id": csms[place % len(csms)]["csm_id"]}
        for place, name in enumerate(names)
    ]
    config = config or make_config(load={"weeks": WEEKS, "least_accounts": 1, "repeats": 2})
    snapshot = take(in_book(touches, names, assignments=held, **tables), AS_OF)
    done = loading.work(snapshot, config, touching.sent(snapshot, config))
    return loading.csm_load_table(SimpleNamespace(work=done, language="en"), config)


def call(number, account="A1", sent_on="2026-06-20", csm="C1", **changes):
    made = {"channel": "call", "mode": "human", "initiator": "csm", "csm_id": csm, "content_id": None, "minutes": 60.0}
    return touch(number, account, sent_on, **made | changes)


def test_load_is_recorded_minutes_and_tasks_done_against_capacity():
    # newest week 60 + 60 + a task of 30, the one before 60, none in the other two: 150, 60, 0, 0
    calls = [
        call(1, sent_on="2026-06-24"),
        call(2, sent_on="2026-06-30"),
        call(3, sent_on="2026-06-23"),
        call(4, sent_on="2026-06-02"),
    ]
    done = {
        "task_id": "W1",
        "account_id": "A1",
        "csm_id": "C1",
        "due_at": "2026-06-25T09:00:00",
        "done_at": "2026-06-25T09:00:00",
    }
    row = load_of(calls, tasks=[done]).iloc[0]
    weeks = np.array([150, 60, 0, 0]) / 600
    half = t.ppf(0.975, 3) * weeks.std(ddof=1) / 2
    assert row["minutes"] == pytest.approx(210 / 4)
    assert [row[each] for each in ("load_share", "load_low", "load_high")] == pytest.approx(
        [weeks.mean(), weeks.mean() - half, weeks.mean() + half]
    )


def test_what_is_planned_for_the_week_ahead_is_told_beside_it():
    ahead = [
        {"task_id": f"W{n}", "account_id": "A1", "csm_id": None, "due_at": f"2026-07-{n:02d}T09:00:00", "done_at": None}
        for n in (1, 7, 8)
    ]
    row = load_of([call(1)], tasks=ahead).iloc[0]
    assert [row["planned"], row["planned_share"]] == [60, 0.1]  # the 8th of July is the week after


def test_guidance_is_repeated_where_one_person_brought_it_to_enough_accounts():
    csms = [{"csm_id": name, "name": name, "capacity_minutes_week": 600} for name in ("C1", "C2")]
    calls = [
        call(1, "A1", rule="low_usage"), call(2, "A3", rule="low_usage"), call(3, "A3", rule="offer"),
        call(4, "A5"), call(5, "A2", csm="C2", rule="low_usage"),
    ]  # fmt: skip
    table = load_of(calls, csms=csms).set_index("csm_id")
    assert table["repetition_share"].to_dict() == {"C1": 2 / 4, "C2": 0.0}  # C2 said it to one account only


def test_a_touch_beside_one_of_the_center_takes_capacity():
    rows = [
        call(1, sent_on="2026-06-20"), touch(2, sent_on="2026-06-21", initiator="marketing"),
        call(3, "A2", "2026-06-10"), touch(4, "A2", "2026-06-12"),
        call(5, "A3", "2026-06-10", initiator="customer"), touch(6, "A3", "2026-06-10"),
    ]  # fmt: skip
    # within 2 days at the same contact: the first; the third is 2 days apart, the fifth is what the customer began
    row = load_of(rows).iloc[0]
    assert [row["overlaps"], row["overlap_minutes"], row["overlap_share"]] == [1, 15, 15 / 600]


def test_nobody_is_named_whose_accounts_are_too_few():
    csms = [{"csm_id": name, "name": f"Name {name}", "capacity_minutes_week": 600} for name in ("C1", "C2", "C3")]
    config = make_config(load={"weeks": WEEKS, "least_accounts": 3})
    table = load_of([call(1, "A2", csm="C2")], 7, config, csms=csms)
    # of 7 accounts C1 has 3, the others 2 each
    assert table["csm"].tolist() == ["Name C1", "fewer than 3 accounts each"]
    assert table["csm_id"].fillna("").tolist() == ["C1", ""]
    assert table["people"].tolist() == [1, 2]
    assert table["accounts"].tolist() == [3, 4]


def test_loads_that_cannot_be_told_apart_are_no_ranking():
    csms = [{"csm_id": name, "name": name, "capacity_minutes_week": 600} for name in ("C1", "C2")]
    even = [call(2 * n, "A1", f"2026-06-{4 + 7 * n:02d}", minutes=60.0 + n) for n in range(WEEKS)]
    odd = [call(2 * n + 1, "A2", f"2026-06-{4 + 7 * n:02d}", "C2", minutes=61.5 + n % 2) for n in range(WEEKS)]
    assert set(load_of([*even, *odd], csms=csms)["against"]) == {"no difference to tell"}
    full = [{**each, "minutes": 300.0 + place} for place, each in enumerate(even)]
    table = load_of([*full, *odd], csms=csms)
    assert table["against"].tolist() == ["more than the others", "less than the others"]


def test_whose_capacity_nobody_knows_has_no_load():
    table = load_of([call(1)], csms=[{"csm_id": "C1", "name": "Ann", "capacity_minutes_week": None}])
    assert table["load_share"].isna().all()
    assert table["against"].tolist() == ["capacity not known"]
    assert [each.code for each in about_loads(table)] == ["load_unknown"]


def test_recorded_minutes_beyond_capacity_are_a_warning():
    calls = [call(n, sent_on=f"2026-06-{4 + 7 * n:02d}", minutes=900.0 + n) for n in range(WEEKS)]
    found = list(about_loads(load_of(calls)))
    assert [each.code for each in found] == ["overloaded", "load_recorded"]
    assert text(found[0].message).startswith("Ann:")
