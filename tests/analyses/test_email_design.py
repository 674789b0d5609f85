"""The design page: who may be drawn, how many accounts it takes, who gets what, and what is written down first."""

import csv
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from csworkbench.analyses import email_design, email_touch
from csworkbench.analyses.email_design.drawing import draw, weights
from csworkbench.analyses.email_design.pilots import within
from csworkbench.analyses.email_design.registering import digest_of
from csworkbench.asof import take
from csworkbench.errors import AnalysisError
from csworkbench.estimates import Estimate, Severity
from csworkbench.experiments import Experiment
from csworkbench.inference.design import Pilot, Plan, accounts_needed
from tests.books import book, with_rows

AS_OF = date(2026, 9, 30)
CLICKED = {"name": "clicked", "label": "Clicked", "role": "primary", "outcome": {"kind": "human_clicks"}, "worth": 0.1}
FILE = {
    "id": "winter",
    "label": "Winter",
    "question": "Does it work?",
    "arms": [{"name": "old", "label": "Old"}, {"name": "new", "label": "New"}],
    "control": "old",
    "first_day": "2026-10-12",
    "last_day": "2026-11-30",
    "metrics": [CLICKED],
}
ACCOUNTS = [f"A{number:02}" for number in range(40)]


def settings(experiment=None, **changes):
    planned = Experiment.model_validate({**FILE, **(experiment or {})})
    base = {"service_basis": "contract", "strata": ["value_tier"], "cap_mails": None}
    return email_design.Config.model_validate({"experiment": planned, **base, **changes})


def people(accounts=ACCOUNTS, each=3):
    return [
        {"contact_id": f"{name}-{place}", "account_id": name, "left_at": None}
        for name in accounts
        for place in range(each)
    ]


def mailing():
    """One mail to everybody in August: in the first half of the accounts two of three people clicked, else nobody."""
    touches, events = [], []
    for place, person in enumerate(people()):
        name = f"T{place}"
        touches.append(
            {
                "touch_id": name,
                "account_id": person["account_id"],
                "contact_id": person["contact_id"],
                "channel": "email",
                "mode": "tech",
                "initiator": "central",
                "sent_at": "2026-08-03T09:00:00",
                "experiment_id": None,
                "variant": None,
                "content_id": "c",
            }
        )
        is_eager = person["account_id"] < "A20" and not person["contact_id"].endswith("-2")
        events.append({"touch_id": name, "type": "delivered", "occurred_at": "2026-08-03T09:01:00", "agent": None})
        if is_eager:
            events.append({"touch_id": name, "type": "click", "occurred_at": "2026-08-04T09:00:00", "agent": "human"})
    return {"touches": touches, "touch_events": events}


def tables(**changes):
    accounts = [
        {"account_id": name, "value_tier": "large" if place < 20 else "small", "churned_at": None}
        for place, name in enumerate(ACCOUNTS)
    ]
    return {"accounts": accounts, "contacts": people(), **mailing(), **changes}


def prepared(config=None, **changes):
    return email_design.prepare(take(book(tables(**changes)), AS_OF), config or settings(), {})


def made(config=None, **changes):
    config = config or settings()
    return email_design.analyze(prepared(config, **changes), config)


def left_out(config=None, **changes):
    frame = prepared(config, **changes).people
    return {name: why for name, why in zip(frame["contact_id"], frame["why"], strict=True) if why}


def consent(status, contact="A00-0", purpose="service", since="2026-01-01T00:00:00"):
    return {"contact_id": contact, "channel": "email", "purpose": purpose, "valid_from": since, "status": status}


def state(result, check):
    return result.tables["checks"].set_index("check").loc[check, "state"]


# --- who may be drawn -------------------------------------------------------------------------------------------------


def test_a_contact_who_left_is_not_drawn():
    contacts = people()
    contacts[0]["left_at"] = "2026-09-01T00:00:00"
    assert left_out(contacts=contacts) == {"A00-0": "person left"}


