"""The weekly list: who is contacted, by whom and how, what is left out and why, and what a release changes."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from csworkbench.analyses import weekly_list
from csworkbench.analyses.weekly_list.evidence import PROPOSING
from csworkbench.asof import take
from csworkbench.assignment import is_held
from csworkbench.config import changed
from csworkbench.errors import AnalysisError, ConfigError
from csworkbench.exports import write_table
from csworkbench.formats import text
from csworkbench.policy import COLUMNS, Holdout, holdout_table, proposals, week_of
from csworkbench.sources import Contacted
from csworkbench.widgets import knobs
from csworkbench.workspace import Cap, ContactPolicy
from tests.books import book

# Wednesday; the week of the list begins on Monday 28 September, and Sunday the 27th is the last day it knows.
AS_OF = date(2026, 9, 30)
WEEK = week_of(AS_OF)
OPEN = ContactPolicy(least_consents=0, least_suppressions=0, caps=(), quiet=None, service_basis="contract")
NO_HOLDOUT = {"share": 0}
TASK = {
    "account_id": "A01", "csm_id": "anna", "due_at": "2026-09-29T08:00:00", "known_at": "2026-09-20T08:00:00",
}  # fmt: skip


@dataclass(frozen=True)
class Upstream:
    """A result of another analysis, as far as the list reads it."""

    tables: dict[str, pd.DataFrame]
    figures: dict[str, object] = field(default_factory=dict)
    config: dict[str, object] = field(default_factory=dict)


def settings(**changes):
    return weekly_list.Config.model_validate({"holdout": NO_HOLDOUT, "free_share": 1.0, **changes})


def proposal(person, **changes):
    """A proposal to call somebody at the account of the same number: 30 minutes of Anna."""
    base = {
        "account_id": f"A{person[1:]}",
        "contact_id": person,
        "rule": "check_in",
        "family": "lifecycle",
        "play": "check-in",
        "mode": "human",
        "purpose": "service",
        "channel": "email",
        "csm_id": "anna",
        "minutes": 30.0,
        "priority": 1,
        "reason": "Nobody has called for a month",
        "due_on": pd.Timestamp("2026-10-02"),
        "is_must_do": False,
        "program": "triggers.check_in",
        "expires_on": pd.Timestamp("2026-10-04"),
    }
    return {**base, **changes}


def made(rows, analysis="triggers"):
    return proposals(pd.DataFrame(rows or None, columns=None if rows else list(proposal("P01"))), analysis, WEEK)


def tables(people=6, minutes=60, **changes):
    names = [f"P{place:02}" for place in range(1, people + 1)]
    base = {
        "accounts": [{"account_id": f"A{name[1:]}", "name": f"Company {name[1:]}"} for name in names],
        "contacts": [{"contact_id": name, "account_id": f"A{name[1:]}", "language": "sv"} for name in names],
        "contact_pii": [
            {"contact_id": name, "email": f"{name}@x.se", "phone": f"+467012345{name[1:]}"} for name in names
        ],
        "consents": [
            {
                "contact_id": "P99",
                "channel": "sms",
                "purpose": "marketing",
                "status": "granted",
                "valid_from": "2026-01-01T00:00:00",
            }
        ],
        "suppressions": [{"contact_id": "P99"}],
        "csms": [
            {"csm_id": "anna", "name": "Anna", "languages": "sv;en", "capacity_minutes_week": minutes, "role": "csm"},
            {"csm_id": "bo", "name": "Bo", "languages": "en;zh", "capacity_minutes_week": minutes, "role": "csm"},
        ],
    }
    return {**base, **changes}


def prepared(rows, data=None, policy=OPEN, released=(), as_of=AS_OF, config=None, own=None):
    whole = book(data or tables())
    workspace = whole.workspace.model_copy(update={"contact_policy": policy})
    upstream = rows if isinstance(rows, dict) else {"triggers": made(rows)}
    draws = {} if own is None else {"holdout": own}
    found = {name: Upstream({"proposals": table, **draws}) for name, table in upstream.items()}
    snapshot = take(replace(whole, workspace=workspace, released=tuple(released)), as_of)
    return weekly_list.prepare(snapshot, config or settings(), found)


def result(rows, data=None, policy=OPEN, released=(), as_of=AS_OF, config=None, own=None):
    config = config or settings()
    return weekly_list.analyze(prepared(rows, data, policy, released, as_of, config, own), config)


def listed(found):
    return sorted(found.tables["list"]["contact_id"])


def left(found):
    return dict(zip(found.tables["left_out"]["contact_id"], found.tables["left_out"]["reason"], strict=True))


def codes(found):
    return {caveat.code for caveat in found.caveats}


def as_released(frame, analysis="weekly_list", first=WEEK.first, tmp_path=None):
    """The rows of a list as they come back from records/."""
    import csv
    import io

    from csworkbench.exports.tables import csv_text

    ids = [name for name in frame if name.endswith("_id")]
    rows = csv.DictReader(io.StringIO(csv_text(frame, ids), newline=""))
    names = ("proposal_id", "account_id", "contact_id", "program", "mode", "channel", "csm_id")
    return [
        Contacted(
            *(row[name] for name in names),
            sent_on=date.fromisoformat(row["sent_on"]),
            analysis=analysis,
            first_day=first,
            known_on=first,
            row=row,
        )
        for row in rows
    ]


# --- who is listed ----------------------------------------------------------------------------------------------------


def test_a_week_holds_what_there_is_time_for_by_priority():
    # 60 minutes are two calls of 30.
    found = result([proposal("P01", priority=2), proposal("P02"), proposal("P03", priority=3)])
    assert listed(found) == ["P01", "P02"]
    assert left(found) == {"P03": "no time of the CSM left"}


def test_rows_have_the_rank_in_which_they_are_served():
    rows = [proposal("P01", priority=3), proposal("P02", priority=2), proposal("P03", priority=9, is_must_do=True)]
    found = result(rows, tables(minutes=900)).tables["list"].set_index("contact_id")["rank"]
    assert found.to_dict() == {"P03": 1, "P02": 2, "P01": 3}


def test_a_rank_stays_when_another_row_is_struck_off():
    refusal = {"contact_id": "P01", "channel": "email", "purpose": "service", "status": "denied"}
    consents = [*tables()["consents"], {**refusal, "valid_from": "2026-09-29T10:00:00"}]
    rows = [proposal("P01", priority=1), proposal("P02", priority=2)]
    found = result(rows, tables(minutes=900, consents=consents)).tables
    assert list(found["struck"]["contact_id"]) == ["P01"]
    assert found["list"][["contact_id", "rank"]].to_numpy().tolist() == [["P02", 2]]


def test_listed_and_left_out_are_all_proposals_of_every_analysis():
    rows = {
        "triggers": made([proposal("P01"), proposal("P02"), proposal("P03")]),
        "touch_matrix": made([proposal("P04", program="touch_matrix.due", rule="due")], "touch_matrix"),
    }
    found = result(rows)
    ids = [*found.tables["list"]["proposal_id"], *found.tables["left_out"]["proposal_id"]]
    assert sorted(ids) == sorted(pd.concat(rows.values())["proposal_id"])
    sources = found.tables["sources"].set_index("analysis")
    assert sources.loc["touch_matrix", ["proposals", "listed", "left_out"]].tolist() in ([1, 1, 0], [1, 0, 1])


def test_what_the_system_sends_takes_no_time():
    found = result([proposal(f"P{n:02}", mode="automated") for n in range(1, 7)], tables(minutes=0))
    assert len(listed(found)) == 6


def test_minutes_already_planned_are_not_given_away():
    # 60 minutes less a task (30) due in the week leave one call; a task that is done, or due later, takes nothing.
    tasks = [
        {"task_id": "T1", **TASK},
        {"task_id": "T2", **TASK, "due_at": "2026-10-05T08:00:00"},
        {"task_id": "T3", **TASK, "done_at": "2026-09-21T08:00:00"},
    ]  # fmt: skip
    found = result([proposal("P01"), proposal("P02", priority=2)], tables(tasks=tasks))
    assert listed(found) == ["P01"]
    anna = found.tables["capacity"].set_index("csm_id").loc["anna"]
    assert anna[["capacity", "planned", "free", "used", "left"]].tolist() == [60, 30, 30, 30, 0]


def test_a_meeting_takes_the_time_of_who_looks_after_the_account():
    meetings = [
        {
            "meeting_id": "M1",
            "account_id": "A01",
            "planned_at": "2026-09-29T08:00:00",
            "known_at": "2026-09-20T08:00:00",
        }
    ]
    assigned = [{"account_id": "A01", "role": "csm", "csm_id": "anna", "valid_from": "2026-01-01"}]
    found = result([proposal("P02")], tables(meetings=meetings, assignments=assigned))
    assert left(found) == {"P02": "no time of the CSM left"}


def test_calls_on_the_official_list_of_another_page_take_their_time():
    # 60 minutes less an official call of 30 by Anna leave one call; Bo's, what the system sends and last week's do not.
    rows = [
        proposal("P03"),
        proposal("P04"),
        proposal("P05", mode="automated"),
        proposal("P06", priority=2),
    ]
    theirs = as_released(result(rows, tables(minutes=600)).tables["list"], "nps_outreach")
    assert theirs[-1].contact_id == "P06"
    official = [replace(each, csm_id="bo") if each.contact_id == "P04" else each for each in theirs[:-1]]
    official.append(replace(theirs[-1], first_day=WEEK.first - timedelta(weeks=1), row={"minutes": "30"}))
    found = result([proposal("P01"), proposal("P02", priority=2)], released=official)
    assert left(found) == {"P02": "no time of the CSM left"}
    anna = found.tables["capacity"].set_index("csm_id").loc["anna"]
    assert anna[["planned", "free", "used"]].tolist() == [30, 30, 30]


def test_an_official_call_of_an_earlier_week_takes_its_time_until_it_is_done():
    call = as_released(result([proposal("P03", expires_on=pd.Timestamp("2026-10-11"))]).tables["list"])
    later = {"due_on": pd.Timestamp("2026-10-09"), "expires_on": pd.Timestamp("2026-10-11")}
    rows = [proposal("P01", **later), proposal("P02", priority=2, **later)]
    following = AS_OF + timedelta(days=7)
    assert listed(result(rows, released=call, as_of=following)) == ["P01"]
    done = {"touch_id": "X1", "account_id": "A03", "contact_id": "P03", "sent_at": "2026-10-01T10:00:00"}
    data = tables(touches=[{**done, "proposal_id": call[0].proposal_id}])
    assert listed(result(rows, data, released=call, as_of=following)) == ["P01", "P02"]


def test_a_csm_whose_week_is_another_one_has_the_time_the_settings_say():
    # Of 60 minutes two calls of 30 fit; Anna has half an hour this week, so one does.
    rows = [proposal("P01"), proposal("P02", priority=2)]
    assert left(result(rows)) == {}
    found = result(rows, config=settings(capacity_minutes={"anna": 30}))
    assert left(found) == {"P02": "no time of the CSM left"}
    assert found.tables["capacity"].set_index("csm_id")["capacity"].to_dict() == {"anna": 30, "bo": 60}


def test_time_of_somebody_who_is_no_csm_is_refused_by_name():
    with pytest.raises(AnalysisError, match=r"capacity_minutes.ana.*'ana'.*did you mean 'anna'"):
        result([proposal("P01")], config=settings(capacity_minutes={"ana": 30}))


TURNED = (
    {"free_share": 0.5}, {"stand_in": False}, {"holdout.share": 0.5}, {"capacity_minutes": {"anna": 300, "bo": 5}},
    {"channels.call.minutes": 5.0}, {"channels.chat.at_once": 2.0}, {"channels.chat.reach": 0.9},
    {"channels.email.most": 0}, {"planned.task": 5.0}, {"planned.meeting": 5.0}, {"planned.plan_step": 5.0},
)  # fmt: skip


def test_every_setting_that_may_be_turned_gives_what_a_run_with_it_gives():
    calls = [proposal(f"P{n:02}", minutes=None if n % 2 else 30.0, priority=n) for n in range(1, 5)]
    mails = [proposal(f"P{n:02}", mode="automated", channel="email", csm_id=None, priority=n) for n in range(5, 13)]
    rows = [*calls, *mails]
    rows += [proposal("P13", csm_id="bo", channel="chat"), proposal("P14", csm_id="bo")]
    meeting = {"meeting_id": "M1", "account_id": "A01", "known_at": "2026-09-20T08:00:00"}
    step = {"plan_id": "S1", "step_no": 1, "planned_at": "2026-09-30", "known_at": "2026-09-01T08:00:00"}
    data = tables(
        14, 120, tasks=[{"task_id": "T1", **TASK}], meetings=[{**meeting, "planned_at": "2026-09-29T08:00:00"}],
        plans=[{"plan_id": "S1", "account_id": "A02"}], plan_steps=[step],
        assignments=[{"account_id": name, "role": "csm", "csm_id": who, "valid_from": "2026-01-01"}
                     for name, who in (("A01", "anna"), ("A02", "bo"))],
    )  # fmt: skip
    official = as_released(result([proposal("P15", minutes=None)], tables(15, 600)).tables["list"], "nps_outreach")
    official = [replace(each, row={**each.row, "minutes": ""}) for each in official]
    inputs = prepared(rows, data, released=official)
    before, others = weekly_list.analyze(inputs, settings()), set()
    for made in TURNED:
        config = changed(settings(), made)
        turned = weekly_list.analyze(inputs, config)
        run = weekly_list.analyze(prepared(rows, data, released=official, config=config), config)
        assert turned.figures == run.figures
        for name, table in run.tables.items():
            pd.testing.assert_frame_equal(turned.tables[name], table)
            others |= {next(iter(made))} if not table.equals(before.tables[name]) else set()
    # None of them does nothing, or the test would not show that it is asked.
    assert others == {next(iter(made)) for made in TURNED}
    kinds = [
        {(key.split(".")[0], key.rsplit(".", 1)[-1]) for key in keys}
        for keys in ([knob.key for knob in knobs(settings())], [key for made in TURNED for key in made])
    ]
    assert kinds[0] == kinds[1]


def test_a_chat_of_several_at_once_takes_part_of_the_minutes():
    # 45 minutes of a chat, 4.5 at once, are 10.
    found = result([proposal("P01", channel="chat", minutes=45.0)])
    assert found.tables["list"]["minutes"].tolist() == [10]


def test_a_chat_stands_in_where_there_is_no_time_for_a_call():
    # A call of 45 minutes does not fit into 20; 45 / 4.5 = 10 minutes of chat do.
    found = result([proposal("P01", channel="call", minutes=45.0)], tables(minutes=20))
    assert found.tables["list"][["channel", "minutes"]].to_numpy().tolist() == [["chat", 10.0]]


def test_a_call_is_preferred_where_there_is_time():
    found = result([proposal("P01", channel="call", minutes=45.0)])
    assert found.tables["list"]["channel"].tolist() == ["call"]


def test_a_channel_without_an_address_needs_the_declared_basis_all_the_same():
    rows = [proposal("P01", channel="in_app", mode="automated")]
    assert listed(result(rows)) == ["P01"]
    assert left(result(rows, policy=OPEN.model_copy(update={"service_basis": None}))) == {"P01": "no consent"}


def test_nobody_is_proposed_by_hand_on_a_channel_of_the_system():
    config = settings(channels={"in_app": {"is_automated": True, "reach": 1}, "call": {"minutes": 20, "reach": 0.1}})
    found = result([proposal("P01", channel=None)], config=config)
    assert found.tables["list"]["channel"].tolist() == ["call"]


def test_a_channel_takes_no_more_than_its_most():
    config = settings(channels={"sms": {"most": 1}})
    rows = [
        proposal("P01", channel="sms", mode="automated"),
        proposal("P02", channel="sms", mode="automated", priority=2),
    ]
    found = result(rows, config=config)
    assert listed(found) == ["P01"]
    assert left(found) == {"P02": "channel is full"}


def test_a_colleague_who_speaks_the_language_steps_in():
    contacts = [{"contact_id": "P01", "account_id": "A01", "language": "zh-CN"}]
    found = result([proposal("P01")], tables(contacts=contacts))
    assert found.tables["list"]["csm_id"].tolist() == ["bo"]


@pytest.mark.parametrize("languages", ["en;zh", "en,zh", "en、zh", "en zh", " EN ;zh_CN; ", "en，zh"])
def test_languages_are_understood_whatever_stands_between_them(languages):
    csms = [
        {"csm_id": "anna", "name": "Anna", "languages": "sv", "capacity_minutes_week": 60, "role": "csm"},
        {"csm_id": "bo", "name": "Bo", "languages": languages, "capacity_minutes_week": 60, "role": "csm"},
    ]
    contacts = [{"contact_id": "P01", "account_id": "A01", "language": "zh-CN"}]
    found = result([proposal("P01")], tables(contacts=contacts, csms=csms))
    assert found.tables["list"]["csm_id"].tolist() == ["bo"]


def test_without_stand_ins_the_language_keeps_somebody_out():
    contacts = [{"contact_id": "P01", "account_id": "A01", "language": "zh"}]
    found = result([proposal("P01")], tables(contacts=contacts), config=settings(stand_in=False))
    assert left(found) == {"P01": "nobody in charge speaks the language"}


def test_a_book_without_contacts_has_a_list_of_nobody():
    bare = {name: rows for name, rows in tables().items() if name == "accounts"}
    assert listed(result([], data=bare)) == []


def test_a_proposal_for_an_account_goes_to_its_primary_contact():
    contacts = [
        {"contact_id": "P01", "account_id": "A01", "is_primary": False},
        {"contact_id": "P02", "account_id": "A01", "is_primary": True},
    ]
    rows = made([proposal("P01")]).assign(contact_id=pd.Series([None], dtype="str"))
    assert listed(result({"triggers": rows}, tables(contacts=contacts))) == ["P02"]


def test_a_condition_of_the_settings_leaves_out_with_its_name_as_the_reason():
    contacts = [
        {"contact_id": "P01", "account_id": "A01", "role": "user"},
        {"contact_id": "P02", "account_id": "A02", "role": "buyer"},
    ]
    config = settings(leave_out={"buyers are the lead's": {"attribute": "role", "is": "buyer"}})
    found = result([proposal("P01"), proposal("P02", is_must_do=True)], tables(contacts=contacts), config=config)
    assert listed(found) == ["P01"]
    assert left(found) == {"P02": "buyers are the lead's"}


def test_a_condition_that_cannot_be_asked_stops_the_list():
    config = settings(leave_out={"waits for us": {"attribute": "unanswered", "at_least": 1}})
    with pytest.raises(ConfigError, match=r"'unanswered' is read from messages, which is not in the workspace"):
        result([proposal("P01")], config=config)


# --- the policy -------------------------------------------------------------------------------------------------------


def test_a_person_is_contacted_once_a_week():
    found = result([proposal("P01"), proposal("P01", rule="renewal", priority=2)])
    assert found.tables["list"]["rule"].tolist() == ["check_in"]
    assert left(found) == {"P01": "same person on the list already"}


def test_the_cap_of_an_account_holds_over_programs():
    contacts = [{"contact_id": f"P0{n}", "account_id": "A01"} for n in (1, 2, 3)]
    policy = OPEN.model_copy(update={"caps": (Cap(per="account", touches=2, days=14),)})
    rows = [proposal(f"P0{n}", account_id="A01", mode="automated", priority=n, rule=f"r{n}") for n in (1, 2, 3)]
    found = result(rows, tables(contacts=contacts), policy)
    assert listed(found) == ["P01", "P02"]
    assert left(found) == {"P03": "account at the cap"}


def test_nobody_without_consent_is_listed():
    found = result([proposal("P01", purpose="marketing"), proposal("P02")])
    assert listed(found) == ["P02"]
    assert left(found) == {"P01": "no consent"}


def test_who_is_not_asked_again_on_the_only_channel_may_be_on_another_one():
    refusal = [
        {
            "contact_id": "P01",
            "channel": "call",
            "purpose": "service",
            "status": "denied",
            "valid_from": "2026-01-01T00:00:00",
        }
    ]
    found = result([proposal("P01", channel="call")], tables(consents=refusal))
    assert found.tables["list"]["channel"].tolist() == ["chat"]


def test_a_csm_gets_no_more_rows_than_the_policy_allows():
    policy = OPEN.model_copy(update={"notices_per_csm": 1})
    found = result([proposal("P01", minutes=1.0), proposal("P02", minutes=1.0, priority=2)], policy=policy)
    assert left(found) == {"P02": "CSM has enough for the week"}


def test_no_generated_week_lists_anybody_the_policy_forbids_and_the_parts_add_up():
    draw = np.random.default_rng(7)
    for _ in range(5):
        people = [f"P{n:02}" for n in range(1, 13)]
        refusals = [
            {
                "contact_id": who,
                "channel": channel,
                "purpose": "service",
                "status": "denied",
                "valid_from": "2026-01-01T00:00:00",
            }
            for who in people
            for channel in ("call", "email", "chat")
            if draw.random() < 0.3
        ]
        rows = [
            proposal(
                str(draw.choice(people)), rule=f"r{n}", channel=str(draw.choice(["call", "email"])),
                mode=str(draw.choice(["human", "automated"])), priority=int(draw.integers(1, 4)),
                minutes=float(draw.integers(5, 40)), is_must_do=bool(draw.random() < 0.1),
            )
            for n in range(30)
        ]  # fmt: skip
        policy = OPEN.model_copy(update={"caps": (Cap(per="account", touches=1, days=7),)})
        found = result(rows, tables(12, 100, consents=refusals), policy)
        table = found.tables["list"]
        denied = {(row["contact_id"], row["channel"]) for row in refusals}
        assert not denied & set(zip(table["contact_id"], table["channel"], strict=True))
        assert max(Counter(table["contact_id"]).values(), default=0) <= 1
        assert max(Counter(table["account_id"]).values(), default=0) <= 1
        assert len(table) + len(found.tables["left_out"]) == 30
        minutes = table[(table["mode"] == "human") & ~table["is_must_do"]].groupby("csm_id")["minutes"].sum()
        assert (minutes <= 100 + 1e-6).all()


# --- must-do ----------------------------------------------------------------------------------------------------------


def test_must_do_calls_beyond_the_time_are_listed_and_the_excess_is_told():
    rows = [proposal(f"P0{n}", is_must_do=True, minutes=45.0) for n in (1, 2)]
    found = result(rows)
    # 90 minutes in a week of 60.
    assert listed(found) == ["P01", "P02"]
    assert found.tables["short"][["what", "exceeded_by"]].to_numpy().tolist() == [["minutes of anna", 30.0]]
    assert "minutes of anna by 30" in " ".join(text(each.message) for each in found.caveats)


def test_a_must_do_call_that_may_not_be_made_is_named_with_its_reason():
    suppressed = [{"contact_id": "P01"}]
    found = result([proposal("P01", is_must_do=True)], tables(suppressions=suppressed))
    assert listed(found) == []
    assert "check_in of P01 (suppressed)" in " ".join(text(each.message) for each in found.caveats)


# --- prices -----------------------------------------------------------------------------------------------------------


def test_an_hour_more_is_priced_in_contacts_without_an_experiment():
    # Two of three mails of 30 minutes fit; an hour more is two more, each reached by .3.
    rows = [proposal(f"P0{n}") for n in (1, 2, 3, 4, 5)]
    capacity = result(rows).tables["capacity"].set_index("csm_id")
    assert capacity.loc["anna", "more_per_hour"] == pytest.approx(2 * 0.3)
    assert capacity.loc["anna", "of_priority"] == 1
    assert capacity.loc["bo", "more_per_hour"] == 0


def test_without_an_experiment_behind_every_proposal_nothing_is_money():
    rows = [proposal("P01", value=500.0, value_unit="EUR"), proposal("P02")]
    found = result(rows, tables(minutes=30))
    assert "no_value" in codes(found)
    assert set(found.tables["stages"]["unit"]) == {"contacts"}
    assert "EUR" not in " ".join(text(each) for each in (found.headline, *found.actions))


def test_with_experiments_proposals_compete_by_value_and_an_hour_has_a_price():
    # 30 minutes: the second one is worth more, whatever its priority. 400 EUR reached by .3 in 30 minutes: 240 an hour.
    rows = [
        proposal("P01", value=400.0, value_unit="EUR"),
        proposal("P02", value=500.0, value_unit="EUR", priority=5),
    ]
    found = result(rows, tables(minutes=30))
    assert listed(found) == ["P02"]
    assert found.tables["capacity"].set_index("csm_id").loc["anna", "more_per_hour"] == pytest.approx(240)
    assert "an hour more of Anna is worth €240" in " ".join(text(each) for each in found.actions)


def test_a_stage_says_how_near_its_bound_it_is():
    # 60 minutes, tasks of 40: one whole and one half fit; the plan has one.
    rows = [proposal(f"P0{n}", minutes=40.0) for n in (1, 2)]
    stage = result(rows).tables["stages"].iloc[0]
    assert stage["stage"] == "priority 1"
    assert stage["gain"] == pytest.approx(0.3)
    # What does not fit twice is still half of it in the relaxed program: 1.5 x .3.
    assert stage["bound"] == pytest.approx(0.45)
    assert stage["gap"] == pytest.approx(1 / 3)


# --- the week is frozen -----------------------------------------------------------------------------------------------


def written(found, folder):
    frame = found.tables["list"]
    write_table(frame, folder, "list", [name for name in frame if name.endswith("_id")])
    return (folder / "list.csv").read_bytes()


def test_every_day_of_the_week_gives_the_same_bytes(tmp_path):
    rows = [proposal(f"P0{n}") for n in (1, 2, 3)]
    late = [
        {
            "task_id": "T1",
            "account_id": "A01",
            "csm_id": "anna",
            "due_at": "2026-10-01T08:00:00",
            "known_at": "2026-09-29T08:00:00",
        }
    ]
    data = tables(tasks=late)
    monday, sunday = (result(rows, data, as_of=day) for day in (WEEK.first, WEEK.last))
    assert written(monday, tmp_path / "a") == written(sunday, tmp_path / "b")


def test_the_order_of_rows_does_not_matter(tmp_path):
    rows = made([proposal(f"P0{n}") for n in (1, 2, 3, 4)])
    one, other = (result({"triggers": frame}) for frame in (rows, rows.iloc[::-1]))
    assert written(one, tmp_path / "a") == written(other, tmp_path / "b")


def test_the_official_list_of_the_week_wins_to_the_byte(tmp_path):
    rows = [proposal("P01"), proposal("P02", value=1.5, value_unit="EUR")]
    first = result(rows)
    again = result([proposal("P03"), proposal("P04"), proposal("P01")], released=as_released(first.tables["list"]))
    assert written(first, tmp_path / "a") == written(again, tmp_path / "b")
    assert set(left(again)) == {"P03", "P04"}
    assert set(left(again).values()) <= {"not on the official list of the week", "no time of the CSM left"}


def test_only_an_official_list_counts_as_contact_next_week():
    policy = OPEN.model_copy(update={"caps": (Cap(per="contact", touches=1, days=14),)})
    first = result([proposal("P01")], policy=policy)
    later = AS_OF + timedelta(days=7)
    due = {"due_on": pd.Timestamp("2026-10-09"), "expires_on": pd.Timestamp("2026-10-11")}
    unreleased = result([proposal("P01", **due)], policy=policy, as_of=later)
    assert listed(unreleased) == ["P01"]
    official = as_released(first.tables["list"])
    released = result([proposal("P01", **due)], policy=policy, as_of=later, released=official)
    assert left(released) == {"P01": "contact at the cap"}


def test_who_refuses_during_the_week_is_struck_off_and_nobody_moves_up():
    # Time for two of three: on Monday P01 and P02 or whoever the ids put first; one of them refuses on Tuesday.
    rows = [proposal(f"P0{n}") for n in (1, 2, 3)]
    monday = result(rows, as_of=WEEK.first)
    gone, stays = listed(monday)
    refusal = {"contact_id": gone, "channel": "email", "purpose": "service", "status": "denied"}
    data = tables(consents=[{**refusal, "valid_from": "2026-09-29T10:00:00"}])
    assert listed(result(rows, data, as_of=WEEK.first)) == listed(monday)
    found = result(rows, data)
    assert listed(found) == [stays]
    off = found.tables["struck"]
    assert off[["contact_id", "reason"]].to_numpy().tolist() == [[gone, "refused, since the week began"]]
    assert left(found)[gone] == "refused, since the week began"
    assert len(found.tables["list"]) + len(found.tables["left_out"]) == 3
    assert "struck_off" in codes(found)


def test_a_suppression_that_ends_during_the_week_adds_nobody_to_the_list():
    data = tables(suppressions=[{"contact_id": "P01", "until": "2026-09-30"}])
    assert left(result([proposal("P01")], data, as_of=WEEK.last)) == {"P01": "suppressed"}


def test_a_touch_since_monday_strikes_off_who_is_at_the_cap():
    policy = OPEN.model_copy(update={"caps": (Cap(per="contact", touches=1, days=14),)})
    touch = {"touch_id": "X1", "account_id": "A01", "contact_id": "P01", "sent_at": "2026-09-29T10:00:00"}
    rows, data = [proposal("P01"), proposal("P02")], tables(touches=[{**touch, "initiator": "marketing"}])
    assert listed(result(rows, data, policy, as_of=WEEK.first)) == ["P01", "P02"]
    assert left(result(rows, data, policy)) == {"P01": "contact at the cap, since the week began"}


def test_the_list_and_who_is_struck_off_are_together_the_same_every_day():
    policy = OPEN.model_copy(update={"caps": (Cap(per="account", touches=1, days=14),)})
    rows = [proposal("P01", account_id="A01"), proposal("P07", account_id="A01"), proposal("P02")]
    data = tables(people=7)
    data["contacts"][6]["account_id"] = "A01"
    data["contacts"][0]["left_at"] = "2026-09-29T10:00:00"
    data["suppressions"] = [{"contact_id": "P07", "known_at": "2026-09-30T10:00:00"}]
    together = []
    for day in range(7):
        found = result(rows, data, policy, as_of=WEEK.first + timedelta(days=day))
        assert set(listed(found)) & {"P01", "P07"} == ({"P01", "P07"} & set(listed(found)) if day < 1 else set())
        together.append(sorted([*found.tables["list"]["proposal_id"], *found.tables["struck"]["proposal_id"]]))
    assert together == together[:1] * 7
    assert len(together[0]) == 2


def test_who_may_not_be_contacted_any_more_is_struck_off_the_official_list_too():
    official = as_released(result([proposal("P01"), proposal("P02")]).tables["list"])
    gone = tables()
    gone["contacts"][0]["left_at"] = "2026-09-29T00:00:00"
    now = result([proposal("P02")], gone, released=official)
    assert listed(now) == ["P02"]
    assert now.tables["struck"][["contact_id", "reason"]].to_numpy().tolist() == [["P01", "person left"]]
    assert now.releases == ()  # what is official stays as it was


def test_who_is_at_a_cap_since_is_struck_off_the_official_list_and_nobody_says_skipped():
    policy = OPEN.model_copy(update={"caps": (Cap(per="contact", touches=1, days=14),)})
    official = as_released(result([proposal("P01")], policy=policy).tables["list"])
    touch = {"touch_id": "X1", "account_id": "A01", "contact_id": "P01", "sent_at": "2026-09-29T10:00:00"}
    now = result([proposal("P01")], tables(touches=[touch]), policy, released=official)
    assert listed(now) == []
    row = now.tables["states"].iloc[0]
    assert (row["state"], row["reason"]) == ("proposed", "contact at the cap")


@pytest.mark.parametrize(("expires", "off"), [("2026-10-06", ["P01"]), ("2026-10-04", [])])
def test_an_official_row_that_still_holds_in_a_later_week_is_asked_about_again(expires, off):
    rows = [proposal(name, expires_on=pd.Timestamp(expires)) for name in ("P01", "P02")]
    official = as_released(result(rows).tables["list"])
    gone = tables()
    gone["contacts"][0]["left_at"] = "2026-10-05T08:00:00"
    later = result({"triggers": made([])}, gone, released=official, as_of=AS_OF + timedelta(days=6))
    assert list(later.tables["struck"]["contact_id"]) == off
    reasons = dict(zip(later.tables["states"]["state"], later.tables["states"]["reason"], strict=True))
    assert reasons == ({"skipped": "person left", "proposed": ""} if off else {"expired": ""})


def test_an_official_row_of_an_earlier_week_is_not_at_the_cap_by_itself():
    policy = OPEN.model_copy(update={"caps": (Cap(per="contact", touches=1, days=14),)})
    official = as_released(
        result([proposal("P01", expires_on=pd.Timestamp("2026-10-11"))], policy=policy).tables["list"]
    )
    later = result({"triggers": made([])}, policy=policy, released=official, as_of=AS_OF + timedelta(days=7))
    assert later.tables["struck"].empty
    other = {"touch_id": "X1", "account_id": "A01", "contact_id": "P01", "sent_at": "2026-10-05T10:00:00"}
    touched = result(
        {"triggers": made([])}, tables(touches=[other]), policy, released=official, as_of=AS_OF + timedelta(days=7)
    )
    assert list(touched.tables["struck"]["reason"]) == ["contact at the cap"]


def test_what_is_on_the_official_list_of_another_page_is_not_listed_twice():
    first = result([proposal("P01")])
    found = result([proposal("P01")], released=as_released(first.tables["list"], "triggers"))
    assert left(found) == {"P01": "on the official list of triggers already"}


def test_the_release_is_once_a_week_and_keeps_who_was_held_out():
    (offer,) = result([proposal("P01")]).releases
    assert (offer.place, offer.beside, offer.is_once) == ("lists/weekly_list-2026-09-28", ("held_out",), True)


def test_an_empty_list_cannot_be_released():
    assert result([proposal("P01", purpose="marketing")]).releases == ()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"due_on": pd.Timestamp("2026-10-05"), "expires_on": pd.Timestamp("2026-10-11")}, "due later: 5 Oct 2026"),
        ({"expires_on": pd.Timestamp("2026-09-27")}, "expired before the week"),
    ],
)
def test_what_is_not_for_this_week_is_left_out(changes, reason):
    assert left(result([proposal("P01", **changes)])) == {"P01": reason}


# --- states -----------------------------------------------------------------------------------------------------------


def states(found):
    frame = found.tables["states"]
    return dict(zip(frame["proposal_id"], frame["state"], strict=True))


def test_a_row_is_proposed_until_a_touch_names_it():
    first = result([proposal("P01"), proposal("P02")])
    ids = dict(zip(first.tables["list"]["contact_id"], first.tables["list"]["proposal_id"], strict=True))
    assert states(first) == dict.fromkeys(ids.values(), "proposed")
    touch = [
        {
            "touch_id": "X1",
            "account_id": "A01",
            "contact_id": "P01",
            "proposal_id": ids["P01"],
            "sent_at": "2026-09-29T10:00:00",
        }
    ]
    now = result([proposal("P01"), proposal("P02")], tables(touches=touch), released=as_released(first.tables["list"]))
    assert states(now) == {ids["P01"]: "sent", ids["P02"]: "proposed"}


@pytest.mark.parametrize("is_official", [True, False])
def test_what_was_sent_is_not_struck_off_by_its_own_touch(is_official):
    policy = OPEN.model_copy(update={"caps": (Cap(per="contact", touches=1, days=14),)})
    rows = [proposal("P01", is_must_do=True)]
    touch = {"touch_id": "X1", "account_id": "A01", "contact_id": "P01", "sent_at": "2026-09-29T10:00:00"}
    elsewhere = {**touch, "touch_id": "X0", "account_id": "A02", "contact_id": "P02", "sent_at": "2026-01-01T10:00:00"}
    first = result(rows, tables(touches=[elsewhere]), policy)
    data = tables(touches=[{**touch, "proposal_id": first.tables["list"]["proposal_id"].item()}])
    now = result(rows, data, policy, as_released(first.tables["list"]) if is_official else ())
    assert listed(now) == ["P01"]
    assert codes(now) == codes(first)
    assert set(states(now).values()) == {"sent"}


@pytest.mark.parametrize("is_sent", [False, True])
@pytest.mark.parametrize(
    ("name", "row", "reason"),
    [
        ("suppressions", {"contact_id": "P01", "known_at": "2026-09-29T10:00:00"}, "suppressed"),
        ("consents", {"status": "denied", "valid_from": "2026-09-29T10:00:00", "valid_to": None}, "refused"),
        ("consents", {"status": "granted", "valid_to": "2026-09-29T10:00:00"}, "no consent"),
    ],
)
def test_an_official_row_is_struck_off_in_the_week_as_long_as_it_was_not_sent(name, row, reason, is_sent):
    yes = {"contact_id": "P01", "channel": "email", "purpose": "marketing", "status": "granted",
           "valid_from": "2026-01-01T00:00:00", "valid_to": None}  # fmt: skip
    rows = [proposal("P01", purpose="marketing")]
    official = as_released(result(rows, tables(consents=[yes])).tables["list"])
    touch = {"touch_id": "X1", "account_id": "A01", "contact_id": "P01", "sent_at": "2026-09-29T08:00:00"}
    now = tables(consents=[yes] if reason != "no consent" else [])
    now[name] = [*now[name], {**yes, **row} if name == "consents" else row]
    now |= {"touches": [{**touch, "proposal_id": official[0].proposal_id}]} if is_sent else {}
    found = result(rows, now, released=official)
    assert list(found.tables["struck"]["reason"]) == ([] if is_sent else [reason])
    assert listed(found) == (["P01"] if is_sent else [])


def test_a_row_of_last_week_that_was_not_sent_has_expired():
    first = result([proposal("P01")])
    official = as_released(first.tables["list"])
    now = result(
        {"triggers": made([proposal("P02")])}, as_of=AS_OF + timedelta(days=7), released=official
    )  # fmt: skip
    assert states(now)[official[0].proposal_id] == "expired"


def test_a_row_of_the_official_list_is_skipped_when_the_contact_refuses_and_says_why():
    official = as_released(result([proposal("P01")]).tables["list"])
    refusal = [
        {
            "contact_id": "P01",
            "channel": "email",
            "purpose": "service",
            "status": "denied",
            "valid_from": "2026-09-29T00:00:00",
        }
    ]
    now = result([proposal("P01")], tables(consents=refusal), released=official)
    row = now.tables["states"].iloc[0]
    assert (row["state"], row["reason"]) == ("skipped", "refused")
    assert "official_list_changed" in codes(now)


def test_a_row_nobody_proposes_any_more_stays_on_the_official_list_without_a_doubt():
    official = as_released(result([proposal("P01")]).tables["list"])
    now = result([proposal("P02")], released=official)
    assert listed(now) == ["P01"]
    assert states(now) == {official[0].proposal_id: "proposed"}
    assert "official_list_changed" not in codes(now)


def test_a_task_that_was_dropped_is_skipped_with_its_cause():
    official = as_released(result([proposal("P01")]).tables["list"])
    task = [
        {
            "task_id": "T1",
            "account_id": "A01",
            "proposal_id": official[0].proposal_id,
            "status": "Skipped",
            "cause": "on holiday",
            "done_at": "2026-09-29T08:00:00",
            "known_at": "2026-09-28T08:00:00",
        }
    ]
    row = result([proposal("P01")], tables(tasks=task), released=official).tables["states"].iloc[0]
    assert (row["state"], row["reason"]) == ("skipped", "on holiday")


# --- holdout ----------------------------------------------------------------------------------------------------------


def many(count, **changes):
    return made([proposal(f"P{n:03}", mode="automated", **changes) for n in range(1, count + 1)])


def large(count):
    names = [f"P{n:03}" for n in range(1, count + 1)]
    return tables(
        accounts=[{"account_id": f"A{name[1:]}"} for name in names],
        contacts=[{"contact_id": name, "account_id": f"A{name[1:]}"} for name in names],
        contact_pii=[{"contact_id": name, "email": f"{name}@x.se"} for name in names],
    )


def test_automated_lists_leave_a_share_of_accounts_alone_by_lot():
    found = result({"triggers": many(200)}, large(200), config=settings(holdout={"share": 0.2}))
    held = set(found.tables["held_out"]["account_id"])
    low, high = binom.interval(0.999, 200, 0.2)
    assert low <= len(held) <= high
    assert held == {f"A{n:03}" for n in range(1, 201) if is_held(f"A{n:03}", "triggers.check_in/1", 0.2)}
    assert not held & set(found.tables["list"]["account_id"])


def test_must_do_contacts_are_never_held_out():
    found = result({"triggers": many(50, is_must_do=True)}, large(50), config=settings(holdout={"share": 0.5}))
    assert len(found.tables["list"]) == 50


def test_who_has_drawn_for_a_program_is_not_drawn_for_again_and_says_what_it_shows():
    own = holdout_table(
        pd.DataFrame({"program": "triggers.check_in", "account_id": ["A900", "A001"], "is_held": [True, False]}),
        ["triggers.check_in"], 7, given=(Holdout(), 0.95), book=9,
    )  # fmt: skip
    found = result({"triggers": many(50)}, large(50), config=settings(holdout={"share": 0.5}), own=own)
    assert len(found.tables["list"]) == 50
    row = found.tables["holdout"].iloc[0]
    assert (row["drawn_by"], row["accounts"], row["held"], row["per_year"]) == ("triggers", 2, 1, 9)


def test_an_analysis_that_holds_nobody_out_is_not_overruled():
    none = holdout_table(
        pd.DataFrame({"program": ["triggers.check_in"], "account_id": ["A001"], "is_held": [False]}),
        ["triggers.check_in"], 7, given=(Holdout(share=0), 0.95), book=50,
    )  # fmt: skip
    found = result({"triggers": many(50)}, large(50), config=settings(holdout={"share": 0.5}), own=none)
    assert len(found.tables["list"]) == 50
    assert found.tables["held_out"].empty


@pytest.mark.parametrize("share", [0, 0.2])
def test_the_page_says_where_nobody_is_held_out(share):
    found = result({"triggers": many(50)}, large(50), config=settings(holdout={"share": share}))
    assert ("no_holdout" in codes(found)) == (share == 0)
    assert ("holdout_shows" in codes(found)) == (share > 0)
    assert (found.tables["holdout"]["held"].sum() == 0) == (share == 0)


def test_whoever_was_contacted_stays_in_the_base_of_the_holdout_the_week_after():
    config = settings(holdout={"share": 0.5})
    policy = OPEN.model_copy(update={"caps": (Cap(per="contact", touches=1, days=14),)})
    first = result({"triggers": many(50)}, large(50), policy, config=config)
    official = as_released(first.tables["list"])
    due = {"due_on": pd.Timestamp("2026-10-09"), "expires_on": pd.Timestamp("2026-10-11")}
    later = result(
        {"triggers": many(50, **due)}, large(50), policy, official, AS_OF + timedelta(days=7), config=config
    )  # fmt: skip
    assert later.tables["list"].empty
    held = sum(is_held(f"A{n:03}", "triggers.check_in/1", 0.5) for n in range(1, 51))
    for found in (first, later):
        assert found.tables["holdout"].iloc[0][["accounts", "held"]].tolist() == [50, held]


def test_human_lists_are_not_held_out_but_start_later_by_lot():
    config = settings(holdout={"share": 0.5, "began_on": "2026-09-14", "delay_weeks": 4})
    rows = [proposal(f"P0{n}", minutes=1.0) for n in range(1, 7)]
    late = {f"P0{n}" for n in range(1, 7) if is_held(f"A0{n}", "triggers.check_in/1", 0.5)}
    found = result(rows, config=config)
    assert left(found) == dict.fromkeys(late, "starts later by lot: 12 Oct 2026")
    started = result(rows, config=settings(holdout={"share": 0.5, "began_on": "2026-08-31", "delay_weeks": 4}))
    assert left(started) == {}


def test_the_page_says_what_the_holdout_can_show():
    # 48 accounts a year, a fifth held: Cohen's h of 38 against 10 at level .95 and power .8 is above .9.
    found = result({"triggers": many(48)}, large(48), config=settings(holdout={"share": 0.2}))
    row = found.tables["holdout"].iloc[0]
    assert row["per_year"] == 48
    assert row["smallest_share"] > 0.35
    assert pd.isna(row["weeks_to_worth"])
    assert "holdout_shows" in codes(found)


def test_a_year_brings_no_more_accounts_than_are_under_contract_named_or_not():
    # Ten are proposed every week. Of 20 one is on trial and two have left; the third leaves on Monday, after the list.
    data = large(20)
    paid = {"paid_at": "2026-01-01T08:00:00", "churned_at": None}
    data["accounts"] = [{**row, **paid} for row in data["accounts"]]
    data["accounts"][12]["paid_at"] = None
    for place, day in ((13, "2026-05-01"), (14, "2026-09-27"), (15, "2026-09-28")):
        data["accounts"][place]["churned_at"] = f"{day}T08:00:00"
    found = result({"triggers": many(10)}, data, config=settings(holdout={"share": 0.2}))
    assert found.tables["holdout"].iloc[0]["per_year"] == 17


# --- bad input --------------------------------------------------------------------------------------------------------


def test_an_unknown_channel_is_refused_by_name():
    with pytest.raises(AnalysisError, match=r"triggers: 1 proposals name the unknown channel 'fax'.*declare it"):
        result([proposal("P01", channel="fax")])


def test_a_table_that_is_no_proposals_is_refused_with_what_it_lacks():
    with pytest.raises(AnalysisError, match=r"triggers: its table proposals lacks .*program.*contract"):
        result({"triggers": made([proposal("P01")]).drop(columns=["program"])})


def test_a_missing_suppressions_file_stops_the_list():
    data = {name: rows for name, rows in tables().items() if name != "suppressions"}
    with pytest.raises(AnalysisError, match=r"nobody is listed: suppressions"):
        result([proposal("P01")], data, OPEN.model_copy(update={"least_suppressions": 1}))


def test_a_run_without_proposals_says_so():
    found = result({})
    assert "Nobody is proposed" in text(found.headline)
    (none,) = [caveat for caveat in found.caveats if caveat.code == "no_proposals"]
    assert text(none.action) == "Run the whole batch: csw run"
    assert "lacks_proposals" not in codes(found)
    assert found.releases == ()


def test_analyses_that_could_propose_and_are_no_part_of_the_run_are_named_before_the_list_is_made_official():
    part = result([proposal("P01")], tables(renewals=[{"renewal_id": "R1", "account_id": "A01"}]))
    (lacking,) = [caveat for caveat in part.caveats if caveat.code == "lacks_proposals"]
    assert text(lacking.message).startswith("The results of renewals are not part of this run")
    told = [text(action) for action in part.actions]
    assert "Run the whole batch before the list is made official: csw run" in told
    assert not any("csw release" in action for action in told)
    both = {"triggers": made([proposal("P01")]), "renewals": made([], "renewals")}
    whole = result(both, tables(renewals=[{"renewal_id": "R1", "account_id": "A01"}]))
    assert "lacks_proposals" not in codes(whole)
    assert any("csw release latest weekly_list" in text(action) for action in whole.actions)


def test_an_analysis_whose_tables_the_book_lacks_is_not_missed():
    found = result([proposal("P01")])
    assert "lacks_proposals" not in codes(found)
    assert any("csw release latest weekly_list" in text(action) for action in found.actions)


@pytest.mark.parametrize("name", weekly_list.NEEDS_IF_PRESENT)
def test_whoever_proposes_is_missed_exactly_where_its_own_tables_are_there(name):
    module = import_module(f"csworkbench.analyses.{name}")
    is_proposing = "proposals" in (module.Result.__doc__ or "")
    assert (name in PROPOSING) == is_proposing
    if is_proposing:
        assert {"accounts", *PROPOSING[name]} == set(module.READS)
        assert set(PROPOSING[name]) <= {*weekly_list.READS_IF_PRESENT}


def test_more_in_the_calendar_than_time_is_told():
    tasks = [
        {"task_id": f"T{n}", **TASK}
        for n in range(3)
    ]  # fmt: skip
    found = result([proposal("P01")], tables(tasks=tasks))
    assert "overbooked" in codes(found)
    assert left(found) == {"P01": "no time of the CSM left"}


def test_without_a_capacity_only_the_policy_limits_and_the_page_says_so():
    csms = [{"csm_id": "anna", "name": "Anna", "role": "csm"}]
    found = result([proposal("P01")], tables(csms=csms))
    assert listed(found) == ["P01"]
    assert "no_capacity" in codes(found)


def test_whose_time_nobody_knows_gets_nothing_where_the_team_plans_with_minutes():
    csms = [
        {"csm_id": "anna", "name": "Anna", "capacity_minutes_week": 60, "role": "csm"},
        {"csm_id": "bo", "name": "Bo", "capacity_minutes_week": None, "role": "csm"},
    ]
    rows = [
        proposal("P01"), proposal("P02", csm_id="bo"), proposal("P03", csm_id="gone"),
        proposal("P04", csm_id="bo", is_must_do=True),
    ]  # fmt: skip
    found = result(rows, tables(csms=csms))
    assert listed(found) == ["P01", "P04"]  # must-do contacts are made whatever there is
    assert left(found) == dict.fromkeys(("P02", "P03"), "nobody knows the time of the CSM")
    (doubt,) = [each for each in found.caveats if each.code == "capacity_lacks"]
    assert text(doubt.message) == ("2 proposals are left out, because the time of the CSM is not known: Bo, gone")


def test_lists_name_csms_beside_their_ids():
    csms = [
        {"csm_id": who, "name": name, "capacity_minutes_week": 60, "role": "csm"}
        for who, name in (("anna", "Anna"), ("bo", "Lin"), ("cy", "Lin"), ("di", None))
    ]
    rows = [proposal(f"P0{n}", csm_id=who) for n, who in enumerate(("anna", "bo", "cy", "di"), 1)]
    named = result(rows, tables(csms=csms)).tables["list"].set_index("csm_id")["csm"]
    assert named.to_dict() == {"anna": "Anna", "bo": "Lin (bo)", "cy": "Lin (cy)", "di": "di"}


@pytest.mark.parametrize(
    ("phone", "wechat", "channel"), [(None, None, "in_app"), ("+46701234501", None, "sms"), (None, "w1", "wechat")]
)
def test_the_system_tries_the_channels_of_its_route_in_their_order(phone, wechat, channel):
    row = proposal("P01", mode="automated", channel="wechat", fallbacks="sms; in_app", csm_id=None, minutes=None)
    address = [{"contact_id": "P01", "email": None, "phone": phone, "wechat_id": wechat}]
    found = result([row], tables(contact_pii=address))
    assert found.tables["list"]["channel"].tolist() == [channel]


def test_an_unknown_channel_further_on_a_route_is_refused():
    with pytest.raises(AnalysisError, match=r"1 proposals name the unknown channel 'pigeon'"):
        result([proposal("P01", mode="automated", fallbacks="in_app; pigeon")])


def rated(call, chat=None):
    """A touch matrix that measured answers by channel: (touches by hand, share, low, high)."""
    rows = [
        {"channel": name, "by_hand": each[0], "answered": each[1], "low": each[2], "high": each[3], "accounts": 9}
        for name, each in (("call", call), ("chat", chat))
        if each
    ]
    return Upstream({"catalog": pd.DataFrame(rows)})


@pytest.mark.parametrize(
    ("chat", "worth"),
    [
        # an hour: 3 calls of 20 minutes, or 18 chats of 15 of which 4.5 go at once; declared .1 against .6 measured
        (None, (18 * 0.1 / 0.6, None, None)),
        ((30, 0.2, 0.1, 0.35), (18 * 0.2 / 0.6, 18 * 0.1 / 0.7, 18 * 0.35 / 0.5)),
        ((19, 0.2, 0.1, 0.35), (18 * 0.1 / 0.6, None, None)),  # too few to tell
    ],
)
def test_the_time_of_a_csm_is_told_in_calls_that_chats_are_worth(chat, worth):
    upstream = {"triggers": made([proposal("P01")])}
    inputs = replace(prepared(upstream), rates=rated((200, 0.6, 0.5, 0.7), chat).tables["catalog"])
    row = weekly_list.analyze(inputs, settings()).tables["chat"].set_index("csm_id").loc["anna"]
    assert [row["calls"], row["chats"]] == pytest.approx([3, 18])
    assert row[["call_equivalents", "low", "high"]].astype(float).tolist() == pytest.approx(
        [np.nan if each is None else each for each in worth], nan_ok=True
    )


# --- for people and for machines --------------------------------------------------------------------------------------


def test_each_row_has_reason_script_owner_channel_basis_and_last_touch():
    touch = [{"touch_id": "X1", "account_id": "A01", "contact_id": "P01", "sent_at": "2026-09-01T10:00:00"}]
    row = result([proposal("P01")], tables(touches=touch)).tables["list"].iloc[0]
    assert row[["reason", "play", "csm_id", "channel", "basis"]].tolist() == [
        "Nobody has called for a month", "check-in", "anna", "email", "contract",
    ]  # fmt: skip
    assert row["last_touch_on"] == pd.Timestamp("2026-09-01")


def test_addresses_are_in_a_table_of_their_own_and_only_where_asked_for():
    without, asked = (result([proposal("P01")], config=settings(addresses=flag)) for flag in (False, True))
    assert "crm" not in without.tables
    assert asked.tables["crm"][["email", "phone"]].to_numpy().tolist() == [["P01@x.se", "+46701234501"]]
    assert not {"email", "phone"} & set(asked.tables["list"].columns)
    assert [each.table for each in asked.handouts] == ["list", "crm"]


def test_the_proposals_contract_is_the_one_of_the_policy():
    assert set(COLUMNS) <= set(made([proposal("P01")]).columns)
