"""Which stage, tier and kind of behaviour is each account in, who is stuck, and who has moved?"""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import hypothesis
import numpy as np
import pandas as pd
import pytest
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from pydantic import ValidationError
from sklearn.metrics import adjusted_rand_score

from csworkbench import config as configs
from csworkbench.analyses import segments
from csworkbench.analyses.segments.evidence import Inputs
from csworkbench.analyses.segments.groups import find_groups
from csworkbench.analyses.segments.listing import Lists
from csworkbench.analyses.segments.staging import stage_table, stays
from csworkbench.asof import take
from csworkbench.errors import AnalysisError, ConfigError
from csworkbench.features import ActiveUsers, FeatureBreadth, Usage
from csworkbench.filters import Condition
from csworkbench.formats import text
from csworkbench.policy import week_of
from csworkbench.sampledata.accounts import make_world
from csworkbench.sampledata.usage import make_users, usage_months
from csworkbench.sampledata.world import BookSize
from csworkbench.workspace import ContactPolicy
from tests.books import book, with_rows

ROOT = Path(__file__).resolve().parents[2]
AS_OF = date(2026, 6, 30)


def make_config(**changes):
    return segments.Config(**{"history_weeks": 8, "compare_weeks": 4, **changes})


def account(name, **columns):
    return {
        "account_id": name, "name": f"Name {name}", "value_tier": "mid", "signup_at": "2025-01-01T00:00:00",
        "paid_at": "2025-02-01T00:00:00", "churned_at": None, **columns,
    }  # fmt: skip


def stage_book(**tables):
    """One account for each stage of the defaults, and the facts that put it there."""
    accounts = [
        account("trial", paid_at=None, signup_at="2026-06-01T00:00:00"),
        account("new", paid_at="2026-06-20T00:00:00"),
        account("onboarding", paid_at="2026-05-01T00:00:00"),
        account("growth"),
        account("expansion"),
        account("renewal"),
        account("churned", churned_at="2026-03-01T00:00:00"),
    ]
    step = {"milestone": "kickoff", "planned_at": "2026-05-20T00:00:00", "reached_at": None}
    return book(
        {
            "accounts": accounts,
            "milestones": [{"account_id": "onboarding", "known_at": "2026-05-01T00:00:00", **step}],
            "opportunities": [
                {"opportunity_id": "O1", "account_id": "expansion", "created_at": "2026-06-01T00:00:00",
                 "closed_at": None},
            ],
            "renewals": [
                {"renewal_id": "R1", "account_id": "renewal", "due_date": "2026-08-01", "outcome": "open",
                 "known_at": "2025-01-01T00:00:00"},
            ],
            **tables,
        }
    )  # fmt: skip


def inputs_of(made, config=None, as_of=AS_OF):
    return segments.prepare(take(made, as_of), config or make_config(), {})


def result_of(made, config=None, as_of=AS_OF):
    config = config or make_config()
    return segments.analyze(inputs_of(made, config, as_of), config)


def open_book(tables):
    """A book whose consents and suppressions may be as short as they are, and service rests on the contract."""
    policy = ContactPolicy(least_consents=0, least_suppressions=0, caps=(), quiet=None, service_basis="contract")
    made = book(tables)
    return replace(made, workspace=made.workspace.model_copy(update={"contact_policy": policy}))


def stage_of(result):
    return result.tables["accounts"].set_index("account_id")["stage"].to_dict()


