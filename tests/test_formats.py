"""Numbers, money, dates, estimates and Messages as text, by language; printable text (case S05)."""

import re
import unicodedata
from datetime import UTC, date, datetime
from enum import StrEnum

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csworkbench.estimates import Estimate, say
from csworkbench.formats import (
    day,
    estimate,
    figure,
    in_unit,
    is_missing,
    label,
    money,
    number,
    printable,
    sentence,
    share,
    text,
)

NBSP = "\u00a0"


# --- numbers by language: separators as CLDR gives them for en, sv and zh_CN ----------------------------------------


@pytest.mark.parametrize(
    ("language", "expected"),
    [("en", "1,234,567.89"), ("sv", f"1{NBSP}234{NBSP}567,89"), ("zh-CN", "1,234,567.89"), ("zh_CN", "1,234,567.89")],
)
def test_number_is_grouped_and_pointed_by_language(language, expected):
    assert number(1234567.891, 2, language) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (7043, "7,043"),
        (1_000_000.0, "1,000,000"),
        (0.74123, "0.741"),
        (12.3456, "12.3"),
        (2.5, "2.5"),
        (1234.5, "1,235"),
        (9.9996, "10"),
        (0.000123456, "0.000123"),
        (-0.7412, "-0.741"),
        (2**53 + 1, "9,007,199,254,740,993"),
    ],
)
def test_number_has_three_significant_digits_and_whole_numbers_are_kept(value, expected):
    assert number(value) == expected


@pytest.mark.parametrize("missing", [None, float("nan"), float("inf"), pd.NA, np.nan])
def test_missing_number_is_not_known(missing):
    assert number(missing) == share(missing) == money(missing, "EUR") == "not known"


def test_number_of_numpy_reads_like_one_of_python():
    assert number(np.float64(0.74123)) == "0.741"
    assert number(np.int64(7043)) == "7,043"


@pytest.mark.parametrize("value", [-0.0, -0.0004, 0.0004])
def test_what_rounds_to_nothing_has_no_sign(value):
    assert share(value, 0) == "0%"
    assert number(value, 1) == "0.0"


def test_halves_round_up_as_in_a_spreadsheet():
    assert [number(value, 0) for value in (0.5, 1.5, 2.5, -2.5)] == ["1", "2", "3", "-3"]
    assert number(2.675, 2) == "2.68"  # what is written, not the float just below it


@given(st.floats(-1e12, 1e12), st.integers(0, 6))
def test_number_with_digits_is_within_half_a_last_digit(value, digits):
    shown = float(number(value, digits).replace(",", ""))
    assert abs(shown - value) <= 0.5 * 10**-digits + abs(value) * 1e-12


@pytest.mark.parametrize(("language", "expected"), [("en", "26.5%"), ("sv", f"26,5{NBSP}%"), ("zh-CN", "26.5%")])
def test_share_is_a_percentage_of_the_language(language, expected):
    # 1869 churned of 7043 = .26537
    assert share(1869 / 7043, language=language) == expected


@pytest.mark.parametrize(
    ("value", "currency", "language", "expected"),
    [
        (1234.5, "SEK", "en", f"SEK{NBSP}1,235"),
        (1234.5, "SEK", "sv", f"1{NBSP}235{NBSP}kr"),
        (12.5, "EUR", "en", "€12.50"),
        (12.5, "EUR", "sv", f"12,50{NBSP}€"),
        (12.5, "CNY", "zh-CN", "¥12.50"),
        (12.4, "JPY", "en", "¥12"),
        (-1234.5, "USD", "en", "-$1,235"),
    ],
)
def test_money_has_whole_units_from_a_hundred_and_the_form_of_the_language(value, currency, language, expected):
    assert money(value, currency, language=language).replace("\u2212", "-") == expected


def test_currency_must_be_a_code():
    with pytest.raises(ValueError, match="a currency is a code such as 'EUR', not 'kr'"):
        money(1, "kr")


@pytest.mark.parametrize(
    ("language", "expected"), [("en", "30 Sep 2026"), ("sv", "30 sep. 2026"), ("zh-CN", "2026年9月30日")]
)
def test_day_is_written_by_language(language, expected):
    assert day(date(2026, 9, 30), language) == expected


