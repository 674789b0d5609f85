"""The contact policy, rule by rule: consent, suppression, caps with their boundary day, quiet time, and proposals."""

from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from csworkbench.asof import take
from csworkbench.errors import AnalysisError, NothingToAnalyze
from csworkbench.formats import text
from csworkbench.policy import (
    Reason,
    decide,
    doubts,
    first_moment,
    gather,
    is_quiet,
    plain_address,
    proposal_id,
    proposals,
    require_lists,
    week_of,
    zone_of,
)
from csworkbench.sources import Contacted
from csworkbench.workspace import Cap, ContactPolicy, Quiet
from tests.books import book

# The last day that counts is Sunday 27 September 2026; the list is for the week of the 28th.
SUNDAY, MONDAY = date(2026, 9, 27), date(2026, 9, 28)
WEEK = week_of(MONDAY)
OPEN = ContactPolicy(least_consents=0, least_suppressions=0, caps=(), quiet=None, service_basis="contract")


def tables(**changes):
    base = {
        "accounts": [{"account_id": "A"}, {"account_id": "B"}],
        "contacts": [
            {"contact_id": "a1", "account_id": "A"},
            {"contact_id": "a2", "account_id": "A"},
            {"contact_id": "b1", "account_id": "B"},
        ],
    }
    return {**base, **changes}


def snapshot(policy=OPEN, released=(), timezone="UTC", **changes):
    made = book(tables(**changes), timezone=timezone)
    workspace = made.workspace.model_copy(update={"contact_policy": policy})
    return take(replace(made, workspace=workspace, released=tuple(released)), SUNDAY)


def asks(*contacts, **changes):
    """Requests for a service e-mail to contacts; the account is the first letter."""
    base = {
        "purpose": "service",
        "channels": ("email",),
        "mode": "automated",
        "csm_id": None,
        "is_must_do": False,
        "own": "",
        "is_held": False,
    }
    return pd.DataFrame([{"contact_id": name, "account_id": name[0].upper(), **base, **changes} for name in contacts])


def told(requests, policy=OPEN, released=(), **changes):
    """Contact -> why not, "" = listed."""
    now = snapshot(policy, released, **changes)
    ground = gather(now, now, WEEK, "own")
    found = decide(requests, ground, policy, WEEK, now.workspace.timezone)
    return dict(zip(found["contact_id"], found["reason"], strict=True))


def said(status, contact="a1", purpose="marketing", since="2026-01-01T00:00:00", **more):
    return {
        "contact_id": contact,
        "channel": "email",
        "purpose": purpose,
        "valid_from": since,
        "status": status,
        "valid_to": None,
        **more,
    }


def touch(day, contact="a1", **more):
    base = {"initiator": "central", "channel": "email", "account_id": contact[0].upper()}
    return {"touch_id": f"{contact}{day}", "contact_id": contact, "sent_at": f"{day}T12:00:00", **base, **more}


def capped(touches=1, days=14, per="contact", **more):
    return OPEN.model_copy(update={"caps": (Cap(per=per, touches=touches, days=days, **more),)})


# --- consent ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["unknown", None])
def test_marketing_needs_a_consent(status):
    rows = [said(status)] if status else [said("granted", "b1")]
    assert told(asks("a1", purpose="marketing"), consents=rows) == {"a1": Reason.NO_CONSENT}


def test_a_consent_lets_marketing_through():
    assert told(asks("a1", purpose="marketing"), consents=[said("granted")]) == {"a1": ""}


def test_a_later_unknown_takes_a_consent_away():
    rows = [said("granted"), said("unknown", since="2026-02-01T00:00:00")]
    assert told(asks("a1", purpose="marketing"), consents=rows) == {"a1": Reason.NO_CONSENT}


def test_without_a_consents_table_nothing_is_marketed():
    assert told(asks("a1", purpose="marketing")) == {"a1": Reason.NO_CONSENT}


def test_service_rests_on_the_declared_basis_else_on_consent():
    bare = OPEN.model_copy(update={"service_basis": None})
    assert told(asks("a1")) == {"a1": ""}
    assert told(asks("a1"), bare) == {"a1": Reason.NO_CONSENT}
    assert told(asks("a1"), bare, consents=[said("granted", purpose="service")]) == {"a1": ""}