def weeks_of(paths, tier="mid"):
    """Inputs of accounts whose stages are written week by week: {account: "ttgg"}; a space = not there yet."""
    length = max(map(len, paths.values()))
    dates = tuple(AS_OF - timedelta(weeks=back) for back in reversed(range(length)))
    names = {"t": "trial", "g": "growth", "c": "churned"}
    rows = [
        (pd.Timestamp(day), name, names[letter], tier)
        for name, path in paths.items()
        for day, letter in zip(dates, path.rjust(length), strict=True)
        if letter != " "
    ]
    accounts = pd.DataFrame(
        {"name": list(paths), "csm": "nobody", "is_gone": False, "behaviour": None}, index=pd.Index(list(paths))
    )
    fits = pd.DataFrame({"list": [], "contact_id": [], "account_id": []})
    lists = Lists(fits, week_of(AS_OF), None, "", ContactPolicy(), "UTC")
    weeks = pd.DataFrame(rows, columns=["date", "account_id", "stage", "tier"])
    return Inputs(AS_OF, dates, weeks, weeks, accounts, lists, {}, ())


def few_stages(**changes):
    rules = [
        {"stage": "trial", "where": {"attribute": "paid_at", "is_known": False}, **changes},
        {"stage": "churned", "where": {"attribute": "churned_at", "is_known": True}, "is_lasting": True},
        {"stage": "growth", "is_lasting": True},
    ]
    return make_config(stages=rules, stage_order=("trial", "growth", "churned"), compare_weeks=2)


def test_every_default_stage_is_reached_by_its_facts():
    assert stage_of(result_of(stage_book())) == {
        name: name for name in ("trial", "new", "onboarding", "growth", "expansion", "renewal", "churned")
    }


def test_the_first_rule_that_fits_decides():
    left = account("A1", paid_at=None, churned_at="2026-06-01T00:00:00")  # a trial that has left
    assert stage_of(result_of(book({"accounts": [left]}))) == {"A1": "churned"}


def test_every_account_is_in_exactly_one_cell():
    result = result_of(stage_book())
    assert result.tables["cells"]["accounts"].sum() == 7
    assert result.tables["accounts"]["account_id"].is_unique
    assert result.figures["accounts"].value == 7


def test_what_became_known_later_changes_nothing():
    early = date(2026, 5, 31)
    made = stage_book()
    before = result_of(made, as_of=early).tables
    after = result_of(with_rows(made, "accounts", [account("late", signup_at="2026-06-15T00:00:00")]), as_of=early)
    for name, table in before.items():
        pd.testing.assert_frame_equal(table, after.tables[name])


def test_a_milestone_that_is_reached_later_was_open_before():
    step = {
        "account_id": "A1", "milestone": "kickoff", "planned_at": "2026-05-20T00:00:00",
        "reached_at": "2026-06-10T00:00:00", "known_at": "2026-05-01T00:00:00",
    }  # fmt: skip
    made = book({"accounts": [account("A1", paid_at="2026-05-01T00:00:00")], "milestones": [step]})
    assert stage_of(result_of(made, as_of=date(2026, 6, 9))) == {"A1": "onboarding"}
    assert stage_of(result_of(made, as_of=date(2026, 6, 10))) == {"A1": "growth"}


def test_time_in_stage_counts_from_the_first_day_it_was_seen():
    result = segments.analyze(weeks_of({"A1": "tttggg", "A2": "gggggg", "A3": "    tg"}), few_stages())
    table = result.tables["accounts"].set_index("account_id")
    assert table["days_in_stage"].to_dict() == {"A1": 14, "A2": 35, "A3": 0}
    assert table["is_at_least"].to_dict() == {"A1": False, "A2": True, "A3": False}
    assert table["previous_stage"].dropna().to_dict() == {"A1": "trial", "A3": "trial"}


def test_who_has_not_moved_came_into_the_stage_on_the_same_day_for_the_page_and_for_lists():
    # It paid on Wednesday 10 June: a Sunday page sees it in the stage on the 14th, and so does every day after.
    made = book({"accounts": [account("A1", signup_at="2026-05-06T00:00:00", paid_at="2026-06-10T09:00:00")]})
    for day in (15, 17, 21):
        tables = result_of(made, as_of=date(2026, 6, day)).tables
        for name in ("accounts", "week_start"):
            assert tables[name]["entered_on"].tolist() == [pd.Timestamp("2026-06-14")], (day, name)


