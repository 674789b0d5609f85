"""What do we know about each account now, and what do we talk about when we meet?"""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import icalendar
import pandas as pd
import pytest

from csworkbench.analyses import account_brief
from csworkbench.asof import take
from csworkbench.errors import AnalysisError
from tests.books import book

AS_OF = date(2026, 6, 30)
DAY = pd.Timestamp(AS_OF)


def account(account_id, **columns):
    return {"account_id": account_id, "name": f"Name {account_id}", "value_tier": "large", "arr": 1000,
            "currency": "EUR", "signup_at": "2025-01-01T00:00:00", "churned_at": None, **columns}  # fmt: skip


def contact(contact_id, role, account_id="A1", **columns):
    return {"contact_id": contact_id, "account_id": account_id, "role": role, "is_primary": False, "left_at": None,
            "added_at": "2025-02-01T00:00:00", "added_way": "form", **columns}  # fmt: skip


def meeting(meeting_id, planned_at, held_at=None, account_id="A1", **columns):
    return {"meeting_id": meeting_id, "account_id": account_id, "kind": "strategy", "is_onsite": True,
            "planned_at": planned_at, "held_at": held_at, "summary": None, **columns}  # fmt: skip


def told(config=None, **tables):
    """A result of another analysis, as `prepare` gets it."""
    return SimpleNamespace(figures={}, tables=tables, config=config or {})


def result_of(tables, upstream=None, as_of=AS_OF, language="en", **changes):
    config = account_brief.Config(**changes)
    made = book({"accounts": [account("A1"), account("A2")], **tables})
    made = replace(made, workspace=made.workspace.model_copy(update={"language": language}))
    return account_brief.analyze(account_brief.prepare(take(made, as_of), config, upstream or {}), config)


def rows(result, table, account_id="A1"):
    frame = result.tables[table]
    return frame[frame["account_id"] == account_id].drop(columns=["account_id", "name"]).to_dict("records")


def codes(result):
    return {each.code for each in result.caveats}


PEOPLE = {
    "contacts": [
        contact("P1", "champion"),
        contact("P2", "buyer", left_at="2026-01-01T00:00:00"),
        contact("P3", "user"),
    ],
    "contact_pii": [{"contact_id": "P1", "name": "Eva Berg"}, {"contact_id": "P2", "name": "Ola Ek"}],
}


def test_every_table_names_its_account_so_that_pages_can_be_cut():
    found = result_of(PEOPLE)
    assert all(list(frame.columns[:2]) == ["account_id", "name"] for frame in found.tables.values())


def test_whoever_has_left_gets_no_brief():
    found = result_of({"accounts": [account("A1"), account("A2", churned_at="2026-01-01T00:00:00")]})
    assert found.figures["briefs"].value == 1


def test_only_the_accounts_of_the_settings_get_a_brief_and_unknown_ones_are_named():
    found = result_of({}, accounts=("A2", "A9"))
    assert set(found.tables["facts"]["account_id"]) == {"A2"}
    [doubt] = [each for each in found.caveats if each.code == "unknown_accounts"]
    assert doubt.message.values["ids"] == ["A9"]


def test_without_any_customer_there_is_no_brief():
    with pytest.raises(AnalysisError, match=r"none of the accounts is a customer on 2026-06-30"):
        result_of({}, accounts=("A9",))


def test_each_part_says_which_tables_it_lacks_and_the_rest_goes_on():
    found = result_of({})
    assert {"issues_lacks_tables", "timeline_lacks_tables", "health_lacks_results", "plans_lacks_results"} <= codes(
        found
    )
    assert [each["fact"] for each in rows(found, "facts")] == ["Tier", "ARR"]
    assert found.tables["timeline"].empty


# People


def test_roles_of_which_nobody_is_there_are_missing():
    found = result_of(PEOPLE, roles=("champion", "buyer"))
    assert [(each["role"], each["who"]) for each in rows(found, "people")] == [("Champion", "P1"), ("Buyer", "Nobody")]
    assert [each["why"] for each in rows(found, "to_raise")] == ["Nobody is known as Buyer"]