@pytest.mark.parametrize(
    ("written", "purpose", "reason"),
    [
        ("email", "service", Reason.NO_CONSENT),
        ("E-Mail", "service", Reason.NO_CONSENT),
        ("pigeon", None, Reason.NO_CONSENT),  # nobody knows which channel or purpose it is, so it is every one
        ("call", "service", ""),
        ("email", "marketing", ""),
    ],
)
def test_service_rests_on_no_basis_where_somebody_was_asked_and_the_answer_is_unknown(written, purpose, reason):
    assert told(asks("a1"), consents=[said("unknown", purpose=purpose, channel=written)]) == {"a1": reason}


@pytest.mark.parametrize(("last", "reason"), [("granted", ""), ("unknown", Reason.NO_CONSENT)])
def test_the_newest_word_about_service_counts(last, reason):
    first = {"granted": "unknown", "unknown": "granted"}[last]
    rows = [said(first, purpose="service"), said(last, purpose="service", since="2026-02-01T00:00:00")]
    assert told(asks("a1"), consents=rows) == {"a1": reason}


@pytest.mark.parametrize("later", ["2026-01-01T00:00:00", "2026-06-01T00:00:00"])
def test_a_refusal_wins_over_a_consent_of_the_same_instant_or_later(later):
    rows = [said("denied"), said("granted", since=later)]
    assert told(asks("a1", purpose="marketing"), consents=rows) == {"a1": Reason.REFUSED}


def test_a_refusal_wins_over_the_basis_of_service():
    assert told(asks("a1"), consents=[said("denied", purpose="service")]) == {"a1": Reason.REFUSED}


def test_a_refusal_of_one_purpose_or_channel_is_none_of_another():
    rows = [said("denied"), said("denied", purpose="service", channel="call")]
    assert told(asks("a1"), consents=rows) == {"a1": ""}


def test_a_refusal_that_ended_holds_no_longer():
    rows = [said("denied", purpose="service", valid_to="2026-02-01T00:00:00")]
    assert told(asks("a1"), consents=rows) == {"a1": ""}


def test_a_status_or_purpose_that_does_not_read_is_a_refusal():
    assert told(asks("a1"), consents=[said(None, purpose="service")]) == {"a1": Reason.REFUSED}
    assert told(asks("a1"), consents=[said("denied", purpose=None)]) == {"a1": Reason.REFUSED}


def test_two_records_of_one_person_are_both_refused():
    pii = [{"contact_id": "a1", "email": "x@y.example"}, {"contact_id": "b1", "email": " X@Y.example"}]
    found = told(asks("a1", "b1"), contact_pii=pii, consents=[said("denied", "a1", "service")])
    assert found == {"a1": Reason.REFUSED, "b1": Reason.REFUSED}


def test_records_are_one_person_through_a_third_record():
    pii = [
        {"contact_id": "a1", "email": "x@y.example", "phone": None},
        {"contact_id": "a2", "email": "x@y.example", "phone": "0046 70-123 45 67"},
        {"contact_id": "b1", "email": "z@y.example", "phone": "+46 701234567"},
    ]
    found = told(asks("b1"), contact_pii=pii, consents=[said("denied", "a1", "service")])
    assert found == {"b1": Reason.REFUSED}


def test_one_person_is_on_the_list_once():
    pii = [{"contact_id": name, "email": "x@y.example"} for name in ("a1", "b1")]
    assert told(asks("a1", "b1"), contact_pii=pii) == {"a1": "", "b1": Reason.SAME_PERSON}


# --- suppression and leaving ------------------------------------------------------------------------------------------


def test_a_suppression_holds_until_its_day():
    rows = [
        {"contact_id": "a1", "until": "2026-09-27"},  # the first day it no longer holds
        {"contact_id": "a2", "until": "2026-09-28"},
        {"contact_id": "b1", "until": None},
    ]
    found = told(asks("a1", "a2", "b1"), suppressions=rows)
    assert found == {"a1": "", "a2": Reason.SUPPRESSED, "b1": Reason.SUPPRESSED}


