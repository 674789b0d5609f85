"""What the page on touches rests on: one block of rows per touch, or why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from csworkbench.analyses.touch_effect.happening import happened_weeks, touch_rows
from csworkbench.analyses.touch_effect.known import declared, refuse_today
from csworkbench.analyses.touch_effect.settings import (
    Config,
    Kept,
    LotTouch,
    OnceTouch,
    PeriodsTouch,
    Reached,
    TouchFilter,
    WeeklyTouch,
)
from csworkbench.analyses.touch_effect.weekly import (
    CONTROL_SHIFT,
    UNDECIDED,
    cells_of,
    course_of,
    grid_of,
    monday,
    past_of,
    use_in,
    values_of,
)
from csworkbench.errors import AnalysisError, Problem
from csworkbench.estimates import Message, say
from csworkbench.experiments import enrolled, measured, tables_of
from csworkbench.features import missing_tables

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.asof import Snapshot

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Ints = NDArray[np.int64]


UNREAD = "outcome cannot be read"
STILL_OPEN = "renewal due and still open"


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Rows that are compared.

    Args:
        accounts: Id of the account of each row.
        strata: Group within which rows are compared, such as the week; the same text for all = one group.
        is_touched: Whether each row was touched.
        outcome: What came of it.
        covariates: What was known before.
    """

    accounts: "pd.Series[Any]"
    strata: "Ints"
    is_touched: "Flags"
    outcome: "Floats"
    covariates: "pd.DataFrame"

    def only(self, kept: "Flags", outcome: "Floats") -> "Block":
        """Return some of the rows with another outcome.

        Args:
            kept: Which rows stay.
            outcome: Of the rows that stay.
        """
        return Block(self.accounts[kept], self.strata[kept], self.is_touched[kept], outcome, self.covariates[kept])


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """A touch nobody drew by lot.

    Args:
        block: The rows.
        bounds: The rows and those whose renewal is due and still open: all of them lost, and all of them kept; None
            where there are none.
        control: The same rows read on use two weeks before the touch; None where use is not recorded.
        placebo: The same rows, touched some weeks too early; None likewise.
        course: Use per week of each row around the touch, on the scale of the outcome; None likewise.
        left_out: Reason -> rows that cannot enter, and how many of them were touched.
        lacks: Covariates that are left out, and the tables they need.
    """

    block: Block
    bounds: tuple[Block, Block] | None
    control: Block | None
    placebo: Block | None
    course: "Floats | None"
    left_out: Mapping[str, tuple[int, int]]
    lacks: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """A touch that was drawn by lot.

    Args:
        units: One row per unit that is read: account_id, variant, is_drawn, got (0 or 1), total, size.
        left_out: Reason -> units that are not read, and how many of them were drawn.
    """

    units: "pd.DataFrame"
    left_out: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """A touch on a whole group.

    Args:
        rows: is_touched, is_after, outcome.
        left_out: Reason -> rows that cannot be read, and how many of them were touched.
    """

    rows: "pd.DataFrame"
    left_out: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Absent:
    """Why there are no rows of a touch.

    Args:
        reason: In a sentence.
        action: What helps.
    """

    reason: Message
    action: Message


Facts = Observed | Drawn | Grouped | Absent


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """Everything `analyze` needs.

    Args:
        as_of: Date of the page.
        facts: Touch -> what is known of it.
    """

    as_of: date
    facts: Mapping[str, Facts]


def prepare(snapshot: "Snapshot", config: Config, upstream: Mapping[str, Any]) -> Inputs:
    """Return the rows of every touch, as known at the date.

    Args:
        snapshot: The book at the date of the page.
        config: Settings; which touches, their outcomes and covariates.
        upstream: Not used: the page needs no other result.

    Raises:
        AnalysisError: a touch names a column that does not exist, or a covariate that is only known as of today.
    """
    del upstream
    facts: dict[str, Facts] = {}
    for touch in config.touches:
        match touch:
            case WeeklyTouch():
                facts[touch.id] = _weekly(snapshot, touch, config)
            case LotTouch():
                facts[touch.id] = _drawn(snapshot, touch)
            case OnceTouch():
                facts[touch.id] = _once(snapshot, touch)
            case PeriodsTouch():
                facts[touch.id] = _grouped(snapshot, touch)
    return Inputs(snapshot.as_of, facts)