def test_where_accounts_were_when_the_week_began_is_the_same_all_week():
    # Tuesday 30 June: the week began on Monday, so Sunday 28 June counts. It paid on Monday: still a trial then.
    made = book({"accounts": [account("A1", signup_at="2026-06-10T00:00:00", paid_at="2026-06-29T09:00:00")]})
    expected = {"account_id": "A1", "tier": "mid", "stage": "trial", "entered_on": pd.Timestamp("2026-06-14")}
    for day in range(29, 31):
        result = result_of(made, as_of=date(2026, 6, day))
        assert result.tables["week_start"].to_dict("records") == [expected]
    assert stage_of(result) == {"A1": "new"}


def test_transitions_count_accounts_between_two_dates():
    result = segments.analyze(weeks_of({"A1": "ttg", "A2": "ttt", "A3": "ggg", "A4": "  t"}), few_stages())
    table = result.tables["transitions"].set_index(["from_stage", "to_stage"])
    assert table["accounts"].to_dict() == {
        ("not there yet", "trial"): 1, ("trial", "trial"): 1, ("trial", "growth"): 1, ("growth", "growth"): 1,
    }  # fmt: skip
    assert table.loc[("trial", "growth"), "share"] == 0.5
    assert table["accounts"].sum() == 4


def test_moves_are_accounts_in_another_cell_than_before():
    result = segments.analyze(weeks_of({"A1": "ttg", "A2": "ttt", "A4": "  t"}), few_stages())
    assert result.tables["moves"]["account_id"].tolist() == ["A1"]
    assert result.figures["moved"].value == 0.5  # A4 was not there
    assert result.figures["moved"].n == 2


def test_usual_time_is_the_quantile_of_kaplan_and_meier():
    rng = np.random.default_rng(4)
    paths = {f"A{n}": "g" * int(rng.integers(0, 3)) + "t" * int(rng.integers(1, 9)) + "g" for n in range(40)}
    paths |= {f"B{n}": "g" + "t" * int(rng.integers(1, 9)) for n in range(15)}  # still there
    inputs, config = weeks_of(paths), few_stages()
    seen = stays(inputs)
    part = seen[(seen["stage"] == "trial") & seen["is_begun"]]
    judge = KaplanMeierFitter().fit(part["days"], part["is_over"]).survival_function_["KM_estimate"]
    row = stage_table(inputs, config, seen).set_index("stage").loc["trial"]
    assert row["median_days"] == judge.index[judge <= 0.5][0]
    assert row["usual_days_found"] == judge.index[judge <= 0.2 + 1e-12][0]  # it counts who is left
    assert not row["is_confirmed"]


def test_a_stay_whose_beginning_was_not_seen_does_not_count_for_the_usual_time():
    inputs = weeks_of({f"A{n}": "tttg" for n in range(20)})
    assert stage_table(inputs, few_stages(), stays(inputs)).set_index("stage").loc["trial", "stays"] == 0


def test_stuck_is_longer_than_the_confirmed_time():
    inputs = weeks_of({"A1": "gtttt", "A2": "ggttt", "A3": "ggggg"})
    result = segments.analyze(inputs, few_stages(usual_days=14))
    stuck = result.tables["stuck"]
    assert stuck["account_id"].tolist() == ["A1"]  # 21 days; A2 has 14, which is usual; growth lasts
    assert stuck["days_over"].tolist() == [7]
    assert stuck["is_confirmed"].tolist() == [True]
    assert stuck["is_at_least"].tolist() == [False]
    assert ", first A1: 21 days in trial" in text(result.actions[0])


def test_a_stay_that_began_before_the_history_is_at_least_that_long():
    result = segments.analyze(weeks_of({"A1": "ttttt", "A2": "ggggg"}), few_stages(usual_days=14))
    assert result.tables["stuck"]["is_at_least"].tolist() == [True]
    assert "at least 28 days in trial" in text(result.actions[0])


