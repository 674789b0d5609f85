"""Swedish and Chinese: what is translated, and what a page does with what is not."""

from dataclasses import dataclass, field
from datetime import date

import pandas as pd
import pytest
from babel.messages.pofile import read_po

from csworkbench import formats, views
from csworkbench.charts import bars
from csworkbench.estimates import Caveat, Estimate, Message, Severity, say
from csworkbench.formats.paper import table
from csworkbench.report.story import passages
from tests.languages import FOLDER, LANGUAGES, keys, lacking, placeholders


@pytest.fixture(scope="module")
def found():
    return keys()


@pytest.fixture
def catalog(monkeypatch):
    """Give every language one catalogue."""

    def use(**entries):
        monkeypatch.setattr("csworkbench.formats.languages._read", lambda name: entries if name else {})

    return use


# The catalogues


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_for_readers_is_translated(found, language):
    said = formats.catalog(language).keys()
    assert {place: sorted(lacking(words, said)) for place, words in found.items() if lacking(words, said)} == {}, (
        "make languages"
    )


def entries(language):
    with (FOLDER / f"{language}.po").open("rb") as file:
        return [(str(each.id), str(each.string)) for each in read_po(file) if each.id and each.string]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_placeholders_of_its_source(language):
    assert [key for key, said in entries(language) if placeholders(key) != placeholders(said)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_translation_can_be_filled(language):
    samples = {
        "list": ["a", "b"], "date": date(2026, 9, 30), "estimate": Estimate(0.5, "share", 10, 0.4, 0.6, 0.95), "": "x",
        "word": "x", "words": ["a", "b"],
    }  # fmt: skip
    for key, said in entries(language):
        fields = [field.split(":", 1) for field in placeholders(said)]
        filled = formats.text(Message(key, {name: samples.get(spec, 2) for name, spec in fields}), language)
        assert "{" not in filled, key


# How they are used


def test_a_sentence_is_said_in_the_language_with_its_numbers_and_plural(catalog):
    catalog(**{"{n:n account|accounts} left": "{n:n konto|konton} har lämnat"})
    message = say("{n:n account|accounts} left", n=1)
    assert formats.text(message, "sv") == "1 konto har lämnat"
    assert formats.text(say(message.key, n=1234), "sv") == "1\u00a0234 konton har lämnat"
    assert formats.text(message, "en") == "1 account left"


def test_a_label_is_looked_up_by_its_english_words(catalog):
    catalog(**{"AUC in sample": "AUC i urvalet"})
    assert formats.label("auc_in_sample.telco", "sv") == "AUC i urvalet (Telco)"


def test_names_of_ours_in_a_list_are_said_in_the_language(catalog):
    catalog(complaint="klagomål")
    message = say("moved for {reasons:words}", reasons=["complaint", "Acme"])
    assert formats.text(message, "sv") == "moved for klagomål, Acme"
    assert formats.text(message, "en") == "moved for complaint, Acme"


def test_no_as_an_answer_is_another_word_than_the_head_of_a_column_of_numbers():
    answers = pd.DataFrame({"no": [1], "is_late": [False]})
    assert views.table(answers, "Rows", language="sv").text.split("\n")[1:] == ["Nr  Är försenad", " 1  Nej"]
    assert (formats.answer(False, "zh-CN"), formats.label("no", "zh-CN")) == ("否", "序号")
    sheet = table([{"late": False}], say("Rows"), ["late"], "sv")
    assert "<td>Nej</td>" in sheet


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("reason", "CSM has enough for the week", "CSM:en har nog för veckan"),
        ("unit", "CSMs", "CSM:er"),
        ("source", "declared", "Angivet"),
        ("segment", "value_tier", "Värdeklass"),
        ("note", "Large", "Large"),
        ("name", "CSMs", "CSMs"),
    ],
)
def test_names_of_ours_in_cells_are_said_in_the_language_and_texts_of_customers_are_not(column, value, said):
    assert views.table(pd.DataFrame({column: [value]}), "Rows", language="sv").text.splitlines()[2] == said


def test_a_key_reads_as_words_within_a_sentence_and_begins_one_with_a_capital(catalog):
    catalog(**{"Low engagement": "Lågt engagemang", "API use": "API-bruk"})
    message = say("{first:word}, {rest:words}", first="low_engagement", rest=["low_engagement", "api_use", "Acme"])
    assert formats.text(message, "en") == "Low engagement, low engagement, API use, Acme"
    assert formats.text(message, "sv") == "Lågt engagemang, lågt engagemang, API-bruk, Acme"


