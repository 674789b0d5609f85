"""The NPS page: the score and its doubts, tiers by rank, the lists of the week, and what a release changes."""

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest
from scipy.stats import binom

from csworkbench.analyses import nps_outreach, weekly_list
from csworkbench.analyses.nps_outreach.tiers import ranked, size_of, tie_table
from csworkbench.asof import take
from csworkbench.assignment import is_held
from csworkbench.estimates import Severity
from csworkbench.formats import text
from csworkbench.policy import COLUMNS
from csworkbench.sources import Contacted
from csworkbench.workspace import Cap, ContactPolicy
from tests.books import book, with_rows

# Wednesday; the week of the list begins on Monday 28 September, and Sunday the 27th is the last day it knows.
AS_OF = date(2026, 9, 30)
OPEN = ContactPolicy(least_consents=0, least_suppressions=0, caps=(), quiet=None, service_basis="contract")
NO_HOLDOUT = {"share": 0, "delay_weeks": 0}
GRANTED = {"valid_from": "2026-01-01T00:00:00", "status": "granted"}


def settings(**changes):
    return nps_outreach.Config.model_validate({"holdout": NO_HOLDOUT, **changes})


def answer(person, score, day="2026-09-20", **more):
    """An answer; the account of P01 is A01."""
    base = {"account_id": f"A{person[1:]}", "contact_id": person, "invited_at": f"{day}T08:00:00"}
    told = {"responded_at": None if score is None else f"{day}T12:00:00", "score": score, "followup": None}
    return {"response_id": f"N{person}{day}", **base, **told, "comment": "secret words", **more}


def tables(scores, **changes):
    """Person P01, P02 ... at account A01, A02 ... with a score each, None = invited without an answer."""
    names = [f"P{place:02}" for place in range(1, len(scores) + 1)]
    base = {
        "accounts": [{"account_id": f"A{name[1:]}", "value_tier": "small", "arr": 100.0} for name in names],
        "contacts": [{"contact_id": name, "account_id": f"A{name[1:]}", "role": "user"} for name in names],
        "consents": [
            {
                "contact_id": name,
                "channel": channel,
                "purpose": "marketing",
                "valid_from": "2026-01-01T00:00:00",
                "status": "granted",
            }
            for name in names
            for channel in ("email", "call")
        ],
        "nps_responses": [answer(name, score) for name, score in zip(names, scores, strict=True)],
    }
    return {**base, **changes}


def prepared(made, config=None, policy=OPEN, released=(), as_of=AS_OF):
    workspace = made.workspace.model_copy(update={"contact_policy": policy})
    whole = replace(made, workspace=workspace, released=tuple(released))
    return nps_outreach.prepare(take(whole, as_of), config or settings(), {})


def result(scores, config=None, policy=OPEN, released=(), as_of=AS_OF, **changes):
    config = config or settings()
    made = book(tables(scores, **changes))
    return nps_outreach.analyze(prepared(made, config, policy, released, as_of), config)


def listed(found):
    """Contact -> its list."""
    rows = found.tables["list"]
    return dict(zip(rows["contact_id"], rows["rule"], strict=True))


def left(found):
    """Contact -> why not, of those a rule asked for."""
    rows = found.tables["left_out"]
    return {who: why for who, rule, why in zip(rows["contact_id"], rows["rule"], rows["reason"], strict=True) if rule}


# --- the score --------------------------------------------------------------------------------------------------------


def test_nps_is_promoters_minus_detractors_with_an_interval_over_accounts():
    found = result([10, 9, 8, 7, 0]).figures["nps"]  # 2 promoters, 1 detractor of 5
    assert found.value == pytest.approx(100 * (2 - 1) / 5)
    assert found.n == 5
    assert found.low < found.value < found.high


def test_twelve_promoters_do_not_print_100_plus_minus_0():
    found = result([10] * 12).figures["nps"]
    assert (found.value, found.high) == (100, 100)
    assert found.low < 90


def test_only_the_newest_answer_of_a_contact_counts_for_90_days():
    # As of 30 September, 2 July is 90 days ago and counts; 1 July does not.
    rows = [answer("P01", 0, "2026-07-02"), answer("P02", 10, "2026-07-01"), answer("P01", 9, "2026-08-01")]
    found = result([8, 8], nps_responses=rows)
    assert found.figures["nps"].value == 100
    assert found.figures["nps"].n == 1


def test_a_scale_without_a_zero_is_accepted():
    shares = result([10, 1]).tables["distribution"].set_index("score")["answers"]
    assert shares[["10", "1", "0"]].tolist() == [1, 1, 0]


def test_no_answers_give_no_score_and_no_list():
    found = result([None, None], settings(lists={"referral": LIST}))
    assert found.figures["nps"].value is None
    assert found.tables["list"].empty
    assert found.releases == ()
    assert "there is no NPS" in text(found.headline)