def test_contacts_of_an_account_that_left_are_not_drawn():
    accounts = tables()["accounts"]
    accounts[0]["churned_at"] = "2026-09-01T00:00:00"
    assert left_out(accounts=accounts) == dict.fromkeys(["A00-0", "A00-1", "A00-2"], "account left")


def test_a_refusal_wins_over_a_later_consent():
    rows = [consent("denied"), consent("granted", since="2026-02-01T00:00:00")]
    assert left_out(consents=rows) == {"A00-0": "refused"}


def test_a_refusal_that_ended_no_longer_counts():
    rows = [{**consent("denied"), "valid_to": "2026-02-01T00:00:00"}]
    assert left_out(consents=rows) == {}


@pytest.mark.parametrize("blank", ["status", "channel", "purpose"])
def test_a_consent_that_does_not_read_is_a_refusal(blank):
    rows = [{**consent("denied"), blank: None}, consent("granted", "A00-1")]
    assert left_out(consents=rows) == {"A00-0": "refused"}


def test_a_consent_that_was_taken_back_is_none():
    config = settings(purpose="marketing")
    rows = [
        consent("granted", purpose="marketing"),
        consent("unknown", purpose="marketing", since="2026-02-01T00:00:00"),
    ]
    assert left_out(config, consents=rows)["A00-0"] == "no consent"


def test_marketing_goes_only_to_who_said_yes():
    config = settings(purpose="marketing")
    rows = [consent("granted", "A00-0", "marketing"), consent("unknown", "A00-1", "marketing")]
    found = left_out(config, consents=rows)
    assert "A00-0" not in found
    assert set(found.values()) == {"no consent"}
    assert len(found) == 119  # all of 120 but one


def test_service_mail_without_a_declared_basis_needs_a_consent_too():
    assert len(left_out(settings(service_basis=None), consents=[consent("granted")])) == 119


def test_a_suppression_of_the_address_counts_until_its_day():
    pii = [{"contact_id": row["contact_id"], "email": f"{row['contact_id']}@x.example"} for row in people()]
    rows = [
        {"contact_id": None, "address": " A00-0@X.example", "valid_from": "2026-01-01", "until": None},
        {"contact_id": "A00-1", "address": None, "valid_from": "2026-01-01", "until": "2026-09-30"},
        {"contact_id": "A00-2", "address": None, "valid_from": "2026-01-01", "until": "2026-10-01"},
    ]
    assert left_out(contact_pii=pii, suppressions=rows) == {"A00-0": "suppressed", "A00-2": "suppressed"}


def test_who_has_no_address_is_not_drawn():
    pii = [{"contact_id": row["contact_id"], "email": "one@x.example"} for row in people()]
    pii[0]["email"] = None
    assert left_out(contact_pii=pii) == {"A00-0": "no e-mail address"}


def test_mails_within_the_days_of_the_cap_count_whoever_sent_them():
    config = settings(cap_mails=2, cap_days=10)
    more = [
        {
            **tables()["touches"][0],
            "touch_id": f"N{day}",
            "initiator": "marketing",
            "sent_at": f"2026-09-{day}T08:00:00",
        }
        for day in (20, 21, 25)  # the last ten days begin on the 21st
    ]
    touches = tables()["touches"] + more
    assert left_out(config, touches=touches) == {"A00-0": "at the frequency cap"}


def test_accounts_drawn_elsewhere_lately_are_left_out():
    row = {"experiment_id": "other", "unit_id": "A00", "unit": "account", "variant": "x"}
    units = [
        row | {"assigned_at": "2026-09-10T00:00:00"},
        row | {"unit_id": "A01", "assigned_at": "2026-08-10T00:00:00"},
    ]
    found = left_out(experiment_units=units)
    assert found == dict.fromkeys(["A00-0", "A00-1", "A00-2"], "account in another experiment")


