from typing import Annotated

import pandas as pd
import pytest

from csworkbench import estimates, views
from csworkbench.config import FromFolder, Section, setting
from csworkbench.estimates import Severity, Shown, say
from tests.pages import PAYLOADS, HandMade, Settings


def test_the_verdict_comes_first_then_figures_doubts_and_what_to_do():
    # 0.25 with 0.071..0.591 as percent; "auc" has no value; the fifth figure and the notes wait for the read-out.
    assert repr(views.show(HandMade())).split("\n") == [
        "Two of eight accounts are at risk",
        "",
        "Share at risk: 25.0% (7.1% to 59.1%, n 8)",
        "Median score: 61.3 points (n 8)",
        "Accounts: 8 accounts",
        "AUC: cannot tell (n 3)",
        "Handle with care: Data is late. Ask.",
        "-> Call Acme first.",
    ]


def test_the_read_out_names_every_doubt_the_worst_first():
    assert repr(views.conclude(HandMade(severity=Severity.STOP))).split("\n") == [
        "Two of eight accounts are at risk",
        "Do not act on this yet: Data is late. Ask.",
        "Good to know: Few accounts.",
        "-> Call Acme first.",
    ]


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("make", [views.show, views.conclude])
def test_texts_are_escaped_at_the_source(make, payload):
    html = str(make(HandMade(payload)).html)
    assert payload not in html or not set(payload) & set("<>\"'")
    assert "<script" not in html
    assert "<img" not in html


def test_a_view_shows_as_text_and_html_with_its_place_on_a_page():
    data, metadata = views.show(HandMade())._repr_mimebundle_()
    assert set(data) == {"text/plain", "text/html"}
    assert metadata == {"csworkbench": {"slot": "verdict"}}


def test_a_control_character_cannot_command_a_terminal():
    assert "\x1b" not in repr(views.show(HandMade("\x1b[31m")))


@pytest.mark.parametrize("make", [views.show, views.conclude])
def test_no_text_turns_round_what_stands_beside_it(make):
    html = make(HandMade("ok\u202egnp.exe")).html
    assert "\u202e" not in html
    assert "ok\\u202egnp.exe" in html


def test_a_cell_of_several_lines_is_one_line_and_commands_nothing():
    view = views.table(pd.DataFrame({"name": ["a\r\nb\u202ec\x1b[0m"]}), "t")
    for shown in (view.text, view.html):
        assert "a b\\u202ec\\x1b[0m" in shown


def test_a_table_counts_the_rows_it_does_not_show():
    view = views.table(pd.DataFrame({"n": range(25)}), "Numbers")
    assert view.text.endswith("5 rows more in the full table")
    assert view.html.count("<tr>") == 21  # 20 rows and the head


def test_a_table_shows_the_asked_columns_in_their_order():
    view = views.table(pd.DataFrame({"a": [1], "b": [2], "c": [3]}), "t", columns=["c", "a"])
    assert view.text.split("\n")[1:] == ["C  A", "3  1"]


def test_a_table_without_rows_says_so():
    assert views.table(pd.DataFrame({"a": []}), "Empty").text.split("\n")[-1] == "No rows"


def test_names_of_ours_read_as_words_where_asked():
    view = views.table(pd.DataFrame({"id": ["a_b"], "band": ["at_risk"]}), "t", words=["band"])
    assert view.text.split("\n")[-1].split("  ") == ["a_b", "At risk"]


def test_an_unknown_column_of_a_table_is_named():
    with pytest.raises(ValueError, match="no column scroe in the table; it has score"):
        views.table(pd.DataFrame({"score": [1]}), "t", columns=["scroe"])


def test_a_table_never_changes_its_frame():
    frame = pd.DataFrame({"band": ["at_risk"]})
    views.table(frame, "t", words=["band"])
    assert frame["band"].tolist() == ["at_risk"]


def test_settings_list_key_value_and_meaning():
    assert views.settings(Settings()).text.split("\n") == [
        "Settings used",
        "Setting  Value  Meaning",
        "note     plain  A text",
        "level    0.95   Coverage of intervals",
    ]


def with_tables(**frames):
    class Tabled(HandMade):
        tables = frames

    return Tabled()


def test_the_page_of_a_part_has_its_pictures_and_tables_in_order_and_no_code():
    frame = pd.DataFrame({"tier": ["large", "small"], "effect": [0.3, 0.1], "low": [0.1, -0.1], "high": [0.5, 0.3]})
    shown = (
        Shown("tiers", "Where it works", ("tier", "effect", "low", "high"), "intervals", say("Look right of 0")),
        Shown("tiers", "All tiers", ("tier", "effect"), options={"limit": 1}),
    )
    part = estimates.Part("playbook", "tour", "Feature <tour>", with_tables(tiers=frame), shown)
    cells = views.story(part)["cells"]
    assert [cell["cell_type"] for cell in cells] == ["markdown", "markdown", "code", "code"]
    assert [cells[0]["source"], cells[1]["source"]] == ["# Feature <tour>", "Look right of 0."]
    slots = [cell["outputs"][0]["metadata"]["csworkbench"]["slot"] for cell in cells[2:]]
    assert slots == ["chart", "table"]
    assert "1 row more in the full table" in cells[3]["outputs"][0]["data"]["text/plain"]


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (Shown("none", "x"), r"no table 'none' to show; there are scores"),
        (Shown("scores", "x", shape="Chart9"), r"no chart 'Chart9'; there are agreement, bars"),
    ],
)
def test_a_part_that_shows_what_it_has_not_is_refused(shown, why):
    result = with_tables(scores=pd.DataFrame({"a": [1]}))
    with pytest.raises(ValueError, match=why):
        views.story(estimates.Part("playbook", "tour", "Tour", result, (shown,)))


class Part(Section):
    label: str = setting("Large accounts", description="A name")
    low: int = setting(3, description="Lowest")


class Whole(Section):
    part: Part = setting(Part(), description="One part")
    parts: tuple[Part, ...] = setting((Part(), Part(label="Small")), description="Parts")
    days: dict[str, int] = setting({"tickets": 14}, description="Days")
    nothing: str | None = setting(None, description="Nothing")
    empty: tuple[str, ...] = setting((), description="Empty")


class Library(Section):
    playbooks: Annotated[dict[str, str], FromFolder()] = setting(default_factory=dict, description="Folder")


def test_of_a_folder_of_files_the_names_are_shown_and_not_what_stands_in_them():
    text = views.settings(Library(playbooks={"tour.yaml": "title: Tour", "walk.yaml": "title: Walk"})).text
    assert "tour.yaml, walk.yaml" in text
    assert "title" not in text


def test_nested_settings_have_dots_and_lists_of_sections_show_their_names():
    rows = [line.split("  ")[0] for line in views.settings(Whole()).text.split("\n")]
    assert rows[2:] == ["part.label", "part.low", "parts", "days", "nothing", "empty"]
    text = views.settings(Whole()).text
    assert "Large accounts, Small" in text
    assert "tickets: 14" in text
    assert "not set" in text
    assert "none" in text
