"""The business around the simulated accounts: whole references, times in order, and planted numbers that are found."""

import duckdb
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from csworkbench.sampledata.accounts import assignments_table, make_world
from csworkbench.sampledata.business import COMMENTS, business_tables, joined
from csworkbench.sampledata.contracts import make_contracts
from csworkbench.sampledata.people import make_people
from csworkbench.sampledata.relations import SAVED_DAYS
from csworkbench.sampledata.service import tickets_table
from csworkbench.sampledata.success import success_tables
from csworkbench.sampledata.usage import make_users
from csworkbench.sampledata.world import BookSize
from csworkbench.tables import SPECS, Kind

END = pd.Timestamp("2026-09-30 23:59:59")
START = pd.Timestamp("2024-10-01")
TABLES = tuple(COMMENTS)


class Drawn:
    """A block with what was drawn before it."""

    def __init__(self, size, number=0):
        self.world = make_world(size, number)
        self.contracts = make_contracts(self.world)
        users, assignments = make_users(self.world, self.contracts.churned_at), assignments_table(*self.given)
        met = tickets_table(*self.given, users).rename(columns={"opened_at": "at"})
        self.people = make_people(*self.given, users, assignments, (met,))
        self.success = success_tables(*self.given, self.people)[0]
        self.frames, self.truths = business_tables(*self.given, self.people, self.success["plans"])

    @property
    def given(self):
        return self.world, self.contracts

    def traits(self, account_ids):
        return self.world.traits.set_index("account_id").loc[account_ids]

    def engagement(self, account_ids, at):
        number = pd.Index(self.world.traits["account_id"]).get_indexer(account_ids)
        return self.world.engagement[number, self.world.month_index(at.to_numpy("datetime64[s]"))]

    def left(self, account_ids):
        return pd.Series(self.contracts.churned_at, self.world.traits["account_id"]).reindex(account_ids).to_numpy()


@pytest.fixture(scope="module")
def book():
    return Drawn(BookSize())


@pytest.fixture(scope="module")
def many():
    """A whole block, for tight standard errors."""
    return Drawn(BookSize(accounts=5_000, seed=11))


# The contract


@pytest.mark.parametrize("name", TABLES)
def test_columns_and_words_are_those_of_the_contract(book, name):
    frame, spec = book.frames[name], SPECS[name]
    assert set(frame.columns) <= set(spec.names)
    assert {column.name for column in spec.columns if column.required} <= set(frame.columns)
    assert not frame.duplicated(list(spec.key)).any()
    for column in spec.columns:
        values = frame[column.name].dropna() if column.name in frame else []
        assert not column.allowed or set(values) <= set(column.allowed)
        assert column.nullable or len(values) == len(frame)
        assert column.low is None or not len(values) or values.min() >= column.low
        assert column.high is None or not len(values) or values.max() <= column.high
    for first, last in spec.ordered:
        assert not {first, last} <= set(frame.columns) or not (frame[first] > frame[last]).any()


@pytest.mark.parametrize("name", TABLES)
def test_nothing_but_what_is_planned_or_late_lies_after_the_end(book, name):
    frame, spec = book.frames[name], SPECS[name]
    for column in spec.columns:
        if column.kind in {Kind.DATE, Kind.INSTANT} and column.name in frame and column.name not in spec.planned:
            late = frame[column.name] > END
            assert not late.any() or (column.name == "known_at" and late.sum() <= 10)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("milestones", "reached_at"),
        ("answers", "asked_at"),
        ("meetings", "held_at"),
        ("relationship_ratings", "rated_at"),
        ("cancel_requests", "requested_at"),
        ("tasks", "done_at"),
        ("opportunities", "created_at"),
        ("projects", "ended_at"),
    ],
)
def test_nothing_happens_with_an_account_that_left_or_is_not_there_yet(book, table, column):
    frame = book.frames[table].dropna(subset=column)
    signup = book.traits(frame["account_id"])["signup"].to_numpy()
    assert (frame[column].to_numpy() > signup).all()
    left_on = book.left(frame["account_id"]).astype("datetime64[D]")
    assert not (frame[column].to_numpy("datetime64[D]") > left_on).any()