def test_reasons_are_counted_by_the_first_that_holds():
    contacts = people()
    contacts[0]["left_at"] = "2026-09-01T00:00:00"
    frame = made(contacts=contacts, consents=[consent("denied"), consent("denied", "A01-0")]).tables["left_out"]
    assert frame.set_index("reason")["contacts"].to_dict() == {"may be mailed": 118, "person left": 1, "refused": 1}


def test_what_became_known_later_changes_nothing():
    before = made(consents=[consent("granted")])
    view = book(tables(consents=[consent("granted")]))
    later = with_rows(view, "consents", [consent("denied", since="2026-10-02T00:00:00")])
    after = email_design.analyze(email_design.prepare(take(later, AS_OF), settings(), {}), settings())
    for name, frame in before.tables.items():
        pd.testing.assert_frame_equal(frame, after.tables[name])


# --- the draw ---------------------------------------------------------------------------------------------------------


def test_weights_become_the_smallest_whole_numbers():
    arms = [{"name": name, "label": name, "weight": part} for name, part in (("old", 0.45), ("new", 0.45), ("h", 0.1))]
    assert weights(settings({"arms": arms}).experiment) == {"old": 9, "new": 9, "h": 2}


@pytest.mark.parametrize(
    ("parts", "whole"), [((1, 0.001), (1000, 1)), ((0.333, 0.334), (1, 1)), ((2, 3), (2, 3)), ((0.5, 0.25), (2, 1))]
)
def test_weights_that_are_nearly_small_numbers_are_taken_as_these_and_tiny_ones_as_they_are(parts, whole):
    arms = [{"name": name, "label": name, "weight": part} for name, part in zip(("old", "new"), parts, strict=True)]
    assert tuple(weights(settings({"arms": arms}).experiment).values()) == whole


def test_arms_are_even_within_each_stratum():
    counts = made().tables["assignments"].groupby(["stratum", "variant"]).size()
    assert counts.to_dict() == {("large", "new"): 10, ("large", "old"): 10, ("small", "new"): 10, ("small", "old"): 10}


def test_the_draw_does_not_depend_on_the_order_of_rows():
    first = made().tables["assignments"]
    again = made(contacts=people()[::-1], accounts=tables()["accounts"][::-1]).tables["assignments"]
    pd.testing.assert_frame_equal(first, again)


def test_another_seed_draws_otherwise():
    config = settings(seed=1)
    assert not made().tables["assignments"]["variant"].equals(made(config).tables["assignments"]["variant"])


def test_contacts_are_drawn_within_their_account():
    config = settings({"unit": "contact"})
    frame = made(config).tables["assignments"]
    assert set(frame["unit"]) == {"contact"}
    # Three people of an account: two get one arm and one the other.
    assert set(frame.groupby("stratum")["variant"].nunique()) == {2}
    assert frame["eligible_contacts"].eq(1).all()


def test_whole_blocks_are_drawn_to_a_week():
    config = settings(weeks=2)
    drawn = draw(prepared(config), config)
    block = {each.unit_id: (each.stratum, each.block) for each in drawn.assigned}
    weeks = pd.Series(drawn.week).groupby(block).nunique()
    assert set(weeks) == {1}
    # 40 accounts make ten blocks of four: five blocks, twenty accounts, in each week.
    assert drawn.table["assigned_at"].value_counts().to_dict() == {
        pd.Timestamp("2026-10-12"): 20,
        pd.Timestamp("2026-10-19"): 20,
    }


def test_a_person_with_two_records_in_two_arms_is_told():
    pii = [{"contact_id": row["contact_id"], "email": f"{row['contact_id']}@x.example"} for row in people()]
    frame = made(contact_pii=pii).tables["assignments"].set_index("unit_id")["variant"]
    other = next(name for name in ACCOUNTS if frame[name] != frame["A00"])
    for row in pii:
        if row["contact_id"] in ("A00-0", f"{other}-0"):
            row["email"] = "Same@x.example"
    result = made(contact_pii=pii)
    assert state(result, "same_person_twice") == "warning"
    assert result.tables["shared_people"].to_dict("records") == [
        {"kind": "person", "member": "A00-0", "variants": "new, old", "units": 2}
    ]