def test_an_unhappy_user_stands_among_the_people_who_matter():
    answers = [
        {
            "response_id": "R1",
            "contact_id": "P3",
            "account_id": "A1",
            "responded_at": "2026-05-01T00:00:00",
            "score": 9,
        },
        {
            "response_id": "R2",
            "contact_id": "P3",
            "account_id": "A1",
            "responded_at": "2026-06-01T00:00:00",
            "score": 3,
        },
    ]
    found = result_of({**PEOPLE, "nps_responses": answers}, roles=("champion",))
    assert {each["who"]: each["score"] for each in rows(found, "people")}["P3"] == 3


def test_people_stand_by_name_only_where_settings_and_workspace_allow_it():
    assert rows(result_of(PEOPLE, names=True), "people")[0]["who"] == "Eva Berg (P1)"
    assert rows(result_of(PEOPLE), "people")[0]["who"] == "P1"
    without = {"contacts": PEOPLE["contacts"]}
    assert rows(result_of(without, names=True), "people")[0]["who"] == "P1"


def test_names_are_taken_out_of_free_texts_where_they_are_not_allowed():
    held = [meeting("M1", None, "2026-06-01T10:00:00", summary="Eva Berg sends the list, Ola Ek has left")]
    given = {**PEOPLE, "meetings": held}
    assert rows(result_of(given), "last_meeting")[0]["agreed"] == "[name] sends the list, [name] has left"
    assert "Eva Berg" in rows(result_of(given, names=True), "last_meeting")[0]["agreed"]
    assert "Berg" not in str([frame.to_dict() for frame in result_of(given).tables.values()])


@pytest.mark.parametrize(
    ("summary", "shown"),
    [
        ("Eva sends the list, BERG called", "[name] sends the list, [name] called"),
        ("eva berg agreed; Evangeline did not", "[name] agreed; Evangeline did not"),
        # A short part of a name is one where it is written as a name.
        ("Ek was there, ek is a tree", "[name] was there, ek is a tree"),
        ("Mail eva.berg@example.com or call +46 70 123 45 67.", "Mail [name] or call [name]."),
    ],
)
def test_parts_of_names_and_addresses_are_taken_out_too(summary, shown):
    given = {**PEOPLE, "meetings": [meeting("M1", None, "2026-06-01T10:00:00", summary=summary)]}
    pii = [{**each, "phone": "+46 70 123 45 67"} for each in PEOPLE["contact_pii"]]
    assert rows(result_of({**given, "contact_pii": pii}), "last_meeting")[0]["agreed"] == shown


def test_notes_of_people_nobody_names_are_told_not_to_be_clean():
    held = [meeting("M1", None, "2026-06-01T10:00:00", summary="Eva sends the list")]
    found = result_of({"contacts": PEOPLE["contacts"], "meetings": held})
    assert {each.code for each in found.caveats} & {"names_not_known", "no_names"} == {"names_not_known"}


# What happened


TOUCHES = [
    {"touch_id": "T1", "account_id": "A1", "contact_id": "P1", "channel": "email", "mode": "tech", "content_id": "news",
     "sent_at": "2026-06-10T10:00:00", "note": None},
    {"touch_id": "T2", "account_id": "A1", "contact_id": "P3", "channel": "email", "mode": "tech", "content_id": "news",
     "sent_at": "2026-06-10T11:00:00", "note": None},
    {"touch_id": "T3", "account_id": "A1", "contact_id": "P1", "channel": "call", "mode": "human", "content_id": None,
     "sent_at": "2026-06-12T10:00:00", "note": "Asked for prices"},
    {"touch_id": "T4", "account_id": "A1", "contact_id": "P1", "channel": "email", "mode": "tech", "content_id": "news",
     "sent_at": "2026-01-10T10:00:00", "note": None},
]  # fmt: skip
EVENTS = [
    {"touch_id": "T1", "type": "open", "occurred_at": "2026-06-10T12:00:00", "agent": "human"},
    {"touch_id": "T2", "type": "open", "occurred_at": "2026-06-10T12:00:00", "agent": "machine"},
]