def test_every_reference_is_whole(book):
    connection = duckdb.connect()
    for name, frame in book.frames.items():
        connection.register(name, frame)
    connection.register("accounts", book.world.traits[["account_id"]])
    connection.register("renewals", book.contracts.renewals)
    connection.register("assignments", book.people.assignments)
    connection.register("plans", book.success["plans"])
    links = [(name, "account_id", "accounts", "account_id") for name in TABLES if name != "renewal_calls"]
    links += [
        ("renewal_calls", "renewal_id", "renewals", "renewal_id"),
        ("tasks", "plan_id", "plans", "plan_id"),
        ("tasks", "csm_id", "assignments", "csm_id"),
        ("opportunities", "csm_id", "assignments", "csm_id"),
        ("opportunities", "origin_task_id", "tasks", "task_id"),
    ]
    for child, column, parent, key in links:
        query = f"select count(*) from {child} where {column} not in (select {key} from {parent})"
        assert connection.sql(query).fetchone() == (0,), (child, column)


@pytest.mark.parametrize("size", [BookSize(1, 3, 1), BookSize(15, 3, 2), BookSize(40, 4, 7), BookSize(200, 60, 4)])
def test_books_of_any_size_have_their_columns(size):
    for name, frame in Drawn(size).frames.items():
        assert {column.name for column in SPECS[name].columns if column.required} <= set(frame.columns)


def test_blocks_are_drawn_alike_again_and_share_no_id():
    size = BookSize(accounts=5_200, seed=3)
    again, second, first = Drawn(size, 1), Drawn(size, 1), Drawn(BookSize(accounts=200, seed=3))
    for name in TABLES:
        assert again.frames[name].equals(second.frames[name])
        key = list(SPECS[name].key)
        both = pd.concat([first.frames[name][key], second.frames[name][key]])
        assert not both.duplicated().any()
    whole = joined([first.truths, second.truths])
    assert len(whole.milestones) == len(first.truths.milestones) + len(second.truths.milestones)


def test_tables_are_small_and_speak_three_languages(book):
    size = sum(len(frame.to_csv(index=False)) for frame in book.frames.values())
    assert size < 1_500_000
    words = pd.concat([book.frames["answers"]["answer"], book.frames["tasks"]["remedy"]]).dropna()
    assert words.str.contains("[一-鿿]").any()
    assert words.str.contains("[åäö]").any()
    assert words.str.contains("^Training").any()


# Onboarding


def test_a_milestone_follows_the_one_before_and_is_blank_until_reached(many):
    rows = many.frames["milestones"].merge(many.truths.milestones, on=["account_id", "milestone"])
    reached = rows.groupby("account_id")["reached_at"]
    assert not (reached.diff().dt.total_seconds() < 0).any()
    # blank only where the milestone lies after the end of the book or of the account
    blank = rows[rows["reached_at"].isna()]
    paid = many.traits(blank["account_id"])["paid"].to_numpy("datetime64[s]")
    left = many.left(blank["account_id"])
    last = np.where(np.isnat(left), np.datetime64(END, "s"), left)
    assert (blank["days"].to_numpy() > (last - paid).astype(int) / 86_400 - 1.5).all()


def test_kaplan_meier_median_of_censored_milestones_is_that_of_all(many):
    """The product-limit median over reached and censored accounts, by hand, against the uncensored truth."""
    rows = many.frames["milestones"].merge(many.truths.milestones, on=["account_id", "milestone"])
    rows = rows[rows["milestone"] == "team_trained"]
    paid = many.traits(rows["account_id"])["paid"].to_numpy("datetime64[s]")
    left = many.left(rows["account_id"])
    last = np.where(np.isnat(left), np.datetime64(END, "s"), left)
    is_reached = rows["reached_at"].notna().to_numpy()
    until = np.where(is_reached, rows["reached_at"].to_numpy("datetime64[s]"), last)
    days = (until - paid).astype(float) / 86_400
    order = np.argsort(days)
    at_risk = len(days) - np.arange(len(days))
    survival = np.cumprod(1 - is_reached[order] / at_risk)
    median = days[order][np.argmax(survival <= 0.5)]
    assert is_reached.mean() < 0.9
    # standard error of a median: 1 / (2 f sqrt n) with a density of about .008 a day and n of about 1,250
    assert abs(median - rows["days"].median()) < 3 * 1 / (2 * 0.008 * np.sqrt(len(rows)))


