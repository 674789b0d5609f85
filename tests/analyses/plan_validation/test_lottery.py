"""Who may start, in which drawn order, and how the official order is read back next quarter."""

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.lottery import digest_of, draw, eligible, recorded, with_orders, without_plan
from csworkbench.errors import RunError
from csworkbench.estimates import say
from csworkbench.exports import write_tables
from csworkbench.formats import text as in_words
from csworkbench.store import (
    Artifact,
    NotebookRecord,
    NotebookStatus,
    RunInfo,
    RunRecord,
    RunState,
    begin,
    publish,
    release,
    write_result,
)
from tests.analyses.plan_validation.libraries import TOUR, library

AS_OF = date(2026, 9, 30)
AT = datetime(2026, 10, 1, 8, tzinfo=UTC)
TIERS = {f"A{number:02}": "large" if number < 4 else "mid" for number in range(12)}


def playbook(**replaced):
    text = TOUR
    for key, line in replaced.items():
        (old,) = [each for each in TOUR.splitlines() if each.startswith(f"{key}:")]
        text = text.replace(old, line)
    return library(tour=text).playbooks["tour"]


def drawn(capacity=4, seed=1, tiers=None, **replaced):
    return draw(playbook(**replaced), TIERS if tiers is None else tiers, capacity, AS_OF, seed=seed)


def plans(*rows):
    columns = ["account_id", "playbook", "created_on", "started_on", "closed_on", "lottery", "start_order"]
    made = [{"playbook": "tour", **row} for row in rows]
    index = pd.Index([f"P{number + 1}" for number in range(len(made))], name="plan_id", dtype="str")
    frame = pd.DataFrame(made, columns=columns, index=index)
    kinds = {name: "datetime64[s]" for name in columns if name.endswith("_on")}
    return frame.astype({**kinds, "account_id": "str", "playbook": "str", "lottery": "str", "start_order": "float64"})


def accounts(**tiers):
    frame = pd.DataFrame({"tier": tiers}, index=pd.Index(list(tiers), name="account_id"))
    return frame.assign(left_on=pd.Series(pd.NaT, index=frame.index, dtype="datetime64[s]"))


def no_orders():
    return recorded({}).rows


def why(found):
    return found.set_index("account_id")["why"].to_dict()


# --- who may start ----------------------------------------------------------------------------------------------------


def test_accounts_within_the_scope_are_eligible():
    found = eligible(playbook(), accounts(A="large", B="mid", C="small", D=None), plans(), no_orders())
    assert why(found) == {"A": "", "B": "", "C": "outside the scope", "D": "attribute not known"}


def test_an_account_that_left_is_not_eligible():
    book = accounts(A="large")
    book.loc["A", "left_on"] = pd.Timestamp("2026-06-01")
    assert why(eligible(playbook(), book, plans(), no_orders())) == {"A": "left"}


def test_an_account_that_had_the_playbook_or_has_a_plan_running_is_not_eligible():
    made = plans(
        {"account_id": "A", "started_on": "2026-01-01", "closed_on": "2026-03-01"},
        {"account_id": "B", "playbook": "walk", "started_on": "2026-01-01"},
        {"account_id": "C", "playbook": "walk", "started_on": "2026-01-01", "closed_on": "2026-03-01"},
    )
    found = eligible(playbook(), accounts(A="mid", B="mid", C="mid"), made, no_orders())
    assert why(found) == {"A": "has had this playbook", "B": "another plan is running", "C": ""}


def test_an_account_in_an_official_order_is_not_drawn_again():
    orders = pd.DataFrame({"account_id": ["A", "B"], "playbook": ["tour", "walk"]})
    found = eligible(playbook(), accounts(A="mid", B="mid"), plans(), orders)
    assert why(found) == {"A": "waits in a lottery", "B": ""}


def test_a_threshold_leaves_out_who_is_not_below_it():
    ruled = playbook(cases="starts_when: {metric: health_score, below: 40}")
    level = pd.Series({"A": 39.9, "B": 40.0})
    found = eligible(ruled, accounts(A="mid", B="mid", C="mid"), plans(), no_orders(), level)
    assert why(found) == {"A": "", "B": "not below the threshold", "C": "not below the threshold"}