def test_day_takes_instants_iso_text_and_missing_values():
    assert day(datetime(2026, 2, 1, 23, 59, tzinfo=UTC)) == "1 Feb 2026"
    assert day("2026-02-01") == "1 Feb 2026"
    assert day(pd.Timestamp("2026-02-01")) == "1 Feb 2026"
    assert day(None) == day(pd.NaT) == "not known"


def test_unknown_language_is_refused():
    for write in (lambda: number(1, language="xx"), lambda: day(date(2026, 1, 1), "tlh"), lambda: label("a", "../en")):
        with pytest.raises(ValueError, match="unknown language"):
            write()


# --- estimates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Estimate(0.741, "auc", 7043, 0.7249, 0.757, 0.95), "0.74 (0.72 to 0.76, n 7,043)"),
        (Estimate(0.26537, "share", 7043, 0.2552, 0.2758, 0.95), "26.5% (25.5% to 27.6%, n 7,043)"),
        (Estimate(61.28, "points", 600, 58.0, 64.12, 0.95), "61.3 points (58.0 to 64.1, n 600)"),
        (Estimate(12, "days", 40, 10.125, 14, 0.95), "12.0 days (10.1 to 14.0, n 40)"),
        (Estimate(1, "days", 40), "1 day (n 40)"),
        (Estimate(1234.5, "SEK", 12, 1000, 1500, 0.9), f"SEK{NBSP}1,235 (SEK{NBSP}1,000 to SEK{NBSP}1,500, n 12)"),
        (Estimate(7043, "accounts", 7043), "7,043 accounts"),
        (Estimate(61, "accounts", 7043), "61 accounts (n 7,043)"),
        (Estimate(None, "share", 3), "cannot tell (n 3)"),
    ],
)
def test_estimate_has_its_unit_interval_and_sample_size(value, expected):
    assert estimate(value) == expected


def test_figure_is_an_estimate_in_two_parts():
    assert figure(Estimate(0.741, "auc", 7043, 0.7249, 0.757, 0.95)) == ("0.74", "0.72 to 0.76, n 7,043")
    assert figure(Estimate(None, "share", 3)) == ("cannot tell", "n 3")
    assert figure(Estimate(7043, "accounts", 7043)) == ("7,043 accounts", "")


def test_sentence_ends_once():
    assert [sentence(words) for words in ("Done", "Done.", "好。")] == ["Done.", "Done.", "好。"]


@pytest.mark.parametrize("value", [None, float("nan"), np.float64("nan"), pd.NaT, pd.NA])
def test_every_kind_of_nothing_is_missing(value):
    assert is_missing(value)


@pytest.mark.parametrize("value", [0, "", [], np.array([np.nan, np.nan]), date(2026, 1, 1)])
def test_what_is_something_is_not_missing(value):
    assert not is_missing(value)


def test_estimate_uses_the_numbers_of_the_language():
    swedish = estimate(Estimate(0.741, "auc", 7043, 0.72, 0.76, 0.95), "sv")
    assert swedish == f"0,74 (0,72 till 0,76, n 7{NBSP}043)"


@given(
    st.floats(-1e6, 1e6), st.floats(0, 1e3), st.integers(0, 10**6), st.sampled_from(["share", "points", "days", "auc"])
)
def test_estimate_always_shows_its_sample_size(value, half, n, unit):
    shown = estimate(Estimate(value, unit, n, value - half, value + half, 0.95))
    assert f"n {number(n)})" in shown


def test_in_unit_without_a_name_is_the_number_alone():
    assert in_unit(12, "days", named=False) == "12"
    assert in_unit(None, "days") == "not known"


# --- messages -------------------------------------------------------------------------------------------------------


class Tier(StrEnum):
    HIGH = "high"