LIST = {"play": "p", "purpose": "service", "channels": ["email"], "priority": 1}


def test_whom_to_save_is_told_with_the_channel_it_goes_by():
    # Of P01 there is a number, of P02 none.
    pii = [
        {"contact_id": "P01", "email": "a@x.example", "phone": "+4670123456"},
        {"contact_id": "P02", "email": "b@x.example", "phone": None},
    ]
    config = settings(
        lists={"save_call": {**LIST, "channels": ["call", "email"]}},
        shares={"offer": 1, "save": 1, "advocates": 0.05, "referral": 0.2},
    )
    found = result([0, 1], config, contact_pii=pii)
    assert text(found.actions[0]) == "Reach 2 detractors by hand this week: A01 (call), A02 (email)"
    assert text(found.actions[0], "sv").endswith(": A01 (samtal), A02 (e-post)")
    assert text(found.actions[0], "zh-CN").endswith("：A01（电话）、A02（邮件）")


def test_non_response_is_weighted_by_tier():
    # Large: 1 of 4 answered, a detractor; small: 3 of 3, promoters. As if all had answered alike: (3 - 4) / 7.
    tiers = ["large"] * 4 + ["small"] * 3
    accounts = [{"account_id": f"A{place:02}", "value_tier": tier} for place, tier in enumerate(tiers, 1)]
    found = result([0, None, None, None, 10, 10, 10], accounts=accounts)
    assert found.figures["response_rate"].value == pytest.approx(4 / 7)
    assert found.figures["nps"].value == pytest.approx(50)
    assert found.figures["nps_weighted"].value == pytest.approx(-100 / 7)


def test_a_tier_nobody_answered_leaves_the_weighted_nps_open():
    accounts = [{"account_id": "A01", "value_tier": "large"}, {"account_id": "A02", "value_tier": "small"}]
    assert result([None, 9], accounts=accounts).figures["nps_weighted"].value is None


def test_the_trend_has_one_line_per_quarter_with_the_newest_answer_of_each():
    rows = [answer("P01", 0, "2026-04-02"), answer("P01", 9, "2026-05-01"), answer("P01", 0, "2026-07-01")]
    trend = result([8], nps_responses=rows).tables["trend"]
    assert trend[["quarter", "nps", "is_running"]].to_numpy().tolist() == [
        ["2026 Q2", 100, False],
        ["2026 Q3", -100, True],
    ]


def test_words_of_customers_are_in_no_table_and_no_sentence():
    rows = [answer("P01", 0, followup="my secret words"), answer("P02", 10)]
    found = result([0, 10], nps_responses=rows)
    told = [text(found.headline), *(text(caveat.message) for caveat in found.caveats)]
    cells = [str(cell) for frame in found.tables.values() for cell in frame.to_numpy().ravel()]
    assert not any("secret" in each for each in [*told, *cells])


# --- tiers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "people", "size"), [(0.05, 20, 1), (0.05, 21, 2), (0.2, 35, 7), (0.2, 36, 8), (0.05, 0, 0), (0.1, 30, 3)]
)
def test_sizes_are_rounded_up_from_the_share_as_written(share, people, size):
    assert size_of(share, people) == size


def placed(scores, arr=None, **changes):
    answers = pd.DataFrame(
        {
            "response_id": [f"N{i}" for i in range(len(scores))],
            "contact_id": [f"P{i}" for i in range(len(scores))],
            "account_id": [f"A{i}" for i in range(len(scores))],
            "score": scores,
        }
    )
    accounts = pd.DataFrame({"arr": arr or [0.0] * len(scores)}, index=[f"A{i}" for i in range(len(scores))])
    config = settings(**changes)
    return ranked(answers, accounts, config), len(scores), config


def members(rows, rule):
    return set(rows.loc[rows["rule"] == rule, "contact_id"])


def test_tiers_are_shares_of_promoters_and_of_detractors():
    # 20 promoters: 1 advocate, then 3 more to 4; 11 detractors: ceil(.55) = 1 call, ceil(2.2) = 3, so 2 offers.
    rows, _, _ = placed([10] * 20 + [8] * 9 + [3] * 11)
    assert rows["rule"].value_counts().to_dict() == {
        "": 24,
        "advocate_call": 1,
        "referral": 3,
        "save_call": 1,
        "churn_offer": 2,
    }


def test_shares_of_all_respondents_still_never_reach_a_score_above_six():
    # 20 % of 10 respondents is 2, but only one of them is a detractor.
    rows, _, _ = placed([10] * 3 + [8] * 6 + [6], base="respondents")
    assert len(rows[rows["group"] == "detractor"]) == 1
    assert rows[rows["rule"].isin(["save_call", "churn_offer"])]["score"].tolist() == [6]


