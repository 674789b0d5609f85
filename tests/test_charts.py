import itertools
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from csworkbench import charts
from csworkbench.charts import canvas, palette
from csworkbench.charts.markup import cell, table_html, table_text
from tests.pages import AS_OF, PAYLOADS, pictures

BANDS = pd.DataFrame({"band": ["at_risk", "average", "excellent"], "accounts": [120, 1300, 180]})


def words(svg):
    return [each.text for each in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


# Matrices for full deficiencies on linear RGB: Machado, Oliveira & Fernandes (2009), IEEE TVCG 15.
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(color):
    channels = np.array([int(color[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def contrast(one, two):
    dark, light = sorted(linear(color) @ [0.2126, 0.7152, 0.0722] for color in (one, two))
    return (light + 0.05) / (dark + 0.05)  # WCAG 2.2, relative luminance


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    x, y, z = (np.cbrt(v) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz / [0.95047, 1, 1.08883])
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def ciede2000(one, two):
    """Sharma, Wu & Dalal (2005), Color Research and Application 30."""
    (l1, a1, b1), (l2, a2, b2) = one, two
    mean = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean**7 / (mean**7 + 25**7))
    a1, a2 = a1 * stretch, a2 * stretch
    c1, c2 = np.hypot(a1, b1), np.hypot(a2, b2)
    h1, h2 = np.degrees(np.arctan2(b1, a1)) % 360, np.degrees(np.arctan2(b2, a2)) % 360
    turn = 0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    hue = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    light, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    weight = 1 - 0.17 * np.cos(np.radians(hue - 30)) + 0.24 * np.cos(np.radians(2 * hue))
    weight += 0.32 * np.cos(np.radians(3 * hue + 6)) - 0.2 * np.cos(np.radians(4 * hue - 63))
    in_light = (l2 - l1) / (1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2))
    in_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    in_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * weight)
    blue = -2 * np.sqrt(chroma**7 / (chroma**7 + 25**7)) * np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2))))
    return np.sqrt(in_light**2 + in_chroma**2 + in_hue**2 + blue * in_chroma * in_hue)


