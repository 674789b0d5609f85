"""Success plans of the simulated book: what was planted is there, by methods that do not know the simulator."""

import dataclasses

import duckdb
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from csworkbench.analyses.plan_validation.lottery import recorded
from csworkbench.sampledata.accounts import assignments_table, make_world
from csworkbench.sampledata.contracts import make_contracts
from csworkbench.sampledata.files import read
from csworkbench.sampledata.lotteries import lottery_records
from csworkbench.sampledata.people import make_people
from csworkbench.sampledata.playbooks import PLAYBOOKS
from csworkbench.sampledata.service import tickets_table
from csworkbench.sampledata.success import EXTRA, joined, success_tables
from csworkbench.sampledata.usage import make_users
from csworkbench.sampledata.world import LEAD_MONTHS, BookSize
from csworkbench.tables import SPECS
from tests.house.places import ROOT

END = pd.Timestamp("2026-09-30 23:59:59")
DAYS_60 = pd.Timedelta(days=60)
OWN = ("plans", "plan_steps", "plan_goals", "metrics_daily")


def drawn(size, number=0):
    world = make_world(size, number)
    contracts = make_contracts(world)
    users, assignments = make_users(world, contracts.churned_at), assignments_table(world, contracts)
    met = tickets_table(world, contracts, users).rename(columns={"opened_at": "at"})
    people = make_people(world, contracts, users, assignments, (met,))
    return world, contracts, people, *success_tables(world, contracts, people)


@pytest.fixture(scope="module")
def book():
    return drawn(BookSize())


@pytest.fixture(scope="module")
def frames(book):
    return book[3]


@pytest.fixture(scope="module")
def truths(book):
    return book[4].plans.set_index("plan_id")


@pytest.fixture(scope="module")
def many():
    """A whole block: eight times the plans, for tight standard errors."""
    return drawn(BookSize(accounts=5_000, seed=11))


def changes(drawn_book):
    """One row per plan that landed: log change of its metric from 60 days before creation to 60 days after landing.

    Computed by SQL from the tables alone; plans whose windows are not whole, or whose account left, are dropped.
    """
    frames = drawn_book[3]
    connection = duckdb.connect()
    for name in ("plans", "plan_goals", "metrics_daily"):
        connection.register(name, frames[name])
    return connection.sql("""
        select plan_id, playbook, account_id, created_at, landed_at, sum(after.value) as total,
            ln(avg(after.value) / any_value(baseline)) as change
        from plans join plan_goals using (plan_id)
        join metrics_daily after using (account_id, metric)
        where after.date > landed_at::date and after.date <= landed_at::date + 60
        group by all having count(*) >= 40
    """).df()


@pytest.fixture(scope="module")
def changed(many):
    """The changes with the truths of their plans."""
    return changes(many).merge(many[4].plans.drop(columns=["playbook", "account_id"]), on="plan_id")


def untreated(drawn_book, playbook):
    """Log changes over the same months of accounts with as deep a dip as the plans of a playbook but no plan near it.

    One row per account and month: swing, change of `queries_run` from the two months before to the third and fourth
    month after the start of the month.
    """
    world, _, _, frames, truth = drawn_book
    monthly = frames["metrics_daily"].query("metric == 'queries_run'")
    monthly = monthly.groupby(["account_id", monthly["date"].dt.to_period("M")], observed=False)["value"].mean()
    table = monthly.unstack().reindex(world.traits["account_id"])
    planned = frames["plans"].groupby("account_id")["created_at"].agg(list)
    rows = []
    for month in range(6, world.size.months - 3):
        start = pd.Timestamp(str(world.size.first_month + month))
        dip = world.swing[:, LEAD_MONTHS + month - 2 : LEAD_MONTHS + month].mean(axis=1)
        pre, post = table.iloc[:, month - 2 : month].mean(axis=1), table.iloc[:, month + 1 : month + 3].mean(axis=1)
        rows.append(pd.DataFrame({"dip": dip, "change": np.log(post.to_numpy() / pre.to_numpy()), "start": start}))
        rows[-1]["account_id"] = table.index
        rows[-1]["decline"] = world.decline[:, LEAD_MONTHS + month]
    cells = pd.concat(rows).replace([np.inf, -np.inf], np.nan).dropna()
    span = pd.Timedelta(days=150)
    near = [
        any(abs(at - start) < span for at in planned.get(account, []))
        for account, start in zip(cells["account_id"], cells["start"], strict=True)
    ]
    plans = truth.plans.query("playbook == @playbook")
    is_alike = cells["dip"].between(plans["dip"].min(), plans["dip"].max()) & (cells["decline"] == 0)
    return cells[is_alike & ~np.array(near)]