def test_the_timeline_has_the_newest_first_and_one_row_for_a_mail_to_several_people():
    given = {"touches": TOUCHES, "touch_events": EVENTS, "contents": [{"content_id": "news", "title": "News of June"}]}
    found = rows(result_of(given), "timeline")
    assert [(each["way"], each["what"]) for each in found] == [("Talked", "Call"), ("Received", "Email: News of June")]
    assert found[1]["came"] == "opened 1 of 2, clicked 0"  # a machine is nobody
    assert found[0]["note"] == "Asked for prices"


def test_a_mail_that_two_rules_sent_on_a_day_is_one_line():
    twice = [
        {**TOUCHES[0], "touch_id": f"T{rule}", "contact_id": "P1", "content_id": "news", "rule": rule} for rule in "ab"
    ]
    given = {"touches": twice, "contents": [{"content_id": "news", "title": "News of June"}]}
    assert [each["what"] for each in rows(result_of(given), "timeline")] == ["Email: News of June"]


def test_the_timeline_has_meetings_messages_and_tickets_too():
    given = {
        "meetings": [meeting("M1", None, "2026-06-20T10:00:00")],
        "messages": [{"message_id": "X1", "account_id": "A1", "channel": "chat", "direction": "in",
                      "sent_at": "2026-06-19T10:00:00", "answered_at": None}],
        "tickets": [{"ticket_id": "Y1", "account_id": "A1", "opened_at": "2026-06-18T10:00:00", "topic": "data_delay",
                     "resolved_at": None}],
    }  # fmt: skip
    found = result_of(given)
    assert [each["way"] for each in rows(found, "timeline")] == ["Meeting", "Wrote", "Ticket"]
    assert [(each["issue"], each["days"]) for each in rows(found, "issues")] == [("Ticket", 12), ("Message", 11)]


def test_the_timeline_is_in_the_language_of_the_team_but_for_names_and_notes():
    asked = {"message_id": "X1", "account_id": "A1", "channel": "in_app", "direction": "in",
             "sent_at": "2026-06-19T10:00:00", "answered_at": None}  # fmt: skip
    sent = {**TOUCHES[0], "contact_id": "P1", "sent_at": "2026-06-18T10:00:00", "content_id": None, "rule": "low_usage"}
    written = {"messages": [asked, {**asked, "message_id": "X2"}], "touches": [sent]}
    found = rows(result_of(written, language="zh-CN"), "timeline")
    assert [each["what"] for each in found] == ["应用内（2 次）", "邮件：使用低"]


def test_the_timeline_is_no_longer_than_the_settings_say():
    many = [{**TOUCHES[2], "touch_id": f"T{n}", "sent_at": f"2026-06-{n:02d}T10:00:00"} for n in range(1, 21)]
    found = rows(result_of({"touches": many}, most_events=5), "timeline")
    assert [each["on"].day for each in found] == [20, 19, 18, 17, 16]


def test_facts_known_later_change_nothing():
    later = {**TOUCHES[2], "touch_id": "T9", "sent_at": "2026-07-01T10:00:00"}
    before, after = (result_of({"touches": each}).tables["timeline"] for each in (TOUCHES, [*TOUCHES, later]))
    pd.testing.assert_frame_equal(before, after)


# The meeting


AHEAD = [
    meeting("M1", None, "2026-06-01T10:00:00"),
    meeting("M2", "2026-07-02T07:30:00"),
    meeting("M3", "2026-07-20T07:30:00"),
]


