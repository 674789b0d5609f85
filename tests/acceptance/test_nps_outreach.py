"""The NPS page on a real survey by configuration alone, and a week and its release on the sample book."""

import shutil
from math import ceil

import pandas as pd
import pytest

from csworkbench.assignment import is_held
from tests.acceptance.projects import DATA, ROOT, csw, example_project, result
from tests.house.places import SAMPLE_CACHE

SURVEY = DATA / "nps_r_survey_2018.tsv"
SAMPLES = ROOT / "data" / "samples"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def table(run, name, notebook="nps_outreach"):
    return pd.read_parquet(run / notebook / "tables" / f"{name}.parquet")


# --- the R community survey -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    if not SURVEY.is_file():
        pytest.skip("nps_r_survey_2018.tsv is not beside this checkout (shared/data)")
    project = example_project(tmp_path_factory.mktemp("survey") / "project", "nps_r_survey", [SURVEY])
    done = csw("run", "--workspace", project / "workspace.yaml", timeout=800)
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "outputs" / "latest"


def test_the_nps_is_the_published_one(survey):
    # 1841 + 467 promoters and 131 detractors of 3,018: 100 (2308 - 131) / 3018 = 72.1, +- 1.9
    figure = result(survey, "nps_outreach")["figures"]["nps"]
    assert figure["n"] == 3018
    assert figure["value"] == pytest.approx(100 * (2308 - 131) / 3018)
    assert (figure["high"] - figure["low"]) / 2 == pytest.approx(1.9, abs=0.05)


def test_the_tie_of_tens_is_reported_and_sizes_follow_the_rule(survey):
    tiers = table(survey, "tiers").set_index("rule")
    assert tiers["size"].to_dict() == {
        "advocate_call": ceil(2308 / 20), "referral": ceil(2308 / 5), "churn_offer": ceil(131 / 5),
        "save_call": ceil(131 / 20),
    }  # fmt: skip
    assert tiers.loc["referral", ["cut_score", "tied", "taken"]].tolist() == [10, 1841, 462]
    assert tiers.loc["referral", "tied_share"] == pytest.approx(1841 / 3018)  # .61
    told = [each["text"] for each in result(survey, "nps_outreach")["caveats"] if each["code"] == "tied_referral"]
    assert "61.0%" in told[0]


def test_the_scale_without_a_zero_is_accepted_and_the_62_blanks_are_no_answers(survey):
    shares = table(survey, "distribution").set_index("score")["answers"]
    assert shares.to_dict() == {
        "10": 1841, "9": 467, "8": 419, "7": 160, "6": 52, "5": 44, "4": 12, "3": 12, "2": 5, "1": 6, "0": 0,
    }  # fmt: skip
    assert result(survey, "nps_outreach")["figures"]["response_rate"]["value"] == pytest.approx(3018 / 3080)


def test_nobody_who_never_agreed_is_listed_and_no_words_of_theirs_are_shown(survey):
    assert table(survey, "list").empty
    words = pd.read_csv(SURVEY, sep="\t", usecols=["Qlike_best"])["Qlike_best"].dropna()
    written = [path.read_text(encoding="utf-8") for path in (survey / "nps_outreach").rglob("*.[hc]*")]
    written.append((survey / "nps_outreach" / "notebook.ipynb").read_text(encoding="utf-8"))
    long = [each for each in words.astype(str) if len(each) > 25]
    assert len(long) > 500
    assert [each for each in long if any(each in text for text in written)] == []


# --- the sample book, week by week ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weeks(tmp_path_factory):
    """A week on Monday and Wednesday, its weekly list made official, and the next week before and after."""
    project = tmp_path_factory.mktemp("weeks") / "project"
    shutil.copytree(ROOT / "configs", project / "configs")
    (project / "data").mkdir()
    (project / "data" / "samples").symlink_to(SAMPLES)
    if SAMPLE_CACHE.is_dir():
        shutil.copytree(SAMPLE_CACHE, project / "outputs" / "cache")
    space = ("--workspace", project / "configs" / "workspace.yaml")
    runs = {}
    for name, more in (
        ("monday", ("--as-of", "2026-09-28")),
        ("first", ()),
        ("unreleased", ("--as-of", "2026-10-07")),
        ("after", ("--as-of", "2026-10-07")),
    ):
        if name == "after":
            released = runs["first"].name
            done = csw("release", released, "weekly_list", *space)
            assert done.returncode == 0, done.stdout + done.stderr
        done = csw("run", "nps_outreach", "weekly_list", *space, *more, timeout=800)
        assert done.returncode == 0, done.stdout + done.stderr
        runs[name] = (project / "outputs" / "latest").resolve()
    return runs


def test_tier_sizes_are_those_of_the_answers_known_on_sunday(weeks):
    rows = pd.read_csv(SAMPLES / "nps_responses.csv").dropna(subset=["score"])
    days = {name: pd.to_datetime(rows[name], utc=True, format="ISO8601") for name in ("responded_at", "known_at")}
    # Sunday 27 September ends at 22:00 UTC; answers of 29 June and later are at most 90 days old.
    known = (days["responded_at"] < "2026-09-27T22:00Z") & ~(days["known_at"] >= "2026-09-27T22:00Z")
    recent = rows[known & (days["responded_at"] >= "2026-06-28T22:00Z")]
    newest = recent.sort_values("responded_at").drop_duplicates(["account_id", "contact_id"], keep="last")
    best, worst = (newest["score"] >= 9).sum(), (newest["score"] <= 6).sum()
    assert table(weeks["first"], "tiers").set_index("rule")["size"].to_dict() == {
        "advocate_call": ceil(best / 20), "referral": ceil(best / 5), "churn_offer": ceil(worst / 5),
        "save_call": ceil(worst / 20),
    }  # fmt: skip


