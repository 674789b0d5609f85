"""Who takes whose accounts when somebody leaves, is overloaded or a customer complains?"""

from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path

import hypothesis
import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from csworkbench import config as configs
from csworkbench import formats
from csworkbench.analyses import reassignment
from csworkbench.analyses.reassignment import balancing
from csworkbench.analyses.reassignment.balancing import People, Units, Weights, cost_of, give
from csworkbench.analyses.reassignment.losses import ratio_interval
from csworkbench.asof import take
from csworkbench.errors import AnalysisError, ConfigError
from csworkbench.sampledata.accounts import LEAVER
from csworkbench.session import start
from tests.books import book, with_rows

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2026, 6, 30)
ACCOUNT = {
    "signup_at": "2025-01-01T00:00:00", "paid_at": "2025-02-01T00:00:00", "churned_at": None, "value_tier": "mid",
    "language": "en", "arr": 100.0, "currency": "EUR", "parent_account_id": None,
}  # fmt: skip


def make_book(owners, csms=None, tables=None, **changes):
    """A book of one account per entry: account -> its CSM; each mid account takes 35 of the 1,000 minutes of a CSM."""
    names = sorted({each for each in owners.values() if each}) if csms is None else list(csms)
    people = [
        {"csm_id": name, "name": f"Name {name}", "languages": "en", "capacity_minutes_week": 1000, "role": "csm",
         "manager_id": None, **(csms or {}).get(name, {})}
        for name in names
    ]  # fmt: skip
    accounts = [{"account_id": name, "name": f"Account {name}", **ACCOUNT, **changes.get(name, {})} for name in owners]
    held = [
        {"account_id": name, "role": "csm", "valid_from": "2025-02-01", "csm_id": owner, "valid_to": None,
         "reason": "new"}
        for name, owner in owners.items() if owner
    ]  # fmt: skip
    return book({"accounts": accounts, "assignments": held, "csms": people, **(tables or {})})


def result_of(made, as_of=AS_OF, **settings):
    config = reassignment.Config(**settings)
    return reassignment.analyze(reassignment.prepare(take(made, as_of), config, {}), config)


def moves_of(result):
    return result.tables["moves"].set_index("account_id")["csm_id"].to_dict()


def codes(result):
    return {caveat.code for caveat in result.caveats}


def told(result, code):
    return next(formats.text(caveat.message) for caveat in result.caveats if caveat.code == code)


def test_the_accounts_of_whoever_leaves_go_to_the_others_evenly():
    # Ann and Bo have two accounts each; Cy's two go one to each, so that each has three.
    made = make_book({"a": "ann", "b": "ann", "c": "bo", "d": "bo", "e": "cy", "f": "cy"})
    result = result_of(made, leaving={"cy": date(2026, 7, 15)})
    assert sorted(moves_of(result)) == ["e", "f"]
    assert sorted(moves_of(result).values()) == ["ann", "bo"]
    load = result.tables["load"].set_index("csm_id")
    assert load["accounts_after"].to_dict() == {"ann": 3, "bo": 3, "cy": 0}
    assert load.loc["ann", "load_after"] == pytest.approx(3 * 35 / 1000)


def test_an_account_moves_on_the_day_somebody_leaves_or_on_the_next_monday():
    made = make_book({"a": "ann", "e": "cy"})
    later = result_of(made, leaving={"cy": date(2026, 7, 15)}, complaints=["a"], may_move="forced", leads_take=True)
    moves = later.tables["moves"].set_index("account_id")
    assert moves.loc["e", "valid_from"] == pd.Timestamp("2026-07-15")
    # Nobody but Ann is left, so a complaint about her cannot be served.
    assert later.tables["unplaced"]["why"].tolist() == ["nobody else takes accounts"]
    past = result_of(made, leaving={"cy": date(2026, 6, 1)}).tables["moves"]
    # 30 June 2026 is a Tuesday.
    assert past["valid_from"].tolist() == [pd.Timestamp("2026-07-06")]


