"""Everything around plans in one call, from a book to the parts of a result."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.around import Around, Bands, bands_of, look_around
from csworkbench.analyses.plan_validation.boards_inputs import surroundings
from csworkbench.asof import take
from csworkbench.config import load
from csworkbench.errors import ConfigError
from csworkbench.estimates import Result
from csworkbench.formats import text as in_words
from tests.analyses.plan_validation.libraries import TOUR, library
from tests.books import book

AS_OF = date(2026, 6, 30)
MAY, JUNE = date(2026, 5, 31), date(2026, 6, 30)
NAMES = ("at_risk", "average")


def snapshot():
    """Eight accounts, of which the first has a plan with an overdue step."""
    accounts = [
        {"account_id": f"A{number}", "name": f"Account {number}", "value_tier": "large" if number < 4 else "mid"}
        for number in range(8)
    ]
    plan = {
        "plan_id": "P1",
        "account_id": "A0",
        "playbook": "tour",
        "created_at": "2026-05-01T08:00:00",
        "started_at": "2026-05-10T08:00:00",
        "closed_at": None,
    }
    step = {
        "plan_id": "P1",
        "step_no": 1,
        "name": "Send the tour",
        "is_mandatory": True,
        "planned_at": "2026-06-01T08:00:00",
        "done_at": None,
        "status": "todo",
        "blocker": "none",
    }
    return take(book({"accounts": accounts, "plans": [plan], "plan_steps": [step]}), AS_OF)


def history(*rows):
    kinds = {"snapshot_on": "datetime64[s]", "score": "float64", "account_id": "str", "band": "str"}
    return pd.DataFrame(list(rows), columns=["account_id", "snapshot_on", "score", "band"]).astype(kinds)


def around(books=None, bands=None, **settings):
    bands = bands or Bands(history(("A1", MAY, 30.0, "at_risk"), ("A1", JUNE, 60.0, "average")), NAMES)
    found = surroundings(snapshot(), (MAY, JUNE), 30)
    plain = TOUR.replace("scope:\n  where: {tier: [large, mid]}\n", "")
    books = books or library(tour=plain)
    return look_around(found, bands, books, Around(**settings), config_sha256="c" * 64)


@dataclass(frozen=True)
class Page:
    found: Any
    headline: Any = field(init=False)
    figures: Any = field(init=False)
    tables: Any = field(init=False)
    caveats: Any = field(init=False)
    actions: Any = field(init=False)

    def __post_init__(self):
        for name in ("headline", "figures", "tables", "caveats", "actions"):
            object.__setattr__(self, name, getattr(self.found, name))


def test_the_parts_fit_into_a_result():
    found = around()
    assert isinstance(Page(found), Result)
    assert in_words(found.headline).startswith("1 recovery and 0 losses")


def test_boards_sheets_baselines_and_ledger_stand_beside_each_other():
    found = around()
    assert list(found.tables) == [
        "plan_board", "overdue", "step_funnel", "by_account", "by_theme", "by_csm", "plan_sheets", "plan_baselines",
        "baselines", "baselines_changed", "eligible", "ledger", "drivers",
    ]  # fmt: skip
    assert list(found.files) == ["sheets/P1.html"]
    assert found.tables["ledger"][["account_id", "outcome"]].to_numpy().tolist() == [["A1", "recovered"]]


def test_overdue_steps_are_an_action():
    assert in_words(around().actions[0]) == "Settle the 1 overdue step of 1 plan, the oldest first: table overdue."


def test_without_a_capacity_nothing_is_drawn():
    found = around()
    assert found.tables["eligible"].empty
    assert found.releases == ()


def test_more_eligible_accounts_than_places_draw_an_order_that_can_be_released():
    found = around(capacity={"tour": 3})
    # A0 has had the playbook, so seven are left.
    counted = found.tables["eligible"].to_numpy().tolist()
    assert counted == [["tour", "eligible", 7], ["tour", "has had this playbook", 1]]
    order = found.tables["lottery_tour"]
    assert sorted(order["account_id"]) == [f"A{number}" for number in range(1, 8)]
    assert sorted(set(order["stratum"])) == ["large", "mid"]
    assert [release.place for release in found.releases] == ["lotteries/tour-2026-06"]


def test_enough_places_draw_nothing():
    assert "lottery_tour" not in around(capacity={"tour": 7}).tables


def test_no_order_is_drawn_where_a_metric_decides_who_starts():
    ruled = TOUR.replace("cases:", "starts_when: {metric: orders, below: 40}\ncases:")
    found = around(books=library(tour=ruled), capacity={"tour": 3})
    assert found.releases == ()
    assert "lottery_not_drawn" in {caveat.code for caveat in found.caveats}


def test_a_capacity_for_a_playbook_that_is_not_there_is_told():
    found = around(capacity={"walk": 3})
    assert "capacity names walk" in " ".join(in_words(caveat.message) for caveat in found.caveats)


def test_a_damaged_official_order_is_told_and_the_draw_goes_on():
    found = around(capacity={"tour": 3}, lotteries={"tour-2026-05-0123456789ab.csv": "a,b\n"})
    assert "lottery_damaged" in [caveat.code for caveat in found.caveats]
    assert "lottery_tour" in found.tables


def test_without_health_the_ledger_is_empty_and_the_rest_is_there():
    found = around(bands=bands_of({}))
    assert found.tables["ledger"].empty
    assert len(found.tables["plan_board"]) == 1
    assert "ledger_no_history" in [caveat.code for caveat in found.caveats]


@dataclass(frozen=True)
class Health:
    tables: Any
    config: Any


def test_bands_come_from_the_health_page_worst_first():
    config = {"scorecards": [{"bands": [{"name": "at_risk"}, {"name": "average"}]}]}
    rows = history(("A1", MAY, 30.0, "at_risk")).assign(scorecard="default")
    found = bands_of({"health": Health({"account_history": rows}, config)})
    assert found.names == NAMES
    assert list(found.history.columns) == ["account_id", "snapshot_on", "score", "band"]


def test_settings_read_the_official_lists_as_texts(tmp_path):
    (tmp_path / "a.yaml").write_text("capacity: {tour: 3}\nlotteries: records/lotteries\n")
    assert load(Path("a.yaml"), Around, tmp_path).lotteries == {}


def test_a_capacity_of_nothing_is_refused(tmp_path):
    (tmp_path / "a.yaml").write_text("capacity: {tour: 0}\n")
    with pytest.raises(ConfigError, match=r"a\.yaml:1:12: capacity\.tour: must be a whole number from 1 to 100000"):
        load(Path("a.yaml"), Around, tmp_path)