def test_equal_scores_rank_by_arr_and_then_by_lot():
    arr = [5.0, 1.0, float("nan"), 9.0, 1.0]
    rows, _, _ = placed([10] * 5, arr)
    assert rows["contact_id"].tolist()[:2] == ["P3", "P0"]
    assert set(rows["contact_id"].tolist()[2:4]) == {"P1", "P4"}  # by lot
    assert rows["contact_id"].tolist()[4] == "P2"  # ARR not known
    shuffled, _, _ = placed([10] * 5, arr)
    assert shuffled["contact_id"].tolist() == rows["contact_id"].tolist()


def test_the_lowest_detractor_comes_first_and_a_score_above_arr():
    rows, _, _ = placed([6, 0, 3], [100.0, 1.0, 50.0])
    assert rows["contact_id"].tolist() == ["P1", "P2", "P0"]


def test_the_tied_mass_at_the_cut_is_told():
    # 10 promoters of whom 8 gave 10: the first fifth is 2 of those 8, who are 8 of 16 respondents.
    rows, n, config = placed([10] * 8 + [9] * 2 + [7] * 6)
    tie = tie_table(rows, n, config).set_index("rule").loc["referral"]
    assert tie[["base", "size", "members", "cut_score", "tied", "taken"]].tolist() == [10, 2, 1, 10, 8, 2]
    assert tie["tied_share"] == 0.5


def test_a_tie_of_most_answers_is_a_warning():
    found = {caveat.code: caveat for caveat in result([10] * 8 + [7] * 2).caveats}
    assert found["tied_referral"].severity is Severity.WARNING
    assert "8 of 10 answers (80.0%) are 10: 2 of them" in text(found["tied_referral"].message)


# --- lists ------------------------------------------------------------------------------------------------------------


def test_each_contact_is_on_one_list_and_the_parts_add_up():
    # 6 promoters: 1 call, 1 referral; 6 detractors: 1 call, 1 offer; 1 of the silent; passives are asked for nothing.
    found = result([10] * 6 + [7] * 2 + [0] * 6 + [None])
    assert sorted(listed(found).values()) == ["advocate_call", "churn_offer", "referral", "save_call", "unanswered"]
    assert found.tables["list"]["contact_id"].is_unique
    assert len(found.tables["list"]) + len(found.tables["left_out"]) == 15
    assert found.tables["why"]["contacts"].sum() == len(found.tables["left_out"])
    assert found.figures["listed"].n == 15


def test_proposals_keep_their_contract_and_name_no_money():
    rows = result([10] * 6 + [0] * 6).tables["proposals"]
    assert {name: str(kind) for name, kind in rows.dtypes.items()} == COLUMNS
    assert rows["value"].isna().all()
    assert rows["priority"].is_monotonic_increasing
    assert set(rows["due_on"].dt.date) == {date(2026, 10, 2)}
    assert set(rows["expires_on"].dt.date) == {date(2026, 10, 4)}


def offers(**changes):
    """The lists where five detractors are all within the offer tier: one is called, four are offered something."""
    config = settings(shares={"advocates": 0.05, "referral": 0.2, "offer": 1, "save": 0.2}, lists={"churn_offer": LIST})
    return left(result([0, 6, 6, 6, 6], config, **changes))


def test_the_top_tier_gets_no_offer():
    accounts = [{"account_id": f"A0{i}", "value_tier": "large" if i == 2 else "small"} for i in range(1, 6)]
    assert offers(accounts=accounts) == {"P02": "no offer to this tier"}


@pytest.mark.parametrize("tier", ["Large", " LARGE "])
def test_a_tier_is_the_top_one_however_it_is_written(tier):
    accounts = [{"account_id": f"A0{i}", "value_tier": tier if i == 2 else "small"} for i in range(1, 6)]
    assert offers(accounts=accounts) == {"P02": "no offer to this tier"}


@pytest.mark.parametrize("tier", [None, " "])
def test_an_account_whose_tier_nobody_knows_gets_no_offer(tier):
    accounts = [{"account_id": f"A0{i}", "value_tier": tier if i == 2 else "small"} for i in range(1, 6)]
    assert offers(accounts=accounts) == {"P02": "no offer while nobody knows the tier"}


def test_a_negotiation_stops_an_offer_however_its_stage_is_written():
    base = {"created_at": "2026-08-01T00:00:00", "closed_at": None}
    rows = [
        {"opportunity_id": "o2", "account_id": "A02", "stage": "Negotiation", **base},
        {"opportunity_id": "o3", "account_id": "A03", "stage": "PROPOSAL ", **base},
        {"opportunity_id": "o4", "account_id": "A04", "stage": "qualified", **base},
    ]
    assert offers(opportunities=rows) == dict.fromkeys(["P02", "P03"], "no offer while a price is negotiated")


