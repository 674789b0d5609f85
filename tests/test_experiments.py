"""Experiments as files, and what became of each unit that was drawn."""

import json
from datetime import date
from pathlib import Path

import pytest

from csworkbench.asof import take
from csworkbench.config import load
from csworkbench.errors import AnalysisError, ConfigError
from csworkbench.experiments import Experiment, enrolled, funnel, measured, measured_late
from csworkbench.experiments.outcomes import tables_of, unit_of
from csworkbench.tables import Kind
from tests.books import book, with_rows

DRAWN = "2026-06-01T09:00:00"
CLICKED = {"name": "clicked", "label": "Clicked", "role": "primary", "outcome": {"kind": "human_clicks"}}
FILE = {
    "id": "test",
    "label": "Test",
    "question": "Does it work?",
    "arms": [{"name": "old", "label": "Old"}, {"name": "new", "label": "New"}],
    "control": "old",
    "first_day": "2026-06-01",
    "last_day": "2026-07-15",
    "metrics": [CLICKED],
}


def make(metric=None, **changes):
    metrics = [CLICKED | (metric or {})]
    return Experiment.model_validate({**FILE, "metrics": metrics, **changes})


def outcome(**fields):
    return make({"outcome": fields})


def refused(tmp_path, **changes):
    """The problems of a file, as `csw check` prints them."""
    path = tmp_path / "test.yaml"
    path.write_text(json.dumps({**FILE, **changes}), encoding="utf-8")
    with pytest.raises(ConfigError, match=r".") as caught:
        load(Path("test.yaml"), Experiment, tmp_path)
    return str(caught.value)


def unit(name="A", variant="new", at=DRAWN, **more):
    row = {"experiment_id": "test", "unit_id": name, "unit": "account", "variant": variant, "assigned_at": at}
    return {**row, "stratum": None, "eligible_contacts": 4, **more}


def touch(name, account="A", person="P1", at="2026-06-02T09:00:00", **more):
    row = {"touch_id": name, "account_id": account, "contact_id": person, "sent_at": at, "channel": "email"}
    return {**row, "experiment_id": "test", "variant": "new", "content_id": "c", **more}


def event(name, kind, at, agent="human", link=None):
    return {"touch_id": name, "type": kind, "occurred_at": at, "agent": agent, "link": link}


def snapshot(units=None, as_of=date(2026, 8, 1), timezone="UTC", extras=None, **tables):
    units = [unit()] if units is None else units
    accounts = [{"account_id": name, "value_tier": "mid"} for name in ("A", "B", "C")]
    made = book({"accounts": accounts, "experiment_units": units, **tables}, timezone, extras)
    return take(made, as_of)


def rows(view, experiment, metric=0):
    units = enrolled(view, experiment)
    frame = measured(view, experiment, experiment.metrics[metric], units).to_pandas()
    return frame.set_index("unit_id")


def mailed(*events, units=None, **changes):
    """Total of unit A after one mail to each of two people."""
    touches = [touch("T1"), touch("T2", person="P2")]
    view = snapshot(units, touches=touches, touch_events=list(events), **changes)
    return rows(view, make()).loc["A"]


# --- the file ---------------------------------------------------------------------------------------------------------


def test_opens_are_refused_as_a_primary_metric(tmp_path):
    said = refused(tmp_path, metrics=[{**CLICKED, "outcome": {"kind": "opens"}}])
    assert "metrics.0.role: opens are a diagnostic" in said


def test_opens_may_decide_where_the_bias_is_accepted():
    assert make({"outcome": {"kind": "opens"}}, i_accept_open_bias=True).metrics[0].role == "primary"


@pytest.mark.parametrize("kind", ["human_clicks", "opens", "replies"])
def test_mail_outcomes_are_refused_against_a_holdout(tmp_path, kind):
    arms = [*FILE["arms"], {"name": "none", "label": "No mail", "is_holdout": True}]
    metric = {**CLICKED, "outcome": {"kind": kind}, "against": "none"}
    said = refused(tmp_path, arms=arms, metrics=[metric], i_accept_open_bias=True)
    assert f"'none' gets no mail, so nobody there can have {kind}" in said