def test_the_calendar_file_holds_the_next_meeting_with_its_agenda_and_a_reminder():
    found = result_of({"meetings": AHEAD}, meeting_minutes=90, reminder_hours=48)
    [row] = rows(found, "next_meeting")
    assert (row["file"], row["where"]) == ("calendar/M2.ics", "at the customer's")
    [event] = icalendar.Calendar.from_ical(found.files["calendar/M2.ics"]).walk("VEVENT")
    assert event.decoded("dtstart") == datetime(2026, 7, 2, 7, 30, tzinfo=UTC)
    assert event.decoded("dtend") - event.decoded("dtstart") == timedelta(minutes=90)
    assert str(event["summary"]) == "Name A1: Strategy"
    assert str(event["description"]).startswith("1. Open actions since 1 Jun 2026: 0 of ours, 0 of theirs")
    [alarm] = event.walk("VALARM")
    assert alarm.decoded("trigger") == timedelta(hours=-48)
    assert "ATTENDEE" not in found.files["calendar/M2.ics"]


def test_the_same_run_gives_the_same_calendar():
    first, second = (result_of({"meetings": AHEAD}).files for _ in range(2))
    assert first == second


def test_calendar_lines_end_and_fold_as_rfc_5545_asks():
    text = result_of({"meetings": AHEAD, "contacts": PEOPLE["contacts"]}).files["calendar/M2.ics"]
    assert text.startswith("BEGIN:VCALENDAR\r\n")
    assert text.endswith("END:VCALENDAR\r\n")
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75


def test_a_meeting_held_in_the_future_is_one_that_lies_ahead():
    found = result_of({"meetings": [meeting("M1", "2026-07-02T07:30:00", "2026-07-02T08:00:00")]})
    assert [each["planned_on"] for each in rows(found, "next_meeting")] == [pd.Timestamp("2026-07-02")]
    assert rows(found, "last_meeting") == []


def test_a_planned_meeting_nobody_recorded_is_told():
    found = result_of({"meetings": [meeting("M1", "2026-06-02T07:30:00")]})
    [doubt] = [each for each in found.caveats if each.code == "meetings_not_recorded"]
    assert doubt.message.values["n"] == 1


def test_open_actions_are_ours_and_theirs_and_leave_out_what_was_dropped():
    tasks = [
        {"task_id": "W1", "account_id": "A1", "theme": "adoption", "due_at": "2026-06-01T00:00:00", "done_at": None,
         "status": "todo"},
        {"task_id": "W2", "account_id": "A1", "theme": "adoption", "due_at": "2026-06-01T00:00:00", "done_at": None,
         "status": "Cancelled"},
    ]  # fmt: skip
    plans = [{"plan_id": "L1", "account_id": "A1", "created_at": "2026-05-01T00:00:00",
              "started_at": "2026-05-02T00:00:00", "closed_at": None,
              "customer_commitments": "Names one owner"}]  # fmt: skip
    steps = [{"plan_id": "L1", "step_no": 1, "name": "Workshop", "is_mandatory": True,
              "planned_at": "2026-07-10T00:00:00", "done_at": None, "status": "todo"}]  # fmt: skip
    found = result_of({"tasks": tasks, "plans": plans, "plan_steps": steps})
    assert [(each["whose"], each["what"], each["is_late"]) for each in rows(found, "open_actions")] == [
        ("ours", "Task W1, Adoption", True), ("ours", "Workshop, plan L1", False), ("theirs", "Names one owner", False),
    ]  # fmt: skip
    assert rows(found, "agenda")[0]["item"] == "Open actions: 2 of ours, 1 of theirs"


# What other analyses found


