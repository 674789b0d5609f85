"""How far plans are, what is overdue, how many run at once, and through which steps they come."""

from datetime import date

import pandas as pd
import pytest

from csworkbench.analyses.plan_validation.boards import boards, counted, funnel, overdue, progress

AS_OF = date(2026, 6, 30)
DAYS = ("started_on", "landed_on", "due_on", "closed_on")


def plans(*rows):
    """Plans P1, P2 and so on of account A and CSM1, running since 1 May, unless they say otherwise."""
    usual = {"account_id": "A", "playbook": "tour", "theme": "adoption", "csm_id": "CSM1", "started_on": "2026-05-01"}
    made = [{**dict.fromkeys(DAYS), **usual, **row} for row in rows]
    index = pd.Index([f"P{number + 1}" for number in range(len(made))], name="plan_id")
    frame = pd.DataFrame(made, index=index, columns=[*DAYS, "account_id", "playbook", "theme", "csm_id", "priority"])
    return frame.assign(**{day: pd.to_datetime(frame[day]).astype("datetime64[s]") for day in DAYS})


def steps(*rows):
    columns = ["plan_id", "step_no", "planned_on", "done_on"]
    frame = pd.DataFrame([row[:4] for row in rows], columns=columns)
    extra = [row[4] if len(row) > 4 else {} for row in rows]
    usual = {"is_mandatory": True, "status": None, "blocker": None}
    frame = frame.assign(
        name=[f"Step {number}" for number in frame["step_no"]],
        **{key: [each.get(key, value) for each in extra] for key, value in usual.items()},
    )
    return frame.assign(**{day: pd.to_datetime(frame[day]).astype("datetime64[s]") for day in columns[2:]})


def accounts():
    return pd.DataFrame({"name": ["Alfa", "Beta"]}, index=pd.Index(["A", "B"], name="account_id"))


def notes(*rows):
    frame = pd.DataFrame(list(rows), columns=["plan_id", "sent_on", "note"])
    return frame.assign(sent_on=pd.to_datetime(frame["sent_on"]).astype("datetime64[s]"))


def board(made, found=None, said=None):
    return progress(made, steps() if found is None else found, accounts(), notes() if said is None else said, AS_OF)


@pytest.mark.parametrize(
    ("dates", "state"),
    [
        ({"started_on": None}, "planned"),
        ({}, "running"),
        ({"landed_on": "2026-06-01"}, "landed"),
        ({"landed_on": "2026-06-01", "closed_on": "2026-06-20"}, "closed"),
        ({"closed_on": "2026-06-20"}, "closed"),
    ],
)
def test_a_plan_stands_where_its_last_date_says(dates, state):
    assert board(plans(dates))["state"].tolist() == [state]


def test_progress_counts_the_mandatory_steps():
    found = steps(
        ("P1", 1, "2026-05-05", "2026-05-06"),
        ("P1", 2, "2026-07-05", None),
        ("P1", 3, "2026-07-09", None),
        ("P1", 4, "2026-05-05", "2026-05-06", {"is_mandatory": False}),
    )
    row = board(plans({}), found).iloc[0]
    assert (row["steps_done"], row["steps"], row["share"]) == (1, 3, pytest.approx(1 / 3))
    assert (row["next_step"], row["next_on"]) == ("Step 2", pd.Timestamp("2026-07-05"))


def test_a_plan_without_steps_has_no_share():
    row = board(plans({})).iloc[0]
    assert (row["steps"], pd.isna(row["share"]), pd.isna(row["next_step"])) == (0, True, True)


def test_a_closed_plan_has_no_next_step_and_is_not_overdue():
    found = steps(("P1", 1, "2026-05-05", None))
    row = board(plans({"closed_on": "2026-06-20", "due_on": "2026-06-01"}), found).iloc[0]
    assert (pd.isna(row["next_step"]), row["overdue_steps"], row["is_overdue"]) == (True, 0, False)


def test_a_plan_is_overdue_the_day_after_it_is_due():
    rows = board(plans({"due_on": "2026-06-29"}, {"due_on": "2026-06-30"})).set_index("plan_id")
    assert rows["is_overdue"].to_dict() == {"P1": True, "P2": False}


def test_a_step_is_overdue_when_its_day_is_over_and_nobody_skipped_it():
    found = steps(
        ("P1", 1, "2026-06-20", None, {"blocker": "customer"}),
        ("P1", 2, "2026-06-30", None),
        ("P1", 3, "2026-06-10", None, {"status": "skipped"}),
        ("P1", 4, "2026-06-10", "2026-06-12"),
        ("P1", 5, None, None),
        ("P2", 1, "2026-06-20", None),  # not begun
    )
    rows = overdue(plans({}, {"started_on": None}), found, AS_OF)
    assert rows[["plan_id", "step", "days_overdue", "blocker"]].to_numpy().tolist() == [
        ["P1", "Step 1", 10, "customer"]
    ]