def test_an_attribute_that_accounts_do_not_have_makes_nobody_eligible():
    book = accounts(A="large").drop(columns="tier")
    assert why(eligible(playbook(), book, plans(), no_orders())) == {"A": "attribute not known"}


# --- the draw ---------------------------------------------------------------------------------------------------------


def test_nothing_is_drawn_where_all_can_start():
    assert drawn(capacity=12) is None
    assert drawn(capacity=11) is not None


@pytest.mark.parametrize("status", ["redesign", "retired"])
def test_nothing_is_drawn_for_a_playbook_that_is_not_to_be_used(status):
    assert drawn(status=f"status: {status}") is None


def test_a_month_whose_draw_is_official_has_no_other():
    assert draw(playbook(), TIERS, 4, AS_OF, official=["tour-2026-09"]) is None
    assert draw(playbook(), TIERS, 4, date(2026, 10, 1), official=["tour-2026-09"]).id == "tour-2026-10"


def test_a_capacity_of_nothing_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match=r"capacity must be at least 1, not 0"):
        drawn(capacity=0)


def test_everybody_has_one_place_and_the_first_ones_start_now():
    rows = drawn(capacity=4).order
    assert rows["start_order"].tolist() == list(range(1, 13))
    assert sorted(rows["account_id"]) == sorted(TIERS)
    assert rows["starts_now"].tolist() == [True] * 4 + [False] * 8


def test_the_order_depends_on_the_seed_and_not_on_the_order_of_accounts():
    turned = dict(reversed(TIERS.items()))
    pd.testing.assert_frame_equal(drawn().order, drawn(tiers=turned).order)
    assert drawn().order["account_id"].tolist() != drawn(seed=2).order["account_id"].tolist()


def test_the_registration_holds_the_digest_of_the_order_and_of_itself():
    found = drawn()
    items = dict(found.registration.to_numpy().tolist())
    pairs = [
        [str(place), account]
        for place, account in zip(found.order["start_order"], found.order["account_id"], strict=True)
    ]
    written = json.dumps(pairs, separators=(",", ":"))
    assert items["order_sha256"] == sha256(written.encode()).hexdigest()
    rows = [tuple(row) for row in found.registration.to_numpy().tolist()]
    assert rows[-1] == ("sha256", digest_of(rows[:-1]))
    assert (items["lottery"], items["accounts"], items["capacity"]) == ("tour-2026-09", "12", "4")
    assert (items["accounts.large"], items["accounts.mid"]) == ("4", "8")


def test_the_action_says_how_many_wait():
    said = in_words(drawn(capacity=4).action)
    assert said.startswith(
        "8 accounts must wait for Tour: release the drawn order (csw release latest plan_validation "
    )
    assert "lottery_tour), then start the first 4 in it" in said


# --- made official, and read back -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    tables: Any
    releases: Any
    headline: Any = field(default_factory=lambda: say("Drawn"))
    figures: Any = field(default_factory=dict)
    caveats: Any = ()
    actions: Any = ()


def official(tmp_path, lottery, run_id="r1"):
    """The texts of records/lotteries after a run offered the lottery and somebody released it."""
    with begin(tmp_path / "out", run_id) as folder:
        place = folder.path / "plan_validation"
        place.mkdir()
        tables = write_tables(lottery.tables, place / "tables", ["account_id"])
        outcome = Outcome(lottery.tables, (lottery.release,))
        write_result(place, outcome, analysis="plan_validation", as_of=AS_OF, config={}, tables=tables)
        artifacts = tuple(
            Artifact(
                path.relative_to(folder.path).as_posix(), path.stat().st_size, sha256(path.read_bytes()).hexdigest()
            )
            for path in sorted(place.rglob("*"))
            if path.is_file()
        )
        notebook = NotebookRecord("plan_validation", NotebookStatus.OK, artifacts=artifacts)
        run = publish(folder, RunRecord(run_id, RunState.OK, "2026-10-01T07:00:00Z", 1.0, RunInfo(), (notebook,)))
    release(run, "plan_validation", tmp_path / "records", AT)
    return {path.name: path.read_bytes().decode() for path in (tmp_path / "records" / "lotteries").glob("*.csv")}


def test_a_released_order_is_read_back_as_it_was_drawn(tmp_path):
    lottery = drawn()
    found = recorded(official(tmp_path, lottery))
    assert found.problems == ()
    columns = ["lottery", "account_id", "playbook", "start_order", "starts_now", "eligible_on"]
    assert found.rows[columns].to_numpy().tolist() == lottery.order[columns].to_numpy().tolist()