def test_each_welcome_call_asks_the_same_five_questions(book):
    calls = book.frames["answers"].groupby(["account_id", "asked_at"])["question"].agg(tuple)
    assert set(calls) == {("business", "goal", "current_tool", "key_features", "timeline")}
    assert 0.02 < book.frames["answers"]["answer"].isna().mean() < 0.2


# Money


def test_invoices_bill_each_term_of_the_book_once(book):
    """The amounts of a term add up to what its rows of `subscriptions` are worth."""
    invoices = book.frames["invoices"].query("amount > 0")
    terms = book.contracts.subscriptions.query("start_date >= @START").groupby(["account_id", "end_date"])
    single = terms.filter(lambda rows: len(rows) == 1 and rows["change_type"].iloc[0] == "new")
    months = ((single["end_date"] - single["start_date"]).dt.days / 30.44).round()
    worth = (single["mrr"] * months).round(2)
    first = invoices.groupby("account_id")["amount"].first().reindex(single["account_id"]).to_numpy()
    billed = ~np.isnan(first)
    assert billed.mean() > 0.9  # the others are credit notes, or issued after the end
    assert np.allclose(first[billed], worth.to_numpy()[billed])


def test_late_payers_pay_every_invoice_late_and_the_others_mostly_in_time(many):
    paid = many.frames["invoices"].query("amount > 0").dropna(subset="paid_at")
    days = (paid["paid_at"] - paid["due_at"]).dt.days
    is_late_payer = paid["account_id"].isin(many.truths.late_payers["account_id"])
    assert 0.09 < is_late_payer.mean() < 0.15
    assert days[is_late_payer].min() >= 0
    # 21 days median of a lognormal; the usual account pays 5 days early
    assert abs(days[is_late_payer].median() - 21) < 2
    assert abs(days[~is_late_payer].mean() + 5) < 1.5


def test_calls_are_made_before_the_decision_and_only_the_model_speaks_of_small_accounts(book):
    calls = book.frames["renewal_calls"].merge(book.contracts.renewals, on="renewal_id")
    assert not (calls["made_at"] >= calls["decided_at"]).any()
    assert (calls["made_at"] < calls["due_date"] - pd.Timedelta(days=78)).all()
    small = book.traits(calls["account_id"])["tier"].to_numpy() == "small"
    assert set(calls["source"][small]) == {"model"}
    assert set(calls["source"][~small]) == {"model", "csm", "final"}
    assert calls["p_renew"].between(0, 1).all()


def test_the_model_is_nearly_calibrated_and_the_csm_hopes_too_much(many):
    calls = many.frames["renewal_calls"].merge(many.contracts.renewals, on="renewal_id").query("outcome != 'open'")
    calls = calls.assign(stayed=(calls["outcome"] != "churned").astype(float))
    gap = (calls["p_renew"] - calls["stayed"]).groupby(calls["source"]).mean()
    assert abs(gap["model"]) < 0.03
    assert gap["csm"] > 0.04
    assert gap["model"] < gap["final"] < gap["csm"]
    rows = calls.query("source == 'model'")
    p = rows["p_renew"].clip(0.005, 0.995)
    slope = sm.Logit(rows["stayed"], sm.add_constant(np.log(p / (1 - p)).rename("logit"))).fit(disp=0).params["logit"]
    assert 0.75 < slope < 1.15  # a little too sure of itself: noise and months between call and decision


# Meetings, ratings, wishes to leave