@pytest.mark.parametrize(
    ("template", "value", "expected"),
    [
        ("{x}", "Åsa 漢字 <b>", "Åsa 漢字 <b>"),
        ("{x}", 1234.5, "1,235"),
        ("{x}", date(2026, 9, 30), "30 Sep 2026"),
        ("{x}", True, "yes"),
        ("{x}", Tier.HIGH, "high"),
        ("{x}", None, "not known"),
        ("{x}", say("of {n:count}", n=3), "of 3"),
        ("{x}", Estimate(None, "share", 3), "cannot tell (n 3)"),
        ("{x:count}", 1234, "1,234"),
        ("{x:n account|accounts}", 1, "1 account"),
        ("{x:n account|accounts}", 0, "0 accounts"),
        ("{x:n success plan|success plans}", 1234, "1,234 success plans"),
        ("{x:n account|accounts}", None, "not known"),
        ("{x:share}", 0.26537, "26.5%"),
        ("{x:percent}", 0.26537, "26.5%"),
        ("{x:points}", 61.28, "61.3"),
        ("{x:number}", 0.74123, "0.741"),
        ("{x:days}", 12, "12 days"),
        ("{x:days}", 1, "1 day"),
        ("{x:date}", "2026-09-30", "30 Sep 2026"),
        ("{x:money EUR}", 12.5, "€12.50"),
        ("{x:estimate}", Estimate(0.741, "auc", 9, 0.72, 0.76, 0.95), "0.74 (0.72 to 0.76, n 9)"),
        ("{x:list}", ["a", "b"], "a, b"),
        ("{x:list}", [], ""),
        ("{x:list}", "abc", "a, b, c"),
        ("{x:list}", "abcdefg", "a, b, c and 4 more"),
        ("{{{x}}}", "a", "{a}"),
    ],
)
def test_placeholder_is_filled_as_its_spec_says(template, value, expected):
    assert text(say(template, x=value)) == expected


def test_message_is_filled_in_the_language_of_the_reader():
    message = say("{n:count} ({s:share}) {d:date}", n=7043, s=0.26537, d=date(2026, 9, 30))
    assert text(message, "sv") == f"7{NBSP}043 (26,5{NBSP}%) 30 sep. 2026"
    assert text(message, "zh-CN") == "7,043 (26.5%) 2026年9月30日"


def test_value_that_looks_like_a_placeholder_is_not_filled_again():
    assert text(say("{a} {b}", a="{b}", b="{7*191}")) == "{b} {7*191}"


@pytest.mark.parametrize(
    "template",
    [
        "{y}",
        "{x:nonsense}",
        "{x:count 3}",
        "{x:n account}",
        "{x:n a|b|c}",
        "{x:money}",
        "{x:money kr}",
        "{x!r}",
        "{x.real}",
        "{}",
        "{x",
        "x}",
    ],
)
def test_malformed_template_is_a_programmers_mistake(template):
    with pytest.raises(ValueError, match=r"."):
        text(say(template, x=3))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("auc_in_sample", "AUC in sample"),
        ("nps", "NPS"),
        ("arr_eur", "ARR EUR"),
        ("outcome_rate.telco", "Outcome rate (Telco)"),
        ("account_id", "Account ID"),
        ("MonthlyCharges", "MonthlyCharges"),
        ("", ""),
    ],
)
def test_label_is_the_name_in_words(name, expected):
    assert label(name) == expected


# --- printable ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "\\x1b]8;;http://x\\x07link\\x1b]8;;\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\nERROR: forged", "a\\nERROR: forged"),
        ("a\r\tb", "a\\r\\tb"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("a\u2028b\u2029c\x85d", "a\\u2028b\\u2029c\\x85d"),
        ("a\u200bb\ufeffc\u00add", "a\\u200bb\\ufeffc\\xadd"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_printable_shows_what_would_command_a_terminal_or_forge_a_line(hostile, shown):
    assert printable(hostile) == shown


@pytest.mark.parametrize(
    "honest",
    [
        "Åsa Öberg",
        "漢字 かな",
        "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "👩\u200d💻",
        "a\\b 'c' \"d\"",
        f"1{NBSP}234",
    ],
)
def test_printable_leaves_honest_text_alone(honest):
    assert printable(honest) == honest


@given(st.text(st.characters(exclude_categories=[])))
def test_printable_text_is_one_line_without_controls(anything):
    shown = printable(anything)
    assert len(shown.splitlines()) <= 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert all(unicodedata.category(character) != "Cs" for character in shown)