def test_names_of_no_offer_that_occur_nowhere_are_a_warning_with_the_near_ones():
    no_offer = {"tiers": ["lrage", "small"], "stages": ["negotiating"]}
    opportunity = {
        "opportunity_id": "o1", "account_id": "A01", "stage": "Negotiation", "created_at": "2026-08-01T00:00:00",
        "closed_at": None,
    }  # fmt: skip
    accounts = [{"account_id": "A01", "value_tier": "large"}, {"account_id": "A02", "value_tier": "Small"}]
    found = result([0, 6], settings(no_offer=no_offer), accounts=accounts, opportunities=[opportunity])
    told = {caveat.code: caveat for caveat in found.caveats}
    assert told["no_offer_tiers"].severity is told["no_offer_stages"].severity is Severity.WARNING
    assert "no_offer.tiers names lrage, which no row of accounts has" in text(told["no_offer_tiers"].message)
    assert "did you mean 'large'?" in text(told["no_offer_tiers"].action)
    assert "did you mean 'Negotiation'?" in text(told["no_offer_stages"].action)


def test_an_open_renewal_stops_an_offer_from_90_days_before_it():
    # The week knows Sunday 27 September; 90 days later is 26 December.
    rows = [
        {"renewal_id": "r2", "account_id": "A02", "due_date": "2026-12-26", "outcome": "open"},
        {"renewal_id": "r3", "account_id": "A03", "due_date": "2026-12-27", "outcome": "open"},
        {"renewal_id": "r4", "account_id": "A04", "due_date": "2026-09-01", "outcome": "open"},
        {"renewal_id": "r5", "account_id": "A05", "due_date": "2026-09-01", "outcome": "renewed"},
    ]
    decided = [{**row, "decided_at": "2026-09-01T00:00:00" if row["outcome"] == "renewed" else None} for row in rows]
    assert offers(renewals=decided) == dict.fromkeys(["P02", "P04"], "no offer while a renewal is open")


def test_a_negotiation_stops_an_offer_until_it_is_closed():
    base = {"stage": "negotiation", "created_at": "2026-08-01T00:00:00"}
    rows = [
        {"opportunity_id": "o2", "account_id": "A02", **base, "closed_at": None},
        {"opportunity_id": "o3", "account_id": "A03", **base, "closed_at": "2026-09-01T00:00:00"},
    ]
    assert offers(opportunities=rows) == {"P02": "no offer while a price is negotiated"}


def test_a_detractor_among_the_buyers_blocks_asks_to_the_whole_account():
    contacts = [
        {"contact_id": "P01", "account_id": "A01", "role": "user"},
        {"contact_id": "P02", "account_id": "A01", "role": "buyer"},
        {"contact_id": "P03", "account_id": "A03", "role": "user"},
        {"contact_id": "P04", "account_id": "A03", "role": "user"},
    ]
    rows = [
        answer("P01", 10),
        answer("P02", 6, account_id="A01"),
        answer("P03", 10),
        answer("P04", 6, account_id="A03"),
    ]
    everyone = {"advocates": 0.5, "referral": 1, "offer": 1, "save": 0.05}
    found = result([0] * 4, settings(shares=everyone), contacts=contacts, nps_responses=rows)
    assert left(found)["P01"] == "a buyer of the account is a detractor"
    assert "P03" in listed(found)


def test_a_follow_up_is_routed_to_its_reply_or_settles_the_matter():
    rows = [
        answer("P01", 8, followup="Not ready to upgrade"),
        answer("P02", 0, followup="called"),
        answer("P03", 8, followup="words nobody declared"),
    ]
    routes = [{"followup": "not ready to upgrade", "play": "two-more-weeks"}, {"followup": "CALLED", "play": None}]
    found = result([0] * 3, settings(routes=routes), nps_responses=rows)
    assert found.tables["list"][["contact_id", "rule", "play"]].to_numpy().tolist() == [
        ["P01", "reply", "two-more-weeks"]
    ]
    assert left(found) == {"P02": "settled by the follow-up"}
    assert found.tables["routes"].to_numpy().tolist() == [
        ["not ready to upgrade", 1, "two-more-weeks"],
        ["called", 1, "settled"],
        ["other", 1, "none"],
    ]


def test_a_condition_on_the_account_leaves_out_with_its_name_as_the_reason():
    accounts = [{"account_id": "A01", "value_tier": "mid"}, {"account_id": "A02", "value_tier": "large"}]
    config = settings(
        leave_out={"large accounts have their own survey": {"attribute": "account.value_tier", "is": "large"}}
    )
    found = result([None, None], config, accounts=accounts)
    assert listed(found) == {"P01": "unanswered"}
    assert left(found) == {"P02": "large accounts have their own survey"}