def test_a_csm_of_both_arms_is_a_doubt_only_where_csms_deliver():
    rows = [{"account_id": name, "role": "csm", "valid_from": "2026-01-01", "csm_id": "C1"} for name in ACCOUNTS]
    assert state(made(assignments=rows), "one_csm_both_arms") == "ok"
    assert state(made(settings(by_hand=True), assignments=rows), "one_csm_both_arms") == "warning"


def test_a_holdout_is_an_arm_of_the_draw():
    arms = [*FILE["arms"], {"name": "none", "label": "No mail", "weight": 2, "is_holdout": True}]
    frame = made(settings({"arms": arms})).tables["balance"].set_index("variant")
    assert frame["units"].to_dict() == {"old": 10, "new": 10, "none": 20}


# --- what it could show -----------------------------------------------------------------------------------------------


def test_the_sample_is_the_newest_mailing_of_each_account():
    sample = prepared().samples["clicked"].set_index("account_id")
    assert sample.loc["A00", ["total", "size"]].tolist() == [2, 3]
    assert sample.loc["A39", ["total", "size"]].tolist() == [0, 3]
    # 20 of 40 accounts with 2 clicks of 3 people: 40 of 120.
    assert sample["total"].sum() / sample["size"].sum() == pytest.approx(1 / 3)


def test_the_number_of_accounts_is_that_of_the_closed_form():
    result = made()
    row = result.tables["plans"].iloc[0]
    # Analysis of variance by hand: between (20 * 4/3 - 1600/120) / 39, within (40 - 20 * 4/3) / 80, three people each.
    between, inside = (20 * 4 / 3 - 1600 / 120) / 39, (40 - 20 * 4 / 3) / 80
    icc = (between - inside) / (between + 2 * inside)
    assert result.tables["sample"].loc[0, "intra_account_correlation"] == pytest.approx(icc)
    pilot = Pilot(1 / 3, (2 / 9) ** 0.5, 3.0, 0.0, Estimate(icc, "share", 40), is_share=True)
    assert row["accounts_needed"] == accounts_needed(pilot, 0.1, Plan())
    assert row["worth"] == 10
    assert row["says"] == "too few accounts"


def test_the_headline_says_what_sixty_accounts_could_show():
    from csworkbench.formats import text

    said = text(made().headline)
    visible = made().tables["visible"].set_index("accounts").loc[60, "smallest_effect"]
    assert f"With 60 accounts nothing under {visible:.3g} percentage points is visible" in said


def test_drawing_contacts_leaves_the_variance_within_accounts():
    pilot = Pilot(0.2, 0.4, 10.0, 0.5, Estimate(0.1, "share", 50, 0.05, 0.15, 0.95), is_share=True)
    # p (1 - p) (1 - ICC) per contact.
    assert within(pilot).account_variance() == pytest.approx(0.2 * 0.8 * 0.9)