def test_large_accounts_are_met_about_monthly_and_mid_ones_about_quarterly(many):
    regular = many.frames["meetings"].query("kind == 'regular' and planned_at <= @END")
    per_account = regular.groupby("account_id")["planned_at"].agg(["count", "min", "max"])
    span = ((per_account["max"] - per_account["min"]).dt.days / (per_account["count"] - 1)).where(lambda days: days > 0)
    tier = many.traits(per_account.index)["tier"]
    assert abs(span[tier == "large"].median() - 30) < 2
    assert abs(span[tier == "mid"].median() - 90) < 4
    assert set(tier) == {"large", "mid"}


def test_some_renewals_have_no_key_point_meeting(many):
    keys = many.frames["meetings"].query("kind == 'key_point' and trigger == 'renewal'")
    renewals = many.contracts.renewals
    tier = many.traits(renewals["account_id"])["tier"].to_numpy()
    due = renewals[(tier != "small") & renewals["due_date"].between("2025-03-01", "2026-09-30")]
    before = due.merge(keys[["account_id", "planned_at"]], on="account_id")
    is_near = (before["due_date"] - before["planned_at"]).dt.days.between(30, 85)
    share = before[is_near]["renewal_id"].nunique() / len(due)
    assert abs(share - 0.7) < 3 * np.sqrt(0.7 * 0.3 / len(due)) + 0.02


def test_planned_meetings_are_known_three_weeks_before_and_the_next_ones_are_in_the_book(book):
    meetings = book.frames["meetings"]
    ahead = meetings[meetings["planned_at"] > END]
    assert len(ahead) >= 20
    assert (ahead["known_at"] <= END).all()
    assert ahead["held_at"].isna().all()
    assert meetings.query("kind == 'emergency'")["planned_at"].isna().all()


def test_ratings_follow_engagement_and_csms_are_kinder_than_others(many):
    ratings = many.frames["relationship_ratings"]
    design = pd.DataFrame(
        {
            "const": 1.0,
            "engagement": many.engagement(ratings["account_id"], ratings["rated_at"]),
            "is_csm": ratings["rater"].str.startswith("CSM").astype(float),
        }
    )
    groups = pd.factorize(ratings["account_id"])[0]
    fit = sm.OLS(ratings["level"].astype(float), design).fit(cov_type="cluster", cov_kwds={"groups": groups})
    # levels are cut to 1 to 5, which flattens the slope of .6 a little; the biases differ by .4
    assert 0.5 < fit.params["engagement"] < 0.62
    assert abs(fit.params["is_csm"] - 0.4) < 0.06


def test_a_wish_to_leave_is_saved_if_the_account_is_still_there_after_its_time(book):
    rows = book.frames["cancel_requests"]
    left = pd.Series(book.left(rows["account_id"]), rows.index)
    until = rows["requested_at"] + pd.Timedelta(days=SAVED_DAYS)
    is_lost = (left <= until) & (left <= END)
    assert (rows["is_saved"].isna() == (~is_lost & (until > END))).all()
    told = rows["is_saved"].dropna().astype(bool)
    assert (told == ~is_lost[told.index]).all()
    assert 20 <= told.sum() < len(told)


# Tasks and deals


def test_each_renewal_of_a_bigger_account_gives_one_task_when_it_enters_the_window(book):
    tasks = book.frames["tasks"].query("trigger == 'renewal_window'")
    renewals = book.contracts.renewals
    tier = book.traits(renewals["account_id"])["tier"].to_numpy()
    begin = renewals["due_date"] - pd.Timedelta(days=90)
    inside = renewals[(tier != "small") & (begin >= START) & (begin <= END - pd.Timedelta(days=1))]
    left = pd.Series(book.left(inside["account_id"]), inside.index)
    signed = pd.Series(book.traits(inside["account_id"])["signup"].to_numpy(), inside.index)
    inside = inside[~(left <= begin[inside.index]) & (signed + pd.Timedelta(days=1) <= begin[inside.index])]
    assert sorted(zip(tasks["account_id"], tasks["known_at"].dt.normalize(), strict=True)) == sorted(
        zip(inside["account_id"], begin[inside.index], strict=True)
    )