def test_an_invitation_is_on_the_list_of_the_unanswered_after_a_week():
    # The week knows Sunday 27 September: the 20th is seven days before it, the 21st is not.
    rows = [answer("P01", None, "2026-09-20"), answer("P02", None, "2026-09-21"), answer("P03", None, "2026-06-28")]
    assert listed(result([0] * 3, nps_responses=rows)) == {"P01": "unanswered"}


def test_who_answered_any_of_several_invitations_is_not_reminded():
    rows = [answer("P01", 8, "2026-08-01"), answer("P01", None, "2026-09-10")]
    assert listed(result([8], nps_responses=rows)) == {}


def test_nobody_without_consent_is_asked_for_a_referral():
    unknown = [{**row, "status": "unknown"} for row in tables([10] * 5)["consents"]]
    found = result([10] * 5, consents=unknown)
    assert listed(found) == {}
    assert list(left(found).values()) == ["no consent"]  # the first fifth of five


def test_answers_without_contacts_are_measured_and_nobody_is_listed():
    whole = tables([10] * 20 + [0] * 5)
    rows = [{key: cell for key, cell in row.items() if key != "contact_id"} for row in whole["nps_responses"]]
    config = settings()
    found = nps_outreach.analyze(prepared(book({"accounts": whole["accounts"], "nps_responses": rows}), config), config)
    assert found.figures["nps"].value == 60
    assert found.tables["list"].empty
    assert set(found.tables["left_out"]["reason"]) == {"nobody knows who it is"}
    assert found.tables["tiers"].set_index("rule")["size"].to_dict() == {
        "advocate_call": 1, "referral": 4, "churn_offer": 1, "save_call": 1,
    }  # fmt: skip


# --- weeks, releases, holdout -----------------------------------------------------------------------------------------


def test_every_day_of_a_week_gives_the_same_list():
    scores = [10] * 12 + [0] * 12 + [None] * 5
    late = answer("P13", 3, "2026-09-29")  # on Tuesday, after the list was made
    made = with_rows(book(tables(scores)), "nps_responses", [late])
    config = settings()
    days = [date(2026, 9, 28), date(2026, 9, 30), date(2026, 10, 4)]
    found = [nps_outreach.analyze(prepared(made, config, as_of=day), config).tables["list"] for day in days]
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])


def test_who_refuses_during_the_week_is_taken_off_the_list():
    scores = [0] * 5
    refusal = {
        "contact_id": "P01",
        "channel": "email",
        "purpose": "marketing",
        "valid_from": "2026-09-29T10:00:00",
        "status": "denied",
    }
    made = with_rows(book(tables(scores)), "consents", [refusal])
    config = settings(shares={"advocates": 0.05, "referral": 0.2, "offer": 1, "save": 0.05},
                      lists={"churn_offer": {**LIST, "purpose": "marketing"}})  # fmt: skip
    before, after = (
        nps_outreach.analyze(prepared(made, config, as_of=day), config) for day in (date(2026, 9, 28), AS_OF)
    )
    assert set(listed(before)) - set(listed(after)) <= {"P01"}
    assert "P01" not in listed(after)


def official(found, first=date(2026, 9, 28)):
    """What a release of the list would be read back as."""
    return [
        Contacted(row["proposal_id"], row["account_id"], row["contact_id"], row["program"], row["mode"], row["channel"],
                  "", row["sent_on"].date(), "nps_outreach", first, AS_OF)
        for row in found.tables["list"].to_dict("records")
    ]  # fmt: skip


def test_a_release_leaves_the_week_as_it_is_and_the_next_week_respects_it():
    scores = [10] * 12 + [0] * 12
    first = result(scores)
    again = result(scores, released=official(first))
    assert again.tables["list"].equals(first.tables["list"])
    following = AS_OF + timedelta(days=7)
    assert set(listed(result(scores, as_of=following))) == set(listed(first))  # unreleased counts as nothing
    later = result(scores, released=official(first), as_of=following)
    assert set(listed(later)) & set(listed(first)) == set()
    assert {left(later)[who] for who in listed(first)} == {"on an official list since the answer"}


def test_a_new_answer_after_a_release_is_acted_on_again():
    scores = [0]
    first = result(scores)
    made = with_rows(book(tables(scores)), "nps_responses", [answer("P01", 1, "2026-10-02")])
    config = settings()
    later = nps_outreach.analyze(prepared(made, config, released=official(first), as_of=date(2026, 10, 7)), config)
    assert listed(later) == {"P01": "save_call"}