def test_a_holdout_as_control_is_refused_for_clicks(tmp_path):
    arms = [{**FILE["arms"][0], "is_holdout": True}, FILE["arms"][1]]
    assert "'old' gets no mail" in refused(tmp_path, arms=arms)


def test_holdouts_are_compared_only_where_a_metric_names_them():
    arms = [*FILE["arms"], {"name": "none", "label": "No mail", "is_holdout": True}]
    use = {"name": "use", "label": "Use", "role": "secondary", "outcome": {"kind": "usage"}, "against": "none"}
    experiment = make(arms=arms, metrics=[CLICKED, use])
    assert [experiment.variants(metric) for metric in experiment.metrics] == [("new",), ("old", "new")]


def test_a_covariate_measured_on_the_first_day_is_refused(tmp_path):
    known = {"kind": "column", "column": "x", "measured_on": "2026-06-01"}
    said = refused(tmp_path, metrics=[{**CLICKED, "covariate": known}])
    assert "metrics.0.covariate.measured_on: lies on or after first_day" in said


def test_a_covariate_without_a_date_is_refused(tmp_path):
    said = refused(tmp_path, metrics=[{**CLICKED, "covariate": {"kind": "column", "column": "x"}}])
    assert "give one of measured_on and measured_at" in said


def test_a_renewal_has_no_earlier_period(tmp_path):
    metric = {**CLICKED, "outcome": {"kind": "renewal"}, "covariate": {"kind": "pre_period"}}
    assert "renewal has no earlier period" in refused(tmp_path, metrics=[metric])


def test_a_guardrail_needs_a_margin_and_nothing_else_may_have_one(tmp_path):
    guard = {**CLICKED, "name": "guard", "role": "guardrail"}
    said = refused(tmp_path, metrics=[{**CLICKED, "margin": 0.1}, guard])
    assert "metrics.1.margin: a guardrail needs a margin" in said
    assert "metrics.0.margin: only a guardrail has a margin" in said


def test_an_unknown_control_is_told_with_the_nearest_arm(tmp_path):
    assert "control: there is no arm 'odl'; did you mean 'old'?" in refused(tmp_path, control="odl")


def test_some_metric_must_decide(tmp_path):
    assert "one metric must be primary" in refused(tmp_path, metrics=[{**CLICKED, "role": "secondary"}])


def test_a_window_longer_than_the_experiment_is_refused(tmp_path):
    metric = {**CLICKED, "outcome": {"kind": "human_clicks", "window_days": 60}}
    assert "nobody is watched for 60 days" in refused(tmp_path, metrics=[metric])


def test_use_belongs_to_accounts(tmp_path):
    metric = {**CLICKED, "outcome": {"kind": "usage"}}
    assert "usage belongs to accounts" in refused(tmp_path, unit="contact", metrics=[metric])


def test_looks_must_rise_to_one(tmp_path):
    looks = {"kind": "planned", "shares": [0.5, 0.4], "planned_units": 100}
    assert "shares must rise, and the last one must be 1" in refused(tmp_path, looks=looks)


def test_an_experiment_of_holdouts_is_refused(tmp_path):
    arms = [{**arm, "is_holdout": True} for arm in FILE["arms"]]
    assert "every arm is a holdout" in refused(tmp_path, arms=arms)


def test_names_are_used_once(tmp_path):
    said = refused(tmp_path, arms=[FILE["arms"][0]] * 2, metrics=[CLICKED, CLICKED])
    assert "arms.1.name: 'old' is used twice" in said
    assert "metrics.1.name: 'clicked' is used twice" in said


def test_the_registered_digest_does_not_depend_on_itself():
    plain = make()
    registered = make(preregistered=plain.registered_digest)
    assert registered.registered_digest == plain.registered_digest
    assert make(label="Other").registered_digest != plain.registered_digest