def test_a_suppressed_address_is_suppressed_in_any_writing():
    pii = [
        {"contact_id": "a1", "email": "X@y.example", "phone": None},
        {"contact_id": "b1", "email": None, "phone": "+4670123456"},
    ]
    rows = [{"contact_id": None, "address": "x@Y.example "}, {"contact_id": None, "address": "0046 70 12 34 56"}]
    found = told(asks("a1", "b1"), contact_pii=pii, suppressions=rows)
    assert found["a1"] == Reason.SUPPRESSED
    assert found["b1"] == Reason.SUPPRESSED


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (" A@B.example", "a@b.example"),
        ("+46 (70) 12-34", "+46701234"),
        ("0046701234", "+46701234"),
        ("wxid_1", "wxid_1"),
    ],
)
def test_addresses_are_compared_in_one_writing(written, plain):
    assert plain_address(written) == plain


@pytest.mark.parametrize(
    "channel", ["Email", "EMAIL ", "e-mail", "mail", "E_Mail", "ｅｍａｉｌ", "all", "*", "brevduva"]
)
def test_a_refusal_holds_however_its_channel_is_written(channel):
    assert told(asks("a1"), consents=[said("denied", purpose="service", channel=channel)]) == {"a1": Reason.REFUSED}


def test_a_refusal_of_the_phone_is_one_of_calls():
    pii = [{"contact_id": "a1", "phone": "+4670123456"}]
    rows = [said("denied", purpose="service", channel="phone")]
    assert told(asks("a1", channels=("call",)), consents=rows, contact_pii=pii) == {"a1": Reason.REFUSED}
    assert told(asks("a1"), consents=rows) == {"a1": ""}  # and none of e-mail


def test_a_word_that_is_no_channel_is_told():
    now = snapshot(consents=[said("denied", channel="brevduva")])
    (doubt,) = doubts(gather(now, now, WEEK, "own"))
    assert doubt.code == "unknown_channels"
    assert "brevduva" in text(doubt.message)


@pytest.mark.parametrize(("cap", "is_told"), [("emial", True), ("E-Mail", False), ("dingtalk", False)])
def test_a_cap_of_a_channel_nobody_knows_is_told(cap, is_told):
    # DingTalk is no usual channel, but a touch went by it.
    now = snapshot(capped(channels=(cap,)), touches=[touch("2026-09-20", channel="DingTalk")])
    assert [each.code for each in doubts(gather(now, now, WEEK, "own"))] == ["unknown_caps"] * is_told


@pytest.mark.parametrize("cap", ["email", "E-Mail"])
@pytest.mark.parametrize("channel", [" Email", "E-Mail", "mail", "ｅｍａｉｌ", None])
def test_a_touch_uses_up_a_cap_however_its_channel_is_written(channel, cap):
    rows = [touch("2026-09-20", channel=channel), touch("2026-09-21", channel="call")]
    # A cap of two is not reached: the call is none of e-mail.
    assert told(asks("a1"), capped(channels=(cap,)), touches=rows) == {"a1": Reason.CONTACT_CAP}
    assert told(asks("a1"), capped(2, channels=(cap,)), touches=rows) == {"a1": ""}


def test_what_is_listed_uses_up_a_cap_however_the_settings_write_its_channel():
    # a1 and a2 are of one account, of which one e-mail is allowed.
    policy = capped(per="account", channels=("E-Mail",))
    assert told(asks("a1", "a2"), policy) == {"a1": "", "a2": Reason.ACCOUNT_CAP}


@pytest.mark.parametrize(
    ("phone", "listed"),
    [
        ("+8613800138000", "13800138000"),
        ("+46701234567", "0701234567"),
        ("+46 (0)70 123 45 67", "+46701234567"),
        ("+46701234567", "０７０１２３４５６７"),
    ],
)
def test_a_suppressed_number_is_found_with_and_without_the_code_of_the_country(phone, listed):
    rows = [{"contact_id": None, "address": listed}]
    pii = [{"contact_id": "a1", "phone": phone}]
    assert told(asks("a1", channels=("call",)), contact_pii=pii, suppressions=rows) == {"a1": Reason.SUPPRESSED}