def test_traditional_chinese_does_not_get_simplified_characters(catalog):
    catalog(yes="是")
    assert (formats.words("yes", "zh-CN"), formats.words("yes", "zh"), formats.words("yes", "zh-TW")) == (
        "是",
        "是",
        "yes",
    )


def test_a_chinese_sentence_ends_with_a_chinese_full_stop():
    assert (formats.sentence("已就绪"), formats.sentence("ready"), formats.sentence("已就绪。")) == (
        "已就绪。",
        "ready.",
        "已就绪。",
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("上海同舟", "先看上海同舟，共 3 个"),
        ("Acme", "先看 Acme，共 3 个"),
        ("（无名）", "先看（无名），共 3 个"),
        ("7%", "先看 7%，共 3 个"),
    ],
)
def test_chinese_stands_apart_from_latin_words_and_numbers_alone(catalog, name, said):
    catalog(**{"{name}, {n:count} accounts": "先看 {name} ，共{n:count}个"})
    message = say("{name}, {n:count} accounts", name=name, n=3)
    assert formats.text(message, "zh-CN") == said
    assert formats.text(message, "en") == f"{name}, 3 accounts"


def test_a_translation_serves_its_words_with_and_without_a_capital(catalog):
    catalog(**{"Lost": "Förlorad", "open": "öppen", "NPS score": "NPS-poäng"})
    assert [formats.words(each, "sv") for each in ("Lost", "lost", "Open", "nPS score")] == [
        "Förlorad",
        "förlorad",
        "Öppen",
        "NPS-poäng",
    ]
    assert not formats.is_foreign("lost", "sv")


def test_a_chinese_sentence_that_ends_in_a_latin_word_still_ends_as_chinese():
    assert formats.sentence("请给他们指派 CSM") == "请给他们指派 CSM。"
    assert formats.sentence("把名单定为正式：csw release latest weekly_list")[-1] == "。"
    assert formats.sentence("Call 上海同舟 and CSM") == "Call 上海同舟 and CSM."


def test_a_language_left_empty_is_that_of_the_desk(catalog):
    catalog(yes="ja")
    formats.speak("sv")
    assert (formats.words("yes", ""), formats.number(1234.5)) == ("ja", "1\u00a0235")
    assert formats.words("yes", "en") == "yes"


def test_the_desk_speaks_no_unknown_language():
    with pytest.raises(ValueError, match=r"unknown language 'klingon'"):
        formats.speak("klingon")


@dataclass(frozen=True)
class Said:
    """A result of two sentences."""

    headline: Message = field(default=say("All is well"))
    caveats: tuple[Caveat, ...] = (Caveat("few", Severity.WARNING, say("Few accounts")),)
    figures: dict[str, Estimate] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    actions: tuple[Message, ...] = ()


def test_what_has_no_translation_is_marked_as_english(catalog):
    catalog(**{"All is well": "Allt är bra"})
    html = str(views.show(Said(), "sv").html)
    assert '<p class="csw-verdict">Allt är bra</p>' in html
    assert '<span lang="en">Few accounts.</span>' in html
    assert "lang" not in str(views.show(Said(), "en").html)


def test_a_title_with_a_name_in_it_is_said_in_the_language(catalog):
    catalog(**{"{name}: shares": "{name}: andelar"})
    frame = pd.DataFrame({"name": ["Åsa"], "share": [0.5]})
    html = str(bars(frame, "name", "share", title=say("{name}: shares", name="Guide"), language="sv").html)
    assert "<figcaption>Guide: andelar</figcaption>" in html


def test_words_that_are_filled_in_altogether_are_not_marked_as_english(catalog):
    catalog(yes="ja")
    assert not formats.is_foreign("{label}: {said}", "sv")
    assert formats.is_foreign("{label}: of {said}", "sv")


def test_titles_and_heads_of_charts_and_tables_are_translated(catalog):
    catalog(**{"Share by name": "Andel per namn", "Name": "Namn"})
    frame = pd.DataFrame({"name": ["Åsa"], "share": [0.5]})
    assert "Andel per namn" in str(bars(frame, "name", "share", title="Share by name", language="sv").html)
    table = views.table(frame, "Share by name", language="sv")
    assert table.text.splitlines()[0] == "Andel per namn"
    assert table.text.splitlines()[1].startswith("Namn")


def test_text_of_a_customer_is_never_translated(catalog):
    catalog(Average="Medel")
    assert "Average" in views.table(pd.DataFrame({"name": ["Average"]}), "Names", language="sv").text


def test_markdown_is_translated_heading_by_heading_and_paragraph_by_paragraph():
    assert passages("## Load\nThe book.\n\nAnd\nits settings.") == ["## Load", "The book.", "And\nits settings."]