def test_an_outcome_says_its_unit_and_its_tables():
    kinds = [{"kind": "usage", "what": "minutes"}, {"kind": "nps"}, {"kind": "column", "column": "x", "unit": "USD"}]
    found = [outcome(**kind).metrics[0].outcome for kind in [*kinds, {"kind": "replies"}]]
    assert [unit_of(each) for each in found] == ["minutes", "points", "USD", "share"]
    tables = [("usage_daily",), ("nps_responses",), (), ("touches", "touch_events")]
    assert [tables_of(each) for each in found] == tables


# --- who was drawn ----------------------------------------------------------------------------------------------------


def test_units_that_cannot_be_read_are_named_with_the_reason():
    units = [
        unit("A"),
        unit("B", variant="other"),
        unit("C", at="2026-05-20T09:00:00"),
        unit("gone"),
        unit("A2", unit="contact"),
        unit("A3", eligible_contacts=0),
    ]
    accounts = [{"account_id": name} for name in ("A", "B", "C", "A2", "A3")]
    view = snapshot(units, accounts=accounts)
    found = enrolled(view, make()).to_pandas().set_index("unit_id")["why"].to_dict()
    assert found == {
        "A": "",
        "B": "unknown variant",
        "C": "drawn outside the period",
        "gone": "not in the book (merged or deleted)",
        "A2": "another kind of unit",
        "A3": "nobody could be reached",
    }


def test_a_unit_in_two_arms_is_one_row_that_is_left_out():
    view = snapshot([unit("A", "old"), unit("A", "new")])
    found = enrolled(view, make()).to_pandas()
    assert found[["unit_id", "why"]].to_numpy().tolist() == [["A", "drawn into two arms"]]


def test_contacts_are_counted_at_the_draw_where_nobody_recorded_them():
    # Of five contacts one came after the draw, one had left before it, one belongs to another account: two are left.
    contacts = [
        {"contact_id": "P1", "account_id": "A", "added_at": "2026-01-01T00:00:00", "left_at": None},
        {"contact_id": "P2", "account_id": "A", "added_at": None, "left_at": "2026-07-01T00:00:00"},
        {"contact_id": "P3", "account_id": "A", "added_at": "2026-06-15T00:00:00", "left_at": None},
        {"contact_id": "P4", "account_id": "A", "added_at": None, "left_at": "2026-05-01T00:00:00"},
        {"contact_id": "P5", "account_id": "B", "added_at": None, "left_at": None},
    ]
    view = snapshot([unit(eligible_contacts=None)], contacts=contacts)
    assert enrolled(view, make()).to_pandas()["eligible"].tolist() == [2.0]


def test_the_day_of_the_draw_is_that_of_the_workspace():
    # 23:00 UTC of 31 May is 1 June in Stockholm, so it lies within the experiment there.
    late = [unit(at="2026-05-31T23:00:00")]
    assert enrolled(snapshot(late), make()).to_pandas()["why"].tolist() == ["drawn outside the period"]
    assert enrolled(snapshot(late, timezone="Europe/Stockholm"), make()).to_pandas()["why"].tolist() == [""]


def test_a_contact_belongs_to_its_account():
    contacts = [{"contact_id": "P1", "account_id": "B"}]
    units = [unit("P1", unit="contact"), unit("P9", unit="contact")]
    found = enrolled(snapshot(units, contacts=contacts), make(unit="contact")).to_pandas()
    expected = [["P1", "B", ""], ["P9", "P9", "not in the book (merged or deleted)"]]
    assert found[["unit_id", "account_id", "why"]].to_numpy().tolist() == expected


def test_a_column_that_does_not_exist_is_named():
    with pytest.raises(AnalysisError, match=r"spend: there is no such column in experiment_units"):
        enrolled(snapshot(), outcome(kind="column", column="spend"))
    with pytest.raises(AnalysisError, match=r"tier: there is no such column in accounts"):
        enrolled(snapshot(), make(segments=["tier"]))