def _absent(snapshot: "Snapshot", *names: str) -> Absent | None:
    lost = [name for name in names if name not in snapshot.tables]
    if not lost:
        return None
    return Absent(
        say("the workspace has no {tables:list}", tables=lost),
        say("Add {tables:list} under tables in the workspace", tables=lost),
    )


def _weekly(snapshot: "Snapshot", touch: WeeklyTouch, config: Config) -> Facts:
    import numpy as np
    import pandas as pd

    needed = {Reached: ("milestones",), Kept: ("renewals",)}.get(type(touch.outcome), ())
    lost = _absent(snapshot, "touches", "usage_daily", *needed)
    if lost:
        return lost
    happened = None if touch.outcome.kind == "usage" else happened_weeks(snapshot, touch.outcome)
    grid = grid_of(snapshot, touch)
    cells = cells_of(grid, touch)
    values = values_of(grid, cells, touch, happened)
    left_out = {why: (rows, cells.touched_left_out[why]) for why, rows in cells.left_out.items() if rows}
    unread = values != values
    if unread.any():
        left_out[UNREAD] = (int(unread.sum()), int(cells.is_touched[unread].sum()))
    cells, values = cells.only(~unread), values[~unread]
    is_open = values == UNDECIDED
    if is_open.any():
        left_out[STILL_OPEN] = (int(is_open.sum()), int(cells.is_touched[is_open].sum()))
    if is_open.all():
        return Absent(
            say("nobody was touched so that use before and after is known"),
            say("Check which touches are meant, or wait until their follow-up is over"),
        )
    refuse_today(snapshot, touch, monday(grid.first + int(cells.week.min())))
    first, last = touch.grace_weeks, touch.grace_weeks + touch.horizon_weeks - 1
    # What is read, and by how many weeks earlier everything is cut.
    asked = (
        (0, cells, values),
        *(
            (shift, early, use_in(grid, early, span, touch.outcome))
            for shift, span in (
                (CONTROL_SHIFT, (-CONTROL_SHIFT, -CONTROL_SHIFT)),
                (config.placebo_weeks, (first - config.placebo_weeks, last - config.placebo_weeks)),
            )
            if len((early := cells.only(cells.week - shift >= grid.enters[cells.account])).week)
        ),
    )
    known = declared(snapshot, touch, grid, [(early, shift) for shift, early, _ in asked])
    blocks = {
        shift: Block(
            pd.Series(grid.accounts.take(each.account)),
            each.week,
            each.is_touched,
            found,
            pd.concat([past_of(grid, each, shift), own], axis=1),
        )
        for (shift, each, found), own in zip(asked, known, strict=True)
    }
    lacks = missing_tables({name: each.measure for name, each in touch.covariates.items()}, snapshot)
    course = course_of(grid, cells.only(~is_open), touch, config.course_weeks)
    every, block = blocks[0], blocks[0].only(~is_open, values[~is_open])
    bounds = None
    if is_open.any():
        bounds = (replace(every, outcome=np.where(is_open, 0.0, values)), replace(every, outcome=np.abs(values)))
    control, placebo = blocks.get(CONTROL_SHIFT), blocks.get(config.placebo_weeks)
    return Observed(block, bounds, control, placebo, course, left_out, lacks)


def _drawn(snapshot: "Snapshot", touch: LotTouch) -> Facts:
    metric = next(each for each in touch.experiment.metrics if each.name == touch.metric)
    reads = ("experiment_units", *tables_of(metric.outcome), *(() if touch.got else ("touches",)))
    lost = _absent(snapshot, *dict.fromkeys(reads))
    if lost:
        return lost
    units = enrolled(snapshot, touch.experiment)
    frame = units.to_pandas().set_index("unit_id", drop=False)
    values = measured(snapshot, touch.experiment, metric, units).to_pandas().set_index("unit_id")
    frame = frame.join(values[["total", "size"]]).assign(reason=values["why"])
    frame["why"] = frame["why"].where(frame["why"] != "", frame["reason"])
    frame["is_drawn"] = frame["variant"].isin(touch.drawn)
    frame["got"] = _got(snapshot, touch, frame)
    out = frame[frame["why"] != ""]
    left_out = {str(why): (len(rows), int(rows["is_drawn"].sum())) for why, rows in out.groupby("why")}
    read = frame[frame["why"] == ""].reset_index(drop=True)
    if read.empty or read["is_drawn"].all() or not read["is_drawn"].any():
        return Absent(
            say("no two arms have units that can be read"), say("Check the arms, and wait until the follow-up is over")
        )
    return Drawn(read[["account_id", "variant", "is_drawn", "got", "total", "size"]], left_out)