def test_an_account_that_complains_gets_somebody_else():
    made = make_book({"a": "ann", "b": "bo"})
    assert moves_of(result_of(made, complaints=["a"])) == {"a": "bo"}


def test_an_account_without_csm_gets_the_one_with_the_lowest_load():
    made = make_book({"a": "ann", "b": "ann", "c": "bo", "n": None}, {"ann": {}, "bo": {}})
    result = result_of(made)
    assert moves_of(result) == {"n": "bo"}
    assert result.tables["assignments"]["reason"].tolist() == ["new"]


def test_nobody_takes_an_account_whose_language_they_do_not_speak():
    made = make_book(
        {"a": "ann", "b": "bo", "e": "cy"}, {"ann": {}, "bo": {"languages": "en; SV"}, "cy": {}}, e={"language": "sv"}
    )
    leave = {"leaving": {"cy": AS_OF}}
    assert moves_of(result_of(made, **leave)) == {"e": "bo"}
    alone = result_of(made, **leave, not_taking=["bo"])
    assert alone.tables["unplaced"]["why"].tolist() == ["nobody who takes accounts speaks its language"]
    assert "unplaced" in codes(alone)
    assert moves_of(result_of(made, **leave, not_taking=["bo"], language_rule="none")) == {"e": "ann"}


def test_accounts_of_one_parent_move_to_the_same_csm():
    owners = {"a": "ann", "b": "bo", "p": "cy", "q": "cy", "r": "cy", "s": "cy"}
    parents = {each: {"parent_account_id": "p"} for each in ("q", "r")}
    result = result_of(make_book(owners, **parents), leaving={"cy": AS_OF})
    moves = moves_of(result)
    # Three together to one, the single one to the other: 4 and 2 accounts; the even 3 and 3 would part them.
    assert moves["p"] == moves["q"] == moves["r"] != moves["s"]
    assert result.tables["moves"].set_index("account_id")["together_with"].to_dict() == {"p": 2, "q": 2, "r": 2, "s": 0}


def test_a_list_of_the_settings_is_kept_together_and_joins_who_stays():
    # b has to move and belongs to a, whom Ann has; moving a as well would be a move more.
    made = make_book({"a": "ann", "c": "ann", "b": "cy", "d": "bo"})
    assert moves_of(result_of(made, leaving={"cy": AS_OF}, keep_together=[["a", "b"]])) == {"b": "ann"}


def test_an_overloaded_csm_gives_up_no_more_accounts_than_needed():
    # Ann has 6 accounts of 35 minutes, 210 of 200; at most .9 of it, 180, leaves 5. Bo has none.
    owners = dict.fromkeys("abcdef", "ann") | {"x": "bo"}
    csms = {"ann": {"capacity_minutes_week": 200}, "bo": {"capacity_minutes_week": 200}}
    result = result_of(make_book(owners, csms), least_gap=2.0)
    assert len(moves_of(result)) == 1
    assert set(result.tables["moves"]["reason"]) == {"overload"}
    assert result_of(make_book(owners, csms), may_move="forced").tables["moves"].empty


def test_accounts_move_for_balance_only_where_that_is_allowed_and_worth_it():
    owners = dict.fromkeys("abcd", "ann") | {"x": "bo"}
    made = make_book(owners, {"ann": {"capacity_minutes_week": 200}, "bo": {"capacity_minutes_week": 200}})
    assert result_of(made).tables["moves"].empty
    # 4 and 1 of 35 minutes in 200 are .7 and .175; after one move .525 and .35, less than .2 apart.
    moved = result_of(made, may_move="all", least_gap=0.2)
    assert len(moved.tables["moves"]) == 1
    assert set(moved.tables["moves"]["reason"]) == {"balance"}


