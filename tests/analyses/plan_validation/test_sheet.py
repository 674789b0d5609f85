"""The sheet for the customer holds what the customer may read, and nothing else."""

from html.parser import HTMLParser

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.sheet import sheets
from csworkbench.formats import text as in_words
from tests.analyses.plan_validation.libraries import library

DAYS = ("started_on", "closed_on", "due_on", "shared_on")


def plans(*rows):
    usual = {
        "account_id": "A",
        "playbook": "tour",
        "problem": "Features are never opened",
        "started_on": "2026-05-01",
        "due_on": "2026-08-01",
        "customer_commitments": "One owner per team",
    }
    made = [{**dict.fromkeys(DAYS), **usual, **row} for row in rows]
    index = pd.Index([row.pop("plan_id", f"P{number + 1}") for number, row in enumerate(made)], name="plan_id")
    frame = pd.DataFrame(made, index=index)
    return frame.assign(**{day: pd.to_datetime(frame[day]).astype("datetime64[s]") for day in DAYS})


def steps(*rows):
    columns = ["plan_id", "step_no", "name", "planned_on", "done_on", "status", "blocker", "minutes"]
    frame = pd.DataFrame(list(rows), columns=columns)
    return frame.assign(**{day: pd.to_datetime(frame[day]).astype("datetime64[s]") for day in columns[3:5]})


def goals(*rows):
    return pd.DataFrame(list(rows), columns=["plan_id", "metric", "baseline", "target"])


def accounts(**names):
    names = names or {"A": "Alfa AB", "B": "Betula"}
    return pd.DataFrame({"name": names}, index=pd.Index(list(names), name="account_id"))


USUAL = (
    ("P1", 1, "Send the tour", "2026-05-05", "2026-05-06", "done", "none", 30.0),
    ("P1", 2, "Webinar", "2026-06-05", None, "blocked", "customer", 97.0),
)


def made(plan=None, found=USUAL, aims=(("P1", "queries_run", 40.0, 50.0),), names=None):
    return sheets(plans(plan or {}), steps(*found), goals(*aims), accounts() if names is None else names, library())


def page(*args, **options):
    (html,) = made(*args, **options).files.values()
    return html


def test_the_sheet_says_what_shall_change_by_which_steps_until_when():
    html = page()
    for said in (
        "<h1>Tour</h1>",
        "Plan for Alfa AB",
        "Features are never opened",
        "Queries run: from 40 to 50",
        "Send the tour",
        "done 6 May 2026",
        "One owner per team",
        "We review the plan on 1 Aug 2026.",
    ):
        assert said in html


def test_the_sheet_holds_no_blocker_no_minutes_and_no_status_of_ours():
    html = page()
    assert not any(word in html for word in ("blocked", "blocker", "97", "minutes", "CSM"))


def test_a_goal_of_the_health_score_stays_with_us():
    html = page(aims=(("P1", "health_score", 40.0, 60.0), ("P1", "queries_run", 40.0, 50.0)))
    assert "ealth" not in html
    assert "Queries run" in html


def test_a_goal_without_a_target_is_left_out():
    assert "What we aim for" not in page(aims=(("P1", "queries_run", 40.0, None),))


def test_notes_have_no_way_into_the_sheet():
    assert "they are angry" not in page({"note": "they are angry", "priority": "high"})


def test_texts_of_the_data_cannot_become_markup():
    html = page({"customer_commitments": '<script>alert(1)</script> a "b" & <b>'})
    assert "<script>" not in html
    assert "&lt;script&gt;" in html
    assert "a &quot;b&quot; &amp; &lt;b&gt;" in html