def _got(snapshot: "Snapshot", touch: LotTouch, units: "pd.DataFrame") -> "pd.Series[Any]":
    """Return 1 for each unit that got the touch: by its column, or by a row of `touches` of the experiment."""
    import pandas as pd

    if touch.got is not None:
        table = snapshot.tables["experiment_units"]
        if touch.got not in table.columns:
            hint = "declare it under extra of experiment_units in the workspace"
            raise AnalysisError(Problem("there is no such column in experiment_units", key=touch.got, hint=hint))
        own = table.filter(table.experiment_id == touch.experiment.id).select("unit_id", got=table[touch.got])
        found = own.to_pandas().drop_duplicates("unit_id").set_index("unit_id")["got"]
        own_units: pd.Series[Any] = found.reindex(units.index).fillna(0).astype(float)
        return own_units
    sent = touch_rows(snapshot, TouchFilter(experiment_id=(touch.experiment.id,)))
    key = "account_id" if touch.experiment.unit == "account" else "contact_id"
    got = set(sent.select(key).distinct().to_pandas()[key])
    return pd.Series([float(unit in got) for unit in units.index], index=units.index)


def _columns(snapshot: "Snapshot", wanted: Mapping[str, str]) -> "pd.DataFrame":
    """Return columns of accounts by name, with account_id.

    Raises:
        AnalysisError: some of them are not there.
    """
    accounts = snapshot.tables["accounts"]
    lost = [name for name in wanted.values() if name not in accounts.columns]
    if lost:
        hint = "declare it under extra of accounts in the workspace"
        raise AnalysisError(*(Problem("there is no such column in accounts", key=name, hint=hint) for name in lost))
    frame: pd.DataFrame = accounts.select(
        "account_id", **{name: accounts[column] for name, column in wanted.items()}
    ).to_pandas()
    return frame.sort_values("account_id", ignore_index=True)


def _readable(frame: "pd.DataFrame", names: tuple[str, ...]) -> "tuple[pd.DataFrame, dict[str, tuple[int, int]]]":
    """Return the rows in which the named columns are filled, and how many are not."""
    is_known = frame[list(names)].notna().all(axis=1)
    lost = frame[~is_known]
    left_out = (
        {"touch or outcome not recorded": (len(lost), int(lost["is_touched"].eq(True).sum()))} if len(lost) else {}
    )
    return frame[is_known].reset_index(drop=True), left_out


def _once(snapshot: "Snapshot", touch: OnceTouch) -> Facts:
    import numpy as np

    wanted = {"is_touched": touch.touched, "outcome": touch.outcome}
    wanted |= {f"covariate_{place}": known.column for place, known in enumerate(touch.covariates)}
    frame, left_out = _readable(_columns(snapshot, wanted), ("is_touched", "outcome"))
    names = {f"covariate_{place}": known.column for place, known in enumerate(touch.covariates)}
    covariates = frame[list(names)].rename(columns=names)
    numbers = covariates.select_dtypes(exclude=["str", "bool", "boolean"]).columns
    block = Block(
        frame["account_id"],
        np.zeros(len(frame), dtype=np.int64),
        frame["is_touched"].to_numpy(dtype=bool),
        frame["outcome"].to_numpy(dtype=float),
        covariates.assign(**{name: covariates[name].astype(float) for name in numbers}),
    )
    return Observed(block, None, None, None, None, left_out, {})


def _grouped(snapshot: "Snapshot", touch: PeriodsTouch) -> Facts:
    wanted = {"is_touched": touch.touched, "is_after": touch.after, "outcome": touch.outcome}
    frame, left_out = _readable(_columns(snapshot, wanted), tuple(wanted))
    return Grouped(
        frame.astype({"is_touched": bool, "is_after": bool, "outcome": float}).drop(columns="account_id"), left_out
    )