def test_the_same_minutes_go_where_arr_makes_revenue_even():
    # Both have one account of 35 minutes; the rich one that is free goes to whoever has the poor one.
    made = make_book(
        {"a": "ann", "b": "bo", "e": "cy"}, {"ann": {}, "bo": {}, "cy": {}}, a={"arr": 900.0}, b={"arr": 10.0}
    )
    assert moves_of(result_of(made, leaving={"cy": AS_OF})) == {"e": "bo"}


def small(seed):
    draw = np.random.default_rng(seed)
    count, people = 6, 3
    allowed = draw.random((count, people)) < 0.7
    allowed[np.arange(count), draw.integers(0, people, count)] = True
    minutes = draw.gamma(2, 1, count)
    capacity = minutes.sum() / people / draw.uniform(0.6, 1.1) * draw.uniform(0.7, 1.3, people)
    amount = draw.lognormal(0, 1, count)
    kept = People(capacity, draw.uniform(0, 0.2, people) * capacity, draw.uniform(0, 0.1, people))
    units = Units(minutes, amount / amount.sum(), draw.integers(0, 3, (count, people)).astype(float), allowed)
    return units, kept, Weights(0.9, 0.02, 0.25)


def slow_cost(plan, units, people, weights):
    """The cost once more, person by person."""
    total = 0.0
    knots = [place / 20 for place in range(31)]
    for who in range(len(people.capacity)):
        mine = [unit for unit, each in enumerate(plan) if each == who]
        minutes = people.minutes[who] + sum(units.minutes[mine])
        load = minutes / people.capacity[who]
        part = (people.amount[who] + sum(units.amount[mine])) * people.capacity.sum() / people.capacity[who]
        square = [np.interp(each, knots, np.square(knots)) + max(0.0, each - 1.5) * 3.0 for each in (load, part)]
        room = max(0.9 * people.capacity[who], people.minutes[who])
        short = 1000 * max(0.0, minutes - room) / people.capacity[who]
        size = people.capacity[who] / people.capacity.mean()
        total += size * (square[0] + weights.amount * square[1] + short)
        total += weights.move_cost * sum(units.moves[unit, who] for unit in mine)
    return total


@pytest.mark.parametrize("seed", range(12))
def test_a_small_book_is_given_out_as_well_as_any_of_all_plans(seed):
    units, people, weights = small(seed)
    plans = [plan for plan in product(range(3), repeat=6) if units.is_allowed[range(6), plan].all()]
    best = min(slow_cost(plan, units, people, weights) for plan in plans)
    given = give(units, people, weights)
    assert given.cost == pytest.approx(best, rel=1e-6)
    assert slow_cost(given.person, units, people, weights) == pytest.approx(given.cost, rel=1e-9)
    assert given.bound <= best * (1 + 1e-9)


@pytest.mark.parametrize("seed", range(12))
def test_the_bound_of_the_way_of_large_books_holds(seed, monkeypatch):
    units, people, weights = small(seed)
    best = give(units, people, weights).cost
    monkeypatch.setattr(balancing, "EXACT_WAYS", 0)
    near = give(units, people, weights)
    assert near.bound <= best * (1 + 1e-9)
    assert near.cost >= best * (1 - 1e-6)
    assert units.is_allowed[range(6), near.person].all()


def test_a_large_book_is_given_out_within_one_percent_of_the_bound():
    draw = np.random.default_rng(3)
    minutes = draw.gamma(2, 10, 600)
    allowed = draw.random((600, 12)) < 0.5
    allowed[:, 0] = True
    capacity = np.full(12, minutes.sum() / 12 / 0.75)
    units = Units(minutes, np.full(600, 1 / 600), np.zeros((600, 12)), allowed)
    given = give(units, People(capacity, np.zeros(12), np.zeros(12)), Weights(0.9, 0.01, 0.25))
    assert given.gap < 0.01
    assert not given.excess.any()