@pytest.mark.parametrize(
    "listed", ["Jo <jo@x.example>", "mailto:jo@x.example", "al@x.example; jo@x.example", "jo\u200b@x.example"]
)
def test_a_suppressed_address_is_found_in_what_stands_around_it(listed):
    rows = [{"contact_id": None, "address": listed}]
    pii = [{"contact_id": "a1", "email": "jo@x.example"}]
    assert told(asks("a1"), contact_pii=pii, suppressions=rows) == {"a1": Reason.SUPPRESSED}


def test_a_refusal_that_ended_before_it_began_holds():
    rows = [said("denied", purpose="service", since="2026-05-01T00:00:00", valid_to="2026-01-01T00:00:00")]
    assert told(asks("a1"), consents=rows) == {"a1": Reason.REFUSED}


def test_a_suppression_that_ended_before_it_began_holds():
    rows = [{"contact_id": "a1", "address": None, "valid_from": date(2026, 5, 1), "until": date(2026, 4, 1)}]
    assert told(asks("a1"), suppressions=rows) == {"a1": Reason.SUPPRESSED}


def test_who_left_is_not_contacted():
    contacts = [
        {"contact_id": "a1", "account_id": "A", "left_at": "2026-09-01T00:00:00"},
        {"contact_id": "b1", "account_id": "B", "left_at": None},
    ]
    accounts = [{"account_id": "A", "churned_at": None}, {"account_id": "B", "churned_at": "2026-09-01T00:00:00"}]
    found = told(asks("a1", "b1"), contacts=contacts, accounts=accounts)
    assert found == {"a1": Reason.PERSON_LEFT, "b1": Reason.ACCOUNT_LEFT}


def test_a_person_nobody_knows_is_not_contacted():
    assert told(asks("a1", "z9")) == {"a1": "", "z9": Reason.UNKNOWN_PERSON}


def test_the_next_channel_is_taken_where_the_first_has_no_address():
    pii = [{"contact_id": "a1", "email": "x@y.example", "phone": None}]
    now = snapshot(contact_pii=pii)
    ground = gather(now, now, WEEK, "own")
    found = decide(asks("a1", channels=("call", "email")), ground, OPEN, WEEK, "UTC")
    assert found["channel"].tolist() == ["email"]
    assert told(asks("a1", channels=("call",)), contact_pii=pii) == {"a1": Reason.NO_ADDRESS}


def test_the_first_reason_is_told_and_all_of_them_are_kept():
    now = snapshot(suppressions=[{"contact_id": "a1", "until": None}], consents=[said("denied", purpose="service")])
    found = decide(asks("a1", own="a reason of ours"), gather(now, now, WEEK, "own"), OPEN, WEEK, "UTC")
    assert found["reason"].tolist() == ["suppressed"]
    assert found["reasons"].tolist() == ["suppressed; refused; a reason of ours"]


# --- missing and truncated files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["consents", "suppressions"])
def test_a_missing_file_stops_every_list(table):
    policy = OPEN.model_copy(update={f"least_{table}": 1})
    with pytest.raises(NothingToAnalyze, match=rf"nobody is listed: {table}: not in the workspace"):
        require_lists(snapshot(policy))


@pytest.mark.parametrize("rows", [[], [{"contact_id": "a1", "until": None}]])
def test_an_empty_or_truncated_file_stops_every_list(rows):
    policy = OPEN.model_copy(update={"least_suppressions": 2})
    frame = pd.DataFrame(rows, columns=["contact_id", "until"])
    with pytest.raises(AnalysisError, match=rf"suppressions: {len(rows)} rows, at least 2 are expected") as refused:
        require_lists(snapshot(policy, suppressions=frame))
    assert not isinstance(refused.value, NothingToAnalyze)  # a delivery cut short is a failure, nothing to be skipped


def test_addresses_nobody_can_look_up_stop_every_list():
    with pytest.raises(AnalysisError, match=r"suppressions name addresses, and contact_pii") as refused:
        require_lists(snapshot(suppressions=[{"contact_id": None, "address": "x@y.example"}]))
    assert not isinstance(refused.value, NothingToAnalyze)