def test_a_champion_who_left_gives_one_task(book):
    contacts = book.people.contacts
    gone = contacts[contacts["left_at"].notna() & (contacts["role"] == "champion")]
    tasks = book.frames["tasks"].query("trigger == 'contact_replaced'")
    assert len(tasks) >= 20
    assert tasks["account_id"].value_counts().max() == 1
    assert set(tasks["account_id"]) <= set(gone["account_id"])


def test_tasks_are_done_after_they_came_up_mostly_about_in_time(many):
    tasks = many.frames["tasks"]
    done = tasks.dropna(subset="done_at")
    assert (done["done_at"] >= done["known_at"]).all()
    assert (done["status"] == "done").all()
    assert tasks[tasks["done_at"].isna()]["status"].isin(["todo", "doing", "cancelled"]).all()
    drawn = done.query("trigger != 'new_need' and due_at < '2026-08-01'")
    days = (drawn["done_at"] - drawn["due_at"]).dt.total_seconds() / 86_400
    assert abs(days[drawn["line"] == "base"].mean() + 2) < 0.5
    assert abs(days[drawn["line"] == "value_add"].mean() - 1) < 0.5
    assert tasks.dropna(subset="cause")["done_at"].notna().all()


def test_a_chance_that_came_from_a_task_follows_it(book):
    chances = book.frames["opportunities"].dropna(subset="origin_task_id")
    both = chances.merge(book.frames["tasks"], left_on="origin_task_id", right_on="task_id", suffixes=("", "_task"))
    assert len(both) == len(chances) >= 60
    assert (both["source"] == "service").all()
    assert (both["account_id"] == both["account_id_task"]).all()
    assert (both["line"] == "value_add").all()
    assert not (both["done_at"].dt.normalize() > both["created_at"]).any()


def test_service_wins_more_often_also_with_the_mix_taken_out_but_less_so(many):
    rows = many.frames["opportunities"].dropna(subset="is_won")
    rows = rows[(rows["created_at"] < "2026-03-01")].merge(many.truths.opportunities, on="opportunity_id")
    rows = rows[rows["p_won"] > 0]  # without those of accounts that left
    design = pd.DataFrame(
        {
            "const": 1.0,
            "service": (rows["source"] == "service").astype(float),
            "sales": (rows["source"] == "sales").astype(float),
            "large": (many.traits(rows["account_id"])["tier"].to_numpy() == "large").astype(float),
            "engagement": many.engagement(rows["account_id"], rows["created_at"]),
        }
    )
    won = rows["is_won"].astype(float)
    fit = sm.Logit(won, design).fit(disp=0)
    planted = {"const": -1.3, "service": 0.7, "sales": 0.2, "large": 0.5, "engagement": 0.5}
    for name, value in planted.items():
        assert abs(fit.params[name] - value) < 3 * fit.bse[name]
    assert fit.bse["service"] < 0.15
    naive = sm.Logit(won, design[["const", "service", "sales"]]).fit(disp=0)
    assert naive.params["service"] > fit.params["service"] + 0.05


def test_service_costs_a_third_of_what_sales_costs(many):
    rows = many.frames["opportunities"]
    share = np.log(rows["cost"] / rows["amount"]).groupby(rows["source"]).mean()
    # cost shares .04 and .12
    assert abs(np.exp(share["service"] - share["sales"]) - 1 / 3) < 0.03


def test_leads_are_settled_with_time_and_credit_goes_to_the_won_ones(book):
    leads = book.frames["leads"]
    age = (END - leads["created_at"]).dt.days
    assert set(leads["status"][age > 40]) <= {"won", "lost", "recalled"}
    assert (leads["credit_to"].notna() == (leads["status"] == "won")).all()
    assert leads["account_id"].notna().sum() >= 30
    assert leads["created_at"].is_monotonic_increasing