def test_a_unit_nobody_may_have_is_an_error_of_the_caller():
    units, people, weights = small(1)
    with pytest.raises(ValueError, match=r"each unit needs somebody"):
        give(replace(units, is_allowed=np.zeros_like(units.is_allowed)), people, weights)


@hypothesis.given(st.lists(st.floats(0, 3), min_size=1, max_size=4))
def test_the_square_lies_on_or_above_the_true_one_up_to_its_last_knot(loads):
    values = balancing.square(np.array(loads))
    inside = np.array(loads) <= balancing.LAST
    assert (values[inside] >= np.square(np.array(loads))[inside] - 1e-12).all()


def short_book():
    # 20 Swedish accounts of 35 minutes are 700; Bo, who alone speaks it, has .9 of 500 = 450. Ann has all the time.
    owners = {f"s{number}": "cy" for number in range(20)} | {"a": "ann", "b": "bo"}
    csms = {
        "ann": {"capacity_minutes_week": 5000}, "bo": {"languages": "sv;en", "capacity_minutes_week": 500}, "cy": {},
    }  # fmt: skip
    swedish = {f"s{number}": {"language": "sv"} for number in range(20)}
    return make_book(owners, csms, **swedish)


def test_where_it_does_not_fit_the_page_says_who_lacks_how_many_minutes():
    result = result_of(short_book(), leaving={"cy": AS_OF})
    (row,) = result.tables["shortages"].to_dict("records")
    # Bo keeps b, 35 minutes, and is asked for 700 more.
    assert (row["people"], row["languages"], row["accounts"]) == ("Name bo", "sv", 21)
    assert (row["needed"], row["room"], row["lacking"]) == pytest.approx((735, 450, 285))
    assert result.figures["excess_minutes"].value == pytest.approx(285)
    assert "285 are lacking" in told(result, "no_room")
    # All would fit from a load of 735 / 500 on.
    assert "147" in told(result, "fits_from")


def test_what_does_not_fit_cannot_be_made_official():
    assert result_of(short_book(), leaving={"cy": AS_OF}).releases == ()
    fits = result_of(short_book(), leaving={"cy": AS_OF}, language_rule="none")
    (release,) = fits.releases
    assert (release.table, release.place) == ("assignments", "reassignments/reassignment-2026-06-30")
    assert fits.tables["assignments"].columns.tolist() == ["account_id", "role", "valid_from", "csm_id", "reason"]


def test_accounts_that_fit_only_in_parts_are_said_to_do_so():
    # Two of 60 minutes are free between two CSMs with 90 of 100 each, of which 35 is taken: 55 is left to each.
    made = make_book(
        {"a": "ann", "b": "bo", "e": "cy"},
        {"ann": {"capacity_minutes_week": 100}, "bo": {"capacity_minutes_week": 100}, "cy": {}},
        e={"value_tier": "huge"},
    )
    result = result_of(made, leaving={"cy": AS_OF}, effort={"by_tier": {"mid": 35}, "otherwise": 60})
    assert result.tables["shortages"].empty
    assert "no_room_whole" in codes(result)
    assert result.figures["excess_minutes"].value == pytest.approx(5)


def test_an_account_takes_the_recorded_minutes_where_they_are_more_than_its_standard():
    touches = [
        {"touch_id": f"t{place}", "account_id": "a", "mode": mode, "sent_at": f"2026-06-{20 + place}T10:00:00",
         "minutes": 260.0}
        for place, mode in enumerate(["human"] * 4 + ["tech"])
    ]  # fmt: skip
    made = make_book({"a": "ann", "b": "bo"}, tables={"touches": touches})
    config = reassignment.Config()
    accounts = reassignment.prepare(take(made, AS_OF), config, {}).accounts
    # 4 x 260 minutes in 26 weeks are 40 a week, more than the 35 of a mid account.
    assert accounts["minutes"].to_dict() == {"a": 40.0, "b": 35.0}