def test_a_released_weekly_list_counts_as_acted_on_and_is_not_listed_twice():
    scores = [10] * 12 + [0] * 12
    first = result(scores)
    on_weekly = [replace(each, analysis="weekly_list") for each in official(first)]
    again = result(scores, released=on_weekly)
    assert again.tables["list"].empty
    assert {left(again)[who] for who in listed(first)} == {"on the official list of weekly_list already"}
    # What it asks the weekly list for stays the same all week.
    assert again.tables["proposals"].equals(first.tables["proposals"])
    later = result(scores, released=on_weekly, as_of=AS_OF + timedelta(days=7))
    assert {left(later)[who] for who in listed(first)} == {"on an official list since the answer"}


def test_nobody_moves_up_for_who_leaves_during_the_week():
    scores = [10] * 12 + [0] * 12
    first = result(scores, as_of=date(2026, 9, 28))
    gone = min(listed(first))
    people = [{**row, **({"left_at": "2026-09-29T08:00:00"} if row["contact_id"] == gone else {})}
              for row in tables(scores)["contacts"]]  # fmt: skip
    later = result(scores, contacts=people)
    assert set(listed(later)) == set(listed(first)) - {gone}
    assert later.tables["struck"][["contact_id", "reason"]].to_numpy().tolist() == [
        [gone, "person left, since the week began"]
    ]


def test_nobody_moves_up_on_the_weekly_list_for_who_is_struck_off_the_page_that_proposes():
    # Time for one call of 30 minutes; on Tuesday the one who has it leaves.
    config = settings(lists={"advocate_call": {**LIST, "minutes": 30}}, shares={"advocates": 1, "referral": 1})
    whole = weekly_list.Config.model_validate({"holdout": {"share": 0}, "free_share": 1.0})
    anna = {"csm_id": "anna", "name": "Anna", "capacity_minutes_week": 30}
    found, gone = {}, None
    for day in (date(2026, 9, 28), AS_OF):
        people = [{**row, "left_at": "2026-09-29T08:00:00" if row["contact_id"] == gone else None}
                  for row in tables([10] * 3)["contacts"]]  # fmt: skip
        made = book(tables([10] * 3, csms=[anna], contacts=people))
        now = take(replace(made, workspace=made.workspace.model_copy(update={"contact_policy": OPEN})), day)
        asked = nps_outreach.analyze(nps_outreach.prepare(now, config, {}), config)
        found[day] = weekly_list.analyze(weekly_list.prepare(now, whole, {"nps_outreach": asked}), whole)
        gone = gone or found[day].tables["list"]["contact_id"].item()
    assert found[AS_OF].tables["list"].empty
    assert found[AS_OF].tables["struck"]["contact_id"].tolist() == [gone]


def test_the_list_is_released_once_a_week_with_the_columns_that_are_read_back():
    (release,) = result([0]).releases
    assert (release.table, release.place, release.is_once) == ("list", "lists/nps_outreach-2026-09-28", True)


CAPPED = OPEN.model_copy(update={"caps": (Cap(per="contact", touches=1, days=14),)})


def a_touch(row, **more):
    told = {"touch_id": row.proposal_id, "account_id": row.account_id, "contact_id": row.contact_id}
    return {**told, "initiator": "central", "sent_at": "2026-09-29T10:00:00", "proposal_id": row.proposal_id, **more}


def test_a_list_that_was_sent_stands_as_it_was_and_is_not_doubted():
    first = result([0] * 3, policy=CAPPED)
    rows = official(first)
    found = result([0] * 3, policy=CAPPED, released=rows, touches=[a_touch(each) for each in rows])
    assert found.tables["list"].equals(first.tables["list"])
    assert found.tables["struck"].empty
    assert {caveat.code for caveat in found.caveats} <= {caveat.code for caveat in first.caveats}


def test_a_touch_that_names_no_proposal_may_have_been_the_contact():
    (row,) = official(result([0], policy=CAPPED))
    found = result([0], policy=CAPPED, released=[row], touches=[a_touch(row, proposal_id=None)])
    codes = {caveat.code for caveat in found.caveats}
    assert ("may_be_sent" in codes, "official_list_changed" in codes) == (True, False)


NO = {"contact_id": "P01", "channel": "email", "purpose": "marketing", "status": "denied", "valid_to": None}
ENDED = {"status": "granted", "valid_from": "2026-01-01T00:00:00", "valid_to": "2026-09-29T10:00:00"}