# --- mails ------------------------------------------------------------------------------------------------------------


def test_a_contact_who_clicks_twice_counts_once_and_the_size_is_fixed_at_the_draw():
    clicks = [
        event("T1", "click", "2026-06-02T10:00:00", link="a"),
        event("T1", "click", "2026-06-03T10:00:00", link="b"),
        event("T2", "click", "2026-06-02T10:00:00", link="a"),
    ]
    found = mailed(*clicks)
    assert (found["total"], found["size"], found["why"]) == (2.0, 4.0, "")


def clicked_by(*people, **changes):
    """Total and size of unit A after a click of each in a mail of its own."""
    sent = [touch(f"T{place}", person=person) for place, person in enumerate(people)]
    clicks = [event(f"T{place}", "click", "2026-06-02T10:00:00", link="a") for place in range(len(people))]
    view = snapshot(touches=sent, touch_events=clicks, **changes)
    return tuple(rows(view, make()).loc["A", ["total", "size"]])


def test_where_nobody_knows_how_many_there_were_it_counts_whether_anybody_clicked():
    assert clicked_by("P1", "P2", "P3", units=[unit(eligible_contacts=None)]) == (1.0, 1.0)


def test_where_no_mail_names_a_contact_it_counts_whether_anybody_clicked():
    assert clicked_by(None, None, None, None, None) == (1.0, 1.0)


def test_mails_that_name_nobody_are_one_person_beside_those_who_are_named():
    assert clicked_by("P1", None, None) == (2.0, 4.0)


def test_who_came_after_the_draw_or_had_left_before_it_is_not_counted():
    came = {"contact_id": "P2", "account_id": "A", "added_at": "2026-06-01T12:00:00", "left_at": None}
    gone = {"contact_id": "P3", "account_id": "A", "added_at": None, "left_at": "2026-05-01T00:00:00"}
    there = {"contact_id": "P1", "account_id": "A", "added_at": "2026-05-01T00:00:00", "left_at": None}
    assert clicked_by("P1", "P2", "P3", contacts=[came, gone, there]) == (1.0, 4.0)


def test_no_more_people_answer_than_there_were_at_the_draw():
    answers = [
        {"response_id": str(place), "account_id": "A", "contact_id": f"P{place}", "invited_at": DRAWN, "score": 9}
        | {"responded_at": "2026-06-03T00:00:00"}
        for place in range(3)
    ]
    view = snapshot([unit(eligible_contacts=None)], nps_responses=answers)
    assert rows(view, outcome(kind="nps_answers")).loc["A", ["total", "size"]].tolist() == [1.0, 1.0]


def test_five_links_within_a_second_are_a_scanner_whenever_it_comes():
    # The burst runs over the edge of a second, three hours after the mail; nobody flagged it.
    burst = [event("T1", "click", f"2026-06-02T12:00:0{place % 2}", agent=None, link=f"l{place}") for place in range(5)]
    assert mailed(*burst)["total"] == 0


def test_four_links_within_a_second_are_a_person():
    burst = [event("T1", "click", "2026-06-02T12:00:00", agent=None, link=f"l{place}") for place in range(4)]
    assert mailed(*burst)["total"] == 1


def test_five_links_over_two_seconds_are_a_person():
    burst = [event("T1", "click", f"2026-06-02T12:00:0{at}", agent=None, link=f"l{at}") for at in (0, 1, 2, 3, 4)]
    assert mailed(*burst)["total"] == 1


def test_a_person_who_clicks_in_a_scanned_mail_counts():
    burst = [event("T1", "click", "2026-06-02T12:00:00", agent="scanner", link=f"l{place}") for place in range(5)]
    assert mailed(*burst, event("T1", "click", "2026-06-02T15:00:00", link="l1"))["total"] == 1