# --- caps -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("age", range(31))
def test_a_touch_counts_on_the_last_of_the_days_of_a_cap_and_no_longer_the_day_before(age):
    # The 14 days end with Sunday 27 September, so that the first one is the 14th: 13 days old counts, 14 days does not.
    day = date.fromordinal(SUNDAY.toordinal() - age)
    found = told(asks("a1"), capped(days=14), touches=[touch(day.isoformat())])
    assert found == {"a1": Reason.CONTACT_CAP if age <= 13 else ""}


def test_the_boundary_day_begins_at_midnight_where_the_team_works():
    # 22:00 UTC on the 13th is midnight of the 14th in Stockholm, the first day that counts.
    for at, reason in (("2026-09-13T22:00:00", Reason.CONTACT_CAP), ("2026-09-13T21:59:59", "")):
        row = {**touch("2026-09-13"), "sent_at": at}
        assert told(asks("a1"), capped(days=14), timezone="Europe/Stockholm", touches=[row]) == {"a1": reason}


def test_marketing_counts_and_what_the_customer_began_does_not():
    rows = [touch("2026-09-20", "a1", initiator="marketing"), touch("2026-09-20", "b1", initiator="customer")]
    assert told(asks("a1", "b1"), capped(), touches=rows) == {"a1": Reason.CONTACT_CAP, "b1": ""}


def test_a_touch_without_an_initiator_counts():
    assert told(asks("a1"), capped(), touches=[touch("2026-09-20", initiator=None)]) == {"a1": Reason.CONTACT_CAP}


def test_a_cap_of_a_channel_counts_and_stops_that_channel_only():
    mails = capped(channels=("email",))
    assert told(asks("a1"), mails, touches=[touch("2026-09-20", channel="call")]) == {"a1": ""}
    assert told(asks("a1"), mails, touches=[touch("2026-09-20")]) == {"a1": Reason.CONTACT_CAP}
    assert told(asks("a1", channels=("call",)), mails, touches=[touch("2026-09-20")]) == {"a1": ""}


def test_touches_of_both_records_of_a_person_add_up():
    pii = [{"contact_id": name, "email": "x@y.example"} for name in ("a1", "b1")]
    rows = [touch("2026-09-20", "a1"), touch("2026-09-21", "b1")]
    assert told(asks("a1"), capped(touches=2), contact_pii=pii, touches=rows) == {"a1": Reason.CONTACT_CAP}


def test_who_took_part_in_a_touch_was_touched():
    rows, part = [touch("2026-09-20", "a1")], [{"touch_id": "a12026-09-20", "contact_id": "a2"}]
    found = told(asks("a1", "a2"), capped(), touches=rows, touch_participants=part)
    assert found == {"a1": Reason.CONTACT_CAP, "a2": Reason.CONTACT_CAP}


def test_what_is_listed_uses_up_the_cap_of_the_account():
    assert told(asks("a1", "a2", "b1"), capped(per="account")) == {"a1": "", "a2": Reason.ACCOUNT_CAP, "b1": ""}


def test_a_meeting_planned_for_the_week_counts_for_the_account():
    rows = [
        {"meeting_id": "m", "account_id": "A", "planned_at": "2026-10-04T23:59:59"},
        {"meeting_id": "n", "account_id": "B", "planned_at": "2026-10-05T00:00:00"},
    ]
    assert told(asks("a1", "b1"), capped(per="account"), meetings=rows) == {"a1": Reason.ACCOUNT_CAP, "b1": ""}


def contacted(contact="a1", analysis="other", first=MONDAY, sent=MONDAY, proposal_id="x", **more):
    base = {"program": "p", "mode": "automated", "channel": "email", "csm_id": ""}
    dates = {"sent_on": sent, "first_day": first, "known_on": SUNDAY}
    return Contacted(proposal_id, contact[0].upper(), contact, analysis=analysis, **{**base, **more}, **dates)


def test_an_official_list_counts_as_contact_and_this_list_itself_does_not():
    assert told(asks("a1"), capped(), [contacted()]) == {"a1": Reason.CONTACT_CAP}
    assert told(asks("a1"), capped(), [contacted(analysis="own")]) == {"a1": ""}
    last_week = date(2026, 9, 21)
    assert told(asks("a1"), capped(), [contacted(analysis="own", first=last_week, sent=last_week)]) == {
        "a1": Reason.CONTACT_CAP
    }