def test_an_account_with_two_current_csms_is_named_and_the_newest_counts():
    made = make_book({"a": "ann", "b": "bo", "c": "cy"})
    second = {"account_id": "a", "role": "csm", "valid_from": "2026-01-01", "csm_id": "bo", "valid_to": None}
    result = result_of(with_rows(made, "assignments", [second | {"reason": "new"}]), leaving={"bo": AS_OF})
    assert result.tables["doubles"].to_dict("records") == [
        {"account_id": "a", "name": "Account a", "csm_id": "bo", "csms": "ann, bo"}
    ]
    assert "ann, bo" in told(result, "two_csms")
    assert set(moves_of(result)) == {"a", "b"}


def test_a_leaver_whose_accounts_went_to_others_before_is_told_with_who_has_them():
    made = make_book({"a": "ann", "b": "bo", "c": "cy"})
    moved = {"account_id": "b", "role": "csm", "valid_from": "2026-02-01", "csm_id": "cy", "valid_to": None}
    result = result_of(with_rows(made, "assignments", [moved | {"reason": "leaver"}]), leaving={"bo": date(2026, 2, 1)})
    assert told(result, "leaver_without_accounts") == (
        "Name bo is named under leaving and has no accounts any more: since 1 Feb 2026 1 account went to Name cy"
    )


def test_accounts_of_a_leaver_who_is_out_of_csms_already_are_given_out():
    made = make_book({"a": "ann", "b": "gone"}, csms={"ann": {}, "cy": {}})
    assert told(result_of(made), "csm_unknown").startswith("1 account has a CSM who is not in csms (gone)")
    assert set(moves_of(result_of(made, leaving={"gone": AS_OF}))) == {"b"}


@pytest.mark.parametrize("capacity", [None, 0])
def test_a_csm_without_capacity_takes_nothing_and_keeps_what_they_have(capacity):
    made = make_book(
        {"a": "ann", "b": "bo", "e": "cy"}, {"ann": {"capacity_minutes_week": capacity}, "bo": {}, "cy": {}}
    )
    result = result_of(made, leaving={"cy": AS_OF})
    assert moves_of(result) == {"e": "bo"}
    assert "Name ann" in told(result, "no_capacity")
    assert result.tables["load"].set_index("csm_id")["load_after"].isna().to_dict()["ann"]


def test_whoever_leads_others_takes_accounts_only_where_the_settings_say_so():
    made = make_book({"a": "ann", "e": "cy"}, {"lea": {}, "ann": {"manager_id": "lea"}, "cy": {}})
    assert moves_of(result_of(made, leaving={"cy": AS_OF})) == {"e": "ann"}
    assert moves_of(result_of(made, leaving={"cy": AS_OF}, leads_take=True)) == {"e": "lea"}


def test_arr_without_a_rate_does_not_count_and_is_said():
    made = make_book({"a": "ann", "b": "bo"}, a={"currency": "CNY"})
    assert "CNY" in told(result_of(made), "currency_uncounted")
    assert "currency_uncounted" not in codes(result_of(made, rates={"CNY": 0.1}))


def test_each_group_gets_its_message_in_its_language_or_in_english():
    made = make_book(
        {"a": "ann", "e": "cy", "f": "cy"}, {"ann": {"languages": "en;sv;zh"}, "cy": {}},
        e={"language": "sv"}, f={"language": "zh"},
    )  # fmt: skip
    texts = {"leaver": {"en": "{old} left, {new} has {name}", "sv": "{new} tar {name}"}}
    result = result_of(made, leaving={"cy": AS_OF}, messages=texts)
    groups = result.tables["message_groups"].set_index("message_group")
    assert groups["text"].to_dict() == {
        "leaver/sv": "Name ann tar Account e", "leaver/zh": "Name cy left, Name ann has Account f",
    }  # fmt: skip
    assert groups["tag"].unique().tolist() == ["moved-leaver-2026-07"]
    assert "no_message" in codes(result_of(made, leaving={"cy": AS_OF}))