@pytest.mark.parametrize("is_sent", [False, True])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"consents": [{**NO, "valid_from": "2026-09-29T10:00:00"}]}, "refused"),
        ({"consents": [{**NO, **ENDED}]}, "no consent"),
        ({"suppressions": [{"contact_id": "P01", "known_at": "2026-09-29T10:00:00"}]}, "suppressed"),
    ],
)
def test_an_official_row_is_struck_off_in_the_week_as_long_as_it_was_not_sent(changes, reason, is_sent):
    config = settings(lists={"churn_offer": {**LIST, "purpose": "marketing"}},
                      shares={"advocates": 0.05, "referral": 0.2, "offer": 1, "save": 0.4})  # fmt: skip
    granted = {"valid_to": None, **NO, **GRANTED}
    people = [{**granted, "contact_id": who} for who in ("P01", "P02")]
    if "consents" in changes:
        rest = [each for each in people if each["contact_id"] != "P01" or reason == "refused"]
        changes = {"consents": [*rest, *changes["consents"]]}
    first = result([6, 0], config, consents=people)
    assert listed(first) == {"P01": "churn_offer"}
    touches = {"touches": [a_touch(each) for each in official(first)]} if is_sent else {}
    found = result([6, 0], config, released=official(first), **{"consents": people, **changes, **touches})
    off = {} if is_sent else {"P01": f"{reason}, since the week began"}
    assert dict(zip(found.tables["struck"]["contact_id"], found.tables["struck"]["reason"], strict=True)) == off
    assert listed(found) == ({"P01": "churn_offer"} if is_sent else {})


def test_official_rows_that_would_not_be_listed_any_more_are_told():
    first = result([0])
    gone = [{"contact_id": "P01", "account_id": "A01", "role": "user", "left_at": "2026-09-29T00:00:00"}]
    found = result([0], released=official(first), contacts=gone)
    assert "official_list_changed" in {caveat.code for caveat in found.caveats}


def test_the_holdout_is_of_whole_accounts_and_only_of_automated_lists():
    config = settings(holdout={"share": 0.5, "delay_weeks": 4})
    found = result([10] * 40 + [0] * 40 + [None] * 40, config)
    held = found.tables["held_out"]
    assert len(held) > 0
    assert set(held["program"]) <= {"nps_outreach.churn_offer", "nps_outreach.referral", "nps_outreach.unanswered"}
    for _, row in held.iterrows():
        assert is_held(row["account_id"], f"{row['program']}/1", 0.5)
    calls = found.tables["list"][found.tables["list"]["mode"] == "human"]
    assert (calls["rule"] == "save_call").sum() == 2  # must-do: nobody of them waits


ADVOCATES = {"shares": {"advocates": 1, "referral": 1, "offer": 0.2, "save": 0.05},
             "lists": {"advocate_call": {**LIST, "play": "call"}},
             "holdout": {"share": 0.5, "delay_weeks": 4}}  # fmt: skip
LATE = {f"P{n:02}" for n in range(1, 9) if is_held(f"A{n:02}", "nps_outreach.advocate_call/1", 0.5)}
EARLY = {f"P{n:02}" for n in range(1, 9)} - LATE


def test_who_starts_later_by_lot_is_on_no_list_before_and_on_an_ordinary_one_then():
    # Answers of Sunday 20 September are first listed in the week of the 21st; four weeks later is 19 October.
    config = settings(**ADVOCATES)
    assert LATE
    assert EARLY
    for day in (date(2026, 9, 21), AS_OF, date(2026, 10, 18)):
        found = result([10] * 8, config, as_of=day)
        assert set(listed(found)) == set(found.tables["proposals"]["contact_id"]) == EARLY
        assert left(found) == dict.fromkeys(LATE, "starts later by lot: 19 Oct 2026")
    then = result([10] * 8, config, as_of=date(2026, 10, 19)).tables["list"]
    assert set(then["contact_id"]) == EARLY | LATE
    assert set(then["expires_on"].dt.date) == {date(2026, 10, 25)}


@pytest.mark.parametrize(
    ("earlier", "starts"),
    [
        ("2026-08-25", "28 Sep 2026"),  # Tuesday; listed from Monday the 31st, four weeks later
        ("2026-06-22", None),  # 90 days before the 20th: the account has been up ever since, and has waited
        ("2026-06-21", "19 Oct 2026"),  # 91 days: no answer counted on 20 September, when it came up anew
    ],
)
def test_a_further_answer_does_not_move_the_day_on_which_an_account_starts(earlier, starts):
    rows = [*tables([10] * 8)["nps_responses"], *(answer(who, 10, earlier) for who in sorted(LATE))]
    found = result([10] * 8, settings(**ADVOCATES), nps_responses=rows, as_of=date(2026, 9, 23))
    assert left(found) == (dict.fromkeys(LATE, f"starts later by lot: {starts}") if starts else {})


def test_who_starts_later_is_on_the_weekly_list_of_that_week():
    config, whole = settings(**ADVOCATES), weekly_list.Config.model_validate({"holdout": {"share": 0}})
    made = book(tables([10] * 8, csms=[{"csm_id": "anna", "name": "Anna"}]))
    made = replace(made, workspace=made.workspace.model_copy(update={"contact_policy": OPEN}))
    listed_on = {}
    for weeks in range(6):
        now = take(made, date(2026, 9, 23) + timedelta(weeks=weeks))
        asked = nps_outreach.analyze(nps_outreach.prepare(now, config, {}), config)
        rows = weekly_list.analyze(weekly_list.prepare(now, whole, {"nps_outreach": asked}), whole).tables["list"]
        for who in rows["contact_id"]:
            listed_on.setdefault(who, weeks)
    assert listed_on == dict.fromkeys(EARLY, 0) | dict.fromkeys(LATE, 4)


