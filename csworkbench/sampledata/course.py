"""How success plans of the simulated book go: when they start, land and end, and which steps are done."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from csworkbench.sampledata.picking import Picks
from csworkbench.sampledata.playbooks import BY_NAME, STUCK_STEP
from csworkbench.sampledata.world import World

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from csworkbench.sampledata.contracts import Contracts
    from csworkbench.sampledata.world import Flags, Floats, Ints, Texts, Times

    Spans = NDArray[np.timedelta64]

DUE_DAYS = 110  # from the start of a plan to the day it should be closed
SKIPPED_SHARE = 0.35  # of the optional steps of plans that are run to the end
STEP_MINUTES = 60.0
RECORDED_LATE = 0.06  # of the plans come into the records some days after they were written
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Course:
    """The course of each plan, as if the book went on; arrays of one value per plan, in the order of creation.

    Args:
        run: finished, ticked (all steps ticked off at closing, nothing done), stuck_csm, stuck_customer, stuck_plan,
            dropped, or left (the account left before the plan landed).
        stop: Number of the step that was never done, 0 = all were.
        created: When the plan was written.
        started: When it starts.
        planned_landing: When it should land.
        landed: When it landed, NaT: never.
        due: When it should be closed.
        closed: When it was closed.
        recorded: When it came into the records, NaT: when it was written.
        end: Last second at which something can happen: the account leaves, or the book ends.
    """

    run: Texts
    stop: Ints
    created: Times
    started: Times
    planned_landing: Times
    landed: Times
    due: Times
    closed: Times
    recorded: Times
    end: Times

    def shown(self, world: World, at: Times) -> Times:
        """Return instants as the book has them: in office hours, NaT where they lie after its end."""
        import numpy as np

        return np.where(at <= world.size.last_second, office(at), np.datetime64("NaT", "s"))

    def known(self) -> Times:
        """Return when the warehouse knew each plan, and with it its steps and goals."""
        import numpy as np

        return np.where(np.isnat(self.recorded), office(self.created), self.recorded)

    def anchor(self) -> Times:
        """Return the instant from which a plan is judged: landing, else the day it should have landed."""
        import numpy as np

        return np.where(np.isnat(self.landed), self.planned_landing, self.landed)


def office(at: Times) -> Times:
    """Return instants moved into office hours of their days, their order kept."""
    import numpy as np

    day = at.astype("datetime64[D]").astype("datetime64[s]")
    return np.asarray(day + np.timedelta64(7 * 3600, "s") + (at - day) // 3)


def make_course(world: World, contracts: Contracts, picks: Picks) -> tuple[Picks, Course]:
    """Return the plans in the order of their creation, and the course of each.

    Args:
        world: Accounts of the block.
        contracts: When accounts leave: their plans end with them.
        picks: Who gets a plan when.
    """
    import numpy as np

    rng, count = world.stream("plans", 5), len(picks.account)
    created = _in_month(world, picks.month, rng)
    waits = picks.start_month > picks.month
    started = np.where(
        waits,
        _in_month(world, picks.start_month, rng),
        created + rng.integers(_DAY, 6 * _DAY, count).astype("timedelta64[s]"),
    )
    planned: Times = np.add(started, _span([BY_NAME[name].landing_days for name in picks.playbook], rng))
    closed: Times = np.add(planned, _span([BY_NAME[name].review_days for name in picks.playbook], rng))
    run, stop = _runs(picks, rng)
    late: Times = np.add(created, _span([(3, 10)] * count, rng))
    left = contracts.churned_at[picks.account]
    is_left = ~np.isnat(left) & (left < planned)
    run = np.where(is_left, "left", run).astype(object)
    end = np.minimum(np.where(np.isnat(left), world.size.last_second, left), world.size.last_second)
    is_cut = ~np.isnat(left) & (left < closed)
    never = np.datetime64("NaT", "s")
    order = np.lexsort((picks.account, created))
    course = Course(
        run=run,
        stop=stop,
        created=created,
        started=np.where(~np.isnat(left) & (left < started), never, started),
        planned_landing=planned,
        landed=np.where(np.isin(run, ["finished", "ticked"]), planned, never),
        due=np.asarray(started + np.timedelta64(DUE_DAYS * _DAY, "s")),
        closed=np.where(is_cut, np.maximum(left, created), closed),
        recorded=np.where(rng.random(count) < RECORDED_LATE, office(late), never),
        end=end,
    )
    return Picks(*_ordered(picks, order)), Course(*_ordered(course, order))


def _ordered(columns: Picks | Course, order: Ints) -> list[Any]:
    return [getattr(columns, field.name)[order] for field in fields(columns)]


def _in_month(world: World, month: Ints, rng: np.random.Generator) -> Times:
    """Return an instant of office hours in the first ten days of each month of the book."""
    import numpy as np

    days = np.add(world.size.first_month, month).astype("datetime64[D]") + rng.integers(0, 10, len(month))
    seconds = rng.integers(7 * 3600, 15 * 3600, len(month)).astype("timedelta64[s]")
    return np.asarray(days.astype("datetime64[s]") + seconds)


def _span(days: list[tuple[int, int]], rng: np.random.Generator) -> Spans:
    """Return a random time between the shortest and the longest of each row."""
    import numpy as np

    low, high = np.array(days, dtype=float).reshape(-1, 2).T
    return np.asarray(np.ceil((low + (high - low) * rng.random(len(days))) * _DAY).astype("timedelta64[s]"))


def _runs(picks: Picks, rng: np.random.Generator) -> tuple[Texts, Ints]:
    """Return how each plan was executed and the step at which it stopped; the shares of the playbooks hold exactly."""
    import numpy as np

    run = np.full(len(picks.account), "finished", dtype=object)
    stop = np.zeros(len(picks.account), dtype=np.int64)
    for name, playbook in BY_NAME.items():
        rows = rng.permutation(np.flatnonzero(picks.playbook == name))
        run[rows] = _portioned(playbook.run, len(rows))
        steps = [place for place, is_mandatory in enumerate(playbook.steps.values(), 1) if is_mandatory][1:]
        ends_early = rows[~np.isin(run[rows], ["finished", "ticked"])]
        stop[ends_early] = np.resize(steps, len(ends_early))
    return run, np.where(run == "stuck_plan", STUCK_STEP, np.where(run == "stuck_customer", 2, stop))


def _portioned(shares: Mapping[str, float], count: int) -> Texts:
    import numpy as np

    edges = np.round(np.cumsum([0.0, *shares.values()]) / sum(shares.values()) * count).astype(int)
    return np.repeat(np.array(list(shares), dtype=object), np.diff(edges))


def step_rows(world: World, plan_ids: Texts, picks: Picks, course: Course) -> pd.DataFrame:
    """Return `plan_steps`: the steps of each plan's playbook, as they stand at the end of the book.

    Args:
        world: Accounts of the block.
        plan_ids: Id of each plan.
        picks: The plans.
        course: How they went.
    """
    import numpy as np
    import pandas as pd

    rng = world.stream("plan_steps")
    lists = [list(BY_NAME[name].steps.items()) for name in picks.playbook]
    size = np.array([len(steps) for steps in lists], dtype=np.int64)
    plan = np.repeat(np.arange(len(lists)), size)
    number: Ints = np.arange(len(plan), dtype=np.int64) - np.repeat(np.cumsum(size) - size, size) + 1
    is_mandatory = np.array([must for steps in lists for _, must in steps], dtype=bool)
    planned, done = _step_times(course, plan, (number, size[plan]), rng)
    is_skipped = ~is_mandatory & (rng.random(len(plan)) < SKIPPED_SHARE)
    stops = (course.stop[plan] > 0) & (number >= course.stop[plan])
    is_done = ~is_skipped & ~stops & (done <= course.end[plan])
    status, blocker = _standing(world, course, plan, (number, is_skipped, stops, is_done, planned))
    minutes = np.round(STEP_MINUTES * np.exp(rng.normal(0, 0.6, len(plan))))
    return pd.DataFrame(
        {
            "plan_id": plan_ids[plan],
            "step_no": number,
            "name": np.array([name for steps in lists for name, _ in steps], dtype=object),
            "is_mandatory": is_mandatory,
            "planned_at": office(planned),
            "done_at": np.where(is_done, office(done), np.datetime64("NaT", "s")),
            "status": status,
            "blocker": blocker,
            "minutes": np.where(is_done, minutes, np.nan),
            "known_at": course.known()[plan],
        }
    )


def _step_times(course: Course, plan: Ints, place: tuple[Ints, Ints], rng: np.random.Generator) -> tuple[Times, Times]:
    """Return when each step should be done and when it would be: in their order between start and landing."""
    import numpy as np

    number, size = place
    planned_start = course.due[plan] - np.timedelta64(DUE_DAYS * _DAY, "s")
    length = (course.planned_landing[plan] - planned_start).astype(np.int64)
    at = [planned_start + (length * share).astype("timedelta64[s]") for share in _shares(number, size, rng)]
    is_ticked = course.run[plan] == "ticked"
    midnight = course.closed[plan].astype("datetime64[D]").astype("datetime64[s]")
    ticked = np.maximum(course.closed[plan] - (size - number).astype("timedelta64[s]") * 20, midnight)
    return at[0], np.where(is_ticked, ticked, at[1])


def _shares(number: Ints, size: Ints, rng: np.random.Generator) -> tuple[Floats, Floats]:
    return (number - 0.4) / size, (number - 0.9 * rng.random(len(number))) / size


def _standing(
    world: World, course: Course, plan: Ints, marks: tuple[Ints, Flags, Flags, Flags, Times]
) -> tuple[Texts, Texts]:
    """Return status and blocker of each step; the blocker of a plan the customer holds up stands on all open steps."""
    import numpy as np

    number, is_skipped, stops, is_done, planned = marks
    run, is_over = course.run[plan], course.closed[plan] <= world.size.last_second
    begun = (course.started[plan] <= world.size.last_second) & (planned <= world.size.last_second)
    is_stuck = stops & np.isin(run, ["stuck_csm", "stuck_customer", "stuck_plan"]) & begun
    is_blocked = is_stuck & ((number == course.stop[plan]) | (run == "stuck_customer"))
    open_status = np.where(begun & ~is_over, "doing", "todo")
    conditions = [is_done, is_skipped & (is_over | begun), is_blocked]
    status = np.select(conditions, ["done", "skipped", "blocked"], open_status)
    who = {"stuck_csm": "csm", "stuck_customer": "customer", "stuck_plan": "plan"}
    by_run = np.array([who.get(name, "none") for name in run], dtype=object)
    is_late_leaver = (run == "left") & ~is_done & ~is_skipped
    blocker = np.where(is_blocked, by_run, np.where(is_late_leaver, "customer", "none"))
    return status.astype(object), blocker.astype(object)