def test_the_distance_used_below_gives_a_published_value():
    # First pair of the test data of Sharma, Wu & Dalal (2005): 2.0425.
    assert ciede2000((50, 2.6772, -79.7751), (50, 0, -82.7485)) == pytest.approx(2.0425, abs=1e-4)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("mode", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_any_two_marks_differ_for_every_kind_of_sight(mode, sight):
    seen = [lab(np.array(SIGHTS[sight]) @ linear(mode[role])) for role in palette.MARKS]
    assert min(ciede2000(one, two) for one, two in itertools.combinations(seen, 2)) >= 15


@pytest.mark.parametrize("mode", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
def test_marks_stand_out_three_to_one_and_text_four_and_a_half_to_one(mode):
    assert min(contrast(mode[role], mode["paper"]) for role in palette.MARKS) >= 3
    assert min(contrast(mode[role], mode["paper"]) for role in ("ink", "muted")) >= 4.5


@pytest.mark.parametrize("mode", [palette.LIGHT, palette.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("role", ["fair", "bad"])
def test_ink_stays_readable_on_the_deepest_shade_of_a_heat_table(mode, role):
    from csworkbench.charts.grids import DEEPEST

    mixed = [
        round(DEEPEST * int(mode[role][at : at + 2], 16) + (1 - DEEPEST) * int(mode["paper"][at : at + 2], 16))
        for at in (1, 3, 5)
    ]
    assert contrast("#" + "".join(f"{value:02x}" for value in mixed), mode["ink"]) >= 4.5


def test_every_color_of_a_picture_is_a_role_with_a_light_and_a_dark_value():
    for chart in pictures():
        style, _, drawing = chart.svg.partition("</style>")
        assert "prefers-color-scheme:dark" in style
        assert re.findall(r"#[0-9a-f]{6}\b", drawing) == []
        assert set(re.findall(r"var\(--(\w+)\)", drawing)) <= set(palette.LIGHT)


def test_the_same_data_gives_the_same_bytes_in_another_process():
    program = (
        "import pandas as pd; from csworkbench import charts;"
        "f = pd.DataFrame({'n': ['a', 'b'], 'v': [1, 2]});"
        "print(charts.bars(f, 'n', 'v', title='t').svg, end='')"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1
    assert b"Date" not in runs.pop()


@pytest.mark.parametrize("payload", [*PAYLOADS, "bell \a, escape \x1b[31m, override \u202e, null \0"])
def test_any_text_leaves_a_picture_well_formed_and_without_active_content(payload):
    for chart in pictures(payload):
        elements = {element.tag.rpartition("}")[2] for element in ET.fromstring(chart.svg).iter()}
        assert elements <= {"svg", "style", "defs", "g", "path", "text", "use", "clipPath", "rect"}
        assert not re.search(
            r"\son\w+=", chart.svg.replace("onerror", "").replace("onload", "").replace("ontoggle", "")
        )


def test_a_dollar_sign_is_a_dollar_and_not_a_formula():
    frame = pd.DataFrame({"name": ["$5 and $6"], "n": [1]})
    assert "$5 and $6" in words(charts.bars(frame, "name", "n", title="t").svg)


def test_the_alt_text_holds_the_numbers_and_the_picture_shows_them():
    chart = charts.bars(BANDS, "band", "accounts", title="Accounts by band", unit="accounts")
    assert chart.alt == "Bar chart, accounts: At risk 120; Average 1,300; Excellent 180."
    assert {"At risk", "120", "1,300", "accounts"} <= set(words(chart.svg))


def test_a_chart_shows_as_figure_with_alt_text_and_the_data_behind_it():
    data, metadata = charts.bars(BANDS, "band", "accounts", title="A <b> title")._repr_mimebundle_()
    assert metadata == {"csworkbench": {"slot": "chart"}}
    assert data["text/plain"].startswith("A <b> title\nBar chart")
    assert '<img src="data:image/svg+xml;base64,' in data["text/html"]
    assert "A &lt;b&gt; title" in data["text/html"]
    assert "<summary>Data behind this chart</summary>" in data["text/html"]
    assert "1,300" in data["text/html"]


def test_ranked_bars_run_from_bad_to_good_and_leave_the_rest_gray():
    rows = pd.concat([BANDS, pd.DataFrame({"band": ["not scored"], "accounts": [3]})])
    svg = charts.bars(rows, "band", "accounts", title="t", is_ranked=True, rest="not scored").svg
    assert re.findall(r"fill: var\(--(bad|doubt|plain|fair|good)\)", svg) == ["bad", "fair", "good", "plain"]


def test_more_than_five_ranked_bars_are_refused():
    frame = pd.DataFrame({"name": list("abcdef"), "n": range(6)})
    with pytest.raises(ValueError, match="at most 5 ranked parts"):
        charts.bars(frame, "name", "n", title="t", is_ranked=True)


@pytest.mark.parametrize(("role_of", "count"), [(palette.series, 0), (palette.series, 6)])
def test_a_picture_has_at_most_five_parts(role_of, count):
    with pytest.raises(ValueError, match="1 to 5 parts"):
        role_of(count)


def test_shares_are_shares_of_each_column():
    # May: 1 of 4 = 25 %; June: 3 of 4 = 75 %.
    frame = pd.DataFrame({"month": ["May", "May", "June", "June"], "band": ["a", "b"] * 2, "n": [1, 3, 3, 1]})
    chart = charts.stacked(frame, "month", "band", "n", title="t")
    assert chart.alt == "Parts over 2 columns: A 25.0% (May), 75.0% (June); B 75.0% (May), 25.0% (June)."


def test_from_the_sixth_part_on_parts_become_other():
    frame = pd.DataFrame({"x": ["one"] * 6, "part": list("abcdef"), "n": [1, 2, 3, 4, 5, 6]})
    chart = charts.stacked(frame, "x", "part", "n", title="t", is_share=False)
    assert chart.data.to_dict("records") == [{"x": "one", "a": 1, "b": 2, "c": 3, "d": 4, "other": 11}]


def test_steps_lead_from_the_start_to_the_end():
    frame = pd.DataFrame({"what": ["Usage", "Tickets"], "by": [4.0, -6.5]})
    chart = charts.waterfall(
        frame, "what", "by", title="t", unit="points", start=60, start_label="May", end_label="June"
    )
    assert chart.alt == "Steps, points: May 60.0; Usage +4.0; Tickets -6.5; June 57.5."  # 60 + 4 - 6.5


def test_a_histogram_counts_like_numpy_and_tells_what_is_missing():
    values = pd.Series([0.0, 1.0, 1.0, 2.0, np.nan])
    chart = charts.histogram(values, [0, 1, 2], title="t", unit="points")
    assert chart.data["accounts"].tolist() == [1, 3]  # [0, 1) holds 0; [1, 2] holds 1, 1 and 2
    assert chart.note == "1 value missing, left out"


def test_an_interval_without_a_value_says_cannot_tell():
    frame = pd.DataFrame({"name": ["a", "b"], "v": [0.5, np.nan], "low": [0.4, np.nan], "high": [0.6, np.nan]})
    chart = charts.intervals(frame, "name", "v", "low", "high", title="t", unit="share")
    assert "A 50.0% (40.0% – 60.0%); B cannot tell" in chart.alt


def test_a_heat_table_shows_a_dash_where_there_is_no_number():
    frame = pd.DataFrame({"a": ["x", "y"], "b": ["x", "y"], "n": [1, 2]})
    texts = words(charts.heat_table(frame, "a", "b", "n", title="t").svg)
    assert (texts.count("–"), texts.count("1"), texts.count("2")) == (2, 1, 1)


def test_names_of_narrow_columns_are_written_whole_on_two_lines():
    stages = ["trial", "new", "onboarding", "growth", "expansion", "renewal", "churned"]
    frame = pd.DataFrame({"tier": "key account", "stage": stages, "n": 1})
    texts = words(charts.heat_table(frame, "tier", "stage", "n", title="t").svg)
    assert {stage.capitalize() for stage in stages} <= set(texts)


def test_rows_beyond_what_a_picture_can_hold_are_counted():
    frame = pd.DataFrame({"name": [f"account {n}" for n in range(40)], "n": range(40)})
    chart = charts.bars(frame, "name", "n", title="t")
    assert chart.note == "15 rows more in the data below"  # 40 - 25
    assert len(chart.to_frame()) == 40


def test_a_chart_without_rows_says_so():
    empty = BANDS.iloc[:0]
    for chart in (
        charts.bars(empty, "band", "accounts", title="t"),
        charts.heat_table(empty, "band", "band", "accounts", title="t"),
    ):
        assert chart.alt == "Nothing to show: no rows"


def test_a_missing_font_becomes_a_note_that_names_the_package(monkeypatch):
    frame = pd.DataFrame({"name": ["北京远景"], "n": [1]})
    assert charts.bars(frame, "name", "n", title="t").note == ""
    monkeypatch.setattr(canvas, "_families", lambda: ["DejaVu Sans"])
    chart = charts.bars(frame, "name", "n", title="t")
    assert "fonts-noto-cjk" in chart.note
    assert "北京远景" in words(chart.svg)


def test_drawing_leaves_the_settings_of_other_drawings_alone():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    pictures()
    assert dict(mpl.rcParams) == before


def test_a_chart_never_changes_its_frame():
    before = BANDS.copy()
    charts.bars(BANDS, "band", "accounts", title="t")
    pd.testing.assert_frame_equal(BANDS, before)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(-1e12, 1e12) | st.just(float("nan")), min_size=1, max_size=5))
def test_any_numbers_can_be_drawn(numbers):
    frame = pd.DataFrame({"name": [f"n{place}" for place in range(len(numbers))], "v": numbers})
    for chart in (
        charts.bars(frame, "name", "v", title="t"),
        charts.waterfall(frame, "name", "v", title="t", end_label="end"),
        charts.intervals(frame, "name", "v", "v", "v", title="t"),
    ):
        ET.fromstring(chart.svg)


@pytest.mark.parametrize(
    ("value", "column", "shown"),
    [
        (0.265, "churn_rate", "26.5%"),
        (0.265, "score", "0.265"),
        (1234, "rows", "1,234"),
        (float("nan"), "score", "–"),
        (None, "name", "–"),
        (pd.NaT, "made_on", "–"),
        (AS_OF, "made_on", "30 Sep 2026"),
        (np.bool_(True), "agrees", "Yes"),
        (["a", "b"], "names", "a, b"),
        (["plan_steps", "a_b@x.se"], "what", "plan steps, a_b@x.se"),
        (["CSM_01", "acme_corp"], "csm_id", "CSM_01, acme_corp"),
        ("00042", "account_id", "00042"),
    ],
)
def test_a_cell_reads_as_people_write(value, column, shown):
    assert cell(value, column) == shown


def test_a_long_text_is_cut_with_a_sign():
    assert cell("x" * 999, "note") == "X" + "x" * 298 + "…"


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("play", "save-call", "Save call"),
        ("experiment_id", "guide-mail", "Guide mail"),
        ("label", "sso_enabled", "SSO enabled"),
        ("content_id", "nps-thanks", "nps-thanks"),
        ("contact_id", "first_buyer", "first_buyer"),
        ("column", "known_at", "known_at"),
        ("name", "acme_corp", "acme_corp"),
        ("note", "in-house tool", "in-house tool"),
        ("verdict", "works, as far as a comparison can tell", "Works, as far as a comparison can tell"),
        ("reason", "settled by the follow-up", "Settled by the follow-up"),
        ("channel", "wechat", "WeChat"),
    ],
)
def test_names_of_ours_read_as_words_and_those_of_files_and_customers_as_they_are(column, value, said):
    assert cell(value, column) == said


def test_a_date_in_a_table_stays_on_one_line():
    assert '<td class="csw-day">30 Sep 2026</td>' in table_html(pd.DataFrame({"no": [1], "due_on": [AS_OF]}), "Due")


def test_a_table_names_its_rows_and_columns_for_those_who_listen():
    html = table_html(BANDS, "Bands")
    assert '<th scope="col" class="csw-num">Accounts</th>' in html
    assert '<th scope="row">At risk</th>' in html
    assert "<caption>Bands</caption>" in html
    assert 'role="region" tabindex="0" aria-label="Table: Bands"' in html


def test_a_row_without_a_name_has_no_empty_header():
    html = table_html(pd.DataFrame({"rule": ["call", ""], "n": [2, 1]}), "t")
    assert '<th scope="row">Call</th>' in html
    assert '<td></td><td class="csw-num">1</td>' in html


def test_numbers_of_a_column_have_the_same_decimals():
    # The largest is between 10 and 1,000: one decimal for all.
    assert re.findall(r">([\d.]+)</td>", table_html(pd.DataFrame({"a": ["x", "y"], "n": [91.25, 3.0]}), "t")) == [
        "91.3",
        "3.0",
    ]


def test_a_value_and_its_bounds_have_the_same_decimals():
    frame = pd.DataFrame({"a": ["x", "y"], "effect": [0.233, 0.602], "low": [0.127, 0.219], "high": [0.35, 1.11]})
    assert table_text(frame, "t").split("\n")[2:] == ["X    0.23  0.13  0.35", "Y    0.60  0.22  1.11"]
    named = frame.rename(columns={"effect": "grr", "low": "grr_low", "high": "grr_high"})
    assert table_text(named, "t").split("\n")[2:] == [
        "X  0.23     0.13      0.35",
        "Y  0.60     0.22      1.11",
    ]


def test_a_number_beside_bounds_that_are_not_its_own_keeps_its_decimals():
    frame = pd.DataFrame({"a": ["x"], "accounts": [1200.5], "low": [0.127], "high": [0.35]})
    assert table_text(frame, "t").split("\n")[-1] == "X     1,201  0.127  0.350"


def test_a_text_table_lines_up_also_under_chinese_names():
    lines = table_text(pd.DataFrame({"name": ["北京", "Acme"], "n": [1, 20]}), "Names").split("\n")
    assert lines == ["Names", "Name   N", "北京   1", "Acme  20"]


# --- shapes over two axes ---

FORECASTS = pd.DataFrame(
    {"quarter": ["2026 Q2", "2026 Q3"], "said": [350.0, 300.0], "low": [300.0, 260.0], "high": [400.0, 340.0]}
)


def test_agreement_tells_each_group_and_leaves_out_what_is_missing():
    frame = pd.DataFrame(
        {"said": [0.1, 0.3, 0.5], "came": [0.2, 0.25, None], "low": [0.1, 0.1, None], "high": [0.3, 0.4, None]}
    )
    chart = charts.agreement(frame, "said", "came", "low", "high", title="t", said="predicted", came="observed")
    assert "10.0%: 20.0% (10.0% – 30.0%); 30.0%: 25.0% (10.0% – 40.0%)." in chart.alt
    assert "Predicted" in chart.svg


def test_curves_are_named_and_told_at_a_few_places():
    places = [0.0, 0.05, 0.1, 0.2, 0.5, 1.0]
    frame = pd.DataFrame(
        {"called": places * 2, "found": [*places, 0, 0.3, 0.5, 0.7, 0.9, 1], "who": ["chance"] * 6 + ["score"] * 6}
    )
    chart = charts.curves(frame, "called", "found", "who", title="t", along="share called", up="share found")
    assert "Score: 5.0% → 30.0%, 10.0% → 50.0%, 20.0% → 70.0%, 50.0% → 90.0%" in chart.alt
    assert "Chance" in chart.svg


def test_rising_curves_are_told_by_where_they_cross_the_level():
    frame = pd.DataFrame(
        {
            "accounts": [0, 100, 200] * 2,
            "power": [0.05, 0.85, 0.99, 0.05, 0.2, 0.4],
            "effect": ["+10 pp"] * 3 + ["+5 pp"] * 3,
        }
    )
    axes = {"along": "accounts", "up": "chance", "level": 0.8}
    chart = charts.rising(frame, "accounts", "power", "effect", title="t", **axes)
    assert "+10 pp: 80.0% from 100" in chart.alt
    assert "+5 pp: at most 40.0%" in chart.alt
    assert list(chart.data.columns) == ["effect", "accounts", "power"]


def test_a_forecast_whose_quarter_has_not_ended_has_no_actual():
    frame = FORECASTS.assign(came=[352.0, None])
    chart = charts.forecasts(frame, "quarter", ["said", "low", "high", "came"], title="t", unit="EUR")
    assert "2026 Q2: forecast €350 (€300 – €400), actual €352" in chart.alt
    assert chart.alt.endswith("2026 Q3: forecast €300 (€260 – €340).")


@pytest.mark.parametrize(
    "draw",
    [
        lambda frame: charts.agreement(frame, "said", "said", "low", "high", title="t", said="a", came="b"),
        lambda frame: charts.curves(frame, "said", "low", "quarter", title="t", along="a", up="b"),
        lambda frame: charts.forecasts(frame, "quarter", ["said", "low", "high", "high"], title="t", unit="EUR"),
        lambda frame: charts.rising(frame, "said", "low", "quarter", title="t", along="a", up="b", level=0.8),
        lambda frame: charts.moved(frame, "quarter", "low", "high", title="t"),
        lambda frame: charts.mirrored(frame, "said", "low", "high", title="t", along="a", names=["b", "c"]),
    ],
)
def test_shapes_over_two_axes_say_so_when_there_is_nothing(draw):
    assert "no data" in draw(FORECASTS.iloc[:0]).alt.casefold() or draw(FORECASTS.iloc[:0]).data.empty


# --- before and after, and the course around an event -----------------------------------------------------------------


CAME = pd.DataFrame(
    {
        "name": ["Tour", "Call"],
        "expected": [103.0, 99.0],
        "low": [101.0, 97.0],
        "high": [105.0, 101.0],
        "after": [130.0, 98.0],
    }
)


def test_before_after_says_what_was_expected_and_what_came():
    chart = charts.before_after(CAME, "name", ("expected", "low", "high", "after"), before=100.0, title="After")
    assert "Tour: 103 (101 – 105), came 130" in chart.alt
    assert "Call" in words(chart.svg)


def test_a_course_tells_each_month_with_its_interval():
    months = pd.DataFrame(
        {"month": [-1, 0, 1], "effect": [0.0, 0.1, 0.3], "low": [0.0, 0.0, 0.2], "high": [0.0, 0.2, 0.4]}
    )
    months = months.assign(band_low=months["low"] - 0.1, band_high=months["high"] + 0.1)
    columns = ("effect", "low", "high", "band_low", "band_high")
    chart = charts.course(months, "month", columns, along="months", title="Course", unit="share")
    assert "+1: 30.0% (20.0% – 40.0%)" in chart.alt


@pytest.mark.parametrize("draw", ["before_after", "course"])
def test_nothing_to_follow_is_said(draw):
    made = {
        "before_after": lambda: charts.before_after(
            CAME.head(0), "name", ("expected", "low", "high", "after"), before=1.0, title="x"
        ),
        "course": lambda: charts.course(
            pd.DataFrame({"m": [1.0], "e": [np.nan]}), "m", ("e",) * 5, along="m", title="x"
        ),
    }
    assert "Nothing to show" in made[draw]().alt


def test_the_key_of_what_moved_stands_below_the_name_of_the_axis():
    frame = pd.DataFrame({"trait": ["use last four weeks"], "before": [-0.5], "after": [0.01]})
    chart = charts.moved(frame, "trait", "before", "after", title="t", unit="sd", names=["all others", "weighted"])
    root = ET.fromstring(chart.svg)
    line = {each.text: float(each.get("y")) for each in root.iter("{http://www.w3.org/2000/svg}text")}
    assert line["sd"] + 12 < min(line["All others"], line["Weighted"])  # letters are 11.5 points tall


def test_what_moved_is_told_by_where_it_was_and_is():
    frame = pd.DataFrame({"trait": ["use", "tenure"], "before": [-0.5, 0.04], "after": [0.01, -0.02]})
    names = ["all others", "weighted"]
    chart = charts.moved(frame, "trait", "before", "after", title="t", unit="sd", within=0.1, names=names)
    assert chart.alt.startswith("all others and weighted")
    assert "Use -0.500 → 0.0100" in chart.alt
    assert {"All others", "Weighted", "Use"} <= set(words(chart.svg))
    assert list(chart.data.columns) == ["trait", "before", "after"]


def test_rows_that_moved_beyond_what_a_picture_holds_are_counted():
    frame = pd.DataFrame({"trait": [f"t{n}" for n in range(30)], "before": 0.2, "after": 0.1})
    assert "5 rows more in the data below" in charts.moved(frame, "trait", "before", "after", title="t").note


def test_two_spreads_stand_back_to_back():
    frame = pd.DataFrame({"low": [0.0, 0.5], "one": [0.25, 0.75], "two": [1.0, 0.0]})
    names = ["touched", "others"]
    chart = charts.mirrored(frame, "low", "one", "two", title="t", along="chance", names=names)
    assert "0 – 0.500 25.0% / 100.0%" in chart.alt
    assert {"Touched", "Others"} <= set(words(chart.svg))
    assert not any("-" in (each or "")[:1] for each in words(chart.svg))  # both sides count up