def upstream():
    action = {"id": "call", "stage": "growth", "tiers": ["large"], "by": "csm", "does": "Renewal call"}
    others = [
        {**action, "id": "mail", "tiers": [], "does": "Mails"},
        {**action, "id": "x", "stage": "trial", "does": "No"},
    ]
    return {
        "health": told(
            scores=pd.DataFrame({"account_id": ["A1"], "score": [30.0], "band": ["at_risk"], "change": [-20.0],
                                 "moved": ["down"], "moved_by": ["Usage trend"]}),
            contributions=pd.DataFrame({"account_id": "A1", "measure": ["nps", "trend"],
                                        "label": ["NPS", "Usage trend"], "points": [50.0, 10],
                                        "effective_percent": [50.0, 50], "contribution": [25.0, 5]}),
            changes=pd.DataFrame({"account_id": ["A1"], "measure": ["trend"], "change": [-20.0]}),
        ),
        "renewals": told(
            forecast=pd.DataFrame({"account_id": ["A1"], "due_date": [DAY + pd.Timedelta(days=30)], "target": [500.0],
                                   "currency": ["EUR"], "probability": [0.7], "low": [0.5], "high": [0.9]})
        ),
        "segments": told(
            accounts=pd.DataFrame({"account_id": ["A1"], "stage": ["growth"], "tier": ["large"], "days_in_stage": [40],
                                   "is_at_least": [True], "is_stuck": [False]})
        ),
        "touch_matrix": told(
            {"matrix": [action, *others]},
            next_actions=pd.DataFrame({"account_id": ["A1"], "action": ["call"], "by": ["csm"],
                                       "does": ["Renewal call"],
                                       "state": ["overdue"], "deadline": [DAY - pd.Timedelta(days=3)]}),
        ),
    }  # fmt: skip


def test_best_practices_are_those_of_the_stage_and_tier_with_what_is_open():
    found = rows(result_of({}, upstream()), "practices")
    assert [(each["practice"], each["state"]) for each in found] == [
        ("Renewal call", "Overdue"), ("Mails", "Done or not needed"),
    ]  # fmt: skip


def test_health_is_split_with_the_largest_loss_first_and_what_changed():
    found = rows(result_of({}, upstream()), "health")
    # a measure of half the weight takes 50 - its contribution
    assert [(each["measure"], each["lost"]) for each in found] == [("Usage trend", 45), ("NPS", 25)]
    assert found[0]["change"] == -20
    assert pd.isna(found[1]["change"])


def test_what_to_raise_is_the_most_urgent_first_and_no_more_than_asked_for():
    wish = [
        {
            "request_id": "Q1",
            "account_id": "A1",
            "requested_at": "2026-06-20T00:00:00",
            "reason": "price",
            "is_saved": None,
        }
    ]
    found = rows(result_of({"cancel_requests": wish}, upstream(), raise_most=3), "to_raise")
    assert [(each["no"], each["topic"]) for each in found] == [(1, "Cancel request"), (2, "Renewal"), (3, "Health")]
    assert found[1]["why"] == "Due on 30 Jul 2026, in 30 days"
    assert found[2]["why"] == "Fell to At risk, most by Usage trend"


def test_the_facts_say_how_it_stands_in_words():
    facts = {each["fact"]: each["value"] for each in rows(result_of({}, upstream()), "facts")}
    assert facts["Stage"] == "Growth for at least 40 days"
    assert facts["Health"] == "At risk, 30.0 points (-20.0 since the date compared with)"
    assert facts["Renewal"] == "30 Jul 2026, €500, 70.0% likely (50.0% to 90.0%)"


def test_the_id_of_a_meeting_leads_its_calendar_file_out_of_no_folder():
    meetings = [each | {"meeting_id": f"../../{each['meeting_id']}"} for each in AHEAD]
    found = result_of({"meetings": meetings})
    [path] = [row["file"] for row in rows(found, "next_meeting")]
    assert re.fullmatch(r"calendar/M2-[0-9a-f]{8}\.ics", path)
    assert "UID:../../M2@csworkbench" in found.files[path]


def test_each_account_has_its_brief_on_a_sheet_without_the_names_of_others():
    found = result_of({"accounts": [account("A1", name="<i>"), account("A2"), account("../A3")]}, upstream())
    third = found.tables["sheets"].set_index("account_id").loc["../A3", "file"]  # what is left of it, and a digest
    assert re.fullmatch(r"briefs/A3-[0-9a-f]{8}\.html", third)
    assert set(found.files) == {"briefs/A1.html", "briefs/A2.html", third}
    page = found.files["briefs/A1.html"]
    assert "&lt;i&gt; on 30 Jun 2026" in page
    assert "<i>" not in page
    assert "Name A2" not in page