def finished(changed, playbook):
    return changed.query("playbook == @playbook and run == 'finished'")


# The tables


@pytest.mark.parametrize("name", [*OWN, "touches"])
def test_columns_and_words_are_those_of_the_contract(frames, name):
    frame, spec = frames[name], SPECS[name]
    assert set(frame.columns) - set(spec.names) == set(EXTRA.get(name, {}))
    assert {column.name for column in spec.columns if column.required} <= set(frame.columns)
    assert not frame.duplicated(list(spec.key)).any()
    for column in spec.columns:
        values = frame[column.name].dropna() if column.name in frame else []
        assert not column.allowed or set(values) <= set(column.allowed)
        assert column.nullable or len(values) == len(frame)
    for first, last in spec.ordered:
        assert not (frame[first] > frame[last]).any()


def test_every_reference_is_whole(book, frames):
    connection = duckdb.connect()
    for name in (*OWN, "touches"):
        connection.register(name, frames[name])
    connection.register("accounts", book[0].traits[["account_id"]])
    connection.register("contacts", book[2].contacts)
    orphans = [
        connection.sql(f"select count(*) from {child} where {key} not in (select {key} from {parent})").fetchone()
        for child, key, parent in [
            ("plans", "account_id", "accounts"),
            ("metrics_daily", "account_id", "accounts"),
            ("plan_steps", "plan_id", "plans"),
            ("plan_goals", "plan_id", "plans"),
            ("touches", "plan_id", "plans"),
            ("touches", "contact_id", "contacts"),
        ]
    ]
    assert orphans == [(0,)] * 6
    assert frames["plans"]["csm_id"].notna().all()


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("plans", "created_at"),
        ("plans", "started_at"),
        ("plans", "landed_at"),
        ("plans", "closed_at"),
        ("plans", "shared_at"),
        ("plan_steps", "done_at"),
        ("metrics_daily", "date"),
        ("touches", "sent_at"),
    ],
)
def test_nothing_happens_after_the_end(frames, table, column):
    assert frames[table][column].max() <= END


def test_steps_are_done_after_the_plan_was_written_and_before_it_was_closed(frames):
    steps = frames["plan_steps"].merge(frames["plans"], on="plan_id")
    done = steps[steps["done_at"].notna()]
    assert (done["done_at"].dt.normalize() >= done["created_at"].dt.normalize()).all()
    assert not (done["done_at"].dt.normalize() > done["closed_at"].dt.normalize()).any()
    assert (steps["done_at"].notna() == (steps["status"] == "done")).all()


def test_metrics_are_there_only_while_the_account_is(book, frames):
    world, contracts = book[0], book[1]
    left = pd.Series(contracts.churned_at, world.traits["account_id"])
    signup = world.traits.set_index("account_id")["signup"]
    span = frames["metrics_daily"].groupby("account_id", observed=True)["date"].agg(["min", "max"])
    assert (span["min"] > signup.reindex(span.index)).all()
    assert not (span["max"] >= left.reindex(span.index)).any()
    assert (frames["metrics_daily"]["date"].dt.dayofweek < 5).all()


def test_some_rows_are_late_and_the_others_known_when_they_happened(frames):
    late = frames["metrics_daily"].dropna(subset="known_at")
    assert len(late) == 40
    assert (late["known_at"] > late["date"]).all()
    plans = frames["plans"].dropna(subset="known_at")
    assert 5 <= len(plans) <= 40
    assert (plans["known_at"] > plans["created_at"]).all()


def test_goals_and_steps_are_known_with_their_plan_at_the_earliest(frames):
    for name in ("plan_goals", "plan_steps"):
        both = frames[name].merge(frames["plans"], on="plan_id")
        assert (both["known_at_x"] == both["known_at_y"].fillna(both["created_at"])).all()