def test_who_clicks_a_link_that_people_cannot_see_is_a_machine():
    click = [event("T1", "click", "2026-06-02T12:00:00", agent=None, link="hidden")]
    view = snapshot(touches=[touch("T1")], touch_events=click)
    assert rows(view, make()).loc["A", "total"] == 1
    assert rows(view, make(honeypots=["hidden"])).loc["A", "total"] == 0


def test_what_happened_before_the_mail_was_sent_is_not_counted():
    assert mailed(event("T1", "click", "2026-06-02T08:59:59"))["total"] == 0


def test_what_happens_after_the_window_is_not_counted():
    # Drawn on 1 June at 9:00 and watched for 28 days: until 29 June, 9:00.
    assert mailed(event("T1", "click", "2026-06-29T08:59:59"))["total"] == 1
    assert mailed(event("T1", "click", "2026-06-29T09:00:00"))["total"] == 0


def test_a_unit_that_got_no_mail_counts_as_drawn():
    found = mailed(event("T1", "click", "2026-06-02T10:00:00"), units=[unit("A"), unit("B", "old")])
    assert found["total"] == 1
    view = snapshot([unit("A"), unit("B", "old")], touches=[touch("T1")], touch_events=[event("T1", "open", DRAWN)])
    assert rows(view, make()).loc["B", ["total", "size", "why"]].tolist() == [0.0, 4.0, ""]


def test_the_funnel_tells_machines_people_and_unknown_opens_apart():
    touches = [touch(f"T{place}", person=f"P{place}") for place in range(1, 6)]
    sent = "2026-06-02T10:00:00"
    events = [event(f"T{place}", "delivered", sent, None) for place in range(1, 5)] + [
        event("T5", "bounced", sent, None),
        event("T1", "open", sent, "machine"),
        event("T2", "open", sent, "human"),
        event("T2", "open", "2026-06-02T10:00:00", "human"),  # in the same second
        event("T3", "open", sent, "unknown"),
        event("T4", "open", "2026-06-02T08:00:00", "human"),  # before it was sent
        event("T2", "reply", sent, "human"),
    ]
    view = snapshot(touches=touches, touch_events=events)
    found = funnel(view, make(), enrolled(view, make())).to_pandas().iloc[0]
    steps = ["sent", "delivered", "opened_raw", "opened_human", "opened_most", "machine_opened", "replied"]
    assert found[steps].tolist() == [5, 4, 3, 1, 2, 1, 1]
    assert found["early_events"] == 1


def test_mails_of_another_arm_and_mails_before_the_draw_are_counted():
    touches = [touch("T1", variant="old"), touch("T2", at="2026-05-31T09:00:00"), touch("T3")]
    view = snapshot(touches=touches, touch_events=[event("T3", "open", "2026-06-03T00:00:00")])
    found = funnel(view, make(), enrolled(view, make())).to_pandas()
    assert found[["sent", "as_other", "too_early"]].sum().tolist() == [3, 1, 1]


def test_earlier_mails_are_the_covariate_of_clicks():
    # Two mails in the 14 days before, one of them clicked in; the click after the draw is not known before it.
    touches = [
        touch("T1", at="2026-05-20T09:00:00", experiment_id=None),
        touch("T2", at="2026-05-30T09:00:00", experiment_id=None),
        touch("T3", at="2026-05-01T09:00:00", experiment_id=None),
    ]
    clicks = [event("T1", "click", "2026-05-21T09:00:00"), event("T2", "click", "2026-06-02T09:00:00")]
    view = snapshot(touches=touches, touch_events=clicks)
    experiment = make({"covariate": {"kind": "pre_period", "days": 14}})
    assert rows(view, experiment).loc["A", ["pre_total", "pre_size"]].tolist() == [1.0, 2.0]


# --- use, milestones, renewals, surveys, columns ----------------------------------------------------------------------