def test_nobody_is_stuck_where_nobody_can_tell_what_is_usual():
    result = segments.analyze(weeks_of({"A1": "gttttt"}), few_stages())
    assert result.tables["stuck"].empty
    assert "usual_time_unknown" in {caveat.code for caveat in result.caveats}


def test_a_time_from_the_data_asks_to_be_confirmed():
    paths = {f"A{n}": "gtg" for n in range(12)} | {"B": "gtttttt"}
    result = segments.analyze(weeks_of(paths), few_stages())
    assert result.tables["stuck"]["account_id"].tolist() == ["B"]
    assert "usual_time_unconfirmed" in {caveat.code for caveat in result.caveats}


def test_tiers_come_from_rules_where_there_are_any():
    made = book({"accounts": [account("A1", arr=500.0), account("A2", arr=5.0), account("A3", arr=None)]})
    rules = [
        {"segment": "key", "where": {"attribute": "arr", "at_least": 100}},
        {"segment": "other", "where": {"attribute": "arr", "is_known": True}},
    ]
    result = result_of(made, make_config(tiers=rules))
    assert result.tables["accounts"].set_index("account_id")["tier"].to_dict() == {
        "A1": "key", "A2": "other", "A3": "not known",
    }  # fmt: skip
    assert list(dict.fromkeys(result.tables["cells"]["tier"])) == ["key", "other", "not known"]
    assert "tier_unknown" in {caveat.code for caveat in result.caveats}


def test_behaviour_segments_follow_their_rules():
    made = book({"accounts": [account("A1"), account("A2", churned_at="2026-03-01T00:00:00")]})
    rules = [{"segment": "left", "where": {"attribute": "churned_at", "is_known": True}}]
    result = result_of(made, make_config(behaviour=rules))
    assert result.tables["behaviour"].set_index("segment")["accounts"].to_dict() == {"left": 1, "no rule fits": 1}
    assert "behaviour_undefined" in {caveat.code for caveat in result.caveats}


def test_saved_lists_name_their_contacts():
    people = [
        {"contact_id": f"P{n}", "account_id": "A1", "added_at": f"2026-06-{day}T08:00:00"}
        for n, day in ((1, 30), (2, 29))
    ]
    made = open_book({"accounts": [account("A1")], "contacts": people})
    lists = {"new": {"where": {"attribute": "added_at", "within_days": 1}}}
    result = result_of(made, make_config(contact_lists=lists))
    assert result.tables["lists"].to_dict("records") == [
        {"list": "new", "contact_id": "P1", "account_id": "A1", "channel": "call"}
    ]
    assert result.tables["list_sizes"].to_dict("records") == [
        {"list": "new", "purpose": "service", "fitting": 1, "contacts": 1, "left_out": 0, "accounts": 1}
    ]


def test_whoever_may_not_be_contacted_is_left_out_of_a_saved_list_with_the_reason():
    people = [{"contact_id": f"P{n}", "account_id": "A1", "added_at": "2026-06-30T08:00:00"} for n in (1, 2, 3, 4)]
    said = {"channel": "email", "purpose": "marketing", "valid_from": "2026-06-01T00:00:00"}
    made = open_book(
        {
            "accounts": [account("A1")],
            "contacts": people,
            "consents": [
                {"contact_id": name, **said, "status": word}
                for name, word in (("P1", "granted"), ("P2", "denied"), ("P4", "granted"))
            ],
            "suppressions": [{"contact_id": "P4", "valid_from": "2026-06-01", "reason": "bounced"}],
        }
    )
    lists = {
        "news": {"where": {"attribute": "added_at", "within_days": 1}, "purpose": "marketing", "channels": ["email"]}
    }
    tables = result_of(made, make_config(contact_lists=lists)).tables
    assert tables["lists"]["contact_id"].tolist() == ["P1"]
    left = tables["lists_left_out"]
    assert dict(zip(left["contact_id"], left["reason"], strict=True)) == {
        "P2": "refused", "P3": "no consent", "P4": "suppressed",
    }  # fmt: skip
    assert tables["list_sizes"][["fitting", "contacts", "left_out"]].to_numpy().tolist() == [[4, 1, 3]]