class Balanced(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.scopes = [], 0

    def handle_starttag(self, tag, attrs):
        if tag != "meta":
            self.open.append(tag)
        self.scopes += tag == "th" and dict(attrs).get("scope") in ("row", "col")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_well_formed_with_a_language_and_scoped_headings():
    parser = Balanced()
    html = page()
    parser.feed(html)
    assert (parser.open, parser.scopes) == ([], 3 + 2)
    assert '<html lang="en">' in html


def with_step(name):
    return (("P1", 1, name, None, None, "todo", "none", None),)


def test_the_problem_is_told_in_the_words_of_the_playbook_and_never_of_the_plan():
    html = page({"problem": "Sponsor is weak, likely to leave"})
    assert "Features are never opened" in html
    assert "Sponsor" not in html


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("Fang.Guo@example.com signs", "an e-mail address stands in it"),
        ("Call +46 70 123 45 67", "a phone number stands in it"),
        ("Ring 0701-23 45 67", "a phone number stands in it"),
        ("电话13812345678", "a phone number stands in it"),
        ("health_score 31", "a word of ours stands in it"),
        ("Likely to churn", "a word of ours stands in it"),
        ("They are at risk", "a word of ours stands in it"),
        ("Ask anna berg for access", "the name of a person stands in it"),
        ("请王敏确认", "the name of a person stands in it"),
        ("Send what 思远 got", "the name of another customer stands in it"),
    ],
)
def test_a_sheet_with_an_address_a_person_or_a_word_of_ours_is_withheld_from_promises_and_steps(said, why):
    names, people = accounts(A="Alfa AB", B="思远"), ("Anna Berg", "王敏", "Bo")
    for plan, found in (({"customer_commitments": said}, USUAL), ({}, with_step(said))):
        told = sheets(plans(plan), steps(*found), goals(), names, library(), people=people)
        assert told.table["withheld"].tolist() == [why]
        assert dict(told.files) == {}


@pytest.mark.parametrize("said", ["Bo along by 2026-05-01, 2026-06-30", "10 000 000 orders", "Channabergen", "24/7"])
def test_days_amounts_and_parts_of_words_withhold_nothing(said):
    told = sheets(
        plans({"customer_commitments": said}), steps(*USUAL), goals(), accounts(), library(), people=("Bo", "Anna")
    )
    assert told.table["withheld"].tolist() == [""]


@pytest.mark.parametrize("place", ["step", "customer_commitments"])
def test_a_sheet_with_the_name_of_another_customer_is_withheld(place):
    said = "As we did for betula last year"
    found = made(found=with_step(said)) if place == "step" else made({place: said})
    assert dict(found.files) == {}
    assert found.table["withheld"].tolist() == ["the name of another customer stands in it"]
    assert in_words(found.caveats[0].message) == (
        "1 plan sheet was withheld: the name of another customer stands in it"
    )


def test_a_name_within_the_own_name_withholds_nothing():
    assert made(names=accounts(A="Betula Nord", B="Betula")).files


def test_closed_plans_and_those_not_begun_have_no_sheet():
    found = sheets(
        plans({"closed_on": "2026-06-01"}, {"started_on": None}, {}), steps(), goals(), accounts(), library()
    )
    assert found.table["plan_id"].tolist() == ["P3"]


def test_a_plan_of_an_unknown_playbook_is_called_a_plan():
    html = page({"playbook": "unknown"})
    assert "<h1>Plan</h1>" in html
    assert "Features" not in html


def test_a_plan_without_steps_goals_or_commitments_has_a_sheet():
    html = page({"customer_commitments": None, "due_on": None, "problem": None}, found=(), aims=())
    assert "<h1>Tour</h1>" in html
    assert html.count("<h2>") == 1  # what we want to change, from the playbook


def test_skipped_steps_are_not_shown_and_not_counted():
    found = made(found=(*USUAL, ("P1", 3, "Quiz", None, None, "skipped", "none", None)))
    assert found.table[["steps_done", "steps"]].to_numpy().tolist() == [[1, 2]]
    assert "Quiz" not in "".join(found.files.values())


def test_an_id_that_is_no_name_of_a_file_writes_none():
    found = made({"plan_id": "../../etc/passwd"}, found=(), aims=())
    assert dict(found.files) == {}
    assert found.table["withheld"].tolist() == ["its id is no name of a file"]


def test_the_table_names_each_file():
    assert made().table[["plan_id", "name", "file"]].to_numpy().tolist() == [["P1", "Alfa AB", "sheets/P1.html"]]


def test_dates_follow_the_language():
    found = sheets(plans({}), steps(*USUAL), goals(), accounts(), library(), language="sv")
    assert "1 aug. 2026" in found.files["sheets/P1.html"]


def test_words_follow_the_language():
    found = sheets(plans({}), steps(*USUAL), goals(), accounts(), library(), language="sv")
    page = found.files["sheets/P1.html"]
    assert "<caption>Steg</caption>" in page
    assert "Plan för Alfa AB" in page
