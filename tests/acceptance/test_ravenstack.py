"""Five files that contradict each other, read by configuration alone, and what the page says about them."""

import pandas as pd
import pytest

from tests.acceptance.projects import DATA, csw, example_project, result

FILES = sorted((DATA / "ravenstack").glob("*.csv"))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not FILES, reason="ravenstack is not beside this checkout (shared/data)"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    project = example_project(tmp_path_factory.mktemp("ravenstack") / "project", "ravenstack", FILES)
    done = csw("run", "--workspace", project / "workspace.yaml", timeout=800)
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "outputs" / "latest"


@pytest.fixture(scope="module")
def figures(run):
    return result(run, "data_check")["figures"]


@pytest.fixture(scope="module")
def raw():
    return {path.stem.removeprefix("ravenstack_"): pd.read_csv(path, dtype=str) for path in FILES}


def test_use_before_its_own_subscription_is_reported(figures, raw):
    usage = raw["feature_usage"].merge(raw["subscriptions"], on="subscription_id", validate="many_to_one")
    early = (pd.to_datetime(usage["usage_date"]) < pd.to_datetime(usage["start_date"])).mean()
    figure = figures["usage_daily.date.before_start"]
    assert (figure["n"], figure["unit"]) == (25_000, "share")
    assert figure["value"] == pytest.approx(early, abs=1e-12)
    assert round(100 * figure["value"], 1) == 76.6


def test_no_use_before_sign_up_is_counted_that_is_not_before_its_subscription(raw):
    # why the figure is that of the subscriptions, although the rule also looks at the sign-up
    usage = (
        raw["feature_usage"].merge(raw["subscriptions"], on="subscription_id").merge(raw["accounts"], on="account_id")
    )
    before_sign_up = usage["usage_date"] < usage["signup_date"]
    assert before_sign_up.sum() == 13_198
    assert (usage.loc[before_sign_up, "usage_date"] < usage.loc[before_sign_up, "start_date"]).all()


def test_tickets_before_sign_up_are_reported(figures, raw):
    tickets = raw["support_tickets"].merge(raw["accounts"], on="account_id", validate="many_to_one")
    early = (pd.to_datetime(tickets["submitted_at"]) < pd.to_datetime(tickets["signup_date"])).sum()
    figure = figures["tickets.opened_at.before_start"]
    assert figure["value"] == pytest.approx(early / 2000, abs=1e-12)
    assert early == 1077  # 53.85 %


def test_repeated_usage_ids_are_counted(figures, raw):
    repeated = raw["feature_usage"]["usage_id"].duplicated().sum()
    assert figures["usage_daily.usage_id.repeated"]["value"] == repeated == 21


def test_every_row_is_kept_and_known(run):
    tables = pd.read_parquet(run / "data_check" / "tables" / "tables.parquet").set_index("table")
    assert tables["rows"].to_dict() == {"accounts": 500, "subscriptions": 5000, "usage_daily": 25_000, "tickets": 2000}
    assert (tables["known_rows"] == tables["rows"]).all()
    assert (tables["refused_rows"] == 0).all()


def test_the_page_says_which_outcomes_have_no_history(run):
    texts = {caveat["code"]: caveat["text"] for caveat in result(run, "data_check")["caveats"]}
    assert texts["outcome_of_today"].startswith("accounts.churn_flag, subscriptions.churn_flag")


def test_a_score_of_data_without_signal_is_not_said_to_add_anything(run, raw):
    # Snapshot of 30 June 2024: accounts that had signed up and not left, lost = first churn event in the 90 days after.
    first = pd.to_datetime(raw["churn_events"].groupby("account_id")["churn_date"].min())
    there = raw["accounts"][pd.to_datetime(raw["accounts"]["signup_date"]) <= "2024-06-30"]["account_id"]
    left = first.reindex(there)
    stayed = left[~(left <= "2024-06-30")]
    proof = result(run, "health_proof")
    assert proof["figures"]["events"] == pytest.approx(
        {
            "value": (stayed <= "2024-09-28").sum(),
            "low": None,
            "high": None,
            "level": None,
            "n": len(stayed),
            "unit": "events",
        }
    )
    score = proof["figures"]["auc_score"]
    assert 0.45 <= score["value"] <= 0.65
    assert score["low"] < score["value"] < score["high"]
    stamps = pd.read_parquet(run / "health_proof" / "tables" / "stamps.parquet")
    assert "adds" not in set(stamps["stamp"])
    assert "adds to" not in proof["headline"]


def test_the_panorama_says_which_blocks_lack_which_tables(run, raw):
    found = result(run, "portfolio")
    texts = {caveat["code"]: caveat["text"] for caveat in found["caveats"]}
    assert "tasks" in texts["customers_lacks_tables"]
    assert "assignments, csms, touches, meetings" in texts["people_lacks_tables"]
    assert "renewals" in texts["performance_lacks_results"]
    first = pd.to_datetime(raw["churn_events"].groupby("account_id")["churn_date"].min())
    assert found["figures"]["customers"]["value"] == 500 - len(first)  # who has no churn event


def test_triggers_say_which_of_them_lack_what_and_none_warns(run):
    page = result(run, "triggers")
    table = pd.read_parquet(run / "triggers" / "tables" / "triggers.parquet").set_index("trigger")["left_out"]
    assert table[table != ""].to_dict() == {
        "same_question": "`tickets` lacks topic",
        "ticket_cluster": "`tickets` lacks topic, configuration",
        "shared_login": "`usage_daily` lacks user_id",
        "renewal_window": "needs `renewals`",
        "contact_replaced": "needs `contacts`",
        "upgrade": "`subscriptions` lacks change_type",
        "cancel_request": "needs `cancel_requests`",
    }
    assert {"triggers_left_out", "acting_unknown"} <= {each["code"] for each in page["caveats"]}
    worth = pd.read_parquet(run / "triggers" / "tables" / "worth.parquet")
    assert set(worth["verdict"]) <= {"useless", "not_shown", "too_few", "occasion"}