def test_nobody_is_on_a_saved_list_where_nobody_can_tell_who_allows_it():
    people = [{"contact_id": "P1", "account_id": "A1", "added_at": "2026-06-30T08:00:00"}]
    lists = {"new": {"where": {"attribute": "added_at", "within_days": 1}}}
    result = result_of(book({"accounts": [account("A1")], "contacts": people}), make_config(contact_lists=lists))
    assert result.tables["lists"].empty
    assert "not in the workspace" in result.tables["lists_left_out"]["reason"].iloc[0]
    assert "lists_refused" in {caveat.code for caveat in result.caveats}


def test_a_saved_list_by_a_channel_that_nobody_knows_is_refused():
    people = [{"contact_id": "P1", "account_id": "A1", "added_at": "2026-06-30T08:00:00"}]
    lists = {"new": {"where": {"attribute": "added_at", "within_days": 1}, "channels": ["pigeon"]}}
    with pytest.raises(AnalysisError, match=r"contact_lists\.new\.channels: unknown channel 'pigeon'"):
        result_of(book({"accounts": [account("A1")], "contacts": people}), make_config(contact_lists=lists))


def test_a_table_that_is_not_there_leaves_a_caveat():
    result = result_of(book({"accounts": [account("A1")]}))
    assert "attributes_absent" in {caveat.code for caveat in result.caveats}
    assert stage_of(result) == {"A1": "growth"}


def test_a_rule_on_an_unknown_attribute_names_its_place():
    wrong = make_config(behaviour=[{"segment": "x", "where": {"attribute": "usage_tend", "below": 0}}])
    with pytest.raises(ConfigError, match=r"behaviour.0.where.attribute: there is no attribute 'usage_tend'"):
        inputs_of(book({"accounts": [account("A1")]}), wrong)