def test_the_policy_is_asked_in_the_week_in_which_somebody_starts():
    refusal = {"channel": "email", "purpose": "service", "valid_from": "2026-10-05T10:00:00", "status": "denied"}
    made = with_rows(book(tables([10] * 8)), "consents", [{"contact_id": who, **refusal} for who in LATE])
    config = settings(**ADVOCATES)
    then = nps_outreach.analyze(prepared(made, config, as_of=date(2026, 10, 19)), config)
    assert left(then) == dict.fromkeys(LATE, "refused")


def test_the_number_held_is_binomial_and_programs_are_drawn_apart():
    names = [f"A{place}" for place in range(2000)]
    one, other = ([is_held(name, program, 0.2) for name in names] for program in ("p/1", "q/1"))
    low, high = binom.interval(0.999, 2000, 0.2)
    assert low <= sum(one) <= high
    both = sum(a and b for a, b in zip(one, other, strict=True))
    assert binom.ppf(0.0005, 2000, 0.04) <= both <= binom.ppf(0.9995, 2000, 0.04)


def test_48_listed_a_year_show_nothing_below_44_points():
    # 12 in a window of 91 days are 12 x 365 / 91 = 48.1 a year; a fifth is held out, one in ten has the outcome anyway.
    config = settings(window_days=91, lists={"unanswered": LIST}, holdout={"share": 0.2})
    book_of_60 = [{"account_id": f"A{place:02}"} for place in range(1, 61)]
    row = result([None] * 12, config, accounts=book_of_60).tables["holdout"].iloc[0]
    assert (row["accounts"], row["per_year"]) == (12, 48)
    # Cohen's h = 2.8016 sqrt(1/9.626 + 1/38.505) = 1.010; asin sqrt .1 = .3218; sin(.3218 + .505)^2 - .1 = .441
    assert row["smallest_share"] == pytest.approx(0.441, abs=0.001)


@pytest.mark.parametrize("share", [0, 0.2])
def test_the_page_says_where_nobody_is_held_out(share):
    found = result([None] * 30, settings(lists={"unanswered": LIST}, holdout={"share": share}))
    codes = {caveat.code for caveat in found.caveats}
    assert ("no_holdout" in codes, "holdout_shows" in codes) == (share == 0, share > 0)
    assert (found.tables["holdout"]["held"].sum() == 0) == (share == 0)


def test_whoever_was_contacted_stays_in_the_base_of_the_holdout_after_the_release():
    config = settings(lists={"unanswered": LIST}, holdout={"share": 0.5})
    first = result([None] * 20, config)
    held = {f"A{n:02}" for n in range(1, 21) if is_held(f"A{n:02}", "nps_outreach.unanswered/1", 0.5)}
    shown = ["accounts", "held"]
    assert first.tables["holdout"].iloc[0][shown].tolist() == [20, len(held)]
    later = result([None] * 20, config, released=official(first), as_of=AS_OF + timedelta(days=7))
    assert later.tables["list"].empty
    assert later.tables["holdout"].iloc[0][shown].tolist() == [20, len(held)]
    other_page = [replace(each, analysis="weekly_list") for each in official(first)]
    now = result([None] * 20, config, released=other_page)
    assert now.tables["holdout"].iloc[0][shown].tolist() == [20, len(held)]


def test_an_account_counts_once_in_what_the_holdout_shows_however_often_it_comes_back():
    config = settings(window_days=91, lists={"unanswered": LIST}, holdout={"share": 0.2})
    row = result([None] * 12, config).tables["holdout"].iloc[0]
    assert (row["accounts"], row["per_year"]) == (12, 12)  # the book has no more than 12
    assert row["smallest_share"] == row["smallest_3_years_share"]


# --- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"shares": {"advocates": 0.3, "referral": 0.2}}, "at most as large as referral"),
        ({"lists": {"reply": LIST, "referral": LIST}}, "the same priority"),
        ({"routes": [{"followup": "a"}, {"followup": "A"}]}, "the same followup comes twice"),
        ({"lists": {"spam": LIST}}, "spam"),
        # 7 x 4 + 6 = 34 days
        ({"window_days": 33, "holdout": {"share": 0.2, "delay_weeks": 4}}, "answers no longer count by then"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(changes, match):
    with pytest.raises(ValueError, match=match):
        settings(**changes)