def test_a_row_that_was_sent_counts_once_as_the_touch_that_names_it():
    # Two contacts a fortnight are allowed: one row of last week and the touch that carried it out are one of them.
    row = contacted(first=date(2026, 9, 21), sent=date(2026, 9, 22), proposal_id="p9")
    sent = [touch("2026-09-24", proposal_id="p9")]
    assert told(asks("a1"), capped(2), [row], touches=sent) == {"a1": ""}
    assert told(asks("a1"), capped(2), [row], touches=[touch("2026-09-24", proposal_id="p8")]) == {
        "a1": "contact at the cap"
    }


def test_what_an_official_list_has_of_this_page_does_not_count_this_week_and_does_the_next():
    mine = contacted(analysis="weekly_list", program="own.calls")
    assert told(asks("a1"), capped(), [mine]) == {"a1": ""}
    before = contacted(analysis="weekly_list", program="own.calls", first=date(2026, 9, 21), sent=date(2026, 9, 22))
    assert told(asks("a1"), capped(), [before]) == {"a1": "contact at the cap"}


@pytest.mark.parametrize(
    ("day", "reason"), [("2026-10-04", "contact at the cap"), ("2026-10-05", ""), ("2099-01-01", "")]
)
def test_a_touch_planned_for_the_week_counts(day, reason):
    # The book was read on the Sunday, so what is dated later is planned.
    made = book(tables(touches=[touch("2026-09-01", "b1"), touch(day)]))
    workspace = made.workspace.model_copy(update={"contact_policy": capped()})
    now = take(replace(made, workspace=workspace, today=SUNDAY), SUNDAY)
    ground = gather(now, now, WEEK, "own")
    assert list(decide(asks("a1"), ground, capped(), WEEK, "UTC")["reason"]) == [reason]


def test_a_planned_touch_uses_up_a_cap_however_its_channel_is_written():
    made = book(tables(touches=[touch("2026-09-01", "b1"), touch("2026-09-30", channel="E-Mail")]))
    policy = capped(channels=("email",))
    now = take(
        replace(made, workspace=made.workspace.model_copy(update={"contact_policy": policy}), today=SUNDAY), SUNDAY
    )
    assert list(decide(asks("a1"), gather(now, now, WEEK, "own"), policy, WEEK, "UTC")["reason"]) == [
        Reason.CONTACT_CAP
    ]


def test_a_csm_gets_no_more_rows_than_the_cap_but_for_must_do():
    policy = OPEN.model_copy(update={"notices_per_csm": 2})
    human = asks("a1", "a2", "b1", mode="human", csm_id="c")
    assert told(human, policy)["b1"] == Reason.STAFF_CAP
    assert told(human.assign(is_must_do=True), policy)["b1"] == ""
    other = contacted("a2", mode="human", csm_id="c")
    assert told(human, policy, [other]) == {"a1": "", "a2": Reason.STAFF_CAP, "b1": Reason.STAFF_CAP}


def test_one_held_out_uses_nothing_up():
    rows = asks("a1", "a2").assign(is_held=[True, False])
    assert told(rows, capped(per="account")) == {"a1": Reason.HOLDOUT, "a2": ""}


# --- quiet time and weeks ---------------------------------------------------------------------------------------------


def test_a_week_is_known_by_the_sunday_before():
    for day in range(28, 31):
        assert week_of(date(2026, 9, day)).first == MONDAY
    assert (WEEK.known, WEEK.last) == (SUNDAY, date(2026, 10, 4))


@pytest.mark.parametrize(
    ("quiet", "zone", "expected"),
    [
        (None, "UTC", datetime.fromisoformat("2026-09-28T00:00:00")),
        (Quiet(starts="19:00", ends="08:30"), "Asia/Shanghai", datetime.fromisoformat("2026-09-28T00:30:00")),  # UTC+8
        (
            Quiet(starts="19:00", ends="08:30"),
            "Europe/Stockholm",
            datetime.fromisoformat("2026-09-28T06:30:00"),
        ),  # UTC+2 in summer
        (Quiet(starts="12:00", ends="13:00"), "UTC", datetime.fromisoformat("2026-09-28T00:00:00")),
        (Quiet(starts="00:00", ends="13:00"), "UTC", datetime.fromisoformat("2026-09-28T13:00:00")),
    ],
)
def test_the_first_moment_is_out_of_quiet_time_where_the_contact_is(quiet, zone, expected):
    assert first_moment(MONDAY, ZoneInfo(zone), quiet) == expected


