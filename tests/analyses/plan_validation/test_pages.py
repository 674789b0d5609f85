"""A page for every playbook: what is known, where it works, and what is wrong with its file."""

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.pages import Known, pages, parts, where
from csworkbench.analyses.plan_validation.patching import write_back
from csworkbench.estimates import Estimate, Result
from csworkbench.formats import text as in_words
from csworkbench.playbooks import Standing
from tests.analyses.plan_validation.libraries import TOUR, WALK, library, standings, verdicts

AS_OF = pd.Timestamp("2026-09-30").date()
EFFECT = Estimate(0.2, "share", 12, 0.1, 0.3, 0.95)


def rows(*words, **options):
    return verdicts(*words, **options).assign(verdict_on_facts="reached")


def accounts(**tiers):
    return pd.DataFrame({"tier": tiers}, index=pd.Index(list(tiers), name="account_id"), dtype="str")


def page(made, name="tour", books=None, known=None, book=None):
    books = books or library()
    offered = write_back(books, made, {}, AS_OF, standings=standings(made))
    found = {} if known is None else {name: known}
    return pages(books, made, accounts(A1="large") if book is None else book, offered, found)[name]


def known(says, **options):
    """What twelve accounts say of a playbook as a whole."""
    return Known(EFFECT, None if says is None else Standing(says, 12), **options)


def said(made, **options):
    return in_words(page(made, **options).headline)


def codes(found):
    return [caveat.code for caveat in found.caveats]


def test_a_page_has_the_shape_of_a_result():
    assert isinstance(page(rows("supported")), Result)


def test_every_playbook_of_the_library_and_every_one_that_plans_name_has_a_page():
    books = library(tour=TOUR, broken="id: broken\n")
    made = pd.concat([rows("supported"), rows("harmful", playbook="unknown")])
    assert list(pages(books, made, accounts(), write_back(books, made, {}, AS_OF), {})) == ["broken", "tour", "unknown"]


@pytest.mark.parametrize(
    ("found", "headline"),
    [
        (known("works", is_drawn=True), "Tour is verified by a drawn start order: "),
        (known("works"), "Tour is supported by comparable accounts: "),
        (known("less"), "Tour does less than the smallest effect of note: "),
        (known("harm"), "Tour shows harm: "),
    ],
)
def test_the_headline_says_what_the_playbook_as_a_whole_shows_with_the_effect(found, headline):
    assert said(rows("supported", "harmful"), known=found) == headline + "20.0% (10.0% to 30.0%, n 12)"


@pytest.mark.parametrize(
    ("is_drawn", "how"), [(False, "supported by comparable accounts"), (True, "verified by a drawn start order")]
)
def test_a_narrower_scope_is_named_with_the_effect_inside_it(is_drawn, how):
    inside = Estimate(0.4, "share", 7, 0.3, 0.5, 0.95)
    found = page(rows("supported", "out_of_scope"), known=known(None, is_drawn=is_drawn, inside=inside))
    assert in_words(found.headline) == f"Tour is {how} where tier is large: 40.0% (30.0% to 50.0%, n 7)"
    assert [found.figures[name].value for name in ("effect", "effect.inside")] == [0.2, 0.4]


def test_a_step_that_cannot_be_carried_out_comes_before_what_works():
    assert said(rows("not_executable", "not_executable", "supported"), known=known("works")) == (
        "Tour cannot be carried out as it is written: 2 plans stopped at the step Send the tour"
    )


def test_harm_comes_before_a_step_that_cannot_be_carried_out():
    assert said(rows("not_executable", "not_executable"), known=known("harm")).startswith("Tour shows harm: ")


@pytest.mark.parametrize("word", ["not_executable", "harmful", "supported", "verified"])
def test_the_verdict_of_one_plan_is_no_headline(word):
    assert said(rows(word, "in_progress"), known=known(None)).startswith("Whether Tour does anything is open: ")


def test_what_shows_nothing_is_open():
    assert (
        said(rows("in_progress", "inconclusive")) == "Whether Tour does anything is open: 1 of 2 plans could be judged"
    )
    assert "effect" not in page(rows("supported")).figures


def test_a_playbook_without_plans_has_a_page():
    found = page(rows(), name="walk")
    assert in_words(found.headline) == "Whether Walk does anything is open: 0 of 0 plans could be judged"
    assert [len(table) for table in found.tables.values()] == [0] * 5


def test_a_playbook_that_is_not_in_the_library_is_told():
    found = page(rows("supported", playbook="run"), name="run")
    assert codes(found) == ["playbook_unknown", "few_accounts"]
    assert "Write configs/playbooks/run.yaml" in in_words(found.caveats[0].action)


def test_a_file_of_a_newer_format_is_told_and_its_plans_have_their_page():
    books = library(tour=TOUR.replace("schema: 1", "schema: 2"))
    found = page(rows("supported"), books=books)
    assert codes(found)[0] == "playbook_unreadable"
    assert "newer version (2)" in in_words(found.caveats[0].message)
    assert found.figures["plans"].value == 1