def test_a_message_that_fills_in_what_nobody_knows_is_refused():
    with pytest.raises(ValidationError, match=r"only \{name\}, \{old\} and \{new\}"):
        reassignment.Config(messages={"leaver": {"en": "{phone}"}})
    with pytest.raises(ValidationError, match=r"there is no such reason"):
        reassignment.Config(messages={"gone": {"en": "Hello"}})


def test_names_that_are_not_there_are_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"leaving.anm: there is no 'anm' on this day \(did you mean 'ann'\?\)"):
        result_of(make_book({"a": "ann"}), leaving={"anm": AS_OF})


def test_without_anybody_who_takes_or_keeps_accounts_there_is_no_plan():
    with pytest.raises(AnalysisError, match=r"nobody takes accounts"):
        result_of(make_book({"a": "ann"}), leaving={"ann": AS_OF})


def test_facts_known_later_change_nothing():
    made = make_book({"a": "ann", "b": "bo", "c": "cy"})
    later = {"account_id": "c", "role": "csm", "valid_from": "2026-07-01", "csm_id": "bo", "valid_to": None}
    changed = with_rows(made, "assignments", [later | {"reason": "leaver"}])
    one, two = (result_of(each, leaving={"cy": AS_OF}) for each in (made, changed))
    pd.testing.assert_frame_equal(one.tables["moves"], two.tables["moves"])
    pd.testing.assert_frame_equal(one.tables["transfers"], two.tables["transfers"])


def watched_book(moved_lost, others_lost):
    """20 accounts moved on 1 January 2026, of which so many left in March, and 200 that were not."""
    owners, changes = {}, {}
    for place in range(220):
        name = f"a{place:03d}"
        owners[name] = "ann"
        is_lost = place < moved_lost or 20 <= place < 20 + others_lost
        changes[name] = {"churned_at": "2026-03-05T00:00:00" if is_lost else None}
    made = make_book(owners, {"ann": {}, "bo": {}}, **changes)
    moves = [
        {"account_id": f"a{place:03d}", "role": "csm", "valid_from": "2026-01-01", "csm_id": "bo", "valid_to": None,
         "reason": "leaver"}
        for place in range(20)
    ]  # fmt: skip
    return with_rows(made, "assignments", moves)


def test_losses_after_transfers_are_those_of_comparable_accounts_when_they_are():
    result = result_of(watched_book(2, 20), monitor={"horizon_days": 90})
    row = result.tables["losses"].set_index("reason").loc["leaver"]
    # 20 of 200 comparable ones left, so 2 of 20 are expected.
    assert (row["transfers"], row["lost"], row["expected"]) == (20, 2, pytest.approx(2.0))
    assert row["ratio"] == pytest.approx(1.0)
    assert row["extra_per_100"] == pytest.approx(0.0)
    assert row["verdict"] == "cannot tell"


def test_more_losses_after_transfers_are_seen():
    result = result_of(watched_book(14, 20), monitor={"horizon_days": 90})
    row = result.tables["losses"].set_index("reason").loc["leaver"]
    assert row["verdict"] == "more are lost"
    assert row["extra_per_100"] == pytest.approx(100 * (14 - 2) / 20)
    assert "more_lost" in codes(result)


def test_a_transfer_whose_horizon_is_not_over_is_not_counted():
    result = result_of(watched_book(14, 20), monitor={"horizon_days": 360})
    assert result.tables["losses"].empty
    assert not result.tables["transfers"]["is_followed"].any()
    assert "losses_unknown" in codes(result)