def test_a_day_without_accounts_is_no_day_for_a_page():
    made = book({"accounts": [account("A1", signup_at="2026-06-01T00:00:00")]})
    with pytest.raises(AnalysisError, match="no account is known on 2025-01-01"):
        result_of(made, as_of=date(2025, 1, 1))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (
            {"stages": [{"stage": "a", "where": {"attribute": "arr", "is": 1}}], "stage_order": ()},
            "the last stage takes",
        ),
        ({"stages": [{"stage": "a"}, {"stage": "b"}], "stage_order": ()}, "takes everybody, so no later rule"),
        ({"stage_order": ("trial", "growth")}, "name each stage once"),
        ({"cluster_on": ("minutes",)}, "there is no measure 'minutes'"),
        ({"compare_weeks": 20}, "must be at most history_weeks, 8"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(changes, match):
    with pytest.raises(ValidationError, match=match):
        make_config(**changes)


def test_the_settings_file_of_the_sample_book_is_valid():
    loaded = configs.load(ROOT / "configs/segments.yaml", segments.Config, ROOT)
    assert loaded.stages[-1].where is None
    assert set(loaded.cluster_on) <= set(loaded.measures)


# Behaviour segments drawn from the simulator's own course of use: level of engagement, and share of features liked.
PLANTED = ((-1.2, -2.5), (0.0, 3.0), (2.2, -2.5))
MEASURES = {
    "active": ActiveUsers(),
    "breadth": FeatureBreadth(),
    "minutes": Usage(what="minutes", window_days=84),
}


def planted_book(size, levels):
    """Return a book whose accounts use the product as the simulator has it, at levels of their own, and the levels."""
    world = make_world(size)
    rng = np.random.default_rng(2)
    kind = rng.integers(0, len(levels), size.accounts)
    engagement = np.array([level for level, _ in levels])[kind, None] + 0.15 * world.swing
    seats = world.traits.assign(seats=40, signup=np.datetime64("2025-01-01"))
    world = replace(world, engagement=engagement, traits=seats)
    users = make_users(world, np.full(size.accounts, np.datetime64("NaT", "s")))
    users = replace(users, taste=0.3 * users.taste + np.array([taste for _, taste in levels])[kind, None])
    use = pd.concat(list(usage_months(world, users)), ignore_index=True).astype({"account_id": "str"})
    columns = ["account_id", "user_id", "feature", "date", "events", "minutes", "sessions"]
    names = world.traits["account_id"]
    return book({"accounts": [account(name) for name in names], "usage_daily": use[columns]}), names.to_numpy(), kind


def test_groups_planted_in_the_simulators_course_of_use_are_found():
    made, names, kind = planted_book(BookSize(accounts=120, months=4, seed=3), PLANTED)
    config = make_config(
        measures=MEASURES,
        cluster_on=tuple(MEASURES),
        history_weeks=1,
        compare_weeks=1,
        stages=[{"stage": "any"}],
        stage_order=(),
    )
    groups = find_groups(inputs_of(made, config, date(2026, 9, 30)), config)
    assert groups.is_found
    found = groups.of_account.reindex(names)
    told = found.notna().to_numpy()
    assert told.mean() > 0.8
    assert adjusted_rand_score(kind[told], found[told]) >= 0.9
    assert groups.table["accounts"].sum() == told.sum()
    assert all("high" in name or "low" in name or "average" in name for name in groups.table["cluster"])


def test_the_simulators_own_book_differs_by_degrees():
    size = BookSize(accounts=150, months=4, seed=3)
    world = make_world(size)
    world = replace(world, traits=world.traits.assign(seats=40, signup=np.datetime64("2025-01-01")))
    users = make_users(world, np.full(size.accounts, np.datetime64("NaT", "s")))
    use = pd.concat(list(usage_months(world, users)), ignore_index=True).astype({"account_id": "str"})
    columns = ["account_id", "user_id", "feature", "date", "events", "minutes", "sessions"]
    made = book({"accounts": [account(name) for name in world.traits["account_id"]], "usage_daily": use[columns]})
    config = make_config(
        measures=MEASURES,
        cluster_on=tuple(MEASURES),
        history_weeks=1,
        compare_weeks=1,
        stages=[{"stage": "any"}],
        stage_order=(),
    )
    result = segments.analyze(inputs_of(made, config, date(2026, 9, 30)), config)
    assert result.tables["clusters"].empty
    assert "no_stable_segments" in {caveat.code for caveat in result.caveats}
    assert result.figures["stable_groups"].value == 0


def test_too_few_accounts_are_not_clustered():
    made = book(
        {
            "accounts": [account(f"A{n}") for n in range(5)],
            "usage_daily": [
                {"account_id": f"A{n}", "user_id": "U", "feature": "query", "date": "2026-06-29", "events": n + 1,
                 "minutes": n, "sessions": 1}
                for n in range(5)
            ],
        }
    )  # fmt: skip
    minutes = {"measures": {"minutes": Usage(what="minutes")}, "cluster_on": ("minutes",)}
    result = result_of(made, make_config(**minutes, stages=[{"stage": "any"}], stage_order=()))
    assert "too_few_to_cluster" in {caveat.code for caveat in result.caveats}
    assert "stable_groups" not in result.figures


DAYS = st.none() | st.dates(date(2024, 1, 1), AS_OF)
FACTS = st.fixed_dictionaries(
    {
        "paid_at": DAYS,
        "churned_at": DAYS,
        "value_tier": st.sampled_from([None, "small", "mid", "large", "gold"]),
        "milestone": st.none() | st.booleans(),  # none planned, open, reached
        "due": st.none() | st.dates(AS_OF, date(2027, 6, 30)),
        "has_opportunity": st.booleans(),
    }
)


def first_stage(facts):
    """The default stages as plain conditions, in their order."""
    paid = facts["paid_at"]
    if facts["churned_at"] is not None:
        return "churned"
    if paid is None:
        return "trial"
    if (AS_OF - paid).days < 14:
        return "new"
    if facts["milestone"] is False and (AS_OF - paid).days < 180:
        return "onboarding"
    if facts["due"] is not None and (facts["due"] - AS_OF).days <= 90:
        return "renewal"
    return "expansion" if facts["has_opportunity"] else "growth"


def fact_book(people):
    def at(day):
        return None if day is None else f"{day}T00:00:00"

    known = {"known_at": "2023-12-31T00:00:00"}
    rows = {f"A{place}": facts for place, facts in enumerate(people)}
    made = {
        "accounts": [
            account(name, signup_at="2023-12-31T00:00:00", value_tier=facts["value_tier"],
                    paid_at=at(facts["paid_at"]), churned_at=at(facts["churned_at"]))
            for name, facts in rows.items()
        ],
        "milestones": [
            {"account_id": name, "milestone": "kickoff", "planned_at": "2024-02-01T00:00:00",
             "reached_at": "2024-03-01T00:00:00" if facts["milestone"] else None, **known}
            for name, facts in rows.items() if facts["milestone"] is not None
        ],
        "renewals": [
            {"renewal_id": f"R{name}", "account_id": name, "due_date": str(facts["due"]), "outcome": "open", **known}
            for name, facts in rows.items() if facts["due"] is not None
        ],
        "opportunities": [
            {"opportunity_id": f"O{name}", "account_id": name, "created_at": "2024-01-01T00:00:00", "closed_at": None}
            for name, facts in rows.items() if facts["has_opportunity"]
        ],
    }  # fmt: skip
    return book({name: table for name, table in made.items() if table})


@hypothesis.settings(max_examples=6, deadline=None, derandomize=True)
@hypothesis.given(st.lists(FACTS, min_size=1, max_size=40))
def test_every_account_is_in_exactly_one_cell_whatever_its_facts(people):
    result = result_of(fact_book(people), make_config(history_weeks=1, compare_weeks=1))
    assert stage_of(result) == {f"A{place}": first_stage(facts) for place, facts in enumerate(people)}
    tiers = [facts["value_tier"] or "not known" for facts in people]
    wanted = Counter(zip(tiers, map(first_stage, people), strict=True))
    cells = result.tables["cells"]
    assert not cells.duplicated(["tier", "stage"]).any()
    counts = zip(cells["tier"], cells["stage"], cells["accounts"], strict=True)
    assert {(tier, stage): count for tier, stage, count in counts if count} == dict(wanted)


def turned_rules(paid_days, least_arr, last_use):
    """Rules of all three kinds, with one number each."""
    return make_config(
        stages=[
            {"stage": "new", "where": {"attribute": "paid_at", "within_days": paid_days}},
            {"stage": "growth"},
        ],
        stage_order=["new", "growth"],
        tiers=[{"segment": "large", "where": {"attribute": "arr", "at_least": least_arr}}, {"segment": "others"}],
        behaviour=[{"segment": "silent", "where": {"not": {"attribute": "arr", "at_most": last_use}}}],
    )


@pytest.mark.parametrize("numbers", [(60, 100.0, 50.0), (14, 900.0, 50.0), (14, 100.0, 500.0), (60, 900.0, 500.0)])
def test_another_number_in_a_rule_is_asked_without_the_book_as_prepare_would_ask_it(numbers):
    made = book(
        {"accounts": [account(f"A{each}", arr=100.0 * each, paid_at=f"2026-0{each}-20T00:00:00") for each in (4, 5, 6)]}
    )
    saved, turned = turned_rules(14, 100.0, 50.0), turned_rules(*numbers)
    live, anew = (segments.analyze(inputs_of(made, each), turned) for each in (saved, turned))
    assert live.headline == anew.headline
    for name in ("accounts", "stages", "cells", "moves", "stuck", "history", "transitions", "behaviour", "week_start"):
        pd.testing.assert_frame_equal(live.tables[name], anew.tables[name], obj=name)


def test_a_rule_that_reads_what_prepare_did_not_is_refused():
    saved = turned_rules(14, 100.0, 50.0)
    where = {"attribute": "signup_at", "within_days": 14}
    turned = saved.model_copy(update={"stages": (segments.Config().stages[2].model_copy(
        update={"where": Condition.model_validate(where)}), saved.stages[1])})  # fmt: skip
    inputs = inputs_of(book({"accounts": [account("A", arr=1.0)]}), saved)
    with pytest.raises(AnalysisError, match=r"rules read signup_at, which was not read yet; run prepare again"):
        segments.analyze(inputs, turned)


# --- what the book does not have --------------------------------------------------------------------------------------


def bare(*lacking, **tables):
    """The accounts of `stage_book` without some of their columns."""
    rows = [account("paid"), account("gone", churned_at="2026-03-01T00:00:00")]
    return book({"accounts": [{k: v for k, v in row.items() if k not in lacking} for row in rows], **tables})


def test_nobody_is_in_a_stage_by_lacking_a_column_that_the_book_does_not_have():
    found = result_of(bare("paid_at"))
    assert stage_of(found) == {"paid": "not known", "gone": "churned"}
    assert found.figures["stuck"].value == 0
    assert found.tables["stages"].set_index("stage")["accounts"].to_dict()["not known"] == 1
    assert found.tables["cells"]["accounts"].sum() == 2
    assert set(found.tables["transitions"]["to_stage"]) == {"not known", "churned"}
    (doubt,) = [each for each in found.caveats if each.code == "stage_unknown"]
    assert text(doubt.message) == (
        "The stage of 1 account of 2 is not known: the rule trial takes those without paid_at, which the book does not "
        "have of anybody"
    )


def test_the_verdict_says_so_where_most_stages_are_not_known():
    found = result_of(bare("paid_at", "churned_at"))
    assert text(found.headline).startswith("The stage of 2 accounts of 2 is not known; 0 accounts are longer")


def test_a_column_the_book_lacks_only_keeps_out_of_the_stages_that_ask_for_it():
    found = result_of(bare("churned_at"))
    assert stage_of(found) == {"paid": "growth", "gone": "growth"}
    assert "not known" not in set(found.tables["stages"]["stage"])
    codes = {each.code for each in found.caveats}
    assert "columns_absent" in codes
    assert "stage_unknown" not in codes


def test_behaviour_and_lists_take_nobody_by_what_the_book_does_not_have():
    silent = {"not": {"attribute": "days_since_last_use", "at_most": 28}}
    waiting = {"not": {"attribute": "last_human_touch_on", "is_known": True}}
    config = make_config(
        measures={
            "days_to_renewal": {"kind": "days_to_renewal"},
            "days_since_last_use": {"kind": "days_since_last_use"},
        },
        behaviour=[{"segment": "silent", "where": silent}, {"segment": "steady"}],
        contact_lists={"not followed up": {"where": waiting}},
    )
    contact = {"contact_id": "P1", "account_id": "paid"}
    found = result_of(bare(contacts=[contact]), config)
    assert set(found.tables["accounts"]["behaviour"]) == {"not known"}
    assert found.tables["list_sizes"]["fitting"].tolist() == [0]
    assert "behaviour_unknown" in {each.code for each in found.caveats}
    old = {"touch_id": "T1", "account_id": "gone", "mode": "human", "sent_at": "2026-01-01T00:00:00"}
    there = result_of(bare(contacts=[contact], touches=[old]), config)
    assert there.tables["list_sizes"]["fitting"].tolist() == [1]


def test_rules_that_are_turned_know_what_the_book_does_not_have():
    made, first = inputs_of(bare("paid_at")), make_config()
    rules = [each.model_dump(by_alias=True, exclude_none=True) for each in first.stages]
    rules[2]["where"]["within_days"] = 21
    turned = segments.analyze(made, make_config(stages=rules))
    assert stage_of(turned) == {"paid": "not known", "gone": "churned"}