def test_a_playbook_without_a_trait_asks_for_one():
    line = "trait: {name: tier, expected: [large]}  # declared before the first plan\n"
    assert "no_trait" in codes(page(rows("supported"), books=library(tour=TOUR.replace(line, ""))))


def test_effects_are_split_by_the_declared_trait_with_intervals_over_accounts():
    words = ["supported"] * 5 + ["out_of_scope"] * 5
    made = rows(*words).assign(effect=[0.1, 0.2, 0.3, 0.4, 0.5, -0.1, 0.0, 0.1, -0.05, 0.05])
    book = accounts(**{f"A{n}": "large" if n <= 5 else "mid" for n in range(1, 11)})
    found = where(library().playbooks["tour"], made, book).set_index("value")
    assert found["is_expected"].to_dict() == {"large": True, "mid": False}
    # Mean .3, standard deviation sqrt(.1 / 4) = .1581, standard error .0707, t(4) = 2.7764.
    assert found.loc["large", ["effect", "low", "high"]].tolist() == pytest.approx([0.3, 0.1037, 0.4963], abs=1e-4)
    assert found["reads"].to_dict() == {"large": "above nothing", "mid": "no difference from nothing shown"}


def test_several_plans_of_one_account_count_as_one_account():
    made = rows(*["supported"] * 5).assign(account_id="A1")
    (found,) = where(library().playbooks["tour"], made, accounts(A1="large")).to_dict("records")
    assert (found["plans"], found["accounts"], found["reads"]) == (5, 1, "too few to tell")


def test_an_attribute_that_was_not_declared_expects_nothing():
    line = "trait: {name: tier, expected: [large]}  # declared before the first plan\n"
    bare = library(tour=TOUR.replace(line, "")).playbooks["tour"]
    (found,) = where(bare, rows("supported"), accounts(A1="large")).to_dict("records")
    assert not found["is_declared"]
    assert pd.isna(found["is_expected"])


def test_cases_are_the_plans_that_could_be_judged():
    found = page(rows("supported", "in_progress", "harmful"))
    assert found.tables["cases"]["plan_id"].tolist() == ["PL1", "PL3"]
    assert found.tables["verdicts"]["plans"].sum() == 3


def test_proposed_changes_stand_on_the_page_with_the_command_that_accepts_them():
    found = page(rows("harmful"), known=known("harm"))
    assert found.tables["changes"]["key"].tolist() == ["status", "cases"]
    assert in_words(found.actions[0]) == ("Read 2 proposed changes, then decide: csw playbooks apply latest")
    assert in_words(found.actions[1]) == "Start no further plans with it before it has been redesigned"


def test_a_page_without_anything_to_do_says_so():
    found = page(rows("blocked_by_customer"))
    assert [in_words(action) for action in found.actions] == ["Nothing to do: its file says what its plans show."]


def test_other_playbooks_do_not_stand_on_the_page():
    books = library(tour=TOUR, walk=WALK)
    both = pd.concat([rows("supported"), rows("harmful", playbook="walk")])
    found = page(both, books=books)
    assert (found.figures["plans"].value, set(found.tables["cases"]["verdict"])) == (1, {"supported"})


def test_shares_are_averaged_as_the_pooled_effect_is():
    # Logarithms of 1, 1, 1, 1 and 32 times the level: the mean of 0, 0, 0, 0 and log 32 is log 2, which is + 100 %.
    names = list("abcde")
    judged = pd.DataFrame({"account_id": names, "effect": [0.0, 0.0, 0.0, 0.0, 31.0], "unit": "share"})
    found = where(None, judged, pd.DataFrame({"tier": "large"}, index=names))
    assert found["effect"].tolist() == pytest.approx([1.0])


def two_tiers():
    """Five accounts of each tier and one of a third, which is too few to tell."""
    made = rows(*["supported"] * 11).assign(effect=[0.3, 0.2, 0.4, 0.3, 0.3, 0.1, -0.1, 0.0, 0.05, -0.05, 0.9])
    tiers = ["large"] * 5 + ["mid"] * 5 + ["small"]
    return made, accounts(**{f"A{number}": tier for number, tier in enumerate(tiers, 1)})


def test_a_picture_shows_where_it_works_and_the_table_who_is_too_few():
    made, book = two_tiers()
    books = library()
    made_of = parts(books, made, book, write_back(books, made, {}, AS_OF), {"tour": known("works")})
    found = {part.value: part for part in made_of}
    shown = {each.table: each for each in found["tour"].shown}
    assert list(shown) == ["verdicts", "forest", "where", "changes", "cases"]
    assert (shown["forest"].shape, shown["forest"].options) == ("intervals", {"unit": "share", "reference": 0.0})
    assert found["tour"].result.tables["forest"]["name"].tolist() == ["tier: large", "tier: mid"]
    assert found["tour"].result.tables["where"]["value"].tolist() == ["large", "mid", "small"]
    assert "forest" not in {each.table for each in found["walk"].shown}


def test_without_an_effect_that_can_be_told_there_is_no_picture():
    made, book = two_tiers()
    assert page(made, book=book).tables["forest"].empty