def test_a_loss_is_that_of_the_last_transfer_before_it():
    again = {"account_id": "a000", "role": "csm", "valid_from": "2026-02-01", "csm_id": "ann", "valid_to": None}
    made = with_rows(watched_book(1, 20), "assignments", [again | {"reason": "complaint"}])
    losses = result_of(made, monitor={"horizon_days": 90}).tables["losses"].set_index("reason")["lost"]
    assert losses.to_dict() == {"all": 1, "complaint": 1, "leaver": 0}


def test_the_interval_of_a_ratio_is_garwoods_where_the_expectation_is_certain():
    # Garwood (1936): 2 events over an expectation of 4 by chi-squared quantiles.
    low, high = ratio_interval(2, 4.0, 1e9, 0.95)
    assert low == pytest.approx(stats.chi2.ppf(0.025, 4) / 2 / 4, rel=1e-4)
    assert high == pytest.approx(stats.chi2.ppf(0.975, 6) / 2 / 4, rel=1e-4)


def test_the_interval_of_a_ratio_is_the_conditional_one_where_it_was_counted():
    # 3 events beside 8 in equal time: the binomial interval of 3 in 11, as odds (scipy, Clopper and Pearson 1934).
    share = stats.binomtest(3, 11).proportion_ci(0.95, method="exact")
    low, high = ratio_interval(3, 8.0, 8.0, 0.95)
    assert low == pytest.approx(share.low / (1 - share.low))
    assert high == pytest.approx(share.high / (1 - share.high))


@pytest.fixture(scope="module")
def sample():
    """The plan of the day before the sample book's CSM leaves."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        desk = start("configs/workspace.yaml", "configs/reassignment.yaml", "2026-01-31")
        config = desk.config(reassignment)
        inputs = reassignment.prepare(desk.snapshot, config, desk.upstream(reassignment))
    return inputs, reassignment.analyze(inputs, config), config


def test_the_leaving_csms_book_of_the_sample_is_given_out_within_capacity(sample):
    inputs, result, config = sample
    theirs = inputs.accounts.index[inputs.accounts["csm_id"] == LEAVER]
    moves = result.tables["moves"]
    assert set(theirs) == set(moves.loc[moves["reason"] == "leaver", "account_id"])
    assert len(theirs) == 14
    assert result.tables["unplaced"].empty
    load = result.tables["load"].set_index("csm_id")
    assert load["load_after"].max() <= config.max_load
    assert load.loc[LEAVER, "accounts_after"] == 0
    assert not result.tables["load"]["excess"].any()


def test_whoever_takes_an_account_of_the_sample_speaks_its_language(sample):
    inputs, result, _ = sample
    moves = result.tables["moves"]
    speaks = inputs.people["languages"].str.split(";").to_dict()
    assert all(row["language"] in speaks[row["csm_id"]] for row in moves.to_dict("records"))


def test_loads_before_and_after_hold_the_same_accounts_and_minutes(sample):
    inputs, result, _ = sample
    load = result.tables["load"]
    assert load["accounts_before"].sum() == load["accounts_after"].sum() == len(inputs.accounts)
    assert load["minutes_before"].sum() == pytest.approx(load["minutes_after"].sum())
    assert load["arr_before"].sum() == pytest.approx(load["arr_after"].sum())


def test_the_settings_of_the_sample_are_fine():
    config = configs.load(ROOT / "configs" / "reassignment.yaml", reassignment.Config, ROOT)
    assert config.leaving == {LEAVER: date(2026, 2, 1)}


def test_a_plan_costs_nothing_for_nobody():
    nothing = Units(np.zeros(0), np.zeros(0), np.zeros((0, 2)), np.zeros((0, 2), dtype=bool))
    people = People(np.ones(2), np.full(2, 0.5), np.zeros(2))
    given = give(nothing, people, Weights(0.9, 0.1, 0.0))
    # Two people at half load: .25 each.
    assert given.cost == pytest.approx(0.5)
    assert cost_of(given.person, nothing, people, Weights(0.9, 0.1, 0.0)) == pytest.approx(0.5)