def test_same_seed_gives_the_same_rows_and_blocks_differ():
    size = BookSize(accounts=5_300, seed=3)
    again, first, second = drawn(size, 1), drawn(size, 1), drawn(BookSize(accounts=300, seed=3))
    for name in OWN:
        assert first[3][name].equals(again[3][name])
    assert set(first[3]["plans"]["plan_id"]) & set(second[3]["plans"]["plan_id"]) == set()
    plans = joined([second[4], first[4]]).plans
    assert len(plans) == len(first[4].plans) + len(second[4].plans)
    assert plans["plan_id"].is_unique


@pytest.mark.parametrize("size", [BookSize(1, 3, 1), BookSize(15, 3, 2), BookSize(40, 4, 7), BookSize(200, 60, 4)])
def test_books_of_any_size_have_their_columns(size):
    frames = drawn(size)[3]
    for name in OWN:
        assert {column.name for column in SPECS[name].columns if column.required} <= set(frames[name].columns)


# How many, and what became of them


def test_each_playbook_has_24_plans_at_least_and_the_one_for_a_tier_80(frames):
    count = frames["plans"]["playbook"].value_counts()
    assert set(count.index) == {playbook.name for playbook in PLAYBOOKS}
    assert len(count) == 8
    assert count.min() >= 24
    assert count["executive_dashboards"] == 80


def test_every_leaf_of_the_tree_is_there(truths):
    assert set(truths["verdict"]) == {
        "in_progress",
        "too_early",
        "blocked_by_customer",
        "wrong_problem",
        "met_without_steps",
        "not_executable",
        "execution_issue",
        "not_finished",
        "verified",
        "supported",
        "reached_not_attributable",
        "harmful",
        "out_of_scope",
        "not_representative",
        "unlucky",
        "effective_but_goal_too_high",
        "inconclusive",
        "not_assessable",
    }


def test_plans_run_to_the_end_have_all_mandatory_steps_and_the_others_do_not(frames, truths):
    steps = frames["plan_steps"].query("is_mandatory")
    missing = steps["done_at"].isna().groupby(steps["plan_id"]).any()
    closed = frames["plans"].dropna(subset="closed_at").set_index("plan_id").index
    run = truths.loc[closed, "run"]
    assert not missing[run[run.isin(["finished", "ticked"])].index].any()
    assert missing[run[run.str.startswith("stuck") | (run == "dropped")].index].all()


def test_steps_ticked_off_at_closing_bear_one_day(frames, truths):
    done = frames["plan_steps"].dropna(subset="done_at")
    days = done["done_at"].dt.normalize().groupby(done["plan_id"]).nunique()
    ticked = days[days.index.isin(truths.query("run == 'ticked'").index)]
    assert len(ticked) >= 8
    assert (ticked == 1).all()
    assert (days[days.index.isin(truths.query("run == 'finished' and verdict != 'in_progress'").index)] > 1).all()


def test_plans_of_one_playbook_stop_at_one_step_with_several_csms(frames):
    blocked = (
        frames["plan_steps"].query("status == 'blocked' and blocker == 'plan'").merge(frames["plans"], on="plan_id")
    )
    assert set(blocked["playbook"]) == {"data_integration"}
    assert set(blocked["step_no"]) == {3}
    assert len(blocked) >= 5
    assert blocked["csm_id"].nunique() >= 3


def test_baselines_are_the_mean_of_the_metric_before_the_plan_was_written(frames):
    connection = duckdb.connect()
    for name in ("plans", "plan_goals", "metrics_daily"):
        connection.register(name, frames[name])
    found = connection.sql("""
        select abs(any_value(baseline) - avg(value)) as gap
        from plans join plan_goals using (plan_id) join metrics_daily using (account_id, metric)
        where date >= created_at::date - 60 and date < created_at::date group by plan_id
    """).df()
    assert len(found) == len(frames["plan_goals"])
    assert found["gap"].max() <= 0.0051  # the baseline has two decimals