def used(day, events=1, user="u1", feature="query", account="A"):
    return {"account_id": account, "user_id": user, "feature": feature, "date": day, "events": events}


USE = [
    used("2026-05-31", 5),  # the day before
    used("2026-06-01", 100),  # the day of the draw belongs to neither side
    used("2026-06-02", 2),
    used("2026-06-11", 3, user="u2", feature="export"),
    used("2026-06-12", 50),  # the eleventh day
]


def test_use_is_counted_from_the_day_after_the_draw():
    kind = {"kind": "usage", "window_days": 10}
    experiment = make({"outcome": kind, "covariate": {"kind": "pre_period", "days": 14}})
    found = rows(snapshot([unit("A"), unit("B", "old")], usage_daily=USE), experiment)
    assert found.loc["A", ["total", "size", "pre_total", "pre_size"]].tolist() == [5.0, 1.0, 5.0, 1.0]
    assert found.loc["B", ["total", "size", "pre_total", "pre_size"]].tolist() == [0.0, 1.0, 0.0, 1.0]


def test_use_of_some_features_and_people():
    only = outcome(kind="usage", window_days=10, features=["export"])
    assert rows(snapshot(usage_daily=USE), only).loc["A", "total"] == 3
    assert rows(snapshot(usage_daily=USE), outcome(kind="active_users", window_days=10)).loc["A", "total"] == 2


def test_who_had_reached_a_milestone_before_is_left_out():
    reached = [
        {"account_id": "A", "milestone": "live", "reached_at": "2026-06-10T00:00:00"},
        {"account_id": "B", "milestone": "live", "reached_at": "2026-05-10T00:00:00"},
    ]
    view = snapshot([unit("A"), unit("B"), unit("C")], milestones=reached)
    found = rows(view, outcome(kind="milestone", milestone="live"))
    assert found["total"].to_dict() | {"B": None} == {"A": 1.0, "B": None, "C": 0.0}
    assert found["why"].to_dict() == {"A": "", "B": "had reached it before the draw", "C": ""}


def test_renewals_count_where_one_is_due_and_decided():
    def renewal(account, due, state):
        decided = None if state == "open" else "2026-06-20T00:00:00"
        row = {"renewal_id": account + due, "account_id": account, "due_date": due}
        return {**row, "decided_at": decided, "outcome": state}

    due = [
        renewal("A", "2026-06-20", "partial"),
        renewal("B", "2026-06-29", "open"),
        renewal("C", "2026-06-01", "churned"),  # on the day of the draw: not after it
    ]
    found = rows(snapshot([unit("A"), unit("B"), unit("C")], renewals=due), outcome(kind="renewal"))
    assert found["why"].to_dict() == {"A": "", "B": "renewal still open", "C": "no renewal due in the window"}
    assert found.loc["A", ["total", "size"]].tolist() == [1.0, 1.0]


def test_renewals_decided_before_the_draw_are_no_outcome_of_it():
    # A lost its renewal in March and B one of two; both are due in June, after the draw of 1 June.
    def renewal(name, account, decided, state):
        row = {"renewal_id": name, "account_id": account, "due_date": "2026-06-20"}
        return {**row, "decided_at": decided, "outcome": state}

    due = [
        renewal("1", "A", "2026-03-01T00:00:00", "churned"),
        renewal("2", "B", "2026-03-01T00:00:00", "churned"),
        renewal("3", "B", "2026-06-10T00:00:00", "renewed"),
    ]
    found = rows(snapshot([unit("A"), unit("B")], renewals=due), outcome(kind="renewal"))
    assert found["why"].to_dict() == {"A": "renewal decided before the draw", "B": ""}
    assert found.loc["B", ["total", "size"]].tolist() == [1.0, 1.0]