def test_another_draw_of_the_same_month_cannot_be_made_official(tmp_path):
    official(tmp_path, drawn())
    with pytest.raises(RunError, match=r"tour-2026-09 has an official list already"):
        official(tmp_path, drawn(seed=2), "r2")


def test_a_damaged_record_is_told_and_counts_for_nothing(tmp_path):
    ((name, text),) = official(tmp_path, drawn()).items()
    found = recorded({name: text.replace("large", "small")})
    assert found.rows.empty
    assert "is damaged" in str(found.problems[0])


def test_a_record_of_something_else_is_told():
    text = "unit_id,variant\nA,new\n"
    name = f"other-{sha256(text.encode()).hexdigest()[:12]}.csv"
    assert "is a list of another kind: it has no account_id" in str(recorded({name: text}).problems[0])


def orders(*rows):
    columns = ["lottery", "account_id", "playbook", "start_order", "eligible_on"]
    frame = pd.DataFrame([("tour-2026-09", *row, "2026-09-30") for row in rows], columns=columns)
    return frame.astype({"eligible_on": "datetime64[s]"})


def test_the_first_plan_after_the_draw_gets_its_place():
    made = plans(
        {"account_id": "A", "created_on": "2026-10-09", "started_on": "2026-10-10"},
        {"account_id": "A", "created_on": "2026-10-05", "started_on": "2026-10-06"},
        {"account_id": "A", "created_on": "2026-09-29", "started_on": "2026-09-29"},
        {"account_id": "B", "created_on": "2026-10-05", "playbook": "walk"},
    )
    found = with_orders(made, orders(("A", "tour", 3)))
    assert found["start_order"].fillna(0).tolist() == [0, 3, 0, 0]
    assert found["lottery"].dropna().to_dict() == {"P2": "tour-2026-09"}


def test_a_draft_from_before_the_draw_is_a_plan_of_it_once_it_starts():
    made = plans(
        {"account_id": "A", "created_on": "2026-09-01", "started_on": "2026-10-05"},
        {"account_id": "A", "created_on": "2026-08-01"},
        {"account_id": "B", "created_on": "2026-09-01"},
        {"account_id": "C", "created_on": "2026-05-01", "closed_on": "2026-06-01"},
        {"account_id": "D", "created_on": "2026-05-01", "started_on": "2026-06-01"},
    )
    all_four = orders(("A", "tour", 1), ("B", "tour", 2), ("C", "tour", 3), ("D", "tour", 4))
    assert with_orders(made, all_four)["start_order"].dropna().to_dict() == {"P1": 1, "P3": 2}
    # What was closed or had started before the draw is no plan of it: these two wait without one.
    assert without_plan(made, all_four)["account_id"].tolist() == ["C", "D"]


def test_who_has_no_plan_yet_is_kept_apart_from_the_plans():
    made = plans({"account_id": "A", "created_on": "2026-10-05", "started_on": "2026-10-06"})
    drawn_both = orders(("A", "tour", 1), ("B", "tour", 2))
    assert with_orders(made, drawn_both).index.tolist() == ["P1"]
    assert without_plan(made, drawn_both).to_dict("records") == [
        {"lottery": "tour-2026-09", "account_id": "B", "playbook": "tour", "start_order": 2.0}
    ]


def test_the_record_counts_and_not_what_is_typed_into_a_plan():
    made = plans(
        {"account_id": "A", "created_on": "2026-10-05", "lottery": "by hand", "start_order": 9.0},
        {"account_id": "B", "created_on": "2026-10-05", "lottery": "tour-2026-09", "start_order": 1.0},
        {"account_id": "C", "created_on": "2026-10-05", "lottery": "by hand", "start_order": 2.0},
    )
    found = with_orders(made, orders(("A", "tour", 3)))  # B was not drawn
    assert found["lottery"].fillna("-").tolist() == ["tour-2026-09", "-", "by hand"]
    assert found["start_order"].fillna(0).tolist() == [3, 0, 2]


def test_without_official_orders_plans_stay_as_they_are():
    made = plans({"account_id": "A", "created_on": "2026-10-05"})
    pd.testing.assert_frame_equal(with_orders(made, no_orders()), made)