def test_listed_and_left_out_are_all_contacts(weeks):
    listed, left = table(weeks["first"], "list"), table(weeks["first"], "left_out")
    contacts = pd.read_csv(SAMPLES / "contacts.csv", parse_dates=["added_at"])
    known = contacts.loc[contacts["added_at"] < "2026-09-27T22:00Z", "contact_id"]
    assert sorted([*listed["contact_id"], *left["contact_id"]]) == sorted(known)
    assert len(listed) > 100


def test_nobody_is_listed_who_refused_is_suppressed_or_never_agreed(weeks):
    listed = table(weeks["first"], "list")
    said = pd.read_csv(SAMPLES / "consents.csv")
    joined = listed.merge(said, on=["contact_id", "channel", "purpose"])
    assert (joined["status"] != "denied").all()
    newest = joined.sort_values("valid_from").drop_duplicates(["contact_id", "channel", "purpose"], keep="last")
    assert (newest["status"] == "granted").all()  # who was not asked has no row; unknown counts as no
    agreed = joined[joined["status"] == "granted"]["contact_id"]
    assert set(listed.loc[listed["purpose"] == "marketing", "contact_id"]) <= set(agreed)
    suppressed = pd.read_csv(SAMPLES / "suppressions.csv")
    running = suppressed[suppressed["until"].isna()]
    assert set(listed["contact_id"]).isdisjoint(running["contact_id"].dropna())
    mails = pd.read_csv(SAMPLES / "contact_pii.csv").set_index("contact_id")["email"]
    assert set(mails.reindex(listed["contact_id"]).dropna()).isdisjoint(running["address"].dropna())


def test_no_contact_passes_its_cap_marketing_counted(weeks):
    touches = pd.read_parquet(SAMPLES / "touches.parquet")
    # Fourteen days that end with Sunday 27 September in Stockholm, two hours ahead of UTC.
    sent = pd.to_datetime(touches["sent_at"], utc=True)
    recent = touches[
        (sent >= "2026-09-13T22:00Z") & (sent < "2026-09-27T22:00Z") & (touches["initiator"] != "customer")
    ]
    listed = table(weeks["first"], "list")
    mails = recent[recent["channel"] == "email"]["contact_id"].value_counts()
    by_mail = listed[listed["channel"] == "email"]["contact_id"]
    assert mails.reindex(by_mail).fillna(0).max() == 1  # one is allowed before the second one, and somebody had it
    per_account = recent["account_id"].value_counts() + listed["account_id"].value_counts()
    assert per_account.reindex(listed["account_id"]).max() <= 16


def test_the_same_week_gives_the_same_bytes(weeks):
    for name in ("tiers", "lists", "proposals", "list", "why", "left_out", "held_out", "holdout"):
        for suffix in (".csv", ".parquet"):
            one, other = (weeks[day] / "nps_outreach" / "tables" / f"{name}{suffix}" for day in ("monday", "first"))
            assert one.read_bytes() == other.read_bytes(), name


@pytest.mark.parametrize("page", ["nps_outreach", "weekly_list"])
def test_the_list_and_who_is_struck_off_are_the_same_on_every_day_of_the_week(weeks, page):
    monday = set(table(weeks["monday"], "list", page)["contact_id"])
    rows, off = (table(weeks["first"], name, page) for name in ("list", "struck"))
    assert set(rows["contact_id"]) | set(off["contact_id"]) == monday
    assert set(rows["contact_id"]).isdisjoint(off["contact_id"])
    assert off["reason"].str.endswith(", since the week began").all()


def test_a_released_weekly_list_is_respected_the_week_after_and_an_unreleased_one_is_not(weeks):
    first, unreleased, after = (table(weeks[name], "list", "weekly_list") for name in ("first", "unreleased", "after"))
    assert set(first["contact_id"]) & set(unreleased["contact_id"])
    assert set(first["contact_id"]).isdisjoint(after["contact_id"])
    states = table(weeks["after"], "states", "weekly_list")
    official = states[states["is_official"]]
    assert set(official["proposal_id"]) == set(first["proposal_id"])
    assert not table(weeks["unreleased"], "states", "weekly_list")["is_official"].any()


def test_only_what_was_released_counts_as_contact_the_week_after(weeks):
    first, unreleased, after = (
        set(table(weeks[name], "list")["contact_id"]) for name in ("first", "unreleased", "after")
    )
    assert first & unreleased
    assert first.isdisjoint(after)
    reasons = table(weeks["after"], "left_out").set_index("contact_id")["reason"]
    assert "on an official list since the answer" in set(reasons.reindex(sorted(first & unreleased)))


def test_the_holdout_is_within_its_band_and_the_same_in_both_weeks(weeks):
    rows = table(weeks["first"], "holdout")
    assert ((rows["low"] <= rows["held"]) & (rows["held"] <= rows["high"])).all()
    for name in ("first", "unreleased"):
        for _, row in table(weeks[name], "held_out").iterrows():
            assert is_held(row["account_id"], f"{row['program']}/1", 0.2)