def test_a_quiet_weekend_is_waited_for():
    saturday = date(2026, 10, 3)
    assert first_moment(saturday, ZoneInfo("UTC"), Quiet()) == datetime.fromisoformat("2026-10-05T08:00:00")
    assert first_moment(saturday, ZoneInfo("UTC"), Quiet(weekends=False)) == datetime.fromisoformat(
        "2026-10-03T08:00:00"
    )


def test_a_time_the_clocks_leave_out_becomes_the_one_after_it():
    # In Stockholm 02:30 does not exist on 29 March 2026: clocks go from 02:00 to 03:00, 01:00 UTC.
    found = first_moment(
        date(2026, 3, 29), ZoneInfo("Europe/Stockholm"), Quiet(starts="00:00", ends="02:30", weekends=False)
    )
    assert found == datetime.fromisoformat("2026-03-29T01:30:00")
    local = found.replace(tzinfo=UTC).astimezone(ZoneInfo("Europe/Stockholm"))
    assert not is_quiet(local, Quiet(starts="00:00", ends="02:30", weekends=False))


def test_an_unknown_zone_falls_back_to_the_next_one():
    assert zone_of(None, "Mars/Olympus", "Asia/Shanghai", "UTC").key == "Asia/Shanghai"
    with pytest.raises(ValueError, match=r"none of .* is a time zone"):
        zone_of(None, "")


# --- proposals --------------------------------------------------------------------------------------------------------


def proposed(**changes):
    row = {
        "account_id": "A",
        "contact_id": "a1",
        "rule": "r",
        "family": "nps",
        "play": "call",
        "mode": "human",
        "purpose": "service",
        "priority": 1,
        "reason": "Because",
        "due_on": pd.Timestamp("2026-10-02"),
        "is_must_do": False,
        "program": "own.r",
        "expires_on": pd.Timestamp("2026-10-04"),
    }
    return pd.DataFrame([{**row, **changes}])


def test_a_proposal_has_the_same_id_every_day_of_its_week_and_another_one_the_next():
    first = proposal_id("own", "r", "A", "a1", week_of(date(2026, 9, 28)))
    assert first == proposal_id("own", "r", "A", "a1", week_of(date(2026, 10, 4)))
    assert first != proposal_id("own", "r", "A", "a1", week_of(date(2026, 10, 5)))
    assert first != proposal_id("own", "r", "Aa", "1", WEEK)


def test_the_most_urgent_proposals_come_first():
    rows = pd.concat([proposed(priority=2), proposed(contact_id="a2")], ignore_index=True)
    assert proposals(rows, "own", WEEK)["contact_id"].tolist() == ["a2", "a1"]


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"mode": "robot"}, "mode is one of automated, human"),
        ({"play": None}, "play must be filled"),
        ({"value": 5.0}, "a value has a unit"),
    ],
)
def test_a_proposal_that_breaks_the_contract_is_refused(changes, match):
    with pytest.raises(ValueError, match=match):
        proposals(proposed(**changes), "own", WEEK)


def test_one_rule_names_a_contact_once():
    with pytest.raises(ValueError, match=r"names a contact of an account twice"):
        proposals(pd.concat([proposed(), proposed()]), "own", WEEK)


# --- settings ---------------------------------------------------------------------------------------------------------


def test_two_caps_alike_or_a_day_that_is_all_quiet_are_refused():
    with pytest.raises(ValueError, match=r"the same per, days and channels"):
        ContactPolicy(caps=(Cap(per="contact", touches=1, days=7), Cap(per="contact", touches=2, days=7)))
    with pytest.raises(ValueError, match=r"leaves no time to send"):
        Quiet(starts="08:00", ends="08:00")
