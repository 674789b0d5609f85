"""Which content and which leads work, who gets the credit, and do the people who were added stay?"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm, t
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.proportion import proportion_confint

from csworkbench import formats
from csworkbench.analyses import contents
from csworkbench.analyses.contents.comparing import compare
from csworkbench.analyses.contents.crediting import split
from csworkbench.asof import take
from csworkbench.errors import ConfigError, NothingToAnalyze
from csworkbench.features.estimating import kept_share
from csworkbench.sampledata.outreach import TECH_CLICKS
from csworkbench.session import start
from csworkbench.sources import open_book
from csworkbench.workspace import Workspace
from tests.books import book, with_rows

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2026, 6, 30)
CARD = {"content_id": "card", "title": "June", "kind": "h5_card", "image": "a.png", "subtitle": "News",
        "url": "https://a.example/june", "appid": None, "path": None, "roles": None}  # fmt: skip
MINI = {**CARD, "content_id": "mini", "kind": "mini_program_card", "subtitle": None, "url": None,
        "appid": "wx0123456789abcdef", "path": "pages/index"}  # fmt: skip


def make_book(names=("a", "b", "c"), **tables):
    accounts = [
        {"account_id": name, "name": f"Name {name}", "signup_at": "2024-01-01T00:00:00", "churned_at": None}
        for name in names
    ]
    return book({"accounts": accounts, **tables})


def result_of(made, as_of=AS_OF, **settings):
    config = contents.Config(**settings)
    return contents.analyze(contents.prepare(take(made, as_of), config, {}), config)


def codes(result):
    return {caveat.code for caveat in result.caveats}


def told(result, code):
    return next(formats.text(caveat.message) for caveat in result.caveats if caveat.code == code)


# --- the library ---


def faults_of(**changes):
    result = result_of(make_book(contents=[{**CARD, **changes}]))
    return result.tables["faults"][["field", "value", "fault"]].to_numpy().tolist()


def test_complete_cards_have_no_fault():
    assert result_of(make_book(contents=[CARD, MINI])).tables["faults"].empty


@pytest.mark.parametrize("field", ["image", "title", "subtitle", "url"])
def test_an_h5_card_needs_image_title_subtitle_and_url(field):
    assert faults_of(**{field: " "}) == [[field, "", "missing"]]


@pytest.mark.parametrize("field", ["image", "title", "appid", "path"])
def test_a_mini_program_card_needs_image_title_appid_and_path(field):
    assert faults_of(**{**MINI, field: None}) == [[field, "", "missing"]]


@pytest.mark.parametrize(
    ("field", "value"),
    [("url", "a.example/june"), ("url", "https://a.example/ju ne"), ("appid", "0123"), ("path", "https://a.example")],
)
def test_a_field_of_another_form_is_named_with_what_stands_there(field, value):
    (found,) = faults_of(**{**(CARD if field == "url" else MINI), field: value})
    assert found[:2] == [field, value]
    assert found[2].startswith("no ")


def test_an_unknown_kind_and_role_are_named_with_what_is_known():
    (kind,) = faults_of(kind="poster")
    assert kind[:2] == ["kind", "poster"]
    assert kind[2].startswith("unknown: the settings know mail, article")
    (role,) = faults_of(roles="support; boss")
    assert role == [
        "roles", "boss", "unknown: roles are csm, tech_touch, delivery, support, sales, marketing"
    ]  # fmt: skip


def test_each_role_sees_what_is_for_it_and_what_is_for_all():
    rows = [{**CARD, "content_id": name, "roles": roles} for name, roles in
            (("all", None), ("ours", "Support ; csm"), ("theirs", "marketing"), ("lost", "boss"))]  # fmt: skip
    seen = result_of(make_book(contents=rows)).tables["catalogue"].groupby("role")["content_id"].agg(set)
    assert seen["support"] == {"all", "ours"}
    assert seen["marketing"] == {"all", "theirs"}
    assert seen["sales"] == {"all"}


def test_a_catalogue_is_in_the_order_of_the_library():
    rows = [{**CARD, "content_id": name, "group_path": path, "sort": sort} for name, path, sort in
            (("x", "b", 1), ("y", "a", 2), ("z", "a", 1))]  # fmt: skip
    table = result_of(make_book(contents=rows)).tables["catalogue"]
    assert table.loc[table["role"] == "csm", "content_id"].tolist() == ["z", "y", "x"]


# --- what came of contents ---


def touch(number, account, content="card", on="2026-06-01", channel="email", **more):
    return {"touch_id": f"t{number}", "account_id": account, "content_id": content, "channel": channel,
            "sent_at": f"{on}T10:00:00", "csm_id": None, **more}  # fmt: skip


def event(number, kind, agent=None, minute=1):
    return {"touch_id": f"t{number}", "type": kind, "occurred_at": f"2026-06-02T10:{minute:02}:00", "agent": agent,
            "link": "x"}  # fmt: skip


def rates_of(result, outcome, content="card"):
    return result.tables["rates"].query("outcome == @outcome and content_id == @content").iloc[0]


def test_only_what_a_person_did_counts_and_the_interval_is_wilsons():
    touches = [touch(number, name) for number, name in enumerate("abcde")]
    events = [event(number, "delivered") for number in range(4)] + [event(4, "bounced")]
    events += [event(0, "click", "human"), event(1, "click", "scanner"), event(2, "open", "machine"),
               event(3, "open", "human")]  # fmt: skip
    result = result_of(make_book("abcde", contents=[CARD], touches=touches, touch_events=events))
    # 4 of 5 delivered; of the 4, one was opened and one clicked by a person.
    for outcome, hits, trials in (("delivered", 4, 5), ("opened", 1, 4), ("clicked", 1, 4)):
        row = rates_of(result, outcome)
        assert (row["hits"], row["trials"], row["accounts"]) == (hits, trials, trials)
        assert row[["low_share", "high_share"]].tolist() == pytest.approx(
            proportion_confint(hits, trials, method="wilson")
        )


def test_nothing_is_said_of_what_a_channel_does_not_record():
    touches = [touch(1, "a", channel="in_app"), touch(2, "a")]
    events = [event(1, "delivered"), event(2, "delivered"), event(2, "click", "human")]
    result = result_of(make_book(contents=[CARD], touches=touches, touch_events=events))
    rows = result.tables["outcomes"].set_index("channel")
    assert pd.isna(rows.loc["in_app", "clicked"])
    assert rows.loc["email", "clicked"].startswith("100.0% (")
    assert told(result, "channels_silent") == "Nobody records opens or clicks of in app: there nobody can tell"


def test_messages_outside_the_window_or_without_their_days_to_be_read_do_not_count():
    days = ("2025-06-30", "2025-07-01", "2026-06-23", "2026-06-24")
    touches = [touch(number, "a", on=day) for number, day in enumerate(days)]
    result = result_of(make_book(contents=[CARD], touches=touches))
    # 365 days up to 30 June begin on 1 July; a message has 7 days to be read.
    assert result.tables["outcomes"]["sent"].tolist() == [2]


def test_contents_that_are_sent_and_not_in_the_library_are_told():
    result = result_of(make_book(contents=[CARD], touches=[touch(1, "a", "other")]))
    assert told(result, "contents_unknown") == "1 content was sent without being in the library: other"
    assert result.tables["outcomes"]["title"].tolist() == ["not in the library"]


def test_messages_by_people_who_may_not_see_the_content_are_counted():
    csms = [{"csm_id": "s", "name": "Sam", "role": "support"}, {"csm_id": "m", "name": "Mo", "role": "marketing"}]
    touches = [touch(1, "a", csm_id="s"), touch(2, "a", csm_id="m"), touch(3, "b", csm_id="s")]
    made = make_book(contents=[{**CARD, "roles": "marketing"}], csms=csms, touches=touches)
    assert "2 messages were sent by people whose role may not see" in told(result_of(made), "sent_outside_role")


def compared(shares, accounts=60, per=3, seed=1, group="email"):
    rng = np.random.default_rng(seed)
    return pd.concat(
        pd.DataFrame({
            "group": group, "outcome": "clicked", "item": f"i{place:02}",
            "account_id": [f"a{each}" for each in range(accounts)], "trials": float(per),
            "hits": rng.binomial(per, share, accounts).astype(float),
        })
        for place, share in enumerate(shares)
    )  # fmt: skip


def test_a_difference_and_its_error_are_those_of_clustered_least_squares():
    rows = compared([0.1, 0.45], accounts=30).reset_index(drop=True)
    single = rows.loc[rows.index.repeat(3)]
    single = single.assign(hit=[float(place < hits) for hits in rows["hits"] for place in range(3)])
    design = sm.add_constant((single["item"] == "i00").to_numpy(float))
    groups = pd.factorize(single["account_id"])[0]
    fitted = sm.OLS(single["hit"].to_numpy(), design).fit(cov_type="cluster", cov_kwds={"groups": groups})
    error = fitted.bse[1] / np.sqrt((180 - 1) / (180 - 2))  # without the factor for the two means
    row = compare(rows, 20, 0.95).set_index("item").loc["i00"]
    assert row["difference"] == pytest.approx(fitted.params[1])
    # Both questions are answered, so each has the level of one; 30 accounts leave 29 degrees.
    assert (row["difference_high"] - row["difference_low"]) / 2 == pytest.approx(t.ppf(0.975, 29) * error)


def test_equal_contents_are_seldom_called_different():
    # 20 books of 8 contents with one share: at most 5 % of the books may have a claim, plus three Monte-Carlo errors.
    books = 20
    claims = [
        compare(compared([0.15] * 8, accounts=40, seed=seed), 20, 0.95)["says"].isin(["more", "less"]).any()
        for seed in range(books)
    ]
    assert np.mean(claims) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / books)


def test_a_content_that_is_clicked_twice_as_often_is_found():
    table = compare(compared([0.3, 0.15, 0.15, 0.15], accounts=150), 20, 0.95).set_index("item")
    assert table.loc["i00", "says"] == "more"
    assert table["difference_low"].lt(table["difference"]).all()


def test_shares_of_equal_contents_are_drawn_together():
    table = compare(compared([0.15] * 8, accounts=30), 20, 0.95)
    assert table["shrunk_share"].std() < 0.6 * table["share"].std()
    assert table["shrunk_low_share"].le(table["shrunk_share"]).all()


def test_with_too_few_accounts_or_clicks_nobody_can_tell():
    rows = compared([0.3, 0.3], accounts=19)
    assert set(compare(rows, 20, 0.95)["says"]) == {"cannot tell"}
    rare = compared([0.3, 0.3], accounts=40).assign(hits=lambda each: (each["account_id"] == "a1") * 1.0)
    assert set(compare(rare, 20, 0.95)["says"]) == {"cannot tell"}


def test_the_promoted_action_is_counted_before_and_after_the_first_message():
    touches = [touch(1, "a"), touch(2, "b"), touch(3, "a", on="2026-06-10"), touch(4, "c", on="2026-06-20")]
    usage = [
        {"account_id": name, "feature": "query", "date": day, "events": 1, "user_id": None}
        for name, day in (("a", "2026-05-20"), ("a", "2026-06-10"), ("b", "2026-06-15"), ("b", "2026-05-17"))
    ]
    made = make_book(contents=[CARD], touches=touches, usage_daily=usage)
    row = result_of(made, promotes={"card": "query"}).tables["actions"].iloc[0]
    # c had no 14 days yet. a used it 12 days before and 9 after, b 14 days after and 15 before: too early.
    assert row[["accounts", "before_share", "after_share"]].tolist() == [2, 0.5, 1.0]
    assert row["change"] == 0.5


def test_a_promoted_feature_that_is_not_there_is_refused():
    usage = [{"account_id": "a", "feature": "query", "date": "2026-06-01", "events": 1, "user_id": None}]
    made = make_book(contents=[CARD], touches=[touch(1, "a")], usage_daily=usage)
    with pytest.raises(ConfigError, match=r"promotes.card: there is no 'qery' on this day \(did you mean 'query'\?\)"):
        result_of(made, promotes={"card": "qery"})


# --- leads ---


def lead(name, status="won", account=None, amount=None, owner="Ann", credit="Ann", on="2026-06-01", **more):
    return {"lead_id": name, "account_id": account, "status": status, "owner": owner, "amount": amount,
            "currency": "EUR", "credit_to": credit, "created_at": f"{on}T10:00:00", "protect_until": None, "cost": None,
            "source": None, "closed_at": None, **more}  # fmt: skip


def happened(number, name, kind, on="2026-06-05", **more):
    return {"event_id": f"e{number}", "lead_id": name, "type": kind, "occurred_at": f"{on}T10:00:00", "person": None,
            "order_id": None, "amount": None, "share": None, "currency": None, **more}  # fmt: skip


def leads_result(leads, events=None, **settings):
    tables = {"leads": leads} | ({} if events is None else {"lead_events": events})
    return result_of(make_book(**tables), **settings)


def test_leads_are_counted_by_stage_and_unknown_statuses_are_told():
    leads = [lead("1"), lead("2", "lost", "a"), lead("3", "lost", "a"), lead("4", "parked")]
    result = leads_result(leads)
    rows = result.tables["stages"].set_index("stage")
    assert rows["leads"].to_dict() == {
        "new": 0, "contacted": 0, "qualified": 0, "won": 1, "lost": 2, "recalled": 0, "unknown status": 1
    }  # fmt: skip
    assert rows.loc["lost", "accounts"] == 1
    assert told(result, "status_unknown") == "1 lead has a status no stage has: parked"


def test_amounts_of_two_currencies_are_not_added_up():
    leads = [lead("1", amount=10.1), lead("2", amount=20.25, currency="SEK"), lead("3", amount=0.2)]
    row = leads_result(leads).tables["stages"].set_index("stage").loc["won"]
    assert row["amount"] == "EUR 10.30 + SEK 20.25"


def test_a_hundred_in_three_is_exact_to_the_cent():
    third = Decimal("0.333333")
    parts = split(Decimal("100.00"), dict.fromkeys(("Ann", "Bo", "Cy"), third))
    # 33.33 each leaves one cent; the remainders are equal, so the first name has it.
    assert parts == {"Ann": Decimal("33.34"), "Bo": Decimal("33.33"), "Cy": Decimal("33.33")}


@given(
    st.decimals(0, 10**9, places=2),
    st.lists(st.integers(1, 1000), min_size=1, max_size=9),
)
def test_split_amounts_always_add_up(amount, weights):
    total = sum(weights)
    parts = split(amount, {str(place): Decimal(each) / total for place, each in enumerate(weights)})
    assert sum(parts.values()) == amount
    for place, each in enumerate(weights):
        assert abs(parts[str(place)] - amount * each / total) < Decimal("0.0101")


def test_credit_is_shared_as_the_events_say_and_adds_up_to_the_orders():
    events = [
        happened(1, "1", "ordered", order_id="o1", amount=100.0),
        happened(2, "1", "ordered", order_id="o2", amount=50.01),
        happened(3, "1", "credited", person="Ann", share=0.6), happened(4, "1", "credited", person="Bo", share=0.4),
    ]  # fmt: skip
    result = leads_result([lead("1", amount=999.0, credit="Cy")], events)
    rows = result.tables["ledger"].set_index(["order_id", "person"])["amount"].to_dict()
    # .6 of 50.01 is 30.006, .4 is 20.004: the larger remainder gets the cent.
    assert rows == {
        ("o1", "Ann"): Decimal("60.00"), ("o1", "Bo"): Decimal("40.00"),
        ("o2", "Ann"): Decimal("30.01"), ("o2", "Bo"): Decimal("20.00"),
    }  # fmt: skip
    row = result.tables["balance"].iloc[0]
    assert (row["orders"], row["ordered"], row["credited"], row["off"]) == (2, Decimal("150.01"), Decimal("150.01"), 0)


def test_people_and_nobody_add_up_to_all_orders():
    leads = [lead("1", amount=10.25), lead("2", amount=1.5, credit="Bo"), lead("3", amount=2.0, credit=None), lead("4")]
    rows = leads_result(leads).tables["credit"][["person", "orders", "amount"]].to_numpy().tolist()
    # 10.25 + 1.50 + 2.00 are 13.75; the fourth has no amount.
    assert rows == [
        ["Ann", 1, "EUR 10.25"],
        ["Bo", 1, "EUR 1.50"],
        ["nobody", 2, "EUR 2.00"],
        ["all orders", 4, "EUR 13.75"],
    ]


def test_the_newest_day_of_shares_counts():
    events = [
        happened(1, "1", "credited", person="Ann", share=1.0),
        happened(2, "1", "credited", on="2026-06-09", person="Bo", share=1.0),
    ]
    assert leads_result([lead("1", amount=5.0)], events).tables["ledger"]["person"].tolist() == ["Bo"]


def test_shares_that_do_not_add_up_to_one_credit_nobody():
    events = [
        happened(1, "1", "credited", person="Ann", share=0.5),
        happened(2, "1", "credited", person="Bo", share=0.4),
    ]
    result = leads_result([lead("1", amount=10.0)], events)
    assert result.tables["uncredited"]["why"].tolist() == ["the shares do not add up to 1"]
    assert told(result, "shares_off") == "1 order has shares of the credit that do not add up to 1: 1"
    row = result.tables["balance"].iloc[0]
    assert (row["credited"], row["not_credited"], row["off"]) == (0, Decimal("10.00"), 0)


def test_an_order_two_leads_claim_is_credited_to_nobody_and_counts_once():
    events = [happened(place, str(place), "ordered", order_id="o", amount=70.0) for place in (1, 2)]
    result = leads_result([lead("1", account="a"), lead("2", account="a", credit="Bo")], events)
    assert result.tables["ledger"].empty
    assert told(result, "order_twice") == "1 order is recorded for several leads, or several times: o"
    row = result.tables["balance"].iloc[0]
    assert (row["orders"], row["ordered"], row["not_credited"], row["off"]) == (
        1,
        Decimal("70.00"),
        Decimal("70.00"),
        0,
    )


def test_several_deals_of_one_customer_count_each():
    result = leads_result([lead("1", account="a", amount=5.0), lead("2", account="a", amount=7.5, credit="Bo")])
    assert result.tables["ledger"][["lead_id", "person", "amount"]].to_numpy().tolist() == [
        ["1", "Ann", Decimal("5.00")], ["2", "Bo", Decimal("7.50")]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("deal", "why"),
    [({"by_order": True}, "no order"), ({"at_least": 10.01}, "below the least amount of a deal"), ({}, None)],
)
def test_what_a_deal_is_the_settings_say(deal, why):
    result = leads_result([lead("1", amount=10.0)], deal=deal)
    assert result.tables["uncredited"]["why"].tolist() == ([why] if why else [])


def test_a_deal_without_amount_or_credit_is_said_to_be_so():
    result = leads_result([lead("1"), lead("2", amount=1.0, credit=None)])
    assert result.tables["uncredited"]["why"].tolist() == ["no amount", "nobody is credited"]


def test_owners_and_credit_of_people_nobody_knows_are_told():
    leads = [lead("1", amount=1.0), lead("2", owner="Ghost", credit="Ghost", amount=1.0)]
    result = leads_result(leads, people=["Ann"])
    assert told(result, "owner_unknown").startswith(
        "1 lead belongs to somebody who is neither in csms nor under people"
    )
    assert told(result, "credit_unknown").startswith("1 order is credited to somebody")
    assert "owners_unchecked" in codes(leads_result(leads))


def recalled(leads, events=None, **settings):
    table = leads_result(leads, events, **settings).tables["recall"]
    return table.set_index("lead_id")[["rule", "mode"]].agg(tuple, axis=1).to_dict()


def test_an_open_lead_is_taken_back_the_day_after_its_protection():
    leads = [lead("over", "new", protect_until="2026-06-29"), lead("last", "new", protect_until="2026-06-30"),
             lead("won", protect_until="2026-06-01")]  # fmt: skip
    assert recalled(leads) == {"over": ("protection_over", "auto")}


def test_a_lead_without_protection_has_that_of_the_settings():
    leads = [lead("old", "new", on="2026-06-09"), lead("young", "new", on="2026-06-10")]
    # 20 days from 9 June end on 29 June, the day before the page; from 10 June on the day itself.
    assert set(recalled(leads, protection_days=20)) == {"old"}


def test_a_lead_nobody_took_is_on_the_list_to_be_looked_at():
    leads = [lead("1", "new", owner=None, on="2026-06-27"), lead("2", "new", owner=None, on="2026-06-28")]
    assert recalled(leads) == {"1": ("nobody_took_it", "manual")}


def rule(where, **more):
    return {"recall": [{"name": "r", "where": where, **more}]}


def test_the_first_rule_that_fits_counts_and_protection_holds_unless_a_rule_says_otherwise():
    where = {"attribute": "follow_ups", "below": 1}
    leads = [lead("1", "new", protect_until="2026-12-31"), lead("2", "contacted", protect_until="2026-06-01")]
    events = [happened(1, "2", "contacted")]
    assert recalled(leads, events, **rule(where)) == {}
    assert recalled(leads, events, **rule(where, protected_too=True)) == {"1": ("r", "manual")}


def test_rules_on_follow_ups_take_nothing_back_where_nobody_records_them():
    result = leads_result([lead("1", "new", on="2026-01-01")], **rule({"attribute": "follow_ups", "below": 1}))
    assert result.tables["recall"].empty
    assert "recall_unasked" in codes(result)


def test_a_rule_on_an_unknown_attribute_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"recall.0.where.attribute: there is no attribute 'ownr' \(did you mean"):
        leads_result([lead("1")], **rule({"attribute": "ownr", "is": "Ann"}))


def test_two_owners_of_one_customer_are_a_conflict_while_one_is_protected():
    leads = [lead("1", "new", "a", owner="Ann", protect_until="2026-12-31"), lead("2", "new", "a", owner="Bo"),
             lead("3", "new", "b"), lead("4", "new", "b")]  # fmt: skip
    rows = leads_result(leads).tables["several"].set_index("account_id")
    assert rows["is_conflict"].to_dict() == {"a": True, "b": False}
    assert rows.loc["a", "owners"] == "Ann, Bo"


def test_return_is_said_only_where_costs_are():
    leads = [lead("1", amount=100.0, cost=10.0, source="fair"), lead("2", "lost", cost=30.0, source="fair"),
             lead("3", amount=500.0, source="fair"), lead("4", amount=9.0, source="mail")]  # fmt: skip
    (row,) = leads_result(leads).tables["roi"].to_dict("records")
    # Of the two with a cost: 100 won for 40, so (100 - 40) / 40.
    assert (row["source"], row["leads"], row["without_cost"], row["roi"]) == ("fair", 2, 1, pytest.approx(1.5))
    assert "costs_absent" in codes(leads_result([lead("1", amount=1.0)]))


def test_steps_are_counted_and_timed_from_the_events():
    leads = [lead(str(number), "contacted") for number in range(5)]
    events = [happened(number, str(number), "contacted", on=f"2026-06-0{number + 2}") for number in range(4)]
    row = leads_result(leads, events).tables["steps"].set_index("step").loc["contacted"]
    # After 1, 2, 3 and 4 days, one still waits: after 2 days .6 do, after 3 days .4.
    assert (row["leads"], row["share"], row["median_days"]) == (4, 0.8, 3.0)


# --- people who stay ---


def person(name, account="a", added="2026-01-01", left=None, way="form"):
    return {"contact_id": name, "account_id": account, "added_way": way, "added_at": f"{added}T10:00:00",
            "left_at": left and f"{left}T10:00:00"}  # fmt: skip


def times(days, gone, entered=None, accounts=None):
    names = [f"a{place}" for place in range(len(days))] if accounts is None else accounts
    return pd.DataFrame(
        {"account_id": names, "entered": -1.0 if entered is None else entered, "days": days, "is_gone": gone}
    )


DAYS = [3, 5, 5, 8, 9, 12, 14, 15, 20, 22, 25, 30, *[40] * 12]
GONE = [True, True, False, True, False, True, True, False, True, False, True, True, *[False] * 12]


def test_kept_share_is_kaplan_meiers_with_greenwoods_error():
    curve = SurvfuncRight(np.array(DAYS), np.array(GONE).astype(int))
    found = kept_share(times(DAYS, GONE), 28)
    place = np.searchsorted(curve.surv_times, 28, side="right") - 1
    assert found.value == pytest.approx(curve.surv_prob[place])
    # log(-log) interval of Kalbfleisch and Prentice, the variance times n / (n - 1).
    share, n = curve.surv_prob[place], len(DAYS)
    error = curve.surv_prob_se[place] / share * np.sqrt(n / (n - 1)) / abs(np.log(share))
    ends = [np.exp(-np.exp(np.log(-np.log(share)) + sign * norm.ppf(0.975) * error)) for sign in (1, -1)]
    assert [found.low, found.high] == pytest.approx(ends)


def test_contacts_of_one_account_that_go_together_count_as_one():
    one = kept_share(times(DAYS, GONE), 28)
    names = [f"a{place}" for place in range(len(DAYS))]
    three = kept_share(times(DAYS * 3, GONE * 3, accounts=names * 3), 28)
    assert three.value == pytest.approx(one.value)
    assert (three.low, three.high) == pytest.approx((one.low, one.high))
    assert three.n == len(DAYS)


def test_who_came_before_the_period_is_at_risk_from_its_age_then_on():
    # Ten from the start, one leaves at 5: 9/10. Ten more are watched from age 7 on, one of the 19 leaves at 10: 18/19.
    frame = times([5, *[30] * 9, 10, *[30] * 9], [True, *[False] * 9, True, *[False] * 9], [-1] * 10 + [7] * 10)
    assert kept_share(frame, 20).value == pytest.approx(9 / 10 * 18 / 19)


def test_where_fewer_than_ten_are_watched_nobody_can_tell():
    assert kept_share(times(DAYS[:9], GONE[:9]), 5).value is None
    assert kept_share(times(DAYS, GONE), 41).value is None


def test_the_period_counts_who_was_added_deleted_and_is_there():
    people = [
        person("new"), person("gone", added="2025-09-01", left="2026-02-01"), person("old", added="2024-01-01"),
        person("before", added="2024-01-01", left="2025-01-01"), person("mail", way="mail"),
    ]  # fmt: skip
    rows = result_of(make_book(contacts=people)).tables["ways"].set_index("way")
    assert rows.loc["form", ["added", "deleted", "there"]].tolist() == [2, 1, 2]
    # Deleted 1 of the 3 who were there in the period.
    assert rows.loc["form", "deleted_share"] == pytest.approx(1 / 3)
    assert rows.loc["all", "added"] == 3


def test_a_period_that_begins_before_the_first_deletion_on_record_is_doubted():
    old, gone = person("old", added="2024-01-01"), person("gone", added="2024-01-01", left="2026-06-01")
    before = person("before", added="2024-01-01", left="2025-01-01")
    said = told(result_of(make_book(contacts=[old, gone])), "deletions_unrecorded")
    assert said.startswith("The first deletion on record is of 1 Jun 2026, within the period")
    assert told(result_of(make_book(contacts=[old])), "deletions_unrecorded").startswith("No contact is recorded")
    assert "deletions_unrecorded" not in codes(result_of(make_book(contacts=[old, gone, before])))


def test_who_leaves_with_the_account_is_not_deleted():
    accounts = [
        {"account_id": "a", "name": "A", "signup_at": "2024-01-01T00:00:00", "churned_at": "2026-03-01T00:00:00"}
    ]
    people = [person("p", left="2026-04-01"), person("q")]
    row = result_of(book({"accounts": accounts, "contacts": people})).tables["ways"].set_index("way").loc["all"]
    assert (row["deleted"], row["there"]) == (0, 0)


def test_added_today_and_not_followed_up_is_a_list_in_the_shared_language():
    people = [
        person("today", added="2026-06-30"),
        person("met", added="2026-06-30"),
        person("older", added="2026-06-29"),
    ]
    touches = [touch(1, "a", on="2026-06-30", mode="human", contact_id="met")]
    made = make_book(contacts=people, touches=touches)
    assert result_of(made).tables["lists"]["contact_id"].tolist() == ["today"]


def test_a_list_that_cannot_be_asked_is_left_out_and_said():
    lists = {"silent": {"attribute": "unanswered", "at_least": 1}}
    result = result_of(make_book(contacts=[person("p")]), lists=lists)
    assert "cannot be made: it needs messages, which is not there" in told(result, "list_skipped")


# --- the whole page ---


def test_without_any_of_its_tables_there_is_no_page():
    with pytest.raises(NothingToAnalyze, match=r"contents, touches, leads and contacts are all missing"):
        result_of(make_book())


def test_each_missing_table_is_said_and_the_rest_goes_on():
    result = leads_result([lead("1", amount=3.0)])
    assert (
        told(result, "tables_absent")
        == "contacts, contents, csms and 3 more are not there: what rests on them is empty"
    )
    assert len(result.tables["ledger"]) == 1
    assert "kept_share" not in result.figures


def test_two_stages_cannot_share_a_status():
    stages = [{"name": name, "statuses": ["x"], "ends": name} for name in ("open", "won", "lost")]
    with pytest.raises(ValueError, match=r"'x' belongs to two stages"):
        contents.Config(stages=stages)


def test_facts_known_later_change_nothing():
    made = make_book(
        leads=[lead("1", amount=3.0)], lead_events=[happened(1, "1", "ordered", order_id="o", amount=4.0)],
        contacts=[person("p")], contents=[CARD], touches=[touch(1, "a")], touch_events=[event(1, "delivered")],
    )  # fmt: skip
    later = made
    for name, rows in (
        ("leads", [lead("2", amount=9.0, on="2026-07-01")]),
        ("lead_events", [happened(2, "1", "ordered", on="2026-07-01", order_id="p", amount=9.0)]),
        ("contacts", [person("q", added="2026-07-01")]),
        ("touches", [touch(2, "a", on="2026-07-02")]),
        ("touch_events", [{**event(1, "click", "human"), "occurred_at": "2026-07-01T10:00:00"}]),
    ):
        later = with_rows(later, name, rows)
    one, two = (result_of(each).tables for each in (made, later))
    for name in one:
        pd.testing.assert_frame_equal(one[name], two[name])


BAD = {
    "accounts": "account_id,name,signup_at\na,A,2024-01-01T00:00:00Z\n",
    "contacts": "contact_id,account_id,added_at,left_at\np,a,2026-02-01T00:00:00Z,2026-01-01T00:00:00Z\n"
    "q,a,2026-02-01T00:00:00Z,\n",
    "leads": "lead_id,status,owner,amount,created_at,closed_at\n"
    "k1,won,Ann,10,2026-03-01T00:00:00Z,2026-02-01T00:00:00Z\nk2,won,Ann,-5,2026-03-01T00:00:00Z,\n"
    "k3,won,Ann,7,2026-03-01T00:00:00Z,\n",
    "lead_events": "event_id,lead_id,type,occurred_at,share\ne1,k3,ordered,2026-01-01T00:00:00Z,\n"
    "e2,k3,credited,2026-04-01T00:00:00Z,1.5\ne3,k9,assigned,2026-04-01T00:00:00Z,\n"
    "e4,k3,credited,2026-03-02T00:00:00Z,1\ne5,k3,sold,2026-03-02T00:00:00Z,\n",
}


def test_impossible_rows_are_set_aside_and_told_with_an_example(tmp_path):
    for name, text in BAD.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    data = {"version": 1, "name": "T", "timezone": "UTC", "tables": {name: {"path": f"{name}.csv"} for name in BAD}}
    made = open_book(Workspace.model_validate(data), tmp_path, tmp_path / "cache")
    result = result_of(made)
    said = sorted(formats.text(each.message) for each in result.caveats if each.code == "rows_refused")
    # Deleted before added, closed before created, a negative amount, an order before its lead, 1.5 of the credit, and
    # an event of no lead, and one of a type there is none of.
    assert [" ".join(each.split()[2:6]) for each in said] == [
        "of contacts have left_at", "of lead_events have lead_id", "of lead_events have occurred_at",
        "of lead_events have share", "of lead_events have type", "of leads have amount", "of leads have closed_at",
    ]  # fmt: skip
    assert result.tables["ledger"].empty
    assert result.tables["uncredited"]["lead_id"].tolist() == ["k3"]


@pytest.fixture(scope="module")
def sample():
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        desk = start("configs/workspace.yaml", "configs/contents.yaml", "")
        config = desk.config(contents)
        inputs = contents.prepare(desk.snapshot, config, desk.upstream(contents))
    return inputs, contents.analyze(inputs, config), config


def test_outcomes_of_the_sample_are_those_of_a_query(sample):
    # Sends of the 365 days up to 30 September in Stockholm that had a week; events up to then.
    query = """
        with sent as (
            select * from 'data/samples/touches.parquet'
            where content_id is not null and sent_at < '2026-09-23 22:00:00' and sent_at >= '2025-09-30 22:00:00'
        ), seen as (
            select touch_id, true as came, bool_or(type = 'open' and agent = 'human') opened,
                bool_or(type = 'click' and agent = 'human') clicked
            from 'data/samples/touch_events.parquet'
            where type <> 'bounced' and occurred_at < '2026-09-30 22:00:00'
            group by touch_id
        )
        select content_id, channel, count(*) sent, count(came) came, count(*) filter (opened) opened,
            count(*) filter (clicked) clicked
        from sent left join seen using (touch_id) group by all order by all
    """
    with duckdb.connect() as connection:
        connection.execute(f"set file_search_path = '{ROOT}'")
        wanted = connection.execute(query).fetchall()
    columns = ["sent", "delivered", "opened_human", "clicked_human"]
    found = sample[0].sends.groupby(["content_id", "channel"])[columns].sum().reset_index()
    assert [tuple(row) for row in found.to_numpy().tolist()] == wanted


def test_clicks_of_the_sample_have_the_planted_share(sample):
    # Plain mails of the system are clicked by TECH_CLICKS of those who got them; one of four intervals may miss it.
    rates = sample[1].tables["rates"].query("outcome == 'clicked'").set_index("content_id")
    rows = rates.loc[["welcome", "project-plan", "first-report", "best-practice"]]
    assert ((rows["low_share"] <= TECH_CLICKS) & (rows["high_share"] >= TECH_CLICKS)).sum() >= 3


def test_credit_of_the_sample_is_that_of_a_query(sample):
    query = """
        select currency, sum(amount)::decimal(18, 2)
        from read_csv('data/samples/leads.csv', types = {'amount': 'DECIMAL(18, 2)'})
        where status = 'won' group by currency order by currency
    """
    with duckdb.connect() as connection:
        connection.execute(f"set file_search_path = '{ROOT}'")
        wanted = connection.execute(query).fetchall()
    table = sample[1].tables["balance"]
    assert list(zip(table["currency"], table["ordered"], strict=True)) == wanted
    assert table["off"].tolist() == [0, 0, 0]


def test_no_owner_of_the_sample_is_called_better_than_another(sample):
    # The simulator draws who wins without looking at the owner.
    assert set(sample[1].tables["won"]["says"]) == {"no difference shown"}


def test_the_order_of_the_rows_changes_nothing(sample):
    inputs, result, config = sample
    mixed = {name: getattr(inputs, name).sample(frac=1, random_state=1) for name in ("sends", "contacts")}
    again = contents.analyze(replace(inputs, **mixed), config)
    for name in ("rates", "kept", "outcomes"):
        pd.testing.assert_frame_equal(again.tables[name], result.tables[name])


def test_the_figures_of_the_sample_are_four(sample):
    assert list(sample[1].figures) == ["clicked", "won_share", "kept_share", "to_recall"]