def test_the_newest_answer_of_each_person_counts():
    def answer(name, person, at, score):
        row = {"response_id": name, "account_id": "A", "contact_id": person, "invited_at": DRAWN}
        return {**row, "responded_at": at, "score": score}

    answers = [
        answer("1", "P1", "2026-06-03T00:00:00", 3),
        answer("2", "P1", "2026-06-04T00:00:00", 9),  # +100
        answer("3", "P2", "2026-06-04T00:00:00", 6),  # -100
        answer("4", "P3", "2026-06-04T00:00:00", 8),  # 0
        answer("5", "P4", None, None),
        answer("6", "P5", "2026-05-04T00:00:00", 10),  # before the draw
    ]
    view = snapshot([unit("A"), unit("B")], nps_responses=answers)
    points, said = rows(view, outcome(kind="nps")), rows(view, outcome(kind="nps_answers"))
    assert points.loc["A", ["total", "size"]].tolist() == [0.0, 3.0]
    assert points["why"].to_dict() == {"A": "", "B": "nobody answered"}
    assert said.loc["A", ["total", "size"]].tolist() == [3.0, 4.0]
    assert said.loc["B", ["total", "why"]].tolist() == [0.0, ""]


def test_an_outcome_column_is_read_as_it_is():
    units = [unit("A", spend=2.5), unit("B", spend=None)]
    view = snapshot(units, extras={"experiment_units": {"spend": Kind.DECIMAL}})
    found = rows(view, outcome(kind="column", column="spend", unit="USD"))
    assert found.loc["A", ["total", "size", "why"]].tolist() == [2.5, 1.0, ""]
    assert found["why"].to_dict() == {"A": "", "B": "no value recorded"}


def test_a_covariate_measured_on_the_day_of_the_draw_or_without_a_date_is_counted_as_late():
    extras = {"experiment_units": {"size": Kind.DECIMAL, "seen_on": Kind.DATE}}
    days = {"A": "2026-05-31", "B": "2026-06-01", "C": None}
    view = snapshot([unit(name, size=1.0, seen_on=day) for name, day in days.items()], extras=extras)
    experiment = make({"covariate": {"kind": "column", "column": "size", "measured_at": "seen_on"}})
    late = measured_late(experiment.metrics[0], enrolled(view, experiment), "UTC")
    assert late.to_pyarrow().as_py() == 2
    assert measured_late(make().metrics[0], enrolled(view, make()), "UTC") is None


# --- time -------------------------------------------------------------------------------------------------------------


def test_a_unit_counts_when_its_window_has_ended():
    # Drawn on 1 June, watched for 28 days: read from 29 June on. Drawn on 20 June: until 18 July, after the last day.
    units = [unit("A"), unit("B", at="2026-06-20T09:00:00")]
    mails = {"touches": [touch("T1")], "touch_events": [event("T1", "open", "2026-06-03T00:00:00")]}
    before = rows(snapshot(units, date(2026, 6, 28), **mails), make())
    after = rows(snapshot(units, date(2026, 6, 29), **mails), make())
    assert before["why"].to_dict() == {"A": "still being watched", "B": "watched beyond the last day"}
    assert after["why"].to_dict() == {"A": "", "B": "watched beyond the last day"}


def test_what_becomes_known_later_changes_nothing():
    touches = [touch("T1") | {"known_at": "2026-06-02T09:00:00"}]
    events = [event("T1", "click", "2026-06-03T09:00:00") | {"known_at": "2026-06-03T09:00:00"}]
    tables = {"accounts": [{"account_id": "A"}], "experiment_units": [unit()]}
    made = book({**tables, "touches": touches, "touch_events": events})
    late = [event("T1", "reply", "2026-06-04T09:00:00") | {"known_at": "2026-07-02T09:00:00"}]
    more = with_rows(made, "touch_events", late)
    answered = outcome(kind="replies")
    assert rows(take(more, date(2026, 7, 1)), make()).equals(rows(take(made, date(2026, 7, 1)), make()))
    assert rows(take(more, date(2026, 7, 1)), answered).loc["A", "total"] == 0
    assert rows(take(more, date(2026, 7, 2)), answered).loc["A", "total"] == 1