def test_the_newest_note_follows_its_plan():
    row = board(plans({}), said=notes(("P1", "2026-06-02", "late"), ("P1", "2026-05-02", "early"))).iloc[0]
    assert (row["note"], row["note_on"]) == ("late", pd.Timestamp("2026-06-02"))


def test_the_most_overdue_open_plan_comes_first_and_closed_ones_last():
    found = steps(("P2", 1, "2026-06-20", None), ("P3", 1, "2026-06-01", None))
    made = plans({"closed_on": "2026-06-01"}, {}, {}, {})
    assert board(made, found)["plan_id"].tolist() == ["P3", "P2", "P4", "P1"]


def test_counts_by_csm_are_in_the_order_of_ids_and_hold_no_effect():
    rows = counted(board(plans({"csm_id": "CSM2"}, {"csm_id": "CSM1"}, {"csm_id": None})), "csm_id")
    assert rows["csm_id"].tolist() == ["CSM1", "CSM2", "not known"]
    assert list(rows.columns) == [
        "csm_id", "plans", "planned", "running", "landed", "closed", "at_once", "most_at_once", "overdue_plans",
        "overdue_steps", "steps_done", "steps", "share",
    ]  # fmt: skip


def test_plans_at_once_are_those_begun_and_not_closed():
    made = plans({}, {"landed_on": "2026-06-01"}, {"started_on": None}, {"closed_on": "2026-06-01"})
    row = counted(board(made), "account_id").iloc[0]
    assert (row["name"], row["plans"], row["at_once"]) == ("Alfa", 4, 2)


def test_the_peak_counts_the_day_of_closing_and_not_the_day_after():
    first = {"started_on": "2026-05-01", "closed_on": "2026-05-10"}
    overlaps = counted(board(plans(first, {"started_on": "2026-05-10", "closed_on": "2026-05-20"})), "account_id")
    follows = counted(board(plans(first, {"started_on": "2026-05-11", "closed_on": "2026-05-20"})), "account_id")
    assert (overlaps["most_at_once"].tolist(), follows["most_at_once"].tolist()) == ([2], [1])


def test_the_counts_of_each_board_add_up_to_the_plans():
    made = plans({}, {"account_id": "B", "theme": "recovery"}, {"theme": None, "closed_on": "2026-06-01"})
    found = boards(made, steps(), accounts(), notes(), AS_OF)
    assert [int(found.tables[name]["plans"].sum()) for name in ("by_account", "by_theme", "by_csm")] == [3, 3, 3]


def test_the_funnel_counts_the_plans_that_came_through_each_step():
    made = plans({}, {}, {"closed_on": "2026-06-01"}, {"started_on": None})
    found = steps(
        ("P1", 1, None, "2026-05-05"),
        ("P1", 2, None, None),
        ("P2", 1, None, "2026-05-05"),
        ("P2", 2, None, "2026-05-09"),
        ("P3", 1, None, None),
        ("P3", 2, None, None),
        ("P4", 1, None, None),
    )
    rows = funnel(made, found)
    columns = ["step", "begun", "done", "waiting", "stopped"]
    assert rows[columns].to_numpy().tolist() == [["Step 1", 3, 2, 0, 1], ["Step 2", 3, 1, 1, 0]]
    # Wilson at 2 of 3: (2/3 + 1.96^2/6 -+ 1.96 sqrt(2/27 + 1.96^2/36)) / (1 + 1.96^2/3)
    assert rows.loc[0, ["share", "low", "high"]].tolist() == pytest.approx([2 / 3, 0.2077, 0.9385], abs=1e-4)


def test_figures_count_open_and_overdue():
    found = boards(
        plans({"due_on": "2026-06-01"}, {}, {"closed_on": "2026-06-01"}),
        steps(("P1", 1, "2026-06-20", None)),
        accounts(),
        notes(),
        AS_OF,
    )
    assert {name: figure.value for name, figure in found.figures.items()} == {
        "open_plans": 2,
        "overdue_plans": 1,
        "overdue_steps": 1,
        "most_at_once": 2,
    }
    assert [caveat.code for caveat in found.caveats] == ["plans_without_steps"]


def test_a_book_without_plans_has_empty_boards():
    found = boards(plans(), steps(), accounts(), notes(), AS_OF)
    assert [len(table) for table in found.tables.values()] == [0] * 6
    assert found.figures["open_plans"].value == 0


def test_the_order_of_rows_changes_no_board():
    made = plans({}, {"account_id": "B"}, {"closed_on": "2026-06-01"})
    found = steps(("P1", 1, "2026-06-20", None), ("P2", 1, "2026-06-20", "2026-06-21"))
    straight = boards(made, found, accounts(), notes(), AS_OF).tables
    turned = boards(made.iloc[::-1], found.iloc[::-1], accounts(), notes(), AS_OF).tables
    for name, table in straight.items():
        pd.testing.assert_frame_equal(table, turned[name])