def test_goals_told_as_reached_are_reached_in_the_metric(book, frames, truths):
    joint = changes(book).merge(frames["plan_goals"], on="plan_id").set_index("plan_id")
    told = truths["is_reached"].reindex(joint.index).dropna().astype(bool)
    whole = joint.loc[told.index]
    landed = whole["landed_at"].to_numpy("datetime64[D]")
    mean = whole["total"] / np.busday_count(landed + 1, landed + 61)
    assert len(told) >= 100
    assert ((mean >= whole["target"]) == told).all()


def test_too_few_plans_of_one_playbook_have_a_whole_window(frames, truths):
    plans = frames["plans"].query("playbook == 'peak_season'")
    count = truths.loc[plans["plan_id"], "verdict"].value_counts()
    assert count["in_progress"] + count["too_early"] >= 10
    assert 3 <= count["inconclusive"] <= 8


# What the plans do


def test_a_recovery_is_only_the_rebound_of_a_dip(many, changed):
    plans = finished(changed, "quick_wins")["change"]
    assert plans.mean() / plans.sem() > 3  # before and after says: it worked
    assert plans.mean() > 0.05
    controls = untreated(many, "quick_wins")
    assert len(controls) > 300
    # the same dips without a plan come back as far: the difference is within three standard errors (by account)
    alike = controls.groupby("account_id")["change"].mean()
    rise = np.polyfit(controls["dip"], controls["change"], 1)
    expected = np.polyval(rise, finished(changed, "quick_wins")["dip"]).mean()
    assert abs(plans.mean() - expected) < 3 * np.hypot(plans.sem(), alike.sem())


def test_a_playbook_works_in_its_tier_only(changed):
    plans = finished(changed, "executive_dashboards")
    # regression on the dip takes the rebound out; what remains differs by tier
    design = sm.add_constant(pd.DataFrame({"large": (plans["tier"] == "large").astype(float), "dip": plans["dip"]}))
    fit = sm.OLS(plans["change"], design).fit(cov_type="HC1")
    assert abs(fit.params["large"] - 0.34) < 3 * fit.bse["large"]
    assert fit.bse["large"] < 0.03
    assert abs(fit.params["const"]) < 3 * fit.bse["const"] + 0.03  # no dip, mid tier: no change


@pytest.mark.parametrize(
    ("playbook", "effect"), [("scenario_workshop", 0.34), ("data_integration", -0.34), ("feature_tour", 0.0)]
)
def test_the_true_effect_of_a_playbook_is_recovered(changed, playbook, effect):
    plans = finished(changed, playbook).query("not is_misdiagnosed")
    fit = sm.OLS(plans["change"], sm.add_constant(plans[["dip"]])).fit(cov_type="HC1")
    # engagement counts .45 in the logarithm and 44 % of a dip are left after 3 months: the constant is the effect
    assert abs(fit.params["const"] - effect) < 3 * fit.bse["const"] + 0.03
    assert fit.bse["const"] < 0.07


def test_unfinished_plans_do_nothing(changed):
    plans = changed.query("run == 'ticked' and playbook in ['scenario_workshop', 'executive_dashboards']")
    fit = sm.OLS(plans["change"], sm.add_constant(plans[["dip"]])).fit(cov_type="HC1")
    assert abs(fit.params["const"]) < 3 * fit.bse["const"]
    assert fit.params["const"] < 0.17


def test_chosen_accounts_grew_by_what_nobody_recorded(many, changed):
    plans = finished(changed, "sponsor_program")
    fit = sm.OLS(plans["change"], sm.add_constant(plans[["dip"]])).fit(cov_type="HC1")
    assert fit.params["const"] > 0.3  # looks like an effect, also with the dip taken out
    assert (many[4].plans.query("playbook == 'sponsor_program'")["effect"] == 0).all()
    frames, tailwinds = many[3], many[4].tailwinds
    told = pd.concat([frames["plans"][["problem", "customer_commitments"]].stack(), frames["touches"]["note"]])
    assert not told.astype(str).str.contains("tailwind|grow").any()
    # accounts without any plan have tailwinds as well: the plan does not cause them
    others = set(tailwinds["account_id"]) - set(frames["plans"]["account_id"])
    assert len(others) > 100