def test_a_subject_line_drawn_by_contact_needs_fewer_people():
    by_account = made().tables["plans"].loc[0, "accounts_needed"]
    by_contact = made(settings({"unit": "contact"})).tables["plans"].loc[0, "accounts_needed"]
    units = made().tables["units"].set_index("unit")["contacts_needed"]
    assert by_contact == -(-units["contact"] // 3)  # three people an account
    assert by_contact < by_account


def test_the_smallest_effect_of_an_account_metric_is_known_as_well_as_its_spread():
    metric = {**CLICKED, "name": "use", "outcome": {"kind": "usage", "window_days": 28}}
    rows = [
        {"account_id": name, "feature": "f", "date": "2026-09-15", "events": 1 + 2 * (place % 2)}
        for place, name in enumerate(ACCOUNTS)
    ]
    row = made(settings({"metrics": [metric]}), usage_daily=rows).tables["plans"].iloc[0]
    # Half the accounts at 1 and half at 3: the kurtosis is 1, so that the spread is known exactly.
    assert row["low"] == pytest.approx(row["smallest_effect"])
    assert row["high"] == pytest.approx(row["smallest_effect"])


def test_a_primary_shares_its_error_with_other_variants():
    arms = [*FILE["arms"], {"name": "third", "label": "Third"}]
    config = settings({"arms": arms})
    one = made().tables["visible"].iloc[0]["smallest_effect"]
    two = made(config).tables["visible"].iloc[0]["smallest_effect"]
    assert two > one


def test_an_outcome_without_variation_is_not_planned():
    result = made(touch_events=[event for event in mailing()["touch_events"] if event["type"] == "delivered"])
    assert result.figures["accounts_needed"].value is None
    assert result.tables["plans"].loc[0, "says"].startswith("The sample shows no two outcomes that differ")


def test_without_mails_nothing_is_told_of_clicks():
    rows = tables()
    for name in ("touches", "touch_events"):
        del rows[name]
    view = take(book(rows), AS_OF)
    result = email_design.analyze(email_design.prepare(view, settings(), {}), settings())
    assert result.tables["plans"].loc[0, "says"] == "The workspace lacks touches, touch_events"


def test_without_a_worth_the_file_is_asked_for_one():
    config = settings({"metrics": [{**CLICKED, "worth": None}]})
    assert "no_worth" in {caveat.code for caveat in made(config).caveats}


def test_the_weeks_follow_from_the_accounts_that_were_mailed_lately():
    # Forty accounts were mailed in one of the last 26 weeks: 40 / 26 a week.
    inputs = prepared()
    assert (inputs.per_week, inputs.rate_weeks) == (40 / 26, 26)
    plans = made().tables["plans"]
    assert plans.loc[0, "weeks"] == -(-int(plans.loc[0, "accounts_needed"]) * 26 // 40)


# --- what stops, what is written down ---------------------------------------------------------------------------------


def test_a_first_day_that_is_over_stops_the_draw():
    result = made(settings({"first_day": "2026-09-30"}))
    assert state(result, "planned_ahead") == "stop"
    assert result.tables["assignments"].empty
    assert result.releases == ()
    assert result.caveats[0].severity is Severity.STOP


def test_units_watched_beyond_the_last_day_stop_the_draw():
    # 12 October, five weeks, 28 days: the last ones are watched until 7 December.
    result = made(settings(weeks=5))
    assert state(result, "watched_to_the_end") == "stop"


def test_too_few_units_for_any_test_stop_the_draw():
    assert state(made(contacts=people(ACCOUNTS[:8])), "units_in_arms") == "stop"


def test_without_consents_a_refusal_cannot_be_respected():
    assert state(made(), "consents") == "warning"
    assert state(made(consents=[consent("granted")]), "consents") == "ok"


def test_the_registration_ends_with_the_digest_of_what_stands_above():
    frame = made().tables["preregistration"]
    rows = list(frame.itertuples(index=False, name=None))
    assert rows[-1] == ("sha256", digest_of(rows[:-1]))
    assert dict(rows)["file_sha256"] == settings().experiment.registered_digest
    assert dict(rows)["units"] == "40"


def test_writing_the_digest_into_the_file_draws_the_same():
    digest = settings().experiment.registered_digest
    config = settings({"preregistered": digest})
    pd.testing.assert_frame_equal(made().tables["assignments"], made(config).tables["assignments"])
    assert state(made(config), "registered") == "ok"
    assert state(made(settings({"preregistered": "0" * 64})), "registered") == "warning"


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(AnalysisError, match=r"tier: there is no such column in accounts"):
        prepared(settings(strata=["tier"]))


def test_a_released_draw_is_read_by_the_experiment_page(tmp_path):
    """Released as CSV, mapped beside the older units, and read as experiment_units once the first day has come."""
    from csworkbench.exports import write_table
    from csworkbench.sources import cache_folder, open_book
    from csworkbench.workspace import load_workspace

    frame = made().tables["assignments"]
    folder = tmp_path / "records" / "assignments"
    write_table(frame, folder, "winter-0123456789ab", ["experiment_id", "unit_id"])
    (folder / "winter-0123456789ab.parquet").unlink()  # a release is the CSV alone
    old = "experiment_id,unit_id,unit,stratum,variant,assigned_at,eligible_contacts\n"
    (tmp_path / "units.csv").write_text(f"{old}past,A00,account,,old,2026-01-05T08:00:00Z,3\n", encoding="utf-8")
    for name in ("accounts", "contacts"):
        rows = [{key: value for key, value in row.items() if value is not None} for row in tables()[name]]
        with (tmp_path / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
            writer = csv.DictWriter(handle, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    (tmp_path / "workspace.yaml").write_text(
        "version: 1\nname: Round trip\ntables:\n  accounts: {path: accounts.csv}\n  contacts: {path: contacts.csv}\n"
        "  experiment_units: {path: [units.csv, records/assignments/*.csv]}\n",
        encoding="utf-8",
    )
    workspace = load_workspace(tmp_path / "workspace.yaml")
    opened = open_book(workspace, tmp_path, cache_folder(tmp_path, tmp_path / "outputs"), tmp_path / "records")
    config = email_touch.Config.model_validate({"experiments": [settings().experiment]})
    early = email_touch.prepare(take(opened, date(2026, 10, 11)), config, {}).facts["winter"].units
    late = email_touch.prepare(take(opened, date(2026, 10, 12)), config, {}).facts["winter"].units
    assert early.empty
    drawn = frame.set_index("unit_id")
    assert late.set_index("unit_id")["variant"].to_dict() == drawn["variant"].to_dict()
    assert late.set_index("unit_id")["eligible"].to_dict() == drawn["eligible_contacts"].to_dict()
    assert (late["why"] == "").all()


def test_the_inputs_are_not_changed_by_the_analysis():
    inputs = prepared()
    before = replace(inputs, people=inputs.people.copy(), accounts=inputs.accounts.copy())
    email_design.analyze(inputs, settings())
    pd.testing.assert_frame_equal(inputs.people, before.people)
    pd.testing.assert_frame_equal(inputs.accounts, before.accounts)


def test_with_nobody_to_mail_nothing_is_drawn_and_nothing_is_promised():
    rows = [consent("denied", person["contact_id"]) for person in people()]
    result = made(consents=rows)
    assert state(result, "units_in_arms") == "stop"
    assert result.tables["assignments"].empty
    assert result.figures["accounts"].value == 0
    assert result.figures["smallest_effect"].value is None


def test_without_strata_all_accounts_are_one_group():
    frame = made(settings(strata=[])).tables["assignments"]
    assert set(frame["stratum"]) == {""}
    assert frame["variant"].value_counts().to_dict() == {"old": 20, "new": 20}


def test_accounts_of_like_use_go_into_one_block():
    rows = [
        {"account_id": name, "feature": "f", "date": "2026-09-15", "events": place}
        for place, name in enumerate(ACCOUNTS)
    ]
    config = settings(strata=[])
    drawn = draw(prepared(config, usage_daily=rows), config)
    # The most active four, A36 to A39, are the first block.
    assert {each.unit_id for each in drawn.assigned if each.block == 0} == {"A36", "A37", "A38", "A39"}


def test_a_guardrail_is_counted_at_its_margin():
    guard = {**CLICKED, "name": "left", "role": "guardrail", "margin": 0.05, "worth": None}
    plans = made(settings({"metrics": [CLICKED, guard]})).tables["plans"].set_index("role")
    assert plans.loc["guardrail", "worth"] == 5


def test_looks_at_any_time_are_told_to_cost_accounts():
    config = settings({"looks": {"kind": "continuous", "planned_units": 400}})
    assert "continuous_looks" in {caveat.code for caveat in made(config).caveats}