def test_the_lottery_is_independent_of_engagement(many):
    plans = many[3]["plans"].dropna(subset="start_order").merge(many[4].plans, on=["plan_id", "account_id"])
    assert len(plans) > 200
    ranks = plans.groupby("lottery")[["start_order", "engagement", "dip"]].rank(pct=True)
    bound = 3 / np.sqrt(len(plans))
    assert abs(ranks.corr().loc["start_order", "engagement"]) < bound
    assert abs(ranks.corr().loc["start_order", "dip"]) < bound


def test_the_lottery_starts_in_its_order_from_one_day_of_eligibility(frames):
    plans = frames["plans"].dropna(subset="lottery")
    assert set(plans["playbook"]) == {"team_rollout"}
    for _, entrants in plans.groupby("lottery"):
        order = entrants.sort_values("start_order")
        assert order["start_order"].tolist() == list(range(1, len(order) + 1))
        assert entrants["eligible_at"].dt.to_period("M").nunique() == 1
        months = order["started_at"].dt.to_period("M").dropna()
        assert months.is_monotonic_increasing
    waiting = plans["started_at"].isna()
    assert 3 <= waiting.sum() <= 12


def test_the_shipped_start_orders_are_official_and_those_of_the_plans(frames):
    folder = ROOT / "records" / "lotteries"
    shipped = {path.name: path.read_bytes().decode() for path in folder.glob("team_rollout-202?-0?-1-*.csv")}
    assert shipped == lottery_records(read(ROOT / "data" / "samples", ("plans", "accounts")))
    found = recorded(shipped)
    assert found.problems == ()
    plans = frames["plans"].dropna(subset="lottery").merge(found.rows, on=["lottery", "account_id"], how="outer")
    assert len(plans) == 30
    assert (plans["start_order_x"] == plans["start_order_y"]).all()
    assert (plans["created_at"] >= plans["eligible_on"]).all()  # drawn before the first start


def test_the_lottery_shows_the_effect_without_any_adjustment(many):
    """Means per account of the first wave against those who wait, in the two months after the first wave landed."""
    world, frames = many[0], many[3]
    plans = frames["plans"].dropna(subset="lottery")
    first = plans[plans["lottery"] == min(plans["lottery"])]
    start = first["eligible_at"].min().to_period("M")
    values = frames["metrics_daily"].query("metric == 'active_dashboards'")
    values = values[values["account_id"].isin(first["account_id"])]
    monthly = values.groupby([values["account_id"].astype(str), values["date"].dt.to_period("M")])["value"].mean()
    table = np.log(monthly.unstack())
    gain = table[[start + 2, start + 3]].mean(axis=1) - table[[start - 2, start - 1]].mean(axis=1)
    is_first = first.set_index("account_id")["start_order"] <= len(first) / 3
    joint = pd.DataFrame({"gain": gain, "is_first": is_first.astype(float)}).dropna()
    fit = sm.OLS(joint["gain"], sm.add_constant(joint[["is_first"]])).fit(cov_type="HC1")
    # a part of the plans is not finished, and landing comes up to seven weeks after the start of the month
    assert fit.params["is_first"] > 3 * fit.bse["is_first"]
    assert abs(fit.params["is_first"] - 0.34 * 0.85) < 3 * fit.bse["is_first"]
    assert world.accounts == 5_000


def test_effects_act_on_the_goal_metric_only(many, changed):
    connection = duckdb.connect()
    plans = finished(changed, "scenario_workshop")
    connection.register("chosen", plans[["plan_id", "account_id", "created_at", "landed_at"]])
    connection.register("metrics_daily", many[3]["metrics_daily"])
    other = connection.sql("""
        select plan_id, ln(avg(value) filter (date > landed_at::date and date <= landed_at::date + 60)
            / avg(value) filter (date < created_at::date and date >= created_at::date - 60)) as change
        from chosen join metrics_daily using (account_id) where metric = 'active_dashboards' group by plan_id
    """).df()
    both = plans.merge(other, on="plan_id", suffixes=("", "_other"))
    fit = sm.OLS(both["change_other"], sm.add_constant(both[["dip"]])).fit(cov_type="HC1")
    assert abs(fit.params["const"]) < 3 * fit.bse["const"] + 0.03


def test_truths_are_frozen(book):
    with pytest.raises(dataclasses.FrozenInstanceError, match="plans"):
        book[4].plans = None
